# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Runs a guest that has a CPU for itself, for SECONDS_EACH at most. Without an isolated CPU the
# program would skip its test; so this checks that there is one.

export AXV_TEST_TIMEOUT="$SECONDS_EACH"
c isolated grep -qx 1 /sys/devices/system/cpu/isolated
c nohz_full grep -qx 1 /sys/devices/system/cpu/nohz_full
t partition ./partition
