// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the console and the terminal.  Each test runs the console in a child process, with
 * the real event loop and threads; the test has the other end of the child's terminal or pipes.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <linux/serial_reg.h>

#include "console.h"
#include "fake.h"
#include "tap.h"
#include "terminal.h"
#include "uart.h"

#define PORT		0x3f8
#define DEADLINE	60000	/* ms that the test waits for something that has to happen */

/* What the child does. */
enum child {
	DO_ECHO,	/* send GREETING, send back what arrives, end at '!' */
	DO_FLOOD,	/* send more than the ring takes, then end */
	DO_ASLEEP,	/* send GREETING, and receive nothing */
	DO_CRASH,
	DO_LEAVE,	/* call exit(), without console_stop() */
	DO_MISS,	/* read input that another process has taken already */
	DO_RESUME,	/* check that terminal_raw() works again after the mode was changed */
};

/* More than the ring, the pty and a pipe take together. */
#define FLOOD_BYTES	(4 * CONSOLE_OUT)

#define QUIT_CODE	4
#define GREETING	"R"	/* says that the terminal is raw now */

/* ---- the child ---------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t interrupted = PTHREAD_COND_INITIALIZER;
static bool asserted;
static struct bus bus;
static struct loop loop;
static struct uart uart;
static struct console console;
static enum child behaviour;
static unsigned int flooded;
static int end_code;
static int client = -1;	/* a client's socket that is attached from the start */

static void end(int code)
{
	end_code = code;
	loop_stop(&loop);
}

static void quit(void *arg)
{
	(void)arg;
	end(QUIT_CODE);
}

static void interrupt(void *chip, unsigned int pin, bool level)
{
	(void)chip;
	(void)pin;
	asserted = level;
	pthread_cond_signal(&interrupted);
}

static void serve(void)
{
	u8 byte, lsr;

	while (behaviour == DO_ECHO &&
	       ((lsr = bus_read(&bus, PORT + UART_LSR, 1)) & UART_LSR_DR)) {
		byte = bus_read(&bus, PORT + UART_RX, 1);
		if (lsr & UART_LSR_BI)
			byte = 'B';
		bus_write(&bus, PORT + UART_TX, 1, byte);
		if (byte == '!')
			end(0);
	}
	while (behaviour == DO_FLOOD && flooded < FLOOD_BYTES &&
	       (bus_read(&bus, PORT + UART_LSR, 1) & UART_LSR_THRE)) {
		bus_write(&bus, PORT + UART_TX, 1, 'a' + flooded % 26);
		if (++flooded == FLOOD_BYTES)
			end(0);
	}
	bus_read(&bus, PORT + UART_IIR, 1);
}

/* The guest: waits for the port's interrupts, and serves them. */
static void *guest(void *arg)
{
	(void)arg;
	pthread_mutex_lock(&lock);
	for (;;) {
		while (!asserted)
			pthread_cond_wait(&interrupted, &lock);
		serve();
	}
	return NULL;
}

static const u8 enable[] = {
	[DO_ECHO] = UART_IER_RDI,
	[DO_FLOOD] = UART_IER_THRI,
	[DO_ASLEEP] = 0,
};

/* Returns 0 if the terminal is raw again. */
static int resume(void)
{
	struct termios mode;

	tcgetattr(STDIN_FILENO, &mode);
	mode.c_lflag |= ICANON | ECHO;
	tcsetattr(STDIN_FILENO, TCSANOW, &mode);
	terminal_raw();
	tcgetattr(STDIN_FILENO, &mode);
	return mode.c_lflag & ICANON ? 1 : 0;
}

static void child(enum child what)
{
	const struct irq_line irq = { .set = interrupt };
	struct serial_backend backend = console_backend(&console);
	struct serial_port port = uart_serial(&uart);
	pthread_t thread;

	setrlimit(RLIMIT_CORE, &(struct rlimit){ 0, 0 });
	behaviour = what;
	loop_init(&loop, &lock);
	uart_init(&uart, &bus, PORT, irq, &backend);
	console_init(&console, &loop, &port, quit, NULL);
	console_start(&console);
	if (client >= 0)
		console_attach(&console, client);
	if (what == DO_CRASH)
		abort();
	if (what == DO_LEAVE)
		exit(0);
	if (what == DO_RESUME)
		exit(resume());
	if (what == DO_MISS) {
		pthread_mutex_lock(&lock);
		console.input.ready(console.input.arg);
		exit(0);
	}

	pthread_mutex_lock(&lock);
	bus_write(&bus, PORT + UART_FCR, 1, UART_FCR_ENABLE_FIFO);
	bus_write(&bus, PORT + UART_MCR, 1, UART_MCR_OUT2);
	if (what != DO_FLOOD)
		bus_write(&bus, PORT + UART_TX, 1, GREETING[0]);
	bus_write(&bus, PORT + UART_IER, 1, enable[what]);
	pthread_mutex_unlock(&lock);

	pthread_create(&thread, NULL, guest, NULL);
	loop_run(&loop);
	console_stop(&console);
	exit(end_code);
}

/* ---- the parent --------------------------------------------------------- */

static pid_t pid;
static int to_child, from_child;
static struct termios before;

static void start_tty(enum child what)
{
	int slave;

	CHECK(!openpty(&to_child, &slave, NULL, NULL, NULL));
	from_child = to_child;
	tcgetattr(slave, &before);
	pid = fork();
	if (!pid) {
		dup2(slave, 0);
		dup2(slave, 1);
		dup2(open("/dev/null", O_WRONLY), 2);
		close(to_child);
		child(what);
	}
	/* @slave stays open: the test looks at the terminal's mode after the child's end. */
}

static void start_pipes(enum child what)
{
	int in[2], out[2];

	CHECK(!pipe(in) && !pipe(out));
	pid = fork();
	if (!pid) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		close(in[1]);
		close(out[0]);
		child(what);
	}
	close(in[0]);
	close(out[1]);
	to_child = in[1];
	from_child = out[0];
}

/*
 * Start a child whose standard input is the master of a pseudo-terminal: its name is /dev/ptmx,
 * and opening that makes another pseudo-terminal.
 */
static void start_ptmx(enum child what)
{
	int master, slave, out[2];

	CHECK(!openpty(&master, &slave, NULL, NULL, NULL) && !pipe(out));
	pid = fork();
	if (!pid) {
		dup2(master, 0);
		dup2(out[1], 1);
		close(slave);
		close(out[0]);
		child(what);
	}
	close(master);
	close(out[1]);
	to_child = slave;
	from_child = out[0];
}

static void type(const char *text)
{
	CHECK(write(to_child, text, strlen(text)) == (ssize_t)strlen(text));
}

static bool readable(void)
{
	struct pollfd fd = { .fd = from_child, .events = POLLIN };

	return poll(&fd, 1, DEADLINE) == 1;
}

/* Read until all of @text has come; nothing else may come. */
static void expect(const char *text)
{
	char buf[256];
	size_t have = 0, want = strlen(text);

	while (have < want && readable()) {
		ssize_t n = read(from_child, buf + have, want - have);

		if (n <= 0)
			break;
		have += n;
	}
	CHECK(have == want && !memcmp(buf, text, want));
}

static bool is_raw(void)
{
	struct termios mode;

	return !tcgetattr(to_child, &mode) && !(mode.c_lflag & ICANON);
}

/* Wait until the child ends; @status is what waitpid() has to tell. */
static void wait_for_end(int status)
{
	struct pollfd fd = { .fd = syscall(SYS_pidfd_open, pid, 0) };
	int actual;

	fd.events = POLLIN;
	if (poll(&fd, 1, DEADLINE) != 1) {
		CHECK(!"the child goes on");
		kill(pid, SIGKILL);
	}
	close(fd.fd);
	CHECK(waitpid(pid, &actual, 0) == pid);
	CHECK_EQ(actual, status);
}

static void reap_pipes(int status)
{
	wait_for_end(status);
	close(to_child);
	if (from_child != to_child)
		close(from_child);
}

static void check_restored(void)
{
	struct termios after;

	CHECK(!tcgetattr(to_child, &after));
	CHECK_EQ(after.c_lflag, before.c_lflag);
	CHECK_EQ(after.c_iflag, before.c_iflag);
	CHECK_EQ(after.c_oflag, before.c_oflag);
}

/* Wait until the child ends, and check that its terminal has got its mode back. */
static void reap_tty(int status)
{
	wait_for_end(status);
	check_restored();
	close(to_child);
}

static void keys(void)
{
	start_tty(DO_ECHO);
	expect(GREETING);
	type("x");
	expect("x");
	CHECK(is_raw());
	/* ^C and ^Z go to the guest, and so does ^A if it is typed twice. */
	type("\003\032\r\001\001");
	expect("\003\032\r\001");
	/* A break keeps its place among the bytes. */
	type("c\001bd");
	expect("cBd");
	type("\001x");
	reap_tty(QUIT_CODE << 8);
}

static void quits_while_guest_sleeps(void)
{
	char many[8192];

	start_tty(DO_ASLEEP);
	/* More keys than the rings take; ^A x must work all the same. */
	memset(many, 'k', sizeof(many) - 1);
	many[sizeof(many) - 1] = '\0';
	expect(GREETING);
	type(many);
	type("\001x");
	reap_tty(QUIT_CODE << 8);
}

static void restored_after_crash(void)
{
	start_tty(DO_CRASH);
	reap_tty(SIGABRT);
}

static void restored_after_exit(void)
{
	start_tty(DO_LEAVE);
	reap_tty(0);
}

/* Another process that reads the same terminal, or pipe, may be faster. */
static void input_goes_elsewhere(void)
{
	start_tty(DO_MISS);
	reap_tty(0);
	start_pipes(DO_MISS);
	reap_pipes(0);
}

static void other_end_of_a_terminal(void)
{
	start_ptmx(DO_ECHO);
	expect(GREETING);
	type("x!");
	expect("x!");
	reap_pipes(0);
}

static void raw_when_resumed(void)
{
	start_tty(DO_RESUME);
	reap_tty(0);
}

static void pipes(void)
{
	/* In a pipe, ^A is a byte as any other. */
	start_pipes(DO_ECHO);
	expect(GREETING);
	type("ab\001xc!");
	expect("ab\001xc!");
	reap_pipes(0);
}

static void long_script(void)
{
	static char script[3 * CONSOLE_IN];
	size_t have = 0;
	bool same = true;

	start_pipes(DO_ECHO);
	expect(GREETING);
	memset(script, 's', sizeof(script));
	script[sizeof(script) - 1] = '!';
	CHECK(write(to_child, script, sizeof(script)) == sizeof(script));
	while (have < sizeof(script) && readable()) {
		char buf[512];
		ssize_t i, n = read(from_child, buf, sizeof(buf));

		if (n <= 0)
			break;
		for (i = 0; i < n; i++, have++)
			same = same && buf[i] == script[have];
	}
	CHECK(same);
	CHECK_EQ(have, sizeof(script));
	reap_pipes(0);
}

static void end_of_input(void)
{
	struct pollfd fd;

	start_pipes(DO_ECHO);
	expect(GREETING);
	close(to_child);
	to_child = from_child;
	fd = (struct pollfd){ .fd = from_child, .events = POLLIN };
	/*
	 * The child goes on, until it is killed.  If it ended by itself, it would
	 * close its output, or have an exit code.
	 */
	CHECK(!poll(&fd, 1, 200));
	kill(pid, SIGKILL);
	reap_pipes(SIGKILL);
}

static void flow_control(void)
{
	unsigned int have = 0;
	bool same = true;
	char buf[4096];

	start_pipes(DO_FLOOD);
	while (readable()) {
		ssize_t i, n = read(from_child, buf, sizeof(buf));

		if (n <= 0)
			break;
		for (i = 0; i < n; i++, have++)
			same = same && buf[i] == (char)('a' + have % 26);
	}
	CHECK(same);
	CHECK_EQ(have, FLOOD_BYTES);
	reap_pipes(0);
}

/* Make a client that is attached to the next child, and return its end. */
static int make_client(void)
{
	int ends[2];

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends));
	client = ends[0];
	return ends[1];
}

static void forget_client(void)
{
	close(client);
	client = -1;
}

/* A client has the console, besides standard input and output, which go on without it. */
static void attached(void)
{
	struct pollfd fd = { .fd = make_client(), .events = POLLIN };
	char text[8];

	start_pipes(DO_ECHO);
	forget_client();
	expect(GREETING);
	CHECK(poll(&fd, 1, DEADLINE) == 1 && read(fd.fd, text, sizeof(text)) == 1);
	CHECK(write(fd.fd, "a", 1) == 1);
	expect("a");
	CHECK(poll(&fd, 1, DEADLINE) == 1 && read(fd.fd, text, sizeof(text)) == 1);
	CHECK(text[0] == 'a');
	type("b");
	expect("b");
	CHECK(poll(&fd, 1, DEADLINE) == 1 && read(fd.fd, text, sizeof(text)) == 1);
	close(fd.fd);
	type("c!");
	expect("c!");
	reap_pipes(0);
}

/* A client that does not read holds nobody up, nor does one that sends more than is read. */
static void client_sleeps(void)
{
	static char many[4 * CONSOLE_IN];
	unsigned int have = 0;
	char buf[4096];
	int fd = make_client();

	start_pipes(DO_FLOOD);
	forget_client();
	memset(many, 'k', sizeof(many));
	CHECK(write(fd, many, sizeof(many)) > 0);
	while (readable()) {
		ssize_t n = read(from_child, buf, sizeof(buf));

		if (n <= 0)
			break;
		have += n;
	}
	CHECK_EQ(have, FLOOD_BYTES);
	close(fd);
	reap_pipes(0);
}

static const struct tap_case cases[] = {
	{ "keys for the guest, and for axvmm", keys },
	{ "^A x, whatever the guest does", quits_while_guest_sleeps },
	{ "the terminal after a crash", restored_after_crash },
	{ "the terminal after exit()", restored_after_exit },
	{ "the terminal after a shell has changed its mode", raw_when_resumed },
	{ "a terminal that cannot be opened by its name", other_end_of_a_terminal },
	{ "input that another process takes", input_goes_elsewhere },
	{ "in a pipe ^A is no key", pipes },
	{ "input longer than the ring", long_script },
	{ "the end of input ends nothing", end_of_input },
	{ "output longer than the ring, nothing lost", flow_control },
	{ "a client is attached", attached },
	{ "a client that does not read", client_sleeps },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
