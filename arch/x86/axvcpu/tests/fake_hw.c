// SPDX-License-Identifier: GPL-2.0
/*
 * A vCPU whose VMCB is a plain structure.
 */
#include <linux/errno.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "../cpuid.h"
#include "../host.h"
#include "fake_hw.h"

static struct fake_vcpu *to_fake(struct axv_x86_vcpu *x)
{
	return container_of(x, struct fake_vcpu, x);
}

static void get_segment(struct axv_x86_vcpu *x, unsigned int seg,
			struct axv_x86_segment *value)
{
	*value = to_fake(x)->seg[seg];
}

static void set_segment(struct axv_x86_vcpu *x, unsigned int seg,
			const struct axv_x86_segment *value)
{
	to_fake(x)->seg[seg] = *value;
}

static void get_dtable(struct axv_x86_vcpu *x, unsigned int table,
		       struct axv_x86_dtable *value)
{
	*value = to_fake(x)->table[table - AXV_X86_GDTR];
}

static void set_dtable(struct axv_x86_vcpu *x, unsigned int table,
		       const struct axv_x86_dtable *value)
{
	to_fake(x)->table[table - AXV_X86_GDTR] = *value;
}

static u64 get_cr(struct axv_x86_vcpu *x, unsigned int cr)
{
	return cr == 0 ? x->cr0 : cr == 4 ? x->cr4 : to_fake(x)->cr[cr];
}

static void set_cr(struct axv_x86_vcpu *x, unsigned int cr, u64 value)
{
	if (cr == 0)
		x->cr0 = value;
	else if (cr == 4)
		x->cr4 = value;
	else
		to_fake(x)->cr[cr] = value;
}

static u64 get_dr(struct axv_x86_vcpu *x, unsigned int dr)
{
	return to_fake(x)->dr[dr];
}

static void set_dr(struct axv_x86_vcpu *x, unsigned int dr, u64 value)
{
	to_fake(x)->dr[dr] = value;
}

static void set_efer(struct axv_x86_vcpu *x, u64 value)
{
	x->efer = value;
}

static int get_msr(struct axv_x86_vcpu *x, u32 msr, u64 *value)
{
	struct fake_vcpu *f = to_fake(x);
	unsigned int i;

	for (i = 0; i < FAKE_MSRS; i++) {
		if (f->msr[i] == msr) {
			*value = f->value[i];
			return 0;
		}
	}
	*value = 0;
	return 0;
}

static int set_msr(struct axv_x86_vcpu *x, u32 msr, u64 value)
{
	struct fake_vcpu *f = to_fake(x);
	unsigned int i;

	for (i = 0; i < FAKE_MSRS; i++) {
		if (f->msr[i] == msr || !f->msr[i]) {
			f->msr[i] = msr;
			f->value[i] = value;
			return 0;
		}
	}
	return -ENOSPC;
}

static void code_state(struct axv_x86_vcpu *x, struct axv_x86_code_state *state)
{
	struct fake_vcpu *f = to_fake(x);

	state->cr3 = f->cr[3];
	state->attr = f->seg[AXV_X86_CS].attr;
	state->cpl = (f->seg[AXV_X86_SS].attr & AXV_X86_ATTR_DPL) >> 5;
}

static unsigned int cpl(struct axv_x86_vcpu *x)
{
	return (to_fake(x)->seg[AXV_X86_SS].attr & AXV_X86_ATTR_DPL) >> 5;
}

static unsigned int get_shadow(struct axv_x86_vcpu *x)
{
	return to_fake(x)->shadow;
}

static void set_shadow(struct axv_x86_vcpu *x, unsigned int shadow)
{
	to_fake(x)->shadow = shadow;
}

static bool get_nmi_masked(struct axv_x86_vcpu *x)
{
	return to_fake(x)->nmi_masked;
}

static void set_nmi_masked(struct axv_x86_vcpu *x, bool masked)
{
	to_fake(x)->nmi_masked = masked;
}

static u64 get_pending_debug(struct axv_x86_vcpu *x)
{
	to_fake(x)->irqs_off |= irqs_disabled();
	return to_fake(x)->pending_debug;
}

static int set_pending_debug(struct axv_x86_vcpu *x, u64 value)
{
	to_fake(x)->pending_debug = value;
	return 0;
}

static void cpuid_changed(struct axv_x86_vcpu *x)
{
	to_fake(x)->changed++;
}

static void watch_cr8(struct axv_x86_vcpu *x)
{
	to_fake(x)->watched++;
}

static const struct axv_x86_hw fake_hw = {
	.get_segment = get_segment,
	.set_segment = set_segment,
	.get_dtable = get_dtable,
	.set_dtable = set_dtable,
	.get_cr = get_cr,
	.set_cr = set_cr,
	.get_dr = get_dr,
	.set_dr = set_dr,
	.set_efer = set_efer,
	.get_msr = get_msr,
	.set_msr = set_msr,
	.code_state = code_state,
	.cpl = cpl,
	.get_shadow = get_shadow,
	.set_shadow = set_shadow,
	.get_nmi_masked = get_nmi_masked,
	.set_nmi_masked = set_nmi_masked,
	.get_pending_debug = get_pending_debug,
	.set_pending_debug = set_pending_debug,
	.cpuid_changed = cpuid_changed,
	.watch_cr8 = watch_cr8,
};

static struct fake_vcpu *new_vcpu(struct kunit *test, u32 irqchip, u32 id)
{
	struct fake_vcpu *f = kzalloc(sizeof(*f), GFP_KERNEL);
	int err;

	/* KUnit runs the suites of a module before its init function. */
	if (!axv_x86_host.phys_bits) {
		axv_x86_host_init();
		axv_x86_cpuid_init();
	}
	KUNIT_ASSERT_NOT_NULL(test, f);
	raw_spin_lock_init(&f->x.base.lock);
	init_swait_queue_head(&f->x.base.wait);
	f->x.base.loaded_cpu = -1;
	f->x.base.vm = &f->vm.base;
	f->x.base.run = &f->run;
	f->x.base.id = id;
	f->x.base.hw_id = id;
	f->vm.base.ipa_bits = 40;
	f->vm.base.irqchip = irqchip;
	xa_init(&f->vm.base.vcpus);
	xa_init(&f->vm.base.by_hw_id);
	xa_init(&f->vm.base.routes);
	err = axv_x86_vcpu_init(&f->x, &fake_hw);
	if (err)
		kfree(f);
	KUNIT_ASSERT_EQ(test, 0, err);
	return f;
}

/**
 * fake_vcpu_new() - create a reset vCPU with the host's CPUID table
 * @test:	the test; asserts that there is memory
 */
struct fake_vcpu *fake_vcpu_new(struct kunit *test)
{
	return new_vcpu(test, AXV_IRQCHIP_NONE, 0);
}

/**
 * fake_vcpu_with_lapic() - create a vCPU as fake_vcpu_new(), but with irqchip LAPIC
 * @test:	the test; asserts that there is memory
 * @id:		its number, and APIC id
 */
struct fake_vcpu *fake_vcpu_with_lapic(struct kunit *test, u32 id)
{
	return new_vcpu(test, AXV_IRQCHIP_LAPIC, id);
}

/**
 * fake_vcpu_free() - free a vCPU and its VM
 * @f:		vCPU
 */
void fake_vcpu_free(struct fake_vcpu *f)
{
	axv_x86_vcpu_destroy(&f->x);
	axv_x86_vm_destroy(&f->vm);
	xa_destroy(&f->vm.base.vcpus);
	xa_destroy(&f->vm.base.by_hw_id);
	kfree(f);
}
