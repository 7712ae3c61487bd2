/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Virtualization on the host's CPUs: on while a VM exists.
 */
#ifndef _AXVCPU_HARDWARE_H
#define _AXVCPU_HARDWARE_H

#include <linux/cpumask.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/smp.h>
#include <linux/types.h>

struct axv_arch_ops;

/**
 * struct axv_percpu - what is known of one CPU
 * @enabled:	virtualization is on, on this CPU.  Written on this CPU with
 *		interrupts off; entry reads it the same way.
 */
struct axv_percpu {
	bool enabled;
};

DECLARE_PER_CPU(struct axv_percpu, axv_percpu);

/**
 * struct axv_hardware - virtualization of all CPUs
 * @ops:	whose hardware_enable and hardware_disable are called.  Constant.
 * @percpu:	one flag per CPU.  Constant.
 * @lock:	guards @users and @down; taken inside the CPU hotplug lock, and
 *		in the hotplug callbacks
 * @users:	VMs; virtualization is on while there are any
 * @down:	the system is going down: virtualization is not switched on any more
 *
 * The module has one, behind the functions without a hardware argument; tests
 * make their own.
 */
struct axv_hardware {
	const struct axv_arch_ops *ops;
	struct axv_percpu __percpu *percpu;
	struct mutex lock;	/* users, down */
	unsigned int users;
	bool down;
};

void __axv_hardware_init(struct axv_hardware *hw, const struct axv_arch_ops *ops,
			 struct axv_percpu __percpu *percpu);
int __axv_hardware_get(struct axv_hardware *hw);
void __axv_hardware_put(struct axv_hardware *hw);
int __axv_hardware_online(struct axv_hardware *hw);
void __axv_hardware_offline(struct axv_hardware *hw);
void __axv_hardware_suspend(struct axv_hardware *hw);
void __axv_hardware_resume(struct axv_hardware *hw);
void __axv_hardware_shutdown(struct axv_hardware *hw);

int axv_hardware_init(const struct axv_arch_ops *ops);
void axv_hardware_exit(void);
int axv_hardware_get(void);
void axv_hardware_put(void);

/**
 * axv_hardware_is_enabled() - may a guest be entered on this CPU?
 *
 * Context: interrupts off, so that the answer still holds at the entry.
 */
static inline bool axv_hardware_is_enabled(void)
{
	return __this_cpu_read(axv_percpu.enabled);
}

/**
 * axv_hardware_is_lost() - is virtualization off on this CPU, and will it stay so?
 *
 * True after a resume that failed, and once the machine is going down.  False on a CPU that
 * is going offline: virtualization is off there while the scheduler is still moving the
 * last threads to other CPUs.
 *
 * Context: interrupts off.
 */
static inline bool axv_hardware_is_lost(void)
{
	return !axv_hardware_is_enabled() && cpu_active(smp_processor_id());
}

#endif /* _AXVCPU_HARDWARE_H */
