// SPDX-License-Identifier: GPL-2.0
/*
 * The text that debugfs and /proc/PID/fdinfo show: of a VM, of a vCPU, and of the vCPUs of
 * each CPU.
 */
#include <linux/cpumask.h>
#include <linux/percpu.h>
#include <linux/pid.h>
#include <linux/rcupdate.h>
#include <linux/seq_file.h>
#include <linux/smp.h>
#include <linux/xarray.h>

#include <axvcpu/current.h>
#include <axvcpu/state.h>
#include <axvcpu/vcpu.h>
#include <axvcpu/vm.h>

#include "debugfs.h"

static void show_bytes(struct seq_file *m, const char *name, u64 bytes)
{
	seq_printf(m, "%s:\t%llu kB\n", name, bytes >> 10);
}

/* The VMM's process id; 0 once the VM has died, since another process may have the id. */
static void show_pid(struct seq_file *m, const struct axv_vm *vm)
{
	seq_printf(m, "pid:\t%d\n", READ_ONCE(vm->dead) ? 0 : pid_vnr(vm->pid));
}

static unsigned int count_vcpus(struct axv_vm *vm)
{
	unsigned int count = 0;
	struct axv_vcpu *vcpu;
	unsigned long id;

	rcu_read_lock();
	xa_for_each(&vm->vcpus, id, vcpu)
		count++;
	rcu_read_unlock();
	return count;
}

/**
 * axv_show_vm() - identity, owner, memory and doorbells of a VM
 * @m:		text to add to
 * @vm:		VM the caller has a reference to
 *
 * Process ids are those of the reader's pid namespace, 0 where it has none.
 *
 * Context: may sleep.
 */
void axv_show_vm(struct seq_file *m, struct axv_vm *vm)
{
	struct axv_memory_usage usage;

	axv_memory_usage(vm, &usage);
	seq_printf(m, "vm:\t%u\n", vm->id);
	show_pid(m, vm);
	seq_printf(m, "vcpus:\t%u\n", count_vcpus(vm));
	seq_printf(m, "regions:\t%u\n", usage.regions);
	show_bytes(m, "memory", usage.size);
	show_bytes(m, "mapped", usage.mapped);
	show_bytes(m, "tables", usage.tables);
	seq_printf(m, "doorbells:\t%u\n", READ_ONCE(vm->doorbells.nr));
}

/**
 * axv_show_vcpu() - identity, state, owner and host CPUs of a vCPU
 * @m:		text to add to
 * @vcpu:	vCPU the caller has a reference to
 *
 * Each line is true at some moment of the call, but not all lines at the same moment.
 *
 * Context: may sleep; waits for no operation.
 */
void axv_show_vcpu(struct seq_file *m, struct axv_vcpu *vcpu)
{
	struct axv_state state;

	axv_vcpu_get_state(vcpu, &state);
	seq_printf(m, "vm:\t%u\n", state.vm_id);
	show_pid(m, vcpu->vm);
	seq_printf(m, "vcpu:\t%u\n", state.vcpu_id);
	seq_printf(m, "state:\t%s\n", axv_state_name(state.state));
	seq_printf(m, "owner:\t%u\n", state.owner);
	seq_printf(m, "bound:\t%d\n", READ_ONCE(vcpu->cpu));
	seq_printf(m, "loaded:\t%d\n", state.cpu);
}

/**
 * struct axv_seen - a vCPU that was found on a CPU
 * @vm:		id of its VM
 * @vcpu:	its id
 * @there:	false: none was found
 */
struct axv_seen {
	u32 vm;
	u32 vcpu;
	bool there;
};

static void see(struct axv_seen *seen, const struct axv_vcpu *vcpu)
{
	if (!vcpu)
		return;
	seen->vm = axv_vcpu_vm_id(vcpu);
	seen->vcpu = vcpu->id;
	seen->there = true;
}

/*
 * Runs on the CPU, interrupts off.  Neither vCPU is freed meanwhile: the thread that acts
 * on the current vCPU is interrupted, and for a loaded vCPU to go this CPU has to take
 * another interrupt.
 */
static void look_at_cpu(void *info)
{
	struct axv_seen *seen = info;

	see(&seen[0], __this_cpu_read(axv_current));
	see(&seen[1], __this_cpu_read(axv_loaded));
}

static void show_seen(struct seq_file *m, const char *name, const struct axv_seen *seen)
{
	if (seen->there)
		seq_printf(m, "\t%s %u/%u", name, seen->vm, seen->vcpu);
	else
		seq_printf(m, "\t%s -", name);
}

/**
 * axv_show_cpus() - the current and the loaded vCPU of every CPU, as VM/vCPU
 * @m:		text to add to
 * @unused:	not used
 *
 * Interrupts each CPU that is online.
 *
 * Context: may sleep.
 */
void axv_show_cpus(struct seq_file *m, void *unused)
{
	int cpu;

	for_each_online_cpu(cpu) {
		struct axv_seen seen[2] = {};

		/* The CPU may have gone offline just now. */
		if (smp_call_function_single(cpu, look_at_cpu, seen, 1))
			continue;
		seq_printf(m, "%d:", cpu);
		show_seen(m, "current", &seen[0]);
		show_seen(m, "loaded", &seen[1]);
		seq_putc(m, '\n');
	}
}
