# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# Debian's QEMU uses axvcpu through axv-kvm, which looks like KVM. It boots a Debian kernel with
# CPUS CPUs, whose init switches CPUs off and on, reads a disk and powers off. MACHINE is QEMU's
# machine, RELEASE that kernel's release. The disk's queue is an ioeventfd, and its interrupts are
# irqfds, or with VECTORS=0 the level of an input of the I/O APIC.

# shellcheck disable=SC3040 # busybox has it
set -o pipefail
boot() {
	AXV_KVM_DEBUG=1 ./axv-kvm qemu-system-x86_64 -L firmware -nodefaults -nographic \
		-accel kvm -machine "$MACHINE" -cpu host -smp "$CPUS" -m 256 \
		-serial stdio -kernel vmlinuz -initrd initrd -no-reboot \
		-drive file=disk,format=raw,if=none,id=disk \
		-device "virtio-blk-pci,drive=disk${VECTORS:+,vectors=$VECTORS}" \
		-append "console=ttyS0 panic=-1 axvcpu.cpus axvcpu.disk" </dev/null 2>&1 | tee /tmp/console
}
dd if=/dev/urandom of=disk bs=64k count=32 2>/dev/null
sum=$(md5sum <disk)
# refuses STATUS WORDS COMMAND...: the command ends with STATUS, and its output has WORDS
refuses() {
	_status=$1 _words=$2
	shift 2
	_said=$("$@" 2>&1)
	[ $? = "$_status" ] && echo "$_said" | grep "$_words"
}
plan 14
check "a program that is not there is not run" \
	refuses 127 "there is no such command" ./axv-kvm nonsense
check "a static program is refused" refuses 126 "statically linked" ./axv-kvm busybox true
check "QEMU ends with 0 when the guest powers off" boot
check "the guest is Linux $RELEASE" grep -q "guest: Linux .* $RELEASE " /tmp/console
check "the guest has $CPUS CPUs, which it can switch off and on" \
	grep -q "guest: $CPUS CPUs of $CPUS" /tmp/console
check "the guest's interrupts come through an I/O APIC" \
	grep -q "guest: [1-9][0-9]* interrupts of an I/O APIC" /tmp/console
check "the guest has read its disk" grep -q "guest: the disk has $sum" /tmp/console
check "the disk has interrupts of its own" grep -q \
	"guest: [1-9][0-9]* interrupts of the disk" /tmp/console
check "the guest reached its end" grep -q "guest: powering off" /tmp/console
check "the guest uses x2APICs" grep -q "x2apic enabled" /tmp/console
check "the guest knows KVM" grep -q "Hypervisor detected: KVM" /tmp/console
# QEMU calls it though no capability offers it.
check "the library says which ioctl is not known" \
	grep -q "(number 0x9d) of a device is not known" /tmp/console
check_fails "QEMU makes another ioctl that is not known" unknown
complaints() {
	# The guest's kernel prints this because of the processor's model, not because of axvcpu.
	grep -v "Speculative Return Stack Overflow" /tmp/console |
		grep -E "BUG:|WARNING:|Call Trace|Oops|soft lockup|rcu: INFO|PCI: Fatal"
}
check_fails "the guest's kernel complains" complaints
