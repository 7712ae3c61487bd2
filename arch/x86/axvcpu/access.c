// SPDX-License-Identifier: GPL-2.0
/*
 * Device accesses: plain moves to addresses without memory, and ports.
 *
 * A write is an exit with the state after the instruction.  A read is an exit with
 * the state before it; the VMM puts the data into the run page and runs again, and
 * axv_x86_complete() looks at the instruction again and finishes it.  Between the
 * two nothing is kept but &axv_x86_vcpu.pending, so that the VMM can save the vCPU,
 * move it elsewhere or drop the access.
 *
 * A repeated string instruction is one exit per element, with rSI, rDI and rCX moved
 * on so far and RIP still at the instruction.  But INS and OUTS are one exit for all
 * their elements, before the first.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/sched/signal.h>
#include <linux/string.h>
#include <asm/page.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "access.h"
#include "code.h"
#include "decode.h"
#include "events.h"
#include "exit.h"
#include "known.h"
#include "lapic.h"
#include "walk.h"
#include "x86.h"

/* If an exit goes unanswered so often in a row, at one place, it is no race any more. */
#define AGAIN_MAX	64

static u64 get_gpr(struct axv_x86_vcpu *x, unsigned int reg, unsigned int width)
{
	return axv_x86_mask(x->regs.gpr[reg], width);
}

/* A write of 4 bytes clears the upper half, narrower ones keep the rest. */
static void set_gpr(struct axv_x86_vcpu *x, unsigned int reg,
		    unsigned int width, u64 value)
{
	value = axv_x86_mask(value, width);
	if (width < 4)
		value |= x->regs.gpr[reg] & ~axv_x86_mask(~0ull, width);
	x->regs.gpr[reg] = value;
}

static u64 source_value(struct axv_x86_vcpu *x, const struct axv_x86_insn *insn)
{
	u64 value;

	if (insn->op == AXV_X86_OP_STORE_IMM)
		value = insn->imm;
	else
		value = x->regs.gpr[insn->reg] >> (insn->high ? 8 : 0);
	return axv_x86_mask(value, insn->width);
}

/* Load a register from the low bytes of a device's answer; the others may be anything. */
static __always_inline void load_register(struct axv_x86_vcpu *x,
					  const struct axv_x86_insn *insn, u64 value)
{
	unsigned int shift = 64 - 8 * insn->width;

	if (insn->high) {
		x->regs.gpr[insn->reg] &= ~0xff00ull;
		x->regs.gpr[insn->reg] |= axv_x86_mask(value, 1) << 8;
		return;
	}
	value <<= shift;
	value = insn->sign_extend ? (u64)((s64)value >> shift) : value >> shift;
	set_gpr(x, insn->reg, insn->reg_width, value);
}

/* A repeated instruction whose count is 0 does nothing. */
static bool is_empty(struct axv_x86_vcpu *x, const struct axv_x86_insn *insn)
{
	return insn->rep && !get_gpr(x, AXV_X86_RCX, insn->addr_width);
}

static void step(struct axv_x86_vcpu *x, const struct axv_x86_insn *insn,
		 unsigned int reg)
{
	u64 delta = insn->width;

	if (x->regs.rflags & X86_EFLAGS_DF)
		delta = -delta;
	set_gpr(x, reg, insn->addr_width, x->regs.gpr[reg] + delta);
}

static bool is_string(const struct axv_x86_insn *insn)
{
	return insn->op == AXV_X86_OP_MOVS || insn->op == AXV_X86_OP_STOS ||
	       insn->op == AXV_X86_OP_LODS;
}

/* axv_x86_advance(); nearly always nothing traps and RIP stays within its 4 GiB. */
static __always_inline void advance(struct axv_x86_vcpu *x, unsigned int len)
{
	u64 rip = x->regs.rip + len;

	if (unlikely((rip ^ x->regs.rip) >> 32 ||
		     (x->regs.rflags & (X86_EFLAGS_TF | X86_EFLAGS_RF)))) {
		axv_x86_advance(x, len);
		return;
	}
	x->regs.rip = rip;
	x->hw->set_shadow(x, AXV_X86_SHADOW_NONE);
}

static noinline unsigned int finish_string(struct axv_x86_vcpu *x,
					   const struct axv_x86_insn *insn)
{
	unsigned int len = insn->len;

	switch (insn->op) {
	case AXV_X86_OP_MOVS:
		step(x, insn, AXV_X86_RDI);
		fallthrough;
	case AXV_X86_OP_LODS:
		step(x, insn, AXV_X86_RSI);
		break;
	case AXV_X86_OP_STOS:
		step(x, insn, AXV_X86_RDI);
		break;
	}
	if (insn->rep) {
		u64 count = get_gpr(x, AXV_X86_RCX, insn->addr_width) - 1;

		set_gpr(x, AXV_X86_RCX, insn->addr_width, count);
		if (get_gpr(x, AXV_X86_RCX, insn->addr_width))
			len = 0;
	}
	/* Each element ends an interrupt shadow, and is a single step of its own. */
	axv_x86_advance(x, len);
	/*
	 * Between two elements RF is set: an interrupt there pushes it, and a
	 * breakpoint on the instruction does not hit again (Intel SDM vol. 3B,
	 * "Instruction-Breakpoint Exception Condition").
	 */
	if (!len)
		x->regs.rflags |= X86_EFLAGS_RF;
	return len;
}

/*
 * One access of the instruction is done: move its registers on.  Returns by
 * how much the instruction pointer moved, 0 if there are more elements.
 */
static __always_inline unsigned int finish(struct axv_x86_vcpu *x,
					   const struct axv_x86_insn *insn)
{
	if (unlikely(is_string(insn)))
		return finish_string(x, insn);
	advance(x, insn->len);
	return insn->len;
}

static bool reads_memory(const struct axv_x86_insn *insn)
{
	return insn->op == AXV_X86_OP_LOAD || insn->op == AXV_X86_OP_LODS ||
	       insn->op == AXV_X86_OP_MOVS;
}

static bool writes_memory(const struct axv_x86_insn *insn)
{
	return insn->op == AXV_X86_OP_STORE || insn->op == AXV_X86_OP_STOS ||
	       insn->op == AXV_X86_OP_STORE_IMM || insn->op == AXV_X86_OP_MOVS;
}

/*
 * operand() for the frequent case.  False: operand() has to be called, because the guest
 * is not in 64-bit mode, the instruction is a string instruction, its segment has a base,
 * or the address is not canonical.
 */
static __always_inline bool plain_operand(const struct axv_x86_vcpu *x,
					  const struct axv_x86_insn *insn, u64 *linear)
{
	unsigned int unused = x->cr4 & X86_CR4_LA57 ? 64 - 57 : 64 - 48;
	u64 first, last;

	if (insn->bits != 64 || insn->seg == AXV_X86_FS || insn->seg == AXV_X86_GS ||
	    is_string(insn))
		return false;
	first = axv_x86_operand_offset(insn, x->regs.gpr, x->regs.rip);
	last = first + insn->width - 1;
	*linear = first;
	return (u64)((s64)(first << unused) >> unused) == first &&
	       (u64)((s64)(last << unused) >> unused) == last;
}

/* Linear address of what the instruction reads or writes in memory. */
static int operand(struct axv_x86_vcpu *x, const struct axv_x86_insn *insn,
		   bool write, u64 *linear, struct axv_x86_fault *fault)
{
	unsigned int seg = insn->seg;
	u64 offset;

	switch (insn->op) {
	case AXV_X86_OP_MOVS:
	case AXV_X86_OP_LODS:
	case AXV_X86_OP_STOS:
		offset = get_gpr(x, write ? AXV_X86_RDI : AXV_X86_RSI,
				 insn->addr_width);
		if (write)
			seg = AXV_X86_ES;
		break;
	default:
		offset = axv_x86_operand_offset(insn, x->regs.gpr, x->regs.rip);
	}
	return axv_x86_linear(x, seg, offset, insn->width, write, linear,
			      fault);
}

/*
 * #AC for an access from user mode of the guest with alignment checks on (SDM vol. 3A,
 * "Alignment Check Exception (#AC)").  Only for accesses that the processor has not made
 * itself: it checks its own.
 */
static int check_alignment(struct axv_x86_vcpu *x, const struct axv_x86_insn *insn,
			   u64 linear, struct axv_x86_fault *fault)
{
	if (likely(!(linear & (insn->width - 1)) || !(x->regs.rflags & X86_EFLAGS_AC)) ||
	    !(x->cr0 & X86_CR0_AM) || x->hw->cpl(x) != 3)
		return 0;
	*fault = (struct axv_x86_fault){ .vector = X86_TRAP_AC };
	return -EFAULT;
}

/* Is there memory now?  No, if the last look found none and no region has changed since. */
static __always_inline bool is_ram(struct axv_x86_vcpu *x, u64 gpa, bool write)
{
	return !axv_is_known_hole(&x->base, gpa) && axv_gpa_is_ram(x->base.vm, gpa, write);
}

static bool crosses_page(u64 address, unsigned int width)
{
	return (address & ~PAGE_MASK) + width > PAGE_SIZE;
}

/*
 * End the run with AXV_EXIT_NESTED_PAGE_FAULT.
 *
 * @linear: linear address of the access; NULL: not known.
 * @code: instruction that made the access; NULL: none did, or it is not known.
 */
static enum axv_next fault_exit(struct axv_x86_vcpu *x, u64 gpa, u32 access,
				u32 cause, const u64 *linear,
				const struct axv_x86_code *code)
{
	struct axv_run *run = axv_x86_exit(x, AXV_EXIT_NESTED_PAGE_FAULT, 0);
	struct axv_exit_fault *exit = &run->exit.fault;

	*exit = (struct axv_exit_fault){
		.addr = gpa,
		.access = access,
		.cause = cause,
		.linear = linear ? *linear : 0,
		.linear_valid = !!linear,
		.status = cause == AXV_FAULT_HOST ? -EFAULT : 0,
		.insn_bytes = code ? code->count : 0,
	};
	if (code)
		memcpy(exit->insn, code->bytes, sizeof(exit->insn));
	return AXV_EXIT;
}

/*
 * An access on the guest's behalf failed.  The guest gets the exception, if there is
 * one in @fault; otherwise the VMM gets an exit, since there is no memory.  After any
 * error but -EFAULT nothing is known, and the processor tries again.
 */
static enum axv_next failed(struct axv_x86_vcpu *x, int err,
			    const struct axv_x86_fault *fault, bool write,
			    const u64 *linear, const struct axv_x86_code *code)
{
	if (err != -EFAULT)
		return AXV_AGAIN;
	if (!fault->vector) {
		/*
		 * A read that is refused by a read-only region had to set an accessed bit in a
		 * table there.
		 */
		write |= fault->cause == AXV_FAULT_READONLY;
		return fault_exit(x, fault->gpa, write ? AXV_ACCESS_WRITE : AXV_ACCESS_READ,
				  fault->cause, linear, code);
	}
	/* Real mode has no error codes. */
	axv_x86_raise(x, fault->vector, x->cr0 & X86_CR0_PE,
		      fault->error_code, fault->address);
	return AXV_RESUME;
}

/**
 * axv_x86_again() - an exit could not be answered, and nothing was done
 * @x:		vCPU
 *
 * The code at the instruction pointer cannot be read, or is not what exited:
 * another CPU of the guest changes code or page tables, and the processor sees
 * the change when it is entered again; its TLB is flushed for that.  If the same
 * happens AGAIN_MAX times at one place, the guest runs code that its page tables
 * do not lead to, and would exit for ever: AXV_EXIT_NESTED_PAGE_FAULT with cause
 * AXV_FAULT_CODE.
 *
 * Context: the claim is held.
 * Return: AXV_RESUME or AXV_EXIT.
 */
enum axv_next axv_x86_again(struct axv_x86_vcpu *x)
{
	struct axv_x86_segment cs = {};
	u64 linear = x->regs.rip;

	/* The signal may be why the access failed.  It ends the run; nothing is wrong yet. */
	if (signal_pending(current))
		return AXV_RESUME;
	if (x->again_rip != x->regs.rip)
		x->again = 0;
	x->again_rip = x->regs.rip;
	if (++x->again < AGAIN_MAX) {
		x->asid.stale = true;
		return AXV_RESUME;
	}

	x->again = 0;
	if (axv_x86_code_bits(x) != 64) {
		x->hw->get_segment(x, AXV_X86_CS, &cs);
		linear = (u32)(linear + cs.base);
	}
	return fault_exit(x, 0, AXV_ACCESS_FETCH, AXV_FAULT_CODE, &linear, NULL);
}

/*
 * Could a string instruction store its element?  Asked before a device is
 * read: otherwise the device's answer may be lost.  False: *@next tells what
 * to do.
 */
static bool may_store(struct axv_x86_vcpu *x, const struct axv_x86_code *code,
		      enum axv_next *next)
{
	const struct axv_x86_insn *insn = &code->insn;
	struct axv_x86_fault fault;
	u64 linear;
	int err;

	err = operand(x, insn, true, &linear, &fault) ?:
	      check_alignment(x, insn, linear, &fault);
	if (err) {
		*next = failed(x, err, &fault, true, NULL, code);
		return false;
	}
	err = axv_x86_probe(x, linear, insn->width, AXV_ACCESS_WRITE, &fault);
	if (err) {
		*next = failed(x, err, &fault, true, &linear, code);
		return false;
	}
	return true;
}

/* The guest writes to its local APIC. */
static noinline enum axv_next write_lapic(struct axv_x86_vcpu *x, u64 gpa,
					  const struct axv_x86_insn *insn, u64 value)
{
	int ended = axv_lapic_mmio_write(x, gpa & ~PAGE_MASK, insn->width, value);
	unsigned int len = finish(x, insn);

	return axv_lapic_ended(x, ended, len);
}

static enum axv_next write_exit(struct axv_x86_vcpu *x, u64 gpa, u32 cause,
				const struct axv_x86_insn *insn, u64 value)
{
	struct axv_run *run;

	if (axv_lapic_has(x, gpa))
		return write_lapic(x, gpa, insn, value);
	if (cause == AXV_FAULT_NO_REGION &&
	    axv_ring_doorbell(&x->base, AXV_SPACE_MEMORY, gpa, insn->width, value)) {
		finish(x, insn);
		return AXV_RESUME;
	}
	run = axv_x86_exit(x, AXV_EXIT_MMIO_WRITE, finish(x, insn));
	run->exit.mmio = (struct axv_exit_mmio){
		.addr = gpa,
		.data = value,
		.width = insn->width,
		.reg = AXV_X86_NO_REG,
	};
	return AXV_EXIT;
}

/* MOVS from memory to a device.  @linear: linear address of the device's side. */
static noinline enum axv_next write_element(struct axv_x86_vcpu *x, u64 gpa, u32 cause,
					    const struct axv_x86_code *code, u64 linear)
{
	const struct axv_x86_insn *insn = &code->insn;
	struct axv_x86_fault fault;
	u64 source, value = 0;
	int err;

	err = operand(x, insn, false, &source, &fault) ?:
	      check_alignment(x, insn, source, &fault);
	if (err)
		return failed(x, err, &fault, false, NULL, code);
	err = axv_x86_read_linear(x, source, &value, insn->width, &fault);
	/* A move from one device to another is left to the VMM. */
	if (err == -EFAULT && !fault.vector && fault.cause == AXV_FAULT_NO_REGION)
		return fault_exit(x, gpa, AXV_ACCESS_WRITE, AXV_FAULT_NO_REGION,
				  &linear, code);
	if (err)
		return failed(x, err, &fault, false, &source, code);
	return write_exit(x, gpa, cause, insn, value);
}

static enum axv_next read_lapic(struct axv_x86_vcpu *x, u64 gpa,
				const struct axv_x86_code *code);

static enum axv_next read_exit(struct axv_x86_vcpu *x, u64 gpa,
			       const struct axv_x86_code *code)
{
	const struct axv_x86_insn *insn = &code->insn;
	enum axv_next next;
	struct axv_run *run;

	if (insn->op == AXV_X86_OP_MOVS && !may_store(x, code, &next))
		return next;
	if (axv_lapic_has(x, gpa))
		return read_lapic(x, gpa, code);

	x->pending.kind = AXV_PENDING_MMIO;
	x->pending.width = insn->width;
	x->pending.addr = gpa;
	x->pending.rip = x->regs.rip;
	run = axv_x86_exit(x, AXV_EXIT_MMIO_READ, insn->len);
	run->exit.mmio = (struct axv_exit_mmio){
		.addr = gpa,
		.width = insn->width,
		.signed_ext = insn->sign_extend,
		.reg = insn->reg,
		.reg_width = insn->reg_width,
	};
	return AXV_EXIT;
}

/* The operand is not where the fault was, or it crosses a page: the VMM gets the access. */
static noinline enum axv_next mmio_elsewhere(struct axv_x86_vcpu *x, u64 gpa, u32 access,
					     u32 cause, const struct axv_x86_code *code,
					     u64 linear)
{
	return fault_exit(x, gpa, access, cause, &linear, code);
}

/* @linear: address of the operand; it faulted if its offset in the page is that of @gpa. */
static __always_inline enum axv_next
mmio_at(struct axv_x86_vcpu *x, u64 gpa, u32 access, u32 cause,
	const struct axv_x86_code *code, u64 linear)
{
	const struct axv_x86_insn *insn = &code->insn;

	if (unlikely(((linear ^ gpa) & ~PAGE_MASK) || crosses_page(gpa, insn->width)))
		return mmio_elsewhere(x, gpa, access, cause, code, linear);
	if (!(access & AXV_ACCESS_WRITE))
		return read_exit(x, gpa, code);
	if (unlikely(insn->op == AXV_X86_OP_MOVS))
		return write_element(x, gpa, cause, code, linear);
	return write_exit(x, gpa, cause, insn, source_value(x, insn));
}

/* axv_x86_mmio() where plain_operand() fails. */
static noinline enum axv_next mmio_operand(struct axv_x86_vcpu *x, u64 gpa, u32 access,
					   u32 cause, const struct axv_x86_code *code)
{
	bool write = access & AXV_ACCESS_WRITE;
	struct axv_x86_fault fault;
	u64 linear;
	int err;

	if (is_empty(x, &code->insn))
		return AXV_RESUME;
	err = operand(x, &code->insn, write, &linear, &fault);
	if (err)
		return failed(x, err, &fault, write, NULL, code);
	return mmio_at(x, gpa, access, cause, code, linear);
}

/**
 * axv_x86_mmio() - a second-stage fault that memory could not resolve
 * @x:		vCPU
 * @gpa:	address that the hardware reports
 * @access:	AXV_ACCESS_* that the hardware reports
 * @cause:	an &enum axv_fault_cause
 *
 * A plain move becomes AXV_EXIT_MMIO_READ or _WRITE, or rings a doorbell.  Anything else,
 * such as the delivery of an event, becomes AXV_EXIT_NESTED_PAGE_FAULT; with AXV_FAULT_HOST
 * the caller stores the status, if it knows a better one than -EFAULT.
 * A single memory operand is not translated again: if its offset in the page and its
 * direction are those of the fault, it is the access that faulted, and the hardware
 * has translated and checked that one already.
 *
 * Context: the claim is held; may sleep.
 * Return: AXV_RESUME, AXV_EXIT, or AXV_AGAIN if guest memory that is needed could not be
 * read.
 */
enum axv_next axv_x86_mmio(struct axv_x86_vcpu *x, u64 gpa, u32 access,
			   u32 cause)
{
	bool write = access & AXV_ACCESS_WRITE;
	const struct axv_x86_insn *insn;
	struct axv_x86_code *code;
	u64 linear;

	/* A region was added while the fault was on its way here. */
	if (cause != AXV_FAULT_HOST && is_ram(x, gpa, write))
		return AXV_RESUME;

	/* The access is not the instruction's own, so decoding that does not help. */
	if (access & (AXV_ACCESS_EVENT | AXV_ACCESS_PAGE_TABLE | AXV_ACCESS_FETCH))
		return fault_exit(x, gpa, access, cause, NULL, NULL);

	code = axv_x86_get_code(x);
	insn = axv_x86_code_insn(code);
	if (unlikely(insn->op == AXV_X86_OP_NONE) && signal_pending(current))
		return AXV_AGAIN;
	if (cause == AXV_FAULT_HOST ||
	    !(write ? writes_memory(insn) : reads_memory(insn)))
		return fault_exit(x, gpa, access, cause, NULL, code);

	if (unlikely(!plain_operand(x, insn, &linear)))
		return mmio_operand(x, gpa, access, cause, code);
	return mmio_at(x, gpa, access, cause, code, linear);
}

/**
 * axv_x86_io_in() - the guest executed IN
 * @x:		vCPU
 * @port:	port
 * @width:	1, 2 or 4 bytes
 * @len:	length of the instruction
 *
 * Context: the claim is held.
 * Return: AXV_EXIT, with AXV_EXIT_IO_READ.
 */
enum axv_next axv_x86_io_in(struct axv_x86_vcpu *x, u16 port,
			    unsigned int width, unsigned int len)
{
	struct axv_run *run = axv_x86_exit(x, AXV_EXIT_IO_READ, len);

	x->pending.kind = AXV_PENDING_IO;
	x->pending.width = width;
	x->pending.addr = port;
	x->pending.rip = x->regs.rip;
	run->exit.io = (struct axv_exit_io){
		.port = port,
		.width = width,
	};
	return AXV_EXIT;
}

/* MOVS: store the low bytes of a device's answer, and finish the instruction. */
static enum axv_next store_element(struct axv_x86_vcpu *x,
				   const struct axv_x86_code *code, u64 value)
{
	struct axv_x86_fault fault;
	u64 linear;
	int err;

	err = operand(x, &code->insn, true, &linear, &fault);
	if (err)
		return failed(x, err, &fault, true, NULL, code);
	err = axv_x86_write_linear(x, linear, &value, code->insn.width, &fault);
	if (err)
		return failed(x, err, &fault, true, &linear, code);
	finish(x, &code->insn);
	return AXV_RESUME;
}

/* The instruction still makes the access that was answered; @data is the answer. */
static __always_inline enum axv_next
finish_load(struct axv_x86_vcpu *x, const struct axv_x86_code *code, u64 data)
{
	if (unlikely(code->insn.op == AXV_X86_OP_MOVS))
		return store_element(x, code, data);
	load_register(x, &code->insn, data);
	finish(x, &code->insn);
	return AXV_RESUME;
}

/* The guest reads its local APIC. */
static noinline enum axv_next read_lapic(struct axv_x86_vcpu *x, u64 gpa,
					 const struct axv_x86_code *code)
{
	return finish_load(x, code, axv_lapic_mmio_read(x, gpa & ~PAGE_MASK,
							code->insn.width));
}

/* complete_mmio() where plain_operand() fails. */
static noinline enum axv_next complete_operand(struct axv_x86_vcpu *x,
					       const struct axv_x86_pending *pending,
					       const struct axv_x86_code *code)
{
	struct axv_x86_fault fault;
	u64 linear, gpa;
	int err;

	if (is_empty(x, &code->insn) ||
	    operand(x, &code->insn, false, &linear, &fault))
		return AXV_RESUME;
	err = axv_x86_translate(x, linear, AXV_ACCESS_READ, &gpa, &fault);
	if (err == -EAGAIN)
		return AXV_AGAIN;
	if (err || gpa != pending->addr || is_ram(x, gpa, false))
		return AXV_RESUME;
	return finish_load(x, code, pending->data);
}

/* AXV_AGAIN: the instruction, or memory that it needs, could not be read. */
static noinline enum axv_next complete_mmio(struct axv_x86_vcpu *x,
					    struct axv_x86_pending *pending)
{
	const struct axv_x86_insn *insn;
	struct axv_x86_code *code;
	u64 linear, gpa;
	int err;

	if (likely(!pending->answered)) {
		pending->data = READ_ONCE(x->base.run->exit.mmio.data);
		pending->answered = true;
	}
	code = axv_x86_get_code(x);
	insn = axv_x86_code_insn(code);
	if (unlikely(insn->op == AXV_X86_OP_NONE))
		return AXV_AGAIN;
	if (!reads_memory(insn) || insn->width != pending->width)
		return AXV_RESUME;
	if (unlikely(!plain_operand(x, insn, &linear)))
		return complete_operand(x, pending, code);
	err = axv_x86_code_operand(x, code, linear);
	if (err == -EAGAIN)
		return AXV_AGAIN;
	gpa = code->operand->gpa;
	if (err || gpa != pending->addr || is_ram(x, gpa, false))
		return AXV_RESUME;
	return finish_load(x, code, pending->data);
}

/* AXV_AGAIN: the instruction could not be read. */
static __always_inline enum axv_next
complete_in(struct axv_x86_vcpu *x, struct axv_x86_pending *pending)
{
	const struct axv_x86_insn *insn;

	/* As for the other kinds, the answer is read from the run page once only. */
	if (likely(!pending->answered)) {
		pending->data = READ_ONCE(x->base.run->exit.io.data);
		pending->answered = true;
	}
	insn = axv_x86_code_insn(axv_x86_get_code(x));
	if (unlikely(insn->op == AXV_X86_OP_NONE))
		return AXV_AGAIN;
	if (likely(axv_x86_take_in(x, insn, pending->data)))
		advance(x, insn->len);
	return AXV_RESUME;
}

/* AXV_AGAIN: the instruction could not be read. */
static noinline enum axv_next complete_sysreg(struct axv_x86_vcpu *x,
					      struct axv_x86_pending *pending)
{
	const struct axv_run *run = x->base.run;
	const struct axv_x86_insn *insn;

	if (likely(!pending->answered)) {
		pending->data = READ_ONCE(run->exit.sysreg.value);
		pending->fail = READ_ONCE(run->exit.sysreg.fail);
		pending->answered = true;
	}
	insn = axv_x86_code_insn(axv_x86_get_code(x));
	if (unlikely(insn->op == AXV_X86_OP_NONE))
		return AXV_AGAIN;
	if (insn->op != AXV_X86_OP_RDMSR ||
	    get_gpr(x, AXV_X86_RCX, 4) != pending->addr)
		return AXV_RESUME;
	if (pending->fail) {
		axv_x86_raise(x, X86_TRAP_GP,
			      x->cr0 & X86_CR0_PE, 0, 0);
		return AXV_RESUME;
	}
	set_gpr(x, AXV_X86_RAX, 4, pending->data);
	set_gpr(x, AXV_X86_RDX, 4, pending->data >> 32);
	finish(x, insn);
	return AXV_RESUME;
}

static __always_inline enum axv_next complete_access(struct axv_x86_vcpu *x)
{
	if (x->pending.kind == AXV_PENDING_IO)
		return complete_in(x, &x->pending);
	if (x->pending.kind == AXV_PENDING_MMIO)
		return complete_mmio(x, &x->pending);
	return complete_sysreg(x, &x->pending);
}

static void nothing_pending(struct axv_x86_vcpu *x)
{
	x->pending.kind = AXV_PENDING_NONE;
	x->pending.answered = false;
}

/*
 * Try again, as axv_x86_complete() describes, after a first try gave AXV_AGAIN.  If a
 * signal ends the run, the access stays pending.
 */
static noinline enum axv_next complete_again(struct axv_x86_vcpu *x)
{
	enum axv_next next = AXV_AGAIN;
	unsigned int i;

	for (i = 1; next == AXV_AGAIN; i++) {
		if (signal_pending(current)) {
			axv_x86_exit(x, AXV_EXIT_NOTHING, 0);
			return AXV_EXIT;
		}
		next = i < AGAIN_MAX ? complete_access(x) : AXV_RESUME;
	}
	nothing_pending(x);
	return next;
}

/**
 * axv_x86_complete() - the VMM has answered a read; finish it
 * @x:		vCPU whose pending access is not AXV_PENDING_NONE
 *
 * The instruction is fetched and decoded again, unless code.c finds by comparison that
 * the result would be the same.  If it does not make the same access any more, because
 * the VMM changed registers or memory, the data is dropped and the guest goes on from
 * where it stands.  If the memory side of MOVS fails only now, the guest gets its
 * exception or the VMM an AXV_EXIT_NESTED_PAGE_FAULT, with the state before the
 * instruction: the device will be read again.
 *
 * If guest memory cannot be read at once and a signal is pending, the run ends with
 * AXV_EXIT_NOTHING.  The answer is kept for the next run; otherwise what the device gave
 * would be lost.  Without a signal this tries again, since page tables or a region may
 * just be changing.  After AGAIN_MAX times the answer is dropped: the guest cannot read
 * its own instruction.
 *
 * Context: the claim is held; may sleep.
 * Return: AXV_EXIT if the run ends; otherwise the guest goes on.
 */
enum axv_next axv_x86_complete(struct axv_x86_vcpu *x)
{
	enum axv_next next = AXV_RESUME;

	if (likely(x->pending.rip == x->regs.rip)) {
		next = complete_access(x);
		if (unlikely(next == AXV_AGAIN))
			return complete_again(x);
	}
	nothing_pending(x);
	return next;
}
