/* SPDX-License-Identifier: GPL-2.0 */
/* What a machine is to boot. */
#ifndef AXVMM_BOOT_H
#define AXVMM_BOOT_H

/**
 * struct boot_config - what to boot
 * @kernel:	path of the kernel; NULL if there is @firmware
 * @initrd:	path of the initial RAM disk; NULL: none
 * @append:	the kernel's command line
 * @firmware:	path of the firmware, which runs instead of a kernel; or NULL
 */
struct boot_config {
	const char *kernel;
	const char *initrd;
	const char *append;
	const char *firmware;
};

#endif /* AXVMM_BOOT_H */
