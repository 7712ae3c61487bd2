// SPDX-License-Identifier: GPL-2.0
/* axvmm info: what only x86 hosts have. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "info.h"

int info_arch(struct axv_host *host)
{
	struct axv_x86_cpuid *leaves;
	char vendor[13] = "";
	int i, count;

	count = axv_supported_cpuid(host, &leaves);
	if (count < 0)
		return count;
	for (i = 0; i < count; i++) {
		if (leaves[i].leaf)
			continue;
		memcpy(vendor, &leaves[i].ebx, 4);
		memcpy(vendor + 4, &leaves[i].edx, 4);
		memcpy(vendor + 8, &leaves[i].ecx, 4);
	}
	info_label("CPUID");
	printf("%d leaves, %s\n", count, vendor);
	free(leaves);
	return 0;
}
