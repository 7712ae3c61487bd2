// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of what CPUID tells a guest, of its MSRs, and of its TSC.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "axv_harness.h"
#include "x86.h"

#define MAX_LEAVES	1024

FIXTURE_ONE_VCPU(msr_cpuid)
{
	vm_new(&self->vm, 0);
	vcpu_new(&self->vm, &self->v, 0);
}

static int table(int fd, unsigned long cmd, __u32 kind, void *entries, __u32 *count,
		 __u32 entry_size)
{
	struct axv_table t = {
		.kind = kind,
		.count = *count,
		.entry_size = entry_size,
		.entries = (unsigned long)entries,
	};
	int ret = axv_ioctl(fd, cmd, &t);

	*count = t.count;
	return ret;
}

static int cpuid_get(int fd, struct axv_x86_cpuid *leaves, __u32 *count)
{
	*count = MAX_LEAVES;
	return table(fd, AXV_GET_TABLE, AXV_TABLE_X86_CPUID, leaves, count, sizeof(*leaves));
}

static int cpuid_set(struct axv_vcpu *v, struct axv_x86_cpuid *leaves, __u32 count)
{
	return table(v->fd, AXV_SET_TABLE, AXV_TABLE_X86_CPUID, leaves, &count, sizeof(*leaves));
}

static struct axv_x86_cpuid *find(struct axv_x86_cpuid *leaves, __u32 count, __u32 leaf, __u32 sub)
{
	__u32 i;

	for (i = 0; i < count; i++)
		if (leaves[i].leaf == leaf &&
		    (!(leaves[i].flags & AXV_X86_CPUID_SUBLEAF) || leaves[i].subleaf == sub))
			return &leaves[i];
	return NULL;
}

GUEST_CODE(code_cpuid, 64,
	"1: mov %edi, %eax\n"
	"mov %esi, %ecx\n"
	"mov $-1, %rbx\n"
	"mov $-1, %rdx\n"
	"cpuid\n"
	HYPERCALL
	"jmp 1b\n");

struct answer {
	__u64 a, b, c, d;
};

static struct answer ask(struct axv_vcpu *v, __u32 leaf, __u32 sub, __u64 cr4)
{
	const struct axv_exit_hypercall *h = &v->run->exit.hypercall;
	struct answer a;

	x86_begin_long(v, code_cpuid, 0);
	v->run->regs.sregs.cr4 |= cr4;
	*x86_gpr(v, AXV_X86_RDI) = leaf;
	*x86_gpr(v, AXV_X86_RSI) = sub;
	must(vcpu_run(v) == AXV_EXIT_HYPERCALL);
	a = (struct answer){ h->nr, h->args[0], h->args[1], h->args[2] };
	return a;
}

static void ready(struct axv_vcpu *v)
{
	must(!guest_setup(v));
	must(!vcpu_bind(v));
}

TEST_F(msr_cpuid, cpuid_of_the_host)
{
	static struct axv_x86_cpuid leaves[MAX_LEAVES];
	struct axv_x86_cpuid *l;
	__u32 n, i;

	ASSERT_EQ(0, cpuid_get(self->vm.dev, leaves, &n));
	ASSERT_LT(0u, n);
	for (i = 0; i < n; i++) {
		EXPECT_EQ(0u, leaves[i].pad);
		EXPECT_EQ(0u, leaves[i].flags & ~AXV_X86_CPUID_SUBLEAF);
	}
	l = find(leaves, n, 1, 0);
	ASSERT_NE(NULL, l);
	/* There is neither VMX nor, below, SVM for the guest, and no MONITOR. */
	EXPECT_EQ(0u, l->ecx & (1 << 5 | 1 << 3));
	l = find(leaves, n, 0x80000001, 0);
	ASSERT_NE(NULL, l);
	EXPECT_EQ(0u, l->ecx & 1 << 2);
	EXPECT_NE(0u, l->edx & 1 << 29);
	EXPECT_EQ(NULL, find(leaves, n, 0x8000000a, 0));
}

TEST_F(msr_cpuid, cpuid_set_and_seen)
{
	static struct axv_x86_cpuid leaves[MAX_LEAVES], again[MAX_LEAVES];
	struct axv_x86_cpuid *l;
	struct answer a;
	__u32 n, m;

	ASSERT_EQ(0, cpuid_get(self->vm.dev, leaves, &n));
	ASSERT_EQ(0, cpuid_set(&self->v, leaves, n));
	ASSERT_EQ(0, cpuid_get(self->v.fd, again, &m));
	ASSERT_EQ(n, m);
	EXPECT_EQ(0, memcmp(leaves, again, n * sizeof(*leaves)));
	ready(&self->v);

	a = ask(&self->v, 0, 0, 0);
	l = find(leaves, n, 0, 0);
	ASSERT_NE(NULL, l);
	EXPECT_EQ(l->eax, a.a);
	EXPECT_EQ(l->ebx, a.b);
	EXPECT_EQ(l->ecx, a.c);
	EXPECT_EQ(l->edx, a.d);
	a = ask(&self->v, 0x80000000, 0, 0);
	l = find(leaves, n, 0x80000000, 0);
	ASSERT_NE(NULL, l);
	EXPECT_EQ(l->eax, a.a);
}

TEST_F(msr_cpuid, cpuid_that_the_vmm_makes_up)
{
	struct axv_x86_cpuid own[] = {
		{ .leaf = 0, .eax = 7, .ebx = 0x756e6547, .ecx = 0x6c65746e, .edx = 0x49656e69 },
		{ .leaf = 1, .eax = 0x600, .edx = 0x07808171 },
		{ .leaf = 4, .subleaf = 0, .flags = AXV_X86_CPUID_SUBLEAF, .eax = 0x121 },
		{ .leaf = 4, .subleaf = 1, .flags = AXV_X86_CPUID_SUBLEAF, .eax = 0x122 },
		{ .leaf = 0x40000000, .eax = 0x40000000, .ebx = 0x63767861 },
		{ .leaf = 0x80000000, .eax = 0x80000008 },
		{ .leaf = 0x80000001, .edx = 1 << 29 | 1 << 11 },	/* LM, SYSCALL */
	};
	struct answer a;

	ASSERT_EQ(0, cpuid_set(&self->v, own, ARRAY_SIZE(own)));
	ready(&self->v);
	a = ask(&self->v, 0, 99, 0);
	EXPECT_EQ(7ull, a.a);
	EXPECT_EQ(0x756e6547ull, a.b);
	EXPECT_EQ(0x6c65746eull, a.c);
	EXPECT_EQ(0x49656e69ull, a.d);
	a = ask(&self->v, 4, 0, 0);
	EXPECT_EQ(0x121ull, a.a);
	a = ask(&self->v, 4, 1, 0);
	EXPECT_EQ(0x122ull, a.a);
	a = ask(&self->v, 0x40000000, 0, 0);
	EXPECT_EQ(0x63767861ull, a.b);
	/* Subleaves and leaves that are not in the table are zero. */
	a = ask(&self->v, 4, 2, 0);
	EXPECT_EQ(0ull, a.a | a.b | a.c | a.d);
	a = ask(&self->v, 2, 0, 0);
	EXPECT_EQ(0ull, a.a | a.b | a.c | a.d);
	a = ask(&self->v, 0x12345678, 0, 0);
	EXPECT_EQ(0ull, a.a | a.b | a.c | a.d);
	a = ask(&self->v, 0x80000007, 0, 0);
	EXPECT_EQ(0ull, a.a | a.b | a.c | a.d);
}

TEST_F(msr_cpuid, cpuid_never_has_svm)
{
	static struct axv_x86_cpuid leaves[MAX_LEAVES];
	struct axv_x86_cpuid *l;
	__u32 n;
	int ret;

	/* If the VMM asks for SVM, that is refused, or the guest does not see it. */
	ASSERT_EQ(0, cpuid_get(self->vm.dev, leaves, &n));
	l = find(leaves, n, 0x80000001, 0);
	ASSERT_NE(NULL, l);
	l->ecx |= 1 << 2;
	ret = cpuid_set(&self->v, leaves, n);
	if (ret) {
		EXPECT_EQ(-EINVAL, ret);
		return;
	}
	ready(&self->v);
	EXPECT_EQ(0ull, ask(&self->v, 0x80000001, 0, 0).c & 1 << 2);
}

TEST_F(msr_cpuid, cpuid_follows_the_guests_state)
{
	static struct axv_x86_cpuid leaves[MAX_LEAVES], *one;
	__u32 n;

	x86_cpuid_all(&self->v);
	ready(&self->v);
	if (!(ask(&self->v, 1, 0, 0).c & 1 << 26)) {
		TH_LOG("no XSAVE here");
		return;
	}
	EXPECT_EQ(0ull, ask(&self->v, 1, 0, 0).c & 1 << 27);
	EXPECT_NE(0ull, ask(&self->v, 1, 0, CR4_OSXSAVE).c & 1 << 27);
	/* The size of the state that XCR0 enables, here x87 and SSE. */
	EXPECT_EQ(0, reg_set(&self->v, AXV_REG_X86(XCR, 0), 3));
	EXPECT_EQ(576ull, ask(&self->v, 0xd, 0, CR4_OSXSAVE).b);

	/* The table that the VMM reads has the same values. */
	ASSERT_EQ(0, cpuid_get(self->v.fd, leaves, &n));
	EXPECT_NE(0u, find(leaves, n, 1, 0)->ecx & 1 << 27);
	EXPECT_EQ(576u, find(leaves, n, 0xd, 0)->ebx);
	one = find(leaves, n, 0xd, 1);
	ASSERT_NE(NULL, one);
	EXPECT_EQ((__u64)one->ebx, ask(&self->v, 0xd, 1, CR4_OSXSAVE).b);
	/* The size of a compacted area, which only XSAVEC and XSAVES write. */
	EXPECT_EQ(one->eax & (1 << 1 | 1 << 3) ? 576u : 0u, one->ebx);
}

TEST_F(msr_cpuid, cpuid_is_set_in_state_created_or_free)
{
	static struct axv_x86_cpuid leaves[MAX_LEAVES];
	__u32 n;

	ASSERT_EQ(0, cpuid_get(self->vm.dev, leaves, &n));
	EXPECT_EQ(0, cpuid_set(&self->v, leaves, n));
	ASSERT_EQ(0, guest_setup(&self->v));
	EXPECT_EQ(0, cpuid_set(&self->v, leaves, n));
	ASSERT_EQ(0, vcpu_bind(&self->v));
	EXPECT_EQ(-EBADFD, cpuid_set(&self->v, leaves, n));
	EXPECT_EQ(AXV_STATE_READY, vcpu_state(&self->v));
	guest_start(&self->v, GUEST_CALL, 0, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	EXPECT_EQ(0, cpuid_set(&self->v, leaves, n));
}

TEST_F(msr_cpuid, cpuid_that_is_refused)
{
	static struct axv_x86_cpuid leaves[MAX_LEAVES], again[MAX_LEAVES];
	__u32 n, m;

	ASSERT_EQ(0, cpuid_get(self->vm.dev, leaves, &n));
	ASSERT_EQ(0, cpuid_set(&self->v, leaves, n));
	leaves[n - 1].pad = 1;
	EXPECT_EQ(-EINVAL, cpuid_set(&self->v, leaves, n));
	leaves[n - 1].pad = 0;
	leaves[n - 1].flags |= 1u << 31;
	EXPECT_EQ(-EINVAL, cpuid_set(&self->v, leaves, n));
	/* The table that was refused has changed nothing. */
	leaves[n - 1].flags &= ~(1u << 31);
	ASSERT_EQ(0, cpuid_get(self->v.fd, again, &m));
	ASSERT_EQ(n, m);
	EXPECT_EQ(0, memcmp(leaves, again, n * sizeof(*leaves)));
	/* An empty table leaves no table. */
	EXPECT_EQ(0, cpuid_set(&self->v, leaves, 0));
	ASSERT_EQ(0, cpuid_get(self->v.fd, again, &m));
	EXPECT_EQ(0u, m);
}

/* ---- MSRs ---- */

GUEST_CODE(code_msr, 64,
	"code_msr_read:\n"
	"mov %edi, %ecx\n"
	"rdmsr\n"
	"mov %eax, %ebx\n"
	"mov %edx, %ecx\n"
	"mov $1, %eax\n"
	HYPERCALL
	"code_msr_write:\n"
	"mov %edi, %ecx\n"
	"mov %esi, %eax\n"
	"mov %rsi, %rdx\n"
	"shr $32, %rdx\n"
	"wrmsr\n"
	"mov $2, %eax\n"
	HYPERCALL
	"code_msr_gp:\n"
	"pop %rbx\n"
	"mov $13, %eax\n"
	HYPERCALL);
GUEST_LABEL(code_msr_read);
GUEST_LABEL(code_msr_write);
GUEST_LABEL(code_msr_gp);

static void msr_ready(struct axv_vcpu *v)
{
	x86_cpuid_all(v);
	ready(v);
	x86_load(v->vm, code_msr);
	x86_gate_long(v->vm, VEC_GP, GUEST_ADDR(code_msr, code_msr_gp), 0);
}

static void msr_start(struct axv_vcpu *v, __u64 at, __u32 msr, __u64 value)
{
	x86_start_long(v, at);
	*x86_gpr(v, AXV_X86_RDI) = msr;
	*x86_gpr(v, AXV_X86_RSI) = value;
}

/* Make the guest read or write an MSR; return 0, or the vector of its exception. */
static int guest_rdmsr(struct axv_vcpu *v, __u32 msr, __u64 *value)
{
	const struct axv_exit_hypercall *h = &v->run->exit.hypercall;

	msr_start(v, GUEST_ADDR(code_msr, code_msr_read), msr, 0);
	must(vcpu_run(v) == AXV_EXIT_HYPERCALL);
	*value = h->args[1] << 32 | h->args[0];
	return h->nr == 1 ? 0 : h->nr;
}

static int guest_wrmsr(struct axv_vcpu *v, __u32 msr, __u64 value)
{
	const struct axv_exit_hypercall *h = &v->run->exit.hypercall;

	msr_start(v, GUEST_ADDR(code_msr, code_msr_write), msr, value);
	must(vcpu_run(v) == AXV_EXIT_HYPERCALL);
	return h->nr == 2 ? 0 : h->nr;
}

TEST_F(msr_cpuid, msrs_of_the_kernel)
{
	static const struct {
		__u32 msr;
		__u64 value;
	} t[] = {
		{ MSR_STAR, 0x0023001000000000 },
		{ MSR_LSTAR, 0xffffffff81000000 },
		{ MSR_CSTAR, 0xffffffff82000000 },
		{ MSR_SFMASK, 0x47700 },
		{ MSR_KERNEL_GS_BASE, 0xffff999912345000 },
		{ MSR_FS_BASE, 0x7fff12345000 },
		{ MSR_GS_BASE, 0xffff888812345000 },
		{ MSR_SYSENTER_CS, 0x10 },
		{ MSR_SYSENTER_ESP, 0x12340 },
		{ MSR_SYSENTER_EIP, 0x56780 },
		{ MSR_PAT, 0x0407050600070106 },
	};
	unsigned int i;

	msr_ready(&self->v);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		__u64 value;

		EXPECT_EQ(0, guest_wrmsr(&self->v, t[i].msr, t[i].value)) {
			TH_LOG("MSR %#x", t[i].msr);
		}
		/* x86_start_long() sets the bases of FS and GS again. */
		if (t[i].msr == MSR_FS_BASE || t[i].msr == MSR_GS_BASE)
			continue;
		EXPECT_EQ(0, guest_rdmsr(&self->v, t[i].msr, &value)) {
			TH_LOG("MSR %#x", t[i].msr);
		}
		EXPECT_EQ(t[i].value, value) {
			TH_LOG("MSR %#x", t[i].msr);
		}
		ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(MSR, t[i].msr), &value));
		EXPECT_EQ(t[i].value, value) {
			TH_LOG("MSR %#x", t[i].msr);
		}
	}
}

TEST_F(msr_cpuid, illegal_values)
{
	static const struct {
		__u32 msr;
		__u64 value;
	} t[] = {
		{ MSR_PAT, 2 },
		{ MSR_PAT, 0xff00 },
		{ MSR_EFER, EFER_LME | EFER_LMA | 1ull << 63 },
		{ MSR_EFER, EFER_LME | EFER_LMA | 1 << 9 },
		{ MSR_EFER, EFER_LME | EFER_LMA | EFER_SVME },
		{ MSR_EFER, 0 },		/* long mode off, while in it */
	};
	unsigned int i;

	msr_ready(&self->v);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		__u64 before, after;

		ASSERT_EQ(0, guest_rdmsr(&self->v, t[i].msr, &before)) {
			TH_LOG("MSR %#x", t[i].msr);
		}
		EXPECT_EQ(VEC_GP, guest_wrmsr(&self->v, t[i].msr, t[i].value)) {
			TH_LOG("MSR %#x, value %#llx", t[i].msr, t[i].value);
		}
		ASSERT_EQ(0, guest_rdmsr(&self->v, t[i].msr, &after));
		EXPECT_EQ(before, after) {
			TH_LOG("MSR %#x", t[i].msr);
		}
	}
}

TEST_F(msr_cpuid, addresses_that_are_not_canonical)
{
	static const __u32 t[] = {
		MSR_LSTAR, MSR_CSTAR, MSR_KERNEL_GS_BASE, MSR_FS_BASE, MSR_GS_BASE,
		MSR_SYSENTER_ESP, MSR_SYSENTER_EIP,
	};
	unsigned int i;

	/*
	 * Guests write these without an exit.  A processor refuses addresses that are
	 * not canonical, an emulator may accept them; the module has to cope with both.
	 */
	if (getenv("AXV_TEST_MOVE"))
		SKIP(return, "an address that an emulator takes cannot be moved");
	msr_ready(&self->v);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		__u64 value;
		int ret = guest_wrmsr(&self->v, t[i], 1ull << 63);

		EXPECT_TRUE(!ret || ret == VEC_GP) {
			TH_LOG("MSR %#x: %d", t[i], ret);
		}
		EXPECT_EQ(0, guest_rdmsr(&self->v, t[i], &value));
		EXPECT_EQ(0, guest_wrmsr(&self->v, t[i], 0));
	}
}

/* AXV_SET_TABLE stores the table, as the guest will see it, into the VMM's array. */
TEST_F(msr_cpuid, set_tells_what_was_set)
{
	struct axv_x86_cpuid leaves[] = {
		{ .leaf = 1, .ecx = ~0u, .edx = ~0u },
		{ .leaf = 7, .ebx = ~0u, .ecx = ~0u, .edx = ~0u },
		{ .leaf = 0xa, .eax = ~0u, .ebx = ~0u, .ecx = ~0u, .edx = ~0u },
	};
	struct axv_x86_msr_policy policy[] = {
		{ 0x1000, 0x1fff, AXV_X86_MSR_EXIT, AXV_X86_MSR_FAULT },
		{ 0x10, 0x20, AXV_X86_MSR_FAULT, AXV_X86_MSR_EXIT },
	};
	struct axv_x86_cpuid again[ARRAY_SIZE(leaves)];
	__u32 count = ARRAY_SIZE(leaves);

	ASSERT_EQ(0, cpuid_set(&self->v, leaves, count));
	ASSERT_EQ(0, table(self->v.fd, AXV_GET_TABLE, AXV_TABLE_X86_CPUID, again, &count,
			   sizeof(again[0])));
	ASSERT_EQ(ARRAY_SIZE(leaves), count);
	EXPECT_EQ(0, memcmp(leaves, again, sizeof(leaves)));
	/* VMX and SMX are cleared; leaf 7 gets its flag; the PMU's leaf is zero. */
	EXPECT_EQ(0u, leaves[0].ecx & (3u << 5));
	EXPECT_EQ(AXV_X86_CPUID_SUBLEAF, leaves[1].flags);
	EXPECT_EQ(0u, leaves[2].eax | leaves[2].ebx | leaves[2].ecx | leaves[2].edx);

	count = ARRAY_SIZE(policy);
	ASSERT_EQ(0, table(self->vm.fd, AXV_SET_TABLE, AXV_TABLE_X86_MSR_POLICY, policy,
			   &count, sizeof(policy[0])));
	EXPECT_EQ(0x10u, policy[0].first);
	EXPECT_EQ(0x1000u, policy[1].first);
}

GUEST_CODE(code_write_tsc, 64,
	"mov %cr4, %rax\n"
	"or $0x40, %rax\n"		/* MCE */
	"mov %rax, %cr4\n"
	"mov %cr4, %rdx\n"
	"and $0x40, %edx\n"
	"mov %rdx, %r8\n"
	"mov $0x10, %ecx\n"
	"mov $0, %eax\n"
	"mov $0x400000, %edx\n"
	"wrmsr\n"
	"rdtsc\n"
	"mov %rdx, %rbx\n"		/* the upper half that RDTSC has read */
	"mov $0x3b, %ecx\n"
	"rdmsr\n"
	"mov %rax, %rsi\n"
	"mov %rdx, %rdi\n"
	"mov %r8, %rdx\n"
	"xor %eax, %eax\n"
	HYPERCALL
	"1: jmp 1b\n");

/* A guest may write its TSC: its TSC_ADJUST follows, and other clocks do not change. */
TEST_F(msr_cpuid, guest_writes_its_tsc)
{
	struct axv_clock clock = { .counter = 1ull << 40 };
	struct axv_vcpu to;
	__u64 adjust, value;

	msr_ready(&self->v);
	ASSERT_EQ(0, axv_ioctl(self->vm.fd, AXV_VM_SET_CLOCK, &clock));
	x86_begin_long(&self->v, code_write_tsc, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	/* In units of 2^32 cycles; on a slow machine some of these pass. */
	EXPECT_LE(0x400000ull, self->v.run->exit.hypercall.args[0]);
	EXPECT_GT(0x401000ull, self->v.run->exit.hypercall.args[0]);
	EXPECT_EQ(0x40ull, self->v.run->exit.hypercall.args[2]);
	adjust = self->v.run->exit.hypercall.args[3] |
		 self->v.run->exit.hypercall.args[4] << 32;
	ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(MSR, 0x3b), &value));
	EXPECT_EQ(adjust, value);
	EXPECT_LT(1ull << 53, value);
	ASSERT_EQ(0, axv_ioctl(self->vm.fd, AXV_VM_GET_CLOCK, &clock));
	EXPECT_LE(1ull << 40, clock.counter);
	EXPECT_GT(1ull << 50, clock.counter);
	ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(MSR, MSR_TSC), &value));
	EXPECT_LE(0x400000ull, value >> 32);
	EXPECT_GT(0x401000ull, value >> 32);

	/* TSC_ADJUST is among the registers that are saved. */
	vcpu_new(&self->vm, &to, 1);
	x86_cpuid_all(&to);
	ASSERT_EQ(0, guest_setup(&to));
	ASSERT_EQ(0, reg_get(&to, AXV_REG_X86(MSR, 0x3b), &value));
	EXPECT_EQ(0ull, value);
	x86_regs_copy(&self->v, &to);
	ASSERT_EQ(0, reg_get(&to, AXV_REG_X86(MSR, 0x3b), &value));
	EXPECT_EQ(adjust, value);
	vcpu_free(&to);
}

GUEST_CODE(code_rdpid, 64,
	"mov $0xdead, %ebx\n"
	".byte 0xf3, 0x0f, 0xc7, 0xfb\n"	/* rdpid %rbx */
	"xor %eax, %eax\n"
	HYPERCALL
	"1: jmp 1b\n");

GUEST_CODE(stub_ud, 64,
	"mov $6, %eax\n"
	HYPERCALL
	"1: jmp 1b\n");

struct setter {
	struct axv_vcpu *v;
	struct axv_x86_cpuid *leaves;
	__u32 count;
	int ret;
};

static void *set_table(void *arg)
{
	struct setter *s = arg;

	s->ret = cpuid_set(s->v, s->leaves, s->count);
	return NULL;
}

/* For another thread than the owner, the call fails before it checks the vCPU's state. */
TEST_F(msr_cpuid, set_by_another_thread)
{
	static struct axv_x86_cpuid leaves[MAX_LEAVES];
	struct setter s = { .v = &self->v, .leaves = leaves };

	ASSERT_EQ(0, cpuid_get(self->v.fd, leaves, &s.count));
	in_thread(set_table, &s);
	EXPECT_EQ(0, s.ret);
	msr_ready(&self->v);
	ASSERT_EQ(AXV_STATE_READY, vcpu_state(&self->v));
	in_thread(set_table, &s);
	EXPECT_EQ(-EPERM, s.ret);
	EXPECT_EQ(-EBADFD, cpuid_set(&self->v, leaves, s.count));
	EXPECT_EQ(AXV_STATE_READY, vcpu_state(&self->v));
}

/* Remove RDPID and RDTSCP from a table: without them there is no TSC_AUX. */
static void without_tsc_aux(struct axv_x86_cpuid *leaves, __u32 count)
{
	__u32 i;

	for (i = 0; i < count; i++) {
		if (leaves[i].leaf == 7)
			leaves[i].ecx &= ~(1u << 22);
		if (leaves[i].leaf == 0x80000001)
			leaves[i].edx &= ~(1u << 27);
	}
}

TEST_F(msr_cpuid, set_takes_no_register_away)
{
	static struct axv_x86_cpuid leaves[MAX_LEAVES];
	const __u64 tsc_aux = AXV_REG_X86(MSR, MSR_TSC_AUX);
	__u32 count;
	__u64 value;

	ASSERT_EQ(0, cpuid_get(self->v.fd, leaves, &count));
	ASSERT_EQ(0, guest_setup(&self->v));
	if (reg_set(&self->v, tsc_aux, 5) == -ENOENT)
		return;
	without_tsc_aux(leaves, count);
	EXPECT_EQ(-EINVAL, cpuid_set(&self->v, leaves, count));
	ASSERT_EQ(0, reg_get(&self->v, tsc_aux, &value));
	EXPECT_EQ(5ull, value);
	ASSERT_EQ(0, reg_set(&self->v, tsc_aux, 0));
	EXPECT_EQ(0, cpuid_set(&self->v, leaves, count));
	EXPECT_EQ(-ENOENT, reg_get(&self->v, tsc_aux, &value));
}

/* The host's TSC_AUX, which has the CPU's number, must not be shown to the guest. */
TEST_F(msr_cpuid, rdpid_without_its_cpuid_bit)
{
	static struct axv_x86_cpuid leaves[1024];
	__u32 count = ARRAY_SIZE(leaves);
	struct axv_vcpu v;
	int cpu = second_cpu();

	if (cpu >= 0)
		pin_to(cpu);
	ASSERT_EQ(0, table(self->vm.dev, AXV_GET_TABLE, AXV_TABLE_X86_CPUID, leaves, &count,
			   sizeof(leaves[0])));
	without_tsc_aux(leaves, count);
	vcpu_new(&self->vm, &v, 1);
	ASSERT_EQ(0, table(v.fd, AXV_SET_TABLE, AXV_TABLE_X86_CPUID, leaves, &count,
			   sizeof(leaves[0])));
	ASSERT_EQ(0, guest_setup(&v));
	ASSERT_EQ(0, vcpu_bind(&v));
	x86_load_at(&self->vm, 0x9c000, stub_ud, stub_ud_end);
	x86_gate_long(&self->vm, VEC_UD, 0x9c000, 0);
	x86_begin_long(&v, code_rdpid, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	/* VMX can make RDPID undefined, SVM cannot. */
	if (v.run->exit.hypercall.nr) {
		EXPECT_EQ(6ull, v.run->exit.hypercall.nr);
		EXPECT_EQ(0xdeadull, v.run->exit.hypercall.args[0]);
	} else {
		EXPECT_EQ(0ull, v.run->exit.hypercall.args[0]);
	}
	vcpu_free(&v);
}

TEST_F(msr_cpuid, msrs_that_do_not_exist)
{
	/* MSRs that do not exist, and MSRs that only the host has. */
	static const __u32 t[] = {
		0x12345678, 0x4b564d00, 0xc0001fff, 0xffffffff,
		0xc0010114, 0xc0010117,		/* VM_CR, VM_HSAVE_PA */
		0x48, 0x49, 0x3a, 0x480,
	};
	unsigned int i;

	msr_ready(&self->v);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		__u64 value;

		/* SPEC_CTRL and PRED_CMD may be offered by a CPU that has them. */
		if (t[i] != 0x48 && t[i] != 0x49) {
			EXPECT_EQ(VEC_GP, guest_rdmsr(&self->v, t[i], &value)) {
				TH_LOG("MSR %#x", t[i]);
			}
		}
		EXPECT_EQ(VEC_GP, guest_wrmsr(&self->v, t[i], ~0ull)) {
			TH_LOG("MSR %#x", t[i]);
		}
	}
}

static int policy(struct axv_vm *vm, struct axv_x86_msr_policy *p, __u32 count)
{
	return table(vm->fd, AXV_SET_TABLE, AXV_TABLE_X86_MSR_POLICY, p, &count, sizeof(*p));
}

#define KERNEL	AXV_X86_MSR_KERNEL
#define EXIT	AXV_X86_MSR_EXIT
#define FAULT	AXV_X86_MSR_FAULT

TEST_F(msr_cpuid, policy)
{
	struct axv_x86_msr_policy p[] = {
		{ MSR_PAT, MSR_PAT, FAULT, FAULT },
		{ MSR_STAR, MSR_LSTAR, KERNEL, EXIT },
		{ 0x1000, 0x1fff, EXIT, FAULT },
		{ 0x2000, 0x2000, KERNEL, KERNEL },
		{ 0xfffffff0, 0xffffffff, EXIT, EXIT },
	};
	struct axv_x86_msr_policy again[8];
	struct axv_run *run = self->v.run;
	__u32 n = ARRAY_SIZE(again);
	__u64 value;

	msr_ready(&self->v);
	ASSERT_EQ(0, policy(&self->vm, p, ARRAY_SIZE(p)));
	ASSERT_EQ(0, table(self->vm.fd, AXV_GET_TABLE, AXV_TABLE_X86_MSR_POLICY, again, &n,
			   sizeof(again[0])));
	ASSERT_EQ(ARRAY_SIZE(p), n);

	/* The policy also makes MSRs #GP that the kernel could emulate. */
	EXPECT_EQ(VEC_GP, guest_rdmsr(&self->v, MSR_PAT, &value));
	EXPECT_EQ(VEC_GP, guest_wrmsr(&self->v, MSR_PAT, 0x0007040600070406));
	/* Reads and writes can have different policies. */
	EXPECT_EQ(0, guest_rdmsr(&self->v, MSR_LSTAR, &value));
	msr_start(&self->v, GUEST_ADDR(code_msr, code_msr_write), MSR_LSTAR, 0x1234);
	ASSERT_EXIT(AXV_EXIT_SYSREG_WRITE, &self->v);
	EXPECT_EQ((__u64)MSR_LSTAR, run->exit.sysreg.addr);
	EXPECT_EQ(0x1234ull, run->exit.sysreg.value);
	EXPECT_EQ(0, guest_rdmsr(&self->v, MSR_LSTAR, &value));
	EXPECT_NE(0x1234ull, value);
	/* The first and the last MSR of a range, and those next to it. */
	msr_start(&self->v, GUEST_ADDR(code_msr, code_msr_read), 0x1000, 0);
	ASSERT_EXIT(AXV_EXIT_SYSREG_READ, &self->v);
	msr_start(&self->v, GUEST_ADDR(code_msr, code_msr_read), 0x1fff, 0);
	ASSERT_EXIT(AXV_EXIT_SYSREG_READ, &self->v);
	EXPECT_EQ(VEC_GP, guest_rdmsr(&self->v, 0xfff, &value));
	EXPECT_EQ(VEC_GP, guest_wrmsr(&self->v, 0x1fff, 0));
	/* The policy says that the kernel emulates these, but the kernel does not know them. */
	EXPECT_EQ(VEC_GP, guest_rdmsr(&self->v, 0x2000, &value));
	EXPECT_EQ(VEC_GP, guest_wrmsr(&self->v, 0x2000, 0));
	msr_start(&self->v, GUEST_ADDR(code_msr, code_msr_write), 0xffffffff, 5);
	ASSERT_EXIT(AXV_EXIT_SYSREG_WRITE, &self->v);
	/* Without a policy all is as at the beginning. */
	ASSERT_EQ(0, policy(&self->vm, NULL, 0));
	EXPECT_EQ(0, guest_rdmsr(&self->v, MSR_PAT, &value));
	EXPECT_EQ(0, guest_wrmsr(&self->v, MSR_LSTAR, 0x1234));
	EXPECT_EQ(VEC_GP, guest_rdmsr(&self->v, 0x1000, &value));
}

TEST_F(msr_cpuid, policy_that_is_refused)
{
	struct axv_x86_msr_policy old = { MSR_PAT, MSR_PAT, FAULT, FAULT };
	struct axv_x86_msr_policy overlap[] = {
		{ 0x1000, 0x1fff, EXIT, EXIT }, { 0x1fff, 0x2000, EXIT, EXIT },
	};
	struct axv_x86_msr_policy inside[] = {
		{ 0x1500, 0x1600, EXIT, EXIT }, { 0x1000, 0x1fff, EXIT, EXIT },
	};
	struct axv_x86_msr_policy twice[] = {
		{ 0x1000, 0x1000, EXIT, EXIT }, { 0x1000, 0x1000, EXIT, EXIT },
	};
	struct axv_x86_msr_policy backwards = { 0x1001, 0x1000, EXIT, EXIT };
	struct axv_x86_msr_policy unknown = { 0x1000, 0x1000, 3, EXIT };
	struct axv_x86_msr_policy unknown2 = { 0x1000, 0x1000, EXIT, 99 };
	__u64 value;

	msr_ready(&self->v);
	ASSERT_EQ(0, policy(&self->vm, &old, 1));
	EXPECT_EQ(-EINVAL, policy(&self->vm, overlap, 2));
	EXPECT_EQ(-EINVAL, policy(&self->vm, inside, 2));
	EXPECT_EQ(-EINVAL, policy(&self->vm, twice, 2));
	EXPECT_EQ(-EINVAL, policy(&self->vm, &backwards, 1));
	EXPECT_EQ(-EINVAL, policy(&self->vm, &unknown, 1));
	EXPECT_EQ(-EINVAL, policy(&self->vm, &unknown2, 1));
	EXPECT_EQ(-EFAULT, policy(&self->vm, NULL, 1));
	/* The previous policy is still in force. */
	EXPECT_EQ(VEC_GP, guest_rdmsr(&self->v, MSR_PAT, &value));
	EXPECT_EQ(VEC_GP, guest_rdmsr(&self->v, 0x1000, &value));
}

GUEST_CODE(code_rdmsr_spin, 64,
	"1: mov $0x1000, %ecx\n"
	"rdmsr\n"
	"jmp 1b\n"
	"code_rdmsr_spin_gp:\n"
	"add $8, %rsp\n"
	"addq $2, (%rsp)\n"
	"incq 0x40000\n"
	"iretq\n");
GUEST_LABEL(code_rdmsr_spin_gp);

TEST_F(msr_cpuid, policy_changed_while_running)
{
	struct axv_x86_msr_policy p[] = {
		{ 0x1000, 0x1000, FAULT, FAULT }, { 0x1000, 0x1000, KERNEL, FAULT },
	};
	volatile __u64 *faults = (__u64 *)(self->vm.ram + GUEST_DATA);
	unsigned long n = scaled(100), i;
	struct axv_runner r;

	ASSERT_EQ(0, guest_setup(&self->v));
	x86_load(&self->vm, code_rdmsr_spin);
	x86_gate_long(&self->vm, VEC_GP, GUEST_ADDR(code_rdmsr_spin, code_rdmsr_spin_gp), 0);
	x86_start_long(&self->v, GUEST_CODE_ADDR);
	self->v.run->regs.gprs.rflags |= FLAG_IF;
	runner_start(&r, &self->v, until_kicked, NULL);
	for (i = 0; i < n; i++) {
		__u64 now = *faults;

		ASSERT_EQ(0, policy(&self->vm, &p[i % 2], 1));
		while (*faults == now)
			sched_yield();
	}
	runner_stop(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(0ul, r.exits[AXV_EXIT_SYSREG_READ]);
}

/* ---- time ---- */

GUEST_CODE(code_tsc, 64,
	"1: rdtsc\n"
	"mov %eax, %ebx\n"
	"mov %edx, %ecx\n"
	"xor %eax, %eax\n"
	HYPERCALL
	"jmp 1b\n");

static __u64 guest_tsc(struct axv_vcpu *v)
{
	const struct axv_exit_hypercall *h = &v->run->exit.hypercall;

	must(vcpu_run(v) == AXV_EXIT_HYPERCALL);
	return h->args[1] << 32 | h->args[0];
}

static int set_clock(struct axv_vm *vm, __u64 counter)
{
	struct axv_clock c = { .counter = counter };

	return axv_ioctl(vm->fd, AXV_VM_SET_CLOCK, &c);
}

static __u64 get_clock(struct axv_vm *vm)
{
	struct axv_clock c = { .counter = 0 };

	must(!axv_ioctl(vm->fd, AXV_VM_GET_CLOCK, &c));
	return c.counter;
}

/* Whether the kernel has a TSC clock: not if it could not measure the TSC at boot. */
static bool kernel_has_tsc_clock(void)
{
	char text[256] = "";
	int fd = open("/sys/devices/system/clocksource/clocksource0/available_clocksource",
		      O_RDONLY | O_CLOEXEC);

	must(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	return strstr(text, "tsc");
}

TEST_F(msr_cpuid, one_clock_for_the_vm)
{
	static const __u64 starts[] = { 0, 1ull << 40, 1ull << 62, 1000 };
	struct axv_vcpu w;
	unsigned int i;

	if (kernel_has_tsc_clock())
		EXPECT_LT(0ull, axv_query(self->vm.dev, AXV_QUERY_COUNTER_KHZ));
	ready(&self->v);
	vcpu_ready(&self->vm, &w, 1);
	x86_begin_long(&self->v, code_tsc, 0);
	x86_start_long(&w, GUEST_CODE_ADDR);
	for (i = 0; i < ARRAY_SIZE(starts); i++) {
		__u64 seen[5];
		int k;

		ASSERT_EQ(0, set_clock(&self->vm, starts[i]));
		/* Each reading is later than the one before, of the VMM and of both vCPUs. */
		seen[0] = get_clock(&self->vm);
		seen[1] = guest_tsc(&self->v);
		seen[2] = guest_tsc(&w);
		seen[3] = guest_tsc(&self->v);
		seen[4] = get_clock(&self->vm);
		EXPECT_LE(starts[i], seen[0]);
		for (k = 1; k < 5; k++) {
			EXPECT_LE(seen[k - 1], seen[k]) {
				TH_LOG("start %llx, reading %d", starts[i], k);
			}
		}
		/* More than can pass here, and less than an earlier start would show. */
		EXPECT_GT(starts[i] + (1ull << 50), seen[4]);
	}
	vcpu_free(&w);
}

TEST_F(msr_cpuid, a_clock_to_each_vm)
{
	struct axv_vcpu w;
	struct axv_vm vm;

	vm_new(&vm, 0);
	vcpu_ready(&vm, &w, 0);
	ready(&self->v);
	x86_load(&self->vm, code_tsc);
	x86_load(&vm, code_tsc);
	x86_start_long(&self->v, GUEST_CODE_ADDR);
	x86_start_long(&w, GUEST_CODE_ADDR);
	ASSERT_EQ(0, set_clock(&self->vm, 1ull << 50));
	ASSERT_EQ(0, set_clock(&vm, 0));
	EXPECT_LE(1ull << 50, guest_tsc(&self->v));
	EXPECT_GT(1ull << 49, guest_tsc(&w));
	EXPECT_LE(1ull << 50, guest_tsc(&self->v));
	vcpu_free(&w);
	vm_free(&vm);
}

TEST_HARNESS_MAIN
