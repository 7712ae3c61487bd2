// SPDX-License-Identifier: GPL-2.0
/*
 * Which back end an x86 host gets.
 */
#include <linux/err.h>

#include "x86.h"

/**
 * axv_arch_init() - look for hardware virtualization
 *
 * Context: module load.
 * Return: the back end's operations, or an error pointer: -EOPNOTSUPP if there
 * is no hardware that it could use, -ENOMEM.
 */
const struct axv_arch_ops *axv_arch_init(void)
{
	int err = axv_x86_host_init();

	return err ? ERR_PTR(err) : axv_svm_init();
}

/** axv_arch_exit() - release what axv_arch_init() took */
void axv_arch_exit(void)
{
	axv_svm_exit();
}
