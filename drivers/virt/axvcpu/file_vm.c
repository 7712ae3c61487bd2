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

#include <axvcpu/compat.h>
#include <axvcpu/doorbell.h>
#include <axvcpu/route.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "debugfs.h"
#include "file.h"

static long create_vcpu(struct axv_call *call, void *data)
{
	return axv_vcpu_file_new(call->vm, data);
}

static long set_region(struct axv_call *call, void *data)
{
	return axv_set_region(call->vm, data);
}

static size_t dirty_size(const struct axv_dirty *dirty)
{
	return BITS_TO_LONGS(dirty->nr_pages) * sizeof(unsigned long);
}

static int check_dirty(const struct axv_dirty *dirty, u32 flags)
{
	if (dirty->flags & ~flags || !dirty->nr_pages ||
	    dirty->nr_pages > AXV_MAX_DIRTY_PAGES)
		return -EINVAL;
	return 0;
}

static long get_dirty(struct axv_call *call, void *data)
{
	unsigned long *bitmap __free(axv_kvfree) = NULL;
	const struct axv_dirty *dirty = data;
	bool keep = dirty->flags & AXV_DIRTY_KEEP;
	long err;

	err = check_dirty(dirty, AXV_DIRTY_KEEP);
	if (err)
		return err;
	bitmap = kvzalloc(dirty_size(dirty), GFP_KERNEL_ACCOUNT);
	if (!bitmap)
		return -ENOMEM;
	err = axv_get_dirty(call->vm, dirty->region, dirty->first_page,
			    dirty->nr_pages, bitmap, keep);
	if (!err && copy_to_user(u64_to_user_ptr(dirty->bitmap), bitmap,
				 dirty_size(dirty)))
		err = -EFAULT;
	/* Pages that were cleaned and not reported become dirty again. */
	if (err && !keep)
		axv_put_dirty(call->vm, dirty->region, dirty->first_page,
			      dirty->nr_pages, bitmap);
	return err;
}

static long clear_dirty(struct axv_call *call, void *data)
{
	unsigned long *bitmap __free(axv_kvfree) = NULL;
	const struct axv_dirty *dirty = data;
	long err;

	err = check_dirty(dirty, 0);
	if (err)
		return err;
	/*
	 * Not vmemdup_user(): its memory is charged to no cgroup, and the VMM can make the
	 * copy wait for ever.
	 */
	bitmap = kvmalloc(dirty_size(dirty), GFP_KERNEL_ACCOUNT);
	if (!bitmap)
		return -ENOMEM;
	if (copy_from_user(bitmap, u64_to_user_ptr(dirty->bitmap), dirty_size(dirty)))
		return -EFAULT;
	return axv_clear_dirty(call->vm, dirty->region, dirty->first_page,
			       dirty->nr_pages, bitmap);
}

static long set_doorbell(struct axv_call *call, void *data)
{
	return axv_set_doorbell(call->vm, data);
}

static long set_clock(struct axv_call *call, void *data)
{
	const struct axv_clock *clock = data;

	if (clock->flags || clock->pad)
		return -EINVAL;
	call->ops->set_counter(call->vm, clock->counter);
	return 0;
}

static long get_clock(struct axv_call *call, void *data)
{
	struct axv_clock *clock = data;

	if (clock->flags || clock->pad)
		return -EINVAL;
	clock->counter = call->ops->get_counter(call->vm);
	return 0;
}

static long inject(struct axv_call *call, void *data)
{
	return axv_vm_inject(call->vm, data);
}

static int routes_array(struct axv_call *call, void *data)
{
	const struct axv_set_routes *routes = data;

	if (routes->flags & ~AXV_ROUTES_ALL || routes->count > AXV_MAX_ROUTES)
		return -EINVAL;
	axv_call_array(call, routes->routes, routes->count, sizeof(struct axv_route));
	return 0;
}

static long set_routes(struct axv_call *call, void *data)
{
	const struct axv_set_routes *routes = data;

	return axv_set_routes(call->vm, call->array, call->count,
			      routes->flags & AXV_ROUTES_ALL);
}

static int gsis_array(struct axv_call *call, void *data)
{
	const struct axv_set_routes *routes = data;

	return routes->flags ? -EINVAL : routes_array(call, data);
}

static long get_routes(struct axv_call *call, void *data)
{
	return axv_get_routes(call->vm, call->array, call->count);
}

static long set_irqfd(struct axv_call *call, void *data)
{
	return axv_set_irqfd(call->vm, data);
}

static const struct axv_ioctl commands[] = {
	AXV_IOC_UPTO(AXV_VM_CREATE_VCPU, struct axv_create_vcpu, favor_phys_cpu,
		     0, create_vcpu),
	AXV_IOC_ALL(AXV_VM_SET_REGION, struct axv_region, 0, set_region),
	AXV_IOC_ALL(AXV_VM_GET_DIRTY, struct axv_dirty, 0, get_dirty),
	AXV_IOC_ALL(AXV_VM_CLEAR_DIRTY, struct axv_dirty, 0, clear_dirty),
	AXV_IOC_ALL(AXV_VM_SET_DOORBELL, struct axv_doorbell, 0, set_doorbell),
	AXV_IOC_ALL(AXV_VM_SET_CLOCK, struct axv_clock, 0, set_clock,
		    .need = AXV_NEED_VM),
	AXV_IOC_ALL(AXV_VM_GET_CLOCK, struct axv_clock, 0, get_clock),
	AXV_IOC_ALL(AXV_VM_SET_ROUTES, struct axv_set_routes, AXV_IOC_ARRAY_IN, set_routes,
		    .array = routes_array, .need = AXV_NEED_VM),
	AXV_IOC_ALL(AXV_VM_GET_ROUTES, struct axv_set_routes,
		    AXV_IOC_ARRAY_IN | AXV_IOC_ARRAY_OUT, get_routes, .array = gsis_array,
		    .need = AXV_NEED_VM),
	AXV_IOC_ALL(AXV_VM_SET_IRQFD, struct axv_set_irqfd, 0, set_irqfd,
		    .need = AXV_NEED_VM),
	AXV_IOC_UPTO(AXV_INJECT, struct axv_inject, data, 0, inject),
	AXV_IOC_GET_TABLE(.need = AXV_NEED_VM),
	AXV_IOC_SET_TABLE(.need = AXV_NEED_VM),
};

static long vm_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct axv_vm *vm = file->private_data;
	struct axv_call call = { .ops = vm->ops, .vm = vm };

	if (!axv_vm_is_mine(vm))
		return -EIO;
	return axv_ioctl_dispatch(&call, commands, ARRAY_SIZE(commands), cmd, arg);
}

static int vm_release(struct inode *inode, struct file *file)
{
	struct axv_vm *vm = file->private_data;

	/* The VM's vCPUs may run on, since each holds a reference to the VM. */
	axv_doorbells_close(vm);
	axv_irqfd_end_all(vm);
	axv_end_routes(vm);
	axv_vm_put(vm);
	return 0;
}

static void vm_show_fdinfo(struct seq_file *m, struct file *file)
{
	axv_show_vm(m, file->private_data);
}

static const struct file_operations vm_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vm_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.release = vm_release,
	.show_fdinfo = vm_show_fdinfo,
	.llseek = noop_llseek,
};

/**
 * axv_vm_file_new() - AXV_CREATE_VM
 * @call:	the call
 * @config:	what userspace wants; gets the VM's id
 *
 * The id is stored before the descriptor exists, so no call fails and leaves a descriptor
 * behind.
 *
 * Context: may sleep.
 * Return: a file descriptor or a negative error.
 */
int axv_vm_file_new(struct axv_call *call, struct axv_create_vm *config)
{
	struct axv_vm *vm;
	struct file *file;
	int fd, err;

	vm = axv_vm_new(call->ops, config);
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
	/* vm_release() puts the VM. */
	fput(file);
err_fd:
	put_unused_fd(fd);
	return err;
}
