/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Telling the current vCPU beside an oops or a warning.  oops.c
 */
#ifndef _AXVCPU_OOPS_H
#define _AXVCPU_OOPS_H

struct notifier_block;

extern struct notifier_block axv_die_notifier;

int axv_oops_init(void);
void axv_oops_exit(void);

#endif /* _AXVCPU_OOPS_H */
