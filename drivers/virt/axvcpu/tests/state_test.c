// SPDX-License-Identifier: GPL-2.0
/*
 * The state machine: every operation from every state, with what it returns
 * and the state afterwards; by the owner, by another thread, and while another
 * operation holds the claim.
 */
#include <linux/sched.h>

#include <axvcpu/current.h>
#include <axvcpu/state.h>
#include <axvcpu/trace.h>

#include "fake.h"
#include "../claim.h"
#include "../file.h"

#define STATES		(AXV_STATE_BLOCKED + 1)
#define UNCHANGED	0xff

static const char * const names[STATES] = {
	"Invalid", "Created", "Free", "Ready", "Running", "Blocked",
};

static int do_setup(struct axv_vcpu *vcpu)
{
	const struct axv_setup setup = { .entry = 0x1000 };

	return axv_vcpu_setup(vcpu, &setup);
}

static int do_bind(struct axv_vcpu *vcpu)
{
	return axv_vcpu_bind(vcpu, false);
}

static int do_kick(struct axv_vcpu *vcpu)
{
	axv_vcpu_kick(vcpu);
	return 0;
}

static int do_get_regs(struct axv_vcpu *vcpu)
{
	struct axv_reg reg = { .id = 0 };

	return axv_get_regs(vcpu, &reg, 1);
}

static long do_nothing(struct axv_call *call, void *data)
{
	return axv_get_current_vcpu() == call->vcpu ? 0 : -ESRCH;
}

/* Claim the vCPU as the ioctl @cmd does, with a handler that does nothing. */
static int as_command(struct axv_vcpu *vcpu, unsigned int cmd)
{
	struct axv_ioctl entry = axv_vcpu_commands[_IOC_NR(cmd)];
	struct axv_call call = { .ops = vcpu->ops, .vm = vcpu->vm, .vcpu = vcpu };

	entry.flags = 0;
	entry.size = 0;
	entry.handler = do_nothing;
	return axv_ioctl_dispatch(&call, &entry, 1, _IO(AXV_IOCTL, 0), 0);
}

static int do_set_regs(struct axv_vcpu *vcpu)
{
	return as_command(vcpu, AXV_VCPU_SET_REGS);
}

static int do_get_fpu(struct axv_vcpu *vcpu)
{
	return as_command(vcpu, AXV_VCPU_GET_FPU);
}

static int do_set_fpu(struct axv_vcpu *vcpu)
{
	return as_command(vcpu, AXV_VCPU_SET_FPU);
}

static int do_get_table(struct axv_vcpu *vcpu)
{
	return as_command(vcpu, AXV_GET_TABLE);
}

static int do_set_table(struct axv_vcpu *vcpu)
{
	return as_command(vcpu, AXV_SET_TABLE);
}

static int do_get_state(struct axv_vcpu *vcpu)
{
	struct axv_state state;

	axv_vcpu_get_state(vcpu, &state);
	return 0;
}

#define OK(state)	{ 0, AXV_STATE_##state }
#define SAME		{ 0, UNCHANGED }
#define POISON		{ -EBADFD, AXV_STATE_INVALID }
#define REFUSE		{ -EBADFD, UNCHANGED }

/**
 * struct operation - one operation and what it does
 * @name:	for messages
 * @call:	calls it
 * @from:	by the state before: what it returns, and the state after
 * @other:	what another thread gets if the vCPU has an owner; 0: as in @from
 * @busy:	what any thread gets while an operation is acting; 0: as in @from
 */
struct operation {
	const char *name;
	int (*call)(struct axv_vcpu *vcpu);
	struct {
		int ret;
		u8 state;
	} from[STATES];
	int other;
	int busy;
};

static const struct operation operations[] = {
	/*		    Invalid   Created   Free      Ready     Running  Blocked */
	{ "setup", do_setup,
	  { POISON, OK(FREE), POISON, POISON, POISON, POISON }, -EPERM, -EBUSY },
	{ "bind", do_bind,
	  { POISON, POISON, OK(READY), POISON, POISON, POISON }, -EPERM, -EBUSY },
	{ "unbind", axv_vcpu_unbind,
	  { POISON, POISON, POISON, OK(FREE), POISON, POISON }, -EPERM, -EBUSY },
	{ "run", axv_vcpu_run,
	  { POISON, POISON, POISON, OK(READY), POISON, POISON }, -EPERM, -EBUSY },
	{ "reset", axv_vcpu_reset,
	  { OK(CREATED), OK(CREATED), OK(CREATED), OK(CREATED), POISON, POISON },
	  -EPERM, -EBUSY },
	{ "inject", axv_fake_inject,
	  { REFUSE, SAME, SAME, SAME, SAME, SAME }, 0, 0 },
	{ "kick", do_kick,
	  { SAME, SAME, SAME, SAME, SAME, SAME }, 0, 0 },
	{ "get state", do_get_state,
	  { SAME, SAME, SAME, SAME, SAME, SAME }, 0, 0 },
	{ "get registers", do_get_regs,
	  { SAME, SAME, SAME, SAME, REFUSE, REFUSE }, 0, -EBUSY },
	{ "set registers", do_set_regs,
	  { REFUSE, REFUSE, SAME, SAME, REFUSE, REFUSE }, -EPERM, -EBUSY },
	{ "get vector state", do_get_fpu,
	  { SAME, SAME, SAME, SAME, REFUSE, REFUSE }, 0, -EBUSY },
	{ "set vector state", do_set_fpu,
	  { REFUSE, REFUSE, SAME, SAME, REFUSE, REFUSE }, -EPERM, -EBUSY },
	{ "sync", axv_vcpu_sync,
	  { REFUSE, REFUSE, SAME, SAME, REFUSE, REFUSE }, -EPERM, -EBUSY },
	{ "get table", do_get_table,
	  { SAME, SAME, SAME, SAME, REFUSE, REFUSE }, 0, -EBUSY },
	{ "set table", do_set_table,
	  { REFUSE, SAME, SAME, REFUSE, REFUSE, REFUSE }, -EPERM, -EBUSY },
};

static void expect_owner(struct kunit *test, struct axv_vcpu *vcpu)
{
	struct axv_state state;

	axv_vcpu_get_state(vcpu, &state);
	KUNIT_EXPECT_EQ(test, state.state >= AXV_STATE_READY, state.owner != 0);
	if (state.state < AXV_STATE_READY)
		KUNIT_EXPECT_EQ(test, -1, state.cpu);
}

static void each_operation_from_each_state(struct kunit *test)
{
	u32 id = 0;
	size_t i;
	u8 state;

	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		const struct operation *op = &operations[i];

		for (state = 0; state < STATES; state++) {
			struct axv_fake *fake = axv_fake_new(test, id++, NULL);
			u8 after = op->from[state].state;

			axv_fake_force(fake, state);
			KUNIT_EXPECT_EQ_MSG(test, op->from[state].ret,
					    op->call(&fake->vcpu),
					    "%s from %s", op->name, names[state]);
			KUNIT_EXPECT_EQ_MSG(test, after == UNCHANGED ? state : after,
					    axv_vcpu_state(&fake->vcpu),
					    "after %s from %s", op->name,
					    names[state]);
			KUNIT_EXPECT_EQ(test, AXV_CLAIM_NONE, fake->vcpu.claim);
			expect_owner(test, &fake->vcpu);
			axv_vcpu_close(&fake->vcpu);
		}
	}
}

struct by_other {
	const struct operation *op;
	struct axv_vcpu *vcpu;
};

static int call_operation(void *arg)
{
	struct by_other *by = arg;

	return by->op->call(by->vcpu);
}

/* In states with an owner, this thread owns the vCPU; in the others any thread may call. */
static void each_operation_by_another_thread(struct kunit *test)
{
	u32 id = 0;
	size_t i;
	u8 state;

	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		const struct operation *op = &operations[i];

		for (state = 0; state < STATES; state++) {
			struct axv_fake *fake = axv_fake_new(test, id++, NULL);
			struct by_other by = { op, &fake->vcpu };
			int ret = op->from[state].ret;
			u8 after = op->from[state].state;

			if (state >= AXV_STATE_READY && op->other) {
				ret = op->other;
				after = UNCHANGED;
			}
			axv_fake_force(fake, state);
			KUNIT_EXPECT_EQ_MSG(test, ret,
					    axv_fake_call(test, -1, call_operation, &by),
					    "%s from %s", op->name, names[state]);
			KUNIT_EXPECT_EQ_MSG(test, after == UNCHANGED ? state : after,
					    axv_vcpu_state(&fake->vcpu),
					    "after %s from %s", op->name,
					    names[state]);
			axv_vcpu_close(&fake->vcpu);
		}
	}
}

static void each_operation_while_claimed(struct kunit *test)
{
	u32 id = 0;
	size_t i;
	u8 state;

	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		const struct operation *op = &operations[i];

		for (state = 0; state < STATES; state++) {
			struct axv_fake *fake = axv_fake_new(test, id++, NULL);
			struct by_other by = { op, &fake->vcpu };
			int ret = op->busy ?: op->from[state].ret;

			axv_fake_force(fake, state);
			KUNIT_ASSERT_EQ(test, 0,
					axv_begin_transition(&fake->vcpu, state, state));
			KUNIT_EXPECT_EQ_MSG(test, ret, op->call(&fake->vcpu),
					    "%s from %s", op->name, names[state]);
			KUNIT_EXPECT_EQ_MSG(test, ret,
					    axv_fake_call(test, -1, call_operation, &by),
					    "%s from %s", op->name, names[state]);
			KUNIT_EXPECT_EQ_MSG(test, state, axv_vcpu_state(&fake->vcpu),
					    "after %s from %s", op->name,
					    names[state]);
			KUNIT_EXPECT_EQ(test, AXV_CLAIM_OPERATION, fake->vcpu.claim);
			axv_unclaim(&fake->vcpu);
			axv_vcpu_close(&fake->vcpu);
		}
	}
}

static void a_failed_setup_poisons(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_CREATED);

	fake->fail_setup = -ENOMEM;
	KUNIT_EXPECT_EQ(test, -ENOMEM, do_setup(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, AXV_STATE_INVALID, axv_vcpu_state(&fake->vcpu));
}

static void bad_arguments_do_not_poison(struct kunit *test)
{
	const struct axv_setup flags = { .flags = 1 };
	struct axv_fake *fake;
	u8 state;

	for (state = 0; state <= AXV_STATE_READY; state++) {
		fake = axv_fake_in_state(test, state, state);
		fake->fail_check_setup = -EINVAL;
		KUNIT_EXPECT_EQ(test, -EINVAL, do_setup(&fake->vcpu));
		fake->fail_check_setup = 0;
		KUNIT_EXPECT_EQ(test, -EINVAL, axv_vcpu_setup(&fake->vcpu, &flags));
		KUNIT_EXPECT_EQ(test, state, axv_vcpu_state(&fake->vcpu));
	}

	/* Found while the vCPU is still Ready. */
	fake->vcpu.run->dirty = AXV_RUN_SET_GPRS;
	fake->fail_prepare = -EINVAL;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, AXV_STATE_READY, axv_vcpu_state(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, 0u, fake->runs);
	fake->fail_prepare = 0;
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
}

static int fail_run(struct axv_fake *fake)
{
	return -EIO;
}

static void a_failed_run_poisons(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);

	fake->guest = fail_run;
	KUNIT_EXPECT_EQ(test, -EIO, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, AXV_STATE_INVALID, axv_vcpu_state(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, AXV_STATE_INVALID, fake->vcpu.run->state);
	KUNIT_EXPECT_EQ(test, -1, fake->vcpu.loaded_cpu);
	KUNIT_EXPECT_EQ(test, 1u, fake->unloads);

	/* Reset is the way out of Invalid. */
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_reset(&fake->vcpu));
	fake->guest = NULL;
	KUNIT_EXPECT_EQ(test, 0, do_setup(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, 0, do_bind(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
}

static int see_running(struct axv_fake *fake)
{
	return axv_vcpu_state(&fake->vcpu) == AXV_STATE_RUNNING ?
		AXV_EXIT_HYPERCALL : -EBADFD;
}

static void a_run_shows_running_then_ready(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);

	fake->guest = see_running;
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, AXV_STATE_READY, fake->vcpu.run->state);
	KUNIT_EXPECT_EQ(test, AXV_EXIT_HYPERCALL, fake->vcpu.run->exit_reason);
}

struct bad_state {
	unsigned int count;
	u8 found;
	u8 expected;
};

static void on_bad_state(void *data, struct axv_vcpu *vcpu, u8 found, u8 expected)
{
	struct bad_state *seen = data;

	seen->count++;
	seen->found = found;
	seen->expected = expected;
}

static void the_error_names_the_state_found(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	struct bad_state seen = {};

	KUNIT_ASSERT_EQ(test, 0, register_trace_axv_bad_state(on_bad_state, &seen));
	KUNIT_EXPECT_EQ(test, -EBADFD, axv_vcpu_run(&fake->vcpu));
	unregister_trace_axv_bad_state(on_bad_state, &seen);
	tracepoint_synchronize_unregister();
	KUNIT_EXPECT_EQ(test, 1u, seen.count);
	KUNIT_EXPECT_EQ(test, AXV_STATE_FREE, seen.found);
	KUNIT_EXPECT_EQ(test, AXV_STATE_READY, seen.expected);
}

static void invalid_is_loaded_nowhere(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);

	KUNIT_EXPECT_GE(test, fake->vcpu.loaded_cpu, 0);
	KUNIT_EXPECT_EQ(test, -EBADFD, do_setup(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, AXV_STATE_INVALID, axv_vcpu_state(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, -1, fake->vcpu.loaded_cpu);
	KUNIT_EXPECT_EQ(test, 1u, fake->unloads);
	KUNIT_EXPECT_EQ(test, -EBADFD, axv_fake_inject(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, 0u, fake->queued);
}

static void reset_clears_and_keeps(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);
	struct axv_vcpu *vcpu = &fake->vcpu;
	struct axv_state state;
	u64 entries;

	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(vcpu));
	entries = vcpu->stats.entries;
	KUNIT_EXPECT_EQ(test, 0, axv_fake_inject(vcpu));
	fake->gpr[1] = 2;
	axv_vcpu_kick(vcpu);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_reset(vcpu));
	axv_vcpu_get_state(vcpu, &state);
	KUNIT_EXPECT_EQ(test, AXV_STATE_CREATED, state.state);
	KUNIT_EXPECT_EQ(test, (u32)AXV_STATE_BSP, state.flags);
	KUNIT_EXPECT_EQ(test, 0u, state.owner);
	KUNIT_EXPECT_EQ(test, -1, state.cpu);
	KUNIT_EXPECT_EQ(test, 0ul, vcpu->requests);
	KUNIT_EXPECT_EQ(test, 0u, fake->queued);
	KUNIT_EXPECT_EQ(test, 0ull, fake->gpr[1]);
	KUNIT_EXPECT_EQ(test, 1ull, vcpu->stats.kicks);
	KUNIT_EXPECT_EQ(test, entries, vcpu->stats.entries);
}

static void a_full_queue_does_not_poison(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);
	const struct axv_inject wired = { .type = AXV_INJECT_WIRED };
	const struct axv_inject unknown = { .type = AXV_INJECT_PPI + 1 };
	unsigned int i;

	for (i = 0; i < FAKE_QUEUE; i++)
		KUNIT_EXPECT_EQ(test, 0, axv_fake_inject(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, -EAGAIN, axv_fake_inject(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, axv_vcpu_inject(&fake->vcpu, &wired));
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_vcpu_inject(&fake->vcpu, &unknown));
	KUNIT_EXPECT_EQ(test, AXV_STATE_READY, axv_vcpu_state(&fake->vcpu));
}

static void registers_have_a_status_each(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);
	struct axv_reg regs[] = {
		{ .id = 0, .value = 7 },
		{ .id = FAKE_GPRS },
		{ .id = 1, .value = FAKE_BAD_VALUE },
		{ .id = 2, .value = 9 },
	};

	KUNIT_ASSERT_EQ(test, 0, axv_claim_owned(&fake->vcpu, AXV_STATES_SET_UP));
	KUNIT_EXPECT_EQ(test, 2, axv_set_regs(&fake->vcpu, regs, ARRAY_SIZE(regs)));
	axv_unclaim(&fake->vcpu);
	KUNIT_EXPECT_EQ(test, 0, regs[0].status);
	KUNIT_EXPECT_EQ(test, -ENOENT, regs[1].status);
	KUNIT_EXPECT_EQ(test, -EINVAL, regs[2].status);
	KUNIT_EXPECT_EQ(test, 0, regs[3].status);
	KUNIT_EXPECT_EQ(test, 1, axv_get_regs(&fake->vcpu, regs, ARRAY_SIZE(regs)));
	KUNIT_EXPECT_EQ(test, 7ull, regs[0].value);
	KUNIT_EXPECT_EQ(test, 0ull, regs[2].value);
	KUNIT_EXPECT_EQ(test, 9ull, regs[3].value);
}

/*
 * axv_transitions has what the operations do from each state, and what happens within a
 * run, and nothing else.
 */
static void the_table_is_what_operations_do(struct kunit *test)
{
	u8 seen[STATES] = {
		[AXV_STATE_READY] = AXV_STATE_BIT(AXV_STATE_RUNNING),
		[AXV_STATE_RUNNING] = AXV_STATE_BIT(AXV_STATE_READY) |
				      AXV_STATE_BIT(AXV_STATE_BLOCKED),
		[AXV_STATE_BLOCKED] = AXV_STATE_BIT(AXV_STATE_RUNNING),
	};
	u8 state;
	size_t i;

	KUNIT_ASSERT_EQ(test, ARRAY_SIZE(axv_transitions), (size_t)STATES);
	for (state = 0; state < STATES; state++) {
		for (i = 0; i < ARRAY_SIZE(operations); i++)
			if (operations[i].from[state].state != UNCHANGED)
				seen[state] |= AXV_STATE_BIT(operations[i].from[state].state);
		KUNIT_EXPECT_EQ_MSG(test, seen[state], axv_transitions[state],
				    "from %s", names[state]);
	}
}

/* Each pair of begin and end makes the vCPU current in between.  (AxVCpu takes a closure.) */
static void a_transition_is_a_pair(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);
	struct axv_vcpu *vcpu = &fake->vcpu;

	KUNIT_ASSERT_EQ(test, 0, axv_begin_transition(vcpu, AXV_STATE_READY,
						      AXV_STATE_RUNNING));
	KUNIT_EXPECT_PTR_EQ(test, vcpu, axv_get_current_vcpu());
	KUNIT_EXPECT_EQ(test, AXV_STATE_RUNNING, axv_vcpu_state(vcpu));
	axv_transition_state(vcpu, AXV_STATE_BLOCKED);
	KUNIT_EXPECT_EQ(test, AXV_STATE_BLOCKED, axv_vcpu_state(vcpu));
	axv_transition_state(vcpu, AXV_STATE_RUNNING);
	axv_end_transition(vcpu, AXV_STATE_READY);
	KUNIT_EXPECT_EQ(test, AXV_STATE_READY, axv_vcpu_state(vcpu));
	KUNIT_EXPECT_TRUE(test, !axv_get_current_vcpu());

	KUNIT_ASSERT_EQ(test, 0, axv_begin_read(vcpu));
	KUNIT_EXPECT_PTR_EQ(test, vcpu, axv_get_current_vcpu());
	axv_end_read(vcpu);
	KUNIT_ASSERT_EQ(test, 0, axv_claim_owned(vcpu, AXV_STATES_SET_UP));
	KUNIT_EXPECT_PTR_EQ(test, vcpu, axv_get_current_vcpu());
	axv_unclaim(vcpu);
	KUNIT_EXPECT_TRUE(test, !axv_get_current_vcpu());

	/* The wrong state ends the claim, and the vCPU is current no more. */
	KUNIT_EXPECT_EQ(test, -EBADFD, axv_claim_owned(vcpu, AXV_STATES_NOT_SET_UP));
	KUNIT_EXPECT_TRUE(test, !axv_get_current_vcpu());
	KUNIT_EXPECT_EQ(test, -EBADFD, axv_begin_transition(vcpu, AXV_STATE_FREE,
							    AXV_STATE_FREE));
	KUNIT_EXPECT_TRUE(test, !axv_get_current_vcpu());
	KUNIT_EXPECT_EQ(test, AXV_STATE_INVALID, axv_vcpu_state(vcpu));
	KUNIT_EXPECT_EQ(test, AXV_CLAIM_NONE, vcpu->claim);
}

static void identity(struct kunit *test)
{
	struct axv_vm *vm = test->priv;
	struct axv_vcpu_config config = {
		.id = 3, .hw_id = 77, .favor_phys_cpu = 0,
	};
	struct axv_vcpu *vcpu = axv_vcpu_new(vm, &config);

	KUNIT_ASSERT_FALSE(test, IS_ERR(vcpu));
	KUNIT_EXPECT_EQ(test, 3u, axv_vcpu_id(vcpu));
	KUNIT_EXPECT_EQ(test, vm->id, axv_vcpu_vm_id(vcpu));
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_favor_phys_cpu(vcpu));
	KUNIT_EXPECT_FALSE(test, axv_vcpu_is_bsp(vcpu));
	KUNIT_EXPECT_TRUE(test, !axv_vcpu_phys_cpu_set(vcpu));
	KUNIT_EXPECT_TRUE(test, axv_vcpu_is_bsp(&axv_fake_new(test, 0, NULL)->vcpu));

	KUNIT_EXPECT_EQ(test, -EEXIST, (int)PTR_ERR(axv_vcpu_new(vm, &config)));
	config.id = 4;
	KUNIT_EXPECT_EQ(test, -EEXIST, (int)PTR_ERR(axv_vcpu_new(vm, &config)));
	/* The id is taken: no vCPU is added, so none is found by the new hw_id. */
	config.id = 3;
	config.hw_id = 78;
	KUNIT_EXPECT_EQ(test, -EEXIST, (int)PTR_ERR(axv_vcpu_new(vm, &config)));
	KUNIT_EXPECT_PTR_EQ(test, vcpu, axv_vcpu_by_hw_id(vm, 77));
	KUNIT_EXPECT_PTR_EQ(test, NULL, axv_vcpu_by_hw_id(vm, 78));
	KUNIT_EXPECT_PTR_EQ(test, NULL, axv_vcpu_by_hw_id(vm, 3));
	config.id = 4;
	config.hw_id = axv_fake_ops.max_hw_id + 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, (int)PTR_ERR(axv_vcpu_new(vm, &config)));
	config.hw_id = 4;
	config.id = AXV_MAX_VCPUS;
	KUNIT_EXPECT_EQ(test, -EINVAL, (int)PTR_ERR(axv_vcpu_new(vm, &config)));
	config.id = 4;
	config.favor_phys_cpu = nr_cpu_ids;
	KUNIT_EXPECT_EQ(test, -EINVAL, (int)PTR_ERR(axv_vcpu_new(vm, &config)));
	config.favor_phys_cpu = -2;
	KUNIT_EXPECT_EQ(test, -EINVAL, (int)PTR_ERR(axv_vcpu_new(vm, &config)));

	/* The id is free again once it is closed. */
	axv_vcpu_close(vcpu);
	KUNIT_EXPECT_PTR_EQ(test, NULL, axv_vcpu_by_hw_id(vm, 77));
	config.favor_phys_cpu = -1;
	config.id = 3;
	config.hw_id = 77;
	KUNIT_EXPECT_FALSE(test, IS_ERR(axv_vcpu_new(vm, &config)));
}

/* A sync within a claim of another vCPU. */
static int sync_in_a_claim(struct axv_vcpu *around, struct axv_vcpu *vcpu)
{
	int err = axv_claim_owned(around, AXV_STATES_SET_UP);

	if (err)
		return err;
	axv_nesting_expected = 1;
	err = axv_vcpu_sync(vcpu);
	axv_unclaim(around);
	return axv_nesting_expected ? -EPROTO : err;
}

/* A sync of general registers alone takes no claim, but excludes others as if it did. */
static void sync_of_general_registers(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_READY);
	struct axv_fake *other = axv_fake_in_state(test, 1, AXV_STATE_READY);
	struct axv_vcpu *vcpu = &fake->vcpu;
	unsigned long operations = vcpu->operations;
	struct axv_run *run = vcpu->run;

	run->want = AXV_RUN_SET_GPRS;
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_sync(vcpu));
	KUNIT_EXPECT_EQ(test, 1u, fake->short_syncs);
	KUNIT_EXPECT_EQ(test, AXV_RUN_SET_GPRS, run->valid);
	/* It counts as an operation: a list that is read in batches around it fails. */
	KUNIT_EXPECT_EQ(test, operations + 1, vcpu->operations);
	KUNIT_EXPECT_PTR_EQ(test, NULL, axv_get_current_vcpu());

	run->dirty = AXV_RUN_SET_GPRS;
	run->want = 0;
	fake->fail_prepare = -EINVAL;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_vcpu_sync(vcpu));
	KUNIT_EXPECT_EQ(test, 2u, fake->short_syncs);
	KUNIT_EXPECT_EQ(test, AXV_RUN_SET_GPRS, run->valid);
	KUNIT_EXPECT_PTR_EQ(test, NULL, axv_get_current_vcpu());
	fake->fail_prepare = 0;

	KUNIT_EXPECT_EQ(test, -EDEADLK, sync_in_a_claim(&other->vcpu, vcpu));
	KUNIT_EXPECT_EQ(test, 2u, fake->short_syncs);

	/* Other sets, alone or beside the GPRs, and unknown ones are synced with a claim. */
	run->dirty = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_sync(vcpu));
	run->dirty = 0;
	run->want = AXV_RUN_SET_SREGS;
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_sync(vcpu));
	run->want = 1u << 31;
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_sync(vcpu));
	KUNIT_EXPECT_EQ(test, 2u, fake->short_syncs);
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(vcpu));
}

static struct kunit_case cases[] = {
	KUNIT_CASE(each_operation_from_each_state),
	KUNIT_CASE(sync_of_general_registers),
	KUNIT_CASE(each_operation_by_another_thread),
	KUNIT_CASE(each_operation_while_claimed),
	KUNIT_CASE(the_table_is_what_operations_do),
	KUNIT_CASE(a_failed_setup_poisons),
	KUNIT_CASE(bad_arguments_do_not_poison),
	KUNIT_CASE(a_failed_run_poisons),
	KUNIT_CASE(a_run_shows_running_then_ready),
	KUNIT_CASE(the_error_names_the_state_found),
	KUNIT_CASE(invalid_is_loaded_nowhere),
	KUNIT_CASE(reset_clears_and_keeps),
	KUNIT_CASE(a_full_queue_does_not_poison),
	KUNIT_CASE(registers_have_a_status_each),
	KUNIT_CASE(a_transition_is_a_pair),
	KUNIT_CASE(identity),
	{}
};

axv_test_suite("axvcpu-state", cases, AXV_FAKE_FRAME);
