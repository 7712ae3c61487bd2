# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Functions for scripts that run inside the machine.

VMTEST_PORT=${VMTEST_PORT:-/dev/ttyS1}

# marker TEXT: write a line of the protocol
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

# A test in shell: plan N, then N times check NAME COMMAND..., which passes if the command
# succeeds, or check_fails NAME COMMAND..., which passes if the command fails.
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

# The functions below are for a guest of axvmm that the script has started: $pid is axvmm's
# process, the guest's console goes to /tmp/console, and what the script writes to descriptor 9
# is its input.

# say TEXT: send a line to the guest's shell
say() { printf '%s\n' "$*" >&9; }

# seen N TEXT: wait until N lines of the console contain TEXT; fails if axvmm ends before
# shellcheck disable=SC2154 # the script's pid
seen() {
	while [ "$(grep -c "$2" /tmp/console)" -lt "$1" ]; do
		if ! kill -0 "$pid" 2>/dev/null; then
			echo "# axvmm has ended:"
			sed 's/^/# /' /tmp/console
			return 1
		fi
		sleep 0.2
	done
}

# ends RC: wait until axvmm ends; fails if its exit code is not RC
ends() {
	wait "$pid"
	rc=$?
	exec 9>&-
	[ $rc = "$1" ] && return
	echo "# it ended with $rc:"
	sed 's/^/# /' /tmp/console
	return 1
}

# filters: check that the threads of vCPUs and of virtio devices filter system calls (mode 2), that
# there is a thread of a vCPU, and that axvmm's other threads do not filter.
filters() {
	found=1
	for task in "/proc/$pid/task/"*; do
		mode=0
		case $(cat "$task/comm") in
		vcpu*) mode=2 found=0 ;;
		vhost | hvc[0-9] | net[0-9]) mode=2 ;;
		esac
		grep -q "^Seccomp:[[:space:]]*$mode\$" "$task/status" || return 1
	done
	return $found
}

# start CPUS ARG...: start axvmm with such a guest, which loads its drivers and gives a shell.
# CONSOLE is the console on its command line; ttyS0 if it is not set. AXVMM is the command; ./axvmm
# if it is not set. On x86, without tsc=reliable the guest compares its TSC with ticks, which come
# late in an emulator, and uses axvmm's PM timer instead: each read of that would be an exit.
start() {
	cpus=$1
	shift
	rm -f /tmp/keys
	mkfifo /tmp/keys
	: >/tmp/console
	# shellcheck disable=SC2086 # AXVMM, if it is set, is several words
	${AXVMM-./axvmm} run --kernel vmlinuz --initrd initrd --cpus "$cpus" \
		--append "console=${CONSOLE:-ttyS0} quiet tsc=reliable axvcpu.modules axvcpu.shell" "$@" \
		</tmp/keys >>/tmp/console 2>&1 &
	pid=$!
	exec 9>/tmp/keys
}

# start_qemu CPUS WORDS OPTION...: the same with QEMU, on axvcpu through axv-kvm. WORDS are for the
# guest's kernel. What the script writes to descriptor 8 are commands for QEMU's monitor, whose
# answers go to /tmp/monitor.
start_qemu() {
	cpus=$1 words=$2
	shift 2
	rm -f /tmp/keys /tmp/mon.in /tmp/mon.out
	mkfifo /tmp/keys /tmp/mon.in /tmp/mon.out
	: >/tmp/console
	: >/tmp/monitor
	AXV_KVM_DEBUG=1 ./axv-kvm qemu-system-x86_64 -L firmware -nodefaults -nographic -accel kvm \
		-cpu host -smp "$cpus" -m 256 -serial stdio -monitor pipe:/tmp/mon "$@" \
		-kernel vmlinuz -initrd initrd \
		-append "console=ttyS0 quiet axvcpu.modules axvcpu.shell $words" \
		</tmp/keys >>/tmp/console 2>&1 &
	pid=$!
	exec 9>/tmp/keys
	exec 8>/tmp/mon.in
	cat /tmp/mon.out >>/tmp/monitor &
}

# monitor COMMAND: have QEMU's monitor do this
monitor() { printf '%s\n' "$*" >&8; }

# answers N TEXT: wait until N lines of the monitor's answers contain TEXT; fails if QEMU ends
# before
answers() {
	while [ "$(grep -c "$2" /tmp/monitor)" -lt "$1" ]; do
		if ! kill -0 "$pid" 2>/dev/null; then
			echo "# QEMU has ended:"
			sed 's/^/# /' /tmp/monitor
			return 1
		fi
		sleep 0.2
	done
}

# unknown: the ioctls that the library does not know, other than those that QEMU tries without
# being offered them: for the MCE features, and for TPR reports
unknown() {
	grep "is not known" /tmp/console |
		grep -v -e "(number 0x9d) of a device" -e "(number 0x92) of a vCPU"
}

# make_root: make a tree for as(), at $ROOT. Daemons of axvmm's change the root of their mount
# namespace, which the kernel refuses if the root is the initramfs. So axvmm runs in a mount
# namespace with another root, whose files are those of the initramfs. A mere chroot would not do:
# there the kernel refuses user namespaces.
ROOT=/mnt
make_root() {
	mount -t tmpfs root $ROOT
	mkdir $ROOT/proc $ROOT/sys $ROOT/dev $ROOT/t $ROOT/tmp
	for d in /bin /lib* /usr /etc; do cp -a "$d" $ROOT; done
	cp /t/axvmm /t/vmlinuz /t/initrd $ROOT/t
	for d in proc sys dev; do mount -o bind /$d $ROOT/$d; done
	chmod 1777 $ROOT/tmp
	chmod 666 /dev/axvcpu
	echo "user:x:1000:1000::/:/bin/sh" >>$ROOT/etc/passwd
}

# as USER: let start() run axvmm there, as this user; su executes axvmm, so $pid is axvmm's
as() {
	printf '#!/bin/sh\ncd /t; exec ./axvmm "$@"\n' >$ROOT/t/run
	# shellcheck disable=SC2016 # the script expands it
	printf '#!/bin/sh\ncd %s && mount -o move . / && exec chroot . su -s /t/run -- "$@"\n' $ROOT >/t/enter
	chmod 755 $ROOT/t/run /t/enter
	export AXVMM="unshare -m /t/enter $1"
}

# counted NAME: the sum of the module's counters whose names begin with NAME, for all vCPUs
counted() {
	awk "/^$1/ { n += \$2 } END { print n + 0 }" /sys/kernel/debug/axvcpu/[0-9]*/[0-9]*/stats
}

# waits: how often axvmm's threads have waited, other than those of vCPUs and (vhost-PID) the
# kernel's vhost
waits() {
	for task in "/proc/$pid/task/"*; do
		case $(cat "$task/comm") in
		vcpu* | vhost-*) ;;
		*) cat "$task/status" ;;
		esac
	done | awk '/^voluntary_ctxt/ { n += $2 } END { print n + 0 }'
}

# complaints: what the guest's kernel complains about; fails if there is nothing
complaints() {
	# The guest's kernel prints this because of the processor's model, not because of axvcpu.
	grep -v "Speculative Return Stack Overflow" /tmp/console |
		grep -E "BUG:|WARNING:|Call Trace|Oops|soft lockup|rcu: INFO|I/O error"
}
