/* SPDX-License-Identifier: GPL-2.0 */
/* How a guest asks for the end of the machine. */
#ifndef AXVMM_POWER_H
#define AXVMM_POWER_H

/**
 * enum power_request - what the guest asks for, or what it tells
 * @POWER_OFF:	to be switched off
 * @POWER_RESET: to be restarted
 * @POWER_PANIC: nothing: its kernel has panicked
 */
enum power_request {
	POWER_OFF,
	POWER_RESET,
	POWER_PANIC,
};

/**
 * struct power_switch - where devices send the request
 * @request:	called with the machine's lock held; may be called again
 * @arg:	for @request
 */
struct power_switch {
	void (*request)(void *arg, enum power_request request);
	void *arg;
};

#endif /* AXVMM_POWER_H */
