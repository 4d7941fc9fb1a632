#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# mpls flow monitor takes what is below labels, whatever it is; datalink flow
# monitor every frame, IP or not; both beside ip and ipv6 on one interface, with
# samplers, on input and output, by XDP and by tc.
#
#	ns src			ns mon
#	s0 (tcpreplay) -------- m0		flowgauged meters m0
. tests/lib.sh
begin
need_command tcpreplay text2pcap

setup_pair
silence_pair

ethernet='02 00 00 00 00 0a 02 00 00 00 00 0b'
# UDP from port 1000 to 2000, 8 octets of payload: 36 octets of IPv4, 56 of IPv6
udp='03 e8 07 d0 00 10 00 00 61 61 61 61 61 61 61 61'
ipv4="45 00 00 24 00 01 40 00 40 11 00 00 c0 00 02 01 c0 00 02 09 $udp"
ipv6="60 00 00 00 00 10 11 40 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 01 20 01 0d b8 00 00 00 00 00 00 00 00 00 00 00 09 $udp"
pseudowire='00 00 00 00 02 00 00 00 00 0c 02 00 00 00 00 0d 88 b5 00 01 02 03 04 05 06 07'
arp='00 01 08 00 06 04 00 01 02 00 00 00 00 0b c0 00 02 01 00 00 00 00 00 00 c0 00 02 09'
frames=(
	"08 00 $ipv4"
	"86 dd $ipv6"
	"88 47 00 06 41 40 $ipv4"             # label 100
	"88 47 00 06 40 40 00 0c 81 40 $ipv6" # labels 100, 200
	"88 47 00 12 c1 40 $pseudowire"       # label 300
	"08 06 $arp"
	"88 b5 00 01 02 03 04 05 06 07 08 09"
	"81 00 00 05 88 b5 00 01 02 03 04 05 06 07 08 09"
)
make_frames "${frames[@]/#/$ethernet }"

config() {
	cat <<-END
		flow record LABELS
		 match mpls label 1 details
		 match mpls label-stack depth
		 match ip version
		 collect counter packets long
		 collect counter bytes long
		flow record FRAMES
		 match datalink ethertype
		 match datalink mac source address input
		 match ip version
		 collect counter packets long
		 collect counter bytes layer2 long
		sampler HALF
		 mode deterministic 1 out-of 2
	END
	printf 'flow monitor %s\n record %s\n cache timeout inactive 600\n' IP4 'netflow ipv4 original-input' IP6 'netflow ipv6 original-input' \
		LABELS LABELS LABELS4 'netflow ipv4 original-input' FRAMES FRAMES SAMPLED FRAMES
	cat <<-END
		flow monitor SUMS
		 record FRAMES
		 statistics packet protocol
		 statistics packet size
		interface m0
		 datalink flow monitor SUMS input
		 ip flow monitor IP4 input
		 ipv6 flow monitor IP6 input
		 mpls flow monitor LABELS input
		 mpls flow monitor LABELS4 input
		 datalink flow monitor FRAMES input
		 datalink flow monitor SAMPLED sampler HALF input
		 flow hook $1
	END
}
counted() { stat ".monitors[] | select(.monitor == \"$1\") | .counted.packets"; }
# frames of a kind: a jq condition on what the dump of FRAMES has
frames_of() { json "[.[] | select($1).packetDeltaCount] | add + 0" flow dump monitor FRAMES; }

for hook in tc xdp; do
	config $hook | write_config
	start_agent
	links_up 2>/dev/null # no IPv6 neighbours where there is no IPv6
	replay 50
	settle
	check_conservation
	nothing_unclaimed
	check_equal "$(stat '.attachments[0].observed.packets')" 400 "observed"
	check_equal "$(stat '.attachments[0].counted.packets')" 400 "counted"
	log_test "$hook: every frame is counted"
	check_equal "$(counted IP4) $(counted IP6)" "100 100" "ip, ipv6: with and without labels"
	check_equal "$(counted LABELS)" 150 "mpls"
	check_equal "$(counted LABELS4)" 50 "mpls, a record of IPv4"
	log_test "$hook: mpls takes what is below labels, ip and ipv6 their own, labelled or not"
	check_equal "$(json 'map("\(.mplsLabelStackDepth) \(.ipVersion) \(.packetDeltaCount)") | sort | join("; ")' flow dump monitor LABELS)" \
		"1 0 50; 1 4 50; 2 6 50" "flows by labels"
	log_test "$hook: flows by their labels"
	check_equal "$(counted FRAMES)" 400 "datalink"
	check_equal "$(frames_of '.ipVersion == 4') $(frames_of '.ipVersion == 6') $(frames_of '.ipVersion == 0')" "100 100 200" "by IP version"
	check_equal "$(frames_of '.ethernetType == "0x0806"') $(frames_of '.ethernetType == "0x88b5"')" "50 100" "ARP, others"
	log_test "$hook: datalink takes every frame"
	check_equal "$(counted SAMPLED)" "$(sampler_sum HALF selected | cut -d ' ' -f 1)" "sampled"
	check_equal "$(sampler_sum HALF observed | cut -d ' ' -f 1)" 400 "asked"
	check_equal "$(counted SAMPLED)" 200 "one of two"
	log_test "$hook: and its sampler is asked of each"
	ctl monitor clear SUMS
	check_equal "$(json '.[0].statistics | ([.sizes[] | select(.packets > 0) | "\(."up-to"):\(.packets)"] + [.protocols[] | "\(.protocol):\(.packets)"]) | join(" ")' monitor show SUMS statistics)" \
		"32:200 64:200 UDP-other:200 not-IP:200 Total:400" "statistics"
	log_test "$hook: statistics of frames"
	check_equal "$(json '.[0].monitors | map(.monitor + ":" + ([to_entries[] | select(.value == true).key] | join("+"))) | join(" ")' interface show)" \
		"SUMS:datalink IP4:ipv4 IP6:ipv6 LABELS:mpls LABELS4:mpls FRAMES:datalink SAMPLED:datalink" "what each takes"
	ctl interface show | grep -q 'monitor SAMPLED datalink sampler HALF'
	check_err $? "$(ctl interface show)"
	log_test "$hook: interface show has it"
	stop_agent
	rm -rf "$T/agent.run" "$T/bpf/agent"
done

# only mpls: what has no labels is somebody else's
cat <<-END | write_config
	$(config tc | sed '/^interface/,$d')
	interface m0
	 mpls flow monitor LABELS input
	 flow hook tc
END
start_agent
replay 20
settle
check_conservation
check_equal "$(counted LABELS)" 60 "mpls"
check_equal "$(stat '.attachments[0]."not-ip".packets')" 100 "the others"
log_test "mpls alone: what has no labels counts as not metered"
ctl interface attach m0 monitor FRAMES output datalink sampler HALF >/dev/null
check_err $? "interface attach"
check_equal "$(json '[.[] | select(.direction == "output").monitors[] | "\(.monitor) \(.ipv4) \(.datalink) \(."datalink-sampler")"] | join("; ")' interface show)" \
	"FRAMES false true HALF" "output"
ctl interface detach m0 monitor FRAMES >/dev/null
check_equal "$(json 'map(.direction) | join(" ")' interface show)" input "after detach"
log_test "attach and detach by hand"
stop_agent
ktap_finished
