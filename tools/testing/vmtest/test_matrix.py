#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Tests that the jobs of make check fit together: each needs the jobs that build what it
boots, and together they cover what the comments in vmt/matrix.py say."""

import itertools
import os
import re
import subprocess
import sys
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
import vmt.run
from vmt import matrix
from vmt.jobs import Job, select

JOBS = {job.name: job for job in matrix.all_jobs()}


def needed(job):
    """The names of all jobs that a job needs, and its own."""
    return {j.name for j in select(list(JOBS.values()), [job.name], True)}


class Recorder(Job):
    """A job that notes what it would boot and run, instead of doing so."""

    def __init__(self, job):
        super().__init__(job.name, job.needs, job.action, job.help, job.long)
        self.boots = []
        self.commands = []

    def command(self, *argv, timeout=None, **env):
        self.commands.append(argv)

    def boot(self, **settings):
        # A setting that does not exist raises an exception.
        self.boots.append(vmt.run.Run(name=self.name, log=self.log(), **settings))


def record(job):
    """Run a job's action, without the programs that it would call."""
    r = Recorder(job)
    with unittest.mock.patch.object(matrix, "selftest_payload", lambda tools="tools": [tools]), \
         unittest.mock.patch.object(vmt.run, "release_of", lambda flavour, arch="x86": flavour), \
         unittest.mock.patch.object(vmt.run, "image_of", lambda flavour, arch="x86": flavour), \
         unittest.mock.patch.object(vmt.run, "guest_initramfs", lambda *args: None), \
         unittest.mock.patch.object(os, "makedirs"), unittest.mock.patch.object(os, "symlink"), \
         unittest.mock.patch.object(subprocess, "run") as run:
        run.return_value.stdout = "/somewhere"
        job.action(r)
    return r


class Jobs(unittest.TestCase):
    """All jobs."""

    def test_names(self):
        """Each job has a name of its own, and a help text."""
        names = [job.name for job in matrix.all_jobs()]
        self.assertEqual(sorted(set(names)), sorted(names))
        self.assertTrue(all(job.help for job in JOBS.values()))

    def test_needs(self):
        """Each needed job exists, and no job needs itself."""
        for job in JOBS.values():
            for need in job.needs:
                self.assertIn(need, JOBS, job.name)
                self.assertNotIn(job.name, needed(JOBS[need]))

    def test_boots(self):
        """A job needs the jobs that build the module and the programs that it boots with."""
        booted = 0
        for job in JOBS.values():
            if job.name == "readme":
                continue  # builds programs of its own, which it looks for afterwards
            for run in record(job).boots:
                booted += 1
                arch = "" if run.arch == "x86" else run.arch + "-"
                payload = " ".join(run.payload)
                if run.axvcpu or "axvcpu.ko" in payload:
                    self.assertIn(f"{arch}build-{run.kernel}", needed(job), job.name)
                if "tools" in payload:
                    self.assertIn(f"{arch}tools", needed(job), job.name)
                if run.axvcpu or run.expect_tests:
                    self.assertTrue(run.script, job.name)
        self.assertGreater(booted, 40)

    def test_patience(self):
        """A program with a deadline of its own gets a longer one on a busy machine."""
        with unittest.mock.patch.dict(os.environ, AXV_TIMEOUT_SCALE="1000"):
            run = record(JOBS["selftests-debug-max-2"]).boots[0]
        seconds = int(re.search(r"SECONDS_EACH=(\d+)", run.script).group(1))
        self.assertGreaterEqual(seconds, 600000)


class Coverage(unittest.TestCase):
    """Which machines the selftests run on."""

    def test_pairs(self):
        """Every pair of kernel, CPU and number of CPUs is in some job of make check-long."""
        rows = matrix.SELFTESTS + matrix.SELFTESTS_LONG
        values = [sorted({row[i] for row in rows}) for i in range(3)]
        for i, k in itertools.combinations(range(3), 2):
            missing = set(itertools.product(values[i], values[k])) - \
                {(row[i], row[k]) for row in rows}
            # The debug kernel on one CPU is not worth a job.
            self.assertLessEqual(missing, {("debug", 1)})

    def test_moved(self):
        """The programs that run once more, moved or in search of races, exist."""
        for arch, programs in (("x86", matrix.MOVED + matrix.RACES),
                               ("arm64", matrix.MOVED_ARM64)):
            names = subprocess.run(
                ["make", "-s", "-C", f"{vmt.run.TOP}/tools/testing/selftests/axvcpu",
                 f"ARCH={arch}", "list"], check=True, stdout=subprocess.PIPE,
                text=True).stdout.split()
            self.assertLessEqual(set(programs), set(names))


class Scripts(unittest.TestCase):
    """The files of scripts/."""

    def test_variables(self):
        """A script gets its variables with the values that were given."""
        text = vmt.run.script("soak", SECONDS_EACH=1, SPACE="a b", QUOTE="it's", NUMBER=3)
        said = subprocess.run(["sh", "-c", "t() { echo \"$SPACE|$QUOTE|$NUMBER\"; }\n" + text],
                              check=True, stdout=subprocess.PIPE, text=True).stdout
        self.assertEqual(said, "a b|it's|3\n")

    def test_used(self):
        """Each script is used, and each that is used exists."""
        used = set()
        for name in ("bench", "demo", "vmt/matrix.py"):
            with open(os.path.join(vmt.run.HERE, name), encoding="utf-8") as f:
                used |= set(re.findall(r'\b(?:script\(|kvm_qemu\("[\w.-]+", )"([\w-]+)"', f.read()))
        there = {os.path.splitext(name)[0] for name in os.listdir(f"{vmt.run.HERE}/scripts")}
        self.assertEqual(used, there)


class Judging(unittest.TestCase):
    """How the output of jobs that boot no machine is judged."""

    def setUp(self):
        self.job = Job("test", [], None, "")

    def verdict(self):
        """How many passed and failed."""
        return self.job.passed, len(self.job.failures)

    def test_silence(self):
        """A warning fails a build; nothing is added to one that has failed already."""
        matrix.only_silence(self.job, "  CC  a.o\n")
        self.assertEqual(self.verdict(), (1, 0))
        matrix.only_silence(self.job, "a.c:1: Warning: no\n")
        self.assertEqual(self.verdict(), (1, 1))
        matrix.only_silence(self.job, None)
        self.assertEqual(self.verdict(), (1, 1))

    def test_tap(self):
        """The TAP of several programs is counted; no TAP at all is a failure."""
        good = "TAP version 13\n1..2\nok 1 a\nok 2 b\n"
        matrix.judge_tap(self.job, "unit", good + good)
        self.assertEqual(self.verdict(), (4, 0))
        matrix.judge_tap(self.job, "unit", good + "TAP version 13\n1..2\nok 1 a\nnot ok 2 b\n")
        self.assertEqual(self.verdict(), (7, 1))
        matrix.judge_tap(self.job, "unit", "TAP version 13\n1..2\nok 1 a\n")
        self.assertEqual(self.verdict(), (8, 2))
        matrix.judge_tap(self.job, "unit", "Segmentation fault\n")
        self.assertEqual(self.verdict(), (8, 3))


class KvmSelftests(unittest.TestCase):
    """What is expected of KVM's selftests."""

    def test_lines(self):
        """Each test is there once, with known words, and a reason unless it passes on axvcpu."""
        seen = set()
        with open(f"{matrix.HERE}/kvm-selftests/expect", encoding="utf-8") as f:
            lines = [line.split(None, 4) for line in f if line.strip() and line[0] != "#"]
        for test, run, kvm, here, *why in lines:
            name = test.split(",")[0]
            self.assertNotIn(name, seen)
            seen.add(name)
            self.assertIn(run, ("short", "long", "never"), test)
            words = ("-",) if run == "never" else ("pass", "skip", "fail", "cut")
            self.assertIn(kvm, words, test)
            self.assertIn(here, words, test)
            self.assertEqual(bool(why), here != "pass", test)


if __name__ == "__main__":
    unittest.main()
