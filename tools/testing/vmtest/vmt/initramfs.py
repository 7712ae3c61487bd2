# SPDX-License-Identifier: GPL-2.0
"""Assembles an initramfs: an uncompressed cpio archive in the "newc" format.

The archive is written directly, without a staging directory, so neither root nor cpio is
needed. It is not compressed: in an emulator unpacking costs more than loading.
"""

import glob
import lzma
import os
import re
import stat
import subprocess
import sys

# e_machine in the ELF header of this machine's programs.
with open(sys.executable, "rb") as python:
    MACHINE = python.read(20)[18:]


class Initramfs:
    """A file tree in memory, written out as a cpio archive."""

    def __init__(self, packages=()):
        self.entries = {}  # path -> (mode, data, rdev)
        # Directories of unpacked packages, for the libraries of programs of another architecture
        self.packages = packages

    def directory(self, path):
        """Add a directory and its parents."""
        path = path.strip("/")
        if not path or path in self.entries:
            return
        self.directory(os.path.dirname(path))
        self.entries[path] = (stat.S_IFDIR | 0o755, b"", (0, 0))

    def write(self, path, data, mode=0o644):
        """Add a file with the given contents."""
        path = path.strip("/")
        self.directory(os.path.dirname(path))
        if isinstance(data, str):
            data = data.encode()
        self.entries[path] = (stat.S_IFREG | mode, data, (0, 0))

    def symlink(self, path, target):
        """Add a symbolic link."""
        path = path.strip("/")
        self.directory(os.path.dirname(path))
        self.entries[path] = (stat.S_IFLNK | 0o777, target.encode(), (0, 0))

    def device(self, path, major, minor):
        """Add a character device node."""
        path = path.strip("/")
        self.directory(os.path.dirname(path))
        self.entries[path] = (stat.S_IFCHR | 0o600, b"", (major, minor))

    def add(self, source, path):
        """Copy a file or a directory tree, and for programs also their libraries."""
        if os.path.isdir(source):
            self.directory(path)
            for name in sorted(os.listdir(source)):
                self.add(os.path.join(source, name), path + "/" + name)
            return
        if os.path.islink(source) and not os.path.exists(source):
            return
        with open(source, "rb") as f:
            data = f.read()
        mode = stat.S_IMODE(os.stat(source).st_mode)
        self.write(path, data, mode)
        if mode & 0o111 and data[:4] == b"\x7fELF":
            self._libraries(source)

    def _libraries(self, program):
        with open(program, "rb") as f:
            machine = f.read(20)[18:]
        if machine != MACHINE:
            self._foreign_libraries(program)
            return
        out = subprocess.run(["ldd", program], capture_output=True, text=True, check=False)
        for path in re.findall(r"(/\S+) \(0x", out.stdout):
            if path.strip("/") not in self.entries:
                with open(path, "rb") as f:
                    self.write(path, f.read(), 0o755)
        missing = re.findall(r"(\S+) => not found", out.stdout)
        if missing:
            raise FileNotFoundError(f"{program} needs {', '.join(missing)}")

    def _foreign_libraries(self, program):
        """Copy the interpreter and the libraries of a program that ldd cannot run."""
        out = subprocess.run(["readelf", "-l", "-d", program], capture_output=True, text=True,
                             check=True).stdout
        for path in re.findall(r"program interpreter: (/[^]]+)", out):
            self._foreign_library(program, path, path.lstrip("/"))
        for name in re.findall(r"\(NEEDED\).*\[(.+)\]", out):
            self._foreign_library(program, "lib/" + name, "lib/*/" + name)

    def _foreign_library(self, program, path, pattern):
        if path.strip("/") in self.entries:
            return
        found = [match for where in self.packages for prefix in ("", "usr/")
                 for match in glob.glob(f"{where}/{prefix}{pattern}")]
        if not found:
            raise FileNotFoundError(f"{program} is not for this machine, and needs {path}: it "
                                    "must be static, or the package has to be named")
        with open(found[0], "rb") as f:
            self.write(path, f.read(), 0o755)
        self._foreign_libraries(found[0])

    def modules(self, image, release, names, missing=False):
        """Add modules of an unpacked kernel image, and all modules that they depend on. With
        missing, some of them may not exist.

        They are stored decompressed: not every kernel and insmod can decompress them."""
        base = f"lib/modules/{release}"
        deps = {}
        with open(f"{image}/{base}/modules.dep", encoding="utf-8") as f:
            for line in f:
                path, _, needs = line.partition(":")
                deps[path] = needs.split()
        with open(f"{image}/{base}/modules.builtin", encoding="utf-8") as f:
            builtin = {module_name(line.strip()) for line in f}
        by_name = {module_name(path): path for path in deps}
        wanted = []
        for name in names:
            name = name.replace("-", "_")
            if name in by_name:
                path = by_name[name]
                wanted += [path] + deps[path]
            elif name not in builtin and not missing:
                raise FileNotFoundError(f"kernel {release} has no module {name}")
        listing = ""
        for path in dict.fromkeys(wanted):
            with open(f"{image}/{base}/{path}", "rb") as f:
                data = f.read()
            if path.endswith(".xz"):
                data = lzma.decompress(data)
            self.write(f"{base}/{plain(path)}", data)
            listing += f"{plain(path)}: {' '.join(plain(d) for d in deps[path])}\n"
        self.write(f"{base}/modules.dep", listing)
        self.write(f"{base}/modules.builtin",
                   "".join(f"kernel/{name}.ko\n" for name in sorted(builtin)))

    def save(self, path):
        """Write the archive."""
        with open(path, "wb") as f:
            for ino, (name, entry) in enumerate(self.entries.items(), 1):
                _member(f, ino, name, *entry)
            _member(f, 0, "TRAILER!!!", 0, b"", (0, 0))


def plain(path):
    """The name of a module file without its compression."""
    return re.sub(r"\.ko\.\w+$", ".ko", path)


def module_name(path):
    """kernel/arch/x86/kvm/kvm-amd.ko.xz -> kvm_amd"""
    return os.path.basename(path).split(".")[0].replace("-", "_")


def _member(f, ino, name, mode, data, rdev):
    raw = name.encode() + b"\0"
    fields = (ino, mode, 0, 0, 1, 0, len(data), 0, 0, rdev[0], rdev[1], len(raw), 0)
    header = b"070701" + b"".join(b"%08X" % v for v in fields) + raw
    f.write(header + b"\0" * (-len(header) % 4))
    f.write(data + b"\0" * (-len(data) % 4))
