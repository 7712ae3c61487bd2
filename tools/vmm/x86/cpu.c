// SPDX-License-Identifier: GPL-2.0
/*
 * The x86 part of a vCPU: how it begins, its interrupts, its exits.
 *
 * The 8259 has one wire to the CPU.  A real CPU acknowledges an interrupt when it
 * takes it; if axvmm acknowledged earlier, the guest could not mask the interrupt any
 * more.  So only the vCPU's thread acknowledges, and only if the exit said that the
 * guest would take an interrupt now (ready_for_interrupt).  Otherwise the thread asks
 * for an exit at the moment when the guest would take one (irq_window).  With a local
 * APIC the wire is its LINT0, and the kernel module regards that one's mask, too.
 */
#include <errno.h>
#include <string.h>

#include <linux/kvm_para.h>

#include "apic.h"
#include "board.h"
#include "cpuid.h"
#include "log.h"
#include "msr.h"

#define BOOT_VCPU	0	/* where the 8259's wire leads */

#define SPURIOUS_VECTOR	0xff	/* as after a reset */

/* ---- how it begins ------------------------------------------------------ */

u64 board_hw_id(unsigned int id)
{
	return id;
}

int board_vcpu_create(struct vcpu *v)
{
	const struct machine *m = v->machine;
	const struct cpuid_apic apic = {
		.id = board_hw_id(axv_vcpu_id(v->axv)),
		.nr = m->board.apics,
	};

	return cpuid_setup(m->host, v->axv, &apic);
}

static void set_data_segments(struct axv_x86_sregs *sregs, u16 selector)
{
	static const int data[] = {
		AXV_X86_DS, AXV_X86_ES, AXV_X86_SS, AXV_X86_FS, AXV_X86_GS,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(data); i++)
		sregs->seg[data[i]].selector = selector;
}

/* Set the boot processor's APIC as firmware does: it lets the 8259's interrupts through. */
static int init_apic(struct vcpu *v)
{
	struct axv_reg regs[] = {
		{ .id = AXV_REG_X86(LAPIC, APIC_SVR), .value = SVR_ENABLE | SPURIOUS_VECTOR },
		{ .id = AXV_REG_X86(LAPIC, APIC_LVT_LINT0), .value = LVT_EXTINT },
		{ .id = AXV_REG_X86(LAPIC, APIC_LVT_LINT1), .value = LVT_NMI },
	};
	int failed = axv_vcpu_set_regs(v->axv, regs, ARRAY_SIZE(regs));

	if (failed)
		log_error("cannot set the local APIC's registers: %s",
			  failed < 0 ? axv_error() : "this kernel module has others");
	return failed ? -EIO : 0;
}

/* Start the boot processor where linux_load() says, in protected mode. */
static int start_boot_processor(struct vcpu *v)
{
	const struct linux_entry *entry = &v->machine->board.entry;
	struct axv_x86_sregs sregs;
	struct axv_x86_gprs gprs;
	int err;

	/* axvcpu's protected mode has flat segments; Linux wants certain selectors. */
	err = axv_vcpu_setup(v->axv, entry->ip, AXV_X86_MODE_PROTECTED);
	if (!err)
		err = axv_vcpu_get_sregs(v->axv, &sregs);
	if (!err) {
		sregs.seg[AXV_X86_CS].selector = entry->cs;
		set_data_segments(&sregs, entry->ds);
		sregs.gdtr.base = entry->gdt;
		sregs.gdtr.limit = entry->gdt_limit;
		err = axv_vcpu_set_sregs(v->axv, &sregs);
	}
	if (!err)
		err = axv_vcpu_get_gprs(v->axv, &gprs);
	if (!err) {
		memset(gprs.gpr, 0, sizeof(gprs.gpr));
		gprs.gpr[AXV_X86_RSI] = entry->boot_params;
		err = axv_vcpu_set_gprs(v->axv, &gprs);
	}
	if (err) {
		log_error("%s", axv_error());
		return err;
	}
	return v->machine->board.apics ? init_apic(v) : 0;
}

/* Any other processor waits until another CPU's APIC tells it where to start (SIPI). */
static int start_other_processor(struct vcpu *v)
{
	int err = axv_vcpu_setup(v->axv, 0, AXV_X86_MODE_REAL);

	if (err)
		log_error("%s", axv_error());
	return err;
}

int board_vcpu_up(struct vcpu *v)
{
	int err = axv_vcpu_id(v->axv) == BOOT_VCPU ? start_boot_processor(v) :
						     start_other_processor(v);

	return err ? err : msr_init_vcpu(v->axv);
}

/* Nothing switches an x86 vCPU off: a CPU that is not used waits in the guest. */
int board_vcpu_down(struct vcpu *v)
{
	(void)v;
	return 0;
}

/* ---- interrupts --------------------------------------------------------- */

/* Acknowledge a pending interrupt, or ask for the moment to do so. */
int board_vcpu_enter(struct vcpu *v)
{
	struct pics *pics = &v->machine->board.pics;
	int err;

	if (axv_vcpu_id(v->axv) != BOOT_VCPU)
		return 0;

	if (pic_pending(pics) && v->run->ready_for_interrupt) {
		err = axv_vcpu_inject_extint(v->axv, pic_acknowledge(pics));
		if (err) {
			log_error("%s", axv_error());
			return err;
		}
	}
	v->run->irq_window = pic_pending(pics);
	return 0;
}

/* ---- exits -------------------------------------------------------------- */

void board_vcpu_show(struct vcpu *v)
{
	struct axv_x86_gprs gprs;
	char text[128];

	if (axv_vcpu_get_gprs(v->axv, &gprs))
		return;
	if (axv_vcpu_disassemble(v->axv, text, sizeof(text)) < 0)
		strcpy(text, "(unreadable)");
	log_notice("CPU %u: rip %#llx: %s", axv_vcpu_id(v->axv), gprs.rip, text);
	log_notice("rax %#llx rbx %#llx rcx %#llx rdx %#llx rsp %#llx",
		   gprs.gpr[AXV_X86_RAX], gprs.gpr[AXV_X86_RBX],
		   gprs.gpr[AXV_X86_RCX], gprs.gpr[AXV_X86_RDX],
		   gprs.gpr[AXV_X86_RSP]);
}

static int exit_hypercall(struct vcpu *v)
{
	/* There are no hypercalls.  KVM, whose name CPUID has, would answer so. */
	int err = axv_vcpu_set_reg(v->axv, AXV_REG_X86(GPR, AXV_X86_RAX),
				   (s64)-KVM_ENOSYS);

	if (err)
		log_error("%s", axv_error());
	return err;
}

static int exit_unexpected(struct vcpu *v)
{
	u32 reason = v->run->exit_reason;

	log_error("unexpected exit %s (%u)", axv_exit_name(reason), reason);
	board_vcpu_show(v);
	return -EPROTO;
}

struct bus *board_ports(struct machine *m)
{
	return &m->board.ports;
}

/* The end of a level-triggered interrupt concerns only the I/O APIC, which has its own lock. */
bool board_vcpu_exit_unlocked(struct vcpu *v)
{
	if (v->run->exit_reason != AXV_EXIT_EOI)
		return false;
	ioapic_eoi(&v->machine->board.ioapic, v->run->exit.eoi.vector);
	return true;
}

int board_vcpu_exit(struct vcpu *v)
{
	struct machine *m = v->machine;
	struct axv_run *run = v->run;
	struct axv_exit_io *io = &run->exit.io;

	switch (run->exit_reason) {
	case AXV_EXIT_IO_READ:
		io->data = bus_read(&m->board.ports, io->port, io->width);
		return 0;
	case AXV_EXIT_IO_WRITE:
		bus_write(&m->board.ports, io->port, io->width, io->data);
		return 0;
	case AXV_EXIT_SYSREG_READ:
		msr_read(&run->exit.sysreg);
		return 0;
	case AXV_EXIT_SYSREG_WRITE:
		msr_write(&run->exit.sysreg);
		return 0;
	case AXV_EXIT_HYPERCALL:
		return exit_hypercall(v);
	case AXV_EXIT_IRQ_WINDOW:
		return 0;
	case AXV_EXIT_SHUTDOWN:
		log_notice("the guest's processor shut down (triple fault)");
		board_vcpu_show(v);
		machine_stop(m, MACHINE_TRIPLE_FAULT);
		return 0;
	default:
		return exit_unexpected(v);
	}
}
