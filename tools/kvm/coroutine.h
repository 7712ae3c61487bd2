/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * A function that can wait in the middle and go on later.
 */
#ifndef COROUTINE_H
#define COROUTINE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * struct coroutine - one function, on a stack of its own
 * @caller: the stack pointer in coroutine_start() or coroutine_go_on(), while the function runs
 * @self: the function's stack pointer, while it waits
 * @stack: its stack, with an inaccessible guard page below; NULL: none yet
 * @function: the function
 * @arg: for @function
 * @waits: it has begun and has not returned
 */
struct coroutine {
	void *caller;
	void *self;
	void *stack;
	void (*function)(void *arg);
	void *arg;
	bool waits;
};

/**
 * coroutine_start() - call a function until it waits or returns
 * @c: no function waits in it
 * @function: the function
 * @arg: for @function
 *
 * Return: 0: see @c->waits; -ENOMEM.
 */
int coroutine_start(struct coroutine *c, void (*function)(void *arg), void *arg);

/** coroutine_go_on() - let the function go on, until it waits again or returns */
void coroutine_go_on(struct coroutine *c);

/** coroutine_wait() - the function waits: coroutine_start() or coroutine_go_on() returns */
void coroutine_wait(struct coroutine *c);

/** coroutine_free() - free the stack; a function that waits never goes on */
void coroutine_free(struct coroutine *c);

#endif /* COROUTINE_H */
