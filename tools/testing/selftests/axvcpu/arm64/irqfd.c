// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of routes and irqfds: the signal of an eventfd interrupts a guest, whatever is changed
 * or closed meanwhile; and the end of a level-triggered interrupt signals another eventfd.
 */
#include <linux/aio_abi.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "axv_harness.h"
#include "arm64.h"
#include "event.h"

#define GSI		5000
#define INTID		40
#define OTHER_INTID	41
#define PRIORITY	0x80
#define QUEUE		63		/* interrupts that fit into a vCPU's queue */
#define ROUNDS		200

/* Halts; its handler calls with the INTID of each interrupt. */
GUEST_CODE(guest_halts,
	"mov	x9, #0xff\n"
	"msr	icc_pmr_el1, x9\n"
	"msr	icc_ctlr_el1, xzr\n"
	"mov	x9, #1\n"
	"msr	icc_igrpen1_el1, x9\n"
	"isb\n"
	"msr	daifclr, #2\n"
	"1:	wfi\n"
	"b	1b\n");

GUEST_CODE(handler_calls,
	"mrs	x1, icc_iar1_el1\n"
	"msr	icc_eoir1_el1, x1\n"
	"isb\n"
	"mov	x0, #2\n"
	"hvc	#0\n"
	"eret\n");

/* A handler that calls while the interrupt is active. */
GUEST_CODE(handler_calls_first,
	"mrs	x1, icc_iar1_el1\n"
	"mov	x0, #2\n"
	"hvc	#0\n"
	"msr	icc_eoir1_el1, x1\n"
	"isb\n"
	"eret\n");

/* As guest_halts, but first stores to the address in X20. */
GUEST_CODE(guest_rings,
	"mov	x9, #0xff\n"
	"msr	icc_pmr_el1, x9\n"
	"msr	icc_ctlr_el1, xzr\n"
	"mov	x9, #1\n"
	"msr	icc_igrpen1_el1, x9\n"
	"isb\n"
	"str	w9, [x20]\n"
	"msr	daifclr, #2\n"
	"1:	wfi\n"
	"b	1b\n");

FIXTURE(irqfd)
{
	struct axv_vm vm;
	struct axv_vcpu v;
	int event;
};

static void guest_new(struct axv_vm *vm, struct axv_vcpu *v, __u32 id)
{
	vcpu_ready(vm, v, id);
	arm64_load(vm, guest_halts);
	arm64_load_handler(vm, handler_calls);
	arm64_start(v, GUEST_CODE_ADDR);
	v->run->regs.gprs.pstate |= PSTATE_I;
}

FIXTURE_SETUP(irqfd)
{
	vm_new_irqchip(&self->vm, 0, AXV_IRQCHIP_GICV3);
	guest_new(&self->vm, &self->v, 0);
	self->event = event_new(0);
}

FIXTURE_TEARDOWN(irqfd)
{
	close(self->event);
	vcpu_free(&self->v);
	vm_free(&self->vm);
}

static int set_route(struct axv_vm *vm, __u32 gsi, __u32 flags, __u32 vcpu, __u32 intid)
{
	struct axv_route route = {
		.gsi = gsi, .flags = flags, .vcpu = vcpu, .vector = intid,
		.priority = PRIORITY,
	};

	return set_routes(vm, &route, 1, 0);
}

static int get_routes(struct axv_vm *vm, struct axv_route *routes, __u32 count, __u32 flags)
{
	struct axv_set_routes get = {
		.count = count, .flags = flags, .routes = (unsigned long)routes,
	};

	return axv_ioctl(vm->fd, AXV_VM_GET_ROUTES, &get);
}

static int set_wire(struct axv_vm *vm, __u32 gsi, __u32 level)
{
	struct axv_inject wire = { .type = AXV_INJECT_WIRED, .vector = gsi, .data = level };

	return axv_ioctl(vm->fd, AXV_INJECT, &wire);
}

/* Run the guest; returns the INTID that it takes next; 0: it halts. */
static __u64 taken(struct axv_vcpu *v)
{
	int reason = vcpu_run(v);

	if (reason == AXV_EXIT_HALT)
		return 0;
	must(reason == AXV_EXIT_HYPERCALL);
	return v->run->exit.hypercall.args[0];
}

TEST_F(irqfd, a_signal_is_an_interrupt)
{
	EXPECT_EQ(0, taken(&self->v));
	ASSERT_EQ(0, set_route(&self->vm, GSI, 0, 0, INTID));
	ASSERT_EQ(0, set_irqfd(&self->vm, self->event, GSI, 0));
	EXPECT_EQ(0, taken(&self->v));
	signal_event(self->event);
	/* The kernel has reset the eventfd's counter: the VMM need not read it. */
	EXPECT_EQ(0, count_of(self->event));
	EXPECT_EQ(INTID, taken(&self->v));
	EXPECT_EQ(0, taken(&self->v));
	/* Two signals at once make one edge. */
	signal_event(self->event);
	signal_event(self->event);
	EXPECT_EQ(INTID, taken(&self->v));
	EXPECT_EQ(0, taken(&self->v));
}

TEST_F(irqfd, signalled_before_it_is_an_irqfd)
{
	const eventfd_t most = ~0ull - 1;
	int event = event_new(0);

	ASSERT_EQ(0, set_route(&self->vm, GSI, 0, 0, INTID));
	/* The counter is full: the next write would block. */
	must(!eventfd_write(event, most) && eventfd_write(event, 1) && errno == EAGAIN);
	ASSERT_EQ(0, set_irqfd(&self->vm, event, GSI, 0));
	EXPECT_EQ(INTID, taken(&self->v));
	EXPECT_EQ(0, taken(&self->v));
	/* The counter is reset, now and after later signals, so there is room again. */
	EXPECT_EQ(0, count_of(event));
	must(!eventfd_write(event, most));
	EXPECT_EQ(INTID, taken(&self->v));
	ASSERT_EQ(0, set_irqfd(&self->vm, event, GSI, AXV_IRQFD_REMOVE));
	ASSERT_EQ(0, set_irqfd(&self->vm, event, GSI, 0));
	EXPECT_EQ(0, taken(&self->v));
	close(event);
}

/* When the request ends, it signals the very eventfd that the kernel just resets. */
TEST_F(irqfd, a_request_that_waits_for_room)
{
	struct iocb poll_out = {
		.aio_lio_opcode = IOCB_CMD_POLL, .aio_fildes = self->event, .aio_buf = POLLOUT,
		.aio_flags = IOCB_FLAG_RESFD, .aio_resfd = self->event,
	}, *requests[] = { &poll_out };
	aio_context_t context = 0;
	struct timespec now = {};
	struct io_event end;

	if (syscall(SYS_io_setup, 1, &context))
		SKIP(return, "no asynchronous I/O");
	ASSERT_EQ(0, set_route(&self->vm, GSI, 0, 0, INTID));
	must(!eventfd_write(self->event, ~0ull - 1));
	ASSERT_EQ(1, syscall(SYS_io_submit, context, 1, requests));
	EXPECT_EQ(0, syscall(SYS_io_getevents, context, 0, 1, &end, &now));
	ASSERT_EQ(0, set_irqfd(&self->vm, self->event, GSI, 0));
	EXPECT_EQ(1, syscall(SYS_io_getevents, context, 1, 1, &end, NULL));
	EXPECT_EQ(POLLOUT, end.res);
	EXPECT_EQ(INTID, taken(&self->v));
	must(!syscall(SYS_io_destroy, context));
}

TEST_F(irqfd, without_a_route)
{
	ASSERT_EQ(0, set_irqfd(&self->vm, self->event, GSI, 0));
	signal_event(self->event);
	EXPECT_EQ(0, count_of(self->event));
	ASSERT_EQ(0, set_route(&self->vm, GSI, 0, 0, INTID));
	EXPECT_EQ(0, taken(&self->v));
	signal_event(self->event);
	EXPECT_EQ(INTID, taken(&self->v));
	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_REMOVE, 0, 0));
	signal_event(self->event);
	EXPECT_EQ(0, taken(&self->v));
}

TEST_F(irqfd, a_masked_route)
{
	ASSERT_EQ(0, set_irqfd(&self->vm, self->event, GSI, 0));
	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_MASKED, 0, INTID));
	signal_event(self->event);
	EXPECT_EQ(0, taken(&self->v));
	/* A masked route remembers the event, and delivers it as the route is then. */
	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_MASKED, 0, INTID));
	ASSERT_EQ(0, set_route(&self->vm, GSI, 0, 0, OTHER_INTID));
	EXPECT_EQ(OTHER_INTID, taken(&self->v));
	ASSERT_EQ(0, set_route(&self->vm, GSI, 0, 0, OTHER_INTID));
	EXPECT_EQ(0, taken(&self->v));
}

TEST_F(irqfd, route_to_another_vcpu)
{
	struct axv_vcpu other;

	guest_new(&self->vm, &other, 7);
	ASSERT_EQ(0, set_irqfd(&self->vm, self->event, GSI, 0));
	ASSERT_EQ(0, set_route(&self->vm, GSI, 0, 7, INTID));
	signal_event(self->event);
	EXPECT_EQ(0, taken(&self->v));
	EXPECT_EQ(INTID, taken(&other));
	ASSERT_EQ(0, set_route(&self->vm, GSI, 0, 0, INTID));
	signal_event(self->event);
	EXPECT_EQ(0, taken(&other));
	EXPECT_EQ(INTID, taken(&self->v));
	/* The route leads to a vCPU that has gone. */
	ASSERT_EQ(0, set_route(&self->vm, GSI, 0, 7, INTID));
	vcpu_free(&other);
	signal_event(self->event);
	EXPECT_EQ(0, taken(&self->v));
}

/* If the vCPU's queue is full, the route keeps the event. */
TEST_F(irqfd, a_full_queue)
{
	__u64 seen[QUEUE + 2] = {}, intid;
	unsigned int i, n;

	ASSERT_EQ(0, set_route(&self->vm, GSI, 0, 0, 200));
	ASSERT_EQ(0, set_irqfd(&self->vm, self->event, GSI, 0));
	for (i = 0; i < QUEUE; i++) {
		struct axv_inject edge = {
			.type = AXV_INJECT_EXTINT, .vector = 100 + i, .priority = PRIORITY,
		};

		ASSERT_EQ(0, axv_ioctl(self->v.fd, AXV_INJECT, &edge));
	}
	signal_event(self->event);
	for (n = 0; (intid = taken(&self->v)); n++) {
		ASSERT_LE(n, QUEUE);
		if (intid == 200) {
			seen[QUEUE]++;
		} else {
			ASSERT_TRUE(intid >= 100 && intid < 100 + QUEUE);
			seen[intid - 100]++;
		}
	}
	EXPECT_EQ(QUEUE + 1, n);
	for (i = 0; i <= QUEUE; i++)
		EXPECT_EQ(1, seen[i]);
}

/* A retracted edge, or a wire that falls, makes room in the queue. */
TEST_F(irqfd, room_in_a_full_queue)
{
	struct axv_inject edge = { .type = AXV_INJECT_EXTINT, .priority = PRIORITY };
	unsigned int i, n;

	ASSERT_EQ(0, set_route(&self->vm, GSI, 0, 0, 200));
	ASSERT_EQ(0, set_irqfd(&self->vm, self->event, GSI, 0));
	for (i = 0; i < QUEUE; i++) {
		edge.vector = 100 + i;
		ASSERT_EQ(0, axv_ioctl(self->v.fd, AXV_INJECT, &edge));
	}
	signal_event(self->event);
	edge.flags = AXV_INJECT_RETRACT;
	for (i = 0; i < QUEUE; i++) {
		edge.vector = 100 + i;
		ASSERT_EQ(0, axv_ioctl(self->v.fd, AXV_INJECT, &edge));
	}
	for (n = 0; taken(&self->v); n++)
		EXPECT_EQ(200, self->v.run->exit.hypercall.args[0]);
	EXPECT_EQ(1, n);
}

TEST_F(irqfd, a_table_of_routes)
{
	struct axv_route routes[3] = {
		{ .gsi = 1, .vector = 101, .priority = PRIORITY },
		{ .gsi = 2, .vector = 102, .priority = PRIORITY },
		{ .gsi = 3, .vector = 103, .priority = PRIORITY, .flags = 1u << 31 },
	};
	struct axv_inject wire = { .type = AXV_INJECT_WIRED, .data = 1 };

	/* Either all routes of a call are set, or none. */
	ASSERT_EQ(-EINVAL, set_routes(&self->vm, routes, 3, 0));
	wire.vector = 1;
	EXPECT_EQ(-ENOENT, axv_ioctl(self->vm.fd, AXV_INJECT, &wire));
	ASSERT_EQ(0, set_routes(&self->vm, routes, 2, 0));
	EXPECT_EQ(0, axv_ioctl(self->vm.fd, AXV_INJECT, &wire));
	EXPECT_EQ(101, taken(&self->v));
	wire.data = 0;
	EXPECT_EQ(0, axv_ioctl(self->vm.fd, AXV_INJECT, &wire));
	EXPECT_EQ(0, taken(&self->v));

	/* AXV_ROUTES_ALL has removed the other routes. */
	wire.data = 1;
	ASSERT_EQ(0, set_routes(&self->vm, routes + 1, 1, AXV_ROUTES_ALL));
	EXPECT_EQ(-ENOENT, axv_ioctl(self->vm.fd, AXV_INJECT, &wire));
	wire.vector = 2;
	EXPECT_EQ(0, axv_ioctl(self->vm.fd, AXV_INJECT, &wire));
	EXPECT_EQ(102, taken(&self->v));
	ASSERT_EQ(0, set_routes(&self->vm, NULL, 0, AXV_ROUTES_ALL));
	EXPECT_EQ(-ENOENT, axv_ioctl(self->vm.fd, AXV_INJECT, &wire));

	/* A route that one table both sets and removes, in any order, is removed. */
	routes[0].gsi = 2;
	routes[0].flags = AXV_ROUTE_REMOVE;
	ASSERT_EQ(0, set_routes(&self->vm, routes, 2, 0));
	EXPECT_EQ(-ENOENT, axv_ioctl(self->vm.fd, AXV_INJECT, &wire));
}

TEST_F(irqfd, as_many_routes_as_there_may_be)
{
	__u64 max = axv_query(self->vm.dev, AXV_QUERY_MAX_ROUTES);
	struct axv_route *routes;
	__u64 i;

	ASSERT_LE(4096, max);
	routes = calloc(max + 1, sizeof(*routes));
	must(routes);
	for (i = 0; i <= max; i++) {
		routes[i].gsi = i * 1048583;
		routes[i].vector = INTID;
	}
	ASSERT_EQ(0, set_routes(&self->vm, routes, max, 0));
	EXPECT_EQ(-EINVAL, set_routes(&self->vm, routes, max + 1, 0));
	EXPECT_EQ(-ENOSPC, set_routes(&self->vm, routes + max, 1, 0));
	/* All routes can be replaced by others. */
	for (i = 0; i < max; i++)
		routes[i].gsi++;
	EXPECT_EQ(-ENOSPC, set_routes(&self->vm, routes, max, 0));
	EXPECT_EQ(0, set_routes(&self->vm, routes, max, AXV_ROUTES_ALL));
	EXPECT_EQ(0, set_route(&self->vm, routes[5].gsi, AXV_ROUTE_REMOVE, 0, 0));
	EXPECT_EQ(0, set_routes(&self->vm, routes + max, 1, 0));
	free(routes);
}

TEST_F(irqfd, added_twice_and_removed_twice)
{
	ASSERT_EQ(0, set_route(&self->vm, GSI, 0, 0, INTID));
	ASSERT_EQ(0, set_irqfd(&self->vm, self->event, GSI, 0));
	EXPECT_EQ(-EEXIST, set_irqfd(&self->vm, self->event, GSI, 0));
	EXPECT_EQ(-EEXIST, set_irqfd(&self->vm, self->event, GSI + 1, 0));
	EXPECT_EQ(-ENOENT, set_irqfd(&self->vm, self->event, GSI + 1, AXV_IRQFD_REMOVE));
	ASSERT_EQ(0, set_irqfd(&self->vm, self->event, GSI, AXV_IRQFD_REMOVE));
	EXPECT_EQ(-ENOENT, set_irqfd(&self->vm, self->event, GSI, AXV_IRQFD_REMOVE));
	signal_event(self->event);
	EXPECT_EQ(0, taken(&self->v));
	EXPECT_EQ(1, count_of(self->event));
}

TEST_F(irqfd, hostile_arguments)
{
	struct axv_route route = { .gsi = GSI, .vector = INTID };
	struct axv_inject wire = { .type = AXV_INJECT_WIRED, .vector = GSI, .data = 2 };
	struct axv_set_irqfd set = { .fd = self->event, .gsi = GSI, .resample_fd = 1 };
	struct axv_inject message = { .type = AXV_INJECT_MSI, .address = 1 };
	struct axv_vm plain;

	route.vector = 1020;
	EXPECT_EQ(-EINVAL, set_routes(&self->vm, &route, 1, 0));
	route.vector = INTID;
	route.priority = 256;
	EXPECT_EQ(-EINVAL, set_routes(&self->vm, &route, 1, 0));
	route.priority = 0;
	route.data = 1;
	EXPECT_EQ(-EINVAL, set_routes(&self->vm, &route, 1, 0));
	route.data = 0;
	route.address = 1;
	EXPECT_EQ(-EINVAL, set_routes(&self->vm, &route, 1, 0));
	route.address = 0;
	EXPECT_EQ(-EINVAL, set_routes(&self->vm, &route, 1, 2));
	EXPECT_EQ(-EFAULT, set_routes(&self->vm, NULL, 1, 0));
	EXPECT_EQ(-EINVAL, set_routes(&self->vm, &route, ~0u, 0));
	EXPECT_EQ(0, set_routes(&self->vm, &route, 1, 0));
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_INJECT, &wire));

	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_VM_SET_IRQFD, &set));
	set.flags = AXV_IRQFD_REMOVE;
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_VM_SET_IRQFD, &set));
	EXPECT_EQ(-EINVAL, set_irqfd(&self->vm, self->event, GSI, 4));
	EXPECT_EQ(-EINVAL, set_irqfd(&self->vm, self->event, GSI,
				     AXV_IRQFD_REMOVE | AXV_IRQFD_RESAMPLE));
	EXPECT_EQ(-EBADF, set_resampled(&self->vm, self->event, GSI, -1));
	EXPECT_EQ(-EINVAL, set_resampled(&self->vm, self->event, GSI, self->vm.fd));
	EXPECT_EQ(-EBADF, set_irqfd(&self->vm, -1, GSI, 0));
	/* None of the calls that failed has left an irqfd. */
	EXPECT_EQ(-ENOENT, set_irqfd(&self->vm, self->event, GSI, AXV_IRQFD_REMOVE));
	EXPECT_EQ(-EOPNOTSUPP, axv_ioctl(self->vm.fd, AXV_INJECT, &message));

	/* Only PPIs and SPIs have a wire; only a level can be in flight. */
	EXPECT_EQ(-EINVAL, set_route(&self->vm, GSI, AXV_ROUTE_LEVEL, 0, 15));
	EXPECT_EQ(-EINVAL, set_route(&self->vm, GSI, AXV_ROUTE_LEVEL, 0, 8192));
	EXPECT_EQ(-EINVAL, set_route(&self->vm, GSI, AXV_ROUTE_IN_FLIGHT, 0, INTID));
	EXPECT_EQ(-EINVAL, set_route(&self->vm, GSI, 1u << 5, 0, INTID));
	EXPECT_EQ(-EINVAL, get_routes(&self->vm, &route, 1, AXV_ROUTES_ALL));
	EXPECT_EQ(-EINVAL, get_routes(&self->vm, &route, ~0u, 0));
	EXPECT_EQ(-EFAULT, get_routes(&self->vm, NULL, 1, 0));
	EXPECT_EQ(-EINVAL, set_irqfd(&self->vm, self->vm.fd, GSI, 0));

	vm_new(&plain, 0);
	EXPECT_EQ(-EOPNOTSUPP, set_routes(&plain, &route, 1, 0));
	EXPECT_EQ(-EOPNOTSUPP, set_irqfd(&plain, self->event, GSI, 0));
	EXPECT_EQ(-EOPNOTSUPP, get_routes(&plain, &route, 1, 0));
	vm_free(&plain);
}

/* One eventfd is doorbell and irqfd: a store of the guest interrupts the guest itself. */
TEST_F(irqfd, eventfd_of_a_doorbell)
{
	struct axv_doorbell bell = { .addr = GUEST_MEM, .width = 4, .fd = self->event };

	ASSERT_EQ(0, set_route(&self->vm, GSI, 0, 0, INTID));
	ASSERT_EQ(0, set_irqfd(&self->vm, self->event, GSI, 0));
	ASSERT_EQ(0, axv_ioctl(self->vm.fd, AXV_VM_SET_DOORBELL, &bell));
	arm64_load(&self->vm, guest_rings);
	*arm64_x(&self->v, 20) = GUEST_MEM;
	EXPECT_EQ(INTID, taken(&self->v));
	EXPECT_EQ(0, taken(&self->v));
	EXPECT_EQ(0, count_of(self->event));
}

/* A doorbell of one VM interrupts another VM, even when the eventfd has been closed. */
TEST_F(irqfd, eventfd_of_another_vms_doorbell)
{
	struct axv_doorbell bell = { .addr = GUEST_MEM, .width = 4, .fd = self->event };
	struct axv_vcpu v;
	struct axv_vm vm;

	vm_new_irqchip(&vm, 0, AXV_IRQCHIP_GICV3);
	guest_new(&vm, &v, 0);
	arm64_load(&vm, guest_rings);
	*arm64_x(&v, 20) = GUEST_MEM;
	ASSERT_EQ(0, axv_ioctl(vm.fd, AXV_VM_SET_DOORBELL, &bell));
	ASSERT_EQ(0, set_route(&self->vm, GSI, 0, 0, INTID));
	ASSERT_EQ(0, set_irqfd(&self->vm, self->event, GSI, 0));
	EXPECT_EQ(0, taken(&v));
	EXPECT_EQ(INTID, taken(&self->v));
	EXPECT_EQ(0, taken(&self->v));
	/* The kernel may release the eventfd later; nothing else is called meanwhile. */
	close(self->event);
	arm64_start(&v, GUEST_CODE_ADDR);
	*arm64_x(&v, 20) = GUEST_MEM;
	EXPECT_EQ(0, taken(&v));
	EXPECT_EQ(2, vcpu_stats(&v).doorbells);
	taken(&self->v);
	EXPECT_EQ(0, taken(&self->v));
	self->event = event_new(0);
	vcpu_free(&v);
	vm_free(&vm);
}

TEST_F(irqfd, as_many_irqfds_as_there_may_be)
{
	const int max = 4096;
	struct rlimit limit = { max + 100, max + 100 };
	int *fds = calloc(max, sizeof(*fds));
	int i;

	must(fds);
	if (setrlimit(RLIMIT_NOFILE, &limit))
		SKIP(return, "no more than %d descriptors", max);
	for (i = 0; i < max; i++) {
		fds[i] = event_new(0);
		ASSERT_EQ(0, set_irqfd(&self->vm, fds[i], i, 0));
	}
	EXPECT_EQ(-ENOSPC, set_irqfd(&self->vm, self->event, GSI, 0));
	EXPECT_EQ(-ENOSPC, set_resampled(&self->vm, self->event, GSI, fds[1]));
	EXPECT_EQ(0, set_irqfd(&self->vm, fds[0], 0, AXV_IRQFD_REMOVE));
	EXPECT_EQ(0, set_irqfd(&self->vm, self->event, GSI, 0));
	EXPECT_EQ(-ENOSPC, set_irqfd(&self->vm, fds[0], 0, 0));
	/* Closing an eventfd makes room for another irqfd at once. */
	close(fds[1]);
	fds[1] = event_new(0);
	EXPECT_EQ(0, set_irqfd(&self->vm, fds[1], 1, 0));
	for (i = 0; i < max; i++)
		close(fds[i]);
	EXPECT_EQ(0, set_irqfd(&self->vm, self->event, GSI, AXV_IRQFD_REMOVE));
	free(fds);
}

/* ---- many irqfds end together ---- */

enum end_of_many { EXIT_FIRST, VM_FIRST, EVENTS_FIRST, ENDS };

struct many {
	enum end_of_many how;
	int ready;
};

/* A VMM with as many irqfds as a VM may have, all with the same resample eventfd. */
static int vmm_with_many(void *arg)
{
	const struct many *many = arg;
	const int max = 4096;
	struct rlimit limit = { max + 100, max + 100 };
	int *events = calloc(max, sizeof(*events));
	int i, end = event_new(0);
	struct axv_vm vm;

	must(events);
	must(!setrlimit(RLIMIT_NOFILE, &limit));
	vm_new_irqchip(&vm, 0, AXV_IRQCHIP_GICV3);
	for (i = 0; i < max; i++) {
		events[i] = event_new(0);
		must(!set_resampled(&vm, events[i], i, end));
	}
	must(!eventfd_write(many->ready, 1));
	for (i = 0; i < max && many->how == EVENTS_FIRST; i++)
		must(!close(events[i]));
	if (many->how != EXIT_FIRST)
		must(!close(vm.fd));
	return 7;
}

/* How long this takes is not tested; KUnit's irqfd_test.c tests that they wait only once. */
TEST(many_end_together)
{
	struct many many = { .ready = eventfd(0, EFD_CLOEXEC) };
	eventfd_t ready;
	pid_t pid;

	must(many.ready >= 0);
	for (many.how = EXIT_FIRST; many.how < ENDS; many.how++) {
		pid = child_start(vmm_with_many, &many);
		must(!eventfd_read(many.ready, &ready));
		EXPECT_EQ(7 << 8, child_status(pid))
			TH_LOG("way %d", many.how);
	}
	close(many.ready);
}

/* ---- pending events are saved and restored ---- */

TEST_F(irqfd, a_pending_event_is_state)
{
	struct axv_route routes[2] = { { .gsi = GSI }, { .gsi = GSI + 1 } };
	struct axv_vcpu v;
	struct axv_vm vm;

	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_MASKED, 0, INTID));
	ASSERT_EQ(0, set_irqfd(&self->vm, self->event, GSI, 0));
	signal_event(self->event);
	ASSERT_EQ(0, get_routes(&self->vm, routes, 2, 0));
	EXPECT_EQ(AXV_ROUTE_MASKED | AXV_ROUTE_PENDING, routes[0].flags);
	EXPECT_EQ(INTID, routes[0].vector);
	EXPECT_EQ(PRIORITY, routes[0].priority);
	EXPECT_EQ(AXV_ROUTE_REMOVE, routes[1].flags);

	vm_new_irqchip(&vm, 0, AXV_IRQCHIP_GICV3);
	guest_new(&vm, &v, 0);
	ASSERT_EQ(0, set_routes(&vm, routes, 2, 0));
	EXPECT_EQ(0, taken(&v));
	routes[0].flags = 0;
	ASSERT_EQ(0, set_routes(&vm, routes, 1, 0));
	EXPECT_EQ(INTID, taken(&v));
	EXPECT_EQ(0, taken(&v));
	vcpu_free(&v);
	vm_free(&vm);
}

/* ---- levels ---- */

TEST_F(irqfd, the_end_takes_a_level_back)
{
	int i, end = event_new(0);

	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_LEVEL, 0, INTID));
	ASSERT_EQ(0, set_resampled(&self->vm, self->event, GSI, end));
	EXPECT_EQ(0, taken(&self->v));
	EXPECT_EQ(0, count_of(end));
	for (i = 0; i < 3; i++) {
		signal_event(self->event);
		signal_event(self->event);
		EXPECT_EQ(INTID, taken(&self->v));
		EXPECT_EQ(1, count_of(end));
		EXPECT_EQ(0, taken(&self->v));
		EXPECT_EQ(0, count_of(end));
	}
	/* The device's line stays high. */
	signal_event(self->event);
	for (i = 0; i < 5; i++) {
		EXPECT_EQ(INTID, taken(&self->v));
		EXPECT_EQ(1, count_of(end));
		signal_event(self->event);
	}
	EXPECT_EQ(INTID, taken(&self->v));
	EXPECT_EQ(0, taken(&self->v));
	EXPECT_EQ(1, count_of(end));
	/* Without the irqfd, the device is not told of the end any more. */
	signal_event(self->event);
	ASSERT_EQ(0, set_irqfd(&self->vm, self->event, GSI, AXV_IRQFD_REMOVE));
	EXPECT_EQ(INTID, taken(&self->v));
	EXPECT_EQ(0, taken(&self->v));
	EXPECT_EQ(0, count_of(end));
	close(end);
}

TEST_F(irqfd, a_level_without_a_resample_eventfd)
{
	int i;

	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_LEVEL, 0, INTID));
	ASSERT_EQ(0, set_irqfd(&self->vm, self->event, GSI, 0));
	signal_event(self->event);
	for (i = 0; i < 5; i++)
		EXPECT_EQ(INTID, taken(&self->v));
	ASSERT_EQ(0, set_wire(&self->vm, GSI, 0));
	EXPECT_EQ(0, taken(&self->v));
	ASSERT_EQ(0, set_wire(&self->vm, GSI, 1));
	EXPECT_EQ(INTID, taken(&self->v));
	ASSERT_EQ(0, set_wire(&self->vm, GSI, 0));
	EXPECT_EQ(0, taken(&self->v));
}

/* Runs end while the interrupt is active; at its end it must not be pending again. */
TEST_F(irqfd, exits_while_a_level_is_active)
{
	int end = event_new(0);

	arm64_load_handler(&self->vm, handler_calls_first);
	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_LEVEL, 0, INTID));
	ASSERT_EQ(0, set_resampled(&self->vm, self->event, GSI, end));
	signal_event(self->event);
	EXPECT_EQ(INTID, taken(&self->v));
	EXPECT_EQ(0, count_of(end));
	EXPECT_EQ(0, taken(&self->v));
	EXPECT_EQ(1, count_of(end));

	/*
	 * If the route is masked while the level is active, as for a threaded handler, no
	 * interrupt is lost or taken twice.
	 */
	signal_event(self->event);
	EXPECT_EQ(INTID, taken(&self->v));
	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_LEVEL | AXV_ROUTE_MASKED, 0, INTID));
	EXPECT_EQ(0, taken(&self->v));
	EXPECT_EQ(1, count_of(end));
	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_LEVEL, 0, INTID));
	EXPECT_EQ(0, taken(&self->v));

	/* The route is masked before the guest has taken the interrupt. */
	signal_event(self->event);
	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_LEVEL | AXV_ROUTE_MASKED, 0, INTID));
	EXPECT_EQ(0, taken(&self->v));
	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_LEVEL, 0, INTID));
	EXPECT_EQ(INTID, taken(&self->v));
	EXPECT_EQ(0, taken(&self->v));
	EXPECT_EQ(1, count_of(end));
	close(end);
}

/* Two routes lead to one interrupt: one has a resample eventfd, the other one does not. */
TEST_F(irqfd, a_level_of_two_routes)
{
	int i, end = event_new(0), other_end = event_new(0), other = event_new(0);

	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_LEVEL, 0, INTID));
	ASSERT_EQ(0, set_route(&self->vm, GSI + 1, AXV_ROUTE_LEVEL, 0, INTID));
	ASSERT_EQ(0, set_resampled(&self->vm, self->event, GSI, end));
	signal_event(self->event);
	ASSERT_EQ(0, set_wire(&self->vm, GSI + 1, 1));
	for (i = 0; i < 3; i++) {
		EXPECT_EQ(INTID, taken(&self->v));
		EXPECT_EQ(!i, count_of(end));
	}
	signal_event(self->event);
	ASSERT_EQ(0, set_wire(&self->vm, GSI + 1, 0));
	EXPECT_EQ(INTID, taken(&self->v));
	EXPECT_EQ(1, count_of(end));
	EXPECT_EQ(0, taken(&self->v));

	/* Both routes have a resample eventfd; and one route has two. */
	ASSERT_EQ(0, set_resampled(&self->vm, other, GSI + 1, other_end));
	signal_event(self->event);
	signal_event(other);
	EXPECT_EQ(INTID, taken(&self->v));
	EXPECT_EQ(0, taken(&self->v));
	EXPECT_EQ(1, count_of(end));
	EXPECT_EQ(1, count_of(other_end));
	ASSERT_EQ(0, set_irqfd(&self->vm, other, GSI + 1, AXV_IRQFD_REMOVE));
	ASSERT_EQ(0, set_resampled(&self->vm, other, GSI, other_end));
	signal_event(other);
	EXPECT_EQ(INTID, taken(&self->v));
	EXPECT_EQ(0, taken(&self->v));
	EXPECT_EQ(1, count_of(end));
	EXPECT_EQ(1, count_of(other_end));
	close(end);
	close(other);
	close(other_end);
}

/* The eventfd of an end is the irqfd of another interrupt, or of the same one. */
TEST_F(irqfd, an_end_that_interrupts)
{
	int i, other = event_new(0);

	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_LEVEL, 0, INTID));
	ASSERT_EQ(0, set_route(&self->vm, GSI + 1, 0, 0, OTHER_INTID));
	ASSERT_EQ(0, set_resampled(&self->vm, self->event, GSI, other));
	ASSERT_EQ(0, set_irqfd(&self->vm, other, GSI + 1, 0));
	signal_event(self->event);
	EXPECT_EQ(INTID, taken(&self->v));
	EXPECT_EQ(OTHER_INTID, taken(&self->v));
	EXPECT_EQ(0, taken(&self->v));
	EXPECT_EQ(0, count_of(other));
	ASSERT_EQ(0, set_irqfd(&self->vm, self->event, GSI, AXV_IRQFD_REMOVE));
	ASSERT_EQ(0, set_resampled(&self->vm, self->event, GSI, self->event));
	signal_event(self->event);
	for (i = 0; i < 5; i++)
		EXPECT_EQ(INTID, taken(&self->v));
	close(other);
}

/* A level in flight is saved with the vCPU's registers, and ends in another vCPU. */
TEST_F(irqfd, a_level_in_flight_is_state)
{
	struct axv_route route = { .gsi = GSI };
	int end = event_new(0);

	arm64_load_handler(&self->vm, handler_calls_first);
	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_LEVEL, 0, INTID));
	ASSERT_EQ(0, set_resampled(&self->vm, self->event, GSI, end));
	signal_event(self->event);
	EXPECT_EQ(INTID, taken(&self->v));
	ASSERT_EQ(0, get_routes(&self->vm, &route, 1, 0));
	EXPECT_EQ(AXV_ROUTE_LEVEL | AXV_ROUTE_IN_FLIGHT, route.flags);
	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_REMOVE, 0, 0));
	ASSERT_EQ(0, set_routes(&self->vm, &route, 1, 0));
	EXPECT_EQ(0, taken(&self->v));
	EXPECT_EQ(1, count_of(end));
	ASSERT_EQ(0, get_routes(&self->vm, &route, 1, 0));
	EXPECT_EQ(AXV_ROUTE_LEVEL, route.flags);
	close(end);
}

/* A wire belongs to a vCPU's id: it stays high if the vCPU goes and another one comes. */
TEST_F(irqfd, a_level_without_a_vcpu)
{
	int i, end = event_new(0);
	struct axv_vcpu other;

	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_LEVEL, 7, INTID));
	ASSERT_EQ(0, set_resampled(&self->vm, self->event, GSI, end));
	signal_event(self->event);
	for (i = 0; i < 3; i++) {
		guest_new(&self->vm, &other, 7);
		/* The vCPU has the interrupt already when it is closed. */
		if (i == 1)
			signal_event(self->event);
		if (i == 2) {
			EXPECT_EQ(INTID, taken(&other));
			EXPECT_EQ(1, count_of(end));
			EXPECT_EQ(0, taken(&other));
		}
		vcpu_free(&other);
	}
	EXPECT_EQ(0, taken(&self->v));
	close(end);
}

/* When a route or a VM goes, the wire falls. */
TEST_F(irqfd, the_end_of_a_route_in_flight)
{
	int end = event_new(0);

	arm64_load_handler(&self->vm, handler_calls_first);
	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_LEVEL, 0, INTID));
	ASSERT_EQ(0, set_resampled(&self->vm, self->event, GSI, end));
	signal_event(self->event);
	EXPECT_EQ(INTID, taken(&self->v));
	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_REMOVE, 0, 0));
	EXPECT_EQ(0, taken(&self->v));
	ASSERT_EQ(0, set_route(&self->vm, GSI, AXV_ROUTE_LEVEL, 0, INTID));
	signal_event(self->event);
	EXPECT_EQ(INTID, taken(&self->v));
	close(end);
	close(self->vm.fd);
	self->vm.fd = dup(self->event);
	EXPECT_EQ(0, taken(&self->v));
}

TEST_F(irqfd, the_eventfd_is_closed_first)
{
	int i, fd;

	ASSERT_EQ(0, set_route(&self->vm, GSI, 0, 0, INTID));
	for (i = 0; i < ROUNDS; i++) {
		fd = event_new(0);
		ASSERT_EQ(0, set_irqfd(&self->vm, fd, GSI, 0));
		signal_event(fd);
		close(fd);
		EXPECT_EQ(INTID, taken(&self->v));
		EXPECT_EQ(0, taken(&self->v));
	}
}

TEST_F(irqfd, the_vm_is_closed_first)
{
	struct axv_vcpu v;
	struct axv_vm vm;
	int i;

	for (i = 0; i < 20; i++) {
		vm_new_irqchip(&vm, 0, AXV_IRQCHIP_GICV3);
		guest_new(&vm, &v, 0);
		ASSERT_EQ(0, set_route(&vm, GSI, 0, 0, INTID));
		ASSERT_EQ(0, set_irqfd(&vm, self->event, GSI, 0));
		signal_event(self->event);
		/* A vCPU whose VM is closed still runs, but has no routes. */
		close(vm.fd);
		signal_event(self->event);
		EXPECT_EQ(1, count_of(self->event));
		EXPECT_EQ(INTID, taken(&v));
		EXPECT_EQ(0, taken(&v));
		vm.fd = dup(self->event);
		vcpu_free(&v);
		vm_free(&vm);
	}
}

/* A VMM, whose child inherits its descriptors, and says if one of them still works. */
static int vmm_with_an_heir(void *arg)
{
	int *fds = arg;
	struct axv_vcpu v;
	struct axv_vm vm;

	vm_new_irqchip(&vm, 0, AXV_IRQCHIP_GICV3);
	guest_new(&vm, &v, 0);
	must(!set_route(&vm, GSI, AXV_ROUTE_MASKED, 0, INTID));
	must(!set_irqfd(&vm, fds[0], GSI, 0));
	must(!eventfd_write(fds[0], 1));
	must(!count_of(fds[0]));
	switch (fork()) {
	case -1:
		return 1;
	case 0:
		must(!eventfd_write(fds[1], getpid()));
		pause();
		return 1;
	}
	return 7;
}

/* The child has the VM's descriptor, but VM and irqfds end with the VMM. */
TEST_F(irqfd, the_vmm_dies_first)
{
	int fds[2] = { self->event, eventfd(0, EFD_CLOEXEC) };
	struct pollfd p = { .fd = self->event, .events = POLLIN };
	eventfd_t heir;

	must(fds[1] >= 0);
	EXPECT_EQ(7 << 8, child_status(child_start(vmm_with_an_heir, fds)));
	must(!eventfd_read(fds[1], &heir));
	signal_event(self->event);
	EXPECT_EQ(1, poll(&p, 1, 0));
	EXPECT_EQ(1, count_of(self->event));
	must(!kill(heir, SIGKILL));
	close(fds[1]);
}

/* ---- threads ---- */

/* The guest has to run to make room, even if it halts although its queue is full. */
TEST(a_halted_vcpu_with_a_full_queue)
{
	/* The guest's priority mask keeps all of these out. */
	struct axv_inject edge = { .type = AXV_INJECT_EXTINT, .priority = 0xff };
	int i, event = event_new(0);
	struct axv_runner runner;
	struct axv_vcpu v;
	struct axv_vm vm;
	__u64 entries;

	vm_new_irqchip(&vm, AXV_VM_HALT_IN_KERNEL, AXV_IRQCHIP_GICV3);
	guest_new(&vm, &v, 0);
	ASSERT_EQ(0, set_route(&vm, GSI, 0, 0, INTID));
	ASSERT_EQ(0, set_irqfd(&vm, event, GSI, 0));
	for (i = 0; i < QUEUE; i++) {
		edge.vector = 100 + i;
		ASSERT_EQ(0, axv_ioctl(v.fd, AXV_INJECT, &edge));
	}
	ASSERT_EQ(0, vcpu_unbind(&v));
	runner_start(&runner, &v, for_ever, NULL);
	vcpu_await_state(&v, AXV_STATE_BLOCKED);
	entries = vcpu_stats(&v).entries;
	signal_event(event);
	for (i = 0; i < 10000 && vcpu_stats(&v).entries < entries + 3; i++)
		usleep(1000);
	EXPECT_LE(entries + 3, vcpu_stats(&v).entries);
	edge.flags = AXV_INJECT_RETRACT;
	EXPECT_EQ(0, axv_ioctl(v.fd, AXV_INJECT, &edge));
	runner_await(&runner, AXV_EXIT_HYPERCALL, 1);
	/* Now the vCPU can sleep. */
	vcpu_await_state(&v, AXV_STATE_BLOCKED);
	runner_stop(&runner);
	vcpu_free(&v);
	vm_free(&vm);
	close(event);
}

TEST(a_halted_vcpu_is_woken)
{
	struct axv_runner runner;
	struct axv_vcpu v;
	struct axv_vm vm;
	int i, event = event_new(0);

	vm_new_irqchip(&vm, AXV_VM_HALT_IN_KERNEL, AXV_IRQCHIP_GICV3);
	guest_new(&vm, &v, 0);
	ASSERT_EQ(0, set_route(&vm, GSI, 0, 0, INTID));
	ASSERT_EQ(0, set_irqfd(&vm, event, GSI, 0));
	ASSERT_EQ(0, vcpu_unbind(&v));
	runner_start(&runner, &v, for_ever, NULL);
	for (i = 1; i <= 20; i++) {
		vcpu_await_state(&v, AXV_STATE_BLOCKED);
		signal_event(event);
		runner_await(&runner, AXV_EXIT_HYPERCALL, i);
	}
	runner_stop(&runner);
	EXPECT_EQ(20, runner.exits[AXV_EXIT_HYPERCALL]);
	vcpu_free(&v);
	vm_free(&vm);
	close(event);
}

/* While the eventfd is signalled without end, routes change, and the irqfd comes and goes. */
TEST(changes_beside_signals)
{
	unsigned long i, rounds = scaled(ROUNDS);
	struct axv_runner runner;
	int event = event_new(0);
	struct signaller s;
	struct axv_vcpu v;
	struct axv_vm vm;

	vm_new_irqchip(&vm, AXV_VM_HALT_IN_KERNEL, AXV_IRQCHIP_GICV3);
	guest_new(&vm, &v, 0);
	ASSERT_EQ(0, set_route(&vm, GSI, 0, 0, INTID));
	ASSERT_EQ(0, vcpu_unbind(&v));
	runner_start(&runner, &v, for_ever, NULL);
	signaller_start(&s, event);
	for (i = 0; i < rounds; i++) {
		must(!set_irqfd(&vm, event, GSI, 0));
		runner_await(&runner, AXV_EXIT_HYPERCALL,
			     runner.exits[AXV_EXIT_HYPERCALL] + 1);
		must(!set_route(&vm, GSI, AXV_ROUTE_REMOVE, 0, 0));
		must(!set_route(&vm, GSI, i & 1 ? AXV_ROUTE_MASKED : 0, 0, INTID + i % 8));
		must(!set_route(&vm, GSI, 0, 0, INTID));
		must(!set_irqfd(&vm, event, GSI, AXV_IRQFD_REMOVE));
	}
	signaller_stop(&s);
	runner_stop(&runner);
	vcpu_free(&v);
	vm_free(&vm);
	close(event);
}

struct device {
	pthread_t thread;
	int event;
	int end;
	unsigned long rounds;
};

/* A device that keeps its line high until it is told that its interrupt has ended. */
static void *device_main(void *arg)
{
	struct device *d = arg;
	struct pollfd p = { .fd = d->end, .events = POLLIN };
	unsigned long i;

	for (i = 0; i < d->rounds; i++) {
		signal_event(d->event);
		must(poll(&p, 1, 60000) == 1);
		count_of(d->end);
	}
	return NULL;
}

/* No end is missed while the route, and another one, change all the time. */
TEST(changes_beside_levels)
{
	struct device d = { .rounds = scaled(ROUNDS) };
	struct axv_runner runner;
	struct axv_vcpu v;
	struct axv_vm vm;
	unsigned long i;

	vm_new_irqchip(&vm, AXV_VM_HALT_IN_KERNEL, AXV_IRQCHIP_GICV3);
	guest_new(&vm, &v, 0);
	d.event = event_new(0);
	d.end = event_new(0);
	must(!set_route(&vm, GSI, AXV_ROUTE_LEVEL, 0, INTID));
	must(!set_route(&vm, GSI + 1, AXV_ROUTE_LEVEL, 0, INTID));
	must(!set_resampled(&vm, d.event, GSI, d.end));
	ASSERT_EQ(0, vcpu_unbind(&v));
	runner_start(&runner, &v, for_ever, NULL);
	must(!pthread_create(&d.thread, NULL, device_main, &d));
	for (i = 0; pthread_tryjoin_np(d.thread, NULL); i++) {
		must(!set_route(&vm, GSI, AXV_ROUTE_LEVEL | AXV_ROUTE_MASKED, 0, INTID));
		must(!set_wire(&vm, GSI + 1, 1));
		must(!set_route(&vm, GSI, AXV_ROUTE_LEVEL, 0, INTID));
		must(!set_wire(&vm, GSI + 1, 0));
		if (i % 4 == 0)
			must(!set_route(&vm, GSI, AXV_ROUTE_LEVEL, 0, OTHER_INTID));
		if (i % 4 == 2)
			must(!set_route(&vm, GSI, AXV_ROUTE_LEVEL, 0, INTID));
	}
	runner_stop(&runner);
	vcpu_free(&v);
	vm_free(&vm);
	close(d.event);
	close(d.end);
}

/* Everything is closed while the eventfd is signalled. */
TEST(closed_beside_signals)
{
	unsigned long i, rounds = scaled(ROUNDS / 4);
	int event = event_new(0);
	struct signaller s;
	struct axv_vcpu v;
	struct axv_vm vm;
	__u64 intid;

	signaller_start(&s, event);
	for (i = 0; i < rounds; i++) {
		vm_new_irqchip(&vm, 0, AXV_IRQCHIP_GICV3);
		guest_new(&vm, &v, 0);
		must(!set_route(&vm, GSI, 0, 0, INTID));
		must(!set_irqfd(&vm, event, GSI, 0));
		/* The other thread may not have begun to signal. */
		while (!(intid = taken(&v)))
			sched_yield();
		must(intid == INTID);
		vcpu_free(&v);
		vm_free(&vm);
	}
	signaller_stop(&s);
	close(event);
}

TEST_HARNESS_MAIN
