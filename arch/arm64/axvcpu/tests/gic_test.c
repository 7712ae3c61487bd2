// SPDX-License-Identifier: GPL-2.0
/*
 * The queue of interrupts and the choice of list registers, against a model of the
 * virtual CPU interface: gic.c touches no hardware.
 */
#include <linux/bitops.h>
#include <linux/irqchip/arm-gic-v3.h>
#include <linux/random.h>

#include <axvcpu/kunit.h>

#include "../arm64.h"

#define LR_EOI		BIT_ULL(41)
#define LR_GROUP1	BIT_ULL(60)
#define LR_HW		BIT_ULL(61)
#define LR_PENDING	BIT_ULL(62)
#define LR_ACTIVE	BIT_ULL(63)
#define LR_STATE	(LR_PENDING | LR_ACTIVE)

#define HCR_LRENPIE	BIT(2)
#define HCR_NPIE	BIT(3)
#define HCR_TDIR	BIT(14)
#define HCR_EOICOUNT(n)	((u64)(n) << 27)

#define VMCR_ENG1	AXV_VMCR_ENG1
#define VMCR_CBPR	BIT(4)
#define VMCR_BPR1(n)	((u64)(n) << 18)
#define VMCR_BPR0(n)	((u64)(n) << 21)
#define VMCR_PMR(n)	((u64)(n) << 24)

#define PTIMER		30	/* the physical INTID of this host's timer */
#define VTIMER		27

static const struct axv_gic_host host = {
	.nr_lrs = 4,
	.nr_aprs = 1,
	.pri_mask = 0xf8,
	.pre_shift = 3,
	.intid_bits = 16,
	.trap_dir = HCR_TDIR,
	.timer_intid = PTIMER,
};

/**
 * struct model - a vCPU's interrupts
 * @gic:	the queue
 * @ich:	list registers
 */
struct model {
	struct axv_arm64_gic gic;
	struct axv_arm64_ich ich;
};

static int gic_init(struct kunit *test)
{
	test->priv = kunit_kzalloc(test, sizeof(struct model), GFP_KERNEL);
	return test->priv ? 0 : -ENOMEM;
}

static void fill(struct model *m)
{
	axv_gic_fill(&m->gic, &m->ich, &host);
}

static void drain(struct model *m)
{
	axv_gic_drain(&m->gic, &m->ich);
}

/* The list register that has an INTID; NULL: none. */
static u64 *listed(struct model *m, u32 intid)
{
	unsigned int i;

	for (i = 0; i < m->gic.nr; i++)
		if ((u32)m->ich.lr[i] == intid && m->ich.lr[i] & LR_STATE)
			return &m->ich.lr[i];
	return NULL;
}

static u64 lr_of(struct model *m, u32 intid)
{
	u64 *lr = listed(m, intid);

	return lr ? *lr : 0;
}

/* The state of an INTID in the queue, AXV_ARM64_IRQ_*; 0: it is not in the queue */
static u64 state_of(struct model *m, u32 intid)
{
	unsigned int i;
	u64 value;

	for (i = 0; i < AXV_GIC_IRQS; i++) {
		value = axv_gic_get_irq(&m->gic, i);
		if (value && (u32)value == intid)
			return value & GENMASK_ULL(42, 40);
	}
	return 0;
}

/* Acknowledge or deactivate an interrupt in its list register, as the guest does. */
static void acknowledge(struct model *m, u32 intid)
{
	u64 *lr = listed(m, intid);

	*lr = (*lr & ~LR_PENDING) | LR_ACTIVE;
}

static void deactivate(struct model *m, u32 intid)
{
	*listed(m, intid) &= ~LR_ACTIVE;
}

/* ---- one interrupt ------------------------------------------------------------ */

static void an_edge(struct kunit *test)
{
	struct model *m = test->priv;

	KUNIT_EXPECT_EQ(test, axv_gic_edge(&m->gic, 40, 0x80), 0);
	fill(m);
	KUNIT_EXPECT_EQ(test, m->gic.nr, 1);
	KUNIT_EXPECT_EQ(test, m->ich.lr[0], 40 | 0x80ull << 48 | LR_GROUP1 | LR_PENDING);
	KUNIT_EXPECT_EQ(test, m->ich.hcr, (u64)ICH_HCR_EN);
	acknowledge(m, 40);
	drain(m);
	KUNIT_EXPECT_EQ(test, m->ich.lr[0], 0ull);
	KUNIT_EXPECT_EQ(test, state_of(m, 40), AXV_ARM64_IRQ_ACTIVE);
	KUNIT_EXPECT_EQ(test, m->gic.taken, 1);
	fill(m);
	deactivate(m, 40);
	drain(m);
	KUNIT_EXPECT_EQ(test, m->gic.used, 0ull);
	KUNIT_EXPECT_EQ(test, m->gic.taken, 1);
}

static void an_edge_while_it_is_listed(struct kunit *test)
{
	struct model *m = test->priv;

	axv_gic_edge(&m->gic, 40, 0x80);
	fill(m);
	/* A second one merges with the first until that is acknowledged, not after. */
	axv_gic_edge(&m->gic, 40, 0x80);
	drain(m);
	KUNIT_EXPECT_EQ(test, state_of(m, 40), AXV_ARM64_IRQ_PENDING);
	fill(m);
	acknowledge(m, 40);
	axv_gic_edge(&m->gic, 40, 0x80);
	drain(m);
	KUNIT_EXPECT_EQ(test, state_of(m, 40),
			AXV_ARM64_IRQ_ACTIVE | AXV_ARM64_IRQ_PENDING);
	fill(m);
	KUNIT_EXPECT_EQ(test, m->gic.nr, 1);
	KUNIT_EXPECT_EQ(test, lr_of(m, 40) & LR_STATE, LR_STATE);
	/* It is deactivated, and acknowledged again: the edge is consumed. */
	deactivate(m, 40);
	acknowledge(m, 40);
	drain(m);
	KUNIT_EXPECT_EQ(test, state_of(m, 40), AXV_ARM64_IRQ_ACTIVE);
	KUNIT_EXPECT_EQ(test, m->gic.taken, 2);
}

static void a_wire(struct kunit *test)
{
	struct model *m = test->priv;

	KUNIT_EXPECT_EQ(test, axv_gic_level(&m->gic, 33, 0x40, true), 0);
	fill(m);
	/* The guest exits when it deactivates the interrupt. */
	KUNIT_EXPECT_EQ(test, lr_of(m, 33) & (LR_STATE | LR_EOI), LR_PENDING | LR_EOI);
	*listed(m, 33) &= ~LR_STATE;
	drain(m);
	KUNIT_EXPECT_EQ(test, state_of(m, 33), AXV_ARM64_IRQ_LEVEL);
	fill(m);
	KUNIT_EXPECT_EQ(test, lr_of(m, 33) & LR_STATE, LR_PENDING);
	acknowledge(m, 33);
	drain(m);
	fill(m);
	KUNIT_EXPECT_EQ(test, lr_of(m, 33) & (LR_STATE | LR_EOI), LR_STATE | LR_EOI);
	/* It goes low while the list register says that it is pending. */
	axv_gic_level(&m->gic, 33, 0x40, false);
	drain(m);
	KUNIT_EXPECT_EQ(test, state_of(m, 33), AXV_ARM64_IRQ_ACTIVE);
	fill(m);
	KUNIT_EXPECT_EQ(test, lr_of(m, 33) & (LR_STATE | LR_EOI), LR_ACTIVE);
	deactivate(m, 33);
	drain(m);
	KUNIT_EXPECT_EQ(test, m->gic.used, 0ull);
}

static void retracted(struct kunit *test)
{
	struct model *m = test->priv;

	KUNIT_EXPECT_EQ(test, axv_gic_retract(&m->gic, 40), -ENOENT);
	axv_gic_edge(&m->gic, 40, 0x80);
	KUNIT_EXPECT_EQ(test, axv_gic_retract(&m->gic, 40), 0);
	KUNIT_EXPECT_EQ(test, m->gic.used, 0ull);

	/* In a list register, not acknowledged */
	axv_gic_edge(&m->gic, 40, 0x80);
	fill(m);
	KUNIT_EXPECT_EQ(test, axv_gic_retract(&m->gic, 40), 0);
	KUNIT_EXPECT_EQ(test, axv_gic_retract(&m->gic, 40), -ENOENT);
	drain(m);
	KUNIT_EXPECT_EQ(test, m->gic.used, 0ull);

	/* In a list register, and acknowledged before the guest exits */
	axv_gic_edge(&m->gic, 40, 0x80);
	fill(m);
	KUNIT_EXPECT_EQ(test, axv_gic_retract(&m->gic, 40), 0);
	acknowledge(m, 40);
	drain(m);
	KUNIT_EXPECT_EQ(test, state_of(m, 40), AXV_ARM64_IRQ_ACTIVE);
	KUNIT_EXPECT_EQ(test, axv_gic_retract(&m->gic, 40), -ENOENT);

	/* Retracted, and another comes before the guest is out. */
	axv_gic_edge(&m->gic, 41, 0x80);
	fill(m);
	axv_gic_retract(&m->gic, 41);
	axv_gic_edge(&m->gic, 41, 0x80);
	drain(m);
	KUNIT_EXPECT_EQ(test, state_of(m, 41), AXV_ARM64_IRQ_PENDING);

	/* A wire is not an edge. */
	axv_gic_level(&m->gic, 42, 0x80, true);
	KUNIT_EXPECT_EQ(test, axv_gic_retract(&m->gic, 42), -ENOENT);
}

/* ---- more than list registers ------------------------------------------------------ */

static void the_most_urgent_are_listed(struct kunit *test)
{
	struct model *m = test->priv;
	unsigned int i;

	for (i = 0; i < 10; i++)
		axv_gic_edge(&m->gic, 64 + i, 0xf0 - i * 8);
	fill(m);
	KUNIT_EXPECT_EQ(test, m->gic.nr, 4);
	for (i = 0; i < 10; i++)
		KUNIT_EXPECT_EQ(test, !!listed(m, 64 + i), i >= 6);
	/* The guest exits when it has acknowledged all four. */
	KUNIT_EXPECT_EQ(test, m->ich.hcr, (u64)(ICH_HCR_EN | HCR_NPIE));
}

static void active_ones_leave_room_for_the_most_urgent(struct kunit *test)
{
	struct model *m = test->priv;
	unsigned int i;

	for (i = 0; i < 6; i++)
		axv_gic_set_irq(&m->gic, i, (64 + i) | (u64)(0xc0 - i * 8) << 32 |
					    AXV_ARM64_IRQ_ACTIVE, &host);
	axv_gic_edge(&m->gic, 100, 0x40);
	axv_gic_edge(&m->gic, 101, 0x48);
	fill(m);
	KUNIT_EXPECT_EQ(test, m->gic.nr, 4);
	KUNIT_EXPECT_EQ(test, lr_of(m, 100) & LR_STATE, LR_PENDING);
	for (i = 0; i < 6; i++)
		KUNIT_EXPECT_EQ(test, !!listed(m, 64 + i), i >= 3);
	KUNIT_EXPECT_EQ(test, m->ich.hcr,
			(u64)(ICH_HCR_EN | HCR_NPIE | HCR_LRENPIE | HCR_TDIR));

	/* Four handlers end, but only three of the interrupts have a list register. */
	for (i = 3; i < 6; i++)
		deactivate(m, 64 + i);
	m->ich.hcr |= HCR_EOICOUNT(1);
	drain(m);
	for (i = 0; i < 6; i++)
		KUNIT_EXPECT_EQ(test, state_of(m, 64 + i), i < 2 ? AXV_ARM64_IRQ_ACTIVE : 0);
	KUNIT_EXPECT_EQ(test, m->ich.hcr, (u64)ICH_HCR_EN);
}

/* ---- ends that routes wait for ---------------------------------------------------- */

static void a_level_of_a_route(struct kunit *test)
{
	struct model *m = test->priv;

	axv_gic_level(&m->gic, 40, 0x80, true);
	axv_gic_tell_end(&m->gic, 40);
	axv_gic_tell_end(&m->gic, 41);
	fill(m);
	KUNIT_EXPECT_EQ(test, lr_of(m, 40) & (LR_STATE | LR_EOI), LR_PENDING | LR_EOI);
	acknowledge(m, 40);
	drain(m);
	KUNIT_EXPECT_EQ(test, axv_gic_take_ended(&m->gic), -ENOENT);
	/* The wire may fall at the end of the interrupt, which is not pending before that. */
	fill(m);
	KUNIT_EXPECT_EQ(test, lr_of(m, 40) & (LR_STATE | LR_EOI), LR_ACTIVE | LR_EOI);
	deactivate(m, 40);
	drain(m);
	/* The place in the queue is kept until the route was told of the end. */
	axv_gic_level(&m->gic, 40, 0x80, false);
	KUNIT_EXPECT_EQ(test, hweight64(m->gic.used), 1ul);
	KUNIT_EXPECT_EQ(test, axv_gic_take_ended(&m->gic), 40);
	KUNIT_EXPECT_EQ(test, axv_gic_take_ended(&m->gic), -ENOENT);
	KUNIT_EXPECT_EQ(test, m->gic.used, 0ull);

	/*
	 * If the wire falls while the interrupt is active, the route is told of its end
	 * as well.
	 */
	axv_gic_level(&m->gic, 40, 0x80, true);
	axv_gic_tell_end(&m->gic, 40);
	fill(m);
	acknowledge(m, 40);
	axv_gic_level(&m->gic, 40, 0x80, false);
	drain(m);
	fill(m);
	KUNIT_EXPECT_EQ(test, lr_of(m, 40) & (LR_STATE | LR_EOI), LR_ACTIVE | LR_EOI);
	deactivate(m, 40);
	drain(m);
	KUNIT_EXPECT_EQ(test, axv_gic_take_ended(&m->gic), 40);
	KUNIT_EXPECT_EQ(test, m->gic.used, 0ull);
	/* If the wire falls before the interrupt is acknowledged, no end is told. */
	axv_gic_level(&m->gic, 40, 0x80, true);
	axv_gic_tell_end(&m->gic, 40);
	axv_gic_level(&m->gic, 40, 0x80, false);
	KUNIT_EXPECT_EQ(test, m->gic.used, 0ull);
	KUNIT_EXPECT_EQ(test, axv_gic_take_ended(&m->gic), -ENOENT);
}

/* Writing back the value that a register had changes nothing. */
static void a_level_that_is_written_back(struct kunit *test)
{
	struct model *m = test->priv;
	unsigned int i;
	u64 value;

	for (i = 0; i < 2; i++) {
		axv_gic_level(&m->gic, 40, 0x80, true);
		axv_gic_tell_end(&m->gic, 40);
		fill(m);
		acknowledge(m, 40);
		drain(m);
		value = axv_gic_get_irq(&m->gic, 0);
		KUNIT_EXPECT_EQ(test, value, 40 | 0x80ull << 32 | AXV_ARM64_IRQ_LEVEL |
					     AXV_ARM64_IRQ_ACTIVE);
		/* The second time all places are emptied first. */
		if (i)
			KUNIT_EXPECT_EQ(test, axv_gic_set_irq(&m->gic, 0, 0, &host), 0);
		KUNIT_EXPECT_EQ(test, axv_gic_set_irq(&m->gic, 0, value, &host), 0);
		fill(m);
		KUNIT_EXPECT_EQ(test, lr_of(m, 40) & (LR_STATE | LR_EOI), LR_ACTIVE | LR_EOI);
		deactivate(m, 40);
		drain(m);
		KUNIT_EXPECT_EQ(test, axv_gic_take_ended(&m->gic), 40);
		axv_gic_level(&m->gic, 40, 0x80, false);
		KUNIT_EXPECT_EQ(test, m->gic.used, 0ull);
	}

	/* The route does not wait for the end of another interrupt in the same place. */
	axv_gic_level(&m->gic, 40, 0x80, true);
	axv_gic_tell_end(&m->gic, 40);
	KUNIT_EXPECT_EQ(test, axv_gic_set_irq(&m->gic, 0, 41 | AXV_ARM64_IRQ_ACTIVE, &host), 0);
	fill(m);
	deactivate(m, 41);
	drain(m);
	KUNIT_EXPECT_EQ(test, axv_gic_take_ended(&m->gic), -ENOENT);
}

/* Interrupts end by ICC_DIR_EL1, or are counted by ICH_HCR_EL2.EOIcount. */
static void ends_without_a_list_register(struct kunit *test)
{
	struct model *m = test->priv;
	unsigned int i;

	for (i = 0; i < 6; i++) {
		axv_gic_set_irq(&m->gic, i, (64 + i) | (u64)(i * 8) << 32 |
					    AXV_ARM64_IRQ_ACTIVE, &host);
		axv_gic_tell_end(&m->gic, 64 + i);
	}
	axv_gic_deactivate(&m->gic, 66);
	axv_gic_deactivate(&m->gic, 66);
	KUNIT_EXPECT_EQ(test, axv_gic_take_ended(&m->gic), 66);
	KUNIT_EXPECT_EQ(test, axv_gic_take_ended(&m->gic), -ENOENT);
	fill(m);
	KUNIT_EXPECT_EQ(test, m->gic.nr, 4);
	m->ich.hcr |= HCR_EOICOUNT(1);
	drain(m);
	KUNIT_EXPECT_EQ(test, axv_gic_take_ended(&m->gic), 69);
	KUNIT_EXPECT_EQ(test, axv_gic_take_ended(&m->gic), -ENOENT);
	KUNIT_EXPECT_EQ(test, hweight64(m->gic.used), 4ul);
}

/* More interrupts are active than there are list registers, and none is pending. */
static void active_ones_alone(struct kunit *test)
{
	struct model *m = test->priv;
	unsigned int i;

	for (i = 0; i < 6; i++)
		axv_gic_set_irq(&m->gic, i, (64 + i) | (u64)(i * 8) << 32 |
					    AXV_ARM64_IRQ_ACTIVE, &host);
	fill(m);
	KUNIT_EXPECT_EQ(test, m->gic.nr, 4);
	for (i = 0; i < 6; i++)
		KUNIT_EXPECT_EQ(test, !!listed(m, 64 + i), i < 4);
	KUNIT_EXPECT_EQ(test, m->ich.hcr, (u64)(ICH_HCR_EN | HCR_LRENPIE | HCR_TDIR));
	/* A guest may make EOIcount larger than the number of active interrupts. */
	m->ich.hcr |= HCR_EOICOUNT(31);
	drain(m);
	KUNIT_EXPECT_EQ(test, hweight64(m->gic.used), 4ul);
	axv_gic_deactivate(&m->gic, 66);
	axv_gic_deactivate(&m->gic, 999);
	KUNIT_EXPECT_EQ(test, state_of(m, 66), 0ull);
	KUNIT_EXPECT_EQ(test, hweight64(m->gic.used), 3ul);
}

static void a_full_queue(struct kunit *test)
{
	struct model *m = test->priv;
	unsigned int i;

	KUNIT_ASSERT_EQ(test, axv_gic_set_vtimer(&m->gic, AXV_ARM64_VTIMER(VTIMER, 0x80),
						 &host), 0);
	for (i = 0; i < AXV_GIC_DEPTH; i++)
		KUNIT_EXPECT_EQ(test, axv_gic_edge(&m->gic, 32 + i, 0x80), 0);
	KUNIT_EXPECT_EQ(test, axv_gic_edge(&m->gic, 500, 0x80), -EAGAIN);
	KUNIT_EXPECT_EQ(test, axv_gic_level(&m->gic, 500, 0x80, true), -EAGAIN);
	KUNIT_EXPECT_EQ(test, axv_gic_level(&m->gic, 500, 0x80, false), 0);
	KUNIT_EXPECT_EQ(test, axv_gic_edge(&m->gic, 32, 0x40), 0);
	axv_gic_timer_level(&m->gic, true);
	KUNIT_EXPECT_EQ(test, state_of(m, VTIMER), AXV_ARM64_IRQ_LEVEL);
	/* Another INTID for the timer does not get a place while the old one has it. */
	KUNIT_EXPECT_EQ(test, axv_gic_set_vtimer(&m->gic, AXV_ARM64_VTIMER(26, 0x80),
						 &host), -EAGAIN);
	KUNIT_EXPECT_EQ(test, axv_gic_retract(&m->gic, 32), 0);
	KUNIT_EXPECT_EQ(test, axv_gic_set_irq(&m->gic, 0, 500 | AXV_ARM64_IRQ_PENDING,
					      &host), 0);
	KUNIT_EXPECT_EQ(test, axv_gic_edge(&m->gic, 501, 0x80), -EAGAIN);
}

/* ---- the virtual timer --------------------------------------------------------------- */

static void the_timer(struct kunit *test)
{
	struct model *m = test->priv;

	KUNIT_ASSERT_EQ(test, axv_gic_set_vtimer(&m->gic, AXV_ARM64_VTIMER(VTIMER, 0x87),
						 &host), 0);
	KUNIT_EXPECT_EQ(test, axv_gic_level(&m->gic, VTIMER, 0, true), -EINVAL);
	axv_gic_timer_level(&m->gic, true);
	fill(m);
	KUNIT_EXPECT_TRUE(test, m->gic.hold);
	KUNIT_EXPECT_EQ(test, lr_of(m, VTIMER),
			VTIMER | (u64)PTIMER << 32 | 0x80ull << 48 | LR_GROUP1 |
			LR_HW | LR_PENDING);
	acknowledge(m, VTIMER);
	drain(m);
	KUNIT_EXPECT_FALSE(test, m->gic.released);
	/* Still high; but a list register with HW set cannot be pending and active at once. */
	fill(m);
	KUNIT_EXPECT_TRUE(test, m->gic.hold);
	KUNIT_EXPECT_EQ(test, lr_of(m, VTIMER) & (LR_STATE | LR_HW), LR_ACTIVE | LR_HW);
	drain(m);
	/* Low, and still active */
	axv_gic_timer_level(&m->gic, false);
	fill(m);
	KUNIT_EXPECT_TRUE(test, m->gic.hold);
	deactivate(m, VTIMER);
	drain(m);
	KUNIT_EXPECT_TRUE(test, m->gic.released);
	KUNIT_EXPECT_EQ(test, m->gic.used, 0ull);
	fill(m);
	KUNIT_EXPECT_FALSE(test, m->gic.hold);

	/* Disabled while its output is high: its interrupt leaves the queue. */
	axv_gic_timer_level(&m->gic, true);
	KUNIT_EXPECT_EQ(test, axv_gic_set_vtimer(&m->gic, 0, &host), 0);
	KUNIT_EXPECT_EQ(test, m->gic.used, 0ull);
	m->gic.line = true;
	fill(m);
	KUNIT_EXPECT_TRUE(test, m->gic.hold);
}

/*
 * With an edge beside its level, the timer's list register does not name the host's
 * interrupt.
 */
static void an_edge_of_the_timer(struct kunit *test)
{
	struct model *m = test->priv;

	axv_gic_set_vtimer(&m->gic, AXV_ARM64_VTIMER(VTIMER, 0x80), &host);
	axv_gic_timer_level(&m->gic, true);
	axv_gic_edge(&m->gic, VTIMER, 0x80);
	fill(m);
	KUNIT_EXPECT_EQ(test, lr_of(m, VTIMER) & (LR_STATE | LR_HW | LR_EOI),
			LR_PENDING | LR_EOI);
	KUNIT_EXPECT_TRUE(test, m->gic.hold);
	*listed(m, VTIMER) &= ~LR_STATE;
	drain(m);
	KUNIT_EXPECT_FALSE(test, m->gic.released);
	fill(m);
	KUNIT_EXPECT_EQ(test, lr_of(m, VTIMER) & (LR_STATE | LR_HW), LR_PENDING | LR_HW);
}

/* ---- what other vCPUs send ------------------------------------------------------------ */

static void send(struct model *m, unsigned int sgi)
{
	set_bit(sgi, &m->gic.sgis.pending);
}

static void configure(struct model *m, u16 enabled, u8 priority)
{
	m->gic.sgis.enabled = enabled;
	memset(m->gic.sgis.priority, priority, sizeof(m->gic.sgis.priority));
	m->gic.sgis.changed = true;
}

static void an_sgi(struct kunit *test)
{
	struct model *m = test->priv;

	configure(m, BIT(3), 0x40);
	send(m, 3);
	send(m, 3);
	send(m, 4);
	KUNIT_EXPECT_FALSE(test, axv_gic_take_sgis(&m->gic));
	KUNIT_EXPECT_EQ(test, m->gic.sgis.pending, BIT(4));
	fill(m);
	KUNIT_EXPECT_EQ(test, m->gic.nr, 1);
	KUNIT_EXPECT_EQ(test, m->ich.lr[0], 3 | 0x40ull << 48 | LR_GROUP1 | LR_PENDING);
	/* A second one merges with the first until that is acknowledged, not after. */
	send(m, 3);
	drain(m);
	axv_gic_take_sgis(&m->gic);
	KUNIT_EXPECT_EQ(test, state_of(m, 3), AXV_ARM64_IRQ_PENDING);
	fill(m);
	acknowledge(m, 3);
	send(m, 3);
	drain(m);
	axv_gic_take_sgis(&m->gic);
	KUNIT_EXPECT_EQ(test, state_of(m, 3), AXV_ARM64_IRQ_ACTIVE | AXV_ARM64_IRQ_PENDING);
	KUNIT_EXPECT_EQ(test, m->gic.sgis.pending, BIT(4));
	/* Only SGI 4 is enabled now. */
	configure(m, BIT(4), 0x40);
	axv_gic_take_sgis(&m->gic);
	KUNIT_EXPECT_EQ(test, state_of(m, 4), AXV_ARM64_IRQ_PENDING);
	KUNIT_EXPECT_EQ(test, state_of(m, 3), AXV_ARM64_IRQ_ACTIVE);
	KUNIT_EXPECT_EQ(test, m->gic.sgis.pending, BIT(3));
}

static void an_sgi_that_is_disabled(struct kunit *test)
{
	struct model *m = test->priv;

	configure(m, 0xffff, 0x40);
	send(m, 3);
	send(m, 4);
	axv_gic_take_sgis(&m->gic);
	fill(m);
	configure(m, 0, 0x40);
	/* The guest has acknowledged one of them before. */
	acknowledge(m, 4);
	drain(m);
	KUNIT_EXPECT_FALSE(test, axv_gic_take_sgis(&m->gic));
	KUNIT_EXPECT_EQ(test, state_of(m, 3), 0ull);
	KUNIT_EXPECT_EQ(test, state_of(m, 4), AXV_ARM64_IRQ_ACTIVE);
	KUNIT_EXPECT_EQ(test, m->gic.sgis.pending, BIT(3));
	configure(m, 0xffff, 0x40);
	axv_gic_take_sgis(&m->gic);
	KUNIT_EXPECT_EQ(test, state_of(m, 3), AXV_ARM64_IRQ_PENDING);
	KUNIT_EXPECT_EQ(test, m->gic.sgis.pending, 0ul);
}

static void the_priority_of_an_sgi(struct kunit *test)
{
	struct model *m = test->priv;

	configure(m, 0xffff, 0x40);
	send(m, 3);
	send(m, 4);
	axv_gic_take_sgis(&m->gic);
	fill(m);
	acknowledge(m, 4);
	drain(m);
	configure(m, 0xffff, 0x20);
	axv_gic_take_sgis(&m->gic);
	fill(m);
	KUNIT_EXPECT_EQ(test, lr_of(m, 3) >> 48 & 0xff, 0x20ull);
	/* The running priority stays what it was when it was acknowledged. */
	KUNIT_EXPECT_EQ(test, lr_of(m, 4) >> 48 & 0xff, 0x40ull);
}

static void an_sgi_and_a_full_queue(struct kunit *test)
{
	struct model *m = test->priv;
	unsigned int i;

	configure(m, BIT(3), 0x40);
	for (i = 0; i < AXV_GIC_DEPTH; i++)
		axv_gic_edge(&m->gic, 32 + i, 0x80);
	send(m, 3);
	send(m, 4);
	KUNIT_EXPECT_TRUE(test, axv_gic_take_sgis(&m->gic));
	KUNIT_EXPECT_EQ(test, m->gic.sgis.pending, BIT(3) | BIT(4));
	axv_gic_retract(&m->gic, 40);
	KUNIT_EXPECT_FALSE(test, axv_gic_take_sgis(&m->gic));
	KUNIT_EXPECT_EQ(test, m->gic.sgis.pending, BIT(4));
	KUNIT_EXPECT_EQ(test, state_of(m, 3), AXV_ARM64_IRQ_PENDING);
}

/* ---- what is signalled ---------------------------------------------------------------- */

static void signalled(struct kunit *test)
{
	static const struct {
		u64 vmcr;
		u32 ap1r;
		u8 priority;
		bool yes;
	} cases[] = {
		{ VMCR_ENG1 | VMCR_PMR(0xf8) | VMCR_BPR1(3), 0, 0x80, true },
		{ VMCR_PMR(0xf8) | VMCR_BPR1(3), 0, 0x80, false },
		{ VMCR_ENG1 | VMCR_PMR(0x80) | VMCR_BPR1(3), 0, 0x80, false },
		{ VMCR_ENG1 | VMCR_PMR(0x80) | VMCR_BPR1(3), 0, 0x78, true },
		/* The running priority is 0x80. */
		{ VMCR_ENG1 | VMCR_PMR(0xf8) | VMCR_BPR1(3), BIT(16), 0x80, false },
		{ VMCR_ENG1 | VMCR_PMR(0xf8) | VMCR_BPR1(3), BIT(16), 0x78, true },
		{ VMCR_ENG1 | VMCR_PMR(0xf8) | VMCR_BPR1(3), BIT(16) | BIT(20), 0x88, false },
		/* Priorities in groups of 0x40: 0x98 is in the group of 0x80. */
		{ VMCR_ENG1 | VMCR_PMR(0xf8) | VMCR_BPR1(6), BIT(24), 0x98, true },
		{ VMCR_ENG1 | VMCR_PMR(0xf8) | VMCR_BPR1(6), BIT(16), 0x98, false },
		{ VMCR_ENG1 | VMCR_PMR(0xf8) | VMCR_BPR1(6), BIT(16), 0x78, true },
		/* The same by the other group's binary point */
		{ VMCR_ENG1 | VMCR_CBPR | VMCR_PMR(0xf8) | VMCR_BPR0(5), BIT(8), 0x48, false },
		{ VMCR_ENG1 | VMCR_CBPR | VMCR_PMR(0xf8) | VMCR_BPR0(5), BIT(8), 0x38, true },
	};
	struct model *m = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		memset(m, 0, sizeof(*m));
		m->ich.vmcr = cases[i].vmcr;
		m->ich.ap1r[0] = cases[i].ap1r;
		KUNIT_EXPECT_FALSE(test, axv_gic_signals(&m->gic, &m->ich, &host));
		axv_gic_edge(&m->gic, 40, cases[i].priority);
		KUNIT_EXPECT_EQ_MSG(test, axv_gic_signals(&m->gic, &m->ich, &host),
				    cases[i].yes, "case %u", i);
		/* An active interrupt is not signalled again. */
		axv_gic_set_irq(&m->gic, 0, 40 | AXV_ARM64_IRQ_ACTIVE | AXV_ARM64_IRQ_PENDING,
				&host);
		KUNIT_EXPECT_FALSE(test, axv_gic_signals(&m->gic, &m->ich, &host));
	}
}

static void intids(struct kunit *test)
{
	static const u32 good[] = { 0, 15, 16, 31, 32, 1019, 8192, 65535 };
	static const u32 bad[] = { 1020, 1023, 1024, 5119, 8191, 65536, ~0u };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		KUNIT_EXPECT_TRUE(test, axv_gic_valid_intid(good[i], &host));
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_FALSE(test, axv_gic_valid_intid(bad[i], &host));
}

/* ---- anything at all ------------------------------------------------------------------- */

/* No INTID is in two list registers, or twice in the queue; none has a wrong state. */
static void expect_sane(struct kunit *test, struct model *m)
{
	unsigned int i, j;

	KUNIT_EXPECT_LE(test, (unsigned int)m->gic.nr, (unsigned int)host.nr_lrs);
	for (i = 0; i < m->gic.nr; i++) {
		u64 lr = m->ich.lr[i];

		KUNIT_EXPECT_NE(test, lr & LR_STATE, 0ull);
		KUNIT_EXPECT_FALSE(test, lr & LR_HW && (lr & LR_STATE) == LR_STATE);
		for (j = 0; j < i; j++)
			KUNIT_EXPECT_NE(test, (u32)m->ich.lr[j], (u32)lr);
	}
	for (i = m->gic.nr; i < AXV_GIC_MAX_LRS; i++)
		KUNIT_EXPECT_EQ(test, m->ich.lr[i], 0ull);
	for (i = 0; i < AXV_GIC_IRQS; i++)
		for (j = 0; j < i; j++)
			if (m->gic.used & BIT_ULL(i) && m->gic.used & BIT_ULL(j))
				KUNIT_EXPECT_NE(test, m->gic.irqs[i].intid,
						m->gic.irqs[j].intid);
}

static void random_operations(struct kunit *test)
{
	struct model *m = test->priv;
	unsigned int round, i;
	struct rnd_state rnd;

	prandom_seed_state(&rnd, 4);
	axv_gic_set_vtimer(&m->gic, AXV_ARM64_VTIMER(VTIMER, 0x80), &host);
	for (round = 0; round < 2000; round++) {
		bool inside = prandom_u32_state(&rnd) & 1;

		if (inside) {
			axv_gic_take_sgis(&m->gic);
			for (i = 0; i < AXV_GIC_SGIS; i++)
				KUNIT_EXPECT_FALSE(test, !(m->gic.sgis.enabled & BIT(i)) &&
						   state_of(m, i) & AXV_ARM64_IRQ_PENDING);
			fill(m);
		}
		expect_sane(test, m);
		for (i = 0; i < 8; i++) {
			u32 dice = prandom_u32_state(&rnd), intid = 20 + (dice >> 8) % 80;

			switch (dice % 6) {
			case 5:
				send(m, (dice >> 8) & 15);
				if (!(dice >> 12 & 3))
					configure(m, dice >> 16, dice >> 8 & host.pri_mask);
				break;
			case 0:
				axv_gic_edge(&m->gic, intid, (dice >> 16) & host.pri_mask);
				break;
			case 1:
				axv_gic_level(&m->gic, intid, 0x80, dice & BIT(16));
				break;
			case 2:
				axv_gic_retract(&m->gic, intid);
				break;
			case 3:
				axv_gic_timer_level(&m->gic, dice & BIT(16));
				break;
			default:
				if (!inside || !m->gic.nr)
					break;
				m->ich.lr[(dice >> 16) % m->gic.nr] &=
					~(LR_STATE & (u64)dice << 32);
				break;
			}
		}
		if (inside) {
			m->ich.hcr |= HCR_EOICOUNT(prandom_u32_state(&rnd) % 3);
			drain(m);
		} else {
			axv_gic_deactivate(&m->gic, 20 + round % 80);
		}
	}
	/* Whatever is in the queue, it can be emptied. */
	memset(&m->gic.sgis, 0, sizeof(m->gic.sgis));
	axv_gic_set_vtimer(&m->gic, 0, &host);
	for (i = 0; i < 100; i++) {
		axv_gic_level(&m->gic, i, 0, false);
		axv_gic_retract(&m->gic, i);
		axv_gic_deactivate(&m->gic, i);
	}
	KUNIT_EXPECT_EQ(test, m->gic.used, 0ull);
}

static struct kunit_case gic_cases[] = {
	KUNIT_CASE(an_edge),
	KUNIT_CASE(an_edge_while_it_is_listed),
	KUNIT_CASE(a_wire),
	KUNIT_CASE(retracted),
	KUNIT_CASE(the_most_urgent_are_listed),
	KUNIT_CASE(active_ones_leave_room_for_the_most_urgent),
	KUNIT_CASE(active_ones_alone),
	KUNIT_CASE(a_level_of_a_route),
	KUNIT_CASE(a_level_that_is_written_back),
	KUNIT_CASE(ends_without_a_list_register),
	KUNIT_CASE(a_full_queue),
	KUNIT_CASE(the_timer),
	KUNIT_CASE(an_edge_of_the_timer),
	KUNIT_CASE(an_sgi),
	KUNIT_CASE(an_sgi_that_is_disabled),
	KUNIT_CASE(the_priority_of_an_sgi),
	KUNIT_CASE(an_sgi_and_a_full_queue),
	KUNIT_CASE(signalled),
	KUNIT_CASE(intids),
	KUNIT_CASE(random_operations),
	{}
};

axv_test_suite("axvcpu_gic", gic_cases, .init = gic_init);
