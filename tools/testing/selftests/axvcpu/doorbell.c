// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of doorbells in guest memory: which writes ring them, that each rings once, and what
 * happens to them when the eventfd, the VM or the VMM goes.
 */
#include <poll.h>

#include "axv_harness.h"
#include "bell.h"

#define ADDR	(GUEST_HOLE + 8)

FIXTURE(doorbell) {
	struct axv_vm vm;
	struct axv_vcpu v;
	int fd;
};

FIXTURE_SETUP(doorbell)
{
	vm_new(&self->vm, 0);
	vcpu_ready(&self->vm, &self->v, 0);
	self->fd = event_new(0);
}

FIXTURE_TEARDOWN(doorbell)
{
	vcpu_free(&self->v);
	vm_free(&self->vm);
	close(self->fd);
}

static void store(struct axv_vcpu *v, __u64 addr, __u64 data)
{
	guest_start(v, GUEST_WRITE, addr, 1, data);
}

TEST_F(doorbell, rings_and_the_guest_goes_on)
{
	unsigned long n = scaled(100), i;
	struct axv_stats s;

	ASSERT_EQ(0, bell_set(&self->vm, 0, ADDR, 8, 0, self->fd));
	store(&self->v, ADDR, 0x1234);
	for (i = 0; i < n; i++)
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(n, count_of(self->fd));
	s = vcpu_stats(&self->v);
	EXPECT_EQ(n, s.doorbells);
	EXPECT_EQ(0ull, s.exits[AXV_EXIT_MMIO_WRITE]);

	/* A read of the doorbell's address is an exit, as before. */
	guest_start(&self->v, GUEST_READ, ADDR, 1, 0);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	EXPECT_EQ(0ull, count_of(self->fd));

	ASSERT_EQ(0, bell_remove(&self->vm, 0, ADDR, 8, 0, self->fd));
	store(&self->v, ADDR, 0x1234);
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(ADDR, self->v.run->exit.mmio.addr);
	EXPECT_EQ(0x1234ull, self->v.run->exit.mmio.data);
	EXPECT_EQ(8, self->v.run->exit.mmio.width);
	EXPECT_EQ(0ull, count_of(self->fd));
	EXPECT_EQ(n, vcpu_stats(&self->v).doorbells);
}

/* Make stores of 1, 2, 4 and 8 bytes.  Returns a mask of the widths that rang. */
static unsigned int widths_that_ring(struct axv_vcpu *v, int fd, __u64 data)
{
	unsigned int rang = 15;
	__u64 rings = 0, mask;
	int reason;

	guest_start(v, GUEST_WIDTHS, ADDR, 0, data);
	while ((reason = vcpu_run(v)) == AXV_EXIT_MMIO_WRITE) {
		mask = ~0ull >> (64 - 8 * v->run->exit.mmio.width);
		must(v->run->exit.mmio.addr == ADDR);
		must(v->run->exit.mmio.data == (data & mask));
		rang &= ~v->run->exit.mmio.width;
	}
	must(reason == AXV_EXIT_HYPERCALL);
	for (mask = rang; mask; mask &= mask - 1)
		rings++;
	must(count_of(fd) == rings);
	return rang;
}

TEST_F(doorbell, width)
{
	const __u64 data = 0xf1e2d3c4b5a69788;
	__u32 width;

	EXPECT_EQ(0u, widths_that_ring(&self->v, self->fd, data));
	for (width = 1; width <= 8; width *= 2) {
		ASSERT_EQ(0, bell_set(&self->vm, 0, ADDR, width, 0, self->fd));
		EXPECT_EQ(width, widths_that_ring(&self->v, self->fd, data));
		ASSERT_EQ(0, bell_remove(&self->vm, 0, ADDR, width, 0, self->fd));
	}
	ASSERT_EQ(0, bell_set(&self->vm, 0, ADDR, 0, 0, self->fd));
	EXPECT_EQ(15u, widths_that_ring(&self->v, self->fd, data));
	/* To remove the doorbell, its own width has to be given, 0, not one that it takes. */
	EXPECT_EQ(-ENOENT, bell_remove(&self->vm, 0, ADDR, 8, 0, self->fd));
	ASSERT_EQ(0, bell_remove(&self->vm, 0, ADDR, 0, 0, self->fd));
	EXPECT_EQ(0u, widths_that_ring(&self->v, self->fd, data));
}

TEST_F(doorbell, written_data)
{
	const __u64 data = 0xf1e2d3c4b5a69788;
	__u32 width;

	for (width = 1; width <= 8; width *= 2) {
		const __u64 mine = data & ~0ull >> (64 - 8 * width);

		ASSERT_EQ(0, bell_set(&self->vm, AXV_DOORBELL_DATA, ADDR, width, mine, self->fd));
		EXPECT_EQ(width, widths_that_ring(&self->v, self->fd, data));
		/* Data that differ in the lowest bit, and in the highest. */
		EXPECT_EQ(0u, widths_that_ring(&self->v, self->fd, data ^ 1));
		EXPECT_EQ(0u, widths_that_ring(&self->v, self->fd,
					       data ^ 1ull << (8 * width - 1)));
		/* To remove the doorbell, its data have to be given, too. */
		EXPECT_EQ(-ENOENT, bell_remove(&self->vm, 0, ADDR, width, 0, self->fd));
		ASSERT_EQ(0, bell_remove(&self->vm, AXV_DOORBELL_DATA, ADDR, width, mine,
					 self->fd));
	}

	/* With any width, only the bytes that are written are compared, not the register. */
	ASSERT_EQ(0, bell_set(&self->vm, AXV_DOORBELL_DATA, ADDR, 0, 0x88, self->fd));
	EXPECT_EQ(1u, widths_that_ring(&self->v, self->fd, data));
	EXPECT_EQ(15u, widths_that_ring(&self->v, self->fd, 0x88));
	EXPECT_EQ(3u, widths_that_ring(&self->v, self->fd, 0x10088));
	ASSERT_EQ(0, bell_set(&self->vm, AXV_DOORBELL_DATA, ADDR + 0x100, 0, 0, self->fd));
	store(&self->v, ADDR + 0x100, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(1ull, count_of(self->fd));
}

TEST_F(doorbell, address)
{
	const __u64 others[] = {
		ADDR - 8, ADDR - 1, ADDR + 1, ADDR + 4, ADDR + 8, ADDR + PAGE, ADDR + (1 << 29),
	};
	unsigned int i;

	ASSERT_EQ(0, bell_set(&self->vm, 0, ADDR, 0, 0, self->fd));
	for (i = 0; i < ARRAY_SIZE(others); i++) {
		store(&self->v, others[i], 1);
		ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
		EXPECT_EQ(others[i], self->v.run->exit.mmio.addr);
	}
	EXPECT_EQ(0ull, count_of(self->fd));
	/* The address need not be aligned. */
	ASSERT_EQ(0, bell_set(&self->vm, 0, ADDR + 3, 8, 0, self->fd));
	store(&self->v, ADDR + 3, 1);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(1ull, count_of(self->fd));
}

/*
 * Of several doorbells that take a write, the most specific one rings: first that with data and
 * width, then data, then width.  When it is removed, the next one rings.
 */
TEST_F(doorbell, the_most_specific_doorbell_rings)
{
	static const struct {
		__u32 flags;
		__u32 width;
	} bells[] = {
		{ AXV_DOORBELL_DATA, 8 }, { AXV_DOORBELL_DATA, 0 }, { 0, 8 }, { 0, 0 },
	};
	int fds[ARRAY_SIZE(bells)];
	unsigned int i, j, k;

	/* The doorbells are added in this order, and in reverse. */
	for (k = 0; k < 2; k++) {
		for (j = 0; j < ARRAY_SIZE(bells); j++) {
			i = k ? ARRAY_SIZE(bells) - 1 - j : j;
			fds[i] = event_new(0);
			ASSERT_EQ(0, bell_set(&self->vm, bells[i].flags, ADDR, bells[i].width,
					      bells[i].flags ? 7 : 0, fds[i]));
		}
		for (i = 0; i < ARRAY_SIZE(bells); i++) {
			store(&self->v, ADDR, 7);
			ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
			for (j = 0; j < ARRAY_SIZE(bells); j++) {
				EXPECT_EQ(i == j, count_of(fds[j])) {
					TH_LOG("%u rang instead of %u", j, i);
				}
			}
			ASSERT_EQ(0, bell_remove(&self->vm, bells[i].flags, ADDR,
						 bells[i].width, bells[i].flags ? 7 : 0, -1));
		}
		store(&self->v, ADDR, 7);
		ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
		for (i = 0; i < ARRAY_SIZE(bells); i++)
			close(fds[i]);
	}
}

TEST_F(doorbell, regions_win)
{
	__u8 *mem = mem_new(PAGE);
	volatile __u64 *word = (__u64 *)(mem + 8);

	ASSERT_EQ(0, bell_set(&self->vm, 0, GUEST_MEM + 8, 0, 0, self->fd));
	store(&self->v, GUEST_MEM + 8, 1);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(1ull, count_of(self->fd));

	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_MEM, PAGE, mem));
	store(&self->v, GUEST_MEM + 8, 2);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(2ull, *word);

	/* A write that a read-only region refuses goes to the VMM. */
	ASSERT_EQ(0, vm_region(&self->vm, 1, AXV_REGION_READONLY, GUEST_MEM, PAGE, mem));
	store(&self->v, GUEST_MEM + 8, 3);
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(3ull, self->v.run->exit.mmio.data);
	EXPECT_EQ(0ull, count_of(self->fd));

	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, 0, 0, NULL));
	store(&self->v, GUEST_MEM + 8, 4);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(1ull, count_of(self->fd));
	EXPECT_EQ(2ull, *word);
}

TEST_F(doorbell, one_eventfd_of_many_doorbells)
{
	const unsigned int n = 64;
	unsigned int i;

	for (i = 0; i < n; i++)
		ASSERT_EQ(0, bell_set(&self->vm, AXV_DOORBELL_DATA, ADDR, 8, i, self->fd));
	for (i = 0; i < n + 2; i++) {
		store(&self->v, ADDR, i);
		ASSERT_EXIT(i < n ? AXV_EXIT_HYPERCALL : AXV_EXIT_MMIO_WRITE, &self->v);
	}
	EXPECT_EQ(n, count_of(self->fd));
}

TEST_F(doorbell, added_twice_and_removed_twice)
{
	int other = event_new(0);

	ASSERT_EQ(0, bell_set(&self->vm, 0, ADDR, 4, 0, self->fd));
	EXPECT_EQ(-EEXIST, bell_set(&self->vm, 0, ADDR, 4, 0, self->fd));
	/* A second doorbell for the same writes is refused, also with another eventfd. */
	EXPECT_EQ(-EEXIST, bell_set(&self->vm, 0, ADDR, 4, 0, other));
	EXPECT_EQ(-ENOENT, bell_remove(&self->vm, 0, ADDR, 4, 0, other));
	EXPECT_EQ(-ENOENT, bell_remove(&self->vm, 0, ADDR, 8, 0, self->fd));
	EXPECT_EQ(-ENOENT, bell_remove(&self->vm, 0, ADDR + 4, 4, 0, self->fd));
	EXPECT_EQ(-ENOENT, bell_remove(&self->vm, AXV_DOORBELL_DATA, ADDR, 4, 0, self->fd));
	EXPECT_EQ(4u, widths_that_ring(&self->v, self->fd, 1));
	EXPECT_EQ(0, bell_remove(&self->vm, 0, ADDR, 4, 0, self->fd));
	EXPECT_EQ(-ENOENT, bell_remove(&self->vm, 0, ADDR, 4, 0, self->fd));
	EXPECT_EQ(-ENOENT, bell_remove(&self->vm, 0, ADDR, 4, 0, -1));
	EXPECT_EQ(0u, widths_that_ring(&self->v, self->fd, 1));
	close(other);
}

TEST_F(doorbell, hostile_arguments)
{
#define BAD(...) do {							\
	struct axv_doorbell bell = { .fd = self->fd, __VA_ARGS__ };	\
									\
	bell.addr = bell.addr ?: ADDR;					\
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_VM_SET_DOORBELL, &bell)) { \
		TH_LOG(#__VA_ARGS__);					\
	}								\
	bell.flags |= AXV_DOORBELL_REMOVE;				\
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_VM_SET_DOORBELL, &bell)) { \
		TH_LOG("remove: " #__VA_ARGS__);			\
	}								\
} while (0)
	const __u64 flags = axv_query(self->vm.dev, AXV_QUERY_DOORBELL_FLAGS);
	const __u64 end = 1ull << axv_query(self->vm.dev, AXV_QUERY_IPA_BITS);
	struct axv_doorbell other = { .addr = ADDR };
	unsigned int i;
	int pipes[2];

	EXPECT_EQ(AXV_DOORBELL_DATA | AXV_DOORBELL_REMOVE, flags & ~(__u64)AXV_DOORBELL_PORT);
	for (i = 0; i < 32; i++)
		if (!(flags >> i & 1))
			BAD(.flags = 1u << i);
	BAD(.pad = 1);
	BAD(.pad = 1u << 31);
	BAD(.width = 3);
	BAD(.width = 5);
	BAD(.width = 16);
	BAD(.width = 1u << 31);
	BAD(.width = ~0u);
	BAD(.data = 1);
	BAD(.flags = AXV_DOORBELL_DATA, .width = 1, .data = 0x100);
	BAD(.flags = AXV_DOORBELL_DATA, .width = 2, .data = 0x10000);
	BAD(.flags = AXV_DOORBELL_DATA, .width = 4, .data = 1ull << 32);
	BAD(.flags = AXV_DOORBELL_DATA, .width = 4, .data = ~0ull);
	BAD(.addr = end, .width = 1);
	BAD(.addr = end, .width = 0);
	BAD(.addr = end - 7, .width = 8);
	BAD(.addr = end - 1, .width = 2);
	BAD(.addr = ~0ull, .width = 1);
	BAD(.addr = ~0ull, .width = 8);
	BAD(.addr = -8ull, .width = 8);
	BAD(.addr = ~0ull, .width = 0);
#undef BAD
	/* The last bytes of the address space. */
	EXPECT_EQ(0, bell_set(&self->vm, AXV_DOORBELL_DATA, end - 8, 8, ~0ull, self->fd));
	EXPECT_EQ(0, bell_set(&self->vm, 0, end - 1, 0, 0, self->fd));

	/* A descriptor that is no eventfd, and one that is not open. */
	ASSERT_EQ(0, pipe(pipes));
	other.fd = pipes[1];
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_VM_SET_DOORBELL, &other));
	other.fd = self->vm.fd;
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_VM_SET_DOORBELL, &other));
	other.fd = -1;
	EXPECT_EQ(-EBADF, axv_ioctl(self->vm.fd, AXV_VM_SET_DOORBELL, &other));
	other.fd = 1 << 30;
	EXPECT_EQ(-EBADF, axv_ioctl(self->vm.fd, AXV_VM_SET_DOORBELL, &other));
	other.fd = -2;
	other.flags = AXV_DOORBELL_REMOVE;
	EXPECT_EQ(-EBADF, axv_ioctl(self->vm.fd, AXV_VM_SET_DOORBELL, &other));
	close(pipes[0]);
	close(pipes[1]);
	EXPECT_EQ(0u, widths_that_ring(&self->v, self->fd, 1));
}

/* Half of the doorbells are at one address, with different data, half at other addresses. */
static int bell_number(struct axv_vm *vm, __u32 flags, __u64 n, int fd)
{
	if (n % 2)
		return bell_set(vm, flags | AXV_DOORBELL_DATA, ADDR, 8, n, fd);
	return bell_set(vm, flags, GUEST_MEM + 8 * n, 0, 0, fd);
}

TEST_F(doorbell, limit)
{
	const __u64 max = axv_query(self->vm.dev, AXV_QUERY_MAX_DOORBELLS);
	__u64 i;

	for (i = 0; i < max; i++)
		ASSERT_EQ(0, bell_number(&self->vm, 0, i, self->fd));
	EXPECT_EQ(-ENOSPC, bell_number(&self->vm, 0, max, self->fd));
	store(&self->v, ADDR, max - 1);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	store(&self->v, GUEST_MEM + 8 * (max - 2), 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(2ull, count_of(self->fd));
	/* An address without a doorbell, among so many. */
	store(&self->v, GUEST_MEM + 8, 0);
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
	EXPECT_EQ(0ull, count_of(self->fd));

	ASSERT_EQ(0, bell_number(&self->vm, AXV_DOORBELL_REMOVE, 7, self->fd));
	EXPECT_EQ(0, bell_number(&self->vm, 0, max, self->fd));
	EXPECT_EQ(-ENOSPC, bell_number(&self->vm, 0, 7, self->fd));
	for (i = 0; i <= max; i++)
		if (i != 7)
			ASSERT_EQ(0, bell_number(&self->vm, AXV_DOORBELL_REMOVE, i, self->fd));
	EXPECT_EQ(0, bell_number(&self->vm, 0, 7, self->fd));
}

/* A doorbell wakes a thread in poll(); a kick ends a guest that does nothing but ring. */
TEST_F(doorbell, wakes_a_thread_in_poll)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN };
	unsigned long n = scaled(200), i;
	struct axv_runner r;

	ASSERT_EQ(0, bell_set(&self->vm, 0, ADDR, 8, 0, self->fd));
	guest_start(&self->v, GUEST_SPIN, ADDR, 0, 0);
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	runner_start(&r, &self->v, until_kicked, NULL);
	for (i = 0; i < n; i++) {
		ASSERT_EQ(1, poll(&p, 1, -1));
		EXPECT_LT(0ull, count_of(self->fd));
	}
	runner_stop(&r);
	EXPECT_EQ(0ul, r.exits[AXV_EXIT_MMIO_WRITE]);
}

/* ---- removal while vCPUs ring ---- */

static int until_mmio(struct axv_runner *r)
{
	return r->vcpu->run->exit_reason == AXV_EXIT_MMIO_WRITE;
}

/*
 * The guest stores 1, 2, 3, ...  Each store before the first one that exits has rung once, and
 * all of these before the call that removes the doorbell returned.
 */
TEST_F(doorbell, removed_while_it_rings)
{
	unsigned long n = scaled(300), i;
	struct axv_runner r;
	struct pollfd p = { .fd = self->fd, .events = POLLIN };
	__u64 rings;

	ASSERT_EQ(0, vcpu_unbind(&self->v));
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, bell_set(&self->vm, 0, ADDR, i % 2 ? 8 : 0, 0, self->fd));
		guest_start(&self->v, GUEST_SPIN, ADDR, 0, 0);
		runner_start(&r, &self->v, until_mmio, NULL);
		ASSERT_EQ(1, poll(&p, 1, -1));
		ASSERT_EQ(0, bell_remove(&self->vm, 0, ADDR, i % 2 ? 8 : 0, 0, self->fd));
		rings = count_of(self->fd);
		runner_join(&r);
		ASSERT_EQ(0, r.error);
		ASSERT_EQ(rings + 1, self->v.run->exit.mmio.data);
		ASSERT_EQ(0ull, count_of(self->fd));
	}
}

struct adder {
	struct axv_vm *vm;
	int fd;
	atomic_int stop;
	unsigned long changes;
};

static void *add_and_remove(void *arg)
{
	struct adder *a = arg;

	while (!a->stop) {
		must(!bell_set(a->vm, 0, ADDR, 0, 0, a->fd));
		must(!bell_remove(a->vm, 0, ADDR, 0, 0, a->changes % 2 ? -1 : a->fd));
		a->changes++;
	}
	return NULL;
}

/* While the doorbell is added and removed, each store either rings or exits, never both. */
TEST_F(doorbell, comes_and_goes)
{
	unsigned long n = scaled(2000);
	struct adder a = { .vm = &self->vm, .fd = self->fd };
	__u64 exits = 0, last = 0;
	pthread_t t;

	ASSERT_EQ(0, pthread_create(&t, NULL, add_and_remove, &a));
	guest_start(&self->v, GUEST_SPIN, ADDR, 0, 0);
	while (exits < n || vcpu_stats(&self->v).doorbells < n) {
		ASSERT_EQ(AXV_EXIT_MMIO_WRITE, vcpu_run(&self->v));
		exits++;
		last = self->v.run->exit.mmio.data;
	}
	a.stop = 1;
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_EQ(last, exits + count_of(self->fd));
	EXPECT_EQ(last, exits + vcpu_stats(&self->v).doorbells);
	EXPECT_LT(1ul, a.changes);
}

/* Two vCPUs ring one doorbell: no ring is lost. */
TEST_F(doorbell, rung_by_two_vcpus)
{
	unsigned long n = scaled(3000);
	struct axv_vcpu w;
	struct axv_runner r[2];
	unsigned int i;

	vcpu_new(&self->vm, &w, 1);
	ASSERT_EQ(0, guest_setup(&w));
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	ASSERT_EQ(0, bell_set(&self->vm, 0, ADDR, 0, 0, self->fd));
	guest_start(&self->v, GUEST_SPIN, ADDR, 0, 0);
	guest_start(&w, GUEST_SPIN, ADDR, 0, 0);
	runner_start(&r[0], &self->v, until_mmio, NULL);
	runner_start(&r[1], &w, until_mmio, NULL);
	while (vcpu_stats(&self->v).doorbells < n || vcpu_stats(&w).doorbells < n)
		sched_yield();
	ASSERT_EQ(0, bell_remove(&self->vm, 0, ADDR, 0, 0, self->fd));
	for (i = 0; i < 2; i++)
		runner_join(&r[i]);
	EXPECT_EQ(self->v.run->exit.mmio.data + w.run->exit.mmio.data - 2,
		  count_of(self->fd));
	vcpu_free(&w);
}

/* ---- ends ---- */

TEST_F(doorbell, eventfd_closed_first)
{
	int fd = event_new(0);

	ASSERT_EQ(0, bell_set(&self->vm, 0, ADDR, 8, 0, fd));
	ASSERT_EQ(0, close(fd));
	store(&self->v, ADDR, 1);
	/* Nothing reads the eventfd any more, but the doorbell still takes the guest's write. */
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(1ull, vcpu_stats(&self->v).doorbells);
	EXPECT_EQ(-ENOENT, bell_remove(&self->vm, 0, ADDR, 8, 0, self->fd));
	ASSERT_EQ(0, bell_remove(&self->vm, 0, ADDR, 8, 0, -1));
	ASSERT_EXIT(AXV_EXIT_MMIO_WRITE, &self->v);
}

/* The vCPU's descriptor keeps the VM, but not its doorbells. */
TEST_F(doorbell, vm_closed_first)
{
	struct axv_vm vm;
	struct axv_vcpu v;
	int reason;

	vm_new(&vm, 0);
	vcpu_ready(&vm, &v, 0);
	ASSERT_EQ(0, bell_set(&vm, 0, ADDR, 8, 0, self->fd));
	store(&v, ADDR, 1);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	ASSERT_EQ(0, close(vm.fd));
	/* Not vcpu_run(), which may use the VM's descriptor. */
	do
		reason = vcpu_run_once(&v);
	while (reason == AXV_EXIT_NOTHING);
	EXPECT_EQ(AXV_EXIT_MMIO_WRITE, reason);
	EXPECT_EQ(1ull, count_of(self->fd));
	vcpu_free(&v);
	ASSERT_EQ(0, close(vm.dev));
	ASSERT_EQ(0, munmap(vm.ram, GUEST_RAM_SIZE));
}

/* The VM's descriptor is closed while the guest rings. */
TEST_F(doorbell, vm_closed_while_it_rings)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN };
	unsigned long n = scaled(30), i;
	struct axv_runner r;
	struct axv_vcpu v;
	struct axv_vm vm;

	for (i = 0; i < n; i++) {
		vm_new(&vm, 0);
		vcpu_new(&vm, &v, 0);
		ASSERT_EQ(0, guest_setup(&v));
		ASSERT_EQ(0, bell_set(&vm, 0, ADDR, 8, 0, self->fd));
		guest_start(&v, GUEST_SPIN, ADDR, 0, 0);
		runner_start(&r, &v, until_mmio, NULL);
		ASSERT_EQ(1, poll(&p, 1, -1));
		ASSERT_EQ(0, close(vm.fd));
		runner_join(&r);
		ASSERT_EQ(0, r.error);
		EXPECT_EQ(v.run->exit.mmio.data - 1, count_of(self->fd));
		vcpu_free(&v);
		ASSERT_EQ(0, close(vm.dev));
		ASSERT_EQ(0, munmap(vm.ram, GUEST_RAM_SIZE));
	}
}

struct heir {
	struct axv_vm *vm;
	struct axv_vcpu *v;
	int fd;
};

static int use_inherited(void *arg)
{
	struct heir *h = arg;

	must(bell_set(h->vm, 0, ADDR + 8, 8, 0, h->fd) == -EIO);
	must(bell_remove(h->vm, 0, ADDR, 8, 0, h->fd) == -EIO);
	must(axv_ioctl(h->v->fd, AXV_VCPU_RUN, NULL) == -EIO);
	return 7;
}

TEST_F(doorbell, fork_gives_the_child_none)
{
	struct heir h = { &self->vm, &self->v, self->fd };

	ASSERT_EQ(0, bell_set(&self->vm, 0, ADDR, 8, 0, self->fd));
	store(&self->v, ADDR, 1);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(7 << 8, child_status(child_start(use_inherited, &h)));
	EXPECT_EQ(1ull, count_of(self->fd));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(1ull, count_of(self->fd));
}

/* A VMM that rings until it is killed. */
static int ring_for_ever(void *arg)
{
	struct axv_vm vm;
	struct axv_vcpu v;

	vm_new(&vm, 0);
	vcpu_ready(&vm, &v, 0);
	must(!bell_set(&vm, 0, ADDR, 8, 0, *(int *)arg));
	guest_start(&v, GUEST_SPIN, ADDR, 0, 0);
	vcpu_run(&v);
	return 1;
}

TEST_F(doorbell, vmm_killed_while_it_rings)
{
	struct pollfd p = { .fd = self->fd, .events = POLLIN };
	unsigned long n = scaled(20), i;
	pid_t pid;

	for (i = 0; i < n; i++) {
		pid = child_start(ring_for_ever, &self->fd);
		ASSERT_EQ(1, poll(&p, 1, -1));
		child_kill(pid);
		count_of(self->fd);
		EXPECT_EQ(0, poll(&p, 1, 10));
	}
	a_new_vm_runs(_metadata);
}

TEST_HARNESS_MAIN
