// SPDX-License-Identifier: GPL-2.0
/*
 * The arm64 part of a vCPU: how it begins, PSCI, its exits, and the operations that
 * the GIC calls.
 */
#include <errno.h>
#include <string.h>

#include <linux/psci.h>

#include "board.h"
#include "cpu.h"
#include "log.h"

/* Answers of AFFINITY_INFO (Arm DEN 0022). */
#define AFFINITY_ON	0
#define AFFINITY_OFF	1
#define AFFINITY_ON_PENDING 2

static int told(int err)
{
	if (err)
		log_error("%s", axv_error());
	return err;
}

/* ---- how it begins and ends --------------------------------------------- */

/* An SGI names up to 16 CPUs of a cluster by a bit mask, so each cluster has 16 CPUs. */
u64 board_hw_id(unsigned int id)
{
	return id / 16 << 8 | id % 16;
}

int board_vcpu_create(struct vcpu *v)
{
	(void)v;
	return 0;
}

int board_vcpu_up(struct vcpu *v)
{
	int err = axv_vcpu_setup(v->axv, v->entry, AXV_ARM64_MODE_EL1);

	if (!err)
		err = axv_vcpu_set_reg(v->axv, AXV_REG_ARM64(GPR, AXV_ARM64_X0), v->arg);
	return told(err);
}

int board_vcpu_down(struct vcpu *v)
{
	struct gic *gic = &v->machine->board.gic;
	unsigned int id = axv_vcpu_id(v->axv);
	int err;

	gic_leave(gic, id);
	err = axv_vcpu_reset(v->axv);
	gic_reset_cpu(gic, id);
	return told(err);
}

int board_vcpu_enter(struct vcpu *v)
{
	return gic_enter(&v->machine->board.gic, axv_vcpu_id(v->axv));
}

/* ---- operations that the GIC calls --------------------------------------- */

static int inject_now(void *arg, unsigned int cpu, const struct axv_inject *event)
{
	struct machine *m = arg;

	return axv_vcpu_inject(m->vcpus[cpu].axv, event);
}

static int inject(void *arg, unsigned int cpu, const struct axv_inject *event)
{
	struct machine *m = arg;

	return injector_inject(&m->board.injector, cpu, event);
}

static void attend(void *arg, unsigned int cpu)
{
	struct machine *m = arg;

	vcpu_notify(&m->vcpus[cpu]);
}

static void set_sgis(void *arg, unsigned int cpu, const struct axv_sgis *sgis)
{
	struct machine *m = arg;

	told(axv_vcpu_set_sgis(m->vcpus[cpu].axv, sgis));
}

static int read_queue(void *arg, unsigned int cpu, u64 *entries, u32 *sent)
{
	struct machine *m = arg;
	struct vcpu *v = &m->vcpus[cpu];
	struct axv_reg regs[GIC_QUEUE + 1] = { 0 };
	unsigned int i;
	int err;

	for (i = 0; i < GIC_QUEUE; i++)
		regs[i].id = AXV_REG_ARM64(GIC, AXV_ARM64_GIC_IRQ0 + i);
	regs[GIC_QUEUE].id = AXV_REG_ARM64(GIC, AXV_ARM64_GIC_SGI_PENDING);
	vcpu_hold(v);
	err = axv_vcpu_get_regs(v->axv, regs, GIC_QUEUE + 1);
	vcpu_release(v);
	for (i = 0; !err && i < GIC_QUEUE; i++)
		entries[i] = regs[i].value;
	*sent = regs[GIC_QUEUE].value;
	if (err)
		log_error("%s", err < 0 ? axv_error() :
			  "this kernel module's GIC has another queue");
	return err ? -EIO : 0;
}

static int write_queue(void *arg, unsigned int cpu, unsigned int place, u64 entry)
{
	struct machine *m = arg;

	return told(axv_vcpu_set_reg(m->vcpus[cpu].axv,
				     AXV_REG_ARM64(GIC, AXV_ARM64_GIC_IRQ0 + place),
				     entry));
}

static int set_timer(void *arg, unsigned int cpu, u64 value)
{
	struct machine *m = arg;

	return told(axv_vcpu_set_reg(m->vcpus[cpu].axv,
				     AXV_REG_ARM64(GIC, AXV_ARM64_GIC_VTIMER), value));
}

struct gic_cpu_ops cpu_gic_ops(struct machine *m)
{
	m->board.injector = (struct injector){
		.routes = routes_of(m->vm), .inject = inject_now, .arg = m,
	};
	return (struct gic_cpu_ops){
		.inject = inject,
		.attend = attend,
		.set_sgis = set_sgis,
		.read_queue = read_queue,
		.write_queue = write_queue,
		.set_timer = set_timer,
		.arg = m,
	};
}

/* ---- PSCI (Arm DEN 0022) ------------------------------------------------ */

static struct vcpu *find(struct machine *m, u64 mpidr)
{
	unsigned int i;

	for (i = 0; i < m->nr_vcpus; i++)
		if (board_hw_id(i) == mpidr)
			return &m->vcpus[i];
	return NULL;
}

/* Set what a PSCI call returns, in X0; otherwise it is what the kernel module put there. */
static int answer(struct vcpu *v, s64 value)
{
	return told(axv_vcpu_set_reg(v->axv, AXV_REG_ARM64(GPR, AXV_ARM64_X0), value));
}

static int exit_cpu_up(struct vcpu *v)
{
	const struct axv_exit_cpu_up up = v->run->exit.cpu_up;
	struct machine *m = v->machine;
	struct vcpu *target = find(m, up.target_cpu);

	if (!target)
		return answer(v, PSCI_RET_INVALID_PARAMS);
	if (target->on)
		return answer(v, target->up ? PSCI_RET_ALREADY_ON : PSCI_RET_ON_PENDING);
	if (up.entry_point & 3 || !memory_at(&m->mem, up.entry_point, 4))
		return answer(v, PSCI_RET_INVALID_ADDRESS);
	log_trace(LOG_SYSREG, "CPU %#llx is switched on, at %#llx", up.target_cpu,
		  up.entry_point);
	vcpu_switch_on(target, up.entry_point, up.arg);
	return 0;
}

static int exit_cpu_down(struct vcpu *v)
{
	struct machine *m = v->machine;
	unsigned int i;

	v->on = false;
	for (i = 0; i < m->nr_vcpus; i++)
		if (m->vcpus[i].on)
			return 0;
	log_notice("the guest has switched its last CPU off");
	machine_stop(m, MACHINE_OFF);
	return 0;
}

static int affinity_info(struct vcpu *v, u64 mpidr, u64 level)
{
	struct vcpu *target = find(v->machine, mpidr);

	/* Affinity levels other than 0 need not be supported (DEN 0022, AFFINITY_INFO). */
	if (level || !target)
		return answer(v, PSCI_RET_INVALID_PARAMS);
	if (!target->on)
		return answer(v, AFFINITY_OFF);
	return answer(v, target->up ? AFFINITY_ON : AFFINITY_ON_PENDING);
}

static int exit_hypercall(struct vcpu *v)
{
	const struct axv_exit_hypercall call = v->run->exit.hypercall;

	switch ((u32)call.nr) {
	case PSCI_0_2_FN_AFFINITY_INFO:
		return affinity_info(v, (u32)call.args[0], (u32)call.args[1]);
	case PSCI_0_2_FN64_AFFINITY_INFO:
		return affinity_info(v, call.args[0], call.args[1]);
	}
	/* The kernel module has set X0 to "not supported". */
	log_trace(LOG_SYSREG, "hypercall %#llx", call.nr);
	return 0;
}

/* ---- exits -------------------------------------------------------------- */

void board_vcpu_show(struct vcpu *v)
{
	struct axv_arm64_gprs gprs;
	char text[128];

	if (axv_vcpu_get_gprs(v->axv, &gprs))
		return;
	if (axv_vcpu_disassemble(v->axv, text, sizeof(text)) < 0)
		strcpy(text, "(unreadable)");
	log_notice("CPU %u: pc %#llx: %s", axv_vcpu_id(v->axv), gprs.pc, text);
	log_notice("x0 %#llx x1 %#llx x30 %#llx pstate %#llx", gprs.x[0], gprs.x[1],
		   gprs.x[30], gprs.pstate);
}

/*
 * Answer an access of a register that neither axvmm nor the kernel module has (the physical
 * timer's, those of group 0, implementation-defined ones): a read is an undefined
 * instruction, and a write is lost.
 */
static int exit_sysreg(struct vcpu *v, bool read)
{
	struct axv_exit_sysreg *exit = &v->run->exit.sysreg;

	if (read)
		exit->fail = 1;
	log_trace(LOG_SYSREG, "%s of system register, ISS %#llx", read ? "read" : "write",
		  exit->addr);
	return 0;
}

struct bus *board_ports(struct machine *m)
{
	(void)m;
	return NULL;
}

/* No exit can be answered without the machine's lock: it guards the GIC. */
bool board_vcpu_exit_unlocked(struct vcpu *v)
{
	(void)v;
	return false;
}

int board_vcpu_exit(struct vcpu *v)
{
	struct axv_run *run = v->run;

	switch (run->exit_reason) {
	case AXV_EXIT_SYSREG_READ:
	case AXV_EXIT_SYSREG_WRITE:
		return exit_sysreg(v, run->exit_reason == AXV_EXIT_SYSREG_READ);
	case AXV_EXIT_CPU_UP:
		return exit_cpu_up(v);
	case AXV_EXIT_CPU_DOWN:
		return exit_cpu_down(v);
	case AXV_EXIT_HYPERCALL:
		return exit_hypercall(v);
	default:
		log_error("unexpected exit %s (%u)", axv_exit_name(run->exit_reason),
			  run->exit_reason);
		board_vcpu_show(v);
		return -EPROTO;
	}
}
