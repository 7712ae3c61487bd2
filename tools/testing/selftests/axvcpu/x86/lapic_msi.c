// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of interrupts from devices to local APICs in the kernel: MSIs, edge- and
 * level-triggered; the PIC's through LINT0; and irqfds, whose signals reach the guest without
 * the VMM.
 */
#include "axv_harness.h"
#include "event.h"
#include "lapic.h"

#define GSI	5000

FIXTURE(msi)
{
	struct axv_vm vm;
	struct lapic_cpu c[LAPIC_CPUS];
};

FIXTURE_VARIANT(msi)
{
	bool x2apic;
};

FIXTURE_VARIANT_ADD(msi, xapic) { .x2apic = false };
FIXTURE_VARIANT_ADD(msi, x2apic) { .x2apic = true };

FIXTURE_SETUP(msi)
{
	int i;

	NEED_LAPIC();
	lapic_four_new(&self->vm, self->c, variant->x2apic);
	for (i = 0; i < LAPIC_CPUS && !variant->x2apic; i++)
		lapic_write(&self->c[i], APIC_LDR, 1u << (24 + i));
}

FIXTURE_TEARDOWN(msi)
{
	lapic_four_free(&self->vm, self->c);
}

/* The address of an MSI to one vCPU, in physical destination mode. */
static __u64 address_of(struct lapic_cpu *c)
{
	return MSI_ADDRESS((__u64)lapic_id(c));
}

/* Make a handler, which has called, send an EOI; returns how the run ends. */
static __u64 end_of_interrupt(struct lapic_cpu *c)
{
	return c->x2apic ? lapic_do(c, OP_wrmsr, MSR_X2APIC + APIC_EOI / 16, 0) :
			   lapic_do(c, OP_write, APIC_PAGE + APIC_EOI, 0);
}

static __u64 eoi_exits(struct lapic_cpu *c)
{
	return vcpu_stats(&c->v).exits[AXV_EXIT_EOI];
}

TEST_F(msi, physical)
{
	int i;

	for (i = 0; i < LAPIC_CPUS; i++)
		ASSERT_EQ(0, lapic_msi(&self->vm, address_of(&self->c[i]), 0x51 + i));
	EXPECT_TAKEN(0x51, 0x52, 0x53, 0x54);
	/* With the redirection hint, and one destination. */
	ASSERT_EQ(0, lapic_msi(&self->vm, address_of(&self->c[2]) | MSI_REDIRECT,
			       APIC_LOWEST | MSI_ASSERT | 0x61));
	EXPECT_TAKEN(0, 0, 0x61, 0);
	/* To an id that no vCPU has. */
	ASSERT_EQ(0, lapic_msi(&self->vm, MSI_ADDRESS(0x77ull), 0x62));
	EXPECT_TAKEN(0, 0, 0, 0);
	/* To all vCPUs. */
	ASSERT_EQ(0, lapic_msi(&self->vm, MSI_ADDRESS(variant->x2apic ? 0xffffffffull : 0xff),
			       0x63));
	EXPECT_TAKEN(0x63, 0x63, 0x63, 0x63);
	for (i = 0; i < LAPIC_CPUS; i++)
		EXPECT_EQ(0ull, eoi_exits(&self->c[i]));
}

TEST_F(msi, logical)
{
	__u64 two = MSI_ADDRESS(3ull) | MSI_LOGICAL;
	unsigned int i, round, n;
	__u64 vectors;

	/* In both modes these bits mean the first two vCPUs. */
	ASSERT_EQ(0, lapic_msi(&self->vm, two, 0x51));
	EXPECT_TAKEN(0x51, 0x51, 0, 0);
	ASSERT_EQ(0, lapic_msi(&self->vm, MSI_LOGICAL |
			       MSI_ADDRESS(variant->x2apic ? 0x00100004ull : 8), 0x52));
	EXPECT_TAKEN(0, 0, 0, 0x52);
	ASSERT_EQ(0, lapic_msi(&self->vm, MSI_LOGICAL |
			       MSI_ADDRESS(variant->x2apic ? 0x0010fffbull : 0xf0), 0x53));
	EXPECT_TAKEN(0, 0, 0, 0);
	ASSERT_EQ(0, lapic_msi(&self->vm, MSI_LOGICAL |
			       MSI_ADDRESS(variant->x2apic ? 0xffffffffull : 0xff), 0x54));
	EXPECT_TAKEN(0x54, 0x54, 0x54, 0x54);

	/* Lowest priority: one of the two gets it. */
	for (round = 0; round < 4; round++) {
		ASSERT_EQ(0, lapic_msi(&self->vm, two | MSI_REDIRECT,
				       APIC_LOWEST | (0x61 + round)));
		for (i = 0, n = 0; i < LAPIC_CPUS; i++) {
			vectors = lapic_taken(&self->c[i]);
			if (!vectors)
				continue;
			n++;
			EXPECT_GT(2u, i);
			EXPECT_EQ(0x61ull + round, vectors);
		}
		EXPECT_EQ(1u, n);
	}
	lapic_write(&self->c[0], APIC_SVR, 0xff);
	ASSERT_EQ(0, lapic_msi(&self->vm, two | MSI_REDIRECT, APIC_LOWEST | 0x71));
	EXPECT_TAKEN(0, 0x71, 0, 0);
}

TEST_F(msi, level)
{
	struct lapic_cpu *c = &self->c[3];

	c->guest->flags = (c->guest->flags | GUEST_CALLS) & ~GUEST_EOI;
	ASSERT_EQ(0, lapic_msi(&self->vm, address_of(c), MSI_LEVEL | 0x61));
	ASSERT_EQ(0, lapic_msi(&self->vm, address_of(c), MSI_LEVEL | 0x61));
	ASSERT_EQ(TAKEN(0x61), lapic_do(c, OP_open, 0, 0));
	EXPECT_EQ(0x61, lapic_only(c, APIC_TMR));
	EXPECT_EQ(0x61, lapic_only(c, APIC_ISR));
	/* The EOI of an edge-triggered interrupt meanwhile is no exit. */
	ASSERT_EQ(0, lapic_msi(&self->vm, address_of(c), 0x71));
	ASSERT_EQ(TAKEN(0x71), lapic_do(c, OP_open, 0, 0));
	EXPECT_EQ(0x61, lapic_only(c, APIC_TMR));
	EXPECT_EQ(DONE, end_of_interrupt(c));
	EXPECT_EQ(DONE, lapic_leave(c));

	ASSERT_EQ(EXIT(AXV_EXIT_EOI), end_of_interrupt(c));
	EXPECT_EQ(0x61u, c->v.run->exit.eoi.vector);
	EXPECT_EQ(0u, c->v.run->exit.eoi.pad);
	/* The interrupt has ended, and the guest's state is that after the EOI. */
	EXPECT_EQ(0ull, lapic_reg(c, APIC_ISR + 0x30));
	EXPECT_EQ(DONE, lapic_go(c));
	EXPECT_EQ(0, lapic_only(c, APIC_ISR));
	EXPECT_EQ(DONE, lapic_leave(c));

	/* If the line is still high, the VMM sends the interrupt again. */
	ASSERT_EQ(0, lapic_msi(&self->vm, address_of(c), MSI_LEVEL | 0x61));
	ASSERT_EQ(TAKEN(0x61), lapic_do(c, OP_open, 0, 0));
	ASSERT_EQ(EXIT(AXV_EXIT_EOI), end_of_interrupt(c));
	ASSERT_EQ(0, lapic_msi(&self->vm, address_of(c), MSI_LEVEL | 0x61));
	EXPECT_EQ(DONE, lapic_go(c));
	ASSERT_EQ(TAKEN(0x61), lapic_leave(c));
	ASSERT_EQ(EXIT(AXV_EXIT_EOI), end_of_interrupt(c));
	EXPECT_EQ(DONE, lapic_go(c));
	EXPECT_EQ(DONE, lapic_leave(c));
	EXPECT_EQ(3ull, eoi_exits(c));

	/* The same vector, edge-triggered. */
	ASSERT_EQ(0, lapic_msi(&self->vm, address_of(c), 0x61));
	ASSERT_EQ(TAKEN(0x61), lapic_do(c, OP_open, 0, 0));
	EXPECT_EQ(0, lapic_only(c, APIC_TMR));
	EXPECT_EQ(DONE, end_of_interrupt(c));
	EXPECT_EQ(DONE, lapic_leave(c));
	EXPECT_EQ(3ull, eoi_exits(c));
}

/* Two level-triggered interrupts: each EOI is an exit with its own vector. */
TEST_F(msi, levels_in_each_other)
{
	struct lapic_cpu *c = &self->c[0];

	c->guest->flags = (c->guest->flags | GUEST_CALLS) & ~GUEST_EOI;
	ASSERT_EQ(0, lapic_msi(&self->vm, address_of(c), MSI_LEVEL | 0x31));
	ASSERT_EQ(TAKEN(0x31), lapic_do(c, OP_open, 0, 0));
	ASSERT_EQ(0, lapic_msi(&self->vm, address_of(c), MSI_LEVEL | 0xff));
	ASSERT_EQ(TAKEN(0xff), lapic_do(c, OP_open, 0, 0));
	EXPECT_TRUE(lapic_bit(c, APIC_TMR, 0x31) && lapic_bit(c, APIC_TMR, 0xff));
	ASSERT_EQ(EXIT(AXV_EXIT_EOI), end_of_interrupt(c));
	EXPECT_EQ(0xffu, c->v.run->exit.eoi.vector);
	EXPECT_EQ(DONE, lapic_go(c));
	EXPECT_EQ(DONE, lapic_leave(c));
	ASSERT_EQ(EXIT(AXV_EXIT_EOI), end_of_interrupt(c));
	EXPECT_EQ(0x31u, c->v.run->exit.eoi.vector);
	EXPECT_EQ(DONE, lapic_go(c));
	/* An EOI while nothing is in service is no exit. */
	EXPECT_EQ(DONE, end_of_interrupt(c));
	EXPECT_EQ(DONE, lapic_leave(c));
}

TEST_F(msi, nmi)
{
	ASSERT_EQ(0, lapic_msi(&self->vm, address_of(&self->c[1]), APIC_NMI | MSI_ASSERT));
	/* The NMI comes though interrupts are off. */
	lapic_read(&self->c[1], APIC_SVR);
	EXPECT_EQ(1ull, self->c[1].guest->taken);
	EXPECT_TAKEN(0, VEC_NMI, 0, 0);
	EXPECT_EQ(0u, lapic_errors(&self->c[1]));
}

TEST_F(msi, illegal_vector)
{
	ASSERT_EQ(0, lapic_msi(&self->vm, address_of(&self->c[1]), 15));
	EXPECT_EQ(ESR_RECEIVED_ILLEGAL, lapic_errors(&self->c[1]));
	EXPECT_TAKEN(0, 0, 0, 0);
	EXPECT_EQ(0u, lapic_errors(&self->c[0]));
}

TEST_F(msi, refused)
{
	static const __u64 addresses[] = {
		0, 0x1000, 0xfed00000, 0xfef00000, 0xffe00000, 0x7ee00000, 0x1fee00000,
		0x80fee00000, 0xfffee00000,
	};
	static const __u32 modes[] = { 2u << 8, 3u << 8, APIC_SIPI };
	struct axv_inject event = { .type = AXV_INJECT_MSI, .address = APIC_PAGE, .data = 0x51 };
	struct axv_vm plain;
	unsigned int i;
	int ret;

	for (i = 0; i < ARRAY_SIZE(addresses); i++)
		EXPECT_EQ(-EINVAL, lapic_msi(&self->vm, addresses[i], 0x51))
			TH_LOG("%#llx", (unsigned long long)addresses[i]);
	event.priority = 1;
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_INJECT, &event));
	event.priority = 0;
	event.flags = AXV_INJECT_HAS_ERROR_CODE;
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_INJECT, &event));
	/* Messages that no device should send are refused or lost. */
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		ret = lapic_msi(&self->vm, APIC_PAGE, modes[i] | 0x51);
		EXPECT_TRUE(!ret || ret == -EINVAL);
	}
	EXPECT_TAKEN(0, 0, 0, 0);
	ASSERT_EQ(0, lapic_msi(&self->vm, APIC_PAGE, 0x51));
	EXPECT_TAKEN(0x51, 0, 0, 0);

	vm_new(&plain, 0);
	EXPECT_EQ(-EOPNOTSUPP, lapic_msi(&plain, APIC_PAGE, 0x51));
	vm_free(&plain);
}

/* ---- the PIC's interrupts, through LINT0 ---- */

/* One vCPU, whose handlers ask the test what to do. */
FIXTURE(pic)
{
	struct axv_vm vm;
	struct lapic_cpu c;
};

FIXTURE_SETUP(pic)
{
	NEED_LAPIC();
	lapic_vm_new(&self->vm);
	lapic_begin(&self->vm, &self->c, 0, 0);
	self->c.guest->flags = GUEST_CALLS;
}

FIXTURE_TEARDOWN(pic)
{
	lapic_free(&self->c);
	vm_free(&self->vm);
}

typedef FIXTURE_DATA(pic) pic_fixture;

static int pic(pic_fixture *self, int vector)
{
	return vcpu_inject(&self->c.v, AXV_INJECT_EXTINT, vector);
}

static __u64 set_lint0(struct lapic_cpu *c, __u32 value)
{
	return lapic_do(c, OP_write, APIC_PAGE + APIC_LVT_LINT0, value);
}

TEST_F(pic, waits_for_lint0)
{
	static const __u32 closed[] = { LVT_MASKED | LVT_EXTINT, 0x45, LVT_NMI, LVT_MASKED };
	struct lapic_cpu *c = &self->c;
	unsigned int i;

	ASSERT_EQ(0, pic(self, 0x31));
	ASSERT_EQ(DONE, lapic_do(c, OP_sti, 0, 0));
	for (i = 0; i < ARRAY_SIZE(closed); i++) {
		ASSERT_EQ(DONE, set_lint0(c, closed[i]));
		EXPECT_EQ(0, c->v.run->ready_for_interrupt);
	}
	ASSERT_EQ(TAKEN(0x31), set_lint0(c, LVT_EXTINT));
	EXPECT_EQ(0, c->v.run->ready_for_interrupt);
	/* The PIC has acknowledged the interrupt, so the APIC does not have it in service. */
	EXPECT_EQ(0, lapic_only(c, APIC_ISR));
	ASSERT_EQ(DONE, lapic_leave(c));
	EXPECT_EQ(1, c->v.run->ready_for_interrupt);

	/*
	 * LINT0 and interrupts are on: the guest takes the PIC's interrupt at once, whatever TPR
	 * is.
	 */
	lapic_write(c, APIC_TPR, 0xff);
	EXPECT_EQ(1, c->v.run->ready_for_interrupt);
	ASSERT_EQ(0, pic(self, 0x32));
	ASSERT_EQ(TAKEN(0x32), lapic_go(c));
	ASSERT_EQ(DONE, lapic_leave(c));

	/* An APIC that SVR disables masks its whole LVT. */
	lapic_write(c, APIC_SVR, 0xff);
	EXPECT_EQ(0, c->v.run->ready_for_interrupt);
	ASSERT_EQ(0, pic(self, 0x33));
	lapic_write(c, APIC_SVR, SVR_ENABLE | 0xff);
	ASSERT_EQ(TAKEN(0x33), set_lint0(c, LVT_EXTINT));
	ASSERT_EQ(DONE, lapic_leave(c));
	ASSERT_EQ(DONE, lapic_do(c, OP_cli, 0, 0));
	EXPECT_EQ(0, c->v.run->ready_for_interrupt);
}

TEST_F(pic, window)
{
	struct lapic_cpu *c = &self->c;

	ASSERT_EQ(DONE, lapic_do(c, OP_sti, 0, 0));
	c->v.run->irq_window = 1;
	EXPECT_EQ(DONE, lapic_do(c, OP_read, APIC_PAGE + APIC_ID, 0));
	ASSERT_EQ(EXIT(AXV_EXIT_IRQ_WINDOW), set_lint0(c, LVT_EXTINT));
	EXPECT_EQ(1, c->v.run->ready_for_interrupt);
	ASSERT_EQ(0, pic(self, 0x31));
	c->v.run->irq_window = 0;
	ASSERT_EQ(TAKEN(0x31), lapic_go(c));
	ASSERT_EQ(DONE, lapic_leave(c));

	/* LINT0 is not masked, but interrupts are off. */
	ASSERT_EQ(DONE, lapic_do(c, OP_cli, 0, 0));
	c->v.run->irq_window = 1;
	EXPECT_EQ(DONE, lapic_do(c, OP_read, APIC_PAGE + APIC_ID, 0));
	EXPECT_EQ(0, c->v.run->ready_for_interrupt);
	ASSERT_EQ(EXIT(AXV_EXIT_IRQ_WINDOW), lapic_do(c, OP_open, 0, 0));
	EXPECT_EQ(1, c->v.run->ready_for_interrupt);
	c->v.run->irq_window = 0;
	EXPECT_EQ(DONE, lapic_go(c));
}

/* NMIs are taken first, then the PIC's interrupt, then the APIC's. */
TEST_F(pic, before_interrupts_of_the_apic)
{
	struct lapic_cpu *c = &self->c;

	c->guest->flags = 0;
	ASSERT_EQ(DONE, set_lint0(c, LVT_EXTINT));
	lapic_send(c, 0, ICR_SELF | 0xf1);
	ASSERT_EQ(0, pic(self, 0x31));
	EXPECT_EQ(0x31f1ull, lapic_taken(c));
	EXPECT_EQ(0xf1, lapic_only(c, APIC_ISR));
}

TEST_F(pic, without_the_apic)
{
	struct lapic_cpu *c = &self->c;

	ASSERT_EQ(0, pic(self, 0x31));
	ASSERT_EQ(DONE, lapic_do(c, OP_sti, 0, 0));
	ASSERT_EQ(TAKEN(0x31), lapic_do(c, OP_wrmsr, MSR_APIC_BASE, APIC_PAGE | APIC_BASE_BSP));
	ASSERT_EQ(DONE, lapic_leave(c));
	EXPECT_EQ(1, c->v.run->ready_for_interrupt);
	ASSERT_EQ(0, pic(self, 0x32));
	ASSERT_EQ(TAKEN(0x32), lapic_go(c));
	ASSERT_EQ(DONE, lapic_leave(c));
	ASSERT_EQ(DONE, lapic_do(c, OP_wrmsr, MSR_APIC_BASE,
				 APIC_PAGE | APIC_BASE_BSP | APIC_BASE_ENABLE));
	EXPECT_EQ(0, c->v.run->ready_for_interrupt);
}

TEST_F(pic, moved)
{
	struct lapic_cpu *c = &self->c;

	ASSERT_EQ(0, pic(self, 0x31));
	ASSERT_EQ(DONE, lapic_do(c, OP_sti, 0, 0));
	vcpu_move(&c->v);
	ASSERT_EQ(TAKEN(0x31), set_lint0(c, LVT_EXTINT));
	ASSERT_EQ(DONE, lapic_leave(c));
}

/* The PIC's interrupt ends a halt if LINT0 is not masked. */
TEST_F(pic, wakes)
{
	struct lapic_cpu *c = &self->c;
	struct axv_runner r;

	ASSERT_EQ(DONE, set_lint0(c, LVT_EXTINT));
	c->guest->flags = 0;
	lapic_order(c, OP_doze, 0, 1);
	ASSERT_EQ(0, vcpu_unbind(&c->v));
	lapic_runner_start(&r, c);
	vcpu_await_state(&c->v, AXV_STATE_BLOCKED);
	ASSERT_EQ(0, pic(self, 0x31));
	runner_join(&r);
	EXPECT_EQ(1ul, r.exits[AXV_EXIT_HYPERCALL]);
	EXPECT_EQ(1ull, c->guest->taken);
	EXPECT_EQ(0x31, c->guest->log[0]);
}

/* ---- eventfds ---- */

/* Two vCPUs and an eventfd that is an irqfd for GSI. */
FIXTURE(irqfd)
{
	struct axv_vm vm;
	struct lapic_cpu c[2];
	int event;
};

static int set_route(struct axv_vm *vm, __u32 flags, __u64 address, __u32 data)
{
	struct axv_route route = {
		.gsi = GSI, .flags = flags, .address = address, .data = data,
	};

	return set_routes(vm, &route, 1, 0);
}

FIXTURE_SETUP(irqfd)
{
	NEED_LAPIC();
	lapic_vm_new(&self->vm);
	lapic_begin(&self->vm, &self->c[0], 0, 0);
	lapic_begin(&self->vm, &self->c[1], 1, 1);
	self->event = event_new(0);
	ASSERT_EQ(0, set_irqfd(&self->vm, self->event, GSI, 0));
}

FIXTURE_TEARDOWN(irqfd)
{
	close(self->event);
	lapic_free(&self->c[0]);
	lapic_free(&self->c[1]);
	vm_free(&self->vm);
}

TEST_F(irqfd, a_signal_is_an_msi)
{
	struct lapic_cpu *c = self->c;

	ASSERT_EQ(0, set_route(&self->vm, 0, MSI_ADDRESS(0ull), 0x51));
	signal_event(self->event);
	EXPECT_EQ(0x51ull, lapic_taken(&c[0]));
	ASSERT_EQ(0, set_route(&self->vm, 0, MSI_ADDRESS(1ull), 0x52));
	signal_event(self->event);
	EXPECT_EQ(0ull, lapic_taken(&c[0]));
	EXPECT_EQ(0x52ull, lapic_taken(&c[1]));
	ASSERT_EQ(0, set_route(&self->vm, 0, MSI_ADDRESS(0xffull), 0x53));
	signal_event(self->event);
	EXPECT_EQ(0x53ull, lapic_taken(&c[0]));
	EXPECT_EQ(0x53ull, lapic_taken(&c[1]));
	ASSERT_EQ(0, set_route(&self->vm, 0, MSI_ADDRESS(1ull), APIC_NMI));
	signal_event(self->event);
	EXPECT_EQ((__u64)VEC_NMI, lapic_taken(&c[1]));

	/* A masked route remembers one interrupt, and later sends it as the route is then. */
	ASSERT_EQ(0, set_route(&self->vm, AXV_ROUTE_MASKED, MSI_ADDRESS(0ull), 0x54));
	signal_event(self->event);
	signal_event(self->event);
	EXPECT_EQ(0ull, lapic_taken(&c[0]));
	ASSERT_EQ(0, set_route(&self->vm, 0, MSI_ADDRESS(0ull), 0x55));
	EXPECT_EQ(0x55ull, lapic_taken(&c[0]));

	/* The same route, raised by an ioctl. */
	{
		struct axv_inject wire = {
			.type = AXV_INJECT_WIRED, .vector = GSI, .data = 1,
		};

		EXPECT_EQ(0, axv_ioctl(self->vm.fd, AXV_INJECT, &wire));
		EXPECT_EQ(0x55ull, lapic_taken(&c[0]));
		wire.data = 0;
		EXPECT_EQ(0, axv_ioctl(self->vm.fd, AXV_INJECT, &wire));
		EXPECT_EQ(0ull, lapic_taken(&c[0]));
	}
	ASSERT_EQ(0, set_route(&self->vm, AXV_ROUTE_REMOVE, 0, 0));
	signal_event(self->event);
	EXPECT_EQ(0ull, lapic_taken(&c[0]));
}

TEST_F(irqfd, routes)
{
	struct axv_route route = { .gsi = GSI, .address = APIC_PAGE, .data = 0x51 };
	struct axv_route blank[24] = {};
	unsigned int i;

	route.vcpu = 1;
	EXPECT_EQ(-EINVAL, set_routes(&self->vm, &route, 1, 0));
	route.vcpu = 0;
	route.vector = 0x51;
	EXPECT_EQ(-EINVAL, set_routes(&self->vm, &route, 1, 0));
	route.vector = 0;
	route.priority = 1;
	EXPECT_EQ(-EINVAL, set_routes(&self->vm, &route, 1, 0));
	route.priority = 0;
	EXPECT_EQ(0, set_routes(&self->vm, &route, 1, 0));

	/* Routes that lead nowhere may be set: QEMU begins with some. */
	for (i = 0; i < ARRAY_SIZE(blank); i++)
		blank[i].gsi = i;
	EXPECT_EQ(0, set_routes(&self->vm, blank, ARRAY_SIZE(blank), 0));
	blank[0].gsi = GSI;
	EXPECT_EQ(0, set_routes(&self->vm, blank, 1, 0));
	signal_event(self->event);
	EXPECT_EQ(0ull, lapic_taken(&self->c[0]));
	EXPECT_EQ(0ull, lapic_taken(&self->c[1]));
}

/* A level-triggered interrupt by a route: each EOI is an exit. */
TEST_F(irqfd, level)
{
	struct lapic_cpu *c = &self->c[0];
	int i;

	c->guest->flags = GUEST_CALLS;
	ASSERT_EQ(0, set_route(&self->vm, 0, MSI_ADDRESS(0ull), MSI_LEVEL | 0x51));
	for (i = 0; i < 3; i++) {
		signal_event(self->event);
		ASSERT_EQ(TAKEN(0x51), lapic_do(c, OP_open, 0, 0));
		ASSERT_EQ(EXIT(AXV_EXIT_EOI), end_of_interrupt(c));
		EXPECT_EQ(0x51u, c->v.run->exit.eoi.vector);
		ASSERT_EQ(DONE, lapic_go(c));
		ASSERT_EQ(DONE, lapic_leave(c));
	}
}

/* With a resample eventfd, an EOI signals that instead of an exit; none is missed. */
TEST_F(irqfd, level_with_a_resample_eventfd)
{
	struct lapic_cpu *c = &self->c[0];
	int i, device = event_new(0), end = event_new(0);

	c->guest->flags = GUEST_CALLS;
	ASSERT_EQ(0, set_route(&self->vm, AXV_ROUTE_LEVEL, MSI_ADDRESS(0ull), 0x51));
	ASSERT_EQ(0, set_resampled(&self->vm, device, GSI, end));
	for (i = 0; i < 3; i++) {
		signal_event(device);
		signal_event(device);
		ASSERT_EQ(TAKEN(0x51), lapic_do(c, OP_open, 0, 0));
		/* The line rises again before the EOI: there is one message for both. */
		signal_event(device);
		EXPECT_EQ(0ull, count_of(end));
		ASSERT_EQ(DONE, end_of_interrupt(c));
		EXPECT_EQ(1ull, count_of(end));
		ASSERT_EQ(DONE, lapic_leave(c));
		EXPECT_EQ(DONE, lapic_do(c, OP_open, 0, 0));
	}
	EXPECT_EQ(0ull, eoi_exits(c));

	/* If the route is edge-triggered at the EOI, that exits, and the level is sent later. */
	signal_event(device);
	ASSERT_EQ(TAKEN(0x51), lapic_do(c, OP_open, 0, 0));
	ASSERT_EQ(0, set_route(&self->vm, 0, MSI_ADDRESS(0ull), 0x51));
	ASSERT_EQ(EXIT(AXV_EXIT_EOI), end_of_interrupt(c));
	EXPECT_EQ(0ull, count_of(end));
	ASSERT_EQ(DONE, lapic_go(c));
	ASSERT_EQ(DONE, lapic_leave(c));
	ASSERT_EQ(0, set_route(&self->vm, AXV_ROUTE_LEVEL, MSI_ADDRESS(0ull), 0x51));
	ASSERT_EQ(TAKEN(0x51), lapic_do(c, OP_open, 0, 0));
	ASSERT_EQ(DONE, end_of_interrupt(c));
	EXPECT_EQ(1ull, count_of(end));
	ASSERT_EQ(DONE, lapic_leave(c));

	/* The line rises before there is a route: the new route sends it. */
	ASSERT_EQ(0, set_route(&self->vm, AXV_ROUTE_REMOVE, 0, 0));
	signal_event(device);
	EXPECT_EQ(0ull, count_of(end));
	ASSERT_EQ(0, set_route(&self->vm, AXV_ROUTE_LEVEL, MSI_ADDRESS(0ull), 0x51));
	EXPECT_EQ(1ull, count_of(end));
	close(device);
	close(end);
}

/* A device with a resample eventfd and the VMM share a vector: an EOI is told to both. */
TEST_F(irqfd, level_beside_a_level_of_the_vmm)
{
	struct lapic_cpu *c = &self->c[0];
	int device = event_new(0), end = event_new(0);

	c->guest->flags = GUEST_CALLS;
	ASSERT_EQ(0, set_route(&self->vm, AXV_ROUTE_LEVEL, MSI_ADDRESS(0ull), 0x51));
	ASSERT_EQ(0, set_resampled(&self->vm, device, GSI, end));
	signal_event(device);
	ASSERT_EQ(0, lapic_msi(&self->vm, MSI_ADDRESS(0ull), MSI_LEVEL | 0x51));
	ASSERT_EQ(TAKEN(0x51), lapic_do(c, OP_open, 0, 0));
	ASSERT_EQ(EXIT(AXV_EXIT_EOI), end_of_interrupt(c));
	EXPECT_EQ(0x51u, c->v.run->exit.eoi.vector);
	EXPECT_EQ(1ull, count_of(end));
	ASSERT_EQ(DONE, lapic_go(c));
	ASSERT_EQ(DONE, lapic_leave(c));

	/* The next interrupt is the device's alone. */
	signal_event(device);
	ASSERT_EQ(TAKEN(0x51), lapic_do(c, OP_open, 0, 0));
	ASSERT_EQ(DONE, end_of_interrupt(c));
	EXPECT_EQ(1ull, count_of(end));
	ASSERT_EQ(DONE, lapic_leave(c));
	close(device);
	close(end);
}

/* A guest that halts in the kernel takes the interrupt and halts again, without an exit. */
TEST_F(irqfd, a_halted_guest)
{
	const unsigned long n = scaled(100);
	struct lapic_cpu *c = &self->c[0];
	struct axv_runner r;
	unsigned long i;

	ASSERT_EQ(0, set_route(&self->vm, 0, MSI_ADDRESS(0ull), 0x51));
	lapic_order(c, OP_doze, 0, n);
	ASSERT_EQ(0, vcpu_unbind(&c->v));
	lapic_runner_start(&r, c);
	for (i = 1; i <= n; i++) {
		vcpu_await_state(&c->v, AXV_STATE_BLOCKED);
		EXPECT_EQ(i - 1, c->guest->taken);
		signal_event(self->event);
		while (c->guest->taken < i)
			sched_yield();
	}
	runner_join(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(1ul, r.exits[AXV_EXIT_HYPERCALL]);
	EXPECT_EQ(r.runs, 1 + r.exits[AXV_EXIT_NOTHING]);
	EXPECT_EQ(n, c->guest->taken);
}

/* The irqfd is signalled without end: the guest goes on, and one interrupt is pending. */
TEST_F(irqfd, storm)
{
	struct lapic_cpu *c = &self->c[0];
	struct signaller s;

	ASSERT_EQ(0, set_route(&self->vm, 0, MSI_ADDRESS(0ull), 0x51));
	signaller_start(&s, self->event);
	c->guest->limit = scaled(500);
	ASSERT_EQ(DONE, lapic_do(c, OP_spin, 0, c->guest->limit));
	EXPECT_EQ(c->guest->limit, c->guest->taken);
	/* One more interrupt must become pending. */
	while (!lapic_only(c, APIC_IRR))
		sched_yield();
	signaller_stop(&s);
	EXPECT_EQ(0x51, lapic_only(c, APIC_IRR));
	c->guest->limit = 0;
	c->seen = c->guest->taken;
	lapic_write(c, APIC_EOI, 0);
	EXPECT_EQ(0x51ull, lapic_taken(c));
	EXPECT_EQ(0ull, lapic_taken(c));
}

/* vCPU, VM and irqfd end during a storm, in every order, also while the vCPU runs. */
TEST_F(irqfd, ends_in_a_storm)
{
	unsigned long i, rounds = scaled(60);
	struct signaller s;
	struct axv_runner r;
	struct lapic_cpu c;
	struct axv_vm vm;
	int event = event_new(0);

	signaller_start(&s, event);
	for (i = 0; i < rounds; i++) {
		lapic_vm_new(&vm);
		lapic_begin(&vm, &c, 0, 0);
		must(!set_route(&vm, 0, MSI_ADDRESS(0ull), 0x51));
		must(!set_irqfd(&vm, event, GSI, 0));
		lapic_order(&c, OP_spin, 0, ~0ull);
		must(!vcpu_unbind(&c.v));
		runner_start(&r, &c.v, until_kicked, NULL);
		while (c.guest->taken < 3)
			sched_yield();
		if (i % 3 == 0)
			must(!set_irqfd(&vm, event, GSI, AXV_IRQFD_REMOVE));
		if (i % 3 == 1) {
			/* Close the VM first; vm_free() closes the duplicate in its place. */
			must(!close(vm.fd));
			vm.fd = dup(event);
		}
		runner_stop(&r);
		must(!r.error);
		if (i % 2)
			must(!vcpu_reset(&c.v));
		lapic_free(&c);
		vm_free(&vm);
	}
	signaller_stop(&s);
	close(event);
}

/* A VMM that is killed during a storm. */
static int vmm(void *arg)
{
	atomic_int *running = arg;
	struct signaller s;
	struct axv_runner r;
	struct lapic_cpu c;
	struct axv_vm vm;

	lapic_vm_new(&vm);
	lapic_begin(&vm, &c, 0, 0);
	s.event = event_new(0);
	must(!set_route(&vm, 0, MSI_ADDRESS(0ull), 0x51));
	must(!set_irqfd(&vm, s.event, GSI, 0));
	lapic_order(&c, OP_spin, 0, ~0ull);
	must(!vcpu_unbind(&c.v));
	runner_start(&r, &c.v, for_ever, NULL);
	signaller_start(&s, s.event);
	while (c.guest->taken < 10)
		sched_yield();
	*running = 1;
	for (;;)
		pause();
}

TEST(vmm_killed_in_a_storm)
{
	atomic_int *running = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	unsigned long i;
	pid_t pid;

	NEED_LAPIC();
	ASSERT_NE(MAP_FAILED, (void *)running);
	for (i = 0; i < scaled(4); i++) {
		*running = 0;
		pid = child_start(vmm, running);
		while (!*running)
			sched_yield();
		EXPECT_TRUE(WIFSIGNALED(child_kill(pid)));
	}
	a_new_vm_runs(_metadata);
	munmap(running, PAGE);
}

TEST_HARNESS_MAIN
