/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * Signals that come while a call of KVM's is in progress.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>

#include <axvcpu.h>

/** signals_hold() - a call begins, perhaps inside another; signals are put off until it ends */
void signals_hold(void);

/** signals_release() - a call ends; at the end of the outermost one handlers are called */
void signals_release(void);

/**
 * signals_held() - whether this thread is in a call
 *
 * True also in the handler of a fault in a call, and in a thread that has left such a handler by
 * longjmp().
 */
bool signals_held(void);

/** signals_came() - whether a signal with a handler came since the outermost call began */
bool signals_came(void);

/**
 * signals_enter() - this thread is about to look at immediate_exit, and to run a vCPU
 * @vcpu: kicked when a signal comes, and at once if one has come in this call already
 */
void signals_enter(struct axv_vcpu *vcpu);

/** signals_leave() - the run is over: signals kick no vCPU any more */
void signals_leave(void);

#endif /* SIGNALS_H */
