# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# In a Debian root file system with axvcpu's packages: the module is loaded when its device is
# opened, a user of the group axvcpu runs a guest, and purging the packages leaves nothing.
# RELEASE is the release of the kernel, VERSION the module's version, KERNELS how many kernels
# have headers there.

useradd -m -G axvcpu alice
useradd -m bob
chmod -R a+rX /t

built() {
	[ "$(dkms status -m axvcpu | grep -c ": installed$")" = "$KERNELS" ] || return
	for kernel in /lib/modules/*; do
		modinfo -k "${kernel##*/}" axvcpu | grep "^signer:" || return 1
	done
}
boot() {
	runuser -u alice -- axvmm run --kernel /t/vmlinuz --initrd /t/initrd \
		--append "console=ttyS0 panic=-1" </dev/null >/tmp/console 2>&1
	rc=$?
	sed 's/^/# /' /tmp/console
	[ $rc = 0 ]
}
# The guest of /t switches itself off; the service ends with it.
service() {
	cat >/etc/axvmm/test.conf <<-END
		AXVMM_OPTIONS='--kernel /t/vmlinuz --initrd /t/initrd --append "console=ttyS0 panic=-1"'
	END
	systemctl start axvmm@test || return
	while systemctl -q is-active axvmm@test; do sleep 1; done
	rm /etc/axvmm/test.conf
	journalctl -u axvmm@test | sed 's/^/# /'
	systemctl show -P Result axvmm@test | grep -x success
}
completed() {
	bash -c '. /usr/share/bash-completion/bash_completion; _completion_loader axvmm
		COMP_WORDS=(axvmm run --ker) COMP_CWORD=2 COMP_LINE="axvmm run --ker" COMP_POINT=15
		_axvmm axvmm --ker run; [ "${COMPREPLY[*]}" = --kernel ]'
}
# Print what the packages have left. A node in /dev that systemd has made stays until the next boot,
# since a package may not remove device files.
left() {
	{
		find / -xdev \( -path /proc -o -path /sys -o -path /t -o -path /var/log \) -prune -o \
			\( -name '*axvcpu*' -o -name '*axvmm*' -o -name '*axv-kvm*' \
			-o -group axvcpu \) -print
		grep '^axvcpu ' /proc/modules
	} | grep .
}

plan 18
check "DKMS has built and signed the module for each kernel" built
check "the module has a version" test "$(modinfo -F version axvcpu)" = "$VERSION"
check_fails "the module is loaded at boot" grep "^axvcpu " /proc/modules
check "systemd has made the node of the device, for the group" \
	test "$(stat -c '%F %G %a' /dev/axvcpu)" = "character special file axvcpu 660"
check_fails "a user outside the group can open it" runuser -u bob -- axvmm info
check "a user of the group can" runuser -u alice -- axvmm info
check "that has loaded the module" grep "^axvcpu " /proc/modules
check "the node stays as it was" test "$(stat -c '%G %a' /dev/axvcpu)" = "axvcpu 660"
check "the user runs a guest" boot
check "the guest's kernel ran" grep -q "guest: Linux .* $RELEASE " /tmp/console
check "the service is valid" systemd-analyze --man=no verify axvmm@test.service
check "a guest runs as a service" service
check "which is not root" journalctl -u axvmm@test _UID="$(id -u axvmm)" --grep "guest: Linux"
check "the loader knows the library" sh -c "ldconfig -p | grep libaxvcpu.so.0"
check "axv-kvm finds its library" sh -c "axv-kvm true"
check "the shell completes options" completed
check "the packages are purged" sh -c "dpkg --purge axv-kvm axvmm libaxvcpu-dev libaxvcpu0 \
	axvcpu-dkms"
check_fails "something is left of them" left
