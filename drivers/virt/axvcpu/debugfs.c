// SPDX-License-Identifier: GPL-2.0
/*
 * Counters for the reader of /sys/kernel/debug/axvcpu/<vm id>/<vcpu id>/stats.
 *
 * A failure to create any of it costs the reader, not the VM.
 */
#include <linux/debugfs.h>
#include <linux/kernel.h>
#include <linux/seq_file.h>

#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "debugfs.h"

static struct dentry *root;

static const struct {
	const char *name;
	size_t offset;
} counters[] = {
	{ "entries", offsetof(struct axv_stats, entries) },
	{ "hw_exits", offsetof(struct axv_stats, hw_exits) },
	{ "faults", offsetof(struct axv_stats, faults) },
	{ "kicks", offsetof(struct axv_stats, kicks) },
	{ "blocks", offsetof(struct axv_stats, blocks) },
	{ "injections", offsetof(struct axv_stats, injections) },
	{ "interrupts", offsetof(struct axv_stats, interrupts) },
	{ "flushes", offsetof(struct axv_stats, flushes) },
	{ "loads", offsetof(struct axv_stats, loads) },
};

static const char * const reasons[AXV_EXIT_REASONS] = {
	[AXV_EXIT_HYPERCALL] = "hypercall",
	[AXV_EXIT_MMIO_READ] = "mmio_read",
	[AXV_EXIT_MMIO_WRITE] = "mmio_write",
	[AXV_EXIT_SYSREG_READ] = "sysreg_read",
	[AXV_EXIT_SYSREG_WRITE] = "sysreg_write",
	[AXV_EXIT_IO_READ] = "io_read",
	[AXV_EXIT_IO_WRITE] = "io_write",
	[AXV_EXIT_EXTERNAL_INTERRUPT] = "external_interrupt",
	[AXV_EXIT_NESTED_PAGE_FAULT] = "nested_page_fault",
	[AXV_EXIT_HALT] = "halt",
	[AXV_EXIT_CPU_UP] = "cpu_up",
	[AXV_EXIT_CPU_DOWN] = "cpu_down",
	[AXV_EXIT_SYSTEM_DOWN] = "system_down",
	[AXV_EXIT_NOTHING] = "nothing",
	[AXV_EXIT_FAIL_ENTRY] = "fail_entry",
	[AXV_EXIT_SEND_IPI] = "send_ipi",
	[AXV_EXIT_KICKED] = "kicked",
	[AXV_EXIT_WRONG_CPU] = "wrong_cpu",
	[AXV_EXIT_SHUTDOWN] = "shutdown",
	[AXV_EXIT_EXCEPTION] = "exception",
	[AXV_EXIT_IRQ_WINDOW] = "irq_window",
};

static int stats_show(struct seq_file *m, void *unused)
{
	struct axv_vcpu *vcpu = m->private;
	const struct axv_stats *stats = &vcpu->stats;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counters); i++)
		seq_printf(m, "%-24s %20llu\n", counters[i].name,
			   READ_ONCE(*(u64 *)((void *)stats + counters[i].offset)));
	for (i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i])
			seq_printf(m, "exit_%-19s %20llu\n", reasons[i],
				   READ_ONCE(stats->exits[i]));
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

static struct dentry *add_dir(u32 id, struct dentry *parent)
{
	char name[12];

	snprintf(name, sizeof(name), "%u", id);
	return debugfs_create_dir(name, parent);
}

/**
 * axv_debugfs_add_vm() - a directory for a VM
 * @vm:		VM that removes &axv_vm.debugfs in the end
 *
 * Context: may sleep.
 */
void axv_debugfs_add_vm(struct axv_vm *vm)
{
	vm->debugfs = add_dir(vm->id, root);
}

/**
 * axv_debugfs_add_vcpu() - a directory for a vCPU
 * @vcpu:	vCPU that removes &axv_vcpu.debugfs before it goes
 *
 * Context: may sleep.
 */
void axv_debugfs_add_vcpu(struct axv_vcpu *vcpu)
{
	vcpu->debugfs = add_dir(vcpu->id, vcpu->vm->debugfs);
	debugfs_create_file("stats", 0400, vcpu->debugfs, vcpu, &stats_fops);
}

/**
 * axv_debugfs_init() - the root directory
 */
void axv_debugfs_init(void)
{
	root = debugfs_create_dir("axvcpu", NULL);
}

/**
 * axv_debugfs_exit() - and its end
 */
void axv_debugfs_exit(void)
{
	debugfs_remove(root);
}
