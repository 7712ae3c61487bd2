// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of a device behind the kernel's vhost.  The test is the driver, which writes the device's
 * registers; and the kernel, whose answers replace those of open() and ioctl().
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/pci_regs.h>
#include <linux/vhost.h>
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_pci.h>

#include "fake.h"
#include "sandbox.h"
#include "tap.h"
#include "vhost.h"

#define GSI		64
#define MEMORY		0xc0000000u
#define PORTS		0xc000u
#define RAM		0x100000u
#define RAM_SIZE	0x100000u
#define ROM		(RAM + RAM_SIZE)
#define ROM_SIZE	0x10000u
#define QUEUES		3
#define MTU		1400

/* Virtio 1, indirect descriptors, event indices, mergeable buffers, and features of no use. */
#define KERNEL_FEATURES	(1ull << 32 | 1ull << 28 | 1ull << 29 | 1ull << 15 | 1ull << 26 | \
			 1ull << 27 | 1ull << 33)

/* ---- the kernel ---------------------------------------------------------- */

/* What the kernel was told; the device's thread writes it with @lock held. */
static struct {
	u64 features;
	unsigned long offloads;
	struct vhost_memory memory;
	struct vhost_memory_region regions[4];
	struct vhost_vring_addr rings[QUEUES];
	unsigned int sizes[QUEUES];
	int kicks[QUEUES];
	int calls[QUEUES];
	int backends[QUEUES];
	unsigned int starts;	/* how often a queue was started */
	unsigned int stops;
	unsigned int irqfds;
	unsigned int owners;
	u64 cid;
	int running;		/* what vhost-vsock was told last */
	u16 tap_flags;		/* flags of the interface */
	u8 mac[VHOST_MAC];	/* its own address */
	bool shared;		/* another program has a queue of it */
	int header;
	unsigned long refused;	/* an ioctl that fails */
	int error;		/* with this errno */
	u64 offered;
	const char *missing;	/* a file that is not there */
} kernel;

static pthread_mutex_t kernel_lock = PTHREAD_MUTEX_INITIALIZER;

/* Replaces the C library's open(): each file is an empty one, which can be closed. */
int open(const char *path, int flags, ...)
{
	if (kernel.missing && !strcmp(path, kernel.missing)) {
		errno = ENOENT;
		return -1;
	}
	if (!strncmp(path, "/dev/", 5))
		return memfd_create("file", MFD_CLOEXEC);
	return syscall(SYS_openat, AT_FDCWD, path, flags, 0);
}

/* Replaces the C library's access(). */
int access(const char *path, int mode)
{
	CHECK(!strcmp(path, "/sys/class/net/tap0/queues/rx-1") && mode == F_OK);
	errno = ENOENT;
	return kernel.shared ? 0 : -1;
}

static int set_interface(struct ifreq *request)
{
	CHECK(request->ifr_flags & IFF_TAP && request->ifr_flags & IFF_NO_PI &&
	      request->ifr_flags & IFF_VNET_HDR);
	/* An interface for several queues has to be opened as such. */
	if ((request->ifr_flags ^ kernel.tap_flags) & IFF_MULTI_QUEUE) {
		errno = EINVAL;
		return -1;
	}
	return 0;
}

static int set_backend(const struct vhost_vring_file *file)
{
	if (file->fd < 0)
		kernel.stops++;
	else
		kernel.starts++;
	kernel.backends[file->index] = file->fd;
	return 0;
}

static int answer(unsigned long command, void *arg)
{
	const struct vhost_vring_file *file = arg;
	const struct vhost_vring_state *state = arg;
	const struct vhost_vring_addr *addr = arg;

	if (command == kernel.refused) {
		errno = kernel.error;
		return -1;
	}
	switch (command) {
	case AXV_QUERY:
		((struct axv_query *)arg)->value = AXV_ABI_VERSION;
		return 0;
	case AXV_CREATE_VM:
		return memfd_create("vm", MFD_CLOEXEC);
	case AXV_VM_SET_IRQFD:
		if (((struct axv_set_irqfd *)arg)->flags & AXV_IRQFD_REMOVE)
			kernel.irqfds--;
		else
			kernel.irqfds++;
		return 0;
	case SIOCGIFMTU:
		if (strncmp(((struct ifreq *)arg)->ifr_name, "tap", 3)) {
			errno = ENODEV;
			return -1;
		}
		((struct ifreq *)arg)->ifr_mtu = MTU;
		return 0;
	case SIOCGIFHWADDR:
		memcpy(((struct ifreq *)arg)->ifr_hwaddr.sa_data, kernel.mac, VHOST_MAC);
		return 0;
	case TUNSETIFF:
		return set_interface(arg);
	case TUNSETVNETHDRSZ:
		kernel.header = *(int *)arg;
		return 0;
	case TUNSETOFFLOAD:
		kernel.offloads = (unsigned long)arg;
		return 0;
	case VHOST_SET_OWNER:
		kernel.owners++;
		return 0;
	case VHOST_GET_FEATURES:
		*(u64 *)arg = kernel.offered;
		return 0;
	case VHOST_SET_FEATURES:
		kernel.features = *(u64 *)arg;
		return 0;
	case VHOST_SET_MEM_TABLE:
		kernel.memory = *(struct vhost_memory *)arg;
		memcpy(kernel.regions, ((struct vhost_memory *)arg)->regions,
		       kernel.memory.nregions * sizeof(kernel.regions[0]));
		return 0;
	case VHOST_SET_VRING_NUM:
		kernel.sizes[state->index] = state->num;
		return 0;
	case VHOST_SET_VRING_BASE:
		CHECK_EQ(state->num, 0);
		return 0;
	case VHOST_SET_VRING_ADDR:
		kernel.rings[addr->index] = *addr;
		return 0;
	case VHOST_SET_VRING_KICK:
		kernel.kicks[file->index] = file->fd;
		return 0;
	case VHOST_SET_VRING_CALL:
		kernel.calls[file->index] = file->fd;
		return 0;
	case VHOST_NET_SET_BACKEND:
		return set_backend(arg);
	case VHOST_VSOCK_SET_GUEST_CID:
		kernel.cid = *(u64 *)arg;
		return 0;
	case VHOST_VSOCK_SET_RUNNING:
		kernel.running = *(int *)arg;
		*(kernel.running ? &kernel.starts : &kernel.stops) += 1;
		return 0;
	default:
		return 0;
	}
}

/* Replaces the C library's ioctl(). */
int ioctl(int fd, unsigned long command, ...)
{
	va_list args;
	void *arg;
	int ret;

	(void)fd;
	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	pthread_mutex_lock(&kernel_lock);
	ret = answer(command, arg);
	pthread_mutex_unlock(&kernel_lock);
	return ret;
}

/* Wait until one of the kernel's counters is @wanted; returns whether it came to that. */
static bool becomes(const unsigned int *counter, unsigned int wanted)
{
	unsigned int tries, now = ~wanted;

	for (tries = 0; tries < 5000 && now != wanted; tries++) {
		pthread_mutex_lock(&kernel_lock);
		now = *counter;
		pthread_mutex_unlock(&kernel_lock);
		if (now != wanted)
			usleep(1000);
	}
	return now == wanted;
}

/* ---- the machine --------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct axv_host *host;
static struct axv_vm *vm;
static struct memory mem;
static struct bus memory, ports;
static struct pci pci;
static struct vhost dev;

static void route_set(void *arg, u32 gsi, const struct msi_message *message, bool masked)
{
	(void)arg;
	(void)gsi;
	(void)message;
	(void)masked;
}

static void route_none(void *arg, u32 gsi)
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

static const struct msi_ops msi = { route_set, route_none, route_pending, route_none, NULL };

static const struct vhost_config net = {
	.type = VHOST_NET,
	.tap = { .name = "tap0", .has_mac = true, .mac = { 2, 3, 4, 5, 6, 7 } },
};

static void reset_kernel(void)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.offered = KERNEL_FEATURES;
}

static int create(const struct vhost_config *config)
{
	const struct virtio_board board = {
		.lock = &lock, .vm = vm, .mem = &mem, .pci = &pci, .msi = &msi,
		.seccomp = true,
	};

	fake_reset();
	bus_init(&memory, "address");
	bus_init(&ports, "port");
	pci_init(&pci, &memory, &ports, 0);
	pci_set_window(&pci, false, MEMORY, 0x100000);
	pci_set_window(&pci, true, PORTS, 0x1000);
	memset(&dev, 0, sizeof(dev));
	return vhost_create(&dev, config, &board, GSI);
}

static void start(void)
{
	reset_kernel();
	CHECK_EQ(create(&net), 0);
	CHECK_EQ(vhost_start(&dev), 0);
}

static void stop(void)
{
	vhost_release(&dev, 1);
	CHECK(dev.kernel.fd < 0 && dev.kernel.backend < 0);
}

/* ---- the driver ---------------------------------------------------------- */

static void write_common(unsigned int reg, unsigned int width, u64 value)
{
	pthread_mutex_lock(&lock);
	bus_write(&memory, MEMORY + reg, width, value);
	pthread_mutex_unlock(&lock);
}

static bool status_becomes(u8 wanted)
{
	unsigned int tries;
	u8 now = ~wanted;

	for (tries = 0; tries < 5000 && now != wanted; tries++) {
		pthread_mutex_lock(&lock);
		now = bus_read(&memory, MEMORY + VIRTIO_PCI_COMMON_STATUS, 1);
		pthread_mutex_unlock(&lock);
		if (now != wanted)
			usleep(1000);
	}
	return now == wanted;
}

static void set_up_queue(unsigned int queue, u64 at)
{
	write_common(VIRTIO_PCI_COMMON_Q_SELECT, 2, queue);
	write_common(VIRTIO_PCI_COMMON_Q_MSIX, 2, queue);
	write_common(VIRTIO_PCI_COMMON_Q_SIZE, 2, 64);
	write_common(VIRTIO_PCI_COMMON_Q_DESCLO, 8, at);
	write_common(VIRTIO_PCI_COMMON_Q_AVAILLO, 8, at + 0x1000);
	write_common(VIRTIO_PCI_COMMON_Q_USEDLO, 8, at + 0x2000);
	write_common(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
}

/* Do what a driver does before it sets the queues up; it accepts @features and virtio 1. */
static void greet(u32 features)
{
	pthread_mutex_lock(&lock);
	pci_config_write(&pci, 1 << 3, PCI_COMMAND, 2,
			 PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	pci_config_write(&pci, 1 << 3, dev.virtio.msix.capability + PCI_MSIX_FLAGS, 2,
			 PCI_MSIX_FLAGS_ENABLE);
	pthread_mutex_unlock(&lock);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 3);
	write_common(VIRTIO_PCI_COMMON_GFSELECT, 4, 0);
	write_common(VIRTIO_PCI_COMMON_GF, 4, features);
	write_common(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	write_common(VIRTIO_PCI_COMMON_GF, 4, 1);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 11);
}

static void ready(void)
{
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 15);
}

static void reset(void)
{
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	CHECK(status_becomes(0));
}

/* ---- tests --------------------------------------------------------------- */

static void offers(void)
{
	const struct virtio_net_config *config = (void *)dev.virtio.config;
	struct vhost_config other = net;
	u8 mac[VHOST_MAC];
	char name[] = "tap0";

	start();
	CHECK_EQ(kernel.owners, 1);
	CHECK_EQ(kernel.header, 12);
	/* Checksums, TSO of both directions, MAC, status, MTU; but what nothing here has is not. */
	CHECK_EQ(dev.virtio.features, 1ull << 32 | 1ull << 28 | 1ull << 29 | 1ull << 15 |
				      0x1b80 | 0x2000 | 1 << 0 | 1 << 1 | 1 << 3 | 1 << 5 |
				      1 << 16);
	CHECK_EQ(dev.virtio.nr_queues, 2);
	CHECK(!memcmp(config->mac, net.tap.mac, VHOST_MAC));
	CHECK_EQ(config->status, VIRTIO_NET_S_LINK_UP);
	CHECK_EQ(config->mtu, MTU);
	stop();

	/* An address of axvmm's is the same each time, of one device, and administered locally. */
	other.tap.has_mac = false;
	reset_kernel();
	CHECK_EQ(create(&other), 0);
	memcpy(mac, config->mac, VHOST_MAC);
	CHECK_EQ(mac[0] & 3, 2);
	stop();
	kernel.tap_flags = IFF_MULTI_QUEUE;
	CHECK_EQ(create(&other), 0);
	CHECK(!memcmp(mac, config->mac, VHOST_MAC));
	stop();
	kernel.tap_flags = 0;
	for (other.tap.name = name; name[3] < '9';) {
		name[3]++;
		CHECK_EQ(create(&other), 0);
		CHECK_EQ(config->mac[0] & 3, 2);
		CHECK(memcmp(mac, config->mac, VHOST_MAC));
		stop();
	}
	other.tap.name = "tap0";
	kernel.mac[VHOST_MAC - 1] = 1;
	CHECK_EQ(create(&other), 0);
	CHECK(memcmp(mac, config->mac, VHOST_MAC));
	stop();
}

static void life(void)
{
	unsigned int i;

	start();
	greet(1 << 0 | 1 << 1 | 1 << 7 | 1 << 15);
	set_up_queue(0, RAM);
	set_up_queue(1, RAM + 0x4000);
	CHECK_EQ(kernel.starts, 0);
	ready();
	CHECK(becomes(&kernel.starts, 2));
	CHECK_EQ(kernel.irqfds, 2);
	/* The kernel gets no features that it does not know, such as those of the tap interface. */
	CHECK_EQ(kernel.features, 1ull << 32 | 1 << 15);
	CHECK_EQ(kernel.offloads, TUN_F_CSUM | TUN_F_TSO4);
	/* What the guest cannot write is not given to the kernel, which would write it. */
	CHECK_EQ(kernel.memory.nregions, 1);
	CHECK_EQ(kernel.regions[0].guest_phys_addr, RAM);
	CHECK_EQ(kernel.regions[0].memory_size, RAM_SIZE);
	CHECK_EQ(kernel.regions[0].userspace_addr, (uintptr_t)mem.areas[0].hva);
	for (i = 0; i < 2; i++) {
		const u64 at = (uintptr_t)mem.areas[0].hva + 0x4000 * i;

		CHECK_EQ(kernel.sizes[i], 64);
		CHECK_EQ(kernel.rings[i].desc_user_addr, at);
		CHECK_EQ(kernel.rings[i].avail_user_addr, at + 0x1000);
		CHECK_EQ(kernel.rings[i].used_user_addr, at + 0x2000);
		CHECK_EQ(kernel.kicks[i], dev.kicks[i]);
		CHECK_EQ(kernel.calls[i], dev.calls[i]);
		CHECK_EQ(kernel.backends[i], dev.kernel.backend);
	}
	reset();
	CHECK_EQ(kernel.stops, 2);
	CHECK_EQ(kernel.irqfds, 0);

	/* A driver that accepts no offloads, and resets the device at once. */
	for (i = 0; i < 20; i++) {
		greet(1 << 7 | 1 << 9);
		set_up_queue(1, RAM);
		ready();
		reset();
		CHECK_EQ(kernel.starts, kernel.stops);
		CHECK(kernel.backends[0] < 0 && kernel.backends[1] < 0);
	}
	greet(1 << 7 | 1 << 9);
	set_up_queue(1, RAM);
	ready();
	CHECK(becomes(&kernel.starts, kernel.stops + 1));
	/* The kernel knows the other offloads only together with that of checksums. */
	CHECK_EQ(kernel.offloads, 0);
	stop();
}

/* Rings at addresses without memory, in read-only memory, or not aligned. */
static void bad_rings(void)
{
	static const u64 wrong[] = {
		0, RAM - 0x1000, RAM + RAM_SIZE - 0x2000, RAM + 8, ~0ull, 1ull << 63,
		ROM, ROM + ROM_SIZE, 0ull - 0x1000, 0ull - 0x2000,
	};
	unsigned int i;

	start();
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		greet(0);
		set_up_queue(0, RAM);
		set_up_queue(1, wrong[i]);
		ready();
		CHECK(status_becomes(15 | VIRTIO_CONFIG_S_NEEDS_RESET));
		reset();
	}
	CHECK_EQ(kernel.starts, 0);
	CHECK_EQ(kernel.irqfds, 0);
	/* The device still works. */
	greet(0);
	set_up_queue(0, RAM);
	ready();
	CHECK(becomes(&kernel.starts, 1));
	stop();
}

/* The kernel refuses something: the device is dead, and its files are closed. */
static void refusals(void)
{
	static const unsigned long commands[] = {
		VHOST_SET_FEATURES, VHOST_SET_MEM_TABLE, VHOST_SET_VRING_NUM,
		VHOST_SET_VRING_BASE, VHOST_SET_VRING_ADDR, VHOST_SET_VRING_CALL,
		VHOST_SET_VRING_KICK, TUNSETOFFLOAD, VHOST_NET_SET_BACKEND,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++) {
		start();
		kernel.refused = commands[i];
		kernel.error = EFAULT;
		greet(0);
		set_up_queue(0, RAM);
		ready();
		CHECK(status_becomes(15 | VIRTIO_CONFIG_S_NEEDS_RESET));
		CHECK(dev.kernel.fd < 0 && dev.kernel.backend < 0);
		reset();
		/* The next driver finds at once that the device is dead. */
		greet(0);
		CHECK(status_becomes(3));
		reset();
		stop();
	}
	/* It refuses to stop. */
	start();
	greet(0);
	set_up_queue(0, RAM);
	ready();
	CHECK(becomes(&kernel.starts, 1));
	kernel.refused = VHOST_NET_SET_BACKEND;
	kernel.error = EIO;
	reset();
	CHECK(dev.kernel.fd < 0);
	stop();
}

/* The kernel has two of three queues; the third one has an interrupt, but no thread works on it. */
static void vsock(void)
{
	const struct vhost_config config = { .type = VHOST_VSOCK, .cid = 42 };
	const u64 cid = 42;
	unsigned int i;

	reset_kernel();
	kernel.offered |= 1ull << 1;
	CHECK(!vhost_shares_memory(&config));
	CHECK_EQ(create(&config), 0);
	CHECK_EQ(vhost_start(&dev), 0);
	CHECK_EQ(kernel.cid, 42);
	CHECK(!memcmp(dev.virtio.config, &cid, sizeof(cid)));
	CHECK_EQ(dev.virtio.nr_queues, 3);
	CHECK_EQ(dev.virtio.features, 1ull << 32 | 1ull << 28 | 1ull << 29 | 1 << 1);
	greet(1 << 1);
	set_up_queue(0, RAM);
	set_up_queue(1, RAM + 0x4000);
	set_up_queue(2, RAM + 0x8000);
	ready();
	CHECK(becomes(&kernel.starts, 1));
	CHECK_EQ(kernel.running, 1);
	CHECK_EQ(kernel.irqfds, 3);
	CHECK_EQ(kernel.sizes[1], 64);
	CHECK_EQ(kernel.sizes[2], 0);
	CHECK_EQ(kernel.features, 1ull << 32 | 1 << 1);
	reset();
	CHECK_EQ(kernel.running, 0);
	/* One of the kernel's two queues is not enough; after a reset the device works again. */
	for (i = 0; i < QUEUES; i++) {
		greet(0);
		set_up_queue(i, RAM);
		ready();
		CHECK(status_becomes(15 | VIRTIO_CONFIG_S_NEEDS_RESET));
		reset();
	}
	CHECK_EQ(kernel.starts, 1);
	CHECK_EQ(kernel.irqfds, 0);
	greet(0);
	set_up_queue(0, RAM);
	set_up_queue(1, RAM + 0x4000);
	ready();
	CHECK(becomes(&kernel.starts, 2));
	reset();
	/* Nobody works on the third queue, but its ring has to be in memory. */
	greet(0);
	set_up_queue(0, RAM);
	set_up_queue(1, RAM + 0x4000);
	set_up_queue(2, ROM);
	ready();
	CHECK(status_becomes(15 | VIRTIO_CONFIG_S_NEEDS_RESET));
	reset();
	CHECK_EQ(kernel.starts, 2);
	stop();

	reset_kernel();
	kernel.refused = VHOST_VSOCK_SET_GUEST_CID;
	kernel.error = EADDRINUSE;
	CHECK_EQ(-create(&config), EADDRINUSE);
	stop();
}

/* What is wrong before the guest starts. */
static void no_device(void)
{
	struct vhost_config other = net;

	reset_kernel();
	kernel.missing = "/dev/net/tun";
	CHECK_EQ(-create(&net), ENOENT);
	stop();
	reset_kernel();
	kernel.missing = "/dev/vhost-net";
	CHECK_EQ(-create(&net), ENOENT);
	stop();
	reset_kernel();
	kernel.refused = TUNSETIFF;
	kernel.error = EBUSY;
	CHECK_EQ(-create(&net), EBUSY);
	stop();
	reset_kernel();
	kernel.tap_flags = IFF_MULTI_QUEUE;
	kernel.shared = true;
	CHECK_EQ(-create(&net), EBUSY);
	stop();
	reset_kernel();
	kernel.offered &= ~(1ull << 32);
	CHECK_EQ(-create(&net), EPROTO);
	stop();
	/* An interface that is not there is not made. */
	reset_kernel();
	other.tap.name = "none";
	kernel.refused = TUNSETIFF;
	CHECK_EQ(-create(&other), ENODEV);
	stop();
}

static void make_machine(void)
{
	reset_kernel();
	CHECK(!axv_open("/dev/null", &host) && !axv_vm_create(host, NULL, &vm));
	memory_add(&mem, RAM, RAM + RAM_SIZE, 0);
	memory_add(&mem, ROM, ROM + ROM_SIZE, AXV_REGION_READONLY);
	CHECK(!memory_create(&mem, vm, vhost_shares_memory(&net)));
	CHECK(mem.areas[0].fd < 0);
}

static const struct tap_case cases[] = {
	{ "memory that no other process needs is private", make_machine },
	{ "what a network device offers", offers },
	{ "a driver starts it, resets it, again and again", life },
	{ "rings where no memory is", bad_rings },
	{ "the kernel refuses", refusals },
	{ "sockets between host and guest", vsock },
	{ "no device, no interface", no_device },
};

int main(void)
{
	/* The device's thread has its filter; a call that it does not allow ends the test. */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	sandbox_prepare();
	return tap_run(cases, ARRAY_SIZE(cases));
}
