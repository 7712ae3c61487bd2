# SPDX-License-Identifier: GPL-2.0
"""Boots one machine: makes its initramfs, runs it, and judges its output."""

import fnmatch
import os
import re
import shlex
import subprocess
import tempfile
import time

from . import emulator, initramfs, report

HERE = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))
TOP = os.path.realpath(os.path.join(HERE, "../../.."))

# Seconds that a run may take if nothing else is set. They are far more than a run needs:
# the deadline only has to end a hang, and this machine may be busy.
DEADLINE = {"qemu": 300, "bochs": 900, "debug": 900}

# Seconds after which a kernel has to be in userspace, also far more than it needs.
BOOT = {"qemu": 90, "bochs": 450, "debug": 240}

# The project's own kernels: slow, since every access of memory is checked.
DEBUG_KERNELS = ("debug", "kcsan")

# What the kernel needs to mount the root file system that a run is given.
ROOT_MODULES = ["virtio_pci", "virtio_blk", "ext4"]

# How often a run is repeated if QEMU has erred. Once, two of three runs in a row that booted
# guests with two CPUs met such an error; at another time none of some forty boots did.
EXCUSES = 3

# The port that tests write to, as the machine's kernel names it.
TEST_PORT = {"x86": "/dev/ttyS1", "arm64": "/dev/ttyS0"}


def for_machine(name, kernel, cpu, emu):
    """The entries of the file "skips" or "defects" for this machine."""
    out = []
    with open(os.path.join(HERE, name), encoding="utf-8") as f:
        for line in f:
            fields = line.strip().split(None, 3)
            if len(fields) == 4 and fields[0] != "#" and all(
                    fnmatch.fnmatchcase(value, pattern) for value, pattern in
                    zip((kernel, cpu, emu), fields)):
                out.append(fields[3])
    return out


def script(name, **variables):
    """The text of a file of scripts/, preceded by assignments of its variables."""
    with open(f"{HERE}/scripts/{name}.sh", encoding="utf-8") as f:
        return "".join(f"{key}={shlex.quote(str(value))}\n"
                       for key, value in variables.items()) + f.read()


def kernels(arch, *words):
    """Run tools/scripts/kernels, and return its output."""
    out = subprocess.run([f"{TOP}/tools/scripts/kernels", "--arch", arch, *words],
                         check=True, stdout=subprocess.PIPE, text=True).stdout
    return out.strip()


def arch_of(flavour, arch="x86"):
    """The architecture of a guest's kernel, as tools/scripts/kernels names it."""
    return "i386" if flavour and "-686" in flavour else arch


def image_of(flavour, arch="x86"):
    """The directory of an unpacked kernel."""
    return kernels(arch, "image", flavour)


def release_of(flavour, arch="x86"):
    """The release of a kernel (uname -r)."""
    with open(f"{image_of(flavour, arch)}/release", encoding="utf-8") as f:
        return f.read().strip()


def busybox_tree(arch="x86", packages=()):
    """The part of an initramfs that all have in common: busybox, and links for its applets."""
    fs = initramfs.Initramfs(packages)
    fs.device("dev/console", 5, 1)
    fs.device("dev/null", 1, 3)
    for d in ("proc", "sys", "tmp", "t", "etc", "run", "sbin", "root", "mnt"):
        fs.directory(d)
    fs.add("/bin/busybox" if arch == "x86" else kernels(arch, "busybox"), "bin/busybox")
    # busybox has the same version for every architecture, so ask the one that runs here.
    for applet in subprocess.run(["/bin/busybox", "--list"], check=True, text=True,
                                 stdout=subprocess.PIPE).stdout.split():
        if applet != "busybox":
            fs.symlink("bin/" + applet, "busybox")
    fs.symlink("usr/bin", "../bin")
    fs.symlink("usr/sbin", "../sbin")
    fs.write("etc/passwd", "root::0:0::/:/bin/sh\n")
    fs.write("etc/group", "root:x:0:\n")
    return fs


# Drivers of a power button, of the pvpanic device and of virtio devices; not every kernel has all.
GUEST_MODULES = ("button", "evdev", "gpio_keys", "pvpanic_mmio", "virtio_pci", "virtio_blk",
                 "virtio_net", "virtiofs", "vmw_vsock_virtio_transport", "virtio_rng",
                 "virtio_console", "virtio_balloon")


def guest_initramfs(path, arch="x86", kernel=None, programs=()):
    """Make the initramfs of a guest inside the machine: busybox, guest/guest-init, these programs,
    and those drivers of GUEST_MODULES that the kernel has."""
    arch = arch_of(kernel, arch)
    fs = busybox_tree(arch)
    fs.add(f"{HERE}/guest/guest-init", "init")
    for program in programs:
        fs.add(program, "bin/" + os.path.basename(program))
    if kernel:
        fs.modules(image_of(kernel, arch), release_of(kernel, arch), GUEST_MODULES, missing=True)
    fs.save(path)


def patience():
    """How many times longer everything takes here than on an idle machine."""
    busy = os.getloadavg()[0] / os.cpu_count()
    return max(1.0, busy) * float(os.environ.get("AXV_TIMEOUT_SCALE", "1"))


def deadline(seconds):
    """Make a function that returns the deadline in seconds; on an idle machine it is @seconds.
    It is called again and again, since the machine may become busy meanwhile."""
    most = 1.0

    def now():
        nonlocal most
        most = max(most, patience())
        return seconds * most
    return now


def terminal_size():
    """The size of this terminal, as arguments for stty."""
    size = os.get_terminal_size()
    return f"rows {size.lines} cols {size.columns}" if size.lines else ""


class Run:
    """One boot: takes settings, and makes a Report. Used by vmtest and by check."""

    def __init__(self, **settings):
        self.name = "run"
        self.kernel = "6.1-cloud"
        self.arch = "x86"
        self.emu = None
        self.backend = None
        self.cpu = None
        self.smp = 1
        self.mem = None
        self.icount = False
        self.root = None  # an ext4 image: its systemd's service vmtest runs the script
        self.interactive = False
        self.axvcpu = False
        self.module = []
        self.params = ""
        self.modprobe = []
        self.with_modules = []
        self.payload = []
        self.packages = []  # directories where the payload's libraries of another architecture are
        self.script = ""
        self.append = ""
        self.timeout = None
        self.allow = []
        self.qemu_args = []
        self.trace = None
        self.kmemleak = False
        self.expect_tests = False
        self.log = None
        self.plain = False  # print without times and marks
        self.verbose = 0  # 1: what the tests print; 2: the kernel log, too
        self.files = {}
        for key, value in settings.items():
            if not hasattr(self, key):
                raise TypeError(f"no such setting: {key}")
            setattr(self, key, value)
        self.emu, self.cpu = emulator.choose(self.arch, self.emu, self.backend, self.cpu)
        self.report = None
        self.seconds = 0
        self.tail = []
        self.again = []  # for each time that the machine was started once more, why

    def build_initramfs(self, image, release, path):
        """Make the machine's initramfs."""
        fs = busybox_tree(self.arch, self.packages)
        fs.add(f"{HERE}/guest/init", "init")
        fs.add(f"{HERE}/guest/vmtest.sh", "etc/vmtest.sh")
        insmod, rmmod = [], []
        modules = list(self.module)
        if self.axvcpu:
            modules.append(f"{TOP}/build/module/{release}/axvcpu.ko")
        for ko in modules:
            if not os.path.exists(ko):
                raise FileNotFoundError(
                    f"{ko} is not there; build it with: "
                    f"make module ARCH={self.arch} KERNEL={self.kernel}")
            fs.add(ko, "t/" + os.path.basename(ko))
            insmod.append(os.path.basename(ko))
            rmmod.insert(0, initramfs.module_name(ko))
        if self.root:
            fs.add(f"{HERE}/guest/root.sh", "etc/vmtest-root.sh")
        wanted = self.modprobe + self.with_modules + (ROOT_MODULES if self.root else [])
        if wanted:
            fs.modules(image, release, wanted)
        for item in self.payload:
            source, _, dest = item.partition(":")
            if not os.path.exists(source):
                raise FileNotFoundError(f"payload {source} is not there")
            default = "t" if os.path.isdir(source) else "t/" + os.path.basename(source)
            fs.add(source, dest or default)
        for dest, data in self.files.items():
            fs.write(dest, data, 0o755)
        conf = {
            "VMTEST_PORT": TEST_PORT[self.arch],
            "VMTEST_KERNEL": self.kernel,
            "VMTEST_CPU": self.cpu,
            "VMTEST_EMU": self.emu,
            "VMTEST_MODPROBE": " ".join(self.modprobe),
            "VMTEST_INSMOD": " ".join(insmod),
            "VMTEST_RMMOD": " ".join(rmmod),
            "VMTEST_PARAMS": self.params,
            "VMTEST_INTERACTIVE": "1" if self.interactive else "",
            "VMTEST_ROOT": " ".join(ROOT_MODULES) if self.root else "",
            "VMTEST_KMEMLEAK": "1" if self.kmemleak else "",
            "VMTEST_SIZE": terminal_size() if self.interactive else "",
        }
        fs.write("etc/vmtest.conf",
                 "".join(f"export {k}={shlex.quote(v)}\n" for k, v in conf.items()))
        fs.write("etc/script", ". /etc/vmtest.sh\n" + self.script + "\n")
        fs.save(path)

    def go(self):
        """Boot, wait for the end, and judge. If only an error of the emulator made the run
        fail, do so again. Returns whether the run is good."""
        good = self._go_once("w")
        for _ in range(EXCUSES):
            if good or not self.report.excusable() or self.emu != "qemu":
                break
            self.again.append(f"started once more, QEMU {self.report.erred}")
            good = self._go_once("a")
        return good

    def _go_once(self, mode):
        image = image_of(self.kernel, self.arch)
        release = release_of(self.kernel, self.arch)
        where = self.kernel, self.cpu, self.emu
        skips = [re.compile(text) for text in for_machine("skips", *where)]
        self.report = report.Report(self.name, self.allow, skips,
                                    for_machine("defects", *where))
        started = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="vmtest.") as work:
            m = self._machine(f"{image}/vmlinuz", f"{work}/initrd")
            self.build_initramfs(image, release, m.initrd)
            log = open(self.log, mode, encoding="utf-8") if self.log else None
            try:
                self._boot(m, work, lambda port, text: self._line(log, started, port, text))
            finally:
                if log:
                    log.close()
            if self.report.done is None:
                self._emulator_words(m.work)
        self.seconds = time.monotonic() - started
        return self.report.close(self.expect_tests)

    def _machine(self, kernel, initrd):
        m = emulator.Machine()
        m.arch, m.emu, m.cpu, m.smp = self.arch, self.emu, self.cpu, self.smp
        m.icount = self.icount
        # With 512 MiB there are no transparent huge pages.
        m.mem = self.mem or \
            (1024 if self.emu == "bochs" else 1536 if self.kernel in DEBUG_KERNELS else 2048)
        m.debug = self.kernel in DEBUG_KERNELS
        m.interactive = self.interactive
        m.append = self.append
        m.qemu_args = list(self.qemu_args)
        if self.root:
            # The image stays as it is.
            m.qemu_args += ["-drive", f"file={self.root},format=raw,if=virtio,snapshot=on"]
        m.trace = self.trace
        m.kernel, m.initrd = kernel, initrd
        return m

    def _boot(self, m, work, on_line):
        """Run the machine to its end. If it hangs before userspace, or its kernel reports
        something before, it is started once more: the module under test is loaded in
        userspace, so the emulator is at fault."""
        kind = "debug" if m.debug else self.emu
        trouble = self.report.kernel.trouble
        for last in (False, True):
            end = boot = None
            if not self.interactive:
                end = deadline(self.timeout or DEADLINE[kind])
                boot = deadline(BOOT[kind])
            m.work = tempfile.mkdtemp(dir=work)
            emu = emulator.Emulator(m)
            emu.run(end, on_line, boot and (lambda: 0 if trouble else boot()),
                    lambda: self.report.up is not None)
            if self.interactive or self.report.up is not None:
                if emu.out_of_time:
                    self.report.errors.append(f"not finished after {end():.0f} seconds")
                return
            if not emu.out_of_time and not trouble:
                return
            why = "a report of the kernel before userspace" if trouble else \
                f"no userspace after {boot():.0f} seconds"
            if last:
                self.report.errors.append(why)
                return
            self.again.append(f"{why}, started once more; "
                              f"{'it' if trouble else 'the last line'}: "
                              f"{trouble[0] if trouble else self.tail[-1:]}")
            trouble.clear()

    def _line(self, log, started, port, text):
        if port == "kernel":
            self.report.kernel_line(text)
        else:
            self.report.test_line(text)
        stamped = f"{time.monotonic() - started:7.2f} {'K' if port == 'kernel' else '|'} {text}"
        if log:
            print(stamped, file=log, flush=True)
        if self.interactive:
            return
        if port == "kernel":
            self.tail = self.tail[-40:] + [stamped]
        if self.verbose > (port == "kernel"):
            if not self.plain:
                print(stamped, flush=True)
            elif not text.startswith("@vmtest"):
                print(text, flush=True)

    def _emulator_words(self, work):
        for name in ("qemu.log", "bochs.log"):
            path = os.path.join(work, name)
            if os.path.exists(path):
                with open(path, encoding="utf-8", errors="replace") as f:
                    for line in f.read().strip().splitlines()[-5:]:
                        self.report.errors.append(f"{name[:-4]}: {line}")
