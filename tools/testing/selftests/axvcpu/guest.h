/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Guests for tests that do not depend on the architecture.  Each architecture's guest.c
 * has what is declared here: a few small programs, which run in 64-bit mode with guest
 * virtual equal to guest physical addresses.
 */
#ifndef AXV_GUEST_H
#define AXV_GUEST_H

#include "axv_test.h"

#define GUEST_RAM_SIZE	0xc0000ul	/* at guest physical 0, region 0 */
#define GUEST_DATA	0x40000ul	/* 256 KiB of that memory that no program uses */
#define GUEST_HOLE	0xd0000ul	/* an address where there is never memory */
#define GUEST_MEM	0x400000ul	/* from here to 1 GiB tests may have regions */

/**
 * enum guest_program - what a guest can do
 * @GUEST_SPIN:	*(u64 *)a0 = 1, 2, 3, ... with plain moves, for ever
 * @GUEST_CALL:	hypercalls with number a0 and a counter as argument 0
 * @GUEST_HALT:	halts with interrupts on; calls with a0 when woken; repeats
 * @GUEST_WRITE: one plain store of 8 bytes a2 at a0, a0 + PAGE, ... a1 times;
 * then a hypercall with number 0; repeats, with the arguments read anew
 * @GUEST_READ:	one plain load of 8 bytes at a0, a0 + PAGE, ... a1 times; then
 * a hypercall with the sum as argument 0; repeats, with the arguments read anew
 * @GUEST_WIDTHS: plain stores of 1, 2, 4 and 8 bytes of a2 at a0; then a hypercall with
 *		number 0; repeats
 */
enum guest_program {
	GUEST_SPIN,
	GUEST_CALL,
	GUEST_HALT,
	GUEST_WRITE,
	GUEST_READ,
	GUEST_WIDTHS,
	GUEST_PROGRAMS,
};

/* Fill the VM's memory with tables and programs.  Called by vm_new(). */
void guest_prepare(struct axv_vm *vm);

/* Set a vCPU up: it changes from Created to Free. */
int guest_setup(struct axv_vcpu *v);

/*
 * Make the next run start a program, through the run page.  If there is no memory at the
 * addresses, the program's accesses are exits.
 */
void guest_start(struct axv_vcpu *v, enum guest_program program, __u64 a0,
		 __u64 a1, __u64 a2);

/* Id of the instruction pointer. */
extern const __u64 guest_ip_reg;

/* Id of a register that changes by itself; 0: there is none. */
extern const __u64 guest_clock_reg;

/**
 * enum guest_event - events that the programs take and return from
 * @GUEST_INTERRUPT: an interrupt, which has ended when it has been taken
 * @GUEST_URGENT: an event of another kind, which can be pending at the same time
 */
enum guest_event {
	GUEST_INTERRUPT,
	GUEST_URGENT,
	GUEST_EVENTS,
};

extern const struct axv_inject guest_events[GUEST_EVENTS];

static inline int guest_inject(struct axv_vcpu *v, enum guest_event event)
{
	return axv_ioctl(v->fd, AXV_INJECT, &guest_events[event]);
}

/* Events of existing types that are all invalid: -EINVAL. */
extern const struct axv_inject guest_bad_events[];
extern const unsigned int guest_nr_bad_events;

/**
 * struct guest_table - a table of this architecture that can be set
 * @of_vm: the table belongs to the VM; otherwise to a vCPU
 * @kind: an &enum axv_table_kind
 * @entry_size: bytes of an entry; 0 ends the list
 */
struct guest_table {
	int of_vm;
	__u32 kind;
	__u32 entry_size;
};

extern const struct guest_table guest_tables[];

#endif
