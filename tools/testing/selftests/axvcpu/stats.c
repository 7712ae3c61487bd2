// SPDX-License-Identifier: GPL-2.0
/*
 * Tests that the counters of a vCPU count what the tests cause, no more and no less.
 */
#include "axv_harness.h"

FIXTURE_ONE_VCPU(stats)
{
	vm_new(&self->vm, AXV_VM_HALT_IN_KERNEL);
	vcpu_ready(&self->vm, &self->v, 0);
}

TEST_F(stats, all_zero_when_created)
{
	static const struct axv_stats zero;
	struct axv_vcpu v;
	struct axv_stats s;

	vcpu_new(&self->vm, &v, 1);
	s = vcpu_stats(&v);
	EXPECT_EQ(0, memcmp(&s, &zero, sizeof(s)));
	vcpu_free(&v);
}

TEST_F(stats, size_is_queried)
{
	EXPECT_LE(offsetof(struct axv_stats, exits),
		  axv_query(self->vm.dev, AXV_QUERY_STATS_SIZE));
	EXPECT_EQ(sizeof(struct axv_stats),
		  axv_query(self->vm.dev, AXV_QUERY_STATS_SIZE));
}

TEST_F(stats, exits_by_reason)
{
	unsigned long n = scaled(100), i, runs = 0, sum = 0;
	struct axv_stats s;

	guest_start(&self->v, GUEST_CALL, 7, 0, 0);
	while (self->v.run->exit.hypercall.args[0] < n) {
		ASSERT_LE(0, vcpu_run_once(&self->v));
		runs++;
	}
	s = vcpu_stats(&self->v);
	EXPECT_EQ(n, s.exits[AXV_EXIT_HYPERCALL]);
	for (i = 0; i < ARRAY_SIZE(s.exits); i++)
		sum += s.exits[i];
	EXPECT_EQ(runs, sum);
	EXPECT_EQ(sum, s.exits[AXV_EXIT_HYPERCALL] + s.exits[AXV_EXIT_NOTHING]);
	EXPECT_LE(n, s.entries);
	EXPECT_LE(n, s.hw_exits);
	/* There is an exit for each entry. */
	EXPECT_EQ(s.entries, s.hw_exits);
	EXPECT_LE(1ull, s.loads);
	EXPECT_EQ(0ull, s.kicks);
	EXPECT_EQ(0ull, s.blocks);
	EXPECT_EQ(0ull, s.injections);
}

TEST_F(stats, mmio)
{
	struct axv_stats s;
	int i;

	guest_start(&self->v, GUEST_WRITE, GUEST_HOLE, 5, 1);
	for (i = 0; i < 5; i++)
		ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	guest_start(&self->v, GUEST_READ, GUEST_HOLE, 3, 0);
	for (i = 0; i < 3; i++)
		ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	s = vcpu_stats(&self->v);
	EXPECT_EQ(5ull, s.exits[AXV_EXIT_MMIO_WRITE]);
	EXPECT_EQ(3ull, s.exits[AXV_EXIT_MMIO_READ]);
	EXPECT_EQ(2ull, s.exits[AXV_EXIT_HYPERCALL]);
}

TEST_F(stats, kicks)
{
	struct axv_stats s;
	int i;

	/* Each kick is counted, although all of them make one exit. */
	for (i = 0; i < 10; i++)
		ASSERT_EQ(0, vcpu_kick(&self->v));
	guest_start(&self->v, GUEST_CALL, 0, 0, 0);
	ASSERT_EXIT(AXV_EXIT_KICKED, &self->v);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	s = vcpu_stats(&self->v);
	EXPECT_EQ(10ull, s.kicks);
	EXPECT_EQ(1ull, s.exits[AXV_EXIT_KICKED]);
}

TEST_F(stats, faults)
{
	const size_t pages = 32;
	struct axv_stats before, after;
	__u8 *mem = mem_new(pages * PAGE);
	unsigned long faults;

	ASSERT_EQ(0, mem_small_pages(mem, pages * PAGE));
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_MEM, pages * PAGE, mem));
	guest_start(&self->v, GUEST_WRITE, GUEST_MEM, 1, 1);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	before = vcpu_stats(&self->v);
	guest_start(&self->v, GUEST_WRITE, GUEST_MEM, pages, 1);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	after = vcpu_stats(&self->v);
	faults = after.faults - before.faults;
	/*
	 * One fault for each page that was not mapped yet.  There may be a few more if
	 * the host took pages away in between, but not one more for each page.
	 */
	EXPECT_LE(pages - 1, faults);
	EXPECT_GE(pages + 3, faults);

	guest_start(&self->v, GUEST_WRITE, GUEST_MEM, pages, 1);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_GE(after.faults + 4, vcpu_stats(&self->v).faults);
}

TEST_F(stats, blocks_and_injections)
{
	unsigned long n = scaled(20), i;
	struct axv_runner r;
	struct axv_stats s;

	ASSERT_EQ(0, vcpu_unbind(&self->v));
	guest_start(&self->v, GUEST_HALT, 3, 0, 0);
	runner_start(&r, &self->v, until_kicked, NULL);
	for (i = 1; i <= n; i++) {
		vcpu_await_state(&self->v, AXV_STATE_BLOCKED);
		ASSERT_EQ(0, guest_inject(&self->v, GUEST_INTERRUPT));
		runner_await(&r, AXV_EXIT_HYPERCALL, i);
	}
	vcpu_await_state(&self->v, AXV_STATE_BLOCKED);
	ASSERT_EQ(0, vcpu_kick(&self->v));
	runner_join(&r);
	s = vcpu_stats(&self->v);
	EXPECT_EQ(n, s.injections);
	EXPECT_EQ(n, s.exits[AXV_EXIT_HYPERCALL]);
	EXPECT_EQ(0ull, s.exits[AXV_EXIT_HALT]);
	EXPECT_LE(n + 1, s.blocks);
	EXPECT_EQ(1ull, s.exits[AXV_EXIT_KICKED]);
}

TEST_F(stats, survive_reset)
{
	struct axv_stats before, after;

	guest_start(&self->v, GUEST_CALL, 7, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	before = vcpu_stats(&self->v);
	ASSERT_EQ(0, vcpu_reset(&self->v));
	after = vcpu_stats(&self->v);
	EXPECT_EQ(before.entries, after.entries);
	EXPECT_EQ(before.exits[AXV_EXIT_HYPERCALL], after.exits[AXV_EXIT_HYPERCALL]);
	EXPECT_EQ(1ull, after.exits[AXV_EXIT_HYPERCALL]);
}

TEST_F(stats, read_while_running)
{
	struct axv_runner r;
	struct axv_stats s;

	ASSERT_EQ(0, vcpu_unbind(&self->v));
	guest_start(&self->v, GUEST_SPIN, GUEST_DATA, 0, 0);
	runner_start(&r, &self->v, until_kicked, NULL);
	vcpu_await_state(&self->v, AXV_STATE_RUNNING);
	s = vcpu_stats(&self->v);
	EXPECT_EQ(0ull, s.exits[AXV_EXIT_KICKED]);
	runner_stop(&r);
	EXPECT_EQ(1ull, vcpu_stats(&self->v).exits[AXV_EXIT_KICKED]);
}

TEST_HARNESS_MAIN
