# SPDX-License-Identifier: GPL-2.0-or-later
#
# Targets that test, measure, show and install. The programs are in the lists
# of tests/Makefile; tests/run.sh runs them and counts.

include tests/Makefile

# the harness's header is in it
KSFT	:= $(KERNEL_TREE)/tools/testing/selftests
FUZZ_B	:= build/fuzz
RUN_B	:= build/tests

TEST_CPPFLAGS = $(CPPFLAGS) -isystem $(KSFT) $(KHDR_INCLUDES) -Itests
TEST_CFLAGS = $(ALL_CFLAGS) -Wno-missing-prototypes -Wno-missing-declarations -Wno-sign-compare
TEST_LIBS = -Wl,--as-needed $(LIBS_METER) $(LIBS_ENGINE) $(LIBS_LOOP) -Wl,--no-as-needed

# Areas below each area, as tests/check/includes.sh enforces them.
BELOW_base	:=
BELOW_flow	:= base
BELOW_export	:= flow base
BELOW_meter	:= flow base
BELOW_route	:= flow base
BELOW_config	:= export meter route flow base
BELOW_engine	:= config $(BELOW_config)
BELOW_control	:= engine $(BELOW_engine)

# A test is linked with the areas whose headers it includes and those below: so
# it also shows that an area needs nothing above it.
test_areas = $(sort base $(foreach a,$(filter $(AREAS),\
	$(shell sed -n 's,^\#include "../../tools/.*,config,p; s,^\#include "\(../../userspace/\)\?\([a-z]*\)/.*,\2,p' $(1) | sort -u)),$(a) $(BELOW_$(a))))
test_libs = $(foreach a,$(call test_areas,$(1)),$(call lib,$(a)))

.SECONDEXPANSION:
$(B)/tests/%: tests/%.c $$(call test_libs,tests/$$*.c) $(KSFT)/kselftest.h
	$(call say,TEST)
	$(Q)mkdir -p $(@D) && $(CC) $(TEST_CPPFLAGS) $(TEST_CFLAGS) $(LDFLAGS) -MMD -MP -MF $@.d -o $@ $< \
		-Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(TEST_LIBS)

UNIT_BINS := $(UNIT_TESTS:%=$(B)/tests/unit/%)
BPF_BINS := $(BPF_TESTS:%=$(B)/tests/bpf/%)
BENCH_BINS := $(BENCHES:%=$(B)/tests/bench/%)
VM_BINS := $(VM_TESTS:%=$(B)/tests/vm/%)

# BPF programs of the tests themselves: an object, and a skeleton beside those of the meter.
TEST_PROGS_BPF := $(wildcard tests/bpf/progs/*.bpf.c tests/bench/progs/*.bpf.c tests/vm/progs/*.bpf.c)
TEST_SKELS := $(patsubst %.bpf.c,$(BPF_B)/gen/%.skel.h,$(notdir $(TEST_PROGS_BPF)))
vpath %.bpf.c tests/bpf/progs tests/bench/progs tests/vm/progs
$(TEST_SKELS:$(BPF_B)/gen/%.skel.h=$(BPF_B)/bpf/%.bpf.o): $(BPF_B)/bpf/%.bpf.o: %.bpf.c
	$(call say,BPF)
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -DFLOW_LAYOUT_COMPACT -MMD -MP -c -o $@ $<
$(BPF_BINS) $(BENCH_BINS) $(VM_BINS): | $(SKELS) $(TEST_SKELS)

.PHONY: tests vm-tests tests-run fuzzers run_tests
VM_NEEDS := $(BPF_BINS) $(VM_BINS) $(B)/tests/net/traffic
TEST_BINS := $(UNIT_BINS) $(VM_NEEDS)
tests: $(TEST_BINS)
vm-tests: $(VM_NEEDS)
# What is built on the way uses all CPUs, where nobody said -j.
JOBS = $(if $(findstring jobserver,$(MAKEFLAGS)),,-j$(shell nproc))

# Links, in STAGE, to what tests use: built or not, all lies as it does here.
STAGE	?= $(B)/stage
STAGED	= $(patsubst $(B)/%,build/%,$(TEST_BINS) $(BPF_OBJS) $(B)/flowgauged $(B)/flowctl)
.PHONY: stage
stage: all tests
	$(Q)mkdir -p $(addprefix $(STAGE)/,$(sort $(dir $(STAGED))))
	$(Q)$(foreach f,$(STAGED),ln -sfn $(abspath $(B)/$(f:build/%=%)) $(STAGE)/$(f) &&) true
	$(Q)ln -sfn $(addprefix $(CURDIR)/,dist examples man tests) $(STAGE)

# Fuzz targets are built by clang with libFuzzer, the areas they reach too.
fuzzers: $(FUZZERS:%=$(FUZZ_B)/tests/fuzz/%)
ifneq ($(B),$(FUZZ_B))
$(FUZZ_B)/tests/fuzz/%: tests/fuzz/%.c FORCE
	$(Q)$(MAKE) --no-print-directory B=$(FUZZ_B) BPF_B=build CC=$(CLANG) WARN=-w \
		SAN_FLAGS='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all' $@
else
$(FUZZ_B)/tests/fuzz/%: LDFLAGS += -fsanitize=fuzzer
endif
.PHONY: FORCE # or .SECONDARY takes it for a file that need not be there
FORCE:

# T=net/restart (or T=unit, or a glob) runs a part.
T	?=
CHECK_RUNS = $(UNIT_TESTS:%=unit/%) $(UNIT_TESTS:%=san/%) $(BPF_TESTS:%=bpf/%) \
	$(FUZZERS:%=fuzz/%) $(CHECK_TESTS:%=check/%) $(NET_TESTS:%=net/%)
check: deps
	$(Q)$(MAKE) $(JOBS) --no-print-directory all tests fuzzers
	$(Q)$(MAKE) $(JOBS) --no-print-directory SAN=1 tests-run
	$(Q)tests/run.sh $(if $(T),-t '$(T)') $(CHECK_RUNS)
tests-run: $(UNIT_BINS)

# On each kernel of tests/vm/fetch.sh, in a virtual machine; MUST: one that has to be there.
KERNEL	?= 6.1 6.12 6.12-rt newest newest-rt
MUST	?=
OTHER_CLANGS = $(filter-out $(shell $(CLANG) --version | sed -n 's/.*clang version \([0-9]*\).*/\1/p'),\
	$(foreach v,14 15 16 17 18 19,$(if $(shell command -v clang-$(v)),$(v))))
.PHONY: vm-check
vm-check: deps
	$(Q)$(MAKE) $(JOBS) --no-print-directory all vm-tests
	$(Q)$(foreach v,$(OTHER_CLANGS),$(MAKE) $(JOBS) --no-print-directory B=build/compilers/bpf-$(v) CLANG=clang-$(v) bpf &&) true
	$(Q)VM_COMPILERS='$(OTHER_CLANGS)' tests/vm/check.sh $(if $(T),-t '$(T)') $(if $(MUST),-m $(MUST)) $(VM_THOROUGH:%=-a %) $(VM_SMP:%=-c %) $(KERNEL) -- \
		$(VM_RUNS) $(foreach k,$(VM_THOROUGH),$(VM_MORE:%=$k:%)) $(VM_OLDEST:%=$(firstword $(VM_THOROUGH)):%)

demo: deps
	$(Q)$(MAKE) $(JOBS) --no-print-directory all
	$(Q)tests/demo.sh $(IFACE)

bench: deps
	$(Q)$(MAKE) $(JOBS) --no-print-directory all bench-programs
	$(Q)tests/bench.sh $(BENCHES)
.PHONY: bench-programs
bench-programs: $(BENCH_BINS)

DESTDIR		?=
SBINDIR		?= $(PREFIX)/sbin
UNITDIR		?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR	?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR	?= $(PREFIX)/lib/tmpfiles.d
EXAMPLEDIR	?= $(PREFIX)/share/doc/flowgauge
MANDIR		?= $(PREFIX)/share/man
MAN_PAGES	:= $(notdir $(wildcard man/*.[1-8]))
EXAMPLES	:= $(notdir $(wildcard examples/*.conf))
# where a page belongs: NAME.SECTION
man_path	= $(MANDIR)/man$(subst .,,$(suffix $(1)))/$(1)
INSTALLED = $(SBINDIR)/flowgauged $(SBINDIR)/flowctl $(UNITDIR)/flowgauged.service \
	$(SYSUSERSDIR)/flowgauge.conf $(TMPFILESDIR)/flowgauge.conf $(EXAMPLES:%=$(EXAMPLEDIR)/%) \
	$(foreach m,$(MAN_PAGES),$(call man_path,$(m)))

.PHONY: uninstall
install: all
	$(Q)install -D -m 0755 $(B)/flowgauged $(DESTDIR)$(SBINDIR)/flowgauged
	$(Q)install -D -m 0755 $(B)/flowctl $(DESTDIR)$(SBINDIR)/flowctl
	$(Q)install -d $(DESTDIR)$(UNITDIR)
	$(Q)sed 's,@SBINDIR@,$(SBINDIR),g' dist/flowgauged.service.in >$(DESTDIR)$(UNITDIR)/flowgauged.service
	$(Q)install -D -m 0644 dist/sysusers.conf $(DESTDIR)$(SYSUSERSDIR)/flowgauge.conf
	$(Q)install -D -m 0644 dist/tmpfiles.conf $(DESTDIR)$(TMPFILESDIR)/flowgauge.conf
	$(Q)install -D -m 0644 -t $(DESTDIR)$(EXAMPLEDIR) $(EXAMPLES:%=examples/%)
	$(Q)$(foreach m,$(MAN_PAGES),install -D -m 0644 man/$(m) $(DESTDIR)$(call man_path,$(m)) &&) true
	$(Q)test -e $(DESTDIR)/etc/flowgauge/flowgauge.conf || \
		install -D -m 0644 examples/flowgauge.conf $(DESTDIR)/etc/flowgauge/flowgauge.conf

# /etc/flowgauge stays: it is the administrator's.
uninstall:
	$(Q)rm -f $(INSTALLED:%=$(DESTDIR)%)
	$(Q)-rmdir $(DESTDIR)$(EXAMPLEDIR) 2>/dev/null || true
