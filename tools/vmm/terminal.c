// SPDX-License-Identifier: GPL-2.0
/*
 * The mode of the user's terminal.  It is restored however axvmm ends, except by
 * SIGKILL: on exit() and on the signals of a crash by the handlers here, on other
 * signals because the event loop takes them and ends the machine.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "log.h"
#include "terminal.h"

/* Written by terminal_raw() before it sets @raw; read by terminal_restore(). */
static struct termios original;
static atomic_bool raw;

/* Async-signal-safe. */
void terminal_restore(void)
{
	if (!atomic_exchange(&raw, false))
		return;
	tcsetattr(STDIN_FILENO, TCSANOW, &original);
	log_set_raw(false);
}

static void crash(int sig)
{
	terminal_restore();
	/* SA_RESETHAND has restored the default action. */
	raise(sig);
}

static void prepare(void)
{
	static const int signals[] = {
		SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS,
	};
	struct sigaction action = { .sa_handler = crash };
	unsigned int i;

	action.sa_flags = SA_RESETHAND | SA_NODEFER;
	for (i = 0; i < ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &action, NULL);
	atexit(terminal_restore);
}

bool terminal_raw(void)
{
	static bool prepared;
	struct termios mode;

	if (!atomic_load(&raw) && tcgetattr(STDIN_FILENO, &original))
		return false;
	if (!prepared)
		prepare();
	prepared = true;

	mode = original;
	cfmakeraw(&mode);
	if (tcsetattr(STDIN_FILENO, TCSANOW, &mode))
		return false;
	atomic_store(&raw, true);
	log_set_raw(true);
	return true;
}
