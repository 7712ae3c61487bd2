#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What reads the machine's output must see every kind of failure in it."""

import os
import re
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True

from vmt.report import Report  # pylint: disable=wrong-import-position

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
    """The Report on a made-up run."""
    r = Report("test", skips=[re.compile(s) for s in skips], defects=defects)
    for line in kernel_lines.splitlines():
        r.kernel_line(line)
    for line in test_lines.splitlines():
        r.test_line(line)
    r.close(expect_tests)
    return r


class Verdicts(unittest.TestCase):
    """Good runs pass, each defect is found."""

    def fails(self, test_lines, kernel_lines="", **args):
        """The run must not pass."""
        r = judge(test_lines, kernel_lines, **args)
        self.assertTrue(r.failures)
        return r

    def test_good(self):
        """A good run, counted."""
        r = judge(GOOD, "[    1.0] Linux version 6.1\n[    1.1] axvcpu: loaded")
        self.assertEqual(r.failures, [])
        self.assertEqual(r.passed, 2)

    def test_kernel_trouble(self):
        """One line of each kind in the kernel's log is enough."""
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
        """A failed result, although the program says 0."""
        self.fails(GOOD.replace("ok 2", "not ok 2"))

    def test_plan(self):
        """A program that stops early, or says too much."""
        self.fails(GOOD.replace("ok 2 second\n", ""))
        self.fails(GOOD.replace("1..2", "1..1"))

    def test_exit_code(self):
        """All results good, but the program says otherwise."""
        self.fails(GOOD.replace("exit alpha 0", "exit alpha 139"))

    def test_never_ended(self):
        """A program that hangs."""
        self.fails("@vmtest up 6.1.0\n@vmtest test alpha\n1..1\nok 1 x\n")

    def test_no_end(self):
        """The machine stopped in the middle."""
        self.fails(GOOD.replace("@vmtest done 0\n", ""))

    def test_no_boot(self):
        """The machine never came up."""
        self.fails("")

    def test_script_code(self):
        """The script itself failed."""
        self.fails(GOOD.replace("done 0", "done 3"))

    def test_no_tests(self):
        """A run without any test."""
        self.fails("@vmtest up 6.1.0\n@vmtest done 0\n")
        self.fails("@vmtest up 6.1.0\n@vmtest test a\n@vmtest exit a 0\n@vmtest done 0\n")

    def test_failed_step(self):
        """A module that cannot be loaded."""
        self.fails("@vmtest up 6.1.0\n@vmtest fail insmod axvcpu.ko\n@vmtest done 1\n")

    def test_skip(self):
        """A skip must be on the list."""
        text = GOOD.replace("ok 2 second", "ok 2 second # SKIP no hugepages")
        self.fails(text)
        r = judge(text, skips=["alpha: second"])
        self.assertEqual(r.failures, [])
        self.assertEqual((r.passed, len(r.skipped)), (1, 1))
        self.fails("@vmtest up 6\n@vmtest test a\n1..0 # SKIP no\n@vmtest exit a 4\n@vmtest done 0\n")

    def test_defect(self):
        """The assertion that an emulator makes fail must fail, and no other."""
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

    def test_nested(self):
        """KTAP: suites are not counted beside their cases; a failing case is."""
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
        """A program that dies in the middle of a line."""
        self.fails(GOOD.replace("ok 2 second\n@vmtest exit alpha 0", "ok @vmtest exit alpha 137"))

    def test_announced(self):
        """An announced warning is none; a different report, or its absence, is one."""
        warn = ("vmtest: expect nesting.c\n------------[ cut here ]------------\n"
                "WARNING: CPU: 0 PID: 1 at nesting.c:1 f+0x1/0x2\nCall Trace:\n"
                "---[ end trace 0 ]---\nvmtest: expected\n")
        self.assertEqual(judge(GOOD, warn).failures, [])
        self.fails(GOOD, warn.replace("at nesting.c", "at other.c"))
        self.fails(GOOD, warn.replace("WARNING", "BUG: KASAN: x WARNING"))
        self.fails(GOOD, warn + "WARNING: CPU: 0 PID: 1 at nesting.c:1 f+0x1/0x2")
        self.fails(GOOD, warn.replace("Call", "WARNING: CPU: 0 PID: 1 at other.c:1\nCall"))
        self.fails(GOOD, "vmtest: expect nesting.c\nvmtest: expected\n")


if __name__ == "__main__":
    unittest.main()
