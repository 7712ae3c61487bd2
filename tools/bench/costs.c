// SPDX-License-Identifier: GPL-2.0
/*
 * A TCG plugin: how many costly instructions each measured path has.
 *
 * Counted instructions price a WRMSR like an addition. This plugin counts the
 * ones that cost more, between the markers that the benchmark executes; see
 * marker.h. Guest and host are counted alike. It prints, for each interface,
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

enum cost {
	COST_NONE,
	COST_WRMSR, COST_RDMSR,
	COST_XSAVE, COST_XRSTOR, COST_XSETBV, COST_XGETBV, COST_WRPKRU,
	COST_VMRUN, COST_VMLOAD, COST_VMSAVE, COST_STGI, COST_CLGI,
	COST_CR_WRITE, COST_CR_READ, COST_DR_WRITE, COST_DR_READ,
	COST_LOCKED, COST_LFENCE, COST_MFENCE, COST_VERW,
	COST_INVLPG, COST_INVPCID, COST_INVLPGA, COST_CLFLUSH, COST_WBINVD,
	COSTS,
};

static const char * const cost_names[COSTS] = {
	[COST_WRMSR] = "wrmsr", [COST_RDMSR] = "rdmsr",
	[COST_XSAVE] = "xsave", [COST_XRSTOR] = "xrstor",
	[COST_XSETBV] = "xsetbv", [COST_XGETBV] = "xgetbv",
	[COST_WRPKRU] = "wrpkru",
	[COST_VMRUN] = "vmrun", [COST_VMLOAD] = "vmload",
	[COST_VMSAVE] = "vmsave", [COST_STGI] = "stgi", [COST_CLGI] = "clgi",
	[COST_CR_WRITE] = "cr_write", [COST_CR_READ] = "cr_read",
	[COST_DR_WRITE] = "dr_write", [COST_DR_READ] = "dr_read",
	[COST_LOCKED] = "locked", [COST_LFENCE] = "lfence",
	[COST_MFENCE] = "mfence", [COST_VERW] = "verw",
	[COST_INVLPG] = "invlpg", [COST_INVPCID] = "invpcid",
	[COST_INVLPGA] = "invlpga", [COST_CLFLUSH] = "clflush",
	[COST_WBINVD] = "wbinvd",
};

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

static enum cost cost_of_0f01(uint8_t modrm)
{
	switch (modrm) {
	case 0xd0:
		return COST_XGETBV;
	case 0xd1:
		return COST_XSETBV;
	case 0xd8:
		return COST_VMRUN;
	case 0xda:
		return COST_VMLOAD;
	case 0xdb:
		return COST_VMSAVE;
	case 0xdc:
		return COST_STGI;
	case 0xdd:
		return COST_CLGI;
	case 0xdf:
		return COST_INVLPGA;
	case 0xef:
		return COST_WRPKRU;
	}
	return (modrm >> 3 & 7) == 7 && modrm < 0xc0 ? COST_INVLPG : COST_NONE;
}

static enum cost cost_of_0f(const uint8_t *op, size_t size)
{
	uint8_t modrm = size > 1 ? op[1] : 0;
	uint8_t reg = modrm >> 3 & 7;

	switch (op[0]) {
	case 0x00:
		return reg == 5 ? COST_VERW : COST_NONE;
	case 0x01:
		return cost_of_0f01(modrm);
	case 0x08:
	case 0x09:
		return COST_WBINVD;
	case 0x20:
		return COST_CR_READ;
	case 0x21:
		return COST_DR_READ;
	case 0x22:
		return COST_CR_WRITE;
	case 0x23:
		return COST_DR_WRITE;
	case 0x30:
		return COST_WRMSR;
	case 0x32:
		return COST_RDMSR;
	case 0x38:
		return modrm == 0x82 ? COST_INVPCID : COST_NONE;
	case 0xae:
		if (modrm == 0xe8)
			return COST_LFENCE;
		if (modrm == 0xf0)
			return COST_MFENCE;
		if (modrm >= 0xc0)
			return COST_NONE;
		return reg == 0 || reg == 4 || reg == 6 ? COST_XSAVE :
		       reg == 1 || reg == 5 ? COST_XRSTOR :
		       reg == 7 ? COST_CLFLUSH : COST_NONE;
	case 0xc7:
		if (modrm >= 0xc0)
			return COST_NONE;
		return reg == 4 || reg == 5 ? COST_XSAVE :
		       reg == 3 ? COST_XRSTOR : COST_NONE;
	}
	return COST_NONE;
}

static enum cost cost_of(const uint8_t *bytes, size_t size)
{
	bool lock = false;
	size_t i;

	for (i = 0; i < size; i++) {
		if (bytes[i] == 0xf0)
			lock = true;
		else if (bytes[i] != 0x66 && bytes[i] != 0xf2 &&
			 bytes[i] != 0xf3 && bytes[i] != 0x65 &&
			 bytes[i] != 0x64 && bytes[i] != 0x3e &&
			 (bytes[i] & 0xf0) != 0x40)
			break;
	}
	if (lock)
		return COST_LOCKED;
	if (i + 1 < size && bytes[i] == 0x0f)
		return cost_of_0f(bytes + i + 1, size - i - 1);
	/* XCHG with memory locks without being told. */
	if (i + 1 < size && (bytes[i] & 0xfe) == 0x86 && bytes[i + 1] < 0xc0)
		return COST_LOCKED;
	return COST_NONE;
}

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

static bool is_marker(const uint8_t *bytes, size_t size, uintptr_t *what)
{
	static const uint8_t nop[] = { 0x0f, 0x1f, 0x84, 0x00 };
	uint32_t value;

	if (size != 8 || memcmp(bytes, nop, sizeof(nop)))
		return false;
	memcpy(&value, bytes + 4, sizeof(value));
	*what = value & 0xffff;
	return (value & 0xffff0000u) == MARKER_BASE;
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
