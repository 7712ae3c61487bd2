// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the messages, if no program reads the standard error stream.  A child process logs;
 * its stream is a pipe that the test reads, or does not read.
 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fake.h"
#include "log.h"
#include "tap.h"

#define DEADLINE	60000	/* ms that the test waits for something that has to happen */

/* More than the ring and a pipe take together. */
#define MESSAGES	20000u

static pid_t pid;
static int stream;
static int logged[2];		/* pipe that the child writes when it has logged all */

static void start(void (*child)(void))
{
	int fds[2];

	CHECK(!pipe(fds) && !pipe(logged));
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDERR_FILENO);
		close(fds[0]);
		close(fds[1]);
		if (log_start())
			exit(1);
		child();
		exit(0);
	}
	close(fds[1]);
	stream = fds[0];
	close(logged[1]);
}

static FILE *read_when_logged(void)
{
	struct pollfd fd = { .fd = logged[0], .events = POLLIN };

	CHECK(poll(&fd, 1, DEADLINE) == 1);
	close(logged[0]);
	return fdopen(stream, "r");
}

/* In the child: let the parent read. */
static void flush(void)
{
	close(logged[0]);
	close(logged[1]);
	log_flush();
}

/* Wait for the child.  Returns whether it has ended by itself. */
static bool ended(void)
{
	struct pollfd fd = { .fd = syscall(SYS_pidfd_open, pid, 0), .events = POLLIN };
	bool ends = poll(&fd, 1, DEADLINE) == 1;
	int status;

	if (!ends)
		kill(pid, SIGKILL);
	close(fd.fd);
	CHECK(waitpid(pid, &status, 0) == pid);
	return ends && !status;
}

static void flood(void)
{
	unsigned int i;

	for (i = 0; i < MESSAGES; i++)
		log_notice("message %u", i);
}

static void nobody_reads(void)
{
	start(flood);
	CHECK(ended());
	close(logged[0]);
	close(stream);
}

static void flood_and_flush(void)
{
	flood();
	flush();
	/* There is room in the ring now. */
	log_notice("the last one");
	log_flush();
}

/* The reader gets whole lines, in order, and the number of those that are missing. */
static void slow_reader(void)
{
	unsigned long read = 0, dropped = 0, n;
	char line[256], last[256] = "";
	long before = -1;
	FILE *in;

	start(flood_and_flush);
	in = read_when_logged();
	while (fgets(line, sizeof(line), in)) {
		if (sscanf(line, "axvmm: message %lu\n", &n) == 1) {
			CHECK((long)n > before);
			before = n;
			read++;
		} else if (sscanf(line, "axvmm: %lu messages dropped", &n) == 1) {
			dropped += n;
		}
		strcpy(last, line);
	}
	CHECK(ended());
	CHECK_EQ(read + dropped, MESSAGES);
	CHECK(!strcmp(last, "axvmm: the last one\n"));
	fclose(in);
}

static void trace_and_error(void)
{
	unsigned int i;

	log_enable(LOG_IO);
	for (i = 0; i < MESSAGES; i++)
		log_trace(LOG_IO, "trace %u", i);
	log_error("something failed");
	flush();
}

static void error_behind_traces(void)
{
	bool found = false;
	char line[256];
	FILE *in;

	start(trace_and_error);
	in = read_when_logged();
	while (fgets(line, sizeof(line), in))
		found = found || !strcmp(line, "axvmm: something failed\n");
	CHECK(found);
	CHECK(ended());
	fclose(in);
}

static unsigned int allowed(struct log_limit *limit, unsigned int asked)
{
	unsigned int n = 0;

	while (asked--)
		n += log_allowed(limit);
	return n;
}

static void limits(void)
{
	struct log_limit a = { 0 }, b = { 0 };

	fake_reset();
	CHECK_EQ(allowed(&a, 1000), LOG_LIMIT_COUNT);
	CHECK_EQ(allowed(&b, 1), 1);
	fake_advance(LOG_LIMIT_SECONDS * NSEC_PER_SEC - 1);
	CHECK_EQ(allowed(&a, 1000), 0);
	fake_advance(1);
	CHECK_EQ(allowed(&a, 1000), LOG_LIMIT_COUNT);
}

static const struct tap_case cases[] = {
	{ "a stream that no program reads keeps no thread waiting", nobody_reads },
	{ "what is dropped is counted", slow_reader },
	{ "an error gets into a ring full of traces", error_behind_traces },
	{ "what the guest causes is limited", limits },
};

int main(void)
{
	signal(SIGPIPE, SIG_IGN);
	return tap_run(cases, ARRAY_SIZE(cases));
}
