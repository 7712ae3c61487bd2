// SPDX-License-Identifier: GPL-2.0
/*
 * axvmm list, stop, pause, resume, balloon, stat and top: commands that talk to the guests that
 * run.
 */
#include <dirent.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "commands.h"
#include "control.h"
#include "log.h"
#include "rundir.h"
#include "size.h"
#include "types.h"

/* A guest's axvmm answers at once, unless it is stopped, or busy with other clients. */
#define ANSWER_SECONDS	5

#define NO_ANSWER	"%s: its axvmm does not answer"

/* More than the longest answer, which "stat" has. */
#define ANSWER_MAX	65536

/*
 * Read a line from a guest, and leave what comes behind it.  Returns false if none comes, or one
 * that is too long.
 */
static bool read_line(int fd, char *line, size_t size)
{
	size_t length = 0;

	while (length < size) {
		ssize_t n = recv(fd, line + length, size - length, MSG_PEEK);
		char *end;

		if (n <= 0)
			return false;
		end = memchr(line + length, '\n', n);
		if (end)
			n = end + 1 - (line + length);
		if (recv(fd, line + length, n, 0) != n)
			return false;
		length += n;
		if (end) {
			*end = '\0';
			return true;
		}
	}
	return false;
}

/* Send a command, with an argument if @key is not NULL.  Returns whether it was sent. */
static bool send_command(int fd, const char *command, const char *key,
			 struct json_object *value)
{
	struct json_object *object = json_object_new_object();
	char line[CONTROL_LINE];
	int length;

	json_object_object_add(object, "command", json_object_new_string(command));
	if (key)
		json_object_object_add(object, key, value);
	length = snprintf(line, sizeof(line), "%s\n",
			  json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN));
	json_object_put(object);
	return length < (int)sizeof(line) && send(fd, line, length, MSG_NOSIGNAL) == length;
}

static struct json_object *read_answer(int fd)
{
	static char line[ANSWER_MAX];

	return read_line(fd, line, sizeof(line)) ? json_tokener_parse(line) : NULL;
}

/* Send a command, and return the answer, or NULL. */
static struct json_object *ask(int fd, const char *command)
{
	return send_command(fd, command, NULL, NULL) ? read_answer(fd) : NULL;
}

static u64 number_of(struct json_object *answer, const char *name)
{
	return json_object_get_uint64(json_object_object_get(answer, name));
}

/*
 * Replace what could be a command to the terminal: a guest may have taken its axvmm over.  The
 * text is in a static buffer.
 */
static const char *printable(const char *text)
{
	static char copy[512];
	size_t i;

	for (i = 0; i < sizeof(copy) - 1 && text[i]; i++)
		copy[i] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	copy[i] = '\0';
	return copy;
}

static const char *text_of(struct json_object *answer, const char *name)
{
	const char *text = json_object_get_string(json_object_object_get(answer, name));

	return text ? printable(text) : "?";
}

/* Returns a socket, on which a read fails after ANSWER_SECONDS, or a negative errno. */
static int connect_to(int dir, const char *name)
{
	const struct timeval wait = { .tv_sec = ANSWER_SECONDS };
	int fd = rundir_connect(dir, name);

	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	return fd;
}

static int open_dir(void)
{
	int dir = rundir_open(false);

	if (dir == -EPERM)
		log_error("%s: this has to be a directory that is yours alone (mode 700)",
			  rundir_path());
	else if (dir < 0 && dir != -ENOENT)
		log_error("%s: %s", rundir_path(), strerror(-dir));
	return dir;
}

/* ---- list ---------------------------------------------------------------- */

static void list_one(int dir, const char *name)
{
	int fd = connect_to(dir, name);
	struct json_object *answer;

	if (fd == -ECONNREFUSED)
		rundir_remove_stale(dir, name);
	if (fd < 0 && fd != -EAGAIN)
		return;
	answer = fd < 0 ? NULL : ask(fd, "status");
	if (answer)
		printf("%-20s %8llu %-9s %5llu %8lluM\n", name, number_of(answer, "pid"),
		       text_of(answer, "state"), number_of(answer, "cpus"),
		       number_of(answer, "memory") >> 20);
	else
		printf("%-20s %8s %-9s\n", name, "?", "silent");
	json_object_put(answer);
	if (fd >= 0)
		close(fd);
}

int list_command(int argc, char **argv)
{
	int dir, copy;
	struct dirent *entry;
	DIR *entries;

	(void)argv;
	if (argc > 1) {
		log_error("list: this command takes no arguments");
		return EXIT_FAILURE;
	}
	dir = open_dir();
	if (dir < 0 && dir != -ENOENT)
		return EXIT_FAILURE;
	printf("%-20s %8s %-9s %5s %9s\n", "NAME", "PID", "STATE", "CPUS", "MEMORY");
	if (dir < 0)
		return EXIT_SUCCESS;
	/* closedir() closes its descriptor. */
	copy = dup(dir);
	entries = copy < 0 ? NULL : fdopendir(copy);
	if (!entries) {
		log_error("%s: %s", rundir_path(), strerror(errno));
		return EXIT_FAILURE;
	}
	while ((entry = readdir(entries))) {
		size_t length = strlen(entry->d_name), suffix = strlen(RUNDIR_SUFFIX);

		if (length <= suffix || strcmp(entry->d_name + length - suffix, RUNDIR_SUFFIX))
			continue;
		entry->d_name[length - suffix] = '\0';
		if (rundir_name_valid(entry->d_name))
			list_one(dir, entry->d_name);
	}
	closedir(entries);
	close(dir);
	return EXIT_SUCCESS;
}

/* ---- one guest ------------------------------------------------------------ */

int client_connect(const char *command, const char *name)
{
	int dir, fd = -ENOENT;

	if (!name || !rundir_name_valid(name)) {
		log_error("%s: give the name of one guest; axvmm list shows them", command);
		return -1;
	}
	dir = open_dir();
	if (dir < 0 && dir != -ENOENT)
		return -1;
	if (dir >= 0) {
		fd = connect_to(dir, name);
		if (fd == -ECONNREFUSED)
			rundir_remove_stale(dir, name);
		close(dir);
	}
	if (fd == -ENOENT || fd == -ECONNREFUSED)
		log_error("%s: no guest of this name runs; axvmm list shows those that do",
			  name);
	else if (fd == -EAGAIN)
		log_error(NO_ANSWER, name);
	else if (fd < 0)
		log_error("%s: %s", name, strerror(-fd));
	return fd < 0 ? -1 : fd;
}

/* Connect to the guest that the only argument names. */
static int connect_by(int argc, char **argv)
{
	return client_connect(argv[0], argc == 2 ? argv[1] : NULL);
}

struct json_object *client_ask(int fd, const char *name, const char *command, const char *key,
			       struct json_object *value)
{
	struct json_object *answer = NULL;

	if (send_command(fd, command, key, value))
		answer = read_answer(fd);
	if (!answer) {
		log_error(NO_ANSWER, name);
	} else if (!json_object_get_boolean(json_object_object_get(answer, "ok"))) {
		log_error("%s: %s", name, text_of(answer, "error"));
		json_object_put(answer);
		answer = NULL;
	}
	return answer;
}

/* Wait until the guest's axvmm has ended; it says nothing more, but closes the socket. */
static void wait_for_end(int fd)
{
	const struct timeval forever = { 0 };
	char byte;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &forever, sizeof(forever));
	while (recv(fd, &byte, 1, 0) > 0)
		;
}

int tell_command(int argc, char **argv)
{
	const bool wait = argc == 3 && !strcmp(argv[0], "stop") && !strcmp(argv[1], "--wait");
	struct json_object *answer;
	bool good;
	int fd;

	if (wait) {
		argv[1] = argv[2];
		argc--;
	}
	fd = connect_by(argc, argv);
	if (fd < 0)
		return EXIT_FAILURE;
	answer = client_ask(fd, argv[1], argv[0], NULL, NULL);
	good = answer;
	if (good && !strcmp(argv[0], "stop") && !strcmp(text_of(answer, "state"), "stopping"))
		printf("%s is asked to switch itself off; a second stop ends it at once\n",
		       argv[1]);
	json_object_put(answer);
	fflush(stdout);
	if (good && wait)
		wait_for_end(fd);
	close(fd);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void print_counters(const char *title, struct json_object *counters)
{
	printf("%s\n", title);
	if (!json_object_is_type(counters, json_type_object))
		return;
	json_object_object_foreach(counters, name, count)
		printf("  %-28s %12llu\n", printable(name),
		       (unsigned long long)json_object_get_uint64(count));
}

int stat_command(int argc, char **argv)
{
	int fd = connect_by(argc, argv);
	struct json_object *answer;

	if (fd < 0)
		return EXIT_FAILURE;
	answer = client_ask(fd, argv[1], "stat", NULL, NULL);
	close(fd);
	if (!answer)
		return EXIT_FAILURE;
	print_counters("exits to axvmm, by reason", json_object_object_get(answer, "exits"));
	print_counters("in the kernel", json_object_object_get(answer, "kernel"));
	json_object_put(answer);
	return EXIT_SUCCESS;
}

/* What has been counted since the answer before, per second. */
static void print_rates(const char *title, struct json_object *before, struct json_object *now,
			double seconds)
{
	printf("%-30s %14s\n", title, "each second");
	if (!json_object_is_type(now, json_type_object))
		return;
	json_object_object_foreach(now, name, count) {
		u64 difference = json_object_get_uint64(count) - number_of(before, name);

		if (difference)
			printf("  %-28s %14.1f\n", printable(name), difference / seconds);
	}
}

static double seconds_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

int top_command(int argc, char **argv)
{
	static const char *const groups[][2] = {
		{ "exits", "exits to axvmm" }, { "kernel", "in the kernel" },
	};
	int fd = connect_by(argc, argv);
	struct json_object *before = NULL, *now;
	double then = 0, at;
	unsigned int i;

	if (fd < 0)
		return EXIT_FAILURE;
	/* Until the guest ends, or ^C. */
	while ((now = ask(fd, "stat"))) {
		at = seconds_now();
		if (before && isatty(STDOUT_FILENO))
			printf("\033[H\033[J");
		for (i = 0; before && i < ARRAY_SIZE(groups); i++)
			print_rates(groups[i][1], json_object_object_get(before, groups[i][0]),
				    json_object_object_get(now, groups[i][0]), at - then);
		fflush(stdout);
		json_object_put(before);
		before = now;
		then = at;
		sleep(1);
	}
	json_object_put(before);
	close(fd);
	return EXIT_SUCCESS;
}

int balloon_command(int argc, char **argv)
{
	const u64 memory = argc == 3 ? size_parse(argv[2]) : 0;
	struct json_object *answer;
	int fd;

	if (argc == 3 && !memory) {
		log_error("balloon: %s is no size; give one such as 512M or 2G", argv[2]);
		return EXIT_FAILURE;
	}
	fd = client_connect(argv[0], argc == 2 || argc == 3 ? argv[1] : NULL);
	if (fd < 0)
		return EXIT_FAILURE;
	answer = client_ask(fd, argv[1], "balloon", memory ? "memory" : NULL,
			    memory ? json_object_new_uint64(memory) : NULL);
	close(fd);
	if (!answer)
		return EXIT_FAILURE;
	printf("%s has %lluM, and is to have %lluM\n", argv[1],
	       number_of(answer, "memory") >> 20, number_of(answer, "wanted") >> 20);
	json_object_put(answer);
	return EXIT_SUCCESS;
}
