// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Compares axv_vcpu_finish() with the CPU: the same instruction with the same registers,
 * executed by the CPU on memory and by axv_vcpu_finish() on a device, has to leave
 * registers and memory the same.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "arm64/insn.h"
#include "lib.h"
#include "native.h"
#include "tests/fixture.h"

#define ENTRY	0x1000
#define WORDS	20000

static unsigned char *memory;			/* accessed by the CPU */
static unsigned char device_memory[4096];	/* accessed by axv_vcpu_finish() */

static __u64 random_word(void)
{
	static __u64 seed = 0x123456789abcdef;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static int page_read(void *opaque, __u64 addr, unsigned int width, __u64 *data)
{
	(void)opaque;
	*data = 0;
	memcpy(data, device_memory + addr % 4096, width);
	return 0;
}

static int page_write(void *opaque, __u64 addr, unsigned int width, __u64 data)
{
	(void)opaque;
	memcpy(device_memory + addr % 4096, &data, width);
	return 0;
}

static const struct axv_mmio_ops page_ops = {
	.read = page_read,
	.write = page_write,
};

/* A random load or store, with registers that native_run() has */
static __u32 any_word(void)
{
	__u32 word = random_word();

	bool vector = word >> 26 & 1;

	/* Rt and Rn */
	word &= ~(1u << 4 | 1u << 9 | (vector ? 1u << 3 : 0));
	if (!vector && !(random_word() & 7))
		word |= REG_NONE;
	word &= ~0x3a000000u;
	if (random_word() & 1)		/* a pair: Rt2 */
		return (word | 0x28000000) & ~(1u << 14 | (vector ? 1u << 13 : 0));
	word |= 0x38000000;
	if (!(word & 1u << 24) && (word & 1u << 21))	/* Rm, and how it is extended */
		word = (word | 1u << 14) & ~(1u << 20);
	return word;
}

/* Does the architecture leave the result to the implementation? */
static bool is_unpredictable(const struct axv_insn *insn)
{
	if (insn->load && insn->count == 2 && insn->reg[0] == insn->reg[1])
		return true;
	if (insn->vector || !insn->writeback)
		return false;
	return insn->reg[0] == insn->base || (insn->count == 2 && insn->reg[1] == insn->base);
}

/* Choose where the access goes, and registers that lead there.  Returns the address. */
static __u64 choose_registers(struct native *n, const struct axv_insn *insn)
{
	__u64 at = (__u64)(uintptr_t)memory + 512 + random_word() % 3000;
	__u64 added = insn->offset;
	unsigned int i;

	for (i = 0; i < 16; i++)
		n->x[i] = random_word();
	for (i = 0; i < 8; i++) {
		n->v[i][0] = random_word();
		n->v[i][1] = random_word();
	}
	if (insn->index != REG_NONE) {
		/* With an extension only the lower half of the register counts. */
		__u64 value = (__s64)(random_word() % 64) - 32;

		if (insn->extend == 2)
			value &= 31;
		n->x[insn->index] = value;
		if (insn->extend == 2 || insn->extend == 6)
			n->x[insn->index] ^= random_word() << 32;
		added = value << insn->shift;
	}
	n->x[insn->base] = insn->post ? at : at - added;
	return at;
}

static void choose_memory(void)
{
	unsigned int i;

	for (i = 0; i < 4096; i += 8) {
		__u64 word = random_word();

		memcpy(memory + i, &word, 8);
	}
	memcpy(device_memory, memory, 4096);
}

static bool finish(struct native *n, __u32 word, __u64 linear)
{
	struct axv_arm64_fpu *fpu = (void *)kernel.fpu;
	unsigned int i;
	int ret;

	make_fault(DEVICE);
	run->exit.fault.linear = linear;
	run->exit.fault.linear_valid = 1;
	memcpy(ram + ENTRY, &word, 4);
	run->valid = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	for (i = 0; i < 16; i++)
		run->regs.gprs.x[i] = n->x[i];
	run->regs.gprs.pc = ENTRY;
	run->regs.gprs.pstate = 5;
	memcpy(fpu->v, n->v, sizeof(n->v));
	ret = axv_vcpu_finish(vcpu, &page_ops, NULL);
	if (ret)
		tap_note("%08x: %s", word, axv_error());
	for (i = 0; i < 16; i++)
		n->x[i] = run->regs.gprs.x[i];
	memcpy(n->v, fpu->v, sizeof(n->v));
	return !ret && run->regs.gprs.pc == ENTRY + 4;
}

static bool same(__u32 word, const struct axv_insn *insn)
{
	struct native real, ours;
	__u64 linear;

	choose_memory();
	linear = choose_registers(&real, insn);
	ours = real;
	native_run(&real, word);
	if (!finish(&ours, word, linear))
		return false;
	if (!memcmp(&real, &ours, sizeof(real)) && !memcmp(memory, device_memory, 4096))
		return true;
	tap_note("%08x differs", word);
	return false;
}

/* The word that the assembler makes of an instruction's text */
#define WORD(text) ({							\
	const __u32 *at;						\
									\
	asm(".pushsection .rodata\n\t.balign 4\n"			\
	    "1:	" text "\n\t.popsection\n\tadrp %0, 1b\n\tadd %0, %0, :lo12:1b" \
	    : "=r" (at));						\
	*at;								\
})

static void test_refused(void)
{
	const struct {
		const char *text;
		__u32 word;
	} refused[] = {
#define R(text) { text, WORD(".arch armv8.5-a+memtag\n\t" text) }
		R("ldxr x1, [x0]"),
		R("stxr w2, x1, [x0]"),
		R("ldxp x1, x2, [x0]"),
		R("ldar x1, [x0]"),
		R("stlr x1, [x0]"),
		R("cas x1, x2, [x0]"),
		R("casp x2, x3, x4, x5, [x0]"),
		R("ldadd x1, x2, [x0]"),
		R("swp x1, x2, [x0]"),
		R("ldapr x1, [x0]"),
		R("prfm pldl1keep, [x0]"),
		R("prfm pldl1keep, [x0, x1]"),
		R("prfum pldl1keep, [x0, #-1]"),
		R("ld1 {v0.16b}, [x0]"),
		R("st1 {v0.b}[1], [x0]"),
		R("ldr x0, ."),
		R("stgp x1, x2, [x0]"),
		R("stg x0, [x0]"),
		R("ldraa x1, [x0]"),
		R("dc zva, x0"),
		R("add x0, x1, x2"),
		R("nop"),
#undef R
	};
	struct axv_insn insn;
	unsigned int i;

	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		tap(!axv_insn_decode(refused[i].word, &insn), "refused: %s",
		    refused[i].text);
}

static void test_texts(void)
{
	const struct {
		const char *text;
		__u32 word;
	} texts[] = {
#define R(text) { text, WORD(text) }
		R("ldp x1, x2, [x0]"),
		R("ldp w1, w2, [x0, #-16]!"),
		R("ldpsw x1, x2, [x0], #8"),
		R("ldnp x1, x2, [x0, #16]"),
		R("stp x1, xzr, [x0, #-32]!"),
		R("stnp q0, q1, [x0]"),
		R("ldp d0, d1, [x0], #64"),
		R("stp s2, s3, [x0, #8]"),
		R("ldr x1, [x0], #-8"),
		R("ldrsb w1, [x0, #3]!"),
		R("ldrsw x1, [x0], #4"),
		R("ldrsh x1, [x0, w2, sxtw #1]"),
		R("ldrb w1, [x0, w2, uxtw]"),
		R("ldr x1, [x0, x2, lsl #3]"),
		R("strh wzr, [x0, x2, sxtx #1]"),
		R("str q3, [x0, x2, lsl #4]"),
		R("ldtr x1, [x0, #-3]"),
		R("sttrh w1, [x0, #5]"),
		R("ldur b1, [x0, #-1]"),
		R("stur q1, [x0, #-17]"),
		R("ldr h1, [x0, #2]"),
		R("str wzr, [x0]"),
#undef R
	};
	struct axv_insn insn;
	unsigned int i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		tap(axv_insn_decode(texts[i].word, &insn) && same(texts[i].word, &insn), "%s",
		    texts[i].text);
}

static void test_random(void)
{
	unsigned int tried = 0;
	struct axv_insn insn;
	bool good = true;

	while (tried < WORDS && good) {
		__u32 word = any_word();

		if (!axv_insn_decode(word, &insn) || is_unpredictable(&insn) ||
		    insn.index == insn.base)
			continue;
		tried++;
		good = same(word, &insn);
	}
	tap(good, "%d random loads and stores, compared with the CPU", WORDS);
}

int main(void)
{
	if (!fixture_open())
		return tap_done();
	memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED || !native_open()) {
		tap(false, "memory for code and data");
		return tap_done();
	}
	test_refused();
	test_texts();
	test_random();
	fixture_close();
	return tap_done();
}
