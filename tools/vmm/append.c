// SPDX-License-Identifier: GPL-2.0
/* Additions to the guest kernel's command line. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "append.h"

char *append_terminal(const char *append)
{
	char lines[32], columns[32], *all;
	struct winsize size;

	if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) || !size.ws_row || !size.ws_col ||
	    strstr(append, "LINES=") || strstr(append, "COLUMNS="))
		return strdup(append);
	snprintf(lines, sizeof(lines), "LINES=%u", size.ws_row);
	snprintf(columns, sizeof(columns), "COLUMNS=%u", size.ws_col);
	if (asprintf(&all, "%s %s %s systemd.setenv=%s systemd.setenv=%s", append,
		     lines, columns, lines, columns) < 0)
		return NULL;
	return all;
}
