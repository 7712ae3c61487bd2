/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The modes in which the exits of an x86 vCPU are tested.  BITS, which is 16, 32 or 64,
 * is the mode of the program that includes this: exits_real.c, exits_prot.c and
 * exits_long.c define it, and the Makefile defines it for exits_cpu.c, exits_io.c and
 * exits_mmio.c, each of which becomes three programs.  Their guest code is the same text,
 * assembled for each mode; R(di) is DI, EDI or RDI.
 *
 * When a guest begins, ES:DI is GUEST_HOLE, where there is no memory, and DS:SI is DATA.
 */
#ifndef AXV_X86_MODES_H
#define AXV_X86_MODES_H

#include "axv_harness.h"
#include "x86.h"

#define DATA		0x6000ul
#define DATA_END	0x7000ul
#define ES_DI		"%es:(" R(di) ")"

#if BITS == 16
#define R(reg)		"%" #reg
#define IRET		"iretw\n"
#define HOLE_DI		0ul
#define HOLE_MOFFS	"%es:0x10"
#define MOFFS		"mov"
#define GPR_MASK	0xffffull
#define x86_start	x86_start_real
#define x86_gate(vm, vector, ip)	x86_gate_real(vm, vector, ip)
#elif BITS == 32
#define R(reg)		"%e" #reg
#define IRET		"iretl\n"
#define HOLE_DI		GUEST_HOLE
#define HOLE_MOFFS	"0xd0010"
#define MOFFS		"mov"
#define GPR_MASK	0xffffffffull
#define x86_start	x86_start_prot
#define x86_gate(vm, vector, ip)	x86_gate_prot(vm, vector, ip, 0)
#else
#define R(reg)		"%r" #reg
#define IRET		"iretq\n"
#define HOLE_DI		GUEST_HOLE
#define HOLE_MOFFS	"0xd0010"
#define MOFFS		"movabs"
#define GPR_MASK	(~0ull)
#define x86_start	x86_start_long
#define x86_gate(vm, vector, ip)	x86_gate_long(vm, vector, ip, 0)
#endif

FIXTURE_ONE_VCPU(exits)
{
	vm_new(&self->vm, 0);
	vcpu_ready(&self->vm, &self->v, 0);
}

/* Make ES:DI the hole; without this ES is the same as DS. */
static inline void hole_in_es(struct axv_vcpu *v)
{
	if (BITS == 16) {
		v->run->regs.sregs.seg[AXV_X86_ES].selector = GUEST_HOLE >> 4;
		v->run->regs.sregs.seg[AXV_X86_ES].base = GUEST_HOLE;
	}
	*x86_gpr(v, AXV_X86_RDI) = HOLE_DI;
	*x86_gpr(v, AXV_X86_RSI) = DATA;
}

#define BEGIN(self, name) do {						\
	x86_load(&(self)->vm, name);					\
	x86_start(&(self)->v, GUEST_CODE_ADDR);				\
} while (0)

/* Make the exceptions in @mask exits. */
static inline int exit_on(struct axv_vcpu *v, __u64 mask)
{
	return reg_set(v, AXV_REG_X86(EVENT, AXV_X86_EVENT_EXIT_MASK), mask);
}

#endif
