// SPDX-License-Identifier: GPL-2.0
/*
 * The local APIC: its registers in both modes, priorities, destinations, errors, the
 * timer, INIT and SIPI, and its state as registers.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <asm/apicdef.h>
#include <asm/msr-index.h>
#include <asm/processor-flags.h>

#include <axvcpu/request.h>

#include "../cpuid.h"
#include "../events.h"
#include "../lapic.h"
#include "../msr.h"
#include "../tsc.h"
#include "fake_hw.h"

#define CPUS		4
#define XAPIC		(AXV_LAPIC_PAGE | MSR_IA32_APICBASE_ENABLE)
#define X2APIC		(XAPIC | X2APIC_ENABLE)
#define MSR(offset)	(APIC_BASE_MSR + ((offset) >> 4))

/**
 * struct board - some vCPUs of one VM
 * @cpu:	by id; all belong to the VM of the first
 */
struct board {
	struct fake_vcpu *cpu[CPUS];
};

static struct axv_x86_vcpu *cpu(struct kunit *test, unsigned int id)
{
	return &((struct board *)test->priv)->cpu[id]->x;
}

static u64 read(struct axv_x86_vcpu *x, unsigned int offset)
{
	return axv_lapic_mmio_read(x, offset, 4);
}

static int write(struct axv_x86_vcpu *x, unsigned int offset, u64 value)
{
	return axv_lapic_mmio_write(x, offset, 4, value);
}

static int set_msr(struct axv_x86_vcpu *x, unsigned int offset, u64 value)
{
	int ended;

	return axv_lapic_wrmsr(x, MSR(offset), value, &ended);
}

static int pending(struct axv_x86_vcpu *x)
{
	int vector;

	raw_spin_lock_irq(&x->base.lock);
	vector = axv_lapic_pending(x);
	raw_spin_unlock_irq(&x->base.lock);
	return vector;
}

/*
 * The vector that the next entry delivers; -1: none.  An interrupt of the APIC's is in service
 * afterwards.
 */
static int take(struct axv_x86_vcpu *x)
{
	bool irq_window, nmi_window;
	u64 event;

	raw_spin_lock_irq(&x->base.lock);
	event = axv_x86_pick_event(x, &irq_window, &nmi_window);
	raw_spin_unlock_irq(&x->base.lock);
	return event ? (int)(event & AXV_X86_EVENT_VECTOR) : -1;
}

static void enable(struct axv_x86_vcpu *x)
{
	write(x, APIC_SPIV, APIC_SPIV_APIC_ENABLED | 0xff);
}

/* Give a vCPU another APIC id, by which it is found from now on. */
static void hw_id_is(struct kunit *test, struct axv_x86_vcpu *x, u32 id)
{
	struct xarray *all = &x->base.vm->by_hw_id;

	xa_erase(all, x->base.hw_id);
	x->base.hw_id = id;
	KUNIT_ASSERT_EQ(test, 0, xa_err(xa_store(all, id, &x->base, GFP_KERNEL)));
}

static int lapic_init(struct kunit *test)
{
	struct board *board = kunit_kzalloc(test, sizeof(*board), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, board);
	test->priv = board;
	for (i = 0; i < CPUS; i++) {
		struct fake_vcpu *f = fake_vcpu_with_lapic(test, i);

		board->cpu[i] = f;
		f->x.base.vm = &board->cpu[0]->vm.base;
		KUNIT_ASSERT_EQ(test, 0, xa_err(xa_store(&f->x.base.vm->vcpus, i, &f->x.base,
							 GFP_KERNEL)));
		hw_id_is(test, &f->x, i);
		f->x.regs.rflags |= X86_EFLAGS_IF;
		f->x.caps.x2apic = true;
		f->x.caps.tsc_deadline = true;
		f->x.lapic->wait_sipi = false;
		f->x.events.halted = false;
		enable(&f->x);
	}
	return 0;
}

static void lapic_exit(struct kunit *test)
{
	struct board *board = test->priv;
	int i;

	if (!board)
		return;
	for (i = CPUS - 1; i >= 0; i--)
		if (board->cpu[i])
			fake_vcpu_free(board->cpu[i]);
}

/**
 * struct reg_case - a register, and what becomes of a write of all ones
 * @offset:	offset in the page
 * @reset:	value after RESET and the software enable of lapic_init()
 * @stored:	value after the write in xAPIC mode
 * @reserved:	a bit that makes #GP in x2APIC mode; 0: none does
 * @x2apic:	the register may be written in x2APIC mode
 */
struct reg_case {
	u16 offset;
	u32 reset;
	u32 stored;
	u64 reserved;
	bool x2apic;
};

static const struct reg_case reg_cases[] = {
	{ APIC_TASKPRI, 0, 0xff, BIT(8), true },
	{ APIC_LDR, 0, 0xff000000, 0, false },
	{ APIC_DFR, ~0u, ~0u, 0, false },
	{ APIC_SPIV, 0x1ff, 0x3ff, BIT(12), true },
	{ APIC_ICR2, 0, 0xff000000, 0, false },
	{ APIC_LVTT, 0x10000, 0x700ff, BIT(19), true },
	{ APIC_LVTTHMR, 0x10000, 0x107ff, BIT(15), true },
	{ APIC_LVTPC, 0x10000, 0x107ff, BIT(15), true },
	{ APIC_LVT0, 0x10000, 0x1a7ff, BIT(17), true },
	{ APIC_LVT1, 0x10000, 0x1a7ff, BIT(17), true },
	{ APIC_LVTERR, 0x10000, 0x100ff, BIT(8), true },
	{ APIC_TDCR, 0, 0xb, BIT(2), true },
};

static void lapic_test_registers(struct kunit *test)
{
	struct axv_x86_vcpu *x = cpu(test, 1);
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(reg_cases); i++) {
		const struct reg_case *c = &reg_cases[i];

		KUNIT_EXPECT_EQ_MSG(test, c->reset, read(x, c->offset), "%x", c->offset);
		write(x, c->offset, ~0u);
		KUNIT_EXPECT_EQ_MSG(test, c->stored, read(x, c->offset), "%x", c->offset);
	}
	KUNIT_EXPECT_EQ(test, 1u << 24, read(x, APIC_ID));
	write(x, APIC_ID, 0x55000000);
	KUNIT_EXPECT_EQ(test, 1u << 24, read(x, APIC_ID));
	KUNIT_EXPECT_EQ(test, 0x50014, read(x, APIC_LVR));
	/* Bytes of a word, and accesses that are not to a word. */
	KUNIT_EXPECT_EQ(test, 0x01, axv_lapic_mmio_read(x, APIC_ID + 3, 1));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_mmio_read(x, APIC_LVR + 4, 4));
	axv_lapic_mmio_write(x, APIC_TASKPRI, 1, 0x10);
	KUNIT_EXPECT_EQ(test, 0xff, read(x, APIC_TASKPRI));
}

static void lapic_test_x2apic_registers(struct kunit *test)
{
	struct axv_x86_vcpu *x = cpu(test, 1);
	unsigned int i;
	u64 value;

	KUNIT_ASSERT_EQ(test, 0, axv_lapic_set_base(x, X2APIC, false));
	for (i = 0; i < ARRAY_SIZE(reg_cases); i++) {
		const struct reg_case *c = &reg_cases[i];

		if (!c->x2apic) {
			KUNIT_EXPECT_NE_MSG(test, 0, set_msr(x, c->offset, 0), "%x", c->offset);
			continue;
		}
		KUNIT_EXPECT_EQ_MSG(test, 0, set_msr(x, c->offset, c->reset), "%x", c->offset);
		KUNIT_EXPECT_NE_MSG(test, 0, set_msr(x, c->offset, c->reset | c->reserved),
				    "%x", c->offset);
		KUNIT_EXPECT_EQ(test, 0, axv_lapic_rdmsr(x, MSR(c->offset), &value));
		KUNIT_EXPECT_EQ_MSG(test, c->reset, value, "%x", c->offset);
	}
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_rdmsr(x, MSR(APIC_ID), &value));
	KUNIT_EXPECT_EQ(test, 1, value);
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_rdmsr(x, MSR(APIC_LDR), &value));
	KUNIT_EXPECT_EQ(test, 2, value);
	/* Registers that can only be read, can only be written, or do not exist. */
	KUNIT_EXPECT_NE(test, 0, set_msr(x, APIC_ID, 1));
	KUNIT_EXPECT_NE(test, 0, set_msr(x, APIC_IRR, 0));
	KUNIT_EXPECT_NE(test, 0, axv_lapic_rdmsr(x, MSR(APIC_EOI), &value));
	KUNIT_EXPECT_NE(test, 0, axv_lapic_rdmsr(x, MSR(APIC_SELF_IPI), &value));
	KUNIT_EXPECT_NE(test, 0, axv_lapic_rdmsr(x, MSR(APIC_DFR), &value));
	KUNIT_EXPECT_NE(test, 0, axv_lapic_rdmsr(x, APIC_BASE_MSR + 0xff, &value));
	KUNIT_EXPECT_NE(test, 0, set_msr(x, APIC_EOI, 1));
	KUNIT_EXPECT_EQ(test, 0, set_msr(x, APIC_EOI, 0));
	KUNIT_EXPECT_NE(test, 0, set_msr(x, APIC_ESR, 1));
	/* ICR is one register of 64 bits; its busy bit reads 0. */
	KUNIT_EXPECT_EQ(test, 0, set_msr(x, APIC_ICR, 9ull << 32 | APIC_ICR_BUSY | 0x40));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_rdmsr(x, MSR(APIC_ICR), &value));
	KUNIT_EXPECT_EQ(test, 9ull << 32 | 0x40, value);
	KUNIT_EXPECT_NE(test, 0, set_msr(x, APIC_ICR, APIC_DEST_SELF | BIT(13) | 0x40));
	KUNIT_EXPECT_NE(test, 0, set_msr(x, APIC_ICR, APIC_DEST_SELF | BIT(20) | 0x40));
	KUNIT_EXPECT_EQ(test, -1, take(x));
	/* The page is gone. */
	KUNIT_EXPECT_FALSE(test, axv_lapic_has(x, AXV_LAPIC_PAGE));
	KUNIT_EXPECT_TRUE(test, axv_lapic_has(cpu(test, 0), AXV_LAPIC_PAGE));
}

/* Changes from a mode to another: off, xAPIC, x2APIC, and a mode that there is not. */
static void lapic_test_modes(struct kunit *test)
{
	static const u64 mode[] = { AXV_LAPIC_PAGE, XAPIC, X2APIC,
				    AXV_LAPIC_PAGE | X2APIC_ENABLE };
	static const bool legal[3][4] = {
		{ true, true, false, false },
		{ true, true, true, false },
		{ true, false, true, false },
	};
	struct axv_x86_vcpu *x = cpu(test, 0);
	unsigned int from, to;

	for (from = 0; from < 3; from++) {
		for (to = 0; to < 4; to++) {
			KUNIT_ASSERT_EQ(test, 0, axv_lapic_set_base(x, mode[from], true));
			KUNIT_EXPECT_EQ_MSG(test, legal[from][to] ? 0 : -EINVAL,
					    axv_lapic_set_base(x, mode[to], false),
					    "%u to %u", from, to);
		}
	}
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_lapic_set_base(x, XAPIC + PAGE_SIZE, true));
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_lapic_set_base(x, XAPIC | BIT(9), true));
	/* An APIC that is switched off forgets its state. */
	axv_lapic_set_base(x, XAPIC, true);
	enable(x);
	write(x, APIC_TASKPRI, 0x50);
	axv_lapic_set_base(x, AXV_LAPIC_PAGE, false);
	axv_lapic_set_base(x, XAPIC, false);
	KUNIT_EXPECT_EQ(test, 0xff, read(x, APIC_SPIV));
	KUNIT_EXPECT_EQ(test, 0, read(x, APIC_TASKPRI));
	x->caps.x2apic = false;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_lapic_set_base(x, X2APIC, false));
}

static void self_ipi(struct axv_x86_vcpu *x, u8 vector)
{
	write(x, APIC_ICR, APIC_DEST_SELF | vector);
}

static void lapic_test_priorities(struct kunit *test)
{
	struct fake_vcpu *f = ((struct board *)test->priv)->cpu[0];
	struct axv_x86_vcpu *x = &f->x;
	unsigned int watched = f->watched;

	KUNIT_EXPECT_EQ(test, -1, pending(x));
	self_ipi(x, 0x31);
	self_ipi(x, 0x52);
	self_ipi(x, 0x53);
	KUNIT_EXPECT_EQ(test, 0x53, take(x));
	KUNIT_EXPECT_EQ(test, 0x50, read(x, APIC_PROCPRI));
	write(x, APIC_TASKPRI, 0x4f);
	KUNIT_EXPECT_EQ(test, 0x50, read(x, APIC_PROCPRI));
	write(x, APIC_TASKPRI, 0x61);
	KUNIT_EXPECT_EQ(test, 0x61, read(x, APIC_PROCPRI));
	write(x, APIC_TASKPRI, 0);
	/* An interrupt of the same class waits. */
	KUNIT_EXPECT_EQ(test, -1, take(x));
	self_ipi(x, 0x61);
	KUNIT_EXPECT_EQ(test, 0x61, take(x));
	write(x, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, -1, take(x));
	write(x, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, 0x52, take(x));
	write(x, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, 0, x->cr8_below);

	/* Nothing but TPR holds it back: the hardware has to report CR8. */
	write(x, APIC_TASKPRI, 0x3f);
	KUNIT_EXPECT_EQ(test, 3, f->cr[8]);
	KUNIT_EXPECT_EQ(test, -1, take(x));
	KUNIT_EXPECT_EQ(test, 3, x->cr8_below);
	KUNIT_EXPECT_EQ(test, watched + 1, f->watched);
	/* MOV to CR8 clears the lower half of TPR. */
	f->cr[8] = 2;
	KUNIT_EXPECT_EQ(test, 0x20, read(x, APIC_TASKPRI));
	KUNIT_EXPECT_EQ(test, 0x31, take(x));
	KUNIT_EXPECT_EQ(test, 0, x->cr8_below);
	write(x, APIC_EOI, 0);

	/* With IF clear it waits; an EOI without an interrupt in service has no effect. */
	x->regs.rflags &= ~(u64)X86_EFLAGS_IF;
	self_ipi(x, 0x80);
	KUNIT_EXPECT_EQ(test, -1, take(x));
	KUNIT_EXPECT_TRUE(test, x->events.any);
	KUNIT_EXPECT_EQ(test, -1, write(x, APIC_EOI, 0));
	KUNIT_EXPECT_EQ(test, 0x80, pending(x));
}

static void lapic_test_put_back(struct kunit *test)
{
	struct axv_x86_vcpu *x = cpu(test, 0);

	self_ipi(x, 0x41);
	KUNIT_EXPECT_EQ(test, 0x41, take(x));
	KUNIT_EXPECT_FALSE(test, axv_lapic_put_back(x, 0x40));
	KUNIT_EXPECT_TRUE(test, axv_lapic_put_back(x, 0x41));
	KUNIT_EXPECT_EQ(test, 0x41, take(x));
}

static const unsigned int banks[] = { APIC_ISR, APIC_IRR };

/* &axv_lapic.used tells which words are not 0. */
static void expect_used(struct kunit *test, struct axv_x86_vcpu *x)
{
	unsigned int bank, i;
	u8 used;

	for (bank = 0; bank < ARRAY_SIZE(banks); bank++) {
		used = 0;
		for (i = 0; i < 8; i++)
			if (*axv_lapic_reg(x->lapic, banks[bank] + i * 0x10))
				used |= BIT(i);
		KUNIT_EXPECT_EQ_MSG(test, used, x->lapic->used[axv_lapic_used(banks[bank])],
				    "%x", banks[bank]);
	}
}

static void lapic_test_used(struct kunit *test)
{
	struct axv_x86_vcpu *x = cpu(test, 0);
	int vector, class;
	unsigned int i;

	/* Each vector alone, then all of them: the highest comes first. */
	for (vector = AXV_LAPIC_LEGAL; vector < 256; vector++) {
		self_ipi(x, vector);
		KUNIT_EXPECT_EQ(test, vector, pending(x));
		expect_used(test, x);
		KUNIT_EXPECT_EQ(test, vector, take(x));
		KUNIT_EXPECT_EQ(test, vector & 0xf0, read(x, APIC_PROCPRI));
		expect_used(test, x);
		write(x, APIC_EOI, 0);
		KUNIT_EXPECT_EQ(test, 0, read(x, APIC_PROCPRI));
		expect_used(test, x);
	}
	for (vector = AXV_LAPIC_LEGAL; vector < 256; vector++)
		self_ipi(x, vector);
	for (vector = 255; vector >= AXV_LAPIC_LEGAL; vector--) {
		KUNIT_EXPECT_EQ(test, vector, take(x));
		write(x, APIC_EOI, 0);
		expect_used(test, x);
	}
	KUNIT_EXPECT_EQ(test, -1, take(x));

	/* Nested interrupts, one of them put back, and their EOIs. */
	for (class = 1; class < 16; class++) {
		self_ipi(x, class << 4 | 1);
		KUNIT_EXPECT_EQ(test, class << 4 | 1, take(x));
		expect_used(test, x);
	}
	KUNIT_EXPECT_TRUE(test, axv_lapic_put_back(x, 0xf1));
	expect_used(test, x);
	KUNIT_EXPECT_EQ(test, 0xe0, read(x, APIC_PROCPRI));
	KUNIT_EXPECT_EQ(test, 0xf1, take(x));
	for (class = 15; class > 0; class--) {
		KUNIT_EXPECT_EQ(test, class << 4, read(x, APIC_PROCPRI));
		write(x, APIC_EOI, 0);
		expect_used(test, x);
	}

	/* A VMM sets a bit in each word, and clears it. */
	for (i = 0; i < 16; i++) {
		unsigned int reg = banks[i / 8] + i % 8 * 0x10;

		KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, reg, BIT(31)));
		expect_used(test, x);
		if (reg >= APIC_IRR)
			KUNIT_EXPECT_EQ(test, (int)(i % 8 * 32 + 31), pending(x));
		else
			KUNIT_EXPECT_EQ(test, i * 32 + 16, read(x, APIC_PROCPRI));
		KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, reg, 0));
		expect_used(test, x);
	}

	/* An APIC that is switched off forgets what is in ISR and IRR. */
	self_ipi(x, 0x41);
	take(x);
	self_ipi(x, 0x81);
	KUNIT_EXPECT_EQ(test, 0x81, pending(x));
	axv_lapic_set_base(x, AXV_LAPIC_PAGE, false);
	expect_used(test, x);
	axv_lapic_set_base(x, XAPIC, false);
	enable(x);
	KUNIT_EXPECT_EQ(test, -1, pending(x));
	KUNIT_EXPECT_EQ(test, 0, read(x, APIC_PROCPRI));
}

#define SENDERS		3
#define ROUNDS		1000

/**
 * struct sender - a thread that sends MSIs to the first vCPU, each when the last was taken
 * @x:		the first vCPU
 * @taken:	how often the vCPU took each vector
 * @index:	number of the sender; its vectors are in the same words as the others'
 * @rounds:	how many of its MSIs were taken
 * @done:	it sends no more
 */
struct sender {
	struct axv_x86_vcpu *x;
	const unsigned int *taken;
	unsigned int index;
	unsigned int rounds;
	bool done;
};

static int send_msis(void *arg)
{
	struct sender *s = arg;
	unsigned long end;

	while (s->rounds < ROUNDS) {
		u8 vector = 0x40 + s->rounds % 64 * SENDERS + s->index;
		unsigned int before = READ_ONCE(s->taken[vector]);
		const struct axv_inject event = {
			.type = AXV_INJECT_MSI,
			.address = 0xfee00000,
			.data = vector,
		};

		if (axv_x86_msi(s->x->base.vm, &event))
			break;
		end = jiffies + 60 * HZ;
		while (READ_ONCE(s->taken[vector]) == before && time_before(jiffies, end))
			cond_resched();
		if (READ_ONCE(s->taken[vector]) == before)
			break;
		s->rounds++;
	}
	WRITE_ONCE(s->done, true);
	while (!kthread_should_stop())
		usleep_range(1000, 2000);
	return 0;
}

static bool all_done(const struct sender *senders)
{
	unsigned int i;

	for (i = 0; i < SENDERS; i++)
		if (!READ_ONCE(senders[i].done))
			return false;
	return true;
}

/* Of interrupts that are sent while others are taken, none is lost and none comes twice. */
static void lapic_test_concurrent(struct kunit *test)
{
	struct task_struct *tasks[SENDERS];
	struct axv_x86_vcpu *x = cpu(test, 0);
	unsigned int *taken, total = 0, i;
	struct sender *senders;
	int vector;

	taken = kunit_kcalloc(test, 256, sizeof(*taken), GFP_KERNEL);
	senders = kunit_kcalloc(test, SENDERS, sizeof(*senders), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, taken);
	KUNIT_ASSERT_NOT_NULL(test, senders);
	for (i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ .x = x, .taken = taken, .index = i };
		tasks[i] = kthread_run(send_msis, &senders[i], "axvcpu-msi/%u", i);
		if (IS_ERR(tasks[i])) {
			KUNIT_FAIL(test, "no thread");
			senders[i].done = true;
		}
	}
	while (!all_done(senders)) {
		vector = take(x);
		if (vector >= 0) {
			write(x, APIC_EOI, 0);
			WRITE_ONCE(taken[vector], taken[vector] + 1);
			total++;
		}
		cond_resched();
	}
	for (i = 0; i < SENDERS; i++) {
		if (!IS_ERR(tasks[i]))
			kthread_stop(tasks[i]);
		KUNIT_EXPECT_EQ_MSG(test, (unsigned int)ROUNDS, senders[i].rounds, "%u", i);
	}
	KUNIT_EXPECT_EQ(test, -1, take(x));
	KUNIT_EXPECT_EQ(test, (unsigned int)(SENDERS * ROUNDS), total);
	expect_used(test, x);
}

/* Which vCPUs have got the vector?  A bit for each.  Takes it from them. */
static unsigned int who(struct kunit *test, u8 vector)
{
	unsigned int i, got = 0;

	for (i = 0; i < CPUS; i++) {
		if (take(cpu(test, i)) == vector)
			got |= BIT(i);
		write(cpu(test, i), APIC_EOI, 0);
	}
	return got;
}

static void send(struct kunit *test, u32 icr, u8 dest)
{
	write(cpu(test, 0), APIC_ICR2, (u32)dest << 24);
	write(cpu(test, 0), APIC_ICR, icr);
}

static void lapic_test_destinations(struct kunit *test)
{
	unsigned int i;

	send(test, 0x40, 2);
	KUNIT_EXPECT_EQ(test, BIT(2), who(test, 0x40));
	send(test, 0x40, 9);
	KUNIT_EXPECT_EQ(test, 0, who(test, 0x40));
	send(test, 0x40, 0xff);
	KUNIT_EXPECT_EQ(test, 0xf, who(test, 0x40));
	send(test, 0x40 | APIC_DEST_SELF, 2);
	KUNIT_EXPECT_EQ(test, 1, who(test, 0x40));
	send(test, 0x40 | APIC_DEST_ALLINC, 2);
	KUNIT_EXPECT_EQ(test, 0xf, who(test, 0x40));
	send(test, 0x40 | APIC_DEST_ALLBUT, 2);
	KUNIT_EXPECT_EQ(test, 0xe, who(test, 0x40));
	/* Lowest priority with the shorthand "self" is invalid: nothing is sent. */
	send(test, 0x40 | APIC_DEST_SELF | APIC_DM_LOWEST, 2);
	KUNIT_EXPECT_EQ(test, 0, who(test, 0x40));

	/* Logical destinations: of the flat model, then of clusters of two. */
	for (i = 0; i < CPUS; i++)
		write(cpu(test, i), APIC_LDR, (1u << i) << 24);
	send(test, 0x40 | APIC_DEST_LOGICAL, 0x0a);
	KUNIT_EXPECT_EQ(test, 0xa, who(test, 0x40));
	send(test, 0x40 | APIC_DEST_LOGICAL | APIC_DM_LOWEST, 0x0c);
	KUNIT_EXPECT_EQ(test, 0x4, who(test, 0x40));
	/* CPU 2, disabled by software, would lose it: CPU 3 gets it. */
	write(cpu(test, 2), APIC_SPIV, 0xff);
	send(test, 0x40 | APIC_DEST_LOGICAL | APIC_DM_LOWEST, 0x0c);
	KUNIT_EXPECT_EQ(test, 0x8, who(test, 0x40));
	enable(cpu(test, 2));
	for (i = 0; i < CPUS; i++) {
		write(cpu(test, i), APIC_DFR, 0x0fffffff);
		write(cpu(test, i), APIC_LDR, ((i / 2) << 4 | 1u << (i % 2)) << 24);
	}
	send(test, 0x40 | APIC_DEST_LOGICAL, 0x12);
	KUNIT_EXPECT_EQ(test, BIT(3), who(test, 0x40));
	send(test, 0x40 | APIC_DEST_LOGICAL, 0xff);
	KUNIT_EXPECT_EQ(test, 0xf, who(test, 0x40));
}

static void lapic_test_x2apic_destinations(struct kunit *test)
{
	struct axv_x86_vcpu *x = cpu(test, 0);
	unsigned int i;
	int ended;

	hw_id_is(test, cpu(test, 3), 0x12345);
	for (i = 0; i < CPUS; i++)
		KUNIT_ASSERT_EQ(test, 0, axv_lapic_set_base(cpu(test, i), X2APIC, false));
	axv_lapic_wrmsr(x, MSR(APIC_ICR), 2ull << 32 | 0x40, &ended);
	KUNIT_EXPECT_EQ(test, 0x40, take(cpu(test, 2)));
	/* The id of this vCPU is not its number. */
	axv_lapic_wrmsr(x, MSR(APIC_ICR), 0x12345ull << 32 | 0x40, &ended);
	KUNIT_EXPECT_EQ(test, 0x40, take(cpu(test, 3)));
	axv_lapic_wrmsr(x, MSR(APIC_ICR), 0x6ull << 32 | APIC_DEST_LOGICAL | 0x50, &ended);
	KUNIT_EXPECT_EQ(test, 0x50, take(cpu(test, 1)));
	KUNIT_EXPECT_EQ(test, 0x50, take(cpu(test, 2)));
	KUNIT_EXPECT_EQ(test, -1, take(x));
	axv_lapic_wrmsr(x, MSR(APIC_ICR), 0x12340020ull << 32 | APIC_DEST_LOGICAL | 0x60,
			&ended);
	KUNIT_EXPECT_EQ(test, 0x60, take(cpu(test, 3)));
	axv_lapic_wrmsr(x, MSR(APIC_ICR), 0xffffffffull << 32 | 0x70, &ended);
	for (i = 0; i < CPUS; i++)
		KUNIT_EXPECT_EQ(test, 0x70, take(cpu(test, i)));
	axv_lapic_wrmsr(x, MSR(APIC_SELF_IPI), 0x80, &ended);
	KUNIT_EXPECT_EQ(test, 0x80, take(x));

	/* If an x2APIC sends, 255 is one vCPU's id, whatever mode the others are in. */
	hw_id_is(test, cpu(test, 3), 0xff);
	for (i = 1; i < CPUS; i++) {
		axv_lapic_set_base(cpu(test, i), AXV_LAPIC_PAGE, true);
		axv_lapic_set_base(cpu(test, i), XAPIC, true);
		enable(cpu(test, i));
	}
	axv_lapic_wrmsr(x, MSR(APIC_ICR), 0xffull << 32 | 0x90, &ended);
	KUNIT_EXPECT_EQ(test, 0x90, take(cpu(test, 3)));
	KUNIT_EXPECT_EQ(test, -1, take(cpu(test, 1)));
	KUNIT_EXPECT_FALSE(test, axv_lapic_ipi_is_wide(0xffull << 32 | 0x90));
	KUNIT_EXPECT_FALSE(test, axv_lapic_ipi_is_wide(APIC_DEST_SELF | 0x90));
	KUNIT_EXPECT_FALSE(test, axv_lapic_ipi_is_wide(0x6ull << 32 | APIC_DEST_LOGICAL |
						       0x90));
	KUNIT_EXPECT_TRUE(test, axv_lapic_ipi_is_wide(0xffffffffull << 32 | 0x90));
	KUNIT_EXPECT_TRUE(test, axv_lapic_ipi_is_wide(APIC_DEST_ALLINC | 0x90));
	KUNIT_EXPECT_TRUE(test, axv_lapic_ipi_is_wide(APIC_DEST_ALLBUT | 0x90));
	KUNIT_EXPECT_TRUE(test, axv_lapic_ipi_is_wide(0x6ull << 32 | APIC_DEST_LOGICAL |
						      APIC_DM_LOWEST | 0x90));
}

static int msi(struct kunit *test, u64 address, u32 data)
{
	struct axv_inject event = { .type = AXV_INJECT_MSI, .address = address, .data = data };

	return axv_x86_msi(cpu(test, 0)->base.vm, &event);
}

static void lapic_test_errors(struct kunit *test)
{
	struct axv_x86_vcpu *x = cpu(test, 0);

	write(x, APIC_LVTERR, 0xee);
	self_ipi(x, 0x0f);
	KUNIT_EXPECT_EQ(test, 0, read(x, APIC_ESR));
	KUNIT_EXPECT_EQ(test, 0xee, take(x));
	write(x, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, BIT(AXV_ESR_SENT) | BIT(AXV_ESR_RECEIVED), read(x, APIC_ESR));
	write(x, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, 0, read(x, APIC_ESR));
	write(x, APIC_EOI, 0);

	read(x, 0x3d0);
	KUNIT_EXPECT_EQ(test, 0xee, take(x));
	write(x, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, BIT(AXV_ESR_REGISTER), read(x, APIC_ESR));
	write(x, APIC_EOI, 0);
	/* LVT error tells of an error once, and again after a write of ESR. */
	read(x, 0x3d0);
	KUNIT_EXPECT_EQ(test, 0xee, take(x));
	write(x, APIC_EOI, 0);
	read(x, 0x3d0);
	KUNIT_EXPECT_EQ(test, -1, take(x));
	write(x, APIC_ESR, 0);

	/* LVT error sends an edge, also if the last interrupt of its vector was a level. */
	KUNIT_EXPECT_EQ(test, 0, msi(test, 0xfee00000, 0xc0ee));
	KUNIT_EXPECT_EQ(test, 0xee, take(x));
	KUNIT_EXPECT_EQ(test, 0xee, write(x, APIC_EOI, 0));
	read(x, 0x3d0);
	KUNIT_EXPECT_EQ(test, 0xee, take(x));
	KUNIT_EXPECT_EQ(test, -1, write(x, APIC_EOI, 0));
}

static void lapic_test_msi(struct kunit *test)
{
	struct axv_x86_vcpu *x = cpu(test, 1);
	int i;

	KUNIT_EXPECT_EQ(test, 0, msi(test, 0xfee01000, 0x41));
	KUNIT_EXPECT_EQ(test, 0x41, take(x));
	KUNIT_EXPECT_EQ(test, -1, write(x, APIC_EOI, 0));
	/* The end of a level is told; that of the next edge with the same vector is not. */
	KUNIT_EXPECT_EQ(test, 0, msi(test, 0xfee01000, 0xc041));
	KUNIT_EXPECT_EQ(test, 0x41, take(x));
	KUNIT_EXPECT_EQ(test, BIT(1), read(x, APIC_TMR + 0x20));
	KUNIT_EXPECT_EQ(test, 0x41, write(x, APIC_EOI, 0));
	KUNIT_EXPECT_EQ(test, 0, msi(test, 0xfee01000, 0x41));
	KUNIT_EXPECT_EQ(test, 0x41, take(x));
	KUNIT_EXPECT_EQ(test, -1, write(x, APIC_EOI, 0));
	/* The de-assertion of a level sends nothing. */
	KUNIT_EXPECT_EQ(test, 0, msi(test, 0xfee01000, 0x8041));
	KUNIT_EXPECT_EQ(test, -1, take(x));

	KUNIT_EXPECT_EQ(test, 0, msi(test, 0xfee01000, APIC_DM_NMI));
	KUNIT_EXPECT_EQ(test, 2, take(x));
	/* An NMI too many is lost. */
	for (i = 0; i < AXV_NMI_MAX + 1; i++)
		msi(test, 0xfee01000, APIC_DM_NMI);
	KUNIT_EXPECT_EQ(test, AXV_NMI_MAX, x->events.nmi_pending);
	x->events.nmi_pending = 0;
	KUNIT_EXPECT_EQ(test, 0, msi(test, 0xfee01000, 0x0f));
	KUNIT_EXPECT_EQ(test, -1, take(x));
	write(x, APIC_ESR, 0);
	KUNIT_EXPECT_EQ(test, BIT(AXV_ESR_RECEIVED), read(x, APIC_ESR));

	hw_id_is(test, x, 0x501);
	axv_lapic_set_base(x, X2APIC, true);
	KUNIT_EXPECT_EQ(test, 0, msi(test, 0x500fee01000, 0x42));
	KUNIT_EXPECT_EQ(test, 0x42, take(x));
	KUNIT_EXPECT_EQ(test, -EINVAL, msi(test, 0xfed01000, 0x41));
	KUNIT_EXPECT_EQ(test, -EINVAL, msi(test, 0x1fee01000, 0x41));
}

/* What a route sends, and whether the VMM is told of its end. */
static void lapic_test_route(struct kunit *test)
{
	struct axv_route route = {
		.flags = AXV_ROUTE_LEVEL, .address = 0xfee01000, .data = 0x41,
	};
	struct axv_x86_vcpu *x = cpu(test, 1);
	struct axv_vm *vm = x->base.vm;
	struct axv_inject event = {};

	KUNIT_EXPECT_EQ(test, 0, axv_x86_route(vm, &route, &event));
	KUNIT_EXPECT_EQ(test, 0x41, event.vector);
	KUNIT_EXPECT_EQ(test, 0, axv_x86_msi(vm, &event));
	KUNIT_EXPECT_EQ(test, 0x41, take(x));
	/* Its end is a matter of the core's routes. */
	KUNIT_EXPECT_FALSE(test, test_bit(0x41, x->lapic->direct));
	KUNIT_EXPECT_TRUE(test, axv_lapic_ends_level(x));
	KUNIT_EXPECT_EQ(test, 0x41, write(x, APIC_EOI, 0));

	/* A level that the VMM sends itself: the VMM is told of its end, once. */
	KUNIT_EXPECT_EQ(test, 0, msi(test, 0xfee01000, 0xc041));
	KUNIT_EXPECT_EQ(test, 0x41, take(x));
	KUNIT_EXPECT_TRUE(test, test_bit(0x41, x->lapic->direct));
	KUNIT_EXPECT_EQ(test, 0x41, write(x, APIC_EOI, 0));
	KUNIT_EXPECT_EQ(test, AXV_EXIT, axv_lapic_ended(x, 0x41, 2));
	KUNIT_EXPECT_EQ(test, AXV_EXIT_EOI, x->base.run->exit_reason);
	KUNIT_EXPECT_EQ(test, 0x41, x->base.run->exit.eoi.vector);
	KUNIT_EXPECT_FALSE(test, test_bit(0x41, x->lapic->direct));

	/* Nobody is told of the end of an edge. */
	route.flags = 0;
	KUNIT_EXPECT_EQ(test, 0, axv_x86_route(vm, &route, &event));
	KUNIT_EXPECT_EQ(test, 0, axv_x86_msi(vm, &event));
	KUNIT_EXPECT_EQ(test, 0x41, take(x));
	KUNIT_EXPECT_FALSE(test, axv_lapic_ends_level(x));
	KUNIT_EXPECT_EQ(test, -1, write(x, APIC_EOI, 0));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_lapic_ended(x, -1, 2));

	/* The address says which vCPU gets it, and the data which vector. */
	route.vcpu = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_x86_route(vm, &route, &event));
	route.vcpu = 0;
	route.vector = 0x41;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_x86_route(vm, &route, &event));
	route.vector = 0;
	route.priority = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_x86_route(vm, &route, &event));
}

/* An APIC that is off, or disabled by software, loses interrupts. */
static void lapic_test_disabled(struct kunit *test)
{
	struct axv_x86_vcpu *x = cpu(test, 1);

	write(x, APIC_LVTERR, 0xee);
	write(x, APIC_SPIV, 0xff);
	KUNIT_EXPECT_EQ(test, 0x100ee, read(x, APIC_LVTERR));
	write(x, APIC_LVTERR, 0xee);
	KUNIT_EXPECT_EQ(test, 0x100ee, read(x, APIC_LVTERR));
	msi(test, 0xfee01000, 0x41);
	KUNIT_EXPECT_EQ(test, -1, take(x));
	enable(x);
	KUNIT_EXPECT_EQ(test, -1, take(x));
	axv_lapic_set_base(x, AXV_LAPIC_PAGE, false);
	msi(test, 0xfee01000, 0x41);
	KUNIT_EXPECT_EQ(test, -1, take(x));
	axv_lapic_set_base(x, XAPIC, false);
	enable(x);
	KUNIT_EXPECT_EQ(test, -1, take(x));
}

static void lapic_test_pic(struct kunit *test)
{
	struct axv_inject event = { .type = AXV_INJECT_EXTINT, .vector = 0x30 };
	struct axv_x86_vcpu *x = cpu(test, 0);
	int err;

	KUNIT_EXPECT_FALSE(test, axv_lapic_pic_open(x));
	raw_spin_lock_irq(&x->base.lock);
	err = axv_x86_inject(&x->base, &event);
	raw_spin_unlock_irq(&x->base.lock);
	KUNIT_EXPECT_EQ(test, 0, err);
	KUNIT_EXPECT_EQ(test, -1, take(x));
	/* The PIC's interrupt comes before the APIC's, and is not in service in the APIC. */
	self_ipi(x, 0x40);
	write(x, APIC_LVT0, APIC_DM_EXTINT | APIC_LVT_MASKED);
	KUNIT_EXPECT_FALSE(test, axv_lapic_pic_open(x));
	write(x, APIC_LVT0, APIC_DM_EXTINT);
	KUNIT_EXPECT_TRUE(test, axv_lapic_pic_open(x));
	KUNIT_EXPECT_EQ(test, 0x30, take(x));
	KUNIT_EXPECT_EQ(test, 0, read(x, APIC_ISR + 0x10));
	KUNIT_EXPECT_EQ(test, 0x40, take(x));
	write(x, APIC_LVT0, APIC_DM_FIXED | 0x50);
	KUNIT_EXPECT_FALSE(test, axv_lapic_pic_open(x));
	axv_lapic_set_base(x, AXV_LAPIC_PAGE, false);
	KUNIT_EXPECT_TRUE(test, axv_lapic_pic_open(x));
}

static void lapic_test_init_sipi(struct kunit *test)
{
	struct axv_x86_vcpu *x = cpu(test, 1);
	struct axv_x86_segment cs;

	x->regs.gpr[AXV_X86_RBX] = 7;
	x->xcr0 = 3;
	x->cr0 = X86_CR0_PE | X86_CR0_CD | X86_CR0_ET;
	x->tsc_adjust = 5;
	self_ipi(x, 0x40);
	/* A SIPI that the vCPU does not wait for does not end a halt, either. */
	write(x, APIC_EOI, 0);
	x->regs.rflags &= ~(u64)X86_EFLAGS_IF;
	x->regs.rip = 0x1000;
	send(test, APIC_DM_STARTUP | 0x12, 1);
	KUNIT_EXPECT_TRUE(test, axv_lapic_latched(x));
	raw_spin_lock_irq(&x->base.lock);
	KUNIT_EXPECT_FALSE(test, axv_x86_has_event(&x->base));
	raw_spin_unlock_irq(&x->base.lock);
	axv_x86_take_latched(x);
	KUNIT_EXPECT_FALSE(test, axv_lapic_latched(x));
	KUNIT_EXPECT_EQ(test, 7, x->regs.gpr[AXV_X86_RBX]);
	KUNIT_EXPECT_EQ(test, 0x1000, x->regs.rip);

	/* A level de-assert is no INIT. */
	send(test, APIC_DM_INIT | APIC_INT_LEVELTRIG, 1);
	KUNIT_EXPECT_FALSE(test, axv_lapic_latched(x));

	/* CR8 is watched and the window is armed: the next entry has to end both. */
	x->cr8_below = 4;
	x->irq_armed = true;
	send(test, APIC_DM_INIT | APIC_INT_ASSERT | APIC_INT_LEVELTRIG, 1);
	send(test, APIC_DM_INIT | APIC_INT_LEVELTRIG, 1);
	KUNIT_EXPECT_EQ(test, 1, axv_lapic_get_event_reg(x, AXV_X86_EVENT_INIT));
	axv_x86_take_latched(x);
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_get_event_reg(x, AXV_X86_EVENT_INIT));
	KUNIT_EXPECT_TRUE(test, x->lapic->wait_sipi);
	KUNIT_EXPECT_TRUE(test, x->events.halted);
	KUNIT_EXPECT_TRUE(test, x->irq_armed);
	KUNIT_EXPECT_TRUE(test, x->events.any);
	KUNIT_EXPECT_EQ(test, -1, pending(x));
	KUNIT_EXPECT_EQ(test, 0, x->cr8_below);
	x->irq_armed = false;
	KUNIT_EXPECT_EQ(test, 0, x->regs.gpr[AXV_X86_RBX]);
	KUNIT_EXPECT_EQ(test, X86_CR0_CD | X86_CR0_ET, x->cr0);
	KUNIT_EXPECT_EQ(test, 3, x->xcr0);
	KUNIT_EXPECT_EQ(test, 5, x->tsc_adjust);
	KUNIT_EXPECT_EQ(test, 0xff, read(x, APIC_SPIV));
	KUNIT_EXPECT_EQ(test, 0, read(x, APIC_IRR + 0x20));
	/* Interrupts are lost, also if a VMM has enabled the APIC.  Only a SIPI ends that. */
	enable(x);
	msi(test, 0xfee01000, 0x41);
	KUNIT_EXPECT_EQ(test, -1, pending(x));
	x->lapic->wait_sipi = false;
	KUNIT_EXPECT_EQ(test, -1, pending(x));
	x->lapic->wait_sipi = true;
	send(test, APIC_DM_NMI, 1);
	raw_spin_lock_irq(&x->base.lock);
	KUNIT_EXPECT_FALSE(test, axv_x86_has_event(&x->base));
	raw_spin_unlock_irq(&x->base.lock);

	send(test, APIC_DM_STARTUP | 0x12, 1);
	send(test, APIC_DM_STARTUP | 0x13, 1);
	KUNIT_EXPECT_EQ(test, 0x112, axv_lapic_get_event_reg(x, AXV_X86_EVENT_SIPI));
	axv_x86_take_latched(x);
	KUNIT_EXPECT_FALSE(test, x->lapic->wait_sipi);
	KUNIT_EXPECT_FALSE(test, x->events.halted);
	x->hw->get_segment(x, AXV_X86_CS, &cs);
	KUNIT_EXPECT_EQ(test, 0x12000, cs.base);
	KUNIT_EXPECT_EQ(test, 0x1200, cs.selector);
	KUNIT_EXPECT_EQ(test, 0, x->regs.rip);

	/* INIT and SIPI latched together; an INIT takes an older SIPI away. */
	send(test, APIC_DM_STARTUP | 0x20, 1);
	send(test, APIC_DM_INIT | APIC_INT_ASSERT, 1);
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_get_event_reg(x, AXV_X86_EVENT_SIPI));
	send(test, APIC_DM_STARTUP | 0x21, 1);
	axv_x86_take_latched(x);
	KUNIT_EXPECT_FALSE(test, x->lapic->wait_sipi);
	x->hw->get_segment(x, AXV_X86_CS, &cs);
	KUNIT_EXPECT_EQ(test, 0x21000, cs.base);

	/* The bootstrap processor does not wait. */
	x = cpu(test, 0);
	send(test, APIC_DM_INIT | APIC_INT_ASSERT, 0);
	axv_x86_take_latched(x);
	KUNIT_EXPECT_FALSE(test, x->lapic->wait_sipi);
	KUNIT_EXPECT_EQ(test, 0xfff0, x->regs.rip);
}

/* Wait until the timer's callback has run. */
static bool ticks(struct axv_x86_vcpu *x)
{
	ktime_t end = ktime_add_ms(ktime_get(), 10000);

	while (!READ_ONCE(x->lapic->timer.tick)) {
		if (ktime_after(ktime_get(), end))
			return false;
		usleep_range(50, 100);
	}
	return true;
}

/* Let the count end now, while its callback has yet to run. */
static void end_count(struct axv_x86_vcpu *x)
{
	x->lapic->timer.expiry = ktime_get();
}

static void lapic_test_timer(struct kunit *test)
{
	struct axv_x86_vcpu *x = cpu(test, 0);
	unsigned int i;
	u32 count;

	write(x, APIC_LVTT, 0x60);
	write(x, APIC_TDCR, APIC_TDR_DIV_1);
	write(x, APIC_TMICT, 50000);
	KUNIT_EXPECT_TRUE(test, ticks(x));
	KUNIT_EXPECT_EQ(test, 0x60, take(x));
	KUNIT_EXPECT_EQ(test, 0, read(x, APIC_TMCCT));
	write(x, APIC_EOI, 0);

	/* A guest that reads 0 finds the interrupt pending. */
	write(x, APIC_TMICT, ~0u);
	end_count(x);
	KUNIT_EXPECT_EQ(test, 0, read(x, APIC_TMCCT));
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&x->lapic->timer.hrtimer));
	KUNIT_EXPECT_EQ(test, 0x60, take(x));
	write(x, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, -1, take(x));

	/* It counts down, at another rate after a change of the divisor. */
	write(x, APIC_TMICT, ~0u);
	count = read(x, APIC_TMCCT);
	KUNIT_EXPECT_GT(test, count, 0u);
	KUNIT_EXPECT_GE(test, count, (u32)read(x, APIC_TMCCT));
	write(x, APIC_TDCR, APIC_TDR_DIV_128);
	KUNIT_EXPECT_GT(test, (u64)hrtimer_get_remaining(&x->lapic->timer.hrtimer),
			(u64)U32_MAX);
	write(x, APIC_TMICT, 0);
	KUNIT_EXPECT_EQ(test, 0, read(x, APIC_TMCCT));
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&x->lapic->timer.hrtimer));

	/* Each divisor. */
	for (i = 0; i < 8; i++) {
		write(x, APIC_TDCR, (i & 4) << 1 | (i & 3));
		write(x, APIC_TMICT, ~0u);
		KUNIT_EXPECT_EQ_MSG(test, (u64)U32_MAX << ((i + 1) & 7),
				    x->lapic->timer.period, "%u", i);
	}
	write(x, APIC_TMICT, 0);

	/* Periodic, of period 1: one tick at a time, and the next is not at once. */
	write(x, APIC_LVTT, 0x61 | APIC_LVT_TIMER_PERIODIC);
	write(x, APIC_TDCR, APIC_TDR_DIV_1);
	write(x, APIC_TMICT, 1);
	KUNIT_EXPECT_TRUE(test, ticks(x));
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&x->lapic->timer.hrtimer));
	KUNIT_EXPECT_EQ(test, 0x61, take(x));
	KUNIT_EXPECT_GE(test, x->lapic->timer.period, 100000ull);
	write(x, APIC_EOI, 0);
	KUNIT_EXPECT_TRUE(test, ticks(x));
	KUNIT_EXPECT_EQ(test, 0x61, take(x));
	write(x, APIC_TMICT, 0);
	write(x, APIC_EOI, 0);

	/* All periods that were missed are one tick. */
	write(x, APIC_TMICT, ~0u);
	x->lapic->timer.expiry = ktime_sub_ns(ktime_get(), 3 * x->lapic->timer.period);
	KUNIT_EXPECT_GT(test, (u32)read(x, APIC_TMCCT), 0u);
	KUNIT_EXPECT_GT(test, x->lapic->timer.expiry, ktime_get());
	KUNIT_EXPECT_EQ(test, 0x61, take(x));
	write(x, APIC_TMICT, 0);

	/* A count that has ended, and whose callback has yet to run, is a tick to save. */
	x->lapic->timer.period = 1000;
	x->lapic->timer.expiry = ktime_get();
	KUNIT_EXPECT_TRUE(test, axv_lapic_timer_ticked(x->lapic));
	/* The tick of an older count leaves the new one alone. */
	write(x, APIC_TMICT, ~0u);
	WRITE_ONCE(x->lapic->timer.tick, true);
	write(x, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, 0x61, take(x));
	KUNIT_EXPECT_GT(test, (u32)read(x, APIC_TMCCT), 0u);
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&x->lapic->timer.hrtimer));
	/* What is left of the last count is not 0. */
	write(x, APIC_TDCR, APIC_TDR_DIV_128);
	x->lapic->timer.expiry = ktime_add_ms(ktime_get(), 10000);
	KUNIT_EXPECT_GT(test, (u32)read(x, APIC_TMCCT), 0u);
	write(x, APIC_TMICT, 0);
	write(x, APIC_TDCR, APIC_TDR_DIV_1);

	/* A tick of a masked timer is lost. */
	write(x, APIC_EOI, 0);
	write(x, APIC_LVTT, 0x62 | APIC_LVT_MASKED);
	write(x, APIC_TMICT, 1000);
	KUNIT_EXPECT_TRUE(test, ticks(x));
	KUNIT_EXPECT_EQ(test, -1, take(x));
	write(x, APIC_LVTT, 0x62);
	KUNIT_EXPECT_EQ(test, -1, take(x));
}

static void lapic_test_deadline(struct kunit *test)
{
	struct axv_x86_vcpu *x = cpu(test, 0);
	struct axv_lapic *lapic = x->lapic;
	u64 far = axv_x86_guest_tsc(x) + (1ull << 50);

	/* In another mode the write is ignored. */
	axv_lapic_timer_set_deadline(lapic, 1);
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_timer_deadline(lapic));
	write(x, APIC_TMICT, ~0u);
	write(x, APIC_LVTT, 0x70 | APIC_LVT_TIMER_TSCDEADLINE);
	KUNIT_EXPECT_EQ(test, 0, read(x, APIC_TMICT));
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&lapic->timer.hrtimer));
	write(x, APIC_TMICT, 1);
	KUNIT_EXPECT_EQ(test, 0, read(x, APIC_TMICT));

	/* A deadline in the past: the tick comes at once. */
	axv_lapic_timer_set_deadline(lapic, 1);
	KUNIT_EXPECT_TRUE(test, ticks(x));
	KUNIT_EXPECT_EQ(test, 0x70, take(x));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_timer_deadline(lapic));
	write(x, APIC_EOI, 0);

	/* The VMM sets the clock to the deadline. */
	axv_lapic_timer_set_deadline(lapic, far);
	KUNIT_EXPECT_EQ(test, far, axv_lapic_timer_deadline(lapic));
	KUNIT_EXPECT_FALSE(test, READ_ONCE(lapic->timer.tick));
	axv_lapic_set_counter(x->base.vm, far);
	KUNIT_EXPECT_TRUE(test, ticks(x));
	/* The clock is set back before the tick is taken: there is no interrupt yet. */
	axv_lapic_set_counter(x->base.vm, 0);
	KUNIT_EXPECT_EQ(test, -1, take(x));
	KUNIT_EXPECT_EQ(test, far, axv_lapic_timer_deadline(lapic));
	KUNIT_EXPECT_TRUE(test, hrtimer_active(&lapic->timer.hrtimer));
	/* The guest's own TSC counts. */
	AXV_CLAIMED(&x->base, axv_x86_set_msr(x, MSR_IA32_TSC, far, false));
	KUNIT_EXPECT_TRUE(test, ticks(x));
	KUNIT_EXPECT_EQ(test, 0x70, take(x));
	write(x, APIC_EOI, 0);

	axv_lapic_timer_set_deadline(lapic, ~0ull);
	write(x, APIC_LVTT, 0x70);
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_timer_deadline(lapic));
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&lapic->timer.hrtimer));
}

/* Restore the whole state in another vCPU, in the order of the list. */
static void lapic_test_save_restore(struct kunit *test)
{
	struct axv_x86_vcpu *from = cpu(test, 1), *to = cpu(test, 2);
	u64 saved[64], value, reg;
	unsigned int i, count;

	self_ipi(from, 0x50);
	KUNIT_EXPECT_EQ(test, 0x50, take(from));
	self_ipi(from, 0x33);
	msi(test, 0xfee01000, 0xc034);
	write(from, APIC_TASKPRI, 0x15);
	write(from, APIC_LDR, 0x02000000);
	write(from, APIC_LVTERR, 0xee);
	self_ipi(from, 1);
	write(from, APIC_LVTT, 0x60);
	write(from, APIC_TDCR, APIC_TDR_DIV_1);
	write(from, APIC_TMICT, 1000);
	KUNIT_EXPECT_TRUE(test, ticks(from));

	for (count = 0; !axv_lapic_list(from, count, &reg); count++) {
		KUNIT_ASSERT_LT(test, count, ARRAY_SIZE(saved));
		KUNIT_EXPECT_EQ(test, 0, axv_lapic_get_reg(from, reg, &saved[count]));
	}
	for (i = 0; i < count; i++) {
		axv_lapic_list(to, i, &reg);
		KUNIT_EXPECT_EQ_MSG(test, 0, axv_lapic_set_reg(to, reg, saved[i]), "%llx", reg);
	}
	for (i = 0; i < count; i++) {
		axv_lapic_list(to, i, &reg);
		KUNIT_EXPECT_EQ(test, 0, axv_lapic_get_reg(to, reg, &value));
		KUNIT_EXPECT_EQ_MSG(test, saved[i], value, "%llx", reg);
	}
	expect_used(test, to);
	/* The sender of a level is not saved, so the VMM is told of its end. */
	KUNIT_EXPECT_TRUE(test, test_bit(0x34, to->lapic->direct));
	/* The error's 0xee is pending, and 0x60 of the timer's tick; 0x50 is in service. */
	KUNIT_EXPECT_EQ(test, 0xee, take(to));
	write(to, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, 0x60, take(to));
	write(to, APIC_EOI, 0);
	write(to, APIC_EOI, 0);
	KUNIT_EXPECT_EQ(test, 0x34, take(to));
	KUNIT_EXPECT_EQ(test, 0x34, write(to, APIC_EOI, 0));
	KUNIT_EXPECT_EQ(test, 0x33, take(to));

	KUNIT_EXPECT_EQ(test, -EINVAL, axv_lapic_set_reg(to, APIC_IRR, 1));
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_lapic_set_reg(to, APIC_SPIV, 1 << 20));
	to->caps.tsc_deadline = false;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_lapic_set_reg(to, AXV_X86_LAPIC_DEADLINE, 1));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(to, AXV_X86_LAPIC_DEADLINE, 0));
	KUNIT_EXPECT_EQ(test, -ENOENT, axv_lapic_set_reg(to, APIC_ID, 0));
	KUNIT_EXPECT_EQ(test, -ENOENT, axv_lapic_get_reg(to, 0x1000, &value));
}

/*
 * The timer has expired, its callback has yet to run, and the guest changes the timer: the
 * interrupt is that of the old timer.
 */
static void lapic_test_changes_when_expired(struct kunit *test)
{
	struct axv_x86_vcpu *x = cpu(test, 1);
	const u64 far = 1ull << 62;

	write(x, APIC_TDCR, APIC_TDR_DIV_1);
	write(x, APIC_LVTT, 0x60 | APIC_LVT_TIMER_PERIODIC);
	write(x, APIC_TMICT, ~0u);
	end_count(x);
	write(x, APIC_TDCR, APIC_TDR_DIV_128);
	KUNIT_EXPECT_EQ(test, 0x60, take(x));
	write(x, APIC_EOI, 0);
	/* It goes on with the next period. */
	KUNIT_EXPECT_GT(test, (u32)read(x, APIC_TMCCT), 0u);

	write(x, APIC_LVTT, 0x61);
	write(x, APIC_TMICT, ~0u);
	end_count(x);
	write(x, APIC_TMICT, ~0u);
	KUNIT_EXPECT_EQ(test, 0x61, take(x));
	write(x, APIC_EOI, 0);

	end_count(x);
	write(x, APIC_SPIV, 0xff);
	enable(x);
	KUNIT_EXPECT_EQ(test, 0x61, take(x));
	write(x, APIC_EOI, 0);
	write(x, APIC_LVTT, 0x61);
	write(x, APIC_TMICT, ~0u);

	end_count(x);
	write(x, APIC_LVTT, 0x62 | APIC_LVT_TIMER_TSCDEADLINE);
	KUNIT_EXPECT_EQ(test, 0x61, take(x));
	write(x, APIC_EOI, 0);

	axv_lapic_timer_set_deadline(x->lapic, far);
	x->lapic->timer.deadline = 1;
	axv_lapic_timer_set_deadline(x->lapic, far);
	KUNIT_EXPECT_EQ(test, 0x62, take(x));
	KUNIT_EXPECT_EQ(test, far, axv_lapic_timer_deadline(x->lapic));
	axv_lapic_timer_set_deadline(x->lapic, 0);
}

/* A timer that was restored expires before AXV_X86_LAPIC_TICK is written. */
static void lapic_test_expired_while_restored(struct kunit *test)
{
	struct axv_x86_vcpu *x = cpu(test, 1);
	struct axv_lapic_timer *timer = &x->lapic->timer;
	u64 value;

	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, APIC_LVTT,
						   0x60 | APIC_LVT_TIMER_TSCDEADLINE));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, AXV_X86_LAPIC_DEADLINE, 1));
	KUNIT_EXPECT_TRUE(test, ticks(x));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_get_reg(x, AXV_X86_LAPIC_TICK, &value));
	KUNIT_EXPECT_EQ(test, 0, value);
	/* A tick that the VMM writes does not end a deadline. */
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, AXV_X86_LAPIC_TICK, 1));
	KUNIT_EXPECT_EQ(test, 1, axv_lapic_timer_deadline(x->lapic));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, AXV_X86_LAPIC_TICK, 0));
	KUNIT_EXPECT_EQ(test, 0x60, take(x));
	write(x, APIC_EOI, 0);

	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, APIC_LVTT, 0x61));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, APIC_TMICT, 1000));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, APIC_TMCCT, 1));
	KUNIT_EXPECT_TRUE(test, ticks(x));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, AXV_X86_LAPIC_TICK, 0));
	/* A VMM that reads the count does not take the tick. */
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_get_reg(x, APIC_TMCCT, &value));
	KUNIT_EXPECT_EQ(test, 0, value);
	KUNIT_EXPECT_TRUE(test, READ_ONCE(timer->tick));
	KUNIT_EXPECT_EQ(test, 0x61, take(x));
	write(x, APIC_EOI, 0);

	/* A vCPU that is in use: the new APIC gets no interrupt of the old one. */
	WRITE_ONCE(timer->tick, true);
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, APIC_LVTT, 0x61));
	KUNIT_EXPECT_EQ(test, -1, take(x));
	WRITE_ONCE(timer->tick, true);
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, APIC_TDCR, APIC_TDR_DIV_1));
	KUNIT_EXPECT_EQ(test, -1, take(x));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, APIC_TMICT, ~0u));

	/* A count that ended between the reads of it and of its tick ticks once. */
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, APIC_TMCCT, 1000000));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, AXV_X86_LAPIC_TICK, 1));
	KUNIT_EXPECT_FALSE(test, hrtimer_active(&timer->hrtimer));
	KUNIT_EXPECT_EQ(test, 0x61, take(x));
	write(x, APIC_EOI, 0);

	/* What is left of a restored count may be less than the shortest period. */
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, APIC_LVTT,
						   0x61 | APIC_LVT_TIMER_PERIODIC));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, APIC_TMICT, ~0u));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, APIC_TMCCT, 1000));
	KUNIT_EXPECT_GE(test, 1000, ktime_sub(timer->expiry, ktime_get()));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, APIC_LVTT, 0x61));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, APIC_TMICT, ~0u));

	/* The restored count and tick replace those of the old timer. */
	WRITE_ONCE(timer->tick, true);
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, APIC_TMCCT, ~0u));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, AXV_X86_LAPIC_TICK, 0));
	KUNIT_EXPECT_EQ(test, -1, take(x));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, APIC_TMCCT, 0));
	KUNIT_EXPECT_EQ(test, 0, axv_lapic_set_reg(x, AXV_X86_LAPIC_TICK, 1));
	KUNIT_EXPECT_EQ(test, 0x61, take(x));
}

static u32 edx_of(struct axv_x86_vcpu *x, u32 leaf)
{
	u32 eax, ebx, ecx, edx;

	axv_x86_cpuid(x, leaf, 0, &eax, &ebx, &ecx, &edx);
	return edx;
}

/* CPUID's APIC bit follows the APIC, not the table; also the bit that AMD repeats. */
static void lapic_test_cpuid(struct kunit *test)
{
	static const struct {
		char name[5];
		bool repeated;
	} vendors[] = { { "Auth", true }, { "Hygo", true }, { "Genu", false } };
	struct axv_x86_cpuid table[] = {
		{ .leaf = 0 }, { .leaf = 1 }, { .leaf = 0x80000001 },
	};
	struct axv_x86_vcpu *x = cpu(test, 0);
	unsigned int i, round;

	for (i = 0; i < ARRAY_SIZE(vendors); i++) {
		memcpy(&table[0].ebx, vendors[i].name, sizeof(table[0].ebx));
		for (round = 0; round < 2; round++) {
			/* In its table the bit is as the VMM had it. */
			table[1].edx = round ? BIT(9) : 0;
			table[2].edx = vendors[i].repeated ? table[1].edx : 0;
			KUNIT_ASSERT_EQ(test, 0, axv_x86_set_cpuid(x, table, ARRAY_SIZE(table)));
			axv_lapic_set_base(x, XAPIC, false);
			KUNIT_EXPECT_EQ(test, BIT(9), edx_of(x, 1));
			KUNIT_EXPECT_EQ(test, vendors[i].repeated ? BIT(9) : 0,
					edx_of(x, 0x80000001));
			axv_lapic_set_base(x, AXV_LAPIC_PAGE, false);
			KUNIT_EXPECT_EQ(test, 0, edx_of(x, 1));
			KUNIT_EXPECT_EQ(test, 0, edx_of(x, 0x80000001));
		}
	}
}

static struct kunit_case lapic_cases[] = {
	KUNIT_CASE(lapic_test_registers),
	KUNIT_CASE(lapic_test_x2apic_registers),
	KUNIT_CASE(lapic_test_modes),
	KUNIT_CASE(lapic_test_priorities),
	KUNIT_CASE(lapic_test_put_back),
	KUNIT_CASE(lapic_test_used),
	KUNIT_CASE(lapic_test_concurrent),
	KUNIT_CASE(lapic_test_destinations),
	KUNIT_CASE(lapic_test_x2apic_destinations),
	KUNIT_CASE(lapic_test_errors),
	KUNIT_CASE(lapic_test_msi),
	KUNIT_CASE(lapic_test_route),
	KUNIT_CASE(lapic_test_disabled),
	KUNIT_CASE(lapic_test_pic),
	KUNIT_CASE(lapic_test_init_sipi),
	KUNIT_CASE(lapic_test_timer),
	KUNIT_CASE(lapic_test_deadline),
	KUNIT_CASE(lapic_test_save_restore),
	KUNIT_CASE(lapic_test_changes_when_expired),
	KUNIT_CASE(lapic_test_expired_while_restored),
	KUNIT_CASE(lapic_test_cpuid),
	{}
};

axv_test_suite("axvcpu-x86-lapic", lapic_cases,
	       .init = lapic_init, .exit = lapic_exit);
