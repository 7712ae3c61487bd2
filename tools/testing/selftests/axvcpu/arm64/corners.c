// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of corners of the architecture that a guest or a VMM could use against the host, or
 * that could break a guest.
 */
#include "axv_harness.h"
#include "arm64.h"

#define MDSCR_EL1	AXV_REG_ARM64(SYSREG, AXV_ARM64_SYSREG_INDEX(2, 0, 0, 2, 2))
#define MDSCR_SS	(1ul << 0)
#define MDSCR_KDE	(1ul << 13)

#define ESR_EC(esr)	((esr) >> 26 & 0x3f)
#define EC_STEP_SAME	0x33

FIXTURE_ONE_VCPU(corners)
{
	vm_new(&self->vm, 0);
	vcpu_ready(&self->vm, &self->v, 0);
}

/* Open the kernel's log at its end, to check later what the kernel has printed since. */
static int log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);

	must(fd >= 0);
	must(lseek(fd, 0, SEEK_END) == 0);
	return fd;
}

static int log_has(int fd, const char *what)
{
	char line[8192];
	int found = 0;
	ssize_t got;

	for (;;) {
		got = read(fd, line, sizeof(line) - 1);
		if (got < 0 && errno == EPIPE)
			continue;
		if (got <= 0)
			break;
		line[got] = 0;
		if (strstr(line, what))
			found = 1;
	}
	close(fd);
	return found;
}

/* ---- debug ----------------------------------------------------------------- */

/* X20: value for MDSCR_EL1 */
GUEST_CODE(code_debug,
	"msr	mdscr_el1, x20\n"
	"isb\n"
	"1:	mov	x0, #7\n"
	"hvc	#0\n"
	"b	1b\n");

/* X20: value for MDSCR_EL1; steps the instruction at label 1. */
GUEST_CODE(code_step,
	"msr	mdscr_el1, x20\n"
	"mov	x0, #0x5\n"	/* EL1h, and PSTATE.D is clear */
	"movk	x0, #0x20, lsl #16\n"	/* PSTATE.SS */
	"msr	spsr_el1, x0\n"
	"adr	x0, 1f\n"
	"msr	elr_el1, x0\n"
	"isb\n"
	"eret\n"
	"1:	nop\n"
	"nop\n");

/*
 * The host runs at the exception level that debug exceptions would go to, with its own
 * PSTATE.D clear: the guest's stepping and breakpoints must not be active there.
 */
TEST_F(corners, a_guest_that_steps_does_not_step_the_host)
{
	int log = log_open();
	int i;

	arm64_load(&self->vm, code_debug);
	arm64_start(&self->v, GUEST_CODE_ADDR);
	*arm64_x(&self->v, 20) = MDSCR_SS | MDSCR_KDE;
	for (i = 0; i < 4; i++)
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0, log_has(log, "single-step"));
}

TEST_F(corners, a_vmm_that_steps_does_not_step_the_host)
{
	int log = log_open();

	arm64_load(&self->vm, code_debug);
	arm64_start(&self->v, GUEST_CODE_ADDR + 8);
	ASSERT_EQ(0, reg_set(&self->v, MDSCR_EL1, MDSCR_SS | MDSCR_KDE));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0, log_has(log, "single-step"));
}

TEST_F(corners, a_guest_steps_itself)
{
	arm64_load(&self->vm, code_step);
	arm64_start(&self->v, GUEST_CODE_ADDR);
	*arm64_x(&self->v, 20) = MDSCR_SS | MDSCR_KDE;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(EC_STEP_SAME, ESR_EC(self->v.run->exit.hypercall.args[0]));
	EXPECT_EQ(GUEST_CODE_ADDR + 9 * 4, self->v.run->exit.hypercall.args[1]);
}

/* ---- SErrors ------------------------------------------------------------------- */

#define DISR_A		(1ul << 31)
#define SERROR_ISS	0x12

/* ESB defers a masked SError; the guest tells what DISR_EL1 then has. */
GUEST_CODE(code_puts_off,
	"hint	#16\n"
	"mov	x0, #7\n"
	"hvc	#0\n"
	"mrs	x1, s3_0_c12_c1_1\n"
	"mov	x0, #7\n"
	"hvc	#0\n"
	"b	.\n");

/*
 * Only DISR_EL1 has the syndrome of an SError that ESB has deferred; exits and other vCPUs must
 * not change that register.
 */
TEST_F(corners, a_deferred_serror)
{
	static const struct axv_inject event = {
		.type = AXV_INJECT_EXCEPTION,
		.vector = AXV_ARM64_EC_SERROR,
		.error_code = SERROR_ISS,
	};
	struct axv_vcpu other;

	arm64_load(&self->vm, code_puts_off);
	arm64_start(&self->v, GUEST_CODE_ADDR);
	self->v.run->regs.gprs.pstate |= PSTATE_A;
	ASSERT_EQ(0, axv_ioctl(self->v.fd, AXV_INJECT, &event));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	/* Without the RAS extension ESB does nothing, and there is no DISR_EL1. */
	if (axv_ioctl(self->v.fd, AXV_INJECT, &event) == -EAGAIN)
		return;

	vcpu_ready(&self->vm, &other, 1);
	guest_start(&other, GUEST_CALL, 5, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &other);
	vcpu_free(&other);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(DISR_A | SERROR_ISS, self->v.run->exit.hypercall.args[0]);
}

/* ---- caches -------------------------------------------------------------------- */

GUEST_CODE(code_set_way,
	"mov	x0, #7\n"
	"hvc	#0\n"
	"dc	csw, xzr\n"
	"mov	x0, #7\n"
	"hvc	#0\n"
	"mov	x0, #7\n"
	"hvc	#0\n"
	"b	.\n");

/*
 * After maintenance by set and way the guest switches its caches, which the module has to
 * notice, even if the guest's state has been moved to another vCPU meanwhile.
 */
TEST_F(corners, maintenance_by_set_and_way)
{
	__u64 id = AXV_REG_ARM64(EVENT, AXV_ARM64_EVENT_CACHE_WATCH), value;

	ASSERT_EQ(0, reg_get(&self->v, id, &value));
	/* If stage 2 forces write-back, the host need not watch the caches. */
	if (!value)
		return;
	arm64_load(&self->vm, code_set_way);
	arm64_start(&self->v, GUEST_CODE_ADDR);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	ASSERT_EQ(0, reg_get(&self->v, id, &value));
	EXPECT_EQ(0ull, value);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	ASSERT_EQ(0, reg_get(&self->v, id, &value));
	EXPECT_EQ(1ull, value);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	ASSERT_EQ(0, reg_get(&self->v, id, &value));
	EXPECT_EQ(1ull, value);
}

/* ---- registers that describe the processor ----------------------------------- */

#define ID_REG(crm, op2)	AXV_REG_ARM64(SYSREG, AXV_ARM64_SYSREG_INDEX(3, 0, 0, crm, op2))

static unsigned int id_field(struct axv_vcpu *v, __u64 id, int shift)
{
	__u64 value;

	must(!reg_get(v, id, &value));
	return value >> shift & 0xf;
}

/* ID fields must not claim features whose registers the module does not switch. */
TEST_F(corners, features_that_are_not_switched)
{
	struct axv_vcpu *v = &self->v;

	EXPECT_GE(1, id_field(v, ID_REG(4, 0), 56));	/* CSV2: SCXTNUM_EL1 */
	EXPECT_EQ(0, id_field(v, ID_REG(4, 0), 28));	/* RAS */
	EXPECT_EQ(0, id_field(v, ID_REG(4, 0), 32));	/* SVE */
	EXPECT_EQ(0, id_field(v, ID_REG(4, 1), 8));	/* MTE */
	EXPECT_EQ(0, id_field(v, ID_REG(4, 1), 32));	/* CSV2_frac: SCXTNUM_EL1 */
	EXPECT_GE(2, id_field(v, ID_REG(7, 1), 0));	/* HAFDBS: TCR2_EL1 */
	/* Without CnP: TLBs may be shared by CPUs, which may use a VMID for different VMs. */
	EXPECT_EQ(0, id_field(v, ID_REG(7, 2), 0));	/* CnP */
	EXPECT_GE(1, id_field(v, ID_REG(7, 2), 16));	/* VARange: TCR2_EL1 */
}

#define CSSELR_EL1	AXV_REG_ARM64(SYSREG, AXV_ARM64_SYSREG_INDEX(3, 2, 0, 0, 0))

/* Reads CTR_EL0 X20 times. */
GUEST_CODE(code_cache_type,
	"1:	mrs	x2, ctr_el0\n"
	"subs	x20, x20, #1\n"
	"b.ne	1b\n"
	"mov	x0, #2\n"
	"hvc	#0\n");

/*
 * Linux reads CTR_EL0 80,000 times while it boots.  (A host whose CPUs have different values
 * has to trap each read; no emulator is such a host.)
 */
TEST_F(corners, cache_type_is_read_without_an_exit)
{
	__u64 before;

	arm64_load(&self->vm, code_cache_type);
	arm64_start(&self->v, GUEST_CODE_ADDR);
	*arm64_x(&self->v, 20) = 10000;
	before = vcpu_stats(&self->v).hw_exits;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	ASSERT_EQ(2, self->v.run->exit.hypercall.nr);
	EXPECT_NE(0, *arm64_x(&self->v, 2));
	EXPECT_GT(5000, vcpu_stats(&self->v).hw_exits - before);
}

/* Sets CSSELR_EL1 to X20; then tells CSSELR_EL1 and CCSIDR_EL1 again and again. */
GUEST_CODE(code_caches,
	"msr	csselr_el1, x20\n"
	"isb\n"
	"1:	mrs	x1, csselr_el1\n"
	"mrs	x2, ccsidr_el1\n"
	"mov	x0, #2\n"
	"hvc	#0\n"
	"b	1b\n");

/* Each vCPU has its own CSSELR_EL1, also if two run on the same CPU in turn. */
TEST_F(corners, a_vcpu_keeps_its_selected_cache)
{
	struct axv_vcpu *vs[2] = { &self->v, NULL }, other;
	__u64 value, seen[2] = { 0 };
	int i;

	vcpu_ready(&self->vm, &other, 1);
	vs[1] = &other;
	arm64_load(&self->vm, code_caches);
	for (i = 0; i < 2; i++) {
		arm64_start(vs[i], GUEST_CODE_ADDR);
		/* Data or unified, of level 1 and 2 */
		*arm64_x(vs[i], 20) = 2 * i;
	}
	for (i = 0; i < 8; i++) {
		const struct axv_exit_hypercall *call = &vs[i % 2]->run->exit.hypercall;

		ASSERT_EXIT(AXV_EXIT_HYPERCALL, vs[i % 2]);
		ASSERT_EQ(2, call->nr);
		EXPECT_EQ(2 * (i % 2), call->args[0]);
		EXPECT_NE(0, call->args[1]);
		if (i >= 2)
			EXPECT_EQ(seen[i % 2], call->args[1]);
		seen[i % 2] = call->args[1];
		ASSERT_EQ(0, reg_get(vs[i % 2], CSSELR_EL1, &value));
		EXPECT_EQ(2 * (i % 2), value);
	}
	vcpu_free(&other);
}

/* ---- PSCI ------------------------------------------------------------------------ */

#define PSCI_INVALID_PARAMETERS	-2ul

/* Calls CPU_ON for X20, and tells what it returns. */
GUEST_CODE(code_cpu_on,
	"mov	w0, #3\n"
	"movk	w0, #0xc400, lsl #16\n"
	"mov	x1, x20\n"
	"mov	x2, #0x1000\n"
	"mov	x3, #5\n"
	"hvc	#0\n"
	"mov	x1, x0\n"
	"mov	x0, #9\n"
	"hvc	#0\n");

static void call_cpu_on(struct axv_vm *vm, struct axv_vcpu *v, __u64 target)
{
	arm64_load(vm, code_cpu_on);
	arm64_start(v, GUEST_CODE_ADDR);
	*arm64_x(v, 20) = target;
}

TEST_F(corners, cpu_on_takes_an_affinity)
{
	const struct axv_exit_cpu_up *up = &self->v.run->exit.cpu_up;

	call_cpu_on(&self->vm, &self->v, 0xff00ffffff);
	ASSERT_EXIT(AXV_EXIT_CPU_UP, &self->v);
	EXPECT_EQ(0xff00ffffff, up->target_cpu);
	EXPECT_EQ(0x1000, up->entry_point);
	EXPECT_EQ(5, up->arg);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0, self->v.run->exit.hypercall.args[0]);
}

TEST_F(corners, cpu_on_takes_no_other_bits)
{
	const struct axv_exit_hypercall *call = &self->v.run->exit.hypercall;
	int bit;

	for (bit = 24; bit < 64; bit++) {
		if (bit >= 32 && bit < 40)
			continue;
		call_cpu_on(&self->vm, &self->v, 1ul << bit);
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
		EXPECT_EQ(9, call->nr);
		EXPECT_EQ(PSCI_INVALID_PARAMETERS, call->args[0]);
	}
}

/* ---- AArch32 at EL0 --------------------------------------------------------- */

#define PSTATE_USR	0x10ul
#define PSTATE_PAN	(1ul << 22)
#define PSTATE_NZCV	(0xful << 28)
#define CNTKCTL_EL1	AXV_REG_ARM64(SYSREG, AXV_ARM64_SYSREG_INDEX(3, 0, 14, 1, 0))
#define EL0PCTEN	(1ul << 0)
#define VECTOR_LOWER_32	0x600

/* The second GiB maps the first GiB once more, accessible to EL0. */
#define EL0_BASE	(1ul << 30)
#define EL0_BLOCK	0x741ul

GUEST_CODE(code_32, ".inst	0xec510f0e\n");	/* A32: mrrc p15, 0, r0, r1, c14 */

GUEST_CODE(vector_32,
	"mov	x0, #3\n"
	"mrs	x1, esr_el1\n"
	"mrs	x2, spsr_el1\n"
	"hvc	#0\n");

static void start_32(struct axv_vm *vm, struct axv_vcpu *v, __u64 pstate)
{
	((__u64 *)(vm->ram + GUEST_TABLE))[1] = EL0_BLOCK;
	arm64_load(vm, code_32);
	arm64_load_at(vm, GUEST_VECTORS + VECTOR_LOWER_32, vector_32, vector_32_end);
	arm64_start(v, EL0_BASE + GUEST_CODE_ADDR);
	v->run->regs.gprs.pstate = PSTATE_USR | pstate;
	must(!reg_set(v, CNTKCTL_EL1, EL0PCTEN));
}

/* EL0's access of the physical counter traps to EL2, which injects an exception. */
TEST_F(corners, what_an_exception_from_aarch32_keeps)
{
	const struct axv_exit_hypercall *call = &self->v.run->exit.hypercall;
	__u64 kept = PSTATE_NZCV;

	if (id_field(&self->v, ID_REG(7, 1), 20))
		kept |= PSTATE_PAN;
	start_32(&self->vm, &self->v, kept);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	ASSERT_EQ(3, call->nr);
	EXPECT_EQ(0, ESR_EC(call->args[0]));
	EXPECT_EQ(PSTATE_USR | kept, call->args[1]);
	EXPECT_EQ(kept, self->v.run->regs.gprs.pstate & (PSTATE_NZCV | PSTATE_PAN));
}

TEST_HARNESS_MAIN
