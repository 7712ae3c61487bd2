// SPDX-License-Identifier: GPL-2.0
/*
 * What axvmm uses of libaxvcpu, on KVM with its irqchip off.
 *
 * Linked with axvmm's own objects instead of the library it makes axvmm-kvm,
 * the same VMM with the same devices on the rival: so that the boot of a Linux
 * guest can be compared.  CPUID is what KVM supports, cut by axvmm as ever.
 *
 * A kick is a signal and KVM's immediate_exit.  Without an irqchip a halt is an
 * exit; the thread waits here until it is kicked, as it waits in the kernel
 * with axvcpu.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/kvm.h>

#include <axvcpu.h>

#define MAX_LEAVES	256
#define MAX_POLICIES	64
#define HUGE_PAGE	(2ul << 20)

struct axv_host {
	int fd;
};

struct axv_vm {
	int host;
	int fd;
	struct axv_x86_msr_policy policy[MAX_POLICIES];
	unsigned int policies;
};

/**
 * struct axv_vcpu - a vCPU of KVM that looks like one of axvcpu
 * @vm:		its VM
 * @fd:		its descriptor
 * @id:		its number
 * @kvm:	KVM's shared page
 * @kvm_size:	bytes of it
 * @run:	what axvmm believes to be the run page
 * @sregs:	as axvmm set them
 * @stats:	exits only
 * @elements:	of a port access, not yet shown to axvmm
 * @data:	the next one of them, or the last one that was shown
 * @halted:	the guest waits for an interrupt
 * @kicked:	a kick that was not reported yet
 * @lock:	for @wake
 * @wake:	ends a halt
 * @thread:	that runs it
 * @bound:	there is one
 */
struct axv_vcpu {
	struct axv_vm *vm;
	int fd;
	__u32 id;
	struct kvm_run *kvm;
	size_t kvm_size;
	struct axv_run run;
	struct axv_x86_sregs sregs;
	struct axv_stats stats;
	unsigned int elements;
	char *data;
	bool halted;
	int kicked;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	int bound;
};

static __thread char error_text[128];

static int fail(const char *what)
{
	int err = errno;

	snprintf(error_text, sizeof(error_text), "%s: %s", what, strerror(err));
	return -err;
}

static int unsupported(const char *what)
{
	errno = EOPNOTSUPP;
	return fail(what);
}

const char *axv_error(void)
{
	return error_text;
}

const char *axv_exit_name(__u32 reason)
{
	static __thread char name[16];

	snprintf(name, sizeof(name), "reason %u", reason);
	return name;
}

const char *axv_backend_name(__u64 backend)
{
	(void)backend;
	return "KVM";
}

/* ---- the host ----------------------------------------------------------- */

int axv_open(const char *path, struct axv_host **host)
{
	struct axv_host *h = calloc(1, sizeof(*h));

	(void)path;
	if (!h)
		return fail("memory");
	h->fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (h->fd < 0)
		return fail("open /dev/kvm");
	*host = h;
	return 0;
}

void axv_close(struct axv_host *host)
{
	if (host)
		close(host->fd);
	free(host);
}

/* KVM tells a frequency only where there is a vCPU. */
static int tsc_khz(struct axv_host *host, __u64 *value)
{
	int vm = ioctl(host->fd, KVM_CREATE_VM, 0ul);
	int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0ul);
	int khz = ioctl(vcpu, KVM_GET_TSC_KHZ, 0ul);

	if (khz < 0)
		return fail("KVM_GET_TSC_KHZ");
	close(vcpu);
	close(vm);
	*value = khz;
	return 0;
}

int axv_query(struct axv_host *host, enum axv_query_id id, __u64 *value)
{
	switch (id) {
	case AXV_QUERY_IPA_BITS:
		*value = 36;
		return 0;
	case AXV_QUERY_COUNTER_KHZ:
		return tsc_khz(host, value);
	default:
		return unsupported("query");
	}
}

int axv_supported_cpuid(struct axv_host *host, struct axv_x86_cpuid **leaves)
{
	struct kvm_cpuid2 *cpuid;
	unsigned int i;

	cpuid = calloc(1, sizeof(*cpuid) + MAX_LEAVES * sizeof(cpuid->entries[0]));
	*leaves = calloc(MAX_LEAVES, sizeof(**leaves));
	if (!cpuid || !*leaves)
		return fail("memory");
	cpuid->nent = MAX_LEAVES;
	if (ioctl(host->fd, KVM_GET_SUPPORTED_CPUID, cpuid))
		return fail("KVM_GET_SUPPORTED_CPUID");
	for (i = 0; i < cpuid->nent; i++) {
		const struct kvm_cpuid_entry2 *e = &cpuid->entries[i];

		(*leaves)[i] = (struct axv_x86_cpuid){
			.leaf = e->function,
			.subleaf = e->index,
			.flags = e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX ?
				 AXV_X86_CPUID_SUBLEAF : 0,
			.eax = e->eax,
			.ebx = e->ebx,
			.ecx = e->ecx,
			.edx = e->edx,
		};
	}
	free(cpuid);
	return i;
}

/* ---- virtual machines --------------------------------------------------- */

int axv_vm_create(struct axv_host *host, const struct axv_vm_config *config,
		  struct axv_vm **vm)
{
	/* MSRs that KVM does not know are axvmm's, as with axvcpu. */
	struct kvm_enable_cap msrs = {
		.cap = KVM_CAP_X86_USER_SPACE_MSR,
		.args[0] = KVM_MSR_EXIT_REASON_UNKNOWN,
	};
	struct axv_vm *v = calloc(1, sizeof(*v));

	(void)config;
	if (!v)
		return fail("memory");
	v->host = host->fd;
	v->fd = ioctl(host->fd, KVM_CREATE_VM, 0ul);
	if (v->fd < 0)
		return fail("KVM_CREATE_VM");
	/* Where Intel's KVM keeps what real mode needs; nobody else is there. */
	if (ioctl(v->fd, KVM_SET_TSS_ADDR, 0xfffbd000ul) && errno != EINVAL)
		return fail("KVM_SET_TSS_ADDR");
	if (ioctl(v->fd, KVM_ENABLE_CAP, &msrs))
		return fail("KVM_CAP_X86_USER_SPACE_MSR");
	*vm = v;
	return 0;
}

void axv_vm_destroy(struct axv_vm *vm)
{
	if (vm)
		close(vm->fd);
	free(vm);
}

/* Laid out as the library does it, so that huge pages can be used alike. */
int axv_vm_add_ram(struct axv_vm *vm, __u32 slot, __u32 flags, __u64 gpa,
		   __u64 size, void **hva)
{
	struct kvm_userspace_memory_region region = {
		.slot = slot,
		.guest_phys_addr = gpa,
		.memory_size = size,
	};
	char *map = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	(void)flags;
	if (map == MAP_FAILED)
		return fail("mmap");
	map += (gpa - (unsigned long)map) % HUGE_PAGE;
	madvise(map, size, MADV_HUGEPAGE);
	region.userspace_addr = (unsigned long)map;
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		return fail("KVM_SET_USER_MEMORY_REGION");
	*hva = map;
	return 0;
}

int axv_vm_set_msr_policy(struct axv_vm *vm,
			  const struct axv_x86_msr_policy *ranges,
			  unsigned int count)
{
	if (count > MAX_POLICIES)
		return unsupported("that many MSR ranges");
	memcpy(vm->policy, ranges, count * sizeof(*ranges));
	vm->policies = count;
	return 0;
}

static bool is_axvmms(const struct axv_vm *vm, __u32 msr)
{
	unsigned int i;

	for (i = 0; i < vm->policies; i++)
		if (msr >= vm->policy[i].first && msr <= vm->policy[i].last)
			return true;
	return false;
}

/* ---- vCPUs: creation, registers ----------------------------------------- */

static void wake_up(int signal)
{
	(void)signal;
}

int axv_vcpu_create(struct axv_vm *vm, const struct axv_vcpu_config *config,
		    struct axv_vcpu **vcpu)
{
	const struct sigaction kick = { .sa_handler = wake_up };
	struct axv_vcpu *v = calloc(1, sizeof(*v));

	if (!v)
		return fail("memory");
	v->vm = vm;
	v->id = config->id;
	v->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)config->id);
	if (v->fd < 0)
		return fail("KVM_CREATE_VCPU");
	v->kvm_size = ioctl(vm->host, KVM_GET_VCPU_MMAP_SIZE, 0ul);
	v->kvm = mmap(NULL, v->kvm_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      v->fd, 0);
	if (v->kvm == MAP_FAILED)
		return fail("mmap of the vCPU");
	pthread_mutex_init(&v->lock, NULL);
	pthread_cond_init(&v->wake, NULL);
	sigaction(SIGUSR1, &kick, NULL);
	*vcpu = v;
	return 0;
}

void axv_vcpu_destroy(struct axv_vcpu *vcpu)
{
	if (!vcpu)
		return;
	munmap(vcpu->kvm, vcpu->kvm_size);
	close(vcpu->fd);
	free(vcpu);
}

__u32 axv_vcpu_id(const struct axv_vcpu *vcpu)
{
	return vcpu->id;
}

struct axv_run *axv_vcpu_run_page(const struct axv_vcpu *vcpu)
{
	return (struct axv_run *)&vcpu->run;
}

int axv_vcpu_set_cpuid(struct axv_vcpu *vcpu, const struct axv_x86_cpuid *leaves,
		       unsigned int count)
{
	struct kvm_cpuid2 *cpuid;
	unsigned int i;
	int ret;

	cpuid = calloc(1, sizeof(*cpuid) + count * sizeof(cpuid->entries[0]));
	if (!cpuid)
		return fail("memory");
	cpuid->nent = count;
	for (i = 0; i < count; i++)
		cpuid->entries[i] = (struct kvm_cpuid_entry2){
			.function = leaves[i].leaf,
			.index = leaves[i].subleaf,
			.flags = leaves[i].flags & AXV_X86_CPUID_SUBLEAF ?
				 KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
			.eax = leaves[i].eax,
			.ebx = leaves[i].ebx,
			.ecx = leaves[i].ecx,
			.edx = leaves[i].edx,
		};
	ret = ioctl(vcpu->fd, KVM_SET_CPUID2, cpuid) ? fail("KVM_SET_CPUID2") : 0;
	free(cpuid);
	return ret;
}

static struct kvm_segment to_kvm(const struct axv_x86_segment *s)
{
	return (struct kvm_segment){
		.base = s->base,
		.limit = s->limit,
		.selector = s->selector,
		.type = s->attr & AXV_X86_ATTR_TYPE,
		.s = !!(s->attr & AXV_X86_ATTR_S),
		.dpl = (s->attr & AXV_X86_ATTR_DPL) >> 5,
		.present = !!(s->attr & AXV_X86_ATTR_P),
		.avl = !!(s->attr & AXV_X86_ATTR_AVL),
		.l = !!(s->attr & AXV_X86_ATTR_L),
		.db = !!(s->attr & AXV_X86_ATTR_DB),
		.g = !!(s->attr & AXV_X86_ATTR_G),
		.unusable = !(s->attr & AXV_X86_ATTR_P),
	};
}

int axv_vcpu_set_sregs(struct axv_vcpu *vcpu, const struct axv_x86_sregs *s)
{
	struct kvm_sregs k;

	if (ioctl(vcpu->fd, KVM_GET_SREGS, &k))
		return fail("KVM_GET_SREGS");
	k.es = to_kvm(&s->seg[AXV_X86_ES]);
	k.cs = to_kvm(&s->seg[AXV_X86_CS]);
	k.ss = to_kvm(&s->seg[AXV_X86_SS]);
	k.ds = to_kvm(&s->seg[AXV_X86_DS]);
	k.fs = to_kvm(&s->seg[AXV_X86_FS]);
	k.gs = to_kvm(&s->seg[AXV_X86_GS]);
	k.tr = to_kvm(&s->seg[AXV_X86_TR]);
	k.ldt = to_kvm(&s->seg[AXV_X86_LDTR]);
	k.gdt = (struct kvm_dtable){ .base = s->gdtr.base, .limit = s->gdtr.limit };
	k.idt = (struct kvm_dtable){ .base = s->idtr.base, .limit = s->idtr.limit };
	k.cr0 = s->cr0;
	k.cr2 = s->cr2;
	k.cr3 = s->cr3;
	k.cr4 = s->cr4;
	k.cr8 = s->cr8;
	k.efer = s->efer;
	/* No local APIC; KVM shows one by CPUID as long as this says so. */
	k.apic_base = 0;
	if (ioctl(vcpu->fd, KVM_SET_SREGS, &k))
		return fail("KVM_SET_SREGS");
	vcpu->sregs = *s;
	return 0;
}

int axv_vcpu_get_sregs(struct axv_vcpu *vcpu, struct axv_x86_sregs *sregs)
{
	*sregs = vcpu->sregs;
	return 0;
}

int axv_vcpu_set_gprs(struct axv_vcpu *vcpu, const struct axv_x86_gprs *g)
{
	const struct kvm_regs regs = {
		.rax = g->gpr[AXV_X86_RAX], .rcx = g->gpr[AXV_X86_RCX],
		.rdx = g->gpr[AXV_X86_RDX], .rbx = g->gpr[AXV_X86_RBX],
		.rsp = g->gpr[AXV_X86_RSP], .rbp = g->gpr[AXV_X86_RBP],
		.rsi = g->gpr[AXV_X86_RSI], .rdi = g->gpr[AXV_X86_RDI],
		.r8 = g->gpr[AXV_X86_R8], .r9 = g->gpr[AXV_X86_R9],
		.r10 = g->gpr[AXV_X86_R10], .r11 = g->gpr[AXV_X86_R11],
		.r12 = g->gpr[AXV_X86_R12], .r13 = g->gpr[AXV_X86_R13],
		.r14 = g->gpr[AXV_X86_R14], .r15 = g->gpr[AXV_X86_R15],
		.rip = g->rip, .rflags = g->rflags,
	};

	return ioctl(vcpu->fd, KVM_SET_REGS, &regs) ? fail("KVM_SET_REGS") : 0;
}

/* For the place of an error, and to change the registers of the start. */
int axv_vcpu_get_gprs(struct axv_vcpu *vcpu, struct axv_x86_gprs *g)
{
	struct kvm_regs regs;

	if (ioctl(vcpu->fd, KVM_GET_REGS, &regs))
		return fail("KVM_GET_REGS");
	*g = (struct axv_x86_gprs){
		.gpr[AXV_X86_RAX] = regs.rax, .gpr[AXV_X86_RBX] = regs.rbx,
		.gpr[AXV_X86_RCX] = regs.rcx, .gpr[AXV_X86_RDX] = regs.rdx,
		.gpr[AXV_X86_RSP] = regs.rsp,
		.rip = regs.rip, .rflags = regs.rflags,
	};
	return 0;
}

int axv_vcpu_setup(struct axv_vcpu *vcpu, __u64 entry, __u32 mode)
{
	const struct axv_x86_segment data = { .limit = 0xffffffff, .attr = 0xc93 };
	const struct axv_x86_gprs gprs = { .rip = entry, .rflags = 2 };
	struct axv_x86_sregs s = { .cr0 = 0x11 };
	unsigned int i;
	int err;

	if (mode != AXV_X86_MODE_PROTECTED)
		return unsupported("that mode");
	for (i = AXV_X86_ES; i <= AXV_X86_GS; i++)
		s.seg[i] = data;
	s.seg[AXV_X86_CS].attr = 0xc9b;
	s.seg[AXV_X86_TR] = (struct axv_x86_segment){ .limit = 0xffff, .attr = 0x8b };
	s.seg[AXV_X86_LDTR] = (struct axv_x86_segment){ .limit = 0xffff, .attr = 0x82 };
	err = axv_vcpu_set_sregs(vcpu, &s);
	return err ? err : axv_vcpu_set_gprs(vcpu, &gprs);
}

/* MSRs alone; as many failed as are returned. */
int axv_vcpu_set_regs(struct axv_vcpu *vcpu, struct axv_reg *regs,
		      unsigned int count)
{
	unsigned int i;
	int failed = 0;

	for (i = 0; i < count; i++) {
		struct {
			struct kvm_msrs head;
			struct kvm_msr_entry entry;
		} msr = {
			.head.nmsrs = 1,
			.entry.index = AXV_REG_INDEX(regs[i].id),
			.entry.data = regs[i].value,
		};

		regs[i].status = 0;
		if (AXV_REG_CLASS(regs[i].id) != AXV_X86_CLASS_MSR ||
		    ioctl(vcpu->fd, KVM_SET_MSRS, &msr) != 1) {
			regs[i].status = -EINVAL;
			failed++;
		}
	}
	return failed;
}

int axv_vcpu_set_reg(struct axv_vcpu *vcpu, __u64 id, __u64 value)
{
	struct axv_reg reg = { .id = id, .value = value };

	if (!axv_vcpu_set_regs(vcpu, &reg, 1))
		return 0;
	return unsupported("that register");
}

int axv_vcpu_get_stats(struct axv_vcpu *vcpu, struct axv_stats *stats)
{
	*stats = vcpu->stats;
	return 0;
}

int axv_vcpu_disassemble(struct axv_vcpu *vcpu, char *text, size_t size)
{
	(void)vcpu;
	(void)text;
	(void)size;
	return unsupported("disassembler");
}

/* ---- vCPUs: running ----------------------------------------------------- */

int axv_parse_cpus(const char *list, void **set, size_t *size)
{
	(void)list;
	(void)set;
	(void)size;
	return unsupported("a set of CPUs");
}

int axv_pin_thread(struct axv_vcpu *vcpu)
{
	(void)vcpu;
	return 0;
}

int axv_vcpu_bind(struct axv_vcpu *vcpu, __u32 flags)
{
	(void)flags;
	vcpu->thread = pthread_self();
	__atomic_store_n(&vcpu->bound, 1, __ATOMIC_SEQ_CST);
	return 0;
}

int axv_vcpu_kick(struct axv_vcpu *vcpu)
{
	pthread_mutex_lock(&vcpu->lock);
	__atomic_store_n(&vcpu->kicked, 1, __ATOMIC_SEQ_CST);
	vcpu->kvm->immediate_exit = 1;
	pthread_cond_signal(&vcpu->wake);
	pthread_mutex_unlock(&vcpu->lock);
	if (__atomic_load_n(&vcpu->bound, __ATOMIC_SEQ_CST))
		pthread_kill(vcpu->thread, SIGUSR1);
	return 0;
}

int axv_vcpu_inject_extint(struct axv_vcpu *vcpu, __u8 vector)
{
	const struct kvm_interrupt irq = { .irq = vector };

	vcpu->halted = false;
	return ioctl(vcpu->fd, KVM_INTERRUPT, &irq) ? fail("KVM_INTERRUPT") : 0;
}

/* What axvmm answered goes to where KVM looks for it. */
static void complete(struct axv_vcpu *v)
{
	struct axv_run *run = &v->run;

	switch (run->exit_reason) {
	case AXV_EXIT_IO_READ:
		memcpy(v->data, &run->exit.io.data, run->exit.io.width);
		v->data += run->exit.io.width;
		break;
	case AXV_EXIT_IO_WRITE:
		v->data += run->exit.io.width;
		break;
	case AXV_EXIT_MMIO_READ:
		memcpy(v->kvm->mmio.data, &run->exit.mmio.data,
		       run->exit.mmio.width);
		break;
	case AXV_EXIT_SYSREG_READ:
		v->kvm->msr.data = run->exit.sysreg.value;
		v->kvm->msr.error = run->exit.sysreg.fail;
		break;
	case AXV_EXIT_SYSREG_WRITE:
		v->kvm->msr.error = run->exit.sysreg.fail;
		break;
	}
}

static int show(struct axv_vcpu *v, __u32 reason)
{
	v->run.exit_reason = reason;
	v->stats.exits[reason]++;
	return 0;
}

/* KVM hands on a repeated port access as a whole, axvcpu one by one. */
static int show_element(struct axv_vcpu *v)
{
	const struct kvm_run *kvm = v->kvm;
	struct axv_exit_io *io = &v->run.exit.io;

	*io = (struct axv_exit_io){ .port = kvm->io.port, .width = kvm->io.size };
	v->elements--;
	if (kvm->io.direction == KVM_EXIT_IO_IN)
		return show(v, AXV_EXIT_IO_READ);
	memcpy(&io->data, v->data, io->width);
	return show(v, AXV_EXIT_IO_WRITE);
}

static int show_mmio(struct axv_vcpu *v)
{
	struct axv_exit_mmio *mmio = &v->run.exit.mmio;

	*mmio = (struct axv_exit_mmio){
		.addr = v->kvm->mmio.phys_addr,
		.width = v->kvm->mmio.len,
	};
	if (!v->kvm->mmio.is_write)
		return show(v, AXV_EXIT_MMIO_READ);
	memcpy(&mmio->data, v->kvm->mmio.data, mmio->width);
	return show(v, AXV_EXIT_MMIO_WRITE);
}

int axv_vcpu_handle_mmio(struct axv_vcpu *vcpu, const struct axv_mmio_ops *ops,
			 void *opaque)
{
	struct axv_exit_mmio *mmio = &vcpu->run.exit.mmio;
	__u64 data = mmio->data;
	int err;

	if (vcpu->run.exit_reason == AXV_EXIT_MMIO_WRITE)
		return ops->write(opaque, mmio->addr, mmio->width, data);
	err = ops->read(opaque, mmio->addr, mmio->width, &data);
	mmio->data = data;
	return err;
}

static int show_msr(struct axv_vcpu *v, __u32 reason)
{
	v->run.exit.sysreg = (struct axv_exit_sysreg){
		.addr = v->kvm->msr.index,
		.value = reason == AXV_EXIT_SYSREG_WRITE ? v->kvm->msr.data : 0,
	};
	return show(v, reason);
}

static void wait_for_kick(struct axv_vcpu *v)
{
	v->stats.blocks++;
	pthread_mutex_lock(&v->lock);
	while (!__atomic_load_n(&v->kicked, __ATOMIC_SEQ_CST))
		pthread_cond_wait(&v->wake, &v->lock);
	pthread_mutex_unlock(&v->lock);
}

/* Returns 1 to enter again. */
static int translate_exit(struct axv_vcpu *v)
{
	struct kvm_run *kvm = v->kvm;

	switch (kvm->exit_reason) {
	case KVM_EXIT_IO:
		v->elements = kvm->io.count;
		v->data = (char *)kvm + kvm->io.data_offset;
		return show_element(v);
	case KVM_EXIT_MMIO:
		return show_mmio(v);
	case KVM_EXIT_HLT:
		v->halted = true;
		return 1;
	case KVM_EXIT_IRQ_WINDOW_OPEN:
		return show(v, AXV_EXIT_IRQ_WINDOW);
	case KVM_EXIT_X86_RDMSR:
	case KVM_EXIT_X86_WRMSR:
		if (is_axvmms(v->vm, kvm->msr.index))
			return show_msr(v, kvm->exit_reason == KVM_EXIT_X86_RDMSR ?
					   AXV_EXIT_SYSREG_READ :
					   AXV_EXIT_SYSREG_WRITE);
		kvm->msr.error = 1;
		return 1;
	case KVM_EXIT_SHUTDOWN:
		return show(v, AXV_EXIT_SHUTDOWN);
	default:
		v->run.exit.fail_entry.hardware_reason = kvm->exit_reason;
		return show(v, AXV_EXIT_FAIL_ENTRY);
	}
}

int axv_vcpu_run(struct axv_vcpu *vcpu)
{
	struct kvm_run *kvm = vcpu->kvm;
	int ret;

	complete(vcpu);
	vcpu->run.exit_reason = AXV_EXIT_NONE;
	if (vcpu->elements)
		return show_element(vcpu);
	do {
		/* With its interrupt window open; the exit has said so. */
		if (vcpu->halted)
			wait_for_kick(vcpu);
		if (__atomic_exchange_n(&vcpu->kicked, 0, __ATOMIC_SEQ_CST))
			return show(vcpu, AXV_EXIT_KICKED);
		kvm->request_interrupt_window = vcpu->run.irq_window;
		ret = ioctl(vcpu->fd, KVM_RUN, 0ul);
		vcpu->run.ready_for_interrupt = kvm->ready_for_interrupt_injection;
		if (ret && errno != EINTR && errno != EAGAIN)
			return fail("KVM_RUN");
		if (ret)
			kvm->immediate_exit = 0;
	} while (ret || translate_exit(vcpu));
	return 0;
}
