#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Runs the benchmarks named, collects the JSON lines that they print into
# build/bench.json, and prints them as a table. A line is
#
#	{"name":..., "value":N, "unit":..., "reference":..., "reference_value":N, "goal":..., "reached":true}
#
# reference, goal and reached may be missing. Exits 1 where a program fails;
# a figure that does not reach its goal is shown, not fatal.
set -u
cd "$(dirname "$0")/.." || exit 1
out=build/bench.json
mkdir -p build
: >"$out"
failed=0
[ $# -gt 0 ] || { echo "bench: no benchmarks" >&2; exit 1; }

for name; do
	echo "# $name" >&2
	timeout 300 "build/tests/bench/$name" >"$out.part" || { echo "bench: $name ended with $?" >&2; failed=1; }
	if ! grep '^{' "$out.part" | jq -c . >>"$out"; then
		echo "bench: $name printed no JSON" >&2
		failed=1
	fi
done
rm -f "$out.part"

jq -r 'def n: if type == "number" then (if . >= 1000 then round else . * 100 | round / 100 end | tostring) else (. // "-") end;
	[.name, (.value | n), .unit, (.reference // "-"), (.reference_value | n),
		(if .reference_value and .reference_value != 0 then .value / .reference_value | n else "-" end),
		(.goal // "-" | tostring), (if .reached == null then "-" elif .reached then "yes" else "NO" end)] | join("|")' "$out" |
	{ echo 'name|value|unit|reference|its value|ratio|goal|reached'; cat; } | column -t -s '|'
exit $failed
