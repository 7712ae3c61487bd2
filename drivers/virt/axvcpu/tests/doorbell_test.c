// SPDX-License-Identifier: GPL-2.0
/*
 * Doorbells: which write rings which doorbell, which requests are refused, and the removal
 * of a doorbell that rings just now.
 */
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/err.h>

#include <axvcpu/doorbell.h>
#include <axvcpu/state.h>

#include "fake.h"
#include "memory_vm.h"
#include "../eventfd.h"

#define ADDR		0xd0008ull
#define FDS		4

/**
 * struct bell - what a test has in the place of an eventfd
 * @rings:	how often it was signalled
 * @refs:	references to it
 * @gate:	not NULL: a thread that signals waits for this
 * @inside:	completed before that wait
 */
struct bell {
	unsigned int rings;
	atomic_t refs;
	struct completion *gate;
	struct completion inside;
};

/* By descriptor. */
static struct bell bells[FDS];

static struct bell *bell_of(struct eventfd_ctx *eventfd)
{
	return (struct bell *)eventfd;
}

static struct eventfd_ctx *bell_get(int fd)
{
	if (fd < 0 || fd >= FDS)
		return ERR_PTR(-EBADF);
	atomic_inc(&bells[fd].refs);
	return (struct eventfd_ctx *)&bells[fd];
}

static void bell_signal(struct eventfd_ctx *eventfd)
{
	struct bell *bell = bell_of(eventfd);

	/* On a realtime kernel signalling sleeps. */
	might_sleep();
	if (bell->gate) {
		complete(&bell->inside);
		wait_for_completion(bell->gate);
	}
	/* An eventfd without a reference must not be signalled. */
	WARN_ON_ONCE(!atomic_read(&bell->refs));
	bell->rings++;
}

static void bell_put(struct eventfd_ctx *eventfd)
{
	atomic_dec(&bell_of(eventfd)->refs);
}

static const struct axv_eventfd_stub stub = {
	.get = bell_get,
	.signal = bell_signal,
	.put = bell_put,
};

static int doorbell_init(struct kunit *test)
{
	int i;

	for (i = 0; i < FDS; i++) {
		bells[i] = (struct bell){};
		init_completion(&bells[i].inside);
	}
	axv_eventfd_stub = &stub;
	return axv_fake_init(test);
}

/* After the VM's end no reference to an eventfd is left. */
static void doorbell_exit(struct kunit *test)
{
	int i;

	axv_fake_exit(test);
	for (i = 0; i < FDS; i++)
		KUNIT_EXPECT_EQ_MSG(test, 0, atomic_read(&bells[i].refs), "eventfd %d", i);
	axv_eventfd_stub = NULL;
}

static int set(struct kunit *test, u32 flags, u64 addr, u32 width, u64 data, int fd)
{
	const struct axv_doorbell request = {
		.flags = flags,
		.width = width,
		.addr = addr,
		.data = data,
		.fd = fd,
	};

	return axv_set_doorbell(test->priv, &request);
}

static int unset(struct kunit *test, u32 flags, u64 addr, u32 width, u64 data, int fd)
{
	return set(test, flags | AXV_DOORBELL_REMOVE, addr, width, data, fd);
}

static bool ring(struct axv_vcpu *vcpu, enum axv_space space, u64 addr, unsigned int width,
		 u64 data)
{
	return AXV_CLAIMED(vcpu, axv_ring_doorbell(vcpu, space, addr, width, data));
}

/* The descriptor of the doorbell that rings for a write, or -1.  Not more than one may. */
static int who_rings(struct kunit *test, struct axv_vcpu *vcpu, enum axv_space space,
		     u64 addr, unsigned int width, u64 data)
{
	unsigned int before[FDS];
	int i, who = -1;
	bool rang;

	for (i = 0; i < FDS; i++)
		before[i] = bells[i].rings;
	rang = ring(vcpu, space, addr, width, data);
	for (i = 0; i < FDS; i++) {
		if (bells[i].rings == before[i])
			continue;
		KUNIT_EXPECT_EQ(test, before[i] + 1, bells[i].rings);
		KUNIT_EXPECT_EQ(test, -1, who);
		who = i;
	}
	KUNIT_EXPECT_EQ(test, rang, who >= 0);
	return who;
}

static void no_doorbell_costs_nothing(struct kunit *test)
{
	struct axv_vcpu *vcpu = &axv_fake_new(test, 0, NULL)->vcpu;
	struct axv_vm *vm = test->priv;

	KUNIT_EXPECT_FALSE(test, axv_has_doorbells(vm, AXV_SPACE_MEMORY));
	KUNIT_EXPECT_FALSE(test, axv_has_doorbells(vm, AXV_SPACE_PORTS));
	KUNIT_EXPECT_FALSE(test, ring(vcpu, AXV_SPACE_MEMORY, ADDR, 4, 0));
	/* A call that fails leaves no table. */
	KUNIT_EXPECT_EQ(test, -EBADF, set(test, 0, ADDR, 4, 0, FDS));
	KUNIT_EXPECT_FALSE(test, axv_has_doorbells(vm, AXV_SPACE_MEMORY));
	/* With a doorbell at a port alone, none is looked for in memory. */
	KUNIT_EXPECT_EQ(test, 0, set(test, AXV_DOORBELL_PORT, 0x10, 0, 0, 0));
	KUNIT_EXPECT_TRUE(test, axv_has_doorbells(vm, AXV_SPACE_PORTS));
	KUNIT_EXPECT_FALSE(test, axv_has_doorbells(vm, AXV_SPACE_MEMORY));
	KUNIT_EXPECT_EQ(test, 0ull, vcpu->stats.doorbells);
}

static void which_writes_match(struct kunit *test)
{
	static const struct {
		struct { u32 flags, width; u64 addr, data; } bell;
		struct { enum axv_space space; u64 addr; unsigned int width; u64 data; } write;
		bool rings;
	} table[] = {
#define MEM	AXV_SPACE_MEMORY
#define PORTS	AXV_SPACE_PORTS
#define PORT	AXV_DOORBELL_PORT
#define DATA	AXV_DOORBELL_DATA
		{ { 0, 4, ADDR, 0 }, { MEM, ADDR, 4, 0 }, true },
		{ { 0, 4, ADDR, 0 }, { MEM, ADDR, 4, 0xffffffff }, true },
		{ { 0, 4, ADDR, 0 }, { MEM, ADDR, 1, 0 }, false },
		{ { 0, 4, ADDR, 0 }, { MEM, ADDR, 8, 0 }, false },
		{ { 0, 4, ADDR, 0 }, { MEM, ADDR + 1, 4, 0 }, false },
		{ { 0, 4, ADDR, 0 }, { MEM, ADDR - 4, 8, 0 }, false },
		{ { 0, 4, ADDR, 0 }, { MEM, ADDR | 1ull << 32, 4, 0 }, false },
		{ { 0, 4, ADDR, 0 }, { PORTS, (u16)ADDR, 4, 0 }, false },
		{ { 0, 0, ADDR, 0 }, { MEM, ADDR, 1, 1 }, true },
		{ { 0, 0, ADDR, 0 }, { MEM, ADDR, 2, 2 }, true },
		{ { 0, 0, ADDR, 0 }, { MEM, ADDR, 4, 3 }, true },
		{ { 0, 0, ADDR, 0 }, { MEM, ADDR, 8, ~0ull }, true },
		{ { 0, 0, ADDR, 0 }, { MEM, ADDR + 1, 1, 0 }, false },
		{ { DATA, 2, ADDR, 7 }, { MEM, ADDR, 2, 7 }, true },
		{ { DATA, 2, ADDR, 7 }, { MEM, ADDR, 2, 6 }, false },
		{ { DATA, 2, ADDR, 7 }, { MEM, ADDR, 4, 7 }, false },
		{ { DATA, 2, ADDR, 0 }, { MEM, ADDR, 2, 0 }, true },
		{ { DATA, 2, ADDR, 0 }, { MEM, ADDR, 2, 1 }, false },
		{ { DATA, 8, ADDR, ~0ull }, { MEM, ADDR, 8, ~0ull }, true },
		{ { DATA, 8, ADDR, ~0ull }, { MEM, ADDR, 8, ~0ull >> 1 }, false },
		{ { DATA, 0, ADDR, 7 }, { MEM, ADDR, 1, 7 }, true },
		{ { DATA, 0, ADDR, 7 }, { MEM, ADDR, 8, 7 }, true },
		{ { DATA, 0, ADDR, 7 }, { MEM, ADDR, 8, 7 | 1ull << 63 }, false },
		{ { PORT, 1, 0x70, 0 }, { PORTS, 0x70, 1, 9 }, true },
		{ { PORT, 1, 0x70, 0 }, { PORTS, 0x70, 2, 9 }, false },
		{ { PORT, 1, 0x70, 0 }, { PORTS, 0x71, 1, 9 }, false },
		{ { PORT, 1, 0x70, 0 }, { MEM, 0x70, 1, 9 }, false },
		{ { PORT, 0, 0xffff, 0 }, { PORTS, 0xffff, 1, 9 }, true },
		{ { PORT | DATA, 4, 0, 5 }, { PORTS, 0, 4, 5 }, true },
		{ { PORT | DATA, 4, 0, 5 }, { PORTS, 0, 4, 4 }, false },
#undef MEM
#undef PORTS
#undef PORT
#undef DATA
	};
	struct axv_vcpu *vcpu = &axv_fake_new(test, 0, NULL)->vcpu;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(table); i++) {
		KUNIT_ASSERT_EQ(test, 0, set(test, table[i].bell.flags, table[i].bell.addr,
					     table[i].bell.width, table[i].bell.data, 1));
		KUNIT_EXPECT_EQ_MSG(test, table[i].rings ? 1 : -1,
				    who_rings(test, vcpu, table[i].write.space,
					      table[i].write.addr, table[i].write.width,
					      table[i].write.data), "case %zu", i);
		KUNIT_ASSERT_EQ(test, 0, unset(test, table[i].bell.flags, table[i].bell.addr,
					       table[i].bell.width, table[i].bell.data, 1));
		KUNIT_EXPECT_EQ_MSG(test, -1,
				    who_rings(test, vcpu, table[i].write.space,
					      table[i].write.addr, table[i].write.width,
					      table[i].write.data), "case %zu", i);
	}
	KUNIT_EXPECT_EQ(test, (u64)bells[1].rings, vcpu->stats.doorbells);
}

/* The result does not depend on the order in which the doorbells were added. */
static void the_most_specific_doorbell_rings(struct kunit *test)
{
	static const struct { u32 flags, width; u64 data; } bell[FDS] = {
		{ AXV_DOORBELL_DATA, 4, 7 }, { AXV_DOORBELL_DATA, 0, 7 }, { 0, 4 }, { 0, 0 },
	};
	struct axv_vcpu *vcpu = &axv_fake_new(test, 0, NULL)->vcpu;
	int first, i, k;

	for (first = 0; first < FDS; first++) {
		for (k = 0; k < FDS; k++) {
			i = (first + k) % FDS;
			KUNIT_EXPECT_EQ(test, 0, set(test, bell[i].flags, ADDR, bell[i].width,
						     bell[i].data, i));
		}
		KUNIT_EXPECT_EQ(test, 1, who_rings(test, vcpu, AXV_SPACE_MEMORY, ADDR, 2, 7));
		KUNIT_EXPECT_EQ(test, 2, who_rings(test, vcpu, AXV_SPACE_MEMORY, ADDR, 4, 6));
		KUNIT_EXPECT_EQ(test, 3, who_rings(test, vcpu, AXV_SPACE_MEMORY, ADDR, 8, 6));
		for (i = 0; i < FDS; i++) {
			KUNIT_EXPECT_EQ(test, i, who_rings(test, vcpu, AXV_SPACE_MEMORY, ADDR,
							   4, 7));
			KUNIT_EXPECT_EQ(test, 0, unset(test, bell[i].flags, ADDR,
						       bell[i].width, bell[i].data, -1));
		}
	}
}

static void impossible_requests_are_refused(struct kunit *test)
{
	static const struct { u32 flags, width; u64 addr, data; u32 pad; } bad[] = {
		{ 1u << 3, 4, ADDR }, { 1u << 31, 4, ADDR }, { 0, 3, ADDR }, { 0, 16, ADDR },
		{ 0, ~0u, ADDR }, { 0, 4, ADDR, 1 }, { 0, 4, ADDR, 0, 1 },
		{ AXV_DOORBELL_DATA, 1, ADDR, 0x100 }, { AXV_DOORBELL_DATA, 4, ADDR, BIT_ULL(32) },
		{ 0, 1, BIT_ULL(48) }, { 0, 0, BIT_ULL(48) }, { 0, 8, BIT_ULL(48) - 7 },
		{ 0, 1, ~0ull }, { 0, 8, ~0ull }, { 0, 0, ~0ull }, { 0, 8, -8ull },
		{ AXV_DOORBELL_PORT, 8, 0x70 }, { AXV_DOORBELL_PORT, 3, 0x70 },
		{ AXV_DOORBELL_PORT, 1, 0x10000 }, { AXV_DOORBELL_PORT, 2, 0xffff },
		{ AXV_DOORBELL_PORT, 0, ~0ull },
		{ AXV_DOORBELL_PORT | AXV_DOORBELL_DATA, 0, 0x70, BIT_ULL(32) },
	};
	struct axv_doorbell request;
	struct axv_vm *vm = test->priv;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		request = (struct axv_doorbell){
			.flags = bad[i].flags, .width = bad[i].width, .addr = bad[i].addr,
			.data = bad[i].data, .pad = bad[i].pad,
		};
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, axv_set_doorbell(vm, &request),
				    "case %zu", i);
		request.flags |= AXV_DOORBELL_REMOVE;
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, axv_set_doorbell(vm, &request),
				    "removing, case %zu", i);
	}
	KUNIT_EXPECT_EQ(test, 0, set(test, 0, BIT_ULL(48) - 8, 8, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, set(test, 0, BIT_ULL(48) - 1, 0, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, set(test, AXV_DOORBELL_PORT, 0xfffc, 4, 0, 0));
	KUNIT_EXPECT_EQ(test, -EBADF, set(test, 0, ADDR, 4, 0, -1));
	KUNIT_EXPECT_EQ(test, -EBADF, unset(test, 0, ADDR, 4, 0, FDS));
	KUNIT_EXPECT_EQ(test, 3u, vm->doorbells.nr);
}

static void ports_are_not_everywhere(struct kunit *test)
{
	struct axv_arch_ops ops = axv_fake_ops;
	struct axv_vm *vm = test->priv;
	u64 flags;

	KUNIT_EXPECT_EQ(test, 0, axv_query(vm->ops, AXV_QUERY_DOORBELL_FLAGS, &flags));
	KUNIT_EXPECT_TRUE(test, flags & AXV_DOORBELL_PORT);
	ops.has_ports = false;
	vm->ops = &ops;
	KUNIT_EXPECT_EQ(test, -EINVAL, set(test, AXV_DOORBELL_PORT, 0x70, 1, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, set(test, 0, 0x70, 1, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, axv_query(vm->ops, AXV_QUERY_DOORBELL_FLAGS, &flags));
	KUNIT_EXPECT_FALSE(test, flags & AXV_DOORBELL_PORT);
	vm->ops = &axv_fake_ops;
}

static void adding_twice_and_removing_none_fail(struct kunit *test)
{
	KUNIT_EXPECT_EQ(test, -ENOENT, unset(test, 0, ADDR, 4, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, set(test, 0, ADDR, 4, 0, 0));
	KUNIT_EXPECT_EQ(test, -EEXIST, set(test, 0, ADDR, 4, 0, 0));
	KUNIT_EXPECT_EQ(test, -EEXIST, set(test, 0, ADDR, 4, 0, 1));
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&bells[0].refs));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&bells[1].refs));
	/* A doorbell that differs in width, flags or eventfd is not removed. */
	KUNIT_EXPECT_EQ(test, -ENOENT, unset(test, 0, ADDR, 0, 0, 0));
	KUNIT_EXPECT_EQ(test, -ENOENT, unset(test, AXV_DOORBELL_DATA, ADDR, 4, 0, 0));
	KUNIT_EXPECT_EQ(test, -ENOENT, unset(test, 0, ADDR, 4, 0, 1));
	KUNIT_EXPECT_EQ(test, -ENOENT, unset(test, AXV_DOORBELL_PORT, (u16)ADDR, 4, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, unset(test, 0, ADDR, 4, 0, 0));
	KUNIT_EXPECT_EQ(test, -ENOENT, unset(test, 0, ADDR, 4, 0, 0));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&bells[0].refs));
	/* -1 removes it whichever eventfd it has. */
	KUNIT_EXPECT_EQ(test, 0, set(test, 0, ADDR, 4, 0, 2));
	KUNIT_EXPECT_EQ(test, 0, unset(test, 0, ADDR, 4, 0, -1));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&bells[2].refs));
}

static void the_number_of_doorbells_is_limited(struct kunit *test)
{
	struct axv_vcpu *vcpu = &axv_fake_new(test, 0, NULL)->vcpu;
	struct axv_vm *vm = test->priv;
	u64 i, max;

	KUNIT_ASSERT_EQ(test, 0, axv_query(vm->ops, AXV_QUERY_MAX_DOORBELLS, &max));
	KUNIT_EXPECT_EQ(test, (u64)AXV_MAX_DOORBELLS, max);
	/* All at one address, some at ports. */
	for (i = 0; i < max; i++)
		if (set(test, i % 16 ? AXV_DOORBELL_DATA : AXV_DOORBELL_PORT,
			i % 16 ? ADDR : i, i % 16 ? 8 : 0, i % 16 ? i : 0, 0))
			break;
	KUNIT_EXPECT_EQ(test, max, i);
	KUNIT_EXPECT_EQ(test, -ENOSPC, set(test, 0, ADDR, 8, 0, 1));
	KUNIT_EXPECT_EQ(test, -EEXIST, set(test, AXV_DOORBELL_PORT, 16, 0, 0, 1));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&bells[1].refs));
	for (i = 0; i < max; i++)
		if (i % 16 && !ring(vcpu, AXV_SPACE_MEMORY, ADDR, 8, i))
			break;
	KUNIT_EXPECT_EQ(test, max, i);
	/* Other addresses and other data, which may share a bucket with them, do not ring. */
	for (i = 1; i < max; i++)
		if (ring(vcpu, AXV_SPACE_MEMORY, ADDR + 16 * i, 8, i % 16) ||
		    ring(vcpu, AXV_SPACE_MEMORY, ADDR, 8, 16 * i) ||
		    ring(vcpu, AXV_SPACE_PORTS, 16 * i + 8, 1, 0))
			break;
	KUNIT_EXPECT_EQ(test, max, i);
	KUNIT_EXPECT_EQ(test, 0, unset(test, AXV_DOORBELL_DATA, ADDR, 8, max - 1, 0));
	KUNIT_EXPECT_EQ(test, 0, set(test, 0, ADDR, 8, 0, 1));
	KUNIT_EXPECT_EQ(test, 1, who_rings(test, vcpu, AXV_SPACE_MEMORY, ADDR, 8, max - 1));
}

/* ---- while it rings ---- */

static int ring_fn(void *arg)
{
	return ring(arg, AXV_SPACE_MEMORY, ADDR, 4, 1);
}

static int remove_fn(void *arg)
{
	return unset(arg, 0, ADDR, 4, 0, 0);
}

/* The call that removes a doorbell returns when the last vCPU has signalled. */
static void removal_waits_for_a_vcpu_that_rings(struct kunit *test)
{
	struct axv_vcpu *vcpu = &axv_fake_new(test, 0, NULL)->vcpu;
	struct axv_vcpu *other = &axv_fake_new(test, 1, NULL)->vcpu;
	struct axv_fake_thread ringing, removing;
	DECLARE_COMPLETION_ONSTACK(gate);

	KUNIT_ASSERT_EQ(test, 0, set(test, 0, ADDR, 4, 0, 0));
	bells[0].gate = &gate;
	axv_fake_start(test, &ringing, -1, ring_fn, vcpu);
	axv_fake_await(test, &bells[0].inside);
	axv_fake_start(test, &removing, -1, remove_fn, test);
	/* The doorbell is out of the table, but not freed yet. */
	while (READ_ONCE(vcpu->vm->doorbells.nr))
		usleep_range(100, 200);
	KUNIT_EXPECT_EQ(test, -1, who_rings(test, other, AXV_SPACE_MEMORY, ADDR, 4, 1));
	msleep(20);
	KUNIT_EXPECT_FALSE(test, completion_done(&removing.done));
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&bells[0].refs));
	/* A new doorbell in its place does not wait for the old one. */
	KUNIT_EXPECT_EQ(test, 0, set(test, 0, ADDR, 4, 0, 1));
	KUNIT_EXPECT_EQ(test, 1, who_rings(test, other, AXV_SPACE_MEMORY, ADDR, 4, 1));

	complete_all(&gate);
	KUNIT_EXPECT_EQ(test, 0, axv_fake_wait(test, &removing));
	KUNIT_EXPECT_EQ(test, 1u, READ_ONCE(bells[0].rings));
	KUNIT_EXPECT_EQ(test, 1, axv_fake_wait(test, &ringing));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&bells[0].refs));
	axv_fake_stop(&removing);
	axv_fake_stop(&ringing);
	KUNIT_EXPECT_EQ(test, 1ull, vcpu->stats.doorbells);
}

/* The VM's file may be closed by a kernel thread, which must not wait for a vCPU. */
static void close_waits_for_nobody(struct kunit *test)
{
	struct axv_vcpu *vcpu = &axv_fake_new(test, 0, NULL)->vcpu;
	DECLARE_COMPLETION_ONSTACK(gate);
	struct axv_fake_thread ringing;

	KUNIT_ASSERT_EQ(test, 0, set(test, 0, ADDR, 4, 0, 0));
	KUNIT_ASSERT_EQ(test, 0, set(test, 0, ADDR + 8, 4, 0, 1));
	bells[0].gate = &gate;
	axv_fake_start(test, &ringing, -1, ring_fn, vcpu);
	axv_fake_await(test, &bells[0].inside);
	axv_doorbells_close(vcpu->vm);
	/* The doorbell that rings keeps its eventfd until it has rung. */
	KUNIT_EXPECT_EQ(test, 1, atomic_read(&bells[0].refs));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&bells[1].refs));
	KUNIT_EXPECT_EQ(test, 0u, vcpu->vm->doorbells.nr);
	complete_all(&gate);
	KUNIT_EXPECT_EQ(test, 1, axv_fake_wait(test, &ringing));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&bells[0].refs));
	axv_fake_stop(&ringing);
	KUNIT_EXPECT_EQ(test, -1, who_rings(test, vcpu, AXV_SPACE_MEMORY, ADDR, 4, 1));
	KUNIT_EXPECT_EQ(test, -1, who_rings(test, vcpu, AXV_SPACE_MEMORY, ADDR + 8, 4, 1));
}

static void doorbells_die_with_the_vmm(struct kunit *test)
{
	struct axv_vm *vm = test->priv;

	KUNIT_ASSERT_EQ(test, 0, set(test, 0, ADDR, 4, 0, 0));
	KUNIT_ASSERT_EQ(test, 0, set(test, AXV_DOORBELL_PORT, 0x70, 1, 0, 1));
	memory_vm_enter();
	axv_vm_die(vm);
	memory_vm_leave();
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&bells[0].refs));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&bells[1].refs));
	/* The VM's file is closed later, and finds no doorbells. */
	axv_doorbells_close(vm);
}

/**
 * struct race - a vCPU rings while the test adds and removes
 * @vcpu:	the vCPU
 * @stop:	asks the thread to end
 * @rang:	how often a write rang
 */
struct race {
	struct axv_vcpu *vcpu;
	bool stop;
	unsigned int rang;
};

static int race_fn(void *arg)
{
	struct race *race = arg;

	while (!READ_ONCE(race->stop)) {
		WRITE_ONCE(race->rang,
			   race->rang + ring(race->vcpu, AXV_SPACE_MEMORY, ADDR, 4, 1));
		cond_resched();
	}
	return 0;
}

/* Again and again: once the removal has returned, the eventfd is not signalled. */
static void removal_beside_a_vcpu_that_rings(struct kunit *test)
{
	struct race race = { .vcpu = &axv_fake_new(test, 0, NULL)->vcpu };
	struct axv_fake_thread ringing;
	u32 rings, flags, width, i;

	axv_fake_start(test, &ringing, -1, race_fn, &race);
	for (i = 0; i < 300; i++) {
		rings = READ_ONCE(race.rang);
		flags = i & 1 ? AXV_DOORBELL_DATA : 0;
		width = i & 2 ? 4 : 0;
		KUNIT_EXPECT_EQ(test, 0, set(test, flags, ADDR, width, i & 1, 0));
		while (READ_ONCE(race.rang) == rings)
			cond_resched();
		KUNIT_EXPECT_EQ(test, 0, unset(test, flags, ADDR, width, i & 1, 0));
		rings = READ_ONCE(bells[0].rings);
		KUNIT_EXPECT_EQ(test, 0, atomic_read(&bells[0].refs));
		if (i % 16 == 0)
			usleep_range(100, 200);
		KUNIT_EXPECT_EQ(test, rings, READ_ONCE(bells[0].rings));
	}
	WRITE_ONCE(race.stop, true);
	axv_fake_wait(test, &ringing);
	axv_fake_stop(&ringing);
	KUNIT_EXPECT_EQ(test, race.rang, bells[0].rings);
	KUNIT_EXPECT_EQ(test, (u64)race.rang, race.vcpu->stats.doorbells);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(no_doorbell_costs_nothing),
	KUNIT_CASE(which_writes_match),
	KUNIT_CASE(the_most_specific_doorbell_rings),
	KUNIT_CASE(impossible_requests_are_refused),
	KUNIT_CASE(ports_are_not_everywhere),
	KUNIT_CASE(adding_twice_and_removing_none_fail),
	KUNIT_CASE(the_number_of_doorbells_is_limited),
	KUNIT_CASE(removal_waits_for_a_vcpu_that_rings),
	KUNIT_CASE(close_waits_for_nobody),
	KUNIT_CASE(doorbells_die_with_the_vmm),
	KUNIT_CASE(removal_beside_a_vcpu_that_rings),
	{}
};

axv_test_suite("axvcpu-doorbell", cases, .suite_init = axv_fake_suite_init,
	       .suite_exit = axv_fake_suite_exit, .init = doorbell_init,
	       .exit = doorbell_exit);
