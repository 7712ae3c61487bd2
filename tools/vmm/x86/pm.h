/* SPDX-License-Identifier: GPL-2.0 */
/* The fixed hardware of ACPI: PM1 event and control, and the PM timer. */
#ifndef AXVMM_PM_H
#define AXVMM_PM_H

#include "bus.h"
#include "irq.h"
#include "timer.h"
#include "power.h"

/* The FADT and the DSDT tell the guest these. */
#define PM1_EVENT_PORT	0x600	/* status and enable, 2 bytes each */
#define PM1_CONTROL_PORT 0x604	/* 2 bytes */
#define PM_TIMER_PORT	0x608	/* 4 bytes */
#define PM_SCI_PIN	9
#define PM_S5_TYPE	5	/* SLP_TYP that switches off */

#define PM_TIMER_HZ	3579545

/**
 * struct pm - the registers; guarded by the machine's lock
 * @power:	where to pass on the request to switch off
 * @sci:	the ACPI interrupt
 * @status:	PM1 status
 * @enable:	PM1 enable
 * @control:	PM1 control
 * @start:	when the PM timer was zero, in clock_now() time
 * @halves:	how often bit 23 of the PM timer had changed at the last update
 * @timer:	fires at the next change of that bit, if that interrupts
 */
struct pm {
	struct power_switch power;
	struct irq_line sci;
	u16 status;
	u16 enable;
	u16 control;
	u64 start;
	u64 halves;
	struct timer timer;
};

/**
 * pm_init() - put the registers on the bus, with ACPI mode on
 * @pm:		the registers
 * @bus:	the bus
 * @loop:	the loop, for the PM timer's interrupt
 * @sci:	the ACPI interrupt, level triggered
 * @power:	where to pass on the request to switch off
 *
 * Return: 0 or a negative errno.
 */
int pm_init(struct pm *pm, struct bus *bus, struct loop *loop,
	    struct irq_line sci, struct power_switch power);

/**
 * pm_press_button() - press the power button
 *
 * Context: with the machine's lock held.
 * Return: whether the guest has enabled the button's interrupt.
 */
bool pm_press_button(struct pm *pm);

#endif /* AXVMM_PM_H */
