// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of a VMM that ends suddenly, while its vCPU does various things; afterwards the
 * hardware must be free.
 */
#include "axv_harness.h"

/* Shared with the VMM that is killed, so that the test sees how far it has come. */
struct stage {
	atomic_int running;
};

enum doing { SPINNING, BLOCKED, FAULTING, IN_A_FAULT, KICKED, DOINGS };

FIXTURE(kill) {
	struct stage *stage;
	__u8 *ram;
};

FIXTURE_SETUP(kill)
{
	self->stage = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->stage);
	self->ram = mmap(NULL, GUEST_RAM_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)self->ram);
}

FIXTURE_TEARDOWN(kill)
{
	munmap(self->stage, PAGE);
	munmap(self->ram, GUEST_RAM_SIZE);
}

static void *drop_memory(void *mem)
{
	for (;;)
		madvise(mem, 256 * PAGE, MADV_DONTNEED);
	return NULL;
}

/* Start a thread whose vCPU does something, and wait until it does that. */
static void begin(struct axv_vm *vm, struct axv_vcpu *v, struct axv_runner *r, void *ram,
		  enum doing doing)
{
	volatile __u64 *counter = (__u64 *)((__u8 *)ram + GUEST_DATA);
	void *mem = mem_new(256 * PAGE);
	pthread_t t;
	int uffd;

	*counter = 0;
	vm_new_ram(vm, AXV_VM_HALT_IN_KERNEL, ram);
	vcpu_new(vm, v, 0);
	must(!guest_setup(v));
	must(!vm_region(vm, 1, 0, GUEST_MEM, 256 * PAGE, mem));
	switch (doing) {
	case BLOCKED:
		guest_start(v, GUEST_HALT, 0, 0, 0);
		runner_start(r, v, for_ever, NULL);
		vcpu_await_state(v, AXV_STATE_BLOCKED);
		break;
	case FAULTING:
		guest_start(v, GUEST_WRITE, GUEST_MEM, 256, 1);
		must(!pthread_create(&t, NULL, drop_memory, mem));
		runner_start(r, v, for_ever, NULL);
		while (r->runs < 3)
			sched_yield();
		break;
	case IN_A_FAULT:
		uffd = uffd_new(mem, 256 * PAGE);
		guest_start(v, GUEST_READ, GUEST_MEM, 1, 0);
		runner_start(r, v, for_ever, NULL);
		uffd_await(uffd, mem);
		break;
	default:
		guest_start(v, GUEST_SPIN, GUEST_DATA, 0, 0);
		runner_start(r, v, for_ever, NULL);
		await_progress(counter);
	}
}

/**
 * struct vmm - a VMM that ends while its vCPU's thread goes on
 * @stage: where the VMM notes that its vCPU runs
 * @ram: memory of its guest
 * @doing: what its vCPU does then
 * @end: ends the VMM, and returns its exit code; NULL: the VMM waits to be killed
 */
struct vmm {
	struct stage *stage;
	void *ram;
	enum doing doing;
	int (*end)(void);
};

static int vmm(void *arg)
{
	const struct vmm *t = arg;
	struct axv_runner r;
	struct axv_vcpu v;
	struct axv_vm vm;

	begin(&vm, &v, &r, t->ram, t->doing);
	t->stage->running = 1;
	if (t->end)
		return t->end();
	for (;;) {
		if (t->doing == KICKED)
			vcpu_kick(&v);
		else
			pause();
	}
}

static void kill_it(struct __test_metadata *_metadata, struct stage *stage, void *ram,
		    enum doing doing)
{
	struct vmm t = { .stage = stage, .ram = ram, .doing = doing };
	pid_t pid;

	stage->running = 0;
	pid = child_start(vmm, &t);
	while (!stage->running) {
		ASSERT_EQ(0, waitpid(pid, NULL, WNOHANG));
		sched_yield();
	}
	ASSERT_EQ(SIGKILL, child_kill(pid));
}

TEST_F(kill, fifty_times)
{
	unsigned long n = scaled(50), i;

	for (i = 0; i < n; i++) {
		kill_it(_metadata, self->stage, self->ram, i % DOINGS);
		a_new_vm_runs(_metadata);
	}
}

TEST_F(kill, while_its_vcpu_does_each_of_these)
{
	int doing;

	for (doing = 0; doing < DOINGS; doing++) {
		kill_it(_metadata, self->stage, self->ram, doing);
		a_new_vm_runs(_metadata);
	}
}

TEST_F(kill, memory_is_left_alone)
{
	volatile __u64 *counter = (__u64 *)(self->ram + GUEST_DATA);
	__u64 last;
	int i;

	/* The memory is the test's again: the guest must not write to it any more. */
	kill_it(_metadata, self->stage, self->ram, SPINNING);
	last = *counter;
	for (i = 0; i < 10; i++)
		a_new_vm_runs(_metadata);
	EXPECT_EQ(last, *counter);
}

static int exit_7(void)
{
	return 7;
}

TEST_F(kill, exit_beside_a_running_thread)
{
	struct vmm t = { .stage = self->stage, .ram = self->ram, .end = exit_7 };

	for (t.doing = 0; t.doing < DOINGS - 1; t.doing++) {
		EXPECT_EQ(7, WEXITSTATUS(child_status(child_start(vmm, &t))));
		a_new_vm_runs(_metadata);
	}
}

static int exec(void)
{
	execl("/proc/self/exe", "kill", "--after-exec", NULL);
	return 99;
}

TEST_F(kill, exec_beside_a_running_thread)
{
	struct vmm t = { .stage = self->stage, .ram = self->ram, .end = exec };

	for (t.doing = 0; t.doing < DOINGS - 1; t.doing++) {
		EXPECT_EQ(0, child_status(child_start(vmm, &t)));
		a_new_vm_runs(_metadata);
	}
}

/* After exec, the new program has no descriptor of the old one, and can create a VM. */
static int after_exec(void)
{
	struct axv_vm vm;
	struct axv_vcpu v;
	char path[32], to[64];
	int fd;

	for (fd = 3; fd < 64; fd++) {
		ssize_t n;

		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		n = readlink(path, to, sizeof(to) - 1);
		to[n < 0 ? 0 : n] = '\0';
		if (!strncmp(to, "anon_inode:", 11) || !strcmp(to, AXV_DEVICE))
			return 1;
	}
	vm_new(&vm, 0);
	vcpu_ready(&vm, &v, 0);
	guest_start(&v, GUEST_CALL, 0, 0, 0);
	return vcpu_run(&v) == AXV_EXIT_HYPERCALL ? 0 : 2;
}

static void __attribute__((constructor)) main_after_exec(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--after-exec"))
		_exit(after_exec());
}

TEST_F(kill, close_beside_a_running_thread)
{
	struct axv_runner r;
	struct axv_vcpu v;
	struct axv_vm vm;

	/* A run that has begun goes on, since it holds the open file; a signal ends it. */
	catch_signal(SIGUSR1);
	begin(&vm, &v, &r, self->ram, SPINNING);
	ASSERT_EQ(0, vcpu_kick(&v));
	runner_await(&r, AXV_EXIT_KICKED, 1);
	vcpu_await_state(&v, AXV_STATE_RUNNING);
	ASSERT_EQ(0, close(v.fd));
	ASSERT_EQ(0, close(vm.fd));
	ASSERT_EQ(0, pthread_kill(r.thread, SIGUSR1));
	runner_join(&r);
	/* The next run finds that the descriptor is closed. */
	EXPECT_EQ(-EBADF, r.error);
	a_new_vm_runs(_metadata);
}

TEST_F(kill, vm_closed_before_its_vcpu)
{
	struct axv_vm vm;
	struct axv_vcpu v;

	/* A vCPU keeps its VM alive. */
	vm_new(&vm, 0);
	vcpu_ready(&vm, &v, 0);
	ASSERT_EQ(0, close(vm.fd));
	ASSERT_EQ(0, close(vm.dev));
	guest_start(&v, GUEST_CALL, 0, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	vcpu_free(&v);
	a_new_vm_runs(_metadata);
}

TEST_F(kill, run_page_outlives_its_vcpu)
{
	struct axv_vm vm;
	struct axv_vcpu v;

	vm_new(&vm, 0);
	vcpu_ready(&vm, &v, 0);
	guest_start(&v, GUEST_CALL, 0x123, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	ASSERT_EQ(0, close(v.fd));
	EXPECT_EQ(0x123ull, v.run->exit.hypercall.nr);
	v.run->dirty = ~0u;
	a_new_vm_runs(_metadata);
	ASSERT_EQ(0, munmap(v.run, v.run_size));
	vm_free(&vm);
}

TEST_F(kill, run_page_unmapped_while_running)
{
	struct axv_runner r;
	struct axv_vcpu v;
	struct axv_vm vm;
	void *again;

	begin(&vm, &v, &r, self->ram, SPINNING);
	vcpu_await_state(&v, AXV_STATE_RUNNING);
	again = mmap(NULL, v.run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v.fd, AXV_MMAP_RUN);
	ASSERT_NE(MAP_FAILED, again);
	/* The run page has two mappings; one goes, and the kernel needs neither. */
	ASSERT_EQ(0, munmap(again, v.run_size));
	runner_stop(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_LE(1ul, r.exits[AXV_EXIT_KICKED]);
	vcpu_free(&v);
	vm_free(&vm);
	self->ram = mmap(NULL, GUEST_RAM_SIZE, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

TEST_HARNESS_MAIN
