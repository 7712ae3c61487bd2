/* SPDX-License-Identifier: GPL-2.0 */
/* TAP output for the tests of axvmm's devices. */
#ifndef AXVMM_TESTS_TAP_H
#define AXVMM_TESTS_TAP_H

#include "types.h"

/**
 * struct tap_case - a test
 * @name:	what the test shows
 * @run:	the test
 */
struct tap_case {
	const char *name;
	void (*run)(void);
};

/**
 * tap_run() - run tests and print the results
 * @cases:	the tests
 * @count:	how many
 *
 * Return: exit code: 0 if all passed.
 */
int tap_run(const struct tap_case *cases, unsigned int count);

/* Make the current test fail, and print a line that says where and why. */
__attribute__((format(printf, 3, 4)))
void tap_fail(const char *file, int line, const char *fmt, ...);

/**
 * tap_child() - run a function in a child process, and keep what it prints
 * @fn:		the function, which does not return
 * @arg:	for @fn
 * @said:	where to store what the child prints to its standard output and error
 * @size:	bytes of @said; what does not fit is lost
 *
 * Return: the child's exit code, or 128 and the signal that ended it.
 */
int tap_child(void (*fn)(const void *arg), const void *arg, char *said, size_t size);

/* Check a condition.  If it is false, the test fails, but goes on. */
#define CHECK(condition)						\
	do {								\
		if (!(condition))					\
			tap_fail(__FILE__, __LINE__, "%s", #condition);	\
	} while (0)

#define CHECK_EQ(actual, expected)					\
	do {								\
		unsigned long long a_ = (actual), e_ = (expected);	\
									\
		if (a_ != e_)						\
			tap_fail(__FILE__, __LINE__,			\
				 "%s is %#llx, expected %#llx",		\
				 #actual, a_, e_);			\
	} while (0)

#endif /* AXVMM_TESTS_TAP_H */
