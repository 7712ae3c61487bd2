/* SPDX-License-Identifier: GPL-2.0 */
/* What --stats prints. */
#ifndef AXVMM_STATS_H
#define AXVMM_STATS_H

#include "vcpu.h"

/**
 * stats_print() - print a vCPU's counters to the standard error stream
 * @vcpu:	the vCPU
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int stats_print(struct vcpu *vcpu);

#endif /* AXVMM_STATS_H */
