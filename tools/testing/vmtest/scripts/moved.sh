# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Runs the programs of PROGRAMS with AXV_TEST_MOVE: at every exit that a test sees, the vCPU's
# state is saved, and restored into a new vCPU.

export AXV_TEST_MOVE=1
export AXV_TEST_TIMEOUT=$((SECONDS_EACH * 4 / 5))
for p in $PROGRAMS; do
	t "$p" timeout -s KILL "$SECONDS_EACH" "./$p" </dev/null
done
