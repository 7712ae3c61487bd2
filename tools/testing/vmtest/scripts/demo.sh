# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=sh
#
# axvmm boots a guest and shows what it prints. CONSOLE is the console on the guest kernel's
# command line, MORE the rest of that command line.

echo
echo "vmtest: $(uname -r) with axvcpu loaded starts axvmm"
echo
./axvmm run --kernel vmlinuz --initrd initrd --mem 512M --append "console=$CONSOLE$MORE"
rc=$?
echo
# Code 4: the user has ended the guest by a key.
[ $rc != 4 ] || rc=0
[ $rc = 0 ] || echo "vmtest: axvmm ended with code $rc"
exit $rc
