# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# passt makes connections of the host's of what a guest of axvmm sends, for a user without
# privileges. Checks that data goes both ways, what that costs axvmm, and what happens when passt
# ends.

plan 17

# An interface that leads nowhere: passt asks for the default route and its interface's address. To
# the guest the gateway's address is the host itself.
host_network() {
	tunctl -t tap0 >/dev/null && ip addr add 10.9.0.7/24 dev tap0 && ip link set tap0 up &&
		ip link set lo up && ip route add default via 10.9.0.254 dev tap0
}

# lease N: the guest asks for its address, for the Nth time. busybox has no script of its own.
lease() {
	# shellcheck disable=SC2016 # the guest expands it
	say 'printf "#!/bin/sh\n[ \$1 = bound ] && ip addr add \$ip/24 dev eth0 && ip link set eth0 mtu 65520 &&' \
		'ip route add default via \$router && echo lea\"sed\" \$ip\n" >/tmp/dhcp; chmod 755 /tmp/dhcp;' \
		'ip link set eth0 up; udhcpc -i eth0 -n -q -s /tmp/dhcp'
	seen "$1" "^leased 10.9.0.7"
}

# fetch NAME: the guest gets the host's file
fetch() {
	say "wget -q -O /tmp/data http://10.9.0.254:8000/data; echo $1 \$(md5sum </tmp/data)"
	seen 1 "^$1 ${sum%% *}"
}

running() { pidof passt >/dev/null || pidof passt.avx2 >/dev/null; }
ended() { while running; do sleep 0.2; done; }

make_root
check "the host has a network" host_network
dd if=/dev/urandom of=/tmp/data bs=64k count=32 2>/dev/null
sum=$(md5sum </tmp/data)
httpd -p 127.0.0.1:8000 -h /tmp

as user
start 2 --net user,tcp=8080:80 --net user,mac=52:54:00:aB:cd:ef
check "a guest of a user starts with two networks" seen 1 "This is a shell"
check "the threads of vCPUs and of the devices filter system calls" filters
say 'cat /sys/class/net/eth0/mtu /sys/class/net/eth1/address'
check "a network has passt's MTU" seen 1 "^65520"
check "another one the user's address" seen 1 "^52:54:00:ab:cd:ef"
check "the guest gets the host's address by DHCP" lease 1
exits=$(counted exit_) bells=$(counted doorbells)
check "it gets 2 MiB from the host" fetch first
echo "# 2 MiB: $(($(counted doorbells) - bells)) doorbells, $(($(counted exit_) - exits)) exits to axvmm"
say 'httpd -h /tmp; echo serv"ing"'
check "it serves them" seen 1 "^serving"
check "and the host gets them back" [ "$(wget -q -O - http://127.0.0.1:8080/data | md5sum)" = "$sum" ]

# A second guest cannot have the port.
second() {
	# shellcheck disable=SC2086 # several words
	$AXVMM run --kernel vmlinuz --initrd initrd --net user,tcp=8080:80 </dev/null >/tmp/second 2>&1 &
	other=$!
	until grep "net0: passt has ended" /tmp/second; do
		kill -0 $other || return 1
		sleep 0.2
	done
	kill -9 $other
	grep "net0: passt: .*8080" /tmp/second
}
check "another axvmm says that the port is taken" second

# The host sends all the time while the driver resets the device.
while :; do timeout 5 wget -q -O /dev/null http://127.0.0.1:8080/data; done 2>/dev/null &
load=$!
for i in 2 3 4; do
	say 'rmmod virtio_net && modprobe virtio_net'
	lease "$i" || break
done
check "its driver goes and comes under load" [ "$i" = 4 ]
check "and it gets the host's file again" fetch again
kill $load

# shellcheck disable=SC2046 # several words
kill -9 $(pidof passt passt.avx2)
check "passt ends" seen 2 "passt has ended"
say 'echo al"ive"; poweroff -f'
check "the guest goes on, and switches itself off" ends 0
check "that it did" grep -q "^alive" /tmp/console
check_fails "the guest's kernel complains" complaints
check "no passt is left" ended
