// SPDX-License-Identifier: GPL-2.0
/* Tests of the control socket: its directory, and what clients of all kinds send. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <pty.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "commands.h"
#include "control.h"
#include "tap.h"

#define DEADLINE	60	/* seconds that the test waits for something that has to happen */
#define BIG		4096	/* bytes of the answer to "big" */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct loop loop;
static struct control control;
static pthread_t thread;
static char runtime[64];
static unsigned int ran;

/* What became of the socket that was given away. */
static int taken = -1;
static pthread_cond_t asked = PTHREAD_COND_INITIALIZER;
static bool stopping, ended;	/* the guest was asked to end; it has ended */
static bool answering;	/* a thread is to answer there */
static pthread_t guest;

static void *guest_answers(void *arg);

static void take(void *arg, int fd)
{
	CHECK(arg == &taken);
	taken = fd;
	/* The client may have gone already. */
	CHECK(send(fd, "raw\n", 4, MSG_NOSIGNAL) == 4 || errno == EPIPE);
	if (answering)
		CHECK(!pthread_create(&guest, NULL, guest_answers, NULL));
}

static const char *run(void *arg, struct control_request *request)
{
	struct json_object *answer = request->answer;
	const char *command = request->command;
	char big[BIG];

	CHECK(arg == &ran);
	ran++;
	if (!strcmp(command, "big")) {
		memset(big, 'x', sizeof(big));
		json_object_object_add(answer, "big", json_object_new_string_len(big, sizeof(big)));
		return NULL;
	}
	if (!strcmp(command, "console") && json_object_object_get(request->object, "console"))
		return "no such console";
	if (!strcmp(command, "take") || !strcmp(command, "console")) {
		request->take = take;
		request->arg = &taken;
		return NULL;
	}
	if (!strcmp(command, "stat")) {
		struct json_object *exits = json_object_new_object();

		json_object_object_add(exits, "\033[2Jone", json_object_new_int(42));
		json_object_object_add(answer, "exits", exits);
		return NULL;
	}
	if (!strcmp(command, "stop")) {
		json_object_object_add(answer, "state", json_object_new_string("stopping"));
		stopping = true;
		pthread_cond_signal(&asked);
		return NULL;
	}
	if (!strcmp(command, "pause"))
		return "\033[2J\302\233bad\n";
	if (strcmp(command, "good"))
		return "no such command";
	json_object_object_add(answer, "number", json_object_new_int(42));
	return NULL;
}

static void *loop_thread(void *arg)
{
	(void)arg;
	loop_run(&loop);
	return NULL;
}

static int init(const char *name)
{
	memset(&control, 0, sizeof(control));
	control.run = run;
	control.arg = &ran;
	CHECK_EQ(loop_init(&loop, &lock), 0);
	return control_init(&control, &loop, name);
}

static void start(void)
{
	ran = 0;
	CHECK_EQ(init("test"), 0);
	pthread_create(&thread, NULL, loop_thread, NULL);
}

static void stop(void)
{
	pthread_mutex_lock(&lock);
	loop_stop(&loop);
	pthread_mutex_unlock(&lock);
	pthread_join(thread, NULL);
	control_release(&control);
	close(loop.wake_fd);
}

static int client(void)
{
	const struct timeval wait = { .tv_sec = DEADLINE };
	int dir = rundir_open(false);
	int fd = rundir_connect(dir, "test");

	CHECK(fd >= 0);
	close(dir);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	return fd;
}

static void say(int fd, const char *text)
{
	CHECK_EQ(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* Whether the next line is this one. */
static bool hear(int fd, const char *expected)
{
	char text[256];
	size_t n = 0;

	while (n < sizeof(text) - 1 && recv(fd, text + n, 1, 0) == 1 && text[n] != '\n')
		n++;
	text[n] = '\0';
	if (!strcmp(text, expected))
		return true;
	printf("# heard %s\n", text);
	return false;
}

static bool hear_wrong(int fd)
{
	static const char example[] = "{\\\"command\\\": \\\"status\\\"}";
	char expected[256];

	snprintf(expected, sizeof(expected),
		 "{\"error\":\"give a JSON object with a command, as %s\",\"ok\":false}", example);
	return hear(fd, expected);
}

static void tell(const void *command)
{
	char *argv[3] = { (char *)command, "test" };

	fflush(stdout);
	exit(strcmp(command, "stat") ? tell_command(2, argv) : stat_command(2, argv));
}

/* Bytes that could be commands to the terminal are not printed. */
static void test_printed(void)
{
	char said[1024];

	start();
	CHECK_EQ(tap_child(tell, "pause", said, sizeof(said)), EXIT_FAILURE);
	CHECK(strstr(said, "test: ?[2J??bad?\n"));
	CHECK_EQ(tap_child(tell, "stat", said, sizeof(said)), EXIT_SUCCESS);
	CHECK(strstr(said, "  ?[2Jone "));
	stop();
}

/* Whether the server has closed the socket. */
static bool closed(int fd)
{
	char byte;
	ssize_t n = recv(fd, &byte, 1, 0);

	return !n || (n < 0 && errno == ECONNRESET);
}

#define TAKE	"{\"command\": \"take\"}\n"
#define GOOD	"{\"command\": \"good\"}\n"
#define ANSWER	"{\"number\":42,\"ok\":true}"

static void test_answers(void)
{
	int fd;

	start();
	fd = client();
	say(fd, GOOD);
	CHECK(hear(fd, ANSWER));
	say(fd, "{\"command\": \"bad\"}\n");
	CHECK(hear(fd, "{\"error\":\"no such command\",\"ok\":false}"));
	/* In pieces, and several lines at once. */
	say(fd, "{\"comm");
	say(fd, "and\": \"good\"}");
	say(fd, "\n" GOOD GOOD);
	CHECK(hear(fd, ANSWER) && hear(fd, ANSWER) && hear(fd, ANSWER));
	close(fd);
	stop();
}

/* A client's socket is given away behind the answer, with what the client has sent on. */
static void test_taken(void)
{
	char text[sizeof(GOOD)];
	int fd;

	start();
	fd = client();
	say(fd, TAKE GOOD);
	CHECK(hear(fd, "{\"ok\":true}"));
	CHECK(hear(fd, "raw"));
	CHECK_EQ(recv(taken, text, sizeof(text), MSG_DONTWAIT), strlen(GOOD));
	CHECK(!memcmp(text, GOOD, strlen(GOOD)));
	CHECK_EQ(ran, 1);
	close(fd);
	/* Its place is free; a client that comes has no part in the socket. */
	fd = client();
	say(fd, GOOD);
	CHECK(hear(fd, ANSWER));
	CHECK_EQ(recv(taken, text, 1, MSG_DONTWAIT), 0);
	close(taken);
	close(fd);
	stop();
}

/* axvmm console: what it prints, and what reaches the guest. */
static void attach_in_child(const void *argv)
{
	int in[2];

	fflush(stdout);
	if (pipe(in) || write(in[1], "keys\001d", 6) != 6 || dup2(in[0], 0) || close(in[1]))
		exit(99);
	exit(console_command(argv && *(char *const *)argv ? 3 : 2, (char *[]){
		"console", "test", argv ? *(char *const *)argv : NULL, NULL }));
}

static void *guest_answers(void *arg)
{
	const struct timeval wait = { .tv_sec = DEADLINE };
	char text[16];
	ssize_t n = 0, got;

	(void)arg;
	CHECK(!fcntl(taken, F_SETFL, 0));
	setsockopt(taken, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	while (n < 6 && (got = recv(taken, text + n, sizeof(text) - n, 0)) > 0)
		n += got;
	/* In a pipe, ^A is a byte as any other. */
	CHECK(n == 6 && !memcmp(text, "keys\001d", 6));
	CHECK_EQ(send(taken, "\033[1mend", 7, MSG_NOSIGNAL), 7);
	close(taken);
	return NULL;
}

static void test_attached(void)
{
	const char *wrong = "hvc7", *right = NULL;
	char said[1024];

	start();
	CHECK_EQ(tap_child(attach_in_child, &wrong, said, sizeof(said)), EXIT_FAILURE);
	CHECK(strstr(said, "test: no such console\n"));
	answering = true;
	CHECK_EQ(tap_child(attach_in_child, &right, said, sizeof(said)), EXIT_SUCCESS);
	CHECK(strstr(said, "raw\n\033[1mend"));
	CHECK(strstr(said, "test: the console has ended"));
	CHECK(!pthread_join(guest, NULL));
	answering = false;
	stop();
}

static void detach_in_child(const void *terminal)
{
	fflush(stdout);
	if (dup2(*(const int *)terminal, 0))
		exit(99);
	exit(console_command(2, (char *[]){ "console", "test", NULL }));
}

/* The keys of a terminal: ^A d detaches, and the console hears that its client has gone. */
static void test_detached(void)
{
	int terminal, slave;
	char said[1024];

	start();
	CHECK(!openpty(&terminal, &slave, NULL, NULL, NULL));
	CHECK_EQ(write(terminal, "a\001\001\001d", 5), 5);
	CHECK_EQ(tap_child(detach_in_child, &slave, said, sizeof(said)), EXIT_SUCCESS);
	CHECK(strstr(said, "test goes on"));
	/* The server gives the socket away, with the lock, after it has sent the answer. */
	pthread_mutex_lock(&lock);
	pthread_mutex_unlock(&lock);
	CHECK_EQ(recv(taken, said, sizeof(said), 0), 2);
	CHECK(said[0] == 'a' && said[1] == 1);
	CHECK_EQ(recv(taken, said, sizeof(said), 0), 0);
	close(taken);
	close(terminal);
	close(slave);
	stop();
}

static void wait_in_child(const void *unused)
{
	(void)unused;
	fflush(stdout);
	exit(tell_command(3, (char *[]){ "stop", "--wait", "test", NULL }));
}

static void *end_guest(void *arg)
{
	(void)arg;
	/* The client has its answer now, and waits. */
	pthread_mutex_lock(&lock);
	while (!stopping)
		pthread_cond_wait(&asked, &lock);
	ended = true;
	shutdown(control.clients[0].source.fd, SHUT_RDWR);
	pthread_mutex_unlock(&lock);
	return NULL;
}

/* axvmm stop --wait ends when the guest's axvmm does. */
static void test_waits(void)
{
	char said[1024];
	pthread_t thread2;

	start();
	CHECK(!pthread_create(&thread2, NULL, end_guest, NULL));
	CHECK_EQ(tap_child(wait_in_child, NULL, said, sizeof(said)), EXIT_SUCCESS);
	CHECK(ended);
	CHECK(strstr(said, "test is asked to switch itself off"));
	pthread_join(thread2, NULL);
	stop();
}

static void test_nonsense(void)
{
	static const char *const lines[] = {
		"\n", "{\n", "[]\n", "42\n", "\"good\"\n", "{}\n", "null\n", "{\"command\": 1}\n",
		"{\"command\": {\"command\": \"good\"}}\n", "{\"command\": \"good\"} {}\n",
		"[[[[[[[[[[[[[[[[\n", "\xff\xfe\n", "{\"command\": \"good\"\n",
	};
	unsigned int i;
	int fd;

	start();
	fd = client();
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		say(fd, lines[i]);
		if (!hear_wrong(fd))
			tap_fail(__FILE__, __LINE__, "line %u", i);
	}
	CHECK_EQ(ran, 0);
	say(fd, GOOD);
	CHECK(hear(fd, ANSWER));
	close(fd);
	stop();
}

static void test_long_line(void)
{
	char line[CONTROL_LINE + 1];
	int fd;

	start();
	/* The longest line. */
	memset(line, ' ', sizeof(line));
	memcpy(line, GOOD, strlen(GOOD) - 1);
	line[CONTROL_LINE - 1] = '\n';
	line[CONTROL_LINE] = '\0';
	fd = client();
	say(fd, line);
	CHECK(hear(fd, ANSWER));
	close(fd);
	/* One more byte. */
	line[CONTROL_LINE - 1] = ' ';
	fd = client();
	say(fd, line);
	CHECK(closed(fd));
	close(fd);
	CHECK_EQ(ran, 1);
	stop();
}

/* A client that asks for more than its socket takes, and does not read, is closed. */
static void test_slow_reader(void)
{
	int fd, other;

	start();
	fd = client();
	while (send(fd, "{\"command\": \"big\"}\n", 19, MSG_NOSIGNAL) == 19)
		;
	CHECK(errno == EPIPE || errno == ECONNRESET);
	other = client();
	say(other, GOOD);
	CHECK(hear(other, ANSWER));
	close(other);
	close(fd);
	stop();
}

/* Of too many clients, the one that has been silent longest is closed. */
static void test_many(void)
{
	int fds[CONTROL_CLIENTS + 1];
	unsigned int i;

	start();
	for (i = 0; i < CONTROL_CLIENTS; i++) {
		fds[i] = client();
		say(fds[i], GOOD);
		CHECK(hear(fds[i], ANSWER));
	}
	say(fds[0], GOOD);
	CHECK(hear(fds[0], ANSWER));
	fds[i] = client();
	say(fds[i], GOOD);
	CHECK(hear(fds[i], ANSWER));
	CHECK(closed(fds[1]));
	say(fds[0], GOOD);
	CHECK(hear(fds[0], ANSWER));
	for (i = 0; i <= CONTROL_CLIENTS; i++)
		close(fds[i]);
	stop();
}

/* Clients that come and go leave no descriptor behind. */
static void test_descriptors(void)
{
	int fd, first;
	unsigned int i;

	start();
	first = dup(0);
	close(first);
	for (i = 0; i < 100; i++) {
		fd = client();
		say(fd, GOOD);
		CHECK(hear(fd, ANSWER));
		shutdown(fd, SHUT_WR);
		CHECK(closed(fd));
		close(fd);
	}
	fd = dup(0);
	CHECK_EQ(fd, first);
	close(fd);
	stop();
}

/* Without a descriptor for a client, no program can connect any more; the guest goes on. */
static void test_no_descriptors(void)
{
	struct rlimit limit, none;
	int dir, fd, other;

	start();
	other = client();
	say(other, GOOD);
	CHECK(hear(other, ANSWER));
	dir = rundir_open(false);
	CHECK(!getrlimit(RLIMIT_NOFILE, &limit));
	none = limit;
	none.rlim_cur = dup(dir);
	close(none.rlim_cur);
	/* The loop accepts when it has the lock. */
	pthread_mutex_lock(&lock);
	fd = client();
	CHECK(!setrlimit(RLIMIT_NOFILE, &none));
	pthread_mutex_unlock(&lock);
	CHECK(closed(fd));
	CHECK(!setrlimit(RLIMIT_NOFILE, &limit));
	CHECK_EQ(-rundir_connect(dir, "test"), ENOENT);
	say(other, GOOD);
	CHECK(hear(other, ANSWER));
	close(other);
	close(fd);
	close(dir);
	stop();
}

static mode_t mode_of(const char *file)
{
	struct stat st = { };
	char path[128];

	snprintf(path, sizeof(path), "%s/axvmm%s", runtime, file);
	return lstat(path, &st) ? 0 : st.st_mode;
}

static void test_files(void)
{
	struct control second = { .run = run };
	int dir;

	CHECK_EQ(init("test"), 0);
	CHECK_EQ(mode_of(""), S_IFDIR | 0700);
	CHECK_EQ(mode_of("/test.sock"), S_IFSOCK | 0600);
	/* The name is taken. */
	CHECK_EQ(control_init(&second, &loop, "test"), -EADDRINUSE);
	control_release(&second);
	CHECK(mode_of("/test.sock"));
	control_release(&control);
	CHECK_EQ(mode_of("/test.sock"), 0);

	/* The socket of a guest that was killed is stale: it is removed, or replaced. */
	CHECK_EQ(init("test"), 0);
	close(control.listener.fd);
	dir = rundir_open(false);
	CHECK_EQ(rundir_connect(dir, "test"), -ECONNREFUSED);
	rundir_remove_stale(dir, "test");
	CHECK_EQ(mode_of("/test.sock"), 0);
	CHECK_EQ(init("test"), 0);
	close(control.listener.fd);
	CHECK_EQ(init("test"), 0);
	/* One that is not stale stays. */
	rundir_remove_stale(dir, "test");
	CHECK(mode_of("/test.sock"));
	close(dir);
	control_release(&control);
}

/* An axvmm that is stopped does not hold others up. */
static void test_stopped(void)
{
	struct control second = { .run = run };
	int dir, other, fds[64];
	unsigned int nr = 0;

	CHECK_EQ(init("test"), 0);
	dir = rundir_open(false);
	while (nr < ARRAY_SIZE(fds) && (fds[nr] = rundir_connect(dir, "test")) >= 0)
		nr++;
	CHECK(nr < ARRAY_SIZE(fds));
	CHECK_EQ(-fds[nr], EAGAIN);
	/* It is not taken for stale. */
	rundir_remove_stale(dir, "test");
	CHECK_EQ(control_init(&second, &loop, "test"), -EADDRINUSE);
	while (nr)
		close(fds[--nr]);
	control_release(&control);

	/* Nor does one that is stopped while it has the lock. */
	other = rundir_open(false);
	CHECK(!flock(other, LOCK_EX));
	CHECK_EQ(init("test"), -EAGAIN);
	close(other);
	CHECK_EQ(init("test"), 0);
	control_release(&control);
	close(dir);
}

static void test_names(void)
{
	char name[RUNDIR_NAME_MAX + 2];

	CHECK(rundir_name_valid("a"));
	CHECK(rundir_name_valid("Web-1_2.test"));
	CHECK(!rundir_name_valid(""));
	CHECK(!rundir_name_valid(".."));
	CHECK(!rundir_name_valid("-x"));
	CHECK(!rundir_name_valid("_x"));
	CHECK(!rundir_name_valid("@x"));
	CHECK(!rundir_name_valid("a/b"));
	CHECK(!rundir_name_valid("a b"));
	memset(name, 'a', sizeof(name));
	name[RUNDIR_NAME_MAX] = '\0';
	CHECK(rundir_name_valid(name));
	CHECK_EQ(init(name), 0);
	control_release(&control);
	name[RUNDIR_NAME_MAX] = 'a';
	name[RUNDIR_NAME_MAX + 1] = '\0';
	CHECK(!rundir_name_valid(name));
	CHECK_EQ(init("../x"), -EINVAL);
	control_release(&control);
}

/* Others could put a socket of theirs into a directory that is not the user's alone. */
static void test_directory(void)
{
	char path[128], other[128];

	snprintf(path, sizeof(path), "%s/axvmm", runtime);
	snprintf(other, sizeof(other), "%s/other", runtime);
	CHECK(!chmod(path, 0750));
	CHECK_EQ(init("test"), -EPERM);
	/* Without a name the guest runs anyway. */
	CHECK_EQ(init(NULL), 0);
	CHECK_EQ(control.dir, -1);
	control_release(&control);
	CHECK(!chmod(path, 0700));
	CHECK(!rename(path, other) && !symlink("other", path));
	CHECK(init("test") < 0);
	CHECK(!unlink(path) && !rename(other, path));
}

int main(void)
{
	static const struct tap_case cases[] = {
		{ "commands are answered", test_answers },
		{ "answers are printed as plain text", test_printed },
		{ "a socket is given away", test_taken },
		{ "axvmm console", test_attached },
		{ "^A d detaches", test_detached },
		{ "axvmm stop --wait", test_waits },
		{ "nonsense is answered, too", test_nonsense },
		{ "a line that is too long ends a client", test_long_line },
		{ "a client that does not read is closed", test_slow_reader },
		{ "too many clients", test_many },
		{ "clients leave no descriptors", test_descriptors },
		{ "no descriptor for a client", test_no_descriptors },
		{ "modes, taken names, stale sockets", test_files },
		{ "an axvmm that is stopped", test_stopped },
		{ "names", test_names },
		{ "a directory of others is refused", test_directory },
	};
	char path[128];
	int ret;

	strcpy(runtime, "/tmp/axvmm-test.XXXXXX");
	if (!mkdtemp(runtime) || setenv("XDG_RUNTIME_DIR", runtime, 1))
		return 1;
	ret = tap_run(cases, ARRAY_SIZE(cases));
	snprintf(path, sizeof(path), "%s/axvmm", runtime);
	rmdir(path);
	rmdir(runtime);
	return ret;
}
