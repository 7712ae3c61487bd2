// SPDX-License-Identifier: GPL-2.0
/*
 * L1 Terminal Fault: a guest can read what the host left in the first-level data
 * cache, on processors that have the fault (Documentation/admin-guide/hw-vuln/
 * l1tf.rst).  The cache is flushed before an entry if the host has done more than
 * answer an exit since the entry before.
 */
#include <linux/compiler.h>
#include <linux/gfp.h>
#include <linux/jump_label.h>
#include <linux/string.h>
#include <asm/cpufeature.h>
#include <asm/msr.h>
#include <asm/processor.h>

#include "vmx.h"

/* Twice the largest cache, since its replacement is not strict. */
#define FLUSH_ORDER	4
#define FLUSH_SIZE	(PAGE_SIZE << FLUSH_ORDER)
#define CACHE_LINE	64

DEFINE_STATIC_KEY_FALSE(axv_vmx_l1d_needed);

/* l1tf=full,force: flush before every entry. */
bool axv_vmx_l1d_always __ro_after_init;

/* Memory that is read instead, on a processor without the flush command. */
static u8 *flush_pages;

static bool is_vulnerable(void)
{
	u64 caps = 0;

	if (!boot_cpu_has_bug(X86_BUG_L1TF) ||
	    l1tf_mitigation == L1TF_MITIGATION_OFF)
		return false;
	if (boot_cpu_has(X86_FEATURE_ARCH_CAPABILITIES))
		rdmsrl(MSR_IA32_ARCH_CAPABILITIES, caps);
	/* With this bit the kernel is a guest itself, and its hypervisor flushes. */
	return !(caps & ARCH_CAP_SKIP_VMENTRY_L1DFLUSH);
}

/**
 * axv_vmx_l1d_init() - find out whether entries have to flush
 *
 * Context: module load; may sleep.
 * Return: 0 or -ENOMEM.
 */
int axv_vmx_l1d_init(void)
{
	unsigned int i;

	if (!is_vulnerable())
		return 0;
	if (!boot_cpu_has(X86_FEATURE_FLUSH_L1D)) {
		flush_pages = (u8 *)__get_free_pages(GFP_KERNEL, FLUSH_ORDER);
		if (!flush_pages)
			return -ENOMEM;
		/* If the kernel is a guest, its hypervisor could merge pages of one content. */
		for (i = 0; i < BIT(FLUSH_ORDER); i++)
			memset(flush_pages + i * PAGE_SIZE, i + 1, PAGE_SIZE);
	}
	axv_vmx_l1d_always = l1tf_mitigation == L1TF_MITIGATION_FULL_FORCE;
	static_branch_enable(&axv_vmx_l1d_needed);
	return 0;
}

/** axv_vmx_l1d_exit() - release what axv_vmx_l1d_init() took */
void axv_vmx_l1d_exit(void)
{
	if (static_key_enabled(&axv_vmx_l1d_needed))
		static_branch_disable(&axv_vmx_l1d_needed);
	free_pages((unsigned long)flush_pages, FLUSH_ORDER);
	flush_pages = NULL;
}

/* Touch every page first: otherwise page walks displace what was read. */
static __always_inline void read_through(void)
{
	unsigned int i;

	for (i = 0; i < FLUSH_SIZE; i += PAGE_SIZE)
		__READ_ONCE(flush_pages[i]);
	/* The reads above come before those below (SDM vol. 3A, "Serializing Instructions"). */
	native_cpuid_eax(0);
	for (i = 0; i < FLUSH_SIZE; i += CACHE_LINE)
		__READ_ONCE(flush_pages[i]);
	/* No entry before all of it has been read. */
	rmb();
}

/**
 * axv_vmx_l1d_flush() - remove the host's data from the L1 data cache
 *
 * Context: interrupts off, just before an entry: for RCU the CPU is in the guest already.
 */
noinstr void axv_vmx_l1d_flush(void)
{
	if (static_cpu_has(X86_FEATURE_FLUSH_L1D))
		native_wrmsrl(MSR_IA32_FLUSH_CMD, L1D_FLUSH);
	else
		read_through();
}
