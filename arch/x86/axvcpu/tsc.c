// SPDX-License-Identifier: GPL-2.0
/*
 * The host's TSC, from which all guests' counters are derived.
 */
#include <linux/compiler.h>

#include <asm/tsc.h>

#include <axvcpu/compat.h>

#include "tsc.h"
#include "x86.h"

/*
 * While the host is suspended to memory or disk the TSC may stop, and start again at 0
 * (SDM vol. 3B, "Invariant TSC": it counts in ACPI C-states, and S3 is none of them).
 * axv_x86_tsc_lost is what it lost, and is added to the TSC of every guest; otherwise
 * that would go backwards.
 */
u64 axv_x86_tsc_lost;
static u64 tsc_at_suspend;

/**
 * axv_x86_tsc_resumed() - the host wakes from a suspend
 * @before:	the host's TSC when the suspend began
 * @after:	the host's TSC now
 *
 * Context: one CPU, interrupts off; no guest runs anywhere.
 */
void axv_x86_tsc_resumed(u64 before, u64 after)
{
	if (after < before)
		axv_x86_tsc_lost += before - after;
}

static int tsc_suspend(void)
{
	tsc_at_suspend = rdtsc_ordered();
	return 0;
}

static void tsc_resume(void)
{
	axv_x86_tsc_resumed(tsc_at_suspend, rdtsc_ordered());
}

AXV_DEFINE_SYSCORE(tsc_syscore, tsc_suspend, tsc_resume);

/** axv_x86_tsc_init() - watch the host's TSC, until axv_x86_tsc_exit() */
void axv_x86_tsc_init(void)
{
	axv_register_syscore(&tsc_syscore);
}

void axv_x86_tsc_exit(void)
{
	axv_unregister_syscore(&tsc_syscore);
}

/**
 * axv_x86_get_counter() - what the VM's counter reads now
 * @vm:		VM
 */
u64 axv_x86_get_counter(struct axv_vm *vm)
{
	return rdtsc_ordered() + axv_x86_tsc_lost +
	       READ_ONCE(to_x86_vm(vm)->tsc_offset);
}

/**
 * axv_x86_set_counter() - make the VM's counter read a value now
 * @vm:		VM; vCPUs that run take it over at their next entry
 * @value:	the value
 */
void axv_x86_set_counter(struct axv_vm *vm, u64 value)
{
	WRITE_ONCE(to_x86_vm(vm)->tsc_offset,
		   value - rdtsc_ordered() - axv_x86_tsc_lost);
}
