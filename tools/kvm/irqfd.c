// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * irqfds of a VM that has PIC and IOAPIC.
 *
 * The module serves an irqfd whose gsi is a message, and sends the message without waking a
 * thread.  The thread of the chips waits for each other irqfd: its gsi leads to pins or to
 * nothing yet, or it has resampling.  New routes move irqfds from the module to the thread or
 * back.  A signal is not lost by that: the eventfd counts it until one of the two takes it.
 *
 * Each irqfd has a copy of its eventfd's descriptor, so that it can be moved when the VMM has
 * closed its own.  To change the list both the VM's lock and the chips' lock are held; to read it
 * one of them is enough.  The VM's lock also guards @in_module.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include <linux/kcmp.h>

#include "chips.h"
#include "debug.h"

#define EVENTS	16

/**
 * struct irqfd - an irqfd
 * @gsi: its number
 * @number: the VMM's descriptor of the eventfd
 * @fd: a copy of the eventfd's descriptor
 * @resample_fd: the same of the eventfd that is signalled at an interrupt's end; -1: none
 * @in_module: the module waits for it; otherwise the thread does
 * @next: in &chips.irqfds
 */
struct irqfd {
	__u32 gsi;
	int number;
	int fd;
	int resample_fd;
	bool in_module;
	struct irqfd *next;
};

/* ---- the thread --------------------------------------------------------- */

/* Take a signal if there is one.  Does not wait, even if the VMM's descriptor is a blocking one. */
static bool take(const struct irqfd *f)
{
	uint64_t count;
	struct iovec iov = { .iov_base = &count, .iov_len = sizeof(count) };

	return preadv2(f->fd, &iov, 1, -1, RWF_NOWAIT) == sizeof(count);
}

/*
 * The chips' lock is held here. deassign() takes an irqfd off the epoll descriptor first, then
 * takes that lock and removes the irqfd from the list.  So each irqfd among the events still
 * exists.
 */
static void irqfds_ready(void *arg)
{
	struct chips *c = arg;
	struct epoll_event events[EVENTS];
	int i, n = epoll_wait(c->irqfds_ready.fd, events, EVENTS, 0);

	for (i = 0; i < n; i++) {
		const struct irqfd *f = events[i].data.ptr;

		if (!take(f))
			continue;
		if (f->resample_fd >= 0)
			chips_set_gsi(c, f->gsi, SOURCE_RESAMPLE, true);
		else
			chips_pulse_gsi(c, f->gsi);
	}
}

static bool leads_to(const struct chips *c, __u32 gsi, bool pic, unsigned int pin)
{
	return gsi < c->nr_gsis && (pic ? c->gsis[gsi].pic : c->gsis[gsi].ioapic) == pin;
}

/* Does not wait if the counter is full: then the VMM has unread signals anyway. */
static void tell(const struct irqfd *f)
{
	struct pollfd poll_fd = { .fd = f->resample_fd, .events = POLLOUT };

	if (poll(&poll_fd, 1, 0) > 0 && poll_fd.revents & POLLOUT)
		eventfd_write(f->resample_fd, 1);
}

/*
 * All irqfds with resampling are one source of a gsi.  The source's level falls, and the
 * resampling eventfd of each is signalled, so that the VMM signals an irqfd again whose device
 * still wants an interrupt.
 */
void irqfd_ended(struct chips *c, bool pic, unsigned int pin)
{
	struct irqfd *f;

	for (f = c->irqfds; f; f = f->next) {
		if (f->resample_fd < 0 || !leads_to(c, f->gsi, pic, pin))
			continue;
		chips_set_gsi(c, f->gsi, SOURCE_RESAMPLE, false);
		tell(f);
	}
}

/* ---- the module, or the thread ------------------------------------------ */

static bool is_message(const struct gsi *gsis, unsigned int count, const struct irqfd *f)
{
	return f->resample_fd < 0 && f->gsi < count && gsis[f->gsi].message;
}

static int to_thread(struct chips *c, struct irqfd *f)
{
	struct epoll_event event = { .events = EPOLLIN, .data.ptr = f };

	if (epoll_ctl(c->irqfds_ready.fd, EPOLL_CTL_ADD, f->fd, &event))
		return -errno;
	f->in_module = false;
	return 0;
}

static int to_module(struct chips *c, struct irqfd *f)
{
	int err = axv_vm_add_irqfd(c->vm->axv, f->gsi, f->fd, -1);

	if (err)
		debug("irqfd of gsi %u: %s", f->gsi, axv_error());
	else
		f->in_module = true;
	return err;
}

static void from_either(struct chips *c, struct irqfd *f)
{
	if (f->in_module)
		axv_vm_remove_irqfd(c->vm->axv, f->gsi, f->fd);
	else
		epoll_ctl(c->irqfds_ready.fd, EPOLL_CTL_DEL, f->fd, NULL);
}

void irqfd_leave(struct chips *c, const struct gsi *gsis, unsigned int count)
{
	struct irqfd *f;

	for (f = c->irqfds; f; f = f->next) {
		if (!f->in_module || is_message(gsis, count, f))
			continue;
		from_either(c, f);
		if (to_thread(c, f))
			debug("irqfd of gsi %u is lost: error %d", f->gsi, errno);
	}
}

void irqfd_join(struct chips *c)
{
	struct irqfd *f;

	for (f = c->irqfds; f; f = f->next) {
		if (f->in_module || !is_message(c->gsis, c->nr_gsis, f))
			continue;
		from_either(c, f);
		/*
		 * If the module has no room for the irqfd, the thread waits for it and sends the
		 * message.
		 */
		if (to_module(c, f) && to_thread(c, f))
			debug("irqfd of gsi %u is lost: error %d", f->gsi, errno);
	}
}

/* ---- KVM_IRQFD ---------------------------------------------------------- */

/* The kernel's number of an eventfd; -1: not known. */
static int eventfd_id(int fd)
{
	char path[40], line[80];
	int id = -1;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "re");
	while (file && id < 0 && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "eventfd-id: %d", &id) != 1)
			id = -1;
	}
	if (file)
		fclose(file);
	return id;
}

/* Is a descriptor one of the irqfd's eventfd?  Without kcmp() and /proc, its number decides. */
static bool is_of(const struct irqfd *f, int fd)
{
	long order = syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, f->fd, fd);
	int id;

	if (order >= 0)
		return !order;
	id = eventfd_id(f->fd);
	return id < 0 ? f->number == fd : eventfd_id(fd) == id;
}

/* The thread can read eventfds only.  Without /proc, any descriptor is taken for one. */
static bool is_eventfd(int fd)
{
	static const char eventfd[] = "anon_inode:[eventfd]";
	char path[32], name[sizeof(eventfd)];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	n = readlink(path, name, sizeof(name));
	return n < 0 || (n == sizeof(eventfd) - 1 && !memcmp(name, eventfd, n));
}

static int copy_fd(int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy < 0)
		return -errno;
	if (is_eventfd(copy))
		return copy;
	close(copy);
	return -EINVAL;
}

static void free_one(struct irqfd *f)
{
	if (f->fd >= 0)
		close(f->fd);
	if (f->resample_fd >= 0)
		close(f->resample_fd);
	free(f);
}

static int make_one(const struct kvm_irqfd *args, struct irqfd **irqfd)
{
	struct irqfd *f = calloc(1, sizeof(*f));
	int err = 0;

	if (!f)
		return -ENOMEM;
	f->gsi = args->gsi;
	f->number = args->fd;
	f->resample_fd = -1;
	f->fd = copy_fd(args->fd);
	if (f->fd < 0)
		err = f->fd;
	if (!err && args->flags & KVM_IRQFD_FLAG_RESAMPLE) {
		f->resample_fd = copy_fd(args->resamplefd);
		if (f->resample_fd < 0)
			err = f->resample_fd;
	}
	if (err) {
		free_one(f);
		return err;
	}
	*irqfd = f;
	return 0;
}

static int assign(struct chips *c, const struct kvm_irqfd *args)
{
	struct irqfd *f;
	int err;

	if (fcntl(args->fd, F_GETFD) < 0)
		return -errno;
	for (f = c->irqfds; f; f = f->next) {
		if (is_of(f, args->fd))
			return -EBUSY;
	}
	err = make_one(args, &f);
	if (err)
		return err;
	err = is_message(c->gsis, c->nr_gsis, f) ? to_module(c, f) : to_thread(c, f);
	/*
	 * If the module has no room for the irqfd, the thread waits for it and sends the message.
	 */
	if (err == -ENOSPC)
		err = to_thread(c, f);
	if (err) {
		free_one(f);
		return err == -EEXIST ? -EBUSY : err;
	}
	pthread_mutex_lock(&c->lock);
	f->next = c->irqfds;
	c->irqfds = f;
	pthread_mutex_unlock(&c->lock);
	return 0;
}

static bool is_resampled(const struct chips *c, __u32 gsi)
{
	const struct irqfd *f;

	for (f = c->irqfds; f; f = f->next) {
		if (f->gsi == gsi && f->resample_fd >= 0)
			return true;
	}
	return false;
}

/* KVM returns 0 for an irqfd that is not there. */
static int deassign(struct chips *c, const struct kvm_irqfd *args)
{
	struct irqfd **p, *f;

	if (fcntl(args->fd, F_GETFD) < 0)
		return -errno;
	for (p = &c->irqfds; (f = *p); p = &f->next) {
		if (f->gsi == args->gsi && is_of(f, args->fd))
			break;
	}
	if (!f)
		return 0;
	from_either(c, f);
	/*
	 * The epoll descriptor tells no more of the irqfd; with the lock, the thread is done with
	 * older events.
	 */
	pthread_mutex_lock(&c->lock);
	*p = f->next;
	if (f->resample_fd >= 0 && !is_resampled(c, f->gsi))
		chips_set_gsi(c, f->gsi, SOURCE_RESAMPLE, false);
	pthread_mutex_unlock(&c->lock);
	free_one(f);
	return 0;
}

int irqfd_set(struct chips *c, const struct kvm_irqfd *args)
{
	const struct kvm_irqfd copy = *args;
	int err;

	if (copy.flags & ~(KVM_IRQFD_FLAG_DEASSIGN | KVM_IRQFD_FLAG_RESAMPLE))
		return -EINVAL;
	pthread_mutex_lock(&c->vm->lock);
	err = copy.flags & KVM_IRQFD_FLAG_DEASSIGN ? deassign(c, &copy) : assign(c, &copy);
	pthread_mutex_unlock(&c->vm->lock);
	return err;
}

int irqfd_init(struct chips *c)
{
	c->irqfds_ready = (struct loop_source){
		.fd = epoll_create1(EPOLL_CLOEXEC),
		.enabled = true,
		.ready = irqfds_ready,
		.arg = c,
	};
	if (c->irqfds_ready.fd < 0)
		return -errno;
	return loop_add(&c->loop, &c->irqfds_ready);
}

void irqfd_free(struct chips *c)
{
	struct irqfd *f;

	while ((f = c->irqfds)) {
		c->irqfds = f->next;
		free_one(f);
	}
	close(c->irqfds_ready.fd);
}
