// SPDX-License-Identifier: GPL-2.0
/*
 * The front end, in common: from an ioctl's number to its handler, and the
 * commands that every file has.
 *
 * The number alone names the command.  The size in the command is the caller's:
 * a structure grows at its end, so a short one is extended by zeroes, and a
 * long one is fine as long as what this kernel does not know is zero.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "file.h"

#define MAX_STRUCT	sizeof(struct axv_stats)
#define MAX_ENTRIES	4096

/**
 * axv_reply() - store a structure back
 * @call:	the call
 * @data:	the structure
 *
 * Bytes of a longer structure that this kernel does not know become zero.
 *
 * Return: 0 or -EFAULT.
 */
int axv_reply(const struct axv_call *call, const void *data)
{
	size_t size = min_t(size_t, call->user_size, call->entry->size);

	if (copy_to_user(call->user, data, size) ||
	    clear_user(call->user + size, call->user_size - size))
		return -EFAULT;
	return 0;
}

static const struct axv_ioctl *find(const struct axv_ioctl *table,
				    size_t entries, unsigned int cmd)
{
	const struct axv_ioctl *entry;
	unsigned int nr = _IOC_NR(cmd);

	if (_IOC_TYPE(cmd) != AXV_IOCTL || nr >= entries)
		return NULL;
	entry = &table[array_index_nospec(nr, entries)];
	return entry->handler ? entry : NULL;
}

/* Apart, so that a command without a structure has no room for any. */
static noinline long call_with_data(struct axv_call *call)
{
	const struct axv_ioctl *entry = call->entry;
	u64 data[MAX_STRUCT / sizeof(u64)];
	long ret;
	int err;

	if (call->user_size < entry->min_size)
		return -EINVAL;
	if (!(entry->flags & AXV_IOC_NO_INPUT)) {
		err = copy_struct_from_user(data, entry->size, call->user,
					    call->user_size);
		if (err)
			return err;
	}

	ret = entry->handler(call, data);
	if ((ret >= 0 && (entry->flags & AXV_IOC_REPLY)) ||
	    (ret == -E2BIG && (entry->flags & AXV_IOC_REPLY_E2BIG))) {
		err = axv_reply(call, data);
		if (err)
			return err;
	}
	return ret;
}

static noinline long call_entry(const struct axv_ioctl *entry, void *object,
				unsigned int cmd, unsigned long arg)
{
	struct axv_call call = {
		.object = object,
		.user = (void __user *)arg,
		.user_size = _IOC_SIZE(cmd),
		.entry = entry,
	};

	if (!entry->size && !call.user_size)
		return entry->handler(&call, NULL);
	return call_with_data(&call);
}

/**
 * axv_ioctl_dispatch() - carry out one ioctl
 * @table:	commands of the file, by their numbers
 * @entries:	how many places it has
 * @object:	what the file stands for
 * @cmd:	from userspace
 * @arg:	from userspace
 *
 * Context: may sleep.
 * Return: what the handler returns; -ENOTTY: no such command; -EINVAL: the
 * structure is too short; -E2BIG: too long, and not zero where it is unknown;
 * -EFAULT.
 */
long axv_ioctl_dispatch(const struct axv_ioctl *table, size_t entries,
			void *object, unsigned int cmd, unsigned long arg)
{
	const struct axv_ioctl *entry = find(table, entries, cmd);

	return entry ? call_entry(entry, object, cmd, arg) : -ENOTTY;
}

static int check_table(const struct axv_arch_ops *ops,
		       const struct axv_table *table)
{
	u32 size = ops->table_entry_size(table->kind);

	if (table->flags || !size || table->entry_size != size)
		return -EINVAL;
	return 0;
}

/**
 * axv_ioctl_get_table() - AXV_GET_TABLE
 * @vm:		VM whose table is meant, also with @vcpu; NULL: the host's
 * @vcpu:	vCPU whose table is meant, or NULL
 * @table:	the call; its count becomes that of the table
 *
 * Context: may sleep; the caller keeps the table from changing.
 * Return: 0, -EINVAL, -E2BIG, -ENOMEM or -EFAULT.
 */
long axv_ioctl_get_table(struct axv_vm *vm, struct axv_vcpu *vcpu,
			 struct axv_table *table)
{
	const struct axv_arch_ops *ops = axv_device_ops;
	u32 count = min_t(u32, table->count, MAX_ENTRIES);
	void *entries;
	long err;

	err = check_table(ops, table);
	if (err)
		return err;
	entries = kvcalloc(count ?: 1, table->entry_size, GFP_KERNEL_ACCOUNT);
	if (!entries)
		return -ENOMEM;

	err = ops->get_table(vm, vcpu, table->kind, entries, &count);
	if (!err || err == -E2BIG)
		table->count = count;
	if (!err && copy_to_user(u64_to_user_ptr(table->entries), entries,
				 (size_t)count * table->entry_size))
		err = -EFAULT;
	kvfree(entries);
	return err;
}

/**
 * axv_ioctl_set_table() - AXV_SET_TABLE
 * @vm:		VM whose table is meant, also with @vcpu
 * @vcpu:	vCPU whose table is meant, or NULL
 * @table:	the call
 *
 * Context: may sleep; the caller keeps others from changing the table.
 * Return: 0, -EINVAL, -E2BIG, -ENOMEM, -EFAULT, or what the back end says.
 */
long axv_ioctl_set_table(struct axv_vm *vm, struct axv_vcpu *vcpu,
			 const struct axv_table *table)
{
	const struct axv_arch_ops *ops = axv_device_ops;
	void *entries;
	size_t size;
	long err;

	err = check_table(ops, table);
	if (err)
		return err;
	if (table->count > MAX_ENTRIES)
		return -E2BIG;
	size = (size_t)table->count * table->entry_size;
	entries = kvmalloc(size ?: 1, GFP_KERNEL_ACCOUNT);
	if (!entries)
		return -ENOMEM;
	if (copy_from_user(entries, u64_to_user_ptr(table->entries), size))
		err = -EFAULT;
	else
		err = ops->set_table(vm, vcpu, table->kind, entries,
				     table->count);
	kvfree(entries);
	return err;
}
