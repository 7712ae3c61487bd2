# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Debian's QEMU resets guests on axvcpu, with PIC, IOAPIC and PIT in the library: by the guest's
# reboot, and by QEMU's command system_reset while the guest is busy. A guest that knows
# nothing of APICs has all its interrupts from the PIC, its timer's from the PIT.

plan 10
start_qemu 2 "" -machine pc
check "a guest gives a shell" seen 1 "This is a shell"
say "reboot -f"
check "it does so again after its reboot" seen 2 "This is a shell"
say 'while :; do :; done & echo bu"sy"; while :; do :; done'
seen 1 "^busy"
monitor system_reset
check "and after a system_reset while both CPUs are busy" seen 3 "This is a shell"
# shellcheck disable=SC2016 # the guest's shell expands it
say 'echo n=$(nproc); taskset 2 echo sec"ond"; poweroff -f'
check "it powers itself off" ends 0
check "it still had both CPUs" grep -q "^second" /tmp/console
check "they are two" grep -q "^n=2" /tmp/console
exec 8>&-

start_qemu 1 "noapic nolapic hpet=disable" -machine pc
check "a guest without APICs gives a shell" seen 1 "This is a shell"
# shellcheck disable=SC2016 # the guest's shell expands it
say 'set -- $(grep "XT-PIC.*timer" /proc/interrupts); [ "$2" -gt 100 ] && echo ti"cks"; poweroff -f'
check "it powers itself off, too" ends 0
check "its timer's interrupts came from the PIC" grep -q "^ticks" /tmp/console
exec 8>&-
check_fails "QEMU makes another ioctl that is not known" unknown
