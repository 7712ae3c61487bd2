// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the lifecycle of a vCPU: every operation from every state, with the state
 * afterwards; and which threads may call it.
 */
#include "axv_harness.h"

enum op { OP_SETUP, OP_BIND, OP_UNBIND, OP_RUN, OP_RESET, OPS };

#define INVALID	AXV_STATE_INVALID
#define CREATED	AXV_STATE_CREATED
#define FREE	AXV_STATE_FREE
#define READY	AXV_STATE_READY
#define STATES	4	/* states of a vCPU at rest */

/* The result of each operation by the owner, and the state afterwards. */
static const struct {
	int ret;
	int state;
} matrix[STATES][OPS] = {
	[INVALID] = {
		[OP_SETUP] = { -EBADFD, INVALID },
		[OP_BIND] = { -EBADFD, INVALID },
		[OP_UNBIND] = { -EBADFD, INVALID },
		[OP_RUN] = { -EBADFD, INVALID },
		[OP_RESET] = { 0, CREATED },
	},
	[CREATED] = {
		[OP_SETUP] = { 0, FREE },
		[OP_BIND] = { -EBADFD, INVALID },
		[OP_UNBIND] = { -EBADFD, INVALID },
		[OP_RUN] = { -EBADFD, INVALID },
		[OP_RESET] = { 0, CREATED },
	},
	[FREE] = {
		[OP_SETUP] = { -EBADFD, INVALID },
		[OP_BIND] = { 0, READY },
		[OP_UNBIND] = { -EBADFD, INVALID },
		[OP_RUN] = { -EBADFD, INVALID },
		[OP_RESET] = { 0, CREATED },
	},
	[READY] = {
		[OP_SETUP] = { -EBADFD, INVALID },
		[OP_BIND] = { -EBADFD, INVALID },
		[OP_UNBIND] = { 0, FREE },
		[OP_RUN] = { 0, READY },
		[OP_RESET] = { 0, CREATED },
	},
};

static int operate(struct axv_vcpu *v, enum op op)
{
	switch (op) {
	case OP_SETUP:
		return guest_setup(v);
	case OP_BIND:
		return vcpu_bind(v);
	case OP_UNBIND:
		return vcpu_unbind(v);
	case OP_RUN:
		return axv_ioctl(v->fd, AXV_VCPU_RUN, NULL);
	default:
		return vcpu_reset(v);
	}
}

/* Bring a vCPU from Created to another state of rest. */
static void advance(struct axv_vcpu *v, int state)
{
	must(vcpu_state(v) == CREATED);
	if (state == INVALID)
		must(vcpu_unbind(v) == -EBADFD);
	if (state == FREE || state == READY)
		must(!guest_setup(v));
	if (state == READY)
		must(!vcpu_bind(v));
	must(vcpu_state(v) == state);
	guest_start(v, GUEST_CALL, 0, 0, 0);
}

FIXTURE_ONE_VCPU(lifecycle)
{
	vm_new(&self->vm, AXV_VM_HALT_IN_KERNEL);
	vcpu_new(&self->vm, &self->v, 0);
}

TEST_F(lifecycle, created)
{
	struct axv_state s = vcpu_info(&self->v);

	EXPECT_EQ(AXV_STATE_CREATED, s.state);
	EXPECT_EQ(0u, s.vcpu_id);
	EXPECT_EQ(self->vm.id, s.vm_id);
	EXPECT_EQ(0u, s.owner);
	EXPECT_EQ(-1, s.cpu);
	EXPECT_EQ(-1, s.favor_phys_cpu);
	EXPECT_EQ(AXV_STATE_BSP, s.flags);
	EXPECT_EQ(0u, s.pad);
	EXPECT_EQ(AXV_EXIT_NONE, self->v.run->exit_reason);
}

TEST_F(lifecycle, identity)
{
	cpu_set_t set;
	struct axv_create_vcpu c = {
		.id = 3,
		.hw_id = 0x77,
		.favor_phys_cpu = 0,
		.cpu_set_size = sizeof(set),
		.cpu_set = (unsigned long)&set,
	};
	struct axv_vcpu v = { .vm = &self->vm };
	struct axv_vm other;
	struct axv_state s;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	v.fd = axv_ioctl(self->vm.fd, AXV_VM_CREATE_VCPU, &c);
	ASSERT_LE(0, v.fd);
	s = vcpu_info(&v);
	EXPECT_EQ(3u, s.vcpu_id);
	EXPECT_EQ(self->vm.id, s.vm_id);
	EXPECT_EQ(0x77ull, s.hw_id);
	EXPECT_EQ(0, s.favor_phys_cpu);
	EXPECT_EQ(AXV_STATE_CPU_SET, s.flags);

	/* An id is in use as long as its vCPU lives; each VM has its own ids. */
	EXPECT_EQ(-EEXIST, axv_ioctl(self->vm.fd, AXV_VM_CREATE_VCPU, &c));
	close(v.fd);
	v.fd = axv_ioctl(self->vm.fd, AXV_VM_CREATE_VCPU, &c);
	EXPECT_LE(0, v.fd);
	close(v.fd);

	vm_new(&other, 0);
	EXPECT_NE(self->vm.id, other.id);
	vm_free(&other);
}

TEST_F(lifecycle, every_operation_from_every_state)
{
	int state, op;

	for (state = 0; state < STATES; state++) {
		for (op = 0; op < OPS; op++) {
			int ret;

			ASSERT_EQ(0, vcpu_reset(&self->v));
			advance(&self->v, state);
			do {
				ret = operate(&self->v, op);
			} while (op == OP_RUN && !ret &&
				 self->v.run->exit_reason == AXV_EXIT_NOTHING);
			EXPECT_EQ(matrix[state][op].ret, ret) {
				TH_LOG("operation %d from state %d", op, state);
			}
			EXPECT_EQ(matrix[state][op].state, vcpu_state(&self->v)) {
				TH_LOG("after operation %d from state %d", op, state);
			}
		}
	}
}

TEST_F(lifecycle, runs_after_every_poisoning)
{
	int state, op;

	/* A reset makes an Invalid vCPU usable again, and leaves nothing of the error. */
	for (state = 0; state < STATES; state++) {
		for (op = 0; op < OPS; op++) {
			if (matrix[state][op].state != INVALID)
				continue;
			ASSERT_EQ(0, vcpu_reset(&self->v));
			advance(&self->v, state);
			ASSERT_EQ(-EBADFD, operate(&self->v, op));
			EXPECT_EQ(0u, vcpu_info(&self->v).owner);
			EXPECT_EQ(-1, vcpu_info(&self->v).cpu);
			ASSERT_EQ(0, vcpu_reset(&self->v));
			advance(&self->v, READY);
			ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
		}
	}
}

TEST_F(lifecycle, bad_arguments_change_nothing)
{
	struct axv_setup bad_flags = { .flags = 1u << 31 };
	struct axv_setup bad_mode = { .mode = 0x7777 };
	struct axv_bind bad_bind = { .flags = 1u << 31 };
	int state;

	/* Arguments are checked before the transition begins, even in a wrong state. */
	for (state = 0; state < STATES; state++) {
		ASSERT_EQ(0, vcpu_reset(&self->v));
		advance(&self->v, state);
		EXPECT_EQ(-EINVAL, axv_ioctl(self->v.fd, AXV_VCPU_SETUP, &bad_flags));
		EXPECT_EQ(-EINVAL, axv_ioctl(self->v.fd, AXV_VCPU_SETUP, &bad_mode));
		EXPECT_EQ(-EFAULT, axv_ioctl(self->v.fd, AXV_VCPU_SETUP, NULL));
		EXPECT_EQ(-EINVAL, axv_ioctl(self->v.fd, AXV_VCPU_BIND, &bad_bind));
		EXPECT_EQ(-EFAULT, axv_ioctl(self->v.fd, AXV_VCPU_BIND, NULL));
		EXPECT_EQ(state, vcpu_state(&self->v));
	}
}

TEST_F(lifecycle, legal_in_every_state)
{
	__u64 value;
	int state;

	for (state = 0; state < STATES; state++) {
		ASSERT_EQ(0, vcpu_reset(&self->v));
		advance(&self->v, state);
		vcpu_stats(&self->v);
		EXPECT_EQ(0, vcpu_kick(&self->v));
		EXPECT_EQ(0, reg_get(&self->v, guest_ip_reg, &value));
		EXPECT_EQ(state == INVALID ? -EBADFD : 0,
			  guest_inject(&self->v, GUEST_INTERRUPT));
		EXPECT_EQ(state == FREE || state == READY ? 0 : -EBADFD,
			  reg_set(&self->v, guest_ip_reg, value));
		EXPECT_EQ(state == FREE || state == READY ? 0 : -EBADFD,
			  axv_ioctl(self->v.fd, AXV_VCPU_SYNC, NULL));
		EXPECT_EQ(state, vcpu_state(&self->v));
	}
}

TEST_F(lifecycle, owner_and_cpu)
{
	struct axv_state s;

	pin_to(0);
	advance(&self->v, FREE);
	EXPECT_EQ(0u, vcpu_info(&self->v).owner);
	ASSERT_EQ(0, vcpu_bind(&self->v));
	EXPECT_EQ((__u32)axv_gettid(), vcpu_info(&self->v).owner);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(AXV_STATE_READY, self->v.run->state);
	EXPECT_EQ(0, vcpu_info(&self->v).cpu);
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	s = vcpu_info(&self->v);
	EXPECT_EQ(0u, s.owner);
	EXPECT_EQ(-1, s.cpu);
	/* The next owner finds the registers of the previous one. */
	ASSERT_EQ(0, vcpu_bind(&self->v));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(2ull, self->v.run->exit.hypercall.args[0]);
}

TEST_F(lifecycle, reset_clears)
{
	__u64 ip, value;

	/* A reset clears registers, injections and kicks, but not the vCPU's ids. */
	advance(&self->v, FREE);
	ASSERT_EQ(0, reg_get(&self->v, guest_ip_reg, &ip));
	ASSERT_EQ(0, vcpu_bind(&self->v));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	ASSERT_EQ(0, reg_get(&self->v, guest_ip_reg, &value));
	EXPECT_NE(ip, value);
	ASSERT_EQ(0, guest_inject(&self->v, GUEST_INTERRUPT));
	ASSERT_EQ(0, guest_inject(&self->v, GUEST_URGENT));
	ASSERT_EQ(0, vcpu_kick(&self->v));
	EXPECT_EQ(AXV_STATE_BSP | AXV_STATE_KICKED, vcpu_info(&self->v).flags);
	ASSERT_EQ(0, vcpu_reset(&self->v));
	EXPECT_EQ(AXV_STATE_BSP, vcpu_info(&self->v).flags);
	EXPECT_EQ(0u, vcpu_info(&self->v).owner);
	ASSERT_EQ(0, guest_setup(&self->v));
	ASSERT_EQ(0, reg_get(&self->v, guest_ip_reg, &value));
	EXPECT_EQ(ip, value);
	ASSERT_EQ(0, vcpu_bind(&self->v));
	/* If events were left, they would be delivered now. */
	guest_start(&self->v, GUEST_CALL, 9, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0ull, vcpu_stats(&self->v).injections);
	EXPECT_EQ(1ull, self->v.run->exit.hypercall.args[0]);
}

TEST_F(lifecycle, reset_drops_a_pending_access)
{
	advance(&self->v, READY);
	guest_start(&self->v, GUEST_READ, GUEST_HOLE, 1, 0);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	self->v.run->exit.mmio.data = 0x1234;
	ASSERT_EQ(0, vcpu_reset(&self->v));
	advance(&self->v, READY);
	guest_start(&self->v, GUEST_READ, GUEST_HOLE, 1, 0);
	ASSERT_EXIT(AXV_EXIT_MMIO_READ, &self->v);
	self->v.run->exit.mmio.data = 0x5678;
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x5678ull, self->v.run->exit.hypercall.args[0]);
}

/* ---- another thread ---- */

struct job {
	struct axv_vcpu *v;
	int ret[OPS + 1];
	pthread_barrier_t barrier;
};

static void *operate_all(void *arg)
{
	struct job *j = arg;
	int op;

	for (op = 0; op < OPS; op++)
		j->ret[op] = operate(j->v, op);
	return NULL;
}

TEST_F(lifecycle, eperm_for_another_thread)
{
	struct job j = { .v = &self->v };
	struct axv_state before, after;
	__u64 value;
	int op;

	advance(&self->v, READY);
	before = vcpu_info(&self->v);
	in_thread(operate_all, &j);
	for (op = 0; op < OPS; op++) {
		EXPECT_EQ(-EPERM, j.ret[op]) {
			TH_LOG("operation %d", op);
		}
	}
	after = vcpu_info(&self->v);
	EXPECT_EQ(before.state, after.state);
	EXPECT_EQ(before.owner, after.owner);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	ASSERT_EQ(0, reg_get(&self->v, guest_ip_reg, &value));
}

static void *try_registers(void *arg)
{
	struct job *j = arg;
	__u64 value;

	/* Any thread may read a vCPU at rest; only its owner may write. */
	j->ret[0] = reg_get(j->v, guest_ip_reg, &value);
	j->ret[1] = reg_set(j->v, guest_ip_reg, value);
	j->ret[2] = vcpu_kick(j->v);
	j->ret[3] = guest_inject(j->v, GUEST_INTERRUPT);
	j->ret[4] = vcpu_state(j->v);
	j->ret[5] = axv_ioctl(j->v->fd, AXV_VCPU_SYNC, NULL);
	return NULL;
}

TEST_F(lifecycle, registers_and_another_thread)
{
	struct job j = { .v = &self->v };

	advance(&self->v, READY);
	in_thread(try_registers, &j);
	EXPECT_EQ(0, j.ret[0]);
	EXPECT_EQ(-EPERM, j.ret[1]);
	EXPECT_EQ(0, j.ret[2]);
	EXPECT_EQ(0, j.ret[3]);
	EXPECT_EQ(AXV_STATE_READY, j.ret[4]);
	EXPECT_EQ(-EPERM, j.ret[5]);

	ASSERT_EQ(0, vcpu_unbind(&self->v));
	in_thread(try_registers, &j);
	EXPECT_EQ(0, j.ret[1]);
	EXPECT_EQ(0, j.ret[5]);
}

struct stranger {
	struct axv_vcpu *v;
	unsigned long rounds;
	atomic_bool done;
	int unexpected;
};

/* -EBUSY if the owner works on the vCPU just now, which is checked first, otherwise -EPERM. */
static void be_refused(struct stranger *s, int ret)
{
	if (ret != -EPERM && ret != -EBUSY)
		s->unexpected = ret;
}

static void *change_all(void *arg)
{
	static __u8 data[16384];
	struct stranger *s = arg;
	int fd = s->v->fd, op;
	struct axv_reg reg = { .id = guest_ip_reg };
	struct axv_regs regs = { .count = 1, .regs = (unsigned long)&reg };
	struct axv_fpu fpu = {
		.size = axv_query(s->v->vm->dev, AXV_QUERY_FPU_SIZE),
		.data = (unsigned long)data,
	};

	must(fpu.size <= sizeof(data));
	while (s->rounds--) {
		for (op = 0; op < OPS; op++)
			be_refused(s, operate(s->v, op));
		be_refused(s, axv_ioctl(fd, AXV_VCPU_SYNC, NULL));
		be_refused(s, axv_ioctl(fd, AXV_VCPU_SET_REGS, &regs));
		be_refused(s, axv_ioctl(fd, AXV_VCPU_SET_FPU, &fpu));
#ifdef __x86_64__
		struct axv_table table = {
			.kind = AXV_TABLE_X86_CPUID,
			.entry_size = sizeof(struct axv_x86_cpuid),
		};

		be_refused(s, axv_ioctl(fd, AXV_SET_TABLE, &table));
#endif
	}
	atomic_store(&s->done, true);
	return NULL;
}

typedef FIXTURE_DATA(lifecycle) lifecycle_fixture;

/* Check that the owner's commands @cmd are never refused while another thread does @others. */
static void never_busy(struct __test_metadata *_metadata, lifecycle_fixture *self,
		       void *(*others)(void *arg), unsigned long cmd)
{
	struct stranger s = { .v = &self->v, .rounds = scaled(2000) };
	unsigned long busy = 0;
	pthread_t t;

	advance(&self->v, READY);
	ASSERT_EQ(0, pthread_create(&t, NULL, others, &s));
	while (!atomic_load(&s.done)) {
		int ret = axv_ioctl(self->v.fd, cmd, NULL);

		busy += ret == -EBUSY;
		if (ret != -EBUSY)
			EXPECT_EQ(0, ret);
	}
	EXPECT_EQ(0ul, busy);
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_EQ(0, s.unexpected);
}

/* A call that another thread may not make must not make the owner's calls fail. */
TEST_F(lifecycle, no_stranger_makes_the_owner_busy)
{
	never_busy(_metadata, self, change_all, AXV_VCPU_SYNC);
}

static void may_read(struct stranger *s, int ret)
{
	if (ret && ret != -EBUSY)
		s->unexpected = ret;
}

/* Read all that can be read; of registers more than the kernel reads in one go. */
static void *read_all(void *arg)
{
	static __u8 data[16384];
	static __u64 ids[1024];
	static struct axv_reg regs[1024];
	struct stranger *s = arg;
	int fd = s->v->fd;
	struct axv_table table = {
		.kind = AXV_TABLE_REGS,
		.entry_size = sizeof(*ids),
		.entries = (unsigned long)ids,
	};
	struct axv_regs list = { .regs = (unsigned long)regs };
	struct axv_fpu fpu = {
		.size = axv_query(s->v->vm->dev, AXV_QUERY_FPU_SIZE),
		.data = (unsigned long)data,
	};
	int ret;

	must(fpu.size <= sizeof(data));
	do {
		table.count = 1024;
		ret = axv_ioctl(fd, AXV_GET_TABLE, &table);
	} while (ret == -EBUSY);
	must(!ret);
	for (list.count = 0; list.count < table.count; list.count++)
		regs[list.count].id = ids[list.count];

	while (s->rounds--) {
		may_read(s, axv_ioctl(fd, AXV_VCPU_GET_REGS, &list));
		may_read(s, axv_ioctl(fd, AXV_VCPU_GET_FPU, &fpu));
		may_read(s, axv_ioctl(fd, AXV_GET_TABLE, &table));
	}
	atomic_store(&s->done, true);
	return NULL;
}

/* Every thread may read, and the owner waits until that has ended. */
TEST_F(lifecycle, no_reader_makes_the_owner_busy)
{
	never_busy(_metadata, self, read_all, AXV_VCPU_RUN);
}

static void *bind_and_exit(void *arg)
{
	struct axv_vcpu *v = arg;

	must(!vcpu_bind(v));
	must(vcpu_run(v) == AXV_EXIT_HYPERCALL);
	return NULL;
}

TEST_F(lifecycle, take_over_from_a_dead_owner)
{
	advance(&self->v, FREE);
	in_thread(bind_and_exit, &self->v);
	EXPECT_EQ(AXV_STATE_READY, vcpu_state(&self->v));
	/* The dead owner's thread id is not told: it may be another thread's by now. */
	EXPECT_EQ(0u, vcpu_info(&self->v).owner);
	/* Only a bind takes the vCPU over; other operations that Ready allows do not. */
	EXPECT_EQ(-EPERM, axv_ioctl(self->v.fd, AXV_VCPU_RUN, NULL));
	EXPECT_EQ(-EPERM, axv_ioctl(self->v.fd, AXV_VCPU_SYNC, NULL));
	EXPECT_EQ(-EPERM, vcpu_unbind(&self->v));
	ASSERT_EQ(0, vcpu_bind(&self->v));
	EXPECT_EQ((__u32)axv_gettid(), vcpu_info(&self->v).owner);
	EXPECT_EQ(AXV_STATE_READY, vcpu_state(&self->v));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(2ull, self->v.run->exit.hypercall.args[0]);
}

static void *bind_and_lose(void *arg)
{
	struct job *j = arg;

	must(!vcpu_bind(j->v));
	must(vcpu_run(j->v) == AXV_EXIT_HYPERCALL);
	pthread_barrier_wait(&j->barrier);
	/* Meanwhile the other thread takes the vCPU over. */
	pthread_barrier_wait(&j->barrier);
	j->ret[OP_RUN] = operate(j->v, OP_RUN);
	j->ret[OP_UNBIND] = operate(j->v, OP_UNBIND);
	j->ret[OP_BIND] = operate(j->v, OP_BIND);
	return NULL;
}

TEST_F(lifecycle, adopt)
{
	struct job j = { .v = &self->v };
	pthread_t t;

	advance(&self->v, FREE);
	ASSERT_EQ(0, pthread_barrier_init(&j.barrier, NULL, 2));
	ASSERT_EQ(0, pthread_create(&t, NULL, bind_and_lose, &j));
	pthread_barrier_wait(&j.barrier);
	EXPECT_EQ(-EPERM, vcpu_bind(&self->v));
	EXPECT_EQ(-EPERM, operate(&self->v, OP_RUN));
	EXPECT_EQ(0, vcpu_adopt(&self->v));
	EXPECT_EQ(AXV_STATE_READY, vcpu_state(&self->v));
	EXPECT_EQ((__u32)axv_gettid(), vcpu_info(&self->v).owner);
	pthread_barrier_wait(&j.barrier);
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_EQ(-EPERM, j.ret[OP_RUN]);
	EXPECT_EQ(-EPERM, j.ret[OP_UNBIND]);
	EXPECT_EQ(-EPERM, j.ret[OP_BIND]);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(2ull, self->v.run->exit.hypercall.args[0]);
}

TEST_F(lifecycle, adopt_what_is_free)
{
	advance(&self->v, FREE);
	EXPECT_EQ(0, vcpu_adopt(&self->v));
	EXPECT_EQ((__u32)axv_gettid(), vcpu_info(&self->v).owner);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
}

/* ---- while it runs ---- */

#define STRANGE_OPS	(OPS + 4)

static int operate_strangely(struct axv_vcpu *v, int op)
{
	__u64 value;

	switch (op) {
	case OPS:
		return vcpu_adopt(v);
	case OPS + 1:
		return reg_get(v, guest_ip_reg, &value);
	case OPS + 2:
		return reg_set(v, guest_ip_reg, GUEST_DATA);
	case OPS + 3:
		return axv_ioctl(v->fd, AXV_VCPU_SYNC, NULL);
	}
	return operate(v, op);
}

static void all_are_busy(struct __test_metadata *_metadata, struct axv_vcpu *v, int state)
{
	int ret[STRANGE_OPS], after[STRANGE_OPS], op;
	struct axv_runner r;
	__u32 owner;

	/*
	 * The host's own work may end a run at any time, and then the vCPU is not busy
	 * for a moment.  If that happened, try again.
	 */
	do {
		ASSERT_EQ(0, vcpu_reset(v));
		advance(v, FREE);
		guest_start(v, state == AXV_STATE_RUNNING ? GUEST_SPIN : GUEST_HALT,
			    GUEST_DATA, 0, 0);
		runner_start(&r, v, until_kicked, NULL);
		vcpu_await_state(v, state);
		for (op = 0; op < STRANGE_OPS; op++) {
			ret[op] = operate_strangely(v, op);
			after[op] = vcpu_state(v);
		}
		owner = vcpu_info(v).owner;
		/* One of the operations may have bound the vCPU to this thread. */
		vcpu_unbind(v);
		vcpu_stats(v);
		runner_stop(&r);
	} while (r.exits[AXV_EXIT_NOTHING]);

	for (op = 0; op < STRANGE_OPS; op++) {
		EXPECT_EQ(-EBUSY, ret[op]) TH_LOG("operation %d", op);
		EXPECT_EQ(state, after[op]) TH_LOG("after operation %d", op);
	}
	EXPECT_EQ((__u32)r.tid, owner);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(1ul, r.exits[AXV_EXIT_KICKED]);
	EXPECT_EQ(AXV_STATE_FREE, vcpu_state(v));
}

TEST_F(lifecycle, busy_while_running)
{
	all_are_busy(_metadata, &self->v, AXV_STATE_RUNNING);
}

TEST_F(lifecycle, busy_while_blocked)
{
	all_are_busy(_metadata, &self->v, AXV_STATE_BLOCKED);
}

struct race {
	struct axv_vcpu *v;
	pthread_barrier_t barrier;
	int ret;
};

static void *race_to_bind(void *arg)
{
	struct race *r = arg;

	pthread_barrier_wait(&r->barrier);
	r->ret = vcpu_bind(r->v);
	pthread_barrier_wait(&r->barrier);
	if (!r->ret)
		must(!vcpu_unbind(r->v));
	return NULL;
}

TEST_F(lifecycle, one_of_two_binds)
{
	unsigned long n = scaled(100);
	struct race r = { .v = &self->v };

	advance(&self->v, FREE);
	ASSERT_EQ(0, pthread_barrier_init(&r.barrier, NULL, 2));
	while (n--) {
		pthread_t t;
		int ret;

		ASSERT_EQ(0, pthread_create(&t, NULL, race_to_bind, &r));
		pthread_barrier_wait(&r.barrier);
		ret = vcpu_bind(&self->v);
		pthread_barrier_wait(&r.barrier);
		/* The loser came while the winner claimed the vCPU, or after that. */
		if (!ret) {
			EXPECT_TRUE(r.ret == -EBUSY || r.ret == -EPERM);
			ASSERT_EQ(0, vcpu_unbind(&self->v));
		} else {
			EXPECT_TRUE(ret == -EBUSY || ret == -EPERM);
			EXPECT_EQ(0, r.ret);
		}
		ASSERT_EQ(0, pthread_join(t, NULL));
		ASSERT_EQ(AXV_STATE_FREE, vcpu_state(&self->v));
	}
}

/* ---- fork and exec ---- */

/* Check that a process that does not own the VM can do nothing with it. */
static int nothing_for_us(struct axv_vm *vm, struct axv_vcpu *v)
{
	struct axv_state s;
	struct axv_stats st;
	struct axv_clock c = { 0 };
	int op;

	for (op = 0; op < OPS; op++)
		if (operate(v, op) != -EIO)
			return 10 + op;
	if (axv_ioctl(v->fd, AXV_VCPU_GET_STATE, &s) != -EIO)
		return 20;
	if (axv_ioctl(v->fd, AXV_VCPU_GET_STATS, &st) != -EIO)
		return 21;
	if (vcpu_kick(v) != -EIO)
		return 22;
	if (guest_inject(v, GUEST_INTERRUPT) != -EIO)
		return 23;
	if (axv_ioctl(vm->fd, AXV_VM_GET_CLOCK, &c) != -EIO)
		return 24;
	if (vm_region(vm, 1, 0, GUEST_MEM, PAGE, vm->ram) != -EIO)
		return 25;
	/* The run page was not inherited, and cannot be mapped. */
	if (!msync(v->run, PAGE, MS_ASYNC) || errno != ENOMEM)
		return 26;
	if (mmap(NULL, v->run_size, PROT_READ, MAP_SHARED, v->fd, AXV_MMAP_RUN) != MAP_FAILED ||
	    errno != EIO)
		return 27;
	if (close(v->fd) || close(vm->fd))
		return 28;
	return 0;
}

TEST_F(lifecycle, fork_gives_the_child_nothing)
{
	pid_t pid;

	advance(&self->v, READY);
	pid = fork();
	if (!pid)
		_exit(nothing_for_us(&self->vm, &self->v));
	EXPECT_EQ(0, WEXITSTATUS(child_status(pid)));
	EXPECT_EQ(AXV_STATE_READY, vcpu_state(&self->v));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
}

TEST_F(lifecycle, madvise_gives_the_run_page_to_no_child)
{
	int refused = madvise(self->v.run, self->v.run_size, MADV_DOFORK);
	pid_t pid;

	EXPECT_EQ(-1, refused);
	pid = fork();
	if (!pid)
		_exit(!msync(self->v.run, PAGE, MS_ASYNC) || errno != ENOMEM);
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(lifecycle, madvise_does_not_lose_the_run_page)
{
	advance(&self->v, READY);
	self->v.run->want = 0x5a;
	ASSERT_EQ(0, madvise(self->v.run, self->v.run_size, MADV_DONTNEED));
	/* The mapping still shows the kernel's page, not a new one. */
	EXPECT_EQ(0x5au, self->v.run->want);
	self->v.run->want = 0;
	ASSERT_EQ(0, madvise(self->v.run, self->v.run_size, MADV_DONTNEED));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ((__u32)AXV_EXIT_HYPERCALL, self->v.run->exit_reason);
}

TEST_F(lifecycle, a_child_may_have_a_vm_of_its_own)
{
	pid_t pid = fork();

	if (!pid) {
		struct axv_vm vm;
		struct axv_vcpu v;

		vm_new(&vm, 0);
		vcpu_ready(&vm, &v, 0);
		guest_start(&v, GUEST_CALL, 0, 0, 0);
		_exit(vcpu_run(&v) != AXV_EXIT_HYPERCALL);
	}
	EXPECT_EQ(0, child_status(pid));
}

TEST_F(lifecycle, exec_closes)
{
	char vm[16], v[16];
	pid_t pid;

	EXPECT_EQ(FD_CLOEXEC, fcntl(self->vm.fd, F_GETFD));
	EXPECT_EQ(FD_CLOEXEC, fcntl(self->v.fd, F_GETFD));
	snprintf(vm, sizeof(vm), "%d", self->vm.fd);
	snprintf(v, sizeof(v), "%d", self->v.fd);
	pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "lifecycle", "--closed", vm, v, NULL);
		_exit(99);
	}
	EXPECT_EQ(0, child_status(pid));
}

static int all_closed(char **fd)
{
	for (; *fd; fd++)
		if (fcntl(atoi(*fd), F_GETFD) != -1 || errno != EBADF)
			return 1;
	return 0;
}

static void __attribute__((constructor)) main_of_exec_closes(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "--closed"))
		_exit(all_closed(argv + 2));
}

TEST_HARNESS_MAIN
