# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Tests axvcpu while KVM is loaded. HOW is "held" if this kernel's KVM keeps the hardware as
# long as it is loaded, otherwise empty.

# shellcheck disable=SC2086 # one argument or none
t beside-kvm ./beside-kvm $HOW
