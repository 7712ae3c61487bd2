// SPDX-License-Identifier: GPL-2.0
/*
 * axvmm's GIC (gic.h) on KVM: the kernel has the distributor and the redistributors,
 * so only the wires of axvmm's devices are left.
 */
#include <sys/ioctl.h>

#include "kvm-lib.h"
#include "log.h"
#include "machine.h"

static const struct machine *machine_of(const struct gic *gic)
{
	return gic->ops.arg;
}

static int set_attr(int fd, __u32 group, __u64 attr, const void *value)
{
	const struct kvm_device_attr a = {
		.group = group,
		.attr = attr,
		.addr = (unsigned long)value,
	};

	return ioctl(fd, KVM_SET_DEVICE_ATTR, &a) ? kvm_fail("KVM_SET_DEVICE_ATTR") : 0;
}

static int create(struct axv_vm *vm, u64 dist, u64 redist)
{
	struct kvm_create_device device = { .type = KVM_DEV_TYPE_ARM_VGIC_V3 };
	const u32 interrupts = GIC_INTIDS;
	int err;

	if (ioctl(vm->fd, KVM_CREATE_DEVICE, &device))
		return kvm_fail("KVM_CREATE_DEVICE");
	vm->arch.gic = device.fd;
	err = set_attr(device.fd, KVM_DEV_ARM_VGIC_GRP_NR_IRQS, 0, &interrupts);
	if (!err)
		err = set_attr(device.fd, KVM_DEV_ARM_VGIC_GRP_ADDR,
			       KVM_VGIC_V3_ADDR_TYPE_DIST, &dist);
	if (!err)
		err = set_attr(device.fd, KVM_DEV_ARM_VGIC_GRP_ADDR,
			       KVM_VGIC_V3_ADDR_TYPE_REDIST, &redist);
	return err;
}

int gic_init(struct gic *gic, struct bus *bus, u64 dist, u64 redist, const u64 *mpidrs,
	     unsigned int nr_cpus, const struct gic_cpu_ops *ops)
{
	int err;

	(void)bus;
	(void)mpidrs;
	(void)nr_cpus;
	gic->ops = *ops;
	err = create(machine_of(gic)->vm, dist, redist);
	if (err)
		log_error("%s", axv_error());
	return err;
}

static void set_wire(void *chip, unsigned int pin, bool level)
{
	struct gic *gic = chip;
	const struct kvm_irq_level line = {
		.irq = KVM_ARM_IRQ_TYPE_SPI << KVM_ARM_IRQ_TYPE_SHIFT | (GIC_PRIVATE + pin),
		.level = level,
	};

	if (gic->spis[pin].level == level)
		return;
	gic->spis[pin].level = level;
	if (ioctl(machine_of(gic)->vm->fd, KVM_IRQ_LINE, &line))
		log_error("KVM_IRQ_LINE, SPI %u: %m", pin);
}

/* The UART asks, to know when to take input.  KVM would tell by a slow call only. */
static bool wire_enabled(void *chip, unsigned int pin)
{
	(void)chip;
	(void)pin;
	return true;
}

struct irq_line gic_spi(struct gic *gic, unsigned int spi)
{
	return (struct irq_line){
		.set = set_wire, .enabled = wire_enabled, .chip = gic, .pin = spi,
	};
}

/* Functions that need not do anything, as KVM has the GIC. */

int gic_enter(struct gic *gic, unsigned int cpu)
{
	(void)gic;
	(void)cpu;
	return 0;
}

void gic_leave(struct gic *gic, unsigned int cpu)
{
	(void)gic;
	(void)cpu;
}

void gic_reset_cpu(struct gic *gic, unsigned int cpu)
{
	(void)gic;
	(void)cpu;
}

/* Messages: no guest of the bench has a device that sends any. */

void gic_set_messages(struct gic *gic, const struct gic_message_ops *ops)
{
	(void)gic;
	(void)ops;
}

void gic_message(struct gic *gic, unsigned int intid)
{
	(void)gic;
	(void)intid;
}

bool gic_delivery(struct gic *gic, unsigned int intid, u32 *cpu, u32 *priority)
{
	(void)gic;
	(void)intid;
	(void)cpu;
	(void)priority;
	return false;
}
