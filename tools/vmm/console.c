// SPDX-License-Identifier: GPL-2.0
/*
 * The guest's console.
 *
 * Output: the vCPU thread puts bytes into a ring, with the machine's lock held
 * and hence without waiting; the writer, a thread of its own, writes them to
 * standard output, and may block as long as the terminal does.  When the ring is
 * full, the transmitter of the serial port stays busy, and the guest waits.
 *
 * Input: the event loop reads into a ring, as keys for axvmm itself have to be
 * seen even if the guest reads nothing.  When the ring is full, a terminal's
 * keys are dropped, as terminals do; a pipe or a file is not read until there is room.
 *
 * A client's input goes into the same ring; when that is full, the client's keys are dropped.
 * The writer sends the client what it writes.
 *
 * Locks: out_lock is taken inside the machine's lock.  The writer takes the machine's
 * lock, to tell the serial port to go on, only when it does not hold out_lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "console.h"
#include "log.h"
#include "terminal.h"

#define KEY_ESCAPE	1	/* ^A */
#define STOP_SECONDS	3	/* how long console_stop() waits for a stopped terminal */

/* ---- output ------------------------------------------------------------- */

/* Called by the serial port, with the machine's lock held. */
static bool send_byte(void *arg, u8 byte)
{
	struct console *c = arg;
	bool more;

	pthread_mutex_lock(&c->out_lock);
	c->out[(c->out_head + c->out_count) % CONSOLE_OUT] = byte;
	if (!c->out_count++)
		pthread_cond_signal(&c->out_changed);
	more = c->out_count < CONSOLE_OUT;
	c->full = !more;
	pthread_mutex_unlock(&c->out_lock);
	return more;
}

/* Write some bytes; those that cannot be written at all are lost. */
static unsigned int write_some(const u8 *bytes, unsigned int count)
{
	struct pollfd fd = { .fd = STDOUT_FILENO, .events = POLLOUT };
	ssize_t n;

	n = write(STDOUT_FILENO, bytes, count);
	if (n >= 0)
		return n;
	if (errno == EAGAIN) {
		/* Another process that shares the open file has made it non-blocking. */
		poll(&fd, 1, -1);
		return 0;
	}
	return errno == EINTR ? 0 : count;
}

/*
 * Send the client some output; @at is where that begins in the ring.  With out_lock held, so that
 * the socket is not closed meanwhile.
 */
static void send_client(struct console *c, unsigned int at, unsigned int count)
{
	if (c->client.fd >= 0)
		send(c->client.fd, c->out + at, count, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void *write_output(void *arg)
{
	struct console *c = arg;

	pthread_mutex_lock(&c->out_lock);
	for (;;) {
		unsigned int head = c->out_head, count = c->out_count;
		bool go_on = false;

		if (!count && c->closing)
			break;
		if (!count) {
			pthread_cond_wait(&c->out_changed, &c->out_lock);
			continue;
		}
		if (count > CONSOLE_OUT - head)
			count = CONSOLE_OUT - head;
		pthread_mutex_unlock(&c->out_lock);

		/* Bytes in the ring stay where they are until taken out. */
		count = write_some(c->out + head, count);

		pthread_mutex_lock(&c->out_lock);
		send_client(c, head, count);
		c->out_head = (head + count) % CONSOLE_OUT;
		c->out_count -= count;
		if (c->full && c->out_count <= CONSOLE_OUT / 2) {
			c->full = false;
			go_on = true;
		}
		pthread_mutex_unlock(&c->out_lock);

		if (go_on) {
			pthread_mutex_lock(c->loop->lock);
			c->port.can_send(c->port.dev);
			pthread_mutex_unlock(c->loop->lock);
		}
		pthread_mutex_lock(&c->out_lock);
	}
	pthread_mutex_unlock(&c->out_lock);
	return NULL;
}

/* ---- input: all with the machine's lock --------------------------------- */

/* Pass on as much of the input as the serial port takes. */
static void feed(void *arg)
{
	struct console *c = arg;

	/*
	 * A guest that begins to listen to the port throws away what has arrived before.  So
	 * input from a pipe or a file is kept until then; at a terminal a person can type again.
	 */
	if (!c->tty && !c->port.listening(c->port.dev))
		return;

	while (c->in_count && c->port.room(c->port.dev)) {
		u16 next = c->in[c->in_head];

		if (next == CONSOLE_BREAK)
			c->port.receive_break(c->port.dev);
		else
			c->port.receive(c->port.dev, next);
		c->in_head = (c->in_head + 1) % CONSOLE_IN;
		c->in_count--;
	}
	if (!c->tty && c->input.fd >= 0 && c->in_count < CONSOLE_IN)
		loop_enable(c->loop, &c->input, true);
}

static void queue(struct console *c, u16 byte)
{
	if (c->in_count == CONSOLE_IN)
		return;
	c->in[(c->in_head + c->in_count) % CONSOLE_IN] = byte;
	c->in_count++;
}

static void show_help(void)
{
	log_notice("^A x  end the guest and quit");
	log_notice("^A b  a break for the guest; with a letter behind it, Linux' SysRq");
	log_notice("^A ^A a ^A for the guest");
	log_notice("^A ?  this help");
}

static void key(struct console *c, u8 byte)
{
	if (!c->tty) {
		queue(c, byte);
		return;
	}
	if (!c->escape) {
		if (byte == KEY_ESCAPE)
			c->escape = true;
		else
			queue(c, byte);
		return;
	}

	c->escape = false;
	switch (byte) {
	case 'x':
	case 'X':
		c->quit(c->arg);
		break;
	case 'b':
	case 'B':
		queue(c, CONSOLE_BREAK);
		break;
	case KEY_ESCAPE:
	case 'a':
		queue(c, KEY_ESCAPE);
		break;
	default:
		show_help();
		break;
	}
}

static void readable(void *arg)
{
	struct console *c = arg;
	u8 bytes[256];
	size_t room = CONSOLE_IN - c->in_count;
	ssize_t n, i;

	/* A terminal's keys are read even if there is no room for them. */
	if (c->tty || room > sizeof(bytes))
		room = sizeof(bytes);
	n = read(c->input.fd, bytes, room);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		/* The end of the input, or an error.  The guest goes on without input. */
		loop_enable(c->loop, &c->input, false);
		c->input.fd = -1;
		return;
	}

	for (i = 0; i < n; i++)
		key(c, bytes[i]);
	feed(c);
	if (!c->tty && c->in_count == CONSOLE_IN)
		loop_enable(c->loop, &c->input, false);
}

static void close_client(struct console *c)
{
	loop_enable(c->loop, &c->client, false);
	pthread_mutex_lock(&c->out_lock);
	close(c->client.fd);
	c->client.fd = -1;
	pthread_mutex_unlock(&c->out_lock);
}

static void client_readable(void *arg)
{
	struct console *c = arg;
	u8 bytes[256];
	ssize_t n, i;

	n = recv(c->client.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	if (n <= 0) {
		close_client(c);
		return;
	}
	for (i = 0; i < n; i++)
		queue(c, bytes[i]);
	feed(c);
	if (!c->tty && c->in_count == CONSOLE_IN)
		loop_enable(c->loop, &c->input, false);
}

void console_attach(struct console *c, int fd)
{
	pthread_mutex_lock(&c->out_lock);
	c->client.fd = fd;
	pthread_mutex_unlock(&c->out_lock);
	loop_enable(c->loop, &c->client, true);
}

/* ---- both --------------------------------------------------------------- */

struct serial_backend console_backend(struct console *c)
{
	return (struct serial_backend){ .send = send_byte, .room = feed, .arg = c };
}

/*
 * Whether two descriptors are of the same terminal.  Opening /dev/ptmx, /dev/tty0 and the
 * like again may lead to another terminal: it depends on when, and by which process, they
 * are opened.
 */
static bool same_terminal(int fd, int other)
{
	unsigned int device, other_device;

	return !ioctl(fd, TIOCGDEV, &device) && !ioctl(other, TIOCGDEV, &other_device) &&
	       device == other_device;
}

/*
 * Get a descriptor of standard input that does not block.  Another process that has the same
 * terminal or pipe may take the bytes that poll() has seen; a read() that blocks would then
 * wait with the machine's lock held.  O_NONBLOCK belongs to the open file, which other
 * processes share, so axvmm opens the terminal or pipe once more for itself.  If it may not
 * be opened, or standard input is a socket or another device, read() can still wait so.
 */
static int open_input(void)
{
	struct stat st;
	int fd;

	if (fstat(STDIN_FILENO, &st) || !(S_ISFIFO(st.st_mode) || isatty(STDIN_FILENO)))
		return STDIN_FILENO;
	fd = open("/proc/self/fd/0", O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return STDIN_FILENO;
	if (S_ISFIFO(st.st_mode) || same_terminal(fd, STDIN_FILENO))
		return fd;
	close(fd);
	return STDIN_FILENO;
}

int console_init(struct console *c, struct loop *loop,
		 const struct serial_port *port, void (*quit)(void *arg), void *arg)
{
	memset(c, 0, sizeof(*c));
	c->port = *port;
	c->loop = loop;
	c->quit = quit;
	c->arg = arg;
	c->input.fd = open_input();
	c->input.ready = readable;
	c->input.arg = c;
	c->input.enabled = true;
	c->client.fd = -1;
	c->client.ready = client_readable;
	c->client.arg = c;
	pthread_mutex_init(&c->out_lock, NULL);
	pthread_cond_init(&c->out_changed, NULL);
	return loop_add(loop, &c->input) ?: loop_add(loop, &c->client);
}

int console_start(struct console *c)
{
	int err;

	c->tty = terminal_raw();
	if (c->tty)
		log_notice("^A x quits, ^A ? helps");

	err = pthread_create(&c->writer, NULL, write_output, c);
	if (err) {
		terminal_restore();
		log_error("cannot create a thread: %s", strerror(err));
		return -err;
	}
	pthread_setname_np(c->writer, "console");
	return 0;
}

void console_stop(struct console *c)
{
	struct timespec deadline;
	bool ended;

	pthread_mutex_lock(&c->out_lock);
	c->closing = true;
	pthread_cond_signal(&c->out_changed);
	pthread_mutex_unlock(&c->out_lock);

	/* A write to a terminal that is stopped (^S) never ends. */
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += STOP_SECONDS;
	ended = !pthread_timedjoin_np(c->writer, NULL, &deadline);
	terminal_restore();
	if (!ended)
		log_notice("the last output of the guest could not be written");
}
