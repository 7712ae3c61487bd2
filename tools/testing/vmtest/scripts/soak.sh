# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Runs the selftest soak with half a million entries, for SECONDS_EACH at most.

export AXV_TEST_TIMEOUT="$SECONDS_EACH"
export AXV_SOAK=500000
t soak ./soak
