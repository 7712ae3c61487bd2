// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of interrupts from vCPU to vCPU (AXV_VM_SGI_IN_KERNEL): guests send them by writes to
 * ICC_SGI1R_EL1, and take them.  "GIC" is the GICv3 architecture specification, IHI 0069.
 */
#include "axv_harness.h"
#include "arm64.h"

#define MAX_VCPUS	8

/* ICC_SGI1R_EL1 */
#define IRM		(1ull << 40)
#define SGI(n)		((__u64)(n) << 24)
#define RANGE(n)	((__u64)(n) << 44)
#define AFF(aff3, aff2, aff1) \
	((__u64)(aff3) << 48 | (__u64)(aff2) << 32 | (__u64)(aff1) << 16)

/* INTIDs: when a vCPU has taken MARKER, it has taken URGENT before, if that was sent to it. */
#define URGENT		3
#define MARKER		9

#define CALL_SENT	1

/* Addresses of the other guests' code */
#define SPINS_ADDR	(GUEST_CODE_ADDR + 0x1000)
#define PINGS_ADDR	(GUEST_CODE_ADDR + 0x2000)

/*
 * Where the handler of a vCPU counts the interrupts that it takes, by INTID, with room for the
 * spurious INTID
 */
#define COUNTS(id)	(GUEST_DATA + (id) * 0x2000ul)

/*
 * Writes X20 to ICC_SGI1R_EL1 X21 times.  Then calls, and halts for ever.  X26: where its
 * handler counts.
 */
GUEST_CODE(guest_main,
	"mov	x9, #0xff\n"
	"msr	icc_pmr_el1, x9\n"
	"msr	icc_ctlr_el1, xzr\n"
	"mov	x9, #1\n"
	"msr	icc_igrpen1_el1, x9\n"
	"isb\n"
	"msr	daifclr, #2\n"
	"cbz	x21, 2f\n"
	"1:	msr	icc_sgi1r_el1, x20\n"
	"isb\n"
	"subs	x21, x21, #1\n"
	"b.ne	1b\n"
	"mov	x0, #1\n"
	"hvc	#0\n"
	"2:	wfi\n"
	"b	2b\n");

/* Computes for ever, instead of sending and halting. */
GUEST_CODE(guest_spins,
	"mov	x9, #0xff\n"
	"msr	icc_pmr_el1, x9\n"
	"msr	icc_ctlr_el1, xzr\n"
	"mov	x9, #1\n"
	"msr	icc_igrpen1_el1, x9\n"
	"isb\n"
	"msr	daifclr, #2\n"
	"1:	add	x25, x25, #1\n"
	"b	1b\n");

/*
 * Makes X21 rounds: waits until SGI X22 has been taken once more, and sends X20.  If X23 is not
 * zero, the first round does not wait.  Calls in the end.
 */
GUEST_CODE(guest_pings,
	"mov	x9, #0xff\n"
	"msr	icc_pmr_el1, x9\n"
	"msr	icc_ctlr_el1, xzr\n"
	"mov	x9, #1\n"
	"msr	icc_igrpen1_el1, x9\n"
	"isb\n"
	"mov	x11, #0\n"
	"cbnz	x23, 3f\n"
	"1:	msr	daifset, #2\n"
	"ldr	x10, [x26, x22, lsl #3]\n"
	"cmp	x10, x11\n"
	"b.ne	2f\n"
	"wfi\n"
	"msr	daifclr, #2\n"
	"isb\n"
	"b	1b\n"
	"2:	mov	x11, x10\n"
	"msr	daifclr, #2\n"
	"3:	msr	icc_sgi1r_el1, x20\n"
	"isb\n"
	"subs	x21, x21, #1\n"
	"b.ne	1b\n"
	"4:	mov	x0, #1\n"
	"hvc	#0\n"
	"msr	daifclr, #2\n"
	"5:	wfi\n"
	"b	5b\n");

GUEST_CODE(handler_counts,
	"mrs	x16, icc_iar1_el1\n"
	"ldr	x17, [x26, x16, lsl #3]\n"
	"add	x17, x17, #1\n"
	"str	x17, [x26, x16, lsl #3]\n"
	"msr	icc_eoir1_el1, x16\n"
	"isb\n"
	"eret\n");

FIXTURE(sgi)
{
	struct axv_vm vm;
	struct axv_vcpu v[MAX_VCPUS];
	struct axv_runner r[MAX_VCPUS];
	unsigned int nr;
};

typedef FIXTURE_DATA(sgi) sgi_fixture;

static volatile __u64 *counts(struct axv_vcpu *v)
{
	return (void *)(v->vm->ram + COUNTS(vcpu_info(v).vcpu_id));
}

static int set_sgis(struct axv_vcpu *v, __u32 enabled)
{
	struct axv_sgis sgis = { .enabled = enabled };
	unsigned int i;

	for (i = 0; i < 16; i++)
		sgis.priority[i] = i == MARKER ? 0xc0 : 0x40;
	return axv_ioctl(v->fd, AXV_VCPU_SET_SGIS, &sgis);
}

/* Make the next run begin the guest at @pc, which sends @value so often. */
static void start_at(struct axv_vcpu *v, __u64 pc, __u64 value, __u64 times)
{
	arm64_start(v, pc);
	v->run->regs.gprs.pstate |= PSTATE_I;
	*arm64_x(v, 20) = value;
	*arm64_x(v, 21) = times;
	*arm64_x(v, 26) = COUNTS(vcpu_info(v).vcpu_id);
}

static void start(struct axv_vcpu *v, __u64 value, __u64 times)
{
	start_at(v, GUEST_CODE_ADDR, value, times);
}

/* Add a vCPU, with all of its SGIs enabled. */
static struct axv_vcpu *add(sgi_fixture *self, __u64 hw_id)
{
	struct axv_vcpu *v = &self->v[self->nr];

	must(self->nr < MAX_VCPUS);
	vcpu_new_as(&self->vm, v, self->nr++, hw_id);
	must(!guest_setup(v));
	must(!vcpu_bind(v));
	must(!set_sgis(v, 0xffff));
	start(v, 0, 0);
	return v;
}

/* Run a vCPU in a thread, until stop() */
static void run(sgi_fixture *self, struct axv_vcpu *v)
{
	must(!vcpu_unbind(v));
	runner_start(&self->r[v - self->v], v, for_ever, NULL);
}

static void stop(sgi_fixture *self, struct axv_vcpu *v)
{
	runner_stop(&self->r[v - self->v]);
}

/* Let a vCPU without a thread send; it has sent all when this returns. */
static void sends(struct axv_vcpu *v, __u64 value, __u64 times)
{
	start(v, value, times);
	must(vcpu_run(v) == AXV_EXIT_HYPERCALL);
	must(v->run->exit.hypercall.nr == CALL_SENT);
}

static void await_count(struct axv_vcpu *v, unsigned int intid, __u64 count)
{
	volatile __u64 *c = counts(v);

	while (c[intid] < count)
		sched_yield();
}

static __u64 reg_of(struct axv_vcpu *v, unsigned int index)
{
	__u64 value;

	must(!reg_get(v, AXV_REG_ARM64(GIC, index), &value));
	return value;
}

FIXTURE_SETUP(sgi)
{
	self->nr = 0;
	vm_new_irqchip(&self->vm, AXV_VM_HALT_IN_KERNEL | AXV_VM_SGI_IN_KERNEL,
		       AXV_IRQCHIP_GICV3);
	arm64_load(&self->vm, guest_main);
	arm64_load_at(&self->vm, SPINS_ADDR, guest_spins, guest_spins_end);
	arm64_load_at(&self->vm, PINGS_ADDR, guest_pings, guest_pings_end);
	arm64_load_handler(&self->vm, handler_counts);
}

FIXTURE_TEARDOWN(sgi)
{
	unsigned int i;

	for (i = 0; i < self->nr; i++)
		vcpu_free(&self->v[i]);
	vm_free(&self->vm);
}

/*
 * Every form of targets.  Each SGI is followed by a marker to all other vCPUs: one that has
 * taken the marker, but not the more urgent SGI, was no target.
 */
TEST_F(sgi, every_form_of_targets)
{
	static const __u64 hw_ids[] = {
		0, 1, 0xf, 0x13, 0x100, 0x0400030201, 0x0400030200,
	};
	static const struct {
		__u64 value;
		unsigned int vcpus;
	} forms[] = {
		{ 1 << 1, 1 << 1 },
		{ 0xfffe, 1 << 1 | 1 << 2 },
		{ 0x7ffc, 0 },
		{ RANGE(1) | 0xffff, 1 << 3 },
		{ RANGE(2) | 0xffff, 0 },
		{ AFF(0, 0, 1) | 1, 1 << 4 },
		{ AFF(0, 1, 0) | 1, 0 },
		{ AFF(4, 3, 2) | 2, 1 << 5 },
		{ AFF(4, 3, 2) | 3, 1 << 5 | 1 << 6 },
		{ AFF(4, 3, 0) | 3, 0 },
		{ AFF(0, 3, 2) | 3, 0 },
		{ IRM, 0x7e },
		/* With IRM set, the target list is ignored. */
		{ IRM | AFF(4, 3, 2) | RANGE(3) | 1, 0x7e },
	};
	__u64 expected[MAX_VCPUS] = { 0 };
	unsigned int i, n;

	for (i = 0; i < sizeof(hw_ids) / sizeof(hw_ids[0]); i++)
		add(self, hw_ids[i]);
	for (i = 1; i < self->nr; i++)
		run(self, &self->v[i]);
	for (n = 0; n < sizeof(forms) / sizeof(forms[0]); n++) {
		sends(&self->v[0], SGI(URGENT) | forms[n].value, 1);
		sends(&self->v[0], SGI(MARKER) | IRM, 1);
		for (i = 1; i < self->nr; i++) {
			expected[i] += forms[n].vcpus >> i & 1;
			await_count(&self->v[i], MARKER, n + 1);
			EXPECT_EQ(expected[i], counts(&self->v[i])[URGENT]) {
				TH_LOG("form %u, vCPU %u", n, i);
			}
		}
	}
	for (i = 1; i < self->nr; i++)
		stop(self, &self->v[i]);
	/* The only exits are the sender's calls. */
	EXPECT_EQ(2ull * n, vcpu_stats(&self->v[0]).exits[AXV_EXIT_HYPERCALL]);
	EXPECT_EQ(0ull, vcpu_stats(&self->v[0]).exits[AXV_EXIT_SEND_IPI]);
	/* IRM means all but the sender, which has taken none. */
	EXPECT_EQ(0ull, counts(&self->v[0])[URGENT]);
	EXPECT_EQ(0ull, counts(&self->v[0])[MARKER]);
}

TEST_F(sgi, to_itself)
{
	struct axv_vcpu *v = add(self, 0x0400030201);
	unsigned int i;

	for (i = 0; i < 16; i++) {
		sends(v, AFF(4, 3, 2) | SGI(i) | 2, 1);
		EXPECT_EQ(1ull, counts(v)[i]);
	}
}

static void disable_and_enable(struct __test_metadata *_metadata, sgi_fixture *self,
			       __u64 pc, int state)
{
	struct axv_vcpu *sender = add(self, 0), *v = add(self, 1);

	start_at(v, pc, 0, 0);
	ASSERT_EQ(0, set_sgis(v, 1 << MARKER));
	run(self, v);
	vcpu_await_state(v, state);
	sends(sender, SGI(URGENT) | 2, 100);
	sends(sender, SGI(MARKER) | 2, 1);
	await_count(v, MARKER, 1);
	EXPECT_EQ(0ull, counts(v)[URGENT]);
	/* A hundred SGIs while one is pending are one. */
	ASSERT_EQ(0, set_sgis(v, 0xffff));
	await_count(v, URGENT, 1);
	sends(sender, SGI(MARKER) | 2, 1);
	await_count(v, MARKER, 2);
	EXPECT_EQ(1ull, counts(v)[URGENT]);
	stop(self, v);
	EXPECT_EQ(0ull, reg_of(v, AXV_ARM64_GIC_SGI_PENDING));
}

TEST_F(sgi, disabled_and_enabled_while_it_halts)
{
	disable_and_enable(_metadata, self, GUEST_CODE_ADDR, AXV_STATE_BLOCKED);
}

TEST_F(sgi, disabled_and_enabled_while_it_computes)
{
	disable_and_enable(_metadata, self, SPINS_ADDR, AXV_STATE_RUNNING);
}

/* Two vCPUs interrupt each other, and each waits for the other one: no wake-up is lost. */
TEST_F(sgi, ping_and_pong)
{
	const __u64 rounds = scaled(1000);
	struct axv_vcpu *a = add(self, 0), *b = add(self, 0x0400030201);

	start_at(a, PINGS_ADDR, SGI(4) | AFF(4, 3, 2) | 2, rounds);
	*arm64_x(a, 22) = 5;
	*arm64_x(a, 23) = 1;
	start_at(b, PINGS_ADDR, SGI(5) | 1, rounds);
	*arm64_x(b, 22) = 4;
	run(self, a);
	run(self, b);
	runner_await(&self->r[0], AXV_EXIT_HYPERCALL, 1);
	runner_await(&self->r[1], AXV_EXIT_HYPERCALL, 1);
	/* The last interrupt that b has sent. */
	await_count(a, 5, rounds);
	stop(self, a);
	stop(self, b);
	EXPECT_EQ(rounds, counts(b)[4]);
	EXPECT_EQ(rounds, counts(a)[5]);
	EXPECT_EQ(1ull, vcpu_stats(a).exits[AXV_EXIT_HYPERCALL]);
	EXPECT_EQ(0ull, vcpu_stats(a).exits[AXV_EXIT_SEND_IPI]);
}

/* Several vCPUs send to all, while the enabled SGIs change all the time. */
TEST_F(sgi, changes_beside_storms)
{
	const unsigned int n = 4;
	unsigned int i, ended;
	__u32 round = 0;

	for (i = 0; i <= n; i++)
		add(self, i);
	for (i = 1; i <= n; i++) {
		start(&self->v[i], SGI(i) | (i & 1 ? IRM : 0xffff), scaled(2000));
		run(self, &self->v[i]);
	}
	do {
		round++;
		for (i = 1, ended = 0; i <= n; i++) {
			ASSERT_EQ(0, set_sgis(&self->v[i], (round + i) & 0xffff));
			ended += self->r[i].exits[AXV_EXIT_HYPERCALL];
		}
	} while (ended < n);
	/* Afterwards each SGI is pending at most once, and a further one is taken once. */
	for (i = 1; i <= n; i++)
		ASSERT_EQ(0, set_sgis(&self->v[i], 0xffff));
	sends(&self->v[0], SGI(MARKER) | IRM, 1);
	for (i = 1; i <= n; i++) {
		await_count(&self->v[i], MARKER, 1);
		vcpu_await_state(&self->v[i], AXV_STATE_BLOCKED);
	}
	for (i = 1; i <= n; i++) {
		stop(self, &self->v[i]);
		EXPECT_EQ(1ull, counts(&self->v[i])[MARKER]);
		EXPECT_LE(1ull, counts(&self->v[i])[i % n + 1]);
		EXPECT_EQ(0ull, reg_of(&self->v[i], AXV_ARM64_GIC_SGI_PENDING));
		EXPECT_EQ(0ull, vcpu_stats(&self->v[i]).exits[AXV_EXIT_SEND_IPI]);
	}
}

/* Targets are created and closed while they are sent SGIs. */
TEST_F(sgi, sent_to_one_that_is_closed)
{
	struct axv_vcpu *sender = add(self, 0), other;
	unsigned long i, rounds = scaled(200);

	start(sender, SGI(URGENT) | 2, ~0ull);
	run(self, sender);
	for (i = 0; i < rounds; i++) {
		vcpu_new_as(&self->vm, &other, 1, 1);
		must(!guest_setup(&other));
		must(!set_sgis(&other, 0xffff));
		if (i & 1)
			must(!vcpu_reset(&other));
		vcpu_free(&other);
	}
	stop(self, sender);
}

static int edge(struct axv_vcpu *v, __u32 intid, __u32 flags)
{
	struct axv_inject event = {
		.type = AXV_INJECT_EXTINT, .vector = intid, .priority = 0x80, .flags = flags,
	};

	return axv_ioctl(v->fd, AXV_INJECT, &event);
}

/* The queue of the target is full: the SGI is taken when there is room. */
TEST_F(sgi, a_full_queue)
{
	__u64 depth = axv_query(self->vm.dev, AXV_QUERY_INJECT_DEPTH), i;
	struct axv_vcpu *sender = add(self, 0), *v = add(self, 1);

	for (i = 0; i < depth; i++)
		ASSERT_EQ(0, edge(v, 32 + i, 0));
	sends(sender, SGI(URGENT) | 2, 3);
	EXPECT_EQ(1ull << URGENT, reg_of(v, AXV_ARM64_GIC_SGI_PENDING));
	run(self, v);
	await_count(v, URGENT, 1);
	await_count(v, 32 + depth - 1, 1);
	vcpu_await_state(v, AXV_STATE_BLOCKED);
	stop(self, v);
	for (i = 0; i < depth; i++)
		EXPECT_EQ(1ull, counts(v)[32 + i]);
	EXPECT_EQ(1ull, counts(v)[URGENT]);
	EXPECT_EQ(0ull, reg_of(v, AXV_ARM64_GIC_SGI_PENDING));
}

/* The VMM injects an SGI, which is taken like one that a vCPU has sent, and retracts an SGI. */
TEST_F(sgi, injected_by_the_vmm)
{
	struct axv_vcpu *v = add(self, 1);

	EXPECT_EQ(-ENOENT, edge(v, URGENT, AXV_INJECT_RETRACT));
	EXPECT_EQ(0, edge(v, URGENT, 0));
	EXPECT_EQ(1ull << URGENT, reg_of(v, AXV_ARM64_GIC_SGI_PENDING));
	EXPECT_EQ(0, edge(v, URGENT, AXV_INJECT_RETRACT));
	EXPECT_EQ(-ENOENT, edge(v, URGENT, AXV_INJECT_RETRACT));
	EXPECT_EQ(0, set_sgis(v, 0));
	EXPECT_EQ(0, edge(v, URGENT, 0));
	EXPECT_EQ(0, edge(v, URGENT, 0));
	run(self, v);
	vcpu_await_state(v, AXV_STATE_BLOCKED);
	EXPECT_EQ(0ull, counts(v)[URGENT]);
	ASSERT_EQ(0, set_sgis(v, 1 << URGENT));
	await_count(v, URGENT, 1);
	ASSERT_EQ(0, edge(v, URGENT, 0));
	await_count(v, URGENT, 2);
	stop(self, v);
	EXPECT_EQ(2ull, counts(v)[URGENT]);
}

/* The more urgent SGI is taken first, by the priorities that were set last. */
TEST_F(sgi, priorities)
{
	struct axv_sgis sgis = { .enabled = 0xffff };
	struct axv_vcpu *v = add(self, 1);

	ASSERT_EQ(0, edge(v, 1, 0));
	ASSERT_EQ(0, edge(v, 2, 0));
	sgis.priority[1] = 0x40;
	sgis.priority[2] = 0xff;
	ASSERT_EQ(0, axv_ioctl(v->fd, AXV_VCPU_SET_SGIS, &sgis));
	/* The guest's priority mask only lets more urgent interrupts through. */
	run(self, v);
	await_count(v, 1, 1);
	vcpu_await_state(v, AXV_STATE_BLOCKED);
	EXPECT_EQ(0ull, counts(v)[2]);
	sgis.priority[2] = 0x40;
	ASSERT_EQ(0, axv_ioctl(v->fd, AXV_VCPU_SET_SGIS, &sgis));
	await_count(v, 2, 1);
	stop(self, v);
}

static const unsigned int state[] = {
	AXV_ARM64_GIC_SGI_ENABLED, AXV_ARM64_GIC_SGI_PENDING,
	AXV_ARM64_GIC_SGI_PRIORITY0, AXV_ARM64_GIC_SGI_PRIORITY1,
};

#define NR_STATE	(sizeof(state) / sizeof(state[0]))

/* The whole state of SGIs is in registers, which are in the list. */
TEST_F(sgi, saved_and_restored)
{
	static __u64 ids[512];
	struct axv_table t = {
		.kind = AXV_TABLE_REGS,
		.count = 512,
		.entry_size = sizeof(ids[0]),
		.entries = (unsigned long)ids,
	};
	struct axv_vcpu *old = add(self, 0), *v = add(self, 1);
	unsigned int i, j;

	ASSERT_EQ(0, set_sgis(old, 1 << URGENT));
	ASSERT_EQ(0, edge(old, URGENT, 0));
	ASSERT_EQ(0, edge(old, 5, 0));
	ASSERT_EQ(0, axv_ioctl(old->fd, AXV_GET_TABLE, &t));
	for (i = 0; i < NR_STATE; i++) {
		for (j = 0; j < t.count; j++)
			if (ids[j] == AXV_REG_ARM64(GIC, state[i]))
				break;
		EXPECT_LT(j, t.count);
		EXPECT_EQ(0, reg_set(v, AXV_REG_ARM64(GIC, state[i]), reg_of(old, state[i])));
		EXPECT_EQ(reg_of(old, state[i]), reg_of(v, state[i]));
	}
	run(self, v);
	await_count(v, URGENT, 1);
	vcpu_await_state(v, AXV_STATE_BLOCKED);
	EXPECT_EQ(0ull, counts(v)[5]);
	ASSERT_EQ(0, set_sgis(v, 1 << 5));
	await_count(v, 5, 1);
	stop(self, v);
}

TEST_F(sgi, reset_clears_sgis)
{
	struct axv_vcpu *v = add(self, 0);
	unsigned int i;

	ASSERT_EQ(0, edge(v, 5, 0));
	ASSERT_EQ(0, vcpu_unbind(v));
	ASSERT_EQ(0, vcpu_reset(v));
	/* The SGIs may be set before the vCPU is set up. */
	for (i = 0; i < NR_STATE; i++)
		EXPECT_EQ(0ull, reg_of(v, state[i]));
	ASSERT_EQ(0, set_sgis(v, 2));
	EXPECT_EQ(2ull, reg_of(v, AXV_ARM64_GIC_SGI_ENABLED));
}

TEST_F(sgi, hostile_arguments)
{
	struct axv_create_vm create = { .irqchip = AXV_IRQCHIP_GICV3 };
	struct axv_sgis sgis = { .enabled = 0x10000 };
	struct axv_vcpu *v = add(self, 0), other;
	struct axv_vm vm;

	EXPECT_EQ(-EINVAL, axv_ioctl(v->fd, AXV_VCPU_SET_SGIS, &sgis));
	sgis.enabled = 1u << 31;
	EXPECT_EQ(-EINVAL, axv_ioctl(v->fd, AXV_VCPU_SET_SGIS, &sgis));
	sgis.enabled = 0;
	sgis.pad = 1;
	EXPECT_EQ(-EINVAL, axv_ioctl(v->fd, AXV_VCPU_SET_SGIS, &sgis));
	EXPECT_EQ(-EFAULT, axv_ioctl(v->fd, AXV_VCPU_SET_SGIS, NULL));
	EXPECT_EQ(0xffffull, reg_of(v, AXV_ARM64_GIC_SGI_ENABLED));
	EXPECT_EQ(-EINVAL, reg_set(v, AXV_REG_ARM64(GIC, AXV_ARM64_GIC_SGI_PENDING), 0x10000));
	EXPECT_EQ(-EINVAL, reg_set(v, AXV_REG_ARM64(GIC, AXV_ARM64_GIC_SGI_ENABLED), 0x10000));

	/* AXV_VM_SGI_IN_KERNEL needs halts in the kernel, and an irqchip that has SGIs. */
	create.flags = AXV_VM_SGI_IN_KERNEL;
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.dev, AXV_CREATE_VM, &create));
	create.flags |= AXV_VM_HALT_IN_KERNEL;
	create.irqchip = AXV_IRQCHIP_NONE;
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.dev, AXV_CREATE_VM, &create));

	/* In a VM whose SGIs go to the VMM, the call fails. */
	vm_new_irqchip(&vm, AXV_VM_HALT_IN_KERNEL, AXV_IRQCHIP_GICV3);
	vcpu_ready(&vm, &other, 0);
	sgis.pad = 0;
	EXPECT_EQ(-EOPNOTSUPP, axv_ioctl(other.fd, AXV_VCPU_SET_SGIS, &sgis));
	EXPECT_EQ(-ENOENT, reg_set(&other, AXV_REG_ARM64(GIC, AXV_ARM64_GIC_SGI_ENABLED), 0));
	vcpu_free(&other);
	vm_free(&vm);
}

TEST_HARNESS_MAIN
