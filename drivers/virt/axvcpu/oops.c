// SPDX-License-Identifier: GPL-2.0
/*
 * Beside an oops or a warning, the log tells which vCPU that CPU acts on.
 *
 * The current vCPU is claimed by the thread that runs on this CPU.  The thread holds the
 * vCPU's file, so the vCPU exists while the thread is here.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/kdebug.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/smp.h>
#include <linux/tracepoint.h>

#include <trace/events/error_report.h>

#include <axvcpu/current.h>
#include <axvcpu/state.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "oops.h"

/* Called in any context, an NMI included, so it takes no lock. */
static void tell_current(void)
{
	/* Read in one step: the vCPU is this thread's, even if the thread moves afterwards. */
	const struct axv_vcpu *vcpu = this_cpu_read(axv_current);

	if (vcpu)
		pr_warn("CPU %d acts on vCPU %u of VM %u, %s\n", raw_smp_processor_id(),
			vcpu->id, axv_vcpu_vm_id(vcpu),
			axv_state_name(axv_vcpu_state(vcpu)));
}

static int on_die(struct notifier_block *notifier, unsigned long event, void *data)
{
	if (event == DIE_OOPS)
		tell_current();
	return NOTIFY_DONE;
}

struct notifier_block axv_die_notifier = { .notifier_call = on_die };

/* Called after a warning, and after a report of KASAN or KFENCE. */
static void on_report(void *unused, enum error_detector detector, unsigned long id)
{
	tell_current();
}

/**
 * axv_oops_init() - listen for oopses and warnings
 *
 * Context: may sleep.
 * Return: 0 or -ENOMEM.
 */
int axv_oops_init(void)
{
	int err = register_trace_error_report_end(on_report, NULL);

	if (!err)
		register_die_notifier(&axv_die_notifier);
	return err;
}

/**
 * axv_oops_exit() - stop listening
 *
 * Context: may sleep.
 */
void axv_oops_exit(void)
{
	unregister_die_notifier(&axv_die_notifier);
	unregister_trace_error_report_end(on_report, NULL);
	tracepoint_synchronize_unregister();
}
