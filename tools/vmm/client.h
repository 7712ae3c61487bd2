/* SPDX-License-Identifier: GPL-2.0 */
/* How the commands for guests that run talk to a guest's axvmm. */
#ifndef AXVMM_CLIENT_H
#define AXVMM_CLIENT_H

#include <json-c/json.h>

/**
 * client_connect() - connect to a guest
 * @command:	the command, for messages
 * @name:	the guest's name, as the user gave it; NULL: none was given
 *
 * Return: a socket, which waits for answers for a while only; or -1, and the error has been
 * printed.
 */
int client_connect(const char *command, const char *name);

/**
 * client_ask() - send a command
 * @fd:		the socket
 * @name:	the guest's name, for messages
 * @command:	the command
 * @key:	name of its argument; NULL: it has none
 * @value:	its argument, which is released
 *
 * What comes behind the answer is left in the socket.
 *
 * Return: the answer; or NULL, and the error has been printed.
 */
struct json_object *client_ask(int fd, const char *name, const char *command, const char *key,
			       struct json_object *value);

#endif /* AXVMM_CLIENT_H */
