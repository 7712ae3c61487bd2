// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * A function that can wait in the middle and go on later.
 *
 * swapcontext() is not for this: it sets the signal mask to what it was when the function waited,
 * so that a signal which the VMM has blocked since comes nevertheless, and makes a system call
 * for that.  A function waits by a call, and the ABI names the few registers that a call must
 * keep; these and the stack are all that is switched.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "coroutine.h"

#define GUARD_SIZE	4096u
#define STACK_SIZE	(256u * 1024)

/* The words that coroutine_switch() takes from a stack, from the lowest on. */
enum {
	CONTROL,	/* MXCSR, and the control word of the x87 */
	R15,
	R14,
	R13,
	R12,
	RBX,
	RBP,
	RETURN,
	FRAME_WORDS,
	/*
	 * Two words above the frame: the stack pointer becomes a multiple of 16, as the ABI
	 * demands at a call.
	 */
	TOP_WORDS = FRAME_WORDS + 2,
};

/* Push the caller's registers, store its stack pointer in *@from; go on at stack pointer @to. */
void coroutine_switch(void **from, void *to);

/* Where a coroutine begins: calls the function in R12 with what is in R13. */
void coroutine_entry(void);

/* Global: with LTO the callers may be in another object. */
__asm__(".text\n"
	".globl coroutine_switch, coroutine_entry\n"
	".hidden coroutine_switch, coroutine_entry\n"
	".type coroutine_switch, @function\n"
	"coroutine_switch:\n"
	".cfi_startproc\n"
	"	endbr64\n"
	"	push %rbp\n"
	"	push %rbx\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	sub $8, %rsp\n"
	".cfi_def_cfa_offset 64\n"
	"	stmxcsr (%rsp)\n"
	"	fnstcw 4(%rsp)\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	fldcw 4(%rsp)\n"
	"	ldmxcsr (%rsp)\n"
	"	add $8, %rsp\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbx\n"
	"	pop %rbp\n"
	".cfi_def_cfa_offset 8\n"
	"	ret\n"
	".cfi_endproc\n"
	".size coroutine_switch, . - coroutine_switch\n"
	".type coroutine_entry, @function\n"
	"coroutine_entry:\n"
	".cfi_startproc\n"
	".cfi_undefined rip\n"
	"	mov %r13, %rdi\n"
	"	call *%r12\n"
	"	ud2\n"
	".cfi_endproc\n"
	".size coroutine_entry, . - coroutine_entry\n");

static void begin(void *arg)
{
	struct coroutine *c = arg;

	c->function(c->arg);
	c->waits = false;
	coroutine_switch(&c->self, c->caller);
}

/*
 * The caller's floating-point control words.  The function begins with them, as a called one
 * does.
 */
static uint64_t control(void)
{
	uint32_t mxcsr;
	uint16_t fcw;

	__asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(mxcsr), "=m"(fcw));
	return mxcsr | (uint64_t)fcw << 32;
}

int coroutine_start(struct coroutine *c, void (*function)(void *arg), void *arg)
{
	uint64_t *frame;
	void *stack;

	if (!c->stack) {
		stack = mmap(NULL, GUARD_SIZE + STACK_SIZE, PROT_READ | PROT_WRITE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
		if (stack == MAP_FAILED)
			return -ENOMEM;
		if (mprotect(stack, GUARD_SIZE, PROT_NONE)) {
			munmap(stack, GUARD_SIZE + STACK_SIZE);
			return -ENOMEM;
		}
		c->stack = stack;
	}
	c->function = function;
	c->arg = arg;
	c->waits = true;
	frame = (uint64_t *)((char *)c->stack + GUARD_SIZE + STACK_SIZE) - TOP_WORDS;
	frame[CONTROL] = control();
	frame[R12] = (uintptr_t)begin;
	frame[R13] = (uintptr_t)c;
	frame[RBP] = 0;
	frame[RETURN] = (uintptr_t)coroutine_entry;
	c->self = frame;
	coroutine_switch(&c->caller, c->self);
	return 0;
}

void coroutine_go_on(struct coroutine *c)
{
	coroutine_switch(&c->caller, c->self);
}

void coroutine_wait(struct coroutine *c)
{
	coroutine_switch(&c->self, c->caller);
}

void coroutine_free(struct coroutine *c)
{
	if (c->stack)
		munmap(c->stack, GUARD_SIZE + STACK_SIZE);
	c->stack = NULL;
	c->waits = false;
}
