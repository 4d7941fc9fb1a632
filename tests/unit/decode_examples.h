/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Messages made by hand, well-formed and broken in every way that a length or a
 * count can lie, and what a decoder has to say of them. They are written in a
 * small language: hexadecimal digits are octets; "v9 COUNT SEQUENCE DOMAIN" and
 * "ipfix SEQUENCE DOMAIN" are headers; "{ ID ... }" is a set with its length;
 * "|" ends a message.
 */
#ifndef TESTS_UNIT_DECODE_EXAMPLES_H
#define TESTS_UNIT_DECODE_EXAMPLES_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#include "../../tools/flowctl/decode.h"

enum { MESSAGES_MAX = 8 };

struct message {
	uint8_t data[4096];
	size_t n;
};

struct writing {
	struct message *messages;
	int n;
	size_t set; /* where its length goes */
};

static struct message *current(struct writing *w)
{
	return &w->messages[w->n];
}

static void put16(struct writing *w, unsigned long v)
{
	put_be16(current(w)->data + current(w)->n, (uint16_t)v);
	current(w)->n += 2;
}

static void put32(struct writing *w, unsigned long v)
{
	put16(w, v >> 16);
	put16(w, v);
}

static unsigned long number(void)
{
	return strtoul(strtok(NULL, " "), NULL, 0);
}

static void put_header(struct writing *w, int version)
{
	put16(w, (unsigned long)version);
	put16(w, version == 9 ? number() : 0);
	if (version == 9)
		put32(w, 100000); /* uptime, ms */
	put32(w, 1769860800);
	put32(w, number());
	put32(w, number());
}

static void put_hex_word(struct writing *w, const char *s)
{
	for (; *s; s += 2) {
		char octet[3] = { s[0], s[1], '\0' };

		current(w)->data[current(w)->n++] = (uint8_t)strtoul(octet, NULL, 16);
	}
}

static void end_message(struct writing *w)
{
	struct message *m = current(w);

	if (m->n >= 16 && get_be16(m->data) == 10 && !get_be16(m->data + 2))
		put_be16(m->data + 2, (uint16_t)m->n);
	w->n++;
}

/* Returns how many messages there are. */
static int write_messages(const char *text, struct message *messages)
{
	struct writing w = { .messages = messages };
	char copy[4096];
	char *s;

	memset(messages, 0, MESSAGES_MAX * sizeof(*messages));
	snprintf(copy, sizeof(copy), "%s", text);
	for (s = strtok(copy, " "); s; s = strtok(NULL, " ")) {
		if (!strcmp(s, "v9") || !strcmp(s, "ipfix")) {
			put_header(&w, *s == 'v' ? 9 : 10);
		} else if (!strcmp(s, "{")) {
			put16(&w, number());
			w.set = current(&w)->n;
			put16(&w, 0);
		} else if (!strcmp(s, "}")) {
			put_be16(current(&w)->data + w.set, (uint16_t)(current(&w)->n - w.set + 2));
		} else if (!strcmp(s, "|")) {
			end_message(&w);
		} else {
			put_hex_word(&w, s);
		}
	}
	end_message(&w);
	return w.n;
}

static const struct decode_peer udp_peer = { .address = { [10] = 0xff, 0xff, 10, 0, 0, 1 },
					     .port = 5555,
					     .text = "10.0.0.1" };
static const struct decode_peer tcp_peer = { .address = { [10] = 0xff, 0xff, 10, 0, 0, 2 },
					     .port = 6666,
					     .stream = true,
					     .text = "10.0.0.2" };

/* clang-format off */

/* sourceIPv4Address, destinationTransportPort, octetDeltaCount in 4 octets, packetDeltaCount in 2 */
#define T256 "0100 0004 0008 0004 000b 0002 0001 0004 0002 0002"
#define R256 "0a000001 0050 000003e8 0007"
#define R256_TEXT "flow sourceIPv4Address=10.0.0.1 destinationTransportPort=80 octetDeltaCount=1000 packetDeltaCount=7\n"
/* the same in IPFIX with a string of variable length (interfaceName) behind the address */
#define T257 "0101 0002 0008 0004 0052 ffff"

#define V5_HEADER "0005 0001 000186a0 697dee40 00000000 00000010 0003 0000"
#define V5_RECORD "0a000001 0a000002 0a000003 0001 0002 00000007 000003e8 0000ea60 00011170 04d2 0050 00 12 06 08 fde8 fde9 18 10 0000"
#define V5_TEXT "flow sourceIPv4Address=10.0.0.1 destinationIPv4Address=10.0.0.2 ipNextHopIPv4Address=10.0.0.3 " \
	"ingressInterface=1 egressInterface=2 packetDeltaCount=7 octetDeltaCount=1000 flowStartSysUpTime=60000 " \
	"flowEndSysUpTime=70000 sourceTransportPort=1234 destinationTransportPort=80 tcpControlBits=...A..S. " \
	"protocolIdentifier=6 ipClassOfService=8 bgpSourceAsNumber=65000 bgpDestinationAsNumber=65001 " \
	"sourceIPv4PrefixLength=24 destinationIPv4PrefixLength=16\n"

struct example {
	const char *name;
	const char *messages;
	const char *log; /* everything the decoder said */
	struct decode_stats stats;
};

static const struct example examples[] = {
	{ "v9: template and data in one message",
	  "v9 2 0 1 { 0 " T256 " } { 256 " R256 " }",
	  "template 256 set\n" R256_TEXT,
	  { .messages = 1, .templates = 1, .flows = 1 } },
	{ "v9: padding to 4 octets, two records, in the next message",
	  "v9 1 7 1 { 0 0100 0001 0007 0003 0000 } | v9 2 8 1 { 256 000050 000051 0000 }",
	  "template 256 set\nflow sourceTransportPort=80\nflow sourceTransportPort=81\n",
	  { .messages = 2, .templates = 1, .flows = 2 } },
	{ "v9: two templates in a set, one of them options with scope and padding",
	  "v9 4 0 1 { 0 " T256 " 0102 0001 0004 0001 } { 1 0103 0004 0008 0001 0004 002a 0004 0028 0008 0000 } "
	  "{ 259 00000000 00000005 0000000000000400 }",
	  "template 256 set\ntemplate 258 set\ntemplate 259 set\n"
	  "options scopeSystem=0 exportedFlowRecordTotalCount=5 exportedOctetTotalCount=1024\n",
	  { .messages = 1, .templates = 3, .options = 1 } },
	{ "v9: a refreshed template says nothing new; a changed one does",
	  "v9 1 0 1 { 0 0100 0001 0007 0002 } | v9 1 1 1 { 0 0100 0001 0007 0002 } | "
	  "v9 2 2 1 { 0 0100 0001 000b 0002 } { 256 0050 }",
	  "template 256 set\ntemplate 256 set\nflow destinationTransportPort=80\n",
	  { .messages = 3, .templates = 3, .flows = 1 } },
	{ "v9: templates belong to their source id",
	  "v9 1 0 1 { 0 0100 0001 0007 0002 } | v9 1 0 2 { 256 0050 }",
	  "template 256 set\na data set of 2 octets without its template 256\n",
	  { .messages = 2, .templates = 1, .unknown_sets = 1 } },
	{ "v9: enterprise bit and length 65535 mean nothing special",
	  "v9 2 0 1 { 0 0100 0001 8007 0002 } { 256 0050 }",
	  "template 256 set\nflow element32775=0x0050\n",
	  { .messages = 1, .templates = 1, .flows = 1 } },
	{ "v9: sequence gap, forward and back",
	  "v9 0 5 1 | v9 0 6 1 | v9 0 9 1 | v9 0 8 1",
	  "sequence gap: expected 7 got 9\nsequence gap: expected 10 got 8\n",
	  { .messages = 4, .sequence_gaps = 2, .lost = 2 } },
	{ "v9: the sequence wraps",
	  "v9 0 0xffffffff 1 | v9 0 0 1", "", { .messages = 2 } },
	{ "v9: the count of the header is wrong",
	  "v9 3 0 1 { 0 " T256 " } { 256 " R256 " }",
	  "template 256 set\n" R256_TEXT "malformed: the header counts 3 records, there are 2\n",
	  { .messages = 1, .templates = 1, .flows = 1, .malformed = 1 } },
	{ "ipfix: reduced sizes, variable length, sequence counts records",
	  "ipfix 0 1 { 2 " T256 " " T257 " } { 256 " R256 " " R256 " } | "
	  "ipfix 2 1 { 257 0a000002 04 65746830 0a000003 ff0004 65746831 0a000004 00 }",
	  "template 256 set\ntemplate 257 set\n" R256_TEXT R256_TEXT
	  "flow sourceIPv4Address=10.0.0.2 interfaceName=eth0\n"
	  "flow sourceIPv4Address=10.0.0.3 interfaceName=eth1\n"
	  "flow sourceIPv4Address=10.0.0.4 interfaceName=\n",
	  { .messages = 2, .templates = 2, .flows = 5 } },
	{ "ipfix: enterprise, reverse and unknown elements, the same element twice",
	  "ipfix 0 1 { 2 0100 0006 8001 0002 00007279 0001 0004 8064 0003 00000009 7fff 0002 0007 0002 0007 0002 } "
	  "{ 256 0011 00000022 aabbcc ddee 0001 0002 }",
	  "template 256 set\nflow reverseOctetDeltaCount=17 octetDeltaCount=34 pen9element100=0xaabbcc "
	  "element32767=0xddee sourceTransportPort=1 sourceTransportPort_2=2\n",
	  { .messages = 1, .templates = 1, .flows = 1 } },
	{ "ipfix: options template, its records count in the sequence; padding is not shown",
	  "ipfix 10 1 { 3 0100 0003 0001 0095 0004 00a6 0008 00d2 0004 } { 256 00000001 0000000000000009 00000000 } | ipfix 11 1",
	  "template 256 set\noptions observationDomainId=1 notSentFlowTotalCount=9\n",
	  { .messages = 2, .templates = 1, .options = 1 } },
	{ "ipfix: a Selector Report; a probability of 8 octets, of 4, that is no number, and of a wrong length",
	  "ipfix 0 1 { 3 0100 0004 0001 012e 0004 0130 0002 0137 0008 014f 0003 } { 256 00000007 0004 3fc0000000000000 503100 } "
	  "{ 3 0101 0002 0001 012e 0004 0137 0004 } { 257 00000007 3dcccccd } { 257 00000007 7fc00000 } "
	  "{ 3 0102 0002 0001 012e 0004 0137 0002 } { 258 00000007 3dcc }",
	  "template 256 set\n"
	  "options selectorId=7 selectorAlgorithm=4 samplingProbability=0.125 selectorName=P1\n"
	  "template 257 set\noptions selectorId=7 samplingProbability=0.100000001\n"
	  "options selectorId=7 samplingProbability=nan\n"
	  "template 258 set\noptions selectorId=7 samplingProbability=0x3dcc\n",
	  { .messages = 1, .templates = 3, .options = 4 } },
	{ "ipfix: sequence gap in records; unknown data resynchronises silently",
	  "ipfix 0 1 { 2 0100 0001 0007 0002 } { 256 0001 0002 } | ipfix 5 1 { 256 0001 } | "
	  "ipfix 6 1 { 300 0001 } | ipfix 50 1 { 256 0001 } | ipfix 51 1",
	  "template 256 set\nflow sourceTransportPort=1\nflow sourceTransportPort=2\n"
	  "sequence gap: expected 2 got 5\nflow sourceTransportPort=1\n"
	  "a data set of 2 octets without its template 300\nflow sourceTransportPort=1\n",
	  { .messages = 5, .templates = 1, .flows = 4, .sequence_gaps = 1, .lost = 3, .unknown_sets = 1 } },
	{ "ipfix: withdrawal over TCP, of one and of all",
	  "ipfix 0 1 { 2 0100 0001 0007 0002 0101 0001 0007 0002 0102 0001 0007 0002 } { 3 0103 0001 0001 0095 0004 } | "
	  "ipfix 0 1 { 2 0100 0000 } { 256 0001 } | ipfix 9 1 { 2 0002 0000 } { 258 0001 } { 259 00000001 } | "
	  "ipfix 9 1 { 3 0003 0000 } { 259 00000001 }",
	  "template 256 set\ntemplate 257 set\ntemplate 258 set\ntemplate 259 set\ntemplate 256 gone\n"
	  "a data set of 2 octets without its template 256\ntemplate 258 gone\ntemplate 257 gone\n"
	  "a data set of 2 octets without its template 258\noptions observationDomainId=1\ntemplate 259 gone\n"
	  "a data set of 4 octets without its template 259\n",
	  { .messages = 4, .templates = 4, .options = 1, .unknown_sets = 3 } },
	{ "ipfix: withdrawal over UDP is not allowed, and done",
	  "ipfix 0 1 { 2 0100 0001 0007 0002 } | ipfix 0 1 { 2 0100 0000 }",
	  "template 256 set\nmalformed: template 256 withdrawn, which UDP does not allow\ntemplate 256 gone\n",
	  { .messages = 2, .templates = 1, .malformed = 1 } },
	{ "ipfix: elements of the wrong length are shown as octets; texts are made printable",
	  "ipfix 0 1 { 2 0100 0004 0008 0005 0001 0009 001b 0004 0052 0006 } "
	  "{ 256 0a00000102 000000000000000001 20010db8 651b5b6d000a }",
	  "template 256 set\nflow sourceIPv4Address=0x0a00000102 octetDeltaCount=0x000000000000000001 "
	  "sourceIPv6Address=0x20010db8 interfaceName=e?[m\n",
	  { .messages = 1, .templates = 1, .flows = 1 } },
	{ "v5: one record, every field in its place", V5_HEADER " " V5_RECORD, V5_TEXT,
	  { .messages = 1, .flows = 1 } },
	{ "v5: the sequence counts flows, by engine",
	  V5_HEADER " " V5_RECORD " | 0005 0000 00000000 00000000 00000000 00000011 0003 0000 | "
	  "0005 0000 00000000 00000000 00000000 00000015 0003 0000 | 0005 0000 00000000 00000000 00000000 00000015 0004 0000",
	  V5_TEXT "sequence gap: expected 17 got 21\n",
	  { .messages = 4, .flows = 1, .sequence_gaps = 1, .lost = 4 } },
	{ "v1: no sequence",
	  "0001 0001 000186a0 697dee40 00000000 0a000001 0a000002 00000000 0001 0002 00000007 000003e8 "
	  "0000ea60 00011170 04d2 0050 0000 11 08 00 000000 00000000",
	  "flow sourceIPv4Address=10.0.0.1 destinationIPv4Address=10.0.0.2 ipNextHopIPv4Address=0.0.0.0 ingressInterface=1 "
	  "egressInterface=2 packetDeltaCount=7 octetDeltaCount=1000 flowStartSysUpTime=60000 flowEndSysUpTime=70000 "
	  "sourceTransportPort=1234 destinationTransportPort=80 protocolIdentifier=17 ipClassOfService=8 tcpControlBits=........\n",
	  { .messages = 1, .flows = 1 } },
	{ "v8: scheme 5, prefixes; each scheme has its own sequence",
	  "0008 0001 00000000 00000000 00000000 00000005 0000 05 02 00000000 00000003 00000007 000003e8 00000001 00000002 "
	  "0a000000 c0000200 08 18 0000 fde8 fde9 0001 0002 | 0008 0000 00000000 00000000 00000000 00000063 0000 01 02 00000000",
	  "flow deltaFlowCount=3 packetDeltaCount=7 octetDeltaCount=1000 flowStartSysUpTime=1 flowEndSysUpTime=2 "
	  "sourceIPv4Prefix=10.0.0.0 destinationIPv4Prefix=192.0.2.0 sourceIPv4PrefixLength=8 destinationIPv4PrefixLength=24 "
	  "bgpSourceAsNumber=65000 bgpDestinationAsNumber=65001 ingressInterface=1 egressInterface=2\n",
	  { .messages = 2, .flows = 1 } },

	/* What is wrong with the rest is in their log. */
	{ "empty", "", "malformed: 0 octets of version 0, which is neither NetFlow nor IPFIX\n",
	  { .messages = 1, .malformed = 1 } },
	{ "one octet", "09", "malformed: 1 octets of version 0, which is neither NetFlow nor IPFIX\n",
	  { .messages = 1, .malformed = 1 } },
	{ "a version that is none", "000b 0000", "malformed: 4 octets of version 11, which is neither NetFlow nor IPFIX\n",
	  { .messages = 1, .malformed = 1 } },
	{ "v9: half a header", "0009 0001 00000000", "malformed: 8 octets, the header has 20\n",
	  { .messages = 1, .malformed = 1 } },
	{ "v5: half a header", "0005 0001 00000000", "malformed: 8 octets, the header has 24\n",
	  { .messages = 1, .malformed = 1 } },
	{ "v5: fewer records than the header says", "0005 0002 000186a0 697dee40 00000000 00000010 0003 0000 " V5_RECORD,
	  "malformed: 2 records of 48 octets do not fill 48 octets\n" V5_TEXT,
	  { .messages = 1, .malformed = 1, .flows = 1 } },
	{ "v5: more octets than records", V5_HEADER " " V5_RECORD " 00",
	  "malformed: 1 records of 48 octets do not fill 49 octets\n" V5_TEXT,
	  { .messages = 1, .malformed = 1, .flows = 1 } },
	{ "v8: scheme 0", "0008 0001 00000000 00000000 00000000 00000005 0000 00 02 00000000",
	  "malformed: aggregation scheme 0 is not one of 1 to 14\n", { .messages = 1, .malformed = 1 } },
	{ "v8: scheme 15", "0008 0001 00000000 00000000 00000000 00000005 0000 0f 02 00000000",
	  "malformed: aggregation scheme 15 is not one of 1 to 14\n", { .messages = 1, .malformed = 1 } },
	{ "v8: ends before the scheme", "0008 0001 00000000", "malformed: aggregation scheme 0 is not one of 1 to 14\n",
	  { .messages = 1, .malformed = 1 } },
	{ "v8: ends behind the scheme", "0008 0001 00000000 00000000 00000000 00000005 0000 01",
	  "malformed: 23 octets, the header has 28\n", { .messages = 1, .malformed = 1 } },
	{ "ipfix: half a header", "000a 0010 00000000", "malformed: 8 octets, the header has 16\n",
	  { .messages = 1, .malformed = 1 } },
	{ "ipfix: says more octets than there are", "000a 0018 00000000 00000000 00000001 0002 0008",
	  "malformed: the header says 24 octets, there are 20\n", { .messages = 1, .malformed = 1 } },
	{ "ipfix: says fewer octets than its header", "000a 000f 00000000 00000000 00000001",
	  "malformed: the header says 15 octets, there are 16\n", { .messages = 1, .malformed = 1 } },
	{ "ipfix: octets behind the message", "000a 0010 00000000 00000000 00000001 0000",
	  "malformed: 2 octets behind the message\n", { .messages = 1, .malformed = 1 } },
	{ "half a set header", "ipfix 0 1 0002 00", "malformed: 3 octets behind the last set\n",
	  { .messages = 1, .malformed = 1 } },
	{ "set of length 0", "ipfix 0 1 0002 0000 0000", "malformed: set 2 says 0 octets, 6 are left\n",
	  { .messages = 1, .malformed = 1 } },
	{ "set of length 3", "v9 0 0 1 0000 0003 00", "malformed: set 0 says 3 octets, 5 are left\n",
	  { .messages = 1, .malformed = 1 } },
	{ "set longer than the message", "v9 0 0 1 0000 0009 00000000", "malformed: set 0 says 9 octets, 8 are left\n",
	  { .messages = 1, .malformed = 1 } },
	{ "reserved sets", "ipfix 0 1 { 0 } { 1 00 } { 4 00 } { 255 00 }",
	  "malformed: set id 0 is reserved\nmalformed: set id 1 is reserved\nmalformed: set id 4 is reserved\n"
	  "malformed: set id 255 is reserved\n", { .messages = 1, .malformed = 1 } },
	{ "reserved sets of v9", "v9 0 0 1 { 2 00 } { 255 00 }",
	  "malformed: set id 2 is reserved\nmalformed: set id 255 is reserved\n", { .messages = 1, .malformed = 1 } },
	{ "an empty set is none's fault", "ipfix 0 1 { 2 } { 3 }", "", { .messages = 1 } },
	{ "template with more fields than octets", "ipfix 0 1 { 2 0100 0002 0007 0002 } { 256 0050 }",
	  "malformed: template 256: 2 fields do not fit into its set\na data set of 2 octets without its template 256\n",
	  { .messages = 1, .malformed = 1, .unknown_sets = 1 } },
	{ "template cut off in an enterprise number", "ipfix 0 1 { 2 0100 0001 8007 0002 0000 }",
	  "malformed: template 256: 1 fields do not fit into its set\n", { .messages = 1, .malformed = 1 } },
	{ "template with 65535 fields", "v9 1 0 1 { 0 0100 ffff 0007 0002 }",
	  "malformed: template 256: 65535 fields do not fit into its set\n", { .messages = 1, .malformed = 1 } },
	{ "template id below 256", "ipfix 0 1 { 2 00ff 0001 0007 0002 }", "malformed: template id 255, 256 is the first\n",
	  { .messages = 1, .malformed = 1 } },
	{ "template without fields", "v9 1 0 1 { 0 0100 0000 } { 256 0050 }",
	  "malformed: template 256 describes records without octets\na data set of 2 octets without its template 256\n",
	  { .messages = 1, .malformed = 1, .unknown_sets = 1 } },
	{ "template of records without octets", "ipfix 0 1 { 2 0100 0002 0007 0000 0008 0000 } { 256 0050 }",
	  "malformed: template 256 describes records without octets\na data set of 2 octets without its template 256\n",
	  { .messages = 1, .malformed = 1, .unknown_sets = 1 } },
	{ "octets behind a template", "ipfix 0 1 { 2 0100 0001 0007 0002 0001 }",
	  "template 256 set\nmalformed: 2 octets behind the templates\n",
	  { .messages = 1, .templates = 1, .malformed = 1 } },
	{ "options template cut off", "ipfix 0 1 { 3 0100 0002 }", "malformed: options template 256 is cut off\n",
	  { .messages = 1, .malformed = 1 } },
	{ "options template without scope", "ipfix 0 1 { 3 0100 0001 0000 0095 0004 }",
	  "malformed: options template 256: 0 of 1 fields are scope\n", { .messages = 1, .malformed = 1 } },
	{ "options template with more scope than fields", "ipfix 0 1 { 3 0100 0001 0002 0095 0004 }",
	  "malformed: options template 256: 2 of 1 fields are scope\n", { .messages = 1, .malformed = 1 } },
	{ "options template of v9 whose octets are no fields", "v9 1 0 1 { 1 0100 0003 0004 0001 0004 0002 0004 }",
	  "malformed: options template 256: 3 and 4 octets are no field specifiers\n",
	  { .messages = 1, .malformed = 1 } },
	{ "options template of v9 whose fields do not fit", "v9 1 0 1 { 1 0100 fffc fffc 0001 0004 }",
	  "malformed: template 256: 32766 fields do not fit into its set\n", { .messages = 1, .malformed = 1 } },
	{ "record cut off in its last field is padding only where it is zero",
	  "ipfix 0 1 { 2 " T256 " } { 256 " R256 " 0a0000 }",
	  "template 256 set\n" R256_TEXT "malformed: 3 octets behind the records of template 256\n",
	  { .messages = 1, .templates = 1, .flows = 1, .malformed = 1 } },
	{ "variable length beyond the set", "ipfix 0 1 { 2 " T257 " } { 257 0a000001 05 65746830 }",
	  "template 257 set\nmalformed: a record of template 257 is cut off\n",
	  { .messages = 1, .templates = 1, .malformed = 1 } },
	{ "long variable length beyond the set", "ipfix 0 1 { 2 " T257 " } { 257 0a000001 ffffff 65746830 }",
	  "template 257 set\nmalformed: a record of template 257 is cut off\n",
	  { .messages = 1, .templates = 1, .malformed = 1 } },
	{ "variable length cut off in its length", "ipfix 0 1 { 2 " T257 " } { 257 0a000001 ff 00 }",
	  "template 257 set\nmalformed: a record of template 257 is cut off\n",
	  { .messages = 1, .templates = 1, .malformed = 1 } },
};
/* clang-format on */

static inline const struct decode_peer *peer_of(const struct example *e)
{
	return strstr(e->name, "over TCP") ? &tcp_peer : &udp_peer;
}

enum { EXAMPLES = sizeof(examples) / sizeof(examples[0]) };

#endif
