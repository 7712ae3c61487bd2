# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Debian's QEMU stops a guest on axvcpu and lets it go on, saves its state to a disk (savevm) and
# goes back to that (loadvm). The guest counts lines that it is sent, and writes memory with both
# CPUs. MACHINE is QEMU's machine.

# counts N TIMES: send a line, and see that the guest counts to N, for the TIMES-th time
counts() {
	say line
	seen "$2" "^i=$1"
}

# runs TIMES: wait until the monitor has done its commands and says that the guest runs
runs() {
	monitor "info status"
	answers "$1" "VM status: running"
}

mkdir -p /var/tmp
dd if=/dev/zero of=disk bs=1M count=8 2>/dev/null
plan 16
# snapshot=on: QEMU writes to a qcow2 file of its own, which takes the state, too
start_qemu 2 "" -machine "$MACHINE" -drive file=disk,format=raw,if=none,id=disk,snapshot=on \
	-device virtio-blk-pci,drive=disk
check "a guest gives a shell" seen 1 "This is a shell"
# shellcheck disable=SC2016 # the guest's shell expands it
say 'scribble 4 & while read -r x; do i=$((i + 1)); echo i=$i; [ "$x" != end ] || break; done'
check "both its CPUs write memory" seen 1 "CPU 1 pass"
check "it counts" counts 1 1
for n in 2 3 4; do
	monitor stop
	monitor cont
	runs $((n - 1))
	check "it goes on after stop and cont" counts $n 1
done
monitor "savevm one"
monitor "info snapshots"
check "its state is saved" answers 1 "one  .* MiB"
check "it goes on" counts 5 1
check "further" counts 6 1
monitor "loadvm one"
runs 4
check "loadvm goes back to the state" counts 5 2
: >/tmp/console
check "one CPU still writes" seen 1 "CPU 0 pass"
check "so does the other one" seen 1 "CPU 1 pass"
say end
say "poweroff -f"
check "it powers itself off" ends 0
exec 8>&-
wrong() {
	grep WRONG /tmp/console
}
check_fails "memory or registers are not what they were" wrong
check_fails "QEMU makes another ioctl that is not known" unknown
check_fails "the guest's kernel complains" complaints
