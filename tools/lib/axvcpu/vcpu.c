// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * vCPUs: creation, lifecycle, state and counters.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib.h"

int axv_vcpu_create(struct axv_vm *vm, const struct axv_vcpu_config *config,
		    struct axv_vcpu **vcpu)
{
	struct axv_create_vcpu create = {
		.id = config->id,
		.hw_id = config->hw_id,
		.favor_phys_cpu = config->favor_phys_cpu,
		.cpu_set_size = config->cpu_set_size,
		.cpu_set = (uintptr_t)config->cpu_set,
	};
	struct axv_vcpu *v;
	__u64 run_size;
	__u64 fpu_size;
	int ret;

	ret = axv_query(vm->host, AXV_QUERY_RUN_SIZE, &run_size);
	if (!ret)
		ret = axv_query(vm->host, AXV_QUERY_FPU_SIZE, &fpu_size);
	if (ret)
		return ret;
	if (run_size < sizeof(struct axv_run))
		return axv_fail(EPROTO,
				"create vCPU %u: the module's run page is too short for this library",
				config->id);
	v = calloc(1, sizeof(*v));
	if (!v)
		return axv_fail(ENOMEM, "create vCPU %u: out of memory", config->id);
	v->vm = vm;
	v->id = config->id;
	v->run_size = run_size;
	v->fpu_size = fpu_size;
	v->favor_phys_cpu = config->favor_phys_cpu;
	if (config->cpu_set_size) {
		v->cpu_set = malloc(config->cpu_set_size);
		if (!v->cpu_set) {
			ret = axv_fail(ENOMEM, "create vCPU %u: out of memory",
				       config->id);
			goto err_free;
		}
		memcpy(v->cpu_set, config->cpu_set, config->cpu_set_size);
		v->cpu_set_size = config->cpu_set_size;
	}
	v->fd = ioctl(vm->fd, AXV_VM_CREATE_VCPU, &create);
	if (v->fd < 0) {
		const char *hint = NULL;

		if (errno == EEXIST)
			hint = "the VM has a vCPU with this id";
		else if (errno == EINVAL)
			hint = "see AXV_QUERY_MAX_VCPUS; the favoured CPU must be in the set";
		ret = axv_fail_call(hint, "create vCPU %u", config->id);
		goto err_free;
	}
	v->run = mmap(NULL, run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd,
		      AXV_MMAP_RUN);
	if (v->run == MAP_FAILED) {
		ret = axv_fail_call(NULL, "map the run page of vCPU %u", config->id);
		goto err_close;
	}
	*vcpu = v;
	return 0;

err_close:
	close(v->fd);
err_free:
	free(v->cpu_set);
	free(v);
	return ret;
}

void axv_vcpu_destroy(struct axv_vcpu *vcpu)
{
	if (!vcpu)
		return;
	munmap(vcpu->run, vcpu->run_size);
	close(vcpu->fd);
	free(vcpu->cpu_set);
	free(vcpu);
}

int axv_vcpu_fd(const struct axv_vcpu *vcpu)
{
	return vcpu->fd;
}

__u32 axv_vcpu_id(const struct axv_vcpu *vcpu)
{
	return vcpu->id;
}

struct axv_vm *axv_vcpu_vm(const struct axv_vcpu *vcpu)
{
	return vcpu->vm;
}

struct axv_run *axv_vcpu_run_page(const struct axv_vcpu *vcpu)
{
	return vcpu->run;
}

size_t axv_vcpu_fpu_size(const struct axv_vcpu *vcpu)
{
	return vcpu->fpu_size;
}

/*
 * Set the error text for a transition that failed; @legal names the state in which it is
 * allowed.
 */
static int fail_transition(struct axv_vcpu *vcpu, const char *name,
			   const char *legal)
{
	switch (errno) {
	case EBADFD:
		return axv_fail(EBADFD,
				"%s vCPU %u: legal only in state %s; it was in another state and is Invalid now: axv_vcpu_reset() brings it back",
				name, vcpu->id, legal);
	case EPERM:
		return axv_fail(EPERM,
				"%s vCPU %u: it belongs to another thread; unbind it there, or bind it here with AXV_BIND_ADOPT",
				name, vcpu->id);
	case EBUSY:
		return axv_fail(EBUSY,
				"%s vCPU %u: it is running, or another call is acting on it; kick it or try again",
				name, vcpu->id);
	case EXDEV:
		return axv_fail(EXDEV,
				"%s vCPU %u: this thread runs outside the vCPU's CPU set; call axv_pin_thread() first",
				name, vcpu->id);
	case EIO:
		return axv_fail(EIO,
				"%s vCPU %u: the VM belongs to another process", name,
				vcpu->id);
	default:
		return axv_fail_call(NULL, "%s vCPU %u", name, vcpu->id);
	}
}

int axv_vcpu_setup(struct axv_vcpu *vcpu, __u64 entry, __u32 mode)
{
	struct axv_setup setup = { .entry = entry, .mode = mode };

	if (ioctl(vcpu->fd, AXV_VCPU_SETUP, &setup))
		return fail_transition(vcpu, "set up", "Created");
	return 0;
}

int axv_vcpu_bind(struct axv_vcpu *vcpu, __u32 flags)
{
	struct axv_bind bind = { .flags = flags };

	if (ioctl(vcpu->fd, AXV_VCPU_BIND, &bind))
		return fail_transition(vcpu, "bind", "Free");
	return 0;
}

int axv_vcpu_unbind(struct axv_vcpu *vcpu)
{
	if (ioctl(vcpu->fd, AXV_VCPU_UNBIND))
		return fail_transition(vcpu, "unbind", "Ready");
	return 0;
}

int axv_vcpu_run(struct axv_vcpu *vcpu)
{
	if (ioctl(vcpu->fd, AXV_VCPU_RUN)) {
		if (errno == EINVAL)
			return axv_fail_call("a dirty register set has an illegal value",
					     "run vCPU %u", vcpu->id);
		return fail_transition(vcpu, "run", "Ready");
	}
	return 0;
}

int axv_vcpu_kick(struct axv_vcpu *vcpu)
{
	if (ioctl(vcpu->fd, AXV_VCPU_KICK))
		return axv_fail_call(NULL, "kick vCPU %u", vcpu->id);
	return 0;
}

int axv_vcpu_reset(struct axv_vcpu *vcpu)
{
	if (ioctl(vcpu->fd, AXV_VCPU_RESET))
		return fail_transition(vcpu, "reset", "any but Running and Blocked");
	return 0;
}

int axv_vcpu_get_state(struct axv_vcpu *vcpu, struct axv_state *state)
{
	if (ioctl(vcpu->fd, AXV_VCPU_GET_STATE, state))
		return axv_fail_call(NULL, "state of vCPU %u", vcpu->id);
	return 0;
}

int axv_vcpu_get_stats(struct axv_vcpu *vcpu, struct axv_stats *stats)
{
	if (ioctl(vcpu->fd, AXV_VCPU_GET_STATS, stats))
		return axv_fail_call(NULL, "counters of vCPU %u", vcpu->id);
	return 0;
}
