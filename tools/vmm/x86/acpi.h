/* SPDX-License-Identifier: GPL-2.0 */
/* ACPI tables: what the guest is told about the machine. */
#ifndef AXVMM_ACPI_H
#define AXVMM_ACPI_H

#include "types.h"

#define ACPI_SIZE	16384	/* bytes of all tables, at most */
#define ACPI_APICS_MAX	1024	/* CPUs that the tables have room for */

/**
 * acpi_build() - make the tables
 * @tables:	where to store them, ACPI_SIZE bytes; the RSDP is the first
 * @gpa:	where the guest will see @tables, aligned to 64 bytes
 * @apics:	CPUs with a local APIC, with the ids 0, 1 and so on, at most
 *		ACPI_APICS_MAX; then there are an I/O APIC and PCI, too.  0: there is one
 *		CPU, and no local APIC, I/O APIC or PCI
 */
void acpi_build(void *tables, u32 gpa, unsigned int apics);

#endif /* AXVMM_ACPI_H */
