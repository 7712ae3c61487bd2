/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The version of the module, the libraries, axvmm and the packages.  tools/scripts/tools.mk
 * reads it from this file.
 *
 * It follows Semantic Versioning, for libaxvcpu: its first number is that of the soname.
 * AXV_ABI_VERSION of the user ABI is another thing.
 */
#ifndef _AXVCPU_VERSION_H
#define _AXVCPU_VERSION_H

#define AXV_VERSION "0.1.0"

#endif
