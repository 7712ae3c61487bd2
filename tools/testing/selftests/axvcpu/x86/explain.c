// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of entries that the hardware refuses, and of libaxvcpu's explanations of them.
 */
#include <kselftest_harness.h>

#include <axvcpu.h>

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	240

#define SEG_REG(seg, field)	\
	AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_##seg, AXV_X86_SEG_##field))

FIXTURE(explain) {
	struct axv_host *host;
	struct axv_vm *vm;
	struct axv_vcpu *vcpu;
	__u64 backend;
};

FIXTURE_SETUP(explain)
{
	const struct axv_vcpu_config config = { .favor_phys_cpu = -1 };
	__u8 *ram;

	ASSERT_EQ(0, axv_open(NULL, &self->host)) { TH_LOG("%s", axv_error()); }
	ASSERT_EQ(0, axv_query(self->host, AXV_QUERY_BACKEND, &self->backend));
	ASSERT_EQ(0, axv_vm_create(self->host, NULL, &self->vm));
	ASSERT_EQ(0, axv_vm_add_ram(self->vm, 0, 0, 0, 0x10000, (void **)&ram));
	ram[0x1000] = 0xf4;	/* HLT */
	ASSERT_EQ(0, axv_vcpu_create(self->vm, &config, &self->vcpu));
	ASSERT_EQ(0, axv_vcpu_setup(self->vcpu, 0x1000, AXV_X86_MODE_PROTECTED));
	ASSERT_EQ(0, axv_vcpu_bind(self->vcpu, 0));
}

FIXTURE_TEARDOWN(explain)
{
	axv_vcpu_destroy(self->vcpu);
	axv_vm_destroy(self->vm);
	axv_close(self->host);
}

/* An LDTR that is no LDT: VMX refuses it, SVM does not check. */
TEST_F(explain, ldt)
{
	struct axv_run *run = axv_vcpu_run_page(self->vcpu);
	char text[160];

	ASSERT_EQ(0, axv_vcpu_set_reg(self->vcpu, SEG_REG(LDTR, ATTR), 0x83));
	ASSERT_EQ(0, axv_vcpu_run(self->vcpu));
	if (self->backend == AXV_BACKEND_VMX) {
		ASSERT_EQ((__u32)AXV_EXIT_FAIL_ENTRY, run->exit_reason);
		ASSERT_EQ(0, axv_vcpu_explain(self->vcpu, text, sizeof(text)));
		EXPECT_STREQ("the guest's state is refused: LDTR: the type is not that of an LDT",
			     text);
		ASSERT_EQ(0, axv_vcpu_set_reg(self->vcpu, SEG_REG(LDTR, ATTR), 0x82));
		ASSERT_EQ(0, axv_vcpu_run(self->vcpu));
	}
	EXPECT_EQ((__u32)AXV_EXIT_HALT, run->exit_reason);
	EXPECT_EQ(-EINVAL, axv_vcpu_explain(self->vcpu, text, sizeof(text)));
}

/* The rules that libaxvcpu knows include events that the state does not allow. */
TEST_F(explain, event)
{
	struct axv_run *run = axv_vcpu_run_page(self->vcpu);
	char text[160];

	ASSERT_EQ(0, axv_vcpu_set_reg(self->vcpu,
				      AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT),
				      AXV_X86_EVENT_VALID | 0x40));
	ASSERT_EQ(0, axv_vcpu_run(self->vcpu));
	if (self->backend != AXV_BACKEND_VMX) {
		EXPECT_NE((__u32)AXV_EXIT_FAIL_ENTRY, run->exit_reason);
		return;
	}
	ASSERT_EQ((__u32)AXV_EXIT_FAIL_ENTRY, run->exit_reason);
	ASSERT_EQ(0, axv_vcpu_explain(self->vcpu, text, sizeof(text)));
	EXPECT_NE(NULL, strstr(text, "RFLAGS: IF is 0 while an external interrupt is injected"));
}

TEST_HARNESS_MAIN
