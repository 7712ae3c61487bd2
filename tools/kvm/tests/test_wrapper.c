// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * Which programs axv-kvm refuses.
 */
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/capability.h>

#include "tap.h"
#include "wrapper/command.h"

#define NOBODY	65534

#define WHOLE	(sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr))

static char path[64];

/* The first @size bytes of a program with one program header. */
static void make_program(unsigned char class, Elf64_Word type, size_t size)
{
	struct {
		Elf64_Ehdr head;
		Elf64_Phdr program;
	} elf = {
		.head = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, class },
			.e_phoff = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 1,
		},
		.program.p_type = type,
	};
	int fd = open(path, O_WRONLY | O_TRUNC);

	if (write(fd, &elf, size) != (ssize_t)size)
		tap(false, "%s cannot be written", path);
	close(fd);
}

static bool says(const char *what)
{
	const char *why = command_unsuitable(path);

	if (!what)
		return !why;
	return why && strstr(why, what);
}

/* says(), as the user NOBODY. */
static bool says_to_nobody(const char *what)
{
	pid_t child = fork();
	int status = -1;

	if (!child)
		_exit(setgid(NOBODY) || setuid(NOBODY) || !says(what));
	return waitpid(child, &status, 0) == child && !status;
}

static bool without_effect(void)
{
	pid_t child = fork();
	int status = -1;

	if (!child)
		_exit(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || !says_to_nobody(NULL));
	return waitpid(child, &status, 0) == child && !status;
}

/* Not in a user namespace that has no such user, nor where the bits have no meaning. */
static bool can_be_nobody(void)
{
	pid_t child = fork();
	struct statvfs fs;
	int status = -1;

	if (!child)
		_exit(setgid(NOBODY) || setuid(NOBODY));
	return waitpid(child, &status, 0) == child && !status && !statvfs(path, &fs) &&
	       !(fs.f_flag & ST_NOSUID) && !prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
}

static void test_formats(void)
{
	make_program(ELFCLASS64, PT_INTERP, WHOLE);
	tap(says(NULL), "a dynamically linked program");
	make_program(ELFCLASS64, PT_LOAD, WHOLE);
	tap(says("statically"), "a statically linked program");
	make_program(ELFCLASS32, PT_INTERP, WHOLE);
	tap(says("32 bits"), "a program of 32 bits");
	make_program(ELFCLASS32, PT_INTERP, sizeof(Elf32_Ehdr));
	tap(says("32 bits"), "a short program of 32 bits");
	make_program(ELFCLASS64, PT_INTERP, 3);
	tap(says(NULL), "a script");
	tap(!command_unsuitable("/lib64/ld-linux-x86-64.so.2"), "the dynamic linker");
}

static void test_users(void)
{
	const struct vfs_cap_data caps = {
		.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE,
		.data[0].permitted = 1u << CAP_NET_ADMIN,
	};

	make_program(ELFCLASS64, PT_INTERP, WHOLE);
	chmod(path, 06755);
	tap(says(NULL), "set-user-ID and set-group-ID of the caller's own user");
	if (getuid() || !can_be_nobody()) {
		tap(true,
		    "set-user-ID of another user # SKIP needs root, and another user");
		tap(true, "set-user-ID where it has no effect # SKIP needs root, and another user");
		tap(true,
		    "set-group-ID without execution # SKIP needs root, and another user");
		tap(true, "file capabilities # SKIP needs root, and another user");
		return;
	}
	tap(says_to_nobody("set-user-ID"), "set-user-ID of another user");
	tap(without_effect(), "set-user-ID where it has no effect");
	chmod(path, 02745);
	tap(says_to_nobody(NULL), "set-group-ID without execution");
	chmod(path, 0755);
	if (setxattr(path, "security.capability", &caps, sizeof(caps), 0)) {
		tap(true, "file capabilities # SKIP there are none in /tmp");
		return;
	}
	tap(says(NULL) && says_to_nobody("capabilities"), "file capabilities");
}

int main(void)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/axv-kvm-test-XXXXXX");
	fd = mkstemp(path);
	if (tap(fd >= 0, "a file that is no program")) {
		fchmod(fd, 0755);
		close(fd);
		test_formats();
		test_users();
		unlink(path);
	}
	return tap_done();
}
