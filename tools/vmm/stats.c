// SPDX-License-Identifier: GPL-2.0
/* The counters of a vCPU, for a person. */
#include <stdio.h>

#include "log.h"
#include "stats.h"

static void row(const char *name, __u64 count)
{
	fprintf(stderr, "  %-28s %12llu\n", name, count);
}

static void print_exits(const struct axv_stats *s)
{
	__u64 total = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(s->exits); i++)
		total += s->exits[i];

	fprintf(stderr, "exits to axvmm, by reason\n");
	for (i = 0; i < ARRAY_SIZE(s->exits); i++) {
		if (s->exits[i])
			fprintf(stderr, "  %-28s %12llu %5.1f%%\n",
				axv_exit_name(i), s->exits[i],
				100.0 * s->exits[i] / total);
	}
	row("all", total);
}

int stats_print(struct vcpu *v)
{
	struct axv_stats s;
	int err = axv_vcpu_get_stats(v->axv, &s);

	if (err) {
		log_error("%s", axv_error());
		return err;
	}

	fprintf(stderr, "\nvCPU %u\n", axv_vcpu_id(v->axv));
	print_exits(&s);
	fprintf(stderr, "in the kernel\n");
	row("guest entries", s.entries);
	row("hardware exits", s.hw_exits);
	row("memory faults resolved", s.faults);
	row("kicks", s.kicks);
	row("halts that waited", s.blocks);
	row("events delivered", s.injections);
	row("host interrupts", s.interrupts);
	row("TLB flushes", s.flushes);
	row("loads on a CPU", s.loads);
	return 0;
}
