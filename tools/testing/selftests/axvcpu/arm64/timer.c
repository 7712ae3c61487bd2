// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the virtual timer: it interrupts a guest that runs, wakes one that is halted, and
 * its registers belong to the guest.  In a stock kernel KVM has the timer's interrupt.
 */
#include "axv_harness.h"
#include "ticks.h"

#include <linux/kvm.h>

/* CNTV_CTL_EL0 */
#define ENABLE	1
#define IMASK	2
#define ISTATUS	4

/* A handler that leaves the timer asserted; at the X24th interrupt it masks the timer. */
GUEST_CODE(handler_leaves,
	"stp	x0, x1, [sp, #-16]!\n"
	"mrs	x0, icc_iar1_el1\n"
	"add	x19, x19, #1\n"
	"cmp	x19, x24\n"
	"b.lo	1f\n"
	"mov	x1, #3\n"
	"msr	cntv_ctl_el0, x1\n"
	"1:	isb\n"
	"msr	icc_eoir1_el1, x0\n"
	"isb\n"
	"ldp	x0, x1, [sp], #16\n"
	"eret\n");

/* A handler that calls, and then masks the timer. */
GUEST_CODE(handler_calls,
	"mrs	x4, icc_iar1_el1\n"
	"mov	x0, #2\n"
	"mov	x1, x4\n"
	"hvc	#0\n"
	"mov	x1, #3\n"
	"msr	cntv_ctl_el0, x1\n"
	"isb\n"
	"msr	icc_eoir1_el1, x4\n"
	"add	x19, x19, #1\n"
	"eret\n");

/*
 * Guests whose VMM has the interrupt controller.  The first one sets the timer to X20 counts
 * from now, and computes; the next one computes for X21 rounds, and calls.
 */
GUEST_CODE(guest_arms,
	"mrs	x9, cntvct_el0\n"
	"add	x9, x9, x20\n"
	"msr	cntv_cval_el0, x9\n"
	"mov	x9, #1\n"
	"msr	cntv_ctl_el0, x9\n"
	"isb\n"
	"1:	add	x25, x25, #1\n"
	"b	1b\n");

GUEST_CODE(guest_computes,
	"1:	subs	x21, x21, #1\n"
	"b.ne	1b\n"
	"mrs	x1, cntv_ctl_el0\n"
	"mov	x0, #1\n"
	"hvc	#0\n"
	"b	.\n");

GUEST_CODE(guest_masks,
	"mov	x9, #3\n"
	"msr	cntv_ctl_el0, x9\n"
	"isb\n"
	"mov	x0, #2\n"
	"hvc	#0\n"
	"b	.\n");

/* Sets the timer anew, and waits until it has fired, without an exit in between. */
GUEST_CODE(guest_rearms,
	"mrs	x9, cntvct_el0\n"
	"add	x9, x9, x20\n"
	"msr	cntv_cval_el0, x9\n"
	"mov	x9, #1\n"
	"msr	cntv_ctl_el0, x9\n"
	"isb\n"
	"1:	mrs	x9, cntv_ctl_el0\n"
	"tbz	x9, #2, 1b\n"
	"mov	x0, #3\n"
	"hvc	#0\n"
	"b	.\n");

/* Takes X22 interrupts (counted in X19), X20 counts apart, and calls. Halts if X23 is not 0. */
GUEST_CODE(guest_takes,
	"mov	x19, #0\n"
	"mrs	x9, cntvct_el0\n"
	"add	x9, x9, x20\n"
	"msr	cntv_cval_el0, x9\n"
	"mov	x9, #1\n"
	"msr	cntv_ctl_el0, x9\n"
	"isb\n"
	"msr	daifclr, #2\n"
	"1:	cmp	x19, x22\n"
	"b.hs	2f\n"
	"cbz	x23, 1b\n"
	"wfi\n"
	"b	1b\n"
	"2:	mov	x0, #1\n"
	"mov	x1, x19\n"
	"hvc	#0\n"
	"b	2b\n");

/* A handler that masks the timer, calls, as if to acknowledge, and sets the timer again. */
GUEST_CODE(handler_takes,
	"mov	x9, #3\n"
	"msr	cntv_ctl_el0, x9\n"
	"isb\n"
	"add	x19, x19, #1\n"
	"mov	x0, #4\n"
	"hvc	#0\n"
	"mrs	x9, cntvct_el0\n"
	"add	x9, x9, x20\n"
	"msr	cntv_cval_el0, x9\n"
	"cmp	x19, x22\n"
	"mov	x9, #1\n"
	"csel	x9, x9, xzr, lo\n"
	"msr	cntv_ctl_el0, x9\n"
	"isb\n"
	"eret\n");

#define TIMER_CTL	AXV_ARM64_SYSREG_INDEX(3, 3, 14, 3, 1)

FIXTURE(timer)
{
	struct axv_vm vm;
	struct axv_vcpu v;
};

#define HANDLER(name)	arm64_load_handler(&self->vm, name)

FIXTURE_SETUP(timer)
{
	NEED_GICV3();
	new_guest(&self->vm, &self->v);
}

FIXTURE_TEARDOWN(timer)
{
	vcpu_free(&self->v);
	vm_free(&self->vm);
}

static int again(struct axv_runner *r)
{
	(void)r;
	return 0;
}

#define ASSERT_CALL(number, arg) do {					\
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);			\
	ASSERT_EQ((__u64)(number), self->v.run->exit.hypercall.nr);	\
	ASSERT_EQ((__u64)(arg), self->v.run->exit.hypercall.args[0]);	\
} while (0)

/*
 * Whether the timer's interrupt itself makes a computing guest exit, not the host's tick.
 * The guest leaves the timer asserted, so the interrupt comes again when it has been
 * deactivated: within some rounds of the guest's loop, however slow host and emulator are.
 * If it had to wait for a tick, there would be a millisecond or more of rounds each time.
 */
#define ROUNDS_BY_ITSELF	500ull

static bool interrupts_by_itself(struct axv_vm *vm, struct axv_vcpu *v)
{
	const __u64 n = 20;

	arm64_load_handler(vm, handler_leaves);
	start_guest(vm, v, n, 0);
	*arm64_x(v, 24) = n;
	must(vcpu_run(v) == AXV_EXIT_HYPERCALL);
	must(v->run->exit.hypercall.args[0] == n);
	return *arm64_x(v, 25) < n * ROUNDS_BY_ITSELF;
}

TEST_F(timer, interrupts_a_guest_that_computes)
{
	ASSERT_CALL(1, 20);
	/* The last handler has masked the timer, which may have expired again since. */
	EXPECT_EQ(ENABLE | IMASK, self->v.run->exit.hypercall.args[1] & (ENABLE | IMASK));
	ASSERT_CALL(1, 20);
	EXPECT_LE(20ull, vcpu_stats(&self->v).injections);
	EXPECT_EQ(0ull, vcpu_stats(&self->v).blocks);
	EXPECT_TRUE(interrupts_by_itself(&self->vm, &self->v));
}

TEST_F(timer, wakes_a_halted_guest)
{
	*arm64_x(&self->v, 23) = 1;
	*arm64_x(&self->v, 20) = microseconds(&self->vm, 20000);
	*arm64_x(&self->v, 22) = 5;
	ASSERT_CALL(1, 5);
	EXPECT_LE(1ull, vcpu_stats(&self->v).blocks);
}

/* A level: the interrupt comes again after each deactivation, until the timer is masked. */
TEST_F(timer, stays_asserted)
{
	HANDLER(handler_leaves);
	*arm64_x(&self->v, 22) = 4;
	*arm64_x(&self->v, 24) = 4;
	ASSERT_CALL(1, 4);
	ASSERT_CALL(1, 4);
}

/* The guest is not interrupted until the distributor enables the interrupt. */
TEST_F(timer, not_delivered_until_it_is_enabled)
{
	__u64 id = AXV_REG_ARM64(GIC, AXV_ARM64_GIC_VTIMER);

	HANDLER(handler_leaves);
	ASSERT_EQ(0, reg_set(&self->v, id, 0));
	*arm64_x(&self->v, 22) = 0;
	*arm64_x(&self->v, 20) = 0;
	*arm64_x(&self->v, 24) = 4;
	ASSERT_CALL(1, 0);
	EXPECT_EQ(ENABLE | ISTATUS, self->v.run->exit.hypercall.args[1]);
	ASSERT_CALL(1, 0);
	ASSERT_EQ(0, enable(&self->v));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(4ull, *arm64_x(&self->v, 19));
}

/* The VMM cannot move the timer's wire; an edge that it injects is another interrupt. */
TEST_F(timer, vmm_cannot_move_the_wire)
{
	struct axv_inject event = {
		.type = AXV_INJECT_WIRED,
		.vector = TIMER_INTID,
		.data = 1,
	};

	EXPECT_EQ(-EINVAL, axv_ioctl(self->v.fd, AXV_INJECT, &event));
	event.vector++;
	EXPECT_EQ(0, axv_ioctl(self->v.fd, AXV_INJECT, &event));
	event.data = 0;
	EXPECT_EQ(0, axv_ioctl(self->v.fd, AXV_INJECT, &event));
	event.type = AXV_INJECT_EXTINT;
	event.vector = TIMER_INTID;
	HANDLER(handler_calls);
	*arm64_x(&self->v, 20) = 0;
	*arm64_x(&self->v, 22) = 1;
	EXPECT_EQ(0, axv_ioctl(self->v.fd, AXV_INJECT, &event));
	ASSERT_CALL(2, TIMER_INTID);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_LE(1ull, *arm64_x(&self->v, 19));
}

/* A queue that is full of other interrupts still has room for the timer's. */
TEST_F(timer, room_in_a_full_queue)
{
	struct axv_inject event = { .type = AXV_INJECT_EXTINT, .priority = 0xf0 };
	__u64 depth = axv_query(self->vm.dev, AXV_QUERY_INJECT_DEPTH), i;

	for (i = 0; i < depth; i++) {
		event.vector = 32 + i;
		ASSERT_EQ(0, axv_ioctl(self->v.fd, AXV_INJECT, &event));
	}
	ASSERT_CALL(1, 20);
}

/* If saved in its handler, the interrupt is active in the other vCPU, and not taken again. */
TEST_F(timer, saved_and_restored_in_its_handler)
{
	static __u64 ids[512];
	struct axv_table t = {
		.kind = AXV_TABLE_REGS,
		.count = 512,
		.entry_size = sizeof(ids[0]),
		.entries = (unsigned long)ids,
	};
	struct axv_clock clock = { 0 };
	struct axv_vcpu old = self->v;
	struct axv_vm old_vm = self->vm;
	__u64 value;
	unsigned int i;

	HANDLER(handler_calls);
	*arm64_x(&self->v, 22) = 1;
	ASSERT_CALL(2, TIMER_INTID);

	ASSERT_EQ(0, axv_ioctl(old_vm.fd, AXV_VM_GET_CLOCK, &clock));
	vm_new_irqchip(&self->vm, AXV_VM_HALT_IN_KERNEL, AXV_IRQCHIP_GICV3);
	vcpu_ready(&self->vm, &self->v, 0);
	self->v.run->want = AXV_RUN_SET_GPRS;
	memcpy(self->vm.ram, old_vm.ram, GUEST_RAM_SIZE);
	ASSERT_EQ(0, axv_ioctl(self->vm.fd, AXV_VM_SET_CLOCK, &clock));
	ASSERT_EQ(0, axv_ioctl(old.fd, AXV_GET_TABLE, &t));
	for (i = 0; i < t.count; i++) {
		ASSERT_EQ(0, reg_get(&old, ids[i], &value));
		ASSERT_EQ(0, reg_set(&self->v, ids[i], value));
	}
	vcpu_free(&old);
	vm_free(&old_vm);
	ASSERT_CALL(1, 1);
	ASSERT_CALL(1, 1);
}

/* The timer expires when the VM's counter is set past its deadline. */
TEST_F(timer, follows_the_clock)
{
	struct axv_clock clock = { .counter = 1ull << 50 };
	struct axv_runner r;

	*arm64_x(&self->v, 23) = 1;
	*arm64_x(&self->v, 22) = 1;
	*arm64_x(&self->v, 20) = 1ull << 50;
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	runner_start(&r, &self->v, again, NULL);
	vcpu_await_state(&self->v, AXV_STATE_BLOCKED);
	/* The new value is far past the deadline. */
	clock.counter = 1ull << 51;
	ASSERT_EQ(0, axv_ioctl(self->vm.fd, AXV_VM_SET_CLOCK, &clock));
	runner_await(&r, AXV_EXIT_HYPERCALL, 1);
	runner_stop(&r);
}

/* No timer of a vCPU that is reset or closed stays armed. */
TEST_F(timer, reset_while_it_waits)
{
	struct axv_runner r;

	*arm64_x(&self->v, 23) = 1;
	*arm64_x(&self->v, 20) = microseconds(&self->vm, 1000000000);
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	runner_start(&r, &self->v, again, NULL);
	vcpu_await_state(&self->v, AXV_STATE_BLOCKED);
	runner_stop(&r);
	ASSERT_EQ(0, vcpu_reset(&self->v));
	ASSERT_EQ(0, guest_setup(&self->v));
	ASSERT_EQ(0, vcpu_bind(&self->v));
	start_guest(&self->vm, &self->v, 3, 100);
	ASSERT_EQ(0, enable(&self->v));
	ASSERT_CALL(1, 3);
}

/* A guest of KVM that lets its timer expire, and stores to an address without memory. */
GUEST_CODE(kvm_guest,
	"msr	cntv_cval_el0, xzr\n"
	"mov	x0, #1\n"
	"msr	cntv_ctl_el0, x0\n"
	"isb\n"
	"mov	x1, #0x40000000\n"
	"1:	str	x0, [x1]\n"
	"eor	x0, x0, #2\n"
	"msr	cntv_ctl_el0, x0\n"
	"isb\n"
	"b	1b\n");

/* Make a vCPU of KVM that begins kvm_guest; -1: there is no KVM. */
static int kvm_vcpu(struct kvm_run **run)
{
	struct kvm_userspace_memory_region region = { .memory_size = PAGE };
	struct kvm_vcpu_init init = { 0 };
	int dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm, vcpu;
	void *ram;

	if (dev < 0)
		return -1;
	vm = ioctl(dev, KVM_CREATE_VM, 0ul);
	must(vm >= 0);
	ram = mem_new(PAGE);
	memcpy(ram, kvm_guest, kvm_guest_end - kvm_guest);
	region.userspace_addr = (unsigned long)ram;
	must(!ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region));
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0ul);
	must(vcpu >= 0);
	must(!ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init));
	must(!ioctl(vcpu, KVM_ARM_VCPU_INIT, &init));
	*run = mmap(NULL, ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0ul), PROT_READ | PROT_WRITE,
		    MAP_SHARED, vcpu, 0);
	must(*run != MAP_FAILED);
	return vcpu;
}

/* Run it; returns whether it has stored.  KVM also exits if the timer's output changes. */
static int kvm_runs(int vcpu, struct kvm_run *run)
{
	int err = ioctl(vcpu, KVM_RUN, 0ul);

	must(!err || errno == EINTR);
	return !err && run->exit_reason == KVM_EXIT_MMIO;
}

/*
 * Runs in turn with a vCPU of KVM on the same CPU, whose timer is asserted, masked and
 * asserted again.  axvcpu and KVM may each leave the physical interrupt in any state.
 */
TEST_F(timer, in_turn_with_kvm)
{
	struct kvm_run *run;
	int vcpu = kvm_vcpu(&run);
	int i, stores = 0;

	if (vcpu < 0)
		SKIP(return, "no KVM in this kernel");
	HANDLER(handler_calls);
	for (i = 0; i < 50; i++) {
		start_guest(&self->vm, &self->v, 1, 50);
		ASSERT_CALL(2, TIMER_INTID);
		/* axvcpu's guest is in its handler, with its timer asserted. */
		stores += kvm_runs(vcpu, run);
		ASSERT_CALL(1, 1);
		stores += kvm_runs(vcpu, run);
	}
	EXPECT_LE(10, stores);
}

/*
 * While there is a VM of axvcpu, one of KVM comes and goes, which disables the timer's
 * interrupt if KVM is switched on and off with its VMs.
 */
TEST_F(timer, kvms_vm_comes_and_goes)
{
	int dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int vm;

	if (dev < 0)
		SKIP(return, "no KVM in this kernel");
	ASSERT_CALL(1, 20);
	vm = ioctl(dev, KVM_CREATE_VM, 0ul);
	must(vm >= 0);
	must(!close(vm));
	must(!close(dev));
	EXPECT_TRUE(interrupts_by_itself(&self->vm, &self->v));
}

static void set_online(int cpu, const char *text)
{
	char path[80];
	int fd;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	must(fd >= 0);
	must(write(fd, text, 1) == 1);
	close(fd);
}

/* Take a CPU offline and online again, while this thread is on CPU 0. */
static void switch_off_and_on(int cpu)
{
	pin_to(0);
	set_online(cpu, "0");
	set_online(cpu, "1");
	pin_to(cpu);
}

/*
 * A CPU's GIC disables the CPU's interrupts while that is offline, though the kernel counts
 * them as enabled.  Tested with a VM that exists meanwhile, and without one.
 */
TEST_F(timer, on_a_cpu_that_was_offline)
{
	int other = second_cpu();

	if (other < 0)
		SKIP(return, "one CPU");
	pin_to(other);
	EXPECT_TRUE(interrupts_by_itself(&self->vm, &self->v));
	switch_off_and_on(other);
	EXPECT_TRUE(interrupts_by_itself(&self->vm, &self->v));
	vcpu_free(&self->v);
	vm_free(&self->vm);
	switch_off_and_on(other);
	new_guest(&self->vm, &self->v);
	EXPECT_TRUE(interrupts_by_itself(&self->vm, &self->v));
}

/* ---- without a controller in the kernel ---------------------------------------- */

FIXTURE(level)
{
	struct axv_vm vm;
	struct axv_vcpu v;
};

FIXTURE_SETUP(level)
{
	vm_new(&self->vm, AXV_VM_HALT_IN_KERNEL);
	vcpu_ready(&self->vm, &self->v, 0);
}

FIXTURE_TEARDOWN(level)
{
	vcpu_free(&self->v);
	vm_free(&self->vm);
}

/* Make the next run begin this guest, with its timer unchanged. */
#define GUEST(name, us) do {							\
	arm64_load(&self->vm, name);						\
	arm64_start(&self->v, GUEST_CODE_ADDR);					\
	self->v.run->regs.gprs.pstate |= PSTATE_I;				\
	*arm64_x(&self->v, 20) = microseconds(&self->vm, us);			\
} while (0)

#define ASSERT_LEVEL(reason, level) do {					\
	ASSERT_EXIT(reason, &self->v);						\
	ASSERT_EQ(level, self->v.run->timer_level);				\
} while (0)

static __u64 event_timer(struct axv_vcpu *v)
{
	__u64 value;

	must(!reg_get(v, AXV_REG_ARM64(EVENT, AXV_ARM64_EVENT_TIMER), &value));
	return value;
}

TEST_F(level, a_rise_ends_a_run_once)
{
	int i;

	for (i = 0; i < 5; i++) {
		GUEST(guest_arms, 500);
		ASSERT_LEVEL(AXV_EXIT_TIMER, 1);
		EXPECT_EQ(1ull, event_timer(&self->v));
		EXPECT_EQ(0, self->v.run->insn_len);
		/* Though the level is high, the guest goes on without further exits. */
		GUEST(guest_computes, 0);
		*arm64_x(&self->v, 21) = 100000;
		ASSERT_LEVEL(AXV_EXIT_HYPERCALL, 1);
		EXPECT_EQ(ENABLE | ISTATUS, self->v.run->exit.hypercall.args[0]);
		GUEST(guest_masks, 0);
		ASSERT_LEVEL(AXV_EXIT_HYPERCALL, 0);
		EXPECT_EQ(0ull, event_timer(&self->v));
	}
	EXPECT_EQ(5ull, vcpu_stats(&self->v).exits[AXV_EXIT_TIMER]);
	EXPECT_GT(300ull, vcpu_stats(&self->v).interrupts);
}

/* If the VMM has not seen the level fall, its next rise is no exit. */
TEST_F(level, a_fall_that_no_exit_shows)
{
	__u64 rises = 1, nothing;
	int i, tries = 0, reason;

	GUEST(guest_arms, 500);
	ASSERT_LEVEL(AXV_EXIT_TIMER, 1);
	for (i = 0; i < 3; ) {
		ASSERT_GT(1000, tries++)
			TH_LOG("the host's own work ends every run");
		nothing = vcpu_stats(&self->v).exits[AXV_EXIT_NOTHING];
		GUEST(guest_rearms, 2000);
		reason = vcpu_run(&self->v);
		if (vcpu_stats(&self->v).exits[AXV_EXIT_NOTHING] != nothing) {
			/* A run that ended for the host's own work may have shown the fall. */
			rises += reason == AXV_EXIT_TIMER;
			continue;
		}
		ASSERT_EQ(AXV_EXIT_HYPERCALL, reason);
		ASSERT_EQ(1, self->v.run->timer_level);
		i++;
	}
	GUEST(guest_masks, 0);
	ASSERT_LEVEL(AXV_EXIT_HYPERCALL, 0);
	GUEST(guest_arms, 500);
	ASSERT_LEVEL(AXV_EXIT_TIMER, 1);
	EXPECT_EQ(rises + 1, vcpu_stats(&self->v).exits[AXV_EXIT_TIMER]);
}

/* Any exit shows the level, also one before the guest is entered. */
TEST_F(level, every_exit_shows_the_level)
{
	GUEST(guest_arms, 500);
	ASSERT_LEVEL(AXV_EXIT_TIMER, 1);
	ASSERT_EQ(0, vcpu_kick(&self->v));
	ASSERT_LEVEL(AXV_EXIT_KICKED, 1);
	ASSERT_EQ(0, reg_set(&self->v, AXV_REG_ARM64(SYSREG, TIMER_CTL), 0));
	ASSERT_EQ(0, vcpu_kick(&self->v));
	ASSERT_LEVEL(AXV_EXIT_KICKED, 0);
	/* The exit Kicked has shown the rise, so the next run goes on until the guest calls. */
	ASSERT_EQ(0, reg_set(&self->v, AXV_REG_ARM64(SYSREG, TIMER_CTL), ENABLE));
	ASSERT_EQ(0, vcpu_kick(&self->v));
	ASSERT_LEVEL(AXV_EXIT_KICKED, 1);
	GUEST(guest_computes, 0);
	*arm64_x(&self->v, 21) = 100000;
	ASSERT_LEVEL(AXV_EXIT_HYPERCALL, 1);
	EXPECT_EQ(1ull, vcpu_stats(&self->v).exits[AXV_EXIT_TIMER]);
}

TEST_F(level, what_the_vmm_knows_is_a_register)
{
	__u64 id = AXV_REG_ARM64(EVENT, AXV_ARM64_EVENT_TIMER);

	GUEST(guest_arms, 500);
	ASSERT_LEVEL(AXV_EXIT_TIMER, 1);
	ASSERT_EQ(0, reg_set(&self->v, id, 0));
	ASSERT_LEVEL(AXV_EXIT_TIMER, 1);
	EXPECT_EQ(-EINVAL, reg_set(&self->v, id, 2));
	EXPECT_EQ(1ull, event_timer(&self->v));
	/* After the restore the VMM is not told again. */
	ASSERT_EQ(0, reg_set(&self->v, id, 1));
	GUEST(guest_computes, 0);
	*arm64_x(&self->v, 21) = 100000;
	ASSERT_LEVEL(AXV_EXIT_HYPERCALL, 1);
}

typedef FIXTURE_DATA(level) level_fixture;

/*
 * A VMM that does what an interrupt controller does: it sets the guest's IRQ input to the
 * level of the timer's output.
 */
static void take_ticks(struct __test_metadata *_metadata, level_fixture *self,
		       __u64 us, int halts)
{
	struct axv_inject input = {
		.type = AXV_INJECT_WIRED, .vector = AXV_ARM64_INPUT_IRQ,
	};
	const unsigned int n = 20;
	unsigned int rises = 0;
	int reason;

	arm64_load_handler(&self->vm, handler_takes);
	GUEST(guest_takes, us);
	*arm64_x(&self->v, 22) = n;
	*arm64_x(&self->v, 23) = halts;
	do {
		/* An exit by a signal shows the level, too. */
		reason = vcpu_run_once(&self->v);
		ASSERT_TRUE(reason == AXV_EXIT_TIMER || reason == AXV_EXIT_HYPERCALL ||
			    reason == AXV_EXIT_NOTHING);
		if (reason != AXV_EXIT_NOTHING)
			ASSERT_EQ(reason == AXV_EXIT_TIMER, self->v.run->timer_level);
		rises += !input.data && self->v.run->timer_level;
		input.data = self->v.run->timer_level;
		ASSERT_EQ(0, axv_ioctl(self->v.fd, AXV_INJECT, &input));
	} while (reason != AXV_EXIT_HYPERCALL || self->v.run->exit.hypercall.nr != 1);
	EXPECT_EQ(n, self->v.run->exit.hypercall.args[0]);
	EXPECT_EQ(n, rises);
}

TEST_F(level, a_vmm_with_a_controller)
{
	take_ticks(_metadata, self, 500, 0);
}

TEST_F(level, ends_a_halt)
{
	take_ticks(_metadata, self, 10000, 1);
	EXPECT_LE(1ull, vcpu_stats(&self->v).blocks);
}

/* Two vCPUs run on one CPU in turn; the timer's interrupt of one is held back. */
TEST_F(level, not_told_of_another_vcpus_timer)
{
	struct axv_vcpu held = self->v;
	int i;

	GUEST(guest_arms, 500);
	ASSERT_LEVEL(AXV_EXIT_TIMER, 1);
	held = self->v;
	vcpu_ready(&self->vm, &self->v, 1);
	for (i = 0; i < 3; i++) {
		GUEST(guest_arms, 500);
		ASSERT_LEVEL(AXV_EXIT_TIMER, 1);
		GUEST(guest_masks, 0);
		ASSERT_LEVEL(AXV_EXIT_HYPERCALL, 0);
		arm64_load(&self->vm, guest_computes);
		arm64_start(&held, GUEST_CODE_ADDR);
		*arm64_x(&held, 21) = 1000;
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &held);
		ASSERT_EQ(1, held.run->timer_level);
	}
	vcpu_free(&self->v);
	self->v = held;
}

TEST_HARNESS_MAIN
