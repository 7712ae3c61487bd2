// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of descriptors that other processes have: they are useless there, and do not keep the
 * VMM's memory and hardware when the VMM has gone.
 */
#include "axv_harness.h"

#include <sys/socket.h>

static void send_fds(int sock, int *fds, int count)
{
	union {
		char buf[CMSG_SPACE(3 * sizeof(int))];
		struct cmsghdr align;
	} u = { { 0 } };
	char c = 0;
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.buf,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(cmsg), fds, count * sizeof(int));
	must(sendmsg(sock, &msg, 0) == 1);
}

static void receive_fds(int sock, int *fds, int count)
{
	union {
		char buf[CMSG_SPACE(3 * sizeof(int))];
		struct cmsghdr align;
	} u = { { 0 } };
	char c;
	struct iovec iov = { .iov_base = &c, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = u.buf,
		.msg_controllen = sizeof(u.buf),
	};
	struct cmsghdr *cmsg;

	must(recvmsg(sock, &msg, 0) == 1);
	cmsg = CMSG_FIRSTHDR(&msg);
	must(cmsg && cmsg->cmsg_type == SCM_RIGHTS);
	must(cmsg->cmsg_len == CMSG_LEN(count * sizeof(int)));
	memcpy(fds, CMSG_DATA(cmsg), count * sizeof(int));
}

/* Call every ioctl of a VM and a vCPU.  Returns how many return something else than -EIO. */
static int answered(int vm, int vcpu)
{
	struct axv_create_vcpu create = { .id = 1, .favor_phys_cpu = -1 };
	struct axv_region region = { .id = 5, .fd = -1 };
	struct axv_dirty dirty = { .nr_pages = 64 };
	struct axv_clock clock = { 0 };
	struct axv_inject inject = guest_events[GUEST_INTERRUPT];
	struct axv_setup setup = { 0 };
	struct axv_bind bind = { .flags = AXV_BIND_ADOPT };
	struct axv_state state;
	struct axv_stats stats;
	struct axv_regs regs = { 0 };
	struct axv_fpu fpu = { 0 };
	struct axv_table table = { .kind = AXV_TABLE_REGS, .entry_size = 8 };
	const struct {
		int fd;
		unsigned long cmd;
		void *arg;
	} calls[] = {
		{ vm, AXV_VM_CREATE_VCPU, &create },
		{ vm, AXV_VM_SET_REGION, &region },
		{ vm, AXV_VM_GET_DIRTY, &dirty },
		{ vm, AXV_VM_SET_CLOCK, &clock },
		{ vm, AXV_VM_GET_CLOCK, &clock },
		{ vcpu, AXV_INJECT, &inject },
		{ vcpu, AXV_GET_TABLE, &table },
		{ vcpu, AXV_VCPU_SETUP, &setup },
		{ vcpu, AXV_VCPU_BIND, &bind },
		{ vcpu, AXV_VCPU_UNBIND, NULL },
		{ vcpu, AXV_VCPU_RUN, NULL },
		{ vcpu, AXV_VCPU_KICK, NULL },
		{ vcpu, AXV_VCPU_RESET, NULL },
		{ vcpu, AXV_VCPU_GET_STATE, &state },
		{ vcpu, AXV_VCPU_GET_REGS, &regs },
		{ vcpu, AXV_VCPU_SET_REGS, &regs },
		{ vcpu, AXV_VCPU_GET_FPU, &fpu },
		{ vcpu, AXV_VCPU_SET_FPU, &fpu },
		{ vcpu, AXV_VCPU_GET_STATS, &stats },
		{ vcpu, AXV_VCPU_SYNC, NULL },
	};
	int wrong = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		int ret = axv_ioctl(calls[i].fd, calls[i].cmd, calls[i].arg);

		if (ret != -EIO) {
			fprintf(stderr, "# call %zu: %d\n", i, ret);
			wrong++;
		}
	}
	if (mmap(NULL, PAGE, PROT_READ, MAP_SHARED, vcpu, AXV_MMAP_RUN) != MAP_FAILED ||
	    errno != EIO) {
		fprintf(stderr, "# mmap: %d\n", errno);
		wrong++;
	}
	return wrong;
}

/* A process that gets the descriptors, and tries them when it is told to. */
static int holder(void *arg)
{
	int sock = *(int *)arg, fds[2];
	char c;

	receive_fds(sock, fds, 2);
	must(read(sock, &c, 1) == 1);
	return answered(fds[0], fds[1]);
}

static void holder_try(int sock)
{
	must(write(sock, "", 1) == 1);
}

TEST(useless_in_another_process)
{
	struct axv_vm vm;
	struct axv_vcpu v;
	int sock[2];
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
	/* The child is forked before the VM exists, so it inherits nothing. */
	pid = child_start(holder, &sock[1]);
	vm_new(&vm, 0);
	vcpu_ready(&vm, &v, 0);
	guest_start(&v, GUEST_CALL, 0, 0, 0);
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	send_fds(sock[0], (int[]){ vm.fd, v.fd }, 2);
	holder_try(sock[0]);
	EXPECT_EQ(0, child_status(pid));
	/* The other process has changed nothing here. */
	EXPECT_EQ(AXV_STATE_READY, vcpu_state(&v));
	ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
	EXPECT_EQ(2ull, v.run->exit.hypercall.args[0]);
}

TEST(closed_by_the_last_holder)
{
	struct axv_vm vm;
	struct axv_vcpu v;
	int sock[2], i;
	pid_t pid;

	/* The VMM closes its descriptors first; the other process's close is the last. */
	for (i = 0; i < 10; i++) {
		ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, sock));
		pid = child_start(holder, &sock[1]);
		vm_new(&vm, 0);
		vcpu_ready(&vm, &v, 0);
		guest_start(&v, GUEST_CALL, 0, 0, 0);
		ASSERT_EXIT(AXV_EXIT_HYPERCALL, &v);
		send_fds(sock[0], (int[]){ vm.fd, v.fd }, 2);
		vcpu_free(&v);
		vm_free(&vm);
		holder_try(sock[0]);
		EXPECT_EQ(0, child_status(pid));
		close(sock[0]);
		close(sock[1]);
	}
}

/* ---- the VMM dies, the descriptors live ---- */

static unsigned long meminfo(const char *key)
{
	FILE *f = fopen("/proc/meminfo", "r");
	unsigned long kb = 0;
	char line[128];
	size_t n = strlen(key);

	must(f);
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, n) && line[n] == ':')
			kb = strtoul(line + n + 1, NULL, 10);
	fclose(f);
	return kb;
}

/**
 * struct vmm - a VMM with much memory, all of which its guest uses
 * @sock: the VMM sends its descriptors there, and ends when it receives a byte
 * @size: bytes of the memory
 * @flags: of the memory: MAP_HUGETLB or 0
 */
struct vmm {
	int sock;
	size_t size;
	int flags;
};

static int vmm(void *arg)
{
	const struct vmm *t = arg;
	void *mem = mmap(NULL, t->size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | t->flags, -1, 0);
	struct axv_vm vm;
	struct axv_vcpu v;
	char c;

	must(mem != MAP_FAILED);
	vm_new(&vm, 0);
	vcpu_ready(&vm, &v, 0);
	must(!vm_region(&vm, 1, 0, GUEST_MEM, t->size, mem));
	guest_start(&v, GUEST_WRITE, GUEST_MEM, t->size / PAGE, 1);
	must(vcpu_run(&v) == AXV_EXIT_HYPERCALL);
	send_fds(t->sock, (int[]){ vm.fd, v.fd }, 2);
	must(read(t->sock, &c, 1) == 1);
	return 0;
}

/* Start a VMM, and return when its guest has used all of the memory. */
static pid_t vmm_start(size_t size, int flags, int *sock, int fds[2])
{
	struct vmm t = { .size = size, .flags = flags };
	int pair[2];
	pid_t pid;

	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	t.sock = pair[1];
	pid = child_start(vmm, &t);
	close(pair[1]);
	*sock = pair[0];
	receive_fds(*sock, fds, 2);
	return pid;
}

static void vmm_dies(struct __test_metadata *_metadata, int killed)
{
	const unsigned long size = scaled(32768) * PAGE, kb = size / 1024;
	unsigned long before, during;
	int sock, next, fds[2], next_fds[2];
	pid_t pid;

	before = meminfo("AnonPages");
	pid = vmm_start(size, 0, &sock, fds);
	during = meminfo("AnonPages");
	/* The kernel counts per CPU, so the figure may be off by a few pages. */
	EXPECT_LE(before + kb - kb / 4, during);
	EXPECT_EQ(0, answered(fds[0], fds[1]));
	during = meminfo("MemFree");
	if (killed) {
		EXPECT_EQ(SIGKILL, child_kill(pid));
	} else {
		ASSERT_EQ(1, write(sock, "", 1));
		EXPECT_EQ(0, child_status(pid));
	}
	/*
	 * The VMM's memory is free, not only unmapped: another VMM of the same size fits.
	 * (MemFree does not show that at once, since the host keeps lists of free pages.)
	 */
	pid = vmm_start(size, 0, &next, next_fds);
	EXPECT_LE(during, meminfo("MemFree") + kb / 2);
	EXPECT_EQ(SIGKILL, child_kill(pid));
	close(next);
	close(next_fds[0]);
	close(next_fds[1]);
	EXPECT_EQ(0, answered(fds[0], fds[1]));
	a_new_vm_runs(_metadata);
	EXPECT_EQ(0, answered(fds[0], fds[1]));
	EXPECT_EQ(0, close(fds[1]));
	EXPECT_EQ(0, close(fds[0]));
	close(sock);
	a_new_vm_runs(_metadata);
}

TEST(the_vmm_exits)
{
	vmm_dies(_metadata, 0);
}

TEST(the_vmm_is_killed)
{
	vmm_dies(_metadata, 1);
}

TEST(hugetlb_pages_come_back)
{
	static const char knob[] = "/proc/sys/vm/nr_hugepages";
	int sock, fds[2], fd = open(knob, O_WRONLY);
	pid_t pid;

	/* Huge pages are counted exactly: one that something still held would be missing. */
	ASSERT_LE(0, fd);
	ASSERT_EQ(1, pwrite(fd, "2", 1, 0));
	ASSERT_EQ(2ul, meminfo("HugePages_Free"));
	pid = vmm_start(2 * HUGE_PAGE, MAP_HUGETLB, &sock, fds);
	EXPECT_EQ(0ul, meminfo("HugePages_Free"));
	EXPECT_EQ(SIGKILL, child_kill(pid));
	EXPECT_EQ(2ul, meminfo("HugePages_Free"));
	ASSERT_EQ(1, pwrite(fd, "0", 1, 0));
	EXPECT_EQ(0ul, meminfo("HugePages_Total"));
	close(fd);
}

TEST_HARNESS_MAIN
