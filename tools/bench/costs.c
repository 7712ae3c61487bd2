// SPDX-License-Identifier: GPL-2.0
/*
 * A TCG plugin: how many costly instructions each measured path has.
 *
 * Counted instructions price a WRMSR like an addition. This plugin counts the
 * ones that cost more (costs.h), between the markers that the benchmark executes;
 * see marker.h. Guest and host are counted alike. It prints, for each interface,
 * path and kind of instruction, how many there are (the median of all rounds):
 *
 *	cost kvm exit_out wrmsr 2.00
 *
 * With the argument "profile=NAME" it also prints how often each address was
 * executed on that path, by the interface that ran last.
 *
 * QEMU's plugin interface, version 1; its header is in no package, so what is
 * used of it is declared here.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "costs.h"
#include "marker.h"

#define EXPORT __attribute__((visibility("default")))

typedef uint64_t qemu_plugin_id_t;
struct qemu_info;
struct qemu_plugin_tb;
struct qemu_plugin_insn;

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id,
		void (*cb)(qemu_plugin_id_t id, struct qemu_plugin_tb *tb));
void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb,
		int op, void *where, uint64_t value);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
		void (*cb)(unsigned int vcpu, void *data), int flags,
		void *data);
void qemu_plugin_register_atexit_cb(qemu_plugin_id_t id,
		void (*cb)(qemu_plugin_id_t id, void *data), void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb,
						 size_t index);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_outs(const char *text);

#define QEMU_PLUGIN_INLINE_ADD_U64	0

EXPORT int qemu_plugin_version = 1;

/**
 * struct insn - one instruction of the machine, for profiles
 * @address:	where it is
 * @executed:	how often, on the profiled path
 * @next:	all of them
 */
struct insn {
	uint64_t address;
	uint64_t executed;
	struct insn *next;
};

#define ROUNDS	128

/**
 * struct count - what was executed between the markers of a path
 * @rounds:	how often there were some; those after ROUNDS do not count
 * @instructions: all of them, to a block of code, in all rounds
 * @costs:	by round and kind
 */
struct count {
	unsigned int rounds;
	uint64_t instructions;
	uint32_t costs[ROUNDS + 1][COSTS];
};

static const char * const side_names[] = { "kvm", "axvcpu" };
#define SIDES	2

static struct count counts[SIDES][PATHS];
static int side;
static int current = -1;
static uint64_t instructions;	/* since the machine was switched on */
static uint32_t *costs_now;	/* of the path and round; NULL: none */
static int profiled = -1;
static struct insn *insns;

static void costly(unsigned int vcpu, void *data)
{
	(void)vcpu;
	if (costs_now)
		costs_now[(uintptr_t)data]++;
}

static void executed(unsigned int vcpu, void *data)
{
	struct insn *insn = data;

	(void)vcpu;
	if (current == profiled)
		insn->executed++;
}

static void marked(unsigned int vcpu, void *data)
{
	uintptr_t what = (uintptr_t)data;

	(void)vcpu;
	if (current >= 0)
		counts[side][current].instructions += instructions;
	current = -1;
	costs_now = NULL;
	if (what < PATHS) {
		struct count *count = &counts[side][what];

		count->instructions -= instructions;
		current = what;
		costs_now = count->costs[count->rounds];
		if (count->rounds < ROUNDS)
			count->rounds++;
	} else if (what == MARKER_KVM || what == MARKER_AXVCPU) {
		side = what == MARKER_AXVCPU;
	}
}

static void profile(struct qemu_plugin_insn *code)
{
	struct insn *insn = calloc(1, sizeof(*insn));

	if (!insn)
		abort();
	insn->address = qemu_plugin_insn_vaddr(code);
	insn->next = insns;
	insns = insn;
	qemu_plugin_register_vcpu_insn_exec_cb(code, executed, 0, insn);
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t count = qemu_plugin_tb_n_insns(tb), i;

	(void)id;
	qemu_plugin_register_vcpu_tb_exec_inline(tb, QEMU_PLUGIN_INLINE_ADD_U64,
						 &instructions, count);
	for (i = 0; i < count; i++) {
		struct qemu_plugin_insn *code = qemu_plugin_tb_get_insn(tb, i);
		const uint8_t *bytes = qemu_plugin_insn_data(code);
		size_t size = qemu_plugin_insn_size(code);
		enum cost cost = cost_of(bytes, size);
		uintptr_t what;

		if (is_marker(bytes, size, &what)) {
			qemu_plugin_register_vcpu_insn_exec_cb(code, marked, 0,
							       (void *)what);
			continue;
		}
		if (cost != COST_NONE)
			qemu_plugin_register_vcpu_insn_exec_cb(code, costly, 0,
					(void *)(uintptr_t)cost);
		if (profiled >= 0)
			profile(code);
	}
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* Of a kind, in the rounds of a path: one with an interrupt counts as little. */
static double median(const struct count *count, int cost)
{
	uint32_t values[ROUNDS];
	unsigned int i;

	if (!count->rounds)
		return 0;
	for (i = 0; i < count->rounds; i++)
		values[i] = count->costs[i][cost];
	qsort(values, count->rounds, sizeof(*values), compare);
	return values[count->rounds / 2];
}

/* How many of a kind one unit of a path has. */
static double per_unit(const struct count *paths, int path, int cost)
{
	unsigned int units = path_info[path].units;
	double value = median(&paths[path], cost);

	if (path_info[path].times)
		return value / path_info[path].times;
	return units ? (value - median(&paths[PATH_RUN], cost)) / units : value;
}

static void say(int s, int path, const char *what, double value)
{
	char line[128];

	if (value <= 0)
		return;
	snprintf(line, sizeof(line), "cost %s %s %s %.2f\n", side_names[s],
		 path_info[path].name, what, value);
	qemu_plugin_outs(line);
}

static void say_profile(void)
{
	const struct insn *insn;
	char line[128];

	for (insn = insns; insn; insn = insn->next) {
		if (!insn->executed)
			continue;
		snprintf(line, sizeof(line), "at %016" PRIx64 " %.2f\n",
			 insn->address, (double)insn->executed /
					counts[side][profiled].rounds);
		qemu_plugin_outs(line);
	}
}

static void finish(qemu_plugin_id_t id, void *data)
{
	int s, path, cost;

	(void)id;
	(void)data;
	for (s = 0; s < SIDES; s++) {
		for (path = 0; path < PATH_RUN; path++)
			for (cost = 1; cost < COSTS; cost++)
				say(s, path, cost_names[cost],
				    per_unit(counts[s], path, cost));
		/* It has idle time in it, which the TSC counts as well. */
		say(s, PATH_BOOT, "instructions",
		    counts[s][PATH_BOOT].instructions);
	}
	say_profile();
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
			       int argc, char **argv);

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
			int argc, char **argv)
{
	int i, path;

	(void)info;
	for (i = 0; i < argc; i++)
		for (path = 0; path < PATHS; path++)
			if (path_info[path].name &&
			    !strncmp(argv[i], "profile=", 8) &&
			    !strcmp(argv[i] + 8, path_info[path].name))
				profiled = path;
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
