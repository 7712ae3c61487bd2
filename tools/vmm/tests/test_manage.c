// SPDX-License-Identifier: GPL-2.0
/* Tests of the commands of the control socket, with a machine that has vCPUs without threads. */
#include <json-c/json.h>
#include <string.h>
#include <unistd.h>

#include "machine.h"
#include "manage.h"
#include "tap.h"

#define CPUS	2

static struct machine m;
static struct vcpu vcpus[CPUS];
static struct json_object *answer;
static struct control_request request;

static void start(void)
{
	unsigned int i;

	memset(&m, 0, sizeof(m));
	memset(vcpus, 0, sizeof(vcpus));
	pthread_mutex_init(&m.lock, NULL);
	CHECK_EQ(loop_init(&m.loop, &m.lock), 0);
	m.end = MACHINE_ON;
	m.vcpus = vcpus;
	m.nr_vcpus = CPUS;
	m.memory = MIB(7);
	for (i = 0; i < CPUS; i++) {
		vcpus[i].machine = &m;
		pthread_cond_init(&vcpus[i].changed, NULL);
	}
}

static const char *run_with(const char *command, struct json_object *object)
{
	const char *wrong;

	json_object_put(answer);
	answer = json_object_new_object();
	pthread_mutex_lock(&m.lock);
	request = (struct control_request){
		.command = command, .answer = answer, .object = object,
	};
	wrong = manage(&m, &request);
	pthread_mutex_unlock(&m.lock);
	return wrong;
}

static const char *run(const char *command)
{
	return run_with(command, NULL);
}

static void stop(void)
{
	json_object_put(answer);
	answer = NULL;
	close(m.loop.wake_fd);
}

static u64 number(const char *name)
{
	return json_object_get_uint64(json_object_object_get(answer, name));
}

static bool state_is(const char *state)
{
	return !strcmp(json_object_get_string(json_object_object_get(answer, "state")), state);
}

static void test_status(void)
{
	start();
	CHECK(!run("status"));
	CHECK_EQ(number("pid"), getpid());
	CHECK_EQ(number("cpus"), CPUS);
	CHECK_EQ(number("memory"), MIB(7));
	CHECK(state_is("running"));
	m.asked = true;
	CHECK(!run("status"));
	CHECK(state_is("stopping"));
	CHECK(run("stat us"));
	CHECK(run(""));
	stop();
}

static void test_pause(void)
{
	start();
	CHECK(run("resume"));
	CHECK(!run("pause"));
	CHECK(run("pause"));
	CHECK_EQ(vcpus[0].holds, 1);
	CHECK_EQ(vcpus[CPUS - 1].holds, 1);
	CHECK(!run("status"));
	CHECK(state_is("paused"));
	CHECK(!run("resume"));
	CHECK_EQ(vcpus[0].holds, 0);
	CHECK_EQ(vcpus[CPUS - 1].holds, 0);
	CHECK(run("resume"));
	stop();
}

/* A guest that has been asked before ends; one that is paused goes on first. */
static void test_stop(void)
{
	start();
	m.asked = true;
	CHECK(!run("pause"));
	CHECK(!run("stop"));
	CHECK(state_is("ended"));
	CHECK_EQ(m.end, MACHINE_QUIT);
	CHECK_EQ(vcpus[0].holds, 0);
	stop();
}

static const char *run_json(const char *command, const char *json)
{
	struct json_object *object = json_tokener_parse(json);
	const char *wrong = run_with(command, object);

	json_object_put(object);
	return wrong;
}

static const char *run_console(const char *json)
{
	return run_json("console", json);
}

static void test_console(void)
{
	unsigned int i;

	start();
	m.nr_vconsoles = 2;
	for (i = 0; i < 2; i++)
		strcpy(m.vconsoles[i].name, i ? "hvc1" : "hvc0");
	CHECK(!run_console("{}") && request.take && request.arg == &m.console);
	CHECK(!run_console("{\"console\": \"serial\"}") && request.arg == &m.console);
	CHECK(!run_console("{\"console\": \"hvc1\"}") && request.arg == &m.vconsoles[1]);
	CHECK(run_console("{\"console\": \"hvc2\"}") && !request.take);
	CHECK(run_console("{\"console\": 1}") && run_console("{\"console\": []}"));
	CHECK(run_console("{\"console\": \"\"}") && !request.take);
	/* One client at a time. */
	m.vconsoles[1].attached = true;
	m.console.client.enabled = true;
	CHECK(run_console("{\"console\": \"hvc1\"}") && !request.take);
	CHECK(run_console("{}") && !request.take);
	CHECK(!run_console("{\"console\": \"hvc0\"}") && request.take);
	stop();
}

static void test_balloon(void)
{
	static const char *const wrong[] = {
		"{\"memory\": 0}", "{\"memory\": \"x\"}", "{\"memory\": 8388608}",
		"{\"memory\": -1}", "{\"memory\": 1048577}", "{\"memory\": []}",
	};
	const u32 pages = MIB(2) / 4096, all = ~0u;
	unsigned int i;

	start();
	CHECK(run_json("balloon", "{}"));
	m.has_balloon = true;
	CHECK(!run_json("balloon", "{}"));
	CHECK_EQ(number("memory"), MIB(7));
	CHECK_EQ(number("wanted"), MIB(7));
	CHECK(!run_json("balloon", "{\"memory\": 4194304}"));
	CHECK_EQ(number("memory"), MIB(7));
	CHECK_EQ(number("wanted"), MIB(4));
	CHECK_EQ(balloon_wanted(&m.balloon), MIB(3));
	/* What the guest says that it has given back. */
	memcpy(m.balloon.virtio.config + 4, &pages, sizeof(pages));
	CHECK(!run_json("balloon", "{}"));
	CHECK_EQ(number("memory"), MIB(5));
	memcpy(m.balloon.virtio.config + 4, &all, sizeof(all));
	CHECK(!run_json("balloon", "{}"));
	CHECK_EQ(number("memory"), 0);
	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		CHECK(run_json("balloon", wrong[i]));
	CHECK_EQ(balloon_wanted(&m.balloon), MIB(3));
	stop();
}

int main(void)
{
	static const struct tap_case cases[] = {
		{ "status", test_status },
		{ "pause and resume", test_pause },
		{ "stop", test_stop },
		{ "console", test_console },
		{ "balloon", test_balloon },
	};

	return tap_run(cases, ARRAY_SIZE(cases));
}
