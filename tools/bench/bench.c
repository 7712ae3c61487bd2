// SPDX-License-Identifier: GPL-2.0
/*
 * The same guest code through KVM or through axvcpu, in ticks of the counter.
 *
 * In an emulator whose counter counts instructions, a tick is an instruction.
 * Prints a line per measurement: the interface, the name, median, least and
 * most of the samples.  With a command, measures that one instead.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "marker.h"

#define SAMPLES		101

static const struct bench_vmm *vmm;
static char *memory;

void die(const char *what)
{
	perror(what);
	exit(1);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void report(enum path path, uint64_t *samples, unsigned int count)
{
	qsort(samples, count, sizeof(*samples), compare);
	printf("bench %s %s %llu %llu %llu\n", vmm->name, path_info[path].name,
	       (unsigned long long)samples[count / 2],
	       (unsigned long long)samples[0],
	       (unsigned long long)samples[count - 1]);
	fflush(stdout);
}

static uint64_t address_of(const char *code)
{
	return GUEST_CODE + (code - guest_begin);
}

static struct guest_params *params(void)
{
	return (struct guest_params *)(memory + GUEST_PARAMS);
}

static void expect(enum bench_exit exit_wanted)
{
	if (vmm->run() == exit_wanted)
		return;
	fprintf(stderr, "%s: not the exit that was expected\n", vmm->name);
	exit(1);
}

/* Ticks of one statement; a marker is a constant, so a macro. */
#define timed(path, statement)					\
	({							\
		uint64_t __begin, __ticks;			\
								\
		MARK(path);					\
		__begin = ticks();				\
		statement;					\
		__ticks = ticks() - __begin;			\
		MARK(MARKER_END);				\
		__ticks;					\
	})

/* Ticks of one statement over and over; TIMES of them at once. */
#define measure(path, statement)				\
	do {							\
		uint64_t samples[SAMPLES];			\
		unsigned int i, __n;				\
								\
		for (i = 0; i < SAMPLES; i++)			\
			samples[i] = timed(path,		\
				for (__n = 0; __n < TIMES; __n++)	\
					statement) / TIMES;	\
		report(path, samples, SAMPLES);			\
	} while (0)

/* One entry and one exit to userspace. */
#define measure_exit(path, code, exit)				\
	do {							\
		unsigned int warm;				\
								\
		vmm->set_pc(address_of(code));			\
		for (warm = 0; warm < 8; warm++)		\
			expect(exit);				\
		measure(path, expect(exit));			\
	} while (0)

static void ask(uint64_t count, uint64_t address)
{
	params()->count = count;
	params()->address = address;
}

/* Ticks of one of the many that the guest does in one run. */
#define per_unit(path, address)					\
	({							\
		uint64_t __alone;				\
								\
		ask(0, 0);					\
		__alone = timed(PATH_RUN, expect(BENCH_STOP));	\
		ask(path_info[path].units, address);		\
		(timed(path, expect(BENCH_STOP)) - __alone) /	\
			path_info[path].units;			\
	})

/* What an exit costs that never reaches userspace. */
static void measure_in_kernel(void)
{
	uint64_t samples[SAMPLES];
	unsigned int i;

	vmm->set_pc(address_of(guest_answered));
	ask(4, 0);
	expect(BENCH_STOP);
	for (i = 0; i < SAMPLES; i++)
		samples[i] = per_unit(PATH_EXIT_ANSWERED, 0);
	report(PATH_EXIT_ANSWERED, samples, SAMPLES);
}

static void touch_and_run(void)
{
	vmm->touch_shared();
	expect(BENCH_STOP);
}

static void measure_registers(void)
{
	vmm->set_pc(address_of(guest_stop));
	expect(BENCH_STOP);
	measure(PATH_REGISTERS, vmm->get_set_regs());

	if (!vmm->share_regs(1))
		return;
	expect(BENCH_STOP);
	measure(PATH_EXIT_REGISTERS, touch_and_run());
	vmm->share_regs(0);
}

/* From the entry of a run that has a kick pending to its exit. */
static void measure_kick(void)
{
	uint64_t samples[SAMPLES];
	unsigned int i;

	for (i = 0; i < SAMPLES; i++) {
		vmm->kick();
		samples[i] = timed(PATH_KICK, expect(BENCH_KICKED));
		vmm->kicked();
	}
	report(PATH_KICK, samples, SAMPLES);
}

/* Pages the host has, and the second stage has not. */
static void measure_touch(void)
{
	uint64_t samples[16];
	unsigned int i;

	vmm->set_pc(address_of(guest_touch));
	ask(0, 0);
	expect(BENCH_STOP);
	for (i = 0; i < 16; i++)
		samples[i] = per_unit(PATH_FIRST_TOUCH, GUEST_TOUCH +
				      i * TOUCHED_PAGES * 4096ul);
	report(PATH_FIRST_TOUCH, samples, 16);
}

static void create_and_run(void)
{
	vmm->create(memory, address_of(guest_stop));
	expect(BENCH_STOP);
}

static void measure_creation(void)
{
	uint64_t samples[SAMPLES / 4];
	unsigned int i;

	for (i = 0; i < SAMPLES / 4; i++) {
		samples[i] = timed(PATH_CREATE, create_and_run());
		vmm->destroy();
	}
	report(PATH_CREATE, samples, SAMPLES / 4);
}

/* A command as a whole, which boots a guest. */
static void measure_boot(char **command)
{
	uint64_t sample;
	int status;

	sample = timed(PATH_BOOT, ({
		pid_t pid = fork();

		if (!pid) {
			execv(command[0], command);
			die(command[0]);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid)
			die("fork");
	}));
	if (status) {
		fprintf(stderr, "%s: the guest did not end well: %#x\n",
			vmm->name, status);
		exit(1);
	}
	report(PATH_BOOT, &sample, 1);
}

int main(int argc, char **argv)
{
	if (argc >= 2 && !strcmp(argv[1], "kvm")) {
		vmm = &kvm_vmm;
		MARK(MARKER_KVM);
	} else if (argc >= 2 && !strcmp(argv[1], "axvcpu")) {
		vmm = &axvcpu_vmm;
		MARK(MARKER_AXVCPU);
	} else {
		fprintf(stderr, "usage: bench kvm|axvcpu [COMMAND...]\n");
		return 2;
	}
	if (argc > 2) {
		measure_boot(argv + 2);
		return 0;
	}

	memory = mmap(NULL, GUEST_MEMORY, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	madvise(memory, GUEST_MEMORY, MADV_NOHUGEPAGE);
	memset(memory, 0, GUEST_MEMORY);
	memcpy(memory + GUEST_CODE, guest_begin, guest_end - guest_begin);
	arch_build_guest(memory);

	vmm->open();
	vmm->create(memory, address_of(guest_stop));
	expect(BENCH_STOP);
	measure(PATH_EMPTY, vmm->empty());
	measure_exit(PATH_STOP, guest_stop, BENCH_STOP);
	if (PATH_STOP != PATH_EXIT_MMIO)
		measure_exit(PATH_EXIT_MMIO, guest_mmio, BENCH_MMIO);
	if (vmm->hypercall_exits)
		measure_exit(PATH_EXIT_HYPERCALL, guest_hypercall, BENCH_HYPERCALL);
	measure_in_kernel();
	measure_registers();
	measure_touch();
	measure_kick();
	vmm->destroy();
	measure_creation();
	return 0;
}
