// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the GICv3 CPU interface in the kernel: which interrupts a guest acknowledges, in
 * which order, and their state.  "GIC" is the GICv3 architecture specification, IHI 0069.
 */
#include "axv_harness.h"
#include "arm64.h"

/* Numbers of the guests' hypercalls; argument 0 is: */
#define CALL_IDLE	1	/* how many interrupts have been taken */
#define CALL_TAKEN	2	/* the INTID that has been taken */
#define CALL_VALUE	3	/* the value of a register */

#define SPURIOUS	1023
#define PMR_OPEN	0xff
#define CTLR_EOIMODE	2

/*
 * Where the handler stores the INTIDs that it takes, in this order, and for each how often the
 * guest's loop had run until then (X25)
 */
#define LOG		(GUEST_DATA)
#define LOG_ROUNDS	(GUEST_DATA + 0x8000)

/*
 * Sets ICC_PMR_EL1 to X20 and ICC_CTLR_EL1 to X21.  Then loops, and counts the rounds in X25.
 * When X22 interrupts have been taken (counted in X19), calls in each round.
 */
GUEST_CODE(guest_main,
	"mov	x19, #0\n"
	"msr	icc_pmr_el1, x20\n"
	"msr	icc_ctlr_el1, x21\n"
	"mov	x9, #1\n"
	"msr	icc_igrpen1_el1, x9\n"
	"isb\n"
	"guest_idle:\n"
	"msr	daifclr, #2\n"
	"1:	add	x25, x25, #1\n"
	"cmp	x19, x22\n"
	"b.lo	1b\n"
	"mov	x0, #1\n"
	"mov	x1, x19\n"
	"hvc	#0\n"
	"b	guest_idle\n");

/* As guest_main, but halts instead of looping. */
GUEST_CODE(guest_halts,
	"mov	x19, #0\n"
	"msr	icc_pmr_el1, x20\n"
	"msr	icc_ctlr_el1, x21\n"
	"mov	x9, #1\n"
	"msr	icc_igrpen1_el1, x9\n"
	"isb\n"
	"msr	daifclr, #2\n"
	"1:	wfi\n"
	"b	1b\n");

/* Stores the INTID, and deactivates the interrupt, without an exit. */
GUEST_CODE(handler_quiet,
	"stp	x0, x1, [sp, #-16]!\n"
	"mrs	x0, icc_iar1_el1\n"
	"mov	x1, #0x40000\n"
	"str	w0, [x1, x19, lsl #2]\n"
	"add	x1, x1, #0x8000\n"
	"str	x25, [x1, x19, lsl #3]\n"
	"add	x19, x19, #1\n"
	"msr	icc_eoir1_el1, x0\n"
	"isb\n"
	"ldp	x0, x1, [sp], #16\n"
	"eret\n");

/* As handler_quiet, but calls at the X22nd interrupt. */
GUEST_CODE(handler_counts,
	"mrs	x14, icc_iar1_el1\n"
	"mov	x15, #0x40000\n"
	"str	w14, [x15, x19, lsl #2]\n"
	"add	x15, x15, #0x8000\n"
	"str	x25, [x15, x19, lsl #3]\n"
	"add	x19, x19, #1\n"
	"cmp	x19, x22\n"
	"b.ne	1f\n"
	"mov	x0, #2\n"
	"mov	x1, x14\n"
	"hvc	#0\n"
	"1:	msr	icc_eoir1_el1, x14\n"
	"isb\n"
	"eret\n");

/*
 * Calls with the INTID while the interrupt is active, with interrupts on for more urgent ones.
 * Deactivates by ICC_EOIR1_EL1, or by ICC_DIR_EL1 if X23 is not zero.
 */
GUEST_CODE(handler_calls,
	"stp	x0, x1, [sp, #-16]!\n"
	"stp	x2, x3, [sp, #-16]!\n"
	"stp	x4, x30, [sp, #-16]!\n"
	"mrs	x2, elr_el1\n"
	"mrs	x3, spsr_el1\n"
	"mrs	x4, icc_iar1_el1\n"
	"stp	x2, x3, [sp, #-16]!\n"
	"stp	x4, x4, [sp, #-16]!\n"
	"msr	daifclr, #2\n"
	"mov	x0, #2\n"
	"mov	x1, x4\n"
	"hvc	#0\n"
	"msr	daifset, #2\n"
	"ldp	x4, x0, [sp], #16\n"
	"ldp	x2, x3, [sp], #16\n"
	"msr	icc_eoir1_el1, x4\n"
	"cbz	x23, 1f\n"
	"msr	icc_dir_el1, x4\n"
	"1:	isb\n"
	"msr	elr_el1, x2\n"
	"msr	spsr_el1, x3\n"
	"add	x19, x19, #1\n"
	"ldp	x4, x30, [sp], #16\n"
	"ldp	x2, x3, [sp], #16\n"
	"ldp	x0, x1, [sp], #16\n"
	"eret\n");

/* Drops the priority, but leaves the interrupt active (ICC_CTLR_EL1.EOImode is 1). */
GUEST_CODE(handler_keeps,
	"stp	x0, x1, [sp, #-16]!\n"
	"mrs	x0, icc_iar1_el1\n"
	"mov	x1, #0x40000\n"
	"str	w0, [x1, x19, lsl #2]\n"
	"add	x19, x19, #1\n"
	"msr	icc_eoir1_el1, x0\n"
	"isb\n"
	"ldp	x0, x1, [sp], #16\n"
	"eret\n");

/* Deactivates X24 interrupts of the log, from the last one, the X19th, backwards. */
GUEST_CODE(guest_deactivates,
	"mov	x9, #0x40000\n"
	"add	x9, x9, x19, lsl #2\n"
	"1:	ldr	w10, [x9, #-4]!\n"
	"msr	icc_dir_el1, x10\n"
	"subs	x24, x24, #1\n"
	"b.ne	1b\n"
	"isb\n"
	"mov	x0, #1\n"
	"mov	x1, x19\n"
	"hvc	#0\n"
	"b	.\n");

GUEST_CODE(guest_sends,
	"msr	icc_sgi1r_el1, x20\n"
	"msr	icc_sgi0r_el1, x21\n"
	"msr	icc_asgi1r_el1, x22\n"
	"mov	x0, #1\n"
	"hvc	#0\n");

GUEST_CODE(guest_reads,
	"msr	icc_sre_el1, xzr\n"
	"mrs	x1, icc_sre_el1\n"
	"mov	x0, #3\n"
	"hvc	#0\n"
	"mrs	x1, icc_iar1_el1\n"
	"mov	x0, #3\n"
	"hvc	#0\n"
	"mrs	x1, id_aa64pfr0_el1\n"
	"mov	x0, #3\n"
	"hvc	#0\n");

FIXTURE(gic)
{
	struct axv_vm vm;
	struct axv_vcpu v;
};

#define HANDLER(name)	arm64_load_handler(&self->vm, name)

/* Make the next run begin a guest that calls after @taken interrupts. */
static void start_guest(struct axv_vcpu *v, __u64 taken)
{
	arm64_start(v, GUEST_CODE_ADDR);
	v->run->regs.gprs.pstate |= PSTATE_I;
	*arm64_x(v, 20) = PMR_OPEN;
	*arm64_x(v, 22) = taken;
}

FIXTURE_SETUP(gic)
{
	vm_new_irqchip(&self->vm, 0, AXV_IRQCHIP_GICV3);
	vcpu_ready(&self->vm, &self->v, 0);
	arm64_load(&self->vm, guest_main);
	HANDLER(handler_quiet);
	start_guest(&self->v, 0);
}

FIXTURE_TEARDOWN(gic)
{
	vcpu_free(&self->v);
	vm_free(&self->vm);
}

static int inject(struct axv_vcpu *v, __u32 type, __u32 intid, __u32 priority, __u32 data)
{
	struct axv_inject event = {
		.type = type,
		.vector = intid,
		.priority = priority,
		.data = data,
	};

	return axv_ioctl(v->fd, AXV_INJECT, &event);
}

static int edge(struct axv_vcpu *v, __u32 intid, __u32 priority)
{
	return inject(v, AXV_INJECT_EXTINT, intid, priority, 0);
}

static int wire(struct axv_vcpu *v, __u32 intid, int level)
{
	return inject(v, AXV_INJECT_WIRED, intid, 0x80, level);
}

static int retract(struct axv_vcpu *v, __u32 intid)
{
	struct axv_inject event = {
		.type = AXV_INJECT_EXTINT,
		.flags = AXV_INJECT_RETRACT,
		.vector = intid,
	};

	return axv_ioctl(v->fd, AXV_INJECT, &event);
}

static __u32 taken(struct axv_vm *vm, unsigned int n)
{
	return ((__u32 *)(vm->ram + LOG))[n];
}

/*
 * Whether @n interrupts came without waiting for the host's tick.  An interrupt that itself
 * makes the guest exit does so within some rounds of the guest's loop, however slow host and
 * emulator are; one that waits for a tick takes a millisecond or more of rounds.
 */
#define ROUNDS_BY_ITSELF	500ull

static bool without_a_tick(struct axv_vm *vm, unsigned int n)
{
	const __u64 *rounds = (const void *)(vm->ram + LOG_ROUNDS);

	return rounds[n - 1] - rounds[0] < n * ROUNDS_BY_ITSELF;
}

/* The value of a register of class GIC. */
static __u64 gic_reg(struct axv_vcpu *v, unsigned int index)
{
	__u64 value;

	must(!reg_get(v, AXV_REG_ARM64(GIC, index), &value));
	return value;
}

/* How many interrupts are in the queue, pending or active; and the state of one (0: none) */
static unsigned int queued(struct axv_vcpu *v)
{
	unsigned int i, n = 0;

	for (i = AXV_ARM64_GIC_IRQ0; i < AXV_ARM64_GIC_REGS; i++)
		n += gic_reg(v, i) != 0;
	return n;
}

static __u64 state_of(struct axv_vcpu *v, __u32 intid)
{
	unsigned int i;

	for (i = AXV_ARM64_GIC_IRQ0; i < AXV_ARM64_GIC_REGS; i++) {
		__u64 irq = gic_reg(v, i);

		if (irq && (irq & AXV_ARM64_IRQ_INTID) == intid)
			return irq & ~(AXV_ARM64_IRQ_INTID | AXV_ARM64_IRQ_PRIORITY);
	}
	return 0;
}

static int again(struct axv_runner *r)
{
	(void)r;
	return 0;
}

#define ASSERT_CALL(number, arg) do {					\
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);			\
	ASSERT_EQ((__u64)(number), self->v.run->exit.hypercall.nr);	\
	ASSERT_EQ((__u64)(arg), self->v.run->exit.hypercall.args[0]);	\
} while (0)

TEST_F(gic, an_edge_is_taken_once)
{
	HANDLER(handler_calls);
	ASSERT_CALL(CALL_IDLE, 0);
	ASSERT_EQ(0, edge(&self->v, 40, 0x80));
	ASSERT_EQ(0, edge(&self->v, 40, 0x80));
	ASSERT_CALL(CALL_TAKEN, 40);
	EXPECT_EQ(AXV_ARM64_IRQ_ACTIVE, state_of(&self->v, 40));
	ASSERT_CALL(CALL_IDLE, 1);
	EXPECT_EQ(0u, queued(&self->v));
	EXPECT_EQ(0ull, gic_reg(&self->v, AXV_ARM64_GIC_AP1R0));
	ASSERT_CALL(CALL_IDLE, 1);
}

TEST_F(gic, an_edge_while_it_is_active_is_another)
{
	HANDLER(handler_calls);
	ASSERT_EQ(0, edge(&self->v, 40, 0x80));
	ASSERT_CALL(CALL_TAKEN, 40);
	ASSERT_EQ(0, edge(&self->v, 40, 0x80));
	EXPECT_EQ(AXV_ARM64_IRQ_ACTIVE | AXV_ARM64_IRQ_PENDING, state_of(&self->v, 40));
	ASSERT_CALL(CALL_TAKEN, 40);
	ASSERT_CALL(CALL_IDLE, 2);
}

/* INTIDs of every kind; of the LPIs only some. */
TEST_F(gic, every_intid)
{
	static const __u32 intids[] = { 0, 15, 16, 31, 32, 1019, 8192, 65535 };
	unsigned int i;

	HANDLER(handler_calls);
	for (i = 0; i < sizeof(intids) / sizeof(intids[0]); i++) {
		ASSERT_EQ(0, edge(&self->v, intids[i], 0x80));
		ASSERT_CALL(CALL_TAKEN, intids[i]);
	}
}

/*
 * Many more interrupts than list registers, injected the least urgent first: the guest
 * takes them by priority, without an exit to the VMM.
 */
TEST_F(gic, more_than_list_registers)
{
	const unsigned int n = 31;	/* priorities that no mask keeps out */
	unsigned int i;

	for (i = 0; i < n; i++)
		ASSERT_EQ(0, edge(&self->v, 64 + i, (n - 1 - i) * 8));
	start_guest(&self->v, n);
	ASSERT_CALL(CALL_IDLE, n);
	for (i = 0; i < n; i++)
		EXPECT_EQ(64 + n - 1 - i, taken(&self->vm, i));
	EXPECT_EQ(0u, queued(&self->v));
	EXPECT_EQ(n, vcpu_stats(&self->v).injections);
	EXPECT_TRUE(without_a_tick(&self->vm, n));
}

typedef FIXTURE_DATA(gic) gic_fixture;

/* Interrupts of 20 priorities, each taken in the handler of the one before. */
static void nest(struct __test_metadata *_metadata, gic_fixture *self)
{
	const unsigned int n = 20;
	unsigned int i;

	HANDLER(handler_calls);
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, edge(&self->v, 64 + i, 0xf0 - i * 8));
		ASSERT_CALL(CALL_TAKEN, 64 + i);
	}
	EXPECT_EQ(n, queued(&self->v));
	for (i = 0; i < n; i++)
		EXPECT_EQ(AXV_ARM64_IRQ_ACTIVE, state_of(&self->v, 64 + i));

	/* An interrupt with the running priority is not urgent enough. */
	ASSERT_EQ(0, edge(&self->v, 200, 0xf0 - (n - 1) * 8));
	ASSERT_CALL(CALL_TAKEN, 200);
	EXPECT_EQ(0ull, state_of(&self->v, 64 + n - 1));
	ASSERT_CALL(CALL_IDLE, n + 1);
	EXPECT_EQ(0u, queued(&self->v));
	EXPECT_EQ(0ull, gic_reg(&self->v, AXV_ARM64_GIC_AP1R0));
}

TEST_F(gic, nested_deeper_than_list_registers)
{
	nest(_metadata, self);
}

TEST_F(gic, nested_and_deactivated_apart)
{
	*arm64_x(&self->v, 21) = CTLR_EOIMODE;
	*arm64_x(&self->v, 23) = 1;
	nest(_metadata, self);
}

/* With all active, and priorities dropped, the least urgent are deactivated first. */
TEST_F(gic, deactivated_in_any_order)
{
	const unsigned int n = 12;
	unsigned int i;

	HANDLER(handler_keeps);
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, edge(&self->v, 64 + i, 0x10 + i * 8));
	*arm64_x(&self->v, 21) = CTLR_EOIMODE;
	*arm64_x(&self->v, 22) = n;
	ASSERT_CALL(CALL_IDLE, n);
	EXPECT_EQ(n, queued(&self->v));
	for (i = 0; i < n; i++)
		EXPECT_EQ(AXV_ARM64_IRQ_ACTIVE, state_of(&self->v, 64 + i));

	arm64_load_at(&self->vm, GUEST_PROGRAMS_ADDR, guest_deactivates,
		      guest_deactivates_end);
	self->v.run->regs.gprs.pc = GUEST_PROGRAMS_ADDR;
	*arm64_x(&self->v, 24) = n / 2;
	self->v.run->dirty = AXV_RUN_SET_GPRS;
	ASSERT_CALL(CALL_IDLE, n);
	for (i = 0; i < n; i++)
		EXPECT_EQ(i < n / 2 ? AXV_ARM64_IRQ_ACTIVE : 0, state_of(&self->v, 64 + i));
}

TEST_F(gic, urgent_interrupts_come_first)
{
	HANDLER(handler_calls);
	ASSERT_EQ(0, edge(&self->v, 50, 0xc0));
	ASSERT_CALL(CALL_TAKEN, 50);
	ASSERT_EQ(0, edge(&self->v, 51, 0xd0));
	ASSERT_EQ(0, edge(&self->v, 52, 0x40));
	ASSERT_CALL(CALL_TAKEN, 52);
	EXPECT_EQ(AXV_ARM64_IRQ_ACTIVE, state_of(&self->v, 50));
	EXPECT_EQ(AXV_ARM64_IRQ_PENDING, state_of(&self->v, 51));
	ASSERT_CALL(CALL_TAKEN, 51);
	EXPECT_EQ(0ull, state_of(&self->v, 50));
	ASSERT_CALL(CALL_IDLE, 3);
}

TEST_F(gic, priority_mask)
{
	HANDLER(handler_calls);
	*arm64_x(&self->v, 20) = 0x80;
	ASSERT_EQ(0, edge(&self->v, 50, 0x80));
	ASSERT_EQ(0, edge(&self->v, 51, 0x78));
	ASSERT_CALL(CALL_TAKEN, 51);
	ASSERT_CALL(CALL_IDLE, 1);
	EXPECT_EQ(AXV_ARM64_IRQ_PENDING, state_of(&self->v, 50));
}

/* The handler does not lower the wire: the interrupt comes again and again, without an exit. */
TEST_F(gic, a_wire_that_stays_high)
{
	const unsigned int n = 100;
	unsigned int i;

	HANDLER(handler_counts);
	ASSERT_EQ(0, wire(&self->v, 33, 1));
	start_guest(&self->v, n);
	ASSERT_CALL(CALL_TAKEN, 33);
	EXPECT_EQ(n, *arm64_x(&self->v, 19));
	for (i = 0; i < n; i++)
		EXPECT_EQ(33u, taken(&self->vm, i));
	EXPECT_TRUE(without_a_tick(&self->vm, n));
	EXPECT_EQ(AXV_ARM64_IRQ_ACTIVE | AXV_ARM64_IRQ_LEVEL, state_of(&self->v, 33));
	ASSERT_EQ(0, wire(&self->v, 33, 0));
	ASSERT_CALL(CALL_IDLE, n);
	EXPECT_EQ(0ull, state_of(&self->v, 33));
	ASSERT_CALL(CALL_IDLE, n);
}

TEST_F(gic, a_wire_that_goes_low)
{
	HANDLER(handler_calls);
	/* If the wire falls before the interrupt is acknowledged, the interrupt is gone. */
	ASSERT_EQ(0, wire(&self->v, 33, 1));
	ASSERT_EQ(0, wire(&self->v, 33, 0));
	ASSERT_CALL(CALL_IDLE, 0);

	/* If the wire falls while the interrupt is active, the interrupt does not come again. */
	ASSERT_EQ(0, wire(&self->v, 33, 1));
	ASSERT_CALL(CALL_TAKEN, 33);
	EXPECT_EQ(AXV_ARM64_IRQ_ACTIVE | AXV_ARM64_IRQ_LEVEL, state_of(&self->v, 33));
	ASSERT_EQ(0, wire(&self->v, 33, 0));
	EXPECT_EQ(AXV_ARM64_IRQ_ACTIVE, state_of(&self->v, 33));
	ASSERT_CALL(CALL_IDLE, 1);

	/* If the wire is high when the interrupt is deactivated, the interrupt comes once more. */
	ASSERT_EQ(0, wire(&self->v, 33, 1));
	ASSERT_CALL(CALL_TAKEN, 33);
	ASSERT_CALL(CALL_TAKEN, 33);
	ASSERT_EQ(0, wire(&self->v, 33, 0));
	ASSERT_CALL(CALL_IDLE, 3);
}

TEST_F(gic, a_retracted_interrupt)
{
	HANDLER(handler_calls);
	EXPECT_EQ(-ENOENT, retract(&self->v, 40));
	ASSERT_EQ(0, edge(&self->v, 40, 0x80));
	ASSERT_EQ(0, edge(&self->v, 41, 0x90));
	EXPECT_EQ(0, retract(&self->v, 40));
	EXPECT_EQ(-ENOENT, retract(&self->v, 40));
	ASSERT_CALL(CALL_TAKEN, 41);
	/* The interrupt is active, and cannot be retracted any more. */
	EXPECT_EQ(-ENOENT, retract(&self->v, 41));
	ASSERT_CALL(CALL_IDLE, 1);
}

/*
 * An interrupt is retracted that is in a list register of a running guest, which masks the
 * interrupt.
 */
TEST_F(gic, retracted_from_a_running_guest)
{
	struct axv_runner r;
	__u64 entries;
	int i;

	start_guest(&self->v, 1);
	*arm64_x(&self->v, 20) = 0x40;
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	runner_start(&r, &self->v, again, NULL);
	vcpu_await_state(&self->v, AXV_STATE_RUNNING);
	for (i = 0; i < 20; i++) {
		entries = vcpu_stats(&self->v).entries;
		ASSERT_EQ(0, edge(&self->v, 40, 0x80));
		/* Wait until the guest has been entered with the interrupt. */
		while (vcpu_stats(&self->v).entries == entries)
			sched_yield();
		ASSERT_EQ(0, retract(&self->v, 40));
		ASSERT_EQ(-ENOENT, retract(&self->v, 40));
	}
	ASSERT_EQ(0, edge(&self->v, 41, 0x20));
	runner_await(&r, AXV_EXIT_HYPERCALL, 1);
	runner_stop(&r);
	EXPECT_EQ(41u, taken(&self->vm, 0));
	EXPECT_EQ(0u, queued(&self->v));
}

/* Another thread injects into a guest that runs and never exits by itself. */
TEST_F(gic, injected_into_a_running_guest)
{
	const unsigned int n = 200;
	struct axv_runner r;
	unsigned int i;

	start_guest(&self->v, n);
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	runner_start(&r, &self->v, again, NULL);
	for (i = 0; i < n; i++)
		while (edge(&self->v, 32 + i, 0x80) == -EAGAIN)
			sched_yield();
	runner_await(&r, AXV_EXIT_HYPERCALL, 1);
	runner_stop(&r);
	EXPECT_EQ(0u, queued(&self->v));
}

TEST_F(gic, a_full_queue)
{
	__u64 depth = axv_query(self->vm.dev, AXV_QUERY_INJECT_DEPTH), i;

	for (i = 0; i < depth; i++)
		ASSERT_EQ(0, edge(&self->v, 32 + i, 0x80));
	EXPECT_EQ(-EAGAIN, edge(&self->v, 32 + depth, 0));
	EXPECT_EQ(-EAGAIN, wire(&self->v, 32 + depth, 1));
	/* An interrupt that is in the queue already needs no room. */
	EXPECT_EQ(0, edge(&self->v, 32, 0x80));
	EXPECT_EQ(0, wire(&self->v, 33, 1));
	EXPECT_EQ(0, wire(&self->v, 33, 0));
	start_guest(&self->v, depth);
	ASSERT_CALL(CALL_IDLE, depth);
	EXPECT_EQ(0, edge(&self->v, 32 + depth, 0));
}

TEST_F(gic, hostile_arguments)
{
	static const __u32 intids[] = { 1020, 1023, 1024, 4096, 8191, 1u << 24, ~0u };
	static const struct axv_inject bad[] = {
		{ .type = AXV_INJECT_EXTINT, .vector = 40, .priority = 256 },
		{ .type = AXV_INJECT_EXTINT, .vector = 40, .flags = 1u << 2 },
		{ .type = AXV_INJECT_WIRED, .vector = 40, .flags = AXV_INJECT_RETRACT },
		{ .type = AXV_INJECT_WIRED, .vector = 40, .data = 2 },
		{ .type = AXV_INJECT_WIRED, .vector = 15, .data = 1 },
		{ .type = AXV_INJECT_WIRED, .vector = 8192, .data = 1 },
		{ .type = AXV_INJECT_EXCEPTION, .vector = 0, .priority = 1 },
	};
	static const struct {
		__u64 index, value;
	} regs[] = {
		{ AXV_ARM64_GIC_VTIMER, AXV_ARM64_VTIMER(15, 0) },
		{ AXV_ARM64_GIC_VTIMER, AXV_ARM64_VTIMER(32, 0) },
		{ AXV_ARM64_GIC_VTIMER, AXV_ARM64_VTIMER(27, 0) | 1ull << 32 },
		{ AXV_ARM64_GIC_VMCR, 1ull << 5 },
		{ AXV_ARM64_GIC_AP1R0, 1ull << 32 },
		{ AXV_ARM64_GIC_IRQ0, 40 },
		{ AXV_ARM64_GIC_IRQ0, 1020 | AXV_ARM64_IRQ_PENDING },
		{ AXV_ARM64_GIC_IRQ0, 40 | AXV_ARM64_IRQ_PENDING | 1ull << 43 },
	};
	const struct axv_inject nmi = { .type = AXV_INJECT_NMI };
	unsigned int i;

	for (i = 0; i < sizeof(intids) / sizeof(intids[0]); i++)
		EXPECT_EQ(-EINVAL, edge(&self->v, intids[i], 0));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT_EQ(-EINVAL, axv_ioctl(self->v.fd, AXV_INJECT, &bad[i])) {
			TH_LOG("event %u", i);
		}
	EXPECT_EQ(-EOPNOTSUPP, axv_ioctl(self->v.fd, AXV_INJECT, &nmi));
	for (i = 0; i < sizeof(regs) / sizeof(regs[0]); i++)
		EXPECT_EQ(-EINVAL, reg_set(&self->v, AXV_REG_ARM64(GIC, regs[i].index),
					   regs[i].value)) {
			TH_LOG("register %u", i);
		}
	EXPECT_EQ(-ENOENT, reg_set(&self->v, AXV_REG_ARM64(GIC, AXV_ARM64_GIC_REGS), 0));
	EXPECT_EQ(-ENOENT, reg_set(&self->v, AXV_REG_ARM64(GIC, 2), 0));
	/* An INTID must not be in two places. */
	ASSERT_EQ(0, reg_set(&self->v, AXV_REG_ARM64(GIC, AXV_ARM64_GIC_IRQ0 + 5),
			     40 | AXV_ARM64_IRQ_ACTIVE));
	EXPECT_EQ(-EINVAL, reg_set(&self->v, AXV_REG_ARM64(GIC, AXV_ARM64_GIC_IRQ0 + 9),
				   40 | AXV_ARM64_IRQ_PENDING));
	EXPECT_EQ(1u, queued(&self->v));
	ASSERT_CALL(CALL_IDLE, 0);
}

TEST_F(gic, software_generated_interrupts_are_exits)
{
	const struct axv_exit_send_ipi *ipi = &self->v.run->exit.send_ipi;

	arm64_load(&self->vm, guest_sends);
	/* Aff3.2.1 = 4.3.2, RS = 5, INTID 7, targets 0 and 15 */
	*arm64_x(&self->v, 20) = 4ull << 48 | 5ull << 44 | 3ull << 32 | 7ull << 24 |
				 2ull << 16 | 0x8001;
	*arm64_x(&self->v, 21) = 1ull << 40;
	*arm64_x(&self->v, 22) = 9ull << 24;
	ASSERT_EXIT(AXV_EXIT_SEND_IPI, &self->v);
	EXPECT_EQ(4ull << 32 | 3 << 16 | 2 << 8 | 5 << 4, ipi->target_cpu);
	EXPECT_EQ(0x8001ull, ipi->target_cpu_aux);
	EXPECT_EQ(7u, ipi->vector);
	EXPECT_EQ(0, ipi->send_to_all);
	ASSERT_EXIT(AXV_EXIT_SYSREG_WRITE, &self->v);
	EXPECT_EQ(AXV_ARM64_SYSREG_ISS(3ull, 0, 12, 11, 7), self->v.run->exit.sysreg.addr);
	EXPECT_EQ(1ull << 40, self->v.run->exit.sysreg.value);
	ASSERT_EXIT(AXV_EXIT_SYSREG_WRITE, &self->v);
	EXPECT_EQ(AXV_ARM64_SYSREG_ISS(3ull, 0, 12, 11, 6), self->v.run->exit.sysreg.addr);
	ASSERT_CALL(CALL_IDLE, 9ull << 24 & 0);
}

TEST_F(gic, the_interface_is_there)
{
	arm64_load(&self->vm, guest_reads);
	ASSERT_CALL(CALL_VALUE, 7);		/* ICC_SRE_EL1: no way around it */
	ASSERT_CALL(CALL_VALUE, SPURIOUS);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(1ull, self->v.run->exit.hypercall.args[0] >> 24 & 0xf);
}

/* Copy all registers of a vCPU to one of another VM with the same memory. */
static void move_state(struct axv_vcpu *from, struct axv_vcpu *to)
{
	static __u64 ids[512];
	struct axv_table t = {
		.kind = AXV_TABLE_REGS,
		.count = 512,
		.entry_size = sizeof(ids[0]),
		.entries = (unsigned long)ids,
	};
	unsigned int i;
	__u64 value;

	must(!axv_ioctl(from->fd, AXV_GET_TABLE, &t));
	for (i = 0; i < t.count; i++) {
		must(!reg_get(from, ids[i], &value));
		must(!reg_set(to, ids[i], value));
	}
	memcpy(to->vm->ram, from->vm->ram, GUEST_RAM_SIZE);
}

TEST_F(gic, saved_and_restored_in_a_handler)
{
	struct axv_vcpu old = self->v;
	struct axv_vm old_vm = self->vm;
	unsigned int i;

	old.vm = &old_vm;
	HANDLER(handler_calls);
	ASSERT_EQ(0, edge(&self->v, 50, 0xc0));
	ASSERT_CALL(CALL_TAKEN, 50);
	ASSERT_EQ(0, edge(&self->v, 51, 0x40));
	ASSERT_CALL(CALL_TAKEN, 51);
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, edge(&self->v, 60 + i, 0x88 + i * 8));
	ASSERT_EQ(0, wire(&self->v, 33, 1));

	vm_new_irqchip(&self->vm, 0, AXV_IRQCHIP_GICV3);
	vcpu_ready(&self->vm, &self->v, 0);
	self->v.run->want = AXV_RUN_SET_GPRS;
	move_state(&old, &self->v);
	vcpu_free(&old);
	vm_free(&old_vm);

	EXPECT_EQ(AXV_ARM64_IRQ_ACTIVE, state_of(&self->v, 50));
	EXPECT_EQ(AXV_ARM64_IRQ_ACTIVE, state_of(&self->v, 51));
	/* The interrupt in whose handler the state was saved ends; then the others come. */
	for (i = 0; i < 8; i++) {
		ASSERT_CALL(CALL_TAKEN, i ? 59 + i : 33);
		if (!i)
			ASSERT_EQ(0, wire(&self->v, 33, 0));
		EXPECT_EQ(0ull, state_of(&self->v, 51));
		EXPECT_EQ(AXV_ARM64_IRQ_ACTIVE, state_of(&self->v, 50));
	}
	/* Interrupt 67 is not more urgent than the first one, so it comes after that. */
	ASSERT_CALL(CALL_TAKEN, 67);
	EXPECT_EQ(0ull, state_of(&self->v, 50));
}

TEST_F(gic, reset_clears_all_interrupts)
{
	unsigned int i;

	HANDLER(handler_calls);
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, edge(&self->v, 60 + i, 0x80 - i * 8));
	ASSERT_CALL(CALL_TAKEN, 69);
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	ASSERT_EQ(0, vcpu_reset(&self->v));
	ASSERT_EQ(0, guest_setup(&self->v));
	ASSERT_EQ(0, vcpu_bind(&self->v));
	EXPECT_EQ(0u, queued(&self->v));
	EXPECT_EQ(0ull, gic_reg(&self->v, AXV_ARM64_GIC_VMCR));
	EXPECT_EQ(0ull, gic_reg(&self->v, AXV_ARM64_GIC_AP1R0));
	start_guest(&self->v, 0);
	ASSERT_CALL(CALL_IDLE, 0);
}

/* Two vCPUs run on one CPU in turn: neither gets interrupts of the other. */
TEST_F(gic, two_vcpus_use_the_list_registers_in_turn)
{
	struct axv_vcpu other;
	unsigned int i;

	vcpu_ready(&self->vm, &other, 1);
	start_guest(&other, 0);
	*arm64_x(&self->v, 20) = 0;
	for (i = 0; i < 4; i++)
		ASSERT_EQ(0, edge(&self->v, 60 + i, 0x80));
	ASSERT_CALL(CALL_IDLE, 0);
	for (i = 0; i < 3; i++) {
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &other);
		ASSERT_EQ(0ull, other.run->exit.hypercall.args[0]);
	}
	EXPECT_EQ(4u, queued(&self->v));
	vcpu_free(&other);
}

/*
 * A halted vCPU wakes up for an interrupt that it can take, but not for one that its
 * priority mask keeps out.
 */
TEST(gic_wakes_a_halted_vcpu)
{
	struct axv_runner r;
	struct axv_vcpu v;
	struct axv_vm vm;

	vm_new_irqchip(&vm, AXV_VM_HALT_IN_KERNEL, AXV_IRQCHIP_GICV3);
	vcpu_ready(&vm, &v, 0);
	arm64_load(&vm, guest_halts);
	arm64_load_handler(&vm, handler_calls);
	start_guest(&v, 0);
	*arm64_x(&v, 20) = 0x80;
	ASSERT_EQ(0, vcpu_unbind(&v));
	runner_start(&r, &v, again, NULL);
	vcpu_await_state(&v, AXV_STATE_BLOCKED);
	ASSERT_EQ(0, edge(&v, 40, 0x90));
	ASSERT_EQ(AXV_STATE_BLOCKED, vcpu_state(&v));
	ASSERT_EQ(0, edge(&v, 41, 0x40));
	runner_await(&r, AXV_EXIT_HYPERCALL, 1);
	/* The vCPU wakes up again after it has been in its handler. */
	vcpu_await_state(&v, AXV_STATE_BLOCKED);
	ASSERT_EQ(0, wire(&v, 42, 0));
	ASSERT_EQ(0, inject(&v, AXV_INJECT_WIRED, 42, 0x40, 1));
	runner_await(&r, AXV_EXIT_HYPERCALL, 2);
	ASSERT_EQ(0, wire(&v, 42, 0));
	runner_stop(&r);
	EXPECT_EQ(AXV_ARM64_IRQ_PENDING, state_of(&v, 40));
	EXPECT_EQ(0ull, state_of(&v, 41));
	vcpu_free(&v);
	vm_free(&vm);
}

TEST_HARNESS_MAIN
