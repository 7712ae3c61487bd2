/* SPDX-License-Identifier: GPL-2.0 */
/* The CPUID table of a vCPU. */
#ifndef AXVMM_CPUID_H
#define AXVMM_CPUID_H

#include <axvcpu.h>

#include "types.h"

#define CPUID_EXTRA	2	/* entries that cpuid_make() may add */

/**
 * cpuid_make() - turn what the host offers into what the guest gets
 * @leaves:	the host's table, with room for CPUID_EXTRA more entries
 * @count:	entries in it
 * @tsc_khz:	frequency of the guest's TSC
 *
 * One CPU, no local APIC, a hypervisor.
 *
 * Return: entries in the new table.
 */
unsigned int cpuid_make(struct axv_x86_cpuid *leaves, unsigned int count,
			u32 tsc_khz);

/**
 * cpuid_setup() - give a vCPU its table
 * @host:	the host
 * @vcpu:	the vCPU, Created or Free
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int cpuid_setup(struct axv_host *host, struct axv_vcpu *vcpu);

#endif /* AXVMM_CPUID_H */
