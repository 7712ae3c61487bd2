/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the axvcpu tests share: VMs, vCPUs, memory and threads, directly on the user
 * ABI, without libaxvcpu.  Nothing here depends on the architecture; see guest.h for that.
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
 * must() - make the test fail and end if a condition is false
 * @cond: the condition
 *
 * For helpers and threads, in which the harness's ASSERT_* cannot be used.
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
 * @id: the VM's id, from AXV_CREATE_VM
 * @ram: address in this process of guest memory 0 to GUEST_RAM_SIZE, which is region 0
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
 * @moved: counters of the vCPUs that this one has replaced; see vcpu_move()
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
 * @on_exit: called after each run; the thread ends unless it returns 0
 * @data: for @on_exit
 * @thread: the thread
 * @tid: its thread id
 * @stop: asks the thread to end at the next exit Kicked
 * @runs: how many runs have returned
 * @exits: how many runs ended, by exit reason
 * @error: the negative error of a run that failed, which ends the thread
 * @changes: a futex that changes when @runs, @exits or @error does
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

/* System calls: return the result, or the negative error. */
int axv_ioctl(int fd, unsigned long cmd, const void *arg);
__u64 axv_query(int dev, __u32 id);

/* Divide a count by AXV_TEST_SCALE of the environment or the kernel's command line. */
unsigned long scaled(unsigned long count);

/*
 * VMs.  They have no irqchip unless one is given; their memory is private and anonymous
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

/* Memory whose pages are missing until the test supplies them, by userfaultfd. */
int uffd_new(void *mem, size_t size);
void uffd_await(int uffd, const void *addr);
void uffd_supply(int uffd, void *page, __u64 first_word);

/* Whether a signal interrupts a guest's access that waits for such a page. */
int uffd_waits_interruptibly(void);
#define NO_INTERRUPTIBLE	"no FOLL_INTERRUPTIBLE in this kernel"

/*
 * vCPUs.  vcpu_new() leaves a vCPU in state Created; vcpu_new_as() gives it a hw_id other than
 * its id; vcpu_ready() sets it up, in the architecture's 64-bit mode, and binds it.
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
 * Run; return the exit reason, or the negative error.  vcpu_run() runs again after
 * AXV_EXIT_NOTHING; with AXV_TEST_MOVE in the environment it calls vcpu_move() at each exit.
 */
int vcpu_run_once(struct axv_vcpu *v);
int vcpu_run(struct axv_vcpu *v);

/*
 * Save the state of a vCPU, which is Ready and owned by the caller, destroy it, and restore its
 * state into a new vCPU with the same descriptor number and run page address.  The registers of
 * both must be the same.
 */
void vcpu_move(struct axv_vcpu *v);
void vcpu_dump(struct axv_vcpu *v);

/* Get or set one register: 0, or the register's status, or the error of the call. */
int reg_get(struct axv_vcpu *v, __u64 id, __u64 *value);
int reg_set(struct axv_vcpu *v, __u64 id, __u64 value);

void runner_start(struct axv_runner *r, struct axv_vcpu *v,
		  int (*on_exit)(struct axv_runner *r), void *data);
void runner_join(struct axv_runner *r);
void runner_stop(struct axv_runner *r);
void runner_await(struct axv_runner *r, int reason, unsigned long count);

/*
 * Functions for @on_exit of runner_start(), which run the vCPU until runner_stop() is called;
 * until the first exit Kicked; until @data is not 0.
 */
int for_ever(struct axv_runner *r);
int until_kicked(struct axv_runner *r);
int until_told(struct axv_runner *r);

/* Wait until a guest has incremented its counter. */
void await_progress(volatile __u64 *counter);

/* Sleep while a word has this value; wake all threads that sleep on it. */
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
