# SPDX-License-Identifier: GPL-2.0
"""Booting a kernel in an emulator and judging what happened in it."""
