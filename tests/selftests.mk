# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/ as a target of the kernel's selftests, in the words of their lib.mk.
#
#	ln -s .../flowgauge/tests .../linux/tools/testing/selftests/flowgauge
#	make -C .../linux/tools/testing/selftests TARGETS=flowgauge run_tests
#
# The root's Makefile builds, into $(OUTPUT)/obj, and lays a tree of links into
# $(OUTPUT), in which the tests find everything where they find it in the root.
# Their programs lie flat beside it, as lib.mk wants them: unit_cache_test,
# net_kill.sh. An installation is that tree with files for links.
#
# A copy (of Makefile, selftests.mk, config and settings) needs FLOWGAUGE=DIR,
# the project; a link needs LINUX=DIR, the kernel's tree, where that is not to
# be seen from OUTPUT. Without a kernel's tree `make check` is run.

FLOWGAUGE ?= $(realpath ..)
SELFTEST_NAME := $(or $(notdir $(OUTPUT)),flowgauge)
# of a link .. is another folder: by name
above = $(patsubst %/,%,$(dir $(1)))
LIB_MK := $(firstword $(wildcard ../lib.mk $(addsuffix /lib.mk,\
	$(LINUX:%=%/tools/testing/selftests) $(call above,$(OUTPUT)) \
	$(call above,$(call above,$(OUTPUT)))/source/tools/testing/selftests)))

ifneq ($(LIB_MK),)

ifeq ($(wildcard $(FLOWGAUGE)/tests/tests.mk),)
$(error $(FLOWGAUGE) is not flowgauge: say FLOWGAUGE=DIR, or link its tests/ instead of copying it)
endif

# Nothing is built into a folder of sources.
ifneq ($(filter $(CURDIR),$(realpath $(or $(OUTPUT),.))),)
override OUTPUT := $(FLOWGAUGE)/build/selftests
endif
override OUTPUT := $(abspath $(OUTPUT))

TEST_GEN_PROGS := $(subst /,_,$(SELFTESTS))
# the top of the tree that the tests run in
TEST_GEN_FILES := build dist examples man tests
OVERRIDE_TARGETS := 1
EXTRA_CLEAN := $(OUTPUT)/obj

include $(LIB_MK)

# runner.sh finds settings, and a name, below the folder of lib.mk: a link is to stay one.
ifneq ($(filter $(CURDIR),$(realpath $(selfdir)/$(SELFTEST_NAME))),)
export PWD := $(selfdir)/$(SELFTEST_NAME)
endif

# theirs is not what tests/lib.sh means
unexport BUILD

# Where a test lies in that tree.
selftest_path = $(if $(filter %.sh,$(1)),tests/$(1),build/tests/$(1))

# Whatever compiler it is: its warnings are no errors.
.PHONY: stage
stage:
	+@$(MAKE) --no-print-directory -C $(FLOWGAUGE) B=$(OUTPUT)/obj CC='$(CC)' WARN=-Wall \
		KSFT=$(selfdir) STAGE=$(OUTPUT) stage
	@$(foreach t,$(SELFTESTS),ln -sfn $(call selftest_path,$(t)) $(OUTPUT)/$(subst /,_,$(t)) &&) true
$(TEST_GEN_PROGS) $(TEST_GEN_FILES): stage ;

else ifneq ($(OUTPUT),)
$(error no lib.mk beside or around OUTPUT=$(OUTPUT): say LINUX=DIR, the kernel's tree)
else

.PHONY: all run_tests
all run_tests:
	$(MAKE) -C .. check

endif
