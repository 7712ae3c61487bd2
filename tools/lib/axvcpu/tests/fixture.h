/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * Objects that tests of the library share: a vCPU over the stand-in for the module, and a
 * device.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <axvcpu.h>

#include "kernel.h"
#include "tap.h"

#define RAM_SIZE	0x400000ull
#define DEVICE		0xd0000000ull

extern struct axv_host *host;
extern struct axv_vm *vm;
extern struct axv_vcpu *vcpu;
extern struct axv_run *run;
extern unsigned char *ram;

/**
 * struct device - accesses that the device got, and what it answers
 * @reads: number of reads
 * @writes: number of writes
 * @addr: address of the last access
 * @width: width of the last access
 * @data: data of the last write
 * @log: all accesses, in their order, as far as there is room
 * @error: 0, or the error that the device returns
 */
struct device {
	unsigned int reads;
	unsigned int writes;
	__u64 addr;
	unsigned int width;
	__u64 data;
	struct {
		__u64 addr;
		unsigned int width;
		__u64 data;
	} log[8];
	int error;
};

/* What the device returns for every read */
#define DEVICE_DATA	0xfedcba9876543210ull

extern struct device device;
extern const struct axv_mmio_ops ops;

/**
 * fixture_open() - make the objects; returns false, and reports a failed test, if that
 * fails
 */
bool fixture_open(void);

/** fixture_close() - destroy the objects */
void fixture_close(void);

/** make_fault() - reset the stand-in and the device, and make a nested page fault at @addr */
void make_fault(__u64 addr);

/** error_has() - does axv_error() contain this text? */
bool error_has(const char *text);

#endif /* FIXTURE_H */
