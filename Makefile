# SPDX-License-Identifier: GPL-2.0-or-later
#
# flowgauge. Output lies in build/ (with SAN=1 in build/san/). `make help` lists
# the targets.

V	?= 0
SAN	?= 0
CC	:= gcc
CLANG	?= clang
BPFTOOL	?= $(shell command -v bpftool || echo /usr/sbin/bpftool)
PREFIX	?= /usr
B	:= build
ifeq ($(SAN),1)
B	:= build/san
# for the kernel, there is nothing to sanitize
BPF_B	:= build
endif
BPF_B	?= $(B)

Q	:= $(if $(filter 1,$(V)),,@)
say	= $(if $(filter 1,$(V)),,@printf '  %-8s %s\n' $(1) $(patsubst $(CURDIR)/%,%,$@))

WARN	:= -Wall -Wextra -Werror -Wstrict-prototypes -Wmissing-prototypes -Wmissing-declarations \
	   -Wold-style-definition -Wformat=2 -Wvla -Wno-unused-parameter
CPPFLAGS := -Ibpf -Ikernel -Iuserspace -I$(BPF_B)/gen -D_GNU_SOURCE
CFLAGS	?= -O2 -g
ALL_CFLAGS = -std=gnu11 $(WARN) $(CFLAGS) -fno-strict-aliasing $(SAN_FLAGS)
ifeq ($(SAN),1)
SAN_FLAGS := -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
endif
LIBS_METER := -lbpf -lelf -lz -lpthread -lmnl
LIBS_ENGINE := -lmnl
LIBS_LOOP := -luv
LIBS_SHELL := -ledit
BPF_CFLAGS := -g -O2 -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-unused-parameter -Ibpf -Ikernel \
	   -I/usr/include/$(shell $(CC) -print-multiarch 2>/dev/null)

# The sources, folder by folder: this list is the table of contents.
BASE_SRCS   := base/error.c base/log.c base/clock.c base/file.c base/state_file.c base/out.c
FLOW_SRCS   := flow/field.c flow/field_encode.c flow/field_text.c flow/record.c flow/predefined.c flow/cache.c \
	       flow/cache_index.c flow/cache_journal.c flow/cache_merge.c flow/cache_expire.c \
	       flow/presence.c flow/sampler.c flow/statistics.c flow/monitor.c
EXPORT_SRCS := export/template.c export/template_table.c export/message.c export/protocol_v9.c \
	       export/protocol_ipfix.c export/options.c export/announcer.c export/delta.c export/ring.c export/ledger.c \
	       export/sampler_table.c export/option_table.c export/sender.c export/sender_options.c export/exporter.c export/transport_udp.c
ROUTE_SRCS  := route/lpm.c route/route_table.c route/fib.c route/rtnetlink.c route/application.c route/as_table.c
METER_SRCS  := meter/meter.c meter/pin.c meter/map.c meter/feature.c meter/roster.c meter/sampler.c meter/module.c \
	       meter/sampling.c meter/table.c meter/slot.c \
	       meter/generation.c meter/fence.c meter/sweep.c meter/device.c meter/program.c meter/filter.c \
	       meter/hook.c meter/attach.c meter/removal.c
CONFIG_SRCS := config/word_list.c config/statement.c config/phrase.c config/argument.c \
	       config/element.c config/command.c config/object.c config/commands.c config/edit.c config/check.c config/check_views.c \
	       config/config.c config/show.c config/complete.c config/spelling.c config/foreign.c config/range.c
ENGINE_SRCS := engine/engine.c engine/apply.c engine/wanted.c engine/attachments.c engine/claims.c engine/sampling.c engine/enrich.c engine/names.c engine/links.c engine/link_type.c engine/totals.c engine/fanout.c
CONTROL_SRCS := control/server.c control/request.c control/change.c control/history.c control/history_file.c control/history_mark.c \
	       control/commit.c control/commit_start.c control/commit_confirm.c control/candidate.c control/show_commit.c control/dump.c control/show_interface.c \
	       control/show_monitor.c control/show_exporter.c control/show_record.c control/show_sampler.c control/show_application.c \
	       control/show_statistics.c control/show_stats.c
FLOWCTL_SRCS := main.c command.c pattern.c client.c output.c flow.c flow_field.c flow_filter.c flow_sort.c flow_print.c \
	       record.c config.c config_edit.c config_save.c save_file.c diff.c \
	       expand.c shell.c shell_table.c shell_configure.c shell_complete.c shell_field.c shell_pipe.c line_editor.c listen.c \
	       listen_stream.c listen_print.c element.c decode.c decode_session.c \
	       decode_set.c decode_v5.c decode_v9.c decode_ipfix.c
BPF_LAYOUTS := compact narrow wide full
# by what of the kernel they link against, see bpf/guard.h: nothing, METER_PREEMPT, METER_MODULE
BPF_VARIANTS := - preempt module

AREAS	:= base flow export meter route config engine control
lib	= $(B)/lib/$(1).a
upper	= $(shell echo $(1) | tr a-z A-Z)
ALL_LIBS = $(foreach a,control engine config export meter route flow base,$(call lib,$(a)))

.PHONY: all help deps clean check demo bench install bpf
all: $(B)/flowgauged $(B)/flowctl

help:
	@echo 'make               build flowgauged and flowctl into build/'
	@echo 'make deps          install what is missing to build and test (apt, as root)'
	@echo 'make check         install, build and run all tests (as root)'
	@echo 'make vm-check      run what other kernels may do otherwise on those, in virtual machines'
	@echo 'make demo          meter a veth between two namespaces and show the flows (as root)'
	@echo 'make demo IFACE=X  meter interface X until Ctrl-C (as root)'
	@echo 'make bench         measure; figures beside their references, also in build/bench.json'
	@echo 'make install       install under PREFIX (/usr), DESTDIR is honoured'
	@echo 'make uninstall      take that away again, but for /etc/flowgauge'
	@echo 'make module        build flow_sampler.ko for the kernel whose headers are in KDIR'
	@echo 'make module-install  install it (as root)'
	@echo 'make clean         remove build/'
	@echo 'V=1 prints commands, SAN=1 builds with ASan and UBSan, CLANG=clang-19 picks the BPF compiler'

deps:
	$(Q)tests/deps.sh

define area_rules
$(1)_OBJS := $$(patsubst %.c,$$(B)/obj/%.o,$$($(2)_SRCS))
$$(B)/lib/$(1).a: $$($(1)_OBJS)
	$$(call say,AR)
	$$(Q)mkdir -p $$(@D) && rm -f $$@ && ar rcs $$@ $$($(1)_OBJS)
endef
$(eval $(call area_rules,base,BASE))
$(eval $(call area_rules,flow,FLOW))
$(eval $(call area_rules,export,EXPORT))
$(eval $(call area_rules,meter,METER))
$(eval $(call area_rules,route,ROUTE))
$(eval $(call area_rules,config,CONFIG))
$(eval $(call area_rules,engine,ENGINE))
$(eval $(call area_rules,control,CONTROL))

$(B)/obj/%.o: userspace/%.c
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/tools/%.o: tools/%.c
	$(call say,CC)
	$(Q)mkdir -p $(@D) && $(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# One program text, one object a table layout and variant: meter_LAYOUT or meter_LAYOUT_VARIANT.
METERS	:= $(foreach l,$(BPF_LAYOUTS),$(foreach v,$(BPF_VARIANTS),meter_$(l)$(if $(filter-out -,$(v)),_$(v))))
BPF_OBJS := $(METERS:%=$(BPF_B)/bpf/%.bpf.o)
SKELS	:= $(METERS:%=$(BPF_B)/gen/%.skel.h)
bpf: $(BPF_OBJS)
$(BPF_B)/bpf/meter_%.bpf.o: bpf/meter.bpf.c
	$(call say,BPF)
	$(Q)mkdir -p $(@D) && $(CLANG) $(BPF_CFLAGS) -DFLOW_LAYOUT_$(call upper,$(firstword $(subst _, ,$*))) \
		$(patsubst %,-DMETER_%,$(call upper,$(word 2,$(subst _, ,$*)))) -MMD -MP -MT $@ -MF $(@:.o=.d) -c -o $@.full $<
	$(Q)$(BPFTOOL) gen object $@ $@.full && rm $@.full # without DWARF, which is half of it

$(BPF_B)/gen/%.skel.h: $(BPF_B)/bpf/%.bpf.o
	$(call say,SKEL)
	$(Q)mkdir -p $(@D) && $(BPFTOOL) gen skeleton $< name $* > $@
$(meter_OBJS): | $(SKELS)

$(B)/flowgauged: $(B)/obj/main.o $(ALL_LIBS)
	$(call say,LD)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $< -Wl,--start-group $(ALL_LIBS) -Wl,--end-group $(LIBS_METER) $(LIBS_ENGINE) $(LIBS_LOOP)

FLOWCTL_OBJS := $(patsubst %.c,$(B)/obj/tools/flowctl/%.o,$(FLOWCTL_SRCS))
FLOWCTL_LIBS := $(foreach a,config export flow base,$(call lib,$(a)))
$(B)/flowctl: $(FLOWCTL_OBJS) $(FLOWCTL_LIBS)
	$(call say,LD)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $(FLOWCTL_OBJS) -Wl,--start-group $(FLOWCTL_LIBS) -Wl,--end-group $(LIBS_SHELL)

# The kernel module, into build/module/RELEASE/: how is in kernel/build.sh.
KDIR	?= /lib/modules/$(shell uname -r)/build
.PHONY: module module-install
module:
	+$(Q)KDIR='$(KDIR)' VMLINUX='$(VMLINUX)' kernel/build.sh
module-install: module
	$(Q)KDIR='$(KDIR)' DESTDIR='$(DESTDIR)' kernel/build.sh install

# What is needed of the kernel's source, unpacked once: for the module, and for the tests the harness,
# the selftests' makefiles, kconfig.
KERNEL_TREE := build/kernel-source
KERNEL_PARTS := scripts include/uapi/linux/bpf.h tools/arch tools/bpf/resolve_btfids tools/build tools/include tools/lib \
	tools/scripts Makefile arch/x86/Makefile arch/x86/Makefile_32.cpu \
	$(addprefix tools/testing/selftests/,Makefile lib.mk run_kselftest.sh kselftest kselftest.h kselftest_harness.h)
KERNEL_SOURCE = $(lastword $(sort $(wildcard /usr/src/linux-source-*.tar.xz)))
kernel-source: $(KERNEL_TREE)/.unpacked
$(KERNEL_TREE)/.unpacked $(KERNEL_TREE)/tools/testing/selftests/kselftest.h &:
	$(call say,UNPACK)
	$(Q)test -n '$(KERNEL_SOURCE)' || { echo 'no /usr/src/linux-source-*.tar.xz: run make deps'; exit 1; }
	$(Q)mkdir -p $(KERNEL_TREE) && tar -xJf $(KERNEL_SOURCE) -C $(KERNEL_TREE) --strip-components=1 \
		$(KERNEL_PARTS:%=$(patsubst %.tar.xz,%,$(notdir $(KERNEL_SOURCE)))/%) --wildcards --no-anchored 'Kconfig*'
	$(Q)touch $(KERNEL_TREE)/.unpacked $(KERNEL_TREE)/tools/testing/selftests/kselftest.h
build/resolve_btfids: $(KERNEL_TREE)/.unpacked
	$(call say,BUILD)
	$(Q)$(MAKE) -s -C $(KERNEL_TREE)/tools/bpf/resolve_btfids >$@.log 2>&1 || { cat $@.log; exit 1; }
	$(Q)cp $(KERNEL_TREE)/tools/bpf/resolve_btfids/resolve_btfids $@

-include tests/tests.mk

clean:
	$(Q)rm -rf build

.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $(B) -path $(B)/vm -prune -o -type f -name '*.d' -print 2>/dev/null)
