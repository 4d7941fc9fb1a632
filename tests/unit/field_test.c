// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every field of one flow, octet by octet; then encoding by columns against a
 * twin that goes row by row and octet by octet; then times.
 */
#include <stdio.h>

#include "flow/field.h"
#include "kselftest_harness.h"
#include "unit/flows.h"

#define SECOND NSEC_PER_SEC

static const struct field_path path = {
	.exporter_v4 = { 192, 0, 2, 1 },
	.collector_v4 = { 192, 0, 2, 2 },
	.exporter_v6 = { 0x20, 1, 0xd, 0xb8, [15] = 3 },
	.collector_v6 = { 0x20, 1, 0xd, 0xb8, [15] = 4 },
	.exporter_port = { 0xc0, 0x01 },
	.collector_port = { 0x12, 0x83 },
	.transport = 17,
};

static const struct field_clock now = {
	.path = &path,
	.mono_ns = 1000 * SECOND,
	.unix_ns = 1700000000 * SECOND + SECOND / 4,
	.base_ns = 100 * SECOND,
	.domain = 0xd0d1d2d3,
	.version = 10,
};

static const struct flow reference = {
	.key = { .src_v4 = 0x0302010a, /* 10.1.2.3 */
		 .dst_v4 = 0x090200c0, /* 192.0.2.9 */
		 .src_port = 0x8913,   /* 5001 */
		 .dst_port = 0x0108,   /* 2049: ICMP type 8, code 1 */
		 .protocol = 6,
		 .tos = 0xb8,
		 .ip_version = 4,
		 .direction = FLOW_OUTPUT,
		 .in_ifindex = 0x01020304,
		 .out_ifindex = 0x05060708,
		 .flow_label = 0xdebc0a00,
		 .vlan_tci = 0xb123,
		 .ext_headers = 0x4800,
		 .mpls_label = { 0x12, 0x34, 0x57 },
		 .sampler_id = 9,
		 .attachment = 1 },
	.extra = { .src_mac = { 2, 0, 0, 0, 0, 10 },
		   .ethertype = 0x0800,
		   .dst_mac = { 2, 0, 0, 0, 0, 11 },
		   .inner_vlan_tci = 0x6045,
		   .frag_id = 0xbeef,
		   .frag_offset = 185,
		   .frag_flags = 0x20,
		   .ttl = 63,
		   .ip_length = 1500,
		   .l4_length = 1480,
		   .ip_header_length = 20,
		   .tcp_header_length = 32,
		   .tcp_window = 0xf0fa,
		   .next_hop_v4 = 0x016433c6, /* 198.51.100.1 */
		   .src_as = 64500,
		   .dst_as = 4200000000,
		   .src_prefix_len = 24,
		   .dst_prefix_len = 16,
		   .end_reason = FLOW_END_ACTIVE },
	.more = { .tcp_seq = 0x04030201,
		  .tcp_ack = 0x14131211,
		  .tcp_urgent = 0x2221,
		  .tcp_flags = 0xfa5,
		  .spi = 0x34333231,
		  .ipv4_options = 1u << 7 | 1u << 20, /* record route, router alert */
		  .tcp_options = 1u << 2 | 1u << 8 | 1u << 30,
		  .mpls_labels = { 0x3f563412, 0x40684423, 0x417a5434, 0x428c6445, 0x439f7456 },
		  .mpls_top_ttl = 0x44,
		  .mpls_depth = 6,
		  .tunnel_id = 0x00a1b2c3,
		  .tunnel_type = FLOW_TUNNEL_VXLAN,
		  .next_header = 43,
		  .cgroup_id = 0x9192939495969798,
		  .pid = 4711,
		  .uid = 1001,
		  .in_vrf = 0x51525354,
		  .out_vrf = 0x55565758,
		  .in_physical = 0x61626364,
		  .out_physical = 0x65666768,
		  .application = 0x03000050,
		  .in_if_type = 6,
		  .out_if_type = 135,
		  .forwarding_status = 64,
		  .active_timeout_s = 1800,
		  .idle_timeout_s = 15 },
	.stats = { .packets = 0x0102030405060708,
		   .octets = 0x1112131415161718,
		   .l2_octets = 0x2122232425262728,
		   .first_ns = 900 * SECOND + SECOND / 2,
		   .last_ns = 1000 * SECOND - NSEC_PER_MSEC,
		   .length_min = 40,
		   .length_max = 70000, /* more than two octets hold */
		   .tcp_flags = 0x11b,
		   .ttl_min = 60,
		   .ttl_max = 64,
		   .ext_headers = 0x48010000,
		   .octets_squared = 0x4142434445464748 },
	.counts = { .tcp = { 1, 2, 3, 4, 5, 6 }, /* FIN, SYN, RST, PSH, ACK, URG */
		    .flows = 0x3132333435363738,
		    .octets_total = 0x5152535455565758,
		    .packets_total = 0x6162636465666768,
		    .octets_squared_total = 0x7172737475767778,
		    .l2_octets_total = 0x8182838485868788 },
};

/* clang-format off */
static const char *const expected[FIELD_ID_MAX] = {
	[FIELD_ID_IPV4_TOS] = "b8",
	[FIELD_ID_IPV4_PROTOCOL] = "06",
	[FIELD_ID_IPV4_SRC] = "0a010203",
	[FIELD_ID_IPV4_DST] = "c0000209",
	[FIELD_ID_IPV4_SRC_MASK] = "18",
	[FIELD_ID_IPV4_DST_MASK] = "10",
	[FIELD_ID_IPV4_SRC_PREFIX] = "0a010200",
	[FIELD_ID_IPV4_DST_PREFIX] = "c0000000",
	[FIELD_ID_IPV4_DSCP] = "2e",
	[FIELD_ID_IPV4_PRECEDENCE] = "05",
	[FIELD_ID_IPV4_VERSION] = "04",
	[FIELD_ID_IPV4_TTL] = "3f",
	[FIELD_ID_IPV4_TTL_MIN] = "3c",
	[FIELD_ID_IPV4_TTL_MAX] = "40",
	[FIELD_ID_IPV4_LENGTH] = "05dc",
	[FIELD_ID_IPV4_LENGTH_MIN] = "0028",
	[FIELD_ID_IPV4_LENGTH_MAX] = "ffff",
	[FIELD_ID_IPV4_HEADER_LENGTH] = "14",
	[FIELD_ID_IPV4_ID] = "beef",
	[FIELD_ID_IPV4_FRAG_OFFSET] = "00b9",
	[FIELD_ID_IPV4_FRAG_FLAGS] = "20",
	[FIELD_ID_IPV4_IHL] = "05",
	[FIELD_ID_IPV4_OPTIONS] = "80001000",
	[FIELD_ID_IPV4_MULTICAST] = "00",
	[FIELD_ID_IPV6_TRAFFIC_CLASS] = "b8",
	[FIELD_ID_IPV6_HEADER_LENGTH] = "14",
	[FIELD_ID_IPV6_PAYLOAD_LENGTH] = "05b4",
	[FIELD_ID_IPV6_NEXT_HEADER] = "2b",
	[FIELD_ID_IPV6_MULTICAST] = "00",
	[FIELD_ID_IPV6_FLOW_LABEL] = "0abcde",
	[FIELD_ID_IPV6_PROTOCOL] = "06",
	[FIELD_ID_IPV6_EXTENSIONS] = "48000000",
	[FIELD_ID_IPV6_EXTENSIONS_ALL] = "48010000",
	[FIELD_ID_IPV6_SRC] = "20010db8000000000000000000000001",
	[FIELD_ID_IPV6_DST] = "20010db8000000000000000000000002",
	[FIELD_ID_IPV6_SRC_MASK] = "18",
	[FIELD_ID_IPV6_DST_MASK] = "10",
	[FIELD_ID_IPV6_SRC_PREFIX] = "20010d00000000000000000000000000",
	[FIELD_ID_IPV6_DST_PREFIX] = "20010000000000000000000000000000",
	[FIELD_ID_IPV6_DSCP] = "2e",
	[FIELD_ID_IPV6_PRECEDENCE] = "05",
	[FIELD_ID_IPV6_VERSION] = "06",
	[FIELD_ID_IPV6_HOP_LIMIT] = "3f",
	[FIELD_ID_IPV6_HOP_LIMIT_MIN] = "3c",
	[FIELD_ID_IPV6_HOP_LIMIT_MAX] = "40",
	[FIELD_ID_IPV6_LENGTH] = "05dc",
	[FIELD_ID_IPV6_LENGTH_MIN] = "0028",
	[FIELD_ID_IPV6_LENGTH_MAX] = "ffff",
	[FIELD_ID_IPV6_ID] = "0000beef",
	[FIELD_ID_IPV6_FRAG_OFFSET] = "00b9",
	[FIELD_ID_IPV6_FRAG_FLAGS] = "20",
	[FIELD_ID_IP_PROTOCOL] = "06",
	[FIELD_ID_IP_VERSION] = "04",
	[FIELD_ID_IP_TOS] = "b8",
	[FIELD_ID_IP_DSCP] = "2e",
	[FIELD_ID_IP_TTL] = "3f",
	[FIELD_ID_IP_PRECEDENCE] = "05",
	[FIELD_ID_IP_TOS_OUT] = "b8",
	[FIELD_ID_IP_DSCP_OUT] = "2e",
	[FIELD_ID_IP_PRECEDENCE_OUT] = "05",
	[FIELD_ID_IP_TTL_MIN] = "3c",
	[FIELD_ID_IP_TTL_MAX] = "40",
	[FIELD_ID_IP_LENGTH] = "05dc",
	[FIELD_ID_IP_LENGTH_MIN] = "0028",
	[FIELD_ID_IP_LENGTH_MAX] = "ffff",
	[FIELD_ID_IP_PAYLOAD_LENGTH] = "000005c8",
	[FIELD_ID_SRC_PORT] = "1389",
	[FIELD_ID_DST_PORT] = "0801",
	[FIELD_ID_TCP_FLAGS] = "1b",
	[FIELD_ID_TCP_FLAGS_LONG] = "011b",
	[FIELD_ID_TCP_FLAGS_PACKET] = "a5",
	[FIELD_ID_TCP_FLAG_FIN] = "01",
	[FIELD_ID_TCP_FLAG_SYN] = "00",
	[FIELD_ID_TCP_FLAG_RST] = "01",
	[FIELD_ID_TCP_FLAG_PSH] = "00",
	[FIELD_ID_TCP_FLAG_ACK] = "00",
	[FIELD_ID_TCP_FLAG_URG] = "01",
	[FIELD_ID_TCP_FLAG_ECE] = "00",
	[FIELD_ID_TCP_FLAG_CWR] = "01",
	[FIELD_ID_TCP_SEQ] = "01020304",
	[FIELD_ID_TCP_ACK] = "11121314",
	[FIELD_ID_TCP_URGENT] = "2122",
	[FIELD_ID_TCP_OPTIONS] = "0401004000000000",
	[FIELD_ID_SPI] = "31323334",
	[FIELD_ID_UDP_SRC_PORT] = "1389",
	[FIELD_ID_UDP_DST_PORT] = "0801",
	[FIELD_ID_TCP_SRC_PORT] = "1389",
	[FIELD_ID_TCP_DST_PORT] = "0801",
	[FIELD_ID_TCP_WINDOW] = "faf0",
	[FIELD_ID_TCP_HEADER_LENGTH] = "20",
	[FIELD_ID_UDP_LENGTH] = "05c8",
	[FIELD_ID_ICMP_TYPE_CODE] = "0801",
	[FIELD_ID_ICMP_TYPE] = "08",
	[FIELD_ID_ICMP_CODE] = "01",
	[FIELD_ID_ICMPV6_TYPE_CODE] = "0801",
	[FIELD_ID_ICMPV6_TYPE] = "08",
	[FIELD_ID_ICMPV6_CODE] = "01",
	[FIELD_ID_IGMP_TYPE] = "08",
	[FIELD_ID_IF_INPUT] = "01020304",
	[FIELD_ID_IF_OUTPUT] = "05060708",
	[FIELD_ID_DIRECTION] = "01",
	[FIELD_ID_SAMPLER] = "09",
	[FIELD_ID_TIMEOUT_ACTIVE] = "0708",
	[FIELD_ID_TIMEOUT_INACTIVE] = "000f",
	[FIELD_ID_END_REASON] = "02",
	[FIELD_ID_IF_INPUT_PHYSICAL] = "61626364",
	[FIELD_ID_IF_OUTPUT_PHYSICAL] = "65666768",
	[FIELD_ID_IF_INPUT_TYPE] = "00000006",
	[FIELD_ID_IF_OUTPUT_TYPE] = "00000087",
	[FIELD_ID_OBSERVATION_POINT] = "0000000000000001",
	[FIELD_ID_SELECTOR] = "0000000000000009",
	[FIELD_ID_FORWARDING] = "40",
	[FIELD_ID_APPLICATION] = "03000050",
	[FIELD_ID_APPLICATION_ENGINE] = "03",
	[FIELD_ID_DOMAIN] = "d0d1d2d3",
	[FIELD_ID_VERSION] = "0a",
	[FIELD_ID_EXPORTER_V4] = "c0000201",
	[FIELD_ID_EXPORTER_V6] = "20010db8000000000000000000000003",
	[FIELD_ID_EXPORTER_PORT] = "c001",
	[FIELD_ID_COLLECTOR_V4] = "c0000202",
	[FIELD_ID_COLLECTOR_V6] = "20010db8000000000000000000000004",
	[FIELD_ID_COLLECTOR_PORT] = "1283",
	[FIELD_ID_EXPORT_TRANSPORT] = "11",
	[FIELD_ID_TUNNEL_TYPE] = "03",
	[FIELD_ID_TUNNEL_ID] = "00a1b2c3",
	[FIELD_ID_TUNNEL_SEGMENT] = "0100000000a1b2c3",
	[FIELD_ID_GRE_KEY] = "00000000",
	[FIELD_ID_CGROUP] = "9192939495969798",
	[FIELD_ID_PROCESS] = "00001267",
	[FIELD_ID_USER] = "000003e8",
	[FIELD_ID_BGP_NEXT_HOP_V4] = "00000000",
	[FIELD_ID_BGP_NEXT_HOP_V6] = "00000000000000000000000000000000",
	[FIELD_ID_VRF_INPUT] = "51525354",
	[FIELD_ID_VRF_OUTPUT] = "55565758",
	[FIELD_ID_SRC_AS] = "0000fbf4",
	[FIELD_ID_DST_AS] = "fa56ea00",
	[FIELD_ID_SRC_AS_PEER] = "00000000",
	[FIELD_ID_DST_AS_PEER] = "00000000",
	[FIELD_ID_NEXT_HOP_V4] = "c6336401",
	[FIELD_ID_NEXT_HOP_V6] = "c6336401000000000000000000000000",
	[FIELD_ID_SRC_MAC] = "02000000000a",
	[FIELD_ID_DST_MAC] = "02000000000b",
	[FIELD_ID_ETHERTYPE] = "0800",
	[FIELD_ID_VLAN_INPUT] = "0123",
	[FIELD_ID_DOT1Q_VLAN] = "0123",
	[FIELD_ID_DOT1Q_PRIORITY] = "05",
	[FIELD_ID_DOT1Q_INNER_VLAN] = "0045",
	[FIELD_ID_DOT1Q_INNER_PRIORITY] = "03",
	[FIELD_ID_SRC_MAC_OUT] = "02000000000a",
	[FIELD_ID_DST_MAC_OUT] = "02000000000b",
	[FIELD_ID_VLAN_OUTPUT] = "0123",
	[FIELD_ID_DOT1Q_VLAN_OUT] = "0123",
	[FIELD_ID_DOT1Q_INNER_VLAN_OUT] = "0045",
	[FIELD_ID_DOT1Q_DEI] = "01",
	[FIELD_ID_DOT1Q_INNER_DEI] = "02",
	[FIELD_ID_MPLS_LABEL] = "123457",
	[FIELD_ID_MPLS_EXP] = "03",
	[FIELD_ID_MPLS_EXP_OUT] = "03",
	[FIELD_ID_MPLS_TTL] = "44",
	[FIELD_ID_MPLS_STACK_LENGTH] = "00000018",
	[FIELD_ID_MPLS_STACK_DEPTH] = "00000006",
	[FIELD_ID_MPLS_LABEL_2] = "123456",
	[FIELD_ID_MPLS_EXP_2] = "03",
	[FIELD_ID_MPLS_TTL_2] = "3f",
	[FIELD_ID_MPLS_LABEL_3] = "234468",
	[FIELD_ID_MPLS_EXP_3] = "04",
	[FIELD_ID_MPLS_TTL_3] = "40",
	[FIELD_ID_MPLS_LABEL_4] = "34547a",
	[FIELD_ID_MPLS_EXP_4] = "05",
	[FIELD_ID_MPLS_TTL_4] = "41",
	[FIELD_ID_MPLS_LABEL_5] = "45648c",
	[FIELD_ID_MPLS_EXP_5] = "06",
	[FIELD_ID_MPLS_TTL_5] = "42",
	[FIELD_ID_MPLS_LABEL_6] = "56749f",
	[FIELD_ID_MPLS_EXP_6] = "07",
	[FIELD_ID_MPLS_TTL_6] = "43",
	[FIELD_ID_BYTES] = "1112131415161718",
	[FIELD_ID_BYTES_LONG] = "1112131415161718",
	[FIELD_ID_PACKETS] = "0102030405060708",
	[FIELD_ID_PACKETS_LONG] = "0102030405060708",
	[FIELD_ID_BYTES_L2] = "2122232425262728",
	[FIELD_ID_BYTES_L2_LONG] = "2122232425262728",
	[FIELD_ID_FLOWS] = "3132333435363738",
	[FIELD_ID_FLOWS_INITIATED] = "3132333435363738",
	[FIELD_ID_FLOWS_METHOD] = "01",
	[FIELD_ID_BYTES_OUT] = "1112131415161718",
	[FIELD_ID_PACKETS_OUT] = "0102030405060708",
	[FIELD_ID_BYTES_OUT_PERMANENT] = "5152535455565758",
	[FIELD_ID_PACKETS_OUT_PERMANENT] = "6162636465666768",
	[FIELD_ID_BYTES_L2_OUT] = "2122232425262728",
	[FIELD_ID_BYTES_L2_OUT_PERMANENT] = "8182838485868788",
	[FIELD_ID_FRAMES] = "0102030405060708",
	[FIELD_ID_FRAMES_PERMANENT] = "6162636465666768",
	[FIELD_ID_BYTES_SQUARED] = "4142434445464748",
	[FIELD_ID_BYTES_PERMANENT] = "5152535455565758",
	[FIELD_ID_PACKETS_PERMANENT] = "6162636465666768",
	[FIELD_ID_BYTES_SQUARED_PERMANENT] = "7172737475767778",
	[FIELD_ID_BYTES_L2_PERMANENT] = "8182838485868788",
	[FIELD_ID_TCP_SYN_COUNT] = "0000000000000002",
	[FIELD_ID_TCP_FIN_COUNT] = "0000000000000001",
	[FIELD_ID_TCP_RST_COUNT] = "0000000000000003",
	[FIELD_ID_TCP_PSH_COUNT] = "0000000000000004",
	[FIELD_ID_TCP_ACK_COUNT] = "0000000000000005",
	[FIELD_ID_TCP_URG_COUNT] = "0000000000000006",
	[FIELD_ID_UPTIME_FIRST] = "000c36f4",
	[FIELD_ID_UPTIME_LAST] = "000dbb9f",
	[FIELD_ID_ABSOLUTE_FIRST] = "0000018bcfe3e44e",
	[FIELD_ID_ABSOLUTE_LAST] = "0000018bcfe568f9",
	[FIELD_ID_ABSOLUTE_FIRST_S] = "6553f09c",
	[FIELD_ID_ABSOLUTE_LAST_S] = "6553f100",
	[FIELD_ID_ABSOLUTE_FIRST_US] = "e8fe6f1cc0000000", /* 1699999900.75 + 2208988800 */
	[FIELD_ID_ABSOLUTE_LAST_US] = "e8fe6f803fbe7000", /* 1700000000.249 */
	[FIELD_ID_ABSOLUTE_FIRST_NS] = "e8fe6f1cc0000000",
	[FIELD_ID_ABSOLUTE_LAST_NS] = "e8fe6f803fbe76c8",
	[FIELD_ID_DURATION_MS] = "000184ab",
	[FIELD_ID_DURATION_US] = "05ee3bf8",
	[FIELD_ID_DELTA_FIRST] = "05ee3fe0", /* 99.5 s */
	[FIELD_ID_DELTA_LAST] = "000003e8",
	[FIELD_ID_SYSTEM_INIT] = "0000018bcfd7ad5a",
};
/* clang-format on */

/* The reference as a packet that has field @f. */
static struct flow flow_with(const struct field *f)
{
	static const uint8_t prefix[16] = { 0x20, 0x01, 0x0d, 0xb8 };
	struct flow flow = reference;

	if (f->protocol)
		flow.key.protocol = f->protocol;
	if (f->family == FIELD_IPV6) {
		flow.key.ip_version = 6;
		memcpy(flow.key.src_v6, prefix, 16);
		memcpy(flow.key.dst_v6, prefix, 16);
		flow.key.src_v6[15] = 1;
		flow.key.dst_v6[15] = 2;
	}
	return flow;
}

static void to_hex(const uint8_t *octets, uint32_t n, char *text)
{
	for (uint32_t i = 0; i < n; i++)
		sprintf(text + 2 * i, "%02x", octets[i]);
}

TEST(every_field_has_the_right_octets)
{
	for (unsigned int id = 0; id < FIELD_ID_MAX; id++) {
		const struct field *f = field_get(id);
		struct flow flow = flow_with(f);
		uint8_t wire[18];
		char text[40] = "";

		memset(wire, 0xa5, sizeof(wire));
		ASSERT_NE(NULL, expected[id])
		{
			TH_LOG("%s has no expectation", f->symbol);
		}
		field_encode(f, &flow, 1, &now, wire, 16);
		to_hex(wire, f->wire_length, text);
		ASSERT_STREQ(expected[id], text)
		{
			TH_LOG("%s", f->symbol);
		}
		ASSERT_EQ(0xa5, wire[f->wire_length]);
	}
}

TEST(what_another_protocol_has_is_zero)
{
	unsigned int n = 0;

	for (unsigned int id = 0; id < FIELD_ID_MAX; id++) {
		const struct field *f = field_get(id);
		struct flow flows[3] = { flow_with(f), flow_with(f), flow_with(f) };
		uint8_t wire[3][16], zero[16] = { 0 };

		if (!f->protocol)
			continue;
		n++;
		flows[0].more.tcp_flags = flows[1].more.tcp_flags = flows[2].more.tcp_flags = 0xff;
		flows[1].key.protocol = 47;
		field_encode(f, flows, 3, &now, wire[0], 16);
		ASSERT_NE(0, memcmp(wire[0], zero, f->wire_length));
		ASSERT_EQ(0, memcmp(wire[1], zero, f->wire_length));
		ASSERT_NE(0, memcmp(wire[2], zero, f->wire_length));
	}
	ASSERT_EQ(27, n);
}

TEST(what_only_output_has_is_zero_on_input)
{
	unsigned int n = 0;

	for (unsigned int id = 0; id < FIELD_ID_MAX; id++) {
		const struct field *f = field_get(id);
		struct flow flows[3] = { flow_with(f), flow_with(f), flow_with(f) };
		uint8_t wire[3][16], zero[16] = { 0 };

		if (!f->output_only)
			continue;
		n++;
		flows[1].key.direction = FLOW_INPUT;
		field_encode(f, flows, 3, &now, wire[0], 16);
		ASSERT_NE(0, memcmp(wire[0], zero, f->wire_length));
		ASSERT_EQ(0, memcmp(wire[1], zero, f->wire_length));
		ASSERT_NE(0, memcmp(wire[2], zero, f->wire_length));
	}
	ASSERT_EQ(15, n);
}

static uint64_t encode_fact(enum field_id id, const struct flow *flow)
{
	const struct field *f = field_get(id);
	uint8_t wire[16];
	uint64_t v = 0;

	field_encode(f, flow, 1, &now, wire, 16);
	for (unsigned int i = 0; i < f->wire_length; i++)
		v = v << 8 | wire[i];
	return v;
}

TEST(derived_values)
{
	struct flow flow = reference;

	flow.key.dst_v4 = 0x010000ef; /* 239.0.0.1 */
	ASSERT_EQ(1, encode_fact(FIELD_ID_IPV4_MULTICAST, &flow));
	flow.key.dst_v4 = 0x010000f0;
	ASSERT_EQ(0, encode_fact(FIELD_ID_IPV4_MULTICAST, &flow));
	flow.key.dst_v6[0] = 0xff;
	flow.key.dst_v6[1] = 0x02; /* ff02: link-local scope, well known */
	ASSERT_EQ(0x20, encode_fact(FIELD_ID_IPV6_MULTICAST, &flow));
	flow.key.dst_v6[1] = 0x1e; /* ff1e: global scope, transient */
	ASSERT_EQ(0xe8, encode_fact(FIELD_ID_IPV6_MULTICAST, &flow));
	flow.more.tunnel_type = FLOW_TUNNEL_GRE;
	ASSERT_EQ(0, encode_fact(FIELD_ID_TUNNEL_SEGMENT, &flow));
	ASSERT_EQ(0x00a1b2c3, encode_fact(FIELD_ID_GRE_KEY, &flow));
	flow.more.tunnel_type = FLOW_TUNNEL_GENEVE;
	ASSERT_EQ(0, encode_fact(FIELD_ID_TUNNEL_SEGMENT, &flow));
	ASSERT_EQ(0, encode_fact(FIELD_ID_GRE_KEY, &flow));
	flow.extra.ip_length = 10; /* not filled in, or no packet */
	ASSERT_EQ(0, encode_fact(FIELD_ID_IP_PAYLOAD_LENGTH, &flow));
	flow.more.uid = 0;
	ASSERT_EQ(0xffffffff, encode_fact(FIELD_ID_USER, &flow));
	flow.more.uid = 1;
	ASSERT_EQ(0, encode_fact(FIELD_ID_USER, &flow));
	flow.stats.first_ns = 0;
	flow.stats.last_ns = 5000 * SECOND; /* behind the message: not more than until then */
	ASSERT_EQ(1000000, encode_fact(FIELD_ID_DURATION_MS, &flow));
	ASSERT_EQ(1000000000, encode_fact(FIELD_ID_DURATION_US, &flow));
}

/* As a message says it: not after its own time. */
static uint64_t sent_ns(uint64_t ns)
{
	return now.unix_ns - (now.mono_ns - (ns > now.mono_ns ? now.mono_ns : ns));
}

static uint64_t ntp_of(uint64_t ns)
{
	return ((ns / SECOND + 2208988800) & 0xffffffff) << 32 | (ns % SECOND << 32) / SECOND;
}

static uint64_t took(const struct flow_stats *s, uint64_t unit_ns)
{
	uint64_t first = sent_ns(s->first_ns), last = sent_ns(s->last_ns);
	uint64_t units = last > first ? (last - first) / unit_ns : 0;

	return units > 0xffffffff ? 0xffffffff : units;
}

static uint64_t naive_time(const struct field *f, const struct flow *flow, uint64_t ns)
{
	switch ((enum field_codec)f->codec) {
	case FIELD_UPTIME_MS:
		ns = ns > now.mono_ns ? now.mono_ns : ns;
		return (ns < now.base_ns ? 0 : (ns - now.base_ns) / 1000000) & 0xffffffff;
	case FIELD_UNIX_S:
		return sent_ns(ns) / SECOND;
	case FIELD_UNIX_MS:
		return sent_ns(ns) / 1000000;
	case FIELD_NTP_US:
		return ntp_of(sent_ns(ns) / 1000 * 1000) / 2048 * 2048;
	case FIELD_NTP_NS:
		return ntp_of(sent_ns(ns));
	case FIELD_TOOK_MS:
		return took(&flow->stats, 1000000);
	case FIELD_DELTA_US:
		ns = now.unix_ns / 1000 - sent_ns(ns) / 1000;
		return ns > 0xffffffff ? 0xffffffff : ns;
	default:
		return took(&flow->stats, 1000);
	}
}

static uint64_t naive_multicast(const struct field *f, const struct flow *flow)
{
	const uint8_t *v6 = flow->key.dst_v6;

	if (f->family == FIELD_IPV4)
		return (flow->key.dst_v4 & 0xff) / 16 == 14;
	return v6[0] == 0xff ? (v6[1] % 16) * 16 + (v6[1] / 16 % 2) * 8 : 0;
}

static uint64_t reversed(uint64_t bits, int octets)
{
	uint64_t v = 0;

	for (; octets; octets--, bits >>= 8)
		v = v << 8 | (bits & 0xff);
	return v;
}

static uint64_t naive_value(const struct field *f, const struct flow *flow, uint64_t v)
{
	const struct flow_more *more = &flow->more;

	switch ((enum field_codec)f->codec) {
	case FIELD_BITMAP:
		return v << 8 * (4 - f->size);
	case FIELD_BOOLEAN:
		return v & f->mask ? 1 : 2;
	case FIELD_LESS:
		return (v - f->shift) & ((1ull << 8 * f->wire_length) - 1);
	case FIELD_TIMES:
		return v * f->shift;
	case FIELD_OPTIONS:
		return reversed(v, f->wire_length);
	case FIELD_INIT_MS:
		return 1699999100250;
	case FIELD_MULTICAST:
		return naive_multicast(f, flow);
	case FIELD_PAYLOAD:
		return flow->extra.ip_length < flow->extra.ip_header_length ?
			       0 :
			       flow->extra.ip_length - flow->extra.ip_header_length;
	case FIELD_SEGMENT:
		return more->tunnel_type == 3 ? 1ull << 56 | more->tunnel_id : 0;
	case FIELD_GRE_KEY:
		return more->tunnel_type == 2 ? more->tunnel_id : 0;
	case FIELD_CONSTANT:
		return f->shift;
	case FIELD_DOMAIN:
		return now.domain;
	case FIELD_VERSION:
		return now.version;
	case FIELD_ZERO:
		return 0;
	case FIELD_UINT:
	case FIELD_BITS:
		return (v & f->mask) >> f->shift;
	default:
		return naive_time(f, flow, v);
	}
}

/* One field of one flow, octet by octet. */
static void encode_naively(const struct field *f, const struct flow *flow, uint8_t *out)
{
	const uint8_t *in = (const uint8_t *)flow + f->offset;
	uint64_t v = 0;

	for (int i = f->size <= 8 ? f->size - 1 : -1; i >= 0; i--)
		v = v << 8 | in[i];
	switch ((enum field_codec)f->codec) {
	case FIELD_BYTES:
	case FIELD_HEAD:
		if (f->codec == FIELD_BYTES)
			in += f->size - f->wire_length;
		for (int i = 0; i < f->wire_length; i++)
			out[i] = in[i];
		return;
	case FIELD_PATH:
		memcpy(out, (const uint8_t *)&path + f->shift, f->wire_length);
		return;
	case FIELD_PREFIX:
		for (int i = 0; i < f->wire_length; i++) {
			int bits = ((const uint8_t *)flow)[f->prefix_length] - 8 * i;

			out[i] = in[i] & (bits <= 0 ? 0 : bits < 8 ? 0xff << (8 - bits) : 0xff);
		}
		return;
	default:
		v = naive_value(f, flow, v);
	}
	for (int i = f->wire_length - 1; i >= 0; i--, v >>= 8)
		out[i] = (uint8_t)v;
	if (v)
		memset(out, 0xff, f->wire_length);
}

static bool field_is_absent(const struct field *f, const struct flow *flow)
{
	return (f->protocol && flow->key.protocol != f->protocol) ||
	       (f->output_only && flow->key.direction != FLOW_OUTPUT);
}

enum { COLUMN_MAX = 40, STRIDE_MAX = 100 };

TEST(columns_are_what_rows_are)
{
	static uint8_t columns[COLUMN_MAX * STRIDE_MAX], rows[COLUMN_MAX * STRIDE_MAX];
	struct random r = { 12345 };
	struct flow flows[COLUMN_MAX];

	for (unsigned int round = 0; round < 100 * FIELD_ID_MAX; round++) {
		const struct field *f = field_get(round % FIELD_ID_MAX);
		uint32_t n = random_below(&r, COLUMN_MAX + 1);
		uint32_t stride = f->wire_length + random_below(&r, STRIDE_MAX - 16);

		memset(columns, 0xa5, sizeof(columns));
		memset(rows, 0xa5, sizeof(rows));
		for (uint32_t i = 0; i < n; i++) {
			random_flow(&r, &flows[i], random_below(&r, 2) ? 4 : 6, now.mono_ns);
			random_octets(&r, &flows[i].stats, sizeof(flows[i].stats), 8);
			random_octets(&r, &flows[i].counts, sizeof(flows[i].counts), 8);
			encode_naively(f, &flows[i], rows + i * stride);
			if (field_is_absent(f, &flows[i]))
				memset(rows + i * stride, 0, f->wire_length);
		}
		field_encode(f, flows, n, &now, columns, stride);
		ASSERT_EQ(0, memcmp(columns, rows, sizeof(rows)))
		{
			TH_LOG("%s, %u records", f->symbol, n);
		}
	}
}

static uint64_t encode_time(enum field_id id, uint64_t ns, const struct field_clock *clock)
{
	const struct field *f = field_get(id);
	struct flow flow = reference;
	uint8_t wire[8];
	uint64_t v = 0;

	flow.stats.first_ns = flow.stats.last_ns = ns;
	field_encode(f, &flow, 1, clock, wire, 8);
	for (unsigned int i = 0; i < f->wire_length; i++)
		v = v << 8 | wire[i];
	return v;
}

TEST(no_flow_is_newer_than_its_message)
{
	ASSERT_EQ(900000, encode_time(FIELD_ID_UPTIME_LAST, now.mono_ns + SECOND, &now));
	ASSERT_EQ(900000, encode_time(FIELD_ID_UPTIME_LAST, now.mono_ns, &now));
	ASSERT_EQ(1700000000250, encode_time(FIELD_ID_ABSOLUTE_LAST, now.mono_ns + 1, &now));
	ASSERT_EQ(1700000000, encode_time(FIELD_ID_ABSOLUTE_LAST_S, UINT64_MAX, &now));
}

TEST(what_was_before_the_uptime_s_base_is_at_0)
{
	ASSERT_EQ(0, encode_time(FIELD_ID_UPTIME_FIRST, now.base_ns - 1, &now));
	ASSERT_EQ(0, encode_time(FIELD_ID_UPTIME_FIRST, now.base_ns, &now));
	ASSERT_EQ(1, encode_time(FIELD_ID_UPTIME_FIRST, now.base_ns + NSEC_PER_MSEC, &now));
}

TEST(uptime_wraps_after_49_days)
{
	const struct field_clock later = { .mono_ns = 4294969ull * SECOND };

	ASSERT_EQ(4294967295,
		  encode_time(FIELD_ID_UPTIME_FIRST, 4294967295 * NSEC_PER_MSEC, &later));
	ASSERT_EQ(0, encode_time(FIELD_ID_UPTIME_LAST, 4294967296 * NSEC_PER_MSEC, &later));
	ASSERT_EQ(704, encode_time(FIELD_ID_UPTIME_LAST, 4294968000 * NSEC_PER_MSEC, &later));
}

TEST(a_step_of_the_wall_clock_moves_both_ends)
{
	struct field_clock stepped = now;

	stepped.unix_ns -= 3600 * SECOND;
	ASSERT_EQ(3600000, encode_time(FIELD_ID_ABSOLUTE_FIRST, 5 * SECOND, &now) -
				   encode_time(FIELD_ID_ABSOLUTE_FIRST, 5 * SECOND, &stepped));
	ASSERT_EQ(1000, encode_time(FIELD_ID_ABSOLUTE_LAST, 6 * SECOND, &stepped) -
				encode_time(FIELD_ID_ABSOLUTE_FIRST, 5 * SECOND, &stepped));
}

/* Of IANA's, without those that are zero whatever passes. */
TEST(many_elements_say_something)
{
	static bool has[UINT16_MAX + 1];
	unsigned int n = 0;

	for (unsigned int id = 0; id < FIELD_ID_MAX; id++) {
		const struct field *f = field_get(id);

		if (f->pen || f->codec == FIELD_ZERO || has[f->ie])
			continue;
		has[f->ie] = true;
		n++;
	}
	EXPECT_GE(n, 158);
	TH_LOG("%u elements", n);
}

TEST(rows_are_complete_and_found)
{
	for (unsigned int id = 0; id < FIELD_ID_MAX; id++) {
		const struct field *f = field_get(id);

		ASSERT_TRUE(f->symbol && f->words && f->name && f->help);
		ASSERT_TRUE(f->cache_width && f->wire_length && f->wire_length <= 16);
		ASSERT_LT(f->codec, FIELD_CODEC_MAX);
		ASSERT_EQ(f, flows_field(f->words));
		ASSERT_STREQ(f->name, field_by_name(f->name)->name);
		ASSERT_EQ(f->ie, field_by_element(f->pen, f->ie)->ie);
		/* a name has one number, and a number one name */
		ASSERT_EQ(field_by_name(f->name), field_by_element(f->pen, f->ie));
		ASSERT_EQ(field_by_name(f->name), field_by_element(0, f->v9_type));
		ASSERT_EQ(f->pen ? NULL : field_by_name(f->name), field_by_ie(f->ie));
		ASSERT_TRUE(f->pen ? f->ie > FIELD_PRIVATE_IE && f->ie < 0x8000 &&
					     f->v9_type > FIELD_PRIVATE_V9 :
				     f->ie == f->v9_type);
	}
	ASSERT_EQ(field_get(FIELD_ID_SRC_PORT), flows_field("transport source-port"));
	ASSERT_EQ(field_get(FIELD_ID_BYTES), field_by_name("octetDeltaCount"));
	ASSERT_EQ(field_get(FIELD_ID_UPTIME_LAST), field_by_ie(21));
	ASSERT_EQ(NULL, flows_field("transport source-por"));
	ASSERT_EQ(NULL, field_by_name(""));
	ASSERT_EQ(NULL, field_by_ie(0));
}

TEST(stored_values_read_as_sent_ones)
{
	struct flow flow = reference;
	char text[64];

	field_format_flow(field_get(FIELD_ID_IPV4_DST), &flow, &now, text, sizeof(text));
	ASSERT_STREQ("192.0.2.9", text);
	field_format_flow(field_get(FIELD_ID_ABSOLUTE_LAST), &flow, &now, text, sizeof(text));
	ASSERT_STREQ("2023-11-14T22:13:20.249Z", text);
	field_format_flow(field_get(FIELD_ID_IPV4_LENGTH_MAX), &flow, &now, text, sizeof(text));
	ASSERT_STREQ("65535", text);
}

TEST_HARNESS_MAIN
