#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Tests that every kind of failure in a machine's output is found, and of what make bench
prints."""

import base64
import gzip
import importlib.machinery
import importlib.util
import os
import re
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import vmt.emulator
import vmt.run
from vmt import profile
from vmt.report import Report

GOOD = """\
@vmtest up 6.1.0
@vmtest test alpha
TAP version 13
1..2
ok 1 first
ok 2 second
@vmtest exit alpha 0
@vmtest done 0
"""


def judge(test_lines, kernel_lines="", skips=(), defects=(), expect_tests=True):
    """Make the Report on a made-up run."""
    r = Report("test", skips=[re.compile(s) for s in skips], defects=defects)
    for line in kernel_lines.splitlines():
        r.kernel_line(line)
    for line in test_lines.splitlines():
        r.test_line(line)
    r.close(expect_tests)
    return r


HOST_RIP = """\
@vmtest up 6.1.0
@vmtest module 0xffffffffc0220000 90112
@vmtest command guest
axvmm: CPU 1: rip 0xffffffffc022%s: (unreadable)
@vmtest exit guest 1
@vmtest done 0
"""

HOST_RIP_IN_SCRIPT = """\
@vmtest up 6.1.0
@vmtest module 0xffffffffc0220000 90112
TAP version 13
1..2
axvmm: CPU 0: rip 0xffffffffc022a052: (unreadable)
not ok 1 axvmm ends with 0 when the guest powers off
ok 2 the guest's kernel complains
@vmtest done 0
"""

INJECT = """\
@vmtest up 6.1.0
@vmtest test inject
TAP version 13
1..2
ok 1 first
# inject: vector 0x44 interrupts 0x9a040, where interrupts are off
# /a/b.c:12:second:Expected 1 (1) == n (2)
not ok 2 second
@vmtest exit inject 1
@vmtest done 0
"""


def load_bench():
    """Load the program bench, a file without a suffix, as a module."""
    path = os.path.join(os.path.dirname(os.path.realpath(__file__)), "bench")
    loader = importlib.machinery.SourceFileLoader("bench", path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("bench", loader))
    loader.exec_module(module)
    return module


class EmulatorErred(unittest.TestCase):
    """Failures that only the emulator can cause."""

    def test_rip_of_the_module(self):
        """A guest's RIP in the module is the emulator's error; the run fails all the same."""
        r = judge(HOST_RIP % "a052")
        self.assertTrue(r.failures)
        self.assertIn("rip 0xffffffffc022a052", r.erred)

    def test_rip_behind_the_module(self):
        """A RIP at the module's first byte is the emulator's error, one behind its last is not."""
        self.assertTrue(judge(HOST_RIP % "0000").erred)
        r = judge((HOST_RIP % "a052").replace("90112", str(0xa052)))
        self.assertTrue(r.failures)
        self.assertIsNone(r.erred)

    def test_no_module(self):
        """If no module was loaded, no RIP is inside it."""
        text = (HOST_RIP % "a052").replace("@vmtest module", "# module")
        self.assertIsNone(judge(text).erred)

    def test_shutdown_of_a_guest(self):
        """A guest's shutdown excuses the script's failure, but not another program's."""
        text = ("@vmtest up 6.1.0\nTAP version 13\n1..2\nok 1 serves\n"
                "# axvmm: the guest's processor shut down (triple fault)\n"
                "# axvmm: CPU 0: rip 0x474abf2: mov [rbx-0x04], r10b\n"
                "not ok 2 a guest starts\n@vmtest done 1\n")
        self.assertTrue(judge(text).excusable())
        self.assertFalse(judge(text.replace("axvmm: the guest's", "")).excusable())
        other = "@vmtest test b\n1..1\nnot ok 1 c\n@vmtest exit b 1\n@vmtest done 1\n"
        self.assertFalse(judge(text.replace("@vmtest done 1\n", other)).excusable())

    def test_second_delivery_of_the_emulator(self):
        """The selftest inject sees an interrupt where interrupts are off."""
        twice = "# inject: vector 0x44 interrupts 0x9a040, where interrupts are off\n"
        self.assertIn("0x9a040", judge(twice).erred)
        self.assertIsNone(judge("# inject: vector 0x44\n").erred)

    def test_excusable(self):
        """A run is excusable if only programs in which QEMU erred failed, or checks of the
        script whose guest has died."""
        self.assertTrue(judge(HOST_RIP % "a052").excusable())
        self.assertTrue(judge(HOST_RIP_IN_SCRIPT).excusable())
        self.assertTrue(judge(INJECT).excusable())
        both = INJECT.replace("@vmtest done 0\n", "") + "".join(
            (HOST_RIP % "a052").splitlines(True)[1:])
        self.assertTrue(judge(both).excusable())

    def test_not_excusable(self):
        """A run in which anything else fails is not excusable."""
        for text in (HOST_RIP % "a052", HOST_RIP_IN_SCRIPT, INJECT):
            other = "@vmtest test alpha\n1..1\nnot ok 1 first\n@vmtest exit alpha 1\n"
            for bad in (text.replace("@vmtest done 0\n", ""),
                        text.replace("@vmtest done", other + "@vmtest done"),
                        text.replace("@vmtest done 0", "@vmtest fail rmmod axvcpu\n@vmtest done 1"),
                        text.replace("@vmtest done", "unreferenced object 0xff\n@vmtest done")):
                self.assertFalse(judge(bad).excusable(), bad)
            self.assertFalse(judge(text, "[ 1.0] BUG: KASAN: x").excusable())
        self.assertFalse(judge(GOOD).excusable())
        self.assertFalse(judge(GOOD.replace("ok 2", "not ok 2")).excusable())

    @staticmethod
    def go(emu, *outputs):
        """Run on an emulator that prints one of the outputs each time. Returns whether the run
        is good, the run, and its log."""
        left = list(outputs)

        class Fake:
            """Stands for the emulator."""

            def __init__(self, _machine):
                self.out_of_time = False

            @staticmethod
            def run(_deadline, on_line, _boot, _is_up):
                """Print the next output."""
                for text in left.pop(0).splitlines():
                    on_line("test", text)

        with tempfile.TemporaryDirectory() as work, \
             unittest.mock.patch.multiple(
                 "vmt.run", image_of=unittest.mock.DEFAULT, release_of=unittest.mock.DEFAULT), \
             unittest.mock.patch("vmt.run.Run.build_initramfs"), \
             unittest.mock.patch("vmt.emulator.Emulator", Fake):
            run = vmt.run.Run(emu=emu, expect_tests=True, log=f"{work}/log")
            good = run.go()
            with open(run.log, encoding="utf-8") as f:
                return good, run, f.read()

    def test_repeated(self):
        """An excusable run is repeated three times at most, and its log has all of them."""
        for errs, repeats, passes in ((1, 1, True), (3, 3, True), (4, 3, False)):
            good, run, log = self.go("qemu", *[INJECT] * errs, GOOD)
            self.assertEqual((good, len(run.again)), (passes, repeats))
            self.assertEqual(log.count("interrupts are off"), errs)
            self.assertIn("ok 2 second", log)

    def test_not_repeated(self):
        """A run in which another program fails, too, is not repeated, nor is any in Bochs."""
        other = INJECT.replace("@vmtest done", "@vmtest command b\n@vmtest exit b 1\n@vmtest done")
        for emu, text in (("qemu", other), ("bochs", INJECT)):
            good, run, _ = self.go(emu, text, GOOD)
            self.assertEqual((good, run.again), (False, []))


class Goals(unittest.TestCase):
    """What make bench prints about its goals."""

    @staticmethod
    def rows(bench, **axvcpu):
        """Rows as compare() makes them, from KVM's instructions and these of axvcpu."""
        kvm = {"empty_ioctl": 1000, "exit_out": 4000, "exit_mmio": 4000, "exit_cpuid": 3000,
               "take_page_1": 5000, "linux_boot": 1000, "threads_by_futex": 4000,
               "ipi_and_back": 16000}
        times = {name: {"kvm": (count,) * 3} for name, count in kvm.items()}
        rows = [{"name": name, "kvm": kvm[name], "axvcpu": count,
                 "floor": bench.floor_of(name, times)} for name, count in axvcpu.items()]
        bench.set_goals(rows, {"exit_out": 1350})
        return rows

    def test_misses(self):
        """A figure above its goal is named, one at its goal is not."""
        bench = load_bench()
        met = {"empty_ioctl": 1100, "exit_out": 1350, "exit_mmio": 2000, "exit_cpuid": 1000,
               "take_page_1": 5000, "linux_boot": 800, "ipi_and_back": 8000}
        self.assertEqual(bench.misses(self.rows(bench, **met)), [])
        for name, goal in list(met.items())[1:]:
            missed = self.rows(bench, **{**met, name: goal + 1})
            self.assertEqual(bench.misses(missed), [(name, goal + 1, goal)])

    def test_alone(self):
        """A row without a counterpart of KVM may have a goal, too."""
        bench = load_bench()
        times = {"exit_hypercall": {"axvcpu": (2500, 2500, 2500)}, "other": {"axvcpu": (9, 9, 9)}}
        rows = bench.alone_rows(times, ["exit_hypercall", "other", "absent"],
                                {"exit_hypercall": 1950})
        self.assertEqual(bench.misses(rows), [("exit_hypercall", 2500, 1950)])


class Boots(unittest.TestCase):
    """Which figure make bench takes as the cost of a Linux guest's boot."""

    LOG = """\
  1.00 | bench kvm empty_ioctl 600 600 700
  1.00 | busy kvm linux_boot 4000
  1.00 | bench kvm linux_boot 9000 9000 9000
  1.00 | bench axvcpu empty_ioctl 600 600 700
  1.00 | bench kvm halt_and_wake 5000 5000 5000
  1.00 | bench axvcpu halt_and_wake 3000 3000 3000
  1.00 | bench kvm thread_woken 1000 1000 1000
  1.00 | bench axvcpu thread_woken 1100 1100 1100
  1.00 | busy axvcpu linux_boot 3000
  1.00 | bench axvcpu linux_boot 8000 8000 8000
"""

    def rows(self, costs):
        """The rows of this log."""
        bench = load_bench()
        with tempfile.NamedTemporaryFile("w", encoding="utf-8") as f:
            f.write(self.LOG)
            f.flush()
            rows = bench.compare(*bench.parse_times(f.name), costs)
        return {row["name"]: row for row in rows}

    def boot(self, costs):
        """The row of the boot."""
        return self.rows(costs)["linux_boot"]

    def test_floor(self):
        """The floor, what the host takes for two threads, is subtracted, and not judged."""
        rows = self.rows({})
        self.assertEqual(rows["halt_and_wake"]["overhead_ratio"], 0.5)
        self.assertIsNone(rows["thread_woken"]["overhead_ratio"])

    def test_counted(self):
        """The figure is the number of instructions, if the plugin has counted them."""
        row = self.boot({"linux_boot": {"kvm": {"instructions": 2000.0, "vmrun": 7.0},
                                        "axvcpu": {"instructions": 1000.0, "vmrun": 6.0}}})
        self.assertEqual((row["kvm"], row["axvcpu"]), (2000, 1000))
        self.assertEqual(row["costs"]["kvm"], {"vmrun": 7.0})

    def test_bochs(self):
        """Without a plugin it is the CPU time, and not the ticks, which include idle time."""
        row = self.boot({})
        self.assertEqual((row["kvm"], row["axvcpu"]), (4000, 3000))
        self.assertEqual(row["ticks"], {"kvm": 9000, "axvcpu": 8000})


class Profiles(unittest.TestCase):
    """What make bench prints about the functions on a path."""

    KVM = """\
ffffffff81000000 T ioctl
ffffffff81000010 t __pfx__raw_spin_lock
ffffffff81000020 T _raw_spin_lock
ffffffff81000040 D jiffies
ffffffffc0000000 t run\t[kvm]
ffffffffc0000100 t other\t[ccp]
"""

    # At the address where KVM's module was before.
    AXVCPU = "ffffffffc0000000 t axv_run\t[axvcpu]\n"

    COUNTS = """\
path exit_out 0 1
path first_touch 4 0
path exit_mmio 0 2
path linux_boot 0 0
at kvm exit_out 10000 1
at kvm exit_out 401000 5
at kvm exit_out ffffffff81000004 3
at kvm exit_out ffffffffc0000000 2
at kvm exit_out ffffffffc00000ff 2
at kvm exit_out ffffffffc0000100 7
at axvcpu exit_out ffffffffc0000000 1
at axvcpu exit_out ffffffff81000020 2
at axvcpu exit_out ffffffff81000024 2
at axvcpu exit_out ffffffff81000010 4
from axvcpu exit_out ffffffff81000020 ffffffffc0000004 1
from axvcpu exit_out ffffffff81000020 ffffffff81000008 1
from axvcpu exit_out ffffffff81000024 ffffffff81000020 1
from axvcpu exit_out ffffffff81000000 401000 1
at axvcpu first_touch ffffffff81000000 10
at axvcpu first_touch ffffffffc0000000 8
at axvcpu run ffffffff81000000 10
at axvcpu run ffffffffc0000000 4
from axvcpu first_touch ffffffff81000020 ffffffffc0000004 5
from axvcpu run ffffffff81000020 ffffffffc0000004 1
at axvcpu exit_mmio ffffffffc0000000 3
"""

    def setUp(self):
        symbols = {"kvm": profile.Symbols("kvm", self.KVM),
                   "axvcpu": profile.Symbols(
                       "axvcpu", "\n".join(line for line in self.KVM.splitlines()
                                           if "[" not in line), self.AXVCPU)}
        self.found = profile.profile(*profile.parse_profile(self.COUNTS.splitlines()), symbols)

    def functions(self, path, side):
        """The functions of a path."""
        return self.found[path][side]["functions"]

    def test_places(self):
        """Instructions are in the guest, the program, the kernel or KVM's module; other modules
        count as kernel."""
        self.assertEqual(self.functions("exit_out", "kvm"), {
            ("guest", "the guest"): 1, ("program", "the program"): 5, ("kernel", "ioctl"): 3,
            ("module", "run"): 4, ("kernel", "other"): 7})

    def test_sides(self):
        """Each side has its own module at the same address; padding is no function."""
        self.assertEqual(self.functions("exit_out", "axvcpu"), {
            ("module", "axv_run"): 1, ("kernel", "_raw_spin_lock"): 4, ("kernel", "ioctl"): 4})

    def test_units(self):
        """If many are done in a run, the run is subtracted first; then their number divides."""
        self.assertEqual(self.functions("first_touch", "axvcpu"), {("module", "axv_run"): 1})
        self.assertEqual(self.functions("exit_mmio", "axvcpu"), {("module", "axv_run"): 1.5})

    def test_locks(self):
        """A lock is counted when its function is entered at its start, by the caller."""
        self.assertEqual(self.found["exit_out"]["axvcpu"]["locks"], {
            (("module", "axv_run"), "_raw_spin_lock"): 1,
            (("kernel", "ioctl"), "_raw_spin_lock"): 1})
        self.assertEqual(profile.module_locks(self.found["exit_out"]["axvcpu"]), 1)
        self.assertEqual(self.found["first_touch"]["axvcpu"]["locks"], {
            (("module", "axv_run"), "_raw_spin_lock"): 1})
        self.assertEqual(self.found["exit_out"]["kvm"]["locks"], {})

    def test_lock_names(self):
        """A function that takes a lock is counted; one that releases or checks it is not."""
        for name in ("_raw_spin_lock_irqsave", "_raw_read_lock", "mutex_lock_killable",
                     "down_read", "down_write_killable", "_raw_spin_trylock"):
            self.assertTrue(profile.LOCK.match(name), name)
        for name in ("_raw_spin_unlock", "mutex_unlock", "up_read", "mutex_is_locked",
                     "_raw_spin_unlock_irqrestore", "download", "axv_down_read"):
            self.assertFalse(profile.LOCK.match(name), name)

    def test_not_measured(self):
        """A path that was not run is left out; a line that is no count is an error."""
        self.assertNotIn("linux_boot", self.found)
        with self.assertRaises(ValueError):
            profile.parse_profile(["cost kvm exit_out wrmsr 1"])

    def test_text(self):
        """Both sides are printed with sums; functions that do not fit are summed up."""
        text = "\n".join(profile.text("exit_out", self.found["exit_out"]))
        self.assertIn("KVM    20.0: module 4.0, kernel 10.0, program 5.0, guest 1.0", text)
        self.assertRegex(text, r"(?m)^ +7\.0   other +4\.0   _raw_spin_lock$")
        self.assertRegex(text, r"(?m)^ +1\.0 \* axv_run: _raw_spin_lock$")
        many = {("kernel", f"f{i:03}"): 2 for i in range(profile.SHOWN + 3)}
        self.assertEqual(profile.column(many)[-1], "       6.0   in 3 more")

    # Bochs' trace: a marker of a side, then rounds of 4, 1 and 3 instructions of path 1.
    TRACE = """\
trace on
(0).[100] [0x0000013ff000] 0033:0000000000401000 (unk. ctxt): nop {0} ; 0f1f84000010bea5
(0).[101] [0x0000013ff008] 0033:0000000000401008 (unk. ctxt): xchg bx, bx  ; 6687db
trace off
(0).[200] [0x0000013ff100] 0033:0000000000401100 (unk. ctxt): nop {0} ; 0f1f84000100bea5
(0).[201] [0x0000013ff108] 0033:0000000000401108 (unk. ctxt): syscall  ; 0f05
(0).[202] [0x000001000000] 0010:ffffffff81000000 (unk. ctxt): push rax  ; 50
(0).[203] [0x000001000001] 0010:ffffffff81000001 (unk. ctxt): push rbx  ; 53
(0).[204] [0x000001000002] 0010:ffffffff81000002 (unk. ctxt): push rcx  ; 51
(0).[204] [0x0000013ff10a] 0033:000000000040110a (unk. ctxt): nop {0} ; 0f1f8400ffffbea5
(0).[205] [0x0000013ff112] 0033:0000000000401112 (unk. ctxt): xchg bx, bx  ; 6687db
(0).[300] [0x0000013ff100] 0033:0000000000401100 (unk. ctxt): nop {0} ; 0f1f84000100bea5
(0).[301] [0x0000013ff108] 0033:0000000000401108 (unk. ctxt): syscall  ; 0f05
(0).[302] [0x0000013ff10a] 0033:000000000040110a (unk. ctxt): nop {0} ; 0f1f8400ffffbea5
(0).[400] [0x0000013ff100] 0033:0000000000401100 (unk. ctxt): nop {0} ; 0f1f84000100bea5
(0).[401] [0x0000013ff108] 0033:0000000000401108 (unk. ctxt): syscall  ; 0f05
(0).[402] [0x000001000000] 0010:ffffffff81000020 (unk. ctxt): push rax  ; 50
(0).[403] [0x000001000001] 0010:ffffffff81000021 (unk. ctxt): vmwrite rbx, rax ; 0f79d8
(0).[403] [0x0000013ff10a] 0033:000000000040110a (unk. ctxt): nop {0} ; 0f1f8400ffffbea5
"""

    def test_trace(self):
        """Of Bochs' trace the median of the rounds between markers is used, with callers."""
        names = profile.parse_paths(["1.00 | path 0 empty_ioctl 0 1\n", "1 | path 1 exit_out 0 1\n",
                                     "1.01 | path 9 run 0 0\n"])
        shape, paths = profile.parse_trace(self.TRACE.splitlines(), names)
        self.assertEqual(shape, {"empty_ioctl": (0, 1), "exit_out": (0, 1)})
        self.assertEqual(list(paths), [("kvm", "exit_out")])
        path = paths["kvm", "exit_out"]
        self.assertEqual(path.executed, {0x401108: 1, 0xffffffff81000020: 1,
                                         0xffffffff81000021: 1})
        self.assertEqual(path.entered, {(0xffffffff81000020, 0x401108): 1})
        self.assertEqual(path.costly, {"vmwrite": 1})

    def test_costly(self):
        """Costly instructions of a trace are those of the plugin, and VMX's."""
        for kind, text, code in (
                ("wrmsr", "wrmsr", "0f30"), ("vmresume", "vmlaunch", "0f01c2"),
                ("locked", "lock cmpxchg dword ptr ds:[rdi], edx", "f00fb117"),
                ("locked", "xchg qword ptr ds:[rdi], rax", "488707"), (None, "xchg bx, bx", "6687db"),
                ("cr_write", "mov cr3, rax", "0f22d8"), ("cr_read", "mov rax, cr3", "0f20d8"),
                ("dr_write", "mov dr7, rax", "0f23f8"), ("dr_read", "mov rax, dr6", "0f21f0"),
                ("xsave", "xsaveopt ptr ds:[rdi]", "480fae37"), ("verw", "verw word ptr [rip]", "0f00"),
                (None, "mov rax, rcx", "4889c8"), (None, "vmcall", "0f01c1"), (None, "hlt", "f4")):
            self.assertEqual(profile.costly(text, code), kind, text)

    def test_symbols(self):
        """Symbols are read from a log, where they are packed and cut into lines."""
        packed = base64.b64encode(gzip.compress(self.KVM.encode())).decode()
        lines = [f"  1.00 | symbols kvm {packed[i:i + 76]}\n" for i in range(0, len(packed), 76)]
        self.assertEqual(profile.parse_symbols(["0.1 K x\n", *lines, "2.0 | bench kvm a 1 1 1\n"]),
                         {"kvm": self.KVM})


class Verdicts(unittest.TestCase):
    """Good runs pass, and each kind of failure is found."""

    def fails(self, test_lines, kernel_lines="", **args):
        """Check that the run does not pass."""
        r = judge(test_lines, kernel_lines, **args)
        self.assertTrue(r.failures)
        return r

    def test_good(self):
        """A good run passes, and its tests are counted."""
        r = judge(GOOD, "[    1.0] Linux version 6.1\n[    1.1] axvcpu: loaded")
        self.assertEqual(r.failures, [])
        self.assertEqual(r.passed, 2)

    def test_kernel_trouble(self):
        """One line of any of these kinds in the kernel's log fails the run."""
        for line in (
                "BUG: KASAN: slab-use-after-free in axv_vcpu_run+0x1/0x2",
                "WARNING: CPU: 0 PID: 1 at drivers/virt/axvcpu/state.c:1 f+0x1/0x2",
                "WARNING: possible circular locking dependency detected",
                "WARNING: suspicious RCU usage",
                "UBSAN: shift-out-of-bounds in a.c:1:2",
                "BUG: sleeping function called from invalid context at a.c:1",
                "BUG: scheduling while atomic: x/1/0x2",
                "[ BUG: Invalid wait context ]",
                "watchdog: BUG: soft lockup - CPU#0 stuck for 22s!",
                "rcu: INFO: rcu_preempt self-detected stall on CPU",
                "general protection fault, probably for non-canonical address",
                "unchecked MSR access error: RDMSR from 0x1",
                "INFO: task x:1 blocked for more than 120 seconds.",
                "Kernel panic - not syncing: x",
                "Internal error: synchronous external abort: 0000000096000210 [#1] SMP",
                "SError Interrupt on CPU0, code 0x00000000bf000002 -- SError",
                "Insufficient stack space to handle exception!",
                "selftest: potentially unexpected fatal signal 11.",
                "kmemleak: 1 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
                "list_add corruption. prev->next should be next",
                "refcount_t: underflow; use-after-free.",
                "ODEBUG: free active (active state 0) object type: timer_list"):
            with self.subTest(line):
                self.fails(GOOD, "[    1.0] " + line)

    def test_leak_in_listing(self):
        """kmemleak's listing comes on the tests' port."""
        self.fails(GOOD.replace("@vmtest done", "unreferenced object 0xff (size 8):\n@vmtest done"))

    def test_not_ok(self):
        """A test fails, although the program's exit code is 0."""
        self.fails(GOOD.replace("ok 2", "not ok 2"))

    def test_plan(self):
        """A program prints fewer or more results than planned."""
        self.fails(GOOD.replace("ok 2 second\n", ""))
        self.fails(GOOD.replace("1..2", "1..1"))

    def test_exit_code(self):
        """All tests pass, but the program's exit code is not 0."""
        self.fails(GOOD.replace("exit alpha 0", "exit alpha 139"))

    def test_never_ended(self):
        """A program never ends."""
        self.fails("@vmtest up 6.1.0\n@vmtest test alpha\n1..1\nok 1 x\n")

    def test_no_end(self):
        """The machine stops in the middle."""
        self.fails(GOOD.replace("@vmtest done 0\n", ""))

    def test_no_boot(self):
        """The machine never comes up."""
        self.fails("")

    def test_script_code(self):
        """The script itself fails."""
        self.fails(GOOD.replace("done 0", "done 3"))

    def test_no_tests(self):
        """A run has no test."""
        self.fails("@vmtest up 6.1.0\n@vmtest done 0\n")
        self.fails("@vmtest up 6.1.0\n@vmtest test a\n@vmtest exit a 0\n@vmtest done 0\n")

    def test_failed_step(self):
        """A module cannot be loaded."""
        self.fails("@vmtest up 6.1.0\n@vmtest fail insmod axvcpu.ko\n@vmtest done 1\n")

    def test_skip(self):
        """A skip must be on the list."""
        text = GOOD.replace("ok 2 second", "ok 2 second # SKIP no hugepages")
        self.fails(text)
        r = judge(text, skips=["alpha: second"])
        self.assertEqual(r.failures, [])
        self.assertEqual((r.passed, len(r.skipped)), (1, 1))
        self.fails("@vmtest up 6\n@vmtest test a\n1..0 # SKIP no\n@vmtest exit a 4\n@vmtest done 0\n")

    def test_expected_failure(self):
        """A program does not excuse its own failures: only the list of defects does."""
        for excuse in ("TODO later", "XFAIL not here"):
            self.fails(GOOD.replace("ok 2 second", f"not ok 2 second # {excuse}"))
        # ksft_test_result_xfail() prints a failure so.
        self.fails(GOOD.replace("ok 2 second", "ok 2 # XFAIL second"))

    def test_defect(self):
        """An assertion on the list of defects must fail, and no other."""
        where = "# /a/b.c:12:second:"
        bad = GOOD.replace("ok 2", where + "Expected 5ull (5) == cr2 (7)\nnot ok 2")
        bad = bad.replace("exit alpha 0", "exit alpha 1")
        known = ["alpha: second: Expected 5ull .* == cr2 "]
        self.fails(bad)
        r = judge(bad, defects=known)
        self.assertEqual((r.failures, r.passed, len(r.known)), ([], 1, 1))
        self.assertEqual(judge(bad.replace("done 0", "done 1"), defects=known).failures, [])
        self.fails(bad.replace("done 0", "done 3"), defects=known)
        self.fails(GOOD, defects=known)
        self.fails(bad.replace("cr2", "cr3"), defects=known)
        self.fails(bad.replace("not ok", where + "Expected 1 (1) == 2 (2)\nnot ok"), defects=known)
        self.fails(bad, defects=known + ["alpha: second: Expected 1 .* == 2 "])
        self.fails(bad.replace(where + "Expected 5ull (5) == cr2 (7)\n", ""), defects=known)
        self.fails(bad.replace("ok 1 first", "not ok 1 first"), defects=known)

    def test_why(self):
        """A failure is followed by its assertion's message."""
        bad = GOOD.replace("ok 2", "# /a/b.c:12:second:Expected 1 (1) == n (2)\nnot ok 2")
        self.assertEqual(judge(bad).failures[:2],
                         ["alpha: second", "  Expected 1 (1) == n (2)"])

    def test_nested(self):
        """In KTAP, cases are counted, but not the suites that they belong to."""
        text = ("@vmtest up 6\n@vmtest test k\nKTAP version 1\n1..1\n    KTAP version 1\n"
                "    # Subtest: s\n    1..2\n    ok 1 a\n    {} 2 b\n# s: pass:2\n{} 1 s\n"
                "@vmtest exit k 0\n@vmtest done 0\n")
        r = judge(text.format("ok", "ok"))
        self.assertEqual((r.passed, r.failures), (2, []))
        self.fails(text.format("not ok", "not ok"))
        # A suite can fail in its own right.
        self.fails(text.format("ok", "not ok"))
        self.fails(text.format("ok", "ok").replace("    ok 2 b\n", ""))

    def test_cut_line(self):
        """A program dies in the middle of a line."""
        self.fails(GOOD.replace("ok 2 second\n@vmtest exit alpha 0", "ok @vmtest exit alpha 137"))

    def test_announced(self):
        """An announced warning does not fail the run; another report, or its absence, does."""
        warn = ("vmtest: expect nesting.c\n------------[ cut here ]------------\n"
                "WARNING: CPU: 0 PID: 1 at nesting.c:1 f+0x1/0x2\nCall Trace:\n"
                "---[ end trace 0 ]---\nvmtest: expected\n")
        self.assertEqual(judge(GOOD, warn).failures, [])
        self.fails(GOOD, warn.replace("at nesting.c", "at other.c"))
        self.fails(GOOD, warn.replace("WARNING", "BUG: KASAN: x WARNING"))
        self.fails(GOOD, warn + "WARNING: CPU: 0 PID: 1 at nesting.c:1 f+0x1/0x2")
        self.fails(GOOD, warn.replace("Call", "WARNING: CPU: 0 PID: 1 at other.c:1\nCall"))
        self.fails(GOOD, "vmtest: expect nesting.c\nvmtest: expected\n")

    def test_races(self):
        """A race of KCSAN's is a failure where the module is in one of the stacks, which the
        first line need not say; the kernel's own are none."""
        ours = ("=" * 66 + "\nBUG: KCSAN: data-race in axv_a [axvcpu] / b\n\n"
                "write to 0xf0 of 8 bytes by task 7 on cpu 1:\n axv_a+0x1/0x2 [axvcpu]\n"
                "read to 0xf0 of 8 bytes by task 8 on cpu 0:\n b+0x1/0x2\n c+0x1/0x2\n" +
                "=" * 66 + "\n")
        kernels = ours.replace("axv_a [axvcpu]", "a").replace("axv_a+0x1/0x2 [axvcpu]", "a+0x1/0x2")
        self.assertEqual(judge(GOOD, ours).failures,
                         ["kernel log: BUG: KCSAN: data-race in axv_a [axvcpu] / b"])
        self.assertEqual(judge(GOOD, kernels).failures, [])
        self.fails(GOOD, kernels.replace(" c+0x1/0x2", " c+0x1/0x2 [axvcpu]"))
        self.fails(GOOD, "vmtest: expect x\nx\n" + ours + "vmtest: expected\n")
        # A function that an interrupt has interrupted has no part in the race; the interrupt's own
        # functions have.
        irq = " asm_sysvec_apic_timer_interrupt+0x1/0x2\n axv_c+0x1/0x2 [axvcpu]\n"
        self.assertEqual(judge(GOOD, kernels.replace("read", irq + "read")).failures, [])
        self.fails(GOOD, kernels.replace("read", irq + "read").replace(" c+", " axv_c [axvcpu]+"))
        self.fails(GOOD, kernels.replace(" c+", " axv_d+0x1/0x2 [axvcpu]\n" + irq + " c+"))
        # Nor has a function of the module that has asked the kernel for a page.
        page = " handle_mm_fault+0x1/0x2\n get_user_pages_unlocked+0x1/0x2\n axv_d [axvcpu]+\n"
        self.assertEqual(judge(GOOD, kernels.replace("read", page + "read")).failures, [])
        # What follows a report is no part of it, and what is in between counts.
        self.assertEqual(judge(GOOD, kernels + "axvcpu: x [axvcpu]\n").failures, [])
        self.fails(GOOD, kernels.replace("write", "BUG: KASAN: x\nwrite"))


class Hangs(unittest.TestCase):
    """Only a machine that hangs or reports something before userspace is started once more."""

    def boot(self, *outputs):
        """Run on an emulator that prints one of the outputs each time, and then hangs unless
        the output has the end marker. Returns how often it was started, and the run."""
        left = list(outputs)

        class Fake:
            """Stands for the emulator."""

            def __init__(self, machine):
                self.out_of_time = False
                self.text = left.pop(0)
                assert os.path.isdir(machine.work)

            def run(self, _deadline, on_line, _boot, _is_up):
                """Print the output."""
                for text in self.text.splitlines():
                    on_line("test" if text[0] == "@" or "ok" in text else "kernel", text)
                self.out_of_time = "@vmtest done" not in self.text

        run = vmt.run.Run(name="test")
        run.report = Report("test")
        with tempfile.TemporaryDirectory() as work, \
             unittest.mock.patch("vmt.emulator.Emulator", Fake):
            run._boot(vmt.emulator.Machine(), work,  # pylint: disable=protected-access
                      lambda port, text: run._line(None, 0, port, text))
        run.report.close(True)
        return len(outputs) - len(left), run

    def test_early(self):
        """A machine that hangs early is started once more, which is told; twice is a failure."""
        times, run = self.boot("Linux version 6\n", GOOD)
        self.assertEqual((times, run.report.failures, len(run.again)), (2, [], 1))
        times, run = self.boot("Linux version 6\n", "Linux version 6\n", GOOD)
        self.assertEqual(times, 2)
        self.assertTrue(run.report.failures)

    def test_reports(self):
        """A machine whose kernel reports something early is started once more; a second report
        is a failure."""
        for text in ("BUG: something\n", "BUG: something\n@vmtest done 0\n"):
            times, run = self.boot(text, GOOD)
            self.assertEqual((times, run.report.failures, len(run.again)), (2, [], 1))
            self.assertIn("BUG: something", run.again[0])
            times, run = self.boot(text, text, GOOD)
            self.assertEqual(times, 2)
            self.assertTrue(any("BUG: something" in f for f in run.report.failures))

    def test_not_early(self):
        """A hang or a report in userspace is a failure at once."""
        for text in ("@vmtest up 6\n@vmtest test a\n",
                     "@vmtest up 6\nBUG: something\n@vmtest done 0\n"):
            times, run = self.boot(text, GOOD)
            self.assertEqual(times, 1)
            self.assertTrue(run.report.failures)

    def test_busy(self):
        """A deadline is longer if the host was busy at any time before it."""
        end = vmt.run.deadline(10)
        with unittest.mock.patch("vmt.run.patience", side_effect=[1.0, 3.0, 2.0]):
            self.assertEqual([end(), end(), end()], [10.0, 30.0, 30.0])

    def test_talkative(self):
        """A machine that never stops printing has deadlines, too."""
        class Process:
            """Runs for ever."""

            @staticmethod
            def poll():
                """Say that it has not ended."""

        emu = vmt.emulator.Emulator.__new__(vmt.emulator.Emulator)
        reading, writing = os.pipe()
        emu.machine, emu.process, emu.out_of_time = vmt.emulator.Machine(), Process, False
        emu.reading = {reading: "kernel"}

        def line(_port, _text):
            os.write(writing, b"again\n")

        os.write(writing, b"again\n")
        emu._pump(None, line, lambda: 0.1, lambda: False)  # pylint: disable=protected-access
        self.assertTrue(emu.out_of_time)
        os.close(reading)
        os.close(writing)

    def test_good(self):
        """A machine that ends is not started again."""
        times, run = self.boot(GOOD, GOOD)
        self.assertEqual((times, run.report.failures, run.again), (1, [], []))


if __name__ == "__main__":
    unittest.main()
