#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Tests that circles finds each circle and the symbols that tie it, and nothing else."""

import contextlib
import importlib.machinery
import importlib.util
import io
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True


def load(name):
    """Load the script NAME beside this file as a module; import needs a suffix, it has none."""
    path = os.path.join(os.path.dirname(os.path.realpath(__file__)), name)
    loader = importlib.machinery.SourceFileLoader(name, path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


circles = load("circles")


def run(sources):
    """Compile {path: C source}, and run circles on it; its exit code, and what it printed."""
    with tempfile.TemporaryDirectory() as build:
        for path, source in sources.items():
            path = os.path.join(build, path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            subprocess.run(["gcc", "-x", "c", "-c", "-o", path, "-"], input=source, text=True,
                           check=True)
        said = io.StringIO()
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            verdict = circles.main([build])
        return verdict, said.getvalue().replace(build + ": ", "")


class Circles(unittest.TestCase):
    """What is a circle, and what is not."""

    def test_two(self):
        verdict, said = run({
            "core/a.o": "void b(void); int data; void a(void) { b(); }",
            "core/b.o": "extern int data; void b(void) { data = 1; }",
        })
        self.assertEqual(verdict, 1)
        self.assertIn("a circle: core/a.o, core/b.o\n", said)
        self.assertIn("core/a.o needs of core/b.o: b\n", said)
        self.assertIn("core/b.o needs of core/a.o: data\n", said)
        self.assertIn(circles.ADVICE, said)

    def test_three_in_two_directories(self):
        verdict, said = run({
            "core/a.o": "void b(void); void a(void) { b(); }",
            "core/b.o": "void c(void); void b(void) { c(); }",
            "arch/c.o": "void a(void); void c(void) { a(); }",
            "arch/d.o": "void a(void); void d(void) { a(); }",
        })
        self.assertEqual(verdict, 1)
        self.assertIn("a circle: arch/c.o, core/a.o, core/b.o\n", said)
        self.assertNotIn("d.o", said)

    def test_two_circles(self):
        _, said = run({
            "core/a.o": "void b(void); void a(void) { b(); }",
            "core/b.o": "void a(void); void b(void) { a(); }",
            "core/c.o": "void d(void), a(void); void c(void) { d(); a(); }",
            "core/d.o": "void c(void); void d(void) { c(); }",
        })
        self.assertEqual(said.count("a circle: "), 2)

    def test_an_order(self):
        self.assertEqual(run({
            "core/a.o": "void b(void), printk(void); void a(void) { b(); printk(); }",
            "core/b.o": "void printk(void); void b(void) { printk(); }",
        }), (0, ""))

    def test_names_of_the_same_spelling(self):
        self.assertEqual(run({
            "core/a.o": "void b(void); static void own(void) { b(); } void a(void) { own(); }",
            "core/b.o": "static int own; int *b(void) { return &own; }",
        }), (0, ""))

    def test_what_does_not_count(self):
        self.assertEqual(run({
            "core/tests/a_test.o": "void a(void); int wanted; void test(void) { a(); }",
            "core/a.o": "extern int wanted; void a(void) { wanted = 1; }",
            "module.o": "int wanted; void a(void); void module(void) { a(); }",
        }), (0, ""))

    def test_nothing_built(self):
        verdict, said = run({})
        self.assertEqual(verdict, 1)
        self.assertIn("make module", said)

    def test_no_directory(self):
        with contextlib.redirect_stderr(io.StringIO()) as said:
            self.assertEqual(circles.main([]), 2)
        self.assertIn("usage", said.getvalue())


if __name__ == "__main__":
    unittest.main()
