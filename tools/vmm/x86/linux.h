/* SPDX-License-Identifier: GPL-2.0 */
/* Loading a Linux kernel: the x86 boot protocol. */
#ifndef AXVMM_LINUX_H
#define AXVMM_LINUX_H

#include "boot.h"
#include "memory.h"

/**
 * struct linux_entry - how to start the boot processor (32-bit boot protocol)
 * @ip:		instruction pointer
 * @boot_params: what ESI holds
 * @gdt:	address of the GDT that has @cs and @ds
 * @gdt_limit:	limit of the GDT
 * @cs:		selector of the code segment
 * @ds:		selector of the other segments
 */
struct linux_entry {
	u32 ip;
	u32 boot_params;
	u32 gdt;
	u32 gdt_limit;
	u16 cs;
	u16 ds;
};

/**
 * linux_load() - put a kernel and what it needs into guest memory
 * @mem:	the guest's memory
 * @config:	what to boot
 * @tsc_khz:	frequency of the guest's TSC, added to the command line
 * @apics:	CPUs with a local APIC, as for acpi_build()
 * @entry:	where to store how to start the kernel
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int linux_load(const struct memory *mem, const struct boot_config *config,
	       u32 tsc_khz, unsigned int apics, struct linux_entry *entry);

#endif /* AXVMM_LINUX_H */
