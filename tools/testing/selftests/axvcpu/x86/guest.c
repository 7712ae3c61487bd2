// SPDX-License-Identifier: GPL-2.0
/*
 * x86 guests: tables, modes, and the programs of guest.h.
 */
#include "x86.h"

#include <cpuid.h>

#include "apic.h"

const __u64 guest_ip_reg = AXV_REG_X86(GPR, AXV_X86_RIP);

const __u64 guest_clock_reg = AXV_REG_X86(LAPIC, APIC_TIMER_CURRENT);

const struct axv_inject guest_events[GUEST_EVENTS] = {
	[GUEST_INTERRUPT] = { .type = AXV_INJECT_EXTINT, .vector = GUEST_VECTOR },
	[GUEST_URGENT] = { .type = AXV_INJECT_NMI },
};

const struct axv_inject guest_bad_events[] = {
	{ .type = AXV_INJECT_NMI, .flags = 1u << 31 },
	{ .type = AXV_INJECT_EXTINT, .vector = 0x40, .flags = AXV_INJECT_HAS_ERROR_CODE },
	{ .type = AXV_INJECT_EXTINT, .vector = 256 },
	{ .type = AXV_INJECT_EXCEPTION, .vector = 32 },
	{ .type = AXV_INJECT_NMI, .priority = 1 },
};

const unsigned int guest_nr_bad_events = sizeof(guest_bad_events) / sizeof(guest_bad_events[0]);

const struct guest_table guest_tables[] = {
	{ 0, AXV_TABLE_X86_CPUID, sizeof(struct axv_x86_cpuid) },
	{ 1, AXV_TABLE_X86_MSR_POLICY, sizeof(struct axv_x86_msr_policy) },
	{ .entry_size = 0 },
};

/* Arguments: a0 in RDI, a1 in RSI, a2 in RDX. Hypercalls: RAX; RBX, ... */
/*
 * Runs with interrupts on: in Bochs, the host's interrupts do not end a guest that has
 * interrupts off and never exits by itself.
 */
GUEST_CODE(prog_spin, 64,
	"sti\n"
	"xor %eax, %eax\n"
	"1:	inc %rax\n"
	"mov %rax, (%rdi)\n"
	"jmp 1b\n");

GUEST_CODE(prog_call, 64,
	"xor %ebx, %ebx\n"
	"1:	mov %rdi, %rax\n"
	"inc %rbx\n"
	HYPERCALL
	"jmp 1b\n");

GUEST_CODE(prog_halt, 64,
	"xor %ebx, %ebx\n"
	"1:	sti\n"
	"hlt\n"
	"inc %rbx\n"
	"mov %rdi, %rax\n"
	HYPERCALL
	"jmp 1b\n");

GUEST_CODE(prog_write, 64,
	"mov %rdi, %r8\n"
	"mov %rsi, %rcx\n"
	"1:	mov %rdx, (%r8)\n"
	"add $4096, %r8\n"
	"dec %rcx\n"
	"jnz 1b\n"
	"xor %eax, %eax\n"
	HYPERCALL
	"jmp prog_write\n");

GUEST_CODE(prog_read, 64,
	"mov %rdi, %r8\n"
	"mov %rsi, %rcx\n"
	"xor %ebx, %ebx\n"
	"1:	mov (%r8), %rax\n"
	"add %rax, %rbx\n"
	"add $4096, %r8\n"
	"dec %rcx\n"
	"jnz 1b\n"
	"xor %eax, %eax\n"
	HYPERCALL
	"jmp prog_read\n");

GUEST_CODE(prog_widths, 64,
	"mov %dl, (%rdi)\n"
	"mov %dx, (%rdi)\n"
	"mov %edx, (%rdi)\n"
	"mov %rdx, (%rdi)\n"
	"xor %eax, %eax\n"
	HYPERCALL
	"jmp prog_widths\n");

GUEST_CODE(prog_iret, 64, "iretq");

static const struct {
	const __u8 *start, *end;
} programs[GUEST_PROGRAMS] = {
	[GUEST_SPIN] = { prog_spin, prog_spin_end },
	[GUEST_CALL] = { prog_call, prog_call_end },
	[GUEST_HALT] = { prog_halt, prog_halt_end },
	[GUEST_WRITE] = { prog_write, prog_write_end },
	[GUEST_READ] = { prog_read, prog_read_end },
	[GUEST_WIDTHS] = { prog_widths, prog_widths_end },
};

#define PROGRAM_ADDR(n)	(GUEST_PROGRAMS_ADDR + (n) * 256)

void x86_load_at(struct axv_vm *vm, __u64 gpa, const __u8 *start, const __u8 *end)
{
	static const __u8 vmmcall[] = { 0x0f, 0x01, 0xd9 };
	size_t size = end - start;
	__u8 *at = vm->ram + gpa;
	size_t i;

	must(gpa + size <= GUEST_RAM_SIZE);
	memcpy(at, start, size);
	if (axv_query(vm->dev, AXV_QUERY_BACKEND) != AXV_BACKEND_VMX)
		return;
	for (i = 0; i + sizeof(vmmcall) <= size; i++)
		if (!memcmp(at + i, vmmcall, sizeof(vmmcall)))
			at[i + 2] = 0xc1;	/* VMCALL */
}

static void x86_tables(struct axv_vm *vm)
{
	static const __u64 gdt[] = {
		[0] = 0,
		[SEL_CODE64 / 8] = 0x00af9b000000ffff,
		[SEL_DATA / 8] = 0x00cf93000000ffff,
		[SEL_CODE32 / 8] = 0x00cf9b000000ffff,
		[SEL_CODE16 / 8] = 0x00009b000000ffff,
		[SEL_USER_DATA / 8] = 0x00cff3000000ffff,
		[SEL_USER_CODE64 / 8] = 0x00affb000000ffff,
		[SEL_USER_CODE32 / 8] = 0x00cffb000000ffff,
		/* An available TSS, for LTR; in long mode its descriptor has 16 bytes. */
		[SEL_TSS / 8] = 0x0000890000000067 | GUEST_TSS << 16,
		[SEL_TSS / 8 + 1] = 0,
		[SEL_DATA16 / 8] = 0x000093000000ffff,
	};
	__u64 *pml4 = (void *)(vm->ram + GUEST_PML4);
	__u64 *pdpt = (void *)(vm->ram + GUEST_PDPT);
	__u64 *pd = (void *)(vm->ram + GUEST_PD);
	__u64 *pt = (void *)(vm->ram + GUEST_PT);
	__u32 *tss = (void *)(vm->ram + GUEST_TSS);
	int i;

	memcpy(vm->ram + GUEST_GDT, gdt, sizeof(gdt));
	pml4[0] = GUEST_PDPT | PTE_P | PTE_W | PTE_U;
	pdpt[0] = GUEST_PD | PTE_P | PTE_W | PTE_U;
	pd[0] = GUEST_PT | PTE_P | PTE_W | PTE_U;
	for (i = 1; i < 512; i++)
		pd[i] = i * HUGE_PAGE | PTE_PS | PTE_P | PTE_W | PTE_U;
	for (i = 0; i < 512; i++)
		pt[i] = i * PAGE | PTE_P | PTE_W | PTE_U;
	/* Offset 4: RSP0 in long mode, ESP0 (and SS0 after it) in 32-bit mode. */
	tss[1] = GUEST_STACK;
	tss[2] = 0;
	tss[25] = 0x68u << 16;		/* no I/O bitmap */
}

/* Set the fields that 32-bit and 64-bit TSSs have in different places. */
static void x86_tss_prot(struct axv_vm *vm, int prot)
{
	__u32 *tss = (void *)(vm->ram + GUEST_TSS);

	tss[2] = prot ? SEL_DATA : 0;
}

void guest_prepare(struct axv_vm *vm)
{
	int i;

	x86_tables(vm);
	for (i = 0; i < GUEST_PROGRAMS; i++)
		x86_load_at(vm, PROGRAM_ADDR(i), programs[i].start, programs[i].end);
	x86_load_at(vm, PROGRAM_ADDR(GUEST_PROGRAMS), prog_iret, prog_iret_end);
	x86_gate_long(vm, GUEST_VECTOR, PROGRAM_ADDR(GUEST_PROGRAMS), 0);
	x86_gate_long(vm, VEC_NMI, PROGRAM_ADDR(GUEST_PROGRAMS), 0);
}

__u64 *x86_pte(struct axv_vm *vm, __u64 addr)
{
	must(addr < HUGE_PAGE);
	return (__u64 *)(vm->ram + GUEST_PT) + addr / PAGE;
}

void x86_gate_real(struct axv_vm *vm, int vector, __u64 ip)
{
	__u16 *gate = (void *)(vm->ram + vector * 4);

	gate[0] = ip;
	gate[1] = 0;
}

void x86_gate_prot(struct axv_vm *vm, int vector, __u64 ip, int dpl)
{
	__u64 *gate = (void *)(vm->ram + GUEST_IDT + vector * 8);

	*gate = (ip & 0xffff) | (__u64)SEL_CODE32 << 16 |
		(0x8e00ull | dpl << 13) << 32 | (ip >> 16) << 48;
}

void x86_gate_long(struct axv_vm *vm, int vector, __u64 ip, int dpl)
{
	__u64 *gate = (void *)(vm->ram + GUEST_IDT + vector * 16);

	gate[0] = (ip & 0xffff) | (__u64)SEL_CODE64 << 16 |
		  (0x8e00ull | dpl << 13) << 32 | (ip >> 16 & 0xffff) << 48;
	gate[1] = ip >> 32;
}

static struct axv_x86_segment segment(__u16 selector, __u64 base, __u32 limit, __u16 attr)
{
	return (struct axv_x86_segment){
		.base = base, .limit = limit, .selector = selector, .attr = attr,
	};
}

static struct axv_run_regs *x86_start(struct axv_vcpu *v, __u64 ip)
{
	struct axv_run_regs *r = &v->run->regs;

	memset(r, 0, sizeof(*r));
	r->gprs.rip = ip;
	r->gprs.rflags = FLAG_FIXED;
	r->gprs.gpr[AXV_X86_RSP] = GUEST_STACK;
	r->sregs.gdtr.base = GUEST_GDT;
	r->sregs.gdtr.limit = 0x5f;
	r->sregs.idtr.base = GUEST_IDT;
	r->sregs.idtr.limit = 0xfff;
	r->sregs.seg[AXV_X86_TR] = segment(SEL_TSS, GUEST_TSS, 0x67, 0x8b);
	r->sregs.seg[AXV_X86_LDTR] = segment(0, 0, 0xffff, 0x82);
	v->run->dirty = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	v->run->want = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	return r;
}

static void x86_flat(struct axv_x86_sregs *s)
{
	int i;

	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		s->seg[i] = segment(SEL_DATA, 0, 0xffffffff, 0xc93);
	s->seg[AXV_X86_CS] = segment(SEL_CODE32, 0, 0xffffffff, 0xc9b);
	s->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE;
	s->cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
}

void x86_start_real(struct axv_vcpu *v, __u64 ip)
{
	struct axv_x86_sregs *s = &x86_start(v, ip)->sregs;
	int i;

	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		s->seg[i] = segment(0, 0, 0xffff, 0x93);
	s->seg[AXV_X86_CS] = segment(0, 0, 0xffff, 0x9b);
	s->seg[AXV_X86_TR] = segment(0, 0, 0xffff, 0x8b);
	s->idtr.base = 0;
	s->idtr.limit = 0x3ff;
	s->cr0 = CR0_ET;
}

void x86_start_prot(struct axv_vcpu *v, __u64 ip)
{
	x86_flat(&x86_start(v, ip)->sregs);
	x86_tss_prot(v->vm, 1);
}

void x86_start_long(struct axv_vcpu *v, __u64 ip)
{
	struct axv_x86_sregs *s = &x86_start(v, ip)->sregs;

	x86_flat(s);
	x86_tss_prot(v->vm, 0);
	s->seg[AXV_X86_CS] = segment(SEL_CODE64, 0, 0xffffffff, 0xa9b);
	s->cr0 |= CR0_PG;
	s->cr3 = GUEST_PML4;
	s->cr4 |= CR4_PAE;
	s->efer = EFER_LME | EFER_LMA;
}

int guest_setup(struct axv_vcpu *v)
{
	return vcpu_setup(v, GUEST_CODE_ADDR, AXV_X86_MODE_PROTECTED);
}

void guest_start(struct axv_vcpu *v, enum guest_program program, __u64 a0,
		 __u64 a1, __u64 a2)
{
	x86_start_long(v, PROGRAM_ADDR(program));
	*x86_gpr(v, AXV_X86_RDI) = a0;
	*x86_gpr(v, AXV_X86_RSI) = a1;
	*x86_gpr(v, AXV_X86_RDX) = a2;
}

int x86_in_qemu(void)
{
	unsigned int a, name[3];

	__cpuid(0x40000000, a, name[0], name[1], name[2]);
	return !memcmp(name, "TCGTCGTCGTCG", sizeof(name));
}

/* Bochs cannot be recognized from inside; vmtest says in the environment that it runs. */
int x86_in_bochs_svm(void)
{
	const char *emulator = getenv("VMTEST_EMU");
	unsigned int a, name[3];

	__cpuid(0, a, name[0], name[2], name[1]);
	return emulator && !strcmp(emulator, "bochs") &&
	       !memcmp(name, "AuthenticAMD", sizeof(name));
}

void x86_cpuid_with(struct axv_vcpu *v, __u32 ecx, __u32 edx)
{
	static struct axv_x86_cpuid leaves[1024];
	__u32 id = vcpu_info(v).hw_id, i;
	struct axv_table t = {
		.kind = AXV_TABLE_X86_CPUID,
		.count = 1024,
		.entry_size = sizeof(leaves[0]),
		.entries = (unsigned long)leaves,
	};

	must(!axv_ioctl(v->vm->dev, AXV_GET_TABLE, &t));
	must(t.count);
	for (i = 0; i < t.count; i++) {
		if (leaves[i].leaf == 0xb)
			leaves[i].edx = id;
		if (leaves[i].leaf != 1)
			continue;
		leaves[i].ebx = (leaves[i].ebx & ~(0xffu << 24)) | id << 24;
		leaves[i].ecx |= ecx;
		leaves[i].edx |= edx;
	}
	must(!axv_ioctl(v->fd, AXV_SET_TABLE, &t));
}

void x86_cpuid_all(struct axv_vcpu *v)
{
	x86_cpuid_with(v, 0, 0);
}

void x86_regs_copy(struct axv_vcpu *from, struct axv_vcpu *to)
{
	static struct axv_reg regs[1024];
	static __u64 ids[1024];
	struct axv_table t = {
		.kind = AXV_TABLE_REGS,
		.count = 1024,
		.entry_size = sizeof(__u64),
		.entries = (unsigned long)ids,
	};
	struct axv_regs list = { .regs = (unsigned long)regs };
	unsigned int i;

	must(!axv_ioctl(from->fd, AXV_GET_TABLE, &t));
	memset(regs, 0, sizeof(regs));
	for (i = 0; i < t.count; i++)
		regs[i].id = ids[i];
	list.count = t.count;
	must(!axv_ioctl(from->fd, AXV_VCPU_GET_REGS, &list));
	must(axv_ioctl(to->fd, AXV_VCPU_SET_REGS, &list) >= 0);
	for (i = 0; i < t.count; i++) {
		if (!regs[i].status || regs[i].status == -EPERM)
			continue;
		fprintf(stderr, "# register %#llx, value %#llx: status %d\n",
			(unsigned long long)regs[i].id, (unsigned long long)regs[i].value,
			regs[i].status);
		must(!regs[i].status);
	}
}
