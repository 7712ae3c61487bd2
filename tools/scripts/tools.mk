# SPDX-License-Identifier: LGPL-2.1 OR BSD-2-Clause
#
# What the Makefiles of the tools share: the architecture to build for, the version, warnings,
# hardening options, and how much a rule prints (V=1: the commands).  Each sets top, the root of
# the sources, before it includes this.

ARCH ?= $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(shell uname -m)))

VERSION := $(shell sed -n 's/^\#define AXV_VERSION "\(.*\)"/\1/p' $(top)/include/axvcpu/version.h)

STRICT := -std=gnu11 -Wall -Wextra -Wshadow -Wmissing-prototypes -Wstrict-prototypes -Werror

# axvmm and its library handle what a guest sends, so mistakes must be hard to exploit.
# _FORTIFY_SOURCE needs optimization.
CFLAGS ?= -O2 -g
HARDEN := -fstack-protector-strong $(if $(filter -O0,$(CFLAGS)),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
HARDEN_LD := -Wl,-z,relro,-z,now

ifeq ($(V),1)
say := @:
Q :=
else
say := @printf '  %-7s %s\n'
Q := @
endif
