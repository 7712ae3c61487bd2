/* SPDX-License-Identifier: GPL-2.0 */
/* Interrupt lines: what a device holds of the interrupt controller. */
#ifndef AXVMM_IRQ_H
#define AXVMM_IRQ_H

#include "types.h"

/**
 * struct irq_line - the wire from one device to one input of a controller
 * @set:	sets the level of input @pin of @chip
 * @chip:	the controller
 * @pin:	which of its inputs
 */
struct irq_line {
	void (*set)(void *chip, unsigned int pin, bool level);
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

#endif /* AXVMM_IRQ_H */
