// SPDX-License-Identifier: GPL-2.0
/*
 * The wrappers and axv_vcpu_finish(), over a stand-in for the module.
 */
#include <errno.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <axvcpu.h>

#include "kernel.h"
#include "tap.h"

#define FLAG_TF		0x100ull
#define RAM_SIZE	0x400000ull
#define DEVICE		0xd0000000ull

static struct axv_host *host;
static struct axv_vm *vm;
static struct axv_vcpu *vcpu;
static struct axv_run *run;
static unsigned char *ram;

static struct {
	unsigned int reads;
	unsigned int writes;
	__u64 addr;
	unsigned int width;
	__u64 data;
	int error;
} device;

static int device_read(void *opaque, __u64 addr, unsigned int width, __u64 *data)
{
	(void)opaque;
	device.reads++;
	device.addr = addr;
	device.width = width;
	*data = 0xfedcba9876543210ull;
	return device.error;
}

static int device_write(void *opaque, __u64 addr, unsigned int width, __u64 data)
{
	(void)opaque;
	device.writes++;
	device.addr = addr;
	device.width = width;
	device.data = data;
	return device.error;
}

static const struct axv_mmio_ops ops = {
	.read = device_read,
	.write = device_write,
};

static bool error_has(const char *text)
{
	if (strstr(axv_error(), text))
		return true;
	tap_note("axv_error(): %s", axv_error());
	return false;
}

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
	    "a query nobody knows");

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

static void test_regions(void)
{
	__u64 bitmap[16] = {};
	unsigned char *again;
	void *hva = NULL;

	tap(axv_vm_id(vm) == 77 && kernel.region.gpa == 0 && kernel.region.fd == -1 &&
	    kernel.region.hva == (uintptr_t)ram && !((uintptr_t)ram % (2u << 20)),
	    "RAM is a region, aligned for huge pages");
	tap(axv_vm_hva(vm, 0x1234, 16) == ram + 0x1234, "where memory is");
	tap(!axv_vm_hva(vm, RAM_SIZE - 8, 16) && !axv_vm_hva(vm, ~0ull, 2) &&
	    error_has("not inside"),
	    "memory that is not there");
	tap(axv_vm_add_ram(vm, 0, 0, 1ull << 32, 4096, NULL) == -EEXIST, "a slot that exists");
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
	tap(!axv_vm_get_dirty(vm, 1, 0, 256, bitmap) && bitmap[0] == 7 && !bitmap[1] &&
	    !bitmap[2] && bitmap[3] == 1ull << 63,
	    "dirty pages: the kernel's and our own");
	tap(!axv_vm_get_dirty(vm, 1, 0, 256, bitmap) && !bitmap[0] && !bitmap[3],
	    "dirty pages: reported once");

	/* Moving a region keeps its memory and what was logged. */
	axv_vm_mark_dirty(vm, 1ull << 32, 1);
	tap(!axv_vm_set_region(vm, 1, AXV_REGION_LOG_DIRTY, 2ull << 32, 0x100000, hva) &&
	    !axv_vm_hva(vm, 1ull << 32, 1) && axv_vm_hva(vm, 2ull << 32, 1) == hva &&
	    !axv_vm_get_dirty(vm, 1, 0, 64, bitmap) && bitmap[0] == 1, "a region moved");
	memset(hva, 1, 4096);		/* it is still mapped */
	tap(!axv_vm_set_region(vm, 1, 0, 0, 0, NULL) && !axv_vm_hva(vm, 2ull << 32, 1) &&
	    !kernel.region.size && axv_vm_hva(vm, 0, 1) == ram, "a region deleted");
	tap(!axv_vm_set_region(vm, 9, 0, 0, 0, NULL), "a slot deleted that never was");
	again = ram;
	tap(axv_vm_hva(vm, 0, RAM_SIZE) == again, "the others are where they were");
}

static void test_tables(void)
{
	struct axv_x86_cpuid *leaves = NULL;
	struct axv_x86_msr_policy policy = { .first = 1, .last = 2, .read = 1 };
	struct axv_x86_msr_policy *policies = NULL;
	__u64 *ids = NULL;

	kernel.table_count = 33;
	tap(axv_supported_cpuid(host, &leaves) == 33 && leaves[32].leaf == 32,
	    "a table of unknown length");
	free(leaves);
	kernel.table_count = 0;
	tap(!axv_vm_get_msr_policy(vm, &policies), "an empty table");
	free(policies);
	kernel.table_count = 5;
	tap(axv_vcpu_list_regs(vcpu, &ids) == 5 && ids[4] == 4, "the list of registers");
	free(ids);
	tap(!axv_vm_set_msr_policy(vm, &policy, 1) &&
	    kernel.table.kind == AXV_TABLE_X86_MSR_POLICY && kernel.table.count == 1 &&
	    !memcmp(kernel.table_data, &policy, sizeof(policy)), "a table set");
	kernel.fail_command = AXV_GET_TABLE;
	kernel.fail_errno = EINVAL;
	leaves = NULL;
	tap(axv_vcpu_get_cpuid(vcpu, &leaves) == -EINVAL && !leaves && error_has("CPUID table"),
	    "a table that is refused");
	kernel.fail_command = 0;
}

static void test_registers(void)
{
	static struct axv_reg list[2500];
	struct axv_x86_gprs gprs = {};
	struct axv_x86_gprs gprs2;
	struct axv_x86_sregs sregs = {};
	struct axv_x86_sregs sregs2;
	unsigned int i;
	__u64 value;

	for (i = 0; i < 2500; i++)
		list[i] = (struct axv_reg) { .id = AXV_REG_X86(MSR, 0x1000 + i), .value = i };
	list[2000].id = AXV_REG_X86(CR, 15);
	kernel.largest_list = 0;
	tap(axv_vcpu_set_regs(vcpu, list, 2500) == 1 && list[2000].status == -ENOENT &&
	    kernel_get(AXV_REG_X86(MSR, 0x1000 + 2499)) == 2499 && kernel.largest_list <= 1024,
	    "a long list goes in parts, with a status each");
	tap(axv_vcpu_set_reg(vcpu, AXV_REG_X86(MSR, 1), 3) == -EPERM && error_has("MSR 0x1") &&
	    error_has("0x3"), "a register that cannot be written is named");
	tap(axv_vcpu_get_reg(vcpu, AXV_REG_X86(CR, 15), &value) == -ENOENT && error_has("CR 0xf"),
	    "a register that does not exist is named");
	kernel.nr_regs = 0;
	for (i = 0; i < 16; i++)
		gprs.gpr[i] = 100 + i;
	gprs.rip = 1;
	gprs.rflags = 2;
	tap(!axv_vcpu_set_gprs(vcpu, &gprs) && kernel_get(AXV_REG_X86(GPR, AXV_X86_R15)) == 115 &&
	    !axv_vcpu_get_gprs(vcpu, &gprs2) && !memcmp(&gprs, &gprs2, sizeof(gprs)),
	    "general registers out and in");
	for (i = 0; i < 8; i++)
		sregs.seg[i] = (struct axv_x86_segment) { i * 0x1000, i + 100, i * 8, i + 0x90 };
	sregs.gdtr = (struct axv_x86_dtable) { .base = 1, .limit = 2 };
	sregs.idtr = (struct axv_x86_dtable) { .base = 3, .limit = 4 };
	sregs.cr0 = 10;
	sregs.cr2 = 12;
	sregs.cr3 = 13;
	sregs.cr4 = 14;
	sregs.cr8 = 8;
	sregs.efer = 0x500;
	tap(!axv_vcpu_set_sregs(vcpu, &sregs) && kernel_get(AXV_REG_X86(CR, 4)) == 14 &&
	    kernel_get(AXV_REG_X86(MSR, 0xc0000080)) == 0x500 &&
	    kernel_get(AXV_REG_X86(SEG, AXV_X86_SEG_INDEX(AXV_X86_IDTR, AXV_X86_SEG_BASE))) == 3 &&
	    !axv_vcpu_get_sregs(vcpu, &sregs2) && !memcmp(&sregs, &sregs2, sizeof(sregs)),
	    "system registers out and in");
}

static void test_lifecycle(void)
{
	kernel.fail_command = AXV_VCPU_BIND;
	kernel.fail_errno = EXDEV;
	tap(axv_vcpu_bind(vcpu, 0) == -EXDEV && error_has("axv_pin_thread()"), "bind elsewhere");
	kernel.fail_errno = EBADFD;
	tap(axv_vcpu_bind(vcpu, 0) == -EBADFD && error_has("state Free") &&
	    error_has("axv_vcpu_reset()"), "bind in a wrong state");
	kernel.fail_command = AXV_VCPU_RUN;
	kernel.fail_errno = EPERM;
	tap(axv_vcpu_run(vcpu) == -EPERM && error_has("another thread"), "run another's vCPU");
	kernel.fail_command = AXV_INJECT;
	kernel.fail_errno = EAGAIN;
	tap(axv_vcpu_inject_extint(vcpu, 32) == -EAGAIN && error_has("queue is full"),
	    "a full queue");
	kernel.fail_command = 0;
	tap(!axv_vcpu_inject_extint(vcpu, 0xef) && kernel.event.type == AXV_INJECT_EXTINT &&
	    kernel.event.vector == 0xef, "an external interrupt");
	tap(!axv_vcpu_inject_exception(vcpu, 13, 8, 9) &&
	    kernel.event.flags == AXV_INJECT_HAS_ERROR_CODE && kernel.event.error_code == 8 &&
	    !kernel.event.address, "an exception with an error code");
	tap(!axv_vcpu_inject_exception(vcpu, 6, 8, 9) && !kernel.event.flags &&
	    !kernel.event.error_code, "an exception without");
	tap(!axv_vcpu_inject_exception(vcpu, 14, 2, 0x1000) && kernel.event.address == 0x1000,
	    "a page fault");
	tap(!axv_vcpu_setup(vcpu, 0, 0) && !axv_vcpu_bind(vcpu, 0) && !axv_vcpu_run(vcpu) &&
	    !axv_vcpu_unbind(vcpu) && !axv_vcpu_kick(vcpu) && !axv_vcpu_reset(vcpu) &&
	    kernel.calls[0x20] == 1 && kernel.calls[0x22] == 1 && kernel.calls[0x24] == 1 &&
	    kernel.calls[0x25] == 1, "the calls of a life");
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
	tap(!axv_pin_thread(v) && allowed_is(&before, sizeof(before)), "neither: the thread stays");
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

/* ---- finishing accesses ------------------------------------------------- */

/* 32-bit flat code without paging; EDI points to the device. */
static void make_registers(struct axv_x86_gprs *gprs, struct axv_x86_sregs *sregs)
{
	unsigned int i;

	memset(gprs, 0, sizeof(*gprs));
	memset(sregs, 0, sizeof(*sregs));
	gprs->gpr[AXV_X86_RAX] = 1;
	gprs->gpr[AXV_X86_RDI] = DEVICE;
	gprs->gpr[AXV_X86_RSP] = 0x8000;
	gprs->rip = 0x1000;
	gprs->rflags = 2;
	for (i = 0; i < 8; i++) {
		sregs->seg[i].limit = 0xffffffff;
		sregs->seg[i].attr = i == AXV_X86_CS ? 0xc9b : 0xc93;
	}
	sregs->cr0 = 1;
	sregs->cr4 = 1 << 9;
}

/* An exit whose registers are in the run page, or only in the kernel. */
static void make_exit(bool in_page, const void *insn, unsigned int size)
{
	struct axv_x86_gprs gprs;
	struct axv_x86_sregs sregs;

	kernel_reset();
	memset(&device, 0, sizeof(device));
	memset(run, 0, sizeof(*run));
	make_registers(&gprs, &sregs);
	if (in_page) {
		run->valid = AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS;
		run->regs.gprs = gprs;
		run->regs.sregs = sregs;
	} else {
		axv_vcpu_set_gprs(vcpu, &gprs);
		axv_vcpu_set_sregs(vcpu, &sregs);
		memset(kernel.calls, 0, sizeof(kernel.calls));
	}
	run->exit_reason = AXV_EXIT_NESTED_PAGE_FAULT;
	run->exit.fault.addr = DEVICE;
	run->exit.fault.access = AXV_ACCESS_READ | AXV_ACCESS_WRITE;
	memcpy(ram + 0x1000, insn, size);
	memcpy(run->exit.fault.insn, insn, size);
	run->exit.fault.insn_bytes = size;
}

static void test_finish(void)
{
	static const unsigned char add[] = { 0x01, 0x07 };	/* add [edi], eax */
	static const unsigned char movd[] = { 0x66, 0x0f, 0x6e, 0x07 };	/* movd xmm0, [edi] */
	int ret;

	make_exit(true, add, 2);
	ret = axv_vcpu_finish(vcpu, &ops, NULL);
	tap(ret == AXV_FINISH_DONE && device.reads == 1 && device.writes == 1 &&
	    device.data == 0x76543211 && device.width == 4 && device.addr == DEVICE &&
	    run->regs.gprs.rip == 0x1002 && (run->dirty & AXV_RUN_SET_GPRS),
	    "an access finished, registers in the run page");
	tap(!kernel.calls[0x28] && kernel.calls[0x27] == 1, "without writing registers by ioctl");

	make_exit(false, add, 2);
	ret = axv_vcpu_handle_mmio(vcpu, &ops, NULL);
	tap(ret == AXV_FINISH_DONE && device.data == 0x76543211 && !run->dirty &&
	    kernel_get(AXV_REG_X86(GPR, AXV_X86_RIP)) == 0x1002,
	    "an access finished, registers by ioctl");

	make_exit(true, add, 2);
	run->exit.fault.insn_bytes = 0;
	tap(!axv_vcpu_finish(vcpu, &ops, NULL) && device.writes == 1,
	    "bytes read from guest memory");

	make_exit(true, add, 2);
	device.error = -EREMOTEIO;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EREMOTEIO && error_has("0xd0000000") &&
	    run->regs.gprs.rip == 0x1000 && !run->dirty, "an error of the device");

	make_exit(true, movd, 4);
	tap(!axv_vcpu_finish(vcpu, &ops, NULL) && kernel.calls[0x2a] == 1 &&
	    !memcmp(kernel.fpu + 160, "\x10\x32\x54\x76\0\0\0\0", 8) && kernel.fpu[512] == 2,
	    "a vector register");

	make_exit(true, add, 2);
	run->regs.sregs.seg[AXV_X86_DS].limit = 0xfff;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == AXV_FINISH_EXCEPTION && kernel.events == 1 &&
	    kernel.event.type == AXV_INJECT_EXCEPTION && kernel.event.vector == 13 &&
	    kernel.event.flags == AXV_INJECT_HAS_ERROR_CODE && !device.reads &&
	    run->regs.gprs.rip == 0x1000, "a segment fault is the guest's");

	make_exit(true, add, 2);
	run->regs.sregs.cr0 |= 1ull << 31;	/* paging, with tables of zeroes at 2 MiB */
	run->regs.sregs.cr3 = 0x200000;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == AXV_FINISH_EXCEPTION &&
	    kernel.event.vector == 14 &&
	    kernel.event.error_code == 2 && kernel.event.address == DEVICE,
	    "a page fault is the guest's, with its address");
}

static void test_finish_events(void)
{
	static const unsigned char add[] = { 0x01, 0x07 };

	make_exit(true, add, 2);
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW), 1);
	tap(!axv_vcpu_finish(vcpu, &ops, NULL) &&
	    !kernel_get(AXV_REG_X86(EVENT, AXV_X86_EVENT_SHADOW)),
	    "the interrupt shadow ends with the instruction");

	make_exit(true, add, 2);
	kernel_set(AXV_REG_X86(EVENT, AXV_X86_EVENT_REINJECT), AXV_X86_EVENT_VALID | 0x80);
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EOPNOTSUPP && error_has("vector 128") &&
	    !device.reads, "an event under way: the instruction has not begun");

	make_exit(true, add, 2);
	kernel_set(AXV_REG_X86(DR, 6), 0xffff0ff0);
	run->regs.gprs.rflags |= FLAG_TF;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == AXV_FINISH_EXCEPTION && kernel.event.vector == 1 &&
	    !kernel.event.flags && kernel_get(AXV_REG_X86(DR, 6)) == 0xffff4ff0 &&
	    run->regs.gprs.rip == 0x1002, "a single step is told in DR6 and by #DB");
}

static void test_finish_refusals(void)
{
	static const unsigned char add[] = { 0x01, 0x07 };
	static const unsigned char fld[] = { 0xd9, 0x07 };
	__u64 gpa = 0;
	char text[128];

	make_exit(true, fld, 2);
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EOPNOTSUPP && error_has("fld") &&
	    !run->dirty && !device.reads, "an instruction that cannot be finished has its text");
	make_exit(true, add, 2);
	run->exit.fault.cause = AXV_FAULT_HOST;
	run->exit.fault.status = -ENOMEM;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EFAULT && error_has("0xd0000000") &&
	    error_has("Cannot allocate memory"), "the host's refusal is told");
	make_exit(true, add, 2);
	run->exit.fault.access = AXV_ACCESS_FETCH;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EOPNOTSUPP && error_has("executes at"),
	    "code where there is no memory");
	make_exit(true, add, 2);
	run->exit_reason = AXV_EXIT_HALT;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EINVAL && error_has("Halt") &&
	    axv_vcpu_handle_mmio(vcpu, &ops, NULL) == -EINVAL, "another exit");

	make_exit(true, add, 2);
	run->exit_reason = AXV_EXIT_MMIO_READ;
	run->exit.mmio = (struct axv_exit_mmio) { .addr = DEVICE + 4, .width = 2 };
	tap(!axv_vcpu_handle_mmio(vcpu, &ops, NULL) && run->exit.mmio.data == 0x3210 &&
	    device.addr == DEVICE + 4 && device.width == 2, "a read the kernel has decoded");
	run->exit_reason = AXV_EXIT_MMIO_WRITE;
	run->exit.mmio = (struct axv_exit_mmio) { .addr = DEVICE + 8, .width = 8, .data = 9 };
	tap(!axv_vcpu_handle_mmio(vcpu, &ops, NULL) && device.data == 9 &&
	    device.addr == DEVICE + 8 && device.width == 8, "a write the kernel has decoded");

	make_exit(true, add, 2);
	tap(axv_vcpu_disassemble(vcpu, text, sizeof(text)) == 2 && !strcmp(text, "add [edi], eax"),
	    "disassembly: %s", text);
	tap(!axv_vcpu_translate(vcpu, 0x1234, 0, &gpa) && gpa == 0x1234,
	    "translation without paging");
	run->regs.sregs.cr0 |= 1ull << 31;
	run->regs.sregs.cr3 = 0x200000;
	tap(axv_vcpu_translate(vcpu, 0x1234, AXV_ACCESS_READ, &gpa) == -EFAULT &&
	    error_has("page fault") && gpa == 0x1234, "translation of what is not mapped");
}

int main(void)
{
	struct axv_vcpu_config config = { .favor_phys_cpu = -1 };

	test_open();
	if (axv_open("/dev/null", &host) || axv_vm_create(host, NULL, &vm) ||
	    axv_vm_add_ram(vm, 0, 0, 0, RAM_SIZE, (void **)&ram) ||
	    axv_vcpu_create(vm, &config, &vcpu)) {
		tap(false, "the stand-in: %s", axv_error());
		return tap_done();
	}
	run = axv_vcpu_run_page(vcpu);
	test_regions();
	test_tables();
	test_registers();
	test_lifecycle();
	test_placement();
	test_finish();
	test_finish_events();
	test_finish_refusals();
	axv_vcpu_destroy(vcpu);
	axv_vm_destroy(vm);
	axv_close(host);
	return tap_done();
}
