// SPDX-License-Identifier: GPL-2.0
/*
 * The VM's file: memory, tables, time, and the creation of vCPUs.
 */
#include <linux/anon_inodes.h>
#include <linux/cpumask.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "file.h"

/* Bounds what one call allocates: 256 MiB of bits, for 8 TiB of memory. */
#define MAX_DIRTY_PAGES	BIT_ULL(31)

static long create_vcpu(struct axv_call *call, void *data)
{
	return axv_vcpu_file_new(call->object, data);
}

static long set_region(struct axv_call *call, void *data)
{
	return axv_set_region(call->object, data);
}

static long get_dirty(struct axv_call *call, void *data)
{
	const struct axv_dirty *dirty = data;
	unsigned long *bitmap;
	size_t size;
	long err;

	if (dirty->flags || !dirty->nr_pages ||
	    dirty->nr_pages > MAX_DIRTY_PAGES)
		return -EINVAL;
	size = BITS_TO_LONGS(dirty->nr_pages) * sizeof(*bitmap);
	bitmap = kvzalloc(size, GFP_KERNEL_ACCOUNT | __GFP_NOWARN);
	if (!bitmap)
		return -ENOMEM;
	err = axv_get_dirty(call->object, dirty->slot, dirty->first_page,
			    dirty->nr_pages, bitmap);
	if (!err && copy_to_user(u64_to_user_ptr(dirty->bitmap), bitmap, size)) {
		/* What was cleared and not reported is dirty again. */
		axv_put_dirty(call->object, dirty->slot, dirty->first_page,
			      dirty->nr_pages, bitmap);
		err = -EFAULT;
	}
	kvfree(bitmap);
	return err;
}

static long set_clock(struct axv_call *call, void *data)
{
	const struct axv_clock *clock = data;
	struct axv_vm *vm = call->object;

	if (clock->flags || clock->pad)
		return -EINVAL;
	mutex_lock(&vm->lock);
	vm->ops->set_counter(vm, clock->counter);
	mutex_unlock(&vm->lock);
	return 0;
}

static long get_clock(struct axv_call *call, void *data)
{
	struct axv_clock *clock = data;
	struct axv_vm *vm = call->object;

	if (clock->flags || clock->pad)
		return -EINVAL;
	clock->counter = vm->ops->get_counter(vm);
	return 0;
}

static long inject(struct axv_call *call, void *data)
{
	return axv_vm_inject(call->object, data);
}

static long get_table(struct axv_call *call, void *data)
{
	struct axv_vm *vm = call->object;
	long err;

	mutex_lock(&vm->lock);
	err = axv_ioctl_get_table(vm, NULL, data);
	mutex_unlock(&vm->lock);
	return err;
}

static long set_table(struct axv_call *call, void *data)
{
	struct axv_vm *vm = call->object;
	long err;

	mutex_lock(&vm->lock);
	err = axv_ioctl_set_table(vm, NULL, data);
	mutex_unlock(&vm->lock);
	return err;
}

static const struct axv_ioctl commands[] = {
	AXV_IOC_UPTO(AXV_VM_CREATE_VCPU, struct axv_create_vcpu, favor_phys_cpu,
		     0, create_vcpu),
	AXV_IOC_ALL(AXV_VM_SET_REGION, struct axv_region, 0, set_region),
	AXV_IOC_ALL(AXV_VM_GET_DIRTY, struct axv_dirty, 0, get_dirty),
	AXV_IOC_ALL(AXV_VM_SET_CLOCK, struct axv_clock, 0, set_clock),
	AXV_IOC_ALL(AXV_VM_GET_CLOCK, struct axv_clock, AXV_IOC_REPLY,
		    get_clock),
	AXV_IOC_UPTO(AXV_INJECT, struct axv_inject, data, 0, inject),
	AXV_IOC_ALL(AXV_GET_TABLE, struct axv_table,
		    AXV_IOC_REPLY | AXV_IOC_REPLY_E2BIG, get_table),
	AXV_IOC_ALL(AXV_SET_TABLE, struct axv_table, 0, set_table),
};

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct axv_vm *vm = file->private_data;

	if (!axv_vm_is_mine(vm))
		return -EIO;
	return axv_ioctl_dispatch(commands, ARRAY_SIZE(commands), vm, cmd, arg);
}

static int vm_release(struct inode *inode, struct file *file)
{
	axv_vm_put(file->private_data);
	return 0;
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = vm_release,
	.llseek = noop_llseek,
};

/**
 * axv_vm_file_new() - AXV_CREATE_VM
 * @ops:	the back end
 * @call:	the call
 * @config:	what userspace wants; gets the VM's id
 *
 * The id is stored before the descriptor exists: no call fails and leaves one
 * behind.
 *
 * Context: may sleep.
 * Return: a file descriptor or a negative error.
 */
int axv_vm_file_new(const struct axv_arch_ops *ops, struct axv_call *call,
		    struct axv_create_vm *config)
{
	struct axv_vm *vm;
	struct file *file;
	int fd, err;

	vm = axv_vm_new(ops, config);
	if (IS_ERR(vm))
		return PTR_ERR(vm);
	config->vm_id = vm->id;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0) {
		axv_vm_put(vm);
		return fd;
	}
	file = anon_inode_getfile("axvcpu-vm", &vm_fops, vm, O_RDWR);
	if (IS_ERR(file)) {
		err = PTR_ERR(file);
		axv_vm_put(vm);
		goto err_fd;
	}
	err = axv_reply(call, config);
	if (err)
		goto err_file;
	fd_install(fd, file);
	return fd;

err_file:
	/* Its release puts the VM. */
	fput(file);
err_fd:
	put_unused_fd(fd);
	return err;
}
