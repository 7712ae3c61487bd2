// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * PIC, IOAPIC and PIT, and their thread.  See chips.h.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "chips.h"
#include "debug.h"

#define PIT_GSI		0

/* ---- pins --------------------------------------------------------------- */

/* What KVM_IRQ_LINE_STATUS returns for an input of a PIC; called before the input is set. */
static int pic_status(const struct chips *c, unsigned int pin, bool level)
{
	const struct pic *p = &c->pics.chip[pin / 8];
	unsigned int bit = 1u << pin % 8;

	if (p->imr & bit)
		return -1;
	/* An edge, or a level that rises, is one more interrupt unless one waits already. */
	if (level && (p->elcr & bit || !(p->lines & bit)))
		return !(p->irr & bit);
	return 1;
}

static int ioapic_status(const struct chips *c, unsigned int pin, bool level)
{
	struct kvm_ioapic_state entry = { .redirtbl[0].bits = c->ioapic.entries[pin] };

	if (!level)
		return 1;
	if (!entry.redirtbl[0].fields.trig_mode && c->ioapic.lines & 1u << pin)
		return 0;
	return entry.redirtbl[0].fields.mask || entry.redirtbl[0].fields.remote_irr ? -1 : 1;
}

static bool combine(__u8 *sources, enum source source, bool level)
{
	*sources = level ? *sources | source : *sources & ~source;
	return *sources;
}

static int set_pic(struct chips *c, unsigned int pin, enum source source, bool level)
{
	struct irq_line line = pic_line(&c->pics, pin);
	int status;

	level = combine(&c->pic_sources[pin], source, level);
	status = pic_status(c, pin, level);
	irq_set(&line, level);
	return status;
}

static int set_ioapic(struct chips *c, unsigned int pin, enum source source, bool level)
{
	struct irq_line line = ioapic_line(&c->ioapic, pin);
	int status;

	level = combine(&c->ioapic_sources[pin], source, level);
	status = ioapic_status(c, pin, level);
	irq_set(&line, level);
	return status;
}

static const struct gsi *find_gsi(const struct chips *c, __u32 gsi)
{
	static const struct gsi none = { .pic = NO_PIN, .ioapic = NO_PIN };

	return gsi < c->nr_gsis ? &c->gsis[gsi] : &none;
}

static bool send(void *arg, u64 address, u32 data)
{
	struct chips *c = arg;

	return !axv_vm_inject_msi(c->vm->axv, address, data);
}

static int add_status(int sum, int status)
{
	if (status < 0)
		return sum;
	return sum < 0 ? status : sum + status;
}

int chips_set_gsi(struct chips *c, __u32 gsi, enum source source, bool level)
{
	const struct gsi *g = find_gsi(c, gsi);
	int status = -1;

	if (g->pic != NO_PIN)
		status = add_status(status, set_pic(c, g->pic, source, level));
	if (g->ioapic != NO_PIN)
		status = add_status(status, set_ioapic(c, g->ioapic, source, level));
	if (g->message && level && send(c, g->address, g->data))
		status = 1;
	return status;
}

void chips_pulse_gsi(struct chips *c, __u32 gsi)
{
	const struct gsi *g = find_gsi(c, gsi);
	struct irq_line line;

	/* A pin that something holds high cannot rise. */
	if (g->pic != NO_PIN && !c->pic_sources[g->pic]) {
		line = pic_line(&c->pics, g->pic);
		irq_pulse(&line);
	}
	if (g->ioapic != NO_PIN && !c->ioapic_sources[g->ioapic]) {
		line = ioapic_line(&c->ioapic, g->ioapic);
		irq_pulse(&line);
	}
	if (g->message)
		send(c, g->address, g->data);
}

static void pit_set(void *chips, unsigned int gsi, bool level)
{
	chips_set_gsi(chips, gsi, SOURCE_PIT, level);
}

static void pit_pulse(void *chips, unsigned int gsi)
{
	chips_pulse_gsi(chips, gsi);
}

static void pic_ended(void *chips, unsigned int pin)
{
	irqfd_ended(chips, true, pin);
}

/* ---- what the guest does ------------------------------------------------ */

/*
 * The PIC's output leads to LINT0 of all local APICs, and the guest unmasks LINT0 of one.  That
 * vCPU's thread acknowledges the interrupt when the module tells that the guest can take one
 * (ready_for_interrupt, irq_window).
 */
static void pic_output(void *arg, bool level)
{
	struct chips *c = arg;
	struct vcpu *v;

	atomic_store(&c->intr, level);
	for (v = level ? c->vcpus : NULL; v; v = v->next) {
		if (v != c->looking)
			axv_vcpu_kick(v->axv);
	}
}

int chips_enter(struct vcpu *v)
{
	struct chips *c = v->vm->chips;
	int err = 0;

	v->page->irq_window = 0;
	if (!atomic_load(&c->intr))
		return 0;
	pthread_mutex_lock(&c->lock);
	c->looking = v;
	if (v->ready && pic_pending(&c->pics)) {
		v->ready = false;
		err = axv_vcpu_inject_extint(v->axv, pic_acknowledge(&c->pics));
		if (err)
			debug("%s", axv_error());
	}
	v->page->irq_window = pic_pending(&c->pics);
	c->looking = NULL;
	pthread_mutex_unlock(&c->lock);
	return err;
}

bool chips_access(struct vcpu *v, bool port, bool write, __u64 addr, unsigned int width,
		  __u64 *data)
{
	struct chips *c = v->vm->chips;
	struct bus *bus;
	bool has;

	if (!c)
		return false;
	bus = port ? &c->ports : &c->memory;
	pthread_mutex_lock(&c->lock);
	c->looking = v;
	has = bus_has(bus, addr, width);
	if (has && write)
		bus_write(bus, addr, width, *data);
	else if (has)
		*data = bus_read(bus, addr, width);
	c->looking = NULL;
	pthread_mutex_unlock(&c->lock);
	return has;
}

void chips_eoi(struct vcpu *v, __u8 vector)
{
	struct chips *c = v->vm->chips;
	unsigned int pin;
	u32 pins;

	pthread_mutex_lock(&c->lock);
	c->looking = v;
	pins = ioapic_in_service(&c->ioapic, vector);
	/* Before ioapic_eoi(), which otherwise sends a level once more that falls here. */
	for (pin = 0; pins >> pin; pin++) {
		if (pins & 1u << pin)
			irqfd_ended(c, false, pin);
	}
	ioapic_eoi(&c->ioapic, vector);
	c->looking = NULL;
	pthread_mutex_unlock(&c->lock);
}

void chips_add_vcpu(struct vcpu *v)
{
	struct chips *c = v->vm->chips;

	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	v->next = c->vcpus;
	c->vcpus = v;
	pthread_mutex_unlock(&c->lock);
}

void chips_remove_vcpu(struct vcpu *v)
{
	struct chips *c = v->vm->chips;
	struct vcpu **p;

	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	for (p = &c->vcpus; *p && *p != v; p = &(*p)->next)
		;
	if (*p)
		*p = v->next;
	pthread_mutex_unlock(&c->lock);
}

/* ---- the devices -------------------------------------------------------- */

/* As in KVM: gsi n leads to input n of the IOAPIC, and of the PICs as well if they have it. */
static int default_routes(struct chips *c)
{
	unsigned int i;

	c->gsis = calloc(IOAPIC_PINS, sizeof(*c->gsis));
	if (!c->gsis)
		return -ENOMEM;
	c->nr_gsis = IOAPIC_PINS;
	for (i = 0; i < IOAPIC_PINS; i++) {
		c->gsis[i].pic = i < PIC_INPUTS ? i : NO_PIN;
		c->gsis[i].ioapic = i;
	}
	return 0;
}

void chips_set_routes(struct chips *c, struct gsi *gsis, unsigned int count)
{
	struct gsi *old;

	pthread_mutex_lock(&c->lock);
	old = c->gsis;
	c->gsis = gsis;
	c->nr_gsis = count;
	pthread_mutex_unlock(&c->lock);
	free(old);
}

static int init_devices(struct chips *c)
{
	int err;

	bus_init(&c->ports, "port");
	bus_init(&c->memory, "address");
	err = pic_init(&c->pics, &c->ports, pic_output, c);
	if (!err)
		err = ioapic_init(&c->ioapic, &c->memory, IOAPIC_ADDRESS, send, c);
	if (err)
		return err;
	c->pics.keep_edges = true;
	pic_watch_ends(&c->pics, pic_ended, c);
	/* KVM's PICs begin with no input masked. */
	c->pics.chip[0].imr = 0;
	c->pics.chip[1].imr = 0;
	return default_routes(c);
}

static void *run_loop(void *arg)
{
	struct chips *c = arg;

	loop_run(&c->loop);
	return NULL;
}

/* The VMM's signal handlers must run in the VMM's own threads, so this one blocks all signals. */
static int start_thread(struct chips *c)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&c->thread, NULL, run_loop, c);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err)
		pthread_setname_np(c->thread, "axv-irqchip");
	return -err;
}

int chips_create(struct vm *vm, struct chips **chips)
{
	struct chips *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->vm = vm;
	pthread_mutex_init(&c->lock, NULL);
	err = loop_init(&c->loop, &c->lock);
	if (err)
		goto err_free;
	err = irqfd_init(c);
	if (err)
		goto err_loop;
	err = init_devices(c);
	if (!err)
		err = start_thread(c);
	if (err)
		goto err_irqfd;
	*chips = c;
	return 0;

err_irqfd:
	irqfd_free(c);
	free(c->gsis);
err_loop:
	loop_free(&c->loop);
err_free:
	pthread_mutex_destroy(&c->lock);
	free(c);
	return err;
}

void chips_free(struct chips *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	loop_stop(&c->loop);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	irqfd_free(c);
	if (c->has_pit)
		pit_free(&c->pit);
	loop_free(&c->loop);
	free(c->gsis);
	pthread_mutex_destroy(&c->ioapic.lock);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

static int create_pit(struct chips *c, __u32 flags)
{
	const struct irq_line line = {
		.set = pit_set, .pulse = pit_pulse, .chip = c, .pin = PIT_GSI,
	};
	int err;

	err = pit_init(&c->pit, &c->ports, &c->loop, line);
	if (err)
		return err;
	pic_watch_timer(&c->pics, &pit_pic_ops, &c->pit);
	c->has_pit = true;
	return flags & KVM_PIT_SPEAKER_DUMMY ? pit_init_port61(&c->pit, &c->ports) : 0;
}

int chips_create_pit(struct vm *vm, __u32 flags)
{
	struct chips *c = vm->chips;
	int err;

	/* Without an irqchip KVM 6.1 makes a PIT that raises no interrupts. */
	if (!c)
		return -ENOENT;
	pthread_mutex_lock(&c->lock);
	err = c->has_pit ? -EEXIST : create_pit(c, flags);
	pthread_mutex_unlock(&c->lock);
	return err;
}
