/* SPDX-License-Identifier: GPL-2.0 */
#ifndef INTERRUPTS_H
#define INTERRUPTS_H

/* Measure interrupts and halts in the kernel, and what the host alone takes for the like. */
void measure_interrupts(void);

#endif /* INTERRUPTS_H */
