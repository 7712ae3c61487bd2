// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of state that is in no register of a processor: a vCPU that is restored from the
 * list of registers must go on with it.
 */
#include "axv_harness.h"
#include "x86.h"

#define DEVICE		0xd0000ul
#define DEVICE_TEXT	"0xd0000"
#define HANDLER		0x9a000ul

FIXTURE(saved) {
	struct axv_vm vm;
	struct axv_vcpu v;
	struct axv_vcpu to;
};

FIXTURE_SETUP(saved)
{
	vm_new(&self->vm, 0);
	vcpu_ready(&self->vm, &self->v, 0);
	vcpu_new(&self->vm, &self->to, 1);
	ASSERT_EQ(0, guest_setup(&self->to));
	/* No region has page 0xd0, which is a device. */
	ASSERT_EQ(0, vm_region(&self->vm, 0, 0, 0, 0, NULL));
	ASSERT_EQ(0, vm_region(&self->vm, 0, 0, 0, DEVICE, self->vm.ram));
}

FIXTURE_TEARDOWN(saved)
{
	vcpu_free(&self->to);
	vcpu_free(&self->v);
	vm_free(&self->vm);
}

#define BEGIN(self, name, flags)	x86_begin_long(&(self)->v, name, flags)

/* Copy the state, so that the other vCPU goes on where the first one is. */
#define MOVE(self) do {							\
	x86_regs_copy(&(self)->v, &(self)->to);				\
	ASSERT_EQ(0, vcpu_bind(&(self)->to));				\
	(self)->to.run->want = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;	\
} while (0)

static __u64 event(struct axv_vcpu *v, unsigned int reg)
{
	__u64 value;

	must(!reg_get(v, AXV_REG_X86(EVENT, reg), &value));
	return value;
}

GUEST_CODE(handler_db, 64,
	"mov (%rsp), %rbx\n"
	"mov %dr6, %rcx\n"
	"mov $1, %eax\n"
	HYPERCALL
	"andq $~0x100, 16(%rsp)\n"
	"iretq\n");

GUEST_CODE(code_mov_ss, 64,
	"mov $0x10, %eax\n"
	"mov %eax, %ss\n"
	"code_mov_ss_read:\n"
	"mov " DEVICE_TEXT ", %ebx\n"
	"code_mov_ss_after:\n"
	"nop\n"
	"mov $0x7a, %eax\n"
	HYPERCALL
	"1: jmp 1b\n");
GUEST_LABEL(code_mov_ss_read);
GUEST_LABEL(code_mov_ss_after);

TEST_F(saved, behind_mov_ss)
{
	BEGIN(self, code_mov_ss, 0);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	EXPECT_EQ((__u64)AXV_X86_SHADOW_MOV_SS, event(&self->v, AXV_X86_EVENT_SHADOW));
	MOVE(self);
	EXPECT_EQ((__u64)AXV_X86_SHADOW_MOV_SS, event(&self->to, AXV_X86_EVENT_SHADOW));
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->to);
	self->to.run->exit.mmio.data = 0x1234;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->to);
	EXPECT_EQ(0x1234ull, self->to.run->exit.hypercall.args[0]);
	EXPECT_EQ(0ull, event(&self->to, AXV_X86_EVENT_SHADOW));
}

/* SVM has one kind of shadow, VMX two: a state saved on one must fit the other. */
TEST_F(saved, shadow_of_sti_without_interrupts)
{
	BEGIN(self, code_mov_ss, 0);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	MOVE(self);
	ASSERT_EQ(0, reg_set(&self->to, AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW),
			     AXV_X86_SHADOW_STI));
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->to);
	/* QEMU's VMRUN does not load the shadow. */
	if (!x86_in_qemu())
		EXPECT_EQ((__u64)AXV_X86_SHADOW_MOV_SS,
			  event(&self->to, AXV_X86_EVENT_SHADOW));
}

GUEST_CODE(code_sti, 64,
	"sti\n"
	"mov " DEVICE_TEXT ", %ebx\n"
	"mov $0x7a, %eax\n"
	HYPERCALL
	"1: jmp 1b\n");

TEST_F(saved, behind_sti)
{
	BEGIN(self, code_sti, 0);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	EXPECT_EQ((__u64)AXV_X86_SHADOW_STI, event(&self->v, AXV_X86_EVENT_SHADOW));
	MOVE(self);
	EXPECT_EQ((__u64)AXV_X86_SHADOW_STI, event(&self->to, AXV_X86_EVENT_SHADOW));
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->to);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->to);
}

GUEST_CODE(code_out, 64,
	"out %al, $0x20\n"
	"code_out_after:\n"
	"nop\n"
	"1: jmp 1b\n");
GUEST_LABEL(code_out_after);

/*
 * Bochs' #VMEXIT leaves a pending step to the host, whose #DB handler then runs with the
 * guest's GS.
 */
#define STEP_HITS_THE_HOST	"a single step of the guest's would crash the host"

/* A #DB by the guest's own single step is an exit, if the VMM has asked for that. */
TEST_F(saved, single_step_that_the_vmm_wants)
{
	if (x86_in_bochs_svm())
		SKIP(return, STEP_HITS_THE_HOST);
	/* Bochs' VMX steps early if the instruction's page is not mapped yet: run it first. */
	BEGIN(self, code_out, 0);
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	x86_start_long(&self->v, GUEST_CODE_ADDR);
	self->v.run->regs.gprs.rflags |= FLAG_TF;
	ASSERT_EQ(0, axv_ioctl(self->v.fd, AXV_VCPU_SYNC, NULL));
	ASSERT_EQ(0, reg_set(&self->v, AXV_REG_X86(EVENT, AXV_X86_EVENT_EXIT_MASK),
			     1 << VEC_DB));
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	EXPECT_EQ(1ull, event(&self->v, AXV_X86_EVENT_EXCEPTION_RAISED));
	MOVE(self);
	ASSERT_EXIT(AXV_EXIT_EXCEPTION, &self->to);
	EXPECT_EQ(VEC_DB, (int)self->to.run->exit.exception.vector);
	EXPECT_EQ(GUEST_ADDR(code_out, code_out_after), self->to.run->ip);
}

/* Behind MOV SS with TF set, VMX requires at entry that a step is pending. */
TEST_F(saved, single_step_behind_mov_ss)
{
	if (x86_in_bochs_svm())
		SKIP(return, STEP_HITS_THE_HOST);
	x86_load_at(&self->vm, HANDLER, handler_db, handler_db_end);
	x86_gate_long(&self->vm, VEC_DB, HANDLER, 0);
	BEGIN(self, code_mov_ss, 0);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	MOVE(self);
	self->to.run->regs.gprs = self->v.run->regs.gprs;
	self->to.run->regs.gprs.rflags |= FLAG_TF;
	x86_touch_gprs(&self->to);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->to);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->to);
	EXPECT_EQ(1ull, self->to.run->exit.hypercall.nr);
	EXPECT_EQ(GUEST_ADDR(code_mov_ss, code_mov_ss_after),
		  self->to.run->exit.hypercall.args[0]);
	EXPECT_EQ(1ull << 14, self->to.run->exit.hypercall.args[1] & 0xe00f);
	/* The step comes only once. */
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->to);
	EXPECT_EQ(0x7aull, self->to.run->exit.hypercall.nr);
}

/* With TF clear, VMX requires at entry that no step is pending. */
TEST_F(saved, pending_step_without_tf)
{
	int err;

	BEGIN(self, code_mov_ss, 0);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	err = reg_set(&self->v, AXV_REG_X86(EVENT, AXV_X86_EVENT_PENDING_DEBUG), 1 << 14);
	EXPECT_TRUE(!err || err == -EINVAL);
	MOVE(self);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->to);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->to);
	EXPECT_EQ(0x7aull, self->to.run->exit.hypercall.nr);
}

/* The pending #DB that a breakpoint on the data of MOV SS leaves. */
TEST_F(saved, pending_debug_is_kept)
{
	__u64 pending = 0x1001;
	int err;

	BEGIN(self, code_mov_ss, 0);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	err = reg_set(&self->v, AXV_REG_X86(EVENT, AXV_X86_EVENT_PENDING_DEBUG), pending);
	if (axv_query(self->vm.dev, AXV_QUERY_BACKEND) == AXV_BACKEND_SVM) {
		EXPECT_EQ(-EINVAL, err);
		pending = 0;
	} else {
		EXPECT_EQ(0, err);
	}
	MOVE(self);
	EXPECT_EQ(pending, event(&self->to, AXV_X86_EVENT_PENDING_DEBUG));
	if (!pending)
		return;
	x86_load_at(&self->vm, HANDLER, handler_db, handler_db_end);
	x86_gate_long(&self->vm, VEC_DB, HANDLER, 0);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->to);
	/* The #DB comes when the shadow ends. */
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->to);
	EXPECT_EQ(1ull, self->to.run->exit.hypercall.nr);
	EXPECT_EQ(GUEST_ADDR(code_mov_ss, code_mov_ss_after),
		  self->to.run->exit.hypercall.args[0]);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->to);
	EXPECT_EQ(0x7aull, self->to.run->exit.hypercall.nr);
}

GUEST_CODE(code_triple, 64,
	"ud2\n");

TEST_F(saved, shut_down)
{
	BEGIN(self, code_triple, 0);
	/* No vector is within the limit of the IDT, not even that of #DF. */
	self->v.run->regs.sregs.idtr.limit = 0;
	ASSERT_EXIT(AXV_EXIT_SHUTDOWN, &self->v);
	EXPECT_EQ(1ull, event(&self->v, AXV_X86_EVENT_SHUTDOWN));
	MOVE(self);
	ASSERT_EXIT(AXV_EXIT_SHUTDOWN, &self->to);
	EXPECT_EQ(1ull, vcpu_stats(&self->to).exits[AXV_EXIT_SHUTDOWN]);
	EXPECT_EQ(0ull, vcpu_stats(&self->to).entries);
}

#define PAE_PDPT	0x9d000ul
#define PAE_PD		0x9e000ul
GUEST_CODE(code_pae, 32,
	"movl $0, 0x9d000\n"	/* PDPTE 0: not present, and CR3 is not loaded again */
	"out %al, $0x20\n"
	"mov 0x9d000, %ebx\n"
	"mov $0x7b, %eax\n"
	HYPERCALL
	"1: jmp 1b\n");

TEST_F(saved, pdptes)
{
	__u64 *pdpt = (void *)(self->vm.ram + PAE_PDPT);
	__u64 *pd = (void *)(self->vm.ram + PAE_PD);
	struct axv_x86_sregs *s;
	__u64 value;
	int i;

	if (axv_query(self->vm.dev, AXV_QUERY_BACKEND) == AXV_BACKEND_SVM) {
		/* SVM reads PDPTEs from memory when it uses them, so they are no state. */
		EXPECT_EQ(-ENOENT, reg_get(&self->v, AXV_REG_X86(PDPTE, 0), &value));
		EXPECT_EQ(-ENOENT, reg_set(&self->v, AXV_REG_X86(PDPTE, 0), 0));
		return;
	}
	for (i = 0; i < 512; i++)
		pd[i] = i * HUGE_PAGE | PTE_PS | PTE_P | PTE_W | PTE_U;
	pdpt[0] = PAE_PD | PTE_P;
	pdpt[1] = 0;
	pdpt[2] = 0;
	pdpt[3] = 0;
	x86_load(&self->vm, code_pae);
	x86_start_prot(&self->v, GUEST_CODE_ADDR);
	s = &self->v.run->regs.sregs;
	s->cr3 = PAE_PDPT;
	s->cr4 |= CR4_PAE;
	s->cr0 |= CR0_PG;
	ASSERT_EXIT(AXV_EXIT_IO_WRITE, &self->v);
	ASSERT_EQ(0ull, pdpt[0]);
	ASSERT_EQ(0, reg_get(&self->v, AXV_REG_X86(PDPTE, 0), &value));
	EXPECT_EQ(PAE_PD | PTE_P, value);
	EXPECT_EQ(-EINVAL, reg_set(&self->v, AXV_REG_X86(PDPTE, 1), PTE_P | 2));
	EXPECT_EQ(-EINVAL, reg_set(&self->v, AXV_REG_X86(PDPTE, 1), PTE_P | 1ull << 62));
	EXPECT_EQ(-EINVAL, reg_set(&self->v, AXV_REG_X86(PDPTE, AXV_X86_PDPTES_LOADED), 2));
	MOVE(self);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->to);
	EXPECT_EQ(0ull, self->to.run->exit.hypercall.args[0]);
	/* Now the vCPU uses the PDPTEs in memory again, where they are not present. */
	ASSERT_EQ(0, reg_set(&self->to, AXV_REG_X86(PDPTE, AXV_X86_PDPTES_LOADED), 0));
	ASSERT_EXIT(AXV_EXIT_SHUTDOWN, &self->to);
}

TEST_HARNESS_MAIN
