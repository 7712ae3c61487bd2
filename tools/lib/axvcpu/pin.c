// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Placement: the driver verifies where a thread runs but never moves it; this file moves
 * it.  Masks may have any length (CPU_ALLOC(3)).
 */
#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#include "lib.h"

/* No host has CPU numbers beyond this; it bounds what a list may allocate. */
#define MAX_CPU		(1ul << 20)

static int set_affinity(struct axv_vcpu *vcpu, const void *set, size_t size)
{
	if (!sched_setaffinity(0, size, set))
		return 0;
	if (errno != EINVAL)
		return axv_fail_call(NULL, "pin the thread of vCPU %u", vcpu->id);
	return axv_fail_call("none of its CPUs is online and allowed to this thread",
			     "pin the thread of vCPU %u", vcpu->id);
}

int axv_pin_thread(struct axv_vcpu *vcpu)
{
	cpu_set_t *set;
	size_t size;
	int ret;

	if (vcpu->favor_phys_cpu < 0) {
		if (!vcpu->cpu_set_size)
			return 0;
		return set_affinity(vcpu, vcpu->cpu_set, vcpu->cpu_set_size);
	}
	set = CPU_ALLOC(vcpu->favor_phys_cpu + 1);
	if (!set)
		return axv_fail(ENOMEM, "pin the thread of vCPU %u: out of memory",
				vcpu->id);
	size = CPU_ALLOC_SIZE(vcpu->favor_phys_cpu + 1);
	CPU_ZERO_S(size, set);
	CPU_SET_S(vcpu->favor_phys_cpu, size, set);
	ret = set_affinity(vcpu, set, size);
	CPU_FREE(set);
	return ret;
}

/* Parse one number of a list, and move @p past it. */
static bool parse_cpu(const char **p, unsigned long *cpu)
{
	char *end;

	if (!isdigit((unsigned char)**p))
		return false;
	errno = 0;
	*cpu = strtoul(*p, &end, 10);
	*p = end;
	return !errno && *cpu < MAX_CPU;
}

/* Parse one "a" or "a-b" of a list, and the comma after it. */
static bool parse_range(const char **p, unsigned long *first, unsigned long *last)
{
	if (!parse_cpu(p, first))
		return false;
	*last = *first;
	if (**p == '-') {
		(*p)++;
		if (!parse_cpu(p, last) || *last < *first)
			return false;
	}
	if (**p == ',') {
		(*p)++;
		return **p;
	}
	return !**p;
}

int axv_parse_cpus(const char *list, void **set, size_t *size)
{
	unsigned long highest = 0;
	unsigned long first;
	unsigned long last;
	const char *p = list;
	cpu_set_t *mask;
	size_t bytes;

	do {
		if (!parse_range(&p, &first, &last))
			return axv_fail(EINVAL, "\"%s\" is no list of CPUs: write it as 0-3,8",
					list);
		if (last > highest)
			highest = last;
	} while (*p);

	bytes = CPU_ALLOC_SIZE(highest + 1);
	mask = calloc(1, bytes);
	if (!mask)
		return axv_fail(ENOMEM, "list of CPUs: out of memory");
	p = list;
	do {
		parse_range(&p, &first, &last);
		for (; first <= last; first++)
			CPU_SET_S(first, bytes, mask);
	} while (*p);
	*set = mask;
	*size = bytes;
	return 0;
}
