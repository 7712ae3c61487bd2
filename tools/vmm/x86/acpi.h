/* SPDX-License-Identifier: GPL-2.0 */
/* ACPI tables: what the guest is told about the machine. */
#ifndef AXVMM_ACPI_H
#define AXVMM_ACPI_H

#include "types.h"

#define ACPI_SIZE	1024	/* bytes of all tables, at most */

/**
 * acpi_build() - make the tables
 * @tables:	where to store them, ACPI_SIZE bytes; the RSDP is the first
 * @gpa:	where the guest will see @tables, aligned to 64 bytes
 */
void acpi_build(void *tables, u32 gpa);

#endif /* AXVMM_ACPI_H */
