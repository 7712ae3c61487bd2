// SPDX-License-Identifier: GPL-2.0
/*
 * A TCG plugin: how many costly instructions each measured path has.
 *
 * When instructions are counted, a WRMSR is as cheap as an addition.  So this plugin
 * counts the instructions that cost more (costs.h), between the markers that the
 * benchmark executes (marker.h), those of guest and host alike.  It prints, for each
 * interface, path and kind of instruction, how many there are (the median of all rounds):
 *
 *	cost kvm exit_out wrmsr 2.00
 *
 * With the argument "profile=FILE" it also writes to that file, for one round of each path,
 * how often each address was executed, and from where each block of code was entered.  The
 * round is the one with the median number of instructions.  The path "run" is subtracted
 * from a path with units:
 *
 *	path exit_out 0 1		(name, units, times: struct path_info)
 *	at kvm exit_out ffffffff81000000 2
 *	from kvm exit_out ffffffff81000000 ffffffffc0001234 1
 *
 * It uses QEMU's plugin interface, version 1, whose header is in no package; so what it
 * uses is declared here.
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
 * struct insn - an instruction, or an entry to a block of code, for profiles
 * @address:	address of the instruction, or of the block's first one
 * @from:	for an entry, address of the instruction executed before; 0: an instruction
 * @executed:	how often it was executed in this round
 * @next:	the next one with the same hash
 * @next_executed: the next one that was executed in this round
 */
struct insn {
	uint64_t address;
	uint64_t from;
	uint32_t executed;
	struct insn *next;
	struct insn *next_executed;
};

/**
 * struct profile - what was executed in one round of a path
 * @instructions: number of instructions executed
 * @entries:	elements of @entry
 * @entry:	what was executed, and how often
 */
struct profile {
	uint64_t instructions;
	unsigned int entries;
	struct {
		const struct insn *insn;
		uint32_t executed;
	} *entry;
};

#define ROUNDS	128
#define HASHES	65536

/**
 * struct count - what was executed between the markers of a path
 * @rounds:	how many rounds there were, at most ROUNDS; later ones do not count
 * @instructions: instructions executed in all rounds, rounded to blocks of code
 * @costs:	costly instructions, by round and kind
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
static uint32_t *costs_now;	/* where to count costs now; NULL: between paths */

static FILE *profiles;	/* NULL: no profiles are wanted */
static struct insn *insns[HASHES];
static struct insn *round_insns;	/* executed in this round */
static uint64_t last;	/* address executed last in this round; 0: none yet */
static struct profile *profile_now;	/* profile of this round; NULL: there is none */
static struct profile rounds[SIDES][PATHS][ROUNDS];

static void costly(unsigned int vcpu, void *data)
{
	(void)vcpu;
	if (costs_now)
		costs_now[(uintptr_t)data]++;
}

static struct insn *find_insn(uint64_t address, uint64_t from)
{
	struct insn **chain = &insns[(address ^ address >> 16 ^ from * 31) % HASHES];
	struct insn *insn;

	for (insn = *chain; insn; insn = insn->next)
		if (insn->address == address && insn->from == from)
			return insn;
	insn = calloc(1, sizeof(*insn));
	if (!insn)
		abort();
	insn->address = address;
	insn->from = from;
	insn->next = *chain;
	*chain = insn;
	return insn;
}

static void count_insn(struct insn *insn)
{
	if (!insn->executed++) {
		insn->next_executed = round_insns;
		round_insns = insn;
	}
}

static void executed(unsigned int vcpu, void *data)
{
	struct insn *insn = data;

	(void)vcpu;
	if (!profile_now)
		return;
	count_insn(insn);
	last = insn->address;
}

/* The first instruction of a block was executed: note from where, which shows the caller. */
static void entered(unsigned int vcpu, void *data)
{
	const struct insn *insn = data;

	if (profile_now && last)
		count_insn(find_insn(insn->address, last));
	executed(vcpu, data);
}

/* A round has ended: store its counts in @profile, and reset them. */
static void keep_round(struct profile *profile)
{
	struct insn *insn;
	unsigned int n = 0;

	for (insn = round_insns; insn; insn = insn->next_executed)
		n++;
	profile->entry = calloc(n + 1, sizeof(*profile->entry));
	if (!profile->entry)
		abort();
	for (insn = round_insns; insn; insn = insn->next_executed) {
		profile->entry[profile->entries].insn = insn;
		profile->entry[profile->entries++].executed = insn->executed;
		if (!insn->from)
			profile->instructions += insn->executed;
		insn->executed = 0;
	}
	round_insns = NULL;
	last = 0;
}

static void marked(unsigned int vcpu, void *data)
{
	uintptr_t what = (uintptr_t)data;

	(void)vcpu;
	if (current >= 0)
		counts[side][current].instructions += instructions;
	if (profile_now)
		keep_round(profile_now);
	profile_now = NULL;
	current = -1;
	costs_now = NULL;
	if (what < PATHS) {
		struct count *count = &counts[side][what];

		count->instructions -= instructions;
		current = what;
		costs_now = count->costs[count->rounds];
		if (count->rounds < ROUNDS) {
			if (profiles && what != PATH_BOOT)
				profile_now = &rounds[side][what][count->rounds];
			count->rounds++;
		}
	} else if (what == MARKER_KVM || what == MARKER_AXVCPU) {
		side = what == MARKER_AXVCPU;
	}
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
		if (profiles)
			qemu_plugin_register_vcpu_insn_exec_cb(code,
				i ? executed : entered, 0,
				find_insn(qemu_plugin_insn_vaddr(code), 0));
	}
}

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/*
 * How many instructions of a kind a round of a path has: the median, which a round that is
 * interrupted does not change.
 */
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

/* How many instructions of a kind one unit of a path has. */
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

static int compare_profiles(const void *a, const void *b)
{
	const struct profile *x = a, *y = b;

	return x->instructions < y->instructions ? -1 : x->instructions > y->instructions;
}

static void write_profile(int s, int path)
{
	const char *name = path == PATH_RUN ? "run" : path_info[path].name;
	unsigned int count = counts[s][path].rounds, i;
	const struct profile *median;

	if (!count)
		return;
	qsort(rounds[s][path], count, sizeof(*median), compare_profiles);
	median = &rounds[s][path][count / 2];
	for (i = 0; i < median->entries; i++) {
		const struct insn *insn = median->entry[i].insn;

		if (insn->from)
			fprintf(profiles, "from %s %s %" PRIx64 " %" PRIx64 " %u\n",
				side_names[s], name, insn->address, insn->from,
				median->entry[i].executed);
		else
			fprintf(profiles, "at %s %s %" PRIx64 " %u\n", side_names[s],
				name, insn->address, median->entry[i].executed);
	}
}

static void write_profiles(void)
{
	int s, path;

	if (!profiles)
		return;
	for (path = 0; path < PATH_BOOT; path++)
		fprintf(profiles, "path %s %u %u\n", path_info[path].name,
			path_info[path].units, path_info[path].times);
	for (s = 0; s < SIDES; s++)
		for (path = 0; path < PATHS; path++)
			write_profile(s, path);
	fclose(profiles);
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
		/* Print instructions for the boot: the TSC counts its idle time, too. */
		say(s, PATH_BOOT, "instructions",
		    counts[s][PATH_BOOT].instructions);
	}
	write_profiles();
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
			       int argc, char **argv);

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info,
			int argc, char **argv)
{
	int i;

	(void)info;
	for (i = 0; i < argc; i++) {
		if (strncmp(argv[i], "profile=", 8))
			continue;
		profiles = fopen(argv[i] + 8, "w");
		if (!profiles) {
			perror(argv[i] + 8);
			return -1;
		}
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, finish, NULL);
	return 0;
}
