// SPDX-License-Identifier: GPL-2.0
/*
 * The vCPU's file: its lifecycle, its registers, its run page.
 */
#include <linux/anon_inodes.h>
#include <linux/cpumask.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <axvcpu/compat.h>
#include <axvcpu/state.h>
#include <axvcpu/route.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "debugfs.h"
#include "file.h"

/* More host CPUs than any kernel is built for, in bytes. */
#define MAX_CPU_SET	PAGE_SIZE

#define MAX_REGS	1024

/* More than any processor's vector state, in bytes. */
#define MAX_FPU		(64 * 1024)

static long setup(struct axv_call *call, void *data)
{
	return axv_vcpu_setup(call->vcpu, data);
}

static long bind(struct axv_call *call, void *data)
{
	const struct axv_bind *bind = data;

	if (bind->pad || bind->flags & ~AXV_BIND_ADOPT)
		return -EINVAL;
	return axv_vcpu_bind(call->vcpu, bind->flags & AXV_BIND_ADOPT);
}

static long unbind(struct axv_call *call, void *data)
{
	return axv_vcpu_unbind(call->vcpu);
}

static long run(struct axv_call *call, void *data)
{
	return axv_vcpu_run(call->vcpu);
}

static long kick(struct axv_call *call, void *data)
{
	axv_vcpu_kick(call->vcpu);
	return 0;
}

static long reset(struct axv_call *call, void *data)
{
	return axv_vcpu_reset(call->vcpu);
}

static long sync(struct axv_call *call, void *data)
{
	return axv_vcpu_sync(call->vcpu);
}

static long get_state(struct axv_call *call, void *data)
{
	axv_vcpu_get_state(call->vcpu, data);
	return 0;
}

static long get_stats(struct axv_call *call, void *data)
{
	const struct axv_vcpu *vcpu = call->vcpu;
	const u64 *from = (const u64 *)&vcpu->stats;
	u64 *to = data;
	size_t i;

	/* The counters change meanwhile; each one is read in one piece. */
	for (i = 0; i < sizeof(vcpu->stats) / sizeof(*to); i++)
		to[i] = READ_ONCE(from[i]);
	return 0;
}

static long inject(struct axv_call *call, void *data)
{
	long ret = axv_vcpu_inject(call->vcpu, data);

	/* A wire that goes low, or an edge that is taken back, makes room in the queue. */
	axv_routes_retry(call->vcpu);
	return ret;
}

static long set_sgis(struct axv_call *call, void *data)
{
	return call->ops->set_sgis ? call->ops->set_sgis(call->vcpu, data) : -EOPNOTSUPP;
}

static long set_debug(struct axv_call *call, void *data)
{
	const struct axv_debug *debug = data;

	if (!call->ops->debug_flags)
		return -EOPNOTSUPP;
	if (debug->pad || debug->flags & ~call->ops->debug_flags)
		return -EINVAL;
	return call->ops->set_debug(call->vcpu, debug);
}

static int regs_array(struct axv_call *call, void *data)
{
	const struct axv_regs *list = data;

	if (list->flags || list->count > MAX_REGS)
		return -EINVAL;
	axv_call_array(call, list->regs, list->count, sizeof(struct axv_reg));
	return 0;
}

static bool regs_padded(const struct axv_call *call)
{
	const struct axv_reg *regs = call->array;
	u32 i;

	for (i = 0; i < call->count; i++)
		if (regs[i].pad)
			return true;
	return false;
}

static long get_regs(struct axv_call *call, void *data)
{
	if (regs_padded(call))
		return -EINVAL;
	return axv_get_regs(call->vcpu, call->array, call->count);
}

static long set_regs(struct axv_call *call, void *data)
{
	if (regs_padded(call))
		return -EINVAL;
	return axv_set_regs(call->vcpu, call->array, call->count);
}

static int fpu_array(struct axv_call *call, void *data)
{
	const struct axv_fpu *fpu = data;

	if (fpu->flags || !fpu->size || fpu->size > MAX_FPU)
		return -EINVAL;
	axv_call_array(call, fpu->data, fpu->size, 1);
	return 0;
}

static long get_fpu(struct axv_call *call, void *data)
{
	return call->ops->get_fpu(call->vcpu, call->array, call->array_size);
}

static long set_fpu(struct axv_call *call, void *data)
{
	return call->ops->set_fpu(call->vcpu, call->array, call->array_size);
}

#define READER		.need = AXV_NEED_READ
#define OWNER(set)	.need = AXV_NEED_OWNER, .states = AXV_STATES_##set

const struct axv_ioctl axv_vcpu_commands[] = {
	AXV_IOC_UPTO(AXV_VCPU_SETUP, struct axv_setup, entry, 0, setup),
	AXV_IOC_UPTO(AXV_VCPU_BIND, struct axv_bind, flags, 0, bind),
	AXV_IOC_NONE(AXV_VCPU_UNBIND, unbind),
	AXV_IOC_NONE(AXV_VCPU_RUN, run),
	AXV_IOC_NONE(AXV_VCPU_KICK, kick),
	AXV_IOC_NONE(AXV_VCPU_RESET, reset),
	AXV_IOC_NONE(AXV_VCPU_SYNC, sync),
	AXV_IOC_UPTO(AXV_VCPU_GET_STATE, struct axv_state, state, 0, get_state),
	AXV_IOC_ALL(AXV_VCPU_GET_REGS, struct axv_regs,
		    AXV_IOC_ARRAY_IN | AXV_IOC_ARRAY_OUT, get_regs,
		    .array = regs_array),
	AXV_IOC_ALL(AXV_VCPU_SET_REGS, struct axv_regs,
		    AXV_IOC_ARRAY_IN | AXV_IOC_ARRAY_OUT, set_regs,
		    .array = regs_array, OWNER(SET_UP)),
	AXV_IOC_ALL(AXV_VCPU_GET_FPU, struct axv_fpu, AXV_IOC_ARRAY_OUT, get_fpu,
		    .array = fpu_array, READER),
	AXV_IOC_ALL(AXV_VCPU_SET_FPU, struct axv_fpu, AXV_IOC_ARRAY_IN, set_fpu,
		    .array = fpu_array, OWNER(SET_UP)),
	AXV_IOC_UPTO(AXV_VCPU_GET_STATS, struct axv_stats, entries, 0, get_stats),
	AXV_IOC_UPTO(AXV_INJECT, struct axv_inject, data, 0, inject),
	AXV_IOC_ALL(AXV_VCPU_SET_SGIS, struct axv_sgis, 0, set_sgis),
	AXV_IOC_ALL(AXV_VCPU_SET_DEBUG, struct axv_debug, 0, set_debug, OWNER(SET_UP)),
	AXV_IOC_GET_TABLE(READER),
	/*
	 * A table can be set in Created and Free only, where a vCPU has no owner.  If the vCPU
	 * has an owner, AXV_NEED_OWNER refuses another thread before that thread has the claim;
	 * otherwise such calls make the owner busy.
	 */
	AXV_IOC_SET_TABLE(OWNER(NOT_SET_UP)),
};

/* A function of its own, so that a run neither uses stack for a call nor clears one. */
static noinline long dispatch(struct axv_vcpu *vcpu, unsigned int cmd, unsigned long arg)
{
	struct axv_call call = { .ops = vcpu->ops, .vm = vcpu->vm, .vcpu = vcpu };

	return axv_ioctl_dispatch(&call, axv_vcpu_commands,
				  ARRAY_SIZE(axv_vcpu_commands), cmd, arg);
}

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct axv_vcpu *vcpu = file->private_data;

	if (unlikely(!axv_vm_is_mine(vcpu->vm)))
		return -EIO;
	if (likely(cmd == AXV_VCPU_RUN))
		return axv_vcpu_run(vcpu);
	if (likely(cmd == AXV_VCPU_SYNC))
		return axv_vcpu_sync(vcpu);
	return dispatch(vcpu, cmd, arg);
}

/* Called at the first access, and at the first one after MADV_DONTNEED. */
static vm_fault_t run_page_fault(struct vm_fault *vmf)
{
	struct axv_vcpu *vcpu = vmf->vma->vm_file->private_data;

	/* It is the only page: vcpu_mmap() refuses longer mappings, and none can grow. */
	vmf->page = virt_to_page(vcpu->run);
	get_page(vmf->page);
	return 0;
}

static const struct vm_operations_struct run_page_ops = {
	.fault = run_page_fault,
};

static int vcpu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct axv_vcpu *vcpu = file->private_data;

	if (!axv_vm_is_mine(vcpu->vm))
		return -EIO;
	if (vma->vm_pgoff >= AXV_MMAP_RING >> PAGE_SHIFT)
		return -ENXIO;
	if (vma->vm_pgoff != AXV_MMAP_RUN >> PAGE_SHIFT ||
	    vma->vm_end - vma->vm_start != PAGE_SIZE ||
	    !(vma->vm_flags & VM_SHARED) || (vma->vm_flags & VM_EXEC))
		return -EINVAL;

	/*
	 * A child does not own the VM, so fork() leaves the mapping out (VM_DONTCOPY).
	 * VM_IO makes madvise() refuse MADV_DOFORK, otherwise a child could write here.
	 */
	axv_vm_flags_set(vma, VM_IO | VM_DONTCOPY | VM_DONTEXPAND);
	axv_vm_flags_clear(vma, VM_MAYEXEC);
	vma->vm_ops = &run_page_ops;
	return 0;
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	axv_vcpu_close(file->private_data);
	return 0;
}

static void vcpu_show_fdinfo(struct seq_file *m, struct file *file)
{
	axv_show_vcpu(m, file->private_data);
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vcpu_mmap,
	.release = vcpu_release,
	.show_fdinfo = vcpu_show_fdinfo,
	.llseek = noop_llseek,
};

static int get_cpu_set(const struct axv_create_vcpu *config,
		       struct cpumask *mask)
{
	unsigned long *bits __free(kfree) = NULL;
	const void __user *user = u64_to_user_ptr(config->cpu_set);
	size_t size = config->cpu_set_size;
	unsigned int nbits = size * BITS_PER_BYTE;

	if (size > MAX_CPU_SET)
		return -EINVAL;
	bits = kzalloc(round_up(size, sizeof(*bits)), GFP_KERNEL_ACCOUNT);
	if (!bits)
		return -ENOMEM;
	if (copy_from_user(bits, user, size))
		return -EFAULT;
	bitmap_copy(cpumask_bits(mask), bits, min(nbits, nr_cpu_ids));

	/* A set without a possible CPU is an error; only an empty one means "any CPU". */
	if (cpumask_empty(mask) && !bitmap_empty(bits, nbits))
		return -EINVAL;
	return 0;
}

/**
 * axv_vcpu_file_new() - AXV_VM_CREATE_VCPU
 * @vm:		VM that gets it
 * @config:	from userspace
 *
 * Context: may sleep.
 * Return: a file descriptor or a negative error.
 */
int axv_vcpu_file_new(struct axv_vm *vm, const struct axv_create_vcpu *config)
{
	struct axv_vcpu_config identity = {
		.id = config->id,
		.hw_id = config->hw_id,
		.favor_phys_cpu = config->favor_phys_cpu,
	};
	struct axv_vcpu *vcpu;
	cpumask_var_t mask;
	int ret;

	if (config->flags || (!config->cpu_set_size && config->cpu_set))
		return -EINVAL;
	if (!zalloc_cpumask_var(&mask, GFP_KERNEL_ACCOUNT))
		return -ENOMEM;
	if (config->cpu_set_size) {
		identity.phys_cpu_set = mask;
		ret = get_cpu_set(config, mask);
		if (ret)
			goto out;
	}
	vcpu = axv_vcpu_new(vm, &identity);
	if (IS_ERR(vcpu)) {
		ret = PTR_ERR(vcpu);
		goto out;
	}
	ret = anon_inode_getfd("axvcpu-vcpu", &vcpu_fops, vcpu,
			       O_RDWR | O_CLOEXEC);
	if (ret < 0)
		axv_vcpu_close(vcpu);
out:
	free_cpumask_var(mask);
	return ret;
}
