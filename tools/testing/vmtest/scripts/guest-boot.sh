# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# axvmm boots a Debian kernel, whose init switches CPUs off and on and powers off.
# RELEASE is that kernel's release, CPUS the number of the guest's CPUs, CONSOLE the console
# on the guest kernel's command line, MORE the rest of that command line.

# shellcheck disable=SC3040 # busybox has it
set -o pipefail
boot() {
	./axvmm run --kernel vmlinuz --initrd initrd --mem 512M --cpus "$CPUS" --stats \
		--append "console=$CONSOLE panic=-1 $MORE" </dev/null 2>&1 | tee /tmp/console
}
planned=7
case $MORE in *axvcpu.holes*) planned=$((planned + 2)) ;; esac
case $MORE in *axvcpu.x2apic*) planned=$((planned + 1)) ;; esac
plan $planned
check "axvmm ends with 0 when the guest powers off" boot
check "the guest is Linux $RELEASE" grep -q "guest: Linux .* $RELEASE " /tmp/console
check "the guest has $CPUS CPU(s), which it can switch off and on" \
	grep -q "guest: $CPUS CPUs of $CPUS" /tmp/console
check "the guest reached its end" grep -q "guest: powering off" /tmp/console
# --stats prints a table for each vCPU: the exits for each reason that occurred, and their sum.
exits() {
	awk -v cpus="$CPUS" '
		$1 == "all" && NF == 2 { all += $2; vcpus++ }
		END {
			printf "# %d exits to axvmm of %d vCPU(s)\n", all, vcpus
			exit !(vcpus == cpus && all)
		}' /tmp/console
}
check "the exits to axvmm of each CPU are counted" exits
complaints() {
	# The guest's kernel prints this because of the processor's model, not because of axvcpu.
	grep -v "Speculative Return Stack Overflow" /tmp/console |
		grep -E "BUG:|WARNING:|Call Trace|Oops|soft lockup|rcu: INFO|PCI: Fatal|Unable to init MCE"
}
check_fails "the guest's kernel complains" complaints
case $CONSOLE in
ttyAMA*)
	# x86 has no such exit.
	check_fails "an interrupt from CPU to CPU reaches axvmm" grep " SendIPI " /tmp/console
	;;
ttyS*)
	check "the guest's interrupts come through an I/O APIC" \
		grep -q "guest: [1-9][0-9]* interrupts of an I/O APIC" /tmp/console
	;;
esac
case $MORE in
*axvcpu.x2apic*)
	check "the guest uses x2APICs" grep -q "x2apic enabled" /tmp/console
	;;
esac
case $MORE in
*axvcpu.holes*)
	check "what has no device is read as ones" grep -q \
		"guest: nothing is read as 0xFF 0xFFFF 0xFFFFFFFF 0xFFFFFFFFFFFFFFFF" /tmp/console
	check "the guest's kernel copies to and from what has no device" grep -q \
		"guest: the VGA hole took 1+0 blocks and has ff ff ff ff ff ff ff ff" /tmp/console
	;;
esac
