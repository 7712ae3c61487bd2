// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The event loop.
 *
 * poll() and not epoll: standard input may be a plain file or /dev/null, which
 * epoll refuses, and there are but a few descriptors.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "message.h"
#include "loop.h"

int loop_init(struct loop *loop, pthread_mutex_t *lock)
{
	memset(loop, 0, sizeof(*loop));
	loop->lock = lock;
	loop->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (loop->wake_fd < 0) {
		log_error("cannot create an eventfd: %s", strerror(errno));
		return -errno;
	}
	return 0;
}

/*
 * The loop thread looks at the sources with the lock held and then polls
 * without it.  If a source changes in between, the eventfd ends the poll: it stays
 * readable until the loop thread has read it.
 */
static void wake(struct loop *loop)
{
	uint64_t one = 1;

	/* EAGAIN: the counter is full, so the eventfd is readable anyway. */
	if (write(loop->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_error("cannot write an eventfd: %s", strerror(errno));
}

int loop_add(struct loop *loop, struct loop_source *source)
{
	if (loop->nr == LOOP_SOURCES) {
		log_error("internal error: too many event sources");
		return -ENOSPC;
	}
	loop->sources[loop->nr++] = source;
	wake(loop);
	return 0;
}

void loop_enable(struct loop *loop, struct loop_source *source, bool enable)
{
	if (source->enabled == enable)
		return;
	source->enabled = enable;
	/* A source that is disabled may end one more poll: dispatch() looks at @enabled. */
	if (enable)
		wake(loop);
}

void loop_free(struct loop *loop)
{
	close(loop->wake_fd);
}

void loop_stop(struct loop *loop)
{
	loop->stop = true;
	wake(loop);
}

/* With the lock held. */
static void dispatch(struct loop *loop, const struct pollfd *fds,
		     struct loop_source *const *polled, unsigned int nr)
{
	uint64_t count;
	unsigned int i;

	if (fds[0].revents && read(loop->wake_fd, &count, sizeof(count)) < 0 &&
	    errno != EAGAIN)
		log_error("cannot read an eventfd: %s", strerror(errno));

	for (i = 1; i < nr; i++) {
		struct loop_source *source = polled[i];

		/* An earlier callback may have disabled it. */
		if (fds[i].revents && source->enabled && !loop->stop)
			source->ready(source->arg);
	}
}

int loop_run(struct loop *loop)
{
	struct loop_source *polled[LOOP_SOURCES + 1];
	struct pollfd fds[LOOP_SOURCES + 1];
	int err = 0;

	pthread_mutex_lock(loop->lock);
	while (!loop->stop) {
		unsigned int i, nr = 1;

		fds[0] = (struct pollfd){ .fd = loop->wake_fd, .events = POLLIN };
		for (i = 0; i < loop->nr; i++) {
			struct loop_source *source = loop->sources[i];

			if (!source->enabled)
				continue;
			polled[nr] = source;
			fds[nr++] = (struct pollfd){
				.fd = source->fd, .events = POLLIN,
			};
		}
		pthread_mutex_unlock(loop->lock);

		if (poll(fds, nr, -1) < 0 && errno != EINTR) {
			err = -errno;
			log_error("cannot wait for events: %s", strerror(errno));
			return err;
		}

		pthread_mutex_lock(loop->lock);
		dispatch(loop, fds, polled, nr);
	}
	pthread_mutex_unlock(loop->lock);
	return err;
}
