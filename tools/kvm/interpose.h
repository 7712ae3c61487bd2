/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/*
 * The linker turns the calls of ioctl() in this library, and in the libaxvcpu that is linked
 * into it, into calls of this one (--wrap=ioctl).
 */
#ifndef INTERPOSE_H
#define INTERPOSE_H

int __wrap_ioctl(int fd, unsigned long command, ...);

#endif /* INTERPOSE_H */
