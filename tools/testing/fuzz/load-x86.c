// SPDX-License-Identifier: GPL-2.0
/* A bzImage, an initrd and a command line that are put into guest memory. */
#include <stdbool.h>

#include <asm/bootparam.h>

#include "acpi.h"
#include "files.h"
#include "linux.h"
#include "map.h"

/*
 * What a header needs to be looked at further, but for what @spoiled leaves alone, and,
 * where the input has zeroes, what lets the kernel be loaded.
 */
static void add_magic(uint8_t *image, uint8_t spoiled, bool defaults)
{
	struct setup_header *hdr = (struct setup_header *)(image + 0x1f1);

	if (!(spoiled & 1))
		hdr->boot_flag = 0xaa55;
	if (!(spoiled & 2))
		hdr->header = 0x53726448;
	if (!(spoiled & 4) && hdr->version < 0x20c)
		hdr->version += 0x20c;
	if (!(spoiled & 8))
		hdr->loadflags |= LOADED_HIGH;
	if (!defaults)
		return;
	hdr->jump = hdr->jump ? hdr->jump : 0x66eb;
	hdr->pref_address = hdr->pref_address ? hdr->pref_address : 0x1000000;
	hdr->init_size = hdr->init_size ? hdr->init_size : 0x8000;
	hdr->cmdline_size = hdr->cmdline_size ? hdr->cmdline_size : 2047;
	hdr->initrd_addr_max = hdr->initrd_addr_max ? hdr->initrd_addr_max : 0x7fffffff;
}

/* A few MiB, or so many that some are above 4 GiB. */
static uint64_t take_memory(struct input *in)
{
	uint8_t what = take(in, 1);

	return (what & 0x40 ? 3072 - 32 + (uint64_t)(what & 63) : 16 + what % 64) << 20;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct linux_entry entry;
	struct boot_config config;
	struct memory mem = {};
	struct files files;
	uint8_t what = take(&in, 1);
	uint8_t spoiled = take(&in, 1);

	map_memory(&mem, take_memory(&in));
	memory_take(&mem);
	files_make(&files, &in, what, &config);
	if ((what & 1) && files.kernel_size >= 0x280)
		add_magic(files.kernel, spoiled < 0xf0 ? 0 : spoiled, !(what & 8));
	files_write(&files);
	if (!linux_load(&mem, &config, 2500000, take(&in, 2) % (ACPI_APICS_MAX + 1), &entry)) {
		must(memory_at(&mem, entry.boot_params, sizeof(struct boot_params)));
		must(memory_at(&mem, entry.gdt, entry.gdt_limit + 1));
		must(memory_at(&mem, entry.ip, 1));
	}
	files_free(&files);
	memory_drop(&mem);
	return 0;
}
