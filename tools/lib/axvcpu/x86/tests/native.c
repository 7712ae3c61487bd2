// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Executes one instruction on the real CPU.
 *
 * The instruction is copied to a page below 4 GiB and followed by a jump back; the
 * registers are loaded from and stored to static memory, so that none of them is needed
 * for the jumps.  32-bit code is entered through the 32-bit user code segment that Linux
 * on x86-64 has in its GDT, unless it runs on a hypervisor without one.
 */
#include <cpuid.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "native.h"

#define LANDING		0x800	/* offset of the branch target in the page */
#define CS32		0x23
#define CS64		0x33
#define DATA		0x2b
#define STATUS		0xcd5	/* status flags and DF */

/* All that native_switch.S accesses; it knows the offsets. */
struct {
	__u64 gpr[16];
	__u64 rflags;
	__u64 landed;
	__u64 host_rsp;
	__u64 target;
	__u32 far32[2];		/* offset and selector of the 32-bit code */
	__u64 components;	/* components for XSAVE; 0: use FXSAVE */
	unsigned char xsave[NATIVE_XSAVE] __attribute__((aligned(64)));
	int fault;
	__u32 error;
	__u64 address;
} native_state;

_Static_assert(offsetof(__typeof__(native_state), rflags) == 128, "asm");
_Static_assert(offsetof(__typeof__(native_state), landed) == 136, "asm");
_Static_assert(offsetof(__typeof__(native_state), host_rsp) == 144, "asm");
_Static_assert(offsetof(__typeof__(native_state), target) == 152, "asm");
_Static_assert(offsetof(__typeof__(native_state), far32) == 160, "asm");
_Static_assert(offsetof(__typeof__(native_state), components) == 168, "asm");
_Static_assert(offsetof(__typeof__(native_state), xsave) == 192, "asm");

void native_enter64(void);
void native_enter32(void);
extern const char native_far32[];
extern const char native_back[];
extern const char native_back_landed[];

/* One page of code for each mode, with room for the instruction and a jump back after it */
static unsigned char *code[2];

static bool has_code32;

/* Write jmp *0(%rip), with the target after it. */
static unsigned char *put_jump64(unsigned char *p, const void *target)
{
	static const unsigned char jump[] = { 0xff, 0x25, 0, 0, 0, 0 };

	memcpy(p, jump, sizeof(jump));
	memcpy(p + sizeof(jump), &target, sizeof(target));
	return p + sizeof(jump) + sizeof(target);
}

/* Write ljmp $CS64, $target: it goes back to 64-bit code in the page itself. */
static void put_jump32(unsigned char *p, const void *target)
{
	__u32 next = (uintptr_t)p + 7;
	__u16 selector = CS64;

	p[0] = 0xea;
	memcpy(p + 1, &next, sizeof(next));
	memcpy(p + 5, &selector, sizeof(selector));
	put_jump64(p + 7, target);
}

static void put_back(bool code32, unsigned char *p, const void *target)
{
	if (code32)
		put_jump32(p, target);
	else
		put_jump64(p, target);
}

/* The instruction has raised an exception: the registers are those before it. */
static void on_signal(int signal, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;
	uintptr_t ip = regs[REG_RIP];

	(void)info;
	if (ip - (uintptr_t)code[0] >= 4096 && ip - (uintptr_t)code[1] >= 4096 &&
	    ip != (uintptr_t)native_far32) {
		sigaction(signal, &(struct sigaction){ .sa_handler = SIG_DFL }, NULL);
		return;
	}
	native_state.fault = regs[REG_TRAPNO];
	native_state.error = regs[REG_ERR];
	native_state.address = regs[REG_CR2];
	regs[REG_RIP] = (uintptr_t)native_back;
	regs[REG_CSGSFS] = (regs[REG_CSGSFS] & ~0xffffll) | CS64;
}

static void take_signals(void)
{
	static const int signals[] = { SIGFPE, SIGSEGV, SIGBUS, SIGILL, SIGTRAP };
	static unsigned char stack[65536];
	struct sigaction action = {
		.sa_sigaction = on_signal,
		.sa_flags = SA_SIGINFO | SA_ONSTACK,
	};
	unsigned int i;

	sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof(stack) }, NULL);
	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
}

bool native_has_code32(void)
{
	return has_code32;
}

bool native_has_avx(void)
{
	return __builtin_cpu_supports("avx");
}

/* Find the offset of a component by CPUID 0dh; false if it ends beyond the block here. */
static bool find_component(unsigned int component, unsigned int *offset)
{
	unsigned int size, ecx, edx;

	return __get_cpuid_count(0xd, component, &size, offset, &ecx, &edx) && size &&
	       *offset + size <= NATIVE_XSAVE;
}

bool native_has_avx512(unsigned int *zmm, unsigned int *hi16)
{
	unsigned int masks;

	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl") && find_component(5, &masks) &&
	       find_component(6, zmm) && find_component(7, hi16);
}

/* Can 32-bit code be entered?  On some hypervisors the far jump faults. */
static bool try_code32(void)
{
	static const unsigned char nop = 0x90;
	static struct native n;

	/* FCW and MXCSR with exceptions masked: these values stay after the instruction. */
	memcpy(n.xsave, (__u16[]){ 0x37f }, 2);
	memcpy(n.xsave + 24, (__u32[]){ 0x1f80 }, 4);
	native_run(&n, &nop, sizeof(nop), true);
	return n.fault < 0;
}

bool native_init(void)
{
	unsigned int zmm, hi16;
	unsigned int i;

	take_signals();
	native_state.components = native_has_avx() ? 7 : 0;
	if (native_has_avx512(&zmm, &hi16))
		native_state.components |= 0xe0;

	for (i = 0; i < 2; i++) {
		code[i] = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
		if (code[i] == MAP_FAILED)
			return false;
		put_back(i, code[i] + LANDING, native_back_landed);
	}
	/* 64-bit code does not need DS and ES, but 32-bit code does. */
	asm volatile("mov %0, %%ds; mov %0, %%es" : : "r"(DATA));
	has_code32 = try_code32();
	return true;
}

__u64 native_landing(bool code32)
{
	return (uintptr_t)code[code32] + LANDING;
}

__u64 native_code(bool code32)
{
	return (uintptr_t)code[code32];
}

void native_run(struct native *n, const void *insn, unsigned int size, bool code32)
{
	unsigned char *p = code[code32];

	memcpy(p, insn, size);
	put_back(code32, p + size, native_back);
	memcpy(native_state.gpr, n->gprs.gpr, sizeof(native_state.gpr));
	memcpy(native_state.xsave, n->xsave, sizeof(native_state.xsave));
	native_state.fault = -1;
	native_state.rflags = (n->gprs.rflags & STATUS) | 0x202;
	native_state.landed = 0;
	native_state.target = (uintptr_t)p;
	native_state.far32[0] = (uintptr_t)p;
	native_state.far32[1] = CS32;
	if (code32)
		native_enter32();
	else
		native_enter64();
	memcpy(n->gprs.gpr, native_state.gpr, sizeof(native_state.gpr));
	memcpy(n->xsave, native_state.xsave, sizeof(native_state.xsave));
	n->gprs.rflags = native_state.rflags;
	n->fault = native_state.fault;
	n->error = native_state.error;
	n->address = native_state.address;
	if (n->fault >= 0)
		n->gprs.rip = (uintptr_t)p;
	else
		n->gprs.rip = native_state.landed ? native_landing(code32) :
						    (uintptr_t)p + size;
}
