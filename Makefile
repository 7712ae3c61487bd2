# SPDX-License-Identifier: GPL-2.0
#
# axvcpu: the kernel module, its library, axvmm, and the tests. "make help" lists
# what can be made. Nothing is ever written beside the sources: all products are
# in build/, one directory per kernel for the module.

SHELL := /bin/bash
.DEFAULT_GOAL := all
MAKEFLAGS += --no-print-directory

BUILD := $(CURDIR)/build
SCRIPTS := tools/scripts
VMTEST := tools/testing/vmtest

PREFIX ?= /usr/local
DESTDIR ?=
DOCDIR ?= $(PREFIX)/share/doc/axvcpu
INSTALL_ARGS = PREFIX=$(PREFIX) DESTDIR=$(DESTDIR) DOCDIR=$(DOCDIR)

ifeq ($(V),1)
Q :=
else
Q := @
SILENT := -s
endif

# --- the architecture to build for --------------------------------------------

HOST_ARCH := $(patsubst x86_64,x86,$(patsubst aarch64,arm64,$(shell uname -m)))
ARCH ?= $(HOST_ARCH)

ifneq ($(filter-out x86 arm64,$(ARCH)),)
$(error ARCH is x86 or arm64, not $(ARCH))
endif

# Another architecture than this machine's: a compiler of its own.
ifneq ($(ARCH),$(HOST_ARCH))
CROSS_COMPILE ?= $(patsubst arm64,aarch64,$(patsubst x86,x86_64,$(ARCH)))-linux-gnu-
CROSS_ARGS := ARCH=$(ARCH) CROSS_COMPILE=$(CROSS_COMPILE)
CROSS_TOOLS := CC=$(CROSS_COMPILE)gcc AR=$(CROSS_COMPILE)ar TEST_LDFLAGS=-static
# and libraries of its own, for axvmm
LIB_DIRS = "LIB_DIRS=$$(echo $$($(SCRIPTS)/kernels --arch $(ARCH) package libfdt-dev libseccomp-dev libjson-c-dev))"
endif

# --- the kernel to build the module for --------------------------------------

# KERNEL=6.1-cloud names a Debian kernel, fetched if need be; KDIR any build tree.
ifneq ($(KERNEL),)
KDIR := $(shell $(SCRIPTS)/kernels --arch $(ARCH) headers $(KERNEL))
ifeq ($(KDIR),)
$(error no headers for KERNEL=$(KERNEL))
endif
endif
ifeq ($(ARCH),$(HOST_ARCH))
KDIR ?= /lib/modules/$(shell uname -r)/build
endif

# Debian's kernel.release is not what the kernel calls itself; this is.
RELEASE := $(shell sed -n 's/.*UTS_RELEASE "\(.*\)"/\1/p' $(KDIR)/include/generated/utsrelease.h 2>/dev/null)
MODULE_BUILD = $(BUILD)/module/$(RELEASE)
MODULE_SOURCES = Kbuild include drivers arch

# Warnings are errors in our own builds. (The BTF of modules needs the kernel's
# vmlinux, which no header package has: do not mention it every time.)
KBUILD_ARGS = -C $(KDIR) M=$(MODULE_BUILD) KCFLAGS=-Werror CONFIG_DEBUG_INFO_BTF_MODULES= $(CROSS_ARGS) $(KARGS)

ifeq ($(ARCH),$(HOST_ARCH))
define NO_KDIR
There is no kernel build tree at $(KDIR).
  - for the running kernel:     apt-get install linux-headers-$(shell uname -r)
  - for another build tree:     make KDIR=/path/to/linux
  - for a stock Debian kernel:  make KERNEL=6.1-cloud   (tools/scripts/kernels list)
endef
else
NO_KDIR := Name a kernel of $(ARCH): KERNEL=6.1-cloud, or KDIR=/path/to/linux
endif
export NO_KDIR

# --- the tools -----------------------------------------------------------------

TOOL_lib := tools/lib/axvcpu
TOOL_vmm := tools/vmm
TOOL_kvm := tools/kvm
TOOL_selftests := tools/testing/selftests/axvcpu
TOOL_bench := tools/bench
TOOL_fuzz := tools/testing/fuzz
TOOL_decode-fuzz := tools/testing/decode-fuzz

# KVM's interface over ours: its part for arm64 is not written.
KVM_x86 := kvm
KVM := $(KVM_$(ARCH))

# The same build directories for whoever needs another one's products.
TOOLS_BUILD := $(BUILD)/tools$(if $(CROSS_TOOLS),-$(ARCH))
TOOL_ARGS = O=$(TOOLS_BUILD)/$(1) LIB_O=$(TOOLS_BUILD)/lib VMM_O=$(TOOLS_BUILD)/vmm KSFT_DIR=$(BUILD)/linux-source \
	ARCH=$(ARCH) $(CROSS_TOOLS)

# The files of the kernel's source that we use: the kselftest headers, checkpatch.
LINUX_SOURCE := /usr/src/linux-source-6.1.tar.xz
LINUX_FILES := tools/testing/selftests/kselftest.h tools/testing/selftests/kselftest_harness.h \
	scripts/checkpatch.pl scripts/spelling.txt scripts/const_structs.checkpatch

# --- everything ------------------------------------------------------------------

.PHONY: all
all: module tools tests

.PHONY: module
module:
	@[ -n "$(RELEASE)" ] || { echo "$$NO_KDIR" >&2; exit 1; }
	$(Q)mkdir -p $(MODULE_BUILD)
	@# A shadow tree of links: kbuild writes beside its sources, and several
	@# kernels must not overwrite one another's objects.
	$(Q)exec 9>$(MODULE_BUILD)/.lock && flock 9 && \
	for f in $(MODULE_SOURCES); do \
		[ ! -e $$f ] || cp -as --remove-destination $(CURDIR)/$$f $(MODULE_BUILD)/ || exit 1; \
	done && \
	find $(MODULE_BUILD) -xtype l -delete && \
	printf '  MODULE  %s\n' '$(RELEASE)' && \
	$(MAKE) $(SILENT) $(KBUILD_ARGS) modules 9>&-
ifeq ($(ARCH),$(HOST_ARCH))
	$(Q)ln -sfn $(MODULE_BUILD)/axvcpu.ko $(BUILD)/axvcpu.ko
endif

.PHONY: tools lib vmm kvm selftests bench-tools tests
tools: vmm $(KVM) bench-tools
tests: selftests
vmm kvm selftests: lib
# axvmm is for the boot of a guest.
bench-tools: vmm

lib:
	$(Q)$(MAKE) $(SILENT) -C $(TOOL_lib) $(call TOOL_ARGS,lib) all
vmm:
	$(Q)$(MAKE) $(SILENT) -C $(TOOL_vmm) $(call TOOL_ARGS,vmm) $(LIB_DIRS) all
kvm:
	$(Q)$(MAKE) $(SILENT) -C $(TOOL_kvm) $(call TOOL_ARGS,kvm) all
selftests: $(BUILD)/linux-source/.done
	$(Q)$(MAKE) $(SILENT) -C $(TOOL_selftests) $(call TOOL_ARGS,selftests) all
bench-tools:
	$(Q)$(MAKE) $(SILENT) -C $(TOOL_bench) $(call TOOL_ARGS,bench) $(LIB_DIRS) all

$(BUILD)/linux-source/.done: $(LINUX_SOURCE)
	@printf '  UNPACK  %s\n' '$(notdir $(LINUX_FILES))'
	$(Q)mkdir -p $(@D)
	$(Q)tar -xJf $< -C $(@D) --transform 's|.*/||' --occurrence=1 \
		$(addprefix linux-source-6.1/,$(LINUX_FILES))
	$(Q)touch $@

$(LINUX_SOURCE):
	$(Q)$(SCRIPTS)/deps $(ARCH)

# --- checking -----------------------------------------------------------------

.PHONY: deps
deps:
	$(Q)$(SCRIPTS)/deps $(ARCH)

.PHONY: lint
lint: $(BUILD)/linux-source/.done
	$(Q)$(SCRIPTS)/deps x86 arm64
	$(Q)$(SCRIPTS)/lint

.PHONY: headers-matrix
headers-matrix: deps
	$(Q)$(VMTEST)/check --only build

.PHONY: check check-long
check-long: CHECK_LONG := --long
check check-long:
	$(Q)$(SCRIPTS)/deps x86 arm64 docs deb
	$(Q)$(VMTEST)/check $(CHECK_LONG) $(if $(CROSS_TOOLS),--only $(ARCH)) $(CHECK_ARGS)

.PHONY: demo
demo: deps
	$(Q)$(VMTEST)/demo --arch $(ARCH) $(if $(BACKEND),--backend $(BACKEND))

.PHONY: bench
bench: deps
	$(Q)$(VMTEST)/bench --arch $(ARCH) $(if $(BACKEND),--backend $(BACKEND)) $(if $(EMU),--emu $(EMU)) $(BENCH_ARGS)

.PHONY: unit
UNIT ?= lib vmm $(KVM) decode-fuzz
unit: lib
ifdef CROSS_TOOLS
# What does not run here runs in an emulator.
	$(Q)tests= && for u in $(filter-out decode-fuzz,$(UNIT)); do \
		$(MAKE) $(SILENT) -C tools/$${u/lib/lib/axvcpu} $(call TOOL_ARGS,$$u) $(LIB_DIRS) tests && \
		tests+=" $$($(MAKE) -C tools/$${u/lib/lib/axvcpu} $(call TOOL_ARGS,$$u) list-tests)" || exit 1; \
	done && \
	$(VMTEST)/vmtest run --arch $(ARCH) --tests $$(printf -- '--payload %s ' $$tests) \
		--script "$$(for t in $$tests; do echo "t $${t##*/} ./$${t##*/}"; done)"
else
	$(Q)$(foreach u,$(UNIT),$(MAKE) -C $(TOOL_$(u)) $(call TOOL_ARGS,$(u)) check &&) true
endif

# Inputs made up by libFuzzer, for axvmm's devices and loaders and for the library.
.PHONY: fuzz
SECONDS ?= 60
fuzz:
	$(Q)$(SCRIPTS)/deps x86 fuzz
	$(Q)$(MAKE) $(SILENT) -C $(TOOL_fuzz) O=$(BUILD)/tools/fuzz \
		"LIBFDT=$$($(SCRIPTS)/kernels --arch x86 package libfdt-dev)" all
	$(Q)FUZZ_SECONDS=$(SECONDS) $(TOOL_fuzz)/fuzz $(BUILD)/tools/fuzz $(FUZZ)

# -E: a page that has not changed is read again, otherwise its warnings are not seen.
.PHONY: docs
docs:
	$(Q)$(SCRIPTS)/deps x86 docs
	@printf '  DOCS    %s\n' build/docs/index.html
	$(Q)sphinx-build -q -W --keep-going -E -b html -d $(BUILD)/docs/.doctrees \
		Documentation/axvcpu $(BUILD)/docs

# For clangd, which looks in build/, too. The tools' commands are printed, not carried out, so
# some of what they need is perhaps not there: -k, and no messages of that.
.PHONY: compile_commands.json
compile_commands.json: module
	$(Q)$(MAKE) -kBn V=1 lib vmm $(KVM) bench-tools selftests unit 2>/dev/null | \
		$(SCRIPTS)/compile-commands $(MODULE_BUILD) $(KDIR) >$(BUILD)/$@.new
	$(Q)mv $(BUILD)/$@.new $(BUILD)/$@

.PHONY: install-test
install-test:
	$(Q)$(SCRIPTS)/install-test

.PHONY: kselftest
kselftest: selftests
	$(Q)$(SCRIPTS)/kselftest $(TOOLS_BUILD)/selftests

# --- installing -----------------------------------------------------------------

.PHONY: install install-module install-tools uninstall
install: install-module install-tools

# The key that signs the modules of a kernel is not among its headers; without it
# sign-file complains, and nothing is signed.
MODULE_KEY = $(shell sed -n 's/^CONFIG_MODULE_SIG_KEY="\(.*\)"/\1/p' $(KDIR)/.config 2>/dev/null)
NO_SIGNING = $(if $(filter pkcs11:%,$(MODULE_KEY))$(and $(MODULE_KEY),$(wildcard $(MODULE_KEY) $(KDIR)/$(MODULE_KEY))),,CONFIG_MODULE_SIG_ALL=)

install-module: module
	$(Q)$(MAKE) $(SILENT) $(KBUILD_ARGS) $(NO_SIGNING) INSTALL_MOD_DIR=updates \
		$(if $(DESTDIR),INSTALL_MOD_PATH=$(DESTDIR)) modules_install
	@# Header packages have no System.map, without which kbuild leaves this out.
	$(if $(DESTDIR),,$(Q)depmod $(RELEASE))

install-tools: lib vmm $(KVM)
	$(Q)$(MAKE) $(SILENT) -C $(TOOL_lib) $(call TOOL_ARGS,lib) $(INSTALL_ARGS) install
	$(Q)$(MAKE) $(SILENT) -C $(TOOL_vmm) $(call TOOL_ARGS,vmm) $(INSTALL_ARGS) install
	$(if $(KVM),$(Q)$(MAKE) $(SILENT) -C $(TOOL_kvm) $(call TOOL_ARGS,kvm) $(INSTALL_ARGS) install)
	$(Q)install -d $(DESTDIR)$(DOCDIR)
	$(Q)install -m 644 README.md LICENSE $(wildcard Documentation/axvcpu/*.rst) $(DESTDIR)$(DOCDIR)
	@# Otherwise the loader does not know the library.
	$(if $(DESTDIR),,$(Q)ldconfig)

# What install has put there, for the same KDIR or KERNEL, PREFIX and DESTDIR.
uninstall:
	$(Q)$(MAKE) $(SILENT) -C $(TOOL_lib) $(call TOOL_ARGS,lib) $(INSTALL_ARGS) uninstall
	$(Q)$(MAKE) $(SILENT) -C $(TOOL_vmm) $(call TOOL_ARGS,vmm) $(INSTALL_ARGS) uninstall
	$(if $(KVM),$(Q)$(MAKE) $(SILENT) -C $(TOOL_kvm) $(call TOOL_ARGS,kvm) $(INSTALL_ARGS) uninstall)
	$(Q)rm -f $(addprefix $(DESTDIR)$(DOCDIR)/,README.md LICENSE \
		$(notdir $(wildcard Documentation/axvcpu/*.rst)))
	$(Q)[ ! -d $(DESTDIR)$(DOCDIR) ] || rmdir --ignore-fail-on-non-empty $(DESTDIR)$(DOCDIR)
	$(if $(RELEASE),$(Q)rm -f $(DESTDIR)/lib/modules/$(RELEASE)/updates/axvcpu.ko)
	$(if $(DESTDIR),,$(Q)$(if $(RELEASE),depmod $(RELEASE); )ldconfig)

# --- Debian packages --------------------------------------------------------------

.PHONY: deb
deb:
	@[ $(ARCH) = $(HOST_ARCH) ] || { echo "make deb: packages of $(ARCH) are built on $(ARCH)" >&2; exit 1; }
	$(Q)$(SCRIPTS)/deps $(ARCH) deb
	@printf '  DEB     %s\n' build/deb
	$(Q)tools/packaging/build

.PHONY: clean
clean:
	$(Q)rm -rf $(BUILD)

.PHONY: help
help:
	@cat $(SCRIPTS)/help.txt
