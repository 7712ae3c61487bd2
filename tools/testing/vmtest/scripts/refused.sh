# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# On a host without VHE whose KVM has EL2, the module must refuse to load.

plan 3
refused() {
	! insmod axvcpu.ko 2>/tmp/why && grep -q "resource busy" /tmp/why
}
check "the module is refused with EBUSY" refused
message() {
	dmesg | grep -q "axvcpu: KVM has EL2.*boot with kvm-arm.mode=none"
}
check "the kernel log says how to boot" message
check "KVM is still there" [ -c /dev/kvm ]
