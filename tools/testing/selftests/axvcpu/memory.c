// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of guest memory, which is the VMM's own: the guest sees what the VMM does to its
 * mappings; regions are created, moved and deleted; writes are logged.
 */
#include "axv_harness.h"

#define PAGES	64ul

/* Realtime kernels have no huge pages; vmtest/skips lists where this skip is allowed. */
#define NO_THP	"no transparent huge pages in this kernel"

static int have_thp(void)
{
	return !access("/sys/kernel/mm/transparent_hugepage", F_OK);
}

FIXTURE(memory) {
	struct axv_vm vm;
	struct axv_vcpu v;
	__u8 *mem;		/* memory of region 1, PAGES pages at GUEST_MEM */
};

FIXTURE_SETUP(memory)
{
	vm_new(&self->vm, 0);
	vcpu_ready(&self->vm, &self->v, 0);
	self->mem = mem_new(PAGES * PAGE);
	ASSERT_EQ(0, mem_small_pages(self->mem, PAGES * PAGE));
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_MEM, PAGES * PAGE, self->mem));
}

FIXTURE_TEARDOWN(memory)
{
	vcpu_free(&self->v);
	vm_free(&self->vm);
}

static __u64 *word(void *mem, unsigned long page)
{
	return (__u64 *)((__u8 *)mem + page * PAGE);
}

/* Make the guest access memory; returns the exit reason. */
static int guest_write(struct axv_vcpu *v, __u64 gpa, unsigned long pages, __u64 value)
{
	guest_start(v, GUEST_WRITE, gpa, pages, value);
	return vcpu_run(v);
}

static int guest_read(struct axv_vcpu *v, __u64 gpa, unsigned long pages)
{
	guest_start(v, GUEST_READ, gpa, pages, 0);
	return vcpu_run(v);
}

#define ASSERT_WRITE(v, gpa, pages, value)				\
	ASSERT_EQ(AXV_EXIT_HYPERCALL, guest_write(v, gpa, pages, value)) { vcpu_dump(v); }

/* Make the guest read a word of each page, and check the sum. */
#define ASSERT_READ(expected, v, gpa, pages) do {			\
	ASSERT_EQ(AXV_EXIT_HYPERCALL, guest_read(v, gpa, pages)) { vcpu_dump(v); } \
	ASSERT_EQ((__u64)(expected), (v)->run->exit.hypercall.args[0]);	\
} while (0)

#define ASSERT_HOST_FAULT(v, address, acc) do {				\
	ASSERT_EQ(AXV_EXIT_NESTED_PAGE_FAULT, (v)->run->exit_reason) { vcpu_dump(v); } \
	ASSERT_EQ((__u64)(address), (v)->run->exit.fault.addr);		\
	ASSERT_EQ((__u32)AXV_FAULT_HOST, (v)->run->exit.fault.cause);	\
	ASSERT_NE(0u, (v)->run->exit.fault.access & (acc));		\
	ASSERT_GT(0, (v)->run->exit.fault.status);			\
} while (0)

TEST_F(memory, on_demand)
{
	__u8 vec[PAGES];
	unsigned long i;

	ASSERT_WRITE(&self->v, GUEST_MEM + 3 * PAGE, 1, 0x33);
	ASSERT_EQ(0, mincore(self->mem, PAGES * PAGE, vec));
	for (i = 0; i < PAGES; i++) {
		EXPECT_EQ(i == 3, vec[i] & 1) {
			TH_LOG("page %lu", i);
		}
	}
	EXPECT_EQ(0x33ull, *word(self->mem, 3));
	ASSERT_READ(0x33, &self->v, GUEST_MEM, PAGES);
}

TEST_F(memory, guest_and_vmm_see_writes_of_each_other)
{
	unsigned long i;

	for (i = 0; i < PAGES; i++)
		*word(self->mem, i) = i + 1;
	ASSERT_READ(PAGES * (PAGES + 1) / 2, &self->v, GUEST_MEM, PAGES);
	ASSERT_WRITE(&self->v, GUEST_MEM, PAGES, 7);
	for (i = 0; i < PAGES; i++)
		EXPECT_EQ(7ull, *word(self->mem, i));
	/* Pages that were only read are the zero page until the guest or the VMM writes. */
	ASSERT_EQ(0, madvise(self->mem, PAGES * PAGE, MADV_DONTNEED));
	ASSERT_READ(0, &self->v, GUEST_MEM, PAGES);
	*word(self->mem, 5) = 55;
	ASSERT_READ(55, &self->v, GUEST_MEM, PAGES);
	ASSERT_WRITE(&self->v, GUEST_MEM + 6 * PAGE, 1, 66);
	EXPECT_EQ(66ull, *word(self->mem, 6));
}

TEST_F(memory, dontneed)
{
	unsigned long i, n = scaled(100);

	for (i = 1; i <= n; i++) {
		ASSERT_WRITE(&self->v, GUEST_MEM, 4, i);
		ASSERT_EQ(0, madvise(word(self->mem, 1), PAGE, MADV_DONTNEED));
		ASSERT_READ(3 * i, &self->v, GUEST_MEM, 4);
		EXPECT_EQ(0ull, *word(self->mem, 1));
	}
}

TEST_F(memory, mprotect_readonly)
{
	ASSERT_WRITE(&self->v, GUEST_MEM, 2, 1);
	ASSERT_EQ(0, mprotect(self->mem, PAGE, PROT_READ));
	ASSERT_READ(2, &self->v, GUEST_MEM, 2);
	guest_write(&self->v, GUEST_MEM, 1, 2);
	ASSERT_HOST_FAULT(&self->v, GUEST_MEM, AXV_ACCESS_WRITE);
	EXPECT_EQ(1ull, *word(self->mem, 0));
	/* The guest's state is that before the store, which is made once it is possible. */
	ASSERT_EQ(0, mprotect(self->mem, PAGE, PROT_READ | PROT_WRITE));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(2ull, *word(self->mem, 0));
}

TEST_F(memory, mprotect_none)
{
	ASSERT_WRITE(&self->v, GUEST_MEM, 2, 1);
	ASSERT_EQ(0, mprotect(self->mem, PAGE, PROT_NONE));
	guest_read(&self->v, GUEST_MEM, 1);
	ASSERT_HOST_FAULT(&self->v, GUEST_MEM, AXV_ACCESS_READ);
	/* The access fails each time; one of the neighbouring page does not. */
	ASSERT_EXIT(AXV_EXIT_NESTED_PAGE_FAULT, &self->v);
	ASSERT_READ(1, &self->v, GUEST_MEM + PAGE, 1);
	ASSERT_EQ(0, mprotect(self->mem, PAGE, PROT_READ));
	ASSERT_READ(1, &self->v, GUEST_MEM, 1);
}

TEST_F(memory, munmap_and_map_anew)
{
	void *p;

	ASSERT_WRITE(&self->v, GUEST_MEM, PAGES, 1);
	ASSERT_EQ(0, munmap(word(self->mem, 1), PAGE));
	guest_read(&self->v, GUEST_MEM, PAGES);
	ASSERT_HOST_FAULT(&self->v, GUEST_MEM + PAGE, AXV_ACCESS_READ);
	p = mmap(word(self->mem, 1), PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	ASSERT_EQ(p, word(self->mem, 1));
	*word(self->mem, 1) = 100;
	/* The load that faulted is repeated, and the guest goes on. */
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(100 + PAGES - 1, self->v.run->exit.hypercall.args[0]);
	/* A page is replaced while the guest uses it. */
	p = mmap(word(self->mem, 2), PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	ASSERT_EQ(p, word(self->mem, 2));
	ASSERT_READ(100 + PAGES - 2, &self->v, GUEST_MEM, PAGES);
}

TEST_F(memory, mremap_away)
{
	void *to = mem_new(PAGES * PAGE);

	ASSERT_WRITE(&self->v, GUEST_MEM, PAGES, 1);
	ASSERT_EQ(to, mremap(self->mem, PAGES * PAGE, PAGES * PAGE,
			     MREMAP_MAYMOVE | MREMAP_FIXED, to));
	guest_write(&self->v, GUEST_MEM, 1, 2);
	ASSERT_HOST_FAULT(&self->v, GUEST_MEM, AXV_ACCESS_WRITE);
	EXPECT_EQ(1ull, *word(to, 0));
	/* A region is an address of the VMM; now it gets the new one. */
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_MEM, PAGES * PAGE, to));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(2ull, *word(to, 0));
}

TEST_F(memory, no_memory_behind_a_region)
{
	ASSERT_EQ(0, munmap(self->mem, PAGES * PAGE));
	guest_write(&self->v, GUEST_MEM, 1, 2);
	ASSERT_HOST_FAULT(&self->v, GUEST_MEM, AXV_ACCESS_WRITE);
	EXPECT_EQ(AXV_STATE_READY, vcpu_state(&self->v));
}

TEST_F(memory, a_file)
{
	int fd = memfd_create("axv", MFD_CLOEXEC);
	__u64 value = 0;
	void *p;

	ASSERT_LE(0, fd);
	ASSERT_EQ(0, ftruncate(fd, 2 * PAGE));
	p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, vm_region(&self->vm, 2, 0, GUEST_MEM + HUGE_PAGE, 2 * PAGE, p));
	ASSERT_WRITE(&self->v, GUEST_MEM + HUGE_PAGE, 2, 0xabcd);
	ASSERT_EQ(sizeof(value), (size_t)pread(fd, &value, sizeof(value), PAGE));
	EXPECT_EQ(0xabcdull, value);
	/* Truncated under the guest: SIGBUS for the VMM, an exit for the guest. */
	ASSERT_EQ(0, ftruncate(fd, PAGE));
	guest_read(&self->v, GUEST_MEM + HUGE_PAGE, 2);
	ASSERT_HOST_FAULT(&self->v, GUEST_MEM + HUGE_PAGE + PAGE, AXV_ACCESS_READ);
	close(fd);
}

TEST_F(memory, fork_while_mapped)
{
	int to_child[2], to_parent[2];
	char c = 0;
	pid_t pid;

	ASSERT_EQ(0, pipe(to_child));
	ASSERT_EQ(0, pipe(to_parent));
	ASSERT_WRITE(&self->v, GUEST_MEM, PAGES, 1);
	pid = fork();
	if (!pid) {
		/* After the guest's write, the child still has the old contents. */
		must(read(to_child[0], &c, 1) == 1);
		must(*word(self->mem, 0) == 1 && *word(self->mem, PAGES - 1) == 1);
		*word(self->mem, 0) = 3;
		*word(self->mem, 1) = 3;
		must(write(to_parent[1], &c, 1) == 1);
		must(read(to_child[0], &c, 1) == 1);
		must(*word(self->mem, 0) == 3);
		_exit(0);
	}
	ASSERT_WRITE(&self->v, GUEST_MEM, 1, 2);
	EXPECT_EQ(2ull, *word(self->mem, 0));
	ASSERT_EQ(1, write(to_child[1], &c, 1));
	ASSERT_EQ(1, read(to_parent[0], &c, 1));
	ASSERT_READ(2 + 1, &self->v, GUEST_MEM, 2);
	ASSERT_WRITE(&self->v, GUEST_MEM, PAGES, 4);
	EXPECT_EQ(4ull, *word(self->mem, 1));
	ASSERT_EQ(1, write(to_child[1], &c, 1));
	EXPECT_EQ(0, child_status(pid));
	ASSERT_READ(4 * PAGES, &self->v, GUEST_MEM, PAGES);
}

/* ---- huge pages ---- */

static void *aligned(size_t size, size_t align)
{
	__u8 *p = mem_new(size + align);

	return p + (-(unsigned long)p & (align - 1));
}

static int has_thp(void *at)
{
	char line[256];
	FILE *f = fopen("/proc/self/smaps", "r");
	unsigned long start, end, kb;
	int here = 0, huge = 0;

	must(f);
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = (unsigned long)at >= start && (unsigned long)at < end;
		else if (here && sscanf(line, "AnonHugePages: %lu kB", &kb) == 1)
			huge = kb > 0;
	}
	fclose(f);
	return huge;
}

/* Whether the processor has the "iTLB multihit" bug: then guests get no huge pages. */
static int has_multihit(void)
{
	char line[64] = "";
	FILE *f = fopen("/sys/devices/system/cpu/vulnerabilities/itlb_multihit", "r");

	if (!f)
		return 0;
	must(fgets(line, sizeof(line), f));
	fclose(f);
	return strncmp(line, "Not affected", 12);
}

/* Test 2 MiB of memory that are one huge page in the host (@thp), and change in the middle. */
static void huge_page_test(struct __test_metadata *_metadata, struct axv_vm *vm,
			   struct axv_vcpu *v, __u8 *mem, int thp)
{
	const unsigned long n = HUGE_PAGE / PAGE;
	struct axv_stats before, after;

	memset(mem, 0, HUGE_PAGE);
	thp = thp && has_thp(mem);
	ASSERT_EQ(0, vm_region(vm, 2, 0, GUEST_MEM + HUGE_PAGE, HUGE_PAGE, mem));
	before = vcpu_stats(v);
	ASSERT_WRITE(v, GUEST_MEM + HUGE_PAGE, n, 1);
	after = vcpu_stats(v);
	if (thp) {
		EXPECT_LE(has_multihit() ? n : 0, after.faults - before.faults);
		EXPECT_GE(has_multihit() ? n + 8 : 8, after.faults - before.faults);
	}
	EXPECT_EQ(1ull, *word(mem, n - 1));
	if (!thp)
		return;
	ASSERT_EQ(0, madvise(word(mem, 100), PAGE, MADV_DONTNEED));
	ASSERT_READ(n - 1, v, GUEST_MEM + HUGE_PAGE, n);
	ASSERT_EQ(0, mprotect(word(mem, 200), PAGE, PROT_READ));
	guest_write(v, GUEST_MEM + HUGE_PAGE, n, 2);
	ASSERT_HOST_FAULT(v, GUEST_MEM + HUGE_PAGE + 200 * PAGE, AXV_ACCESS_WRITE);
	EXPECT_EQ(2ull, *word(mem, 199));
	EXPECT_EQ(1ull, *word(mem, 200));
	ASSERT_EQ(0, mprotect(word(mem, 200), PAGE, PROT_READ | PROT_WRITE));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, v);
	ASSERT_READ(2 * n, v, GUEST_MEM + HUGE_PAGE, n);
}

TEST_F(memory, thp)
{
	__u8 *mem = aligned(HUGE_PAGE, HUGE_PAGE);

	if (!have_thp())
		SKIP(return, NO_THP);
	ASSERT_EQ(0, madvise(mem, HUGE_PAGE, MADV_HUGEPAGE));
	*mem = 1;
	EXPECT_TRUE(has_thp(mem));
	huge_page_test(_metadata, &self->vm, &self->v, mem, 1);
}

TEST_F(memory, thp_not_congruent)
{
	const unsigned long n = HUGE_PAGE / PAGE;
	__u8 *mem = aligned(2 * HUGE_PAGE, HUGE_PAGE);
	unsigned long i;

	/* Guest and host addresses differ below 2 MiB, so a huge mapping would be wrong. */
	if (!have_thp())
		SKIP(return, NO_THP);
	ASSERT_EQ(0, madvise(mem, 2 * HUGE_PAGE, MADV_HUGEPAGE));
	for (i = 0; i < 2 * n; i++)
		*word(mem, i) = i;
	ASSERT_EQ(0, vm_region(&self->vm, 2, 0, GUEST_MEM + HUGE_PAGE, HUGE_PAGE,
			       word(mem, 3)));
	ASSERT_READ(3, &self->v, GUEST_MEM + HUGE_PAGE, 1);
	ASSERT_READ(n + 2, &self->v, GUEST_MEM + HUGE_PAGE + (n - 1) * PAGE, 1);
	ASSERT_READ(n * 3 + n * (n - 1) / 2, &self->v, GUEST_MEM + HUGE_PAGE, n);
}

TEST_F(memory, a_region_ends_inside_a_huge_page)
{
	const unsigned long n = HUGE_PAGE / PAGE;
	__u8 *mem = aligned(HUGE_PAGE, HUGE_PAGE);

	/* The guest must not get the VMM's memory behind the region's end. */
	if (!have_thp())
		SKIP(return, NO_THP);
	ASSERT_EQ(0, madvise(mem, HUGE_PAGE, MADV_HUGEPAGE));
	memset(mem, 0x5a, HUGE_PAGE);
	ASSERT_EQ(0, vm_region(&self->vm, 2, 0, GUEST_MEM + HUGE_PAGE, 16 * PAGE, mem));
	ASSERT_WRITE(&self->v, GUEST_MEM + HUGE_PAGE, 16, 1);
	/* The second word: on arm64 an access at the first may be the end of one before. */
	ASSERT_EQ(AXV_EXIT_MMIO_READ,
		  guest_read(&self->v, GUEST_MEM + HUGE_PAGE + 16 * PAGE + 8, 1));
	ASSERT_EQ(AXV_EXIT_MMIO_WRITE,
		  guest_write(&self->v, GUEST_MEM + HUGE_PAGE + 16 * PAGE + 8, 1, 0));
	EXPECT_EQ(0x5a5a5a5a5a5a5a5aull, word(mem, 16)[1]);
	EXPECT_EQ(0x5a5a5a5a5a5a5a5aull, *word(mem, n - 1));
}

TEST_F(memory, hugetlbfs)
{
	static const char knob[] = "/proc/sys/vm/nr_hugepages";
	int fd = open(knob, O_WRONLY);
	void *mem;

	ASSERT_LE(0, fd);
	ASSERT_EQ(1, pwrite(fd, "2", 1, 0));
	mem = mmap(NULL, HUGE_PAGE, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | 21 << MAP_HUGE_SHIFT, -1, 0);
	ASSERT_NE(MAP_FAILED, mem) { ASSERT_EQ(1, pwrite(fd, "0", 1, 0)); }
	huge_page_test(_metadata, &self->vm, &self->v, mem, 0);
	EXPECT_LE(has_multihit() ? HUGE_PAGE / PAGE : 0, vcpu_stats(&self->v).faults);
	EXPECT_GE(has_multihit() ? ~0ull : 40ull, vcpu_stats(&self->v).faults);
	EXPECT_EQ(0, munmap(mem, HUGE_PAGE));
	EXPECT_EQ(AXV_EXIT_NESTED_PAGE_FAULT,
		  guest_read(&self->v, GUEST_MEM + HUGE_PAGE, 1));
	/* The module does not hold the page any more, so it can be given back. */
	ASSERT_EQ(1, pwrite(fd, "0", 1, 0));
	close(fd);
}

/* ---- the dirty log ---- */

static int dirty_call(struct axv_vm *vm, unsigned long command, __u32 flags, __u32 region,
		      __u64 first, __u64 nr, __u64 *bitmap)
{
	struct axv_dirty d = {
		.region = region,
		.flags = flags,
		.first_page = first,
		.nr_pages = nr,
		.bitmap = (unsigned long)bitmap,
	};

	return axv_ioctl(vm->fd, command, &d);
}

static int get_dirty(struct axv_vm *vm, __u32 region, __u64 first, __u64 nr, __u64 *bitmap)
{
	return dirty_call(vm, AXV_VM_GET_DIRTY, 0, region, first, nr, bitmap);
}

static int keep_dirty(struct axv_vm *vm, __u32 region, __u64 first, __u64 nr, __u64 *bitmap)
{
	return dirty_call(vm, AXV_VM_GET_DIRTY, AXV_DIRTY_KEEP, region, first, nr, bitmap);
}

static int clear_dirty(struct axv_vm *vm, __u32 region, __u64 first, __u64 nr, __u64 *bitmap)
{
	return dirty_call(vm, AXV_VM_CLEAR_DIRTY, 0, region, first, nr, bitmap);
}

#define DIRTY_PAGES	200ul
#define DIRTY_WORDS	4

static void dirty_test(struct __test_metadata *_metadata, struct axv_vm *vm,
		       struct axv_vcpu *v, void *mem)
{
	const __u64 at = GUEST_MEM + 2 * HUGE_PAGE;
	__u64 map[DIRTY_WORDS];

	ASSERT_EQ(0, vm_region(vm, 3, AXV_REGION_LOG_DIRTY, at, DIRTY_PAGES * PAGE, mem));
	ASSERT_EQ(0, get_dirty(vm, 3, 0, DIRTY_PAGES, map));

	/* Reads make no page dirty. */
	ASSERT_READ(0, v, at, DIRTY_PAGES);
	ASSERT_EQ(0, get_dirty(vm, 3, 0, DIRTY_PAGES, map));
	EXPECT_EQ(0ull, map[0] | map[1] | map[2] | map[3]);

	/* Exactly the pages that were written are dirty. */
	ASSERT_WRITE(v, at + 1 * PAGE, 1, 1);
	ASSERT_WRITE(v, at + 63 * PAGE, 2, 1);
	ASSERT_WRITE(v, at + 130 * PAGE, 1, 1);
	ASSERT_WRITE(v, at + 199 * PAGE, 1, 1);
	memset(map, 0xff, sizeof(map));
	ASSERT_EQ(0, get_dirty(vm, 3, 0, DIRTY_PAGES, map));
	EXPECT_EQ(1ull << 63 | 1ull << 1, map[0]);
	EXPECT_EQ(1ull << 0, map[1]);
	EXPECT_EQ(1ull << 2, map[2]);
	EXPECT_EQ(1ull << 7, map[3]);

	/* Pages that were reported are clean. */
	ASSERT_EQ(0, get_dirty(vm, 3, 0, DIRTY_PAGES, map));
	EXPECT_EQ(0ull, map[0] | map[1] | map[2] | map[3]);

	/* Further writes are logged, to pages written before and to others. */
	ASSERT_WRITE(v, at + 63 * PAGE, 1, 2);
	ASSERT_WRITE(v, at + 100 * PAGE, 1, 2);
	/* Reading a part of the log does not change the rest. */
	ASSERT_EQ(0, get_dirty(vm, 3, 64, 64, map));
	EXPECT_EQ(1ull << (100 - 64), map[0]);
	/* A call that fails clears nothing. */
	EXPECT_EQ(-EFAULT, get_dirty(vm, 3, 0, DIRTY_PAGES, NULL));
	EXPECT_EQ(-EINVAL, get_dirty(vm, 3, 1, 64, map));
	EXPECT_EQ(-EINVAL, get_dirty(vm, 3, 0, DIRTY_PAGES + 1, map));
	ASSERT_EQ(0, get_dirty(vm, 3, 0, DIRTY_PAGES, map));
	EXPECT_EQ(1ull << 63, map[0]);
	EXPECT_EQ(0ull, map[1] | map[2] | map[3]);

	/* A page that the VMM drops in between. */
	ASSERT_EQ(0, madvise(word(mem, 63), PAGE, MADV_DONTNEED));
	ASSERT_WRITE(v, at + 63 * PAGE, 1, 3);
	ASSERT_EQ(0, get_dirty(vm, 3, 0, DIRTY_PAGES, map));
	EXPECT_EQ(1ull << 63, map[0]);
}

TEST_F(memory, dirty_log)
{
	__u8 *mem = mem_new(DIRTY_PAGES * PAGE);

	ASSERT_EQ(0, mem_small_pages(mem, DIRTY_PAGES * PAGE));
	dirty_test(_metadata, &self->vm, &self->v, mem);
}

TEST_F(memory, dirty_log_on_a_huge_page)
{
	__u8 *mem = aligned(HUGE_PAGE, HUGE_PAGE);

	if (!have_thp())
		SKIP(return, NO_THP);
	ASSERT_EQ(0, madvise(mem, HUGE_PAGE, MADV_HUGEPAGE));
	*mem = 0;
	EXPECT_TRUE(has_thp(mem));
	dirty_test(_metadata, &self->vm, &self->v, mem);
}

TEST_F(memory, dirty_log_switched_on_and_off)
{
	const unsigned long size = PAGES * PAGE;
	__u64 map[1];

	EXPECT_GT(0, get_dirty(&self->vm, 1, 0, PAGES, map));
	/* Switch the log on when all is mapped writable already. */
	ASSERT_WRITE(&self->v, GUEST_MEM, PAGES, 1);
	ASSERT_EQ(0, vm_region(&self->vm, 1, AXV_REGION_LOG_DIRTY, GUEST_MEM, size, self->mem));
	ASSERT_WRITE(&self->v, GUEST_MEM + 9 * PAGE, 1, 2);
	ASSERT_EQ(0, get_dirty(&self->vm, 1, 0, PAGES, map));
	EXPECT_EQ(1ull << 9, map[0]);
	ASSERT_WRITE(&self->v, GUEST_MEM + 10 * PAGE, 1, 2);
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_MEM, size, self->mem));
	EXPECT_GT(0, get_dirty(&self->vm, 1, 0, PAGES, map));
	ASSERT_READ(PAGES + 2, &self->v, GUEST_MEM, PAGES);
}

static unsigned long vmalloc_used(void)
{
	FILE *f = fopen("/proc/meminfo", "r");
	unsigned long kb = 0;
	char line[256];

	must(f);
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "VmallocUsed: %lu kB", &kb) == 1)
			break;
	fclose(f);
	return kb << 10;
}

/* A region as large as the guest can address, where the VMM has no memory. */
TEST_F(memory, a_log_costs_nothing_where_nothing_is_written)
{
	const __u64 most = 1ull << axv_query(self->vm.dev, AXV_QUERY_IPA_BITS);
	__u64 size = most / 2 < 1ull << 44 ? most / 2 : 1ull << 44;
	unsigned long before = vmalloc_used();
	__u64 map[1];

	ASSERT_EQ(0, vm_region(&self->vm, 3, AXV_REGION_LOG_DIRTY, most - size, size,
			       (void *)(1ul << 32)));
	EXPECT_GT(before + size / PAGE / 8 / 2, vmalloc_used());
	ASSERT_EQ(0, get_dirty(&self->vm, 3, size / PAGE - 64, 64, map));
	EXPECT_EQ(0ull, map[0]);

	/* One call returns only so many pages. */
	EXPECT_EQ(-EINVAL, get_dirty(&self->vm, 3, 0,
				     axv_query(self->vm.dev, AXV_QUERY_MAX_DIRTY_PAGES) + 64,
				     map));
}

TEST_F(memory, dirty_log_under_a_running_guest)
{
	unsigned long n = scaled(40), i;
	struct axv_runner r;
	__u64 map[1];

	ASSERT_EQ(0, vm_region(&self->vm, 1, AXV_REGION_LOG_DIRTY, GUEST_MEM,
			       PAGES * PAGE, self->mem));
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	guest_start(&self->v, GUEST_SPIN, GUEST_MEM + 5 * PAGE, 0, 0);
	runner_start(&r, &self->v, until_kicked, NULL);
	await_progress(word(self->mem, 5));
	for (i = 0; i < n; i++) {
		ASSERT_EQ(0, get_dirty(&self->vm, 1, 0, PAGES, map));
		/* The guest goes on writing, which is logged again. */
		await_progress(word(self->mem, 5));
		ASSERT_EQ(0, get_dirty(&self->vm, 1, 0, PAGES, map));
		ASSERT_EQ(1ull << 5, map[0]);
		await_progress(word(self->mem, 5));
	}
	runner_stop(&r);
	EXPECT_EQ(0, r.error);
}

/* What a VMM does to copy a running guest: get the log, clear what it copies next, copy. */
TEST_F(memory, dirty_kept_and_cleared)
{
	const __u64 at = GUEST_MEM + 2 * HUGE_PAGE;
	struct axv_vm *vm = &self->vm;
	struct axv_vcpu *v = &self->v;
	void *mem = mem_new(DIRTY_PAGES * PAGE);
	__u64 map[DIRTY_WORDS], clear[DIRTY_WORDS] = {};
	int i;

	ASSERT_NE(0ull, axv_query(vm->dev, AXV_QUERY_DIRTY_FLAGS) & AXV_DIRTY_KEEP);
	ASSERT_EQ(0, mem_small_pages(mem, DIRTY_PAGES * PAGE));
	ASSERT_EQ(0, vm_region(vm, 3, AXV_REGION_LOG_DIRTY, at, DIRTY_PAGES * PAGE, mem));
	ASSERT_WRITE(v, at, DIRTY_PAGES, 1);
	for (i = 0; i < 2; i++) {
		memset(map, 0, sizeof(map));
		ASSERT_EQ(0, keep_dirty(vm, 3, 0, DIRTY_PAGES, map));
		EXPECT_EQ(~0ull, map[0] & map[1] & map[2]);
		EXPECT_EQ(0xffull, map[3]);
	}

	/* Clear some pages, of which one is then written again. */
	clear[0] = 1ull << 3 | 1ull << 62;
	clear[3] = 1ull << 7;
	ASSERT_EQ(0, clear_dirty(vm, 3, 0, DIRTY_PAGES, clear));
	ASSERT_WRITE(v, at + 62 * PAGE, 1, 2);
	ASSERT_EQ(0, keep_dirty(vm, 3, 0, DIRTY_PAGES, map));
	EXPECT_EQ(~(1ull << 3), map[0]);
	EXPECT_EQ(~0ull, map[1] & map[2]);
	EXPECT_EQ(0x7full, map[3]);

	/* Clear a part; a call that fails clears nothing; clean pages stay clean. */
	clear[0] = ~0ull;
	ASSERT_EQ(0, clear_dirty(vm, 3, 64, 64, clear));
	clear[0] = 0xff | 1ull << 8;
	EXPECT_EQ(-EINVAL, clear_dirty(vm, 3, 192, 8, clear));
	EXPECT_EQ(-EFAULT, clear_dirty(vm, 3, 0, DIRTY_PAGES, NULL));
	EXPECT_EQ(-EINVAL, dirty_call(vm, AXV_VM_CLEAR_DIRTY, AXV_DIRTY_KEEP, 3, 0, 64, clear));
	EXPECT_EQ(-EINVAL, dirty_call(vm, AXV_VM_GET_DIRTY, 2, 3, 0, 64, clear));
	EXPECT_EQ(-EFAULT, keep_dirty(vm, 3, 0, DIRTY_PAGES, NULL));
	clear[0] = 1ull << 3;
	ASSERT_EQ(0, clear_dirty(vm, 3, 0, 64, clear));
	ASSERT_EQ(0, get_dirty(vm, 3, 0, DIRTY_PAGES, map));
	EXPECT_EQ(~(1ull << 3), map[0]);
	EXPECT_EQ(0ull, map[1]);
	EXPECT_EQ(~0ull, map[2]);
	EXPECT_EQ(0x7full, map[3]);
	ASSERT_EQ(0, keep_dirty(vm, 3, 0, DIRTY_PAGES, map));
	EXPECT_EQ(0ull, map[0] | map[1] | map[2] | map[3]);
}

/* ---- regions ---- */

TEST_F(memory, regions_that_are_refused)
{
	const __u64 top = 1ull << axv_query(self->vm.dev, AXV_QUERY_IPA_BITS);
	const __u32 regions = axv_query(self->vm.dev, AXV_QUERY_MAX_REGIONS);
	struct axv_vm *vm = &self->vm;
	void *mem = self->mem;
	__u64 at = GUEST_MEM;

	/* Addresses and sizes that are not aligned. */
	EXPECT_EQ(-EINVAL, vm_region(vm, 2, 0, at + HUGE_PAGE + 1, PAGE, mem));
	EXPECT_EQ(-EINVAL, vm_region(vm, 2, 0, at + HUGE_PAGE, PAGE + 8, mem));
	EXPECT_EQ(-EINVAL, vm_region(vm, 2, 0, at + HUGE_PAGE, PAGE, mem + 16));
	/* Regions that wrap around, or end beyond the guest's address space. */
	EXPECT_EQ(-EINVAL, vm_region(vm, 2, 0, -PAGE, 2 * PAGE, mem));
	EXPECT_EQ(-EINVAL, vm_region(vm, 2, 0, at + HUGE_PAGE, -PAGE, mem));
	EXPECT_EQ(-EINVAL, vm_region(vm, 2, 0, top, PAGE, mem));
	EXPECT_EQ(-EINVAL, vm_region(vm, 2, 0, top - PAGE, 2 * PAGE, mem));
	EXPECT_GT(0, vm_region(vm, 2, 0, at + HUGE_PAGE, PAGE, (void *)-PAGE));
	EXPECT_GT(0, vm_region(vm, 2, 0, at + HUGE_PAGE, PAGE, (void *)(1ul << 63)));
	EXPECT_EQ(-EINVAL, vm_region(vm, regions, 0, at + HUGE_PAGE, PAGE, mem));
	EXPECT_EQ(-EINVAL, vm_region(vm, 2, 1u << 31, at + HUGE_PAGE, PAGE, mem));
	/* Overlap: at the start, at the end, inside, around, the same. */
	EXPECT_EQ(-EEXIST, vm_region(vm, 2, 0, at - PAGE, 2 * PAGE, mem));
	EXPECT_EQ(-EEXIST, vm_region(vm, 2, 0, at + (PAGES - 1) * PAGE, 2 * PAGE, mem));
	EXPECT_EQ(-EEXIST, vm_region(vm, 2, 0, at + 3 * PAGE, PAGE, mem));
	EXPECT_EQ(-EEXIST, vm_region(vm, 2, 0, at - PAGE, (PAGES + 2) * PAGE, mem));
	EXPECT_EQ(-EEXIST, vm_region(vm, 2, 0, at, PAGES * PAGE, mem));
	/* A move onto another region is refused, and the region stays where it was. */
	EXPECT_EQ(-EEXIST, vm_region(vm, 1, 0, 0, PAGES * PAGE, mem));
	ASSERT_WRITE(&self->v, GUEST_MEM, PAGES, 1);
	/* Adjacent regions do not overlap, nor does a moved region with its old place. */
	EXPECT_EQ(0, vm_region(vm, 2, 0, at - PAGE, PAGE, mem));
	EXPECT_EQ(0, vm_region(vm, 3, 0, at + PAGES * PAGE, PAGE, mem));
	EXPECT_EQ(0, vm_region(vm, 1, 0, at + PAGE, (PAGES - 1) * PAGE, mem));
	EXPECT_EQ(0, vm_region(vm, 4, 0, top - PAGE, PAGE, mem));
	/* When a region is deleted, its place is free. */
	EXPECT_EQ(0, vm_region(vm, 1, 0, 0, 0, NULL));
	EXPECT_EQ(0, vm_region(vm, 5, 0, at, PAGES * PAGE, mem));
}

TEST_F(memory, as_many_regions_as_there_may_be)
{
	const __u32 regions = axv_query(self->vm.dev, AXV_QUERY_MAX_REGIONS);
	__u32 i;

	ASSERT_LE(32768u, regions);
	for (i = 2; i < regions; i++) {
		ASSERT_EQ(0, vm_region(&self->vm, i, 0, GUEST_MEM + HUGE_PAGE + 2 * i * PAGE,
				       PAGE, word(self->mem, i % PAGES)));
		/* The guest reads some regions when they are created, and again when all are. */
		if (i % 509)
			continue;
		*word(self->mem, i % PAGES) = i;
		ASSERT_READ(i, &self->v, GUEST_MEM + HUGE_PAGE + 2 * i * PAGE, 1);
	}
	for (i = 2; i < regions; i += 1021) {
		*word(self->mem, i % PAGES) = i;
		ASSERT_READ(i, &self->v, GUEST_MEM + HUGE_PAGE + 2 * i * PAGE, 1);
		/* Not the first word: on arm64 that may be the end of an access to memory. */
		ASSERT_EQ(AXV_EXIT_MMIO_READ,
			  guest_read(&self->v,
				     GUEST_MEM + HUGE_PAGE + (2 * i + 1) * PAGE + 8, 1));
	}
	/* Drop a page of the VMM that hundreds of regions have. */
	ASSERT_EQ(0, madvise(self->mem, PAGE, MADV_DONTNEED));
	ASSERT_READ(0, &self->v, GUEST_MEM + HUGE_PAGE + 2 * PAGES * PAGE, 1);
	for (i = 2; i < regions; i++)
		ASSERT_EQ(0, vm_region(&self->vm, i, 0, 0, 0, NULL));
	ASSERT_EQ(AXV_EXIT_MMIO_READ,
		  guest_read(&self->v, GUEST_MEM + HUGE_PAGE + 4 * PAGE, 1));
}

TEST_F(memory, one_page_at_two_addresses)
{
	ASSERT_EQ(0, vm_region(&self->vm, 2, 0, GUEST_MEM + HUGE_PAGE, PAGES * PAGE,
			       self->mem));
	ASSERT_WRITE(&self->v, GUEST_MEM, 1, 11);
	ASSERT_READ(11, &self->v, GUEST_MEM + HUGE_PAGE, 1);
	/* A change of the VMM's memory is seen in both regions. */
	ASSERT_EQ(0, madvise(self->mem, PAGES * PAGE, MADV_DONTNEED));
	ASSERT_READ(0, &self->v, GUEST_MEM + HUGE_PAGE, 1);
	ASSERT_READ(0, &self->v, GUEST_MEM, 1);
}

TEST_F(memory, readonly)
{
	const unsigned long size = PAGES * PAGE;
	const struct axv_exit_mmio *m = &self->v.run->exit.mmio;

	*word(self->mem, 0) = 77;
	ASSERT_EQ(0, vm_region(&self->vm, 1, AXV_REGION_READONLY, GUEST_MEM, size, self->mem));
	ASSERT_READ(77, &self->v, GUEST_MEM, 1);
	/* A plain store goes to the VMM, which may make it or drop it. */
	ASSERT_EQ(AXV_EXIT_MMIO_WRITE, guest_write(&self->v, GUEST_MEM, 1, 78));
	EXPECT_EQ(GUEST_MEM, m->addr);
	EXPECT_EQ(78ull, m->data);
	EXPECT_EQ(8, m->width);
	EXPECT_EQ(77ull, *word(self->mem, 0));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	EXPECT_EQ(77ull, *word(self->mem, 0));
	/* Make the region writable. */
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_MEM, size, self->mem));
	ASSERT_WRITE(&self->v, GUEST_MEM, 1, 78);
	EXPECT_EQ(78ull, *word(self->mem, 0));
	/* Make it read-only again, now that it is mapped writable. */
	ASSERT_EQ(0, vm_region(&self->vm, 1, AXV_REGION_READONLY, GUEST_MEM, size, self->mem));
	ASSERT_EQ(AXV_EXIT_MMIO_WRITE, guest_write(&self->v, GUEST_MEM, 1, 79));
	EXPECT_EQ(78ull, *word(self->mem, 0));
	/* The VMM itself may write. */
	*word(self->mem, 0) = 80;
	ASSERT_READ(80, &self->v, GUEST_MEM, 1);
}

TEST_F(memory, readonly_memory_of_the_host)
{
	void *p = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_NE(MAP_FAILED, p);
	ASSERT_EQ(0, vm_region(&self->vm, 2, AXV_REGION_READONLY, GUEST_MEM + HUGE_PAGE,
			       PAGE, p));
	ASSERT_READ(0, &self->v, GUEST_MEM + HUGE_PAGE, 1);
	ASSERT_EQ(AXV_EXIT_MMIO_WRITE, guest_write(&self->v, GUEST_MEM + HUGE_PAGE, 1, 1));
}

TEST_F(memory, region_deleted)
{
	ASSERT_WRITE(&self->v, GUEST_MEM, 1, 1);
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, 0, 0, NULL));
	ASSERT_EQ(AXV_EXIT_MMIO_WRITE, guest_write(&self->v, GUEST_MEM, 1, 2));
	EXPECT_EQ(GUEST_MEM, self->v.run->exit.mmio.addr);
	EXPECT_EQ(1ull, *word(self->mem, 0));
}

/* ---- under a running guest ---- */

TEST_F(memory, region_given_other_memory_while_running)
{
	unsigned long n = scaled(60), i;
	__u64 *side[2] = { word(self->mem, 0), word(self->mem, 1) };
	struct axv_runner r;

	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_MEM, PAGE, side[0]));
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	guest_start(&self->v, GUEST_SPIN, GUEST_MEM, 0, 0);
	runner_start(&r, &self->v, until_kicked, NULL);
	await_progress(side[0]);
	for (i = 1; i <= n; i++) {
		volatile __u64 *now = side[i % 2], *then = side[(i + 1) % 2];
		__u64 last;

		ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_MEM, PAGE, (void *)now));
		/* From now on the guest must not use the old mapping. */
		last = *then;
		await_progress(now);
		ASSERT_EQ(last, *then);
	}
	runner_stop(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(1ul, r.exits[AXV_EXIT_KICKED]);
	EXPECT_EQ(0ul, r.exits[AXV_EXIT_MMIO_WRITE]);
}

static int until_mmio(struct axv_runner *r)
{
	return r->vcpu->run->exit_reason != AXV_EXIT_NOTHING;
}

TEST_F(memory, region_moved_away_while_running)
{
	struct axv_runner r;
	__u64 last;

	ASSERT_EQ(0, vcpu_unbind(&self->v));
	guest_start(&self->v, GUEST_SPIN, GUEST_MEM, 0, 0);
	runner_start(&r, &self->v, until_mmio, NULL);
	await_progress(word(self->mem, 0));
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_MEM + HUGE_PAGE, PAGES * PAGE,
			       self->mem));
	last = *word(self->mem, 0);
	runner_join(&r);
	EXPECT_EQ(1ul, r.exits[AXV_EXIT_MMIO_WRITE]);
	EXPECT_EQ(GUEST_MEM, self->v.run->exit.mmio.addr);
	/* No store has been lost or made twice. */
	EXPECT_EQ(last + 1, self->v.run->exit.mmio.data);
	EXPECT_EQ(last, *word(self->mem, 0));
	ASSERT_EQ(0, vcpu_bind(&self->v));
	ASSERT_READ(last, &self->v, GUEST_MEM + HUGE_PAGE, 1);
}

TEST_F(memory, region_deleted_while_running)
{
	unsigned long n = scaled(50), i;

	ASSERT_EQ(0, vcpu_unbind(&self->v));
	for (i = 0; i < n; i++) {
		struct axv_runner r;
		__u64 last;

		ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_MEM, PAGES * PAGE, self->mem));
		guest_start(&self->v, GUEST_SPIN, GUEST_MEM, 0, 0);
		runner_start(&r, &self->v, until_mmio, NULL);
		await_progress(word(self->mem, 0));
		ASSERT_EQ(0, vm_region(&self->vm, 1, 0, 0, 0, NULL));
		last = *word(self->mem, 0);
		runner_join(&r);
		ASSERT_EQ(1ul, r.exits[AXV_EXIT_MMIO_WRITE]);
		ASSERT_EQ(last + 1, self->v.run->exit.mmio.data);
		ASSERT_EQ(last, *word(self->mem, 0));
	}
}

TEST_F(memory, region_made_readonly_while_running)
{
	struct axv_runner r;
	__u64 last;

	ASSERT_EQ(0, vcpu_unbind(&self->v));
	guest_start(&self->v, GUEST_SPIN, GUEST_MEM, 0, 0);
	runner_start(&r, &self->v, until_mmio, NULL);
	await_progress(word(self->mem, 0));
	ASSERT_EQ(0, vm_region(&self->vm, 1, AXV_REGION_READONLY, GUEST_MEM, PAGES * PAGE,
			       self->mem));
	last = *word(self->mem, 0);
	runner_join(&r);
	EXPECT_EQ(1ul, r.exits[AXV_EXIT_MMIO_WRITE]);
	EXPECT_EQ(last + 1, self->v.run->exit.mmio.data);
	EXPECT_EQ(last, *word(self->mem, 0));
}

TEST_F(memory, dropped_under_a_running_guest)
{
	unsigned long n = scaled(80), i;
	volatile __u64 *counter = word(self->mem, 0);
	struct axv_runner r;

	ASSERT_EQ(0, vcpu_unbind(&self->v));
	guest_start(&self->v, GUEST_SPIN, GUEST_MEM, 0, 0);
	runner_start(&r, &self->v, until_kicked, NULL);
	for (i = 0; i < n; i++) {
		await_progress(counter);
		ASSERT_EQ(0, madvise(self->mem, PAGES * PAGE, MADV_DONTNEED));
	}
	await_progress(counter);
	runner_stop(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(0ul, r.exits[AXV_EXIT_NESTED_PAGE_FAULT]);
}

/* ---- userfaultfd ---- */

TEST_F(memory, userfaultfd)
{
	struct axv_runner r;
	int uffd = uffd_new(self->mem, PAGES * PAGE);

	ASSERT_EQ(0, vcpu_unbind(&self->v));
	guest_start(&self->v, GUEST_READ, GUEST_MEM + 7 * PAGE, 1, 0);
	runner_start(&r, &self->v, until_mmio, NULL);
	uffd_await(uffd, word(self->mem, 7));
	/* The run waits in the host's fault, and the vCPU is still Running. */
	EXPECT_EQ(AXV_STATE_RUNNING, vcpu_state(&self->v));
	uffd_supply(uffd, word(self->mem, 7), 0x4242);
	runner_join(&r);
	EXPECT_EQ(1ul, r.exits[AXV_EXIT_HYPERCALL]);
	EXPECT_EQ(0x4242ull, self->v.run->exit.hypercall.args[0]);
	close(uffd);
}

TEST_F(memory, signal_while_userfaultfd_waits)
{
	atomic_int sent = 0;
	struct axv_runner r;
	int uffd;

	if (!uffd_waits_interruptibly())
		SKIP(return, NO_INTERRUPTIBLE);
	uffd = uffd_new(self->mem, PAGES * PAGE);
	catch_signal(SIGUSR1);
	ASSERT_EQ(0, vcpu_unbind(&self->v));
	guest_start(&self->v, GUEST_READ, GUEST_MEM + 7 * PAGE, 1, 0);
	runner_start(&r, &self->v, until_told, &sent);
	uffd_await(uffd, word(self->mem, 7));
	sent = 1;
	ASSERT_EQ(0, pthread_kill(r.thread, SIGUSR1));
	runner_join(&r);
	EXPECT_EQ(0, r.error);
	EXPECT_EQ(AXV_EXIT_NOTHING, self->v.run->exit_reason);

	/* The guest repeats the access. */
	uffd_supply(uffd, word(self->mem, 7), 0x4242);
	ASSERT_EQ(0, vcpu_bind(&self->v));
	ASSERT_EQ(AXV_EXIT_HYPERCALL, vcpu_run(&self->v));
	EXPECT_EQ(0x4242ull, self->v.run->exit.hypercall.args[0]);
	close(uffd);
}

TEST_HARNESS_MAIN
