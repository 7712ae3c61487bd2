// SPDX-License-Identifier: GPL-2.0
/*
 * Which back end an x86 host gets.
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/printk.h>
#include <asm/cpufeature.h>

#include "cpuid.h"
#include "host.h"
#include "tsc.h"
#include "x86.h"

#if IS_ENABLED(CONFIG_KVM_INTEL)
#define vmx_init	axv_vmx_init
#define vmx_exit	axv_vmx_exit
#else
static const struct axv_arch_ops *vmx_init(void)
{
	pr_err("VMX needs a kernel that was built with kvm_intel (CONFIG_KVM_INTEL)\n");
	return ERR_PTR(-EOPNOTSUPP);
}

static void vmx_exit(void)
{
}
#endif

static const struct axv_arch_ops *look_for_hardware(void)
{
	if (boot_cpu_has(X86_FEATURE_VMX))
		return vmx_init();
	if (boot_cpu_has(X86_FEATURE_SVM))
		return axv_svm_init();
	pr_err("this processor has neither VMX nor SVM, or the firmware switched it off\n");
	return ERR_PTR(-EOPNOTSUPP);
}

static void (*backend_exit)(void);

/**
 * axv_arch_init() - look for hardware virtualization
 *
 * Context: module load.
 * Return: the back end's operations, or an error pointer: -EOPNOTSUPP if there
 * is no hardware that it could use, -ENOMEM.
 */
const struct axv_arch_ops *axv_arch_init(void)
{
	const struct axv_arch_ops *ops;

	axv_x86_host_init();
	ops = look_for_hardware();
	if (IS_ERR(ops))
		return ops;
	backend_exit = ops->backend == AXV_BACKEND_VMX ? vmx_exit :
							 axv_svm_exit;
	axv_x86_cpuid_init();
	axv_x86_tsc_init();
	return ops;
}

/** axv_arch_exit() - release what axv_arch_init() took */
void axv_arch_exit(void)
{
	axv_x86_tsc_exit();
	backend_exit();
}
