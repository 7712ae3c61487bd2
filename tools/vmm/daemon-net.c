// SPDX-License-Identifier: GPL-2.0
/*
 * passt, started for one network.
 *
 * It needs no privileges: what the guest sends becomes connections of this user's, and it
 * answers the guest's DHCP, so that the guest has the host's own address.  It sandboxes itself.
 */
#include <stdio.h>
#include <unistd.h>

#include "daemon.h"

#define PROGRAM		"passt"
#define PACKAGE		"passt"

static int make_arguments(const void *arg, int fd, struct daemon_arguments *a)
{
	const struct daemon_net *net = arg;
	unsigned int i, n = 1;

	snprintf(a->text[0], DAEMON_TEXT, "%d", fd);
	a->argv[n++] = "--foreground";
	a->argv[n++] = "--quiet";
	a->argv[n++] = "--stderr";
	a->argv[n++] = "--fd";
	a->argv[n++] = a->text[0];
	/* Otherwise passt warns that it is run as root. */
	if (!geteuid()) {
		a->argv[n++] = "--runas";
		a->argv[n++] = "65534:65534";
	}
	for (i = 0; i < net->nr; i++) {
		a->argv[n++] = net->options[i];
		a->argv[n++] = net->ports[i];
	}
	return 0;
}

int daemon_start_net(const struct daemon_net *net, pid_t *pid, struct daemon_output *output)
{
	const struct daemon_service service = {
		.file = "--net user", .program = PROGRAM, .package = PACKAGE,
		.connected = true, .arguments = make_arguments, .arg = net,
	};

	return daemon_start(&service, pid, output);
}
