// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * MSRs: registers of the module's, and some that the library knows of or keeps.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "apic.h"
#include "debug.h"
#include "vcpu.h"

#define MSR_TSC			0x10
#define MSR_TSC_DEADLINE	0x6e0

/* How many MSRs one call may name, as in KVM. */
#define MSRS_MAX		256

#define MSR_MCG_CTL		0x17b
#define MSR_MC_FIRST		0x400
#define MSR_KVM_WALL_CLOCK_OLD	0x11
#define MSR_KVM_SYSTEM_TIME_OLD	0x12

/* The module's list of registers to save has time in other registers, so these are added. */
static const __u32 timers[] = { MSR_TSC, MSR_TSC_DEADLINE };

#define NR_TIMERS	(sizeof(timers) / sizeof(timers[0]))

/* ---- the list ----------------------------------------------------------- */

/* KVM lists the host's MSRs, the module a vCPU's: ask a vCPU that has all that the host offers. */
static int list_registers(struct axv_host *host, __u64 **ids)
{
	const struct axv_vm_config config = {
		.irqchip = AXV_IRQCHIP_LAPIC,
		.flags = AXV_VM_HALT_IN_KERNEL,
	};
	const struct axv_vcpu_config vcpu_config = { .favor_phys_cpu = -1 };
	struct axv_vcpu *vcpu;
	struct axv_vm *vm;
	int n;

	/* A host without local APICs has no MSRs of theirs. */
	n = axv_vm_create(host, &config, &vm);
	if (n == -EOPNOTSUPP)
		n = axv_vm_create(host, NULL, &vm);
	if (n)
		return n;
	n = axv_vcpu_create(vm, &vcpu_config, &vcpu);
	if (!n) {
		n = axv_vcpu_list_regs(vcpu, ids);
		axv_vcpu_destroy(vcpu);
	}
	axv_vm_destroy(vm);
	return n;
}

static bool is_msr(__u64 id)
{
	return AXV_REG_CLASS(id) == AXV_X86_CLASS_MSR;
}

/* There is one host, so there is one list. */
static struct {
	pthread_mutex_t lock;
	__u32 *numbers;
	unsigned int count;
} host_msrs = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* At fork() another thread of the parent may have had the lock, and the list half made. */
static void begin_child(void)
{
	pthread_mutex_init(&host_msrs.lock, NULL);
	host_msrs.numbers = NULL;
	host_msrs.count = 0;
}

__attribute__((constructor)) static void begin(void)
{
	pthread_atfork(NULL, NULL, begin_child);
}

static int fill_list(struct axv_host *host)
{
	unsigned int count = NR_TIMERS;
	__u32 *numbers;
	__u64 *ids;
	int n, i;

	n = list_registers(host, &ids);
	if (n < 0) {
		debug("%s", axv_error());
		return n;
	}
	numbers = malloc((NR_TIMERS + n) * sizeof(*numbers));
	if (!numbers) {
		free(ids);
		return -ENOMEM;
	}
	memcpy(numbers, timers, sizeof(timers));
	for (i = 0; i < n; i++) {
		if (is_msr(ids[i]))
			numbers[count++] = AXV_REG_INDEX(ids[i]);
	}
	free(ids);
	host_msrs.numbers = numbers;
	host_msrs.count = count;
	return 0;
}

/* Make the list if there is none yet.  It does not change afterwards. */
static int get_list(struct axv_host *host)
{
	int err = 0;

	pthread_mutex_lock(&host_msrs.lock);
	if (!host_msrs.numbers)
		err = fill_list(host);
	pthread_mutex_unlock(&host_msrs.lock);
	return err;
}

int msr_list(struct axv_host *host, struct kvm_msr_list *list)
{
	unsigned int room = list->nmsrs;
	int err = get_list(host);

	if (err)
		return err;
	/* KVM tells how many there are, so that the caller asks again with room for them. */
	list->nmsrs = host_msrs.count;
	if (room < host_msrs.count)
		return -E2BIG;
	memcpy(list->indices, host_msrs.numbers, host_msrs.count * sizeof(__u32));
	return 0;
}

/* ---- MSRs that are not the module's ------------------------------------- */

/*
 * KVM keeps these for the VMM, which sets them for every processor with machine checks.
 * The guest sees no banks: MCG_CAP is 0.
 */
static __u64 *machine_check(struct vcpu *v, __u32 number)
{
	if (number == MSR_MCG_CTL)
		return &v->mcg_ctl;
	if (number >= MSR_MC_FIRST && number < MSR_MC_FIRST + MC_MSRS)
		return &v->mc[number - MSR_MC_FIRST];
	return NULL;
}

/*
 * Whether an MSR that the vCPU does not have reads as 0 and can be set to 0.  An MSR of the list
 * does: the CPUID table may lack its feature, and a VMM writes all MSRs of the list nevertheless.
 * So do the MSRs of kvmclock, which is not offered.
 */
static bool is_zero(struct vcpu *v, __u32 number)
{
	unsigned int i;

	if (number == MSR_KVM_WALL_CLOCK_OLD || number == MSR_KVM_SYSTEM_TIME_OLD)
		return true;
	if (get_list(v->vm->host))
		return false;
	for (i = 0; i < host_msrs.count; i++) {
		if (host_msrs.numbers[i] == number)
			return true;
	}
	return false;
}

/* ---- get and set -------------------------------------------------------- */

static int get_one(struct vcpu *v, struct kvm_msr_entry *msr)
{
	const __u64 *stored = machine_check(v, msr->index);
	struct axv_reg reg = { .id = AXV_REG_X86(MSR, msr->index) };
	int failed;

	if (stored) {
		msr->data = *stored;
		return 0;
	}
	/* Without a local APIC in the kernel the module has no such MSR. */
	if (msr->index == MSR_APIC_BASE) {
		failed = lapic_read_base(v);
		msr->data = v->apic_base;
		return failed;
	}
	failed = axv_vcpu_get_regs(v->axv, &reg, 1);
	if (failed && (failed < 0 || reg.status != -ENOENT || !is_zero(v, msr->index)))
		return -EINVAL;
	msr->data = failed ? 0 : reg.value;
	return 0;
}

/*
 * The TSC is the VM's: a write moves the TSC of all vCPUs.  VMMs write the TSC of one vCPU after
 * the other when these begin, and mean the same time.  So a write of 0 is ignored, and one that
 * differs by less than a second from the TSC's present value, as KVM does.
 */
static int set_tsc(struct vcpu *v, __u64 value)
{
	__u64 now, khz;

	if (!value)
		return 0;
	if (axv_vcpu_get_reg(v->axv, AXV_REG_X86(MSR, MSR_TSC), &now) ||
	    axv_query(v->vm->host, AXV_QUERY_COUNTER_KHZ, &khz))
		return -EIO;
	if (value - now < khz * 1000 || now - value < khz * 1000)
		return 0;
	return axv_vcpu_set_reg(v->axv, AXV_REG_X86(MSR, MSR_TSC), value);
}

static int set_one(struct vcpu *v, const struct kvm_msr_entry *msr)
{
	struct axv_reg reg = { .id = AXV_REG_X86(MSR, msr->index), .value = msr->data };
	__u64 *stored = machine_check(v, msr->index);
	int failed;

	if (stored) {
		*stored = msr->data;
		return 0;
	}
	switch (msr->index) {
	case MSR_TSC:
		return set_tsc(v, msr->data);
	case MSR_APIC_BASE:
		return lapic_set_base(v, msr->data);
	}
	failed = axv_vcpu_set_regs(v->axv, &reg, 1);
	if (failed > 0 && reg.status == -ENOENT && !msr->data && is_zero(v, msr->index))
		return 0;
	return failed ? -EINVAL : 0;
}

int msr_get(struct vcpu *v, struct kvm_msrs *msrs)
{
	const __u32 count = msrs->nmsrs;
	unsigned int i;

	if (count >= MSRS_MAX)
		return -E2BIG;
	for (i = 0; i < count; i++) {
		if (get_one(v, &msrs->entries[i])) {
			debug("MSR %#x cannot be read", msrs->entries[i].index);
			break;
		}
	}
	return i;
}

int msr_set(struct vcpu *v, const struct kvm_msrs *msrs)
{
	const __u32 count = msrs->nmsrs;
	unsigned int i;

	if (count >= MSRS_MAX)
		return -E2BIG;
	for (i = 0; i < count; i++) {
		if (set_one(v, &msrs->entries[i])) {
			debug("MSR %#x cannot be %#llx", msrs->entries[i].index,
			      (unsigned long long)msrs->entries[i].data);
			break;
		}
	}
	return i;
}
