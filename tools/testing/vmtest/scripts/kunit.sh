# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Prints the results of every KUnit suite of the module.

for s in /sys/kernel/debug/kunit/*; do
	t "kunit ${s##*/}" cat "$s/results"
done
