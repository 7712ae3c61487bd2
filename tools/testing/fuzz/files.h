/* SPDX-License-Identifier: GPL-2.0 */
/* Files and guest memory for the loaders. */
#ifndef FUZZ_FILES_H
#define FUZZ_FILES_H

#include "boot.h"
#include "fuzz.h"
#include "memory.h"

/**
 * struct files - what is loaded; the files are in memory
 * @kernel: the kernel's bytes
 * @kernel_size: how many
 * @append: the command line
 */
struct files {
	uint8_t *kernel;
	size_t kernel_size;
	char *append;
};

/**
 * files_make() - take the files from an input
 * @files: where to store them
 * @in: the input, which is used up
 * @what: bit 0: the kernel is made long enough to be one; bit 1: an initrd; bit 2: a command line
 * @config: filled in
 */
void files_make(struct files *files, struct input *in, uint8_t what,
		struct boot_config *config);

/** files_write() - write the kernel to its file, once its bytes do not change any more */
void files_write(const struct files *files);

void files_free(struct files *files);

/** memory_take() - allocate memory for each area; memory_drop() frees the memory */
void memory_take(struct memory *mem);
void memory_drop(struct memory *mem);

#endif /* FUZZ_FILES_H */
