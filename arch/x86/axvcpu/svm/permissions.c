// SPDX-License-Identifier: GPL-2.0
/*
 * The permission maps: which ports and which MSRs exit (APM 15.10, 15.11).
 *
 * All exit, except the MSRs that VMLOAD and VMSAVE switch: a guest's access to
 * one of those reaches only its own value.  In a VM whose policy names such an
 * MSR, accesses to it exit, too.
 */
#include <linux/gfp.h>
#include <linux/mem_encrypt.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/io.h>
#include <asm/msr-index.h>

#include "../msr.h"
#include "svm.h"

#define IOPM_PAGES	4	/* 12 KiB are used; an order is a power of two */
#define MSRPM_SIZE	(2 * PAGE_SIZE)

static struct page *iopm;

/**
 * axv_svm_iopm_init() - create the port map, one for all VMs: every port exits
 *
 * Return: 0 or -ENOMEM.
 */
int axv_svm_iopm_init(void)
{
	iopm = alloc_pages(GFP_KERNEL, get_order(IOPM_PAGES * PAGE_SIZE));
	if (!iopm)
		return -ENOMEM;
	memset(page_address(iopm), 0xff, IOPM_PAGES * PAGE_SIZE);
	return 0;
}

void axv_svm_iopm_exit(void)
{
	__free_pages(iopm, get_order(IOPM_PAGES * PAGE_SIZE));
}

phys_addr_t axv_svm_iopm_pa(void)
{
	return __sme_set(page_to_phys(iopm));
}

static const u32 switched_msrs[] = {
	MSR_IA32_SYSENTER_CS,
	MSR_IA32_SYSENTER_ESP,
	MSR_IA32_SYSENTER_EIP,
	MSR_STAR,
	MSR_LSTAR,
	MSR_CSTAR,
	MSR_SYSCALL_MASK,
	MSR_FS_BASE,
	MSR_GS_BASE,
	MSR_KERNEL_GS_BASE,
};

/*
 * Bit number of an MSR's read permission in the map; the write permission
 * follows it.  Three ranges of 8192 MSRs at 2 KiB each (APM 15.11).
 */
static unsigned int msrpm_bit(u32 msr)
{
	unsigned int range = msr >= 0xc0010000 ? 2 : msr >= 0xc0000000 ? 1 : 0;

	return range * 0x800 * BITS_PER_BYTE + (msr & 0x1fff) * 2;
}

/**
 * axv_svm_msrpm_update() - make the map follow the VM's MSR policy
 * @vm:		VM whose policy was set
 *
 * vCPUs may run meanwhile: the processor reads the map in memory, and each bit
 * is changed atomically.
 *
 * Context: &axv_vm.lock held.
 */
void axv_svm_msrpm_update(struct axv_svm_vm *vm)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(switched_msrs); i++) {
		unsigned int bit = msrpm_bit(switched_msrs[i]);

		if (axv_x86_policy_has(&vm->x, switched_msrs[i])) {
			set_bit(bit, vm->msrpm);
			set_bit(bit + 1, vm->msrpm);
		} else {
			clear_bit(bit, vm->msrpm);
			clear_bit(bit + 1, vm->msrpm);
		}
	}
}

/**
 * axv_svm_msrpm_create() - create a VM's map; there is no policy yet
 * @vm:		VM that is being created
 *
 * Return: 0 or -ENOMEM.
 */
int axv_svm_msrpm_create(struct axv_svm_vm *vm)
{
	unsigned int i;

	vm->msrpm = (void *)__get_free_pages(GFP_KERNEL_ACCOUNT,
					     get_order(MSRPM_SIZE));
	if (!vm->msrpm)
		return -ENOMEM;
	memset(vm->msrpm, 0xff, MSRPM_SIZE);
	for (i = 0; i < ARRAY_SIZE(switched_msrs); i++) {
		unsigned int bit = msrpm_bit(switched_msrs[i]);

		__clear_bit(bit, vm->msrpm);
		__clear_bit(bit + 1, vm->msrpm);
	}
	vm->msrpm_pa = __sme_pa(vm->msrpm);
	return 0;
}

void axv_svm_msrpm_destroy(struct axv_svm_vm *vm)
{
	free_pages((unsigned long)vm->msrpm, get_order(MSRPM_SIZE));
}
