// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Executes one instruction by the CPU, in a copy of native_enter.S.
 */
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#include "native.h"

extern const char native_enter[], native_insn[], native_end[];

static char *code;

bool native_open(void)
{
	code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code == MAP_FAILED)
		return false;
	memcpy(code, native_enter, native_end - native_enter);
	return true;
}

void native_run(struct native *n, __u32 word)
{
	void (*enter)(struct native *n) = (void (*)(struct native *))code;
	char *insn = code + (native_insn - native_enter);

	memcpy(insn, &word, sizeof(word));
	__builtin___clear_cache(insn, insn + sizeof(word));
	enter(n);
}
