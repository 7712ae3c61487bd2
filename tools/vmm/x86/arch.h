/* SPDX-License-Identifier: GPL-2.0 */
/* What axvmm's common files need to know of x86. */
#ifndef AXVMM_ARCH_H
#define AXVMM_ARCH_H

#include "acpi.h"
#include "ioapic.h"
#include "linux.h"
#include "msix.h"
#include "pciports.h"
#include "pic.h"
#include "pit.h"
#include "pm.h"
#include "power.h"
#include "pvpanic.h"
#include "reset.h"
#include "routes.h"
#include "rtc.h"
#include "uart.h"

#define ARCH_VM_FLAGS	AXV_VM_HALT_IN_KERNEL
#define ARCH_CPUS_MAX	ACPI_APICS_MAX
#define ARCH_MEMORY_MIN	MIB(32)

/* Words for messages and the help text. */
#define ARCH_KERNEL	"bzImage"
#define ARCH_CONSOLE	"console=ttyS0"
#define ARCH_FIRMWARE	false		/* no --firmware */
#define ARCH_TRACE	"trace-msr"
#define ARCH_SYSREGS	"MSR"

/**
 * struct board - a PC; guarded by the machine's lock
 * @apics:	CPUs with a local APIC; then there is an I/O APIC, too.  0: there is one CPU,
 *		and neither; constant
 * @ports:	the bus of I/O ports
 * @power:	where devices pass on the guest's requests
 * @entry:	how to start the boot processor
 */
struct board {
	unsigned int apics;
	struct bus ports;
	struct power_switch power;
	struct pics pics;
	struct ioapic ioapic;
	struct pit pit;
	struct rtc rtc;
	struct uart uart;
	struct pm pm;
	struct reset reset;
	struct pci pci;
	struct pciports pciports;
	struct route_ops routes;
	struct msi_ops msi;
	struct linux_entry entry;
};

#endif /* AXVMM_ARCH_H */
