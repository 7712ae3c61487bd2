/* SPDX-License-Identifier: GPL-2.0 */
/* The machine: a VM, its vCPUs and its devices. */
#ifndef AXVMM_MACHINE_H
#define AXVMM_MACHINE_H

#include <pthread.h>

#include <axvcpu.h>

#include "arch.h"
#include "balloon.h"
#include "boot.h"
#include "bus.h"
#include "console.h"
#include "control.h"
#include "loop.h"
#include "memory.h"
#include "rng.h"
#include "timer.h"
#include "usernet.h"
#include "vconsole.h"
#include "vcpu.h"
#include "vhost.h"

/*
 * The most devices on PCI: with VHOST_DEVICES, VCONSOLES and USERNETS a balloon, and random
 * numbers.
 */
#define MACHINE_DEVICES	(VHOST_DEVICES + VCONSOLES + USERNETS + 2)

/**
 * enum machine_end - why the machine ended; the values are exit codes
 * @MACHINE_OFF:	the guest has switched the machine off
 * @MACHINE_ERROR:	something failed
 * @MACHINE_RESET:	the guest has asked for a reset
 * @MACHINE_TRIPLE_FAULT: the guest's processor has shut down
 * @MACHINE_QUIT:	the user has ended the machine
 * @MACHINE_PANIC:	the guest's kernel has panicked
 * @MACHINE_ON:		the machine has not ended
 */
enum machine_end {
	MACHINE_OFF = 0,
	MACHINE_ERROR = 1,
	MACHINE_RESET = 2,
	MACHINE_TRIPLE_FAULT = 3,
	MACHINE_QUIT = 4,
	MACHINE_PANIC = 5,
	MACHINE_ON,
};

/**
 * struct machine_config - what to make
 * @boot:	what to boot
 * @memory:	bytes of memory, a multiple of 1 MiB, at least ARCH_MEMORY_MIN
 * @name:	name of the guest; NULL: the number of the process
 * @cpus:	vCPUs, 1 to ARCH_CPUS_MAX
 * @cpu_set:	host CPUs that the vCPUs may run on; NULL: any
 * @cpu_set_size: bytes at @cpu_set
 * @no_seccomp:	do not filter the system calls of the threads of vCPUs, @vhost, @usernets and
 *		@consoles
 * @vhost:	virtio devices, whose back ends are other processes or the kernel
 * @nr_vhost:	entries of @vhost
 * @consoles:	virtio consoles
 * @nr_consoles: entries of @consoles
 * @usernets:	virtio network devices by passt
 * @nr_usernets: entries of @usernets
 * @balloon:	a balloon
 * @rng:	a device for random numbers
 */
struct machine_config {
	struct boot_config boot;
	u64 memory;
	const char *name;
	unsigned int cpus;
	const void *cpu_set;
	size_t cpu_set_size;
	bool no_seccomp;
	struct vhost_config vhost[VHOST_DEVICES];
	unsigned int nr_vhost;
	struct console_config consoles[VCONSOLES];
	unsigned int nr_consoles;
	struct usernet_config usernets[USERNETS];
	unsigned int nr_usernets;
	bool balloon;
	bool rng;
};

/**
 * struct machine - the machine
 * @lock:	guards the devices, except one that has a lock of its own (x86: the I/O
 *		APIC), the event loop's sources, @end, @asked, @paused, @panicked, and the fields
 *		that &struct vcpu lists.  Held for one access, one event or one exit;
 *		never while a vCPU runs or a thread waits.  One lock is enough for all
 *		devices and vCPUs: accesses of devices are rare, and short.
 * @host:	the device, /dev/axvcpu; constant
 * @vm:		the VM; constant
 * @mem:	guest memory; constant
 * @memory:	bytes of memory that the user gave the guest; @mem may lack some of them, where
 *		the board has something else; constant
 * @bus:	devices in guest physical memory; constant
 * @loop:	the event loop, run by the main thread
 * @signals:	signals that end axvmm or suspend it
 * @board:	the architecture's devices
 * @console:	the console, on a serial port of the board
 * @control:	the control socket
 * @vhost:	virtio devices, whose back ends are other processes or the kernel, each with
 *		a thread; the array is constant
 * @nr_vhost:	entries of @vhost; constant
 * @vconsoles:	virtio consoles, each with a thread; the array is constant
 * @nr_vconsoles: entries of @vconsoles; constant
 * @usernets:	virtio network devices by passt, each with a thread; the array is constant
 * @nr_usernets: entries of @usernets; constant
 * @balloon:	the balloon, if @has_balloon
 * @has_balloon: there is a balloon; constant
 * @rng:	the device for random numbers, if there is one
 * @vcpus:	the vCPUs, each with a thread; the array is constant
 * @nr_vcpus:	entries of @vcpus; constant
 * @seccomp:	the threads of @vcpus, @vhost, @vconsoles and @usernets filter their system
 *		calls; constant
 * @end:	why the machine ended, or MACHINE_ON
 * @asked:	the guest has been asked to switch itself off
 * @paused:	the vCPUs are held
 * @panicked:	the guest's kernel has panicked
 * @panic_end:	timer that ends the machine after a panic
 */
struct machine {
	pthread_mutex_t lock;
	struct axv_host *host;
	struct axv_vm *vm;
	struct memory mem;
	u64 memory;
	struct bus bus;
	struct loop loop;
	struct loop_source signals;
	struct board board;
	struct console console;
	struct control control;
	struct vhost *vhost;
	unsigned int nr_vhost;
	struct vconsole vconsoles[VCONSOLES];
	unsigned int nr_vconsoles;
	struct usernet *usernets;
	unsigned int nr_usernets;
	struct balloon balloon;
	bool has_balloon;
	struct rng rng;
	struct vcpu *vcpus;
	unsigned int nr_vcpus;
	bool seccomp;
	enum machine_end end;
	bool asked;
	bool paused;
	bool panicked;
	struct timer panic_end;
};

/**
 * machine_create() - make a machine, ready to run
 * @config:	what to make
 *
 * Return: the machine, or NULL; the error has been printed.
 */
struct machine *machine_create(const struct machine_config *config);

/**
 * machine_run() - run the machine until it ends
 * @machine:	the machine
 *
 * Return: why it ended.
 */
enum machine_end machine_run(struct machine *machine);

/** machine_release() - end the back ends, and free the vCPUs and the VM, after machine_run() */
void machine_release(struct machine *machine);

/**
 * machine_stop() - end the machine; the first reason counts
 *
 * Context: any thread, with the machine's lock held.
 */
void machine_stop(struct machine *machine, enum machine_end end);

/**
 * machine_panicked() - note that the guest's kernel has panicked
 *
 * The machine ends a moment later, so that the guest can print its last messages.
 *
 * Context: any thread, with the machine's lock held.
 */
void machine_panicked(struct machine *machine);

/**
 * machine_terminate() - ask the guest to switch itself off; if that has been done or the guest
 * does not listen, end it
 *
 * A paused guest goes on.
 *
 * Context: the event loop.
 */
void machine_terminate(struct machine *machine);

/**
 * machine_pause() - keep the vCPUs from running
 *
 * They have left the guest when this returns.  Timers and clocks go on.
 *
 * Context: the event loop.
 */
void machine_pause(struct machine *machine);

/** machine_resume() - let the vCPUs go on after machine_pause() */
void machine_resume(struct machine *machine);

/** machine_quit() - machine_stop(), for the user; @arg is the machine */
void machine_quit(void *arg);

/**
 * machine_stopping() - whether the machine has ended
 *
 * Context: with the machine's lock held.
 */
static inline bool machine_stopping(const struct machine *machine)
{
	return machine->end != MACHINE_ON;
}

#endif /* AXVMM_MACHINE_H */
