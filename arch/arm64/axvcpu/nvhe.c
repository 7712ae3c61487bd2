// SPDX-License-Identifier: GPL-2.0
/*
 * Hosts whose kernel runs at EL1 (no VHE): the module takes EL2 from the kernel's stub
 * while there are VMs, and then gives it back.
 *
 * The code at EL2 is el2.S, in pages of its own.  EL2's map has nothing in it but them
 * and a page for each CPU, struct axv_nvhe.  To enter a guest the kernel writes all that
 * EL2 needs into the CPU's page and executes HVC; after the exit all that there is to
 * know about it is in that page.
 *
 * EL2 is lost whenever the CPU loses power, which backend.c is told of, and when other
 * code asks for it as the kernel asks its stub: then the next entry finds out, and the
 * run ends with FAIL_ENTRY.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/arm-smccc.h>
#include <linux/cpumask.h>
#include <linux/errno.h>
#include <linux/gfp.h>
#include <linux/io.h>
#include <linux/mm.h>
#include <linux/notifier.h>
#include <linux/percpu.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <asm/barrier.h>
#include <asm/cpufeature.h>
#include <asm/daifflags.h>
#include <asm/pgtable-hwdef.h>
#include <asm/sysreg.h>
#include <asm/virt.h>

#include <axvcpu/hardware.h>

#include "arm64.h"
#include "controls.h"
#include "nvhe.h"
#include "switch.h"

/* Stage 1 of EL2 (Arm ARM, VMSAv8-64): a page that can be executed cannot be written. */
#define S1_VALID		BIT_ULL(0)
#define S1_TABLE		BIT_ULL(1)	/* at level 1 of the walker: a page */
#define S1_AP1_RES1		BIT_ULL(6)
#define S1_READ_ONLY		BIT_ULL(7)
#define S1_SH_INNER		(3ull << 8)
#define S1_AF			BIT_ULL(10)
#define S1_XN			BIT_ULL(54)

#define PMBLIMITR_E		BIT(0)		/* PMBLIMITR_EL1 */
#define TRBLIMITR_E		BIT(0)		/* TRBLIMITR_EL1 */
#define PFR0_EL2		(0xfull << 8)	/* ID_AA64PFR0_EL1 */

#define VA_BITS_EL2		48
#define MAIR_WRITE_BACK		0xffull		/* attribute 0 */

/* TCR_EL2 without VHE; the rest is as in TCR_EL1. */
#define TCR_RES1		(BIT_ULL(31) | BIT_ULL(23))
#define TCR_PS_SHIFT		16

static const struct axv_s2_format map_format = {
	.levels = 4,
	.ipa_bits = VA_BITS_EL2,
	.max_leaf_level = 1,
	.break_before_make = true,
	.table = S1_VALID | S1_TABLE,
	.leaf = S1_VALID | S1_AP1_RES1 | S1_SH_INNER,
	.leaf_page = S1_TABLE,
	.present_mask = S1_VALID,
	.table_mask = S1_TABLE,
	.table_value = S1_TABLE,
	.executable = S1_READ_ONLY,
	.not_executable = S1_XN,
	.accessed = S1_AF,
	.addr_mask = GENMASK_ULL(47, 12),
};

static struct axv_stage2 map;
static void *code;
static DEFINE_PER_CPU(struct axv_nvhe *, nvhe_page);

/* ---- finding out what has EL2 ------------------------------------------------------ */

static u64 ask_who(void)
{
	unsigned long flags = local_daif_save();
	u64 answer = axv_nvhe_ask(AXV_NVHE_WHO);

	local_daif_restore(flags);
	return answer;
}

/*
 * Can HVC reach an EL2 that is the kernel's?  If the kernel is itself a guest, its ID
 * register shows no EL2, or HVC is for calls to its hypervisor.
 */
static bool __init may_have_el2(void)
{
	u64 pfr0 = read_sysreg_s(SYS_ID_AA64PFR0_EL1);

	return pfr0 & PFR0_EL2 &&
	       arm_smccc_1_1_get_conduit() != SMCCC_CONDUIT_HVC;
}

static int __init look_for_el2(void)
{
	u64 answer = may_have_el2() ? ask_who() : 0;

	if (!answer) {
		pr_err("there is no EL2 for this kernel, which was started at EL1\n");
		return -EOPNOTSUPP;
	}
	if (answer != HVC_STUB_ERR || axv_arm64_kvm_is_there()) {
		pr_err("KVM has EL2, and without VHE it is not shared; boot with kvm-arm.mode=none\n");
		return -EBUSY;
	}
	return 0;
}

/* ---- calls ---------------------------------------------------------------------- */

static __always_inline u64 call_el2(u64 call, u64 arg1, u64 arg2)
{
	register u64 x0 asm("x0") = call;
	register u64 x1 asm("x1") = arg1;
	register u64 x2 asm("x2") = arg2;

	asm volatile("hvc	#0"
		     : "+r" (x0), "+r" (x1), "+r" (x2)
		     : : "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",
			 "x12", "x13", "x14", "x15", "x16", "x17", "cc", "memory");
	return x0;
}

/**
 * axv_nvhe_enable() - take EL2 of this CPU from the kernel's stub
 *
 * Context: interrupts off.
 * Return: 0; -EBUSY: the stub does not have it; -EOPNOTSUPP: HCR_EL2.E2H cannot be clear.
 */
int axv_nvhe_enable(void)
{
	struct axv_nvhe *page = __this_cpu_read(nvhe_page);
	phys_addr_t install = virt_to_phys(code) + (axv_nvhe_install - axv_nvhe_code);

	if (ask_who() != HVC_STUB_ERR)
		return -EBUSY;
	page->optional = __this_cpu_read(axv_arm64_optional);
	/* At EL2 caches are off until axv_nvhe_install has read the page. */
	axv_arm64_clean(page, sizeof(*page));
	return call_el2(HVC_SOFT_RESTART, install, virt_to_phys(page)) ? -EOPNOTSUPP : 0;
}

/**
 * axv_nvhe_disable() - give EL2 of this CPU back to the kernel's stub
 *
 * Does nothing where the stub has EL2 already.
 *
 * Context: interrupts off.
 */
void axv_nvhe_disable(void)
{
	call_el2(HVC_RESET_VECTORS, 0, 0);
}

/* ---- memory of EL2 --------------------------------------------------------------- */

static int map_pages(void *start, size_t size, u32 rights)
{
	struct axv_s2_cache cache = {};
	phys_addr_t pa = virt_to_phys(start), end = pa + size;
	int err = 0;
	bool flush;

	for (; pa < end && !err; pa += PAGE_SIZE) {
		err = axv_s2_cache_fill(&cache, &map_format) ?:
		      axv_s2_map(&map, &cache, pa, pa, 1, rights, &flush);
	}
	axv_s2_cache_drain(&cache);
	return err;
}

static size_t code_size(void)
{
	return PAGE_ALIGN(axv_nvhe_code_end - axv_nvhe_code);
}

static void free_memory(void)
{
	int cpu;

	for_each_possible_cpu(cpu)
		free_page((unsigned long)per_cpu(nvhe_page, cpu));
	free_pages_exact(code, code_size());
	axv_s2_destroy(&map);
}

static u64 tcr(void)
{
	return TCR_RES1 | axv_arm64_pa_size() << TCR_PS_SHIFT | TCR_SH0_INNER |
	       TCR_ORGN0_WBWA | TCR_IRGN0_WBWA | TCR_T0SZ(VA_BITS_EL2);
}

static int __init map_cpu(int cpu)
{
	struct axv_nvhe *page = (void *)get_zeroed_page(GFP_KERNEL);

	BUILD_BUG_ON(sizeof(*page) > PAGE_SIZE);
	if (!page)
		return -ENOMEM;
	per_cpu(nvhe_page, cpu) = page;
	page->ttbr = map.root;
	page->tcr = tcr();
	page->mair = MAIR_WRITE_BACK;
	return map_pages(page, PAGE_SIZE, AXV_S2_READ | AXV_S2_WRITE);
}

static int __init make_memory(void)
{
	int cpu, err;

	err = axv_s2_init(&map, &map_format);
	if (err)
		return err;
	code = alloc_pages_exact(code_size(), GFP_KERNEL);
	if (!code) {
		axv_s2_destroy(&map);
		return -ENOMEM;
	}

	memcpy(code, axv_nvhe_code, axv_nvhe_code_end - axv_nvhe_code);
	err = map_pages(code, code_size(), AXV_S2_READ | AXV_S2_EXEC);
	for_each_possible_cpu(cpu)
		if (!err)
			err = map_cpu(cpu);
	if (err) {
		free_memory();
		return err;
	}
	/* The code begins with caches off. */
	axv_arm64_clean(code, code_size());
	return 0;
}

/**
 * axv_nvhe_init() - check that the kernel's stub has EL2, and prepare to take it
 *
 * Context: module load.
 * Return: 0; -EOPNOTSUPP: there is no EL2, or it cannot be used; -EBUSY: KVM has EL2; -ENOMEM.
 */
int __init axv_nvhe_init(void)
{
	int err = look_for_el2();

	if (err)
		return err;
	err = make_memory();
	if (err)
		return err;
	/* Take EL2 of this CPU once, to see whether that works. */
	local_irq_disable();
	axv_arm64_look_at_cpu();
	err = axv_nvhe_enable();
	if (!err)
		axv_nvhe_disable();
	local_irq_enable();
	if (err)
		free_memory();
	return err;
}

/**
 * axv_nvhe_ich_vtr() - ICH_VTR_EL2, which cannot be read from EL1
 *
 * Return: the value on the CPU that has loaded the module; 0 without a GICv3.
 */
u64 axv_nvhe_ich_vtr(void)
{
	u64 vtr = 0;
	int cpu;

	for_each_possible_cpu(cpu)
		vtr |= per_cpu(nvhe_page, cpu)->ich_vtr;
	return vtr;
}

/** axv_nvhe_exit() - free the memory of EL2, which the stub has on all CPUs */
void axv_nvhe_exit(void)
{
	free_memory();
}

/* ---- entry and exit ------------------------------------------------------------ */

/*
 * A host that samples or traces EL1 has buffers for that in its own address space (Arm
 * ARM, PMBLIMITR_EL1, TRBLIMITR_EL1).  Both are stopped and the buffers are drained
 * before that address space changes: otherwise data would be written by the guest's
 * translation, and the host would see what the guest does.
 *
 * Trace that does not go to such a buffer is left alone.  Its sink has no address space
 * that changes, and EL3 may trap TRFCR_EL1 (MDCR_EL3.TTRF), which booting.rst does not
 * keep it from: only a driver that has switched the buffer on has shown that the register
 * can be accessed.  So a host that traces its own EL1 by another sink sees the guest's
 * branches as well, as the root user who set it up may; a guest sees nothing, since
 * MDCR_EL2.TTRF and CPTR_EL2.TTA trap it.
 */
static void stop_profiling(struct axv_nvhe *page)
{
	page->pmscr = 0;
	if (page->optional & BIT(AXV_OPTIONAL_SPE) &&
	    read_sysreg_s(SYS_PMBLIMITR_EL1) & PMBLIMITR_E) {
		page->pmscr = read_sysreg_s(SYS_PMSCR_EL1);
		write_sysreg_s(0, SYS_PMSCR_EL1);
		isb();
		psb_csync();
		dsb(nsh);
	}
	/* EL3 may trap TRFCR_EL1, but not where the host's own driver has a buffer enabled. */
	page->trfcr = 0;
	if (page->optional & BIT(AXV_OPTIONAL_TRBE) &&
	    read_sysreg_s(SYS_TRBLIMITR_EL1) & TRBLIMITR_E) {
		page->trfcr = read_sysreg_s(SYS_TRFCR_EL1);
		if (!page->trfcr)
			return;
		write_sysreg_s(0, SYS_TRFCR_EL1);
		isb();
		tsb_csync();
		dsb(nsh);
	}
}

static void start_profiling(const struct axv_nvhe *page)
{
	if (page->pmscr)
		write_sysreg_s(page->pmscr, SYS_PMSCR_EL1);
	if (page->trfcr)
		write_sysreg_s(page->trfcr, SYS_TRFCR_EL1);
	if (page->pmscr || page->trfcr)
		isb();
}

/**
 * axv_nvhe_load() - copy the guest's registers to the CPU's page, where EL2 finds them
 * @v:		vCPU whose claim the caller holds
 *
 * Context: interrupts off until axv_nvhe_put().
 */
void axv_nvhe_load(struct axv_arm64_vcpu *v)
{
	struct axv_nvhe *page = __this_cpu_read(nvhe_page);

	stop_profiling(page);
	memcpy(page->sys, v->sys, sizeof(page->sys));
	axv_arm64_controls(v, page->host_ctl, page->optional);
	memcpy(page->ctl, v->ctl, sizeof(page->ctl));
	page->aprs = 0;
	if (axv_arm64_has_gic(v)) {
		page->ich = v->ich;
		page->lrs = v->gic.nr;
		page->aprs = axv_gic_host.nr_aprs;
	}
	page->harden = __this_cpu_read(axv_arm64_harden);
}

/**
 * axv_nvhe_put() - copy the guest's registers back from the CPU's page
 * @v:		vCPU of axv_nvhe_load()
 */
void axv_nvhe_put(struct axv_arm64_vcpu *v)
{
	struct axv_nvhe *page = __this_cpu_read(nvhe_page);

	memcpy(v->sys, page->sys, sizeof(page->sys));
	v->sys[AXV_SYS_DISR_EL1] = page->ctl[AXV_CTL_VDISR_EL2] & AXV_DISR_BITS;
	if (axv_arm64_has_gic(v)) {
		v->ich = page->ich;
		v->ich.hcr = page->ctl[AXV_CTL_ICH_HCR_EL2];
	}
	start_profiling(page);
}

/*
 * Enter the guest with *@hcr as HCR_EL2, and leave what became of that there.  If the
 * guest was not entered, the code is AXV_EL2_FAULT, and axv_nvhe_report() finds the
 * reason.
 *
 * Nothing here may be compiled to a call of memcpy() or memset(), which can be probed.
 */
static __always_inline void enter(struct axv_arm64_vcpu *v, u64 *hcr)
{
	struct axv_nvhe *page = __this_cpu_read(nvhe_page);
	unsigned int stale = axv_arm64_tlb_stale(v);
	struct axv_arm64_syndrome *s = &v->last;
	u64 answer;

	/*
	 * Only EL2 can restrict predictions of other VMIDs by instructions: el2.S does
	 * that.
	 */
	if (unlikely(stale == AXV_TLB_ALL) && !axv_arm64_can_restrict_predictions())
		axv_arm64_have_firmware_forget();
	page->hcr = *hcr;
	page->stale = stale;
	page->ctl[AXV_CTL_MDSCR_EL1] = axv_arm64_mdscr(v);
	page->vsesr = v->events.serror_iss;
	answer = call_el2(AXV_NVHE_ENTER, 0, 0);
	if (unlikely(answer)) {
		page->code = AXV_EL2_FAULT;
		page->elr = 0;
		page->esr = answer;
	}
	if (likely(page->code != AXV_EL2_FAULT))
		*hcr = page->hcr;

	s->code = page->code;
	s->esr = page->esr;
	if (!axv_arm64_is_abort(s->esr))
		return;
	s->far = page->far;
	s->ipa_valid = false;
	s->before_valid = false;
	if (axv_arm64_has_hpfar(s->esr))
		axv_arm64_set_ipa(v, page->hpfar);
	else
		s->ipa_valid = axv_arm64_par_to_ipa(page->par, &s->ipa);
	if (unlikely(axv_arm64_may_begin_before(s->esr, s->far)))
		s->before_valid = axv_arm64_par_to_memory(page->par_before, &s->before);
}

static noinstr void switch_worlds(struct axv_arm64_vcpu *v)
{
	axv_arm64_switch(v, enter);
}

/**
 * axv_nvhe_switch() - enter the guest, and return when it exits
 * @v:		vCPU that is loaded by axv_nvhe_load()
 *
 * Context: interrupts off.
 */
void axv_nvhe_switch(struct axv_arm64_vcpu *v)
{
	struct axv_nvhe *page = __this_cpu_read(nvhe_page);

	page->regs = v->regs;
	switch_worlds(v);
	if (likely(page->code != AXV_EL2_FAULT)) {
		v->regs = page->regs;
		v->regs.pstate = axv_arm64_known_pstate(v->regs.pstate);
	}
}

/**
 * axv_nvhe_report() - say why a guest was not entered
 *
 * Context: interrupts off since that entry.
 */
void axv_nvhe_report(void)
{
	const struct axv_nvhe *page = __this_cpu_read(nvhe_page);

	if (!page->elr)
		pr_err_ratelimited("CPU %d: other code has EL2, and answers %#llx\n",
				   smp_processor_id(), page->esr);
	else
		pr_err("CPU %d: fault at EL2 at %#llx, ESR %#llx, FAR %#llx; EL2 is given back\n",
		       smp_processor_id(), page->elr - virt_to_phys(code),
		       page->esr, page->far);
}
