/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where a measured path begins and ends, said in an instruction that does
 * nothing: for costs.c, which watches the emulator.
 */
#ifndef MARKER_H
#define MARKER_H

#define MARKER_BASE	0xa5be0000u
#define MARKER_PATHS	16
#define MARKER_END	0xffff

/* Both interfaces run the same program, so a path is a name alone. */
enum marker_path {
	PATH_EXIT_OUT,
	PATH_EXIT_MMIO,
	PATH_EXIT_HYPERCALL,
	PATH_EXIT_CPUID,	/* a run with CPUID_EXITS of them */
	PATH_REGISTERS,
	PATH_EXIT_OUT_REGISTERS,
	PATH_FIRST_TOUCH,	/* a run with TOUCHED_PAGES of them */
	PATH_KICK,
	PATH_CREATE,
};

#define MARK(path)						\
	asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00; .long %c0"	\
		     : : "i" (MARKER_BASE | (path)) : "memory")

#endif /* MARKER_H */
