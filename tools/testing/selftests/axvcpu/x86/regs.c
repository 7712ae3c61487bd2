// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of registers, read and written by the list and by the run page, and of values that
 * are refused.
 */
#include "axv_harness.h"
#include "x86.h"

FIXTURE_ONE_VCPU(regs)
{
	vm_new(&self->vm, 0);
	vcpu_new(&self->vm, &self->v, 0);
	x86_cpuid_all(&self->v);
	ASSERT_EQ(0, guest_setup(&self->v));
	ASSERT_EQ(0, vcpu_bind(&self->v));
}

#define MAX_REGS	1024

static unsigned int list_ids(struct axv_vcpu *v, __u64 *ids)
{
	struct axv_table t = {
		.kind = AXV_TABLE_REGS,
		.count = MAX_REGS,
		.entry_size = sizeof(*ids),
		.entries = (unsigned long)ids,
	};

	must(!axv_ioctl(v->fd, AXV_GET_TABLE, &t));
	return t.count;
}

static int regs_call(struct axv_vcpu *v, unsigned long cmd, struct axv_reg *regs,
		     unsigned int count)
{
	struct axv_regs list = { .count = count, .regs = (unsigned long)regs };

	return axv_ioctl(v->fd, cmd, &list);
}

static int lists(const __u64 *ids, unsigned int count, __u64 id)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (ids[i] == id)
			return 1;
	return 0;
}

/* ---- the list ---- */

TEST_F(regs, enumeration)
{
	static __u64 ids[MAX_REGS];
	static const __u32 msrs[] = {
		MSR_STAR, MSR_LSTAR, MSR_CSTAR, MSR_SFMASK, MSR_KERNEL_GS_BASE,
		MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP, MSR_PAT,
		MSR_TSC_AUX, MSR_EFER,
	};
	static const __u8 crs[] = { 0, 2, 3, 4, 8 }, drs[] = { 0, 1, 2, 3, 6, 7 };
	unsigned int n = list_ids(&self->v, ids), i, k;

	for (i = 0; i < n; i++) {
		EXPECT_EQ(AXV_REG_ARCH_X86, AXV_REG_ARCH(ids[i]));
		EXPECT_EQ(3ull, AXV_REG_SIZE_LOG2(ids[i]));
		for (k = 0; k < i; k++)
			ASSERT_NE(ids[k], ids[i]);
	}
	for (i = 0; i < AXV_X86_GPRS; i++) {
		EXPECT_TRUE(lists(ids, n, AXV_REG_X86(GPR, i))) {
			TH_LOG("GPR %u", i);
		}
	}
	for (i = 0; i < AXV_X86_SEGS; i++)
		for (k = 0; k < 4; k++)
			EXPECT_TRUE(lists(ids, n, AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(i, k))));
	for (; i <= AXV_X86_IDTR; i++)
		for (k = AXV_X86_SEG_BASE; k <= AXV_X86_SEG_LIMIT; k++)
			EXPECT_TRUE(lists(ids, n, AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(i, k))));
	for (i = 0; i < ARRAY_SIZE(crs); i++) {
		EXPECT_TRUE(lists(ids, n, AXV_REG_X86(CR, crs[i]))) {
			TH_LOG("CR%u", crs[i]);
		}
	}
	for (i = 0; i < ARRAY_SIZE(drs); i++) {
		EXPECT_TRUE(lists(ids, n, AXV_REG_X86(DR, drs[i]))) {
			TH_LOG("DR%u", drs[i]);
		}
	}
	for (i = 0; i < ARRAY_SIZE(msrs); i++) {
		EXPECT_TRUE(lists(ids, n, AXV_REG_X86(MSR, msrs[i]))) {
			TH_LOG("MSR %#x", msrs[i]);
		}
	}
	EXPECT_TRUE(lists(ids, n, AXV_REG_X86(XCR, 0)));
	for (i = 0; i < AXV_X86_EVENT_REGS; i++) {
		EXPECT_TRUE(lists(ids, n, AXV_REG_X86(EVENT, i))) {
			TH_LOG("EVENT %u", i);
		}
	}
}

TEST_F(regs, enumeration_into_too_little)
{
	static __u64 ids[MAX_REGS];
	unsigned int n = list_ids(&self->v, ids), i;
	struct axv_table t = {
		.kind = AXV_TABLE_REGS,
		.count = n - 1,
		.entry_size = sizeof(__u64),
		.entries = (unsigned long)ids,
	};

	memset(ids, 0xee, sizeof(ids));
	EXPECT_EQ(-E2BIG, axv_ioctl(self->v.fd, AXV_GET_TABLE, &t));
	EXPECT_EQ(n, t.count);
	for (i = 0; i < n; i++)
		ASSERT_EQ(0xeeeeeeeeeeeeeeeeull, ids[i]);
	EXPECT_EQ(0, axv_ioctl(self->v.fd, AXV_GET_TABLE, &t));
	EXPECT_EQ(n, t.count);
}

TEST_F(regs, all_are_read_and_written_back)
{
	static struct axv_reg regs[MAX_REGS], again[MAX_REGS];
	static __u64 ids[MAX_REGS];
	unsigned int n = list_ids(&self->v, ids), i;
	int failed = 0;

	guest_start(&self->v, GUEST_CALL, 0, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	for (i = 0; i < n; i++)
		regs[i].id = ids[i];
	ASSERT_EQ(0, regs_call(&self->v, AXV_VCPU_GET_REGS, regs, n));
	for (i = 0; i < n; i++)
		ASSERT_EQ(0, regs[i].status);
	memcpy(again, regs, sizeof(regs));
	ASSERT_LE(0, regs_call(&self->v, AXV_VCPU_SET_REGS, again, n));
	for (i = 0; i < n; i++) {
		EXPECT_TRUE(!again[i].status || again[i].status == -EPERM) {
			TH_LOG("register %#llx: %d", again[i].id, again[i].status);
		}
		failed += !!again[i].status;
		again[i].value = 0x55;
		again[i].status = 77;
	}
	EXPECT_GE(2, failed);
	ASSERT_EQ(0, regs_call(&self->v, AXV_VCPU_GET_REGS, again, n));
	for (i = 0; i < n; i++) {
		if (ids[i] == AXV_REG_X86(MSR, MSR_TSC))
			continue;
		EXPECT_EQ(regs[i].value, again[i].value) TH_LOG("register %#llx", ids[i]);
		EXPECT_EQ(0, again[i].status);
	}
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(2ull, self->v.run->exit.hypercall.args[0]);
}

/* ---- values ---- */

static const struct value {
	__u64 id;
	__u64 value;
} good[] = {
	{ AXV_REG_X86(GPR, AXV_X86_RAX), 0x0102030405060708 },
	{ AXV_REG_X86(GPR, AXV_X86_RCX), 0x1112131415161718 },
	{ AXV_REG_X86(GPR, AXV_X86_RDX), 0x2122232425262728 },
	{ AXV_REG_X86(GPR, AXV_X86_RBX), 0x3132333435363738 },
	{ AXV_REG_X86(GPR, AXV_X86_RSP), 0x4142434445464748 },
	{ AXV_REG_X86(GPR, AXV_X86_RBP), 0x5152535455565758 },
	{ AXV_REG_X86(GPR, AXV_X86_RSI), 0x6162636465666768 },
	{ AXV_REG_X86(GPR, AXV_X86_RDI), 0x7172737475767778 },
	{ AXV_REG_X86(GPR, AXV_X86_R8), 0x8182838485868788 },
	{ AXV_REG_X86(GPR, AXV_X86_R9), 0x9192939495969798 },
	{ AXV_REG_X86(GPR, AXV_X86_R10), 0xa1a2a3a4a5a6a7a8 },
	{ AXV_REG_X86(GPR, AXV_X86_R11), 0xb1b2b3b4b5b6b7b8 },
	{ AXV_REG_X86(GPR, AXV_X86_R12), 0xc1c2c3c4c5c6c7c8 },
	{ AXV_REG_X86(GPR, AXV_X86_R13), 0xd1d2d3d4d5d6d7d8 },
	{ AXV_REG_X86(GPR, AXV_X86_R14), 0xe1e2e3e4e5e6e7e8 },
	{ AXV_REG_X86(GPR, AXV_X86_R15), 0xf1f2f3f4f5f6f7f8 },
	{ AXV_REG_X86(GPR, AXV_X86_RIP), 0x123456 },
	{ AXV_REG_X86(GPR, AXV_X86_RFLAGS), FLAG_FIXED | FLAG_CF | FLAG_IF | 0x40000 },
	{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_DS, AXV_X86_SEG_SELECTOR)), 0x1238 },
	{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_DS, AXV_X86_SEG_BASE)), 0x12345678 },
	{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_DS, AXV_X86_SEG_LIMIT)), 0xabcdefff },
	{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_DS, AXV_X86_SEG_ATTR)), 0xcf3 },
	{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_FS, AXV_X86_SEG_BASE)), 0xffff812345678000 },
	{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_GS, AXV_X86_SEG_BASE)), 0x7fff12345678 },
	{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_TR, AXV_X86_SEG_BASE)), 0x77000 },
	{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_LDTR, AXV_X86_SEG_LIMIT)), 0x7f },
	{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_GDTR, AXV_X86_SEG_BASE)), 0x55000 },
	{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_GDTR, AXV_X86_SEG_LIMIT)), 0x1ff },
	{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_IDTR, AXV_X86_SEG_BASE)), 0x66000 },
	{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_IDTR, AXV_X86_SEG_LIMIT)), 0x2ff },
	{ AXV_REG_X86(CR, 2), 0xffff888812345678 },
	{ AXV_REG_X86(CR, 3), 0x98000 },
	{ AXV_REG_X86(CR, 8), 0xa },
	{ AXV_REG_X86(DR, 0), 0x1111 },
	{ AXV_REG_X86(DR, 1), 0x2222 },
	{ AXV_REG_X86(DR, 2), 0x3333 },
	{ AXV_REG_X86(DR, 3), 0x4444 },
	{ AXV_REG_X86(DR, 7), 0x455 },
	{ AXV_REG_X86(MSR, MSR_STAR), 0x0023001000000000 },
	{ AXV_REG_X86(MSR, MSR_LSTAR), 0xffffffff81000000 },
	{ AXV_REG_X86(MSR, MSR_CSTAR), 0xffffffff82000000 },
	{ AXV_REG_X86(MSR, MSR_SFMASK), 0x47700 },
	{ AXV_REG_X86(MSR, MSR_KERNEL_GS_BASE), 0xffff999912345000 },
	{ AXV_REG_X86(MSR, MSR_SYSENTER_CS), 0x10 },
	{ AXV_REG_X86(MSR, MSR_SYSENTER_ESP), 0x12340 },
	{ AXV_REG_X86(MSR, MSR_SYSENTER_EIP), 0x56780 },
	{ AXV_REG_X86(MSR, MSR_PAT), 0x0007040600070406 ^ 0x0100 },
	{ AXV_REG_X86(MSR, MSR_TSC_AUX), 0x4321 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW), 1 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_NMI_MASKED), 1 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_NMI_PENDING), 2 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_HALTED), 1 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_EXIT_MASK), 0x4a },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_EXCEPTION),
	  AXV_X86_EVENT_VALID | AXV_X86_EVENT_ERROR_VALID | AXV_X86_EVENT_TYPE_EXCEPTION |
	  14 | 6ull << AXV_X86_EVENT_ERROR_SHIFT },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_EXCEPTION_ADDR), 0x123000 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_EXTINT_COUNT), 17 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_EXTINT_0), 0x4746454443424140 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_EXTINT_1), 0x4f4e4d4c4b4a4948 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_EXTINT_2), 0x50 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT), AXV_X86_EVENT_VALID | 0x45 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_EXCEPTION_RAISED), 1 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_SHUTDOWN), 1 },
};

TEST_F(regs, in_and_out)
{
	struct axv_reg regs[ARRAY_SIZE(good)];
	unsigned int i;

	/* One register at a time, so that none depends on another one. */
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		__u64 value;

		EXPECT_EQ(0, reg_set(&self->v, good[i].id, good[i].value)) {
			TH_LOG("register %#llx", good[i].id);
		}
		EXPECT_EQ(0, reg_get(&self->v, good[i].id, &value));
		EXPECT_EQ(good[i].value, value) TH_LOG("register %#llx", good[i].id);
	}
	/* All registers still have their values: none has overwritten another one. */
	memset(regs, 0, sizeof(regs));
	for (i = 0; i < ARRAY_SIZE(good); i++)
		regs[i].id = good[i].id;
	ASSERT_EQ(0, regs_call(&self->v, AXV_VCPU_GET_REGS, regs, ARRAY_SIZE(good)));
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_EQ(good[i].value, regs[i].value) {
			TH_LOG("register %#llx", good[i].id);
		}
	}
	/* The registers keep their values when the vCPU is unbound. */
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	ASSERT_EQ(0, regs_call(&self->v, AXV_VCPU_GET_REGS, regs, ARRAY_SIZE(good)));
	for (i = 0; i < ARRAY_SIZE(good); i++) {
		EXPECT_EQ(good[i].value, regs[i].value) {
			TH_LOG("register %#llx", good[i].id);
		}
	}
}

TEST_F(regs, into_another_vcpu)
{
	static struct axv_reg a[MAX_REGS], b[MAX_REGS];
	static __u64 ids[MAX_REGS];
	unsigned int n = list_ids(&self->v, ids), i;
	struct axv_vcpu other;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		ASSERT_EQ(0, reg_set(&self->v, good[i].id, good[i].value));
	vcpu_new(&self->vm, &other, 1);
	x86_cpuid_all(&other);
	ASSERT_EQ(0, guest_setup(&other));
	x86_regs_copy(&self->v, &other);
	for (i = 0; i < n; i++) {
		a[i].id = ids[i];
		b[i].id = ids[i];
	}
	ASSERT_EQ(0, regs_call(&self->v, AXV_VCPU_GET_REGS, a, n));
	ASSERT_EQ(0, regs_call(&other, AXV_VCPU_GET_REGS, b, n));
	for (i = 0; i < n; i++)
		if (ids[i] != AXV_REG_X86(MSR, MSR_TSC)) {
			EXPECT_EQ(a[i].value, b[i].value) {
				TH_LOG("register %#llx", ids[i]);
			}
		}
	vcpu_free(&other);
}

static const struct value bad[] = {
	{ AXV_REG_X86(CR, 0), CR0_PG },				/* paging without PE */
	{ AXV_REG_X86(CR, 0), CR0_PE | 1ull << 29 },		/* NW without CD */
	{ AXV_REG_X86(CR, 0), CR0_PE | 1ull << 32 },
	{ AXV_REG_X86(CR, 4), 1ull << 63 },
	{ AXV_REG_X86(CR, 4), 1ull << 15 },
	{ AXV_REG_X86(CR, 8), 16 },
	{ AXV_REG_X86(CR, 3), 1ull << 63 },
	{ AXV_REG_X86(MSR, MSR_EFER), 1ull << 63 },
	{ AXV_REG_X86(MSR, MSR_EFER), 1ull << 9 },
	{ AXV_REG_X86(MSR, MSR_EFER), EFER_SVME },
	{ AXV_REG_X86(DR, 6), 1ull << 32 },
	{ AXV_REG_X86(DR, 7), 1ull << 32 },
	{ AXV_REG_X86(MSR, MSR_LSTAR), 1ull << 63 },
	{ AXV_REG_X86(MSR, MSR_CSTAR), 1ull << 63 },
	{ AXV_REG_X86(MSR, MSR_KERNEL_GS_BASE), 1ull << 63 },
	{ AXV_REG_X86(MSR, MSR_PAT), 0x02 },			/* a reserved type */
	{ AXV_REG_X86(MSR, MSR_PAT), 0x08ull << 56 },
	{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_FS, AXV_X86_SEG_BASE)), 1ull << 63 },
	{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_GDTR, AXV_X86_SEG_BASE)), 1ull << 63 },
	{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_DS, AXV_X86_SEG_SELECTOR)), 1ull << 16 },
	{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_DS, AXV_X86_SEG_LIMIT)), 1ull << 32 },
	{ AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_DS, AXV_X86_SEG_ATTR)), 0x1000 },
	{ AXV_REG_X86(XCR, 0), 0 },
	{ AXV_REG_X86(XCR, 0), 5 },				/* AVX without SSE */
	{ AXV_REG_X86(XCR, 0), 1 | 1ull << 62 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW), 3 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_NMI_MASKED), 2 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_NMI_PENDING), 3 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_HALTED), 2 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_EXIT_MASK), 1ull << 32 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_EXCEPTION),
	  AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXCEPTION | 32 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_EXTINT_COUNT), 18 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_EXTINT_2), 0x100 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT), AXV_X86_EVENT_VALID | 7ull << 8 | 0x40 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_EXCEPTION_RAISED), 2 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_PENDING_DEBUG), 1ull << 13 },
	{ AXV_REG_X86(EVENT, AXV_X86_EVENT_SHUTDOWN), 2 },
};

TEST_F(regs, refused)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		__u64 before, after;

		ASSERT_EQ(0, reg_get(&self->v, bad[i].id, &before)) {
			TH_LOG("register %#llx", bad[i].id);
		}
		EXPECT_EQ(-EINVAL, reg_set(&self->v, bad[i].id, bad[i].value)) {
			TH_LOG("register %#llx, value %#llx", bad[i].id, bad[i].value);
		}
		ASSERT_EQ(0, reg_get(&self->v, bad[i].id, &after));
		EXPECT_EQ(before, after) TH_LOG("register %#llx", bad[i].id);
	}
	EXPECT_EQ(AXV_STATE_READY, vcpu_state(&self->v));
	guest_start(&self->v, GUEST_CALL, 0, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
}

TEST_F(regs, not_there)
{
	static const __u64 ids[] = {
		0, ~0ull,
		AXV_REG_X86(GPR, AXV_X86_GPRS),
		AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_IDTR + 1, 0)),
		AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_GDTR, AXV_X86_SEG_SELECTOR)),
		AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_IDTR, AXV_X86_SEG_ATTR)),
		AXV_REG_X86(CR, 1), AXV_REG_X86(CR, 5), AXV_REG_X86(DR, 4), AXV_REG_X86(DR, 8),
		AXV_REG_X86(MSR, 0x12345678), AXV_REG_X86(XCR, 1),
		AXV_REG_X86(EVENT, AXV_X86_EVENT_REGS),
		AXV_REG_ID(AXV_REG_ARCH_X86, 8, 3, 0),
		AXV_REG_X86(PDPTE, AXV_X86_PDPTES_LOADED + 1),
		AXV_REG_ID(AXV_REG_ARCH_X86, AXV_X86_CLASS_GPR, 2, 0),
		AXV_REG_ID(AXV_REG_ARCH_X86, AXV_X86_CLASS_GPR, 4, 0),
		AXV_REG_ID(AXV_REG_ARCH_ARM64, 0, 3, 0),
		AXV_REG_X86(GPR, 1ull << 32),
		AXV_REG_X86(MSR, MSR_LSTAR | 1ull << 32),
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(ids); i++) {
		__u64 value;

		EXPECT_EQ(-ENOENT, reg_get(&self->v, ids[i], &value)) TH_LOG("%#llx", ids[i]);
		EXPECT_EQ(-ENOENT, reg_set(&self->v, ids[i], 0)) TH_LOG("%#llx", ids[i]);
	}
}

#define MSR_MTRRCAP	0xfe

TEST_F(regs, read_only)
{
	__u64 value;

	ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(MSR, MSR_MTRRCAP), &value));
	EXPECT_EQ(-EPERM, reg_set(&self->v, AXV_REG_X86(MSR, MSR_MTRRCAP), value));
}

TEST_F(regs, a_status_for_each)
{
	struct axv_reg r[] = {
		{ .id = AXV_REG_X86(GPR, AXV_X86_RBX), .value = 0x11 },
		{ .id = AXV_REG_X86(GPR, 99), .value = 0x22 },
		{ .id = AXV_REG_X86(CR, 8), .value = 99 },
		{ .id = AXV_REG_X86(MSR, MSR_MTRRCAP), .value = 1 },
		{ .id = AXV_REG_X86(GPR, AXV_X86_RCX), .value = 0x33, .status = 55 },
	};
	__u64 value;

	/* All registers are tried; the call returns how many failed. */
	EXPECT_EQ(3, regs_call(&self->v, AXV_VCPU_SET_REGS, r, ARRAY_SIZE(r)));
	EXPECT_EQ(0, r[0].status);
	EXPECT_EQ(-ENOENT, r[1].status);
	EXPECT_EQ(-EINVAL, r[2].status);
	EXPECT_EQ(-EPERM, r[3].status);
	EXPECT_EQ(0, r[4].status);
	ASSERT_EQ(0, reg_get(&self->v, r[0].id, &value));
	EXPECT_EQ(0x11ull, value);
	ASSERT_EQ(0, reg_get(&self->v, r[4].id, &value));
	EXPECT_EQ(0x33ull, value);
	EXPECT_EQ(1, regs_call(&self->v, AXV_VCPU_GET_REGS, r, ARRAY_SIZE(r)));
	EXPECT_EQ(0, r[3].status);
	EXPECT_NE(1ull, r[3].value);
	EXPECT_EQ(0, regs_call(&self->v, AXV_VCPU_GET_REGS, r, 0));
	EXPECT_EQ(0, regs_call(&self->v, AXV_VCPU_GET_REGS, NULL, 0));
}

/* ---- the guest sees the values ---- */

GUEST_CODE(code_see, 64,
	"out %al, $0x10\n"
	"mov %cr2, %rax\n"
	"mov %cr8, %rbx\n"
	"mov %dr2, %rcx\n"
	"mov %ds, %edx\n"
	"mov $0x123456, %esi\n"
	"mov %rsi, %cr2\n"
	"mov $5, %esi\n"
	"mov %rsi, %cr8\n"
	"mov $0x777, %esi\n"
	"mov %rsi, %dr2\n"
	HYPERCALL);

TEST_F(regs, the_guest_sees_them)
{
	struct axv_run *run = self->v.run;
	__u64 value;

	x86_begin_long(&self->v, code_see, 0);
	/* The entry loads the run page's registers first: values set later win. */
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	ASSERT_EQ(0, reg_set(&self->v, AXV_REG_X86(CR, 2), 0xabcdef));
	ASSERT_EQ(0, reg_set(&self->v, AXV_REG_X86(CR, 8), 9));
	ASSERT_EQ(0, reg_set(&self->v, AXV_REG_X86(DR, 2), 0x5678));
	ASSERT_EQ(0, reg_set(&self->v, AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_DS,
						   AXV_X86_SEG_SELECTOR)), SEL_USER_DATA));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0xabcdefull, run->exit.hypercall.nr);
	EXPECT_EQ(9ull, run->exit.hypercall.args[0]);
	EXPECT_EQ(0x5678ull, run->exit.hypercall.args[1]);
	EXPECT_EQ((__u64)SEL_USER_DATA, run->exit.hypercall.args[2]);
	ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(CR, 2), &value));
	EXPECT_EQ(0x123456ull, value);
	ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(CR, 8), &value));
	EXPECT_EQ(5ull, value);
	ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(DR, 2), &value));
	EXPECT_EQ(0x777ull, value);
	EXPECT_EQ(0x123456ull, run->regs.sregs.cr2);
	EXPECT_EQ(5ull, run->regs.sregs.cr8);
}

/* ---- the run page ---- */

TEST_F(regs, run_page_sets)
{
	struct axv_run *run = self->v.run;
	struct axv_run_regs filled;
	__u64 value;

	EXPECT_EQ(AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS,
		  axv_query(self->vm.dev, AXV_QUERY_RUN_SETS));
	guest_start(&self->v, GUEST_CALL, 5, 0, 0);
	run->want = 0;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0u, run->dirty);
	EXPECT_EQ(0u, run->valid);
	/* Sets that are not wanted are not written, and sets that are not dirty are not read. */
	memset(&run->regs, 0xa5, sizeof(run->regs));
	memset(&filled, 0xa5, sizeof(filled));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(2ull, run->exit.hypercall.args[0]);
	EXPECT_EQ(0, memcmp(&run->regs, &filled, sizeof(filled)));
	run->want = AXV_RUN_SET_GPRS;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(AXV_RUN_SET_GPRS, run->valid);
	EXPECT_EQ(3ull, *x86_gpr(&self->v, AXV_X86_RBX));
	EXPECT_EQ(run->ip, run->regs.gprs.rip);
	EXPECT_EQ(0, memcmp(&run->regs.sregs, &filled.sregs, sizeof(filled.sregs)));
	run->want = AXV_RUN_SET_SREGS;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(AXV_RUN_SET_SREGS, run->valid);
	EXPECT_EQ(3ull, *x86_gpr(&self->v, AXV_X86_RBX));
	EXPECT_EQ(GUEST_PML4, run->regs.sregs.cr3);
	/* Only the set that is dirty is read. */
	run->want = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	*x86_gpr(&self->v, AXV_X86_RBX) = 100;
	run->regs.sregs.cr2 = 0x1234;
	run->dirty = AXV_RUN_SET_GPRS;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(101ull, run->exit.hypercall.args[0]);
	EXPECT_EQ(0u, run->dirty);
	EXPECT_NE(0x1234ull, run->regs.sregs.cr2);
	*x86_gpr(&self->v, AXV_X86_RBX) = 200;
	run->regs.sregs.cr2 = 0x1234;
	run->dirty = AXV_RUN_SET_SREGS;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(102ull, run->exit.hypercall.args[0]);
	ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(CR, 2), &value));
	EXPECT_EQ(0x1234ull, value);
}

TEST_F(regs, run_page_agrees_with_the_list)
{
	struct axv_x86_sregs *s = &self->v.run->regs.sregs;
	unsigned int i;
	__u64 value;

	guest_start(&self->v, GUEST_CALL, 5, 6, 7);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	for (i = 0; i < 16; i++) {
		ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(GPR, i), &value));
		EXPECT_EQ(value, *x86_gpr(&self->v, i)) TH_LOG("GPR %u", i);
	}
	ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(GPR, AXV_X86_RFLAGS), &value));
	EXPECT_EQ(value, self->v.run->regs.gprs.rflags);
	for (i = 0; i < AXV_X86_SEGS; i++) {
		const struct axv_x86_segment *seg = &s->seg[i];

		ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(i, 0)), &value));
		EXPECT_EQ(value, seg->selector) TH_LOG("segment %u", i);
		ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(i, 1)), &value));
		EXPECT_EQ(value, seg->base) TH_LOG("segment %u", i);
		ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(i, 2)), &value));
		EXPECT_EQ(value, seg->limit) TH_LOG("segment %u", i);
		ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(i, 3)), &value));
		EXPECT_EQ(value, seg->attr) TH_LOG("segment %u", i);
	}
	ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(CR, 0), &value));
	EXPECT_EQ(value, s->cr0);
	ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(CR, 3), &value));
	EXPECT_EQ(value, s->cr3);
	ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(CR, 4), &value));
	EXPECT_EQ(value, s->cr4);
	ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(MSR, MSR_EFER), &value));
	EXPECT_EQ(value, s->efer);
	EXPECT_EQ(EFER_LME | EFER_LMA, s->efer);
}

TEST_F(regs, run_page_with_values_that_are_refused)
{
	struct axv_x86_sregs *s = &self->v.run->regs.sregs;
	struct axv_run *run = self->v.run;
	int i;

	guest_start(&self->v, GUEST_CALL, 5, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	for (i = 0; i < 8; i++) {
		struct axv_x86_sregs was = *s;

		switch (i) {
		case 0:
			s->cr0 &= ~CR0_PE;
			break;
		case 1:
			s->cr4 |= 1ull << 63;
			break;
		case 2:
			s->efer |= EFER_SVME;
			break;
		case 3:
			s->cr8 = 16;
			break;
		case 4:
			s->cr4 &= ~CR4_PAE;	/* long mode needs it */
			break;
		case 5:
			s->seg[AXV_X86_FS].base = 1ull << 63;
			break;
		case 6:
			s->seg[AXV_X86_SS].attr |= 0xf000;
			break;
		default:
			s->cr3 = 1ull << 62;
		}
		/* The run is refused at its start: nothing has changed, not even the GPRs. */
		*x86_gpr(&self->v, AXV_X86_RBX) = 1000;
		run->dirty = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
		EXPECT_EQ(-EINVAL, vcpu_run(&self->v)) TH_LOG("case %d", i);
		EXPECT_EQ(AXV_STATE_READY, vcpu_state(&self->v));
		*s = was;
		run->dirty = 0;
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
		EXPECT_EQ(2ull + i, run->exit.hypercall.args[0]) TH_LOG("case %d", i);
	}
	run->dirty = 1u << 31;
	EXPECT_EQ(-EINVAL, vcpu_run(&self->v));
	run->dirty = 0;
	EXPECT_EQ(AXV_STATE_READY, vcpu_state(&self->v));
}

TEST_F(regs, run_page_without_a_run)
{
	struct axv_run *run = self->v.run;
	__u64 value;

	guest_start(&self->v, GUEST_CALL, 5, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	*x86_gpr(&self->v, AXV_X86_R9) = 0x99;
	run->regs.sregs.cr2 = 0x22;
	run->dirty = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	run->want = AXV_RUN_SET_SREGS;
	ASSERT_EQ(0, axv_ioctl(self->v.fd, AXV_VCPU_SYNC, NULL));
	EXPECT_EQ(0u, run->dirty);
	EXPECT_EQ(AXV_RUN_SET_SREGS, run->valid);
	ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(GPR, AXV_X86_R9), &value));
	EXPECT_EQ(0x99ull, value);
	ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(CR, 2), &value));
	EXPECT_EQ(0x22ull, value);
	/* In the other direction. */
	ASSERT_EQ(0, reg_set(&self->v, AXV_REG_X86(GPR, AXV_X86_R9), 0x77));
	run->want = AXV_RUN_SET_GPRS;
	ASSERT_EQ(0, axv_ioctl(self->v.fd, AXV_VCPU_SYNC, NULL));
	EXPECT_EQ(0x77ull, *x86_gpr(&self->v, AXV_X86_R9));
	/* AXV_VCPU_SYNC refuses the same values as a run, and changes nothing then. */
	*x86_gpr(&self->v, AXV_X86_R9) = 0x66;
	run->regs.sregs.cr8 = 16;
	run->dirty = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	EXPECT_EQ(-EINVAL, axv_ioctl(self->v.fd, AXV_VCPU_SYNC, NULL));
	run->dirty = 0;
	EXPECT_EQ(AXV_STATE_READY, vcpu_state(&self->v));
	ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(GPR, AXV_X86_R9), &value));
	EXPECT_EQ(0x77ull, value);
	/* No guest has run. */
	EXPECT_EQ(1ull, vcpu_stats(&self->v).exits[AXV_EXIT_HYPERCALL]);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(2ull, run->exit.hypercall.args[0]);
}

TEST_HARNESS_MAIN
