// SPDX-License-Identifier: GPL-2.0
/*
 * Module entry and exit.
 */
#include <linux/init.h>
#include <linux/mmu_notifier.h>
#include <linux/module.h>
#include <linux/printk.h>

#include <axvcpu/arch.h>
#include <axvcpu/current.h>
#include <axvcpu/hardware.h>
#include <axvcpu/request.h>
#include <axvcpu/route.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/version.h>

#include "debugfs.h"
#include "file.h"
#include "oops.h"

static int __init axv_init(void)
{
	const struct axv_arch_ops *ops;
	int err;

	axv_kick_init();
	ops = axv_arch_init();
	if (IS_ERR(ops))
		return PTR_ERR(ops);
	err = axv_hardware_init(ops);
	if (err)
		goto err_arch;
	err = axv_irqfd_init();
	if (err)
		goto err_hardware;
	err = axv_oops_init();
	if (err)
		goto err_irqfd;
	axv_debugfs_init();
	err = axv_device_init(ops);
	if (err)
		goto err_oops;
	return 0;

err_oops:
	axv_debugfs_exit();
	axv_oops_exit();
err_irqfd:
	axv_irqfd_exit();
err_hardware:
	axv_hardware_exit();
err_arch:
	axv_arch_exit();
	return err;
}

/*
 * No file is open any more.  Interrupts, irqfds' work and MMU notifier calls that files
 * caused may still be on their way: each is waited for before the code goes.
 */
static void __exit axv_exit(void)
{
	axv_device_exit();
	axv_debugfs_exit();
	axv_oops_exit();
	axv_irqfd_exit();
	axv_hardware_exit();
	axv_kick_flush();
	axv_current_disable();
	mmu_notifier_synchronize();
	axv_arch_exit();
}

module_init(axv_init);
module_exit(axv_exit);

MODULE_DESCRIPTION("Virtual CPUs as file descriptors");
MODULE_AUTHOR("The axvcpu authors");
MODULE_LICENSE("GPL");
MODULE_VERSION(AXV_VERSION);
