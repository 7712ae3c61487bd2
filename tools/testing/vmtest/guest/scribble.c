// SPDX-License-Identifier: GPL-2.0
/*
 * Writes memory for ever, from every CPU, and checks that what it wrote last is still there,
 * as are its counts in a general and in an SSE register.
 *
 *	scribble MIB		so much memory for each CPU
 *
 * Each process prints "scribble: CPU c pass n" once a second, and a line with WRONG if something
 * has changed.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PAGE	4096
#define WORDS	(PAGE / sizeof(uint64_t))

static uint64_t value(unsigned int cpu, uint64_t page, uint64_t pass)
{
	return (pass << 40 | page << 8 | cpu) * 0x9e3779b97f4a7c15;
}

static void wrong(unsigned int cpu, const char *what, uint64_t page, uint64_t pass)
{
	printf("scribble: WRONG: CPU %u, %s of page %llu in pass %llu\n", cpu, what,
	       (unsigned long long)page, (unsigned long long)pass);
	exit(1);
}

/* The first and the last word of a page are one value, which is another in each pass. */
static void write_for_ever(unsigned int cpu, uint64_t *memory, uint64_t pages)
{
	uint64_t pass, page, n = 0;
	time_t told = 0;
	double sse = 0;

	for (pass = 1;; pass++) {
		for (page = 0; page < pages; page++) {
			uint64_t *words = memory + page * WORDS;
			uint64_t old = pass > 1 ? value(cpu, page, pass - 1) : 0;

			if (words[0] != old || words[WORDS - 1] != old)
				wrong(cpu, "memory", page, pass);
			words[0] = value(cpu, page, pass);
			words[WORDS - 1] = value(cpu, page, pass);
			/* Otherwise the compiler knows what the next pass is to find. */
			asm volatile("" : : "r" (memory) : "memory");
			n++;
			sse += 1;
			if (sse != n)
				wrong(cpu, "counts", page, pass);
		}
		if (time(NULL) == told)
			continue;
		told = time(NULL);
		printf("scribble: CPU %u pass %llu\n", cpu, (unsigned long long)pass);
	}
}

static void run(unsigned int cpu, uint64_t bytes)
{
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	if (memory == MAP_FAILED || sched_setaffinity(0, sizeof(one), &one)) {
		printf("scribble: WRONG: CPU %u does not start\n", cpu);
		exit(1);
	}
	write_for_ever(cpu, memory, bytes / PAGE);
}

int main(int argc, char **argv)
{
	long cpu, cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned long mib = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;

	if (!mib) {
		fprintf(stderr, "usage: scribble MIB\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (cpu = 1; cpu < cpus; cpu++) {
		if (!fork())
			run(cpu, mib << 20);
	}
	run(0, mib << 20);
}
