// SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
/*
 * The capabilities that are offered.  A capability that is not named here is not offered: a VMM
 * then does without it, or says what it misses.
 */
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>

#include <linux/kvm.h>

#include "caps.h"
#include "vcpu.h"

#define LEAF_FEATURES	1
#define ECX_XSAVE	(1u << 26)

/* The ids of xAPIC mode, 0 to 254. */
#define APIC_IDS	255

static int query(struct axv_host *host, enum axv_query_id id)
{
	__u64 value;

	if (axv_query(host, id, &value))
		return 0;
	return value > INT_MAX ? INT_MAX : value;
}

static bool has_irqchip(struct axv_host *host, enum axv_irqchip irqchip)
{
	return query(host, AXV_QUERY_IRQCHIPS) & 1u << irqchip;
}

int caps_check(struct axv_host *host, unsigned long cap)
{
	switch (cap) {
	/* Every version of KVM on x86 has these. */
	case KVM_CAP_HLT:
	case KVM_CAP_USER_MEMORY:
	case KVM_CAP_SET_TSS_ADDR:
	case KVM_CAP_SET_IDENTITY_MAP_ADDR:
	case KVM_CAP_EXT_CPUID:
	case KVM_CAP_NOP_IO_DELAY:
	case KVM_CAP_SYNC_MMU:
	case KVM_CAP_DESTROY_MEMORY_REGION_WORKS:
	case KVM_CAP_JOIN_MEMORY_REGIONS_WORKS:
	case KVM_CAP_USER_NMI:
	case KVM_CAP_INTERNAL_ERROR_DATA:
		return 1;
	/* Registers. */
	case KVM_CAP_VCPU_EVENTS:
	case KVM_CAP_DEBUGREGS:
	case KVM_CAP_GET_TSC_KHZ:
	case KVM_CAP_ADJUST_CLOCK:
	case KVM_CAP_IMMEDIATE_EXIT:
	case KVM_CAP_ENABLE_CAP:
	case KVM_CAP_ENABLE_CAP_VM:
	case KVM_CAP_CHECK_EXTENSION_VM:
		return 1;
	case KVM_CAP_SYNC_REGS:
		return KVM_SYNC_X86_VALID_FIELDS;
	case KVM_CAP_XSAVE:
	case KVM_CAP_XCRS: {
		/* The module has its own table of what the host can do. */
		struct axv_x86_cpuid *leaves;
		int i, n = axv_supported_cpuid(host, &leaves);
		bool has = false;

		for (i = 0; i < n; i++)
			has |= leaves[i].leaf == LEAF_FEATURES && leaves[i].ecx & ECX_XSAVE;
		if (n >= 0)
			free(leaves);
		return has;
	}
	/* A debugger.  KVM tells the number of breakpoints on other architectures only. */
	case KVM_CAP_SET_GUEST_DEBUG:
	case KVM_CAP_X86_ROBUST_SINGLESTEP:
		return !!guestdbg_flags(host);
	case KVM_CAP_SET_GUEST_DEBUG2:
		return guestdbg_flags(host);
	/* Memory. */
	case KVM_CAP_NR_MEMSLOTS:
		return query(host, AXV_QUERY_MAX_REGIONS);
	case KVM_CAP_READONLY_MEM:
		return !!(query(host, AXV_QUERY_REGION_FLAGS) & AXV_REGION_READONLY);
	case KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2:
		return MEMORY_MANUAL_OPTIONS;
	/* vCPUs.  An id is an APIC id as well, and 255 is the broadcast in xAPIC mode. */
	case KVM_CAP_NR_VCPUS:
	case KVM_CAP_MAX_VCPUS:
	case KVM_CAP_MAX_VCPU_ID: {
		int max = query(host, AXV_QUERY_MAX_VCPUS);

		return max < APIC_IDS ? max : APIC_IDS;
	}
	case KVM_CAP_MP_STATE:
	case KVM_CAP_SET_BOOT_CPU_ID:
		return 1;
	/* Interrupts: QEMU wants KVM_CAP_IRQCHIP before it asks for a split one. */
	case KVM_CAP_IRQCHIP:
	case KVM_CAP_SPLIT_IRQCHIP:
	case KVM_CAP_SIGNAL_MSI:
	case KVM_CAP_IRQFD:
	case KVM_CAP_IRQFD_RESAMPLE:
	case KVM_CAP_IRQ_INJECT_STATUS:
	case KVM_CAP_PIT:
	case KVM_CAP_PIT2:
	case KVM_CAP_PIT_STATE2:
	case KVM_CAP_REINJECT_CONTROL:
	case KVM_CAP_TSC_DEADLINE_TIMER:
		return has_irqchip(host, AXV_IRQCHIP_LAPIC);
	/* QEMU takes the value for the number of gsis. */
	case KVM_CAP_IRQ_ROUTING:
		return query(host, AXV_QUERY_MAX_ROUTES);
	case KVM_CAP_IOEVENTFD:
	case KVM_CAP_IOEVENTFD_NO_LENGTH:
	case KVM_CAP_IOEVENTFD_ANY_LENGTH:
		return query(host, AXV_QUERY_MAX_DOORBELLS) > 0;
	default:
		return 0;
	}
}
