/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What debugfs and fdinfo show of VMs and vCPUs.
 */
#ifndef _AXVCPU_DEBUGFS_H
#define _AXVCPU_DEBUGFS_H

struct axv_vcpu;
struct axv_vm;
struct seq_file;

void axv_debugfs_init(void);
void axv_debugfs_exit(void);
void axv_debugfs_add_vm(struct axv_vm *vm);
void axv_debugfs_add_vcpu(struct axv_vcpu *vcpu);

/* show.c */
void axv_show_vm(struct seq_file *m, struct axv_vm *vm);
void axv_show_vcpu(struct seq_file *m, struct axv_vcpu *vcpu);
void axv_show_cpus(struct seq_file *m, void *unused);

#endif /* _AXVCPU_DEBUGFS_H */
