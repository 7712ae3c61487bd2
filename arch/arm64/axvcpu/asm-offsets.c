// SPDX-License-Identifier: GPL-2.0
/* Offsets that entry.S needs, turned into a header by the build. */
#define COMPILE_OFFSETS

#include <linux/kbuild.h>

#include "arm64.h"

static void __used axv_arm64_offsets(void)
{
	OFFSET(AXV_ARM64_X, axv_arm64_gprs, x);
	OFFSET(AXV_ARM64_SP, axv_arm64_gprs, sp_el0);
	DEFINE(AXV_ARM64_SYNC, AXV_EL2_SYNC);
	DEFINE(AXV_ARM64_IRQ, AXV_EL2_IRQ);
	DEFINE(AXV_ARM64_SERROR, AXV_EL2_SERROR);
	DEFINE(AXV_ARM64_CLRBHB, AXV_HARDEN_CLRBHB);
}
