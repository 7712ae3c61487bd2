// SPDX-License-Identifier: GPL-2.0
/*
 * axvcpu and KVM use the same SVM or VMX.  Both modules are loaded; the one that has a
 * VM has the hardware, and the other one gets -EBUSY until that VM has gone.  With
 * "held" this kernel's KVM has the hardware as long as it is loaded, even without a VM.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/axvcpu.h>

static int number;
static int failures;

static void result(int ok, const char *what, int error)
{
	printf("%sok %d %s\n", ok ? "" : "not ", ++number, what);
	if (!ok) {
		printf("# errno is %d, %s\n", error, strerror(error));
		failures++;
	}
	fflush(stdout);
}

static int kvm_vm(int dev)
{
	int vm = ioctl(dev, KVM_CREATE_VM, 0ul);

	return vm < 0 ? -errno : vm;
}

static int axv_vm(int dev)
{
	struct axv_create_vm args = { .type = AXV_VM_TYPE_DEFAULT };
	int vm = ioctl(dev, AXV_CREATE_VM, &args);

	return vm < 0 ? -errno : vm;
}

static int held(int kvm, int axv)
{
	int a = axv_vm(axv), b = kvm_vm(kvm);

	result(a == -EBUSY, "axvcpu says that the hardware is busy", -a);
	result(b >= 0, "KVM creates a VM all the same", -b);
	close(b);
	close(kvm);
	result(!system("rmmod kvm_intel"), "KVM is unloaded", errno);
	a = axv_vm(axv);
	result(a >= 0, "axvcpu creates a VM", -a);
	return failures ? 1 : 0;
}

int main(int argc, char **argv)
{
	const int is_held = argc > 1 && !strcmp(argv[1], "held");
	int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	int axv = open("/dev/axvcpu", O_RDWR | O_CLOEXEC);
	int i, a, b;

	printf("TAP version 13\n1..%d\n", is_held ? 6 : 8);
	result(kvm >= 0, "KVM is there", errno);
	result(axv >= 0, "axvcpu is there", errno);
	if (is_held)
		return held(kvm, axv);

	a = axv_vm(axv);
	result(a >= 0, "axvcpu creates a VM while KVM is idle", -a);
	b = kvm_vm(kvm);
	/* -EIO: Linux 6.12 reports that a CPU could not switch virtualization on. */
	result(b == -EBUSY || b == -EIO, "KVM is told that the hardware is busy", -b);
	close(b);
	close(a);

	a = kvm_vm(kvm);
	result(a >= 0, "KVM creates a VM when axvcpu has let go", -a);
	b = axv_vm(axv);
	result(b == -EBUSY, "axvcpu says that the hardware is busy", -b);
	close(b);
	close(a);

	/* KVM releases the hardware a grace period after its file is closed. */
	for (i = 0; i < 1000; i++) {
		a = axv_vm(axv);
		if (a != -EBUSY)
			break;
		usleep(10000);
	}
	result(a >= 0, "axvcpu creates a VM when KVM has let go", -a);
	close(a);

	for (i = 0; i < 20; i++) {
		a = axv_vm(axv);
		if (a < 0)
			break;
		close(a);
		a = kvm_vm(kvm);
		if (a < 0)
			break;
		close(a);
	}
	result(i == 20, "taking turns", -a);
	return failures ? 1 : 0;
}
