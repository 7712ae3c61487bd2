// SPDX-License-Identifier: GPL-2.0
/*
 * Corners of the architecture that a guest or a VMM could use against the host, or
 * that a guest could fall over.
 */
#include "axv_harness.h"
#include "arm64.h"

#define MDSCR_EL1	AXV_REG_ARM64(SYSREG, AXV_ARM64_SYSREG_INDEX(2, 0, 0, 2, 2))
#define MDSCR_SS	(1ul << 0)
#define MDSCR_KDE	(1ul << 13)

#define ESR_EC(esr)	((esr) >> 26 & 0x3f)
#define EC_STEP_SAME	0x33

FIXTURE(corners) {
	struct axv_vm vm;
	struct axv_vcpu v;
};

FIXTURE_SETUP(corners)
{
	vm_new(&self->vm, 0);
	vcpu_ready(&self->vm, &self->v, 0);
}

FIXTURE_TEARDOWN(corners)
{
	vcpu_free(&self->v);
	vm_free(&self->vm);
}

/* Whether the kernel says anything about @what from now on, by way of its log. */
static int log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);

	must(fd >= 0);
	must(lseek(fd, 0, SEEK_END) == 0);
	return fd;
}

static int log_has(int fd, const char *what)
{
	char line[8192];
	int found = 0;
	ssize_t got;

	for (;;) {
		got = read(fd, line, sizeof(line) - 1);
		if (got < 0 && errno == EPIPE)
			continue;
		if (got <= 0)
			break;
		line[got] = 0;
		found |= strstr(line, what) != NULL;
	}
	close(fd);
	return found;
}

/* ---- debug ----------------------------------------------------------------- */

/* X20: what MDSCR_EL1 is to be */
GUEST_CODE(code_debug,
	"msr	mdscr_el1, x20\n"
	"isb\n"
	"1:	mov	x0, #7\n"
	"hvc	#0\n"
	"b	1b\n");

/* X20 likewise; steps the instruction at 1. */
GUEST_CODE(code_step,
	"msr	mdscr_el1, x20\n"
	"mov	x0, #0x5\n"	/* EL1h, and PSTATE.D is clear */
	"movk	x0, #0x20, lsl #16\n"	/* PSTATE.SS */
	"msr	spsr_el1, x0\n"
	"adr	x0, 1f\n"
	"msr	elr_el1, x0\n"
	"isb\n"
	"eret\n"
	"1:	nop\n"
	"nop\n");

/*
 * The host runs at the level that debug exceptions would go to, with its own
 * PSTATE.D clear: what the guest arms may not be armed there.
 */
TEST_F(corners, a_guest_that_steps_does_not_step_the_host)
{
	int log = log_open();
	int i;

	arm64_load(&self->vm, code_debug);
	arm64_start(&self->v, GUEST_CODE_ADDR);
	*arm64_x(&self->v, 20) = MDSCR_SS | MDSCR_KDE;
	for (i = 0; i < 4; i++)
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0, log_has(log, "single-step"));
}

TEST_F(corners, a_vmm_that_steps_does_not_step_the_host)
{
	int log = log_open();

	arm64_load(&self->vm, code_debug);
	arm64_start(&self->v, GUEST_CODE_ADDR + 8);
	ASSERT_EQ(0, reg_set(&self->v, MDSCR_EL1, MDSCR_SS | MDSCR_KDE));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0, log_has(log, "single-step"));
}

TEST_F(corners, a_guest_steps_itself)
{
	arm64_load(&self->vm, code_step);
	arm64_start(&self->v, GUEST_CODE_ADDR);
	*arm64_x(&self->v, 20) = MDSCR_SS | MDSCR_KDE;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(EC_STEP_SAME, ESR_EC(self->v.run->exit.hypercall.args[0]));
	EXPECT_EQ(GUEST_CODE_ADDR + 9 * 4, self->v.run->exit.hypercall.args[1]);
}

TEST_HARNESS_MAIN
