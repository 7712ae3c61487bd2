# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# A guest of axvmm has a network device, whose packets the kernel's vhost-net passes to a tap
# interface. Checks that data goes both ways, that axvmm has no part in that, and that the driver
# can reset the device under load.

PINGS=1000
plan 23

tap() {
	tunctl -t tap0 >/dev/null && ip addr add 10.9.0.1/24 dev tap0 && ip link set tap0 mtu 1400 up
}

# How many packets the guest has sent
sent() { cat /sys/class/net/tap0/statistics/rx_packets; }

# Count what the guest's pings cost: each is a packet in each direction. The guest prints
# nothing meanwhile, since output causes exits, too.
count() {
	say "read line; ping -A -q -c $PINGS 10.9.0.1 >/dev/null; sleep 8; echo do\"ne\""
	sleep 2
	exits=$(counted exit_) bells=$(counted doorbells) waits=$(waits) end=$(($(sent) + PINGS))
	say go
	# shellcheck disable=SC2154 # start() sets pid
	while [ "$(sent)" -lt $end ]; do kill -0 "$pid" && sleep 0.2 || return; done
	exits=$(($(counted exit_) - exits)) bells=$(($(counted doorbells) - bells)) waits=$(($(waits) - waits))
	echo "# $PINGS pings: $bells doorbells, $exits exits to axvmm; its other threads waited $waits times"
	seen 1 "^done"
}

# address N: give the guest its address, for the Nth time
address() {
	say 'ip addr add 10.9.0.2/24 dev eth0; ip link set eth0 up; echo ad"dress"'
	seen "$1" "^address"
}

check "a tap interface has an address" tap
dd if=/dev/urandom of=/tmp/data bs=64k count=32 2>/dev/null
sum=$(md5sum </tmp/data)
start 2 --net tap=tap0,mac=52:54:00:aB:cd:ef
check "a guest starts with a network device" seen 1 "This is a shell"
check "the threads of vCPUs and of the device filter system calls" filters
say 'cat /sys/class/net/eth0/address /sys/class/net/eth0/mtu'
check "the device has the address" seen 1 "^52:54:00:ab:cd:ef"
check "and the interface's MTU" seen 1 "^1400"
check "the guest's address is set" address 1
check "the host reaches the guest" ping -c 1 -W 10 10.9.0.2
say "grep virtio0 /proc/interrupts"
check "its interrupts are messages" seen 1 "PCI-MSI.*virtio0-input"

httpd -p 10.9.0.1:80 -h /tmp
say 'wget -q -O /tmp/data http://10.9.0.1/data; md5sum </tmp/data'
check "the guest gets 2 MiB from the host" seen 1 "^$sum"
say 'httpd -h /tmp; echo serv"ing"'
check "the guest serves them" seen 1 "^serving"
check "and the host gets them back" [ "$(wget -q -O - http://10.9.0.2/data | md5sum)" = "$sum" ]

check "it pings the host $PINGS times" count
# About twenty exits a second, by reads of ports, have nothing to do with the network.
check "for which axvmm does nothing" [ $((exits * 2)) -lt $PINGS ]
check "nor do its threads wake up" [ $((waits * 10)) -lt $PINGS ]
check "the pings ring doorbells" [ "$bells" -ge $((PINGS / 2)) ]

# A second machine cannot have the interface.
second() {
	./axvmm run --kernel vmlinuz --initrd initrd --net tap=tap0 >/tmp/second 2>&1
	[ $? = 1 ] && grep "tap0 is another program's already" /tmp/second
}
check "another axvmm is told that the interface is taken" second

# Packets come all the time while the driver resets the device.
ping -A -q 10.9.0.2 >/dev/null &
load=$!
for i in 2 3 4; do
	say 'rmmod virtio_net && modprobe virtio_net'
	address "$i" || break
done
check "its driver goes and comes under load" [ "$i" = 4 ]
check "and the host reaches the guest again" ping -c 1 -W 10 10.9.0.2
kill $load
say 'echo al"ive"; poweroff -f'
check "the guest switches itself off" ends 0
check "that it did" grep -q "^alive" /tmp/console
check_fails "the guest's kernel complains" complaints
check "the interface is free, and the kernel's vhost unused" \
	[ "$(cat /sys/module/vhost_net/refcnt)" = 0 ]
nowhere() {
	./axvmm run --kernel vmlinuz --initrd initrd --net tap=tap7 >/tmp/second 2>&1
	[ $? = 1 ] && grep "there is no network interface tap7" /tmp/second && ! ip link show tap7
}
check "an interface that is not there is not made" nowhere
