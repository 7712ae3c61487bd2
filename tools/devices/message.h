/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* Messages of devices.  The program that the devices are in decides where messages go. */
#ifndef DEVICES_MESSAGE_H
#define DEVICES_MESSAGE_H

#include "types.h"

/**
 * enum log_topic - what a message is about, of those that are not always printed
 * @LOG_INFO:	what axvmm does: memory map, entry point, end of the guest
 * @LOG_SYSREG:	MSRs, or system registers, that axvmm answers
 * @LOG_IO:	accesses to ports and addresses where there is no device
 */
enum log_topic {
	LOG_INFO = BIT(0),
	LOG_SYSREG = BIT(1),
	LOG_IO = BIT(2),
};

/* Print an error, with what to do about it.  Errors are always printed. */
__attribute__((format(printf, 1, 2)))
void log_error(const char *fmt, ...);

/* Print a message if the user has asked for @topic. */
__attribute__((format(printf, 2, 3)))
void log_trace(enum log_topic topic, const char *fmt, ...);

#endif /* DEVICES_MESSAGE_H */
