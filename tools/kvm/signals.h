/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * Signals that come while a vCPU runs.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <axvcpu.h>

/**
 * signals_enter() - this thread is about to look at immediate_exit, and to run a vCPU
 * @vcpu: that is kicked when a handler has been called
 *
 * Return: how many signals this thread has handled.
 */
unsigned long signals_enter(struct axv_vcpu *vcpu);

/** signals_leave() - the run is over */
void signals_leave(void);

/** signals_handled() - how many signals this thread has handled by now */
unsigned long signals_handled(void);

#endif /* SIGNALS_H */
