# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# The gdb stub of Debian's QEMU debugs a guest on axvcpu, through axv-kvm: breakpoints that are
# INT3, single steps. Breakpoints of the processor do not hit in an emulator's SVM.

plan 2
check "the guest is written" ./gdb-client rom rom
check "the gdb stub breaks and steps" ./gdb-client debug /tmp/gdb \
	./axv-kvm qemu-system-x86_64 -L firmware -nodefaults -nographic -accel kvm \
	-machine pc,kernel-irqchip=split -cpu host -m 16 -bios rom -S -gdb unix:/tmp/gdb
