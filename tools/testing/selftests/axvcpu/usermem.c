// SPDX-License-Identifier: GPL-2.0
/*
 * Tests that a call that waits for a page of the VMM's memory, for as long as the VMM
 * likes, makes no other call wait: it holds neither a lock of the VM nor a claim.
 */
#include <fcntl.h>

#include "axv_harness.h"

#define PAGES	16ul
#define SIZE	(PAGES * PAGE)

/**
 * struct waiter - a thread in a call that waits for a page
 * @fd: descriptor of the call
 * @cmd: the command
 * @arg: its argument
 * @mem: memory whose pages are missing; the call needs all or some of it
 * @ret: what the call returned
 */
struct waiter {
	int fd;
	unsigned long cmd;
	const void *arg;
	void *mem;
	int ret;
};

FIXTURE(usermem) {
	struct axv_vm vm;
	struct axv_vcpu v;
	struct axv_vcpu unbound;
	void *logged;
};

FIXTURE_SETUP(usermem)
{
	vm_new(&self->vm, 0);
	vcpu_ready(&self->vm, &self->v, 0);
	guest_start(&self->v, GUEST_CALL, 0, 0, 0);
	vcpu_new(&self->vm, &self->unbound, 1);
	ASSERT_EQ(0, guest_setup(&self->unbound));
	self->logged = mem_new(SIZE);
	ASSERT_EQ(0, vm_region(&self->vm, 1, AXV_REGION_LOG_DIRTY, GUEST_MEM, SIZE, self->logged));
}

FIXTURE_TEARDOWN(usermem)
{
	vcpu_free(&self->unbound);
	vcpu_free(&self->v);
	vm_free(&self->vm);
	munmap(self->logged, SIZE);
}

static void *waiter_main(void *arg)
{
	struct waiter *w = arg;

	w->ret = axv_ioctl(w->fd, w->cmd, w->arg);
	return NULL;
}

/* Make all calls that need a lock or a claim.  If one had to wait, the test would hang. */
static void nobody_waits(struct __test_metadata *_metadata, struct axv_vcpu *v,
			 struct axv_vcpu *unbound)
{
	struct axv_vm *vm = v->vm;
	struct axv_vcpu other;
	struct axv_clock clock = { .counter = 0 };
	__u64 value;

	ASSERT_EXIT(AXV_EXIT_HYPERCALL, v);
	ASSERT_EQ(0, reg_get(v, guest_ip_reg, &value));
	ASSERT_EQ(0, vcpu_bind(unbound));
	ASSERT_EQ(0, vcpu_unbind(unbound));
	ASSERT_EQ(0, vm_region(vm, 2, 0, GUEST_MEM + SIZE, PAGE, vm->ram));
	ASSERT_EQ(0, vm_region(vm, 2, 0, 0, 0, NULL));
	ASSERT_EQ(0, axv_ioctl(vm->fd, AXV_VM_SET_CLOCK, &clock));
	vcpu_new(vm, &other, 2);
	vcpu_free(&other);
}

static void wait_in(struct __test_metadata *_metadata, struct axv_vcpu *v, struct axv_vcpu *unbound,
		    struct waiter *w)
{
	pthread_t thread;
	unsigned long i;
	int uffd;

	must(!madvise(w->mem, SIZE, MADV_DONTNEED));
	uffd = uffd_new(w->mem, SIZE);
	must(!pthread_create(&thread, NULL, waiter_main, w));
	uffd_await(uffd, w->mem);
	nobody_waits(_metadata, v, unbound);
	for (i = 0; i < PAGES; i++)
		uffd_supply(uffd, (__u8 *)w->mem + i * PAGE, 1);
	must(!pthread_join(thread, NULL));
	close(uffd);
}

TEST_F(usermem, calls_of_a_vcpu)
{
	void *mem = mem_new(SIZE);
	struct axv_table table = { .kind = AXV_TABLE_REGS, .count = PAGE / 8, .entry_size = 8,
				   .entries = (unsigned long)mem };
	struct axv_regs regs = { .count = 1, .regs = (unsigned long)mem };
	struct axv_fpu fpu = { .size = axv_query(self->vm.dev, AXV_QUERY_FPU_SIZE),
			       .data = (unsigned long)mem };
	struct waiter w[] = {
		{ self->v.fd, AXV_GET_TABLE, &table, mem, 0 },
		{ self->v.fd, AXV_VCPU_GET_REGS, &regs, mem, 0 },
		{ self->v.fd, AXV_VCPU_SET_REGS, &regs, mem, 0 },
		{ self->v.fd, AXV_VCPU_GET_FPU, &fpu, mem, 0 },
		{ self->v.fd, AXV_VCPU_SET_FPU, &fpu, mem, 0 },
		{ self->v.fd, AXV_VCPU_GET_STATE, mem, mem, 0 },
		{ self->v.fd, AXV_VCPU_GET_STATS, mem, mem, 0 },
		{ self->v.fd, AXV_INJECT, mem, mem, 0 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(w) / sizeof(w[0]); i++) {
		wait_in(_metadata, &self->v, &self->unbound, &w[i]);
		EXPECT_TRUE(w[i].ret != -EFAULT && w[i].ret != -EBUSY) {
			TH_LOG("command %#lx: %d", w[i].cmd, w[i].ret);
		}
	}
	munmap(mem, SIZE);
}

TEST_F(usermem, calls_of_a_vm)
{
	void *mem = mem_new(SIZE);
	struct axv_dirty dirty = { .region = 1, .nr_pages = PAGES, .bitmap = (unsigned long)mem };
	struct axv_create_vcpu create = { .id = 3, .hw_id = 3, .favor_phys_cpu = -1,
					  .cpu_set_size = 8, .cpu_set = (unsigned long)mem };
	struct waiter get_dirty = { self->vm.fd, AXV_VM_GET_DIRTY, &dirty, mem, 0 };
	struct waiter new_vcpu = { self->vm.fd, AXV_VM_CREATE_VCPU, &create, mem, 0 };

	wait_in(_metadata, &self->v, &self->unbound, &get_dirty);
	EXPECT_EQ(0, get_dirty.ret);
	wait_in(_metadata, &self->v, &self->unbound, &new_vcpu);
	EXPECT_LT(0, new_vcpu.ret);
	close(new_vcpu.ret);
	munmap(mem, SIZE);
}

TEST_F(usermem, calls_with_a_table)
{
	const struct guest_table *table;
	void *mem = mem_new(SIZE);

	for (table = guest_tables; table->entry_size; table++) {
		struct axv_table t = { .kind = table->kind, .count = 1,
				       .entry_size = table->entry_size,
				       .entries = (unsigned long)mem };
		struct waiter w = { table->of_vm ? self->vm.fd : self->unbound.fd, AXV_SET_TABLE,
				    &t, mem, 0 };

		wait_in(_metadata, &self->v, &self->unbound, &w);
		EXPECT_TRUE(w.ret != -EFAULT && w.ret != -EBUSY) {
			TH_LOG("table %#x: %d", t.kind, w.ret);
		}
	}
	munmap(mem, SIZE);
}

/**
 * struct reader - a thread that reads a file of debugfs
 * @fd: the file
 * @mem: memory whose pages are missing, to read into
 * @got: how many bytes it read
 */
struct reader {
	int fd;
	void *mem;
	ssize_t got;
};

static void *reader_main(void *arg)
{
	struct reader *r = arg;

	r->got = read(r->fd, r->mem, PAGE);
	return NULL;
}

/* Close vCPU and VM while a reader waits.  If a close had to wait, the test would hang. */
static void close_beside_reader(struct __test_metadata *_metadata, const char *format,
				const char *text)
{
	struct reader r = { .mem = mem_new(SIZE) };
	pthread_t thread;
	struct axv_vcpu v;
	struct axv_vm vm;
	char path[64];
	int uffd;

	vm_new(&vm, 0);
	vcpu_ready(&vm, &v, 0);
	snprintf(path, sizeof(path), format, vm.id);
	r.fd = open(path, O_RDONLY);
	ASSERT_LE(0, r.fd) {
		TH_LOG("%s: %s", path, strerror(errno));
	}
	must(!madvise(r.mem, SIZE, MADV_DONTNEED));
	uffd = uffd_new(r.mem, SIZE);
	must(!pthread_create(&thread, NULL, reader_main, &r));
	uffd_await(uffd, r.mem);

	vcpu_free(&v);
	vm_free(&vm);
	EXPECT_EQ(-1, open(path, O_RDONLY));

	uffd_supply(uffd, r.mem, 0);
	must(!pthread_join(thread, NULL));
	EXPECT_LT((ssize_t)strlen(text), r.got);
	EXPECT_EQ(0, strncmp(text, r.mem, strlen(text))) {
		TH_LOG("%.80s", (char *)r.mem);
	}
	/* The open file can still be read, also from its beginning. */
	EXPECT_EQ(r.got, pread(r.fd, r.mem, PAGE, 0));
	EXPECT_EQ(0, read(r.fd, r.mem, PAGE));
	close(r.fd);
	close(uffd);
	munmap(r.mem, SIZE);
}

TEST(reads_of_debugfs)
{
	close_beside_reader(_metadata, "/sys/kernel/debug/axvcpu/%u/0/stats", "entries ");
	close_beside_reader(_metadata, "/sys/kernel/debug/axvcpu/%u/0/info", "vm:\t");
	close_beside_reader(_metadata, "/sys/kernel/debug/axvcpu/%u/info", "vm:\t");
}

TEST_HARNESS_MAIN
