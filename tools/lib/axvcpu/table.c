// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Tables: arrays whose length only the kernel knows.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "lib.h"

static const char *table_name(__u32 kind)
{
	switch (kind) {
	case AXV_TABLE_REGS:
		return "register list";
	case AXV_TABLE_X86_CPUID:
		return "CPUID table";
	case AXV_TABLE_X86_MSR_POLICY:
		return "MSR policy";
	default:
		return "table";
	}
}

int axv_get_table(int fd, __u32 kind, size_t entry_size, void **entries)
{
	struct axv_table table = { .kind = kind, .entry_size = entry_size };
	void *array = NULL;

	/* Ask until the array is long enough: a table may grow in between. */
	while (ioctl(fd, AXV_GET_TABLE, &table)) {
		if (errno != E2BIG) {
			free(array);
			return axv_fail_call(NULL, "get the %s", table_name(kind));
		}
		free(array);
		array = calloc(table.count, entry_size);
		if (!array)
			return axv_fail(ENOMEM, "get the %s: out of memory",
					table_name(kind));
		table.entries = (uintptr_t)array;
	}
	*entries = array;
	return table.count;
}

int axv_set_table(int fd, __u32 kind, size_t entry_size, void *entries,
		  unsigned int count)
{
	struct axv_table table = {
		.kind = kind,
		.count = count,
		.entry_size = entry_size,
		.entries = (uintptr_t)entries,
	};
	const char *hint = NULL;

	if (ioctl(fd, AXV_SET_TABLE, &table)) {
		if (kind == AXV_TABLE_X86_CPUID && errno == EINVAL)
			hint = "it offers what this host cannot honour: see axv_supported_cpuid()";
		else if (kind == AXV_TABLE_X86_CPUID && errno == EBADFD)
			hint = "set it before axv_vcpu_bind(), in state Created or Free";
		else if (kind == AXV_TABLE_X86_MSR_POLICY && errno == EINVAL)
			hint = "ranges must not overlap, and first may not be above last";
		return axv_fail_call(hint, "set the %s", table_name(kind));
	}
	return 0;
}
