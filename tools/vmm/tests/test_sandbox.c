// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the system calls that a thread of a vCPU, or of a device, may make.  The thread runs
 * in a child process, whose standard error stream is a pipe to the test.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "loop.h"
#include "machine.h"
#include "sandbox.h"
#include "tap.h"

/* With this argument the program does nothing. */
#define EXECUTED	"executed"

/* Exit codes of the child. */
enum {
	RETURNED = 40,		/* the thread has returned */
	WRONG,			/* a call in the thread had a wrong result */
	NO_FILTER,		/* the thread has no filter */
};

#define EXPECT(condition)						\
	do {								\
		if (!(condition)) {					\
			dprintf(STDERR_FILENO, "%d: %s: %s\n", __LINE__, \
				#condition, strerror(errno));		\
			_exit(WRONG);					\
		}							\
	} while (0)

/* What the main thread makes, as axvmm's makes devices. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool greeted;
static struct loop loop;
static struct loop_source source;
static int timer;
static cpu_set_t cpus;
/* The thread is a device's, not a vCPU's; its socket, and the process that is its daemon. */
static bool vhost;
static int sockets[2];
static pid_t daemon_pid;

static void *thread(void *what)
{
	void (*work)(void) = what;

	if (vhost ? sandbox_enter_vhost(daemon_pid) : sandbox_enter())
		_exit(NO_FILTER);
	work();
	return NULL;
}

static void make_daemon(void)
{
	pid_t parent = getpid();

	EXPECT(!socketpair(AF_UNIX, SOCK_STREAM, 0, sockets));
	daemon_pid = fork();
	if (!daemon_pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		while (getppid() == parent)
			pause();
		_exit(0);
	}
	EXPECT(daemon_pid > 0 && !setpgid(daemon_pid, daemon_pid));
}

static void child(void (*work)(void), void (*meanwhile)(void))
{
	pthread_t t;

	if (vhost)
		make_daemon();
	EXPECT(!loop_init(&loop, &lock));
	timer = timerfd_create(CLOCK_MONOTONIC, 0);
	EXPECT(timer >= 0);
	EXPECT(!sched_getaffinity(0, sizeof(cpus), &cpus));
	/* As the main thread of axvmm does. */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	sandbox_prepare();
	EXPECT(!log_start());
	EXPECT(!pthread_create(&t, NULL, thread, work));
	if (meanwhile)
		meanwhile();
	EXPECT(!pthread_join(t, NULL));
	log_flush();
	_exit(RETURNED);
}

struct task {
	void (*work)(void);
	void (*meanwhile)(void);
};

static void run_task(const void *arg)
{
	const struct task *task = arg;

	child(task->work, task->meanwhile);
}

/*
 * Have a filtered thread of a child do @work, and the child's main thread @meanwhile.  What the
 * child prints goes to @said.  Returns the exit code, or 128 and the signal.
 */
static int run(void (*work)(void), void (*meanwhile)(void), char *said, size_t size)
{
	const struct task task = { work, meanwhile };

	return tap_child(run_task, &task, said, size);
}

#define RUNS(work, meanwhile)						\
	do {								\
		char said_[4096];					\
									\
		if (run(work, meanwhile, said_, sizeof(said_)) != RETURNED) \
			tap_fail(__FILE__, __LINE__, "said: %s", said_);	\
	} while (0)

/* ---- system calls that axvmm's threads make ------------------------------ */

static void allocate(void)
{
	void *small[1000], *p;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(small); i++) {
		small[i] = malloc(16 * i);
		EXPECT(small[i]);
	}
	for (i = 0; i < ARRAY_SIZE(small); i++)
		free(small[i]);
	p = calloc(1, MIB(1));
	EXPECT(p);
	p = realloc(p, MIB(64));
	EXPECT(p);
	free(p);
}

static void memory(void)
{
	RUNS(allocate, NULL);
}

static void locks_and_waits(void)
{
	pthread_mutex_lock(&lock);
	while (!greeted)
		pthread_cond_wait(&changed, &lock);
	pthread_mutex_unlock(&lock);
}

static void greet(void)
{
	pthread_mutex_lock(&lock);
	greeted = true;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void threads(void)
{
	RUNS(locks_and_waits, greet);
}

static void act_as_device(void)
{
	const struct itimerspec soon = { .it_value.tv_nsec = 1 };
	struct timespec now;
	struct tm tm;
	time_t t = 0;
	int unread;

	EXPECT(!timerfd_settime(timer, 0, &soon, NULL));
	pthread_mutex_lock(&lock);
	loop_enable(&loop, &source, true);
	pthread_mutex_unlock(&lock);
	EXPECT(!ioctl(STDERR_FILENO, FIONREAD, &unread));
	/* A system call, as without the vDSO. */
	EXPECT(!syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now));
	EXPECT(gmtime_r(&t, &tm) && timegm(&tm) == t);
	EXPECT(!sched_setaffinity(0, sizeof(cpus), &cpus));
	log_error("%s", strerror(ENOENT));
	log_notice("as a device");
}

static void device_models(void)
{
	RUNS(act_as_device, NULL);
}

static void stop(void)
{
	loop_stop(&loop);
}

static void run_loop(void)
{
	EXPECT(!loop_run(&loop));
}

static void the_end(void)
{
	RUNS(stop, run_loop);
}

static void crash(void)
{
	struct { char bytes[256]; } *p = malloc(sizeof(*p));
	char *volatile inside = (char *)p + 24;

	free(inside);
}

/* When the C library finds an error, it can print it, and abort. */
static void crashes(void)
{
	char said[4096];

	CHECK_EQ(run(crash, NULL, said, sizeof(said)), 128 + SIGABRT);
	CHECK(strstr(said, "free(): invalid"));
}

/* A filter in one thread does not filter the main thread, which can execute axvmm again. */
static void nothing(void)
{
}

static void open_and_execute(void)
{
	int status;
	pid_t pid;

	EXPECT(open("/dev/null", O_RDONLY) >= 0);
	pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "test", EXECUTED, NULL);
		_exit(WRONG);
	}
	EXPECT(waitpid(pid, &status, 0) == pid && !status);
}

static void main_thread(void)
{
	RUNS(nothing, open_and_execute);
}

/* ---- system calls that axvmm's threads do not make ----------------------- */

/* Check that @work ends the process, and that the message names the system call. */
static void refuses(void (*work)(void), const char *name)
{
	char said[4096], expected[256];

	snprintf(expected, sizeof(expected),
		 "axvmm: a %s thread made the system call %s (", vhost ? "device's" : "vCPU's",
		 name);
	CHECK_EQ(run(work, NULL, said, sizeof(said)), MACHINE_ERROR);
	if (strncmp(said, expected, strlen(expected)) || !strstr(said, "--no-seccomp"))
		tap_fail(__FILE__, __LINE__, "said: %s", said);
}

static void open_file(void)
{
	open("/dev/null", O_RDONLY);
}

static void execute(void)
{
	execl("/proc/self/exe", "test", EXECUTED, NULL);
}

static void fork_child(void)
{
	fork();
}

static void use_socket(void)
{
	socket(AF_UNIX, SOCK_STREAM, 0);
}

static void trace(void)
{
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static void send_signal(void)
{
	kill(0, 0);
}

static void signal_a_thread(void)
{
	syscall(SYS_tgkill, getpid() + 1, getpid() + 1, 0);
}

static void map_code(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void make_code(void)
{
	/* The page of this function: if the call succeeds, nothing else changes. */
	syscall(SYS_mprotect, (unsigned long)make_code & -4096ul, 4096,
		PROT_READ | PROT_WRITE | PROT_EXEC);
}

static void no_such_call(void)
{
	syscall(511);
}

static void far_beyond(void)
{
	syscall(100000);
}

static void files_and_programs(void)
{
	refuses(open_file, "openat");
	refuses(execute, "execve");
	/* The system call that the C library's fork() makes. */
	refuses(fork_child, "clone");
}

static void others(void)
{
	refuses(use_socket, "socket");
	refuses(trace, "ptrace");
	refuses(send_signal, "kill");
	refuses(signal_a_thread, "tgkill");
}

static void code(void)
{
	refuses(map_code, "mmap");
	refuses(make_code, "mprotect");
}

static void unknown(void)
{
	char said[4096];

	refuses(no_such_call, "?");
	CHECK_EQ(run(far_beyond, NULL, said, sizeof(said)), MACHINE_ERROR);
	CHECK(strstr(said, "the system call ?, which"));
}

static void talk_and_kill(void)
{
	struct iovec iov = { "hello", 5 };
	const struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct pollfd fd = { .fd = sockets[1], .events = POLLIN };
	char bytes[8];

	EXPECT(sendmsg(sockets[0], &msg, MSG_NOSIGNAL) == 5);
	EXPECT(poll(&fd, 1, -1) == 1);
	EXPECT(recv(sockets[1], bytes, sizeof(bytes), MSG_DONTWAIT) == 5);
	EXPECT(!shutdown(sockets[0], SHUT_WR) && !close(sockets[1]));
	EXPECT(!kill(-daemon_pid, SIGKILL) && waitpid(daemon_pid, NULL, 0) == daemon_pid);
	log_error("as a device");
}

static void interrupt_daemon(void)
{
	kill(-daemon_pid, SIGINT);
}

static void kill_another(void)
{
	/* There is no such process: if the call is allowed, it does no harm. */
	kill(0x7ffffffe, SIGKILL);
}

static void devices_thread(void)
{
	vhost = true;
	RUNS(talk_and_kill, NULL);
	refuses(open_file, "openat");
	refuses(execute, "execve");
	refuses(use_socket, "socket");
	refuses(send_signal, "kill");
	refuses(interrupt_daemon, "kill");
	refuses(kill_another, "kill");
	refuses(map_code, "mmap");
	vhost = false;
}

#ifdef __x86_64__
/* 20 is getpid() for 32-bit code, but writev(), which is allowed, for 64-bit code. */
static void compat_call(void)
{
	unsigned long nr = 20;

	asm volatile("int $0x80" : "+a" (nr) : : "r8", "r9", "r10", "r11", "memory");
}

static void x32_call(void)
{
	/* write() by the x32 ABI; by the native ABI it is allowed. */
	syscall(0x40000000 | SYS_write, STDERR_FILENO, "", 0);
}

static void other_abis(void)
{
	char said[4096];

	CHECK_EQ(run(x32_call, NULL, said, sizeof(said)), 128 + SIGSYS);
	/* If the kernel has no 32-bit ABI, the instruction faults. */
	CHECK(run(compat_call, NULL, said, sizeof(said)) != RETURNED);
}
#endif

static const struct tap_case cases[] = {
	{ "a vCPU's thread allocates memory", memory },
	{ "a vCPU's thread locks, waits, and ends", threads },
	{ "a vCPU's thread sets timers, asks the time, logs", device_models },
	{ "a vCPU's thread ends the event loop", the_end },
	{ "a vCPU's thread aborts when the C library finds an error", crashes },
	{ "the main thread has no filter", main_thread },
	{ "a vCPU's thread opens and starts nothing", files_and_programs },
	{ "a vCPU's thread connects, traces, and signals nothing", others },
	{ "a vCPU's thread makes no memory executable", code },
	{ "a system call without a name is reported by its number", unknown },
	{ "a device's thread sends messages, and kills its daemon only", devices_thread },
#ifdef __x86_64__
	{ "calls by other ABIs kill the process", other_abis },
#endif
};

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], EXECUTED))
		return 0;
	return tap_run(cases, ARRAY_SIZE(cases));
}
