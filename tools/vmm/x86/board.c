// SPDX-License-Identifier: GPL-2.0
/* The board of a PC: its devices, and how they are wired. */
#include <errno.h>

#include "board.h"
#include "log.h"
#include "map.h"
#include "msr.h"

#define PIT_PIN		0
#define UART_PIN	4
#define UART_PORT	0x3f8
#define RTC_PIN		8

void board_memory(struct memory *mem, const struct machine_config *config)
{
	map_memory(mem, config->memory);
}

/* What devices call: with the machine's lock. */
static void interrupt(void *arg, bool level)
{
	struct machine *m = arg;

	/* The wire falling needs no look: its thread finds nothing. */
	if (level)
		vcpu_notify(&m->vcpus[0]);
}

static void power_requested(void *arg, enum power_request request)
{
	if (request == POWER_PANIC)
		machine_panicked(arg);
	else
		machine_stop(arg, request == POWER_OFF ? MACHINE_OFF : MACHINE_RESET);
}

int board_create(struct machine *m, const struct machine_config *config)
{
	const struct serial_backend backend = console_backend(&m->console);
	struct board *b = &m->board;
	struct bus *bus = &b->ports;
	struct serial_port port = uart_serial(&b->uart);
	struct loop *loop = &m->loop;
	int err;

	(void)config;
	b->power = (struct power_switch){ .request = power_requested, .arg = m };
	bus_init(bus, "port");
	err = pic_init(&b->pics, bus, interrupt, m);
	if (!err)
		err = pit_init(&b->pit, bus, loop, pic_line(&b->pics, PIT_PIN));
	if (!err)
		pic_watch_timer(&b->pics, &pit_pic_ops, &b->pit);
	if (!err)
		err = rtc_init(&b->rtc, bus, loop, pic_line(&b->pics, RTC_PIN),
			       map_low_end(&m->mem), map_high_size(&m->mem));
	if (!err)
		err = pm_init(&b->pm, bus, loop, pic_line(&b->pics, PM_SCI_PIN),
			      b->power);
	if (!err)
		err = reset_init(&b->reset, bus, b->power);
	if (!err)
		err = pvpanic_init(&b->power, bus);
	if (!err)
		err = pci_init(&b->pci, bus, &b->reset);
	if (!err)
		err = uart_init(&b->uart, bus, UART_PORT,
				pic_line(&b->pics, UART_PIN), &backend);
	if (!err)
		err = console_init(&m->console, loop, &port, machine_quit, m);
	if (!err)
		err = msr_setup(m->vm);
	return err;
}

int board_load(struct machine *m, const struct machine_config *config)
{
	__u64 khz;
	int err;

	err = axv_query(m->host, AXV_QUERY_COUNTER_KHZ, &khz);
	if (err) {
		log_error("%s", axv_error());
		return err;
	}
	err = linux_load(&m->mem, &config->boot, khz, 0, &m->board.entry);
	if (!err)
		vcpu_switch_on(&m->vcpus[0], m->board.entry.ip, 0);
	return err;
}

bool board_press_button(struct machine *m)
{
	return pm_press_button(&m->board.pm);
}
