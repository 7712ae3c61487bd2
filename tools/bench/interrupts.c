// SPDX-License-Identifier: GPL-2.0
/*
 * Measures interrupts and halts in the kernel, and their floors: what the host takes to do
 * something similar without a guest.
 *
 * All threads share one CPU.  They are SCHED_FIFO with the same priority, so none preempts
 * another: the next thread runs when one sleeps or yields, which is the same in each round.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "interrupts.h"
#include "measure.h"

#define PEER		1	/* the second vCPU */
#define WARM		8

static void set_policy(int policy, int priority)
{
	const struct sched_param param = { .sched_priority = priority };

	if (sched_setscheduler(0, policy, &param))
		die("sched_setscheduler");
}

/* Without this the kernel throttles SCHED_FIFO threads after most of a second. */
static void allow_fifo(void)
{
	static const char path[] = "/proc/sys/kernel/sched_rt_runtime_us";
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, "-1", 2) != 2)
		die(path);
	close(fd);
}

static pthread_t begin_thread(void *(*function)(void *unused))
{
	pthread_t thread;

	errno = pthread_create(&thread, NULL, function, NULL);
	if (errno)
		die("pthread_create");
	return thread;
}

/* ---- floors -------------------------------------------------------------- */

enum turn { MAIN, OTHER, OVER };

static unsigned int turn;
static int request_fd, answer_fd;
static volatile int over;

static unsigned int whose_turn(void)
{
	return __atomic_load_n(&turn, __ATOMIC_SEQ_CST);
}

static void give_turn(unsigned int to)
{
	__atomic_store_n(&turn, to, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void wait_while(unsigned int other)
{
	while (whose_turn() == other)
		syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, other, NULL, NULL, 0);
}

static void *answer_by_futex(void *unused)
{
	for (;;) {
		wait_while(MAIN);
		if (whose_turn() == OVER)
			return unused;
		give_turn(MAIN);
	}
}

static void futex_and_back(void)
{
	give_turn(OTHER);
	wait_while(OTHER);
}

static void signal_fd(int fd)
{
	const uint64_t one = 1;

	if (write(fd, &one, sizeof(one)) != sizeof(one))
		die("write to an eventfd");
}

static void wait_fd(int fd)
{
	uint64_t count;

	if (read(fd, &count, sizeof(count)) != sizeof(count))
		die("read from an eventfd");
}

static void *answer_by_eventfd(void *unused)
{
	for (;;) {
		wait_fd(request_fd);
		if (over)
			return unused;
		signal_fd(answer_fd);
	}
}

static void *answer_nothing(void *unused)
{
	while (!over)
		wait_fd(request_fd);
	return unused;
}

/* Signal another thread or the guest, and wait for its answer. */
static void signal_and_wait(void)
{
	signal_fd(request_fd);
	wait_fd(answer_fd);
}

static void signal_and_yield(void)
{
	signal_fd(request_fd);
	sched_yield();
}

static int new_eventfd(void)
{
	int fd = eventfd(0, EFD_CLOEXEC);

	if (fd < 0)
		die("eventfd");
	return fd;
}

/* The floors with two threads: one wakes the other, and sleeps until it is woken itself. */
static void measure_threads(void)
{
	pthread_t thread;
	unsigned int n;

	thread = begin_thread(answer_by_futex);
	for (n = 0; n < WARM; n++)
		futex_and_back();
	measure(PATH_THREADS_FUTEX, futex_and_back());
	give_turn(OVER);
	pthread_join(thread, NULL);

	request_fd = new_eventfd();
	answer_fd = new_eventfd();
	thread = begin_thread(answer_by_eventfd);
	for (n = 0; n < WARM; n++)
		signal_and_wait();
	measure(PATH_THREADS_EVENTFD, signal_and_wait());
	over = 1;
	signal_fd(request_fd);
	pthread_join(thread, NULL);

	over = 0;
	thread = begin_thread(answer_nothing);
	for (n = 0; n < WARM; n++)
		signal_and_yield();
	measure(PATH_THREAD_WOKEN, signal_and_yield());
	over = 1;
	signal_fd(request_fd);
	pthread_join(thread, NULL);
	close(request_fd);
	close(answer_fd);
}

#if HAS_LAPIC
/* Timers expire after so many ns, or ticks for deadlines: the guest runs again by then. */
#define TICK		100000
/* Spins that take longer than TICK even in the emulator with the fastest instructions. */
#define TICK_SPINS	60000

static void timerfd_ticks(int fd)
{
	const struct itimerspec once = { .it_value.tv_nsec = TICK };
	unsigned int n;

	for (n = 0; n < TICKS_IN_A_RUN; n++) {
		timerfd_settime(fd, 0, &once, NULL);
		spin(TICK_SPINS);
	}
}

/* Set a timerfd, which expires while the program computes. */
static void measure_timerfd(void)
{
	int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC);
	uint64_t samples[SAMPLES];
	unsigned int i;

	if (fd < 0)
		die("timerfd_create");
	for (i = 0; i < SAMPLES; i++)
		samples[i] = (timed(PATH_TIMERFD, timerfd_ticks(fd)) -
			      TICKS_IN_A_RUN * SPIN_INSTRUCTIONS(TICK_SPINS)) / TICKS_IN_A_RUN;
	report(PATH_TIMERFD, samples, SAMPLES);
	close(fd);
}
#endif

/* ---- guests -------------------------------------------------------------- */

#if HAS_LAPIC
static void create(void)
{
	vmm->create(memory, address_of(guest_stop), 1);
	expect(BENCH_STOP);
}

/* What one vCPU does alone. */
static void measure_lapic(void)
{
	create();
	measure_in_kernel(PATH_SELF, guest_self, 0, (void)0);
	measure_in_kernel(PATH_EOI, guest_eoi, 0, expect(BENCH_STOP));
	measure_in_kernel(PATH_TICK, guest_tick, TICK, (void)0);
	measure_in_kernel(PATH_DEADLINE, guest_deadline, TICK, (void)0);
	vmm->destroy();

	/* A new VM: an APIC cannot go from x2APIC mode back to xAPIC mode directly. */
	create();
	measure_in_kernel(PATH_EOI_XAPIC, guest_eoi_xapic, 0, expect(BENCH_STOP));
	vmm->destroy();
}

/* Wake a halted vCPU by an eventfd; it answers by a doorbell, or not. */
static void measure_irqfds(int ring_fd, int wake_fd, int bell_fd)
{
	uint64_t taken = params()->taken;

	request_fd = ring_fd;
	answer_fd = bell_fd;
	signal_and_wait();
	measure(PATH_RING, signal_and_wait());

	request_fd = wake_fd;
	measure(PATH_WAKE, signal_and_yield());
	if (params()->taken == taken + SAMPLES * TIMES)
		return;
	fprintf(stderr, "%s: not every signal woke the guest\n", vmm->name);
	exit(1);
}
#endif

static void *run_peer(void *unused)
{
	vmm->add(PEER, address_of(guest_peer));
	expect(BENCH_STOP);
	return unused;
}

/* What two vCPUs do, each in a thread of its own. */
static void measure_pair(void)
{
#if HAS_LAPIC
	int ring_fd = new_eventfd(), wake_fd = new_eventfd(), bell_fd = new_eventfd();
#endif
	pthread_t thread;

	vmm->create(memory, address_of(guest_stop), 1);
#if HAS_LAPIC
	vmm->irqfd(ring_fd, PEER, INT_RING);
	vmm->irqfd(wake_fd, PEER, INT_WAKE);
	vmm->doorbell(1, bell_fd);
#endif
	/* Wait for the second vCPU: arm64's KVM runs none before all have been created. */
	params()->taken = 0;
	thread = begin_thread(run_peer);
	while (!params()->taken)
		usleep(1000);

	measure_in_kernel(PATH_PING, guest_ping, INT_PING, (void)0);
#if HAS_LAPIC
	measure_irqfds(ring_fd, wake_fd, bell_fd);
#endif

	vmm->set_pc(address_of(guest_ping));
	ask(1, INT_STOP, 0);
	expect(BENCH_STOP);
	pthread_join(thread, NULL);
	vmm->destroy();
#if HAS_LAPIC
	close(ring_fd);
	close(wake_fd);
	close(bell_fd);
#endif
}

void measure_interrupts(void)
{
	allow_fifo();
	set_policy(SCHED_FIFO, 1);
	measure_threads();
#if HAS_LAPIC
	measure_timerfd();
	measure_lapic();
#endif
	measure_pair();
	set_policy(SCHED_OTHER, 0);
}
