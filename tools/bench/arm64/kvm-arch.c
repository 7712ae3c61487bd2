// SPDX-License-Identifier: GPL-2.0
/*
 * The functions of libaxvcpu that axvmm uses, on arm64's KVM, which has the GIC, the timer,
 * PSCI and halts in the kernel.  Only for one vCPU.
 */
#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "kvm-lib.h"

#define PSTATE	0x3c5ul		/* EL1h, DAIF masked */

#define CORE(field)	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
			 offsetof(struct kvm_regs, field) / sizeof(__u32))

/* ---- the host and virtual machines -------------------------------------- */

int axv_query(struct axv_host *host, enum axv_query_id id, __u64 *value)
{
	(void)host;
	switch (id) {
	case AXV_QUERY_IPA_BITS:
		*value = 40;		/* a VM of type 0 has these */
		return 0;
	case AXV_QUERY_MAX_VCPUS:
		*value = 1;
		return 0;
	default:
		return kvm_unsupported("query");
	}
}

/* The board makes the GIC later, as it knows the GIC's address. */
int kvm_arch_vm_init(struct axv_vm *vm)
{
	vm->arch.gic = -1;
	return 0;
}

/* ---- vCPUs: registers ---------------------------------------------------- */

int kvm_arch_vcpu_init(struct axv_vcpu *vcpu)
{
	const struct kvm_device_attr start = {
		.group = KVM_DEV_ARM_VGIC_GRP_CTRL,
		.attr = KVM_DEV_ARM_VGIC_CTRL_INIT,
	};
	struct kvm_vcpu_init init;

	if (ioctl(vcpu->vm->fd, KVM_ARM_PREFERRED_TARGET, &init))
		return kvm_fail("KVM_ARM_PREFERRED_TARGET");
	init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
	if (ioctl(vcpu->fd, KVM_ARM_VCPU_INIT, &init))
		return kvm_fail("KVM_ARM_VCPU_INIT");
	/* The GIC is initialized after the last vCPU; there is only one. */
	if (ioctl(vcpu->vm->arch.gic, KVM_SET_DEVICE_ATTR, &start))
		return kvm_fail("KVM_DEV_ARM_VGIC_CTRL_INIT");
	return 0;
}

static int set_core(struct axv_vcpu *vcpu, __u64 id, __u64 value)
{
	const struct kvm_one_reg reg = { .id = id, .addr = (unsigned long)&value };

	return ioctl(vcpu->fd, KVM_SET_ONE_REG, &reg) ? kvm_fail("KVM_SET_ONE_REG") : 0;
}

static int get_core(struct axv_vcpu *vcpu, __u64 id, __u64 *value)
{
	const struct kvm_one_reg reg = { .id = id, .addr = (unsigned long)value };

	return ioctl(vcpu->fd, KVM_GET_ONE_REG, &reg) ? kvm_fail("KVM_GET_ONE_REG") : 0;
}

int axv_vcpu_setup(struct axv_vcpu *vcpu, __u64 entry, __u32 mode)
{
	int err;

	if (mode != AXV_ARM64_MODE_EL1)
		return kvm_unsupported("that mode");
	err = set_core(vcpu, CORE(regs.pstate), PSTATE);
	return err ? err : set_core(vcpu, CORE(regs.pc), entry);
}

/* Set x0, the guest's argument at its start. */
int axv_vcpu_set_reg(struct axv_vcpu *vcpu, __u64 id, __u64 value)
{
	if (id != AXV_REG_ARM64(GPR, AXV_ARM64_X0))
		return kvm_unsupported("that register");
	return set_core(vcpu, CORE(regs.regs[0]), value);
}

/* Only PC and the like, for board_vcpu_show(). */
int axv_vcpu_get_gprs(struct axv_vcpu *vcpu, struct axv_arm64_gprs *g)
{
	int err = get_core(vcpu, CORE(regs.pc), &g->pc);

	if (!err)
		err = get_core(vcpu, CORE(regs.pstate), &g->pstate);
	if (!err)
		err = get_core(vcpu, CORE(regs.regs[0]), &g->x[0]);
	if (!err)
		err = get_core(vcpu, CORE(regs.regs[1]), &g->x[1]);
	return err ? err : get_core(vcpu, CORE(regs.regs[30]), &g->x[30]);
}

int axv_vcpu_reset(struct axv_vcpu *vcpu)
{
	(void)vcpu;
	return kvm_unsupported("reset");
}

/* Functions that only axvmm's own GIC would call. */

int axv_vcpu_get_regs(struct axv_vcpu *vcpu, struct axv_reg *regs, unsigned int count)
{
	(void)vcpu;
	(void)regs;
	(void)count;
	return kvm_unsupported("registers");
}

int axv_vcpu_inject(struct axv_vcpu *vcpu, const struct axv_inject *event)
{
	(void)vcpu;
	(void)event;
	return kvm_unsupported("injection");
}

int axv_vcpu_set_sgis(struct axv_vcpu *vcpu, const struct axv_sgis *sgis)
{
	(void)vcpu;
	(void)sgis;
	return kvm_unsupported("SGIs");
}

/* ---- vCPUs: running ----------------------------------------------------- */

bool kvm_arch_more(struct axv_vcpu *vcpu)
{
	(void)vcpu;
	return false;
}

void kvm_arch_complete(struct axv_vcpu *vcpu)
{
	(void)vcpu;
}

int kvm_arch_exit(struct axv_vcpu *v)
{
	if (v->kvm->exit_reason == KVM_EXIT_SYSTEM_EVENT) {
		v->run.exit.system_down.type =
			v->kvm->system_event.type == KVM_SYSTEM_EVENT_RESET ?
			AXV_SYSTEM_DOWN_RESET : AXV_SYSTEM_DOWN_OFF;
		return kvm_show(v, AXV_EXIT_SYSTEM_DOWN);
	}
	v->run.exit.fail_entry.hardware_reason = v->kvm->exit_reason;
	return kvm_show(v, AXV_EXIT_FAIL_ENTRY);
}
