// SPDX-License-Identifier: GPL-2.0
/*
 * Routes: what is delivered, what is kept, and that a table is set as a whole.  Levels are in
 * level_test.c.
 */
#include <linux/bitops.h>
#include <linux/jiffies.h>
#include <linux/mutex.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xarray.h>

#include <axvcpu/request.h>
#include <axvcpu/route.h>
#include <axvcpu/run.h>
#include <axvcpu/state.h>

#include "fake.h"

#define GSI	77
#define ROUNDS	2000

static int route_init(struct kunit *test)
{
	int err = axv_fake_init(test);

	if (!err)
		((struct axv_vm *)test->priv)->irqchip = AXV_IRQCHIP_GICV3;
	return err;
}

static void route_exit(struct kunit *test)
{
	struct axv_vm *vm = test->priv;

	if (vm) {
		axv_end_routes(vm);
		KUNIT_EXPECT_EQ(test, 0, vm->nr_routes);
		KUNIT_EXPECT_TRUE(test, xa_empty(&vm->routes));
	}
	axv_fake_exit(test);
}

static int set(struct axv_vm *vm, const struct axv_route *routes, u32 count, bool all)
{
	int err;

	mutex_lock(&vm->lock);
	err = axv_set_routes(vm, routes, count, all);
	mutex_unlock(&vm->lock);
	return err;
}

static int get(struct axv_vm *vm, struct axv_route *routes, u32 count)
{
	int err;

	mutex_lock(&vm->lock);
	err = axv_get_routes(vm, routes, count);
	mutex_unlock(&vm->lock);
	return err;
}

static int set_one(struct axv_vm *vm, u32 flags, u32 vcpu)
{
	struct axv_route route = { .gsi = GSI, .flags = flags, .vcpu = vcpu };

	return set(vm, &route, 1, false);
}

/* Empty a vCPU's queue; returns how many events were in it. */
static unsigned int take(struct axv_fake *fake)
{
	unsigned int queued;

	raw_spin_lock_irq(&fake->vcpu.lock);
	queued = fake->queued;
	fake->queued = 0;
	raw_spin_unlock_irq(&fake->vcpu.lock);
	return queued;
}

static void fill(struct kunit *test, struct axv_fake *fake)
{
	const struct axv_inject event = { .type = AXV_INJECT_EXTINT };
	int i;

	for (i = 0; i < FAKE_QUEUE; i++)
		KUNIT_ASSERT_EQ(test, 0, axv_vcpu_inject(&fake->vcpu, &event));
}

static int raise(struct axv_vm *vm)
{
	return axv_route_raise(vm, GSI, AXV_LINE_VMM);
}

static void an_event_goes_to_its_vcpu(struct kunit *test)
{
	struct axv_fake *a = axv_fake_new(test, 0, NULL), *b = axv_fake_new(test, 9, NULL);
	struct axv_vm *vm = test->priv;

	KUNIT_EXPECT_EQ(test, -ENOENT, raise(vm));
	KUNIT_ASSERT_EQ(test, 0, set_one(vm, 0, 9));
	KUNIT_EXPECT_EQ(test, 0, raise(vm));
	KUNIT_EXPECT_EQ(test, 0, take(a));
	KUNIT_EXPECT_EQ(test, 1, take(b));
	KUNIT_ASSERT_EQ(test, 0, set_one(vm, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, take(a));
	KUNIT_EXPECT_EQ(test, 0, raise(vm));
	KUNIT_EXPECT_EQ(test, 1, take(a));

	/* No vCPU is there to take it: the event is lost. */
	KUNIT_ASSERT_EQ(test, 0, set_one(vm, 0, 5));
	KUNIT_EXPECT_EQ(test, 0, raise(vm));
	KUNIT_ASSERT_EQ(test, 0, set_one(vm, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, take(a));

	KUNIT_ASSERT_EQ(test, 0, set_one(vm, AXV_ROUTE_REMOVE, 0));
	KUNIT_ASSERT_EQ(test, 0, set_one(vm, AXV_ROUTE_REMOVE, 0));
	KUNIT_EXPECT_EQ(test, -ENOENT, raise(vm));
}

static void a_masked_route_keeps_one_event(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_vm *vm = test->priv;

	KUNIT_ASSERT_EQ(test, 0, set_one(vm, AXV_ROUTE_MASKED, 0));
	KUNIT_EXPECT_EQ(test, 0, raise(vm));
	KUNIT_EXPECT_EQ(test, 0, raise(vm));
	KUNIT_EXPECT_EQ(test, 0, take(fake));
	KUNIT_ASSERT_EQ(test, 0, set_one(vm, AXV_ROUTE_MASKED, 0));
	KUNIT_EXPECT_EQ(test, 0, take(fake));
	KUNIT_ASSERT_EQ(test, 0, set_one(vm, 0, 0));
	KUNIT_EXPECT_EQ(test, 1, take(fake));
	KUNIT_ASSERT_EQ(test, 0, set_one(vm, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, take(fake));
}

static void a_full_queue_loses_nothing(struct kunit *test)
{
	struct axv_fake *a = axv_fake_new(test, 0, NULL), *b = axv_fake_new(test, 1, NULL);
	struct axv_vm *vm = test->priv;

	KUNIT_ASSERT_EQ(test, 0, set_one(vm, 0, 0));
	fill(test, a);
	KUNIT_EXPECT_EQ(test, 0, raise(vm));
	KUNIT_EXPECT_TRUE(test, a->vcpu.routes_wait);
	/* There is no room yet. */
	axv_routes_retry(&a->vcpu);
	KUNIT_EXPECT_TRUE(test, a->vcpu.routes_wait);
	KUNIT_EXPECT_EQ(test, FAKE_QUEUE, take(a));
	axv_routes_retry(&b->vcpu);
	KUNIT_EXPECT_EQ(test, 0, take(a));
	axv_routes_retry(&a->vcpu);
	KUNIT_EXPECT_FALSE(test, a->vcpu.routes_wait);
	KUNIT_EXPECT_EQ(test, 1, take(a));
	axv_routes_retry(&a->vcpu);
	KUNIT_EXPECT_EQ(test, 0, take(a));

	/* An event that waits goes with its route to another vCPU. */
	fill(test, a);
	KUNIT_EXPECT_EQ(test, 0, raise(vm));
	KUNIT_ASSERT_EQ(test, 0, set_one(vm, 0, 1));
	KUNIT_EXPECT_EQ(test, 1, take(b));
	KUNIT_EXPECT_EQ(test, FAKE_QUEUE, take(a));
	axv_routes_retry(&a->vcpu);
	KUNIT_EXPECT_EQ(test, 0, take(a));
	/* An event waits for that vCPU, too. */
	fill(test, b);
	KUNIT_EXPECT_EQ(test, 0, raise(vm));
	KUNIT_EXPECT_EQ(test, FAKE_QUEUE, take(b));
	axv_routes_retry(&b->vcpu);
	KUNIT_EXPECT_EQ(test, 1, take(b));
}

/* A guest that halts, and whose vCPU waits in the kernel; the run ends when the halt does. */
static int halts(struct axv_fake *fake)
{
	fake->halted = true;
	if (axv_wait_for_event(&fake->vcpu, &fake->halted) == AXV_EXIT)
		return AXV_EXIT_NOTHING;
	return fake->halted ? AXV_EXIT_NONE : AXV_EXIT_HYPERCALL;
}

/*
 * Only a guest that runs makes room.  So a halt ends although no event in the queue would end it.
 */
static void a_full_queue_of_one_that_sleeps(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_in_state(test, 0, AXV_STATE_FREE);
	struct axv_vm *vm = test->priv;
	struct axv_fake_thread runner;
	int i;

	KUNIT_ASSERT_EQ(test, 0, set_one(vm, 0, 0));
	fill(test, fake);
	fake->masked = true;
	fake->guest = halts;
	axv_fake_start(test, &runner, -1, axv_fake_run_fn, &fake->vcpu);
	axv_fake_await_state(test, &fake->vcpu, AXV_STATE_BLOCKED);
	/* An event of the VMM's is refused, so the VMM knows, and the vCPU sleeps on. */
	KUNIT_EXPECT_EQ(test, -EAGAIN, axv_fake_inject(&fake->vcpu));
	schedule_timeout_uninterruptible(HZ / 20);
	KUNIT_EXPECT_EQ(test, AXV_STATE_BLOCKED, axv_vcpu_state(&fake->vcpu));
	KUNIT_EXPECT_EQ(test, 0, raise(vm));
	for (i = 0; i < 2000 && !completion_done(&runner.done); i++)
		schedule_timeout_uninterruptible(HZ / 100);
	if (!completion_done(&runner.done)) {
		KUNIT_FAIL(test, "the vCPU sleeps on although an event waits for room");
		fake->masked = false;
		axv_request(&fake->vcpu, AXV_REQ_EVENT);
	}
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &runner));
	axv_fake_stop(&runner);
	KUNIT_EXPECT_EQ(test, AXV_EXIT_HYPERCALL, fake->vcpu.run->exit_reason);
	KUNIT_EXPECT_EQ(test, FAKE_QUEUE, take(fake));
	axv_routes_retry(&fake->vcpu);
	KUNIT_EXPECT_EQ(test, 1, take(fake));
}

/* A vCPU in the guest is asked to leave, as for an event that was queued. */
static void a_full_queue_is_a_request(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_vm *vm = test->priv;

	KUNIT_ASSERT_EQ(test, 0, set_one(vm, 0, 0));
	fill(test, fake);
	clear_bit(AXV_REQ_EVENT, &fake->vcpu.requests);
	KUNIT_EXPECT_EQ(test, -EAGAIN, axv_fake_inject(&fake->vcpu));
	KUNIT_EXPECT_FALSE(test, axv_test_request(&fake->vcpu, AXV_REQ_EVENT));
	KUNIT_EXPECT_EQ(test, 0, raise(vm));
	KUNIT_EXPECT_TRUE(test, axv_test_request(&fake->vcpu, AXV_REQ_EVENT));
	take(fake);
}

/* The event waits for the next vCPU that has the id. */
static void a_full_queue_that_is_closed(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_vm *vm = test->priv;

	KUNIT_ASSERT_EQ(test, 0, set_one(vm, 0, 0));
	fill(test, fake);
	KUNIT_EXPECT_EQ(test, 0, raise(vm));
	axv_vcpu_close(&fake->vcpu);
	fake = axv_fake_new(test, 0, NULL);
	axv_routes_retry(&fake->vcpu);
	KUNIT_EXPECT_EQ(test, 1, take(fake));
	axv_routes_retry(&fake->vcpu);
	KUNIT_EXPECT_EQ(test, 0, take(fake));
}

/* Routes that are read and set again elsewhere take their pending events with them. */
static void pending_is_state(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_route routes[2] = { { .gsi = GSI, .vector = 3 }, { .gsi = GSI + 1 } };
	struct axv_vm *vm = test->priv;
	struct axv_route saved[2];

	routes[0].flags = AXV_ROUTE_MASKED;
	KUNIT_ASSERT_EQ(test, 0, set(vm, routes, 1, false));
	KUNIT_ASSERT_EQ(test, 0, get(vm, routes, 2));
	KUNIT_EXPECT_EQ(test, AXV_ROUTE_MASKED, routes[0].flags);
	KUNIT_EXPECT_EQ(test, 3, routes[0].vector);
	KUNIT_EXPECT_EQ(test, AXV_ROUTE_REMOVE, routes[1].flags);
	KUNIT_EXPECT_EQ(test, 0, raise(vm));
	memcpy(saved, routes, sizeof(saved));
	saved[0].vector = 0;
	KUNIT_ASSERT_EQ(test, 0, get(vm, saved, 2));
	KUNIT_EXPECT_EQ(test, AXV_ROUTE_MASKED | AXV_ROUTE_PENDING, saved[0].flags);
	KUNIT_EXPECT_EQ(test, 3, saved[0].vector);

	KUNIT_ASSERT_EQ(test, 0, set(vm, NULL, 0, true));
	KUNIT_ASSERT_EQ(test, 0, set(vm, saved, 2, true));
	KUNIT_EXPECT_EQ(test, 1, vm->nr_routes);
	KUNIT_EXPECT_EQ(test, 0, take(fake));
	KUNIT_ASSERT_EQ(test, 0, set_one(vm, 0, 0));
	KUNIT_EXPECT_EQ(test, 1, take(fake));
	KUNIT_ASSERT_EQ(test, 0, get(vm, saved, 1));
	KUNIT_EXPECT_EQ(test, 0, saved[0].flags);

	/* A pending event is delivered at once if the route is not masked. */
	KUNIT_ASSERT_EQ(test, 0, set_one(vm, AXV_ROUTE_PENDING, 0));
	KUNIT_EXPECT_EQ(test, 1, take(fake));
	KUNIT_EXPECT_EQ(test, -EINVAL, set_one(vm, AXV_ROUTE_IN_FLIGHT, 0));
	vm->irqchip = AXV_IRQCHIP_NONE;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, get(vm, saved, 1));
}

static void messages(struct kunit *test)
{
	struct axv_inject event = { .type = AXV_INJECT_MSI, .address = 0xfee00000, .data = 33 };
	struct axv_route route = { .gsi = GSI, .address = 0xfee00000, .data = 33 };
	struct axv_arch_ops ops = axv_fake_ops;
	struct axv_vm *vm = test->priv;

	axv_fake_messages = 0;
	KUNIT_EXPECT_EQ(test, 0, axv_vm_inject(vm, &event));
	KUNIT_EXPECT_EQ(test, 1, axv_fake_messages);
	event.address = 0;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_vm_inject(vm, &event));
	event.priority = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_vm_inject(vm, &event));
	event.priority = 0;

	/* A route of a message needs no vCPU: the back end finds those that it is for. */
	KUNIT_ASSERT_EQ(test, 0, set(vm, &route, 1, false));
	KUNIT_EXPECT_EQ(test, 0, raise(vm));
	KUNIT_EXPECT_EQ(test, 0, raise(vm));
	KUNIT_EXPECT_EQ(test, 3, axv_fake_messages);

	ops.msi = NULL;
	vm->ops = &ops;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, axv_vm_inject(vm, &event));
	vm->ops = &axv_fake_ops;
	vm->irqchip = AXV_IRQCHIP_NONE;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, axv_vm_inject(vm, &event));
}

static void a_table_is_set_as_a_whole(struct kunit *test)
{
	struct axv_vm *vm = test->priv;
	struct axv_route *routes;
	u32 i;

	routes = kunit_kcalloc(test, AXV_MAX_ROUTES + 1, sizeof(*routes), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, routes);
	for (i = 0; i <= AXV_MAX_ROUTES; i++)
		routes[i].gsi = i;
	routes[2].data = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, set(vm, routes, 3, false));
	KUNIT_EXPECT_EQ(test, 0, vm->nr_routes);
	routes[2].data = 0;
	routes[2].flags = 1u << 31;
	KUNIT_EXPECT_EQ(test, -EINVAL, set(vm, routes, 3, true));
	routes[2].flags = 0;
	KUNIT_EXPECT_EQ(test, 0, set(vm, routes, 10, false));
	KUNIT_EXPECT_EQ(test, 10, vm->nr_routes);
	/* With one route too many, none of the new ones is added, and all old ones stay. */
	KUNIT_EXPECT_EQ(test, -ENOSPC, set(vm, routes, AXV_MAX_ROUTES + 1, false));
	KUNIT_EXPECT_EQ(test, 10, vm->nr_routes);
	KUNIT_EXPECT_EQ(test, 0, axv_route_raise(vm, 9, AXV_LINE_VMM));
	KUNIT_EXPECT_EQ(test, -ENOENT, axv_route_raise(vm, 10, AXV_LINE_VMM));
	KUNIT_EXPECT_EQ(test, 0, set(vm, routes, AXV_MAX_ROUTES, false));
	KUNIT_EXPECT_EQ(test, -ENOSPC, set(vm, routes + AXV_MAX_ROUTES, 1, false));
	KUNIT_EXPECT_EQ(test, 0, set(vm, routes + 1, AXV_MAX_ROUTES, true));
	KUNIT_EXPECT_EQ(test, AXV_MAX_ROUTES, vm->nr_routes);
	KUNIT_EXPECT_EQ(test, -ENOENT, axv_route_raise(vm, 0, AXV_LINE_VMM));
	KUNIT_EXPECT_EQ(test, 0, set(vm, routes, 2, true));
	KUNIT_EXPECT_EQ(test, 2, vm->nr_routes);
	/* If a call sets and removes a route, the route is removed. */
	routes[0].flags = AXV_ROUTE_REMOVE;
	routes[1].gsi = 0;
	KUNIT_EXPECT_EQ(test, 0, set(vm, routes, 2, false));
	KUNIT_EXPECT_EQ(test, -ENOENT, axv_route_raise(vm, 0, AXV_LINE_VMM));
	KUNIT_EXPECT_EQ(test, 0, axv_route_raise(vm, 1, AXV_LINE_VMM));
}

static void no_irqchip_no_routes(struct kunit *test)
{
	const struct axv_inject wire = { .type = AXV_INJECT_WIRED, .vector = GSI, .data = 1 };
	struct axv_vm *vm = test->priv;

	KUNIT_EXPECT_EQ(test, -ENOENT, axv_vm_inject(vm, &wire));
	vm->irqchip = AXV_IRQCHIP_NONE;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, set_one(vm, 0, 0));
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, axv_vm_inject(vm, &wire));
}

/* What a VMM may not inject. */
static void events_that_are_refused(struct kunit *test)
{
	struct axv_inject event = { .type = AXV_INJECT_WIRED, .vector = GSI, .data = 1 };
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_vm *vm = test->priv;

	KUNIT_ASSERT_EQ(test, 0, set_one(vm, 0, 0));
	event.data = 2;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_vm_inject(vm, &event));
	event.data = 1;
	event.flags = AXV_EVENT_ROUTED;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_vm_inject(vm, &event));
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_vcpu_inject(&fake->vcpu, &event));
	event.flags = 0;
	event.type = AXV_INJECT_PPI + 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_vm_inject(vm, &event));
	/* An event for one vCPU, not for the VM. */
	event.type = AXV_INJECT_EXTINT;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, axv_vm_inject(vm, &event));
	KUNIT_EXPECT_EQ(test, 0, fake->injects);
	KUNIT_EXPECT_EQ(test, 0, take(fake));
}

static int raise_fn(void *arg)
{
	struct axv_vm *vm = arg;
	int i;

	for (i = 0; i < 10 * ROUNDS; i++)
		raise(vm);
	return 0;
}

static int set_fn(void *arg)
{
	struct axv_vm *vm = arg;
	int i, err = 0;

	for (i = 0; i < ROUNDS && !err; i++)
		err = set_one(vm, i % 3 == 2 ? AXV_ROUTE_REMOVE : i & AXV_ROUTE_MASKED, i & 1);
	return err;
}

static void changes_beside_events(struct kunit *test)
{
	struct axv_fake *a = axv_fake_new(test, 0, NULL), *b = axv_fake_new(test, 1, NULL);
	struct axv_fake_thread raiser, setter;
	struct axv_vm *vm = test->priv;

	axv_fake_start(test, &raiser, cpumask_first(cpu_online_mask), raise_fn, vm);
	axv_fake_start(test, &setter, cpumask_last(cpu_online_mask), set_fn, vm);
	while (!completion_done(&raiser.done)) {
		axv_routes_retry(&a->vcpu);
		axv_routes_retry(&b->vcpu);
		take(a);
		take(b);
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &raiser));
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &setter));
	axv_fake_stop(&raiser);
	axv_fake_stop(&setter);
	/* A route that was removed delivers nothing afterwards. */
	KUNIT_ASSERT_EQ(test, 0, set_one(vm, AXV_ROUTE_REMOVE, 0));
	take(a);
	take(b);
	axv_routes_retry(&a->vcpu);
	KUNIT_EXPECT_EQ(test, 0, take(a) + take(b));
}

static struct kunit_case route_cases[] = {
	KUNIT_CASE(an_event_goes_to_its_vcpu),
	KUNIT_CASE(a_masked_route_keeps_one_event),
	KUNIT_CASE(a_full_queue_loses_nothing),
	KUNIT_CASE(a_full_queue_of_one_that_sleeps),
	KUNIT_CASE(a_full_queue_is_a_request),
	KUNIT_CASE(a_full_queue_that_is_closed),
	KUNIT_CASE(pending_is_state),
	KUNIT_CASE(messages),
	KUNIT_CASE(a_table_is_set_as_a_whole),
	KUNIT_CASE(no_irqchip_no_routes),
	KUNIT_CASE(events_that_are_refused),
	KUNIT_CASE(changes_beside_events),
	{}
};

axv_test_suite("axvcpu-routes", route_cases, .suite_init = axv_fake_suite_init,
	       .suite_exit = axv_fake_suite_exit, .init = route_init, .exit = route_exit);
