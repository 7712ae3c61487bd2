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

static void add_number(struct json_object *to, const char *name, u64 value)
{
	json_object_object_add(to, name, json_object_new_uint64(value));
}

static void add_text(struct json_object *to, const char *name, const char *text)
{
	json_object_object_add(to, name, json_object_new_string(text));
}

static const char *status(struct machine *m, struct json_object *answer)
{
	add_number(answer, "pid", getpid());
	add_text(answer, "state", m->paused ? "paused" : m->asked ? "stopping" : "running");
	add_number(answer, "cpus", m->nr_vcpus);
	add_number(answer, "memory", m->memory);
	return NULL;
}

static const char *pause_guest(struct machine *m, struct json_object *answer)
{
	(void)answer;
	if (m->paused)
		return "the guest is paused already";
	machine_pause(m);
	return NULL;
}

static const char *resume_guest(struct machine *m, struct json_object *answer)
{
	(void)answer;
	if (!m->paused)
		return "the guest is not paused";
	machine_resume(m);
	return NULL;
}

static const char *stop(struct machine *m, struct json_object *answer)
{
	machine_terminate(m);
	add_text(answer, "state", machine_stopping(m) ? "ended" : "stopping");
	return NULL;
}

/* The sum of the counters of all vCPUs. */
static const char *stat(struct machine *m, struct json_object *answer)
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
	json_object_object_add(answer, "exits", exits);
	json_object_object_add(answer, "kernel", kernel);
	return wrong;
}

static const struct {
	const char *name;
	const char *(*run)(struct machine *m, struct json_object *answer);
} commands[] = {
	{ "status", status },
	{ "stop", stop },
	{ "pause", pause_guest },
	{ "resume", resume_guest },
	{ "stat", stat },
};

const char *manage(void *machine, const char *command, struct json_object *answer)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, command))
			return commands[i].run(machine, answer);
	return "there is no such command; the commands are status, stop, pause, resume and stat";
}
