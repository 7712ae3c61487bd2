/* SPDX-License-Identifier: GPL-2.0 */
/* How a device passes on that the guest asks for the machine's end, or has panicked. */
#ifndef AXVMM_POWER_H
#define AXVMM_POWER_H

/**
 * enum power_request - what the guest asks for, or tells
 * @POWER_OFF:	the guest asks to be switched off
 * @POWER_RESET: the guest asks to be restarted
 * @POWER_PANIC: the guest tells that its kernel has panicked
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
