# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# axvmm boots a guest and shows what it says. CONSOLE is the console on its command line,
# MORE the rest of that.

echo
echo "vmtest: $(uname -r) with axvcpu loaded starts axvmm"
echo
./axvmm run --kernel vmlinuz --initrd initrd --mem 512M --append "console=$CONSOLE$MORE"
rc=$?
echo
# 4: the guest was ended from the keyboard
[ $rc != 4 ] || rc=0
[ $rc = 0 ] || echo "vmtest: axvmm ended with code $rc"
exit $rc
