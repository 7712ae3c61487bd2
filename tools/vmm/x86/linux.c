// SPDX-License-Identifier: GPL-2.0
/*
 * Loading a Linux kernel (Documentation/x86/boot.rst, zero-page.rst): the
 * 32-bit entry, which every bzImage has, whatever it is compressed with.
 *
 * axvmm is the boot loader and the firmware in one: it makes the zero page,
 * the memory map, the ACPI tables and the BIOS data area.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <asm/bootparam.h>

#include "acpi.h"
#include "file.h"
#include "linux.h"
#include "log.h"
#include "map.h"
#include "pci.h"

/* Where things are in the first 640 KiB. */
#define BDA_EBDA	0x40e	/* segment of the extended BIOS data area */
#define BDA_BASE_KIB	0x413	/* size of base memory */
#define GDT_ADDR	0x1000
#define BOOT_PARAMS_ADDR 0x10000
#define CMDLINE_ADDR	0x20000
#define CMDLINE_SPACE	0x10000
#define EBDA_ADDR	0x9fc00
#define ACPI_ADDR	0xe0000

#define E820_RAM	1
#define E820_RESERVED	2

/* Selectors that the protocol prescribes. */
#define BOOT_CS		0x10
#define BOOT_DS		0x18

#define HEADER_OFFSET	0x1f1
#define HEADER_MAGIC	0x53726448	/* "HdrS" */
#define HEADER_SIZE	0x1000		/* bytes of the file that are read for the header */
#define SECTOR		512
#define BOOT_FLAG	0xaa55
#define PROTOCOL	0x020a		/* the first version with pref_address and init_size */
#define PROTOCOL_RSDP	0x020e		/* the first version with acpi_rsdp_addr */
#define LOADER_OTHER	0xff
#define VIDEO_NORMAL	0xffff

#define PAGE		4096

#define TSC_PARAMETER	"tsc_early_khz="

/* Flat 4 GiB segments: code, execute and read; data, read and write. */
static const u64 gdt[] = {
	0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff,
};

static int not_bzimage(const struct file *file, const char *why)
{
	log_error("%s: not a bzImage (%s); give a kernel as in /boot/vmlinuz-*",
		  file->path, why);
	return -ENOEXEC;
}

/* Check the setup header, and copy it to the zero page. */
static int read_header(const struct file *file, struct boot_params *bp)
{
	u8 start[HEADER_SIZE];
	struct setup_header *hdr = &bp->hdr;
	size_t end;
	int err;

	if (file->size < sizeof(start))
		return not_bzimage(file, "the file is too short");
	err = file_read(file, 0, start, sizeof(start));
	if (err)
		return err;

	memcpy(hdr, start + HEADER_OFFSET, sizeof(*hdr));
	if (hdr->boot_flag != BOOT_FLAG || hdr->header != HEADER_MAGIC)
		return not_bzimage(file, "it has no setup header");
	if (!(hdr->loadflags & LOADED_HIGH))
		return not_bzimage(file, "it is a zImage");
	if (hdr->version < PROTOCOL) {
		log_error("%s: boot protocol %u.%02u is too old; Linux 2.6.31 or newer is needed",
			  file->path, hdr->version >> 8, hdr->version & 0xff);
		return -ENOEXEC;
	}

	/* The header's end is the target of its jump instruction at 0x200. */
	end = 0x202 + start[0x201];
	if (end < HEADER_OFFSET + sizeof(*hdr))
		memset(start + end, 0, HEADER_OFFSET + sizeof(*hdr) - end);
	memcpy(hdr, start + HEADER_OFFSET, sizeof(*hdr));
	return 0;
}

/* Load the protected-mode kernel to the address that it prefers. */
static int load_kernel(const struct memory *mem, const struct file *file,
		       struct setup_header *hdr, u64 *end)
{
	u64 offset = ((hdr->setup_sects ?: 4) + 1) * SECTOR;
	u64 start = hdr->pref_address, size, need;
	void *at;

	if (offset >= file->size)
		return not_bzimage(file, "it ends within its setup sectors");
	if (start < FIRMWARE_END)
		return not_bzimage(file, "it asks for memory below 1 MiB");
	/* The 32-bit entry cannot be there. */
	if (start >= GIB(4))
		return not_bzimage(file, "it asks for memory above 4 GiB");
	size = file->size - offset;
	need = size > hdr->init_size ? size : hdr->init_size;

	at = memory_at(mem, start, need);
	if (!at) {
		log_error("%s: the kernel needs %llu MiB of memory to start; use --mem %lluM",
			  file->path, need >> 20,
			  ALIGN_UP(start + need, MIB(32)) >> 20);
		return -ENOMEM;
	}
	hdr->code32_start = start;
	*end = start + need;
	log_trace(LOG_INFO, "kernel %s at %#llx-%#llx, boot protocol %u.%02u",
		  file->path, start, start + size - 1, hdr->version >> 8,
		  hdr->version & 0xff);
	return file_read(file, offset, at, size);
}

/* Load the initial RAM disk as high as the kernel allows: there it is not in the way of the
 * kernel's decompression.
 */
static int load_initrd(const struct memory *mem, const char *path,
		       struct setup_header *hdr, u64 kernel_end)
{
	struct file file;
	u64 limit, start;
	int err;

	err = file_open(&file, "initial RAM disk", path);
	if (err)
		return err;

	limit = (u64)hdr->initrd_addr_max + 1;
	if (limit > map_low_end(mem))
		limit = map_low_end(mem);
	if (limit < kernel_end || file.size > limit - kernel_end ||
	    ALIGN_DOWN(limit - file.size, PAGE) < kernel_end) {
		log_error("%s: %llu MiB do not fit beside the kernel; use a larger --mem",
			  path, ALIGN_UP(file.size, MIB(1)) >> 20);
		err = -ENOMEM;
		goto out;
	}

	start = ALIGN_DOWN(limit - file.size, PAGE);
	err = file_read(&file, 0, memory_at(mem, start, file.size), file.size);
	hdr->ramdisk_image = start;
	hdr->ramdisk_size = file.size;
	log_trace(LOG_INFO, "initrd %s at %#llx-%#llx", path, start,
		  start + file.size - 1);
out:
	close(file.fd);
	return err;
}

/* Whether a word of the command line begins with @parameter. */
static bool has_parameter(const char *cmdline, const char *parameter)
{
	const char *at = cmdline;

	while ((at = strstr(at, parameter))) {
		if (at == cmdline || at[-1] == ' ')
			return true;
		at++;
	}
	return false;
}

/*
 * Store the command line, with the TSC's frequency added.  Linux would otherwise measure
 * that against emulated timers, and the slower the host, the more wrong the result.
 */
static int set_cmdline(const struct memory *mem, const struct boot_config *config,
		       u32 tsc_khz, struct setup_header *hdr)
{
	char *cmdline = memory_at(mem, CMDLINE_ADDR, CMDLINE_SPACE);
	u32 space = hdr->cmdline_size;
	int len;

	if (space >= CMDLINE_SPACE)
		space = CMDLINE_SPACE - 1;

	if (has_parameter(config->append, TSC_PARAMETER))
		len = snprintf(cmdline, CMDLINE_SPACE, "%s", config->append);
	else
		len = snprintf(cmdline, CMDLINE_SPACE, "%s " TSC_PARAMETER "%u",
			       config->append, tsc_khz);
	if (len < 0 || (u32)len > space) {
		log_error("--append: the command line is too long; %s takes %u characters",
			  config->kernel, space);
		return -E2BIG;
	}
	hdr->cmd_line_ptr = CMDLINE_ADDR;
	log_trace(LOG_INFO, "command line: %s", cmdline);
	return 0;
}

static void add_e820(struct boot_params *bp, u64 start, u64 end, u32 type)
{
	struct boot_e820_entry *entry = &bp->e820_table[bp->e820_entries++];

	entry->addr = start;
	entry->size = end - start;
	entry->type = type;
}

static void fill_e820(const struct memory *mem, struct boot_params *bp, bool pci)
{
	add_e820(bp, 0, EBDA_ADDR, E820_RAM);
	add_e820(bp, EBDA_ADDR, BASE_END, E820_RESERVED);
	add_e820(bp, FIRMWARE_START, FIRMWARE_END, E820_RESERVED);
	add_e820(bp, FIRMWARE_END, map_low_end(mem), E820_RAM);
	if (pci)
		add_e820(bp, MAP_ECAM, MAP_ECAM + PCI_ECAM_SIZE, E820_RESERVED);
	if (map_high_size(mem))
		add_e820(bp, HIGH_START, HIGH_START + map_high_size(mem), E820_RAM);
}

/* Fill in what a BIOS leaves: software finds the end of base memory there. */
static void fill_bios_data(const struct memory *mem)
{
	const u16 ebda = EBDA_ADDR >> 4, base_kib = EBDA_ADDR >> 10;

	memcpy(memory_at(mem, BDA_EBDA, 2), &ebda, 2);
	memcpy(memory_at(mem, BDA_BASE_KIB, 2), &base_kib, 2);
}

int linux_load(const struct memory *mem, const struct boot_config *config,
	       u32 tsc_khz, unsigned int apics, struct linux_entry *entry)
{
	struct boot_params *bp;
	struct file kernel;
	u64 kernel_end;
	int err;

	bp = memory_at(mem, BOOT_PARAMS_ADDR, sizeof(*bp));
	memset(bp, 0, sizeof(*bp));

	err = file_open(&kernel, "kernel", config->kernel);
	if (err)
		return err;
	err = read_header(&kernel, bp);
	if (!err)
		err = load_kernel(mem, &kernel, &bp->hdr, &kernel_end);
	close(kernel.fd);
	if (!err && config->initrd)
		err = load_initrd(mem, config->initrd, &bp->hdr, kernel_end);
	if (!err)
		err = set_cmdline(mem, config, tsc_khz, &bp->hdr);
	if (err)
		return err;

	bp->hdr.type_of_loader = LOADER_OTHER;
	bp->hdr.vid_mode = VIDEO_NORMAL;
	fill_e820(mem, bp, apics);
	fill_bios_data(mem);

	acpi_build(memory_at(mem, ACPI_ADDR, ACPI_SIZE), ACPI_ADDR, apics);
	if (bp->hdr.version >= PROTOCOL_RSDP)
		bp->acpi_rsdp_addr = ACPI_ADDR;

	memcpy(memory_at(mem, GDT_ADDR, sizeof(gdt)), gdt, sizeof(gdt));
	*entry = (struct linux_entry){
		.ip = bp->hdr.code32_start,
		.boot_params = BOOT_PARAMS_ADDR,
		.gdt = GDT_ADDR,
		.gdt_limit = sizeof(gdt) - 1,
		.cs = BOOT_CS,
		.ds = BOOT_DS,
	};
	return 0;
}
