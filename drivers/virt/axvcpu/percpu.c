// SPDX-License-Identifier: GPL-2.0
/*
 * What the core knows of each CPU: whether virtualization is on, and which vCPUs
 * are there.  hardware.c and current.c keep these up to date; entries read them.
 */
#include <linux/percpu.h>

#include <axvcpu/current.h>
#include <axvcpu/hardware.h>
#include <axvcpu/vcpu.h>

DEFINE_PER_CPU(struct axv_percpu, axv_percpu);
DEFINE_PER_CPU(struct axv_vcpu *, axv_current);
DEFINE_PER_CPU(struct axv_vcpu *, axv_loaded);
DEFINE_PER_CPU(struct hlist_head, axv_held);
