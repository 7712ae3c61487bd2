// SPDX-License-Identifier: GPL-2.0
/*
 * An oops or a warning of a CPU names the vCPU that the CPU acts on.
 */
#include <linux/kdebug.h>
#include <linux/kmsg_dump.h>
#include <linux/notifier.h>
#include <linux/slab.h>
#include <linux/string.h>

#include <trace/events/error_report.h>

#include "fake.h"
#include "../oops.h"

#define LOG_SIZE	4096

static char *log;

/* How often is a line among the last ones of the kernel's log? */
static unsigned int count_in_log(const char *line)
{
	struct kmsg_dump_iter iter;
	unsigned int count = 0;
	size_t len = 0;
	char *at;

	kmsg_dump_rewind(&iter);
	kmsg_dump_get_buffer(&iter, false, log, LOG_SIZE - 1, &len);
	log[len] = 0;
	for (at = log; (at = strstr(at, line)); at++)
		count++;
	return count;
}

static int warn(struct axv_fake *fake)
{
	trace_error_report_end(ERROR_DETECTOR_WARN, _THIS_IP_);
	return AXV_EXIT_HYPERCALL;
}

static int oops(struct axv_fake *fake)
{
	axv_die_notifier.notifier_call(&axv_die_notifier, DIE_OOPS, NULL);
	/* Another event than an oops (a breakpoint, for example) is not told. */
	axv_die_notifier.notifier_call(&axv_die_notifier, DIE_OOPS + 1, NULL);
	return AXV_EXIT_HYPERCALL;
}

static void is_told(struct kunit *test, u32 id, int (*guest)(struct axv_fake *fake))
{
	struct axv_vm *vm = test->priv;
	struct axv_fake *fake = axv_fake_in_state(test, id, AXV_STATE_READY);
	char line[64];

	snprintf(line, sizeof(line), "acts on vCPU %u of VM %u, Running\n", id, vm->id);
	log = kunit_kzalloc(test, LOG_SIZE, GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, log);
	fake->guest = guest;
	KUNIT_ASSERT_EQ(test, 0, axv_oops_init());
	KUNIT_EXPECT_EQ(test, 0, axv_vcpu_run(&fake->vcpu));
	KUNIT_EXPECT_EQ_MSG(test, 1u, count_in_log(line), "%s", log);

	/* A thread that acts on no vCPU has nothing to tell. */
	guest(fake);
	KUNIT_EXPECT_EQ(test, 1u, count_in_log(line));
	axv_oops_exit();
	guest(fake);
}

static void with_a_warning(struct kunit *test)
{
	is_told(test, 5, warn);
}

static void with_an_oops(struct kunit *test)
{
	is_told(test, 6, oops);
}

static struct kunit_case cases[] = {
	KUNIT_CASE(with_a_warning),
	KUNIT_CASE(with_an_oops),
	{}
};

axv_test_suite("axvcpu-oops", cases, AXV_FAKE_FRAME);
