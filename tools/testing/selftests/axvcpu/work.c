// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of work that the kernel does when a thread returns to user mode.  Such work ends a
 * run, unless it can wait.  The update of restartable sequences (rseq), which the C library
 * registers and which each preemption asks for, can wait.
 */
#include "axv_harness.h"

#include <sys/rseq.h>
#include <sys/time.h>
#include <time.h>

FIXTURE(work) {
	struct axv_vm vm;
	struct axv_vcpu v;
	volatile __u64 *counter;
};

FIXTURE_SETUP(work)
{
	vm_new(&self->vm, AXV_VM_HALT_IN_KERNEL);
	vcpu_new(&self->vm, &self->v, 0);
	ASSERT_EQ(0, guest_setup(&self->v));
	self->counter = (__u64 *)(self->vm.ram + GUEST_DATA);
	/* The C library has to use rseq; otherwise there is nothing to test. */
	ASSERT_NE(0u, __rseq_size);
}

FIXTURE_TEARDOWN(work)
{
	vcpu_free(&self->v);
	vm_free(&self->vm);
}

/* How often a thread was preempted. */
static unsigned long preemptions(pid_t tid)
{
	static const char key[] = "nonvoluntary_ctxt_switches:";
	unsigned long count = 0;
	char path[64], line[128];
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", tid);
	f = fopen(path, "r");
	must(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, sizeof(key) - 1))
			count = strtoul(line + sizeof(key) - 1, NULL, 10);
	fclose(f);
	return count;
}

/*
 * Newer kernels queue work for the running thread every 100 ms, for its concurrency id.
 * Returns how many runs may have ended because of that since @start.
 */
static unsigned long ends_by_the_clock(const struct timespec *start)
{
	struct timespec now;

	must(!clock_gettime(CLOCK_MONOTONIC, &now));
	return (now.tv_sec - start->tv_sec + 1) * 20;
}

TEST_F(work, a_preemption_is_no_exit)
{
	const unsigned long n = 100;
	struct timespec start;
	struct axv_runner r;

	/* Two threads share one CPU. */
	pin_to(0);
	guest_start(&self->v, GUEST_SPIN, GUEST_DATA, 0, 0);
	runner_start(&r, &self->v, for_ever, NULL);
	await_progress(self->counter);
	must(!clock_gettime(CLOCK_MONOTONIC, &start));
	while (preemptions(r.tid) < n)
		;
	runner_stop(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(1ul, r.exits[AXV_EXIT_KICKED]);
	EXPECT_GT(n / 2 + ends_by_the_clock(&start), r.exits[AXV_EXIT_NOTHING]);
}

TEST_F(work, a_halt_in_the_kernel_stays_there)
{
	const unsigned long n = 100;
	struct timespec start;
	struct axv_runner r;
	unsigned long i;

	/* Each halt makes the thread sleep, so another one is scheduled. */
	guest_start(&self->v, GUEST_HALT, 0, 0, 0);
	must(!clock_gettime(CLOCK_MONOTONIC, &start));
	runner_start(&r, &self->v, for_ever, NULL);
	for (i = 1; i <= n; i++) {
		vcpu_await_state(&self->v, AXV_STATE_BLOCKED);
		ASSERT_EQ(0, guest_inject(&self->v, GUEST_INTERRUPT));
		runner_await(&r, AXV_EXIT_HYPERCALL, i);
	}
	runner_stop(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(n, r.exits[AXV_EXIT_HYPERCALL]);
	/* If each sleep ended a run, there would be n. */
	EXPECT_GT(n / 2 + ends_by_the_clock(&start), r.exits[AXV_EXIT_NOTHING]);
}

/*
 * Whether this thread's rseq has the CPU that the thread runs on.  If the thread is moved
 * while this compares the two, it compares again.
 */
static int knows_its_cpu(struct axv_runner *r)
{
	const struct rseq *rseq = (void *)((char *)__builtin_thread_pointer() + __rseq_offset);
	unsigned int known, cpu;

	do {
		known = __atomic_load_n(&rseq->cpu_id, __ATOMIC_RELAXED);
		must(!syscall(SYS_getcpu, &cpu, NULL, NULL));
	} while (known != __atomic_load_n(&rseq->cpu_id, __ATOMIC_RELAXED));
	*(int *)r->data += known == cpu;
	return 0;
}

TEST_F(work, rseq_is_updated_in_the_end)
{
	int known = 0, cpus[] = { 0, second_cpu() }, n = 10, i;
	struct axv_runner r;
	cpu_set_t set;
	__u64 before;

	/* On a machine with one CPU the thread stays there. */
	if (cpus[1] < 0)
		cpus[1] = 0;
	guest_start(&self->v, GUEST_SPIN, GUEST_DATA, 0, 0);
	runner_start(&r, &self->v, knows_its_cpu, &known);
	await_progress(self->counter);
	for (i = 1; i <= n; i++) {
		/* Move the thread in the middle of a run. */
		CPU_ZERO(&set);
		CPU_SET(cpus[i % 2], &set);
		ASSERT_EQ(0, sched_setaffinity(r.tid, sizeof(set), &set));
		before = *self->counter;
		while (*self->counter == before)
			sched_yield();
		ASSERT_EQ(0, vcpu_kick(&self->v));
		runner_await(&r, AXV_EXIT_KICKED, i);
	}
	runner_stop(&r);
	EXPECT_EQ(0, r.error);
	/* The last exit Kicked ends the thread before knows_its_cpu() is called. */
	EXPECT_EQ(r.runs - 1, (unsigned long)known);
}

TEST_F(work, queued_work_does_not_wait)
{
	const struct itimerval soon = { .it_value = { .tv_usec = 20000 } };
	int i, ret;

	/*
	 * The kernel checks timers of CPU time in work that it queues for the thread,
	 * and that sends the signal.
	 */
	kick_on_signal(SIGPROF, &self->v);
	ASSERT_EQ(0, vcpu_bind(&self->v));
	guest_start(&self->v, GUEST_SPIN, GUEST_DATA, 0, 0);
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, setitimer(ITIMER_PROF, &soon, NULL));
		do {
			ret = vcpu_run_once(&self->v);
			ASSERT_TRUE(ret == AXV_EXIT_NOTHING || ret == AXV_EXIT_KICKED);
		} while (ret != AXV_EXIT_KICKED);
	}
	EXPECT_LT(0ull, vcpu_stats(&self->v).exits[AXV_EXIT_NOTHING]);
}

TEST_HARNESS_MAIN
