/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VMX instructions (SDM vol. 3C, "VMX Instruction Reference").
 *
 * They tell a failure by CF (VMfailInvalid) or ZF (VMfailValid): "below or
 * equal", for the assembler.  VMXON and VMXOFF have an exception table entry, since
 * they may be #UD outside VMX operation, or #GP if the processor refuses VMX; all
 * others are used in VMX root operation only.
 */
#ifndef _AXVCPU_VMX_INSN_H
#define _AXVCPU_VMX_INSN_H

#include <linux/bug.h>
#include <linux/errno.h>
#include <linux/kconfig.h>
#include <linux/types.h>
#include <asm/asm.h>

/* What INVEPT and INVVPID invalidate; both have the same values. */
#define AXV_VMX_INV_SINGLE	1ul	/* one EPTP, one VPID */
#define AXV_VMX_INV_ALL		2ul

/**
 * axv_vmxon() - enter VMX root operation
 * @region:	physical address of the VMXON region
 *
 * Context: preemption off, CR4.VMXE set.
 * Return: 0, or -EIO if the processor refuses.
 */
static inline int axv_vmxon(u64 region)
{
	bool failed;

	/* A fault leaves the flags as they are: CF set. */
	asm volatile("stc\n\t"
		     "1: vmxon %[region]\n\t"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : "=@ccbe" (failed) : [region] "m" (region) : "memory");
	return failed ? -EIO : 0;
}

/**
 * axv_vmxoff() - leave VMX operation
 *
 * Context: preemption off; NMI.
 * Return: 0, or -EIO if the processor was not in it.
 */
static inline int axv_vmxoff(void)
{
	bool failed;

	asm volatile("stc\n\t"
		     "1: vmxoff\n\t"
		     "2:\n\t"
		     _ASM_EXTABLE(1b, 2b)
		     : "=@ccbe" (failed) : : "memory");
	return failed ? -EIO : 0;
}

/**
 * axv_vmclear() - write a VMCS back to memory; it is not active nor launched any more
 * @pa:		its physical address
 *
 * Context: preemption off, on the CPU where it is active, if it is.
 * Return: 0, or -EIO.
 */
static inline int axv_vmclear(u64 pa)
{
	bool failed;

	asm volatile("vmclear %[pa]"
		     : "=@ccbe" (failed) : [pa] "m" (pa) : "memory");
	return failed ? -EIO : 0;
}

/**
 * axv_vmptrld() - make a VMCS current, and active on this CPU
 * @pa:		its physical address; it is active on no other CPU
 *
 * Context: preemption off.
 * Return: 0, or -EIO.
 */
static inline int axv_vmptrld(u64 pa)
{
	bool failed;

	asm volatile("vmptrld %[pa]"
		     : "=@ccbe" (failed) : [pa] "m" (pa) : "memory");
	return failed ? -EIO : 0;
}

/**
 * axv_vmread() - read a field of the current VMCS
 * @field:	its encoding; the processor has it
 *
 * The flags are not checked: VMREAD fails only if there is no current VMCS or no such
 * field, which is a mistake of the caller.  A kernel built for tests (CONFIG_KUNIT)
 * checks them and warns.
 *
 * Context: preemption off, or no other VMCS can become current.
 * Return: its value, extended with zeros.
 */
static __always_inline u64 axv_vmread(unsigned long field)
{
	bool failed = false;
	u64 value;

	if (IS_ENABLED(CONFIG_KUNIT))
		asm volatile("vmread %[field], %[value]"
			     : [value] "=r" (value), "=@ccbe" (failed)
			     : [field] "r" (field));
	else
		asm volatile("vmread %[field], %[value]"
			     : [value] "=r" (value)
			     : [field] "r" (field) : "cc");
	WARN_ONCE(failed, "axvcpu: VMREAD of %lx failed\n", field);
	return value;
}

/**
 * axv_vmwrite() - write a field of the current VMCS
 * @field:	its encoding; the processor has it, and it can be written
 * @value:	its new value; bits that the field does not have are ignored
 *
 * See axv_vmread().
 */
static __always_inline void axv_vmwrite(unsigned long field, u64 value)
{
	bool failed = false;

	if (IS_ENABLED(CONFIG_KUNIT))
		asm volatile("vmwrite %[value], %[field]"
			     : "=@ccbe" (failed)
			     : [value] "rm" (value), [field] "r" (field));
	else
		asm volatile("vmwrite %[value], %[field]"
			     : : [value] "rm" (value), [field] "r" (field)
			     : "cc");
	WARN_ONCE(failed, "axvcpu: VMWRITE of %llx to %lx failed\n", value, field);
}

/**
 * axv_invept() - invalidate what this CPU has cached of EPT translations
 * @type:	AXV_VMX_INV_*, one the processor has
 * @eptp:	EPT pointer, with AXV_VMX_INV_SINGLE
 *
 * Context: preemption off.
 * Return: 0, or -EIO if the processor does not take these operands.
 */
static inline int axv_invept(unsigned long type, u64 eptp)
{
	const struct {
		u64 eptp;
		u64 reserved;
	} descriptor = { .eptp = eptp };
	bool failed;

	asm volatile("invept %[descriptor], %[type]"
		     : "=@ccbe" (failed)
		     : [descriptor] "m" (descriptor), [type] "r" (type)
		     : "memory");
	return failed ? -EIO : 0;
}

/**
 * axv_invvpid() - invalidate what this CPU has cached of linear addresses under a VPID
 * @type:	AXV_VMX_INV_*, one the processor has
 * @vpid:	the VPID, with AXV_VMX_INV_SINGLE; not 0
 *
 * Context: preemption off.
 * Return: 0, or -EIO if the processor does not take these operands.
 */
static inline int axv_invvpid(unsigned long type, u16 vpid)
{
	const struct {
		u64 vpid;
		u64 linear;
	} descriptor = { .vpid = vpid };
	bool failed;

	asm volatile("invvpid %[descriptor], %[type]"
		     : "=@ccbe" (failed)
		     : [descriptor] "m" (descriptor), [type] "r" (type)
		     : "memory");
	return failed ? -EIO : 0;
}

#endif /* _AXVCPU_VMX_INSN_H */
