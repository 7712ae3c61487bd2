// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of interrupts between vCPUs with local APICs in the kernel: which vCPUs get them, in
 * which order they are taken, and how INIT and SIPI stop and start processors.
 */
#include "axv_harness.h"
#include "lapic.h"

#define PAGE_A		0x10		/* pages that SIPIs lead to */
#define PAGE_B	0x22

FIXTURE(ipi)
{
	struct axv_vm vm;
	struct lapic_cpu c[LAPIC_CPUS];
};

FIXTURE_VARIANT(ipi)
{
	bool x2apic;
};

FIXTURE_VARIANT_ADD(ipi, xapic) { .x2apic = false };
FIXTURE_VARIANT_ADD(ipi, x2apic) { .x2apic = true };

FIXTURE_SETUP(ipi)
{
	NEED_LAPIC();
	lapic_four_new(&self->vm, self->c, variant->x2apic);
}

FIXTURE_TEARDOWN(ipi)
{
	lapic_four_free(&self->vm, self->c);
}

TEST_F(ipi, shorthands)
{
	struct lapic_cpu *c = &self->c[1];

	lapic_send(c, 0, ICR_SELF | 0x51);
	EXPECT_TAKEN(0, 0x51, 0, 0);
	lapic_send(c, 0, ICR_ALL | 0x52);
	EXPECT_TAKEN(0x52, 0x52, 0x52, 0x52);
	lapic_send(c, 0, ICR_OTHERS | 0x53);
	EXPECT_TAKEN(0x53, 0, 0x53, 0x53);
	EXPECT_EQ(ICR_OTHERS | 0x53, lapic_read(c, APIC_ICR));
	EXPECT_EQ(0u, lapic_errors(c));
}

TEST_F(ipi, physical)
{
	struct lapic_cpu *c = &self->c[2];

	lapic_send(c, lapic_id(&self->c[0]), 0x51);
	EXPECT_TAKEN(0x51, 0, 0, 0);
	lapic_send(c, lapic_id(&self->c[1]), 0x52 | ICR_ASSERT);
	EXPECT_TAKEN(0, 0x52, 0, 0);
	lapic_send(c, lapic_id(c), 0x53);
	EXPECT_TAKEN(0, 0, 0x53, 0);
	lapic_send(c, lapic_id(&self->c[3]), 0x54);
	EXPECT_TAKEN(0, 0, 0, 0x54);
	/* To all, including the sender. */
	lapic_send(c, variant->x2apic ? ~0u : 0xff, 0x55);
	EXPECT_TAKEN(0x55, 0x55, 0x55, 0x55);
	/* To an id that no vCPU has. */
	lapic_send(c, 0x77, 0x56);
	EXPECT_TAKEN(0, 0, 0, 0);
	if (!variant->x2apic)
		return;
	/* In x2APIC mode ids have 32 bits, and 255 is no broadcast. */
	lapic_send(c, 2, 0x57);
	lapic_send(c, 0xff, 0x57);
	lapic_send(c, 0x10000, 0x57);
	lapic_send(c, 0x80000102, 0x57);
	EXPECT_TAKEN(0, 0, 0, 0);
}

TEST_F(ipi, logical_flat)
{
	int i;

	if (variant->x2apic)
		return;
	/* No APIC has a logical address yet. */
	lapic_send(&self->c[0], 0x01, ICR_LOGICAL | 0x50);
	EXPECT_TAKEN(0, 0, 0, 0);
	for (i = 0; i < LAPIC_CPUS; i++)
		lapic_write(&self->c[i], APIC_LDR, 1u << (24 + i));
	lapic_send(&self->c[0], 0x06, ICR_LOGICAL | 0x51);
	EXPECT_TAKEN(0, 0x51, 0x51, 0);
	lapic_send(&self->c[0], 0x01, ICR_LOGICAL | 0x52);
	EXPECT_TAKEN(0x52, 0, 0, 0);
	lapic_send(&self->c[0], 0xf0, ICR_LOGICAL | 0x53);
	EXPECT_TAKEN(0, 0, 0, 0);
	lapic_send(&self->c[0], 0xff, ICR_LOGICAL | 0x54);
	EXPECT_TAKEN(0x54, 0x54, 0x54, 0x54);
	/* Two APICs may share an address, and one may have several. */
	lapic_write(&self->c[1], APIC_LDR, 0xc0000000);
	lapic_write(&self->c[2], APIC_LDR, 0x80000000);
	lapic_send(&self->c[0], 0x80, ICR_LOGICAL | 0x55);
	EXPECT_TAKEN(0, 0x55, 0x55, 0);
	lapic_send(&self->c[0], 0x40, ICR_LOGICAL | 0x56);
	EXPECT_TAKEN(0, 0x56, 0, 0);
}

TEST_F(ipi, logical_cluster)
{
	static const __u8 addresses[LAPIC_CPUS] = { 0x11, 0x12, 0x21, 0x28 };
	int i;

	if (variant->x2apic)
		return;
	for (i = 0; i < LAPIC_CPUS; i++) {
		lapic_write(&self->c[i], APIC_DFR, 0x0fffffff);
		lapic_write(&self->c[i], APIC_LDR, addresses[i] << 24);
	}
	lapic_send(&self->c[3], 0x13, ICR_LOGICAL | 0x51);
	EXPECT_TAKEN(0x51, 0x51, 0, 0);
	lapic_send(&self->c[3], 0x28, ICR_LOGICAL | 0x52);
	EXPECT_TAKEN(0, 0, 0, 0x52);
	lapic_send(&self->c[3], 0x2f, ICR_LOGICAL | 0x53);
	EXPECT_TAKEN(0, 0, 0x53, 0x53);
	lapic_send(&self->c[3], 0x3f, ICR_LOGICAL | 0x54);
	lapic_send(&self->c[3], 0x18, ICR_LOGICAL | 0x54);
	EXPECT_TAKEN(0, 0, 0, 0);
	lapic_send(&self->c[3], 0xff, ICR_LOGICAL | 0x55);
	EXPECT_TAKEN(0x55, 0x55, 0x55, 0x55);
}

TEST_F(ipi, logical_x2apic)
{
	struct lapic_cpu *c = &self->c[0];

	if (!variant->x2apic)
		return;
	lapic_send(c, 0x00000003, ICR_LOGICAL | 0x51);
	EXPECT_TAKEN(0x51, 0x51, 0, 0);
	lapic_send(c, 0x00010002, ICR_LOGICAL | 0x52);
	EXPECT_TAKEN(0, 0, 0x52, 0);
	lapic_send(c, 0x0010ffff, ICR_LOGICAL | 0x53);
	EXPECT_TAKEN(0, 0, 0, 0x53);
	lapic_send(c, 0x0010fffb, ICR_LOGICAL | 0x54);
	lapic_send(c, 0x0002ffff, ICR_LOGICAL | 0x54);
	lapic_send(c, 0x00000000, ICR_LOGICAL | 0x54);
	EXPECT_TAKEN(0, 0, 0, 0);
	lapic_send(c, ~0u, ICR_LOGICAL | 0x55);
	EXPECT_TAKEN(0x55, 0x55, 0x55, 0x55);
}

/* Lowest priority: one of the destinations gets it. The x2APIC's ICR has no such mode. */
TEST_F(ipi, lowest_priority)
{
	unsigned int i, round, n;
	__u64 vectors;

	if (variant->x2apic)
		return;
	for (i = 0; i < LAPIC_CPUS; i++)
		lapic_write(&self->c[i], APIC_LDR, 1u << (24 + i));
	for (round = 0; round < 4; round++) {
		/* To the first two vCPUs. */
		lapic_send(&self->c[3], 3, ICR_LOGICAL | APIC_LOWEST | (0x51 + round));
		for (i = 0, n = 0; i < LAPIC_CPUS; i++) {
			vectors = lapic_taken(&self->c[i]);
			if (!vectors)
				continue;
			n++;
			EXPECT_GT(2u, i);
			EXPECT_EQ(0x51ull + round, vectors);
		}
		EXPECT_EQ(1u, n);
	}
	/* An APIC that is disabled is not chosen. */
	lapic_write(&self->c[0], APIC_SVR, 0xff);
	lapic_send(&self->c[3], 3, ICR_LOGICAL | APIC_LOWEST | 0x61);
	EXPECT_TAKEN(0, 0x61, 0, 0);
	lapic_send(&self->c[3], lapic_id(&self->c[2]), APIC_LOWEST | 0x62);
	EXPECT_TAKEN(0, 0, 0x62, 0);
}

TEST_F(ipi, nmi)
{
	/* The NMI comes though interrupts are off, and its vector field is ignored. */
	lapic_send(&self->c[0], lapic_id(&self->c[3]), APIC_NMI | ICR_ASSERT | 5);
	lapic_read(&self->c[3], APIC_SVR);
	EXPECT_EQ(1ull, self->c[3].guest->taken);
	EXPECT_TAKEN(0, 0, 0, VEC_NMI);
	lapic_send(&self->c[0], 0, ICR_OTHERS | APIC_NMI | ICR_ASSERT);
	EXPECT_TAKEN(0, VEC_NMI, VEC_NMI, VEC_NMI);
	EXPECT_EQ(0u, lapic_errors(&self->c[0]));
	EXPECT_EQ(0u, lapic_errors(&self->c[3]));
}

/* SDM, "Error Handling": vectors 0 to 15 are illegal. */
TEST_F(ipi, illegal_vectors)
{
	int vector;

	for (vector = 0; vector < 16; vector += 5) {
		lapic_send(&self->c[0], lapic_id(&self->c[1]), vector);
		EXPECT_EQ(ESR_SENT_ILLEGAL, lapic_errors(&self->c[0]));
		EXPECT_EQ(ESR_RECEIVED_ILLEGAL, lapic_errors(&self->c[1]));
		EXPECT_EQ(0, lapic_only(&self->c[1], APIC_IRR));
	}
	EXPECT_TAKEN(0, 0, 0, 0);
	EXPECT_EQ(0u, lapic_errors(&self->c[2]));
	/* Vectors 16 to 31 are reserved for exceptions, but legal. */
	lapic_send(&self->c[0], lapic_id(&self->c[1]), 16);
	EXPECT_EQ(0u, lapic_errors(&self->c[0]));
	EXPECT_EQ(0u, lapic_errors(&self->c[1]));
	EXPECT_EQ(16, lapic_only(&self->c[1], APIC_IRR));
}

TEST_F(ipi, self_ipi_msr)
{
	struct lapic_cpu *c = &self->c[3];

	if (!variant->x2apic)
		return;
	lapic_write(c, APIC_SELF_IPI, 0x55);
	EXPECT_EQ(0x55, lapic_only(c, APIC_IRR));
	EXPECT_TAKEN(0, 0, 0, 0x55);
	lapic_write(c, APIC_SELF_IPI, 3);
	EXPECT_EQ(ESR_SENT_ILLEGAL | ESR_RECEIVED_ILLEGAL, lapic_errors(c));
	EXPECT_TAKEN(0, 0, 0, 0);
}

/* ---- order ---- */

TEST_F(ipi, higher_vectors_first)
{
	struct lapic_cpu *c = &self->c[0];

	lapic_send(c, 0, ICR_SELF | 0x41);
	lapic_send(c, 0, ICR_SELF | 0xff);
	lapic_send(c, 0, ICR_SELF | 0x62);
	lapic_send(c, 0, ICR_SELF | 0x20);
	lapic_send(c, 0, ICR_SELF | 0x63);
	EXPECT_EQ(0xff63624120ull, lapic_taken(c));
}

/* A vector is pending once, however often it was sent. */
TEST_F(ipi, a_vector_is_pending_once)
{
	struct lapic_cpu *c = &self->c[0];

	c->guest->flags |= GUEST_CALLS;
	lapic_send(&self->c[1], lapic_id(c), 0x51);
	lapic_send(&self->c[2], lapic_id(c), 0x51);
	ASSERT_EQ(TAKEN(0x51), lapic_do(c, OP_open, 0, 0));
	EXPECT_EQ(0x51, lapic_only(c, APIC_ISR));
	EXPECT_EQ(0, lapic_only(c, APIC_IRR));
	/* While the handler of a vector runs, the vector can be pending once more. */
	lapic_send(&self->c[1], lapic_id(c), 0x51);
	lapic_send(&self->c[2], lapic_id(c), 0x51);
	EXPECT_EQ(0x51, lapic_only(c, APIC_IRR));
	EXPECT_EQ(DONE, lapic_do(c, OP_open, 0, 0));
	ASSERT_EQ(TAKEN(0x51), lapic_leave(c));
	EXPECT_EQ(DONE, lapic_leave(c));
	EXPECT_EQ(DONE, lapic_do(c, OP_open, 0, 0));
}

TEST_F(ipi, handlers_in_handlers)
{
	struct lapic_cpu *c = &self->c[0];

	c->guest->flags = (c->guest->flags | GUEST_CALLS) & ~GUEST_EOI;
	/* An EOI while no interrupt is in service. */
	lapic_write(c, APIC_EOI, 0);
	lapic_send(c, 0, ICR_SELF | 0x61);
	ASSERT_EQ(TAKEN(0x61), lapic_do(c, OP_open, 0, 0));
	EXPECT_EQ(0x60u, lapic_read(c, APIC_PPR));
	/* Vectors of the same class, and of a lower one, have to wait. */
	lapic_send(c, 0, ICR_SELF | 0x6f);
	lapic_send(c, 0, ICR_SELF | 0x51);
	EXPECT_EQ(DONE, lapic_do(c, OP_open, 0, 0));
	lapic_send(c, 0, ICR_SELF | 0x71);
	ASSERT_EQ(TAKEN(0x71), lapic_do(c, OP_open, 0, 0));
	EXPECT_EQ(0x70u, lapic_read(c, APIC_PPR));
	EXPECT_TRUE(lapic_bit(c, APIC_ISR, 0x61) && lapic_bit(c, APIC_ISR, 0x71));
	/* TPR holds interrupts back, too. */
	lapic_write(c, APIC_TPR, 0x93);
	EXPECT_EQ(0x93u, lapic_read(c, APIC_PPR));
	lapic_send(c, 0, ICR_SELF | 0x9f);
	EXPECT_EQ(DONE, lapic_do(c, OP_open, 0, 0));
	lapic_write(c, APIC_TPR, 0x8f);
	ASSERT_EQ(TAKEN(0x9f), lapic_do(c, OP_open, 0, 0));
	lapic_write(c, APIC_EOI, 0);
	EXPECT_EQ(0x8fu, lapic_read(c, APIC_PPR));
	lapic_write(c, APIC_TPR, 0);
	EXPECT_EQ(DONE, lapic_leave(c));

	/* An EOI ends the highest interrupt in service. */
	lapic_write(c, APIC_EOI, 0);
	EXPECT_EQ(0x61, lapic_only(c, APIC_ISR));
	EXPECT_EQ(0x60u, lapic_read(c, APIC_PPR));
	EXPECT_EQ(DONE, lapic_do(c, OP_open, 0, 0));
	EXPECT_EQ(DONE, lapic_leave(c));
	lapic_write(c, APIC_EOI, 0);
	EXPECT_EQ(0, lapic_only(c, APIC_ISR));
	EXPECT_EQ(0u, lapic_read(c, APIC_PPR));
	ASSERT_EQ(TAKEN(0x6f), lapic_leave(c));
	lapic_write(c, APIC_EOI, 0);
	/* The IRET switches interrupts on again. */
	ASSERT_EQ(TAKEN(0x51), lapic_leave(c));
	lapic_write(c, APIC_EOI, 0);
	EXPECT_EQ(DONE, lapic_leave(c));
	EXPECT_EQ(DONE, lapic_do(c, OP_open, 0, 0));
}

/* An interrupt that TPR holds back is taken where TPR is lowered. */
TEST_F(ipi, tpr_holds_back)
{
	struct lapic_cpu *c = &self->c[0];

	ASSERT_EQ(DONE, lapic_do(c, OP_set_cr8, 5, 0));
	lapic_send(&self->c[1], lapic_id(c), 0x5f);
	lapic_send(&self->c[1], lapic_id(c), 0x61);
	EXPECT_EQ(0x61ull, lapic_taken(c));
	EXPECT_EQ(0ull, lapic_taken(c));

	c->guest->flags |= GUEST_CALLS;
	ASSERT_EQ(DONE, lapic_do(c, OP_sti, 0, 0));
	EXPECT_EQ(DONE, lapic_do(c, OP_set_cr8, 6, 0));
	EXPECT_EQ(DONE, lapic_do(c, OP_set_cr8, 5, 0));
	ASSERT_EQ(TAKEN(0x5f), lapic_do(c, OP_set_cr8, 4, 0));
	EXPECT_EQ(DONE, lapic_leave(c));
	/* TPR is lowered by its register instead of CR8. */
	lapic_write(c, APIC_TPR, 0xff);
	lapic_send(&self->c[1], lapic_id(c), 0xff);
	lapic_write(c, APIC_TPR, 0xf0);
	ASSERT_EQ(TAKEN(0xff), variant->x2apic ? lapic_do(c, OP_wrmsr, 0x808, 0xe0) :
		  lapic_do(c, OP_write, APIC_PAGE + APIC_TPR, 0xe0));
	EXPECT_EQ(DONE, lapic_leave(c));
	EXPECT_EQ(0xe0u, lapic_read(c, APIC_TPR));
	EXPECT_EQ(DONE, lapic_do(c, OP_cli, 0, 0));
}

/* ---- INIT and SIPI ---- */

/* vCPU 0 is the BSP, and runs the program; vCPU 1 is as SETUP and BIND have left it. */
FIXTURE(sipi)
{
	struct axv_vm vm;
	struct lapic_cpu bsp, ap;
};

FIXTURE_SETUP(sipi)
{
	NEED_LAPIC();
	lapic_vm_new(&self->vm);
	lapic_real_mode(&self->vm, PAGE_A);
	lapic_real_mode(&self->vm, PAGE_B);
	lapic_begin(&self->vm, &self->bsp, 0, 0);
	lapic_new(&self->vm, &self->ap, 1, 1);
	ASSERT_EQ(0, vcpu_bind(&self->ap.v));
}

FIXTURE_TEARDOWN(sipi)
{
	lapic_free(&self->ap);
	lapic_free(&self->bsp);
	vm_free(&self->vm);
}

#define INIT(self)		lapic_send(&(self)->bsp, 1, APIC_INIT | ICR_ASSERT)
#define SIPI(self, page)	lapic_send(&(self)->bsp, 1, APIC_SIPI | ICR_ASSERT | (page))

/* The vCPU has begun at a page, in the state of SDM, "Processor State After INIT". */
#define EXPECT_AT_PAGE(ap, page) do {					\
	const struct axv_run *run_ = (ap)->v.run;			\
									\
	EXPECT_EQ((page) << 8, run_->exit.hypercall.args[0]);		\
	EXPECT_EQ((page) << 8, run_->regs.sregs.seg[AXV_X86_CS].selector);	\
	EXPECT_EQ((page) * PAGE, run_->regs.sregs.seg[AXV_X86_CS].base);	\
	EXPECT_GT(64ull, run_->ip);					\
	EXPECT_EQ(FLAG_FIXED, run_->exit.hypercall.args[1]);		\
	EXPECT_EQ(0ull, run_->regs.sregs.cr0 & (CR0_PE | CR0_PG));	\
	EXPECT_EQ(0ull, run_->regs.sregs.cr4);				\
	EXPECT_EQ(0ull, run_->regs.sregs.efer);				\
} while (0)

static __u64 event(struct lapic_cpu *c, unsigned int index)
{
	__u64 value;

	must(!reg_get(&c->v, AXV_REG_X86(EVENT, index), &value));
	return value;
}

TEST_F(sipi, between_two_runs)
{
	struct lapic_cpu *ap = &self->ap;

	EXPECT_EQ(1ull, event(ap, AXV_X86_EVENT_WAIT_SIPI));
	EXPECT_EQ(0ull, event(&self->bsp, AXV_X86_EVENT_WAIT_SIPI));
	INIT(self);
	SIPI(self, PAGE_A);
	ASSERT_EQ(REAL_MODE, lapic_go(ap));
	EXPECT_AT_PAGE(ap, PAGE_A);
	EXPECT_EQ(0ull, event(ap, AXV_X86_EVENT_WAIT_SIPI));

	/* INIT and SIPI once more, to another page, while the vCPU runs at the first one. */
	INIT(self);
	SIPI(self, PAGE_B);
	ASSERT_EQ(REAL_MODE, lapic_go(ap));
	EXPECT_AT_PAGE(ap, PAGE_B);

	/* INIT and SIPI while the vCPU is in long mode. */
	lapic_start(ap);
	INIT(self);
	SIPI(self, PAGE_A);
	ASSERT_EQ(REAL_MODE, lapic_go(ap));
	EXPECT_AT_PAGE(ap, PAGE_A);
	EXPECT_EQ(0ull, event(ap, AXV_X86_EVENT_INIT));
	/* Three calls in real mode and two of lapic_start(): the starts were no exits. */
	EXPECT_EQ(3ull + 2, vcpu_stats(&ap->v).exits[AXV_EXIT_HYPERCALL]);
	EXPECT_EQ(0ull, vcpu_stats(&ap->v).exits[AXV_EXIT_CPU_UP]);
	EXPECT_EQ(0ull, vcpu_stats(&self->bsp.v).exits[AXV_EXIT_CPU_UP] +
		  vcpu_stats(&self->bsp.v).exits[AXV_EXIT_SEND_IPI]);
}

TEST_F(sipi, in_a_run)
{
	struct lapic_cpu *ap = &self->ap;
	struct axv_runner r;

	ASSERT_EQ(0, vcpu_unbind(&ap->v));
	lapic_runner_start(&r, ap);
	vcpu_await_state(&ap->v, AXV_STATE_BLOCKED);
	INIT(self);
	SIPI(self, PAGE_A);
	runner_join(&r);
	EXPECT_EQ(1ul, r.exits[AXV_EXIT_HYPERCALL]);
	EXPECT_AT_PAGE(ap, PAGE_A);
}

/* After power-on the vCPU waits for a SIPI already. */
TEST_F(sipi, without_an_init)
{
	SIPI(self, PAGE_B);
	ASSERT_EQ(REAL_MODE, lapic_go(&self->ap));
	EXPECT_AT_PAGE(&self->ap, PAGE_B);
}

TEST_F(sipi, kicked_while_it_waits)
{
	struct lapic_cpu *ap = &self->ap;

	ASSERT_EQ(0, vcpu_kick(&ap->v));
	EXPECT_EQ(EXIT(AXV_EXIT_KICKED), lapic_go(ap));
	EXPECT_EQ(1ull, event(ap, AXV_X86_EVENT_WAIT_SIPI));
	SIPI(self, PAGE_A);
	ASSERT_EQ(REAL_MODE, lapic_go(ap));
	EXPECT_AT_PAGE(ap, PAGE_A);
}

TEST_F(sipi, init_of_a_running_vcpu)
{
	volatile __u32 *count = lapic_real_count(&self->vm);
	struct lapic_cpu *ap = &self->ap;
	struct axv_runner r;
	__u32 before;

	SIPI(self, PAGE_A);
	ASSERT_EQ(REAL_MODE, lapic_go(ap));
	ASSERT_EQ(0, vcpu_unbind(&ap->v));
	before = *count;
	lapic_runner_start(&r, ap);
	while (*count == before)
		sched_yield();
	INIT(self);
	vcpu_await_state(&ap->v, AXV_STATE_BLOCKED);
	before = *count;
	SIPI(self, PAGE_B);
	runner_join(&r);
	EXPECT_EQ(1ul, r.exits[AXV_EXIT_HYPERCALL]);
	EXPECT_EQ(r.runs, r.exits[AXV_EXIT_HYPERCALL] + r.exits[AXV_EXIT_NOTHING]);
	EXPECT_AT_PAGE(ap, PAGE_B);
	EXPECT_EQ(before, *count);
}

/* INIT ends a halt with interrupts off. */
TEST_F(sipi, init_of_a_halted_vcpu)
{
	struct lapic_cpu *ap = &self->ap;
	struct axv_runner r;

	SIPI(self, PAGE_A);
	ASSERT_EQ(REAL_MODE, lapic_go(ap));
	lapic_start(ap);
	lapic_order(ap, OP_hang, 0, 0);
	ASSERT_EQ(0, vcpu_unbind(&ap->v));
	lapic_runner_start(&r, ap);
	vcpu_await_state(&ap->v, AXV_STATE_BLOCKED);
	INIT(self);
	SIPI(self, PAGE_B);
	runner_join(&r);
	EXPECT_EQ(1ul, r.exits[AXV_EXIT_HYPERCALL]);
	EXPECT_AT_PAGE(ap, PAGE_B);
	EXPECT_EQ(0ull, event(ap, AXV_X86_EVENT_HALTED));
}

/* A SIPI to a vCPU that does not wait for one is lost. */
TEST_F(sipi, for_a_vcpu_that_runs)
{
	struct lapic_cpu *ap = &self->ap;
	struct axv_runner r;

	SIPI(self, PAGE_A);
	ASSERT_EQ(REAL_MODE, lapic_go(ap));
	SIPI(self, PAGE_B);
	lapic_start(ap);
	EXPECT_EQ(1u << 24, lapic_read(ap, APIC_ID));
	SIPI(self, PAGE_B);
	EXPECT_EQ(1u << 24, lapic_read(ap, APIC_ID));
	ASSERT_EQ(0, vcpu_unbind(&ap->v));

	INIT(self);
	lapic_runner_start(&r, ap);
	vcpu_await_state(&ap->v, AXV_STATE_BLOCKED);
	SIPI(self, PAGE_A);
	runner_join(&r);
	EXPECT_AT_PAGE(ap, PAGE_A);
}

/* SDM, "Interrupt Command Register": an INIT level de-assert has no effect any more. */
TEST_F(sipi, init_deassert)
{
	struct lapic_cpu *ap = &self->ap;

	SIPI(self, PAGE_A);
	ASSERT_EQ(REAL_MODE, lapic_go(ap));
	lapic_start(ap);
	lapic_write(ap, APIC_TPR, 0x30);
	lapic_send(&self->bsp, 1, APIC_INIT | ICR_LEVEL);
	lapic_send(&self->bsp, 0, APIC_INIT | ICR_LEVEL | ICR_ALL);
	EXPECT_EQ(0x30u, lapic_read(ap, APIC_TPR));
	EXPECT_EQ(0ull, event(ap, AXV_X86_EVENT_WAIT_SIPI));
	EXPECT_EQ(0u, lapic_read(&self->bsp, APIC_TPR));
}

/* What Linux does: INIT level assert, de-assert, and two SIPIs. */
TEST_F(sipi, as_linux_does)
{
	lapic_send(&self->bsp, 1, APIC_INIT | ICR_ASSERT | ICR_LEVEL);
	lapic_send(&self->bsp, 1, APIC_INIT | ICR_LEVEL);
	SIPI(self, PAGE_A);
	SIPI(self, PAGE_A);
	ASSERT_EQ(REAL_MODE, lapic_go(&self->ap));
	EXPECT_AT_PAGE(&self->ap, PAGE_A);
	lapic_start(&self->ap);
	EXPECT_EQ(1u << 24, lapic_read(&self->ap, APIC_ID));
}

/* Interrupts that come while a vCPU waits for a SIPI are lost. */
TEST_F(sipi, interrupts_before_a_sipi)
{
	struct lapic_cpu *ap = &self->ap;

	lapic_send(&self->bsp, 1, 0x51);
	EXPECT_EQ(0, lapic_msi(&self->vm, MSI_ADDRESS(1), 0x52));
	SIPI(self, PAGE_A);
	ASSERT_EQ(REAL_MODE, lapic_go(ap));
	lapic_start(ap);
	EXPECT_EQ(0, lapic_only(ap, APIC_IRR));
	EXPECT_EQ(0ull, lapic_taken(ap));

	/* An INIT also clears interrupts that are pending or in service. */
	ap->guest->flags = GUEST_CALLS;
	lapic_send(&self->bsp, 1, 0x53);
	ASSERT_EQ(TAKEN(0x53), lapic_do(ap, OP_open, 0, 0));
	lapic_send(&self->bsp, 1, 0x54);
	INIT(self);
	SIPI(self, PAGE_A);
	ASSERT_EQ(REAL_MODE, lapic_go(ap));
	ap->guest->flags = GUEST_EOI;
	ap->seen = ap->guest->taken;
	lapic_start(ap);
	EXPECT_EQ(0, lapic_only(ap, APIC_IRR));
	EXPECT_EQ(0, lapic_only(ap, APIC_ISR));
	EXPECT_EQ(0ull, lapic_taken(ap));
	lapic_send(&self->bsp, 1, 0x55);
	EXPECT_EQ(0x55ull, lapic_taken(ap));
}

/* SDM, "Local APIC State After an INIT Reset": the id and the mode stay. */
TEST_F(sipi, apic_after_init)
{
	struct lapic_cpu *ap = &self->ap;
	__u64 base;

	SIPI(self, PAGE_A);
	ASSERT_EQ(REAL_MODE, lapic_go(ap));
	lapic_start(ap);
	lapic_to_x2apic(ap);
	lapic_write(ap, APIC_TPR, 0x30);
	lapic_write(ap, APIC_LVT_LINT0, LVT_EXTINT);
	lapic_write(ap, APIC_LVT_TIMER, LVT_PERIODIC | 0x51);
	lapic_write(ap, APIC_TIMER_INITIAL, ~0u);
	INIT(self);
	SIPI(self, PAGE_A);
	ASSERT_EQ(REAL_MODE, lapic_go(ap));
	EXPECT_EQ(0xffull, lapic_reg(ap, APIC_SVR));
	EXPECT_EQ(0ull, lapic_reg(ap, APIC_TPR));
	lapic_start(ap);
	ASSERT_EQ(0, lapic_rdmsr(ap, MSR_APIC_BASE, &base));
	EXPECT_EQ(APIC_PAGE | APIC_BASE_ENABLE | APIC_BASE_X2APIC, base);
	EXPECT_EQ(1u, lapic_read(ap, APIC_ID));
	EXPECT_EQ(LVT_MASKED, lapic_read(ap, APIC_LVT_LINT0));
	EXPECT_EQ(LVT_MASKED, lapic_read(ap, APIC_LVT_TIMER));
	EXPECT_EQ(0u, lapic_read(ap, APIC_TIMER_INITIAL));
	EXPECT_EQ(0u, lapic_read(ap, APIC_TIMER_CURRENT));
}

TEST_F(sipi, saved_and_restored)
{
	struct lapic_cpu *ap = &self->ap;

	/* Moved while it waits for a SIPI. */
	vcpu_move(&ap->v);
	EXPECT_EQ(1ull, event(ap, AXV_X86_EVENT_WAIT_SIPI));
	SIPI(self, PAGE_A);
	/* Moved when it has been sent a SIPI. */
	vcpu_move(&ap->v);
	ASSERT_EQ(REAL_MODE, lapic_go(ap));
	EXPECT_AT_PAGE(ap, PAGE_A);
	vcpu_move(&ap->v);
	lapic_start(ap);
	/* Moved after an INIT, and after INIT and SIPI. */
	INIT(self);
	vcpu_move(&ap->v);
	SIPI(self, PAGE_B);
	vcpu_move(&ap->v);
	ASSERT_EQ(REAL_MODE, lapic_go(ap));
	EXPECT_AT_PAGE(ap, PAGE_B);
}

/* The BSP does not wait: it begins at the reset vector, where this VM has no memory. */
TEST_F(sipi, init_of_the_bsp)
{
	struct lapic_cpu *bsp = &self->bsp;

	SIPI(self, PAGE_A);
	ASSERT_EQ(REAL_MODE, lapic_go(&self->ap));
	lapic_start(&self->ap);
	lapic_send(&self->ap, 0, APIC_INIT | ICR_ASSERT);
	ASSERT_EQ(EXIT(AXV_EXIT_NESTED_PAGE_FAULT), lapic_go(bsp));
	EXPECT_EQ(0xffffful, bsp->v.run->exit.fault.addr / PAGE);
	EXPECT_EQ(0xfff0ull, bsp->v.run->ip);
	EXPECT_EQ(0ull, event(bsp, AXV_X86_EVENT_WAIT_SIPI));
	lapic_start(bsp);
	EXPECT_EQ(0u, lapic_read(bsp, APIC_ID));
}

/* ---- threads ---- */

/* Two vCPUs interrupt each other @n times, on the given host CPUs. */
static void ping_pong(struct __test_metadata *_metadata, struct lapic_cpu *c, enum lapic_op ping,
		      enum lapic_op pong, const int *cpus, __u64 n)
{
	struct axv_runner r[2];
	int i;

	for (i = 0; i < 2; i++) {
		lapic_order(&c[i], i ? pong : ping, n, lapic_icr(&c[i], lapic_id(&c[!i]), 0x51));
		ASSERT_EQ(0, vcpu_unbind(&c[i].v));
	}
	for (i = 0; i < 2; i++) {
		pin_to(cpus[i]);
		lapic_runner_start(&r[i], &c[i]);
	}
	for (i = 0; i < 2; i++) {
		runner_join(&r[i]);
		EXPECT_EQ(0, r[i].error);
		/* The only exit is the call at the end. */
		EXPECT_EQ(1ul, r[i].exits[AXV_EXIT_HYPERCALL]);
		EXPECT_EQ(r[i].runs, 1 + r[i].exits[AXV_EXIT_NOTHING]);
		EXPECT_EQ(DONE, c[i].v.run->exit.hypercall.nr);
		EXPECT_EQ(n, c[i].guest->taken);
	}
}

/* On a machine with one CPU, both vCPUs use that. */
static int other_cpu(void)
{
	int cpu = second_cpu();

	return cpu < 0 ? 0 : cpu;
}

TEST_F(ipi, ping_pong_halting_on_one_cpu)
{
	ping_pong(_metadata, self->c, OP_ping, OP_pong, (int[]){ 0, 0 }, scaled(500));
}

TEST_F(ipi, ping_pong_halting_on_two_cpus)
{
	ping_pong(_metadata, self->c, OP_ping, OP_pong, (int[]){ 0, other_cpu() }, scaled(500));
}

/* Each vCPU spins until the scheduler lets the other one run. */
TEST_F(ipi, ping_pong_spinning_on_one_cpu)
{
	ping_pong(_metadata, self->c, OP_ping_spin, OP_pong_spin, (int[]){ 0, 0 }, 10);
}

TEST_F(ipi, ping_pong_spinning_on_two_cpus)
{
	const int cpus[] = { 0, other_cpu() };

	ping_pong(_metadata, self->c, OP_ping_spin, OP_pong_spin, cpus,
		  cpus[1] ? scaled(500) : 10);
}

/* A VM whose vCPUs yield when they spin, if the processor can tell that they spin. */
FIXTURE(yield)
{
	struct axv_vm vm;
	struct lapic_cpu c[2];
	__u32 flag;
};

FIXTURE_SETUP(yield)
{
	int dev, i;

	NEED_LAPIC();
	dev = open("/dev/axvcpu", O_RDWR | O_CLOEXEC);
	ASSERT_GE(dev, 0);
	self->flag = axv_query(dev, AXV_QUERY_VM_FLAGS) & AXV_VM_YIELD_ON_SPIN;
	ASSERT_EQ(0, close(dev));
	lapic_vm_new_flags(&self->vm, self->flag);
	for (i = 0; i < 2; i++)
		lapic_begin(&self->vm, &self->c[i], i, i);
}

FIXTURE_TEARDOWN(yield)
{
	int i;

	for (i = 0; i < 2; i++)
		lapic_free(&self->c[i]);
	vm_free(&self->vm);
}

static __u64 yields(struct lapic_cpu *c)
{
	return vcpu_stats(&c[0].v).yields + vcpu_stats(&c[1].v).yields;
}

TEST_F(yield, to_the_vcpu_that_is_waited_for)
{
	ping_pong(_metadata, self->c, OP_ping_spin, OP_pong_spin, (int[]){ 0, 0 }, 50);
	EXPECT_EQ(self->flag != 0, yields(self->c) != 0);
}

/* The vCPUs halt instead of spinning, so neither yields. */
TEST_F(yield, to_none_that_halts)
{
	ping_pong(_metadata, self->c, OP_ping, OP_pong, (int[]){ 0, 0 }, 50);
	EXPECT_EQ(0ull, yields(self->c));
}

TEST_F(yield, flag_is_refused_where_no_exit_tells)
{
	struct axv_create_vm config = {
		.irqchip = AXV_IRQCHIP_LAPIC,
		.flags = AXV_VM_HALT_IN_KERNEL | AXV_VM_YIELD_ON_SPIN,
	};
	int fd = axv_ioctl(self->vm.dev, AXV_CREATE_VM, &config);

	if (!self->flag) {
		EXPECT_EQ(-EINVAL, fd);
		return;
	}
	ASSERT_GE(fd, 0);
	EXPECT_EQ(0, close(fd));
}

/*
 * One vCPU sends interrupts without end to another one, which takes them; in the middle of
 * that a third vCPU sends INIT and SIPI to the second.
 */
TEST_F(ipi, init_in_a_storm)
{
	struct lapic_cpu *bsp = &self->c[0], *target = &self->c[1], *sender = &self->c[2];
	struct axv_runner storm, taking;
	unsigned long i;
	__u64 before;

	/* Interrupts that are sent while a vCPU is moved would be lost. */
	unsetenv("AXV_TEST_MOVE");
	lapic_real_mode(&self->vm, PAGE_A);
	lapic_order(sender, OP_storm, 0, lapic_icr(sender, lapic_id(target), 0x51));
	ASSERT_EQ(0, vcpu_unbind(&sender->v));
	runner_start(&storm, &sender->v, until_kicked, NULL);
	for (i = 0; i < scaled(10); i++) {
		lapic_order(target, OP_spin, 0, ~0ull);
		ASSERT_EQ(0, vcpu_unbind(&target->v));
		lapic_runner_start(&taking, target);
		before = target->guest->taken;
		while (target->guest->taken < before + 3)
			sched_yield();
		lapic_send(bsp, lapic_id(target), APIC_INIT | ICR_ASSERT);
		vcpu_await_state(&target->v, AXV_STATE_BLOCKED);
		lapic_send(bsp, lapic_id(target), APIC_SIPI | ICR_ASSERT | PAGE_A);
		runner_join(&taking);
		ASSERT_EQ(0, taking.error);
		ASSERT_EQ(REAL_MODE, target->v.run->exit.hypercall.nr);
		EXPECT_AT_PAGE(target, PAGE_A);
		ASSERT_EQ(0, vcpu_bind(&target->v));
		lapic_start(target);
	}
	runner_stop(&storm);
	EXPECT_EQ(0, storm.error);
	/* At most one interrupt of the storm is left. */
	ASSERT_EQ(DONE, lapic_do(target, OP_open, 0, 0));
	target->seen = target->guest->taken;
	lapic_send(bsp, lapic_id(target), 0x52);
	EXPECT_EQ(0x52ull, lapic_taken(target));
}

TEST_HARNESS_MAIN
