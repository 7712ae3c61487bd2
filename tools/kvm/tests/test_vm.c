// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * What the calls of a VM and of its vCPUs refuse and keep, over a stand-in for the module.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "apic.h"
#include "caps.h"
#include "kernel.h"
#include "object.h"
#include "tap.h"
#include "vcpu.h"

#define MAX_VCPUS	4
#define CALL_PAGES	128	/* that one call of the module's takes */

static struct axv_host *host;
static struct object *system_object;

static void free_nothing(void *data)
{
	(void)data;
}

static const struct object_ops system_ops = { .name = "device", .free = free_nothing };

static long call(int fd, unsigned long command, const void *arg)
{
	long ret;

	return object_ioctl(fd, command, (unsigned long)arg, &ret) ? ret : -EBADF;
}

static bool open_all(void)
{
	kernel_reset();
	kernel.answers[AXV_QUERY_MAX_VCPUS] = MAX_VCPUS;
	kernel.answers[AXV_QUERY_MAX_REGIONS] = 64;
	kernel.answers[AXV_QUERY_MAX_DIRTY_PAGES] = CALL_PAGES;
	kernel.answers[AXV_QUERY_MAX_ROUTES] = 64;
	kernel.answers[AXV_QUERY_IRQCHIPS] = 1u << AXV_IRQCHIP_LAPIC;
	system_object = object_create(&system_ops, NULL);
	return !axv_open("/dev/null", &host) || tap(false, "the stand-in: %s", axv_error());
}

static void close_object(int fd)
{
	object_detach(fd);
	close(fd);
}

static long enable(int fd, __u32 cap, __u64 arg)
{
	const struct kvm_enable_cap enable = { .cap = cap, .args = { arg } };

	return call(fd, KVM_ENABLE_CAP, &enable);
}

/* ---- ids ---------------------------------------------------------------- */

static void test_ids(void)
{
	int fd = vm_create(system_object, host), vcpu;

	tap(enable(fd, KVM_CAP_MAX_VCPU_ID, MAX_VCPUS + 1) == -EINVAL,
	    "more ids than there are cannot be promised");
	tap(!enable(fd, KVM_CAP_MAX_VCPU_ID, 2) && !enable(fd, KVM_CAP_MAX_VCPU_ID, 2) &&
	    enable(fd, KVM_CAP_MAX_VCPU_ID, 3) == -EINVAL, "how many ids there are is said once");
	tap(call(fd, KVM_CREATE_VCPU, (void *)2) == -EINVAL, "an id beyond what was said");
	vcpu = call(fd, KVM_CREATE_VCPU, (void *)1);
	tap(vcpu >= 0, "an id below");
	close_object(vcpu);
	close_object(fd);
	fd = vm_create(system_object, host);
	vcpu = call(fd, KVM_CREATE_VCPU, (void *)0);
	tap(enable(fd, KVM_CAP_MAX_VCPU_ID, 2) == -EINVAL,
	    "with the first vCPU it is too late to promise less");
	close_object(vcpu);
	close_object(fd);
}

static __u64 event(unsigned int index)
{
	return kernel_get(AXV_REG_X86(EVENT, index));
}

static __u64 apic_base(void)
{
	return kernel_get(AXV_REG_X86(MSR, MSR_APIC_BASE));
}

static void test_boot_id(void)
{
	int fd = vm_create(system_object, host), first, second;

	tap(!enable(fd, KVM_CAP_SPLIT_IRQCHIP, 24) && !call(fd, KVM_SET_BOOT_CPU_ID, (void *)1),
	    "the bootstrap processor's id is set");
	/* The module's vCPU 0 is one. */
	kernel_set(AXV_REG_X86(MSR, MSR_APIC_BASE), 0xfee00900);
	first = call(fd, KVM_CREATE_VCPU, (void *)0);
	tap(first >= 0 && apic_base() == 0xfee00800 && event(AXV_X86_EVENT_WAIT_SIPI),
	    "vCPU 0 waits for a SIPI");
	kernel_set(AXV_REG_X86(MSR, MSR_APIC_BASE), 0xfee00800);
	second = call(fd, KVM_CREATE_VCPU, (void *)1);
	tap(second >= 0 && apic_base() == 0xfee00900 && !event(AXV_X86_EVENT_WAIT_SIPI),
	    "vCPU 1 is the bootstrap processor");
	tap(call(fd, KVM_SET_BOOT_CPU_ID, (void *)0) == -EBUSY,
	    "with vCPUs the bootstrap processor does not change");
	close_object(second);
	close_object(first);
	close_object(fd);
}

static void test_mmu_pages(void)
{
	int fd = vm_create(system_object, host);

	tap(!call(fd, KVM_SET_NR_MMU_PAGES, (void *)64) &&
	    call(fd, KVM_SET_NR_MMU_PAGES, (void *)63) == -EINVAL, "pages for page tables");
	close_object(fd);
}

/* ---- the dirty log ------------------------------------------------------ */

static void test_log(void)
{
	/* Two calls of the module's, and a part of a word. */
	const __u64 pages = CALL_PAGES + 64 + 3;
	const size_t size = pages * 4096;
	void *ram = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	const struct kvm_userspace_memory_region slot = {
		.slot = 2, .flags = KVM_MEM_LOG_DIRTY_PAGES, .memory_size = size,
		.userspace_addr = (uintptr_t)ram,
	};
	__u64 bitmap[4] = { 0 };
	const struct kvm_dirty_log log = { .slot = 2, .dirty_bitmap = bitmap };
	struct kvm_clear_dirty_log clear = { .slot = 2, .num_pages = 64, .dirty_bitmap = bitmap };
	int fd = vm_create(system_object, host);

	call(fd, KVM_SET_USER_MEMORY_REGION, &slot);
	call(fd, KVM_GET_DIRTY_LOG, &log);
	tap(!kernel.dirty_call.flags, "a read clears the log");
	tap(enable(fd, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2, 2) == -EINVAL &&
	    !enable(fd, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
		    caps_check(host, KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2)),
	    "the option that is offered is enabled, another one is refused");
	call(fd, KVM_GET_DIRTY_LOG, &log);
	tap(kernel.dirty_call.flags == AXV_DIRTY_KEEP, "then a read keeps the log");
	kernel.dirty[0] = 0xff;
	bitmap[0] = 0xf0;
	tap(!call(fd, KVM_CLEAR_DIRTY_LOG, &clear) && kernel.dirty[0] == 0x0f &&
	    !kernel.dirty_call.first_page && kernel.dirty_call.nr_pages == 64,
	    "pages are made clean");
	clear.first_page = 1;
	tap(call(fd, KVM_CLEAR_DIRTY_LOG, &clear) == -EINVAL, "not from within a word");
	clear.first_page = CALL_PAGES;
	clear.num_pages = 65;
	tap(call(fd, KVM_CLEAR_DIRTY_LOG, &clear) == -EINVAL, "not to within a word");
	clear.num_pages = 68;
	tap(call(fd, KVM_CLEAR_DIRTY_LOG, &clear) == -EINVAL, "not beyond the slot");
	clear.first_page = -64ull;
	clear.num_pages = 128;
	tap(call(fd, KVM_CLEAR_DIRTY_LOG, &clear) == -EINVAL, "not around the end of numbers");
	clear.first_page = CALL_PAGES;
	clear.num_pages = 67;
	bitmap[1] = -1ull;
	kernel.dirty[0] = 0xff;
	tap(!call(fd, KVM_CLEAR_DIRTY_LOG, &clear) && kernel.dirty_call.nr_pages == 3 &&
	    kernel.dirty_call.first_page == CALL_PAGES + 64 && kernel.dirty[0] == 0x08,
	    "bits behind the end of the slot are ignored");
	clear.first_page = 0;
	clear.num_pages = pages;
	kernel.calls[_IOC_NR(AXV_VM_CLEAR_DIRTY)] = 0;
	tap(!call(fd, KVM_CLEAR_DIRTY_LOG, &clear) &&
	    kernel.calls[_IOC_NR(AXV_VM_CLEAR_DIRTY)] == 3,
	    "no more at once than the module takes");
	clear.slot = 3;
	tap(call(fd, KVM_CLEAR_DIRTY_LOG, &clear) == -ENOENT, "a slot without a log");
	clear.slot = 64;
	tap(call(fd, KVM_CLEAR_DIRTY_LOG, &clear) == -EINVAL, "a number that no slot has");
	close_object(fd);
	munmap(ram, size);
}

/* ---- vCPUs that have run ------------------------------------------------ */

static int run_vm, run_fd;
static struct kvm_run *run;

static bool make_vcpu(void)
{
	run_vm = vm_create(system_object, host);
	run_fd = call(run_vm, KVM_CREATE_VCPU, NULL);
	run = mmap(NULL, RUN_MAP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, run_fd, 0);
	return tap(run != MAP_FAILED, "a vCPU");
}

/* Nothing of the guest is run: the run page tells of no exit that the library knows. */
static long run_once(void)
{
	return call(run_fd, KVM_RUN, NULL);
}

static void test_cpuid(void)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 2 * sizeof(cpuid->entries[0]));
	unsigned int sets;

	cpuid->nent = 2;
	cpuid->entries[1].function = 7;
	cpuid->entries[1].ebx = 5;
	tap(!call(run_fd, KVM_SET_CPUID2, cpuid), "a CPUID table");
	cpuid->entries[1].ebx = 6;
	tap(!call(run_fd, KVM_SET_CPUID2, cpuid), "another one, before the first run");
	run_once();
	sets = kernel.calls[_IOC_NR(AXV_SET_TABLE)];
	tap(!call(run_fd, KVM_SET_CPUID2, cpuid), "the same one again, after a run");
	cpuid->entries[1].ebx = 5;
	tap(call(run_fd, KVM_SET_CPUID2, cpuid) == -EINVAL, "another one is refused then");
	cpuid->nent = 1;
	tap(call(run_fd, KVM_SET_CPUID2, cpuid) == -EINVAL, "and so is a part of it");
	kernel.table_count = 1;
	cpuid->entries[0].function = 0;
	tap(!call(run_fd, KVM_SET_CPUID2, cpuid), "what KVM_GET_CPUID2 tells is not");
	tap(kernel.calls[_IOC_NR(AXV_SET_TABLE)] == sets, "the module's table stays");
	kernel.table_count = 0;
	free(cpuid);
}

static void test_sync(void)
{
	__u64 unknown = KVM_SYNC_X86_VALID_FIELDS + 1;
	unsigned int runs = kernel.calls[_IOC_NR(AXV_VCPU_RUN)];

	run->kvm_valid_regs = unknown;
	tap(run_once() == -EINVAL, "registers to tell that are not known");
	run->kvm_valid_regs = 0;
	run->kvm_dirty_regs = unknown;
	tap(run_once() == -EINVAL && kernel.calls[_IOC_NR(AXV_VCPU_RUN)] == runs,
	    "registers to set that are not known");
	run->kvm_dirty_regs = KVM_SYNC_X86_VALID_FIELDS;
	memset(&run->s.regs, 0, sizeof(run->s.regs));
	run->s.regs.regs.rbx = 0x1234;
	run->s.regs.sregs.cr2 = 0x5678;
	run->s.regs.events.flags = KVM_VCPUEVENT_VALID_NMI_PENDING;
	run->s.regs.events.nmi.pending = 1;
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_NMI_PENDING), 0);
	tap(!run_once() && !run->kvm_dirty_regs && event(AXV_X86_EVENT_NMI_PENDING) == 1 &&
	    kernel.calls[_IOC_NR(AXV_VCPU_RUN)] == runs + 1, "registers are set, once");
	tap(run->s.regs.regs.rbx == 0x1234, "none is told that was not asked for");
	run->s.regs.regs.rbx = 0;
	run->s.regs.sregs.cr2 = 0;
	run->s.regs.events.nmi.pending = 0;
	run->kvm_valid_regs = KVM_SYNC_X86_VALID_FIELDS;
	tap(!run_once() && run->s.regs.regs.rbx == 0x1234 && run->s.regs.sregs.cr2 == 0x5678 &&
	    run->s.regs.events.nmi.pending == 1, "registers are told");
	run->kvm_valid_regs = 0;
	run->kvm_dirty_regs = KVM_SYNC_X86_EVENTS;
	run->s.regs.events.flags = 1u << 31;
	tap(run_once() == -EINVAL && run->kvm_dirty_regs == KVM_SYNC_X86_EVENTS,
	    "events that are refused");
}

int main(void)
{
	if (open_all()) {
		test_ids();
		test_boot_id();
		test_mmu_pages();
		test_log();
		if (make_vcpu()) {
			test_cpuid();
			test_sync();
			munmap(run, RUN_MAP_SIZE);
		}
		close_object(run_fd);
		close_object(run_vm);
		object_put(system_object);
		axv_close(host);
	}
	return tap_done();
}
