// SPDX-License-Identifier: GPL-2.0
/*
 * Device accesses: plain moves to addresses without memory, and ports.
 *
 * A write leaves as an exit with the state after the instruction.  A read
 * leaves with the state before it; the VMM puts the data into the run page and
 * runs again, and axv_x86_complete() decodes the instruction again and
 * finishes it.  Between the two nothing is kept but &axv_x86_vcpu.pending, so
 * that the VMM can save the vCPU, move it elsewhere or drop the access.
 *
 * A repeated string instruction leaves once for every element, with its
 * registers on the way and the instruction pointer in place.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/string.h>
#include <asm/page.h>
#include <asm/processor-flags.h>
#include <asm/trapnr.h>

#include "decode.h"
#include "x86.h"

/**
 * struct code - the instruction at the instruction pointer
 * @bytes:	as they were fetched once
 * @count:	how many
 * @insn:	decoded, if that was possible
 */
struct code {
	u8 bytes[AXV_INSN_MAX];
	unsigned int count;
	struct axv_x86_insn insn;
};

static bool get_code(struct axv_x86_vcpu *x, struct code *c)
{
	unsigned int bits = axv_x86_code_bits(x);

	memset(c->bytes, 0, sizeof(c->bytes));
	c->count = axv_x86_fetch_code(x, c->bytes, AXV_X86_INSN_MAX, bits);
	return axv_x86_decode(&c->insn, c->bytes, c->count, bits);
}

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

/* The low bytes of a device's answer; the others may be anything. */
static void load_register(struct axv_x86_vcpu *x,
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

/*
 * One access of the instruction is done: move its registers on.  Returns by
 * how much the instruction pointer moved, 0 if there are more elements.
 */
static unsigned int finish(struct axv_x86_vcpu *x,
			   const struct axv_x86_insn *insn)
{
	unsigned int len = insn->len;

	switch (insn->op) {
	case AXV_X86_OP_MOVS:
		step(x, insn, AXV_X86_RDI);
		fallthrough;
	case AXV_X86_OP_LODS:
	case AXV_X86_OP_OUTS:
		step(x, insn, AXV_X86_RSI);
		break;
	case AXV_X86_OP_STOS:
	case AXV_X86_OP_INS:
		step(x, insn, AXV_X86_RDI);
		break;
	}
	if (insn->rep) {
		u64 count = get_gpr(x, AXV_X86_RCX, insn->addr_width) - 1;

		set_gpr(x, AXV_X86_RCX, insn->addr_width, count);
		if (get_gpr(x, AXV_X86_RCX, insn->addr_width))
			len = 0;
	}
	/* Elements too end an interrupt shadow and trap in single steps. */
	axv_x86_advance(x, len);
	return len;
}

static bool reads_memory(const struct axv_x86_insn *insn)
{
	return insn->op == AXV_X86_OP_LOAD || insn->op == AXV_X86_OP_LODS ||
	       insn->op == AXV_X86_OP_MOVS || insn->op == AXV_X86_OP_OUTS;
}

static bool writes_memory(const struct axv_x86_insn *insn)
{
	return insn->op == AXV_X86_OP_STORE || insn->op == AXV_X86_OP_STOS ||
	       insn->op == AXV_X86_OP_STORE_IMM ||
	       insn->op == AXV_X86_OP_MOVS || insn->op == AXV_X86_OP_INS;
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
	case AXV_X86_OP_OUTS:
	case AXV_X86_OP_STOS:
	case AXV_X86_OP_INS:
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

static bool crosses_page(u64 address, unsigned int width)
{
	return (address & ~PAGE_MASK) + width > PAGE_SIZE;
}

/*
 * @linear: where the access is in the guest's own view, NULL: not known.
 * @c: NULL: the code is not looked at.
 */
static enum axv_x86_next fault_exit(struct axv_x86_vcpu *x, u64 gpa, u32 access,
				    u32 cause, const u64 *linear,
				    const struct code *c)
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
		.insn_bytes = c ? c->count : 0,
	};
	if (c)
		memcpy(exit->insn, c->bytes, sizeof(exit->insn));
	return AXV_EXIT;
}

/*
 * An access on the guest's behalf did not work.  An exception goes to the
 * guest; a hole is the VMM's; and -EAGAIN is the processor's to try again.
 */
static enum axv_x86_next failed(struct axv_x86_vcpu *x, int err,
				const struct axv_x86_fault *fault, bool write,
				const u64 *linear, const struct code *c)
{
	if (err != -EFAULT)
		return AXV_RESUME;
	if (!fault->vector) {
		bool ram = axv_gpa_is_ram(x->base.vm, fault->gpa, write);
		bool readonly = axv_gpa_is_ram(x->base.vm, fault->gpa, false);

		return fault_exit(x, fault->gpa,
				  write ? AXV_ACCESS_WRITE : AXV_ACCESS_READ,
				  ram ? AXV_FAULT_HOST :
				  readonly ? AXV_FAULT_READONLY :
					     AXV_FAULT_NO_REGION, linear, c);
	}
	/* Real mode has no error codes. */
	axv_x86_raise(x, fault->vector, x->hw->get_cr(x, 0) & X86_CR0_PE,
		      fault->error_code, fault->address);
	return AXV_RESUME;
}

/**
 * axv_x86_access_failed() - an access by which the processor serves itself failed
 * @x:		vCPU
 * @err:	of a function of walk.c
 * @fault:	what it filled in
 * @write:	it was a write
 *
 * An exception goes to the guest, missing memory to the VMM.
 *
 * Context: the claim is held.
 */
enum axv_x86_next axv_x86_access_failed(struct axv_x86_vcpu *x, int err,
					const struct axv_x86_fault *fault,
					bool write)
{
	return failed(x, err, fault, write, NULL, NULL);
}

/*
 * Could a string instruction store its element?  Asked before a device is
 * read, so that what it answers is not lost.  If not, *@next tells what to do.
 */
static bool may_store(struct axv_x86_vcpu *x, const struct code *c,
		      enum axv_x86_next *next)
{
	const struct axv_x86_insn *insn = &c->insn;
	struct axv_x86_fault fault;
	u64 linear, page, gpa;
	int err;

	err = operand(x, insn, true, &linear, &fault);
	if (err) {
		*next = failed(x, err, &fault, true, NULL, c);
		return false;
	}
	for (page = linear; ; page = linear + insn->width - 1) {
		err = axv_x86_translate(x, page, AXV_ACCESS_WRITE, &gpa,
					&fault);
		if (!err && !axv_gpa_is_ram(x->base.vm, gpa, true)) {
			fault = (struct axv_x86_fault){ .gpa = gpa };
			err = -EFAULT;
		}
		if (err) {
			*next = failed(x, err, &fault, true, &linear, c);
			return false;
		}
		if (page != linear || !crosses_page(linear, insn->width))
			return true;
	}
}

static enum axv_x86_next mmio_write(struct axv_x86_vcpu *x, u64 gpa,
				    const struct code *c, u64 linear)
{
	const struct axv_x86_insn *insn = &c->insn;
	struct axv_x86_fault fault;
	struct axv_run *run;
	u64 source, value = 0;
	int err;

	if (insn->op == AXV_X86_OP_MOVS) {
		err = operand(x, insn, false, &source, &fault);
		if (err)
			return failed(x, err, &fault, false, NULL, c);
		err = axv_x86_read_linear(x, source, &value, insn->width,
					  &fault);
		/* From one device to another: not ours. */
		if (err == -EFAULT && !fault.vector)
			return fault_exit(x, gpa, AXV_ACCESS_WRITE,
					  AXV_FAULT_NO_REGION, &linear, c);
		if (err)
			return failed(x, err, &fault, false, &source, c);
	} else {
		value = source_value(x, insn);
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

static enum axv_x86_next mmio_read(struct axv_x86_vcpu *x, u64 gpa,
				   const struct code *c)
{
	const struct axv_x86_insn *insn = &c->insn;
	enum axv_x86_next next;
	struct axv_run *run;

	if (insn->op == AXV_X86_OP_MOVS && !may_store(x, c, &next))
		return next;

	x->pending = (struct axv_x86_pending){
		.kind = AXV_PENDING_MMIO,
		.width = insn->width,
		.addr = gpa,
		.rip = x->regs.rip,
	};
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

/**
 * axv_x86_mmio() - a second-stage fault that memory could not resolve
 * @x:		vCPU
 * @gpa:	as the hardware reports it
 * @access:	AXV_ACCESS_*, likewise
 * @cause:	an &enum axv_fault_cause
 *
 * A plain move becomes AXV_EXIT_MMIO_READ or _WRITE, anything else, such as the
 * delivery of an event (&axv_x86_events.reinject is set then),
 * AXV_EXIT_NESTED_PAGE_FAULT; with AXV_FAULT_HOST the caller stores the status,
 * if it knows a better one than -EFAULT.
 * A single memory operand is not translated again: where in its page it lies
 * and whether it is written tell that it is the access which faulted, and the
 * hardware has checked that one already.
 *
 * Context: the claim is held; may sleep.
 */
enum axv_x86_next axv_x86_mmio(struct axv_x86_vcpu *x, u64 gpa, u32 access,
			       u32 cause)
{
	bool write = access & AXV_ACCESS_WRITE;
	struct axv_x86_fault fault;
	struct code c;
	u64 linear;
	int err;

	/* Somebody added a region while the fault was on its way here. */
	if (cause != AXV_FAULT_HOST && axv_gpa_is_ram(x->base.vm, gpa, write))
		return AXV_RESUME;

	/* Not by the instruction, and therefore not by its decoding. */
	if (x->events.reinject ||
	    (access & (AXV_ACCESS_PAGE_TABLE | AXV_ACCESS_FETCH)))
		return fault_exit(x, gpa, access, cause, NULL, NULL);

	if (!get_code(x, &c) || cause == AXV_FAULT_HOST ||
	    !(write ? writes_memory(&c.insn) : reads_memory(&c.insn)))
		return fault_exit(x, gpa, access, cause, NULL, &c);
	if (is_empty(x, &c.insn))
		return AXV_RESUME;

	err = operand(x, &c.insn, write, &linear, &fault);
	if (err)
		return failed(x, err, &fault, write, NULL, &c);
	/* Port instructions with memory at a device are not plain moves. */
	if (((linear ^ gpa) & ~PAGE_MASK) || crosses_page(gpa, c.insn.width) ||
	    c.insn.op == AXV_X86_OP_INS || c.insn.op == AXV_X86_OP_OUTS)
		return fault_exit(x, gpa, access, cause, &linear, &c);

	return write ? mmio_write(x, gpa, &c, linear) : mmio_read(x, gpa, &c);
}

static enum axv_x86_next io_read(struct axv_x86_vcpu *x, u16 port,
				 unsigned int width, unsigned int len,
				 bool string)
{
	struct axv_run *run = axv_x86_exit(x, AXV_EXIT_IO_READ, len);

	x->pending = (struct axv_x86_pending){
		.kind = AXV_PENDING_IO,
		.width = width,
		.addr = port,
		.rip = x->regs.rip,
	};
	run->exit.io = (struct axv_exit_io){
		.port = port,
		.width = width,
		.string = string,
	};
	return AXV_EXIT;
}

/**
 * axv_x86_io_in() - IN
 * @x:		vCPU
 * @port:	port
 * @width:	1, 2 or 4 bytes
 * @len:	length of the instruction
 *
 * Context: the claim is held.
 * Return: AXV_EXIT, with AXV_EXIT_IO_READ.
 */
enum axv_x86_next axv_x86_io_in(struct axv_x86_vcpu *x, u16 port,
				unsigned int width, unsigned int len)
{
	return io_read(x, port, width, len, false);
}

/**
 * axv_x86_io_string() - INS or OUTS was intercepted
 * @x:		vCPU
 * @in:		it is INS
 *
 * The hardware has checked that the guest may use the port.  One element
 * leaves as AXV_EXIT_IO_READ or _WRITE; memory that is a device becomes
 * AXV_EXIT_NESTED_PAGE_FAULT, before any device was touched.
 *
 * Context: the claim is held; may sleep.
 */
enum axv_x86_next axv_x86_io_string(struct axv_x86_vcpu *x, bool in)
{
	u16 port = x->regs.gpr[AXV_X86_RDX];
	const struct axv_x86_insn *insn;
	struct axv_x86_fault fault;
	enum axv_x86_next next;
	struct axv_run *run;
	struct code c;
	u64 linear, value = 0;
	int err;

	/* Another vCPU rewrites the code?  The processor will see. */
	if (!get_code(x, &c) ||
	    c.insn.op != (in ? AXV_X86_OP_INS : AXV_X86_OP_OUTS))
		return AXV_RESUME;

	insn = &c.insn;
	if (is_empty(x, insn)) {
		axv_x86_advance(x, insn->len);
		return AXV_RESUME;
	}
	if (in) {
		if (!may_store(x, &c, &next))
			return next;
		return io_read(x, port, insn->width, insn->len, true);
	}

	err = operand(x, insn, false, &linear, &fault);
	if (err)
		return failed(x, err, &fault, false, NULL, &c);
	err = axv_x86_read_linear(x, linear, &value, insn->width, &fault);
	if (err)
		return failed(x, err, &fault, false, &linear, &c);

	run = axv_x86_exit(x, AXV_EXIT_IO_WRITE, finish(x, insn));
	run->exit.io = (struct axv_exit_io){
		.data = value,
		.port = port,
		.width = insn->width,
		.string = 1,
	};
	return AXV_EXIT;
}

/* The low bytes of a device's answer, for the memory side of MOVS and INS. */
static enum axv_x86_next store_element(struct axv_x86_vcpu *x,
				       const struct code *c, u64 value)
{
	struct axv_x86_fault fault;
	u64 linear;
	int err;

	err = operand(x, &c->insn, true, &linear, &fault);
	if (err)
		return failed(x, err, &fault, true, NULL, c);
	err = axv_x86_write_linear(x, linear, &value, c->insn.width, &fault);
	if (err)
		return failed(x, err, &fault, true, &linear, c);
	finish(x, &c->insn);
	return AXV_RESUME;
}

static enum axv_x86_next complete_mmio(struct axv_x86_vcpu *x,
				       const struct axv_x86_pending *pending,
				       const struct code *c, u64 data)
{
	const struct axv_x86_insn *insn = &c->insn;
	struct axv_x86_fault fault;
	u64 linear, gpa;

	if (!reads_memory(insn) || insn->op == AXV_X86_OP_OUTS ||
	    insn->width != pending->width || is_empty(x, insn))
		return AXV_RESUME;
	if (operand(x, insn, false, &linear, &fault) ||
	    axv_x86_translate(x, linear, AXV_ACCESS_READ, &gpa, &fault) ||
	    gpa != pending->addr || axv_gpa_is_ram(x->base.vm, gpa, false))
		return AXV_RESUME;

	if (insn->op == AXV_X86_OP_MOVS)
		return store_element(x, c, data);
	load_register(x, insn, data);
	finish(x, insn);
	return AXV_RESUME;
}

static enum axv_x86_next complete_io(struct axv_x86_vcpu *x,
				     const struct axv_x86_pending *pending,
				     const struct code *c, u64 data)
{
	const struct axv_x86_insn *insn = &c->insn;
	u16 port = insn->port_imm ? insn->imm : x->regs.gpr[AXV_X86_RDX];
	bool same = (insn->width == 1) == (pending->width == 1);

	if (port != pending->addr)
		return AXV_RESUME;
	if (insn->op == AXV_X86_OP_INS && insn->width == pending->width &&
	    !is_empty(x, insn))
		return store_element(x, c, data);
	/*
	 * With both REX.W and an operand-size prefix processors differ about
	 * the width: what they said at the exit counts.
	 */
	if (insn->op == AXV_X86_OP_IN && same) {
		set_gpr(x, AXV_X86_RAX, pending->width, data);
		finish(x, insn);
	}
	return AXV_RESUME;
}

static void complete_sysreg(struct axv_x86_vcpu *x,
			    const struct axv_x86_pending *pending,
			    const struct code *c, u64 value, bool fail)
{
	if (c->insn.op != AXV_X86_OP_RDMSR ||
	    get_gpr(x, AXV_X86_RCX, 4) != pending->addr)
		return;
	if (fail) {
		axv_x86_raise(x, X86_TRAP_GP,
			      x->hw->get_cr(x, 0) & X86_CR0_PE, 0, 0);
		return;
	}
	set_gpr(x, AXV_X86_RAX, 4, value);
	set_gpr(x, AXV_X86_RDX, 4, value >> 32);
	finish(x, &c->insn);
}

/**
 * axv_x86_complete() - the VMM has answered a read; finish it
 * @x:		vCPU whose pending access is not AXV_PENDING_NONE
 *
 * The instruction is fetched and decoded again.  If it is not the same access
 * any more, because the VMM changed registers or memory, the data is dropped
 * and the guest goes on from where it stands.  If the memory side of a string
 * instruction fails only now, the guest gets its exception or the VMM an
 * AXV_EXIT_NESTED_PAGE_FAULT, with the state before the instruction: the
 * device will be read again.
 *
 * Context: the claim is held; may sleep.
 */
enum axv_x86_next axv_x86_complete(struct axv_x86_vcpu *x)
{
	const struct axv_x86_pending pending = x->pending;
	const struct axv_run *run = x->base.run;
	struct code c;

	x->pending = (struct axv_x86_pending){};
	if (pending.rip != x->regs.rip || !get_code(x, &c))
		return AXV_RESUME;

	switch (pending.kind) {
	case AXV_PENDING_MMIO:
		return complete_mmio(x, &pending, &c,
				     READ_ONCE(run->exit.mmio.data));
	case AXV_PENDING_IO:
		return complete_io(x, &pending, &c,
				   READ_ONCE(run->exit.io.data));
	case AXV_PENDING_SYSREG:
		complete_sysreg(x, &pending, &c,
				READ_ONCE(run->exit.sysreg.value),
				READ_ONCE(run->exit.sysreg.fail));
	}
	return AXV_RESUME;
}
