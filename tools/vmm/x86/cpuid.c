// SPDX-License-Identifier: GPL-2.0
/*
 * The CPUID table of a vCPU: what the host can honour, without the parts of a
 * machine that are not here (AMD APM vol. 3, appendix E; Intel SDM vol. 2A,
 * CPUID).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpuid.h"
#include "log.h"

#define LEAF_FEATURES	0x1
#define LEAF_CACHE	0x4
#define LEAF_TOPOLOGY	0xb
#define LEAF_TSC	0x15
#define LEAF_TOPOLOGY2	0x1f
#define LEAF_HYPERVISOR	0x40000000
#define LEAF_HYPERVISOR_TIME 0x40000010
#define LEAF_EXTENDED	0x80000001
#define LEAF_SIZES	0x80000008
#define LEAF_CACHE_AMD	0x8000001d
#define LEAF_TOPOLOGY_AMD 0x8000001e

/* Leaf 1. */
#define EBX_CLFLUSH_BRAND 0x0000ffff	/* the rest: APIC id, logical CPUs */
#define ECX_MONITOR	BIT(3)
#define ECX_X2APIC	BIT(21)
#define ECX_TSC_DEADLINE BIT(24)
#define ECX_HYPERVISOR	BIT(31)
#define EDX_APIC	BIT(9)
#define EDX_HTT		BIT(28)

/* Leaf 0x80000001. */
#define ECX_CMP_LEGACY	BIT(1)
#define ECX_SVM		BIT(2)
#define ECX_EXT_APIC	BIT(3)
#define ECX_TOPOEXT	BIT(22)
#define EDX_APIC_AMD	BIT(9)

/* Leaves 4 and 0x8000001d: CPUs that share the cache, and cores. */
#define EAX_CACHE_SHARING 0x03ffc000
#define EAX_CACHE_CORES	0xfc000000

static void change(struct axv_x86_cpuid *l)
{
	switch (l->leaf) {
	case LEAF_FEATURES:
		l->ebx &= EBX_CLFLUSH_BRAND;
		l->ecx &= ~(ECX_MONITOR | ECX_X2APIC | ECX_TSC_DEADLINE);
		l->ecx |= ECX_HYPERVISOR;
		l->edx &= ~(EDX_APIC | EDX_HTT);
		break;
	case LEAF_CACHE:
		l->eax &= ~(EAX_CACHE_SHARING | EAX_CACHE_CORES);
		break;
	case LEAF_CACHE_AMD:
		l->eax &= ~EAX_CACHE_SHARING;
		break;
	case LEAF_EXTENDED:
		l->ecx &= ~(ECX_CMP_LEGACY | ECX_SVM | ECX_EXT_APIC |
			    ECX_TOPOEXT);
		l->edx &= ~EDX_APIC_AMD;
		break;
	case LEAF_SIZES:
		l->ecx = 0;	/* number of cores, APIC id size */
		break;
	}
}

/* Leaves that name threads, cores and APICs, or are made anew below. */
static bool dropped(u32 leaf)
{
	return leaf == LEAF_TOPOLOGY || leaf == LEAF_TOPOLOGY2 ||
	       leaf == LEAF_TOPOLOGY_AMD || leaf == LEAF_TSC ||
	       (leaf >= LEAF_HYPERVISOR && leaf < 0x80000000);
}

unsigned int cpuid_make(struct axv_x86_cpuid *leaves, unsigned int count,
			u32 tsc_khz)
{
	static const char signature[12] = "AxvcpuAxvcpu";
	unsigned int in, out = 0;
	struct axv_x86_cpuid *l;

	for (in = 0; in < count; in++) {
		if (dropped(leaves[in].leaf))
			continue;
		leaves[out] = leaves[in];
		change(&leaves[out++]);
	}

	l = &leaves[out++];
	memset(l, 0, sizeof(*l));
	l->leaf = LEAF_HYPERVISOR;
	l->eax = LEAF_HYPERVISOR_TIME;
	memcpy(&l->ebx, signature, 4);
	memcpy(&l->ecx, signature + 4, 4);
	memcpy(&l->edx, signature + 8, 4);

	/* Several hypervisors tell the TSC's frequency, in kHz, here. */
	l = &leaves[out++];
	memset(l, 0, sizeof(*l));
	l->leaf = LEAF_HYPERVISOR_TIME;
	l->eax = tsc_khz;
	return out;
}

int cpuid_setup(struct axv_host *host, struct axv_vcpu *vcpu)
{
	struct axv_x86_cpuid *leaves = NULL, *table;
	__u64 tsc_khz = 0;
	int count, err;

	count = axv_supported_cpuid(host, &leaves);
	if (count < 0) {
		log_error("%s", axv_error());
		return count;
	}
	err = axv_query(host, AXV_QUERY_COUNTER_KHZ, &tsc_khz);
	if (err) {
		log_error("%s", axv_error());
		goto out;
	}

	table = realloc(leaves, (count + CPUID_EXTRA) * sizeof(*table));
	if (!table) {
		log_error("out of memory");
		err = -ENOMEM;
		goto out;
	}
	leaves = table;

	count = cpuid_make(leaves, count, tsc_khz);
	err = axv_vcpu_set_cpuid(vcpu, leaves, count);
	if (err)
		log_error("%s", axv_error());
out:
	free(leaves);
	return err;
}
