/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the axvcpu tests share: VMs, vCPUs, memory and threads, over the bare
 * user ABI. Nothing in here knows an architecture; see guest.h for that.
 */
#ifndef AXV_TEST_H
#define AXV_TEST_H

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/axvcpu.h>

#define AXV_DEVICE	"/dev/axvcpu"
#define PAGE		4096ul
#define HUGE_PAGE	(2ul << 20)

/**
 * must() - a condition without which a test makes no sense
 * @cond: the condition
 *
 * For helpers and threads, which the harness's ASSERT_* cannot be used in: ends
 * the test as failed.
 */
#define must(cond) do {							\
	if (!(cond))							\
		axv_fail(__FILE__, __LINE__, #cond);			\
} while (0)

void axv_fail(const char *file, int line, const char *what)
	__attribute__((noreturn));

/**
 * struct axv_vm - a VM under test
 * @dev: /dev/axvcpu
 * @fd: the VM
 * @id: as AXV_CREATE_VM gave it
 * @ram: the VMM's address of guest memory 0 to GUEST_RAM_SIZE, in region 0
 */
struct axv_vm {
	int dev;
	int fd;
	__u32 id;
	__u8 *ram;
};

/**
 * struct axv_vcpu - a vCPU under test
 * @vm: its VM
 * @fd: the vCPU
 * @run: its run page
 * @run_size: bytes mapped there
 * @moved: counters of those whose place it took; see vcpu_run()
 */
struct axv_vcpu {
	struct axv_vm *vm;
	int fd;
	struct axv_run *run;
	size_t run_size;
	struct axv_stats moved;
};

/**
 * struct axv_runner - a thread that owns a vCPU and runs it again and again
 * @vcpu: what it runs
 * @on_exit: called after each run; anything but 0 ends the thread
 * @data: for @on_exit
 * @thread: the thread
 * @tid: its thread id
 * @stop: asks the thread to end at the next Kicked
 * @runs: runs that have returned
 * @exits: how many of them for which reason
 * @error: the negative error of a run that failed, which ends the thread
 * @changes: a futex: changes with each of the above
 */
struct axv_runner {
	struct axv_vcpu *vcpu;
	int (*on_exit)(struct axv_runner *r);
	void *data;
	pthread_t thread;
	atomic_int tid;
	atomic_int stop;
	atomic_ulong runs;
	atomic_ulong exits[32];
	atomic_int error;
	atomic_int changes;
};

/* Calls: the result, or the negative error. */
int axv_ioctl(int fd, unsigned long cmd, const void *arg);
__u64 axv_query(int dev, __u32 id);

/* Counts shrink by the environment's or the command line's AXV_TEST_SCALE. */
unsigned long scaled(unsigned long count);

/*
 * VMs, without irqchip unless one is named; the memory is private and anonymous
 * unless @ram is given.
 */
int dev_open(void);
int irqchip_offered(__u32 irqchip);
void vm_new(struct axv_vm *vm, __u32 flags);
void vm_new_ram(struct axv_vm *vm, __u32 flags, void *ram);
void vm_new_irqchip(struct axv_vm *vm, __u32 flags, __u32 irqchip);
void vm_free(struct axv_vm *vm);
int vm_region(struct axv_vm *vm, __u32 id, __u32 flags, __u64 gpa, __u64 size,
	      const void *hva);
void *mem_new(size_t size);
int mem_small_pages(void *mem, size_t size);

/* Memory that is supplied by whoever reads the descriptor's events. */
int uffd_new(void *mem, size_t size);
void uffd_await(int uffd, const void *addr);
void uffd_supply(int uffd, void *page, __u64 first_word);

/* A signal interrupts who waits for it, if that is a guest's access. */
int uffd_waits_interruptibly(void);
#define NO_INTERRUPTIBLE	"no FOLL_INTERRUPTIBLE in this kernel"

/*
 * vCPUs. _new: Created. _ready: set up and bound, in the arch's 64-bit mode. _as: with a hw_id
 * that is not its id.
 */
void vcpu_new(struct axv_vm *vm, struct axv_vcpu *v, __u32 id);
void vcpu_new_as(struct axv_vm *vm, struct axv_vcpu *v, __u32 id, __u64 hw_id);
void vcpu_new_on(struct axv_vm *vm, struct axv_vcpu *v, __u32 id,
		 const cpu_set_t *set);
void vcpu_ready(struct axv_vm *vm, struct axv_vcpu *v, __u32 id);
void vcpu_free(struct axv_vcpu *v);

int vcpu_setup(struct axv_vcpu *v, __u64 entry, __u32 mode);
int vcpu_bind(struct axv_vcpu *v);
int vcpu_adopt(struct axv_vcpu *v);
int vcpu_unbind(struct axv_vcpu *v);
int vcpu_reset(struct axv_vcpu *v);
int vcpu_kick(struct axv_vcpu *v);
struct axv_state vcpu_info(struct axv_vcpu *v);
int vcpu_state(struct axv_vcpu *v);
void vcpu_await_state(struct axv_vcpu *v, int state);
struct axv_stats vcpu_stats(struct axv_vcpu *v);
int vcpu_inject(struct axv_vcpu *v, __u32 type, __u32 vector);

/*
 * The exit reason, or the negative error. vcpu_run() hides AXV_EXIT_NOTHING; with
 * AXV_TEST_MOVE in the environment each exit is one in another vCPU: see vcpu_move().
 */
int vcpu_run_once(struct axv_vcpu *v);
int vcpu_run(struct axv_vcpu *v);

/*
 * A vCPU that is Ready and the caller's ends, and a new one with its state takes its place,
 * its descriptor and its run page; the registers of both must be the same.
 */
void vcpu_move(struct axv_vcpu *v);
void vcpu_dump(struct axv_vcpu *v);

/* One register: 0, or its status, or the error of the call. */
int reg_get(struct axv_vcpu *v, __u64 id, __u64 *value);
int reg_set(struct axv_vcpu *v, __u64 id, __u64 value);

void runner_start(struct axv_runner *r, struct axv_vcpu *v,
		  int (*on_exit)(struct axv_runner *r), void *data);
void runner_join(struct axv_runner *r);
void runner_stop(struct axv_runner *r);
void runner_await(struct axv_runner *r, int reason, unsigned long count);

/* For runner_start(): until it is stopped, until its first Kicked, until @data is not 0. */
int for_ever(struct axv_runner *r);
int until_kicked(struct axv_runner *r);
int until_told(struct axv_runner *r);

/* Until a guest that counts there has done so once more. */
void await_progress(volatile __u64 *counter);

/* Sleep while the word has a value; wake who sleeps on it. */
void wait_while(atomic_int *word, int value);
void wake_all(atomic_int *word);

/* Threads and processes. */
pid_t axv_gettid(void);
void *in_thread(void *(*fn)(void *arg), void *arg);
pid_t child_start(int (*fn)(void *arg), void *arg);
int child_status(pid_t pid);
int child_kill(pid_t pid);
void catch_signal(int sig);
void kick_on_signal(int sig, struct axv_vcpu *v);
int cpus_online(void);
int second_cpu(void);
void pin_to(int cpu);

#endif
