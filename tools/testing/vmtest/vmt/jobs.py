# SPDX-License-Identifier: GPL-2.0
"""Jobs that need one another, and a scheduler that runs several at a time."""

import os
import re
import subprocess
import sys
import threading
import time
import traceback

from . import run as vmtest

TOP = vmtest.TOP
LOGS = os.path.join(TOP, "build/check")


class Job:
    """Something to run, and its result."""

    def __init__(self, name, needs, action, help_text, long=False):
        self.name = name
        self.long = long  # only for make check-long
        self.needs = needs
        self.action = action
        self.help = help_text
        self.passed = 0
        self.failures = []
        self.skipped = []
        self.known = []
        self.again = []
        self.state = "waiting"
        self.seconds = 0

    def log(self):
        """The file that the job's output goes to."""
        return os.path.join(LOGS, self.name + ".log")

    def run(self):
        """Run the job in the calling thread."""
        started = time.monotonic()
        try:
            self.action(self)
        except Exception as e:  # pylint: disable=broad-except
            # All exceptions: if one ended this thread, others would wait for the job for ever.
            self.failures.append(f"{type(e).__name__}: {e}")
            self.failures += ["  " + line.rstrip() for line in traceback.format_tb(e.__traceback__)]
        self.seconds = time.monotonic() - started
        self.state = "failed" if self.failures else "passed"

    def command(self, *argv, timeout=None, **env):
        """Run a command, and log its output. Returns the output; after a failure None."""
        environ = dict(os.environ, **env)
        # A make that is run here must not use the jobserver of the make that called check.
        for name in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES"):
            environ.pop(name, None)
        with open(self.log(), "ab") as log:
            at = log.tell()
            try:
                code = subprocess.run(argv, cwd=TOP, stdin=subprocess.DEVNULL, stdout=log,
                                      stderr=log, env=environ, timeout=timeout,
                                      check=False).returncode
            except subprocess.TimeoutExpired:
                code = f"none after {timeout} seconds"
        with open(self.log(), encoding="utf-8", errors="replace") as log:
            log.seek(at)
            text = log.read()
        if code:
            hints = [line for line in text.splitlines()
                     if re.search(r"\berror\b|warning:|^not ok|\*\*\*", line, re.I)]
            self.failures.append(f"{' '.join(argv)}: exit code {code}")
            self.failures += ["  " + line for line in (hints or text.splitlines()[-5:])[:10]]
            return None
        return text

    def boot(self, **settings):
        """Boot a machine, and add its results to the job's."""
        run = vmtest.Run(name=self.name, log=self.log(), **settings)
        run.go()
        self.passed += run.report.passed
        self.failures += run.report.failures
        self.skipped += run.report.skipped
        self.known += run.report.known
        self.again += run.again
        if run.report.failures and not run.report.passed:
            self.failures += ["  " + line for line in run.tail[-10:]]
        return run


class Scheduler:
    """Runs jobs, as many at a time as there are workers."""

    def __init__(self, jobs, workers):
        self.jobs = jobs
        self.by_name = {job.name: job for job in jobs}
        self.workers = workers
        self.changed = threading.Condition()
        self.started = time.monotonic()

    def _next(self):
        for job in self.jobs:
            if job.state != "waiting":
                continue
            needs = [self.by_name[n] for n in job.needs if n in self.by_name]
            broken = [n.name for n in needs if n.state == "failed"]
            if broken:
                job.failures.append(f"cannot run: {', '.join(broken)} failed")
                job.state = "failed"
                self._tell(job)
                return self._next()
            if all(n.state == "passed" for n in needs):
                job.state = "running"
                return job
        return None

    def _worker(self):
        while True:
            with self.changed:
                job = self._next()
                while job is None:
                    if not any(j.state in ("waiting", "running") for j in self.jobs):
                        self.changed.notify_all()
                        return
                    self.changed.wait()
                    job = self._next()
            self._say(f"begin   {job.name}: {job.help}")
            job.run()
            with self.changed:
                self._tell(job)
                self.changed.notify_all()

    def _say(self, text):
        seconds = int(time.monotonic() - self.started)
        # One write for the whole line: print() would write the end of the line separately.
        sys.stdout.write(f"[{seconds // 60:2d}:{seconds % 60:02d}] {text}\n")
        sys.stdout.flush()

    def _tell(self, job):
        verdict = "FAILED" if job.failures else "ok    "
        skipped = f", {len(job.skipped)} skipped" if job.skipped else ""
        known = f", {len(job.known)} known" if job.known else ""
        self._say(f"{verdict}  {job.name}: {job.passed} passed{skipped}{known}, "
                  f"{job.seconds:.0f} s")
        for text in job.failures[:20]:
            self._say(f"          {text}")

    def run(self):
        """Run everything; true when nothing failed."""
        threads = [threading.Thread(target=self._worker) for _ in range(self.workers)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        return not any(job.failures for job in self.jobs)


def select(jobs, patterns, long):
    """Select jobs: those of make check, with long all jobs; with patterns only those whose
    name is a pattern or begins with one. Jobs that they need are added."""
    by_name = {job.name: job for job in jobs}
    wanted = set()

    def want(job):
        if job.name not in wanted:
            wanted.add(job.name)
            for need in job.needs:
                want(by_name[need])
    for pattern in patterns:
        found = [job for job in jobs if job.name == pattern or
                 (job.name.startswith(pattern + "-") and (long or not job.long))]
        if not found:
            sys.exit(f"check: no job is called {pattern}; --list shows them")
        for job in found:
            want(job)
    if not patterns:
        for job in jobs:
            if long or not job.long:
                want(job)
    return [job for job in jobs if job.name in wanted]
