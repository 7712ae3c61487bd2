# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Loads and unloads the module a hundred times. With GUESTS=yes the program lifecycle runs
# guests while it is loaded: without VHE the module takes EL2 over when it is loaded and
# returns it when it is unloaded.

hundred() {
	i=0
	while [ $i -lt 100 ]; do
		insmod axvcpu.ko && rmmod axvcpu || return 1
		i=$((i + 1))
	done
	[ ! -e /dev/axvcpu ]
}
guests() {
	i=0
	while [ $i -lt 5 ]; do
		insmod axvcpu.ko && ./lifecycle >/tmp/lifecycle && rmmod axvcpu || return 1
		i=$((i + 1))
	done
}
if [ "$GUESTS" = yes ]; then
	plan 2
	check "load and unload a hundred times" hundred
	check "guests run each time" guests
else
	plan 1
	check "load and unload a hundred times" hundred
fi
