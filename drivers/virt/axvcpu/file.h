/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The front end: three kinds of files, and the table that drives each.
 */
#ifndef _AXVCPU_FILE_H
#define _AXVCPU_FILE_H

#include <linux/bits.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/types.h>

#include <axvcpu/arch.h>

struct axv_vcpu;
struct axv_vm;
struct axv_call;

/**
 * enum axv_need - what is held while the handler of a command runs
 * @AXV_NEED_NONE: nothing.  Some handlers take by themselves what they need: those that
 *		change the state, and those that read in batches
 * @AXV_NEED_VM: &axv_vm.lock; -EINTR on a fatal signal
 * @AXV_NEED_READ: the vCPU, for a read: axv_begin_read()
 * @AXV_NEED_OWNER: the vCPU, for its owner: axv_claim_owned() with &axv_ioctl.states
 */
enum axv_need {
	AXV_NEED_NONE,
	AXV_NEED_VM,
	AXV_NEED_READ,
	AXV_NEED_OWNER,
};

/* IN: the structure is copied in; OUT: it is stored back.  Set by AXV_IOC_DIRECTION(). */
#define AXV_IOC_IN		BIT(0)
#define AXV_IOC_OUT		BIT(1)
/* The structure is stored back also when the handler returns -E2BIG. */
#define AXV_IOC_OUT_E2BIG	BIT(2)
/* The handler stores the structure back itself. */
#define AXV_IOC_STORED		BIT(3)
/* IN: the array is copied in; OUT: it is stored back when the handler succeeds. */
#define AXV_IOC_ARRAY_IN	BIT(4)
#define AXV_IOC_ARRAY_OUT	BIT(5)

/**
 * struct axv_ioctl - one command of a file; its place in the table is its number
 * @flags:	AXV_IOC_*
 * @need:	an &enum axv_need
 * @states:	AXV_STATES_*, for AXV_NEED_OWNER
 * @size:	bytes of its structure, as this kernel knows it
 * @min_size:	bytes that a caller's structure must have at least
 * @array:	checks what the structure says of the command's array, and calls
 *		axv_call_array().  NULL: the command has no array
 * @handler:	carries the command out; data is the structure, extended by zeroes, or NULL
 *		if there is none.  A handler touches no user memory while something is held
 *		for @need: the thread that serves a page fault there may take for ever.
 *		NULL: no such command
 */
struct axv_ioctl {
	u8 flags;
	u8 need;
	u8 states;
	u16 size;
	u16 min_size;
	int (*array)(struct axv_call *call, void *data);
	long (*handler)(struct axv_call *call, void *data);
};

#define AXV_IOC_DIRECTION(cmd)						\
	((_IOC_DIR(cmd) & _IOC_WRITE ? AXV_IOC_IN : 0) |		\
	 (_IOC_DIR(cmd) & _IOC_READ ? AXV_IOC_OUT : 0))

/*
 * Entries of a table of commands.  NONE: the command has no structure.  ALL: the caller's
 * structure has to be complete.  UPTO: it has to reach to the end of a member at least.
 * Further arguments initialize further members of struct axv_ioctl.
 */
#define AXV_IOC_NONE(cmd, fn, ...)					\
	[_IOC_NR(cmd)] = { .handler = (fn), ##__VA_ARGS__ }
#define AXV_IOC_ALL(cmd, type, fl, fn, ...)				\
	[_IOC_NR(cmd)] = { .flags = AXV_IOC_DIRECTION(cmd) | (fl),	\
			   .size = sizeof(type), .min_size = sizeof(type), \
			   .handler = (fn), ##__VA_ARGS__ }
#define AXV_IOC_UPTO(cmd, type, member, fl, fn, ...)			\
	[_IOC_NR(cmd)] = { .flags = AXV_IOC_DIRECTION(cmd) | (fl),	\
			   .size = sizeof(type),			\
			   .min_size = offsetofend(type, member),	\
			   .handler = (fn), ##__VA_ARGS__ }

/**
 * struct axv_call - one ioctl call
 * @ops:	the back end
 * @vm:		VM of the file; NULL: a call on /dev/axvcpu
 * @vcpu:	vCPU of the file; NULL: a call on /dev/axvcpu or on a VM
 * @user:	user address of the caller's structure
 * @user_size:	bytes of it
 * @entry:	the command's place in the table
 * @user_array:	user address of the array
 * @array:	the array, in kernel memory
 * @array_size:	bytes of it; a handler may store back less
 * @count:	entries of it
 */
struct axv_call {
	const struct axv_arch_ops *ops;
	struct axv_vm *vm;
	struct axv_vcpu *vcpu;
	void __user *user;
	size_t user_size;
	const struct axv_ioctl *entry;
	void __user *user_array;
	void *array;
	size_t array_size;
	u32 count;
};

/**
 * axv_call_array() - note where the array of a call is; for &axv_ioctl.array
 * @call:	the call
 * @user:	its user address
 * @count:	entries; the caller has checked that they are not too many
 * @size:	bytes of each
 */
static inline void axv_call_array(struct axv_call *call, u64 user, u32 count,
				  size_t size)
{
	call->user_array = u64_to_user_ptr(user);
	call->count = count;
	call->array_size = count * size;
}

long axv_ioctl_dispatch(struct axv_call *call, const struct axv_ioctl *table,
			size_t entries, unsigned int cmd, unsigned long arg);
int axv_reply(const struct axv_call *call, const void *data);

/* Tables exist on all three files. */
int axv_ioctl_get_array(struct axv_call *call, void *data);
int axv_ioctl_set_array(struct axv_call *call, void *data);
long axv_ioctl_get_table(struct axv_call *call, void *data);
long axv_ioctl_set_table(struct axv_call *call, void *data);

#define AXV_IOC_GET_TABLE(...)						\
	AXV_IOC_ALL(AXV_GET_TABLE, struct axv_table,			\
		    AXV_IOC_OUT_E2BIG | AXV_IOC_ARRAY_OUT,		\
		    axv_ioctl_get_table, .array = axv_ioctl_get_array,	\
		    ##__VA_ARGS__)
#define AXV_IOC_SET_TABLE(...)						\
	AXV_IOC_ALL(AXV_SET_TABLE, struct axv_table,			\
		    AXV_IOC_ARRAY_IN | AXV_IOC_ARRAY_OUT,		\
		    axv_ioctl_set_table, .array = axv_ioctl_set_array,	\
		    ##__VA_ARGS__)

/* Commands of a vCPU, for the tests as well. */
extern const struct axv_ioctl axv_vcpu_commands[];

int axv_vm_file_new(struct axv_call *call, struct axv_create_vm *config);
int axv_vcpu_file_new(struct axv_vm *vm, const struct axv_create_vcpu *config);

int axv_device_init(const struct axv_arch_ops *ops);
void axv_device_exit(void);

#endif /* _AXVCPU_FILE_H */
