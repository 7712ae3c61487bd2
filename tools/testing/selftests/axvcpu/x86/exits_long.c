// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of exits that are different in 64-bit mode, or exist only there.
 */
#define BITS	64
#include "modes.h"

/* ---- user level ---- */

#define TO_USER								\
	"pushq $0x2b\n"							\
	"pushq $0x9000\n"						\
	"pushq $2\n"							\
	"pushq $0x33\n"

GUEST_CODE(code_user_call, 64,
	TO_USER
	"pushq $(code_user_call_user - code_user_call + " GUEST_CODE_TEXT ")\n"
	"iretq\n"
	"code_user_call_user:\n"
	HYPERCALL
	"1: jmp 1b\n"
	"code_user_call_ud:\n"
	"mov $6, %eax\n"
	"mov (%rsp), %rbx\n"
	HYPERCALL);
GUEST_LABEL(code_user_call_user);
GUEST_LABEL(code_user_call_ud);

TEST_F(exits, hypercall_from_user_level)
{
	struct axv_run *run = self->v.run;

	BEGIN(self, code_user_call);
	x86_gate(&self->vm, VEC_UD, GUEST_ADDR(code_user_call, code_user_call_ud));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(6ull, run->exit.hypercall.nr);
	EXPECT_EQ(GUEST_ADDR(code_user_call, code_user_call_user), run->exit.hypercall.args[0]);
}

GUEST_CODE(code_user_mmio, 64,
	TO_USER
	"pushq $(code_user_mmio_user - code_user_mmio + " GUEST_CODE_TEXT ")\n"
	"iretq\n"
	"code_user_mmio_user:\n"
	"mov %ebx, 0xd0000\n"
	"hlt\n"
	"code_user_mmio_gp:\n"
	"mov $13, %eax\n"
	"pop %rbx\n"
	HYPERCALL);
GUEST_LABEL(code_user_mmio_user);
GUEST_LABEL(code_user_mmio_gp);

TEST_F(exits, mmio_and_halt_from_user_level)
{
	/* User mode may access memory that the page tables allow; HLT is #GP there. */
	BEGIN(self, code_user_mmio);
	x86_gate(&self->vm, VEC_GP, GUEST_ADDR(code_user_mmio, code_user_mmio_gp));
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(3, self->v.run->regs.sregs.seg[AXV_X86_CS].selector & 3);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(13ull, self->v.run->exit.hypercall.nr);
}

/* ---- 64-bit moves ---- */

GUEST_CODE(code_mmio64, 64,
	"mov %rax, (%rdi)\n"
	"mov %r15, 8(%rdi)\n"
	"mov %r9b, (%rdi)\n"
	"mov %sil, (%rdi)\n"
	"movq $-2, (%rdi)\n"
	"mov %rax, 0x100(%rdi,%r12,8)\n"
	"movabs %rax, 0xd0010\n"
	"mov %eax, 0xd0000(%rip)\n"
	HYPERCALL);

TEST_F(exits, mmio_write_64)
{
	static const struct {
		__u16 offset;
		__u8 width;
		__u64 data;
	} t[] = {
		{ 0, 8, 0x1122334455667788 }, { 8, 8, 0xf0f1f2f3f4f5f6f7 }, { 0, 1, 0x99 },
		{ 0, 1, 0xe0 }, { 0, 8, -2ull }, { 0x118, 8, 0x1122334455667788 },
		{ 0x10, 8, 0x1122334455667788 },
	};
	struct axv_run *run = self->v.run;
	unsigned int i;

	BEGIN(self, code_mmio64);
	*x86_gpr(&self->v, AXV_X86_RDI) = GUEST_HOLE;
	*x86_gpr(&self->v, AXV_X86_RAX) = 0x1122334455667788;
	*x86_gpr(&self->v, AXV_X86_R15) = 0xf0f1f2f3f4f5f6f7;
	*x86_gpr(&self->v, AXV_X86_R9) = 0x99;
	*x86_gpr(&self->v, AXV_X86_RSI) = 0xabe0;
	*x86_gpr(&self->v, AXV_X86_R12) = 3;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v) { TH_LOG("access %u", i); }
		EXPECT_EQ(GUEST_HOLE + t[i].offset, run->exit.mmio.addr);
		EXPECT_EQ(t[i].width, run->exit.mmio.width);
		EXPECT_EQ(t[i].data, run->exit.mmio.data);
	}
	/* An address relative to the instruction pointer, somewhere in the hole. */
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(run->ip + *(__s32 *)(self->vm.ram + run->ip - 4), run->exit.mmio.addr);
	EXPECT_LE(GUEST_RAM_SIZE, run->exit.mmio.addr);
	EXPECT_EQ(4, run->exit.mmio.width);
	EXPECT_EQ(0x55667788ull, run->exit.mmio.data);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
}

GUEST_CODE(code_mmio64_read, 64,
	"mov (%rdi), %r8\n"
	"mov 8(%rdi), %r14d\n"
	"movslq 4(%rdi), %r15\n"
	"movsbq (%rdi), %r13\n"
	"movzwl (%rdi), %r12d\n"
	"movzbq (%rdi), %r11\n"
	"mov (%rdi), %r10b\n"
	"mov (%rdi), %sil\n"
	HYPERCALL);

TEST_F(exits, mmio_read_64)
{
	static const struct {
		__u8 offset, width, is_signed, reg_width, reg;
		__u64 result;
	} t[] = {
		{ 0, 8, 0, 8, AXV_X86_R8, 0x91929394f5f6f7f8 },
		{ 8, 4, 0, 4, AXV_X86_R14, 0xf5f6f7f8 },
		{ 4, 4, 1, 8, AXV_X86_R15, 0xfffffffff5f6f7f8 },
		{ 0, 1, 1, 8, AXV_X86_R13, 0xfffffffffffffff8 },
		{ 0, 2, 0, 4, AXV_X86_R12, 0xf7f8 },
		{ 0, 1, 0, 8, AXV_X86_R11, 0xf8 },
		{ 0, 1, 0, 1, AXV_X86_R10, 0x11111111111111f8 },
		{ 0, 1, 0, 1, AXV_X86_RSI, 0x11111111111111f8 },
	};
	struct axv_run *run = self->v.run;
	unsigned int i;

	BEGIN(self, code_mmio64_read);
	for (i = 0; i < 16; i++)
		if (i != AXV_X86_RSP)
			*x86_gpr(&self->v, i) = 0x1111111111111111;
	*x86_gpr(&self->v, AXV_X86_RDI) = GUEST_HOLE;
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v) { TH_LOG("access %u", i); }
		EXPECT_EQ(GUEST_HOLE + t[i].offset, run->exit.mmio.addr);
		EXPECT_EQ(t[i].width, run->exit.mmio.width);
		EXPECT_EQ(t[i].is_signed, run->exit.mmio.signed_ext);
		EXPECT_EQ(t[i].reg, run->exit.mmio.reg);
		EXPECT_EQ(t[i].reg_width, run->exit.mmio.reg_width);
		run->exit.mmio.data = 0x91929394f5f6f7f8;
	}
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		EXPECT_EQ(t[i].result, *x86_gpr(&self->v, t[i].reg)) {
			TH_LOG("access %u", i);
		}
	}
}

GUEST_CODE(code_movsq, 64, "rep movsq\n" HYPERCALL);

TEST_F(exits, mmio_movs_64)
{
	struct axv_run *run = self->v.run;
	__u64 *data = (__u64 *)(self->vm.ram + DATA);

	BEGIN(self, code_movsq);
	hole_in_es(&self->v);
	data[0] = 0x0123456789abcdef;
	*x86_gpr(&self->v, AXV_X86_RCX) = 1;
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(8, run->exit.mmio.width);
	EXPECT_EQ(data[0], run->exit.mmio.data);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
}

GUEST_CODE(code_fs_gs, 64,
	"mov %eax, %fs:(%rdi)\n"
	"mov %eax, %gs:(%rdi)\n"
	"addr32 mov %eax, (%edi)\n"
	HYPERCALL);

TEST_F(exits, mmio_through_fs_and_gs)
{
	struct axv_run *run = self->v.run;

	BEGIN(self, code_fs_gs);
	run->regs.sregs.seg[AXV_X86_FS].base = 0x100;
	run->regs.sregs.seg[AXV_X86_GS].base = 0x200;
	*x86_gpr(&self->v, AXV_X86_RDI) = GUEST_HOLE;
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(GUEST_HOLE + 0x100, run->exit.mmio.addr);
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(GUEST_HOLE + 0x200, run->exit.mmio.addr);
	/* With 32-bit addressing the upper half of RDI is ignored. */
	*x86_gpr(&self->v, AXV_X86_RDI) |= 0xffffull << 32;
	x86_touch_gprs(&self->v);
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(GUEST_HOLE, run->exit.mmio.addr);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
}

/* ---- an instruction across two pages, and page tables ---- */

TEST_F(exits, instruction_across_pages)
{
	static const __u8 code[] = {
		0x48, 0x89, 0x87, 0x78, 0x56, 0x00, 0x00,	/* mov %rax, 0x5678(%rdi) */
		0x0f, 0x01, 0xd9,
	};
	struct axv_run *run = self->v.run;
	unsigned int i;

	for (i = 1; i < 7; i++) {
		__u64 ip = 2 * PAGE - i;

		x86_load_at(&self->vm, ip, code, code + sizeof(code));
		x86_start(&self->v, ip);
		*x86_gpr(&self->v, AXV_X86_RDI) = GUEST_HOLE;
		*x86_gpr(&self->v, AXV_X86_RAX) = i;
		ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
		EXPECT_EQ(GUEST_HOLE + 0x5678, run->exit.mmio.addr);
		EXPECT_EQ((__u64)i, run->exit.mmio.data);
		EXPECT_EQ(ip + 7, run->ip);
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	}
}

GUEST_CODE(code_high, 64,
	"mov 0x800000, %rbx\n"
	HYPERCALL);

TEST_F(exits, page_tables_in_a_hole)
{
	__u64 *pd = (__u64 *)(self->vm.ram + GUEST_PD);
	const struct axv_exit_fault *f = &self->v.run->exit.fault;
	__u64 *pt = mem_new(PAGE);

	BEGIN(self, code_high);
	pd[4] = GUEST_HOLE | PTE_P | PTE_W;
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
	EXPECT_EQ(GUEST_HOLE, f->addr);
	EXPECT_EQ((__u32)AXV_FAULT_NO_REGION, f->cause);
	EXPECT_NE(0u, f->access & AXV_ACCESS_PAGE_TABLE);
	/* If a page table is put there, the access succeeds. */
	pt[0] = DATA | PTE_P | PTE_W;
	*(__u64 *)(self->vm.ram + DATA) = 0x1357;
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_HOLE, PAGE, pt));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x1357ull, self->v.run->exit.hypercall.args[0]);
}

TEST_F(exits, page_tables_in_a_readonly_region)
{
	__u64 *pd = (__u64 *)(self->vm.ram + GUEST_PD);
	struct axv_run *run = self->v.run;
	__u64 *pt = mem_new(PAGE);

	/* The processor would have to set the accessed bit in a read-only table. */
	BEGIN(self, code_high);
	pt[0] = DATA | PTE_P | PTE_W;
	pd[4] = GUEST_HOLE | PTE_P | PTE_W;
	ASSERT_EQ(0, vm_region(&self->vm, 1, AXV_REGION_READONLY, GUEST_HOLE, PAGE, pt));
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
	EXPECT_EQ(GUEST_HOLE, run->exit.fault.addr);
	EXPECT_EQ((__u32)AXV_FAULT_READONLY, run->exit.fault.cause);
	EXPECT_NE(0u, run->exit.fault.access & AXV_ACCESS_PAGE_TABLE);
	EXPECT_NE(0u, run->exit.fault.access & AXV_ACCESS_WRITE);
	EXPECT_EQ(DATA | PTE_P | PTE_W, pt[0]);
}

GUEST_CODE(code_pf, 64,
	"mov %rax, 0x20008\n"
	HYPERCALL
	"code_pf_handler:\n"
	"pop %rcx\n"
	"mov %cr2, %rbx\n"
	"mov $14, %eax\n"
	HYPERCALL);
GUEST_LABEL(code_pf_handler);

TEST_F(exits, page_fault)
{
	struct axv_run *run = self->v.run;

	*x86_pte(&self->vm, 0x20000) &= ~PTE_W;
	BEGIN(self, code_pf);
	run->regs.sregs.cr0 |= CR0_WP;
	x86_gate(&self->vm, VEC_PF, GUEST_ADDR(code_pf, code_pf_handler));
	ASSERT_EQ(0, exit_on(&self->v, 1u << VEC_PF));
	ASSERT_EXIT(AXV_EXIT_EXCEPTION, &self->v);
	EXPECT_EQ((__u32)VEC_PF, run->exit.exception.vector);
	EXPECT_EQ(0x20008ull, run->exit.exception.address);
	EXPECT_EQ(3u, run->exit.exception.error_code);
	EXPECT_EQ(GUEST_CODE_ADDR, run->ip);
	ASSERT_EQ(0, exit_on(&self->v, 0));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(14ull, run->exit.hypercall.nr);
	EXPECT_EQ(0x20008ull, run->exit.hypercall.args[0]);
	EXPECT_EQ(3ull, run->exit.hypercall.args[1]);
}

/* ---- compatibility mode ---- */

GUEST_CODE(code_compat, 64,
	"pushq $0x18\n"
	"pushq $(code_compat_32 - code_compat + " GUEST_CODE_TEXT ")\n"
	"lretq\n"
	".code32\n"
	"code_compat_32:\n"
	"mov $0x32, %eax\n"
	"out %eax, $0x10\n"
	"movl $0x5678, 0xd0004\n"
	"mov 0xd0008, %ebx\n"
	HYPERCALL
	"ljmp $0x20, $(code_compat_16 - code_compat + " GUEST_CODE_TEXT ")\n"
	".code16\n"
	"code_compat_16:\n"
	"mov $0x50, %ax\n"
	"mov %ax, %ds\n"
	"mov $0x16, %ax\n"
	"out %ax, $0x10\n"
	"mov %ax, 0x6000\n"
	"ljmpl $0x08, $(code_compat_64 - code_compat + " GUEST_CODE_TEXT ")\n"
	".code64\n"
	"code_compat_64:\n"
	"mov $0x1122334455667788, %rax\n"
	HYPERCALL);

TEST_F(exits, compatibility_mode)
{
	struct axv_run *run = self->v.run;

	BEGIN(self, code_compat);
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	EXPECT_EQ(4, run->exit.io.width);
	EXPECT_EQ(0x32ull, run->exit.io.data);
	EXPECT_EQ(0, run->regs.sregs.seg[AXV_X86_CS].attr & AXV_X86_ATTR_L);
	EXPECT_NE(0, run->regs.sregs.seg[AXV_X86_CS].attr & AXV_X86_ATTR_DB);
	EXPECT_EQ(2, run->insn_len);
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(GUEST_HOLE + 4, run->exit.mmio.addr);
	EXPECT_EQ(4, run->exit.mmio.width);
	EXPECT_EQ(0x5678ull, run->exit.mmio.data);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	EXPECT_EQ(GUEST_HOLE + 8, run->exit.mmio.addr);
	run->exit.mmio.data = 0x9abc;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x9abcull, run->exit.hypercall.args[0]);
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	EXPECT_EQ(2, run->exit.io.width);
	EXPECT_EQ(0x16ull, run->exit.io.data);
	EXPECT_EQ(0, run->regs.sregs.seg[AXV_X86_CS].attr & AXV_X86_ATTR_DB);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x1122334455667788ull, run->exit.hypercall.nr);
	EXPECT_EQ(0x16, *(__u16 *)(self->vm.ram + DATA));
}

/* ---- from real mode to 64-bit mode, as a boot loader does ---- */

GUEST_CODE(code_boot, 16,
	"cli\n"
	"out %al, $0x16\n"
	"lgdtl code_boot_gdtr - code_boot + " GUEST_CODE_TEXT "\n"
	"mov %cr0, %eax\n"
	"or $1, %eax\n"
	"mov %eax, %cr0\n"
	"ljmpl $0x18, $(code_boot_32 - code_boot + " GUEST_CODE_TEXT ")\n"
	"code_boot_gdtr:\n"
	".word 0x5f\n"
	".long 0x94000\n"
	".code32\n"
	"code_boot_32:\n"
	"mov $0x10, %eax\n"
	"mov %eax, %ds\n"
	"mov %eax, %es\n"
	"mov %eax, %ss\n"
	"mov $0x8000, %esp\n"
	"out %al, $0x32\n"
	"mov %cr4, %eax\n"
	"or $0x20, %eax\n"
	"mov %eax, %cr4\n"
	"mov $0x90000, %eax\n"
	"mov %eax, %cr3\n"
	"mov $0xc0000080, %ecx\n"
	"rdmsr\n"
	"or $0x100, %eax\n"
	"wrmsr\n"
	"mov %cr0, %eax\n"
	"or $0x80000000, %eax\n"
	"mov %eax, %cr0\n"
	"ljmp $0x08, $(code_boot_64 - code_boot + " GUEST_CODE_TEXT ")\n"
	".code64\n"
	"code_boot_64:\n"
	"out %al, $0x64\n"
	"mov $0xc0000080, %ecx\n"
	"rdmsr\n"
	"mov $0x123456789a, %rbx\n"
	HYPERCALL);

TEST_F(exits, from_real_to_long_mode)
{
	static const __u8 ports[] = { 0x16, 0x32, 0x64 };
	struct axv_run *run = self->v.run;
	unsigned int i;

	x86_load(&self->vm, code_boot);
	ASSERT_EQ(0, vcpu_reset(&self->v));
	ASSERT_EQ(0, vcpu_setup(&self->v, GUEST_CODE_ADDR, AXV_X86_MODE_REAL));
	ASSERT_EQ(0, vcpu_bind(&self->v));
	run->dirty = 0;
	run->want = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	for (i = 0; i < ARRAY_SIZE(ports); i++) {
		ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v) { TH_LOG("stage %u", i); }
		ASSERT_EQ(ports[i], run->exit.io.port);
	}
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x123456789aull, run->exit.hypercall.args[0]);
	/* The guest does not see bits of EFER that only the host uses. */
	EXPECT_EQ(EFER_LME | EFER_LMA, run->exit.hypercall.nr);
	EXPECT_EQ(EFER_LME | EFER_LMA, run->regs.sregs.efer);
	EXPECT_NE(0, run->regs.sregs.seg[AXV_X86_CS].attr & AXV_X86_ATTR_L);
}

/* ---- what the hardware refuses ---- */

GUEST_CODE(code_call, 64, HYPERCALL);

TEST_F(exits, illegal_state)
{
	struct axv_run *run = self->v.run;
	int ret;

	/*
	 * A code segment with both L and D is refused, either when it is set, which
	 * changes nothing, or by the hardware at entry, which is an exit.
	 */
	BEGIN(self, code_call);
	run->regs.sregs.seg[AXV_X86_CS].attr |= AXV_X86_ATTR_DB;
	ret = vcpu_run(&self->v);
	if (ret == AXV_EXIT_FAIL_ENTRY) {
		EXPECT_NE(0ull, run->exit.fail_entry.hardware_reason);
		EXPECT_GT((__u32)sysconf(_SC_NPROCESSORS_CONF), run->exit.fail_entry.cpu);
	} else {
		EXPECT_EQ(-EINVAL, ret);
	}
	EXPECT_EQ(AXV_STATE_READY, vcpu_state(&self->v));
	BEGIN(self, code_call);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
}

TEST_F(exits, refused_and_mended)
{
	struct axv_run *run = self->v.run;
	int ret;

	/* An LDTR that is no LDT, at the first entry: VMX refuses it, SVM does not check. */
	BEGIN(self, code_call);
	run->regs.sregs.seg[AXV_X86_LDTR].attr = 0x83;
	ret = vcpu_run(&self->v);
	EXPECT_TRUE(ret == AXV_EXIT_HYPERCALL ||
		    (ret == AXV_EXIT_FAIL_ENTRY && run->exit.fail_entry.hardware_reason));
	BEGIN(self, code_call);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
}

/* ---- a feature of the host that the guest must not have ---- */

GUEST_CODE(code_svm, 64,
	"mov $0x90000, %eax\n"
	"vmsave\n"
	"1: jmp 1b\n"
	"code_svm_2:\n"
	"vmrun\n"
	"1: jmp 1b\n"
	"code_svm_3:\n"
	"stgi\n"
	"1: jmp 1b\n"
	"code_svm_4:\n"
	"invlpga\n"
	"1: jmp 1b\n"
	"code_svm_5:\n"
	"monitor\n"
	"1: jmp 1b\n"
	"code_svm_6:\n"
	"mwait\n"
	"1: jmp 1b\n"
	"code_svm_7:\n"
	"skinit\n"
	"1: jmp 1b\n"
	"code_svm_ud:\n"
	"mov $6, %eax\n"
	HYPERCALL);
GUEST_LABEL(code_svm_2);
GUEST_LABEL(code_svm_3);
GUEST_LABEL(code_svm_4);
GUEST_LABEL(code_svm_5);
GUEST_LABEL(code_svm_6);
GUEST_LABEL(code_svm_7);
GUEST_LABEL(code_svm_ud);

TEST_F(exits, host_instructions_are_undefined)
{
	const __u8 *where[] = {
		code_svm, code_svm_2, code_svm_3, code_svm_4, code_svm_5, code_svm_6, code_svm_7,
	};
	unsigned int i;

	BEGIN(self, code_svm);
	x86_gate(&self->vm, VEC_UD, GUEST_ADDR(code_svm, code_svm_ud));
	for (i = 0; i < ARRAY_SIZE(where); i++) {
		x86_start(&self->v, GUEST_ADDR(code_svm, where[i]));
		*x86_gpr(&self->v, AXV_X86_RAX) = 0x90000;
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v) { TH_LOG("instruction %u", i); }
		EXPECT_EQ(6ull, self->v.run->exit.hypercall.nr) TH_LOG("instruction %u", i);
	}
}

/* ---- a store by the kernel, while the region's memory changes ---- */

static int until_hypercall(struct axv_runner *r)
{
	return r->exits[AXV_EXIT_HYPERCALL] != 0;
}

GUEST_CODE(code_movsl, 64, "movsl\n" HYPERCALL);

TEST_F(exits, mmio_string_read_while_its_region_moves)
{
	__u32 *old = mem_new(2 * PAGE), *new = old + PAGE / sizeof(*old);
	int uffd = uffd_new(old, PAGE);
	struct axv_runner r;

	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_MEM, PAGE, old));
	BEGIN(self, code_movsl);
	*x86_gpr(&self->v, AXV_X86_RSI) = GUEST_HOLE;
	*x86_gpr(&self->v, AXV_X86_RDI) = GUEST_MEM;
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	self->v.run->exit.mmio.data = 0x12345678;
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	runner_start(&r, &self->v, until_hypercall, NULL);
	/* While the store waits for its page, the region gets other memory. */
	uffd_await(uffd, old);
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_MEM, PAGE, new));
	/* From now on the guest must not change the old memory. */
	uffd_supply(uffd, old, 0);
	runner_join(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(0u, *old);
	EXPECT_EQ(0x12345678u, *new);
	close(uffd);
}

TEST_F(exits, signal_while_mmio_string_read_waits)
{
	__u32 *mem = mem_new(PAGE);
	atomic_int sent = 0;
	struct axv_runner r;
	int uffd;

	if (!uffd_waits_interruptibly())
		SKIP(return, NO_INTERRUPTIBLE);
	uffd = uffd_new(mem, PAGE);
	catch_signal(SIGUSR1);
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_MEM, PAGE, mem));
	BEGIN(self, code_movsl);
	*x86_gpr(&self->v, AXV_X86_RSI) = GUEST_HOLE;
	*x86_gpr(&self->v, AXV_X86_RDI) = GUEST_MEM;
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	self->v.run->exit.mmio.data = 0x12345678;
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	/* The store waits for the page; the run ends, and the page is still missing. */
	runner_start(&r, &self->v, until_told, &sent);
	uffd_await(uffd, mem);
	sent = 1;
	ASSERT_EQ(0, pthread_kill(r.thread, SIGUSR1));
	runner_join(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(AXV_EXIT_NOTHING, self->v.run->exit_reason);

	/* The kernel has kept the device's answer, which is not read again. */
	self->v.run->exit.mmio.data = 0;
	uffd_supply(uffd, mem, 0);
	ASSERT_EQ(0, vcpu_bind(&self->v));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x12345678u, *mem);
	close(uffd);
}

TEST_HARNESS_MAIN
