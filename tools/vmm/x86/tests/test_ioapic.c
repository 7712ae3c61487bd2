// SPDX-License-Identifier: GPL-2.0
/* Tests of the I/O APIC, as software and local APICs see it. */
#include <pthread.h>
#include <sched.h>

#include "ioapic.h"
#include "tap.h"

#define SELECT		IOAPIC_ADDRESS
#define WINDOW		(IOAPIC_ADDRESS + 0x10)

#define LOGICAL		0x0800u
#define LOW_ACTIVE	0x2000u
#define REMOTE_IRR	0x4000u
#define LEVEL		0x8000u
#define MASKED		0x10000u

#define TO(id)		((id) << 24)
#define EDGE_DATA	0x4000
#define LEVEL_DATA	0xc000

static struct bus bus;
static struct ioapic ioapic;

/* The last message, the number of messages, and whether no local APIC takes them. */
static u64 address;
static u32 data;
static unsigned int sent;
static bool nobody;

/* With @several threads: send() sets @overlaps if two of them are @inside it. */
static bool several, inside, overlaps;

static bool send(void *arg, u64 addr, u32 value)
{
	CHECK(arg == &sent);
	if (several) {
		if (__atomic_exchange_n(&inside, true, __ATOMIC_SEQ_CST))
			overlaps = true;
		sched_yield();
		__atomic_store_n(&inside, false, __ATOMIC_SEQ_CST);
	}
	address = addr;
	data = value;
	sent++;
	return !nobody;
}

static void start(void)
{
	bus_init(&bus, "address");
	CHECK_EQ(ioapic_init(&ioapic, &bus, IOAPIC_ADDRESS, send, &sent), 0);
	address = 0;
	data = 0;
	sent = 0;
	nobody = false;
}

static u32 get(u8 reg)
{
	bus_write(&bus, SELECT, 4, reg);
	return bus_read(&bus, WINDOW, 4);
}

static void put(u8 reg, u32 value)
{
	bus_write(&bus, SELECT, 4, reg);
	bus_write(&bus, WINDOW, 4, value);
}

/* Program an entry as Linux does: the destination first. */
static void program(unsigned int pin, u32 high, u32 low)
{
	put(0x11 + 2 * pin, high);
	put(0x10 + 2 * pin, low);
}

static u32 entry(unsigned int pin)
{
	return get(0x10 + 2 * pin);
}

static void line(unsigned int pin, bool level)
{
	struct irq_line l = ioapic_line(&ioapic, pin);

	irq_set(&l, level);
}

static void pulse(unsigned int pin)
{
	struct irq_line l = ioapic_line(&ioapic, pin);

	irq_pulse(&l);
}

static void power_on(void)
{
	unsigned int pin;

	start();
	CHECK_EQ(get(0), 0);
	CHECK_EQ(get(1), 0x00170011);
	CHECK_EQ(get(2), 0);
	for (pin = 0; pin < IOAPIC_PINS; pin++) {
		CHECK_EQ(entry(pin), MASKED);
		CHECK_EQ(get(0x11 + 2 * pin), 0);
		pulse(pin);
		line(pin, true);
		ioapic_eoi(&ioapic, 0);
	}
	CHECK_EQ(sent, 0);
}

static void registers(void)
{
	start();
	put(0, 0xffffffff);
	CHECK_EQ(get(0), 0x0f000000);
	CHECK_EQ(get(2), 0x0f000000);		/* arbitration follows */
	put(1, 0xffffffff);
	CHECK_EQ(get(1), 0x00170011);
	put(2, 0);
	CHECK_EQ(get(2), 0x0f000000);

	/* All bits can be written, except read-only and reserved ones. */
	put(0x3e, 0xffffffff);
	put(0x3f, 0xffffffff);
	CHECK_EQ(get(0x3e), 0x0001afff);
	CHECK_EQ(get(0x3f), 0xfffe0000);
	CHECK_EQ(get(0x3c), MASKED);

	/* Indices behind the table, and without a register. */
	put(0x40, 0x31);
	put(0xff, 0x31);
	put(0x0f, 0x31);
	CHECK_EQ(get(0x40), 0);
	CHECK_EQ(get(0xff), 0);
	CHECK_EQ(get(0x0f), 0);
	CHECK_EQ(bus_read(&bus, SELECT, 4), 0x0f);
	bus_write(&bus, SELECT, 4, 0xabcdef01);
	CHECK_EQ(bus_read(&bus, SELECT, 4), 1);
	CHECK_EQ(bus_read(&bus, IOAPIC_ADDRESS + 4, 4), 0);
	bus_write(&bus, IOAPIC_ADDRESS + 4, 4, 0);
	CHECK_EQ(bus_read(&bus, SELECT, 4), 1);

	/* Narrow accesses. */
	bus_write(&bus, SELECT, 1, 0x3e);
	CHECK_EQ(bus_read(&bus, SELECT, 2), 0x3e);
	bus_write(&bus, WINDOW, 2, 0x2345);
	CHECK_EQ(get(0x3e), 0x2345);
	CHECK_EQ(bus_read(&bus, WINDOW, 1), 0x45);
	CHECK_EQ(sent, 0);
}

static void edges(void)
{
	start();
	program(4, TO(3u), 0x31);
	pulse(4);
	CHECK_EQ(sent, 1);
	CHECK_EQ(address, 0xfee03000);
	CHECK_EQ(data, EDGE_DATA | 0x31);
	line(4, true);
	line(4, true);
	CHECK_EQ(sent, 2);
	line(4, false);
	CHECK_EQ(sent, 2);
	line(4, true);
	CHECK_EQ(sent, 3);

	/* Edges need no end of interrupt: the entry has no remote IRR. */
	CHECK_EQ(entry(4), 0x31);
	ioapic_eoi(&ioapic, 0x31);
	CHECK_EQ(sent, 3);

	/* An edge that comes while the input is masked is lost. */
	line(4, false);
	program(4, TO(3u), 0x31 | MASKED);
	line(4, true);
	pulse(4);
	program(4, TO(3u), 0x31);
	CHECK_EQ(sent, 3);
	line(4, true);
	CHECK_EQ(sent, 3 + 1);			/* an edge: the pulse has let the line fall */
	line(5, true);
	CHECK_EQ(sent, 4);
}

static void levels(void)
{
	start();
	program(9, TO(1u), 0x29 | LEVEL);
	line(9, true);
	CHECK_EQ(sent, 1);
	CHECK_EQ(address, 0xfee01000);
	CHECK_EQ(data, LEVEL_DATA | 0x29);
	CHECK_EQ(entry(9), 0x29 | LEVEL | REMOTE_IRR);

	/* Until the interrupt has ended, no other one is sent. */
	line(9, false);
	line(9, true);
	program(9, TO(1u), 0x29 | LEVEL);
	CHECK_EQ(sent, 1);
	ioapic_eoi(&ioapic, 0x2a);		/* another interrupt's end */
	CHECK_EQ(sent, 1);
	ioapic_eoi(&ioapic, 0x29);
	CHECK_EQ(sent, 2);
	line(9, false);
	ioapic_eoi(&ioapic, 0x29);
	CHECK_EQ(sent, 2);
	CHECK_EQ(entry(9), 0x29 | LEVEL);

	/* A masked level waits. */
	program(9, TO(1u), 0x29 | LEVEL | MASKED);
	line(9, true);
	CHECK_EQ(sent, 2);
	program(9, TO(1u), 0x29 | LEVEL);
	CHECK_EQ(sent, 3);
	/* Masked before the interrupt has ended. */
	program(9, TO(1u), 0x29 | LEVEL | MASKED);
	CHECK_EQ(entry(9), 0x29 | LEVEL | MASKED | REMOTE_IRR);
	ioapic_eoi(&ioapic, 0x29);
	CHECK_EQ(entry(9), 0x29 | LEVEL | MASKED);
	CHECK_EQ(sent, 3);
	program(9, TO(1u), 0x29 | LEVEL);
	CHECK_EQ(sent, 4);

	/* A change of the trigger mode ends the interrupt. */
	program(9, TO(1u), 0x29 | MASKED);
	CHECK_EQ(entry(9), 0x29 | MASKED);
	program(9, TO(1u), 0x29 | LEVEL);
	CHECK_EQ(sent, 5);
}

/* A pulse of a level-triggered input is an active level for a moment. */
static void level_pulse(void)
{
	start();
	program(9, 0, 0x29 | LEVEL);
	pulse(9);
	CHECK_EQ(sent, 1);
	ioapic_eoi(&ioapic, 0x29);
	CHECK_EQ(sent, 1);
}

static void shared_vector(void)
{
	start();
	program(9, 0, 0x29 | LEVEL);
	program(16, 0, 0x29 | LEVEL);
	line(9, true);
	line(16, true);
	CHECK_EQ(sent, 2);
	line(9, false);
	ioapic_eoi(&ioapic, 0x29);
	CHECK_EQ(sent, 3);
	CHECK_EQ(entry(9), 0x29 | LEVEL);
	CHECK_EQ(entry(16), 0x29 | LEVEL | REMOTE_IRR);
}

/*
 * A level that no local APIC took has no end of interrupt: it is sent again at the next change
 * of the entry or the wire.
 */
static void not_taken(void)
{
	start();
	nobody = true;
	program(9, TO(7u), 0x29 | LEVEL);
	line(9, true);
	CHECK_EQ(sent, 1);
	CHECK_EQ(entry(9), 0x29 | LEVEL);
	nobody = false;
	program(9, 0, 0x29 | LEVEL);
	CHECK_EQ(sent, 2);
	CHECK_EQ(entry(9), 0x29 | LEVEL | REMOTE_IRR);
}

static void polarity(void)
{
	start();
	program(9, 0, 0x29 | LEVEL | LOW_ACTIVE);
	CHECK_EQ(sent, 0);
	line(9, true);
	CHECK_EQ(sent, 1);
	CHECK_EQ(entry(9), 0x29 | LEVEL | LOW_ACTIVE | REMOTE_IRR);
}

static void destinations(void)
{
	start();
	program(1, TO(0xffu), 0x31);
	pulse(1);
	CHECK_EQ(address, 0xfeeff000);
	program(1, TO(0x81u), 0x31 | LOGICAL);
	pulse(1);
	CHECK_EQ(address, 0xfee81004);

	/* Bits 14:8 of the destination. */
	program(1, TO(0x34u) | 0x12 << 17, 0x31);
	pulse(1);
	CHECK_EQ(address, 0x0000120000000000 | 0xfee34000);
	program(1, 0xfffe0000, 0x31);
	pulse(1);
	CHECK_EQ(address, 0x00007f0000000000 | 0xfeeff000);
	CHECK_EQ(sent, 4);
}

static void delivery_modes(void)
{
	static const struct {
		u32 mode;
		bool sends;
		bool level;
	} modes[] = {
		{ 0, true, true },	/* fixed */
		{ 1, true, true },	/* lowest priority */
		{ 2, false, false },		/* SMI */
		{ 3, false, false },
		{ 4, true, false },		/* NMI */
		{ 5, true, false },		/* INIT */
		{ 6, false, false },
		{ 7, false, false },		/* ExtINT */
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		start();
		program(1, 0, 0x31 | modes[i].mode << 8);
		pulse(1);
		CHECK_EQ(sent, modes[i].sends);
		if (sent)
			CHECK_EQ(data, EDGE_DATA | modes[i].mode << 8 | 0x31);

		/* As level-triggered; some modes are edge-triggered all the same. */
		program(1, 0, 0x31 | modes[i].mode << 8 | LEVEL);
		line(1, true);
		CHECK_EQ(sent, 2 * modes[i].sends);
		CHECK_EQ(!!(entry(1) & REMOTE_IRR), modes[i].level);
		CHECK_EQ(!!(data & LEVEL), modes[i].level);
		ioapic_eoi(&ioapic, 0x31);
		CHECK_EQ(sent, 2 * modes[i].sends + modes[i].level);
	}
}

/* A device raises and lowers its wire while a local APIC tells ends of interrupts. */
#define MESSAGES	500

static bool done;

static void *end(void *arg)
{
	while (!__atomic_load_n(&done, __ATOMIC_SEQ_CST)) {
		ioapic_eoi(&ioapic, 0x29);
		sched_yield();		/* so that the other thread gets the lock */
	}
	return arg;
}

static void threads(void)
{
	pthread_t thread;
	unsigned int before;

	start();
	program(9, 0, 0x29 | LEVEL);
	several = true;
	done = false;
	CHECK(!pthread_create(&thread, NULL, end, NULL));
	while (__atomic_load_n(&sent, __ATOMIC_SEQ_CST) < MESSAGES) {
		line(9, false);
		line(9, true);
		sched_yield();
	}
	__atomic_store_n(&done, true, __ATOMIC_SEQ_CST);
	pthread_join(thread, NULL);
	several = false;
	CHECK(!overlaps);

	/* The wire is high: at the interrupt's end another one is sent. */
	CHECK_EQ(entry(9), 0x29 | LEVEL | REMOTE_IRR);
	before = sent;
	ioapic_eoi(&ioapic, 0x29);
	CHECK_EQ(sent, before + 1);
}

static void saved(void)
{
	struct ioapic_state state;
	unsigned int pin;

	start();
	put(0, 0x05000000);
	program(9, TO(1u), 0x29 | LEVEL);
	program(4, TO(1u), 0x24);
	line(9, true);
	line(4, true);
	line(5, true);
	CHECK_EQ(sent, 2);
	CHECK_EQ(ioapic_in_service(&ioapic, 0x29), BIT(9));
	CHECK_EQ(ioapic_in_service(&ioapic, 0x24), 0);
	ioapic_save(&ioapic, &state);
	CHECK_EQ(state.lines, BIT(9) | BIT(5));
	CHECK_EQ(state.id, 0x05000000);

	/*
	 * A restored interrupt in service is not sent again; at its end, its line sends the next
	 * one.
	 */
	start();
	ioapic_restore(&ioapic, &state);
	CHECK_EQ(sent, 0);
	CHECK_EQ(get(0), 0x05000000);
	CHECK_EQ(entry(9), 0x29 | LEVEL | REMOTE_IRR);
	ioapic_eoi(&ioapic, 0x29);
	CHECK_EQ(sent, 1);

	/*
	 * A restored input that is active and not in service is sent, and bits that an entry
	 * cannot have are 0.
	 */
	for (pin = 0; pin < IOAPIC_PINS; pin++)
		state.entries[pin] = ~0ull;
	state.entries[9] = 0x29 | LEVEL | 1 << 12;
	state.entries[5] = 0x25 | REMOTE_IRR;
	state.id = ~0u;
	start();
	ioapic_restore(&ioapic, &state);
	CHECK_EQ(sent, 2);
	CHECK_EQ(entry(9), 0x29 | LEVEL | REMOTE_IRR);
	CHECK_EQ(entry(5), 0x25);
	CHECK_EQ(get(0), 0x0f000000);
	CHECK_EQ(get(0x10), 0x1afff);
}

static const struct tap_case cases[] = {
	{ "everything is masked after power-on", power_on },
	{ "registers", registers },
	{ "edge triggered inputs", edges },
	{ "level triggered inputs", levels },
	{ "a pulse of a level triggered input", level_pulse },
	{ "two inputs with one vector", shared_vector },
	{ "a level that no CPU takes", not_taken },
	{ "polarity", polarity },
	{ "destinations", destinations },
	{ "delivery modes", delivery_modes },
	{ "several threads", threads },
	{ "a state that is saved and restored", saved },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
