// SPDX-License-Identifier: GPL-2.0
/*
 * Tests that libaxvcpu finishes a guest's INS, OUTS, LMSW and SMSW as a processor would
 * do, in its three modes.  The program is linked with the library, and hence not with
 * axv_test.c, which defines the same names.
 */
#include <kselftest_harness.h>

#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <axvcpu.h>

#define RAM_SIZE	0xc0000ul
#define HOLE		0xd0000ul	/* an address without memory */
#define CODE		0x1000ul
#define HANDLER		0x2000ul
#define STACK		0x8000ul
#define DATA		0x10000ul
#define PML4		0x90000ul
#define PDPT		0x91000ul
#define PD		0x92000ul
#define PT		0x93000ul
#define GDT		0x94000ul
#define IDT		0x95000ul
#define PORT		0x1f0
#define PORT_DONE	0xee		/* OUT to it ends the guest */
#define PORT_TOLD	0xed		/* the guest's handlers tell something by OUT to it */
#define PAGE		0x1000ul
#define P_RW		3ull

#define FLAG_TF		0x100ull
#define FLAG_IF		0x200ull
#define FLAG_DF		0x400ull

/* Does what GUEST_CODE() of x86.h does. */
#define CODE_BLOB(name, bits, text)					\
	asm(".pushsection .rodata\n"					\
	    ".code" #bits "\n"						\
	    #name ":\n" text "\n"					\
	    #name "_end:\n"						\
	    ".code64\n"							\
	    ".popsection\n");						\
	extern const __u8 name[], name##_end[]

FIXTURE(strings) {
	struct axv_host *host;
	struct axv_vm *vm;
	struct axv_vcpu *v;
	struct axv_run *run;
	__u8 *ram;
	__u8 next;			/* what the port answers next */
	__u8 sent[0x4000];		/* what the port was sent */
	unsigned int sent_bytes;
	unsigned int calls;
	unsigned int elements;
	unsigned int most;		/* the most elements in one call */
	int extint;			/* injected by the first call; 0: none */
	unsigned int mmio_writes;
	__u64 mmio_data;
	unsigned int finished[AXV_EXIT_REASONS];
};

FIXTURE_SETUP(strings)
{
	const struct axv_vcpu_config config = { .favor_phys_cpu = -1 };
	struct axv_x86_cpuid *leaves;
	int count;

	memset(self, 0, sizeof(*self));
	ASSERT_EQ(0, axv_open(NULL, &self->host)) { TH_LOG("%s", axv_error()); }
	ASSERT_EQ(0, axv_vm_create(self->host, NULL, &self->vm)) { TH_LOG("%s", axv_error()); }
	ASSERT_EQ(0, axv_vm_add_ram(self->vm, 0, 0, 0, RAM_SIZE, (void **)&self->ram));
	ASSERT_EQ(0, axv_vcpu_create(self->vm, &config, &self->v));
	self->run = axv_vcpu_run_page(self->v);
	count = axv_supported_cpuid(self->host, &leaves);
	ASSERT_LT(0, count);
	ASSERT_EQ(0, axv_vcpu_set_cpuid(self->v, leaves, count)) { TH_LOG("%s", axv_error()); }
	free(leaves);
}

FIXTURE_TEARDOWN(strings)
{
	axv_vcpu_destroy(self->v);
	axv_vm_destroy(self->vm);
	axv_close(self->host);
}

static int mmio_read(void *opaque, __u64 addr, unsigned int width, __u64 *data)
{
	(void)opaque;
	(void)addr;
	(void)width;
	*data = 0;
	return 0;
}

static int mmio_write(void *opaque, __u64 addr, unsigned int width, __u64 data)
{
	struct _test_data_strings *self = opaque;

	(void)addr;
	(void)width;
	self->mmio_writes++;
	self->mmio_data = data;
	return 0;
}

static void note_call(struct _test_data_strings *self, unsigned int count)
{
	self->elements += count;
	if (count > self->most)
		self->most = count;
	if (!self->calls++ && self->extint)
		axv_vcpu_inject_extint(self->v, self->extint);
}

static int port_read(void *opaque, __u16 port, unsigned int width, void *data,
		     unsigned int count)
{
	struct _test_data_strings *self = opaque;
	unsigned int i;

	if (port != PORT)
		return -ENODEV;
	note_call(self, count);
	for (i = 0; i < width * count; i++)
		((__u8 *)data)[i] = self->next++;
	return 0;
}

static int port_write(void *opaque, __u16 port, unsigned int width, const void *data,
		      unsigned int count)
{
	struct _test_data_strings *self = opaque;

	if (port != PORT || self->sent_bytes + width * count > sizeof(self->sent))
		return -ENODEV;
	note_call(self, count);
	memcpy(self->sent + self->sent_bytes, data, width * count);
	self->sent_bytes += width * count;
	return 0;
}

static const struct axv_mmio_ops ops = {
	.read = mmio_read,
	.write = mmio_write,
	.port_read = port_read,
	.port_write = port_write,
};

/* Run until an exit that the library does not finish. */
static int run_on(struct _test_data_strings *self)
{
	int ret;

	for (;;) {
		self->run->want = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
		ret = axv_vcpu_run(self->v);
		if (ret)
			return ret;
		if (self->run->exit_reason == AXV_EXIT_NOTHING)
			continue;
		if (self->run->exit_reason != AXV_EXIT_IO_STRING &&
		    self->run->exit_reason != AXV_EXIT_MSW)
			return self->run->exit_reason;
		self->finished[self->run->exit_reason]++;
		ret = axv_vcpu_finish(self->v, &ops, self);
		if (ret < 0)
			return ret;
	}
}

#define ASSERT_RUN_TO(self, number) do {				\
	ASSERT_EQ((int)AXV_EXIT_IO_WRITE, run_on(self)) {		\
		TH_LOG("exit %u at %#llx: %s", (self)->run->exit_reason,	\
		       (unsigned long long)(self)->run->ip, axv_error());	\
	}								\
	ASSERT_EQ(number, (self)->run->exit.io.port);			\
} while (0)

static __u64 *gpr(struct _test_data_strings *self, unsigned int reg)
{
	return &self->run->regs.gprs.gpr[reg];
}

static void load(struct _test_data_strings *self, __u64 at, const __u8 *start, const __u8 *end)
{
	memcpy(self->ram + at, start, end - start);
}

/* Set the vCPU up to begin code at CODE; the test may change the run page's registers. */
static void begin(struct __test_metadata *_metadata, struct _test_data_strings *self,
		  __u32 mode, const __u8 *start, const __u8 *end)
{
	load(self, CODE, start, end);
	ASSERT_EQ(0, axv_vcpu_setup(self->v, CODE, mode)) { TH_LOG("%s", axv_error()); }
	ASSERT_EQ(0, axv_vcpu_bind(self->v, 0)) { TH_LOG("%s", axv_error()); }
	ASSERT_EQ(0, axv_vcpu_get_gprs(self->v, &self->run->regs.gprs));
	ASSERT_EQ(0, axv_vcpu_get_sregs(self->v, &self->run->regs.sregs));
	*gpr(self, AXV_X86_RSP) = STACK;
	*gpr(self, AXV_X86_RDX) = PORT;
	self->run->dirty = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
}

#define BEGIN(mode, name)						\
	begin(_metadata, self, AXV_X86_MODE_##mode, name, name##_end)

static __u64 *table(struct _test_data_strings *self, __u64 gpa)
{
	return (__u64 *)(self->ram + gpa);
}

static void set_gate(struct _test_data_strings *self, unsigned int vector, __u64 ip)
{
	table(self, IDT)[vector * 2] = (ip & 0xffff) | 8ull << 16 | 0x8e00ull << 32 |
				       (ip >> 16 & 0xffff) << 48;
	table(self, IDT)[vector * 2 + 1] = ip >> 32;
}

/* begin() in 64-bit mode, with memory mapped one to one by small pages, a GDT and an IDT. */
static void begin_long(struct __test_metadata *_metadata, struct _test_data_strings *self,
		       const __u8 *start, const __u8 *end)
{
	struct axv_x86_sregs *s = &self->run->regs.sregs;
	unsigned int i;

	begin(_metadata, self, AXV_X86_MODE_PROTECTED, start, end);
	*table(self, PML4) = PDPT | P_RW;
	*table(self, PDPT) = PD | P_RW;
	*table(self, PD) = PT | P_RW;
	for (i = 0; i < 512; i++)
		table(self, PT)[i] = i * PAGE | P_RW;
	table(self, GDT)[1] = 0x00af9b000000ffff;
	table(self, GDT)[2] = 0x00cf93000000ffff;
	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		s->seg[i].selector = 0x10;
	s->seg[AXV_X86_CS].selector = 8;
	s->seg[AXV_X86_CS].attr = 0xa9b;
	s->seg[AXV_X86_TR] = (struct axv_x86_segment) { .limit = 0x67, .attr = 0x8b };
	s->gdtr = (struct axv_x86_dtable) { .base = GDT, .limit = 0x17 };
	s->idtr = (struct axv_x86_dtable) { .base = IDT, .limit = 0xfff };
	s->cr3 = PML4;
	s->cr4 = 1 << 5;
	s->efer = 0x500;
	s->cr0 = 0x80000011;
}

/* Whether guest memory has the bytes that the port answers, beginning with @first. */
static bool has_pattern(struct _test_data_strings *self, __u64 gpa, unsigned int size, __u8 first)
{
	unsigned int i;

	for (i = 0; i < size; i++) {
		if (self->ram[gpa + i] != (__u8)(first + i))
			return false;
	}
	return self->ram[gpa - 1] == 0xee && self->ram[gpa + size] == 0xee;
}

CODE_BLOB(code_real, 16,
	"rep insw\n"
	"mov %di, %si\n"
	"sub $2, %si\n"
	"mov $3, %cx\n"
	"std\n"
	"rep outsw\n"
	"out %al, $0xee\n");

TEST_F(strings, real_mode)
{
	memset(self->ram + 0x6000, 0xee, 0x2000);
	BEGIN(REAL, code_real);
	*gpr(self, AXV_X86_RDI) = 0x6ff8;
	*gpr(self, AXV_X86_RCX) = 8;
	ASSERT_RUN_TO(self, PORT_DONE);
	EXPECT_TRUE(has_pattern(self, 0x6ff8, 16, 0));
	EXPECT_EQ(0x7008ull, *gpr(self, AXV_X86_RDI));
	EXPECT_EQ(0x7000ull, *gpr(self, AXV_X86_RSI));
	EXPECT_EQ(0ull, *gpr(self, AXV_X86_RCX));
	EXPECT_EQ(6u, self->sent_bytes);
	EXPECT_EQ(0, memcmp(self->sent, "\x0e\x0f\x0c\x0d\x0a\x0b", 6));
	EXPECT_EQ(11u, self->elements);
	EXPECT_EQ(4u, self->most);
}

CODE_BLOB(code_prot, 32,
	"rep insb\n"
	"mov $16, %ecx\n"
	"rep outsb %fs:(%esi), %dx\n"
	"insl\n"
	"mov $0x4321fffe, %edi\n"
	"mov $0x12340002, %ecx\n"
	"addr16 rep insw\n"
	"xor %ecx, %ecx\n"
	"rep insb\n"
	"out %al, $0xee\n");

TEST_F(strings, protected_mode)
{
	memset(self->ram + DATA - PAGE, 0xee, 0x4000);
	BEGIN(PROTECTED, code_prot);
	self->run->regs.sregs.seg[AXV_X86_FS].base = 0x100;
	*gpr(self, AXV_X86_RDI) = DATA + 0x123;
	*gpr(self, AXV_X86_RSI) = DATA + 0x23;
	*gpr(self, AXV_X86_RCX) = 5000;
	ASSERT_RUN_TO(self, PORT_DONE);
	EXPECT_EQ((__u64)0x43210002, *gpr(self, AXV_X86_RDI));
	EXPECT_EQ(16u, self->sent_bytes);
	EXPECT_EQ(0, memcmp(self->sent, self->ram + DATA + 0x123, 16));
	/* INSL has stored 4 bytes behind the 5,000 bytes of INSB. */
	EXPECT_TRUE(has_pattern(self, DATA + 0x123, 5004, 0));
	/* With 16-bit addresses CX is the count, and DI wraps. */
	EXPECT_EQ(5004 % 256, self->ram[0xfffe]);
	EXPECT_EQ(5005 % 256, self->ram[0xffff]);
	EXPECT_EQ(5006 % 256, self->ram[0]);
	EXPECT_EQ(5000u + 16 + 1 + 2, self->elements);
	EXPECT_LT(100u, self->most);
	EXPECT_GE(1024u, self->most);
}

CODE_BLOB(code_long, 64,
	"rep insl\n"
	"out %al, $0xee\n");

CODE_BLOB(handler_pf, 64,
	"mov %cr2, %rax\n"
	"mov (%rsp), %rbx\n"
	"out %al, $0xed\n"
	"add $8, %rsp\n"
	"iretq\n");

/* The page behind the first three elements is not mapped; the guest's handler maps it. */
TEST_F(strings, page_fault_at_an_element)
{
	begin_long(_metadata, self, code_long, code_long_end);
	load(self, HANDLER, handler_pf, handler_pf_end);
	set_gate(self, 14, HANDLER);
	memset(self->ram + DATA, 0xee, 2 * PAGE);
	table(self, PT)[(DATA + PAGE) / PAGE] = 0;
	*gpr(self, AXV_X86_RDI) = DATA + PAGE - 12;
	*gpr(self, AXV_X86_RCX) = 5;
	ASSERT_RUN_TO(self, PORT_TOLD);
	EXPECT_EQ(DATA + PAGE, *gpr(self, AXV_X86_RAX));
	EXPECT_EQ(2ull, *gpr(self, AXV_X86_RBX));
	EXPECT_EQ(DATA + PAGE, *gpr(self, AXV_X86_RDI));
	EXPECT_EQ(2ull, *gpr(self, AXV_X86_RCX));
	EXPECT_EQ(3u, self->elements);
	table(self, PT)[(DATA + PAGE) / PAGE] = (DATA + PAGE) | P_RW;
	ASSERT_RUN_TO(self, PORT_DONE);
	EXPECT_TRUE(has_pattern(self, DATA + PAGE - 12, 20, 0));
	EXPECT_EQ(5u, self->elements);
}

/* The guest's page tables lead half of an element to a device. */
TEST_F(strings, across_to_a_device)
{
	begin_long(_metadata, self, code_long, code_long_end);
	table(self, PT)[(DATA + PAGE) / PAGE] = HOLE | P_RW;
	*gpr(self, AXV_X86_RDI) = DATA + PAGE - 6;
	*gpr(self, AXV_X86_RCX) = 2;
	ASSERT_RUN_TO(self, PORT_DONE);
	EXPECT_EQ(0, memcmp(self->ram + DATA + PAGE - 6, "\0\1\2\3\4\5", 6));
	EXPECT_EQ(1u, self->mmio_writes);
	EXPECT_EQ(0x0706ull, self->mmio_data);
	EXPECT_EQ(2u, self->elements);
}

CODE_BLOB(code_step, 64,
	"pushfq\n"
	"orl $0x100, (%rsp)\n"
	"popfq\n"
	"code_step_ins:\n"
	"rep insb\n"
	"out %al, $0xee\n");
extern const __u8 code_step_ins[];

/* Counts #DB: R8 those at the instruction itself, R9 those with RF in the frame, RBX all. */
CODE_BLOB(handler_db, 64,
	"inc %ebx\n"
	"xor %eax, %eax\n"
	"cmp %rsi, (%rsp)\n"
	"sete %al\n"
	"add %rax, %r8\n"
	"mov 16(%rsp), %eax\n"
	"shr $16, %eax\n"
	"and $1, %eax\n"
	"add %rax, %r9\n"
	"iretq\n");

/*
 * When an instruction exits that is being stepped, Bochs' #VMEXIT leaves the step to the
 * host, whose #DB handler then runs with the guest's GS.
 */
static bool in_bochs_svm(void)
{
	const char *emulator = getenv("VMTEST_EMU");
	unsigned int a, b, c, d;

	__cpuid(0, a, b, c, d);
	return emulator && !strcmp(emulator, "bochs") && c == signature_AMD_ecx;
}

TEST_F(strings, single_steps)
{
	if (in_bochs_svm())
		SKIP(return, "a single step of the guest's would crash the host");
	begin_long(_metadata, self, code_step, code_step_end);
	load(self, HANDLER, handler_db, handler_db_end);
	set_gate(self, 1, HANDLER);
	*gpr(self, AXV_X86_RDI) = DATA;
	*gpr(self, AXV_X86_RCX) = 4;
	*gpr(self, AXV_X86_RBX) = 0;
	*gpr(self, AXV_X86_R8) = 0;
	*gpr(self, AXV_X86_R9) = 0;
	*gpr(self, AXV_X86_RSI) = CODE + (code_step_ins - code_step);
	ASSERT_RUN_TO(self, PORT_DONE);
	EXPECT_EQ(4ull, *gpr(self, AXV_X86_RBX));
	EXPECT_EQ(3ull, *gpr(self, AXV_X86_R8));
	EXPECT_EQ(3ull, *gpr(self, AXV_X86_R9));
	EXPECT_EQ(4u, self->elements);
	EXPECT_EQ(1u, self->most);
}

CODE_BLOB(handler_extint, 64,
	"mov %rcx, %rbx\n"
	"iretq\n");

TEST_F(strings, an_interrupt_comes_in_between)
{
	begin_long(_metadata, self, code_long, code_long_end);
	load(self, HANDLER, handler_extint, handler_extint_end);
	set_gate(self, 0x40, HANDLER);
	memset(self->ram + DATA - 1, 0xee, 0x4000);
	self->run->regs.gprs.rflags |= FLAG_IF;
	self->extint = 0x40;
	*gpr(self, AXV_X86_RDI) = DATA;
	*gpr(self, AXV_X86_RCX) = 3000;
	*gpr(self, AXV_X86_RBX) = 0;
	ASSERT_RUN_TO(self, PORT_DONE);
	EXPECT_LT(0ull, *gpr(self, AXV_X86_RBX));
	EXPECT_GT(3000ull, *gpr(self, AXV_X86_RBX));
	EXPECT_TRUE(has_pattern(self, DATA, 12000, 0));
	EXPECT_EQ(3000u, self->elements);
}

CODE_BLOB(code_out_step, 64,
	"outsb\n"
	"out %al, $0xee\n");

CODE_BLOB(code_other, 64,
	"lodsb\n"
	"out %al, $0xee\n");

/* Another instruction is written to the same place before the exit is finished. */
TEST_F(strings, the_code_changes)
{
	const struct axv_exit_io_string *io = &self->run->exit.io_string;
	bool told;

	begin_long(_metadata, self, code_out_step, code_out_step_end);
	*gpr(self, AXV_X86_RSI) = DATA;
	self->ram[DATA] = 0x77;
	self->run->want = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	ASSERT_EQ(0, axv_vcpu_run(self->v));
	ASSERT_EQ((__u32)AXV_EXIT_IO_STRING, self->run->exit_reason);
	told = io->addr_width != AXV_IO_STRING_UNTOLD && io->seg != AXV_IO_STRING_UNTOLD;
	load(self, CODE, code_other, code_other_end);
	ASSERT_EQ(0, axv_vcpu_finish(self->v, &ops, self)) { TH_LOG("%s", axv_error()); }
	ASSERT_RUN_TO(self, PORT_DONE);
	EXPECT_EQ(DATA + 1, *gpr(self, AXV_X86_RSI));
	EXPECT_EQ(told ? 1u : 0u, self->calls);
	EXPECT_EQ(told ? 0x77 : 0, self->sent[0]);
}

CODE_BLOB(code_msw, 32,
	"smsw (%edi)\n"
	"lmsw 2(%edi)\n"
	"smsw 4(%edi)\n"
	"smsw %eax\n"
	"out %al, $0xee\n");

/* SVM exits for LMSW, and for SMSW if CR0.CD is set; VMX exits for LMSW, and decodes it. */
TEST_F(strings, machine_status_word)
{
	__u16 *word = (__u16 *)(self->ram + DATA);
	__u64 backend;

	BEGIN(PROTECTED, code_msw);
	self->run->regs.sregs.cr0 |= 1ull << 30;
	*gpr(self, AXV_X86_RDI) = DATA;
	word[1] = 0xa;			/* MP and TS */
	word[3] = 0x7777;
	ASSERT_RUN_TO(self, PORT_DONE);
	EXPECT_EQ(1, word[0] & 0xf);
	EXPECT_EQ(0xb, word[2] & 0xf);
	EXPECT_EQ(0x7777, word[3]);
	EXPECT_EQ(0xbull, *gpr(self, AXV_X86_RAX) & 0xf);
	EXPECT_EQ(0xbull, self->run->regs.sregs.cr0 & 0xf);
	ASSERT_EQ(0, axv_query(self->host, AXV_QUERY_BACKEND, &backend));
	EXPECT_EQ(backend == AXV_BACKEND_SVM ? 3u : 0u, self->finished[AXV_EXIT_MSW]);
}

TEST_HARNESS_MAIN
