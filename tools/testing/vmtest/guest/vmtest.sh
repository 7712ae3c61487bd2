# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# For scripts that run inside the machine.

VMTEST_PORT=${VMTEST_PORT:-/dev/ttyS1}

# One line of the protocol.
marker() {
	echo "@vmtest $*" >"$VMTEST_PORT"
}

# t NAME COMMAND...: run a test program that prints TAP; its exit code counts too.
t() {
	_name=$1
	shift
	_run test "$_name" "$@"
}

# c NAME COMMAND...: run a program that is one test and passes by exiting with 0.
c() {
	_name=$1
	shift
	_run command "$_name" "$@"
}

_run() {
	_kind=$1
	_name=$2
	shift 2
	marker "$_kind $_name"
	echo "vmtest: $_kind $_name" >/dev/kmsg
	"$@"
	_rc=$?
	marker "exit $_name $_rc"
	return $_rc
}

# A test in shell: plan N, then check NAME COMMAND... N times. check_fails wants
# the command to fail.
plan() {
	_tap=0
	echo "TAP version 13"
	echo "1..$1"
}

check() {
	_desc=$1
	shift
	_tap=$((_tap + 1))
	if "$@"; then
		echo "ok $_tap $_desc"
	else
		echo "not ok $_tap $_desc"
		return 1
	fi
}

not() {
	! "$@"
}

check_fails() {
	_desc=$1
	shift
	check "$_desc" not "$@"
}
