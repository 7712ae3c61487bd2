// SPDX-License-Identifier: GPL-2.0
/* Tests of the bus, the ways to switch off and reset, PCI without devices, and CPUID. */
#include <string.h>

#include "cpuid.h"
#include "fake.h"
#include "map.h"
#include "pciports.h"
#include "pm.h"
#include "pvpanic.h"
#include "reset.h"
#include "tap.h"

static struct bus bus, memory;
static struct fake_line sci;
static struct pm pm;
static struct reset reset;
static struct pci pci;
static struct pciports pciports;
static struct power_switch power;
static unsigned int offs, resets, panics;

static void request(void *arg, enum power_request what)
{
	(void)arg;
	if (what == POWER_OFF)
		offs++;
	else if (what == POWER_PANIC)
		panics++;
	else
		resets++;
}

static void start(void)
{
	bus_init(&bus, "port");
	bus_init(&memory, "address");
	fake_reset();
	offs = 0;
	resets = 0;
	panics = 0;
	power = (struct power_switch){ .request = request };
	pvpanic_init(&power, &bus);
	pm_init(&pm, &bus, NULL, fake_irq(&sci), power);
	reset_init(&reset, &bus, power);
	pci_init(&pci, &memory, &bus, MAP_ECAM);
	pciports_init(&pciports, &bus, &pci, &reset);
}

/* ---- the bus ------------------------------------------------------------ */

static u32 last_write;
static unsigned int last_width;
static u16 last_offset;

static u32 echo_read(void *dev, u32 offset, unsigned int width)
{
	(void)width;
	return *(u32 *)dev + offset;
}

static void echo_write(void *dev, u32 offset, unsigned int width, u32 value)
{
	(void)dev;
	last_offset = offset;
	last_width = width;
	last_write = value;
}

static const struct bus_ops bytes = { echo_read, echo_write, 1 };
static const struct bus_ops words = { echo_read, echo_write, 1 | 2 };

static void bus_lookup(void)
{
	static u32 a = 0xa0, b = 0xb0, c = 0xc000;
	struct bus_range r = { 0x100, 4, &bytes, &a, "a" };

	bus_init(&bus, "port");
	CHECK_EQ(bus_add(&bus, &r), 0);
	r = (struct bus_range){ 0x80, 1, &bytes, &b, "b" };
	CHECK_EQ(bus_add(&bus, &r), 0);
	r = (struct bus_range){ 0xfffe, 2, &words, &c, "c" };
	CHECK_EQ(bus_add(&bus, &r), 0);

	CHECK_EQ(bus_read(&bus, 0x80, 1), 0xb0);
	CHECK_EQ(bus_read(&bus, 0x103, 1), 0xa3);
	CHECK_EQ(bus_read(&bus, 0xfffe, 2), 0xc000);
	CHECK_EQ(bus_read(&bus, 0xff, 1), 0xff);
	CHECK_EQ(bus_read(&bus, 0x104, 1), 0xff);
	CHECK_EQ(bus_read(&bus, 0, 4), 0xffffffff);

	r = (struct bus_range){ 0x103, 1, &bytes, &b, "overlap" };
	CHECK(bus_add(&bus, &r) < 0);
}

static void bus_widths(void)
{
	static u32 a = 0x10, c = 0xc000;
	struct bus_range r = { 0x100, 3, &bytes, &a, "a" };

	bus_init(&bus, "port");
	bus_add(&bus, &r);
	r = (struct bus_range){ 0x200, 4, &words, &c, "c" };
	bus_add(&bus, &r);

	/* Accesses that are split into bytes, across the device's ends and around the top. */
	CHECK_EQ(bus_read(&bus, 0x100, 4), 0xff121110);
	CHECK_EQ(bus_read(&bus, 0xff, 2), 0x10ff);
	CHECK_EQ(bus_read(&bus, 0xffff, 4), 0xffffffff);
	/* Accesses that are split into halves, until the device knows the width. */
	CHECK_EQ(bus_read(&bus, 0x200, 8), 0xffffffffc002c000);
	bus_write(&bus, 0x200, 4, 0x5678abcd);
	CHECK_EQ(last_offset, 2);
	CHECK_EQ(last_width, 2);
	CHECK_EQ(last_write, 0x5678);
	bus_write(&bus, 0x101, 2, 0x1234);
	CHECK_EQ(last_offset, 2);
	CHECK_EQ(last_width, 1);
	CHECK_EQ(last_write, 0x12);
	bus_write(&bus, 0x202, 2, 0xabcd1234);
	CHECK_EQ(last_offset, 2);
	CHECK_EQ(last_width, 2);
	CHECK_EQ(last_write, 0x1234);
}

/* ---- power -------------------------------------------------------------- */

static void switch_off(void)
{
	start();
	CHECK_EQ(bus_read(&bus, PM1_CONTROL_PORT, 2), 1);	/* SCI_EN */
	bus_write(&bus, PM1_CONTROL_PORT, 2, PM_S5_TYPE << 10 | 1);
	CHECK_EQ(offs, 0);
	bus_write(&bus, PM1_CONTROL_PORT, 2, PM_S5_TYPE << 10 | 1 << 13 | 1);
	CHECK_EQ(offs, 1);
	CHECK_EQ(resets, 0);
}

static void pm_timer(void)
{
	u32 before;

	start();
	before = bus_read(&bus, PM_TIMER_PORT, 4);
	fake_advance(NSEC_PER_SEC);
	CHECK_EQ(bus_read(&bus, PM_TIMER_PORT, 4) - before, PM_TIMER_HZ);
	fake_advance(9 * NSEC_PER_SEC);
	CHECK_EQ(bus_read(&bus, PM_TIMER_PORT, 4),
		 (before + 10 * PM_TIMER_HZ) & 0xffffff);
}

static void pm_timer_interrupt(void)
{
	start();
	bus_write(&bus, PM1_EVENT_PORT + 2, 2, 1);
	fake_advance(2 * NSEC_PER_SEC);
	CHECK(!sci.level);
	fake_advance(NSEC_PER_SEC);	/* bit 23 changes each 2.34 s */
	CHECK(sci.level);
	CHECK_EQ(bus_read(&bus, PM1_EVENT_PORT, 2), 1);
	bus_write(&bus, PM1_EVENT_PORT, 2, 1);
	CHECK(!sci.level);
	CHECK_EQ(bus_read(&bus, PM1_EVENT_PORT, 4), 0x10000);
	fake_advance(2 * NSEC_PER_SEC);
	CHECK(sci.level);
	CHECK_EQ(sci.edges, 2);
	bus_write(&bus, PM1_EVENT_PORT + 2, 1, 0);
	CHECK(!sci.level);
}

static void resetting(void)
{
	start();
	CHECK_EQ(bus_read(&bus, 0x64, 1), 0);
	bus_write(&bus, 0x64, 1, 0xae);
	CHECK_EQ(resets, 0);
	bus_write(&bus, 0x64, 1, 0xfe);
	CHECK_EQ(resets, 1);
	bus_write(&bus, 0x64, 1, 0xd1);
	bus_write(&bus, 0x60, 1, 0xdf);		/* A20 on */
	CHECK_EQ(resets, 1);
	bus_write(&bus, 0x64, 1, 0xd1);
	bus_write(&bus, 0x60, 1, 0xfe);
	CHECK_EQ(resets, 2);
	bus_write(&bus, 0x60, 1, 0xfe);
	CHECK_EQ(resets, 2);

	CHECK_EQ(bus_read(&bus, 0x92, 1), 2);
	bus_write(&bus, 0x92, 1, 3);
	CHECK_EQ(resets, 3);

	bus_write(&bus, RESET_PORT, 1, 2);
	CHECK_EQ(resets, 3);
	bus_write(&bus, RESET_PORT, 1, RESET_VALUE);
	CHECK_EQ(resets, 4);
	CHECK_EQ(bus_read(&bus, RESET_PORT, 1), RESET_VALUE);
	CHECK_EQ(offs, 0);
}

static void power_button(void)
{
	start();
	CHECK(!pm_press_button(&pm));
	CHECK(!sci.level);
	CHECK_EQ(bus_read(&bus, PM1_EVENT_PORT, 2), BIT(8));
	bus_write(&bus, PM1_EVENT_PORT, 2, BIT(8));

	bus_write(&bus, PM1_EVENT_PORT + 2, 2, BIT(8));
	CHECK(!sci.level);
	CHECK(pm_press_button(&pm));
	CHECK(sci.level);
	CHECK_EQ(bus_read(&bus, PM1_EVENT_PORT, 2), BIT(8));
	bus_write(&bus, PM1_EVENT_PORT, 2, BIT(8));
	CHECK(!sci.level);
	CHECK_EQ(offs, 0);
}

static void panic(void)
{
	start();
	CHECK_EQ(bus_read(&bus, PVPANIC_PORT, 1), 3);
	bus_write(&bus, PVPANIC_PORT, 1, 2);		/* a crash kernel goes on */
	CHECK_EQ(panics, 0);
	bus_write(&bus, PVPANIC_PORT, 1, 1);
	CHECK_EQ(panics, 1);
	CHECK_EQ(offs + resets, 0);
}

static void pci_host_bridge(void)
{
	start();
	bus_write(&bus, 0xcf8, 4, 0x80000000);
	CHECK_EQ(bus_read(&bus, 0xcfc, 4), 0x00081b36);
	CHECK_EQ(bus_read(&bus, 0xcfe, 2), 0x0008);
	bus_write(&bus, 0xcf8, 4, 0x80000008);
	CHECK_EQ(bus_read(&bus, 0xcfe, 2), 0x0600);
	CHECK_EQ(bus_read(&bus, 0xcff, 1), 0x06);
	bus_write(&bus, 0xcf8, 4, 0x8000000c);
	CHECK_EQ(bus_read(&bus, 0xcfe, 1), 0);		/* one function */
	bus_write(&bus, 0xcf8, 4, 0x00000000);		/* not enabled */
	CHECK_EQ(bus_read(&bus, 0xcfc, 4), 0xffffffff);

	/* There is no other device or function, nor another bus. */
	bus_write(&bus, 0xcf8, 4, 0x80000100);
	CHECK_EQ(bus_read(&bus, 0xcfc, 4), 0xffffffff);
	bus_write(&bus, 0xcf8, 4, 0x80010000);
	CHECK_EQ(bus_read(&bus, 0xcfc, 4), 0xffffffff);
	bus_write(&bus, 0xcf8, 4, 0x80001234);
	CHECK_EQ(bus_read(&bus, 0xcf8, 4), 0x80001234);
	CHECK_EQ(bus_read(&bus, 0xcfc, 4), 0xffffffff);
	CHECK_EQ(bus_read(&bus, 0xcfe, 2), 0xffff);
	CHECK_EQ(bus_read(&bus, 0xcff, 1), 0xff);
	bus_write(&bus, 0xcfc, 4, 0);
	CHECK_EQ(resets, 0);
}

/* ---- memory and CPUID --------------------------------------------------- */

static void memory_map(void)
{
	static char low[0x2000], high[1];
	struct memory mem;

	map_memory(&mem, MIB(512));
	CHECK_EQ(mem.nr, 2);
	CHECK_EQ(map_low_end(&mem), MIB(512));
	CHECK_EQ(map_high_size(&mem), 0);

	map_memory(&mem, GIB(5));
	CHECK_EQ(mem.nr, 3);
	CHECK_EQ(map_low_end(&mem), GIB(3));
	CHECK_EQ(map_high_size(&mem), GIB(2));
	CHECK_EQ(mem.areas[2].gpa, GIB(4));

	mem.areas[0].hva = low;
	mem.areas[2].hva = high;
	CHECK(memory_at(&mem, 0x1000, 4) == low + 0x1000);
	CHECK(memory_at(&mem, GIB(4), GIB(2)) == high);
	CHECK(!memory_at(&mem, GIB(4), GIB(2) + 1));
	CHECK(!memory_at(&mem, 0x9ffff, 2));
	CHECK(!memory_at(&mem, 0xa0000, 1));
	CHECK(!memory_at(&mem, GIB(3), 1));
	CHECK(!memory_at(&mem, GIB(4) + 1, ~0ull));
}

static const struct axv_x86_cpuid *subleaf(const struct axv_x86_cpuid *table,
					   unsigned int count, u32 number, u32 sub)
{
	unsigned int i;

	for (i = 0; i < count; i++)
		if (table[i].leaf == number && table[i].subleaf == sub)
			return &table[i];
	return NULL;
}

static const struct axv_x86_cpuid *leaf(const struct axv_x86_cpuid *table,
					unsigned int count, u32 number)
{
	return subleaf(table, count, number, 0);
}

static void cpuid_table(void)
{
	const struct cpuid_apic none = { 0 };
	struct axv_x86_cpuid table[6 + CPUID_EXTRA] = {
		{ .leaf = 0, .eax = 0x1f, },
		{ .leaf = 1, .ebx = 0x07080800, .ecx = ~0u, .edx = ~0u },
		{ .leaf = 0xb, .eax = 1 },
		{ .leaf = 0x40000000, .eax = 0x40000001 },
		{ .leaf = 0x80000001, .ecx = ~0u, .edx = ~0u },
		{ .leaf = 0x80000008, .eax = 0x3030, .ecx = 0x7007 },
	};
	const struct axv_x86_cpuid *l;
	unsigned int n;

	n = cpuid_make(table, 6, 2500000, &none);
	CHECK_EQ(n, 6);
	l = leaf(table, n, 1);
	CHECK(l);
	CHECK_EQ(l->ebx, 0x0800);
	CHECK_EQ(l->ecx, ~(BIT(3) | BIT(21) | BIT(24)));
	CHECK_EQ(l->edx, ~(BIT(9) | BIT(28)));
	CHECK(!leaf(table, n, 0xb));
	l = leaf(table, n, 0x80000001);
	CHECK(l);
	CHECK_EQ(l->ecx, ~(BIT(1) | BIT(2) | BIT(3) | BIT(22)));
	l = leaf(table, n, 0x80000008);
	CHECK(l);
	CHECK_EQ(l->ecx, 0);
	CHECK_EQ(l->eax, 0x3030);
	l = leaf(table, n, 0x40000000);
	CHECK(l);
	CHECK_EQ(l->eax, 0x40000010);
	CHECK(!memcmp(&l->ebx, "AxvcpuAxvcpu", 12));
	CHECK(!leaf(table, n, 0x40000001));
	l = leaf(table, n, 0x40000010);
	CHECK(l);
	CHECK_EQ(l->eax, 2500000);
}

#define CACHE(level)	((level) << 5 | 1)
#define HOST_LEAVES	10

/* Make a guest's table from one of a host, whose CPU has an APIC id, and four threads that
 * share all caches.
 */
static unsigned int make_table(struct axv_x86_cpuid *table, const char *vendor, u32 id,
			       unsigned int nr, u32 tsc_khz)
{
	const struct axv_x86_cpuid host[HOST_LEAVES] = {
		{ .leaf = 0, .eax = 6 },
		{ .leaf = 1, .ebx = 0x07080800, .ecx = BIT(0), .edx = BIT(0) },
		{ .leaf = 4, .eax = 0xfc00c000 | CACHE(1), .flags = AXV_X86_CPUID_SUBLEAF },
		{ .leaf = 4, .subleaf = 1, .eax = 0xfc00c000 | CACHE(3),
		  .flags = AXV_X86_CPUID_SUBLEAF },
		{ .leaf = 6, .eax = ~0u },
		{ .leaf = 0x80000000, .eax = 0x8000001e },
		{ .leaf = 0x80000001, .ecx = ~0u, .edx = 0 },
		{ .leaf = 0x80000008, .eax = 0x3030, .ecx = 0x7007 },
		{ .leaf = 0x8000001d, .eax = 0xc000 | CACHE(3), .flags = AXV_X86_CPUID_SUBLEAF },
		{ .leaf = 0x8000001e, .eax = 77, .ebx = 78, .ecx = 79 },
	};
	const struct cpuid_apic apic = { .id = id, .nr = nr };
	unsigned int n;

	memcpy(table, host, sizeof(host));
	memcpy(&table[0].ebx, vendor, 4);
	n = cpuid_make(table, HOST_LEAVES, tsc_khz, &apic);
	CHECK(n <= HOST_LEAVES + CPUID_EXTRA);
	return n;
}

static void cpuid_apics_amd(void)
{
	struct axv_x86_cpuid t[HOST_LEAVES + CPUID_EXTRA];
	const unsigned int n = make_table(t, "Auth", 2, 3, 2500000);

	CHECK_EQ(leaf(t, n, 0)->eax, 0xb);
	CHECK_EQ(leaf(t, n, 1)->ebx, 0x02030800);
	CHECK_EQ(leaf(t, n, 1)->ecx, BIT(0) | BIT(21) | BIT(24) | BIT(31));
	CHECK_EQ(leaf(t, n, 1)->edx, BIT(0) | BIT(9) | BIT(28));
	CHECK_EQ(leaf(t, n, 6)->eax, BIT(2));
	CHECK_EQ(leaf(t, n, 0x80000001)->ecx, ~(BIT(2) | BIT(3)));
	CHECK_EQ(leaf(t, n, 0x80000001)->edx, BIT(9));
	CHECK_EQ(leaf(t, n, 0x80000008)->ecx, 0x2002);
	CHECK_EQ(leaf(t, n, 0x8000001d)->eax, 0xc000 | CACHE(3));
	CHECK_EQ(leaf(t, n, 0x8000001e)->eax, 2);
	CHECK_EQ(leaf(t, n, 0x8000001e)->ebx, 2);
	CHECK_EQ(leaf(t, n, 0x8000001e)->ecx, 0);

	CHECK_EQ(leaf(t, n, 0xb)->eax, 0);
	CHECK_EQ(leaf(t, n, 0xb)->ebx, 1);
	CHECK_EQ(leaf(t, n, 0xb)->ecx, 0x100);
	CHECK_EQ(leaf(t, n, 0xb)->edx, 2);
	CHECK_EQ(leaf(t, n, 0xb)->flags, AXV_X86_CPUID_SUBLEAF);
	CHECK_EQ(subleaf(t, n, 0xb, 1)->eax, 2);
	CHECK_EQ(subleaf(t, n, 0xb, 1)->ebx, 3);
	CHECK_EQ(subleaf(t, n, 0xb, 1)->ecx, 0x201);
	CHECK_EQ(subleaf(t, n, 0xb, 1)->edx, 2);
	CHECK_EQ(subleaf(t, n, 0xb, 2)->ecx, 2);
	CHECK_EQ(subleaf(t, n, 0xb, 2)->edx, 2);

	CHECK_EQ(leaf(t, n, 0x40000000)->eax, 0x40000010);
	CHECK(!memcmp(&leaf(t, n, 0x40000000)->ebx, "KVMKVMKVM\0\0\0", 12));
	CHECK_EQ(leaf(t, n, 0x40000001)->eax, BIT(1) | BIT(15));
	CHECK_EQ(leaf(t, n, 0x40000010)->eax, 2500000);
}

static void cpuid_apics_intel(void)
{
	struct axv_x86_cpuid t[HOST_LEAVES + CPUID_EXTRA];
	unsigned int n = make_table(t, "Genu", 3, 4, 2500000);

	CHECK_EQ(leaf(t, n, 1)->ebx, 0x03040800);
	CHECK_EQ(leaf(t, n, 4)->eax, 0x0c000000 | CACHE(1));
	CHECK_EQ(subleaf(t, n, 4, 1)->eax, 0x0c00c000 | CACHE(3));
	CHECK_EQ(leaf(t, n, 0x80000001)->ecx, ~(BIT(1) | BIT(2) | BIT(3)));
	CHECK_EQ(leaf(t, n, 0x80000001)->edx, 0);
	CHECK_EQ(leaf(t, n, 0x80000008)->ecx, 0);
	CHECK(!leaf(t, n, 0x8000001e));

	/* One CPU, on a host that does not know its TSC's frequency. */
	n = make_table(t, "Genu", 0, 1, 0);
	CHECK_EQ(leaf(t, n, 1)->ecx, BIT(0) | BIT(21) | BIT(31));
	CHECK_EQ(leaf(t, n, 1)->ebx, 0x00010800);
	CHECK_EQ(leaf(t, n, 1)->edx, BIT(0) | BIT(9));
	CHECK_EQ(subleaf(t, n, 4, 1)->eax, CACHE(3));
	CHECK_EQ(subleaf(t, n, 0xb, 1)->eax, 0);
	CHECK_EQ(subleaf(t, n, 0xb, 1)->ebx, 1);
}

/* More CPUs than the fields of the old leaves can express. */
static void cpuid_apics_many(void)
{
	struct axv_x86_cpuid t[HOST_LEAVES + CPUID_EXTRA];
	const unsigned int n = make_table(t, "Hygo", 0x3fe, 1024, 2500000);

	CHECK_EQ(leaf(t, n, 1)->ebx, 0xfeff0800);
	CHECK_EQ(leaf(t, n, 4)->eax, 0xfc000000 | CACHE(1));
	CHECK_EQ(subleaf(t, n, 4, 1)->eax, 0xfc000000 | 1023 << 14 | CACHE(3));
	CHECK_EQ(leaf(t, n, 0x80000008)->ecx, 0xa0ff);
	CHECK_EQ(leaf(t, n, 0x8000001e)->eax, 0x3fe);
	CHECK_EQ(subleaf(t, n, 0xb, 1)->eax, 10);
	CHECK_EQ(subleaf(t, n, 0xb, 1)->ebx, 1024);
	CHECK_EQ(subleaf(t, n, 0xb, 1)->edx, 0x3fe);
}

static const struct tap_case cases[] = {
	{ "bus: the device that answers an address", bus_lookup },
	{ "bus: widths", bus_widths },
	{ "ACPI: switching off", switch_off },
	{ "ACPI: PM timer", pm_timer },
	{ "ACPI: PM timer interrupt", pm_timer_interrupt },
	{ "reset ports", resetting },
	{ "the power button", power_button },
	{ "a panic", panic },
	{ "PCI with a host bridge", pci_host_bridge },
	{ "memory map", memory_map },
	{ "CPUID table", cpuid_table },
	{ "CPUID table: AMD, with APICs", cpuid_apics_amd },
	{ "CPUID table: Intel, with APICs", cpuid_apics_intel },
	{ "CPUID table: 1,024 CPUs", cpuid_apics_many },
};

int main(void)
{
	return tap_run(cases, ARRAY_SIZE(cases));
}
