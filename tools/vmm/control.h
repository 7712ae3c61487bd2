/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The control socket: clients send commands, one JSON object in a line, and get an answer of
 * the same form for each.
 *
 *	{"command": "pause"}	->	{"ok": true}
 *	{"command": "paws"}	->	{"ok": false, "error": "..."}
 *
 * Behind the answer to "console" the connection is that console, byte for byte.
 *
 * A client is not trusted: its lines are limited, and a client that does not read its answers is
 * closed.  If there are too many clients, the one that has been silent longest is closed.
 */
#ifndef AXVMM_CONTROL_H
#define AXVMM_CONTROL_H

#include <json-c/json.h>

#include "loop.h"
#include "rundir.h"

#define CONTROL_CLIENTS	8
#define CONTROL_LINE	1024	/* bytes of a line, with its end */

struct control;

/**
 * struct control_request - a command
 * @command:	its name
 * @object:	what the client has sent
 * @answer:	the answer, for what there is to say
 * @take:	if it is set, the client's socket is given to it once the answer has been sent, and
 *		is its own from then on
 * @arg:	for @take
 */
struct control_request {
	const char *command;
	struct json_object *object;
	struct json_object *answer;
	void (*take)(void *arg, int fd);
	void *arg;
};

/**
 * struct control_client - a client, or a place for one
 * @source:	its socket; enabled while there is a client
 * @control:	the server
 * @line:	what it has sent of a line
 * @length:	bytes of @line
 * @heard:	@events of the server when it came or sent its last line; 0: the place is free
 */
struct control_client {
	struct loop_source source;
	struct control *control;
	char line[CONTROL_LINE];
	unsigned int length;
	u64 heard;
};

/**
 * struct control - the server of a guest's control socket
 * @listener:	the socket
 * @loop:	the event loop
 * @dir:	directory of the socket; -1: there is no socket
 * @name:	the guest's name
 * @clients:	places for clients
 * @events:	how many clients and lines have come
 * @run:	carries a command out, with the machine's lock held, and returns NULL, or what is
 *		wrong, in plain words
 * @arg:	for @run
 */
struct control {
	struct loop_source listener;
	struct loop *loop;
	int dir;
	char name[RUNDIR_NAME_MAX + 1];
	struct control_client clients[CONTROL_CLIENTS];
	u64 events;
	const char *(*run)(void *arg, struct control_request *request);
	void *arg;
};

/**
 * control_init() - make a guest's control socket
 * @control:	the server; its @run and @arg are set
 * @loop:	the event loop
 * @name:	the guest's name; NULL: the number of this process.  Then the guest runs without a
 *		control socket if none can be made.
 *
 * Context: before the loop runs.
 * Return: 0 or a negative errno; the error has been printed.
 */
int control_init(struct control *control, struct loop *loop, const char *name);

/** control_release() - remove the socket; whatever control_init() returned */
void control_release(struct control *control);

#endif /* AXVMM_CONTROL_H */
