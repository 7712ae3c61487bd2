// SPDX-License-Identifier: GPL-2.0
/*
 * Tests that the module believes what the hardware told about an exit, not what guest
 * memory has afterwards; and that it finds the code and the tables that the processor used.
 *
 * No race is needed: the guest changes the page table entry of its code without INVLPG.
 * The processor runs the old page as long as that is in its TLB, while the module's walk
 * finds the new page.  An interrupt of the host may flush the TLB in between, so each test
 * does that several times.
 */
#include "axv_harness.h"
#include "x86.h"

#define TIMES		20
#define OLD_PAGE	0x50000ul	/* the page that the guest runs */
#define NEW_PAGE	0x51000ul	/* the page that its page table then leads to */
#define STUBS		0x9a000ul
#define VEC_CALL	0x50		/* user mode's INT for a hypercall */
#define PORT		"0x20"

/* RAX is the number of the call; 13 is #GP. */
GUEST_CODE(stubs, 64,
	"stubs_gp:\n"
	"mov $13, %eax\n"
	"stubs_call:\n"
	HYPERCALL
	"1: jmp 1b\n");
GUEST_LABEL(stubs_gp);
GUEST_LABEL(stubs_call);

FIXTURE_ONE_VCPU(told)
{
	vm_new(&self->vm, 0);
	vcpu_ready(&self->vm, &self->v, 0);
	x86_load_at(&self->vm, STUBS, stubs, stubs_end);
	x86_gate_long(&self->vm, VEC_GP, STUBS + (stubs_gp - stubs), 0);
	x86_gate_long(&self->vm, VEC_CALL, STUBS + (stubs_call - stubs), 3);
}

/* Runs the old page once, so that it is in the TLB; changes the entry; runs the page again. */
GUEST_CODE(code_swap, 64,
	"mov $0x50800, %ebx\n"
	"call *%rbx\n"
	"movb $0x10, 1(%rdi)\n"		/* bits 8 to 15 of the entry: 0x51000 */
	"mov $0x50000, %ebx\n"
	"jmp *%rbx\n");

GUEST_CODE(code_ret, 64, "ret\n");

static void start_user(struct axv_vcpu *v)
{
	struct axv_x86_sregs *s;

	x86_start_long(v, GUEST_CODE_ADDR);
	s = &v->run->regs.sregs;
	s->seg[AXV_X86_CS].selector = SEL_USER_CODE64;
	s->seg[AXV_X86_CS].attr = 0xafb;
	s->seg[AXV_X86_SS].selector = SEL_USER_DATA;
	s->seg[AXV_X86_SS].attr = 0xcf3;
	/* QEMU wants a TSS that is not busy. */
	s->seg[AXV_X86_TR].attr = 0x89;
	*x86_gpr(v, AXV_X86_RSP) = GUEST_USER_STACK;
}

/* Begin in user mode, with @old in the old page and @new in the new one. */
#define BEGIN(self, old, new) do {					\
	__u64 *pte = x86_pte(&(self)->vm, OLD_PAGE);			\
									\
	*pte = OLD_PAGE | PTE_P | PTE_W | PTE_U;			\
	x86_load(&(self)->vm, code_swap);				\
	x86_load_at(&(self)->vm, OLD_PAGE, old, old##_end);		\
	x86_load_at(&(self)->vm, OLD_PAGE + 0x800, code_ret, code_ret_end); \
	x86_load_at(&(self)->vm, NEW_PAGE, new, new##_end);		\
	start_user(&(self)->v);						\
	*x86_gpr(&(self)->v, AXV_X86_RDI) = (__u8 *)pte - (self)->vm.ram; \
} while (0)

/* On SVM, SMSW exits in any mode while CR0.CD is set. */
GUEST_CODE(old_smsw, 64,
	"mov $0xc0000031, %eax\n"	/* CR0 without WP */
	"smsw %ecx\n"
	"mov $1, %eax\n"
	"int $0x50\n");

GUEST_CODE(new_mov_cr0, 64,
	"mov $0xc0000031, %eax\n"
	"mov %rax, %cr0\n"
	"mov $2, %eax\n"
	"int $0x50\n");

TEST_F(told, user_mode_cannot_write_cr0)
{
	struct axv_run *run = self->v.run;
	__u64 cr0;
	int i;

	for (i = 0; i < TIMES; i++) {
		BEGIN(self, old_smsw, new_mov_cr0);
		run->regs.sregs.cr0 |= CR0_CD | CR0_WP;
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
		if (run->exit.hypercall.nr != 1)
			ASSERT_EQ(13ull, run->exit.hypercall.nr);
		ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(CR, 0), &cr0));
		ASSERT_NE(0ull, cr0 & CR0_WP);
	}
}

GUEST_CODE(old_outsb, 64,
	"mov $" PORT ", %edx\n"
	"mov $0x1000, %esi\n"
	"outsb\n"
	"mov $1, %eax\n"
	"int $0x50\n");

GUEST_CODE(new_outsl, 64,
	"mov $" PORT ", %edx\n"
	"mov $0x1000, %esi\n"
	"outsl\n"
	"mov $1, %eax\n"
	"int $0x50\n");

/* The I/O bitmap allows user mode one port of one byte. */
TEST_F(told, io_bitmap_holds_for_strings)
{
	__u8 *tss = self->vm.ram + GUEST_TSS;
	struct axv_run *run = self->v.run;
	int i, reason;

	memset(tss + 0x68, 0xff, 0x100);
	tss[0x68 + 0x20 / 8] &= ~1;
	*(__u16 *)(tss + 0x66) = 0x68;
	for (i = 0; i < TIMES; i++) {
		BEGIN(self, old_outsb, new_outsl);
		run->regs.sregs.seg[AXV_X86_TR].limit = 0x68 + 0x80;
		reason = vcpu_run(&self->v);
		if (reason == AXV_EXIT_IO_STRING) {
			/*
			 * The exit has the access that the processor checked, though the code may
			 * have changed.
			 */
			ASSERT_EQ(0x20, run->exit.io_string.port);
			ASSERT_EQ(1, run->exit.io_string.width);
			continue;
		}
		ASSERT_EQ((int)AXV_EXIT_HYPERCALL, reason);
		ASSERT_EQ(13ull, run->exit.hypercall.nr);
	}
}

/* ---- PAE tables: their topmost entries are registers on VMX ---- */

#define PAE_PDPT	0x9d000ul
#define PAE_PD		0x9e000ul

GUEST_CODE(code_pae, 32,
	"mov 0xd0000, %ebx\n"		/* a device */
	"out %al, $" PORT "\n"
	"mov %ebx, %eax\n"
	"code_pae_call:\n"
	HYPERCALL
	"1: jmp 1b\n");
GUEST_LABEL(code_pae_call);

/* The same, after the entry has been cleared in memory, without a MOV to CR3. */
GUEST_CODE(code_pae_stale, 32,
	"movl $0, 0x9d000\n"
	"mov 0xd0000, %ebx\n"
	"out %al, $" PORT "\n"
	"mov %ebx, %eax\n"
	HYPERCALL
	"1: jmp 1b\n");

static void start_pae(struct axv_vcpu *v, __u64 pdpte_bits)
{
	__u64 *pdpt = (void *)(v->vm->ram + PAE_PDPT);
	__u64 *pd = (void *)(v->vm->ram + PAE_PD);
	struct axv_x86_sregs *s;
	int i;

	for (i = 0; i < 512; i++)
		pd[i] = i * HUGE_PAGE | PTE_PS | PTE_P | PTE_W | PTE_U;
	pdpt[0] = PAE_PD | PTE_P | pdpte_bits;
	pdpt[1] = 0;
	pdpt[2] = 0;
	pdpt[3] = 0;
	x86_start_prot(v, GUEST_CODE_ADDR);
	s = &v->run->regs.sregs;
	s->cr3 = PAE_PDPT;
	s->cr4 |= CR4_PAE;
	s->cr0 |= CR0_PG;
}

static void read_and_out(struct __test_metadata *_metadata, struct axv_vcpu *v)
{
	struct axv_run *run = v->run;

	ASSERT_EXIT(AXV_EXIT_MMIO_READ, v);
	ASSERT_EQ(0xd0000ull, run->exit.mmio.addr);
	run->exit.mmio.data = 0x1234;
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, v);
	ASSERT_EQ(0x20, run->exit.io.port);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, v);
	ASSERT_EQ(0x1234ull, run->exit.hypercall.nr);
}

/* QEMU's walk sets the accessed bit even in the topmost entry, which has no such bit. */
TEST_F(told, pae_tables)
{
	x86_load(&self->vm, code_pae);
	start_pae(&self->v, 0);
	read_and_out(_metadata, &self->v);
}

TEST_F(told, pdptes_are_registers)
{
	x86_load(&self->vm, code_pae_stale);
	start_pae(&self->v, 0);
	if (axv_query(self->vm.dev, AXV_QUERY_BACKEND) == AXV_BACKEND_VMX)
		read_and_out(_metadata, &self->v);
	else
		/* SVM reads the cleared entry, and there is no gate for #PF. */
		ASSERT_EXIT(AXV_EXIT_SHUTDOWN, &self->v);
}

/*
 * A processor that ignores bit 1 of a topmost entry runs code that the module cannot read;
 * other processors raise #PF, for which there is no gate.
 */
TEST_F(told, code_that_cannot_be_read)
{
	const struct axv_exit_fault *f = &self->v.run->exit.fault;

	x86_load(&self->vm, code_pae);
	start_pae(&self->v, PTE_W);
	self->v.run->regs.gprs.rip = GUEST_ADDR(code_pae, code_pae_call);
	if (!x86_in_qemu()) {
		ASSERT_EXIT(AXV_EXIT_SHUTDOWN, &self->v);
		return;
	}
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
	EXPECT_EQ((__u32)AXV_FAULT_CODE, f->cause);
	EXPECT_EQ((__u32)AXV_ACCESS_FETCH, f->access);
	EXPECT_EQ(self->v.run->ip, f->linear);
	EXPECT_EQ(1u, f->linear_valid);
	EXPECT_EQ(0u, f->insn_bytes);
	EXPECT_EQ(0ull, f->addr);

	/* When the module can read the guest's code again, the guest goes on. */
	self->vm.ram[PAE_PDPT] &= ~PTE_W;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
}

TEST_HARNESS_MAIN
