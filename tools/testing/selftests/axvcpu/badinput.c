// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of bad input for every call: it is refused with the right error, and changes nothing.
 */
#include "axv_harness.h"

FIXTURE_ONE_VCPU(badinput)
{
	vm_new(&self->vm, 0);
	vcpu_ready(&self->vm, &self->v, 0);
}

enum kind { DEV = 1, VM = 2, VCPU = 4 };

/* Every command, and the kind of descriptor that takes it. */
static const struct command {
	unsigned int nr;
	unsigned int size;
	int kinds;
	const char *name;
} commands[] = {
#define C(kinds, name) { _IOC_NR(name), _IOC_SIZE(name), kinds, #name }
	C(DEV, AXV_QUERY),
	C(DEV, AXV_CREATE_VM),
	C(DEV | VM | VCPU, AXV_GET_TABLE),
	C(VM | VCPU, AXV_SET_TABLE),
	C(VM, AXV_VM_CREATE_VCPU),
	C(VM, AXV_VM_SET_REGION),
	C(VM, AXV_VM_GET_DIRTY),
	C(VM, AXV_VM_CLEAR_DIRTY),
	C(VM, AXV_VM_SET_CLOCK),
	C(VM, AXV_VM_GET_CLOCK),
	C(VM, AXV_VM_SET_DOORBELL),
	C(VM, AXV_VM_SET_ROUTES),
	C(VM, AXV_VM_GET_ROUTES),
	C(VM, AXV_VM_SET_IRQFD),
	C(VM | VCPU, AXV_INJECT),
	C(VCPU, AXV_VCPU_SETUP),
	C(VCPU, AXV_VCPU_BIND),
	C(VCPU, AXV_VCPU_UNBIND),
	C(VCPU, AXV_VCPU_RUN),
	C(VCPU, AXV_VCPU_KICK),
	C(VCPU, AXV_VCPU_RESET),
	C(VCPU, AXV_VCPU_GET_STATE),
	C(VCPU, AXV_VCPU_GET_REGS),
	C(VCPU, AXV_VCPU_SET_REGS),
	C(VCPU, AXV_VCPU_GET_FPU),
	C(VCPU, AXV_VCPU_SET_FPU),
	C(VCPU, AXV_VCPU_GET_STATS),
	C(VCPU, AXV_VCPU_SYNC),
	C(VCPU, AXV_VCPU_SET_SGIS),
	C(VCPU, AXV_VCPU_SET_DEBUG),
#undef C
};

#define NR_COMMANDS	ARRAY_SIZE(commands)

static unsigned long command(unsigned int nr, unsigned int size)
{
	return _IOC(_IOC_READ | _IOC_WRITE, AXV_IOCTL, nr, size);
}

static int fd_of(struct axv_vm *vm, struct axv_vcpu *v, int kind)
{
	return kind == DEV ? vm->dev : kind == VM ? vm->fd : v->fd;
}

/* Check that the vCPU is not Invalid, and that its guest runs. */
static void still_runs(struct __test_metadata *_metadata, struct axv_vcpu *v)
{
	ASSERT_EQ(AXV_STATE_READY, vcpu_state(v));
	guest_start(v, GUEST_CALL, 0, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, v);
}

TEST_F(badinput, bad_addresses)
{
	void *gone = mem_new(PAGE);
	__u8 *edge = mem_new(2 * PAGE);
	const unsigned long bad[] = {
		0, 8, (unsigned long)gone, 0x7ffffffffff8, 0xffff888000000000,
		0xffffffff81000000, -1ul, 1ul << 63,
	};
	size_t c, i;

	ASSERT_EQ(0, munmap(gone, PAGE));
	ASSERT_EQ(0, munmap(edge + PAGE, PAGE));
	for (c = 0; c < NR_COMMANDS; c++) {
		int kind;

		if (!commands[c].size)
			continue;
		for (kind = DEV; kind <= VCPU; kind <<= 1) {
			int fd = fd_of(&self->vm, &self->v, kind);

			if (!(commands[c].kinds & kind))
				continue;
			for (i = 0; i < ARRAY_SIZE(bad); i++) {
				EXPECT_EQ(-EFAULT, axv_ioctl(fd, command(commands[c].nr,
									 commands[c].size),
							     (void *)bad[i])) {
					TH_LOG("%s at %#lx", commands[c].name, bad[i]);
				}
			}
			/* A structure whose end is in an unmapped page. */
			EXPECT_EQ(-EFAULT, axv_ioctl(fd, command(commands[c].nr, commands[c].size),
						     edge + PAGE - commands[c].size + 4)) {
				TH_LOG("%s at the edge", commands[c].name);
			}
		}
	}
	still_runs(_metadata, &self->v);
}

TEST_F(badinput, read_only_results)
{
	struct axv_query *q = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, (void *)q);
	EXPECT_EQ(-EFAULT, axv_ioctl(self->vm.dev, AXV_QUERY, q));
	EXPECT_EQ(-EFAULT, axv_ioctl(self->v.fd, AXV_VCPU_GET_STATE, q));
	EXPECT_EQ(-EFAULT, axv_ioctl(self->v.fd, AXV_VCPU_GET_STATS, q));
	EXPECT_EQ(-EFAULT, axv_ioctl(self->vm.fd, AXV_VM_GET_CLOCK, q));
	/* If AXV_CREATE_VM cannot store the result, no descriptor of a VM is left. */
	EXPECT_EQ(-EFAULT, axv_ioctl(self->vm.dev, AXV_CREATE_VM, q));
	EXPECT_EQ(-1, fcntl(self->v.fd + 1, F_GETFD));
}

TEST_F(badinput, misaligned)
{
	__u8 buf[sizeof(struct axv_stats) + 8];
	struct axv_state s;
	int i;

	/* An address that is not aligned is no reason to refuse a call. */
	for (i = 1; i < 8; i++) {
		EXPECT_EQ(0, axv_ioctl(self->v.fd, AXV_VCPU_GET_STATE, buf + i));
		memcpy(&s, buf + i, sizeof(s));
		EXPECT_EQ(AXV_STATE_READY, s.state);
		EXPECT_EQ(0, axv_ioctl(self->v.fd, AXV_VCPU_GET_STATS, buf + i));
	}
}

TEST_F(badinput, wrong_descriptor)
{
	__u8 zero[512] = { 0 };
	int file = open("/proc/self/exe", O_RDONLY);
	size_t c;

	for (c = 0; c < NR_COMMANDS; c++) {
		int kind;

		for (kind = DEV; kind <= VCPU; kind <<= 1) {
			if (commands[c].kinds & kind)
				continue;
			EXPECT_EQ(-ENOTTY, axv_ioctl(fd_of(&self->vm, &self->v, kind),
						     command(commands[c].nr, commands[c].size),
						     zero)) {
				TH_LOG("%s on descriptor %d", commands[c].name, kind);
			}
		}
		EXPECT_EQ(-ENOTTY,
			  axv_ioctl(file, command(commands[c].nr, commands[c].size), zero));
	}
	close(file);
	still_runs(_metadata, &self->v);
}

TEST_F(badinput, unknown_commands)
{
	__u8 zero[512] = { 0 };
	unsigned int nr;
	int kind;
	size_t c;

	for (nr = 0; nr < 256; nr++) {
		for (c = 0; c < NR_COMMANDS && commands[c].nr != nr; c++)
			;
		for (kind = DEV; kind <= VCPU; kind <<= 1) {
			int fd = fd_of(&self->vm, &self->v, kind);

			if (c == NR_COMMANDS) {
				EXPECT_EQ(-ENOTTY, axv_ioctl(fd, command(nr, 0), zero)) {
					TH_LOG("number %#x", nr);
				}
				EXPECT_EQ(-ENOTTY, axv_ioctl(fd, command(nr, 64), zero)) {
					TH_LOG("number %#x", nr);
				}
			}
			/* The type byte of another driver. */
			EXPECT_EQ(-ENOTTY, axv_ioctl(fd, _IOC(_IOC_READ, 0xae, nr, 8), zero));
		}
	}
	still_runs(_metadata, &self->v);
}

TEST_F(badinput, longer_structures)
{
	__u8 *buf = mem_new(16 * PAGE);
	size_t c;

	/*
	 * Structures larger than the kernel's, by 8 bytes and more.  Bytes that this
	 * kernel does not know have to be zero, whatever the others are.
	 */
	for (c = 0; c < NR_COMMANDS; c++) {
		const struct command *cmd = &commands[c];
		unsigned int sizes[] = { cmd->size + 8, 2 * cmd->size + 8, 8192, 16383 }, i;
		int kind;

		for (kind = DEV; kind <= VCPU; kind <<= 1) {
			if (!(cmd->kinds & kind) || !cmd->size)
				continue;
			/* The kernel reads nothing of a structure that is output only. */
			if (cmd->nr == _IOC_NR(AXV_VCPU_GET_STATE) ||
			    cmd->nr == _IOC_NR(AXV_VCPU_GET_STATS))
				continue;
			for (i = 0; i < ARRAY_SIZE(sizes); i++) {
				memset(buf, 0, 16 * PAGE);
				buf[sizes[i] - 1] = 1;
				EXPECT_EQ(-E2BIG, axv_ioctl(fd_of(&self->vm, &self->v, kind),
							    command(cmd->nr, sizes[i]), buf)) {
					TH_LOG("%s with %u bytes", cmd->name, sizes[i]);
				}
			}
		}
	}
	still_runs(_metadata, &self->v);

	/* If the additional bytes are zero, the call succeeds. */
	memset(buf, 0, PAGE);
	((struct axv_query *)buf)->id = AXV_QUERY_ABI_VERSION;
	EXPECT_EQ(0, axv_ioctl(self->vm.dev, command(_IOC_NR(AXV_QUERY), 4000), buf));
	EXPECT_EQ((__u64)AXV_ABI_VERSION, ((struct axv_query *)buf)->value);
	memset(buf, 0, PAGE);
	EXPECT_EQ(0, axv_ioctl(self->v.fd, command(_IOC_NR(AXV_VCPU_GET_STATE), 1000), buf));
	EXPECT_EQ(AXV_STATE_READY, ((struct axv_state *)buf)->state);
	EXPECT_EQ(0, vcpu_unbind(&self->v));
	memset(buf, 0, PAGE);
	EXPECT_EQ(0, axv_ioctl(self->v.fd, command(_IOC_NR(AXV_VCPU_BIND), 1000), buf));
}

TEST_F(badinput, shorter_structures)
{
	struct axv_query q = { .id = AXV_QUERY_BACKEND };
	__u8 *buf = mem_new(PAGE);
	struct axv_stats s;
	size_t c;

	/* Structures shorter than their first field are refused, and no vCPU becomes Invalid. */
	for (c = 0; c < NR_COMMANDS; c++) {
		const struct command *cmd = &commands[c];
		unsigned int size;
		int kind;

		for (kind = DEV; kind <= VCPU; kind <<= 1) {
			if (!(cmd->kinds & kind) || !cmd->size)
				continue;
			for (size = 0; size < 4; size++) {
				EXPECT_EQ(-EINVAL, axv_ioctl(fd_of(&self->vm, &self->v, kind),
							     command(cmd->nr, size), buf)) {
					TH_LOG("%s with %u bytes", cmd->name, size);
				}
			}
		}
	}
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.dev, command(_IOC_NR(AXV_QUERY), 8), &q));
	/* If the structure has fewer counters than the kernel, the rest is not stored. */
	memset(&s, 0xee, sizeof(s));
	EXPECT_EQ(0, axv_ioctl(self->v.fd, command(_IOC_NR(AXV_VCPU_GET_STATS), sizeof(s) - 8),
			       &s));
	EXPECT_EQ(0ull, s.exits[30]);
	EXPECT_EQ(0xeeeeeeeeeeeeeeeeull, s.exits[31]);
	still_runs(_metadata, &self->v);
}

/* Unknown flags, unknown enumerators and padding that is not zero: -EINVAL. */
TEST_F(badinput, unknown_values)
{
#define BAD(fd, cmd, type, ...) do {					\
	type arg = { __VA_ARGS__ };					\
	int ret = axv_ioctl(fd, cmd, &arg);				\
	EXPECT_EQ(-EINVAL, ret) {					\
		TH_LOG("%s " #__VA_ARGS__, #cmd);			\
	}								\
} while (0)
	const int dev = self->vm.dev, vm = self->vm.fd, v = self->v.fd;
	const __u32 max_vcpus = axv_query(dev, AXV_QUERY_MAX_VCPUS);
	const __u32 ipa_bits = axv_query(dev, AXV_QUERY_IPA_BITS);
	unsigned int i;
	__u64 word = 0;

	BAD(dev, AXV_QUERY, struct axv_query, .id = 9999);
	BAD(dev, AXV_QUERY, struct axv_query, .id = ~0u);
	BAD(dev, AXV_QUERY, struct axv_query, .flags = 1);
	BAD(dev, AXV_CREATE_VM, struct axv_create_vm, .type = 1);
	BAD(dev, AXV_CREATE_VM, struct axv_create_vm, .irqchip = 99);
	BAD(dev, AXV_CREATE_VM, struct axv_create_vm, .ipa_bits = ipa_bits + 1);
	BAD(dev, AXV_CREATE_VM, struct axv_create_vm, .ipa_bits = 1);
	BAD(dev, AXV_CREATE_VM, struct axv_create_vm, .flags = 1u << 31);
	BAD(dev, AXV_CREATE_VM, struct axv_create_vm, .pad = 1);

	BAD(dev, AXV_GET_TABLE, struct axv_table, .kind = 0x9999);
	BAD(dev, AXV_GET_TABLE, struct axv_table, .kind = AXV_TABLE_REGS, .entry_size = 8);
	BAD(vm, AXV_GET_TABLE, struct axv_table, .kind = AXV_TABLE_REGS, .entry_size = 8);
	BAD(v, AXV_GET_TABLE, struct axv_table, .kind = AXV_TABLE_REGS, .entry_size = 4);
	BAD(v, AXV_GET_TABLE, struct axv_table, .kind = AXV_TABLE_REGS, .entry_size = 0);
	BAD(v, AXV_GET_TABLE, struct axv_table, .kind = AXV_TABLE_REGS, .entry_size = 8,
	    .flags = 1);
	BAD(v, AXV_SET_TABLE, struct axv_table, .kind = AXV_TABLE_REGS, .entry_size = 8,
	    .count = 1, .entries = (unsigned long)&word);
	BAD(vm, AXV_SET_TABLE, struct axv_table, .kind = 0x9999);

	BAD(vm, AXV_VM_CREATE_VCPU, struct axv_create_vcpu, .id = 1, .flags = 1,
	    .favor_phys_cpu = -1);
	BAD(vm, AXV_VM_CREATE_VCPU, struct axv_create_vcpu, .id = max_vcpus,
	    .hw_id = 77, .favor_phys_cpu = -1);
	BAD(vm, AXV_VM_CREATE_VCPU, struct axv_create_vcpu, .id = ~0u,
	    .hw_id = 77, .favor_phys_cpu = -1);
	BAD(vm, AXV_VM_CREATE_VCPU, struct axv_create_vcpu, .id = 1, .favor_phys_cpu = -2);

	BAD(vm, AXV_VM_SET_REGION, struct axv_region, .id = 5, .fd = -1,
	    .flags = 1u << 31, .gpa = GUEST_MEM, .size = PAGE,
	    .hva = (unsigned long)self->vm.ram);
	BAD(vm, AXV_VM_SET_REGION, struct axv_region, .id = 5, .fd = -1,
	    .address_space = 1, .gpa = GUEST_MEM, .size = PAGE,
	    .hva = (unsigned long)self->vm.ram);
	BAD(vm, AXV_VM_SET_REGION, struct axv_region, .id = 5, .fd = 0,
	    .gpa = GUEST_MEM, .size = PAGE, .hva = (unsigned long)self->vm.ram);
	BAD(vm, AXV_VM_SET_REGION, struct axv_region, .id = 5, .fd = -1,
	    .fd_offset = PAGE, .gpa = GUEST_MEM, .size = PAGE,
	    .hva = (unsigned long)self->vm.ram);
	BAD(vm, AXV_VM_SET_CLOCK, struct axv_clock, .flags = 1);
	BAD(vm, AXV_VM_SET_CLOCK, struct axv_clock, .pad = 1);

	BAD(v, AXV_INJECT, struct axv_inject, .type = 99);
	for (i = 0; i < guest_nr_bad_events; i++) {
		EXPECT_EQ(-EINVAL, axv_ioctl(v, AXV_INJECT, &guest_bad_events[i])) {
			TH_LOG("event %u", i);
		}
	}

	BAD(v, AXV_VCPU_SETUP, struct axv_setup, .flags = 1);
	BAD(v, AXV_VCPU_SETUP, struct axv_setup, .mode = 99);
	BAD(v, AXV_VCPU_BIND, struct axv_bind, .flags = 1u << 31);
	BAD(v, AXV_VCPU_BIND, struct axv_bind, .pad = 1);
	BAD(v, AXV_VCPU_GET_REGS, struct axv_regs, .flags = 1);
	BAD(v, AXV_VCPU_SET_REGS, struct axv_regs, .flags = 1);
	BAD(v, AXV_VCPU_GET_REGS, struct axv_regs, .count = 1025,
	    .regs = (unsigned long)&word);
	BAD(v, AXV_VCPU_SET_REGS, struct axv_regs, .count = ~0u,
	    .regs = (unsigned long)&word);
	BAD(v, AXV_VCPU_GET_FPU, struct axv_fpu, .flags = 1);
	BAD(v, AXV_VCPU_SET_FPU, struct axv_fpu, .flags = 1);
	BAD(v, AXV_VCPU_SET_FPU, struct axv_fpu, .size = ~0u);
#undef BAD
	still_runs(_metadata, &self->v);
}

TEST_F(badinput, not_implemented)
{
	struct axv_inject i = { .type = AXV_INJECT_MSI };
	__u64 irqchips = axv_query(self->vm.dev, AXV_QUERY_IRQCHIPS), types;
	__u32 chip;

	/* Irqchips that the ABI has, but the host does not offer: not the error of nonsense. */
	EXPECT_NE(0ull, irqchips & 1 << AXV_IRQCHIP_NONE);
	for (chip = AXV_IRQCHIP_LAPIC; chip <= AXV_IRQCHIP_AIA; chip++) {
		struct axv_create_vm c = { .irqchip = chip };

		if (irqchips >> chip & 1)
			continue;
		EXPECT_EQ(-EOPNOTSUPP, axv_ioctl(self->vm.dev, AXV_CREATE_VM, &c));
	}
	types = axv_query(self->vm.dev, AXV_QUERY_INJECT_TYPES);
	for (i.type = AXV_INJECT_EXTINT; i.type <= AXV_INJECT_PPI; i.type++) {
		if (!(types >> i.type & 1)) {
			EXPECT_EQ(-EOPNOTSUPP, axv_ioctl(self->v.fd, AXV_INJECT, &i)) {
				TH_LOG("type %u", i.type);
			}
		}
	}
	i.type = AXV_INJECT_WIRED;
	EXPECT_EQ(-EOPNOTSUPP, axv_ioctl(self->vm.fd, AXV_INJECT, &i));
	i.type = AXV_INJECT_MSI;
	EXPECT_EQ(-EOPNOTSUPP, axv_ioctl(self->vm.fd, AXV_INJECT, &i));
}

TEST_F(badinput, arrays)
{
	struct axv_reg reg = { .id = 0 };
	struct axv_regs regs = { .count = 1, .regs = 8 };
	const struct guest_table *table;
	struct axv_table t = { .flags = 0 };
	struct axv_create_vcpu c = { .id = 1, .favor_phys_cpu = -1, .cpu_set_size = 8 };
	struct axv_dirty d = { .region = 0, .nr_pages = 64 };
	__u64 *words = mem_new(2 * PAGE);

	EXPECT_EQ(-EFAULT, axv_ioctl(self->v.fd, AXV_VCPU_GET_REGS, &regs));
	EXPECT_EQ(-EFAULT, axv_ioctl(self->v.fd, AXV_VCPU_SET_REGS, &regs));
	regs.regs = (unsigned long)words + PAGE - sizeof(reg) / 2;
	EXPECT_EQ(0, munmap((__u8 *)words + PAGE, PAGE));
	EXPECT_EQ(-EFAULT, axv_ioctl(self->v.fd, AXV_VCPU_GET_REGS, &regs));

	/* Huge counts, for which the kernel must not allocate memory. */
	EXPECT_EQ(0, vcpu_unbind(&self->v));
	for (table = guest_tables; table->entry_size; table++) {
		int fd = table->of_vm ? self->vm.fd : self->v.fd;

		t.kind = table->kind;
		t.entry_size = table->entry_size;
		t.count = ~0u;
		t.entries = 0;
		EXPECT_GT(0, axv_ioctl(fd, AXV_SET_TABLE, &t));
		t.entries = (unsigned long)words;
		EXPECT_GT(0, axv_ioctl(fd, AXV_SET_TABLE, &t));
		t.count = 1u << 28;
		EXPECT_GT(0, axv_ioctl(fd, AXV_SET_TABLE, &t));
	}
	/* But as the room for an answer, a huge count is allowed. */
	t.kind = AXV_TABLE_REGS;
	t.count = ~0u;
	t.entry_size = 8;
	t.entries = (unsigned long)words;
	EXPECT_EQ(0, axv_ioctl(self->v.fd, AXV_GET_TABLE, &t));
	EXPECT_GT(PAGE / 8, t.count);
	t.entries = 8;
	EXPECT_EQ(-EFAULT, axv_ioctl(self->v.fd, AXV_GET_TABLE, &t));
	EXPECT_EQ(0, vcpu_bind(&self->v));

	EXPECT_EQ(-EFAULT, axv_ioctl(self->vm.fd, AXV_VM_CREATE_VCPU, &c));
	c.cpu_set = 0xffff888000000000;
	EXPECT_EQ(-EFAULT, axv_ioctl(self->vm.fd, AXV_VM_CREATE_VCPU, &c));
	c.cpu_set_size = ~0u;
	EXPECT_GT(0, axv_ioctl(self->vm.fd, AXV_VM_CREATE_VCPU, &c));
	c.cpu_set = (unsigned long)words;
	EXPECT_GT(0, axv_ioctl(self->vm.fd, AXV_VM_CREATE_VCPU, &c));
	c.cpu_set_size = 1u << 30;
	EXPECT_GT(0, axv_ioctl(self->vm.fd, AXV_VM_CREATE_VCPU, &c));

	/* The log of a region that has none, of no region, and beyond the end of a region. */
	d.bitmap = (unsigned long)words;
	EXPECT_GT(0, axv_ioctl(self->vm.fd, AXV_VM_GET_DIRTY, &d));
	d.region = 7;
	EXPECT_GT(0, axv_ioctl(self->vm.fd, AXV_VM_GET_DIRTY, &d));
	d.region = ~0u;
	EXPECT_GT(0, axv_ioctl(self->vm.fd, AXV_VM_GET_DIRTY, &d));
	ASSERT_EQ(0, vm_region(&self->vm, 2, AXV_REGION_LOG_DIRTY, GUEST_MEM, 128 * PAGE,
			       mem_new(128 * PAGE)));
	d.region = 2;
	EXPECT_EQ(0, axv_ioctl(self->vm.fd, AXV_VM_GET_DIRTY, &d));
	EXPECT_EQ(0, axv_ioctl(self->vm.fd, AXV_VM_CLEAR_DIRTY, &d));
	d.flags = AXV_DIRTY_KEEP;
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_VM_CLEAR_DIRTY, &d));
	d.flags = 2;
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_VM_GET_DIRTY, &d));
	d.flags = 0;
	d.bitmap = 0xffff888000000000;
	EXPECT_EQ(-EFAULT, axv_ioctl(self->vm.fd, AXV_VM_CLEAR_DIRTY, &d));
	d.bitmap = (unsigned long)words + PAGE - 4;
	EXPECT_EQ(-EFAULT, axv_ioctl(self->vm.fd, AXV_VM_CLEAR_DIRTY, &d));
	d.bitmap = (unsigned long)words;
	d.first_page = 128;
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_VM_GET_DIRTY, &d));
	d.first_page = 64;
	d.nr_pages = 128;
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_VM_GET_DIRTY, &d));
	d.first_page = -64ull;
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_VM_GET_DIRTY, &d));
	d.first_page = 0;
	d.nr_pages = 1ull << 60;
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_VM_GET_DIRTY, &d));
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_VM_CLEAR_DIRTY, &d));
	d.nr_pages = ~0ull;
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_VM_CLEAR_DIRTY, &d));
	d.nr_pages = 0;
	EXPECT_EQ(-EINVAL, axv_ioctl(self->vm.fd, AXV_VM_CLEAR_DIRTY, &d));
	still_runs(_metadata, &self->v);
}

TEST_F(badinput, file_operations)
{
	char buf[64] = { 0 };
	int kind;

	for (kind = DEV; kind <= VCPU; kind <<= 1) {
		int fd = fd_of(&self->vm, &self->v, kind);

		EXPECT_EQ(-1, read(fd, buf, sizeof(buf)));
		EXPECT_EQ(-1, write(fd, buf, sizeof(buf)));
		EXPECT_EQ(-1, pread(fd, buf, sizeof(buf), 0));
		EXPECT_EQ(-1, ftruncate(fd, 0));
		lseek(fd, 4096, SEEK_SET);
		fcntl(fd, F_SETFL, O_NONBLOCK);
		fcntl(fd, F_SETFL, 0);
		EXPECT_EQ(0, close(dup(fd)));
	}
	still_runs(_metadata, &self->v);
}

static int maps(int fd, size_t size, int prot, int flags, off_t offset)
{
	void *p = mmap(NULL, size, prot, flags, fd, offset);

	if (p == MAP_FAILED)
		return 0;
	munmap(p, size);
	return 1;
}

#define RW	(PROT_READ | PROT_WRITE)

TEST_F(badinput, mappings)
{
	int v = self->v.fd;
	size_t size = self->v.run_size;
	void *p;

	EXPECT_LE(sizeof(struct axv_run), size);
	EXPECT_EQ(0ul, size % PAGE);
	EXPECT_EQ(1, maps(v, size, RW, MAP_SHARED, AXV_MMAP_RUN));
	EXPECT_EQ(0, maps(v, size, RW, MAP_PRIVATE, AXV_MMAP_RUN));
	EXPECT_EQ(0, maps(v, size, RW | PROT_EXEC, MAP_SHARED, AXV_MMAP_RUN));
	EXPECT_EQ(0, maps(v, size + PAGE, RW, MAP_SHARED, AXV_MMAP_RUN));
	EXPECT_EQ(0, maps(v, 1ul << 30, RW, MAP_SHARED, AXV_MMAP_RUN));
	EXPECT_EQ(0, maps(v, PAGE, RW, MAP_SHARED, size));
	EXPECT_EQ(0, maps(v, PAGE, RW, MAP_SHARED, AXV_MMAP_RING));
	EXPECT_EQ(0, maps(v, PAGE, RW, MAP_SHARED, AXV_MMAP_RING + PAGE));
	EXPECT_EQ(0, maps(v, PAGE, RW, MAP_SHARED, 0x7ffffffffffff000));
	EXPECT_EQ(0, maps(v, PAGE, RW, MAP_SHARED, -PAGE));
	EXPECT_EQ(0, maps(self->vm.fd, PAGE, RW, MAP_SHARED, 0));
	EXPECT_EQ(0, maps(self->vm.dev, PAGE, RW, MAP_SHARED, 0));

	/* mprotect() cannot make the run page's mapping executable afterwards. */
	p = mmap(NULL, size, RW, MAP_SHARED, v, AXV_MMAP_RUN);
	ASSERT_NE(MAP_FAILED, p);
	EXPECT_EQ(-1, mprotect(p, size, RW | PROT_EXEC));
	EXPECT_EQ(MAP_FAILED, mremap(p, size, size + PAGE, MREMAP_MAYMOVE));
	EXPECT_EQ(0, mprotect(p, size, PROT_READ));
	/* Both mappings show one page. */
	guest_start(&self->v, GUEST_CALL, 0x99, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(0x99ull, ((struct axv_run *)p)->exit.hypercall.nr);
	EXPECT_EQ(0, munmap(p, size));
}

TEST_F(badinput, run_page_as_guest_memory)
{
	/* The run page as guest memory: odd, but it must do no harm. */
	int ret = vm_region(&self->vm, 1, 0, GUEST_MEM, PAGE, self->v.run);

	if (!ret) {
		guest_start(&self->v, GUEST_WRITE, GUEST_MEM, 1, ~0ull);
		ret = vcpu_run(&self->v);
		EXPECT_TRUE(ret == AXV_EXIT_HYPERCALL || ret == AXV_EXIT_NESTED_PAGE_FAULT ||
			    ret == -EINVAL);
	}
	self->v.run->dirty = 0;
	memset(self->v.run, 0, sizeof(*self->v.run));
	EXPECT_EQ(0, vm_region(&self->vm, 1, 0, 0, 0, NULL));
	still_runs(_metadata, &self->v);
}

/* ---- the run page, written by another thread all the time ---- */

struct scribbler {
	struct axv_vcpu *v;
	atomic_int stop;
	atomic_ulong rounds;
};

static __u64 random_of(__u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static void *scribble(void *arg)
{
	struct scribbler *s = arg;
	volatile __u64 *page = (__u64 *)s->v->run;
	const size_t words = sizeof(struct axv_run) / sizeof(*page);
	__u64 seed = 0x123456789abcdef;
	size_t i;

	while (!s->stop) {
		for (i = 0; i < 64; i++)
			page[random_of(&seed) % words] = random_of(&seed);
		/* Small values, as the kernel refuses others early. */
		for (i = 0; i < 16; i++)
			page[random_of(&seed) % words] = random_of(&seed) % 16;
		s->v->run->dirty = random_of(&seed) % 4;
		s->v->run->want = random_of(&seed) % 4;
		/* Wherever the guest is now, the kick ends the run. */
		must(!vcpu_kick(s->v));
		s->rounds++;
	}
	return NULL;
}

TEST_F(badinput, run_page_scribbled_on)
{
	struct scribbler s = { .v = &self->v };
	unsigned long n = scaled(2000), i, ran = 0;
	pthread_t t;

	ASSERT_EQ(0, pthread_create(&t, NULL, scribble, &s));
	for (i = 0; i < n; i++) {
		int ret;

		/* Exits whose answer the kernel reads from the page are interesting. */
		guest_start(&self->v, i % 2 ? GUEST_READ : GUEST_WRITE,
			    i % 3 ? GUEST_HOLE : GUEST_DATA, 4, i);
		ret = axv_ioctl(self->v.fd, AXV_VCPU_RUN, NULL);
		ASSERT_TRUE(!ret || ret == -EINVAL) {
			TH_LOG("run %lu: %d", i, ret);
		}
		ran += !ret;
		ASSERT_EQ(AXV_STATE_READY, vcpu_state(&self->v));
		if (i % 64 == 0) {
			unsigned long rounds = s.rounds;

			while (s.rounds == rounds)
				sched_yield();
		}
	}
	s.stop = 1;
	ASSERT_EQ(0, pthread_join(t, NULL));
	EXPECT_LT(0ul, ran);
	/* After a reset the vCPU works as before. */
	ASSERT_EQ(0, vcpu_reset(&self->v));
	memset(self->v.run, 0, sizeof(*self->v.run));
	ASSERT_EQ(0, guest_setup(&self->v));
	ASSERT_EQ(0, vcpu_bind(&self->v));
	still_runs(_metadata, &self->v);
}

TEST_F(badinput, calls_from_all_sides)
{
	unsigned long n = scaled(3000), i;
	__u64 seed = 0xfeedface12345678;
	__u8 *buf = mem_new(16 * PAGE);

	/* Any command with any size and any bytes: each returns, and does no harm. */
	for (i = 0; i < n; i++) {
		const struct command *c = &commands[random_of(&seed) % NR_COMMANDS];
		unsigned int size = random_of(&seed) % 4 ? c->size : random_of(&seed) % 256;
		int kind = 1 << random_of(&seed) % 3, ret;
		unsigned int k;

		if (c->nr == _IOC_NR(AXV_VCPU_RUN))
			continue;
		for (k = 0; k < size; k++)
			buf[k] = random_of(&seed) % 3 ? 0 : random_of(&seed) % 8;
		ret = axv_ioctl(fd_of(&self->vm, &self->v, kind), command(c->nr, size), buf);
		if (ret >= 3 && (c->nr == _IOC_NR(AXV_CREATE_VM) ||
				 c->nr == _IOC_NR(AXV_VM_CREATE_VCPU)))
			close(ret);
	}
	ASSERT_EQ(0, vm_region(&self->vm, 0, 0, 0, 0, NULL));
	for (i = 1; i < axv_query(self->vm.dev, AXV_QUERY_MAX_REGIONS); i++)
		vm_region(&self->vm, i, 0, 0, 0, NULL);
	ASSERT_EQ(0, vm_region(&self->vm, 0, 0, 0, GUEST_RAM_SIZE, self->vm.ram));
	guest_prepare(&self->vm);
	ASSERT_EQ(0, vcpu_reset(&self->v));
	memset(self->v.run, 0, sizeof(*self->v.run));
	ASSERT_EQ(0, guest_setup(&self->v));
	ASSERT_EQ(0, vcpu_bind(&self->v));
	still_runs(_metadata, &self->v);
}

TEST_HARNESS_MAIN
