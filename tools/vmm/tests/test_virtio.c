// SPDX-License-Identifier: GPL-2.0
/* Tests of PCI, MSI-X, and virtio over both, as a driver finds them. */
#include <string.h>

#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include "bus.h"
#include "tap.h"
#include "virtio.h"

#define ECAM		0xe0000000u
#define MEMORY		0xc0000000u
#define MEMORY_SIZE	0x100000u
#define PORTS		0xc000u
#define PORTS_SIZE	0x1000u
#define GSI		40
#define QUEUES		2

static struct bus memory, ports;
static struct pci pci;
static struct virtio disk, other;

/* ---- what the device is wired to ----------------------------------------- */

static struct {
	struct msi_message message;
	bool there;
	bool masked;
	bool pending;
	unsigned int sets;
	unsigned int fired;
} routes[QUEUES + 1];

static void route_set(void *arg, u32 gsi, const struct msi_message *message, bool masked)
{
	CHECK(arg == routes && gsi - GSI < ARRAY_SIZE(routes));
	gsi -= GSI;
	routes[gsi].message = *message;
	routes[gsi].there = true;
	routes[gsi].masked = masked;
	routes[gsi].sets++;
}

static void route_remove(void *arg, u32 gsi)
{
	(void)arg;
	CHECK(gsi - GSI < ARRAY_SIZE(routes));
	routes[gsi - GSI].there = false;
}

static bool route_pending(void *arg, u32 gsi)
{
	(void)arg;
	return routes[gsi - GSI].pending;
}

static void route_fire(void *arg, u32 gsi)
{
	(void)arg;
	routes[gsi - GSI].fired++;
}

static const struct msi_ops msi = {
	route_set, route_remove, route_pending, route_fire, routes,
};

static unsigned int starts, stops, vectors, notified[QUEUES];
static u64 bells[QUEUES];	/* addresses of the queues' doorbells; 0: nowhere */

static void dev_start(void *dev)
{
	(void)dev;
	starts++;
}

static void dev_stop(void *dev)
{
	(void)dev;
	stops++;
}

static void dev_notify(void *dev, unsigned int queue)
{
	(void)dev;
	CHECK(queue < QUEUES);
	notified[queue]++;
}

static void dev_vector(void *dev, unsigned int queue)
{
	(void)dev;
	(void)queue;
	vectors++;
}

static void dev_bell(void *dev, unsigned int queue, bool there, bool port, u64 at)
{
	CHECK(queue < QUEUES && port == !!pci.ports);
	if (dev != &disk)
		return;
	CHECK(there ? !bells[queue] : bells[queue] == at);
	bells[queue] = there ? at : 0;
}

static const struct virtio_ops ops = {
	dev_start, dev_stop, dev_notify, dev_vector, dev_bell, NULL,
};

static const u8 config[12] = "disk of 42.";

/* Begin a test, on a root with I/O ports or without (NULL). */
static void start_on(struct bus *io)
{
	const struct virtio_id id = {
		.type = 2,
		.class = 0x01000000,
		.features = 1ull << VIRTIO_F_VERSION_1 | 1ull << 9 | 1ull << 28,
		.queues = QUEUES,
		.config = config,
		.config_size = sizeof(config),
	};

	memset(routes, 0, sizeof(routes));
	memset(notified, 0, sizeof(notified));
	memset(bells, 0, sizeof(bells));
	starts = 0;
	stops = 0;
	vectors = 0;
	bus_init(&memory, "address");
	bus_init(&ports, "port");
	CHECK(!pci_init(&pci, &memory, io, ECAM));
	pci_set_window(&pci, false, MEMORY, MEMORY_SIZE);
	pci_set_window(&pci, true, PORTS, PORTS_SIZE);
	CHECK(!virtio_init(&disk, &pci, &id, &msi, GSI, &ops, &disk, "disk"));
	CHECK(!virtio_init(&other, &pci, &id, &msi, GSI, &ops, &other, "other disk"));
}

static void start(void)
{
	start_on(&ports);
}

/* Read configuration space of device 1, by ECAM. */
static u32 get(unsigned int reg, unsigned int width)
{
	return bus_read(&memory, ECAM + 0x8000 + reg, width);
}

static void put(unsigned int reg, unsigned int width, u32 value)
{
	bus_write(&memory, ECAM + 0x8000 + reg, width, value);
}

/* Find the capability @id; if it is virtio's, that of type @type; 0: there is none. */
static unsigned int capability(u8 id, u8 type)
{
	unsigned int at, n = 0;

	for (at = get(PCI_CAPABILITY_LIST, 1); at && n++ < 48; at = get(at + 1, 1))
		if (get(at, 1) == id && (id != PCI_CAP_ID_VNDR || get(at + 3, 1) == type))
			return at;
	return 0;
}

static u64 bar_address(unsigned int nr)
{
	u32 bar = get(PCI_BASE_ADDRESS_0 + 4 * nr, 4);

	return bar & PCI_BASE_ADDRESS_SPACE_IO ? bar & ~3u : bar & ~15u;
}

/* The address of the structure that virtio's capability of @type describes. */
static u64 structure(u8 type)
{
	unsigned int at = capability(PCI_CAP_ID_VNDR, type);

	CHECK(at);
	return bar_address(get(at + 4, 1)) + get(at + 8, 4);
}

static void decode(void)
{
	put(PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}

/* ---- PCI ---------------------------------------------------------------- */

static void identity(void)
{
	start();
	CHECK_EQ(bus_read(&memory, ECAM, 4), 0x00081b36);
	CHECK_EQ(get(0, 4), 0x10421af4);
	CHECK_EQ(get(PCI_CLASS_REVISION, 4), 0x01000001);
	CHECK_EQ(get(PCI_SUBSYSTEM_VENDOR_ID, 4), 0x00401af4);
	CHECK_EQ(get(PCI_HEADER_TYPE, 1), 0);
	CHECK_EQ(get(PCI_INTERRUPT_PIN, 1), 0);
	/* Read-only registers; absent functions and devices; registers from 256 on. */
	put(0, 4, 0xffffffff);
	CHECK_EQ(get(0, 4), 0x10421af4);
	CHECK_EQ(bus_read(&memory, ECAM + 0x9000, 4), 0xffffffff);
	CHECK_EQ(bus_read(&memory, ECAM + 0x18000, 2), 0xffff);
	CHECK_EQ(get(256, 4), 0);
	CHECK_EQ(get(254, 4), 0);
	CHECK_EQ(get(0xffe, 4), 0);
	CHECK_EQ(bus_read(&memory, ECAM + PCI_ECAM_SIZE - 4, 4), 0xffffffff);
	put(0xffe, 4, 0xffffffff);
	put(254, 4, 0xffffffff);
	CHECK_EQ(get(252, 4), 0);
}

static void bar_sizes(void)
{
	start();
	CHECK_EQ(bar_address(0), MEMORY);
	CHECK_EQ(bar_address(2), PORTS);
	put(PCI_BASE_ADDRESS_0, 4, 0xffffffff);
	CHECK_EQ(get(PCI_BASE_ADDRESS_0, 4), 0xffffc000);
	put(PCI_BASE_ADDRESS_2, 4, 0xffffffff);
	CHECK_EQ(get(PCI_BASE_ADDRESS_2, 4), 0xffffffc1);
	put(PCI_BASE_ADDRESS_1, 4, 0xffffffff);
	CHECK_EQ(get(PCI_BASE_ADDRESS_1, 4), 0);
	put(PCI_ROM_ADDRESS, 4, 0xffffffff);
	CHECK_EQ(get(PCI_ROM_ADDRESS, 4), 0);
	/* A BAR can be written in bytes, too. */
	put(PCI_BASE_ADDRESS_0 + 3, 1, 0xc0);
	put(PCI_BASE_ADDRESS_0 + 1, 2, 0);
	CHECK_EQ(get(PCI_BASE_ADDRESS_0, 4), 0xc0000000);
}

#define QUEUES_AT	18	/* offset of num_queues */

static void bars_move(void)
{
	start();
	CHECK_EQ(bus_read(&memory, MEMORY + QUEUES_AT, 2), 0xffff);
	decode();
	CHECK_EQ(bus_read(&memory, MEMORY + QUEUES_AT, 2), QUEUES);
	CHECK_EQ(bells[0], PORTS);
	CHECK_EQ(bells[1], PORTS + 4);
	put(PCI_BASE_ADDRESS_0, 4, MEMORY + 0x40000);
	CHECK_EQ(bus_read(&memory, MEMORY + QUEUES_AT, 2), 0xffff);
	CHECK_EQ(bus_read(&memory, MEMORY + 0x40000 + QUEUES_AT, 2), QUEUES);
	put(PCI_BASE_ADDRESS_2, 4, PORTS + 0x100);
	CHECK_EQ(bells[1], PORTS + 0x104);
	/* A BAR outside of its window is not on the bus. */
	put(PCI_BASE_ADDRESS_2, 4, 0xcf8);
	CHECK_EQ(bells[0], 0);
	put(PCI_BASE_ADDRESS_2, 4, 0x1c000);
	CHECK_EQ(bells[0], 0);
	put(PCI_BASE_ADDRESS_0, 4, ECAM);
	CHECK_EQ(get(0, 4), 0x10421af4);
	put(PCI_BASE_ADDRESS_0, 4, MEMORY + MEMORY_SIZE);
	CHECK_EQ(bus_read(&memory, MEMORY + MEMORY_SIZE + QUEUES_AT, 2), 0xffff);
	put(PCI_BASE_ADDRESS_0, 4, MEMORY);
	put(PCI_COMMAND, 2, 0);
	CHECK_EQ(bus_read(&memory, MEMORY + QUEUES_AT, 2), 0xffff);
	CHECK_EQ(memory.nr, 1);
	CHECK_EQ(ports.nr, 0);
}

/* Two BARs at one address: the second one is on the bus when the first one has gone. */
static void bars_collide(void)
{
	const u64 config_other = ECAM + 0x10000;

	start();
	decode();
	bus_write(&memory, config_other + PCI_BASE_ADDRESS_0, 4, MEMORY);
	bus_write(&memory, config_other + PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	CHECK_EQ(memory.nr, 2);
	bus_write(&memory, MEMORY + VIRTIO_PCI_COMMON_STATUS, 1, 1);
	CHECK_EQ(disk.status, 1);
	CHECK_EQ(other.status, 0);
	put(PCI_COMMAND, 2, 0);
	bus_write(&memory, MEMORY + VIRTIO_PCI_COMMON_STATUS, 1, 1);
	CHECK_EQ(other.status, 1);
}

/* ---- MSI-X -------------------------------------------------------------- */

static void write_entry(u64 table, unsigned int vector, u64 address, u32 data, u32 control)
{
	bus_write(&memory, table + 16 * vector, 8, address);
	bus_write(&memory, table + 16 * vector + 8, 4, data);
	bus_write(&memory, table + 16 * vector + 12, 4, control);
}

static u64 table_address(void)
{
	unsigned int at = capability(PCI_CAP_ID_MSIX, 0);

	return bar_address(get(at + 4, 1) & 7) + (get(at + 4, 4) & ~7u);
}

static void set_flags(u32 flags)
{
	put(capability(PCI_CAP_ID_MSIX, 0) + PCI_MSIX_FLAGS, 2, flags);
}

static void vectors_are_routes(void)
{
	u64 table;

	start();
	decode();
	table = table_address();
	CHECK_EQ(get(capability(PCI_CAP_ID_MSIX, 0) + PCI_MSIX_FLAGS, 2), QUEUES);
	write_entry(table, 0, 0xfee01000, 0x41, 0);
	CHECK_EQ(routes[0].sets, 0);
	set_flags(PCI_MSIX_FLAGS_ENABLE);
	CHECK_EQ(get(capability(PCI_CAP_ID_MSIX, 0) + PCI_MSIX_FLAGS, 2),
		 PCI_MSIX_FLAGS_ENABLE | QUEUES);
	CHECK(routes[0].there && !routes[0].masked && routes[1].masked && routes[2].masked);
	CHECK_EQ(routes[0].message.address, 0xfee01000);
	CHECK_EQ(routes[0].message.data, 0x41);
	/* A change of a masked entry does not set the route. */
	write_entry(table, 1, 0x100fee02000, 0x42, 1);
	CHECK_EQ(routes[1].sets, 1);
	bus_write(&memory, table + 16 + 12, 4, 0xfffffffe);
	CHECK_EQ(bus_read(&memory, table + 16 + 12, 4), 0);
	CHECK(!routes[1].masked);
	CHECK_EQ(routes[1].message.address, 0x100fee02000);
	/* Mask all vectors, then disable MSI-X. */
	set_flags(PCI_MSIX_FLAGS_ENABLE | PCI_MSIX_FLAGS_MASKALL);
	CHECK(routes[0].masked && routes[1].masked);
	set_flags(PCI_MSIX_FLAGS_ENABLE);
	CHECK(!routes[0].masked && !routes[1].masked && routes[2].masked);
	set_flags(0);
	CHECK(!routes[0].there && !routes[1].there && !routes[2].there);
}

static void pending_bits(void)
{
	u64 table, pba;

	start();
	decode();
	table = table_address();
	pba = table + 0x800;
	CHECK_EQ(get(capability(PCI_CAP_ID_MSIX, 0) + 8, 4) & ~7u, pba - MEMORY);
	set_flags(PCI_MSIX_FLAGS_ENABLE);
	routes[1].pending = true;
	CHECK_EQ(bus_read(&memory, pba, 8), 2);
	bus_write(&memory, pba, 8, 0);
	CHECK_EQ(bus_read(&memory, pba, 1), 2);
	write_entry(table, 1, 0xfee00000, 0x41, 0);
	CHECK_EQ(bus_read(&memory, pba, 4), 0);
	set_flags(0);
	CHECK_EQ(bus_read(&memory, pba, 4), 0);
}

static void odd_table_accesses(void)
{
	u64 table;

	start();
	decode();
	table = table_address();
	set_flags(PCI_MSIX_FLAGS_ENABLE);
	bus_write(&memory, table + 1, 4, 0x12345678);
	bus_write(&memory, table, 2, 0x1234);
	bus_write(&memory, table + 12, 1, 0);
	CHECK_EQ(bus_read(&memory, table, 4), 0);
	CHECK_EQ(bus_read(&memory, table + 12, 4), 1);
	/* There is nothing behind the last vector, nor behind the pending bits. */
	write_entry(table, QUEUES + 1, ~0ull, ~0u, 0);
	CHECK_EQ(bus_read(&memory, table + 16 * (QUEUES + 1), 8), 0);
	bus_write(&memory, table + 0x7fe, 4, ~0u);
	CHECK_EQ(bus_read(&memory, table + 0x7fe, 4), 0);
	CHECK_EQ(bus_read(&memory, table + 0xffe, 4), 0xffff0000);
	CHECK_EQ(bus_read(&memory, table + 0x808, 8), 0);
}

/* ---- virtio ------------------------------------------------------------- */

static u64 common;

static u32 read_common(unsigned int reg, unsigned int width)
{
	return bus_read(&memory, common + reg, width);
}

static void write_common(unsigned int reg, unsigned int width, u32 value)
{
	bus_write(&memory, common + reg, width, value);
}

static u32 status(void)
{
	return read_common(VIRTIO_PCI_COMMON_STATUS, 1);
}

static void set_status(u8 value)
{
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, value);
}

static void accept(u64 features)
{
	write_common(VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	write_common(VIRTIO_PCI_COMMON_GF, 4, features);
	write_common(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	write_common(VIRTIO_PCI_COMMON_GF, 4, features >> 32);
}

/* Do what a driver does up to FEATURES_OK. */
static void greet(void)
{
	start();
	decode();
	common = structure(VIRTIO_PCI_CAP_COMMON_CFG);
	set_status(0);
	set_status(1);
	set_status(3);
	accept(1ull << VIRTIO_F_VERSION_1 | 1ull << 9);
	set_status(11);
}

static void set_up_queue(unsigned int queue)
{
	write_common(VIRTIO_PCI_COMMON_Q_SELECT, 2, queue);
	write_common(VIRTIO_PCI_COMMON_Q_SIZE, 2, 64);
	write_common(VIRTIO_PCI_COMMON_Q_MSIX, 2, queue + 1);
	write_common(VIRTIO_PCI_COMMON_Q_DESCLO, 4, 0x1000 * queue);
	write_common(VIRTIO_PCI_COMMON_Q_DESCHI, 4, 1);
	bus_write(&memory, common + VIRTIO_PCI_COMMON_Q_AVAILLO, 8, 0x200002000 + queue);
	bus_write(&memory, common + VIRTIO_PCI_COMMON_Q_USEDLO, 8, 0x300003000 + queue);
	write_common(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
}

static void features(void)
{
	greet();
	CHECK_EQ(status(), 11);
	CHECK_EQ(disk.accepted, 1ull << VIRTIO_F_VERSION_1 | 1ull << 9);
	/* After FEATURES_OK the features cannot change. */
	accept(0);
	CHECK_EQ(disk.accepted, 1ull << VIRTIO_F_VERSION_1 | 1ull << 9);
	write_common(VIRTIO_PCI_COMMON_DFSELECT, 4, 0);
	CHECK_EQ(read_common(VIRTIO_PCI_COMMON_DF, 4), 1u << 9 | 1u << 28);
	write_common(VIRTIO_PCI_COMMON_DFSELECT, 4, 1);
	CHECK_EQ(read_common(VIRTIO_PCI_COMMON_DF, 4), 1);
	write_common(VIRTIO_PCI_COMMON_DFSELECT, 4, 2);
	CHECK_EQ(read_common(VIRTIO_PCI_COMMON_DF, 4), 0);

	/* FEATURES_OK is refused without virtio 1, and with a feature that is not offered. */
	set_status(0);
	accept(1ull << 9);
	set_status(11);
	CHECK_EQ(status(), 3);
	accept(1ull << VIRTIO_F_VERSION_1 | 1ull << 5);
	set_status(11);
	CHECK_EQ(status(), 3);
	/* Without FEATURES_OK the device does not start. */
	set_status(15);
	CHECK_EQ(status(), 3);
	CHECK_EQ(starts, 0);
}

static void queue_setup(void)
{
	greet();
	CHECK_EQ(read_common(VIRTIO_PCI_COMMON_NUMQ, 2), QUEUES);
	write_common(VIRTIO_PCI_COMMON_Q_SELECT, 2, 1);
	CHECK_EQ(read_common(VIRTIO_PCI_COMMON_Q_SIZE, 2), VIRTIO_QUEUE_SIZE);
	CHECK_EQ(read_common(VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
	CHECK_EQ(read_common(VIRTIO_PCI_COMMON_Q_NOFF, 2), 1);
	write_common(VIRTIO_PCI_COMMON_Q_SIZE, 2, 0);
	write_common(VIRTIO_PCI_COMMON_Q_SIZE, 2, 100);
	write_common(VIRTIO_PCI_COMMON_Q_SIZE, 2, 512);
	write_common(VIRTIO_PCI_COMMON_Q_SIZE, 4, 64);
	CHECK_EQ(read_common(VIRTIO_PCI_COMMON_Q_SIZE, 2), VIRTIO_QUEUE_SIZE);
	write_common(VIRTIO_PCI_COMMON_Q_MSIX, 2, QUEUES + 1);
	CHECK_EQ(read_common(VIRTIO_PCI_COMMON_Q_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
	set_up_queue(1);
	CHECK_EQ(disk.queues[1].size, 64);
	CHECK_EQ(disk.queues[1].descriptors, 0x100001000);
	CHECK_EQ(disk.queues[1].available, 0x200002001);
	CHECK_EQ(disk.queues[1].used, 0x300003001);
	CHECK_EQ(virtio_gsi(&disk, 1), GSI + 2);
	CHECK_EQ(virtio_gsi(&disk, 0), VIRTIO_NO_GSI);
	CHECK_EQ(read_common(VIRTIO_PCI_COMMON_Q_AVAILLO, 4), 0x00002001);
	CHECK_EQ(read_common(VIRTIO_PCI_COMMON_Q_AVAILHI, 4), 2);
	/* A queue in use does not change, nor can it be disabled. */
	write_common(VIRTIO_PCI_COMMON_Q_SIZE, 2, 32);
	write_common(VIRTIO_PCI_COMMON_Q_DESCLO, 4, 0);
	write_common(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 0);
	CHECK_EQ(disk.queues[1].size, 64);
	CHECK_EQ(disk.queues[1].descriptors, 0x100001000);
	CHECK(disk.queues[1].enabled);
	/* A queue that does not exist. */
	write_common(VIRTIO_PCI_COMMON_Q_SELECT, 2, QUEUES);
	CHECK_EQ(read_common(VIRTIO_PCI_COMMON_Q_SIZE, 2), 0);
	write_common(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	write_common(VIRTIO_PCI_COMMON_Q_SELECT, 2, 0xffff);
	write_common(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	CHECK(!disk.queues[QUEUES].enabled);
}

static void life(void)
{
	greet();
	set_up_queue(0);
	set_status(15);
	CHECK_EQ(starts, 1);
	set_status(15);
	CHECK_EQ(starts, 1);
	/* A queue in use can get another vector; a write does not clear status bits. */
	write_common(VIRTIO_PCI_COMMON_Q_MSIX, 2, 2);
	CHECK_EQ(vectors, 1);
	set_status(1);
	CHECK_EQ(status(), 15);
	/* A queue cannot be enabled after DRIVER_OK. */
	set_up_queue(1);
	CHECK(!disk.queues[1].enabled);

	/* The reset is under way until the device has stopped. */
	set_status(0);
	CHECK_EQ(stops, 1);
	CHECK_EQ(status(), 15);
	set_status(0);
	set_status(1);
	CHECK_EQ(stops, 1);
	virtio_stopped(&disk);
	CHECK_EQ(status(), 0);
	CHECK_EQ(disk.accepted, 0);
	CHECK(!disk.queues[0].enabled);
	CHECK_EQ(virtio_gsi(&disk, 0), VIRTIO_NO_GSI);
	/* A device that has not started is not stopped. */
	set_status(1);
	set_status(0);
	CHECK_EQ(status(), 0);
	CHECK_EQ(stops, 1);
	virtio_stopped(&disk);
}

/* Only a bus master may access its queues, and interrupt. */
static void bus_master(void)
{
	const u32 slave = PCI_COMMAND_IO | PCI_COMMAND_MEMORY;

	greet();
	set_flags(PCI_MSIX_FLAGS_ENABLE);
	write_entry(table_address(), 1, 0xfee00000, 0x41, 0);
	set_up_queue(0);
	CHECK(!routes[1].masked);
	put(PCI_COMMAND, 2, slave);
	CHECK(routes[1].masked);
	/* The device does not start until it is a bus master. */
	set_status(15);
	CHECK_EQ(status(), 15);
	CHECK_EQ(starts, 0);
	decode();
	CHECK_EQ(starts, 1);
	CHECK(!routes[1].masked);
	decode();
	CHECK_EQ(starts, 1);

	/* The device is no bus master any more, and has to be reset. */
	put(PCI_COMMAND, 1, slave);
	CHECK_EQ(stops, 1);
	CHECK(routes[1].there && routes[1].masked);
	CHECK_EQ(status(), 11 | VIRTIO_CONFIG_S_NEEDS_RESET);
	write_common(VIRTIO_PCI_COMMON_Q_MSIX, 2, 2);
	CHECK_EQ(vectors, 0);
	decode();
	set_status(15);
	CHECK_EQ(status(), 11 | VIRTIO_CONFIG_S_NEEDS_RESET);
	put(PCI_COMMAND, 1, slave);
	CHECK_EQ(stops, 1);
	virtio_stopped(&disk);
	decode();
	set_status(15);
	CHECK_EQ(starts, 1);
	/* A reset of the virtio device does not change PCI's command register. */
	set_status(0);
	CHECK_EQ(status(), 0);
	CHECK_EQ(stops, 1);
	CHECK(get(PCI_COMMAND, 2) & PCI_COMMAND_MASTER);

	/* The reset comes before the device has stopped. */
	set_status(3);
	accept(1ull << VIRTIO_F_VERSION_1);
	set_status(15);
	CHECK_EQ(starts, 2);
	put(PCI_COMMAND, 2, slave);
	set_status(0);
	CHECK_EQ(stops, 2);
	CHECK_EQ(status(), 11 | VIRTIO_CONFIG_S_NEEDS_RESET);
	virtio_stopped(&disk);
	CHECK_EQ(status(), 0);
	/* Without DRIVER_OK, changes of Bus Master Enable neither start nor stop the device. */
	decode();
	put(PCI_COMMAND, 2, slave);
	CHECK_EQ(starts, 2);
	CHECK_EQ(stops, 2);
}

/* A driver does things in the wrong order, or more than once. */
static void out_of_order(void)
{
	u64 bell;

	greet();
	bell = structure(VIRTIO_PCI_CAP_NOTIFY_CFG);
	/* A notification does not start the device: its queues may not be set up yet. */
	bus_write(&ports, bell, 2, 0);
	CHECK_EQ(starts, 0);
	write_common(VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
	write_common(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 2);
	write_common(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 0xffff);
	CHECK(!disk.queues[0].enabled);
	set_up_queue(0);
	set_up_queue(0);
	CHECK_EQ(disk.queues[0].size, 64);
	/* A vector of the configuration that does not exist. */
	write_common(VIRTIO_PCI_COMMON_MSIX, 2, QUEUES + 1);
	CHECK_EQ(read_common(VIRTIO_PCI_COMMON_MSIX, 2), VIRTIO_MSI_NO_VECTOR);
	set_flags(PCI_MSIX_FLAGS_ENABLE);
	set_status(15);
	virtio_broken(&disk);
	CHECK_EQ(routes[0].fired + routes[1].fired + routes[2].fired, 0);
	/* DRIVER_OK needs FEATURES_OK; and the driver cannot set bits that are not its own. */
	set_status(0);
	virtio_stopped(&disk);
	set_status(0xff & ~VIRTIO_CONFIG_S_FEATURES_OK);
	CHECK_EQ(status(), 3 | VIRTIO_CONFIG_S_FAILED);
	CHECK_EQ(starts, 1);
}

static void breaks(void)
{
	u64 isr;

	greet();
	isr = structure(VIRTIO_PCI_CAP_ISR_CFG);
	set_flags(PCI_MSIX_FLAGS_ENABLE);
	write_common(VIRTIO_PCI_COMMON_MSIX, 2, 0);
	CHECK_EQ(read_common(VIRTIO_PCI_COMMON_MSIX, 2), 0);
	set_status(15);
	virtio_broken(&disk);
	virtio_broken(&disk);
	CHECK_EQ(status(), 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
	CHECK_EQ(routes[0].fired, 1);
	CHECK_EQ(bus_read(&memory, isr, 1), VIRTIO_PCI_ISR_CONFIG);
	CHECK_EQ(bus_read(&memory, isr, 1), 0);
	set_status(0);
	virtio_stopped(&disk);
	CHECK_EQ(status(), 0);
	/* Without a driver, virtio_broken() tells nothing. */
	virtio_broken(&disk);
	CHECK_EQ(status(), 0);
}

static void notifications(void)
{
	unsigned int at;
	u64 bell;

	greet();
	at = capability(PCI_CAP_ID_VNDR, VIRTIO_PCI_CAP_NOTIFY_CFG);
	bell = structure(VIRTIO_PCI_CAP_NOTIFY_CFG);
	CHECK_EQ(bell, bells[0]);
	CHECK_EQ(get(at + VIRTIO_PCI_NOTIFY_CAP_MULT, 4), 4);
	CHECK_EQ(get(at + VIRTIO_PCI_CAP_LENGTH, 4), 4 * QUEUES);
	bus_write(&ports, bell + 4, 2, 1);
	bus_write(&ports, bell + 5, 2, 1);
	bus_write(&ports, bell + 4 * QUEUES, 4, 1);
	CHECK_EQ(notified[1], 1);
	CHECK_EQ(notified[0], 0);
	CHECK_EQ(bus_read(&ports, bell, 2), 0);
}

/* Without I/O ports, notifications are writes of a page of memory. */
static void notifications_in_memory(void)
{
	unsigned int at;
	u64 bell;

	start_on(NULL);
	at = capability(PCI_CAP_ID_VNDR, VIRTIO_PCI_CAP_NOTIFY_CFG);
	put(PCI_COMMAND, 2, PCI_COMMAND_IO);
	CHECK_EQ(bells[0], 0);
	put(PCI_COMMAND, 2, PCI_COMMAND_MEMORY);
	bell = structure(VIRTIO_PCI_CAP_NOTIFY_CFG);
	CHECK(bell >= MEMORY && bell % KIB(4) == 0);
	CHECK_EQ(bell, bells[0]);
	CHECK_EQ(bells[1], bell + 4);
	bus_write(&memory, bell + get(at + VIRTIO_PCI_NOTIFY_CAP_MULT, 4), 2, 1);
	bus_write(&memory, bell + 4 * QUEUES, 4, 1);
	bus_write(&memory, bell + KIB(4) - 4, 4, 1);
	CHECK_EQ(notified[1], 1);
	CHECK_EQ(notified[0], 0);
	CHECK_EQ(bus_read(&memory, bell, 4), 0);
	CHECK_EQ(ports.nr, 0);
	put(PCI_COMMAND, 2, 0);
	CHECK_EQ(bells[0], 0);
}

static void device_config(void)
{
	u64 at, middle;
	u32 word;

	greet();
	at = structure(VIRTIO_PCI_CAP_DEVICE_CFG);
	word = bus_read(&memory, at, 4);
	CHECK(!memcmp(&word, "disk", 4));
	CHECK_EQ(bus_read(&memory, at + 8, 1), '4');
	memcpy(&middle, config + 4, sizeof(middle));
	CHECK_EQ(bus_read(&memory, at + 4, 8), middle);
	bus_write(&memory, at, 4, 0);
	CHECK_EQ(bus_read(&memory, at, 1), 'd');
	CHECK_EQ(bus_read(&memory, at + 12, 4), 0);
	CHECK_EQ(bus_read(&memory, at + VIRTIO_CONFIG - 2, 4), 0);
	CHECK_EQ(bus_read(&memory, at + 0xffe, 2), 0);
	CHECK_EQ(bus_read(&memory, common + sizeof(struct virtio_pci_common_cfg) - 2, 4), 0);
}

/* The window in configuration space accesses BARs even if they are not decoded. */
static void window(void)
{
	unsigned int at;

	start();
	at = capability(PCI_CAP_ID_VNDR, VIRTIO_PCI_CAP_PCI_CFG);
	CHECK(at);
	put(at + 4, 1, 0);
	put(at + 8, 4, VIRTIO_PCI_COMMON_NUMQ);
	put(at + 12, 4, 2);
	CHECK_EQ(get(at + 16, 2), QUEUES);
	put(at + 8, 4, VIRTIO_PCI_COMMON_STATUS);
	put(at + 12, 4, 1);
	put(at + 16, 1, 3);
	CHECK_EQ(disk.status, 3);
	CHECK_EQ(get(at + 16, 1), 3);
	put(at + 4, 1, 2);
	put(at + 8, 4, 4);
	put(at + 12, 4, 4);
	put(at + 16, 4, 0);
	CHECK_EQ(notified[1], 1);
	/* An access that is not valid does nothing. */
	put(at + 12, 4, 3);
	put(at + 16, 4, 0);
	put(at + 12, 4, 0);
	put(at + 16, 4, 0);
	put(at + 12, 4, 4);
	put(at + 8, 4, 0xfffffffc);
	put(at + 16, 4, 0);
	put(at + 8, 4, 0x40);
	put(at + 16, 4, 0);
	put(at + 8, 4, 5);
	put(at + 16, 4, 0);
	put(at + 4, 1, 1);
	put(at + 8, 4, 4);
	put(at + 16, 4, 0);
	put(at + 4, 1, 0xff);
	put(at + 16, 4, 0);
	get(at + 16, 4);
	CHECK_EQ(notified[1], 1);
}

static void full_bus(void)
{
	static struct pci_function functions[PCI_DEVICES + 1];
	const struct pci_id id = { .vendor = 1, .device = 2 };
	unsigned int i;
	int err = 0;

	start();
	for (i = 0; i < ARRAY_SIZE(functions) && !err; i++) {
		pci_function_init(&functions[i], &id, NULL, NULL, "device");
		err = pci_add(&pci, &functions[i]);
	}
	CHECK_EQ(i, PCI_DEVICES - 3 + 1);
	CHECK(err < 0);
}

static const struct tap_case cases[] = {
	{ "PCI: read-only registers, and functions that do not exist", identity },
	{ "PCI: the sizes of BARs", bar_sizes },
	{ "PCI: BARs move, within the windows", bars_move },
	{ "PCI: two BARs at one address", bars_collide },
	{ "PCI: a full bus", full_bus },
	{ "MSI-X: vectors are routes", vectors_are_routes },
	{ "MSI-X: pending bits", pending_bits },
	{ "MSI-X: odd accesses", odd_table_accesses },
	{ "virtio: features", features },
	{ "virtio: the setup of a queue", queue_setup },
	{ "virtio: start and reset", life },
	{ "virtio: a device that is no bus master", bus_master },
	{ "virtio: what comes in the wrong order", out_of_order },
	{ "virtio: a device that breaks", breaks },
	{ "virtio: notifications", notifications },
	{ "notifications in memory", notifications_in_memory },
	{ "virtio: the device's configuration", device_config },
	{ "virtio: the window in configuration space", window },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
