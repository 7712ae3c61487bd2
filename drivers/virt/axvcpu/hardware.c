// SPDX-License-Identifier: GPL-2.0
/*
 * Virtualization is on, on all CPUs, while there is a VM; and off otherwise.
 *
 * A CPU's flag is written on that CPU with interrupts off, together with the hardware, and
 * an entry into a guest looks at the flag with interrupts off.  So whatever switches
 * virtualization off - the last VM, hotplug, suspend, reboot, kexec - the next entry on
 * that CPU does not happen.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/irqflags.h>
#include <linux/notifier.h>
#include <linux/printk.h>
#include <linux/reboot.h>
#include <linux/smp.h>

#include <axvcpu/arch.h>
#include <axvcpu/compat.h>
#include <axvcpu/current.h>
#include <axvcpu/hardware.h>
#include <axvcpu/vcpu.h>

/**
 * struct enable_call - what the CPUs report while they switch on
 * @hw:		the hardware
 * @error:	an error of one of those that failed, or 0
 */
struct enable_call {
	struct axv_hardware *hw;
	int error;
};

/* On this CPU, interrupts off. */
static int enable_here(struct axv_hardware *hw)
{
	struct axv_percpu *percpu = this_cpu_ptr(hw->percpu);
	int err;

	if (percpu->enabled)
		return 0;
	err = hw->ops->hardware_enable();
	if (!err)
		percpu->enabled = true;
	return err;
}

static void disable_here(struct axv_hardware *hw)
{
	struct axv_percpu *percpu = this_cpu_ptr(hw->percpu);

	if (!percpu->enabled)
		return;
	/* Evict the vCPUs first: once it is off, the hardware cannot save those that it holds. */
	axv_evict_this_cpu();
	percpu->enabled = false;
	hw->ops->hardware_disable();
}

static void enable_ipi(void *info)
{
	struct enable_call *call = info;
	int err = enable_here(call->hw);

	if (err)
		WRITE_ONCE(call->error, err);
}

static void disable_ipi(void *info)
{
	disable_here(info);
}

/**
 * __axv_hardware_init() - prepare a hardware object
 * @hw:		the object
 * @ops:	switches one CPU on and off
 * @percpu:	one cleared flag per CPU
 */
void __axv_hardware_init(struct axv_hardware *hw, const struct axv_arch_ops *ops,
			 struct axv_percpu __percpu *percpu)
{
	hw->ops = ops;
	hw->percpu = percpu;
	mutex_init(&hw->lock);
	hw->users = 0;
	hw->down = false;
}

static void disable_all(struct axv_hardware *hw)
{
	on_each_cpu(disable_ipi, hw, 1);
	if (hw->ops->hardware_unprepare)
		hw->ops->hardware_unprepare();
}

/* Switch on all CPUs or none: if one fails, the others are switched off again. */
static int enable_all(struct axv_hardware *hw)
{
	struct enable_call call = { .hw = hw };
	int err;

	err = hw->ops->hardware_prepare ? hw->ops->hardware_prepare() : 0;
	if (err)
		return err;
	on_each_cpu(enable_ipi, &call, 1);
	if (call.error)
		disable_all(hw);
	return call.error;
}

/**
 * __axv_hardware_get() - one more user; the first switches all CPUs on
 * @hw:		the hardware
 *
 * Context: may sleep; takes the CPU hotplug lock.
 * Return: 0; -EBUSY: another hypervisor has it; -ESHUTDOWN: the machine is going down; or
 * another error of hardware_prepare() or hardware_enable().
 */
int __axv_hardware_get(struct axv_hardware *hw)
{
	int err = 0;

	/*
	 * The lock keeps CPUs from going offline meanwhile.  Otherwise a CPU that has been
	 * through its offline callback, but is still online, is switched on and stays so.
	 */
	cpus_read_lock();
	mutex_lock(&hw->lock);
	if (hw->down)
		err = -ESHUTDOWN;
	else if (!hw->users)
		err = enable_all(hw);
	if (!err)
		hw->users++;
	mutex_unlock(&hw->lock);
	cpus_read_unlock();
	return err;
}

/**
 * __axv_hardware_put() - one user less; the last switches all CPUs off
 * @hw:		the hardware
 *
 * Does without the CPU hotplug lock, which callers of mmput() may hold already.  A CPU that
 * comes online and is missed here finds no users in its callback, and stays off.  A CPU
 * that goes offline has been switched off by its callback, or still gets the IPI.
 *
 * Context: may sleep.
 */
void __axv_hardware_put(struct axv_hardware *hw)
{
	mutex_lock(&hw->lock);
	if (!--hw->users)
		disable_all(hw);
	mutex_unlock(&hw->lock);
}

/**
 * __axv_hardware_online() - this CPU comes online: switch it on if there are users
 * @hw:		the hardware
 *
 * Context: on that CPU, may sleep.
 * Return: 0, or an error of hardware_enable(): the CPU stays offline.
 */
int __axv_hardware_online(struct axv_hardware *hw)
{
	int err = 0;

	mutex_lock(&hw->lock);
	if (hw->users && !hw->down) {
		local_irq_disable();
		err = enable_here(hw);
		local_irq_enable();
	}
	mutex_unlock(&hw->lock);
	return err;
}

/**
 * __axv_hardware_offline() - this CPU goes offline: switch it off
 * @hw:		the hardware
 *
 * Context: on that CPU, may sleep.
 */
void __axv_hardware_offline(struct axv_hardware *hw)
{
	mutex_lock(&hw->lock);
	local_irq_disable();
	disable_here(hw);
	local_irq_enable();
	mutex_unlock(&hw->lock);
}

/**
 * __axv_hardware_suspend() - the machine is about to sleep: switch this CPU off
 * @hw:		the hardware
 *
 * Context: the last CPU, interrupts off.
 */
void __axv_hardware_suspend(struct axv_hardware *hw)
{
	disable_here(hw);
}

/**
 * __axv_hardware_resume() - the machine has woken: switch this CPU on if there are users
 * @hw:		the hardware
 *
 * Where that fails no guest is entered on this CPU any more; the host goes on.
 *
 * Context: the first CPU, interrupts off.
 */
void __axv_hardware_resume(struct axv_hardware *hw)
{
	int err;

	if (!hw->users || hw->down)
		return;
	err = enable_here(hw);
	if (err)
		pr_err("%s does not come back after suspend (error %d)\n",
		       hw->ops->name, err);
}

/**
 * __axv_hardware_shutdown() - switch all CPUs off for good, even if there are users
 * @hw:		the hardware
 *
 * The firmware or the next kernel expects CPUs as they were after power-on.
 *
 * Context: may sleep.
 */
void __axv_hardware_shutdown(struct axv_hardware *hw)
{
	mutex_lock(&hw->lock);
	hw->down = true;
	on_each_cpu(disable_ipi, hw, 1);
	mutex_unlock(&hw->lock);
}

/* The module's own object. */
static struct axv_hardware hardware;
static enum cpuhp_state cpuhp_state;

static int cpu_online_callback(unsigned int cpu)
{
	int err = __axv_hardware_online(&hardware);

	if (err)
		pr_warn("%s cannot be enabled on CPU %u (error %d)\n",
			hardware.ops->name, cpu, err);
	return err;
}

static int cpu_offline_callback(unsigned int cpu)
{
	__axv_hardware_offline(&hardware);
	return 0;
}

static int suspend(void)
{
	__axv_hardware_suspend(&hardware);
	return 0;
}

static void resume(void)
{
	__axv_hardware_resume(&hardware);
}

AXV_DEFINE_SYSCORE(axv_syscore, suspend, resume);

static int reboot(struct notifier_block *notifier, unsigned long event,
		  void *unused)
{
	__axv_hardware_shutdown(&hardware);
	return NOTIFY_OK;
}

static struct notifier_block reboot_notifier = {
	.notifier_call = reboot,
};

/**
 * axv_hardware_init() - prepare the hardware; nothing is switched on
 * @ops:	the back end
 *
 * Context: may sleep.
 * Return: 0 or a negative error.
 */
int axv_hardware_init(const struct axv_arch_ops *ops)
{
	int ret;

	__axv_hardware_init(&hardware, ops, &axv_percpu);
	ret = cpuhp_setup_state(CPUHP_AP_ONLINE_DYN, "virt/axvcpu:online",
				cpu_online_callback, cpu_offline_callback);
	if (ret < 0)
		return ret;
	cpuhp_state = ret;
	axv_register_syscore(&axv_syscore);
	register_reboot_notifier(&reboot_notifier);
	return 0;
}

/**
 * axv_hardware_exit() - undo axv_hardware_init(); there is no VM
 *
 * Context: may sleep.
 */
void axv_hardware_exit(void)
{
	unregister_reboot_notifier(&reboot_notifier);
	axv_unregister_syscore(&axv_syscore);
	cpuhp_remove_state(cpuhp_state);
}

/**
 * axv_hardware_get() - a VM needs virtualization
 *
 * Context: may sleep.
 * Return: as __axv_hardware_get().
 */
int axv_hardware_get(void)
{
	int err = __axv_hardware_get(&hardware);

	if (err == -EBUSY)
		pr_warn_ratelimited("another hypervisor uses %s; end its VMs and unload it (modprobe -r %s)\n",
				    hardware.ops->name,
				    hardware.ops->rivals ?: "kvm");
	return err;
}

/**
 * axv_hardware_put() - a VM needs virtualization no more
 *
 * Context: may sleep; not under the CPU hotplug lock's write side.
 */
void axv_hardware_put(void)
{
	__axv_hardware_put(&hardware);
}
