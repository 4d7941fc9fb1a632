#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Every row of fields.def against the registry of IPFIX information elements:
# number and name belong together, and the octets on the wire are those of the
# element's type (integers may be sent shorter, RFC 7011 section 6.2). The
# project keeps the part of the registry that the table uses. Its own elements
# have numbers and names that nothing else has.
. tests/ktap.sh

TREE=$PWD
TABLE=userspace/flow/fields.def
REGISTRY=tests/data/ipfix-information-elements.csv

# The file of this tree, or of the real one where this has none.
either() {
	[ -e "$1" ] && echo "$1" || echo "$TREE/$1"
}

# "symbol name number octets" of each row.
rows() {
	${CC:-cc} -E -P -x c '-DFIELD(symbol, ...)=@ROW symbol __VA_ARGS__' '-DNUMBER(n)=@NUMBER n' \
		'-DFROM(c, m, n)=@OCTETS n' '-DBITS(m, k, s, n)=@OCTETS n' '-DCOUNTED(c, m, n)=@OCTETS n' \
		'-DFACT(c, m, n)=@OCTETS n' '-DHEAD(m, n)=@OCTETS n' '-DFLAG(m, k)=@OCTETS 1' '-DLESS(m, k, n)=@OCTETS n' \
		'-DTIMES(m, k, n)=@OCTETS n' '-DCONSTANT(c, n)=@OCTETS n' '-DENTERPRISE(n)=@NUMBER private:n' \
		'-DCOUNTED_BITS(m, k, s, n)=@OCTETS n' '-DZERO(n)=@OCTETS n' '-DPATH(m, n)=@OCTETS n' \
		'-DPREFIX_OF(a, l, n)=@OCTETS n' "$(either "$TABLE")" |
		sed -nE 's/^@ROW ([^ ]+) .*\.name = "([^"]*)".*@NUMBER ([0-9]+|private: *[0-9]+).*@OCTETS ([0-9]+).*/\1 \2 \3 \4/p' |
		sed 's,private: *,private:,'
}

wrong_rows() {
	rows | awk -v table="$TABLE" -v registry="$(either "$REGISTRY")" '
		BEGIN {
			FS = ","
			while ((getline < registry) > 0) {
				name[$1] = $2
				type[$1] = $3
				public[$2] = 1
			}
			FS = " "
			split("unsigned8 1 unsigned16 2 unsigned32 4 unsigned64 8 ipv4Address 4 ipv6Address 16 " \
			      "macAddress 6 boolean 1 dateTimeSeconds 4 dateTimeMilliseconds 8 " \
			      "dateTimeMicroseconds 8 dateTimeNanoseconds 8", list)
			for (i = 1; i in list; i += 2)
				size[list[i]] = list[i + 1]
		}
		function wrong(why) { print table ": " $1 ": " why }
		$3 ~ /^private/ && ($3 in private) { wrong($3 " is " private[$3] " too") }
		$3 ~ /^private/ && ($2 in public) { wrong($2 " is the name of an element of IANA") }
		$3 ~ /^private/ { private[$3] = $1; next }
		!($3 in name) { wrong("element " $3 " is not in the registry"); next }
		name[$3] != $2 { wrong("element " $3 " is " name[$3] ", not " $2) }
		type[$3] == "octetArray" { next }
		!(type[$3] in size) { wrong("no size is known of type " type[$3]); next }
		$4 > size[type[$3]] { wrong($4 " octets for " type[$3]) }
		$4 < size[type[$3]] && type[$3] !~ /^unsigned/ { wrong($4 " octets for " type[$3]) }'
}

# What the registry here has more than the table.
unused_elements() {
	comm -13 <(rows | cut -d' ' -f3 | sort -u) <(tail -n +2 "$(either "$REGISTRY")" | cut -d, -f1 | sort -u) |
		sed "s,^,$REGISTRY: no field has element ,"
}

# A row that the pattern above does not understand.
missed_rows() {
	local written found
	written=$(grep -c '^FIELD(' "$(either "$TABLE")")
	found=$(rows | wc -l)
	[ "$written" = "$found" ] || echo "$TABLE: $found of $written rows were read"
}

row() {
	echo "FIELD(BAD, .words = \"bad\", .name = \"$1\", NUMBER($2), FROM(UINT, key.tos, $3), .help = \"\")"
}

private_row() {
	echo "FIELD(BAD, .words = \"bad\", .name = \"$1\", ENTERPRISE($2), FROM(UINT, key.tos, 1), .help = \"\")"
}

ktap_print_header
rule_holds "rows of fields.def" wrong_rows
rule_holds "all rows are read" missed_rows
rule_holds "no other elements" unused_elements
rule_catches "another element's name" wrong_rows "$TABLE" < <(row protocolIdentifier 5 1)
rule_catches "a name in another case" wrong_rows "$TABLE" < <(row ipclassOfService 5 1)
rule_catches "an element that does not exist" wrong_rows "$TABLE" < <(row nothing 60000 1)
rule_catches "an octet too many" wrong_rows "$TABLE" < <(row ipClassOfService 5 2)
rule_catches "a shortened address" wrong_rows "$TABLE" < <(row sourceIPv4Address 8 3)
rule_catches "a private number twice" wrong_rows "$TABLE" < <(private_row one 1 && private_row two 1)
rule_catches "a private element with another's name" wrong_rows "$TABLE" < <(private_row octetDeltaCount 1)
rule_catches "a row without a number" missed_rows "$TABLE" \
	<<<'FIELD(BAD, .words = "bad", .name = "bad", FROM(UINT, key.tos, 1))'
rule_catches "an element too many" unused_elements "$REGISTRY" <<<$'id,name,data_type\n99,multicastReplicationFactor,unsigned32'
ktap_finished
