/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * What stands behind a descriptor of KVM's: the device, a VM or a vCPU.
 *
 * The descriptor itself is a memfd, so that it is a real one to the kernel: it can be mapped,
 * inherited, waited for and passed on.  A table in object.c tells the object of each descriptor.
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
 * Signals are held until object_leave(): otherwise a handler that leaves by longjmp() would keep
 * a reference, or a lock.  A thread that is cancelled would keep them, too, so cancellation waits
 * for object_leave(): to the program ioctl() is no cancellation point, whatever the library calls
 * in it.
 */
void object_enter(void);

/**
 * object_leave() - the function ends; free the objects that a handler in the middle could not
 * free
 */
void object_leave(void);

/**
 * object_in_another() - whether the function was called in the middle of another one
 *
 * The caller is then in the handler of a fault, or has left such a handler by longjmp().  This
 * thread may hold any lock, so the function must take none, nor allocate or free memory.
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
 * The handlers of signals that come meanwhile run at the end of object_ioctl().
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
 * A program that closes a descriptor past the library (by a system call of its own, by fclose()
 * of a stream) leaves it in the table, and the file that the program opens next may get the
 * number.  A stale descriptor is detached.  This check costs a system call, so only those
 * functions make it that would do harm to another file.
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
 * object_detach() - take a descriptor out of the table, before it is closed
 * @fd: any number
 *
 * Context: after object_enter(), if a signal handler may leave by longjmp().
 */
void object_detach(int fd);

/** object_detach_range() - take the descriptors from @first to @last out of the table */
void object_detach_range(unsigned int first, unsigned int last);

#endif /* OBJECT_H */
