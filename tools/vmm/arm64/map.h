/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The board's addresses and interrupts.  They are those of QEMU's board "virt", so that
 * software that is built for "virt" runs; but the GICv2m frame itself tells its SPIs.
 */
#ifndef AXVMM_MAP_H
#define AXVMM_MAP_H

#include "types.h"

/* Flash memory, if there is a firmware, which begins at its start. */
#define MAP_FLASH	0x00000000ull
#define MAP_FLASH_SIZE	MIB(128)

#define MAP_GICD	0x08000000ull
#define MAP_GICV2M	0x08020000ull
#define MAP_GICR	0x080a0000ull
#define MAP_UART	0x09000000ull
#define MAP_RTC		0x09010000ull
#define MAP_GPIO	0x09030000ull

/* BARs of PCI devices, and ECAM. */
#define MAP_PCI_MEMORY	0x10000000u
#define MAP_PCI_SIZE	0x2eff0000u
#define MAP_ECAM	0x3f000000u

/* The device tree is at the start of RAM, and a kernel behind it. */
#define MAP_RAM		0x40000000ull
#define MAP_FDT		MAP_RAM
#define MAP_FDT_SIZE	MIB(2)
#define MAP_KERNEL	(MAP_FDT + MAP_FDT_SIZE)

/* SPIs */
#define MAP_UART_SPI	1
#define MAP_RTC_SPI	2
#define MAP_GPIO_SPI	7

/* GPIOs */
#define MAP_POWER_BUTTON 3

#endif /* AXVMM_MAP_H */
