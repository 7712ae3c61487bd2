# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# axvcpu beside KVM. HOW is "held" where KVM keeps it from the hardware, or empty.

# shellcheck disable=SC2086 # one argument or none
t beside-kvm ./beside-kvm $HOW
