// SPDX-License-Identifier: GPL-2.0
/*
 * The VM object: what it is created from, and how it dies.
 */
#include <linux/cpumask.h>
#include <linux/sched.h>

#include <axvcpu/current.h>
#include <axvcpu/request.h>
#include <axvcpu/route.h>

#include "fake.h"
#include "memory_vm.h"

static int new_vm(const struct axv_create_vm *config)
{
	struct axv_vm *vm;

	memory_vm_enter();
	vm = axv_vm_new(&axv_fake_ops, config);
	if (!IS_ERR(vm))
		axv_vm_put(vm);
	memory_vm_leave();
	return PTR_ERR_OR_ZERO(vm);
}

static void which_configurations_are_refused(struct kunit *test)
{
	const struct {
		struct axv_create_vm config;
		int ret;
	} table[] = {
		{ { }, 0 },
		{ { .ipa_bits = 48 }, 0 },
		{ { .flags = AXV_VM_HALT_IN_KERNEL }, 0 },
		{ { .flags = AXV_VM_HALT_IN_KERNEL | AXV_VM_EXIT_ON_EXTINT }, 0 },
		{ { .type = 1 }, -EINVAL },
		{ { .irqchip = AXV_IRQCHIP_LAPIC }, -EOPNOTSUPP },
		{ { .irqchip = AXV_IRQCHIP_AIA }, -EOPNOTSUPP },
		{ { .irqchip = AXV_IRQCHIP_AIA + 1 }, -EINVAL },
		{ { .ipa_bits = 49 }, -EINVAL },
		{ { .ipa_bits = 47 }, -EINVAL },
		{ { .flags = 1u << 31 }, -EINVAL },
		/* The fake back end cannot tell that a guest spins. */
		{ { .flags = AXV_VM_YIELD_ON_SPIN }, -EINVAL },
		/* SGIs: with the irqchip that has them, and halts in the kernel */
		{ { .flags = AXV_VM_SGI_IN_KERNEL | AXV_VM_HALT_IN_KERNEL }, -EINVAL },
		{ { .irqchip = AXV_IRQCHIP_GICV3, .flags = AXV_VM_SGI_IN_KERNEL }, -EINVAL },
		{ { .irqchip = AXV_IRQCHIP_GICV3,
		    .flags = AXV_VM_SGI_IN_KERNEL | AXV_VM_HALT_IN_KERNEL }, 0 },
		{ { .pad = 1 }, -EINVAL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		KUNIT_EXPECT_EQ_MSG(test, table[i].ret, new_vm(&table[i].config),
				    "configuration %zu", i);
}

static void a_vm_needs_an_address_space(struct kunit *test)
{
	const struct axv_create_vm config = {};

	KUNIT_EXPECT_EQ(test, -EINVAL,
			(int)PTR_ERR(axv_vm_new(&axv_fake_ops, &config)));
}

static void a_vm_belongs_to_one_address_space(struct kunit *test)
{
	struct axv_vm *vm = test->priv;

	KUNIT_EXPECT_FALSE(test, axv_vm_is_mine(vm));
	memory_vm_enter();
	KUNIT_EXPECT_TRUE(test, axv_vm_is_mine(vm));
	axv_vm_die(vm);
	KUNIT_EXPECT_FALSE(test, axv_vm_is_mine(vm));
	memory_vm_leave();
}

static void ids_are_not_soon_seen_again(struct kunit *test)
{
	const struct axv_create_vm config = {};
	struct axv_vm *vm = test->priv;
	u32 last = vm->id;
	int i;

	memory_vm_enter();
	for (i = 0; i < 5; i++) {
		struct axv_vm *next = axv_vm_new(&axv_fake_ops, &config);

		KUNIT_ASSERT_FALSE(test, IS_ERR(next));
		KUNIT_EXPECT_GT(test, next->id, last);
		last = next->id;
		axv_vm_put(next);
	}
	memory_vm_leave();
}

static void death_lets_go_of_the_hardware(struct kunit *test)
{
	struct axv_vm *vm = test->priv;
	struct axv_fake *bound = axv_fake_in_state(test, 0, AXV_STATE_READY);
	struct axv_fake *created = axv_fake_in_state(test, 1, AXV_STATE_CREATED);

	KUNIT_EXPECT_GE(test, bound->vcpu.loaded_cpu, 0);
	axv_vm_die(vm);
	KUNIT_EXPECT_EQ(test, -1, bound->vcpu.loaded_cpu);
	KUNIT_EXPECT_TRUE(test, axv_test_request(&bound->vcpu, AXV_REQ_DEAD));
	KUNIT_EXPECT_TRUE(test, axv_test_request(&created->vcpu, AXV_REQ_DEAD));

	/* A reset does not bring it back either. */
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_reset(&bound->vcpu));
	KUNIT_EXPECT_TRUE(test, axv_test_request(&bound->vcpu, AXV_REQ_DEAD));
}

static void death_ends_a_run(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	struct axv_fake_thread thread;

	fake->guest = axv_fake_guest_spin;
	axv_fake_start(test, &thread, -1, axv_fake_run_fn, &fake->vcpu);
	axv_fake_await(test, &fake->entered);
	axv_request(&fake->vcpu, AXV_REQ_DEAD);
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &thread));
	axv_fake_stop(&thread);
	KUNIT_EXPECT_EQ(test, AXV_EXIT_NOTHING, fake->vcpu.run->exit_reason);
}

static void flush(struct axv_vm *vm)
{
	write_lock(&vm->mmu_lock);
	axv_vm_flush_on_entry(vm);
	write_unlock(&vm->mmu_lock);
}

/* @cpu has to be the only CPU of the mask; -1: the mask has to be empty. */
static void expect_only(struct kunit *test, int cpu, const struct cpumask *mask)
{
	KUNIT_EXPECT_EQ(test, cpu >= 0, cpumask_weight(mask));
	if (cpu >= 0)
		KUNIT_EXPECT_TRUE(test, cpumask_test_cpu(cpu, mask));
}

/* Bind and run: the vCPU stays Ready, and is held by the CPU of this thread. */
static int stay_fn(void *arg)
{
	int err = axv_vcpu_bind(arg, false);

	return err ?: axv_vcpu_run(arg);
}

/* A flush interrupts only CPUs that have a vCPU of the VM in the guest. */
static void a_flush_interrupts_only_cpus_in_the_guest(struct kunit *test)
{
	const struct axv_create_vm config = {};
	int cpu = cpumask_last(cpu_online_mask);
	struct axv_vm *vm = test->priv, *other;
	struct axv_fake *a, *b;

	a = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	b = axv_fake_in_state(test, 1, AXV_STATE_FREE);
	memory_vm_enter();
	other = axv_vm_new(&axv_fake_ops, &config);
	memory_vm_leave();
	KUNIT_ASSERT_FALSE(test, IS_ERR(other));
	expect_only(test, -1, vm->held_cpus);

	/*
	 * A CPU holds a vCPU that is outside the guest; then in it, as far as others can
	 * see.
	 */
	KUNIT_EXPECT_EQ(test, 0, axv_fake_call(test, cpu, stay_fn, &a->vcpu));
	KUNIT_EXPECT_EQ(test, cpu, a->vcpu.loaded_cpu);
	expect_only(test, cpu, vm->held_cpus);
	flush(vm);
	expect_only(test, -1, vm->flush_cpus);
	WRITE_ONCE(a->vcpu.mode, AXV_IN_GUEST);
	flush(vm);
	expect_only(test, cpu, vm->flush_cpus);
	/* A flush of another VM interrupts no CPU. */
	flush(other);
	expect_only(test, -1, other->held_cpus);
	expect_only(test, -1, other->flush_cpus);
	WRITE_ONCE(a->vcpu.mode, AXV_OUTSIDE_GUEST);

	/* The CPU has loaded another vCPU since, first outside the guest, then in it. */
	KUNIT_EXPECT_EQ(test, 0, axv_fake_call(test, cpu, stay_fn, &b->vcpu));
	flush(vm);
	expect_only(test, -1, vm->flush_cpus);
	WRITE_ONCE(b->vcpu.mode, AXV_IN_GUEST);
	flush(vm);
	expect_only(test, cpu, vm->flush_cpus);
	WRITE_ONCE(b->vcpu.mode, AXV_OUTSIDE_GUEST);

	/* The CPU's bit stays until it has let go of both vCPUs. */
	axv_vcpu_evict(&a->vcpu);
	expect_only(test, cpu, vm->held_cpus);
	KUNIT_EXPECT_EQ(test, 0, axv_fake_call(test, cpu, stay_fn, &b->vcpu));
	axv_vcpu_evict(&b->vcpu);
	expect_only(test, -1, vm->held_cpus);
	flush(vm);
	expect_only(test, -1, vm->flush_cpus);
	axv_vm_put(other);
}

static void a_flush_counts_and_comes_back(struct kunit *test)
{
	struct axv_vm *vm = test->priv;
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	s64 before = atomic64_read(&vm->tlb_gen);
	struct axv_fake_thread thread;
	int i;

	fake->guest = axv_fake_guest_spin;
	axv_fake_start(test, &thread, cpumask_last(cpu_online_mask),
		       axv_fake_run_fn, &fake->vcpu);
	axv_fake_await(test, &fake->entered);
	for (i = 0; i < 1000; i++)
		flush(vm);
	KUNIT_EXPECT_EQ(test, before + 1000, atomic64_read(&vm->tlb_gen));
	axv_vcpu_kick(&fake->vcpu);
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &thread));
	axv_fake_stop(&thread);
}

static void a_vm_without_irqchip_takes_no_event(struct kunit *test)
{
	struct axv_inject event = { .type = AXV_INJECT_MSI };

	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, axv_vm_inject(test->priv, &event));
	event.type = AXV_INJECT_EXTINT;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, axv_vm_inject(test->priv, &event));
	event.type = AXV_INJECT_PPI + 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_vm_inject(test->priv, &event));
}

static void a_vcpu_keeps_its_vm(struct kunit *test)
{
	const struct axv_create_vm config = {};
	struct axv_vcpu_config identity = { .favor_phys_cpu = -1 };
	struct axv_vcpu *vcpu;
	struct axv_vm *vm;

	memory_vm_enter();
	vm = axv_vm_new(&axv_fake_ops, &config);
	memory_vm_leave();
	KUNIT_ASSERT_FALSE(test, IS_ERR(vm));
	vcpu = axv_vcpu_new(vm, &identity);
	axv_vm_put(vm);
	KUNIT_ASSERT_FALSE(test, IS_ERR(vcpu));
	KUNIT_EXPECT_NE(test, 0u, axv_vcpu_vm_id(vcpu));
	KUNIT_EXPECT_FALSE(test, vcpu->vm->dead);
	axv_vcpu_close(vcpu);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(which_configurations_are_refused),
	KUNIT_CASE(a_vm_needs_an_address_space),
	KUNIT_CASE(a_vm_belongs_to_one_address_space),
	KUNIT_CASE(ids_are_not_soon_seen_again),
	KUNIT_CASE(death_lets_go_of_the_hardware),
	KUNIT_CASE(death_ends_a_run),
	KUNIT_CASE(a_flush_interrupts_only_cpus_in_the_guest),
	KUNIT_CASE(a_flush_counts_and_comes_back),
	KUNIT_CASE(a_vm_without_irqchip_takes_no_event),
	KUNIT_CASE(a_vcpu_keeps_its_vm),
	{}
};

axv_test_suite("axvcpu-vm", cases, AXV_FAKE_FRAME);
