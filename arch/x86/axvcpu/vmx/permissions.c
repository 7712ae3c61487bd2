// SPDX-License-Identifier: GPL-2.0
/*
 * The MSR bitmap: which MSRs exit (SDM vol. 3C, "MSR-Bitmap Address").
 *
 * All exit, except MSRs that are in the VMCS or that the inner loop switches: a
 * guest's access to one of those reaches only its own value.  In a VM whose policy
 * names such an MSR, accesses to it exit, too.
 */
#include <linux/bitops.h>
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/string.h>
#include <asm/msr-index.h>

#include "../msr.h"
#include "vmx.h"

static const u32 switched_msrs[] = {
	MSR_IA32_SYSENTER_CS,
	MSR_IA32_SYSENTER_ESP,
	MSR_IA32_SYSENTER_EIP,
	MSR_FS_BASE,
	MSR_GS_BASE,
	MSR_KERNEL_GS_BASE,
};

/* The bitmap: reads of two ranges of 8192 MSRs, 1 KiB each, then writes of them. */
#define WRITES	(2048 * BITS_PER_BYTE)

static unsigned int read_bit(u32 msr)
{
	return (msr >= 0xc0000000 ? 1024 * BITS_PER_BYTE : 0) + (msr & 0x1fff);
}

/**
 * axv_vmx_msr_bitmap_update() - make the bitmap follow the VM's MSR policy
 * @vm:		VM whose policy was set
 *
 * vCPUs may run meanwhile: the processor reads the bitmap in memory, and each
 * bit is changed atomically.
 *
 * Context: &axv_vm.lock held.
 */
void axv_vmx_msr_bitmap_update(struct axv_vmx_vm *vm)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(switched_msrs); i++) {
		unsigned int bit = read_bit(switched_msrs[i]);

		if (axv_x86_policy_has(&vm->x, switched_msrs[i])) {
			set_bit(bit, vm->msr_bitmap);
			set_bit(bit + WRITES, vm->msr_bitmap);
		} else {
			clear_bit(bit, vm->msr_bitmap);
			clear_bit(bit + WRITES, vm->msr_bitmap);
		}
	}
}

/**
 * axv_vmx_msr_bitmap_create() - create a VM's bitmap; there is no policy yet
 * @vm:		VM that is being created
 *
 * Return: 0 or -ENOMEM.
 */
int axv_vmx_msr_bitmap_create(struct axv_vmx_vm *vm)
{
	unsigned int i;

	vm->msr_bitmap = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
	if (!vm->msr_bitmap)
		return -ENOMEM;
	memset(vm->msr_bitmap, 0xff, PAGE_SIZE);
	for (i = 0; i < ARRAY_SIZE(switched_msrs); i++) {
		unsigned int bit = read_bit(switched_msrs[i]);

		__clear_bit(bit, vm->msr_bitmap);
		__clear_bit(bit + WRITES, vm->msr_bitmap);
	}
	return 0;
}

void axv_vmx_msr_bitmap_destroy(struct axv_vmx_vm *vm)
{
	free_page((unsigned long)vm->msr_bitmap);
}
