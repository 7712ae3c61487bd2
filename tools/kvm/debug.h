/* SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause */
/* Messages for a person.  Without AXV_KVM_DEBUG in the environment there are none. */
#ifndef DEBUG_H
#define DEBUG_H

/** debug() - one line on standard error, if the environment has AXV_KVM_DEBUG */
void debug(const char *fmt, ...) __attribute__((format(printf, 1, 2), cold));

#endif /* DEBUG_H */
