/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages to the user.  All go to the standard error stream, one line each,
 * so that the standard output is the guest's console alone.
 */
#ifndef AXVMM_LOG_H
#define AXVMM_LOG_H

#include <stdbool.h>

#include "types.h"

/**
 * enum log_topic - what -v and --trace-* switch on
 * @LOG_INFO:	what axvmm does: memory map, entry point, end of the guest
 * @LOG_SYSREG:	MSRs, or system registers, that axvmm answers
 * @LOG_IO:	accesses to ports and addresses where there is no device
 */
enum log_topic {
	LOG_INFO = BIT(0),
	LOG_SYSREG = BIT(1),
	LOG_IO = BIT(2),
};

/* Printed after each line: "\r\n" while the terminal is raw. */
void log_set_raw(bool raw);

void log_enable(unsigned int topics);
bool log_enabled(enum log_topic topic);

/* An error, with what to do about it; always printed. */
__attribute__((format(printf, 1, 2)))
void log_error(const char *fmt, ...);

/* What the user has to know in any case: why the guest ended. */
__attribute__((format(printf, 1, 2)))
void log_notice(const char *fmt, ...);

/* Printed if @topic is enabled. */
__attribute__((format(printf, 2, 3)))
void log_trace(enum log_topic topic, const char *fmt, ...);

#endif /* AXVMM_LOG_H */
