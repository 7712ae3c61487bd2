# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Runs the benchmark with KVM, unloads KVM, which may keep the hardware even when it is idle,
# and runs the benchmark with axvcpu. Variables, which may be empty: KVM is the module of KVM
# to load; TRACE is an argument of the benchmark; SYMBOLS asks for the kernel's symbols; BOOT
# asks for the boot of a Linux guest, whose console is CONSOLE.

# say_symbols SIDE PATTERN: print the symbols of code, packed, for vmt/profile.py; the first
# time the kernel's and the modules', then only the modules'.
say_symbols() {
	grep -E "^[0-9a-f]+ [tTwW] $2" /proc/kallsyms | gzip | base64 | sed "s/^/symbols $1 /"
}

# measure SIDE VMM PATTERN: run the benchmark, and boot a Linux guest with VMM
measure() {
	[ -z "$SYMBOLS" ] || say_symbols "$1" "$3"
	# shellcheck disable=SC2086 # one argument or none
	c "bench $1" ./bench "$1" $TRACE
	# Boot a Linux guest, from the start of the VMM until its end. noxsave, since QEMU lets a
	# guest's XSETBV change the host's register without an exit, so KVM would not notice it.
	[ -z "$BOOT" ] || c "boot $1" ./bench "$1" "./$2" run --kernel vmlinuz --initrd initrd \
		--append "console=$CONSOLE panic=-1 noxsave" 2>&1
}

# Let the kernel collect its random numbers now. Otherwise it does so when axvmm-kvm asks for
# some, which takes a second of the CPU's time.
head -c 1 /dev/random >/dev/null
[ -z "$KVM" ] || modprobe "$KVM" || exit 1
measure kvm axvmm-kvm ""
[ -z "$KVM" ] || rmmod "$(echo "$KVM" | tr - _)" kvm || exit 1
insmod ./axvcpu.ko || exit 1
measure axvcpu axvmm '.*\['
rmmod axvcpu
