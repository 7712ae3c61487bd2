/* SPDX-License-Identifier: GPL-2.0 */
/* A PL061 with eight general-purpose inputs and outputs. */
#ifndef AXVMM_PL061_H
#define AXVMM_PL061_H

#include "bus.h"
#include "irq.h"

#define PL061_SIZE	0x1000

/* Registers.  Bits 9 to 2 of the address are a mask for the data. */
#define PL061_DATA	0x000
#define PL061_DATA_END	0x400
#define PL061_DIR	0x400	/* 1: an output */
#define PL061_IS	0x404	/* 1: level triggered */
#define PL061_IBE	0x408	/* 1: both edges */
#define PL061_IEV	0x40c	/* 1: rising edge, or high level */
#define PL061_IE	0x410	/* 1: the line interrupts */
#define PL061_RIS	0x414
#define PL061_MIS	0x418
#define PL061_IC	0x41c
#define PL061_AFSEL	0x420
#define PL061_ID	0xfe0

/**
 * struct pl061 - a PL061; guarded by the machine's lock
 * @irq:	interrupt line
 * @inputs:	levels of the inputs, as pl061_set() has set them
 * @outputs:	levels that software has set
 * @edges:	lines that have had an edge, which software has not cleared
 * @dir: @is: @ibe: @iev: @ie: @afsel: registers as written
 */
struct pl061 {
	struct irq_line irq;
	u8 inputs;
	u8 outputs;
	u8 edges;
	u8 dir;
	u8 is;
	u8 ibe;
	u8 iev;
	u8 ie;
	u8 afsel;
};

/**
 * pl061_init() - initialize a PL061 with eight inputs, all low, and put it on the bus
 * @gpio:	the PL061
 * @bus:	the bus
 * @addr:	first address
 * @irq:	interrupt line
 *
 * Return: 0 or a negative errno.
 */
int pl061_init(struct pl061 *gpio, struct bus *bus, u64 addr, struct irq_line irq);

/**
 * pl061_set() - set the level of an input
 *
 * Context: with the machine's lock held.
 */
void pl061_set(struct pl061 *gpio, unsigned int pin, bool level);

/**
 * pl061_watched() - whether software has enabled the interrupt of an input
 *
 * Context: with the machine's lock held.
 */
bool pl061_watched(const struct pl061 *gpio, unsigned int pin);

#endif /* AXVMM_PL061_H */
