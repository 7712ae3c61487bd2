// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The library's code for x86: wrappers and axv_vcpu_finish(), over a stand-in for the
 * module.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib.h"
#include "tests/fixture.h"

#define FLAG_TF		0x100ull

static void test_tables(void)
{
	struct axv_x86_cpuid *leaves = NULL;
	struct axv_x86_msr_policy policy = { .first = 1, .last = 2, .read = 1 };
	struct axv_x86_msr_policy *policies = NULL;

	kernel.table_count = 33;
	tap(axv_supported_cpuid(host, &leaves) == 33 && leaves[32].leaf == 32,
	    "a table of unknown length");
	free(leaves);
	kernel.table_count = 0;
	tap(!axv_vm_get_msr_policy(vm, &policies), "an empty table");
	free(policies);
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
	struct axv_x86_gprs gprs = {};
	struct axv_x86_gprs gprs2;
	struct axv_x86_sregs sregs = {};
	struct axv_x86_sregs sregs2;
	unsigned int i;
	__u64 value;

	kernel.no_reg = AXV_REG_X86(CR, 15);
	kernel.fixed_reg = AXV_REG_X86(MSR, 1);
	tap(axv_vcpu_set_reg(vcpu, kernel.fixed_reg, 3) == -EPERM && error_has("MSR 0x1") &&
	    error_has("0x3"), "a register that cannot be written is named");
	tap(axv_vcpu_get_reg(vcpu, kernel.no_reg, &value) == -ENOENT && error_has("CR 0xf"),
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

static void test_events(void)
{
	tap(!axv_vcpu_inject_extint(vcpu, 0xef) && kernel.event.type == AXV_INJECT_EXTINT &&
	    kernel.event.vector == 0xef, "an external interrupt");
	tap(!axv_vcpu_inject_exception(vcpu, 13, 8, 9) &&
	    kernel.event.flags == AXV_INJECT_HAS_ERROR_CODE && kernel.event.error_code == 8 &&
	    !kernel.event.address, "an exception with an error code");
	tap(!axv_vcpu_inject_exception(vcpu, 6, 8, 9) && !kernel.event.flags &&
	    !kernel.event.error_code, "an exception without an error code");
	tap(!axv_vcpu_inject_exception(vcpu, 14, 2, 0x1000) && kernel.event.address == 0x1000,
	    "a page fault");
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

/* Make an exit whose registers are in the run page, or only in the kernel. */
static void make_exit(bool in_page, const void *insn, unsigned int size)
{
	struct axv_x86_gprs gprs;
	struct axv_x86_sregs sregs;

	make_fault(DEVICE);
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
	tap(!kernel.calls[0x28] && kernel.calls[0x27] == 1,
	    "registers in the run page are not written by ioctl");

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

/* How often was the vector state read? */
static unsigned int fpu_reads(void)
{
	return kernel.calls[_IOC_NR(AXV_VCPU_GET_FPU)];
}

static __u64 page(__u64 table, unsigned int index, __u64 entry)
{
	memcpy(ram + table + index * 8, &entry, 8);
	return table;
}

/* Make an exit in long mode with protection keys; the device is in a page with @rights. */
static void make_long_exit(const void *insn, unsigned int size, __u64 rights)
{
	make_exit(true, insn, size);
	run->regs.sregs.seg[AXV_X86_CS].attr = 0xa9b;
	run->regs.sregs.efer = 0x500;
	run->regs.sregs.cr0 |= 1ull << 31;
	run->regs.sregs.cr4 |= 1 << 5 | 1 << 22;
	memset(ram + 0x4000, 0, 0x4000);
	page(0x6000, 0x80, DEVICE | 0x80 | rights);	/* 2 MiB */
	page(0x5000, 3, 0x6000 | 7);
	page(0x4000, 0, 0x5000 | 7);
	run->regs.sregs.cr3 = 0x4000;
}

static void test_finish_keys(void)
{
	static const unsigned char add[] = { 0x01, 0x07 };

	make_long_exit(add, 2, 3);
	tap(!axv_vcpu_finish(vcpu, &ops, NULL) && !fpu_reads() && device.writes == 1,
	    "a page of the kernel's needs no protection keys");
	make_long_exit(add, 2, 7);
	tap(!axv_vcpu_finish(vcpu, &ops, NULL) && fpu_reads() == 1 && device.writes == 1,
	    "a user page needs protection keys");
}

static void set_user(void)
{
	run->regs.sregs.seg[AXV_X86_CS].attr |= 3 << 5;
	run->regs.sregs.seg[AXV_X86_SS].attr |= 3 << 5;
}

static bool got_ud(int ret)
{
	return ret == AXV_FINISH_EXCEPTION && kernel.event.vector == 6 &&
	       !kernel.event.flags && run->regs.gprs.rip == 0x1000;
}

/* Whatever a program of the guest does, it must not end the VM. */
static void test_finish_user(void)
{
	static const unsigned char fld[] = { 0xd9, 0x07 };

	make_exit(true, fld, 2);
	set_user();
	tap(got_ud(axv_vcpu_finish(vcpu, &ops, NULL)), "user mode, not supported: #UD");
	make_exit(true, fld, 2);
	run->exit.fault.access = AXV_ACCESS_FETCH;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EOPNOTSUPP && error_has("executes at"),
	    "the kernel executes where it has no memory");
	make_exit(true, fld, 2);
	run->exit.fault.access = AXV_ACCESS_FETCH;
	set_user();
	tap(got_ud(axv_vcpu_finish(vcpu, &ops, NULL)), "user mode runs without memory: #UD");
}

/* ---- INS and OUTS ---- */

static struct {
	unsigned int calls;
	unsigned int count;
	__u16 port;
	unsigned int width;
} port;

static int port_read(void *opaque, __u16 number, unsigned int width, void *data,
		     unsigned int count)
{
	(void)opaque;
	port.calls++;
	port.port = number;
	port.width = width;
	port.count = count;
	memset(data, 0x5a, width * count);
	return 0;
}

static void make_string(const void *insn, unsigned int size, __u8 addr_width)
{
	make_exit(true, insn, size);
	memset(&run->exit, 0, sizeof(run->exit));
	memset(&port, 0, sizeof(port));
	run->exit_reason = AXV_EXIT_IO_STRING;
	run->insn_len = size;
	run->exit.io_string = (struct axv_exit_io_string) {
		.count = 4, .port = 0x1f0, .width = 2, .in = 1, .rep = 1,
		.addr_width = addr_width, .seg = AXV_X86_ES,
	};
	run->regs.gprs.gpr[AXV_X86_RCX] = 4;
	run->regs.gprs.gpr[AXV_X86_RDI] = 0x3000;
	memset(ram + 0x3000, 0, 16);
}

static void test_finish_strings(void)
{
	static const unsigned char insw[] = { 0xf3, 0x66, 0x6d };
	static const unsigned char other[] = { 0xf3, 0x66, 0x6c };
	struct axv_mmio_ops with = ops;
	unsigned int i;
	int ret;

	with.port_read = port_read;
	make_string(insw, 3, 4);
	ret = axv_vcpu_handle_mmio(vcpu, &with, NULL);
	tap(ret == AXV_FINISH_DONE && port.calls == 1 && port.port == 0x1f0 && port.width == 2 &&
	    port.count == 4 && !memcmp(ram + 0x3000, "ZZZZZZZZ\0", 9) &&
	    run->regs.gprs.rip == 0x1003 && !run->regs.gprs.gpr[AXV_X86_RCX] &&
	    (run->dirty & AXV_RUN_SET_GPRS), "rep insw: four elements in one call");

	make_string(insw, 3, 4);
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EOPNOTSUPP && error_has("port 0x1f0") &&
	    !run->dirty, "INS, and the VMM has no ports");

	/* The exit tells all, so the guest's code is not read. */
	make_string(other, 3, 4);
	tap(axv_vcpu_finish(vcpu, &with, NULL) == AXV_FINISH_DONE && port.calls == 1,
	    "the code does not matter if the exit tells all");

	/* The exit does not tell the size of addresses, and the code is another by now. */
	make_string(other, 3, AXV_IO_STRING_UNTOLD);
	kernel_set(AXV_REG_X86(CR, 3), 1);
	ret = axv_vcpu_finish(vcpu, &with, NULL);
	tap(ret == AXV_FINISH_DONE && !port.calls && !run->dirty && !kernel.events &&
	    kernel_get(AXV_REG_X86(CR, 3)) == run->regs.sregs.cr3,
	    "the guest runs what is there now, without its old translations");
	for (i = 0; i < 63 && !ret; i++)
		ret = axv_vcpu_finish(vcpu, &with, NULL);
	tap(!ret && axv_vcpu_finish(vcpu, &with, NULL) == -EOPNOTSUPP && error_has("another one"),
	    "the same exit again and again is an error");
	set_user();
	for (i = 0; i < 64 && !ret; i++)
		ret = axv_vcpu_finish(vcpu, &with, NULL);
	tap(!ret && got_ud(axv_vcpu_finish(vcpu, &with, NULL)) && !port.calls,
	    "the same exit again and again in user mode: #UD");
}

/* CR0 as LMSW has changed it is written to the run page, or by ioctl. */
static void test_finish_msw(void)
{
	static const unsigned char lmsw[] = { 0x0f, 0x01, 0x37 };	/* [edi] */
	int i;

	for (i = 0; i < 2; i++) {
		make_exit(!i, lmsw, 3);
		memset(&run->exit, 0, sizeof(run->exit));
		run->exit_reason = AXV_EXIT_MSW;
		run->exit.msw.load = 1;
		memset(ram + 0x3000, 0xfa, 2);
		if (i)
			kernel_set(AXV_REG_X86(GPR, AXV_X86_RDI), 0x3000);
		else
			run->regs.gprs.gpr[AXV_X86_RDI] = 0x3000;
		tap(!axv_vcpu_handle_mmio(vcpu, &ops, NULL) &&
		    (i ? kernel_get(AXV_REG_X86(CR, 0)) : run->regs.sregs.cr0) == 0xb &&
		    run->dirty == (i ? 0 : AXV_RUN_SET_GPRS | AXV_RUN_SET_SREGS),
		    "CR0 after LMSW, %s", i ? "by ioctl" : "in the run page");
	}
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
	run->exit.fault.access |= AXV_ACCESS_EVENT;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EOPNOTSUPP && error_has("by instruction") &&
	    !device.reads, "the guest's own INT n at a device is no access of an instruction");
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

static void test_finish_no_code(void)
{
	static const unsigned char add[] = { 0x01, 0x07 };

	make_exit(true, add, 2);
	run->exit.fault.cause = AXV_FAULT_CODE;
	run->exit.fault.access = AXV_ACCESS_FETCH;
	run->exit.fault.addr = 0;
	run->exit.fault.linear = 0x1000;
	run->exit.fault.insn_bytes = 0;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EOPNOTSUPP && error_has("linear 0x1000") &&
	    !device.reads && !kernel.events, "code that cannot be read: the kernel's is an error");
	run->regs.sregs.seg[AXV_X86_SS].attr |= 3 << 5;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == AXV_FINISH_EXCEPTION && kernel.events == 1 &&
	    kernel.event.vector == 6 && !kernel.event.flags && !device.reads &&
	    run->regs.gprs.rip == 0x1000, "code that cannot be read: #UD for user mode");
}

/* VMX: the PDPTEs are those that the processor has loaded; memory has none of them. */
static void test_finish_pdptes(void)
{
	static const unsigned char add[] = { 0x01, 0x07 };
	const __u64 directory = 0x202000, large = 0x87;
	struct axv_reg regs[] = {
		{ .id = AXV_REG_X86(PDPTE, 0), .value = directory | 1 },
		{ .id = AXV_REG_X86(PDPTE, 1) },
		{ .id = AXV_REG_X86(PDPTE, 2) },
		{ .id = AXV_REG_X86(PDPTE, 3), .value = directory | 1 },
		{ .id = AXV_REG_X86(PDPTE, AXV_X86_PDPTES_LOADED), .value = 1 },
	};
	__u64 gpa = 0;

	make_exit(true, add, 2);
	run->regs.sregs.cr0 |= 1ull << 31;
	run->regs.sregs.cr4 |= 1 << 5;
	run->regs.sregs.cr3 = 0x200000;
	memset(ram + 0x200000, 0, 32);
	page(directory, 0, large);
	page(directory, (DEVICE >> 21) & 511, DEVICE | large);
	axv_vcpu_set_regs(vcpu, regs, 5);
	tap(!axv_vcpu_translate(vcpu, 0x1234, AXV_ACCESS_READ, &gpa) && gpa == 0x1234,
	    "translation by PDPTEs that are loaded");
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == AXV_FINISH_DONE && device.writes == 1,
	    "an access by PDPTEs that are loaded");

	/* If the next run loads CR3, the loaded entries do not belong to it. */
	make_exit(true, add, 2);
	run->regs.sregs.cr0 |= 1ull << 31;
	run->regs.sregs.cr4 |= 1 << 5;
	run->regs.sregs.cr3 = 0x200000;
	run->dirty = AXV_RUN_SET_SREGS;
	axv_vcpu_set_regs(vcpu, regs, 5);
	tap(axv_vcpu_translate(vcpu, 0x1234, AXV_ACCESS_READ, &gpa) == -EFAULT,
	    "translation by registers of the run page that are not loaded yet");

	/* SVM has no such registers. */
	make_exit(true, add, 2);
	run->regs.sregs.cr0 |= 1ull << 31;
	run->regs.sregs.cr4 |= 1 << 5;
	run->regs.sregs.cr3 = 0x200000;
	page(0x200000, 0, directory | 1);
	kernel.no_reg = AXV_REG_X86(PDPTE, AXV_X86_PDPTES_LOADED);
	tap(!axv_vcpu_translate(vcpu, 0x1234, AXV_ACCESS_READ, &gpa) && gpa == 0x1234,
	    "translation without PDPTE registers");
	kernel.no_reg = 0;
}

/* Instructions that the kernel does not decode, at the local APIC that it has itself */
static void test_finish_lapic(void)
{
	static const unsigned char or[] = { 0x09, 0x07 };	/* or [edi], eax */
	static const unsigned char cmp[] = { 0x39, 0x07 };	/* cmp [edi], eax */
	static const unsigned char xchg[] = { 0x87, 0x07 };
	const struct { const unsigned char *code; const char *name; } insn[] = {
		{ or, "or" }, { xchg, "xchg" },
	};
	unsigned int i;

	vm->irqchip = AXV_IRQCHIP_LAPIC;
	for (i = 0; i < sizeof(insn) / sizeof(insn[0]); i++) {
		make_exit(true, insn[i].code, 2);
		kernel_set(AXV_REG_X86(MSR, 0x1b), 0xfee00900);
		run->regs.gprs.gpr[AXV_X86_RDI] = 0xfee000f0;
		tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EOPNOTSUPP &&
		    error_has("local APIC at 0xfee000f0") && error_has("0x1000") &&
		    !device.reads && !device.writes && !run->dirty && !kernel.events,
		    "%s on the kernel's local APIC is no device's", insn[i].name);
	}
	for (i = 0; i < 2; i++) {
		make_exit(true, cmp, 2);
		kernel_set(AXV_REG_X86(MSR, 0x1b), 0xfee00900);
		kernel_set(AXV_REG_X86(LAPIC, 0x300), 0x4500000000c4500);
		run->regs.gprs.gpr[AXV_X86_RAX] = i ? 0x4500000 : 0xc4500;
		run->regs.gprs.gpr[AXV_X86_RDI] = i ? 0xfee00310 : 0xfee00300;
		tap(!axv_vcpu_finish(vcpu, &ops, NULL) && !device.reads &&
		    (run->regs.gprs.rflags & 0x40) && run->regs.gprs.rip == 0x1002,
		    "cmp with ICR, half %u", i);
	}
	make_exit(true, cmp, 2);
	kernel_set(AXV_REG_X86(MSR, 0x1b), 0xfee00900);
	kernel.no_reg = AXV_REG_X86(LAPIC, 0x20);
	run->regs.gprs.gpr[AXV_X86_RDI] = 0xfee00020;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EOPNOTSUPP && !device.reads &&
	    error_has("local APIC at 0xfee00020"), "cmp with what is no register of a vCPU");
	kernel.no_reg = 0;
	make_exit(true, cmp, 2);
	kernel_set(AXV_REG_X86(MSR, 0x1b), 0xfee00900);
	kernel_set(AXV_REG_X86(LAPIC, AXV_X86_LAPIC_DEADLINE), 1);
	run->regs.gprs.gpr[AXV_X86_RDI] = 0xfee00400;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == -EOPNOTSUPP && !device.reads,
	    "cmp with what is no register of the page");

	make_exit(true, or, 2);
	kernel_set(AXV_REG_X86(MSR, 0x1b), 0xfee00900);
	run->regs.gprs.gpr[AXV_X86_RDI] = 0xfee000f0;
	run->regs.sregs.seg[AXV_X86_CS].attr |= 3 << 5;
	run->regs.sregs.seg[AXV_X86_SS].attr |= 3 << 5;
	tap(axv_vcpu_finish(vcpu, &ops, NULL) == AXV_FINISH_EXCEPTION &&
	    kernel.event.vector == 6 && !device.reads, "user mode on the kernel's local APIC: #UD");

	make_exit(true, or, 2);
	kernel_set(AXV_REG_X86(MSR, 0x1b), 0xfee00d00);
	run->regs.gprs.gpr[AXV_X86_RDI] = 0xfee000f0;
	tap(!axv_vcpu_finish(vcpu, &ops, NULL) && device.writes == 1,
	    "in x2APIC mode there is no page");
	make_exit(true, or, 2);
	kernel_set(AXV_REG_X86(MSR, 0x1b), 0xfee00900);
	tap(!axv_vcpu_finish(vcpu, &ops, NULL) && device.writes == 1, "other addresses: no APIC");
	vm->irqchip = AXV_IRQCHIP_NONE;
	make_exit(true, or, 2);
	run->regs.gprs.gpr[AXV_X86_RDI] = 0xfee000f0;
	tap(!axv_vcpu_finish(vcpu, &ops, NULL) && device.addr == 0xfee000f0 &&
	    device.writes == 1, "an APIC of the VMM's is a device");
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
	if (!fixture_open())
		return tap_done();
	test_tables();
	test_registers();
	test_events();
	test_finish();
	test_finish_keys();
	test_finish_user();
	test_finish_strings();
	test_finish_msw();
	test_finish_events();
	test_finish_no_code();
	test_finish_pdptes();
	test_finish_lapic();
	test_finish_refusals();
	fixture_close();
	return tap_done();
}
