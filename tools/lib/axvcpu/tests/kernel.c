// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * A stand-in for the module.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernel.h"

#define RUN_SIZE	8192

struct kernel kernel;

void kernel_reset(void)
{
	memset(&kernel, 0, sizeof(kernel));
	kernel.abi_version = AXV_ABI_VERSION;
}

static struct axv_reg *find(__u64 id)
{
	unsigned int i;

	for (i = 0; i < kernel.nr_regs; i++) {
		if (kernel.regs[i].id == id)
			return &kernel.regs[i];
	}
	return NULL;
}

__u64 kernel_get(__u64 id)
{
	struct axv_reg *reg = find(id);

	return reg ? reg->value : 0;
}

void kernel_set(__u64 id, __u64 value)
{
	struct axv_reg *reg = find(id);

	if (!reg) {
		reg = &kernel.regs[kernel.nr_regs++];
		reg->id = id;
	}
	reg->value = value;
}

static int answer_query(struct axv_query *query)
{
	switch (query->id) {
	case AXV_QUERY_ABI_VERSION:
		query->value = kernel.abi_version;
		return 0;
	case AXV_QUERY_BACKEND:
		query->value = kernel.backend;
		return 0;
	case AXV_QUERY_RUN_SIZE:
		query->value = RUN_SIZE;
		return 0;
	case AXV_QUERY_FPU_SIZE:
		query->value = KERNEL_FPU_SIZE;
		return 0;
	default:
		if (query->id < KERNEL_QUERIES && kernel.answers[query->id]) {
			query->value = kernel.answers[query->id];
			return 0;
		}
		errno = EINVAL;
		return -1;
	}
}

static int get_table(struct axv_table *table)
{
	unsigned char *entries = (void *)(uintptr_t)table->entries;
	unsigned int room = table->count;
	unsigned int i;

	table->count = kernel.table_count;
	if (room < table->count) {
		errno = E2BIG;
		return -1;
	}
	for (i = 0; i < table->count; i++)
		memcpy(entries + i * table->entry_size, &i, sizeof(i));
	return 0;
}

static int set_table(const struct axv_table *table)
{
	kernel.table = *table;
	memcpy(kernel.table_data, (void *)(uintptr_t)table->entries,
	       table->count * table->entry_size);
	return 0;
}

static int regs(const struct axv_regs *list, bool write)
{
	struct axv_reg *reg = (void *)(uintptr_t)list->regs;
	unsigned int failed = 0;
	unsigned int i;

	if (list->count > kernel.largest_list)
		kernel.largest_list = list->count;
	for (i = 0; i < list->count; i++) {
		reg[i].status = 0;
		if (reg[i].id == kernel.no_reg)
			reg[i].status = -ENOENT;
		else if (write && reg[i].id == kernel.fixed_reg)
			reg[i].status = -EPERM;
		else if (write)
			kernel_set(reg[i].id, reg[i].value);
		else
			reg[i].value = kernel_get(reg[i].id);
		failed += !!reg[i].status;
	}
	return failed;
}

static int get_dirty(const struct axv_dirty *dirty)
{
	unsigned int words = (dirty->nr_pages + 63) / 64;

	kernel.dirty_call = *dirty;
	memcpy((void *)(uintptr_t)dirty->bitmap, kernel.dirty, words * 8);
	if (!(dirty->flags & AXV_DIRTY_KEEP))
		memset(kernel.dirty, 0, sizeof(kernel.dirty));
	return 0;
}

static int clear_dirty(const struct axv_dirty *dirty)
{
	const __u64 *bitmap = (const __u64 *)(uintptr_t)dirty->bitmap;
	unsigned int i;

	kernel.dirty_call = *dirty;
	for (i = 0; i < (dirty->nr_pages + 63) / 64; i++)
		kernel.dirty[i] &= ~bitmap[i];
	return 0;
}

static int routes(const struct axv_set_routes *call, bool write)
{
	size_t size = call->count * sizeof(kernel.routes[0]);
	void *user = (void *)(uintptr_t)call->routes;

	kernel.routes_call = *call;
	if (write)
		memcpy(kernel.routes, user, size);
	else
		memcpy(user, kernel.routes, size);
	return 0;
}

/* Make a descriptor that can be mapped, as a vCPU's is for its run page. */
static int new_fd(void)
{
	int fd = memfd_create("axvcpu", MFD_CLOEXEC);

	if (fd >= 0 && ftruncate(fd, RUN_SIZE))
		return -1;
	return fd;
}

int ioctl(int fd, unsigned long command, ...)
{
	va_list args;
	void *arg;

	(void)fd;
	va_start(args, command);
	arg = va_arg(args, void *);
	va_end(args);
	kernel.calls[_IOC_NR(command)]++;
	if (command == kernel.fail_command) {
		errno = kernel.fail_errno;
		return -1;
	}
	switch (command) {
	case AXV_QUERY:
		return answer_query(arg);
	case AXV_CREATE_VM:
		kernel.vm = *(struct axv_create_vm *)arg;
		((struct axv_create_vm *)arg)->vm_id = 77;
		return new_fd();
	case AXV_GET_TABLE:
		return get_table(arg);
	case AXV_SET_TABLE:
		return set_table(arg);
	case AXV_VM_CREATE_VCPU:
		kernel.vcpu = *(struct axv_create_vcpu *)arg;
		return new_fd();
	case AXV_VM_SET_REGION:
		kernel.region = *(struct axv_region *)arg;
		return 0;
	case AXV_VM_SET_DOORBELL:
		kernel.doorbell = *(struct axv_doorbell *)arg;
		return 0;
	case AXV_VM_SET_ROUTES:
		return routes(arg, true);
	case AXV_VM_GET_ROUTES:
		return routes(arg, false);
	case AXV_VM_SET_IRQFD:
		kernel.irqfd = *(struct axv_set_irqfd *)arg;
		return 0;
	case AXV_VM_GET_DIRTY:
		return get_dirty(arg);
	case AXV_VM_CLEAR_DIRTY:
		return clear_dirty(arg);
	case AXV_INJECT:
		kernel.event = *(struct axv_inject *)arg;
		kernel.events++;
		return 0;
	case AXV_VCPU_SET_DEBUG:
		kernel.debug = *(struct axv_debug *)arg;
		return 0;
	case AXV_VCPU_SET_SGIS:
		kernel.sgis = *(struct axv_sgis *)arg;
		return 0;
	case AXV_VCPU_RUN:
		return kernel.signal_in_run ? raise(kernel.signal_in_run) : 0;
	case AXV_VCPU_GET_REGS:
		return regs(arg, false);
	case AXV_VCPU_SET_REGS:
		return regs(arg, true);
	case AXV_VCPU_GET_FPU:
		memcpy((void *)(uintptr_t)((struct axv_fpu *)arg)->data, kernel.fpu,
		       ((struct axv_fpu *)arg)->size);
		return 0;
	case AXV_VCPU_SET_FPU:
		memcpy(kernel.fpu, (void *)(uintptr_t)((struct axv_fpu *)arg)->data,
		       ((struct axv_fpu *)arg)->size);
		return 0;
	default:
		return 0;
	}
}
