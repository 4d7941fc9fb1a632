#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every .c and .h is as clang-format 14 leaves it (.clang-format). Tables keep
# their columns between "clang-format off" and "on". Another version would
# format otherwise: then this is skipped.
. tests/ktap.sh

format=$(command -v clang-format-14 || command -v clang-format) || ktap_skip_all "no clang-format"
"$format" --version | grep -q 'version 14\.' || ktap_skip_all "clang-format 14 is needed"

unformatted() {
	tree_files '*.c' '*.h' | xargs -r "$format" --dry-run --Werror 2>&1 | grep -E 'error:' | sort -u
}

ktap_print_header
rule_holds "formatted" unformatted
rule_catches "spaces for a tab" unformatted userspace/base/bad.c <<<$'int f(void)\n{\n    return 0;\n}'
ktap_finished
