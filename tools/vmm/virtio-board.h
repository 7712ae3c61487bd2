/* SPDX-License-Identifier: GPL-2.0 */
/* What a virtio device that has a thread is wired to. */
#ifndef AXVMM_VIRTIO_BOARD_H
#define AXVMM_VIRTIO_BOARD_H

#include <pthread.h>

#include <axvcpu.h>

#include "memory.h"
#include "msix.h"
#include "pci.h"

/**
 * struct virtio_board - what a device is wired to
 * @lock:	the machine's lock
 * @vm:		the VM
 * @mem:	guest memory
 * @pci:	the root of PCI
 * @msi:	makes routes
 * @seccomp:	the threads filter their system calls
 */
struct virtio_board {
	pthread_mutex_t *lock;
	struct axv_vm *vm;
	const struct memory *mem;
	struct pci *pci;
	const struct msi_ops *msi;
	bool seccomp;
};

#endif /* AXVMM_VIRTIO_BOARD_H */
