// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the distributor and the redistributors.  The test has queues, which do what
 * the kernel module's do.
 */
#include <errno.h>
#include <string.h>

#include "gic.h"
#include "tap.h"

#define CPUS	3
#define DIST	0x08000000ull
#define REDIST	0x080a0000ull
#define SGI_FRAME(cpu)	(REDIST + (cpu) * GICR_SIZE + 0x10000)
#define RD_FRAME(cpu)	(REDIST + (cpu) * GICR_SIZE)

#define CTLR		0x0
#define GROUPS		0x80
#define SET_ENABLE	0x100
#define CLEAR_ENABLE	0x180
#define SET_PENDING	0x200
#define CLEAR_PENDING	0x280
#define SET_ACTIVE	0x300
#define CLEAR_ACTIVE	0x380
#define PRIORITY	0x400
#define CONFIG		0xc00
#define ROUTE(intid)	(DIST + 0x6000 + 8 * (intid))

#define GROUP1		BIT(1)
#define SPI		34u		/* the SPI that the tests use */
#define SPI_PIN		(SPI - GIC_PRIVATE)
#define SPI_BIT		BIT(SPI % 32)
#define TIMER		GIC_PPI_VIRT_TIMER

static const u64 mpidrs[CPUS] = { 0, 1, 0x0100000002 };

/* ---- the queues --------------------------------------------------------- */

static u64 queues[CPUS][GIC_QUEUE];
static u64 timers[CPUS];
static struct axv_sgis sgis[CPUS];
static u32 sent[CPUS];
static unsigned int attended[CPUS], injections, sgi_calls;

static u64 *entry(unsigned int cpu, u32 intid)
{
	unsigned int i;

	for (i = 0; i < GIC_QUEUE; i++)
		if (queues[cpu][i] && (u32)queues[cpu][i] == intid)
			return &queues[cpu][i];
	return NULL;
}

static u64 state(unsigned int cpu, u32 intid)
{
	const u64 *e = entry(cpu, intid);

	return e ? *e & ~AXV_ARM64_IRQ_INTID : 0;
}

static u64 pending_at(u8 priority)
{
	return AXV_ARM64_IRQ_PENDING | (u64)priority << 32;
}

static u64 high_at(u8 priority)
{
	return AXV_ARM64_IRQ_LEVEL | (u64)priority << 32;
}

static void drop_idle(u64 *e)
{
	if (!(*e & (AXV_ARM64_IRQ_PENDING | AXV_ARM64_IRQ_LEVEL | AXV_ARM64_IRQ_ACTIVE)))
		*e = 0;
}

/*
 * What the kernel module does before a vCPU runs: put SGIs that were sent and are enabled into
 * the queue, and take those that are disabled out.
 */
static void take_sgis(unsigned int cpu)
{
	unsigned int i, intid;
	u64 *e;

	for (intid = 0; intid < GIC_SGIS; intid++) {
		e = entry(cpu, intid);
		if (e && *e & AXV_ARM64_IRQ_PENDING) {
			*e &= ~AXV_ARM64_IRQ_PENDING;
			drop_idle(e);
			sent[cpu] |= BIT(intid);
		}
		if (!(sent[cpu] & sgis[cpu].enabled & BIT(intid)))
			continue;
		e = entry(cpu, intid);
		for (i = 0; !e && i < GIC_QUEUE; i++)
			if (!queues[cpu][i])
				e = &queues[cpu][i];
		sent[cpu] &= ~BIT(intid);
		*e = (*e & AXV_ARM64_IRQ_ACTIVE) | AXV_ARM64_IRQ_PENDING | intid |
		     (u64)sgis[cpu].priority[intid] << 32;
	}
}

/* Another vCPU sends an SGI. */
static void send(unsigned int cpu, u32 intid)
{
	sent[cpu] |= BIT(intid);
	take_sgis(cpu);
}

static void set_sgis(void *arg, unsigned int cpu, const struct axv_sgis *new)
{
	(void)arg;
	sgi_calls++;
	sgis[cpu] = *new;
	take_sgis(cpu);
}

static int inject(void *arg, unsigned int cpu, const struct axv_inject *event)
{
	u64 *e = entry(cpu, event->vector), old;
	unsigned int i;

	(void)arg;
	injections++;
	if (event->vector < GIC_SGIS && !(event->flags & AXV_INJECT_RETRACT)) {
		send(cpu, event->vector);
		return 0;
	}
	if (event->vector < GIC_SGIS && sent[cpu] & BIT(event->vector)) {
		sent[cpu] &= ~BIT(event->vector);
		return 0;
	}
	if (event->flags & AXV_INJECT_RETRACT) {
		if (!e || !(*e & AXV_ARM64_IRQ_PENDING))
			return -ENOENT;
		*e &= ~AXV_ARM64_IRQ_PENDING;
	} else {
		for (i = 0; !e && i < GIC_QUEUE; i++)
			if (!queues[cpu][i])
				e = &queues[cpu][i];
		if (!e)
			return -EAGAIN;
		old = *e & ~AXV_ARM64_IRQ_PRIORITY;
		*e = old | event->vector | (u64)event->priority << 32;
		if (event->type == AXV_INJECT_EXTINT)
			*e |= AXV_ARM64_IRQ_PENDING;
		else if (event->data)
			*e |= AXV_ARM64_IRQ_LEVEL;
		else
			*e &= ~AXV_ARM64_IRQ_LEVEL;
	}
	drop_idle(e);
	return 0;
}

/* The guest acknowledges an interrupt, and deactivates it. */
static void acknowledge(unsigned int cpu, u32 intid)
{
	u64 *e = entry(cpu, intid);

	if (!e) {
		CHECK(!"nothing to acknowledge");
		return;
	}
	*e = (*e & ~AXV_ARM64_IRQ_PENDING) | AXV_ARM64_IRQ_ACTIVE;
}

static void attend(void *arg, unsigned int cpu)
{
	(void)arg;
	attended[cpu]++;
}

static int read_queue(void *arg, unsigned int cpu, u64 *entries, u32 *pending)
{
	(void)arg;
	*pending = sent[cpu];
	memcpy(entries, queues[cpu], sizeof(queues[cpu]));
	return 0;
}

static int write_queue(void *arg, unsigned int cpu, unsigned int place, u64 value)
{
	(void)arg;
	queues[cpu][place] = value;
	return 0;
}

static int set_timer(void *arg, unsigned int cpu, u64 value)
{
	(void)arg;
	timers[cpu] = value;
	return 0;
}

static const struct gic_cpu_ops ops = {
	.inject = inject,
	.attend = attend,
	.set_sgis = set_sgis,
	.read_queue = read_queue,
	.write_queue = write_queue,
	.set_timer = set_timer,
};

/* ---- the guest ---------------------------------------------------------- */

static struct bus bus;
static struct gic gic;
static struct irq_line line;

static void out(u64 addr, u32 value)
{
	bus_write(&bus, addr, 4, value);
}

static u32 in(u64 addr)
{
	return bus_read(&bus, addr, 4);
}

/* Begin a test: the distributor is on, and SPI is enabled, and goes to CPU 1. */
static void start(void)
{
	memset(queues, 0, sizeof(queues));
	memset(timers, 0, sizeof(timers));
	memset(sgis, 0, sizeof(sgis));
	memset(sent, 0, sizeof(sent));
	memset(attended, 0, sizeof(attended));
	injections = 0;
	sgi_calls = 0;
	bus_init(&bus, "address");
	CHECK(!gic_init(&gic, &bus, DIST, REDIST, mpidrs, CPUS, &ops));
	line = gic_spi(&gic, SPI_PIN);
	out(DIST + CTLR, GROUP1);
	bus_write(&bus, DIST + PRIORITY + SPI, 1, 0xa0);
	bus_write(&bus, ROUTE(SPI), 8, 1);
	out(DIST + SET_ENABLE + 4, SPI_BIT);
}

static void identification(void)
{
	unsigned int cpu;

	start();
	CHECK_EQ(in(DIST + CTLR), 0x52);
	CHECK_EQ(in(DIST + 0x4) & 0x1f, 3);	/* 128 INTIDs */
	CHECK_EQ(in(DIST + 0x4) >> 19 & 0x1f, 15);
	CHECK_EQ(in(DIST + 0xffe8), 0x3b);
	CHECK_EQ(in(DIST + GROUPS), 0);
	CHECK_EQ(in(DIST + GROUPS + 4), 0xffffffff);
	CHECK_EQ(in(DIST + GROUPS + 12), 0xffffffff);
	CHECK_EQ(in(DIST + GROUPS + 16), 0);
	for (cpu = 0; cpu < CPUS; cpu++) {
		CHECK_EQ(in(RD_FRAME(cpu) + 0xffe8), 0x3b);
		CHECK_EQ(in(RD_FRAME(cpu) + 0x14), 0);	/* awake */
		CHECK_EQ(bus_read(&bus, RD_FRAME(cpu) + 8, 8),
			 (u64)(cpu == 2 ? 0x01000002 : cpu) << 32 | cpu << 8 |
			 (cpu == CPUS - 1) << 4);
	}
	/* There is nothing behind the last redistributor. */
	CHECK_EQ(in(RD_FRAME(CPUS)), 0xffffffff);
}

static void fields(void)
{
	start();
	/* The distributor has neither SGIs and PPIs, nor INTIDs from 128 on. */
	out(DIST + SET_ENABLE, 0xffffffff);
	CHECK_EQ(in(DIST + SET_ENABLE), 0);
	out(DIST + SET_ENABLE + 16, 0xffffffff);
	CHECK_EQ(in(DIST + SET_ENABLE + 16), 0);
	CHECK_EQ(in(DIST + SET_ENABLE + 4), SPI_BIT);
	out(DIST + CLEAR_ENABLE + 4, SPI_BIT);
	CHECK_EQ(in(DIST + CLEAR_ENABLE + 4), 0);
	/* PPIs without a wire do not exist. */
	out(SGI_FRAME(1) + SET_ENABLE, 0xffffffff);
	CHECK_EQ(in(SGI_FRAME(1) + SET_ENABLE), 0x6c00ffff);
	CHECK_EQ(in(SGI_FRAME(0) + SET_ENABLE), 0);

	out(DIST + PRIORITY + 32, 0x12345678);
	CHECK_EQ(in(DIST + PRIORITY + 32), 0x10305078 & 0xf8f8f8f8);
	CHECK_EQ(bus_read(&bus, DIST + PRIORITY + 34, 1), 0x30);
	bus_write(&bus, SGI_FRAME(2) + PRIORITY + 3, 1, 0x48);
	CHECK_EQ(in(SGI_FRAME(2) + PRIORITY), 0x48000000);

	out(DIST + CONFIG + 8, 0xffffffff);
	CHECK_EQ(in(DIST + CONFIG + 8), 0xaaaaaaaa);
	/* SGIs stay edge-triggered. */
	out(SGI_FRAME(0) + CONFIG, 0);
	CHECK_EQ(in(SGI_FRAME(0) + CONFIG), 0xaaaaaaaa);
	/* Only priorities can be accessed by bytes. */
	bus_write(&bus, DIST + SET_ENABLE + 4, 1, 0xff);
	CHECK_EQ(in(DIST + SET_ENABLE + 4), 0);

	bus_write(&bus, ROUTE(SPI), 8, 0xff800002ull << 8);
	CHECK_EQ(bus_read(&bus, ROUTE(SPI), 8), 0xff00000200);
	CHECK_EQ(bus_read(&bus, ROUTE(31), 8), 0);
	/* The halves of the register can be written separately. */
	out(ROUTE(SPI), 0x030201);
	CHECK_EQ(bus_read(&bus, ROUTE(SPI), 8), 0xff00030201);
	out(ROUTE(SPI) + 4, 4);
	CHECK_EQ(bus_read(&bus, ROUTE(SPI), 8), 0x400030201);
}

static void level(void)
{
	start();
	irq_set(&line, true);
	CHECK_EQ(state(1, SPI), high_at(0xa0));
	CHECK_EQ(state(0, SPI), 0);
	irq_set(&line, true);
	CHECK_EQ(injections, 1);
	acknowledge(1, SPI);
	/* While the interrupt is active, the queue is told what the wire does. */
	irq_set(&line, false);
	CHECK_EQ(state(1, SPI) & ~AXV_ARM64_IRQ_PRIORITY, AXV_ARM64_IRQ_ACTIVE);
	irq_set(&line, true);
	CHECK_EQ(state(1, SPI) & ~AXV_ARM64_IRQ_PRIORITY,
		 AXV_ARM64_IRQ_ACTIVE | AXV_ARM64_IRQ_LEVEL);
}

static void level_masked(void)
{
	start();
	out(DIST + CLEAR_ENABLE + 4, SPI_BIT);
	irq_set(&line, true);
	CHECK(!entry(1, SPI));
	CHECK_EQ(in(DIST + SET_PENDING + 4), SPI_BIT);
	out(DIST + SET_ENABLE + 4, SPI_BIT);
	CHECK_EQ(state(1, SPI), high_at(0xa0));
	out(DIST + CTLR, 0);
	CHECK(!entry(1, SPI));
	out(DIST + CTLR, GROUP1);
	CHECK_EQ(state(1, SPI), high_at(0xa0));
	irq_set(&line, false);
	CHECK(!entry(1, SPI));
	CHECK_EQ(in(DIST + SET_PENDING + 4), 0);
}

static void edge(void)
{
	start();
	out(DIST + CONFIG + 8, BIT(2 * (SPI % 16) + 1));
	irq_set(&line, true);
	irq_set(&line, false);
	CHECK_EQ(state(1, SPI), pending_at(0xa0));
	CHECK_EQ(in(DIST + SET_PENDING + 4), SPI_BIT);
	acknowledge(1, SPI);
	CHECK_EQ(in(DIST + SET_PENDING + 4), 0);
	irq_set(&line, true);
	CHECK_EQ(state(1, SPI) & ~AXV_ARM64_IRQ_PRIORITY,
		 AXV_ARM64_IRQ_ACTIVE | AXV_ARM64_IRQ_PENDING);
}

/* An edge that comes while the interrupt is disabled is kept, and is delivered once. */
static void edge_masked(void)
{
	start();
	out(DIST + CONFIG + 8, BIT(2 * (SPI % 16) + 1));
	irq_set(&line, true);
	out(DIST + CLEAR_ENABLE + 4, SPI_BIT);
	CHECK(!entry(1, SPI));
	CHECK_EQ(in(DIST + SET_PENDING + 4), SPI_BIT);
	out(DIST + SET_ENABLE + 4, SPI_BIT);
	CHECK_EQ(state(1, SPI), pending_at(0xa0));
	acknowledge(1, SPI);
	out(DIST + CLEAR_ENABLE + 4, SPI_BIT);
	out(DIST + SET_ENABLE + 4, SPI_BIT);
	CHECK(!(state(1, SPI) & AXV_ARM64_IRQ_PENDING));
}

static void software_pending(void)
{
	start();
	out(DIST + SET_PENDING + 4, SPI_BIT);
	CHECK_EQ(state(1, SPI), pending_at(0xa0));
	out(DIST + CLEAR_PENDING + 4, SPI_BIT);
	CHECK(!entry(1, SPI));
	CHECK_EQ(in(DIST + SET_PENDING + 4), 0);
	out(DIST + CLEAR_ENABLE + 4, SPI_BIT);
	out(DIST + SET_PENDING + 4, SPI_BIT);
	out(DIST + CLEAR_PENDING + 4, SPI_BIT);
	out(DIST + SET_ENABLE + 4, SPI_BIT);
	CHECK(!entry(1, SPI));
	/* If the wire is high, the interrupt is pending again. */
	irq_set(&line, true);
	out(DIST + CLEAR_PENDING + 4, SPI_BIT);
	CHECK_EQ(state(1, SPI), high_at(0xa0));
}

static void routing(void)
{
	start();
	irq_set(&line, true);
	bus_write(&bus, ROUTE(SPI), 8, mpidrs[2]);
	CHECK(!entry(1, SPI));
	CHECK_EQ(state(2, SPI), high_at(0xa0));
	/* A route to a CPU that does not exist takes the interrupt out of all queues. */
	bus_write(&bus, ROUTE(SPI), 8, 7);
	CHECK(!entry(0, SPI) && !entry(1, SPI) && !entry(2, SPI));
	bus_write(&bus, ROUTE(SPI), 8, 0);
	CHECK_EQ(state(0, SPI), high_at(0xa0));
	irq_set(&line, false);
	out(DIST + SET_PENDING + 4, SPI_BIT);
	bus_write(&bus, ROUTE(SPI), 8, 1);
	CHECK(!entry(0, SPI));
	CHECK_EQ(state(1, SPI), pending_at(0xa0));
}

static void priorities(void)
{
	start();
	irq_set(&line, true);
	out(DIST + SET_PENDING + 4, SPI_BIT);
	bus_write(&bus, DIST + PRIORITY + SPI, 1, 0x20);
	CHECK_EQ(state(1, SPI), high_at(0x20) | pending_at(0x20));
}

/* The kernel module is told which SGIs are enabled, whichever CPU changes it, and only once. */
static void between_cpus(void)
{
	unsigned int calls, cpu;

	start();
	out(SGI_FRAME(1) + SET_ENABLE, BIT(5) | BIT(7));
	bus_write(&bus, SGI_FRAME(1) + PRIORITY + 5, 1, 0x47);
	CHECK_EQ(sgis[1].enabled, BIT(5) | BIT(7));
	CHECK_EQ(sgis[1].priority[5], 0x40);
	CHECK_EQ(sgis[1].priority[7], 0);
	CHECK_EQ(sgis[0].enabled | sgis[2].enabled, 0);
	calls = sgi_calls;
	out(SGI_FRAME(1) + SET_ENABLE, BIT(5) | BIT(TIMER));
	out(SGI_FRAME(1) + CLEAR_ENABLE, BIT(6));
	bus_write(&bus, SGI_FRAME(1) + PRIORITY + 5, 1, 0x40);
	CHECK_EQ(sgi_calls, calls);
	send(1, 5);
	send(1, 6);
	CHECK_EQ(state(1, 5), pending_at(0x40));
	CHECK_EQ(in(SGI_FRAME(1) + SET_PENDING), BIT(5) | BIT(6));
	bus_write(&bus, SGI_FRAME(1) + PRIORITY + 5, 1, 0x20);
	CHECK_EQ(state(1, 5), pending_at(0x20));

	/* With the group off both SGIs wait; then one is cleared. */
	out(DIST + CTLR, 0);
	CHECK_EQ(sgis[1].enabled, 0);
	CHECK_EQ(sent[1], BIT(5) | BIT(6));
	out(SGI_FRAME(1) + CLEAR_PENDING, BIT(6));
	CHECK_EQ(in(SGI_FRAME(1) + SET_PENDING), BIT(5));
	out(DIST + CTLR, GROUP1);
	CHECK_EQ(state(1, 5), pending_at(0x20));
	out(SGI_FRAME(1) + CLEAR_PENDING, BIT(5));
	CHECK(!entry(1, 5));

	/* Made pending by a register, on CPUs that have the SGI enabled, or not. */
	for (cpu = 0; cpu < CPUS; cpu++)
		out(SGI_FRAME(cpu) + SET_PENDING, BIT(7));
	CHECK_EQ(state(1, 7), pending_at(0));
	CHECK(!entry(0, 7) && sent[0] == BIT(7) && sent[2] == BIT(7));
	CHECK_EQ(in(SGI_FRAME(0) + SET_PENDING), BIT(7));
}

static void timer(void)
{
	start();
	out(SGI_FRAME(1) + SET_ENABLE, BIT(TIMER));
	bus_write(&bus, SGI_FRAME(1) + PRIORITY + TIMER, 1, 0x80);
	CHECK(attended[1]);
	CHECK(!attended[0]);
	CHECK(!gic_enter(&gic, 0));
	CHECK_EQ(timers[0], 0);
	CHECK(!gic_enter(&gic, 1));
	CHECK_EQ(timers[1], AXV_ARM64_VTIMER(TIMER, 0x80));

	out(DIST + CTLR, 0);
	CHECK(!gic_enter(&gic, 1));
	CHECK_EQ(timers[1], 0);
	out(DIST + CTLR, GROUP1);
	CHECK(!gic_enter(&gic, 1));
	attended[1] = 0;
	out(SGI_FRAME(1) + CLEAR_ENABLE, BIT(TIMER));
	CHECK(attended[1]);
	CHECK(!gic_enter(&gic, 1));
	CHECK_EQ(timers[1], 0);
}

static void active(void)
{
	start();
	irq_set(&line, true);
	acknowledge(1, SPI);
	CHECK_EQ(in(DIST + SET_ACTIVE + 4), SPI_BIT);
	/* It stays active in its old queue after its route has changed. */
	bus_write(&bus, ROUTE(SPI), 8, 0);
	CHECK_EQ(in(DIST + SET_ACTIVE + 4), SPI_BIT);
	CHECK_EQ(in(SGI_FRAME(0) + SET_ACTIVE), 0);
	out(DIST + CLEAR_ACTIVE + 4, SPI_BIT);
	CHECK(attended[1]);
	CHECK(!gic_enter(&gic, 1));
	CHECK(!entry(1, SPI));
	CHECK_EQ(in(DIST + SET_ACTIVE + 4), 0);

	out(SGI_FRAME(2) + SET_ACTIVE, BIT(3));
	CHECK(!gic_enter(&gic, 2));
	CHECK_EQ(state(2, 3), AXV_ARM64_IRQ_ACTIVE);
	CHECK_EQ(in(SGI_FRAME(2) + CLEAR_ACTIVE), BIT(3));
	CHECK_EQ(in(SGI_FRAME(1) + CLEAR_ACTIVE), 0);
	out(SGI_FRAME(1) + SET_ACTIVE, BIT(3));
	CHECK(!gic_enter(&gic, 1));
	out(SGI_FRAME(2) + CLEAR_ACTIVE, BIT(3));
	CHECK(!gic_enter(&gic, 2));
	CHECK(!entry(2, 3));
	/* The SGI of the other CPU is not changed. */
	CHECK(!gic_enter(&gic, 1));
	CHECK_EQ(state(1, 3), AXV_ARM64_IRQ_ACTIVE);
}

/* A CPU is switched off, which resets its queue, and on again. */
static void cpu_off(void)
{
	start();
	out(SGI_FRAME(1) + SET_ENABLE, BIT(5) | BIT(TIMER));
	CHECK(!gic_enter(&gic, 1));
	irq_set(&line, true);
	send(1, 5);
	send(1, 6);
	gic_leave(&gic, 1);
	CHECK(!entry(1, SPI) && !entry(1, 5) && !sent[1]);
	memset(queues[1], 0, sizeof(queues[1]));
	memset(&sgis[1], 0, sizeof(sgis[1]));
	timers[1] = 0;
	gic_reset_cpu(&gic, 1);
	CHECK_EQ(state(1, SPI), high_at(0xa0));
	CHECK_EQ(state(1, 5), pending_at(0));
	CHECK_EQ(sent[1], BIT(6));
	CHECK(!gic_enter(&gic, 1));
	CHECK_EQ(timers[1], AXV_ARM64_VTIMER(TIMER, 0));
}

/* An SPI in the last word of each register works as the others do. */
static void last_spi(void)
{
	const u32 last = GIC_INTIDS - 1;

	start();
	bus_write(&bus, ROUTE(last), 8, 1);
	bus_write(&bus, DIST + PRIORITY + last, 1, 0x30);
	out(DIST + SET_ENABLE + 12, BIT(31));
	CHECK_EQ(in(DIST + SET_ENABLE + 12), BIT(31));
	out(DIST + SET_PENDING + 12, BIT(31));
	CHECK_EQ(state(1, last), pending_at(0x30));
	CHECK_EQ(in(DIST + SET_PENDING + 12), BIT(31));
	acknowledge(1, last);
	CHECK_EQ(in(DIST + SET_PENDING + 12), 0);
	CHECK_EQ(in(DIST + SET_ACTIVE + 12), BIT(31));
	CHECK_EQ(in(DIST + SET_ACTIVE + 4), 0);
	out(DIST + CLEAR_ACTIVE + 12, BIT(31));
	CHECK(!gic_enter(&gic, 1));
	CHECK(!entry(1, last));
	/* Behind the last SPI there is no route register. */
	bus_write(&bus, ROUTE(last + 1), 8, 1);
	CHECK_EQ(bus_read(&bus, ROUTE(last + 1), 8), 0);
}

static const struct tap_case cases[] = {
	{ "identification registers", identification },
	{ "fields of the registers", fields },
	{ "a level", level },
	{ "a level, disabled and enabled", level_masked },
	{ "an edge", edge },
	{ "an edge, disabled and enabled", edge_masked },
	{ "a register makes an interrupt pending", software_pending },
	{ "routing", routing },
	{ "a priority changes while the interrupt is pending", priorities },
	{ "SGIs between CPUs", between_cpus },
	{ "the virtual timer", timer },
	{ "a register makes an interrupt active", active },
	{ "a CPU is switched off and on", cpu_off },
	{ "the last SPI", last_spi },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
