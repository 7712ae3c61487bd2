// SPDX-License-Identifier: GPL-2.0
/*
 * A virtio device whose back end is another process, or the kernel.  The driver starts and
 * resets the device; a thread tells the back end later.
 *
 * The thread starts or stops the back end as @wanted says.  A driver that has asked for a
 * reset cannot start the device again until the thread has ended the reset, so the thread
 * misses no change of @wanted.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "doorbell.h"
#include "log.h"
#include "sandbox.h"
#include "vhost-kinds.h"

/* The signal that interrupts a thread's wait; axvmm uses it for nothing else. */
#define INTERRUPT	SIGUSR1
#define INTERRUPT_NSEC	20000000

/* How often a daemon's last output is read, since the daemon may print for ever. */
#define LAST_READS	64

_Static_assert(VIRTIO_QUEUES <= 32, "a bit for each queue");
_Static_assert(VHOST_USER_RINGS >= VIRTIO_QUEUES, "all queues stop together");

/* ---- rings -------------------------------------------------------------- */

/* Whether the back end has this memory, too, and may write it. */
static bool reaches(const struct vhost *d, const struct memory_area *area)
{
	/* The kernel has all of this process's memory. */
	return (vhost_in_kernel(d) || area->fd >= 0) && !(area->flags & AXV_REGION_READONLY);
}

/* Get guest memory that the back end has, too; NULL: it has not, or @gpa is not aligned. */
static void *shared_at(const struct vhost *d, u64 gpa, u64 size, u64 align)
{
	const struct memory *mem = d->board.mem;
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		const struct memory_area *area = &mem->areas[i];

		if (gpa >= area->gpa && gpa - area->gpa < area->size)
			return reaches(d, area) && gpa % align == 0 ?
			       memory_at(mem, gpa, size) : NULL;
	}
	return NULL;
}

/* Note a queue's ring.  Sizes and alignments are those of virtio 1.2, section 2.7. */
static bool take_ring(struct vhost *d, unsigned int queue)
{
	const struct virtio_queue *q = &d->virtio.queues[queue];
	struct vhost_ring ring = {
		.queue = queue,
		.size = q->size,
		.descriptors = shared_at(d, q->descriptors, 16ull * q->size, 16),
		.available = shared_at(d, q->available, 6 + 2ull * q->size, 2),
		.used = shared_at(d, q->used, 6 + 8ull * q->size, 4),
		.kick = d->kicks[queue],
		.call = d->calls[queue],
	};

	if (!ring.descriptors || !ring.available || !ring.used)
		return false;
	d->rings[d->nr_rings++] = ring;
	return true;
}

/* Make a queue's irqfd interrupt by the route @gsi; VIRTIO_NO_GSI: remove the irqfd. */
static void set_irqfd(struct vhost *d, unsigned int queue, u32 gsi)
{
	struct axv_vm *vm = d->board.vm;
	int call = d->calls[queue];
	u32 *now = &d->gsis[queue];

	if (*now == gsi)
		return;
	if (*now != VIRTIO_NO_GSI && axv_vm_remove_irqfd(vm, *now, call))
		log_guest("%s", axv_error());
	*now = gsi;
	if (gsi != VIRTIO_NO_GSI && axv_vm_add_irqfd(vm, gsi, call, -1)) {
		log_guest("%s: a queue has no interrupt: %s", d->name, axv_error());
		*now = VIRTIO_NO_GSI;
	}
}

/* ---- what the driver does: with the machine's lock ----------------------- */

static void wake(struct vhost *d)
{
	u64 one = 1;

	/* EAGAIN: the counter is full, so the eventfd is readable anyway. */
	if (write(d->wake, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error("cannot write an eventfd: %s", strerror(errno));
}

static void driver_ready(void *dev)
{
	struct vhost *d = dev;
	unsigned int i;

	d->nr_rings = 0;
	for (i = 0; i < d->virtio.nr_queues; i++) {
		const bool enabled = d->virtio.queues[i].enabled;

		if (!enabled && i >= d->needed)
			continue;
		if (!enabled || !take_ring(d, i)) {
			log_guest("%s: the guest's driver %s", d->name, enabled ?
				  "has a ring where there is no memory" :
				  "starts the device without a queue that it needs");
			d->nr_rings = 0;
			virtio_broken(&d->virtio);
			return;
		}
		set_irqfd(d, i, virtio_gsi(&d->virtio, i));
	}
	if (d->broken) {
		virtio_broken(&d->virtio);
		return;
	}
	d->wanted = true;
	wake(d);
}

static void driver_resets(void *dev)
{
	struct vhost *d = dev;
	unsigned int i;

	for (i = 0; i < d->virtio.nr_queues; i++)
		set_irqfd(d, i, VIRTIO_NO_GSI);
	if (!d->wanted) {
		virtio_stopped(&d->virtio);
		return;
	}
	d->wanted = false;
	wake(d);
}

static void driver_notifies(void *dev, unsigned int queue)
{
	struct vhost *d = dev;

	d->kicked |= BIT(queue);
	wake(d);
}

static void vector_changed(void *dev, unsigned int queue)
{
	struct vhost *d = dev;

	set_irqfd(d, queue, virtio_gsi(&d->virtio, queue));
}

static void move_bell(void *dev, unsigned int queue, bool there, bool port, u64 at)
{
	struct vhost *d = dev;

	doorbell_move(d->board.vm, there, port, at, d->kicks[queue]);
}

static const struct virtio_ops virtio_ops = {
	.start = driver_ready,
	.stop = driver_resets,
	.notify = driver_notifies,
	.vector = vector_changed,
	.bell = move_bell,
};

/* ---- the back end: by the thread ----------------------------------------- */

static int start_back_end(struct vhost *d, u64 features, const struct vhost_ring *rings,
			  unsigned int nr)
{
	if (vhost_in_kernel(d))
		return vhost_kernel_start(&d->kernel, d->board.mem, features, rings, nr);
	return vhost_user_start(&d->user, d->board.mem, features, rings, nr);
}

static int stop_back_end(struct vhost *d, const struct vhost_ring *rings, unsigned int nr)
{
	if (vhost_in_kernel(d))
		return vhost_kernel_stop(&d->kernel, rings, nr);
	return vhost_user_stop(&d->user, rings, nr);
}

static int give_up(struct vhost *d, const char *why)
{
	if (vhost_in_kernel(d))
		return vhost_kernel_give_up(&d->kernel, ECANCELED, why);
	return vhost_user_give_up(&d->user, why);
}

static void close_back_end(struct vhost *d)
{
	vhost_user_close(&d->user);
	vhost_kernel_close(&d->kernel);
}

/* ---- the thread --------------------------------------------------------- */

static void print_output(void *arg, const char *line)
{
	struct vhost *d = arg;

	pthread_mutex_lock(d->board.lock);
	if (log_allowed(&d->said))
		log_notice("%s: %s", d->name, line);
	pthread_mutex_unlock(d->board.lock);
}

static void ignore_output(void *arg, const char *line)
{
	(void)arg;
	(void)line;
}

/*
 * Wait until @wake is written, the daemon prints something, or the back end closes its socket
 * (the kernel's vhost has none).  After the connection has failed, the back end may still use the
 * guest's memory until it has closed its half of the socket; then *@gone is set.  Returns 0, or a
 * negative errno: the connection has failed.
 */
static int wait_for_work(struct vhost *d, bool *gone)
{
	struct pollfd fds[] = {
		{ .fd = d->wake, .events = POLLIN },
		/*
		 * After a failure axvmm's half is closed, so POLLHUP comes when the back end
		 * closes the other.
		 */
		{ .fd = *gone ? -1 : d->user.fd, .events = d->user.failed ? 0 : POLLIN },
		{ .fd = d->output.fd, .events = POLLIN },
	};
	u64 count;

	if (poll(fds, ARRAY_SIZE(fds), -1) < 0)
		return 0;
	if (fds[0].revents && read(d->wake, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_error("cannot read an eventfd: %s", strerror(errno));
	if (fds[2].revents)
		daemon_read(&d->output, print_output, d);
	if (!fds[1].revents)
		return 0;
	if (!d->user.failed)
		return vhost_user_lost(&d->user);
	*gone = true;
	return 0;
}

/*
 * Pass notifications on that no doorbell has taken.  If the eventfd's counter is full, the
 * back end is notified already.  A back end can clear the eventfd's O_NONBLOCK; if it also
 * fills the counter between poll() and write(), the thread waits in write() until
 * vhost_release() interrupts it.
 */
static void kick(const struct vhost *d, u32 queues)
{
	unsigned int i;
	u64 one = 1;

	for (i = 0; i < d->virtio.nr_queues; i++) {
		struct pollfd fd = { .fd = d->kicks[i], .events = POLLOUT };

		if (!(queues & BIT(i)) || poll(&fd, 1, 0) <= 0 || !(fd.revents & POLLOUT))
			continue;
		if (write(fd.fd, &one, sizeof(one)) < 0 && errno != EAGAIN && errno != EINTR)
			log_error("cannot write an eventfd: %s", strerror(errno));
	}
}

/* Make sure that vhost_release() can interrupt the thread: the mask may be inherited. */
static void unblock_interrupt(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, INTERRUPT);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

static void *vhost_thread(void *arg)
{
	struct vhost *d = arg;
	struct vhost_ring rings[VIRTIO_QUEUES];
	unsigned int nr = 0;
	bool active = false, gone = false, wanted, quit;
	u64 features;
	u32 kicked;
	int err = 0;

	unblock_interrupt();
	/*
	 * A thread without its filter must not talk to the back end.  So this comes before the
	 * loop: a driver may have started the device already.
	 */
	if (d->board.seccomp && sandbox_enter_vhost(d->daemon))
		err = give_up(d, "its thread has no filter");
	do {
		pthread_mutex_lock(d->board.lock);
		if (err && !d->broken) {
			d->broken = true;
			virtio_dead(&d->virtio);
		}
		if (!active && !d->wanted)
			virtio_stopped(&d->virtio);
		quit = d->quit;
		pthread_mutex_unlock(d->board.lock);
		if (quit)
			break;

		if (d->user.failed && d->daemon) {
			daemon_kill(d->daemon);
			d->daemon = 0;
		}
		err = wait_for_work(d, &gone);

		pthread_mutex_lock(d->board.lock);
		wanted = d->wanted;
		features = d->virtio.accepted;
		kicked = d->kicked;
		d->kicked = 0;
		if (wanted && !active) {
			nr = d->nr_rings;
			memcpy(rings, d->rings, sizeof(rings));
		}
		pthread_mutex_unlock(d->board.lock);

		if (wanted && !active && !err)
			err = start_back_end(d, features, rings, nr);
		else if (!wanted && active && !err)
			err = stop_back_end(d, rings, nr);
		/* After a failure a reset is not complete until the back end has gone. */
		active = wanted || (active && d->user.failed && !gone);
		kick(d, kicked);
	} while (true);
	return NULL;
}

int vhost_start(struct vhost *d)
{
	int err = pthread_create(&d->thread, NULL, vhost_thread, d);

	if (err) {
		log_error("cannot create a thread: %s", strerror(err));
		return -err;
	}
	d->running = true;
	pthread_setname_np(d->thread, "vhost");
	return 0;
}

static void interrupted(int sig)
{
	(void)sig;
}

/*
 * Wait for a thread that has been told to end, and interrupt it again and again if it waits
 * for the back end.  After @deadline, of CLOCK_MONOTONIC, shut the connection down: the thread
 * may have many messages to send, each of which is answered late.
 */
static void join(struct vhost *d, u64 deadline)
{
	struct timespec now, until;
	bool late = false;

	for (;;) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += INTERRUPT_NSEC;
		if (until.tv_nsec >= (long)NSEC_PER_SEC) {
			until.tv_nsec -= NSEC_PER_SEC;
			until.tv_sec++;
		}
		if (!pthread_timedjoin_np(d->thread, NULL, &until))
			return;
		pthread_kill(d->thread, INTERRUPT);
		clock_gettime(CLOCK_MONOTONIC, &now);
		if (late || now.tv_sec * NSEC_PER_SEC + now.tv_nsec < deadline)
			continue;
		shutdown(d->user.fd, SHUT_RDWR);
		late = true;
	}
}

/* Tell all threads to end, then wait for them: they have VHOST_USER_SECONDS together. */
static void end_threads(struct vhost *devs, unsigned int nr)
{
	/* Without SA_RESTART, a system call that waits returns. */
	const struct sigaction action = { .sa_handler = interrupted };
	struct timespec now;
	unsigned int i;

	for (i = 0; i < nr; i++) {
		if (!devs[i].running)
			continue;
		pthread_mutex_lock(devs[i].board.lock);
		devs[i].quit = true;
		wake(&devs[i]);
		pthread_mutex_unlock(devs[i].board.lock);
	}
	sigaction(INTERRUPT, &action, NULL);
	clock_gettime(CLOCK_MONOTONIC, &now);
	now.tv_sec += VHOST_USER_SECONDS;
	for (i = 0; i < nr; i++) {
		if (devs[i].running)
			join(&devs[i], now.tv_sec * NSEC_PER_SEC + now.tv_nsec);
		devs[i].running = false;
	}
}

static void read_last(struct vhost *d, void (*print)(void *arg, const char *line))
{
	unsigned int reads = 0;

	while (daemon_read(&d->output, print, d) && ++reads < LAST_READS)
		;
}

void vhost_release(struct vhost *devs, unsigned int nr)
{
	pid_t daemons[VHOST_DEVICES];
	unsigned int i;

	end_threads(devs, nr);
	for (i = 0; i < nr; i++) {
		read_last(&devs[i], print_output);
		close_back_end(&devs[i]);
		daemons[i] = devs[i].daemon;
		devs[i].daemon = 0;
	}
	daemon_stop(daemons, nr);
	for (i = 0; i < nr; i++) {
		struct daemon_output *output = &devs[i].output;

		/* Print the daemon's last messages: they may say why it ended. */
		read_last(&devs[i], devs[i].ends_silently ? ignore_output : print_output);
		if (output->fd >= 0)
			close(output->fd);
		output->fd = -1;
	}
}

/* ---- making ------------------------------------------------------------- */

static int make_eventfds(struct vhost *d, unsigned int queues)
{
	unsigned int i;

	d->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	for (i = 0; d->wake >= 0 && i < queues; i++) {
		d->gsis[i] = VIRTIO_NO_GSI;
		d->kicks[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		d->calls[i] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (d->kicks[i] < 0 || d->calls[i] < 0)
			break;
	}
	if (d->wake >= 0 && i == queues)
		return 0;
	log_error("cannot create an eventfd: %s", strerror(errno));
	return -errno;
}

/* Connect a device to its back end, and learn what the device is. */
static int connect_device(struct vhost *d, const struct vhost_config *config,
			  struct virtio_id *id, void *space)
{
	switch (config->type) {
	case VHOST_BLK:
		return vhost_blk_connect(d, config, id, space);
	case VHOST_FS:
		return vhost_fs_connect(d, config, id, space);
	case VHOST_NET:
		return vhost_net_connect(d, config, id, space);
	case VHOST_VSOCK:
		return vhost_vsock_connect(d, config, id, space);
	}
	return -EINVAL;
}

bool vhost_shares_memory(const struct vhost_config *config)
{
	return config->type == VHOST_BLK || config->type == VHOST_FS;
}

int vhost_create(struct vhost *d, const struct vhost_config *config,
		 const struct virtio_board *board, u32 gsi)
{
	u8 space[VIRTIO_CONFIG] = { 0 };
	struct virtio_id id;
	int err;

	d->board = *board;
	d->output.fd = -1;
	d->user.fd = -1;
	d->kernel.fd = -1;
	d->kernel.backend = -1;
	err = connect_device(d, config, &id, space);
	if (!err)
		err = make_eventfds(d, id.queues);
	if (err)
		return err;
	err = virtio_init(&d->virtio, board->pci, &id, board->msi, gsi, &virtio_ops, d,
			  d->name);
	if (err)
		log_error("%s: no place on the bus for one more device", d->name);
	return err;
}
