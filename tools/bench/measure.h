/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Macros that measure something, in ticks of the counter, between two markers.
 */
#ifndef MEASURE_H
#define MEASURE_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "marker.h"

#define SAMPLES		101
#define PAGE		4096ul

/* bench.c: the interface that is measured, and the guest's memory. */
extern const struct bench_vmm *vmm;
extern char *memory;

/* bench.c: sorts the samples, and prints their median, minimum and maximum. */
void report(enum path path, uint64_t *samples, unsigned int count);

/* bench.c: whether the next round of a path is traced. */
int is_traced(enum path path);

static inline uint64_t address_of(const char *code)
{
	return GUEST_CODE + (code - guest_begin);
}

static inline struct guest_params *params(void)
{
	return (struct guest_params *)(memory + GUEST_PARAMS);
}

static inline void expect(enum bench_exit exit_wanted)
{
	if (vmm->run() == exit_wanted)
		return;
	fprintf(stderr, "%s: not the exit that was expected\n", vmm->name);
	exit(1);
}

static inline void ask(uint64_t count, uint64_t address, uint64_t step)
{
	params()->count = count;
	params()->address = address;
	params()->step = step;
}

/* Ticks of one statement.  This is a macro, as MARK() needs a constant. */
#define timed(path, statement)					\
	({							\
		uint64_t __begin, __ticks;			\
		int __traced = is_traced(path);			\
								\
		if (__traced)					\
			BREAK();				\
		MARK(path);					\
		__begin = ticks();				\
		statement;					\
		__ticks = ticks() - __begin;			\
		MARK(MARKER_END);				\
		if (__traced)					\
			BREAK();				\
		__ticks;					\
	})

/* Measure one statement many times; each sample is the mean of TIMES executions. */
#define measure(path, statement)				\
	do {							\
		uint64_t samples[SAMPLES];			\
		unsigned int i, __n;				\
								\
		for (i = 0; i < SAMPLES; i++)			\
			samples[i] = timed(path,		\
				for (__n = 0; __n < TIMES; __n++)	\
					statement) / TIMES;	\
		report(path, samples, SAMPLES);			\
	} while (0)

/*
 * Ticks of one unit, of which the guest does many in one run, without the ticks in which the
 * guest waits.  @prepare is done before each run, and is not measured.
 */
#define per_unit(path, address, prepare)			\
	({							\
		uint64_t __alone, __ticks;			\
								\
		ask(0, 0, 0);					\
		prepare;					\
		__alone = timed(PATH_RUN, expect(BENCH_STOP));	\
		ask(path_info[path].units, address, PAGE);	\
		prepare;					\
		__ticks = timed(path, expect(BENCH_STOP));	\
		(__ticks - params()->waited - __alone) /	\
			path_info[path].units;			\
	})

/* Measure exits that the kernel answers.  A macro for the same reason. */
#define measure_in_kernel(path, code, address, prepare)		\
	do {							\
		uint64_t samples[SAMPLES];			\
		unsigned int i;					\
								\
		params()->waited = 0;				\
		vmm->set_pc(address_of(code));			\
		ask(4, address, 0);				\
		prepare;					\
		expect(BENCH_STOP);				\
		for (i = 0; i < SAMPLES; i++)			\
			samples[i] = per_unit(path, address, prepare);	\
		report(path, samples, SAMPLES);			\
	} while (0)

#endif /* MEASURE_H */
