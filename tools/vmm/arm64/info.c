// SPDX-License-Identifier: GPL-2.0
/* axvmm info: arm64 hosts have nothing that the common part does not print. */
#include "info.h"

int info_arch(struct axv_host *host)
{
	(void)host;
	return 0;
}
