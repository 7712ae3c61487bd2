/* SPDX-License-Identifier: GPL-2.0 */
/* The CPUID table of a vCPU. */
#ifndef AXVMM_CPUID_H
#define AXVMM_CPUID_H

#include <axvcpu.h>

#include "types.h"

#define CPUID_EXTRA	8	/* entries that cpuid_make() may add */

/**
 * struct cpuid_apic - which CPU of the guest a table is for
 * @id:		its APIC id, less than @nr
 * @nr:		how many CPUs the guest has, all cores of one processor; 0: it has one
 *		CPU, without a local APIC
 */
struct cpuid_apic {
	u32 id;
	unsigned int nr;
};

/**
 * cpuid_make() - turn the table that the host offers into the guest's
 * @leaves:	the host's table, with room for CPUID_EXTRA more entries
 * @count:	entries in it
 * @tsc_khz:	frequency of the guest's TSC
 * @apic:	which CPU the table is for
 *
 * Return: number of entries in the new table.
 */
unsigned int cpuid_make(struct axv_x86_cpuid *leaves, unsigned int count,
			u32 tsc_khz, const struct cpuid_apic *apic);

/**
 * cpuid_setup() - give a vCPU its table
 * @host:	the host
 * @vcpu:	the vCPU, Created or Free
 * @apic:	which CPU @vcpu is
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int cpuid_setup(struct axv_host *host, struct axv_vcpu *vcpu,
		const struct cpuid_apic *apic);

#endif /* AXVMM_CPUID_H */
