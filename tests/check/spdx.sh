#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Each source file opens with its SPDX line (after #! where there is one). What
# runs in the kernel is GPL-2.0-only; everything else, and the headers that
# both sides include, GPL-2.0-or-later.
. tests/ktap.sh

licence_of() {
	case $1 in
	bpf/*_abi.h | bpf/config.h | kernel/sampler_rule.h) echo GPL-2.0-or-later ;; # userspace includes them
	kernel/uapi/*.h) echo 'GPL-2.0-only WITH Linux-syscall-note' ;;
	bpf/* | kernel/* | Kbuild | dkms.conf | *.bpf.c) echo GPL-2.0-only ;;
	*) echo GPL-2.0-or-later ;;
	esac
}

wrong_licences() {
	local file first licence
	while read -r file; do
		first=$(sed -n '1{/^#!/!{p;q}};2{p;q}' "$file")
		licence=$(licence_of "$file")
		[[ $first =~ ^(/\*|//|#)\ SPDX-License-Identifier:\ ${licence}(\ \*/)?$ ]] ||
			echo "$file: opens with '$first' instead of SPDX-License-Identifier: $licence"
	done < <(tree_files '*.c' '*.h' '*.def' '*.sh' '*.mk' '*.in' '*.awk' Makefile Kbuild '*.conf' run)
}

ktap_print_header
rule_holds "SPDX lines" wrong_licences
rule_catches "no SPDX line" wrong_licences userspace/base/bad.c <<<'/* hello */'
rule_catches "userspace under the kernel's licence" wrong_licences userspace/base/bad.c \
	<<<'/* SPDX-License-Identifier: GPL-2.0-only */'
rule_catches "a BPF program under userspace's" wrong_licences bpf/bad.bpf.c \
	<<<'// SPDX-License-Identifier: GPL-2.0-or-later'
rule_catches "a script without" wrong_licences tests/bad.sh <<<$'#!/bin/sh\necho'
ktap_finished
