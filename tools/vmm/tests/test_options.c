// SPDX-License-Identifier: GPL-2.0
/* Tests of the command line of axvmm run: what axvmm says about a wrong one. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "machine.h"
#include "tap.h"

#define ARGS	24

static void run_words(const void *arg)
{
	const char *const *words = arg;
	char *argv[ARGS + 2] = { "axvmm", "run" };
	int argc = 2;

	while (*words)
		argv[argc++] = strdup(*words++);
	exit(run_command(argc - 1, argv + 1));
}

/*
 * Execute axvmm run in a child, with @words, which end in NULL; its messages go to @said.
 * The kernel never exists, so no guest is started.
 */
static int run(char *said, size_t size, const char *const *words)
{
	return tap_child(run_words, words, said, size);
}

/* Check that this command line fails, and that the message has @text. */
#define FAILS(text, ...)						\
	do {								\
		const char *const words_[] = { __VA_ARGS__, NULL };	\
		char said_[4096];					\
									\
		CHECK_EQ(run(said_, sizeof(said_), words_), MACHINE_ERROR); \
		if (!strstr(said_, text))				\
			tap_fail(__FILE__, __LINE__, "said: %s", said_);	\
	} while (0)

#define NO_KERNEL "give a kernel with --kernel"

/* A signal that comes while axvmm waits for a disk: it is blocked, and stays pending. */
static void run_ended(const void *arg)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	raise(SIGTERM);
	run_words(arg);
}

static void ended_early(void)
{
	const char *const words[] = { "--kernel", "/nonexistent", NULL };
	char said[4096];

	CHECK_EQ(tap_child(run_ended, words, said, sizeof(said)), MACHINE_QUIT);
	CHECK_EQ(run(said, sizeof(said), words), MACHINE_ERROR);
}

static void memory(void)
{
	static const char *const wrong[] = {
		"", "G", "x", "-1", "-18446744073709551104", "+512", " 512", "1", "31", "512K",
		"512MB", "17179869185G", "999999999999G", "18446744073709551616", "0x200",
	};
	static const char *const right[] = { "512", "512M", "512m", "2G", "2g", "17179869183G" };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		FAILS("give a size such as 512M or 2G", "--mem", wrong[i]);
	for (i = 0; i < ARRAY_SIZE(right); i++)
		FAILS(NO_KERNEL, "--mem", right[i]);
	FAILS("that is 512 TiB; for 536870912 bytes say 512M", "--mem", "536870912");
}

static void cpus(void)
{
	FAILS("a guest needs a CPU", "--cpus", "0");
	FAILS("that is no number", "--cpus", "two");
	FAILS("that is no number", "--cpus", "-1");
	FAILS("that is no number", "--cpus", "");
	FAILS("at most", "--cpus", "100000");
	FAILS("at most", "--cpus", "4294967297");
	FAILS(NO_KERNEL, "--cpus", "1");
	FAILS(NO_KERNEL, "--cpus", "64");
}

static void host_cpus(void)
{
	FAILS("this host has no CPU 9999", "--cpu", "9999");
	FAILS("this host has no CPU 9999", "--cpu", "0,9999");
	FAILS("--cpu: \"two\" is no list of CPUs", "--cpu", "two");
	FAILS(NO_KERNEL, "--cpu", "0");
}

static void options(void)
{
	FAILS("--kernel: give a value after it", "--kernel");
	FAILS("-k: give a value after it", "-k");
	FAILS("--frobnicate: there is no such option", "--frobnicate");
	FAILS("--trace: there is no such option, or several begin so", "--trace");
	FAILS("-Z: there is no such option", "-Z");
	FAILS("-Z: there is no such option", "-vZv");
	FAILS("-Z: there is no such option", "--append=a", "-Zv");
	FAILS("--stats=1: this option takes no value", "--stats=1");
	FAILS("vmlinuz: this belongs to no option; a kernel is given with --kernel", "vmlinuz");
	FAILS(NO_KERNEL, "--stats");
	FAILS(NO_KERNEL, "--no-seccomp");
	FAILS(NO_KERNEL, "--rng");
	FAILS(NO_KERNEL, "--balloon");
}

static void firmware(void)
{
	if (ARCH_FIRMWARE)
		FAILS("either a kernel or a firmware", "--kernel", "k", "--firmware", "f");
	else
		FAILS("here axvmm boots kernels only", "--firmware", "f");
}

static void consoles(void)
{
	static const char *const wrong[] = {
		"", "tty", "pty,a", "attach=", "socket=", "file=", "file", "socket",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		FAILS("give pty, socket=/a, file=/b, or attach", "--console", wrong[i]);
	FAILS(NO_KERNEL, "--console", "pty", "--console", "socket=a,b", "--console", "file=c",
	      "--console", "attach");
	FAILS("a guest has at most 4 virtio consoles", "--console", "pty", "--console", "pty",
	      "--console", "pty", "--console", "pty", "--console", "pty");
}

static void vhost_user(void)
{
	static const char *const wrong[] = {
		"", "blk", "blk,", "blk,socket", "blk,socket=", "net,socket=/s", "socket=/s",
		"blk,path=/s", "blk,socket:/s", " blk,socket=/s", "fs,socket=/s", "fs,tag=a",
		"fs,tag=a,socket=",
	};
	const char *const one[] = { "--vhost-user", "blk,socket=/s" };
	const char *many[2 * (VHOST_DEVICES + 1) + 1];
	char said[4096];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		FAILS("give a type and a socket: blk,socket=/a or fs,tag=b,socket=/c",
		      "--vhost-user", wrong[i]);
	FAILS(NO_KERNEL, "--vhost-user", "blk,socket=/a,b=c");
	FAILS(NO_KERNEL, "--vhost-user", "fs,tag=a,socket=/a,b=c");
	FAILS("\"\" is no tag", "--vhost-user", "fs,tag=,socket=/s");
	for (i = 0; i < ARRAY_SIZE(many) - 1; i++)
		many[i] = one[i % 2];
	many[i] = NULL;
	CHECK_EQ(run(said, sizeof(said), many), MACHINE_ERROR);
	CHECK(strstr(said, "--vhost-user: a guest has at most 8 devices"));
}

static void disk(void)
{
	static const char *const wrong[] = {
		"", ",ro", ",format=raw", "/d,format=vmdk", "/d,format=", "/d,format=vmdk,ro",
		",ro,format=qcow2",
	};
	static const char *const right[] = {
		"/d", "/d,ro", "/d,format=qcow2", "/d,ro,format=raw", "/d,format=raw,ro",
		"/d,e", "/d,rw", ",", "/d,,ro",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		FAILS("give a file, and behind it ,ro or ,format=qcow2",
		      "--disk", wrong[i]);
	for (i = 0; i < ARRAY_SIZE(right); i++)
		FAILS(NO_KERNEL, "--disk", right[i]);
	FAILS("--disk: a guest has at most 8 devices", "--disk", "/1", "--disk", "/2", "--disk",
	      "/3", "--disk", "/4", "--disk", "/5", "--disk", "/6", "--disk", "/7", "--disk",
	      "/8", "--disk", "/9");
}

static void net(void)
{
	static const char *const no_kind[] = { "", "tap", "tap0", "users", "user=1", "User" };
	static const char *const no_interface[] = {
		"tap=", "tap=,mac=52:54:00:12:34:56", "tap=sixteen-letters-0", "tap=a,",
		"tap=a,mac", "tap=a,mtu=1",
	};
	static const char *const no_address[] = {
		"tap=a,mac=", "tap=a,mac=52:54:00:12:34",
		"tap=a,mac=52:54:00:12:34:56:", "tap=a,mac=52:54:00:12:34:5",
		"tap=a,mac=525400123456",
		"tap=a,mac=52:54:00:12:34:5g", "tap=a,mac=5:54:00:12:34:56",
		"tap=a,mac=\x15:54:00:12:34:56", "user,mac=", "user,tcp=1,mac=1:2:3",
	};
	static const char *const no_key[] = {
		"user,", "user,,", "user,tcp", "user,tap=a", "user,tcp=1,", "user,socket",
	};
	static const char *const no_port[] = {
		"user,tcp=", "user,tcp=0", "user,tcp=65536", "user,tcp=1:", "user,tcp=1:2:3",
		"user,tcp=-1", "user,tcp=1:0", "user,udp=all", "user,tcp=/1", "user,tcp=~1",
		"user,tcp=lo/1", "user,tcp=100000000000000000001", "user,tcp=1-2",
	};
	static const char *const right[] = {
		"tap=a", "tap=tap0", "tap=fifteen-letters", "tap=a,mac=52:54:00:AB:cd:eF",
		"user", "user,tcp=1", "user,tcp=65535:1,udp=53:53", "user,tcp=0.0.0.0/8080:80",
		"user,mac=52:54:00:AB:cd:eF,tcp=::1/8022:22", "user,socket=/a,b",
		"user,mac=52:54:00:AB:cd:eF,socket=/a",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(no_kind); i++)
		FAILS("give user, for a network by passt, or an interface", "--net", no_kind[i]);
	for (i = 0; i < ARRAY_SIZE(no_interface); i++)
		FAILS("give an interface, and behind it ,mac=", "--net", no_interface[i]);
	for (i = 0; i < ARRAY_SIZE(no_address); i++)
		FAILS("give an address such as mac=52:54:00:12:34:56", "--net", no_address[i]);
	FAILS("this is the address of a group", "--net", "tap=a,mac=53:54:00:12:34:56");
	FAILS("this is the address of a group", "--net", "user,mac=01:00:00:00:00:00");
	for (i = 0; i < ARRAY_SIZE(no_key); i++)
		FAILS("is none of tcp=, udp=, mac= and socket=", "--net", no_key[i]);
	for (i = 0; i < ARRAY_SIZE(no_port); i++)
		FAILS("is no port: give one such as 8080:80", "--net", no_port[i]);
	FAILS("leads at most 8 ports", "--net",
	      "user,tcp=1,tcp=2,tcp=3,tcp=4,udp=5,udp=6,udp=7,udp=8,tcp=9");
	FAILS("give ports to the passt that listens", "--net", "user,tcp=1,socket=/a");
	FAILS("give ports to the passt that listens", "--net", "user,socket=");
	for (i = 0; i < ARRAY_SIZE(right); i++)
		FAILS(NO_KERNEL, "--net", right[i]);
	/* All kinds of devices count together, but for passt's networks. */
	FAILS("--net: a guest has at most 8 devices", "--net", "tap=1", "--net", "tap=2", "--disk",
	      "/3", "--disk", "/4", "--disk", "/5", "--disk", "/6", "--disk", "/7", "--disk",
	      "/8", "--net", "tap=9");
	FAILS("a guest has at most 4 networks", "--net", "user", "--net", "user", "--net", "user",
	      "--net", "user", "--net", "user");
}

#define TAG_36 "123456789012345678901234567890123456"

static void share(void)
{
	static const char *const right[] = {
		"/d", "d", "/d/", "/d,e", "/d,tag=a", "/,tag=a", "/d,tag=" TAG_36, "/" TAG_36,
		"/d,tag=a,tag=b",
	};
	static const char *const no_tag[] = {
		"/", "//", "/d,tag=", "/d,tag=" TAG_36 "7", "/" TAG_36 "7",
	};
	unsigned int i;

	FAILS("give a directory, such as /srv/files", "--share", "");
	FAILS("give a directory, such as /srv/files", "--share", ",tag=a");
	for (i = 0; i < ARRAY_SIZE(no_tag); i++)
		FAILS("is no tag: that has 1 to 36 characters", "--share", no_tag[i]);
	for (i = 0; i < ARRAY_SIZE(right); i++)
		FAILS(NO_KERNEL, "--share", right[i]);
	FAILS("two directories have the tag \"d\"", "--share", "/a/d//", "--share", "/b/d");
	FAILS("two directories have the tag \"d\"", "--share", "/a/d", "--vhost-user",
	      "fs,tag=d,socket=/s");
	FAILS(NO_KERNEL, "--share", "/a/d", "--share", "/b/d,tag=e", "--vhost-user",
	      "fs,tag=f,socket=/s");
}

static void vsock(void)
{
	static const char *const wrong[] = {
		"", "0", "1", "2", "-1", "3x", "x", "4294967295", "4294967299", "0x10",
		"18446744073709551619",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		FAILS("give a number for the guest, 3 to 4294967294", "--vsock", wrong[i]);
	FAILS(NO_KERNEL, "--vsock", "3");
	FAILS(NO_KERNEL, "--vsock", "4294967294");
	FAILS("a guest has one number only", "--vsock", "3", "--vsock", "4");
}

/* A warning is followed by the error that the kernel, or the device, does not exist. */
static void warnings(void)
{
	const char *const quiet[] = {
		"--kernel", "/nonexistent", "--initrd", "/nonexistent",
		"--append", "a console=ttyX", NULL,
	};
	char said[4096];

	FAILS("without --initrd most kernels panic", "--kernel", "/nonexistent");
	FAILS("--append has no " ARCH_CONSOLE, "--kernel", "/nonexistent", "--append", "quiet");
	CHECK_EQ(run(said, sizeof(said), quiet), MACHINE_ERROR);
	CHECK(!strstr(said, "warning"));
}

static void help(void)
{
	const char *const words[] = { "--help", NULL };
	char said[4096];

	CHECK_EQ(run(said, sizeof(said), words), 0);
	CHECK(strstr(said, "--restart"));
	CHECK(strstr(said, "--disk"));
	CHECK(strstr(said, "--net"));
	CHECK(strstr(said, "--rng"));
	CHECK(strstr(said, "--share"));
	CHECK(strstr(said, "--vhost-user"));
	CHECK(strstr(said, "--vsock"));
	CHECK(strstr(said, "--no-seccomp"));
	CHECK_EQ(!!strstr(said, "--firmware"), ARCH_FIRMWARE);
	CHECK(strstr(said, "--cpus"));
}

static const struct tap_case cases[] = {
	{ "a signal before the guest starts", ended_early },
	{ "--mem", memory },
	{ "--cpus", cpus },
	{ "--cpu", host_cpus },
	{ "unknown options, and values that are missing or too many", options },
	{ "--firmware", firmware },
	{ "--console", consoles },
	{ "--disk", disk },
	{ "--net", net },
	{ "--share", share },
	{ "--vhost-user", vhost_user },
	{ "--vsock", vsock },
	{ "warnings", warnings },
	{ "--help", help },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
