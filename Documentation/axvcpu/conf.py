# SPDX-License-Identifier: GPL-2.0
# The configuration of Sphinx, by which "make docs" makes HTML of these pages.
project = "axvcpu"
html_show_copyright = False
nitpicky = True
