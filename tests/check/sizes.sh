#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A file stays within 800 lines, a function within 100 (from its opening brace
# in the first column to its closing one). Prints the median function.
. tests/ktap.sh

FILE_MAX=800
FUNCTION_MAX=100

long_files() {
	tree_files '*.c' '*.h' | xargs -r wc -l | awk -v max="$FILE_MAX" \
		'$2 != "total" && $1 > max { print $2 ": " $1 " lines, " max " at most" }'
}

# "file:line length" of every function.
functions() {
	tree_files '*.c' '*.h' | xargs -r awk '
		FNR == 1 { start = 0 }
		/^{/ { start = FNR }
		/^}/ && start { print FILENAME ":" start " " FNR - start + 1; start = 0 }'
}

long_functions() {
	functions | awk -v max="$FUNCTION_MAX" '$2 > max { print $1 ": a function of " $2 " lines, " max " at most" }'
}

ktap_print_header
rule_holds "files within $FILE_MAX lines" long_files
rule_holds "functions within $FUNCTION_MAX lines" long_functions
rule_catches "a file of 801 lines" long_files userspace/base/long.c < <(yes '' | head -n 801)
rule_catches "a function of 101 lines" long_functions userspace/base/long.c < <(
	echo 'int f(void)'; echo '{'; yes '	g();' | head -n 99; echo '}')
ktap_print_msg "median function: $(functions | awk '{ print $2 }' | sort -n |
	awk '{ n[NR] = $1 } END { print n[int((NR + 1) / 2)] }') lines"
ktap_finished
