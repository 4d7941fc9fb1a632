#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every shell script passes shellcheck. Sourced files are not followed: their
# variables and functions are known to the scripts that source them.
. tests/ktap.sh

command -v shellcheck >/dev/null || ktap_skip_all "no shellcheck"

shell_scripts() {
	tree_files '*' | while read -r file; do
		# shellcheck disable=SC2015
		head -c 64 "$file" | LC_ALL=C tr -d '\0' | head -n 1 | grep -qE '^#!.*/(ba|da)?sh' && echo "$file"
	done
}

# SC1091, SC2154: what is sourced is not followed; SC2317: functions are called by name;
# SC2016: dollars in single quotes are meant; SC2001: sed reads better than an expansion; SC2034: settings
# for what is sourced; SC2119, SC2120: optional arguments
NOT_MEANT=SC1091,SC2154,SC2317,SC2016,SC2001,SC2034,SC2119,SC2120
found_by_shellcheck() {
	shell_scripts | xargs -r shellcheck -f gcc -S style -e "$NOT_MEANT"
}

ktap_print_header
rule_holds "shellcheck" found_by_shellcheck
rule_catches "an unquoted variable" found_by_shellcheck tests/bad.sh <<<$'#!/bin/sh\nrm $1'
ktap_finished
