/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The benchmark's view of a hypervisor: as little as the measurements need, so
 * that what is measured is the interface and not the benchmark.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdint.h>

#include "arch.h"

#define GUEST_MEMORY	(32ul << 20)

/* Where the guest's parts are, in its physical memory. */
#define GUEST_TABLES	0x1000ul	/* page tables, 6 pages */
#define GUEST_PARAMS	0x8000ul	/* struct guest_params */
#define GUEST_GDT	0x9000ul	/* where the guest takes interrupts */
#define GUEST_IDT	0xa000ul	/* likewise */
#define GUEST_STACKS	0xd000ul	/* the end of one; vCPU 1's is a page behind it */
#define GUEST_CODE	0x10000ul
#define GUEST_TOUCH	(16ul << 20)	/* pages for first touches */
#define GUEST_LOGGED	0x40000000ul	/* a region of its own, for the log */
#define GUEST_HOLE	0xc0000000ul	/* no memory: a device */
#define GUEST_DOORBELL	0xc0000010ul	/* a doorbell of 4 bytes there */
#define PORT_DOORBELL	0x20		/* and one of a byte at a port */

#define LOGGED_SIZE	(1ul << 30)

/* What every read of a device answers; guest.S looks whether it does. */
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
 * @count:	how often to do it before the exit
 * @address:	where to begin; of a timer, when it expires
 * @step:	from one address to the next
 * @waited:	out: instructions of the guest's while it waited for a timer
 * @taken:	out: how often the second vCPU has halted, or been woken, since it began
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
 * @create:	VM with @memory at 0, and one vCPU in 64-bit mode at @pc.  @irqchip: with
 *		interrupts and halts in the kernel
 * @add:	one more vCPU, number @id; from now on it is the one that this thread runs
 * @set_region:	memory of the VM, @log: with a log of what is written
 * @destroy:	and away with it
 * @run:	enter the guest until an exit
 * @supply:	what the guest reads, where it has just exited by a read
 * @doorbell:	writes to GUEST_DOORBELL, or with @port PORT_DOORBELL, signal the eventfd
 * @irqfd:	the eventfd's signals become interrupt @vector of vCPU @id; with HAS_LAPIC
 * @set_pc:	continue somewhere else
 * @get_set_regs: read all general registers, change one, write all back,
 *		by the interface's calls
 * @share_regs:	from now on every exit and entry carries the general registers
 *		in shared memory; toggle.  0: it cannot
 * @touch_shared: read and change a register there
 * @kick:	make the next run end at once
 * @kicked:	and no other
 * @empty:	a call that does nothing
 * @hypercall_exits: it hands hypercalls on to userspace
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

/* Says what failed, and ends the program. */
void die(const char *what);

/* Guest code, guest.S: each loops around one exit. */
extern const char guest_begin[], guest_end[];
extern const char guest_stop[], guest_in[], guest_mmio[], guest_mmio_read[],
		  guest_hypercall[], guest_answered[], guest_touch[], guest_doorbell_port[],
		  guest_doorbell_mmio[];

/* With interrupts; the last one is for the second vCPU. */
extern const char guest_self[], guest_eoi[], guest_eoi_xapic[], guest_tick[],
		  guest_deadline[], guest_ping[], guest_peer[];

/* arch.c: tables of the guest, and what must be patched in its code. */
void arch_build_guest(char *memory);

/* arch.c: registers and interrupts through KVM; @pc is where to begin, or to go on. */
struct kvm_run;
void arch_kvm_vm(int dev, int vm, int irqchip);
void arch_kvm_init(int vm, int vcpu, unsigned int id, uint64_t pc, int irqchip);
void arch_kvm_set_pc(int vcpu, uint64_t pc);
void arch_kvm_get_set_regs(int vcpu);
int arch_kvm_share_regs(struct kvm_run *run, int on);
void arch_kvm_irqfd(int vm, int fd, unsigned int id, unsigned int vector);
void arch_kvm_touch_shared(struct kvm_run *run);

/* arch.c: registers in axvcpu's run page, and what interrupts in the kernel need beside. */
struct axv_run;
void arch_axv_init(struct axv_run *run, uint64_t pc);
void arch_axv_interrupts(int vcpu);
void arch_axv_set_pc(struct axv_run *run, uint64_t pc);
void arch_axv_touch(struct axv_run *run);
void arch_axv_irqfd(int vm, int fd, unsigned int id, unsigned int vector);

#endif /* BENCH_H */
