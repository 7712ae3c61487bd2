// SPDX-License-Identifier: GPL-2.0
/*
 * CPUID: the table of a vCPU, what it lets the guest do, and the answers to
 * the guest.
 */
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/minmax.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <asm/fpu/types.h>
#include <asm/fpu/xstate.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include "cpuid.h"
#include "cpuid_host.h"
#include "exit.h"
#include "lapic.h"
#include "x86.h"

/*
 * What a table lets a guest do.
 */

static u32 answer(struct axv_x86_cpuid *entries, u32 count, u32 leaf,
		  unsigned int reg)
{
	struct axv_x86_cpuid *e = axv_x86_cpuid_find(entries, count, leaf, 0);

	return e ? *axv_x86_entry_reg(e, reg) : 0;
}

static u64 derive_cr4(struct axv_x86_cpuid *entries, u32 count)
{
	u32 d1 = answer(entries, count, 1, EDX);
	u32 c1 = answer(entries, count, 1, ECX);
	u32 b7 = answer(entries, count, 7, EBX);
	u32 c7 = answer(entries, count, 7, ECX);
	u64 cr4 = X86_CR4_PCE;

	cr4 |= d1 & F(VME) ? X86_CR4_VME | X86_CR4_PVI : 0;
	cr4 |= d1 & F(TSC) ? X86_CR4_TSD : 0;
	cr4 |= d1 & F(DE) ? X86_CR4_DE : 0;
	cr4 |= d1 & F(PSE) ? X86_CR4_PSE : 0;
	cr4 |= d1 & F(MCE) ? X86_CR4_MCE : 0;
	cr4 |= d1 & F(PAE) ? X86_CR4_PAE : 0;
	cr4 |= d1 & F(PGE) ? X86_CR4_PGE : 0;
	cr4 |= d1 & F(FXSR) ? X86_CR4_OSFXSR : 0;
	cr4 |= d1 & F(XMM) ? X86_CR4_OSXMMEXCPT : 0;
	cr4 |= c1 & F(PCID) ? X86_CR4_PCIDE : 0;
	cr4 |= c1 & F(XSAVE) ? X86_CR4_OSXSAVE : 0;
	cr4 |= b7 & F(FSGSBASE) ? X86_CR4_FSGSBASE : 0;
	cr4 |= b7 & F(SMEP) ? X86_CR4_SMEP : 0;
	cr4 |= b7 & F(SMAP) ? X86_CR4_SMAP : 0;
	cr4 |= c7 & F(UMIP) ? X86_CR4_UMIP : 0;
	cr4 |= c7 & F(PKU) ? X86_CR4_PKE : 0;
	cr4 |= c7 & F(LA57) ? X86_CR4_LA57 : 0;
	return cr4;
}

static u64 derive_efer(struct axv_x86_cpuid *entries, u32 count)
{
	u32 d = answer(entries, count, 0x80000001, EDX);
	u32 a21 = answer(entries, count, 0x80000021, EAX);
	u64 efer = 0;

	efer |= d & F(SYSCALL) ? EFER_SCE : 0;
	efer |= d & F(NX) ? EFER_NX : 0;
	efer |= d & F(LM) ? EFER_LME | EFER_LMA : 0;
	efer |= d & F(FXSR_OPT) ? EFER_FFXSR : 0;
	efer |= a21 & F(AUTOIBRS) ? EFER_AUTOIBRS : 0;
	return efer;
}

/**
 * axv_x86_cpuid_derive() - find out what a table lets a guest do
 * @entries:	the table
 * @count:	its length
 * @caps:	filled completely
 */
void axv_x86_cpuid_derive(struct axv_x86_cpuid *entries, u32 count,
			  struct axv_x86_caps *caps)
{
	u32 d1 = answer(entries, count, 1, EDX);
	u32 c1 = answer(entries, count, 1, ECX);
	u32 c7 = answer(entries, count, 7, ECX);
	u32 d7 = answer(entries, count, 7, EDX);
	u32 d81 = answer(entries, count, 0x80000001, EDX);
	u32 b88 = answer(entries, count, 0x80000008, EBX);
	u32 phys = answer(entries, count, 0x80000008, EAX) & 0xff;

	memset(caps, 0, sizeof(*caps));
	caps->cr4 = derive_cr4(entries, count);
	caps->efer = derive_efer(entries, count);
	caps->xsave = c1 & F(XSAVE);
	if (caps->xsave)
		caps->xcr0 = answer(entries, count, 0xd, EAX) |
			     (u64)answer(entries, count, 0xd, EDX) << 32;
	/* Without the leaf a processor has 36 (AMD APM vol. 3, E.4.7). */
	caps->phys_bits = phys ? max(phys, 32u) : 36;
	caps->la57 = c7 & F(LA57);
	caps->tsc_aux = (d81 & F(RDTSCP)) || (c7 & F(RDPID));
	caps->invpcid = answer(entries, count, 7, EBX) & F(INVPCID);
	caps->mtrr = d1 & F(MTRR);
	caps->mce = d1 & F(MCE);
	caps->mca = d1 & F(MCA);
	caps->x2apic = c1 & F(X2APIC);
	caps->tsc_deadline = c1 & F(TSC_DEADLINE_TIMER);
	caps->tsc_adjust = answer(entries, count, 7, EBX) & F(TSC_ADJUST);
	caps->arch_caps = d7 & F(ARCH_CAPABILITIES);
	/* Each vendor has bits of its own for the same two MSRs. */
	caps->ibpb = b88 & F(AMD_IBPB) || d7 & F(SPEC_CTRL);
	if (b88 & F(AMD_IBRS) || d7 & F(SPEC_CTRL))
		caps->spec_ctrl |= SPEC_CTRL_IBRS;
	if (b88 & F(AMD_STIBP) || d7 & F(INTEL_STIBP))
		caps->spec_ctrl |= SPEC_CTRL_STIBP;
	if (b88 & F(AMD_SSBD) || d7 & F(SPEC_CTRL_SSBD))
		caps->spec_ctrl |= SPEC_CTRL_SSBD;
}

/**
 * axv_x86_cpuid_init() - find out what the host can honour
 *
 * &axv_x86_host.xcr0, @phys_bits, @fpu_size and @tsc_aux are set already; @cr4
 * and @efer are set here.
 *
 * Context: module load.
 */
void axv_x86_cpuid_init(void)
{
	struct axv_x86_cpuid *table;
	struct axv_x86_caps caps;
	u32 count;

	axv_x86_host_table_init();
	table = axv_x86_host_table(&count);
	axv_x86_cpuid_derive(table, count, &caps);
	axv_x86_host.cr4 = caps.cr4;
	axv_x86_host.efer = caps.efer;
}

/*
 * The table of a vCPU.
 */

static void install(struct axv_x86_vcpu *x, const struct axv_x86_cpuid *entries,
		    u32 count, const struct axv_x86_caps *caps)
{
	u32 i;

	BUILD_BUG_ON(AXV_CPUID_SLOTS > 64);
	memcpy(x->cpuid, entries, count * sizeof(*entries));
	WRITE_ONCE(x->nr_cpuid, count);
	memset(x->answers, 0, sizeof(x->answers));
	/* Leaf 1 depends on CR4 (OSXSAVE), and both leaves on the local APIC. */
	x->cpuid_search = BIT_ULL(axv_x86_cpuid_slot(1)) |
			  BIT_ULL(axv_x86_cpuid_slot(0x80000001));
	for (i = 0; i < count; i++) {
		const struct axv_x86_cpuid *e = &entries[i];
		u32 slot = axv_x86_cpuid_slot(e->leaf);

		if (slot == AXV_CPUID_SLOTS)
			continue;
		if (e->flags & AXV_X86_CPUID_SUBLEAF)
			x->cpuid_search |= BIT_ULL(slot);
		x->answers[slot].eax = e->eax;
		x->answers[slot].ebx = e->ebx;
		x->answers[slot].ecx = e->ecx;
		x->answers[slot].edx = e->edx;
	}
	x->caps = *caps;
	x->hw->cpuid_changed(x);
}

/**
 * axv_x86_cpuid_default() - give a new vCPU the host's table
 * @x:		vCPU whose @cpuid has room for AXV_CPUID_MAX entries
 */
void axv_x86_cpuid_default(struct axv_x86_vcpu *x)
{
	struct axv_x86_caps caps;
	struct axv_x86_cpuid *table;
	u32 count;

	table = axv_x86_host_table(&count);
	axv_x86_cpuid_derive(table, count, &caps);
	install(x, table, count, &caps);
}

/* Is the table well-formed, and has no question two answers? */
static int check_table(struct axv_x86_cpuid *entries, u32 count)
{
	u32 i, j;

	for (i = 0; i < count; i++) {
		struct axv_x86_cpuid *e = &entries[i];

		if (e->flags & ~AXV_X86_CPUID_SUBLEAF || e->pad)
			return -EINVAL;
		if (!(e->flags & AXV_X86_CPUID_SUBLEAF) && e->subleaf)
			return -EINVAL;
		/* Entries of these leaves always have a subleaf. */
		if (e->leaf == 7 || e->leaf == 0xd)
			e->flags |= AXV_X86_CPUID_SUBLEAF;
		for (j = 0; j < i; j++) {
			if (entries[j].leaf != e->leaf)
				continue;
			if (entries[j].flags != e->flags ||
			    entries[j].subleaf == e->subleaf)
				return -EINVAL;
		}
	}
	return 0;
}

static bool lapic_fits(struct axv_x86_vcpu *x, const struct axv_x86_caps *caps)
{
	return !x->lapic ||
	       ((caps->x2apic || !axv_lapic_is_x2apic(x->lapic)) &&
		(caps->tsc_deadline || !axv_lapic_timer_deadline(x->lapic)));
}

/*
 * Would the state of the vCPU still be legal?  SPEC_CTRL and TSC_AUX have to fit as well,
 * since the entry loads them whatever the table says; otherwise the guest runs with bits
 * that it can neither see nor clear, and RDPID reads the TSC_AUX of a guest that has none.
 */
static bool caps_fit(struct axv_x86_vcpu *x, const struct axv_x86_caps *caps)
{
	return !(x->cr4 & ~caps->cr4) &&
	       !(x->efer & ~caps->efer) &&
	       !(x->xcr0 & ~(caps->xcr0 | XFEATURE_MASK_FP)) &&
	       !(x->hw->get_cr(x, 3) >> caps->phys_bits) &&
	       !(x->spec_ctrl & ~caps->spec_ctrl) &&
	       (caps->tsc_aux || !x->tsc_aux) && lapic_fits(x, caps);
}

/**
 * axv_x86_set_cpuid() - replace the CPUID table of a vCPU
 * @x:		vCPU whose claim the caller holds
 * @entries:	kernel memory
 * @count:	how many
 *
 * Features that the module cannot honour are taken out, and so is every leaf
 * it does not know outside the hypervisor's range 0x40000000 to 0x4fffffff.
 *
 * Context: may sleep.
 * Return: 0, -EINVAL for unknown flags, padding, two answers to one question,
 * or if the vCPU's registers use what the table would take away; -E2BIG,
 * -ENOMEM.  Then nothing has changed.
 */
int axv_x86_set_cpuid(struct axv_x86_vcpu *x,
		      const struct axv_x86_cpuid *entries, u32 count)
{
	struct axv_x86_cpuid *table = NULL;
	struct axv_x86_caps caps;
	int err;
	u32 i;

	if (count > AXV_CPUID_MAX)
		return -E2BIG;
	if (count) {
		table = kmemdup(entries, count * sizeof(*table), GFP_KERNEL_ACCOUNT);
		if (!table)
			return -ENOMEM;
	}
	err = check_table(table, count);
	if (err)
		goto out;
	for (i = 0; i < count; i++)
		axv_x86_cpuid_bound(&table[i]);
	axv_x86_cpuid_derive(table, count, &caps);
	if (!caps_fit(x, &caps)) {
		err = -EINVAL;
		goto out;
	}
	install(x, table, count, &caps);
out:
	kfree(table);
	return err;
}

/* Bytes of an XSAVE area with some components, by the guest's own table. */
static u32 area_size(struct axv_x86_vcpu *x, u64 xcr0, bool compacted)
{
	u32 size = FXSAVE_SIZE + XSAVE_HDR_SIZE;
	unsigned int i;

	for (i = XFEATURE_YMM; i < 63; i++) {
		struct axv_x86_cpuid *e;

		if (!(xcr0 & BIT_ULL(i)))
			continue;
		e = axv_x86_cpuid_find(x->cpuid, x->nr_cpuid, 0xd, i);
		if (!e)
			continue;
		if (!compacted)
			size = max(size, e->eax + e->ebx);
		else
			size = (e->ecx & BIT(1) ? ALIGN(size, 64) : size) +
			       e->eax;
	}
	return size;
}

/* The first four letters of a vendor's name, AuthenticAMD or HygonGenuine. */
#define VENDOR_AMD	0x68747541
#define VENDOR_HYGON	0x6f677948

/* Does leaf 0x80000001 repeat leaf 1 (AMD APM vol. 3, E.4.2)?  Intel's has zeros there. */
static bool repeats_leaf_1(struct axv_x86_vcpu *x)
{
	u32 name = answer(x->cpuid, x->nr_cpuid, 0, EBX);

	return name == VENDOR_AMD || name == VENDOR_HYGON;
}

/*
 * Sets and clears the bit: the table may be that of a vCPU which was saved while its APIC
 * was off.
 */
static void fill_apic(struct axv_x86_vcpu *x, struct axv_x86_cpuid *e)
{
	if (!x->lapic)
		return;
	if (axv_lapic_is_on(x->lapic))
		e->edx |= F(APIC);
	else
		e->edx &= ~F(APIC);
}

/*
 * Fill in what depends on the guest's state.  Only a processor that can write a
 * compacted area tells its size (Intel SDM vol. 2A, CPUID, leaf 0DH).
 */
static void fill_dynamic(struct axv_x86_vcpu *x, struct axv_x86_cpuid *e)
{
	switch (e->leaf) {
	case 1:
		if (x->cr4 & X86_CR4_OSXSAVE)
			e->ecx |= F(OSXSAVE);
		fill_apic(x, e);
		break;
	case 7:
		if (!e->subleaf && (x->cr4 & X86_CR4_PKE))
			e->ecx |= F(OSPKE);
		break;
	case 0xd:
		if (!x->caps.xsave)
			break;
		if (!e->subleaf) {
			e->ebx = area_size(x, x->xcr0, false);
			e->ecx = area_size(x, x->caps.xcr0, false);
		} else if (e->subleaf == 1 && (e->eax & (F(XSAVEC) | F(XSAVES)))) {
			e->ebx = area_size(x, x->xcr0, true);
		}
		break;
	case 0x80000001:
		if (repeats_leaf_1(x))
			fill_apic(x, e);
		break;
	}
}

/**
 * axv_x86_get_cpuid() - read the table of a vCPU, as its guest sees it now
 * @x:		vCPU
 * @buf:	room for *@count entries
 * @count:	in: room; out: how many there are
 *
 * Without the claim a caller may see a mixture of two states.
 *
 * Return: 0, or -E2BIG if they do not fit.
 */
int axv_x86_get_cpuid(struct axv_x86_vcpu *x, struct axv_x86_cpuid *buf,
		      u32 *count)
{
	u32 room = *count, i;

	*count = READ_ONCE(x->nr_cpuid);
	if (*count > room)
		return -E2BIG;
	memcpy(buf, x->cpuid, *count * sizeof(*buf));
	for (i = 0; i < *count; i++)
		fill_dynamic(x, &buf[i]);
	return 0;
}

/**
 * axv_x86_cpuid() - answer the guest's CPUID instruction
 * @x:		vCPU whose claim the caller holds
 * @leaf:	EAX of the question
 * @subleaf:	ECX of the question
 * @eax:	out: EAX of the answer
 * @ebx:	out: EBX of the answer
 * @ecx:	out: ECX of the answer
 * @edx:	out: EDX of the answer
 *
 * A question that the table does not answer gets zeroes.
 */
void axv_x86_cpuid(struct axv_x86_vcpu *x, u32 leaf, u32 subleaf, u32 *eax,
		   u32 *ebx, u32 *ecx, u32 *edx)
{
	const struct axv_x86_answer *a = axv_x86_cpuid_plain(x, leaf);
	const struct axv_x86_cpuid *e;
	struct axv_x86_cpuid now = {};

	if (a) {
		*eax = a->eax;
		*ebx = a->ebx;
		*ecx = a->ecx;
		*edx = a->edx;
		return;
	}
	e = axv_x86_cpuid_find(x->cpuid, x->nr_cpuid, leaf, subleaf);
	if (e) {
		now = *e;
		fill_dynamic(x, &now);
	}
	*eax = now.eax;
	*ebx = now.ebx;
	*ecx = now.ecx;
	*edx = now.edx;
}
