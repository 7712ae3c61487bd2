// SPDX-License-Identifier: GPL-2.0
/*
 * arm64 guests: a table, vectors, and the programs of guest.h.  "Arm ARM" is the Arm
 * Architecture Reference Manual for A-profile, DDI 0487.
 */
#include "arm64.h"

const __u64 guest_ip_reg = AXV_REG_ARM64(GPR, AXV_ARM64_PC);

const __u64 guest_clock_reg;

/*
 * GUEST_INTERRUPT, which has ended when it has been taken, is an SError interrupt.  The IRQ
 * input is a level, which nothing lowers here, so its handler masks interrupts.
 */
const struct axv_inject guest_events[GUEST_EVENTS] = {
	[GUEST_INTERRUPT] = {
		.type = AXV_INJECT_EXCEPTION,
		.vector = AXV_ARM64_EC_SERROR,
	},
	[GUEST_URGENT] = {
		.type = AXV_INJECT_WIRED,
		.vector = AXV_ARM64_INPUT_IRQ,
		.data = 1,
	},
};

const struct axv_inject guest_bad_events[] = {
	{ .type = AXV_INJECT_WIRED, .vector = AXV_ARM64_INPUT_FIQ + 1, .data = 1 },
	{ .type = AXV_INJECT_WIRED, .data = 2 },
	{ .type = AXV_INJECT_WIRED, .flags = 1u << 31 },
	{ .type = AXV_INJECT_WIRED, .priority = 1 },
	{ .type = AXV_INJECT_EXCEPTION, .vector = 64 },
	{ .type = AXV_INJECT_EXCEPTION, .vector = 0, .error_code = 1u << 25 },
};

const unsigned int guest_nr_bad_events = sizeof(guest_bad_events) / sizeof(guest_bad_events[0]);

/* arm64 has no tables that can be set. */
const struct guest_table guest_tables[] = { { .entry_size = 0 } };

/*
 * Arguments: a0 in X20, a1 in X21, a2 in X22, out of the way of the hypercalls, which
 * have their number in X0 and arguments from X1 on.
 */
GUEST_CODE(prog_spin,
	"mov	x19, #0\n"
	"1:	add	x19, x19, #1\n"
	"str	x19, [x20]\n"
	"b	1b\n");

GUEST_CODE(prog_call,
	"mov	x19, #0\n"
	"1:	add	x19, x19, #1\n"
	"mov	x0, x20\n"
	"mov	x1, x19\n"
	"hvc	#0\n"
	"b	1b\n");

/*
 * If an interrupt of the host is pending, WFI goes on at once, and does not trap (Arm
 * ARM, HCR_EL2.TWI).  So this loops until there is an interrupt of the guest, which its
 * handler tells by X17, or ISR_EL1 if it is masked.
 */
GUEST_CODE(prog_halt,
	"mov	x19, #0\n"
	"1:	mov	x17, #0\n"
	"2:	wfi\n"
	"mrs	x16, isr_el1\n"
	"orr	x16, x16, x17\n"
	"cbz	x16, 2b\n"
	"add	x19, x19, #1\n"
	"mov	x0, x20\n"
	"mov	x1, x19\n"
	"hvc	#0\n"
	"b	1b\n");

GUEST_CODE(prog_write,
	"mov	x9, x20\n"
	"mov	x10, x21\n"
	"1:	str	x22, [x9]\n"
	"add	x9, x9, #4096\n"
	"subs	x10, x10, #1\n"
	"b.ne	1b\n"
	"mov	x0, #0\n"
	"hvc	#0\n"
	"b	prog_write\n");

GUEST_CODE(prog_read,
	"mov	x9, x20\n"
	"mov	x10, x21\n"
	"mov	x19, #0\n"
	"1:	ldr	x11, [x9]\n"
	"add	x19, x19, x11\n"
	"add	x9, x9, #4096\n"
	"subs	x10, x10, #1\n"
	"b.ne	1b\n"
	"mov	x0, #0\n"
	"mov	x1, x19\n"
	"hvc	#0\n"
	"b	prog_read\n");

GUEST_CODE(prog_widths,
	"strb	w22, [x20]\n"
	"strh	w22, [x20]\n"
	"str	w22, [x20]\n"
	"str	x22, [x20]\n"
	"mov	x0, #0\n"
	"hvc	#0\n"
	"b	prog_widths\n");

/* Only this handler uses X16 and X17. */
GUEST_CODE(vector_irq,
	"mrs	x16, spsr_el1\n"
	"orr	x16, x16, #0x80\n"
	"msr	spsr_el1, x16\n"
	"mov	x17, #1\n"
	"eret\n");

GUEST_CODE(vector_serror,
	"mov	x17, #1\n"
	"eret\n");

/* An exception that is not expected: a hypercall tells which. */
GUEST_CODE(vector_sync,
	"mov	x0, #-1\n"
	"mrs	x1, esr_el1\n"
	"mrs	x2, elr_el1\n"
	"mrs	x3, far_el1\n"
	"1:	hvc	#0xdead\n"
	"b	1b\n");

static const struct {
	const __u8 *start, *end;
} programs[GUEST_PROGRAMS] = {
	[GUEST_SPIN] = { prog_spin, prog_spin_end },
	[GUEST_CALL] = { prog_call, prog_call_end },
	[GUEST_HALT] = { prog_halt, prog_halt_end },
	[GUEST_WRITE] = { prog_write, prog_write_end },
	[GUEST_READ] = { prog_read, prog_read_end },
	[GUEST_WIDTHS] = { prog_widths, prog_widths_end },
};

#define PROGRAM_ADDR(n)	(GUEST_PROGRAMS_ADDR + (n) * 256)

void arm64_load_at(struct axv_vm *vm, __u64 gpa, const __u8 *start, const __u8 *end)
{
	size_t size = end - start;

	must(gpa + size <= GUEST_RAM_SIZE);
	memcpy(vm->ram + gpa, start, size);
}

/*
 * Stage 1 of 39 bits, whose tables begin at level 1, where an entry maps 1 GiB
 * (Arm ARM, VMSAv8-64): inner shareable, accessed, attribute 0 of MAIR_EL1.
 */
#define BLOCK		(1ul << 0)
#define BLOCK_INNER	(3ul << 8)
#define BLOCK_AF	(1ul << 10)
#define MAIR		0xfful		/* 0: write-back */
#define TCR_T0SZ	(64ul - 39)
#define TCR_WRITE_BACK	(1ul << 8 | 1ul << 10)	/* the walk itself: IRGN0, ORGN0 */
#define TCR_INNER	(3ul << 12)
#define TCR_EPD1	(1ul << 23)	/* TTBR1_EL1 is not used */

#define SCTLR_RES1	0x30d00800ul
#define SCTLR_M		(1ul << 0)
#define SCTLR_C		(1ul << 2)
#define SCTLR_I		(1ul << 12)

void guest_prepare(struct axv_vm *vm)
{
	__u64 *table = (void *)(vm->ram + GUEST_TABLE);
	int i;

	memset(table, 0, PAGE);
	table[0] = BLOCK | BLOCK_INNER | BLOCK_AF;
	for (i = 0; i < GUEST_PROGRAMS; i++)
		arm64_load_at(vm, PROGRAM_ADDR(i), programs[i].start, programs[i].end);
	arm64_load_at(vm, GUEST_VECTORS + VECTOR_SYNC, vector_sync, vector_sync_end);
	arm64_load_at(vm, GUEST_VECTORS + VECTOR_IRQ, vector_irq, vector_irq_end);
	arm64_load_at(vm, GUEST_VECTORS + VECTOR_SERROR, vector_serror, vector_serror_end);
}

int guest_setup(struct axv_vcpu *v)
{
	return vcpu_setup(v, GUEST_CODE_ADDR, AXV_ARM64_MODE_EL1);
}

void arm64_start(struct axv_vcpu *v, __u64 pc)
{
	struct axv_run_regs *r = &v->run->regs;

	memset(r, 0, sizeof(*r));
	r->gprs.pc = pc;
	r->gprs.pstate = GUEST_PSTATE;
	r->sregs.sp_el1 = GUEST_STACK;
	r->sregs.vbar_el1 = GUEST_VECTORS;
	r->sregs.ttbr0_el1 = GUEST_TABLE;
	r->sregs.mair_el1 = MAIR;
	r->sregs.tcr_el1 = TCR_T0SZ | TCR_WRITE_BACK | TCR_INNER | TCR_EPD1;
	r->sregs.sctlr_el1 = SCTLR_RES1 | SCTLR_M | SCTLR_C | SCTLR_I;
	v->run->dirty = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	v->run->want = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
}

void guest_start(struct axv_vcpu *v, enum guest_program program, __u64 a0,
		 __u64 a1, __u64 a2)
{
	arm64_start(v, PROGRAM_ADDR(program));
	*arm64_x(v, 20) = a0;
	*arm64_x(v, 21) = a1;
	*arm64_x(v, 22) = a2;
}
