/* SPDX-License-Identifier: GPL-2.0 */
/* Files that are loaded into a guest. */
#ifndef AXVMM_FILE_H
#define AXVMM_FILE_H

#include "types.h"

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

/**
 * file_open() - open a plain file that is not empty
 * @file:	the file; its @fd is to be closed
 * @what:	what it is, for messages
 * @path:	its path
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int file_open(struct file *file, const char *what, const char *path);

/**
 * file_read() - read a part of a file; fewer bytes than @size are an error
 * @file:	the file
 * @offset:	where the part begins
 * @buf:	where to store it
 * @size:	bytes
 *
 * Return: 0 or a negative errno; the error has been printed.
 */
int file_read(const struct file *file, u64 offset, void *buf, u64 size);

#endif /* AXVMM_FILE_H */
