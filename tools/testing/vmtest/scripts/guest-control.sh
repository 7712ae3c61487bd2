# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Lists, pauses, resumes, counts and stops a guest of axvmm by its control socket, attaches to its
# consoles, and takes memory from it.

export XDG_RUNTIME_DIR=/tmp/run
mkdir -m 700 /tmp/run
mkfifo /tmp/keys
: >/tmp/console
./axvmm run --name web --kernel vmlinuz --initrd initrd --cpus 2 --mem 256M --console attach --balloon \
	--append "console=ttyS0 quiet axvcpu.modules axvcpu.shell" \
	</tmp/keys >>/tmp/console 2>&1 &
pid=$!
exec 9>/tmp/keys

listed() {
	./axvmm list >/tmp/list
	sed 's/^/# /' /tmp/list
	grep -q "^web  *$pid  *$1  *2  *256M\$" /tmp/list
}
# The number of entries that axvmm stat tells
entries() { ./axvmm stat web | sed -n 's/^  guest entries *//p'; }
still() {
	before=$(entries)
	[ -n "$before" ] && [ "$(entries)" = "$before" ]
}
# axvmm top tells rates twice, and ends with the pipe or with the guest.
rates() { timeout 60 ./axvmm top web | grep -m 2 "guest entries" | grep -c . | grep -qx 2; }

plan 34
check "a guest gives a shell" seen 1 "This is a shell"
check "it is listed" listed running
check "its socket is the user's alone" test "$(stat -c %a /tmp/run/axvmm/web.sock)" = 600
# The client's input, as long as the test keeps it open; what it prints; its process
attach() {
	rm -f /tmp/input
	mkfifo /tmp/input
	./axvmm console web "$@" </tmp/input >/tmp/output 2>/tmp/said &
	client=$!
	exec 8>/tmp/input
}
prints() { until grep -q "$1" /tmp/output; do kill -0 $client || return; sleep 0.1; done; }
attach
# shellcheck disable=SC2016 # the guest's shell computes
echo 'echo six times seven: $((6 * 7))' >&8
check "its serial port is attached" prints "^six times seven: 42"
check "the first terminal has that, too" seen 1 "^six times seven: 42"
refused() {
	./axvmm console web </dev/null >/tmp/second 2>&1 && return 1
	grep "attached to this console already" /tmp/second
}
check "a second client is refused" refused
kill -9 $client
again() { attach; echo 'echo again and a"gain"' >&8; prints "^again and again"; }
check "a client that was killed has freed it" again
exec 8>&-
kill $client
attach hvc0
# shellcheck disable=SC2016 # the guest's shell expands it
say 'read -r line </dev/hvc0; echo "read $line" | tee /dev/hvc0'
echo typed >&8
# The guest's kernel echoes what was typed, and drops what is left of that when read closes the
# console: so the output need not be at the beginning of a line.
check "its virtio console is attached" prints "read typed"
check "the guest has read what was typed" seen 1 "^read typed"
check_fails "there is another one" ./axvmm console web hvc1
exec 8>&-
kill $client
# KiB of the guest's memory that the host has given
resident() { awk '/^RssAnon/ { print $2 }' "/proc/$pid/status"; }
falls() { i=0; until [ "$(resident)" -lt "$1" ]; do [ $((i += 1)) -lt 600 ] || return; sleep 0.1; done; }
# The guest uses 64 MiB, and reports most of them as free some seconds after that.
say 'dd if=/dev/zero of=/big bs=1M count=64 2>/dev/null; echo f"ull"'
check "the guest uses memory" seen 1 "^full"
most=$(resident)
say 'rm /big'
check "free pages are the host's again" falls $((most - 32768))
check "the user asks for 96 MiB" sh -c "./axvmm balloon web 160M | grep 'is to have 160M'"
gives() {
	i=0
	until ./axvmm balloon web | grep -q "has 160M,"; do
		[ $((i += 1)) -lt 600 ] || return
		sleep 0.1
	done
}
check "the guest gives them back" gives
check_fails "the guest gets more than it was started with" ./axvmm balloon web 512M
check "it has its memory back" ./axvmm balloon web 256M
check_fails "another guest gets the same name" ./axvmm run --name web --kernel vmlinuz
say 'exec 3</dev/input/event0; while :; do echo tick; done &'
check "the guest is busy" seen 10 "^tick"
check "axvmm top tells rates" rates
check_fails "it is resumed before it was paused" ./axvmm resume web
check "it is paused" ./axvmm pause web
check "it is listed as paused" listed paused
check "its CPUs do not enter it" still
check_fails "it is paused twice" ./axvmm pause web
check "it is resumed" ./axvmm resume web
check "it goes on" seen $(($(grep -c tick /tmp/console) + 100)) "^tick"
check_fails "its CPUs stand still" still
check "it is asked to switch itself off" sh -c \
	"./axvmm stop web | grep 'asked to switch itself off'"
check "it is listed as stopping" listed stopping
check "a second stop ends it" ./axvmm stop web
check "axvmm tells that the user ended it" ends 4
check "its socket is gone" test ! -e /tmp/run/axvmm/web.sock
check_fails "it is listed" listed ".*"
check_fails "a guest that has gone is stopped" ./axvmm stop web
