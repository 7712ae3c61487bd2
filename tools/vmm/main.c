// SPDX-License-Identifier: GPL-2.0
/* axvmm: the command line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "log.h"
#include "types.h"

/**
 * struct command - a subcommand
 * @name:	its name
 * @help:	one line about it
 * @run:	does it
 */
struct command {
	const char *name;
	const char *help;
	int (*run)(int argc, char **argv);
};

static const struct command commands[] = {
	{ "run", "run a Linux kernel as a guest", run_command },
	{ "info", "show what this host offers", info_command },
};

static int usage(FILE *out)
{
	unsigned int i;

	fprintf(out, "Usage: axvmm COMMAND [OPTION]...\n\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		fprintf(out, "  %-6s %s\n", commands[i].name, commands[i].help);
	fprintf(out, "\naxvmm COMMAND --help tells the options; see axvmm(1).\n");
	return out == stdout ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	unsigned int i;

	if (argc < 2)
		return usage(stderr);
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
	    !strcmp(argv[1], "help"))
		return usage(stdout);

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argc - 1, argv + 1);

	log_error("%s: no such command; see axvmm --help", argv[1]);
	return EXIT_FAILURE;
}
