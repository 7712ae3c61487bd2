// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The library's code for arm64: wrappers, the walk of stage 1, and axv_vcpu_finish(),
 * over a stand-in for the module.
 */
#include <errno.h>
#include <string.h>

#include "arm64/insn.h"
#include "tests/fixture.h"

#define ENTRY		0x1000ull
#define STR_X1_POST	0xf8008401u	/* str x1, [x0], #8 */
#define LDP_X1_X2	0xa9400801u	/* ldp x1, x2, [x0] */
#define LDP_SP_PRE	0xa9c10be1u	/* ldp x1, x2, [sp, #16]! */
#define LDR_Q1		0x3dc00001u	/* ldr q1, [x0] */
#define STP_X1_X2	0xa9000801u	/* stp x1, x2, [x0] */
#define STR_X1		0xf9000001u	/* str x1, [x0] */
#define LDR_X1		0xf9400001u	/* ldr x1, [x0] */
#define LDTR_X1		0xf8400801u	/* ldtr x1, [x0] */
#define LDXR		0xc85f7c01u	/* ldxr x1, [x0] */

/* ---- wrappers ----------------------------------------------------------- */

static void test_registers(void)
{
	struct axv_arm64_gprs gprs = { .sp_el0 = 1, .pc = 2, .pstate = 3 }, gprs2;
	struct axv_arm64_sregs sregs, sregs2;
	__u64 values[sizeof(sregs) / 8], value;
	unsigned int i;

	kernel_reset();
	kernel.no_reg = AXV_REG_ARM64(SYSREG, AXV_ARM64_SYSREG_INDEX(3, 0, 7, 4, 0));
	kernel.fixed_reg = AXV_REG_ARM64(GPR, 30);
	tap(axv_vcpu_set_reg(vcpu, kernel.fixed_reg, 3) == -EPERM && error_has("X30"),
	    "a register that cannot be written is named");
	tap(axv_vcpu_get_reg(vcpu, kernel.no_reg, &value) == -ENOENT &&
	    error_has("S3_0_C7_C4_0"), "a register that does not exist is named");
	kernel_reset();
	for (i = 0; i < 31; i++)
		gprs.x[i] = 100 + i;
	tap(!axv_vcpu_set_gprs(vcpu, &gprs) && kernel_get(AXV_REG_ARM64(GPR, 30)) == 130 &&
	    kernel_get(AXV_REG_ARM64(GPR, AXV_ARM64_PC)) == 2 &&
	    !axv_vcpu_get_gprs(vcpu, &gprs2) && !memcmp(&gprs, &gprs2, sizeof(gprs)),
	    "general registers out and in");
	for (i = 0; i < sizeof(sregs) / 8; i++)
		values[i] = 200 + i;
	memcpy(&sregs, values, sizeof(sregs));
	tap(!axv_vcpu_set_sregs(vcpu, &sregs) &&
	    kernel_get(AXV_REG_ARM64(SYSREG, AXV_ARM64_SYSREG_INDEX(3, 4, 4, 1, 0))) ==
	    sregs.sp_el1 &&
	    kernel_get(AXV_REG_ARM64(SYSREG, AXV_ARM64_SYSREG_INDEX(3, 0, 1, 0, 0))) ==
	    sregs.sctlr_el1 &&
	    kernel_get(AXV_REG_ARM64(SYSREG, AXV_ARM64_SYSREG_INDEX(3, 0, 12, 0, 0))) ==
	    sregs.vbar_el1 &&
	    !axv_vcpu_get_sregs(vcpu, &sregs2) && !memcmp(&sregs, &sregs2, sizeof(sregs)),
	    "system registers out and in");
}

static void test_events(void)
{
	const struct axv_sgis sgis = { .enabled = 5, .priority = { [2] = 0x40 } };

	kernel_reset();
	tap(!axv_vcpu_set_input(vcpu, AXV_ARM64_INPUT_FIQ, true) &&
	    kernel.event.type == AXV_INJECT_WIRED &&
	    kernel.event.vector == AXV_ARM64_INPUT_FIQ && kernel.event.data == 1,
	    "an input is asserted");
	tap(!axv_vcpu_set_input(vcpu, AXV_ARM64_INPUT_IRQ, false) && !kernel.event.data,
	    "an input is released");
	tap(!axv_vcpu_inject_exception(vcpu, 0x24, 0x10, 0x1234) &&
	    kernel.event.type == AXV_INJECT_EXCEPTION && kernel.event.vector == 0x24 &&
	    kernel.event.error_code == 0x10 && kernel.event.address == 0x1234,
	    "an exception, with its syndrome and address");
	tap(!axv_vcpu_set_sgis(vcpu, &sgis) && !memcmp(&kernel.sgis, &sgis, sizeof(sgis)),
	    "SGIs, which are enabled and how urgent");
}

/* ---- finishing accesses ------------------------------------------------- */

/* Make an exit at EL1 with the MMU off, with registers in the run page or not. */
static void make_exit(bool in_page, __u32 word)
{
	struct axv_run_regs regs = {
		.gprs.x = { [0] = DEVICE, [1] = 0x1111111111111111 },
		.gprs.pc = ENTRY,
		.gprs.pstate = 5 | PSTATE_SS,
		.sregs.sp_el1 = DEVICE + 0x100,
	};

	make_fault(DEVICE);
	memcpy(ram + ENTRY, &word, 4);
	if (in_page) {
		run->valid = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
		run->regs = regs;
	} else {
		axv_vcpu_set_gprs(vcpu, &regs.gprs);
		axv_vcpu_set_sregs(vcpu, &regs.sregs);
		memset(kernel.calls, 0, sizeof(kernel.calls));
	}
}

static void test_finish(void)
{
	const struct axv_arm64_fpu *fpu = (void *)kernel.fpu;

	make_exit(true, STR_X1_POST);
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == AXV_FINISH_DONE && device.writes == 1 &&
	    device.addr == DEVICE && device.width == 8 && device.data == 0x1111111111111111 &&
	    run->regs.gprs.x[0] == DEVICE + 8 && run->regs.gprs.pc == ENTRY + 4 &&
	    run->regs.gprs.pstate == 5 && run->dirty == AXV_RUN_SET_GPRS,
	    "an access finished, registers in the run page");
	tap(!kernel.calls[0x27] && !kernel.calls[0x28],
	    "an access finished without an ioctl for registers");

	make_exit(false, LDP_X1_X2);
	tap(!axv_vcpu_handle_mmio(vcpu, &ops, NULL) && device.reads == 2 &&
	    device.log[0].addr == DEVICE && device.log[1].addr == DEVICE + 8 && !run->dirty &&
	    kernel_get(AXV_REG_ARM64(GPR, 2)) == DEVICE_DATA &&
	    kernel_get(AXV_REG_ARM64(GPR, AXV_ARM64_PC)) == ENTRY + 4,
	    "a pair finished, registers by ioctl");

	make_exit(true, LDP_SP_PRE);
	run->exit.fault.addr = DEVICE + 0x110;
	tap(!axv_vcpu_finish(vcpu, &ops, NULL) && device.log[0].addr == DEVICE + 0x110 &&
	    run->regs.sregs.sp_el1 == DEVICE + 0x110 && (run->dirty & AXV_RUN_SET_SREGS),
	    "the stack pointer of EL1 as base");
	make_exit(true, LDP_SP_PRE);
	run->regs.gprs.pstate = 0;
	run->regs.gprs.sp_el0 = DEVICE + 0x200;
	tap(!axv_vcpu_finish(vcpu, &ops, NULL) && run->regs.gprs.sp_el0 == DEVICE + 0x210 &&
	    run->regs.sregs.sp_el1 == DEVICE + 0x100 && run->dirty == AXV_RUN_SET_GPRS,
	    "the stack pointer of EL0");

	make_exit(true, LDR_Q1);
	tap(!axv_vcpu_finish(vcpu, &ops, NULL) && device.reads == 2 && device.width == 8 &&
	    kernel.calls[0x2a] == 1 && fpu->v[1][0] == DEVICE_DATA &&
	    fpu->v[1][1] == DEVICE_DATA, "a vector register, in two parts");
}

static void test_refusals(void)
{
	char text[64];

	make_exit(true, LDXR);
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EOPNOTSUPP && error_has(".inst 0xc85f7c01") &&
	    !device.reads && !run->dirty, "an instruction that cannot be finished is told");
	make_exit(true, LDP_X1_X2);
	device.error = -EREMOTEIO;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EREMOTEIO && error_has("0xd0000000") &&
	    run->regs.gprs.x[1] == 0x1111111111111111 && run->regs.gprs.pc == ENTRY &&
	    !run->dirty, "an error of the device leaves the registers alone");
	make_exit(true, LDP_X1_X2);
	run->regs.sregs.sctlr_el1 = SCTLR_EE;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EOPNOTSUPP && error_has("big-endian"),
	    "a big-endian guest");
	make_exit(true, LDP_X1_X2);
	run->regs.gprs.pstate = PSTATE_AARCH32;
	run->exit.fault.access = AXV_ACCESS_READ;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == AXV_FINISH_EXCEPTION &&
	    kernel.event.type == AXV_INJECT_EXCEPTION && kernel.event.vector == 0x24 &&
	    kernel.event.error_code == (0x10 | 1u << 10),
	    "32-bit code, which is user mode's: an external abort");
	make_exit(true, LDXR);
	run->regs.gprs.pstate = 0;
	run->exit.fault.access = AXV_ACCESS_WRITE;
	run->exit.fault.linear = DEVICE + 0x18;
	run->exit.fault.linear_valid = 1;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == AXV_FINISH_EXCEPTION &&
	    kernel.event.error_code == (0x10 | 1u << 6) &&
	    kernel.event.address == DEVICE + 0x18 && !device.reads,
	    "user mode's instruction that cannot be finished: an external abort");
	make_exit(true, LDP_X1_X2);
	run->exit.fault.access = AXV_ACCESS_PAGE_TABLE | AXV_ACCESS_READ;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EOPNOTSUPP && error_has("page table"),
	    "a page table in a device");
	make_exit(true, LDP_X1_X2);
	run->regs.gprs.pc = DEVICE;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EOPNOTSUPP && error_has("cannot be read"),
	    "an instruction that cannot be read");
	make_exit(true, LDP_X1_X2);
	tap(axv_vcpu_disassemble(vcpu, text, sizeof(text)) == 4 &&
	    !strcmp(text, ".inst 0xa9400801"), "disassembly: %s", text);
}

/* ---- the walk of stage 1 -------------------------------------------------- */

#define TABLES		0x100000ull	/* one 64 KiB page for each level */
#define TABLE(level)	(TABLES + ((level) + 1) * 0x10000ull)
#define VALID		3ull		/* a table, or a page at level 3 */
#define BLOCK		1ull
#define AF		(1ull << 10)
#define EL0		(1ull << 6)
#define READONLY	(1ull << 7)
#define PXN		(1ull << 53)
#define UXN		(1ull << 54)
#define NO_EL0_TABLE	(1ull << 61)
#define READONLY_TABLE	(1ull << 62)
#define UXN_TABLE	(1ull << 60)
#define LEAF		(AF | EL0)

#define EL1H		5ull
#define DS		(1ull << 59)	/* TCR_EL1 (FEAT_LPA2) */

static void put(__u64 table, unsigned int index, __u64 value)
{
	memcpy(ram + table + index * 8, &value, 8);
}

static __u64 *entry(int level, __u64 linear, unsigned int granule, unsigned int bits)
{
	unsigned int shift = granule + (granule - 3) * (3 - level);
	unsigned int width = bits - shift < granule - 3 ? bits - shift : granule - 3;

	return (__u64 *)(ram + TABLE(level)) + (linear >> shift & ((1ull << width) - 1));
}

/*
 * Make tables from level @first that map @linear by @leaf at level @last, for addresses
 * of @bits in the lower and the upper half.
 */
static void map(unsigned int granule, unsigned int bits, int first, int last,
		__u64 linear, __u64 leaf)
{
	static const unsigned int tg0[] = { [12] = 0, [14] = 2, [16] = 1 };
	static const unsigned int tg1[] = { [12] = 2, [14] = 1, [16] = 3 };
	struct axv_arm64_sregs *s = &run->regs.sregs;
	int level;

	make_exit(true, LDP_X1_X2);
	run->regs.gprs.pstate = EL1H;
	memset(ram + TABLE(-1), 0, 0x50000);
	s->ttbr0_el1 = 0x7full << 48 | TABLE(first) | 1;	/* an ASID, and CnP */
	s->ttbr1_el1 = s->ttbr0_el1;
	s->tcr_el1 = (64 - bits) | (64 - bits) << 16 | tg0[granule] << 14 |
		     (__u64)tg1[granule] << 30;
	s->sctlr_el1 = SCTLR_M;
	for (level = first; level < last; level++)
		*entry(level, linear, granule, bits) = TABLE(level + 1) | VALID;
	*entry(last, linear, granule, bits) = leaf;
}

static bool translates(__u64 linear, __u32 access, __u64 to)
{
	__u64 gpa = ~0ull;
	int ret = axv_vcpu_translate(vcpu, linear, access, &gpa);

	if (!ret && gpa == to)
		return true;
	tap_note("%#llx: %d, %#llx: %s", linear, ret, gpa, ret ? axv_error() : "");
	return false;
}

static bool faults(__u64 linear, __u32 access)
{
	__u64 gpa;

	return axv_vcpu_translate(vcpu, linear, access, &gpa) == -EFAULT;
}

struct shape {
	unsigned int granule, bits;
	int first, last;
	__u64 linear, size;
};

static void walk(const struct shape *s, bool lpa2)
{
	__u64 upper = s->linear | ~0ull << s->bits;
	__u64 to = 0x5a5a40000000ull & ~(s->size - 1);
	__u64 expected = to | (s->linear & (s->size - 1));

	map(s->granule, s->bits, s->first, s->last, s->linear,
	    to | LEAF | (s->last == 3 ? VALID : BLOCK));
	if (lpa2)
		run->regs.sregs.tcr_el1 |= DS;
	tap(translates(s->linear, AXV_ACCESS_READ, expected) &&
	    translates(upper, AXV_ACCESS_READ, expected) &&
	    faults(s->linear ^ s->size, AXV_ACCESS_READ) &&
	    faults(s->linear | 1ull << s->bits, AXV_ACCESS_READ),
	    "2^%u pages, %u bits%s, from level %d to %d", s->granule, s->bits,
	    lpa2 ? " with FEAT_LPA2" : "", s->first, s->last);
}

static void test_walk(void)
{
	const struct shape good[] = {
		{ 12, 48, 0, 3, 0x0000923456789abc, 1ull << 12 },
		{ 12, 48, 0, 2, 0x0000923456789abc, 1ull << 21 },
		{ 12, 48, 0, 1, 0x0000923456789abc, 1ull << 30 },
		{ 12, 39, 1, 3, 0x0000005234567abc, 1ull << 12 },
		{ 12, 39, 1, 1, 0x0000005234567abc, 1ull << 30 },
		{ 12, 30, 2, 3, 0x0000000034567abc, 1ull << 12 },
		{ 12, 36, 1, 3, 0x0000000834567abc, 1ull << 12 },
		{ 14, 48, 0, 3, 0x0000923456789abc, 1ull << 14 },
		{ 14, 47, 1, 2, 0x0000523456789abc, 1ull << 25 },
		{ 14, 36, 2, 3, 0x0000000834567abc, 1ull << 14 },
		{ 16, 48, 1, 3, 0x0000923456789abc, 1ull << 16 },
		{ 16, 42, 2, 2, 0x0000023456789abc, 1ull << 29 },
		{ 16, 42, 2, 3, 0x0000023456789abc, 1ull << 16 },
		{ 16, 52, 1, 3, 0x0009523456789abc, 1ull << 16 },
	};
	const struct shape with_lpa2[] = {
		{ 12, 52, -1, 3, 0x0009523456789abc, 1ull << 12 },
		{ 12, 52, -1, 0, 0x0009523456789abc, 1ull << 39 },
		{ 12, 49, -1, 1, 0x0001523456789abc, 1ull << 30 },
		{ 12, 39, 1, 3, 0x0000005234567abc, 1ull << 12 },
		{ 14, 52, 0, 3, 0x0009523456789abc, 1ull << 14 },
		{ 14, 52, 0, 1, 0x0009523456789abc, 1ull << 36 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		walk(&good[i], false);
	for (i = 0; i < sizeof(with_lpa2) / sizeof(with_lpa2[0]); i++)
		walk(&with_lpa2[i], true);

	map(12, 52, -1, 3, 0x1234, VALID | LEAF);
	tap(faults(0x1234, 0), "52 bits without FEAT_LPA2");
	run->regs.sregs.tcr_el1 |= DS;
	tap(translates(0x1234, AXV_ACCESS_READ, 0x234), "52 bits with FEAT_LPA2");
	map(12, 39, 1, 1, 0x1234, BLOCK | LEAF | 3ull << 8);
	tap(translates(0x1234, AXV_ACCESS_READ, 0x1234), "shareability");
	run->regs.sregs.tcr_el1 |= DS;
	tap(faults(0x1234, 0), "an address beyond 48 bits, in the bits of shareability");
	map(12, 39, 1, 1, 0x1234, BLOCK | LEAF | 1ull << 48);
	run->regs.sregs.tcr_el1 |= DS;
	tap(faults(0x1234, 0), "an address beyond 48 bits");
	map(14, 47, 1, 1, 0x1234, BLOCK | LEAF);
	tap(faults(0x1234, 0), "a block at a level without blocks");
	map(14, 52, 0, 0, 0x1234, BLOCK | LEAF);
	run->regs.sregs.tcr_el1 |= DS;
	tap(faults(0x1234, 0), "a block at a level without blocks, with FEAT_LPA2");
	map(12, 48, 0, 3, 0x1234, BLOCK | LEAF);
	tap(faults(0x1234, 0), "a page whose entry has the type of a block");
	map(12, 39, 1, 1, 0x1234, BLOCK | EL0);
	tap(faults(0x1234, AXV_ACCESS_READ), "an entry without the access flag");
	run->regs.sregs.tcr_el1 |= 1ull << 39;
	tap(translates(0x1234, AXV_ACCESS_READ, 0x1234),
	    "an entry without the access flag, which hardware sets");
	map(12, 39, 1, 1, 0x1234, BLOCK | LEAF);
	tap(faults(0xab00000000001234, AXV_ACCESS_READ), "a tag");
	run->regs.sregs.tcr_el1 |= 1ull << 37;
	tap(translates(0xab00000000001234, AXV_ACCESS_READ, 0x1234), "a tag that is ignored");
	run->regs.sregs.tcr_el1 |= 1ull << 7;
	tap(faults(0x1234, 0), "a half that is switched off");
	map(16, 42, 2, 3, 0, VALID | LEAF);
	run->regs.sregs.tcr_el1 += 42 - 16;
	put(TABLE(2), 0, TABLE(2) | VALID);
	tap(faults(0, 0), "a table that is its own entry, and a size below a page");
	map(12, 39, 1, 3, 0x1234, VALID | LEAF);
	put(TABLE(1), 0, DEVICE | VALID);
	tap(axv_vcpu_translate(vcpu, 0x1234, 0, &(__u64){ 0 }) == -EOPNOTSUPP &&
	    error_has("page table"), "a table where there is no memory");
	run->regs.sregs.sctlr_el1 = 0;
	tap(translates(0x1234, AXV_ACCESS_READ, 0x1234), "the MMU off");
}

/* Which of read, write and fetch a leaf allows, at one exception level. */
static bool allows(__u64 leaf, __u64 pstate, bool read, bool write, bool fetch)
{
	const __u64 linear = 0x1234;

	map(12, 39, 1, 1, linear, BLOCK | AF | leaf);
	run->regs.gprs.pstate = pstate;
	return faults(linear, AXV_ACCESS_READ) == !read &&
	       faults(linear, AXV_ACCESS_WRITE) == !write &&
	       faults(linear, AXV_ACCESS_FETCH) == !fetch && translates(linear, 0, linear);
}

static void test_permissions(void)
{
	tap(allows(0, EL1H, true, true, true) && allows(READONLY, EL1H, true, false, true) &&
	    allows(EL0, EL1H, true, true, false) &&
	    allows(EL0 | READONLY, EL1H, true, false, true) &&
	    allows(PXN, EL1H, true, true, false) && allows(UXN, EL1H, true, true, true),
	    "the rights of EL1");
	tap(allows(0, 0, false, false, true) && allows(EL0, 0, true, true, true) &&
	    allows(EL0 | READONLY, 0, true, false, true) &&
	    allows(EL0 | UXN, 0, true, true, false) && allows(EL0 | PXN, 0, true, true, true),
	    "the rights of EL0");
	tap(allows(EL0, EL1H | PSTATE_PAN, false, false, false) &&
	    allows(0, EL1H | PSTATE_PAN, true, true, true), "privileged access never");

	map(12, 39, 1, 1, 0x1234, BLOCK | AF);
	run->regs.sregs.sctlr_el1 |= SCTLR_WXN;
	tap(faults(0x1234, AXV_ACCESS_FETCH) && !faults(0x1234, AXV_ACCESS_WRITE),
	    "what is writable is not executed");

	map(12, 39, 1, 3, 0x1234, VALID | LEAF);
	put(TABLE(1), 0, TABLE(2) | VALID | NO_EL0_TABLE | READONLY_TABLE | UXN_TABLE);
	run->regs.gprs.pstate = 0;
	tap(faults(0x1234, AXV_ACCESS_READ) && faults(0x1234, AXV_ACCESS_FETCH),
	    "tables restrict EL0");
	run->regs.gprs.pstate = EL1H;
	tap(!faults(0x1234, AXV_ACCESS_READ) && faults(0x1234, AXV_ACCESS_WRITE) &&
	    !faults(0x1234, AXV_ACCESS_FETCH), "tables restrict EL1");
	run->regs.sregs.tcr_el1 |= 1ull << 41;
	tap(!faults(0x1234, AXV_ACCESS_WRITE), "tables restrict nothing with TCR_EL1.HPD0");
}

/*
 * Another thread of the guest replaces the instruction between the fault and
 * axv_vcpu_finish(): the new one is executed only if the guest's tables allow its own
 * access.
 */
static void test_replaced(void)
{
	const __u64 linear = 0x1238;
	unsigned int i, n;

	for (i = 0; i < 2; i++) {
		map(12, 39, 1, 1, linear, BLOCK | AF | EL0 | READONLY);
		*entry(1, 1ull << 30, 12, 39) = (DEVICE & ~0x3fffffffull) | BLOCK | AF | EL0 |
						(i ? 0 : READONLY);
		memcpy(ram + ENTRY, &(__u32){ STP_X1_X2 }, 4);
		run->regs.gprs.pstate = 0;
		run->regs.gprs.x[0] = 1ull << 30 | (DEVICE & 0x3fffffff);
		run->exit.fault.access = AXV_ACCESS_READ;
		tap(axv_vcpu_finish(vcpu, &ops, NULL) == AXV_FINISH_DONE &&
		    device.writes == 2 * i && run->regs.gprs.pc == ENTRY + 4 * i,
		    "a load that is replaced by a store, to where it %s", i ? "may" : "may not");
	}

	map(12, 39, 1, 1, linear, BLOCK | AF);
	memcpy(ram + ENTRY, &(__u32){ LDTR_X1 }, 4);
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == AXV_FINISH_DONE && !device.reads &&
	    run->regs.gprs.pc == ENTRY, "LDTR has the rights of user mode");
	run->regs.gprs.x[0] = 8;
	run->regs.gprs.pstate |= PSTATE_UAO;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == AXV_FINISH_DONE &&
	    run->regs.gprs.pc == ENTRY + 4, "LDTR has the rights of EL1 with PSTATE.UAO");

	map(12, 39, 1, 1, linear, BLOCK | AF);
	for (n = 0; n < 5000 && axv_vcpu_finish(vcpu, &ops, NULL) == AXV_FINISH_DONE; n++)
		continue;
	tap(n > 10 && n < 5000 && error_has("do not lead there"),
	    "an access that never gets further is an error after a while");
}

/* Finish a store of X1 and X2 at @linear; the device's log has what it got. */
static bool stores(__u32 word, __u64 linear, unsigned int writes)
{
	make_exit(true, word);
	run->regs.gprs.x[0] = linear;
	run->regs.gprs.x[1] = 0x0807060504030201;
	run->regs.gprs.x[2] = 0x100f0e0d0c0b0a09;
	run->exit.fault.access = AXV_ACCESS_WRITE;
	memset(ram + RAM_SIZE - 32, 0, 32);
	return axv_vcpu_finish(vcpu, &ops, NULL) == AXV_FINISH_DONE &&
	       run->regs.gprs.pc == ENTRY + 4 && device.writes == writes;
}

static bool wrote(unsigned int n, __u64 addr, unsigned int width, __u64 data)
{
	return device.log[n].addr == addr && device.log[n].width == width &&
	       device.log[n].data == data;
}

/* Accesses of two pages, of which one is memory and the other is not, or neither is */
static void test_two_pages(void)
{
	__u64 value;

	tap(stores(STR_X1, RAM_SIZE - 4, 1) && wrote(0, RAM_SIZE, 4, 0x08070605) &&
	    !memcmp(ram + RAM_SIZE - 4, "\1\2\3\4", 4), "a store from memory into a device");
	tap(stores(STR_X1, RAM_SIZE - 3, 2) && wrote(0, RAM_SIZE, 4, 0x07060504) &&
	    wrote(1, RAM_SIZE + 4, 1, 8) && !memcmp(ram + RAM_SIZE - 3, "\1\2\3", 3),
	    "a store from memory into a device, in aligned pieces");
	tap(stores(STR_X1, DEVICE + 0xffb, 4) && wrote(0, DEVICE + 0xffb, 1, 1) &&
	    wrote(1, DEVICE + 0xffc, 4, 0x05040302) && wrote(2, DEVICE + 0x1000, 2, 0x0706) &&
	    wrote(3, DEVICE + 0x1002, 1, 8), "across two pages of devices");
	tap(stores(STP_X1_X2, RAM_SIZE - 8, 1) && wrote(0, RAM_SIZE, 8, 0x100f0e0d0c0b0a09) &&
	    !memcmp(ram + RAM_SIZE - 8, "\1\2\3\4\5\6\7\10", 8), "a pair, each in a page");
	tap(stores(STR_X1, DEVICE + 0xff8, 1) && wrote(0, DEVICE + 0xff8, 8, 0x0807060504030201),
	    "up to the end of a page as one");
	tap(stores(STR_X1, DEVICE + 0x11, 1) && wrote(0, DEVICE + 0x11, 8, 0x0807060504030201),
	    "unaligned inside a page as one");

	make_exit(true, LDR_X1);
	run->regs.gprs.x[0] = RAM_SIZE - 4;
	memcpy(ram + RAM_SIZE - 4, "\1\2\3\4", 4);
	value = (DEVICE_DATA & 0xffffffff) << 32 | 0x04030201;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == AXV_FINISH_DONE && device.reads == 1 &&
	    device.addr == RAM_SIZE && device.width == 4 && run->regs.gprs.x[1] == value,
	    "a load from memory and a device");
}

int main(void)
{
	if (!fixture_open())
		return tap_done();
	test_registers();
	test_events();
	test_finish();
	test_refusals();
	test_walk();
	test_permissions();
	test_replaced();
	test_two_pages();
	fixture_close();
	return tap_done();
}
