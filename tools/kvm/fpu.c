// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The vector state: the module's is KVM's, in the standard format of XSAVE.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "debug.h"
#include "vcpu.h"

/* The legacy region (Intel SDM vol. 1, "Legacy Region of an XSAVE Area"), and the header. */
struct legacy {
	__u16 fcw;
	__u16 fsw;
	__u8 ftw;
	__u8 pad;
	__u16 opcode;
	__u64 ip;
	__u64 dp;
	__u32 mxcsr;
	__u32 mxcsr_mask;
	__u8 st[8][16];
	__u8 xmm[16][16];
};

/* Where a field is in struct kvm_fpu, and where in the legacy region. */
#define FIELD(kvm, ours) { \
	offsetof(struct kvm_fpu, kvm), offsetof(struct legacy, ours), \
	sizeof(((struct kvm_fpu *)NULL)->kvm) \
}

static const struct {
	size_t in_kvm;
	size_t in_legacy;
	size_t size;
} fields[] = {
	FIELD(fpr, st),
	FIELD(xmm, xmm),
	FIELD(fcw, fcw),
	FIELD(fsw, fsw),
	FIELD(ftwx, ftw),
	FIELD(last_opcode, opcode),
	FIELD(last_ip, ip),
	FIELD(last_dp, dp),
	FIELD(mxcsr, mxcsr),
};

#define NR_FIELDS	(sizeof(fields) / sizeof(fields[0]))

#define XSTATE_BV	512
#define XSTATE_FP_SSE	3u

/* Read the module's state into memory with room for KVM's, too; the caller frees it. */
static void *read_state(struct vcpu *v, int *err)
{
	size_t size = axv_vcpu_fpu_size(v->axv);
	void *state;

	state = calloc(1, size > sizeof(struct kvm_xsave) ? size : sizeof(struct kvm_xsave));
	*err = state ? axv_vcpu_get_fpu(v->axv, state) : -ENOMEM;
	if (!*err)
		return state;
	free(state);
	return NULL;
}

static int write_state(struct vcpu *v, const void *state)
{
	int err;

	/* Otherwise a vector instruction in progress may store what it read before this call. */
	run_forget(v);
	err = axv_vcpu_set_fpu(v->axv, state);
	if (err)
		debug("%s", axv_error());
	return err;
}

int fpu_get_xsave(struct vcpu *v, struct kvm_xsave *xsave)
{
	void *state;
	int err;

	state = read_state(v, &err);
	if (state)
		memcpy(xsave->region, state, sizeof(xsave->region));
	free(state);
	return err;
}

int fpu_set_xsave(struct vcpu *v, const struct kvm_xsave *xsave)
{
	size_t size = axv_vcpu_fpu_size(v->axv);
	void *state;
	int err;

	/*
	 * The state beyond struct kvm_xsave keeps its value: it belongs to features that are not
	 * offered.
	 */
	state = read_state(v, &err);
	if (!state)
		return err;
	memcpy(state, xsave->region, size < sizeof(xsave->region) ? size :
						sizeof(xsave->region));
	err = write_state(v, state);
	free(state);
	return err;
}

int fpu_get(struct vcpu *v, struct kvm_fpu *fpu)
{
	unsigned int i;
	char *state;
	int err;

	state = read_state(v, &err);
	if (!state)
		return err;
	memset(fpu, 0, sizeof(*fpu));
	for (i = 0; i < NR_FIELDS; i++)
		memcpy((char *)fpu + fields[i].in_kvm, state + fields[i].in_legacy,
		       fields[i].size);
	free(state);
	return 0;
}

int fpu_set(struct vcpu *v, const struct kvm_fpu *fpu)
{
	unsigned int i;
	char *state;
	__u64 bv;
	int err;

	state = read_state(v, &err);
	if (!state)
		return err;
	for (i = 0; i < NR_FIELDS; i++)
		memcpy(state + fields[i].in_legacy, (const char *)fpu + fields[i].in_kvm,
		       fields[i].size);
	if (axv_vcpu_fpu_size(v->axv) > XSTATE_BV) {
		memcpy(&bv, state + XSTATE_BV, sizeof(bv));
		bv |= XSTATE_FP_SSE;
		memcpy(state + XSTATE_BV, &bv, sizeof(bv));
	}
	err = write_state(v, state);
	free(state);
	return err;
}

int fpu_get_xcrs(struct vcpu *v, struct kvm_xcrs *xcrs)
{
	__u64 value;

	if (axv_vcpu_get_reg(v->axv, AXV_REG_X86(XCR, 0), &value))
		return -EINVAL;
	memset(xcrs, 0, sizeof(*xcrs));
	xcrs->nr_xcrs = 1;
	xcrs->xcrs[0].value = value;
	return 0;
}

int fpu_set_xcrs(struct vcpu *v, const struct kvm_xcrs *xcrs)
{
	const __u32 count = xcrs->nr_xcrs;
	unsigned int i;

	if (count > KVM_MAX_XCRS || xcrs->flags)
		return -EINVAL;
	/* KVM ignores other registers than XCR0. */
	for (i = 0; i < count; i++) {
		if (!xcrs->xcrs[i].xcr)
			return axv_vcpu_set_reg(v->axv, AXV_REG_X86(XCR, 0),
						xcrs->xcrs[i].value) ? -EINVAL : 0;
	}
	return 0;
}
