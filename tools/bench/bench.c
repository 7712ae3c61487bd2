// SPDX-License-Identifier: GPL-2.0
/*
 * Measures the same guest code through KVM or through axvcpu, in ticks of the counter.
 * In an emulator whose counter counts instructions, a tick is an instruction.
 *
 * Prints a line per measurement: the interface, the name, and the median, minimum and
 * maximum of the samples.  With a command as argument, it measures that command instead.
 * With the word "trace", the emulator's debugger stops before and after some rounds of
 * each path, to trace them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "interrupts.h"
#include "measure.h"

#define LOG_SAMPLES	5

const struct bench_vmm *vmm;
char *memory;
static int tracing;

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

void report(enum path path, uint64_t *samples, unsigned int count)
{
	qsort(samples, count, sizeof(*samples), compare);
	printf("bench %s %s %llu %llu %llu\n", vmm->name, path_info[path].name,
	       (unsigned long long)samples[count / 2],
	       (unsigned long long)samples[0],
	       (unsigned long long)samples[count - 1]);
	fflush(stdout);
}

int is_traced(enum path path)
{
	static unsigned int rounds[PATHS];
	unsigned int round = rounds[path]++;

	return tracing && !path_info[path].long_round &&
	       round >= FIRST_TRACED && round < FIRST_TRACED + TRACED;
}

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

static void supply_and_run(enum bench_exit exit_wanted)
{
	vmm->supply(DEVICE_ANSWER);
	expect(exit_wanted);
}

/* Supply what the guest's last read asked for, and run until the guest reads again. */
#define measure_read(path, code, exit)				\
	do {							\
		unsigned int warm;				\
								\
		vmm->set_pc(address_of(code));			\
		expect(exit);					\
		for (warm = 0; warm < 8; warm++)		\
			supply_and_run(exit);			\
		measure(path, supply_and_run(exit));		\
	} while (0)

/* Doorbells that signal an eventfd for which no thread waits. */
static void measure_doorbells(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

#if HAS_PORTS
	vmm->doorbell(1, fd);
	measure_in_kernel(PATH_DOORBELL_PORT, guest_doorbell_port, 0, (void)0);
#endif
	vmm->doorbell(0, fd);
	measure_in_kernel(PATH_DOORBELL_MMIO, guest_doorbell_mmio, 0, (void)0);
	close(fd);
}

/* Tell the reader of the trace the paths' names and numbers, and execute the first marker. */
static void begin_traces(void)
{
	unsigned int i;

	for (i = 0; i < PATHS; i++)
		printf("path %u %s %u %u\n", i, i == PATH_RUN ? "run" : path_info[i].name,
		       path_info[i].units, path_info[i].times);
	fflush(stdout);
	BREAK();
	if (vmm == &kvm_vmm)
		MARK(MARKER_KVM);
	else
		MARK(MARKER_AXVCPU);
	BREAK();
	tracing = 1;
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

/* A run that has a kick pending, from its call to its return. */
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

/* The guest touches pages that the host has, but that are not in the second stage. */
static void measure_touch(void)
{
	uint64_t samples[16];
	unsigned int i;

	vmm->set_pc(address_of(guest_touch));
	ask(0, 0, 0);
	expect(BENCH_STOP);
	for (i = 0; i < 16; i++)
		samples[i] = per_unit(PATH_FIRST_TOUCH, GUEST_TOUCH +
				      i * TOUCHED_PAGES * PAGE, (void)0);
	report(PATH_FIRST_TOUCH, samples, 16);
}

static void create_and_run(void)
{
	vmm->create(memory, address_of(guest_stop), 0);
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

/* The guest writes to @count pages. */
static void touch(uint64_t count, uint64_t address, uint64_t step)
{
	ask(count, address, step);
	expect(BENCH_STOP);
}

static void take_page(unsigned int n)
{
	if (madvise(memory + GUEST_TOUCH + n * PAGE, PAGE, MADV_DONTNEED))
		die("MADV_DONTNEED");
}

/* The host takes a page that the guest has, while no vCPU runs. */
#define measure_taking(path)					\
	do {							\
		uint64_t samples[SAMPLES];			\
		unsigned int i, __n;				\
								\
		for (i = 0; i < SAMPLES; i++) {			\
			touch(TIMES, GUEST_TOUCH, PAGE);	\
			samples[i] = timed(path,		\
				for (__n = 0; __n < TIMES; __n++)	\
					take_page(__n)) / TIMES;	\
		}						\
		report(path, samples, SAMPLES);			\
	} while (0)

static void create_for_touches(void)
{
	ask(0, 0, 0);
	vmm->create(memory, address_of(guest_touch), 0);
	expect(BENCH_STOP);
}

static void measure_takes(void)
{
	unsigned int id;

	create_for_touches();
	measure_taking(PATH_TAKE_1);
	ask(0, 0, 0);
	for (id = 1; id < MANY_VCPUS; id++) {
		vmm->add(id, address_of(guest_touch));
		expect(BENCH_STOP);
	}
	measure_taking(PATH_TAKE_MANY);
	vmm->destroy();
}

/*
 * Switch the log of a region on, when the guest has written one page in each 64 KiB of it;
 * and off, when the guest has written one page in each 1 MiB with the log on.
 */
static void measure_log(void)
{
	uint64_t on[LOG_SAMPLES], off[LOG_SAMPLES];
	unsigned int i;
	char *logged;

	logged = mmap(NULL, LOGGED_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (logged == MAP_FAILED)
		die("mmap");
	madvise(logged, LOGGED_SIZE, MADV_NOHUGEPAGE);
	create_for_touches();
	vmm->set_region(1, GUEST_LOGGED, logged, LOGGED_SIZE, 0);
	for (i = 0; i < LOG_SAMPLES; i++) {
		touch(LOGGED_SIZE >> 16, GUEST_LOGGED, 1 << 16);
		on[i] = timed(PATH_LOG_ON, vmm->set_region(1, GUEST_LOGGED, logged,
							   LOGGED_SIZE, 1));
		touch(LOGGED_SIZE >> 20, GUEST_LOGGED, 1 << 20);
		off[i] = timed(PATH_LOG_OFF, vmm->set_region(1, GUEST_LOGGED, logged,
							     LOGGED_SIZE, 0));
	}
	report(PATH_LOG_ON, on, LOG_SAMPLES);
	report(PATH_LOG_OFF, off, LOG_SAMPLES);
	vmm->destroy();
	munmap(logged, LOGGED_SIZE);
}

static uint64_t usec(const struct timeval *t)
{
	return t->tv_sec * 1000000ull + t->tv_usec;
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ull + t.tv_nsec / 1000;
}

/*
 * Measure a command that boots a guest, from its start to its end.  Ticks go on while all
 * threads wait for a timer, so this also prints the ticks of the command's CPU time.
 */
static void measure_boot(char **command)
{
	struct rusage usage;
	uint64_t sample, busy, begin = now();
	int status;

	sample = timed(PATH_BOOT, ({
		pid_t pid = fork();

		if (!pid) {
			execv(command[0], command);
			die(command[0]);
		}
		if (pid < 0 || wait4(pid, &status, 0, &usage) != pid)
			die("fork");
	}));
	busy = usec(&usage.ru_utime) + usec(&usage.ru_stime);
	printf("busy %s %s %.0f\n", vmm->name, path_info[PATH_BOOT].name,
	       (double)sample * busy / (now() - begin));
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
		fprintf(stderr, "usage: bench kvm|axvcpu [trace|COMMAND...]\n");
		return 2;
	}
	if (argc == 3 && !strcmp(argv[2], "trace")) {
		begin_traces();
	} else if (argc > 2) {
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
	vmm->create(memory, address_of(guest_stop), 0);
	expect(BENCH_STOP);
	measure(PATH_EMPTY, vmm->empty());
	measure_exit(PATH_STOP, guest_stop, BENCH_STOP);
#if HAS_PORTS
	measure_read(PATH_EXIT_IN, guest_in, BENCH_IN);
	measure_exit(PATH_EXIT_MMIO, guest_mmio, BENCH_MMIO);
#endif
	measure_read(PATH_EXIT_MMIO_READ, guest_mmio_read, BENCH_MMIO_READ);
	if (vmm->hypercall_exits)
		measure_exit(PATH_EXIT_HYPERCALL, guest_hypercall, BENCH_HYPERCALL);
	measure_in_kernel(PATH_EXIT_ANSWERED, guest_answered, 0, (void)0);
	measure_registers();
	measure_touch();
	measure_kick();
	measure_doorbells();
	vmm->destroy();
	measure_creation();
	measure_takes();
	measure_log();
	measure_interrupts();
	return 0;
}
