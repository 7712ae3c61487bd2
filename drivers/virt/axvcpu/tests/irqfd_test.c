// SPDX-License-Identifier: GPL-2.0
/*
 * irqfds: what happens to an eventfd's count, what is refused, and that irqfds which end
 * together share one wait.
 */
#include <linux/anon_inodes.h>
#include <linux/atomic.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/lockdep.h>
#include <linux/mutex.h>
#include <linux/poll.h>
#include <linux/string.h>
#include <linux/wait.h>
#include <linux/xarray.h>

#include <axvcpu/route.h>

#include "fake.h"
#include "../eventfd.h"
#include "../resample.h"

#define GSI	16
#define WIRE	5
#define MANY	64
/* The descriptor of the resample eventfd that all irqfds have. */
#define END	MANY

/**
 * struct event - what a test has in the place of an eventfd
 * @queue:	irqfds and other waiters, and a lock
 * @count:	what was signalled and not taken; under the queue's lock
 * @refs:	references to it
 * @file:	its file; the descriptor is the index in events
 * @gate:	not NULL: a thread that signals by axv_resample() waits for this
 * @inside:	completed before that wait
 */
struct event {
	wait_queue_head_t queue;
	u64 count;
	atomic_t refs;
	struct file *file;
	struct completion *gate;
	struct completion inside;
};

/* By descriptor. */
static struct event events[MANY + 1];

static struct event *to_event(struct eventfd_ctx *eventfd)
{
	return (struct event *)eventfd;
}

static __poll_t event_poll(struct file *file, poll_table *poll)
{
	struct event *event = file->private_data;

	poll_wait(file, &event->queue, poll);
	return READ_ONCE(event->count) ? EPOLLIN : 0;
}

static const struct file_operations event_fops = {
	.poll = event_poll,
};

static struct eventfd_ctx *event_get(int fd)
{
	if (fd < 0 || fd >= ARRAY_SIZE(events))
		return ERR_PTR(-EBADF);
	atomic_inc(&events[fd].refs);
	return (struct eventfd_ctx *)&events[fd];
}

static struct file *event_file(int fd)
{
	return fd < 0 || fd >= ARRAY_SIZE(events) ? NULL : get_file(events[fd].file);
}

static struct eventfd_ctx *event_of_file(struct file *file)
{
	return event_get((struct event *)file->private_data - events);
}

static void event_ring(struct eventfd_ctx *eventfd)
{
	struct event *event = to_event(eventfd);

	if (event->gate) {
		complete(&event->inside);
		wait_for_completion(event->gate);
	}
	spin_lock_irq(&event->queue.lock);
	event->count++;
	spin_unlock_irq(&event->queue.lock);
}

static void event_put(struct eventfd_ctx *eventfd)
{
	atomic_dec(&to_event(eventfd)->refs);
}

static u64 event_take(struct eventfd_ctx *eventfd)
{
	struct event *event = to_event(eventfd);
	u64 count = event->count;

	lockdep_assert_held(&event->queue.lock);
	event->count = 0;
	return count;
}

static const struct axv_eventfd_stub stub = {
	.get = event_get,
	.signal = event_ring,
	.put = event_put,
	.file = event_file,
	.of_file = event_of_file,
	.take = event_take,
};

static int irqfd_suite_init(struct kunit_suite *suite)
{
	int err = axv_irqfd_init();

	return err ?: axv_fake_suite_init(suite);
}

static void irqfd_suite_exit(struct kunit_suite *suite)
{
	/* A file that a kernel thread puts is closed later, by way of event_fops. */
	flush_delayed_fput();
	axv_fake_suite_exit(suite);
	axv_irqfd_exit();
}

static int irqfd_init(struct kunit *test)
{
	int i, err;

	memset(events, 0, sizeof(events));
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		init_waitqueue_head(&events[i].queue);
		init_completion(&events[i].inside);
		events[i].file = anon_inode_getfile("[axvcpu-test]", &event_fops, &events[i],
						    O_RDWR);
		KUNIT_ASSERT_FALSE(test, IS_ERR(events[i].file));
	}
	axv_eventfd_stub = &stub;
	err = axv_fake_init(test);
	if (!err)
		((struct axv_vm *)test->priv)->irqchip = AXV_IRQCHIP_GICV3;
	return err;
}

static void irqfd_exit(struct kunit *test)
{
	struct axv_vm *vm = test->priv;
	int i;

	if (!vm) {
		axv_eventfd_stub = NULL;
		return;
	}
	axv_irqfd_end_all(vm);
	axv_end_routes(vm);
	KUNIT_EXPECT_EQ(test, 0, vm->nr_irqfds);
	KUNIT_EXPECT_TRUE(test, list_empty(&vm->irqfds));
	KUNIT_EXPECT_TRUE(test, xa_empty(&vm->resamplers));
	axv_fake_exit(test);
	axv_eventfd_stub = NULL;
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		KUNIT_EXPECT_EQ_MSG(test, 0, atomic_read(&events[i].refs), "eventfd %d", i);
		/* No barrier is needed: nothing enters the queue any more. */
		KUNIT_EXPECT_FALSE(test, waitqueue_active(&events[i].queue));
		fput(events[i].file);
	}
}

static int request(struct axv_vm *vm, const struct axv_set_irqfd *config)
{
	int err;

	mutex_lock(&vm->lock);
	err = axv_set_irqfd(vm, config);
	mutex_unlock(&vm->lock);
	return err;
}

static int set_irqfd(struct axv_vm *vm, int fd, u32 gsi, u32 flags)
{
	const struct axv_set_irqfd config = {
		.fd = fd, .gsi = gsi, .flags = flags,
		.resample_fd = flags & AXV_IRQFD_RESAMPLE ? END : 0,
	};

	return request(vm, &config);
}

static int set_route(struct axv_vm *vm, u32 flags)
{
	const struct axv_route route = { .gsi = GSI, .flags = flags, .vector = WIRE };
	int err;

	mutex_lock(&vm->lock);
	err = axv_set_routes(vm, &route, 1, false);
	mutex_unlock(&vm->lock);
	return err;
}

static int set_edge(struct axv_vm *vm)
{
	return set_route(vm, 0);
}

static void signal_event(int fd)
{
	struct event *event = &events[fd];

	spin_lock_irq(&event->queue.lock);
	event->count++;
	wake_up_locked_poll(&event->queue, EPOLLIN);
	spin_unlock_irq(&event->queue.lock);
}

/* Tell the queue that the last file of an eventfd is closed. */
static void close_event(int fd)
{
	wake_up_poll(&events[fd].queue, EPOLLHUP);
}

static void a_signal_is_an_event(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_vm *vm = test->priv;

	KUNIT_ASSERT_EQ(test, 0, set_edge(vm));
	KUNIT_ASSERT_EQ(test, 0, set_irqfd(vm, 0, GSI, 0));
	KUNIT_EXPECT_EQ(test, -EEXIST, set_irqfd(vm, 0, GSI, 0));
	KUNIT_EXPECT_EQ(test, -EEXIST, set_irqfd(vm, 0, GSI, AXV_IRQFD_RESAMPLE));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&events[END].refs));
	KUNIT_EXPECT_EQ(test, -EBADF, set_irqfd(vm, -1, GSI, 0));
	KUNIT_EXPECT_EQ(test, 0, fake->queued);
	signal_event(0);
	KUNIT_EXPECT_EQ(test, 1, fake->queued);
	KUNIT_EXPECT_EQ(test, 0ull, events[0].count);
	KUNIT_EXPECT_EQ(test, -ENOENT, set_irqfd(vm, 0, GSI + 1, AXV_IRQFD_REMOVE));
	KUNIT_EXPECT_EQ(test, 0, set_irqfd(vm, 0, GSI, AXV_IRQFD_REMOVE));
	signal_event(0);
	KUNIT_EXPECT_EQ(test, 1, fake->queued);
	KUNIT_EXPECT_EQ(test, 1ull, events[0].count);
}

/* The callback of a writer that waits for room in the count: notes that it was woken. */
static int writer_fn(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	if (key_to_poll(key) & EPOLLOUT)
		wait->private = wait;
	return 0;
}

/* What was counted before is one event, once: the count is taken when the irqfd is added. */
static void an_earlier_count_is_one_event(struct kunit *test)
{
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_vm *vm = test->priv;
	wait_queue_entry_t writer;

	init_waitqueue_func_entry(&writer, writer_fn);
	add_wait_queue(&events[0].queue, &writer);
	KUNIT_ASSERT_EQ(test, 0, set_edge(vm));
	signal_event(0);
	signal_event(0);
	KUNIT_EXPECT_PTR_EQ(test, NULL, writer.private);
	KUNIT_ASSERT_EQ(test, 0, set_irqfd(vm, 0, GSI, 0));
	KUNIT_EXPECT_EQ(test, 1, fake->queued);
	KUNIT_EXPECT_EQ(test, 0ull, events[0].count);
	KUNIT_EXPECT_NOT_NULL(test, writer.private);
	/* A signal takes 1 of an EFD_SEMAPHORE's count, and the irqfd's end the rest. */
	writer.private = NULL;
	WRITE_ONCE(events[0].count, 1);
	KUNIT_EXPECT_EQ(test, 0, set_irqfd(vm, 0, GSI, AXV_IRQFD_REMOVE));
	KUNIT_EXPECT_EQ(test, 0ull, events[0].count);
	KUNIT_EXPECT_NOT_NULL(test, writer.private);
	KUNIT_ASSERT_EQ(test, 0, set_irqfd(vm, 0, GSI, 0));
	KUNIT_EXPECT_EQ(test, 1, fake->queued);
	remove_wait_queue(&events[0].queue, &writer);
}

static bool wire_is_high(struct axv_fake *fake)
{
	bool high;

	raw_spin_lock_irq(&fake->vcpu.lock);
	high = fake->wires & BIT_ULL(WIRE);
	raw_spin_unlock_irq(&fake->vcpu.lock);
	return high;
}

/* Is the VMM to be told? */
static bool wire_ends(struct axv_fake *fake)
{
	return AXV_CLAIMED(&fake->vcpu, axv_routes_ended(&fake->vcpu, WIRE));
}

/*
 * With a resample eventfd the wire is high until its interrupt ends, otherwise until the VMM
 * lets it fall.
 */
static void a_level_of_an_irqfd(struct kunit *test)
{
	const struct axv_inject fall = { .type = AXV_INJECT_WIRED, .vector = GSI };
	struct axv_fake *fake = axv_fake_new(test, 0, NULL);
	struct axv_vm *vm = test->priv;

	KUNIT_ASSERT_EQ(test, 0, set_route(vm, AXV_ROUTE_LEVEL));
	KUNIT_ASSERT_EQ(test, 0, set_irqfd(vm, 0, GSI, AXV_IRQFD_RESAMPLE));
	signal_event(0);
	KUNIT_EXPECT_TRUE(test, wire_is_high(fake));
	KUNIT_EXPECT_EQ(test, 0ull, events[END].count);
	KUNIT_EXPECT_FALSE(test, wire_ends(fake));
	KUNIT_EXPECT_FALSE(test, wire_is_high(fake));
	KUNIT_EXPECT_EQ(test, 1ull, events[END].count);

	/* A count from before the irqfd was added raises the wire, too. */
	signal_event(1);
	KUNIT_ASSERT_EQ(test, 0, set_irqfd(vm, 1, GSI, AXV_IRQFD_RESAMPLE));
	KUNIT_EXPECT_TRUE(test, wire_is_high(fake));
	KUNIT_EXPECT_FALSE(test, wire_ends(fake));
	KUNIT_EXPECT_FALSE(test, wire_is_high(fake));
	KUNIT_EXPECT_EQ(test, 3ull, events[END].count);

	KUNIT_ASSERT_EQ(test, 0, set_irqfd(vm, 2, GSI, 0));
	signal_event(2);
	KUNIT_EXPECT_TRUE(test, wire_ends(fake));
	KUNIT_EXPECT_TRUE(test, wire_is_high(fake));
	KUNIT_EXPECT_EQ(test, 0, axv_vm_inject(vm, &fall));
	KUNIT_EXPECT_FALSE(test, wire_is_high(fake));
	KUNIT_EXPECT_EQ(test, 3ull, events[END].count);
}

static void impossible_requests_are_refused(struct kunit *test)
{
	static const struct axv_set_irqfd bad[] = {
		{ .flags = 1u << 31 }, { .flags = AXV_IRQFD_REMOVE | 1u << 2 },
		{ .flags = AXV_IRQFD_REMOVE | AXV_IRQFD_RESAMPLE, .resample_fd = END },
		{ .resample_fd = END }, { .flags = AXV_IRQFD_REMOVE, .resample_fd = END },
	};
	struct axv_vm *vm = test->priv;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		KUNIT_EXPECT_EQ_MSG(test, -EINVAL, request(vm, &bad[i]), "case %zu", i);
	KUNIT_EXPECT_EQ(test, -EBADF, request(vm, &(struct axv_set_irqfd){
		.flags = AXV_IRQFD_RESAMPLE, .resample_fd = END + 1 }));
	vm->irqchip = AXV_IRQCHIP_NONE;
	KUNIT_EXPECT_EQ(test, -EOPNOTSUPP, set_irqfd(vm, 0, GSI, 0));
	vm->irqchip = AXV_IRQCHIP_GICV3;
	KUNIT_EXPECT_EQ(test, 0, vm->nr_irqfds);
}

/* One irqfd exists; the others are in &axv_vm.nr_irqfds alone. */
static void the_number_of_irqfds_is_limited(struct kunit *test)
{
	struct axv_vm *vm = test->priv;

	vm->nr_irqfds = AXV_MAX_IRQFDS - 1;
	KUNIT_EXPECT_EQ(test, 0, set_irqfd(vm, 0, GSI, 0));
	KUNIT_EXPECT_EQ(test, -ENOSPC, set_irqfd(vm, 1, GSI, 0));
	KUNIT_EXPECT_EQ(test, -ENOSPC, set_irqfd(vm, 1, GSI, AXV_IRQFD_RESAMPLE));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&events[1].refs));
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&events[END].refs));
	KUNIT_EXPECT_EQ(test, 0, set_irqfd(vm, 0, GSI, AXV_IRQFD_REMOVE));
	KUNIT_EXPECT_EQ(test, 0, set_irqfd(vm, 1, GSI, 0));
	vm->nr_irqfds -= AXV_MAX_IRQFDS - 1;
}

static void add_many(struct kunit *test)
{
	int i;

	for (i = 0; i < MANY; i++)
		KUNIT_ASSERT_EQ(test, 0, set_irqfd(test->priv, i, GSI + i, AXV_IRQFD_RESAMPLE));
}

/* By how much does one wait increase the cookie? */
static unsigned long one_wait(void)
{
	unsigned long before = axv_resample_cookie();

	axv_resample_wait();
	return axv_resample_cookie() - before;
}

/* End many irqfds at once, as the end of the VM's file does, and the end of the VMM. */
static void many_end_with_the_vm(struct kunit *test)
{
	unsigned long one = one_wait(), before;

	add_many(test);
	before = axv_resample_cookie();
	axv_irqfds_close(test->priv);
	KUNIT_EXPECT_NE(test, before, axv_resample_cookie());
	KUNIT_EXPECT_LT(test, axv_resample_cookie() - before, MANY / 4 * one);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&events[END].refs));
}

static int walk_fn(void *arg)
{
	return axv_resample(arg, GSI);
}

/* Irqfds whose eventfds are closed during a walk end together, after the walk. */
static void many_end_in_a_worker(struct kunit *test)
{
	unsigned long one = one_wait(), before;
	DECLARE_COMPLETION_ONSTACK(gate);
	struct axv_vm *vm = test->priv;
	struct axv_fake_thread walk;
	int i;

	add_many(test);
	events[END].gate = &gate;
	axv_fake_start(test, &walk, -1, walk_fn, vm);
	axv_fake_await(test, &events[END].inside);
	before = axv_resample_cookie();
	for (i = 0; i < MANY; i++)
		close_event(i);
	KUNIT_EXPECT_EQ(test, 0, vm->nr_irqfds);
	/* The reference to the eventfd that the walk signals is still held. */
	KUNIT_EXPECT_LT(test, 0, atomic_read(&events[END].refs));
	complete_all(&gate);
	KUNIT_EXPECT_EQ(test, 1, axv_fake_wait(test, &walk));
	axv_fake_stop(&walk);
	axv_irqfd_end_all(vm);
	KUNIT_EXPECT_LT(test, axv_resample_cookie() - before, MANY / 4 * one);
	KUNIT_EXPECT_EQ(test, 0, atomic_read(&events[END].refs));
}

static struct kunit_case irqfd_cases[] = {
	KUNIT_CASE(a_signal_is_an_event),
	KUNIT_CASE(an_earlier_count_is_one_event),
	KUNIT_CASE(a_level_of_an_irqfd),
	KUNIT_CASE(impossible_requests_are_refused),
	KUNIT_CASE(the_number_of_irqfds_is_limited),
	KUNIT_CASE(many_end_with_the_vm),
	KUNIT_CASE(many_end_in_a_worker),
	{}
};

axv_test_suite("axvcpu-irqfds", irqfd_cases, .suite_init = irqfd_suite_init,
	       .suite_exit = irqfd_suite_exit, .init = irqfd_init, .exit = irqfd_exit);
