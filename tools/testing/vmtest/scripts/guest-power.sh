# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Ends guests of axvmm: by the power button, by a reset with --restart, by a panic, and by
# SIGTERM. ARCH is the architecture, CONSOLE the console on the guest kernel's command line,
# CPUS the number of the guest's CPUs.

# start OPTION...: start axvmm with a guest that has a shell, which reads what say() writes
start() {
	rm -f /tmp/keys
	mkfifo /tmp/keys
	: >/tmp/console
	./axvmm run --kernel vmlinuz --initrd initrd --cpus "$CPUS" \
		--append "console=$CONSOLE quiet axvcpu.modules axvcpu.shell" "$@" \
		</tmp/keys >>/tmp/console 2>>"${ERRORS:-/tmp/console}" &
	pid=$!
	exec 9>/tmp/keys
}

# Commands by which the guest waits for the button ($listen), and then for a press ($pressed).
if [ "$ARCH" = x86 ]; then
	plan 14
	listen='exec 3</dev/input/event0; echo lis"ten"ing'
	pressed='dd <&3 bs=24 count=1 of=/dev/null 2>/dev/null && echo pre"ss"ed'
else
	plan 9
	# Debian's cloud kernel has no gpio_keys: the guest waits for the GPIO line itself.
	# shellcheck disable=SC2016 # the guest's shell expands it
	listen='cd /sys/class/gpio; n=$(($(cat gpiochip*/base) + 3)); echo $n >export
		echo rising >gpio$n/edge; echo lis"ten"ing'
	pressed='until grep -q " 1 .*gpiolib" /proc/interrupts; do sleep 1; done; echo pre"ss"ed'
fi

start --restart
check "a guest gives a shell" seen 1 "This is a shell"
say "reboot -f"
check "with --restart it does so again after its reset" seen 2 "This is a shell"
check "the threads of its vCPUs filter system calls, the others do not" filters
say "$listen"
check "it listens to its power button" seen 1 "^listening"
say "$pressed; poweroff -f"
kill -TERM $pid
check "SIGTERM lets it switch itself off" ends 0
check "it has seen the button" grep -q "^pressed" /tmp/console

start --restart
seen 1 "This is a shell"
say "$listen"
check "another guest listens, and does nothing" seen 1 "^listening"
kill -TERM $pid
seen 1 "a second SIGTERM ends it at once"
kill -TERM $pid
check "a second SIGTERM ends it" ends 4

if [ "$ARCH" = x86 ]; then
	# Nothing reads axvmm's messages, of which the guest causes more than fit into a pipe.
	mkfifo /tmp/errors
	# shellcheck disable=SC2217 # that is the point
	sleep 100000 </tmp/errors &
	reader=$!
	ERRORS=/tmp/errors start --trace-io
	seen 1 "This is a shell"
	# Reads of the VGA adapter's hole, where there is no device: each byte causes a message.
	say 'dd if=/dev/mem bs=4096 skip=160 count=8 of=/dev/null; rmmod button; echo do"ne"'
	check "a guest goes on when nobody reads the messages it causes" seen 1 "^done"
	kill -TERM $pid
	check "SIGTERM ends it, as it listens to no button" ends 4
	kill $reader

	start
	seen 1 "This is a shell"
	say "echo c >/proc/sysrq-trigger"
	check "a panic ends the guest with a code of its own" ends 5
	check "axvmm says so" grep -q "axvmm: the guest's kernel panicked" /tmp/console
	check "the guest has said why" grep -q "Kernel panic - not syncing: sysrq" /tmp/console
fi

# axvmm is started with standard input and output closed; the guest powers off by itself.
./axvmm run --kernel vmlinuz --initrd initrd --append "console=$CONSOLE quiet" \
	<&- >&- 2>/tmp/errors.txt &
pid=$!
# Wait until the process executes axvmm: before, it is a shell that has not closed them yet.
streams() {
	until [ "$(cat /proc/$pid/comm)" = axvmm ] && [ "$(readlink /proc/$pid/fd/1)" ]; do
		kill -0 $pid || return
	done
	[ "$(readlink /proc/$pid/fd/0) $(readlink /proc/$pid/fd/1)" = "/dev/null /dev/null" ] &&
		ends 0
}
check "closed standard streams stay unused" streams
