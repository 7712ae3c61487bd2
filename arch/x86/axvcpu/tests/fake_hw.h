/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vCPU whose VMCB is a plain structure, for the suites of the common code.
 */
#ifndef _AXVCPU_X86_TESTS_FAKE_HW_H
#define _AXVCPU_X86_TESTS_FAKE_HW_H

#include <axvcpu/kunit.h>

#include "../fpu.h"
#include "../regs.h"
#include "../x86.h"

#define FAKE_MSRS	16

/**
 * struct fake_vcpu - a vCPU without hardware
 * @x:		the part under test
 * @vm:		its VM
 * @run:	its run page
 * @seg:	segment registers
 * @table:	GDTR and IDTR
 * @cr:		control registers by number; CR0, CR4 and EFER are in @x
 * @dr:		debug registers by number
 * @msr:	numbers of the MSRs that were set
 * @value:	their values
 * @shadow:	interrupt shadow
 * @pending_debug: pending debug exceptions
 * @irqs_off:	pending debug exceptions were asked for with interrupts off, when no
 *		other CPU can be asked
 * @nmi_masked:	NMIs are blocked
 * @changed:	calls of cpuid_changed()
 * @watched:	calls of watch_cr8()
 */
struct fake_vcpu {
	struct axv_x86_vcpu x;
	struct axv_x86_vm vm;
	struct axv_run run;
	struct axv_x86_segment seg[AXV_X86_SEGS];
	struct axv_x86_dtable table[2];
	u64 cr[9];
	u64 dr[8];
	u32 msr[FAKE_MSRS];
	u64 value[FAKE_MSRS];
	unsigned int shadow;
	u64 pending_debug;
	bool irqs_off;
	bool nmi_masked;
	unsigned int changed;
	unsigned int watched;
};

struct fake_vcpu *fake_vcpu_new(struct kunit *test);
struct fake_vcpu *fake_vcpu_with_lapic(struct kunit *test, u32 id);
void fake_vcpu_free(struct fake_vcpu *f);

/* Operations that need the vCPU's claim. */
static inline int claimed_get_reg(struct axv_vcpu *vcpu, u64 id, u64 *value)
{
	return AXV_CLAIMED(vcpu, axv_x86_get_reg(vcpu, id, value));
}

static inline int claimed_set_reg(struct axv_vcpu *vcpu, u64 id, u64 value)
{
	return AXV_CLAIMED(vcpu, axv_x86_set_reg(vcpu, id, value));
}

static inline int claimed_get_fpu(struct axv_vcpu *vcpu, void *data, size_t size)
{
	return AXV_CLAIMED(vcpu, axv_x86_get_fpu(vcpu, data, size));
}

static inline int claimed_set_fpu(struct axv_vcpu *vcpu, const void *data, size_t size)
{
	return AXV_CLAIMED(vcpu, axv_x86_set_fpu(vcpu, data, size));
}

static inline int claimed_prepare_run(struct axv_vcpu *vcpu)
{
	return AXV_CLAIMED(vcpu, axv_x86_prepare_run(vcpu));
}

static inline int claimed_sync_gprs(struct axv_vcpu *vcpu, u32 dirty, u32 want)
{
	return AXV_CLAIMED(vcpu, axv_x86_sync_gprs(vcpu, dirty, want));
}

static inline int claimed_setup(struct axv_vcpu *vcpu, const struct axv_setup *setup)
{
	return AXV_CLAIMED(vcpu, axv_x86_setup(vcpu, setup));
}

/**
 * fake_get_reg() - read a register that has to be there
 * @test:	the test
 * @f:		vCPU
 * @id:		AXV_REG_X86()
 */
static inline u64 fake_get_reg(struct kunit *test, struct fake_vcpu *f, u64 id)
{
	u64 value = 0;

	KUNIT_EXPECT_EQ_MSG(test, 0, claimed_get_reg(&f->x.base, id, &value),
			    "register %llx", id);
	return value;
}

#endif /* _AXVCPU_X86_TESTS_FAKE_HW_H */
