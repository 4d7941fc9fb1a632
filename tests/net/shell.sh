#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# flowctl shell: on a terminal with ?, TAB, abbreviations, modes and a history;
# and as a script, whose first error names its line and ends it.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0
. tests/lib.sh
begin
need_command python3

setup_pair
basic_config m0 | write_config
start_agent
links_up
traffic "$src" -d 192.0.2.9 -b 5000 -n 100 -f 10 >/dev/null

# script [FILE]: its output in OUT, its messages in ERR
script() {
	OUT=$(ctl shell "$@" 2>"$T/err")
	CODE=$?
	ERR=$(cat "$T/err")
}

# On a terminal: each test of the scenario becomes one of ours.
terminal() {
	HOME=${HISTORY_HOME:-$T} in_ns "$mon" tests/net/terminal.py "$FLOWCTL" --socket "$T/agent.run/control.sock" shell >"$T/terminal"
	while read -r word rest; do
		case $word in
		ok) log_test "$rest" ;;
		not)
			check_err 1 "${rest#*: }"
			rest=${rest#ok }
			log_test "${rest%%:*}"
			;;
		ended) check_equal "$rest" 0 "exit code"; log_test "the shell ends" ;;
		esac
	done <"$T/terminal"
}

terminal <<'END'
< flowgauge#
> conf?
< configure  Change the candidate
< config     show, check, load
> \x03
# help on what a word begins
> show flow ?
< monitor    name, <monitor>
< exporter
< record
< interface
> \x03
# help on the next word
> sh ru\r
< flow exporter V9
< flow monitor M4
< interface m0
# abbreviated words
> show s\r
< % 's' could be startup-config or sampler
> frobnicate\r
< % 'frobnicate': expected configure, show
> show flow monitor NOSUCH\r
< NOSUCH
# words that are not clear, or wrong
> conf\x09\x09
< configure
< config
> \x03
> sh fl mon M\x09
< M4
< M6
> \x03
> sh fl mon M4 ca\x09
< cache
> filter 'dport >= 9000' top 3\r
< 3 of 10 flows
> show flow monitor M4 cache sort ?
< highest
< counter
> high?
< highest
> \x15show flow monitor M4 cache sort highest coun\x09by\x09?
< long
< top
> \x15show flow monitor M4 cache filter ipv4 proto\x09udp and transport ?
< destination-port
> dest\x09?
< format
> 9005\r
< 1 of 10 flows
# words of fields in sort and filter
# TAB writes words and names, and lists where it is not clear
> conf t\r
< flowgauge(config)#
> flow mon\x09
< flow monitor
> NEW\r
< flowgauge(config-flow-monitor)#
> desc is this a ? mark\r
> rec ?
< <record>
< netflow-original
< netflow
> \x03
> rec netf\x09 ipv\x09
< ipv4
< ipv6
> 4 ?
< original-input
< original-output
> \x03
> record netflow ipv4 original-input\r
> exp ?
< <name>
< V9
< IPFIX
> V9\r
> cache timeout ?
< active
< inactive
> act ?
< <1-604800>
> 0\r
< % cache timeout act 0: must be 1 to 604800
> cac ti act 33\r
> cache timeout\r
< % cache timeout: expected
> ex\r
< % ex: could be exporter or exit
> exit\r
< flowgauge(config)#
# a monitor, word by word
> int m\x09\r
< flowgauge(config-interface)#
> ip flow mon N\x09 in\r
> do sh flow mon NEW\r
< NEW
> fl rec\x09
< record
> R2\r
< flowgauge(config-flow-record)#
> match ipv4 ?
< source
< destination
> \x03
> match ipv4 source add\x09\r
> match ipv4 source address\r
! already
> collect ipv4 source address\r
< is there already to match
! config set
> co\r
< % co: could be collect, configure or commit
> collect counter pack\x09
< packets
> \r
> no flow record R2\r
< flowgauge(config)#
# modes change with headers, and the object that is removed is left
> diff\r
< +flow monitor NEW
< + description is this a ? mark
< + cache timeout active 33
< + ip flow monitor NEW input
! R2
> show running-config\r
! NEW
# what is configured changes the candidate alone
> commit comment 'out of a terminal'\r
< commit 2 runs
> \x1a
< flowgauge#
> show run\r
< flow monitor NEW
> show history\r
< config commit: out of a terminal
# commit, and end by Ctrl-Z
> stats\r
> \x10\x10\r
< out of a terminal
# the history goes back
> show version |?
< begin
< include
< section
> \x15show run | sec ?
< <expression>
> \x15show run | inc ^ exporter IPF\r
!  exporter V9
< exporter IPFIX
# lines are chosen behind a |
> conf t\r
> flow monitor NEW\r
> description Zürich\r
> do show candidate-config | include Z\r
<  description Zürich
> do show version | count 'x" y'\r
< regexp = 0
> do show flow monitor M4 cache filter "dport == 9001 or monitor == 'a b'"\r
< monitor
> conf t\r
> flow monitor NEW\r
> interface GigabitEthernet0/0/1\r
< % interface GigabitEthernet0/0/1: not the name of a Linux interface
> description of the interface\r
< % description: belongs below
> flow monitor NEW\r
> flow record netflow-original\r
< % flow record netflow-original: this record is predefined
> description of the record\r
< % description: belongs below
> do show candidate-config | include of the\r
! description of the
> end\r
# what stands below a header that is refused changes nothing else
> conf t\r
< (config)#
> end\r
< % what was configured does not run yet: commit makes it run
> discard\r
< flowgauge#
# UTF-8, quotes behind do, and what does not run yet
> exit\r
.
END
[ -s "$T/.flowgauge_history" ]
check_err $? "no history is kept"
check_equal "$(command stat -c %a "$T/.flowgauge_history")" 600 "mode of the history"
terminal <<'END'
> \x10\x10
< discard
> \x03
# the history of an earlier shell
> configure\r
< (config)#
> do exit\r
< (config)#
> \x04
.
END

mkdir "$T/home"
ln -s "$T/elsewhere" "$T/home/.flowgauge_history"
HISTORY_HOME=$T/home terminal <<'END'
< home/.flowgauge_history: not a file of your own
> show version\r
< flowctl
> exit\r
# a history that is a link is not used
.
END
[ ! -e "$T/elsewhere" ]
check_err $? "the link was followed"
rm "$T/home/.flowgauge_history"
echo precious >"$T/precious"
ln "$T/precious" "$T/home/.flowgauge_history"
HISTORY_HOME=$T/home terminal <<'END'
< home/.flowgauge_history: not a file of your own, or one with another name
> exit\r
# a history that has another name is not written
.
END
check_equal "$(cat "$T/precious")" precious "the other name"
log_test "the history is a file with one name"
rm "$T/home/.flowgauge_history"
touch "$T/home/.flowgauge_history"
chmod 644 "$T/home/.flowgauge_history"
python3 -c 'print("> show " + "x" * 5000 + "\\r")' >"$T/keys"
HISTORY_HOME=$T/home terminal < <(cat "$T/keys" - <<'END'
< % a line of more than 4094 octets: it is left out
> exit\r
# a line that is too long is not cut
.
END
)
check_equal "$(command stat -c %a "$T/home/.flowgauge_history")" 600 "mode of the history"
check_equal "$(cat "$T/home/.flowgauge_history")" exit "the history"
log_test "the history becomes its owner's alone"

script < <(python3 -c 'print("show version" + " " * 5000 + "| include flowctl")')
grep -q "a line of more than 4095 octets" <<<"$ERR"
check_err $? "$ERR"
log_test "nor is a line cut that has a filter"

script <<<'sh run flow exp V9'
check_equal "$(head -n 1 <<<"$OUT")" "flow exporter V9" "the first line"
check_equal "$(grep -c ^flow <<<"$OUT")" 1 "headers"
script <<<'sh run flow mon'
check_equal "$(grep -v '^[ !]' <<<"$OUT")" $'flow monitor M4\nflow monitor M6\nflow monitor NEW' "headers"
script <<<'sh run int m0'
check_equal "$(grep -v '^[ !]' <<<"$OUT")" "interface m0" "headers"
grep -q '^ ip flow monitor M4 input' <<<"$OUT"
check_err $? "$OUT"
log_test "parts of the running configuration"

# ---- what is typed on a router --------------------------------------------------
# says LINE PATTERN...: it is carried out, and this is in what it prints
says() {
	local line=$1 pattern
	shift
	script <<<"$line"
	check_equal "$CODE, $ERR" "0, " "$line: exit code, messages"
	for pattern; do
		grep -qe "$pattern" <<<"$OUT"
		check_err $? "$line: no '$pattern' in: $OUT"
	done
}

# refuses LINE PATTERN: it is not, and the message says so
refuses() {
	script <<<"$1"
	[ "$CODE" != 0 ]
	check_err $? "$1: done"
	grep -qe "$2" <<<"$ERR"
	check_err $? "$1: no '$2' in: $ERR"
}

says 'show flow monitor M4 cache' 'Flow Monitor M4' '^  Flows added: *10$' 'Inactive timeout' 'IPV4 SRC ADDR' 9009
says 'show flow monitor name M4 cache format record' 'Flows added' '^ipv4 source address  *192.0.2.1$'
says 'sh fl mon M4 ca fo csv' '^ipClassOfService,'
says 'show flow monitor M4 cache filter "dport == 9003" format record' 9003
! grep -q 9004 <<<"$OUT"
check_err $? "more than was asked for: $OUT"
says 'show flow monitor M4 cache sort bytes top 3' '3 of 10 flows'
says 'sh fl mon M4 ca sort highest transport destination-port top 1 format csv' ',9009,'
says 'sh fl mon name M4 cache filter ipv4 destination address 192.0.2.8/30 sort lowest trans dest top 2' 9000 9001 '2 of 10 flows'
says 'show flow monitor M4 cache filter transport destination-port 9003 and ipv4 protocol udp format record' 9003
! grep -q 9004 <<<"$OUT"
check_err $? "more than was asked for: $OUT"
says 'show flow monitor M4 cache filter ipv4 destination address 203.0.113.0/24' '0 of 10 flows'
refuses 'show flow monitor M4 cache sort highest counter frobs top 1' "counter 'frobs': expected"
log_test "show flow monitor: sort and filter in a router's words"
says 'show flow monitor name M4' 'Flow Monitor M4'
says 'show flow monitor M4 statistics' 'M4'
log_test "show flow monitor: cache, format, statistics"
says 'show flow exporter V9 statistics' 'Messages sent'
says 'show flow exporter statistics' 'Flow Exporter V9' 'Flow Exporter IPFIX'
says 'show flow exporter name V9 templates' 'Template 2..: record netflow ipv4 original-input'
says 'show flow exporter templates' 'Flow Exporter IPFIX' 'Template 2..: record netflow ipv4 original-input'
says 'show flow exporter export-ids netflow-v9' sourceIPv4Address
says 'show flow exporter option application table' http
says 'show flow interface m0' '^m0 .* input:'
refuses 'show flow interface nosuch0' 'nosuch0'
says 'show flow record netflow ipv4 as' 'flow record netflow ipv4 as:'
says 'show sampler'
says 'show running-config interface m0' '^interface m0$'
log_test "show flow exporter, interface, record"
says 'clear flow monitor M4 cache'
says 'show flow monitor M4' '^  Current entries: *0$' '^  - Forced *10$'
says 'clear flow monitor name M6 force-export'
says 'clear flow monitor M4 statistics'
refuses 'clear flow monitor NOSUCH' 'NOSUCH'
refuses 'clear flow exporter V9 statistics' 'V9: .*collectors'
log_test "clear flow monitor and exporter"

says 'show running-config | section flow monitor M4' '^flow monitor M4' '^ record'
grep -q 'interface' <<<"$OUT"
check_fail $? "more than the section: $OUT"
says 'show running-config | begin ^interface' '^interface m0'
grep -q '^flow' <<<"$OUT"
check_fail $? "more than from there on: $OUT"
says 'sh run | e ^flow' '^ record'
grep -q '^flow' <<<"$OUT"
check_fail $? "what was to be left out: $OUT"
says 'show running-config | count ^flow|^interface' '^Number of lines which match regexp = 6$'
refuses 'show running-config | include (' 'include (: '
refuses 'show running-config | grep x' 'expected begin'
refuses 'show running-config | include' 'expression'
refuses 'show nosuch | include x' 'nosuch'
log_test "| begin, count, exclude, include, section"
says $'enable\nterminal length 0\nterminal width 132\nshow version\ndisable\nlogout\nnosuch' flowctl
says 'terminal length 24' 'never paged'
says 'show ip cache flow' 'flow monitor M4'
says 'show ip flow interface' '^m0'
says 'show ip flow export' 'Flow Exporter V9'
says 'wr'
grep -q 'flow monitor NEW' "$T/agent.conf"
check_err $? "wr wrote nothing"
script <<<$'conf t\nflow monitor NEW\ncache timeout active 99\nend\nwr mem\ncommit\nwr mem'
check_equal "$CODE" 0 "exit code"
check_equal "$(grep -o '^standard input:[0-9]*: what was configured' <<<"$ERR")" $'standard input:4: what was configured\nstandard input:5: what was configured' "notes"
grep -q 'active 99' "$T/agent.conf"
check_err $? "wr after commit wrote nothing"
log_test "enable, terminal length 0, wr and their likes"

# ---- scripts -------------------------------------------------------------------
ctl config discard
script <<'END'
! a comment
configure
 flow monitor NEW
  cache timeout active 44
 !
 exit
show candidate-config
END
check_equal "$CODE" 0 "exit code"
check_equal "${ERR#*:}" "6: what was configured does not run yet: commit makes it run, discard drops it" "messages"
grep -q 'cache timeout active 44' <<<"$OUT"
check_err $? "the candidate: $OUT"
ctl config discard
log_test "a script from standard input"

script <<'END'
conf t
hostname edge-1
flow monitor NEW
 cache timeout active 44
router bgp 64500
 neighbor 192.0.2.7 remote-as 64501
 exit
configure terminal
interface range m0 , nosuch1 - 2
 description uplink
 no shutdown
 ip flow monitor M4 input
 end
show candidate-config
END
check_equal "$CODE" 0 "exit code"
check_equal "$(grep -c 'left out' <<<"$ERR")" 5 "messages about what is left out"
grep -q '^standard input:2: hostname edge-1: left out: the name' <<<"$ERR"
check_err $? "$ERR"
check_equal "$(grep -A1 '^interface' <<<"$OUT" | grep -c 'ip flow monitor M4 input')" 3 "interfaces"
ctl config discard
script <<<$'conf t\nip flow-export destination 192.0.2.1 2055'
check_equal "$CODE" 2 "exit code"
grep -q '^standard input:2: .*flow exporter' <<<"$ERR"
check_err $? "$ERR"
log_test "a router's statements are left out by name; those of flows are errors"

printf 'conf t\n\n flow monitor NEW\n  cache timeout active 45\n  cache timeout active never\n exit\ncommit\n' >"$T/script"
script "$T/script"
check_equal "$CODE" 2 "exit code"
grep -q "^$T/script:5: cache timeout active never: must be 1 to 604800" <<<"$ERR"
check_err $? "the error: $ERR"
ctl config show running | grep -q 'active 45'
check_fail $? "it was committed all the same"
ctl config discard
log_test "the first error of a script names its line and ends it"

printf 'configure\nflow monitor NEW\n no record\n exit\ncommit\nshow running-config\n' >"$T/script"
script "$T/script"
check_equal "$CODE" 1 "exit code"
grep -q "^$T/script:5: candidate:[0-9]*: flow monitor NEW: no record" <<<"$ERR"
check_err $? "the error: $ERR"
check_equal "$OUT" "" "output after the error"
ctl config discard
log_test "what cannot be committed ends a script too"

printf "show flow monitor M4 cache 'open\n" >"$T/script"
script "$T/script"
check_equal "$CODE" 2 "exit code"
printf 'show version\0\n' >"$T/script"
script "$T/script"
check_equal "$CODE" 2 "exit code"
head -c 100000 /dev/zero | tr '\0' 'x' >"$T/script"
script "$T/script"
check_equal "$CODE" 2 "exit code"
head -c 100000 /dev/urandom >"$T/script"
script "$T/script"
[ $CODE = 1 ] || [ $CODE = 2 ]
check_err $? "exit code $CODE"
script "$T/nosuch"
check_equal "$CODE" 1 "exit code"
log_test "scripts that are none"

# What runs, pasted once more.
{ echo configure; ctl config show; echo commit; } >"$T/script"
script "$T/script"
check_equal "$CODE, $ERR" "0, " "exit code, messages"
check_equal "$OUT" "no difference to what runs: nothing to commit" "output"
printf 'configure\ninterface m0\n ip flow monitor M4 sampler S input\n' >"$T/script"
script "$T/script"
check_equal "$CODE" 1 "exit code"
grep -q 'is there already without a sampler' <<<"$ERR"
check_err $? "the error: $ERR"
ctl config discard
log_test "what is there already can be said again, not against what it is"
take_stats
check_conservation
log_test "conservation"
stop_agent
ktap_finished
