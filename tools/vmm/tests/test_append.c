// SPDX-License-Identifier: GPL-2.0
/* Tests of what is added to the guest kernel's command line. */
#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "append.h"
#include "tap.h"

static void check_append(const char *append, const char *expected)
{
	char *got = append_terminal(append);

	CHECK(got);
	if (got && strcmp(got, expected))
		tap_fail(__FILE__, __LINE__, "it is \"%s\", not \"%s\"", got, expected);
	free(got);
}

static void stdin_is(int fd)
{
	CHECK(dup2(fd, STDIN_FILENO) == STDIN_FILENO);
	close(fd);
}

static void size(void)
{
	const struct winsize winsize = { .ws_row = 41, .ws_col = 133 };
	int master, slave;

	CHECK(!openpty(&master, &slave, NULL, NULL, &winsize));
	stdin_is(slave);
	check_append("a",
		     "a LINES=41 COLUMNS=133 systemd.setenv=LINES=41 systemd.setenv=COLUMNS=133");
	check_append("a LINES=7", "a LINES=7");
	check_append("COLUMNS=7 b", "COLUMNS=7 b");
	close(master);
}

static void no_size(void)
{
	int master, slave;

	CHECK(!openpty(&master, &slave, NULL, NULL, NULL));
	stdin_is(slave);
	check_append("console=ttyS0", "console=ttyS0");
	close(master);
	stdin_is(open("/dev/null", O_RDONLY));
	check_append("console=ttyS0", "console=ttyS0");
}

static const struct tap_case cases[] = {
	{ "the terminal's size", size },
	{ "no terminal, or one without a size", no_size },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
