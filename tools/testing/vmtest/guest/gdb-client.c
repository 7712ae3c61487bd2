// SPDX-License-Identifier: GPL-2.0
/*
 * A client of QEMU's gdb stub, and the guest that it debugs.
 *
 *	gdb-client rom FILE			write the guest, 64 KiB of firmware
 *	gdb-client debug SOCKET COMMAND...	run QEMU, whose stub connects to SOCKET, and
 *						debug the guest: 0 if the stub behaves
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROM_SIZE	0x10000
#define RESET		0xfff0		/* in the ROM */
#define ROM_ADDR	0xf0000
#define COUNTER		"500"
#define PACKET		4096
#define SECONDS		120

/* Real mode, at f000:0000: counts for ever.  OUT is an exit to QEMU. */
static const unsigned char guest[] = {
	0x31, 0xc0,			/* 0: xor %ax, %ax */
	0x8e, 0xd8,			/* 2: mov %ax, %ds */
#define LOOP	4
	0xff, 0x06, 0x00, 0x05,		/* 4: incw 0x500 */
#define PUSHF	8
	0x9c,				/* 8: pushf */
#define POP	9
	0x5b,				/* 9: pop %bx */
#define OUT	10
	0xe6, 0x80,			/* a: out %al, $0x80 */
#define JUMP	12
	0xeb, 0xf6,			/* c: jmp 4 */
};

static const unsigned char reset[] = { 0xea, 0x00, 0x00, 0x00, 0xf0 };

static int stub;

static void fail(const char *what, const char *detail)
{
	printf("# gdb-client: %s: %s\n", what, detail);
	exit(1);
}

static int get_byte(void)
{
	unsigned char byte;

	if (read(stub, &byte, 1) != 1)
		fail("the stub", "is gone");
	return byte;
}

/* Send a command, and read the answer. */
static const char *ask(const char *command)
{
	static char packet[PACKET];
	unsigned char sum = 0;
	size_t i, len;
	int byte;

	for (i = 0; command[i]; i++)
		sum += command[i];
	len = snprintf(packet, sizeof(packet), "$%s#%02x", command, sum);
	if (write(stub, packet, len) != (ssize_t)len)
		fail(command, "cannot be sent");
	while (get_byte() != '$')
		;
	for (i = 0; (byte = get_byte()) != '#'; i++) {
		if (i == sizeof(packet) - 1)
			fail(command, "a long answer");
		packet[i] = byte;
	}
	packet[i] = 0;
	get_byte();
	get_byte();
	if (write(stub, "+", 1) != 1)
		fail(command, "cannot be acknowledged");
	return packet;
}

static void expect(const char *command, const char *answer)
{
	const char *got = ask(command);

	if (strncmp(got, answer, strlen(answer)))
		fail(command, got);
}

/* A number in the order of its bytes. */
static unsigned long number(const char *hex, unsigned int bytes)
{
	unsigned long value = 0;
	unsigned int i, byte;

	for (i = 0; i < bytes && sscanf(hex + 2 * i, "%2x", &byte) == 1; i++)
		value |= (unsigned long)byte << 8 * i;
	return value;
}

/* The instruction pointer is behind sixteen registers; the flags follow it. */
#define RBX_AT	1
#define RIP_AT	16

static unsigned long get_register(unsigned int n)
{
	const char *registers = ask("g");

	if (strlen(registers) < 16 * (n + 1))
		fail("g", registers);
	return number(registers + 16 * n, 8);
}

static void expect_rip(const char *when, unsigned long rip)
{
	unsigned long got = get_register(RIP_AT);
	char text[64];

	snprintf(text, sizeof(text), "at %#lx, not %#lx", got, rip);
	if (got != rip)
		fail(when, text);
}

static void step_to(unsigned long rip)
{
	expect("s", "T05");
	expect_rip("a step", rip);
}

static void breakpoint(const char *kind, unsigned int at)
{
	char command[32];

	snprintf(command, sizeof(command), "%s,%x,1", kind, ROM_ADDR + at);
	expect(command, "OK");
}

static void debug(void)
{
	unsigned long count;
	unsigned int i;

	expect("?", "T05");
	breakpoint("Z0", LOOP);
	expect("c", "T05");
	expect_rip("the breakpoint", LOOP);
	breakpoint("z0", LOOP);
	for (i = 0; i < 3; i++) {
		count = number(ask("m" COUNTER ",2"), 2);
		step_to(PUSHF);
		if (number(ask("m" COUNTER ",2"), 2) != count + 1)
			fail("a step", "has not counted");
		step_to(POP);
		step_to(OUT);
		if (get_register(RBX_AT) & 0x100)
			fail("pushf", "shows the trap flag");
		step_to(JUMP);
		step_to(LOOP);
	}
	/* Once round the loop. */
	breakpoint("Z0", PUSHF);
	for (i = 0; i < 3; i++) {
		expect("c", "T05");
		expect_rip("the breakpoint", PUSHF);
		if (number(ask("m" COUNTER ",2"), 2) != count + 2 + i)
			fail("the breakpoint", "has not hit each time");
		breakpoint("z0", PUSHF);
		step_to(POP);
		breakpoint("Z0", PUSHF);
	}
}

static void make_rom(const char *file)
{
	static unsigned char rom[ROM_SIZE];
	FILE *f = fopen(file, "w");

	memcpy(rom, guest, sizeof(guest));
	memcpy(rom + RESET, reset, sizeof(reset));
	if (!f || fwrite(rom, sizeof(rom), 1, f) != 1 || fclose(f))
		fail(file, "cannot be written");
}

/* Run the command, and take its connection. */
static pid_t start(const char *path, char **command)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) || listen(listener, 1))
		fail(path, "cannot be a socket");
	pid = fork();
	if (!pid) {
		execvp(command[0], command);
		_exit(127);
	}
	if (pid < 0)
		fail(command[0], "cannot be run");
	stub = accept(listener, NULL, NULL);
	return pid;
}

int main(int argc, char **argv)
{
	pid_t pid;

	if (argc == 3 && !strcmp(argv[1], "rom")) {
		make_rom(argv[2]);
		return 0;
	}
	if (argc < 4 || strcmp(argv[1], "debug"))
		fail("usage", "rom FILE | debug SOCKET COMMAND...");
	alarm(SECONDS);
	pid = start(argv[2], argv + 3);
	debug();
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return 0;
}
