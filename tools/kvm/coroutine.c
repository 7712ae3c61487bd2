// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * A function that can wait in the middle and go on later.
 */
#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>

#include "coroutine.h"

#define GUARD_SIZE	4096u
#define STACK_SIZE	(256u * 1024)

/* makecontext() passes numbers of 32 bits. */
static void begin(unsigned int low, unsigned int high)
{
	struct coroutine *c = (void *)((uintptr_t)high << 32 | low);

	c->function(c->arg);
	c->waits = false;
	swapcontext(&c->self, &c->caller);
}

int coroutine_start(struct coroutine *c, void (*function)(void *arg), void *arg)
{
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
	getcontext(&c->self);
	c->self.uc_stack.ss_sp = (char *)c->stack + GUARD_SIZE;
	c->self.uc_stack.ss_size = STACK_SIZE;
	c->self.uc_link = NULL;
	makecontext(&c->self, (void (*)(void))begin, 2, (unsigned int)(uintptr_t)c,
		    (unsigned int)((uintptr_t)c >> 32));
	swapcontext(&c->caller, &c->self);
	return 0;
}

void coroutine_go_on(struct coroutine *c)
{
	swapcontext(&c->caller, &c->self);
}

void coroutine_wait(struct coroutine *c)
{
	swapcontext(&c->self, &c->caller);
}

void coroutine_free(struct coroutine *c)
{
	if (c->stack)
		munmap(c->stack, GUARD_SIZE + STACK_SIZE);
	c->stack = NULL;
	c->waits = false;
}
