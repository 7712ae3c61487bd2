// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Signals that come while a vCPU runs.
 *
 * A signal to a thread in KVM_RUN makes it fail with EINTR; a VMM that cannot be sure that
 * the thread is there yet has the handler set immediate_exit, at which KVM looks with signals
 * held back.  The module does not know that byte, and a signal may come when the library
 * has looked at it, or between two runs of one KVM_RUN.  So the VMM's handlers are called by
 * one of the library's: when they have returned, it kicks the vCPU that this thread is about
 * to run.  A kick is kept until a run ends by it: no signal is lost, whenever it comes.
 *
 * It counts the signals as well: KVM_RUN fails with EINTR only where there was one, while
 * the module ends a run for other work of the thread, too, and for a kick that came late.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>

#include "signals.h"

#define EXPORT __attribute__((visibility("default")))

typedef void (*plain_handler)(int signal);
typedef void (*full_handler)(int signal, siginfo_t *info, void *context);

/* In each thread from its beginning: a signal handler must not allocate. */
#define INITIAL		__attribute__((tls_model("initial-exec")))

/**
 * struct thread - what a thread's signals are about
 * @handled: how many it has handled
 * @vcpu: that it is about to run; NULL: none
 */
struct thread {
	volatile unsigned long handled;
	struct axv_vcpu *volatile vcpu;
};

static __thread struct thread thread INITIAL;

/* The VMM's handlers, by signal. */
static volatile full_handler handlers[_NSIG];

/* That take more than the number, as the VMM has said. */
static volatile bool full[_NSIG];

/* The one that comes next: the C library's, or another preloaded library's. */
static int (*real_sigaction)(int signal, const struct sigaction *new, struct sigaction *old);

unsigned long signals_enter(struct axv_vcpu *vcpu)
{
	thread.vcpu = vcpu;
	return thread.handled;
}

void signals_leave(void)
{
	thread.vcpu = NULL;
}

unsigned long signals_handled(void)
{
	return thread.handled;
}

static void handle(int signal, siginfo_t *info, void *context)
{
	struct axv_vcpu *vcpu;
	int saved;

	/* One that takes the number alone does not look at the rest. */
	handlers[signal](signal, info, context);
	thread.handled++;
	vcpu = thread.vcpu;
	if (!vcpu)
		return;
	saved = errno;
	axv_vcpu_kick(vcpu);
	errno = saved;
}

static bool is_handler(const struct sigaction *action)
{
	return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

/* At the beginning: sigaction() may be called in a signal handler, and dlsym() may not. */
__attribute__((constructor)) static void find_sigaction(void)
{
	real_sigaction = dlsym(RTLD_NEXT, "sigaction");
	if (!real_sigaction)
		abort();
}

static int next_sigaction(int signal, const struct sigaction *new, struct sigaction *old)
{
	/* Another library's constructor came first. */
	if (!real_sigaction)
		find_sigaction();
	return real_sigaction(signal, new, old);
}

EXPORT int sigaction(int signal, const struct sigaction *new, struct sigaction *old)
{
	struct sigaction ours;
	full_handler before;
	bool was_full;
	int ret;

	if (signal <= 0 || signal >= _NSIG)
		return next_sigaction(signal, new, old);
	before = handlers[signal];
	was_full = full[signal];
	if (new && is_handler(new)) {
		ours = *new;
		/* Before it can be called. */
		handlers[signal] = new->sa_sigaction;
		full[signal] = new->sa_flags & SA_SIGINFO;
		ours.sa_sigaction = handle;
		ours.sa_flags |= SA_SIGINFO;
		ret = next_sigaction(signal, &ours, old);
		if (ret) {
			handlers[signal] = before;
			full[signal] = was_full;
		}
	} else {
		ret = next_sigaction(signal, new, old);
	}
	/* The caller gets back what was set, not what it was made into. */
	if (!ret && old && old->sa_sigaction == handle) {
		old->sa_sigaction = before;
		if (!was_full)
			old->sa_flags &= ~SA_SIGINFO;
	}
	return ret;
}

static sighandler_t set_handler(int signal, sighandler_t handler, int flags)
{
	struct sigaction new = { .sa_handler = handler, .sa_flags = flags }, old;

	sigemptyset(&new.sa_mask);
	if (sigaction(signal, &new, &old))
		return SIG_ERR;
	return old.sa_handler;
}

EXPORT sighandler_t signal(int signal_number, sighandler_t handler)
{
	return set_handler(signal_number, handler, SA_RESTART);
}

/* Other names of these two, of which headers do not declare all. */
int __sigaction(int signal, const struct sigaction *new, struct sigaction *old);
sighandler_t bsd_signal(int signal_number, sighandler_t handler);
sighandler_t ssignal(int signal_number, sighandler_t handler);
sighandler_t sysv_signal(int signal_number, sighandler_t handler);
sighandler_t __sysv_signal(int signal_number, sighandler_t handler);

EXPORT int __sigaction(int signal, const struct sigaction *new, struct sigaction *old)
{
	return sigaction(signal, new, old);
}

EXPORT sighandler_t bsd_signal(int signal_number, sighandler_t handler)
{
	return signal(signal_number, handler);
}

EXPORT sighandler_t ssignal(int signal_number, sighandler_t handler)
{
	return signal(signal_number, handler);
}

/* System V's signal(), which a strictly standard program gets under that name. */
EXPORT sighandler_t __sysv_signal(int signal_number, sighandler_t handler)
{
	return set_handler(signal_number, handler, SA_RESETHAND | SA_NODEFER);
}

EXPORT sighandler_t sysv_signal(int signal_number, sighandler_t handler)
{
	return __sysv_signal(signal_number, handler);
}
