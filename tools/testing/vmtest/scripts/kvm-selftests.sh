# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# KVM's selftests, each on KVM and then, through axv-kvm, on axvcpu. The file "expect" has for each
# test what must come out of both; RUN says which of its lines, and how many these are is TESTS.
# SECONDS_EACH ends a test that hangs.

# result COMMAND...: run a test, and set $result to what came out of it: pass, skip, fail or cut
result() {
	timeout -s KILL "$SECONDS_EACH" "$@" >/tmp/out 2>&1 </dev/null
	case $? in
	0) result="pass" ;;
	4) result="skip" ;;
	137) result="cut" ;;
	*) result="fail" ;;
	esac
}

# judge WHERE TEST EXPECTED: a test in TAP
judge() {
	[ "$result" = "$3" ] && return
	echo "# $2 on $1: expected $3, got $result"
	tail -n 20 /tmp/out | sed 's/^/#   /'
	return 1
}

# words TEST,OPTION...: the command
words() {
	echo "./$1" | tr , ' '
}

# both TEST KVM HERE: run a test on both
both() {
	# shellcheck disable=SC2046 # its options are words
	result $(words "$1")
	judge KVM "$1" "$2" || return
	# shellcheck disable=SC2046 # as above
	result ./axv-kvm $(words "$1")
	judge axvcpu "$1" "$3"
}

# The tests lock memory.
# shellcheck disable=SC3045 # busybox has it
ulimit -l unlimited
plan "$TESTS"
while read -r test run kvm here why; do
	[ "$run" = "$RUN" ] || continue
	check "$test: $kvm on KVM, $here on axvcpu${why:+: $why}" both "$test" "$kvm" "$here"
done <expect
