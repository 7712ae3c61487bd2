// SPDX-License-Identifier: GPL-2.0
/* The benchmark through KVM. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "bench.h"
#include "marker.h"

static int dev = -1, vm = -1, has_irqchip;
static __thread int vcpu = -1;
static __thread struct kvm_run *run;
static struct {
	int fd;
	struct kvm_run *run;
} vcpus[MANY_VCPUS];
static unsigned int count;
static size_t run_size;

static void kvm_open(void)
{
	dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		die("open /dev/kvm");
	run_size = ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0);
}

static void kvm_set_region(unsigned int slot, uint64_t gpa, void *memory,
			   uint64_t size, int log)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.flags = log ? KVM_MEM_LOG_DIRTY_PAGES : 0,
		.guest_phys_addr = gpa,
		.memory_size = size,
		.userspace_addr = (uintptr_t)memory,
	};

	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		die("KVM_SET_USER_MEMORY_REGION");
}

static void kvm_add(unsigned int id, uint64_t pc)
{
	vcpu = ioctl(vm, KVM_CREATE_VCPU, (unsigned long)id);
	if (vcpu < 0)
		die("KVM_CREATE_VCPU");
	run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		die("mmap of the KVM vCPU");
	arch_kvm_init(vm, vcpu, id, pc, has_irqchip);
	vcpus[count].fd = vcpu;
	vcpus[count++].run = run;
}

static void kvm_create(void *memory, uint64_t pc, int irqchip)
{
	has_irqchip = irqchip;
	vm = ioctl(dev, KVM_CREATE_VM, 0);
	if (vm < 0)
		die("KVM_CREATE_VM");
	kvm_set_region(0, 0, memory, GUEST_MEMORY, 0);
	arch_kvm_vm(dev, vm, irqchip);
	kvm_add(0, pc);
}

static void kvm_destroy(void)
{
	while (count) {
		munmap(vcpus[--count].run, run_size);
		close(vcpus[count].fd);
	}
	close(vm);
}

static enum bench_exit kvm_run_once(void)
{
	if (ioctl(vcpu, KVM_RUN, 0) < 0)
		return errno == EINTR ? BENCH_KICKED : BENCH_OTHER;
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		return run->io.direction == KVM_EXIT_IO_IN ? BENCH_IN : BENCH_IO;
	case KVM_EXIT_MMIO:
		return run->mmio.is_write ? BENCH_MMIO : BENCH_MMIO_READ;
	case KVM_EXIT_HYPERCALL:
		return BENCH_HYPERCALL;
	default:
		return BENCH_OTHER;
	}
}

static void kvm_supply(uint64_t data)
{
	if (run->exit_reason == KVM_EXIT_IO)
		*((uint8_t *)run + run->io.data_offset) = data;
	else
		memcpy(run->mmio.data, &data, sizeof(data));
}

static void kvm_doorbell(int port, int fd)
{
	struct kvm_ioeventfd bell = {
		.flags = port ? KVM_IOEVENTFD_FLAG_PIO : 0,
		.len = port ? 1 : 4,
		.addr = port ? PORT_DOORBELL : GUEST_DOORBELL,
		.fd = fd,
	};

	if (ioctl(vm, KVM_IOEVENTFD, &bell))
		die("KVM_IOEVENTFD");
}

#if HAS_LAPIC
static void kvm_irqfd(int fd, unsigned int id, unsigned int vector)
{
	arch_kvm_irqfd(vm, fd, id, vector);
}
#endif

static void kvm_set_pc(uint64_t pc)
{
	/* The next entry completes the last exit, and may move the PC: do that first. */
	run->immediate_exit = 1;
	ioctl(vcpu, KVM_RUN, 0);
	run->immediate_exit = 0;
	arch_kvm_set_pc(vcpu, pc);
}

static void kvm_get_set_regs(void)
{
	arch_kvm_get_set_regs(vcpu);
}

static int kvm_share_regs(int on)
{
	return arch_kvm_share_regs(run, on);
}

static void kvm_touch_shared(void)
{
	arch_kvm_touch_shared(run);
}

static void kvm_kick(void)
{
	run->immediate_exit = 1;
}

static void kvm_kicked(void)
{
	run->immediate_exit = 0;
}

static void kvm_empty(void)
{
	ioctl(dev, KVM_GET_API_VERSION, 0);
}

const struct bench_vmm kvm_vmm = {
	.name = "kvm",
	.open = kvm_open,
	.create = kvm_create,
	.add = kvm_add,
	.set_region = kvm_set_region,
	.destroy = kvm_destroy,
	.run = kvm_run_once,
	.supply = kvm_supply,
	.doorbell = kvm_doorbell,
#if HAS_LAPIC
	.irqfd = kvm_irqfd,
#endif
	.set_pc = kvm_set_pc,
	.get_set_regs = kvm_get_set_regs,
	.share_regs = kvm_share_regs,
	.touch_shared = kvm_touch_shared,
	.kick = kvm_kick,
	.kicked = kvm_kicked,
	.empty = kvm_empty,
	.hypercall_exits = KVM_HYPERCALL_EXITS,
};
