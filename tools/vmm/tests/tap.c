// SPDX-License-Identifier: GPL-2.0
/* TAP output. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

static bool failed;

void tap_fail(const char *file, int line, const char *fmt, ...)
{
	const char *name = strrchr(file, '/');
	va_list args;

	failed = true;
	printf("# %s:%d: ", name ? name + 1 : file, line);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	printf("\n");
}

int tap_child(void (*fn)(const void *arg), const void *arg, char *said, size_t size)
{
	int fds[2], status;
	size_t have = 0;
	ssize_t n;
	pid_t pid;

	CHECK(!pipe(fds));
	pid = fork();
	if (!pid) {
		dup2(fds[1], STDERR_FILENO);
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		fn(arg);
		_exit(127);
	}
	close(fds[1]);
	while (have < size - 1 && (n = read(fds[0], said + have, size - 1 - have)) > 0)
		have += n;
	said[have] = '\0';
	close(fds[0]);
	CHECK(waitpid(pid, &status, 0) == pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int tap_run(const struct tap_case *cases, unsigned int count)
{
	unsigned int i, failures = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("TAP version 13\n1..%u\n", count);
	for (i = 0; i < count; i++) {
		failed = false;
		cases[i].run();
		failures += failed;
		printf("%sok %u %s\n", failed ? "not " : "", i + 1,
		       cases[i].name);
	}
	return failures ? 1 : 0;
}
