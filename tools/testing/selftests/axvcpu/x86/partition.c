// SPDX-License-Identifier: GPL-2.0
/*
 * Test of a guest that computes, and takes ticks of its local APIC's timer, alone on a CPU.
 * Each tick makes two exits: by the host's timer that stands in for the guest's, and the EOI.
 */
#include "partition.h"
#include "lapic.h"

#define VECTOR		0x51
#define BY_1		0xb	/* in the divide configuration register */
#define EXITS_OF_TICK	2

FIXTURE(partition)
{
	struct axv_vm vm;
	struct lapic_cpu c;
	__u32 count;		/* how much the timer counts in a tick */
};

/* Measure how fast the timer counts, which is not specified, nor how long a sleep takes. */
static __u32 count_of_tick(struct lapic_cpu *c)
{
	const struct timespec moment = { .tv_nsec = TICK_US * 1000 };
	struct timespec from, to;
	__u64 counts, us;

	lapic_write(c, APIC_TIMER_INITIAL, ~0u);
	must(!clock_gettime(CLOCK_MONOTONIC, &from));
	counts = lapic_read(c, APIC_TIMER_CURRENT);
	must(!nanosleep(&moment, NULL));
	counts -= lapic_read(c, APIC_TIMER_CURRENT);
	must(!clock_gettime(CLOCK_MONOTONIC, &to));
	us = (to.tv_sec - from.tv_sec) * 1000000 + (to.tv_nsec - from.tv_nsec) / 1000;
	return counts * TICK_US / us;
}

FIXTURE_SETUP(partition)
{
	NEED_LAPIC();
	lapic_vm_new(&self->vm);
	lapic_begin(&self->vm, &self->c, 0, 0);
	lapic_to_x2apic(&self->c);
	lapic_write(&self->c, APIC_TIMER_DIVIDE, BY_1);
	self->count = count_of_tick(&self->c);
	lapic_write(&self->c, APIC_TIMER_INITIAL, 0);
	lapic_write(&self->c, APIC_LVT_TIMER, LVT_PERIODIC | VECTOR);
}

FIXTURE_TEARDOWN(partition)
{
	lapic_free(&self->c);
	vm_free(&self->vm);
}

typedef FIXTURE_DATA(partition) partition_fixture;

static __s64 ticks_of_apic(void *guest)
{
	partition_fixture *self = guest;
	struct lapic_cpu *c = &self->c;
	__u64 exits;

	lapic_write(c, APIC_TIMER_INITIAL, self->count);
	lapic_order(c, OP_spin, 0, c->guest->taken + TICKS);
	exits = vcpu_stats(&c->v).hw_exits;
	must(lapic_go(c) == DONE);
	exits = vcpu_stats(&c->v).hw_exits - exits;
	lapic_write(c, APIC_TIMER_INITIAL, 0);
	/* One tick may be pending. */
	must(lapic_do(c, OP_open, 0, 0) == DONE);
	return exits - EXITS_OF_TICK * TICKS - 1;
}

TEST_F(partition, ticks_are_the_only_exits)
{
	struct partition p = { .round = ticks_of_apic, .guest = self };

	check_partition(_metadata, &p);
}

TEST_HARNESS_MAIN
