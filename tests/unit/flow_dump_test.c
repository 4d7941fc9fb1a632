// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * flowctl flow dump: tables and JSON of flows that an agent sends, filtered and
 * in order, and frames that are broken.
 */
#include "kselftest_harness.h"

#include <arpa/inet.h>

#include "base/clock.h"
#include "config/config.h"
#include "flow/field.h"
#include "unit/flowctl_agent.h"

#define COLUMNS_V4                                                                                 \
	"IPV4_SRC,IPV4_DST,SRC_PORT,IPV4_PROTOCOL,TCP_FLAGS,BYTES_LONG,PACKETS_LONG,ABSOLUTE_LAST"

static void answer_monitor(struct script *s, const char *monitor, const char *record,
			   const char *symbols)
{
	char payload[sizeof(struct control_monitor) + 256];
	struct control_monitor m = { .mono_ns = 1000 * NSEC_PER_SEC,
				     .unix_ns = 1769860800 * NSEC_PER_SEC };

	strcpy(m.monitor, monitor);
	strcpy(m.record, record);
	memcpy(payload, &m, sizeof(m));
	strcpy(payload + sizeof(m), symbols);
	answer_frame(s, CONTROL_MONITOR, payload, sizeof(m) + strlen(symbols) + 1);
}

/* 10.0.0.N:N > 192.0.2.1, N * 100 octets, N packets */
static struct flow flow_n(unsigned int n)
{
	struct flow f = { 0 };

	f.key.src_v4 = htonl(0x0a000000 + n);
	f.key.dst_v4 = htonl(0xc0000201);
	f.key.src_port = htons((uint16_t)n);
	f.key.protocol = n % 2 ? IPPROTO_TCP : IPPROTO_UDP;
	f.stats.octets = n * 100;
	f.stats.packets = n;
	f.stats.tcp_flags = 0x02;
	f.stats.last_ns = 999 * NSEC_PER_SEC;
	return f;
}

static void answer_flows(struct script *s, unsigned int from, unsigned int to)
{
	struct flow flows[64];
	unsigned int i;

	for (i = from; i <= to; i++)
		flows[i - from] = flow_n(i);
	answer_frame(s, CONTROL_FLOWS, flows, (to - from + 1) * sizeof(flows[0]));
}

static void answer_flows_v6(struct script *s)
{
	struct flow f = { 0 };

	inet_pton(AF_INET6, "2001:db8::1", f.key.src_v6);
	f.stats.packets = 9;
	answer_frame(s, CONTROL_FLOWS, &f, sizeof(f));
}

TEST_F(flowctl, flow_dump_as_a_table)
{
	answer_monitor(self->script, "EDGE", "R",
		       "IPV4_SRC,SRC_PORT,IPV4_PROTOCOL,TCP_FLAGS,BYTES_LONG");
	answer_flows(self->script, 1, 2);
	answer_monitor(self->script, "EDGE6", "R6", "PACKETS_LONG,IPV6_SRC");
	answer_flows_v6(self->script);
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "flow dump"));
	EXPECT_STREQ("flow monitor EDGE, record R:\n"
		     "IPV4 SRC ADDR    TRNS SRC PORT  IPV4 PROT  trns tcp flags    bytes long\n"
		     "10.0.0.1                     1          6  ......S.                 100\n"
		     "10.0.0.2                     2         17  ......S.                 200\n"
		     "2 of 2 flows\n"
		     "\n"
		     "flow monitor EDGE6, record R6:\n"
		     "   pkts long  IPV6 SRC ADDR\n"
		     "           9  2001:db8::1\n"
		     "1 of 1 flows\n"
		     "\n",
		     self->c.out);
	EXPECT_REQUEST("text\0flow\0dump");
}

TEST_F(flowctl, flow_dump_as_json)
{
	answer_monitor(self->script, "EDGE", "R", COLUMNS_V4);
	answer_flows(self->script, 1, 1);
	answer_flows(self->script, 2, 2);
	answer_monitor(self->script, "EDGE6", "R6", "IPV6_SRC,PACKETS_LONG");
	answer_flows_v6(self->script);
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "-j flow dump"));
	EXPECT_STREQ("[{\"monitor\":\"EDGE\",\"sourceIPv4Address\":\"10.0.0.1\","
		     "\"destinationIPv4Address\":\"192.0.2.1\",\"sourceTransportPort\":1,"
		     "\"protocolIdentifier\":6,\"tcpControlBits\":\"......S.\","
		     "\"octetDeltaCount\":100,\"packetDeltaCount\":1,"
		     "\"flowEndMilliseconds\":\"2026-01-31T11:59:59.000Z\"},"
		     "{\"monitor\":\"EDGE\",\"sourceIPv4Address\":\"10.0.0.2\","
		     "\"destinationIPv4Address\":\"192.0.2.1\",\"sourceTransportPort\":2,"
		     "\"protocolIdentifier\":17,\"tcpControlBits\":\"......S.\","
		     "\"octetDeltaCount\":200,\"packetDeltaCount\":2,"
		     "\"flowEndMilliseconds\":\"2026-01-31T11:59:59.000Z\"},"
		     "{\"monitor\":\"EDGE6\",\"sourceIPv6Address\":\"2001:db8::1\","
		     "\"packetDeltaCount\":9}]\n",
		     self->c.out);
}

static void answer_applications(struct script *s)
{
	static const struct control_application some[] = {
		{ 0x01000001, "icmp" },
		{ 0x03000035, "domain" },
	};
	static const struct control_application more[] = { { 0x06111b58, "HOUSE, ours" } };
	static const uint32_t ids[] = { 0x06111b58, 0x03000035, 0x03000036, 0 };
	struct flow flows[4] = { 0 };
	unsigned int i;

	answer_frame(s, CONTROL_APPLICATIONS, some, sizeof(some));
	answer_frame(s, CONTROL_APPLICATIONS, more, sizeof(more));
	answer_monitor(s, "APP", "R", "APPLICATION,PACKETS_LONG");
	for (i = 0; i < 4; i++)
		flows[i].more.application = ids[i];
	answer_frame(s, CONTROL_FLOWS, flows, sizeof(flows));
	answer_end(s, 0, "");
}

TEST_F(flowctl, flow_dump_names_applications)
{
	answer_applications(self->script);
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "flow dump"));
	EXPECT_STREQ("flow monitor APP, record R:\n"
		     "APPLICATION NAME            pkts long\n"
		     "HOUSE, ours                         0\n"
		     "domain                              0\n"
		     "0x03000036                          0\n"
		     "0x00000000                          0\n"
		     "4 of 4 flows\n\n",
		     self->c.out);
}

TEST_F(flowctl, flow_dump_numbers_applications_in_json)
{
	answer_applications(self->script);
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "-j flow dump top 1 sort applicationId"));
	EXPECT_STREQ("[{\"monitor\":\"APP\",\"applicationId\":\"0x00000000\","
		     "\"packetDeltaCount\":0}]\n",
		     self->c.out);
}

TEST_F(flowctl, flow_dump_with_broken_applications)
{
	answer_frame(self->script, CONTROL_APPLICATIONS, "x", 1);
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "flow dump"));
	EXPECT_HAS(self->c.err, "broken applications frame");
}

TEST_F(flowctl, flow_dump_without_flows)
{
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "-j flow dump"));
	EXPECT_STREQ("[]\n", self->c.out);
}

TEST_F(flowctl, flow_dump_filtered_and_sorted)
{
	answer_monitor(self->script, "EDGE", "R", "SRC_PORT,BYTES_LONG");
	answer_flows(self->script, 1, 64);
	answer_flows(self->script, 65, 100);
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "flow dump top 3 sort bytes filter 'port < 51' monitor EDGE"));
	EXPECT_STREQ("flow monitor EDGE, record R:\n"
		     "TRNS SRC PORT    bytes long\n"
		     "           50          5000\n"
		     "           49          4900\n"
		     "           48          4800\n"
		     "3 of 100 flows\n\n",
		     self->c.out);
	EXPECT_REQUEST("text\0flow\0dump\0monitor\0EDGE");
}

TEST_F(flowctl, flow_dump_in_a_routers_words)
{
	answer_monitor(self->script, "EDGE", "R", "SRC_PORT,BYTES_LONG");
	answer_flows(self->script, 1, 50);
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "-j flow dump sort lowest counter bytes top 2 filter transport "
				   "source-port > 5 and not transport source-port 6 monitor EDGE"));
	EXPECT_STREQ("[{\"monitor\":\"EDGE\",\"sourceTransportPort\":7,\"octetDeltaCount\":700},"
		     "{\"monitor\":\"EDGE\",\"sourceTransportPort\":8,\"octetDeltaCount\":800}]\n",
		     self->c.out);
	EXPECT_REQUEST("json\0flow\0dump\0monitor\0EDGE");
}

TEST_F(flowctl, flow_dump_with_words_without_end)
{
	static char words[2048] = "flow dump sort bytes filter";
	unsigned int i;

	for (i = 0; i < 40; i++)
		strcat(words, " aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	EXPECT_EQ(2, flowctl(self, words));
	EXPECT_HAS(self->c.err, "<expr>: more than 1023 octets");
}

TEST_F(flowctl, flow_dump_top_is_by_octets_in_each_monitor)
{
	answer_monitor(self->script, "A", "R", "SRC_PORT,BYTES_LONG");
	answer_flows(self->script, 1, 10);
	answer_monitor(self->script, "B", "R", "SRC_PORT,BYTES_LONG");
	answer_flows(self->script, 1, 5);
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "-j flow dump top 1"));
	EXPECT_STREQ("[{\"monitor\":\"A\",\"sourceTransportPort\":10,\"octetDeltaCount\":1000},"
		     "{\"monitor\":\"B\",\"sourceTransportPort\":5,\"octetDeltaCount\":500}]\n",
		     self->c.out);
}

TEST_F(flowctl, flow_dump_leaves_out_records_without_the_field)
{
	answer_monitor(self->script, "EDGE", "R", "SRC_PORT,BYTES_LONG");
	answer_flows(self->script, 1, 2);
	answer_monitor(self->script, "EDGE6", "R6", "IPV6_SRC,PACKETS_LONG");
	answer_flows_v6(self->script);
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(0, flowctl(self, "-j flow dump filter 'sport == 2'"));
	EXPECT_STREQ("[{\"monitor\":\"EDGE\",\"sourceTransportPort\":2,\"octetDeltaCount\":200}]\n",
		     self->c.out);
	EXPECT_HAS(self->c.err, "monitor EDGE6 left out: the record has no field that 'sport'");
}

TEST_F(flowctl, flow_dump_of_a_named_monitor_without_the_field)
{
	answer_monitor(self->script, "EDGE6", "R6", "IPV6_SRC,PACKETS_LONG");
	answer_flows_v6(self->script);
	answer_end(self->script, 0, "");
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "-j flow dump monitor EDGE6 sort bytes"));
	EXPECT_HAS(self->c.err, "monitor EDGE6: the record has no field 'bytes' to sort by");
}

TEST_F(flowctl, flow_dump_that_fails_half_way)
{
	answer_monitor(self->script, "EDGE", "R", "SRC_PORT");
	answer_flows(self->script, 1, 1);
	answer_end(self->script, 1, "the configuration has changed");
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "-j flow dump"));
	EXPECT_STREQ("[{\"monitor\":\"EDGE\",\"sourceTransportPort\":1}]\n", self->c.out);
	EXPECT_STREQ("flowctl: the configuration has changed\n", self->c.err);
}

TEST_F(flowctl, flow_dump_with_a_broken_monitor)
{
	answer_frame(self->script, CONTROL_MONITOR, "short", 5);
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "flow dump"));
	EXPECT_HAS(self->c.err, "broken monitor frame");
}

TEST_F(flowctl, flow_dump_with_half_a_monitor)
{
	static const struct control_monitor m = { .monitor = "EDGE" };

	answer_frame(self->script, CONTROL_MONITOR, &m, sizeof(m));
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "flow dump"));
	EXPECT_HAS(self->c.err, "broken monitor frame");
}

TEST_F(flowctl, flow_dump_with_an_empty_monitor)
{
	answer_frame(self->script, CONTROL_MONITOR, "", 0);
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "flow dump"));
	EXPECT_HAS(self->c.err, "broken monitor frame");
}

TEST_F(flowctl, flow_dump_with_an_unknown_field)
{
	answer_monitor(self->script, "EDGE", "R", "SRC_PORT,FROBS,BYTES");
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "flow dump"));
	EXPECT_HAS(self->c.err, "a field 'FROBS' that flowctl does not know");
}

TEST_F(flowctl, flow_dump_with_broken_flows)
{
	struct flow f = flow_n(1);

	answer_monitor(self->script, "EDGE", "R", "SRC_PORT");
	answer_frame(self->script, CONTROL_FLOWS, &f, sizeof(f) - 1);
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "flow dump"));
	EXPECT_HAS(self->c.err, "broken flows frame");
}

TEST_F(flowctl, flow_dump_with_flows_of_no_monitor)
{
	answer_flows(self->script, 1, 1);
	start_agent(self);
	EXPECT_EQ(1, flowctl(self, "flow dump"));
	EXPECT_HAS(self->c.err, "broken flows frame");
}

TEST_HARNESS_MAIN
