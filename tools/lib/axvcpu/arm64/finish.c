// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Finishing accesses on arm64 of which the processor tells no more than an address.
 */
#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arm64/insn.h"
#include "lib.h"

/* Read the registers from the run page, or by ioctl where it does not have them. */
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

/* Read the instruction at PC.  Returns 0, AXV_WALK_FAULT or -EOPNOTSUPP. */
static int fetch(struct axv_vcpu *vcpu, const struct axv_run_regs *regs, __u32 access,
		 __u32 *word)
{
	__u64 gpa;
	int ret;

	if (regs->gprs.pstate & PSTATE_AARCH32)
		return axv_fail(EOPNOTSUPP, "vCPU %u executes 32-bit code at %#llx", vcpu->id,
				(unsigned long long)regs->gprs.pc);
	ret = axv_arm64_walk(vcpu, regs, regs->gprs.pc, access, &gpa);
	if (ret)
		return ret;
	if (axv_ram_read(vcpu->vm, gpa, word, sizeof(*word)))
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

static bool is_big_endian(const struct axv_run_regs *regs)
{
	bool el0 = (regs->gprs.pstate & PSTATE_MODE) == PSTATE_EL0T;

	return regs->sregs.sctlr_el1 & (el0 ? SCTLR_E0E : SCTLR_EE);
}

#define PAGE_OFFSET	(AXV_PAGE_SIZE - 1)

/* The syndrome of an external data abort from EL0 (Arm ARM, ESR_ELx, EC 0x24) */
#define EC_DABT_LOWER	0x24
#define FSC_EXTERNAL	0x10
#define ISS_WNR		(1u << 6)
#define ISS_FNV		(1u << 10)

/**
 * struct access - one access under way
 * @vcpu:	the vCPU
 * @ops:	the devices
 * @opaque:	for @ops
 * @word:	the instruction
 * @insn:	what it does
 * @offset:	where the access begins in its first page
 * @page:	guest physical addresses of its two pages; the second only if it crosses into it
 * @data:	what is read or written
 * @regs:	registers of the vCPU
 * @fpu:	vector registers, if @insn is about these
 */
struct access {
	struct axv_vcpu *vcpu;
	const struct axv_mmio_ops *ops;
	void *opaque;
	__u32 word;
	struct axv_insn insn;
	unsigned int offset;
	__u64 page[2];
	__u8 data[2 * 16];
	struct axv_run_regs regs;
	struct axv_arm64_fpu fpu;
};

/*
 * Ask the guest's tables where the access is and whether they allow it, for the
 * instruction that has been read: another one may have faulted.  Otherwise guest user
 * mode could replace a load by a store, and write where it may only read.
 */
static int locate(struct access *a, __u64 linear)
{
	__u64 last = linear + a->insn.count * a->insn.bytes - 1;
	__u32 access = a->insn.load ? AXV_ACCESS_READ : AXV_ACCESS_WRITE;
	struct axv_run_regs regs = a->regs;
	int ret;

	if (a->insn.user && !(regs.gprs.pstate & PSTATE_UAO))
		regs.gprs.pstate &= ~PSTATE_MODE;
	a->offset = linear & PAGE_OFFSET;
	ret = axv_arm64_walk(a->vcpu, &regs, linear & ~PAGE_OFFSET, access, &a->page[0]);
	if (!ret && (linear ^ last) & ~PAGE_OFFSET)
		ret = axv_arm64_walk(a->vcpu, &regs, last & ~PAGE_OFFSET, access,
				     &a->page[1]);
	return ret;
}

static void load_register(struct access *a, unsigned int n)
{
	unsigned int reg = a->insn.reg[n], bytes = a->insn.bytes;
	unsigned int unused = 64 - 8 * bytes;
	__u64 value = 0;

	if (a->insn.vector) {
		memset(a->fpu.v[reg], 0, sizeof(a->fpu.v[reg]));
		memcpy(a->fpu.v[reg], a->data + n * bytes, bytes);
		return;
	}
	if (reg == REG_NONE)
		return;
	memcpy(&value, a->data + n * bytes, bytes);
	if (a->insn.sign)
		value = (__s64)(value << unused) >> unused;
	a->regs.gprs.x[reg] = a->insn.wide ? value : (__u32)value;
}

static void store_register(struct access *a, unsigned int n)
{
	unsigned int reg = a->insn.reg[n], bytes = a->insn.bytes;

	if (a->insn.vector)
		memcpy(a->data + n * bytes, a->fpu.v[reg], bytes);
	else if (reg != REG_NONE)
		memcpy(a->data + n * bytes, &a->regs.gprs.x[reg], bytes);
}

/*
 * The width of the next piece of an access.  A piece has 8 bytes at most.  If a
 * register's bytes lie in two pages, they are accessed in aligned pieces.
 */
static unsigned int piece(const struct access *a, unsigned int done)
{
	unsigned int bytes = a->insn.bytes, width = bytes < 8 ? bytes : 8;
	unsigned int left = bytes - done % bytes;
	unsigned int at = a->offset + done;

	if (((at - done % bytes) & PAGE_OFFSET) + bytes <= AXV_PAGE_SIZE)
		return width;
	while (width > left || at & (width - 1))
		width /= 2;
	return width;
}

/*
 * Access one piece, in memory or in a device: one of the two pages may be memory.  A
 * write to read-only memory goes to the device.
 */
static int access_piece(struct access *a, unsigned int done, unsigned int width)
{
	unsigned int at = a->offset + done;
	__u64 gpa = a->page[at / AXV_PAGE_SIZE] + (at & PAGE_OFFSET);
	__u64 value = 0;
	int ret;

	if (a->insn.load) {
		if (!axv_ram_read(a->vcpu->vm, gpa, a->data + done, width))
			return 0;
		ret = axv_device_read(a->vcpu, a->ops, a->opaque, gpa, width, &value);
		memcpy(a->data + done, &value, width);
		return ret;
	}
	if (!axv_ram_write(a->vcpu->vm, gpa, a->data + done, width))
		return 0;
	memcpy(&value, a->data + done, width);
	return axv_device_write(a->vcpu, a->ops, a->opaque, gpa, width, value);
}

static int transfer(struct access *a)
{
	unsigned int n, width, done, size = a->insn.count * a->insn.bytes;
	int ret;

	for (n = 0; n < a->insn.count && !a->insn.load; n++)
		store_register(a, n);
	for (done = 0; done < size; done += width) {
		width = piece(a, done);
		ret = access_piece(a, done, width);
		if (ret)
			return ret;
	}
	/* Registers change only when no access can fail any more. */
	for (n = 0; n < a->insn.count && a->insn.load; n++)
		load_register(a, n);
	return 0;
}

static bool is_user(const struct axv_run_regs *regs)
{
	return (regs->gprs.pstate & PSTATE_MODE) == PSTATE_EL0T;
}

/*
 * Refuse an instruction that cannot be finished.  In guest user mode it gets an external
 * abort, as if the device had refused, since user mode must not end the VM; in the
 * guest's kernel it is an error for the VMM.
 */
static int refuse(struct access *a, const char *why)
{
	const struct axv_exit_fault *fault = &a->vcpu->run->exit.fault;
	__u64 linear = fault->linear_valid ? fault->linear : 0;
	__u32 iss = FSC_EXTERNAL;
	int ret;

	if (!is_user(&a->regs))
		return axv_fail(EOPNOTSUPP,
				"vCPU %u: .inst 0x%08x at %#llx cannot be finished on guest physical %#llx: %s",
				a->vcpu->id, a->word, (unsigned long long)a->regs.gprs.pc,
				(unsigned long long)fault->addr, why);
	if (fault->access & AXV_ACCESS_WRITE)
		iss |= ISS_WNR;
	if (!fault->linear_valid)
		iss |= ISS_FNV;
	ret = axv_vcpu_inject_exception(a->vcpu, EC_DABT_LOWER, iss, linear);
	return ret ? ret : AXV_FINISH_EXCEPTION;
}

/*
 * The guest has changed its tables since the fault: it executes the instruction again,
 * and gets its own fault.  But only MAX_TRIES times in a row: if only the walk here finds
 * no such mapping, the guest would exit for ever.
 */
#define MAX_TRIES	1000

static int again(struct access *a)
{
	if (a->vcpu->finish_tries++ < MAX_TRIES)
		return AXV_FINISH_DONE;
	a->vcpu->finish_tries = 0;
	return refuse(a, "the guest's page tables do not lead there");
}

static int commit(struct access *a, __u64 *base, __u64 moved)
{
	__u64 sp_el1 = a->regs.sregs.sp_el1;
	int ret = 0;

	if (a->insn.writeback)
		*base = moved;
	/* A single step of a debugger in the guest is complete. */
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
	__u64 *base, moved;
	int ret;

	if (axv_is_fetch(fault))
		return axv_fail_fetch(vcpu, fault);
	ret = load_regs(vcpu, &a.regs);
	if (ret)
		return ret;
	if (a.regs.gprs.pstate & PSTATE_AARCH32)
		return refuse(&a, "it is 32-bit code");
	ret = fetch(vcpu, &a.regs, AXV_ACCESS_FETCH, &a.word);
	if (ret)
		return ret < 0 ? ret : again(&a);
	if (fault->access & AXV_ACCESS_PAGE_TABLE)
		return refuse(&a, "a page table is there");
	if (!axv_insn_decode(a.word, &a.insn))
		return refuse(&a, "it is no plain load or store");
	if (is_big_endian(&a.regs))
		return refuse(&a, "the guest is big-endian");
	if (a.insn.vector && vcpu->fpu_size != sizeof(a.fpu))
		return refuse(&a, "the vector state has another size");

	base = base_register(&a.regs, a.insn.base);
	moved = *base + a.insn.offset;
	ret = locate(&a, a.insn.post ? *base : moved + index_value(&a.regs, &a.insn));
	if (ret)
		return ret < 0 ? ret : again(&a);

	if (a.insn.vector)
		ret = axv_vcpu_get_fpu(vcpu, &a.fpu);
	if (!ret)
		ret = transfer(&a);
	if (!ret)
		ret = commit(&a, base, moved);
	vcpu->finish_tries = 0;
	return ret ? ret : AXV_FINISH_DONE;
}

int axv_arch_finish_exit(struct axv_vcpu *vcpu, const struct axv_mmio_ops *ops, void *opaque)
{
	(void)vcpu;
	(void)ops;
	(void)opaque;
	return -ENOENT;
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
	if (ret == AXV_WALK_FAULT)
		ret = axv_fail(EOPNOTSUPP, "vCPU %u: the instruction at %#llx cannot be read",
			       vcpu->id, (unsigned long long)regs.gprs.pc);
	if (ret)
		return ret;
	snprintf(text, size, ".inst 0x%08x", word);
	return sizeof(word);
}
