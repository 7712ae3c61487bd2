// SPDX-License-Identifier: GPL-2.0
/* axvmm run: its options, and the end of a guest. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "log.h"
#include "machine.h"
#include "stats.h"

#define DEFAULT_MEMORY	MIB(512)

enum option_id {
	OPT_TRACE_SYSREG = 256,
	OPT_TRACE_IO,
	OPT_STATS,
};

static const struct option options[] = {
	{ "kernel", required_argument, NULL, 'k' },
	{ "initrd", required_argument, NULL, 'i' },
	{ "append", required_argument, NULL, 'a' },
	{ "mem", required_argument, NULL, 'm' },
	{ "cpu", required_argument, NULL, 'c' },
	{ "cpus", required_argument, NULL, 'n' },
	{ "firmware", required_argument, NULL, 'f' },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ ARCH_TRACE, no_argument, NULL, OPT_TRACE_SYSREG },
	{ "trace-io", no_argument, NULL, OPT_TRACE_IO },
	{ "verbose", no_argument, NULL, 'v' },
	{ "help", no_argument, NULL, 'h' },
	{ }
};

static void usage(void)
{
	printf("Usage: axvmm run --kernel " ARCH_KERNEL " [OPTION]...\n\n"
	       "  -k, --kernel FILE   Linux kernel (" ARCH_KERNEL ")\n"
	       "  -i, --initrd FILE   initial RAM disk\n"
	       "  -a, --append TEXT   kernel command line (%s)\n"
	       "  -m, --mem SIZE      guest memory, such as 512M (the default) or 2G\n"
	       "  -n, --cpus N        CPUs of the guest, 1 (the default) to %u\n"
	       "  -f, --firmware FILE firmware to run instead of a kernel\n"
	       "  -c, --cpu LIST      host CPUs the guest may run on, such as 1 or 2-3\n"
	       "      --stats         print what the guest caused, when it has ended\n"
	       "  -v, --verbose       say what is done\n"
	       "      --%-14sprint the %s accesses that axvmm answers\n"
	       "      --trace-io      print the accesses to devices that do not exist\n\n"
	       "^A x ends the guest.  Exit codes: 0 the guest switched itself off,\n"
	       "1 an error, 2 a reset, 3 a triple fault, 4 ended by the user.\n",
	       ARCH_APPEND, ARCH_CPUS_MAX, ARCH_TRACE, ARCH_SYSREGS);
}

/* A size such as 512M, 2G or 512 (MiB); 0: it is none. */
static u64 parse_size(const char *text)
{
	unsigned long long n;
	char *end;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (end == text || errno || n > 1ull << 40)
		return 0;
	switch (*end) {
	case 'G':
	case 'g':
		n <<= 30;
		end++;
		break;
	case 'M':
	case 'm':
		end++;
		/* fall through */
	case '\0':
		n <<= 20;
		break;
	}
	return *end ? 0 : n;
}

static int set_memory(struct machine_config *config, const char *text)
{
	config->memory = parse_size(text);
	if (config->memory >= ARCH_MEMORY_MIN)
		return 0;
	log_error("--mem %s: give a size such as 512M or 2G, at least %lluM",
		  text, ARCH_MEMORY_MIN >> 20);
	return -EINVAL;
}

static int set_cpus(struct machine_config *config, const char *text)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (end != text && !*end && !errno && n >= 1 && n <= ARCH_CPUS_MAX) {
		config->cpus = n;
		return 0;
	}
	log_error("--cpus %s: give a number of CPUs, 1 to %u", text, ARCH_CPUS_MAX);
	return -EINVAL;
}

static int set_host_cpus(struct machine_config *config, const char *text)
{
	void *set;
	int err;

	err = axv_parse_cpus(text, &set, &config->cpu_set_size);
	if (err) {
		log_error("--cpu %s: %s", text, axv_error());
		return err;
	}
	config->cpu_set = set;
	return 0;
}

/* Returns 0, or 1 if there is nothing to do, or a negative errno. */
static int parse(int argc, char **argv, struct machine_config *config,
		 bool *stats)
{
	int opt, err = 0;

	while ((opt = getopt_long(argc, argv, "k:i:a:m:n:f:c:vh", options,
				  NULL)) != -1) {
		switch (opt) {
		case 'k':
			config->boot.kernel = optarg;
			break;
		case 'i':
			config->boot.initrd = optarg;
			break;
		case 'a':
			config->boot.append = optarg;
			break;
		case 'm':
			err = set_memory(config, optarg);
			break;
		case 'c':
			err = set_host_cpus(config, optarg);
			break;
		case 'n':
			err = set_cpus(config, optarg);
			break;
		case 'f':
			config->boot.firmware = optarg;
			break;
		case OPT_STATS:
			*stats = true;
			break;
		case OPT_TRACE_SYSREG:
			log_enable(LOG_SYSREG);
			break;
		case OPT_TRACE_IO:
			log_enable(LOG_IO);
			break;
		case 'v':
			log_enable(LOG_INFO);
			break;
		case 'h':
			usage();
			return 1;
		default:
			err = -EINVAL;
			break;
		}
		if (err)
			return err;
	}

	if (optind < argc) {
		log_error("%s: what is that? see axvmm run --help",
			  argv[optind]);
		return -EINVAL;
	}
	if (!config->boot.kernel && !config->boot.firmware) {
		log_error("give a kernel with --kernel, such as /boot/vmlinuz-*; "
			  "see axvmm run --help");
		return -EINVAL;
	}
	if (config->boot.kernel && config->boot.firmware) {
		log_error("give either a kernel or a firmware, not both");
		return -EINVAL;
	}
	if (config->boot.initrd && !config->boot.kernel) {
		log_error("--initrd: a firmware is given none; its place is beside a kernel");
		return -EINVAL;
	}
	return 0;
}

static void tell_end(enum machine_end end)
{
	switch (end) {
	case MACHINE_OFF:
		log_trace(LOG_INFO, "the guest has switched itself off");
		break;
	case MACHINE_RESET:
		log_notice("the guest asked for a reset; axvmm ends here");
		break;
	case MACHINE_TRIPLE_FAULT:
		log_notice("the guest ended with a triple fault");
		break;
	case MACHINE_QUIT:
		log_notice("the guest was ended by the user");
		break;
	case MACHINE_ERROR:
	case MACHINE_ON:
		log_notice("the guest was ended by an error");
		break;
	}
}

int run_command(int argc, char **argv)
{
	struct machine_config config = {
		.boot.append = ARCH_APPEND,
		.memory = DEFAULT_MEMORY,
		.cpus = 1,
	};
	struct machine *machine;
	enum machine_end end;
	bool stats = false;
	unsigned int i;
	int err;

	err = parse(argc, argv, &config, &stats);
	if (err)
		return err < 0 ? MACHINE_ERROR : 0;

	machine = machine_create(&config);
	if (!machine)
		return MACHINE_ERROR;

	end = machine_run(machine);
	tell_end(end);
	for (i = 0; stats && i < machine->nr_vcpus; i++)
		stats_print(&machine->vcpus[i]);
	machine_release(machine);
	return end;
}
