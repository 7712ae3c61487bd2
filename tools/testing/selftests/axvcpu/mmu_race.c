// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of all operations that create, change and remove mappings of guest memory.  Each two
 * of them run at the same time, while two vCPUs write: no store of a guest may be lost, go to
 * memory that was taken away, or be missing in a dirty log.
 *
 * Both vCPUs have the same memory, at different addresses (each has a region), and each
 * writes its own word of every page.  So it is known which values a word can have.
 */
#include "axv_harness.h"

#define PAGES		32ul	/* twice as many as one fault maps */
#define MOVE		(16 * HUGE_PAGE)
#define ROUNDS		6	/* rounds of a pair; each begins without mappings */
#define STEPS		3	/* steps of each changer in a round */
#define TRIES		3	/* how often a pair is tried; see emulator_erred() */

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE	25
#endif

struct race;

/**
 * struct writer - a vCPU that writes all pages again and again, and its thread
 * @race: the race that it belongs to
 * @k: 0 or 1: its region, and its word of a page
 * @thread: the thread
 * @passes: how many passes over all pages have ended
 */
struct writer {
	struct race *race;
	unsigned int k;
	pthread_t thread;
	atomic_ulong passes;
};

/**
 * struct changer - an operation that is repeated while the writers write, and its thread
 * @race: the race that it belongs to
 * @k: writer whose region, with the id @k + 1, it may change
 * @thread: the thread
 * @step: does the operation once
 * @v: a vCPU of its own, for step_fault()
 */
struct changer {
	struct race *race;
	unsigned int k;
	pthread_t thread;
	void (*step)(struct changer *c);
	struct axv_vcpu v;
};

struct race {
	struct axv_vm vm;
	__u8 *mem;			/* the memory of both regions */
	struct writer writer[2];
	struct changer changer[2];
	pthread_barrier_t barrier;
	int forgets;			/* one operation makes pages lose their contents */
	atomic_int stop;
	atomic_int spoilt;		/* the emulator has erred, so the result is worthless */
};

static volatile __u64 *word(struct race *race, unsigned int k, unsigned long page)
{
	return (__u64 *)(race->mem + page * PAGE) + k;
}

static __u64 window(unsigned int k)
{
	return GUEST_MEM + 2 * k * HUGE_PAGE;
}

static int set_region(struct race *race, unsigned int k, __u32 flags, __u64 gpa)
{
	return vm_region(&race->vm, k + 1, flags, gpa, HUGE_PAGE, race->mem);
}

/*
 * QEMU 7.2 with a thread for each CPU, on a busy machine, entered a guest wrongly three times
 * in 14 runs of this program: either as if nested paging were off, so that the guest shut down
 * at its first fetch, or with the host's RIP and CR3, as they are behind VMRUN.  The guests
 * here cannot do either themselves: they stay in their page, and nothing changes the memory
 * where their page tables are.
 */
static int emulator_erred(struct race *race, struct axv_vcpu *v, int reason)
{
	const char *emulator = getenv("VMTEST_EMU");
	int impossible = reason == AXV_EXIT_SHUTDOWN ||
			 (reason == AXV_EXIT_NESTED_PAGE_FAULT && v->run->ip >= GUEST_MEM);

	if (!emulator || strcmp(emulator, "qemu") || !impossible)
		return 0;
	vcpu_dump(v);
	race->spoilt = 1;
	return 1;
}

/* ---- vCPUs that write ---- */

/*
 * After a pass all pages must have its value, except those that were dropped (0), and as many
 * older ones as there were stores that exited, because the region was away.
 */
static void check_pass(struct writer *w, __u64 value, __u64 stores_elsewhere)
{
	unsigned long page, older = 0;
	__u64 now;

	for (page = 0; page < PAGES; page++) {
		now = *word(w->race, w->k, page);
		must(now <= value);
		if (now != value && !(w->race->forgets && !now))
			older++;
	}
	must(older <= stores_elsewhere);
}

static void *writer_main(void *arg)
{
	struct writer *w = arg;
	struct race *race = w->race;
	struct axv_vcpu v;
	__u64 value, elsewhere;
	int reason;

	vcpu_ready(&race->vm, &v, w->k);
	for (value = 1; !race->stop; value++) {
		elsewhere = 0;
		guest_start(&v, GUEST_WRITE, window(w->k) + 8 * w->k, PAGES, value);
		while ((reason = vcpu_run(&v)) == AXV_EXIT_MMIO_WRITE) {
			must(v.run->exit.mmio.data == value);
			elsewhere++;
		}
		if (emulator_erred(race, &v, reason))
			break;
		must(reason == AXV_EXIT_HYPERCALL);
		check_pass(w, value, elsewhere);
		w->passes++;
	}
	vcpu_free(&v);
	return NULL;
}

/* Wait until the writer has done another pass, but not for long: it may be kept from that. */
static void let_write(struct race *race, unsigned int k)
{
	unsigned long passes = race->writer[k].passes;
	int i;

	for (i = 0; i < 200 && race->writer[k].passes == passes; i++)
		sched_yield();
}

/* ---- operations that run at the same time ---- */

/* Another vCPU reads through both regions; an exit means that the region is elsewhere. */
static void step_fault(struct changer *c)
{
	unsigned int k;
	int reason;

	for (k = 0; k < 2; k++) {
		guest_start(&c->v, GUEST_READ, window(k), PAGES, 0);
		while ((reason = vcpu_run(&c->v)) == AXV_EXIT_MMIO_READ)
			c->v.run->exit.mmio.data = 0;
		if (emulator_erred(c->race, &c->v, reason))
			return;
		must(reason == AXV_EXIT_HYPERCALL);
	}
}

static void step_remove(struct changer *c)
{
	unsigned long half = c->k * PAGES / 2;

	must(!madvise(c->race->mem + half * PAGE, PAGES / 2 * PAGE, MADV_DONTNEED));
}

/* Check that the writer does not change memory that its region does not have any more. */
static void expect_still(struct changer *c)
{
	struct race *race = c->race;
	__u64 then[PAGES], now;
	unsigned long page;

	for (page = 0; page < PAGES; page++)
		then[page] = *word(race, c->k, page);
	let_write(race, c->k);
	for (page = 0; page < PAGES; page++) {
		now = *word(race, c->k, page);
		must(now == then[page] || (race->forgets && !now));
	}
}

static void step_move(struct changer *c)
{
	must(!set_region(c->race, c->k, 0, window(c->k) + MOVE));
	expect_still(c);
	must(!set_region(c->race, c->k, 0, window(c->k)));
	let_write(c->race, c->k);
}

static void step_delete(struct changer *c)
{
	must(!vm_region(&c->race->vm, c->k + 1, 0, 0, 0, NULL));
	expect_still(c);
	must(!set_region(c->race, c->k, 0, window(c->k)));
	let_write(c->race, c->k);
}

/* Copy the pages that the log reports as written. */
static void copy_dirty(struct changer *c, __u64 *copy)
{
	struct race *race = c->race;
	__u64 map[HUGE_PAGE / PAGE / 64];
	struct axv_dirty dirty = {
		.region = c->k + 1,
		.nr_pages = HUGE_PAGE / PAGE,
		.bitmap = (unsigned long)map,
	};
	unsigned long page;

	must(!axv_ioctl(race->vm.fd, AXV_VM_GET_DIRTY, &dirty));
	for (page = 0; page < PAGES; page++)
		if (map[page / 64] >> page % 64 & 1)
			copy[page] = *word(race, c->k, page);
}

/*
 * Do what a migration does: copy all pages, then those written since, and again when the guest
 * cannot write any more.  Then the copy must be the same as the memory.
 */
static void step_log(struct changer *c)
{
	struct race *race = c->race;
	__u64 copy[PAGES], now;
	unsigned long page;

	must(!set_region(race, c->k, AXV_REGION_LOG_DIRTY, window(c->k)));
	for (page = 0; page < PAGES; page++)
		copy[page] = *word(race, c->k, page);
	let_write(race, c->k);
	copy_dirty(c, copy);
	let_write(race, c->k);
	copy_dirty(c, copy);
	must(!set_region(race, c->k, AXV_REGION_LOG_DIRTY | AXV_REGION_READONLY,
			 window(c->k)));
	copy_dirty(c, copy);
	for (page = 0; page < PAGES; page++) {
		now = *word(race, c->k, page);
		must(now == copy[page] || (race->forgets && !now));
	}
	must(!set_region(race, c->k, 0, window(c->k)));
}

static int child_ends(void *arg)
{
	(void)arg;
	return 0;
}

static void step_fork(struct changer *c)
{
	pid_t pid = child_start(child_ends, NULL);

	let_write(c->race, c->k);
	must(!child_status(pid));
}

/* Make the memory one huge page, if the kernel can do that, and split the huge page. */
static void step_collapse(struct changer *c)
{
	__u8 *page = c->race->mem + c->k * PAGE;

	madvise(c->race->mem, HUGE_PAGE, MADV_COLLAPSE);
	let_write(c->race, c->k);
	must(!mprotect(page, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	must(!mprotect(page, PAGE, PROT_READ | PROT_WRITE));
}

static const struct change {
	const char *name;
	void (*step)(struct changer *c);
} changes[] = {
	{ "fault", step_fault },
	{ "remove", step_remove },
	{ "move", step_move },
	{ "delete", step_delete },
	{ "log", step_log },
	{ "fork", step_fork },
	{ "collapse", step_collapse },
};

#define NR_CHANGES	(sizeof(changes) / sizeof(changes[0]))

static void *changer_main(void *arg)
{
	struct changer *c = arg;
	struct race *race = c->race;
	unsigned long rounds = scaled(ROUNDS), i;
	int step;

	if (c->step == step_fault)
		vcpu_ready(&race->vm, &c->v, 2 + c->k);
	for (i = 0; i < rounds; i++) {
		/* Remove all mappings, so that the threads race to create the first ones. */
		must(!vm_region(&race->vm, c->k + 1, 0, 0, 0, NULL));
		must(!set_region(race, c->k, 0, window(c->k)));
		pthread_barrier_wait(&race->barrier);
		for (step = 0; step < STEPS; step++)
			c->step(c);
		pthread_barrier_wait(&race->barrier);
	}
	if (c->step == step_fault)
		vcpu_free(&c->v);
	return NULL;
}

/* ---- pairs ---- */

/* When all threads have ended: what one vCPU writes, the other one and the VMM must read. */
static void check_end(struct race *race)
{
	struct axv_vcpu v[2];
	unsigned long page;
	unsigned int k;

	for (k = 0; k < 2; k++)
		vcpu_ready(&race->vm, &v[k], 4 + k);
	for (k = 0; k < 2; k++) {
		guest_start(&v[k], GUEST_WRITE, window(k), PAGES, 1000 + k);
		must(vcpu_run(&v[k]) == AXV_EXIT_HYPERCALL);
		for (page = 0; page < PAGES; page++)
			must(*word(race, 0, page) == 1000 + k);
		guest_start(&v[!k], GUEST_READ, window(!k), PAGES, 0);
		must(vcpu_run(&v[!k]) == AXV_EXIT_HYPERCALL);
		must(v[!k].run->exit.hypercall.args[0] == PAGES * (1000 + k));
	}
	for (k = 0; k < 2; k++)
		vcpu_free(&v[k]);
}

/* Run one pair of operations.  Returns not 0 if the emulator has erred. */
static int race_pair(const struct change *a, const struct change *b)
{
	struct race race = {};
	unsigned int k;
	__u8 *area;

	vm_new(&race.vm, 0);
	area = mem_new(2 * HUGE_PAGE);
	race.mem = (__u8 *)(((unsigned long)area + HUGE_PAGE - 1) & ~(HUGE_PAGE - 1));
	race.forgets = a->step == step_remove || b->step == step_remove;
	must(!pthread_barrier_init(&race.barrier, NULL, 2));
	for (k = 0; k < 2; k++) {
		must(!set_region(&race, k, 0, window(k)));
		race.writer[k].race = &race;
		race.writer[k].k = k;
		race.changer[k].race = &race;
		race.changer[k].k = k;
		race.changer[k].step = k ? b->step : a->step;
	}
	for (k = 0; k < 2; k++)
		must(!pthread_create(&race.writer[k].thread, NULL, writer_main,
				     &race.writer[k]));
	for (k = 0; k < 2; k++)
		must(!pthread_create(&race.changer[k].thread, NULL, changer_main,
				     &race.changer[k]));
	for (k = 0; k < 2; k++)
		must(!pthread_join(race.changer[k].thread, NULL));
	/* Each writer has to do a pass, even if it had no CPU until now. */
	for (k = 0; k < 2; k++)
		while (!race.writer[k].passes && !race.spoilt)
			sched_yield();
	race.stop = 1;
	for (k = 0; k < 2; k++)
		must(!pthread_join(race.writer[k].thread, NULL));
	if (!race.spoilt)
		check_end(&race);
	pthread_barrier_destroy(&race.barrier);
	vm_free(&race.vm);
	must(!munmap(area, 2 * HUGE_PAGE));
	return race.spoilt;
}

static void race_all(const char *name)
{
	unsigned int i, j, tries;

	for (i = 0; strcmp(changes[i].name, name); i++)
		must(i + 1 < NR_CHANGES);
	for (j = i; j < NR_CHANGES; j++) {
		printf("# %s beside %s\n", changes[i].name, changes[j].name);
		for (tries = 1; race_pair(&changes[i], &changes[j]); tries++) {
			printf("# the emulator spoilt it: once more\n");
			must(tries < TRIES);
		}
	}
}

TEST(beside_fault)
{
	race_all("fault");
}

TEST(beside_remove)
{
	race_all("remove");
}

TEST(beside_move)
{
	race_all("move");
}

TEST(beside_delete)
{
	race_all("delete");
}

TEST(beside_log)
{
	race_all("log");
}

TEST(beside_fork)
{
	race_all("fork");
}

TEST(beside_collapse)
{
	race_all("collapse");
}

TEST_HARNESS_MAIN
