// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Eventfds of KVM's interface.  An irqfd is one of the module's (with PIC and IOAPIC: see
 * irqfd.c), and an ioeventfd is a doorbell of the module's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "chips.h"
#include "debug.h"
#include "vm.h"

/**
 * struct doorbell - an ioeventfd
 * @flags: AXV_DOORBELL_*
 * @width: of the write, in bytes; 0: any
 * @addr: of the write
 * @data: of the write, with AXV_DOORBELL_DATA
 * @fd: a copy of the eventfd, which the VMM may close
 * @next: in the VM's list
 */
struct doorbell {
	__u32 flags;
	__u32 width;
	__u64 addr;
	__u64 data;
	int fd;
	struct doorbell *next;
};

int eventfd_irqfd(struct vm *vm, const struct kvm_irqfd *irqfd)
{
	int err;

	if (!vm->lapic)
		return -EINVAL;
	if (vm->chips)
		return irqfd_set(vm->chips, irqfd);
	/* KVM, too, refuses resampling when its irqchip is split. */
	if (irqfd->flags & ~KVM_IRQFD_FLAG_DEASSIGN)
		return -EINVAL;
	if (irqfd->flags & KVM_IRQFD_FLAG_DEASSIGN) {
		err = axv_vm_remove_irqfd(vm->axv, irqfd->gsi, irqfd->fd);
		/* KVM returns 0 for an irqfd that is not there. */
		return err == -ENOENT ? 0 : err;
	}
	err = axv_vm_add_irqfd(vm->axv, irqfd->gsi, irqfd->fd, -1);
	if (err)
		debug("irqfd of gsi %u: %s", irqfd->gsi, axv_error());
	return err == -EEXIST ? -EBUSY : err;
}

static struct doorbell **find(struct vm *vm, const struct doorbell *d)
{
	struct doorbell **p;

	for (p = &vm->doorbells; *p; p = &(*p)->next) {
		if ((*p)->flags == d->flags && (*p)->width == d->width &&
		    (*p)->addr == d->addr && (*p)->data == d->data)
			return p;
	}
	return p;
}

static int add(struct vm *vm, const struct doorbell *d, int fd)
{
	struct doorbell *new = malloc(sizeof(*new));
	int err;

	if (!new)
		return -ENOMEM;
	*new = *d;
	new->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	err = new->fd < 0 ? -errno :
	      axv_vm_add_doorbell(vm->axv, d->flags, d->addr, d->width, d->data, fd);
	if (err) {
		debug("ioeventfd at %#llx: error %d", (unsigned long long)d->addr, -err);
		if (new->fd >= 0)
			close(new->fd);
		free(new);
		return err;
	}
	new->next = vm->doorbells;
	vm->doorbells = new;
	return 0;
}

static int remove_one(struct vm *vm, const struct doorbell *d, int fd)
{
	struct doorbell **p = find(vm, d), *old = *p;
	int err;

	if (!old)
		return -ENOENT;
	err = axv_vm_remove_doorbell(vm->axv, d->flags, d->addr, d->width, d->data, fd);
	if (err)
		return err;
	*p = old->next;
	close(old->fd);
	free(old);
	return 0;
}

static bool is_width(__u32 len, bool port)
{
	return !len || len == 1 || len == 2 || len == 4 || (len == 8 && !port);
}

int eventfd_ioeventfd(struct vm *vm, const struct kvm_ioeventfd *io)
{
	const __u32 known = KVM_IOEVENTFD_FLAG_DATAMATCH | KVM_IOEVENTFD_FLAG_PIO |
			    KVM_IOEVENTFD_FLAG_DEASSIGN;
	bool port = io->flags & KVM_IOEVENTFD_FLAG_PIO;
	bool match = io->flags & KVM_IOEVENTFD_FLAG_DATAMATCH;
	const struct doorbell d = {
		.flags = (port ? AXV_DOORBELL_PORT : 0) | (match ? AXV_DOORBELL_DATA : 0),
		.width = io->len,
		.addr = io->addr,
		.data = match ? io->datamatch : 0,
	};
	int err;

	if (io->flags & ~known || !is_width(io->len, port) || (match && !io->len))
		return -EINVAL;
	pthread_mutex_lock(&vm->lock);
	if (io->flags & KVM_IOEVENTFD_FLAG_DEASSIGN)
		err = remove_one(vm, &d, io->fd);
	else
		err = add(vm, &d, io->fd);
	pthread_mutex_unlock(&vm->lock);
	return err;
}

/*
 * The module's order when several match: a doorbell with data before others, then one with a
 * width.
 */
static int rank(const struct doorbell *d)
{
	return (d->flags & AXV_DOORBELL_DATA ? 2 : 0) + (d->width ? 1 : 0);
}

static bool matches(const struct doorbell *d, bool port, uint64_t addr, unsigned int width,
		    uint64_t data)
{
	return !!(d->flags & AXV_DOORBELL_PORT) == port && d->addr == addr &&
	       (!d->width || d->width == width) &&
	       (!(d->flags & AXV_DOORBELL_DATA) || d->data == data);
}

bool eventfd_ring(struct vm *vm, bool port, uint64_t addr, unsigned int width, uint64_t data)
{
	const struct doorbell *best = NULL, *d;

	pthread_mutex_lock(&vm->lock);
	for (d = vm->doorbells; d; d = d->next) {
		if (matches(d, port, addr, width, data) && (!best || rank(d) > rank(best)))
			best = d;
	}
	/* EAGAIN: the counter is full, so its reader is woken in any case. */
	if (best && eventfd_write(best->fd, 1) && errno != EAGAIN)
		debug("ioeventfd at %#llx: error %d", (unsigned long long)addr, errno);
	pthread_mutex_unlock(&vm->lock);
	return best;
}

int eventfd_repeat(struct vm *vm, struct axv_vm *axv)
{
	const struct doorbell *d;
	int err = 0;

	for (d = vm->doorbells; d && !err; d = d->next)
		err = axv_vm_add_doorbell(axv, d->flags, d->addr, d->width, d->data, d->fd);
	if (err)
		debug("%s", axv_error());
	return err;
}

void eventfd_free(struct vm *vm)
{
	struct doorbell *d;

	while ((d = vm->doorbells)) {
		vm->doorbells = d->next;
		close(d->fd);
		free(d);
	}
}
