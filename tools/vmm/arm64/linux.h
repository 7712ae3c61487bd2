/* SPDX-License-Identifier: GPL-2.0 */
/* Loading a Linux kernel, or a firmware. */
#ifndef AXVMM_LINUX_H
#define AXVMM_LINUX_H

#include "boot.h"
#include "memory.h"

/**
 * struct linux_image - what has been loaded
 * @entry:	where the boot processor begins
 * @initrd:	address of the initial RAM disk
 * @initrd_size: its bytes; 0: there is none
 */
struct linux_image {
	u64 entry;
	u64 initrd;
	u64 initrd_size;
};

/**
 * linux_load() - put a kernel, and its initial RAM disk, into guest memory
 * @mem:	the guest's memory
 * @config:	what to boot
 * @image:	where to store the addresses
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int linux_load(const struct memory *mem, const struct boot_config *config,
	       struct linux_image *image);

/**
 * firmware_load() - put a firmware at the start of flash memory, where the guest begins
 * @mem:	the guest's memory
 * @path:	path of the firmware
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int firmware_load(const struct memory *mem, const char *path);

#endif /* AXVMM_LINUX_H */
