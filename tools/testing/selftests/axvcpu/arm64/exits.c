// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of every exit reason that a single arm64 vCPU can cause by the guest's own code.
 */
#include <sys/wait.h>

#include "axv_harness.h"
#include "arm64.h"

/* Numbers of the guests' hypercalls; argument 0 is the value that the guest tells. */
#define CALL_RESULT	7
#define CALL_EXCEPTION	(~0ull)		/* vector_sync of guest.c: ESR, ELR, FAR */
#define CALL_SERROR	9

#define PATTERN		0x1122334455667788ull
#define DEVICE		(GUEST_HOLE + 0x40)
#define ROM		GUEST_MEM

#define ESR_EC(esr)	((esr) >> 26 & 0x3f)
#define ESR_IL		(1ull << 25)
#define EC_SVC64	0x15
#define EC_DABT_SAME	0x25
#define EC_SERROR	0x2f

#define SCTLR_ENIA	(1ull << 31)

#define HVC		0xd4000002u
#define BACK		0x17fffffeu	/* b . - 8 */

FIXTURE_ONE_VCPU(exits)
{
	vm_new(&self->vm, 0);
	vcpu_ready(&self->vm, &self->v, 0);
}

/* Start a guest with only the nth instruction of a blob, and then a call with X0 as it is. */
static void start_insn(struct axv_vcpu *v, const __u8 *insns, unsigned int n)
{
	__u32 *code = (__u32 *)(v->vm->ram + GUEST_CODE_ADDR);

	memcpy(&code[0], insns + 4 * n, 4);
	code[1] = HVC;
	code[2] = BACK;
	__builtin___clear_cache((char *)code, (char *)(code + 3));
	arm64_start(v, GUEST_CODE_ADDR);
	*arm64_x(v, 0) = CALL_RESULT;
	*arm64_x(v, 9) = PATTERN;
	*arm64_x(v, 10) = ~PATTERN;
	*arm64_x(v, 20) = DEVICE;
}

#define COUNT(blob)	((unsigned int)(blob##_end - (blob)) / 4)

/* ---- calls -------------------------------------------------------------- */

/* Makes a call with X20 to X23 as X0 to X3, and tells what it returns. */
GUEST_CODE(code_hvc,
	"1:	mov	x0, x20\n"
	"mov	x1, x21\n"
	"mov	x2, x22\n"
	"mov	x3, x23\n"
	"hvc	#0\n"
	"mov	x1, x0\n"
	"mov	x0, #7\n"
	"hvc	#0\n"
	"b	1b\n");

GUEST_CODE(code_smc,
	"1:	mov	x0, x20\n"
	"mov	x1, x21\n"
	"mov	x2, x22\n"
	"mov	x3, x23\n"
	"smc	#0\n"
	"mov	x1, x0\n"
	"mov	x0, #7\n"
	"hvc	#0\n"
	"b	1b\n");

#define AFTER_CALL	(GUEST_CODE_ADDR + 5 * 4)

FIXTURE_VARIANT(exits) {
	int smc;
};

FIXTURE_VARIANT_ADD(exits, hvc) { .smc = 0 };
FIXTURE_VARIANT_ADD(exits, smc) { .smc = 1 };

static void start_call(struct axv_vcpu *v, int smc, __u64 nr)
{
	if (smc)
		arm64_load(v->vm, code_smc);
	else
		arm64_load(v->vm, code_hvc);
	arm64_start(v, GUEST_CODE_ADDR);
	*arm64_x(v, 20) = nr;
}

#define ASSERT_RESULT(expected)							\
do {										\
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);				\
	ASSERT_EQ(CALL_RESULT, self->v.run->exit.hypercall.nr);			\
	EXPECT_EQ((__u64)(expected), self->v.run->exit.hypercall.args[0]);	\
} while (0)

TEST_F(exits, hypercall)
{
	struct axv_run *run = self->v.run;

	start_call(&self->v, variant->smc, 0xc6000001);
	*arm64_x(&self->v, 21) = PATTERN;
	*arm64_x(&self->v, 22) = 2;
	*arm64_x(&self->v, 23) = 3;
	*arm64_x(&self->v, 4) = 4;
	*arm64_x(&self->v, 5) = 5;
	*arm64_x(&self->v, 6) = ~0ull;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0xc6000001, run->exit.hypercall.nr);
	EXPECT_EQ(PATTERN, run->exit.hypercall.args[0]);
	EXPECT_EQ(2, run->exit.hypercall.args[1]);
	EXPECT_EQ(3, run->exit.hypercall.args[2]);
	EXPECT_EQ(4, run->exit.hypercall.args[3]);
	EXPECT_EQ(5, run->exit.hypercall.args[4]);
	EXPECT_EQ(~0ull, run->exit.hypercall.args[5]);
	EXPECT_EQ(4, run->insn_len);
	EXPECT_EQ(AFTER_CALL, run->ip);
	/* If the VMM does not answer, the result is SMCCC's NOT_SUPPORTED. */
	ASSERT_RESULT(-1);
	/* The VMM answers. */
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	*arm64_x(&self->v, 0) = 0x55;
	run->dirty = AXV_RUN_SET_GPRS;
	ASSERT_RESULT(0x55);
}

TEST_F(exits, answered_calls)
{
	start_call(&self->v, variant->smc, 0x84000000);		/* PSCI_VERSION */
	ASSERT_RESULT(0x10001);
	start_call(&self->v, variant->smc, 0x80000000);		/* SMCCC_VERSION */
	ASSERT_RESULT(0x10001);
	start_call(&self->v, variant->smc, 0x8400000a);		/* PSCI_FEATURES */
	*arm64_x(&self->v, 21) = 0xc4000003;
	ASSERT_RESULT(0);
	EXPECT_EQ(0, vcpu_stats(&self->v).exits[AXV_EXIT_CPU_UP]);
}

TEST_F(exits, cpu_up)
{
	struct axv_run *run = self->v.run;

	start_call(&self->v, variant->smc, 0xc4000003);
	*arm64_x(&self->v, 21) = 0x0100020304;
	*arm64_x(&self->v, 22) = 0x80000;
	*arm64_x(&self->v, 23) = PATTERN;
	ASSERT_EXIT(AXV_EXIT_CPU_UP, &self->v);
	EXPECT_EQ(0x0100020304, run->exit.cpu_up.target_cpu);
	EXPECT_EQ(0x80000, run->exit.cpu_up.entry_point);
	EXPECT_EQ(PATTERN, run->exit.cpu_up.arg);
	EXPECT_EQ(AFTER_CALL, run->ip);
	ASSERT_RESULT(0);
	/* The VMM answers that there is no such CPU. */
	ASSERT_EXIT(AXV_EXIT_CPU_UP, &self->v);
	*arm64_x(&self->v, 0) = -2;
	run->dirty = AXV_RUN_SET_GPRS;
	ASSERT_RESULT(-2);
}

TEST_F(exits, cpu_down)
{
	start_call(&self->v, variant->smc, 0x84000002);
	ASSERT_EXIT(AXV_EXIT_CPU_DOWN, &self->v);
	EXPECT_EQ(AFTER_CALL, self->v.run->ip);
	/* If the run goes on, CPU_OFF returns DENIED. */
	ASSERT_RESULT(-3);
}

TEST_F(exits, system_down)
{
	struct axv_run *run = self->v.run;

	start_call(&self->v, variant->smc, 0x84000008);
	ASSERT_EXIT(AXV_EXIT_SYSTEM_DOWN, &self->v);
	EXPECT_EQ(AXV_SYSTEM_DOWN_OFF, run->exit.system_down.type);
	ASSERT_RESULT(-6);
	start_call(&self->v, variant->smc, 0x84000009);
	ASSERT_EXIT(AXV_EXIT_SYSTEM_DOWN, &self->v);
	EXPECT_EQ(AXV_SYSTEM_DOWN_RESET, run->exit.system_down.type);
	start_call(&self->v, variant->smc, 0xc4000012);		/* SYSTEM_RESET2 */
	ASSERT_EXIT(AXV_EXIT_SYSTEM_DOWN, &self->v);
	EXPECT_EQ(AXV_SYSTEM_DOWN_RESET, run->exit.system_down.type);
}

TEST_F(exits, cpu_suspend)
{
	start_call(&self->v, variant->smc, 0xc4000001);
	ASSERT_EXIT(AXV_EXIT_HALT, &self->v);
	EXPECT_EQ(AFTER_CALL, self->v.run->ip);
	ASSERT_RESULT(0);
}

/* ---- devices ------------------------------------------------------------- */

FIXTURE_ONE_VCPU(device)
{
	vm_new(&self->vm, 0);
	vcpu_ready(&self->vm, &self->v, 0);
}

GUEST_CODE(insns_store,
	"strb	w9, [x20]\n"
	"strh	w9, [x20]\n"
	"str	w9, [x20]\n"
	"str	x9, [x20]\n"
	"str	xzr, [x20]\n"
	"strb	wzr, [x20]\n"
	"str	x9, [x20, #8]\n"
	"stur	w9, [x20, #-3]\n"
	"stlr	w9, [x20]\n");

TEST_F(device, stores)
{
	static const struct {
		int offset;
		__u8 width;
		__u64 data;
	} expected[] = {
		{ 0, 1, 0x88 }, { 0, 2, 0x7788 }, { 0, 4, 0x55667788 }, { 0, 8, PATTERN },
		{ 0, 8, 0 }, { 0, 1, 0 }, { 8, 8, PATTERN }, { -3, 4, 0x55667788 },
		{ 0, 4, 0x55667788 },
	};
	struct axv_run *run = self->v.run;
	unsigned int i;

	ASSERT_EQ(COUNT(insns_store), sizeof(expected) / sizeof(expected[0]));
	for (i = 0; i < COUNT(insns_store); i++) {
		/* The guest maps all as ordinary memory, so unaligned accesses are allowed. */
		start_insn(&self->v, insns_store, i);
		ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
		EXPECT_EQ(DEVICE + expected[i].offset, run->exit.mmio.addr) { TH_LOG("%u", i); }
		EXPECT_EQ(expected[i].width, run->exit.mmio.width) { TH_LOG("%u", i); }
		EXPECT_EQ(expected[i].data, run->exit.mmio.data) { TH_LOG("%u", i); }
		EXPECT_EQ(4, run->insn_len);
		EXPECT_EQ(GUEST_CODE_ADDR + 4, run->ip);
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
		EXPECT_EQ(CALL_RESULT, run->exit.hypercall.nr);
	}
}

GUEST_CODE(insns_load,
	"ldrb	w9, [x20]\n"
	"ldrh	w9, [x20]\n"
	"ldr	w9, [x20]\n"
	"ldr	x9, [x20]\n"
	"ldrsb	w9, [x20]\n"
	"ldrsb	x9, [x20]\n"
	"ldrsh	w9, [x20]\n"
	"ldrsh	x9, [x20]\n"
	"ldrsw	x9, [x20]\n"
	"ldar	w9, [x20]\n");

TEST_F(device, loads)
{
	static const __u64 data = 0x9122b344d566f788ull;
	static const struct {
		__u8 width, is_signed, reg_width;
		__u64 value;
	} expected[] = {
		{ 1, 0, 4, 0x88 }, { 2, 0, 4, 0xf788 }, { 4, 0, 4, 0xd566f788 },
		{ 8, 0, 8, 0x9122b344d566f788 }, { 1, 1, 4, 0xffffff88 },
		{ 1, 1, 8, 0xffffffffffffff88 }, { 2, 1, 4, 0xfffff788 },
		{ 2, 1, 8, 0xfffffffffffff788 }, { 4, 1, 8, 0xffffffffd566f788 },
		{ 4, 0, 4, 0xd566f788 },
	};
	struct axv_run *run = self->v.run;
	unsigned int i;

	ASSERT_EQ(COUNT(insns_load), sizeof(expected) / sizeof(expected[0]));
	for (i = 0; i < COUNT(insns_load); i++) {
		start_insn(&self->v, insns_load, i);
		ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
		EXPECT_EQ(DEVICE, run->exit.mmio.addr);
		EXPECT_EQ(expected[i].width, run->exit.mmio.width) { TH_LOG("%u", i); }
		EXPECT_EQ(expected[i].is_signed, run->exit.mmio.signed_ext) { TH_LOG("%u", i); }
		EXPECT_EQ(expected[i].reg_width, run->exit.mmio.reg_width) { TH_LOG("%u", i); }
		EXPECT_EQ(9, run->exit.mmio.reg);
		EXPECT_EQ(4, run->insn_len);
		/* The guest's state is that before the instruction, and can be saved so. */
		EXPECT_EQ(GUEST_CODE_ADDR, run->ip);
		EXPECT_EQ(PATTERN, *arm64_x(&self->v, 9));
		/* Only the data of the answer is used. */
		memset(&run->exit.mmio, 0xff, sizeof(run->exit.mmio));
		run->exit.mmio.data = data;
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
		EXPECT_EQ(expected[i].value, *arm64_x(&self->v, 9)) { TH_LOG("%u", i); }
	}
}

GUEST_CODE(insns_crossing,
	"str	x9, [x20]\n"
	"ldr	x9, [x20]\n");

/*
 * If an access is partly to a device and partly to memory, the syndrome describes the whole
 * access, but the address is that of the part that faulted: so the VMM has to finish it.  An
 * access that ends at the border, or begins there without memory before, is a plain one.
 */
TEST_F(device, accesses_across_a_page)
{
	const struct axv_exit_fault *fault = &self->v.run->exit.fault;
	const __u64 behind = GUEST_RAM_SIZE + 2 * PAGE;
	__u64 *last = (__u64 *)(self->vm.ram + GUEST_RAM_SIZE - 8);
	__u64 *mem = mem_new(PAGE);
	unsigned int i;

	ASSERT_EQ(0, vm_region(&self->vm, 5, 0, behind, PAGE, mem));
	for (i = 0; i < COUNT(insns_crossing); i++) {
		/* An access that begins in memory */
		*last = 0x5555555555555555;
		start_insn(&self->v, insns_crossing, i);
		*arm64_x(&self->v, 20) = GUEST_RAM_SIZE - 4;
		ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
		EXPECT_EQ(GUEST_RAM_SIZE, fault->addr);
		EXPECT_EQ(i ? AXV_ACCESS_READ : AXV_ACCESS_WRITE, fault->access);
		EXPECT_EQ(0x5555555555555555, *last);
		EXPECT_EQ(PATTERN, *arm64_x(&self->v, 9));
		EXPECT_EQ(GUEST_CODE_ADDR, self->v.run->ip);

		/* An access that ends in memory */
		start_insn(&self->v, insns_crossing, i);
		*arm64_x(&self->v, 20) = behind - 4;
		ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
		EXPECT_EQ(behind - 4, fault->addr);
		EXPECT_EQ(0, mem[0]);
		EXPECT_EQ(GUEST_CODE_ADDR, self->v.run->ip);

		/* An access wholly to the device */
		start_insn(&self->v, insns_crossing, i);
		*arm64_x(&self->v, 20) = behind - 8;
		ASSERT_EXIT(i ? AXV_EXIT_MMIO_READ : AXV_EXIT_MMIO_WRITE, &self->v);
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
		start_insn(&self->v, insns_crossing, i);
		*arm64_x(&self->v, 20) = behind - PAGE;
		ASSERT_EXIT(i ? AXV_EXIT_MMIO_READ : AXV_EXIT_MMIO_WRITE, &self->v);
		EXPECT_EQ(behind - PAGE, self->v.run->exit.mmio.addr);
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	}
	must(!munmap(mem, PAGE));
}

GUEST_CODE(insns_load_nowhere, "ldr	xzr, [x20]\n");

TEST_F(device, load_to_nowhere)
{
	start_insn(&self->v, insns_load_nowhere, 0);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	EXPECT_EQ(31, self->v.run->exit.mmio.reg);
	self->v.run->exit.mmio.data = ~0ull;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(GUEST_STACK, self->v.run->regs.sregs.sp_el1);
}

/* The VMM moves the guest to another instruction, so the answer is dropped. */
TEST_F(device, load_is_dropped)
{
	start_insn(&self->v, insns_load, 3);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	self->v.run->exit.mmio.data = 1;
	ASSERT_EQ(0, reg_set(&self->v, guest_ip_reg, GUEST_CODE_ADDR + 4));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(PATTERN, *arm64_x(&self->v, 9));
	EXPECT_EQ(GUEST_CODE_ADDR + 8, self->v.run->ip);
}

/* Accesses that the hardware does not describe (ESR_EL2.ISV), which libaxvcpu has to finish. */
GUEST_CODE(insns_undecoded,
	"stp	x9, x10, [x20]\n"
	"str	x9, [x20], #8\n"
	"str	q0, [x20]\n"
	"dc	zva, x20\n"
	"ldp	x9, x10, [x20]\n"
	"ldr	x9, [x20], #8\n"
	"ldr	q0, [x20]\n"
	"ldxr	x9, [x20]\n");
#define UNDECODED_STORES	4

TEST_F(device, undecoded)
{
	struct axv_run *run = self->v.run;
	unsigned int i;

	for (i = 0; i < COUNT(insns_undecoded); i++) {
		start_insn(&self->v, insns_undecoded, i);
		run->regs.sregs.cpacr_el1 = 3ul << 20;
		ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
		/* DC ZVA may report any address within its block. */
		EXPECT_EQ(DEVICE & ~63ul, run->exit.fault.addr & ~63ul);
		EXPECT_EQ(i < UNDECODED_STORES ? AXV_ACCESS_WRITE : AXV_ACCESS_READ,
			  run->exit.fault.access) { TH_LOG("%u", i); }
		EXPECT_EQ(AXV_FAULT_NO_REGION, run->exit.fault.cause);
		EXPECT_TRUE(run->exit.fault.linear_valid);
		EXPECT_EQ(run->exit.fault.addr, run->exit.fault.linear);
		EXPECT_EQ(0, run->insn_len);
		EXPECT_EQ(GUEST_CODE_ADDR, run->ip);
		/* The VMM has done the access, and goes on behind the instruction. */
		ASSERT_EQ(0, reg_set(&self->v, guest_ip_reg, GUEST_CODE_ADDR + 4));
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	}
}

/* ---- faults --------------------------------------------------------------- */

TEST_F(device, read_only_memory)
{
	struct axv_run *run = self->v.run;
	__u64 *rom = mem_new(PAGE);

	rom[0] = 0x4711;
	ASSERT_EQ(0, vm_region(&self->vm, 1, AXV_REGION_READONLY, ROM, PAGE, rom));
	start_insn(&self->v, insns_load, 3);
	*arm64_x(&self->v, 20) = ROM;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x4711, *arm64_x(&self->v, 9));

	start_insn(&self->v, insns_store, 3);
	*arm64_x(&self->v, 20) = ROM;
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(ROM, run->exit.mmio.addr);
	EXPECT_EQ(PATTERN, run->exit.mmio.data);

	start_insn(&self->v, insns_undecoded, 0);
	*arm64_x(&self->v, 20) = ROM;
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
	EXPECT_EQ(AXV_FAULT_READONLY, run->exit.fault.cause);
	EXPECT_EQ(AXV_ACCESS_WRITE, run->exit.fault.access);
	EXPECT_EQ(0x4711, rom[0]);
}

TEST_F(device, memory_of_the_vmm_that_is_gone)
{
	struct axv_run *run = self->v.run;
	void *mem = mem_new(PAGE);

	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, ROM, PAGE, mem));
	ASSERT_EQ(0, munmap(mem, PAGE));
	start_insn(&self->v, insns_load, 3);
	*arm64_x(&self->v, 20) = ROM + 8;
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
	EXPECT_EQ(ROM + 8, run->exit.fault.addr);
	EXPECT_EQ(AXV_FAULT_HOST, run->exit.fault.cause);
	EXPECT_EQ(-EFAULT, run->exit.fault.status);
	EXPECT_EQ(AXV_ACCESS_READ, run->exit.fault.access);
}

TEST_F(device, fetch_from_nowhere)
{
	struct axv_run *run = self->v.run;

	arm64_start(&self->v, GUEST_HOLE + 8);
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
	EXPECT_EQ(GUEST_HOLE + 8, run->exit.fault.addr);
	EXPECT_EQ(GUEST_HOLE + 8, run->exit.fault.linear);
	EXPECT_EQ(AXV_ACCESS_FETCH, run->exit.fault.access);
	EXPECT_EQ(AXV_FAULT_NO_REGION, run->exit.fault.cause);
	EXPECT_EQ(GUEST_HOLE + 8, run->ip);
}

TEST_F(device, tables_nowhere)
{
	struct axv_run *run = self->v.run;

	start_insn(&self->v, insns_load, 3);
	run->regs.sregs.ttbr0_el1 = GUEST_HOLE;
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
	EXPECT_EQ(GUEST_HOLE, run->exit.fault.addr & ~(PAGE - 1));
	EXPECT_EQ(AXV_ACCESS_READ | AXV_ACCESS_PAGE_TABLE, run->exit.fault.access);
	EXPECT_EQ(AXV_FAULT_NO_REGION, run->exit.fault.cause);
}

/* ---- system registers ------------------------------------------------------- */

GUEST_CODE(insns_sysreg,
	"mrs	x9, cntp_ctl_el0\n"
	"msr	cntp_ctl_el0, x9\n"
	"msr	cntp_cval_el0, xzr\n"
	"mrs	x9, icc_iar1_el1\n");

#define ISS_CNTP_CTL	AXV_ARM64_SYSREG_ISS(3, 3, 14, 2, 1)
#define ISS_CNTP_CVAL	AXV_ARM64_SYSREG_ISS(3, 3, 14, 2, 2)
#define ISS_ICC_IAR1	AXV_ARM64_SYSREG_ISS(3, 0, 12, 12, 0)

TEST_F(device, sysreg_read)
{
	struct axv_run *run = self->v.run;

	start_insn(&self->v, insns_sysreg, 0);
	ASSERT_EXIT(AXV_EXIT_SYSREG_READ, &self->v);
	EXPECT_EQ(ISS_CNTP_CTL, run->exit.sysreg.addr);
	EXPECT_EQ(9, run->exit.sysreg.reg);
	EXPECT_EQ(4, run->insn_len);
	EXPECT_EQ(GUEST_CODE_ADDR, run->ip);
	EXPECT_EQ(PATTERN, *arm64_x(&self->v, 9));
	run->exit.sysreg.value = 5;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(5, *arm64_x(&self->v, 9));
}

/* Registers of a GIC's CPU interface, which the VMM has to emulate here */
TEST_F(device, sysreg_of_a_gic)
{
	NEED_GICV3();
	start_insn(&self->v, insns_sysreg, 3);
	ASSERT_EXIT(AXV_EXIT_SYSREG_READ, &self->v);
	EXPECT_EQ(ISS_ICC_IAR1, self->v.run->exit.sysreg.addr);
}

TEST_F(device, sysreg_read_refused)
{
	struct axv_run *run = self->v.run;

	start_insn(&self->v, insns_sysreg, 0);
	ASSERT_EXIT(AXV_EXIT_SYSREG_READ, &self->v);
	run->exit.sysreg.fail = 1;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(CALL_EXCEPTION, run->exit.hypercall.nr);
	EXPECT_EQ(ESR_IL, run->exit.hypercall.args[0]);
	EXPECT_EQ(GUEST_CODE_ADDR, run->exit.hypercall.args[1]);
	EXPECT_EQ(PATTERN, *arm64_x(&self->v, 9));
}

TEST_F(device, sysreg_write)
{
	struct axv_run *run = self->v.run;

	start_insn(&self->v, insns_sysreg, 1);
	ASSERT_EXIT(AXV_EXIT_SYSREG_WRITE, &self->v);
	EXPECT_EQ(ISS_CNTP_CTL, run->exit.sysreg.addr);
	EXPECT_EQ(PATTERN, run->exit.sysreg.value);
	EXPECT_EQ(9, run->exit.sysreg.reg);
	EXPECT_EQ(GUEST_CODE_ADDR + 4, run->ip);
	start_insn(&self->v, insns_sysreg, 2);
	ASSERT_EXIT(AXV_EXIT_SYSREG_WRITE, &self->v);
	EXPECT_EQ(ISS_CNTP_CVAL, run->exit.sysreg.addr);
	EXPECT_EQ(0, run->exit.sysreg.value);
}

GUEST_CODE(insns_sgi, "msr	icc_sgi1r_el1, x9\n");

TEST_F(device, send_ipi)
{
	struct axv_run *run = self->v.run;

	NEED_GICV3();
	start_insn(&self->v, insns_sgi, 0);
	*arm64_x(&self->v, 9) = 0x8003ull | 0x02ull << 16 | 0x0cull << 24 | 0x03ull << 32 |
				1ull << 44 | 0x04ull << 48;
	ASSERT_EXIT(AXV_EXIT_SEND_IPI, &self->v);
	EXPECT_EQ(0x0400030210, run->exit.send_ipi.target_cpu);
	EXPECT_EQ(0x8003, run->exit.send_ipi.target_cpu_aux);
	EXPECT_EQ(12, run->exit.send_ipi.vector);
	EXPECT_EQ(0, run->exit.send_ipi.send_to_all);
	EXPECT_EQ(0, run->exit.send_ipi.send_to_self);
	EXPECT_EQ(GUEST_CODE_ADDR + 4, run->ip);

	start_insn(&self->v, insns_sgi, 0);
	*arm64_x(&self->v, 9) = 1ull << 40;
	ASSERT_EXIT(AXV_EXIT_SEND_IPI, &self->v);
	EXPECT_EQ(1, run->exit.send_ipi.send_to_all);
}

/* Instructions of features that the guest does not have, even if the processor has them. */
GUEST_CODE(insns_hidden,
	".inst	0xdac123e9\n"		/* paciza x9 */
	"mrs	x9, s3_0_c2_c1_0\n"	/* APIAKEYLO_EL1 */
	"msr	s3_0_c2_c1_0, x9\n"
	".inst	0x04e0e3e9\n"		/* cntd x9 (SVE) */
	"mrs	x9, s3_0_c1_c2_0\n"	/* ZCR_EL1 */
	"mrs	x9, s3_0_c1_c2_6\n"	/* SMCR_EL1 */
	"mrs	x9, pmcr_el0\n"
	"msr	pmcntenset_el0, x9\n"
	"mrs	x9, s3_0_c9_c9_0\n"	/* PMSCR_EL1 */
	"mrs	x9, s3_3_c13_c2_0\n"	/* AMCR_EL0 */
	"mrs	x9, s3_0_c10_c5_1\n"	/* MPAM0_EL1 */
	"mrs	x9, s3_0_c10_c4_3\n"	/* LORC_EL1 */
	"mrs	x9, s3_0_c5_c3_0\n"	/* ERRIDR_EL1 */
	"mrs	x9, s3_0_c5_c6_0\n"	/* TFSR_EL1 */
	"mrs	x9, s2_1_c0_c4_0\n"	/* TRCCONFIGR */
	"mrs	x9, hcr_el2\n"
	"smc	#0\n");

TEST_F(device, hidden)
{
	struct axv_run *run = self->v.run;
	unsigned int i;

	/* The last instruction is a call, which shows that the list is complete. */
	for (i = 0; i < COUNT(insns_hidden); i++) {
		start_insn(&self->v, insns_hidden, i);
		run->regs.sregs.cpacr_el1 = 3ul << 20 | 3ul << 16 | 3ul << 24;
		/* Otherwise PACIZA does nothing. */
		run->regs.sregs.sctlr_el1 |= SCTLR_ENIA;
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
		if (i == COUNT(insns_hidden) - 1) {
			EXPECT_EQ(CALL_RESULT, run->exit.hypercall.nr);
			break;
		}
		EXPECT_EQ(CALL_EXCEPTION, run->exit.hypercall.nr) { TH_LOG("%u", i); }
		EXPECT_EQ(ESR_IL, run->exit.hypercall.args[0]) { TH_LOG("%u", i); }
		EXPECT_EQ(GUEST_CODE_ADDR, run->exit.hypercall.args[1]);
		EXPECT_EQ(PATTERN, *arm64_x(&self->v, 9)) { TH_LOG("%u", i); }
	}
}

/* TPIDR2_EL0 exists with SME, which requires FEAT_FGT; without SME it is undefined. */
GUEST_CODE(insns_tpidr2, "mrs	x9, s3_3_c13_c0_5\n");

TEST_F(device, hidden_tpidr2)
{
	start_insn(&self->v, insns_tpidr2, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(CALL_EXCEPTION, self->v.run->exit.hypercall.nr);
}

GUEST_CODE(insns_id,
	"mrs	x9, id_aa64pfr0_el1\n"
	"mrs	x9, id_aa64pfr1_el1\n"
	"mrs	x9, id_aa64isar1_el1\n"
	"mrs	x9, s3_0_c0_c6_2\n"	/* ID_AA64ISAR2_EL1 */
	"mrs	x9, s3_0_c0_c4_4\n"	/* ID_AA64ZFR0_EL1 */
	"mrs	x9, id_aa64dfr0_el1\n"
	"mrs	x9, mpidr_el1\n");

/* The fields of features that are not switched are zero in the guest's ID registers. */
TEST_F(device, id_registers)
{
	static const __u64 hidden[] = {
		0x00f0ffffff00ff00ull,	/* EL2, EL3, GIC, RAS, SVE, SEL2, MPAM, AMU, RME */
		0x000000000f000f00ull,	/* MTE, SME */
		0x00000000ff000ff0ull,	/* APA, API, GPA, GPI */
		0x000000000000ff00ull,	/* GPA3, APA3 */
		~0ull,
		0x00000f0f00000f00ull,	/* PMUVer, PMSVer, TraceFilt */
	};
	unsigned int i;
	__u64 value;

	for (i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		start_insn(&self->v, insns_id, i);
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
		value = *arm64_x(&self->v, 9);
		EXPECT_EQ(0, value & hidden[i]) { TH_LOG("%u", i); }
	}
	start_insn(&self->v, insns_id, i);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(1ull << 31, *arm64_x(&self->v, 9));
}

/* ---- halts -------------------------------------------------------------------- */

GUEST_CODE(insns_wfi, "wfi\n");
GUEST_CODE(insns_wait,
	"1:	wfi\n"
	"mrs	x9, isr_el1\n"
	"cbz	x9, 1b\n");

TEST_F(device, halt)
{
	struct axv_run *run = self->v.run;

	/* If an interrupt of the host is pending, WFI is no exit: try again. */
	do
		start_insn(&self->v, insns_wfi, 0);
	while (vcpu_run(&self->v) == AXV_EXIT_HYPERCALL);
	ASSERT_EQ(AXV_EXIT_HALT, run->exit_reason);
	EXPECT_EQ(4, run->insn_len);
	EXPECT_EQ(GUEST_CODE_ADDR + 4, run->ip);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(AXV_STATE_READY, run->state);
}

static int end_at_call(struct axv_runner *r)
{
	return r->vcpu->run->exit_reason == AXV_EXIT_HYPERCALL;
}

/* A halted guest is woken by its IRQ input even if that is masked (Arm ARM, WFI). */
TEST(blocked)
{
	static const struct axv_inject irq = { .type = AXV_INJECT_WIRED, .data = 1 };
	struct axv_runner r;
	struct axv_vcpu v;
	struct axv_vm vm;

	vm_new(&vm, AXV_VM_HALT_IN_KERNEL);
	vcpu_new(&vm, &v, 0);
	ASSERT_EQ(0, guest_setup(&v));
	start_insn(&v, insns_wait, 0);
	v.run->regs.gprs.pstate |= PSTATE_I;
	runner_start(&r, &v, end_at_call, NULL);
	vcpu_await_state(&v, AXV_STATE_BLOCKED);
	ASSERT_EQ(0, axv_ioctl(v.fd, AXV_INJECT, &irq));
	runner_join(&r);
	EXPECT_EQ(1, atomic_load(&r.exits[AXV_EXIT_HYPERCALL]));
	EXPECT_EQ(0, atomic_load(&r.exits[AXV_EXIT_HALT]));
	EXPECT_EQ(1, vcpu_stats(&v).blocks);
	vcpu_free(&v);
	vm_free(&vm);
}

/* ---- what the VMM sends -------------------------------------------------------- */

GUEST_CODE(vector_tells_serror,
	"mov	x0, #9\n"
	"mrs	x1, esr_el1\n"
	"hvc	#0\n"
	"eret\n");

GUEST_CODE(insns_call, "nop\n");

TEST_F(device, serror)
{
	static const struct axv_inject event = {
		.type = AXV_INJECT_EXCEPTION, .vector = AXV_ARM64_EC_SERROR, .error_code = 0x12,
	};
	struct axv_run *run = self->v.run;

	arm64_load_at(&self->vm, GUEST_VECTORS + VECTOR_SERROR, vector_tells_serror,
		      vector_tells_serror_end);
	/* While SErrors are masked, the event waits. */
	start_insn(&self->v, insns_call, 0);
	run->regs.gprs.pstate |= PSTATE_A;
	ASSERT_EQ(0, axv_ioctl(self->v.fd, AXV_INJECT, &event));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(CALL_RESULT, run->exit.hypercall.nr);
	EXPECT_EQ(-EAGAIN, axv_ioctl(self->v.fd, AXV_INJECT, &event));
	/* Once SErrors are not masked, the event is taken once. */
	run->regs.gprs.pstate &= ~PSTATE_A;
	run->dirty = AXV_RUN_SET_GPRS;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(CALL_SERROR, run->exit.hypercall.nr);
	EXPECT_EQ(EC_SERROR, ESR_EC(run->exit.hypercall.args[0]));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_NE(CALL_SERROR, run->exit.hypercall.nr);
}

TEST_F(device, exceptions)
{
	static const struct axv_inject svc = {
		.type = AXV_INJECT_EXCEPTION, .vector = EC_SVC64, .error_code = 0x1234,
	}, abort = {
		.type = AXV_INJECT_EXCEPTION, .vector = 0x24, .error_code = 0x7,
		.address = 0xffff800012345678,
	};
	struct axv_run *run = self->v.run;

	start_insn(&self->v, insns_call, 0);
	ASSERT_EQ(0, axv_ioctl(self->v.fd, AXV_INJECT, &svc));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(CALL_EXCEPTION, run->exit.hypercall.nr);
	EXPECT_EQ(EC_SVC64, ESR_EC(run->exit.hypercall.args[0]));
	EXPECT_EQ(0x1234, run->exit.hypercall.args[0] & 0x1ffffff);
	EXPECT_EQ(GUEST_CODE_ADDR, run->exit.hypercall.args[1]);

	start_insn(&self->v, insns_call, 0);
	ASSERT_EQ(0, axv_ioctl(self->v.fd, AXV_INJECT, &abort));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	/* The guest is at EL1, so the abort comes from the same level. */
	EXPECT_EQ(EC_DABT_SAME, ESR_EC(run->exit.hypercall.args[0]));
	EXPECT_EQ(0xffff800012345678, run->exit.hypercall.args[2]);
}

/* ---- the host ------------------------------------------------------------------- */

TEST(external_interrupt)
{
	struct axv_vcpu v;
	struct axv_vm vm;

	vm_new(&vm, AXV_VM_EXIT_ON_EXTINT);
	vcpu_ready(&vm, &v, 0);
	guest_start(&v, GUEST_SPIN, GUEST_DATA, 0, 0);
	ASSERT_EXIT(AXV_EXIT_EXTERNAL_INTERRUPT, &v);
	EXPECT_EQ(0, v.run->exit.interrupt.known);
	/* Not the syndrome of an earlier abort, by which the guest got its memory */
	EXPECT_EQ(0ull, v.run->hw_reason);
	vcpu_free(&v);
	vm_free(&vm);
}

TEST_HARNESS_MAIN
