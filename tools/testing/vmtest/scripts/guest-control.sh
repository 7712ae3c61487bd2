# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Lists, pauses, resumes, counts and stops a guest of axvmm by its control socket.

export XDG_RUNTIME_DIR=/tmp/run
mkdir -m 700 /tmp/run
mkfifo /tmp/keys
: >/tmp/console
./axvmm run --name web --kernel vmlinuz --initrd initrd --cpus 2 --mem 256M \
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

plan 21
check "a guest gives a shell" seen 1 "This is a shell"
check "it is listed" listed running
check "its socket is the user's alone" test "$(stat -c %a /tmp/run/axvmm/web.sock)" = 600
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
