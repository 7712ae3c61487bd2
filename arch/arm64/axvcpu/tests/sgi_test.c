// SPDX-License-Identifier: GPL-2.0
/*
 * SGIs from vCPU to vCPU: which targets a write to ICC_SGI1R_EL1 has, and the registers
 * that show SGIs.  gic_test.c tests the queue.
 */
#include <linux/swait.h>
#include <linux/xarray.h>

#include <axvcpu/request.h>

#include "subject.h"

#define ICC_SGI1R	AXV_ARM64_SYSREG_ISS(3, 0, 12, 11, 5)
#define ISS_READ	1

#define IRM		BIT_ULL(40)
#define SGI(n)		((u64)(n) << 24)
#define RANGE(n)	((u64)(n) << 44)

/*
 * The first CPU sends.  CLUSTER below has its Aff3, Aff2 and Aff1; other CPUs differ in
 * these.
 */
static const u64 hw_ids[] = {
	0x5600341200, 0x5600341201, 0x560034120f, 0x5600341253, 0x5600341300, 0x0000341201,
};

#define CLUSTER		(0x56ull << 48 | 0x34ull << 32 | 0x12ull << 16)
#define VCPUS		ARRAY_SIZE(hw_ids)

/**
 * struct group - vCPUs of one VM
 * @vm:		the VM
 * @v:		by their place in @hw_ids; the first one sends
 */
struct group {
	struct axv_vm *vm;
	struct axv_arm64_vcpu *v[VCPUS];
};

static int sgi_init(struct kunit *test)
{
	struct group *g = kunit_kzalloc(test, sizeof(*g), GFP_KERNEL);
	unsigned int i;

	KUNIT_ASSERT_NOT_NULL(test, g);
	/* KUnit runs the suites of a module before its init function. */
	if (!axv_gic_host.pri_mask)
		axv_gic_host.pri_mask = 0xf8;
	for (i = 0; i < VCPUS; i++) {
		struct subject *s = subject_new(test);

		g->v[i] = &s->v;
		if (!i) {
			g->vm = &s->vm.base;
			g->vm->flags = AXV_VM_SGI_IN_KERNEL | AXV_VM_HALT_IN_KERNEL;
			xa_init(&g->vm->vcpus);
			xa_init(&g->vm->by_hw_id);
		}
		s->v.base.vm = g->vm;
		s->v.base.hw_id = hw_ids[i];
		s->v.has_gic = true;
		init_swait_queue_head(&s->v.base.wait);
		KUNIT_ASSERT_EQ(test, 0, xa_err(xa_store(&g->vm->vcpus, i, &s->v.base,
							 GFP_KERNEL)));
		KUNIT_ASSERT_EQ(test, 0, xa_err(xa_store(&g->vm->by_hw_id, hw_ids[i],
							 &s->v.base, GFP_KERNEL)));
	}
	test->priv = g;
	return 0;
}

static void sgi_exit(struct kunit *test)
{
	struct group *g = test->priv;

	if (!g)
		return;
	xa_destroy(&g->vm->vcpus);
	xa_destroy(&g->vm->by_hw_id);
}

static enum axv_next trap(struct group *g, u64 iss)
{
	g->v[0]->last.esr = ESR(SYS64, iss | 2 << 5);
	return axv_arm64_sysreg(g->v[0]);
}

static enum axv_next write(struct group *g, u64 value)
{
	g->v[0]->regs.x[2] = value;
	return trap(g, ICC_SGI1R);
}

/* These vCPUs, and no others, have SGI @n pending.  Clears it afterwards. */
static void expect_pending(struct kunit *test, unsigned int n, unsigned int vcpus)
{
	struct group *g = test->priv;
	unsigned int i;

	for (i = 0; i < VCPUS; i++) {
		bool sent = vcpus & BIT(i);

		KUNIT_EXPECT_EQ_MSG(test, g->v[i]->gic.sgis.pending, sent ? BIT(n) : 0,
				    "vCPU %u", i);
		KUNIT_EXPECT_EQ(test, axv_test_request(&g->v[i]->base, AXV_REQ_EVENT), sent);
		g->v[i]->gic.sgis.pending = 0;
		g->v[i]->base.requests = 0;
	}
}

static void lists(struct kunit *test)
{
	static const struct {
		u64 value;
		unsigned int vcpus;
	} cases[] = {
		{ CLUSTER | SGI(3) | 1 << 1, BIT(1) },
		/* To itself as well, and to CPUs that are not there */
		{ CLUSTER | SGI(3) | 0xffff, BIT(0) | BIT(1) | BIT(2) },
		{ CLUSTER | SGI(3), 0 },
		{ CLUSTER | SGI(3) | 0x7ffc, 0 },
		{ CLUSTER | SGI(3) | RANGE(5) | 0xffff, BIT(3) },
		{ CLUSTER | SGI(3) | RANGE(15) | 0xffff, 0 },
		{ CLUSTER | 1ull << 16 | SGI(3) | 0xffff, BIT(4) },
		{ 0x34ull << 32 | 0x12ull << 16 | SGI(3) | 0xffff, BIT(5) },
		/* Bits without a meaning */
		{ CLUSTER | SGI(3) | 2 | 0xffull << 56 | 0xfull << 28 | 7ull << 41, BIT(1) },
	};
	struct group *g = test->priv;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		KUNIT_EXPECT_EQ(test, AXV_RESUME, write(g, cases[i].value));
		expect_pending(test, 3, cases[i].vcpus);
	}
	KUNIT_EXPECT_EQ(test, AXV_EXIT_NONE, g->v[0]->base.run->exit_reason);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 4 * i, g->v[0]->regs.pc);
}

/* With IRM set the outer loop sends, and the fields of a list mean nothing. */
static void to_all_others(struct kunit *test)
{
	struct group *g = test->priv;

	KUNIT_EXPECT_EQ(test, AXV_SLOW, write(g, IRM | SGI(15) | CLUSTER | RANGE(7) | 1));
	expect_pending(test, 15, 0);
	KUNIT_EXPECT_EQ(test, SUBJECT_PC, g->v[0]->regs.pc);
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_arm64_handle_slow(g->v[0]));
	expect_pending(test, 15, GENMASK(VCPUS - 1, 1));
	KUNIT_EXPECT_EQ(test, SUBJECT_PC + 4, g->v[0]->regs.pc);
}

/* ICC_SGI1R_EL1 can only be written: a read is undefined. */
static void reads(struct kunit *test)
{
	struct group *g = test->priv;

	KUNIT_EXPECT_EQ(test, AXV_SLOW, trap(g, ICC_SGI1R | ISS_READ));
	KUNIT_EXPECT_EQ(test, AXV_RESUME, axv_arm64_handle_slow(g->v[0]));
	EXPECT_UNDEFINED(test, container_of(g->v[0], struct subject, v));
	expect_pending(test, 0, 0);
}

/* An SGI that is sent many times is one bit, and the target gets no new request. */
static void a_storm(struct kunit *test)
{
	struct group *g = test->priv;
	int i;

	KUNIT_EXPECT_EQ(test, AXV_RESUME, write(g, CLUSTER | 2));
	g->v[1]->base.requests = 0;
	for (i = 0; i < 100; i++)
		KUNIT_EXPECT_EQ(test, AXV_RESUME, write(g, CLUSTER | 2));
	KUNIT_EXPECT_EQ(test, g->v[1]->gic.sgis.pending, 1ul);
	KUNIT_EXPECT_EQ(test, g->v[1]->base.requests, 0ul);
}

static void asked_by_the_vmm(struct kunit *test)
{
	struct axv_inject event = { .type = AXV_INJECT_EXTINT, .vector = 5, .priority = 0x10 };
	struct group *g = test->priv;
	struct axv_arm64_vcpu *v = g->v[1];

	raw_spin_lock_irq(&v->base.lock);
	KUNIT_EXPECT_EQ(test, 0, axv_arm64_gic_inject(v, &event));
	KUNIT_EXPECT_EQ(test, v->gic.used, 0ull);
	event.flags = AXV_INJECT_RETRACT;
	KUNIT_EXPECT_EQ(test, v->gic.sgis.pending, BIT(5));
	KUNIT_EXPECT_EQ(test, 0, axv_arm64_gic_inject(v, &event));
	KUNIT_EXPECT_EQ(test, v->gic.sgis.pending, 0ul);
	KUNIT_EXPECT_EQ(test, -ENOENT, axv_arm64_gic_inject(v, &event));
	/* In the queue, and sent again */
	axv_gic_edge(&v->gic, 5, 0x10);
	axv_arm64_send_sgi(v, 5);
	KUNIT_EXPECT_EQ(test, 0, axv_arm64_gic_inject(v, &event));
	KUNIT_EXPECT_EQ(test, v->gic.used, 0ull);
	KUNIT_EXPECT_EQ(test, -ENOENT, axv_arm64_gic_inject(v, &event));
	/* An interrupt that is no SGI goes into the queue at once. */
	event = (struct axv_inject){ .type = AXV_INJECT_EXTINT, .vector = 16 };
	KUNIT_EXPECT_EQ(test, 0, axv_arm64_gic_inject(v, &event));
	KUNIT_EXPECT_EQ(test, hweight64(v->gic.used), 1ul);
	raw_spin_unlock_irq(&v->base.lock);
}

static int get(struct axv_arm64_vcpu *v, u64 index, u64 *value)
{
	return axv_arm64_get_gic(v, index, value);
}

static void configured(struct kunit *test)
{
	struct axv_sgis sgis = { .enabled = 0x8001 };
	struct group *g = test->priv;
	struct axv_arm64_vcpu *v = g->v[1];
	u64 value, mask = axv_gic_host.pri_mask;
	unsigned int i;

	for (i = 0; i < AXV_GIC_SGIS; i++)
		sgis.priority[i] = i << 4 | 0xf;
	KUNIT_EXPECT_EQ(test, 0, axv_arm64_set_sgis(&v->base, &sgis));
	KUNIT_EXPECT_TRUE(test, axv_test_request(&v->base, AXV_REQ_EVENT));
	KUNIT_EXPECT_TRUE(test, v->gic.sgis.changed);
	KUNIT_EXPECT_EQ(test, 0, get(v, AXV_ARM64_GIC_SGI_ENABLED, &value));
	KUNIT_EXPECT_EQ(test, value, 0x8001ull);
	KUNIT_EXPECT_EQ(test, 0, get(v, AXV_ARM64_GIC_SGI_PRIORITY0, &value));
	KUNIT_EXPECT_EQ(test, value, 0x7f6f5f4f3f2f1f0full & mask * 0x0101010101010101ull);
	KUNIT_EXPECT_EQ(test, 0, get(v, AXV_ARM64_GIC_SGI_PRIORITY1, &value));
	KUNIT_EXPECT_EQ(test, value, 0xffefdfcfbfaf9f8full & mask * 0x0101010101010101ull);

	sgis.pad = 1;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_arm64_set_sgis(&v->base, &sgis));
	sgis.pad = 0;
	sgis.enabled = 0x10000;
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_arm64_set_sgis(&v->base, &sgis));
	KUNIT_EXPECT_EQ(test, v->gic.sgis.enabled, 0x8001);

	/* None of this is there if the VMM sends SGIs. */
	g->vm->flags = AXV_VM_HALT_IN_KERNEL;
	sgis.enabled = 1;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, axv_arm64_set_sgis(&v->base, &sgis));
	KUNIT_EXPECT_EQ(test, -ENOENT, get(v, AXV_ARM64_GIC_SGI_ENABLED, &value));
	KUNIT_EXPECT_EQ(test, -ENOENT, axv_arm64_set_gic(v, AXV_ARM64_GIC_SGI_PENDING, 0));
}

static void registers(struct kunit *test)
{
	static const u64 rules[][2] = {
		{ AXV_ARM64_GIC_SGI_ENABLED, 0xffff },
		{ AXV_ARM64_GIC_SGI_PENDING, 0xffff },
		{ AXV_ARM64_GIC_SGI_PRIORITY0, 0x8080808080808080ull },
		{ AXV_ARM64_GIC_SGI_PRIORITY1, 0x0080000080000080ull },
	};
	struct group *g = test->priv;
	struct axv_arm64_vcpu *v = g->v[1];
	unsigned int i, listed;
	u64 value;

	for (i = 0; i < ARRAY_SIZE(rules); i++) {
		KUNIT_EXPECT_EQ(test, 0, axv_arm64_set_gic(v, rules[i][0], rules[i][1]));
		KUNIT_EXPECT_EQ(test, 0, get(v, rules[i][0], &value));
		KUNIT_EXPECT_EQ(test, value, rules[i][1]);
	}
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_arm64_set_gic(v, AXV_ARM64_GIC_SGI_ENABLED, 0x10000));
	KUNIT_EXPECT_EQ(test, -EINVAL, axv_arm64_set_gic(v, AXV_ARM64_GIC_SGI_PENDING, 0x10000));
	KUNIT_EXPECT_EQ(test, -ENOENT, get(v, AXV_ARM64_GIC_SGI_PRIORITY1 + 1, &value));
	KUNIT_EXPECT_EQ(test, v->gic.sgis.priority[0], 0x80);
	KUNIT_EXPECT_EQ(test, v->gic.sgis.priority[9], 0);
	KUNIT_EXPECT_EQ(test, v->gic.sgis.priority[11], 0x80);

	listed = axv_arm64_gic_list(v, NULL);
	g->vm->flags = AXV_VM_HALT_IN_KERNEL;
	KUNIT_EXPECT_EQ(test, listed, axv_arm64_gic_list(v, NULL) + 4);
}

static struct kunit_case sgi_cases[] = {
	KUNIT_CASE(lists),
	KUNIT_CASE(to_all_others),
	KUNIT_CASE(reads),
	KUNIT_CASE(a_storm),
	KUNIT_CASE(asked_by_the_vmm),
	KUNIT_CASE(configured),
	KUNIT_CASE(registers),
	{}
};

axv_test_suite("axvcpu_sgi", sgi_cases, .init = sgi_init, .exit = sgi_exit);
