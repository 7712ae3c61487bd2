// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Finishing accesses on x86: registers and memory for the execution core, and what
 * becomes of its result.
 */
#include <cpuid.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apic.h"
#include "exec.h"

#define VECTOR_DB	1
#define DR6_BS		(1ull << 14)

#define BIT_LZCNT	(1u << 5)	/* CPUID 80000001h ECX */
#define BIT_BMI1	(1u << 3)	/* CPUID 7 EBX */

/* Numbers of components of an XSAVE block */
#define XSTATE_YMM	2
#define XSTATE_ZMM	6
#define XSTATE_HI16	7
#define XSTATE_PKRU	9
#define XSAVE_XSTATE_BV	512

/**
 * struct processor - what CPUID says; read once, since CPUID exits in a virtual machine
 * @phys_bits:	width of a physical address
 * @xsave_ymm:	offset of this component in an XSAVE block in the standard format; 0:
 *		there is none
 * @xsave_zmm:	offset of this component; 0: there is none
 * @xsave_hi16:	offset of this component; 0: there is none
 * @xsave_pkru:	offset of this component; 0: there is none
 * @no_lzcnt:	the processor executes LZCNT as BSR
 * @no_tzcnt:	the processor executes TZCNT as BSF
 */
struct processor {
	unsigned int phys_bits;
	unsigned int xsave_ymm;
	unsigned int xsave_zmm;
	unsigned int xsave_hi16;
	unsigned int xsave_pkru;
	bool no_lzcnt;
	bool no_tzcnt;
};

static struct processor processor;

/**
 * struct finish - one access under way
 * @emul:	the core's view of the vCPU
 * @space:	callbacks for memory and, if @ops has them, ports
 * @vcpu:	the vCPU
 * @ops:	the devices; NULL when nothing is executed
 * @opaque:	for @ops
 * @cr0:	CR0 before the instruction
 * @xsave:	the vector state, once the core has asked for it
 * @xsave_dirty: @xsave was changed
 */
struct finish {
	struct axv_emul emul;
	struct axv_space space;
	struct axv_vcpu *vcpu;
	const struct axv_mmio_ops *ops;
	void *opaque;
	__u64 cr0;
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

/*
 * Is @gpa in the page of a local APIC that the kernel has (irqchip LAPIC)?  The kernel
 * answers plain moves there, so for other instructions a device of the VMM's would be
 * another APIC.  Returns 0, 1 or a negative errno.
 */
static int is_lapic(struct finish *f, __u64 gpa)
{
	__u64 base;
	int ret;

	if (f->vcpu->vm->irqchip != AXV_IRQCHIP_LAPIC || (gpa ^ APIC_PAGE) >> 12)
		return 0;
	ret = axv_vcpu_get_reg(f->vcpu, AXV_REG_X86(MSR, MSR_APIC_BASE), &base);
	return ret ? ret : (base & (APIC_BASE_ENABLE | APIC_BASE_X2APIC)) == APIC_BASE_ENABLE;
}

/*
 * Read a register of the APIC's page, which has no effects.  Returns -ENOENT if the vCPU
 * has no such register.
 */
static int read_lapic(struct finish *f, __u64 gpa, unsigned int width, __u64 *data)
{
	unsigned int offset = gpa - APIC_PAGE;
	bool high = offset == APIC_ICR_HIGH;
	int ret;

	/* From DEADLINE on, registers of class LAPIC are not in the page. */
	if (width != 4 || offset & 15 || offset >= AXV_X86_LAPIC_DEADLINE)
		return -ENOENT;
	ret = axv_vcpu_get_reg(f->vcpu, AXV_REG_X86(LAPIC, high ? APIC_ICR : offset), data);
	*data = (__u32)(high ? *data >> 32 : *data);
	return ret;
}

/*
 * Refuse an access of the APIC's page.  A write would have effects there, which writes to
 * registers of class LAPIC do not have.
 */
static int refuse_lapic(struct finish *f, __u64 gpa)
{
	if (axv_emul_cpl(&f->emul) == 3)
		return axv_raise(&f->emul, VECTOR_UD, 0);
	return axv_fail(EOPNOTSUPP,
			"vCPU %u accesses its local APIC at %#llx by the instruction at rip %#llx: with irqchip LAPIC only MOV, MOVZX, MOVSX, MOVS, STOS and LODS do",
			f->vcpu->id, (unsigned long long)gpa,
			(unsigned long long)f->emul.gprs.rip);
}

static int space_mmio_read(void *opaque, __u64 gpa, unsigned int width, __u64 *data)
{
	struct finish *f = opaque;
	int ret = is_lapic(f, gpa);

	if (ret > 0) {
		ret = read_lapic(f, gpa, width, data);
		return ret == -ENOENT ? refuse_lapic(f, gpa) : ret;
	}
	if (ret)
		return ret;
	return axv_device_read(f->vcpu, f->ops, f->opaque, gpa, width, data);
}

static int space_mmio_write(void *opaque, __u64 gpa, unsigned int width, __u64 data)
{
	struct finish *f = opaque;
	int ret = is_lapic(f, gpa);

	if (ret > 0)
		return refuse_lapic(f, gpa);
	if (ret)
		return ret;
	return axv_device_write(f->vcpu, f->ops, f->opaque, gpa, width, data);
}

static int space_port_read(void *opaque, __u16 port, unsigned int width, void *data,
			   unsigned int count)
{
	struct finish *f = opaque;
	int ret;

	ret = f->ops->port_read(f->opaque, port, width, data, count);
	return ret < 0 ? axv_fail(-ret, "vCPU %u: reading port %#x failed",
				  f->vcpu->id, port) : 0;
}

static int space_port_write(void *opaque, __u16 port, unsigned int width, const void *data,
			    unsigned int count)
{
	struct finish *f = opaque;
	int ret;

	ret = f->ops->port_write(f->opaque, port, width, data, count);
	return ret < 0 ? axv_fail(-ret, "vCPU %u: writing port %#x failed",
				  f->vcpu->id, port) : 0;
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

/* Offset of a component: CPUID 0dh, EBX; 0: there is none. */
static unsigned int xsave_offset(unsigned int component)
{
	unsigned int eax;
	unsigned int ebx;
	unsigned int ecx;
	unsigned int edx;

	if (!__get_cpuid_count(0xd, component, &eax, &ebx, &ecx, &edx) || !eax)
		return 0;
	return ebx;
}

static void ask_processor(void)
{
	unsigned int eax;
	unsigned int ebx;
	unsigned int ecx;
	unsigned int edx;

	processor.phys_bits = 36;
	if (__get_cpuid(0x80000008, &eax, &ebx, &ecx, &edx))
		processor.phys_bits = (eax & 0xff) < 52 ? eax & 0xff : 52;
	processor.no_lzcnt = !__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) ||
			     !(ecx & BIT_LZCNT);
	processor.no_tzcnt = !__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) ||
			     !(ebx & BIT_BMI1);
	processor.xsave_ymm = xsave_offset(XSTATE_YMM);
	processor.xsave_zmm = xsave_offset(XSTATE_ZMM);
	processor.xsave_hi16 = xsave_offset(XSTATE_HI16);
	processor.xsave_pkru = xsave_offset(XSTATE_PKRU);
}

static const struct processor *get_processor(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, ask_processor);
	return &processor;
}

/*
 * @offset if the kernel's vector state has the component at that offset; 0 if it is too
 * short.
 */
static unsigned int component(const struct finish *f, unsigned int offset, size_t size)
{
	return offset + size <= f->vcpu->fpu_size ? offset : 0;
}

static int space_load_pkru(void *opaque)
{
	unsigned int offset = get_processor()->xsave_pkru;
	struct finish *f = opaque;
	unsigned char *xsave = NULL;
	__u64 xstate_bv;
	int ret;

	ret = space_fpu(f, false, &xsave);
	if (ret)
		return ret;
	memcpy(&xstate_bv, xsave + XSAVE_XSTATE_BV, sizeof(xstate_bv));
	offset = component(f, offset, sizeof(f->emul.pkru));
	if (offset && (xstate_bv >> XSTATE_PKRU & 1))
		memcpy(&f->emul.pkru, xsave + offset, sizeof(f->emul.pkru));
	return 0;
}

/*
 * Read the PDPTEs that the processor has loaded.  Only VMX has these registers; with SVM
 * the entries are read from memory.
 */
static int space_load_pdptes(void *opaque)
{
	struct finish *f = opaque;
	struct axv_reg regs[AXV_X86_PDPTES_LOADED + 1] = {};
	unsigned int i;
	int ret;

	/*
	 * If the run page has registers to load, the next run loads the entries from
	 * memory.
	 */
	if (f->vcpu->run->dirty & AXV_RUN_SET_SREGS)
		return 0;
	for (i = 0; i <= AXV_X86_PDPTES_LOADED; i++)
		regs[i].id = AXV_REG_X86(PDPTE, i);
	ret = axv_vcpu_get_regs(f->vcpu, regs, AXV_X86_PDPTES_LOADED + 1);
	if (ret)
		return ret < 0 ? ret : 0;
	f->emul.pdptes = regs[AXV_X86_PDPTES_LOADED].value;
	for (i = 0; i < AXV_X86_PDPTES_LOADED; i++)
		f->emul.pdpte[i] = regs[i].value;
	return 0;
}

static const struct axv_space space = {
	.read = space_read,
	.write = space_write,
	.cmpxchg = space_cmpxchg,
	.mmio_read = space_mmio_read,
	.mmio_write = space_mmio_write,
	.port_read = space_port_read,
	.port_write = space_port_write,
	.fpu = space_fpu,
	.load_pkru = space_load_pkru,
	.load_pdptes = space_load_pdptes,
};

static void finish_init(struct finish *f, struct axv_vcpu *vcpu)
{
	const struct processor *p = get_processor();

	memset(f, 0, sizeof(*f));
	f->vcpu = vcpu;
	f->space = space;
	f->emul.space = &f->space;
	f->emul.opaque = f;
	f->emul.phys_bits = p->phys_bits;
	f->emul.no_lzcnt = p->no_lzcnt;
	f->emul.no_tzcnt = p->no_tzcnt;
	f->emul.xsave_ymm = component(f, p->xsave_ymm, 16 * 16);
	f->emul.xsave_zmm = component(f, p->xsave_zmm, 16 * 32);
	f->emul.xsave_hi16 = component(f, p->xsave_hi16, 16 * 64);
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
	f->cr0 = e->sregs.cr0;
	return ret;
}

static int store_cr0(struct finish *f)
{
	struct axv_run *run = f->vcpu->run;

	if (!axv_in_run_page(run, AXV_RUN_SET_SREGS))
		return axv_vcpu_set_reg(f->vcpu, AXV_REG_X86(CR, 0), f->emul.sregs.cr0);
	run->regs.sregs.cr0 = f->emul.sregs.cr0;
	run->dirty |= AXV_RUN_SET_SREGS;
	return 0;
}

static int store(struct finish *f)
{
	struct axv_run *run = f->vcpu->run;

	if (f->xsave_dirty) {
		int ret = axv_vcpu_set_fpu(f->vcpu, f->xsave);

		if (ret)
			return ret;
	}
	if (f->emul.sregs.cr0 != f->cr0) {
		int ret = store_cr0(f);

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
 * Inject the exception.  Whether the kernel wants an error code depends on the vector
 * alone: in real mode, where none is pushed, the kernel drops it.
 */
static int inject(struct finish *f)
{
	const struct axv_emul_exception *x = &f->emul.exception;
	int ret = axv_vcpu_inject_exception(f->vcpu, x->vector,
					    x->has_error_code ? x->error_code : 0,
					    x->address);

	return ret ? ret : AXV_FINISH_EXCEPTION;
}

/* Inject the #DB that a guest which single-steps gets after the instruction. */
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
 * Set the error text for an access that the CPU made to deliver an event: the instruction
 * at the instruction pointer has not begun, so it must not be executed.
 */
static int fail_event(struct axv_vcpu *vcpu, const struct axv_exit_fault *fault)
{
	char vector[32] = "an interrupt by instruction";
	__u64 event;
	int ret;

	ret = axv_vcpu_get_reg(vcpu, AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT), &event);
	if (ret)
		return ret;
	if (event & AXV_X86_EVENT_VALID)
		snprintf(vector, sizeof(vector), "vector %u",
			 (unsigned int)(event & AXV_X86_EVENT_VECTOR));
	return axv_fail(EOPNOTSUPP,
			"vCPU %u touched guest physical %#llx, where it has no memory, while it delivered %s: its stack or tables are misplaced",
			vcpu->id, (unsigned long long)fault->addr, vector);
}

/*
 * Code in a device, or code that cannot be read, cannot be executed: a program of the
 * guest gets #UD, and for the guest's kernel it is an error.
 */
static int no_code(struct finish *f, const struct axv_exit_fault *fault)
{
	if (axv_emul_cpl(&f->emul) == 3)
		return axv_raise(&f->emul, VECTOR_UD, 0);
	return axv_fail_fetch(f->vcpu, fault);
}

/*
 * The instruction at the instruction pointer is not the one that exited: another CPU of
 * the guest has changed it.  Writing CR3 flushes the TLB, so that the processor executes
 * the new one in the next run.  If the old one exits TRIES_MAX times, there is no way to
 * finish it: a program of the guest gets #UD, and for the guest's kernel it is an error.
 */
#define TRIES_MAX	64

static int again(struct finish *f)
{
	struct axv_vcpu *vcpu = f->vcpu;

	if (vcpu->finish_tries++ < TRIES_MAX)
		return axv_vcpu_set_reg(vcpu, AXV_REG_X86(CR, 3), f->emul.sregs.cr3);
	vcpu->finish_tries = 0;
	if (axv_emul_cpl(&f->emul) == 3) {
		axv_raise(&f->emul, VECTOR_UD, 0);
		return inject(f);
	}
	return axv_fail(EOPNOTSUPP,
			"vCPU %u executes an instruction at rip %#llx that is another one in memory: the guest has changed its page tables without flushing the TLB",
			vcpu->id, (unsigned long long)f->emul.gprs.rip);
}

static int step(struct finish *f)
{
	const struct axv_run *run = f->vcpu->run;
	const struct axv_exit_fault *fault = &run->exit.fault;

	switch (run->exit_reason) {
	case AXV_EXIT_IO_STRING:
		return axv_emul_io_string(&f->emul, &run->exit.io_string, run->insn_len);
	case AXV_EXIT_MSW:
		return axv_emul_msw(&f->emul, run->exit.msw.load);
	}
	return axv_is_fetch(fault) ? no_code(f, fault) : axv_emul_step(&f->emul);
}

static int execute(struct finish *f)
{
	struct axv_x86_gprs before;
	__u64 shadow;
	int done;
	int ret;

	ret = load(f);
	if (!ret)
		ret = axv_vcpu_get_reg(f->vcpu, AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW), &shadow);
	if (ret)
		return ret;
	before = f->emul.gprs;
	done = step(f);
	if (done == AXV_EMUL_CHANGED)
		return again(f);
	f->vcpu->finish_tries = 0;
	if (memcmp(&before, &f->emul.gprs, sizeof(before))) {
		ret = store(f);
		if (ret)
			return ret;
	}
	if (done == AXV_EMUL_EXCEPTION)
		return inject(f);
	if (done)
		return done;
	/* An interrupt shadow ends with the instruction. */
	if (shadow)
		ret = axv_vcpu_set_reg(f->vcpu,
				       AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW), 0);
	if (ret)
		return ret;
	return f->emul.trap ? single_step(f->vcpu) : AXV_FINISH_DONE;
}

static int finish(struct finish *f, const struct axv_mmio_ops *ops, void *opaque)
{
	int ret;

	f->ops = ops;
	f->opaque = opaque;
	if (!ops->port_read)
		f->space.port_read = NULL;
	if (!ops->port_write)
		f->space.port_write = NULL;
	ret = execute(f);
	free(f->xsave);
	return ret;
}

int axv_arch_finish(struct axv_vcpu *vcpu, const struct axv_exit_fault *fault,
		    const struct axv_mmio_ops *ops, void *opaque)
{
	struct finish f;

	if (fault->access & AXV_ACCESS_EVENT)
		return fail_event(vcpu, fault);
	finish_init(&f, vcpu);
	f.emul.insn_bytes = fault->insn_bytes < INSN_LENGTH_MAX ?
			    fault->insn_bytes : INSN_LENGTH_MAX;
	memcpy(f.emul.insn, fault->insn, f.emul.insn_bytes);
	return finish(&f, ops, opaque);
}

static int finish_task(struct finish *f)
{
	int ret = load(f);

	if (!ret)
		ret = axv_finish_task(f->vcpu, &f->emul);
	if (ret == AXV_EMUL_CHANGED)
		return again(f);
	f->vcpu->finish_tries = 0;
	return ret;
}

int axv_arch_finish_exit(struct axv_vcpu *vcpu, const struct axv_mmio_ops *ops, void *opaque)
{
	struct finish f;

	finish_init(&f, vcpu);
	switch (vcpu->run->exit_reason) {
	case AXV_EXIT_IO_STRING:
	case AXV_EXIT_MSW:
		return finish(&f, ops, opaque);
	case AXV_EXIT_TASK_SWITCH:
		return finish_task(&f);
	default:
		return -ENOENT;
	}
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
