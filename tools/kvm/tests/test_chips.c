// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * PIC, IOAPIC and PIT behind KVM's interface, over a stand-in for the module.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "apic.h"
#include "chips.h"
#include "kernel.h"
#include "tap.h"

#define CALL_RUN	0x23
#define CALL_KICK	0x24
#define CALL_IRQFD	_IOC_NR(AXV_VM_SET_IRQFD)

#define PATIENCE	20	/* seconds for what another thread is to do */

#define ENTRY_LEVEL	(1u << 15)
#define ENTRY_REMOTE	(1u << 14)
#define ENTRY_MASKED	(1u << 16)

static struct axv_host *host;
static struct object *system_object;
static const struct object_ops no_ops;

static struct vm vm = { .lock = PTHREAD_MUTEX_INITIALIZER };
static struct vcpu v = { .vm = &vm, .lock = PTHREAD_MUTEX_INITIALIZER };
static char run_memory[RUN_MAP_SIZE] __attribute__((aligned(4096)));

static long call(int fd, unsigned long command, void *arg)
{
	long ret;

	return object_ioctl(fd, command, (unsigned long)arg, &ret) ? ret : -EBADF;
}

static bool open_all(void)
{
	const struct axv_vcpu_config config = { .favor_phys_cpu = -1 };

	kernel_reset();
	kernel.answers[AXV_QUERY_MAX_ROUTES] = 64;
	kernel.answers[AXV_QUERY_MAX_VCPUS] = 4;
	kernel.answers[AXV_QUERY_IRQCHIPS] = 1u << AXV_IRQCHIP_LAPIC;
	system_object = object_create(&no_ops, NULL);
	if (axv_open("/dev/null", &host) || axv_vm_create(host, NULL, &vm.axv))
		return tap(false, "the stand-in: %s", axv_error());
	vm.host = host;
	if (irqchip_create(&vm) || chips_create_pit(&vm, KVM_PIT_SPEAKER_DUMMY) ||
	    axv_vcpu_create(vm.axv, &config, &v.axv))
		return tap(false, "the irqchip: %s", axv_error());
	vm.nr_vcpus = 1;
	v.page = axv_vcpu_run_page(v.axv);
	v.run = (void *)run_memory;
	v.pio = (unsigned char *)run_memory + PIO_OFFSET;
	chips_add_vcpu(&v);
	return true;
}

static unsigned int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (dir && readdir(dir))
		n++;
	closedir(dir);
	return n;
}

/* ---- errors ------------------------------------------------------------- */

static void test_errors(void)
{
	struct kvm_enable_cap split = { .cap = KVM_CAP_SPLIT_IRQCHIP, .args[0] = 24 };
	struct kvm_reinject_control reinject = { .pit_reinject = 1 };
	struct kvm_irqchip irqchip = { .chip_id = KVM_IRQCHIP_IOAPIC };
	struct kvm_pit_config config = {};
	struct kvm_irq_level line = {};
	struct kvm_pit_state2 pit2;
	struct kvm_pit_state pit;
	unsigned int fds = count_fds();
	int fd = vm_create(system_object, host), vcpu;

	tap(call(fd, KVM_GET_IRQCHIP, &irqchip) == -ENXIO &&
	    call(fd, KVM_SET_IRQCHIP, &irqchip) == -ENXIO &&
	    call(fd, KVM_IRQ_LINE, &line) == -ENXIO, "no irqchip is ENXIO");
	tap(call(fd, KVM_CREATE_PIT2, &config) == -ENOENT, "a PIT needs an irqchip");
	vcpu = call(fd, KVM_CREATE_VCPU, NULL);
	tap(vcpu >= 0 && call(fd, KVM_CREATE_IRQCHIP, NULL) == -EINVAL,
	    "an irqchip after a vCPU is EINVAL");
	object_detach(vcpu);
	close(vcpu);
	tap(!call(fd, KVM_CREATE_IRQCHIP, NULL) && kernel.vm.irqchip == AXV_IRQCHIP_LAPIC &&
	    kernel.vm.flags & AXV_VM_HALT_IN_KERNEL, "an irqchip has the module's local APICs");
	tap(call(fd, KVM_CREATE_IRQCHIP, NULL) == -EEXIST &&
	    call(fd, KVM_ENABLE_CAP, &split) == -EEXIST, "a second irqchip is EEXIST");
	tap(call(fd, KVM_GET_PIT, &pit) == -ENXIO && call(fd, KVM_SET_PIT, &pit) == -ENXIO &&
	    call(fd, KVM_GET_PIT2, &pit2) == -ENXIO && call(fd, KVM_SET_PIT2, &pit2) == -ENXIO &&
	    call(fd, KVM_REINJECT_CONTROL, &reinject) == -ENXIO, "no PIT is ENXIO");
	tap(!call(fd, KVM_CREATE_PIT, NULL) && call(fd, KVM_CREATE_PIT2, &config) == -EEXIST,
	    "a second PIT is EEXIST");
	tap(!call(fd, KVM_GET_PIT, &pit) && !call(fd, KVM_SET_PIT, &pit) &&
	    !call(fd, KVM_REINJECT_CONTROL, &reinject), "the calls of a PIT");
	irqchip.chip_id = 3;
	tap(call(fd, KVM_GET_IRQCHIP, &irqchip) == -EINVAL &&
	    call(fd, KVM_SET_IRQCHIP, &irqchip) == -EINVAL, "a chip that is not there is EINVAL");
	kernel_set(AXV_REG_X86(LAPIC, APIC_LVT_LINT0), LVT_MASKED);
	vcpu = call(fd, KVM_CREATE_VCPU, NULL);
	tap(vcpu >= 0 && kernel_get(AXV_REG_X86(LAPIC, APIC_LVT_LINT0)) == LVT_EXTINT,
	    "the PIC's interrupts come to the first vCPU from the beginning");
	object_detach(vcpu);
	close(vcpu);
	object_detach(fd);
	close(fd);

	fd = vm_create(system_object, host);
	tap(!call(fd, KVM_ENABLE_CAP, &split) && call(fd, KVM_CREATE_IRQCHIP, NULL) == -EEXIST &&
	    call(fd, KVM_GET_IRQCHIP, &irqchip) == -ENXIO,
	    "an irqchip beside a split one is EEXIST");
	object_detach(fd);
	close(fd);
	tap(count_fds() == fds, "VMs that end leave no descriptor");
}

/* ---- the state ---------------------------------------------------------- */

static struct kvm_pic_state *get_pic(unsigned int chip)
{
	static struct kvm_irqchip irqchip;

	irqchip.chip_id = chip;
	chips_get_irqchip(&vm, &irqchip);
	return &irqchip.chip.pic;
}

static void test_pic_state(void)
{
	struct kvm_irqchip set = {
		.chip_id = KVM_IRQCHIP_PIC_SLAVE,
		.chip.pic = {
			.last_irr = 0x11, .irr = 0x02, .imr = 0xa5, .isr = 0x40, .priority_add = 3,
			.irq_base = 0x78, .read_reg_select = 1, .poll = 1, .special_mask = 1,
			.init_state = 2, .auto_eoi = 1, .rotate_on_auto_eoi = 1,
			.special_fully_nested_mode = 1, .init4 = 1, .elcr = 0xde,
			.elcr_mask = 0xde,
		},
	};
	const struct kvm_pic_state *pic = get_pic(0);

	tap(!pic->imr && !pic->priority_add && pic->elcr_mask == 0xf8, "a new PIC");
	tap(!chips_set_irqchip(&vm, &set) && !memcmp(get_pic(1), &set.chip.pic, sizeof(*pic)),
	    "the state of a PIC is read as it was set");
	set.chip.pic = (struct kvm_pic_state){ .elcr = 0xff, .irq_base = 0x73, .init_state = 9 };
	chips_set_irqchip(&vm, &set);
	pic = get_pic(1);
	tap(pic->elcr == 0xde && pic->irq_base == 0x70 && !pic->init_state,
	    "a state that no PIC can have is not taken over");
	set.chip.pic = (struct kvm_pic_state){ .irq_base = 0x38 };
	chips_set_irqchip(&vm, &set);
	set.chip_id = KVM_IRQCHIP_PIC_MASTER;
	set.chip.pic.irq_base = 0x30;
	chips_set_irqchip(&vm, &set);
}

static struct kvm_irqchip *get_ioapic(void)
{
	static struct kvm_irqchip irqchip;

	irqchip.chip_id = KVM_IRQCHIP_IOAPIC;
	chips_get_irqchip(&vm, &irqchip);
	return &irqchip;
}

static void set_entry(unsigned int pin, __u64 bits)
{
	struct kvm_irqchip *irqchip = get_ioapic();

	irqchip->chip.ioapic.redirtbl[pin].bits = bits;
	chips_set_irqchip(&vm, irqchip);
}

static void test_ioapic_state(void)
{
	struct kvm_irqchip set = *get_ioapic(), fresh = set;
	struct kvm_ioapic_state *ioapic = &set.chip.ioapic;

	tap(ioapic->base_address == 0xfec00000 && !ioapic->id &&
	    ioapic->redirtbl[23].bits == ENTRY_MASKED, "a new IOAPIC");
	ioapic->id = 5;
	ioapic->ioregsel = 0x12;
	ioapic->redirtbl[7].bits = 0x0300000000010951ull;
	ioapic->redirtbl[9].bits = 0x52 | ENTRY_LEVEL | ENTRY_REMOTE;
	ioapic->irr = 1u << 9 | 1u << 7;
	tap(!chips_set_irqchip(&vm, &set) && !memcmp(get_ioapic(), &set, sizeof(set)),
	    "the state of the IOAPIC is read as it was set");
	ioapic->base_address = 0xfec10000;
	tap(chips_set_irqchip(&vm, &set) == -EINVAL, "an IOAPIC elsewhere is EINVAL");
	chips_set_irqchip(&vm, &fresh);
}

static struct kvm_pit_state2 get_pit(void)
{
	struct kvm_pit_state2 pit;

	chips_get_pit2(&vm, &pit);
	return pit;
}

static __s64 now(void)
{
	return clock_now();
}

static void test_pit_state(void)
{
	struct kvm_pit_state2 fresh = get_pit(), set = {
		.channels = {
			{ .count = 0x1234, .rw_mode = 3, .mode = 2, .gate = 1, .read_state = 3,
			  .write_state = 4, .write_latch = 0x77,
			  .count_load_time = now() - 1000 },
			{ .count = 500, .rw_mode = 1, .mode = 0, .gate = 1, .read_state = 1,
			  .write_state = 1, .latched_count = 0x99, .count_latched = 1, .bcd = 1,
			  .count_load_time = now() - 1000 },
			{ .count = 0x10000, .rw_mode = 3, .mode = 1, .read_state = 4,
			  .write_state = 3, .latched_count = 0x5566, .count_latched = 2,
			  .status_latched = 1, .status = 0xb2, .count_load_time = now() - 1000 },
		},
		.flags = KVM_PIT_FLAGS_HPET_LEGACY,
	}, back;
	const struct pit_channel *c;
	unsigned int i, bad = 0;

	for (i = 0; i < 3; i++)
		bad += !fresh.channels[i].count || fresh.channels[i].gate != (i < 2);
	tap(!bad, "a new PIT, with counts that a VMM can divide by");
	tap(!chips_set_pit2(&vm, &set) && !chips_get_pit2(&vm, &back) &&
	    !memcmp(&set, &back, sizeof(set)), "the state of the PIT is read as it was set");
	for (i = 0; i < 3; i++)
		set.channels[i] = (struct kvm_pit_channel_state){
			.count = i == 2 ? ~0u : i, .rw_mode = 77, .mode = 3, .gate = 1,
			.bcd = 1, .count_load_time = INT64_MAX,
		};
	chips_set_pit2(&vm, &set);
	back = get_pit();
	tap(back.channels[0].count == 10000 && back.channels[1].count == 2 &&
	    back.channels[2].count == 10000 && back.channels[0].rw_mode == 3 &&
	    back.channels[0].count_load_time <= now(),
	    "a state that no PIT can have is not taken over");
	set.channels[0].mode = 0xff;
	chips_set_pit2(&vm, &set);
	tap(get_pit().channels[0].mode == 0, "a channel without a mode waits for a control word");

	/*
	 * A low gate stops the count of mode 2.  The counter still stands after a VMM has set the
	 * state that it read.
	 */
	set.channels[2] = (struct kvm_pit_channel_state){
		.count = 0x8000, .rw_mode = 3, .mode = 2, .count_load_time = now() - 1000000,
	};
	chips_set_pit2(&vm, &set);
	back = get_pit();
	chips_set_pit2(&vm, &back);
	c = &vm.chips->pit.channel[2];
	tap(c->state == PIT_STOPPED && c->held >= 1193 && c->held < 0x8000,
	    "a counter that stands still stands when its state is set again");
	set.flags = 0;
	set.channels[0].mode = 0xff;
	chips_set_pit2(&vm, &set);
}

static void out(__u16 port, __u8 value)
{
	__u64 data = value;

	chips_access(&v, true, true, port, 1, &data);
}

/* ---- lines and routes --------------------------------------------------- */

static int set_line(__u32 gsi, bool level)
{
	const struct kvm_irq_level line = { .irq = gsi, .level = level };
	__s32 status = 77;

	return irqchip_line(&vm, &line, &status) ? -99 : status;
}

static void test_lines(void)
{
	unsigned int kicks, events;

	kicks = kernel.calls[CALL_KICK];
	tap(set_line(4, true) == 1 && get_pic(0)->irr == 0x10 &&
	    kernel.calls[CALL_KICK] == kicks + 1, "an input of the PIC kicks the vCPU");
	tap(set_line(4, false) == 2 && get_pic(0)->irr == 0x10, "an edge stays if the line falls");
	tap(set_line(4, true) == 0, "a second edge returns 0 while the first one waits");
	set_line(4, false);

	events = kernel.events;
	v.ready = false;
	chips_enter(&v);
	tap(kernel.events == events && v.page->irq_window,
	    "a guest that is not ready has the run end when it is");
	v.ready = true;
	chips_enter(&v);
	tap(kernel.events == events + 1 && kernel.event.type == AXV_INJECT_EXTINT &&
	    kernel.event.vector == 0x34 && !v.page->irq_window && !v.ready,
	    "a guest that is ready gets the vector");
	tap(!get_pic(0)->irr && get_pic(0)->isr == 0x10, "the PIC has been acknowledged");
	out(0x20, 0x20);

	events = kernel.events;
	set_entry(4, 0x44 | ENTRY_MASKED);
	set_line(4, true);
	set_line(4, false);
	tap(kernel.events == events, "an input of the IOAPIC that is masked sends nothing");
	set_entry(4, 0x44);
	tap(set_line(4, true) == 1 && kernel.events == events + 1 &&
	    kernel.event.type == AXV_INJECT_MSI && (kernel.event.data & 0xff) == 0x44,
	    "an input of the IOAPIC sends its message");
	set_line(4, false);
	tap(set_line(23, true) == -1, "an input that is masked is negative");
	set_line(23, false);
	tap(set_line(63, true) == -1 && set_line(~0u, true) == -1,
	    "a gsi without a route is negative");
	set_entry(4, ENTRY_MASKED);
}

static void test_levels(void)
{
	unsigned int events;

	set_entry(11, 0x4b | ENTRY_LEVEL);
	events = kernel.events;
	set_line(11, true);
	tap(kernel.events == events + 1 && (kernel.event.data & 0xff) == 0x4b, "a level is sent");
	tap(get_ioapic()->chip.ioapic.redirtbl[11].bits & ENTRY_REMOTE,
	    "a level that was sent is in service");
	chips_eoi(&v, 0x4c);
	tap(kernel.events == events + 1, "the end of another vector sends nothing");
	chips_eoi(&v, 0x4b);
	tap(kernel.events == events + 2, "a level that is still high is sent again");
	set_line(11, false);
	chips_eoi(&v, 0x4b);
	tap(kernel.events == events + 2, "a level that has fallen is not sent again");
	set_entry(11, ENTRY_MASKED);
}

struct routing {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry entries[3];
};

static struct kvm_irq_routing_entry pin_entry(__u32 gsi, __u32 chip, __u32 pin)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi, .type = KVM_IRQ_ROUTING_IRQCHIP,
		.u.irqchip = { .irqchip = chip, .pin = pin },
	};
}

static struct kvm_irq_routing_entry message_entry(__u32 gsi)
{
	return (struct kvm_irq_routing_entry){
		.gsi = gsi, .type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee00000, .data = 0x61 },
	};
}

static int set_routes(unsigned int nr, struct kvm_irq_routing_entry a,
		      struct kvm_irq_routing_entry b)
{
	struct routing routing = { .head.nr = nr, .entries = { a, b } };

	return irqchip_set_routing(&vm, &routing.head);
}

static void test_routes(void)
{
	const struct kvm_irq_routing_entry message = message_entry(40);
	struct kvm_irq_routing_entry flags = message;
	unsigned int events;

	flags.flags = 1;
	tap(set_routes(1, pin_entry(1, KVM_IRQCHIP_PIC_MASTER, 8), message) == -EINVAL &&
	    set_routes(1, pin_entry(1, KVM_IRQCHIP_PIC_SLAVE, 8), message) == -EINVAL &&
	    set_routes(1, pin_entry(1, KVM_IRQCHIP_IOAPIC, 24), message) == -EINVAL &&
	    set_routes(1, pin_entry(1, 3, 0), message) == -EINVAL, "inputs that are not there");
	tap(set_routes(1, message_entry(64), message) == -EINVAL &&
	    set_routes(1, flags, message) == -EINVAL, "a gsi, or a flag, that is not there");
	tap(set_routes(2, message, message) == -EINVAL &&
	    set_routes(2, message, pin_entry(40, KVM_IRQCHIP_IOAPIC, 1)) == -EINVAL &&
	    set_routes(2, pin_entry(40, KVM_IRQCHIP_IOAPIC, 1), message) == -EINVAL &&
	    set_routes(2, pin_entry(1, KVM_IRQCHIP_PIC_MASTER, 1),
		       pin_entry(1, KVM_IRQCHIP_PIC_SLAVE, 1)) == -EINVAL,
	    "a gsi that leads to two inputs of one kind, or to a message and an input");
	tap(!set_routes(2, pin_entry(3, KVM_IRQCHIP_PIC_SLAVE, 1), message) &&
	    kernel.routes_call.count == 1 && kernel.routes_call.flags == AXV_ROUTES_ALL &&
	    kernel.routes[0].gsi == 40, "the module has the messages");
	set_line(3, true);
	tap(get_pic(1)->irr & 0x02, "a gsi leads where its route says");
	set_line(3, false);
	events = kernel.events;
	tap(set_line(40, true) == 1 && kernel.events == events + 1 && kernel.event.data == 0x61,
	    "a gsi that is a message sends it");
	set_line(40, false);
	tap(kernel.events == events + 1 && set_line(9, true) == -1,
	    "a route that is not in the new table is gone");
}

/* ---- accesses of the guest ---------------------------------------------- */

/* The number of the stand-in's run, which chooses the exit below. */
static unsigned int next_exit;

static void end_run(int signal)
{
	struct axv_run *page = v.page;

	(void)signal;
	switch (next_exit++) {
	case 0:
		page->exit_reason = AXV_EXIT_IO_WRITE;
		page->exit.io = (struct axv_exit_io){ .port = 0x21, .width = 1, .data = 0xfb };
		break;
	case 1:
		page->exit_reason = AXV_EXIT_IO_READ;
		page->exit.io = (struct axv_exit_io){ .port = 0x21, .width = 1 };
		break;
	case 2:
		tap(page->exit.io.data == 0xfb, "a port of the PIC is read in the library");
		page->exit_reason = AXV_EXIT_MMIO_WRITE;
		page->exit.mmio = (struct axv_exit_mmio){
			.addr = 0xfec00000, .width = 4, .data = 1,
		};
		break;
	case 3:
		page->exit_reason = AXV_EXIT_MMIO_READ;
		page->exit.mmio = (struct axv_exit_mmio){ .addr = 0xfec00010, .width = 4 };
		break;
	case 4:
		tap(page->exit.mmio.data == 0x170011,
		    "a register of the IOAPIC is read in the library");
		page->exit_reason = AXV_EXIT_EOI;
		page->exit.eoi.vector = 0x4b;
		break;
	case 5:
		page->exit_reason = AXV_EXIT_IRQ_WINDOW;
		break;
	case 6:
		page->exit_reason = AXV_EXIT_IO_WRITE;
		page->exit.io = (struct axv_exit_io){ .port = 0x22, .width = 2, .data = 5 };
		break;
	default:
		page->exit_reason = AXV_EXIT_SHUTDOWN;
	}
}

static void test_accesses(void)
{
	unsigned int runs = kernel.calls[CALL_RUN];
	struct kvm_interrupt irq = { .irq = 0x31 };

	v.run->request_interrupt_window = 1;
	signal(SIGUSR1, end_run);
	kernel.signal_in_run = SIGUSR1;
	tap(!run_vcpu(&v) && kernel.calls[CALL_RUN] == runs + 7 &&
	    v.run->exit_reason == KVM_EXIT_IO && v.run->io.port == 0x22,
	    "the VMM sees no exit before the first access that is its own");
	tap(v.run->ready_for_interrupt_injection == 1,
	    "a VMM with an irqchip is told that it may inject");
	kernel.signal_in_run = 0;
	signal(SIGUSR1, SIG_DFL);
	v.run->request_interrupt_window = 0;
	tap(events_interrupt(&v, &irq) == -ENXIO, "KVM_INTERRUPT with an irqchip is ENXIO");
}

static __u32 one_exit;
static bool one_ready;

static void end_once(int signal)
{
	(void)signal;
	v.page->exit_reason = one_exit;
	v.page->ready_for_interrupt = one_ready;
	one_exit = AXV_EXIT_SHUTDOWN;
}

static void test_ready(void)
{
	unsigned int events;

	signal(SIGUSR1, end_once);
	kernel.signal_in_run = SIGUSR1;
	set_routes(1, pin_entry(4, KVM_IRQCHIP_PIC_MASTER, 4), message_entry(40));
	out(0x21, 0);
	out(0x20, 0x20);
	set_line(4, true);
	set_line(4, false);
	events = kernel.events;
	v.ready = false;
	one_exit = AXV_EXIT_IRQ_WINDOW;
	run_vcpu(&v);
	tap(kernel.events == events + 1 && kernel.event.type == AXV_INJECT_EXTINT,
	    "the guest gets the vector after an exit for its window");
	out(0x20, 0x20);

	one_exit = AXV_EXIT_IO_STRING;
	one_ready = true;
	run_vcpu(&v);
	tap(v.run->exit_reason == KVM_EXIT_INTERNAL_ERROR && !v.ready,
	    "readiness told at an exit ends with an instruction that the library executes");
	kernel.signal_in_run = 0;
	signal(SIGUSR1, SIG_DFL);
	v.page->ready_for_interrupt = 0;
}

/* ---- the thread --------------------------------------------------------- */

static bool wait_for(bool (*is)(void))
{
	__s64 end = now() + PATIENCE * 1000000000ll;

	while (!is()) {
		if (now() > end)
			return false;
		sched_yield();
	}
	return true;
}

static bool has_timer_edge(void)
{
	return get_pic(0)->irr & 1;
}

static void test_timer(void)
{
	struct kvm_pit_state2 pit;
	__u64 data = 0;

	set_routes(1, pin_entry(0, KVM_IRQCHIP_PIC_MASTER, 0), message_entry(40));
	out(0x21, 0);
	out(0x43, 0x34);
	pit = get_pit();
	pit.channels[0].gate = 1;
	chips_set_pit2(&vm, &pit);
	out(0x40, 0x10);
	tap(vm.chips->pit.channel[0].state == PIT_IDLE,
	    "setting the state that was read writes no count");
	out(0x40, 0x27);
	tap(wait_for(has_timer_edge), "the PIT interrupts through the PIC");
	tap(chips_access(&v, true, false, 0x61, 1, &data), "port 0x61 is the library's");
	out(0x43, 0x34);
	v.ready = true;
	chips_enter(&v);
	out(0x20, 0x20);
	tap(!has_timer_edge(), "the timer's interrupt is acknowledged");

	/* Mode 0: the line is high from the end of the count on, unless the HPET has it. */
	pit = get_pit();
	pit.channels[0] = (struct kvm_pit_channel_state){
		.count = 1, .rw_mode = 3, .gate = 1, .count_load_time = now() - 1000000,
	};
	chips_set_pit2(&vm, &pit);
	tap(get_pic(0)->last_irr & 1, "the PIT's output is the level of its line");
	pit.flags = KVM_PIT_FLAGS_HPET_LEGACY;
	chips_set_pit2(&vm, &pit);
	tap(!(get_pic(0)->last_irr & 1), "with an HPET in its place the PIT is silent");
}

static bool has_edge_5(void)
{
	return get_pic(0)->irr & 0x20;
}

static bool has_line_6(void)
{
	return get_pic(0)->last_irr & 0x40;
}

static unsigned int irqfd_calls;

static bool has_new_irqfd(void)
{
	return kernel.calls[CALL_IRQFD] > irqfd_calls;
}

static unsigned int before;

static bool has_message(void)
{
	return __atomic_load_n(&kernel.events, __ATOMIC_RELAXED) > before;
}

static void test_irqfds(void)
{
	int fd = eventfd(0, 0), level = eventfd(0, 0), ack = eventfd(0, EFD_NONBLOCK);
	struct kvm_irqfd edge = { .fd = fd, .gsi = 5 }, copy = { .fd = dup(fd), .gsi = 6 };
	struct kvm_irqfd resample = {
		.fd = level, .gsi = 6, .flags = KVM_IRQFD_FLAG_RESAMPLE, .resamplefd = ack,
	}, bad = { .fd = -1 }, other = { .gsi = 40 };
	unsigned int fds = count_fds();
	eventfd_t value;
	int ends[2];

	set_routes(2, pin_entry(5, KVM_IRQCHIP_PIC_MASTER, 5),
		   pin_entry(6, KVM_IRQCHIP_PIC_MASTER, 6));
	irqfd_calls = kernel.calls[CALL_IRQFD];
	tap(!eventfd_irqfd(&vm, &edge) && !has_new_irqfd(), "an irqfd of a pin is the library's");
	eventfd_write(fd, 1);
	tap(wait_for(has_edge_5), "a signal is an edge of the input");
	tap(eventfd_irqfd(&vm, &copy) == -EBUSY, "an eventfd that is an irqfd already is EBUSY");
	bad.flags = 1u << 30;
	tap(eventfd_irqfd(&vm, &bad) == -EINVAL, "an unknown flag is EINVAL");
	bad.flags = 0;
	tap(eventfd_irqfd(&vm, &bad) == -EBADF, "a descriptor that is closed is EBADF");
	tap(!pipe(ends), "a pipe");
	bad.fd = ends[0];
	tap(eventfd_irqfd(&vm, &bad) == -EINVAL, "a descriptor of something else is EINVAL");
	close(ends[0]);
	close(ends[1]);
	bad.fd = level;
	bad.flags = KVM_IRQFD_FLAG_DEASSIGN;
	tap(!eventfd_irqfd(&vm, &bad), "an irqfd that is not there can be removed");

	/* Level 6: an interrupt until the guest ends it, then the device is asked. */
	out(0x4d0, 0x40);
	tap(!eventfd_irqfd(&vm, &resample), "an irqfd with resampling");
	eventfd_write(level, 1);
	tap(wait_for(has_line_6), "a signal is a level that stays");
	tap(eventfd_read(ack, &value) && errno == EAGAIN, "the device is not asked yet");
	out(0x21, 0xbf);
	v.ready = true;
	chips_enter(&v);
	out(0x20, 0x66);
	tap(!has_line_6() && !eventfd_read(ack, &value) && value == 1,
	    "the end of the interrupt lowers the level, and asks the device");
	eventfd_write(level, 1);
	wait_for(has_line_6);
	set_line(6, true);
	resample.flags = KVM_IRQFD_FLAG_DEASSIGN;
	tap(!eventfd_irqfd(&vm, &resample) && has_line_6(), "another source holds the level");
	set_line(6, false);
	tap(!has_line_6(), "the level of an irqfd that is removed falls");

	/* Through the IOAPIC. */
	set_routes(1, pin_entry(6, KVM_IRQCHIP_IOAPIC, 6), message_entry(40));
	set_entry(6, 0x46 | ENTRY_LEVEL);
	resample.flags = KVM_IRQFD_FLAG_RESAMPLE;
	eventfd_irqfd(&vm, &resample);
	chips_set_gsi(vm.chips, 6, SOURCE_RESAMPLE, true);
	value = kernel.events;
	chips_eoi(&v, 0x46);
	tap(kernel.events == value && !eventfd_read(ack, &value),
	    "an end at the IOAPIC lowers the level before the IOAPIC looks at it");
	fcntl(ack, F_SETFL, 0);
	eventfd_write(ack, UINT64_MAX - 1);
	chips_set_gsi(vm.chips, 6, SOURCE_RESAMPLE, true);
	chips_eoi(&v, 0x46);
	tap(!eventfd_read(ack, &value) && value == UINT64_MAX - 1,
	    "a resampling eventfd whose counter is full is not waited for");
	set_entry(6, ENTRY_MASKED);
	resample.flags = KVM_IRQFD_FLAG_DEASSIGN;
	eventfd_irqfd(&vm, &resample);

	irqfd_calls = kernel.calls[CALL_IRQFD];
	set_routes(1, message_entry(5), message_entry(5));
	tap(has_new_irqfd() && kernel.irqfd.gsi == 5 && !kernel.irqfd.flags,
	    "a route that becomes a message moves the irqfd to the module");
	irqfd_calls = kernel.calls[CALL_IRQFD];
	kernel.fail_command = AXV_VM_SET_ROUTES;
	kernel.fail_errno = ENOMEM;
	tap(set_routes(1, pin_entry(5, KVM_IRQCHIP_PIC_MASTER, 5), message_entry(40)) == -ENOMEM &&
	    kernel.calls[CALL_IRQFD] == irqfd_calls + 2 && !kernel.irqfd.flags,
	    "the irqfd leaves the module before the route does, and returns if that fails");
	kernel.fail_command = 0;
	irqfd_calls = kernel.calls[CALL_IRQFD];
	set_routes(1, pin_entry(5, KVM_IRQCHIP_PIC_MASTER, 5), message_entry(40));
	tap(has_new_irqfd() && kernel.irqfd.flags == AXV_IRQFD_REMOVE,
	    "a route that becomes an input moves it back");
	v.ready = true;
	out(0x21, 0);
	chips_enter(&v);
	out(0x20, 0x20);
	eventfd_write(fd, 1);
	tap(wait_for(has_edge_5), "an irqfd that was moved back sends an edge");
	set_routes(2, pin_entry(5, KVM_IRQCHIP_PIC_MASTER, 5), message_entry(40));
	other.fd = level;
	kernel.fail_command = AXV_VM_SET_IRQFD;
	kernel.fail_errno = EEXIST;
	tap(eventfd_irqfd(&vm, &other) == -EBUSY, "an irqfd that the module has already is EBUSY");
	kernel.fail_errno = ENOSPC;
	tap(!eventfd_irqfd(&vm, &other), "an irqfd that the module has no room for is accepted");
	kernel.fail_command = 0;
	before = kernel.events;
	eventfd_write(level, 1);
	tap(wait_for(has_message),
	    "the thread sends the message of an irqfd that the module has no room for");
	other.flags = KVM_IRQFD_FLAG_DEASSIGN;
	eventfd_irqfd(&vm, &other);

	edge.fd = copy.fd;
	edge.flags = KVM_IRQFD_FLAG_DEASSIGN;
	tap(!eventfd_irqfd(&vm, &edge) && count_fds() == fds,
	    "another descriptor of the eventfd removes it");
	close(fd);
	close(copy.fd);
	close(level);
	close(ack);
}

int main(void)
{
	if (open_all()) {
		test_errors();
		test_pic_state();
		test_ioapic_state();
		test_pit_state();
		test_lines();
		test_levels();
		test_routes();
		test_accesses();
		test_ready();
		test_timer();
		test_irqfds();
		chips_remove_vcpu(&v);
		chips_free(vm.chips);
	}
	return tap_done();
}
