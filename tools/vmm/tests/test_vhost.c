// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of a device behind vhost-user.  The test is the driver, which writes the device's
 * registers, and the kernel module, which only notes what it is told; peer.c is the back end.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>

#include "fake.h"
#include "peer.h"
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
#define COMMAND		(PCI_COMMAND_IO | PCI_COMMAND_MEMORY)

/* ---- the kernel module --------------------------------------------------- */

static struct {
	u64 bells[4];		/* ports that are doorbells */
	unsigned int nr_bells;
	struct axv_set_irqfd irqfds[4];
	unsigned int nr_irqfds;
	bool no_irqfds;
} module;

static int set_bell(const struct axv_doorbell *bell)
{
	unsigned int i;

	CHECK(bell->flags & AXV_DOORBELL_PORT);
	if (!(bell->flags & AXV_DOORBELL_REMOVE)) {
		module.bells[module.nr_bells++] = bell->addr;
		return 0;
	}
	for (i = 0; i < module.nr_bells && module.bells[i] != bell->addr; i++)
		;
	CHECK(i < module.nr_bells);
	module.bells[i] = module.bells[--module.nr_bells];
	return 0;
}

static int set_irqfd(const struct axv_set_irqfd *irqfd)
{
	unsigned int i;

	if (module.no_irqfds) {
		errno = ENOSPC;
		return -1;
	}
	if (!(irqfd->flags & AXV_IRQFD_REMOVE)) {
		module.irqfds[module.nr_irqfds++] = *irqfd;
		return 0;
	}
	for (i = 0; i < module.nr_irqfds; i++)
		if (module.irqfds[i].gsi == irqfd->gsi && module.irqfds[i].fd == irqfd->fd)
			break;
	CHECK(i < module.nr_irqfds);
	module.irqfds[i] = module.irqfds[--module.nr_irqfds];
	return 0;
}

/* Replaces the C library's ioctl(), by which libaxvcpu calls the kernel module. */
int ioctl(int fd, unsigned long command, ...)
{
	va_list args;
	void *arg;

	(void)fd;
	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	switch (command) {
	case AXV_QUERY:
		((struct axv_query *)arg)->value = AXV_ABI_VERSION;
		return 0;
	case AXV_CREATE_VM:
		return memfd_create("vm", MFD_CLOEXEC);
	case AXV_VM_SET_DOORBELL:
		return set_bell(arg);
	case AXV_VM_SET_IRQFD:
		return set_irqfd(arg);
	default:
		return 0;
	}
}

/* While it is set, a poll() with timeout 0 says that the descriptor is writable. */
static bool says_writable;

/* Replaces the C library's poll(). */
int poll(struct pollfd *fds, nfds_t nr, int msec)
{
	const struct timespec time = {
		.tv_sec = msec / 1000, .tv_nsec = msec % 1000 * 1000000,
	};

	if (!msec && __atomic_load_n(&says_writable, __ATOMIC_ACQUIRE)) {
		fds->revents = POLLOUT;
		return 1;
	}
	return ppoll(fds, nr, msec < 0 ? NULL : &time, NULL);
}

/* ---- the machine -------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct axv_host *host;
static struct axv_vm *vm;
static struct memory mem;
static struct bus memory, ports;
static struct pci pci;
static struct vhost dev;
static unsigned int fired;
static char socket_path[64];

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
	(void)gsi;
	fired++;
}

static const struct msi_ops msi = { route_set, route_remove, route_pending, route_fire, NULL };

static void listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, path);
	unlink(path);
	peer.listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(!bind(peer.listener, (struct sockaddr *)&address, sizeof(address)));
	CHECK(!listen(peer.listener, 1));
}

static int create_as(const struct vhost_config *config)
{
	const struct virtio_board board = {
		.lock = &lock, .vm = vm, .mem = &mem, .pci = &pci, .msi = &msi,
		.seccomp = true,
	};

	listen_at(socket_path);
	peer_start();
	memset(&dev, 0, sizeof(dev));
	return vhost_create(&dev, config, &board, GSI);
}

static int create(void)
{
	const struct vhost_config config = { .type = VHOST_BLK, .socket = socket_path };

	return create_as(&config);
}

static void make_buses(void)
{
	bus_init(&memory, "address");
	bus_init(&ports, "port");
	pci_init(&pci, &memory, &ports, 0);
	pci_set_window(&pci, false, MEMORY, 0x100000);
	pci_set_window(&pci, true, PORTS, 0x1000);
}

/*
 * Make a disk with two queues, whose back end does @misdeed at the request @at.  The device's
 * thread is not started.
 */
static void prepare(enum misdeed misdeed, u32 at)
{
	fake_reset();
	memset(&module, 0, sizeof(module));
	fired = 0;
	make_buses();
	peer_reset(misdeed, at);
	peer.disk_queues = 2;
	peer.features |= 1ull << 12 | 1ull << 11 | 1ull << 34 | 1ull << 28;
	CHECK_EQ(create(), 0);
}

static void start(enum misdeed misdeed, u32 at)
{
	prepare(misdeed, at);
	CHECK_EQ(vhost_start(&dev), 0);
}

static void stop(void)
{
	vhost_release(&dev, 1);
	peer_stop();
	close(peer.listener);
}

/* ---- the driver --------------------------------------------------------- */

static void write_common(unsigned int reg, unsigned int width, u64 value)
{
	pthread_mutex_lock(&lock);
	bus_write(&memory, MEMORY + reg, width, value);
	pthread_mutex_unlock(&lock);
}

static u8 status(void)
{
	u8 value;

	pthread_mutex_lock(&lock);
	value = bus_read(&memory, MEMORY + VIRTIO_PCI_COMMON_STATUS, 1);
	pthread_mutex_unlock(&lock);
	return value;
}

static bool status_becomes(u8 wanted)
{
	unsigned int tries;

	for (tries = 0; tries < 5000 && status() != wanted; tries++)
		usleep(1000);
	return tries < 5000;
}

static void set_up_queue(unsigned int queue, u64 at, u16 vector)
{
	write_common(VIRTIO_PCI_COMMON_Q_SELECT, 2, queue);
	write_common(VIRTIO_PCI_COMMON_Q_MSIX, 2, vector);
	write_common(VIRTIO_PCI_COMMON_Q_DESCLO, 8, at);
	write_common(VIRTIO_PCI_COMMON_Q_AVAILLO, 8, at + 0x1000);
	write_common(VIRTIO_PCI_COMMON_Q_USEDLO, 8, at + 0x2000);
	write_common(VIRTIO_PCI_COMMON_Q_ENABLE, 2, 1);
}

/* Do what a driver does before it sets the queues up. */
static void greet(void)
{
	pthread_mutex_lock(&lock);
	pci_config_write(&pci, 1 << 3, PCI_COMMAND, 2, COMMAND | PCI_COMMAND_MASTER);
	pci_config_write(&pci, 1 << 3, dev.virtio.msix.capability + PCI_MSIX_FLAGS, 2,
			 PCI_MSIX_FLAGS_ENABLE);
	pthread_mutex_unlock(&lock);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 3);
	write_common(VIRTIO_PCI_COMMON_GFSELECT, 4, 1);
	write_common(VIRTIO_PCI_COMMON_GF, 4, 1);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 11);
	write_common(VIRTIO_PCI_COMMON_MSIX, 2, 0);
}

/* ---- tests -------------------------------------------------------------- */

/* Requests that the back end has had when the device was made, started and stopped. */
#define CREATED		6
#define STARTED		(CREATED + 2 + 6 * 2)
#define STOPPED		(STARTED + 2 * 2)

static void offers(void)
{
	u16 queues;

	start(NONE, 0);
	/* Neither CONFIG_WCE nor packed rings are offered to the driver. */
	CHECK_EQ(dev.virtio.features, 1ull << 32 | 1ull << 28 | 1ull << 12);
	CHECK_EQ(dev.virtio.nr_queues, 2);
	CHECK_EQ(dev.virtio.config[0], 0x5a);
	CHECK_EQ(dev.virtio.config[59], 0x5a);
	CHECK_EQ(dev.virtio.config[60], 0);
	CHECK_EQ(peer.nr, CREATED);
	stop();

	/* The device has no more queues than the back end, and than VIRTIO_QUEUES. */
	peer_reset(NONE, 0);
	peer.features |= 1ull << 12;
	peer.disk_queues = 500;
	CHECK_EQ(create(), 0);
	CHECK_EQ(dev.virtio.nr_queues, 4);
	memcpy(&queues, dev.virtio.config + 34, 2);
	CHECK_EQ(queues, 4);
	stop();
	peer_reset(NONE, 0);
	peer.features |= 1ull << 12;
	peer.disk_queues = 500;
	peer.queues = ~0ull;
	CHECK_EQ(create(), 0);
	CHECK_EQ(dev.virtio.nr_queues, VIRTIO_QUEUES);
	stop();
	/* The device has at least one queue, even if the disk's configuration says 0. */
	peer_reset(NONE, 0);
	peer.features |= 1ull << 12;
	peer.disk_queues = 0;
	CHECK_EQ(create(), 0);
	CHECK_EQ(dev.virtio.nr_queues, 1);
	stop();
}

/* Whether a thread of this process has a filter; only the device's thread can have one. */
static bool some_thread_filters(void)
{
	DIR *tasks = opendir("/proc/self/task");
	struct dirent *task;
	bool found = false;
	char line[256];
	FILE *status;

	CHECK(tasks);
	while (tasks && (task = readdir(tasks))) {
		snprintf(line, sizeof(line), "/proc/self/task/%.20s/status", task->d_name);
		status = fopen(line, "re");
		while (status && fgets(line, sizeof(line), status))
			found |= !strcmp(line, "Seccomp:\t2\n");
		if (status)
			fclose(status);
	}
	if (tasks)
		closedir(tasks);
	return found;
}

static void life(void)
{
	start(NONE, 0);
	greet();
	CHECK_EQ(module.nr_bells, 2);
	set_up_queue(0, RAM, 1);
	set_up_queue(1, RAM + 0x4000, 2);
	CHECK_EQ(module.nr_irqfds, 0);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 15);
	CHECK(peer_saw(STARTED));
	CHECK(some_thread_filters());
	CHECK_EQ(module.nr_irqfds, 2);
	CHECK_EQ(module.irqfds[0].gsi, GSI + 1);
	CHECK_EQ(module.irqfds[1].gsi, GSI + 2);
	/* The driver chooses another vector, and then none. */
	write_common(VIRTIO_PCI_COMMON_Q_MSIX, 2, 0);
	CHECK_EQ(module.irqfds[1].gsi, GSI);
	write_common(VIRTIO_PCI_COMMON_Q_MSIX, 2, VIRTIO_MSI_NO_VECTOR);
	CHECK_EQ(module.nr_irqfds, 1);

	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	CHECK(status_becomes(0));
	CHECK_EQ(module.nr_irqfds, 0);
	CHECK_EQ(module.nr_bells, 2);
	CHECK_EQ(peer.nr, STOPPED);
	CHECK_EQ(fired, 0);

	/* Another driver uses one queue, and resets the device at once. */
	greet();
	set_up_queue(1, RAM, 1);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 15);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	CHECK(status_becomes(0));
	CHECK(peer.nr == STOPPED || peer.nr == STOPPED + 1 + 6 + 2);
	stop();
}

/* A driver, such as a kernel that is about to start another one, clears Bus Master Enable. */
static void bus_master(void)
{
	start(NONE, 0);
	greet();
	set_up_queue(0, RAM, 1);
	set_up_queue(1, RAM + 0x4000, 2);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 15);
	CHECK(peer_saw(STARTED));
	pthread_mutex_lock(&lock);
	pci_config_write(&pci, 1 << 3, PCI_COMMAND, 2, COMMAND);
	pthread_mutex_unlock(&lock);
	CHECK(peer_saw(STOPPED));
	CHECK_EQ(module.nr_irqfds, 0);
	CHECK_EQ(status(), 11 | VIRTIO_CONFIG_S_NEEDS_RESET);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	CHECK(status_becomes(0));
	CHECK_EQ(peer.nr, STOPPED);
	greet();
	set_up_queue(0, RAM, 1);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 15);
	CHECK(peer_saw(STOPPED + 1 + 6));
	CHECK_EQ(module.nr_irqfds, 1);
	stop();
}

/* A shared directory has two queues, and a tag; a back end with one queue cannot serve it. */
static void shared_directory(void)
{
	static const char tag[VHOST_TAG + 1] = "123456789012345678901234567890123456";
	const struct vhost_config config = {
		.type = VHOST_FS, .socket = socket_path, .share.tag = tag,
	};
	u32 queues;

	fake_reset();
	memset(&module, 0, sizeof(module));
	make_buses();
	peer_reset(NONE, 0);
	/* It has no configuration of its own. */
	peer.protocol &= ~(1ull << 9);
	peer.features |= 1ull << 28 | 1ull << 34;
	CHECK(vhost_shares_memory(&config));
	CHECK_EQ(create_as(&config), 0);
	CHECK_EQ(dev.virtio.nr_queues, 2);
	CHECK_EQ(dev.virtio.features, 1ull << 32 | 1ull << 28);
	CHECK(!memcmp(dev.virtio.config, tag, VHOST_TAG));
	memcpy(&queues, dev.virtio.config + VHOST_TAG, 4);
	CHECK_EQ(queues, 1);
	stop();

	peer_reset(NONE, 0);
	peer.queues = 1;
	CHECK_EQ(-create_as(&config), ECANCELED);
	stop();
}

/* Rings at addresses without memory, in read-only memory, or not aligned. */
static void bad_rings(void)
{
	static const u64 wrong[] = {
		0, RAM - 0x1000, RAM + RAM_SIZE - 0x2000, RAM + 8, ~0ull, 1ull << 63,
		/* Partly or wholly in read-only memory, and partly or wholly behind it. */
		RAM + RAM_SIZE - 0x800, ROM, ROM + ROM_SIZE - 0x800, ROM + ROM_SIZE,
		/* The end of the ring wraps around. */
		0ull - 0x1000, 0ull - 0x2000, 0ull - 0x2800,
	};
	unsigned int i;

	start(NONE, 0);
	for (i = 0; i < ARRAY_SIZE(wrong); i++) {
		greet();
		set_up_queue(0, RAM, 1);
		set_up_queue(1, wrong[i], 2);
		fired = 0;
		write_common(VIRTIO_PCI_COMMON_STATUS, 1, 15);
		CHECK_EQ(status(), 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
		CHECK_EQ(fired, 1);
		write_common(VIRTIO_PCI_COMMON_STATUS, 1, 0);
		CHECK(status_becomes(0));
		CHECK_EQ(module.nr_irqfds, 0);
	}
	CHECK_EQ(peer.nr, CREATED);
	stop();
}

/* The back end goes while it starts, while it stops, and while it is not asked anything. */
static void back_end_goes(void)
{
	start(GONE, 12);
	greet();
	set_up_queue(0, RAM, 1);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 15);
	CHECK(status_becomes(15 | VIRTIO_CONFIG_S_NEEDS_RESET));
	CHECK_EQ(fired, 1);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	CHECK(status_becomes(0));
	/* The next driver finds at once that the device is dead. */
	greet();
	CHECK_EQ(status(), 3);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 15);
	CHECK_EQ(status(), 3);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	CHECK(status_becomes(0));
	stop();

	start(GONE, 11);
	greet();
	set_up_queue(0, RAM, 1);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 15);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	CHECK(status_becomes(0));
	stop();

	start(NONE, 0);
	greet();
	set_up_queue(0, RAM, 1);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 15);
	CHECK(peer_saw(CREATED + 2 + 6));
	shutdown(peer.fd, SHUT_RDWR);
	CHECK(status_becomes(15 | VIRTIO_CONFIG_S_NEEDS_RESET));
	stop();
}

/*
 * The back end answers wrongly, but stays, and may still write to the guest's memory: until it
 * has gone, a reset does not end.
 */
static void back_end_stays(void)
{
	start(WRONG_REQUEST, 11);
	__atomic_store_n(&peer.stays, true, __ATOMIC_RELEASE);
	greet();
	set_up_queue(0, RAM, 1);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 15);
	CHECK(peer_saw(CREATED + 2 + 6));
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	CHECK(status_becomes(15 | VIRTIO_CONFIG_S_NEEDS_RESET));
	usleep(50000);
	CHECK_EQ(status(), 15 | VIRTIO_CONFIG_S_NEEDS_RESET);
	__atomic_store_n(&peer.stays, false, __ATOMIC_RELEASE);
	CHECK(status_becomes(0));
	stop();
}

static void notify(unsigned int queue)
{
	pthread_mutex_lock(&lock);
	bus_write(&ports, PORTS + 4 * queue, 2, queue);
	pthread_mutex_unlock(&lock);
}

/*
 * The back end makes its eventfd block, and fills it: before the device's thread asks whether
 * the eventfd can be written, or after that (@late).
 */
static void block(bool late)
{
	const u64 full = ~0ull - 1;

	start(NONE, 0);
	greet();
	CHECK(write(dev.kicks[0], &full, sizeof(full)) == sizeof(full));
	CHECK(!fcntl(dev.kicks[0], F_SETFL, 0));
	__atomic_store_n(&says_writable, late, __ATOMIC_RELEASE);
	notify(0);
	usleep(100000);
	notify(0);
	CHECK_EQ(status(), 11);
}

/* A full eventfd means that the back end is notified already; the other queue still works. */
static void back_end_blocks(void)
{
	struct pollfd fd = { .events = POLLIN };

	/* If the driver has to wait, too, the test is ended. */
	alarm(30);
	block(false);
	notify(1);
	fd.fd = dev.kicks[1];
	CHECK_EQ(poll(&fd, 1, 5000), 1);
	stop();
	alarm(0);
}

/* The device's thread waits, but the driver does not, and stop() soon ends the thread. */
static void back_end_blocks_late(void)
{
	struct timespec begin, end;

	alarm(30);
	block(true);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	stop();
	clock_gettime(CLOCK_MONOTONIC, &end);
	CHECK(end.tv_sec - begin.tv_sec < VHOST_USER_SECONDS);
	says_writable = false;
	alarm(0);
}

/* A notification that no doorbell has taken goes to the back end, too. */
static void without_bell(void)
{
	struct pollfd fd = { .events = POLLIN };
	u64 count;

	start(NONE, 0);
	greet();
	fd.fd = dev.kicks[1];
	notify(1);
	CHECK_EQ(poll(&fd, 1, 5000), 1);
	CHECK(read(dev.kicks[1], &count, sizeof(count)) == sizeof(count));
	CHECK_EQ(count, 1);
	CHECK(read(dev.kicks[0], &count, sizeof(count)) < 0);
	stop();
}

static void without_irqfds(void)
{
	start(NONE, 0);
	greet();
	set_up_queue(0, RAM, 1);
	module.no_irqfds = true;
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 15);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	CHECK(status_becomes(0));
	stop();
}

/* Start the device's thread from one whose filter forbids the thread a filter of its own. */
static void *start_unfiltered(void *arg)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

	CHECK(filter);
	CHECK(!seccomp_rule_add(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(seccomp), 0));
	CHECK(!seccomp_load(filter));
	seccomp_release(filter);
	CHECK_EQ(vhost_start(&dev), 0);
	return arg;
}

/* The driver starts the device before the thread, which has no filter and sends nothing. */
static void without_filter(void)
{
	pthread_t thread;

	prepare(NONE, 0);
	greet();
	set_up_queue(0, RAM, 1);
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 15);
	CHECK(!pthread_create(&thread, NULL, start_unfiltered, NULL));
	CHECK(!pthread_join(thread, NULL));
	CHECK(status_becomes(15 | VIRTIO_CONFIG_S_NEEDS_RESET));
	write_common(VIRTIO_PCI_COMMON_STATUS, 1, 0);
	CHECK(status_becomes(0));
	stop();
	CHECK_EQ(peer.nr, CREATED);
}

/* A daemon that prints as fast as axvmm reads does not keep axvmm from ending. */
static void prints_for_ever(void)
{
	struct vhost other = {
		.board.lock = &lock, .user.fd = -1, .kernel = { .fd = -1, .backend = -1 },
	};

	other.output.fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	CHECK(other.output.fd >= 0);
	vhost_release(&other, 1);
	CHECK(other.output.fd < 0);
}

static void make_machine(void)
{
	struct stat st;
	int fd;

	CHECK(!axv_open("/dev/null", &host) && !axv_vm_create(host, NULL, &vm));
	memory_add(&mem, RAM, RAM + RAM_SIZE, 0);
	memory_add(&mem, ROM, ROM + ROM_SIZE, AXV_REGION_READONLY);
	CHECK(!memory_create(&mem, vm, true));
	CHECK(mem.areas[0].fd >= 0);
	/* The memory cannot be executed, if the kernel knows MFD_NOEXEC_SEAL. */
	fd = memfd_create("test", MFD_CLOEXEC | 0x8);
	CHECK(!fstat(mem.areas[0].fd, &st));
	CHECK_EQ(!(st.st_mode & 0111), fd >= 0);
	if (fd >= 0)
		close(fd);
	CHECK(ftruncate(mem.areas[0].fd, 0) < 0 && errno == EPERM);
}

static const struct tap_case cases[] = {
	{ "memory that is shared cannot be made shorter", make_machine },
	{ "what a disk offers", offers },
	{ "a driver starts it, moves interrupts, resets it", life },
	{ "a disk that may not access memory any more", bus_master },
	{ "a shared directory", shared_directory },
	{ "rings where no memory is", bad_rings },
	{ "the back end goes", back_end_goes },
	{ "the back end fails, and stays", back_end_stays },
	{ "the back end makes notifications block", back_end_blocks },
	{ "a notification blocks after poll() said that it would not", back_end_blocks_late },
	{ "a notification that no doorbell takes", without_bell },
	{ "an irqfd cannot be made", without_irqfds },
	{ "a filter cannot be made", without_filter },
	{ "a daemon that prints for ever", prints_for_ever },
};

int main(void)
{
	int ret;

	/* The device's thread has its filter; a call that it does not allow ends the test. */
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	sandbox_prepare();
	snprintf(socket_path, sizeof(socket_path), "/tmp/axvmm-test-vhost-%d", getpid());
	ret = tap_run(cases, ARRAY_SIZE(cases));
	unlink(socket_path);
	return ret;
}
