// SPDX-License-Identifier: GPL-2.0
/* Prints the counters of a vCPU as a table. */
#include "log.h"
#include "stats.h"

static void row(const char *name, __u64 count)
{
	log_plain("  %-28s %12llu", name, count);
}

static void print_exits(const struct axv_stats *s)
{
	__u64 total = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(s->exits); i++)
		total += s->exits[i];

	log_plain("exits to axvmm, by reason");
	for (i = 0; i < ARRAY_SIZE(s->exits); i++) {
		if (s->exits[i])
			log_plain("  %-28s %12llu %5.1f%%", axv_exit_name(i),
				  s->exits[i], 100.0 * s->exits[i] / total);
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

	log_plain("vCPU %u", axv_vcpu_id(v->axv));
	print_exits(&s);
	log_plain("in the kernel");
	row("guest entries", s.entries);
	row("hardware exits", s.hw_exits);
	row("memory faults resolved", s.faults);
	row("kicks", s.kicks);
	row("halts that waited", s.blocks);
	row("events delivered", s.injections);
	row("host interrupts", s.interrupts);
	row("TLB flushes", s.flushes);
	row("loads on a CPU", s.loads);
	row("doorbells rung", s.doorbells);
	row("yields to another vCPU", s.yields);
	return 0;
}
