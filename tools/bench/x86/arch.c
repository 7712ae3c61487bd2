// SPDX-License-Identifier: GPL-2.0
/* The benchmark's guest on x86: flat 64-bit segments, 4 GiB mapped one to one. */
#include <cpuid.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/axvcpu.h>
#include <linux/kvm.h>
#include <linux/kvm_para.h>

#include "bench.h"

#define CODE_ATTR	0xa9b	/* long, present, code, accessed */
#define DATA_ATTR	0xc93

#define CR0		0x80000011
#define CR4		0x20
#define EFER		0x500
#define RFLAGS		2

extern const char guest_vmmcall[];	/* the instruction itself */

/* By 2 MiB pages. */
void arch_build_guest(char *memory)
{
	uint64_t *tables = (uint64_t *)(memory + GUEST_TABLES);
	unsigned int eax, ebx, ecx, edx, i;

	tables[0] = (GUEST_TABLES + 0x1000) | 3;
	for (i = 0; i < 4; i++)
		tables[512 + i] = (GUEST_TABLES + 0x2000 + 0x1000 * i) | 3;
	for (i = 0; i < 4 * 512; i++)
		tables[1024 + i] = ((uint64_t)i << 21) | 0x83;

	/* Intel calls it VMCALL, and knows no other. */
	__cpuid(0, eax, ebx, ecx, edx);
	if (ebx == signature_INTEL_ebx)
		memory[GUEST_CODE + (guest_vmmcall - guest_begin) + 2] = (char)0xc1;
}

void arch_kvm_vm(int vm)
{
	struct kvm_enable_cap hypercalls = {
		.cap = KVM_CAP_EXIT_HYPERCALL,
		.args[0] = 1u << KVM_HC_MAP_GPA_RANGE,
	};

	if (ioctl(vm, KVM_ENABLE_CAP, &hypercalls))
		die("KVM_CAP_EXIT_HYPERCALL");
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

void arch_kvm_init(int vm, int vcpu, uint64_t pc)
{
	struct kvm_sregs sregs;

	(void)vm;
	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		die("KVM_GET_SREGS");
	sregs.cs = segment(CODE_ATTR, 0x10);
	sregs.ss = segment(DATA_ATTR, 0x18);
	sregs.ds = sregs.ss;
	sregs.es = sregs.ss;
	sregs.cr0 = CR0;
	sregs.cr3 = GUEST_TABLES;
	sregs.cr4 = CR4;
	sregs.efer = EFER;
	if (ioctl(vcpu, KVM_SET_SREGS, &sregs))
		die("KVM_SET_SREGS");
	arch_kvm_set_pc(vcpu, pc);
}

void arch_kvm_set_pc(int vcpu, uint64_t pc)
{
	struct kvm_regs regs = { .rip = pc, .rflags = RFLAGS };

	if (ioctl(vcpu, KVM_SET_REGS, &regs))
		die("KVM_SET_REGS");
}

void arch_kvm_get_set_regs(int vcpu)
{
	struct kvm_regs regs;

	ioctl(vcpu, KVM_GET_REGS, &regs);
	regs.r15++;
	ioctl(vcpu, KVM_SET_REGS, &regs);
}

int arch_kvm_share_regs(struct kvm_run *run, int on)
{
	run->kvm_valid_regs = on ? KVM_SYNC_X86_REGS : 0;
	run->kvm_dirty_regs = 0;
	return 1;
}

void arch_kvm_touch_shared(struct kvm_run *run)
{
	run->s.regs.regs.r15++;
	run->kvm_dirty_regs = KVM_SYNC_X86_REGS;
}

void arch_axv_init(struct axv_run *run, uint64_t pc)
{
	static const struct axv_x86_segment code = {
		.limit = 0xffffffff, .selector = 0x10, .attr = CODE_ATTR,
	};
	static const struct axv_x86_segment data = {
		.limit = 0xffffffff, .selector = 0x18, .attr = DATA_ATTR,
	};
	struct axv_x86_sregs *sregs = &run->regs.sregs;

	sregs->seg[AXV_X86_CS] = code;
	sregs->seg[AXV_X86_SS] = data;
	sregs->seg[AXV_X86_DS] = data;
	sregs->seg[AXV_X86_ES] = data;
	sregs->seg[AXV_X86_FS] = data;
	sregs->seg[AXV_X86_GS] = data;
	sregs->seg[AXV_X86_TR].attr = 0x8b;
	sregs->seg[AXV_X86_TR].limit = 0xffff;
	sregs->seg[AXV_X86_LDTR].attr = 0x82;
	sregs->seg[AXV_X86_LDTR].limit = 0xffff;
	sregs->cr0 = CR0;
	sregs->cr3 = GUEST_TABLES;
	sregs->cr4 = CR4;
	sregs->efer = EFER;
	arch_axv_set_pc(run, pc);
	run->dirty |= AXV_RUN_SET_SREGS;
}

void arch_axv_set_pc(struct axv_run *run, uint64_t pc)
{
	run->regs.gprs = (struct axv_x86_gprs){ .rip = pc, .rflags = RFLAGS };
	run->dirty = AXV_RUN_SET_GPRS;
}

void arch_axv_touch(struct axv_run *run)
{
	run->regs.gprs.gpr[AXV_X86_R15]++;
	run->dirty = AXV_RUN_SET_GPRS;
}
