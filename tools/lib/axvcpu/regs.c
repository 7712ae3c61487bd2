// SPDX-License-Identifier: GPL-2.0
/*
 * Registers of a vCPU: lists of any length, one at a time, the two sets of the
 * run page, the vector state, and the CPUID table.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "lib.h"

/* What one AXV_VCPU_GET_REGS or AXV_VCPU_SET_REGS takes. */
#define REGS_MAX	1024u

#define EFER_MSR	0xc0000080ull

static int fail_regs(struct axv_vcpu *vcpu, const char *what)
{
	const char *hint = NULL;

	if (errno == EBUSY)
		hint = "it is running: kick it first";
	else if (errno == EBADFD)
		hint = "they can be written in state Free or Ready only";
	else if (errno == EPERM)
		hint = "it is Ready and belongs to another thread";
	return axv_fail_call(hint, "%s of vCPU %u", what, vcpu->id);
}

static int regs_call(struct axv_vcpu *vcpu, unsigned long command,
		     struct axv_reg *regs, unsigned int count)
{
	struct axv_regs arg = {};
	int failed = 0;
	int ret;

	while (count) {
		arg.count = count < REGS_MAX ? count : REGS_MAX;
		arg.regs = (uintptr_t)regs;
		ret = ioctl(vcpu->fd, command, &arg);
		if (ret < 0)
			return fail_regs(vcpu, "registers");
		failed += ret;
		regs += arg.count;
		count -= arg.count;
	}
	return failed;
}

int axv_vcpu_get_regs(struct axv_vcpu *vcpu, struct axv_reg *regs,
		      unsigned int count)
{
	return regs_call(vcpu, AXV_VCPU_GET_REGS, regs, count);
}

int axv_vcpu_set_regs(struct axv_vcpu *vcpu, struct axv_reg *regs,
		      unsigned int count)
{
	return regs_call(vcpu, AXV_VCPU_SET_REGS, regs, count);
}

static const char *reg_name(__u64 id, char *name, size_t size)
{
	static const char *const classes[] = {
		[AXV_X86_CLASS_GPR] = "general register",
		[AXV_X86_CLASS_SEG] = "segment field",
		[AXV_X86_CLASS_CR] = "CR",
		[AXV_X86_CLASS_DR] = "DR",
		[AXV_X86_CLASS_MSR] = "MSR",
		[AXV_X86_CLASS_XCR] = "XCR",
		[AXV_X86_CLASS_EVENT] = "event register",
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

/* The first failed entry of a list becomes the error of the call. */
static int first_failure(struct axv_vcpu *vcpu, const char *verb,
			 const struct axv_reg *regs, unsigned int count)
{
	char name[64];
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (!regs[i].status)
			continue;
		errno = -regs[i].status;
		return axv_fail_call(NULL, "%s %s (value %#llx) of vCPU %u", verb,
				     reg_name(regs[i].id, name, sizeof(name)),
				     (unsigned long long)regs[i].value, vcpu->id);
	}
	return 0;
}

static int get_all(struct axv_vcpu *vcpu, struct axv_reg *regs, unsigned int count)
{
	int ret = axv_vcpu_get_regs(vcpu, regs, count);

	return ret > 0 ? first_failure(vcpu, "read", regs, count) : ret;
}

static int set_all(struct axv_vcpu *vcpu, struct axv_reg *regs, unsigned int count)
{
	int ret = axv_vcpu_set_regs(vcpu, regs, count);

	return ret > 0 ? first_failure(vcpu, "write", regs, count) : ret;
}

int axv_vcpu_get_reg(struct axv_vcpu *vcpu, __u64 id, __u64 *value)
{
	struct axv_reg reg = { .id = id };
	int ret;

	ret = get_all(vcpu, &reg, 1);
	if (!ret)
		*value = reg.value;
	return ret;
}

int axv_vcpu_set_reg(struct axv_vcpu *vcpu, __u64 id, __u64 value)
{
	struct axv_reg reg = { .id = id, .value = value };

	return set_all(vcpu, &reg, 1);
}

int axv_vcpu_list_regs(struct axv_vcpu *vcpu, __u64 **ids)
{
	void *entries;
	int ret;

	ret = axv_get_table(vcpu->fd, AXV_TABLE_REGS, sizeof(**ids), &entries);
	if (ret >= 0)
		*ids = entries;
	return ret;
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
	ret = get_all(vcpu, regs, AXV_X86_GPRS);
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
	return set_all(vcpu, regs, AXV_X86_GPRS);
}

/* Segments with four fields, two tables with two, CR0 2 3 4 8 and EFER. */
#define SREGS_COUNT	(AXV_X86_SEGS * 4 + 2 * 2 + 6)

/*
 * Visit the registers of the set in a fixed order, in which EFER and CR4 come
 * before CR0: paging is turned on last.
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
	ret = get_all(vcpu, regs, SREGS_COUNT);
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
	return set_all(vcpu, regs, SREGS_COUNT);
}

int axv_vcpu_get_fpu(struct axv_vcpu *vcpu, void *data)
{
	struct axv_fpu fpu = {
		.size = vcpu->fpu_size,
		.data = (uintptr_t)data,
	};

	if (ioctl(vcpu->fd, AXV_VCPU_GET_FPU, &fpu))
		return fail_regs(vcpu, "vector state");
	return 0;
}

int axv_vcpu_set_fpu(struct axv_vcpu *vcpu, const void *data)
{
	struct axv_fpu fpu = {
		.size = vcpu->fpu_size,
		.data = (uintptr_t)data,
	};

	if (ioctl(vcpu->fd, AXV_VCPU_SET_FPU, &fpu))
		return fail_regs(vcpu, "vector state");
	return 0;
}

int axv_vcpu_set_cpuid(struct axv_vcpu *vcpu, const struct axv_x86_cpuid *leaves,
		       unsigned int count)
{
	return axv_set_table(vcpu->fd, AXV_TABLE_X86_CPUID, sizeof(*leaves),
			     leaves, count);
}

int axv_vcpu_get_cpuid(struct axv_vcpu *vcpu, struct axv_x86_cpuid **leaves)
{
	void *entries;
	int ret;

	ret = axv_get_table(vcpu->fd, AXV_TABLE_X86_CPUID, sizeof(**leaves),
			    &entries);
	if (ret >= 0)
		*leaves = entries;
	return ret;
}
