/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages to the user.  All go to the standard error stream, one line each,
 * so that the standard output is the guest's console alone.
 *
 * Before log_start() a message is written at once.  From then on messages go
 * into a ring, which a thread writes: if no program reads the stream, a write to it
 * with the machine's lock held would stop the machine.  A message that does not fit
 * into the ring is dropped, and the number of dropped messages is written.  When the ring is
 * half full, log_trace()'s messages are dropped, others not.
 */
#ifndef AXVMM_LOG_H
#define AXVMM_LOG_H

#include <stdbool.h>

#include "message.h"

/**
 * log_start() - from now on, let a thread write the messages
 *
 * Context: before other threads.
 * Return: 0 or a negative errno; the error has been printed.
 */
int log_start(void);

/**
 * log_flush() - wait until the messages have been written
 *
 * Context: may wait some seconds for a stream that no program reads.
 */
void log_flush(void);

/* Say whether the terminal is raw: then each line ends with "\r\n". */
void log_set_raw(bool raw);

void log_enable(unsigned int topics);
bool log_enabled(enum log_topic topic);

/* Print what the user has to know in any case, such as why the guest ended. */
__attribute__((format(printf, 1, 2)))
void log_notice(const char *fmt, ...);

/* Print a line of a table, without the name of the program. */
__attribute__((format(printf, 1, 2)))
void log_plain(const char *fmt, ...);

#define LOG_LIMIT_COUNT		5
#define LOG_LIMIT_SECONDS	60

/**
 * struct log_limit - how often a message was asked for; guarded by the machine's
 *		      lock
 * @start:	when the current period began, in clock_now() time; 0: never
 * @count:	how often it was asked for since then
 */
struct log_limit {
	u64 start;
	unsigned int count;
};

/**
 * log_allowed() - whether a message is to be printed
 * @limit:	the message's limit
 *
 * LOG_LIMIT_COUNT of them are allowed in LOG_LIMIT_SECONDS.
 *
 * Context: with the machine's lock held.
 */
bool log_allowed(struct log_limit *limit);

/*
 * Print a notice that the guest can cause at will; the limit keeps it from filling a disk.
 * Context: with the machine's lock held.
 */
#define log_guest(...)							\
	do {								\
		static struct log_limit limit_;				\
									\
		if (log_allowed(&limit_))				\
			log_notice(__VA_ARGS__);			\
	} while (0)

#endif /* AXVMM_LOG_H */
