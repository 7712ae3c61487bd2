/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * What stands behind a descriptor of KVM's: the device, a VM or a vCPU.
 *
 * The descriptor itself is a memfd, so that it is a real one to the kernel: it can be
 * mapped, inherited, waited for and passed on.  Which object it is, a table tells.
 */
#ifndef OBJECT_H
#define OBJECT_H

#include <stdatomic.h>
#include <stdbool.h>

struct object;

/**
 * struct object_ops - what a kind of object can do
 * @name: of the kind, for messages
 * @ioctl: returns what ioctl() does, or a negative errno
 * @free: called when the last reference has gone
 */
struct object_ops {
	const char *name;
	long (*ioctl)(void *data, unsigned long command, unsigned long arg);
	void (*free)(void *data);
};

/**
 * object_create() - an object with one reference
 * @ops: its kind
 * @data: for @ops
 *
 * Return: the object, or NULL without memory; then @data is still the caller's.
 */
struct object *object_create(const struct object_ops *ops, void *data);

/** object_get() - another reference; returns @object */
struct object *object_get(struct object *object);

/**
 * object_enter() - a function of the C library's that uses the table or an object begins
 *
 * Signals are held until object_leave(): otherwise a handler that leaves by longjmp() would
 * keep a reference, or a lock.  So would a thread that is cancelled, which it is not until
 * then: to the program ioctl() is no cancellation point, whatever the library calls in it.
 */
void object_enter(void);

/** object_leave() - the function ends; what could not be freed in the middle is freed */
void object_leave(void);

/**
 * object_in_another() - whether the function was called in the middle of another one
 *
 * Its caller is then the handler of a fault, or has left one by longjmp(), and this thread may
 * hold any lock: so no lock may be taken, and no memory allocated or freed.
 */
bool object_in_another(void);

/** object_put() - give a reference back; with the last one the object is freed, or soon after */
void object_put(struct object *object);

/**
 * object_ioctl() - ioctl() on a descriptor
 * @fd: any number
 * @command: which
 * @arg: its argument
 * @ret: what ioctl() returns, or a negative errno; -EDEADLK: the caller is the handler of a
 *	fault in another call, or has left one by longjmp()
 *
 * Signals that come meanwhile have their handlers called at its end.
 *
 * Return: false: the descriptor is none of the library's.
 */
bool object_ioctl(int fd, unsigned long command, unsigned long arg, long *ret);

/** object_data() - the @data of an object, if it was created with @ops, otherwise NULL */
void *object_data(struct object *object, const struct object_ops *ops);

/**
 * object_of_fd() - the object of a descriptor, with a reference
 * @fd: any number
 *
 * Context: takes no lock; also in a signal handler.
 * Return: the object, or NULL: the descriptor is none of the library's.
 */
struct object *object_of_fd(int fd);

/** object_is_table_ours() - false in a child of vfork(), which has its parent's table */
bool object_is_table_ours(void);

/**
 * object_is_known() - whether closing or copying a descriptor changes the table
 * @fd: any number
 *
 * Context: takes no lock.
 * Return: false: the descriptor is none of the library's, or this is a child of vfork().
 */
bool object_is_known(int fd);

/**
 * object_is_stale() - whether a descriptor is not the object's any more
 * @fd: the descriptor
 * @object: what object_of_fd() has found
 *
 * A program that closes one past the library (by a system call of its own, by fclose() of a
 * stream) leaves it in the table, and what it opens next may have the number.  A descriptor
 * that is stale is detached.  To ask costs a system call, so only those calls ask that would
 * be wrong for another file.
 */
bool object_is_stale(int fd, struct object *object);

/**
 * object_attach() - a descriptor refers to an object from now on
 * @fd: an open descriptor, none of the library's; all those of an object are of one file
 * @object: takes a reference of its own
 *
 * In a child of vfork(), whose table is its parent's, it does nothing.
 *
 * Return: 0; -EMFILE for a number beyond the table; -EBADF.
 */
int object_attach(int fd, struct object *object);

/**
 * object_detach() - a descriptor is about to be closed, unless in a child
 * @fd: any number
 *
 * Context: after object_enter(), if a signal handler may leave by longjmp().
 */
void object_detach(int fd);

/** object_detach_range() - those from @first to @last */
void object_detach_range(unsigned int first, unsigned int last);

#endif /* OBJECT_H */
