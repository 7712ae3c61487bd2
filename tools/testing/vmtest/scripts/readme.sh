# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Runs the VMM that the README shows, the guest that the README's command GUEST runs, and make
# kselftest.

plan 5
# Wait for the prompt before typing: when the guest's driver sets its UART up, it empties the
# FIFO, as on hardware, and what came before is lost.
guest() {
	mkfifo /tmp/keys
	eval "$GUEST" </tmp/keys >/tmp/guest 2>&1 &
	pid=$!
	exec 9>/tmp/keys
	while kill -0 $pid 2>/dev/null; do
		grep -q '[~/] # ' /tmp/guest && break
		sleep 0.2
	done
	printf 'echo sh"el"l $$\nls -l /dev/ttyS0\nps\npoweroff -f\n' >&9
	wait $pid
	rc=$?
	exec 9>&-
	[ $rc = 0 ] && return
	sed 's/^/# /' /tmp/guest
	return 1
}
check "the README's guest runs, and powers off" guest
shell() {
	grep -q "^shell [0-9]" /tmp/guest && grep -q "^crw.*/dev/ttyS0" /tmp/guest &&
		grep -q "^ *PID " /tmp/guest && return
	sed 's/^/# /' /tmp/guest
	return 1
}
check "its shell has devices and processes" shell
kselftest() {
	bash ./kselftest . >/tmp/kselftest 2>&1
}
check "the README's VMM prints what its guest says" [ "$(./hello)" = A ]
check "make kselftest passes where the module is loaded" kselftest
rm /dev/axvcpu
check_fails "make kselftest fails where it is not" kselftest
