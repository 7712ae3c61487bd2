// SPDX-License-Identifier: GPL-2.0
/* The benchmark's guest on arm64: EL1, MMU and caches on, 4 GiB mapped one to one. */
#include <stddef.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/axvcpu.h>
#include <linux/kvm.h>

#include "bench.h"

/* VMSAv8-64: blocks of 1 GiB, inner shareable, attribute 0 of MAIR_EL1. */
#define BLOCK		0x701ul		/* AF, SH, valid */
#define MAIR		0xfful		/* 0: write-back */
#define TCR		0x803519ul	/* 39 bits, only by TTBR0_EL1, write-back */
#define SCTLR		0x30d01805ul	/* M, C, I */
#define PSTATE		0x3c5ul		/* EL1h, DAIF masked */

void arch_build_guest(char *memory)
{
	uint64_t *table = (uint64_t *)(memory + GUEST_TABLES);
	unsigned int i;

	for (i = 0; i < 4; i++)
		table[i] = (uint64_t)i << 30 | BLOCK;
}

#define CORE(field)	(KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM_CORE | \
			 offsetof(struct kvm_regs, field) / sizeof(__u32))

/* X0 to X30, SP, PC and PSTATE have consecutive numbers. */
#define GPRS		34
#define GPR(n)		(CORE(regs) + 2 * (n))
#define X15		15

static uint64_t kvm_get(int vcpu, uint64_t id)
{
	uint64_t value;
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	if (ioctl(vcpu, KVM_GET_ONE_REG, &reg))
		die("KVM_GET_ONE_REG");
	return value;
}

static void kvm_set(int vcpu, uint64_t id, uint64_t value)
{
	struct kvm_one_reg reg = { .id = id, .addr = (uintptr_t)&value };

	if (ioctl(vcpu, KVM_SET_ONE_REG, &reg))
		die("KVM_SET_ONE_REG");
}

/* Addresses of KVM's GIC, which the guest does not access. */
#define DIST		0x08000000ull
#define REDIST		0x080a0000ull
#define GIC_INTIDS	64

/* Offsets of registers, and GICD_CTLR.EnableGrp1. */
#define GICD_CTLR	0x0
#define GICR_ISENABLER0	0x10100
#define ENABLE_GROUP_1	2

static int gic;

static void gic_set(unsigned int group, uint64_t attr, const void *value)
{
	const struct kvm_device_attr a = {
		.group = group,
		.attr = attr,
		.addr = (uintptr_t)value,
	};

	if (ioctl(gic, KVM_SET_DEVICE_ATTR, &a))
		die("KVM_SET_DEVICE_ATTR");
}

void arch_kvm_vm(int dev, int vm, int irqchip)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	const uint32_t interrupts = GIC_INTIDS;
	const uint64_t dist = DIST, redist = REDIST;

	(void)dev;
	if (!irqchip)
		return;
	if (ioctl(vm, KVM_CREATE_DEVICE, &device))
		die("KVM_CREATE_DEVICE");
	gic = device.fd;
	gic_set(KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &interrupts);
	gic_set(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_DIST, &dist);
	gic_set(KVM_DEV_ARM_VGIC_GRP_ADDR, KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist);
}

/* Called when both vCPUs exist: enables their SGIs. */
static void start_gic(void)
{
	const uint32_t enabled = 0xffff, control = ENABLE_GROUP_1;
	uint64_t id;

	gic_set(KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
	gic_set(KVM_DEV_ARM_VGIC_GRP_DIST_REGS, GICD_CTLR, &control);
	for (id = 0; id < 2; id++)
		gic_set(KVM_DEV_ARM_VGIC_GRP_REDIST_REGS,
			id << KVM_DEV_ARM_VGIC_V3_MPIDR_SHIFT | GICR_ISENABLER0, &enabled);
	close(gic);
}

void arch_kvm_init(int vm, int vcpu, unsigned int id, uint64_t pc, int irqchip)
{
	struct kvm_vcpu_init init;

	if (ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init))
		die("KVM_ARM_PREFERRED_TARGET");
	init.features[0] |= 1u << KVM_ARM_VCPU_PSCI_0_2;
	if (ioctl(vcpu, KVM_ARM_VCPU_INIT, &init))
		die("KVM_ARM_VCPU_INIT");
	kvm_set(vcpu, ARM64_SYS_REG(3, 0, 2, 0, 0), GUEST_TABLES);
	kvm_set(vcpu, ARM64_SYS_REG(3, 0, 2, 0, 2), TCR);
	kvm_set(vcpu, ARM64_SYS_REG(3, 0, 10, 2, 0), MAIR);
	kvm_set(vcpu, ARM64_SYS_REG(3, 0, 1, 0, 0), SCTLR);
	kvm_set(vcpu, CORE(regs.pstate), PSTATE);
	arch_kvm_set_pc(vcpu, pc);
	if (irqchip && id)
		start_gic();
}

void arch_kvm_set_pc(int vcpu, uint64_t pc)
{
	kvm_set(vcpu, CORE(regs.pc), pc);
}

/* arm64's KVM has a call for one register only. */
void arch_kvm_get_set_regs(int vcpu)
{
	uint64_t value[GPRS];
	unsigned int i;

	for (i = 0; i < GPRS; i++)
		value[i] = kvm_get(vcpu, GPR(i));
	value[X15]++;
	for (i = 0; i < GPRS; i++)
		kvm_set(vcpu, GPR(i), value[i]);
}

int arch_kvm_share_regs(struct kvm_run *run, int on)
{
	(void)run;
	(void)on;
	return 0;
}

void arch_kvm_touch_shared(struct kvm_run *run)
{
	(void)run;
}

/* Enable the SGIs, which axvmm's GIC would do otherwise. */
void arch_axv_interrupts(int vcpu)
{
	const struct axv_sgis sgis = { .enabled = 0xffff };

	if (ioctl(vcpu, AXV_VCPU_SET_SGIS, &sgis))
		die("AXV_VCPU_SET_SGIS");
}

void arch_axv_init(struct axv_run *run, uint64_t pc)
{
	run->regs.sregs = (struct axv_arm64_sregs){
		.ttbr0_el1 = GUEST_TABLES,
		.tcr_el1 = TCR,
		.mair_el1 = MAIR,
		.sctlr_el1 = SCTLR,
	};
	arch_axv_set_pc(run, pc);
	run->dirty |= AXV_RUN_SET_SREGS;
}

void arch_axv_set_pc(struct axv_run *run, uint64_t pc)
{
	run->regs.gprs = (struct axv_arm64_gprs){ .pc = pc, .pstate = PSTATE };
	run->dirty |= AXV_RUN_SET_GPRS;
}

void arch_axv_touch(struct axv_run *run)
{
	run->regs.gprs.x[X15]++;
	run->dirty = AXV_RUN_SET_GPRS;
}
