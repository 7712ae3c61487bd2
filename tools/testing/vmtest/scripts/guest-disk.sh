# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# A guest of axvmm has a disk that qemu-storage-daemon serves. Checks that the guest reads and
# writes the disk, that axvmm has no part in that, and what happens when the daemon dies. CONSOLE
# is the console on the guest kernel's command line.

SOCKET=/tmp/disk.sock
READS=1000
planned=25
case $CONSOLE in ttyAMA*) planned=$((planned + 1)) ;; esac
plan $planned

# The disk's sixth sector has a text that the guest looks for.
dd if=/dev/zero of=/tmp/disk bs=1M count=8 2>/dev/null
printf 'sector five' | dd of=/tmp/disk bs=512 seek=5 conv=notrunc 2>/dev/null

serve() {
	qemu-storage-daemon --blockdev file,node-name=f,filename=/tmp/disk \
		--blockdev raw,node-name=d,file=f --export \
		vhost-user-blk,id=e,node-name=d,writable=on,addr.type=unix,addr.path=$SOCKET &
	daemon=$!
	until [ -S $SOCKET ]; do kill -0 $daemon || return; sleep 0.1; done
}

# kinds: the exits to axvmm by their reason, for all vCPUs
# got: how many bytes the daemon has read
kinds() {
	awk '/^exit_/ { n[$1] += $2 } END { for (k in n) print k, n[k] }' \
		/sys/kernel/debug/axvcpu/[0-9]*/[0-9]*/stats
}
got() { awk '/^rchar/ { print $2 }' "/proc/$daemon/io"; }

# Count what the guest's reads cost. The guest prints nothing meanwhile, since output causes
# exits, too. It begins when it gets a line: if it waited for some time instead, it could have
# read all before this script has read the counters.
count() {
	say "read line; dd if=/dev/vda of=/dev/null bs=4096 count=$READS iflag=direct 2>/dev/null;" \
		'sleep 8; echo do"ne"'
	sleep 2
	exits=$(counted exit_) bells=$(counted doorbells) waits=$(waits) end=$(($(got) + READS * 4096))
	kinds >/tmp/kinds
	say go
	# shellcheck disable=SC2154 # start() sets pid
	while [ "$(got)" -lt $end ]; do kill -0 "$pid" && sleep 0.2 || return; done
	exits=$(($(counted exit_) - exits)) bells=$(($(counted doorbells) - bells)) waits=$(($(waits) - waits))
	echo "# $READS reads: $bells doorbells, $exits exits to axvmm; its other threads waited $waits times"
	kinds | awk 'NR == FNR { was[$1] = $2; next } $2 > was[$1] { print "# " $1, $2 - was[$1] }' /tmp/kinds -
	seen 1 "^done"
}

# shellcheck disable=SC2016 # the guest's shell expands it
use() {
	say 'echo sectors $(cat /sys/block/vda/size)'
	check "it has a disk of that size" seen "$1" "^sectors 16384"
	say 'dd if=/dev/vda bs=512 skip=5 count=1 2>/dev/null | head -c 11; echo'
	check "it reads what the host has written" seen "$1" "^sector five"
}

# The guest switches off the CPU that the disk interrupts, reads, and switches it on again.
# shellcheck disable=SC2016 # the guest's shell expands it
move() {
	say 'cpu=/sys/devices/system/cpu/cpu0/online; echo 0 >$cpu; sleep 1'
	say 'dd if=/dev/vda of=/dev/null bs=4096 count=50 iflag=direct 2>/dev/null; echo 1 >$cpu'
	say 'dd if=/dev/vda of=/dev/null bs=4096 count=50 iflag=direct 2>/dev/null'
	say 'awk '"'"'/virtio0-req/ { if ($3 >= 50) print "mo" "ved" }'"'"' /proc/interrupts'
	seen 1 "^moved"
}

check "qemu-storage-daemon serves a disk" serve
start 2 --vhost-user blk,socket=$SOCKET
check "a guest starts beside it" seen 1 "This is a shell"
check "the threads of vCPUs and of the disk filter system calls" filters
use 1
say 'echo from the guest | dd of=/dev/vda bs=512 seek=7 conv=sync,fsync 2>/dev/null; echo wri"tt"en'
written() { seen 1 "^written" && dd if=/tmp/disk bs=512 skip=7 count=1 2>/dev/null | grep -q "from the guest"; }
check "the host reads what it has written" written
say "grep virtio0-req /proc/interrupts"
check "its interrupts are messages" seen 1 "MSI.*virtio0-req"
check "it reads $READS blocks" count
# On x86 about twenty exits a second, by reads of ports, have nothing to do with the disk.
check "for which axvmm does nothing" [ $((exits * 2)) -lt $READS ]
check "nor do its threads wake up" [ $((waits * 10)) -lt $READS ]
check "each read rings a doorbell" [ "$bells" -ge $READS ]
say 'rmmod virtio_blk && modprobe virtio_blk; dd if=/dev/vda bs=512 skip=7 count=1 2>/dev/null | head -n 1'
check "its driver goes and comes" seen 1 "^from the guest"
case $CONSOLE in
ttyAMA*)
	# On x86 the first CPU cannot be switched off.
	check "its interrupts go to the other CPU when theirs is off" move
	;;
esac
kill -9 "$daemon"
check "axvmm says that the daemon is gone" seen 1 "axvmm: $SOCKET: the vhost-user back end has gone"
say 'echo al"ive"; poweroff -f'
check "the guest goes on, and switches itself off" ends 0
check "that it did" grep -q "^alive" /tmp/console
check_fails "the guest's kernel complains" complaints

# One CPU is enough for what follows, and QEMU errs less often with one.
start 1 --disk /tmp/disk,ro --restart --console file=/tmp/hvc0 --balloon
check "axvmm starts the daemon itself" seen 1 "This is a shell"
say "reboot -f"
check "and again, when the guest starts again" seen 2 "This is a shell"
use 1
# shellcheck disable=SC2016 # the guest's shell expands it
say 'echo read-only $(cat /sys/block/vda/ro)'
check "it cannot write, if so wished" seen 1 "^read-only 1"
say 'echo to the host >/dev/hvc0; echo print"ed"'
printed() { seen 1 "^printed" && tr -d '\r' </tmp/hvc0 | grep -qx "to the host"; }
check "it prints to a virtio console" printed
say "poweroff -f"
check "the guest switches itself off" ends 0
check_fails "the guest's kernel complains" complaints
check_fails "a daemon is left" pidof qemu-storage-daemon
