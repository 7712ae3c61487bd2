/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * libaxvcpu on x86.  Included by <axvcpu.h>, whose conventions hold here.
 */
#ifndef AXVCPU_X86_H
#define AXVCPU_X86_H

#pragma GCC visibility push(default)

/* ---- CPUID and MSRs ----------------------------------------------------- */

/**
 * axv_supported_cpuid() - read the most that a CPUID table may offer on this host
 * @host: the host
 * @leaves: where to store the array; the caller frees it with free()
 *
 * Return: the number of leaves, or a negative errno.
 */
int axv_supported_cpuid(struct axv_host *host, struct axv_x86_cpuid **leaves);

/**
 * axv_vcpu_set_cpuid() - replace the vCPU's CPUID table
 * @vcpu: the vCPU, Created or Free
 * @leaves: the leaves, within what axv_supported_cpuid() offers; on success they
 *	become what the guest will see
 * @count: how many
 */
int axv_vcpu_set_cpuid(struct axv_vcpu *vcpu, struct axv_x86_cpuid *leaves,
		       unsigned int count);

/**
 * axv_vcpu_get_cpuid() - read the vCPU's CPUID table
 * @vcpu: the vCPU
 * @leaves: where to store the array; the caller frees it with free()
 *
 * Return: the number of leaves, or a negative errno.
 */
int axv_vcpu_get_cpuid(struct axv_vcpu *vcpu, struct axv_x86_cpuid **leaves);

/**
 * axv_vm_set_msr_policy() - replace the VM's MSR policy
 * @vm: the VM
 * @ranges: ranges that do not overlap; on success they become what the kernel has made of
 *	them
 * @count: how many
 */
int axv_vm_set_msr_policy(struct axv_vm *vm,
			  struct axv_x86_msr_policy *ranges,
			  unsigned int count);

/**
 * axv_vm_get_msr_policy() - read the VM's MSR policy
 * @vm: the VM
 * @ranges: where to store the array; the caller frees it with free()
 *
 * Return: the number of ranges, or a negative errno.
 */
int axv_vm_get_msr_policy(struct axv_vm *vm, struct axv_x86_msr_policy **ranges);

/* ---- registers ---------------------------------------------------------- */

/** axv_vcpu_get_gprs() - read the general registers, RIP and RFLAGS */
int axv_vcpu_get_gprs(struct axv_vcpu *vcpu, struct axv_x86_gprs *gprs);

/** axv_vcpu_set_gprs() - write the general registers, RIP and RFLAGS */
int axv_vcpu_set_gprs(struct axv_vcpu *vcpu, const struct axv_x86_gprs *gprs);

/** axv_vcpu_get_sregs() - read segments, control registers and EFER */
int axv_vcpu_get_sregs(struct axv_vcpu *vcpu, struct axv_x86_sregs *sregs);

/**
 * axv_vcpu_set_sregs() - write segments, control registers and EFER
 * @vcpu: the vCPU, Free, or Ready and owned by the calling thread
 * @sregs: the values, which must make a legal state together
 */
int axv_vcpu_set_sregs(struct axv_vcpu *vcpu, const struct axv_x86_sregs *sregs);

/* ---- events ------------------------------------------------------------- */

/** axv_vcpu_inject_extint() - queue an acknowledged external interrupt */
int axv_vcpu_inject_extint(struct axv_vcpu *vcpu, __u8 vector);

/** axv_vcpu_inject_nmi() - raise an NMI */
int axv_vcpu_inject_nmi(struct axv_vcpu *vcpu);

/**
 * axv_vcpu_inject_exception() - raise an exception at the instruction pointer
 * @vcpu: the vCPU
 * @vector: 0 to 31
 * @error_code: pushed if the exception has an error code (8, 10 to 14, 17, 21); ignored
 *	otherwise
 * @address: #PF: the CR2 value
 */
int axv_vcpu_inject_exception(struct axv_vcpu *vcpu, __u8 vector,
			      __u32 error_code, __u64 address);

#pragma GCC visibility pop

#endif /* AXVCPU_X86_H */
