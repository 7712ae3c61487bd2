# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
# shellcheck disable=SC2086 # ROOT is one word
#
# virtiofsd shares directories of the host with a guest of axvmm. Checks that files go both ways,
# that axvmm has no part in that, and what happens when a virtiofsd dies.

FILES=300
plan 20

make_root
seq 1 20000 >$ROOT/tmp/numbers
mkdir "$ROOT/tmp/a,b" $ROOT/tmp/other
mv $ROOT/tmp/numbers "$ROOT/tmp/a,b"
sum=$(md5sum <"$ROOT/tmp/a,b/numbers")

mounts() {
	say "mkdir -p /tmp/$2; mount -t virtiofs $1 /tmp/$2 && echo moun\"ted\" $2"
	seen 1 "^mounted $2"
}

# The guest makes files and reads them back.
count() {
	say "read line; i=0; while [ \$i -lt $FILES ]; do i=\$((i + 1)); echo \$i >/tmp/b/\$i; done;" \
		'sleep 8; echo do"ne"'
	sleep 2
	exits=$(counted exit_) bells=$(counted doorbells) waits=$(waits)
	say go
	# shellcheck disable=SC2154 # start() sets pid
	until [ -e $ROOT/tmp/other/$FILES ]; do kill -0 "$pid" && sleep 0.2 || return; done
	exits=$(($(counted exit_) - exits)) bells=$(($(counted doorbells) - bells)) waits=$(($(waits) - waits))
	echo "# $FILES files: $bells doorbells, $exits exits to axvmm; its other threads waited $waits times"
	seen 1 "^done"
}

as root
start 2 --share "/tmp/a,b" --share /tmp/other,tag=tag
# su executes axvmm, so $pid is axvmm's.
check "a guest starts with two shared directories" seen 1 "This is a shell"
check "the threads of vCPUs and of the devices filter system calls" filters
check "it mounts one by the directory's name" mounts a,b a
check "and one by its tag" mounts tag b
say 'md5sum </tmp/a/numbers'
check "it reads a file of the host's" seen 1 "^$sum"
say 'echo from the guest >/tmp/a/file; sync; echo writ"ten"'
check "it writes a file" seen 1 "^written"
check "which the host reads" [ "$(cat "$ROOT/tmp/a,b/file")" = "from the guest" ]
check "it makes $FILES files" count
# About fifteen exits a second, by reads of ports, have nothing to do with the directory.
check "for which axvmm does nothing" [ $((exits * 3)) -lt "$bells" ]
check "nor do its threads wake up" [ $((waits * 10)) -lt $FILES ]
check "each file rings doorbells" [ "$bells" -ge $FILES ]
check "the host has them all" [ "$(cat $ROOT/tmp/other/* | sort -n | tail -n 1)" = $FILES ]
say 'umount /tmp/a && rmmod virtiofs 2>/dev/null; ls /tmp/a; mount -t virtiofs a,b /tmp/a && cat /tmp/a/file'
check "it mounts one again" seen 1 "^from the guest"

# The daemon of the first directory dies; each daemon is two processes, the first of which waits.
for daemon in $(pidof virtiofsd); do
	grep -q "source=/tmp/a" "/proc/$daemon/cmdline" && kill -9 "$daemon"
done
check "axvmm says that a daemon is gone" seen 1 "axvmm: /tmp/a,b: the vhost-user back end has gone"
say 'cat /tmp/b/7; echo al"ive"'
check "the guest goes on with the other directory" seen 1 "^alive"
# Without -n, busybox would wait for the directory whose daemon is gone.
say "poweroff -f -n"
check "it switches itself off" ends 0
check_fails "the guest's kernel complains" complaints
check_fails "a daemon is left" pidof virtiofsd

# busybox' su gives this user a supplementary group, as a login does.
as user
refused() {
	$AXVMM run --kernel vmlinuz --initrd initrd --share /tmp/other >/tmp/second 2>&1
	[ $? = 1 ] && grep "this user has supplementary groups" /tmp/second
}
check "a user with supplementary groups is told that it cannot share" refused
none() {
	$AXVMM run --kernel vmlinuz --initrd initrd --share /tmp/none >/tmp/second 2>&1
	[ $? = 1 ] && grep "/tmp/none: cannot open the directory to share" /tmp/second
}
check "a directory that is not there" none
