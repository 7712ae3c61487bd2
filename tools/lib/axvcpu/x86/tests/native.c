// SPDX-License-Identifier: GPL-2.0
/*
 * One instruction on the real CPU.
 *
 * The instruction is copied to a page below 4 GiB and followed by a jump back;
 * the registers are loaded from and stored to static memory, so that none of
 * them is needed for getting there.  32-bit code is entered through the
 * 32-bit user code segment that Linux on x86-64 has in its GDT.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#include "native.h"

#define LANDING		0x800	/* offset of the branch target in the page */
#define CS32		0x23
#define CS64		0x33
#define DATA		0x2b
#define STATUS		0xcd5	/* status flags and DF */

/* All that the assembly below touches; it knows the order. */
struct {
	__u64 gpr[16];
	__u64 rflags;
	__u64 landed;
	__u64 host_rsp;
	__u64 target;
	__u32 far32[2];		/* offset and selector of the 32-bit code */
	unsigned char fx[512] __attribute__((aligned(16)));
} native_state;

_Static_assert(offsetof(__typeof__(native_state), rflags) == 128, "asm");
_Static_assert(offsetof(__typeof__(native_state), landed) == 136, "asm");
_Static_assert(offsetof(__typeof__(native_state), host_rsp) == 144, "asm");
_Static_assert(offsetof(__typeof__(native_state), target) == 152, "asm");
_Static_assert(offsetof(__typeof__(native_state), far32) == 160, "asm");
_Static_assert(offsetof(__typeof__(native_state), fx) == 176, "asm");

void native_enter64(void);
void native_enter32(void);
extern const char native_back[];
extern const char native_back_landed[];

/* One page of code per mode; each has its way back behind the instruction. */
static unsigned char *code[2];

/* jmp *0(%rip), with the target behind it */
static unsigned char *put_jump64(unsigned char *p, const void *target)
{
	static const unsigned char jump[] = { 0xff, 0x25, 0, 0, 0, 0 };

	memcpy(p, jump, sizeof(jump));
	memcpy(p + sizeof(jump), &target, sizeof(target));
	return p + sizeof(jump) + sizeof(target);
}

/* ljmp $CS64, $target: back to 64-bit code, in the page itself */
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

bool native_init(void)
{
	unsigned int i;

	for (i = 0; i < 2; i++) {
		code[i] = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
			       MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
		if (code[i] == MAP_FAILED)
			return false;
		put_back(i, code[i] + LANDING, native_back_landed);
	}
	/* 64-bit code does without; 32-bit code does not. */
	asm volatile("mov %0, %%ds; mov %0, %%es" : : "r"(DATA));
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
	memcpy(native_state.fx, n->fx, sizeof(native_state.fx));
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
	memcpy(n->fx, native_state.fx, sizeof(native_state.fx));
	n->gprs.rflags = native_state.rflags;
	n->gprs.rip = native_state.landed ? native_landing(code32) :
					    (uintptr_t)p + size;
}
