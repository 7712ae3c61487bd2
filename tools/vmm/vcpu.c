// SPDX-License-Identifier: GPL-2.0
/*
 * One virtual CPU: its thread, and what is done about its exits.
 *
 * Interrupts.  The 8259 has one wire to the CPU, and the CPU acknowledges an
 * interrupt at the moment it takes it; acknowledged earlier, the interrupt
 * could not be masked any more.  So only the vCPU's thread acknowledges, and
 * only if the exit said that the guest would take an interrupt now.  Otherwise
 * it asks for an exit at the moment when the guest would (irq_window).
 *
 * No interrupt is lost: a device raises the wire with the machine's lock held.
 * Either the vCPU's thread has yet to look at the wire, under the same lock,
 * and sees it; or it has looked, and set @running before it let the lock go:
 * then the device kicks.  The kick ends the run under way, or the run about to
 * begin, or the halt, since kicks are sticky; and then the thread looks again.
 * The end of the machine is told the same way.
 */
#include <errno.h>
#include <string.h>

#include "cpuid.h"
#include "log.h"
#include "machine.h"
#include "msr.h"
#include "vcpu.h"

#define EXTINT_VCPU	0	/* the 8259's wire leads to the boot processor */

/* ---- setting up --------------------------------------------------------- */

int vcpu_init(struct vcpu *v, struct machine *m, u32 id, const void *cpu_set,
	      size_t cpu_set_size)
{
	const struct axv_vcpu_config config = {
		.id = id,
		.hw_id = id,
		.favor_phys_cpu = -1,
		.cpu_set = cpu_set,
		.cpu_set_size = cpu_set_size,
	};
	int err;

	v->machine = m;
	err = axv_vcpu_create(m->vm, &config, &v->axv);
	if (err) {
		log_error("%s", axv_error());
		return err;
	}
	v->run = axv_vcpu_run_page(v->axv);
	return cpuid_setup(m->host, v->axv);
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

int vcpu_boot(struct vcpu *v, const struct linux_entry *entry)
{
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

/* ---- exits: all with the machine's lock held ---------------------------- */

/* Nothing is in the guest's physical memory but memory. */
static int mmio_read(void *opaque, __u64 addr, unsigned int width, __u64 *data)
{
	(void)opaque;
	log_trace(LOG_IO, "read of %u bytes at %#llx: no device", width, addr);
	*data = width < 8 ? (1ull << (8 * width)) - 1 : ~0ull;
	return 0;
}

static int mmio_write(void *opaque, __u64 addr, unsigned int width, __u64 data)
{
	(void)opaque;
	log_trace(LOG_IO, "write of %#llx, %u bytes at %#llx: no device", data,
		  width, addr);
	return 0;
}

static const struct axv_mmio_ops mmio_ops = {
	.read = mmio_read,
	.write = mmio_write,
};

/* Where the guest is, for somebody who has to find out why. */
static void tell_place(struct vcpu *v)
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

static int exit_memory(struct vcpu *v)
{
	int err = axv_vcpu_handle_mmio(v->axv, &mmio_ops, v);

	if (err >= 0)
		return 0;
	log_error("%s", axv_error());
	tell_place(v);
	return err;
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

static int exit_wrong_cpu(struct vcpu *v)
{
	int err = axv_pin_thread(v->axv);

	if (err)
		log_error("%s", axv_error());
	return err;
}

static int exit_unexpected(struct vcpu *v)
{
	struct axv_run *run = v->run;

	if (run->exit_reason == AXV_EXIT_FAIL_ENTRY)
		log_error("the hardware refuses the guest's state: code %#llx on CPU %u",
			  run->exit.fail_entry.hardware_reason,
			  run->exit.fail_entry.cpu);
	else
		log_error("unexpected exit %s (%u)",
			  axv_exit_name(run->exit_reason), run->exit_reason);
	tell_place(v);
	return -EPROTO;
}

/* Returns 0 to run again, or a negative errno. */
static int handle_exit(struct vcpu *v)
{
	struct machine *m = v->machine;
	struct axv_run *run = v->run;
	struct axv_exit_io *io = &run->exit.io;

	switch (run->exit_reason) {
	case AXV_EXIT_IO_READ:
		io->data = bus_read(&m->bus, io->port, io->width);
		return 0;
	case AXV_EXIT_IO_WRITE:
		bus_write(&m->bus, io->port, io->width, io->data);
		return 0;
	case AXV_EXIT_MMIO_READ:
	case AXV_EXIT_MMIO_WRITE:
	case AXV_EXIT_NESTED_PAGE_FAULT:
		return exit_memory(v);
	case AXV_EXIT_SYSREG_READ:
		msr_read(&run->exit.sysreg);
		return 0;
	case AXV_EXIT_SYSREG_WRITE:
		msr_write(&run->exit.sysreg);
		return 0;
	case AXV_EXIT_HYPERCALL:
		return exit_hypercall(v);
	case AXV_EXIT_WRONG_CPU:
		return exit_wrong_cpu(v);
	case AXV_EXIT_KICKED:
	case AXV_EXIT_IRQ_WINDOW:
	case AXV_EXIT_NOTHING:
	case AXV_EXIT_EXTERNAL_INTERRUPT:
		return 0;
	case AXV_EXIT_SYSTEM_DOWN:
		machine_stop(m, MACHINE_OFF);
		return 0;
	case AXV_EXIT_SHUTDOWN:
		log_notice("the guest's processor shut down (triple fault)");
		tell_place(v);
		machine_stop(m, MACHINE_TRIPLE_FAULT);
		return 0;
	default:
		return exit_unexpected(v);
	}
}

/* ---- the thread --------------------------------------------------------- */

/* Acknowledge a pending interrupt, or ask for the moment to do so. */
static int offer_interrupt(struct vcpu *v)
{
	struct pics *pics = &v->machine->pics;
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

/* Run once.  The machine's lock is held on entry and on return. */
static int run_once(struct vcpu *v)
{
	struct machine *m = v->machine;
	int err;

	v->running = true;
	pthread_mutex_unlock(&m->lock);
	err = axv_vcpu_run(v->axv);
	pthread_mutex_lock(&m->lock);
	v->running = false;

	if (err)
		log_error("%s", axv_error());
	return err;
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *v = arg;
	struct machine *m = v->machine;
	int err;

	err = axv_pin_thread(v->axv);
	if (!err)
		err = axv_vcpu_bind(v->axv, 0);
	if (err)
		log_error("%s", axv_error());

	pthread_mutex_lock(&m->lock);
	while (!err && !machine_stopping(m)) {
		err = offer_interrupt(v);
		if (!err)
			err = run_once(v);
		if (!err)
			err = handle_exit(v);
	}
	if (err)
		machine_stop(m, MACHINE_ERROR);
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

int vcpu_start(struct vcpu *v)
{
	int err = pthread_create(&v->thread, NULL, vcpu_thread, v);

	if (err)
		log_error("cannot create a thread: %s", strerror(err));
	return -err;
}

void vcpu_notify(struct vcpu *v)
{
	if (v->running && axv_vcpu_kick(v->axv))
		log_error("%s", axv_error());
}
