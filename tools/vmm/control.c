// SPDX-License-Identifier: GPL-2.0
/*
 * The server of the control socket.  All of it runs in the event loop, and nothing waits for a
 * client: an answer that does not fit into the client's socket ends the client.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "control.h"
#include "log.h"

/* ---- with the machine's lock held --------------------------------------- */

static void close_client(struct control_client *c)
{
	loop_enable(c->control->loop, &c->source, false);
	close(c->source.fd);
	c->source.fd = -1;
	c->heard = 0;
}

/* Carry a line out.  Returns the answer, or NULL without memory. */
static struct json_object *answer(struct control *control, const char *line, size_t length,
				  struct control_request *r)
{
	struct json_object *command = NULL;
	struct json_tokener *parser;
	const char *wrong = NULL;

	*r = (struct control_request){ .answer = json_object_new_object() };
	if (!r->answer)
		return NULL;
	parser = json_tokener_new_ex(4);
	if (parser)
		json_tokener_set_flags(parser, JSON_TOKENER_STRICT);
	if (parser && length)
		r->object = json_tokener_parse_ex(parser, line, length);
	if (!json_object_is_type(r->object, json_type_object) ||
	    !json_object_object_get_ex(r->object, "command", &command) ||
	    !json_object_is_type(command, json_type_string)) {
		wrong = "give a JSON object with a command, as {\"command\": \"status\"}";
	} else {
		r->command = json_object_get_string(command);
		wrong = control->run(control->arg, r);
	}
	if (wrong)
		json_object_object_add(r->answer, "error", json_object_new_string(wrong));
	json_object_object_add(r->answer, "ok", json_object_new_boolean(!wrong));
	json_object_put(r->object);
	if (parser)
		json_tokener_free(parser);
	return r->answer;
}

/* Give a client's socket away; its place is free. */
static void give_away(struct control_client *c, const struct control_request *request)
{
	int fd = c->source.fd;

	loop_enable(c->control->loop, &c->source, false);
	c->source.fd = -1;
	c->heard = 0;
	request->take(request->arg, fd);
}

/* Answer a line.  Returns false if the client does not read. */
static bool serve(struct control_client *c, size_t length)
{
	struct control_request request;
	struct json_object *reply = answer(c->control, c->line, length, &request);
	struct iovec parts[2] = { { .iov_base = NULL }, { .iov_base = "\n", .iov_len = 1 } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };
	const char *text;
	bool sent = false;

	text = reply ? json_object_to_json_string_ext(reply, JSON_C_TO_STRING_PLAIN) : NULL;
	if (text) {
		parts[0].iov_base = (char *)text;
		parts[0].iov_len = strlen(text);
		sent = sendmsg(c->source.fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) ==
		       (ssize_t)parts[0].iov_len + 1;
	}
	json_object_put(reply);
	if (sent && request.take)
		give_away(c, &request);
	return sent;
}

/* One line at a time: the loop comes back for the next, and serves others in between. */
static void client_ready(void *arg)
{
	struct control_client *c = arg;
	ssize_t n = recv(c->source.fd, c->line + c->length, sizeof(c->line) - c->length,
			 MSG_DONTWAIT | MSG_PEEK);
	size_t take;
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close_client(c);
		return;
	}
	end = memchr(c->line + c->length, '\n', n);
	take = end ? end + 1 - (c->line + c->length) : n;
	/*
	 * Take the bytes of this line that were peeked at, and leave the next line in the socket.
	 */
	if (recv(c->source.fd, c->line + c->length, take, MSG_DONTWAIT) != (ssize_t)take) {
		close_client(c);
		return;
	}
	c->length += take;
	if (end) {
		take = c->length - 1;
		c->length = 0;
		c->heard = ++c->control->events;
		if (!serve(c, take))
			close_client(c);
	} else if (c->length == sizeof(c->line)) {
		/* The line is longer than any command. */
		close_client(c);
	}
}

static void client_comes(void *arg)
{
	struct control *control = arg;
	struct control_client *c = &control->clients[0];
	unsigned int i;
	int fd = accept4(control->listener.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {
		if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
			return;
		/* The socket stays readable; the loop would never wait again. */
		log_error("the control socket is closed: %s", strerror(errno));
		loop_enable(control->loop, &control->listener, false);
		control_release(control);
		return;
	}
	/* Take a free place, or else the place of the client that has been silent longest. */
	for (i = 1; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].heard < c->heard)
			c = &control->clients[i];
	if (c->source.enabled)
		close_client(c);
	c->source.fd = fd;
	c->length = 0;
	c->heard = ++control->events;
	loop_enable(control->loop, &c->source, true);
}

/* ---- making ------------------------------------------------------------- */

static int listen_as(struct control *control, const char *name)
{
	control->dir = rundir_open(true);
	if (control->dir < 0)
		return control->dir;
	snprintf(control->name, sizeof(control->name), "%s", name);
	control->listener.fd = rundir_listen(control->dir, name);
	if (control->listener.fd >= 0)
		return 0;
	close(control->dir);
	control->dir = -1;
	return control->listener.fd;
}

static int add_sources(struct control *control)
{
	unsigned int i;
	int err;

	control->listener.ready = client_comes;
	control->listener.arg = control;
	control->listener.enabled = true;
	err = loop_add(control->loop, &control->listener);
	for (i = 0; !err && i < CONTROL_CLIENTS; i++) {
		struct control_client *c = &control->clients[i];

		c->control = control;
		c->source.fd = -1;
		c->source.ready = client_ready;
		c->source.arg = c;
		err = loop_add(control->loop, &c->source);
	}
	return err;
}

int control_init(struct control *control, struct loop *loop, const char *name)
{
	char number[16];
	int err;

	control->loop = loop;
	control->dir = -1;
	if (name && !rundir_name_valid(name)) {
		log_error("--name %s: give at most %u letters, digits and - _ . (not in front)",
			  name, RUNDIR_NAME_MAX);
		return -EINVAL;
	}
	snprintf(number, sizeof(number), "%d", getpid());
	err = listen_as(control, name ? name : number);
	if (!err)
		return add_sources(control);
	if (!name) {
		log_trace(LOG_INFO, "no control socket in %s: %s", rundir_path(), strerror(-err));
		return 0;
	}
	if (err == -EADDRINUSE)
		log_error("--name %s: a guest has this name; axvmm list shows it", name);
	else if (err == -EAGAIN)
		log_error("--name %s: another process keeps the lock on %s; fuser shows which one",
			  name, rundir_path());
	else if (err == -EPERM)
		log_error("--name %s: %s has to be a directory that is yours alone (mode 700)",
			  name, rundir_path());
	else
		log_error("--name %s: cannot make a control socket in %s: %s", name,
			  rundir_path(), strerror(-err));
	return err;
}

void control_release(struct control *control)
{
	if (control->dir < 0)
		return;
	rundir_remove(control->dir, control->name);
	close(control->listener.fd);
	close(control->dir);
	control->dir = -1;
}
