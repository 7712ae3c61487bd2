// SPDX-License-Identifier: GPL-2.0
/*
 * The functions of libaxvcpu that axvmm uses, on KVM: the part for all architectures.
 *
 * Linked with axvmm's objects, instead of the library, it makes axvmm-kvm: the same VMM
 * with the same devices on KVM, so that the boot of a Linux guest can be compared.
 *
 * A kick sets KVM's immediate_exit and sends a signal.  A halted guest waits in the kernel,
 * as it does with axvcpu.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kvm-lib.h"

#define HUGE_PAGE	(2ul << 20)

static __thread char error_text[128];

int kvm_fail(const char *what)
{
	int err = errno;

	snprintf(error_text, sizeof(error_text), "%s: %s", what, strerror(err));
	return -err;
}

int kvm_unsupported(const char *what)
{
	errno = EOPNOTSUPP;
	return kvm_fail(what);
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
		return kvm_fail("memory");
	h->fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (h->fd < 0)
		return kvm_fail("open /dev/kvm");
	*host = h;
	return 0;
}

void axv_close(struct axv_host *host)
{
	if (host)
		close(host->fd);
	free(host);
}

/* ---- virtual machines --------------------------------------------------- */

int axv_vm_create(struct axv_host *host, const struct axv_vm_config *config,
		  struct axv_vm **vm)
{
	struct axv_vm *v = calloc(1, sizeof(*v));

	(void)config;
	if (!v)
		return kvm_fail("memory");
	v->host = host->fd;
	v->fd = ioctl(host->fd, KVM_CREATE_VM, 0ul);
	if (v->fd < 0)
		return kvm_fail("KVM_CREATE_VM");
	*vm = v;
	return kvm_arch_vm_init(v);
}

void axv_vm_destroy(struct axv_vm *vm)
{
	if (vm)
		close(vm->fd);
	free(vm);
}

/* Aligned as the library aligns it, so that KVM can use huge pages, too. */
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
		return kvm_fail("mmap");
	map += (gpa - (unsigned long)map) % HUGE_PAGE;
	madvise(map, size, MADV_HUGEPAGE);
	region.userspace_addr = (unsigned long)map;
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		return kvm_fail("KVM_SET_USER_MEMORY_REGION");
	*hva = map;
	return 0;
}

/* ---- devices of other processes: axvmm-kvm has none ---------------------- */

#define NO_VHOST	"devices of other processes"

int axv_vm_map_ram(struct axv_vm *vm, __u32 slot, __u32 flags, __u64 gpa, __u64 size, int fd,
		   __u64 offset, void **hva)
{
	(void)vm;
	(void)slot;
	(void)flags;
	(void)gpa;
	(void)size;
	(void)fd;
	(void)offset;
	(void)hva;
	return kvm_unsupported(NO_VHOST);
}

int axv_vm_add_doorbell(struct axv_vm *vm, __u32 flags, __u64 addr, __u32 width, __u64 data,
			int fd)
{
	(void)vm;
	(void)flags;
	(void)addr;
	(void)width;
	(void)data;
	(void)fd;
	return kvm_unsupported(NO_VHOST);
}

int axv_vm_remove_doorbell(struct axv_vm *vm, __u32 flags, __u64 addr, __u32 width,
			   __u64 data, int fd)
{
	return axv_vm_add_doorbell(vm, flags, addr, width, data, fd);
}

int axv_vm_set_routes(struct axv_vm *vm, const struct axv_route *routes, unsigned int count,
		      __u32 flags)
{
	(void)vm;
	(void)routes;
	(void)count;
	(void)flags;
	return kvm_unsupported(NO_VHOST);
}

int axv_vm_get_routes(struct axv_vm *vm, struct axv_route *routes, unsigned int count)
{
	return axv_vm_set_routes(vm, routes, count, 0);
}

int axv_vm_add_irqfd(struct axv_vm *vm, __u32 gsi, int fd, int resample_fd)
{
	(void)vm;
	(void)gsi;
	(void)fd;
	(void)resample_fd;
	return kvm_unsupported(NO_VHOST);
}

int axv_vm_remove_irqfd(struct axv_vm *vm, __u32 gsi, int fd)
{
	return axv_vm_add_irqfd(vm, gsi, fd, -1);
}

int axv_vm_inject_gsi(struct axv_vm *vm, __u32 gsi, bool level)
{
	(void)vm;
	(void)gsi;
	(void)level;
	return kvm_unsupported(NO_VHOST);
}

/* ---- vCPUs --------------------------------------------------------------- */

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
		return kvm_fail("memory");
	v->vm = vm;
	v->id = config->id;
	v->fd = ioctl(vm->fd, KVM_CREATE_VCPU, (unsigned long)config->id);
	if (v->fd < 0)
		return kvm_fail("KVM_CREATE_VCPU");
	v->kvm_size = ioctl(vm->host, KVM_GET_VCPU_MMAP_SIZE, 0ul);
	v->kvm = mmap(NULL, v->kvm_size, PROT_READ | PROT_WRITE, MAP_SHARED,
		      v->fd, 0);
	if (v->kvm == MAP_FAILED)
		return kvm_fail("mmap of the vCPU");
	sigaction(SIGUSR1, &kick, NULL);
	*vcpu = v;
	return kvm_arch_vcpu_init(v);
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
	return kvm_unsupported("disassembler");
}

/* ---- vCPUs: running ----------------------------------------------------- */

int axv_parse_cpus(const char *list, void **set, size_t *size)
{
	(void)list;
	(void)set;
	(void)size;
	return kvm_unsupported("a set of CPUs");
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
	__atomic_store_n(&vcpu->kicked, 1, __ATOMIC_SEQ_CST);
	vcpu->kvm->immediate_exit = 1;
	if (__atomic_load_n(&vcpu->bound, __ATOMIC_SEQ_CST))
		pthread_kill(vcpu->thread, SIGUSR1);
	return 0;
}

static void complete(struct axv_vcpu *v)
{
	if (v->run.exit_reason == AXV_EXIT_MMIO_READ)
		memcpy(v->kvm->mmio.data, &v->run.exit.mmio.data,
		       v->run.exit.mmio.width);
	else
		kvm_arch_complete(v);
}

int kvm_show(struct axv_vcpu *v, __u32 reason)
{
	v->run.exit_reason = reason;
	v->stats.exits[reason]++;
	return 0;
}

static int show_mmio(struct axv_vcpu *v)
{
	struct axv_exit_mmio *mmio = &v->run.exit.mmio;

	*mmio = (struct axv_exit_mmio){
		.addr = v->kvm->mmio.phys_addr,
		.width = v->kvm->mmio.len,
	};
	if (!v->kvm->mmio.is_write)
		return kvm_show(v, AXV_EXIT_MMIO_READ);
	memcpy(&mmio->data, v->kvm->mmio.data, mmio->width);
	return kvm_show(v, AXV_EXIT_MMIO_WRITE);
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

/* KVM finishes instructions itself, also task switches. */
int axv_vcpu_finish(struct axv_vcpu *vcpu, const struct axv_mmio_ops *ops, void *opaque)
{
	(void)vcpu;
	(void)ops;
	(void)opaque;
	return kvm_unsupported("finishing an instruction");
}

int axv_vcpu_explain(struct axv_vcpu *vcpu, char *text, size_t size)
{
	snprintf(text, size, "KVM says %#llx",
		 (unsigned long long)vcpu->run.exit.fail_entry.hardware_reason);
	return 0;
}

/* Show KVM's exit as axvcpu's.  Returns 1 to enter the guest again. */
static int translate_exit(struct axv_vcpu *v)
{
	return v->kvm->exit_reason == KVM_EXIT_MMIO ? show_mmio(v) : kvm_arch_exit(v);
}

int axv_vcpu_run(struct axv_vcpu *vcpu)
{
	struct kvm_run *kvm = vcpu->kvm;
	int ret;

	complete(vcpu);
	vcpu->run.exit_reason = AXV_EXIT_NONE;
	if (kvm_arch_more(vcpu))
		return 0;
	do {
		if (__atomic_exchange_n(&vcpu->kicked, 0, __ATOMIC_SEQ_CST))
			return kvm_show(vcpu, AXV_EXIT_KICKED);
		kvm->request_interrupt_window = vcpu->run.irq_window;
		ret = ioctl(vcpu->fd, KVM_RUN, 0ul);
		vcpu->run.ready_for_interrupt = kvm->ready_for_interrupt_injection;
		if (ret && errno != EINTR && errno != EAGAIN)
			return kvm_fail("KVM_RUN");
		if (ret)
			kvm->immediate_exit = 0;
	} while (ret || translate_exit(vcpu));
	return 0;
}
