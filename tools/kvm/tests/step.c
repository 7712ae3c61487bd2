// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * A signal between any two instructions of a function: the processor's trap flag.
 */
#include <dlfcn.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <ucontext.h>

#include "step.h"

#define RFLAGS_TF	0x100

static volatile unsigned int left;
static volatile bool over, sent;
static int to_send;

static void on_trap(int signal, siginfo_t *info, void *context)
{
	greg_t *flags = &((ucontext_t *)context)->uc_mcontext.gregs[REG_EFL];

	(void)signal;
	(void)info;
	if (!over && left) {
		left--;
		*flags |= RFLAGS_TF;
		return;
	}
	*flags &= ~(greg_t)RFLAGS_TF;
	if (!over) {
		sent = true;
		/* The signal comes when this handler returns. */
		raise(to_send);
	}
}

/*
 * Replaces the C library's function and never blocks SIGTRAP: a trap that is blocked kills the
 * program.
 */
int pthread_sigmask(int how, const sigset_t *new, sigset_t *old)
{
	sigset_t set;

	if (new) {
		set = *new;
		sigdelset(&set, SIGTRAP);
	}
	return sigprocmask(how, new ? &set : NULL, old) ? errno : 0;
}

bool step(void (*function)(void), unsigned int instructions, int signal)
{
	/*
	 * The C library's sigaction(): the tested library's would take the trap for a fault in a
	 * call.
	 */
	int (*real_sigaction)(int signal, const struct sigaction *new, struct sigaction *old) =
		dlsym(RTLD_NEXT, "sigaction");
	struct sigaction action = { .sa_sigaction = on_trap, .sa_flags = SA_SIGINFO };

	sigfillset(&action.sa_mask);
	real_sigaction(SIGTRAP, &action, NULL);
	left = instructions;
	to_send = signal;
	over = false;
	sent = false;
	__asm__ volatile("int3" : : : "memory");
	function();
	over = true;
	return sent;
}
