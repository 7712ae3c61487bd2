# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# The module is loaded and unloaded a hundred times. With GUESTS=yes the program lifecycle
# runs guests in between: without VHE the module takes EL2 when it is loaded and gives
# it back when it is unloaded.

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
