# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# The programs of PROGRAMS once more, with the vCPU saved and restored into a new one at
# every exit that they see.

export AXV_TEST_MOVE=1
export AXV_TEST_TIMEOUT=$((SECONDS_EACH * 4 / 5))
for p in $PROGRAMS; do
	t "$p" timeout -s KILL "$SECONDS_EACH" "./$p" </dev/null
done
