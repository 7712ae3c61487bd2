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

/** list_command() - axvmm list: the guests that run; @argv[0] is "list" */
int list_command(int argc, char **argv);

/** tell_command() - axvmm stop [--wait], pause, resume: tell a guest; @argv[0] is the command */
int tell_command(int argc, char **argv);

/** stat_command() - axvmm stat: the counters of a guest; @argv[0] is "stat" */
int stat_command(int argc, char **argv);

/** top_command() - axvmm top: a guest's counters by second; @argv[0] is "top" */
int top_command(int argc, char **argv);

/** balloon_command() - axvmm balloon: how much memory a guest has; @argv[0] is "balloon" */
int balloon_command(int argc, char **argv);

/** console_command() - axvmm console: this terminal is a guest's; @argv[0] is "console" */
int console_command(int argc, char **argv);

#endif /* AXVMM_COMMANDS_H */
