// SPDX-License-Identifier: GPL-2.0
/*
 * The commands of the control socket.  They run in the event loop, with the machine's lock
 * held.
 */
#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"
#include "manage.h"
#include "types.h"

#define BALLOON_UNIT	MIB(1)	/* of memory that the user asks for */

static void add_number(struct json_object *to, const char *name, u64 value)
{
	json_object_object_add(to, name, json_object_new_uint64(value));
}

static void add_text(struct json_object *to, const char *name, const char *text)
{
	json_object_object_add(to, name, json_object_new_string(text));
}

static const char *status(struct machine *m, struct control_request *r)
{
	add_number(r->answer, "pid", getpid());
	add_text(r->answer, "state", m->paused ? "paused" : m->asked ? "stopping" : "running");
	add_number(r->answer, "cpus", m->nr_vcpus);
	add_number(r->answer, "memory", m->memory);
	return NULL;
}

static const char *pause_guest(struct machine *m, struct control_request *r)
{
	(void)r;
	if (m->paused)
		return "the guest is paused already";
	machine_pause(m);
	return NULL;
}

static const char *resume_guest(struct machine *m, struct control_request *r)
{
	(void)r;
	if (!m->paused)
		return "the guest is not paused";
	machine_resume(m);
	return NULL;
}

static const char *stop(struct machine *m, struct control_request *r)
{
	machine_terminate(m);
	add_text(r->answer, "state", machine_stopping(m) ? "ended" : "stopping");
	return NULL;
}

/* The sum of the counters of all vCPUs. */
static const char *stat(struct machine *m, struct control_request *r)
{
	struct json_object *exits = json_object_new_object();
	struct json_object *kernel = json_object_new_object();
	struct axv_stats sum = { }, s;
	const struct {
		const char *name;
		u64 *count;
	} counters[] = {
		{ "guest entries", &sum.entries },
		{ "hardware exits", &sum.hw_exits },
		{ "memory faults resolved", &sum.faults },
		{ "kicks", &sum.kicks },
		{ "halts that waited", &sum.blocks },
		{ "events delivered", &sum.injections },
		{ "host interrupts", &sum.interrupts },
		{ "TLB flushes", &sum.flushes },
		{ "loads on a CPU", &sum.loads },
		{ "doorbells rung", &sum.doorbells },
		{ "yields to another vCPU", &sum.yields },
	};
	const char *wrong = NULL;
	unsigned int i, j;

	/* The structure is an array of counters. */
	for (i = 0; !wrong && i < m->nr_vcpus; i++) {
		if (axv_vcpu_get_stats(m->vcpus[i].axv, &s))
			wrong = axv_error();
		for (j = 0; !wrong && j < sizeof(s) / sizeof(u64); j++)
			((u64 *)&sum)[j] += ((u64 *)&s)[j];
	}
	for (i = 0; i < ARRAY_SIZE(sum.exits); i++)
		if (sum.exits[i])
			add_number(exits, axv_exit_name(i), sum.exits[i]);
	for (i = 0; i < ARRAY_SIZE(counters); i++)
		add_number(kernel, counters[i].name, *counters[i].count);
	json_object_object_add(r->answer, "exits", exits);
	json_object_object_add(r->answer, "kernel", kernel);
	return wrong;
}

/*
 * Ask the guest to keep "memory" bytes, if that is given; tell how much it has now, and how much it
 * is to have.
 */
static const char *set_balloon(struct machine *m, struct control_request *r)
{
	struct json_object *object = json_object_object_get(r->object, "memory");
	u64 memory = json_object_get_uint64(object), given;

	if (!m->has_balloon)
		return "the guest has no balloon; axvmm run --balloon gives it one";
	if (object && (!memory || memory > m->memory || memory % BALLOON_UNIT))
		return "give as much memory as the guest was started with, or less, in MiB";
	if (object)
		balloon_set(&m->balloon, m->memory - memory);
	/* The guest may lie. */
	given = balloon_given(&m->balloon);
	add_number(r->answer, "memory", m->memory - (given < m->memory ? given : m->memory));
	add_number(r->answer, "wanted", m->memory - balloon_wanted(&m->balloon));
	return NULL;
}

static void take_serial(void *arg, int fd)
{
	console_attach(arg, fd);
}

static void take_virtio(void *arg, int fd)
{
	vconsole_attach(arg, fd);
}

/* The client becomes the other end of a console, of which it gives the name, or none: "serial". */
static const char *attach(struct machine *m, struct control_request *r)
{
	struct json_object *object = json_object_object_get(r->object, "console");
	const char *name = object ? json_object_get_string(object) : "serial";
	bool attached;
	unsigned int i;

	for (i = 0; name && i < m->nr_vconsoles && strcmp(name, m->vconsoles[i].name); i++)
		;
	if (name && !strcmp(name, "serial")) {
		attached = console_attached(&m->console);
		r->take = take_serial;
		r->arg = &m->console;
	} else if (name && i < m->nr_vconsoles) {
		attached = m->vconsoles[i].attached;
		r->take = take_virtio;
		r->arg = &m->vconsoles[i];
	} else {
		return "there is no such console: serial, or hvc0 and so on for each --console";
	}
	if (!attached)
		return NULL;
	r->take = NULL;
	return "somebody is attached to this console already; ^A d detaches there";
}

static const struct {
	const char *name;
	const char *(*run)(struct machine *m, struct control_request *r);
} commands[] = {
	{ "status", status },
	{ "stop", stop },
	{ "pause", pause_guest },
	{ "resume", resume_guest },
	{ "stat", stat },
	{ "balloon", set_balloon },
	{ "console", attach },
};

const char *manage(void *machine, struct control_request *r)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, r->command))
			return commands[i].run(machine, r);
	return "no such command; try status, stop, pause, resume, stat, balloon or console";
}
