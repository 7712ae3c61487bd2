/* SPDX-License-Identifier: GPL-2.0 */
/* Included first: the ABI of arm64 instead of this machine's. */
#define _UAPI_ASM_X86_AXVCPU_H
#define AXVCPU_X86_H
#include <linux/types.h>
#include <asm-arm64/axvcpu.h>
