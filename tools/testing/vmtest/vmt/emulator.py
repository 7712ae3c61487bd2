# SPDX-License-Identifier: GPL-2.0
"""Starts an emulator, and hands on what comes out of its two serial ports, line by line."""

import os
import pty
import re
import select
import shutil
import signal
import subprocess
import termios
import threading
import time

DOWN = re.compile(r"reboot: (Power down|System halted|Restarting system)")

QEMU = {"x86": "qemu-system-x86_64", "arm64": "qemu-system-aarch64"}

# The serial ports: the kernel's console, and the port that the tests write to.
PORTS = ("kernel", "test")

# The usual CPU model for each back end of the module. QEMU does not emulate VMX.
CPUS = {("qemu", "svm"): "max", ("bochs", "svm"): "zambezi",
        ("bochs", "vmx"): "corei7_haswell_4770", ("qemu", "el2"): "neoverse-n1"}


def choose(arch, emu, backend, cpu):
    """Choose the emulator and the CPU model, if they are not given."""
    backend = backend or ("el2" if arch == "arm64" else "svm")
    emu = emu or ("bochs" if backend == "vmx" else "qemu")
    if (emu, backend) not in CPUS or (arch == "arm64") != (backend == "el2"):
        raise ValueError(f"{emu} has no {arch} CPU model for {backend}")
    return emu, cpu or CPUS[emu, backend]


class Machine:
    """The settings of a machine that is to be emulated."""

    arch = "x86"
    emu = None
    cpu = None
    smp = 1
    mem = 2048
    icount = False
    interactive = False
    kernel = None      # path of the kernel
    initrd = None      # path of a cpio archive
    append = ""        # more kernel command line
    debug = False      # a debug kernel: slower, and with its own parameters
    work = None        # a private, empty directory
    qemu_args = ()
    trace = None       # a file for what runs between two XCHG BX, BX, in Bochs


def command_line(m):
    """The kernel command line of a machine."""
    words = ["nokaslr", "panic=-1", "printk.devkmsg=on",
             "print-fatal-signals=1"]
    if m.arch == "x86":
        # The kernel's timer check panics if ten ticks do not come in time. That
        # happens in QEMU on a busy machine, and always in Bochs, which sets the
        # interrupt controller up differently.
        words += ["no_timer_check"]
    if m.emu == "bochs":
        # Bochs' Intel models claim more cores per package in CPUID leaf 4 than
        # logical processors in leaf 1, about which 6.12 warns. The self-tests of
        # the crypto library would take half of the boot's time.
        words += ["norandmaps", "clearcpuid=ht", "cryptomgr.notests"]
    if m.interactive:
        words += ["quiet"]
    if m.arch == "arm64" and m.icount:
        # Without a seed from outside, the random stack offset of every system
        # call is computed, which costs more than all the rest.
        words += ["randomize_kstack_offset=off"]
    if not m.debug:
        words += ["console=ttyAMA0" if m.arch == "arm64" else "console=ttyS0,115200"]
    else:
        # The serial console takes a sleeping lock wherever printk is called.
        # lockdep would report only that, and then turn itself off. The early
        # console takes no lock; the null console keeps the serial console from
        # registering.
        if m.arch == "arm64":
            words += ["earlycon=pl011,0x9000000", "keep_bootcon"]
        else:
            words += ["earlyprintk=serial,ttyS0,115200,keep"]
        # The watchdogs have to be patient: the emulator may be slow on a busy machine.
        words += ["console=null", "kasan_multi_shot", "rcupdate.rcu_cpu_stall_timeout=120",
                  "watchdog_thresh=60", "sysctl.kernel.hung_task_timeout_secs=300"]
        if m.arch == "x86":
            # possible_cpus: CPU masks are to have a second word. tsc: without ACPI
            # the TSC is the only clock that is good enough. no5lvl: identify_cpu()
            # clears the boot CPU's features for a moment; if an interrupt comes
            # then, KASAN assumes four levels of page tables, and would report every
            # access of a kernel with five.
            words += ["possible_cpus=72", "tsc=reliable", "no5lvl"]
    return " ".join(words + ([m.append] if m.append else []))


def qemu_x86(m):
    """QEMU's arguments for an x86 machine."""
    if m.icount and m.smp != 1:
        raise ValueError("counted instructions need --smp 1: more CPUs hang in QEMU")
    # One CPU per socket: the multiprocessor table, which a kernel without ACPI
    # uses, lists only one CPU of each socket.
    return ["-cpu", m.cpu, "-smp", f"cpus={m.smp},sockets={m.smp}"]


def qemu_arm64(m):
    """QEMU's arguments for an arm64 machine with EL2."""
    board, cpu = "virt,virtualization=on,gic-version=3", m.cpu
    if cpu == "max":
        # Emulating the standard cipher of pointer authentication would take most of the time.
        cpu += ",pauth-impdef=on,sve=off"
    cmd = ["-cpu", cpu, "-smp", str(m.smp)]
    if m.icount:
        # Let nothing random in: every run has to count the same.
        board += ",dtb-randomness=off"
        cmd += ["-rtc", "base=2026-01-01,clock=vm"]
    return cmd + ["-machine", board]


def qemu_command(m, fifos):
    """The command that runs a machine in QEMU."""
    cmd = [QEMU[m.arch]] + (qemu_arm64(m) if m.arch == "arm64" else qemu_x86(m))
    cmd += ["-accel", "tcg,thread=" + ("single" if m.icount else "multi"), "-m", f"{m.mem}M",
            "-display", "none", "-monitor", "none", "-no-reboot", "-nodefaults"]
    if m.icount:
        cmd += ["-icount", "shift=0,sleep=off"]
    if m.interactive:
        # signal=off: ^C goes to the machine.
        cmd += ["-chardev", "stdio,id=console,signal=off", "-serial", "chardev:console"]
    else:
        cmd += ["-serial", "file:" + fifos["kernel"]]
    if m.arch == "arm64":
        # The board has only one serial port for the normal world; the second is on PCI.
        cmd += ["-chardev", "file,id=test,path=" + fifos["test"],
                "-device", "pci-serial,chardev=test"]
    else:
        cmd += ["-serial", "file:" + fifos["test"]]
    cmd += ["-kernel", m.kernel, "-initrd", m.initrd, "-append", command_line(m)]
    return cmd + list(m.qemu_args)


BOCHSRC = """\
display_library: term
cpu: model={cpu}, count={smp}, ips=50000000, reset_on_triple_fault=0, ignore_bad_msrs=1
memory: guest={mem}, host={mem}
romimage: file=/usr/share/bochs/BIOS-bochs-latest, options=fastboot
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
pci: enabled=1, chipset=i440fx
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path={iso}, status=inserted
boot: cdrom
clock: sync=none, time0=946681200
log: {log}
panic: action=fatal{panics}
error: action=ignore
info: action=ignore
com1: enabled=1, mode=file, dev={kernel_fifo}
com2: enabled=1, mode=file, dev={test_fifo}
"""

ISOLINUX = """\
default linux
prompt 0
timeout 1
label linux
  kernel /vmlinuz
  append initrd=/initrd {append}
"""


def bochs_command(m, fifos):
    """The command that runs a machine in Bochs; makes its boot disk first."""
    if m.interactive or m.icount:
        raise ValueError("Bochs has neither an interactive console nor --icount here")
    iso = os.path.join(m.work, "iso")
    os.mkdir(iso)
    os.symlink(m.kernel, f"{iso}/vmlinuz")
    os.symlink(m.initrd, f"{iso}/initrd")
    os.symlink("/usr/lib/ISOLINUX/isolinux.bin", f"{iso}/isolinux.bin")
    os.symlink("/usr/lib/syslinux/modules/bios/ldlinux.c32", f"{iso}/ldlinux.c32")
    with open(f"{iso}/isolinux.cfg", "w", encoding="utf-8") as f:
        f.write(ISOLINUX.format(append=command_line(m)))
    # Making the image changes isolinux.bin: use a copy.
    os.remove(f"{iso}/isolinux.bin")
    shutil.copy("/usr/lib/ISOLINUX/isolinux.bin", iso)
    subprocess.run(["xorriso", "-report_about", "SORRY", "-as", "mkisofs", "-quiet", "-f",
                    "-o", f"{m.work}/boot.iso", "-b", "isolinux.bin", "-c", "boot.cat",
                    "-no-emul-boot", "-boot-load-size", "4", "-boot-info-table", iso],
                   check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with open(f"{m.work}/bochsrc", "w", encoding="utf-8") as f:
        # Bochs panics at a triple fault, even at a guest's, before it looks for the
        # intercept of the shutdown. So panics of CPUs are only reported.
        panics = "".join(f", cpu{i}=report" for i in range(m.smp))
        f.write(BOCHSRC.format(cpu=m.cpu, smp=m.smp, mem=m.mem, panics=panics,
                               iso=f"{m.work}/boot.iso", log=f"{m.work}/bochs.log",
                               kernel_fifo=fifos["kernel"], test_fifo=fifos["test"]))
    # This Bochs has a debugger, which waits for a command before it starts the machine.
    with open(f"{m.work}/bochs.rc", "w", encoding="utf-8") as f:
        # The debugger also stops when a guest shuts down; the machine has to go on.
        f.write(("continue\ntrace on\ncontinue\ntrace off\n" if m.trace else "continue\n") * 1000 +
                "quit\n")
    if m.trace:
        with open(f"{m.work}/bochsrc", "a", encoding="utf-8") as f:
            f.write("magic_break: enabled=1\n")
    return ["bochs", "-q", "-f", f"{m.work}/bochsrc", "-unlock", "-rc", f"{m.work}/bochs.rc"] + \
        (["-dbglog", m.trace] if m.trace else [])


class Emulator:
    """A running emulator."""

    def __init__(self, machine):
        self.machine = machine
        self.fifos = {}
        self.reading = {}
        for port in PORTS:
            path = os.path.join(machine.work, port + ".fifo")
            os.mkfifo(path)
            self.fifos[port] = path
            if port == "kernel" and machine.interactive:
                continue
            # Non-blocking, so that open() does not wait for the other end.
            self.reading[os.open(path, os.O_RDONLY | os.O_NONBLOCK)] = port
        self.process = None
        self.screen = None
        self.terminal = None
        self.out_of_time = False

    def run(self, deadline, on_line, boot=None, is_up=None):
        """Run until the machine powers off, or deadline() seconds have passed, or until it
        has run for boot() seconds and is_up() is false. deadline and boot may be None.

        on_line(port, text) is called for every line."""
        m = self.machine
        make = bochs_command if m.emu == "bochs" else qemu_command
        # The emulator is killed when this process ends, even when this process is killed.
        cmd = ["setpriv", "--pdeathsig", "KILL"] + make(m, self.fifos)
        # We open the FIFOs for writing, too: otherwise we would read end-of-file
        # before the emulator has opened them.
        keep = [os.open(p, os.O_WRONLY) for n, p in self.fifos.items()
                if not (n == "kernel" and m.interactive)]
        if m.emu == "bochs":
            pid, self.screen = pty.fork()
            if pid == 0:
                os.environ["TERM"] = "linux"
                os.execvp(cmd[0], cmd)
            self.process = _Child(pid)
            threading.Thread(target=_drain_bochs, args=(self.screen,), daemon=True).start()
        elif m.interactive:
            # QEMU makes the terminal raw, and restores it, unless QEMU is killed.
            self.terminal = termios.tcgetattr(0)
            self.process = subprocess.Popen(cmd)
        else:
            with open(f"{m.work}/qemu.log", "wb") as log:
                self.process = subprocess.Popen(cmd, stdin=subprocess.DEVNULL,
                                                stdout=log, stderr=log, start_new_session=True)
        try:
            self._pump(deadline, on_line, boot, is_up)
        finally:
            self.kill()
            for fd in keep + list(self.reading):
                os.close(fd)

    def _pump(self, deadline, on_line, boot, is_up):
        started = time.monotonic()
        rest = {port: b"" for port in PORTS}
        last_words = None
        while True:
            ready, _, _ = select.select(list(self.reading), [], [], 0.5)
            for fd in ready:
                port = self.reading[fd]
                rest[port] += os.read(fd, 65536)
                *lines, rest[port] = rest[port].split(b"\n")
                for line in lines:
                    text = line.decode(errors="replace").rstrip("\r")
                    on_line(port, text)
                    if port == "kernel" and DOWN.search(text):
                        # A machine without power-off stays: give it three seconds.
                        last_words = time.monotonic() + 3
            if last_words and time.monotonic() > last_words:
                return
            if not ready and self.process.poll() is not None:
                for port, last in rest.items():
                    if last:
                        on_line(port, last.decode(errors="replace"))
                return
            seconds = time.monotonic() - started
            if deadline and seconds > deadline() or boot and seconds > boot() and not is_up():
                self.out_of_time = True
                return

    def kill(self):
        """End the emulator if it has not ended."""
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.terminal:
            termios.tcsetattr(0, termios.TCSADRAIN, self.terminal)


class _Child:
    """The part of Popen that is needed here, for a child made by pty.fork()."""

    def __init__(self, pid):
        self.pid = pid
        self.code = None

    def poll(self):
        if self.code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
        return self.code

    def kill(self):
        os.kill(self.pid, signal.SIGKILL)

    def wait(self):
        if self.code is None:
            self.code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])


def _drain(fd):
    try:
        while os.read(fd, 65536):
            pass
    except OSError:
        pass


def _drain_bochs(fd):
    """Read and drop what Bochs prints, and its text screen, which goes to another terminal
    that its output names. Otherwise that terminal's buffer would be full after some minutes,
    and Bochs would stand still."""
    said = b""
    screen = None
    try:
        while screen is None:
            data = os.read(fd, 65536)
            if not data:
                return
            said += data
            screen = re.search(rb'connected to screen "([^"]+)"', said)
    except OSError:
        return
    threading.Thread(target=_drain_terminal, args=(screen.group(1),), daemon=True).start()
    _drain(fd)


def _drain_terminal(path):
    fd = os.open(path, os.O_RDONLY | os.O_NOCTTY)
    _drain(fd)
    os.close(fd)
