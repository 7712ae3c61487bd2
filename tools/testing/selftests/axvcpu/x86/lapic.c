// SPDX-License-Identifier: GPL-2.0
/*
 * Guests with a local APIC in the kernel: the program that all of them run.  See lapic.h.
 */
#include "lapic.h"

#define AREA		GUEST_DATA		/* data of vCPU 0; its stack is at the end */
#define AREA_SIZE	0x4000ul
#define AREAS		16
#define PD_OF_DEVICES	0x97000ul
#define REAL_COUNT	0x700ul

#define OP(name)	".globl op_" #name "\nop_" #name ":\n"

/* Waits until an interrupt is taken; R9 is how many were taken before. */
#define AWAIT(how)							\
	"cli\n"								\
	"cmp %r9, 24(%r15)\n"						\
	"jne 3f\n"							\
	"sti\n"								\
	how "\n"							\
	"jmp 2b\n"							\
	"3: inc %r9\n"

#define PING(name, how)							\
	OP(name)							\
	"mov 24(%r15), %r9\n"						\
	"1: call send\n"						\
	"2:\n" AWAIT(how)						\
	"dec %rdi\n"							\
	"jnz 1b\n"							\
	"ret\n"

#define PONG(name, how)							\
	OP(name)							\
	"mov 24(%r15), %r9\n"						\
	"2:\n" AWAIT(how)						\
	"call send\n"							\
	"dec %rdi\n"							\
	"jnz 2b\n"							\
	"ret\n"

/*
 * There is a stub for each vector, 16 bytes apart, and then the rest.  R15 is the address of
 * the vCPU's struct lapic_guest.  The answer to a hypercall says what to do next: RDX is the
 * address of the code, with arguments in RDI and RSI; 0 ends a handler.
 */
GUEST_CODE(program, 64,
	".set vector, 0\n"
	".rept 256\n"
	".balign 16\n"
	"pushq $vector\n"
	".if vector < 32 && vector != 2\n"
	"jmp bad\n"
	".else\n"
	"jmp handler\n"
	".endif\n"
	".set vector, vector + 1\n"
	".endr\n"
	".balign 16\n"

	".globl program_main\n"
	"program_main:\n"
	"mov $0x2000, %eax\n"
	"xor %ebp, %ebp\n"
	"call serve\n"
	"jmp program_main\n"

	"serve:\n"
	HYPERCALL
	"test %rdx, %rdx\n"
	"jz 1f\n"
	"call *%rdx\n"
	"mov $0x2000, %eax\n"
	"mov 8(%r15), %rbp\n"
	"movq $0, 8(%r15)\n"
	"jmp serve\n"
	"1: ret\n"

	"handler:\n"
	"push %rax\n"
	"push %rbx\n"
	"push %rcx\n"
	"push %rdx\n"
	"push %rsi\n"
	"push %rdi\n"
	"push %rbp\n"
	"push %r8\n"
	"push %r9\n"
	"push %r10\n"
	"push %r11\n"
	"mov 88(%rsp), %rax\n"
	"movzbl 24(%r15), %ecx\n"
	"mov %al, 64(%r15, %rcx)\n"
	"incq 24(%r15)\n"
	/*
	 * QEMU's VMRUN does not load the shadow of STI (APM 15.21.5), so the interrupt that
	 * should end the HLT may come before it: then the HLT is skipped.
	 */
	"mov 96(%rsp), %rbx\n"
	"cmpb $0xf4, (%rbx)\n"
	"jne 1f\n"
	"incq 96(%rsp)\n"
	"1: testb $1, (%r15)\n"
	"jz 1f\n"
	"add $0x1000, %eax\n"
	"call serve\n"
	"1: testb $2, (%r15)\n"
	"jz 2f\n"
	"cmpl $2, 88(%rsp)\n"
	"je 2f\n"
	"mov 40(%r15), %rax\n"
	"dec %rax\n"
	"cmp %rax, 24(%r15)\n"
	"ja 2f\n"
	"call eoi\n"
	"2: pop %r11\n"
	"pop %r10\n"
	"pop %r9\n"
	"pop %r8\n"
	"pop %rbp\n"
	"pop %rdi\n"
	"pop %rsi\n"
	"pop %rdx\n"
	"pop %rcx\n"
	"pop %rbx\n"
	"pop %rax\n"
	"add $8, %rsp\n"
	"iretq\n"

	"eoi:\n"
	"xor %eax, %eax\n"
	"testb $4, (%r15)\n"
	"jnz 1f\n"
	"mov $0xfee000b0, %ecx\n"
	"mov %eax, (%rcx)\n"
	"ret\n"
	"1: xor %edx, %edx\n"
	"mov $0x80b, %ecx\n"
	"wrmsr\n"
	"ret\n"

	/* A #GP that the code expects: go on behind the instruction. */
	".globl handler_gp\n"
	"handler_gp:\n"
	"cmpq $0, 16(%r15)\n"
	"je 1f\n"
	"add $8, %rsp\n"
	"push %rax\n"
	"mov 16(%r15), %rax\n"
	"mov %rax, 8(%rsp)\n"
	"pop %rax\n"
	"movq $1, 8(%r15)\n"
	"iretq\n"
	"1: pushq $13\n"
	/* Any other exception: call with 0x4000 and the vector, and the frame. */
	"bad: pop %rax\n"
	"add $0x4000, %eax\n"
	"mov (%rsp), %rbx\n"
	"mov 8(%rsp), %rcx\n"
	HYPERCALL
	"jmp bad\n"

	/* Writes RSI to the ICR; preserves RSI, RDI and R9. */
	"send:\n"
	"testb $4, (%r15)\n"
	"jnz 1f\n"
	"mov $0xfee00310, %ecx\n"
	"mov %rsi, %rax\n"
	"shr $32, %rax\n"
	"mov %eax, (%rcx)\n"
	"mov $0xfee00300, %ecx\n"
	"mov %esi, (%rcx)\n"
	"ret\n"
	"1: mov %esi, %eax\n"
	"mov %rsi, %rdx\n"
	"shr $32, %rdx\n"
	"mov $0x830, %ecx\n"
	"wrmsr\n"
	"ret\n"

	OP(send)
	"jmp send\n"

	OP(read)
	"mov (%rdi), %ebx\n"
	"ret\n"

	OP(write)
	"mov %esi, (%rdi)\n"
	"ret\n"

	OP(rdmsr)
	"lea 1f(%rip), %rax\n"
	"mov %rax, 16(%r15)\n"
	"xor %ebx, %ebx\n"
	"mov %edi, %ecx\n"
	"rdmsr\n"
	"mov %rdx, %rbx\n"
	"shl $32, %rbx\n"
	"or %rax, %rbx\n"
	"1: movq $0, 16(%r15)\n"
	"ret\n"

	OP(wrmsr)
	"lea 1f(%rip), %rax\n"
	"mov %rax, 16(%r15)\n"
	"mov %edi, %ecx\n"
	"mov %esi, %eax\n"
	"mov %rsi, %rdx\n"
	"shr $32, %rdx\n"
	"wrmsr\n"
	"1: movq $0, 16(%r15)\n"
	"ret\n"

	OP(get_cr8)
	"mov %cr8, %rbx\n"
	"ret\n"

	OP(set_cr8)
	"mov %rdi, %cr8\n"
	"ret\n"

	OP(sti)
	"sti\n"
	"nop\n"
	"ret\n"

	OP(cli)
	"cli\n"
	"ret\n"

	OP(open)
	"sti\n"
	"nop\n"
	"nop\n"
	"cli\n"
	"ret\n"

	OP(halt)
	"sti\n"
	"hlt\n"
	"cli\n"
	"ret\n"

	OP(hang)
	"1: hlt\n"
	"jmp 1b\n"

	OP(doze)
	"1: cli\n"
	"cmp %rsi, 24(%r15)\n"
	"jae 2f\n"
	"sti\n"
	"hlt\n"
	"jmp 1b\n"
	"2: ret\n"

	OP(spin)
	"sti\n"
	"1: incq 32(%r15)\n"
	"cmp %rsi, 24(%r15)\n"
	"jb 1b\n"
	"cli\n"
	"ret\n"

	OP(cpuid)
	"mov %edi, %eax\n"
	"mov %esi, %ecx\n"
	"cpuid\n"
	"mov %eax, %esi\n"
	"ret\n"

	OP(rdtsc)
	"rdtsc\n"
	"mov %rdx, %rbx\n"
	"shl $32, %rbx\n"
	"or %rax, %rbx\n"
	"ret\n"

	OP(deadline)
	"rdtsc\n"
	"mov %rdx, %rbx\n"
	"shl $32, %rbx\n"
	"or %rax, %rbx\n"
	"add %rsi, %rbx\n"
	"mov %ebx, %eax\n"
	"mov %rbx, %rdx\n"
	"shr $32, %rdx\n"
	"mov $0x6e0, %ecx\n"
	"wrmsr\n"
	"ret\n"

	PING(ping, "hlt")
	PONG(pong, "hlt")
	PING(ping_spin, "pause")
	PONG(pong_spin, "pause")

	OP(storm)
	"sti\n"
	"1: call send\n"
	"incq 32(%r15)\n"
	"dec %rdi\n"
	"jnz 1b\n"
	"cli\n"
	"ret\n");
_Static_assert(offsetof(struct lapic_guest, fault) == 8 &&
	       offsetof(struct lapic_guest, fixup) == 16 &&
	       offsetof(struct lapic_guest, taken) == 24 &&
	       offsetof(struct lapic_guest, rounds) == 32 &&
	       offsetof(struct lapic_guest, limit) == 40 &&
	       offsetof(struct lapic_guest, log) == 64, "as the program has them");
GUEST_LABEL(program_main);
#define OP_LABEL(name)	op_##name[],
extern const __u8 LAPIC_OPS(OP_LABEL) handler_gp[];

/* What runs after a SIPI: calls with CS and flags, then counts, with interrupts on. */
GUEST_CODE(real_mode, 16,
	"pushfl\n"
	"pop %ecx\n"
	"xor %ebx, %ebx\n"
	"mov %cs, %bx\n"
	"mov $0x3000, %eax\n"
	HYPERCALL
	"sti\n"
	"1: incl %ds:0x700\n"
	"jmp 1b\n");

void lapic_vm_new_flags(struct axv_vm *vm, __u32 flags)
{
	__u64 *pdpt, *pd;
	int i;

	vm_new_irqchip(vm, AXV_VM_HALT_IN_KERNEL | flags, AXV_IRQCHIP_LAPIC);
	x86_load(vm, program);
	for (i = 0; i < 256; i++)
		x86_gate_long(vm, i, GUEST_CODE_ADDR + 16 * i, 0);
	x86_gate_long(vm, VEC_GP, GUEST_ADDR(program, handler_gp), 0);
	/* Map the fourth GiB one to one, as the first is. */
	pdpt = (__u64 *)(vm->ram + GUEST_PDPT);
	pd = (__u64 *)(vm->ram + PD_OF_DEVICES);
	pdpt[3] = PD_OF_DEVICES | PTE_P | PTE_W | PTE_U;
	for (i = 0; i < 512; i++)
		pd[i] = ((3ull << 30) + i * HUGE_PAGE) | PTE_PS | PTE_P | PTE_W;
}

void lapic_vm_new(struct axv_vm *vm)
{
	lapic_vm_new_flags(vm, 0);
}

void lapic_new(struct axv_vm *vm, struct lapic_cpu *c, __u32 id, __u32 hw_id)
{
	memset(c, 0, sizeof(*c));
	must(id < AREAS);
	c->guest = (struct lapic_guest *)(vm->ram + AREA + id * AREA_SIZE);
	c->guest->flags = GUEST_EOI;
	c->hw_id = hw_id;
	vcpu_new_as(vm, &c->v, id, hw_id);
	c->v.run->want = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	x86_cpuid_with(&c->v, CPUID_X2APIC | CPUID_TSC_DEADLINE, CPUID_APIC);
	must(!guest_setup(&c->v));
}

void lapic_mode_is(struct lapic_cpu *c, bool x2apic)
{
	c->x2apic = x2apic;
	c->guest->flags = (c->guest->flags & ~GUEST_X2APIC) | (x2apic ? GUEST_X2APIC : 0);
}

void lapic_start(struct lapic_cpu *c)
{
	const __u64 area = (__u8 *)c->guest - c->v.vm->ram;

	x86_start_long(&c->v, GUEST_ADDR(program, program_main));
	*x86_gpr(&c->v, AXV_X86_R15) = area;
	*x86_gpr(&c->v, AXV_X86_RSP) = area + AREA_SIZE;
	must(lapic_go(c) == DONE);
	lapic_write(c, APIC_SVR, SVR_ENABLE | 0xff);
}

void lapic_reset(struct lapic_cpu *c)
{
	must(!vcpu_reset(&c->v));
	must(!guest_setup(&c->v));
	must(!vcpu_bind(&c->v));
	lapic_mode_is(c, false);
	c->guest->flags = GUEST_EOI;
	c->guest->limit = 0;
	c->seen = c->guest->taken;
}

void lapic_begin(struct axv_vm *vm, struct lapic_cpu *c, __u32 id, __u32 hw_id)
{
	lapic_new(vm, c, id, hw_id);
	must(!vcpu_bind(&c->v));
	must(!reg_set(&c->v, AXV_REG_X86(EVENT, AXV_X86_EVENT_HALTED), 0));
	must(!reg_set(&c->v, AXV_REG_X86(EVENT, AXV_X86_EVENT_WAIT_SIPI), 0));
	lapic_start(c);
}

void lapic_free(struct lapic_cpu *c)
{
	vcpu_free(&c->v);
}

void lapic_four_new(struct axv_vm *vm, struct lapic_cpu *c, bool x2apic)
{
	static const __u32 hw_ids[LAPIC_CPUS] = { 0, 1, 17, 0x102 };
	int i;

	lapic_vm_new(vm);
	for (i = 0; i < LAPIC_CPUS; i++) {
		lapic_begin(vm, &c[i], i, hw_ids[i]);
		if (x2apic)
			lapic_to_x2apic(&c[i]);
	}
}

void lapic_four_free(struct axv_vm *vm, struct lapic_cpu *c)
{
	int i;

	for (i = 0; i < LAPIC_CPUS; i++)
		lapic_free(&c[i]);
	vm_free(vm);
}

void lapic_real_mode(struct axv_vm *vm, __u8 page)
{
	x86_load_at(vm, page * PAGE, real_mode, real_mode_end);
}

volatile __u32 *lapic_real_count(struct axv_vm *vm)
{
	return (volatile __u32 *)(vm->ram + REAL_COUNT);
}

void lapic_order(struct lapic_cpu *c, enum lapic_op op, __u64 a, __u64 b)
{
#define OP_ADDRESS(name)	op_##name,
	static const __u8 *const ops[] = { LAPIC_OPS(OP_ADDRESS) };

	*x86_gpr(&c->v, AXV_X86_RDX) = GUEST_ADDR(program, ops[op]);
	*x86_gpr(&c->v, AXV_X86_RDI) = a;
	*x86_gpr(&c->v, AXV_X86_RSI) = b;
	x86_touch_gprs(&c->v);
}

/* How a run has ended: DONE, TAKEN(), REAL_MODE or EXIT(). */
static __u64 ended_with(struct lapic_cpu *c, int reason)
{
	must(reason >= 0);
	if (reason != AXV_EXIT_HYPERCALL)
		return EXIT(reason);
	return c->v.run->exit.hypercall.nr;
}

__u64 lapic_go(struct lapic_cpu *c)
{
	return ended_with(c, vcpu_run(&c->v));
}

__u64 lapic_do(struct lapic_cpu *c, enum lapic_op op, __u64 a, __u64 b)
{
	lapic_order(c, op, a, b);
	return lapic_go(c);
}

__u64 lapic_leave(struct lapic_cpu *c)
{
	*x86_gpr(&c->v, AXV_X86_RDX) = 0;
	x86_touch_gprs(&c->v);
	return lapic_go(c);
}

/* Make the guest do something that must succeed; returns the result. */
static __u64 done(struct lapic_cpu *c, enum lapic_op op, __u64 a, __u64 b)
{
	__u64 end = lapic_do(c, op, a, b);

	if (end != DONE) {
		fprintf(stderr, "# %#llx instead of the end of %d(%#llx, %#llx)\n",
			(unsigned long long)end, op, (unsigned long long)a,
			(unsigned long long)b);
		vcpu_dump(&c->v);
	}
	must(end == DONE);
	return lapic_result(c);
}

static int until_it_calls(struct axv_runner *r)
{
	return r->vcpu->run->exit_reason != AXV_EXIT_NOTHING;
}

void lapic_runner_start(struct axv_runner *r, struct lapic_cpu *c)
{
	runner_start(r, &c->v, until_it_calls, NULL);
}

static int faulted(struct lapic_cpu *c)
{
	return c->v.run->exit.hypercall.args[5] ? -1 : 0;
}

int lapic_rdmsr(struct lapic_cpu *c, __u32 msr, __u64 *value)
{
	*value = done(c, OP_rdmsr, msr, 0);
	return faulted(c);
}

int lapic_wrmsr(struct lapic_cpu *c, __u32 msr, __u64 value)
{
	done(c, OP_wrmsr, msr, value);
	return faulted(c);
}

__u32 lapic_read(struct lapic_cpu *c, __u32 reg)
{
	__u64 value;

	if (!c->x2apic)
		return done(c, OP_read, APIC_PAGE + reg, 0);
	must(!lapic_rdmsr(c, MSR_X2APIC + reg / 16, &value));
	return value;
}

void lapic_write(struct lapic_cpu *c, __u32 reg, __u32 value)
{
	if (!c->x2apic)
		done(c, OP_write, APIC_PAGE + reg, value);
	else
		must(!lapic_wrmsr(c, MSR_X2APIC + reg / 16, value));
}

void lapic_to_x2apic(struct lapic_cpu *c)
{
	__u64 base;

	must(!lapic_rdmsr(c, MSR_APIC_BASE, &base));
	must(!lapic_wrmsr(c, MSR_APIC_BASE, base | APIC_BASE_X2APIC));
	lapic_mode_is(c, true);
}

__u64 lapic_icr(struct lapic_cpu *c, __u32 destination, __u32 low)
{
	return (__u64)destination << (c->x2apic ? 32 : 56) | low;
}

void lapic_send(struct lapic_cpu *c, __u32 destination, __u32 low)
{
	done(c, OP_send, 0, lapic_icr(c, destination, low));
}

__u32 lapic_errors(struct lapic_cpu *c)
{
	__u32 errors;

	/* Each write updates ESR to the errors since the last write. */
	lapic_write(c, APIC_ESR, 0);
	errors = lapic_read(c, APIC_ESR);
	lapic_write(c, APIC_ESR, 0);
	return errors;
}

bool lapic_bit(struct lapic_cpu *c, __u32 reg, __u8 vector)
{
	return lapic_read(c, reg + vector / 32 * 16) >> vector % 32 & 1;
}

int lapic_only(struct lapic_cpu *c, __u32 reg)
{
	int i, found = 0;
	__u32 bits;

	for (i = 0; i < 8; i++) {
		bits = lapic_read(c, reg + i * 16);
		if (!bits)
			continue;
		if (found || bits & (bits - 1))
			return -1;
		found = i * 32 + __builtin_ctz(bits);
	}
	return found;
}

__u64 lapic_taken(struct lapic_cpu *c)
{
	const struct lapic_guest *g = c->guest;
	__u64 vectors = 0;

	done(c, OP_open, 0, 0);
	/* More than 8 vectors do not fit into the result. */
	must(g->taken - c->seen <= 8);
	for (; c->seen != g->taken; c->seen++)
		vectors = vectors << 8 | g->log[c->seen % sizeof(g->log)];
	return vectors;
}

__u64 lapic_reg(struct lapic_cpu *c, __u32 reg)
{
	__u64 value;

	must(!reg_get(&c->v, AXV_REG_X86(LAPIC, reg), &value));
	return value;
}

int lapic_msi(struct axv_vm *vm, __u64 address, __u32 data)
{
	struct axv_inject msi = { .type = AXV_INJECT_MSI, .address = address, .data = data };

	return axv_ioctl(vm->fd, AXV_INJECT, &msi);
}
