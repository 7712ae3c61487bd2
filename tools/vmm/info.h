/* SPDX-License-Identifier: GPL-2.0 */
/* The output of axvmm info. */
#ifndef AXVMM_INFO_H
#define AXVMM_INFO_H

#include <axvcpu.h>

/** info_label() - begin a line of the output with its label */
void info_label(const char *text);

/**
 * info_arch() - print what only this architecture has
 * @host:	the host
 *
 * Return: 0 or a negative errno.
 */
int info_arch(struct axv_host *host);

#endif /* AXVMM_INFO_H */
