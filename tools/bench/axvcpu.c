// SPDX-License-Identifier: GPL-2.0
/* The benchmark through axvcpu. */
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/axvcpu.h>

#include "bench.h"
#include "marker.h"

static int dev = -1, vm = -1, has_irqchip;
static __thread int vcpu = -1;
static __thread struct axv_run *run;
static struct {
	int fd;
	struct axv_run *run;
} vcpus[MANY_VCPUS];
static unsigned int count;
static size_t run_size;

static void axv_open(void)
{
	struct axv_query query = { .id = AXV_QUERY_RUN_SIZE };

	dev = open("/dev/axvcpu", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		die("open /dev/axvcpu");
	if (ioctl(dev, AXV_QUERY, &query))
		die("AXV_QUERY");
	run_size = query.value;
}

static void axv_set_region(unsigned int id, uint64_t gpa, void *memory,
			   uint64_t size, int log)
{
	struct axv_region region = {
		.id = id,
		.flags = log ? AXV_REGION_LOG_DIRTY : 0,
		.fd = -1,
		.gpa = gpa,
		.size = size,
		.hva = (uintptr_t)memory,
	};

	if (ioctl(vm, AXV_VM_SET_REGION, &region))
		die("AXV_VM_SET_REGION");
}

static void axv_add(unsigned int id, uint64_t pc)
{
	struct axv_create_vcpu cpu = { .id = id, .hw_id = id, .favor_phys_cpu = -1 };
	struct axv_setup setup = { .mode = AXV_MODE };
	struct axv_bind bind = { 0 };

	vcpu = ioctl(vm, AXV_VM_CREATE_VCPU, &cpu);
	if (vcpu < 0)
		die("AXV_VM_CREATE_VCPU");
	run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu,
		   AXV_MMAP_RUN);
	if (run == MAP_FAILED)
		die("mmap of the run page");
	if (ioctl(vcpu, AXV_VCPU_SETUP, &setup))
		die("AXV_VCPU_SETUP");
	if (has_irqchip)
		arch_axv_interrupts(vcpu);
	if (ioctl(vcpu, AXV_VCPU_BIND, &bind))
		die("AXV_VCPU_BIND");
	arch_axv_init(run, pc);
	vcpus[count].fd = vcpu;
	vcpus[count++].run = run;
}

static void axv_create(void *memory, uint64_t pc, int irqchip)
{
	struct axv_create_vm config = {
		.irqchip = irqchip ? AXV_KERNEL_IRQCHIP : AXV_IRQCHIP_NONE,
		.flags = irqchip ? AXV_KERNEL_IRQCHIP_FLAGS : 0,
	};

	has_irqchip = irqchip;
	vm = ioctl(dev, AXV_CREATE_VM, &config);
	if (vm < 0)
		die("AXV_CREATE_VM");
	axv_set_region(0, 0, memory, GUEST_MEMORY, 0);
	axv_add(0, pc);
}

static void axv_destroy(void)
{
	while (count) {
		munmap(vcpus[--count].run, run_size);
		close(vcpus[count].fd);
	}
	close(vm);
}

static enum bench_exit axv_run_once(void)
{
	while (!ioctl(vcpu, AXV_VCPU_RUN)) {
		switch (run->exit_reason) {
		case AXV_EXIT_IO_WRITE:
			return BENCH_IO;
		case AXV_EXIT_IO_READ:
			return BENCH_IN;
		case AXV_EXIT_MMIO_WRITE:
			return BENCH_MMIO;
		case AXV_EXIT_MMIO_READ:
			return BENCH_MMIO_READ;
		case AXV_EXIT_HYPERCALL:
			return BENCH_HYPERCALL;
		case AXV_EXIT_KICKED:
			return BENCH_KICKED;
		case AXV_EXIT_NOTHING:
			/* The run ended as the thread had other work to do in the kernel. */
			continue;
		default:
			return BENCH_OTHER;
		}
	}
	return BENCH_OTHER;
}

static void axv_supply(uint64_t data)
{
	if (run->exit_reason == AXV_EXIT_IO_READ)
		run->exit.io.data = data;
	else
		run->exit.mmio.data = data;
}

static void axv_doorbell(int port, int fd)
{
	const struct axv_doorbell bell = {
		.flags = port ? AXV_DOORBELL_PORT : 0,
		.width = port ? 1 : 4,
		.addr = port ? PORT_DOORBELL : GUEST_DOORBELL,
		.fd = fd,
	};

	if (ioctl(vm, AXV_VM_SET_DOORBELL, &bell))
		die("AXV_VM_SET_DOORBELL");
}

#if HAS_LAPIC
static void axv_irqfd(int fd, unsigned int id, unsigned int vector)
{
	arch_axv_irqfd(vm, fd, id, vector);
}
#endif

static void axv_set_pc(uint64_t pc)
{
	arch_axv_set_pc(run, pc);
}

static void axv_get_set_regs(void)
{
	run->want = AXV_RUN_SET_GPRS;
	ioctl(vcpu, AXV_VCPU_SYNC);
	run->want = 0;
	arch_axv_touch(run);
	ioctl(vcpu, AXV_VCPU_SYNC);
}

static int axv_share_regs(int on)
{
	run->want = on ? AXV_RUN_SET_GPRS : 0;
	return 1;
}

static void axv_touch_shared(void)
{
	arch_axv_touch(run);
}

static void axv_kick(void)
{
	ioctl(vcpu, AXV_VCPU_KICK);
}

/* Nothing to undo: a kick ends one run only. */
static void axv_kicked(void)
{
}

/* axvcpu has no such command, so the call does as little as possible. */
static void axv_empty(void)
{
	ioctl(dev, _IO(AXV_IOCTL, 0xff));
}

const struct bench_vmm axvcpu_vmm = {
	.name = "axvcpu",
	.open = axv_open,
	.create = axv_create,
	.add = axv_add,
	.set_region = axv_set_region,
	.destroy = axv_destroy,
	.run = axv_run_once,
	.supply = axv_supply,
	.doorbell = axv_doorbell,
#if HAS_LAPIC
	.irqfd = axv_irqfd,
#endif
	.set_pc = axv_set_pc,
	.get_set_regs = axv_get_set_regs,
	.share_regs = axv_share_regs,
	.touch_shared = axv_touch_shared,
	.kick = axv_kick,
	.kicked = axv_kicked,
	.empty = axv_empty,
	.hypercall_exits = 1,
};
