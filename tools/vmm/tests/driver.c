// SPDX-License-Identifier: GPL-2.0
/* A driver of one virtio device, for tests. */
#include <pthread.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include "driver.h"
#include "fake.h"
#include "tap.h"

#define MEMORY	0xc0000000u
#define PORTS	0xc000u
#define CONFIG	(MEMORY + 0x2000)
#define ROM_SIZE	0x1000u
#define QUEUES	8
#define SECONDS	5

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t interrupted = PTHREAD_COND_INITIALIZER;
static struct memory mem;
static struct bus memory, ports;
static struct pci pci;
static unsigned int fired[QUEUES + 1];

/* Replaces the C library's ioctl(): the kernel module agrees to everything. */
int ioctl(int fd, unsigned long command, ...)
{
	va_list args;
	void *arg;

	(void)fd;
	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	if (command == AXV_QUERY)
		((struct axv_query *)arg)->value = AXV_ABI_VERSION;
	return command == AXV_CREATE_VM ? memfd_create("vm", MFD_CLOEXEC) : 0;
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
	CHECK(gsi >= DRIVER_GSI && gsi <= DRIVER_GSI + QUEUES);
	fired[gsi - DRIVER_GSI]++;
	pthread_cond_broadcast(&interrupted);
}

static const struct msi_ops msi = { route_set, route_remove, route_pending, route_fire, NULL };

const struct virtio_board *driver_board(void)
{
	static struct virtio_board board = {
		.lock = &lock, .mem = &mem, .pci = &pci, .msi = &msi,
	};
	struct axv_host *host;

	fake_reset();
	if (!board.vm) {
		CHECK(!axv_open("/dev/null", &host) && !axv_vm_create(host, NULL, &board.vm));
		memory_add(&mem, DRIVER_RAM, DRIVER_RAM + DRIVER_RAM_SIZE, 0);
		memory_add(&mem, DRIVER_ROM, DRIVER_ROM + ROM_SIZE, AXV_REGION_READONLY);
		mem.areas[0].hva = mmap(NULL, DRIVER_RAM_SIZE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		mem.areas[1].hva = mmap(NULL, ROM_SIZE, PROT_READ | PROT_WRITE,
					MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		CHECK(mem.areas[0].hva != MAP_FAILED && mem.areas[1].hva != MAP_FAILED);
		memset(mem.areas[1].hva, DRIVER_ROM_BYTE, ROM_SIZE);
		CHECK(!mprotect(mem.areas[1].hva, ROM_SIZE, PROT_READ));
	}
	bus_init(&memory, "address");
	bus_init(&ports, "port");
	pci_init(&pci, &memory, &ports, 0);
	pci_set_window(&pci, false, MEMORY, 0x100000);
	pci_set_window(&pci, true, PORTS, 0x1000);
	return &board;
}

void driver_find(struct virtio *v)
{
	pthread_mutex_lock(&lock);
	pci_config_write(&pci, 1 << 3, PCI_COMMAND, 2,
			 PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pci_config_write(&pci, 1 << 3, v->msix.capability + PCI_MSIX_FLAGS, 2,
			 PCI_MSIX_FLAGS_ENABLE);
	pthread_mutex_unlock(&lock);
}

static void write_common(unsigned int reg, unsigned int width, u64 value)
{
	pthread_mutex_lock(&lock);
	bus_write(&memory, MEMORY + reg, width, value);
	pthread_mutex_unlock(&lock);
}

bool driver_status_becomes(u8 wanted)
{
	unsigned int tries;
	u8 now = ~wanted;

	for (tries = 0; tries < 1000 * SECONDS && now != wanted; tries++) {
		if (tries)
			usleep(1000);
		pthread_mutex_lock(&lock);
		now = bus_read(&memory, MEMORY + VIRTIO_PCI_COMMON_STATUS, 1);
		pthread_mutex_unlock(&lock);
	}
	return now == wanted;
}

bool driver_reset(void)
{
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	return driver_status_becomes(0);
}

static u64 ring_at(unsigned int queue, unsigned int part)
{
	return DRIVER_RAM + queue * 0x4000u + part * 0x1000u;
}

void driver_start(unsigned int queues)
{
	unsigned int i;

	CHECK(driver_reset());
	memset(mem.areas[0].hva, 0, DRIVER_RAM_SIZE);
	memset(fired, 0, sizeof(fired));
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 3);
	for (i = 0; i < 2; i++) {
		u32 offered;

		write_common(VIRTIO_PCI_COMMON_DFSELECT, 4, i);
		pthread_mutex_lock(&lock);
		offered = bus_read(&memory, MEMORY + VIRTIO_PCI_COMMON_DF, 4);
		pthread_mutex_unlock(&lock);
		write_common(VIRTIO_PCI_COMMON_GFSELECT, 4, i);
		write_common(VIRTIO_PCI_COMMON_GF, 4, offered);
	}
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 11);
	write_common(VIRTIO_PCI_COMMON_MSIX, 2, 0);
	for (i = 0; i < queues; i++) {
		write_common(VIRTIO_PCI_COMMON_Q_SELECT, 2, i);
		write_common(VIRTIO_PCI_COMMON_Q_MSIX, 2, i + 1);
		write_common(VIRTIO_PCI_COMMON_Q_SIZE, 2, DRIVER_SIZE);
		write_common(VIRTIO_PCI_COMMON_Q_DESCLO, 8, ring_at(i, 0));
		write_common(VIRTIO_PCI_COMMON_Q_AVAILLO, 8, ring_at(i, 1));
		write_common(VIRTIO_PCI_COMMON_Q_USEDLO, 8, ring_at(i, 2));
		write_common(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
	}
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 15);
}

unsigned int driver_fired(unsigned int queue)
{
	unsigned int count;

	pthread_mutex_lock(&lock);
	count = fired[queue + 1];
	pthread_mutex_unlock(&lock);
	return count;
}

unsigned int driver_config_fired(void)
{
	unsigned int count;

	pthread_mutex_lock(&lock);
	count = fired[0];
	pthread_mutex_unlock(&lock);
	return count;
}

u32 driver_read_config(unsigned int offset)
{
	u32 value;

	pthread_mutex_lock(&lock);
	value = bus_read(&memory, CONFIG + offset, 4);
	pthread_mutex_unlock(&lock);
	return value;
}

void driver_write_config(unsigned int offset, u32 value)
{
	pthread_mutex_lock(&lock);
	bus_write(&memory, CONFIG + offset, 4, value);
	pthread_mutex_unlock(&lock);
}

void *driver_memory(u64 gpa)
{
	return memory_at(&mem, gpa, 1);
}

struct vring_desc *driver_table(unsigned int queue)
{
	return driver_memory(ring_at(queue, 0));
}

struct vring_avail *driver_available(unsigned int queue)
{
	return driver_memory(ring_at(queue, 1));
}

struct vring_used *driver_used(unsigned int queue)
{
	return driver_memory(ring_at(queue, 2));
}

void driver_notify(unsigned int queue)
{
	pthread_mutex_lock(&lock);
	bus_write(&ports, PORTS + 4 * queue, 2, queue);
	pthread_mutex_unlock(&lock);
}

void driver_add(unsigned int queue, u16 head)
{
	struct vring_avail *available = driver_available(queue);

	available->ring[available->idx % DRIVER_SIZE] = head;
	__atomic_store_n(&available->idx, available->idx + 1, __ATOMIC_RELEASE);
	driver_notify(queue);
}

void driver_send(unsigned int queue, u64 gpa, u32 size, u16 flags)
{
	const u16 head = driver_available(queue)->idx % DRIVER_SIZE;

	driver_table(queue)[head] = (struct vring_desc){ gpa, size, flags, 0 };
	driver_add(queue, head);
}

static u16 used_index(unsigned int queue)
{
	return __atomic_load_n(&driver_used(queue)->idx, __ATOMIC_ACQUIRE);
}

bool driver_has_used(unsigned int queue, u16 idx)
{
	struct timespec deadline;
	int err = 0;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += SECONDS;
	pthread_mutex_lock(&lock);
	while (!err && used_index(queue) != idx)
		err = pthread_cond_timedwait(&interrupted, &lock, &deadline);
	pthread_mutex_unlock(&lock);
	return used_index(queue) == idx;
}

void driver_fill_random(unsigned int queue)
{
	unsigned int j;

	for (j = 0; j < DRIVER_SIZE; j++) {
		const u64 in = DRIVER_RAM + (u64)random() % (DRIVER_RAM_SIZE + ROM_SIZE);
		const u64 gpa = random() % 8 ? in : (u64)random() << 32;

		driver_table(queue)[j] = (struct vring_desc){
			.addr = gpa,
			.len = random() % 4 ? random() % 512 : random(),
			.flags = random() % 8 ? random() % 4 : random(),
			.next = random() % (DRIVER_SIZE + 1),
		};
		driver_available(queue)->ring[j] = random() % 16 ? random() % DRIVER_SIZE :
							random();
	}
	driver_available(queue)->idx = random() % 8 ? random() % (DRIVER_SIZE + 1) : random();
}
