/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * KVM_CHECK_EXTENSION.
 */
#ifndef CAPS_H
#define CAPS_H

#include <axvcpu.h>

/**
 * caps_check() - what KVM_CHECK_EXTENSION returns
 * @host: the host
 * @cap: KVM_CAP_*
 *
 * Return: 0: not offered.
 */
int caps_check(struct axv_host *host, unsigned long cap);

#endif /* CAPS_H */
