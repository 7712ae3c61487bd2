// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of guests with several tasks.  Processor or module leave each task switch to
 * libaxvcpu, so this program uses the library, and not axv_test.c.
 *
 * QEMU's SVM does not have the intercept of task switches, and does them itself: tests that
 * need the exit are separate.
 */
#include <kselftest_harness.h>

#include <axvcpu.h>

#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	240

#define RAM_SIZE	0x40000ul
#define HOLE		0x50000000ul
#define CODE		0x1000ul
#define GDT		0x4000ul
#define IDT		0x5000ul
#define TSS(n)		(0x6000ul + 0x100 * (n))
#define STACK(n)	(0x9000ul + 0x100 * (n))

#define SEL_CODE	0x08
#define SEL_DATA	0x10
#define SEL_GATE	0x18	/* a task gate */
#define SEL_TSS(n)	(0x40 + 8 * (n))
#define SEL_BAD		0x7ff8

#define VEC_TS		10
#define VEC_GP		13
#define VEC_SOFT	0x50
#define VEC_IRQ		0x51

#define FLAG_FIXED	0x2u
#define FLAG_NT		0x4000u
#define CR0_TS		0x8u

/* The tasks: the first one, and those that it switches to. */
enum { MAIN, CALLED, SOFT, FAULT, IRQ, LAST, BAD, TASKS };

/* Guest code, at CODE; a label is at AT(label). */
extern const __u8 guest[], guest_end[], guest_task[], guest_fault[], guest_last[],
	guest_ts[], guest_jmp_bad[], guest_call_hole[], guest_gp[], guest_irq[], guest_int[];

#define AT(label)	(CODE + (unsigned long)((label) - guest))

asm(".pushsection .rodata\n"
	".code32\n"
	"guest:\n"
	/*
	 * Access all that a switch accesses: if QEMU's second stage faults in a switch, QEMU
	 * delivers the event twice (see vmtest/defects).
	 */
	"lock orl $0, 0x4000\n"
	"lock orl $0, 0x5000\n"
	"lock orl $0, 0x6000\n"
	"lock orl $0, 0x8000\n"
	"lock orl $0, 0x9000\n"
	"mov $0x11111111, %ebx\n"
	"lcall $0x48, $0\n"
	"mov %ebx, %eax\n"			/* EBX is as it was before */
	"out %eax, $0x80\n"
	"lcall $0x18, $0\n"			/* by a gate */
	"guest_int:\n"
	"int $0x50\n"
	"mov $0x22222222, %ebx\n"
	"guest_gp:\n"
	"mov $0x7ff8, %eax\n"
	"mov %eax, %ds\n"			/* skipped by its handler */
	"mov %ebx, %eax\n"
	"out %eax, $0x80\n"
	"guest_irq:\n"
	"sti\n"
	"1:	cmp $0x33333333, %ebp\n"	/* the handler sets it, in the TSS */
	"jne 1b\n"
	"cli\n"
	"ljmp $0x68, $0\n"
	/* A task that tells its TR and flags, and returns, again and again. */
	"guest_task:\n"
	"str %eax\n"
	"out %eax, $0x80\n"
	"pushf\n"
	"pop %eax\n"
	"and $0x4202, %eax\n"			/* NT, IF */
	"out %eax, $0x81\n"
	"orl $0, %ebp\n"			/* only the interrupt's task ends the loop */
	"jz 1f\n"
	"mov %ebp, 0x6000 + 0x3c\n"
	"1:	iret\n"
	"jmp guest_task\n"
	"guest_fault:\n"
	"pop %eax\n"
	"out %eax, $0x82\n"
	"str %eax\n"
	"out %eax, $0x80\n"
	"addl $2, 0x6000 + 0x20\n"
	"iret\n"
	"jmp guest_fault\n"
	"guest_last:\n"
	"mov %cr0, %eax\n"
	"and $8, %eax\n"			/* TS */
	"out %eax, $0x83\n"
	"pushf\n"
	"pop %eax\n"
	"and $0x4202, %eax\n"			/* NT, IF */
	"out %eax, $0x81\n"
	"str %eax\n"
	"out %eax, $0x80\n"
	"guest_ts:\n"				/* handler of #TS */
	"pop %eax\n"
	"out %eax, $0x82\n"
	"str %eax\n"
	"out %eax, $0x80\n"
	"guest_jmp_bad:\n"
	"ljmp $0x70, $0\n"
	"guest_call_hole:\n"
	"lcall $0x48, $0\n"
	"guest_end:\n"
	".code64\n"
	".popsection\n");

FIXTURE(task) {
	struct axv_host *host;
	struct axv_vm *vm;
	struct axv_vcpu *vcpu;
	struct axv_run *run;
	__u8 *ram;
	unsigned int switches;
};

static void poke(__u8 *ram, unsigned long at, __u64 value, unsigned int size)
{
	memcpy(ram + at, &value, size);
}

static void make_tss(__u8 *ram, unsigned int n, unsigned long ip)
{
	unsigned int seg;

	poke(ram, GDT + SEL_TSS(n), 0x0000890000000067 | TSS(n) << 16, 8);
	poke(ram, TSS(n) + 0x20, ip, 4);
	poke(ram, TSS(n) + 0x24, FLAG_FIXED, 4);
	poke(ram, TSS(n) + 0x38, STACK(n), 4);
	for (seg = 0; seg < 6; seg++)
		poke(ram, TSS(n) + 0x48 + 4 * seg, seg == AXV_X86_CS ? SEL_CODE : SEL_DATA, 2);
}

static void make_gate(__u8 *ram, unsigned int vector, unsigned int n)
{
	poke(ram, IDT + 8 * vector, 0x0000850000000000 | SEL_TSS(n) << 16, 8);
}

static void make_guest(__u8 *ram)
{
	memcpy(ram + CODE, guest, guest_end - guest);
	poke(ram, GDT + SEL_CODE, 0x00cf9b000000ffff, 8);
	poke(ram, GDT + SEL_DATA, 0x00cf93000000ffff, 8);
	poke(ram, GDT + SEL_GATE, 0x0000850000000000 | SEL_TSS(CALLED) << 16, 8);
	make_tss(ram, MAIN, 0);
	make_tss(ram, CALLED, AT(guest_task));
	make_tss(ram, SOFT, AT(guest_task));
	make_tss(ram, FAULT, AT(guest_fault));
	make_tss(ram, IRQ, AT(guest_task));
	make_tss(ram, LAST, AT(guest_last));
	make_tss(ram, BAD, AT(guest_last));
	poke(ram, GDT + SEL_TSS(MAIN) + 5, 0x8b, 1);
	poke(ram, TSS(IRQ) + 0x3c, 0x33333333, 4);	/* EBP */
	poke(ram, TSS(BAD) + 0x54, SEL_BAD, 2);		/* DS */
	make_gate(ram, VEC_SOFT, SOFT);
	make_gate(ram, VEC_GP, FAULT);
	make_gate(ram, VEC_IRQ, IRQ);
	poke(ram, IDT + 8 * VEC_TS, (AT(guest_ts) & 0xffff) | SEL_CODE << 16 |
	     0x8e0000000000, 8);
}

static struct axv_x86_segment segment(__u16 selector, __u64 base, __u32 limit, __u16 attr)
{
	return (struct axv_x86_segment) {
		.base = base, .limit = limit, .selector = selector, .attr = attr,
	};
}

/* Set a vCPU up to run 32-bit code without paging, in task MAIN. */
static int start(struct axv_vcpu *vcpu, unsigned long ip)
{
	struct axv_x86_gprs gprs = { .rip = ip, .rflags = FLAG_FIXED };
	struct axv_x86_sregs s;
	unsigned int i;
	int ret;

	ret = axv_vcpu_get_sregs(vcpu, &s);
	if (ret)
		return ret;
	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		s.seg[i] = segment(SEL_DATA, 0, ~0u, 0xc93);
	s.seg[AXV_X86_CS] = segment(SEL_CODE, 0, ~0u, 0xc9b);
	s.seg[AXV_X86_TR] = segment(SEL_TSS(MAIN), TSS(MAIN), 0x67, 0x8b);
	s.gdtr.base = GDT;
	s.gdtr.limit = SEL_TSS(TASKS) - 1;
	s.idtr.base = IDT;
	s.idtr.limit = 0x7ff;
	gprs.gpr[AXV_X86_RSP] = STACK(MAIN);
	ret = axv_vcpu_set_sregs(vcpu, &s);
	return ret ? ret : axv_vcpu_set_gprs(vcpu, &gprs);
}

static int new_vcpu(struct axv_vm *vm, __u32 id, struct axv_vcpu **vcpu)
{
	const struct axv_vcpu_config config = { .id = id, .hw_id = id, .favor_phys_cpu = -1 };
	int ret;

	ret = axv_vcpu_create(vm, &config, vcpu);
	if (!ret)
		ret = axv_vcpu_setup(*vcpu, 0, AXV_X86_MODE_PROTECTED);
	return ret ? ret : axv_vcpu_bind(*vcpu, 0);
}

FIXTURE_SETUP(task)
{
	ASSERT_EQ(0, axv_open(NULL, &self->host)) { TH_LOG("%s", axv_error()); }
	ASSERT_EQ(0, axv_vm_create(self->host, NULL, &self->vm));
	ASSERT_EQ(0, axv_vm_add_ram(self->vm, 0, 0, 0, RAM_SIZE, (void **)&self->ram));
	make_guest(self->ram);
	ASSERT_EQ(0, new_vcpu(self->vm, 0, &self->vcpu));
	self->run = axv_vcpu_run_page(self->vcpu);
	self->switches = 0;
	ASSERT_EQ(0, start(self->vcpu, CODE)) { TH_LOG("%s", axv_error()); }
}

FIXTURE_TEARDOWN(task)
{
	axv_vcpu_destroy(self->vcpu);
	axv_vm_destroy(self->vm);
	axv_close(self->host);
}

static const struct axv_mmio_ops no_devices;

static int run_once(struct axv_vcpu *vcpu)
{
	const struct axv_run *run = axv_vcpu_run_page(vcpu);
	int ret;

	do {
		ret = axv_vcpu_run(vcpu);
	} while (!ret && run->exit_reason == AXV_EXIT_NOTHING);
	return ret ? ret : (int)run->exit_reason;
}

/* Run to the next exit that is no task switch, and count the switches. */
static int run_tasks(struct axv_vcpu *vcpu, unsigned int *switches)
{
	int ret;

	for (;;) {
		ret = run_once(vcpu);
		if (ret != AXV_EXIT_TASK_SWITCH)
			return ret;
		++*switches;
		ret = axv_vcpu_finish(vcpu, &no_devices, NULL);
		if (ret < 0)
			return ret;
	}
}

/* Run to the guest's next OUT, and check port and value. */
#define EXPECT_SAYS(at, value) do {						\
	int _ret = run_tasks(self->vcpu, &self->switches);			\
	ASSERT_EQ((int)AXV_EXIT_IO_WRITE, _ret) {				\
		TH_LOG("%s, at %#llx: %s", axv_exit_name(self->run->exit_reason),	\
		       (unsigned long long)self->run->ip, axv_error());		\
	}									\
	EXPECT_EQ((at), self->run->exit.io.port);				\
	EXPECT_EQ((__u64)(value), self->run->exit.io.data);			\
} while (0)

#define EXPECT_TASK(n, flags) do {						\
	EXPECT_SAYS(0x80, SEL_TSS(n));						\
	EXPECT_SAYS(0x81, FLAG_FIXED | (flags));				\
} while (0)

TEST_F(task, to_other_tasks_and_back)
{
	EXPECT_TASK(CALLED, FLAG_NT);
	EXPECT_SAYS(0x80, 0x11111111);
	EXPECT_EQ(0x89, self->ram[GDT + SEL_TSS(CALLED) + 5]);
	EXPECT_TASK(CALLED, FLAG_NT);
	EXPECT_TASK(SOFT, FLAG_NT);
	/* The error code is pushed on the new task's stack. */
	EXPECT_SAYS(0x82, SEL_BAD);
	EXPECT_SAYS(0x80, SEL_TSS(FAULT));
	EXPECT_SAYS(0x80, 0x22222222);
	ASSERT_EQ(0, axv_vcpu_inject_extint(self->vcpu, VEC_IRQ));
	EXPECT_TASK(IRQ, FLAG_NT);
	EXPECT_SAYS(0x83, CR0_TS);
	EXPECT_SAYS(0x81, FLAG_FIXED);
	EXPECT_SAYS(0x80, SEL_TSS(LAST));
	EXPECT_EQ(0x8b, self->ram[GDT + SEL_TSS(LAST) + 5]);
	EXPECT_EQ(0x89, self->ram[GDT + SEL_TSS(MAIN) + 5]);
}

/* If a segment cannot be loaded, the new task gets the fault. */
TEST_F(task, fault_of_the_new_task)
{
	ASSERT_EQ(0, start(self->vcpu, AT(guest_jmp_bad)));
	EXPECT_SAYS(0x82, SEL_BAD);
	EXPECT_SAYS(0x80, SEL_TSS(BAD));
}

/* A task switch sets CR0.TS, also in the register that the VMM reads and sets. */
TEST_F(task, sets_ts)
{
	__u64 cr0;

	EXPECT_SAYS(0x80, SEL_TSS(CALLED));
	ASSERT_EQ(0, axv_vcpu_get_reg(self->vcpu, AXV_REG_X86(CR, 0), &cr0));
	EXPECT_NE(0ull, cr0 & CR0_TS);
	self->run->want = AXV_RUN_SET_SREGS;
	EXPECT_SAYS(0x81, FLAG_FIXED | FLAG_NT);
	EXPECT_NE(0ull, self->run->regs.sregs.cr0 & CR0_TS);
	self->run->dirty = AXV_RUN_SET_SREGS;
	EXPECT_SAYS(0x80, 0x11111111);
	EXPECT_NE(0ull, self->run->regs.sregs.cr0 & CR0_TS);
}

#define ASSERT_SWITCH(v) do {							\
	int _ret = run_once(v);							\
	ASSERT_EQ((int)AXV_EXIT_TASK_SWITCH, _ret);				\
} while (0)

TEST_F(task, exit_is_before_the_instruction)
{
	const struct axv_exit_task_switch *told = &self->run->exit.task_switch;
	unsigned long lcall = AT(guest_call_hole);
	unsigned int i;

	/* The exit comes again as often as the VMM does nothing. */
	ASSERT_EQ(0, start(self->vcpu, lcall));
	for (i = 0; i < 3; i++) {
		ASSERT_SWITCH(self->vcpu);
		EXPECT_EQ(SEL_TSS(CALLED), told->selector);
		EXPECT_EQ(AXV_X86_TASK_CALL, told->source);
		EXPECT_EQ(0, told->pending);
		EXPECT_EQ(0ull, told->event);
		EXPECT_EQ(lcall, self->run->ip);
		EXPECT_TRUE(!self->run->insn_len || self->run->insn_len == 7);
	}
	ASSERT_EQ(AXV_FINISH_DONE, axv_vcpu_finish(self->vcpu, &no_devices, NULL)) {
		TH_LOG("%s", axv_error());
	}
	EXPECT_TASK(CALLED, FLAG_NT);
	ASSERT_SWITCH(self->vcpu);
	EXPECT_EQ(AXV_X86_TASK_IRET, told->source);
	EXPECT_EQ(SEL_TSS(MAIN), told->selector);
}

TEST_F(task, exit_of_an_instructions_event)
{
	const struct axv_exit_task_switch *told = &self->run->exit.task_switch;
	__u64 reinject;

	ASSERT_EQ(0, start(self->vcpu, AT(guest_int)));
	ASSERT_SWITCH(self->vcpu);
	EXPECT_EQ(AXV_X86_TASK_GATE, told->source);
	EXPECT_EQ(SEL_TSS(SOFT), told->selector);
	EXPECT_EQ(0, told->pending);
	EXPECT_EQ(AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_SOFT | VEC_SOFT, told->event);
	EXPECT_EQ(AT(guest_int), self->run->ip);
	ASSERT_EQ(0, axv_vcpu_get_reg(self->vcpu,
				      AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT), &reinject));
	EXPECT_EQ(0ull, reinject);
}

/* Copy the whole state of a vCPU; the run page's registers are not used. */
static int copy_vcpu(struct axv_vcpu *from, struct axv_vcpu *to)
{
	struct axv_reg *regs;
	int count, ret, i;
	__u64 *ids;

	count = axv_vcpu_list_regs(from, &ids);
	if (count < 0)
		return count;
	regs = calloc(count, sizeof(*regs));
	for (i = 0; i < count; i++)
		regs[i].id = ids[i];
	ret = axv_vcpu_get_regs(from, regs, count);
	if (!ret)
		ret = axv_vcpu_set_regs(to, regs, count);
	free(regs);
	free(ids);
	return ret;
}

/* An exception, its error code, and an interrupt survive if the vCPU is saved at the exit. */
TEST_F(task, exit_of_an_event_and_moved)
{
	static const struct {
		const __u8 *at;
		__u64 event;
		int task;
	} cases[] = {
		{ guest_gp, AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXCEPTION | VEC_GP |
		  AXV_X86_EVENT_ERROR_VALID | (__u64)SEL_BAD << AXV_X86_EVENT_ERROR_SHIFT, FAULT },
		{ guest_irq, AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXTINT | VEC_IRQ, IRQ },
	};
	const struct axv_exit_task_switch *told;
	struct axv_vcpu *other;
	unsigned int i;

	for (i = 0; i < 2; i++) {
		told = &self->run->exit.task_switch;
		make_guest(self->ram);
		ASSERT_EQ(0, start(self->vcpu, AT(cases[i].at)));
		if (cases[i].task == IRQ)
			ASSERT_EQ(0, axv_vcpu_inject_extint(self->vcpu, VEC_IRQ));
		ASSERT_SWITCH(self->vcpu);
		EXPECT_EQ(AXV_X86_TASK_GATE, told->source);
		EXPECT_EQ(1, told->pending);
		EXPECT_EQ(cases[i].event, told->event);
		EXPECT_EQ(0, self->run->insn_len);

		ASSERT_EQ(0, new_vcpu(self->vm, 1 + i, &other));
		ASSERT_EQ(0, copy_vcpu(self->vcpu, other));
		axv_vcpu_destroy(self->vcpu);
		self->vcpu = other;
		self->run = axv_vcpu_run_page(other);
		told = &self->run->exit.task_switch;
		ASSERT_SWITCH(self->vcpu);
		EXPECT_EQ(1, told->pending);
		EXPECT_EQ(cases[i].event, told->event);
		EXPECT_EQ(SEL_TSS(cases[i].task), told->selector);
		ASSERT_EQ(AXV_FINISH_DONE, axv_vcpu_finish(self->vcpu, &no_devices, NULL));
		if (cases[i].task == FAULT)
			EXPECT_SAYS(0x82, SEL_BAD);
		EXPECT_SAYS(0x80, SEL_TSS(cases[i].task));
	}
}

/* A TSS without memory is an error, and the guest's state does not change. */
TEST_F(task, exit_and_a_hole)
{
	unsigned int i;

	poke(self->ram, GDT + SEL_TSS(CALLED), 0x5000890000000067, 8);
	for (i = 0; i < 2; i++) {
		ASSERT_SWITCH(self->vcpu);
		EXPECT_EQ(-EOPNOTSUPP, axv_vcpu_finish(self->vcpu, &no_devices, NULL));
		EXPECT_NE(NULL, strstr(axv_error(), "0x50000000"));
		EXPECT_EQ(0x89, self->ram[GDT + SEL_TSS(CALLED) + 5]);
	}
	make_tss(self->ram, CALLED, AT(guest_task));
	EXPECT_TASK(CALLED, FLAG_NT);
}

TEST_HARNESS_MAIN
