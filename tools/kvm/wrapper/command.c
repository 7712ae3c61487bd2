// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Programs for which the dynamic linker takes no library from LD_PRELOAD: those that are
 * linked statically, those of 32 bits, and those for which the kernel sets AT_SECURE.
 */
#include <elf.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "command.h"

/* A program that is dynamically linked names its dynamic linker. */
static bool has_interpreter(FILE *f, const Elf64_Ehdr *header)
{
	Elf64_Phdr program;
	unsigned int i;

	for (i = 0; i < header->e_phnum; i++) {
		if (fseek(f, header->e_phoff + i * header->e_phentsize, SEEK_SET) ||
		    fread(&program, sizeof(program), 1, f) != 1)
			return false;
		if (program.p_type == PT_INTERP)
			return true;
	}
	return false;
}

static const char *unsuitable_elf(const char *path)
{
	FILE *f = fopen(path, "re");
	const char *why = NULL;
	Elf64_Ehdr header = {};

	/* A program may be executable and not readable; nothing is known of it then. */
	if (!f)
		return NULL;
	/* A program of 32 bits may be shorter than this header; its first bytes tell. */
	if (fread(&header, 1, sizeof(header), f) < EI_NIDENT ||
	    memcmp(header.e_ident, ELFMAG, SELFMAG))
		why = NULL;
	else if (header.e_ident[EI_CLASS] != ELFCLASS64)
		why = "it is a program of 32 bits, and the library has 64";
	/* The dynamic linker itself names none, but can run a program that is its argument. */
	else if (!has_interpreter(f, &header) && fnmatch("*/ld[-.]*so*", path, 0))
		why = "it is statically linked, so that no library can come before it";
	fclose(f);
	return why;
}

/* Whether the program runs as another user or group, for which the kernel sets AT_SECURE. */
static bool changes_user(const struct stat *st)
{
	/* Without the group's right to execute, set-group-ID has another meaning. */
	bool changes = (st->st_mode & S_ISUID && st->st_uid != getuid()) ||
		       (st->st_mode & S_ISGID && st->st_mode & 0010 && st->st_gid != getgid());

	return changes && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1;
}

const char *command_unsuitable(const char *path)
{
	const char *why = unsuitable_elf(path);
	struct statvfs fs;
	struct stat st;

	if (why)
		return why;
	/* With nosuid the kernel ignores both set-user-ID bits and file capabilities. */
	if (!statvfs(path, &fs) && fs.f_flag & ST_NOSUID)
		return NULL;
	if (!stat(path, &st) && changes_user(&st))
		return "it is set-user-ID or set-group-ID, and such programs ignore LD_PRELOAD";
	/* Root has all capabilities anyway.  AT_SECURE is set in spite of no_new_privs. */
	if (getuid() && getxattr(path, "security.capability", NULL, 0) > 0)
		return "it has file capabilities, and such programs ignore LD_PRELOAD";
	return NULL;
}
