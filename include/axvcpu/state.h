/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The state machine of a vCPU: claim, act, publish.  state.c
 */
#ifndef _AXVCPU_STATE_H
#define _AXVCPU_STATE_H

#include <linux/compiler.h>
#include <linux/types.h>

#include <axvcpu/vcpu.h>

void axv_transition_state(struct axv_vcpu *vcpu, u8 to);
int axv_begin_read(struct axv_vcpu *vcpu);
void axv_end_read(struct axv_vcpu *vcpu);
const char *axv_state_name(u8 state);
void axv_vcpu_get_state(struct axv_vcpu *vcpu, struct axv_state *state);

/*
 * Registers that one read reads at most.  An operation may have to wait for that many, and
 * the reader's CPU has preemption off for as long.
 */
#define AXV_READ_BATCH		64

/* Sets of states for axv_claim_owned(). */
#define AXV_STATE_BIT(state)	(1u << (state))
#define AXV_STATES_AT_REST	(AXV_STATE_BIT(AXV_STATE_INVALID) | \
				 AXV_STATE_BIT(AXV_STATE_CREATED) | \
				 AXV_STATE_BIT(AXV_STATE_FREE) | \
				 AXV_STATE_BIT(AXV_STATE_READY))
#define AXV_STATES_SET_UP	(AXV_STATE_BIT(AXV_STATE_FREE) | \
				 AXV_STATE_BIT(AXV_STATE_READY))
#define AXV_STATES_NOT_SET_UP	(AXV_STATE_BIT(AXV_STATE_CREATED) | \
				 AXV_STATE_BIT(AXV_STATE_FREE))

/**
 * axv_vcpu_state() - the state of a vCPU, at this moment
 * @vcpu:	any vCPU
 *
 * Context: any; takes no lock.
 * Return: an &enum axv_vcpu_state.
 */
static inline u8 axv_vcpu_state(const struct axv_vcpu *vcpu)
{
	return READ_ONCE(vcpu->state);
}

#endif /* _AXVCPU_STATE_H */
