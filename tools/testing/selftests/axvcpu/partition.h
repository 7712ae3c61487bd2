/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A vCPU that has a host CPU for itself: what makes it exit but its own ticks?  Included
 * once per program, by the file with the test.
 */
#ifndef AXV_PARTITION_H
#define AXV_PARTITION_H

#include "axv_harness.h"

#define ROUNDS		10
#define TICKS		20	/* of a round, 10 ms apart: as long as 50 ticks of the host's */
#define TICK_US		10000

/* A list of CPUs as sysfs has them, "1,3-5"; false: it is not there, or has none. */
static bool read_cpus(const char *path, cpu_set_t *set)
{
	FILE *f = fopen(path, "r");
	int first, last;
	char end;

	CPU_ZERO(set);
	if (!f)
		return false;
	while (fscanf(f, "%d", &first) == 1) {
		last = first;
		end = '\n';
		if (fscanf(f, "%c", &end) == 1 && end == '-' &&
		    (fscanf(f, "%d", &last) != 1 || fscanf(f, "%c", &end) != 1))
			end = '\n';
		for (; first <= last && first < CPU_SETSIZE; first++)
			CPU_SET(first, set);
		if (end != ',')
			break;
	}
	fclose(f);
	return CPU_COUNT(set);
}

/* A CPU that is isolated and has no tick while one task runs there; -1: none. */
static int partition_cpu(void)
{
	cpu_set_t isolated, no_tick;
	int cpu;

	if (!read_cpus("/sys/devices/system/cpu/isolated", &isolated) ||
	    !read_cpus("/sys/devices/system/cpu/nohz_full", &no_tick))
		return -1;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &isolated) && CPU_ISSET(cpu, &no_tick))
			return cpu;
	return -1;
}

/**
 * struct partition - how often a guest exits
 * @round: runs it for TICKS ticks; how many exits were neither theirs nor the round's end
 * @guest: for @round
 * @quiet: rounds without one
 * @others: such exits, of all rounds
 */
struct partition {
	__s64 (*round)(void *guest);
	void *guest;
	int quiet;
	__s64 others;
};

/* On this CPU, and not before it has fetched all the guest touches, and the tick is off. */
static void measure(struct partition *p, int cpu)
{
	__s64 others;
	int i;

	pin_to(cpu);
	p->round(p->guest);
	p->quiet = 0;
	p->others = 0;
	for (i = 0; i < ROUNDS; i++) {
		others = p->round(p->guest);
		p->quiet += others <= 0;
		p->others += others;
	}
	printf("# CPU %d: %d of %d rounds without other exits, %lld of these\n", cpu, p->quiet,
	       ROUNDS, (long long)p->others);
}

/*
 * The host's kernel has something to do on each CPU once in a while, which is not ours: a
 * statistic of memory each second, a clock that is compared.  So most rounds are quiet, and
 * the others nearly.  The first CPU has a tick, and shows that it would be counted; on a
 * busy machine an emulator loses most of the ticks.
 */
static void check_partition(struct __test_metadata *_metadata, struct partition *p)
{
	int cpu = partition_cpu();

	if (cpu < 0)
		SKIP(return, "no isolated CPU without a tick");
	measure(p, cpu);
	EXPECT_LE(ROUNDS / 2, p->quiet);
	EXPECT_GE(ROUNDS, p->others);
	measure(p, 0);
	EXPECT_LT(ROUNDS, p->others);
}

#endif
