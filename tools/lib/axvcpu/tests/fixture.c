// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Objects that tests of the library share: a vCPU over the stand-in for the module, and a
 * device.
 */
#include <string.h>

#include "fixture.h"

struct axv_host *host;
struct axv_vm *vm;
struct axv_vcpu *vcpu;
struct axv_run *run;
unsigned char *ram;
struct device device;

static void note(__u64 addr, unsigned int width, __u64 data)
{
	unsigned int n = device.reads + device.writes;

	device.addr = addr;
	device.width = width;
	if (n >= sizeof(device.log) / sizeof(device.log[0]))
		return;
	device.log[n].addr = addr;
	device.log[n].width = width;
	device.log[n].data = data;
}

static int device_read(void *opaque, __u64 addr, unsigned int width, __u64 *data)
{
	(void)opaque;
	note(addr, width, 0);
	device.reads++;
	*data = DEVICE_DATA;
	return device.error;
}

static int device_write(void *opaque, __u64 addr, unsigned int width, __u64 data)
{
	(void)opaque;
	note(addr, width, data);
	device.writes++;
	device.data = data;
	return device.error;
}

const struct axv_mmio_ops ops = {
	.read = device_read,
	.write = device_write,
};

bool fixture_open(void)
{
	struct axv_vcpu_config config = { .favor_phys_cpu = -1 };

	kernel_reset();
	if (axv_open("/dev/null", &host) || axv_vm_create(host, NULL, &vm) ||
	    axv_vm_add_ram(vm, 0, 0, 0, RAM_SIZE, (void **)&ram) ||
	    axv_vcpu_create(vm, &config, &vcpu))
		return tap(false, "the stand-in: %s", axv_error());
	run = axv_vcpu_run_page(vcpu);
	return true;
}

void fixture_close(void)
{
	axv_vcpu_destroy(vcpu);
	axv_vm_destroy(vm);
	axv_close(host);
}

void make_fault(__u64 addr)
{
	kernel_reset();
	memset(&device, 0, sizeof(device));
	memset(run, 0, sizeof(*run));
	run->exit_reason = AXV_EXIT_NESTED_PAGE_FAULT;
	run->exit.fault.addr = addr;
	run->exit.fault.access = AXV_ACCESS_READ | AXV_ACCESS_WRITE;
}

bool error_has(const char *text)
{
	if (strstr(axv_error(), text))
		return true;
	tap_note("axv_error(): %s", axv_error());
	return false;
}
