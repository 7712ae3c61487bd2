// SPDX-License-Identifier: GPL-2.0
/* axvmm run: parses the options, runs the guest, and says why it ended. */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "append.h"
#include "commands.h"
#include "devices.h"
#include "log.h"
#include "machine.h"
#include "size.h"
#include "stats.h"

#define DEFAULT_MEMORY	MIB(512)

/* Starts are this far apart; otherwise a guest that resets at once would keep the host busy. */
#define RESTART_NSEC	NSEC_PER_SEC

/**
 * struct run_options - what the command line says
 * @config:	what the machine is to be
 * @append:	the kernel's command line, as given
 * @stats:	print the counters when the guest has ended
 * @restart:	start the guest again when it resets
 */
struct run_options {
	struct machine_config config;
	const char *append;
	bool stats;
	bool restart;
};

enum option_id {
	OPT_TRACE_SYSREG = 256,
	OPT_TRACE_IO,
	OPT_STATS,
	OPT_RESTART,
	OPT_NO_SECCOMP,
	OPT_BALLOON,
	OPT_CONSOLE,
	OPT_DISK,
	OPT_NET,
	OPT_RNG,
	OPT_SHARE,
	OPT_VHOST_USER,
	OPT_VSOCK,
	OPT_NAME,
};

static const struct option options[] = {
	{ "kernel", required_argument, NULL, 'k' },
	{ "initrd", required_argument, NULL, 'i' },
	{ "append", required_argument, NULL, 'a' },
	{ "mem", required_argument, NULL, 'm' },
	{ "cpu", required_argument, NULL, 'c' },
	{ "cpus", required_argument, NULL, 'n' },
	{ "firmware", required_argument, NULL, 'f' },
	{ "balloon", no_argument, NULL, OPT_BALLOON },
	{ "console", required_argument, NULL, OPT_CONSOLE },
	{ "disk", required_argument, NULL, OPT_DISK },
	{ "net", required_argument, NULL, OPT_NET },
	{ "rng", no_argument, NULL, OPT_RNG },
	{ "share", required_argument, NULL, OPT_SHARE },
	{ "vhost-user", required_argument, NULL, OPT_VHOST_USER },
	{ "vsock", required_argument, NULL, OPT_VSOCK },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "restart", no_argument, NULL, OPT_RESTART },
	{ "stats", no_argument, NULL, OPT_STATS },
	{ "no-seccomp", no_argument, NULL, OPT_NO_SECCOMP },
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
	       "  -a, --append TEXT   kernel command line (" ARCH_CONSOLE ")\n"
	       "  -m, --mem SIZE      guest memory, such as 512M (the default) or 2G\n"
	       "  -n, --cpus N        CPUs of the guest, 1 (the default) to %u\n",
	       ARCH_CPUS_MAX);
	if (ARCH_FIRMWARE)
		printf("  -f, --firmware FILE firmware to run instead of a kernel\n");
	printf("  -c, --cpu LIST      host CPUs the guest may run on, such as 1 or 2-3\n"
	       "      --balloon       the guest gives memory back: see axvmm balloon\n"
	       "      --console pty|socket=PATH|file=PATH|attach\n"
	       "                      a virtio console: hvc0, the next one hvc1\n"
	       "      --disk FILE[,ro][,format=raw|qcow2]\n"
	       "                      a disk that qemu-storage-daemon serves\n"
	       "      --net user[,tcp=[ADDRESS/]PORT[:GUEST_PORT]][,udp=...][,mac=ADDRESS]\n"
	       "                      a network device by passt, which needs no privileges\n"
	       "      --net tap=NAME[,mac=ADDRESS]\n"
	       "                      a network device at this tap interface of the host\n"
	       "      --share DIRECTORY[,tag=TAG]\n"
	       "                      a directory that virtiofsd shares with the guest\n"
	       "      --vhost-user blk,socket=PATH, --vhost-user fs,tag=TAG,socket=PATH\n"
	       "                      a disk or directory that another process serves there\n"
	       "      --rng           a device for random numbers, which are the host's\n"
	       "      --vsock CID     sockets between host and guest, whose number is CID\n"
	       "      --name NAME     name of the guest, for axvmm list and its like\n"
	       "      --restart       start the guest again when it resets or panics\n"
	       "      --stats         print what the guest caused, when it has ended\n"
	       "      --no-seccomp    do not filter the system calls of axvmm's threads\n"
	       "  -v, --verbose       say what is done\n"
	       "      --%-14sprint the %s accesses that axvmm answers\n"
	       "      --trace-io      print the accesses to devices that do not exist\n\n"
	       "^A x ends the guest, ^A ? tells the other keys.  SIGTERM presses its power\n"
	       "button; a second one ends it.  Exit codes: 0 the guest switched itself off,\n"
	       "1 an error, 2 a reset, 3 a triple fault, 4 ended by the user, 5 a panic.\n",
	       ARCH_TRACE, ARCH_SYSREGS);
}

static int set_memory(struct machine_config *config, const char *text)
{
	u64 bytes;

	config->memory = size_parse(text);
	if (config->memory < ARCH_MEMORY_MIN) {
		log_error("--mem %s: give a size such as 512M or 2G, at least %lluM",
			  text, ARCH_MEMORY_MIN >> 20);
		return -EINVAL;
	}
	/* Without a letter a number means MiB; so large a one was surely meant as bytes. */
	if (config->memory >= TIB(1) && strspn(text, "0123456789") == strlen(text)) {
		bytes = config->memory >> 20;
		log_error("--mem %s: without a letter that is %llu TiB; for %llu bytes say %lluM",
			  text, config->memory >> 40, bytes, bytes >> 20);
		return -EINVAL;
	}
	return 0;
}

static int set_cpus(struct machine_config *config, const char *text)
{
	const char *end;
	u64 n;

	end = size_number(text, ~0ull, &n);
	if (!end || *end) {
		log_error("--cpus %s: that is no number; give a number of CPUs, such as 1", text);
		return -EINVAL;
	}
	if (!n) {
		log_error("--cpus 0: a guest needs a CPU; give 1 or more");
		return -EINVAL;
	}
	if (n > ARCH_CPUS_MAX) {
		log_error("--cpus %s: a guest has at most %u CPUs here; give no more",
			  text, ARCH_CPUS_MAX);
		return -EINVAL;
	}
	config->cpus = n;
	return 0;
}

/* Get the host's CPUs, as a text and as a set.  Returns false if they are not known. */
static bool online_cpus(char *list, size_t size, void **set, size_t *set_size)
{
	FILE *f = fopen("/sys/devices/system/cpu/online", "re");
	bool known;

	if (!f)
		return false;
	known = fgets(list, size, f);
	fclose(f);
	if (!known)
		return false;
	list[strcspn(list, "\n")] = '\0';
	return !axv_parse_cpus(list, set, set_size);
}

static int set_host_cpus(struct machine_config *config, const char *text)
{
	void *set, *online;
	size_t size, i;
	char list[256];
	int err;

	err = axv_parse_cpus(text, &set, &config->cpu_set_size);
	if (err) {
		log_error("--cpu: %s", axv_error());
		return err;
	}
	config->cpu_set = set;
	if (!online_cpus(list, sizeof(list), &online, &size))
		return 0;
	for (i = 0; i < 8 * config->cpu_set_size && !err; i++) {
		if (!CPU_ISSET_S(i, config->cpu_set_size, (cpu_set_t *)set) ||
		    CPU_ISSET_S(i, size, (cpu_set_t *)online))
			continue;
		log_error("--cpu %s: this host has no CPU %zu, or it is off; give some of %s",
			  text, i, list);
		err = -EINVAL;
	}
	free(online);
	return err;
}

/* Whether @opt is what getopt_long() returns for an option that exists. */
static bool exists(int opt)
{
	const struct option *o;

	for (o = options; o->name; o++)
		if (o->val == opt)
			return true;
	return false;
}

/*
 * Print what getopt_long() found wrong; @opt is what it returned.  optopt is 0 for an unknown
 * or ambiguous long option, the option's value for a long option that takes no value and was
 * given one, and the letter for an unknown letter.  That letter may stand among others: then
 * optind still points to that argument, and argv[optind - 1] is the one before.
 */
static int bad_option(int opt, char **argv)
{
	const char *option = argv[optind - 1];

	if (opt == ':')
		log_error("%s: give a value after it; see axvmm run --help", option);
	else if (!optopt)
		log_error("%s: there is no such option, or several begin so; see axvmm run --help",
			  option);
	else if (exists(optopt))
		log_error("%s: this option takes no value; see axvmm run --help", option);
	else
		log_error("-%c: there is no such option; see axvmm run --help", optopt);
	return -EINVAL;
}

/* Check that the options do not contradict each other.  Returns 0 or a negative errno. */
static int check(const struct run_options *o)
{
	const struct boot_config *boot = &o->config.boot;

	if (boot->firmware && !ARCH_FIRMWARE) {
		log_error("--firmware: here axvmm boots kernels only; give one with --kernel");
		return -EINVAL;
	}
	if (!boot->kernel && !boot->firmware) {
		log_error("give a kernel with --kernel, such as /boot/vmlinuz-*; "
			  "see axvmm run --help");
		return -EINVAL;
	}
	if (boot->kernel && boot->firmware) {
		log_error("give either a kernel or a firmware, not both");
		return -EINVAL;
	}
	if (boot->initrd && !boot->kernel) {
		log_error("--initrd: a firmware is given none; its place is beside a kernel");
		return -EINVAL;
	}
	return 0;
}

/* Warn of options that are allowed, but rarely what the user wants. */
static void warn(const struct run_options *o)
{
	const struct boot_config *boot = &o->config.boot;

	if (boot->kernel && !boot->initrd && !o->config.nr_vhost)
		log_notice("warning: without --initrd most kernels panic: the guest has no disk");
	if (boot->kernel && !strstr(o->append, "console="))
		log_notice("warning: --append has no " ARCH_CONSOLE ": the guest will say nothing");
}

/* Returns 0, or 1 if there is nothing to do, or a negative errno. */
static int parse(int argc, char **argv, struct run_options *o)
{
	struct machine_config *config = &o->config;
	int opt, err = 0;

	optind = 0;
	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":k:i:a:m:n:f:c:vh", options,
				  NULL)) != -1) {
		switch (opt) {
		case 'k':
			config->boot.kernel = optarg;
			break;
		case 'i':
			config->boot.initrd = optarg;
			break;
		case 'a':
			o->append = optarg;
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
		case OPT_BALLOON:
			config->balloon = true;
			break;
		case OPT_CONSOLE:
			err = devices_add_console(config, optarg);
			break;
		case OPT_DISK:
			err = devices_add_disk(config, optarg);
			break;
		case OPT_NET:
			err = devices_add_net(config, optarg);
			break;
		case OPT_RNG:
			config->rng = true;
			break;
		case OPT_SHARE:
			err = devices_add_share(config, optarg);
			break;
		case OPT_VHOST_USER:
			err = devices_add_vhost_user(config, optarg);
			break;
		case OPT_VSOCK:
			err = devices_add_vsock(config, optarg);
			break;
		case OPT_NAME:
			config->name = optarg;
			break;
		case OPT_RESTART:
			o->restart = true;
			break;
		case OPT_STATS:
			o->stats = true;
			break;
		case OPT_NO_SECCOMP:
			config->no_seccomp = true;
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
			err = bad_option(opt, argv);
			break;
		}
		if (err)
			return err;
	}

	if (optind < argc) {
		log_error("%s: this belongs to no option; a kernel is given with --kernel; "
			  "see axvmm run --help", argv[optind]);
		return -EINVAL;
	}
	return check(o);
}

/* Whether --restart starts a guest again that has ended for this reason. */
static bool restarts(enum machine_end end)
{
	return end == MACHINE_RESET || end == MACHINE_PANIC;
}

static void tell_end(enum machine_end end, bool restart)
{
	switch (end) {
	case MACHINE_OFF:
		log_trace(LOG_INFO, "the guest has switched itself off");
		break;
	case MACHINE_RESET:
		if (restart)
			log_trace(LOG_INFO, "the guest asked for a reset");
		else
			log_notice("the guest asked for a reset; axvmm ends here, without --restart");
		break;
	case MACHINE_PANIC:
		log_notice("the guest's kernel panicked");
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

/*
 * Execute axvmm anew with the same command line.  The process stays the same, but nothing is
 * left of the old guest.  Returns only if that fails.
 */
static void start_again(char **argv, u64 started)
{
	u64 next = started + RESTART_NSEC;
	const struct timespec until = {
		.tv_sec = next / NSEC_PER_SEC, .tv_nsec = next % NSEC_PER_SEC,
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
	execv("/proc/self/exe", argv - 1);
	log_error("cannot start the guest again: /proc/self/exe: %s", strerror(errno));
	log_flush();
}

int run_command(int argc, char **argv)
{
	struct run_options o = {
		.append = ARCH_CONSOLE,
		.config.memory = DEFAULT_MEMORY,
		.config.cpus = 1,
	};
	u64 started = clock_now();
	struct machine *machine;
	enum machine_end end;
	unsigned int i;
	int err;

	err = parse(argc, argv, &o);
	if (err)
		return err < 0 ? MACHINE_ERROR : 0;
	warn(&o);
	o.config.boot.append = append_terminal(o.append);
	if (!o.config.boot.append) {
		log_error("out of memory");
		return MACHINE_ERROR;
	}

	machine = machine_create(&o.config);
	if (!machine || log_start())
		return vhost_user_ending() ? MACHINE_QUIT : MACHINE_ERROR;

	end = machine_run(machine);
	/* A guest that the user has asked to switch itself off is not started again. */
	if (machine->asked)
		o.restart = false;
	tell_end(end, o.restart);
	for (i = 0; o.stats && i < machine->nr_vcpus; i++)
		stats_print(&machine->vcpus[i]);
	log_flush();
	machine_release(machine);
	if (o.restart && restarts(end))
		start_again(argv, started);
	return end;
}
