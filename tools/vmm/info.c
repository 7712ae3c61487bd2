// SPDX-License-Identifier: GPL-2.0
/* axvmm info: what the host offers. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <axvcpu.h>

#include "commands.h"
#include "info.h"
#include "log.h"
#include "types.h"

/**
 * struct name - the name of a bit of an answer
 * @bit:	the bit's number
 * @name:	what to print if the bit is set
 */
struct name {
	unsigned int bit;
	const char *name;
};

static const struct name irqchips[] = {
	{ AXV_IRQCHIP_NONE, "none" },
	{ AXV_IRQCHIP_LAPIC, "LAPIC" },
	{ AXV_IRQCHIP_GICV3, "GICv3" },
	{ AXV_IRQCHIP_AIA, "AIA" },
	{ }
};

static const struct name vm_flags[] = {
	{ 0, "halt-in-kernel" },
	{ 1, "exit-on-interrupt" },
	{ 2, "SGI-in-kernel" },
	{ 3, "yield-on-spin" },
	{ }
};

static const struct name region_flags[] = {
	{ 0, "read-only" },
	{ 1, "log-dirty" },
	{ }
};

static const struct name dirty_flags[] = {
	{ 0, "keep" },
	{ }
};

static const struct name doorbell_flags[] = {
	{ 0, "port" },
	{ 1, "data" },
	{ 2, "remove" },
	{ }
};

static const struct name injections[] = {
	{ AXV_INJECT_EXTINT, "interrupt" },
	{ AXV_INJECT_NMI, "NMI" },
	{ AXV_INJECT_EXCEPTION, "exception" },
	{ AXV_INJECT_MSI, "MSI" },
	{ AXV_INJECT_WIRED, "wired" },
	{ AXV_INJECT_PPI, "PPI" },
	{ }
};

static const struct name debug_flags[] = {
	{ 0, "step" },
	{ 1, "software breakpoints" },
	{ 2, "hardware breakpoints" },
	{ 3, "blocked events" },
	{ }
};

static const struct name run_sets[] = {
	{ 0, "general" },
	{ 1, "system" },
	{ }
};

/**
 * struct fact - a line of the output
 * @id:		the query to ask the kernel module
 * @label:	what the fact is called
 * @unit:	what is printed behind a number
 * @names:	the answer is a set of bits with these names; NULL: it is a number
 */
struct fact {
	enum axv_query_id id;
	const char *label;
	const char *unit;
	const struct name *names;
};

static const struct fact facts[] = {
	{ AXV_QUERY_ABI_VERSION, "ABI version", "", NULL },
	{ AXV_QUERY_MAX_VCPUS, "vCPUs of a VM", "", NULL },
	{ AXV_QUERY_MAX_REGIONS, "memory regions of a VM", "", NULL },
	{ AXV_QUERY_MAX_DIRTY_PAGES, "dirty pages of a report", "", NULL },
	{ AXV_QUERY_DIRTY_FLAGS, "dirty log flags", "", dirty_flags },
	{ AXV_QUERY_MAX_DOORBELLS, "doorbells of a VM", "", NULL },
	{ AXV_QUERY_DOORBELL_FLAGS, "doorbell flags", "", doorbell_flags },
	{ AXV_QUERY_IPA_BITS, "guest physical address", "bits", NULL },
	{ AXV_QUERY_COUNTER_KHZ, "guest counter", "kHz", NULL },
	{ AXV_QUERY_IRQCHIPS, "interrupt controllers", "", irqchips },
	{ AXV_QUERY_INJECT_TYPES, "injection", "", injections },
	{ AXV_QUERY_INJECT_DEPTH, "interrupts queued", "", NULL },
	{ AXV_QUERY_MAX_ROUTES, "routes of a VM", "", NULL },
	{ AXV_QUERY_DEBUG_FLAGS, "guest debug", "", debug_flags },
	{ AXV_QUERY_VM_FLAGS, "VM flags", "", vm_flags },
	{ AXV_QUERY_REGION_FLAGS, "region flags", "", region_flags },
	{ AXV_QUERY_RUN_SETS, "registers in the run page", "", run_sets },
	{ AXV_QUERY_RUN_SIZE, "run page", "bytes", NULL },
	{ AXV_QUERY_FPU_SIZE, "vector state", "bytes", NULL },
};

void info_label(const char *text)
{
	printf("%-26s ", text);
}

static void print_names(__u64 value, const struct name *names)
{
	const char *separator = "";

	if (!value)
		printf("-");
	for (; names->name; names++) {
		if (!(value >> names->bit & 1))
			continue;
		printf("%s%s", separator, names->name);
		value &= ~(1ull << names->bit);
		separator = " ";
	}
	if (value)
		printf("%s%#llx", separator, value);
	printf("\n");
}

static int print_fact(struct axv_host *host, const struct fact *fact)
{
	__u64 value;
	int err = axv_query(host, fact->id, &value);

	if (err)
		return err;
	info_label(fact->label);
	if (fact->names)
		print_names(value, fact->names);
	else
		printf("%llu%s%s\n", value, *fact->unit ? " " : "", fact->unit);
	return 0;
}

static int print_all(struct axv_host *host)
{
	__u64 backend;
	unsigned int i;
	int err;

	err = axv_query(host, AXV_QUERY_BACKEND, &backend);
	if (err)
		return err;
	info_label("back end");
	printf("%s\n", axv_backend_name(backend));

	for (i = 0; i < ARRAY_SIZE(facts); i++) {
		err = print_fact(host, &facts[i]);
		if (err)
			return err;
	}
	return info_arch(host);
}

int info_command(int argc, char **argv)
{
	struct axv_host *host;
	int err;

	if (argc > 1) {
		bool help = !strcmp(argv[1], "--help") || !strcmp(argv[1], "-h");

		if (!help)
			log_error("%s: axvmm info takes no options", argv[1]);
		else
			printf("Usage: axvmm info\n\n"
			       "Shows what this host offers to virtual machines.\n");
		return help ? EXIT_SUCCESS : EXIT_FAILURE;
	}

	err = axv_open(NULL, &host);
	if (!err) {
		err = print_all(host);
		axv_close(host);
	}
	if (err)
		log_error("%s", axv_error());
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
