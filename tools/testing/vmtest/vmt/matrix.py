# SPDX-License-Identifier: GPL-2.0
"""The jobs of make check and of make check-long: what is tested on which machines."""

import glob
import os
import re
import subprocess
import sys

from . import report, run as vmtest
from .jobs import LOGS, TOP, Job
from .run import script

HERE = vmtest.HERE

STOCK = ["6.1", "6.1-cloud", "6.1-rt", "6.12", "6.12-cloud", "6.12-rt"]

# The selftests with SVM: kernel, CPU, number of CPUs. Together they have every pair of two of
# these values, in as few boots as possible, except the debug kernel on one CPU.
SELFTESTS = [("6.12", "EPYC", 1), ("6.1-rt", "max", 2), ("debug", "max", 2)]
SELFTESTS_LONG = [("6.1", "max", 1), ("6.1", "EPYC", 2), ("6.12", "max", 2),
                  ("6.1-rt", "EPYC", 1), ("debug", "EPYC", 2)]

# The selftests in Bochs, with SVM and with VMX: kernel, CPU model.
BOCHS = [("6.1-cloud", "zambezi"), ("6.1-cloud", "corei7_haswell_4770")]
BOCHS_LONG = [("6.12-cloud", "corei7_haswell_4770")]

# The kernels for which DKMS builds the module in the test of the packages: the first runs.
PACKAGES = ["6.1-cloud", "6.1-rt", "6.12-cloud"]

# The programs that run once more with their vCPUs saved and restored at every exit.
MOVED = [f"exits{part}_{mode}" for part in ("", "_cpu", "_io", "_mmio")
         for mode in ("real", "prot", "long")] + \
        ["inject", "isolation", "lapic_ipi", "lapic_regs", "msr_cpuid", "regs"]
MOVED_ARM64 = ["corners", "exits", "gic", "isolation", "sgi", "timer"]

# The programs in which threads, interrupts and vCPUs meet, for a kernel that looks for races.
RACES = ["affinity", "doorbell", "kick", "kill", "lapic_ipi", "lapic_msi", "lapic_timer",
         "lifecycle", "memory", "mmu_race", "regs", "show", "stats", "usermem", "work"]

# QEMU on axvcpu: a name, QEMU's machine and its irqchip, CPUs of the guest, interrupt vectors of
# its disk ("": QEMU's default; "0": a level).
KVM_QEMU = [("pc", "pc", 2, "")]
KVM_QEMU_LONG = [("pc", "pc", 1, "0"), ("pc-split", "pc,kernel-irqchip=split", 2, ""),
                 ("q35", "q35", 2, ""), ("q35-split", "q35,kernel-irqchip=split", 4, "")]

# QEMU saves and moves the state of its guest: a name, QEMU's machine.
KVM_STATE = [("pc", "pc"), ("q35-split", "q35,kernel-irqchip=split")]

# A kernel for 32-bit processors, with PAE page tables. It is only used as a guest.
I386 = "6.1-686-pae"

# axvmm boots a kernel, with SVM: host's kernel, CPU and number of CPUs, guest's kernel and
# number of CPUs.
GUESTS = [("6.12-cloud", "EPYC", 2, "6.1-cloud", 2), ("6.1-cloud", "max", 2, I386, 2)]
GUESTS_LONG = [("6.1-cloud", "max", 2, "6.1-cloud", 1), ("6.1-cloud", "EPYC", 2, "6.1-cloud", 4),
               ("6.1-cloud", "EPYC", 1, "6.12-cloud", 4), ("6.1-cloud", "EPYC", 2, I386, 1),
               ("6.12-cloud", "max", 2, "6.12-cloud", 2),
               ("6.12-cloud", "EPYC", 2, "6.12-cloud", 1), ("debug", "max", 2, "6.1-cloud", 2)]

# Makes a newer kernel's KVM use the hardware only while it has VMs; older kernels ignore this.
KVM_BY_VMS = "kvm.enable_virt_at_load=0"

# The selftests on arm64 with VHE: kernels.
ARM64 = ["6.1-cloud"]
ARM64_LONG = ["6.12-cloud"]

# Hosts without VHE, where KVM must not keep EL2: an old processor (cortex-a72), and a new one
# whose VHE is not used.
NVHE = "kvm-arm.mode=none"
SELFTESTS_NVHE = [("6.12-cloud", "cortex-a72", 1, NVHE)]
SELFTESTS_NVHE_LONG = [("6.1-cloud", "cortex-a72", 2, NVHE),
                       ("6.12-cloud", "max", 2, NVHE + " id_aa64mmfr1.vh=0")]

# Command line of a host whose second CPU is a partition's (Documentation/axvcpu/states.rst).
# The first CPU cannot be, and Bochs hangs with two CPUs, so this is not tested with VMX.
PARTITION = "isolcpus=nohz,domain,managed_irq,1 nohz_full=1 irqaffinity=0 nowatchdog"

# Boards whose interrupt controller is a GICv2. QEMU's such boards have no VHE.
GICV2 = [("6.1-cloud", "cortex-a53", NVHE)]
GICV2_LONG = [("6.12-cloud", "cortex-a53", NVHE)]
GICV2_PROGRAMS = ["corners", "exits", "kick", "memory", "timer"]

# A guest of axvmm has a disk, on arm64: host's kernel and CPU, guest's kernel, host's command line.
ARM64_DISKS = [("6.1-cloud", "neoverse-n1", "6.1-cloud", "")]
ARM64_DISKS_LONG = [("6.12-cloud", "cortex-a72", "6.12-cloud", NVHE)]

# The package with the disks' daemon, and those with the libraries that the daemon needs.
DAEMON_PACKAGES = ["qemu-system-common", "libaio1", "libc6", "libffi8", "libfuse3-3",
                   "libglib2.0-0", "libgmp10", "libgnutls30", "libhogweed6", "libidn2-0",
                   "libnettle8", "libnuma1", "libp11-kit0", "libpcre2-8-0", "libtasn1-6",
                   "libunistring2", "liburing2", "libzstd1", "zlib1g"]

# axvmm boots a kernel on the same kernel, on arm64: kernel, host's CPU, guest's number of CPUs,
# host's command line.
ARM64_GUESTS = [("6.1-cloud", "neoverse-n1", 2, "")]
ARM64_GUESTS_LONG = [("6.12-cloud", "neoverse-n1", 1, ""), ("6.12-cloud", "max", 4, ""),
                     ("6.12-cloud", "cortex-a72", 2, NVHE)]


def only_silence(job, text):
    """A build passes if its output has no warning."""
    if text is None:
        return
    noise = [line for line in text.splitlines() if re.search(r"\bwarning\b", line, re.I)]
    if noise:
        job.failures += noise[:10]
    else:
        job.passed += 1


def job_self(job):
    tests = sorted(glob.glob(f"{HERE}/test_*.py")) + ["tools/scripts/test_circles.py"]
    for test in tests:
        text = job.command(sys.executable, "-B", test)
        if text is not None:
            job.passed += int(re.search(r"Ran (\d+) test", text).group(1))


def job_lint(job):
    text = job.command("make", "lint")
    if text is not None:
        job.passed += len(re.findall(r"^ok ", text, re.M))


def job_docs(job):
    if job.command("make", "docs") is not None:
        job.passed += 1


def job_fetch(job):
    if job.command("tools/scripts/kernels", "fetch") is not None:
        job.passed += 1


def job_i386_fetch(job):
    if job.command("tools/scripts/kernels", "--arch", "i386", "image", I386) is not None and \
            job.command("tools/scripts/kernels", "--arch", "i386", "busybox") is not None:
        job.passed += 1


def debug_kernel(arch, flavour="debug"):
    """Make the action of a job that builds a debug kernel."""
    def action(job):
        if job.command("tools/scripts/kernels", "--arch", arch, "headers", flavour) is not None:
            job.passed += 1
    return action


def job_tools(job):
    only_silence(job, job.command("make", "-j2", "tools", "tests"))


def job_arm64_fetch(job):
    if job.command("tools/scripts/kernels", "--arch", "arm64", "fetch",
                   *ARM64, *ARM64_LONG) is not None:
        job.passed += 1


def job_arm64_tools(job):
    only_silence(job, job.command("make", "-j2", "tools", "tests", "ARCH=arm64"))


def job_arm64_unit(job):
    text = job.command("make", "unit", "ARCH=arm64")
    if text is not None:
        job.passed += int(re.search(r"^vmtest: .* (\d+) passed", text, re.M).group(1))


def job_unit(job):
    for directory in ("lib", "vmm", "kvm", "decode-fuzz"):
        text = job.command("make", "unit", f"UNIT={directory}")
        if text is not None:
            judge_tap(job, directory, text)


def judge_tap(job, name, text):
    """Count the results in the TAP of several programs, one after another."""
    documents = re.split(r"^TAP version 13$", text, flags=re.M)[1:]
    if not documents:
        job.failures.append(f"{name}: no test ran")
    for document in documents:
        tap = report.Tap(name)
        for line in document.splitlines():
            tap.line(line)
        tap.close()
        job.passed += sum(1 for ok, *_ in tap.leaves() if ok)
        job.failures += [desc for ok, desc, *_ in tap.leaves() if not ok] + tap.errors


def job_install(job):
    text = job.command("make", "install-test")
    if text is not None:
        judge_tap(job, "install", text)


def job_packages(job):
    """Build the Debian packages, and check them with lintian."""
    if job.command("make", "deb", timeout=900 * vmtest.patience()) is None:
        return
    changes = glob.glob(f"{TOP}/build/deb/*.changes")
    if job.command("lintian", "--allow-root", "--fail-on", "error,warning", "--tag-display-limit", "0",
                   *changes) is not None:
        job.passed += 1


def job_packages_boot(job):
    """Install the packages in a Debian root file system, boot that, and use them."""
    root = f"{LOGS}/{job.name}.ext4"
    if job.command("tools/packaging/root", root, *PACKAGES,
                   timeout=1800 * vmtest.patience()) is None:
        return
    with open(f"{TOP}/include/axvcpu/version.h", encoding="utf-8") as f:
        version = re.search(r'AXV_VERSION "(.*)"', f.read()).group(1)
    # guest_payload() without axvmm, which is its first entry.
    job.boot(kernel="6.1-cloud", root=root, expect_tests=True, timeout=900,
             payload=guest_payload(job, "6.1-cloud")[1:],
             script=script("packages", RELEASE=vmtest.release_of("6.1-cloud"), VERSION=version,
                           KERNELS=len(PACKAGES)))
    os.remove(root)


def job_fuzz(job):
    text = job.command("make", "fuzz")
    if text is not None:
        judge_tap(job, "fuzz", text)


def build_module(flavour, *args):
    """The job that builds the module for a kernel."""
    def action(job):
        only_silence(job, job.command("make", "module", f"KERNEL={flavour}", *args))
    return action


def selftest_payload(tools="tools"):
    """The paths of the selftests, and of the list that names them."""
    where = f"{TOP}/build/{tools}/selftests"
    return [os.path.join(where, name) for name in sorted(os.listdir(where))
            if name == "tests.list" or (os.access(os.path.join(where, name), os.X_OK)
                                        and os.path.isfile(os.path.join(where, name)))]


def selftests(kernel, cpu, smp, emu="qemu"):
    """The job that runs all selftests on a machine."""
    slow = kernel == "debug" or emu == "bochs"

    def action(job):
        settings = {}
        if kernel == "debug":
            # The module's KUnit suites have a job of their own.
            settings = {"modprobe": ["kunit"], "append": "kunit.enable=0", "kmemleak": True}
        job.boot(kernel=kernel, cpu=cpu, smp=smp, emu=emu, axvcpu=True, expect_tests=True,
                 payload=selftest_payload(), timeout=1500 if slow else 900,
                 script=script("selftests", SECONDS_EACH=int((600 if slow else 300) *
                                                             vmtest.patience())), **settings)
    return action


def moved(kernel, cpu, smp, programs=None, tools="tools", **machine):
    """The job that saves and restores vCPUs at every exit."""
    def action(job):
        names = programs or MOVED
        job.boot(kernel=kernel, cpu=cpu, smp=smp, axvcpu=True, expect_tests=True,
                 payload=[f"{TOP}/build/{tools}/selftests/{name}" for name in names],
                 timeout=1500, script=script("moved", PROGRAMS=" ".join(names),
                                             SECONDS_EACH=int(600 * vmtest.patience())),
                 **machine)
    return action


def moved_arm64(kernel, cpu, smp, append=""):
    """moved() at EL2 of an arm64 machine."""
    return moved(kernel, cpu, smp, MOVED_ARM64, "tools-arm64", arch="arm64", append=append)


def races(job):
    """The selftests in which threads, interrupts and vCPUs meet, on the kernel with KCSAN."""
    # A watch lasts as long as hundreds of accesses: fewer of everything.
    job.boot(kernel="kcsan", cpu="max", smp=2, axvcpu=True, expect_tests=True,
             append="axv_test_scale=4",
             payload=[f"{TOP}/build/tools/selftests/{name}" for name in RACES],
             timeout=1500, script=script("races", PROGRAMS=" ".join(RACES),
                                         SECONDS_EACH=int(600 * vmtest.patience())))


def selftests_arm64(kernel, cpu="neoverse-n1", smp=2, append=""):
    """The job that runs all selftests at EL2 of an arm64 machine."""
    slow = kernel == "debug"

    def action(job):
        settings = {"append": append}
        if slow:
            # On the debug kernel a guest's fault takes milliseconds: do fewer of everything.
            settings = {"modprobe": ["kunit"], "append": "kunit.enable=0 axv_test_scale=4",
                        "kmemleak": True}
        job.boot(arch="arm64", kernel=kernel, cpu=cpu, smp=smp, axvcpu=True,
                 expect_tests=True, payload=selftest_payload("tools-arm64"),
                 timeout=1500 if slow else 900,
                 script=script("selftests", SECONDS_EACH=int((600 if slow else 300) *
                                                             vmtest.patience())), **settings)
    return action


def partition(kernel, arch="x86", append="", **machine):
    """The job that runs a guest that has a CPU for itself."""
    tools = "tools" if arch == "x86" else f"tools-{arch}"

    def action(job):
        job.boot(arch=arch, kernel=kernel, smp=2, append=f"{PARTITION} {append}", axvcpu=True,
                 expect_tests=True, payload=[f"{TOP}/build/{tools}/selftests/partition"],
                 timeout=600, script=script("partition",
                                            SECONDS_EACH=int(300 * vmtest.patience())),
                 **machine)
    return action


def gicv2(kernel, cpu, append):
    """The job that runs guests on a board with a GICv2, where the VMM has to emulate the
    guests' interrupt controller."""
    def action(job):
        job.boot(arch="arm64", kernel=kernel, cpu=cpu, smp=2, append=append, axvcpu=True,
                 qemu_args=["-machine", "gic-version=2"], expect_tests=True, timeout=600,
                 payload=[f"{TOP}/build/tools-arm64/selftests/{name}" for name in GICV2_PROGRAMS],
                 script=script("gicv2", PROGRAMS=" ".join(GICV2_PROGRAMS),
                               SECONDS_EACH=int(300 * vmtest.patience())))
    return action


def soak_arm64(**machine):
    """The job that does half a million entries at EL2 of an arm64 machine."""
    def action(job):
        job.boot(arch="arm64", kernel="6.1-cloud", smp=2, axvcpu=True, expect_tests=True,
                 payload=[f"{TOP}/build/tools-arm64/selftests/soak"], timeout=900,
                 script=script("soak", SECONDS_EACH=int(800 * vmtest.patience())), **machine)
    return action


def vectors_arm64(features):
    """The job that tests vector registers on an arm64 processor with more than V0 to V31."""
    def action(job):
        job.boot(arch="arm64", kernel="6.1-cloud", cpu=f"max,pauth-impdef=on,{features}", smp=2,
                 axvcpu=True, expect_tests=True, timeout=900,
                 payload=[f"{TOP}/build/tools-arm64/selftests/isolation"],
                 script="t isolation ./isolation")
    return action


def load_arm64(kernel, text, append=""):
    """The job that loads the module, without the selftests, on a host without VHE."""
    def action(job):
        release = vmtest.release_of(kernel, "arm64")
        job.boot(arch="arm64", kernel=kernel, cpu="cortex-a72", smp=2, append=append,
                 payload=[f"{TOP}/build/module/{release}/axvcpu.ko",
                          f"{TOP}/build/tools-arm64/selftests/lifecycle"],
                 expect_tests=True, script=text)
    return action


def kunit(**machine):
    """The job that runs the KUnit suites, which are in the module if the kernel has KUnit."""
    def action(job):
        job.boot(kernel="debug", axvcpu=True, modprobe=["kunit"], kmemleak=True,
                 expect_tests=True, script=script("kunit"), **machine)
    return action


def load_unload(kernel, backend="svm"):
    """The job that loads and unloads the module over and over."""
    def action(job):
        release = vmtest.release_of(kernel)
        settings = {"payload": [f"{TOP}/build/module/{release}/axvcpu.ko"], "backend": backend,
                    "script": script("load-unload"), "smp": 2 if backend == "svm" else 1,
                    "expect_tests": True}
        if kernel == "debug":
            settings.update(modprobe=["kunit"], append="kunit.enable=0", kmemleak=True)
        job.boot(kernel=kernel, **settings)
    return action


KVM = {"svm": "kvm-amd", "vmx": "kvm-intel"}


def beside_kvm(kernel, backend="svm"):
    """The job that loads the module beside KVM, which is idle or has a VM."""
    def action(job):
        settings = {}
        if backend == "svm":
            # Newer kernels' KVM keeps the hardware as long as it is loaded, unless told not to.
            settings = {"smp": 2, "append": KVM_BY_VMS}
        # There is one callback for crashes. Older kernels' kvm-intel keeps it as long as it is
        # loaded; newer kernels' warns, when told not to, if another module has it.
        job.boot(kernel=kernel, backend=backend, axvcpu=True, modprobe=[KVM[backend]],
                 expect_tests=True, payload=[f"{TOP}/build/tools/beside-kvm"],
                 script=script("beside-kvm", HOW="held" if backend == "vmx" else ""),
                 **settings)
    return action


def job_readme(job):
    """Do what the README shows: build its VMM with its own command, run make kselftest, and run
    its guest of axvmm, with the RAM disk that its commands make."""
    with open(f"{TOP}/README.md", encoding="utf-8") as f:
        text = f.read()
    source = re.search(r"^```c\n(.*?)^```$", text, re.M | re.S)
    build = re.search(r"^    (gcc .*-o hello hello\.c) && \./hello$", text, re.M)
    initrd = re.search(r"^    mkdir -p root/.*?>initrd$", text, re.M | re.S)
    guest = re.search(r"^    (axvmm run --kernel .*)$", text, re.M)
    if not source or not build:
        job.failures.append("README.md has no VMM, or does not say how it is built")
        return
    if not initrd or not guest:
        job.failures.append("README.md has no guest, or does not say how its initrd is made")
        return
    where = f"{TOP}/build/readme"
    os.makedirs(where, exist_ok=True)
    if not os.path.exists(f"{where}/include"):
        os.symlink(f"{TOP}/include", f"{where}/include")
    with open(f"{where}/hello.c", "w", encoding="utf-8") as f:
        f.write(source.group(1))
    only_silence(job, job.command("sh", "-c", f"cd {where} && {build.group(1)} -Wall"))
    only_silence(job, job.command("sh", "-e", "-c",
                                  f"cd {where}\nrm -rf root\n{initrd.group(0)}"))
    if job.failures:
        return
    # Only the shortest selftest: this tests the script that runs them.
    with open(f"{where}/tests.list", "w", encoding="utf-8") as f:
        f.write("stats\n")
    job.boot(kernel="6.1-cloud", axvcpu=True, expect_tests=True,
             payload=[f"{where}/hello", f"{where}/tests.list", f"{TOP}/tools/scripts/kselftest",
                      f"{TOP}/build/tools/selftests/stats", "/bin/bash:bin/bash",
                      f"{where}/initrd", f"{TOP}/build/tools/vmm/axvmm:bin/axvmm",
                      f"{vmtest.image_of('6.1-cloud')}/vmlinuz:boot/vmlinuz-" +
                      vmtest.release_of("6.1-cloud")],
             script=script("readme", GUEST=guest.group(1)))


def job_beside_build(job):
    only_silence(job, job.command(
        "gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-Iinclude/uapi",
        "-o", "build/tools/beside-kvm", f"{HERE}/guest/beside-kvm.c"))


def job_vsock_build(job):
    only_silence(job, job.command(
        "gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static", "-o", "build/tools/vsock",
        f"{HERE}/guest/vsock.c"))


def guest_payload(job, guest, arch="x86", programs=()):
    """The payload of a machine that runs axvmm: axvmm, and the guest's kernel and initramfs,
    with these programs."""
    initrd = f"{LOGS}/{job.name}.cpio"
    vmtest.guest_initramfs(initrd, arch, guest, programs)
    tools = "tools" if arch == "x86" else f"tools-{arch}"
    return [f"{TOP}/build/{tools}/vmm/axvmm", f"{initrd}:t/initrd",
            f"{vmtest.image_of(guest, vmtest.arch_of(guest, arch))}/vmlinuz:t/vmlinuz"]


def guest_boot(host, cpu, guest, emu="qemu", arch="x86", smp=2, cpus=1, append=""):
    """The job in which axvmm boots a Debian kernel."""
    bochs = emu == "bochs"
    # A kernel for 32-bit processors has no x2APIC.
    x2apic = "" if arch != "x86" or guest == I386 else " axvcpu.x2apic"

    def action(job):
        release = vmtest.release_of(guest, vmtest.arch_of(guest, arch))
        text = script("guest-boot", RELEASE=release, CPUS=cpus,
                      CONSOLE="ttyS0" if arch == "x86" else "ttyAMA0",
                      MORE="axvcpu.cpus" + x2apic +
                           (" cryptomgr.notests" if bochs else
                            " axvcpu.holes" if arch == "x86" else ""))
        settings = {"append": append}
        if host == "debug":
            settings = {"modprobe": ["kunit"], "append": "kunit.enable=0"}
        job.boot(arch=arch, kernel=host, cpu=cpu, emu=emu, smp=1 if bochs else smp, axvcpu=True,
                 expect_tests=True, timeout=1200 if bochs or host == "debug" else 600,
                 payload=guest_payload(job, guest, arch), script=text, **settings)
    return action


def kvm_qemu(kernel, text, programs=(), **settings):
    """A job in which Debian's QEMU boots a Debian kernel, with axvcpu instead of KVM."""
    def action(job):
        tools, share = f"{TOP}/build/tools/kvm", "/usr/share"
        firmware = [f"{share}/seabios/bios-256k.bin", f"{share}/qemu/kvmvapic.bin",
                    f"{share}/qemu/linuxboot_dma.bin"]
        payload = [f"{tools}/axv-kvm", f"{tools}/libaxvcpu-kvm.so",
                   "/usr/bin/qemu-system-x86_64"]
        payload += [f"{path}:t/firmware/{os.path.basename(path)}" for path in firmware]
        # guest_payload() without axvmm, which is its first entry.
        payload += guest_payload(job, kernel, programs=programs)[1:]
        job.boot(kernel=kernel, cpu="EPYC", smp=2, axvcpu=True, expect_tests=True, timeout=600,
                 payload=payload,
                 script=script(text, RELEASE=vmtest.release_of(kernel), **settings))
    return action


def job_scribble_build(job):
    only_silence(job, job.command(
        "gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static",
        "-o", "build/tools/scribble", f"{HERE}/guest/scribble.c"))


def job_kvm_gdb(job):
    tools, share = f"{TOP}/build/tools", "/usr/share"
    only_silence(job, job.command(
        "gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-static",
        "-o", "build/tools/gdb-client", f"{HERE}/guest/gdb-client.c"))
    job.boot(kernel="6.1-cloud", cpu="EPYC", smp=2, axvcpu=True, expect_tests=True, timeout=300,
             payload=[f"{tools}/gdb-client", f"{tools}/kvm/axv-kvm",
                      f"{tools}/kvm/libaxvcpu-kvm.so", "/usr/bin/qemu-system-x86_64",
                      f"{share}/qemu/kvmvapic.bin:t/firmware/kvmvapic.bin"],
             script=script("kvm-gdb"))


def kvm_expectations():
    """What KVM's selftests must give: for each line its test, with options, and when it is run."""
    with open(f"{HERE}/kvm-selftests/expect", encoding="utf-8") as f:
        return [line.split()[:2] for line in f if line.strip() and not line.startswith("#")]


def job_kvm_selftests_build(job):
    """Build KVM's selftests, and check that each of them is in the list."""
    if job.command(f"{HERE}/kvm-selftests/build") is None:
        return
    there = set(os.listdir(kvm_selftests_directory())) - {".complete"}
    listed = {test.split(",")[0] for test, _ in kvm_expectations()}
    job.failures += [f"{test} is not in kvm-selftests/expect" for test in sorted(there - listed)]
    job.failures += [f"there is no {test}" for test in sorted(listed - there)]
    job.passed += 1


def kvm_selftests_directory():
    """The directory of the programs, in the cache."""
    return subprocess.run([f"{HERE}/kvm-selftests/build", "--print"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout.strip()


def kvm_selftests(kernel, run, seconds):
    """The job in which KVM's selftests run on KVM and on axvcpu, in one boot. run says which."""
    def action(job):
        tools, where = f"{TOP}/build/tools/kvm", kvm_selftests_directory()
        tests = [test for test, when in kvm_expectations() if when == run]
        job.boot(kernel=kernel, cpu="EPYC", smp=2, axvcpu=True, modprobe=["kvm-amd"],
                 expect_tests=True, timeout=900,
                 payload=[f"{tools}/axv-kvm", f"{tools}/libaxvcpu-kvm.so",
                          f"{HERE}/kvm-selftests/expect"] +
                 sorted({f"{where}/{test.split(',')[0]}" for test in tests}),
                 script=script("kvm-selftests", RUN=run, TESTS=len(tests),
                               SECONDS_EACH=int(seconds * vmtest.patience())))
    return action


def guest_power(kernel, arch="x86"):
    """The job in which axvmm switches guests off, restarts them, and sees them panic."""
    def action(job):
        job.boot(arch=arch, kernel=kernel, smp=2, axvcpu=True, expect_tests=True, timeout=900,
                 payload=guest_payload(job, kernel, arch),
                 script=script("guest-power", ARCH=arch, CPUS=2 if arch == "x86" else 1,
                               CONSOLE="ttyS0" if arch == "x86" else "ttyAMA0"))
    return action


def guest_control(kernel):
    """The job in which a guest of axvmm is listed, paused, resumed and stopped."""
    def action(job):
        job.boot(kernel=kernel, smp=2, axvcpu=True, expect_tests=True, timeout=300,
                 payload=guest_payload(job, kernel), script=script("guest-control"))
    return action


def guest_disk(host, guest, arch="x86", cpu=None, append=""):
    """The job in which qemu-storage-daemon serves a disk to a guest of axvmm."""
    def action(job):
        packages = []
        if arch != "x86":
            packages = vmtest.kernels(arch, "package", *DAEMON_PACKAGES).split()
        daemon = f"{packages[0] if packages else ''}/usr/bin/qemu-storage-daemon"
        job.boot(arch=arch, kernel=host, cpu=cpu, smp=2, append=append, axvcpu=True,
                 expect_tests=True, timeout=600 if arch == "x86" else 900, packages=packages,
                 payload=guest_payload(job, guest, arch) + [f"{daemon}:bin/qemu-storage-daemon"],
                 script=script("guest-disk", CONSOLE="ttyS0" if arch == "x86" else "ttyAMA0"))
    return action


def guest_net(host, guest):
    """The job in which the kernel's vhost-net connects a guest of axvmm to a tap interface."""
    def action(job):
        job.boot(kernel=host, smp=2, axvcpu=True, expect_tests=True, timeout=600,
                 modprobe=["tun", "vhost_net"], payload=guest_payload(job, guest),
                 script=script("guest-net"))
    return action


def guest_passt(host, guest):
    """The job in which passt makes the host's connections of what a guest of axvmm sends."""
    def action(job):
        job.boot(kernel=host, smp=2, axvcpu=True, expect_tests=True, timeout=600,
                 modprobe=["tun"],
                 payload=guest_payload(job, guest) + ["/usr/bin/passt:bin/passt"],
                 script=script("guest-passt"))
    return action


def guest_share(host, guest):
    """The job in which virtiofsd shares directories with a guest of axvmm."""
    def action(job):
        job.boot(kernel=host, smp=2, axvcpu=True, expect_tests=True, timeout=600,
                 payload=guest_payload(job, guest) +
                 ["/usr/lib/qemu/virtiofsd:usr/lib/qemu/virtiofsd"],
                 script=script("guest-share"))
    return action


def guest_devices(host, guest):
    """The job in which a guest of axvmm has sockets to the host, and devices of each kind."""
    def action(job):
        program = f"{TOP}/build/tools/vsock"
        job.boot(kernel=host, smp=2, axvcpu=True, expect_tests=True, timeout=600,
                 modprobe=["tun", "vhost_net", "vhost_vsock"],
                 payload=guest_payload(job, guest, programs=[program]) +
                 ["/usr/bin/qemu-storage-daemon:bin/qemu-storage-daemon",
                  "/usr/lib/qemu/virtiofsd:bin/virtiofsd", program],
                 script=script("guest-devices"))
    return action


def job_arm64_shell(job):
    u_boot = subprocess.run(["tools/scripts/kernels", "--arch", "arm64", "package",
                             "u-boot-qemu:amd64"], cwd=TOP, check=True, text=True,
                            stdout=subprocess.PIPE).stdout.strip()
    job.boot(arch="arm64", kernel="6.1-cloud", cpu="neoverse-n1", axvcpu=True, expect_tests=True,
             payload=guest_payload(job, "6.1-cloud", "arm64") +
             [f"{u_boot}/usr/lib/u-boot/qemu_arm64/u-boot.bin"],
             script=script("guest-shell", SECONDS_EACH=int(200 * vmtest.patience())))


def demo(*argv):
    """The job that runs make demo."""
    def action(job):
        text = job.command("make", "demo", *argv, timeout=900 * vmtest.patience())
        if text is None:
            return
        if re.search(r"guest: Linux ", text):
            job.passed += 1
        else:
            job.failures.append("make demo ended with 0, but its guest never said uname -a")
    return action


def bench(result, *argv):
    """The job that runs make bench, which itself checks whether its figures are good."""
    def action(job):
        path = f"build/bench-{result}.json"
        if os.path.exists(f"{TOP}/{path}"):
            os.remove(f"{TOP}/{path}")
        text = job.command("make", "bench", *argv, timeout=900 * vmtest.patience())
        if text is None:
            return
        if os.path.exists(f"{TOP}/{path}"):
            job.passed += 1
        else:
            job.failures.append(f"make bench ended with 0, but wrote no {path}")
    return action


def all_jobs():
    """All jobs, in the order in which they are started if they do not have to wait. Those
    that are added by long() belong to make check-long only."""
    jobs = []

    def add(name, needs, action, text):
        jobs.append(Job(name, needs, action, text))

    def long(name, needs, action, text):
        jobs.append(Job(name, needs, action, text, long=True))

    def both(short_list, long_list):
        return [(add, item) for item in short_list] + [(long, item) for item in long_list]

    add("fetch", [], job_fetch, "download and unpack the kernels")
    add("i386-fetch", [], job_i386_fetch, "download and unpack the kernel of 32-bit guests")
    add("debug-kernel", [], debug_kernel("x86"), "build the debug kernel, or find it in the cache")
    add("tools", [], job_tools, "build library, axvmm, selftests, benchmark without a warning")
    add("vmtest", [], job_self, "the log and TAP readers, and lint's circles, against what must fail")
    add("unit", ["tools"], job_unit, "the libraries' and axvmm's own tests, without any VM")
    add("install", ["tools"], job_install, "make install, then link and run; make uninstall")
    add("packages", ["tools"], job_packages, "build the Debian packages; lintian is silent")
    long("debian-root", ["packages", "fetch"], job_packages_boot,
         "install the packages in a Debian root file system, boot it, run a guest, purge them")
    long("fuzz", ["tools"], job_fuzz, "the fuzz targets, a minute each")
    for flavour in STOCK:
        add(f"build-{flavour}", ["fetch"], build_module(flavour),
            f"build the module for {flavour} without a warning")
    add("lint", ["fetch", "tools"], job_lint,
        "checkpatch, sparse, W=1, kernel-doc, shellcheck, circles")
    add("docs", [], job_docs, "the documents as HTML, without a warning")
    add("build-debug", ["debug-kernel"], build_module("debug"),
        "build the module for the debug kernel")
    # Early, since this takes as long as the one for x86, and further jobs wait for it.
    add("arm64-debug-kernel", [], debug_kernel("arm64"),
        "build the debug kernel for arm64, or find it in the cache")
    add("arm64-build-debug", ["arm64-debug-kernel"], build_module("debug", "ARCH=arm64"),
        "build the module for the debug kernel of arm64")
    # Long-running jobs first, so that short ones are the last to finish.
    for put, (kernel, cpu) in both(BOCHS, BOCHS_LONG):
        put(f"selftests-{kernel}-{cpu}-1", [f"build-{kernel}", "tools"],
            selftests(kernel, cpu, 1, "bochs"), f"the selftests on {kernel} in Bochs, {cpu}")
    for put, (kernel, cpu, smp) in sorted(both(SELFTESTS, SELFTESTS_LONG),
                                          key=lambda s: s[1][0] != "debug"):
        put(f"selftests-{kernel}-{cpu}-{smp}", [f"build-{kernel}", "tools"],
            selftests(kernel, cpu, smp), f"the selftests on {kernel}, {cpu}, {smp} CPU(s)")
    long("kcsan-kernel", [], debug_kernel("x86", "kcsan"),
         "build the kernel with KCSAN, or find it in the cache")
    long("build-kcsan", ["kcsan-kernel"], build_module("kcsan"),
         "build the module for the kernel with KCSAN")
    long("races", ["build-kcsan", "tools"], races,
         "selftests in which threads meet, on the kernel with KCSAN, which finds data races")
    add("moved-6.1-cloud-max-2", ["build-6.1-cloud", "tools"], moved("6.1-cloud", "max", 2),
        "vCPUs of the selftests are saved and restored at every exit, with SVM")
    long("moved-6.1-cloud-vmx", ["build-6.1-cloud", "tools"],
         moved("6.1-cloud", "corei7_haswell_4770", 1, emu="bochs"), "the same with VMX")
    for put, kernel in both(["6.1-cloud"], ["6.12-cloud"]):
        put(f"partition-{kernel}", [f"build-{kernel}", "tools"], partition(kernel),
            f"exits of a guest that has a CPU for itself, with SVM on {kernel}")
    add("kunit", ["build-debug"], kunit(cpu="max", smp=2), "the KUnit suites on the debug kernel")
    for put, kernel in both(["debug"], ["6.12-cloud"]):
        put(f"load-unload-{kernel}", [f"build-{kernel}"], load_unload(kernel),
            f"load and unload a hundred times on {kernel}")
    long("load-unload-6.1-cloud-vmx", ["build-6.1-cloud"], load_unload("6.1-cloud", "vmx"),
         "load and unload a hundred times with VMX")
    add("readme", ["build-6.1-cloud", "tools"], job_readme,
        "the README's VMM, guest and make kselftest")
    add("beside-build", ["tools"], job_beside_build, "build the helper of beside-kvm")
    for put, kernel in both(["6.1-cloud"], ["6.12-cloud"]):
        put(f"beside-kvm-{kernel}", [f"build-{kernel}", "beside-build"], beside_kvm(kernel),
            f"load beside kvm-amd, idle and busy, on {kernel}")
        put(f"beside-kvm-{kernel}-vmx", [f"build-{kernel}", "beside-build"],
            beside_kvm(kernel, "vmx"), f"load beside kvm-intel, idle and busy, on {kernel}")
    for put, (host, cpu, smp, guest, cpus) in both(GUESTS, GUESTS_LONG):
        put(f"guest-{guest}-{cpus}-on-{host}-{cpu}-{smp}",
            [f"build-{host}", "tools"] + (["i386-fetch"] if guest == I386 else []),
            guest_boot(host, cpu, guest, smp=smp, cpus=cpus),
            f"axvmm boots Debian {guest} with {cpus} CPU(s) on {host}, {cpu}, {smp} CPU(s)")
    add("guest-power", ["build-6.1-cloud", "tools"], guest_power("6.1-cloud"),
        "axvmm presses a guest's power button, restarts a guest, sees one panic")
    add("guest-control", ["build-6.1-cloud", "tools"], guest_control("6.1-cloud"),
        "axvmm lists a guest, pauses and resumes it, counts for it, and stops it")
    add("vsock-build", [], job_vsock_build, "build the helper of guest-devices")
    for put, (host, guest) in both([("6.1-cloud", "6.12-cloud")], [("6.12-cloud", "6.1-cloud")]):
        put(f"guest-disk-{guest}-on-{host}", [f"build-{host}", "tools"], guest_disk(host, guest),
            f"a guest {guest} of axvmm has a disk of qemu-storage-daemon, on {host}")
        put(f"guest-net-{guest}-on-{host}", [f"build-{host}", "tools"], guest_net(host, guest),
            f"a guest {guest} of axvmm has a network, by vhost-net of {host}")
        put(f"guest-passt-{guest}-on-{host}", [f"build-{host}", "tools"],
            guest_passt(host, guest),
            f"passt gives a guest {guest} of axvmm a network, for a user, on {host}")
        put(f"guest-share-{guest}-on-{host}", [f"build-{host}", "tools"],
            guest_share(host, guest),
            f"virtiofsd shares directories with a guest {guest} of axvmm, on {host}")
        put(f"guest-devices-{guest}-on-{host}", [f"build-{host}", "tools", "vsock-build"],
            guest_devices(host, guest),
            f"a guest {guest} of axvmm has a vsock and all other devices at once, on {host}")
    for put, (name, machine, cpus, vectors) in both(KVM_QEMU, KVM_QEMU_LONG):
        put(f"kvm-qemu-{name}-{cpus}", ["build-6.1-cloud", "tools"],
            kvm_qemu("6.1-cloud", "kvm-qemu", CPUS=cpus, MACHINE=machine, VECTORS=vectors),
            f"QEMU finds axvcpu behind KVM's interface, and boots Debian with {cpus} CPU(s) "
            f"on machine {machine}")
    long("kvm-qemu-reset", ["build-6.1-cloud", "tools"], kvm_qemu("6.1-cloud", "kvm-qemu-reset"),
         "QEMU on axvcpu resets guests, and boots one that has only a PIC and a PIT")
    long("scribble-build", [], job_scribble_build, "build the helper of kvm-qemu-save and -migrate")
    for name, machine in KVM_STATE:
        needs = ["build-6.1-cloud", "tools", "scribble-build"]
        programs = [f"{TOP}/build/tools/scribble"]
        long(f"kvm-qemu-save-{name}", needs,
             kvm_qemu("6.1-cloud", "kvm-qemu-save", programs, MACHINE=machine),
             f"QEMU on axvcpu saves a guest's state and goes back to it, on machine {machine}")
        long(f"kvm-qemu-migrate-{name}", needs,
             kvm_qemu("6.1-cloud", "kvm-qemu-migrate", programs, MACHINE=machine),
             f"QEMU on axvcpu moves a guest that runs to another QEMU, on machine {machine}")
    add("kvm-selftests-build", [], job_kvm_selftests_build,
        "build KVM's selftests, or find them in the cache")
    for put, run in ((add, "short"), (long, "long")):
        put(f"kvm-selftests-{run}", ["build-6.1-cloud", "tools", "kvm-selftests-build"],
            kvm_selftests("6.1-cloud", run, 60),
            f"KVM's selftests give the same on axvcpu as on KVM, or what is listed: {run} ones")
    add("kvm-gdb", ["build-6.1-cloud", "tools"], job_kvm_gdb,
        "QEMU's gdb stub debugs a guest on axvcpu")
    # The demo boots 6.1 in 6.1.
    long("guest-6.12-cloud-2-on-6.12-cloud-vmx", ["build-6.12-cloud", "tools"],
         guest_boot("6.12-cloud", "corei7_haswell_4770", "6.12-cloud", "bochs", cpus=2),
         "axvmm boots Debian 6.12-cloud with 2 CPUs on the one of 6.12-cloud, with VMX")
    long(f"guest-{I386}-1-on-6.1-cloud-vmx", ["i386-fetch", "build-6.1-cloud", "tools"],
         guest_boot("6.1-cloud", "corei7_haswell_4770", I386, "bochs"),
         f"axvmm boots Debian {I386} on 6.1-cloud, with VMX")
    add("demo", ["build-6.1-cloud", "tools"], demo(), "make demo without a terminal")
    add("demo-vmx", ["build-6.1-cloud", "tools"], demo("BACKEND=vmx"), "make demo with VMX")
    add("bench", ["build-6.1-cloud", "tools"], bench("svm"), "make bench runs")
    add("arm64-fetch", [], job_arm64_fetch, "download and unpack the arm64 kernels")
    add("arm64-tools", [], job_arm64_tools,
        "build library, axvmm, selftests, benchmark for arm64 without a warning")
    add("arm64-unit", ["arm64-fetch", "arm64-tools"], job_arm64_unit,
        "the library's and axvmm's own tests on arm64, without any VM")
    # Most CPUs are never switched on: they are there for masks that have a second word.
    add("arm64-kunit", ["arm64-build-debug"],
        kunit(arch="arm64", smp=72, append="maxcpus=2", timeout=1500),
        "the KUnit suites on the debug kernel of arm64, 2 of 72 CPUs")
    add("arm64-selftests-debug", ["arm64-build-debug", "arm64-tools"], selftests_arm64("debug"),
        "the selftests at EL2 with VHE on the debug kernel, 2 CPUs")
    for kernel in ARM64 + ARM64_LONG:
        add(f"arm64-build-{kernel}", ["arm64-fetch"], build_module(kernel, "ARCH=arm64"),
            f"build the module for arm64, {kernel}, without a warning")
    for put, kernel in both(ARM64, ARM64_LONG):
        put(f"arm64-selftests-{kernel}", [f"arm64-build-{kernel}", "arm64-tools"],
            selftests_arm64(kernel, append=KVM_BY_VMS),
            f"the selftests at EL2 with VHE on {kernel}, 2 CPUs")
        put(f"arm64-load-unload-{kernel}-nvhe", [f"arm64-build-{kernel}", "arm64-tools"],
            load_arm64(kernel, script("load-unload", GUESTS="yes"), NVHE),
            f"load and unload a hundred times without VHE on {kernel}, and with guests")
        put(f"arm64-beside-kvm-{kernel}-nvhe", [f"arm64-build-{kernel}", "arm64-tools"],
            load_arm64(kernel, script("refused")), f"refused beside KVM without VHE on {kernel}")
    for put, (kernel, cpu, smp, append) in both(SELFTESTS_NVHE, SELFTESTS_NVHE_LONG):
        put(f"arm64-selftests-{kernel}-nvhe-{cpu}", [f"arm64-build-{kernel}", "arm64-tools"],
            selftests_arm64(kernel, cpu, smp, append),
            f"the selftests without VHE on {kernel}, {cpu}, {smp} CPU(s)")
    add("arm64-vectors-sve", ["arm64-build-6.1-cloud", "arm64-tools"],
        vectors_arm64("sve=on,sme=off"), "vector registers where the host has SVE")
    for put, kernel in both(ARM64, ARM64_LONG):
        put(f"arm64-partition-{kernel}", [f"arm64-build-{kernel}", "arm64-tools"],
            partition(kernel, "arm64"),
            f"exits of a guest that has a CPU for itself, at EL2 with VHE on {kernel}")
        put(f"arm64-partition-{kernel}-nvhe", [f"arm64-build-{kernel}", "arm64-tools"],
            partition(kernel, "arm64", NVHE, cpu="cortex-a72"),
            f"the same without VHE on {kernel}")
    for put, (kernel, cpu, append) in both(GICV2, GICV2_LONG):
        put(f"arm64-gicv2-{kernel}", [f"arm64-build-{kernel}", "arm64-tools"],
            gicv2(kernel, cpu, append),
            f"guests whose VMM has their controller, on {kernel}, {cpu} with a GICv2")
    long("arm64-vectors-sme", ["arm64-build-6.1-cloud", "arm64-tools"],
         vectors_arm64("sve=on,sme=on"), "the same with SME")
    add("moved-arm64-6.1-cloud", ["arm64-build-6.1-cloud", "arm64-tools"],
        moved_arm64("6.1-cloud", "neoverse-n1", 2),
        "vCPUs of the selftests are saved and restored at every exit, at EL2 with VHE")
    long("moved-arm64-6.12-cloud-nvhe", ["arm64-build-6.12-cloud", "arm64-tools"],
         moved_arm64("6.12-cloud", "cortex-a72", 2, NVHE), "the same without VHE")
    for put, (host, cpu, cpus, append) in both(ARM64_GUESTS, ARM64_GUESTS_LONG):
        put(f"arm64-guest-{host}-{cpu}-{cpus}", [f"arm64-build-{host}", "arm64-tools"],
            guest_boot(host, cpu, host, arch="arm64", cpus=cpus, append=append),
            f"axvmm boots Debian {host} on {host}, {cpu}, with {cpus} CPU(s)")
    for put, (host, cpu, guest, append) in both(ARM64_DISKS, ARM64_DISKS_LONG):
        put(f"arm64-guest-disk-{guest}-on-{host}-{cpu}", [f"arm64-build-{host}", "arm64-tools"],
            guest_disk(host, guest, "arm64", cpu, append),
            f"a guest {guest} of axvmm has a disk of qemu-storage-daemon, on {host}, {cpu}")
    add("arm64-shell", ["arm64-build-6.1-cloud", "arm64-tools"], job_arm64_shell,
        "axvmm gives a shell of Debian's 6.1 and of Debian's U-Boot")
    long("arm64-guest-power", ["arm64-build-6.1-cloud", "arm64-tools"],
         guest_power("6.1-cloud", "arm64"), "axvmm presses a guest's power button, restarts it")
    long("arm64-demo", ["arm64-build-6.1-cloud", "arm64-tools"], demo("ARCH=arm64"),
         "make demo ARCH=arm64 without a terminal")
    add("arm64-demo-nvhe", ["arm64-build-6.1-cloud", "arm64-tools"],
        demo("ARCH=arm64", "BACKEND=nvhe"), "make demo ARCH=arm64 on a host without VHE")
    long("arm64-soak", ["arm64-build-6.1-cloud", "arm64-tools"], soak_arm64(cpu="neoverse-n1"),
         "half a million entries beside CPUs that go and come, with VHE")
    long("arm64-soak-nvhe", ["arm64-build-6.1-cloud", "arm64-tools"],
         soak_arm64(cpu="cortex-a72", append=NVHE), "the same without VHE")
    add("arm64-bench", ["arm64-build-6.1-cloud", "arm64-tools"], bench("el2", "ARCH=arm64"),
        "make bench runs on arm64")
    return jobs
