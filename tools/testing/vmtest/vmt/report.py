# SPDX-License-Identifier: GPL-2.0
"""Judges a run by the output of the machine's two serial ports."""

import re

# What a healthy kernel never prints. Each pattern matches in one line of the kernel log.
TROUBLE = re.compile(
    r"BUG:|kernel BUG at|WARNING:|KASAN:|KFENCE:|UBSAN:|ODEBUG:|Oops:|\bOops\b"
    r"|general protection fault|double fault:|divide error:|invalid opcode:|stack segment:"
    r"|int3:|traps: PANIC|Kernel panic|Unable to handle|unable to handle"
    r"|INFO: possible|INFO: inconsistent|INFO: trying to register non-static"
    r"|INFO: task .* blocked for more than|INFO: rcu|rcu: INFO:|self-detected stall"
    r"|detected stalls|soft lockup|hard LOCKUP|suspicious RCU usage|DEBUG_LOCKS_WARN_ON"
    r"|possible recursive locking|held lock freed|bad unlock balance"
    r"|lock held when returning to user space|turning off the locking correctness validator"
    r"|list_(add|del) corruption|refcount_t:|Bad page|bad page|Bad rss-counter|non-zero pgtables"
    r"|sleeping function called from invalid|scheduling while atomic|Voluntary context switch"
    r"|unreferenced object|new suspected memory leaks|Call Trace:|cut here|end trace"
    r"|segfault at|Out of memory|unchecked MSR access|Unexpected reboot|triple fault"
    # arm64's words
    r"|Internal error:|Call trace:|SError Interrupt|Bad mode in|HYP panic"
    r"|Insufficient stack space to handle exception|synchronous external abort"
    r"|potentially unexpected fatal signal (4|11)\b"
    r"|NMI: IOCK|NMI watchdog: Watchdog detected|stack guard page|corrupted stack"
)

# Lines that TROUBLE matches, but that healthy kernels print in these emulators; nothing of
# ours can cause them.
HARMLESS = re.compile(
    r"Spectre V2 :|Register File Data Sampling|RETBleed:|\*\*.*NOTICE|NOTICE NOTICE"
    r"|TAA:|MDS:|MMIO Stale Data|Speculative Return Stack Overflow:"
)

# A test that provokes a report of the kernel announces it in the log:
#   vmtest: expect TEXT
#   ... reports, of which at least one contains TEXT ...
#   vmtest: expected
EXPECT = re.compile(r"vmtest: expect (.+?)\s*$")
EXPECT_END = re.compile(r"vmtest: expected\b")

# How a report of KCSAN begins and ends, and each of the two stacks in it; the mark behind the
# module's functions in a stack; and functions whose callers, further down in the stack, have no
# part in the race: they were interrupted, or have faulted, or asked the kernel for a page.
RACE = re.compile(r"BUG: KCSAN:")
RACE_END = re.compile(r"={60}")
RACE_STACK = re.compile(r" bytes by ")
OURS = "[axvcpu]"
BELOW = re.compile(r"\b(asm_(sysvec|exc|common)_\w+|el1h_64_\w+|handle_mm_fault)\+0x")

RESULT = re.compile(r"^(\s*)(not )?ok (\d+)\b[ -]*(.*)$")
# A failed assertion of the kselftest harness: file, line, test, message.
COMPLAINT = re.compile(r"^# \S+?:\d+:\w+:(Expected .*)$")
PLAN = re.compile(r"^(\s*)1\.\.(\d+)(?:\s*#\s*(SKIP.*))?\s*$", re.I)


class KernelLog:
    """Looks for trouble in a kernel log, line by line."""

    def __init__(self, allow=()):
        self.trouble = []
        self.allow = [re.compile(a) for a in allow]
        self.race = None  # the first line of a report of KCSAN without OURS so far
        self.counts = True  # a function of the stack that is being read counts
        self.expecting = None
        self.met = False

    def line(self, text):
        """Take one line."""
        m = EXPECT.search(text)
        if m:
            self.close()
            self.expecting, self.met = m.group(1), False
            return
        if EXPECT_END.search(text):
            self.close()
            return
        if self._race(text):
            return
        if self.expecting is not None:
            if self.expecting in text:
                self.met = True
            # An announced report is a WARNING and the lines that belong to it. Reports of
            # other checkers fail the run even then.
            elif "WARNING:" in text:
                self.trouble.append(text.strip())
            if not re.search(r"KASAN:|UBSAN:|INFO: (possible|inconsistent)|suspicious RCU|Oops"
                             r"|kernel BUG at|Kernel panic|unreferenced object", text):
                return
        if TROUBLE.search(text) and not HARMLESS.search(text):
            self._note(text)

    def _note(self, text):
        if not any(a.search(text) for a in self.allow):
            self.trouble.append(text.strip())

    def _race(self, text):
        """Take a line that may belong to a report of KCSAN. Returns whether the report begins
        with it. The kernel has races of its own, so a report counts only if one of its stacks
        has a function of the module above the line that BELOW matches."""
        first = RACE.search(text) is not None
        if first:
            self.race = text
        elif RACE_END.search(text):
            self.race = None
        if first or RACE_STACK.search(text):
            self.counts = True
        elif BELOW.search(text):
            self.counts = False
        if self.race and self.counts and OURS in text:
            self._note(self.race)
            self.race = None
        return first

    def close(self):
        """To be called when the log, or an announced report, ends."""
        if self.expecting is not None and not self.met:
            self.trouble.append(f"announced in the log, but never came: {self.expecting}")
        self.expecting = None


class Tap:
    """Counts the results of one test program: TAP 13 and KTAP with nesting."""

    def __init__(self, name, speaks_tap=True):
        self.name = name
        self.speaks_tap = speaks_tap
        self.results = []  # [indent, ok, description, skipped, is_parent, complaints]
        self.complaints = []  # of the test that is running
        self.plans = {}    # indent -> [planned, seen] of the innermost open plan
        self.errors = []
        self.whole_skip = None

    def line(self, text):
        """Take one line; anything that is not TAP is ignored."""
        m = PLAN.match(text)
        if m:
            indent = len(m.group(1).expandtabs())
            if m.group(3) and int(m.group(2)) == 0:
                self.whole_skip = m.group(3)
            self._check_plan(indent)
            seen = 0
            if indent == 0 and 0 not in self.plans:
                # TAP allows the plan after the results.
                seen = sum(1 for r in self.results if r[0] == 0)
            self.plans[indent] = [int(m.group(2)), seen]
            return
        m = COMPLAINT.match(text)
        if m:
            self.complaints.append(m.group(1))
            return
        m = RESULT.match(text)
        if not m:
            return
        indent = len(m.group(1).expandtabs())
        desc = m.group(4)
        parent = bool(self.results) and self.results[-1][0] > indent
        for deeper in [i for i in self.plans if i > indent]:
            self._check_plan(deeper)
            del self.plans[deeper]
        skipped = re.search(r"#\s*SKIP\b", desc, re.I) is not None
        # A program cannot excuse a failure as expected: only the list of defects can.
        xfail = re.search(r"#\s*XFAIL\b", desc, re.I) is not None
        self.results.append([indent, not m.group(2) and not xfail, desc, skipped, parent,
                             self.complaints])
        self.complaints = []
        if indent in self.plans:
            self.plans[indent][1] += 1

    def _check_plan(self, indent):
        if indent in self.plans:
            planned, seen = self.plans[indent]
            if planned != seen:
                self.errors.append(f"{self.name}: {planned} tests planned, {seen} results seen")

    def close(self):
        """To be called when the program has ended."""
        for indent in list(self.plans):
            self._check_plan(indent)
        self.plans = {}

    def leaves(self):
        """The results that are to be counted: those without results below them, and suites that
        failed though all their results passed."""
        out = []
        for i, (indent, ok, desc, skipped, parent, complaints) in enumerate(self.results):
            if parent:
                j = i - 1
                children_ok = True
                while j >= 0 and self.results[j][0] > indent:
                    children_ok = children_ok and self.results[j][1]
                    j -= 1
                if ok or not children_ok:
                    continue
            out.append((ok, desc, skipped, complaints))
        return out


class Defect:
    """An entry of the list of defects: an assertion that must fail on this machine."""

    def __init__(self, text):
        self.test, _, pattern = text.partition(": Expected ")
        self.pattern = re.compile(pattern)

    def explains(self, complaint):
        """Whether this is the assertion that failed."""
        return self.pattern.search(complaint) is not None


class Report:
    """Collects the output of a run, and judges it."""

    def __init__(self, name, allow=(), skips=(), defects=()):
        self.name = name
        self.kernel = KernelLog(allow)
        self.skips = skips
        self.defects = [Defect(text) for text in defects]
        self.taps = []
        self.current = Tap("script")
        self.codes = {}
        self.errors = []
        self.up = None
        self.module = range(0)  # addresses of the module under test
        self.erred = None  # what QEMU did wrong, and the line that shows it
        self.erred_in = set()  # the programs in which QEMU did that
        self.done = None
        self.passed = 0
        self.failures = []
        self.skipped = []
        self.known = []

    def kernel_line(self, text):
        """Take a line from the first serial port."""
        self.kernel.line(text)

    def test_line(self, text):
        """Take a line from the second serial port."""
        # A line of the protocol may follow text of a program that left its line unfinished.
        at = text.find("@vmtest ")
        if at > 0:
            self.test_line(text[:at])
            text = text[at:]
        if at < 0:
            self.current.line(text)
            self._look_for_a_shutdown(text)
            self._look_for_host_rip(text)
            self._look_for_a_second_delivery(text)
            if "unreferenced object" in text:
                self.kernel.trouble.append(text.strip())
            return
        word, _, rest = text[len("@vmtest "):].strip().partition(" ")
        if word == "up":
            self.up = rest
        elif word == "module":
            address, size = rest.split()
            self.module = range(int(address, 16), int(address, 16) + int(size))
        elif word == "fail":
            self.errors.append(rest)
        elif word in ("test", "command"):
            self._finish_current()
            self.current = Tap(rest, word == "test")
        elif word == "exit":
            name, _, code = rest.rpartition(" ")
            self.codes[name] = int(code)
            self._finish_current()
            self.current = Tap("script")
        elif word == "done":
            self._finish_current()
            self.done = int(rest or 0)

    def _look_for_a_shutdown(self, text):
        """In QEMU 7.2 with a thread per CPU, a guest of axvmm sometimes shuts down. Mostly its
        RIP is the host's, see below. Once, in some hundred boots, it had a RIP of its own, in
        code that computes with interrupts off; what went wrong there is not known. The run is
        repeated, and check prints that; runs in Bochs are not repeated."""
        if "axvmm: the guest's processor shut down (triple fault)" in text:
            self._emulator_erred("shut a guest's processor down", text)

    def _look_for_host_rip(self, text):
        """QEMU 7.2 with a thread per CPU sometimes goes on behind VMRUN as the guest, but with
        the host's RIP and CR3; then the guest's processor shuts down. The module writes neither
        of these to a VMCB. A guest's own modules may have the same addresses, so a run is only
        repeated a few times, and check prints that."""
        m = re.search(r"\bCPU \d+: rip 0x([0-9a-f]+)", text)
        if m and int(m.group(1), 16) in self.module:
            self._emulator_erred("entered a guest with the host's RIP", text)

    def _look_for_a_second_delivery(self, text):
        """QEMU 7.2's VMRUN delivers an external interrupt of EVENTINJ itself, but keeps its
        vector in the field for the processor's pending exception. If the processor is asked to
        leave its loop before the guest's next exit, QEMU takes that vector for an exception that
        is not delivered yet, and delivers it once more, at the handler's first instructions and
        with IF clear. The selftest `inject` notices that. A module that injects twice would look
        the same, so a run is only repeated a few times, check prints that, and runs in Bochs are
        not repeated."""
        if re.match(r"# inject: vector \S+ interrupts \S+, where interrupts are off", text):
            self._emulator_erred("delivered an interrupt twice", text)

    def _emulator_erred(self, what, text):
        self.erred = f"{what}: {text.strip()}"
        self.erred_in.add(self.current.name)

    def excusable(self):
        """Whether the run failed, and only in programs in which QEMU erred. The indented lines
        below a failure are its assertions. If all tests are in these programs, "no test ran"
        follows, too."""
        theirs = ("  ", "no test ran", *(f"{name}:" for name in self.erred_in))
        return bool(self.erred_in) and bool(self.failures) and \
            all(f.startswith(theirs) for f in self.failures)

    def _finish_current(self):
        tap = self.current
        tap.close()
        if tap.results or tap.errors or tap.name != "script":
            self.taps.append(tap)
        self.current = Tap("script")

    def skip_allowed(self, name):
        """Whether the list of skips allows this test to be skipped."""
        return any(pattern.search(name) for pattern in self.skips)

    def _judge_test(self, name, ok, complaints):
        """Judge a test that was not skipped. Assertions on the list of defects must fail, and
        only these."""
        defects = [d for d in self.defects if d.test == name]
        idle = [d for d in defects if not any(d.explains(c) for c in complaints)]
        if not ok and complaints and not idle and \
                all(any(d.explains(c) for d in defects) for c in complaints):
            self.known.append(name)
        elif not ok:
            self.failures.append(name)
            self.failures += ["  " + c for c in complaints[:3]]
        elif defects:
            self.failures.append(f"{name} (passes, but vmtest/defects says that it cannot)")
        else:
            self.passed += 1

    def close(self, expect_tests=False, expect_done=True):
        """End the run: after this, passed, failures, skipped and known are valid."""
        self._finish_current()
        self.kernel.close()
        excused = 0  # the script's exit code, if its last program only met known defects
        for tap in self.taps:
            code = self.codes.get(tap.name)
            known = len(self.known)
            leaves = tap.leaves()
            if tap.whole_skip:
                leaves.append((True, "all: " + tap.whole_skip, True, []))
            for ok, desc, skipped, complaints in leaves:
                name = f"{tap.name}: {desc}"
                if not ok or not skipped:
                    self._judge_test(name, ok, complaints)
                elif self.skip_allowed(name):
                    self.skipped.append(name)
                else:
                    self.failures.append(f"{name} (a skip that vmtest/skips does not allow)")
            excused = code if len(self.known) > known else 0
            self.failures += tap.errors
            if tap.name != "script":
                if code is None:
                    self.failures.append(f"{tap.name}: never ended")
                elif code == 4 and leaves and all(skipped for _, _, skipped, _ in leaves):
                    pass  # KSFT_SKIP: judged by its lines above
                elif code and all(ok for ok, _, _, _ in leaves):
                    self.failures.append(f"{tap.name}: exit code {code}")
                elif not tap.speaks_tap:
                    self.passed += 1
                elif not leaves:
                    self.failures.append(f"{tap.name}: printed no test result")
        self.failures += self.errors
        if self.up is None:
            self.failures.append("the kernel never reached userspace")
        elif expect_done and self.done is None:
            self.failures.append("the end marker never came")
        elif self.done and self.done != excused and not self.failures:
            self.failures.append(f"the script ended with code {self.done}")
        for line in dict.fromkeys(self.kernel.trouble):
            self.failures.append(f"kernel log: {line}")
        if expect_tests and not self.passed:
            self.failures.append("no test ran")
        return not self.failures
