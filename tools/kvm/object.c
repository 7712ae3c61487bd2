// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Objects and the table of descriptors.
 *
 * A descriptor may be used or closed in a signal handler.  So looking it up takes no lock: a
 * reader takes a reference unless there is none left, then looks whether the table still has the
 * object.  The reader may find an object that was freed meanwhile, so the memory of an object
 * stays an object's: it goes to a list of unused ones, never back to the allocator.  Closing the
 * last descriptor of an object frees memory, so a signal handler of the VMM's that may have
 * interrupted malloc() must not do that.
 *
 * The handler of a fault runs in the middle of a call (signals.c), which may hold any lock of
 * the library's or the C library's.  If that handler closes the last descriptor of an object,
 * the object goes to a list without a lock, and is freed at the end of the call that was
 * interrupted.  If the handler has left that call by longjmp(), the next thread that creates an
 * object frees it.  Other calls do not: each of them may be made in a handler that has
 * interrupted malloc().
 *
 * An object belongs to the process that has made it.  A child of fork() begins with an empty
 * table: it closes descriptors without freeing what its parent's other threads may have
 * locked.  A child of vfork() has its parent's memory, and changes nothing in it.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "debug.h"
#include "object.h"
#include "signals.h"

#define FDS_MAX	65536

/* In each thread from its beginning: a signal handler must not allocate. */
#define INITIAL	__attribute__((tls_model("initial-exec")))

/**
 * struct object - see object.h
 * @refs: references: of descriptors, of calls in progress, of objects that need this one
 * @ops: its kind
 * @data: for @ops
 * @dev: with @ino: the file (memfd) of its descriptors
 * @ino: 0: it has had no descriptor yet
 * @next: in the list of dead or of unused ones
 */
struct object {
	atomic_uint refs;
	const struct object_ops *ops;
	void *data;
	dev_t dev;
	ino_t ino;
	struct object *next;
};

static struct object *_Atomic table[FDS_MAX];

/* The highest descriptor that the table has had. */
static atomic_int highest = -1;

/* The process whose table this is. */
static pid_t owner;

static pthread_mutex_t unused_lock = PTHREAD_MUTEX_INITIALIZER;
static struct object *unused;

/* Without a reference, and not freed yet. */
static struct object *_Atomic dead;

/* Calls in progress in this thread that began inside another call: in the handler of its fault. */
static __thread unsigned int nested INITIAL;

/* This thread has put an object on the list @dead, and the call that it interrupted goes on. */
static __thread bool has_dead INITIAL;

/* The state of the thread's cancellation before its outermost call. */
static __thread int cancel_state INITIAL;

/* The objects are the parent's, and another thread of the parent may have had the lock. */
static void begin_child(void)
{
	int fd;

	/* No handler may use the table in the middle, nor leave this function by longjmp(). */
	signals_hold();
	for (fd = 0; fd <= highest; fd++)
		table[fd] = NULL;
	highest = -1;
	unused = NULL;
	dead = NULL;
	pthread_mutex_init(&unused_lock, NULL);
	owner = getpid();
	signals_release();
}

__attribute__((constructor)) static void begin(void)
{
	owner = getpid();
	pthread_atfork(NULL, NULL, begin_child);
}

struct object *object_get(struct object *object)
{
	atomic_fetch_add(&object->refs, 1);
	return object;
}

static void free_object(struct object *object)
{
	object->ops->free(object->data);
	pthread_mutex_lock(&unused_lock);
	object->next = unused;
	unused = object;
	pthread_mutex_unlock(&unused_lock);
}

static void free_dead(void)
{
	struct object *object, *next;
	int saved = errno;

	/* In a child of vfork() the dead objects are the parent's. */
	if (!atomic_load(&dead) || !object_is_table_ours())
		return;
	for (object = atomic_exchange(&dead, NULL); object; object = next) {
		next = object->next;
		free_object(object);
	}
	errno = saved;
}

struct object *object_create(const struct object_ops *ops, void *data)
{
	struct object *object;

	/* The caller may allocate memory here, so dead objects may be freed as well. */
	free_dead();
	pthread_mutex_lock(&unused_lock);
	object = unused;
	if (object)
		unused = object->next;
	pthread_mutex_unlock(&unused_lock);
	if (!object)
		object = calloc(1, sizeof(*object));
	if (!object)
		return NULL;
	object->ops = ops;
	object->data = data;
	object->ino = 0;
	/* Release: a thread that can take a reference also sees the other fields. */
	atomic_store(&object->refs, 1);
	return object;
}

void object_enter(void)
{
	bool held = signals_held();

	signals_hold();
	if (held)
		nested++;
	else
		pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel_state);
}

void object_leave(void)
{
	int ignored;

	if (nested) {
		nested--;
	} else {
		if (has_dead) {
			has_dead = false;
			free_dead();
		}
		pthread_setcancelstate(cancel_state, &ignored);
	}
	signals_release();
}

bool object_in_another(void)
{
	return nested;
}

void object_put(struct object *object)
{
	bool enters = !signals_held();

	/*
	 * Signals are held before the last reference goes: a handler that left by longjmp() after
	 * that would leave an object that nothing frees.
	 */
	if (enters)
		object_enter();
	if (atomic_fetch_sub(&object->refs, 1) == 1) {
		if (!nested) {
			free_object(object);
		} else {
			object->next = atomic_load(&dead);
			while (!atomic_compare_exchange_weak(&dead, &object->next, object))
				;
			has_dead = true;
		}
	}
	if (enters)
		object_leave();
}

void *object_data(struct object *object, const struct object_ops *ops)
{
	return object->ops == ops ? object->data : NULL;
}

static bool object_get_unless_free(struct object *object)
{
	unsigned int refs = atomic_load(&object->refs);

	do {
		if (!refs)
			return false;
	} while (!atomic_compare_exchange_weak(&object->refs, &refs, refs + 1));
	return true;
}

struct object *object_of_fd(int fd)
{
	struct object *object;

	if (fd < 0 || fd >= FDS_MAX)
		return NULL;
	while ((object = atomic_load(&table[fd]))) {
		if (!object_get_unless_free(object))
			continue;
		if (atomic_load(&table[fd]) == object)
			return object;
		/* The descriptor was closed meanwhile; the number may be another object's. */
		object_put(object);
	}
	return NULL;
}

bool object_is_table_ours(void)
{
	return getpid() == owner;
}

static bool is_in_table(int fd)
{
	return fd >= 0 && fd < FDS_MAX && atomic_load(&table[fd]);
}

bool object_is_known(int fd)
{
	return is_in_table(fd) && object_is_table_ours();
}

bool object_is_stale(int fd, struct object *object)
{
	struct object *expected = object;
	struct stat st;

	if (!fstat(fd, &st) && st.st_dev == object->dev && st.st_ino == object->ino)
		return false;
	/* Take it out of the table, unless the number is another object's by now. */
	if (object_is_table_ours() && atomic_compare_exchange_strong(&table[fd], &expected, NULL))
		object_put(object);
	return true;
}

bool object_ioctl(int fd, unsigned long command, unsigned long arg, long *ret)
{
	struct object *object;

	/*
	 * The ioctl() of another file may wait for long, and may be in a child of vfork(): hold
	 * nothing.
	 */
	if (!is_in_table(fd))
		return false;
	/*
	 * While this call has a reference no handler may run: one that left by longjmp() would
	 * keep it.
	 */
	object_enter();
	object = object_of_fd(fd);
	/*
	 * A command that is none of KVM's: perhaps the program has closed the descriptor past the
	 * library.
	 */
	if (object && _IOC_TYPE(command) != KVMIO && object_is_stale(fd, object)) {
		object_put(object);
		object = NULL;
	}
	if (!object) {
		object_leave();
		return false;
	}
	/* In the middle of another call, which may hold any lock, the operation is refused. */
	*ret = nested ? -EDEADLK : object->ops->ioctl(object->data, command, arg);
	if (*ret == -ENOTTY)
		debug("ioctl %#lx (number %#lx) of a %s is not known", command,
		      command & 0xff, object->ops->name);
	object_put(object);
	object_leave();
	return true;
}

int object_attach(int fd, struct object *object)
{
	int before = highest;
	struct stat st;

	if (fd < 0 || fd >= FDS_MAX)
		return -EMFILE;
	if (!object_is_table_ours())
		return 0;
	if (!object->ino) {
		if (fstat(fd, &st))
			return -errno;
		object->dev = st.st_dev;
		object->ino = st.st_ino;
	}
	object_detach(fd);
	while (before < fd && !atomic_compare_exchange_weak(&highest, &before, fd))
		;
	atomic_store(&table[fd], object_get(object));
	return 0;
}

void object_detach(int fd)
{
	struct object *object;

	if (!object_is_known(fd))
		return;
	object = atomic_exchange(&table[fd], NULL);
	if (object)
		object_put(object);
}

void object_detach_range(unsigned int first, unsigned int last)
{
	for (; first <= last && first < FDS_MAX; first++)
		object_detach(first);
}
