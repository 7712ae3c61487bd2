// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * KVM_RUN, and struct kvm_run.
 *
 * The module shows a read before the instruction and takes the data with the next run, as
 * KVM does.  An instruction that the module does not decode is executed by libaxvcpu, which
 * asks for data in the middle of it: it does so in a coroutine, which waits there for the
 * next KVM_RUN.  KVM_RUN may come from another thread by then.
 */
#include <errno.h>
#include <string.h>

#include <linux/kvm_para.h>

#include "chips.h"
#include "debug.h"
#include "signals.h"
#include "vcpu.h"

#define RFLAGS_IF	(1u << 9)

/* The bits of IA32_APIC_BASE that the run page tells. */
#define APIC_BASE_LOW	0xffffull

/* What an exit means for KVM_RUN. */
#define TO_VMM		0	/* it returns 0 */
#define GO_ON		1	/* the guest goes on */
				/* negative: it fails */

static int show(struct vcpu *v, __u32 reason)
{
	v->run->exit_reason = reason;
	return TO_VMM;
}

void run_publish(struct vcpu *v)
{
	const struct axv_run *page = v->page;
	struct kvm_run *run = v->run;

	/*
	 * A VM with a PIC takes no interrupts of the VMM's (KVM_INTERRUPT), and always shows
	 * itself ready, as KVM does.
	 */
	run->ready_for_interrupt_injection = v->vm->chips || page->ready_for_interrupt;
	run->if_flag = !!(page->regs.gprs.rflags & RFLAGS_IF);
	run->flags = 0;
	run->cr8 = page->cr8;
	run->apic_base = v->apic_base;
}

/* ---- accesses ----------------------------------------------------------- */

static int show_io(struct vcpu *v, bool in, __u16 port, unsigned int width, unsigned int count)
{
	v->run->io.direction = in ? KVM_EXIT_IO_IN : KVM_EXIT_IO_OUT;
	v->run->io.size = width;
	v->run->io.port = port;
	v->run->io.count = count;
	v->run->io.data_offset = PIO_OFFSET;
	return show(v, KVM_EXIT_IO);
}

static int show_mmio(struct vcpu *v, bool write, __u64 addr, unsigned int width, __u64 data)
{
	struct kvm_run *run = v->run;

	run->mmio.phys_addr = addr;
	run->mmio.len = width;
	run->mmio.is_write = write;
	memset(run->mmio.data, 0, sizeof(run->mmio.data));
	if (write)
		memcpy(run->mmio.data, &data, width);
	return show(v, KVM_EXIT_MMIO);
}

static __u64 loaded(const void *from, unsigned int width)
{
	__u64 data = 0;

	memcpy(&data, from, width);
	return data;
}

/* ---- instructions that libaxvcpu executes ------------------------------- */

/*
 * Let KVM_RUN return to the VMM.  Return: 0: the VMM has answered by the next KVM_RUN; negative:
 * run_forget() gives the instruction up.
 */
static int wait_for_vmm(struct vcpu *v)
{
	if (!v->cancelled)
		coroutine_wait(&v->finish);
	return v->cancelled ? -ECANCELED : 0;
}

static int finish_read(void *opaque, __u64 addr, unsigned int width, __u64 *data)
{
	struct vcpu *v = opaque;
	int err;

	if (chips_access(v, false, false, addr, width, data))
		return 0;
	show_mmio(v, false, addr, width, 0);
	err = wait_for_vmm(v);
	if (!err)
		*data = loaded(v->run->mmio.data, width);
	return err;
}

static int finish_write(void *opaque, __u64 addr, unsigned int width, __u64 data)
{
	struct vcpu *v = opaque;

	if (eventfd_ring(v->vm, false, addr, width, data) ||
	    chips_access(v, false, true, addr, width, &data))
		return 0;
	show_mmio(v, true, addr, width, data);
	return wait_for_vmm(v);
}

/* How many of @count elements have room behind struct kvm_run. */
static unsigned int some(unsigned int count, unsigned int width)
{
	return count < PIO_SIZE / width ? count : PIO_SIZE / width;
}

static int finish_port_read(void *opaque, __u16 port, unsigned int width, void *data,
			    unsigned int count)
{
	struct vcpu *v = opaque;
	unsigned char *p = data;
	unsigned int n;
	__u64 one;
	int err = 0;

	for (; count && !err; count -= n, p += n * width) {
		n = 1;
		if (chips_access(v, true, false, port, width, &one)) {
			memcpy(p, &one, width);
			continue;
		}
		n = some(count, width);
		show_io(v, true, port, width, n);
		err = wait_for_vmm(v);
		if (!err)
			memcpy(p, v->pio, n * width);
	}
	return err;
}

static int finish_port_write(void *opaque, __u16 port, unsigned int width, const void *data,
			     unsigned int count)
{
	struct vcpu *v = opaque;
	const unsigned char *p = data;
	unsigned int n;
	__u64 one;
	int err = 0;

	for (; count && !err; count -= n, p += n * width) {
		n = 1;
		one = loaded(p, width);
		if (eventfd_ring(v->vm, true, port, width, one) ||
		    chips_access(v, true, true, port, width, &one))
			continue;
		n = some(count, width);
		memcpy(v->pio, p, n * width);
		show_io(v, false, port, width, n);
		err = wait_for_vmm(v);
	}
	return err;
}

static const struct axv_mmio_ops finish_ops = {
	.read = finish_read,
	.write = finish_write,
	.port_read = finish_port_read,
	.port_write = finish_port_write,
};

static void finish(void *arg)
{
	struct vcpu *v = arg;

	v->finish_result = axv_vcpu_finish(v->axv, &finish_ops, v);
	if (v->finish_result < 0 && !v->cancelled)
		debug("%s", axv_error());
}

static int internal_error(struct vcpu *v)
{
	v->run->internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	v->run->internal.ndata = 0;
	return show(v, KVM_EXIT_INTERNAL_ERROR);
}

/* The coroutine has returned: axv_vcpu_finish() waits for the VMM, or is done. */
static int after_finish(struct vcpu *v)
{
	if (v->finish.waits) {
		v->pending = PENDING_FINISH;
		return TO_VMM;
	}
	/*
	 * The guest has executed an instruction since the exit that told whether it can take an
	 * interrupt.
	 */
	v->ready = false;
	if (v->finish_result < 0)
		return internal_error(v);
	return GO_ON;
}

static int start_finish(struct vcpu *v)
{
	int err = coroutine_start(&v->finish, finish, v);

	return err ? err : after_finish(v);
}

void run_forget(struct vcpu *v)
{
	/*
	 * An access that the module has decoded is not given up.  The module takes its data
	 * with the next run if the instruction is still the same, and otherwise ignores them.
	 */
	if (v->pending != PENDING_FINISH)
		return;
	/* Let axv_vcpu_finish() return, so that it frees what it has. */
	v->cancelled = true;
	coroutine_go_on(&v->finish);
	v->cancelled = false;
	v->pending = PENDING_NONE;
}

/* ---- exits -------------------------------------------------------------- */

static int exit_io(struct vcpu *v, bool in)
{
	struct axv_exit_io *io = &v->page->exit.io;
	__u64 data = io->data;

	if (chips_access(v, true, !in, io->port, io->width, &data)) {
		if (in)
			io->data = data;
		return GO_ON;
	}
	if (in)
		v->pending = PENDING_IO;
	else
		memcpy(v->pio, &io->data, io->width);
	return show_io(v, in, io->port, io->width, 1);
}

static int exit_mmio(struct vcpu *v, bool write)
{
	struct axv_exit_mmio *mmio = &v->page->exit.mmio;
	__u64 data = mmio->data;

	if (chips_access(v, false, write, mmio->addr, mmio->width, &data)) {
		if (!write)
			mmio->data = data;
		return GO_ON;
	}
	if (!write)
		v->pending = PENDING_MMIO;
	return show_mmio(v, write, mmio->addr, mmio->width, mmio->data);
}

static int exit_fault(struct vcpu *v)
{
	const struct axv_exit_fault *fault = &v->page->exit.fault;

	/* The VMM's own memory cannot be accessed: KVM_RUN has an error for that, no exit. */
	if (fault->cause == AXV_FAULT_HOST)
		return -EFAULT;
	return start_finish(v);
}

/* There are no hypercalls.  The guest gets KVM_ENOSYS, and the VMM no exit, as on KVM. */
static int exit_hypercall(struct vcpu *v)
{
	v->page->regs.gprs.gpr[AXV_X86_RAX] = -(__u64)KVM_ENOSYS;
	v->page->dirty |= AXV_RUN_SET_GPRS;
	return GO_ON;
}

static int exit_eoi(struct vcpu *v)
{
	__u8 vector = v->page->exit.eoi.vector;

	if (v->vm->chips) {
		chips_eoi(v, vector);
		return GO_ON;
	}
	v->run->eoi.vector = vector;
	return show(v, KVM_EXIT_IOAPIC_EOI);
}

static int exit_fail_entry(struct vcpu *v)
{
	const struct axv_exit_fail_entry *fail = &v->page->exit.fail_entry;
	char text[160];

	if (!axv_vcpu_explain(v->axv, text, sizeof(text)))
		debug("the guest cannot be entered: %s", text);
	v->run->fail_entry.hardware_entry_failure_reason = fail->hardware_reason;
	v->run->fail_entry.cpu = fail->cpu;
	return show(v, KVM_EXIT_FAIL_ENTRY);
}

static int handle_exit(struct vcpu *v)
{
	switch (v->page->exit_reason) {
	case AXV_EXIT_IO_READ:
	case AXV_EXIT_IO_WRITE:
		return exit_io(v, v->page->exit_reason == AXV_EXIT_IO_READ);
	case AXV_EXIT_MMIO_READ:
	case AXV_EXIT_MMIO_WRITE:
		return exit_mmio(v, v->page->exit_reason == AXV_EXIT_MMIO_WRITE);
	case AXV_EXIT_NESTED_PAGE_FAULT:
		return exit_fault(v);
	case AXV_EXIT_IO_STRING:
	case AXV_EXIT_MSW:
	case AXV_EXIT_TASK_SWITCH:
		return start_finish(v);
	case AXV_EXIT_HYPERCALL:
		return exit_hypercall(v);
	case AXV_EXIT_IRQ_WINDOW:
		return v->vm->chips ? GO_ON : show(v, KVM_EXIT_IRQ_WINDOW_OPEN);
	case AXV_EXIT_EOI:
		return exit_eoi(v);
	case AXV_EXIT_HALT:
		return show(v, KVM_EXIT_HLT);
	case AXV_EXIT_CR8:
		return show(v, KVM_EXIT_SET_TPR);
	case AXV_EXIT_SHUTDOWN:
		return show(v, KVM_EXIT_SHUTDOWN);
	case AXV_EXIT_FAIL_ENTRY:
		return exit_fail_entry(v);
	case AXV_EXIT_DEBUG:
		guestdbg_show(v);
		return show(v, KVM_EXIT_DEBUG);
	case AXV_EXIT_EXTERNAL_INTERRUPT:
		return GO_ON;
	default:
		debug("unexpected exit %s", axv_exit_name(v->page->exit_reason));
		v->run->hw.hardware_exit_reason = v->page->hw_reason;
		return show(v, KVM_EXIT_UNKNOWN);
	}
}

/* ---- a run -------------------------------------------------------------- */

/* Finish the access that the last KVM_RUN has shown to the VMM. */
static int complete(struct vcpu *v)
{
	enum pending pending = v->pending;

	v->pending = PENDING_NONE;
	switch (pending) {
	case PENDING_IO:
		v->page->exit.io.data = loaded(v->pio, v->page->exit.io.width & 7);
		return GO_ON;
	case PENDING_MMIO:
		v->page->exit.mmio.data = loaded(v->run->mmio.data, sizeof(__u64));
		return GO_ON;
	case PENDING_FINISH:
		coroutine_go_on(&v->finish);
		return after_finish(v);
	case PENDING_NONE:
		break;
	}
	return GO_ON;
}

/* Give the module what the VMM has set for the run, in struct kvm_run and by calls. */
static int take_inputs(struct vcpu *v)
{
	__u64 cr8 = v->run->cr8;

	if (v->placed_interrupt && events_check_interrupt(v))
		return -EIO;
	if (v->int3_len && guestdbg_pass_int3(v))
		return -EIO;
	v->page->irq_window = v->run->request_interrupt_window;
	/* The module's local APIC has the TPR, and kvm_run.cr8 is only an output. */
	if (v->vm->lapic)
		return GO_ON;
	/* The VMM's APIC wants to know when the guest lowers the TPR. */
	v->page->cr8_below = cr8;
	if (cr8 != v->page->cr8 && axv_vcpu_set_reg(v->axv, AXV_REG_X86(CR, 8), cr8))
		return -EINVAL;
	return GO_ON;
}

/*
 * A run has ended for no reason in the guest.  KVM_RUN fails with EINTR only where the VMM has
 * asked for it (immediate_exit) or a signal came; otherwise the guest goes on.
 */
static int interrupted(struct vcpu *v)
{
	/* With immediate_exit KVM leaves exit_reason as it was. */
	if (v->run->immediate_exit)
		return -EINTR;
	if (!signals_came())
		return GO_ON;
	v->run->exit_reason = KVM_EXIT_INTR;
	return -EINTR;
}

static int run_once(struct vcpu *v)
{
	int err = v->vm->chips ? chips_enter(v) : 0;

	if (err)
		return err;
	v->has_run = true;
	err = axv_vcpu_run(v->axv);
	if (err) {
		debug("%s", axv_error());
		return err;
	}
	if (v->vm->lapic)
		v->apic_base = (v->apic_base & ~APIC_BASE_LOW) | v->page->apic_base;
	/*
	 * An exit for the window counts as ready, whatever the page says: otherwise it could
	 * repeat for ever.
	 */
	v->ready = v->page->ready_for_interrupt ||
		   v->page->exit_reason == AXV_EXIT_IRQ_WINDOW;
	if (v->page->exit_reason == AXV_EXIT_KICKED || v->page->exit_reason == AXV_EXIT_NOTHING)
		return interrupted(v);
	return handle_exit(v);
}

int run_vcpu(struct vcpu *v)
{
	bool completes = v->pending == PENDING_IO || v->pending == PENDING_MMIO;
	int ret, err;

	signals_enter(v->axv);
	ret = sync_take(v);
	if (!ret)
		ret = complete(v);
	if (ret == GO_ON)
		ret = take_inputs(v);
	/*
	 * A VMM that wants to see the state behind an access sets immediate_exit, so that KVM_RUN
	 * finishes the access and does no more.  So the vCPU is kicked and run once: the module
	 * takes the data before it looks for a kick.
	 */
	if (ret == GO_ON && v->run->immediate_exit) {
		if (completes)
			axv_vcpu_kick(v->axv);
		else
			ret = -EINTR;
	}
	while (ret == GO_ON)
		ret = run_once(v);
	signals_leave();
	run_publish(v);
	err = sync_store(v);
	return err ? err : ret;
}
