// SPDX-License-Identifier: GPL-2.0
/* A stand-in for timer.c, and for the interrupt controller and serial line of a device. */
#include <string.h>

#include "fake.h"

#define TIMERS		8
#define BOOT		(1000 * NSEC_PER_SEC)	/* monotonic clock when a test begins */

static struct {
	u64 now;
	u64 wall;		/* at @now == BOOT */
	struct timer *timers[TIMERS];
	u64 deadlines[TIMERS];	/* 0: not set */
	unsigned int nr;
} fake;

void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.now = BOOT;
}

void fake_set_wall(u64 seconds)
{
	fake.wall = seconds * NSEC_PER_SEC - (fake.now - BOOT);
}

u64 clock_now(void)
{
	return fake.now;
}

u64 clock_wall(void)
{
	return fake.wall + (fake.now - BOOT);
}

static unsigned int index_of(const struct timer *timer)
{
	unsigned int i;

	for (i = 0; fake.timers[i] != timer; i++)
		;
	return i;
}

int timer_init(struct timer *timer, struct loop *loop,
	       void (*expired)(void *arg), void *arg)
{
	(void)loop;
	timer->expired = expired;
	timer->arg = arg;
	fake.timers[fake.nr++] = timer;
	return 0;
}

void timer_set(struct timer *timer, u64 deadline)
{
	fake.deadlines[index_of(timer)] = deadline;
}

void timer_cancel(struct timer *timer)
{
	fake.deadlines[index_of(timer)] = 0;
}

void timer_free(struct timer *timer)
{
	timer_cancel(timer);
}

void fake_advance(u64 nsec)
{
	u64 end = fake.now + nsec;

	for (;;) {
		unsigned int i, first = TIMERS;

		for (i = 0; i < fake.nr; i++) {
			if (!fake.deadlines[i] || fake.deadlines[i] > end)
				continue;
			if (first == TIMERS ||
			    fake.deadlines[i] < fake.deadlines[first])
				first = i;
		}
		if (first == TIMERS)
			break;
		if (fake.deadlines[first] > fake.now)
			fake.now = fake.deadlines[first];
		fake.deadlines[first] = 0;
		fake.timers[first]->expired(fake.timers[first]->arg);
	}
	fake.now = end;
}

void fake_skip(u64 nsec)
{
	fake.now += nsec;
	fake_advance(0);
}

static void set_line(void *chip, unsigned int pin, bool level)
{
	struct fake_line *line = chip;

	(void)pin;
	if (level && !line->level)
		line->edges++;
	line->level = level;
}

static void pulse_line(void *chip, unsigned int pin)
{
	set_line(chip, pin, true);
	set_line(chip, pin, false);
}

static bool line_enabled(void *chip, unsigned int pin)
{
	const struct fake_line *line = chip;

	(void)pin;
	return !line->disabled;
}

struct irq_line fake_irq(struct fake_line *line)
{
	*line = (struct fake_line){ 0 };
	return (struct irq_line){
		.set = set_line, .pulse = pulse_line, .enabled = line_enabled,
		.chip = line,
	};
}

static bool send(void *arg, u8 byte)
{
	struct fake_wire *wire = arg;

	if (wire->nr_sent < ARRAY_SIZE(wire->sent))
		wire->sent[wire->nr_sent] = byte;
	wire->nr_sent++;
	return !wire->blocked;
}

static void room(void *arg)
{
	struct fake_wire *wire = arg;

	wire->room_calls++;
}

struct serial_backend fake_serial(struct fake_wire *wire)
{
	return (struct serial_backend){ .send = send, .room = room, .arg = wire };
}
