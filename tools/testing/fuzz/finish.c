// SPDX-License-Identifier: GPL-2.0
/*
 * Executes any encoding that the library's core accepts, by the core and by this processor, and
 * compares registers, flags, memory and exceptions.  Not compared: branches, FS and GS, whose
 * bases are this program's, flushes of cache lines, and what the manuals leave undefined, as the
 * upper half of a segment register that is pushed (Intel SDM vol. 2, PUSH).
 */
#include <signal.h>

#include <Zydis/Zydis.h>

#include "fuzz.h"
#include "x86/tests/beside.h"

#define INSN	15

static unsigned char before[AREAS * AREA];
static unsigned char result[AREAS * AREA];

/* Status flags that an instruction leaves undefined (AMD APM vol. 3); -1: skip it. */
static int undefined(const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *op,
		     const struct native *n)
{
	unsigned int bits = op[0].size == 64 ? 63 : 31;
	unsigned int count = n->gprs.gpr[AXV_X86_RCX] & bits;
	unsigned int i;

	for (i = 0; i < insn->operand_count_visible; i++) {
		if (op[i].type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
			count = op[i].imm.value.u & bits;
	}
	if (insn->opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && (insn->opcode & 0xfc) == 0xd0 &&
	    !(insn->opcode & 2))
		count = 1;
	switch (insn->mnemonic) {
	case ZYDIS_MNEMONIC_AND:
	case ZYDIS_MNEMONIC_OR:
	case ZYDIS_MNEMONIC_XOR:
	case ZYDIS_MNEMONIC_TEST:
		return 0x10;
	case ZYDIS_MNEMONIC_SHLD:
	case ZYDIS_MNEMONIC_SHRD:
		if (count > op[0].size)
			return -1;
		/* fall through */
	case ZYDIS_MNEMONIC_SHL:
	case ZYDIS_MNEMONIC_SHR:
	case ZYDIS_MNEMONIC_SAR:
	case ZYDIS_MNEMONIC_ROL:
	case ZYDIS_MNEMONIC_ROR:
	case ZYDIS_MNEMONIC_RCL:
	case ZYDIS_MNEMONIC_RCR:
		if (!count)
			return 0;
		return 0x10 | (count > 1 ? 0x800 : 0) | (count >= op[0].size ? 1 : 0);
	case ZYDIS_MNEMONIC_BT:
	case ZYDIS_MNEMONIC_BTS:
	case ZYDIS_MNEMONIC_BTR:
	case ZYDIS_MNEMONIC_BTC:
	case ZYDIS_MNEMONIC_TZCNT:
	case ZYDIS_MNEMONIC_LZCNT:
		return 0x894;
	case ZYDIS_MNEMONIC_BSF:
	case ZYDIS_MNEMONIC_BSR:
		return 0x895;
	case ZYDIS_MNEMONIC_MUL:
	case ZYDIS_MNEMONIC_IMUL:
		return 0xd4;
	case ZYDIS_MNEMONIC_DIV:
	case ZYDIS_MNEMONIC_IDIV:
		return 0x8d5;
	default:
		return 0;
	}
}

/*
 * Find out what the bytes are for the processor; returns the flags that are not compared, or -1:
 * execute nothing.
 */
static int look(const unsigned char *bytes, bool code32, const struct native *n,
		unsigned int *size)
{
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction insn;
	ZydisDecoder decoder;
	unsigned int i;

	ZydisDecoderInit(&decoder, code32 ? ZYDIS_MACHINE_MODE_LONG_COMPAT_32 :
			 ZYDIS_MACHINE_MODE_LONG_64,
			 code32 ? ZYDIS_STACK_WIDTH_32 : ZYDIS_STACK_WIDTH_64);
	if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, INSN, &insn, op)) ||
	    insn.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE ||
	    insn.mnemonic == ZYDIS_MNEMONIC_RET)
		return -1;
	/*
	 * The processor raises a page fault for their operands.  The core does not: it does not
	 * access the operands, and its paging is off.
	 */
	if (insn.mnemonic == ZYDIS_MNEMONIC_CLFLUSH ||
	    insn.mnemonic == ZYDIS_MNEMONIC_CLFLUSHOPT ||
	    insn.mnemonic == ZYDIS_MNEMONIC_CLWB)
		return -1;
	/* This program has no ports and may not change CR0; the core leaves that to the exit. */
	switch (insn.mnemonic) {
	case ZYDIS_MNEMONIC_INSB:
	case ZYDIS_MNEMONIC_INSW:
	case ZYDIS_MNEMONIC_INSD:
	case ZYDIS_MNEMONIC_OUTSB:
	case ZYDIS_MNEMONIC_OUTSW:
	case ZYDIS_MNEMONIC_OUTSD:
	case ZYDIS_MNEMONIC_LMSW:
	case ZYDIS_MNEMONIC_SMSW:
		return -1;
	default:
		break;
	}
	for (i = 0; i < insn.operand_count; i++) {
		if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
		    (op[i].mem.segment == ZYDIS_REGISTER_FS ||
		     op[i].mem.segment == ZYDIS_REGISTER_GS))
			return -1;
		if (op[i].type == ZYDIS_OPERAND_TYPE_REGISTER &&
		    ZydisRegisterGetClass(op[i].reg.value) == ZYDIS_REGCLASS_SEGMENT &&
		    (op[i].reg.value != ZYDIS_REGISTER_DS ||
		     insn.mnemonic == ZYDIS_MNEMONIC_PUSH))
			return -1;
	}
	*size = insn.length;
	return undefined(&insn, op, n);
}

/* A register: an address in the areas, most often; or anything. */
static uint64_t take_register(struct input *in)
{
	static const uint64_t edges[] = {
		0, 1, ~0ull, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff,
		0x80000000, 0xffffffff, ~0ull >> 1, 1ull << 63, 2, 3,
	};
	uint8_t what = take(in, 1);

	if (what < 0x90)
		return (uintptr_t)beside_memory + (take(in, 2) % (AREAS * AREA));
	if (what < 0xc0)
		return what & 15;
	if (what < 0xe0)
		return edges[what & 15];
	return take(in, 8);
}

static void make_input(struct input *in, struct native *n, bool code32)
{
	uint64_t seed;
	unsigned int i;

	memset(n, 0, sizeof(*n));
	for (i = 0; i < 16; i++) {
		n->gprs.gpr[i] = take_register(in);
		if (code32)
			n->gprs.gpr[i] = i < 8 ? (uint32_t)n->gprs.gpr[i] : 0;
	}
	n->gprs.rflags = (take(in, 2) & (STATUS | FLAG_DF)) | 0x202;
	seed = take(in, 4) | 1;
	/* Zeroes are frequent. */
	memset(beside_memory, 0, AREAS * AREA);
	for (i = 0; i < AREAS * AREA; i += 8) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		memcpy(beside_memory + i, &seed, seed >> 61);
	}
	n->xsave[0] = 0x7f;
	n->xsave[1] = 0x03;
	n->xsave[24] = 0x80;
	n->xsave[25] = 0x1f;
	n->xsave[512] = seed & 1 << 30 ? 7 : 3;
	for (i = 0; i < 8; i++)
		memcpy(n->xsave + 32 + 16 * i, beside_memory + 8 * i, 8);
	memcpy(n->xsave + 160, beside_memory + 64, 256);
	if (n->xsave[512] == 7)
		memcpy(n->xsave + 576, beside_memory + 320, 256);
}

/* With a strange stack pointer, no signal but those of exceptions may come. */
static void run_natively(struct native *n, const void *insn, unsigned int size, bool code32)
{
	sigset_t all, old;

	sigfillset(&all);
	sigdelset(&all, SIGFPE);
	sigdelset(&all, SIGSEGV);
	sigdelset(&all, SIGBUS);
	sigdelset(&all, SIGILL);
	sigdelset(&all, SIGTRAP);
	sigprocmask(SIG_SETMASK, &all, &old);
	native_run(n, insn, size, code32);
	sigprocmask(SIG_SETMASK, &old, NULL);
}

static void report(const unsigned char *bytes, unsigned int size, const struct axv_emul *e,
		   int ret, const struct native *n)
{
	char text[128] = "?";
	struct axv_emul copy = *e;
	unsigned int i;

	axv_emul_text(&copy, text, sizeof(text));
	fflush(stdout);
	fprintf(stderr, "fuzz: \"%s\":", text);
	for (i = 0; i < size; i++)
		fprintf(stderr, " %02x", bytes[i]);
	fprintf(stderr, "\n  core: %d, vector %d; CPU: vector %d\n", ret,
		ret == AXV_EMUL_EXCEPTION ? e->exception.vector : -1, n->fault);
	abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	unsigned char insn[INSN + 1] = {};
	struct native n, start;
	unsigned int length;
	struct axv_emul e;
	uint8_t what;
	int ignored;
	int ret;

	if (!beside_memory)
		must(beside_init());
	what = take(&in, 1);
	if (!native_has_code32())
		what &= ~8;
	for (length = 0; length < INSN; length++)
		insn[length] = take(&in, 1);
	make_input(&in, &n, what & 8);
	ignored = look(insn, what & 8, &n, &length);
	if (ignored < 0)
		return 0;

	start = n;
	memcpy(before, beside_memory, sizeof(before));
	beside_devices = what & 7;
	beside_cpu(&e, insn, length, what & 8, &start);
	ret = axv_emul_step(&e);
	/*
	 * The core refuses the instruction (#UD in user mode), or stops it before its last
	 * element.
	 */
	if (ret < 0 || (ret && e.exception.vector == VECTOR_UD) ||
	    (!ret && e.gprs.rip == native_code(what & 8)))
		return 0;
	memcpy(result, beside_memory, sizeof(result));
	memcpy(beside_memory, before, sizeof(before));
	run_natively(&n, insn, length, what & 8);
	memcpy(before, beside_memory, sizeof(before));
	memcpy(beside_memory, result, sizeof(result));
	/*
	 * If the instruction has two faults, the processor may raise the page fault, which the
	 * core cannot have here.
	 */
	if (ret == AXV_EMUL_EXCEPTION && n.fault == VECTOR_PF)
		return 0;
	if (ret == AXV_EMUL_EXCEPTION ? n.fault != e.exception.vector : n.fault >= 0)
		report(insn, length, &e, ret, &n);
	if (!beside_same(&n, &e, before, what & 8, ignored))
		report(insn, length, &e, ret, &n);
	return 0;
}
