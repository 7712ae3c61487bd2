/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Counters in debugfs.
 */
#ifndef _AXVCPU_DEBUGFS_H
#define _AXVCPU_DEBUGFS_H

struct axv_vcpu;
struct axv_vm;

void axv_debugfs_init(void);
void axv_debugfs_exit(void);
void axv_debugfs_add_vm(struct axv_vm *vm);
void axv_debugfs_add_vcpu(struct axv_vcpu *vcpu);

#endif /* _AXVCPU_DEBUGFS_H */
