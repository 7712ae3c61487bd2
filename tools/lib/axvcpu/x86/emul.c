// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * One instruction: fetch, decode, execute.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "exec.h"

static ZydisMachineMode machine_mode(const struct axv_emul *e, ZydisStackWidth *stack)
{
	bool big = e->sregs.seg[AXV_X86_CS].attr & AXV_X86_ATTR_DB;

	if (axv_emul_long64(e)) {
		*stack = ZYDIS_STACK_WIDTH_64;
		return ZYDIS_MACHINE_MODE_LONG_64;
	}
	*stack = e->sregs.seg[AXV_X86_SS].attr & AXV_X86_ATTR_DB ?
		 ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_16;
	if (e->sregs.efer & EFER_LMA)
		return big ? ZYDIS_MACHINE_MODE_LONG_COMPAT_32 :
			     ZYDIS_MACHINE_MODE_LONG_COMPAT_16;
	if (big)
		return ZYDIS_MACHINE_MODE_LEGACY_32;
	return e->sregs.cr0 & CR0_PE ? ZYDIS_MACHINE_MODE_LEGACY_16 :
				       ZYDIS_MACHINE_MODE_REAL_16;
}

/*
 * Read more bytes of the instruction, as many as its page still has.
 *
 * Return: 0, AXV_EMUL_EXCEPTION, -EOPNOTSUPP.
 */
static int fetch_more(struct axv_emul *e)
{
	__u64 linear = e->gprs.rip + e->insn_bytes;
	unsigned int count = INSN_LENGTH_MAX - e->insn_bytes;
	unsigned int room;
	__u64 gpa;
	int ret;

	if (!axv_emul_long64(e))
		linear = (__u32)(linear + e->sregs.seg[AXV_X86_CS].base);
	room = AXV_PAGE_SIZE - linear % AXV_PAGE_SIZE;
	if (count > room)
		count = room;
	ret = axv_emul_walk(e, linear, AXV_ACCESS_FETCH,
			    e->peek ? AXV_WALK_ANY | AXV_WALK_NO_MARK : 0, &gpa);
	if (ret)
		return ret;
	if (e->space->read(e->opaque, gpa, e->insn + e->insn_bytes, count))
		return axv_fail(EOPNOTSUPP,
				"the instruction at rip %#llx (linear %#llx, guest physical %#llx) is not in memory: code in a device cannot be executed",
				(unsigned long long)e->gprs.rip,
				(unsigned long long)linear,
				(unsigned long long)gpa);
	e->insn_bytes += count;
	return 0;
}

static int fail_bytes(const struct axv_emul *e)
{
	char bytes[3 * INSN_LENGTH_MAX + 1] = "";
	unsigned int i;

	for (i = 0; i < e->insn_bytes; i++)
		sprintf(bytes + 3 * i, " %02x", e->insn[i]);
	return axv_fail(EOPNOTSUPP, "no instruction at rip %#llx:%s",
			(unsigned long long)e->gprs.rip, bytes);
}

/*
 * A SIB byte without a base has mod 00 and base 101b, whatever REX.B says (AMD
 * APM vol. 3, 1.4.2).  With 32-bit addresses in 64-bit code, Zydis 4.0.0 takes
 * REX.B into account: it reports R13D as the base, and no displacement.
 */
static void mend_operands(struct axv_exec *x)
{
	unsigned int i;

	if (!(x->insn.attributes & ZYDIS_ATTRIB_HAS_SIB) ||
	    x->insn.raw.modrm.mod != 0 || x->insn.raw.sib.base != 5)
		return;
	for (i = 0; i < x->insn.operand_count; i++) {
		if (x->op[i].encoding != ZYDIS_OPERAND_ENCODING_MODRM_RM)
			continue;
		x->op[i].mem.base = ZYDIS_REGISTER_NONE;
		x->op[i].mem.disp.has_displacement = true;
		x->op[i].mem.disp.value = x->insn.raw.disp.value;
	}
}

int axv_exec_decode(struct axv_exec *x)
{
	struct axv_emul *e = x->e;
	ZydisStackWidth stack;
	ZydisMachineMode mode = machine_mode(e, &stack);
	ZydisDecoder decoder;
	ZyanStatus status;
	int ret;

	ZydisDecoderInit(&decoder, mode, stack);
	/*
	 * Processors without LZCNT and TZCNT execute BSR and BSF instead, whatever CPUID
	 * tells the guest.
	 */
	ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_LZCNT, !e->no_lzcnt);
	ZydisDecoderEnableMode(&decoder, ZYDIS_DECODER_MODE_TZCNT, !e->no_tzcnt);
	for (;;) {
		status = ZYDIS_STATUS_NO_MORE_DATA;
		if (e->insn_bytes)
			status = ZydisDecoderDecodeFull(&decoder, e->insn,
							e->insn_bytes, &x->insn,
							x->op);
		if (ZYAN_SUCCESS(status)) {
			mend_operands(x);
			return 0;
		}
		if (status != ZYDIS_STATUS_NO_MORE_DATA ||
		    e->insn_bytes == INSN_LENGTH_MAX)
			return fail_bytes(e);
		ret = fetch_more(e);
		if (ret)
			return ret;
	}
}

static void format(const struct axv_exec *x, char *text, size_t size)
{
	ZydisFormatter formatter;

	ZydisFormatterInit(&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
	if (!ZYAN_SUCCESS(ZydisFormatterFormatInstruction(&formatter, &x->insn, x->op,
							  x->insn.operand_count_visible,
							  text, size,
							  x->e->gprs.rip, NULL)))
		snprintf(text, size, "?");
}

/*
 * Refuse an instruction that is not supported on device memory.  A program of the guest
 * gets #UD: otherwise it could end the VM.  In the guest's kernel it is an error for the
 * VMM.
 */
static int unsupported(const struct axv_exec *x)
{
	char text[128];

	if (axv_emul_cpl(x->e) == 3)
		return axv_raise(x->e, VECTOR_UD, 0);
	format(x, text, sizeof(text));
	return axv_fail(EOPNOTSUPP,
			"cannot finish \"%s\" at rip %#llx: this instruction is not supported on device memory",
			text, (unsigned long long)x->e->gprs.rip);
}

/*
 * Are all operands of kinds that the families know: memory by a plain address, and known
 * registers?
 */
static bool operands_known(const struct axv_exec *x)
{
	const ZydisDecodedOperand *op;
	unsigned int i;

	for (i = 0; i < x->insn.operand_count_visible && i < AXV_OPERANDS; i++) {
		op = &x->op[i];
		if (op->type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    !axv_reg_known(op->reg.value) &&
		    ZydisRegisterGetClass(op->reg.value) != ZYDIS_REGCLASS_MMX &&
		    ZydisRegisterGetClass(op->reg.value) != ZYDIS_REGCLASS_XMM &&
		    ZydisRegisterGetClass(op->reg.value) != ZYDIS_REGCLASS_YMM &&
		    ZydisRegisterGetClass(op->reg.value) != ZYDIS_REGCLASS_ZMM &&
		    ZydisRegisterGetClass(op->reg.value) != ZYDIS_REGCLASS_MASK)
			return false;
		if (op->type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    (op->mem.type != ZYDIS_MEMOP_TYPE_MEM ||
		     op->mem.segment < ZYDIS_REGISTER_ES ||
		     op->mem.segment > ZYDIS_REGISTER_GS))
			return false;
	}
	return true;
}

static int execute(struct axv_exec *x, bool *again, bool *branched)
{
	int ret;

	if (!operands_known(x))
		return EXEC_UNKNOWN;
	ret = axv_exec_string(x, again);
	if (ret == EXEC_UNKNOWN)
		ret = axv_exec_integer(x);
	if (ret == EXEC_UNKNOWN)
		ret = axv_exec_multiply(x);
	if (ret == EXEC_UNKNOWN)
		ret = axv_exec_exchange(x);
	if (ret == EXEC_UNKNOWN)
		ret = axv_exec_vector(x);
	if (ret == EXEC_UNKNOWN)
		ret = axv_exec_stack(x, branched);
	return ret;
}

/*
 * Between two elements RF is set, so that an interrupt saves it and a breakpoint on the
 * instruction does not match again (Intel SDM vol. 3B, "Instruction-Breakpoint Exception
 * Condition").  A single step traps after each element.
 */
void axv_emul_end(struct axv_emul *e, unsigned int length)
{
	e->gprs.rip += length;
	if (!axv_emul_long64(e))
		e->gprs.rip = (__u32)e->gprs.rip;
	if (length)
		e->gprs.rflags &= ~FLAG_RF;
	else
		e->gprs.rflags |= FLAG_RF;
	e->trap = e->gprs.rflags & FLAG_TF;
}

/*
 * INS and OUTS have an exit of their own: if one is here now, the code has changed since this
 * exit.
 */
static bool is_changed(const struct axv_exec *x)
{
	return x->insn.meta.category == ZYDIS_CATEGORY_IOSTRINGOP;
}

int axv_emul_step(struct axv_emul *e)
{
	struct axv_exec x = { .e = e };
	struct axv_x86_gprs before = e->gprs;
	bool branched = false;
	bool again = false;
	int ret;

	e->trap = false;
	ret = axv_exec_decode(&x);
	if (ret == -EOPNOTSUPP && axv_emul_cpl(e) == 3)
		return axv_raise(e, VECTOR_UD, 0);
	if (ret)
		return ret;
	if (is_changed(&x))
		return AXV_EMUL_CHANGED;
	do {
		ret = execute(&x, &again, &branched);
	} while (ret == EXEC_RETRY);

	if (ret == EXEC_UNKNOWN)
		ret = unsupported(&x);
	if (ret) {
		/* String instructions keep what they have done. */
		if (!axv_is_string(&x))
			e->gprs = before;
		return ret;
	}
	if (branched)
		e->gprs.rflags &= ~FLAG_RF;
	else
		axv_emul_end(e, again ? 0 : x.insn.length);
	e->trap = before.rflags & FLAG_TF;
	return 0;
}

static bool switches_tasks(const struct axv_exec *x, const struct axv_task *task)
{
	bool far = x->insn.meta.branch_type == ZYDIS_BRANCH_TYPE_FAR;
	__u64 event = task->event;

	switch (task->source) {
	case AXV_X86_TASK_CALL:
		return x->insn.mnemonic == ZYDIS_MNEMONIC_CALL && far;
	case AXV_X86_TASK_JMP:
		return x->insn.mnemonic == ZYDIS_MNEMONIC_JMP && far;
	case AXV_X86_TASK_IRET:
		return x->insn.mnemonic == ZYDIS_MNEMONIC_IRET ||
		       x->insn.mnemonic == ZYDIS_MNEMONIC_IRETD;
	}
	switch (x->insn.mnemonic) {
	case ZYDIS_MNEMONIC_INT:
		return (x->op[0].imm.value.u & 0xff) == (event & AXV_X86_EVENT_VECTOR);
	case ZYDIS_MNEMONIC_INT1:
		return (event & AXV_X86_EVENT_VECTOR) == 1;
	case ZYDIS_MNEMONIC_INT3:
		return (event & AXV_X86_EVENT_VECTOR) == 3;
	case ZYDIS_MNEMONIC_INTO:
		return (event & AXV_X86_EVENT_VECTOR) == 4;
	default:
		return false;
	}
}

unsigned int axv_emul_task_length(struct axv_emul *e, const struct axv_task *task)
{
	struct axv_exec x = { .e = e };
	int ret;

	e->peek = true;
	ret = axv_exec_decode(&x);
	e->peek = false;
	return !ret && switches_tasks(&x, task) ? x.insn.length : 0;
}

int axv_emul_text(struct axv_emul *e, char *text, size_t size)
{
	struct axv_exec x = { .e = e };
	int ret;

	ret = axv_exec_decode(&x);
	if (ret == AXV_EMUL_EXCEPTION)
		return axv_fail(EFAULT, "the instruction at rip %#llx is not mapped in the guest",
				(unsigned long long)e->gprs.rip);
	if (ret)
		return ret;
	format(&x, text, size);
	return x.insn.length;
}
