// SPDX-License-Identifier: GPL-2.0
#include <sys/mman.h>
#include <unistd.h>

#include "files.h"

/* Behind each area, so that an access beyond ends the program. */
#define GUARD	4096

#define KERNEL	8192

/* memory_create() needs this function, but is not called: memory_take() makes the memory. */
int axv_vm_add_ram(struct axv_vm *vm, __u32 slot, __u32 flags, __u64 gpa, __u64 size,
		   void **hva)
{
	(void)vm;
	(void)slot;
	(void)flags;
	(void)gpa;
	(void)size;
	(void)hva;
	return -1;
}

int axv_vm_map_ram(struct axv_vm *vm, __u32 slot, __u32 flags, __u64 gpa, __u64 size, int fd,
		   __u64 offset, void **hva)
{
	(void)fd;
	(void)offset;
	return axv_vm_add_ram(vm, slot, flags, gpa, size, hva);
}

const char *axv_error(void)
{
	return "";
}

static int kernel_fd = -1;
static int initrd_fd = -1;
static char kernel_path[32];
static char initrd_path[32];

static void make_file(int *fd, char *path, size_t size)
{
	*fd = memfd_create("fuzz", 0);
	must(*fd >= 0);
	snprintf(path, size, "/proc/self/fd/%d", *fd);
}

static void write_file(int fd, const void *data, size_t size)
{
	must(!ftruncate(fd, 0) && pwrite(fd, data, size, 0) == (ssize_t)size);
}

void files_make(struct files *files, struct input *in, uint8_t what,
		struct boot_config *config)
{
	size_t append = what & 4 ? take(in, 1) : 0;
	size_t initrd = what & 2 ? take(in, 2) : 0;

	if (kernel_fd < 0) {
		make_file(&kernel_fd, kernel_path, sizeof(kernel_path));
		make_file(&initrd_fd, initrd_path, sizeof(initrd_path));
	}
	memset(config, 0, sizeof(*config));
	config->kernel = kernel_path;
	if (append > in->size)
		append = in->size;
	/* A command line is repeated, so that it can be long. */
	files->append = calloc(1, append * 64 + 1);
	must(files->append);
	for (size_t i = 0; i < append * (what & 16 ? 64 : 1); i++)
		files->append[i] = in->data[i % append] ? in->data[i % append] : ' ';
	in->data += append;
	in->size -= append;
	config->append = files->append;
	/* An initrd is a file that has a size, but no pages. */
	if (what & 2) {
		must(!ftruncate(initrd_fd, (off_t)initrd << (what >> 5)));
		config->initrd = initrd_path;
	}
	/* The loader needs a whole kernel, but looks at its beginning only: the rest is zeroes. */
	files->kernel_size = what & 1 && in->size < KERNEL ? KERNEL : in->size;
	files->kernel = calloc(1, files->kernel_size + 1);
	must(files->kernel);
	memcpy(files->kernel, in->data, in->size);
	in->size = 0;
}

void files_write(const struct files *files)
{
	write_file(kernel_fd, files->kernel, files->kernel_size);
}

void files_free(struct files *files)
{
	free(files->kernel);
	free(files->append);
}

void memory_take(struct memory *mem)
{
	unsigned int i;

	for (i = 0; i < mem->nr; i++) {
		mem->areas[i].hva = mmap(NULL, mem->areas[i].size + GUARD, PROT_READ | PROT_WRITE,
					 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		must(mem->areas[i].hva != MAP_FAILED);
		must(!mprotect((char *)mem->areas[i].hva + mem->areas[i].size, GUARD,
			       PROT_NONE));
	}
}

void memory_drop(struct memory *mem)
{
	unsigned int i;

	for (i = 0; i < mem->nr; i++)
		munmap(mem->areas[i].hva, mem->areas[i].size + GUARD);
}
