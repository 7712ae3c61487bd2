// SPDX-License-Identifier: GPL-2.0
/*
 * Tests of loading a kernel made for the test, files that are no kernel, and a firmware; and
 * of the device tree.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libfdt.h>

#include "devicetree.h"
#include "linux.h"
#include "map.h"
#include "tap.h"

#define IMAGE_SIZE	0x3000
#define IMAGE_NEED	0x9000

static struct memory mem;
static char kernel_path[64], initrd_path[64];
static u8 image[IMAGE_SIZE];

static void make_memory(u64 size)
{
	unsigned int i;

	for (i = 0; i < mem.nr; i++)
		free(mem.areas[i].hva);
	memset(&mem, 0, sizeof(mem));
	memory_add(&mem, MAP_FLASH, MAP_FLASH + MAP_FLASH_SIZE, AXV_REGION_READONLY);
	memory_add(&mem, MAP_RAM, MAP_RAM + size, 0);
	for (i = 0; i < mem.nr; i++)
		mem.areas[i].hva = calloc(1, mem.areas[i].size);
}

static void put(unsigned int offset, u64 value)
{
	memcpy(image + offset, &value, sizeof(value));
}

/* Make an Image, whose header says: a size, little-endian, pages of 4 KiB. */
static void make_image(void)
{
	unsigned int i;

	for (i = 0; i < sizeof(image); i++)
		image[i] = i;
	memset(image, 0, 64);
	memcpy(image, "MZ", 2);
	put(16, IMAGE_NEED);
	put(24, 2);
	memcpy(image + 56, "ARM\x64", 4);
}

static void write_file(const char *path, const void *data, size_t size)
{
	FILE *f = fopen(path, "w");

	CHECK(f && fwrite(data, 1, size, f) == size && !fclose(f));
}

static int load(const char *initrd, struct linux_image *loaded)
{
	const struct boot_config config = {
		.kernel = kernel_path, .initrd = initrd, .append = "",
	};

	write_file(kernel_path, image, sizeof(image));
	return linux_load(&mem, &config, loaded);
}

static void kernel(void)
{
	struct linux_image loaded;

	make_memory(MIB(64));
	make_image();
	CHECK_EQ(load(NULL, &loaded), 0);
	CHECK_EQ(loaded.entry, 0x40200000);
	CHECK_EQ(loaded.initrd_size, 0);
	CHECK(!memcmp(memory_at(&mem, loaded.entry, sizeof(image)), image, sizeof(image)));
	/* Kernels before 5.8 have a text_offset that is no multiple of 2 MiB. */
	put(8, 0x80000);
	CHECK_EQ(load(NULL, &loaded), 0);
	CHECK_EQ(loaded.entry, 0x40280000);
}

static void initrd(void)
{
	static u8 data[5000];
	struct linux_image loaded;

	make_memory(MIB(64));
	make_image();
	memset(data, 0x5a, sizeof(data));
	write_file(initrd_path, data, sizeof(data));
	CHECK_EQ(load(initrd_path, &loaded), 0);
	/* The initrd is behind the memory that the kernel needs, which is more than its file. */
	CHECK_EQ(loaded.initrd, 0x40200000 + IMAGE_NEED);
	CHECK_EQ(loaded.initrd_size, sizeof(data));
	CHECK(!memcmp(memory_at(&mem, loaded.initrd, sizeof(data)), data, sizeof(data)));
	put(16, MIB(62) - 4096);
	CHECK(load(initrd_path, &loaded) < 0);
	CHECK(load("/nonexistent", &loaded) < 0);
}

static void no_kernel(void)
{
	struct linux_image loaded;

	make_memory(MIB(64));
	make_image();
	image[59] = 0;
	CHECK(load(NULL, &loaded) < 0);
	make_image();
	put(16, 0);
	CHECK(load(NULL, &loaded) < 0);
	make_image();
	put(24, 3);
	CHECK(load(NULL, &loaded) < 0);
	make_image();
	put(16, MIB(64));
	CHECK(load(NULL, &loaded) < 0);
	make_image();
	put(16, ~0ull - 100);
	CHECK(load(NULL, &loaded) < 0);
	make_image();
	put(8, ~0ull - 100);
	CHECK(load(NULL, &loaded) < 0);
	make_image();
	memcpy(image + 4, "zimg", 4);
	CHECK(load(NULL, &loaded) < 0);
	make_image();
	memcpy(image + 0x202, "HdrS", 4);
	CHECK(load(NULL, &loaded) < 0);
	make_image();
	memcpy(image, "\037\213", 2);
	CHECK(load(NULL, &loaded) < 0);
	write_file(kernel_path, image, 20);
	CHECK(linux_load(&mem, &(struct boot_config){ .kernel = kernel_path }, &loaded) < 0);
}

static void firmware(void)
{
	make_memory(MIB(64));
	make_image();
	write_file(kernel_path, image, sizeof(image));
	CHECK_EQ(firmware_load(&mem, kernel_path), 0);
	CHECK(!memcmp(memory_at(&mem, 0, sizeof(image)), image, sizeof(image)));
	write_file(kernel_path, image, 0);
	CHECK(firmware_load(&mem, kernel_path) < 0);
	CHECK(firmware_load(&mem, "/nonexistent") < 0);
}

/* ---- the device tree ---------------------------------------------------- */

static u8 tree[MAP_FDT_SIZE];

static u64 number(const char *path, const char *name, unsigned int cell, unsigned int cells)
{
	int len, node = fdt_path_offset(tree, path);
	const fdt32_t *value = fdt_getprop(tree, node, name, &len);
	u64 n = 0;

	if (!value || len < (int)((cell + cells) * sizeof(*value))) {
		tap_fail(__FILE__, __LINE__, "%s has no %s of that length", path, name);
		return 0;
	}
	for (; cells--; cell++)
		n = n << 32 | fdt32_to_cpu(value[cell]);
	return n;
}

static bool is(const char *path, const char *name, const char *text)
{
	return !fdt_stringlist_search(tree, fdt_path_offset(tree, path), name, text);
}

static void device_tree(void)
{
	static const u64 mpidrs[] = { 0, 1, 0x100 };
	const struct devicetree_config config = {
		.memory = MIB(768),
		.mpidrs = mpidrs,
		.nr_cpus = ARRAY_SIZE(mpidrs),
		.append = "console=ttyAMA0 x",
		.initrd = 0x42000000,
		.initrd_size = 0x1234,
	};

	CHECK_EQ(devicetree_build(&config, tree, sizeof(tree)), 0);
	CHECK_EQ(fdt_check_full(tree, sizeof(tree)), 0);
	CHECK(is("/chosen", "bootargs", "console=ttyAMA0 x"));
	CHECK_EQ(number("/chosen", "linux,initrd-start", 0, 2), 0x42000000);
	CHECK_EQ(number("/chosen", "linux,initrd-end", 0, 2), 0x42001234);
	CHECK(number("/chosen", "rng-seed", 0, 2));
	CHECK_EQ(number("/memory@40000000", "reg", 0, 2), 0x40000000);
	CHECK_EQ(number("/memory@40000000", "reg", 2, 2), MIB(768));
	CHECK_EQ(number("/cpus/cpu@100", "reg", 0, 1), 0x100);
	CHECK(is("/cpus/cpu@1", "enable-method", "psci"));
	CHECK(fdt_path_offset(tree, "/cpus/cpu@2") < 0);
	CHECK(is("/psci", "method", "hvc"));
	CHECK(is("/psci", "compatible", "arm,psci-1.0"));
	CHECK_EQ(number("/intc@8000000", "reg", 4, 2), 0x080a0000);
	CHECK_EQ(number("/intc@8000000", "reg", 6, 2), 3 * 0x20000);
	CHECK_EQ(number("/", "interrupt-parent", 0, 1),
		 number("/intc@8000000", "phandle", 0, 1));
	/* Messages of PCI devices go to the frame, which is a part of the GIC. */
	CHECK(is("/intc@8000000/v2m@8020000", "compatible", "arm,gic-v2m-frame"));
	CHECK_EQ(number("/intc@8000000/v2m@8020000", "reg", 0, 2), 0x08020000);
	CHECK_EQ(number("/intc@8000000/v2m@8020000", "reg", 2, 2), 0x1000);
	CHECK(is("/pcie@3f000000", "compatible", "pci-host-ecam-generic"));
	CHECK(is("/pcie@3f000000", "device_type", "pci"));
	CHECK_EQ(number("/pcie@3f000000", "reg", 0, 2), 0x3f000000);
	/* ECAM has 1 MiB for each bus. */
	CHECK_EQ(number("/pcie@3f000000", "reg", 2, 2), MIB(1));
	CHECK_EQ(number("/pcie@3f000000", "bus-range", 0, 2), 0);
	/* Memory of 32 bits, at the same address for the CPU and on the bus. */
	CHECK_EQ(number("/pcie@3f000000", "ranges", 0, 1), 0x02000000);
	CHECK_EQ(number("/pcie@3f000000", "ranges", 1, 2), 0x10000000);
	CHECK_EQ(number("/pcie@3f000000", "ranges", 3, 2), 0x10000000);
	CHECK_EQ(number("/pcie@3f000000", "ranges", 5, 2), 0x2eff0000);
	CHECK_EQ(number("/pcie@3f000000", "msi-map", 0, 1), 0);
	CHECK_EQ(number("/pcie@3f000000", "msi-map", 1, 1),
		 number("/intc@8000000/v2m@8020000", "phandle", 0, 1));
	CHECK_EQ(number("/pcie@3f000000", "msi-map", 3, 1), 0x10000);
	/* The virtual timer is the third interrupt: PPI 11. */
	CHECK_EQ(number("/timer", "interrupts", 7, 1), 11);
	CHECK(is("/pl011@9000000", "compatible", "arm,pl011"));
	CHECK_EQ(number("/pl011@9000000", "interrupts", 1, 1), 1);
	CHECK_EQ(number("/pl031@9010000", "interrupts", 1, 1), 2);
	CHECK_EQ(fdt_path_offset(tree, fdt_getprop(tree, fdt_path_offset(tree, "/chosen"),
						   "stdout-path", NULL)),
		 fdt_path_offset(tree, "/pl011@9000000"));
}

static void small_tree(void)
{
	static char append[4096];
	const u64 mpidr = 0;
	struct devicetree_config config = {
		.memory = MIB(64), .mpidrs = &mpidr, .nr_cpus = 1,
	};

	CHECK_EQ(devicetree_build(&config, tree, sizeof(tree)), 0);
	CHECK(!fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "bootargs", NULL));
	CHECK(!fdt_getprop(tree, fdt_path_offset(tree, "/chosen"), "linux,initrd-start", NULL));
	memset(append, 'a', sizeof(append) - 1);
	config.append = append;
	CHECK(devicetree_build(&config, tree, sizeof(append)) < 0);
}

static const struct tap_case cases[] = {
	{ "a kernel", kernel },
	{ "an initial RAM disk", initrd },
	{ "files that are no kernel", no_kernel },
	{ "a firmware", firmware },
	{ "the device tree", device_tree },
	{ "a device tree that is too small", small_tree },
};

int main(void)
{
	int code;

	snprintf(kernel_path, sizeof(kernel_path), "/tmp/axvmm-test-kernel-XXXXXX");
	snprintf(initrd_path, sizeof(initrd_path), "/tmp/axvmm-test-initrd-XXXXXX");
	close(mkstemp(kernel_path));
	close(mkstemp(initrd_path));
	code = tap_run(cases, ARRAY_SIZE(cases));
	unlink(kernel_path);
	unlink(initrd_path);
	return code;
}
