// SPDX-License-Identifier: GPL-2.0
/*
 * One virtual CPU: its thread, and how its exits are answered.
 *
 * Code of another thread that has work for this thread before the guest goes on (a
 * wire of the interrupt controller, a register that only the owner may set, the
 * machine's end) notes the work with the machine's lock held, and calls
 * vcpu_notify().  No work is lost: either this thread has not looked for work yet,
 * and will see it when it looks, under the same lock; or it has looked, and has set
 * @running before it let the lock go, so vcpu_notify() kicks the vCPU.  The kick
 * ends the current run, the next run or the halt, since kicks are sticky, and the
 * thread looks again.  An exit that is answered without the lock is followed by
 * another run, which a kick ends as well.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "board.h"
#include "log.h"
#include "sandbox.h"
#include "vcpu.h"

int vcpu_create(struct vcpu *v, struct machine *m, u32 id, const void *cpu_set,
		size_t cpu_set_size)
{
	const struct axv_vcpu_config config = {
		.id = id,
		.hw_id = board_hw_id(id),
		.favor_phys_cpu = -1,
		.cpu_set = cpu_set,
		.cpu_set_size = cpu_set_size,
	};
	int err;

	v->machine = m;
	pthread_cond_init(&v->changed, NULL);
	err = axv_vcpu_create(m->vm, &config, &v->axv);
	if (err) {
		log_error("%s", axv_error());
		return err;
	}
	v->run = axv_vcpu_run_page(v->axv);
	return board_vcpu_create(v);
}

/* ---- exits: called with the machine's lock held -------------------------- */

static int mmio_read(void *opaque, __u64 addr, unsigned int width, __u64 *data)
{
	struct vcpu *v = opaque;

	*data = bus_read(&v->machine->bus, addr, width);
	return 0;
}

static int mmio_write(void *opaque, __u64 addr, unsigned int width, __u64 data)
{
	struct vcpu *v = opaque;

	bus_write(&v->machine->bus, addr, width, data);
	return 0;
}

/* I/O ports, by INS and OUTS of an x86 guest. */
static int port_read(void *opaque, __u16 port, unsigned int width, void *data,
		     unsigned int count)
{
	struct bus *ports = board_ports(((struct vcpu *)opaque)->machine);
	u8 *p = data;
	u64 value;

	for (; count; count--, p += width) {
		value = bus_read(ports, port, width);
		memcpy(p, &value, width);
	}
	return 0;
}

static int port_write(void *opaque, __u16 port, unsigned int width, const void *data,
		      unsigned int count)
{
	struct bus *ports = board_ports(((struct vcpu *)opaque)->machine);
	const u8 *p = data;

	for (; count; count--, p += width) {
		u64 value = 0;

		memcpy(&value, p, width);
		bus_write(ports, port, width, value);
	}
	return 0;
}

static const struct axv_mmio_ops mmio_ops = {
	.read = mmio_read,
	.write = mmio_write,
	.port_read = port_read,
	.port_write = port_write,
};

/* @ret is what the library's function that finishes an exit returned. */
static int exit_finished(struct vcpu *v, int ret)
{
	if (ret >= 0)
		return 0;
	log_error("%s", axv_error());
	board_vcpu_show(v);
	return ret;
}

static int exit_wrong_cpu(struct vcpu *v)
{
	int err = axv_pin_thread(v->axv);

	if (err)
		log_error("%s", axv_error());
	return err;
}

static int exit_fail_entry(struct vcpu *v)
{
	const struct axv_exit_fail_entry *fail = &v->run->exit.fail_entry;
	char text[160];

	log_error("the guest cannot be entered: %s",
		  axv_vcpu_explain(v->axv, text, sizeof(text)) ? axv_error() : text);
	if (fail->cause == AXV_FAIL_OFF)
		return -ESHUTDOWN;
	board_vcpu_show(v);
	return -EPROTO;
}

/* Answer an exit.  Returns 0 to go on, or a negative errno. */
static int handle_exit(struct vcpu *v)
{
	struct machine *m = v->machine;

	switch (v->run->exit_reason) {
	case AXV_EXIT_MMIO_READ:
	case AXV_EXIT_MMIO_WRITE:
	case AXV_EXIT_NESTED_PAGE_FAULT:
	case AXV_EXIT_IO_STRING:
	case AXV_EXIT_MSW:
		return exit_finished(v, axv_vcpu_handle_mmio(v->axv, &mmio_ops, v));
	case AXV_EXIT_TASK_SWITCH:
		return exit_finished(v, axv_vcpu_finish(v->axv, &mmio_ops, v));
	case AXV_EXIT_WRONG_CPU:
		return exit_wrong_cpu(v);
	case AXV_EXIT_KICKED:
	case AXV_EXIT_NOTHING:
	case AXV_EXIT_EXTERNAL_INTERRUPT:
		return 0;
	case AXV_EXIT_SYSTEM_DOWN:
		machine_stop(m, v->run->exit.system_down.type ==
			     AXV_SYSTEM_DOWN_RESET ? MACHINE_RESET : MACHINE_OFF);
		return 0;
	case AXV_EXIT_FAIL_ENTRY:
		return exit_fail_entry(v);
	default:
		return board_vcpu_exit(v);
	}
}

/* ---- the thread: with the machine's lock held --------------------------- */

static int switch_on(struct vcpu *v)
{
	int err = board_vcpu_up(v);

	if (err)
		return err;
	err = axv_vcpu_bind(v->axv, 0);
	if (err)
		log_error("%s", axv_error());
	v->up = !err;
	return err;
}

static int switch_off(struct vcpu *v)
{
	v->up = false;
	return board_vcpu_down(v);
}

static int run_once(struct vcpu *v)
{
	struct machine *m = v->machine;
	int err;

	err = board_vcpu_enter(v);
	if (err)
		return err;

	v->running = true;
	pthread_mutex_unlock(&m->lock);
	do {
		err = axv_vcpu_run(v->axv);
	} while (!err && board_vcpu_exit_unlocked(v));
	pthread_mutex_lock(&m->lock);
	v->running = false;
	if (v->holds)
		pthread_cond_broadcast(&v->changed);

	if (err) {
		log_error("%s", axv_error());
		return err;
	}
	return handle_exit(v);
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *v = arg;
	struct machine *m = v->machine;
	int err;

	err = axv_pin_thread(v->axv);
	if (err)
		log_error("%s", axv_error());
	if (!err && m->seccomp)
		err = sandbox_enter();

	pthread_mutex_lock(&m->lock);
	while (!err && !machine_stopping(m)) {
		if (v->on && !v->up)
			err = switch_on(v);
		else if (!v->on && v->up)
			err = switch_off(v);
		else if (!v->on || v->holds)
			pthread_cond_wait(&v->changed, &m->lock);
		else
			err = run_once(v);
	}
	if (err)
		machine_stop(m, MACHINE_ERROR);
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

int vcpu_start(struct vcpu *v)
{
	int err = pthread_create(&v->thread, NULL, vcpu_thread, v);
	char name[16];

	if (err) {
		log_error("cannot create a thread: %s", strerror(err));
		return -err;
	}
	snprintf(name, sizeof(name), "vcpu%u", axv_vcpu_id(v->axv));
	pthread_setname_np(v->thread, name);
	return 0;
}

/* ---- what other threads call --------------------------------------------- */

void vcpu_switch_on(struct vcpu *v, u64 entry, u64 arg)
{
	v->entry = entry;
	v->arg = arg;
	v->on = true;
	pthread_cond_broadcast(&v->changed);
}

void vcpu_notify(struct vcpu *v)
{
	if (!v->running)
		pthread_cond_broadcast(&v->changed);
	else if (axv_vcpu_kick(v->axv))
		log_error("%s", axv_error());
}

void vcpu_hold(struct vcpu *v)
{
	v->holds++;
	if (v->running)
		vcpu_notify(v);
	while (v->running)
		pthread_cond_wait(&v->changed, &v->machine->lock);
}

void vcpu_release(struct vcpu *v)
{
	v->holds--;
	pthread_cond_broadcast(&v->changed);
}
