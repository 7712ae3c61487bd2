/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A back end without hardware, and threads to use it from.
 *
 * Its run() is a real inner loop that enters the guest as a back end does; what the guest
 * does is a function of the test.
 */
#ifndef _AXVCPU_TESTS_FAKE_H
#define _AXVCPU_TESTS_FAKE_H

#include <linux/completion.h>

#include <axvcpu/arch.h>
#include <axvcpu/kunit.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#define FAKE_GPRS	4
#define FAKE_QUEUE	3
/* A wire that the vCPU drives itself, as an arm64 timer does. */
#define FAKE_OWN_WIRE	63

/* Register ids are the numbers of general registers. */
#define FAKE_BAD_VALUE	0xbadull

/**
 * struct axv_fake - one vCPU of the fake back end
 * @vcpu:	the core's part
 * @guest:	what the guest does: an exit reason, 0 to be entered again, or a
 *		negative error.  Preemption on.  NULL: a hypercall
 * @arg:	for @guest
 * @on_read:	called in each read of a register, with preemption off: an error of that
 *		read
 * @entered:	completed at every entry
 * @fail_check_setup: error of check_setup()
 * @fail_setup:	error of vcpu_setup()
 * @fail_prepare: error of prepare_run(), and of sync_gprs() if it loads
 * @fail_load:	calls of load() and unload() out of turn, or with interrupts on
 * @runs:	calls of run()
 * @short_syncs: calls of sync_gprs()
 * @resets:	calls of vcpu_reset()
 * @loads:	calls of load() after which a CPU held the vCPU anew
 * @returns:	calls of load() on a CPU that held the vCPU already
 * @unloads:	calls of unload()
 * @current_was_wrong: calls in which the current vCPU was another or none
 * @reads:	registers read
 * @read_was_wrong: reads with preemption on, or interrupts off
 * @entry:	where the guest begins
 * @gpr:	general registers
 * @injects:	calls of inject(); this and the next three are under &axv_vcpu.lock
 * @queued:	events in the queue
 * @wires:	bit n: wire n is high
 * @masked:	what is queued ends no halt
 * @halted:	for guests of tests that halt; belongs to the holder of the claim
 */
struct axv_fake {
	struct axv_vcpu vcpu;
	int (*guest)(struct axv_fake *fake);
	void *arg;
	int (*on_read)(struct axv_fake *fake);
	struct completion entered;
	int fail_check_setup;
	int fail_setup;
	int fail_prepare;
	unsigned int fail_load;
	unsigned int runs;
	unsigned int short_syncs;
	unsigned int resets;
	unsigned int loads;
	unsigned int returns;
	unsigned int unloads;
	unsigned int current_was_wrong;
	unsigned int reads;
	unsigned int read_was_wrong;
	u64 entry;
	u64 gpr[FAKE_GPRS];
	unsigned int injects;
	unsigned int queued;
	u64 wires;
	bool masked;
	bool halted;
};

static inline struct axv_fake *to_fake(struct axv_vcpu *vcpu)
{
	return container_of(vcpu, struct axv_fake, vcpu);
}

extern const struct axv_arch_ops axv_fake_ops;
/* Messages (MSI) that were delivered so far. */
extern u32 axv_fake_messages;

/**
 * struct axv_fake_thread - a thread beside that of the test
 * @task:	the thread
 * @fn:		what it does
 * @arg:	for @fn
 * @done:	@fn has returned
 * @ret:	what it returned
 */
struct axv_fake_thread {
	struct task_struct *task;
	int (*fn)(void *arg);
	void *arg;
	struct completion done;
	int ret;
};

/* What frames a suite and a test; test->priv is the VM. */
int axv_fake_suite_init(struct kunit_suite *suite);
void axv_fake_suite_exit(struct kunit_suite *suite);
void axv_fake_enable_cpus(bool on);
int axv_fake_init(struct kunit *test);
void axv_fake_exit(struct kunit *test);

/* For axv_test_suite(). */
#define AXV_FAKE_FRAME							\
	.suite_init = axv_fake_suite_init, .suite_exit = axv_fake_suite_exit, \
	.init = axv_fake_init, .exit = axv_fake_exit

struct axv_fake *axv_fake_new(struct kunit *test, u32 id,
			      const struct cpumask *set);
struct axv_fake *axv_fake_in_state(struct kunit *test, u32 id, u8 state);
void axv_fake_force(struct axv_fake *fake, u8 state);

void axv_fake_start(struct kunit *test, struct axv_fake_thread *thread, int cpu,
		    int (*fn)(void *arg), void *arg);
int axv_fake_wait(struct kunit *test, struct axv_fake_thread *thread);
void axv_fake_stop(struct axv_fake_thread *thread);
int axv_fake_call(struct kunit *test, int cpu, int (*fn)(void *arg), void *arg);
void axv_fake_await(struct kunit *test, struct completion *done);
void axv_fake_await_state(struct kunit *test, struct axv_vcpu *vcpu, u8 state);
int axv_fake_guest_spin(struct axv_fake *fake);
int axv_fake_guest_halt(struct axv_fake *fake);
int axv_fake_run_fn(void *arg);
int axv_fake_inject(struct axv_vcpu *vcpu);

#endif /* _AXVCPU_TESTS_FAKE_H */
