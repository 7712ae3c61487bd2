// SPDX-License-Identifier: GPL-2.0
/* axvmm info: what an arm64 host has besides is in the common part. */
#include "info.h"

int info_arch(struct axv_host *host)
{
	(void)host;
	return 0;
}
