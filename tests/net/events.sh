#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# cache timeout event transaction-end: TCP flows leave soon after their
# connection ends (flowEndReason 3), each direction with its last ACK; those
# that go on and those of other protocols stay.
#
#	ns src			ns mon
#	s0 192.0.2.1 ---------- m0 192.0.2.2	flowgauged meters m0, flowctl listen on lo
. tests/lib.sh
begin
need_command python3

setup_pair
cat <<-END | write_config
	flow record R
	 match ipv4 protocol
	 match ipv4 source address
	 match ipv4 destination address
	 match transport source-port
	 match transport destination-port
	 match flow direction
	 collect counter packets long
	 collect counter bytes long
	 collect transport tcp flags
	 collect flow end-reason
	flow exporter E
	 destination 127.0.0.1
	 transport udp 4739
	 export-protocol ipfix
	flow monitor M
	 record R
	 exporter E
	 cache timeout inactive 600
	 cache timeout event transaction-end
	flow monitor PLAIN
	 record R
	 cache timeout inactive 600
	interface m0
	 ip flow monitor M input
	 ip flow monitor M output
	 ip flow monitor PLAIN input
	 ip flow monitor PLAIN output
END
start_listen listen 4739
start_agent
links_up

# connect_and_end PORT: both ends say what they have to say, then that it was all
connect_and_end() {
	in_ns "$mon" timeout 60 python3 - "$1" >"$T/server" <<-'END' &
		import socket, sys
		listener = socket.create_server(("192.0.2.2", int(sys.argv[1])))
		print("listening", flush=True)
		peer, _ = listener.accept()
		while peer.recv(65536):
		    pass
		peer.sendall(bytes(5000))
	END
	local server=$!
	busywait "$WAIT_MS" grep -q listening "$T/server"
	check_err $? "nobody listens"
	in_ns "$src" timeout 60 python3 - "$1" <<-'END'
		import socket, sys
		s = socket.create_connection(("192.0.2.2", int(sys.argv[1])))
		s.sendall(bytes(200000))
		s.shutdown(socket.SHUT_WR)
		while s.recv(65536):
		    pass
	END
	wait "$server"
	check_err $? "the connection"
}

traffic "$src" -d 192.0.2.9 -p 7001 -n 10 >/dev/null
for port in 5201 5202; do
	connect_and_end $port
done
ended() { jq -s -r '[.[] | select(.protocolIdentifier? == 6)] | length' "$T/listen.json" 2>/dev/null; }
four_ended() { [ "$(ended)" -ge 4 ]; }
busywait 10000 four_ended
check_err $? "$(ended) records"
pass_ms 3000
check_equal "$(ended)" 4 "records of two connections"
check_equal "$(jq -s -c '[.[] | select(.protocolIdentifier? == 6).flowEndReason] | unique' "$T/listen.json")" "[3]" "reasons"
log_test "each direction of a connection that ended is one record, of reason 3"
fins=$(jq -s -r '[.[] | select(.protocolIdentifier? == 6)] | map(.tcpControlBits) | map(tostring) | join(" ")' "$T/listen.json")
ktap_print_msg "flags: $fins"
check_equal "$(json '[.[] | select(.protocolIdentifier == 6)] | length' flow dump monitor M)" 0 "TCP flows in the cache"
check_equal "$(json '[.[] | select(.protocolIdentifier == 17)] | length' flow dump monitor M)" 1 "UDP flows in the cache"
check_equal "$(json '.[0].cache.aged.event' monitor show M)" 4 "event aged"
log_test "a flow of another protocol stays"
check_equal "$(json '[.[] | select(.protocolIdentifier == 6)] | length' flow dump monitor PLAIN)" 4 "TCP flows"
log_test "a monitor without the event keeps them"

settle
check_conservation
stop_agent
pass_ms 500
stop_listen listen
check_equal "$(jq -s '[.[] | select(.flowEndReason? // 0 > 0).packetDeltaCount] | add' "$T/listen.json")" "$(stat '[.attachments[].counted.packets] | add')" "collected packets"
log_test "the collector has every packet"
ktap_finished
