// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * CPUID.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <asm/kvm_para.h>

#include "debug.h"
#include "vcpu.h"

#define LEAF_FEATURES	1
#define ECX_X2APIC	(1u << 21)
#define ECX_HYPERVISOR	(1u << 31)

/* KVM's limit, which is more than any processor has. */
#define LEAVES_MAX	256

/*
 * By these leaves guests know KVM.  They name the features that need no work of the hypervisor:
 * no delay for ports, and 15 bits for a destination in messages. kvmclock is not offered.
 */
static const struct kvm_cpuid_entry2 hypervisor[] = {
	{
		.function = KVM_CPUID_SIGNATURE,
		.eax = KVM_CPUID_FEATURES,
		.ebx = 0x4b4d564b,	/* "KVMKVMKVM" */
		.ecx = 0x564b4d56,
		.edx = 0x4d,
	},
	{
		.function = KVM_CPUID_FEATURES,
		.eax = 1u << KVM_FEATURE_NOP_IO_DELAY | 1u << KVM_FEATURE_MSI_EXT_DEST_ID,
	},
};

#define NR_HYPERVISOR	(sizeof(hypervisor) / sizeof(hypervisor[0]))

static struct kvm_cpuid_entry2 entry_to_kvm(const struct axv_x86_cpuid *leaf)
{
	return (struct kvm_cpuid_entry2){
		.function = leaf->leaf,
		.index = leaf->subleaf,
		.flags = leaf->flags & AXV_X86_CPUID_SUBLEAF ?
			 KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
		.eax = leaf->eax,
		.ebx = leaf->ebx,
		.ecx = leaf->ecx,
		.edx = leaf->edx,
	};
}

int cpuid_supported(struct axv_host *host, struct kvm_cpuid2 *cpuid)
{
	struct axv_x86_cpuid *leaves;
	unsigned int i;
	int n;

	n = axv_supported_cpuid(host, &leaves);
	if (n < 0) {
		debug("%s", axv_error());
		return n;
	}
	/* KVM does not say how many leaves there are; a caller that gets E2BIG doubles the room. */
	if (cpuid->nent < n + NR_HYPERVISOR) {
		free(leaves);
		return -E2BIG;
	}
	for (i = 0; i < (unsigned int)n; i++) {
		cpuid->entries[i] = entry_to_kvm(&leaves[i]);
		/* x2APIC mode needs nothing of the host's processor. */
		if (leaves[i].leaf == LEAF_FEATURES)
			cpuid->entries[i].ecx |= ECX_X2APIC | ECX_HYPERVISOR;
	}
	free(leaves);
	memcpy(&cpuid->entries[n], hypervisor, sizeof(hypervisor));
	cpuid->nent = n + NR_HYPERVISOR;
	return 0;
}

static bool same_question(const struct axv_x86_cpuid *a, const struct axv_x86_cpuid *b)
{
	/*
	 * An entry with a subleaf and one without are the same, too: the module refuses a table
	 * with both.
	 */
	return a->leaf == b->leaf &&
	       (a->subleaf == b->subleaf || !(a->flags & b->flags & AXV_X86_CPUID_SUBLEAF));
}

unsigned int cpuid_from_kvm(const struct kvm_cpuid_entry2 *entries, unsigned int count,
			    struct axv_x86_cpuid *leaves)
{
	unsigned int i, j, n = 0;

	for (i = 0; i < count; i++) {
		const struct kvm_cpuid_entry2 *e = &entries[i];
		bool subleaf = e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX;
		const struct axv_x86_cpuid leaf = {
			.leaf = e->function,
			.subleaf = subleaf ? e->index : 0,
			.flags = subleaf ? AXV_X86_CPUID_SUBLEAF : 0,
			.eax = e->eax,
			.ebx = e->ebx,
			.ecx = e->ecx,
			.edx = e->edx,
		};

		for (j = 0; j < n && !same_question(&leaves[j], &leaf); j++)
			;
		if (j == n)
			leaves[n++] = leaf;
	}
	return n;
}

/* KVM's table as one of the module's, to be freed; NULL: no memory. */
static struct axv_x86_cpuid *convert(const struct kvm_cpuid2 *cpuid, __u32 count, unsigned int *n)
{
	struct axv_x86_cpuid *leaves = calloc(count + 1, sizeof(*leaves));

	if (leaves)
		*n = cpuid_from_kvm(cpuid->entries, count, leaves);
	return leaves;
}

int cpuid_set(struct vcpu *v, const struct kvm_cpuid2 *cpuid)
{
	const __u32 count = cpuid->nent;
	struct axv_x86_cpuid *leaves;
	unsigned int n;
	int err;

	if (count > LEAVES_MAX)
		return -E2BIG;
	leaves = convert(cpuid, count, &n);
	if (!leaves)
		return -ENOMEM;
	err = axv_vcpu_set_cpuid(v->axv, leaves, n);
	if (err) {
		debug("%s", axv_error());
		free(leaves);
		return err;
	}
	free(v->cpuid);
	v->cpuid = leaves;
	v->nr_cpuid = n;
	return 0;
}

static bool same_table(const struct axv_x86_cpuid *a, int nr_a, const struct axv_x86_cpuid *b,
		       int nr_b)
{
	return nr_a == nr_b && nr_a > 0 && !memcmp(a, b, nr_a * sizeof(*a));
}

bool cpuid_is_set(struct vcpu *v, const struct kvm_cpuid2 *cpuid)
{
	const __u32 count = cpuid->nent;
	struct axv_x86_cpuid *leaves, *now = NULL;
	unsigned int n;
	int nr_now;
	bool same;

	leaves = count <= LEAVES_MAX ? convert(cpuid, count, &n) : NULL;
	if (!leaves)
		return false;
	same = same_table(leaves, n, v->cpuid, v->nr_cpuid);
	/* What KVM_GET_CPUID2 tells differs where the module cannot honour a feature. */
	if (!same) {
		nr_now = axv_vcpu_get_cpuid(v->axv, &now);
		same = same_table(leaves, n, now, nr_now);
		free(now);
	}
	free(leaves);
	return same;
}

int cpuid_get(struct vcpu *v, struct kvm_cpuid2 *cpuid)
{
	struct axv_x86_cpuid *leaves;
	unsigned int room = cpuid->nent, i;
	int n;

	n = axv_vcpu_get_cpuid(v->axv, &leaves);
	if (n < 0)
		return n;
	cpuid->nent = n;
	for (i = 0; i < (unsigned int)n && room >= (unsigned int)n; i++)
		cpuid->entries[i] = entry_to_kvm(&leaves[i]);
	free(leaves);
	return room < (unsigned int)n ? -E2BIG : 0;
}
