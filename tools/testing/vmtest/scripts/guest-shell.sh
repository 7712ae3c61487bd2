# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# On arm64: runs a guest with a shell, and U-Boot, which has one, too, each for SECONDS_EACH
# at most.

run() {
	wanted=$1
	shift
	timeout "$SECONDS_EACH" ./axvmm run "$@" >/tmp/console 2>&1
	rc=$?
	cat /tmp/console
	[ $rc = "$wanted" ]
}
linux() {
	# shellcheck disable=SC2016 # the guest's shell computes
	printf 'echo "six times seven: $((6 * 7))"\nreboot -f\n' |
		run 2 --kernel vmlinuz --initrd initrd \
			--append "console=ttyAMA0 panic=-1 axvcpu.shell"
}
u_boot() {
	printf 'x\nprintenv board\npoweroff\n' | run 0 --firmware u-boot.bin
}
plan 8
check "axvmm info" sh -c "./axvmm info | tee /tmp/console"
check "it names the back end and the GIC" sh -c \
	"grep -q 'back end *EL2' /tmp/console && grep -q 'interrupt controllers.*GICv3' /tmp/console"
check "a guest that asks for a reset ends axvmm with 2" linux
check "its shell obeyed" grep -q "^six times seven: 42" /tmp/console
check "axvmm said so" grep -q "axvmm: the guest asked for a reset" /tmp/console
check "U-Boot switches the machine off" u_boot
check "it came to its prompt" grep -q "^=> printenv board" /tmp/console
check "it obeyed" grep -q "^board=qemu-arm" /tmp/console
