// SPDX-License-Identifier: GPL-2.0
/*
 * The files in /sys/kernel/debug/axvcpu: <vm id>/info, <vm id>/<vcpu id>/info, the counters
 * in <vm id>/<vcpu id>/stats, and the vCPUs of each CPU in cpus.
 *
 * The text of a file is made when the file is opened, and each read copies from that text.
 * Files are created by debugfs_create_file_unsafe(), so debugfs_remove() waits for opens,
 * not for reads.  Otherwise a read that waits in copy_to_user() for as long as the reader
 * likes (userfaultfd) holds up the close of the vCPU, and all else that a kworker has to
 * close after it.
 *
 * Errors are ignored: debugfs is optional.
 */
#include <linux/debugfs.h>
#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "debugfs.h"

static struct dentry *root;

/**
 * struct axv_text - what an open file holds
 * @size:	bytes of @text that are used
 * @text:	the object as it was at the open
 */
struct axv_text {
	size_t size;
	char text[];
};

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
	{ "doorbells", offsetof(struct axv_stats, doorbells) },
	{ "yields", offsetof(struct axv_stats, yields) },
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
	[AXV_EXIT_CR8] = "cr8",
	[AXV_EXIT_IO_STRING] = "io_string",
	[AXV_EXIT_MSW] = "msw",
	[AXV_EXIT_TASK_SWITCH] = "task_switch",
	[AXV_EXIT_EOI] = "eoi",
	[AXV_EXIT_TIMER] = "timer",
	[AXV_EXIT_DEBUG] = "debug",
};

static void show_stats(struct seq_file *m, struct axv_vcpu *vcpu)
{
	const struct axv_stats *stats = &vcpu->stats;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counters); i++)
		seq_printf(m, "%-24s %20llu\n", counters[i].name,
			   READ_ONCE(*(u64 *)((void *)stats + counters[i].offset)));
	for (i = 0; i < ARRAY_SIZE(reasons); i++)
		if (reasons[i])
			seq_printf(m, "exit_%-19s %20llu\n", reasons[i],
				   READ_ONCE(stats->exits[i]));
}

static struct axv_text *text_new(struct seq_file *m, size_t size)
{
	struct axv_text *text = kvmalloc(size, GFP_KERNEL_ACCOUNT);

	*m = (struct seq_file){};
	if (text) {
		m->buf = text->text;
		m->size = size - sizeof(*text);
	}
	return text;
}

static int text_done(struct file *file, struct axv_text *text, struct seq_file *m)
{
	if (WARN_ON_ONCE(seq_has_overflowed(m))) {
		kvfree(text);
		return -EOVERFLOW;
	}
	text->size = m->count;
	file->private_data = text;
	return 0;
}

static ssize_t text_read(struct file *file, char __user *to, size_t size, loff_t *pos)
{
	const struct axv_text *text = file->private_data;

	return simple_read_from_buffer(to, size, pos, text->text, text->size);
}

static int text_release(struct inode *inode, struct file *file)
{
	kvfree(file->private_data);
	return 0;
}

/* The object exists during the open, since debugfs_remove() waits for that to end. */
#define TEXT_FILE(_name, _show, _size)						\
static int _name##_open(struct inode *inode, struct file *file)			\
{										\
	struct seq_file m;							\
	struct axv_text *text = text_new(&m, _size);				\
										\
	if (!text)								\
		return -ENOMEM;							\
	_show(&m, inode->i_private);						\
	return text_done(file, text, &m);					\
}										\
										\
static const struct file_operations _name##_fops = {				\
	.owner = THIS_MODULE,							\
	.open = _name##_open,							\
	.read = text_read,							\
	.release = text_release,						\
	.llseek = default_llseek,						\
}

/* The longest line of cpus, in bytes. */
#define CPU_LINE	80

TEXT_FILE(stats, show_stats, PAGE_SIZE);
TEXT_FILE(vm_info, axv_show_vm, PAGE_SIZE);
TEXT_FILE(vcpu_info, axv_show_vcpu, PAGE_SIZE);
TEXT_FILE(cpus, axv_show_cpus, PAGE_SIZE + nr_cpu_ids * CPU_LINE);

static struct dentry *add_dir(u32 id, struct dentry *parent)
{
	char name[12];

	snprintf(name, sizeof(name), "%u", id);
	return debugfs_create_dir(name, parent);
}

/**
 * axv_debugfs_add_vm() - create the directory of a VM
 * @vm:		VM that is complete, and removes &axv_vm.debugfs before it goes
 *
 * Context: may sleep.
 */
void axv_debugfs_add_vm(struct axv_vm *vm)
{
	vm->debugfs = add_dir(vm->id, root);
	debugfs_create_file_unsafe("info", 0400, vm->debugfs, vm, &vm_info_fops);
}

/**
 * axv_debugfs_add_vcpu() - create the directory of a vCPU
 * @vcpu:	vCPU that removes &axv_vcpu.debugfs before it goes
 *
 * Context: may sleep.
 */
void axv_debugfs_add_vcpu(struct axv_vcpu *vcpu)
{
	vcpu->debugfs = add_dir(vcpu->id, vcpu->vm->debugfs);
	debugfs_create_file_unsafe("info", 0400, vcpu->debugfs, vcpu,
				   &vcpu_info_fops);
	debugfs_create_file_unsafe("stats", 0400, vcpu->debugfs, vcpu, &stats_fops);
}

/**
 * axv_debugfs_init() - create the root directory, and the files that belong to no VM
 */
void axv_debugfs_init(void)
{
	root = debugfs_create_dir("axvcpu", NULL);
	debugfs_create_file_unsafe("cpus", 0400, root, NULL, &cpus_fops);
}

/**
 * axv_debugfs_exit() - remove the root directory; no VM is left
 */
void axv_debugfs_exit(void)
{
	debugfs_remove(root);
}
