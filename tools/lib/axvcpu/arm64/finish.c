// SPDX-License-Identifier: GPL-2.0
/*
 * Finishing accesses on arm64: those of which the processor tells no more than an
 * address.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arm64/insn.h"
#include "lib.h"

/* The registers, from where axv_vcpu_finish() says. */
static int load_regs(struct axv_vcpu *vcpu, struct axv_run_regs *regs)
{
	struct axv_run *run = vcpu->run;
	int ret = 0;

	if (axv_in_run_page(run, AXV_RUN_SET_GPRS))
		regs->gprs = run->regs.gprs;
	else
		ret = axv_vcpu_get_gprs(vcpu, &regs->gprs);
	if (ret)
		return ret;
	if (axv_in_run_page(run, AXV_RUN_SET_SREGS))
		regs->sregs = run->regs.sregs;
	else
		ret = axv_vcpu_get_sregs(vcpu, &regs->sregs);
	return ret;
}

static int store_gprs(struct axv_vcpu *vcpu, const struct axv_arm64_gprs *gprs)
{
	struct axv_run *run = vcpu->run;

	if (!axv_in_run_page(run, AXV_RUN_SET_GPRS))
		return axv_vcpu_set_gprs(vcpu, gprs);
	run->regs.gprs = *gprs;
	run->dirty |= AXV_RUN_SET_GPRS;
	return 0;
}

static int fetch(struct axv_vcpu *vcpu, const struct axv_run_regs *regs, __u32 access,
		 __u32 *word)
{
	__u64 gpa;
	int ret;

	if (regs->gprs.pstate & PSTATE_AARCH32)
		return axv_fail(EOPNOTSUPP, "vCPU %u executes 32-bit code at %#llx", vcpu->id,
				(unsigned long long)regs->gprs.pc);
	ret = axv_arm64_walk(vcpu, regs, regs->gprs.pc, access, &gpa);
	if (ret < 0)
		return ret;
	if (ret || axv_ram_read(vcpu->vm, gpa, word, sizeof(*word)))
		return axv_fail(EOPNOTSUPP,
				"vCPU %u: the instruction at %#llx cannot be read", vcpu->id,
				(unsigned long long)regs->gprs.pc);
	*word = le32toh(*word);
	return 0;
}

static __u64 *base_register(struct axv_run_regs *regs, unsigned int base)
{
	if (base != REG_NONE)
		return &regs->gprs.x[base];
	if ((regs->gprs.pstate & PSTATE_MODE) != PSTATE_EL0T && (regs->gprs.pstate & PSTATE_SP))
		return &regs->sregs.sp_el1;
	return &regs->gprs.sp_el0;
}

static __u64 index_value(const struct axv_run_regs *regs, const struct axv_insn *insn)
{
	__u64 value = insn->index == REG_NONE ? 0 : regs->gprs.x[insn->index];

	if (insn->extend == 2)
		value = (__u32)value;
	else if (insn->extend == 6)
		value = (__s32)value;
	return value << insn->shift;
}

/* The uppermost byte may be a tag. */
static bool same_page(__u64 a, __u64 b)
{
	return !((a ^ b) << 8 >> 8 & ~(AXV_PAGE_SIZE - 1));
}

static bool is_big_endian(const struct axv_run_regs *regs)
{
	bool el0 = (regs->gprs.pstate & PSTATE_MODE) == PSTATE_EL0T;

	return regs->sregs.sctlr_el1 & (el0 ? SCTLR_E0E : SCTLR_EE);
}

/**
 * struct access - one access under way
 * @vcpu:	the vCPU
 * @ops:	the devices
 * @opaque:	for @ops
 * @insn:	the instruction
 * @gpa:	guest physical address
 * @regs:	registers of the vCPU
 * @fpu:	vector registers, if @insn is about these
 */
struct access {
	struct axv_vcpu *vcpu;
	const struct axv_mmio_ops *ops;
	void *opaque;
	struct axv_insn insn;
	__u64 gpa;
	struct axv_run_regs regs;
	struct axv_arm64_fpu fpu;
};

static void load_register(struct access *a, unsigned int reg, const __u64 data[2])
{
	unsigned int unused = 64 - 8 * a->insn.bytes;
	__u64 value = data[0];

	if (a->insn.vector) {
		a->fpu.v[reg][0] = data[0];
		a->fpu.v[reg][1] = data[1];
		return;
	}
	if (reg == REG_NONE)
		return;
	if (a->insn.sign)
		value = (__s64)(value << unused) >> unused;
	a->regs.gprs.x[reg] = a->insn.wide ? value : (__u32)value;
}

/* Devices know no more than 8 bytes at a time. */
static int access_one(struct access *a, unsigned int n, __u64 data[2])
{
	__u64 gpa = a->gpa + n * a->insn.bytes;
	unsigned int width = a->insn.bytes < 8 ? a->insn.bytes : 8;
	unsigned int done;
	int ret = 0;

	for (done = 0; done < a->insn.bytes && !ret; done += width) {
		if (a->insn.load)
			ret = axv_device_read(a->vcpu, a->ops, a->opaque, gpa + done, width,
					      &data[done / 8]);
		else
			ret = axv_device_write(a->vcpu, a->ops, a->opaque, gpa + done, width,
					       data[done / 8]);
	}
	return ret;
}

static int transfer(struct access *a)
{
	__u64 low = a->insn.bytes < 8 ? (1ull << 8 * a->insn.bytes) - 1 : ~0ull;
	__u64 data[2][2] = {};
	unsigned int n;
	int ret;

	for (n = 0; n < a->insn.count; n++) {
		unsigned int reg = a->insn.reg[n];

		if (!a->insn.load && a->insn.vector)
			memcpy(data[n], a->fpu.v[reg], sizeof(data[n]));
		else if (!a->insn.load && reg != REG_NONE)
			data[n][0] = a->regs.gprs.x[reg];
		data[n][0] &= low;
		ret = access_one(a, n, data[n]);
		if (ret)
			return ret;
	}
	/* Registers change when nothing can go wrong any more. */
	for (n = 0; n < a->insn.count && a->insn.load; n++)
		load_register(a, a->insn.reg[n], data[n]);
	return 0;
}

static int unsupported(struct access *a, __u32 word, const char *why)
{
	return axv_fail(EOPNOTSUPP,
			"vCPU %u: .inst 0x%08x at %#llx cannot be finished on guest physical %#llx: %s",
			a->vcpu->id, word, (unsigned long long)a->regs.gprs.pc,
			(unsigned long long)a->vcpu->run->exit.fault.addr, why);
}

static int commit(struct access *a, __u64 *base, __u64 moved)
{
	__u64 sp_el1 = a->regs.sregs.sp_el1;
	int ret = 0;

	if (a->insn.writeback)
		*base = moved;
	/* What single-steps stops behind the instruction. */
	a->regs.gprs.pc += 4;
	a->regs.gprs.pstate &= ~(PSTATE_SS | PSTATE_BTYPE);
	if (a->insn.vector && a->insn.load)
		ret = axv_vcpu_set_fpu(a->vcpu, &a->fpu);
	if (!ret && a->regs.sregs.sp_el1 != sp_el1) {
		if (axv_in_run_page(a->vcpu->run, AXV_RUN_SET_SREGS)) {
			a->vcpu->run->regs.sregs.sp_el1 = a->regs.sregs.sp_el1;
			a->vcpu->run->dirty |= AXV_RUN_SET_SREGS;
		} else {
			ret = axv_vcpu_set_sregs(a->vcpu, &a->regs.sregs);
		}
	}
	return ret ? ret : store_gprs(a->vcpu, &a->regs.gprs);
}

int axv_arch_finish(struct axv_vcpu *vcpu, const struct axv_exit_fault *fault,
		    const struct axv_mmio_ops *ops, void *opaque)
{
	struct access a = { .vcpu = vcpu, .ops = ops, .opaque = opaque };
	const __u64 offset_mask = AXV_PAGE_SIZE - 1;
	__u64 *base, moved, linear;
	__u32 word;
	int ret;

	ret = load_regs(vcpu, &a.regs);
	if (!ret)
		ret = fetch(vcpu, &a.regs, AXV_ACCESS_FETCH, &word);
	if (ret)
		return ret;
	if (fault->access & AXV_ACCESS_PAGE_TABLE)
		return unsupported(&a, word, "a page table is there");
	if (!axv_insn_decode(word, &a.insn))
		return unsupported(&a, word, "it is no plain load or store");
	if (is_big_endian(&a.regs))
		return unsupported(&a, word, "the guest is big-endian");
	if (a.insn.vector && vcpu->fpu_size != sizeof(a.fpu))
		return unsupported(&a, word, "the vector state has another size");

	base = base_register(&a.regs, a.insn.base);
	moved = *base + a.insn.offset;
	linear = a.insn.post ? *base : moved + index_value(&a.regs, &a.insn);
	if ((linear & offset_mask) + a.insn.count * a.insn.bytes > AXV_PAGE_SIZE)
		return unsupported(&a, word, "it crosses a page");
	if (fault->linear_valid && !same_page(linear, fault->linear))
		return unsupported(&a, word, "its registers lead elsewhere");
	a.gpa = (fault->addr & ~offset_mask) | (linear & offset_mask);

	if (a.insn.vector)
		ret = axv_vcpu_get_fpu(vcpu, &a.fpu);
	if (!ret)
		ret = transfer(&a);
	if (!ret)
		ret = commit(&a, base, moved);
	return ret ? ret : AXV_FINISH_DONE;
}

int axv_vcpu_translate(struct axv_vcpu *vcpu, __u64 linear, __u32 access, __u64 *gpa)
{
	struct axv_run_regs regs;
	int ret;

	ret = load_regs(vcpu, &regs);
	if (!ret)
		ret = axv_arm64_walk(vcpu, &regs, linear, access, gpa);
	if (ret == AXV_WALK_FAULT)
		ret = axv_fail(EFAULT, "vCPU %u: address %#llx is not mapped for this access",
			       vcpu->id, (unsigned long long)linear);
	return ret;
}

int axv_vcpu_disassemble(struct axv_vcpu *vcpu, char *text, size_t size)
{
	struct axv_run_regs regs;
	__u32 word;
	int ret;

	ret = load_regs(vcpu, &regs);
	if (!ret)
		ret = fetch(vcpu, &regs, 0, &word);
	if (ret)
		return ret;
	snprintf(text, size, ".inst 0x%08x", word);
	return sizeof(word);
}
