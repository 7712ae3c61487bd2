# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# A guest of Debian's QEMU on axvcpu moves to another QEMU while it runs, through a socket. Both
# its CPUs write memory all the time and check what they have written, so what the dirty log misses
# is seen. MACHINE is QEMU's machine.

plan 10
start_qemu 2 "" -machine "$MACHINE"
check "a guest gives a shell" seen 1 "This is a shell"
say "scribble 8 &"
check "one CPU writes memory" seen 2 "CPU 0 pass"
check "so does the other one" seen 2 "CPU 1 pass"
# shellcheck disable=SC2154 # start_qemu() sets it
source=$pid
exec 6>&8
mv /tmp/console /tmp/console.source
mv /tmp/monitor /tmp/monitor.source
start_qemu 2 "" -machine "$MACHINE" -incoming unix:/tmp/socket
monitor "info status"
answers 1 "VM status: paused (inmigrate)"
# The monitor takes no other command before it is done.
echo "migrate_set_parameter downtime-limit 1000" >&6
echo "migrate unix:/tmp/socket" >&6
echo "info migrate" >&6
moved() {
	until grep -q "Migration status" /tmp/monitor.source; do
		kill -0 "$source" || return 1
		sleep 0.2
	done
	grep -q "Migration status: completed" /tmp/monitor.source
}
check "it moves" moved
grep -e "^dirty sync count:" -e "^total time:" -e "^downtime:" /tmp/monitor.source | sed 's/^/# /'
kill "$source"
check "there it goes on with one CPU" seen 2 "CPU 0 pass"
check "and with the other one" seen 2 "CPU 1 pass"
say "poweroff -f"
check "it powers itself off" ends 0
exec 8>&- 6>&-
wrong() {
	grep WRONG /tmp/console /tmp/console.source
}
check_fails "memory or registers are not what they were" wrong
check_fails "QEMU makes another ioctl that is not known" unknown
check_fails "the guest's kernel complains" complaints
