// SPDX-License-Identifier: GPL-2.0
/*
 * Test of many entries on two CPUs, one of which goes offline and online again and again,
 * while other processes check their vector registers.  AXV_SOAK=N sets how many entries.
 */
#include "axv_harness.h"
#include "arm64.h"

/* The deadline only ends a hang; an emulator may take minutes. */
#undef TEST_TIMEOUT_DEFAULT
#define TEST_TIMEOUT_DEFAULT	600

#define ENTRIES		50000ul
#define TURNS		101		/* odd: the last one brings the CPU back */

/* Calls with a counter, and checks numbers that it keeps in four vector registers. */
GUEST_CODE(code_soak,
	"mov	x19, #0\n"
	"dup	v0.2d, x20\n"
	"dup	v7.2d, x20\n"
	"dup	v15.2d, x20\n"
	"dup	v31.2d, x20\n"
	"1:	add	x19, x19, #1\n"
	"mov	x0, #1\n"
	"mov	x1, x19\n"
	"hvc	#0\n"
	"mov	x9, v0.d[1]\n"
	"mov	x10, v7.d[0]\n"
	"mov	x11, v15.d[1]\n"
	"mov	x12, v31.d[0]\n"
	"cmp	x9, x20\n"
	"ccmp	x10, x20, #0, eq\n"
	"ccmp	x11, x20, #0, eq\n"
	"ccmp	x12, x20, #0, eq\n"
	"b.eq	1b\n"
	"mov	x0, #2\n"
	"hvc	#0\n"
	"b	1b\n");

struct soak {
	unsigned long last;
	unsigned long entries;
	int wrong;
};

static int on_exit_check(struct axv_runner *r)
{
	const struct axv_run *run = r->vcpu->run;
	struct soak *soak = r->data;

	if (run->exit_reason == AXV_EXIT_NOTHING)
		return 0;
	/* Each call must come once, and none may be lost. */
	if (run->exit_reason != AXV_EXIT_HYPERCALL || run->exit.hypercall.nr != 1 ||
	    run->exit.hypercall.args[0] != soak->last + 1) {
		soak->wrong = 1;
		return 1;
	}
	soak->last++;
	return soak->last == soak->entries;
}

/* A process that ends with 1 when it finds its registers changed. */
static int look_after_vectors(void *arg)
{
	unsigned long seed = (unsigned long)arg, same;

	for (;;) {
		asm volatile("dup	v0.2d, %1\n"
			     "dup	v8.2d, %1\n"
			     "dup	v16.2d, %1\n"
			     "dup	v31.2d, %1\n"
			     "mov	x9, #10000\n"
			     "1:	subs	x9, x9, #1\n"
			     "b.ne	1b\n"
			     "mov	x9, v0.d[1]\n"
			     "mov	x10, v8.d[0]\n"
			     "mov	x11, v16.d[1]\n"
			     "mov	x12, v31.d[0]\n"
			     "cmp	x9, %1\n"
			     "ccmp	x10, %1, #0, eq\n"
			     "ccmp	x11, %1, #0, eq\n"
			     "ccmp	x12, %1, #0, eq\n"
			     "cset	%0, eq\n"
			     : "=&r" (same) : "r" (seed)
			     : "x9", "x10", "x11", "x12", "cc", "v0", "v8", "v16", "v31");
		if (!same)
			return 1;
		seed += 0x0101010101010101ul;
	}
}

static int set_online(int cpu, const char *text)
{
	char path[80];
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/online", cpu);
	fd = open(path, O_WRONLY);
	must(fd >= 0);
	ret = write(fd, text, 1) == 1 ? 0 : -errno;
	close(fd);
	return ret;
}

TEST(soak)
{
	const char *env = getenv("AXV_SOAK");
	unsigned long entries = env ? strtoul(env, NULL, 10) : scaled(ENTRIES);
	struct axv_runner r[2];
	struct soak soaks[2] = { 0 };
	struct axv_vcpu v[2];
	struct axv_vm vm[2];
	pid_t watchers[2];
	int i, other = second_cpu();

	for (i = 0; i < 2; i++) {
		watchers[i] = child_start(look_after_vectors, (void *)(0x1234567800000000ul + i));
		vm_new(&vm[i], 0);
		vcpu_new(&vm[i], &v[i], 0);
		ASSERT_EQ(0, guest_setup(&v[i]));
		arm64_load(&vm[i], code_soak);
		arm64_start(&v[i], GUEST_CODE_ADDR);
		v[i].run->regs.sregs.cpacr_el1 = 3ul << 20;
		*arm64_x(&v[i], 20) = 0xabcdef0000000000ul + i;
		/* Only one of the two has its registers in the run page. */
		v[i].run->want = i ? AXV_RUN_SET_GPRS : 0;
		soaks[i].entries = entries / 2;
		runner_start(&r[i], &v[i], on_exit_check, &soaks[i]);
	}
	/* The scheduler distributes the four threads over the CPUs that are online. */
	for (i = 1; i < TURNS && other > 0; i++) {
		runner_await(&r[i % 2], AXV_EXIT_HYPERCALL, i * (soaks[0].entries / TURNS));
		ASSERT_EQ(0, set_online(other, i % 2 ? "0" : "1"));
	}
	for (i = 0; i < 2; i++) {
		runner_join(&r[i]);
		EXPECT_EQ(0, r[i].error);
		EXPECT_FALSE(soaks[i].wrong) { vcpu_dump(&v[i]); }
		EXPECT_EQ(soaks[i].entries, soaks[i].last);
		EXPECT_LE(soaks[i].entries, vcpu_stats(&v[i]).entries);
		vcpu_free(&v[i]);
		vm_free(&vm[i]);
		/* The process still runs, so it has found no change. */
		EXPECT_EQ(0, waitpid(watchers[i], NULL, WNOHANG));
		child_kill(watchers[i]);
	}
}

TEST_HARNESS_MAIN
