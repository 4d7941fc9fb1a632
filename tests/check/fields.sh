#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# No field without a packet: each row of fields.def is in a list of expected values of tests/net/fields_*.sh.
. tests/ktap.sh

TREE=$PWD
TABLE=userspace/flow/fields.def

either() {
	[ -e "$1" ] && echo "$1" || echo "$TREE/$1"
}

expected_fields() {
	sed -nE 's/^\t(collect )?([a-z0-9 -]+) = .+$/\2/p' "$TREE"/tests/net/fields_*.sh | sort -u
}

untested_fields() {
	comm -23 <(sed -nE 's/^FIELD\([A-Z0-9_]+, \.words = "([^"]*)",.*/\1/p' "$(either "$TABLE")" | sort -u) <(expected_fields) |
		sed "s,^,$TABLE: no packet shows ,"
}

ktap_print_header
rule_holds "every field has a packet" untested_fields
rule_catches "a field without" untested_fields "$TABLE" <<<'FIELD(BAD, .words = "bad idea", .name = "bad")'
ktap_finished
