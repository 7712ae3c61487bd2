/* SPDX-License-Identifier: GPL-2.0 */
/* How the interrupt controller reaches the vCPUs. */
#ifndef AXVMM_CPU_H
#define AXVMM_CPU_H

#include "gic.h"

struct machine;

/** cpu_gic_ops() - get the operations by which the GIC reaches the vCPUs of a machine */
struct gic_cpu_ops cpu_gic_ops(struct machine *machine);

#endif /* AXVMM_CPU_H */
