// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * /dev/kvm: what the host offers, and the creation of VMs.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "caps.h"
#include "debug.h"
#include "system.h"
#include "vcpu.h"
#include "vm.h"

/**
 * struct system - an open /dev/kvm
 * @host: the module's device
 * @object: its object, which lives longer
 */
struct system {
	struct axv_host *host;
	struct object *object;
};

static long system_ioctl(void *data, unsigned long command, unsigned long arg)
{
	struct system *system = data;

	switch (command) {
	case KVM_GET_API_VERSION:
		return arg ? -EINVAL : KVM_API_VERSION;
	case KVM_CHECK_EXTENSION:
		return caps_check(system->host, arg);
	case KVM_GET_VCPU_MMAP_SIZE:
		return arg ? -EINVAL : RUN_MAP_SIZE;
	case KVM_CREATE_VM:
		/* There is one type, as on KVM for x86. */
		return arg ? -EINVAL : vm_create(system->object, system->host);
	case KVM_GET_MSR_INDEX_LIST:
		return msr_list(system->host, (struct kvm_msr_list *)arg);
	case KVM_GET_SUPPORTED_CPUID:
		return cpuid_supported(system->host, (struct kvm_cpuid2 *)arg);
	default:
		return -ENOTTY;
	}
}

static void system_free(void *data)
{
	struct system *system = data;

	axv_close(system->host);
	free(system);
}

static const struct object_ops system_ops = {
	.name = "device",
	.ioctl = system_ioctl,
	.free = system_free,
};

int system_open(bool cloexec)
{
	struct system *system = calloc(1, sizeof(*system));
	int fd, err;

	if (!system)
		return -ENOMEM;
	err = axv_open(NULL, &system->host);
	if (err) {
		debug("%s", axv_error());
		goto err_free;
	}
	err = -ENOMEM;
	system->object = object_create(&system_ops, system);
	if (!system->object)
		goto err_close;
	fd = memfd_create("kvm", cloexec ? MFD_CLOEXEC : 0);
	err = fd < 0 ? -errno : object_attach(fd, system->object);
	object_put(system->object);
	if (err && fd >= 0)
		close(fd);
	return err ? err : fd;

err_close:
	axv_close(system->host);
err_free:
	free(system);
	return err;
}
