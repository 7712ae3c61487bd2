// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The wrappers, over a stand-in for the module.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib.h"
#include "fixture.h"

/* ---- wrappers ----------------------------------------------------------- */

static void test_open(void)
{
	struct axv_host *h = NULL;
	struct axv_vm *v = NULL;
	__u64 value = 5;

	kernel_reset();
	tap(axv_open("/nonexistent/axvcpu", &h) == -ENOENT && !h && error_has("modprobe axvcpu"),
	    "no device: load the module");
	kernel.abi_version = 99;
	tap(axv_open("/dev/null", &h) == -EPROTO && !h && error_has("ABI version 99"),
	    "another ABI version");
	kernel.abi_version = AXV_ABI_VERSION;
	kernel.fail_command = AXV_QUERY;
	kernel.fail_errno = ENOTTY;
	tap(axv_open("/dev/null", &h) == -ENOTTY && error_has("not an axvcpu device"),
	    "another device");
	kernel.fail_command = 0;
	tap(!axv_open("/dev/null", &h) && axv_host_fd(h) >= 0, "open");
	tap(axv_query(h, 999, &value) == -EINVAL && value == 5 && error_has("query 999"),
	    "a query that the kernel does not know");

	kernel.fail_command = AXV_CREATE_VM;
	kernel.fail_errno = EBUSY;
	tap(axv_vm_create(h, NULL, &v) == -EBUSY && !v && error_has("unload"),
	    "virtualization in use: what to unload");
	kernel.fail_errno = EOPNOTSUPP;
	tap(axv_vm_create(h, NULL, &v) == -EOPNOTSUPP && error_has("AXV_QUERY_IRQCHIPS"),
	    "an interrupt controller the host has not");
	kernel.fail_command = 0;
	axv_close(h);
	axv_close(NULL);
	tap(!strcmp(axv_exit_name(AXV_EXIT_NESTED_PAGE_FAULT), "NestedPageFault") &&
	    !strcmp(axv_exit_name(999), "?") && !strcmp(axv_state_name(AXV_STATE_READY), "Ready") &&
	    !strcmp(axv_backend_name(AXV_BACKEND_SVM), "SVM"), "names");
	for (value = 0; value < AXV_EXIT_REASONS; value++) {
		if (!strcmp(axv_exit_name(value), "?"))
			break;
	}
	tap(value == AXV_EXIT_REASONS, "every exit reason has a name");
}

/* Memory of a file that is also mapped elsewhere */
static void test_shared_region(void)
{
	const __u64 gpa = (1ull << 40) + AXV_PAGE_SIZE;
	unsigned char *other, *hva;
	int fd = memfd_create("ram", MFD_CLOEXEC);
	int read_only;

	tap(fd >= 0 && !ftruncate(fd, 4 * AXV_PAGE_SIZE), "a file");
	other = mmap(NULL, 4 * AXV_PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	tap(axv_vm_map_ram(vm, 6, 0, gpa, 2 * AXV_PAGE_SIZE, -1, 0, NULL) == -EBADF &&
	    axv_vm_map_ram(vm, 6, 0, gpa, 100, fd, 0, NULL) == -EINVAL &&
	    axv_vm_map_ram(vm, 6, 0, gpa, AXV_PAGE_SIZE, fd, 100, NULL) == -EINVAL &&
	    axv_vm_map_ram(vm, 0, 0, gpa, AXV_PAGE_SIZE, fd, 0, NULL) == -EEXIST,
	    "shared memory: what is refused");
	read_only = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	tap(axv_vm_map_ram(vm, 6, 0, gpa, AXV_PAGE_SIZE, read_only, 0, NULL) == -EACCES &&
	    !strstr(axv_error(), "less guest memory"), "shared memory: another error has no hint");
	close(read_only);
	tap(!axv_vm_map_ram(vm, 6, 0, gpa, 2 * AXV_PAGE_SIZE, fd, AXV_PAGE_SIZE, (void **)&hva) &&
	    ((uintptr_t)hva - gpa) % (2u << 20) == 0 && axv_vm_hva(vm, gpa, 1) == hva,
	    "shared memory: its host address");
	close(fd);
	hva[0] = 42;
	other[3 * AXV_PAGE_SIZE - 1] = 43;
	tap(other[AXV_PAGE_SIZE] == 42 && hva[2 * AXV_PAGE_SIZE - 1] == 43,
	    "shared memory: both mappings have the same data");
	tap(!axv_vm_set_region(vm, 6, 0, 0, 0, NULL) && !axv_vm_hva(vm, gpa, 1),
	    "shared memory: deleted");
	munmap(other, 4 * AXV_PAGE_SIZE);
}

static void test_regions(void)
{
	__u64 bitmap[16] = {};
	unsigned char *again;
	void *hva = NULL;

	tap(axv_vm_id(vm) == 77 && kernel.region.gpa == 0 && kernel.region.fd == -1 &&
	    kernel.region.hva == (uintptr_t)ram && !((uintptr_t)ram % (2u << 20)),
	    "RAM is a region, aligned for huge pages");
	tap(axv_vm_hva(vm, 0x1234, 16) == ram + 0x1234, "the host address of guest memory");
	tap(!axv_vm_hva(vm, RAM_SIZE - 8, 16) && !axv_vm_hva(vm, ~0ull, 2) &&
	    error_has("not inside"),
	    "memory that is not there");
	tap(axv_vm_add_ram(vm, 0, 0, 1ull << 32, 4096, NULL) == -EEXIST, "a region that exists");
	tap(axv_vm_add_ram(vm, 5, 0, 1ull << 32, 100, NULL) == -EINVAL, "an odd size");
	kernel.fail_command = AXV_VM_SET_REGION;
	kernel.fail_errno = EEXIST;
	tap(axv_vm_add_ram(vm, 5, 0, 0, 4096, NULL) == -EEXIST && error_has("overlaps") &&
	    axv_vm_hva(vm, 0, 16) == ram, "a region the kernel refuses is not remembered");
	kernel.fail_command = 0;

	tap(!axv_vm_add_ram(vm, 1, AXV_REGION_LOG_DIRTY, 1ull << 32, 0x100000, &hva) &&
	    hva && axv_vm_hva(vm, (1ull << 32) + 0xfffff, 1) == (char *)hva + 0xfffff,
	    "a second region, logging");
	axv_vm_mark_dirty(vm, (1ull << 32) + 0x1fff, 2);
	axv_vm_mark_dirty(vm, (1ull << 32) + 0xff000, 0x100000);
	axv_vm_mark_dirty(vm, 0, 4096);
	kernel.dirty[0] = 1;
	tap(!axv_vm_get_dirty(vm, 1, AXV_DIRTY_KEEP, 0, 256, bitmap) && bitmap[0] == 7 &&
	    bitmap[3] == 1ull << 63, "dirty pages: kept");
	tap(!axv_vm_get_dirty(vm, 1, 0, 0, 256, bitmap) && bitmap[0] == 7 && !bitmap[1] &&
	    !bitmap[2] && bitmap[3] == 1ull << 63,
	    "dirty pages: the kernel's and our own");
	tap(!axv_vm_get_dirty(vm, 1, 0, 0, 256, bitmap) && !bitmap[0] && !bitmap[3],
	    "dirty pages: reported once");
	axv_vm_mark_dirty(vm, 1ull << 32, 0x3000);
	kernel.dirty[0] = 9;
	bitmap[0] = 3;
	bitmap[1] = ~0ull;
	tap(!axv_vm_clear_dirty(vm, 1, 0, 64, bitmap) && kernel.dirty[0] == 8 &&
	    !axv_vm_get_dirty(vm, 1, 0, 0, 64, bitmap) && bitmap[0] == 12,
	    "dirty pages: some of them cleared");
	kernel.fail_command = AXV_VM_CLEAR_DIRTY;
	kernel.fail_errno = EINVAL;
	axv_vm_mark_dirty(vm, 1ull << 32, 1);
	bitmap[0] = 1;
	tap(axv_vm_clear_dirty(vm, 1, 0, 64, bitmap) == -EINVAL && error_has("log") &&
	    !axv_vm_get_dirty(vm, 1, 0, 0, 64, bitmap) && bitmap[0] == 1,
	    "dirty pages: those that the kernel does not clear stay so");
	kernel.fail_command = 0;

	/* Moving a region keeps its memory and what was logged. */
	axv_vm_mark_dirty(vm, 1ull << 32, 1);
	tap(!axv_vm_set_region(vm, 1, AXV_REGION_LOG_DIRTY, 2ull << 32, 0x100000, hva) &&
	    !axv_vm_hva(vm, 1ull << 32, 1) && axv_vm_hva(vm, 2ull << 32, 1) == hva &&
	    !axv_vm_get_dirty(vm, 1, 0, 0, 64, bitmap) && bitmap[0] == 1, "a region moved");
	memset(hva, 1, 4096);		/* it is still mapped */
	tap(!axv_vm_set_region(vm, 1, 0, 0, 0, NULL) && !axv_vm_hva(vm, 2ull << 32, 1) &&
	    !kernel.region.size && axv_vm_hva(vm, 0, 1) == ram, "a region deleted");
	tap(!axv_vm_set_region(vm, 9, 0, 0, 0, NULL), "a region deleted that never was");
	again = ram;
	tap(axv_vm_hva(vm, 0, RAM_SIZE) == again, "deleting a region keeps the others");
}

/* ---- many regions --------------------------------------------------------- */

/* Many regions of a page each, with a hole after every fourth */
#define MANY		8192u
#define MANY_AT		(1ull << 36)

static __u64 many_gpa(unsigned int i)
{
	return MANY_AT + (i + i / 4) * 4096ull;
}

static unsigned char *many_hva(unsigned int i)
{
	return ram + i % (RAM_SIZE / 4096) * 4096;
}

/*
 * With @there: region @i is where it should be, and no longer than it should be; without:
 * it is not there.
 */
static bool many_is(unsigned int i, bool there)
{
	__u64 gpa = many_gpa(i);

	if (!there)
		return !axv_vm_hva(vm, gpa, 1) && !axv_vm_hva(vm, gpa + 4095, 1);
	return axv_vm_hva(vm, gpa, 4096) == many_hva(i) &&
	       axv_vm_hva(vm, gpa + 4095, 1) == many_hva(i) + 4095 &&
	       !axv_vm_hva(vm, gpa + 4095, 2) &&
	       (i % 4 != 3 || !axv_vm_hva(vm, gpa + 4096, 1));
}

static int many_set(unsigned int i, __u32 flags, __u64 size)
{
	return axv_vm_set_region(vm, i + 1, flags, size ? many_gpa(i) : 0, size,
				 size ? many_hva(i) : NULL);
}

static void test_many_regions(void)
{
	__u64 bitmap = 0;
	bool right = true;
	unsigned int i;

	/* In no sorted order: 5 and the number of regions have no common divisor. */
	for (i = 0; i < MANY; i++)
		right &= !many_set(i * 5 % MANY, 0, 4096);
	tap(right, "%u regions", MANY);
	for (i = 0; i < MANY; i++)
		right &= many_is(i, true);
	tap(right && axv_vm_hva(vm, 0, RAM_SIZE) == ram && !axv_vm_hva(vm, MANY_AT - 1, 1) &&
	    !axv_vm_hva(vm, RAM_SIZE, 1) && !axv_vm_hva(vm, ~0ull, 1),
	    "each region is found, and nothing between them");

	for (i = 0; i < MANY; i += 3)
		right &= !many_set(i, 0, 0);
	for (i = 0; i < MANY; i++)
		right &= many_is(i, i % 3);
	tap(right, "a third of them deleted");

	/* Region 1 moves to where region 0 was, and then above all others. */
	right &= !axv_vm_set_region(vm, 2, 0, many_gpa(0), 4096, many_hva(0)) &&
		 many_is(0, true) && many_is(1, false) && many_is(2, true);
	right &= !axv_vm_set_region(vm, 2, 0, many_gpa(MANY + 7), 4096, many_hva(MANY + 7)) &&
		 many_is(0, false) && many_is(MANY + 7, true);
	tap(right, "a region moved to both ends of the list");

	/* Pages 4, 5 and 7, of which 5 has no log; 6 is not there. */
	right = !many_set(4, AXV_REGION_LOG_DIRTY, 4096) &&
		!many_set(7, AXV_REGION_LOG_DIRTY, 4096);
	kernel_reset();
	axv_vm_mark_dirty(vm, many_gpa(5), 4096);
	right &= !axv_vm_get_dirty(vm, 5, 0, 0, 1, &bitmap) && !bitmap;
	axv_vm_mark_dirty(vm, many_gpa(4) + 4095, many_gpa(7) - many_gpa(4) - 4094);
	right &= !axv_vm_get_dirty(vm, 5, 0, 0, 1, &bitmap) && bitmap == 1 &&
		 !axv_vm_get_dirty(vm, 8, 0, 0, 1, &bitmap) && bitmap == 1;
	axv_vm_mark_dirty(vm, 0, ~0ull);
	right &= !axv_vm_get_dirty(vm, 8, 0, 0, 1, &bitmap) && bitmap == 1;
	tap(right, "dirty pages of more than one region");

	right = true;
	for (i = 0; i < MANY; i++)
		right &= !many_set(i, 0, 0) && many_is(i, false);
	tap(right && axv_vm_hva(vm, 0, RAM_SIZE) == ram, "all of them deleted");
}

/* Two regions stay, while others come and go below, between and above them. */
#define STAYS_FIRST	1000u
#define COMES		1004u
#define STAYS_LAST	1008u
/* Many regions above these, so that a change of the list takes a while */
#define ABOVE_FIRST	2048u
#define ABOVE_LAST	6143u

static bool changes_end;
static unsigned int looked_up;

/*
 * Do accesses of region @at work?  The word at its offset 8 is its number; each thread
 * writes at an offset of its own.
 */
static bool access_is_right(unsigned int i, unsigned int at, unsigned int own)
{
	__u64 word;

	if (axv_ram_read(vm, many_gpa(at) + 8, &word, 8) || word != at ||
	    axv_ram_write(vm, many_gpa(at) + own, &i, 4) ||
	    axv_vm_hva(vm, many_gpa(at), 4096) != many_hva(at))
		return false;
	/* Region COMES may be there or not, but never another region in its place. */
	return axv_ram_read(vm, many_gpa(COMES) + 8, &word, 8) || word == COMES;
}

static void *look_up(void *arg)
{
	unsigned int own = (uintptr_t)arg;
	unsigned int i;

	for (i = 0; !__atomic_load_n(&changes_end, __ATOMIC_ACQUIRE); i++) {
		if (!access_is_right(i, i % 2 ? STAYS_FIRST : STAYS_LAST, own))
			return (void *)-1;
		__atomic_fetch_add(&looked_up, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void test_changing_regions(void)
{
	pthread_t threads[3];
	bool right = true;
	unsigned int i;
	void *failed;

	for (i = ABOVE_FIRST; i <= ABOVE_LAST; i++)
		right &= !many_set(i, 0, 4096);
	for (i = STAYS_FIRST; i <= STAYS_LAST; i += 4)
		*(__u64 *)(many_hva(i) + 8) = i;
	right &= !many_set(STAYS_FIRST, AXV_REGION_LOG_DIRTY, 4096) &&
		 !many_set(STAYS_LAST, AXV_REGION_LOG_DIRTY, 4096);
	for (i = 0; i < 3; i++)
		right &= !pthread_create(&threads[i], NULL, look_up,
					 (void *)(uintptr_t)(16 + 8 * i));
	while (__atomic_load_n(&looked_up, __ATOMIC_RELAXED) < 3)
		sched_yield();
	for (i = 0; i < 1000; i++)
		right &= !many_set(STAYS_FIRST - 1 - i % 4, 0, i % 3 ? 4096 : 0) &&
			 !many_set(STAYS_FIRST + 1 + i % 7, 0, i % 2 ? 4096 : 0) &&
			 !many_set(STAYS_LAST + 1 + i % 4, 0, i % 5 ? 4096 : 0);
	__atomic_store_n(&changes_end, true, __ATOMIC_RELEASE);
	for (i = 0; i < 3; i++)
		right &= !pthread_join(threads[i], &failed) && !failed;
	tap(right, "accesses while regions come and go");
	for (i = STAYS_FIRST - 4; i <= ABOVE_LAST; i++)
		many_set(i, 0, 0);
}

static void test_doorbells(void)
{
	const struct axv_doorbell *bell = &kernel.doorbell;

	tap(!axv_vm_add_doorbell(vm, AXV_DOORBELL_DATA, 0xfee00000, 2, 0x1234, 7) &&
	    bell->flags == AXV_DOORBELL_DATA && bell->addr == 0xfee00000 && bell->width == 2 &&
	    bell->data == 0x1234 && bell->fd == 7 && !bell->pad, "a doorbell");
	tap(!axv_vm_remove_doorbell(vm, AXV_DOORBELL_PORT, 0x70, 0, 0, -1) &&
	    bell->flags == (AXV_DOORBELL_PORT | AXV_DOORBELL_REMOVE) && bell->addr == 0x70 &&
	    !bell->width && bell->fd == -1, "a doorbell removed");
	memset(&kernel.doorbell, 0, sizeof(kernel.doorbell));
	tap(axv_vm_add_doorbell(vm, AXV_DOORBELL_REMOVE, 0x70, 0, 0, 7) == -EINVAL && !bell->addr,
	    "adding a doorbell with the flag to remove it");
	kernel.fail_command = AXV_VM_SET_DOORBELL;
	kernel.fail_errno = ENOENT;
	tap(axv_vm_remove_doorbell(vm, 0, 0xfee00000, 2, 0, 7) == -ENOENT &&
	    error_has("0xfee00000") && error_has("none"), "a doorbell that is not there");
	kernel.fail_errno = EEXIST;
	tap(axv_vm_add_doorbell(vm, AXV_DOORBELL_PORT, 0x70, 2, 0, 7) == -EEXIST &&
	    error_has("port 0x70") && error_has("same"), "a doorbell that is there");
	kernel.fail_command = 0;
}

static void test_routes(void)
{
	struct axv_route routes[] = {
		{ .gsi = 16, .flags = AXV_ROUTE_LEVEL, .vcpu = 1, .vector = 40 },
		{ .gsi = 5000, .flags = AXV_ROUTE_REMOVE },
	};

	tap(!axv_vm_set_routes(vm, routes, 2, AXV_ROUTES_ALL) &&
	    kernel.routes_call.count == 2 && kernel.routes_call.flags == AXV_ROUTES_ALL &&
	    !memcmp(kernel.routes, routes, sizeof(routes)), "routes");
	kernel.routes[0].flags |= AXV_ROUTE_PENDING;
	tap(!axv_vm_get_routes(vm, routes, 2) && !kernel.routes_call.flags &&
	    routes[0].flags == (AXV_ROUTE_LEVEL | AXV_ROUTE_PENDING), "routes that are read");
	kernel.fail_command = AXV_VM_SET_ROUTES;
	kernel.fail_errno = EOPNOTSUPP;
	tap(axv_vm_set_routes(vm, routes + 1, 1, 0) == -EOPNOTSUPP && error_has("gsi 5000") &&
	    error_has("AXV_QUERY_MAX_ROUTES"), "no routes");
	kernel.fail_errno = ENOSPC;
	tap(axv_vm_set_routes(vm, routes, 2, 0) == -ENOSPC && error_has("2 routes"),
	    "too many routes");
	kernel.fail_command = AXV_VM_GET_ROUTES;
	kernel.fail_errno = EFAULT;
	tap(axv_vm_get_routes(vm, routes, 2) == -EFAULT && error_has("get 2 routes"),
	    "routes that cannot be read");
	kernel.fail_command = 0;
}

static void test_irqfds(void)
{
	const struct axv_set_irqfd *irqfd = &kernel.irqfd;

	tap(!axv_vm_add_irqfd(vm, 16, 7, -1) && irqfd->gsi == 16 && irqfd->fd == 7 &&
	    !irqfd->flags && !irqfd->resample_fd, "an irqfd");
	tap(!axv_vm_add_irqfd(vm, 16, 7, 0) && irqfd->flags == AXV_IRQFD_RESAMPLE &&
	    !irqfd->resample_fd, "an irqfd with a resample eventfd");
	tap(!axv_vm_add_irqfd(vm, 16, 7, 9) && irqfd->flags == AXV_IRQFD_RESAMPLE &&
	    irqfd->resample_fd == 9, "an irqfd with another resample eventfd");
	tap(!axv_vm_remove_irqfd(vm, 17, 8) && irqfd->gsi == 17 && irqfd->fd == 8 &&
	    irqfd->flags == AXV_IRQFD_REMOVE && !irqfd->resample_fd, "an irqfd removed");
	kernel.fail_command = AXV_VM_SET_IRQFD;
	kernel.fail_errno = EEXIST;
	tap(axv_vm_add_irqfd(vm, 16, 7, -1) == -EEXIST && error_has("add descriptor 7") &&
	    error_has("gsi 16") && error_has("already"), "an irqfd that is there");
	kernel.fail_errno = ENOENT;
	tap(axv_vm_remove_irqfd(vm, 16, 7) == -ENOENT && error_has("remove descriptor 7") &&
	    error_has("none of this gsi"), "an irqfd that is not there");
	kernel.fail_command = 0;
}

static void test_vm_events(void)
{
	const struct axv_inject *event = &kernel.event;

	tap(!axv_vm_inject_gsi(vm, 16, true) && event->type == AXV_INJECT_WIRED &&
	    event->vector == 16 && event->data == 1 && !event->flags, "a wire up");
	tap(!axv_vm_inject_gsi(vm, 16, false) && event->type == AXV_INJECT_WIRED &&
	    event->vector == 16 && !event->data, "a wire down");
	tap(!axv_vm_inject_msi(vm, 0xfee01000, 0x4041) && event->type == AXV_INJECT_MSI &&
	    event->address == 0xfee01000 && event->data == 0x4041 && !event->vector, "a message");
	kernel.fail_command = AXV_INJECT;
	kernel.fail_errno = ENOENT;
	tap(axv_vm_inject_gsi(vm, 16, true) == -ENOENT && error_has("gsi 16") &&
	    error_has("no such route"), "a wire to nowhere");
	kernel.fail_errno = EINVAL;
	tap(axv_vm_inject_msi(vm, 0xd0000000, 0x41) == -EINVAL && error_has("0xd0000000") &&
	    error_has("0x41"), "a message to no vCPU");
	kernel.fail_command = 0;
}

static void test_registers(void)
{
	static struct axv_reg list[2500];
	unsigned int i;
	__u64 value;
	__u64 *ids = NULL;

	kernel.table_count = 5;
	tap(axv_vcpu_list_regs(vcpu, &ids) == 5 && ids[4] == 4, "the list of registers");
	free(ids);
	for (i = 0; i < 2500; i++)
		list[i] = (struct axv_reg) { .id = AXV_REG_ID(9ull, 1, 3, i), .value = i };
	kernel.no_reg = list[2000].id;
	kernel.fixed_reg = AXV_REG_ID(9ull, 2, 3, 0);
	kernel.largest_list = 0;
	tap(axv_vcpu_set_regs(vcpu, list, 2500) == 1 && list[2000].status == -ENOENT &&
	    kernel_get(list[2499].id) == 2499 && kernel.largest_list <= 1024,
	    "a long list goes in parts, with a status each");
	tap(axv_vcpu_set_reg(vcpu, kernel.fixed_reg, 3) == -EPERM &&
	    error_has("0x902030000000000") && error_has("0x3"),
	    "a register that cannot be written is named");
	tap(axv_vcpu_get_reg(vcpu, kernel.no_reg, &value) == -ENOENT &&
	    error_has("0x9010300000007d0"), "a register that does not exist is named");
	kernel_reset();
}

static void test_lifecycle(void)
{
	const struct axv_debug debug = { .flags = AXV_DEBUG_HW_BREAK, .addr = { 0x1234 } };

	kernel.fail_command = AXV_VCPU_BIND;
	kernel.fail_errno = EXDEV;
	tap(axv_vcpu_bind(vcpu, 0) == -EXDEV && error_has("axv_pin_thread()"), "bind elsewhere");
	kernel.fail_errno = EBADFD;
	tap(axv_vcpu_bind(vcpu, 0) == -EBADFD && error_has("state Free") &&
	    error_has("axv_vcpu_reset()"), "bind in a wrong state");
	kernel.fail_command = AXV_VCPU_RUN;
	kernel.fail_errno = EPERM;
	tap(axv_vcpu_run(vcpu) == -EPERM && error_has("another thread"), "run another's vCPU");
	kernel.fail_command = AXV_VCPU_SYNC;
	kernel.fail_errno = EINVAL;
	tap(axv_vcpu_sync(vcpu) == -EINVAL && error_has("illegal value"),
	    "register sets that the hardware would refuse");
	kernel.fail_command = AXV_INJECT;
	kernel.fail_errno = EAGAIN;
	tap(axv_vcpu_inject(vcpu, &(struct axv_inject) { .vector = 32 }) == -EAGAIN &&
	    error_has("queue is full"), "a full queue");
	kernel.fail_command = AXV_VCPU_SET_DEBUG;
	kernel.fail_errno = EOPNOTSUPP;
	tap(axv_vcpu_set_debug(vcpu, &debug) == -EOPNOTSUPP && error_has("architecture"),
	    "breakpoints on an architecture without");
	kernel.fail_errno = EINVAL;
	tap(axv_vcpu_set_debug(vcpu, &debug) == -EINVAL && error_has("AXV_QUERY_DEBUG_FLAGS"),
	    "breakpoints that are not possible");
	kernel.fail_command = 0;
	tap(!axv_vcpu_setup(vcpu, 0, 0) && !axv_vcpu_bind(vcpu, 0) && !axv_vcpu_run(vcpu) &&
	    !axv_vcpu_unbind(vcpu) && !axv_vcpu_kick(vcpu) && !axv_vcpu_reset(vcpu) &&
	    !axv_vcpu_sync(vcpu) && kernel.calls[0x2c] == 2 &&
	    kernel.calls[0x20] == 1 && kernel.calls[0x22] == 1 && kernel.calls[0x24] == 1 &&
	    kernel.calls[0x25] == 1, "the calls of a life");
	tap(!axv_vcpu_set_debug(vcpu, &debug) && !memcmp(&kernel.debug, &debug, sizeof(debug)),
	    "breakpoints are set");
}

/* The CPUs this thread may use, in a set of @size bytes. */
static bool allowed_is(const void *set, size_t size)
{
	unsigned char now[1024] = {};
	size_t i;

	sched_getaffinity(0, sizeof(now), (cpu_set_t *)now);
	for (i = 0; i < sizeof(now); i++) {
		if (now[i] != (i < size ? ((const unsigned char *)set)[i] : 0))
			return false;
	}
	return true;
}

static struct axv_vcpu *make_vcpu(__s32 favor, const void *set, size_t size)
{
	struct axv_vcpu_config config = {
		.id = 3,
		.hw_id = 12,
		.favor_phys_cpu = favor,
		.cpu_set = set,
		.cpu_set_size = size,
	};
	struct axv_vcpu *v = NULL;

	tap(!axv_vcpu_create(vm, &config, &v) && axv_vcpu_id(v) == 3 &&
	    kernel.vcpu.hw_id == 12 && kernel.vcpu.favor_phys_cpu == favor &&
	    kernel.vcpu.cpu_set_size == size && axv_vcpu_vm(v) == vm && axv_vcpu_run_page(v),
	    "a vCPU with favoured CPU %d and a set of %zu bytes", favor, size);
	return v;
}

static void test_placement(void)
{
	static const char *const wrong[] = {
		"", "1,", "3-1", "a", "-1", "1 2", "1-", "99999999999999999999",
	};
	cpu_set_t before;
	cpu_set_t one;
	struct axv_vcpu *v;
	size_t size = 0;
	void *set = NULL;
	unsigned int i;
	int cpu;

	tap(!axv_parse_cpus("0-2,7,130", &set, &size) && size >= 17 &&
	    CPU_COUNT_S(size, (cpu_set_t *)set) == 5 && CPU_ISSET_S(130, size, (cpu_set_t *)set),
	    "a list of CPUs, more than 64 of them");
	free(set);
	set = NULL;
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		tap(axv_parse_cpus(wrong[i], &set, &size) == -EINVAL && !set &&
		    error_has("no list of CPUs"), "\"%s\" is no list of CPUs", wrong[i]);

	sched_getaffinity(0, sizeof(before), &before);
	for (cpu = 0; !CPU_ISSET(cpu, &before); cpu++)
		;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);

	v = make_vcpu(-1, NULL, 0);
	tap(!axv_pin_thread(v) && allowed_is(&before, sizeof(before)),
	    "no set and no favoured CPU: the thread stays");
	axv_vcpu_destroy(v);
	v = make_vcpu(-1, &one, sizeof(one));
	tap(!axv_pin_thread(v) && allowed_is(&one, sizeof(one)), "a set: the thread goes there");
	axv_vcpu_destroy(v);
	sched_setaffinity(0, sizeof(before), &before);
	v = make_vcpu(cpu, &before, sizeof(before));
	tap(!axv_pin_thread(v) && allowed_is(&one, sizeof(one)), "a favoured CPU comes first");
	axv_vcpu_destroy(v);
	sched_setaffinity(0, sizeof(before), &before);
	v = make_vcpu(100000, NULL, 0);
	tap(axv_pin_thread(v) == -EINVAL && error_has("online") &&
	    allowed_is(&before, sizeof(before)),
	    "a CPU the host has not");
	axv_vcpu_destroy(v);
}

/* ---- memory accesses ---------------------------------------------------- */

static void test_accesses(void)
{
	make_fault(DEVICE);
	run->exit.fault.cause = AXV_FAULT_HOST;
	run->exit.fault.status = -ENOMEM;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EFAULT && error_has("0xd0000000") &&
	    error_has("Cannot allocate memory"), "the host's refusal is told");
	make_fault(DEVICE);
	run->exit.fault.access = AXV_ACCESS_FETCH;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EOPNOTSUPP && error_has("executes at"),
	    "code where there is no memory");
	make_fault(DEVICE);
	run->exit_reason = AXV_EXIT_HALT;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EINVAL && error_has("Halt") &&
	    axv_vcpu_handle_mmio(vcpu, &ops, NULL) == -EINVAL, "another exit");

	make_fault(0);
	run->exit_reason = AXV_EXIT_MMIO_READ;
	run->exit.mmio = (struct axv_exit_mmio) { .addr = DEVICE + 4, .width = 2 };
	tap(!axv_vcpu_handle_mmio(vcpu, &ops, NULL) && run->exit.mmio.data == 0x3210 &&
	    device.addr == DEVICE + 4 && device.width == 2, "a read the kernel has decoded");
	run->exit_reason = AXV_EXIT_MMIO_WRITE;
	run->exit.mmio = (struct axv_exit_mmio) { .addr = DEVICE + 8, .width = 8, .data = 9 };
	tap(!axv_vcpu_handle_mmio(vcpu, &ops, NULL) && device.data == 9 &&
	    device.addr == DEVICE + 8 && device.width == 8, "a write the kernel has decoded");
	device.error = -EREMOTEIO;
	tap(axv_vcpu_handle_mmio(vcpu, &ops, NULL) == -EREMOTEIO && error_has("0xd0000008"),
	    "an error of the device");
}

int main(void)
{
	test_open();
	if (!fixture_open())
		return tap_done();
	test_regions();
	test_shared_region();
	test_many_regions();
	test_changing_regions();
	test_doorbells();
	test_routes();
	test_irqfds();
	test_vm_events();
	test_registers();
	test_lifecycle();
	test_placement();
	test_accesses();
	fixture_close();
	return tap_done();
}
