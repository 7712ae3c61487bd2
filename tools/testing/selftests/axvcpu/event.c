// SPDX-License-Identifier: GPL-2.0
/*
 * Eventfds, and the routes and irqfds that make interrupts of them.
 */
#include "event.h"

int event_new(unsigned int count)
{
	int fd = eventfd(count, EFD_NONBLOCK | EFD_CLOEXEC);

	must(fd >= 0);
	return fd;
}

void signal_event(int fd)
{
	must(!eventfd_write(fd, 1));
}

__u64 count_of(int fd)
{
	eventfd_t count = 0;

	must(!eventfd_read(fd, &count) || errno == EAGAIN);
	return count;
}

int set_routes(struct axv_vm *vm, const struct axv_route *routes, __u32 count, __u32 flags)
{
	struct axv_set_routes set = {
		.count = count, .flags = flags, .routes = (unsigned long)routes,
	};

	return axv_ioctl(vm->fd, AXV_VM_SET_ROUTES, &set);
}

int set_irqfd(struct axv_vm *vm, int fd, __u32 gsi, __u32 flags)
{
	struct axv_set_irqfd set = { .fd = fd, .gsi = gsi, .flags = flags };

	return axv_ioctl(vm->fd, AXV_VM_SET_IRQFD, &set);
}

int set_resampled(struct axv_vm *vm, int fd, __u32 gsi, int resample)
{
	struct axv_set_irqfd set = {
		.fd = fd, .gsi = gsi, .flags = AXV_IRQFD_RESAMPLE, .resample_fd = resample,
	};

	return axv_ioctl(vm->fd, AXV_VM_SET_IRQFD, &set);
}

static void *signaller_main(void *arg)
{
	struct signaller *s = arg;

	while (!s->stop)
		signal_event(s->event);
	return NULL;
}

void signaller_start(struct signaller *s, int event)
{
	s->event = event;
	s->stop = 0;
	must(!pthread_create(&s->thread, NULL, signaller_main, s));
}

void signaller_stop(struct signaller *s)
{
	s->stop = 1;
	must(!pthread_join(s->thread, NULL));
}
