// SPDX-License-Identifier: GPL-2.0
/*
 * The functions of libaxvcpu that axvmm uses, on x86's KVM.  As with axvcpu, local APICs are
 * in the kernel and the rest of the irqchip in axvmm ("split" in KVM's words).  CPUID is what
 * KVM supports, changed by axvmm as usual.  Only for one vCPU.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "kvm-lib.h"

#define MAX_LEAVES	256
#define IOAPIC_PINS	24

/* ---- the host and virtual machines -------------------------------------- */

/* KVM tells the TSC's frequency only of a vCPU. */
static int tsc_khz(struct axv_host *host, __u64 *value)
{
	int vm = ioctl(host->fd, KVM_CREATE_VM, 0ul);
	int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0ul);
	int khz = ioctl(vcpu, KVM_GET_TSC_KHZ, 0ul);

	if (khz < 0)
		return kvm_fail("KVM_GET_TSC_KHZ");
	close(vcpu);
	close(vm);
	*value = khz;
	return 0;
}

int axv_query(struct axv_host *host, enum axv_query_id id, __u64 *value)
{
	switch (id) {
	case AXV_QUERY_IPA_BITS:
		*value = 36;
		return 0;
	case AXV_QUERY_MAX_VCPUS:
		*value = 1;
		return 0;
	case AXV_QUERY_IRQCHIPS:
		*value = 1u << AXV_IRQCHIP_LAPIC;
		return 0;
	case AXV_QUERY_COUNTER_KHZ:
		return tsc_khz(host, value);
	default:
		return kvm_unsupported("query");
	}
}

int axv_supported_cpuid(struct axv_host *host, struct axv_x86_cpuid **leaves)
{
	struct kvm_cpuid2 *cpuid;
	unsigned int i;

	cpuid = calloc(1, sizeof(*cpuid) + MAX_LEAVES * sizeof(cpuid->entries[0]));
	*leaves = calloc(MAX_LEAVES, sizeof(**leaves));
	if (!cpuid || !*leaves)
		return kvm_fail("memory");
	cpuid->nent = MAX_LEAVES;
	if (ioctl(host->fd, KVM_GET_SUPPORTED_CPUID, cpuid))
		return kvm_fail("KVM_GET_SUPPORTED_CPUID");
	for (i = 0; i < cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		(*leaves)[i] = (struct axv_x86_cpuid){
			.leaf = e->function,
			.subleaf = e->index,
			.flags = e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX ?
				 AXV_X86_CPUID_SUBLEAF : 0,
			.eax = e->eax,
			.ebx = e->ebx,
			.ecx = e->ecx,
			.edx = e->edx,
		};
	}
	free(cpuid);
	return i;
}

int kvm_arch_vm_init(struct axv_vm *vm)
{
	/* axvmm answers MSRs that KVM does not know, as with axvcpu. */
	struct kvm_enable_cap msrs = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args[0] = KVM_MSR_EXIT_REASON_UNKNOWN,
	};
	struct kvm_enable_cap split = {
		.cap = KVM_CAP_SPLIT_IRQCHIP,
		.args[0] = IOAPIC_PINS,
	};

	/* Pages that KVM needs for real mode on Intel; axvmm has nothing at this address. */
	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, 0xfffbd000ul) && errno != EINVAL)
		return kvm_fail("KVM_SET_TSS_ADDR");
	if (ioctl(vm->fd, KVM_ENABLE_CAP, &msrs))
		return kvm_fail("KVM_CAP_X86_USER_SPACE_MSR");
	if (ioctl(vm->fd, KVM_ENABLE_CAP, &split))
		return kvm_fail("KVM_CAP_SPLIT_IRQCHIP");
	return 0;
}

int axv_vm_set_msr_policy(struct axv_vm *vm,
			  struct axv_x86_msr_policy *ranges,
			  unsigned int count)
{
	if (count > MAX_POLICIES)
		return kvm_unsupported("that many MSR ranges");
	memcpy(vm->arch.policy, ranges, count * sizeof(*ranges));
	vm->arch.policies = count;
	return 0;
}

static bool is_axvmms(const struct axv_vm *vm, __u32 msr)
{
	unsigned int i;

	for (i = 0; i < vm->arch.policies; i++)
		if (msr >= vm->arch.policy[i].first && msr <= vm->arch.policy[i].last)
			return true;
	return false;
}

/* ---- vCPUs: registers ---------------------------------------------------- */

int kvm_arch_vcpu_init(struct axv_vcpu *vcpu)
{
	(void)vcpu;
	return 0;
}

int axv_vcpu_set_cpuid(struct axv_vcpu *vcpu, struct axv_x86_cpuid *leaves,
		       unsigned int count)
{
	struct kvm_cpuid2 *cpuid;
	unsigned int i;
	int ret;

	cpuid = calloc(1, sizeof(*cpuid) + count * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return kvm_fail("memory");
	cpuid->nent = count;
	for (i = 0; i < count; i++)
		cpuid->entries[i] = (struct kvm_cpuid_entry2){
			.function = leaves[i].leaf,
			.index = leaves[i].subleaf,
			.flags = leaves[i].flags & AXV_X86_CPUID_SUBLEAF ?
				 KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
			.eax = leaves[i].eax,
			.ebx = leaves[i].ebx,
			.ecx = leaves[i].ecx,
			.edx = leaves[i].edx,
		};
	ret = ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid) ? kvm_fail("KVM_SET_CPUID2") : 0;
	free(cpuid);
	return ret;
}

static struct kvm_segment to_kvm(const struct axv_x86_segment *s)
{
	return (struct kvm_segment){
		.base = s->base,
		.limit = s->limit,
		.selector = s->selector,
		.type = s->attr & AXV_X86_ATTR_TYPE,
		.s = !!(s->attr & AXV_X86_ATTR_S),
		.dpl = (s->attr & AXV_X86_ATTR_DPL) >> 5,
		.present = !!(s->attr & AXV_X86_ATTR_P),
		.avl = !!(s->attr & AXV_X86_ATTR_AVL),
		.l = !!(s->attr & AXV_X86_ATTR_L),
		.db = !!(s->attr & AXV_X86_ATTR_DB),
		.g = !!(s->attr & AXV_X86_ATTR_G),
		.unusable = !(s->attr & AXV_X86_ATTR_P),
	};
}

int axv_vcpu_set_sregs(struct axv_vcpu *vcpu, const struct axv_x86_sregs *s)
{
	struct kvm_sregs k;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &k))
		return kvm_fail("KVM_GET_SREGS");
	k.es = to_kvm(&s->seg[AXV_X86_ES]);
	k.cs = to_kvm(&s->seg[AXV_X86_CS]);
	k.ss = to_kvm(&s->seg[AXV_X86_SS]);
	k.ds = to_kvm(&s->seg[AXV_X86_DS]);
	k.fs = to_kvm(&s->seg[AXV_X86_FS]);
	k.gs = to_kvm(&s->seg[AXV_X86_GS]);
	k.tr = to_kvm(&s->seg[AXV_X86_TR]);
	k.ldt = to_kvm(&s->seg[AXV_X86_LDTR]);
	k.gdt = (struct kvm_dtable){ .base = s->gdtr.base, .limit = s->gdtr.limit };
	k.idt = (struct kvm_dtable){ .base = s->idtr.base, .limit = s->idtr.limit };
	k.cr0 = s->cr0;
	k.cr2 = s->cr2;
	k.cr3 = s->cr3;
	k.cr4 = s->cr4;
	k.cr8 = s->cr8;
	k.efer = s->efer;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &k))
		return kvm_fail("KVM_SET_SREGS");
	vcpu->arch.sregs = *s;
	return 0;
}

int axv_vcpu_get_sregs(struct axv_vcpu *vcpu, struct axv_x86_sregs *sregs)
{
	*sregs = vcpu->arch.sregs;
	return 0;
}

int axv_vcpu_set_gprs(struct axv_vcpu *vcpu, const struct axv_x86_gprs *g)
{
	const struct kvm_regs regs = {
		.rax = g->gpr[AXV_X86_RAX], .rcx = g->gpr[AXV_X86_RCX],
		.rdx = g->gpr[AXV_X86_RDX], .rbx = g->gpr[AXV_X86_RBX],
		.rsp = g->gpr[AXV_X86_RSP], .rbp = g->gpr[AXV_X86_RBP],
		.rsi = g->gpr[AXV_X86_RSI], .rdi = g->gpr[AXV_X86_RDI],
		.r8 = g->gpr[AXV_X86_R8], .r9 = g->gpr[AXV_X86_R9],
		.r10 = g->gpr[AXV_X86_R10], .r11 = g->gpr[AXV_X86_R11],
		.r12 = g->gpr[AXV_X86_R12], .r13 = g->gpr[AXV_X86_R13],
		.r14 = g->gpr[AXV_X86_R14], .r15 = g->gpr[AXV_X86_R15],
		.rip = g->rip, .rflags = g->rflags,
	};

	return ioctl(vcpu->fd, KVM_SET_REGS, &regs) ? kvm_fail("KVM_SET_REGS") : 0;
}

/* For board_vcpu_show(), and to change the registers at the start. */
int axv_vcpu_get_gprs(struct axv_vcpu *vcpu, struct axv_x86_gprs *g)
{
	struct kvm_regs regs;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs))
		return kvm_fail("KVM_GET_REGS");
	*g = (struct axv_x86_gprs){
		.gpr[AXV_X86_RAX] = regs.rax, .gpr[AXV_X86_RBX] = regs.rbx,
		.gpr[AXV_X86_RCX] = regs.rcx, .gpr[AXV_X86_RDX] = regs.rdx,
		.gpr[AXV_X86_RSP] = regs.rsp,
		.rip = regs.rip, .rflags = regs.rflags,
	};
	return 0;
}

int axv_vcpu_setup(struct axv_vcpu *vcpu, __u64 entry, __u32 mode)
{
	const struct axv_x86_segment data = { .limit = 0xffffffff, .attr = 0xc93 };
	const struct axv_x86_gprs gprs = { .rip = entry, .rflags = 2 };
	struct axv_x86_sregs s = { .cr0 = 0x11 };
	unsigned int i;
	int err;

	if (mode != AXV_X86_MODE_PROTECTED)
		return kvm_unsupported("that mode");
	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		s.seg[i] = data;
	s.seg[AXV_X86_CS].attr = 0xc9b;
	s.seg[AXV_X86_TR] = (struct axv_x86_segment){ .limit = 0xffff, .attr = 0x8b };
	s.seg[AXV_X86_LDTR] = (struct axv_x86_segment){ .limit = 0xffff, .attr = 0x82 };
	err = axv_vcpu_set_sregs(vcpu, &s);
	return err ? err : axv_vcpu_set_gprs(vcpu, &gprs);
}

static int set_msr(struct axv_vcpu *vcpu, const struct axv_reg *reg)
{
	struct {
		struct kvm_msrs head;
		struct kvm_msr_entry entry;
	} msr = {
		.head.nmsrs = 1,
		.entry.index = AXV_REG_INDEX(reg->id),
		.entry.data = reg->value,
	};

	return ioctl(vcpu->fd, KVM_SET_MSRS, &msr) == 1 ? 0 : -EINVAL;
}

/* KVM and axvcpu both name a register by its offset in the APIC's page. */
static int set_lapic(struct axv_vcpu *vcpu, const struct axv_reg *reg)
{
	const __u32 offset = AXV_REG_INDEX(reg->id), value = reg->value;
	struct kvm_lapic_state page;

	if (offset > sizeof(page.regs) - sizeof(value) ||
	    ioctl(vcpu->fd, KVM_GET_LAPIC, &page))
		return -EINVAL;
	memcpy(page.regs + offset, &value, sizeof(value));
	return ioctl(vcpu->fd, KVM_SET_LAPIC, &page) ? -errno : 0;
}

/* Returns how many registers failed. */
int axv_vcpu_set_regs(struct axv_vcpu *vcpu, struct axv_reg *regs,
		      unsigned int count)
{
	unsigned int i;
	int failed = 0;

	for (i = 0; i < count; i++) {
		switch (AXV_REG_CLASS(regs[i].id)) {
		case AXV_X86_CLASS_MSR:
			regs[i].status = set_msr(vcpu, &regs[i]);
			break;
		case AXV_X86_CLASS_LAPIC:
			regs[i].status = set_lapic(vcpu, &regs[i]);
			break;
		default:
			regs[i].status = -EINVAL;
		}
		failed += regs[i].status != 0;
	}
	return failed;
}

int axv_vcpu_set_reg(struct axv_vcpu *vcpu, __u64 id, __u64 value)
{
	struct axv_reg reg = { .id = id, .value = value };

	if (!axv_vcpu_set_regs(vcpu, &reg, 1))
		return 0;
	return kvm_unsupported("that register");
}

/* ---- vCPUs: running ----------------------------------------------------- */

int axv_vcpu_inject_extint(struct axv_vcpu *vcpu, __u8 vector)
{
	const struct kvm_interrupt irq = { .irq = vector };

	return ioctl(vcpu->fd, KVM_INTERRUPT, &irq) ? kvm_fail("KVM_INTERRUPT") : 0;
}

int axv_vm_inject_msi(struct axv_vm *vm, __u64 address, __u32 data)
{
	const struct kvm_msi msi = {
		.address_lo = address,
		.address_hi = address >> 32,
		.data = data,
	};

	return ioctl(vm->fd, KVM_SIGNAL_MSI, &msi) < 0 ? kvm_fail("KVM_SIGNAL_MSI") : 0;
}

void kvm_arch_complete(struct axv_vcpu *v)
{
	struct axv_run *run = &v->run;

	switch (run->exit_reason) {
	case AXV_EXIT_IO_READ:
		memcpy(v->arch.data, &run->exit.io.data, run->exit.io.width);
		v->arch.data += run->exit.io.width;
		break;
	case AXV_EXIT_IO_WRITE:
		v->arch.data += run->exit.io.width;
		break;
	case AXV_EXIT_SYSREG_READ:
		v->kvm->msr.data = run->exit.sysreg.value;
		v->kvm->msr.error = run->exit.sysreg.fail;
		break;
	case AXV_EXIT_SYSREG_WRITE:
		v->kvm->msr.error = run->exit.sysreg.fail;
		break;
	}
}

/* Show the next element: KVM exits once for a repeated port access, axvcpu for each element. */
static int show_element(struct axv_vcpu *v)
{
	const struct kvm_run *kvm = v->kvm;
	struct axv_exit_io *io = &v->run.exit.io;

	*io = (struct axv_exit_io){ .port = kvm->io.port, .width = kvm->io.size };
	v->arch.elements--;
	if (kvm->io.direction == KVM_EXIT_IO_IN)
		return kvm_show(v, AXV_EXIT_IO_READ);
	memcpy(&io->data, v->arch.data, io->width);
	return kvm_show(v, AXV_EXIT_IO_WRITE);
}

bool kvm_arch_more(struct axv_vcpu *v)
{
	if (!v->arch.elements)
		return false;
	show_element(v);
	return true;
}

static int show_msr(struct axv_vcpu *v, __u32 reason)
{
	v->run.exit.sysreg = (struct axv_exit_sysreg){
		.addr = v->kvm->msr.index,
		.value = reason == AXV_EXIT_SYSREG_WRITE ? v->kvm->msr.data : 0,
	};
	return kvm_show(v, reason);
}

int kvm_arch_exit(struct axv_vcpu *v)
{
	struct kvm_run *kvm = v->kvm;

	switch (kvm->exit_reason) {
	case KVM_EXIT_IO:
		v->arch.elements = kvm->io.count;
		v->arch.data = (char *)kvm + kvm->io.data_offset;
		return show_element(v);
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return kvm_show(v, AXV_EXIT_IRQ_WINDOW);
	case KVM_EXIT_IOAPIC_EOI:
		v->run.exit.eoi.vector = kvm->eoi.vector;
		return kvm_show(v, AXV_EXIT_EOI);
	case KVM_EXIT_X86_RDMSR:
	case KVM_EXIT_X86_WRMSR:
		if (is_axvmms(v->vm, kvm->msr.index))
			return show_msr(v, kvm->exit_reason == KVM_EXIT_X86_RDMSR ?
					   AXV_EXIT_SYSREG_READ :
					   AXV_EXIT_SYSREG_WRITE);
		kvm->msr.error = 1;
		return 1;
	case KVM_EXIT_SHUTDOWN:
		return kvm_show(v, AXV_EXIT_SHUTDOWN);
	default:
		v->run.exit.fail_entry.hardware_reason = kvm->exit_reason;
		return kvm_show(v, AXV_EXIT_FAIL_ENTRY);
	}
}
