// SPDX-License-Identifier: GPL-2.0
/*
 * The ring on which axvmm works itself: a driver that writes anything anywhere into the guest's
 * memory, which has the ring, while the device takes requests and writes, or reads, their buffers.
 */
#include <errno.h>

#include <axvcpu.h>

#include "fuzz.h"
#include "ring.h"

#define RAM	0x1000
#define ROM	0x2000
#define REQUESTS 32

/* memory_create() needs these functions, but is not called. */
int axv_vm_add_ram(struct axv_vm *vm, __u32 slot, __u32 flags, __u64 gpa, __u64 size, void **hva)
{
	(void)vm;
	(void)slot;
	(void)flags;
	(void)gpa;
	(void)size;
	(void)hva;
	return -ENOMEM;
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

/* Take the requests that there are. */
static void work(struct ring *ring)
{
	struct ring_request request;
	uint8_t bytes[RAM];
	unsigned int i, j;

	for (i = 0; i < REQUESTS && ring_get(ring, &request) > 0; i++) {
		must(request.head < ring->size && request.nr <= ring->size);
		for (j = 0; j < request.nr; j++) {
			must(request.buffers[j].size <= sizeof(bytes));
			if (ring->writes)
				memset(request.buffers[j].data, 0xa5, request.buffers[j].size);
			else
				memcpy(bytes, request.buffers[j].data, request.buffers[j].size);
		}
		ring_put(ring, request.head, j);
	}
	ring_interrupts(ring);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct virtio_queue queue = {
		.size = 1u << take(&in, 1) % 4,
		.descriptors = RAM, .available = RAM + 0x100, .used = RAM + 0x200,
	};
	/* Memory of their own, so that AddressSanitizer sees each access beside it. */
	uint8_t *ram = calloc(1, RAM), *rom = calloc(1, RAM);
	struct memory mem = { 0 };
	bool writes = take(&in, 1) & 1;
	struct ring ring;

	must(ram && rom);
	memory_add(&mem, RAM, RAM + RAM, 0);
	memory_add(&mem, ROM, ROM + RAM, AXV_REGION_READONLY);
	mem.areas[0].hva = ram;
	mem.areas[1].hva = rom;
	if (take(&in, 1) & 1) {
		queue.descriptors = take(&in, 2);
		queue.available = take(&in, 2);
		queue.used = take(&in, 2);
	}
	if (!ring_start(&ring, &mem, &queue, writes))
		in.size = 0;
	while (in.size) {
		const uint16_t at = take(&in, 2);

		if (at & 0x8000)
			work(&ring);
		else
			ram[at % 0x280] = take(&in, 1);
	}
	free(ram);
	free(rom);
	return 0;
}
