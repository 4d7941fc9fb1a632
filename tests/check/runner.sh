#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# tests/run.sh tells a test that passed from one that failed in each of the
# ways a test can fail: what it says of good and of bad programs.
. tests/ktap.sh

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/tests/check"
sed 's/\*) echo 120 ;;/*) echo 2 ;;/' tests/run.sh >"$dir/tests/run.sh"
chmod +x "$dir/tests/run.sh"

# counts NAME EXPECTED-LAST-LINE EXPECTED-EXIT-CODE < PROGRAM
counts() {
	local out rc
	{ echo '#!/bin/bash'; cat; } >"$dir/tests/check/sample.sh"
	chmod +x "$dir/tests/check/sample.sh"
	out=$("$dir/tests/run.sh" check/sample)
	rc=$?
	check_equal "$(tail -n 1 <<<"$out")" "$2" "last line"
	check_equal "$rc" "$3" "exit code"
	log_test "$1"
}

ktap_print_header
counts "all pass" "2 passed, 0 failed, 0 skipped" 0 <<<'echo 1..2; echo ok 1 a; echo ok 2 b'
counts "plan at the end" "1 passed, 0 failed, 0 skipped" 0 <<<'echo ok 1 a; echo 1..1'
counts "one fails" "1 passed, 1 failed, 0 skipped" 1 <<<'echo 1..2; echo ok 1 a; echo not ok 2 b; exit 1'
counts "fails, but exits 0" "0 passed, 1 failed, 0 skipped" 1 <<<'echo 1..1; echo not ok 1 b'
counts "one skipped" "1 passed, 0 failed, 1 skipped" 0 <<<'echo 1..2; echo ok 1 a; echo "ok 2 b # SKIP why"'
counts "all skipped by exit code" "0 passed, 0 failed, 1 skipped" 1 <<<'echo "1..0 # SKIP why"; exit 4'
counts "nothing but a skip never passes" "0 passed, 0 failed, 1 skipped" 1 <<<'echo 1..1; echo "ok 1 a # SKIP x"'
counts "no plan" "1 passed, 1 failed, 0 skipped" 1 <<<'echo ok 1 a'
counts "fewer results than planned" "1 passed, 1 failed, 0 skipped" 1 <<<'echo 1..3; echo ok 1 a'
counts "more results than planned" "2 passed, 1 failed, 0 skipped" 1 <<<'echo 1..1; echo ok 1 a; echo ok 2 b'
counts "says nothing" "0 passed, 1 failed, 0 skipped" 1 <<<':'
counts "passes, but exits 3" "1 passed, 1 failed, 0 skipped" 1 <<<'echo 1..1; echo ok 1 a; exit 3'
counts "dies of a signal" "1 passed, 1 failed, 0 skipped" 1 <<<'echo 1..1; echo ok 1 a; kill -SEGV $$'
counts "hangs" "1 passed, 1 failed, 0 skipped" 1 <<<'echo 1..1; echo ok 1 a; sleep 60'
counts "nested results are the program's own" "1 passed, 0 failed, 0 skipped" 0 \
	<<<'echo 1..1; echo "  not ok 1 inner"; echo ok 1 a'
check_equal "$("$dir/tests/run.sh" -l -t 'sam*' check/sample check/other)" "check/sample" "what is listed"
log_test "-l lists what -t takes"
rm "$dir/tests/check/sample.sh"
check_equal "$("$dir/tests/run.sh" check/sample | tail -n 1)" "0 passed, 1 failed, 0 skipped" "last line"
log_test "a test that is not there"
ktap_finished
