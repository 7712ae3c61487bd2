/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vCPU whose VMCB is a plain structure, for the suites of the common code.
 */
#ifndef _AXVCPU_X86_TESTS_FAKE_HW_H
#define _AXVCPU_X86_TESTS_FAKE_HW_H

#include <kunit/test.h>

#include "../x86.h"

#define FAKE_MSRS	16

/**
 * struct fake_vcpu - a vCPU without hardware
 * @x:		the part under test
 * @vm:		its VM
 * @run:	its run page
 * @seg:	segment registers
 * @table:	GDTR and IDTR
 * @cr:		control registers by number
 * @dr:		debug registers by number
 * @efer:	EFER
 * @msr:	numbers of the MSRs that were set
 * @value:	their values
 * @shadow:	interrupt shadow
 * @nmi_masked:	NMIs are blocked
 * @changed:	calls of cpuid_changed()
 */
struct fake_vcpu {
	struct axv_x86_vcpu x;
	struct axv_x86_vm vm;
	struct axv_run run;
	struct axv_x86_segment seg[AXV_X86_SEGS];
	struct axv_x86_dtable table[2];
	u64 cr[9];
	u64 dr[8];
	u64 efer;
	u32 msr[FAKE_MSRS];
	u64 value[FAKE_MSRS];
	bool shadow;
	bool nmi_masked;
	unsigned int changed;
};

struct fake_vcpu *fake_vcpu_new(struct kunit *test);
void fake_vcpu_free(struct fake_vcpu *f);

/**
 * fake_get_reg() - a register that has to be there
 * @test:	the test
 * @f:		vCPU
 * @id:		AXV_REG_X86()
 */
static inline u64 fake_get_reg(struct kunit *test, struct fake_vcpu *f, u64 id)
{
	u64 value = 0;

	KUNIT_EXPECT_EQ_MSG(test, 0, axv_x86_get_reg(&f->x.base, id, &value),
			    "register %llx", id);
	return value;
}

#endif /* _AXVCPU_X86_TESTS_FAKE_HW_H */
