// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Signals that come while a call of KVM's is in progress.
 *
 * The kernel calls a handler when KVM's call has returned.  Here the call is a function of the
 * program, with locks held: a handler that comes in the middle and uses the same vCPU would wait
 * for ever, and one that leaves by longjmp() would keep the locks.  So no handler of the VMM's
 * runs in a call.  A handler of the library's runs in its place, and puts the signal off: it
 * blocks the signal in this thread and sends the signal to this thread once more, with the same
 * siginfo.  At the end of the call the signal is unblocked.  A signal that is put off costs a few
 * system calls, a call without a signal none.
 *
 * Some signals cannot be put off: a fault, since the instruction would fault again; SIGABRT, for
 * which abort() does not wait; one for which the kernel has no room.  The handler runs at once,
 * with the locks of the call held.  So an ioctl of KVM's in it is refused with EDEADLK.  Other
 * signals are not put off while that handler runs, nor afterwards if it leaves by longjmp().
 *
 * A signal to a thread in KVM_RUN makes KVM_RUN fail with EINTR.  A VMM that cannot be sure
 * that the thread is there yet has the handler set immediate_exit, at which KVM looks with
 * signals held back.  Here the handler of a signal that comes before the call has set that
 * byte by then, and a signal that comes in the call kicks the vCPU that this thread is about
 * to run.  A kick is kept until a run ends by it, so no signal is lost, whenever it comes.
 * The module also ends a run for other work of the thread, and for a kick that came late;
 * KVM_RUN goes on where no signal came.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "signals.h"

#define EXPORT __attribute__((visibility("default")))

typedef void (*plain_handler)(int signal);
typedef void (*full_handler)(int signal, siginfo_t *info, void *context);

/* In each thread from its beginning: a signal handler must not allocate. */
#define INITIAL		__attribute__((tls_model("initial-exec")))

/* In @state of struct thread: a signal came since the outermost call began. */
#define CAME		(1u << 31)

/**
 * struct thread - a thread's calls and signals
 * @state: how many calls of the library's are in progress, one inside another, and CAME
 * @waiting: signals that were put off, and are blocked until the call ends
 * @busy: how many handlers run in the middle of a call, one inside another; a handler that leaves
 *	by longjmp() is counted for ever
 * @vcpu: the vCPU that the thread runs or is about to run; NULL: none
 */
struct thread {
	atomic_uint state;
	sigset_t waiting;
	volatile unsigned int busy;
	struct axv_vcpu *volatile vcpu;
};

static __thread struct thread thread INITIAL;

/* The VMM's handlers, by signal. */
static volatile full_handler handlers[_NSIG];

/* Flags of the VMM's handlers that this file honours in the kernel's stead. */
#define FLAGS		(SA_SIGINFO | (int)SA_RESETHAND)

static volatile int handler_flags[_NSIG];

/* sigaction() of the C library, or of another preloaded library. */
static int (*real_sigaction)(int signal, const struct sigaction *new, struct sigaction *old);

void signals_hold(void)
{
	atomic_fetch_add(&thread.state, 1);
}

/* Unblock the signals that were put off, so that their handlers are called. */
static void let_in(void)
{
	sigset_t all, mask;
	int i;

	/*
	 * Unblock all signals at once.  If a second one were still blocked while the handler of
	 * the first runs, a call in that handler could unblock the second, and the kernel would
	 * block it again, for good, when the handler returns.
	 */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &mask);
	for (i = 1; i < _NSIG; i++) {
		if (sigismember(&thread.waiting, i) == 1)
			sigdelset(&mask, i);
	}
	sigemptyset(&thread.waiting);
	atomic_store(&thread.state, 0);
	pthread_sigmask(SIG_SETMASK, &mask, NULL);
}

void signals_release(void)
{
	unsigned int state = 1;

	if (atomic_load(&thread.state) & ~(CAME | 1))
		atomic_fetch_sub(&thread.state, 1);
	else if (!atomic_compare_exchange_strong(&thread.state, &state, 0))
		let_in();
}

static bool in_call(void)
{
	return atomic_load(&thread.state) & ~CAME;
}

bool signals_held(void)
{
	return thread.busy || in_call();
}

bool signals_came(void)
{
	return atomic_load(&thread.state) & CAME;
}

void signals_enter(struct axv_vcpu *vcpu)
{
	thread.vcpu = vcpu;
	/* A signal that came earlier in this call has found no vCPU to kick. */
	if (signals_came())
		axv_vcpu_kick(vcpu);
}

void signals_leave(void)
{
	thread.vcpu = NULL;
}

/*
 * Whether a signal can be put off: not a fault that the processor raised (si_code), nor SIGABRT,
 * for which abort() does not wait.
 */
static bool can_wait(int signal, const siginfo_t *info)
{
	switch (signal) {
	case SIGABRT:
		return false;
	case SIGSEGV:
	case SIGBUS:
	case SIGILL:
	case SIGFPE:
	case SIGTRAP:
	case SIGSYS:
		return info->si_code <= 0;
	default:
		return true;
	}
}

static bool put_off(int signal, siginfo_t *info, ucontext_t *context)
{
	sigset_t set, before;

	sigemptyset(&set);
	sigaddset(&set, signal);
	/* Otherwise a signal with SA_NODEFER would come again at once. */
	pthread_sigmask(SIG_BLOCK, &set, &before);
	if (syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), signal, info)) {
		/* The kernel queues no more. */
		pthread_sigmask(SIG_SETMASK, &before, NULL);
		return false;
	}
	/* The kernel takes this thread's mask from here when the handler returns. */
	sigaddset(&context->uc_sigmask, signal);
	sigaddset(&thread.waiting, signal);
	return true;
}

/* A constructor finds it: sigaction() may be called in a signal handler, where dlsym() may not. */
__attribute__((constructor)) static void find_sigaction(void)
{
	real_sigaction = dlsym(RTLD_NEXT, "sigaction");
	if (!real_sigaction)
		abort();
}

static int next_sigaction(int signal, const struct sigaction *new, struct sigaction *old)
{
	/* The constructor of another library makes a call before find_sigaction() has run. */
	if (!real_sigaction)
		find_sigaction();
	return real_sigaction(signal, new, old);
}

static void call_handler(int signal, siginfo_t *info, void *context)
{
	const struct sigaction none = { .sa_handler = SIG_DFL };
	full_handler handler = handlers[signal];

	/*
	 * SA_RESETHAND is done here and not by the kernel.  The kernel would reset the action
	 * when the signal comes, so a signal that is put off would meet the default action when
	 * it is sent again.
	 */
	if (handler_flags[signal] & (int)SA_RESETHAND)
		next_sigaction(signal, &none, NULL);
	/* A handler without SA_SIGINFO takes the first argument and ignores the others. */
	handler(signal, info, context);
}

/*
 * Call a handler in the middle of a call.  Signals that the call has put off still wait for its
 * end.
 */
static void call_in_call(int signal, siginfo_t *info, void *context)
{
	unsigned int state = atomic_load(&thread.state);
	sigset_t waiting = thread.waiting;

	thread.busy++;
	sigemptyset(&thread.waiting);
	/* As if there were no call: the handlers of signals that come from here on run at once. */
	atomic_store(&thread.state, 0);
	call_handler(signal, info, context);
	/* Calls in the handler have let in their own signals when they ended. */
	thread.waiting = waiting;
	atomic_store(&thread.state, state);
	thread.busy--;
}

static void handle(int signal, siginfo_t *info, void *context)
{
	int saved = errno;

	if (in_call()) {
		atomic_fetch_or(&thread.state, CAME);
		if (thread.vcpu)
			axv_vcpu_kick(thread.vcpu);
		if (!can_wait(signal, info) || !put_off(signal, info, context))
			call_in_call(signal, info, context);
		errno = saved;
	} else {
		call_handler(signal, info, context);
	}
}

static bool is_handler(const struct sigaction *action)
{
	return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

static int set_action(int signal, const struct sigaction *new, struct sigaction *old)
{
	full_handler before = handlers[signal];
	int flags_before = handler_flags[signal];
	struct sigaction ours;
	int ret;

	if (new && is_handler(new)) {
		ours = *new;
		/* The handler is stored before the kernel can call handle() for it. */
		handlers[signal] = new->sa_sigaction;
		handler_flags[signal] = new->sa_flags & FLAGS;
		ours.sa_sigaction = handle;
		ours.sa_flags = (new->sa_flags & ~FLAGS) | SA_SIGINFO;
		ret = next_sigaction(signal, &ours, old);
		if (ret) {
			handlers[signal] = before;
			handler_flags[signal] = flags_before;
		}
	} else {
		ret = next_sigaction(signal, new, old);
	}
	/* The caller gets back what it has set, not handle(). */
	if (!ret && old && old->sa_sigaction == handle) {
		old->sa_sigaction = before;
		old->sa_flags = (old->sa_flags & ~FLAGS) | flags_before;
	}
	return ret;
}

EXPORT int sigaction(int signal, const struct sigaction *new, struct sigaction *old)
{
	struct sigaction wanted, before;
	int ret;

	if (signal <= 0 || signal >= _NSIG)
		return next_sigaction(signal, new, old);
	/* Access to the caller's memory may fault, so it is copied before signals are held. */
	if (new)
		wanted = *new;
	/*
	 * A handler that left by longjmp() in the middle of set_action() would leave a signal's
	 * handler with the flags of another one, so signals are held.  A call that sets no
	 * handler changes the kernel's state only, and holds none.
	 */
	if (new && is_handler(&wanted)) {
		signals_hold();
		ret = set_action(signal, &wanted, &before);
		signals_release();
	} else {
		ret = set_action(signal, new ? &wanted : NULL, &before);
	}
	if (!ret && old)
		*old = before;
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
