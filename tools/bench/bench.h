/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the benchmark needs of a hypervisor's interface, and no more, so that the time of the
 * interface is measured and not that of the benchmark.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>

#include "arch.h"

#define GUEST_MEMORY	(32ul << 20)

/* Where the guest's parts are, in its physical memory. */
#define GUEST_TABLES	0x1000ul	/* page tables, 6 pages */
#define GUEST_PARAMS	0x8000ul	/* struct guest_params */
#define GUEST_GDT	0x9000ul	/* x86: used by guests that take interrupts */
#define GUEST_IDT	0xa000ul	/* x86: used by guests that take interrupts */
#define GUEST_STACKS	0xd000ul	/* end of vCPU 0's stack; vCPU 1's is a page behind */
#define GUEST_CODE	0x10000ul
#define GUEST_TOUCH	(16ul << 20)	/* pages for first touches */
#define GUEST_LOGGED	0x40000000ul	/* a region of its own, for the log */
#define GUEST_HOLE	0xc0000000ul	/* no memory: a device */
#define GUEST_DOORBELL	0xc0000010ul	/* a doorbell of 4 bytes in the hole */
#define PORT_DOORBELL	0x20		/* a doorbell of a byte at an I/O port */

#define LOGGED_SIZE	(1ul << 30)

/* The answer to every read of a device; guest.S checks that it arrives. */
#define DEVICE_ANSWER	0x5a

/* Exit of a guest as both interfaces report it. */
enum bench_exit {
	BENCH_IO,
	BENCH_IN,
	BENCH_MMIO,
	BENCH_MMIO_READ,
	BENCH_HYPERCALL,
	BENCH_KICKED,
	BENCH_OTHER,
};

/**
 * struct guest_params - what the host tells the guest code, in memory
 * @count:	how often to do what is measured before the exit
 * @address:	first address; for timers, the time until expiry; for IPIs, the vector
 * @step:	distance from one address to the next
 * @waited:	out: instructions of the guest while it waited for a timer
 * @taken:	out: 1 when the second vCPU has begun, plus how often INT_WAKE woke it
 */
struct guest_params {
	uint64_t count;
	uint64_t address;
	uint64_t step;
	volatile uint64_t waited;
	volatile uint64_t taken;
};

/**
 * struct bench_vmm - one interface to virtual CPUs
 * @name:	"kvm" or "axvcpu"
 * @open:	open the device
 * @create:	make a VM with @memory at 0, and one vCPU in 64-bit mode at @pc; @irqchip: the
 *		kernel does interrupts and halts
 * @add:	make one more vCPU, number @id, which this thread runs from now on
 * @set_region:	set memory of the VM; @log: log the guest's writes to it
 * @destroy:	destroy the VM
 * @run:	enter the guest until an exit
 * @supply:	set the value of the read by which the guest has just exited
 * @doorbell:	make writes to GUEST_DOORBELL, or with @port to PORT_DOORBELL, signal the eventfd
 * @irqfd:	make the eventfd's signals interrupt @vector of vCPU @id; only with HAS_LAPIC
 * @set_pc:	make the guest go on somewhere else
 * @get_set_regs: read all general registers, change one, and write all back, by system calls
 * @share_regs:	let every exit and entry carry the general registers in shared memory, or
 *		not; returns 0 if the interface cannot do that
 * @touch_shared: read and change a register in the shared memory
 * @kick:	make the next run end at once
 * @kicked:	make runs no longer end at once
 * @empty:	make a system call that does nothing
 * @hypercall_exits: the interface hands hypercalls on to userspace
 */
struct bench_vmm {
	const char *name;
	void (*open)(void);
	void (*create)(void *memory, uint64_t pc, int irqchip);
	void (*add)(unsigned int id, uint64_t pc);
	void (*set_region)(unsigned int slot, uint64_t gpa, void *memory,
			   uint64_t size, int log);
	void (*destroy)(void);
	enum bench_exit (*run)(void);
	void (*supply)(uint64_t data);
	void (*doorbell)(int port, int fd);
	void (*irqfd)(int fd, unsigned int id, unsigned int vector);
	void (*set_pc)(uint64_t pc);
	void (*get_set_regs)(void);
	int (*share_regs)(int on);
	void (*touch_shared)(void);
	void (*kick)(void);
	void (*kicked)(void);
	void (*empty)(void);
	int hypercall_exits;
};

extern const struct bench_vmm kvm_vmm;
extern const struct bench_vmm axvcpu_vmm;

/* Print what failed, and end the program. */
void die(const char *what);

/* Guest code of guest.S: each label is a loop around one exit. */
extern const char guest_begin[], guest_end[];
extern const char guest_stop[], guest_in[], guest_mmio[], guest_mmio_read[],
		  guest_hypercall[], guest_answered[], guest_touch[], guest_doorbell_port[],
		  guest_doorbell_mmio[];

/* Guest code of guest.S that takes interrupts; the last label is for the second vCPU. */
extern const char guest_self[], guest_eoi[], guest_eoi_xapic[], guest_tick[],
		  guest_deadline[], guest_ping[], guest_peer[];

/* arch.c: make the guest's tables, and patch its code for this processor. */
void arch_build_guest(char *memory);

/* arch.c: registers and interrupts of KVM; @pc is where the guest begins or goes on. */
struct kvm_run;
void arch_kvm_vm(int dev, int vm, int irqchip);
void arch_kvm_init(int vm, int vcpu, unsigned int id, uint64_t pc, int irqchip);
void arch_kvm_set_pc(int vcpu, uint64_t pc);
void arch_kvm_get_set_regs(int vcpu);
int arch_kvm_share_regs(struct kvm_run *run, int on);
void arch_kvm_irqfd(int vm, int fd, unsigned int id, unsigned int vector);
void arch_kvm_touch_shared(struct kvm_run *run);

/* arch.c: registers in axvcpu's run page, and the setup for interrupts in the kernel. */
struct axv_run;
void arch_axv_init(struct axv_run *run, uint64_t pc);
void arch_axv_interrupts(int vcpu);
void arch_axv_set_pc(struct axv_run *run, uint64_t pc);
void arch_axv_touch(struct axv_run *run);
void arch_axv_irqfd(int vm, int fd, unsigned int id, unsigned int vector);

#endif /* BENCH_H */
