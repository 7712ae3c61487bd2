# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Runs the programs of PROGRAMS on a host whose interrupt controller is a GICv2, each for
# SECONDS_EACH at most. Their tests of a controller in the kernel are skipped there.

export AXV_TEST_TIMEOUT=$((SECONDS_EACH * 4 / 5))
c gicv2 grep -q cortex-a15-gic /proc/device-tree/intc@8000000/compatible
for p in $PROGRAMS; do
	t "$p" timeout -s KILL "$SECONDS_EACH" "./$p" </dev/null
done
