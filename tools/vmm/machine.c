// SPDX-License-Identifier: GPL-2.0
/*
 * The machine: a VM, its vCPUs and its devices, put together, started and
 * stopped.
 *
 * Threads: the main thread runs the event loop, each vCPU has a thread, the
 * console has one that writes its output, each virtio console has one, and so has each virtio
 * device that another process or the kernel serves: it talks to that back end.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "board.h"
#include "log.h"
#include "machine.h"
#include "manage.h"
#include "sandbox.h"
#include "terminal.h"

#define PANIC_SECONDS	2

/* ---- the end: with the machine's lock ----------------------------------- */

void machine_stop(struct machine *m, enum machine_end end)
{
	unsigned int i;

	if (machine_stopping(m))
		return;
	/* After a panic the guest may reset, or switch itself off: the panic is the reason. */
	if (m->panicked && end != MACHINE_QUIT && end != MACHINE_ERROR)
		end = MACHINE_PANIC;
	m->end = end;
	loop_stop(&m->loop);
	for (i = 0; i < m->nr_vcpus; i++)
		vcpu_notify(&m->vcpus[i]);
}

void machine_quit(void *arg)
{
	machine_stop(arg, MACHINE_QUIT);
}

void machine_panicked(struct machine *m)
{
	if (m->panicked)
		return;
	m->panicked = true;
	timer_set(&m->panic_end, clock_now() + PANIC_SECONDS * NSEC_PER_SEC);
}

static void panic_ends(void *arg)
{
	machine_stop(arg, MACHINE_PANIC);
}

/*
 * SIGTERM and "axvmm stop" press the power button the first time, if the guest waits for the
 * button; otherwise they end the machine at once.
 */
void machine_terminate(struct machine *m)
{
	if (m->paused)
		machine_resume(m);
	if (m->asked || m->panicked || !board_press_button(m)) {
		machine_stop(m, MACHINE_QUIT);
		return;
	}
	m->asked = true;
	log_notice("the guest is asked to switch itself off; a second SIGTERM ends it at once");
}

void machine_pause(struct machine *m)
{
	unsigned int i;

	m->paused = true;
	for (i = 0; i < m->nr_vcpus; i++)
		vcpu_hold(&m->vcpus[i]);
}

void machine_resume(struct machine *m)
{
	unsigned int i;

	m->paused = false;
	for (i = 0; i < m->nr_vcpus; i++)
		vcpu_release(&m->vcpus[i]);
}

/* ---- signals ------------------------------------------------------------ */

/*
 * Make the terminal raw again after SIGCONT: the shell has changed its mode while axvmm was
 * stopped, by SIGTSTP or by SIGSTOP, which axvmm cannot notice.  If axvmm goes on in the
 * background, the terminal belongs to another process group, and is left alone.
 */
static void resumed(struct machine *m)
{
	if (m->console.tty && tcgetpgrp(STDIN_FILENO) == getpgrp())
		terminal_raw();
}

static void signalled(void *arg)
{
	struct machine *m = arg;
	struct signalfd_siginfo info;

	if (read(m->signals.fd, &info, sizeof(info)) != sizeof(info))
		return;
	switch (info.ssi_signo) {
	case SIGTSTP:
		/* Leave the terminal to the shell; SIGCONT comes next. */
		terminal_restore();
		raise(SIGSTOP);
		break;
	case SIGCONT:
		resumed(m);
		break;
	case SIGTERM:
		machine_terminate(m);
		break;
	default:
		machine_stop(m, MACHINE_QUIT);
		break;
	}
}

/*
 * Called before any thread is made, so that all threads block these signals, and
 * the event loop alone takes them.
 */
static int signals_init(struct machine *m)
{
	static const int taken[] = {
		SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP,
		SIGCONT,
	};
	unsigned int i;
	sigset_t set;
	int err;

	sigemptyset(&set);
	for (i = 0; i < ARRAY_SIZE(taken); i++)
		sigaddset(&set, taken[i]);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	/* If the reader of axvmm's output goes away, the guest must not end. */
	signal(SIGPIPE, SIG_IGN);

	m->signals.fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (m->signals.fd < 0) {
		err = -errno;
		log_error("cannot create a signalfd: %s", strerror(errno));
		return err;
	}
	m->signals.ready = signalled;
	m->signals.arg = m;
	m->signals.enabled = true;
	return loop_add(&m->loop, &m->signals);
}

/* ---- making ------------------------------------------------------------- */

static int open_host(struct machine *m, const struct machine_config *config, __u64 *bits)
{
	__u64 cpus;
	int err;

	err = axv_open(NULL, &m->host);
	if (!err)
		err = axv_query(m->host, AXV_QUERY_IPA_BITS, bits);
	if (!err)
		err = axv_query(m->host, AXV_QUERY_MAX_VCPUS, &cpus);
	if (err) {
		log_error("%s", axv_error());
		return err;
	}
	if (config->cpus > cpus) {
		log_error("--cpus %u: this kernel module gives a guest at most %llu; give no more",
			  config->cpus, cpus);
		return -E2BIG;
	}
	return 0;
}

/*
 * The flag of the VM that lets a vCPU yield when it spins, or 0.  If there are more vCPUs than
 * host CPUs, a vCPU often spins while the vCPU that it waits for has no CPU.
 */
static __u32 yield_on_spin(struct machine *m, const struct machine_config *config)
{
	__u64 offered;
	cpu_set_t set;
	int cpus;

	if (sched_getaffinity(0, sizeof(set), &set))
		return 0;
	cpus = CPU_COUNT(&set);
	if (config->cpu_set && CPU_COUNT_S(config->cpu_set_size, config->cpu_set) < cpus)
		cpus = CPU_COUNT_S(config->cpu_set_size, config->cpu_set);
	if (config->cpus <= (unsigned int)cpus ||
	    axv_query(m->host, AXV_QUERY_VM_FLAGS, &offered))
		return 0;
	return offered & AXV_VM_YIELD_ON_SPIN;
}

static bool shares_memory(const struct machine_config *config)
{
	unsigned int i;

	for (i = 0; i < config->nr_vhost; i++)
		if (vhost_shares_memory(&config->vhost[i]))
			return true;
	return false;
}

static int create_vm(struct machine *m, const struct machine_config *machine_config)
{
	struct axv_vm_config config = {
		.type = AXV_VM_TYPE_DEFAULT,
		.flags = ARCH_VM_FLAGS,
	};
	__u64 bits;
	int err;

	err = open_host(m, machine_config, &bits);
	if (!err)
		err = board_irqchip(m, machine_config, &config.irqchip);
	if (err)
		return err;
	config.flags |= yield_on_spin(m, machine_config);
	err = axv_vm_create(m->host, &config, &m->vm);
	if (err) {
		log_error("%s", axv_error());
		return err;
	}

	m->memory = machine_config->memory;
	board_memory(&m->mem, machine_config);
	if ((memory_end(&m->mem) - 1) >> bits) {
		log_error("this host has %llu-bit guest addresses; use a smaller --mem",
			  bits);
		return -E2BIG;
	}
	return memory_create(&m->mem, m->vm, shares_memory(machine_config));
}

static int create_devices(struct machine *m, const struct machine_config *config)
{
	struct virtio_board board = {
		.lock = &m->lock, .vm = m->vm, .mem = &m->mem, .seccomp = m->seccomp,
	};
	const unsigned int nr = config->nr_vhost;
	unsigned int i;
	u32 gsi = 0;
	int err = 0;

	if (!nr && !config->nr_consoles && !config->nr_usernets && !config->balloon &&
	    !config->rng)
		return 0;
	board.pci = board_pci(m, &board.msi);
	if (!board.pci) {
		log_error("there is no PCI here, where a disk or another device could be");
		return -EOPNOTSUPP;
	}
	m->vhost = calloc(nr, sizeof(*m->vhost));
	m->usernets = calloc(config->nr_usernets, sizeof(*m->usernets));
	if ((nr && !m->vhost) || (config->nr_usernets && !m->usernets)) {
		log_error("out of memory");
		return -ENOMEM;
	}
	for (i = 0; !err && i < nr; i++) {
		m->nr_vhost++;
		err = vhost_create(&m->vhost[i], &config->vhost[i], &board, gsi);
		gsi += MSIX_VECTORS;
	}
	for (i = 0; !err && i < config->nr_consoles; i++) {
		m->nr_vconsoles++;
		err = vconsole_create(&m->vconsoles[i], i, &config->consoles[i], &board, gsi);
		gsi += MSIX_VECTORS;
	}
	for (i = 0; !err && i < config->nr_usernets; i++) {
		m->nr_usernets++;
		err = usernet_create(&m->usernets[i], i, &config->usernets[i], &board, gsi);
		gsi += MSIX_VECTORS;
	}
	if (!err && config->balloon) {
		err = balloon_create(&m->balloon, &board, &m->loop, gsi);
		m->has_balloon = !err;
		gsi += MSIX_VECTORS;
	}
	if (!err && config->rng)
		err = rng_create(&m->rng, &m->mem, board.pci, board.msi, gsi);
	return err;
}

static int create_vcpus(struct machine *m, const struct machine_config *config)
{
	unsigned int i;
	int err = 0;

	m->vcpus = calloc(config->cpus, sizeof(*m->vcpus));
	if (!m->vcpus) {
		log_error("out of memory");
		return -ENOMEM;
	}
	for (i = 0; !err && i < config->cpus; i++) {
		m->nr_vcpus++;
		err = vcpu_create(&m->vcpus[i], m, i, config->cpu_set,
				  config->cpu_set_size);
	}
	return err;
}

struct machine *machine_create(const struct machine_config *config)
{
	struct machine *m = calloc(1, sizeof(*m));
	int err;

	if (!m) {
		log_error("out of memory");
		return NULL;
	}
	m->end = MACHINE_ON;
	m->control.dir = -1;
	m->control.run = manage;
	m->control.arg = m;
	m->seccomp = !config->no_seccomp;
	if (m->seccomp)
		sandbox_prepare();
	pthread_mutex_init(&m->lock, NULL);
	bus_init(&m->bus, "address");

	err = loop_init(&m->loop, &m->lock);
	if (!err)
		err = signals_init(m);
	if (!err)
		err = timer_init(&m->panic_end, &m->loop, panic_ends, m);
	if (!err)
		err = control_init(&m->control, &m->loop, config->name);
	if (!err)
		err = create_vm(m, config);
	if (!err)
		err = board_create(m, config);
	if (!err)
		err = create_devices(m, config);
	if (!err)
		err = create_vcpus(m, config);
	if (!err)
		err = board_load(m, config);
	if (err) {
		machine_release(m);
		return NULL;
	}
	return m;
}

/* ---- running ------------------------------------------------------------ */

enum machine_end machine_run(struct machine *m)
{
	unsigned int i, started = 0;

	for (i = 0; i < m->nr_vhost; i++)
		if (vhost_start(&m->vhost[i]))
			return MACHINE_ERROR;
	for (i = 0; i < m->nr_vconsoles; i++)
		if (vconsole_start(&m->vconsoles[i]))
			return MACHINE_ERROR;
	for (i = 0; i < m->nr_usernets; i++)
		if (usernet_start(&m->usernets[i]))
			return MACHINE_ERROR;
	if (console_start(&m->console))
		return MACHINE_ERROR;

	while (started < m->nr_vcpus && !vcpu_start(&m->vcpus[started]))
		started++;
	if (started < m->nr_vcpus || loop_run(&m->loop)) {
		pthread_mutex_lock(&m->lock);
		machine_stop(m, MACHINE_ERROR);
		pthread_mutex_unlock(&m->lock);
	}

	for (i = 0; i < started; i++)
		pthread_join(m->vcpus[i].thread, NULL);
	console_stop(&m->console);
	return m->end;
}

/*
 * The devices are not released: they have only memory and descriptors, which the end of the
 * process frees.  The machine is not freed either: the console's writer, if it is stuck, may
 * still use it.
 */
void machine_release(struct machine *m)
{
	unsigned int i;

	control_release(&m->control);
	vconsole_release(m->vconsoles, m->nr_vconsoles);
	usernet_release(m->usernets, m->nr_usernets);
	vhost_release(m->vhost, m->nr_vhost);
	for (i = 0; i < m->nr_vcpus; i++)
		axv_vcpu_destroy(m->vcpus[i].axv);
	axv_vm_destroy(m->vm);
	axv_close(m->host);
}
