/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The paths that are measured, and the markers where they begin and end: instructions that
 * do nothing, by which bench.c tells costs.c, a plugin of the emulator, what it measures.
 */
#ifndef MARKER_H
#define MARKER_H

#include "arch.h"

enum path {
	PATH_EMPTY,
	PATH_EXIT_OUT,
	PATH_EXIT_IN,
	PATH_EXIT_MMIO,
	PATH_EXIT_MMIO_READ,
	PATH_EXIT_HYPERCALL,
	PATH_EXIT_ANSWERED,
	PATH_DOORBELL_PORT,
	PATH_DOORBELL_MMIO,
	PATH_REGISTERS,
	PATH_EXIT_REGISTERS,
	PATH_FIRST_TOUCH,
	PATH_KICK,
	PATH_CREATE,
	PATH_TAKE_1,
	PATH_TAKE_MANY,
	PATH_LOG_ON,
	PATH_LOG_OFF,
	PATH_SELF,
	PATH_EOI,
	PATH_EOI_XAPIC,
	PATH_TICK,
	PATH_DEADLINE,
	PATH_PING,
	PATH_RING,
	PATH_WAKE,
	PATH_TIMERFD,
	PATH_THREADS_FUTEX,
	PATH_THREADS_EVENTFD,
	PATH_THREAD_WOKEN,
	PATH_BOOT,
	PATH_RUN,
	PATHS,
};

#define ANSWERED_EXITS	64
#define TOUCHED_PAGES	128
#define MANY_VCPUS	250	/* vCPUs of take_page_250 */
#define SELF_IPIS	64
#define KEPT_INTERRUPTS	11	/* one for each priority from INT_KEPT up */
#define TICKS_IN_A_RUN	4
#define PINGS		8

/* The rounds of a path that are traced, in an emulator without plugins. */
#define FIRST_TRACED	5
#define TRACED		3

/**
 * struct path_info - a path that is measured
 * @name:	the path's name; NULL: the path is only there to be subtracted
 * @units:	how many times the guest does it between two markers, in one run; a PATH_RUN
 *		is subtracted; 0: not in one run
 * @times:	how many times it is done between two markers, with nothing else; 0: once
 * @long_round:	a round is too long for a trace
 */
struct path_info {
	const char *name;
	unsigned int units;
	unsigned int times;
	int long_round;
};

static const struct path_info path_info[PATHS] = {
	[PATH_EMPTY] = { "empty_ioctl", .times = TIMES },
	[PATH_EXIT_OUT] = { "exit_out", .times = TIMES },
	[PATH_EXIT_IN] = { "exit_in", .times = TIMES },
	[PATH_EXIT_MMIO] = { "exit_mmio", .times = TIMES },
	[PATH_EXIT_MMIO_READ] = { "exit_mmio_read", .times = TIMES },
	[PATH_EXIT_HYPERCALL] = { "exit_hypercall", .times = TIMES },
	[PATH_EXIT_ANSWERED] = { ANSWERED_NAME, .units = ANSWERED_EXITS },
	[PATH_DOORBELL_PORT] = { "doorbell_port", .units = ANSWERED_EXITS },
	[PATH_DOORBELL_MMIO] = { "doorbell_mmio", .units = ANSWERED_EXITS },
	[PATH_REGISTERS] = { "registers_by_ioctl", .times = TIMES },
	[PATH_EXIT_REGISTERS] = { WITH_REGISTERS_NAME, .times = TIMES },
	[PATH_FIRST_TOUCH] = { "first_touch", .units = TOUCHED_PAGES },
	[PATH_KICK] = { "kick_pending" },
	[PATH_CREATE] = { "create_to_first_exit", .long_round = 1 },
	[PATH_TAKE_1] = { "take_page_1", .times = TIMES },
	[PATH_TAKE_MANY] = { "take_page_250", .times = TIMES },
	[PATH_LOG_ON] = { "log_on", .long_round = 1 },
	[PATH_LOG_OFF] = { "log_off", .long_round = 1 },
	[PATH_SELF] = { "ipi_to_self", .units = SELF_IPIS },
	[PATH_EOI] = { "eoi", .units = KEPT_INTERRUPTS },
	[PATH_EOI_XAPIC] = { "eoi_xapic", .units = KEPT_INTERRUPTS },
	[PATH_TICK] = { "timer_tick", .units = TICKS_IN_A_RUN },
	[PATH_DEADLINE] = { "timer_deadline", .units = TICKS_IN_A_RUN },
	[PATH_PING] = { "ipi_and_back", .units = PINGS },
	[PATH_RING] = { "irqfd_and_doorbell", .times = TIMES },
	[PATH_WAKE] = { "halt_and_wake", .times = TIMES },
	[PATH_TIMERFD] = { "timerfd_tick", .times = TICKS_IN_A_RUN },
	[PATH_THREADS_FUTEX] = { "threads_by_futex", .times = TIMES },
	[PATH_THREADS_EVENTFD] = { "threads_by_eventfd", .times = TIMES },
	[PATH_THREAD_WOKEN] = { "thread_woken", .times = TIMES },
	[PATH_BOOT] = { "linux_boot" },
};

/* Arguments of MARK(), besides an enum path: the interface, or the end of a path. */
#define MARKER_KVM	0x1000
#define MARKER_AXVCPU	0x1001
#define MARKER_END	0xffff

#endif /* MARKER_H */
