// SPDX-License-Identifier: GPL-2.0
/*
 * /dev/axvcpu: what the host offers, and the creation of VMs.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/miscdevice.h>
#include <linux/module.h>

#include <axvcpu/vm.h>

#include "file.h"

/*
 * One of the minors that are reserved for local use, none is assigned to axvcpu.  By it
 * systemd makes the device's node at boot, and the kernel loads the module when the node is
 * opened: a dynamic minor is known only once the module is loaded.
 */
#define MINOR_LOCAL	251

/* The back end.  Constant: set before the device exists. */
static const struct axv_arch_ops *backend;

static long query(struct axv_call *call, void *data)
{
	struct axv_query *query = data;

	if (query->flags)
		return -EINVAL;
	return axv_query(call->ops, query->id, &query->value);
}

static long create_vm(struct axv_call *call, void *data)
{
	return axv_vm_file_new(call, data);
}

static const struct axv_ioctl commands[] = {
	AXV_IOC_ALL(AXV_QUERY, struct axv_query, 0, query),
	/* axv_vm_file_new() stores the reply itself, before the descriptor exists. */
	AXV_IOC_UPTO(AXV_CREATE_VM, struct axv_create_vm, flags, AXV_IOC_STORED,
		     create_vm),
	AXV_IOC_GET_TABLE(),
};

static long device_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct axv_call call = { .ops = backend };

	return axv_ioctl_dispatch(&call, commands, ARRAY_SIZE(commands), cmd, arg);
}

static const struct file_operations device_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = device_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.llseek = noop_llseek,
};

static struct miscdevice device = {
	.minor = MINOR_LOCAL,
	.name = "axvcpu",
	.mode = 0600,
	.fops = &device_fops,
};

/**
 * axv_device_init() - create the device
 * @ops:	the back end
 *
 * Return: 0 or a negative error.
 */
int axv_device_init(const struct axv_arch_ops *ops)
{
	int err;

	backend = ops;
	err = misc_register(&device);
	if (err == -EBUSY)
		pr_err("another driver has the character device 10:%d; see /proc/misc\n",
		       MINOR_LOCAL);
	return err;
}

/**
 * axv_device_exit() - remove the device; no file of it is open
 */
void axv_device_exit(void)
{
	misc_deregister(&device);
}

MODULE_ALIAS_MISCDEV(MINOR_LOCAL);
MODULE_ALIAS("devname:axvcpu");
