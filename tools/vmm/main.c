// SPDX-License-Identifier: GPL-2.0
/* axvmm: the command line. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "commands.h"
#include "log.h"
#include "types.h"

/**
 * struct command - a subcommand
 * @name:	its name
 * @help:	one line about it
 * @run:	function that executes it
 */
struct command {
	const char *name;
	const char *help;
	int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
	{ "run", "run a Linux kernel as a guest", run_command },
	{ "info", "show what this host offers", info_command },
	{ "list", "list the guests that run", list_command },
	{ "stop", "ask a guest to switch itself off", tell_command },
	{ "pause", "keep a guest from running", tell_command },
	{ "resume", "let a paused guest go on", tell_command },
	{ "balloon", "show how much memory a guest keeps, or change it", balloon_command },
	{ "console", "give a guest's console this terminal", console_command },
	{ "stat", "show what a guest has caused", stat_command },
	{ "top", "show what a guest causes each second", top_command },
};

static int usage(FILE *out)
{
	unsigned int i;

	fprintf(out, "Usage: axvmm COMMAND [OPTION]...\n\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-7s %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\naxvmm run --help tells the options, axvmm --version the version;\n"
		"see axvmm(1).\n");
	return out == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

/*
 * Open /dev/null for each of the descriptors 0, 1 and 2 that is closed.  Otherwise the next
 * file that is opened would get its number, and the guest's output would go into an eventfd.
 */
static void open_standard_streams(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDWR);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	unsigned int i;

	open_standard_streams();
	/* A program that axvmm runs cannot gain rights; seccomp filters need this, too. */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (argc < 2)
		return usage(stderr);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
	    !strcmp(argv[1], "help"))
		return usage(stdout);

	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		printf("axvmm " AXVMM_VERSION "\n");
		return EXIT_SUCCESS;
	}

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);

	log_error("%s: no such command; see axvmm --help", argv[1]);
	return EXIT_FAILURE;
}
