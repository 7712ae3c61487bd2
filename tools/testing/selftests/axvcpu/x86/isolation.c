// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of registers for which host and guests share the hardware: each of them has its own
 * values, and finds them as it left them.
 */
#include "axv_harness.h"
#include "x86.h"

#include <asm/prctl.h>
#include <cpuid.h>
#include <linux/hw_breakpoint.h>
#include <linux/perf_event.h>
#include <sys/auxv.h>

#define BLOCK		0x50000ul	/* for each guest a block to load, and one to store to */
#define BLOCK_SIZE	0x1000ul

/* The vector state in a block: 16 registers of 32 bytes, MXCSR, x87 control. */
struct vectors {
	__u8 ymm[16][32];
	__u32 mxcsr;
	__u16 fcw;
	__u16 pad;
} __attribute__((aligned(64)));

#define EACH(op)							\
	op("0") op("1") op("2") op("3") op("4") op("5") op("6") op("7")	\
	op("8") op("9") op("10") op("11") op("12") op("13") op("14") op("15")
#define LOAD_XMM(n)	"movups 32*" n "(%rdi), %xmm" n "\n"
#define STORE_XMM(n)	"movups %xmm" n ", 32*" n "(%rsi)\n"
#define LOAD_YMM(n)	"vmovups 32*" n "(%rdi), %ymm" n "\n"
#define STORE_YMM(n)	"vmovups %ymm" n ", 32*" n "(%rsi)\n"
#define LOAD_CONTROL	"ldmxcsr 512(%rdi)\n" "fldcw 516(%rdi)\n"
#define STORE_CONTROL	"stmxcsr 512(%rsi)\n" "fnstcw 516(%rsi)\n"

/*
 * Guests that, for ever, load the registers from RDI, call, store them at RSI, and call.  The
 * one with AVX first switches that on.
 */
GUEST_CODE(code_sse, 64,
	"1:\n"
	EACH(LOAD_XMM) LOAD_CONTROL
	HYPERCALL
	EACH(STORE_XMM) STORE_CONTROL
	HYPERCALL
	"jmp 1b\n");

GUEST_CODE(code_avx, 64,
	"xor %ecx, %ecx\n"
	"xor %edx, %edx\n"
	"mov $7, %eax\n"
	"xsetbv\n"
	"1:\n"
	EACH(LOAD_YMM) LOAD_CONTROL
	HYPERCALL
	EACH(STORE_YMM) STORE_CONTROL
	HYPERCALL
	"jmp 1b\n");

static void fill(struct vectors *v, __u8 seed, int width, __u32 mxcsr, __u16 fcw)
{
	int i, k;

	memset(v, 0, sizeof(*v));
	for (i = 0; i < 16; i++)
		for (k = 0; k < width; k++)
			v->ymm[i][k] = seed + i * 32 + k;
	v->mxcsr = mxcsr;
	v->fcw = fcw;
}

/*
 * Load the host's registers from @in, run the vCPU, and store the registers to @out.  These are
 * written in assembly, so that the compiler does not use the registers meanwhile.  They return
 * the result of the system call.
 */
long run_with_sse(long fd, long cmd, const struct vectors *in, struct vectors *out);
long run_with_avx(long fd, long cmd, const struct vectors *in, struct vectors *out);

#define RUN_WITH(name, load, store)					\
asm(".text\n"								\
    ".type " #name ", @function\n"					\
    #name ":\n"								\
    "push %rbx\n"							\
    "push %rbp\n"							\
    "mov %rdi, %rbx\n"							\
    "mov %rsi, %rbp\n"							\
    "mov %rdx, %rdi\n"							\
    EACH(load) LOAD_CONTROL						\
    "mov %rcx, %r12\n"							\
    "mov %rbx, %rdi\n"							\
    "mov %rbp, %rsi\n"							\
    "xor %edx, %edx\n"							\
    "mov $16, %eax\n"							\
    "syscall\n"								\
    "mov %r12, %rsi\n"							\
    EACH(store) STORE_CONTROL						\
    "pop %rbp\n"							\
    "pop %rbx\n"							\
    "movl $0x1f80, -8(%rsp)\n"						\
    "ldmxcsr -8(%rsp)\n"						\
    "fninit\n"								\
    "ret\n"								\
    ".size " #name ", . - " #name "\n")

/* The functions change R12; the call below tells the compiler. */
RUN_WITH(run_with_sse, LOAD_XMM, STORE_XMM);
RUN_WITH(run_with_avx, LOAD_YMM, STORE_YMM);

static long run_between(int fd, int avx, const struct vectors *in, struct vectors *out)
{
	long ret, a = fd, b = AXV_VCPU_RUN;

	memset(out, 0, sizeof(*out));
	/* Skip the red zone; R12 is clobbered. */
	asm volatile("sub $128, %%rsp\n\tcall *%[fn]\n\tadd $128, %%rsp"
		     : "=a" (ret), "+D" (a), "+S" (b), "+d" (in), "+c" (out)
		     : [fn] "r" (avx ? run_with_avx : run_with_sse)
		     : "r8", "r9", "r10", "r11", "r12", "memory", "cc",
		       "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
		       "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	return ret;
}

static int has_avx(void)
{
	unsigned int a, b, c, d;

	__cpuid(1, a, b, c, d);
	return (c & bit_OSXSAVE) && (c & bit_AVX);
}

static __u64 host_xcr0(void)
{
	__u32 low, high;

	asm volatile("xgetbv" : "=a" (low), "=d" (high) : "c" (0));
	return (__u64)high << 32 | low;
}

FIXTURE(isolation) {
	struct axv_vm vm;
	struct axv_vcpu v[2];
};

FIXTURE_SETUP(isolation)
{
	int i;

	vm_new(&self->vm, 0);
	for (i = 0; i < 2; i++) {
		vcpu_new(&self->vm, &self->v[i], i);
		x86_cpuid_all(&self->v[i]);
		ASSERT_EQ(0, guest_setup(&self->v[i]));
		ASSERT_EQ(0, vcpu_bind(&self->v[i]));
	}
}

FIXTURE_TEARDOWN(isolation)
{
	vcpu_free(&self->v[0]);
	vcpu_free(&self->v[1]);
	vm_free(&self->vm);
}

#define IN_BLOCK(self, i)	((struct vectors *)((self)->vm.ram + BLOCK + 2 * (i) * BLOCK_SIZE))
#define OUT_BLOCK(self, i) \
	((struct vectors *)((self)->vm.ram + BLOCK + (2 * (i) + 1) * BLOCK_SIZE))

static void vectors_test(struct __test_metadata *_metadata, struct axv_vm *vm,
			 struct axv_vcpu *v, int avx)
{
	static const __u32 mxcsr[] = { 0x3f80, 0x5f80 };
	static const __u16 fcw[] = { 0x027f, 0x0c7f };
	unsigned long n = scaled(100), i;
	int width = avx ? 32 : 16;
	struct vectors host, out;
	unsigned int k;

	for (k = 0; k < 2; k++) {
		x86_start_long(&v[k], GUEST_CODE_ADDR);
		if (avx)
			v[k].run->regs.sregs.cr4 |= CR4_OSXSAVE;
		*x86_gpr(&v[k], AXV_X86_RDI) = BLOCK + 2 * k * BLOCK_SIZE;
		*x86_gpr(&v[k], AXV_X86_RSI) = BLOCK + (2 * k + 1) * BLOCK_SIZE;
	}
	for (i = 0; i < n; i++) {
		struct vectors *mem;

		/* Both guests load, one after the other, and then both store. */
		for (k = 0; k < 4; k++) {
			struct axv_vcpu *now = &v[k % 2];

			mem = (void *)(vm->ram + *x86_gpr(now, AXV_X86_RDI));
			if (k < 2)
				fill(mem, 0x11 * (k + 1) + i, width, mxcsr[k], fcw[k]);
			do {
				fill(&host, 0x80 + i + k, width, 0x7f80, 0x0f7f);
				ASSERT_EQ(0, run_between(now->fd, avx, &host, &out));
				ASSERT_EQ(0, memcmp(&host, &out, sizeof(host)));
			} while (now->run->exit_reason == AXV_EXIT_NOTHING);
			ASSERT_EQ((__u32)AXV_EXIT_HYPERCALL, now->run->exit_reason) {
				vcpu_dump(now);
			}
		}
		for (k = 0; k < 2; k++) {
			struct vectors *in = (void *)(vm->ram + BLOCK + 2 * k * BLOCK_SIZE);
			struct vectors *kept = (void *)(vm->ram + BLOCK + (2 * k + 1) * BLOCK_SIZE);

			ASSERT_EQ(0, memcmp(in, kept, sizeof(*in))) { TH_LOG("guest %u", k); }
		}
	}
}

TEST_F(isolation, sse)
{
	x86_load(&self->vm, code_sse);
	vectors_test(_metadata, &self->vm, self->v, 0);
}

TEST_F(isolation, avx)
{
	__u64 xcr0;

	/* The machines that the module is meant for have AVX; one without prints that. */
	if (!has_avx()) {
		TH_LOG("no AVX here: SSE once more");
		x86_load(&self->vm, code_sse);
		vectors_test(_metadata, &self->vm, self->v, 0);
		return;
	}
	xcr0 = host_xcr0();
	x86_load(&self->vm, code_avx);
	vectors_test(_metadata, &self->vm, self->v, 1);
	EXPECT_EQ(xcr0, host_xcr0());
}

GUEST_CODE(code_xcr0, 64,
	"1: xor %ecx, %ecx\n"
	"xor %edx, %edx\n"
	"mov %edi, %eax\n"
	"xsetbv\n"
	HYPERCALL
	"xor %ecx, %ecx\n"
	"xgetbv\n"
	HYPERCALL
	"jmp 1b\n"
	"code_xcr0_gp:\n"
	"mov $13, %eax\n"
	HYPERCALL);
GUEST_LABEL(code_xcr0_gp);

TEST_F(isolation, xcr0)
{
	__u64 host;
	int i;

	if (!has_avx())
		return;
	host = host_xcr0();
	x86_load(&self->vm, code_xcr0);
	x86_gate_long(&self->vm, VEC_GP, GUEST_ADDR(code_xcr0, code_xcr0_gp), 0);
	for (i = 0; i < 2; i++) {
		x86_start_long(&self->v[i], GUEST_CODE_ADDR);
		self->v[i].run->regs.sregs.cr4 |= CR4_OSXSAVE;
		*x86_gpr(&self->v[i], AXV_X86_RDI) = i ? 7 : 1;
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v[i]);
		EXPECT_EQ(i ? 7ull : 1ull, self->v[i].run->exit.hypercall.nr);
		EXPECT_EQ(host, host_xcr0());
	}
	for (i = 0; i < 2; i++) {
		__u64 value;

		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v[i]);
		EXPECT_EQ(i ? 7ull : 1ull, self->v[i].run->exit.hypercall.nr & 0xff);
		EXPECT_EQ(host, host_xcr0());
		ASSERT_EQ(0, reg_get(&self->v[i], AXV_REG_X86(XCR, 0), &value));
		EXPECT_EQ(i ? 7ull : 1ull, value);
	}
	/* Values that the hardware would refuse are a #GP, and change nothing. */
	for (i = 0; i < 3; i++) {
		static const __u32 bad[] = { 0, 6, 5 };

		x86_start_long(&self->v[0], GUEST_CODE_ADDR);
		self->v[0].run->regs.sregs.cr4 |= CR4_OSXSAVE;
		*x86_gpr(&self->v[0], AXV_X86_RDI) = bad[i];
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v[0]);
		EXPECT_EQ(13ull, self->v[0].run->exit.hypercall.nr) TH_LOG("%u", bad[i]);
		EXPECT_EQ(host, host_xcr0());
	}
}

/* ---- the vector block by ioctl ---- */

static int fpu(struct axv_vcpu *v, unsigned long cmd, void *data, __u32 size)
{
	struct axv_fpu f = { .size = size, .data = (unsigned long)data };

	return axv_ioctl(v->fd, cmd, &f);
}

TEST_F(isolation, vector_state_moves)
{
	__u32 size = axv_query(self->vm.dev, AXV_QUERY_FPU_SIZE);
	__u8 *block = mem_new(size), *again = mem_new(size);
	struct vectors *in = IN_BLOCK(self, 0), *out = OUT_BLOCK(self, 0);
	struct axv_vcpu *a = &self->v[0], *b = &self->v[1];

	ASSERT_LE(576u, size);
	x86_begin_long(a, code_sse, 0);
	*x86_gpr(a, AXV_X86_RDI) = BLOCK;
	*x86_gpr(a, AXV_X86_RSI) = BLOCK + BLOCK_SIZE;
	fill(in, 0x21, 16, 0x3f80, 0x027f);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, a);
	ASSERT_EQ(0, fpu(a, AXV_VCPU_GET_FPU, block, size));
	/* The format is the standard one: FCW at 0, MXCSR at 24, XMM0 at 160. */
	EXPECT_EQ(0x027f, *(__u16 *)block);
	EXPECT_EQ(0x3f80u, *(__u32 *)(block + 24));
	EXPECT_EQ(0, memcmp(block + 160, in->ymm[0], 16));
	EXPECT_EQ(0, memcmp(block + 160 + 15 * 16, in->ymm[15], 16));

	EXPECT_EQ(0, vcpu_unbind(b));
	x86_regs_copy(a, b);
	ASSERT_EQ(0, fpu(b, AXV_VCPU_SET_FPU, block, size));
	ASSERT_EQ(0, fpu(b, AXV_VCPU_GET_FPU, again, size));
	EXPECT_EQ(0, memcmp(block, again, size));
	ASSERT_EQ(0, vcpu_bind(b));
	memset(out, 0, sizeof(*out));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, b);
	EXPECT_EQ(0, memcmp(in, out, sizeof(*in)));
}

TEST_F(isolation, vector_state_that_is_refused)
{
	__u32 size = axv_query(self->vm.dev, AXV_QUERY_FPU_SIZE);
	__u8 *block = mem_new(size + PAGE), *again = mem_new(size);
	struct axv_vcpu *v = &self->v[0];
	static const struct {
		__u16 at;
		__u32 value;
	} bad[] = {
		{ 24, 0xffff0000 },	/* MXCSR: reserved bits */
		{ 512 + 4, 0x40000000 }, /* XSTATE_BV: a feature not there */
		{ 512 + 12, 0x80000000 }, /* XCOMP_BV: the compacted format */
		{ 512 + 20, 1 },	/* reserved in the header */
	};
	unsigned int i;

	ASSERT_EQ(0, fpu(v, AXV_VCPU_GET_FPU, block, size));
	EXPECT_EQ(-EINVAL, fpu(v, AXV_VCPU_GET_FPU, block, size - 1));
	EXPECT_EQ(-EINVAL, fpu(v, AXV_VCPU_SET_FPU, block, 0));
	EXPECT_EQ(-EINVAL, fpu(v, AXV_VCPU_SET_FPU, block, size + 1));
	EXPECT_EQ(-EFAULT, fpu(v, AXV_VCPU_SET_FPU, NULL, size));
	EXPECT_EQ(-EFAULT, fpu(v, AXV_VCPU_GET_FPU, (void *)PAGE, size));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		__u32 *at = (__u32 *)(block + bad[i].at), was = *at;

		*at = bad[i].value;
		EXPECT_EQ(-EINVAL, fpu(v, AXV_VCPU_SET_FPU, block, size)) TH_LOG("%u", i);
		*at = was;
	}
	ASSERT_EQ(0, fpu(v, AXV_VCPU_GET_FPU, again, size));
	EXPECT_EQ(0, memcmp(block, again, size));
	EXPECT_EQ(0, fpu(v, AXV_VCPU_SET_FPU, block, size));
}

/* ---- bases of FS and GS ---- */

GUEST_CODE(code_bases, 64,
	"1:\n"
	/* Write the MSRs of a list at RDI with the value behind each. */
	"mov %rdi, %r8\n"
	"2: mov (%r8), %ecx\n"
	"test %ecx, %ecx\n"
	"jz 3f\n"
	"mov 8(%r8), %eax\n"
	"mov 12(%r8), %edx\n"
	"wrmsr\n"
	"add $16, %r8\n"
	"jmp 2b\n"
	"3: " HYPERCALL
	/* Read them into the list at RSI. */
	"mov %rsi, %r8\n"
	"2: mov (%r8), %ecx\n"
	"test %ecx, %ecx\n"
	"jz 3f\n"
	"rdmsr\n"
	"mov %eax, 8(%r8)\n"
	"mov %edx, 12(%r8)\n"
	"add $16, %r8\n"
	"jmp 2b\n"
	"3: " HYPERCALL
	"jmp 1b\n"
	"code_bases_gp:\n"
	"pop %rbx\n"
	"mov $13, %eax\n"
	HYPERCALL);
GUEST_LABEL(code_bases_gp);

static const __u32 msrs[] = {
	MSR_FS_BASE, MSR_GS_BASE, MSR_KERNEL_GS_BASE, MSR_STAR, MSR_LSTAR, MSR_CSTAR,
	MSR_SFMASK, MSR_SYSENTER_CS, MSR_SYSENTER_ESP, MSR_SYSENTER_EIP, MSR_TSC_AUX,
};

static __u64 pattern(int guest, unsigned int i, unsigned long round)
{
	__u64 value = 0xffff900000000000 + guest * 0x1000000 + i * 0x10000 + round;

	switch (msrs[i]) {
	case MSR_STAR:
		return 0x0023001000000000 + guest;
	case MSR_SFMASK:
		return 0x47700 + guest;
	case MSR_SYSENTER_CS:
		return 0x10 + 8 * guest;
	case MSR_TSC_AUX:
		return 0x777 + guest;
	case MSR_SYSENTER_ESP:
	case MSR_SYSENTER_EIP:
		/* AMD's hardware has only 32 bits of these. */
		return value & 0x7fffffff;
	default:
		return value;
	}
}

static __u64 host_fs(void)
{
	__u64 base = 0;

	must(!syscall(SYS_arch_prctl, ARCH_GET_FS, &base));
	return base;
}

static __u64 host_gs(void)
{
	__u64 base = 0;

	must(!syscall(SYS_arch_prctl, ARCH_GET_GS, &base));
	return base;
}

static __u64 load_gs_0(void)
{
	__u64 value;

	asm volatile("mov %%gs:0, %0" : "=r" (value));
	return value;
}

static int has_rdtscp(void)
{
	unsigned int a, b, c, d;

	__cpuid(0x80000001, a, b, c, d);
	return !!(d & (1 << 27));
}

static __u32 host_tsc_aux(void)
{
	__u32 a, d, c;

	asm volatile("rdtscp" : "=a" (a), "=d" (d), "=c" (c));
	return c;
}

struct msr_entry {
	__u64 msr;
	__u64 value;
};

TEST_F(isolation, bases_and_syscall_registers)
{
	__u64 *cells = mem_new(PAGE);
	unsigned long n = scaled(50), round;
	__u64 fs = host_fs(), old_gs = host_gs();
	__u32 aux = 0;
	unsigned int i;
	int k;

	pin_to(0);
	if (has_rdtscp())
		aux = host_tsc_aux();
	x86_load(&self->vm, code_bases);
	for (k = 0; k < 2; k++) {
		x86_start_long(&self->v[k], GUEST_CODE_ADDR);
		*x86_gpr(&self->v[k], AXV_X86_RDI) = BLOCK + 2 * k * BLOCK_SIZE;
		*x86_gpr(&self->v[k], AXV_X86_RSI) = BLOCK + (2 * k + 1) * BLOCK_SIZE;
	}
	x86_gate_long(&self->vm, VEC_GP, GUEST_ADDR(code_bases, code_bases_gp), 0);
	for (round = 0; round < n; round++) {
		for (k = 0; k < 4; k++) {
			struct msr_entry *in = (void *)IN_BLOCK(self, k % 2);
			struct msr_entry *out = (void *)OUT_BLOCK(self, k % 2);
			__u64 *cell = &cells[(round + k) % 7];

			for (i = 0; i < ARRAY_SIZE(msrs) && k < 2; i++) {
				in[i].msr = msrs[i];
				in[i].value = pattern(k, i, round);
				out[i].msr = msrs[i];
				out[i].value = 0;
			}
			/* The VMM changes its own GS base between runs. */
			*cell = 0x600d + round;
			must(!syscall(SYS_arch_prctl, ARCH_SET_GS, cell));
			ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v[k % 2]);
			ASSERT_NE(13ull, self->v[k % 2].run->exit.hypercall.nr) {
				TH_LOG("#GP at MSR %llx",
				       self->v[k % 2].run->exit.hypercall.args[1]);
			}
			ASSERT_EQ(0x600d + round, load_gs_0());
			ASSERT_EQ((unsigned long)cell, host_gs());
			ASSERT_EQ(fs, host_fs());
			if (has_rdtscp())
				ASSERT_EQ(aux, host_tsc_aux());
		}
		for (k = 0; k < 2; k++) {
			struct msr_entry *out = (void *)OUT_BLOCK(self, k);

			for (i = 0; i < ARRAY_SIZE(msrs); i++) {
				ASSERT_EQ(pattern(k, i, round), out[i].value) {
					TH_LOG("MSR %#x of guest %d", msrs[i], k);
				}
			}
		}
	}
	must(!syscall(SYS_arch_prctl, ARCH_SET_GS, old_gs));
}

/*
 * The C library finds its thread by FS.  While FS is changed, only plain system calls may be
 * made.
 */
static long raw(long nr, long a, long b, long c)
{
	long ret;

	asm volatile("syscall" : "=a" (ret)
		     : "a" (nr), "D" (a), "S" (b), "d" (c)
		     : "rcx", "r11", "memory");
	return ret;
}

TEST_F(isolation, the_vmm_changes_its_fs)
{
	unsigned long n = scaled(50), i;
	struct axv_vcpu *v = &self->v[0];
	struct axv_run *run = v->run;
	__u64 *cells = mem_new(PAGE);
	__u64 fs = host_fs(), seen, loaded;
	long ret;

	guest_start(v, GUEST_CALL, 0, 0, 0);
	run->regs.sregs.seg[AXV_X86_FS].base = 0x12345000;
	run->regs.sregs.seg[AXV_X86_GS].base = 0x54321000;
	for (i = 0; i < n; i++) {
		cells[i % 8] = i + 1;
		raw(SYS_arch_prctl, ARCH_SET_FS, (long)&cells[i % 8], 0);
		do {
			ret = raw(SYS_ioctl, v->fd, AXV_VCPU_RUN, 0);
		} while (!ret && run->exit_reason == AXV_EXIT_NOTHING);
		asm volatile("mov %%fs:0, %0" : "=r" (loaded));
		raw(SYS_arch_prctl, ARCH_GET_FS, (long)&seen, 0);
		raw(SYS_arch_prctl, ARCH_SET_FS, fs, 0);
		ASSERT_EQ(0, ret);
		ASSERT_EQ((__u32)AXV_EXIT_HYPERCALL, run->exit_reason);
		ASSERT_EQ((unsigned long)&cells[i % 8], seen);
		ASSERT_EQ(i + 1, loaded);
		ASSERT_EQ(0x12345000ull, run->regs.sregs.seg[AXV_X86_FS].base);
		ASSERT_EQ(0x54321000ull, run->regs.sregs.seg[AXV_X86_GS].base);
	}
}

#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE	(1 << 1)
#endif

TEST_F(isolation, the_vmm_changes_its_gs_by_itself)
{
	unsigned long n = scaled(50), i;
	__u64 *cells = mem_new(PAGE);

	/* The base is changed without a system call, so the kernel does not know. */
	guest_start(&self->v[0], GUEST_CALL, 0, 0, 0);
	self->v[0].run->regs.sregs.seg[AXV_X86_GS].base = 0x54321000;
	for (i = 0; i < n; i++) {
		cells[i % 8] = i + 1;
		if (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE)
			asm volatile("wrgsbase %0" : : "r" (&cells[i % 8]));
		else
			must(!syscall(SYS_arch_prctl, ARCH_SET_GS, &cells[i % 8]));
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v[0]);
		ASSERT_EQ(i + 1, load_gs_0());
	}
	must(!syscall(SYS_arch_prctl, ARCH_SET_GS, 0));
}

/* ---- debug registers ---- */

static volatile __u64 watched __attribute__((aligned(4096)));

static int watch(volatile void *address)
{
	struct perf_event_attr attr = {
		.type = PERF_TYPE_BREAKPOINT,
		.size = sizeof(attr),
		.bp_type = HW_BREAKPOINT_W,
		.bp_addr = (unsigned long)address,
		.bp_len = HW_BREAKPOINT_LEN_8,
		.exclude_kernel = 1,
		.exclude_hv = 1,
	};

	return syscall(SYS_perf_event_open, &attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

static __u64 hits(int fd)
{
	__u64 count;

	must(read(fd, &count, sizeof(count)) == sizeof(count));
	return count;
}

TEST_F(isolation, a_breakpoint_of_the_hosts)
{
	unsigned long n = scaled(50), i;
	const __u64 page = (unsigned long)&watched & -PAGE;
	struct axv_vcpu *v = &self->v[0];
	__u8 *mem = mem_new(PAGE);
	int fd = watch(&watched);

	/*
	 * The guest writes to memory at the same linear address.  It must neither see
	 * nor hit the host's breakpoint.
	 */
	ASSERT_LE(0, fd);
	ASSERT_LT(HUGE_PAGE, page);
	ASSERT_GT(1ul << 30, page);
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, page, PAGE, mem));
	for (i = 1; i <= n; i++) {
		guest_start(v, GUEST_WRITE, (unsigned long)&watched, 1, i);
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, v);
		ASSERT_EQ(i - 1, hits(fd));
		watched = i;
		ASSERT_EQ(i, hits(fd));
	}
	EXPECT_EQ(n, *(__u64 *)(mem + ((unsigned long)&watched - page)));
	close(fd);
}

GUEST_CODE(code_dr, 64,
	"mov %rdi, %dr0\n"
	"mov %rsi, %dr3\n"
	"mov %r8, %dr7\n"
	HYPERCALL
	"mov %dr0, %rbx\n"
	"mov %dr3, %rcx\n"
	"mov %dr7, %rdx\n"
	HYPERCALL
	"movb $1, (%rdi)\n"
	"code_dr_after:\n"
	"nop\n"
	"xor %eax, %eax\n"
	HYPERCALL
	"code_dr_db:\n"
	"mov %dr6, %rbx\n"
	"mov (%rsp), %rcx\n"
	"mov $1, %eax\n"
	HYPERCALL);
GUEST_LABEL(code_dr_after);
GUEST_LABEL(code_dr_db);

TEST_F(isolation, breakpoints_of_the_guests)
{
	/*
	 * DR0: write, 1 byte, local.  QEMU's VMRUN and #VMEXIT load DR7, but leave
	 * QEMU's internal breakpoints as they were; when these are removed later,
	 * QEMU itself crashes.  So the breakpoint is not enabled there.
	 */
	const int enabled = !x86_in_qemu();
	const __u64 dr7 = enabled ? 0x10401 : 0x10400;
	struct axv_run *run;
	int i;

	/*
	 * The guest's breakpoint is at an address to which the host writes meanwhile:
	 * it must not be hit by the host.
	 */
	x86_load(&self->vm, code_dr);
	x86_gate_long(&self->vm, VEC_DB, GUEST_ADDR(code_dr, code_dr_db), 0);
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, (unsigned long)&watched & -PAGE, PAGE,
			       mem_new(PAGE)));
	for (i = 0; i < 2; i++) {
		x86_start_long(&self->v[i], GUEST_CODE_ADDR);
		*x86_gpr(&self->v[i], AXV_X86_RDI) = (unsigned long)&watched + i;
		*x86_gpr(&self->v[i], AXV_X86_RSI) = 0x1234 + i;
		*x86_gpr(&self->v[i], AXV_X86_R8) = dr7;
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v[i]);
		watched = 0x5555;
	}
	for (i = 0; i < 2; i++) {
		__u64 value;

		run = self->v[i].run;
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v[i]);
		watched = 0x5555;
		EXPECT_EQ((unsigned long)&watched + i, run->exit.hypercall.args[0]);
		EXPECT_EQ(0x1234ull + i, run->exit.hypercall.args[1]);
		EXPECT_EQ(dr7, run->exit.hypercall.args[2]);
		ASSERT_EQ(0, reg_get(&self->v[i], AXV_REG_X86(DR, 0), &value));
		EXPECT_EQ((unsigned long)&watched + i, value);
		ASSERT_EQ(0, reg_get(&self->v[i], AXV_REG_X86(DR, 7), &value));
		EXPECT_EQ(dr7, value);
	}
	for (i = 0; i < 2; i++) {
		run = self->v[i].run;
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v[i]);
		ASSERT_EQ((__u64)enabled, run->exit.hypercall.nr);
		watched = 0x5555;
		if (!enabled)
			continue;
		EXPECT_NE(0ull, run->exit.hypercall.args[0] & 1);
		EXPECT_EQ(GUEST_ADDR(code_dr, code_dr_after), run->exit.hypercall.args[1]);
	}
}

/* ---- signals and time of the host ---- */

static volatile sig_atomic_t handled;

static void handler(int sig)
{
	double d = 1.5;
	int i;

	(void)sig;
	/* Change registers that the guest uses. */
	for (i = 0; i < 10; i++)
		d = d * 1.25 + i;
	asm volatile("movq %0, %%xmm5\n\tmovq %0, %%xmm15"
		     : : "r" ((long)d) : "xmm5", "xmm15");
	handled = d > 0;
}

static int until_call(struct axv_runner *r)
{
	return r->vcpu->run->exit_reason == AXV_EXIT_HYPERCALL;
}

GUEST_CODE(code_wait, 64,
	EACH(LOAD_XMM) LOAD_CONTROL
	"movl $1, (%rdx)\n"
	"1: cmpl $0, (%rcx)\n"
	"je 1b\n"
	EACH(STORE_XMM) STORE_CONTROL
	HYPERCALL);

TEST_F(isolation, signal_handlers)
{
	struct sigaction sa = { .sa_handler = handler };
	volatile __u32 *flags = (__u32 *)(self->vm.ram + GUEST_DATA);
	struct vectors *in = IN_BLOCK(self, 0), *out = OUT_BLOCK(self, 0);
	struct axv_vcpu *v = &self->v[0];
	unsigned long n = scaled(50);
	struct axv_runner r;

	ASSERT_EQ(0, sigaction(SIGUSR1, &sa, NULL));
	x86_begin_long(v, code_wait, FLAG_IF);
	*x86_gpr(v, AXV_X86_RDI) = BLOCK;
	*x86_gpr(v, AXV_X86_RSI) = BLOCK + BLOCK_SIZE;
	*x86_gpr(v, AXV_X86_RDX) = GUEST_DATA;
	*x86_gpr(v, AXV_X86_RCX) = GUEST_DATA + 4;
	fill(in, 0x33, 16, 0x5f80, 0x0c7f);
	ASSERT_EQ(0, vcpu_unbind(v));
	runner_start(&r, v, until_call, NULL);
	while (!flags[0])
		sched_yield();
	/* A signal between two runs ends no run, so send some more. */
	while (r.exits[AXV_EXIT_NOTHING] < n) {
		handled = 0;
		ASSERT_EQ(0, pthread_kill(r.thread, SIGUSR1));
		while (!handled)
			sched_yield();
	}
	flags[1] = 1;
	runner_join(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(0, memcmp(in, out, sizeof(*in)));
}

TEST_F(isolation, system_calls_of_the_host)
{
	unsigned long n = scaled(200), i;
	pid_t pid = getpid();
	struct timespec a, b;
	unsigned int cpu;

	/* Use SYSCALL, the vDSO, and functions that need the thread pointer. */
	guest_start(&self->v[0], GUEST_CALL, 0, 0, 0);
	ASSERT_EQ(0, clock_gettime(CLOCK_MONOTONIC, &a));
	for (i = 0; i < n; i++) {
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v[0]);
		ASSERT_EQ(pid, (pid_t)syscall(SYS_getpid));
		ASSERT_EQ(-1, close(-1));
		ASSERT_EQ(EBADF, errno);
		ASSERT_EQ(0, getcpu(&cpu, NULL));
		ASSERT_GT((unsigned int)sysconf(_SC_NPROCESSORS_CONF), cpu);
		ASSERT_EQ(0, clock_gettime(CLOCK_MONOTONIC, &b));
		ASSERT_TRUE(b.tv_sec > a.tv_sec ||
			    (b.tv_sec == a.tv_sec && b.tv_nsec >= a.tv_nsec));
		a = b;
	}
}

GUEST_CODE(code_scramble, 64,
	"mov $0xdead, %eax\n"
	"mov $0xdead, %ebx\n"
	"mov $0xdead, %ecx\n"
	"mov $0xdead, %edx\n"
	"mov $0xdead, %esi\n"
	"mov $0xdead, %edi\n"
	"mov $0xdead, %ebp\n"
	"mov $0xdead, %r8d\n"
	"mov $0xdead, %r9d\n"
	"mov $0xdead, %r10d\n"
	"mov $0xdead, %r12d\n"
	"mov $0xdead, %r13d\n"
	"mov $0xdead, %r14d\n"
	"mov $0xdead, %r15d\n"
	"std\n"
	"fninit\n"
	"mov %cr0, %rax\n"
	"or $8, %rax\n"			/* TS: the next use of the FPU would fault */
	"mov %rax, %cr0\n"
	"cli\n"
	"out %al, $0x10\n");

TEST_F(isolation, flags_and_control_registers)
{
	unsigned long n = scaled(50), i;
	unsigned long flags;
	double d = 1;

	x86_load(&self->vm, code_scramble);
	for (i = 0; i < n; i++) {
		x86_start_long(&self->v[0], GUEST_CODE_ADDR);
		ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v[0]);
		asm volatile("pushf\n\tpop %0" : "=r" (flags));
		ASSERT_EQ(0ul, flags & 1 << 10);
		ASSERT_NE(0ul, flags & FLAG_IF);
		d = d * 1.0001 + 1;
	}
	EXPECT_NE(0ull, self->v[0].run->regs.gprs.rflags & 1 << 10);
	EXPECT_NE(0ull, self->v[0].run->regs.sregs.cr0 & CR0_TS);
	EXPECT_TRUE(d > n);
}

TEST_HARNESS_MAIN
