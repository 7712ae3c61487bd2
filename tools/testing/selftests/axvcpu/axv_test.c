// SPDX-License-Identifier: GPL-2.0
/*
 * What the axvcpu tests share: VMs, vCPUs, memory and threads.  See axv_test.h.
 */
#include "guest.h"

#include <limits.h>
#include <linux/futex.h>
#include <linux/userfaultfd.h>
#include <sys/utsname.h>

void axv_fail(const char *file, int line, const char *what)
{
	fprintf(stderr, "# %s:%d: %s (%s)\n", file, line, what, strerror(errno));
	_exit(1);
}

int axv_ioctl(int fd, unsigned long cmd, const void *arg)
{
	int ret = ioctl(fd, cmd, arg);

	return ret < 0 ? -errno : ret;
}

__u64 axv_query(int dev, __u32 id)
{
	struct axv_query q = { .id = id };

	must(!axv_ioctl(dev, AXV_QUERY, &q));
	return q.value;
}

static unsigned long scale_of_kernel(void)
{
	static const char key[] = "axv_test_scale=";
	char line[4096] = "";
	FILE *f = fopen("/proc/cmdline", "r");
	const char *at = NULL;

	if (!f)
		return 0;
	if (fgets(line, sizeof(line), f))
		at = strstr(line, key);
	fclose(f);
	return at ? strtoul(at + sizeof(key) - 1, NULL, 10) : 0;
}

unsigned long scaled(unsigned long count)
{
	static unsigned long scale;

	if (!scale) {
		const char *env = getenv("AXV_TEST_SCALE");

		scale = env ? strtoul(env, NULL, 10) : scale_of_kernel();
		if (!scale)
			scale = 1;
	}
	return count / scale ?: 1;
}

void *mem_new(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(p != MAP_FAILED);
	return p;
}

/* A kernel without huge pages refuses with EINVAL, but then all pages are small. */
int mem_small_pages(void *mem, size_t size)
{
	return madvise(mem, size, MADV_NOHUGEPAGE) && errno != EINVAL ? -1 : 0;
}

int uffd_new(void *mem, size_t size)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = {
		.range = { .start = (unsigned long)mem, .len = size },
		.mode = UFFDIO_REGISTER_MODE_MISSING,
	};
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);

	must(uffd >= 0);
	must(!axv_ioctl(uffd, UFFDIO_API, &api));
	must(!axv_ioctl(uffd, UFFDIO_REGISTER, &reg));
	return uffd;
}

/* Wait until a thread waits for the page at @addr. */
void uffd_await(int uffd, const void *addr)
{
	struct uffd_msg msg;

	must(read(uffd, &msg, sizeof(msg)) == sizeof(msg));
	must(msg.event == UFFD_EVENT_PAGEFAULT);
	must(msg.arg.pagefault.address == (unsigned long)addr);
}

void uffd_supply(int uffd, void *page, __u64 first_word)
{
	__u64 content[PAGE / sizeof(__u64)] __attribute__((aligned(4096))) = { first_word };
	struct uffdio_copy copy = {
		.dst = (unsigned long)page,
		.src = (unsigned long)content,
		.len = PAGE,
	};

	must(!axv_ioctl(uffd, UFFDIO_COPY, &copy));
}

/* Kernels have FOLL_INTERRUPTIBLE since 6.2. */
int uffd_waits_interruptibly(void)
{
	unsigned int major, minor;
	struct utsname kernel;

	must(!uname(&kernel));
	must(sscanf(kernel.release, "%u.%u", &major, &minor) == 2);
	return major > 6 || (major == 6 && minor >= 2);
}

int dev_open(void)
{
	int fd = open(AXV_DEVICE, O_RDWR | O_CLOEXEC);

	/* If there is no device, the test fails; it is not skipped. */
	must(fd >= 0);
	return fd;
}

int irqchip_offered(__u32 irqchip)
{
	int dev = dev_open();
	__u64 irqchips = axv_query(dev, AXV_QUERY_IRQCHIPS);

	must(!close(dev));
	return irqchips & 1u << irqchip;
}

int vm_region(struct axv_vm *vm, __u32 id, __u32 flags, __u64 gpa, __u64 size,
	      const void *hva)
{
	struct axv_region r = {
		.id = id,
		.flags = flags,
		.fd = -1,
		.gpa = gpa,
		.size = size,
		.hva = (unsigned long)hva,
	};

	return axv_ioctl(vm->fd, AXV_VM_SET_REGION, &r);
}

static void vm_create(struct axv_vm *vm, __u32 flags, __u32 irqchip, void *ram)
{
	struct axv_create_vm c = { .flags = flags, .irqchip = irqchip };

	vm->dev = dev_open();
	vm->fd = axv_ioctl(vm->dev, AXV_CREATE_VM, &c);
	if (vm->fd < 0)
		errno = -vm->fd;
	must(vm->fd >= 0);
	vm->id = c.vm_id;
	vm->ram = ram;
	must(!vm_region(vm, 0, 0, 0, GUEST_RAM_SIZE, ram));
	guest_prepare(vm);
}

void vm_new_ram(struct axv_vm *vm, __u32 flags, void *ram)
{
	vm_create(vm, flags, AXV_IRQCHIP_NONE, ram);
}

void vm_new_irqchip(struct axv_vm *vm, __u32 flags, __u32 irqchip)
{
	vm_create(vm, flags, irqchip, mem_new(GUEST_RAM_SIZE));
}

void vm_new(struct axv_vm *vm, __u32 flags)
{
	vm_new_irqchip(vm, flags, AXV_IRQCHIP_NONE);
}

void vm_free(struct axv_vm *vm)
{
	must(!close(vm->fd));
	must(!close(vm->dev));
	must(!munmap(vm->ram, GUEST_RAM_SIZE));
}

static void vcpu_create(struct axv_vm *vm, struct axv_vcpu *v, __u32 id, __u64 hw_id,
			const cpu_set_t *set)
{
	struct axv_create_vcpu c = {
		.id = id,
		.hw_id = hw_id,
		.favor_phys_cpu = -1,
		.cpu_set_size = set ? sizeof(*set) : 0,
		.cpu_set = (unsigned long)set,
	};

	memset(v, 0, sizeof(*v));
	v->vm = vm;
	v->fd = axv_ioctl(vm->fd, AXV_VM_CREATE_VCPU, &c);
	if (v->fd < 0)
		errno = -v->fd;
	must(v->fd >= 0);
	v->run_size = axv_query(vm->dev, AXV_QUERY_RUN_SIZE);
	v->run = mmap(NULL, v->run_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      v->fd, AXV_MMAP_RUN);
	must(v->run != MAP_FAILED);
}

void vcpu_new_on(struct axv_vm *vm, struct axv_vcpu *v, __u32 id,
		 const cpu_set_t *set)
{
	vcpu_create(vm, v, id, id, set);
}

void vcpu_new_as(struct axv_vm *vm, struct axv_vcpu *v, __u32 id, __u64 hw_id)
{
	vcpu_create(vm, v, id, hw_id, NULL);
}

void vcpu_new(struct axv_vm *vm, struct axv_vcpu *v, __u32 id)
{
	vcpu_create(vm, v, id, id, NULL);
}

void vcpu_ready(struct axv_vm *vm, struct axv_vcpu *v, __u32 id)
{
	vcpu_new(vm, v, id);
	must(!guest_setup(v));
	must(!vcpu_bind(v));
}

void vcpu_free(struct axv_vcpu *v)
{
	must(!munmap(v->run, v->run_size));
	must(!close(v->fd));
}

int vcpu_setup(struct axv_vcpu *v, __u64 entry, __u32 mode)
{
	struct axv_setup s = { .entry = entry, .mode = mode };

	return axv_ioctl(v->fd, AXV_VCPU_SETUP, &s);
}

int vcpu_bind(struct axv_vcpu *v)
{
	struct axv_bind b = { .flags = 0 };

	return axv_ioctl(v->fd, AXV_VCPU_BIND, &b);
}

int vcpu_adopt(struct axv_vcpu *v)
{
	struct axv_bind b = { .flags = AXV_BIND_ADOPT };

	return axv_ioctl(v->fd, AXV_VCPU_BIND, &b);
}

int vcpu_unbind(struct axv_vcpu *v)
{
	return axv_ioctl(v->fd, AXV_VCPU_UNBIND, NULL);
}

int vcpu_reset(struct axv_vcpu *v)
{
	return axv_ioctl(v->fd, AXV_VCPU_RESET, NULL);
}

int vcpu_kick(struct axv_vcpu *v)
{
	return axv_ioctl(v->fd, AXV_VCPU_KICK, NULL);
}

struct axv_state vcpu_info(struct axv_vcpu *v)
{
	struct axv_state s;

	memset(&s, 0xff, sizeof(s));
	must(!axv_ioctl(v->fd, AXV_VCPU_GET_STATE, &s));
	return s;
}

int vcpu_state(struct axv_vcpu *v)
{
	return vcpu_info(v).state;
}

void vcpu_await_state(struct axv_vcpu *v, int state)
{
	while (vcpu_state(v) != state)
		sched_yield();
}

static void stats_add(struct axv_stats *sum, const struct axv_stats *more)
{
	const __u64 *from = (const __u64 *)more;
	__u64 *to = (__u64 *)sum;
	size_t i;

	for (i = 0; i < sizeof(*sum) / sizeof(*to); i++)
		to[i] += from[i];
}

struct axv_stats vcpu_stats(struct axv_vcpu *v)
{
	struct axv_stats s;

	memset(&s, 0xff, sizeof(s));
	must(!axv_ioctl(v->fd, AXV_VCPU_GET_STATS, &s));
	stats_add(&s, &v->moved);
	return s;
}

int vcpu_inject(struct axv_vcpu *v, __u32 type, __u32 vector)
{
	struct axv_inject i = { .type = type, .vector = vector };

	return axv_ioctl(v->fd, AXV_INJECT, &i);
}

int vcpu_run_once(struct axv_vcpu *v)
{
	int ret = axv_ioctl(v->fd, AXV_VCPU_RUN, NULL);

	return ret ? ret : (int)v->run->exit_reason;
}

static int run_to_an_event(struct axv_vcpu *v)
{
	int ret;

	/* The host's own work may end a run at any time, with AXV_EXIT_NOTHING: go on. */
	do {
		ret = vcpu_run_once(v);
	} while (ret == AXV_EXIT_NOTHING);
	return ret;
}

#define MAX_REGS	1024

/**
 * struct saved - the saved state of a vCPU
 * @ids: ids of its registers
 * @regs: the registers with their values
 * @list:	argument of the calls that get and set @regs; has their number
 * @table: the vCPU's table, if the architecture has one
 * @entries:	entries of @table
 * @fpu_data:	the vector state
 * @fpu: argument of the calls that get and set @fpu_data
 * @run: the run page
 */
struct saved {
	__u64 ids[MAX_REGS];
	struct axv_reg regs[MAX_REGS];
	struct axv_regs list;
	struct axv_table table;
	__u8 entries[64 * 1024];
	__u8 fpu_data[64 * 1024] __attribute__((aligned(64)));
	struct axv_fpu fpu;
	struct axv_run run;
};

static void save(struct axv_vcpu *v, struct saved *s)
{
	const struct guest_table *t;
	struct axv_table ids = {
		.kind = AXV_TABLE_REGS,
		.count = MAX_REGS,
		.entry_size = sizeof(__u64),
		.entries = (unsigned long)s->ids,
	};
	unsigned int i;

	memset(s, 0, sizeof(*s));
	for (t = guest_tables; t->entry_size; t++) {
		if (t->of_vm)
			continue;
		s->table.kind = t->kind;
		s->table.entry_size = t->entry_size;
		s->table.entries = (unsigned long)s->entries;
		s->table.count = sizeof(s->entries) / t->entry_size;
		must(!axv_ioctl(v->fd, AXV_GET_TABLE, &s->table));
	}
	must(!axv_ioctl(v->fd, AXV_GET_TABLE, &ids));
	for (i = 0; i < ids.count; i++)
		s->regs[i].id = s->ids[i];
	s->list.regs = (unsigned long)s->regs;
	s->list.count = ids.count;
	must(!axv_ioctl(v->fd, AXV_VCPU_GET_REGS, &s->list));
	s->fpu.size = axv_query(v->vm->dev, AXV_QUERY_FPU_SIZE);
	s->fpu.data = (unsigned long)s->fpu_data;
	must(s->fpu.size <= sizeof(s->fpu_data));
	must(!axv_ioctl(v->fd, AXV_VCPU_GET_FPU, &s->fpu));
	s->run = *v->run;
}

/*
 * Restore a saved state into a new vCPU.  Registers are set in the order of the kernel's list;
 * the status of a read-only register is -EPERM.
 */
static void restore(struct axv_vcpu *v, struct saved *s)
{
	static __u8 entries[sizeof(s->entries)];
	struct axv_table table = s->table;
	unsigned int i;

	/* A copy: AXV_SET_TABLE stores what the guest sees now, before its registers are set. */
	memcpy(entries, s->entries, sizeof(entries));
	table.entries = (unsigned long)entries;
	if (table.entry_size)
		must(!axv_ioctl(v->fd, AXV_SET_TABLE, &table));
	must(!guest_setup(v));
	must(axv_ioctl(v->fd, AXV_VCPU_SET_REGS, &s->list) >= 0);
	for (i = 0; i < s->list.count; i++) {
		struct axv_reg *reg = &s->regs[i];

		if (!reg->status || reg->status == -EPERM)
			continue;
		fprintf(stderr, "# moved: register %#llx refuses %#llx: %d\n",
			(unsigned long long)reg->id, (unsigned long long)reg->value,
			reg->status);
		must(!reg->status);
	}
	must(!axv_ioctl(v->fd, AXV_VCPU_SET_FPU, &s->fpu));
	*v->run = s->run;
}

static void must_be_the_same(const struct saved *a, const struct saved *b)
{
	unsigned int i;

	must(a->list.count == b->list.count);
	for (i = 0; i < a->list.count; i++) {
		if (a->regs[i].value == b->regs[i].value || a->regs[i].id == guest_clock_reg)
			continue;
		fprintf(stderr, "# moved: register %#llx was %#llx, is %#llx\n",
			(unsigned long long)a->regs[i].id,
			(unsigned long long)a->regs[i].value,
			(unsigned long long)b->regs[i].value);
		must(a->regs[i].value == b->regs[i].value);
	}
	must(a->table.count == b->table.count);
	must(!memcmp(a->entries, b->entries, sizeof(a->entries)));
	must(!memcmp(a->fpu_data, b->fpu_data, sizeof(a->fpu_data)));
}

void vcpu_move(struct axv_vcpu *v)
{
	static struct saved before, after;
	struct axv_state state = vcpu_info(v);
	struct axv_stats stats = vcpu_stats(v);
	void *page = v->run;
	int fd = v->fd;

	save(v, &before);
	vcpu_free(v);
	vcpu_new_as(v->vm, v, state.vcpu_id, state.hw_id);
	v->moved = stats;
	if (v->fd != fd) {
		must(dup3(v->fd, fd, O_CLOEXEC) == fd);
		must(!close(v->fd));
		v->fd = fd;
	}
	if ((void *)v->run != page) {
		must(!munmap(v->run, v->run_size));
		v->run = mmap(page, v->run_size, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_FIXED_NOREPLACE, v->fd, AXV_MMAP_RUN);
		must((void *)v->run == page);
	}
	restore(v, &before);
	save(v, &after);
	must_be_the_same(&before, &after);
	must(!vcpu_bind(v));
}

/* Move the vCPU.  If the exit is a read, which waits for data, the new vCPU makes it again. */
static int move_at_exit(struct axv_vcpu *v, int reason)
{
	const struct axv_run before = *v->run;
	struct axv_state state = vcpu_info(v);

	if (state.state != AXV_STATE_READY || (state.flags & AXV_STATE_CPU_SET))
		return reason;
	vcpu_move(v);
	switch (reason) {
	case AXV_EXIT_MMIO_READ:
	case AXV_EXIT_SYSREG_READ:
	case AXV_EXIT_IO_READ:
		must(run_to_an_event(v) == reason);
		must(v->run->ip == before.ip);
		must(!memcmp(&v->run->exit, &before.exit, sizeof(struct axv_exit_mmio)));
	}
	return reason;
}

/* With AXV_TEST_MOVE in the environment, the vCPU is moved at each exit. */
int vcpu_run(struct axv_vcpu *v)
{
	int ret = run_to_an_event(v);

	return ret >= 0 && getenv("AXV_TEST_MOVE") ? move_at_exit(v, ret) : ret;
}

void vcpu_dump(struct axv_vcpu *v)
{
	const struct axv_run *run = v->run;
	const __u64 *data = (const __u64 *)run->exit.bytes;

	fprintf(stderr, "# vCPU: state %d, exit %u at %#llx, length %u, hardware %#llx\n",
		vcpu_state(v), run->exit_reason, (unsigned long long)run->ip,
		run->insn_len, (unsigned long long)run->hw_reason);
	fprintf(stderr, "# exit data: %llx %llx %llx %llx %llx %llx\n",
		(unsigned long long)data[0], (unsigned long long)data[1],
		(unsigned long long)data[2], (unsigned long long)data[3],
		(unsigned long long)data[4], (unsigned long long)data[5]);
}

static int reg_one(struct axv_vcpu *v, unsigned long cmd, __u64 id, __u64 *value)
{
	struct axv_reg reg = { .id = id, .value = *value };
	struct axv_regs list = { .count = 1, .regs = (unsigned long)&reg };
	int ret = axv_ioctl(v->fd, cmd, &list);

	if (ret < 0)
		return ret;
	/* The call returns how many registers failed; the register's status says why. */
	must(ret == !!reg.status && reg.status <= 0);
	*value = reg.value;
	return reg.status;
}

int reg_get(struct axv_vcpu *v, __u64 id, __u64 *value)
{
	*value = 0;
	return reg_one(v, AXV_VCPU_GET_REGS, id, value);
}

int reg_set(struct axv_vcpu *v, __u64 id, __u64 value)
{
	return reg_one(v, AXV_VCPU_SET_REGS, id, &value);
}

void wait_while(atomic_int *word, int value)
{
	while (*word == value)
		syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

void wake_all(atomic_int *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

static void runner_changed(struct axv_runner *r)
{
	r->changes++;
	wake_all(&r->changes);
}

void runner_await(struct axv_runner *r, int reason, unsigned long count)
{
	for (;;) {
		int changes = r->changes;

		if (r->exits[reason] >= count)
			return;
		/* After an error the thread ends, so the exit will not come any more. */
		must(!r->error);
		wait_while(&r->changes, changes);
	}
}

static void *runner_main(void *arg)
{
	struct axv_runner *r = arg;
	int ret, stop;

	r->tid = axv_gettid();
	must(!vcpu_bind(r->vcpu));
	do {
		ret = vcpu_run_once(r->vcpu);
		if (ret < 0) {
			r->error = ret;
			runner_changed(r);
			break;
		}
		must(ret < 32);
		/* Read @stop before others see this exit: a later stop needs another exit. */
		stop = r->stop;
		r->exits[ret]++;
		r->runs++;
		runner_changed(r);
		if (ret == AXV_EXIT_KICKED && stop)
			break;
	} while (!r->on_exit(r));
	/* If the vCPU is Invalid after an error, this fails, too, which does not matter. */
	vcpu_unbind(r->vcpu);
	return NULL;
}

void runner_start(struct axv_runner *r, struct axv_vcpu *v,
		  int (*on_exit)(struct axv_runner *r), void *data)
{
	memset(r, 0, sizeof(*r));
	r->vcpu = v;
	r->on_exit = on_exit;
	r->data = data;
	must(!pthread_create(&r->thread, NULL, runner_main, r));
}

void runner_join(struct axv_runner *r)
{
	must(!pthread_join(r->thread, NULL));
}

void runner_stop(struct axv_runner *r)
{
	r->stop = 1;
	must(!vcpu_kick(r->vcpu));
	runner_join(r);
}

int for_ever(struct axv_runner *r)
{
	(void)r;
	return 0;
}

int until_kicked(struct axv_runner *r)
{
	return r->vcpu->run->exit_reason == AXV_EXIT_KICKED;
}

int until_told(struct axv_runner *r)
{
	return atomic_load((atomic_int *)r->data);
}

void await_progress(volatile __u64 *counter)
{
	const __u64 now = *counter;

	while (*counter == now)
		sched_yield();
}

pid_t axv_gettid(void)
{
	return syscall(SYS_gettid);
}

void *in_thread(void *(*fn)(void *arg), void *arg)
{
	pthread_t t;
	void *result;

	must(!pthread_create(&t, NULL, fn, arg));
	must(!pthread_join(t, &result));
	return result;
}

/* Fork a child, whose exit code is what @fn returns. */
pid_t child_start(int (*fn)(void *arg), void *arg)
{
	pid_t pid = fork();

	must(pid >= 0);
	if (!pid)
		_exit(fn(arg));
	return pid;
}

int child_kill(pid_t pid)
{
	must(!kill(pid, SIGKILL));
	return child_status(pid);
}

int child_status(pid_t pid)
{
	int status;

	must(pid > 0);
	must(waitpid(pid, &status, 0) == pid);
	return status;
}

static void ignore(int sig)
{
	(void)sig;
}

void catch_signal(int sig)
{
	struct sigaction sa = { .sa_handler = ignore };

	must(!sigaction(sig, &sa, NULL));
}

static struct axv_vcpu *to_kick;

static void kick_it(int sig)
{
	(void)sig;
	must(!vcpu_kick(to_kick));
}

/* Kick @v in the handler of @sig: a signal between two runs also ends the next run so. */
void kick_on_signal(int sig, struct axv_vcpu *v)
{
	struct sigaction sa = { .sa_handler = kick_it };

	to_kick = v;
	must(!sigaction(sig, &sa, NULL));
}

int cpus_online(void)
{
	return sysconf(_SC_NPROCESSORS_ONLN);
}

int second_cpu(void)
{
	cpu_set_t set;
	int cpu;

	must(!sched_getaffinity(0, sizeof(set), &set));
	for (cpu = 1; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set))
			return cpu;
	return -1;
}

void pin_to(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	must(!sched_setaffinity(0, sizeof(set), &set));
}
