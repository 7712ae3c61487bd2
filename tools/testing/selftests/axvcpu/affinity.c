// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of vCPUs and physical CPUs: CPU sets, migration, and CPUs that go offline.  The
 * fixtures "two" and "hotplug" need a second CPU; on a machine with one CPU their tests
 * are not in the plan.
 */
#include "axv_harness.h"

FIXTURE(one) {
	struct axv_vm vm;
};

FIXTURE_SETUP(one)
{
	vm_new(&self->vm, AXV_VM_HALT_IN_KERNEL);
}

FIXTURE_TEARDOWN(one)
{
	vm_free(&self->vm);
}

static void only(cpu_set_t *set, int cpu)
{
	CPU_ZERO(set);
	CPU_SET(cpu, set);
}

TEST_F(one, without_a_set)
{
	struct axv_vcpu v;

	vcpu_ready(&self->vm, &v, 0);
	EXPECT_EQ(0u, vcpu_info(&v).flags & AXV_STATE_CPU_SET);
	guest_start(&v, GUEST_CALL, 0, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	vcpu_free(&v);
}

TEST_F(one, an_empty_set_means_any_cpu)
{
	struct axv_vcpu v;
	cpu_set_t set;

	CPU_ZERO(&set);
	vcpu_new_on(&self->vm, &v, 0, &set);
	EXPECT_EQ(0u, vcpu_info(&v).flags & AXV_STATE_CPU_SET);
	ASSERT_EQ(0, guest_setup(&v));
	ASSERT_EQ(0, vcpu_bind(&v));
	guest_start(&v, GUEST_CALL, 0, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	vcpu_free(&v);
}

TEST_F(one, bound_to_the_cpu_of_its_set)
{
	struct axv_vcpu v;
	cpu_set_t set;

	only(&set, 0);
	vcpu_new_on(&self->vm, &v, 0, &set);
	EXPECT_NE(0u, vcpu_info(&v).flags & AXV_STATE_CPU_SET);
	ASSERT_EQ(0, guest_setup(&v));
	pin_to(0);
	ASSERT_EQ(0, vcpu_bind(&v));
	guest_start(&v, GUEST_CALL, 0, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	EXPECT_EQ(0, vcpu_info(&v).cpu);
	vcpu_free(&v);
}

TEST_F(one, a_set_of_any_size)
{
	/* One byte, and more CPUs than any kernel has. */
	static const __u32 sizes[] = { 1, 8, 13, 128, 512, 1024 };
	__u8 mask[1024] = { 1 };
	unsigned int i;

	pin_to(0);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct axv_create_vcpu c = {
			.favor_phys_cpu = -1,
			.cpu_set_size = sizes[i],
			.cpu_set = (unsigned long)mask,
		};
		struct axv_vcpu v = { .vm = &self->vm };

		v.fd = axv_ioctl(self->vm.fd, AXV_VM_CREATE_VCPU, &c);
		ASSERT_LE(0, v.fd) TH_LOG("%u bytes", sizes[i]);
		EXPECT_NE(0u, vcpu_info(&v).flags & AXV_STATE_CPU_SET);
		ASSERT_EQ(0, guest_setup(&v));
		EXPECT_EQ(0, vcpu_bind(&v));
		close(v.fd);
	}
}

TEST_F(one, a_set_with_no_cpu_that_is_there)
{
	struct axv_vcpu v = { .vm = &self->vm };
	cpu_set_t set;
	struct axv_create_vcpu c = {
		.favor_phys_cpu = -1,
		.cpu_set_size = sizeof(set),
		.cpu_set = (unsigned long)&set,
	};

	/*
	 * The kernel refuses the set at once, or no CPU can bind the vCPU; the set must not mean
	 * "any CPU".
	 */
	only(&set, CPU_SETSIZE - 1);
	v.fd = axv_ioctl(self->vm.fd, AXV_VM_CREATE_VCPU, &c);
	if (v.fd < 0) {
		EXPECT_EQ(-EINVAL, v.fd);
		return;
	}
	ASSERT_EQ(0, guest_setup(&v));
	EXPECT_EQ(-EXDEV, vcpu_bind(&v));
	EXPECT_EQ(AXV_STATE_FREE, vcpu_state(&v));
	EXPECT_EQ(0u, vcpu_info(&v).owner);
	close(v.fd);
}

TEST_F(one, changes_no_affinity_of_the_thread)
{
	cpu_set_t before, after, set;
	struct axv_vcpu v;

	only(&set, 0);
	vcpu_new_on(&self->vm, &v, 0, &set);
	ASSERT_EQ(0, guest_setup(&v));
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(before), &before));
	guest_start(&v, GUEST_CALL, 0, 0, 0);
	if (!vcpu_bind(&v)) {
		int ret = vcpu_run(&v);

		EXPECT_TRUE(ret == AXV_EXIT_HYPERCALL || ret == AXV_EXIT_WRONG_CPU);
	}
	ASSERT_EQ(0, sched_getaffinity(0, sizeof(after), &after));
	EXPECT_TRUE(CPU_EQUAL(&before, &after));
	vcpu_free(&v);
}

TEST_F(one, vcpus_take_turns_on_a_cpu)
{
	struct axv_vcpu v[3];
	unsigned long n = scaled(100), i;
	unsigned int k;

	/* All vCPUs are bound to one CPU and run there in turn; none may lose its state. */
	pin_to(0);
	for (k = 0; k < ARRAY_SIZE(v); k++) {
		vcpu_ready(&self->vm, &v[k], k);
		guest_start(&v[k], GUEST_CALL, 100 + k, 0, 0);
	}
	for (i = 1; i <= n; i++) {
		for (k = 0; k < ARRAY_SIZE(v); k++) {
			ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v[k]);
			ASSERT_EQ(100ull + k, v[k].run->exit.hypercall.nr);
			ASSERT_EQ((__u64)i, v[k].run->exit.hypercall.args[0]);
		}
	}
	EXPECT_EQ(1ull, vcpu_stats(&v[0]).loads);
	for (k = 0; k < ARRAY_SIZE(v); k++)
		vcpu_free(&v[k]);
}

/* ---- two CPUs ---- */

FIXTURE(two) {
	struct axv_vm vm;
	int other;
};

FIXTURE_SETUP(two)
{
	self->other = second_cpu();
	ASSERT_LT(0, self->other);
	vm_new(&self->vm, AXV_VM_HALT_IN_KERNEL);
}

FIXTURE_TEARDOWN(two)
{
	vm_free(&self->vm);
}

TEST_F(two, bind_outside_the_set)
{
	struct axv_vcpu v;
	cpu_set_t set;

	only(&set, 0);
	vcpu_new_on(&self->vm, &v, 0, &set);
	ASSERT_EQ(0, guest_setup(&v));
	pin_to(self->other);
	EXPECT_EQ(-EXDEV, vcpu_bind(&v));
	EXPECT_EQ(AXV_STATE_FREE, vcpu_state(&v));
	EXPECT_EQ(0u, vcpu_info(&v).owner);
	pin_to(0);
	EXPECT_EQ(0, vcpu_bind(&v));
	vcpu_free(&v);
}

TEST_F(two, run_outside_the_set)
{
	struct axv_vcpu v;
	cpu_set_t set;

	only(&set, 0);
	vcpu_new_on(&self->vm, &v, 0, &set);
	ASSERT_EQ(0, guest_setup(&v));
	pin_to(0);
	ASSERT_EQ(0, vcpu_bind(&v));
	guest_start(&v, GUEST_CALL, 0, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	pin_to(self->other);
	ASSERT_EXIT(AXV_EXIT_WRONG_CPU, &v);
	EXPECT_EQ((__u32)self->other, v.run->exit.wrong_cpu.cpu);
	EXPECT_EQ(AXV_STATE_READY, vcpu_state(&v));
	EXPECT_EQ((__u32)axv_gettid(), vcpu_info(&v).owner);
	pin_to(0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	EXPECT_EQ(2ull, v.run->exit.hypercall.args[0]);
	vcpu_free(&v);
}

TEST_F(two, wrong_cpu_keeps_a_kick)
{
	struct axv_vcpu v;
	cpu_set_t set;

	only(&set, 0);
	vcpu_new_on(&self->vm, &v, 0, &set);
	ASSERT_EQ(0, guest_setup(&v));
	pin_to(0);
	ASSERT_EQ(0, vcpu_bind(&v));
	guest_start(&v, GUEST_CALL, 0, 0, 0);
	ASSERT_EQ(0, vcpu_kick(&v));
	pin_to(self->other);
	/* There have to be two exits, Kicked and Wrong CPU, in any order. */
	if (vcpu_run(&v) == AXV_EXIT_KICKED) {
		ASSERT_EXIT(AXV_EXIT_WRONG_CPU, &v);
	} else {
		EXPECT_EQ(AXV_EXIT_WRONG_CPU, v.run->exit_reason);
		pin_to(0);
		ASSERT_EXIT(AXV_EXIT_KICKED, &v);
	}
	vcpu_free(&v);
}

TEST_F(two, favour_is_advice)
{
	struct axv_create_vcpu c = { .favor_phys_cpu = self->other };
	struct axv_vcpu v = { .vm = &self->vm };

	v.fd = axv_ioctl(self->vm.fd, AXV_VM_CREATE_VCPU, &c);
	ASSERT_LE(0, v.fd);
	EXPECT_EQ(self->other, vcpu_info(&v).favor_phys_cpu);
	ASSERT_EQ(0, guest_setup(&v));
	pin_to(0);
	EXPECT_EQ(0, vcpu_bind(&v));
	close(v.fd);
}

TEST_F(two, migrates_between_runs)
{
	unsigned long n = scaled(200), i;
	struct axv_vcpu v;

	vcpu_ready(&self->vm, &v, 0);
	guest_start(&v, GUEST_CALL, 0, 0, 0);
	for (i = 1; i <= n; i++) {
		int cpu = i % 2 ? self->other : 0;

		pin_to(cpu);
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
		ASSERT_EQ((__u64)i, v.run->exit.hypercall.args[0]);
		ASSERT_EQ(cpu, vcpu_info(&v).cpu);
	}
	/* One load for each change of CPU, and perhaps one for the bind. */
	EXPECT_LE(n - 1, vcpu_stats(&v).loads);
	EXPECT_GE(n + 1, vcpu_stats(&v).loads);
	vcpu_free(&v);
}

TEST_F(two, memory_changes_between_migrations)
{
	unsigned long n = scaled(100), i;
	volatile __u64 *mem = mem_new(PAGE);
	struct axv_vcpu v;

	/* When the vCPU comes back to a CPU, a translation kept there would be stale. */
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_MEM, PAGE, (void *)mem));
	vcpu_ready(&self->vm, &v, 0);
	for (i = 1; i <= n; i++) {
		pin_to(i % 2 ? self->other : 0);
		guest_start(&v, GUEST_READ, GUEST_MEM, 1, 0);
		*mem = i;
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
		ASSERT_EQ((__u64)i, v.run->exit.hypercall.args[0]);
		ASSERT_EQ(0, madvise((void *)mem, PAGE, MADV_DONTNEED));
	}
	vcpu_free(&v);
}

static void send_to(struct axv_runner *r, int cpu)
{
	cpu_set_t set;

	only(&set, cpu);
	must(!sched_setaffinity(r->tid, sizeof(set), &set));
}

TEST_F(two, migrates_while_running)
{
	unsigned long n = scaled(100), i;
	volatile __u64 *counter = (__u64 *)(self->vm.ram + GUEST_DATA);
	struct axv_runner r;
	struct axv_vcpu v;
	__u64 last = 0;

	vcpu_new(&self->vm, &v, 0);
	ASSERT_EQ(0, guest_setup(&v));
	guest_start(&v, GUEST_SPIN, GUEST_DATA, 0, 0);
	runner_start(&r, &v, until_kicked, NULL);
	for (i = 0; i < n; i++) {
		await_progress(counter);
		send_to(&r, i % 2 ? 0 : self->other);
		await_progress(counter);
		ASSERT_LT(last, *counter);
		last = *counter;
	}
	runner_stop(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(0ul, r.exits[AXV_EXIT_WRONG_CPU]);
	vcpu_free(&v);
}

static int until_wrong_cpu(struct axv_runner *r)
{
	return r->vcpu->run->exit_reason == AXV_EXIT_WRONG_CPU;
}

TEST_F(two, driven_out_of_its_set)
{
	volatile __u64 *counter = (__u64 *)(self->vm.ram + GUEST_DATA);
	struct axv_runner r;
	struct axv_vcpu v;
	cpu_set_t set;

	only(&set, 0);
	vcpu_new_on(&self->vm, &v, 0, &set);
	ASSERT_EQ(0, guest_setup(&v));
	guest_start(&v, GUEST_SPIN, GUEST_DATA, 0, 0);
	pin_to(0);		/* inherited by the runner */
	runner_start(&r, &v, until_wrong_cpu, NULL);
	await_progress(counter);
	send_to(&r, self->other);
	runner_join(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(1ul, r.exits[AXV_EXIT_WRONG_CPU]);
	EXPECT_EQ((__u32)self->other, v.run->exit.wrong_cpu.cpu);
	vcpu_free(&v);
}

TEST_F(two, both_cpus_at_once)
{
	volatile __u64 *counter = (__u64 *)(self->vm.ram + GUEST_DATA);
	struct axv_runner r[2];
	struct axv_vcpu v[2];
	int i;

	for (i = 0; i < 2; i++) {
		vcpu_new(&self->vm, &v[i], i);
		ASSERT_EQ(0, guest_setup(&v[i]));
		guest_start(&v[i], GUEST_SPIN, GUEST_DATA + i * PAGE, 0, 0);
		runner_start(&r[i], &v[i], until_kicked, NULL);
	}
	for (i = 0; i < 2; i++) {
		while (!r[i].tid)
			sched_yield();
		send_to(&r[i], i ? self->other : 0);
	}
	for (i = 0; i < 20; i++) {
		await_progress(counter);
		await_progress(counter + PAGE / sizeof(*counter));
	}
	for (i = 0; i < 2; i++) {
		runner_stop(&r[i]);
		EXPECT_EQ(0, r[i].error);
		vcpu_free(&v[i]);
	}
}

/* ---- CPUs that go away ---- */

FIXTURE(hotplug) {
	struct axv_vm vm;
	char online[80];
	int other;
};

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY), ret;

	must(fd >= 0);
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

FIXTURE_SETUP(hotplug)
{
	self->other = second_cpu();
	ASSERT_LT(0, self->other);
	snprintf(self->online, sizeof(self->online),
		 "/sys/devices/system/cpu/cpu%d/online", self->other);
	vm_new(&self->vm, AXV_VM_HALT_IN_KERNEL);
}

FIXTURE_TEARDOWN(hotplug)
{
	/* Even if the test failed, the CPU has to be online again. */
	write_file(self->online, "1");
	vm_free(&self->vm);
}

TEST_F(hotplug, while_running)
{
	volatile __u64 *counter = (__u64 *)(self->vm.ram + GUEST_DATA);
	unsigned long n = scaled(3), i;
	struct axv_runner r;
	struct axv_vcpu v;

	vcpu_new(&self->vm, &v, 0);
	ASSERT_EQ(0, guest_setup(&v));
	guest_start(&v, GUEST_SPIN, GUEST_DATA, 0, 0);
	runner_start(&r, &v, until_kicked, NULL);
	for (i = 0; i < n; i++) {
		await_progress(counter);
		send_to(&r, self->other);
		await_progress(counter);
		/* The vCPU has no CPU set, so its thread moves to another CPU and goes on. */
		ASSERT_EQ(0, write_file(self->online, "0"));
		await_progress(counter);
		ASSERT_EQ(0, write_file(self->online, "1"));
		await_progress(counter);
	}
	runner_stop(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(0ul, r.exits[AXV_EXIT_WRONG_CPU]);
	EXPECT_EQ(0ul, r.exits[AXV_EXIT_FAIL_ENTRY]);
	vcpu_free(&v);
}

TEST_F(hotplug, while_running_with_a_set)
{
	volatile __u64 *counter = (__u64 *)(self->vm.ram + GUEST_DATA);
	struct axv_runner r;
	struct axv_vcpu v;
	cpu_set_t set;

	only(&set, self->other);
	vcpu_new_on(&self->vm, &v, 0, &set);
	ASSERT_EQ(0, guest_setup(&v));
	guest_start(&v, GUEST_SPIN, GUEST_DATA, 0, 0);
	pin_to(self->other);
	runner_start(&r, &v, until_wrong_cpu, NULL);
	await_progress(counter);
	ASSERT_EQ(0, write_file(self->online, "0"));
	runner_join(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(1ul, r.exits[AXV_EXIT_WRONG_CPU]);
	vcpu_free(&v);
}

TEST_F(hotplug, while_bound)
{
	struct axv_vcpu v;

	pin_to(self->other);
	vcpu_ready(&self->vm, &v, 0);
	guest_start(&v, GUEST_CALL, 0, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	EXPECT_EQ(self->other, vcpu_info(&v).cpu);
	pin_to(0);
	ASSERT_EQ(0, write_file(self->online, "0"));
	EXPECT_EQ(AXV_STATE_READY, vcpu_state(&v));
	EXPECT_NE(self->other, vcpu_info(&v).cpu);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	EXPECT_EQ(2ull, v.run->exit.hypercall.args[0]);
	ASSERT_EQ(0, write_file(self->online, "1"));
	pin_to(self->other);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	EXPECT_EQ(3ull, v.run->exit.hypercall.args[0]);
	vcpu_free(&v);
}

TEST_F(hotplug, a_cpu_that_comes_while_a_vm_lives)
{
	struct axv_vm vm;
	struct axv_vcpu v;

	/* A CPU that comes online while there is a VM has to switch its hardware on. */
	ASSERT_EQ(0, write_file(self->online, "0"));
	vm_new(&vm, 0);
	ASSERT_EQ(0, write_file(self->online, "1"));
	pin_to(self->other);
	vcpu_ready(&vm, &v, 0);
	guest_start(&v, GUEST_CALL, 0, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	vcpu_free(&v);
	vm_free(&vm);
}

static void __attribute__((constructor)) plan_for_one_cpu(void)
{
	/* Runs after the constructors that put the tests above into the fixtures' lists. */
	if (cpus_online() > 1)
		return;
	_two_fixture_object.tests = NULL;
	_hotplug_fixture_object.tests = NULL;
}

TEST_HARNESS_MAIN
