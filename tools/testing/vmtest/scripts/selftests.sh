# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Every selftest that tests.list names. SECONDS_EACH bounds a program, so that one that
# hangs does not take the others' results with it; before that the harness ends the test.

export AXV_TEST_TIMEOUT=$((SECONDS_EACH * 4 / 5))
while read -r p; do
	t "$p" timeout -s KILL "$SECONDS_EACH" "./$p" </dev/null
done <tests.list
