/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is measured, and where it begins and ends: said to costs.c, which
 * watches the emulator, in an instruction that does nothing.
 */
#ifndef MARKER_H
#define MARKER_H

enum path {
	PATH_EMPTY,
	PATH_EXIT_OUT,
	PATH_EXIT_MMIO,
	PATH_EXIT_HYPERCALL,
	PATH_EXIT_CPUID,
	PATH_REGISTERS,
	PATH_EXIT_OUT_REGISTERS,
	PATH_FIRST_TOUCH,
	PATH_KICK,
	PATH_CREATE,
	PATH_BOOT,
	PATH_RUN,
	PATHS,
};

#define CPUID_EXITS	64
#define TOUCHED_PAGES	128

/**
 * struct path_info - a path that is measured
 * @name:	what it is called; NULL: only there to be subtracted
 * @units:	so many of it are between two markers, and then a PATH_RUN, which
 *		is subtracted; 0: it is alone
 */
struct path_info {
	const char *name;
	unsigned int units;
};

static const struct path_info path_info[PATHS] = {
	[PATH_EMPTY] = { "empty_ioctl" },
	[PATH_EXIT_OUT] = { "exit_out" },
	[PATH_EXIT_MMIO] = { "exit_mmio" },
	[PATH_EXIT_HYPERCALL] = { "exit_hypercall" },
	[PATH_EXIT_CPUID] = { "exit_cpuid", CPUID_EXITS },
	[PATH_REGISTERS] = { "registers_by_ioctl" },
	[PATH_EXIT_OUT_REGISTERS] = { "exit_out_with_registers" },
	[PATH_FIRST_TOUCH] = { "first_touch", TOUCHED_PAGES },
	[PATH_KICK] = { "kick_pending" },
	[PATH_CREATE] = { "create_to_first_exit" },
	[PATH_BOOT] = { "linux_boot" },
};

/* A long NOP whose displacement says a path, the interface, or an end. */
#define MARKER_BASE	0xa5be0000u
#define MARKER_KVM	0x1000
#define MARKER_AXVCPU	0x1001
#define MARKER_END	0xffff

#define MARK(what)						\
	asm volatile(".byte 0x0f, 0x1f, 0x84, 0x00; .long %c0"	\
		     : : "i" (MARKER_BASE | (what)) : "memory")

#endif /* MARKER_H */
