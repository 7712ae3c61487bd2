// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The pair of 8259A interrupt controllers of a PC (Intel 8259A data sheet,
 * order number 231468), with the edge/level control registers of later
 * chip sets.
 *
 * The input has to stay high after an edge until the interrupt is acknowledged: if it
 * falls before, the request is gone, unless @keep_edges of struct pics is set.  One
 * difference from the data sheet: the timer's pulse, which takes no time here, is remembered
 * (irq_pulse()).
 */
#include <string.h>

#include "pic.h"

#define TIMER		0
#define CASCADE		2	/* the master's input that the slave is connected to */
#define SPURIOUS	7	/* an acknowledge without a request gives this input's vector */

/* Ports. */
#define PIC_COMMAND	0
#define PIC_DATA	1
#define MASTER_PORT	0x20
#define SLAVE_PORT	0xa0
#define ELCR_PORT	0x4d0

/* Inputs that can be level triggered: all but timer, keyboard, cascade, RTC
 * and floating point unit.
 */
#define MASTER_ELCR	0xf8
#define SLAVE_ELCR	0xde

#define ICW1		0x10	/* in a write to the command port */
#define ICW1_IC4	0x01
#define ICW1_SNGL	0x02
#define ICW1_LTIM	0x08
#define ICW2_BASE	0xf8
#define ICW4_AEOI	0x02
#define ICW4_SFNM	0x10
#define OCW3		0x08	/* in a write to the command port, without ICW1 */
#define OCW3_RIS	0x01
#define OCW3_RR		0x02
#define OCW3_POLL	0x04
#define OCW3_SMM	0x20
#define OCW3_ESMM	0x40
#define OCW2_LEVEL	0x07
#define POLL_PENDING	0x80

/* Commands of OCW2, in bits 7 to 5. */
enum ocw2 {
	OCW2_ROTATE_AEOI_CLEAR = 0,
	OCW2_EOI = 1,
	OCW2_NOP = 2,
	OCW2_EOI_SPECIFIC = 3,
	OCW2_ROTATE_AEOI_SET = 4,
	OCW2_EOI_ROTATE = 5,
	OCW2_SET_PRIORITY = 6,
	OCW2_EOI_SPECIFIC_ROTATE = 7,
};

/* Rank of input @pin: 0 has the highest priority, 7 the lowest. */
static unsigned int order(const struct pic *p, unsigned int pin)
{
	return (pin - p->lowest - 1) & 7;
}

/* The input of highest priority among @pins, or -1. */
static int first(const struct pic *p, u8 pins)
{
	unsigned int i;

	for (i = 1; i <= 8; i++) {
		unsigned int pin = (p->lowest + i) & 7;

		if (pins & BIT(pin))
			return pin;
	}
	return -1;
}

static u8 level_triggered(const struct pic *p)
{
	return p->level_all ? 0xff : p->elcr;
}

/* The input whose interrupt the CPU is to take now, or -1. */
static int requesting(const struct pic *p)
{
	u8 blocking = p->isr;
	int asks, serviced;

	if (p->next_icw)
		return -1;

	asks = first(p, p->irr & ~p->imr);
	if (asks < 0)
		return -1;

	if (p->special_mask)
		blocking &= ~p->imr;
	/* While an input of the slave is in service, one of higher priority gets through. */
	if (p->special_fully_nested && p->master)
		blocking &= ~BIT(CASCADE);

	serviced = first(p, blocking);
	if (serviced >= 0 && order(p, asks) >= order(p, serviced))
		return -1;
	return asks;
}

/* The slave's output is no edge to be kept: it falls if the slave's request has gone. */
static bool keeps_edge(const struct pic *p, unsigned int pin)
{
	return p->pics->keep_edges && !(p->master && pin == CASCADE);
}

static void set_line(struct pic *p, unsigned int pin, bool level)
{
	u8 bit = BIT(pin);

	if (level_triggered(p) & bit)
		p->irr = level ? p->irr | bit : p->irr & ~bit;
	else if (!level)
		p->irr = keeps_edge(p, pin) ? p->irr : p->irr & ~bit;
	else if (!(p->lines & bit))
		p->irr |= bit;
	p->lines = level ? p->lines | bit : p->lines & ~bit;
}

/* Pass a change of either controller on, to the master and to the CPU. */
static void update(struct pics *pics)
{
	bool intr;

	set_line(&pics->chip[0], CASCADE, requesting(&pics->chip[1]) >= 0);

	intr = requesting(&pics->chip[0]) >= 0;
	if (intr != pics->intr) {
		pics->intr = intr;
		pics->output(pics->arg, intr);
	}
}

static void note_end(struct pic *p, unsigned int pin)
{
	p->pics->ended |= BIT(p->master ? pin : pin + 8);
}

/* Called when the access is done, so that the function may set inputs. */
static void tell_ends(struct pics *pics)
{
	u16 ended = pics->ended;
	unsigned int pin;

	pics->ended = 0;
	for (pin = 0; pics->tell_ended && ended >> pin; pin++) {
		if (ended & BIT(pin))
			pics->tell_ended(pics->ended_arg, pin);
	}
}

static void acknowledge(struct pic *p, unsigned int pin)
{
	u8 bit = BIT(pin);

	if (!(level_triggered(p) & bit))
		p->irr &= ~bit;

	if (!p->auto_eoi) {
		p->isr |= bit;
	} else {
		if (p->rotate_aeoi)
			p->lowest = pin;
		note_end(p, pin);
	}

	/*
	 * The slave lowers its output at each acknowledge.  If it has another
	 * request, update() raises the output again, and the master sees an edge.
	 */
	if (!p->master)
		set_line(&p->pics->chip[0], CASCADE, false);
}

/* To be called when the acknowledge is done: the timer may raise its input again. */
static void tell_timer_taken(struct pics *pics)
{
	if (pics->timer)
		pics->timer->taken(pics->timer_arg);
}

static void tell_timer_restarted(struct pics *pics)
{
	if (pics->timer)
		pics->timer->restarted(pics->timer_arg,
				       pics->chip[0].irr & BIT(TIMER));
}

u8 pic_acknowledge(struct pics *pics)
{
	struct pic *master = &pics->chip[0], *slave = &pics->chip[1];
	int pin = requesting(master);
	bool timer = pin == TIMER;
	u8 vector;

	if (pin < 0)
		return master->base + SPURIOUS;

	acknowledge(master, pin);
	if (pin == CASCADE) {
		pin = requesting(slave);
		if (pin < 0)
			pin = SPURIOUS;
		else
			acknowledge(slave, pin);
		vector = slave->base + pin;
	} else {
		vector = master->base + pin;
	}
	update(pics);
	if (timer)
		tell_timer_taken(pics);
	tell_ends(pics);
	return vector;
}

void pic_watch_timer(struct pics *pics, const struct pic_timer_ops *ops, void *arg)
{
	pics->timer = ops;
	pics->timer_arg = arg;
}

void pic_watch_ends(struct pics *pics, void (*tell_ended)(void *arg, unsigned int pin), void *arg)
{
	pics->tell_ended = tell_ended;
	pics->ended_arg = arg;
}

void pic_changed(struct pics *pics)
{
	update(pics);
}

bool pic_pending(const struct pics *pics)
{
	return pics->intr;
}

static u8 poll(struct pic *p)
{
	int pin = requesting(p);

	p->poll = false;
	if (pin < 0)
		return 0;
	acknowledge(p, pin);
	update(p->pics);
	if (p->master && pin == TIMER)
		tell_timer_taken(p->pics);
	tell_ends(p->pics);
	return POLL_PENDING | pin;
}

/*
 * Reset what ICW1 resets, but not the fields that ICW1 itself sets.  An interrupt that is in
 * service, and an edge that is forgotten, have ended: otherwise their devices are not asked again.
 */
static void reset(struct pic *p)
{
	u8 ended = p->isr | (p->irr & ~level_triggered(p));
	unsigned int pin;

	for (pin = 0; pin < 8; pin++) {
		if (ended & BIT(pin))
			note_end(p, pin);
	}
	if (p->pics->keep_edges)
		p->lines &= level_triggered(p);
	p->irr = p->lines & level_triggered(p);
	p->isr = 0;
	p->imr = 0;
	p->lowest = 7;
	p->auto_eoi = false;
	p->rotate_aeoi = false;
	p->special_fully_nested = false;
	p->special_mask = false;
	p->poll = false;
	p->read_isr = false;
}

static void end(struct pic *p, unsigned int pin)
{
	if (p->isr & BIT(pin))
		note_end(p, pin);
	p->isr &= ~BIT(pin);
}

static void end_of_interrupt(struct pic *p, u8 value)
{
	unsigned int level = value & OCW2_LEVEL;
	enum ocw2 command = value >> 5;
	u8 candidates = p->isr;
	int pin;

	switch (command) {
	case OCW2_ROTATE_AEOI_CLEAR:
	case OCW2_ROTATE_AEOI_SET:
		p->rotate_aeoi = command == OCW2_ROTATE_AEOI_SET;
		break;
	case OCW2_EOI:
	case OCW2_EOI_ROTATE:
		/* A masked input stays in service in special mask mode. */
		if (p->special_mask)
			candidates &= ~p->imr;
		pin = first(p, candidates);
		if (pin < 0)
			break;
		end(p, pin);
		if (command == OCW2_EOI_ROTATE)
			p->lowest = pin;
		break;
	case OCW2_EOI_SPECIFIC:
		end(p, level);
		break;
	case OCW2_EOI_SPECIFIC_ROTATE:
		end(p, level);
		p->lowest = level;
		break;
	case OCW2_SET_PRIORITY:
		p->lowest = level;
		break;
	case OCW2_NOP:
		break;
	}
}

static void write_command(struct pic *p, u8 value)
{
	if (value & ICW1) {
		p->level_all = value & ICW1_LTIM && !p->pics->keep_edges;
		p->single = value & ICW1_SNGL;
		p->icw4_expected = value & ICW1_IC4;
		p->next_icw = 2;
		reset(p);
		if (p->master)
			tell_timer_restarted(p->pics);
	} else if (value & OCW3) {
		if (value & OCW3_ESMM)
			p->special_mask = value & OCW3_SMM;
		if (value & OCW3_RR)
			p->read_isr = value & OCW3_RIS;
		p->poll = value & OCW3_POLL;
	} else {
		end_of_interrupt(p, value);
	}
}

static void write_data(struct pic *p, u8 value)
{
	u8 unmasked = p->imr & ~value;

	switch (p->next_icw) {
	case 0:
		p->imr = value;
		if (p->master && (unmasked & BIT(TIMER)))
			tell_timer_restarted(p->pics);
		break;
	case 2:
		p->base = value & ICW2_BASE;
		if (!p->single)
			p->next_icw = 3;
		else
			p->next_icw = p->icw4_expected ? 4 : 0;
		break;
	case 3:
		/* ICW3 says where the slave is, which is fixed in a PC. */
		p->next_icw = p->icw4_expected ? 4 : 0;
		break;
	case 4:
		p->auto_eoi = value & ICW4_AEOI;
		p->special_fully_nested = value & ICW4_SFNM;
		p->next_icw = 0;
		break;
	}
}

static u32 pic_read(void *dev, u32 offset, unsigned int width)
{
	struct pic *p = dev;

	(void)width;
	if (p->poll)
		return poll(p);
	if (offset == PIC_DATA)
		return p->imr;
	return p->read_isr ? p->isr : p->irr;
}

static void pic_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct pic *p = dev;

	(void)width;
	if (offset == PIC_DATA)
		write_data(p, value);
	else
		write_command(p, value);
	update(p->pics);
	tell_ends(p->pics);
}

static u32 elcr_read(void *dev, u32 offset, unsigned int width)
{
	struct pics *pics = dev;

	(void)width;
	return pics->chip[offset].elcr;
}

static void elcr_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	struct pics *pics = dev;
	struct pic *p = &pics->chip[offset];
	u8 level;

	(void)width;
	p->elcr = value & (p->master ? MASTER_ELCR : SLAVE_ELCR);
	level = level_triggered(p);
	p->irr = (p->irr & ~level) | (p->lines & level);
	update(pics);
}

static void pic_set(void *chip, unsigned int pin, bool level)
{
	struct pics *pics = chip;

	set_line(&pics->chip[pin / 8], pin % 8, level);
	update(pics);
}

static void pic_pulse(void *chip, unsigned int pin)
{
	struct pics *pics = chip;
	struct pic *p = &pics->chip[pin / 8];
	u8 bit = BIT(pin % 8);

	if (!(level_triggered(p) & bit))
		p->irr |= bit;
	update(pics);
}

struct irq_line pic_line(struct pics *pics, unsigned int pin)
{
	return (struct irq_line){
		.set = pic_set, .pulse = pic_pulse, .chip = pics, .pin = pin,
	};
}

static const struct bus_ops pic_ops = {
	.read = pic_read,
	.write = pic_write,
	.widths = 1,
};

static const struct bus_ops elcr_ops = {
	.read = elcr_read,
	.write = elcr_write,
	.widths = 1,
};

int pic_init(struct pics *pics, struct bus *bus,
	     void (*output)(void *arg, bool level), void *arg)
{
	const struct bus_range ranges[] = {
		{ MASTER_PORT, 2, &pic_ops, &pics->chip[0], "8259 master" },
		{ SLAVE_PORT, 2, &pic_ops, &pics->chip[1], "8259 slave" },
		{ ELCR_PORT, 2, &elcr_ops, pics, "8259 ELCR" },
	};
	unsigned int i;
	int err;

	memset(pics, 0, sizeof(*pics));
	pics->output = output;
	pics->arg = arg;
	for (i = 0; i < 2; i++) {
		pics->chip[i].pics = pics;
		pics->chip[i].master = i == 0;
		reset(&pics->chip[i]);
		/* Until software initializes the controller, all inputs are masked. */
		pics->chip[i].imr = 0xff;
	}

	for (i = 0; i < ARRAY_SIZE(ranges); i++) {
		err = bus_add(bus, &ranges[i]);
		if (err)
			return err;
	}
	return 0;
}
