/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * What KVM_CREATE_IRQCHIP and KVM_CREATE_PIT2 make: PIC, IOAPIC and PIT.
 *
 * The devices are those of axvmm (tools/devices).  They run in the library: in the threads that
 * make KVM's calls, and in one thread of each such VM, which waits for the PIT's deadlines and
 * for irqfds that lead to pins.  The local APICs are the module's.
 *
 * Locking: @lock guards everything here.  The thread and every access take it, and inside it the
 * IOAPIC takes its own.  With @lock held a thread makes no system call that sleeps, but only
 * these: a message or a kick for the module, setting a timer, signalling an eventfd.  Nor does
 * the thread touch memory of the VMM's then, so no fault handler of the VMM's runs with @lock
 * held.  The VM's lock is taken before @lock, and so is a vCPU's; not the other way around.
 */
#ifndef CHIPS_H
#define CHIPS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <linux/kvm.h>

#include "bus.h"
#include "ioapic.h"
#include "loop.h"
#include "pic.h"
#include "pit.h"
#include "vcpu.h"
#include "vm.h"

struct irqfd;

/**
 * enum source - what can hold a pin high; the pin is high if any of them does
 * @SOURCE_VMM:		KVM_IRQ_LINE
 * @SOURCE_PIT:		channel 0 in mode 0
 * @SOURCE_RESAMPLE:	all irqfds with resampling together
 */
enum source {
	SOURCE_VMM = 1,
	SOURCE_PIT = 2,
	SOURCE_RESAMPLE = 4,
};

#define NO_PIN	0xff

/**
 * struct gsi - where the interrupts of one gsi lead
 * @pic: an input of the PICs, or NO_PIN
 * @ioapic: an input of the IOAPIC, or NO_PIN
 * @message: the gsi's interrupts are a message, and @pic and @ioapic are NO_PIN
 * @address: of the message
 * @data: of the message
 */
struct gsi {
	__u8 pic;
	__u8 ioapic;
	bool message;
	__u32 data;
	__u64 address;
};

/**
 * struct chips - the devices of a VM
 * @lock: see above
 * @vm: the VM
 * @ports: PIC and PIT
 * @memory: the IOAPIC
 * @pics: both PICs
 * @ioapic: the IOAPIC
 * @pit: the PIT, if @has_pit
 * @has_pit: KVM_CREATE_PIT2 was called
 * @pit_flags: KVM_PIT_FLAGS_*, as the VMM has set them
 * @intr: the PIC has an interrupt for a CPU.  A vCPU's thread also reads @intr without @lock,
 *	before it enters the guest.  The thread that sets @intr kicks the vCPUs afterwards, and
 *	a kick is kept.  So either the vCPU's thread reads true, or its run ends at once.
 * @loop: what the thread waits for
 * @thread: the thread
 * @gsis: the routes
 * @nr_gsis: how many
 * @pic_sources: for each input of the PICs the sources that hold it high, see enum source
 * @ioapic_sources: the same for each input of the IOAPIC
 * @vcpus: all vCPUs, by &vcpu.next
 * @looking: the vCPU whose thread has @lock and looks at @intr before it enters the guest, so
 *	that it needs no kick
 * @irqfds: see irqfd.c
 * @irqfds_ready: an epoll descriptor for those irqfds that the thread waits for
 */
struct chips {
	pthread_mutex_t lock;
	struct vm *vm;
	struct bus ports;
	struct bus memory;
	struct pics pics;
	struct ioapic ioapic;
	struct pit pit;
	bool has_pit;
	__u32 pit_flags;
	atomic_bool intr;
	struct loop loop;
	pthread_t thread;
	struct gsi *gsis;
	unsigned int nr_gsis;
	__u8 pic_sources[PIC_INPUTS];
	__u8 ioapic_sources[IOAPIC_PINS];
	struct vcpu *vcpus;
	struct vcpu *looking;
	struct irqfd *irqfds;
	struct loop_source irqfds_ready;
};

/**
 * chips_create() - PIC and IOAPIC as KVM_CREATE_IRQCHIP makes them, and the thread
 * @vm: the VM, with its lock held
 * @chips: out
 *
 * Return: 0 or a negative errno.
 */
int chips_create(struct vm *vm, struct chips **chips);

/** chips_free() - end the thread and free the chips, when no vCPU is left */
void chips_free(struct chips *c);

/** chips_create_pit() - KVM_CREATE_PIT2, and KVM_CREATE_PIT with KVM_PIT_SPEAKER_DUMMY */
int chips_create_pit(struct vm *vm, __u32 flags);

/** chips_add_vcpu() - kick a vCPU for the PIC's interrupts from now on, if there is a PIC */
void chips_add_vcpu(struct vcpu *v);

/** chips_remove_vcpu() - kick a vCPU no more; the vCPU need not have been added */
void chips_remove_vcpu(struct vcpu *v);

/**
 * chips_enter() - acknowledge an interrupt of the PIC's that the vCPU can take, or have the run
 *	end when it can
 * @v: the vCPU, about to enter the guest
 *
 * Return: 0 or a negative errno.
 */
int chips_enter(struct vcpu *v);

/**
 * chips_access() - carry out an access of the guest to PIC, PIT or IOAPIC
 * @v: the vCPU
 * @port: to a port, otherwise to memory
 * @write: a write
 * @addr: its address
 * @width: its bytes
 * @data: of a write; out: of a read
 *
 * Return: false: the address is none of theirs; the VMM gets the access.
 */
bool chips_access(struct vcpu *v, bool port, bool write, __u64 addr, unsigned int width,
		  __u64 *data);

/** chips_eoi() - end a level-triggered interrupt, which a vCPU's local APIC has ended */
void chips_eoi(struct vcpu *v, __u8 vector);

/**
 * chips_set_gsi() - set what a source says about the level of a gsi's pins
 * @c: the chips, with their lock held
 * @gsi: any number
 * @source: which
 * @level: high
 *
 * A message is sent for each call with a high level.
 *
 * Return: what KVM_IRQ_LINE_STATUS tells: how many controllers have taken the interrupt, 0 if the
 * last interrupt still waits, -1 if the pins are masked, or the gsi leads nowhere.
 */
int chips_set_gsi(struct chips *c, __u32 gsi, enum source source, bool level);

/** chips_pulse_gsi() - send one edge to a gsi's pins, or its message; with @c->lock held */
void chips_pulse_gsi(struct chips *c, __u32 gsi);

/**
 * chips_set_routes() - KVM_SET_GSI_ROUTING
 * @c: the chips
 * @gsis: the routes; @c owns this memory afterwards
 * @count: how many
 *
 * Context: with the VM's lock held, after the module has its routes.
 */
void chips_set_routes(struct chips *c, struct gsi *gsis, unsigned int count);

/* ---- chips_state.c ---- */

int chips_get_irqchip(struct vm *vm, struct kvm_irqchip *irqchip);
int chips_set_irqchip(struct vm *vm, const struct kvm_irqchip *irqchip);
int chips_get_pit(struct vm *vm, struct kvm_pit_state *state);
int chips_set_pit(struct vm *vm, const struct kvm_pit_state *state);
int chips_get_pit2(struct vm *vm, struct kvm_pit_state2 *state);
int chips_set_pit2(struct vm *vm, const struct kvm_pit_state2 *state);

/** chips_reinject() - KVM_REINJECT_CONTROL */
int chips_reinject(struct vm *vm, const struct kvm_reinject_control *control);

/* ---- irqfd.c ---- */

/** irqfd_init() - prepare the thread for irqfds */
int irqfd_init(struct chips *c);

/** irqfd_set() - KVM_IRQFD */
int irqfd_set(struct chips *c, const struct kvm_irqfd *args);

/**
 * irqfd_leave() - move irqfds from the module to the thread: those whose gsi is no message any
 * more
 * @c: the chips, with the VM's lock held
 * @gsis: the routes that the VM is about to have
 * @count: how many
 */
void irqfd_leave(struct chips *c, const struct gsi *gsis, unsigned int count);

/** irqfd_join() - move irqfds from the thread to the module: those whose gsi is a message now */
void irqfd_join(struct chips *c);

/** irqfd_ended() - lower an ended pin and signal its resampling eventfds; with @c->lock held */
void irqfd_ended(struct chips *c, bool pic, unsigned int pin);

/** irqfd_free() - free all irqfds */
void irqfd_free(struct chips *c);

#endif /* CHIPS_H */
