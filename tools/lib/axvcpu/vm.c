// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Virtual machines: creation, doorbells and time.  Memory is in region.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib.h"

/* Modules that enable virtualization, and may keep it enabled. */
static const char *const rivals[] = {
	"kvm_amd", "kvm_intel", "vboxdrv", "vmmon",
};

/* Names of the rivals that are loaded, separated by spaces. */
static void loaded_rivals(char *names, size_t size)
{
	char line[512];
	size_t used = 0;
	size_t i;
	FILE *file;

	names[0] = '\0';
	file = fopen("/proc/modules", "re");
	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		*strchrnul(line, ' ') = '\0';
		for (i = 0; i < sizeof(rivals) / sizeof(rivals[0]); i++) {
			if (strcmp(line, rivals[i]) || used >= size)
				continue;
			used += snprintf(names + used, size - used, "%s%s",
					 used ? " " : "", line);
		}
	}
	fclose(file);
}

static int fail_create(void)
{
	char names[128];

	switch (errno) {
	case EBUSY:
		loaded_rivals(names, sizeof(names));
		return axv_fail(EBUSY,
				"create a VM: another hypervisor holds the virtualization hardware; stop its virtual machines and unload it%s%s",
				names[0] ? ": modprobe -r " : "", names);
	case EOPNOTSUPP:
		return axv_fail_call("this host has no such irqchip; see AXV_QUERY_IRQCHIPS",
				     "create a VM");
	case EINVAL:
		return axv_fail_call("see AXV_QUERY_VM_FLAGS and AXV_QUERY_IPA_BITS",
				     "create a VM");
	default:
		return axv_fail_call(NULL, "create a VM");
	}
}

int axv_vm_create(struct axv_host *host, const struct axv_vm_config *config,
		  struct axv_vm **vm)
{
	struct axv_create_vm create = {};
	struct axv_vm *v;
	int ret;

	if (config) {
		create.type = config->type;
		create.irqchip = config->irqchip;
		create.ipa_bits = config->ipa_bits;
		create.flags = config->flags;
	}
	v = calloc(1, sizeof(*v));
	if (!v)
		return axv_fail(ENOMEM, "create a VM: out of memory");
	v->fd = ioctl(host->fd, AXV_CREATE_VM, &create);
	if (v->fd < 0) {
		ret = fail_create();
		free(v);
		return ret;
	}
	v->id = create.vm_id;
	v->host = host;
	v->irqchip = create.irqchip;
	axv_regions_init(v);
	*vm = v;
	return 0;
}

void axv_vm_destroy(struct axv_vm *vm)
{
	if (!vm)
		return;
	close(vm->fd);
	axv_regions_free(vm);
	free(vm);
}

int axv_vm_fd(const struct axv_vm *vm)
{
	return vm->fd;
}

__u32 axv_vm_id(const struct axv_vm *vm)
{
	return vm->id;
}

static int set_doorbell(struct axv_vm *vm, const struct axv_doorbell *bell, const char *what)
{
	const char *hint = NULL;

	if (!ioctl(vm->fd, AXV_VM_SET_DOORBELL, bell))
		return 0;
	switch (errno) {
	case EINVAL:
		hint = "see AXV_QUERY_DOORBELL_FLAGS; data is no wider than the write";
		break;
	case EEXIST:
		hint = "there is a doorbell for the same write already";
		break;
	case ENOENT:
		hint = "there is none for this write and eventfd";
		break;
	case ENOSPC:
		hint = "see AXV_QUERY_MAX_DOORBELLS";
		break;
	}
	return axv_fail_call(hint, "%s a doorbell at %s%#llx", what,
			     bell->flags & AXV_DOORBELL_PORT ? "port " : "",
			     (unsigned long long)bell->addr);
}

int axv_vm_add_doorbell(struct axv_vm *vm, __u32 flags, __u64 addr, __u32 width,
			__u64 data, int fd)
{
	const struct axv_doorbell bell = {
		.flags = flags,
		.width = width,
		.addr = addr,
		.data = data,
		.fd = fd,
	};

	/* axv_vm_remove_doorbell() removes doorbells. */
	if (flags & AXV_DOORBELL_REMOVE)
		return axv_fail(EINVAL, "add a doorbell: an unknown flag");
	return set_doorbell(vm, &bell, "add");
}

int axv_vm_remove_doorbell(struct axv_vm *vm, __u32 flags, __u64 addr, __u32 width,
			   __u64 data, int fd)
{
	const struct axv_doorbell bell = {
		.flags = flags | AXV_DOORBELL_REMOVE,
		.width = width,
		.addr = addr,
		.data = data,
		.fd = fd,
	};

	return set_doorbell(vm, &bell, "remove");
}

int axv_vm_set_clock(struct axv_vm *vm, __u64 counter)
{
	struct axv_clock clock = { .counter = counter };

	if (ioctl(vm->fd, AXV_VM_SET_CLOCK, &clock))
		return axv_fail_call(NULL, "set the VM's clock");
	return 0;
}

int axv_vm_get_clock(struct axv_vm *vm, __u64 *counter)
{
	struct axv_clock clock = {};

	if (ioctl(vm->fd, AXV_VM_GET_CLOCK, &clock))
		return axv_fail_call(NULL, "get the VM's clock");
	*counter = clock.counter;
	return 0;
}
