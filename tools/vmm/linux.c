// SPDX-License-Identifier: GPL-2.0
/*
 * Loading a Linux kernel (Documentation/x86/boot.rst, zero-page.rst): the
 * 32-bit entry, which every bzImage has, whatever it is compressed with.
 *
 * axvmm is the boot loader and the firmware in one: it makes the zero page,
 * the memory map, the ACPI tables and the BIOS data area.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <asm/bootparam.h>

#include "acpi.h"
#include "linux.h"
#include "log.h"

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
#define HEADER_SIZE	0x1000		/* what is read to look at the header */
#define SECTOR		512
#define BOOT_FLAG	0xaa55
#define PROTOCOL	0x020a		/* has pref_address and init_size */
#define PROTOCOL_RSDP	0x020e		/* has acpi_rsdp_addr */
#define LOADER_OTHER	0xff
#define VIDEO_NORMAL	0xffff

#define PAGE		4096

#define TSC_PARAMETER	" tsc_early_khz="

/* Flat 4 GiB segments: code, execute and read; data, read and write. */
static const u64 gdt[] = {
	0, 0, 0x00cf9b000000ffff, 0x00cf93000000ffff,
};

/**
 * struct file - a file to be loaded
 * @path:	its path, for messages
 * @fd:		descriptor
 * @size:	bytes
 */
struct file {
	const char *path;
	int fd;
	u64 size;
};

static int file_open(struct file *file, const char *what, const char *path)
{
	struct stat st;
	int err;

	file->path = path;
	file->fd = open(path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0) {
		err = -errno;
		log_error("%s: cannot open the %s: %s", path, what,
			  strerror(errno));
		return err;
	}
	if (fstat(file->fd, &st) || !S_ISREG(st.st_mode)) {
		log_error("%s: the %s has to be a plain file", path, what);
		close(file->fd);
		return -EINVAL;
	}
	file->size = st.st_size;
	return 0;
}

static int file_read(const struct file *file, u64 offset, void *buf, u64 size)
{
	char *at = buf;

	while (size) {
		ssize_t n = pread(file->fd, at, size, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			log_error("%s: cannot read: %s", file->path,
				  n ? strerror(errno) : "the file ends too early");
			return n ? -errno : -EIO;
		}
		at += n;
		offset += n;
		size -= n;
	}
	return 0;
}

static int not_bzimage(const struct file *file, const char *why)
{
	log_error("%s: not a bzImage (%s); give a kernel as in /boot/vmlinuz-*",
		  file->path, why);
	return -ENOEXEC;
}

/* Look at the setup header and copy it to the zero page. */
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

	/* The header ends where its jump instruction at 0x200 leads. */
	end = 0x202 + start[0x201];
	if (end < HEADER_OFFSET + sizeof(*hdr))
		memset(start + end, 0, HEADER_OFFSET + sizeof(*hdr) - end);
	memcpy(hdr, start + HEADER_OFFSET, sizeof(*hdr));
	return 0;
}

/* The protected-mode kernel to where it wants to be. */
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

/* As high as the kernel allows, out of the way of its decompression. */
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
	if (limit > mem->low_end)
		limit = mem->low_end;
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

/*
 * The command line, with the frequency of the TSC.  Linux would measure it
 * against timers that are emulated here, and measure the emulation: the slower
 * the host, the worse.
 */
static int set_cmdline(const struct memory *mem, const struct linux_config *config,
		       struct setup_header *hdr)
{
	char *cmdline = memory_at(mem, CMDLINE_ADDR, CMDLINE_SPACE);
	u32 space = hdr->cmdline_size;
	int len;

	if (space >= CMDLINE_SPACE)
		space = CMDLINE_SPACE - 1;

	if (strstr(config->append, TSC_PARAMETER))
		len = snprintf(cmdline, CMDLINE_SPACE, "%s", config->append);
	else
		len = snprintf(cmdline, CMDLINE_SPACE, "%s" TSC_PARAMETER "%u",
			       config->append, config->tsc_khz);
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

static void fill_e820(const struct memory *mem, struct boot_params *bp)
{
	add_e820(bp, 0, EBDA_ADDR, E820_RAM);
	add_e820(bp, EBDA_ADDR, BASE_END, E820_RESERVED);
	add_e820(bp, FIRMWARE_START, FIRMWARE_END, E820_RESERVED);
	add_e820(bp, FIRMWARE_END, mem->low_end, E820_RAM);
	if (mem->high_size)
		add_e820(bp, HIGH_START, HIGH_START + mem->high_size, E820_RAM);
}

/* What a BIOS leaves for whoever looks for the end of base memory. */
static void fill_bios_data(const struct memory *mem)
{
	const u16 ebda = EBDA_ADDR >> 4, base_kib = EBDA_ADDR >> 10;

	memcpy(memory_at(mem, BDA_EBDA, 2), &ebda, 2);
	memcpy(memory_at(mem, BDA_BASE_KIB, 2), &base_kib, 2);
}

int linux_load(const struct memory *mem, const struct linux_config *config,
	       struct linux_entry *entry)
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
		err = set_cmdline(mem, config, &bp->hdr);
	if (err)
		return err;

	bp->hdr.type_of_loader = LOADER_OTHER;
	bp->hdr.vid_mode = VIDEO_NORMAL;
	fill_e820(mem, bp);
	fill_bios_data(mem);

	acpi_build(memory_at(mem, ACPI_ADDR, ACPI_SIZE), ACPI_ADDR);
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
