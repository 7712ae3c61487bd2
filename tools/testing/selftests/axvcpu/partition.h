/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Test of a vCPU that has a host CPU for itself: how often does it exit for other reasons
 * than its own ticks?  Included once per program, by the file with the test.
 */
#ifndef AXV_PARTITION_H
#define AXV_PARTITION_H

#include "axv_harness.h"

#define ROUNDS		10
#define TICKS		20	/* the guest's ticks in a round, as long as 50 of the host's */
#define TICK_US		10000

/* Read a list of CPUs as in sysfs, "1,3-5".  Returns false if it does not exist or is empty. */
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

/* Find a CPU that is isolated and has no tick while one task runs there; -1: none. */
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
 * struct partition - how often a guest exits for other reasons
 * @round: runs the guest for TICKS ticks; returns the number of other exits: those that
 *		neither belong to a tick nor end the round
 * @guest: for @round
 * @quiet: rounds without other exits
 * @others: other exits of all rounds
 */
struct partition {
	__s64 (*round)(void *guest);
	void *guest;
	int quiet;
	__s64 others;
};

/*
 * Run all rounds on a CPU.  One more round before is not counted: it maps the guest's memory,
 * and lets the host switch its tick off.
 */
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
 * Compare an isolated CPU with the first one.  The host's kernel sometimes has work on any
 * CPU, for which axvcpu is not responsible: memory statistics each second, a clock that is
 * compared.  So only half of the rounds have to be quiet, and the others nearly.  The first CPU
 * has a tick, and shows that ticks are counted, though an emulator on a busy machine loses most
 * of them.
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
