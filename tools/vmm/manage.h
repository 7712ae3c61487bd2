/* SPDX-License-Identifier: GPL-2.0 */
/* What the commands of the control socket do to the machine. */
#ifndef AXVMM_MANAGE_H
#define AXVMM_MANAGE_H

struct json_object;

/** manage() - carry a command out; see @run of &struct control; @machine is the machine */
const char *manage(void *machine, const char *command, struct json_object *answer);

#endif /* AXVMM_MANAGE_H */
