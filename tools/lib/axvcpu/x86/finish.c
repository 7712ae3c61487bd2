// SPDX-License-Identifier: GPL-2.0
/*
 * Finishing accesses on x86: from an exit to the execution core, and back.
 */
#include <cpuid.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "emul.h"
#include "lib.h"

#define VECTOR_DB	1
#define DR6_BS		(1ull << 14)

/* The component of an XSAVE block that holds PKRU. */
#define XSTATE_PKRU	9
#define XSAVE_XSTATE_BV	512

/**
 * struct finish - one access under way
 * @emul:	the core's view of the vCPU
 * @vcpu:	the vCPU
 * @ops:	the devices; NULL when nothing is executed
 * @opaque:	for @ops
 * @xsave:	the vector state, once it was asked for
 * @xsave_dirty: it was changed
 */
struct finish {
	struct axv_emul emul;
	struct axv_vcpu *vcpu;
	const struct axv_mmio_ops *ops;
	void *opaque;
	unsigned char *xsave;
	bool xsave_dirty;
};

static int space_read(void *opaque, __u64 gpa, void *data, size_t size)
{
	struct finish *f = opaque;

	return axv_ram_read(f->vcpu->vm, gpa, data, size);
}

static int space_write(void *opaque, __u64 gpa, const void *data, size_t size)
{
	struct finish *f = opaque;

	return axv_ram_write(f->vcpu->vm, gpa, data, size);
}

static int space_cmpxchg(void *opaque, __u64 gpa, __u64 old, __u64 new, size_t size)
{
	struct finish *f = opaque;

	return axv_ram_cmpxchg(f->vcpu->vm, gpa, old, new, size);
}

static int space_mmio_read(void *opaque, __u64 gpa, unsigned int width, __u64 *data)
{
	struct finish *f = opaque;

	return axv_device_read(f->vcpu, f->ops, f->opaque, gpa, width, data);
}

static int space_mmio_write(void *opaque, __u64 gpa, unsigned int width, __u64 data)
{
	struct finish *f = opaque;

	return axv_device_write(f->vcpu, f->ops, f->opaque, gpa, width, data);
}

static int space_fpu(void *opaque, bool dirty, unsigned char **xsave)
{
	struct finish *f = opaque;
	int ret;

	if (!f->xsave) {
		f->xsave = calloc(1, f->vcpu->fpu_size);
		if (!f->xsave)
			return axv_fail(ENOMEM, "vector state: out of memory");
		ret = axv_vcpu_get_fpu(f->vcpu, f->xsave);
		if (ret)
			return ret;
	}
	f->xsave_dirty |= dirty;
	*xsave = f->xsave;
	return 0;
}

static const struct axv_space space = {
	.read = space_read,
	.write = space_write,
	.cmpxchg = space_cmpxchg,
	.mmio_read = space_mmio_read,
	.mmio_write = space_mmio_write,
	.fpu = space_fpu,
};

/* Width of a physical address: CPUID 80000008h EAX[7:0]. */
static unsigned int phys_bits(void)
{
	unsigned int eax;
	unsigned int ebx;
	unsigned int ecx;
	unsigned int edx;

	if (!__get_cpuid(0x80000008, &eax, &ebx, &ecx, &edx))
		return 36;
	return (eax & 0xff) < 52 ? eax & 0xff : 52;
}

/* Where the standard format keeps PKRU: CPUID 0dh, component 9, EBX. */
static int load_pkru(struct finish *f)
{
	unsigned char *xsave;
	unsigned int eax;
	unsigned int ebx;
	unsigned int ecx;
	unsigned int edx;
	__u64 xstate_bv;
	int ret;

	ret = space_fpu(f, false, &xsave);
	if (ret)
		return ret;
	memcpy(&xstate_bv, xsave + XSAVE_XSTATE_BV, sizeof(xstate_bv));
	if (!(xstate_bv >> XSTATE_PKRU & 1) ||
	    !__get_cpuid_count(0xd, XSTATE_PKRU, &eax, &ebx, &ecx, &edx) ||
	    ebx + sizeof(f->emul.pkru) > f->vcpu->fpu_size)
		return 0;
	memcpy(&f->emul.pkru, xsave + ebx, sizeof(f->emul.pkru));
	return 0;
}

static void finish_init(struct finish *f, struct axv_vcpu *vcpu)
{
	memset(f, 0, sizeof(*f));
	f->vcpu = vcpu;
	f->emul.space = &space;
	f->emul.opaque = f;
	f->emul.phys_bits = phys_bits();
}

static int load(struct finish *f)
{
	struct axv_run *run = f->vcpu->run;
	struct axv_emul *e = &f->emul;
	int ret = 0;

	if (axv_in_run_page(run, AXV_RUN_SET_GPRS))
		e->gprs = run->regs.gprs;
	else
		ret = axv_vcpu_get_gprs(f->vcpu, &e->gprs);
	if (ret)
		return ret;
	if (axv_in_run_page(run, AXV_RUN_SET_SREGS))
		e->sregs = run->regs.sregs;
	else
		ret = axv_vcpu_get_sregs(f->vcpu, &e->sregs);
	if (!ret && (e->sregs.cr4 & CR4_PKE))
		ret = load_pkru(f);
	return ret;
}

static int store(struct finish *f)
{
	struct axv_run *run = f->vcpu->run;

	if (f->xsave_dirty) {
		int ret = axv_vcpu_set_fpu(f->vcpu, f->xsave);

		if (ret)
			return ret;
	}
	if (!axv_in_run_page(run, AXV_RUN_SET_GPRS))
		return axv_vcpu_set_gprs(f->vcpu, &f->emul.gprs);
	run->regs.gprs = f->emul.gprs;
	run->dirty |= AXV_RUN_SET_GPRS;
	return 0;
}

/*
 * The vector alone says whether the kernel wants an error code: in real mode,
 * where none is pushed, it drops it.
 */
static int inject(struct finish *f)
{
	const struct axv_emul_exception *x = &f->emul.exception;
	int ret = axv_vcpu_inject_exception(f->vcpu, x->vector,
					    x->has_error_code ? x->error_code : 0,
					    x->address);

	return ret ? ret : AXV_FINISH_EXCEPTION;
}

/* A guest that single-steps is told after the instruction. */
static int single_step(struct axv_vcpu *vcpu)
{
	__u64 dr6;
	int ret;

	ret = axv_vcpu_get_reg(vcpu, AXV_REG_X86(DR, 6), &dr6);
	if (!ret)
		ret = axv_vcpu_set_reg(vcpu, AXV_REG_X86(DR, 6), dr6 | DR6_BS);
	if (!ret)
		ret = axv_vcpu_inject_exception(vcpu, VECTOR_DB, 0, 0);
	return ret ? ret : AXV_FINISH_EXCEPTION;
}

/*
 * The access may have been the CPU's own, when it delivered an event: then the
 * instruction has not begun, and executing it would be wrong.  An interrupt
 * shadow ends with the instruction.
 */
static int load_events(struct finish *f, bool *shadow)
{
	struct axv_reg regs[] = {
		{ .id = AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT) },
		{ .id = AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW) },
	};
	int ret;

	ret = axv_vcpu_get_regs(f->vcpu, regs, 2);
	if (ret < 0)
		return ret;
	if (!regs[0].status && (regs[0].value & AXV_X86_EVENT_VALID))
		return axv_fail(EOPNOTSUPP,
				"vCPU %u touched guest physical %#llx, where it has no memory, while it delivered vector %u: its stack or tables are misplaced",
				f->vcpu->id,
				(unsigned long long)f->vcpu->run->exit.fault.addr,
				(unsigned int)(regs[0].value & AXV_X86_EVENT_VECTOR));
	*shadow = !regs[1].status && regs[1].value;
	return 0;
}

static int execute(struct finish *f)
{
	struct axv_x86_gprs before;
	bool shadow = false;
	int step;
	int ret;

	ret = load(f);
	if (!ret)
		ret = load_events(f, &shadow);
	if (ret)
		return ret;
	before = f->emul.gprs;
	step = axv_emul_step(&f->emul);
	if (memcmp(&before, &f->emul.gprs, sizeof(before))) {
		ret = store(f);
		if (ret)
			return ret;
	}
	if (step == AXV_EMUL_EXCEPTION)
		return inject(f);
	if (step)
		return step;
	if (shadow)
		ret = axv_vcpu_set_reg(f->vcpu,
				       AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW), 0);
	if (ret)
		return ret;
	return f->emul.trap ? single_step(f->vcpu) : AXV_FINISH_DONE;
}

int axv_arch_finish(struct axv_vcpu *vcpu, const struct axv_exit_fault *fault,
		    const struct axv_mmio_ops *ops, void *opaque)
{
	struct finish f;
	int ret;

	finish_init(&f, vcpu);
	f.ops = ops;
	f.opaque = opaque;
	f.emul.insn_bytes = fault->insn_bytes < INSN_LENGTH_MAX ?
			    fault->insn_bytes : INSN_LENGTH_MAX;
	memcpy(f.emul.insn, fault->insn, f.emul.insn_bytes);
	ret = execute(&f);
	free(f.xsave);
	return ret;
}

int axv_vcpu_translate(struct axv_vcpu *vcpu, __u64 linear, __u32 access, __u64 *gpa)
{
	struct finish f;
	int ret;

	finish_init(&f, vcpu);
	ret = load(&f);
	if (!ret)
		ret = axv_emul_walk(&f.emul, linear, access, AXV_WALK_NO_MARK |
				    (access ? 0 : AXV_WALK_ANY), gpa);
	free(f.xsave);
	if (ret == AXV_EMUL_EXCEPTION)
		ret = axv_fail(EFAULT,
			       "vCPU %u: linear address %#llx is not mapped for this access (page fault, error code %#x)",
			       vcpu->id, (unsigned long long)linear,
			       f.emul.exception.error_code);
	return ret;
}

int axv_vcpu_disassemble(struct axv_vcpu *vcpu, char *text, size_t size)
{
	struct finish f;
	int ret;

	finish_init(&f, vcpu);
	f.emul.peek = true;
	ret = load(&f);
	if (!ret)
		ret = axv_emul_text(&f.emul, text, size);
	free(f.xsave);
	return ret;
}
