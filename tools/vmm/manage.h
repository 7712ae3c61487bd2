/* SPDX-License-Identifier: GPL-2.0 */
/* What the commands of the control socket do to the machine. */
#ifndef AXVMM_MANAGE_H
#define AXVMM_MANAGE_H

struct control_request;

/** manage() - carry a command out; see @run of &struct control; @machine is the machine */
const char *manage(void *machine, struct control_request *request);

#endif /* AXVMM_MANAGE_H */
