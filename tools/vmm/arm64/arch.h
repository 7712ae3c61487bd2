/* SPDX-License-Identifier: GPL-2.0 */
/* What axvmm's common files need to know of arm64. */
#ifndef AXVMM_ARCH_H
#define AXVMM_ARCH_H

#include "gic.h"
#include "gicv2m.h"
#include "inject.h"
#include "pci.h"
#include "pl011.h"
#include "pl031.h"
#include "pl061.h"
#include "timer.h"

#define ARCH_VM_FLAGS	(AXV_VM_HALT_IN_KERNEL | AXV_VM_SGI_IN_KERNEL)
#define ARCH_CPUS_MAX	64
#define ARCH_MEMORY_MIN	MIB(64)

/* Words for messages and the help text. */
#define ARCH_KERNEL	"Image"
#define ARCH_CONSOLE	"console=ttyAMA0"
#define ARCH_FIRMWARE	true
#define ARCH_TRACE	"trace-sysreg"
#define ARCH_SYSREGS	"register"

/**
 * struct board - the board; guarded by the machine's lock
 * @button:	timer that lets the power button go
 * @mpidrs:	affinities of the CPUs; constant
 */
struct board {
	struct gic gic;
	struct injector injector;
	struct gicv2m v2m;
	struct pl011 uart;
	struct pl031 rtc;
	struct pl061 gpio;
	struct timer button;
	struct pci pci;
	struct msi_ops msi;
	u64 mpidrs[ARCH_CPUS_MAX];
};

#endif /* AXVMM_ARCH_H */
