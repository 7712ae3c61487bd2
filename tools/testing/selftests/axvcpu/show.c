// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of what the kernel shows about VMs and vCPUs: /proc/PID/fdinfo, debugfs and
 * tracepoints.
 */
#include <dirent.h>
#include <sys/stat.h>

#include "axv_harness.h"

#define PAGES		64ul
#define TRACING		"/sys/kernel/tracing"
#define INSTANCE	TRACING "/instances/axvcpu-test"

FIXTURE_ONE_VCPU(show)
{
	vm_new(&self->vm, AXV_VM_HALT_IN_KERNEL);
	vcpu_ready(&self->vm, &self->v, 0);
}

/* Read a whole file; the caller frees the text. */
static char *text_of(const char *path)
{
	size_t size = 0, room = 1 << 16;
	char *text = malloc(room);
	ssize_t got;
	int fd;

	fd = open(path, O_RDONLY);
	if (fd < 0)
		fprintf(stderr, "# %s: %s\n", path, strerror(errno));
	must(fd >= 0 && text);
	while ((got = read(fd, text + size, room - size - 1)) > 0) {
		size += got;
		if (room - size < 2) {
			room *= 2;
			text = realloc(text, room);
			must(text);
		}
	}
	must(!got);
	close(fd);
	text[size] = 0;
	return text;
}

static char *fdinfo(int fd)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return text_of(path);
}

/* Find what follows a name at the start of a line. */
static const char *value_of(const char *text, const char *name)
{
	size_t len = strlen(name);

	for (; text; text = strchr(text, '\n'), text += !!text)
		if (!strncmp(text, name, len) && !strncmp(text + len, ":\t", 2))
			return text + len + 2;
	fprintf(stderr, "# no %s\n", name);
	must(!"a line is missing");
	return NULL;
}

static long number_of(const char *text, const char *name)
{
	return strtol(value_of(text, name), NULL, 10);
}

static int lines_of(const char *text)
{
	int lines = 0;

	for (; (text = strchr(text, '\n')); text++)
		lines++;
	return lines;
}

static int vm_is_told(struct axv_vm *vm, const char *text, unsigned long size)
{
	return number_of(text, "vm") == vm->id && number_of(text, "pid") == getpid() &&
	       number_of(text, "vcpus") == 1 && number_of(text, "regions") == 2 &&
	       number_of(text, "memory") == (long)(size >> 10);
}

TEST_F(show, vm)
{
	const unsigned long size = GUEST_RAM_SIZE + PAGES * PAGE;
	__u8 *mem = mem_new(PAGES * PAGE);
	long mapped, tables;
	char path[64];
	char *text;

	ASSERT_EQ(0, mem_small_pages(mem, PAGES * PAGE));
	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, GUEST_MEM, PAGES * PAGE, mem));
	guest_start(&self->v, GUEST_WRITE, GUEST_MEM, 1, 1);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	text = fdinfo(self->vm.fd);
	EXPECT_TRUE(vm_is_told(&self->vm, text, size)) { TH_LOG("%s", text); }
	mapped = number_of(text, "mapped");
	tables = number_of(text, "tables");
	EXPECT_LE(4, mapped);
	/* There is at least one table of each level. */
	EXPECT_LE(12, tables);
	EXPECT_EQ(0, tables % 4);
	free(text);

	guest_start(&self->v, GUEST_WRITE, GUEST_MEM, PAGES, 1);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &self->v);
	snprintf(path, sizeof(path), "/sys/kernel/debug/axvcpu/%u/info", self->vm.id);
	text = text_of(path);
	EXPECT_TRUE(vm_is_told(&self->vm, text, size)) { TH_LOG("%s", text); }
	EXPECT_EQ(mapped + (long)(PAGES - 1) * 4, number_of(text, "mapped"));
	free(text);

	ASSERT_EQ(0, vm_region(&self->vm, 1, 0, 0, 0, NULL));
	text = fdinfo(self->vm.fd);
	EXPECT_EQ(1, number_of(text, "regions"));
	EXPECT_EQ((long)(GUEST_RAM_SIZE >> 10), number_of(text, "memory"));
	EXPECT_EQ(mapped - 4, number_of(text, "mapped"));
	free(text);
}

static int vcpu_is_told(struct axv_vcpu *v, const char *text, const char *state,
			pid_t owner)
{
	return number_of(text, "vm") == v->vm->id && number_of(text, "pid") == getpid() &&
	       number_of(text, "vcpu") == 0 && number_of(text, "owner") == owner &&
	       !strncmp(value_of(text, "state"), state, strlen(state));
}

TEST_F(show, vcpu)
{
	struct axv_runner r;
	char path[64];
	char *text;

	text = fdinfo(self->v.fd);
	EXPECT_TRUE(vcpu_is_told(&self->v, text, "Ready", axv_gettid())) { TH_LOG("%s", text); }
	EXPECT_LE(0, number_of(text, "bound"));
	EXPECT_EQ(vcpu_info(&self->v).cpu, number_of(text, "loaded"));
	free(text);

	ASSERT_EQ(0, vcpu_unbind(&self->v));
	text = fdinfo(self->v.fd);
	EXPECT_TRUE(vcpu_is_told(&self->v, text, "Free", 0)) { TH_LOG("%s", text); }
	EXPECT_EQ(-1, number_of(text, "bound"));
	EXPECT_EQ(-1, number_of(text, "loaded"));
	free(text);

	guest_start(&self->v, GUEST_HALT, 0, 0, 0);
	runner_start(&r, &self->v, until_kicked, NULL);
	vcpu_await_state(&self->v, AXV_STATE_BLOCKED);
	snprintf(path, sizeof(path), "/sys/kernel/debug/axvcpu/%u/0/info", self->vm.id);
	text = text_of(path);
	EXPECT_TRUE(vcpu_is_told(&self->v, text, "Blocked", r.tid)) { TH_LOG("%s", text); }
	free(text);
	runner_stop(&r);
}

/* While a guest runs without exits, its vCPU is current and loaded on one CPU. */
TEST_F(show, cpus)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct axv_runner r;
	char line[64];
	char *text;
	int cpu;

	ASSERT_EQ(0, vcpu_unbind(&self->v));
	guest_start(&self->v, GUEST_SPIN, GUEST_DATA, 0, 0);
	runner_start(&r, &self->v, until_kicked, NULL);
	do
		cpu = vcpu_info(&self->v).cpu;
	while (cpu < 0 || vcpu_state(&self->v) != AXV_STATE_RUNNING);
	text = text_of("/sys/kernel/debug/axvcpu/cpus");
	snprintf(line, sizeof(line), "loaded %u/0\n", self->vm.id);
	EXPECT_NE(NULL, strstr(text, line)) { TH_LOG("%s", text); }
	EXPECT_EQ(cpus, lines_of(text)) { TH_LOG("%s", text); }

	/* The vCPU is current, too, when this thread reads on another CPU than the guest's. */
	snprintf(line, sizeof(line), "current %u/0\tloaded %u/0\n", self->vm.id,
		 self->vm.id);
	while (cpus > 1 && !strstr(text, line)) {
		free(text);
		text = text_of("/sys/kernel/debug/axvcpu/cpus");
	}
	free(text);
	runner_stop(&r);

	text = text_of("/sys/kernel/debug/axvcpu/cpus");
	snprintf(line, sizeof(line), " %u/0", self->vm.id);
	EXPECT_EQ(NULL, strstr(text, line)) { TH_LOG("%s", text); }
	free(text);
}

/*
 * trace-cmd and perf read the print formats, and do not know our enumerators: the
 * kernel must have replaced these by numbers.
 */
TEST(formats_name_no_enumerator)
{
	DIR *dir = opendir(TRACING "/events/axvcpu");
	unsigned int formats = 0;
	struct dirent *d;
	char path[512];
	char *text, *at;

	ASSERT_NE(NULL, dir);
	while ((d = readdir(dir))) {
		if (strncmp(d->d_name, "axv_", 4))
			continue;
		snprintf(path, sizeof(path), TRACING "/events/axvcpu/%s/format", d->d_name);
		text = text_of(path);
		at = strstr(text, "print fmt:");
		ASSERT_NE(NULL, at);
		at = strstr(at, "AXV_");
		EXPECT_EQ(NULL, at) {
			TH_LOG("%s: %.20s", d->d_name, at);
		}
		free(text);
		formats++;
	}
	closedir(dir);
	EXPECT_LE(7, formats);
}

static int write_one(const char *path, char c)
{
	int fd = open(path, O_WRONLY), ok;

	ok = fd >= 0 && write(fd, &c, 1) == 1;
	close(fd);
	return ok;
}

/* A hypercall's exit, as each kind of hardware names it. */
TEST_F(show, hardware_exits_have_names)
{
	char *text;

	ASSERT_EQ(0, mkdir(INSTANCE, 0700));
	EXPECT_TRUE(write_one(INSTANCE "/events/axvcpu/axv_exit/enable", '1'));
	guest_start(&self->v, GUEST_CALL, 0, 0, 0);
	EXPECT_EQ(AXV_EXIT_HYPERCALL, vcpu_run(&self->v));
	EXPECT_TRUE(write_one(INSTANCE "/events/axvcpu/axv_exit/enable", '0'));
	text = text_of(INSTANCE "/trace");
	ASSERT_EQ(0, rmdir(INSTANCE));
	EXPECT_TRUE(strstr(text, "reason hypercall (0x81)") ||
		    strstr(text, "reason VMCALL (0x12)") ||
		    strstr(text, "reason HVC64 (0x5")) {
		TH_LOG("%s", text);
	}
	free(text);
}

TEST_HARNESS_MAIN
