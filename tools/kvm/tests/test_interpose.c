// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The functions that replace those of the C library.  This program contains them, and so calls
 * them as a program does that has the library preloaded.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "object.h"
#include "step.h"
#include "tap.h"

/* Volatile: to the compiler, ioctl() and the like call nothing of this file. */
static volatile unsigned int freed;

static long echo_ioctl(void *data, unsigned long command, unsigned long arg)
{
	(void)data;
	if (command == KVM_GET_API_VERSION)
		raise(SIGUSR1);
	if (command == KVM_GET_VCPU_MMAP_SIZE)
		pthread_testcancel();
	/* SIGABRT stands for a fault: neither can be put off. */
	if (command == KVM_RUN)
		raise(SIGABRT);
	return command == KVM_CHECK_EXTENSION ? (long)arg : -ENOTTY;
}

static void count_free(void *data)
{
	(void)data;
	freed++;
}

static const struct object_ops ops = { .name = "test", .ioctl = echo_ioctl, .free = count_free };

/* A descriptor of an object, as those of KVM's are made. */
static int make(void)
{
	struct object *object = object_create(&ops, NULL);
	int fd = memfd_create("test", 0);

	object_attach(fd, object);
	object_put(object);
	return fd;
}

static bool is_ours(int fd)
{
	return ioctl(fd, KVM_CHECK_EXTENSION, 7) == 7;
}

static void test_open(void)
{
	/* Declared to take no NULL, which the compiler and its checks rely on. */
	int (*volatile any_path)(const char *path, int flags, ...) = open;
	int fd = open("/dev/null", O_RDWR), at = openat(AT_FDCWD, "/dev/null", O_RDWR);
	int created = open("/tmp", O_TMPFILE | O_RDWR, 0600);

	tap(fd >= 0 && at >= 0 && !is_ours(fd) && !is_ours(at), "other files are opened");
	tap(created >= 0 || errno == EOPNOTSUPP, "a file is created with a mode");
	close(fd);
	close(at);
	close(created);
	errno = 0;
	tap(any_path(NULL, O_RDONLY) == -1 && errno == EFAULT, "open() of NULL is EFAULT");
	if (access("/dev/axvcpu", F_OK)) {
		errno = 0;
		tap(open("/dev/kvm", O_RDWR) == -1 && errno == ENOENT &&
		    openat(AT_FDCWD, "/dev/kvm", O_RDWR) == -1 && errno == ENOENT,
		    "/dev/kvm is not there without the module");
	}
}

static void test_copies(void)
{
	int fd = make(), null = open("/dev/null", O_RDWR), copies[4];
	unsigned int i, good = 0;

	tap(is_ours(fd) && !is_ours(null), "a descriptor of the library's, and another one");
	tap(ioctl(fd, KVM_CREATE_VM, 0) == -1 && errno == ENOTTY && ioctl(fd, FIONREAD, 0) == -1 &&
	    errno == ENOTTY && is_ours(fd), "an unknown ioctl is ENOTTY, as is another file's");
	copies[0] = dup(fd);
	copies[1] = dup2(fd, 900);
	copies[2] = dup3(fd, 901, O_CLOEXEC);
	copies[3] = fcntl(fd, F_DUPFD_CLOEXEC, 902);
	for (i = 0; i < 4; i++)
		good += is_ours(copies[i]);
	tap(good == 4 && copies[1] == 900 && copies[2] == 901 && copies[3] >= 902,
	    "copies are of the same object: %u of 4", good);
	tap(dup2(fd, fd) == fd && is_ours(fd),
	    "dup2() of a descriptor onto itself changes nothing");
	tap(dup2(null, 900) == 900 && !is_ours(900),
	    "dup2() of another file takes the descriptor away");
	tap(dup2(-1, 901) == -1 && is_ours(901), "a copy that fails closes nothing");
	tap(fcntl(fd, F_GETFD) == 0 && fcntl(901, F_GETFD) == FD_CLOEXEC,
	    "copies have their flags");
	close(copies[0]);
	close(fd);
	close(901);
	tap(!freed && !is_ours(fd), "the object stays while it has a descriptor");
	close(copies[3]);
	tap(freed == 1, "the last one frees the object");
	close(900);
	close(null);
}

static void test_ranges(void)
{
	int fd = make(), high;

	freed = 0;
	high = fcntl(fd, F_DUPFD, 900);
	close(fd);
	tap(close_range(high, high, ~0u) == -1 && is_ours(high),
	    "a range with a bad flag closes nothing");
	tap(close_range(high + 1, high, 0) == -1 && is_ours(high),
	    "a range that ends before it begins closes nothing");
	tap(!close_range(high, ~0u, 0) && freed == 1 && !is_ours(high), "close_range() closes");
	fd = make();
	high = dup2(fd, 900);
	close(fd);
	closefrom(900);
	tap(freed == 2 && !is_ours(900), "closefrom() closes");
}

static void test_reuse(void)
{
	int fd = make(), pipes[2], bytes = -1, copy;

	freed = 0;
	/* Past the library, so that the table still has it. */
	syscall(SYS_close, fd);
	if (pipe(pipes) || write(pipes[1], "axv", 3) != 3 || pipes[0] != fd) {
		tap(false, "a pipe with the number of what was closed");
		return;
	}
	tap(!ioctl(fd, FIONREAD, &bytes) && bytes == 3 && freed == 1,
	    "a number that is used again is the new file's");
	close(pipes[0]);
	close(pipes[1]);
	fd = make();
	syscall(SYS_close, fd);
	if (open("/dev/null", O_RDWR) != fd)
		tap_note("/dev/null has another number");
	copy = dup(fd);
	tap(!is_ours(copy) && !is_ours(fd) && freed == 2,
	    "copies of a number that is used again are the new file's");
	close(copy);
	close(fd);
}

static void test_fork(void)
{
	int fd = make(), status = -1;
	pid_t child;

	freed = 0;
	child = fork();
	if (!child) {
		if (is_ours(fd))
			_exit(1);
		close(fd);
		fd = make();
		_exit(!is_ours(fd) || freed);
	}
	tap(waitpid(child, &status, 0) == child && !status, "a child has objects of its own");
	tap(is_ours(fd) && !freed, "a child closes nothing for its parent");
	close(fd);
}

static sigjmp_buf way_out;

static void leave(int signal)
{
	(void)signal;
	siglongjmp(way_out, 1);
}

static void test_handler(void)
{
	const struct sigaction action = { .sa_handler = leave };
	int fd = make();
	bool left;

	freed = 0;
	sigaction(SIGUSR1, &action, NULL);
	left = sigsetjmp(way_out, 1);
	if (!left)
		ioctl(fd, KVM_GET_API_VERSION, 0);
	tap(left && is_ours(fd), "a handler may leave an ioctl by longjmp()");
	close(fd);
	tap(freed == 1, "an ioctl that a handler has left keeps no reference");
	signal(SIGUSR1, SIG_DFL);
}

static int stepped_fd;

static void call_once(void)
{
	ioctl(stepped_fd, KVM_CHECK_EXTENSION, 7);
}

static void test_leaving(void)
{
	volatile unsigned int i, leaks = 0;
	volatile bool sent = true;

	signal(SIGUSR1, leave);
	for (i = 0; sent; i += 1 + i / 16) {
		freed = 0;
		stepped_fd = make();
		if (!sigsetjmp(way_out, 1))
			sent = step(call_once, i, SIGUSR1);
		close(stepped_fd);
		leaks += freed != 1;
	}
	tap(!leaks,
	    "a handler that leaves an ioctl anywhere keeps no reference: %u instructions", i);
	signal(SIGUSR1, SIG_DFL);
}

#define COPY	900

static volatile int copy;

static void dup_once(void)
{
	copy = dup(stepped_fd);
}

static void dup2_once(void)
{
	copy = dup2(stepped_fd, COPY);
}

static void dup3_once(void)
{
	copy = dup3(stepped_fd, COPY, O_CLOEXEC);
}

static void fcntl_once(void)
{
	copy = fcntl(stepped_fd, F_DUPFD, COPY);
}

static void close_once(void)
{
	close(stepped_fd);
}

static void close_range_once(void)
{
	close_range(stepped_fd, stepped_fd, 0);
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* The table and the kernel agree: there is no such descriptor, or it is the library's. */
static bool is_whole(int fd)
{
	return is_open(fd) ? is_ours(fd) : !is_ours(fd);
}

/* A descriptor of another file is none of the library's. */
static bool is_replaced(int fd)
{
	struct stat file, other;

	return !fstat(fd, &file) && !fstat(STDERR_FILENO, &other) && file.st_dev == other.st_dev &&
	       file.st_ino == other.st_ino;
}

static void replace_once(void)
{
	copy = dup2(STDERR_FILENO, stepped_fd);
}

static void test_leaving_a(void (*function)(void), const char *name)
{
	volatile unsigned int i, bad = 0;
	volatile bool sent = true;

	signal(SIGUSR1, leave);
	for (i = 0; sent; i += 1 + i / 16) {
		freed = 0;
		stepped_fd = make();
		if (!sigsetjmp(way_out, 1))
			sent = step(function, i, SIGUSR1);
		/* A copy has the lowest number that is free, or 900. */
		if (function == replace_once)
			bad += is_ours(stepped_fd) == is_replaced(stepped_fd);
		else
			bad += !is_whole(stepped_fd) || !is_whole(stepped_fd + 1) ||
			       !is_whole(COPY);
		close(stepped_fd);
		close(stepped_fd + 1);
		close(COPY);
		bad += freed != 1;
	}
	tap(!bad, "%s is done or not when a handler leaves it: %u instructions", name, i);
	signal(SIGUSR1, SIG_DFL);
}

static void test_leaving_descriptors(void)
{
	test_leaving_a(dup_once, "dup()");
	test_leaving_a(dup2_once, "dup2()");
	test_leaving_a(dup3_once, "dup3()");
	test_leaving_a(fcntl_once, "F_DUPFD");
	test_leaving_a(replace_once, "dup2() of another file");
	test_leaving_a(close_once, "close()");
	test_leaving_a(close_range_once, "close_range()");
}

static volatile unsigned int handled;

static void count_signal(int signal)
{
	(void)signal;
	handled++;
}

static void nothing(int signal)
{
	(void)signal;
}

static void sigaction_once(void)
{
	const struct sigaction action = { .sa_handler = count_signal, .sa_flags = SA_RESETHAND };

	sigaction(SIGUSR2, &action, NULL);
}

static void test_leaving_sigaction(void)
{
	const struct sigaction before = { .sa_handler = nothing };
	volatile unsigned int i, bad = 0;
	volatile bool sent = true;
	struct sigaction now;

	signal(SIGUSR1, leave);
	for (i = 0; sent; i += 1 + i / 16) {
		sigaction(SIGUSR2, &before, NULL);
		if (!sigsetjmp(way_out, 1))
			sent = step(sigaction_once, i, SIGUSR1);
		sigaction(SIGUSR2, NULL, &now);
		bad += (now.sa_handler == nothing) == !!(now.sa_flags & (int)SA_RESETHAND);
	}
	tap(!bad, "sigaction() is done or not when a handler leaves it: %u instructions", i);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
}

static volatile bool returned;

/* Runs in a thread that is cancelled at its first cancellation point. */
static void *cancel_in_call(void *arg)
{
	pthread_cancel(pthread_self());
	ioctl(*(int *)arg, KVM_GET_VCPU_MMAP_SIZE, 0);
	returned = true;
	pthread_testcancel();
	return NULL;
}

static void test_cancelling(void)
{
	void *result = NULL;
	int fd = make();
	pthread_t thread;

	freed = 0;
	if (!pthread_create(&thread, NULL, cancel_in_call, &fd))
		pthread_join(thread, &result);
	close(fd);
	tap(returned && result == PTHREAD_CANCELED && freed == 1,
	    "a thread is cancelled behind an ioctl, not in it");
}

static int fault_fd;

/* Runs in a thread of its own: after this, the thread cannot make calls of KVM's. */
static void *leave_fault(void *arg)
{
	(void)arg;
	if (!sigsetjmp(way_out, 1))
		ioctl(fault_fd, KVM_RUN, 0);
	raise(SIGUSR1);
	errno = 0;
	tap(ioctl(fault_fd, KVM_CHECK_EXTENSION, 7) == -1 && errno == EDEADLK && handled == 1,
	    "a thread that has left a fault's handler has handlers, but no ioctls");
	return NULL;
}

static void test_fault(void)
{
	struct object *object;
	pthread_t thread;

	freed = 0;
	fault_fd = make();
	object = object_of_fd(fault_fd);
	signal(SIGUSR1, count_signal);
	signal(SIGABRT, leave);
	if (!pthread_create(&thread, NULL, leave_fault, NULL))
		pthread_join(thread, NULL);
	tap(is_ours(fault_fd), "ioctls of other threads go on after that");
	signal(SIGUSR1, SIG_DFL);
	signal(SIGABRT, SIG_DFL);
	close(fault_fd);
	object_put(object);
	tap(!freed, "the call that was left keeps its reference");
	object_put(object);
}

/* ---- the handler of a fault that closes and opens ----------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static long locked_ioctl(void *data, unsigned long command, unsigned long arg)
{
	(void)data;
	(void)command;
	(void)arg;
	pthread_mutex_lock(&lock);
	raise(SIGABRT);
	pthread_mutex_unlock(&lock);
	return 0;
}

static void locked_free(void *data)
{
	(void)data;
	pthread_mutex_lock(&lock);
	freed++;
	pthread_mutex_unlock(&lock);
}

static const struct object_ops locked_ops = {
	.name = "locked", .ioctl = locked_ioctl, .free = locked_free,
};

static int closed[3], open_errno;

static struct object *volatile of_child;

/* The interrupted call has the lock that freeing needs. */
static void close_in_fault(int signal)
{
	(void)signal;
	close(closed[0]);
	copy = dup2(STDERR_FILENO, closed[1]);
	close(closed[2]);
	errno = 0;
	copy = open("/dev/kvm", O_RDWR);
	open_errno = copy < 0 ? errno : 0;
}

static void make_locked(int *fd)
{
	struct object *object = object_create(&locked_ops, NULL);

	*fd = memfd_create("test", 0);
	object_attach(*fd, object);
	object_put(object);
}

static void close_and_leave(int signal)
{
	close_in_fault(signal);
	siglongjmp(way_out, 1);
}

static void *leave_closing(void *arg)
{
	(void)arg;
	if (!sigsetjmp(way_out, 1))
		ioctl(fault_fd, KVM_RUN, 0);
	close(fault_fd);
	return NULL;
}

static void test_closing_in_fault(void)
{
	int kept = make(), other;
	struct object *object;
	pthread_t thread;
	unsigned int i;
	pid_t child;

	freed = 0;
	make_locked(&fault_fd);
	for (i = 0; i < 3; i++)
		make_locked(&closed[i]);
	signal(SIGABRT, close_in_fault);
	/* A handler that waited for the lock would wait for ever. */
	alarm(20);
	tap(!ioctl(fault_fd, KVM_RUN, 0) && freed == 3 && !is_ours(closed[0]) &&
	    !is_ours(closed[1]) && !is_ours(closed[2]),
	    "what the handler of a fault closes is freed behind the call");
	tap(open_errno == EDEADLK, "/dev/kvm is not opened in it: error %d", open_errno);
	close(closed[1]);
	close(fault_fd);

	freed = 0;
	fault_fd = make();
	object = object_of_fd(fault_fd);
	for (i = 0; i < 3; i++)
		closed[i] = make();
	signal(SIGABRT, close_and_leave);
	if (!pthread_create(&thread, NULL, leave_closing, NULL))
		pthread_join(thread, NULL);
	tap(!freed, "nothing is freed in a handler of a fault that leaves by longjmp()");
	other = dup(kept);
	close(other);
	tap(is_ours(kept) && !freed,
	    "another thread's calls do not free it while they free nothing of their own");
	child = vfork();
	if (!child) {
		of_child = object_create(&ops, NULL);
		_exit(0);
	}
	tap(waitpid(child, NULL, 0) == child && !freed, "a child of vfork() frees nothing of it");
	/* The child's object is in the memory of both. */
	object_put(of_child);
	freed = 0;
	close(make());
	tap(freed == 4, "the next call that creates an object frees what the handler has closed");
	close(kept);
	close(closed[1]);
	/* One reference is the test's, the other is that of the call that was left. */
	object_put(object);
	object_put(object);
	alarm(0);
	signal(SIGABRT, SIG_DFL);
}

int main(void)
{
	test_open();
	test_copies();
	test_ranges();
	test_reuse();
	test_fork();
	test_handler();
	test_leaving();
	test_leaving_descriptors();
	test_leaving_sigaction();
	test_cancelling();
	test_fault();
	test_closing_in_fault();
	return tap_done();
}
