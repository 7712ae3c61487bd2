// SPDX-License-Identifier: GPL-2.0
/*
 * Device accesses: which access becomes which exit, with which state, and what
 * becomes of the answer.
 */
#include "../walk.h"
#include "guest.h"

static enum axv_next test_mmio(struct axv_x86_vcpu *x, u64 gpa, u32 access,
			       u32 cause);
static enum axv_next test_io_in(struct axv_x86_vcpu *x, u16 port,
				unsigned int width, unsigned int len);
static enum axv_next test_again(struct axv_x86_vcpu *x);
static enum axv_next test_complete(struct axv_x86_vcpu *x);

#include "../access.c"

#define CODE		0x1000ull
#define DATA		0x8000ull
#define DEVICE		(GUEST_DEVICE + 0xb0)

#define R_AX		AXV_ACCESS_READ
#define W_AX		AXV_ACCESS_WRITE

static void set_code(struct guest *g, const char *hex)
{
	memset(g->memory + CODE, 0xcc, 16);
	if (hex2bin(g->memory + CODE, hex, strlen(hex) / 2))
		WARN_ON(1);
	g->x.regs.rip = CODE;
}

/* 32 bits without paging: EDI and ESI at the device, EBX and EBP at memory. */
static struct guest *new_guest(struct kunit *test, const char *hex)
{
	struct guest *g = guest_new(test, 32);

	set_code(g, hex);
	g->x.regs.gpr[AXV_X86_RAX] = 0xa1a2a3a4a5a6a7a8;
	g->x.regs.gpr[AXV_X86_RCX] = 0xc1c2c3c4c5c6c7c8;
	g->x.regs.gpr[AXV_X86_RDX] = 0xd1d2d3d4d5d6d7d8;
	g->x.regs.gpr[AXV_X86_RBX] = DATA;
	g->x.regs.gpr[AXV_X86_RBP] = DATA + 0x100;
	g->x.regs.gpr[AXV_X86_RSI] = DEVICE;
	g->x.regs.gpr[AXV_X86_RDI] = DEVICE;
	guest_poke(g, DATA, 0x8182838485868788, 8);
	guest_poke(g, DATA + 0x100, 0x9192939495969798, 8);
	return g;
}

/*
 * 64 bits, with the first 2 MiB mapped at their physical addresses, and the device
 * at 0xffffffffff5fb000.
 */
static struct guest *new_guest64(struct kunit *test, const char *hex)
{
	struct guest *g = guest_new(test, 64);
	u64 all = PTE_P | PTE_RW | PTE_US;

	g->cr[3] = 0x10000;
	guest_poke(g, 0x10000, 0x11000 | all, 8);
	guest_poke(g, 0x11000, 0x12000 | all, 8);
	guest_poke(g, 0x12000, 0 | all | PTE_PS, 8);
	guest_poke(g, 0x10ff8, 0x13000 | all, 8);
	guest_poke(g, 0x13ff8, 0x14000 | all, 8);
	guest_poke(g, 0x14000 + 0x1fa * 8, 0x15000 | all, 8);
	guest_poke(g, 0x15000 + 0x1fb * 8, GUEST_DEVICE | all, 8);
	set_code(g, hex);
	g->x.regs.gpr[AXV_X86_RDI] = 0xffffffffff5fb0b0;
	return g;
}

/* The general registers are as in @before, and no exception was raised. */
static void expect_untouched(struct kunit *test, const struct guest *g,
			     const struct axv_x86_gprs *before)
{
	KUNIT_EXPECT_EQ(test, memcmp(&g->x.regs, before, sizeof(*before)), 0);
	KUNIT_EXPECT_EQ(test, g->raised, 0u);
}

static void expect_fault_exit(struct kunit *test, struct guest *g,
			      enum axv_next next, u64 gpa, u32 access,
			      u32 cause, unsigned int bytes)
{
	const struct axv_exit_fault *f = &g->run.exit.fault;

	KUNIT_EXPECT_EQ(test, next, AXV_EXIT);
	KUNIT_EXPECT_EQ(test, g->run.exit_reason,
			(u32)AXV_EXIT_NESTED_PAGE_FAULT);
	KUNIT_EXPECT_EQ(test, f->addr, gpa);
	KUNIT_EXPECT_EQ(test, f->access, access);
	KUNIT_EXPECT_EQ(test, f->cause, cause);
	KUNIT_EXPECT_EQ(test, f->insn_bytes, bytes);
	KUNIT_EXPECT_EQ(test, memcmp(f->insn, g->memory + g->x.regs.rip,
				     bytes), 0);
	KUNIT_EXPECT_EQ(test, g->x.pending.kind, AXV_PENDING_NONE);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, CODE);
}

/**
 * struct store_case - a move to the device
 * @hex:	instruction
 * @width:	width in the exit
 * @data:	data in the exit
 */
struct store_case {
	const char *hex;
	u8 width;
	u64 data;
};

static const struct store_case store_cases[] = {
	{ "8807", 1, 0xa8 },
	{ "8827", 1, 0xa7 },
	{ "8837", 1, 0xd7 },
	{ "66890f", 2, 0xc7c8 },
	{ "8917", 4, 0xd5d6d7d8 },
	{ "c60780", 1, 0x80 },
	{ "66c7070180", 2, 0x8001 },
	{ "c707ffffffff", 4, 0xffffffff },
	{ "aa", 1, 0xa8 },
	{ "ab", 4, 0xa5a6a7a8 },
};

static void store_test(struct kunit *test)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(store_cases); i++) {
		const struct store_case *c = &store_cases[i];
		struct guest *g = new_guest(test, c->hex);
		struct axv_exit_mmio *m = &g->run.exit.mmio;
		unsigned int len = strlen(c->hex) / 2;

		KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, W_AX,
						AXV_FAULT_NO_REGION), AXV_EXIT);
		KUNIT_EXPECT_EQ_MSG(test, g->run.exit_reason,
				    (u32)AXV_EXIT_MMIO_WRITE, "%s", c->hex);
		KUNIT_EXPECT_EQ_MSG(test, g->run.insn_len, len, "%s", c->hex);
		KUNIT_EXPECT_EQ_MSG(test, g->x.regs.rip, CODE + len, "%s",
				    c->hex);
		KUNIT_EXPECT_EQ_MSG(test, m->addr, DEVICE, "%s", c->hex);
		KUNIT_EXPECT_EQ_MSG(test, m->width, c->width, "%s", c->hex);
		KUNIT_EXPECT_EQ_MSG(test, m->data, c->data, "%s", c->hex);
		KUNIT_EXPECT_EQ(test, g->x.pending.kind, AXV_PENDING_NONE);
		KUNIT_EXPECT_EQ(test, g->x.base.stats.exits[AXV_EXIT_MMIO_WRITE],
				1ull);
	}
}

/**
 * struct load_case - a move from the device
 * @bits64:	in 64-bit mode
 * @hex:	instruction
 * @width:	width in the exit
 * @sign:	sign extension in the exit
 * @reg:	register in the exit
 * @reg_width:	width of the register in the exit
 * @data:	the answer; what is above @width must not matter
 * @value:	the register afterwards
 */
struct load_case {
	bool bits64;
	const char *hex;
	u8 width;
	u8 sign;
	u8 reg;
	u8 reg_width;
	u64 data;
	u64 value;
};

#define OLD_CX	0xc1c2c3c4c5c6c7c8

static const struct load_case load_cases[] = {
	{ 0, "8a0f", 1, 0, AXV_X86_RCX, 1, 0xff11, 0xc1c2c3c4c5c6c711 },
	{ 0, "8a2f", 1, 0, AXV_X86_RCX, 1, 0xff11, 0xc1c2c3c4c5c611c8 },
	{ 0, "668b0f", 2, 0, AXV_X86_RCX, 2, 0x991122, 0xc1c2c3c4c5c61122 },
	{ 0, "8b0f", 4, 0, AXV_X86_RCX, 4, ~0ull, 0xffffffff },
	{ 0, "8b0f", 4, 0, AXV_X86_RCX, 4, 0x11223344, 0x11223344 },
	{ 0, "0fb60f", 1, 0, AXV_X86_RCX, 4, ~0ull, 0xff },
	{ 0, "660fb60f", 1, 0, AXV_X86_RCX, 2, ~0ull, 0xc1c2c3c4c5c600ff },
	{ 0, "0fb70f", 2, 0, AXV_X86_RCX, 4, ~0ull, 0xffff },
	{ 0, "0fbe0f", 1, 1, AXV_X86_RCX, 4, 0x80, 0xffffff80 },
	{ 0, "0fbe0f", 1, 1, AXV_X86_RCX, 4, 0xff7f, 0x7f },
	{ 0, "660fbe0f", 1, 1, AXV_X86_RCX, 2, 0x80, 0xc1c2c3c4c5c6ff80 },
	{ 0, "0fbf0f", 2, 1, AXV_X86_RCX, 4, 0x8000, 0xffff8000 },
	{ 1, "8a0f", 1, 0, AXV_X86_RCX, 1, 0x11, 0xc1c2c3c4c5c6c711 },
	{ 1, "8b0f", 4, 0, AXV_X86_RCX, 4, 0x80000000, 0x80000000 },
	{ 1, "488b0f", 8, 0, AXV_X86_RCX, 8, 0x8877665544332211,
	  0x8877665544332211 },
	{ 1, "480fb60f", 1, 0, AXV_X86_RCX, 8, ~0ull, 0xff },
	{ 1, "480fbe0f", 1, 1, AXV_X86_RCX, 8, 0x80, 0xffffffffffffff80 },
	{ 1, "480fbf0f", 2, 1, AXV_X86_RCX, 8, 0x8000, 0xffffffffffff8000 },
	{ 1, "48630f", 4, 1, AXV_X86_RCX, 8, 0x80000000, 0xffffffff80000000 },
	{ 1, "48630f", 4, 1, AXV_X86_RCX, 8, 0x7fffffff, 0x7fffffff },
};

static void load_test(struct kunit *test)
{
	struct axv_x86_gprs before;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(load_cases); i++) {
		const struct load_case *c = &load_cases[i];
		struct guest *g = c->bits64 ? new_guest64(test, c->hex) :
					      new_guest(test, c->hex);
		struct axv_exit_mmio *m = &g->run.exit.mmio;
		unsigned int len = strlen(c->hex) / 2;

		g->x.regs.gpr[AXV_X86_RCX] = OLD_CX;
		before = g->x.regs;
		KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, R_AX,
						AXV_FAULT_NO_REGION), AXV_EXIT);
		KUNIT_EXPECT_EQ_MSG(test, g->run.exit_reason,
				    (u32)AXV_EXIT_MMIO_READ, "%s", c->hex);
		KUNIT_EXPECT_EQ(test, g->run.insn_len, len);
		KUNIT_EXPECT_EQ(test, m->addr, DEVICE);
		KUNIT_EXPECT_EQ_MSG(test, m->width, c->width, "%s", c->hex);
		KUNIT_EXPECT_EQ_MSG(test, m->signed_ext, c->sign, "%s", c->hex);
		KUNIT_EXPECT_EQ_MSG(test, m->reg, c->reg, "%s", c->hex);
		KUNIT_EXPECT_EQ_MSG(test, m->reg_width, c->reg_width, "%s",
				    c->hex);
		expect_untouched(test, g, &before);
		KUNIT_EXPECT_EQ(test, g->x.pending.kind, AXV_PENDING_MMIO);

		/* Only the data in the run page counts. */
		memset(&g->run, 0xa5, sizeof(g->run));
		m->data = c->data;
		KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
		KUNIT_EXPECT_EQ_MSG(test, g->x.regs.gpr[AXV_X86_RCX], c->value,
				    "%s", c->hex);
		before.gpr[AXV_X86_RCX] = c->value;
		before.rip += len;
		expect_untouched(test, g, &before);
		KUNIT_EXPECT_EQ(test, g->x.pending.kind, AXV_PENDING_NONE);
	}
}

/* After a read exit the VMM or another CPU changed something. */
static void dropped_test(struct kunit *test)
{
	enum {
		NOTHING, RIP, CODE_BYTES, WIDTH, REGISTER, TABLES, REGION,
		DIRECTION, CASES
	} what;
	struct axv_x86_gprs before;

	for (what = NOTHING; what < CASES; what++) {
		struct guest *g = new_guest64(test, "8b0f");

		KUNIT_ASSERT_EQ(test, test_mmio(&g->x, DEVICE, R_AX,
						AXV_FAULT_NO_REGION), AXV_EXIT);
		g->run.exit.mmio.data = 0x11111111;
		switch (what) {
		case RIP:
			guest_poke(g, CODE + 0x100, 0x0f8b, 2);
			g->x.regs.rip += 0x100;
			break;
		case CODE_BYTES:
			guest_poke(g, CODE, 0x0f03, 2);
			break;
		case WIDTH:
			guest_poke(g, CODE, 0x0f8a, 2);
			break;
		case DIRECTION:
			guest_poke(g, CODE, 0x0f89, 2);
			break;
		case REGISTER:
			g->x.regs.gpr[AXV_X86_RDI] += 4;
			break;
		case TABLES:
			guest_poke(g, 0x15000 + 0x1fb * 8, 0, 8);
			break;
		case REGION:
			g->device_is_ram = true;
			break;
		default:
			break;
		}
		before = g->x.regs;
		KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
		KUNIT_EXPECT_EQ(test, g->x.pending.kind, AXV_PENDING_NONE);
		if (what == NOTHING)
			KUNIT_EXPECT_EQ(test, g->x.regs.gpr[AXV_X86_RCX],
					0x11111111ull);
		else
			expect_untouched(test, g, &before);
	}
}

/*
 * Exit and answer until code.c remembers all of it: the first round sets the accessed bits
 * of the code, the second those of the operand, the third notes all words.
 */
static void become_known(struct kunit *test, struct guest *g,
			 enum axv_next (*leave)(struct guest *g))
{
	unsigned int i;

	for (i = 0; i < 3; i++) {
		g->x.regs.rip = CODE;
		KUNIT_ASSERT_EQ(test, leave(g), AXV_EXIT);
		KUNIT_ASSERT_EQ(test, test_complete(&g->x), AXV_RESUME);
		KUNIT_ASSERT_GT(test, g->x.regs.rip, CODE);
	}
	g->x.regs.rip = CODE;
}

static enum axv_next read_device(struct guest *g)
{
	return test_mmio(&g->x, DEVICE, R_AX, AXV_FAULT_NO_REGION);
}

/* Something changes before the answer: that is noticed for a remembered instruction, too. */
static void known_read_test(struct kunit *test)
{
	static const u64 tables[] = {
		0x10ff8, 0x13ff8, 0x14000 + 0x1fa * 8, 0x15000 + 0x1fb * 8,
	};
	enum {
		NOTHING, RIP, CODE_BYTES, WIDTH, CODE_TABLE, CR3, REGISTER, REGION, HOLE,
		ALIGNMENT, KEY, TABLE, CASES = TABLE + ARRAY_SIZE(tables)
	} what;
	struct axv_x86_gprs before;

	for (what = NOTHING; what < CASES; what++) {
		struct guest *g = new_guest64(test, "8b0f");
		bool arrives = what == NOTHING || what == HOLE;
		int peeks;

		/* The device's page is a user page, so SMAP and protection keys count. */
		g->x.cr4 |= X86_CR4_SMAP | X86_CR4_PKE;
		g->x.regs.rflags |= X86_EFLAGS_AC;
		become_known(test, g, read_device);
		g->x.base.hole = (struct axv_hole){
			.start = GUEST_DEVICE, .end = GUEST_DEVICE + PAGE_SIZE,
			.seq = g->vm.mmu_seq,
		};
		peeks = g->peeks;

		KUNIT_ASSERT_EQ(test, read_device(g), AXV_EXIT);
		KUNIT_EXPECT_EQ(test, g->peeks, peeks);
		g->run.exit.mmio.data = 0x11111111;
		switch (what) {
		case NOTHING:
			break;
		case RIP:
			guest_poke(g, CODE + 0x100, 0x0f8b, 2);
			g->x.regs.rip += 0x100;
			break;
		case CODE_BYTES:
			guest_poke(g, CODE, 0x0f03, 2);
			break;
		case WIDTH:
			guest_poke(g, CODE, 0x0f8a, 2);
			break;
		case CODE_TABLE:
			guest_poke(g, 0x12000, 0, 8);
			break;
		case CR3:
			g->cr[3] = 0x16000;
			break;
		case REGISTER:
			g->x.regs.gpr[AXV_X86_RDI] += 4;
			break;
		case REGION:
			g->device_is_ram = true;
			g->vm.mmu_seq++;
			break;
		case HOLE:
			/* Another region changed: the address is looked for anew. */
			g->vm.mmu_seq++;
			break;
		case ALIGNMENT:
			g->x.regs.rflags &= ~(u64)X86_EFLAGS_AC;
			break;
		case KEY:
			g->x.pkru = 1;
			break;
		default:
			guest_poke(g, tables[what - TABLE], 0, 8);
			break;
		}
		before = g->x.regs;
		KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
		KUNIT_EXPECT_EQ(test, g->x.pending.kind, AXV_PENDING_NONE);
		if (what == NOTHING)
			KUNIT_EXPECT_EQ(test, g->peeks, peeks);
		if (arrives) {
			before.gpr[AXV_X86_RCX] = 0x11111111;
			before.rip += 2;
		}
		KUNIT_EXPECT_EQ_MSG(test, memcmp(&g->x.regs, &before, sizeof(before)), 0,
				    "%u", what);
		KUNIT_EXPECT_EQ(test, g->raised, 0u);
	}
}

/* Remembered instructions, whose operands change in turn or cannot be remembered. */
static void known_operand_test(struct kunit *test)
{
	struct guest *g = new_guest64(test, "8b0f");
	unsigned int i;
	int peeks;

	become_known(test, g, read_device);
	for (i = 0; i < 4; i++) {
		g->x.regs.rip = CODE;
		g->x.regs.gpr[AXV_X86_RDI] ^= 4;
		KUNIT_EXPECT_EQ(test, test_mmio(&g->x, i & 1 ? DEVICE : DEVICE ^ 4, R_AX,
						AXV_FAULT_NO_REGION), AXV_EXIT);
		g->run.exit.mmio.data = i;
		KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
		KUNIT_EXPECT_EQ(test, g->x.regs.gpr[AXV_X86_RCX], (u64)i);
	}

	/* A segment with a base: MOV %fs:(%rdi), %ecx. */
	g = new_guest64(test, "648b0f");
	g->x.regs.gpr[AXV_X86_RDI] = 0xb0;
	for (i = 0; i < 4; i++) {
		g->x.regs.rip = CODE;
		g->seg[AXV_X86_FS].base = 0xffffffffff5fb000;
		KUNIT_EXPECT_EQ(test, read_device(g), AXV_EXIT);
		g->run.exit.mmio.data = 0x11 * (i + 1);
		if (i == 3)
			g->seg[AXV_X86_FS].base += 4;
		KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
		KUNIT_EXPECT_EQ(test, g->x.regs.gpr[AXV_X86_RCX],
				i == 3 ? 0x33ull : 0x11 * (i + 1));
	}

	/* A word that could be read without waiting cannot any more: it is waited for. */
	g = new_guest64(test, "8b0f");
	become_known(test, g, read_device);
	KUNIT_EXPECT_EQ(test, read_device(g), AXV_EXIT);
	g->run.exit.mmio.data = 0x44;
	g->vm.mmu_seq++;
	g->absent = g->peeks + 2;
	peeks = g->peeks;
	KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
	KUNIT_EXPECT_GT(test, g->peeks, peeks);
	KUNIT_EXPECT_EQ(test, g->x.regs.gpr[AXV_X86_RCX], 0x44ull);
}

static enum axv_next read_port(struct guest *g)
{
	return test_io_in(&g->x, 0xd7d8, 1, 1);
}

/* As axv_x86_run() does; @in_line: with a back end that has &axv_x86_engine.code_state. */
static enum axv_next complete_in_run(struct guest *g, bool in_line)
{
	if (in_line && axv_x86_complete_known_in(&g->x, guest_code_state, guest_advance))
		return AXV_RESUME;
	return test_complete(&g->x);
}

static void expect_known_in(struct kunit *test, bool in_line)
{
	enum { NOTHING, RIP, CODE_BYTES, WIDTH, CODE_TABLE, PORT, REGION, CASES } what;
	struct axv_x86_gprs before;

	for (what = NOTHING; what < CASES; what++) {
		struct guest *g = new_guest64(test, "ec");
		bool arrives = what == NOTHING || what == REGION;
		int peeks;

		g->x.regs.gpr[AXV_X86_RDX] = 0xd7d8;
		become_known(test, g, read_port);
		KUNIT_ASSERT_EQ(test, read_port(g), AXV_EXIT);
		g->run.exit.io.data = 0x77;
		peeks = g->peeks;
		switch (what) {
		case RIP:
			g->x.regs.rip++;
			break;
		case CODE_BYTES:
			guest_poke(g, CODE, 0xee, 1);
			break;
		case WIDTH:
			guest_poke(g, CODE, 0xed, 1);
			break;
		case CODE_TABLE:
			guest_poke(g, 0x12000, 0, 8);
			break;
		case PORT:
			g->x.regs.gpr[AXV_X86_RDX]++;
			break;
		case REGION:
			g->vm.mmu_seq++;
			break;
		default:
			break;
		}
		before = g->x.regs;
		KUNIT_EXPECT_EQ(test, complete_in_run(g, in_line), AXV_RESUME);
		KUNIT_EXPECT_EQ(test, g->x.pending.kind, AXV_PENDING_NONE);
		if (what == NOTHING)
			KUNIT_EXPECT_EQ(test, g->peeks, peeks);
		if (arrives) {
			before.gpr[AXV_X86_RAX] = (before.gpr[AXV_X86_RAX] & ~0xffull) | 0x77;
			before.rip++;
		}
		KUNIT_EXPECT_EQ_MSG(test, memcmp(&g->x.regs, &before, sizeof(before)), 0,
				    "%u", what);
	}
}

static void known_in_test(struct kunit *test)
{
	struct guest *g = new_guest64(test, "ec");

	expect_known_in(test, false);
	expect_known_in(test, true);

	/* A remembered IN is completed inline; the first IN and other accesses are not. */
	g->x.regs.gpr[AXV_X86_RDX] = 0xd7d8;
	KUNIT_EXPECT_EQ(test, read_port(g), AXV_EXIT);
	KUNIT_EXPECT_FALSE(test, axv_x86_complete_known_in(&g->x, guest_code_state,
							   guest_advance));
	become_known(test, g, read_port);
	KUNIT_EXPECT_EQ(test, read_port(g), AXV_EXIT);
	KUNIT_EXPECT_TRUE(test, axv_x86_complete_known_in(&g->x, guest_code_state,
							  guest_advance));
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, CODE + 1);
	g->x.regs.rip = CODE;
	KUNIT_EXPECT_EQ(test, read_port(g), AXV_EXIT);
	g->x.pending.kind = AXV_PENDING_MMIO;
	KUNIT_EXPECT_FALSE(test, axv_x86_complete_known_in(&g->x, guest_code_state,
							   guest_advance));
	/* An answer that a signal has kept is not read again. */
	g->x.pending.kind = AXV_PENDING_IO;
	g->x.pending.answered = true;
	g->x.pending.data = 0x66;
	g->run.exit.io.data = 0x99;
	KUNIT_EXPECT_EQ(test, complete_in_run(g, true), AXV_RESUME);
	KUNIT_EXPECT_EQ(test, g->x.regs.gpr[AXV_X86_RAX] & 0xff, 0x66ull);
}

static void stos_test(struct kunit *test)
{
	struct guest *g = new_guest(test, "f3ab");
	u64 *gpr = g->x.regs.gpr;
	unsigned int i;

	gpr[AXV_X86_RCX] = 3;
	for (i = 0; i < 3; i++) {
		u64 at = DEVICE + 4 * i;

		KUNIT_EXPECT_EQ(test, test_mmio(&g->x, at, W_AX,
						AXV_FAULT_NO_REGION), AXV_EXIT);
		KUNIT_EXPECT_EQ(test, g->run.exit_reason,
				(u32)AXV_EXIT_MMIO_WRITE);
		KUNIT_EXPECT_EQ(test, g->run.exit.mmio.addr, at);
		KUNIT_EXPECT_EQ(test, gpr[AXV_X86_RDI], at + 4);
		KUNIT_EXPECT_EQ(test, gpr[AXV_X86_RCX], 2ull - i);
		KUNIT_EXPECT_EQ(test, g->x.regs.rip, i < 2 ? CODE : CODE + 2);
		KUNIT_EXPECT_EQ(test, g->run.insn_len, i < 2 ? 0 : 2);
	}
	/* ECX is 0, so the instruction makes no access: it cannot have caused this exit. */
	set_code(g, "f3ab");
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, W_AX,
					AXV_FAULT_NO_REGION), AXV_RESUME);

	/* With DF set the address counts down. */
	g = new_guest(test, "f3aa");
	gpr = g->x.regs.gpr;
	g->x.regs.rflags |= X86_EFLAGS_DF;
	gpr[AXV_X86_RCX] = 2;
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, W_AX,
					AXV_FAULT_NO_REGION), AXV_EXIT);
	KUNIT_EXPECT_EQ(test, gpr[AXV_X86_RDI], DEVICE - 1);

	/* 16-bit addresses: DI and CX wrap, what is above them stays. */
	g = new_guest(test, "67f3aa");
	gpr = g->x.regs.gpr;
	g->seg[AXV_X86_ES].base = GUEST_DEVICE - 0xffff;
	gpr[AXV_X86_RDI] = 0x1234ffff;
	gpr[AXV_X86_RCX] = 0x56780001;
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, GUEST_DEVICE, W_AX,
					AXV_FAULT_NO_REGION), AXV_EXIT);
	KUNIT_EXPECT_EQ(test, g->run.exit_reason, (u32)AXV_EXIT_MMIO_WRITE);
	KUNIT_EXPECT_EQ(test, gpr[AXV_X86_RDI], 0x12340000ull);
	KUNIT_EXPECT_EQ(test, gpr[AXV_X86_RCX], 0x56780000ull);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, CODE + 3);

	/* 32-bit addresses in 64-bit mode clear what is above them. */
	g = new_guest64(test, "67f3aa");
	gpr = g->x.regs.gpr;
	guest_poke(g, 0x12018, GUEST_DEVICE & ~0x1fffffull, 8);
	guest_poke(g, 0x12018, guest_peek(g, 0x12018, 8) | PTE_P | PTE_RW |
		   PTE_PS, 8);
	gpr[AXV_X86_RDI] = 0xffffffff00600000 + (DEVICE & 0x1fffff);
	gpr[AXV_X86_RCX] = 0xffffffff00000002;
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, W_AX,
					AXV_FAULT_NO_REGION), AXV_EXIT);
	KUNIT_EXPECT_EQ(test, g->run.exit_reason, (u32)AXV_EXIT_MMIO_WRITE);
	KUNIT_EXPECT_EQ(test, gpr[AXV_X86_RDI],
			0x600001 + (DEVICE & 0x1fffff));
	KUNIT_EXPECT_EQ(test, gpr[AXV_X86_RCX], 1ull);
}

static void movs_test(struct kunit *test)
{
	struct guest *g = new_guest(test, "f3a5");
	struct axv_x86_gprs before;
	u64 *gpr = g->x.regs.gpr;

	/* From memory to the device. */
	gpr[AXV_X86_RSI] = DATA;
	gpr[AXV_X86_RCX] = 2;
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, W_AX,
					AXV_FAULT_NO_REGION), AXV_EXIT);
	KUNIT_EXPECT_EQ(test, g->run.exit_reason, (u32)AXV_EXIT_MMIO_WRITE);
	KUNIT_EXPECT_EQ(test, g->run.exit.mmio.data, 0x85868788ull);
	KUNIT_EXPECT_EQ(test, gpr[AXV_X86_RSI], DATA + 4);
	KUNIT_EXPECT_EQ(test, gpr[AXV_X86_RDI], DEVICE + 4);
	KUNIT_EXPECT_EQ(test, gpr[AXV_X86_RCX], 1ull);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, CODE);

	/* From the device to memory. */
	g = new_guest(test, "f3a5");
	gpr = g->x.regs.gpr;
	gpr[AXV_X86_RDI] = DATA;
	gpr[AXV_X86_RCX] = 2;
	before = g->x.regs;
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, R_AX,
					AXV_FAULT_NO_REGION), AXV_EXIT);
	KUNIT_EXPECT_EQ(test, g->run.exit_reason, (u32)AXV_EXIT_MMIO_READ);
	KUNIT_EXPECT_EQ(test, g->run.exit.mmio.reg, AXV_X86_NO_REG);
	KUNIT_EXPECT_EQ(test, g->run.exit.mmio.width, 4);
	expect_untouched(test, g, &before);
	g->run.exit.mmio.data = 0xffffffff11223344;
	KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
	KUNIT_EXPECT_EQ(test, guest_peek(g, DATA, 8), 0x8182838411223344);
	KUNIT_EXPECT_EQ(test, gpr[AXV_X86_RSI], DEVICE + 4);
	KUNIT_EXPECT_EQ(test, gpr[AXV_X86_RDI], DATA + 4);
	KUNIT_EXPECT_EQ(test, gpr[AXV_X86_RCX], 1ull);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, CODE);

	/* The destination is in ES, whatever the override. */
	g = new_guest(test, "64a5");
	gpr = g->x.regs.gpr;
	g->seg[AXV_X86_FS].base = 0x100;
	g->seg[AXV_X86_ES].base = 0x10;
	gpr[AXV_X86_RSI] = DATA;
	gpr[AXV_X86_RDI] = DEVICE - 0x10;
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, W_AX,
					AXV_FAULT_NO_REGION), AXV_EXIT);
	KUNIT_EXPECT_EQ(test, g->run.exit_reason, (u32)AXV_EXIT_MMIO_WRITE);
	KUNIT_EXPECT_EQ(test, g->run.exit.mmio.data, 0x95969798ull);

	/* A move from one device to another is left to the VMM, before anything is read. */
	g = new_guest(test, "a5");
	expect_fault_exit(test, g, test_mmio(&g->x, DEVICE, R_AX,
					     AXV_FAULT_NO_REGION),
			  DEVICE, W_AX, AXV_FAULT_NO_REGION, 15);
	g->x.regs.gpr[AXV_X86_RSI] = GUEST_HOLE;
	expect_fault_exit(test, g, test_mmio(&g->x, DEVICE, W_AX,
					     AXV_FAULT_NO_REGION),
			  DEVICE, W_AX, AXV_FAULT_NO_REGION, 15);
	g->x.regs.gpr[AXV_X86_RSI] = DEVICE;
	g->x.regs.gpr[AXV_X86_RDI] = GUEST_ROM;
	expect_fault_exit(test, g, test_mmio(&g->x, DEVICE, R_AX,
					     AXV_FAULT_NO_REGION),
			  GUEST_ROM, W_AX, AXV_FAULT_READONLY, 15);

	/* The host takes the destination away while the VMM answers. */
	g = new_guest(test, "a5");
	g->x.regs.gpr[AXV_X86_RDI] = DATA;
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, R_AX,
					AXV_FAULT_NO_REGION), AXV_EXIT);
	g->host_refuses = DATA;
	expect_fault_exit(test, g, test_complete(&g->x), DATA, W_AX,
			  AXV_FAULT_HOST, 15);
	KUNIT_EXPECT_EQ(test, g->run.exit.fault.status, -EFAULT);
}

/* An exception for the other operand is raised before the device is touched. */
static void movs_fault_test(struct kunit *test)
{
	struct guest *g = new_guest64(test, "a4");
	u64 *gpr = g->x.regs.gpr;

	gpr[AXV_X86_RSI] = gpr[AXV_X86_RDI];
	gpr[AXV_X86_RDI] = 0x400123;
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, R_AX,
					AXV_FAULT_NO_REGION), AXV_RESUME);
	KUNIT_EXPECT_EQ(test, g->raised, 1u);
	KUNIT_EXPECT_EQ(test, g->vector, X86_TRAP_PF);
	KUNIT_EXPECT_EQ(test, g->error, (u32)X86_PF_WRITE);
	KUNIT_EXPECT_EQ(test, g->address, 0x400123ull);
	KUNIT_EXPECT_TRUE(test, g->has_error);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, CODE);

	gpr[AXV_X86_RDI] = gpr[AXV_X86_RSI];
	gpr[AXV_X86_RSI] = 0x400456;
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, W_AX,
					AXV_FAULT_NO_REGION), AXV_RESUME);
	KUNIT_EXPECT_EQ(test, g->raised, 2u);
	KUNIT_EXPECT_EQ(test, g->error, 0u);
	KUNIT_EXPECT_EQ(test, g->address, 0x400456ull);

	gpr[AXV_X86_RSI] = 0x800000000000;
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, W_AX,
					AXV_FAULT_NO_REGION), AXV_RESUME);
	KUNIT_EXPECT_EQ(test, g->raised, 3u);
	KUNIT_EXPECT_EQ(test, g->vector, X86_TRAP_GP);

	/* The guest's tables change all the time: the processor tries again. */
	gpr[AXV_X86_RSI] = 0x200000 + DATA;
	guest_poke(g, 0x12008, PTE_P | PTE_RW | PTE_PS, 8);
	g->races = UINT_MAX;
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, W_AX,
					AXV_FAULT_NO_REGION), AXV_AGAIN);
	KUNIT_EXPECT_EQ(test, g->raised, 3u);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, CODE);
}

/* The exit tells what the access found; a region that came since counts at the next try. */
static void region_race_test(struct kunit *test)
{
	struct guest *g = new_guest(test, "a5");

	g->x.regs.gpr[AXV_X86_RDI] = GUEST_HOLE;
	g->hole_fills = true;
	expect_fault_exit(test, g, test_mmio(&g->x, DEVICE, R_AX,
					     AXV_FAULT_NO_REGION),
			  GUEST_HOLE, W_AX, AXV_FAULT_NO_REGION, 15);
	KUNIT_EXPECT_EQ(test, g->run.exit.fault.status, 0);
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, R_AX,
					AXV_FAULT_NO_REGION), AXV_EXIT);
	KUNIT_EXPECT_EQ(test, g->run.exit_reason, (u32)AXV_EXIT_MMIO_READ);

	/* The host refuses the memory that is moved to the device: the exit tells of that. */
	g = new_guest(test, "a5");
	g->x.regs.gpr[AXV_X86_RSI] = DATA;
	g->host_refuses = DATA;
	expect_fault_exit(test, g, test_mmio(&g->x, DEVICE, W_AX,
					     AXV_FAULT_NO_REGION),
			  DATA, R_AX, AXV_FAULT_HOST, 15);
	KUNIT_EXPECT_EQ(test, g->run.exit.fault.status, -EFAULT);
}

/* An element lies across two pages, and the second cannot be written. */
static void crossing_test(struct kunit *test)
{
	struct guest *g = new_guest(test, "66a5");

	g->x.regs.gpr[AXV_X86_RDI] = GUEST_HOLE - 1;
	expect_fault_exit(test, g, test_mmio(&g->x, DEVICE, R_AX,
					     AXV_FAULT_NO_REGION),
			  GUEST_HOLE, W_AX, AXV_FAULT_NO_REGION, 15);

	/* A move lies across an edge of the device's page. */
	g = new_guest(test, "8907");
	g->x.regs.gpr[AXV_X86_RDI] = GUEST_DEVICE + 0xffe;
	expect_fault_exit(test, g, test_mmio(&g->x, GUEST_DEVICE + 0xffe, W_AX,
					     AXV_FAULT_NO_REGION),
			  GUEST_DEVICE + 0xffe, W_AX, AXV_FAULT_NO_REGION, 15);
	expect_fault_exit(test, g, test_mmio(&g->x, GUEST_DEVICE + 0x1000, W_AX,
					     AXV_FAULT_NO_REGION),
			  GUEST_DEVICE + 0x1000, W_AX, AXV_FAULT_NO_REGION, 15);
}

static void lods_test(struct kunit *test)
{
	struct guest *g = new_guest(test, "f3ac");
	u64 *gpr = g->x.regs.gpr;

	gpr[AXV_X86_RCX] = 2;
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, R_AX,
					AXV_FAULT_NO_REGION), AXV_EXIT);
	KUNIT_EXPECT_EQ(test, g->run.exit_reason, (u32)AXV_EXIT_MMIO_READ);
	g->run.exit.mmio.data = 0x11;
	KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
	KUNIT_EXPECT_EQ(test, gpr[AXV_X86_RAX], 0xa1a2a3a4a5a6a711);
	KUNIT_EXPECT_EQ(test, gpr[AXV_X86_RSI], DEVICE + 1);
	KUNIT_EXPECT_EQ(test, gpr[AXV_X86_RCX], 1ull);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, CODE);
}

/* Faults other than those of a plain move to or from the device. */
static void undecoded_test(struct kunit *test)
{
	struct axv_x86_gprs before;
	struct guest *g;

	/* The instruction is not one of those decoded: its bytes are in the exit. */
	g = new_guest(test, "0107");
	before = g->x.regs;
	expect_fault_exit(test, g, test_mmio(&g->x, DEVICE, W_AX,
					     AXV_FAULT_NO_REGION),
			  DEVICE, W_AX, AXV_FAULT_NO_REGION, 15);
	KUNIT_EXPECT_EQ(test, g->run.exit.fault.linear_valid, 0u);
	expect_untouched(test, g, &before);

	/* The instruction loads, but the access was a write; then the other way round. */
	g = new_guest(test, "8b07");
	expect_fault_exit(test, g, test_mmio(&g->x, DEVICE, W_AX,
					     AXV_FAULT_NO_REGION),
			  DEVICE, W_AX, AXV_FAULT_NO_REGION, 15);
	g = new_guest(test, "8907");
	expect_fault_exit(test, g, test_mmio(&g->x, DEVICE, R_AX,
					     AXV_FAULT_NO_REGION),
			  DEVICE, R_AX, AXV_FAULT_NO_REGION, 15);

	/* The fault is not at the address of the operand. */
	expect_fault_exit(test, g, test_mmio(&g->x, DEVICE + 4, W_AX,
					     AXV_FAULT_NO_REGION),
			  DEVICE + 4, W_AX, AXV_FAULT_NO_REGION, 15);
	KUNIT_EXPECT_EQ(test, g->run.exit.fault.linear_valid, 1u);
	KUNIT_EXPECT_EQ(test, g->run.exit.fault.linear, DEVICE);

	/* The access was not the instruction's own: the exit has no bytes of it. */
	expect_fault_exit(test, g, test_mmio(&g->x, DEVICE, W_AX |
					     AXV_ACCESS_PAGE_TABLE,
					     AXV_FAULT_NO_REGION),
			  DEVICE, W_AX | AXV_ACCESS_PAGE_TABLE,
			  AXV_FAULT_NO_REGION, 0);
	expect_fault_exit(test, g, test_mmio(&g->x, DEVICE, AXV_ACCESS_FETCH,
					     AXV_FAULT_NO_REGION),
			  DEVICE, AXV_ACCESS_FETCH, AXV_FAULT_NO_REGION, 0);
	expect_fault_exit(test, g, test_mmio(&g->x, DEVICE, W_AX |
					     AXV_ACCESS_EVENT,
					     AXV_FAULT_NO_REGION),
			  DEVICE, W_AX | AXV_ACCESS_EVENT,
			  AXV_FAULT_NO_REGION, 0);

	/* The host cannot provide the memory. */
	g = new_guest(test, "8903");
	expect_fault_exit(test, g, test_mmio(&g->x, DATA, W_AX,
					     AXV_FAULT_HOST),
			  DATA, W_AX, AXV_FAULT_HOST, 15);
	KUNIT_EXPECT_EQ(test, g->run.exit.fault.status, -EFAULT);

	/* The code cannot be read, so the exit has no bytes of it. */
	g = new_guest(test, "8907");
	g->host_refuses = CODE;
	expect_fault_exit(test, g, test_mmio(&g->x, DEVICE, W_AX,
					     AXV_FAULT_NO_REGION),
			  DEVICE, W_AX, AXV_FAULT_NO_REGION, 0);

	/* A region has appeared at the device's address meanwhile: the guest tries again. */
	g = new_guest(test, "8907");
	g->device_is_ram = true;
	before = g->x.regs;
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, W_AX,
					AXV_FAULT_NO_REGION), AXV_RESUME);
	expect_untouched(test, g, &before);

	/* A write to a read-only region is like one to a device. */
	g = new_guest(test, "8907");
	g->x.regs.gpr[AXV_X86_RDI] = GUEST_ROM + 0x10;
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, GUEST_ROM + 0x10, W_AX,
					AXV_FAULT_READONLY), AXV_EXIT);
	KUNIT_EXPECT_EQ(test, g->run.exit_reason, (u32)AXV_EXIT_MMIO_WRITE);
	KUNIT_EXPECT_EQ(test, g->run.exit.mmio.addr, GUEST_ROM + 0x10);

	/* The address is beyond the segment's limit. */
	g = new_guest(test, "8907");
	g->seg[AXV_X86_DS].limit = 0xffff;
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, W_AX,
					AXV_FAULT_NO_REGION), AXV_RESUME);
	KUNIT_EXPECT_EQ(test, g->vector, X86_TRAP_GP);
	KUNIT_EXPECT_TRUE(test, g->has_error);
}

/* Real mode pushes no error codes. */
static void real_mode_test(struct kunit *test)
{
	struct guest *g = guest_new(test, 16);

	/* The word lies across the segment's limit of 64 KiB. */
	set_code(g, "8907");
	g->x.regs.gpr[AXV_X86_RBX] = 0xffff;
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, GUEST_ROM | 0xfff, W_AX,
					AXV_FAULT_READONLY), AXV_RESUME);
	KUNIT_EXPECT_EQ(test, g->vector, X86_TRAP_GP);
	KUNIT_EXPECT_FALSE(test, g->has_error);
}

/**
 * struct in_case - IN and its answer
 * @hex:	instruction
 * @port:	number
 * @width:	bytes
 * @value:	RAX afterwards, where the answer is 0xf1f2f3f4f5f6f7f8
 */
struct in_case {
	const char *hex;
	u16 port;
	u8 width;
	u64 value;
};

static const struct in_case in_cases[] = {
	{ "ec", 0xd7d8, 1, 0xa1a2a3a4a5a6a7f8 },
	{ "66ed", 0xd7d8, 2, 0xa1a2a3a4a5a6f7f8 },
	{ "ed", 0xd7d8, 4, 0xf5f6f7f8 },
	{ "e460", 0x60, 1, 0xa1a2a3a4a5a6a7f8 },
	{ "e5ff", 0xff, 4, 0xf5f6f7f8 },
};

static void in_test(struct kunit *test)
{
	struct axv_x86_gprs before;
	struct guest *g;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(in_cases); i++) {
		const struct in_case *c = &in_cases[i];
		unsigned int len = strlen(c->hex) / 2;

		g = new_guest(test, c->hex);
		before = g->x.regs;
		KUNIT_EXPECT_EQ(test, test_io_in(&g->x, c->port, c->width, len),
				AXV_EXIT);
		KUNIT_EXPECT_EQ(test, g->run.exit_reason,
				(u32)AXV_EXIT_IO_READ);
		KUNIT_EXPECT_EQ(test, g->run.exit.io.port, c->port);
		KUNIT_EXPECT_EQ(test, g->run.exit.io.width, c->width);
		KUNIT_EXPECT_EQ(test, g->run.insn_len, len);
		expect_untouched(test, g, &before);

		memset(&g->run, 0x5a, sizeof(g->run));
		g->run.exit.io.data = 0xf1f2f3f4f5f6f7f8;
		KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
		before.gpr[AXV_X86_RAX] = c->value;
		before.rip += len;
		expect_untouched(test, g, &before);
		KUNIT_EXPECT_EQ(test, g->x.pending.kind, AXV_PENDING_NONE);
	}

	/* Drop the answer if port, width, place or instruction differ, or the code is gone. */
	for (i = 0; i < 5; i++) {
		g = new_guest(test, "ec");
		test_io_in(&g->x, 0xd7d8, 1, 1);
		if (i == 0)
			g->x.regs.gpr[AXV_X86_RDX] = 0;
		else if (i == 1)
			guest_poke(g, CODE, 0xed, 1);
		else if (i == 2)
			guest_poke(g, CODE, 0xee, 1);
		else if (i == 3)
			g->x.regs.rip--;
		else
			g->host_refuses = CODE;
		before = g->x.regs;
		KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
		expect_untouched(test, g, &before);
		KUNIT_EXPECT_EQ(test, g->x.pending.kind, AXV_PENDING_NONE);
	}
}

/* The guest is not entered again for ever: the VMM is told where the instruction is. */
static void again_test(struct kunit *test)
{
	struct guest *g = new_guest(test, "8b07");
	unsigned int i;

	g->seg[AXV_X86_CS].base = 0x10000000;
	for (i = 1; i < AGAIN_MAX; i++) {
		KUNIT_EXPECT_EQ(test, test_again(&g->x), AXV_RESUME);
		KUNIT_EXPECT_TRUE(test, g->x.asid.stale);
		g->x.asid.stale = false;
	}
	/* At another instruction pointer the count begins anew. */
	g->x.regs.rip++;
	for (i = 1; i < AGAIN_MAX; i++)
		KUNIT_EXPECT_EQ(test, test_again(&g->x), AXV_RESUME);
	KUNIT_EXPECT_EQ(test, test_again(&g->x), AXV_EXIT);
	KUNIT_EXPECT_EQ(test, g->run.exit_reason,
			(u32)AXV_EXIT_NESTED_PAGE_FAULT);
	KUNIT_EXPECT_EQ(test, g->run.exit.fault.cause, (u32)AXV_FAULT_CODE);
	KUNIT_EXPECT_EQ(test, g->run.exit.fault.access, (u32)AXV_ACCESS_FETCH);
	KUNIT_EXPECT_EQ(test, g->run.exit.fault.linear, 0x10000000 + CODE + 1);
	KUNIT_EXPECT_TRUE(test, g->run.exit.fault.linear_valid);
	KUNIT_EXPECT_EQ(test, g->run.exit.fault.insn_bytes, 0u);
	KUNIT_EXPECT_EQ(test, test_again(&g->x), AXV_RESUME);
}

/* #AC at an access for user mode that the module makes, not the processor. */
static void alignment_test(struct kunit *test)
{
	unsigned int off;
	struct guest *g;
	u64 *gpr;

	/* First with all that #AC needs, then with one part of it missing. */
	for (off = 0; off < 5; off++) {
		g = new_guest(test, "a5");
		gpr = g->x.regs.gpr;
		gpr[AXV_X86_RSI] = DATA + 1;
		gpr[AXV_X86_RDI] = DEVICE;
		g->cpl = 3;
		g->x.cr0 |= X86_CR0_AM;
		g->x.regs.rflags |= X86_EFLAGS_AC;
		if (off == 1)
			g->cpl = 0;
		else if (off == 2)
			g->x.cr0 &= ~(u64)X86_CR0_AM;
		else if (off == 3)
			g->x.regs.rflags &= ~(u64)X86_EFLAGS_AC;
		else if (off == 4)
			gpr[AXV_X86_RSI]--;
		KUNIT_EXPECT_EQ_MSG(test, test_mmio(&g->x, DEVICE, W_AX,
						    AXV_FAULT_NO_REGION),
				    off ? AXV_EXIT : AXV_RESUME, "%u", off);
		KUNIT_EXPECT_EQ(test, g->raised, off ? 0u : 1u);
		if (off)
			continue;
		KUNIT_EXPECT_EQ(test, g->vector, X86_TRAP_AC);
		KUNIT_EXPECT_TRUE(test, g->has_error);
		KUNIT_EXPECT_EQ(test, g->error, 0u);
		KUNIT_EXPECT_EQ(test, g->x.regs.rip, CODE);
		KUNIT_EXPECT_EQ(test, g->x.pending.kind, AXV_PENDING_NONE);
	}
}

static struct guest *new_rdmsr(struct kunit *test)
{
	struct guest *g = new_guest64(test, "0f32");

	g->x.regs.gpr[AXV_X86_RAX] = ~0ull;
	g->x.regs.gpr[AXV_X86_RDX] = ~0ull;
	g->x.regs.gpr[AXV_X86_RCX] = 0xffffffffc0000080;
	g->x.pending.kind = AXV_PENDING_SYSREG;
	g->x.pending.addr = 0xc0000080;
	g->x.pending.rip = CODE;
	g->run.exit.sysreg.value = 0x1122334455667788;
	return g;
}

static void sysreg_test(struct kunit *test)
{
	struct axv_x86_gprs before;
	struct guest *g;

	g = new_rdmsr(test);
	KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
	KUNIT_EXPECT_EQ(test, g->x.regs.gpr[AXV_X86_RAX], 0x55667788ull);
	KUNIT_EXPECT_EQ(test, g->x.regs.gpr[AXV_X86_RDX], 0x11223344ull);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, CODE + 2);

	g = new_rdmsr(test);
	g->run.exit.sysreg.fail = 1;
	before = g->x.regs;
	KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
	KUNIT_EXPECT_EQ(test, g->raised, 1u);
	KUNIT_EXPECT_EQ(test, g->vector, X86_TRAP_GP);
	KUNIT_EXPECT_EQ(test, g->error, 0u);
	KUNIT_EXPECT_TRUE(test, g->has_error);
	g->raised = 0;
	expect_untouched(test, g, &before);

	g = new_rdmsr(test);
	g->x.regs.gpr[AXV_X86_RCX] = 0x10;
	before = g->x.regs;
	KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
	expect_untouched(test, g, &before);

	g = new_rdmsr(test);
	guest_poke(g, CODE, 0x300f, 2);
	before = g->x.regs;
	KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
	expect_untouched(test, g, &before);
}

static enum axv_next complete_with_signal(struct guest *g)
{
	enum axv_next next;

	g->signal_in = 0;
	set_tsk_thread_flag(current, TIF_SIGPENDING);
	next = test_complete(&g->x);
	clear_tsk_thread_flag(current, TIF_SIGPENDING);
	return next;
}

/* A signal ends the run; the answer is kept, whatever becomes of the run page. */
static void signal_complete_test(struct kunit *test)
{
	struct axv_x86_gprs before;
	enum axv_next next;
	struct guest *g;
	int i;

	/* The element cannot be stored. */
	g = new_guest(test, "a5");
	g->x.regs.gpr[AXV_X86_RDI] = DATA;
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, R_AX, AXV_FAULT_NO_REGION),
			AXV_EXIT);
	before = g->x.regs;
	g->run.exit.mmio.data = 0x11223344;
	KUNIT_EXPECT_EQ(test, complete_with_signal(g), AXV_EXIT);
	KUNIT_EXPECT_EQ(test, g->run.exit_reason, (u32)AXV_EXIT_NOTHING);
	expect_untouched(test, g, &before);
	memset(&g->run, 0x5a, sizeof(g->run));
	KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
	KUNIT_EXPECT_EQ(test, guest_peek(g, DATA, 8), 0x8182838411223344);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, CODE + 1);
	KUNIT_EXPECT_EQ(test, g->x.pending.kind, AXV_PENDING_NONE);

	/* The code cannot be read. */
	g = new_guest(test, "ec");
	test_io_in(&g->x, 0xd7d8, 1, 1);
	g->run.exit.io.data = 0x77;
	g->absent = g->peeks;
	KUNIT_EXPECT_EQ(test, complete_with_signal(g), AXV_EXIT);
	memset(&g->run, 0x5a, sizeof(g->run));
	g->absent = -1;
	KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
	KUNIT_EXPECT_EQ(test, g->x.regs.gpr[AXV_X86_RAX] & 0xff, 0x77ull);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, CODE + 1);

	g = new_rdmsr(test);
	g->run.exit.sysreg.fail = 1;
	g->absent = g->peeks;
	KUNIT_EXPECT_EQ(test, complete_with_signal(g), AXV_EXIT);
	KUNIT_EXPECT_EQ(test, g->raised, 0u);
	memset(&g->run, 0, sizeof(g->run));
	g->absent = -1;
	KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
	KUNIT_EXPECT_EQ(test, g->vector, X86_TRAP_GP);

	g = new_guest(test, "8b07");
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, R_AX, AXV_FAULT_NO_REGION),
			AXV_EXIT);
	g->run.exit.mmio.data = 0x12345678;
	g->absent = g->peeks;
	KUNIT_EXPECT_EQ(test, complete_with_signal(g), AXV_EXIT);
	memset(&g->run, 0x5a, sizeof(g->run));
	g->absent = -1;
	KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
	KUNIT_EXPECT_EQ(test, g->x.regs.gpr[AXV_X86_RAX], 0x12345678ull);

	/* Without a signal the answer is not lost, either, if the second try succeeds. */
	g = new_guest(test, "8b07");
	KUNIT_EXPECT_EQ(test, test_mmio(&g->x, DEVICE, R_AX, AXV_FAULT_NO_REGION),
			AXV_EXIT);
	g->run.exit.mmio.data = 0x12345678;
	g->absent = g->peeks;
	g->signal_in = 0;
	KUNIT_EXPECT_EQ(test, test_complete(&g->x), AXV_RESUME);
	KUNIT_EXPECT_EQ(test, g->x.regs.gpr[AXV_X86_RAX], 0x12345678ull);
	KUNIT_EXPECT_EQ(test, g->x.regs.rip, CODE + 2);

	/* A signal keeps the exit itself from reading the code. */
	g = new_guest(test, "8b07");
	g->absent = g->peeks;
	g->signal_in = 0;
	set_tsk_thread_flag(current, TIF_SIGPENDING);
	next = test_mmio(&g->x, DEVICE, R_AX, AXV_FAULT_NO_REGION);
	for (i = 0; i < 2 * AGAIN_MAX; i++)
		if (test_again(&g->x) != AXV_RESUME)
			break;
	clear_tsk_thread_flag(current, TIF_SIGPENDING);
	KUNIT_EXPECT_EQ(test, next, AXV_AGAIN);
	KUNIT_EXPECT_EQ(test, i, 2 * AGAIN_MAX);
}

static struct kunit_case access_cases[] = {
	KUNIT_CASE(store_test),
	KUNIT_CASE(load_test),
	KUNIT_CASE(dropped_test),
	KUNIT_CASE(known_read_test),
	KUNIT_CASE(known_operand_test),
	KUNIT_CASE(known_in_test),
	KUNIT_CASE(stos_test),
	KUNIT_CASE(movs_test),
	KUNIT_CASE(movs_fault_test),
	KUNIT_CASE(region_race_test),
	KUNIT_CASE(crossing_test),
	KUNIT_CASE(lods_test),
	KUNIT_CASE(undecoded_test),
	KUNIT_CASE(real_mode_test),
	KUNIT_CASE(in_test),
	KUNIT_CASE(alignment_test),
	KUNIT_CASE(again_test),
	KUNIT_CASE(sysreg_test),
	KUNIT_CASE(signal_complete_test),
	{}
};

axv_test_suite("axvcpu-x86-access", access_cases);
