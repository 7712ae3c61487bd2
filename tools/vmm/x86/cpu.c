// SPDX-License-Identifier: GPL-2.0
/*
 * What is x86's of a vCPU: how it begins, its interrupts, its exits.
 *
 * The 8259 has one wire to the CPU, and the CPU acknowledges an interrupt at the
 * moment it takes it; acknowledged earlier, the interrupt could not be masked any
 * more.  So only the vCPU's thread acknowledges, and only if the exit said that
 * the guest would take an interrupt now.  Otherwise it asks for an exit at the
 * moment when the guest would (irq_window).
 */
#include <errno.h>
#include <string.h>

#include "board.h"
#include "cpuid.h"
#include "log.h"
#include "msr.h"

#define EXTINT_VCPU	0	/* the 8259's wire leads to the boot processor */

/* ---- how it begins ------------------------------------------------------ */

u64 board_hw_id(unsigned int id)
{
	return id;
}

int board_vcpu_create(struct vcpu *v)
{
	const struct cpuid_apic none = { 0 };

	return cpuid_setup(v->machine->host, v->axv, &none);
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

int board_vcpu_up(struct vcpu *v)
{
	const struct linux_entry *entry = &v->machine->board.entry;
	struct axv_x86_sregs sregs;
	struct axv_x86_gprs gprs;
	int err;

	/* Flat segments come with the mode; the selectors are Linux's wish. */
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
	return msr_init_vcpu(v->axv);
}

/* There is but one CPU, and nothing that switches it off alone. */
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

	if (axv_vcpu_id(v->axv) != EXTINT_VCPU)
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
	log_notice("rip %#llx: %s", gprs.rip, text);
	log_notice("rax %#llx rbx %#llx rcx %#llx rdx %#llx rsp %#llx",
		   gprs.gpr[AXV_X86_RAX], gprs.gpr[AXV_X86_RBX],
		   gprs.gpr[AXV_X86_RCX], gprs.gpr[AXV_X86_RDX],
		   gprs.gpr[AXV_X86_RSP]);
}

static int exit_hypercall(struct vcpu *v)
{
	/* There are none. */
	int err = axv_vcpu_set_reg(v->axv, AXV_REG_X86(GPR, AXV_X86_RAX),
				   (s64)-ENOSYS);

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
