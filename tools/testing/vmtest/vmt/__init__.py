# SPDX-License-Identifier: GPL-2.0
"""Boots a kernel in an emulator and judges what happened in it."""
