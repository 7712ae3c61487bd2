#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# Runs vmtest's script as a service of a root file system that init has switched to, and does
# what init does at the end.

# shellcheck source=/dev/null # written by vmtest
. /etc/vmtest.conf
# shellcheck source=tools/testing/vmtest/guest/vmtest.sh
. /etc/vmtest.sh

export HOME=/root
# See init.
stty -F "$VMTEST_PORT" 115200 raw -echo
exec 9>"$VMTEST_PORT"

cd /t || exit
sh /etc/script </dev/null >"$VMTEST_PORT" 2>&1
marker "done $?"
stty -F "$VMTEST_PORT" -echo
systemctl poweroff --no-block
