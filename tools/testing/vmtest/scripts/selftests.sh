# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Runs every selftest that tests.list names, each program for SECONDS_EACH at most, so that
# one that hangs does not cost the results of the others. The harness ends a test that hangs
# before that (AXV_TEST_TIMEOUT).

export AXV_TEST_TIMEOUT=$((SECONDS_EACH * 4 / 5))
while read -r p; do
	t "$p" timeout -s KILL "$SECONDS_EACH" "./$p" </dev/null
done <tests.list
