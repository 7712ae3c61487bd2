// SPDX-License-Identifier: GPL-2.0
/* The benchmark through KVM. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>
#include <linux/kvm_para.h>

#include "bench.h"

static int dev = -1, vm = -1, vcpu = -1;
static struct kvm_run *run;
static size_t run_size;

static void kvm_open(void)
{
	dev = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (dev < 0)
		die("open /dev/kvm");
	run_size = ioctl(dev, KVM_GET_VCPU_MMAP_SIZE, 0);
}

static struct kvm_segment segment(unsigned int attr, unsigned int selector)
{
	return (struct kvm_segment) {
		.limit = 0xffffffff,
		.selector = selector,
		.type = attr & 0xf,
		.s = attr >> 4 & 1,
		.dpl = attr >> 5 & 3,
		.present = attr >> 7 & 1,
		.l = attr >> 9 & 1,
		.db = attr >> 10 & 1,
		.g = attr >> 11 & 1,
	};
}

static void kvm_create(void *memory, uint64_t rip)
{
	struct kvm_userspace_memory_region region = {
		.memory_size = GUEST_MEMORY,
		.userspace_addr = (uintptr_t)memory,
	};
	struct kvm_enable_cap hypercalls = {
		.cap = KVM_CAP_EXIT_HYPERCALL,
		.args[0] = 1u << KVM_HC_MAP_GPA_RANGE,
	};
	struct kvm_regs regs = { .rip = rip, .rflags = 2 };
	struct kvm_sregs sregs;

	vm = ioctl(dev, KVM_CREATE_VM, 0);
	if (vm < 0)
		die("KVM_CREATE_VM");
	if (ioctl(vm, KVM_SET_USER_MEMORY_REGION, &region))
		die("KVM_SET_USER_MEMORY_REGION");
	if (ioctl(vm, KVM_ENABLE_CAP, &hypercalls))
		die("KVM_CAP_EXIT_HYPERCALL");
	vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
	if (vcpu < 0)
		die("KVM_CREATE_VCPU");
	run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
	if (run == MAP_FAILED)
		die("mmap of the KVM vCPU");

	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		die("KVM_GET_SREGS");
	sregs.cs = segment(CODE_ATTR, 0x10);
	sregs.ss = segment(DATA_ATTR, 0x18);
	sregs.ds = sregs.ss;
	sregs.es = sregs.ss;
	sregs.cr0 = 0x80000011;
	sregs.cr3 = GUEST_TABLES;
	sregs.cr4 = 0x20;
	sregs.efer = 0x500;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs))
		die("KVM_SET_SREGS");
	if (ioctl(vcpu, KVM_SET_REGS, &regs))
		die("KVM_SET_REGS");
}

static void kvm_destroy(void)
{
	munmap(run, run_size);
	close(vcpu);
	close(vm);
}

static enum bench_exit kvm_run_once(void)
{
	if (ioctl(vcpu, KVM_RUN, 0) < 0)
		return errno == EINTR ? BENCH_KICKED : BENCH_OTHER;
	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		return BENCH_IO;
	case KVM_EXIT_MMIO:
		return BENCH_MMIO;
	case KVM_EXIT_HYPERCALL:
		return BENCH_HYPERCALL;
	default:
		return BENCH_OTHER;
	}
}

static void kvm_set_rip(uint64_t rip)
{
	struct kvm_regs regs = { .rip = rip, .rflags = 2 };

	/* What an exit left undone is done by the next entry: get past it. */
	run->immediate_exit = 1;
	ioctl(vcpu, KVM_RUN, 0);
	run->immediate_exit = 0;
	if (ioctl(vcpu, KVM_SET_REGS, &regs))
		die("KVM_SET_REGS");
}

static void kvm_get_set_regs(void)
{
	struct kvm_regs regs;

	ioctl(vcpu, KVM_GET_REGS, &regs);
	regs.r15++;
	ioctl(vcpu, KVM_SET_REGS, &regs);
}

static void kvm_share_regs(int on)
{
	run->kvm_valid_regs = on ? KVM_SYNC_X86_REGS : 0;
	run->kvm_dirty_regs = 0;
}

static void kvm_touch_shared(void)
{
	run->s.regs.regs.r15++;
	run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
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
	.destroy = kvm_destroy,
	.run = kvm_run_once,
	.set_rip = kvm_set_rip,
	.get_set_regs = kvm_get_set_regs,
	.share_regs = kvm_share_regs,
	.touch_shared = kvm_touch_shared,
	.kick = kvm_kick,
	.kicked = kvm_kicked,
	.empty = kvm_empty,
};
