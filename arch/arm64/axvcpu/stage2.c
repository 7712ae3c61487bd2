// SPDX-License-Identifier: GPL-2.0
/*
 * The format of the second stage (Arm ARM, VMSAv8-64), and the maintenance of the host's
 * caches that a guest with its caches off needs.
 *
 * Without FEAT_S2FWB the guest's accesses bypass the caches while its own MMU is off, and
 * so would not see what the VMM or the host wrote through them: memory is cleaned to the
 * point of coherency before it is mapped.  All of it is unmapped, and so cleaned again
 * before it comes back, when the guest switches its caches, maintains them by set and
 * way, or is reset.  When memory is taken from the guest it is cleaned once more.
 *
 * Where instruction caches need care (CTR_EL0.DIC is clear) memory is mapped without
 * the right to execute until the first fetch, which invalidates them.
 */
#include <linux/align.h>
#include <linux/io.h>
#include <linux/minmax.h>
#include <asm/barrier.h>
#include <asm/cacheflush.h>
#include <asm/cpufeature.h>
#include <asm/cputype.h>
#include <asm/kvm_arm.h>
#include <asm/sysreg.h>

#include "arm64.h"

/* Descriptors of VMSAv8-64, stage 2 */
#define S2_VALID		BIT_ULL(0)
#define S2_TABLE		BIT_ULL(1)	/* at level 1 of the walker: a page */
#define S2_MEMATTR_NORMAL	(0xfull << 2)	/* inner and outer write-back */
#define S2_MEMATTR_FWB		(0x6ull << 2)	/* the same, whatever stage 1 says */
#define S2_READ			BIT_ULL(6)
#define S2_WRITE		BIT_ULL(7)
#define S2_SH_INNER		(3ull << 8)
#define S2_AF			BIT_ULL(10)
#define S2_XN			BIT_ULL(54)

/* Bits of address of a walk that begins with one table of level 1 */
#define THREE_LEVELS		39

#define SCTLR_M			BIT(0)
#define SCTLR_C			BIT(2)
#define SCTLR_CACHES_ON		(SCTLR_M | SCTLR_C)

/* Larger leaves would be cleaned for too long under the VM's lock. */
#define S2_FORMAT						\
	.break_before_make = true,				\
	.max_leaf_level = 2,					\
	.table = S2_VALID | S2_TABLE,				\
	.leaf = S2_VALID | S2_SH_INNER,				\
	.leaf_page = S2_TABLE,					\
	.present_mask = S2_VALID,				\
	.table_mask = S2_TABLE,					\
	.table_value = S2_TABLE,				\
	.readable = S2_READ,					\
	.writable = S2_WRITE,					\
	.not_executable = S2_XN,				\
	.accessed = S2_AF,					\
	.addr_mask = GENMASK_ULL(47, 12)

/* CTR_EL0: L1Ip, and whether instruction caches need no invalidation */
#define L1IP_MASK		GENMASK(15, 14)
#define L1IP_VIPT		(2 << 14)
#define NO_ICACHE_CARE		BIT(29)

/*
 * Instruction caches may be indexed by virtual address: what the kernel invalidates
 * by its own address is not the line that a guest finds.
 */
static bool icache_aliases __ro_after_init;
static bool icache_care __ro_after_init;

/* Index: the number of tables that the walk begins with, as a power of two */
static struct axv_s2_format three_levels[AXV_S2_MAX_ROOT_ORDER + 1] __ro_after_init = {
	[0 ... AXV_S2_MAX_ROOT_ORDER] = { S2_FORMAT },
};

static struct axv_s2_format four_levels __ro_after_init = { S2_FORMAT };

/*
 * A walk of three levels begins with up to 16 adjacent tables of level 1.  A walk of four
 * levels needs a processor with 44 bits of physical addresses, and only there is it
 * needed (Arm ARM, VTCR_EL2.SL0).
 */
void __init axv_arm64_s2_init(void)
{
	unsigned int bits = axv_arm64_host.phys_bits;
	u64 attr = axv_arm64_host.fwb ? S2_MEMATTR_FWB : S2_MEMATTR_NORMAL;
	u64 ctr = read_sanitised_ftr_reg(SYS_CTR_EL0);
	unsigned int order;

	icache_care = !(ctr & NO_ICACHE_CARE);
	icache_aliases = icache_care && (ctr & L1IP_MASK) == L1IP_VIPT;

	for (order = 0; order < ARRAY_SIZE(three_levels); order++) {
		three_levels[order].levels = 3;
		three_levels[order].root_order = order;
		three_levels[order].ipa_bits = min(bits, THREE_LEVELS + order);
		three_levels[order].leaf |= attr;
		three_levels[order].exec_on_fetch = icache_care;
	}
	four_levels.levels = 4;
	four_levels.ipa_bits = bits;
	four_levels.leaf |= attr;
	four_levels.exec_on_fetch = icache_care;
}

/** axv_arm64_ipa_bits() - the widest guest physical addresses, in bits */
unsigned int axv_arm64_ipa_bits(void)
{
	return axv_arm64_host.phys_bits;
}

/**
 * axv_arm64_s2_format() - the format for a width of guest physical addresses
 * @ipa_bits:	width of guest physical addresses, at most axv_arm64_ipa_bits()
 */
const struct axv_s2_format *axv_arm64_s2_format(unsigned int ipa_bits)
{
	unsigned int order = ipa_bits > THREE_LEVELS ? ipa_bits - THREE_LEVELS : 0;

	return order < ARRAY_SIZE(three_levels) ? &three_levels[order] : &four_levels;
}

/**
 * axv_arm64_vtcr() - VTCR_EL2 for a format
 * @fmt:	one of axv_arm64_s2_format()
 */
u64 axv_arm64_vtcr(const struct axv_s2_format *fmt)
{
	u64 vs = axv_arm64_host.vmid_bits == 16 ? VTCR_EL2_VS_16BIT : VTCR_EL2_VS_8BIT;

	return VTCR_EL2_RES1 | axv_arm64_pa_size() << VTCR_EL2_PS_SHIFT | vs |
	       VTCR_EL2_TG0_4K | VTCR_EL2_SH0_INNER | VTCR_EL2_ORGN0_WBWA |
	       VTCR_EL2_IRGN0_WBWA | (u64)(fmt->levels - 2) << VTCR_EL2_SL0_SHIFT |
	       (64 - fmt->ipa_bits);
}

/*
 * CTR_EL0 that holds for all CPUs.  Where they differ that is the kernel's sanitised
 * value.  Elsewhere it is the register: it is read once for each page, and for the
 * kernel's value a table has to be searched.
 */
static u64 cache_type(void)
{
	return cpus_have_cap(ARM64_MISMATCHED_CACHE_TYPE) ?
	       read_sanitised_ftr_reg(SYS_CTR_EL0) : read_sysreg(ctr_el0);
}

/*
 * Clean and invalidate lines to the point of coherency; the caller issues the barrier.
 * @line is the shortest of all CPUs, since the caches of other CPUs are cleaned by this,
 * too.  The loop does eight lines at a time: it takes more than a third of the cost of a
 * page that the guest touches for the first time.
 */
static void clean_lines(unsigned long start, unsigned long end, unsigned long line)
{
	unsigned long at = ALIGN_DOWN(start, line);

	while (at + 8 * line <= end)
		asm volatile(".rept 8\n\t"
			     "dc civac, %0\n\t"
			     "add %0, %0, %1\n\t"
			     ".endr"
			     : "+r" (at) : "r" (line) : "memory");
	for (; at < end; at += line)
		asm volatile("dc civac, %0" : : "r" (at) : "memory");
}

static unsigned long dcache_line(void)
{
	return 4ul << ((cache_type() >> 16) & 0xf);
}

/**
 * axv_arm64_clean() - clean memory, so that an access with caches off sees its contents
 * @start:	address, as the kernel maps it
 * @size:	bytes
 *
 * DC CIVAC reaches the point of coherency, which no function does that the kernel
 * exports.
 *
 * Context: any.
 */
void axv_arm64_clean(const void *start, size_t size)
{
	unsigned long at = (unsigned long)start;

	clean_lines(at, at + size, dcache_line());
	dsb(sy);
}

/**
 * axv_arm64_clean_memory() - have the host see what the guest wrote past the caches
 * @pa:		physical address
 * @size:	bytes
 *
 * Without FEAT_S2FWB a guest with its caches off, or with mappings that are not
 * cacheable, writes to memory itself, while lines of the host's cacheable alias may
 * have been filled by speculation before.  These are clean, and so DC CIVAC discards
 * them; otherwise the host would read, and write to its disk, what was there before.
 * The kernel's KVM does the same (arch/arm64/kvm/mmu.c, "Unmapping vs dcache
 * management").
 *
 * Context: any.
 */
void axv_arm64_clean_memory(phys_addr_t pa, u64 size)
{
	axv_arm64_clean(phys_to_virt(pa), size);
}

/*
 * Invalidate instruction caches, of memory that is clean to the point of coherency; the
 * caller issues the barriers.
 */
static void invalidate_icache_lines(unsigned long start, u64 size)
{
	unsigned long line = 4ul << (cache_type() & 0xf);
	unsigned long at;

	for (at = start; icache_care && at < start + size; at += line)
		asm volatile("ic ivau, %0" : : "r" (at) : "memory");
}

/**
 * axv_arm64_sync_memory() - prepare memory that the guest is about to get, or to execute
 * @pa:		physical addresses
 * @nr:		number of these
 * @size:	bytes of each
 * @what:	AXV_SYNC_*
 *
 * Afterwards a guest with caches off, and instruction fetches, see all that was written
 * to it before.  One barrier completes what was begun for all addresses.
 *
 * Context: any.
 */
void axv_arm64_sync_memory(const phys_addr_t *pa, unsigned int nr, u64 size, u32 what)
{
	bool clean = what & AXV_SYNC_NEW && !axv_arm64_host.fwb;
	unsigned long at, line;
	unsigned int i;

	if (clean) {
		line = dcache_line();
		for (i = 0; i < nr; i++) {
			at = (unsigned long)phys_to_virt(pa[i]);
			clean_lines(at, at + size, line);
		}
		dsb(sy);
	}
	if (!(what & AXV_SYNC_FETCH))
		return;
	for (i = 0; i < nr; i++) {
		at = (unsigned long)phys_to_virt(pa[i]);
		if (clean)
			invalidate_icache_lines(at, size);
		else
			caches_clean_inval_pou(at, at + size);
	}
	if (icache_aliases)
		asm volatile("ic	ialluis");
	if (clean || icache_aliases) {
		dsb(ish);
		isb();
	}
}

/**
 * axv_arm64_memory_reset() - prepare guest memory for a vCPU that is reset
 * @vm:		its VM
 *
 * The vCPU begins with its caches off, and the VMM may first write other data or code to
 * memory that is mapped.  So all of it is unmapped, and axv_arm64_sync_memory() is called
 * again before it comes back.
 *
 * Context: may sleep.
 */
void axv_arm64_memory_reset(struct axv_vm *vm)
{
	if (!axv_arm64_host.fwb || icache_care)
		axv_memory_forget(vm);
}

/**
 * axv_arm64_caches_changed() - act on a write to SCTLR_EL1, by the guest or the VMM
 * @v:		vCPU whose claim the caller holds
 * @old:	what it was
 * @new:	what it will be
 *
 * Once the caches are on, writes to registers of stage 1 need not be trapped any more.
 *
 * Context: may sleep.
 */
void axv_arm64_caches_changed(struct axv_arm64_vcpu *v, u64 old, u64 new)
{
	bool was_on = (old & SCTLR_CACHES_ON) == SCTLR_CACHES_ON;
	bool is_on = (new & SCTLR_CACHES_ON) == SCTLR_CACHES_ON;

	if (was_on != is_on && !axv_arm64_host.fwb)
		axv_memory_forget(v->base.vm);
	if (is_on)
		v->trap_caches = false;
}

/**
 * axv_arm64_set_way() - act on the guest's maintenance of caches by set and way
 * @v:		vCPU whose claim the caller holds
 *
 * A virtual machine has no caches with sets and ways.  A guest uses such operations when
 * it switches its caches on or off.  So the first one unmaps all memory, and the others
 * do nothing, until the caches are on again.
 *
 * Context: may sleep.
 */
void axv_arm64_set_way(struct axv_arm64_vcpu *v)
{
	if (axv_arm64_host.fwb || v->trap_caches)
		return;
	axv_memory_forget(v->base.vm);
	v->trap_caches = true;
}

/**
 * axv_arm64_watch_caches() - restore whether the caches of a vCPU are watched
 * @v:		vCPU whose claim the caller holds, its SCTLR_EL1 restored
 * @watch:	they were watched where the vCPU was saved, perhaps on a host that differs
 *		in FEAT_S2FWB
 *
 * Otherwise it would not be noticed that a vCPU switches its caches, if it was saved
 * after its maintenance by set and way and before the switch.
 */
void axv_arm64_watch_caches(struct axv_arm64_vcpu *v, bool watch)
{
	bool on = (v->sys[AXV_SYS_SCTLR_EL1] & SCTLR_CACHES_ON) == SCTLR_CACHES_ON;

	v->trap_caches = !axv_arm64_host.fwb && (watch || !on);
}
