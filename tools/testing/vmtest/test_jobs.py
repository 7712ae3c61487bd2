#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Tests that make check runs the jobs that it should, each when the jobs that it needs have
passed, and that a job that goes wrong in any way fails."""

import contextlib
import io
import os
import sys
import tempfile
import threading
import unittest
import unittest.mock

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
sys.dont_write_bytecode = True

# pylint: disable=wrong-import-position
from vmt.jobs import Job, Scheduler, select

# Seconds after which a test that waits for another thread has failed.
HANG = 60


def good(job):
    """A job that passes."""
    job.passed += 1


def bad(job):
    """A job that fails."""
    job.failures.append("it is broken")


class Order(unittest.TestCase):
    """Which jobs run, and when."""

    def run_all(self, workers, *jobs):
        """Run jobs, given as (name, needs, action). Returns {name: job}, the names in the
        order in which they ran, and the verdict."""
        ran = []

        def noted(action):
            def act(job):
                ran.append(job.name)
                action(job)
            return act
        todo = [Job(name, needs, noted(action), "") for name, needs, action in jobs]
        verdict = []

        def schedule():
            with contextlib.redirect_stdout(io.StringIO()):
                verdict.append(Scheduler(todo, workers).run())
        thread = threading.Thread(target=schedule, daemon=True)
        thread.start()
        thread.join(HANG)
        self.assertFalse(thread.is_alive(), "the scheduler hangs")
        return {job.name: job for job in todo}, ran, verdict[0]

    def test_needs(self):
        """A job runs after the jobs that it needs, wherever it is in the list."""
        for workers in (1, 2, 4):
            _, ran, verdict = self.run_all(workers, ("boot", ["build", "tools"], good),
                                           ("build", ["fetch"], good), ("tools", [], good),
                                           ("fetch", [], good))
            self.assertTrue(verdict)
            self.assertEqual(sorted(ran), ["boot", "build", "fetch", "tools"])
            self.assertEqual(ran[-1], "boot")
            self.assertLess(ran.index("fetch"), ran.index("build"))

    def test_broken_need(self):
        """A job that needs a failed job fails without being run, and so do those that need it."""
        jobs, ran, verdict = self.run_all(2, ("boot", ["build"], good), ("again", ["boot"], good),
                                          ("build", [], bad), ("other", [], good))
        self.assertFalse(verdict)
        self.assertEqual(sorted(ran), ["build", "other"])
        self.assertEqual(jobs["build"].failures, ["it is broken"])
        self.assertEqual(jobs["boot"].failures, ["cannot run: build failed"])
        self.assertEqual(jobs["again"].failures, ["cannot run: boot failed"])
        self.assertEqual((jobs["other"].state, jobs["other"].passed), ("passed", 1))

    def test_unselected_need(self):
        """A needed job that was not selected is assumed to have been done."""
        _, ran, verdict = self.run_all(1, ("boot", ["build"], good))
        self.assertEqual((ran, verdict), (["boot"], True))

    def test_at_once(self):
        """As many jobs run at once as there are workers, and no more."""
        together = threading.Barrier(2)
        lock, now, most = threading.Lock(), [0], [0]

        def meet(job):
            with lock:
                now[0] += 1
                most[0] = max(most[0], now[0])
            together.wait(HANG)
            with lock:
                now[0] -= 1
            good(job)
        _, ran, verdict = self.run_all(2, *[(name, [], meet) for name in "abcd"])
        self.assertTrue(verdict)
        self.assertEqual((sorted(ran), most[0]), (list("abcd"), 2))

    def test_exceptions(self):
        """An exception makes its job fail, and stops nothing else."""
        def raises(what):
            def action(_job):
                raise what
            return action
        for what in (OSError("no such file"), ValueError("odd"), AttributeError("None has none"),
                     KeyError("x")):
            jobs, ran, verdict = self.run_all(1, ("a", [], raises(what)), ("b", ["a"], good),
                                              ("c", [], good))
            self.assertFalse(verdict)
            self.assertEqual(ran, ["a", "c"])
            self.assertTrue(jobs["a"].failures)
            self.assertEqual(jobs["b"].failures, ["cannot run: a failed"])


class Commands(unittest.TestCase):
    """The commands that a job runs."""

    def command(self, text, **more):
        """Run a shell command in a job. Returns the job, and what command() returned."""
        job = Job("test", [], None, "")
        with tempfile.TemporaryDirectory() as logs, unittest.mock.patch("vmt.jobs.LOGS", logs):
            return job, job.command("sh", "-c", text, **more)

    def test_good(self):
        """command() returns the output of both streams."""
        job, text = self.command("echo out; echo err >&2")
        self.assertEqual((sorted(text.split()), job.failures), (["err", "out"], []))

    def test_bad(self):
        """An exit code other than 0 is a failure; lines that may be the reason are added."""
        job, text = self.command("echo begin; echo 'x.c:1: error: no'; echo end; exit 3")
        self.assertIsNone(text)
        self.assertIn("exit code 3", job.failures[0])
        self.assertEqual(job.failures[1:], ["  x.c:1: error: no"])

    def test_late(self):
        """A command that hangs is ended, and counts as failed."""
        job, text = self.command("exec sleep 1000", timeout=0.1)
        self.assertIsNone(text)
        self.assertIn("none after", job.failures[0])

    def test_make(self):
        """A make that a job calls does not get the -j of the make that called check."""
        with unittest.mock.patch.dict(os.environ, MAKEFLAGS="-j77", MAKELEVEL="3"):
            _, text = self.command("echo [$MAKEFLAGS$MAKELEVEL$MORE]", MORE="more")
        self.assertEqual(text, "[more]\n")


class Selection(unittest.TestCase):
    """Which jobs are selected."""

    def setUp(self):
        self.jobs = [Job("build", [], None, ""), Job("build-rt", [], None, "", long=True),
                     Job("boot-rt", ["build-rt"], None, ""),
                     Job("boot-max", ["build"], None, "", long=True)]

    def names(self, patterns, long=False):
        """The names of the selected jobs."""
        return [job.name for job in select(self.jobs, patterns, long)]

    def test_short(self):
        """make check runs the jobs that are not long, and those that they need."""
        self.assertEqual(self.names([]), ["build", "build-rt", "boot-rt"])

    def test_long(self):
        """make check-long runs everything."""
        self.assertEqual(len(self.names([], True)), 4)

    def test_named(self):
        """A name selects its job even if it is long; the beginning of names only short ones."""
        self.assertEqual(self.names(["boot-max"]), ["build", "boot-max"])
        self.assertEqual(self.names(["boot"]), ["build-rt", "boot-rt"])
        self.assertEqual(self.names(["boot"], True), ["build", "build-rt", "boot-rt", "boot-max"])

    def test_unknown(self):
        """A name that no job has is an error."""
        with self.assertRaises(SystemExit):
            self.names(["nothing"])


if __name__ == "__main__":
    unittest.main()
