/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Eventfds that are signalled when level interrupts end.  resample.c
 */
#ifndef _AXVCPU_RESAMPLE_H
#define _AXVCPU_RESAMPLE_H

#include <linux/types.h>

struct axv_resampler;
struct axv_vm;

int axv_resample_init(void);
void axv_resample_exit(void);
struct axv_resampler *axv_resampler_add(struct axv_vm *vm, u32 gsi, int fd);
void axv_resampler_remove(struct axv_vm *vm, struct axv_resampler *resampler);
void axv_resample_wait(void);
unsigned long axv_resample_cookie(void);
void axv_resampler_free(struct axv_resampler *resampler);
void axv_resampler_end(struct axv_vm *vm, struct axv_resampler *resampler);
bool axv_resample(struct axv_vm *vm, u32 gsi);

#endif /* _AXVCPU_RESAMPLE_H */
