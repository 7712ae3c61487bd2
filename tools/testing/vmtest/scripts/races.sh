# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# The programs of PROGRAMS, each in SECONDS_EACH at most, on a kernel that looks for races.

# KCSAN watches an access every 50 at most, more than the kernel is configured for; the boot
# does without.
echo 50 >/sys/module/kcsan/parameters/skip_watch
export AXV_TEST_TIMEOUT=$((SECONDS_EACH * 4 / 5))
for p in $PROGRAMS; do
	t "$p" timeout -s KILL "$SECONDS_EACH" "./$p" </dev/null
done
