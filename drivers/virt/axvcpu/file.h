/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The front end: three kinds of files, and the table that drives each.
 */
#ifndef _AXVCPU_FILE_H
#define _AXVCPU_FILE_H

#include <linux/bits.h>
#include <linux/fs.h>
#include <linux/types.h>

#include <axvcpu/arch.h>

struct axv_vcpu;
struct axv_vm;
struct axv_call;

/* The structure is stored back when the handler succeeds. */
#define AXV_IOC_REPLY		BIT(0)
/* It is stored back also when the handler says -E2BIG. */
#define AXV_IOC_REPLY_E2BIG	BIT(1)
/* What the caller has in it is of no interest. */
#define AXV_IOC_NO_INPUT	BIT(2)

/**
 * struct axv_ioctl - one command of a file; its place in the table is its number
 * @size:	bytes of its structure, as this kernel knows it
 * @min_size:	bytes without which it makes no sense
 * @flags:	AXV_IOC_*
 * @handler:	does it; data is the structure, extended by zeroes, or NULL if
 *		there is none.  NULL: no such command
 */
struct axv_ioctl {
	u8 flags;
	u16 size;
	u16 min_size;
	long (*handler)(struct axv_call *call, void *data);
};

/* A command without a structure, and one with: all of it, or up to a member. */
#define AXV_IOC_NONE(cmd, fn)						\
	[_IOC_NR(cmd)] = { .handler = (fn) }
#define AXV_IOC_ALL(cmd, type, fl, fn)					\
	[_IOC_NR(cmd)] = { .flags = (fl), .size = sizeof(type),		\
			   .min_size = sizeof(type), .handler = (fn) }
#define AXV_IOC_UPTO(cmd, type, member, fl, fn)				\
	[_IOC_NR(cmd)] = { .flags = (fl), .size = sizeof(type),		\
			   .min_size = offsetofend(type, member),	\
			   .handler = (fn) }

/**
 * struct axv_call - one ioctl call
 * @object:	what the file stands for: &struct axv_vm, &struct axv_vcpu, or
 *		NULL for the device
 * @user:	user address of the caller's structure
 * @user_size:	bytes of it
 * @entry:	the command
 */
struct axv_call {
	void *object;
	void __user *user;
	size_t user_size;
	const struct axv_ioctl *entry;
};

long axv_ioctl_dispatch(const struct axv_ioctl *table, size_t entries,
			void *object, unsigned int cmd, unsigned long arg);
int axv_reply(const struct axv_call *call, const void *data);

/* Tables exist on all three files; both NULL: the device's. */
long axv_ioctl_get_table(struct axv_vm *vm, struct axv_vcpu *vcpu,
			 struct axv_table *table);
long axv_ioctl_set_table(struct axv_vm *vm, struct axv_vcpu *vcpu,
			 const struct axv_table *table);

int axv_vm_file_new(const struct axv_arch_ops *ops, struct axv_call *call,
		    struct axv_create_vm *config);
int axv_vcpu_file_new(struct axv_vm *vm, const struct axv_create_vcpu *config);

int axv_device_init(const struct axv_arch_ops *ops);
void axv_device_exit(void);
extern const struct axv_arch_ops *axv_device_ops;

#endif /* _AXVCPU_FILE_H */
