// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of the boot protocol, with a kernel made for the test, and with real kernels, if
 * AXVMM_TEST_KERNELS names some (paths with blanks between).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <asm/bootparam.h>

#include "acpi.h"
#include "linux.h"
#include "map.h"
#include "pm.h"
#include "tap.h"

#define KERNEL_START	0x1000000
#define KERNEL_NEED	0x800000
#define PAYLOAD		0x3000
#define TSC_KHZ		2500000

static struct memory mem;
static char kernel_path[64], initrd_path[64];
static u8 image[0x1000 + PAYLOAD];

static void make_memory(u64 size)
{
	unsigned int i;

	for (i = 0; i < mem.nr; i++)
		free(mem.areas[i].hva);
	map_memory(&mem, size);
	/* Memory above 4 GiB is not accessed, so it need not exist. */
	for (i = 0; i < 2; i++)
		mem.areas[i].hva = calloc(1, mem.areas[i].size);
}

static struct setup_header *header(void)
{
	return (struct setup_header *)(image + 0x1f1);
}

/* Make a bzImage: the header, seven setup sectors, a payload. */
static void make_image(void)
{
	struct setup_header *hdr = header();
	unsigned int i;

	memset(image, 0, sizeof(image));
	hdr->setup_sects = 7;
	hdr->boot_flag = 0xaa55;
	hdr->jump = 0x66eb;
	hdr->header = 0x53726448;
	hdr->version = 0x020f;
	hdr->loadflags = LOADED_HIGH;
	hdr->cmdline_size = 2047;
	hdr->initrd_addr_max = 0x7fffffff;
	hdr->relocatable_kernel = 1;
	hdr->pref_address = KERNEL_START;
	hdr->init_size = KERNEL_NEED;
	for (i = 0x1000; i < sizeof(image); i++)
		image[i] = i * 7;
}

static void write_file(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "w");

	CHECK(f && fwrite(data, 1, size, f) == size);
	if (f)
		fclose(f);
}

static int load(const char *initrd, const char *append,
		struct linux_entry *entry)
{
	const struct boot_config config = {
		.kernel = kernel_path,
		.initrd = initrd,
		.append = append,
	};

	write_file(kernel_path, image, sizeof(image));
	return linux_load(&mem, &config, TSC_KHZ, 0, entry);
}

static void boots(void)
{
	struct linux_entry entry;
	struct boot_params *bp;
	u64 *gdt;

	make_memory(MIB(64));
	make_image();
	write_file(initrd_path, "initrd", 6);
	CHECK_EQ(load(initrd_path, "console=ttyS0", &entry), 0);

	CHECK_EQ(entry.ip, KERNEL_START);
	CHECK(!memcmp(memory_at(&mem, KERNEL_START, PAYLOAD), image + 0x1000,
		      PAYLOAD));
	gdt = memory_at(&mem, entry.gdt, entry.gdt_limit + 1);
	CHECK_EQ(gdt[entry.cs / 8], 0x00cf9b000000ffff);
	CHECK_EQ(gdt[entry.ds / 8], 0x00cf93000000ffff);

	bp = memory_at(&mem, entry.boot_params, sizeof(*bp));
	CHECK_EQ(bp->hdr.type_of_loader, 0xff);
	CHECK_EQ(bp->hdr.code32_start, KERNEL_START);
	CHECK_EQ(bp->hdr.header, 0x53726448);
	CHECK(!strcmp(memory_at(&mem, bp->hdr.cmd_line_ptr, 64),
		      "console=ttyS0 tsc_early_khz=2500000"));

	CHECK_EQ(bp->hdr.ramdisk_size, 6);
	CHECK_EQ(bp->hdr.ramdisk_image, MIB(64) - 4096);
	CHECK(!memcmp(memory_at(&mem, bp->hdr.ramdisk_image, 6), "initrd", 6));

	CHECK_EQ(bp->e820_entries, 4);
	CHECK_EQ(bp->e820_table[3].addr, MIB(1));
	CHECK_EQ(bp->e820_table[3].size, MIB(63));
	CHECK_EQ(bp->e820_table[3].type, 1);
}

/* Fields behind the header's end, which its jump tells, are not copied. */
static void short_header(void)
{
	struct linux_entry entry;
	struct boot_params *bp;

	make_memory(MIB(64));
	make_image();
	header()->jump = 0x62eb;	/* to 0x264: without kernel_info_offset */
	header()->kernel_info_offset = 0xdeadbeef;
	CHECK_EQ(load(NULL, "", &entry), 0);
	bp = memory_at(&mem, entry.boot_params, sizeof(*bp));
	CHECK_EQ(bp->hdr.init_size, KERNEL_NEED);
	CHECK_EQ(bp->hdr.kernel_info_offset, 0);
	CHECK_EQ(bp->hdr.ramdisk_size, 0);
}

static void initrd_limit(void)
{
	struct linux_entry entry;
	struct boot_params *bp;

	make_memory(MIB(64));
	make_image();
	header()->initrd_addr_max = 0x2ffffff;
	write_file(initrd_path, image, 5000);
	CHECK_EQ(load(initrd_path, "", &entry), 0);
	bp = memory_at(&mem, entry.boot_params, sizeof(*bp));
	CHECK_EQ(bp->hdr.ramdisk_image, 0x3000000 - 8192);

	/* With these limits the initrd would overlap the kernel, or lie below it. */
	header()->initrd_addr_max = KERNEL_START + KERNEL_NEED + 4095;
	CHECK(load(initrd_path, "", &entry) < 0);
	header()->initrd_addr_max = 0xffff;
	CHECK(load(initrd_path, "", &entry) < 0);
}

static void own_tsc(void)
{
	struct linux_entry entry;
	struct boot_params *bp;

	make_memory(MIB(64));
	make_image();
	CHECK_EQ(load(NULL, "quiet tsc_early_khz=1000", &entry), 0);
	bp = memory_at(&mem, entry.boot_params, sizeof(*bp));
	CHECK(!strcmp(memory_at(&mem, bp->hdr.cmd_line_ptr, 64),
		      "quiet tsc_early_khz=1000"));
	CHECK_EQ(load(NULL, "tsc_early_khz=7 quiet", &entry), 0);
	CHECK(!strcmp(memory_at(&mem, bp->hdr.cmd_line_ptr, 64),
		      "tsc_early_khz=7 quiet"));
	CHECK_EQ(load(NULL, "not_tsc_early_khz=7", &entry), 0);
	CHECK(!strcmp(memory_at(&mem, bp->hdr.cmd_line_ptr, 64),
		      "not_tsc_early_khz=7 tsc_early_khz=2500000"));
}

static void refused(void)
{
	struct linux_entry entry;
	char longest[3000];

	make_memory(MIB(64));
	make_image();
	memset(longest, 'x', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	CHECK(load(NULL, longest, &entry) < 0);
	longest[2047 - strlen(" tsc_early_khz=2500000")] = '\0';
	CHECK_EQ(load(NULL, longest, &entry), 0);

	header()->header = 0;
	CHECK(load(NULL, "", &entry) < 0);
	make_image();
	header()->version = 0x0209;
	CHECK(load(NULL, "", &entry) < 0);
	make_image();
	header()->loadflags = 0;
	CHECK(load(NULL, "", &entry) < 0);
	make_image();
	header()->pref_address = 0x1000;
	CHECK(load(NULL, "", &entry) < 0);
	make_image();
	header()->setup_sects = 0xff;
	CHECK(load(NULL, "", &entry) < 0);
	make_image();
	header()->init_size = MIB(64);
	CHECK(load(NULL, "", &entry) < 0);
	make_image();
	CHECK(load("/nonexistent", "", &entry) < 0);
	CHECK(load("/tmp", "", &entry) < 0);
	write_file(initrd_path, "", 0);
	CHECK(load(initrd_path, "", &entry) < 0);
	unlink(initrd_path);
	CHECK(!mkfifo(initrd_path, 0600));
	alarm(60);		/* in case the open waits for a writer of the FIFO */
	CHECK(load(initrd_path, "", &entry) < 0);
	alarm(0);
	unlink(initrd_path);

	write_file(kernel_path, image, 100);
	CHECK(linux_load(&mem, &(struct boot_config){
			 .kernel = kernel_path, .append = "" }, TSC_KHZ, 0, &entry) < 0);
}

static void high_memory(void)
{
	struct linux_entry entry;
	struct boot_params *bp;
	unsigned int i;

	make_memory(MIB(64));
	make_image();
	/* Pretend that there is more memory: the e820 map is made from the areas. */
	mem.areas[1].size = GIB(3) - mem.areas[1].gpa;
	memory_add(&mem, GIB(4), GIB(9), 0);
	CHECK_EQ(load(NULL, "", &entry), 0);
	bp = memory_at(&mem, entry.boot_params, sizeof(*bp));
	CHECK_EQ(bp->e820_entries, 5);
	CHECK_EQ(bp->e820_table[4].addr, GIB(4));
	CHECK_EQ(bp->e820_table[4].size, GIB(5));
	for (i = 1; i < bp->e820_entries; i++)
		CHECK(bp->e820_table[i - 1].addr + bp->e820_table[i - 1].size <=
		      bp->e820_table[i].addr);

	/* A kernel that begins there cannot be entered in 32-bit mode. */
	mem.areas[2].hva = calloc(1, MIB(32));
	header()->pref_address = GIB(4) + MIB(16);
	CHECK(load(NULL, "", &entry) < 0);
}

/* ---- ACPI --------------------------------------------------------------- */

static u8 sum(const u8 *bytes, unsigned int count)
{
	u8 total = 0;

	while (count--)
		total += *bytes++;
	return total;
}

static u32 get32(const u8 *p)
{
	u32 value;

	memcpy(&value, p, 4);
	return value;
}

static const u8 *table(u32 gpa, const char *signature)
{
	const u8 *t = memory_at(&mem, gpa, 36);

	CHECK(!memcmp(t, signature, 4));
	CHECK_EQ(sum(t, get32(t + 4)), 0);
	return t;
}

static void acpi_tables(void)
{
	struct linux_entry entry;
	struct boot_params *bp;
	const u8 *rsdp, *xsdt, *fadt, *dsdt, *facs;

	make_memory(MIB(64));
	make_image();
	CHECK_EQ(load(NULL, "", &entry), 0);
	bp = memory_at(&mem, entry.boot_params, sizeof(*bp));
	CHECK_EQ(bp->acpi_rsdp_addr, 0xe0000);

	rsdp = memory_at(&mem, bp->acpi_rsdp_addr, 36);
	CHECK(!memcmp(rsdp, "RSD PTR ", 8));
	CHECK_EQ(sum(rsdp, 20), 0);
	CHECK_EQ(sum(rsdp, 36), 0);
	xsdt = table(get32(rsdp + 24), "XSDT");
	CHECK_EQ(get32(xsdt + 4), 44);
	fadt = table(get32(xsdt + 36), "FACP");
	CHECK_EQ(get32(fadt + 4), 276);
	CHECK_EQ(get32(fadt + 56), PM1_EVENT_PORT);
	CHECK_EQ(get32(fadt + 64), PM1_CONTROL_PORT);
	CHECK_EQ(get32(fadt + 76), PM_TIMER_PORT);
	CHECK_EQ(fadt[88], 4);
	CHECK_EQ(fadt[89], 2);
	CHECK_EQ(fadt[91], 4);
	CHECK_EQ(fadt[108], 0x32);		/* century */
	CHECK_EQ(fadt[109], 0x1d);		/* boot architecture */
	CHECK_EQ(get32(fadt + 112), 0x465);
	CHECK_EQ(get32(fadt + 120), 0xcf9);	/* reset register */
	CHECK_EQ(fadt[128], 6);
	dsdt = table(get32(fadt + 40), "DSDT");
	CHECK(!memcmp(dsdt + 36, "\x08_S5_\x12\x08\x04\x0a\x05\x0a\x05", 12));
	facs = memory_at(&mem, get32(fadt + 36), 64);
	CHECK(!memcmp(facs, "FACS", 4));
	CHECK_EQ(get32(fadt + 36) % 64, 0);
}

/* Find the entry number @nr, from 0, of those of the MADT that have @type; NULL: none. */
static const u8 *madt_entry(const u8 *madt, u8 type, unsigned int nr)
{
	const u8 *end = madt + get32(madt + 4), *p;

	for (p = madt + 44; p < end; p += p[1]) {
		CHECK(p[1] >= 2 && p + p[1] <= end);
		if (p[1] < 2)
			break;
		if (*p == type && !nr--)
			return p;
	}
	return NULL;
}

/* Whether madt_entry() has exactly these bytes. */
static bool madt_has(const u8 *madt, u8 type, unsigned int nr, const char *bytes,
		     unsigned int count)
{
	const u8 *entry = madt_entry(madt, type, nr);

	return entry && entry[1] == count && !memcmp(entry, bytes, count);
}

/* Make tables for @apics CPUs, and return the MADT. */
static const u8 *make_madt(unsigned int apics)
{
	const u8 *xsdt;

	make_memory(MIB(64));
	acpi_build(memory_at(&mem, 0xe0000, ACPI_SIZE), 0xe0000, apics);
	xsdt = table(get32(memory_at(&mem, 0xe0000 + 24, 4)), "XSDT");
	CHECK_EQ(get32(xsdt + 4), 60);
	table(get32(xsdt + 36), "FACP");
	return table(get32(xsdt + 44), "APIC");
}

static void acpi_apics(void)
{
	const u8 *madt = make_madt(3);

	CHECK_EQ(get32(madt + 36), 0xfee00000);
	CHECK_EQ(get32(madt + 40), 1);
	CHECK(madt_has(madt, 0, 0, "\0\x08\0\0\x01\0\0\0", 8));
	CHECK(madt_has(madt, 0, 2, "\0\x08\x02\x02\x01\0\0\0", 8));
	CHECK(!madt_entry(madt, 0, 3));
	CHECK(!madt_entry(madt, 9, 0));
	CHECK(madt_has(madt, 1, 0, "\x01\x0c\0\0\0\0\xc0\xfe\0\0\0\0", 12));
	CHECK(!madt_entry(madt, 1, 1));
	/* The timer is an edge at input 2, ACPI's interrupt a level at input 9. */
	CHECK(madt_has(madt, 2, 0, "\x02\x0a\0\0\x02\0\0\0\x05\0", 10));
	CHECK(madt_has(madt, 2, 1, "\x02\x0a\0\x09\x09\0\0\0\x0d\0", 10));
	CHECK(!madt_entry(madt, 2, 2));
	CHECK(madt_has(madt, 4, 0, "\x04\x06\xff\x05\0\x01", 6));
	CHECK(!madt_entry(madt, 10, 0));
}

/* ECAM is reserved, the DSDT has the root, and the FADT allows MSI. */
static void acpi_pci(void)
{
	static const char root[] = "PCI0\x08_HID\x0c\x41\xd0\x0a\x08";
	static const char board[] = "MRES\x08_HID\x0c\x41\xd0\x0c\x02";
	const u8 *xsdt, *mcfg, *fadt, *dsdt;

	make_madt(1);
	xsdt = table(get32(memory_at(&mem, 0xe0000 + 24, 4)), "XSDT");
	mcfg = table(get32(xsdt + 52), "MCFG");
	CHECK_EQ(get32(mcfg + 4), 60);
	CHECK_EQ(get32(mcfg + 44), 0xe0000000);
	CHECK_EQ(get32(mcfg + 48) | get32(mcfg + 52) | get32(mcfg + 56), 0);
	fadt = table(get32(xsdt + 36), "FACP");
	CHECK_EQ(fadt[109], 0x15);
	dsdt = table(get32(fadt + 40), "DSDT");
	CHECK(memmem(dsdt, get32(dsdt + 4), root, sizeof(root) - 1));
	CHECK(memmem(dsdt, get32(dsdt + 4), board, sizeof(board) - 1));
}

static void acpi_many_apics(void)
{
	const u8 *madt = make_madt(ACPI_APICS_MAX);

	CHECK(madt_has(madt, 0, 254, "\0\x08\xfe\xfe\x01\0\0\0", 8));
	CHECK(!madt_entry(madt, 0, 255));
	CHECK(madt_has(madt, 9, 0, "\x09\x10\0\0\xff\0\0\0\x01\0\0\0\xff\0\0\0", 16));
	CHECK(madt_has(madt, 9, ACPI_APICS_MAX - 255 - 1,
		       "\x09\x10\0\0\xff\x03\0\0\x01\0\0\0\xff\x03\0\0", 16));
	CHECK(!madt_entry(madt, 9, ACPI_APICS_MAX - 255));
	CHECK(madt_entry(madt, 1, 0));
	CHECK(madt_has(madt, 10, 0, "\x0a\x0c\x05\0\xff\xff\xff\xff\x01\0\0\0", 12));
}

static void real_kernels(void)
{
	const char *names = getenv("AXVMM_TEST_KERNELS");
	struct boot_config config = { .append = "" };
	char *list = strdup(names ?: ""), *path, *state;
	struct linux_entry entry;

	make_memory(MIB(256));
	for (path = strtok_r(list, " ", &state); path;
	     path = strtok_r(NULL, " ", &state)) {
		config.kernel = path;
		CHECK_EQ(linux_load(&mem, &config, TSC_KHZ, 0, &entry), 0);
		CHECK_EQ(entry.ip, KERNEL_START);
	}
	free(list);
}

static const struct tap_case cases[] = {
	{ "kernel, initrd, command line, memory map", boots },
	{ "a header of an older kernel", short_header },
	{ "where the initrd may be", initrd_limit },
	{ "the user's TSC frequency", own_tsc },
	{ "kernels that are refused", refused },
	{ "memory above 4 GiB", high_memory },
	{ "ACPI tables", acpi_tables },
	{ "ACPI tables: APICs", acpi_apics },
	{ "ACPI tables: PCI", acpi_pci },
	{ "ACPI tables: 1,024 APICs", acpi_many_apics },
	{ "kernels named in AXVMM_TEST_KERNELS", real_kernels },
};

int main(void)
{
	int ret;

	strcpy(kernel_path, "/tmp/axvmm-test-kernel-XXXXXX");
	strcpy(initrd_path, "/tmp/axvmm-test-initrd-XXXXXX");
	if (mkstemp(kernel_path) < 0 || mkstemp(initrd_path) < 0)
		return 1;
	ret = tap_run(cases, ARRAY_SIZE(cases));
	unlink(kernel_path);
	unlink(initrd_path);
	return ret;
}
