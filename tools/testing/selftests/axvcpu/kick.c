// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of kicks: they are sticky, come from any thread, and none is lost; all that are
 * pending make one exit together.
 */
#include "axv_harness.h"

FIXTURE_ONE_VCPU(kick)
{
	vm_new(&self->vm, AXV_VM_HALT_IN_KERNEL);
	vcpu_ready(&self->vm, &self->v, 0);
	guest_start(&self->v, GUEST_CALL, 0, 0, 0);
}

TEST_F(kick, before_a_run)
{
	ASSERT_EQ(0, vcpu_kick(&self->v));
	EXPECT_NE(0u, vcpu_info(&self->v).flags & AXV_STATE_KICKED);
	ASSERT_EXIT(AXV_EXIT_KICKED, &self->v);
	EXPECT_EQ(AXV_STATE_READY, self->v.run->state);
	EXPECT_EQ(0u, vcpu_info(&self->v).flags & AXV_STATE_KICKED);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(1ull, self->v.run->exit.hypercall.args[0]);
}

TEST_F(kick, many_kicks_make_one_exit)
{
	int i;

	for (i = 0; i < 100; i++)
		ASSERT_EQ(0, vcpu_kick(&self->v));
	ASSERT_EXIT(AXV_EXIT_KICKED, &self->v);
	for (i = 1; i < 10; i++) {
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
		EXPECT_EQ((__u64)i, self->v.run->exit.hypercall.args[0]);
	}
}

TEST_F(kick, sticks_from_created)
{
	/* The kick stays pending through all states, until a run takes it. */
	ASSERT_EQ(0, vcpu_reset(&self->v));
	ASSERT_EQ(0, vcpu_kick(&self->v));
	ASSERT_EQ(0, guest_setup(&self->v));
	ASSERT_EQ(0, vcpu_bind(&self->v));
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	ASSERT_EQ(0, vcpu_bind(&self->v));
	guest_start(&self->v, GUEST_CALL, 0, 0, 0);
	ASSERT_EXIT(AXV_EXIT_KICKED, &self->v);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
}

TEST_F(kick, carries_registers)
{
	__u64 ip;

	/* An exit Kicked reads and writes the run page's registers, as any other exit. */
	ASSERT_EQ(0, vcpu_kick(&self->v));
	ASSERT_EXIT(AXV_EXIT_KICKED, &self->v);
	EXPECT_EQ(0u, self->v.run->dirty);
	EXPECT_EQ(self->v.run->want, self->v.run->valid);
	ASSERT_EQ(0, reg_get(&self->v, guest_ip_reg, &ip));
	EXPECT_EQ(ip, self->v.run->ip);
}

TEST_F(kick, one_exit_for_each)
{
	unsigned long n = scaled(2000), i;
	volatile __u64 *counter = (__u64 *)(self->vm.ram + GUEST_DATA);
	struct axv_runner r;

	ASSERT_EQ(0, vcpu_unbind(&self->v));
	guest_start(&self->v, GUEST_SPIN, GUEST_DATA, 0, 0);
	runner_start(&r, &self->v, for_ever, NULL);
	await_progress(counter);
	for (i = 1; i <= n; i++) {
		ASSERT_EQ(0, vcpu_kick(&self->v));
		/* If the kick were lost, the test would hang here until its deadline. */
		runner_await(&r, AXV_EXIT_KICKED, i);
	}
	EXPECT_EQ(n, r.exits[AXV_EXIT_KICKED]);
	runner_stop(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(n + 1, r.exits[AXV_EXIT_KICKED]);
	EXPECT_EQ(r.runs, r.exits[AXV_EXIT_KICKED] + r.exits[AXV_EXIT_NOTHING]);
	EXPECT_EQ(n + 1, vcpu_stats(&self->v).kicks);
}

TEST_F(kick, wakes_a_blocked_vcpu)
{
	unsigned long n = scaled(500), i;
	struct axv_runner r;

	ASSERT_EQ(0, vcpu_unbind(&self->v));
	guest_start(&self->v, GUEST_HALT, 0, 0, 0);
	runner_start(&r, &self->v, for_ever, NULL);
	for (i = 1; i <= n; i++) {
		/* After the kick, the next run goes on with the halt. */
		vcpu_await_state(&self->v, AXV_STATE_BLOCKED);
		ASSERT_EQ(0, vcpu_kick(&self->v));
		runner_await(&r, AXV_EXIT_KICKED, i);
	}
	vcpu_await_state(&self->v, AXV_STATE_BLOCKED);
	runner_stop(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(n + 1, r.exits[AXV_EXIT_KICKED]);
	EXPECT_EQ(0ul, r.exits[AXV_EXIT_HYPERCALL]);
	EXPECT_LE(n + 1, vcpu_stats(&self->v).blocks);
}

TEST_F(kick, races_with_blocking)
{
	unsigned long n = scaled(1000), i;
	struct axv_runner r;

	/* Kick at once, while the thread is somewhere between its entry and its sleep. */
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	guest_start(&self->v, GUEST_HALT, 0, 0, 0);
	runner_start(&r, &self->v, for_ever, NULL);
	for (i = 1; i <= n; i++) {
		ASSERT_EQ(0, vcpu_kick(&self->v));
		runner_await(&r, AXV_EXIT_KICKED, i);
	}
	runner_stop(&r);
	EXPECT_EQ(n + 1, r.exits[AXV_EXIT_KICKED]);
}

/* ---- storms ---- */

#define KICKERS	4

struct storm {
	struct axv_vcpu *v;
	atomic_int waiting[KICKERS];
	unsigned long kicks;
	unsigned long calls;
	unsigned long gaps;
};

struct kicker {
	struct storm *storm;
	pthread_t thread;
	int self;
};

/*
 * Each kick must be followed by an exit.  A kicker sets its mark, kicks, and waits; each exit
 * Kicked clears all marks.  If a kick is lost, its mark stays, and the kicker hangs.
 */
static void *kicker_main(void *arg)
{
	struct kicker *k = arg;
	struct storm *s = k->storm;
	unsigned long i;

	for (i = 0; i < s->kicks; i++) {
		s->waiting[k->self] = 1;
		must(!vcpu_kick(s->v));
		wait_while(&s->waiting[k->self], 1);
	}
	return NULL;
}

static int on_storm(struct axv_runner *r)
{
	struct storm *s = r->data;
	struct axv_run *run = r->vcpu->run;
	int i;

	if (run->exit_reason == AXV_EXIT_KICKED) {
		for (i = 0; i < KICKERS; i++) {
			s->waiting[i] = 0;
			wake_all(&s->waiting[i]);
		}
	} else if (run->exit_reason == AXV_EXIT_HYPERCALL) {
		/* A kick must not make the guest lose a call, or make it twice. */
		s->calls++;
		if (run->exit.hypercall.args[0] != s->calls)
			s->gaps++;
	}
	return 0;
}

static void storm(struct __test_metadata *_metadata, struct axv_vcpu *v,
		  enum guest_program program, unsigned long kicks)
{
	struct storm s = { .v = v, .kicks = kicks };
	struct kicker kickers[KICKERS];
	struct axv_runner r;
	int i;

	must(!vcpu_unbind(v));
	guest_start(v, program, GUEST_DATA, 0, 0);
	runner_start(&r, v, on_storm, &s);
	for (i = 0; i < KICKERS; i++) {
		kickers[i].storm = &s;
		kickers[i].self = i;
		must(!pthread_create(&kickers[i].thread, NULL, kicker_main, &kickers[i]));
	}
	for (i = 0; i < KICKERS; i++)
		must(!pthread_join(kickers[i].thread, NULL));
	runner_stop(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(0ul, s.gaps);
	EXPECT_EQ(s.calls, r.exits[AXV_EXIT_HYPERCALL]);
	/*
	 * There are at least as many exits as one thread has kicked, and at most one for each
	 * kick.
	 */
	EXPECT_LE(kicks, r.exits[AXV_EXIT_KICKED]);
	EXPECT_GE(KICKERS * kicks + 1, r.exits[AXV_EXIT_KICKED]);
	EXPECT_EQ(KICKERS * kicks + 1, vcpu_stats(v).kicks);
	EXPECT_EQ(r.runs, r.exits[AXV_EXIT_KICKED] + r.exits[AXV_EXIT_NOTHING] +
		  r.exits[AXV_EXIT_HYPERCALL]);
	EXPECT_EQ(0u, vcpu_info(v).flags & AXV_STATE_KICKED);
}

TEST_F(kick, storm_on_a_spinning_guest)
{
	storm(_metadata, &self->v, GUEST_SPIN, scaled(500));
}

TEST_F(kick, storm_on_a_calling_guest)
{
	storm(_metadata, &self->v, GUEST_CALL, scaled(500));
}

TEST_F(kick, storm_on_a_halted_guest)
{
	storm(_metadata, &self->v, GUEST_HALT, scaled(300));
}

/* ---- kicks together with other exits ---- */

TEST_F(kick, loses_no_data_of_a_read)
{
	/*
	 * The VMM has read its device, and supplies the data.  A kick that is pending
	 * must not make it read the device again.
	 */
	guest_start(&self->v, GUEST_READ, GUEST_HOLE, 1, 0);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	self->v.run->exit.mmio.data = 0x1122334455667788;
	ASSERT_EQ(0, vcpu_kick(&self->v));
	ASSERT_EXIT(AXV_EXIT_KICKED, &self->v);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x1122334455667788ull, self->v.run->exit.hypercall.args[0]);
}

TEST_F(kick, before_a_first_touch)
{
	__u64 *mem = mem_new(PAGE);

	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_MEM, PAGE, mem));
	guest_start(&self->v, GUEST_WRITE, GUEST_MEM, 1, 42);
	ASSERT_EQ(0, vcpu_kick(&self->v));
	ASSERT_EXIT(AXV_EXIT_KICKED, &self->v);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(42ull, *mem);
}

static void *kick_it(void *arg)
{
	must(!vcpu_kick(arg));
	return NULL;
}

TEST_F(kick, from_any_thread)
{
	in_thread(kick_it, &self->v);
	ASSERT_EXIT(AXV_EXIT_KICKED, &self->v);
}

TEST_F(kick, only_its_own_vcpu)
{
	struct axv_vcpu other;

	vcpu_ready(&self->vm, &other, 1);
	guest_start(&other, GUEST_CALL, 0, 0, 0);
	ASSERT_EQ(0, vcpu_kick(&other));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	ASSERT_EXIT(AXV_EXIT_KICKED, &other);
	vcpu_free(&other);
}

TEST_HARNESS_MAIN
