// SPDX-License-Identifier: GPL-2.0
/*
 * Aborts of the second stage: recorded syndromes, memory on demand, device accesses
 * and how they are finished, and what cannot be resolved.
 */
#include <asm/sysreg.h>

#include "subject.h"

static enum axv_fault_result test_fault(struct axv_vcpu *vcpu, u64 gpa, u32 access,
					int *error);
static bool test_is_ram(struct axv_vm *vm, u64 gpa, bool write);
static bool test_settled(struct axv_vm *vm, unsigned long seq);
static bool test_bell(struct axv_vcpu *vcpu, enum axv_space space, u64 addr,
		      unsigned int width, u64 data);

#define axv_vcpu_fault		test_fault
#define axv_gpa_is_ram		test_is_ram
#define axv_memory_settled	test_settled
#define __axv_ring_doorbell	test_bell
#define axv_arm64_ring		test_ring
#define axv_arm64_abort		test_abort
#define axv_arm64_complete	test_complete

static enum axv_next test_ring(struct axv_arm64_vcpu *v);
static enum axv_next test_abort(struct axv_arm64_vcpu *v);
static void test_complete(struct axv_arm64_vcpu *v);

#include "../access.c"

#define DEVICE		0x09001000ull	/* page of the access */
#define OFFSET		0x018ull
#define LINEAR		(0xffff800008123000ull | OFFSET)

/* ISS of a data abort (Arm ARM, ESR_ELx, EC 0x24) */
#define FSC_TRANSLATION	0x07
#define FSC_PERMISSION	0x0f
#define FSC_ACCESS_FLAG	0x0b
#define FSC_LEVEL_MINUS_1	0x2b
#define SAS(log2)	((u64)(log2) << ESR_ELx_SAS_SHIFT)
#define SRT(reg)	((u64)(reg) << ESR_ELx_SRT_SHIFT)
#define ISV		ESR_ELx_ISV
#define LOAD		(FSC_TRANSLATION | ISV)
#define STORE		(FSC_TRANSLATION | ISV | ESR_ELx_WNR)

/* What the replaced functions of guest memory answer, and what they were asked */
static struct {
	enum axv_fault_result result;
	int error;
	bool changes;
	u64 ram_page;
	unsigned int faults;
	u64 gpa;
	u32 access;
} memory;

static enum axv_fault_result test_fault(struct axv_vcpu *vcpu, u64 gpa, u32 access,
					int *error)
{
	memory.faults++;
	memory.gpa = gpa;
	memory.access = access;
	*error = memory.error;
	return memory.result;
}

static bool test_is_ram(struct axv_vm *vm, u64 gpa, bool write)
{
	return memory.ram_page && (gpa & PAGE_MASK) == memory.ram_page;
}

static bool test_settled(struct axv_vm *vm, unsigned long seq)
{
	return !memory.changes;
}

/* Where a doorbell is, and how it was rung last. */
static struct {
	bool there;
	unsigned int looks;
	enum axv_space space;
	u64 addr;
	unsigned int width;
	u64 data;
} bell;

static bool test_bell(struct axv_vcpu *vcpu, enum axv_space space, u64 addr,
		      unsigned int width, u64 data)
{
	bell.looks++;
	bell.space = space;
	bell.addr = addr;
	bell.width = width;
	bell.data = data;
	return bell.there;
}

/* If only one of two pages faulted, ISV does not tell where the access began. */
static void access_test_crosses_page(struct kunit *test)
{
	static const struct {
		u64 offset;
		unsigned int log2;
		bool before, ram, plain;
	} accesses[] = {
		/* from the device's page into the next one */
		{ 0xffc, 2, false, false, true },
		{ 0xffd, 2, false, false, false },
		{ 0xff8, 3, false, false, true },
		{ 0xffc, 3, false, false, false },
		{ 0xfff, 0, false, false, true },
		{ 0xfff, 1, false, false, false },
		/* perhaps from the page before */
		{ 0x000, 2, false, true, true },
		{ 0x000, 2, true, true, false },
	};
	unsigned int i, store;

	for (i = 0; i < ARRAY_SIZE(accesses); i++) {
		for (store = 0; store < 2; store++) {
			struct subject *s = subject_new(test);
			u64 iss = (store ? STORE : LOAD) | SAS(accesses[i].log2) | SRT(5);

			s->v.last.esr = ESR(DABT_LOW, iss);
			s->v.last.far = (LINEAR & PAGE_MASK) | accesses[i].offset;
			s->v.last.ipa = DEVICE;
			s->v.last.ipa_valid = true;
			s->v.last.before = DEVICE - PAGE_SIZE;
			s->v.last.before_valid = accesses[i].before;
			memory.ram_page = accesses[i].ram ? DEVICE - PAGE_SIZE : 0;
			KUNIT_EXPECT_EQ(test, AXV_EXIT, test_abort(&s->v));
			if (accesses[i].plain) {
				KUNIT_EXPECT_EQ_MSG(test, store ? AXV_EXIT_MMIO_WRITE :
						    AXV_EXIT_MMIO_READ, s->run.exit_reason,
						    "%u", i);
				continue;
			}
			KUNIT_EXPECT_EQ_MSG(test, AXV_EXIT_NESTED_PAGE_FAULT,
					    s->run.exit_reason, "%u", i);
			KUNIT_EXPECT_EQ(test, DEVICE | accesses[i].offset,
					s->run.exit.fault.addr);
			KUNIT_EXPECT_EQ(test, SUBJECT_PC, s->v.regs.pc);
			KUNIT_EXPECT_EQ(test, AXV_PENDING_NONE, s->v.pending.kind);
		}
	}
}

static int access_init(struct kunit *test)
{
	memset(&memory, 0, sizeof(memory));
	memset(&bell, 0, sizeof(bell));
	memory.result = AXV_FAULT_MMIO;
	return subject_init(test);
}

static enum axv_next fault_at(struct subject *s, u64 esr)
{
	s->run.exit_reason = AXV_EXIT_NONE;
	s->v.base.stats.hw_exits++;
	s->v.last.esr = esr;
	s->v.last.far = LINEAR;
	s->v.last.ipa = DEVICE;
	s->v.last.ipa_valid = true;
	return test_abort(&s->v);
}

static void access_test_write(struct kunit *test)
{
	unsigned int log2;

	for (log2 = 0; log2 < 4; log2++) {
		struct subject *s = subject_new(test);
		unsigned int width = 1 << log2;
		u64 mask = width == 8 ? ~0ull : BIT_ULL(8 * width) - 1;
		u64 esr = ESR(DABT_LOW, STORE | SAS(log2) | SRT(5));

		s->v.regs.x[5] = 0xa1b2c3d4e5f60718ull;
		KUNIT_EXPECT_EQ(test, AXV_EXIT, fault_at(s, width == 8 ? esr | ESR_ELx_SF : esr));
		KUNIT_EXPECT_EQ(test, AXV_EXIT_MMIO_WRITE, s->run.exit_reason);
		KUNIT_EXPECT_EQ(test, DEVICE + OFFSET, s->run.exit.mmio.addr);
		KUNIT_EXPECT_EQ(test, 0xa1b2c3d4e5f60718ull & mask, s->run.exit.mmio.data);
		KUNIT_EXPECT_EQ(test, width, s->run.exit.mmio.width);
		KUNIT_EXPECT_EQ(test, 5, s->run.exit.mmio.reg);
		KUNIT_EXPECT_EQ(test, width == 8 ? 8 : 4, s->run.exit.mmio.reg_width);
		KUNIT_EXPECT_EQ(test, 4, s->run.insn_len);
		KUNIT_EXPECT_EQ(test, SUBJECT_PC + 4, s->v.regs.pc);
		KUNIT_EXPECT_EQ(test, AXV_ACCESS_WRITE, memory.access);
		KUNIT_EXPECT_EQ(test, AXV_PENDING_NONE, s->v.pending.kind);
	}
}

/* Register 31 is zero, and 30 the last general register. */
static void access_test_write_registers(struct kunit *test)
{
	struct subject *s = test->priv;
	unsigned int reg;

	for (reg = 0; reg < 32; reg++) {
		fault_at(s, ESR(DABT_LOW, STORE | SAS(3) | SRT(reg) | ESR_ELx_SF));
		KUNIT_EXPECT_EQ(test, reg < 31 ? 0x1122334455667700ull + reg : 0,
				s->run.exit.mmio.data);
	}
}

/*
 * An instruction of 2 bytes, in Thumb.  The device gets the bytes in the order of
 * addresses.
 */
static void access_test_write_32(struct kunit *test)
{
	struct subject *s = test->priv;
	u64 esr = ((u64)ESR_ELx_EC_DABT_LOW << ESR_ELx_EC_SHIFT) | STORE | SAS(2) | SRT(1);

	s->v.regs.x[1] = 0xffffffff12345678ull;
	s->v.regs.pstate = PSR_MODE32_BIT | PSR_AA32_T_BIT;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, fault_at(s, esr));
	KUNIT_EXPECT_EQ(test, 0x12345678, s->run.exit.mmio.data);
	KUNIT_EXPECT_EQ(test, 2, s->run.insn_len);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 2, s->v.regs.pc);

	s->v.regs.pstate |= PSR_AA32_E_BIT;
	KUNIT_EXPECT_EQ(test, AXV_EXIT, fault_at(s, esr));
	KUNIT_EXPECT_EQ(test, 0x78563412, s->run.exit.mmio.data);
}

static void access_test_big_endian(struct kunit *test)
{
	static const struct {
		u64 pstate, sctlr;
		bool big;
	} orders[] = {
		{ PSR_MODE_EL1h, 0, false },
		{ PSR_MODE_EL1h, BIT(24), false },
		{ PSR_MODE_EL1h, BIT(25), true },
		{ PSR_MODE_EL1t, BIT(25), true },
		{ PSR_MODE_EL0t, BIT(25), false },
		{ PSR_MODE_EL0t, BIT(24), true },
	};
	struct subject *s = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(orders); i++) {
		u64 half = orders[i].big ? 0x0201 : 0x0102;
		u64 word = orders[i].big ? 0x44332211 : 0x11223344;

		s->v.regs.pstate = orders[i].pstate;
		s->v.sys[AXV_SYS_SCTLR_EL1] = orders[i].sctlr;
		s->v.regs.x[2] = 0x0102;
		fault_at(s, ESR(DABT_LOW, STORE | SAS(1) | SRT(2)));
		KUNIT_EXPECT_EQ(test, half, s->run.exit.mmio.data);

		fault_at(s, ESR(DABT_LOW, LOAD | SAS(2) | SRT(3)));
		s->run.exit.mmio.data = 0x11223344;
		test_complete(&s->v);
		KUNIT_EXPECT_EQ(test, word, s->v.regs.x[3]);
	}
}

static void access_test_read(struct kunit *test)
{
	static const struct {
		u64 iss, data, expected;
	} reads[] = {
		{ SAS(0), 0x80, 0x80 },
		{ SAS(0), ~0ull, 0xff },
		{ SAS(0) | ESR_ELx_SSE, 0x80, 0xffffff80 },
		{ SAS(0) | ESR_ELx_SSE | ESR_ELx_SF, 0x80, 0xffffffffffffff80ull },
		{ SAS(0) | ESR_ELx_SSE | ESR_ELx_SF, 0x7f, 0x7f },
		{ SAS(1), 0x12348000, 0x8000 },
		{ SAS(1) | ESR_ELx_SSE, 0x8000, 0xffff8000 },
		{ SAS(1) | ESR_ELx_SSE | ESR_ELx_SF, 0x8000, 0xffffffffffff8000ull },
		{ SAS(2), 0x1234567880000000ull, 0x80000000 },
		{ SAS(2) | ESR_ELx_SSE | ESR_ELx_SF, 0x80000000, 0xffffffff80000000ull },
		{ SAS(2) | ESR_ELx_SF, 0x80000000, 0x80000000 },
		{ SAS(3) | ESR_ELx_SF, 0xfedcba9876543210ull, 0xfedcba9876543210ull },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reads); i++) {
		struct subject *s = subject_new(test);
		u64 iss = reads[i].iss;

		KUNIT_EXPECT_EQ(test, AXV_EXIT, fault_at(s, ESR(DABT_LOW, LOAD | SRT(7) | iss)));
		KUNIT_EXPECT_EQ(test, AXV_EXIT_MMIO_READ, s->run.exit_reason);
		KUNIT_EXPECT_EQ(test, DEVICE + OFFSET, s->run.exit.mmio.addr);
		KUNIT_EXPECT_EQ(test, 1 << (iss >> ESR_ELx_SAS_SHIFT & 3),
				s->run.exit.mmio.width);
		KUNIT_EXPECT_EQ(test, !!(iss & ESR_ELx_SSE), s->run.exit.mmio.signed_ext);
		KUNIT_EXPECT_EQ(test, 7, s->run.exit.mmio.reg);
		KUNIT_EXPECT_EQ(test, iss & ESR_ELx_SF ? 8 : 4, s->run.exit.mmio.reg_width);
		KUNIT_EXPECT_EQ(test, AXV_ACCESS_READ, memory.access);
		/* The state is that from before the instruction. */
		KUNIT_EXPECT_EQ(test, SUBJECT_PC, s->v.regs.pc);
		KUNIT_EXPECT_EQ(test, 0x1122334455667707ull, s->v.regs.x[7]);

		/* The kernel does not take from the page what the access is. */
		memset(&s->run.exit.mmio, 0xff, sizeof(s->run.exit.mmio));
		s->run.exit.mmio.data = reads[i].data;
		test_complete(&s->v);
		KUNIT_EXPECT_EQ_MSG(test, reads[i].expected, s->v.regs.x[7], "read %u", i);
		KUNIT_EXPECT_EQ(test, SUBJECT_PC + 4, s->v.regs.pc);
		KUNIT_EXPECT_EQ(test, AXV_PENDING_NONE, s->v.pending.kind);
	}
}

static void access_test_read_to_nowhere(struct kunit *test)
{
	struct subject *s = test->priv;
	struct axv_arm64_gprs before = s->v.regs;

	fault_at(s, ESR(DABT_LOW, LOAD | SAS(3) | SRT(31) | ESR_ELx_SF));
	s->run.exit.mmio.data = ~0ull;
	test_complete(&s->v);
	before.pc += 4;
	KUNIT_EXPECT_EQ(test, 0, memcmp(&before, &s->v.regs, sizeof(before)));
}

/* If the VMM has moved the guest, the data for its former instruction is dropped. */
static void access_test_read_dropped(struct kunit *test)
{
	struct subject *s = test->priv;

	fault_at(s, ESR(DABT_LOW, LOAD | SAS(3) | SRT(7) | ESR_ELx_SF));
	s->v.regs.pc += 0x100;
	s->run.exit.mmio.data = ~0ull;
	test_complete(&s->v);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 0x100, s->v.regs.pc);
	KUNIT_EXPECT_EQ(test, 0x1122334455667707ull, s->v.regs.x[7]);
	KUNIT_EXPECT_EQ(test, AXV_PENDING_NONE, s->v.pending.kind);
}

static void access_test_resolved(struct kunit *test)
{
	static const u64 faults[] = {
		FSC_TRANSLATION, FSC_PERMISSION, FSC_ACCESS_FLAG, FSC_LEVEL_MINUS_1,
	};
	struct subject *s = test->priv;
	unsigned int i;

	memory.result = AXV_FAULT_RESOLVED;
	for (i = 0; i < ARRAY_SIZE(faults); i++)
		KUNIT_EXPECT_EQ(test, AXV_RESUME,
				fault_at(s, ESR(DABT_LOW, ISV | ESR_ELx_WNR | faults[i])));
	KUNIT_EXPECT_EQ(test, i, memory.faults);
	KUNIT_EXPECT_EQ(test, DEVICE + OFFSET, memory.gpa);

	memory.result = AXV_FAULT_AGAIN;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, fault_at(s, ESR(DABT_LOW, LOAD)));
	/* A region has come since, perhaps one with the page before. */
	memory.result = AXV_FAULT_MMIO;
	memory.changes = true;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, fault_at(s, ESR(DABT_LOW, FSC_TRANSLATION)));
	/* There is no region, but a permission was missing: the region has gone since. */
	memory.changes = false;
	KUNIT_EXPECT_EQ(test, AXV_RESUME,
			fault_at(s, ESR(DABT_LOW, ISV | ESR_ELx_WNR | FSC_PERMISSION)));

	/* The guest's own translation has changed since: it will fault again. */
	s->v.last.ipa_valid = false;
	memory.faults = 0;
	s->v.last.esr = ESR(DABT_LOW, LOAD | FSC_PERMISSION);
	KUNIT_EXPECT_EQ(test, AXV_RESUME, test_abort(&s->v));
	KUNIT_EXPECT_EQ(test, 0, memory.faults);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC, s->v.regs.pc);
}

/* The access that memory is asked for.  A walk reads, unless a flag was to be set. */
static void access_test_kinds(struct kunit *test)
{
	static const struct {
		u64 esr;
		u32 access;
		bool page_only;
	} kinds[] = {
		{ ESR(IABT_LOW, FSC_TRANSLATION), AXV_ACCESS_FETCH },
		{ ESR(DABT_LOW, FSC_TRANSLATION), AXV_ACCESS_READ },
		{ ESR(DABT_LOW, FSC_TRANSLATION | ESR_ELx_WNR), AXV_ACCESS_WRITE },
		/*
		 * Cache maintenance sets WnR, and is a write only if a permission was
		 * missing.
		 */
		{ ESR(DABT_LOW, FSC_TRANSLATION | ESR_ELx_WNR | ESR_ELx_CM), AXV_ACCESS_READ },
		{ ESR(DABT_LOW, FSC_PERMISSION | ESR_ELx_WNR | ESR_ELx_CM), AXV_ACCESS_WRITE },
		{ ESR(DABT_LOW, FSC_TRANSLATION | ESR_ELx_WNR | ESR_ELx_S1PTW),
		  AXV_ACCESS_PAGE_TABLE | AXV_ACCESS_READ, true },
		{ ESR(DABT_LOW, FSC_PERMISSION | ESR_ELx_S1PTW),
		  AXV_ACCESS_PAGE_TABLE | AXV_ACCESS_WRITE, true },
		{ ESR(IABT_LOW, FSC_TRANSLATION | ESR_ELx_S1PTW),
		  AXV_ACCESS_PAGE_TABLE | AXV_ACCESS_READ, true },
		/* The first of five tables of a walk, as QEMU reports it */
		{ ESR(DABT_LOW, FSC_LEVEL_MINUS_1 | ESR_ELx_S1PTW),
		  AXV_ACCESS_PAGE_TABLE | AXV_ACCESS_READ, true },
		{ ESR(IABT_LOW, FSC_LEVEL_MINUS_1 | ESR_ELx_S1PTW),
		  AXV_ACCESS_PAGE_TABLE | AXV_ACCESS_READ, true },
	};
	struct subject *s = test->priv;
	unsigned int i;

	memory.result = AXV_FAULT_RESOLVED;
	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		memory.access = 0;
		KUNIT_EXPECT_EQ(test, AXV_RESUME, fault_at(s, kinds[i].esr));
		KUNIT_EXPECT_EQ_MSG(test, kinds[i].access, memory.access, "kind %u", i);
		KUNIT_EXPECT_EQ(test, kinds[i].page_only ? DEVICE : DEVICE + OFFSET,
				memory.gpa);
	}
}

static void expect_fault(struct kunit *test, u64 esr, u64 addr, u32 access, u32 cause,
			 int status)
{
	struct subject *s = test->priv;
	const struct axv_exit_fault *fault = &s->run.exit.fault;

	KUNIT_EXPECT_EQ(test, AXV_EXIT, fault_at(s, esr));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_NESTED_PAGE_FAULT, s->run.exit_reason);
	KUNIT_EXPECT_EQ(test, 0, s->run.insn_len);
	KUNIT_EXPECT_EQ(test, addr, fault->addr);
	KUNIT_EXPECT_EQ(test, access, fault->access);
	KUNIT_EXPECT_EQ(test, cause, fault->cause);
	KUNIT_EXPECT_EQ(test, status, fault->status);
	KUNIT_EXPECT_EQ(test, LINEAR, fault->linear);
	KUNIT_EXPECT_EQ(test, !(esr & ESR_ELx_FnV), fault->linear_valid);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC, s->v.regs.pc);
}

static void access_test_unresolved(struct kunit *test)
{
	/* An access without ISV: of a pair of registers, or an exclusive one */
	expect_fault(test, ESR(DABT_LOW, FSC_TRANSLATION | ESR_ELx_WNR), DEVICE + OFFSET,
		     AXV_ACCESS_WRITE, AXV_FAULT_NO_REGION, 0);
	expect_fault(test, ESR(DABT_LOW, FSC_TRANSLATION | ESR_ELx_FnV), DEVICE + OFFSET,
		     AXV_ACCESS_READ, AXV_FAULT_NO_REGION, 0);
	/* Nothing can be fetched from a device, nor can tables be there. */
	expect_fault(test, ESR(IABT_LOW, FSC_TRANSLATION), DEVICE + OFFSET,
		     AXV_ACCESS_FETCH, AXV_FAULT_NO_REGION, 0);
	expect_fault(test, ESR(DABT_LOW, LOAD | ESR_ELx_S1PTW), DEVICE,
		     AXV_ACCESS_PAGE_TABLE | AXV_ACCESS_READ, AXV_FAULT_NO_REGION, 0);

	memory.result = AXV_FAULT_PROTECTED;
	expect_fault(test, ESR(DABT_LOW, FSC_PERMISSION | ESR_ELx_WNR), DEVICE + OFFSET,
		     AXV_ACCESS_WRITE, AXV_FAULT_READONLY, 0);

	/* The VMM's own memory fails: that is no access of a device. */
	memory.result = AXV_FAULT_FAILED;
	memory.error = -EHWPOISON;
	expect_fault(test, ESR(DABT_LOW, LOAD), DEVICE + OFFSET, AXV_ACCESS_READ,
		     AXV_FAULT_HOST, -EHWPOISON);
}

/* A write to read-only memory that ISV describes is an access of a device. */
static void access_test_readonly(struct kunit *test)
{
	struct subject *s = test->priv;

	memory.result = AXV_FAULT_PROTECTED;
	KUNIT_EXPECT_EQ(test, AXV_EXIT,
			fault_at(s, ESR(DABT_LOW, FSC_PERMISSION | ISV | ESR_ELx_WNR | SAS(2))));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_MMIO_WRITE, s->run.exit_reason);
}

/* A device has no cache. */
static void access_test_cache_maintenance(struct kunit *test)
{
	struct subject *s = test->priv;

	KUNIT_EXPECT_EQ(test, AXV_RESUME,
			fault_at(s, ESR(DABT_LOW, FSC_TRANSLATION | ESR_ELx_WNR | ESR_ELx_CM)));
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 4, s->v.regs.pc);
	KUNIT_EXPECT_EQ(test, AXV_EXIT_NONE, s->run.exit_reason);
}

/* Memory failed: the guest gets the abort, with the class for its exception level. */
static void access_test_external(struct kunit *test)
{
	static const struct {
		u64 pstate, esr, expected, offset;
	} aborts[] = {
		{ PSR_MODE_EL1h, ESR(DABT_LOW, 0x10 | ESR_ELx_EA),
		  ESR(DABT_CUR, 0x10 | ESR_ELx_EA), 0x200 },
		{ PSR_MODE_EL0t, ESR(DABT_LOW, 0x10 | ESR_ELx_FnV),
		  ESR(DABT_LOW, 0x10 | ESR_ELx_FnV), 0x400 },
		{ PSR_MODE_EL1h, ESR(IABT_LOW, 0x10), ESR(IABT_CUR, 0x10), 0x200 },
		{ PSR_MODE32_BIT, ESR(DABT_LOW, 0x18), ESR(DABT_LOW, 0x10), 0x600 },
		/* S1PTW, ISV and the level of a walk do not reach the guest. */
		{ PSR_MODE_EL1h, ESR(DABT_LOW, 0x15 | ISV | ESR_ELx_S1PTW),
		  ESR(DABT_CUR, 0x10), 0x200 },
		{ PSR_MODE_EL1h, ESR(DABT_LOW, 0x13 | ESR_ELx_S1PTW),
		  ESR(DABT_CUR, 0x10), 0x200 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(aborts); i++) {
		struct subject *s = subject_new(test);

		s->v.regs.pstate = aborts[i].pstate;
		KUNIT_EXPECT_EQ(test, AXV_RESUME, fault_at(s, aborts[i].esr));
		EXPECT_RAISED(test, s, aborts[i].expected, aborts[i].offset);
		KUNIT_EXPECT_EQ(test, LINEAR, s->v.sys[AXV_SYS_FAR_EL1]);
	}
	KUNIT_EXPECT_EQ(test, 0, memory.faults);
}

/* Entries of the TLB contradict each other: all are forgotten. */
static void access_test_tlb_conflict(struct kunit *test)
{
	struct subject *s = test->priv;

	KUNIT_EXPECT_EQ(test, AXV_RESUME, fault_at(s, ESR(DABT_LOW, 0x30)));
	KUNIT_EXPECT_EQ(test, 1, atomic64_read(&s->vm.base.tlb_gen));
	KUNIT_EXPECT_EQ(test, SUBJECT_PC, s->v.regs.pc);
	KUNIT_EXPECT_EQ(test, 0, memory.faults);
}

/* Make an abort that is answered by entering again, for one of four reasons. */
static enum axv_next futile(struct subject *s, unsigned int kind)
{
	memory.changes = kind == 3;
	memory.result = AXV_FAULT_MMIO;
	if (kind) {
		/* Entries of the TLB; a region that has gone; a region that has come */
		static const u64 esr[] = {
			[1] = ESR(DABT_LOW, 0x30),
			[2] = ESR(DABT_LOW, ISV | ESR_ELx_WNR | FSC_PERMISSION),
			[3] = ESR(DABT_LOW, FSC_TRANSLATION),
		};

		return fault_at(s, esr[kind]);
	}
	/* The guest's own translation does not lead there any more. */
	s->run.exit_reason = AXV_EXIT_NONE;
	s->v.base.stats.hw_exits++;
	s->v.last.esr = ESR(DABT_LOW, LOAD | FSC_PERMISSION);
	s->v.last.far = LINEAR;
	s->v.last.ipa_valid = false;
	return test_abort(&s->v);
}

/* If the same abort comes again and again, the VMM is told. */
static void access_test_futile(struct kunit *test)
{
	unsigned int kind, i, tries = AGAIN_MAX - 1;

	for (kind = 0; kind < 4; kind++) {
		struct subject *s = subject_new(test);
		struct axv_stats *stats = &s->v.base.stats;

		for (i = 0; i < tries; i++) {
			KUNIT_EXPECT_EQ(test, AXV_RESUME, futile(s, kind));
			/* Interrupts of the host in between do not matter. */
			stats->hw_exits += i & 1;
			stats->interrupts += i & 1;
		}
		KUNIT_EXPECT_EQ(test, AXV_EXIT, futile(s, kind));
		KUNIT_EXPECT_EQ(test, AXV_EXIT_NESTED_PAGE_FAULT, s->run.exit_reason);
		KUNIT_EXPECT_EQ(test, AXV_FAULT_HOST, s->run.exit.fault.cause);
		KUNIT_EXPECT_EQ(test, -ELOOP, s->run.exit.fault.status);
		KUNIT_EXPECT_EQ(test, LINEAR, s->run.exit.fault.linear);
		KUNIT_EXPECT_EQ(test, kind > 1 ? DEVICE + OFFSET : 0, s->run.exit.fault.addr);

		/* After the VMM runs it again there are as many tries ... */
		for (i = 0; i < tries; i++)
			KUNIT_EXPECT_EQ(test, AXV_RESUME, futile(s, kind));
		/*
		 * ... and so there are if the guest got on: after another exit, or at
		 * another place.
		 */
		stats->hw_exits++;
		for (i = 0; i < tries; i++)
			KUNIT_EXPECT_EQ(test, AXV_RESUME, futile(s, kind));
		s->v.regs.pc += 4;
		for (i = 0; i < tries; i++)
			KUNIT_EXPECT_EQ(test, AXV_RESUME, futile(s, kind));
	}
}

/* A VM that may have doorbells, nr of them, in its memory. */
static void with_doorbells(struct subject *s, u32 nr)
{
	static struct hlist_head table;

	RCU_INIT_POINTER(s->vm.base.doorbells.table[AXV_SPACE_MEMORY], &table);
	s->vm.base.doorbells.nr = nr;
}

/* In the inner loop; with VHE, the guest's SCTLR_EL1 is in the hardware then. */
static enum axv_next ring_with(struct subject *s, u64 iss, u64 sctlr)
{
	bool vhe = static_branch_likely(&axv_arm64_vhe);
	enum axv_next next;
	u64 saved = 0;

	s->v.last.esr = ESR(DABT_LOW, iss);
	preempt_disable();
	if (vhe) {
		saved = read_sysreg_s(SYS_SCTLR_EL12);
		write_sysreg_s(sctlr, SYS_SCTLR_EL12);
		isb();
	} else {
		s->v.sys[AXV_SYS_SCTLR_EL1] = sctlr;
	}
	next = test_ring(&s->v);
	if (vhe) {
		write_sysreg_s(saved, SYS_SCTLR_EL12);
		isb();
	}
	preempt_enable();
	return next;
}

static enum axv_next ring(struct subject *s, u64 iss)
{
	s->v.last.far = LINEAR;
	s->v.last.ipa = DEVICE;
	s->v.last.ipa_valid = true;
	return ring_with(s, iss, 0);
}

static void access_test_rings(struct kunit *test)
{
	struct subject *s = test->priv;

	with_doorbells(s, 1);
	bell.there = true;
	s->v.regs.x[5] = 0xa1b2c3d4e5f60718ull;
	KUNIT_EXPECT_EQ(test, AXV_RESUME, ring(s, STORE | SAS(1) | SRT(5)));
	KUNIT_EXPECT_EQ(test, 1, bell.looks);
	KUNIT_EXPECT_EQ(test, AXV_SPACE_MEMORY, bell.space);
	KUNIT_EXPECT_EQ(test, DEVICE | OFFSET, bell.addr);
	KUNIT_EXPECT_EQ(test, 2, bell.width);
	KUNIT_EXPECT_EQ(test, 0x0718ull, bell.data);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 4, s->v.regs.pc);
	KUNIT_EXPECT_EQ(test, 0, memory.faults);

	KUNIT_EXPECT_EQ(test, AXV_RESUME,
			ring_with(s, STORE | SAS(1) | SRT(5), SCTLR_EE));
	KUNIT_EXPECT_EQ(test, 0x1807ull, bell.data);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 8, s->v.regs.pc);
}

/* All of these are for the outer loop, and nothing is done before. */
static void access_test_rings_not(struct kunit *test)
{
	static const u64 others[] = {
		LOAD | SAS(2),
		FSC_TRANSLATION | ESR_ELx_WNR,
		STORE | ESR_ELx_S1PTW,
		STORE | ESR_ELx_CM,
		FSC_PERMISSION | ISV | ESR_ELx_WNR,
		FSC_ACCESS_FLAG | ISV | ESR_ELx_WNR,
	};
	struct subject *s = test->priv;
	unsigned int i;

	with_doorbells(s, 1);
	bell.there = true;
	for (i = 0; i < ARRAY_SIZE(others); i++)
		KUNIT_EXPECT_EQ_MSG(test, AXV_SLOW, ring(s, others[i]), "%u", i);

	memory.ram_page = DEVICE;
	KUNIT_EXPECT_EQ(test, AXV_SLOW, ring(s, STORE | SAS(2)));
	memory.ram_page = 0;
	s->v.last.ipa_valid = false;
	KUNIT_EXPECT_EQ(test, AXV_SLOW, ring_with(s, STORE | SAS(2), 0));
	s->v.last.ipa_valid = true;
	s->v.last.far = (LINEAR & PAGE_MASK) | 0xffe;
	KUNIT_EXPECT_EQ(test, AXV_SLOW, ring_with(s, STORE | SAS(2), 0));
	/* A walk of many doorbells takes too long with interrupts off. */
	with_doorbells(s, AXV_DOORBELLS_INNER + 1);
	KUNIT_EXPECT_EQ(test, AXV_SLOW, ring(s, STORE | SAS(2)));
	KUNIT_EXPECT_EQ(test, 0, bell.looks);

	with_doorbells(s, AXV_DOORBELLS_INNER);
	bell.there = false;
	KUNIT_EXPECT_EQ(test, AXV_SLOW, ring(s, STORE | SAS(2)));
	KUNIT_EXPECT_EQ(test, 1, bell.looks);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC, s->v.regs.pc);
}

static struct kunit_case access_cases[] = {
	KUNIT_CASE(access_test_write),
	KUNIT_CASE(access_test_write_registers),
	KUNIT_CASE(access_test_write_32),
	KUNIT_CASE(access_test_big_endian),
	KUNIT_CASE(access_test_read),
	KUNIT_CASE(access_test_read_to_nowhere),
	KUNIT_CASE(access_test_read_dropped),
	KUNIT_CASE(access_test_resolved),
	KUNIT_CASE(access_test_kinds),
	KUNIT_CASE(access_test_unresolved),
	KUNIT_CASE(access_test_readonly),
	KUNIT_CASE(access_test_cache_maintenance),
	KUNIT_CASE(access_test_external),
	KUNIT_CASE(access_test_tlb_conflict),
	KUNIT_CASE(access_test_futile),
	KUNIT_CASE(access_test_crosses_page),
	KUNIT_CASE(access_test_rings),
	KUNIT_CASE(access_test_rings_not),
	{}
};

axv_test_suite("axvcpu-arm64-access", access_cases, .init = access_init);
