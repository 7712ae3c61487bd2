// SPDX-License-Identifier: GPL-2.0
/*
 * The same guest code through KVM or through axvcpu, in ticks of the TSC.
 *
 * In an emulator whose TSC counts instructions, a tick is an instruction.
 * Prints a line per measurement: the interface, the name, median, least and
 * most of the samples.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <x86intrin.h>

#include "bench.h"
#include "marker.h"

#define SAMPLES		101
#define CPUID_EXITS	64
#define TOUCHED_PAGES	128

static const struct bench_vmm *vmm;
static char *memory;

void die(const char *what)
{
	perror(what);
	exit(1);
}

static void wrong_exit(const char *name)
{
	fprintf(stderr, "%s: %s: not the exit that was expected\n", vmm->name,
		name);
	exit(1);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void report(const char *name, uint64_t *samples, unsigned int count)
{
	qsort(samples, count, sizeof(*samples), compare);
	printf("bench %s %s %llu %llu %llu\n", vmm->name, name,
	       (unsigned long long)samples[count / 2],
	       (unsigned long long)samples[0],
	       (unsigned long long)samples[count - 1]);
	fflush(stdout);
}

static uint64_t address_of(const char *code)
{
	return GUEST_CODE + (code - guest_begin);
}

/* Identity map of 4 GiB by 2 MiB pages. */
static void build_guest(void)
{
	uint64_t *tables = (uint64_t *)(memory + GUEST_TABLES);
	unsigned int i;

	tables[0] = (GUEST_TABLES + 0x1000) | 3;
	for (i = 0; i < 4; i++)
		tables[512 + i] = (GUEST_TABLES + 0x2000 + 0x1000 * i) | 3;
	for (i = 0; i < 4 * 512; i++)
		tables[1024 + i] = ((uint64_t)i << 21) | 0x83;
	memcpy(memory + GUEST_CODE, guest_begin, guest_end - guest_begin);
}

static struct guest_params *params(void)
{
	return (struct guest_params *)(memory + GUEST_PARAMS);
}

static void expect(const char *name, enum bench_exit exit)
{
	if (vmm->run() != exit)
		wrong_exit(name);
}

/* One entry and one exit to userspace; a marker is a constant, so a macro. */
#define measure_exit(name, code, exit, path)			\
	do {							\
		uint64_t samples[SAMPLES], begin;		\
		unsigned int i;					\
								\
		vmm->set_rip(address_of(code));			\
		for (i = 0; i < 8; i++)				\
			expect(name, exit);			\
		for (i = 0; i < SAMPLES; i++) {			\
			MARK(path);				\
			begin = __rdtsc();			\
			expect(name, exit);			\
			samples[i] = __rdtsc() - begin;		\
			MARK(MARKER_END);			\
		}						\
		report(name, samples, SAMPLES);			\
	} while (0)

static void measure_empty(void)
{
	uint64_t samples[SAMPLES], begin;
	unsigned int i;

	for (i = 0; i < SAMPLES; i++) {
		begin = __rdtsc();
		vmm->empty();
		samples[i] = __rdtsc() - begin;
	}
	report("empty_ioctl", samples, SAMPLES);
}

static uint64_t timed_run(const char *name, uint64_t count, uint64_t address)
{
	uint64_t begin;

	params()->count = count;
	params()->address = address;
	begin = __rdtsc();
	expect(name, BENCH_IO);
	return __rdtsc() - begin;
}

/* What an exit costs that never reaches userspace. */
static void measure_in_kernel(void)
{
	uint64_t samples[SAMPLES];
	unsigned int i;

	vmm->set_rip(address_of(guest_cpuid));
	timed_run("exit_cpuid", 4, 0);
	for (i = 0; i < SAMPLES; i++) {
		uint64_t without = timed_run("exit_cpuid", 0, 0);

		MARK(PATH_EXIT_CPUID);
		samples[i] = (timed_run("exit_cpuid", CPUID_EXITS, 0) -
			      without) / CPUID_EXITS;
		MARK(MARKER_END);
	}
	report("exit_cpuid", samples, SAMPLES);
}

static void measure_registers(void)
{
	uint64_t samples[SAMPLES], begin;
	unsigned int i;

	vmm->set_rip(address_of(guest_out));
	expect("registers", BENCH_IO);
	for (i = 0; i < SAMPLES; i++) {
		MARK(PATH_REGISTERS);
		begin = __rdtsc();
		vmm->get_set_regs();
		samples[i] = __rdtsc() - begin;
		MARK(MARKER_END);
	}
	report("registers_by_ioctl", samples, SAMPLES);

	vmm->share_regs(1);
	expect("registers", BENCH_IO);
	for (i = 0; i < SAMPLES; i++) {
		MARK(PATH_EXIT_OUT_REGISTERS);
		begin = __rdtsc();
		vmm->touch_shared();
		expect("registers", BENCH_IO);
		samples[i] = __rdtsc() - begin;
		MARK(MARKER_END);
	}
	vmm->share_regs(0);
	report("exit_out_with_registers", samples, SAMPLES);
}

/* From the entry of a run that has a kick pending to its exit. */
static void measure_kick(void)
{
	uint64_t samples[SAMPLES], begin;
	unsigned int i;

	for (i = 0; i < SAMPLES; i++) {
		vmm->kick();
		MARK(PATH_KICK);
		begin = __rdtsc();
		expect("kick_pending", BENCH_KICKED);
		samples[i] = __rdtsc() - begin;
		MARK(MARKER_END);
		vmm->empty();
	}
	report("kick_pending", samples, SAMPLES);
}

/* Pages the host has, and the second stage has not. */
static void measure_touch(void)
{
	uint64_t samples[16];
	unsigned int i;

	vmm->set_rip(address_of(guest_touch));
	timed_run("first_touch", 0, 0);
	for (i = 0; i < 16; i++) {
		uint64_t address = GUEST_TOUCH + i * TOUCHED_PAGES * 4096ul;
		uint64_t without = timed_run("first_touch", 0, 0);

		MARK(PATH_FIRST_TOUCH);
		samples[i] = (timed_run("first_touch", TOUCHED_PAGES, address) -
			      without) / TOUCHED_PAGES;
		MARK(MARKER_END);
	}
	report("first_touch", samples, 16);
}

static void measure_creation(void)
{
	uint64_t samples[SAMPLES / 4], begin;
	unsigned int i;

	for (i = 0; i < SAMPLES / 4; i++) {
		MARK(PATH_CREATE);
		begin = __rdtsc();
		vmm->create(memory, address_of(guest_out));
		expect("create_to_first_exit", BENCH_IO);
		samples[i] = __rdtsc() - begin;
		MARK(MARKER_END);
		vmm->destroy();
	}
	report("create_to_first_exit", samples, SAMPLES / 4);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "kvm")) {
		vmm = &kvm_vmm;
	} else if (argc == 2 && !strcmp(argv[1], "axvcpu")) {
		vmm = &axvcpu_vmm;
	} else {
		fprintf(stderr, "usage: bench kvm|axvcpu\n");
		return 2;
	}

	memory = mmap(NULL, GUEST_MEMORY, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		die("mmap");
	madvise(memory, GUEST_MEMORY, MADV_NOHUGEPAGE);
	memset(memory, 0, GUEST_MEMORY);
	build_guest();

	vmm->open();
	vmm->create(memory, address_of(guest_out));
	expect("start", BENCH_IO);
	measure_empty();
	measure_exit("exit_out", guest_out, BENCH_IO, PATH_EXIT_OUT);
	measure_exit("exit_mmio", guest_mmio, BENCH_MMIO, PATH_EXIT_MMIO);
	measure_exit("exit_hypercall", guest_hypercall, BENCH_HYPERCALL,
		     PATH_EXIT_HYPERCALL);
	measure_in_kernel();
	measure_registers();
	measure_touch();
	measure_kick();
	vmm->destroy();
	measure_creation();
	return 0;
}
