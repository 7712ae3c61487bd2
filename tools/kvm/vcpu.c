// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * A vCPU: its ioctls, its beginning and its end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "apic.h"
#include "caps.h"
#include "chips.h"
#include "debug.h"
#include "vcpu.h"

/* Where an x86 processor begins; the VMM sets the registers in any case. */
#define RESET_VECTOR	0xfffffff0ull

/* The module's bootstrap processor. */
#define BOOT_VCPU	0

/* How many threads have got a number so far. */
static atomic_ulong threads;

/*
 * KVM lets any thread use a vCPU.  The module's belongs to the thread that has bound it, so
 * each call takes it over, if need be.
 */
static int own(struct vcpu *v)
{
	static __thread unsigned long self;
	int err;

	/* Not the thread's id, which another thread may get when this one has exited. */
	if (!self)
		self = atomic_fetch_add(&threads, 1) + 1;
	if (v->owner == self)
		return 0;
	err = axv_vcpu_bind(v->axv, AXV_BIND_ADOPT);
	if (err) {
		debug("%s", axv_error());
		return err;
	}
	v->owner = self;
	return 0;
}

/*
 * The module takes a CPUID table only while no thread has bound the vCPU.  When the vCPU has run,
 * KVM takes only the table that is there.
 */
static int set_cpuid(struct vcpu *v, const struct kvm_cpuid2 *cpuid)
{
	int err;

	if (v->owner) {
		err = own(v);
		if (err)
			return err;
		if (v->has_run)
			return cpuid_is_set(v, cpuid) ? 0 : -EINVAL;
		err = axv_vcpu_unbind(v->axv);
		if (err)
			return err;
		v->owner = 0;
	}
	return cpuid_set(v, cpuid);
}

static int get_tsc_khz(struct vcpu *v)
{
	__u64 khz;

	if (axv_query(v->vm->host, AXV_QUERY_COUNTER_KHZ, &khz))
		return -EIO;
	return khz;
}

static int set_tsc_khz(struct vcpu *v, unsigned long khz)
{
	__u64 host;

	/* 0 is the host's frequency, the only one: there is no scaling. */
	if (!khz)
		return 0;
	if (axv_query(v->vm->host, AXV_QUERY_COUNTER_KHZ, &host) || khz != host)
		return -EINVAL;
	return 0;
}

static int set_events(struct vcpu *v, const struct kvm_vcpu_events *events)
{
	/* Another thread of the VMM may change what has been checked. */
	const struct kvm_vcpu_events copy = *events;

	return events_set(v, &copy);
}

static int set_guest_debug(struct vcpu *v, const struct kvm_guest_debug *dbg)
{
	/* Another thread of the VMM may change it meanwhile. */
	const struct kvm_guest_debug copy = *dbg;

	return guestdbg_set(v, &copy);
}

static long owned_ioctl(struct vcpu *v, unsigned long command, unsigned long arg)
{
	void *data = (void *)arg;

	/* The VMM may set the interrupt flag, or the local APIC. */
	v->ready = false;
	switch (command) {
	case KVM_GET_REGS:
		return regs_get(v, data);
	case KVM_SET_REGS:
		return regs_set(v, data);
	case KVM_GET_SREGS:
		return regs_get_sregs(v, data);
	case KVM_SET_SREGS:
		return regs_set_sregs(v, data);
	case KVM_GET_DEBUGREGS:
		return regs_get_debug(v, data);
	case KVM_SET_DEBUGREGS:
		return regs_set_debug(v, data);
	case KVM_SET_GUEST_DEBUG:
		return set_guest_debug(v, data);
	case KVM_GET_FPU:
		return fpu_get(v, data);
	case KVM_SET_FPU:
		return fpu_set(v, data);
	case KVM_GET_XSAVE:
		return fpu_get_xsave(v, data);
	case KVM_SET_XSAVE:
		return fpu_set_xsave(v, data);
	case KVM_GET_XCRS:
		return fpu_get_xcrs(v, data);
	case KVM_SET_XCRS:
		return fpu_set_xcrs(v, data);
	case KVM_GET_MSRS:
		return msr_get(v, data);
	case KVM_SET_MSRS:
		return msr_set(v, data);
	case KVM_GET_CPUID2:
		return cpuid_get(v, data);
	case KVM_GET_VCPU_EVENTS:
		return events_get(v, data);
	case KVM_SET_VCPU_EVENTS:
		return set_events(v, data);
	case KVM_GET_MP_STATE:
		return events_get_mp_state(v, data);
	case KVM_SET_MP_STATE:
		return events_set_mp_state(v, data);
	case KVM_INTERRUPT:
		return events_interrupt(v, data);
	case KVM_NMI:
		return events_nmi(v);
	case KVM_GET_LAPIC:
		return lapic_get(v, data);
	case KVM_SET_LAPIC:
		return lapic_set(v, data);
	/*
	 * Where the guest's copy of the TPR is, which KVM updates for guests that have been
	 * patched after KVM_EXIT_TPR_ACCESS.  There is no such exit, so no such guest.
	 */
	case KVM_SET_VAPIC_ADDR:
		return v->vm->lapic ? 0 : -EINVAL;
	case KVM_GET_TSC_KHZ:
		return get_tsc_khz(v);
	case KVM_SET_TSC_KHZ:
		return set_tsc_khz(v, arg);
	default:
		return -ENOTTY;
	}
}

static long locked_ioctl(struct vcpu *v, unsigned long command, unsigned long arg)
{
	int err;

	if (command == KVM_SET_CPUID2)
		return set_cpuid(v, (struct kvm_cpuid2 *)arg);
	err = own(v);
	if (err)
		return err;
	if (command == KVM_RUN)
		return arg ? -EINVAL : run_vcpu(v);
	return owned_ioctl(v, command, arg);
}

static long vcpu_ioctl(void *data, unsigned long command, unsigned long arg)
{
	struct vcpu *v = data;
	long ret;

	pthread_mutex_lock(&v->lock);
	ret = locked_ioctl(v, command, arg);
	pthread_mutex_unlock(&v->lock);
	return ret;
}

static void vcpu_free(void *data)
{
	struct vcpu *v = data;

	run_forget(v);
	/* After this no thread kicks the vCPU for the PIC. */
	if (v->vm)
		chips_remove_vcpu(v);
	axv_vcpu_destroy(v->axv);
	coroutine_free(&v->finish);
	free(v->cpuid);
	if (v->run)
		munmap(v->run, RUN_MAP_SIZE);
	if (v->vm_object) {
		atomic_fetch_sub(&v->vm->nr_vcpus, 1);
		object_put(v->vm_object);
	}
	pthread_mutex_destroy(&v->lock);
	free(v);
}

static const struct object_ops vcpu_ops = {
	.name = "vCPU",
	.ioctl = vcpu_ioctl,
	.free = vcpu_free,
};

/* Make the memory of struct kvm_run: a memfd, which is the vCPU's descriptor as well. */
static int make_run(struct vcpu *v, unsigned long id)
{
	char name[32];
	void *map;
	int fd;

	snprintf(name, sizeof(name), "kvm-vcpu:%lu", id);
	fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return -errno;
	/* The seals keep the VMM from shortening the file: otherwise the library would fault. */
	if (ftruncate(fd, RUN_MAP_SIZE) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		goto fail;
	map = mmap(NULL, RUN_MAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		goto fail;
	v->run = map;
	v->pio = (unsigned char *)map + PIO_OFFSET;
	return fd;
fail:
	close(fd);
	return -ENOMEM;
}

/* Make a vCPU the bootstrap processor, or make it wait for the other ones' SIPI. */
static int set_boot(struct vcpu *v, bool boot)
{
	const struct kvm_mp_state state = {
		.mp_state = boot ? KVM_MP_STATE_RUNNABLE : KVM_MP_STATE_UNINITIALIZED,
	};
	int err = lapic_read_base(v);

	if (!err)
		err = lapic_set_base(v, boot ? v->apic_base | APIC_BASE_BSP :
					       v->apic_base & ~(__u64)APIC_BASE_BSP);
	return err ? err : events_set_mp_state(v, &state);
}

static int make_vcpu(struct vcpu *v, unsigned long id)
{
	const struct axv_vcpu_config config = {
		.id = id,
		.hw_id = id,
		.favor_phys_cpu = -1,
	};
	const bool boot = id == v->vm->boot_id, boot_in_module = id == BOOT_VCPU;
	int err;

	err = axv_vcpu_create(v->vm->axv, &config, &v->axv);
	/* A vCPU of KVM's has registers from the beginning. */
	if (!err)
		err = axv_vcpu_setup(v->axv, RESET_VECTOR, AXV_X86_MODE_REAL);
	if (err) {
		debug("%s", axv_error());
		return err;
	}
	v->page = axv_vcpu_run_page(v->axv);
	/* Each exit tells RFLAGS.IF, so it stores the general registers. */
	v->page->want = AXV_RUN_SET_GPRS;
	if (v->vm->lapic && boot != boot_in_module) {
		err = set_boot(v, boot);
		if (err)
			return err;
	}
	if (v->vm->chips && boot) {
		/*
		 * As in KVM, so that a guest that knows nothing of APICs gets the PIC's
		 * interrupts.
		 */
		err = axv_vcpu_set_reg(v->axv, AXV_REG_X86(LAPIC, APIC_LVT_LINT0), LVT_EXTINT);
		if (err)
			return err;
	}
	chips_add_vcpu(v);
	return lapic_read_base(v);
}

/* Count a vCPU, if it may have the id.  Then irqchip.c changes the VM no more. */
static int count_vcpu(struct vm *vm, unsigned long id)
{
	int err = 0;

	pthread_mutex_lock(&vm->lock);
	if (!vm->max_ids)
		vm->max_ids = caps_check(vm->host, KVM_CAP_MAX_VCPU_ID);
	if (id < vm->max_ids)
		vm->nr_vcpus++;
	else
		err = -EINVAL;
	pthread_mutex_unlock(&vm->lock);
	return err;
}

int vcpu_create(struct object *vm_object, struct vm *vm, unsigned long id)
{
	struct object *object;
	struct vcpu *v;
	int fd, err;

	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	err = count_vcpu(vm, id);
	if (err) {
		free(v);
		return err;
	}
	pthread_mutex_init(&v->lock, NULL);
	v->vm = vm;
	v->vm_object = object_get(vm_object);
	err = make_vcpu(v, id);
	fd = err ? err : make_run(v, id);
	if (fd < 0) {
		vcpu_free(v);
		return fd;
	}
	run_publish(v);
	object = object_create(&vcpu_ops, v);
	if (!object) {
		close(fd);
		vcpu_free(v);
		return -ENOMEM;
	}
	err = object_attach(fd, object);
	object_put(object);
	if (err)
		close(fd);
	return err ? err : fd;
}
