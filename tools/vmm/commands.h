/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The subcommands of axvmm.  Each returns the exit code.  @argv[-1] is the program.
 */
#ifndef AXVMM_COMMANDS_H
#define AXVMM_COMMANDS_H

/** run_command() - axvmm run: run a guest; @argv[0] is "run" */
int run_command(int argc, char **argv);

/** info_command() - axvmm info: what the host offers; @argv[0] is "info" */
int info_command(int argc, char **argv);

#endif /* AXVMM_COMMANDS_H */
