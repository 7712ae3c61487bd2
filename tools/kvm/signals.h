/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * Signals that come while a call of KVM's is in progress.
 */
#ifndef SIGNALS_H
#define SIGNALS_H

#include <stdbool.h>

#include <axvcpu.h>

/** signals_hold() - a call begins, perhaps in another: in it no handler of the VMM's runs */
void signals_hold(void);

/** signals_release() - it ends; with the outermost one the handlers that waited are called */
void signals_release(void);

/** signals_held() - in a call: whoever asks is the handler of a fault, or has left one */
bool signals_held(void);

/** signals_came() - whether there was a signal since the outermost call began */
bool signals_came(void);

/**
 * signals_enter() - this thread is about to look at immediate_exit, and to run a vCPU
 * @vcpu: that is kicked when a signal comes, and if one has come in this call
 */
void signals_enter(struct axv_vcpu *vcpu);

/** signals_leave() - the run is over */
void signals_leave(void);

#endif /* SIGNALS_H */
