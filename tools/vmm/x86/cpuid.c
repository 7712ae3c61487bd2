// SPDX-License-Identifier: GPL-2.0
/*
 * The CPUID table of a vCPU: what the kernel module offers on this host, changed to
 * describe the guest's processor, and without features that axvmm's machine does not
 * have (AMD APM vol. 3, appendix E; Intel SDM vol. 2A, CPUID).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpuid.h"
#include "log.h"

#define LEAF_VENDOR	0x0
#define LEAF_FEATURES	0x1
#define LEAF_CACHE	0x4
#define LEAF_POWER	0x6
#define LEAF_TOPOLOGY	0xb
#define LEAF_TSC	0x15
#define LEAF_TOPOLOGY2	0x1f
#define LEAF_HYPERVISOR	0x40000000
#define LEAF_HYPERVISOR_FEATURES 0x40000001
#define LEAF_HYPERVISOR_TIME 0x40000010
#define LEAF_EXTENDED	0x80000001
#define LEAF_SIZES	0x80000008
#define LEAF_CACHE_AMD	0x8000001d
#define LEAF_TOPOLOGY_AMD 0x8000001e

/* Leaf 0: EBX of the vendors whose processors have AMD's leaves. */
#define EBX_AMD		0x68747541	/* "AuthenticAMD" */
#define EBX_HYGON	0x6f677948	/* "HygonGenuine" */

/* Leaf 1. */
#define EBX_CLFLUSH_BRAND 0x0000ffff
#define EBX_CPUS(n)	((n) << 16)
#define EBX_CPUS_MAX	0xffu
#define EBX_APIC_ID(id)	((id) << 24)
#define ECX_MONITOR	BIT(3)
#define ECX_X2APIC	BIT(21)
#define ECX_TSC_DEADLINE BIT(24)
#define ECX_HYPERVISOR	BIT(31)
#define EDX_APIC	BIT(9)
#define EDX_HTT		BIT(28)

/* Leaf 6: the APIC's timer runs in all power states. */
#define EAX_ARAT	BIT(2)

/* Leaf 0xb: levels of the topology; EAX is how far to shift an APIC id for the next level. */
#define LEVEL_THREAD	1
#define LEVEL_CORE	2
#define ECX_LEVEL(type)	((type) << 8)

/* Leaf 0x40000001: KVM's features. */
#define EAX_NO_IO_DELAY	BIT(1)
#define EAX_MSI_EXT_DEST_ID BIT(15)

/* Leaf 0x80000001. */
#define ECX_CMP_LEGACY	BIT(1)
#define ECX_SVM		BIT(2)
#define ECX_EXT_APIC	BIT(3)
#define ECX_TOPOEXT	BIT(22)
#define EDX_APIC_AMD	BIT(9)

/* Leaf 0x80000008: number of cores minus 1, and how many bits of an APIC id name the core. */
#define ECX_CORES_MAX	0xffu
#define ECX_ID_SIZE(n)	((n) << 12)

/* Leaves 4 and 0x8000001d: CPUs that share the cache minus 1, and cores minus 1. */
#define EAX_CACHE_LEVEL(eax) ((eax) >> 5 & 7)
#define EAX_CACHE_SHARING 0x03ffc000
#define EAX_CACHE_SHARED(n) ((n) << 14)
#define EAX_CACHE_CORES	0xfc000000
#define EAX_CORES(n)	((n) << 26)
#define EAX_CORES_MAX	0x3fu

/**
 * struct topology - what CPUID tells of the guest's processor
 * @apic:	which CPU of the guest the table is for
 * @tsc_khz:	frequency of its TSC; 0: the host does not know it
 * @amd:	the processor has AMD's leaves
 * @id_bits:	bits of an APIC id that name the core
 */
struct topology {
	struct cpuid_apic apic;
	u32 tsc_khz;
	bool amd;
	unsigned int id_bits;
};

static u32 at_most(u32 value, u32 limit)
{
	return value < limit ? value : limit;
}

static void change_features(struct axv_x86_cpuid *l, const struct topology *t)
{
	l->ebx &= EBX_CLFLUSH_BRAND;
	l->ecx &= ~(ECX_MONITOR | ECX_X2APIC | ECX_TSC_DEADLINE);
	l->ecx |= ECX_HYPERVISOR;
	l->edx &= ~(EDX_APIC | EDX_HTT);
	if (!t->apic.nr)
		return;
	l->ebx |= EBX_CPUS(at_most(t->apic.nr, EBX_CPUS_MAX)) | EBX_APIC_ID(t->apic.id);
	/* The kernel module clears this bit if it has no x2APIC. */
	l->ecx |= ECX_X2APIC;
	/* Without the TSC's frequency, axvmm could not compute when a deadline comes. */
	if (t->tsc_khz)
		l->ecx |= ECX_TSC_DEADLINE;
	l->edx |= EDX_APIC | (t->apic.nr > 1 ? EDX_HTT : 0);
}

static void change_extended(struct axv_x86_cpuid *l, const struct topology *t)
{
	l->ecx &= ~(ECX_CMP_LEGACY | ECX_SVM | ECX_EXT_APIC);
	l->edx &= ~EDX_APIC_AMD;
	if (!t->apic.nr)
		l->ecx &= ~ECX_TOPOEXT;
	if (!t->apic.nr || !t->amd)
		return;
	l->edx |= EDX_APIC_AMD;
	/* Then EDX_HTT means cores, not threads. */
	if (t->apic.nr > 1)
		l->ecx |= ECX_CMP_LEGACY;
}

/* All cores share the cache of level 3; each core has its own caches of other levels. */
static void change_cache(struct axv_x86_cpuid *l, const struct topology *t)
{
	u32 others = BIT(t->id_bits) - 1;

	l->eax &= ~EAX_CACHE_SHARING;
	if (EAX_CACHE_LEVEL(l->eax) >= 3)
		l->eax |= EAX_CACHE_SHARED(others);
	if (l->leaf == LEAF_CACHE)
		l->eax = (l->eax & ~EAX_CACHE_CORES) |
			 EAX_CORES(at_most(others, EAX_CORES_MAX));
}

static void change(struct axv_x86_cpuid *l, const struct topology *t)
{
	switch (l->leaf) {
	case LEAF_VENDOR:
		if (t->apic.nr && l->eax < LEAF_TOPOLOGY)
			l->eax = LEAF_TOPOLOGY;
		break;
	case LEAF_FEATURES:
		change_features(l, t);
		break;
	case LEAF_CACHE:
	case LEAF_CACHE_AMD:
		change_cache(l, t);
		break;
	case LEAF_EXTENDED:
		change_extended(l, t);
		break;
	case LEAF_SIZES:
		l->ecx = 0;
		if (t->amd && t->apic.nr)
			l->ecx = at_most(t->apic.nr - 1, ECX_CORES_MAX) |
				 ECX_ID_SIZE(t->id_bits);
		break;
	}
}

/* Whether a leaf is left out: it names host threads, cores or APICs, or is made anew below. */
static bool dropped(u32 leaf)
{
	return leaf == LEAF_POWER || leaf == LEAF_TOPOLOGY || leaf == LEAF_TOPOLOGY2 ||
	       leaf == LEAF_TOPOLOGY_AMD || leaf == LEAF_TSC ||
	       (leaf >= LEAF_HYPERVISOR && leaf < 0x80000000);
}

static struct topology find_topology(const struct axv_x86_cpuid *leaves, unsigned int count,
				     u32 tsc_khz, const struct cpuid_apic *apic)
{
	struct topology t = { .apic = *apic, .tsc_khz = tsc_khz };
	unsigned int i;

	while (BIT(t.id_bits) < apic->nr)
		t.id_bits++;
	for (i = 0; i < count; i++)
		if (leaves[i].leaf == LEAF_VENDOR)
			t.amd = leaves[i].ebx == EBX_AMD || leaves[i].ebx == EBX_HYGON;
	return t;
}

static struct axv_x86_cpuid *add(struct axv_x86_cpuid *leaves, unsigned int *count,
				 const struct axv_x86_cpuid leaf)
{
	leaves[*count] = leaf;
	return &leaves[(*count)++];
}

/* Add leaf 0xb: a level of one thread for each core, a level of cores, and the end. */
static void add_topology(struct axv_x86_cpuid *leaves, unsigned int *count,
			 const struct topology *t)
{
	struct axv_x86_cpuid level = {
		.leaf = LEAF_TOPOLOGY, .flags = AXV_X86_CPUID_SUBLEAF, .edx = t->apic.id,
	};

	level.ebx = 1;
	level.ecx = ECX_LEVEL(LEVEL_THREAD);
	add(leaves, count, level);
	level.subleaf = 1;
	level.eax = t->id_bits;
	level.ebx = t->apic.nr;
	level.ecx = 1 | ECX_LEVEL(LEVEL_CORE);
	add(leaves, count, level);
	level.subleaf = 2;
	level.eax = 0;
	level.ebx = 0;
	level.ecx = 2;
	add(leaves, count, level);
}

/* Add the leaves that a CPU with a local APIC has. */
static void add_apic(struct axv_x86_cpuid *leaves, unsigned int *count,
		     const struct topology *t)
{
	add(leaves, count, (struct axv_x86_cpuid){ .leaf = LEAF_POWER, .eax = EAX_ARAT });
	add_topology(leaves, count, t);
	/*
	 * Each core has one thread, and there is one node.  Without ECX_TOPOEXT guests ignore
	 * this leaf.
	 */
	if (t->amd)
		add(leaves, count, (struct axv_x86_cpuid){
			.leaf = LEAF_TOPOLOGY_AMD, .eax = t->apic.id,
			.ebx = t->apic.id & 0xff,
		});
}

/*
 * Add the hypervisor's leaves.  Without interrupt remapping, guests use a local APIC as an
 * x2APIC only under a hypervisor that they know.  So with local APICs the name is KVM's, with
 * those two of KVM's features that axvmm has; exit_hypercall() says that there are no
 * hypercalls.
 */
static void add_hypervisor(struct axv_x86_cpuid *leaves, unsigned int *count,
			   const struct topology *t)
{
	const char *signature = t->apic.nr ? "KVMKVMKVM\0\0\0" : "AxvcpuAxvcpu";
	struct axv_x86_cpuid *l;

	l = add(leaves, count, (struct axv_x86_cpuid){
		.leaf = LEAF_HYPERVISOR, .eax = LEAF_HYPERVISOR_TIME,
	});
	memcpy(&l->ebx, signature, 4);
	memcpy(&l->ecx, signature + 4, 4);
	memcpy(&l->edx, signature + 8, 4);
	if (t->apic.nr)
		add(leaves, count, (struct axv_x86_cpuid){
			.leaf = LEAF_HYPERVISOR_FEATURES,
			.eax = EAX_NO_IO_DELAY | EAX_MSI_EXT_DEST_ID,
		});
	/* Several hypervisors tell the TSC's frequency, in kHz, here. */
	add(leaves, count, (struct axv_x86_cpuid){
		.leaf = LEAF_HYPERVISOR_TIME, .eax = t->tsc_khz,
	});
}

unsigned int cpuid_make(struct axv_x86_cpuid *leaves, unsigned int count,
			u32 tsc_khz, const struct cpuid_apic *apic)
{
	const struct topology t = find_topology(leaves, count, tsc_khz, apic);
	unsigned int in, out = 0;

	for (in = 0; in < count; in++) {
		if (dropped(leaves[in].leaf))
			continue;
		leaves[out] = leaves[in];
		change(&leaves[out++], &t);
	}
	if (apic->nr)
		add_apic(leaves, &out, &t);
	add_hypervisor(leaves, &out, &t);
	return out;
}

int cpuid_setup(struct axv_host *host, struct axv_vcpu *vcpu,
		const struct cpuid_apic *apic)
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

	count = cpuid_make(leaves, count, tsc_khz, apic);
	err = axv_vcpu_set_cpuid(vcpu, leaves, count);
	if (err)
		log_error("%s", axv_error());
out:
	free(leaves);
	return err;
}
