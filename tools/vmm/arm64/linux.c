// SPDX-License-Identifier: GPL-2.0
/*
 * Loading a Linux kernel (Documentation/arm64/booting.rst), which has to be an Image, as
 * Debian's /boot/vmlinuz-* is; or loading a firmware, which is only copied to its place.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "file.h"
#include "linux.h"
#include "log.h"
#include "map.h"

#define PAGE		4096

#define FLAG_BIG_ENDIAN	BIT(0)

/* The header of an Image, 64 bytes, little-endian. */
struct header {
	u32 code[2];
	u64 text_offset;
	u64 image_size;
	u64 flags;
	u64 reserved[3];
	char magic[4];
	u32 pe_offset;
};

/**
 * struct format - a format of files that a user may take for an Image
 * @offset:	where the format's mark is in the file
 * @size:	bytes of the mark
 * @mark:	the mark
 * @what:	what to tell the user
 */
struct format {
	unsigned int offset;
	unsigned int size;
	const char *mark;
	const char *what;
};

/* How much of the file is read: more than an Image's header, to see a bzImage's mark. */
#define LOOKED_AT	0x206

static const struct format formats[] = {
	{ 4, 4, "zimg", "it is a compressed EFI image: take the Image it was made from" },
	{ 0x202, 4, "HdrS", "it is an x86 kernel" },
	{ 0, 2, "\037\213", "it is compressed: unpack it with gzip -dc" },
	{ 0, 5, "\3757zXZ", "it is compressed: unpack it with xz -dc" },
	{ 0, 4, "\050\265\057\375", "it is compressed: unpack it with zstd -dc" },
	{ 0, 4, "\177ELF", "it is an ELF file: take arch/arm64/boot/Image" },
	{ 0, 4, "\047\005\031\126", "it is a U-Boot image: take the Image in it" },
};

static int not_image(const struct file *file, const char *why)
{
	log_error("%s: not an arm64 Image (%s); give a kernel as Debian's /boot/vmlinuz-*",
		  file->path, why);
	return -ENOEXEC;
}

static int read_header(const struct file *file, struct header *header)
{
	u8 start[LOOKED_AT] = { 0 };
	unsigned int i;
	int err;

	if (file->size < sizeof(*header))
		return not_image(file, "the file is too short");
	err = file_read(file, 0, start,
			file->size < sizeof(start) ? file->size : sizeof(start));
	if (err)
		return err;
	memcpy(header, start, sizeof(*header));
	for (i = 0; i < ARRAY_SIZE(formats); i++)
		if (!memcmp(start + formats[i].offset, formats[i].mark, formats[i].size))
			return not_image(file, formats[i].what);
	if (memcmp(header->magic, "ARM\x64", sizeof(header->magic)))
		return not_image(file, "it has no header");
	header->text_offset = le64toh(header->text_offset);
	header->image_size = le64toh(header->image_size);
	header->flags = le64toh(header->flags);
	/* Kernels before 3.17 do not say how much memory they clear. */
	if (!header->image_size)
		return not_image(file, "it is older than Linux 3.17");
	if (header->flags & FLAG_BIG_ENDIAN)
		return not_image(file, "it is big-endian");
	return 0;
}

static int load_kernel(const struct memory *mem, const struct file *file,
		       u64 *entry, u64 *end)
{
	struct header header;
	u64 need, start;
	void *at = NULL;
	int err;

	err = read_header(file, &header);
	if (err)
		return err;
	need = header.image_size > file->size ? header.image_size : file->size;
	start = MAP_KERNEL + header.text_offset;
	if (header.text_offset < MIB(2))
		at = memory_at(mem, start, need);
	if (!at) {
		log_error("%s: the kernel needs %llu MiB of memory to start; use --mem %lluM",
			  file->path, need >> 20,
			  ALIGN_UP(start - MAP_RAM + need, MIB(32)) >> 20);
		return -ENOMEM;
	}
	*entry = start;
	*end = start + need;
	log_trace(LOG_INFO, "kernel %s at %#llx-%#llx", file->path, start,
		  start + need - 1);
	return file_read(file, 0, at, file->size);
}

static int load_initrd(const struct memory *mem, const char *path, u64 kernel_end,
		       struct linux_image *image)
{
	u64 start = ALIGN_UP(kernel_end, PAGE);
	struct file file;
	void *at;
	int err;

	err = file_open(&file, "initial RAM disk", path);
	if (err)
		return err;
	at = memory_at(mem, start, file.size);
	if (at) {
		err = file_read(&file, 0, at, file.size);
		log_trace(LOG_INFO, "initrd %s at %#llx-%#llx", path, start,
			  start + file.size - 1);
	} else {
		log_error("%s: %llu MiB do not fit beside the kernel; use a larger --mem",
			  path, ALIGN_UP(file.size, MIB(1)) >> 20);
		err = -ENOMEM;
	}
	image->initrd = start;
	image->initrd_size = file.size;
	close(file.fd);
	return err;
}

int linux_load(const struct memory *mem, const struct boot_config *config,
	       struct linux_image *image)
{
	struct file kernel;
	u64 end;
	int err;

	memset(image, 0, sizeof(*image));
	err = file_open(&kernel, "kernel", config->kernel);
	if (err)
		return err;
	err = load_kernel(mem, &kernel, &image->entry, &end);
	close(kernel.fd);
	if (!err && config->initrd)
		err = load_initrd(mem, config->initrd, end, image);
	return err;
}

int firmware_load(const struct memory *mem, const char *path)
{
	struct file file;
	void *at;
	int err;

	err = file_open(&file, "firmware", path);
	if (err)
		return err;
	at = memory_at(mem, MAP_FLASH, file.size);
	if (at && file.size) {
		err = file_read(&file, 0, at, file.size);
		log_trace(LOG_INFO, "firmware %s at %#llx", path, MAP_FLASH);
	} else {
		log_error("%s: a firmware has at most %llu MiB, and at least something",
			  path, MAP_FLASH_SIZE >> 20);
		err = -EFBIG;
	}
	close(file.fd);
	return err;
}
