// SPDX-License-Identifier: GPL-2.0
/*
 * The fake back end: it has no hardware, but does all that the core expects of a back end.
 */
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/smp.h>

#include <axvcpu/current.h>
#include <axvcpu/hardware.h>
#include <axvcpu/request.h>
#include <axvcpu/state.h>
#include <axvcpu/work.h>

#include "fake.h"
#include "memory_vm.h"
#include "../debugfs.h"

/*
 * The longest wait before a test has failed, since a thread hangs.  Some tests take 30 s if
 * the CPUs are busy.  After 300 s KUnit goes on without the test's thread.
 */
#define TIMEOUT	(240 * HZ)

/* ---- the back end ------------------------------------------------------- */

static void check_current(struct axv_vcpu *vcpu)
{
	if (axv_get_current_vcpu() != vcpu)
		to_fake(vcpu)->current_was_wrong++;
}

static int fake_query(u32 id, u64 *value)
{
	if (id != AXV_QUERY_IPA_BITS)
		return -EINVAL;
	*value = 48;
	return 0;
}

static int fake_get_table(struct axv_vm *vm, struct axv_vcpu *vcpu, u32 kind,
			  void *buf, u32 *count)
{
	return -EINVAL;
}

static int fake_set_table(struct axv_vm *vm, struct axv_vcpu *vcpu, u32 kind,
			  void *buf, u32 count)
{
	return -EINVAL;
}

static u32 fake_table_entry_size(u32 kind)
{
	return 0;
}

static const struct axv_s2_format fake_format = {
	.levels = 4,
	.ipa_bits = 48,
	.max_leaf_level = 3,
	.table = 0x27,
	.leaf = 0x5,
	.leaf_block = 0x80,
	.present_mask = 0x1,
	.table_mask = 0x80,
	.writable = 0x2,
	.not_executable = BIT_ULL(63),
	.accessed = 0x20,
	.dirty = 0x40,
	.addr_mask = GENMASK_ULL(51, 12),
};

static const struct axv_s2_format *fake_s2_format(unsigned int ipa_bits)
{
	return ipa_bits == 48 ? &fake_format : NULL;
}

static int fake_vm_create(struct axv_vm *vm)
{
	return 0;
}

static void fake_vm_destroy(struct axv_vm *vm)
{
}

static u64 fake_get_counter(struct axv_vm *vm)
{
	return 0;
}

static void fake_set_counter(struct axv_vm *vm, u64 value)
{
}

static int fake_vcpu_create(struct axv_vcpu *vcpu)
{
	init_completion(&to_fake(vcpu)->entered);
	return 0;
}

static void fake_vcpu_destroy(struct axv_vcpu *vcpu)
{
}

static int fake_check_setup(struct axv_vcpu *vcpu, const struct axv_setup *setup)
{
	return to_fake(vcpu)->fail_check_setup;
}

static int fake_vcpu_setup(struct axv_vcpu *vcpu, const struct axv_setup *setup)
{
	check_current(vcpu);
	to_fake(vcpu)->entry = setup->entry;
	return to_fake(vcpu)->fail_setup;
}

static void fake_vcpu_reset(struct axv_vcpu *vcpu)
{
	struct axv_fake *fake = to_fake(vcpu);

	check_current(vcpu);
	fake->resets++;
	fake->entry = 0;
	memset(fake->gpr, 0, sizeof(fake->gpr));
	raw_spin_lock_irq(&vcpu->lock);
	fake->queued = 0;
	raw_spin_unlock_irq(&vcpu->lock);
}

static void fake_load(struct axv_vcpu *vcpu, int cpu)
{
	struct axv_fake *fake = to_fake(vcpu);

	check_current(vcpu);
	if (!irqs_disabled() || cpu != smp_processor_id())
		fake->fail_load++;
	if (vcpu->loaded_cpu == cpu) {
		fake->returns++;
		return;
	}
	if (fake->loads != fake->unloads || vcpu->loaded_cpu != -1)
		fake->fail_load++;
	fake->loads++;
}

static void fake_unload(struct axv_vcpu *vcpu)
{
	struct axv_fake *fake = to_fake(vcpu);

	if (!irqs_disabled() || READ_ONCE(vcpu->loaded_cpu) != smp_processor_id())
		fake->fail_load++;
	fake->unloads++;
}

static void fake_store_run(struct axv_vcpu *vcpu)
{
	vcpu->run->valid = READ_ONCE(vcpu->run->want);
}

static int fake_prepare_run(struct axv_vcpu *vcpu)
{
	check_current(vcpu);
	return to_fake(vcpu)->fail_prepare;
}

static int fake_sync_gprs(struct axv_vcpu *vcpu, u32 dirty, u32 want)
{
	struct axv_fake *fake = to_fake(vcpu);

	lockdep_assert_held(&vcpu->lock);
	check_current(vcpu);
	fake->short_syncs++;
	if (dirty && fake->fail_prepare)
		return fake->fail_prepare;
	vcpu->run->valid = want;
	return 0;
}

/* The exit that ends a run before its next entry, or NONE.  Takes a kick that it reports. */
static u32 interrupted(struct axv_vcpu *vcpu)
{
	if (axv_take_request(vcpu, AXV_REQ_KICK))
		return AXV_EXIT_KICKED;
	if (axv_test_request(vcpu, AXV_REQ_DEAD) ||
	    axv_user_work_stops_entry(vcpu, read_thread_flags()))
		return AXV_EXIT_NOTHING;
	return AXV_EXIT_NONE;
}

/* To the core, this is an entry into the guest and an exit from it. */
static u32 enter(struct axv_vcpu *vcpu)
{
	u32 reason;

	preempt_disable();
	if (!axv_vcpu_may_run_on(vcpu, smp_processor_id())) {
		vcpu->run->exit.wrong_cpu.cpu = smp_processor_id();
		preempt_enable();
		return AXV_EXIT_WRONG_CPU;
	}
	axv_vcpu_load(vcpu);
	local_irq_disable();
	/* Pairs with axv_request(). */
	smp_store_mb(vcpu->mode, AXV_IN_GUEST);
	reason = interrupted(vcpu);
	if (reason == AXV_EXIT_NONE && axv_hardware_is_lost())
		reason = AXV_EXIT_FAIL_ENTRY;
	axv_take_request(vcpu, AXV_REQ_EVENT);
	vcpu->stats.entries++;
	local_irq_enable();
	WRITE_ONCE(vcpu->mode, AXV_OUTSIDE_GUEST);
	preempt_enable();
	return reason;
}

static int fake_run(struct axv_vcpu *vcpu)
{
	struct axv_fake *fake = to_fake(vcpu);
	int reason;

	fake->runs++;
	do {
		check_current(vcpu);
		reason = enter(vcpu);
		if (reason)
			break;
		complete(&fake->entered);
		reason = fake->guest ? fake->guest(fake) : AXV_EXIT_HYPERCALL;
		cond_resched();
	} while (!reason);
	check_current(vcpu);
	if (reason < 0)
		return reason;
	vcpu->run->exit_reason = reason;
	vcpu->stats.exits[reason]++;
	return 0;
}

static int fake_inject(struct axv_vcpu *vcpu, const struct axv_inject *event)
{
	struct axv_fake *fake = to_fake(vcpu);

	lockdep_assert_held(&vcpu->lock);
	fake->injects++;
	if (event->type == AXV_INJECT_WIRED && event->vector == FAKE_OWN_WIRE)
		return -EINVAL;
	if (event->type == AXV_INJECT_WIRED && !event->data) {
		fake->wires &= ~BIT_ULL(event->vector);
		return 0;
	}
	if (fake->queued == FAKE_QUEUE)
		return -EAGAIN;
	if (event->type == AXV_INJECT_WIRED)
		fake->wires |= BIT_ULL(event->vector);
	else
		fake->queued++;
	return 0;
}

static int fake_route(const struct axv_vm *vm, const struct axv_route *route,
		      struct axv_inject *event)
{
	event->type = AXV_INJECT_EXTINT;
	event->vector = route->vector;
	if (route->address) {
		event->type = AXV_INJECT_MSI;
		event->address = route->address;
		event->data = route->data;
		event->vector = route->data & 0xff;
	} else if (route->data) {
		return -EINVAL;
	} else if (route->flags & AXV_ROUTE_LEVEL) {
		event->type = AXV_INJECT_WIRED;
		event->data = 1;
	}
	return 0;
}

u32 axv_fake_messages;

static int fake_msi(struct axv_vm *vm, const struct axv_inject *event)
{
	RCU_LOCKDEP_WARN(!rcu_read_lock_held(), "a message without RCU");
	if (!event->address)
		return -EINVAL;
	axv_fake_messages++;
	return 0;
}

static bool fake_has_event(struct axv_vcpu *vcpu)
{
	lockdep_assert_held(&vcpu->lock);
	return to_fake(vcpu)->queued && !to_fake(vcpu)->masked;
}

/* A read has to be of the current vCPU, with preemption off and interrupts on. */
static void check_read(struct axv_vcpu *vcpu)
{
	check_current(vcpu);
	if (preemptible() || irqs_disabled())
		to_fake(vcpu)->read_was_wrong++;
}

static int fake_get_reg(struct axv_vcpu *vcpu, u64 id, u64 *value)
{
	struct axv_fake *fake = to_fake(vcpu);
	int err;

	check_read(vcpu);
	fake->reads++;
	err = fake->on_read ? fake->on_read(fake) : 0;
	if (err)
		return err;
	if (id >= FAKE_GPRS)
		return -ENOENT;
	*value = to_fake(vcpu)->gpr[id];
	return 0;
}

static int fake_set_reg(struct axv_vcpu *vcpu, u64 id, u64 value)
{
	check_current(vcpu);
	if (id >= FAKE_GPRS)
		return -ENOENT;
	if (value == FAKE_BAD_VALUE)
		return -EINVAL;
	to_fake(vcpu)->gpr[id] = value;
	return 0;
}

static int fake_get_fpu(struct axv_vcpu *vcpu, void *data, size_t size)
{
	check_read(vcpu);
	return 0;
}

static int fake_set_fpu(struct axv_vcpu *vcpu, const void *data, size_t size)
{
	check_current(vcpu);
	return 0;
}

const struct axv_arch_ops axv_fake_ops = {
	.name = "fake",
	.backend = AXV_BACKEND_FAKE,
	.vm_size = sizeof(struct axv_vm),
	.vcpu_size = sizeof(struct axv_fake),
	.max_hw_id = 255,
	.has_ports = true,
	.inject_types[AXV_IRQCHIP_NONE] = BIT(AXV_INJECT_EXTINT) | BIT(AXV_INJECT_NMI),
	.inject_types[AXV_IRQCHIP_GICV3] = BIT(AXV_INJECT_EXTINT) | BIT(AXV_INJECT_WIRED),
	.vm_flags[AXV_IRQCHIP_GICV3] = AXV_VM_SGI_IN_KERNEL,
	.query = fake_query,
	.get_table = fake_get_table,
	.set_table = fake_set_table,
	.table_entry_size = fake_table_entry_size,
	.s2_format = fake_s2_format,
	.flush_stage2 = axv_vm_flush_on_entry,
	.vm_create = fake_vm_create,
	.vm_destroy = fake_vm_destroy,
	.get_counter = fake_get_counter,
	.set_counter = fake_set_counter,
	.vcpu_create = fake_vcpu_create,
	.vcpu_destroy = fake_vcpu_destroy,
	.check_setup = fake_check_setup,
	.vcpu_setup = fake_vcpu_setup,
	.vcpu_reset = fake_vcpu_reset,
	.load = fake_load,
	.unload = fake_unload,
	.prepare_run = fake_prepare_run,
	.store_run = fake_store_run,
	.sync_gprs = fake_sync_gprs,
	.run = fake_run,
	.inject = fake_inject,
	.route = fake_route,
	.msi = fake_msi,
	.has_event = fake_has_event,
	.get_reg = fake_get_reg,
	.set_reg = fake_set_reg,
	.get_fpu = fake_get_fpu,
	.set_fpu = fake_set_fpu,
};

/* A guest that never leaves by itself. */
int axv_fake_guest_spin(struct axv_fake *fake)
{
	return AXV_EXIT_NONE;
}

/* A guest that halts, and whose vCPU waits in the kernel; an event ends the run. */
int axv_fake_guest_halt(struct axv_fake *fake)
{
	bool event;

	if (axv_vcpu_block(&fake->vcpu) < 0)
		return AXV_EXIT_NOTHING;
	raw_spin_lock_irq(&fake->vcpu.lock);
	event = fake->queued;
	if (event)
		fake->queued--;
	raw_spin_unlock_irq(&fake->vcpu.lock);
	return event ? AXV_EXIT_HYPERCALL : AXV_EXIT_NONE;
}

/* ---- a test's frame ----------------------------------------------------- */

static void set_enabled(void *info)
{
	bool *on = info;

	__this_cpu_write(axv_percpu.enabled, *on);
}

/* Does for all CPUs what the fake back end lacks: hardware_enable(). */
void axv_fake_enable_cpus(bool on)
{
	on_each_cpu(set_enabled, &on, 1);
}

/*
 * The suites run before the module's own initialization.  The real hardware is off, and the
 * fake back end needs none; but the core loads nothing on a CPU that is not enabled.
 */
int axv_fake_suite_init(struct kunit_suite *suite)
{
	axv_kick_init();
	axv_debugfs_init();
	axv_fake_enable_cpus(true);
	return memory_vm_suite_init(suite);
}

void axv_fake_suite_exit(struct kunit_suite *suite)
{
	memory_vm_suite_exit(suite);
	axv_fake_enable_cpus(false);
	axv_debugfs_exit();
	axv_kick_flush();
}

int axv_fake_init(struct kunit *test)
{
	const struct axv_create_vm config = {};
	struct axv_vm *vm;

	memory_vm_enter();
	vm = axv_vm_new(&axv_fake_ops, &config);
	memory_vm_leave();
	KUNIT_ASSERT_FALSE(test, IS_ERR(vm));
	test->priv = vm;
	return 0;
}

void axv_fake_exit(struct kunit *test)
{
	struct axv_vm *vm = test->priv;
	struct axv_vcpu *vcpu;
	unsigned long id;

	if (!vm)
		return;
	xa_for_each(&vm->vcpus, id, vcpu) {
		struct axv_fake *fake = to_fake(vcpu);

		KUNIT_EXPECT_EQ_MSG(test, 0u, fake->fail_load, "vCPU %lu", id);
		KUNIT_EXPECT_EQ_MSG(test, 0u, fake->current_was_wrong,
				    "vCPU %lu", id);
		KUNIT_EXPECT_EQ_MSG(test, 0u, fake->read_was_wrong, "vCPU %lu", id);
		kref_get(&vcpu->ref);
		axv_vcpu_close(vcpu);
		KUNIT_EXPECT_EQ(test, -1, vcpu->loaded_cpu);
		KUNIT_EXPECT_EQ_MSG(test, fake->loads, fake->unloads,
				    "vCPU %lu", id);
		axv_vcpu_put(vcpu);
	}
	KUNIT_EXPECT_PTR_EQ(test, NULL, (void *)axv_get_current_vcpu());
	axv_vm_put(vm);
}

struct axv_fake *axv_fake_new(struct kunit *test, u32 id,
			      const struct cpumask *set)
{
	const struct axv_vcpu_config config = {
		.id = id,
		.hw_id = id,
		.favor_phys_cpu = -1,
		.phys_cpu_set = set,
	};
	struct axv_vcpu *vcpu = axv_vcpu_new(test->priv, &config);

	KUNIT_ASSERT_FALSE(test, IS_ERR(vcpu));
	return to_fake(vcpu);
}

/* A new vCPU in a state that this thread can reach alone: any but Running and Blocked. */
struct axv_fake *axv_fake_in_state(struct kunit *test, u32 id, u8 state)
{
	const struct axv_setup setup = {};
	struct axv_fake *fake = axv_fake_new(test, id, NULL);
	struct axv_vcpu *vcpu = &fake->vcpu;

	if (state == AXV_STATE_INVALID)
		KUNIT_ASSERT_EQ(test, -EBADFD, axv_vcpu_unbind(vcpu));
	if (state >= AXV_STATE_FREE)
		KUNIT_ASSERT_EQ(test, 0, axv_vcpu_setup(vcpu, &setup));
	if (state >= AXV_STATE_READY)
		KUNIT_ASSERT_EQ(test, 0, axv_vcpu_bind(vcpu, false));
	KUNIT_ASSERT_EQ(test, state, axv_vcpu_state(vcpu));
	return fake;
}

/* Put a vCPU into any state, as if this thread had brought it there. */
void axv_fake_force(struct axv_fake *fake, u8 state)
{
	struct axv_vcpu *vcpu = &fake->vcpu;
	struct pid *owner = NULL, *old;

	if (state >= AXV_STATE_READY)
		owner = get_pid(task_pid(current));
	raw_spin_lock_irq(&vcpu->lock);
	old = vcpu->owner;
	vcpu->owner = owner;
	WRITE_ONCE(vcpu->state, state);
	raw_spin_unlock_irq(&vcpu->lock);
	put_pid(old);
}

/* ---- threads ------------------------------------------------------------ */

static int thread_fn(void *arg)
{
	struct axv_fake_thread *thread = arg;

	allow_signal(SIGUSR1);
	thread->ret = thread->fn(thread->arg);
	complete(&thread->done);
	for (;;) {
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		flush_signals(current);
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

/* Runs @fn in a thread of its own, which lives until axv_fake_stop(). */
void axv_fake_start(struct kunit *test, struct axv_fake_thread *thread, int cpu,
		    int (*fn)(void *arg), void *arg)
{
	thread->fn = fn;
	thread->arg = arg;
	init_completion(&thread->done);
	thread->task = kthread_create(thread_fn, thread, "axv-kunit");
	KUNIT_ASSERT_FALSE(test, IS_ERR(thread->task));
	get_task_struct(thread->task);
	if (cpu >= 0)
		set_cpus_allowed_ptr(thread->task, cpumask_of(cpu));
	wake_up_process(thread->task);
}

/* Wait until @fn of a thread has returned; returns what it did. */
int axv_fake_wait(struct kunit *test, struct axv_fake_thread *thread)
{
	axv_fake_await(test, &thread->done);
	return thread->ret;
}

/* The thread is dead when this returns. */
void axv_fake_stop(struct axv_fake_thread *thread)
{
	kthread_stop(thread->task);
	put_task_struct(thread->task);
}

/* Call @fn in a thread of its own, which is dead when this returns. */
int axv_fake_call(struct kunit *test, int cpu, int (*fn)(void *arg), void *arg)
{
	struct axv_fake_thread thread;
	int ret;

	axv_fake_start(test, &thread, cpu, fn, arg);
	ret = axv_fake_wait(test, &thread);
	axv_fake_stop(&thread);
	return ret;
}

/*
 * A test waits for a thread that uses the test's vCPU and what is on its stack, so
 * it must not go on, or end, without that thread: a wait that takes too long fails
 * the test, once, and goes on.
 */
void axv_fake_await(struct kunit *test, struct completion *done)
{
	if (wait_for_completion_timeout(done, TIMEOUT))
		return;
	KUNIT_FAIL(test, "waits for a thread for more than %u s", TIMEOUT / HZ);
	wait_for_completion(done);
}

void axv_fake_await_state(struct kunit *test, struct axv_vcpu *vcpu, u8 state)
{
	unsigned long end = jiffies + TIMEOUT;
	bool failed = false;

	while (axv_vcpu_state(vcpu) != state) {
		if (!failed && time_after(jiffies, end)) {
			failed = true;
			KUNIT_FAIL(test, "waits for state %u in state %u for more than %u s",
				   state, axv_vcpu_state(vcpu), TIMEOUT / HZ);
		}
		schedule_timeout_uninterruptible(1);
	}
}

/* For axv_fake_start(): bind, run, unbind; the first error, or 0. */
int axv_fake_run_fn(void *arg)
{
	struct axv_vcpu *vcpu = arg;
	int err;

	err = axv_vcpu_bind(vcpu, false);
	if (err)
		return err;
	err = axv_vcpu_run(vcpu);
	if (!err)
		err = axv_vcpu_unbind(vcpu);
	return err;
}

/* Inject an external interrupt. */
int axv_fake_inject(struct axv_vcpu *vcpu)
{
	const struct axv_inject event = { .type = AXV_INJECT_EXTINT, .vector = 32 };

	return axv_vcpu_inject(vcpu, &event);
}
