# SPDX-License-Identifier: GPL-2.0
"""Finds the functions that the instructions of a measured path belong to, from the addresses
that the plugin of tools/bench counted, and the symbols of the machine that ran it."""

import base64
import bisect
import collections
import gzip
import re

SIDES = ("kvm", "axvcpu")

# The modules that belong to a side. arm64's KVM is built into the kernel.
MODULES = {"kvm": ("kvm", "kvm_amd", "kvm_intel"), "axvcpu": ("axvcpu",)}

# Addresses below GUEST_END are the benchmark's guest, others below USER_END its program.
GUEST_END, USER_END = 0x100000, 1 << 63

# Functions that take a lock. The first instruction of each is executed once for each call.
LOCK = re.compile(r"(_raw_(spin|read|write)_(try)?lock|(rt_)?mutex_(try)?lock|"
                  r"ww_mutex_(try)?lock|down_(read|write)|down)(_\w+)?$")


def parse_symbols(lines):
    """Read lines "symbols WORD PACKED" of a log: {word: text of /proc/kallsyms}."""
    packed = collections.defaultdict(list)
    for line in lines:
        m = re.search(r"\| symbols (\w+) ([A-Za-z0-9+/=]+)\s*$", line)
        if m:
            packed[m.group(1)].append(m.group(2))
    return {word: gzip.decompress(base64.b64decode("".join(parts))).decode()
            for word, parts in packed.items()}


class Symbols:
    """The functions in the machine's kernel and modules while one side ran."""

    def __init__(self, side, *texts):
        """texts: /proc/kallsyms of the kernel, and of the modules that were loaded."""
        found = {}
        for line in "\n".join(texts).splitlines():
            address, kind, name, *module = line.split()
            module = module[0].strip("[]") if module else ""
            # On arm64 $x and $d mark code and data; __pfx_ is the padding before a function.
            if kind not in "tTwW" or name.startswith(("$", "__pfx_")):
                continue
            where = "module" if module in MODULES[side] else "kernel"
            found.setdefault(int(address, 16), (where, name))
        self.addresses = sorted(found)
        self.found = found

    def function(self, address):
        """The function at an address: (where, name)."""
        if address < GUEST_END:
            return "guest", "the guest"
        if address < USER_END:
            return "program", "the program"
        at = bisect.bisect_right(self.addresses, address)
        return self.found[self.addresses[at - 1]] if at else ("kernel", "?")

    def starts(self, address):
        """Whether a function begins at an address."""
        return address in self.found


class Path:
    """What was executed between two markers."""

    def __init__(self):
        self.executed = collections.Counter()  # address -> how often
        self.entered = collections.Counter()   # (address, from where) -> how often
        self.costly = collections.Counter()    # kind -> how often; of a trace only


def parse_profile(lines):
    """Read what the plugin wrote: ({path: (units, times)}, {(side, path): Path})."""
    shape, paths = {}, collections.defaultdict(Path)
    for line in lines:
        word, *rest = line.split()
        if word == "path":
            shape[rest[0]] = int(rest[1]), int(rest[2])
        elif word == "at":
            paths[rest[0], rest[1]].executed[int(rest[2], 16)] += int(rest[3])
        elif word == "from":
            paths[rest[0], rest[1]].entered[int(rest[2], 16), int(rest[3], 16)] += int(rest[4])
        else:
            raise ValueError(f"not a line of a profile: {line!r}")
    return shape, dict(paths)


# A line of Bochs' trace: the address in its segment, the disassembly, the instruction's bytes.
TRACED = re.compile(r"\(0\)\.\[\d+\] \[\w+\] \w+:([0-9a-f]+) \(.*?\): (.*?) *; ([0-9a-f]+)\s*$")

# Costly instructions in a disassembly, with the names that tools/bench/x86/costs.h has, and
# VMX's, which QEMU does not have. A LOCK prefix is found in the bytes.
COSTLY = [(re.compile(pattern), kind) for pattern, kind in (
    (r"(wrmsr|rdmsr|xsetbv|xgetbv|wrpkru|vmrun|vmload|vmsave|clgi|stgi|lfence|mfence|verw|"
     r"invlpg|invpcid|invlpga|wbinvd|vmread|vmwrite|vmptrld|vmclear|invept|invvpid)\b", None),
    (r"(vmlaunch|vmresume)\b", "vmresume"), (r"f?xsave", "xsave"), (r"f?xrstor", "xrstor"),
    (r"clflush", "clflush"), (r"mov cr\d", "cr_write"), (r"mov \w+, cr\d", "cr_read"),
    (r"mov dr\d", "dr_write"), (r"mov \w+, dr\d", "dr_read"), (r"xchg .*\[", "locked"))]
LOCKED = re.compile(r"(66|f2|f3|64|65|3e|4[0-9a-f])*f0")


def costly(disassembly, code):
    """The kind of a costly instruction; None: it is not costly."""
    if LOCKED.match(code):
        return "locked"
    for pattern, kind in COSTLY:
        m = pattern.match(disassembly)
        if m:
            return kind or m.group(1)
    return None


# The markers of tools/bench/marker.h, as x86/arch.h encodes them.
MARKER = re.compile(r"0f1f8400([0-9a-f]{2})([0-9a-f]{2})bea5$")
MARKED_SIDES = {0x1000: "kvm", 0x1001: "axvcpu"}


def parse_paths(lines):
    """Read what the benchmark prints: {number: (name, units, times)}."""
    found = {}
    for line in lines:
        m = re.search(r"\| path (\d+) (\w+) (\d+) (\d+)\s*$", line)
        if m:
            found[int(m.group(1))] = m.group(2), int(m.group(3)), int(m.group(4))
    return found


def parse_trace(lines, names):
    """Read Bochs' trace, and return what parse_profile() does; names: of parse_paths()."""
    rounds, side, now, last = collections.defaultdict(list), None, None, None
    for line in lines:
        m = TRACED.match(line)
        if not m:
            continue
        address, disassembly, code = int(m.group(1), 16), *m.groups()[1:]
        marker = MARKER.match(code)
        if marker:
            number = int(marker.group(2) + marker.group(1), 16)
            side = MARKED_SIDES.get(number, side)
            now = last = None
            if number in names:
                now = Path()
                rounds[side, names[number][0]].append(now)
        elif now is not None:
            now.executed[address] += 1
            kind = costly(disassembly, code)
            if kind:
                now.costly[kind] += 1
            if last is not None and last[1] != address:
                now.entered[address, last[0]] += 1
            last = address, address + len(code) // 2
    shape = {name: (units, times) for name, units, times in names.values() if name != "run"}
    return shape, {key: sorted(found, key=lambda path: path.executed.total())[len(found) // 2]
                   for key, found in rounds.items()}


def functions(path, symbols):
    """The instructions in each function: {(where, function): instructions}."""
    found = collections.Counter()
    for address, count in path.executed.items():
        found[symbols.function(address)] += count
    return found


def locks(path, symbols):
    """The calls of functions that lock: {((where, caller), function that locks): calls}."""
    found = collections.Counter()
    for (address, caller), count in path.entered.items():
        name = symbols.function(address)[1]
        if symbols.starts(address) and LOCK.match(name):
            found[symbols.function(caller), name] += count
    return found


def costs(path, _symbols):
    """The costly instructions: {kind: how many}."""
    return path.costly


def one_of(whole, alone, units, times):
    """The counts for one: of units, after a run alone is subtracted, or of times; or whole."""
    if units:
        whole = collections.Counter(whole)
        whole.subtract(alone)
    return {key: count / (units or times or 1) for key, count in whole.items() if count}


def profile(shape, paths, symbols):
    """All results: {path: {side: {"functions": ..., "locks": ..., "costs": ...}}}. symbols is
    {side: Symbols}."""
    found = {}
    for name, (units, times) in shape.items():
        for side in SIDES:
            if (side, name) not in paths:
                continue
            run = paths.get((side, "run"), Path())
            found.setdefault(name, {})[side] = {
                what.__name__: one_of(what(paths[side, name], symbols[side]),
                                      what(run, symbols[side]), units, times)
                for what in (functions, locks, costs)}
    return found


def by_place(counts):
    """The sum of instructions in each place."""
    places = collections.Counter()
    for (where, _), count in counts.items():
        places[where] += count
    return places


def module_locks(found):
    """How many locks the module itself takes."""
    return sum(count for ((where, _), _), count in found["locks"].items() if where == "module")


# How many functions of a path are printed; the others are summed up.
SHOWN = 60
WIDTH = 48


def label(where, name):
    """Format a function's name; the module's own functions get a star."""
    return ("* " if where == "module" else "  ") + name


def column(counts):
    """The lines of the table for one side."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [(key, count) for key, count in ordered[:SHOWN] if count >= 0.5]
    lines = [f"{count:10.1f} {label(*key)}" for key, count in shown]
    rest = sum(counts.values()) - sum(count for _, count in shown)
    if len(shown) < len(counts) and abs(rest) >= 0.05:
        lines.append(f"{rest:10.1f}   in {len(counts) - len(shown)} more")
    return lines


def text(name, sides):
    """The table of one path, as lines."""
    lines = ["", name]
    for side, found in sides.items():
        places = by_place(found["functions"])
        lines.append(f"  {'KVM' if side == 'kvm' else side:6} {sum(places.values()):.1f}: " +
                     ", ".join(f"{where} {round(places[where], 1) + 0.0:.1f}"
                               for where in ("module", "kernel", "program", "guest")))
    columns = [column(sides[side]["functions"]) if side in sides else [] for side in SIDES]
    for i in range(max(map(len, columns))):
        left, right = (c[i] if i < len(c) else "" for c in columns)
        lines.append(f"{left:{WIDTH}} {right}".rstrip())
    for side, found in sides.items():
        lines.append(f"  {'KVM' if side == 'kvm' else side:6} locks, and who takes them: " +
                     (f"{sum(found['locks'].values()):.1f}" if found["locks"] else "none"))
        lines += [f"{count:10.1f} {label(*caller)}: {lock}"
                  for (caller, lock), count in sorted(found["locks"].items(),
                                                      key=lambda item: (-item[1], item[0]))[:SHOWN]
                  if count >= 0.05]
    return lines


def as_json(sides):
    """The results of one path for a file, with names as keys."""
    return {side: {"functions": {label(*key).strip(): round(count, 2)
                                 for key, count in found["functions"].items()},
                   "locks": {f"{label(*caller).strip()}: {lock}": round(count, 2)
                             for (caller, lock), count in found["locks"].items()}}
            for side, found in sides.items()}
