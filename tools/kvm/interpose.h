/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * The linker (--wrap=ioctl) makes this library, and the libaxvcpu that is linked into it, call
 * __wrap_ioctl() where they call ioctl().
 */
#ifndef INTERPOSE_H
#define INTERPOSE_H

int __wrap_ioctl(int fd, unsigned long command, ...);

#endif /* INTERPOSE_H */
