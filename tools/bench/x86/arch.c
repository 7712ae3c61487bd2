// SPDX-License-Identifier: GPL-2.0
/* The benchmark's guest on x86: flat 64-bit segments, 4 GiB mapped one to one. */
#include <cpuid.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/axvcpu.h>
#include <linux/kvm.h>
#include <linux/kvm_para.h>

#include "bench.h"

/* Selectors. */
#define CODE		0x10ull
#define DATA		0x18ull

#define CODE_ATTR	0xa9b	/* long, present, code, accessed */
#define DATA_ATTR	0xc93

#define CR0		0x80000011
#define CR4		0x20
#define EFER		0x500
#define RFLAGS		2

/* Split irqchip: pins reserved for an I/O APIC in userspace, which the benchmark has not. */
#define IOAPIC_PINS	24

#define MSI_ADDRESS(id)	(0xfee00000u | (id) << 12)

/* CPUID leaf 1 */
#define CPUID_X2APIC	(1u << 21)	/* ECX */
#define CPUID_DEADLINE	(1u << 24)
#define CPUID_APIC	(1u << 9)	/* EDX */

#define MAX_LEAVES	256
#define MAX_ROUTES	2

extern const char guest_vmmcall[];	/* the instruction itself */
extern const char handle_ping[], handle_stop[], handle_ring[], handle_wake[], handle_taken[],
		  handle_kept[];

/* An interrupt gate in the code segment; see arch_kvm_init(). */
static void set_gate(char *memory, unsigned int vector, const char *handler)
{
	uint64_t *gate = (uint64_t *)(memory + GUEST_IDT + 16 * vector);
	uint64_t entry = GUEST_CODE + (handler - guest_begin);

	gate[0] = (entry & 0xffff) | CODE << 16 | 0x8eull << 40 | entry >> 16 << 48;
}

static void build_interrupts(char *memory)
{
	uint64_t *gdt = (uint64_t *)(memory + GUEST_GDT);
	unsigned int vector;

	gdt[CODE / 8] = 0x00af9b000000ffff;
	gdt[DATA / 8] = 0x00cf93000000ffff;
	set_gate(memory, INT_PING, handle_ping);
	set_gate(memory, INT_STOP, handle_stop);
	set_gate(memory, INT_RING, handle_ring);
	set_gate(memory, INT_WAKE, handle_wake);
	set_gate(memory, INT_TAKEN, handle_taken);
	for (vector = INT_KEPT; vector < 256; vector += 16)
		set_gate(memory, vector, handle_kept);
}

/* Make the guest's tables; 4 GiB are mapped by pages of 2 MiB. */
void arch_build_guest(char *memory)
{
	uint64_t *tables = (uint64_t *)(memory + GUEST_TABLES);
	unsigned int eax, ebx, ecx, edx, i;

	tables[0] = (GUEST_TABLES + 0x1000) | 3;
	for (i = 0; i < 4; i++)
		tables[512 + i] = (GUEST_TABLES + 0x2000 + 0x1000 * i) | 3;
	for (i = 0; i < 4 * 512; i++)
		tables[1024 + i] = ((uint64_t)i << 21) | 0x83;

	/* Intel processors have VMCALL instead of VMMCALL. */
	__cpuid(0, eax, ebx, ecx, edx);
	if (ebx == signature_INTEL_ebx)
		memory[GUEST_CODE + (guest_vmmcall - guest_begin) + 2] = (char)0xc1;
	build_interrupts(memory);
}

/* The CPUID table that KVM supports, with the features of its local APIC. */
static struct {
	struct kvm_cpuid2 head;
	struct kvm_cpuid_entry2 leaves[MAX_LEAVES];
} cpuid;

static struct {
	struct kvm_irq_routing head;
	struct kvm_irq_routing_entry entries[MAX_ROUTES];
} routing;

static void kvm_split(int dev, int vm)
{
	struct kvm_enable_cap split = {
		.cap = KVM_CAP_SPLIT_IRQCHIP,
		.args[0] = IOAPIC_PINS,
	};
	unsigned int i;

	if (ioctl(vm, KVM_ENABLE_CAP, &split))
		die("KVM_CAP_SPLIT_IRQCHIP");
	cpuid.head.nent = MAX_LEAVES;
	if (ioctl(dev, KVM_GET_SUPPORTED_CPUID, &cpuid))
		die("KVM_GET_SUPPORTED_CPUID");
	for (i = 0; i < cpuid.head.nent; i++) {
		if (cpuid.leaves[i].function != 1)
			continue;
		cpuid.leaves[i].ecx |= CPUID_X2APIC | CPUID_DEADLINE;
		cpuid.leaves[i].edx |= CPUID_APIC;
	}
	routing.head.nr = 0;
}

void arch_kvm_vm(int dev, int vm, int irqchip)
{
	struct kvm_enable_cap hypercalls = {
		.cap = KVM_CAP_EXIT_HYPERCALL,
		.args[0] = 1u << KVM_HC_MAP_GPA_RANGE,
	};

	if (ioctl(vm, KVM_ENABLE_CAP, &hypercalls))
		die("KVM_CAP_EXIT_HYPERCALL");
	if (irqchip)
		kvm_split(dev, vm);
}

void arch_kvm_irqfd(int vm, int fd, unsigned int id, unsigned int vector)
{
	struct kvm_irqfd irqfd = { .fd = fd, .gsi = vector };

	if (routing.head.nr == MAX_ROUTES) {
		errno = ENOSPC;
		die("routes");
	}
	routing.entries[routing.head.nr++] = (struct kvm_irq_routing_entry) {
		.gsi = vector,
		.type = KVM_IRQ_ROUTING_MSI,
		.u.msi.address_lo = MSI_ADDRESS(id),
		.u.msi.data = vector,
	};
	if (ioctl(vm, KVM_SET_GSI_ROUTING, &routing))
		die("KVM_SET_GSI_ROUTING");
	if (ioctl(vm, KVM_IRQFD, &irqfd))
		die("KVM_IRQFD");
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

/* Initialize a vCPU with a local APIC.  Without KVM_SET_MP_STATE vCPU 1 waits for a SIPI. */
static void kvm_init_apic(int vcpu, unsigned int id)
{
	struct kvm_mp_state state = { .mp_state = KVM_MP_STATE_RUNNABLE };

	if (ioctl(vcpu, KVM_SET_CPUID2, &cpuid))
		die("KVM_SET_CPUID2");
	if (id && ioctl(vcpu, KVM_SET_MP_STATE, &state))
		die("KVM_SET_MP_STATE");
}

void arch_kvm_init(int vm, int vcpu, unsigned int id, uint64_t pc, int irqchip)
{
	struct kvm_sregs sregs;

	(void)vm;
	if (irqchip)
		kvm_init_apic(vcpu, id);
	if (ioctl(vcpu, KVM_GET_SREGS, &sregs))
		die("KVM_GET_SREGS");
	sregs.cs = segment(CODE_ATTR, CODE);
	sregs.ss = segment(DATA_ATTR, DATA);
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

static void axv_set_cpuid(int vcpu)
{
	static struct axv_x86_cpuid leaves[MAX_LEAVES];
	struct axv_table table = {
		.kind = AXV_TABLE_X86_CPUID,
		.count = MAX_LEAVES,
		.entry_size = sizeof(leaves[0]),
		.entries = (uintptr_t)leaves,
	};
	unsigned int i;

	if (ioctl(vcpu, AXV_GET_TABLE, &table))
		die("AXV_GET_TABLE");
	for (i = 0; i < table.count; i++) {
		if (leaves[i].leaf != 1)
			continue;
		leaves[i].ecx |= CPUID_X2APIC | CPUID_DEADLINE;
		leaves[i].edx |= CPUID_APIC;
	}
	if (ioctl(vcpu, AXV_SET_TABLE, &table))
		die("AXV_SET_TABLE");
}

/* Make a vCPU runnable; otherwise vCPU 1 waits for a SIPI. */
static void axv_start(int vcpu)
{
	struct axv_reg regs[] = {
		{ .id = AXV_REG_X86(EVENT, AXV_X86_EVENT_WAIT_SIPI) },
		{ .id = AXV_REG_X86(EVENT, AXV_X86_EVENT_HALTED) },
	};
	struct axv_regs list = { .count = 2, .regs = (uintptr_t)regs };

	if (ioctl(vcpu, AXV_VCPU_SET_REGS, &list))
		die("AXV_VCPU_SET_REGS");
}

/* Called before the vCPU is bound to its thread. */
void arch_axv_interrupts(int vcpu)
{
	axv_set_cpuid(vcpu);
	axv_start(vcpu);
}

void arch_axv_init(struct axv_run *run, uint64_t pc)
{
	static const struct axv_x86_segment code = {
		.limit = 0xffffffff, .selector = CODE, .attr = CODE_ATTR,
	};
	static const struct axv_x86_segment data = {
		.limit = 0xffffffff, .selector = DATA, .attr = DATA_ATTR,
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

void arch_axv_irqfd(int vm, int fd, unsigned int id, unsigned int vector)
{
	struct axv_route route = {
		.gsi = vector,
		.address = MSI_ADDRESS(id),
		.data = vector,
	};
	struct axv_set_routes routes = { .count = 1, .routes = (uintptr_t)&route };
	struct axv_set_irqfd irqfd = { .fd = fd, .gsi = vector };

	if (ioctl(vm, AXV_VM_SET_ROUTES, &routes))
		die("AXV_VM_SET_ROUTES");
	if (ioctl(vm, AXV_VM_SET_IRQFD, &irqfd))
		die("AXV_VM_SET_IRQFD");
}

void arch_axv_set_pc(struct axv_run *run, uint64_t pc)
{
	run->regs.gprs = (struct axv_x86_gprs){ .rip = pc, .rflags = RFLAGS };
	run->dirty |= AXV_RUN_SET_GPRS;
}

void arch_axv_touch(struct axv_run *run)
{
	run->regs.gprs.gpr[AXV_X86_R15]++;
	run->dirty = AXV_RUN_SET_GPRS;
}
