/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The options of axvmm run that give a guest devices.  Each function parses an option's value,
 * and adds the device; it returns 0 or a negative errno, and has printed the error.
 */
#ifndef AXVMM_DEVICES_H
#define AXVMM_DEVICES_H

#include "machine.h"

int devices_add_console(struct machine_config *config, const char *text);
int devices_add_disk(struct machine_config *config, const char *text);
int devices_add_net(struct machine_config *config, const char *text);
int devices_add_share(struct machine_config *config, const char *text);
int devices_add_vhost_user(struct machine_config *config, const char *text);
int devices_add_vsock(struct machine_config *config, const char *text);

#endif /* AXVMM_DEVICES_H */
