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
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "file.h"

/* More host CPUs than any kernel is built for, in bytes. */
#define MAX_CPU_SET	PAGE_SIZE

#define MAX_REGS	1024

/* More than any processor's vector state, in bytes. */
#define MAX_FPU		(64 * 1024)

static long setup(struct axv_call *call, void *data)
{
	return axv_vcpu_setup(call->object, data);
}

static long bind(struct axv_call *call, void *data)
{
	const struct axv_bind *bind = data;

	if (bind->pad || bind->flags & ~AXV_BIND_ADOPT)
		return -EINVAL;
	return axv_vcpu_bind(call->object, bind->flags & AXV_BIND_ADOPT);
}

static long unbind(struct axv_call *call, void *data)
{
	return axv_vcpu_unbind(call->object);
}

static long run(struct axv_call *call, void *data)
{
	return axv_vcpu_run(call->object);
}

static long kick(struct axv_call *call, void *data)
{
	axv_vcpu_kick(call->object);
	return 0;
}

static long reset(struct axv_call *call, void *data)
{
	return axv_vcpu_reset(call->object);
}

static long get_state(struct axv_call *call, void *data)
{
	axv_vcpu_get_state(call->object, data);
	return 0;
}

static long get_stats(struct axv_call *call, void *data)
{
	const struct axv_vcpu *vcpu = call->object;
	const u64 *from = (const u64 *)&vcpu->stats;
	u64 *to = data;
	size_t i;

	/* Counters move meanwhile; each is read whole. */
	for (i = 0; i < sizeof(vcpu->stats) / sizeof(*to); i++)
		to[i] = READ_ONCE(from[i]);
	return 0;
}

static long inject(struct axv_call *call, void *data)
{
	return axv_vcpu_inject(call->object, data);
}

static long with_regs(struct axv_vcpu *vcpu, const struct axv_regs *list,
		      int (*access)(struct axv_vcpu *vcpu, struct axv_reg *regs,
				    u32 count))
{
	struct axv_reg __user *user = u64_to_user_ptr(list->regs);
	struct axv_reg *regs;
	size_t size;
	long ret;
	u32 i;

	if (list->flags || list->count > MAX_REGS)
		return -EINVAL;
	size = list->count * sizeof(*regs);
	regs = kvmalloc(size ?: 1, GFP_KERNEL_ACCOUNT);
	if (!regs)
		return -ENOMEM;

	ret = -EFAULT;
	if (copy_from_user(regs, user, size))
		goto out;
	ret = -EINVAL;
	for (i = 0; i < list->count; i++)
		if (regs[i].pad)
			goto out;
	ret = access(vcpu, regs, list->count);
	if (ret >= 0 && copy_to_user(user, regs, size))
		ret = -EFAULT;
out:
	kvfree(regs);
	return ret;
}

static long get_regs(struct axv_call *call, void *data)
{
	return with_regs(call->object, data, axv_get_regs);
}

static long set_regs(struct axv_call *call, void *data)
{
	return with_regs(call->object, data, axv_set_regs);
}

static long sync(struct axv_call *call, void *data)
{
	return axv_vcpu_sync(call->object);
}

static long get_fpu(struct axv_call *call, void *data)
{
	const struct axv_fpu *fpu = data;
	void *state;
	long err;

	if (fpu->flags || !fpu->size || fpu->size > MAX_FPU)
		return -EINVAL;
	state = kvzalloc(fpu->size, GFP_KERNEL_ACCOUNT);
	if (!state)
		return -ENOMEM;
	err = axv_get_fpu(call->object, state, fpu->size);
	if (!err && copy_to_user(u64_to_user_ptr(fpu->data), state, fpu->size))
		err = -EFAULT;
	kvfree(state);
	return err;
}

static long set_fpu(struct axv_call *call, void *data)
{
	const struct axv_fpu *fpu = data;
	void *state;
	long err;

	if (fpu->flags || !fpu->size || fpu->size > MAX_FPU)
		return -EINVAL;
	state = kvmalloc(fpu->size, GFP_KERNEL_ACCOUNT);
	if (!state)
		return -ENOMEM;
	if (copy_from_user(state, u64_to_user_ptr(fpu->data), fpu->size))
		err = -EFAULT;
	else
		err = axv_set_fpu(call->object, state, fpu->size);
	kvfree(state);
	return err;
}

static long get_table(struct axv_call *call, void *data)
{
	struct axv_vcpu *vcpu = call->object;
	long err;

	err = axv_claim_any(vcpu, AXV_STATES_AT_REST);
	if (err)
		return err;
	err = axv_ioctl_get_table(vcpu->vm, vcpu, data);
	axv_unclaim(vcpu);
	return err;
}

static long set_table(struct axv_call *call, void *data)
{
	const struct axv_table *table = data;
	struct axv_vcpu *vcpu = call->object;
	long err;

	/* A list of what there is; no state makes it one to be set. */
	if (table->kind == AXV_TABLE_REGS)
		return -EINVAL;
	err = axv_claim_any(vcpu, AXV_STATES_NOT_SET_UP);
	if (err)
		return err;
	err = axv_ioctl_set_table(vcpu->vm, vcpu, data);
	axv_unclaim(vcpu);
	return err;
}

static const struct axv_ioctl commands[] = {
	AXV_IOC_UPTO(AXV_VCPU_SETUP, struct axv_setup, entry, 0, setup),
	AXV_IOC_UPTO(AXV_VCPU_BIND, struct axv_bind, flags, 0, bind),
	AXV_IOC_NONE(AXV_VCPU_UNBIND, unbind),
	AXV_IOC_NONE(AXV_VCPU_RUN, run),
	AXV_IOC_NONE(AXV_VCPU_KICK, kick),
	AXV_IOC_NONE(AXV_VCPU_RESET, reset),
	AXV_IOC_NONE(AXV_VCPU_SYNC, sync),
	AXV_IOC_UPTO(AXV_VCPU_GET_STATE, struct axv_state, state,
		     AXV_IOC_REPLY | AXV_IOC_NO_INPUT, get_state),
	AXV_IOC_ALL(AXV_VCPU_GET_REGS, struct axv_regs, 0, get_regs),
	AXV_IOC_ALL(AXV_VCPU_SET_REGS, struct axv_regs, 0, set_regs),
	AXV_IOC_ALL(AXV_VCPU_GET_FPU, struct axv_fpu, 0, get_fpu),
	AXV_IOC_ALL(AXV_VCPU_SET_FPU, struct axv_fpu, 0, set_fpu),
	AXV_IOC_UPTO(AXV_VCPU_GET_STATS, struct axv_stats, entries,
		     AXV_IOC_REPLY | AXV_IOC_NO_INPUT, get_stats),
	AXV_IOC_UPTO(AXV_INJECT, struct axv_inject, data, 0, inject),
	AXV_IOC_ALL(AXV_GET_TABLE, struct axv_table,
		    AXV_IOC_REPLY | AXV_IOC_REPLY_E2BIG, get_table),
	AXV_IOC_ALL(AXV_SET_TABLE, struct axv_table, 0, set_table),
};

static long vcpu_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct axv_vcpu *vcpu = file->private_data;

	if (unlikely(!axv_vm_is_mine(vcpu->vm)))
		return -EIO;
	if (likely(cmd == AXV_VCPU_RUN))
		return axv_vcpu_run(vcpu);
	return axv_ioctl_dispatch(commands, ARRAY_SIZE(commands), vcpu, cmd, arg);
}

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

	/* A child has no VM, and the page has no more of itself. */
	axv_vm_flags_set(vma, VM_DONTCOPY | VM_DONTEXPAND);
	axv_vm_flags_clear(vma, VM_MAYEXEC);
	return vm_insert_page(vma, vma->vm_start, virt_to_page(vcpu->run));
}

static int vcpu_release(struct inode *inode, struct file *file)
{
	axv_vcpu_close(file->private_data);
	return 0;
}

static const struct file_operations vcpu_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vcpu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = vcpu_mmap,
	.release = vcpu_release,
	.llseek = noop_llseek,
};

static int get_cpu_set(const struct axv_create_vcpu *config,
		       struct cpumask *mask)
{
	const void __user *user = u64_to_user_ptr(config->cpu_set);
	unsigned long *bits;
	size_t size = config->cpu_set_size;
	unsigned int nbits = size * BITS_PER_BYTE;
	int err = 0;

	if (size > MAX_CPU_SET)
		return -EINVAL;
	bits = kzalloc(round_up(size, sizeof(*bits)), GFP_KERNEL_ACCOUNT);
	if (!bits)
		return -ENOMEM;
	if (copy_from_user(bits, user, size)) {
		err = -EFAULT;
		goto out;
	}
	bitmap_copy(cpumask_bits(mask), bits, min(nbits, nr_cpu_ids));

	/* CPUs that no kernel here can have: nowhere, which is not anywhere. */
	if (cpumask_empty(mask) && !bitmap_empty(bits, nbits))
		err = -EINVAL;
out:
	kfree(bits);
	return err;
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
