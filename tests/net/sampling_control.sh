#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Samplers and flowctl: attached, shown and detached; of two statements that fit
# an interface the exact one decides; and what happens when numbers run out.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0
. tests/lib.sh
begin
need_command taskset

setup_pair
offloads off

# monitors N: M0 ... of them
monitors() {
	local i
	for ((i = 0; i < $1; i++)); do
		basic_monitor "M$i" "netflow ipv4 original-input" | sed '/^ exporter /d; s/entries.*/entries 64/'
	done
}

# deterministic N RATE: samplers S0 ... of rates RATE, RATE + 1, ...
deterministic() {
	local i
	for ((i = 0; i < $1; i++)); do
		samplers "S$i" "deterministic 1 out-of $(($2 + i))"
	done
}

# refused WORDS-OF-THE-MESSAGE WORDS...: flowctl says so, exit code 1
refused() {
	local words=$1 out rc
	shift
	out=$(ctl "$@" 2>&1)
	rc=$?
	check_equal $rc 1 "exit code of flowctl $*"
	grep -qF -e "$words" <<<"$out"
	check_err $? "no '$words' in: $out"
}

attached() {
	json '[.[] | select(.attached) | .monitors[] | "\(.monitor) \(."ipv4-sampler")"] | join(", ")' interface show
}

# ---- flowctl -----------------------------------------------------------------
{
	monitors 2
	deterministic 2 5
} | write_config
start_agent
links_up
check_equal "$(json 'map("\(.sampler) \(.mode) \(.size) \(.population) \(.id) \(.users | length)") | join(", ")' sampler show)" \
	"S0 deterministic 1 5 0 0, S1 deterministic 1 6 0 0" "samplers that nobody uses"
ctl interface attach m0 monitor M0 input sampler S1 hook tc >/dev/null
check_err $? "attach"
ctl interface attach m0 monitor M1 input >/dev/null
check_err $? "attach without"
check_equal "$(attached)" "M0 S1, M1 null" "attached"
send "$src" -d 192.0.2.9 -n 600 >/dev/null
settle
check_equal "$(monitor_sum M0 | cut -d ' ' -f 1) $(monitor_sum M1 | cut -d ' ' -f 1)" "100 600" "counted"
check_equal "$(ctl sampler show S1 | head -n 1)" "Sampler S1:" "text"
ctl sampler show S1 | grep -q 'Selected: .* 100 packets .* 1 in 6.00$'
check_err $? "no ratio in: $(ctl sampler show S1)"
log_test "attached by flowctl, it samples"
before=$(ctl config show)
refused "is there already with sampler S1" interface attach m0 monitor M0 input sampler S0
refused "there is no sampler NONE" interface attach m0 monitor M0 output sampler NONE
refused "sampler NONE: there is none of this name" sampler show NONE
check_equal "$(ctl config show)" "$before" "configuration"
log_test "what cannot be is refused and changes nothing"
ctl interface detach m0 monitor M0 >/dev/null
check_err $? "detach"
check_equal "$(attached)" "M1 null" "attached"
retired() {
	[ "$(json '.samplers | length' stats)" = 0 ]
}
busywait "$WAIT_MS" retired
check_err $? "the number of a sampler that nobody uses is not given back"
check_equal "$(json '.[1].id' sampler show)" 0 "id"
log_test "detached, it gives its number back"

# ---- patterns ------------------------------------------------------------------
{
	monitors 2
	deterministic 2 5
	cat <<-END
		interface m*
		 ip flow monitor M0 sampler S0 input
		 ip flow monitor M1 sampler S0 input
		interface m0
		 ip flow monitor M0 sampler S1 input
		interface ?0
		 ip flow monitor M1 sampler S1 input
	END
} | write_config
reload_agent
check_equal "$(attached)" "M0 S1, M1 S0" "attached"
log_test "the statement for the very name decides, then the first pattern"

# nine PATTERN: five monitors with samplers of their own for each of two statements that fit m0
nine() {
	local i
	monitors 10
	deterministic 10 5
	echo "interface m0"
	for ((i = 0; i < 5; i++)); do echo " ip flow monitor M$i sampler S$i input"; done
	echo "interface $1"
	for ((i = 5; i < 10; i++)); do echo " ip flow monitor M$i sampler S$i input"; done
}
nine 'x*' | write_config
reload_agent
before=$(ctl config show)
nine 'm*' >"$T/nine.conf"
refused "more than 8 different samplers" config load "$T/nine.conf" commit
check_equal "$(ctl config show)" "$before" "configuration"
check_equal "$(json '[.[] | select(.attached) | .monitors[]] | length' interface show)" 5 "monitors"
log_test "more samplers at an interface than there is room for: refused"
cp "$T/nine.conf" "$T/agent.conf"
kill_agent
start_agent
check_equal "$(json '[.[] | select(.attached)] | length' interface show)" 0 "attached"
json '.[0].trouble' interface show | grep -q "more than 8 different samplers"
check_err $? "trouble: $(json '.[0].trouble' interface show)"
log_test "an agent that starts with them says so and runs"

# ---- numbers run out -----------------------------------------------------------
# fifteen RATE: as many samplers as there can be
fifteen() {
	local i
	monitors 8
	deterministic 15 "$1"
	echo "interface m0"
	for ((i = 0; i < 8; i++)); do echo " ip flow monitor M$i sampler S$i input"; done
	for ((i = 8; i < 15; i++)); do echo " ip flow monitor M$((i - 8)) sampler S$i output"; done
}
numbers() {
	json 'map(.id) | unique | map(tostring) | join(" ")' sampler show
}
monitors 1 | write_config
reload_agent
busywait "$WAIT_MS" retired
fifteen 100 | write_config
reload_agent
check_equal "$(numbers)" "$(seq -s ' ' 15)" "numbers"
before=$(ctl config show)
fifteen 200 >"$T/other.conf"
refused "there are 15 samplers already" config load "$T/other.conf" commit
check_equal "$(ctl config show)" "$before" "configuration"
log_test "fifteen others at once: refused"
cp "$T/other.conf" "$T/agent.conf"
kill_agent
start_agent
all_attached() {
	[ "$(json '[.[] | select(.attached)] | length' interface show)" = 2 ]
}
busywait "$WAIT_MS" all_attached
check_err $? "trouble: $(json 'map(.trouble)' interface show)"
check_equal "$(json 'map(select(.defined) | .population) | max' sampler show)" 214 "samplers"
take_stats
counted=$(monitor_sum M0)
send "$src" -d 192.0.2.9 -n 2000 >/dev/null
settle
check_conservation
after=$(monitor_sum M0)
check_equal $((${after% *} - ${counted% *})) 10 "1 out-of 200"
log_test "an agent that starts with fifteen others gets numbers as they come free"
stop_agent
log_test "the agent ends as it should"
ktap_finished
