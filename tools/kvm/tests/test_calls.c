// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Calls of KVM's, over a stand-in for the module.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm_para.h>

#include "caps.h"
#include "kernel.h"
#include "signals.h"
#include "step.h"
#include "tap.h"
#include "vcpu.h"

#define CALL_RUN	0x23
#define CALL_KICK	0x24

#define ALL_DEBUG	(AXV_DEBUG_STEP | AXV_DEBUG_SW_BREAK | AXV_DEBUG_HW_BREAK | \
			 AXV_DEBUG_BLOCK_EVENTS)

static struct vm vm = { .lock = PTHREAD_MUTEX_INITIALIZER };
static struct vcpu v = { .vm = &vm, .lock = PTHREAD_MUTEX_INITIALIZER };
static char run_memory[RUN_MAP_SIZE] __attribute__((aligned(4096)));

static bool open_all(void)
{
	const struct axv_vcpu_config config = { .id = 3, .favor_phys_cpu = -1 };

	kernel_reset();
	kernel.answers[AXV_QUERY_MAX_REGIONS] = 64;
	kernel.answers[AXV_QUERY_MAX_DIRTY_PAGES] = 1 << 20;
	kernel.answers[AXV_QUERY_MAX_ROUTES] = 4096;
	kernel.answers[AXV_QUERY_COUNTER_KHZ] = 1000;
	kernel.answers[AXV_QUERY_MAX_VCPUS] = 4;
	kernel.answers[AXV_QUERY_DEBUG_FLAGS] = ALL_DEBUG;
	if (axv_open("/dev/null", &vm.host) || axv_vm_create(vm.host, NULL, &vm.axv) ||
	    axv_vcpu_create(vm.axv, &config, &v.axv))
		return tap(false, "the stand-in: %s", axv_error());
	v.page = axv_vcpu_run_page(v.axv);
	v.run = (void *)run_memory;
	v.pio = (unsigned char *)run_memory + PIO_OFFSET;
	return true;
}

static void test_memory(void)
{
	static char ram[2][8192] __attribute__((aligned(4096)));
	struct kvm_userspace_memory_region slot = {
		.slot = 2, .guest_phys_addr = 0x100000, .memory_size = 8192,
		.userspace_addr = (uintptr_t)ram[0],
	};
	struct kvm_dirty_log log = { .slot = 2 };
	__u64 bitmap = 0;

	tap(!memory_set(&vm, &slot) && kernel.region.id == 2 && !kernel.region.flags &&
	    kernel.region.gpa == 0x100000 && kernel.region.size == 8192 &&
	    kernel.region.hva == (uintptr_t)ram[0], "a slot is a region");
	log.dirty_bitmap = &bitmap;
	tap(memory_get_dirty(&vm, &log) == -ENOENT, "a slot without a log");
	log.slot = 64;
	tap(memory_get_dirty(&vm, &log) == -EINVAL, "a number that no slot has");
	log.slot = 2;
	slot.flags = KVM_MEM_LOG_DIRTY_PAGES;
	kernel.dirty[0] = 2;
	tap(!memory_set(&vm, &slot) && kernel.region.flags == AXV_REGION_LOG_DIRTY &&
	    !memory_get_dirty(&vm, &log) && bitmap == 2, "its log is switched on, and read");
	slot.userspace_addr = (uintptr_t)ram[1];
	tap(memory_set(&vm, &slot) == -EINVAL,
	    "a slot with other memory is refused: KVM wants it deleted first");
	slot.userspace_addr = (uintptr_t)ram[0];
	slot.memory_size = 4096;
	tap(memory_set(&vm, &slot) == -EINVAL, "a slot with another size is refused");
	slot.flags = 1u << 30;
	tap(memory_set(&vm, &slot) == -EINVAL, "an unknown flag is refused");
	slot = (struct kvm_userspace_memory_region){ .slot = 2 };
	tap(!memory_set(&vm, &slot) && !kernel.region.size, "a slot of size 0 is deleted");
	tap(memory_set(&vm, &slot) == -EINVAL, "a slot that is not there cannot be deleted");
	slot.slot = 1u << 16;
	slot.memory_size = 4096;
	tap(memory_set(&vm, &slot) == -EINVAL, "a slot of a second address space is refused");
	memory_free(&vm);
	vm.memory = NULL;
}

static struct kvm_dirty_log changing;
static __u64 changing_bitmap;

static void change_slot(int signal)
{
	(void)signal;
	changing.slot = 1;
}

static void get_changing(void)
{
	memory_get_dirty(&vm, &changing);
}

static void test_changing_slot(void)
{
	static char ram[8192] __attribute__((aligned(4096)));
	struct kvm_userspace_memory_region slot = {
		.slot = 2, .guest_phys_addr = 0x100000, .memory_size = sizeof(ram),
		.userspace_addr = (uintptr_t)ram, .flags = KVM_MEM_LOG_DIRTY_PAGES,
	};
	unsigned int i, bad = 0;
	bool sent = true;

	memory_set(&vm, &slot);
	signal(SIGUSR1, change_slot);
	changing.dirty_bitmap = &changing_bitmap;
	for (i = 0; sent; i += 1 + i / 16) {
		changing.slot = 2;
		kernel.dirty_call.region = 2;
		sent = step(get_changing, i, SIGUSR1);
		bad += kernel.dirty_call.region != 2;
	}
	tap(!bad, "a slot that another thread changes is read once: %u instructions", i);
	signal(SIGUSR1, SIG_DFL);
	memory_free(&vm);
	vm.memory = NULL;
}

static void test_interrupts(void)
{
	struct {
		struct kvm_irq_routing head;
		struct kvm_irq_routing_entry entries[2];
	} routing = {
		.head.nr = 2,
		.entries = {
			{ .gsi = 0, .type = KVM_IRQ_ROUTING_MSI },
			{ .gsi = 9, .type = KVM_IRQ_ROUTING_MSI,
			  .u.msi = { .address_lo = 0xfee00000, .data = 0x8051 } },
		},
	};
	struct kvm_irq_level line = { .irq = 9, .level = 1 };
	struct kvm_msi msi = { .address_lo = 0xfee00000, .data = 0x41 };
	unsigned int events = kernel.events;
	__s32 status;

	tap(irqchip_set_routing(&vm, &routing.head) == -EINVAL &&
	    irqchip_signal_msi(&vm, &msi) == -EINVAL, "no routes without an irqchip");
	vm.lapic = true;
	tap(!irqchip_set_routing(&vm, &routing.head) && kernel.routes_call.count == 2 &&
	    kernel.routes_call.flags == AXV_ROUTES_ALL && kernel.routes[1].gsi == 9 &&
	    !kernel.routes[0].address, "the whole table, also with entries that lead nowhere");
	tap(!irqchip_line(&vm, &line, &status) && kernel.events == events + 1 &&
	    kernel.event.type == AXV_INJECT_MSI && kernel.event.data == 0xc051,
	    "a line that is high sends its message");
	tap(!irqchip_line(&vm, &line, &status) && kernel.events == ++events + 1,
	    "a line that is high again sends its message again");
	line.level = 0;
	tap(!irqchip_line(&vm, &line, &status) && kernel.events == events + 1,
	    "a line that falls sends nothing");
	line = (struct kvm_irq_level){ .irq = 10, .level = 1 };
	tap(!irqchip_line(&vm, &line, &status) && kernel.events == events + 1,
	    "a line without a route sends nothing");
	tap(irqchip_signal_msi(&vm, &msi) == 1 && kernel.event.data == 0x41,
	    "KVM_SIGNAL_MSI sends a message");
	kernel.fail_command = AXV_INJECT;
	kernel.fail_errno = EINVAL;
	tap(!irqchip_signal_msi(&vm, &msi), "a message that reaches no vCPU is 0");
	kernel.fail_command = 0;
	irqchip_free(&vm);
	vm.routes = NULL;
	vm.nr_routes = 0;
}

static void test_eventfds(void)
{
	int fd = eventfd(0, EFD_NONBLOCK), other = eventfd(0, EFD_NONBLOCK);
	struct kvm_irqfd irqfd = { .fd = fd, .gsi = 5 };
	struct kvm_ioeventfd io = {
		.addr = 0xfe003000, .len = 2, .fd = fd, .datamatch = 1,
		.flags = KVM_IOEVENTFD_FLAG_DATAMATCH,
	};
	struct vm fresh = { .lock = PTHREAD_MUTEX_INITIALIZER };
	unsigned int doorbells;
	eventfd_t value = 0;

	tap(!eventfd_irqfd(&vm, &irqfd) && kernel.irqfd.fd == fd && kernel.irqfd.gsi == 5 &&
	    !kernel.irqfd.flags, "an irqfd");
	kernel.fail_command = AXV_VM_SET_IRQFD;
	kernel.fail_errno = EEXIST;
	tap(eventfd_irqfd(&vm, &irqfd) == -EBUSY, "an irqfd that is there already is EBUSY");
	irqfd.flags = KVM_IRQFD_FLAG_DEASSIGN;
	kernel.fail_errno = ENOENT;
	tap(!eventfd_irqfd(&vm, &irqfd), "an irqfd that is not there can be removed");
	kernel.fail_command = 0;
	irqfd.flags = KVM_IRQFD_FLAG_RESAMPLE;
	tap(eventfd_irqfd(&vm, &irqfd) == -EINVAL, "no resampling with a split irqchip");

	tap(!eventfd_ioeventfd(&vm, &io) && kernel.doorbell.addr == 0xfe003000 &&
	    kernel.doorbell.width == 2 && kernel.doorbell.data == 1 &&
	    kernel.doorbell.flags == AXV_DOORBELL_DATA, "an ioeventfd is a doorbell");
	io = (struct kvm_ioeventfd){ .addr = 0xfe003000, .fd = other };
	tap(!eventfd_ioeventfd(&vm, &io) && !kernel.doorbell.flags && !kernel.doorbell.width,
	    "an ioeventfd of any width, beside one of 2 bytes");
	doorbells = kernel.calls[_IOC_NR(AXV_VM_SET_DOORBELL)];
	fresh.host = vm.host;
	fresh.doorbells = vm.doorbells;
	tap(!irqchip_split(&fresh, 24) && fresh.lapic &&
	    kernel.calls[_IOC_NR(AXV_VM_SET_DOORBELL)] == doorbells + 2,
	    "the VM made anew for a split irqchip has both ioeventfds");
	axv_vm_destroy(fresh.axv);
	close(fd);
	tap(eventfd_ring(&vm, false, 0xfe003000, 2, 1) && eventfd_read(other, &value) &&
	    errno == EAGAIN,
	    "a write that the module did not decode rings the ioeventfd with its data");
	tap(eventfd_ring(&vm, false, 0xfe003000, 4, 1) && !eventfd_read(other, &value) &&
	    value == 1, "a write of another width rings the other ioeventfd");
	tap(!eventfd_ring(&vm, true, 0xfe003000, 4, 1) &&
	    !eventfd_ring(&vm, false, 0xfe003004, 4, 1), "a write elsewhere rings nothing");
	io.flags = KVM_IOEVENTFD_FLAG_DEASSIGN;
	tap(!eventfd_ioeventfd(&vm, &io) && kernel.doorbell.flags == AXV_DOORBELL_REMOVE &&
	    eventfd_ioeventfd(&vm, &io) == -ENOENT, "an ioeventfd is removed once");
	io.flags = KVM_IOEVENTFD_FLAG_PIO;
	io.len = 8;
	tap(eventfd_ioeventfd(&vm, &io) == -EINVAL,
	    "an ioeventfd of 8 bytes at a port is refused");
	eventfd_free(&vm);
	close(other);
}

static void test_msrs(void)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entries[4];
	} msrs = {
		.head.nmsrs = 4,
		.entries = {
			{ .index = 0x400, .data = ~0ull },
			{ .index = 0xc0000081, .data = 7 },
			{ .index = 0x11 },
			{ .index = 0x12345, .data = 1 },
		},
	};
	const __u64 tsc = AXV_REG_X86(MSR, 0x10);

	kernel.no_reg = AXV_REG_X86(MSR, 0x12345);
	tap(msr_set(&v, &msrs.head) == 3 && kernel_get(AXV_REG_X86(MSR, 0xc0000081)) == 7,
	    "MSRs are set up to the first that cannot be");
	msrs.entries[0].data = 0;
	tap(msr_get(&v, &msrs.head) == 3 && msrs.entries[0].data == ~0ull &&
	    msrs.entries[1].data == 7, "MSRs are read; a bank of machine checks is kept");
	msrs.head.nmsrs = 1;
	msrs.entries[0] = (struct kvm_msr_entry){ .index = 0x1b, .data = 0xfee00900 };
	vm.lapic = false;
	kernel.no_reg = AXV_REG_X86(MSR, 0x1b);
	msr_set(&v, &msrs.head);
	msrs.entries[0].data = 0;
	tap(msr_get(&v, &msrs.head) == 1 && msrs.entries[0].data == 0xfee00900,
	    "without an irqchip the APIC's base is what it was set to");
	kernel.no_reg = 0;
	vm.lapic = true;
	kernel_set(AXV_REG_X86(MSR, 0x1b), 0xfee00d00);
	tap(msr_get(&v, &msrs.head) == 1 && msrs.entries[0].data == 0xfee00d00 &&
	    v.apic_base == 0xfee00d00, "with an irqchip the APIC's base is read anew");
	kernel_set(AXV_REG_X86(MSR, 0x1b), 0xfee00900);

	kernel_set(tsc, 5000000);
	msrs.entries[0] = (struct kvm_msr_entry){ .index = 0x10, .data = 0 };
	tap(msr_set(&v, &msrs.head) == 1 && kernel_get(tsc) == 5000000, "a TSC of 0 is not set");
	msrs.entries[0].data = 5900000;
	tap(msr_set(&v, &msrs.head) == 1 && kernel_get(tsc) == 5000000,
	    "a TSC that is less than a second away is not set");
	msrs.entries[0].data = 50000000;
	tap(msr_set(&v, &msrs.head) == 1 && kernel_get(tsc) == 50000000,
	    "a TSC that is far away is set");
	msrs.head.nmsrs = 256;
	tap(msr_set(&v, &msrs.head) == -E2BIG, "more MSRs than KVM takes are refused");
}

static void test_cpuid(void)
{
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + 16 * sizeof(cpuid->entries[0]));

	kernel.table_count = 3;	/* leaves 0, 1 and 2 */
	cpuid->nent = 4;
	tap(cpuid_supported(vm.host, cpuid) == -E2BIG, "no room for all leaves");
	cpuid->nent = 16;
	tap(!cpuid_supported(vm.host, cpuid) && cpuid->nent == 5 &&
	    (cpuid->entries[1].ecx & (1u << 31 | 1u << 21)) == (1u << 31 | 1u << 21) &&
	    cpuid->entries[3].function == 0x40000000 &&
	    !memcmp(&cpuid->entries[3].ebx, "KVMK", 4) &&
	    cpuid->entries[4].function == 0x40000001, "a hypervisor, by its name");
	cpuid->nent = 257;
	tap(cpuid_set(&v, cpuid) == -E2BIG, "a table that is too long");
	kernel.table_count = 0;
	free(cpuid);
}

static __u64 event_reg(unsigned int index)
{
	return kernel_get(AXV_REG_X86(EVENT, index));
}

static void test_events(void)
{
	struct kvm_vcpu_events in = {
		.exception = { .injected = 1, .nr = 14, .has_error_code = 1, .error_code = 2 },
		.nmi = { .pending = 1, .masked = 1 },
		.interrupt.shadow = KVM_X86_SHADOW_INT_STI,
		.flags = KVM_VCPUEVENT_VALID_NMI_PENDING | KVM_VCPUEVENT_VALID_SHADOW,
	}, out;
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_UNINITIALIZED };

	tap(!events_set(&v, &in) && event_reg(AXV_X86_EVENT_REINJECT) == 0x280000b0eull &&
	    event_reg(AXV_X86_EVENT_NMI_PENDING) == 1 &&
	    event_reg(AXV_X86_EVENT_NMI_MASKED) == 1 &&
	    event_reg(AXV_X86_EVENT_SHADOW) == AXV_X86_SHADOW_STI, "events are set");
	tap(!events_get(&v, &out) && !memcmp(&in, &out, sizeof(in)),
	    "events are read as they were set");
	in = (struct kvm_vcpu_events){ .interrupt = { .injected = 1, .nr = 0x30 } };
	tap(!events_set(&v, &in) && event_reg(AXV_X86_EVENT_REINJECT) == 0x80000030ull &&
	    event_reg(AXV_X86_EVENT_NMI_PENDING) == 1 &&
	    event_reg(AXV_X86_EVENT_NMI_MASKED) == 0 &&
	    event_reg(AXV_X86_EVENT_SHADOW) == AXV_X86_SHADOW_STI,
	    "events that are not valid in the call stay");
	in = (struct kvm_vcpu_events){ .exception = { .injected = 1, .nr = 2 } };
	tap(events_set(&v, &in) == -EINVAL, "an NMI as exception is refused");
	in = (struct kvm_vcpu_events){ .flags = 1u << 31 };
	tap(events_set(&v, &in) == -EINVAL, "an unknown flag of events is refused");
	in = (struct kvm_vcpu_events){
		.exception = { .injected = 1, .nr = 13 },
		.nmi = { .injected = 1, .pending = 1, .masked = 1 },
	};
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_NMI_PENDING), 0);
	tap(!events_set(&v, &in) && event_reg(AXV_X86_EVENT_REINJECT) == 0x8000030dull &&
	    event_reg(AXV_X86_EVENT_NMI_PENDING) == 1 && !event_reg(AXV_X86_EVENT_NMI_MASKED),
	    "an NMI waits behind an exception");
	in.flags = KVM_VCPUEVENT_VALID_NMI_PENDING;
	tap(!events_set(&v, &in) && event_reg(AXV_X86_EVENT_NMI_PENDING) == 2,
	    "a second NMI waits behind an exception");
	in.flags = 0;
	tap(!events_set(&v, &in) && event_reg(AXV_X86_EVENT_NMI_PENDING) == 2,
	    "a third NMI is dropped");
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT), 0);
	tap(!events_get(&v, &out) && out.nmi.pending == 2 && !events_set(&v, &out) &&
	    event_reg(AXV_X86_EVENT_NMI_PENDING) == 2, "two NMIs that wait are read and set");
	out.nmi.pending = 255;
	tap(!events_set(&v, &out) && event_reg(AXV_X86_EVENT_NMI_PENDING) == 2,
	    "more than two NMIs are set as two");
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_EXTINT_COUNT), 1);
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_EXTINT_0), 0x20);
	tap(!events_get(&v, &out) && out.interrupt.injected && out.interrupt.nr == 0x20,
	    "an interrupt that waits is being delivered to KVM");

	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_EXCEPTION), 0x80000306ull);
	tap(!events_get(&v, &out) && out.interrupt.injected && out.exception.injected &&
	    !events_set(&v, &out) && event_reg(AXV_X86_EVENT_REINJECT) == 0x80000306ull &&
	    event_reg(AXV_X86_EVENT_EXTINT_COUNT) == 1 &&
	    event_reg(AXV_X86_EVENT_EXTINT_0) == 0x20,
	    "an interrupt that waits behind an exception is shown and set");

	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT), 0);
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_EXTINT_COUNT), 0);
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_EXCEPTION), 0x280000b0eull);
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_EXCEPTION_ADDR), 0x1234);
	kernel_set(AXV_REG_X86(CR, 0), 0x11);
	tap(!events_get(&v, &out) && out.exception.nr == 14 && out.exception.has_error_code &&
	    out.exception.error_code == 2 && kernel_get(AXV_REG_X86(CR, 2)) == 0x1234,
	    "a pending page fault has its CR2");
	kernel_set(AXV_REG_X86(CR, 0), 0x10);
	tap(!events_get(&v, &out) && !out.exception.has_error_code && !out.exception.error_code,
	    "an exception in real mode has no error code");
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_EXCEPTION), 0x80000301);
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_EXCEPTION_ADDR), 0x2001);
	kernel_set(AXV_REG_X86(DR, 6), 0xffff0ff0);
	kernel_set(AXV_REG_X86(DR, 7), 0x2400);
	tap(!events_get(&v, &out) && out.exception.nr == 1 &&
	    kernel_get(AXV_REG_X86(DR, 6)) == 0xffff2ff1 &&
	    kernel_get(AXV_REG_X86(DR, 7)) == 0x400,
	    "a pending debug exception has its DR6, without DR7.GD");
	in = (struct kvm_vcpu_events){};
	events_set(&v, &in);

	tap(!events_set_mp_state(&v, &state) && event_reg(AXV_X86_EVENT_WAIT_SIPI) == 1 &&
	    !events_get_mp_state(&v, &state) && state.mp_state == KVM_MP_STATE_INIT_RECEIVED,
	    "a processor that waits for a SIPI");
	in = (struct kvm_vcpu_events){
		.smi.latched_init = 1, .sipi_vector = 0x9a,
		.flags = KVM_VCPUEVENT_VALID_SMM | KVM_VCPUEVENT_VALID_SIPI_VECTOR,
	};
	state.mp_state = KVM_MP_STATE_SIPI_RECEIVED;
	tap(!events_set(&v, &in) && event_reg(AXV_X86_EVENT_INIT) == 1 &&
	    !event_reg(AXV_X86_EVENT_SIPI), "an INIT and the vector of a SIPI are set");
	tap(!events_set_mp_state(&v, &state) && event_reg(AXV_X86_EVENT_WAIT_SIPI) == 1 &&
	    event_reg(AXV_X86_EVENT_SIPI) == 0x19a, "a SIPI that has come is set by the MP state");
	state.mp_state = 0;
	tap(!events_get_mp_state(&v, &state) && state.mp_state == KVM_MP_STATE_SIPI_RECEIVED &&
	    !events_get(&v, &out) && out.sipi_vector == 0x9a &&
	    out.flags & KVM_VCPUEVENT_VALID_SIPI_VECTOR,
	    "a SIPI that has come is read");
	/* A VMM may set the events before or after the MP state. */
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_SIPI), 0);
	v.sipi_vector = 0;
	tap(!events_set(&v, &out) && !events_set_mp_state(&v, &state) &&
	    event_reg(AXV_X86_EVENT_SIPI) == 0x19a,
	    "a SIPI is read from one vCPU and set in another");
	v.sipi_vector = 0;
	tap(!events_get_mp_state(&v, &state) && !events_set_mp_state(&v, &state) &&
	    event_reg(AXV_X86_EVENT_SIPI) == 0x19a, "the MP state alone keeps the vector");
	in.sipi_vector = 0x9b;
	in.smi.latched_init = 0;
	tap(!events_set(&v, &in) && event_reg(AXV_X86_EVENT_SIPI) == 0x19b &&
	    !event_reg(AXV_X86_EVENT_INIT), "another vector of a SIPI is set, and no INIT");
	in.sipi_vector = 0x100;
	tap(events_set(&v, &in) == -EINVAL, "a vector of a SIPI above 255 is refused");
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_SIPI), 0);
	state.mp_state = KVM_MP_STATE_HALTED;
	tap(!events_set_mp_state(&v, &state) && !event_reg(AXV_X86_EVENT_WAIT_SIPI) &&
	    event_reg(AXV_X86_EVENT_HALTED) == 1, "a processor that halts");
	state.mp_state = KVM_MP_STATE_RUNNABLE;
	tap(!events_set_mp_state(&v, &state) && !event_reg(AXV_X86_EVENT_HALTED),
	    "a processor that runs");
	state.mp_state = 99;
	tap(events_set_mp_state(&v, &state) == -EINVAL, "an unknown MP state is refused");
}

static void set_waiting(__u64 reinject, __u64 vectors, unsigned int count)
{
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT), reinject);
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_EXTINT_0), vectors);
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_EXTINT_COUNT), count);
}

static bool is_waiting(__u64 reinject, __u64 vectors, unsigned int count)
{
	return event_reg(AXV_X86_EVENT_REINJECT) == reinject &&
	       event_reg(AXV_X86_EVENT_EXTINT_0) == vectors &&
	       event_reg(AXV_X86_EVENT_EXTINT_COUNT) == count;
}

/* Read the events and set them unchanged, as a VMM does that looks at a vCPU. */
static bool get_and_set(struct kvm_vcpu_events *events)
{
	return !events_get(&v, events) && !events_set(&v, events);
}

static void test_waiting(void)
{
	struct kvm_interrupt irq = { .irq = 0x31 };
	const struct kvm_regs enabled = { .rflags = 0x202 }, disabled = { .rflags = 2 };
	struct kvm_vcpu_events events;
	unsigned int injected = kernel.events;

	set_waiting(0, 0, 0);
	tap(!events_interrupt(&v, &irq) && kernel.events == injected + 1,
	    "KVM_INTERRUPT injects an interrupt");
	set_waiting(0, 0x31, 1);
	tap(events_interrupt(&v, &irq) == -EEXIST && kernel.events == injected + 1,
	    "KVM_INTERRUPT is EEXIST while an interrupt waits");

	kernel.fail_command = AXV_INJECT;
	kernel.fail_errno = EAGAIN;
	tap(!events_nmi(&v), "an NMI too many is dropped without an error");
	kernel.fail_command = 0;

	set_waiting(0x8000030d, 0x31, 1);
	tap(get_and_set(&events) && events.exception.injected && events.interrupt.injected &&
	    is_waiting(0x8000030d, 0x31, 1),
	    "an interrupt stays behind an exception that is being delivered");
	set_waiting(0x80000030, 0x31, 1);
	tap(get_and_set(&events) && events.interrupt.nr == 0x30 && is_waiting(0x80000030, 0x31, 1),
	    "an interrupt stays behind another one that is being delivered");
	set_waiting(0, 0x3130, 2);
	tap(get_and_set(&events) && events.interrupt.nr == 0x30 && is_waiting(0x80000030, 0x31, 1),
	    "of two interrupts that wait the second stays");
	set_waiting(0x80000202, 0x3130, 2);
	tap(get_and_set(&events) && events.nmi.injected && is_waiting(0x80000202, 0x3130, 2),
	    "interrupts stay behind an NMI");
	events.interrupt.nr = 0x40;
	tap(!events_set(&v, &events) && is_waiting(0x80000202, 0x40, 1),
	    "interrupts of another state are not kept behind an NMI");
	events = (struct kvm_vcpu_events){ .interrupt = { .injected = 1, .nr = 0x40 } };
	set_waiting(0, 0x31, 1);
	tap(!events_set(&v, &events) && is_waiting(0x80000040, 0, 0),
	    "interrupts of another state are not kept behind an interrupt");
	events = (struct kvm_vcpu_events){};
	set_waiting(0x80000040, 0x31, 1);
	tap(!events_set(&v, &events) && is_waiting(0, 0, 0),
	    "a VMM that sets no interrupt leaves none");

	v.page->exit_reason = AXV_EXIT_HALT;
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW), 0);
	set_waiting(0, 0x31, 1);
	tap(!regs_set(&v, &enabled) && get_and_set(&events) && !run_vcpu(&v) &&
	    is_waiting(0x80000031, 0, 0), "an interrupt that is set is delivered");
	set_waiting(0, 0x3231, 2);
	tap(!regs_set(&v, &disabled) && get_and_set(&events) && !run_vcpu(&v) &&
	    is_waiting(0, 0x3231, 2),
	    "an interrupt that is set waits for the guest to enable interrupts");
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW), AXV_X86_SHADOW_STI);
	tap(get_and_set(&events) && !regs_set(&v, &enabled) && !run_vcpu(&v) &&
	    is_waiting(0, 0x3231, 2), "an interrupt that is set waits for the end of a shadow");
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW), 0);
	set_waiting(0, 0, 0);
}

static __u64 lapic_reg(unsigned int offset)
{
	return kernel_get(AXV_REG_X86(LAPIC, offset));
}

static void test_lapic(void)
{
	struct kvm_lapic_state state = {}, back;
	__u32 *regs = (__u32 *)state.regs;

	regs[0xf0 / 4] = 0x11ff;	/* with a bit that is not offered */
	regs[0xd0 / 4] = 0x01000000;
	regs[0x300 / 4] = 0x4500;
	regs[0x310 / 4] = 0x02000000;
	regs[0x320 / 4] = 0x200ec;	/* periodic */
	regs[0x380 / 4] = 1000;
	regs[0x100 / 4] = 0;
	regs[0x230 / 4] = 0x10;
	tap(!lapic_set(&v, &state) && lapic_reg(0xf0) == 0x1ff && lapic_reg(0xd0) == 0x01000000 &&
	    lapic_reg(0x300) == 0x200000000004500ull && lapic_reg(0xe0) == 0x0fffffff &&
	    lapic_reg(0x230) == 0x10, "the registers of a local APIC are set");
	tap(lapic_reg(0x390) == 1000, "a periodic timer begins anew");
	regs[0x390 / 4] = 77;
	tap(!lapic_set(&v, &state) && lapic_reg(0x390) == 77,
	    "a periodic timer goes on from its count");
	tap(!lapic_get(&v, &back) && !memcmp(back.regs + 0x300, state.regs + 0x300, 0x24) &&
	    *(__u32 *)(back.regs + 0x20) == 3u << 24 && *(__u32 *)(back.regs + 0x30) == 0x50014,
	    "the registers of a local APIC are read, with id and version");
	kernel_set(AXV_REG_X86(MSR, 0x1b), 0xfee00c00);
	regs[0xd0 / 4] = 0x05000000;
	tap(!lapic_set(&v, &state) && lapic_reg(0xd0) == 0x01000000,
	    "in x2APIC mode the logical id is the APIC's own");
	kernel.fixed_reg = AXV_REG_X86(LAPIC, 0x80);
	tap(lapic_set(&v, &state) == -EINVAL,
	    "a value that the local APIC cannot have is refused");
	kernel.fixed_reg = 0;
	vm.lapic = false;
	tap(lapic_get(&v, &back) == -EINVAL && lapic_set(&v, &state) == -EINVAL,
	    "no local APIC without an irqchip");
	vm.lapic = true;
}

static void test_regs(void)
{
	struct kvm_regs regs = { .rax = 1, .rip = 0xfff0, .rflags = 2 }, back;
	struct kvm_sregs sregs = { .cr0 = 0x11, .apic_base = 0xfee00900, .cs.selector = 8 };
	struct kvm_debugregs debugregs = { .db = { 1, 2, 3, 4 }, .dr6 = 0xffff0ff0, .dr7 = 0x400 };
	struct kvm_debugregs debug_back;
	unsigned int events = kernel.events;

	tap(!regs_set(&v, &regs) && v.page->dirty & AXV_RUN_SET_GPRS && !regs_get(&v, &back) &&
	    !memcmp(&regs, &back, sizeof(regs)), "general registers");
	kernel.fail_command = AXV_VCPU_SYNC;
	kernel.fail_errno = EINVAL;
	tap(regs_set(&v, &regs) == -EINVAL && !v.page->dirty,
	    "a refused set does not fail the next run as well");
	tap(regs_set_sregs(&v, &sregs) == -EINVAL && !v.page->dirty,
	    "refused segments do not fail the next run as well");
	kernel.fail_command = 0;
	tap(!regs_set_sregs(&v, &sregs) && v.page->regs.sregs.cr0 == 0x11 &&
	    v.page->regs.sregs.seg[AXV_X86_CS].selector == 8 && v.apic_base == 0xfee00900 &&
	    kernel_get(AXV_REG_X86(MSR, 0x1b)) == 0xfee00900, "segments and control registers");
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT), 0x80000041ull);
	tap(!regs_get_sregs(&v, &sregs) && sregs.interrupt_bitmap[1] == 2 &&
	    !regs_set_sregs(&v, &sregs) && kernel.events == events,
	    "the next interrupt is in the segments' bitmap, and setting it queues no second one");
	sregs.interrupt_bitmap[1] = 4;
	tap(!regs_set_sregs(&v, &sregs) && event_reg(AXV_X86_EVENT_REINJECT) == 0x80000042ull &&
	    kernel.events == events, "another interrupt is set in its place");
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT), 0);
	tap(!regs_set_debug(&v, &debugregs) && kernel_get(AXV_REG_X86(DR, 7)) == 0x400 &&
	    !regs_get_debug(&v, &debug_back) &&
	    !memcmp(&debugregs, &debug_back, sizeof(debugregs)), "debug registers");
}

static void test_fpu(void)
{
	static struct kvm_xsave xsave, back;
	struct kvm_fpu fpu = {
		.fcw = 0x37f, .fsw = 0x3800, .ftwx = 0xc0, .last_opcode = 0x1dd, .last_ip = 0x1234,
		.last_dp = 0x5678, .mxcsr = 0x1f80, .fpr[7][9] = 8, .xmm[15][15] = 9,
	}, fpu_back;
	const unsigned char *state = kernel.fpu;

	((unsigned char *)xsave.region)[KERNEL_FPU_SIZE - 1] = 5;
	tap(!fpu_set_xsave(&v, &xsave) && kernel.fpu[KERNEL_FPU_SIZE - 1] == 5 &&
	    !fpu_get_xsave(&v, &back) && !memcmp(&xsave, &back, sizeof(xsave)),
	    "the vector state is set and read");
	tap(!fpu_set(&v, &fpu) && kernel.fpu[512] == 3 && !fpu_get(&v, &fpu_back) &&
	    !memcmp(&fpu, &fpu_back, sizeof(fpu)),
	    "the legacy part of the vector state is set and read");
	/* Intel SDM vol. 1, "Layout of the FXSAVE area". */
	tap(state[0] == 0x7f && state[3] == 0x38 && state[4] == 0xc0 && state[6] == 0xdd &&
	    state[8] == 0x34 && state[16] == 0x78 && state[25] == 0x1f &&
	    state[32 + 7 * 16 + 9] == 8 && state[160 + 15 * 16 + 15] == 9,
	    "the vector state is where FXSAVE has it");
}

/* ---- runs --------------------------------------------------------------- */

static unsigned int signals;

static void on_signal(int signal)
{
	(void)signal;
	signals++;
}

static void test_exits(void)
{
	struct axv_run *page = v.page;
	struct kvm_regs regs;
	unsigned int runs;

	page->exit_reason = AXV_EXIT_IO_READ;
	page->exit.io = (struct axv_exit_io){ .port = 0x3fd, .width = 1 };
	page->regs.gprs.rflags = 0x202;
	page->ready_for_interrupt = 1;
	tap(!run_vcpu(&v) && v.run->exit_reason == KVM_EXIT_IO &&
	    v.run->io.direction == KVM_EXIT_IO_IN && v.run->io.port == 0x3fd &&
	    v.run->io.size == 1 && v.run->io.count == 1 && v.run->io.data_offset == PIO_OFFSET &&
	    v.run->if_flag && v.run->ready_for_interrupt_injection, "IN");
	/* QEMU takes it from here, never from KVM_GET_SREGS, and sets it again with the others. */
	page->apic_base = 0xd00;
	tap(!run_vcpu(&v) && v.run->apic_base == 0xfee00d00 && v.apic_base == 0xfee00d00,
	    "the mode of the APIC is told at each exit");
	vm.lapic = false;
	page->apic_base = 0;
	tap(!run_vcpu(&v) && v.run->apic_base == 0xfee00d00,
	    "without an irqchip it stays as the VMM has set it");
	vm.lapic = true;
	page->apic_base = 0x900;
	v.pio[0] = 0x60;
	page->exit_reason = AXV_EXIT_IO_READ;
	tap(!run_vcpu(&v) && page->exit.io.data == 0x60, "the data of IN reach the module");
	/* When a device reads the registers in the middle of an exit, QEMU sets them afterwards. */
	v.pio[0] = 0x61;
	tap(!regs_get(&v, &regs) && !regs_set(&v, &regs) && !run_vcpu(&v) &&
	    page->exit.io.data == 0x61, "the data of IN reach the module after KVM_SET_REGS");
	page->exit_reason = AXV_EXIT_MMIO_READ;
	page->exit.mmio = (struct axv_exit_mmio){ .addr = 0xfed00000, .width = 2 };
	run_vcpu(&v);
	v.run->mmio.data[1] = 0x33;
	tap(!regs_set(&v, &regs) && !run_vcpu(&v) && page->exit.mmio.data == 0x3300,
	    "the data of a load reach the module after KVM_SET_REGS");
	page->exit_reason = AXV_EXIT_MMIO_WRITE;
	page->exit.mmio = (struct axv_exit_mmio){ .addr = 0xfed00000, .data = 0x1122, .width = 2 };
	v.pending = PENDING_NONE;
	tap(!run_vcpu(&v) && v.run->exit_reason == KVM_EXIT_MMIO && v.run->mmio.is_write &&
	    v.run->mmio.len == 2 && v.run->mmio.data[0] == 0x22 && v.run->mmio.data[1] == 0x11 &&
	    !v.run->mmio.data[2], "a store");
	page->exit_reason = AXV_EXIT_EOI;
	page->exit.eoi.vector = 0x51;
	tap(!run_vcpu(&v) && v.run->exit_reason == KVM_EXIT_IOAPIC_EOI &&
	    v.run->eoi.vector == 0x51, "the end of a level");
	page->exit_reason = AXV_EXIT_NESTED_PAGE_FAULT;
	page->exit.fault = (struct axv_exit_fault){ .cause = AXV_FAULT_HOST, .status = -EFAULT };
	tap(run_vcpu(&v) == -EFAULT, "a fault of the VMM's own memory is EFAULT");
	page->exit.fault = (struct axv_exit_fault){ .cause = AXV_FAULT_CODE };
	tap(!run_vcpu(&v) && v.run->exit_reason == KVM_EXIT_INTERNAL_ERROR &&
	    v.run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION,
	    "an instruction that cannot be executed is an internal error");
	page->exit_reason = AXV_EXIT_IO_WRITE;
	page->exit.io = (struct axv_exit_io){ .port = 0x80, .width = 1, .data = 7 };

	/* With immediate_exit the vCPU does not run, and exit_reason stays. */
	runs = kernel.calls[CALL_RUN];
	v.run->exit_reason = KVM_EXIT_IO;
	v.run->immediate_exit = 1;
	tap(run_vcpu(&v) == -EINTR && v.run->exit_reason == KVM_EXIT_IO &&
	    kernel.calls[CALL_RUN] == runs, "immediate_exit leaves exit_reason as it was");
	v.run->immediate_exit = 0;
	page->exit_reason = AXV_EXIT_IO_READ;
	run_vcpu(&v);
	v.run->immediate_exit = 1;
	page->exit_reason = AXV_EXIT_KICKED;
	v.pio[0] = 0x77;
	runs = kernel.calls[CALL_KICK];
	tap(run_vcpu(&v) == -EINTR && kernel.calls[CALL_KICK] == runs + 1 &&
	    page->exit.io.data == 0x77, "immediate_exit finishes the access in progress");
	v.run->immediate_exit = 0;
}

/* A processor in real mode, with its memory at 0, at OUTS or INS of @count bytes. */
static void make_string(bool in, unsigned int count)
{
	const struct axv_x86_segment flat = { .limit = 0xffff, .attr = 0x93 };
	struct axv_run *page = v.page;
	unsigned int i;

	memset(&page->regs, 0, sizeof(page->regs));
	for (i = 0; i < 8; i++)
		page->regs.sregs.seg[i] = flat;
	page->regs.sregs.cr0 = 0x10;
	page->regs.gprs.rip = 0x50;
	page->regs.gprs.rflags = 2;
	page->regs.gprs.gpr[AXV_X86_RCX] = count;
	page->regs.gprs.gpr[AXV_X86_RSI] = 0x1000;
	page->regs.gprs.gpr[AXV_X86_RDI] = 0x1000;
	page->valid = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
	page->ip = 0x50;
	page->insn_len = 2;
	page->exit_reason = AXV_EXIT_IO_STRING;
	page->exit.io_string = (struct axv_exit_io_string){
		.count = count, .port = 0x511, .width = 1, .in = in, .rep = 1,
		.addr_width = 2, .seg = AXV_X86_DS,
	};
}

/* Set a register of class EVENT, as the VMM's KVM_SET_VCPU_EVENTS does. */
static void set_event(unsigned int reg, __u64 value)
{
	axv_vcpu_set_reg(v.axv, AXV_REG_ID(AXV_REG_ARCH_X86, AXV_X86_CLASS_EVENT, 3, reg), value);
}

static void test_guest_debug(void)
{
	const __u64 bp = AXV_X86_EVENT_VALID | AXV_X86_EVENT_TYPE_EXCEPTION | 3;
	struct kvm_guest_debug d = {
		.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_HW_BP | KVM_GUESTDBG_USE_SW_BP,
		.arch.debugreg = { [1] = 0x1234, [6] = 0x5555, [7] = 0xd0f808 },
	};
	const struct kvm_debug_exit_arch *arch = &v.run->debug.arch;
	struct axv_exit_debug *exit = &v.page->exit.debug;

	tap(caps_check(vm.host, KVM_CAP_SET_GUEST_DEBUG) == 1 &&
	    caps_check(vm.host, KVM_CAP_SET_GUEST_DEBUG2) ==
	    (KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP | KVM_GUESTDBG_USE_HW_BP |
	     KVM_GUESTDBG_USE_SW_BP | KVM_GUESTDBG_INJECT_DB | KVM_GUESTDBG_INJECT_BP |
	     KVM_GUESTDBG_BLOCKIRQ) && !caps_check(vm.host, KVM_CAP_GUEST_DEBUG_HW_BPS),
	    "the capabilities of debugging");
	tap(!guestdbg_set(&v, &d) &&
	    kernel.debug.flags == (AXV_DEBUG_HW_BREAK | AXV_DEBUG_SW_BREAK) &&
	    kernel.debug.addr[1] == 0x1234 && kernel.debug.control == 0xd02008,
	    "breakpoints, without bits of DR7 that KVM ignores");
	*exit = (struct axv_exit_debug){ .vector = 1, .causes = 0x4002, .linear = 0x777 };
	v.page->exit_reason = AXV_EXIT_DEBUG;
	tap(!run_vcpu(&v) && v.run->exit_reason == KVM_EXIT_DEBUG && arch->exception == 1 &&
	    arch->pc == 0x777 && arch->dr6 == 0xffff4ff2 && arch->dr7 == 0xd02408,
	    "an exit for a breakpoint");

	*exit = (struct axv_exit_debug){ .vector = 3, .linear = 0x1000 };
	v.page->insn_len = 2;
	v.page->ip = 0x1000;
	v.page->valid = AXV_RUN_SET_GPRS;
	v.page->regs.gprs.rip = 0x1000;
	tap(!run_vcpu(&v) && arch->exception == 3 && arch->pc == 0x1000 && v.int3_len == 2,
	    "an exit for INT3");
	set_event(AXV_X86_EVENT_REINJECT, bp);
	run_vcpu(&v);
	tap(v.page->regs.gprs.rip == 0x1002 && v.page->dirty & AXV_RUN_SET_GPRS,
	    "the guest's own INT3: its handler returns behind it");
	v.page->regs.gprs.rip = 0x1000;
	set_event(AXV_X86_EVENT_REINJECT, 0);
	run_vcpu(&v);
	tap(v.page->regs.gprs.rip == 0x1000, "the debugger's INT3 runs again");
	v.page->regs.gprs.rip = 0x2000;
	set_event(AXV_X86_EVENT_REINJECT, bp);
	run_vcpu(&v);
	tap(v.page->regs.gprs.rip == 0x2000, "the VMM has moved the instruction pointer itself");
	set_event(AXV_X86_EVENT_REINJECT, 0);

	d = (struct kvm_guest_debug){ .control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_SINGLESTEP |
						 KVM_GUESTDBG_BLOCKIRQ };
	d.arch.debugreg[0] = 1;
	tap(!guestdbg_set(&v, &d) && !kernel.debug.addr[0] && !kernel.debug.control &&
	    kernel.debug.flags == (AXV_DEBUG_STEP | AXV_DEBUG_BLOCK_EVENTS), "a single step");
	d.control = KVM_GUESTDBG_SINGLESTEP;
	tap(!guestdbg_set(&v, &d) && !kernel.debug.flags, "without ENABLE there is nothing");
	d.control = KVM_GUESTDBG_ENABLE | 1u << 31;
	tap(guestdbg_set(&v, &d) == -EINVAL, "an unknown flag");
	d.control = KVM_GUESTDBG_INJECT_DB;
	tap(!guestdbg_set(&v, &d) && kernel.event.type == AXV_INJECT_EXCEPTION &&
	    kernel.event.vector == 1, "a #DB is injected");
	kernel.answers[AXV_QUERY_DEBUG_FLAGS] &= ~(__u64)AXV_DEBUG_STEP;
	d.control = KVM_GUESTDBG_ENABLE | KVM_GUESTDBG_USE_SW_BP;
	tap(!caps_check(vm.host, KVM_CAP_SET_GUEST_DEBUG) && guestdbg_set(&v, &d) == -EINVAL,
	    "a host that cannot step offers none of it");
	kernel.answers[AXV_QUERY_DEBUG_FLAGS] = ALL_DEBUG;
	v.int3_len = 0;
	v.page->dirty = 0;
}

static void test_strings(void)
{
	static unsigned char ram[0x10000] __attribute__((aligned(4096)));
	const struct kvm_userspace_memory_region slot = {
		.memory_size = sizeof(ram), .userspace_addr = (uintptr_t)ram,
	};
	const struct axv_x86_gprs *gprs = &v.page->regs.gprs;
	struct kvm_regs regs = { .rip = 0x77, .rflags = 2 }, same;
	struct kvm_fpu fpu;

	memory_set(&vm, &slot);
	memcpy(ram + 0x50, "\xf3\x6e", 2);	/* rep outsb */
	memcpy(ram + 0x1000, "QEMU", 4);
	make_string(false, 4);
	tap(!run_vcpu(&v) && v.run->exit_reason == KVM_EXIT_IO && v.run->io.count == 4 &&
	    v.run->io.direction == KVM_EXIT_IO_OUT && v.run->io.size == 1 &&
	    v.run->io.port == 0x511 && !memcmp(v.pio, "QEMU", 4) && gprs->rip == 0x50,
	    "OUTS shows all its elements at once");
	v.run->immediate_exit = 1;
	tap(run_vcpu(&v) == -EINTR && gprs->rip == 0x52 && !gprs->gpr[AXV_X86_RCX] &&
	    gprs->gpr[AXV_X86_RSI] == 0x1004 && v.page->dirty & AXV_RUN_SET_GPRS,
	    "OUTS is done with the next run");
	v.run->immediate_exit = 0;

	ram[0x51] = 0x6c;			/* rep insb */
	make_string(true, 4);
	tap(!run_vcpu(&v) && v.run->io.direction == KVM_EXIT_IO_IN && v.run->io.count == 4,
	    "INS asks for all its elements at once");
	memcpy(v.pio, "fwcf", 4);
	v.run->immediate_exit = 1;
	tap(run_vcpu(&v) == -EINTR && !memcmp(ram + 0x1000, "fwcf", 4) && gprs->rip == 0x52,
	    "INS stores its elements with the next run");
	v.run->immediate_exit = 0;

	make_string(true, 4);
	run_vcpu(&v);
	v.page->valid |= AXV_RUN_SET_GPRS;
	tap(v.pending == PENDING_FINISH && !regs_get(&v, &same) && !regs_set(&v, &same) &&
	    v.pending == PENDING_FINISH, "registers that are set as they are do not disturb");
	tap(v.pending == PENDING_FINISH && !regs_set(&v, &regs) && v.pending == PENDING_NONE,
	    "registers that are set in the middle give the instruction up");
	tap(v.finish_result == -ECANCELED && !v.finish.waits,
	    "an instruction that is given up ends");
	make_string(false, 2 * PIO_SIZE);
	run_vcpu(&v);
	tap(v.pending == PENDING_FINISH && !fpu_get(&v, &fpu) && !fpu_set(&v, &fpu) &&
	    v.pending == PENDING_NONE && v.finish_result == -ECANCELED,
	    "a vector state that is set gives the instruction up");
	make_string(true, 4);
	tap(!run_vcpu(&v) && v.run->io.count == 4,
	    "another instruction begins after one that was given up");
	run_forget(&v);
	coroutine_free(&v.finish);
	memory_free(&vm);
	vm.memory = NULL;
}

static void test_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal }, old;
	unsigned int kicks = kernel.calls[CALL_KICK];

	tap(!sigaction(SIGUSR1, &action, NULL) && !sigaction(SIGUSR1, NULL, &old) &&
	    old.sa_handler == on_signal && !(old.sa_flags & SA_SIGINFO),
	    "sigaction() returns the handler that the program has set");
	raise(SIGUSR1);
	tap(signals == 1 && kernel.calls[CALL_KICK] == kicks, "a signal before a call is handled");
	signals_hold();
	raise(SIGUSR1);
	tap(signals == 1 && signals_came(), "a signal in a call waits");
	signals_enter(v.axv);
	tap(kernel.calls[CALL_KICK] == kicks + 1,
	    "a signal in a call kicks the vCPU that is about to run");
	signals_leave();
	signals_release();
	tap(signals == 2 && !signals_came(),
	    "a signal in a call is handled when the call has ended");
	v.page->exit_reason = AXV_EXIT_NOTHING;
	v.run->exit_reason = KVM_EXIT_IO;
	kernel.signal_in_run = SIGUSR1;
	signals_hold();
	tap(run_vcpu(&v) == -EINTR && v.run->exit_reason == KVM_EXIT_INTR && signals == 2 &&
	    kernel.calls[CALL_KICK] == kicks + 2,
	    "a signal in the middle ends KVM_RUN with EINTR");
	signals_release();
	tap(signals == 3, "a signal in the middle is handled behind KVM_RUN");
	kernel.signal_in_run = SIGUSR2;
	tap(sysv_signal(SIGUSR2, on_signal) == SIG_DFL && !sigaction(SIGUSR2, NULL, &old) &&
	    old.sa_handler == on_signal && old.sa_flags & (int)SA_RESETHAND,
	    "System V's signal()");
	signals_hold();
	tap(run_vcpu(&v) == -EINTR && signals == 3,
	    "a signal with System V's handler ends KVM_RUN with EINTR");
	signals_release();
	tap(signals == 4 && !sigaction(SIGUSR2, NULL, &old) && old.sa_handler == SIG_DFL,
	    "System V's handler is called once");
	kernel.signal_in_run = 0;
	tap(signal(SIGUSR1, SIG_IGN) == on_signal && !sigaction(SIGUSR1, NULL, &old) &&
	    old.sa_handler == SIG_IGN, "SIG_IGN instead of a handler");
}

/* A handler that makes a call of its own, from its beginning to its end. */
static void hold_in_handler(int signal)
{
	(void)signal;
	signals_hold();
	signals_release();
}

static bool is_blocked(int signal)
{
	sigset_t mask;

	pthread_sigmask(SIG_BLOCK, NULL, &mask);
	return sigismember(&mask, signal);
}

static void test_races(void)
{
	unsigned int i, lost = 0, blocked = 0;
	bool sent = true;

	signal(SIGUSR1, on_signal);
	signal(SIGUSR2, hold_in_handler);
	/* A signal after each of the first 16 instructions, then after ever fewer of them. */
	for (i = 0; sent && !blocked; i += 1 + i / 16) {
		signals = 0;
		signals_hold();
		raise(SIGUSR1);
		sent = step(signals_release, i, SIGUSR2);
		lost += signals != 1;
		blocked += is_blocked(SIGUSR1) || is_blocked(SIGUSR2);
	}
	tap(!lost && !blocked && !signals_held() && !signals_came(),
	    "a signal in the end of a call leaves none blocked: %u instructions", i);
	signal(SIGUSR1, SIG_DFL);
	signal(SIGUSR2, SIG_DFL);
}

/* ---- handlers that make calls ------------------------------------------- */

static int vcpu_fd;
static char *closed_page;
static long in_handler;

static long call(int fd, unsigned long command, unsigned long arg)
{
	long ret;

	return object_ioctl(fd, command, arg, &ret) ? ret : -EBADF;
}

static void call_in_handler(int signal)
{
	struct kvm_mp_state state;

	(void)signal;
	in_handler = call(vcpu_fd, KVM_GET_MP_STATE, (unsigned long)&state);
}

static void open_page(int signal)
{
	call_in_handler(signal);
	mprotect(closed_page, 4096, PROT_READ | PROT_WRITE);
}

static int vm_fd;

static void *use_vm(void *arg)
{
	(void)arg;
	call(vm_fd, KVM_CHECK_EXTENSION, KVM_CAP_HLT);
	return NULL;
}

/* Another thread frees the vCPU, with the VM's lock held by the call that is interrupted. */
static void close_vcpu(int signal)
{
	pthread_t thread;

	(void)signal;
	object_detach(vcpu_fd);
	if (!pthread_create(&thread, NULL, use_vm, NULL))
		pthread_join(thread, NULL);
	mprotect(closed_page, 4096, PROT_READ | PROT_WRITE);
}

static void free_nothing(void *data)
{
	(void)data;
}

static void test_handlers(void)
{
	static const struct object_ops system_ops = { .name = "device", .free = free_nothing };
	struct sigaction action = { .sa_handler = call_in_handler };
	struct object *system = object_create(&system_ops, NULL);

	vm_fd = vm_create(system, vm.host);
	vcpu_fd = call(vm_fd, KVM_CREATE_VCPU, 0);
	if (!tap(vcpu_fd >= 0, "a vCPU: %d", vcpu_fd))
		return;
	sigaction(SIGUSR1, &action, NULL);
	kernel.signal_in_run = SIGUSR1;
	in_handler = -1;
	/* A handler that waited for the vCPU's lock would wait for ever. */
	alarm(20);
	call(vcpu_fd, KVM_RUN, 0);
	tap(!in_handler,
	    "a handler may use the vCPU whose run it has ended");
	kernel.signal_in_run = 0;
	closed_page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	action.sa_handler = open_page;
	sigaction(SIGSEGV, &action, NULL);
	tap(!call(vcpu_fd, KVM_GET_MP_STATE, (unsigned long)closed_page) &&
	    in_handler == -EDEADLK, "the handler of a fault in a call may not use the vCPU");
	mprotect(closed_page, 4096, PROT_NONE);
	signal(SIGSEGV, close_vcpu);
	tap(call(vm_fd, KVM_SET_USER_MEMORY_REGION, (unsigned long)closed_page) == -EINVAL &&
	    !object_of_fd(vcpu_fd), "the handler of a fault may close a vCPU whose VM is locked");
	alarm(0);
	signal(SIGSEGV, SIG_DFL);
	munmap(closed_page, 4096);
	object_put(system);
	object_detach(vm_fd);
	close(vcpu_fd);
	close(vm_fd);
}

static bool yields(void)
{
	static const struct object_ops system_ops = { .name = "device", .free = free_nothing };
	struct object *system = object_create(&system_ops, NULL);
	struct kvm_enable_cap cap = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args = { 24 } };
	int fd = vm_create(system, vm.host);
	__u32 flags = kernel.vm.flags;

	call(fd, KVM_ENABLE_CAP, (unsigned long)&cap);
	tap(kernel.vm.irqchip == AXV_IRQCHIP_LAPIC &&
	    kernel.vm.flags == (flags | AXV_VM_HALT_IN_KERNEL),
	    "a VM with a split irqchip has the flags of one without");
	object_detach(fd);
	close(fd);
	object_put(system);
	return flags & AXV_VM_YIELD_ON_SPIN;
}

static void test_yield(void)
{
	kernel.answers[AXV_QUERY_VM_FLAGS] = AXV_VM_HALT_IN_KERNEL;
	tap(!yields(), "vCPUs that spin do not yield where the module does not offer it");
	kernel.answers[AXV_QUERY_VM_FLAGS] |= AXV_VM_YIELD_ON_SPIN;
	tap(yields(), "vCPUs that spin yield where the module offers it");
	kernel.answers[AXV_QUERY_VM_FLAGS] = 0;
}

int main(void)
{
	if (open_all()) {
		test_memory();
		test_changing_slot();
		test_interrupts();
		test_eventfds();
		test_msrs();
		test_cpuid();
		test_events();
		test_waiting();
		test_lapic();
		test_regs();
		test_fpu();
		test_exits();
		test_guest_debug();
		test_strings();
		test_signals();
		test_races();
		test_handlers();
		test_yield();
	}
	return tap_done();
}
