// SPDX-License-Identifier: GPL-2.0
/*
 * What the ioctls of all three kinds of files share: finding the handler by the command's
 * number, copying structures and arrays in and out, and the table commands.
 *
 * The number alone names the command.  The size in the command is the caller's: a structure
 * grows at its end, so a shorter one is extended by zeroes, and a longer one is accepted if
 * the bytes that this kernel does not know are zero.
 */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/mutex.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include <axvcpu/compat.h>
#include <axvcpu/state.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "claim.h"
#include "file.h"

#define MAX_STRUCT	sizeof(struct axv_stats)
#define MAX_ENTRIES	4096

/**
 * axv_reply() - copy a structure back to the caller
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

static int begin(const struct axv_call *call)
{
	switch (call->entry->need) {
	case AXV_NEED_VM:
		return mutex_lock_killable(&call->vm->lock);
	case AXV_NEED_READ:
		return axv_begin_read(call->vcpu);
	case AXV_NEED_OWNER:
		return axv_claim_owned(call->vcpu, call->entry->states);
	}
	return 0;
}

static void end(const struct axv_call *call)
{
	switch (call->entry->need) {
	case AXV_NEED_VM:
		mutex_unlock(&call->vm->lock);
		break;
	case AXV_NEED_READ:
		axv_end_read(call->vcpu);
		break;
	case AXV_NEED_OWNER:
		axv_unclaim(call->vcpu);
		break;
	}
}

static long call_handler(struct axv_call *call, void *data)
{
	long ret = begin(call);

	if (ret)
		return ret;
	ret = call->entry->handler(call, data);
	end(call);
	return ret;
}

/*
 * The array is copied in before any lock or claim is taken, and back after that was given
 * back: a page fault on user memory may take for ever.
 */
static long call_with_array(struct axv_call *call, void *data)
{
	void *array __free(axv_kvfree) = NULL;
	u8 flags = call->entry->flags;
	long ret;

	ret = call->entry->array(call, data);
	if (ret)
		return ret;
	/*
	 * Zero the array: otherwise the part that the handler does not write leaks kernel memory.
	 */
	array = kvzalloc(call->array_size ?: 1, GFP_KERNEL_ACCOUNT);
	if (!array)
		return -ENOMEM;
	if (flags & AXV_IOC_ARRAY_IN &&
	    copy_from_user(array, call->user_array, call->array_size))
		return -EFAULT;
	call->array = array;
	ret = call_handler(call, data);
	if (ret >= 0 && flags & AXV_IOC_ARRAY_OUT &&
	    copy_to_user(call->user_array, array, call->array_size))
		return -EFAULT;
	return ret;
}

/* A function of its own, so that a command without a structure uses no stack for one. */
static noinline long call_with_data(struct axv_call *call)
{
	const struct axv_ioctl *entry = call->entry;
	u64 data[MAX_STRUCT / sizeof(u64)];
	long ret;
	int err;

	if (call->user_size < entry->min_size)
		return -EINVAL;
	/* Of a command without a structure (size 0), all bytes have to be zero. */
	if (entry->flags & AXV_IOC_IN || !entry->size) {
		err = copy_struct_from_user(data, entry->size, call->user,
					    call->user_size);
		if (err)
			return err;
	}

	ret = entry->array ? call_with_array(call, data) : call_handler(call, data);
	if (entry->flags & AXV_IOC_STORED)
		return ret;
	if ((ret >= 0 && (entry->flags & AXV_IOC_OUT)) ||
	    (ret == -E2BIG && (entry->flags & AXV_IOC_OUT_E2BIG))) {
		err = axv_reply(call, data);
		if (err)
			return err;
	}
	return ret;
}

/**
 * axv_ioctl_dispatch() - carry out one ioctl
 * @call:	back end, VM and vCPU that the file stands for; the rest is filled in
 * @table:	commands of the file, by their numbers
 * @entries:	places in @table
 * @cmd:	from userspace
 * @arg:	from userspace
 *
 * Context: may sleep.
 * Return: what the handler returns; -ENOTTY: no such command; -EINVAL: the
 * structure is too short; -E2BIG: too long, and not zero where it is unknown;
 * -EFAULT.
 */
long axv_ioctl_dispatch(struct axv_call *call, const struct axv_ioctl *table,
			size_t entries, unsigned int cmd, unsigned long arg)
{
	const struct axv_ioctl *entry = find(table, entries, cmd);

	if (!entry)
		return -ENOTTY;
	call->entry = entry;
	call->user = (void __user *)arg;
	call->user_size = _IOC_SIZE(cmd);
	if (!entry->size && !call->user_size)
		return call_handler(call, NULL);
	return call_with_data(call);
}

static int check_table(const struct axv_call *call, const struct axv_table *table)
{
	u32 size = call->ops->table_entry_size(table->kind);

	if (table->flags || !size || table->entry_size != size)
		return -EINVAL;
	return 0;
}

/**
 * axv_ioctl_get_array() - the array of AXV_GET_TABLE
 * @call:	the call
 * @data:	struct axv_table; its count is how many entries there is room for
 *
 * Return: 0 or -EINVAL.
 */
int axv_ioctl_get_array(struct axv_call *call, void *data)
{
	const struct axv_table *table = data;
	int err = check_table(call, table);

	if (!err)
		axv_call_array(call, table->entries,
			       min_t(u32, table->count, MAX_ENTRIES), table->entry_size);
	return err;
}

/**
 * axv_ioctl_get_table() - AXV_GET_TABLE
 * @call:	the call
 * @data:	struct axv_table; its count becomes that of the table
 *
 * Return: 0; -EINVAL: no such table; -E2BIG: there are more entries than room.
 */
long axv_ioctl_get_table(struct axv_call *call, void *data)
{
	struct axv_table *table = data;
	u32 count = call->count;
	int err;

	err = call->ops->get_table(call->vm, call->vcpu, table->kind, call->array,
				   &count);
	if (err && err != -E2BIG)
		return err;
	table->count = count;
	if (!err)
		call->array_size = (size_t)count * table->entry_size;
	return err;
}

/**
 * axv_ioctl_set_array() - the array of AXV_SET_TABLE
 * @call:	the call
 * @data:	struct axv_table
 *
 * Return: 0; -EINVAL: no such table, or AXV_TABLE_REGS, which can only be read; -E2BIG:
 * more than MAX_ENTRIES.
 */
int axv_ioctl_set_array(struct axv_call *call, void *data)
{
	const struct axv_table *table = data;
	int err = check_table(call, table);

	if (err || table->kind == AXV_TABLE_REGS)
		return -EINVAL;
	if (table->count > MAX_ENTRIES)
		return -E2BIG;
	axv_call_array(call, table->entries, table->count, table->entry_size);
	return 0;
}

/**
 * axv_ioctl_set_table() - AXV_SET_TABLE
 * @call:	the call; what the back end made of the entries goes back to the caller
 * @data:	struct axv_table
 *
 * Return: 0, or what the back end says.
 */
long axv_ioctl_set_table(struct axv_call *call, void *data)
{
	const struct axv_table *table = data;

	return call->ops->set_table(call->vm, call->vcpu, table->kind, call->array,
				    table->count);
}
