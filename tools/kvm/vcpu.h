/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * A vCPU of KVM's, and what its files share.
 *
 * Each call on it holds its lock, as KVM's calls do: KVM_RUN keeps the others waiting.  The VMM's
 * code never runs with the lock held: the VMM does what an exit asks of it when KVM_RUN has
 * returned, and its signal handlers run when the call has ended (signals.c).
 */
#ifndef VCPU_H
#define VCPU_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include <axvcpu.h>
#include <linux/kvm.h>

#include "coroutine.h"
#include "object.h"
#include "vm.h"

/* What KVM_GET_VCPU_MMAP_SIZE tells: struct kvm_run, and the data of port accesses. */
#define RUN_PAGE_SIZE	4096
#define PIO_OFFSET	RUN_PAGE_SIZE
#define PIO_SIZE	4096
#define RUN_MAP_SIZE	(PIO_OFFSET + PIO_SIZE)

/* Banks of machine checks: KVM's 32, of four registers each. */
#define MC_MSRS		(32 * 4)

/**
 * enum pending - what the next KVM_RUN finishes, before it runs
 * @PENDING_NONE: nothing
 * @PENDING_IO: IN, whose data are in the port page
 * @PENDING_MMIO: a load, whose data are in struct kvm_run
 * @PENDING_FINISH: axv_vcpu_finish(), which waits in the coroutine
 */
enum pending {
	PENDING_NONE = 0,
	PENDING_IO,
	PENDING_MMIO,
	PENDING_FINISH,
};

/**
 * struct vcpu - a vCPU
 * @vm_object: its VM, a reference
 * @vm: its VM
 * @axv: the vCPU of the module
 * @page: the module's run page
 * @run: what the VMM maps; trusted, since the library is in the VMM's process
 * @pio: the data of port accesses, behind @run
 * @lock: held by every call
 * @owner: number (vcpu.c) of the thread that has bound the vCPU; 0: none
 * @pending: see enum pending
 * @finish: the coroutine in which axv_vcpu_finish() runs, so that it can wait for the VMM
 * @finish_result: what axv_vcpu_finish() returned
 * @has_run: it has been entered once: its CPUID table does not change any more (cpuid.c)
 * @cpuid: the table that the VMM has set, to compare with; NULL: none
 * @nr_cpuid: its length
 * @cancelled: axv_vcpu_finish() is given up: it must not wait for the VMM again
 * @mcg_ctl: IA32_MCG_CTL, kept for the VMM (msr.c)
 * @mc: the registers of the banks of machine checks, kept for the VMM as well
 * @apic_base: IA32_APIC_BASE at the end of the last run, or as the VMM has set it since
 * @placed_interrupt: the VMM has set an interrupt since the last run (events.c)
 * @debug_dr7: DR7 with the VMM's breakpoints (guestdbg.c)
 * @int3_rip: the address of the INT3 that the last exit has told of
 * @int3_len: its length; 0: the last exit was another one
 * @sipi_vector: the last SIPI's, or as KVM_SET_VCPU_EVENTS has told, for KVM_SET_MP_STATE
 * @next: in the list of the VM's vCPUs, if that has a PIC; guarded by its lock (chips.h)
 * @ready: the guest could take an interrupt of the PIC's when the last run ended, and the VMM
 *	has changed nothing since
 */
struct vcpu {
	struct object *vm_object;
	struct vm *vm;
	struct axv_vcpu *axv;
	struct axv_run *page;
	struct kvm_run *run;
	unsigned char *pio;
	pthread_mutex_t lock;
	unsigned long owner;
	enum pending pending;
	struct coroutine finish;
	int finish_result;
	bool cancelled;
	bool has_run;
	struct axv_x86_cpuid *cpuid;
	unsigned int nr_cpuid;
	__u64 mcg_ctl;
	__u64 mc[MC_MSRS];
	uint64_t apic_base;
	bool placed_interrupt;
	__u64 debug_dr7;
	__u64 int3_rip;
	__u8 int3_len;
	__u32 sipi_vector;
	struct vcpu *next;
	bool ready;
};

/**
 * vcpu_create() - KVM_CREATE_VCPU
 * @vm_object: the VM
 * @vm: the VM
 * @id: of the vCPU, which is its APIC id as well
 *
 * Return: a descriptor or a negative errno.
 */
int vcpu_create(struct object *vm_object, struct vm *vm, unsigned long id);

/* ---- run.c ---- */

/** run_vcpu() - KVM_RUN */
int run_vcpu(struct vcpu *v);

/** run_forget() - give up the instruction that axv_vcpu_finish() has not finished, if any */
void run_forget(struct vcpu *v);

/** run_publish() - fill the fields of struct kvm_run that are valid at every exit */
void run_publish(struct vcpu *v);

/* ---- sync.c ---- */

/** sync_take() - set the registers that the VMM names in struct kvm_run */
int sync_take(struct vcpu *v);

/** sync_store() - tell the registers that the VMM names in struct kvm_run */
int sync_store(struct vcpu *v);

/* ---- regs.c ---- */

int regs_get(struct vcpu *v, struct kvm_regs *regs);
int regs_set(struct vcpu *v, const struct kvm_regs *regs);
int regs_get_sregs(struct vcpu *v, struct kvm_sregs *sregs);
int regs_set_sregs(struct vcpu *v, const struct kvm_sregs *sregs);
int regs_get_debug(struct vcpu *v, struct kvm_debugregs *regs);
int regs_set_debug(struct vcpu *v, const struct kvm_debugregs *regs);

/** regs_to_kvm() - convert general registers from the run page's form to KVM's */
void regs_to_kvm(const struct axv_x86_gprs *gprs, struct kvm_regs *regs);

/** regs_from_kvm() - convert general registers from KVM's form to the run page's */
void regs_from_kvm(const struct kvm_regs *regs, struct axv_x86_gprs *gprs);

/** regs_segment_to_kvm() - convert a segment from the run page's form to KVM's */
struct kvm_segment regs_segment_to_kvm(const struct axv_x86_segment *segment);

/** regs_segment_from_kvm() - convert a segment from KVM's form to the run page's */
struct axv_x86_segment regs_segment_from_kvm(const struct kvm_segment *segment);

/* ---- fpu.c ---- */

int fpu_get(struct vcpu *v, struct kvm_fpu *fpu);
int fpu_set(struct vcpu *v, const struct kvm_fpu *fpu);
int fpu_get_xsave(struct vcpu *v, struct kvm_xsave *xsave);
int fpu_set_xsave(struct vcpu *v, const struct kvm_xsave *xsave);
int fpu_get_xcrs(struct vcpu *v, struct kvm_xcrs *xcrs);
int fpu_set_xcrs(struct vcpu *v, const struct kvm_xcrs *xcrs);

/* ---- msr.c ---- */

/** msr_get() - KVM_GET_MSRS; returns how many were read: it stops at the first failure */
int msr_get(struct vcpu *v, struct kvm_msrs *msrs);

/** msr_set() - KVM_SET_MSRS; returns how many were set: it stops at the first failure */
int msr_set(struct vcpu *v, const struct kvm_msrs *msrs);

/** msr_list() - KVM_GET_MSR_INDEX_LIST */
int msr_list(struct axv_host *host, struct kvm_msr_list *list);

/* ---- cpuid.c ---- */

/** cpuid_supported() - KVM_GET_SUPPORTED_CPUID */
int cpuid_supported(struct axv_host *host, struct kvm_cpuid2 *cpuid);

/** cpuid_set() - KVM_SET_CPUID2 */
int cpuid_set(struct vcpu *v, const struct kvm_cpuid2 *cpuid);

/** cpuid_is_set() - whether a table is the one that the vCPU has */
bool cpuid_is_set(struct vcpu *v, const struct kvm_cpuid2 *cpuid);

/** cpuid_get() - KVM_GET_CPUID2 */
int cpuid_get(struct vcpu *v, struct kvm_cpuid2 *cpuid);

/**
 * cpuid_from_kvm() - convert a CPUID table from KVM's form to the module's
 * @entries: the table
 * @count: its length
 * @leaves: out; room for as many
 *
 * Of two entries that answer the same CPUID instruction the first one is taken.
 *
 * Return: the length of @leaves.
 */
unsigned int cpuid_from_kvm(const struct kvm_cpuid_entry2 *entries, unsigned int count,
			    struct axv_x86_cpuid *leaves);

/* ---- events.c ---- */

int events_get(struct vcpu *v, struct kvm_vcpu_events *events);
int events_set(struct vcpu *v, const struct kvm_vcpu_events *events);
int events_get_mp_state(struct vcpu *v, struct kvm_mp_state *state);
int events_set_mp_state(struct vcpu *v, const struct kvm_mp_state *state);

/** events_interrupt() - KVM_INTERRUPT; -EEXIST: another one waits */
int events_interrupt(struct vcpu *v, const struct kvm_interrupt *irq);

/** events_place_interrupt() - set the interrupt of KVM_SET_SREGS, in place of those that wait */
int events_place_interrupt(struct vcpu *v, __u8 vector);

/**
 * events_check_interrupt() - let an interrupt that the VMM has set wait if the guest cannot take
 * it
 * @v: the vCPU, which is about to run, with registers in their final state
 *
 * KVM's structures do not tell an interrupt whose delivery has begun from one that waits.  The
 * library sets it as one whose delivery has begun.  With RFLAGS.IF 0 or in an interrupt shadow
 * the interrupt can only be one that waits: otherwise a processor would refuse the entry, or the
 * guest would get an interrupt that it has disabled.
 */
int events_check_interrupt(struct vcpu *v);

/** events_next_interrupt() - the vector of the interrupt to be delivered next; -ENOENT: none */
int events_next_interrupt(struct vcpu *v);

/** events_nmi() - KVM_NMI */
int events_nmi(struct vcpu *v);

/* ---- guestdbg.c ---- */

/** guestdbg_flags() - the KVM_GUESTDBG_* that KVM_SET_GUEST_DEBUG takes; 0: it is not offered */
__u32 guestdbg_flags(struct axv_host *host);

/** guestdbg_set() - KVM_SET_GUEST_DEBUG */
int guestdbg_set(struct vcpu *v, const struct kvm_guest_debug *dbg);

/** guestdbg_show() - fill struct kvm_run for KVM_EXIT_DEBUG */
void guestdbg_show(struct vcpu *v);

/**
 * guestdbg_pass_int3() - move RIP behind an INT3 that the VMM has passed on to the guest
 * @v: the vCPU, which is about to run, with @v->int3_len
 *
 * A VMM sets a #BP with RIP at the INT3 that the last exit told of, and KVM moves RIP behind it,
 * where the guest's handler is to return.
 *
 * Return: 0 or a negative errno.
 */
int guestdbg_pass_int3(struct vcpu *v);

/* ---- lapic.c ---- */

int lapic_get(struct vcpu *v, struct kvm_lapic_state *state);
int lapic_set(struct vcpu *v, const struct kvm_lapic_state *state);

/** lapic_set_base() - set IA32_APIC_BASE: whether the APIC is on, and its mode */
int lapic_set_base(struct vcpu *v, uint64_t base);

/** lapic_read_base() - read IA32_APIC_BASE into @v->apic_base; without an irqchip it stays */
int lapic_read_base(struct vcpu *v);

#endif /* VCPU_H */
