// SPDX-License-Identifier: GPL-2.0
/*
 * The system calls that a thread of a vCPU, or of a virtio device, may make.
 *
 * Threads of vCPUs work on what the guest sends, in the device models, the decoder and the
 * code that finishes instructions.  If a guest takes such a thread over by a bug there, the
 * guest must not be able to open a file, to connect to the network, or to start a program.
 * Threads of virtio devices work on what a vhost-user back end sends, which could take them over,
 * too.
 *
 * The main thread has no filter: --restart executes axvmm anew, which needs more system
 * calls, and a filter survives exec.  The threads that write the messages and the console
 * have none either: they only copy the guest's bytes.  All threads share their memory, so
 * the filter is a hurdle for an attacker who has taken one of them over, not a wall.
 */
#include <errno.h>
#include <malloc.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "machine.h"
#include "sandbox.h"
#include "terminal.h"
#include "types.h"

/* <signal.h> does not define it. */
#ifndef SYS_SECCOMP
#define SYS_SECCOMP	1
#endif

#define MAX_NAME	48
#define HINT		", which its filter does not allow; please report this; " \
			"with --no-seccomp there is no filter\n"

/*
 * The allowed calls, the frequent ones first: the filter compares them in this order if the
 * kernel has not cached its answer.  The filter does not look at ioctl's arguments: each
 * exit costs an ioctl, and the kernel only caches answers that do not depend on arguments.
 */
static const int allowed[] = {
	SCMP_SYS(ioctl),
	/* Locks, conditions, the end of a thread. */
	SCMP_SYS(futex),
	/* Timers of devices; eventfds of the event loop. */
	SCMP_SYS(timerfd_settime),
	SCMP_SYS(write),
	SCMP_SYS(read),
	/* The time: the vDSO makes these calls where it cannot read the clock itself. */
	SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres),
	SCMP_SYS(gettimeofday),
	SCMP_SYS(time),
	/* axv_pin_thread(). */
	SCMP_SYS(sched_setaffinity),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_yield),
	SCMP_SYS(getcpu),
	/* malloc(); mmap() and mprotect() are below. */
	SCMP_SYS(brk),
	SCMP_SYS(munmap),
	SCMP_SYS(mremap),
	SCMP_SYS(madvise),
	SCMP_SYS(getrandom),
	/* Signals: handlers, SIGSTOP and SIGCONT, abort() and its message; tgkill() is below. */
	SCMP_SYS(restart_syscall),
	SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigaction),
	SCMP_SYS(getpid),
	SCMP_SYS(gettid),
	SCMP_SYS(writev),
	SCMP_SYS(exit),
	SCMP_SYS(exit_group),
};

/* Further calls of a thread that talks to a back end: messages, and the end of a daemon. */
static const int allowed_vhost[] = {
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(recvfrom),
	SCMP_SYS(sendmsg),
	SCMP_SYS(shutdown),
	SCMP_SYS(close),
	SCMP_SYS(wait4),
};

/* Further calls of a virtio console's thread: its host's end, and clients of that. */
static const int allowed_console[] = {
	SCMP_SYS(poll),
	SCMP_SYS(ppoll),
	SCMP_SYS(accept4),
	SCMP_SYS(close),
};

/* Allowed without PROT_EXEC, which is in the third argument of both. */
static const int allowed_data[] = {
	SCMP_SYS(mmap),
	SCMP_SYS(mprotect),
};

/* The system calls as text: the signal handler may not call snprintf(). */
static char names[512][MAX_NAME];

/* What refused() calls this thread. */
static _Thread_local const char *owner = "?";

/*
 * Handler of SIGSYS, async-signal-safe.  A call by another architecture's ABI kills the process
 * instead, as its number would be taken for another call here.
 */
static void refused(int sig, siginfo_t *info, void *context)
{
	const unsigned int nr = info->si_syscall;
	char text[MAX_NAME + 256], *end;
	ssize_t written;

	(void)sig;
	(void)context;
	/* A SIGSYS that a process has sent tells of no system call. */
	if (info->si_code != SYS_SECCOMP)
		return;
	terminal_restore();
	end = stpcpy(text, "axvmm: ");
	end = stpcpy(end, owner);
	end = stpcpy(end, " made the system call ");
	end = stpcpy(end, nr < ARRAY_SIZE(names) ? names[nr] : "?");
	end = stpcpy(end, HINT);
	written = write(STDERR_FILENO, text, end - text);
	(void)written;
	_exit(MACHINE_ERROR);
}

void sandbox_prepare(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);

		snprintf(names[i], sizeof(names[i]), "%s (%u)", name ? name : "?", i);
		free(name);
	}

	/*
	 * Otherwise the first gmtime_r() of a device would open the file of the time zone,
	 * and free(), when it shrinks a thread's own arena, a file of /proc.
	 */
	tzset();
	mallopt(M_ARENA_MAX, 1);
}

/* The functions below return 0 or a negative errno, as libseccomp does. */
static int allow(scmp_filter_ctx filter, const int *calls, unsigned int nr)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < nr; i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
	return err;
}

static int add_rules(scmp_filter_ctx filter)
{
	int err = allow(filter, allowed, ARRAY_SIZE(allowed));
	unsigned int i;

	for (i = 0; !err && i < ARRAY_SIZE(allowed); i++)
		err = seccomp_syscall_priority(filter, allowed[i], 255 - i);
	for (i = 0; !err && i < ARRAY_SIZE(allowed_data); i++)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed_data[i], 1,
				       SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* abort() sends its signal by tgkill(); only to axvmm's own threads. */
	if (!err)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
				       SCMP_A0(SCMP_CMP_EQ, getpid()));
	/*
	 * A call by another architecture's ABI kills the process.  Otherwise the call would end
	 * its thread only, and the machine would wait for ever.
	 */
	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	/* Otherwise libseccomp returns -ECANCELED for any error of the kernel. */
	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_API_SYSRAWRC, 1);
	return err;
}

static int add_vhost_rules(scmp_filter_ctx filter, pid_t daemon)
{
	int err = allow(filter, allowed_vhost, ARRAY_SIZE(allowed_vhost));

	/*
	 * SIGKILL for the daemon's process group.  The kernel looks at the lower half of the
	 * pid's register only.
	 */
	if (!err && daemon)
		err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill), 2,
				       SCMP_A0(SCMP_CMP_MASKED_EQ, 0xffffffff, (u32)-daemon),
				       SCMP_A1(SCMP_CMP_EQ, SIGKILL));
	return err;
}

enum kind { VCPU, VHOST, CONSOLE };	/* of threads */

static const char *const owners[] = {
	[VCPU] = "a vCPU's thread", [VHOST] = "a device's thread", [CONSOLE] = "a console's thread",
};

static int enter(enum kind kind, pid_t daemon)
{
	const struct sigaction action = { .sa_sigaction = refused, .sa_flags = SA_SIGINFO };
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_TRAP);
	int err = -ENOMEM;

	owner = owners[kind];
	sigaction(SIGSYS, &action, NULL);
	if (filter) {
		err = add_rules(filter);
		if (!err && kind == VHOST)
			err = add_vhost_rules(filter, daemon);
		if (!err && kind == CONSOLE)
			err = allow(filter, allowed_console, ARRAY_SIZE(allowed_console));
		if (!err)
			err = seccomp_load(filter);
		seccomp_release(filter);
	}
	if (err)
		log_error("cannot filter the system calls of %s: %s; "
			  "--no-seccomp runs the guest without", owner, strerror(-err));
	return err;
}

int sandbox_enter(void)
{
	return enter(VCPU, 0);
}

int sandbox_enter_vhost(pid_t daemon)
{
	return enter(VHOST, daemon);
}

int sandbox_enter_console(void)
{
	return enter(CONSOLE, 0);
}
