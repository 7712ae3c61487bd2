// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Conversions between KVM's structures and the module's: registers, segments, routes, CPUID.
 * Also the objects and coroutines, which need neither.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <xmmintrin.h>

#include "object.h"
#include "tap.h"
#include "vcpu.h"

static void test_gprs(void)
{
	struct axv_x86_gprs gprs, back;
	struct kvm_regs regs;
	unsigned int i;

	for (i = 0; i < 16; i++)
		gprs.gpr[i] = 0x1000 + i;
	gprs.rip = 0xfff0;
	gprs.rflags = 0x202;
	regs_to_kvm(&gprs, &regs);
	tap(regs.rax == 0x1000 && regs.rcx == 0x1001 && regs.rdx == 0x1002 &&
	    regs.rbx == 0x1003 && regs.rsp == 0x1004 && regs.rbp == 0x1005 &&
	    regs.rsi == 0x1006 && regs.rdi == 0x1007 && regs.r8 == 0x1008 &&
	    regs.r15 == 0x100f && regs.rip == 0xfff0 && regs.rflags == 0x202,
	    "general registers by their names");
	regs_from_kvm(&regs, &back);
	tap(!memcmp(&gprs, &back, sizeof(gprs)), "general registers by their offsets");
	regs.rflags = 0;
	regs_from_kvm(&regs, &back);
	tap(back.rflags == 2, "the bit of RFLAGS that is always set");
}

static void test_segments(void)
{
	/* A 64-bit code segment, DPL 3, and a busy TSS. */
	const struct axv_x86_segment code = {
		.base = 0x123456789a, .limit = 0xffffffff, .selector = 0x33, .attr = 0xafb,
	};
	const struct axv_x86_segment tss = { .limit = 0x67, .selector = 0x40, .attr = 0x8b };
	struct kvm_segment k = regs_segment_to_kvm(&code);
	struct axv_x86_segment back = regs_segment_from_kvm(&k);

	tap(k.base == code.base && k.limit == code.limit && k.selector == 0x33 &&
	    k.type == 0xb && k.s == 1 && k.dpl == 3 && k.present == 1 && k.l == 1 &&
	    !k.db && k.g == 1 && !k.avl && !k.unusable, "a code segment");
	tap(!memcmp(&back, &code, sizeof(code)), "a code segment, from KVM's form");
	k = regs_segment_to_kvm(&tss);
	back = regs_segment_from_kvm(&k);
	tap(k.type == 0xb && !k.s && !memcmp(&back, &tss, sizeof(tss)), "a task's segment");
	k.unusable = 1;
	tap(!(regs_segment_from_kvm(&k).attr & AXV_X86_ATTR_P),
	    "an unusable segment is not present");
	back.attr = 0;
	tap(regs_segment_to_kvm(&back).unusable == 1, "a segment that is not present is unusable");
}

static void test_routes(void)
{
	struct kvm_irq_routing_entry entry = {
		.gsi = 7, .type = KVM_IRQ_ROUTING_MSI,
		.u.msi = { .address_lo = 0xfee01000, .address_hi = 0x100, .data = 0x31 },
	};
	struct axv_route route;

	tap(!irqchip_route(&entry, &route) && route.gsi == 7 && route.data == 0x31 &&
	    route.address == 0x100fee01000ull && !route.flags && !route.vcpu &&
	    !route.vector && !route.priority, "a message is a route");
	entry.u.msi.data = 0x8031;
	tap(!irqchip_route(&entry, &route) && route.data == 0xc031,
	    "a message that is a level asserts");
	entry.flags = KVM_MSI_VALID_DEVID;
	tap(irqchip_route(&entry, &route) == -EINVAL, "flags of another architecture");
	entry.flags = 0;
	entry.type = KVM_IRQ_ROUTING_IRQCHIP;
	tap(irqchip_route(&entry, &route) == -EINVAL, "a pin of a chip that is not there");
}

static void test_cpuid(void)
{
	const struct kvm_cpuid_entry2 entries[] = {
		{ .function = 1, .index = 5, .eax = 1, .edx = 4 },
		{ .function = 4, .index = 0, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .eax = 2 },
		{ .function = 4, .index = 1, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .eax = 3 },
		{ .function = 1, .eax = 9 },
		{ .function = 4, .index = 1, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX, .eax = 9 },
		{ .function = 2, .flags = KVM_CPUID_FLAG_STATEFUL_FUNC, .eax = 5 },
	};
	struct axv_x86_cpuid leaves[6];

	tap(cpuid_from_kvm(entries, 6, leaves) == 4,
	    "of two entries for the same CPUID instruction one is taken");
	tap(leaves[0].leaf == 1 && !leaves[0].subleaf && !leaves[0].flags &&
	    leaves[0].eax == 1 && leaves[0].edx == 4,
	    "the first answer counts, without a subleaf");
	tap(leaves[1].flags == AXV_X86_CPUID_SUBLEAF && leaves[1].eax == 2 &&
	    leaves[2].subleaf == 1 && leaves[2].eax == 3 && leaves[3].leaf == 2 &&
	    !leaves[3].flags, "subleaves");
}

/* ---- objects ------------------------------------------------------------ */

static unsigned int freed;

static long count_ioctl(void *data, unsigned long command, unsigned long arg)
{
	(void)data;
	return command == 1 ? (long)arg : -ENOTTY;
}

static void count_free(void *data)
{
	(void)data;
	freed++;
}

static const struct object_ops count_ops = {
	.name = "test", .ioctl = count_ioctl, .free = count_free,
};

/* A descriptor with a number that is none of the test's own. */
static void make_fd(int number)
{
	int fd = memfd_create("test", 0);

	dup2(fd, number);
	close(fd);
}

static void test_objects(void)
{
	struct object *object = object_create(&count_ops, NULL), *found;
	long ret;

	make_fd(1000);
	dup2(1000, 1001);
	tap(!object_of_fd(1000) && !object_of_fd(-1) && !object_of_fd(1 << 30),
	    "descriptors of others");
	tap(!object_attach(1000, object) && !object_attach(1001, object) &&
	    object_attach(1 << 30, object) == -EMFILE, "two descriptors of an object");
	object_put(object);
	found = object_of_fd(1001);
	tap(found == object && object_ioctl(1001, 1, 42, &ret) && ret == 42 &&
	    object_ioctl(1001, 2, 0, &ret) && ret == -ENOTTY && !object_ioctl(1002, 1, 42, &ret),
	    "the object of a descriptor");
	object_detach(1000);
	object_detach_range(1001, ~0u);
	tap(!freed && !object_of_fd(1001), "closed while a call is in progress");
	object_put(found);
	tap(freed == 1, "freed with the last reference");
	object = object_create(&count_ops, NULL);
	tap(object == found, "its memory is an object's again");
	object_attach(1000, object);
	tap(!object_is_stale(1000, object), "the file is still the object's");
	make_fd(1000);
	tap(object_is_stale(1000, object) && !object_of_fd(1000),
	    "another file with the number is not the object's");
	object_put(object);
}

/* 0: @child found what it expected. */
static int status_of(pid_t child)
{
	int status;

	return waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int close_all(void *arg)
{
	(void)arg;
	object_detach(1000);
	object_detach_range(0, ~0u);
	_exit(0);
}

static void test_children(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	struct object *object = object_create(&count_ops, NULL), *found;
	unsigned int before = freed;
	pid_t child;

	object_attach(1000, object);
	object_put(object);
	child = fork();
	if (!child)
		_exit(object_of_fd(1000) || object_attach(1000, object_create(&count_ops, NULL)) ||
		      !object_of_fd(1000));
	tap(!status_of(child), "a child of fork() has none of its parent's, and may have its own");
	/*
	 * clone() as vfork() calls it; vfork() itself allows the compiler assumptions that this
	 * test breaks.
	 */
	child = clone(close_all, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
	found = object_of_fd(1000);
	tap(!status_of(child) && found && freed == before,
	    "a child of vfork() closes nothing for its parent");
	if (found)
		object_put(found);
	object_detach(1000);
}

/* ---- coroutines --------------------------------------------------------- */

static struct coroutine coroutine;
static unsigned int steps;
static bool blocked;

static bool is_blocked(int signal)
{
	sigset_t mask;

	sigprocmask(SIG_BLOCK, NULL, &mask);
	return sigismember(&mask, signal);
}

static void three_steps(void *arg)
{
	unsigned int n = *(unsigned int *)arg;

	for (; n; n--) {
		steps++;
		coroutine_wait(&coroutine);
		blocked = is_blocked(SIGUSR1);
	}
	steps += 100;
}

static void test_coroutines(void)
{
	unsigned int n = 2;
	unsigned int mxcsr = _mm_getcsr();
	sigset_t set;

	tap(!coroutine_start(&coroutine, three_steps, &n) && coroutine.waits && steps == 1,
	    "a function waits");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	_mm_setcsr(mxcsr | _MM_ROUND_UP);
	coroutine_go_on(&coroutine);
	tap(coroutine.waits && steps == 2 && _mm_getcsr() == (mxcsr | _MM_ROUND_UP),
	    "the function goes on");
	tap(blocked, "the function goes on with the signal mask that was set in between");
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	_mm_setcsr(mxcsr);
	coroutine_go_on(&coroutine);
	tap(!coroutine.waits && steps == 102, "the function returns");
	n = 0;
	tap(!coroutine_start(&coroutine, three_steps, &n) && !coroutine.waits && steps == 202,
	    "a function that never waits");
	coroutine_free(&coroutine);
}

int main(void)
{
	test_gprs();
	test_segments();
	test_routes();
	test_cpuid();
	test_objects();
	test_children();
	test_coroutines();
	return tap_done();
}
