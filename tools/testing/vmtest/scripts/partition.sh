# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# A guest that has a CPU for itself, in SECONDS_EACH at most. Where there is no such CPU the
# program skips its test, which must not be so here.

export AXV_TEST_TIMEOUT="$SECONDS_EACH"
c isolated grep -qx 1 /sys/devices/system/cpu/isolated
c nohz_full grep -qx 1 /sys/devices/system/cpu/nohz_full
t partition ./partition
