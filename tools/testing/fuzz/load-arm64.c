// SPDX-License-Identifier: GPL-2.0
/* An Image or a firmware, an initrd, and the device tree that goes with them. */
#include "devicetree.h"
#include "files.h"
#include "linux.h"
#include "map.h"

#define TREE	65536

static void add_magic(uint8_t *image)
{
	memcpy(image + 56, "ARM\x64", 4);
	image[24] = (image[24] & ~7) | 2;	/* little-endian, 4 KiB */
	if (!(image[16] | image[17] | image[18]))
		image[18] = 1;			/* 64 KiB */
}

static void build_tree(const struct boot_config *config, const struct linux_image *image,
		       uint8_t what)
{
	static const u64 mpidrs[] = { 0, 1, 0x100, 0x0100000002 };
	const struct devicetree_config tree = {
		.memory = 64u << 20,
		.mpidrs = mpidrs,
		.nr_cpus = 1 + (what >> 4 & 3),
		.append = config->append ? config->append : "",
		.initrd = image->initrd,
		.initrd_size = image->initrd_size,
	};
	static uint8_t buffer[TREE];

	devicetree_build(&tree, buffer, 1024 + (what >> 6) * (TREE - 1024) / 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct linux_image image = {};
	struct boot_config config;
	struct memory mem = {};
	struct files files;
	uint8_t what = take(&in, 1);

	memory_add(&mem, MAP_FLASH, MAP_FLASH + MAP_FLASH_SIZE, 0);
	memory_add(&mem, MAP_RAM, MAP_RAM + ((uint64_t)(16 + take(&in, 1) % 64) << 20), 0);
	memory_take(&mem);
	files_make(&files, &in, what, &config);
	if ((what & 1) && files.kernel_size >= 64)
		add_magic(files.kernel);
	files_write(&files);
	if (what & 8)
		firmware_load(&mem, config.kernel);
	else if (!linux_load(&mem, &config, &image))
		must(memory_at(&mem, image.entry, 1));
	build_tree(&config, &image, what);
	files_free(&files);
	memory_drop(&mem);
	return 0;
}
