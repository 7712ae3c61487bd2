// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the device for random numbers, and of the ring walker.  The test is the driver, which
 * writes the device's registers and its ring.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

#include "fake.h"
#include "rng.h"
#include "tap.h"

#define GSI		64
#define MEMORY		0xc0000000u
#define PORTS		0xc000u
#define RAM		0x100000u
#define RAM_SIZE	0x10000u
#define ROM		(RAM + RAM_SIZE)
#define ROM_SIZE	0x1000u
#define SIZE		8

/* Where the test has the ring, and a buffer. */
#define TABLE		RAM
#define AVAILABLE	(RAM + 0x1000)
#define USED		(RAM + 0x2000)
#define BUFFER		(RAM + 0x4000)

#define WRITE		VRING_DESC_F_WRITE
#define NEXT		VRING_DESC_F_NEXT

static struct memory mem;
static struct bus memory, ports;
static struct pci pci;
static struct rng rng;
static unsigned int fired;
static unsigned int given;	/* bytes that the host has given */

/* Replaces the C library's getrandom(): no byte is 0. */
ssize_t getrandom(void *data, size_t size, unsigned int flags)
{
	(void)flags;
	CHECK(size <= RNG_BYTES);
	memset(data, 0xa5, size);
	given += size;
	return size;
}

static void route_set(void *arg, u32 gsi, const struct msi_message *message, bool masked)
{
	(void)arg;
	(void)gsi;
	(void)message;
	(void)masked;
}

static void route_remove(void *arg, u32 gsi)
{
	(void)arg;
	(void)gsi;
}

static bool route_pending(void *arg, u32 gsi)
{
	(void)arg;
	(void)gsi;
	return false;
}

static void route_fire(void *arg, u32 gsi)
{
	(void)arg;
	CHECK(gsi == GSI || gsi == GSI + 1);
	fired += gsi == GSI + 1;
}

static const struct msi_ops msi = { route_set, route_remove, route_pending, route_fire, NULL };

static struct vring_desc *table(void)
{
	return memory_at(&mem, TABLE, SIZE * sizeof(struct vring_desc));
}

static struct vring_avail *available(void)
{
	return memory_at(&mem, AVAILABLE, 6 + 2 * SIZE);
}

static struct vring_used *used(void)
{
	return memory_at(&mem, USED, 6 + 8 * SIZE);
}

static void write_common(unsigned int reg, unsigned int width, u64 value)
{
	bus_write(&memory, MEMORY + reg, width, value);
}

static u8 status(void)
{
	return bus_read(&memory, MEMORY + VIRTIO_PCI_COMMON_STATUS, 1);
}

static void notify(void)
{
	bus_write(&ports, PORTS, 2, 0);
}

/* Do what a driver does, with the queue there. */
static void set_up(u64 descriptors, u64 avail, u64 use)
{
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	CHECK_EQ(status(), 0);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 3);
	write_common(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	write_common(VIRTIO_PCI_COMMON_GF, 4, 1);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 11);
	write_common(VIRTIO_PCI_COMMON_MSIX, 2, 0);
	write_common(VIRTIO_PCI_COMMON_Q_SELECT, 2, 0);
	write_common(VIRTIO_PCI_COMMON_Q_MSIX, 2, 1);
	write_common(VIRTIO_PCI_COMMON_Q_SIZE, 2, SIZE);
	write_common(VIRTIO_PCI_COMMON_Q_DESCLO, 8, descriptors);
	write_common(VIRTIO_PCI_COMMON_Q_AVAILLO, 8, avail);
	write_common(VIRTIO_PCI_COMMON_Q_USEDLO, 8, use);
	write_common(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 15);
}

/* Begin with an empty ring. */
static void start(void)
{
	memset(mem.areas[0].hva, 0, RAM_SIZE);
	fired = 0;
	given = 0;
	set_up(TABLE, AVAILABLE, USED);
	CHECK_EQ(status(), 15);
}

static void describe(unsigned int nr, u64 gpa, u32 size, u16 flags, u16 next)
{
	table()[nr] = (struct vring_desc){ gpa, size, flags, next };
}

/* Make a request available. */
static void add(u16 head)
{
	available()->ring[available()->idx % SIZE] = head;
	available()->idx++;
}

/* ---- tests --------------------------------------------------------------- */

static void make(void)
{
	u8 *ram = calloc(1, RAM_SIZE), *rom = calloc(1, ROM_SIZE);

	CHECK(ram && rom);
	memory_add(&mem, RAM, RAM + RAM_SIZE, 0);
	memory_add(&mem, ROM, ROM + ROM_SIZE, AXV_REGION_READONLY);
	mem.areas[0].hva = ram;
	mem.areas[1].hva = rom;
	bus_init(&memory, "address");
	bus_init(&ports, "port");
	pci_init(&pci, &memory, &ports, 0);
	pci_set_window(&pci, false, MEMORY, 0x100000);
	pci_set_window(&pci, true, PORTS, 0x1000);
	CHECK_EQ(rng_create(&rng, &mem, &pci, &msi, GSI), 0);
	CHECK_EQ(pci_config_read(&pci, 1 << 3, PCI_DEVICE_ID, 2), 0x1044);
	pci_config_write(&pci, 1 << 3, PCI_COMMAND, 2,
			 PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pci_config_write(&pci, 1 << 3, rng.virtio.msix.capability + PCI_MSIX_FLAGS, 2,
			 PCI_MSIX_FLAGS_ENABLE);
}

static void gives(void)
{
	const u8 *buffer = memory_at(&mem, BUFFER, 0x1000);
	unsigned int i;

	start();
	describe(0, BUFFER, 64, WRITE, 0);
	add(0);
	CHECK_EQ(used()->idx, 0);
	notify();
	CHECK_EQ(used()->idx, 1);
	CHECK_EQ(used()->ring[0].id, 0);
	CHECK_EQ(used()->ring[0].len, 64);
	CHECK(buffer[0] == 0xa5 && buffer[63] == 0xa5 && !buffer[64]);
	CHECK_EQ(fired, 1);

	/* Several buffers, one of which it may not write; it writes RNG_BYTES at most. */
	describe(3, BUFFER + 0x100, 16, NEXT, 5);
	describe(5, BUFFER + 0x200, 100, WRITE | NEXT, 7);
	describe(7, BUFFER + 0x300, 0xc00, WRITE, 0);
	add(3);
	available()->flags = VRING_AVAIL_F_NO_INTERRUPT;
	notify();
	CHECK_EQ(used()->idx, 2);
	CHECK_EQ(used()->ring[1].id, 3);
	CHECK_EQ(used()->ring[1].len, RNG_BYTES);
	CHECK(!buffer[0x100] && buffer[0x263] && !buffer[0x264]);
	CHECK(buffer[0x300 + RNG_BYTES - 101] && !buffer[0x300 + RNG_BYTES - 100]);
	CHECK_EQ(fired, 1);

	/* The indices wrap around; a notification finds several requests, or none. */
	available()->flags = 0;
	for (i = 0; i < 3 * SIZE; i++) {
		add(0);
		add(0);
		notify();
		notify();
	}
	CHECK_EQ(used()->idx, 2 + 6 * SIZE);
	CHECK_EQ(fired, 1 + 3 * SIZE);
}

/*
 * A request that waits when the driver becomes ready needs no notification; a notification before
 * that is lost.
 */
static void early(void)
{
	memset(mem.areas[0].hva, 0, RAM_SIZE);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	describe(0, BUFFER, 64, WRITE, 0);
	add(0);
	notify();
	CHECK_EQ(used()->idx, 0);
	set_up(TABLE, AVAILABLE, USED);
	CHECK_EQ(used()->idx, 1);
	/* After a reset the ring is not used. */
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	add(0);
	notify();
	CHECK_EQ(used()->idx, 1);
}

/* The driver writes a request that is not valid: the device needs a reset, and works again. */
static void expect_broken(void)
{
	const u16 before = used()->idx;

	notify();
	CHECK_EQ(status(), 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
	CHECK_EQ(used()->idx, before);
	CHECK_EQ(given, 0);
	/* A valid request does not make it work again. */
	describe(0, BUFFER, 1, WRITE, 0);
	available()->ring[0] = 0;
	available()->idx = 1;
	notify();
	CHECK_EQ(used()->idx, before);
}

static void bad_requests(void)
{
	static const struct vring_desc wrong[] = {
		{ RAM - 1, 1, WRITE, 0 }, { RAM + RAM_SIZE - 1, 2, WRITE, 0 },
		{ ~0ull, 1, WRITE, 0 },
		{ BUFFER, ~0u, WRITE, 0 }, { ROM, 1, WRITE, 0 }, { 0ull - 1, 2, WRITE, 0 },
		/* An indirect table, a flag that does not exist, a loop, a next one beyond. */
		{ BUFFER, 16, VRING_DESC_F_INDIRECT, 0 }, { BUFFER, 1, WRITE | 8, 0 },
		{ BUFFER, 1, WRITE | NEXT, 0 }, { BUFFER, 1, WRITE | NEXT, SIZE },
		{ BUFFER, 0, NEXT, 0 }, { BUFFER, 1, NEXT, 0xffff },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		start();
		table()[0] = wrong[i];
		add(0);
		expect_broken();
	}
	/* A first descriptor beyond the table; and more requests than the ring has room for. */
	start();
	add(SIZE);
	expect_broken();
	start();
	available()->idx = SIZE + 1;
	describe(0, BUFFER, 1, WRITE, 0);
	expect_broken();
	start();
	available()->idx = 0xffff;
	expect_broken();
}

static void bad_rings(void)
{
	static const u64 wrong[] = {
		0, RAM - 16, RAM + RAM_SIZE - 16, ROM, ROM + ROM_SIZE, ~0ull, 0ull - 16, RAM + 1,
	};
	unsigned int i;

	for (i = 0; i < 3 * ARRAY_SIZE(wrong); i++) {
		const u64 at = wrong[i / 3];

		set_up(i % 3 == 0 ? at : TABLE, i % 3 == 1 ? at : AVAILABLE,
		       i % 3 == 2 ? at : USED);
		CHECK_EQ(status(), 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
		notify();
	}
	start();
}

/*
 * Rings full of random bytes, valid ones among them.  This ends, and AddressSanitizer, if the test
 * is built with it, sees no access outside of guest memory.
 */
static void random_rings(void)
{
	unsigned int i, j;

	srandom(1);
	for (i = 0; i < 20000; i++) {
		start();
		for (j = 0; j < SIZE; j++) {
			const u64 in = RAM + (u64)random() % (RAM_SIZE + ROM_SIZE);
			const u64 gpa = random() % 8 ? in : (u64)random() << 32;

			describe(j, gpa, random() % 4 ? random() % 512 : random(),
				 random() % 8 ? random() % 4 : random(), random() % (SIZE + 1));
			available()->ring[j] = random() % 16 ? random() % SIZE : random();
		}
		available()->idx = random() % 8 ? random() % (SIZE + 1) : random();
		notify();
	}
}

static const struct tap_case cases[] = {
	{ "a device with a queue", make },
	{ "the device gives what the driver asks for", gives },
	{ "before the driver is ready, and after a reset", early },
	{ "requests that are not valid", bad_requests },
	{ "rings where no memory is", bad_rings },
	{ "random rings", random_rings },
};

int main(void)
{
	fake_reset();
	return tap_run(cases, ARRAY_SIZE(cases));
}
