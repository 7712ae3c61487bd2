// SPDX-License-Identifier: GPL-2.0
/* Tests of qemu-storage-daemon and virtiofsd, if they are installed, started as for a device. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <linux/virtio_blk.h>

#include "daemon.h"
#include "fake.h"
#include "tap.h"
#include "vhost-user.h"

#define DAEMON		"/usr/bin/qemu-storage-daemon"
#define SHARER		"/usr/lib/qemu/virtiofsd"
#define SECTORS		64

#define TEMPLATE	"/tmp/axvmm-test-daemon-XXXXXX"

static char dir[sizeof(TEMPLATE)];
static char image[64];
static struct daemon_output output;
static unsigned int lines;

static void print(void *arg, const char *line)
{
	(void)arg;
	CHECK(strlen(line) < DAEMON_LINE);
	lines++;
}

/* Read until the daemon has ended. */
static void read_output(void)
{
	while (output.fd >= 0)
		daemon_read(&output, print, NULL);
}

static void stop(pid_t pid)
{
	pid_t pids[] = { 0, pid };

	daemon_stop(pids, ARRAY_SIZE(pids));
	CHECK(!pids[1]);
	CHECK(kill(pid, 0) < 0);
}

/* Start a daemon, and ask it for the number of sectors, and for its @features. */
static u64 sectors_of(const struct daemon_disk *disk, u64 *features)
{
	struct virtio_blk_config config = { 0 };
	struct vhost_user user = { .path = disk->file };
	pid_t pid = 0;

	user.fd = daemon_start_disk(disk, &pid, &output);
	CHECK(user.fd >= 0 && pid > 0);
	if (user.fd < 0)
		return 0;
	CHECK(fcntl(user.fd, F_GETFD) & FD_CLOEXEC);
	CHECK_EQ(getpgid(pid), pid);
	/* A service manager, or a terminal, may send these: the daemon has to go on. */
	CHECK(!kill(pid, SIGTERM) && !kill(pid, SIGINT));
	if (!vhost_user_agree(&user))
		vhost_user_config(&user, &config,
				  offsetof(struct virtio_blk_config, max_secure_erase_sectors));
	*features = user.features;
	vhost_user_close(&user);
	stop(pid);
	read_output();
	return config.capacity;
}

static void raw(void)
{
	struct daemon_disk disk = { .file = image, .format = "raw" };
	u64 features;

	if (access(DAEMON, X_OK))
		return;
	/* When a daemon has been stopped, its file is free for the next one. */
	CHECK_EQ(sectors_of(&disk, &features), SECTORS);
	CHECK(!(features & 1ull << VIRTIO_BLK_F_RO));
	CHECK_EQ(sectors_of(&disk, &features), SECTORS);
	disk.readonly = true;
	CHECK_EQ(sectors_of(&disk, &features), SECTORS);
	CHECK(features & 1ull << VIRTIO_BLK_F_RO);
}

/*
 * A daemon that dies stays a zombie, so its pid is not another process's, even if axvmm was
 * started with SIGCHLD ignored.
 */
static void dies(void)
{
	const struct daemon_disk disk = { .file = image, .format = "raw" };
	pid_t pid = 0;
	int fd;

	if (access(DAEMON, X_OK))
		return;
	signal(SIGCHLD, SIG_IGN);
	fd = daemon_start_disk(&disk, &pid, &output);
	CHECK(fd >= 0);
	if (fd < 0)
		return;
	CHECK(!kill(pid, SIGKILL));
	/* Until the daemon has gone. */
	while (read(fd, &(char){ 0 }, 1) > 0)
		;
	usleep(100000);
	CHECK(!kill(pid, 0));
	close(fd);
	stop(pid);
	read_output();
}

static int told[2];

static void takes_time(int sig)
{
	(void)sig;
	usleep(100000);
	_exit(write(told[1], "", 1) != 1);
}

/* Make a child that calls @handler on SIGHUP, and otherwise waits for ever. */
static pid_t make_child(void (*handler)(int sig))
{
	char byte;
	pid_t pid = fork();

	if (!pid) {
		/* If the test is killed, the child must not live on. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		setpgid(0, 0);
		signal(SIGHUP, handler);
		if (write(told[1], "", 1) == 1)
			for (;;)
				pause();
		_exit(1);
	}
	CHECK(pid > 0 && read(told[0], &byte, 1) == 1);
	return pid;
}

/* Several children that ignore SIGHUP are not waited for longer than one. */
static void many_stop(void)
{
	struct timespec begin, end;
	pid_t pids[4], were[4];
	unsigned int i;
	char byte;

	CHECK(!pipe2(told, O_CLOEXEC | O_NONBLOCK) && !fcntl(told[0], F_SETFL, 0));
	for (i = 0; i < 3; i++)
		pids[i] = make_child(SIG_IGN);
	pids[i] = make_child(takes_time);
	memcpy(were, pids, sizeof(were));
	clock_gettime(CLOCK_MONOTONIC, &begin);
	daemon_stop(pids, ARRAY_SIZE(pids));
	clock_gettime(CLOCK_MONOTONIC, &end);
	CHECK(end.tv_sec - begin.tv_sec < 10);
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		CHECK(!pids[i] && kill(were[i], 0) < 0);
	/* The last child got its signal together with the others, and had time to end properly. */
	CHECK(!fcntl(told[0], F_SETFL, O_NONBLOCK));
	CHECK(read(told[0], &byte, 1) == 1);
	close(told[0]);
	close(told[1]);
}

/*
 * virtiofsd is asked for the number of its queues, then its socket is closed: its processes end,
 * without a signal.
 */
static void shares(void)
{
	const struct daemon_share share = { .directory = dir, .tag = "tag" };
	struct vhost_user user = { .path = dir };
	struct timespec begin, end;
	u64 queues = 0;
	pid_t pid = 0;

	if (access(SHARER, X_OK))
		return;
	user.fd = daemon_start_share(&share, &pid, &output);
	CHECK(user.fd >= 0 && pid > 0);
	if (user.fd < 0)
		return;
	CHECK_EQ(vhost_user_agree(&user), 0);
	CHECK_EQ(vhost_user_queues(&user, &queues), 0);
	CHECK(queues >= 2);
	/* The signal that ends other daemons does not end this one. */
	CHECK(!kill(-pid, SIGHUP));
	CHECK_EQ(vhost_user_queues(&user, &queues), 0);
	vhost_user_close(&user);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	stop(pid);
	clock_gettime(CLOCK_MONOTONIC, &end);
	CHECK(end.tv_sec - begin.tv_sec < 5);
	/* virtiofsd's own child ended before virtiofsd did. */
	CHECK(kill(-pid, 0) < 0 && errno == ESRCH);
	read_output();
}

/* A daemon that hangs is killed with its children. */
static void share_hangs(void)
{
	const struct daemon_share share = { .directory = dir, .tag = "tag" };
	struct vhost_user user = { .path = dir };
	struct pollfd hung = { .events = 0 };
	pid_t pid = 0;

	if (access(SHARER, X_OK))
		return;
	user.fd = daemon_start_share(&share, &pid, &output);
	CHECK(user.fd >= 0);
	if (user.fd < 0)
		return;
	hung.fd = user.fd;
	CHECK_EQ(vhost_user_agree(&user), 0);
	CHECK(!kill(-pid, SIGSTOP));
	daemon_kill(pid);
	CHECK(kill(pid, 0) < 0);
	CHECK_EQ(poll(&hung, 1, 5000), 1);
	CHECK(hung.revents & POLLHUP);
	vhost_user_close(&user);
	read_output();
}

/* In a child: start a shared directory's daemon, stop it, tell its pid, and be killed. */
static void share_and_die(int tell)
{
	const struct daemon_share share = { .directory = dir, .tag = "tag" };
	struct vhost_user user = { .path = dir };
	pid_t pid = 0;

	user.fd = daemon_start_share(&share, &pid, &output);
	if (user.fd >= 0 && !vhost_user_agree(&user) && !kill(-pid, SIGSTOP) &&
	    write(tell, &pid, sizeof(pid)) == sizeof(pid))
		raise(SIGKILL);
	_exit(1);
}

/* If axvmm is killed, its daemons end, with their children, even if they hang. */
static void share_is_orphaned(void)
{
	unsigned int tries;
	pid_t pid = 0, child;
	int status = 0;

	if (access(SHARER, X_OK))
		return;
	CHECK(!prctl(PR_SET_CHILD_SUBREAPER, 1) && !pipe2(told, O_CLOEXEC));
	child = fork();
	if (!child)
		share_and_die(told[1]);
	close(told[1]);
	CHECK(read(told[0], &pid, sizeof(pid)) == sizeof(pid));
	close(told[0]);
	CHECK(waitpid(child, NULL, 0) == child);
	for (tries = 0; pid && tries < 5000 && !waitpid(pid, &status, WNOHANG); tries++)
		usleep(1000);
	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	CHECK(kill(-pid, 0) < 0 && errno == ESRCH);
	if (pid)
		kill(-pid, SIGKILL);
}

/* The daemon says why it cannot open the disk, and ends; axvmm does not wait for its answer. */
static void other_format(void)
{
	const struct daemon_disk disk = { .file = image, .format = "qcow2" };
	u64 features;

	if (access(DAEMON, X_OK))
		return;
	lines = 0;
	CHECK_EQ(sectors_of(&disk, &features), 0);
	CHECK_EQ(lines, 1);
}

static void no_file(void)
{
	struct daemon_disk disk = { .file = "/nonexistent", .format = "raw" };
	pid_t pid;

	CHECK_EQ(-daemon_start_disk(&disk, &pid, &output), ENOENT);
	disk.file = "/tmp";
	disk.readonly = true;
	CHECK_EQ(-daemon_start_disk(&disk, &pid, &output), EINVAL);
	CHECK_EQ(-daemon_start_share(&(struct daemon_share){ "/nonexistent", "tag" }, &pid,
				     &output), ENOENT);
	CHECK_EQ(-daemon_start_share(&(struct daemon_share){ "/dev/null", "tag" }, &pid,
				     &output), ENOTDIR);
	disk.file = "/dev/null";
	CHECK_EQ(-daemon_start_disk(&disk, &pid, &output), EINVAL);
}

/* Long lines, half a line, bytes that are no text, and more than is read at once. */
static void says(void)
{
	char flood[3000];
	int said[2];

	CHECK(!pipe2(said, O_CLOEXEC | O_NONBLOCK));
	output = (struct daemon_output){ .fd = said[0] };
	lines = 0;
	daemon_read(&output, print, NULL);
	CHECK(output.fd >= 0);
	CHECK(write(said[1], "a\n\n\033b", 5) == 5);
	daemon_read(&output, print, NULL);
	CHECK_EQ(lines, 1);
	CHECK(!memcmp(output.line, "?b", 2));
	memset(flood, 'x', sizeof(flood));
	flood[sizeof(flood) - 1] = '\n';
	CHECK(write(said[1], flood, sizeof(flood)) == sizeof(flood));
	close(said[1]);
	read_output();
	CHECK_EQ(lines, 2);
}

static int sleep_arguments(const void *arg, int listener, struct daemon_arguments *a)
{
	(void)arg;
	(void)listener;
	a->argv[1] = "60";
	return 0;
}

/* The daemon has none of the files that axvmm has inherited from its caller. */
static void inherits_nothing(void)
{
	const struct daemon_service service = {
		.file = "test", .program = "sleep", .arguments = sleep_arguments,
	};
	struct pollfd inherited = { 0 };
	int ends[2], client;
	pid_t pid = 0;

	CHECK(!pipe(ends));
	inherited.fd = ends[0];
	client = daemon_start(&service, &pid, &output);
	CHECK(client >= 0);
	close(ends[1]);
	CHECK_EQ(poll(&inherited, 1, 0), 1);
	CHECK_EQ(inherited.revents, POLLHUP);
	close(ends[0]);
	close(client);
	stop(pid);
	read_output();
}

static void no_program(void)
{
	const struct daemon_disk disk = { .file = image, .format = "raw" };
	char *path = strdup(getenv("PATH") ?: "");
	pid_t pid;

	setenv("PATH", "/nonexistent", 1);
	CHECK_EQ(-daemon_start_disk(&disk, &pid, &output), ENOENT);
	setenv("PATH", path, 1);
	free(path);
	/* No child is left. */
	CHECK(waitpid(-1, NULL, WNOHANG) < 0 && errno == ECHILD);
}

static const struct tap_case cases[] = {
	{ "a raw file, and one that is only read", raw },
	{ "a daemon that dies", dies },
	{ "several daemons stop together", many_stop },
	{ "a shared directory", shares },
	{ "a shared directory's daemon that hangs", share_hangs },
	{ "a shared directory's daemon, when axvmm is killed", share_is_orphaned },
	{ "a file that is not of its format", other_format },
	{ "no such file, or none that is a disk", no_file },
	{ "lines that a daemon prints", says },
	{ "a daemon inherits no files", inherits_nothing },
	{ "no such program", no_program },
};

int main(void)
{
	int fd, ret;

	fake_reset();
	if (!mkdtemp(strcpy(dir, TEMPLATE)))
		return 1;
	/* Commas in the file's name have to be escaped for the daemon. */
	snprintf(image, sizeof(image), "%s/a,b,,c", dir);
	fd = open(image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 512 * SECTORS))
		return 1;
	close(fd);
	ret = tap_run(cases, ARRAY_SIZE(cases));
	unlink(image);
	rmdir(dir);
	return ret;
}
