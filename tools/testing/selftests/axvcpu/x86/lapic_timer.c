// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the timer of a local APIC in the kernel: its modes, its registers, and that no tick
 * is lost or taken twice.  The rate at which it counts is not specified; the TSC deadline is
 * exact.
 */
#include <time.h>

#include "axv_harness.h"
#include "lapic.h"

#define VECTOR		0x51
#define BY_1		0xb	/* in the divide configuration register */
#define BY_16		0x3
#define BY_128		0xa
#define SOON		50000u		/* an initial count that expires very soon */
#define A_WHILE		20000000ull	/* ns after which a timer of SOON has expired */

/* A host that could not calibrate its TSC cannot have TSC deadlines. */
#define NO_TSC_RATE	"the host does not know its TSC's rate"

FIXTURE(timer)
{
	struct axv_vm vm;
	struct lapic_cpu c;
	__u64 khz;		/* rate of the TSC; 0: the host does not know it */
};

FIXTURE_VARIANT(timer)
{
	bool x2apic;
};

FIXTURE_VARIANT_ADD(timer, xapic) { .x2apic = false };
FIXTURE_VARIANT_ADD(timer, x2apic) { .x2apic = true };

FIXTURE_SETUP(timer)
{
	NEED_LAPIC();
	lapic_vm_new(&self->vm);
	lapic_begin(&self->vm, &self->c, 0, 0);
	if (variant->x2apic)
		lapic_to_x2apic(&self->c);
	lapic_write(&self->c, APIC_TIMER_DIVIDE, BY_1);
	self->khz = axv_query(self->vm.dev, AXV_QUERY_COUNTER_KHZ);
}

FIXTURE_TEARDOWN(timer)
{
	lapic_free(&self->c);
	vm_free(&self->vm);
}

static __u64 now_ns(void)
{
	struct timespec now;

	must(!clock_gettime(CLOCK_MONOTONIC, &now));
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* The value of the guest's TSC, read by the VMM. */
static __u64 vm_counter(struct axv_vm *vm)
{
	struct axv_clock clock = { .flags = 0 };

	must(!axv_ioctl(vm->fd, AXV_VM_GET_CLOCK, &clock));
	return clock.counter;
}

static int set_vm_counter(struct axv_vm *vm, __u64 counter)
{
	struct axv_clock clock = { .counter = counter };

	return axv_ioctl(vm->fd, AXV_VM_SET_CLOCK, &clock);
}

/* Wait longer than a tick would need that must not come. */
static void let_time_pass(void)
{
	const __u64 end = now_ns() + A_WHILE;

	while (now_ns() < end)
		sched_yield();
}

static __u64 tsc(struct lapic_cpu *c)
{
	must(lapic_do(c, OP_rdtsc, 0, 0) == DONE);
	return lapic_result(c);
}

/* Set the TSC deadline to @ticks from now; returns the deadline. */
static __u64 set_deadline(struct lapic_cpu *c, __u64 ticks)
{
	must(lapic_do(c, OP_deadline, 0, ticks) == DONE);
	return lapic_result(c);
}

static __u64 deadline(struct lapic_cpu *c)
{
	__u64 value;

	must(!lapic_rdmsr(c, MSR_TSC_DEADLINE, &value));
	return value;
}

TEST_F(timer, one_shot)
{
	struct lapic_cpu *c = &self->c;
	__u64 blocks;
	int i;

	lapic_write(c, APIC_LVT_TIMER, VECTOR);
	for (i = 1; i <= 5; i++) {
		lapic_write(c, APIC_TIMER_INITIAL, i * SOON);
		/* The tick ends the halt, without an exit. */
		ASSERT_EQ(DONE, lapic_do(c, OP_halt, 0, 0));
		ASSERT_EQ((__u64)VECTOR, lapic_taken(c));
		EXPECT_EQ(0u, lapic_read(c, APIC_TIMER_CURRENT));
		EXPECT_EQ(i * SOON, lapic_read(c, APIC_TIMER_INITIAL));
	}
	/* Each tick came only once. */
	let_time_pass();
	EXPECT_EQ(0ull, lapic_taken(c));

	/* A tick that comes after the halt has begun, unless this thread was too late. */
	blocks = vcpu_stats(&c->v).blocks;
	for (i = 0; i < 100 && vcpu_stats(&c->v).blocks == blocks; i++) {
		lapic_write(c, APIC_TIMER_INITIAL, A_WHILE);
		ASSERT_EQ(DONE, lapic_do(c, OP_halt, 0, 0));
		EXPECT_EQ((__u64)VECTOR, lapic_taken(c));
	}
	EXPECT_LT(blocks, vcpu_stats(&c->v).blocks);
}

TEST_F(timer, periodic)
{
	struct lapic_cpu *c = &self->c;
	int i;

	lapic_write(c, APIC_LVT_TIMER, LVT_PERIODIC | VECTOR);
	lapic_write(c, APIC_TIMER_INITIAL, 20 * SOON);
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(DONE, lapic_do(c, OP_halt, 0, 0));
		EXPECT_GE(20 * SOON, lapic_read(c, APIC_TIMER_CURRENT));
		EXPECT_EQ(20 * SOON, lapic_read(c, APIC_TIMER_INITIAL));
	}
	EXPECT_LE(10ull, c->guest->taken);
	/* An initial count of 0 stops the timer; one tick may be pending. */
	lapic_write(c, APIC_TIMER_INITIAL, 0);
	EXPECT_EQ(0u, lapic_read(c, APIC_TIMER_CURRENT));
	ASSERT_EQ(DONE, lapic_do(c, OP_open, 0, 0));
	c->seen = c->guest->taken;
	let_time_pass();
	EXPECT_EQ(0ull, lapic_taken(c));
}

TEST_F(timer, tsc_deadline)
{
	struct lapic_cpu *c = &self->c;
	__u64 when;
	int i;

	if (!self->khz)
		SKIP(return, NO_TSC_RATE);
	lapic_write(c, APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
	for (i = 0; i < 5; i++) {
		when = set_deadline(c, i * self->khz);
		ASSERT_EQ(DONE, lapic_do(c, OP_halt, 0, 0));
		/* The tick must not come before the deadline. */
		EXPECT_LE(when, tsc(c));
		EXPECT_EQ((__u64)VECTOR, lapic_taken(c));
		EXPECT_EQ(0ull, deadline(c));
	}
	/* The deadline can be read, changed and cancelled. */
	when = set_deadline(c, 3600000 * self->khz);
	EXPECT_EQ(when, deadline(c));
	when = set_deadline(c, 3700000 * self->khz);
	EXPECT_EQ(when, deadline(c));
	set_deadline(c, self->khz);
	ASSERT_EQ(DONE, lapic_do(c, OP_halt, 0, 0));
	EXPECT_EQ((__u64)VECTOR, lapic_taken(c));
	for (i = 0; ; i++) {
		ASSERT_GT(1000, i)
			TH_LOG("always too late to take it back");
		when = set_deadline(c, 10 * self->khz);
		ASSERT_EQ(0, lapic_wrmsr(c, MSR_TSC_DEADLINE, 0));
		if (tsc(c) < when)
			break;
		/* This thread was too late to cancel the deadline. */
		lapic_taken(c);
	}
	EXPECT_EQ(0ull, deadline(c));
	/* In this mode the counters are not used. */
	lapic_write(c, APIC_TIMER_INITIAL, SOON);
	EXPECT_EQ(0u, lapic_read(c, APIC_TIMER_INITIAL));
	EXPECT_EQ(0u, lapic_read(c, APIC_TIMER_CURRENT));
	let_time_pass();
	EXPECT_EQ(0ull, lapic_taken(c));
}

TEST_F(timer, deadline_in_the_past)
{
	struct lapic_cpu *c = &self->c;

	lapic_write(c, APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
	ASSERT_EQ(0, lapic_wrmsr(c, MSR_TSC_DEADLINE, 1));
	/* A deadline in the past comes at once; nothing else could end this halt. */
	ASSERT_EQ(DONE, lapic_do(c, OP_halt, 0, 0));
	EXPECT_EQ((__u64)VECTOR, lapic_taken(c));
	EXPECT_EQ(0ull, deadline(c));
	ASSERT_EQ(0, lapic_wrmsr(c, MSR_TSC_DEADLINE, tsc(c)));
	ASSERT_EQ(DONE, lapic_do(c, OP_halt, 0, 0));
	EXPECT_EQ((__u64)VECTOR, lapic_taken(c));
	/* The largest deadline is not in the past. */
	ASSERT_EQ(0, lapic_wrmsr(c, MSR_TSC_DEADLINE, ~0ull));
	let_time_pass();
	EXPECT_EQ(0ull, lapic_taken(c));
	EXPECT_EQ(~0ull, deadline(c));
}

/* SDM, "Local APIC Timer Modes": a change of the mode stops the timer. */
TEST_F(timer, change_of_mode)
{
	struct lapic_cpu *c = &self->c;
	__u64 when;

	lapic_write(c, APIC_LVT_TIMER, VECTOR);
	lapic_write(c, APIC_TIMER_INITIAL, ~0u);
	EXPECT_NE(0u, lapic_read(c, APIC_TIMER_CURRENT));
	/* In this mode a write of the deadline has no effect. */
	ASSERT_EQ(0, lapic_wrmsr(c, MSR_TSC_DEADLINE, 1));
	EXPECT_EQ(0ull, deadline(c));
	lapic_write(c, APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
	EXPECT_EQ(0u, lapic_read(c, APIC_TIMER_CURRENT));
	EXPECT_EQ(0ull, deadline(c));
	for (;;) {
		when = set_deadline(c, A_WHILE);
		lapic_write(c, APIC_LVT_TIMER, VECTOR);
		if (tsc(c) < when)
			break;
		/* This thread was too late to stop the timer. */
		lapic_taken(c);
		lapic_write(c, APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
	}
	EXPECT_EQ(0ull, deadline(c));
	lapic_write(c, APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
	EXPECT_EQ(0ull, deadline(c));
	let_time_pass();
	EXPECT_EQ(0ull, lapic_taken(c));
}

TEST_F(timer, masked)
{
	struct lapic_cpu *c = &self->c;

	lapic_write(c, APIC_LVT_TIMER, LVT_MASKED | VECTOR);
	lapic_write(c, APIC_TIMER_INITIAL, SOON);
	while (lapic_read(c, APIC_TIMER_CURRENT))
		;
	EXPECT_EQ(0, lapic_only(c, APIC_IRR));
	/* A tick that came while the timer was masked does not come later. */
	lapic_write(c, APIC_LVT_TIMER, VECTOR);
	EXPECT_EQ(0ull, lapic_taken(c));
	/* A masked timer counts on; if it is unmasked before it expires, the tick comes. */
	lapic_write(c, APIC_LVT_TIMER, LVT_PERIODIC | LVT_MASKED | VECTOR);
	lapic_write(c, APIC_TIMER_INITIAL, 20 * SOON);
	EXPECT_NE(0u, lapic_read(c, APIC_TIMER_CURRENT));
	lapic_write(c, APIC_LVT_TIMER, LVT_PERIODIC | VECTOR);
	ASSERT_EQ(DONE, lapic_do(c, OP_halt, 0, 0));
	lapic_write(c, APIC_LVT_TIMER, LVT_PERIODIC | LVT_MASKED | VECTOR);
	ASSERT_EQ(DONE, lapic_do(c, OP_open, 0, 0));
	c->seen = c->guest->taken;
	let_time_pass();
	EXPECT_EQ(0ull, lapic_taken(c));
}

TEST_F(timer, count)
{
	struct lapic_cpu *c = &self->c;
	__u32 first, last, now;

	lapic_write(c, APIC_LVT_TIMER, LVT_MASKED | VECTOR);
	EXPECT_EQ(0u, lapic_read(c, APIC_TIMER_CURRENT));
	lapic_write(c, APIC_TIMER_INITIAL, ~0u);
	first = lapic_read(c, APIC_TIMER_CURRENT);
	last = first;
	EXPECT_NE(0u, first);
	do {
		now = lapic_read(c, APIC_TIMER_CURRENT);
		EXPECT_LE(now, last);
		last = now;
	} while (first - now < 1000);
	/* A write starts the count anew. The count is too long to expire before it is read. */
	lapic_write(c, APIC_TIMER_DIVIDE, BY_128);
	lapic_write(c, APIC_TIMER_INITIAL, 1000000000);
	EXPECT_GE(1000000000u, lapic_read(c, APIC_TIMER_CURRENT));
	EXPECT_NE(0u, lapic_read(c, APIC_TIMER_CURRENT));
	lapic_write(c, APIC_TIMER_INITIAL, 0);
	EXPECT_EQ(0u, lapic_read(c, APIC_TIMER_CURRENT));
	EXPECT_EQ(0u, lapic_read(c, APIC_TIMER_INITIAL));
}

/* How much the timer counts in a millisecond, measured over several of them. */
static __u64 rate(struct lapic_cpu *c, __u32 divide)
{
	__u64 start, now;
	__u32 from, to;

	lapic_write(c, APIC_TIMER_DIVIDE, divide);
	lapic_write(c, APIC_TIMER_INITIAL, ~0u);
	start = now_ns();
	from = lapic_read(c, APIC_TIMER_CURRENT);
	do {
		to = lapic_read(c, APIC_TIMER_CURRENT);
		now = now_ns();
	} while (now < start + A_WHILE);
	return (from - to) * 1000000ull / (now - start);
}

TEST_F(timer, divide)
{
	__u64 by_1, by_16, by_128;
	int tries = 10;

	lapic_write(&self->c, APIC_LVT_TIMER, LVT_MASKED | VECTOR);
	/* On a busy host a measurement may be wrong, so try again. */
	do {
		by_1 = rate(&self->c, BY_1);
		by_16 = rate(&self->c, BY_16);
		by_128 = rate(&self->c, BY_128);
	} while (--tries && (by_1 < 12 * by_16 || by_1 > 21 * by_16 ||
			     by_16 < 6 * by_128 || by_16 > 11 * by_128));
	EXPECT_NE(0, tries);
	EXPECT_LE(12 * by_16, by_1);
	EXPECT_GE(21 * by_16, by_1);
	EXPECT_LE(6 * by_128, by_16);
	EXPECT_GE(11 * by_128, by_16);
}

TEST_F(timer, illegal_vector)
{
	struct lapic_cpu *c = &self->c;

	lapic_write(c, APIC_LVT_TIMER, 5);
	lapic_write(c, APIC_TIMER_INITIAL, SOON);
	while (lapic_read(c, APIC_TIMER_CURRENT))
		;
	EXPECT_EQ(ESR_RECEIVED_ILLEGAL, lapic_errors(c));
	EXPECT_EQ(0, lapic_only(c, APIC_IRR));
}

/* ---- hostile ---- */

/*
 * With a period of one count the guest goes on, and only one tick is pending.  If the handler
 * takes longer than the shortest period, nothing else runs in the guest; so the handler stops
 * the storm.
 */
TEST_F(timer, storm)
{
	struct lapic_cpu *c = &self->c;

	lapic_write(c, APIC_LVT_TIMER, LVT_PERIODIC | VECTOR);
	lapic_write(c, APIC_TIMER_INITIAL, 1);
	c->guest->limit = scaled(1000);
	ASSERT_EQ(DONE, lapic_do(c, OP_spin, 0, c->guest->limit));
	EXPECT_EQ(c->guest->limit, c->guest->taken);
	EXPECT_EQ(VECTOR, lapic_only(c, APIC_ISR));
	let_time_pass();
	EXPECT_EQ(VECTOR, lapic_only(c, APIC_IRR));
	lapic_write(c, APIC_TIMER_INITIAL, 0);
	c->guest->limit = 0;
	c->seen = c->guest->taken;
	lapic_write(c, APIC_EOI, 0);
	EXPECT_EQ((__u64)VECTOR, lapic_taken(c));
	EXPECT_EQ(0ull, lapic_taken(c));
}

/* During a storm the host's threads on the same CPU get their share, and a kick works. */
TEST_F(timer, storm_and_the_host)
{
	struct lapic_cpu *c = &self->c;
	struct axv_runner r;
	unsigned long i;
	__u64 before;

	lapic_write(c, APIC_LVT_TIMER, LVT_PERIODIC | VECTOR);
	lapic_write(c, APIC_TIMER_INITIAL, 1);
	lapic_order(c, OP_spin, 0, ~0ull);
	ASSERT_EQ(0, vcpu_unbind(&c->v));
	pin_to(0);
	runner_start(&r, &c->v, for_ever, NULL);
	for (i = 1; i <= scaled(20); i++) {
		before = c->guest->taken;
		while (c->guest->taken == before)
			sched_yield();
		ASSERT_EQ(0, vcpu_kick(&c->v));
		runner_await(&r, AXV_EXIT_KICKED, i);
	}
	runner_stop(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(r.runs, r.exits[AXV_EXIT_KICKED] + r.exits[AXV_EXIT_NOTHING]);
}

/* ---- the VMM ---- */

/* A tick that is pending when the vCPU is moved is taken afterwards, once. */
TEST_F(timer, expired_and_moved)
{
	struct lapic_cpu *c = &self->c;

	lapic_write(c, APIC_LVT_TIMER, VECTOR);
	lapic_write(c, APIC_TIMER_INITIAL, SOON);
	while (lapic_reg(c, APIC_TIMER_CURRENT))
		sched_yield();
	vcpu_move(&c->v);
	ASSERT_EQ(DONE, lapic_do(c, OP_halt, 0, 0));
	EXPECT_EQ((__u64)VECTOR, lapic_taken(c));
	EXPECT_EQ(0u, lapic_read(c, APIC_TIMER_CURRENT));
	let_time_pass();
	EXPECT_EQ(0ull, lapic_taken(c));
}

TEST_F(timer, expired_deadline_and_moved)
{
	struct lapic_cpu *c = &self->c;
	__u64 when;

	if (!self->khz)
		SKIP(return, NO_TSC_RATE);
	lapic_write(c, APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
	when = set_deadline(c, self->khz);
	while (vm_counter(&self->vm) <= when)
		sched_yield();
	vcpu_move(&c->v);
	vcpu_move(&c->v);
	ASSERT_EQ(DONE, lapic_do(c, OP_halt, 0, 0));
	EXPECT_EQ((__u64)VECTOR, lapic_taken(c));
	EXPECT_EQ(0ull, deadline(c));
	let_time_pass();
	EXPECT_EQ(0ull, lapic_taken(c));
}

/* A timer that counts when the vCPU is moved goes on counting. */
TEST_F(timer, running_and_moved)
{
	struct lapic_cpu *c = &self->c;
	__u32 before;

	lapic_write(c, APIC_TIMER_DIVIDE, BY_128);
	lapic_write(c, APIC_LVT_TIMER, VECTOR);
	lapic_write(c, APIC_TIMER_INITIAL, ~0u);
	let_time_pass();
	before = lapic_read(c, APIC_TIMER_CURRENT);
	vcpu_move(&c->v);
	EXPECT_GE(before, lapic_read(c, APIC_TIMER_CURRENT));
	/* The timer has neither begun anew nor expired. */
	EXPECT_NE(0u, lapic_read(c, APIC_TIMER_CURRENT));
	EXPECT_EQ(~0u, lapic_read(c, APIC_TIMER_INITIAL));
	before = lapic_read(c, APIC_TIMER_CURRENT);
	while (lapic_read(c, APIC_TIMER_CURRENT) == before)
		;
}

TEST_F(timer, running_deadline_and_moved)
{
	struct lapic_cpu *c = &self->c;
	__u64 when;

	if (!self->khz)
		SKIP(return, NO_TSC_RATE);
	lapic_write(c, APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
	when = set_deadline(c, 500 * self->khz);
	vcpu_move(&c->v);
	ASSERT_EQ(DONE, lapic_do(c, OP_halt, 0, 0));
	EXPECT_LE(when, tsc(c));
	EXPECT_EQ((__u64)VECTOR, lapic_taken(c));
}

/* The TSC deadline refers to the guest's TSC, which the VMM may set. */
TEST_F(timer, deadline_and_clock)
{
	struct lapic_cpu *c = &self->c;
	struct axv_runner r;
	__u64 when;

	if (!self->khz)
		SKIP(return, NO_TSC_RATE);
	lapic_write(c, APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
	when = set_deadline(c, 3600000 * self->khz);
	ASSERT_EQ(0, set_vm_counter(&self->vm, when + 1));
	ASSERT_EQ(DONE, lapic_do(c, OP_halt, 0, 0));
	EXPECT_EQ((__u64)VECTOR, lapic_taken(c));

	/* If the VMM sets the TSC back, the deadline comes that much later. */
	when = set_deadline(c, self->khz);
	ASSERT_EQ(0, set_vm_counter(&self->vm, 1000));
	if (!lapic_only(c, APIC_IRR)) {
		EXPECT_EQ(when, deadline(c));
		ASSERT_EQ(0, lapic_wrmsr(c, MSR_TSC_DEADLINE, 0));
	}
	ASSERT_EQ(DONE, lapic_do(c, OP_open, 0, 0));
	c->seen = c->guest->taken;

	/* The VMM sets the TSC while the guest halts. */
	when = set_deadline(c, 3600000 * self->khz);
	lapic_order(c, OP_halt, 0, 0);
	ASSERT_EQ(0, vcpu_unbind(&c->v));
	lapic_runner_start(&r, c);
	vcpu_await_state(&c->v, AXV_STATE_BLOCKED);
	ASSERT_EQ(0, set_vm_counter(&self->vm, when + 1));
	runner_join(&r);
	EXPECT_EQ(1ul, r.exits[AXV_EXIT_HYPERCALL]);
	ASSERT_EQ(0, vcpu_bind(&c->v));
	EXPECT_EQ((__u64)VECTOR, lapic_taken(c));
}

/* The timer works when the vCPU changes to another host CPU. */
TEST_F(timer, other_host_cpu)
{
	const int cpus[] = { 0, second_cpu() };
	struct lapic_cpu *c = &self->c;
	unsigned int i;

	lapic_write(c, APIC_LVT_TIMER, LVT_PERIODIC | VECTOR);
	lapic_write(c, APIC_TIMER_INITIAL, 20 * SOON);
	for (i = 0; i < 10; i++) {
		pin_to(cpus[i % 2] < 0 ? 0 : cpus[i % 2]);
		ASSERT_EQ(DONE, lapic_do(c, OP_halt, 0, 0));
	}
}

TEST_F(timer, deadline_on_other_host_cpu)
{
	const int cpus[] = { 0, second_cpu() };
	struct lapic_cpu *c = &self->c;
	unsigned int i;

	if (!self->khz)
		SKIP(return, NO_TSC_RATE);
	lapic_write(c, APIC_LVT_TIMER, LVT_DEADLINE | VECTOR);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(DONE, lapic_do(c, OP_open, 0, 0));
		set_deadline(c, 2 * self->khz);
		pin_to(cpus[i % 2] < 0 ? 0 : cpus[i % 2]);
		ASSERT_EQ(DONE, lapic_do(c, OP_halt, 0, 0));
		EXPECT_EQ(0ull, deadline(c));
	}
}

/* vCPU and VM end while the timer ticks. */
TEST_F(timer, ends_while_it_ticks)
{
	struct lapic_cpu other;
	unsigned long i;

	for (i = 0; i < scaled(50); i++) {
		lapic_begin(&self->vm, &other, 1, 1);
		lapic_write(&other, APIC_TIMER_DIVIDE, BY_1);
		lapic_write(&other, APIC_LVT_TIMER, LVT_PERIODIC | VECTOR);
		lapic_write(&other, APIC_TIMER_INITIAL, 1 + i * 1000);
		if (i % 2)
			ASSERT_EQ(0, vcpu_reset(&other.v));
		lapic_free(&other);
	}
	lapic_write(&self->c, APIC_LVT_TIMER, LVT_PERIODIC | VECTOR);
	lapic_write(&self->c, APIC_TIMER_INITIAL, 1);
	lapic_reset(&self->c);
	lapic_start(&self->c);
	let_time_pass();
	EXPECT_EQ(0ull, lapic_taken(&self->c));
}

TEST_HARNESS_MAIN
