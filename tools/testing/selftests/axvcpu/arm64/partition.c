// SPDX-License-Identifier: GPL-2.0
/*
 * Test of a guest that computes, and takes ticks of its virtual timer, alone on a CPU.  Each
 * tick makes one exit, by the host's interrupt.  To program its timer, and to acknowledge and
 * deactivate interrupts, the guest needs no exit.
 */
#include "partition.h"
#include "ticks.h"

FIXTURE(partition)
{
	struct axv_vm vm;
	struct axv_vcpu v;
};

FIXTURE_SETUP(partition)
{
	new_guest(&self->vm, &self->v);
}

FIXTURE_TEARDOWN(partition)
{
	vcpu_free(&self->v);
	vm_free(&self->vm);
}

static __s64 ticks_of_timer(void *guest)
{
	struct axv_vcpu *v = guest;
	__u64 before;

	start_guest(v->vm, v, TICKS, TICK_US);
	before = vcpu_stats(v).hw_exits;
	must(vcpu_run(v) == AXV_EXIT_HYPERCALL);
	must(v->run->exit.hypercall.args[0] == TICKS);
	return vcpu_stats(v).hw_exits - before - TICKS - 1;
}

TEST_F(partition, ticks_are_the_only_exits)
{
	struct partition p = { .round = ticks_of_timer, .guest = &self->v };

	check_partition(_metadata, &p);
}

TEST_HARNESS_MAIN
