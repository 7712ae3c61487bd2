// SPDX-License-Identifier: GPL-2.0
/*
 * The devices of a PC, over the bus, with a time that goes as the input says: port
 * and register accesses of the guest, bytes from the terminal, interrupts taken and ended.
 */
#include "fake.h"
#include "fuzz.h"
#include "ioapic.h"
#include "map.h"
#include "pciports.h"
#include "pic.h"
#include "pit.h"
#include "pm.h"
#include "reset.h"
#include "rtc.h"
#include "serial-steps.h"
#include "uart.h"
#include "virtio.h"

/* Ports of the devices, so that few accesses go astray. */
static const u16 ports[] = {
	0x20, 0x21, 0xa0, 0xa1, 0x4d0, 0x4d1, 0x40, 0x41, 0x42, 0x43, 0x61, 0x70, 0x71,
	0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff, 0x600, 0x602, 0x604,
	0x608, 0xcf8, 0xcf9, 0xcfc, 0xcfe, 0x64, 0x60, 0x92, MAP_PCI_PORTS, MAP_PCI_PORTS + 4,
};

#define QUEUES	3	/* of a disk */

static struct bus bus, memory;
static struct pics pics;
static struct ioapic ioapic;
static struct pit pit;
static struct rtc rtc;
static struct pm pm;
static struct reset reset;
static struct pci pci;
static struct virtio disks[2];
static u64 bells[2][QUEUES];
static bool stopping[2];
static struct pciports pciports;
static struct uart uart;
static struct serial_port serial;
static struct fake_wire wire;

static void output(void *arg, bool level)
{
	(void)arg;
	(void)level;
}

/* Every message has the form that the kernel takes. */
static bool send(void *arg, u64 address, u32 data)
{
	(void)arg;
	must((address & 0xffffffff) >> 20 == 0xfee && !(address >> 32 & 0xff));
	return data & 1;
}

static void request(void *arg, enum power_request what)
{
	(void)arg;
	(void)what;
}

/* Routes are the device's own, and bells are where they were put. */
static void msi_set(void *arg, u32 gsi, const struct msi_message *message, bool masked)
{
	(void)arg;
	(void)message;
	(void)masked;
	must(gsi % MSIX_VECTORS <= QUEUES && gsi / MSIX_VECTORS < 2);
}

static void msi_remove(void *arg, u32 gsi)
{
	msi_set(arg, gsi, NULL, false);
}

static bool msi_pending(void *arg, u32 gsi)
{
	msi_set(arg, gsi, NULL, false);
	return gsi & 1;
}

static const struct msi_ops msi = {
	.set = msi_set, .remove = msi_remove, .pending = msi_pending, .fire = msi_remove,
};

static unsigned int disk_index(void *dev)
{
	return (struct virtio *)dev - disks;
}

static void disk_start(void *dev)
{
	const struct virtio *disk = dev;

	must(disk->accepted >> 32 & 1 && !(disk->accepted & ~disk->features));
}

static void disk_stop(void *dev)
{
	must(!stopping[disk_index(dev)]);
	stopping[disk_index(dev)] = true;
}

static void disk_queue(void *dev, unsigned int queue)
{
	(void)dev;
	must(queue < QUEUES);
}

static void disk_bell(void *dev, unsigned int queue, bool there, bool port, u64 at)
{
	u64 *bell = &bells[disk_index(dev)][queue];

	must(queue < QUEUES && port && (there ? !*bell : *bell == at));
	must(at >= MAP_PCI_PORTS && at < MAP_PCI_PORTS + MAP_PCI_PORTS_SIZE);
	*bell = there ? at : 0;
}

static const struct virtio_ops disk_ops = {
	.start = disk_start, .stop = disk_stop, .notify = disk_queue, .vector = disk_queue,
	.bell = disk_bell,
};

static void make_disks(void)
{
	static const u8 config[60] = { 1 };
	static const struct virtio_id id = {
		.type = 2, .class = 0x01000000, .features = 1ull << 32 | 1ull << 28 | 1ull << 9,
		.queues = QUEUES, .config = config, .config_size = sizeof(config),
	};
	unsigned int i;

	memset(bells, 0, sizeof(bells));
	memset(stopping, 0, sizeof(stopping));
	pci_set_window(&pci, false, MAP_PCI_MEMORY, MAP_PCI_SIZE);
	pci_set_window(&pci, true, MAP_PCI_PORTS, MAP_PCI_PORTS_SIZE);
	for (i = 0; i < 2; i++)
		must(!virtio_init(&disks[i], &pci, &id, &msi, i * MSIX_VECTORS, &disk_ops,
				  &disks[i], "disk"));
}

/* Make the devices that board_create() of axvmm makes. */
static void make_board(void)
{
	const struct serial_backend backend = fake_serial(&wire);
	const struct power_switch power = { .request = request };

	memset(&pics, 0, sizeof(pics));
	memset(&pit, 0, sizeof(pit));
	memset(&rtc, 0, sizeof(rtc));
	memset(&pm, 0, sizeof(pm));
	memset(&reset, 0, sizeof(reset));
	memset(&pci, 0, sizeof(pci));
	memset(&uart, 0, sizeof(uart));
	fake_reset();
	bus_init(&bus, "port");
	must(!pic_init(&pics, &bus, output, NULL));
	must(!pit_init(&pit, &bus, NULL, pic_line(&pics, 0)));
	must(!pit_init_port61(&pit, &bus));
	pic_watch_timer(&pics, &pit_pic_ops, &pit);
	bus_init(&memory, "address");
	must(!ioapic_init(&ioapic, &memory, IOAPIC_ADDRESS, send, NULL));
	must(!rtc_init(&rtc, &bus, NULL, pic_line(&pics, 8), 0x8000000, 0));
	must(!pm_init(&pm, &bus, NULL, pic_line(&pics, PM_SCI_PIN), power));
	must(!reset_init(&reset, &bus, power));
	must(!pci_init(&pci, &memory, &bus, MAP_ECAM));
	make_disks();
	must(!pciports_init(&pciports, &bus, &pci, &reset));
	must(!uart_init(&uart, &bus, 0x3f8, pic_line(&pics, 4), &backend));
	serial = uart_serial(&uart);
	wire.blocked = false;
}

static u16 take_port(struct input *in)
{
	u8 n = take(in, 1);

	return n < 0xf0 ? ports[n % (sizeof(ports) / sizeof(ports[0]))] : take(in, 2);
}

/* A register of the I/O APIC, a wire to it, or the end of an interrupt. */
static void step_ioapic(struct input *in)
{
	u8 what = take(in, 1);
	struct irq_line line = ioapic_line(&ioapic, (what >> 3) % IOAPIC_PINS);
	u32 offset = what >> 3 & 1 ? 0x10 : what >> 2;

	switch (what & 7) {
	case 0:
	case 1:
	case 2:
		bus_write(&memory, IOAPIC_ADDRESS, 4, take(in, 1) & 0x3f);
		bus_write(&memory, IOAPIC_ADDRESS + offset, 4, take(in, 4));
		break;
	case 3:
		bus_read(&memory, IOAPIC_ADDRESS + offset, 1u << (what >> 6));
		break;
	case 4:
	case 5:
		irq_set(&line, what & 1);
		break;
	case 6:
		irq_pulse(&line);
		break;
	default:
		ioapic_eoi(&ioapic, take(in, 1));
		break;
	}
}

/*
 * A register of a disk: in configuration space, or in the memory BAR where that is, or
 * would be; the end of a reset, or the device's own.
 */
static void step_disk(struct input *in)
{
	u8 what = take(in, 1), n = what >> 7;
	unsigned int width = 1u << (what >> 3 & 3);
	struct virtio *disk = &disks[n];
	u64 addr;

	switch (what & 7) {
	case 0:
	case 1:
		addr = MAP_ECAM + ((u64)(n + 1) << 15) + take(in, what & 0x20 ? 2 : 1);
		break;
	case 2:
		if (stopping[n]) {
			stopping[n] = false;
			virtio_stopped(disk);
		}
		return;
	case 3:
		virtio_broken(disk);
		return;
	default:
		addr = disk->f.bars[0].there ? disk->f.bars[0].at : MAP_PCI_MEMORY;
		addr += (u64)(what & 3) << 12 | take(in, what & 0x20 ? 2 : 1);
		break;
	}
	if (what & 0x40)
		bus_read(&memory, addr, width);
	else
		bus_write(&memory, addr, width, take(in, width));
}

static void step(struct input *in)
{
	u8 what = take(in, 1);
	unsigned int width = 1u << (what >> 3 & 3);
	u16 port;
	u32 value;

	switch (what & 7) {
	case 0:
	case 1:
		port = take_port(in);
		value = take(in, width);
		/* Of the 128 registers of the clock, few are not plain memory. */
		if (port == 0x70 && (value & 0x40))
			value &= 0x0f;
		bus_write(&bus, port, width, value);
		break;
	case 2:
		bus_read(&bus, take_port(in), width);
		break;
	case 3:
		if (pic_pending(&pics))
			pic_acknowledge(&pics);
		break;
	case 4:		/* to the day, or half a minute at once, as after a stop */
		if (what & 0x20)
			fake_skip(take(in, 2) << 19);
		else
			fake_advance(take(in, 1 + (what >> 6)) << 6);
		break;
	case 5:
		serial_receive(&serial, what & 0x20, in);
		break;
	case 6:
		serial_block(&serial, &wire, what & 8);
		break;
	default:	/* or the host's clock is set */
		if (what & 0x40)
			step_disk(in);
		else if (what & 0x20)
			step_ioapic(in);
		else
			fake_set_wall(take(in, 5));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	make_board();
	while (in.size)
		step(&in);
	return 0;
}
