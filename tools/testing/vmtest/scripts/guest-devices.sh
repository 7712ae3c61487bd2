# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# A guest of axvmm has sockets to the host (vsock), by the kernel's vhost-vsock, and at the same time
# two disks, two network devices, a directory shared by a virtiofsd that this script starts, a
# device for random numbers, and two virtio consoles.

CID=42
plan 26

tap() { tunctl -t "$1" >/dev/null && ip addr add "$2/24" dev "$1" && ip link set "$1" up; }

# Only the sandbox by chroot works where the root is the initramfs.
serve() {
	mkdir /tmp/shared
	echo from the host >/tmp/shared/file
	virtiofsd -f -o source=/tmp/shared,sandbox=chroot --socket-path=/tmp/share.sock 2>/dev/null &
	daemon=$!
	until [ -S /tmp/share.sock ]; do kill -0 $daemon || return; sleep 0.1; done
}

check "two tap interfaces" eval 'tap tap0 10.9.0.1 && tap tap1 10.9.1.1'
for i in 1 2; do dd if=/dev/urandom of=/tmp/disk$i bs=1M count=4 2>/dev/null; done
dd if=/dev/urandom of=/tmp/data bs=64k count=16 2>/dev/null
sum=$(md5sum </tmp/data)
check "a virtiofsd shares a directory" serve
start 2 --vsock $CID --disk /tmp/disk1 --net tap=tap0 --disk /tmp/disk2,ro --net tap=tap1 \
	--vhost-user fs,tag=shared,socket=/tmp/share.sock --rng \
	--console file=/tmp/hvc0 --console pty
check "a guest starts with ten devices" seen 1 "This is a shell"
check "the threads of vCPUs and of the devices filter system calls" filters

./vsock echo 5000 >/tmp/echo &
echo=$!
until grep -q listening /tmp/echo; do kill -0 $echo || break; sleep 0.1; done
say 'vsock echo 5000 &'
check "the guest listens" seen 1 "listening"
check "the host talks to it" [ "$(echo hello | ./vsock send $CID 5000)" = hello ]
check "1 MiB goes there and comes back" [ "$(./vsock send $CID 5000 </tmp/data | md5sum)" = "$sum" ]
say 'md5sum </dev/vda; vsock send 2 5000 </dev/vda | md5sum'
disk=$(md5sum </tmp/disk1)
check "the guest sends its disk, and has it back" seen 2 "^$disk"
# shellcheck disable=SC2016 # the guest's shell expands it
say 'md5sum </dev/vdb; echo read-only $(cat /sys/block/vda/ro /sys/block/vdb/ro)'
check "it reads its other disk" seen 1 "^$(md5sum </tmp/disk2)"
check "which it cannot write" seen 1 "^read-only 0 1"
# shellcheck disable=SC2016 # the guest's shell expands it
say 'for i in 0 1; do ip addr add 10.9.$i.2/24 dev eth$i; ip link set eth$i up; done; echo ad"dresses"'
check "its network devices have addresses" seen 1 "^addresses"
check "the host reaches one" ping -c 1 -W 10 10.9.0.2
check "and the other" ping -c 1 -W 10 10.9.1.2
say 'cat /sys/class/net/eth*/address | sort -u | wc -l'
check "their own addresses differ" seen 1 "^2"
say 'mount -t virtiofs shared /mnt && cat /mnt/file && echo from the guest >/mnt/file'
check "it reads the shared directory" seen 1 "^from the host"
written() { say 'sync; echo writ"ten"'; seen 1 "^written" && grep "from the guest" /tmp/shared/file; }
check "and writes there" written

# shellcheck disable=SC2016 # the guest's shell expands it
say 'dd if=/dev/hwrng bs=1000 count=1 2>/dev/null | tr -d "\\000" | wc -c >/tmp/n; [ $(cat /tmp/n) -gt 950 ] && echo ran"dom"'
check "it reads random numbers" seen 1 "^random"

# The guest's terminals put a carriage return before each end of a line.
say 'seq 1000 >/dev/hvc0; echo writ"ten"'
check "it prints to a virtio console" seen 2 "^written"
check "which is a file of the host" [ "$(tr -d '\r' </tmp/hvc0 | md5sum)" = "$(seq 1000 | md5sum)" ]
pts=$(sed -n 's/^axvmm: hvc1 is at //p' /tmp/console | tr -d '\r')
# shellcheck disable=SC2016 # the guest's shell expands it
say 'read -r line </dev/hvc1; echo "read $line"'
echo typed >"$pts"
check "it reads from another, a terminal" seen 1 "^read typed"

second() {
	./axvmm run --kernel vmlinuz --initrd initrd --vsock $CID >/tmp/second 2>&1
	[ $? = 1 ] && grep "another guest has this number" /tmp/second
}
check "another guest cannot have the number" second

# A connection that was closed keeps the module for some seconds.
say 'until rmmod vmw_vsock_virtio_transport 2>/dev/null; do sleep 1; done; modprobe vmw_vsock_virtio_transport; echo ba"ck"'
check "the driver goes and comes" seen 1 "^back"
say 'vsock echo 5001 &'
seen 2 "listening"
check "and the host talks to the guest again" [ "$(echo again | ./vsock send $CID 5001)" = again ]
say "poweroff -f"
check "the guest switches itself off" ends 0
check_fails "the guest's kernel complains" complaints
kill $echo
wait "$daemon"
check_fails "a daemon is left" pidof virtiofsd qemu-storage-daemon
