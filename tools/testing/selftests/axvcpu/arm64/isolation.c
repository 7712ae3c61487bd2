// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of registers for which host and guests share the hardware, and of memory at the same
 * guest physical address in different VMs: each has its own, and finds it as it left it.
 */
#include <asm/hwcap.h>
#include <linux/kvm.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/prctl.h>

#include "axv_harness.h"
#include "arm64.h"

#define BLOCK		0x50000ul	/* for each guest a block to load, and one to store to */
#define BLOCK_SIZE	0x1000ul

/* The vector state in a block: Q0 to Q31, FPSR, FPCR. */
struct vectors {
	__u8 q[32][16];
	__u64 fpsr;
	__u64 fpcr;
} __attribute__((aligned(16)));

#define PAIRS(op, base)						\
	op " q0, q1, [" base ", #0]\n" op " q2, q3, [" base ", #32]\n"	\
	op " q4, q5, [" base ", #64]\n" op " q6, q7, [" base ", #96]\n"	\
	op " q8, q9, [" base ", #128]\n" op " q10, q11, [" base ", #160]\n"	\
	op " q12, q13, [" base ", #192]\n" op " q14, q15, [" base ", #224]\n"	\
	op " q16, q17, [" base ", #256]\n" op " q18, q19, [" base ", #288]\n"	\
	op " q20, q21, [" base ", #320]\n" op " q22, q23, [" base ", #352]\n"	\
	op " q24, q25, [" base ", #384]\n" op " q26, q27, [" base ", #416]\n"	\
	op " q28, q29, [" base ", #448]\n" op " q30, q31, [" base ", #480]\n"
#define LOAD(base, tmp)						\
	PAIRS("ldp", base)					\
	"ldr " tmp ", [" base ", #512]\n" "msr fpsr, " tmp "\n"	\
	"ldr " tmp ", [" base ", #520]\n" "msr fpcr, " tmp "\n"
#define STORE(base, tmp)					\
	PAIRS("stp", base)					\
	"mrs " tmp ", fpsr\n" "str " tmp ", [" base ", #512]\n"	\
	"mrs " tmp ", fpcr\n" "str " tmp ", [" base ", #520]\n"

/* For ever: loads the registers from X20, calls, stores them at X21, and calls. */
GUEST_CODE(code_vectors,
	"1:\n"
	LOAD("x20", "x9")
	"hvc	#0\n"
	STORE("x21", "x9")
	"hvc	#0\n"
	"b	1b\n");

static void fill(struct vectors *v, __u8 seed, __u64 fpsr, __u64 fpcr)
{
	int i, k;

	for (i = 0; i < 32; i++)
		for (k = 0; k < 16; k++)
			v->q[i][k] = seed + i * 16 + k;
	v->fpsr = fpsr;
	v->fpcr = fpcr;
}

/*
 * Load the host's vector registers from @in, run the vCPU, and store the registers to @out; in
 * assembly, so that the compiler does not use them meanwhile.  X19 to X28 have known numbers
 * during the run.  Returns the result of the system call, or -1 if one of these numbers or
 * TPIDR_EL0, which is the C library's, has changed.
 */
long run_between(long fd, long cmd, const struct vectors *in, struct vectors *out);

asm(".text\n"
    ".type run_between, %function\n"
    "run_between:\n"
    "stp	x29, x30, [sp, #-176]!\n"
    "stp	x19, x20, [sp, #16]\n"
    "stp	x21, x22, [sp, #32]\n"
    "stp	x23, x24, [sp, #48]\n"
    "stp	x25, x26, [sp, #64]\n"
    "stp	x27, x28, [sp, #80]\n"
    "stp	d8, d9, [sp, #96]\n"
    "stp	d10, d11, [sp, #112]\n"
    "stp	d12, d13, [sp, #128]\n"
    "stp	d14, d15, [sp, #144]\n"
    "mrs	x9, tpidr_el0\n"
    "stp	x3, x9, [sp, #160]\n"
    LOAD("x2", "x9")
    "mov	x19, #19\n" "mov x20, #20\n" "mov x21, #21\n" "mov x22, #22\n"
    "mov	x23, #23\n" "mov x24, #24\n" "mov x25, #25\n" "mov x26, #26\n"
    "mov	x27, #27\n" "mov x28, #28\n" "mov x29, #29\n" "mov x30, #30\n"
    "mov	x2, #0\n"
    "mov	x8, #29\n"		/* ioctl */
    "svc	#0\n"
    "add	x19, x19, x20, lsl #1\n"
    "add	x19, x19, x21, lsl #2\n"
    "add	x19, x19, x22, lsl #3\n"
    "add	x19, x19, x23, lsl #4\n"
    "add	x19, x19, x24, lsl #5\n"
    "add	x19, x19, x25, lsl #6\n"
    "add	x19, x19, x26, lsl #7\n"
    "add	x19, x19, x27, lsl #8\n"
    "add	x19, x19, x28, lsl #9\n"
    "add	x19, x19, x29, lsl #10\n"
    "add	x19, x19, x30, lsl #11\n"
    "ldp	x3, x10, [sp, #160]\n"
    STORE("x3", "x9")
    "mrs	x9, tpidr_el0\n"
    "cmp	x9, x10\n"
    "b.ne	1f\n"
    "ldr	x9, =118767\n"		/* the sum of n << (n - 19) */
    "cmp	x19, x9\n"
    "b.eq	2f\n"
    "1:	mov	x0, #-1\n"
    "2:	msr	fpsr, xzr\n"
    "msr	fpcr, xzr\n"
    "ldp	x19, x20, [sp, #16]\n"
    "ldp	x21, x22, [sp, #32]\n"
    "ldp	x23, x24, [sp, #48]\n"
    "ldp	x25, x26, [sp, #64]\n"
    "ldp	x27, x28, [sp, #80]\n"
    "ldp	d8, d9, [sp, #96]\n"
    "ldp	d10, d11, [sp, #112]\n"
    "ldp	d12, d13, [sp, #128]\n"
    "ldp	d14, d15, [sp, #144]\n"
    "ldp	x29, x30, [sp], #176\n"
    "ret\n"
    ".ltorg\n"
    ".size run_between, . - run_between\n");

FIXTURE(isolation) {
	struct axv_vm vm[2];
	struct axv_vcpu v[2];
};

FIXTURE_SETUP(isolation)
{
	int i;

	for (i = 0; i < 2; i++) {
		vm_new(&self->vm[i], 0);
		vcpu_ready(&self->vm[i], &self->v[i], 0);
	}
}

FIXTURE_TEARDOWN(isolation)
{
	int i;

	for (i = 0; i < 2; i++) {
		vcpu_free(&self->v[i]);
		vm_free(&self->vm[i]);
	}
}

#define CPACR_FPEN	(3ul << 20)
#define FPSR_QC		(1ul << 27)
#define FPCR_FZ		(1ul << 24)
#define FPCR_RMODE	(3ul << 22)

TEST_F(isolation, vectors)
{
	static const __u64 fpsr[] = { FPSR_QC | 1, 2 }, fpcr[] = { FPCR_FZ, FPCR_RMODE };
	unsigned long n = scaled(100), i;
	struct vectors host, out;
	unsigned int k;

	for (k = 0; k < 2; k++) {
		arm64_load(&self->vm[k], code_vectors);
		arm64_start(&self->v[k], GUEST_CODE_ADDR);
		self->v[k].run->regs.sregs.cpacr_el1 = CPACR_FPEN;
		*arm64_x(&self->v[k], 20) = BLOCK;
		*arm64_x(&self->v[k], 21) = BLOCK + BLOCK_SIZE;
	}
	for (i = 0; i < n; i++) {
		/* Both guests load, one after the other, and then both store. */
		for (k = 0; k < 4; k++) {
			struct axv_vcpu *now = &self->v[k % 2];

			if (k < 2)
				fill((void *)(now->vm->ram + BLOCK), 0x11 * (k + 1) + i,
				     fpsr[k], fpcr[k]);
			do {
				fill(&host, 0x80 + i + k, 4, 1ul << 22);
				memset(&out, 0, sizeof(out));
				ASSERT_EQ(0, run_between(now->fd, AXV_VCPU_RUN, &host, &out));
				ASSERT_EQ(0, memcmp(&host, &out, sizeof(host)));
			} while (now->run->exit_reason == AXV_EXIT_NOTHING);
			ASSERT_EQ((__u32)AXV_EXIT_HYPERCALL, now->run->exit_reason) {
				vcpu_dump(now);
			}
		}
		for (k = 0; k < 2; k++) {
			__u8 *ram = self->vm[k].ram;

			ASSERT_EQ(0, memcmp(ram + BLOCK, ram + BLOCK + BLOCK_SIZE,
					    sizeof(struct vectors))) { TH_LOG("guest %u", k); }
		}
	}
}

/* ---- SVE ------------------------------------------------------------------- */

/* Z0 to Z31, each of the vector length, and P0 to P15, each an eighth of it. */
#define MAX_VL		256u
#define SCALABLE	(32 * MAX_VL + 16 * MAX_VL / 8)

/* As run_between(), but with all registers of SVE, on processors that have SVE. */
long run_between_sve(long fd, long cmd, const __u8 *in, __u8 *out);

asm(".text\n"
    ".arch_extension sve\n"
    ".type run_between_sve, %function\n"
    "run_between_sve:\n"
    "stp	x29, x30, [sp, #-96]!\n"
    "stp	d8, d9, [sp, #16]\n"
    "stp	d10, d11, [sp, #32]\n"
    "stp	d12, d13, [sp, #48]\n"
    "stp	d14, d15, [sp, #64]\n"
    "str	x3, [sp, #80]\n"
    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31\n"
    "ldr	z\\n, [x2, #\\n, mul vl]\n"
    ".endr\n"
    "addvl	x9, x2, #31\n"
    "addvl	x9, x9, #1\n"
    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
    "ldr	p\\n, [x9, #\\n, mul vl]\n"
    ".endr\n"
    "mov	x2, #0\n"
    "mov	x8, #29\n"		/* ioctl */
    "svc	#0\n"
    "ldr	x3, [sp, #80]\n"
    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31\n"
    "str	z\\n, [x3, #\\n, mul vl]\n"
    ".endr\n"
    "addvl	x9, x3, #31\n"
    "addvl	x9, x9, #1\n"
    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
    "str	p\\n, [x9, #\\n, mul vl]\n"
    ".endr\n"
    "ldp	d8, d9, [sp, #16]\n"
    "ldp	d10, d11, [sp, #32]\n"
    "ldp	d12, d13, [sp, #48]\n"
    "ldp	d14, d15, [sp, #64]\n"
    "ldp	x29, x30, [sp], #96\n"
    "ret\n"
    ".size run_between_sve, . - run_between_sve\n");

/* Whether each byte is as before or zero: a system call may clear these registers. */
static bool kept_or_cleared(const __u8 *in, const __u8 *out, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		if (out[i] && out[i] != in[i])
			return false;
	return true;
}

/*
 * A host thread's Z and P registers after a run: the V part is as before; the rest is as before
 * or zero, and has nothing of the guest, whose writes of V clear the rest, or of others.
 */
TEST_F(isolation, scalable_vectors)
{
	static __u8 in[SCALABLE], out[SCALABLE];
	unsigned long n = scaled(100), i;
	unsigned int k, vl;
	struct axv_vcpu *v = &self->v[0];

	if (!(getauxval(AT_HWCAP) & HWCAP_SVE))
		SKIP(return, "no SVE");
	vl = prctl(PR_SVE_GET_VL) & PR_SVE_VL_LEN_MASK;
	ASSERT_LT(16u, vl);
	arm64_load(&self->vm[0], code_vectors);
	arm64_start(v, GUEST_CODE_ADDR);
	v->run->regs.sregs.cpacr_el1 = CPACR_FPEN;
	*arm64_x(v, 20) = BLOCK;
	*arm64_x(v, 21) = BLOCK + BLOCK_SIZE;
	for (i = 0; i < n; i++) {
		fill((void *)(self->vm[0].ram + BLOCK), 0x11 + i, 0, 0);
		for (k = 0; k < sizeof(in); k++)
			in[k] = 0x81 + 2 * k + i;
		ASSERT_EQ(0, run_between_sve(v->fd, AXV_VCPU_RUN, in, out));
		for (k = 0; k < 32; k++)
			ASSERT_EQ(0, memcmp(in + k * vl, out + k * vl, 16));
		ASSERT_TRUE(kept_or_cleared(in, out, 32 * vl + 16 * vl / 8));
		if (i % 10 == 0)
			sched_yield();
	}
}

/* ---- system registers ------------------------------------------------------- */

/*
 * Writes X20, X20 + 16 and so on to the registers, calls, and then tells by another call
 * which bits have changed meanwhile (X1: 0 if none).
 */
#define EACH_SYSREG(op)							\
	op("tpidr_el0") op("tpidrro_el0") op("tpidr_el1") op("contextidr_el1")	\
	op("esr_el1") op("far_el1") op("sp_el0") op("elr_el1") op("cntv_cval_el0")
#define WRITE_SYSREG(name)	"msr " name ", x9\n" "add x9, x9, #16\n"
#define CHECK_SYSREG(name)	"mrs x10, " name "\n"				\
				"sub x10, x10, x9\n" "orr x1, x1, x10\n" "add x9, x9, #16\n"

GUEST_CODE(code_sysregs,
	"1:	mov	x9, x20\n"
	EACH_SYSREG(WRITE_SYSREG)
	"mov	x0, #1\n"
	"hvc	#0\n"
	"mov	x9, x20\n"
	"mov	x1, #0\n"
	EACH_SYSREG(CHECK_SYSREG)
	"mov	x0, #2\n"
	"hvc	#0\n"
	"b	1b\n");

static __u64 host_tpidrro(void)
{
	__u64 value;

	asm volatile("mrs %0, tpidrro_el0" : "=r" (value));
	return value;
}

TEST_F(isolation, system_registers)
{
	unsigned long n = scaled(100), i;
	__u64 tpidrro = host_tpidrro();
	unsigned int k;

	for (k = 0; k < 2; k++) {
		arm64_load(&self->vm[k], code_sysregs);
		arm64_start(&self->v[k], GUEST_CODE_ADDR);
		/* A value of less than 32 bits, which each of these registers can hold */
		*arm64_x(&self->v[k], 20) = 0x1000000ul + k * 0x10000;
	}
	for (i = 0; i < n; i++) {
		for (k = 0; k < 4; k++) {
			struct axv_vcpu *now = &self->v[k % 2];

			ASSERT_EXIT(AXV_EXIT_HYPERCALL, now);
			ASSERT_EQ(1 + k / 2, now->run->exit.hypercall.nr);
			if (k >= 2)
				ASSERT_EQ(0, now->run->exit.hypercall.args[0]);
			ASSERT_EQ(tpidrro, host_tpidrro());
		}
	}
}

/* ---- memory ---------------------------------------------------------------- */

#define PAGES		16ul

static void start_reading(struct axv_vcpu *v, __u64 first)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++)
		*(__u64 *)(v->vm->ram + GUEST_DATA + i * PAGE) = first + i;
	guest_start(v, GUEST_READ, GUEST_DATA, PAGES, 0);
}

static __u64 sum_from(__u64 first)
{
	return PAGES * first + PAGES * (PAGES - 1) / 2;
}

#define ASSERT_SUM(first, v)							\
do {										\
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, v);					\
	ASSERT_EQ(sum_from(first), (v)->run->exit.hypercall.args[0]);		\
} while (0)

TEST_F(isolation, vms_on_one_cpu)
{
	unsigned long n = scaled(200), i;

	pin_to(0);
	start_reading(&self->v[0], 0x1000);
	start_reading(&self->v[1], 0x2000);
	for (i = 0; i < n; i++) {
		ASSERT_SUM(0x1000, &self->v[0]);
		ASSERT_SUM(0x2000, &self->v[1]);
	}
}

/* A VM moves to another CPU, where the other VM has run before. */
TEST_F(isolation, vms_that_move)
{
	unsigned long n = scaled(200), i;
	int other = second_cpu();

	start_reading(&self->v[0], 0x1000);
	start_reading(&self->v[1], 0x2000);
	for (i = 0; i < n; i++) {
		/* Without a second CPU both run on the first in turn. */
		pin_to(i & 1 && other > 0 ? other : 0);
		ASSERT_SUM(0x1000, &self->v[0]);
		if (i & 2)
			pin_to(i & 1 || other < 0 ? 0 : other);
		ASSERT_SUM(0x2000, &self->v[1]);
	}
}

/*
 * The page tables of two vCPUs of one VM map the same address to different places, with the
 * same ASID: neither vCPU may use the other's translations.
 */
#define VA		0x40000000ul
#define TABLES		0x60000ul
#define DATA(k)		(GUEST_DATA + (k) * PAGES * PAGE)

static void map_for(struct axv_vm *vm, int k)
{
	__u64 *level1 = (__u64 *)(vm->ram + TABLES + k * 3 * PAGE);
	__u64 *level2 = level1 + 512, *level3 = level2 + 512;
	__u64 at = TABLES + k * 3 * PAGE;
	unsigned int i;

	memset(level1, 0, 3 * PAGE);
	level1[0] = 0x701;		/* the first GiB, as in guest.c */
	level1[1] = (at + PAGE) | 3;
	level2[0] = (at + 2 * PAGE) | 3;
	/* The mappings are not global, so they have an ASID. */
	for (i = 0; i < PAGES; i++)
		level3[i] = (DATA(k) + i * PAGE) | 0xf03;
}

TEST(vcpus_of_a_vm)
{
	unsigned long n = scaled(200), i;
	struct axv_vcpu v[2];
	struct axv_vm vm;
	unsigned int k, p;

	vm_new(&vm, 0);
	pin_to(0);
	for (k = 0; k < 2; k++) {
		vcpu_ready(&vm, &v[k], k);
		map_for(&vm, k);
		for (p = 0; p < PAGES; p++)
			*(__u64 *)(vm.ram + DATA(k) + p * PAGE) = 0x1000 * (k + 1) + p;
		guest_start(&v[k], GUEST_READ, VA, PAGES, 0);
		v[k].run->regs.sregs.ttbr0_el1 = TABLES + k * 3 * PAGE;
	}
	for (i = 0; i < n; i++)
		for (k = 0; k < 2; k++)
			ASSERT_SUM(0x1000 * (k + 1), &v[k]);
	for (k = 0; k < 2; k++)
		vcpu_free(&v[k]);
	vm_free(&vm);
}

/* ---- beside KVM ---------------------------------------------------------------- */

#define KVM_CORE(field)	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE |	\
			 offsetof(struct kvm_regs, field) / sizeof(__u32))
#define KVM_X(n)	(KVM_CORE(regs) + 2 * (n))

/* Stores the sum of the first words of X21 pages from X20 on to the device at X22. */
GUEST_CODE(code_kvm,
	"1:	mov	x9, x20\n"
	"mov	x10, x21\n"
	"mov	x19, #0\n"
	"2:	ldr	x11, [x9]\n"
	"add	x19, x19, x11\n"
	"add	x9, x9, #4096\n"
	"subs	x10, x10, #1\n"
	"b.ne	2b\n"
	"str	x19, [x22]\n"
	"b	1b\n");

/* A guest of KVM; kvm_start() returns 0 if this kernel's KVM can have none. */
struct kvm_guest {
	int vm, vcpu;
	struct kvm_run *run;
	__u8 *ram;
};

static void kvm_set(struct kvm_guest *g, __u64 id, __u64 value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (unsigned long)&value };

	must(!ioctl(g->vcpu, KVM_SET_ONE_REG, &reg));
}

static int kvm_start(struct kvm_guest *g, __u64 first)
{
	struct kvm_userspace_memory_region region = { .memory_size = GUEST_RAM_SIZE };
	int dev = open("/dev/kvm", O_RDWR | O_CLOEXEC), size;
	struct kvm_vcpu_init init;
	unsigned int i;

	if (dev < 0)
		return 0;
	g->ram = mem_new(GUEST_RAM_SIZE);
	region.userspace_addr = (unsigned long)g->ram;
	must((g->vm = ioctl(dev, KVM_CREATE_VM, 0ul)) >= 0);
	must(!ioctl(g->vm, KVM_SET_USER_MEMORY_REGION, &region));
	must((g->vcpu = ioctl(g->vm, KVM_CREATE_VCPU, 0ul)) >= 0);
	must(!ioctl(g->vm, KVM_ARM_PREFERRED_TARGET, &init));
	must(!ioctl(g->vcpu, KVM_ARM_VCPU_INIT, &init));
	must((size = ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0ul)) > 0);
	g->run = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, g->vcpu, 0);
	must(g->run != MAP_FAILED);
	close(dev);

	memcpy(g->ram + GUEST_CODE_ADDR, code_kvm, code_kvm_end - code_kvm);
	for (i = 0; i < PAGES; i++)
		*(__u64 *)(g->ram + GUEST_DATA + i * PAGE) = first + i;
	kvm_set(g, KVM_CORE(regs.pc), GUEST_CODE_ADDR);
	kvm_set(g, KVM_X(20), GUEST_DATA);
	kvm_set(g, KVM_X(21), PAGES);
	kvm_set(g, KVM_X(22), GUEST_HOLE);
	return 1;
}

static __u64 kvm_sum(struct kvm_guest *g)
{
	__u64 sum;

	while (ioctl(g->vcpu, KVM_RUN, 0ul))
		must(errno == EINTR || errno == EAGAIN);
	must(g->run->exit_reason == KVM_EXIT_MMIO && g->run->mmio.is_write);
	memcpy(&sum, g->run->mmio.data, sizeof(sum));
	return sum;
}

/* One thread runs all three guests in turn, on one CPU, and changing between two. */
TEST_F(isolation, beside_a_guest_of_kvm)
{
	unsigned long n = scaled(200), i;
	int other = second_cpu();
	struct kvm_guest g;

	if (!kvm_start(&g, 0x7000))
		SKIP(return, "KVM has no guests in this kernel");
	start_reading(&self->v[0], 0x1000);
	start_reading(&self->v[1], 0x2000);
	for (i = 0; i < n; i++) {
		pin_to(i & 4 && other > 0 ? other : 0);
		ASSERT_SUM(0x1000, &self->v[0]);
		ASSERT_EQ(sum_from(0x7000), kvm_sum(&g));
		if (i & 1)
			ASSERT_SUM(0x2000, &self->v[1]);
	}
	close(g.vcpu);
	close(g.vm);
}

TEST_HARNESS_MAIN
