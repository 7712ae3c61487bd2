// SPDX-License-Identifier: GPL-2.0
/*
 * Starts and ends daemons, each a process group of its own.
 *
 * The daemon's socket has a name for a moment only, in a directory that no other user may
 * enter: a process that connects to the socket can read the disk.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "daemon.h"
#include "log.h"

/*
 * The signal that ends a daemon.  SIGTERM would not do: when a service is stopped, all its
 * processes get it, while the guest, which shuts down, still needs its disk.
 */
#define STOP_SIGNAL	SIGHUP
#define STOP_SECONDS	5
#define STOP_STEP_NSEC	5000000

/* Make a socket that listens, and one that is connected to it.  Returns 0 or -errno. */
static int make_listener(int *listener, int *client)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char dir[] = "/tmp/axvmm-XXXXXX";
	int err = 0;

	*listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*listener < 0 || *client < 0 || !mkdtemp(dir))
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/socket", dir);
	if (bind(*listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(*listener, 1) ||
	    connect(*client, (struct sockaddr *)&address, sizeof(address)))
		err = -errno;
	unlink(address.sun_path);
	rmdir(dir);
	return err;
}

/* Make the daemon's socket, and axvmm's.  Returns 0 or -errno. */
static int make_sockets(const struct daemon_service *service, int *daemon, int *client)
{
	int pair[2];

	if (!service->connected)
		return make_listener(daemon, client);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	*daemon = pair[0];
	*client = pair[1];
	return 0;
}

/*
 * In the child: become the daemon.  What the daemon prints goes to axvmm, by @said; the
 * terminal's keys and signals do not reach the daemon.  The daemon inherits that SIGTERM and
 * SIGINT are blocked; otherwise a guest that is told to shut down would lose its disk first.  The
 * daemon gets none of the files that axvmm has inherited: a guest that takes the daemon over
 * would have them.  In a process namespace getppid() does not show axvmm; if axvmm has died
 * already, a daemon there finds its socket closed.
 */
static void execute(const struct daemon_service *service, const struct daemon_arguments *a,
		    int sock, int report, int said, pid_t parent)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t blocked;
	int error;

	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_SETMASK, &blocked, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(STOP_SIGNAL, service->ends_itself ? SIG_IGN : SIG_DFL);
	if (null >= 0 && dup2(null, STDIN_FILENO) >= 0 &&
	    dup2(said, STDOUT_FILENO) >= 0 && dup2(said, STDERR_FILENO) >= 0 && !setpgid(0, 0) &&
	    !prctl(PR_SET_PDEATHSIG, service->ends_itself ? SIGKILL : STOP_SIGNAL) &&
	    (service->ends_itself || getppid() == parent) &&
	    !close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC) &&
	    !fcntl(sock, F_SETFD, 0) && (!service->prepare || !service->prepare(service)))
		execvp(service->program, (char **)a->argv);
	error = errno;
	if (write(report, &error, sizeof(error)) < 0)
		_exit(2);
	_exit(1);
}

/*
 * Fork.  A daemon that ends itself is the first process of a process namespace, and when it ends,
 * the kernel kills all other processes there.  So if axvmm is killed, the daemon's children end,
 * too, whatever signals these ignore.  Only root can make such a namespace outside a user
 * namespace.
 */
static pid_t fork_daemon(const struct daemon_service *service)
{
	unsigned long flags = CLONE_NEWPID | (service->user ? CLONE_NEWUSER : 0);

	return service->ends_itself ? syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0) : fork();
}

/* Fork, and wait until the child has executed the daemon.  Returns 0 or a negative errno. */
static int start(const struct daemon_service *service, const struct daemon_arguments *a,
		 int sock, int said, pid_t *pid)
{
	pid_t self = getpid();
	int report[2], error = 0;

	if (pipe2(report, O_CLOEXEC))
		return -errno;
	/*
	 * If axvmm inherited SIGCHLD as ignored, a daemon that ends would be reaped at once, and
	 * its pid could be another process's when axvmm signals it.
	 */
	signal(SIGCHLD, SIG_DFL);
	*pid = fork_daemon(service);
	if (!*pid)
		execute(service, a, sock, report[1], said, self);
	error = *pid < 0 ? errno : 0;
	close(report[1]);
	if (*pid > 0 && read(report[0], &error, sizeof(error)) == sizeof(error))
		waitpid(*pid, NULL, 0);
	close(report[0]);
	return -error;
}

bool daemon_read(struct daemon_output *output, void (*print)(void *arg, const char *line),
		 void *arg)
{
	char bytes[4 * DAEMON_LINE];
	ssize_t n, i;

	if (output->fd < 0)
		return false;
	n = read(output->fd, bytes, sizeof(bytes));
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		close(output->fd);
		output->fd = -1;
		return false;
	}
	for (i = 0; i < n; i++) {
		if (bytes[i] == '\n') {
			output->line[output->length] = '\0';
			if (output->length)
				print(arg, output->line);
			output->length = 0;
		} else if (output->length < DAEMON_LINE - 1) {
			output->line[output->length++] =
				bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '?';
		}
	}
	return true;
}

int daemon_start(const struct daemon_service *service, pid_t *pid,
		 struct daemon_output *output)
{
	struct daemon_arguments arguments = { .argv = { service->program } };
	int said[2] = { -1, -1 };
	int sock = -1, client = -1;
	int err;

	*output = (struct daemon_output){ .fd = -1 };
	err = make_sockets(service, &sock, &client);
	/* If the pipe blocked, a daemon could wait for axvmm instead of serving the guest. */
	if (!err && pipe2(said, O_CLOEXEC | O_NONBLOCK))
		err = -errno;
	if (err)
		log_error("%s: cannot make a socket or a pipe for %s: %s", service->file,
			  service->program, strerror(-err));
	if (!err)
		err = service->arguments(service->arg, sock, &arguments);
	if (!err) {
		err = start(service, &arguments, sock, said[1], pid);
		if (err)
			log_error("%s: cannot start %s: %s%s%s", service->file,
				  service->program, strerror(-err),
				  err == -ENOENT ? "; it is in the package " : "",
				  err == -ENOENT ? service->package : "");
	}
	if (sock >= 0)
		close(sock);
	if (said[1] >= 0)
		close(said[1]);
	if (!err) {
		output->fd = said[0];
		return client;
	}
	if (said[0] >= 0)
		close(said[0]);
	if (client >= 0)
		close(client);
	return err;
}

/* Returns whether the process has ended, and has been reaped. */
static bool reap(pid_t pid, int flags)
{
	pid_t n;

	do {
		n = waitpid(pid, NULL, flags);
	} while (n < 0 && errno == EINTR);
	return n;
}

void daemon_kill(pid_t pid)
{
	kill(-pid, SIGKILL);
	reap(pid, 0);
}

/* Reap daemons that have ended, and set their pids to 0.  Returns whether all have ended. */
static bool reap_all(pid_t *pids, unsigned int nr)
{
	bool all = true;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (pids[i] && reap(pids[i], WNOHANG))
			pids[i] = 0;
		if (pids[i])
			all = false;
	}
	return all;
}

/* Signal the daemons' process groups: a daemon may have children. */
static void signal_all(const pid_t *pids, unsigned int nr, int sig)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (pids[i])
			kill(-pids[i], sig);
}

static u64 monotonic_nsec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NSEC_PER_SEC + now.tv_nsec;
}

/* All daemons are signalled first, and then have the same STOP_SECONDS. */
void daemon_stop(pid_t *pids, unsigned int nr)
{
	const struct timespec step = { .tv_nsec = STOP_STEP_NSEC };
	unsigned int i;
	u64 deadline;

	signal_all(pids, nr, STOP_SIGNAL);
	deadline = monotonic_nsec() + STOP_SECONDS * NSEC_PER_SEC;
	do {
		if (reap_all(pids, nr))
			return;
		nanosleep(&step, NULL);
	} while (monotonic_nsec() < deadline);
	signal_all(pids, nr, SIGKILL);
	for (i = 0; i < nr; i++) {
		if (pids[i])
			reap(pids[i], 0);
		pids[i] = 0;
	}
}
