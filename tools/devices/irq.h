/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* Interrupt lines: what a device knows of its interrupt controller. */
#ifndef DEVICES_IRQ_H
#define DEVICES_IRQ_H

#include "types.h"

/**
 * struct irq_line - the wire from one device to one input of a controller
 * @set:	sets the level of input @pin of @chip
 * @pulse:	raises input @pin for a moment; an edge-triggered input remembers it.
 *		NULL: no device that pulses its line is connected here
 * @enabled:	whether software has enabled that input; NULL: the controller cannot tell
 * @chip:	the controller
 * @pin:	which of its inputs
 */
struct irq_line {
	void (*set)(void *chip, unsigned int pin, bool level);
	void (*pulse)(void *chip, unsigned int pin);
	bool (*enabled)(void *chip, unsigned int pin);
	void *chip;
	unsigned int pin;
};

/**
 * irq_set() - drive an interrupt line
 * @line:	the line
 * @level:	true: active
 *
 * Context: with the machine's lock held.
 */
static inline void irq_set(const struct irq_line *line, bool level)
{
	line->set(line->chip, line->pin, level);
}

/**
 * irq_pulse() - raise an interrupt line, and let it fall at once
 * @line:	the line, low
 *
 * If irq_set() lets a line fall before the interrupt is acknowledged, the interrupt is
 * lost.  A pulse is remembered until it is acknowledged.
 *
 * Context: with the machine's lock held.
 */
static inline void irq_pulse(const struct irq_line *line)
{
	line->pulse(line->chip, line->pin);
}

/**
 * irq_enabled() - whether software waits for an interrupt
 * @line:	the line, whose &irq_line.enabled is not NULL
 *
 * Context: with the machine's lock held.
 */
static inline bool irq_enabled(const struct irq_line *line)
{
	return line->enabled(line->chip, line->pin);
}

#endif /* DEVICES_IRQ_H */
