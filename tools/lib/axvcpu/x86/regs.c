// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Registers of an x86 vCPU: their names, and the two sets of the run page.
 */
#include <stdio.h>
#include <string.h>

#include "lib.h"

#define EFER_MSR	0xc0000080ull

const char *axv_reg_name(__u64 id, char *name, size_t size)
{
	static const char *const classes[] = {
		[AXV_X86_CLASS_GPR] = "general register",
		[AXV_X86_CLASS_SEG] = "segment field",
		[AXV_X86_CLASS_CR] = "CR",
		[AXV_X86_CLASS_DR] = "DR",
		[AXV_X86_CLASS_MSR] = "MSR",
		[AXV_X86_CLASS_XCR] = "XCR",
		[AXV_X86_CLASS_EVENT] = "event register",
		[AXV_X86_CLASS_PDPTE] = "PDPTE",
	};
	__u64 class = AXV_REG_CLASS(id);

	if (AXV_REG_ARCH(id) != AXV_REG_ARCH_X86 ||
	    class >= sizeof(classes) / sizeof(classes[0]))
		snprintf(name, size, "register %#llx", (unsigned long long)id);
	else
		snprintf(name, size, "%s %#llx", classes[class],
			 (unsigned long long)AXV_REG_INDEX(id));
	return name;
}

static void gprs_ids(struct axv_reg *regs)
{
	unsigned int i;

	for (i = 0; i < AXV_X86_GPRS; i++)
		regs[i].id = AXV_REG_X86(GPR, i);
}

int axv_vcpu_get_gprs(struct axv_vcpu *vcpu, struct axv_x86_gprs *gprs)
{
	struct axv_reg regs[AXV_X86_GPRS] = {};
	unsigned int i;
	int ret;

	gprs_ids(regs);
	ret = axv_get_all_regs(vcpu, regs, AXV_X86_GPRS);
	if (ret)
		return ret;
	for (i = 0; i < 16; i++)
		gprs->gpr[i] = regs[i].value;
	gprs->rip = regs[AXV_X86_RIP].value;
	gprs->rflags = regs[AXV_X86_RFLAGS].value;
	return 0;
}

int axv_vcpu_set_gprs(struct axv_vcpu *vcpu, const struct axv_x86_gprs *gprs)
{
	struct axv_reg regs[AXV_X86_GPRS] = {};
	unsigned int i;

	gprs_ids(regs);
	for (i = 0; i < 16; i++)
		regs[i].value = gprs->gpr[i];
	regs[AXV_X86_RIP].value = gprs->rip;
	regs[AXV_X86_RFLAGS].value = gprs->rflags;
	return axv_set_all_regs(vcpu, regs, AXV_X86_GPRS);
}

/*
 * Segments with four fields each, two tables with two each, CR0, CR2, CR3, CR4, CR8 and
 * EFER
 */
#define SREGS_COUNT	(AXV_X86_SEGS * 4 + 2 * 2 + 6)

/*
 * Fill in the ids of the set in a fixed order.  EFER and CR4 come before CR0, so that
 * paging is turned on last.
 */
static void sregs_ids(struct axv_reg *regs)
{
	unsigned int n = 0;
	unsigned int seg;

	for (seg = 0; seg < AXV_X86_SEGS; seg++) {
		regs[n++].id = AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(seg, AXV_X86_SEG_SELECTOR));
		regs[n++].id = AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(seg, AXV_X86_SEG_BASE));
		regs[n++].id = AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(seg, AXV_X86_SEG_LIMIT));
		regs[n++].id = AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(seg, AXV_X86_SEG_ATTR));
	}
	for (seg = AXV_X86_GDTR; seg <= AXV_X86_IDTR; seg++) {
		regs[n++].id = AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(seg, AXV_X86_SEG_BASE));
		regs[n++].id = AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(seg, AXV_X86_SEG_LIMIT));
	}
	regs[n++].id = AXV_REG_X86(MSR, EFER_MSR);
	regs[n++].id = AXV_REG_X86(CR, 4);
	regs[n++].id = AXV_REG_X86(CR, 3);
	regs[n++].id = AXV_REG_X86(CR, 2);
	regs[n++].id = AXV_REG_X86(CR, 8);
	regs[n++].id = AXV_REG_X86(CR, 0);
}

int axv_vcpu_get_sregs(struct axv_vcpu *vcpu, struct axv_x86_sregs *sregs)
{
	struct axv_reg regs[SREGS_COUNT] = {};
	const struct axv_reg *r = regs;
	unsigned int seg;
	int ret;

	sregs_ids(regs);
	ret = axv_get_all_regs(vcpu, regs, SREGS_COUNT);
	if (ret)
		return ret;
	memset(sregs, 0, sizeof(*sregs));
	for (seg = 0; seg < AXV_X86_SEGS; seg++, r += 4) {
		sregs->seg[seg].selector = r[0].value;
		sregs->seg[seg].base = r[1].value;
		sregs->seg[seg].limit = r[2].value;
		sregs->seg[seg].attr = r[3].value;
	}
	sregs->gdtr.base = r[0].value;
	sregs->gdtr.limit = r[1].value;
	sregs->idtr.base = r[2].value;
	sregs->idtr.limit = r[3].value;
	r += 4;
	sregs->efer = r[0].value;
	sregs->cr4 = r[1].value;
	sregs->cr3 = r[2].value;
	sregs->cr2 = r[3].value;
	sregs->cr8 = r[4].value;
	sregs->cr0 = r[5].value;
	return 0;
}

int axv_vcpu_set_sregs(struct axv_vcpu *vcpu, const struct axv_x86_sregs *sregs)
{
	struct axv_reg regs[SREGS_COUNT] = {};
	struct axv_reg *r = regs;
	unsigned int seg;

	sregs_ids(regs);
	for (seg = 0; seg < AXV_X86_SEGS; seg++, r += 4) {
		r[0].value = sregs->seg[seg].selector;
		r[1].value = sregs->seg[seg].base;
		r[2].value = sregs->seg[seg].limit;
		r[3].value = sregs->seg[seg].attr;
	}
	r[0].value = sregs->gdtr.base;
	r[1].value = sregs->gdtr.limit;
	r[2].value = sregs->idtr.base;
	r[3].value = sregs->idtr.limit;
	r += 4;
	r[0].value = sregs->efer;
	r[1].value = sregs->cr4;
	r[2].value = sregs->cr3;
	r[3].value = sregs->cr2;
	r[4].value = sregs->cr8;
	r[5].value = sregs->cr0;
	return axv_set_all_regs(vcpu, regs, SREGS_COUNT);
}
