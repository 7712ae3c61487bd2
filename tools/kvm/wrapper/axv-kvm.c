// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * axv-kvm: run a program that uses KVM on axvcpu.
 *
 * It puts libaxvcpu-kvm.so before the program's libraries, and says why if that cannot work:
 * otherwise the program would use KVM, or fail without telling the reason.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <axvcpu.h>

#include "command.h"

#define LIBRARY		"libaxvcpu-kvm.so"
#define PATH_SIZE	4096

/* The statuses with which a shell exits. */
#define EXIT_CANNOT_RUN	126
#define EXIT_NOT_FOUND	127

static void usage(void)
{
	printf("Usage: axv-kvm COMMAND [ARGUMENT]...\n\n"
	       "Runs COMMAND, a virtual machine monitor that uses KVM (as qemu-system-x86_64\n"
	       "-accel kvm), on axvcpu instead: what it does with /dev/kvm comes to axvcpu.ko.\n\n"
	       "  -h, --help     this text\n"
	       "      --version  the version\n\n"
	       "AXV_KVM_DEBUG=1 in the environment has a line on standard error for every ioctl\n"
	       "that is not known, and for most of what the module refuses.\n\n"
	       "COMMAND has to be dynamically linked, of 64 bits, and the machine of its guest\n"
	       "one that this library has: see axv-kvm(1).\n");
}

static int fail(int status, const char *what, const char *why)
{
	fprintf(stderr, "axv-kvm: %s: %s\n", what, why);
	return status;
}

/* ---- the library -------------------------------------------------------- */

static bool is_there(char *path, const char *dir, const char *below)
{
	return snprintf(path, PATH_SIZE, "%s%s/" LIBRARY, dir, below) < PATH_SIZE &&
	       !access(path, R_OK);
}

/* Find the library beside this program (in the build tree), or where it is installed. */
static bool find_library(char *path)
{
	char self[PATH_SIZE];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash)
			*slash = '\0';
		if (is_there(path, self, "") || is_there(path, self, "/../lib"))
			return true;
	}
	return is_there(path, LIBDIR, "");
}

static int preload(const char *library)
{
	const char *others = getenv("LD_PRELOAD");
	char *value;
	int err;

	if (!others || !*others)
		return setenv("LD_PRELOAD", library, 1);
	if (asprintf(&value, "%s:%s", library, others) < 0)
		return -1;
	err = setenv("LD_PRELOAD", value, 1);
	free(value);
	return err;
}

/* ---- the command -------------------------------------------------------- */

static bool find_command(const char *name, char *path)
{
	const char *dirs = getenv("PATH"), *end;

	if (strchr(name, '/'))
		return snprintf(path, PATH_SIZE, "%s", name) < PATH_SIZE && !access(path, X_OK);
	for (; dirs; dirs = *end ? end + 1 : NULL) {
		int n;

		end = strchrnul(dirs, ':');
		n = snprintf(path, PATH_SIZE, "%.*s/%s", (int)(end - dirs), dirs, name);
		if (n < PATH_SIZE && !access(path, X_OK))
			return true;
	}
	return false;
}

/* ---- the module --------------------------------------------------------- */

/* Open the device and make a VM, which fails if KVM has the processor. */
static int try_module(void)
{
	struct axv_host *host;
	struct axv_vm *vm;
	int err;

	err = axv_open(NULL, &host);
	if (err)
		return err;
	err = axv_vm_create(host, NULL, &vm);
	if (!err)
		axv_vm_destroy(vm);
	axv_close(host);
	return err;
}

int main(int argc, char **argv)
{
	char library[PATH_SIZE], command[PATH_SIZE];
	const char *why;

	if (argc < 2) {
		usage();
		return EXIT_FAILURE;
	}
	if (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help")) {
		usage();
		return EXIT_SUCCESS;
	}
	if (!strcmp(argv[1], "--version")) {
		printf("axv-kvm %s\n", AXV_KVM_VERSION);
		return EXIT_SUCCESS;
	}
	if (argv[1][0] == '-')
		return fail(EXIT_FAILURE, argv[1], "there is no such option; see axv-kvm --help");
	if (!find_library(library))
		return fail(EXIT_CANNOT_RUN, LIBRARY,
			    "it is neither beside this program nor in " LIBDIR);
	/* Colon and blank separate the libraries in LD_PRELOAD. */
	if (strpbrk(library, ": "))
		return fail(EXIT_CANNOT_RUN, library,
			    "the dynamic linker takes no path with a colon or a blank in it");
	if (!find_command(argv[1], command))
		return fail(EXIT_NOT_FOUND, argv[1], "there is no such command");
	why = command_unsuitable(command);
	if (why)
		return fail(EXIT_CANNOT_RUN, command, why);
	if (try_module())
		return fail(EXIT_CANNOT_RUN, "axvcpu cannot be used", axv_error());
	if (preload(library))
		return fail(EXIT_CANNOT_RUN, "LD_PRELOAD", strerror(errno));
	execv(command, argv + 1);
	return fail(EXIT_CANNOT_RUN, command, strerror(errno));
}
