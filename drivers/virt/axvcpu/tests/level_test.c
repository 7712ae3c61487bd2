// SPDX-License-Identifier: GPL-2.0
/*
 * Level routes: what holds a wire up, and which eventfds are signalled when its interrupt
 * ends.
 */
#include <linux/atomic.h>
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mutex.h>

#include <axvcpu/route.h>
#include <axvcpu/state.h>

#include "fake.h"
#include "../eventfd.h"
#include "../resample.h"

#define GSI	16
#define OTHER	17
#define NEW	18
#define WIRE	5
#define VECTOR	0x41
#define ADDRESS	0xfee00000ull
#define FDS	3
#define MANY	64
#define ROUNDS	3000

/**
 * struct device - a device with a resample eventfd
 * @rings:	how often its eventfd was signalled
 * @refs:	references to its eventfd
 * @vm:		not NULL: the device is still up, and each signal raises @gsi
 * @gsi:	a route
 * @vcpu:	not NULL: each signal reads the wires of this vCPU
 * @wires:	which of these wires were high at the last signal
 * @turn:	signals of all eventfds of the test until then
 */
struct device {
	atomic_t rings;
	atomic_t refs;
	struct axv_vm *vm;
	u32 gsi;
	struct axv_fake *vcpu;
	u64 wires;
	int turn;
};

/* By descriptor. */
static struct device devices[FDS];
static atomic_t turns;

static u64 wires(struct axv_fake *fake)
{
	u64 wires;

	raw_spin_lock_irq(&fake->vcpu.lock);
	wires = fake->wires;
	raw_spin_unlock_irq(&fake->vcpu.lock);
	return wires;
}

static struct eventfd_ctx *device_get(int fd)
{
	if (fd < 0 || fd >= FDS)
		return ERR_PTR(-EBADF);
	atomic_inc(&devices[fd].refs);
	return (struct eventfd_ctx *)&devices[fd];
}

static void device_signal(struct eventfd_ctx *eventfd)
{
	struct device *device = (struct device *)eventfd;

	/* On a realtime kernel signalling sleeps. */
	might_sleep();
	WARN_ON_ONCE(!atomic_read(&device->refs));
	atomic_inc(&device->rings);
	device->turn = atomic_inc_return(&turns);
	if (device->vcpu)
		device->wires = wires(device->vcpu);
	if (device->vm)
		axv_route_raise(device->vm, device->gsi, AXV_LINE_IRQFD);
}

static void device_put(struct eventfd_ctx *eventfd)
{
	atomic_dec(&((struct device *)eventfd)->refs);
}

static const struct axv_eventfd_stub stub = {
	.get = device_get,
	.signal = device_signal,
	.put = device_put,
};

static int level_suite_init(struct kunit_suite *suite)
{
	int err = axv_irqfd_init();

	return err ?: axv_fake_suite_init(suite);
}

static void level_suite_exit(struct kunit_suite *suite)
{
	axv_fake_suite_exit(suite);
	axv_irqfd_exit();
}

static int level_init(struct kunit *test)
{
	int err;

	memset(devices, 0, sizeof(devices));
	atomic_set(&turns, 0);
	axv_fake_messages = 0;
	axv_eventfd_stub = &stub;
	err = axv_fake_init(test);
	if (!err)
		((struct axv_vm *)test->priv)->irqchip = AXV_IRQCHIP_GICV3;
	return err;
}

static void level_exit(struct kunit *test)
{
	struct axv_vm *vm = test->priv;
	struct axv_vcpu *vcpu;
	unsigned long id;
	int i;

	axv_end_routes(vm);
	/* Without routes no wire is high. */
	xa_for_each(&vm->vcpus, id, vcpu)
		KUNIT_EXPECT_EQ(test, 0, to_fake(vcpu)->wires);
	KUNIT_EXPECT_TRUE(test, xa_empty(&vm->resamplers));
	axv_fake_exit(test);
	for (i = 0; i < FDS; i++)
		KUNIT_EXPECT_EQ_MSG(test, 0, atomic_read(&devices[i].refs), "eventfd %d", i);
	axv_eventfd_stub = NULL;
}

static int set_routes(struct axv_vm *vm, const struct axv_route *routes, u32 count)
{
	int err;

	mutex_lock(&vm->lock);
	err = axv_set_routes(vm, routes, count, false);
	mutex_unlock(&vm->lock);
	return err;
}

/* Set a route to a wire of a vCPU. */
static int set_wire(struct axv_vm *vm, u32 gsi, u32 flags, u32 vcpu, u32 wire)
{
	struct axv_route route = {
		.gsi = gsi, .flags = AXV_ROUTE_LEVEL | flags, .vcpu = vcpu, .vector = wire,
	};

	return set_routes(vm, &route, 1);
}

/* Set a route to a message that is sent while a pin is high. */
static int set_pin(struct axv_vm *vm, u32 gsi, u32 flags)
{
	struct axv_route route = {
		.gsi = gsi, .flags = AXV_ROUTE_LEVEL | flags, .address = ADDRESS,
		.data = VECTOR,
	};

	return set_routes(vm, &route, 1);
}

static int remove(struct axv_vm *vm, u32 gsi)
{
	struct axv_route route = { .gsi = gsi, .flags = AXV_ROUTE_REMOVE };

	return set_routes(vm, &route, 1);
}

static u32 flags_of(struct kunit *test, u32 gsi)
{
	struct axv_route route = { .gsi = gsi };
	struct axv_vm *vm = test->priv;

	mutex_lock(&vm->lock);
	KUNIT_EXPECT_EQ(test, 0, axv_get_routes(vm, &route, 1));
	mutex_unlock(&vm->lock);
	return route.flags;
}

static struct axv_resampler *hears(struct kunit *test, u32 gsi, int fd)
{
	struct axv_resampler *resampler = axv_resampler_add(test->priv, gsi, fd);

	KUNIT_ASSERT_FALSE(test, IS_ERR(resampler));
	return resampler;
}

static void forget(struct kunit *test, struct axv_resampler *resampler)
{
	axv_resampler_end(test->priv, resampler);
}

/* Raise a route as an irqfd with a resample eventfd does. */
static void device_raises(struct kunit *test, u32 gsi)
{
	KUNIT_EXPECT_EQ(test, 0, axv_route_raise(test->priv, gsi, AXV_LINE_IRQFD));
}

static int vmm_sets(struct axv_vm *vm, u32 gsi, u32 level)
{
	const struct axv_inject event = {
		.type = AXV_INJECT_WIRED, .vector = gsi, .data = level,
	};

	return axv_vm_inject(vm, &event);
}

/* End an interrupt.  Returns whether the VMM has to be told. */
static bool ends(struct axv_fake *fake, u32 vector)
{
	return AXV_CLAIMED(&fake->vcpu, axv_routes_ended(&fake->vcpu, vector));
}

static int rings(int fd)
{
	return atomic_read(&devices[fd].rings);
}

#define HIGH	BIT_ULL(WIRE)

static void an_end_takes_a_level_back(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL), *other = axv_fake_new(test, 1, NULL);
	struct axv_resampler *resampler;
	struct axv_vm *vm = test->priv;

	/* No route has delivered it, so the VMM is told. */
	KUNIT_EXPECT_TRUE(test, ends(fake, WIRE));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	resampler = hears(test, GSI, 0);
	KUNIT_EXPECT_TRUE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 0, rings(0));

	device_raises(test, GSI);
	device_raises(test, GSI);
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	KUNIT_EXPECT_EQ(test, AXV_ROUTE_LEVEL | AXV_ROUTE_IN_FLIGHT, flags_of(test, GSI));
	/*
	 * The end of another interrupt, and of the same INTID at another vCPU, change
	 * nothing.
	 */
	KUNIT_EXPECT_TRUE(test, ends(fake, WIRE + 1));
	KUNIT_EXPECT_TRUE(test, ends(other, WIRE));
	KUNIT_EXPECT_EQ(test, 0, rings(0));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));

	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 1, rings(0));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));
	KUNIT_EXPECT_EQ(test, AXV_ROUTE_LEVEL, flags_of(test, GSI));
	KUNIT_EXPECT_TRUE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 1, rings(0));

	/* Without the resample eventfd the VMM is told, and the wire falls. */
	device_raises(test, GSI);
	forget(test, resampler);
	KUNIT_EXPECT_TRUE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 1, rings(0));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));
}

static void a_level_of_the_vmm(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_resampler *resampler;
	struct axv_vm *vm = test->priv;

	KUNIT_EXPECT_EQ(test, -ENOENT, vmm_sets(vm, GSI, 0));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	resampler = hears(test, GSI, 0);
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, GSI, 1));
	KUNIT_EXPECT_TRUE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, GSI, 0));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));
	KUNIT_EXPECT_EQ(test, 0, rings(0));

	/* The VMM and a device hold the same wire up. */
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, GSI, 1));
	device_raises(test, GSI);
	KUNIT_EXPECT_TRUE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 1, rings(0));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	device_raises(test, GSI);
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, GSI, 0));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 2, rings(0));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));

	/* A level that falls before it was delivered is not delivered. */
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, AXV_ROUTE_MASKED, 0, WIRE));
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, GSI, 1));
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, GSI, 0));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));
	forget(test, resampler);
}

/* Two sources have two routes to one wire. */
static void a_wire_of_two_routes(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_vm *vm = test->priv;
	struct axv_resampler *a, *b;

	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, OTHER, 0, 0, WIRE));
	a = hears(test, GSI, 0);
	b = hears(test, OTHER, 1);
	device_raises(test, GSI);
	device_raises(test, OTHER);
	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 1, rings(0));
	KUNIT_EXPECT_EQ(test, 1, rings(1));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));

	/* A device holds one route up, the VMM the other one. */
	device_raises(test, GSI);
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, OTHER, 1));
	KUNIT_EXPECT_TRUE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 2, rings(0));
	KUNIT_EXPECT_EQ(test, 1, rings(1));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	device_raises(test, GSI);
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, OTHER, 0));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	/* One route is removed; the other one still holds the wire up. */
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, OTHER, 1));
	KUNIT_ASSERT_EQ(test, 0, remove(vm, OTHER));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	KUNIT_ASSERT_EQ(test, 0, remove(vm, GSI));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));
	forget(test, a);
	forget(test, b);
}

/* How many events has the vCPU got since the last call? */
static unsigned int injects(struct axv_fake *fake)
{
	unsigned int injects;

	raw_spin_lock_irq(&fake->vcpu.lock);
	injects = fake->injects;
	fake->injects = 0;
	raw_spin_unlock_irq(&fake->vcpu.lock);
	return injects;
}

/* Set MANY routes to one wire, or to two in turn, and raise them. */
static void raise_many(struct kunit *test, u32 wires, enum axv_line line)
{
	struct axv_vm *vm = test->priv;
	u32 i;

	for (i = 0; i < MANY; i++) {
		KUNIT_ASSERT_EQ(test, 0, set_wire(vm, i, 0, 0, WIRE + i % wires));
		KUNIT_ASSERT_EQ(test, 0, axv_route_raise(vm, i, line));
	}
}

/* A call that lowers many routes looks at each once, not once for each of the others. */
static void a_wire_of_many_routes(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_vm *vm = test->priv;
	struct axv_route *routes;
	u32 wires, i;

	routes = kunit_kcalloc(test, MANY, sizeof(*routes), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, routes);
	for (i = 0; i < MANY; i++)
		routes[i].gsi = i;
	for (wires = 1; wires <= 2; wires++) {
		raise_many(test, wires, AXV_LINE_IRQFD);
		injects(fake);
		KUNIT_EXPECT_TRUE(test, ends(fake, WIRE));
		KUNIT_EXPECT_LE(test, injects(fake), MANY);
		KUNIT_EXPECT_EQ(test, wires == 1 ? 0 : HIGH << 1, fake->wires);

		/* All routes are set anew, then all but one removed: that holds its wire up. */
		for (i = 0; i < MANY; i++) {
			routes[i].flags = AXV_ROUTE_LEVEL;
			routes[i].vector = WIRE + i % wires;
		}
		raise_many(test, wires, AXV_LINE_VMM);
		injects(fake);
		KUNIT_ASSERT_EQ(test, 0, set_routes(vm, routes, MANY));
		KUNIT_EXPECT_LE(test, injects(fake), 3 * MANY);
		KUNIT_EXPECT_EQ(test, wires == 1 ? HIGH : 3 * HIGH, fake->wires);
		for (i = 0; i < MANY - 1; i++)
			routes[i].flags = AXV_ROUTE_REMOVE;
		KUNIT_ASSERT_EQ(test, 0, set_routes(vm, routes, MANY - 1));
		KUNIT_EXPECT_LE(test, injects(fake), 2 * MANY);
		KUNIT_EXPECT_EQ(test, HIGH << (wires - 1), fake->wires);

		raise_many(test, wires, AXV_LINE_VMM);
		injects(fake);
		axv_end_routes(vm);
		KUNIT_EXPECT_LE(test, injects(fake), MANY);
		KUNIT_EXPECT_EQ(test, 0, fake->wires);
	}
}

/* A route has two resample eventfds; one device is still up, and raises it at each end. */
static void a_device_that_is_still_up(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_vm *vm = test->priv;
	struct axv_resampler *a, *b;
	int i;

	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	a = hears(test, GSI, 0);
	b = hears(test, GSI, 1);
	device_raises(test, GSI);
	devices[1].vm = vm;
	devices[1].gsi = GSI;
	for (i = 1; i <= 3; i++) {
		KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
		KUNIT_EXPECT_EQ(test, i, rings(0));
		KUNIT_EXPECT_EQ(test, i, rings(1));
		KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	}
	devices[1].vm = NULL;
	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));
	forget(test, a);
	forget(test, b);
}

/* Each end signals the eventfds of its own gsi, also after some were added and removed. */
static void ends_of_many_routes(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_resampler *resamplers[MANY], *twice;
	struct axv_vm *vm = test->priv;
	u32 i;

	for (i = 0; i < MANY; i++) {
		KUNIT_ASSERT_EQ(test, 0, set_wire(vm, i, 0, 0, WIRE));
		resamplers[i] = hears(test, i, 0);
	}
	for (i = 0; i < MANY; i++)
		device_raises(test, i);
	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, MANY, rings(0));

	/* A gsi has two resample eventfds: the first one is removed, then the other. */
	twice = hears(test, 1, 1);
	device_raises(test, 1);
	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, MANY + 1, rings(0));
	KUNIT_EXPECT_EQ(test, 1, rings(1));
	forget(test, resamplers[1]);
	device_raises(test, 1);
	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, MANY + 1, rings(0));
	KUNIT_EXPECT_EQ(test, 2, rings(1));
	forget(test, twice);
	device_raises(test, 1);
	device_raises(test, 2);
	KUNIT_EXPECT_TRUE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, MANY + 2, rings(0));
	KUNIT_EXPECT_EQ(test, 2, rings(1));
	/* One is added again. */
	resamplers[1] = hears(test, 1, 1);
	device_raises(test, 1);
	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 3, rings(1));
	for (i = 0; i < MANY; i++)
		forget(test, resamplers[i]);
}

/* A route that is added signals its resample eventfds: a device may be up already. */
static void a_device_without_a_route(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_resampler *resampler = hears(test, GSI, 0);
	struct axv_vm *vm = test->priv;

	/* The device is up, and raises its route at each signal. */
	devices[0].vm = vm;
	devices[0].gsi = GSI;
	KUNIT_EXPECT_EQ(test, -ENOENT, axv_route_raise(vm, GSI, AXV_LINE_IRQFD));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	KUNIT_EXPECT_EQ(test, 1, rings(0));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	/* Neither a route that was there before nor another gsi's asks this device. */
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, OTHER, 0, 0, WIRE + 1));
	KUNIT_EXPECT_EQ(test, 1, rings(0));
	/* The route is removed in flight, and added again. */
	KUNIT_ASSERT_EQ(test, 0, remove(vm, GSI));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, AXV_ROUTE_MASKED, 0, WIRE));
	KUNIT_EXPECT_EQ(test, 2, rings(0));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	devices[0].vm = NULL;
	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 3, rings(0));
	forget(test, resampler);
}

/* A call signals when all its routes are set, and all wires that are held up are high. */
static void a_table_asks_at_its_end(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	const struct axv_route routes[] = {
		{ .gsi = GSI, .flags = AXV_ROUTE_LEVEL, .vector = WIRE + 1 },
		{ .gsi = NEW, .flags = AXV_ROUTE_LEVEL, .vector = WIRE + 2 },
		{ .gsi = NEW + 1, .flags = AXV_ROUTE_LEVEL, .vector = WIRE + 3 },
	};
	struct axv_vm *vm = test->priv;
	struct axv_resampler *a, *b;

	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, OTHER, 0, 0, WIRE));
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, GSI, 1));
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, OTHER, 1));
	a = hears(test, NEW, 0);
	b = hears(test, NEW + 1, 1);
	devices[0].vcpu = fake;
	devices[1].vcpu = fake;
	KUNIT_ASSERT_EQ(test, 0, set_routes(vm, routes, ARRAY_SIZE(routes)));
	KUNIT_EXPECT_EQ(test, 1, rings(0));
	KUNIT_EXPECT_EQ(test, 1, rings(1));
	KUNIT_EXPECT_EQ(test, 1, devices[0].turn);
	KUNIT_EXPECT_EQ(test, 2, devices[1].turn);
	/*
	 * The first route has moved to another wire; the second one still holds the old one
	 * up.
	 */
	KUNIT_EXPECT_EQ(test, 3 * HIGH, devices[0].wires);
	KUNIT_EXPECT_EQ(test, 3 * HIGH, devices[1].wires);
	/* Only the route that was removed and added again counts as new. */
	KUNIT_ASSERT_EQ(test, 0, set_routes(vm, routes, ARRAY_SIZE(routes)));
	KUNIT_ASSERT_EQ(test, 0, remove(vm, NEW));
	KUNIT_ASSERT_EQ(test, 0, set_routes(vm, routes, ARRAY_SIZE(routes)));
	KUNIT_EXPECT_EQ(test, 2, rings(0));
	KUNIT_EXPECT_EQ(test, 1, rings(1));
	forget(test, a);
	forget(test, b);
}

/* Of several entries for a new route the last one says whether its eventfds are signalled. */
static void a_route_that_is_set_twice(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_resampler *resampler = hears(test, NEW, 0);
	struct axv_route routes[] = {
		{ .gsi = NEW, .flags = AXV_ROUTE_LEVEL, .vector = WIRE },
		{ .gsi = NEW, .vector = WIRE },
	};
	struct axv_vm *vm = test->priv;

	KUNIT_ASSERT_EQ(test, 0, set_routes(vm, routes, 2));
	KUNIT_EXPECT_EQ(test, 0, rings(0));
	/* A change of a route signals nothing. */
	KUNIT_ASSERT_EQ(test, 0, set_routes(vm, routes, 1));
	KUNIT_EXPECT_EQ(test, 0, rings(0));
	KUNIT_ASSERT_EQ(test, 0, remove(vm, NEW));
	routes[1].flags = AXV_ROUTE_REMOVE;
	KUNIT_ASSERT_EQ(test, 0, set_routes(vm, routes, 2));
	KUNIT_EXPECT_EQ(test, 0, rings(0));
	/* A route that is set as pending is not asked: its end is told. */
	routes[1].flags = AXV_ROUTE_LEVEL | AXV_ROUTE_PENDING;
	KUNIT_ASSERT_EQ(test, 0, set_routes(vm, routes, 2));
	KUNIT_EXPECT_EQ(test, 0, rings(0));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 1, rings(0));
	KUNIT_ASSERT_EQ(test, 0, remove(vm, NEW));
	swap(routes[0], routes[1]);
	routes[0].flags = 0;
	KUNIT_ASSERT_EQ(test, 0, set_routes(vm, routes, 2));
	KUNIT_EXPECT_EQ(test, 2, rings(0));
	forget(test, resampler);
}

static void a_message_is_sent_once(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 3, NULL);
	struct axv_resampler *resampler;
	struct axv_vm *vm = test->priv;

	KUNIT_ASSERT_EQ(test, 0, set_pin(vm, GSI, 0));
	resampler = hears(test, GSI, 0);
	device_raises(test, GSI);
	device_raises(test, GSI);
	KUNIT_EXPECT_EQ(test, 1, axv_fake_messages);
	/* Setting the route does not send it either: it is in flight. */
	KUNIT_ASSERT_EQ(test, 0, set_pin(vm, GSI, AXV_ROUTE_MASKED));
	KUNIT_ASSERT_EQ(test, 0, set_pin(vm, GSI, 0));
	KUNIT_EXPECT_EQ(test, 1, axv_fake_messages);
	/* Any vCPU may end it. */
	KUNIT_EXPECT_TRUE(test, ends(fake, VECTOR + 1));
	KUNIT_EXPECT_FALSE(test, ends(fake, VECTOR));
	KUNIT_EXPECT_EQ(test, 1, rings(0));
	device_raises(test, GSI);
	KUNIT_EXPECT_EQ(test, 2, axv_fake_messages);
	KUNIT_EXPECT_FALSE(test, ends(fake, VECTOR));

	/* The VMM is told, and sends it again while its pin is high. */
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, GSI, 1));
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, GSI, 1));
	KUNIT_EXPECT_EQ(test, 3, axv_fake_messages);
	KUNIT_EXPECT_TRUE(test, ends(fake, VECTOR));
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, GSI, 1));
	KUNIT_EXPECT_EQ(test, 4, axv_fake_messages);
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, GSI, 0));
	KUNIT_EXPECT_TRUE(test, ends(fake, VECTOR));
	KUNIT_EXPECT_EQ(test, 2, rings(0));

	/*
	 * An end never comes: making the route one of edges for a moment takes the route out of
	 * flight.
	 */
	device_raises(test, GSI);
	KUNIT_EXPECT_EQ(test, 5, axv_fake_messages);
	KUNIT_ASSERT_EQ(test, 0, set_routes(vm, &(struct axv_route){
		.gsi = GSI, .address = ADDRESS, .data = VECTOR }, 1));
	KUNIT_EXPECT_TRUE(test, ends(fake, VECTOR));
	KUNIT_EXPECT_EQ(test, 2, rings(0));
	/* The device is still up. */
	KUNIT_ASSERT_EQ(test, 0, set_pin(vm, GSI, 0));
	KUNIT_EXPECT_EQ(test, 6, axv_fake_messages);
	device_raises(test, GSI);
	KUNIT_EXPECT_EQ(test, 6, axv_fake_messages);
	KUNIT_EXPECT_FALSE(test, ends(fake, VECTOR));
	KUNIT_EXPECT_EQ(test, 3, rings(0));
	forget(test, resampler);
}

static void a_mask_in_the_middle(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL), *other = axv_fake_new(test, 1, NULL);
	struct axv_resampler *resampler;
	struct axv_vm *vm = test->priv;

	/* The level is masked before the guest has seen it: after that it is delivered again. */
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	resampler = hears(test, GSI, 0);
	device_raises(test, GSI);
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, AXV_ROUTE_MASKED, 0, WIRE));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	/* The guest ends it while it is masked: it is not delivered again. */
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, AXV_ROUTE_MASKED, 0, WIRE));
	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 1, rings(0));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));
	/* The route moves while it is masked: the vCPU that has seen the level ends it. */
	device_raises(test, GSI);
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, AXV_ROUTE_MASKED, 0, WIRE));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, AXV_ROUTE_MASKED, 1, WIRE));
	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 2, rings(0));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 1, WIRE));
	KUNIT_EXPECT_EQ(test, 0, wires(other));
	forget(test, resampler);
}

/*
 * A device that waits for the end of a level gets one, even if the route was no level
 * meanwhile.
 */
static void an_edge_in_the_middle(struct kunit *test)
{
	const struct axv_route edge = { .gsi = GSI, .vector = WIRE };
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_resampler *resampler;
	struct axv_vm *vm = test->priv;

	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	resampler = hears(test, GSI, 0);
	device_raises(test, GSI);
	KUNIT_ASSERT_EQ(test, 0, set_routes(vm, &edge, 1));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));
	KUNIT_EXPECT_TRUE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 0, rings(0));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 1, rings(0));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));

	/* The device raises the route while it is no level. */
	KUNIT_ASSERT_EQ(test, 0, set_routes(vm, &edge, 1));
	device_raises(test, GSI);
	KUNIT_EXPECT_EQ(test, 1, fake->queued);
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 2, rings(0));

	/*
	 * The VMM's level stays up until the VMM lowers it; an event of edges holds nothing
	 * up.
	 */
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, GSI, 1));
	KUNIT_ASSERT_EQ(test, 0, set_routes(vm, &edge, 1));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	KUNIT_ASSERT_EQ(test, 0, set_routes(vm, &edge, 1));
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, GSI, 0));
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, GSI, 1));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));
	forget(test, resampler);
}

static void a_wire_that_moves(struct kunit *test)
{
	struct axv_fake *a = axv_fake_new(test, 0, NULL), *b = axv_fake_new(test, 1, NULL);
	struct axv_resampler *resampler;
	struct axv_vm *vm = test->priv;

	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	resampler = hears(test, GSI, 0);
	device_raises(test, GSI);
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 1, WIRE + 1));
	KUNIT_EXPECT_EQ(test, 0, wires(a));
	KUNIT_EXPECT_EQ(test, HIGH << 1, wires(b));
	KUNIT_EXPECT_TRUE(test, ends(a, WIRE));
	KUNIT_EXPECT_EQ(test, 0, rings(0));
	KUNIT_EXPECT_FALSE(test, ends(b, WIRE + 1));
	KUNIT_EXPECT_EQ(test, 1, rings(0));
	KUNIT_EXPECT_EQ(test, 0, wires(b));

	/* The route moves to a vCPU that is not there, and back. */
	device_raises(test, GSI);
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 7, WIRE));
	KUNIT_EXPECT_EQ(test, 0, wires(b));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	KUNIT_EXPECT_EQ(test, HIGH, wires(a));
	/* The route becomes one of edges. */
	KUNIT_ASSERT_EQ(test, 0, set_routes(vm, &(struct axv_route){ .gsi = GSI }, 1));
	KUNIT_EXPECT_EQ(test, 0, wires(a));
	KUNIT_EXPECT_EQ(test, 0, a->queued);
	forget(test, resampler);
}

/* A wire waits for the next vCPU with the id, and for one that is Invalid. */
static void a_wire_without_a_vcpu(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_resampler *resampler;
	struct axv_vm *vm = test->priv;

	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	resampler = hears(test, GSI, 0);
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, OTHER, 0, 0, WIRE + 1));
	device_raises(test, GSI);
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, OTHER, 1));
	KUNIT_EXPECT_EQ(test, 3 * HIGH, wires(fake));
	axv_vcpu_close(&fake->vcpu);
	KUNIT_EXPECT_EQ(test, AXV_ROUTE_LEVEL | AXV_ROUTE_PENDING, flags_of(test, GSI));
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, OTHER, 0));
	fake = axv_fake_new(test, 0, NULL);
	axv_routes_retry(&fake->vcpu);
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 1, rings(0));

	/* The device raises the route while there is no vCPU. */
	axv_vcpu_close(&fake->vcpu);
	device_raises(test, GSI);
	KUNIT_EXPECT_EQ(test, AXV_ROUTE_LEVEL | AXV_ROUTE_PENDING, flags_of(test, GSI));
	fake = axv_fake_new(test, 0, NULL);
	axv_routes_retry(&fake->vcpu);
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 2, rings(0));

	/* The device raises the route while the vCPU is Invalid. */
	KUNIT_ASSERT_EQ(test, -EBADFD, axv_vcpu_unbind(&fake->vcpu));
	device_raises(test, GSI);
	KUNIT_EXPECT_EQ(test, 0, wires(fake));
	KUNIT_ASSERT_EQ(test, 0, axv_vcpu_reset(&fake->vcpu));
	axv_routes_retry(&fake->vcpu);
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	forget(test, resampler);
}

/* A wire that the vCPU refuses is not pending: nothing would come that could deliver it. */
static void a_wire_that_is_refused(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_vm *vm = test->priv;

	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, FAKE_OWN_WIRE));
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, GSI, 1));
	KUNIT_EXPECT_EQ(test, AXV_ROUTE_LEVEL, flags_of(test, GSI));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));
	/* What holds the level up is noted, so it is delivered when the route is set again. */
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	KUNIT_EXPECT_EQ(test, AXV_ROUTE_LEVEL | AXV_ROUTE_IN_FLIGHT, flags_of(test, GSI));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, FAKE_OWN_WIRE));
	KUNIT_EXPECT_EQ(test, AXV_ROUTE_LEVEL, flags_of(test, GSI));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));
}

static void a_level_finds_the_queue_full(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_resampler *resampler;
	struct axv_vm *vm = test->priv;

	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	resampler = hears(test, GSI, 0);
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, OTHER, 0, 0, WIRE + 1));
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, OTHER, 1));
	fake->queued = FAKE_QUEUE;
	device_raises(test, GSI);
	KUNIT_EXPECT_EQ(test, HIGH << 1, wires(fake));
	KUNIT_EXPECT_EQ(test, AXV_ROUTE_LEVEL | AXV_ROUTE_PENDING, flags_of(test, GSI));
	/* A wire that falls makes room. */
	fake->queued = 0;
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, OTHER, 0));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	forget(test, resampler);
}

/* An edge that finds the queue full is delivered when a wire falls and makes room. */
static void an_edge_finds_the_queue_full(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_vm *vm = test->priv;

	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, OTHER, 0, 0, WIRE));
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, OTHER, 1));
	KUNIT_ASSERT_EQ(test, 0, set_routes(vm, &(struct axv_route){
		.gsi = GSI, .vector = VECTOR }, 1));
	fake->queued = FAKE_QUEUE;
	KUNIT_EXPECT_EQ(test, 0, axv_route_raise(vm, GSI, AXV_LINE_VMM));
	KUNIT_EXPECT_EQ(test, AXV_ROUTE_PENDING, flags_of(test, GSI));
	fake->queued = 0;
	KUNIT_EXPECT_EQ(test, 0, vmm_sets(vm, OTHER, 0));
	KUNIT_EXPECT_EQ(test, 0, flags_of(test, GSI));
	KUNIT_EXPECT_EQ(test, 1, fake->queued);
	fake->queued = 0;
}

/* Routes that are read, removed and set again go on as if nothing had happened. */
static void levels_are_state(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_resampler *resampler;
	struct axv_vm *vm = test->priv;
	u32 flags;

	KUNIT_ASSERT_EQ(test, 0, set_pin(vm, GSI, 0));
	resampler = hears(test, GSI, 0);
	device_raises(test, GSI);
	flags = flags_of(test, GSI);
	KUNIT_EXPECT_EQ(test, AXV_ROUTE_LEVEL | AXV_ROUTE_IN_FLIGHT, flags);
	KUNIT_ASSERT_EQ(test, 0, remove(vm, GSI));
	KUNIT_ASSERT_EQ(test, 0, set_pin(vm, GSI, flags));
	KUNIT_EXPECT_EQ(test, 1, axv_fake_messages);
	KUNIT_EXPECT_EQ(test, flags, flags_of(test, GSI));
	KUNIT_EXPECT_FALSE(test, ends(fake, VECTOR));
	KUNIT_EXPECT_EQ(test, 1, rings(0));

	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, AXV_ROUTE_MASKED, 0, WIRE));
	device_raises(test, GSI);
	flags = flags_of(test, GSI);
	KUNIT_EXPECT_EQ(test, AXV_ROUTE_LEVEL | AXV_ROUTE_MASKED | AXV_ROUTE_PENDING, flags);
	KUNIT_ASSERT_EQ(test, 0, remove(vm, GSI));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, flags, 0, WIRE));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, 0, 0, WIRE));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	flags = flags_of(test, GSI);
	KUNIT_ASSERT_EQ(test, 0, remove(vm, GSI));
	KUNIT_EXPECT_EQ(test, 0, wires(fake));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, flags, 0, WIRE));
	KUNIT_EXPECT_EQ(test, HIGH, wires(fake));
	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 2, rings(0));

	/* Set in flight with another wire: it ends where it was delivered. */
	device_raises(test, GSI);
	flags = flags_of(test, GSI);
	KUNIT_EXPECT_EQ(test, AXV_ROUTE_LEVEL | AXV_ROUTE_IN_FLIGHT, flags);
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, GSI, flags | AXV_ROUTE_MASKED, 0, WIRE + 1));
	KUNIT_EXPECT_TRUE(test, ends(fake, WIRE + 1));
	KUNIT_EXPECT_FALSE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 3, rings(0));
	forget(test, resampler);
}

static void edges_do_not_end(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_resampler *resampler = hears(test, GSI, 0);
	struct axv_vm *vm = test->priv;

	KUNIT_EXPECT_PTR_EQ(test, ERR_PTR(-EBADF), axv_resampler_add(vm, GSI, FDS));
	KUNIT_ASSERT_EQ(test, 0, set_wire(vm, OTHER, 0, 0, WIRE));
	KUNIT_ASSERT_EQ(test, 0, set_routes(vm, &(struct axv_route){
		.gsi = GSI, .vector = WIRE }, 1));
	device_raises(test, GSI);
	KUNIT_EXPECT_EQ(test, 0, flags_of(test, GSI));
	KUNIT_EXPECT_TRUE(test, ends(fake, WIRE));
	KUNIT_EXPECT_EQ(test, 0, rings(0));
	fake->queued = 0;
	forget(test, resampler);
}

/* ---- threads ---- */

/**
 * struct race - a device, a VMM and a vCPU at one wire
 * @vm:		the VM
 * @stop:	asks the VMM's thread to end
 */
struct race {
	struct axv_vm *vm;
	bool stop;
};

/* The VMM's wire goes up and down, and its route comes and goes. */
static int vmm_fn(void *arg)
{
	struct race *race = arg;
	int i, err = 0;

	for (i = 0; !READ_ONCE(race->stop) && !err; i++) {
		err = vmm_sets(race->vm, OTHER, 1);
		if (!err)
			err = vmm_sets(race->vm, OTHER, 0);
		if (!err && i % 8 == 0)
			err = remove(race->vm, OTHER);
		if (!err && i % 8 == 0)
			err = set_wire(race->vm, OTHER, 0, 0, WIRE);
		cond_resched();
	}
	return err;
}

static int device_fn(void *arg)
{
	struct race *race = arg;
	int i;

	/* The device is up until its resample eventfd is signalled. */
	for (i = 1; i <= ROUNDS; i++) {
		axv_route_raise(race->vm, GSI, AXV_LINE_IRQFD);
		while (rings(0) < i)
			cond_resched();
	}
	return 0;
}

/* While the VMM lets the same wire fall, no level of the device is lost. */
static void a_wire_beside_another(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_resampler *resampler;
	struct race race = { .vm = test->priv };
	struct axv_fake_thread vmm, device;
	unsigned long end = jiffies + 120 * HZ;

	KUNIT_ASSERT_EQ(test, 0, set_wire(race.vm, GSI, 0, 0, WIRE));
	resampler = hears(test, GSI, 0);
	KUNIT_ASSERT_EQ(test, 0, set_wire(race.vm, OTHER, 0, 0, WIRE));
	axv_fake_start(test, &vmm, cpumask_first(cpu_online_mask), vmm_fn, &race);
	axv_fake_start(test, &device, cpumask_last(cpu_online_mask), device_fn, &race);
	while (!completion_done(&device.done)) {
		if (wires(fake) & HIGH)
			ends(fake, WIRE);
		if (time_after(jiffies, end)) {
			KUNIT_FAIL(test, "a level was lost after %d of %d", rings(0), ROUNDS);
			atomic_set(&devices[0].rings, ROUNDS);
		}
		cond_resched();
	}
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &device));
	WRITE_ONCE(race.stop, true);
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &vmm));
	axv_fake_stop(&device);
	axv_fake_stop(&vmm);
	/* The VMM's level may be the last one that was delivered. */
	ends(fake, WIRE);
	KUNIT_EXPECT_EQ(test, 0, wires(fake));
	forget(test, resampler);
}

static int hearer_fn(void *arg)
{
	struct race *race = arg;
	struct axv_resampler *resampler;

	while (!READ_ONCE(race->stop)) {
		resampler = axv_resampler_add(race->vm, GSI, 1);
		if (IS_ERR(resampler))
			return PTR_ERR(resampler);
		/* Leave time for ends to find the resample eventfd. */
		usleep_range(20, 50);
		axv_resampler_end(race->vm, resampler);
		cond_resched();
	}
	return 0;
}

/* The only resample eventfd of a route comes and goes while its interrupts end. */
static void a_hearer_beside_ends(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct race race = { .vm = test->priv };
	unsigned long end = jiffies + 120 * HZ;
	struct axv_fake_thread hearer;
	int i, heard = 0;

	KUNIT_ASSERT_EQ(test, 0, set_wire(race.vm, GSI, 0, 0, WIRE));
	axv_fake_start(test, &hearer, cpumask_last(cpu_online_mask), hearer_fn, &race);
	/* Goes on until at least one end was heard; otherwise the two never met. */
	for (i = 0; !completion_done(&hearer.done) && (i < ROUNDS || !heard); i++) {
		device_raises(test, GSI);
		heard += !ends(fake, WIRE);
		if (!heard && time_after(jiffies, end)) {
			KUNIT_FAIL(test, "none of %d ends was heard", i);
			break;
		}
		cond_resched();
	}
	WRITE_ONCE(race.stop, true);
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &hearer));
	axv_fake_stop(&hearer);
	KUNIT_EXPECT_LE(test, ROUNDS, i);
	/* The VMM is told only of those ends for which no eventfd was signalled. */
	KUNIT_EXPECT_EQ(test, heard, rings(1));
}

static struct kunit_case level_cases[] = {
	KUNIT_CASE(an_end_takes_a_level_back),
	KUNIT_CASE(a_level_of_the_vmm),
	KUNIT_CASE(a_wire_of_two_routes),
	KUNIT_CASE(a_wire_of_many_routes),
	KUNIT_CASE(a_device_that_is_still_up),
	KUNIT_CASE(ends_of_many_routes),
	KUNIT_CASE(a_device_without_a_route),
	KUNIT_CASE(a_table_asks_at_its_end),
	KUNIT_CASE(a_route_that_is_set_twice),
	KUNIT_CASE(a_message_is_sent_once),
	KUNIT_CASE(a_mask_in_the_middle),
	KUNIT_CASE(an_edge_in_the_middle),
	KUNIT_CASE(a_wire_that_moves),
	KUNIT_CASE(a_wire_without_a_vcpu),
	KUNIT_CASE(a_wire_that_is_refused),
	KUNIT_CASE(a_level_finds_the_queue_full),
	KUNIT_CASE(an_edge_finds_the_queue_full),
	KUNIT_CASE(levels_are_state),
	KUNIT_CASE(edges_do_not_end),
	KUNIT_CASE(a_wire_beside_another),
	KUNIT_CASE(a_hearer_beside_ends),
	{}
};

axv_test_suite("axvcpu-levels", level_cases, .suite_init = level_suite_init,
	       .suite_exit = level_suite_exit, .init = level_init, .exit = level_exit);
