# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# The bench with KVM, then with axvcpu: an idle KVM may hold what a back end needs. KVM is
# the module of KVM's to load, TRACE an argument of the bench's; SYMBOLS asks for the
# kernel's symbols, BOOT for the boot of a Linux guest with this CONSOLE. All may be empty.

# The symbols of text, packed, for vmt/profile.py: once with the kernel's, and each time
# with the modules'.
say_symbols() {
	grep -E "^[0-9a-f]+ [tTwW] $2" /proc/kallsyms | gzip | base64 | sed "s/^/symbols $1 /"
}

# measure SIDE VMM SYMBOLS
measure() {
	[ -z "$SYMBOLS" ] || say_symbols "$1" "$3"
	# shellcheck disable=SC2086 # one argument or none
	c "bench $1" ./bench "$1" $TRACE
	# A Linux guest, from the start of the VMM until it has ended. QEMU lets a guest's
	# XSETBV through to the register, which KVM does not notice: no XSAVE.
	[ -z "$BOOT" ] || c "boot $1" ./bench "$1" "./$2" run --kernel vmlinuz --initrd initrd \
		--append "console=$CONSOLE panic=-1 noxsave" 2>&1
}

# Otherwise the kernel collects random numbers when axvmm-kvm asks for some, and that
# waits a second, and not idly.
head -c 1 /dev/random >/dev/null
[ -z "$KVM" ] || modprobe "$KVM" || exit 1
measure kvm axvmm-kvm ""
[ -z "$KVM" ] || rmmod "$(echo "$KVM" | tr - _)" kvm || exit 1
insmod ./axvcpu.ko || exit 1
measure axvcpu axvmm '.*\['
rmmod axvcpu
