// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The functions of the C library that come here first: those that open /dev/kvm, and
 * those that use, copy and close the descriptors that come of it.  For every other
 * descriptor they do what they do without the library.
 *
 * mmap() is not among them: the descriptor of a vCPU is the memory of its struct kvm_run.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/close_range.h>

#include "interpose.h"
#include "object.h"
#include "system.h"

#define EXPORT __attribute__((visibility("default")))

#define KVM_DEVICE	"/dev/kvm"

/* The functions that are here, by their names. */
enum function {
	OPEN,
	OPEN_2,
	OPENAT,
	OPENAT_2,
	DUP,
	DUP2,
	DUP3,
	FCNTL,
	CLOSE,
	CLOSE_RANGE,
	CLOSEFROM,
	IOCTL,
	FUNCTIONS,
};

static const char *const names[FUNCTIONS] = {
	[OPEN] = "open",
	[OPEN_2] = "__open_2",
	[OPENAT] = "openat",
	[OPENAT_2] = "__openat_2",
	[DUP] = "dup",
	[DUP2] = "dup2",
	[DUP3] = "dup3",
	[FCNTL] = "fcntl",
	[CLOSE] = "close",
	[CLOSE_RANGE] = "close_range",
	[CLOSEFROM] = "closefrom",
	[IOCTL] = "ioctl",
};

/*
 * The names for large files (open64() and others) are the same functions on 64 bits, as in the C
 * library.
 */
#define SAME_AS(name)	__attribute__((alias(name), visibility("default")))

typedef int (*open_function)(const char *path, int flags, ...);
typedef int (*openat_function)(int dir, const char *path, int flags, ...);
typedef int (*dup_function)(int fd);
typedef int (*dup2_function)(int old, int new);
typedef int (*dup3_function)(int old, int new, int flags);
typedef int (*fcntl_function)(int fd, int command, ...);
typedef int (*close_function)(int fd);
typedef int (*close_range_function)(unsigned int first, unsigned int last, int flags);
typedef void (*closefrom_function)(int first);
typedef int (*ioctl_function)(int fd, unsigned long command, ...);

/* The functions of the C library, or of another preloaded library. */
static void *found[FUNCTIONS];

/* A constructor finds them: they may be called in a signal handler, where dlsym() may not. */
__attribute__((constructor)) static void find_all(void)
{
	unsigned int i;

	for (i = 0; i < FUNCTIONS; i++)
		found[i] = dlsym(RTLD_NEXT, names[i]);
}

static void *next(enum function function)
{
	/* The constructor of another library makes a call before find_all() has run. */
	if (!found[function])
		find_all();
	/*
	 * The program calls a function that only this library has: its C library is too old for
	 * it.
	 */
	if (!found[function])
		abort();
	return found[function];
}

static int fail(long error)
{
	errno = -error;
	return -1;
}

/* ---- open --------------------------------------------------------------- */

static bool is_device(const char *path)
{
	/*
	 * The C library declares that open()'s path is not NULL, so the compiler would drop the
	 * test below.  The empty asm hides where the path comes from.
	 */
	__asm__("" : "+r"(path));
	/* The real function fails with EFAULT for NULL. */
	return path && !strcmp(path, KVM_DEVICE);
}

static int open_device(int flags)
{
	int fd;

	object_enter();
	fd = object_in_another() ? -EDEADLK : system_open(flags & O_CLOEXEC);
	object_leave();
	return fd < 0 ? fail(fd) : fd;
}

static int open_path(enum function function, const char *path, int flags, mode_t mode)
{
	if (is_device(path))
		return open_device(flags);
	return ((open_function)next(function))(path, flags, mode);
}

static int open_path_at(enum function function, int dir, const char *path, int flags, mode_t mode)
{
	if (is_device(path))
		return open_device(flags);
	return ((openat_function)next(function))(dir, path, flags, mode);
}

static mode_t mode_argument(int flags, va_list args)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(args, mode_t) : 0;
}

EXPORT int open(const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_argument(flags, args);
	va_end(args);
	return open_path(OPEN, path, flags, mode);
}

EXPORT int openat(int dir, const char *path, int flags, ...)
{
	va_list args;
	mode_t mode;

	va_start(args, flags);
	mode = mode_argument(flags, args);
	va_end(args);
	return open_path_at(OPENAT, dir, path, flags, mode);
}

int open64(const char *path, int flags, ...) SAME_AS("open");
int openat64(int dir, const char *path, int flags, ...) SAME_AS("openat");

/* Programs that are compiled with _FORTIFY_SOURCE call these where they give no mode. */
int __open_2(const char *path, int flags);
int __openat_2(int dir, const char *path, int flags);

EXPORT int __open_2(const char *path, int flags)
{
	return open_path(OPEN_2, path, flags, 0);
}

EXPORT int __openat_2(int dir, const char *path, int flags)
{
	return open_path_at(OPENAT_2, dir, path, flags, 0);
}

int __open64_2(const char *path, int flags) SAME_AS("__open_2");
int __openat64_2(int dir, const char *path, int flags) SAME_AS("__openat_2");

/* ---- copies ------------------------------------------------------------- */

/*
 * The kernel calls a signal's handler when dup() or close() is done.  The functions here make two
 * changes, one in the kernel and one in the table, so they hold signals: a handler between the
 * two would see one change without the other, and if it left by longjmp() the second would never
 * be made.
 *
 * A descriptor that the table does not have needs no holding of signals.  A child of vfork() must
 * not hold them: it has its parent's variables, and if it were killed in between, the parent
 * would hold signals for ever.
 */
static bool enter_for(int fd, int other)
{
	bool enters = object_is_known(fd) || object_is_known(other);

	if (enters)
		object_enter();
	return enters;
}

static void leave(bool entered)
{
	if (entered)
		object_leave();
}

/* @new is a copy of @old, unless it is negative. */
static int copied(int old, int new)
{
	struct object *object = new < 0 ? NULL : object_of_fd(old);
	int err;

	if (!object)
		return new;
	err = object_is_stale(old, object) ? 0 : object_attach(new, object);
	object_put(object);
	if (!err)
		return new;
	syscall(SYS_close, new);
	return fail(err);
}

EXPORT int dup(int fd)
{
	bool entered = enter_for(fd, -1);
	int ret = copied(fd, ((dup_function)next(DUP))(fd));

	leave(entered);
	return ret;
}

EXPORT int dup2(int old, int new)
{
	bool entered = enter_for(old, new);
	int ret = ((dup2_function)next(DUP2))(old, new);

	if (ret >= 0 && old != new) {
		object_detach(new);
		ret = copied(old, ret);
	}
	leave(entered);
	return ret;
}

EXPORT int dup3(int old, int new, int flags)
{
	bool entered = enter_for(old, new);
	int ret = ((dup3_function)next(DUP3))(old, new, flags);

	if (ret >= 0) {
		object_detach(new);
		ret = copied(old, ret);
	}
	leave(entered);
	return ret;
}

EXPORT int fcntl(int fd, int command, ...)
{
	va_list args;
	bool entered;
	void *arg;
	int ret;

	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	/*
	 * Other commands are not held: they may wait, for a lock for instance, until a signal
	 * comes.
	 */
	if (command != F_DUPFD && command != F_DUPFD_CLOEXEC)
		return ((fcntl_function)next(FCNTL))(fd, command, arg);
	entered = enter_for(fd, -1);
	ret = copied(fd, ((fcntl_function)next(FCNTL))(fd, command, arg));
	leave(entered);
	return ret;
}

int fcntl64(int fd, int command, ...) SAME_AS("fcntl");

/* ---- close -------------------------------------------------------------- */

/* Detach first: when the real close() returns, another thread may have the number again. */
EXPORT int close(int fd)
{
	bool entered = enter_for(fd, -1);
	int ret;

	object_detach(fd);
	ret = ((close_function)next(CLOSE))(fd);
	leave(entered);
	return ret;
}

/* To ask for each number whether the table has it takes as long as to detach it. */
static bool enter_for_range(void)
{
	bool enters = object_is_table_ours();

	if (enters)
		object_enter();
	return enters;
}

EXPORT int close_range(unsigned int first, unsigned int last, int flags)
{
	bool entered = enter_for_range();
	int ret;

	/* A call that the kernel refuses closes nothing. */
	if (first <= last && !(flags & ~CLOSE_RANGE_UNSHARE))
		object_detach_range(first, last);
	ret = ((close_range_function)next(CLOSE_RANGE))(first, last, flags);
	leave(entered);
	return ret;
}

EXPORT void closefrom(int first)
{
	bool entered = enter_for_range();

	object_detach_range(first < 0 ? 0 : first, ~0u);
	((closefrom_function)next(CLOSEFROM))(first);
	leave(entered);
}

/* ---- ioctl -------------------------------------------------------------- */

EXPORT int ioctl(int fd, unsigned long command, ...)
{
	va_list args;
	void *arg;
	long ret;

	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	/* KVM's numbers have 32 bits; some programs pass them as int. */
	if (!object_ioctl(fd, (unsigned int)command, (unsigned long)arg, &ret))
		return ((ioctl_function)next(IOCTL))(fd, command, arg);
	return ret < 0 ? fail(ret) : ret;
}

/* The calls of libaxvcpu and of this library: never on descriptors of the table. */
int __wrap_ioctl(int fd, unsigned long command, ...)
{
	va_list args;
	void *arg;

	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	return syscall(SYS_ioctl, fd, command, arg);
}
