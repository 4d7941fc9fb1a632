// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Filters and orders over two flows that differ in everything: each row of a
 * table is an expression and which of them it lets through, or the place where
 * it is wrong.
 */
#include "kselftest_harness.h"

#include <arpa/inet.h>

#include "base/clock.h"
#include "flow/field.h"

#include "unit/flows.h"

#include "../../tools/flowctl/flow_field.c"
#include "../../tools/flowctl/flow_filter.c"
#include "../../tools/flowctl/flow_sort.c"

enum { V4 = 1, V6 = 2 };

/* 2026-01-31T12:00:00Z */
#define UNIX_S 1769860800ull

static const struct field_clock test_clock = {
	.mono_ns = 1000 * NSEC_PER_SEC,
	.unix_ns = UNIX_S * NSEC_PER_SEC,
};

static void add_columns(struct flow_columns *c, const char *const *words)
{
	for (c->n = 0; words[c->n]; c->n++)
		c->fields[c->n] = flows_field(words[c->n]);
}

static void columns_v4(struct flow_columns *c)
{
	static const char *const words[] = { "ipv4 protocol",
					     "ipv4 source address",
					     "ipv4 destination address",
					     "transport source-port",
					     "transport destination-port",
					     "interface input",
					     "datalink mac source address input",
					     "transport tcp flags",
					     "counter bytes",
					     "counter packets",
					     "timestamp absolute first",
					     NULL };

	add_columns(c, words);
}

static void columns_v6(struct flow_columns *c)
{
	static const char *const words[] = { "ipv6 source address", "counter packets", NULL };

	add_columns(c, words);
}

/* 10.1.2.3:1234 > 192.0.2.80:443, TCP, 5000 octets, 7 packets, 10 s ago */
static struct flow flow_v4(void)
{
	struct flow f = { 0 };

	inet_pton(AF_INET, "10.1.2.3", &f.key.src_v4);
	inet_pton(AF_INET, "192.0.2.80", &f.key.dst_v4);
	f.key.ip_version = 4;
	f.key.protocol = IPPROTO_TCP;
	f.key.src_port = htons(1234);
	f.key.dst_port = htons(443);
	f.key.in_ifindex = 300;
	memcpy(f.extra.src_mac, "\x02\x00\x00\x00\x00\xab", 6);
	f.stats.octets = 5000;
	f.stats.packets = 7;
	f.stats.tcp_flags = 0x12;
	f.stats.first_ns = 990 * NSEC_PER_SEC;
	f.stats.last_ns = 995 * NSEC_PER_SEC;
	return f;
}

static struct flow flow_v6(void)
{
	struct flow f = { 0 };

	inet_pton(AF_INET6, "2001:db8::1", f.key.src_v6);
	f.key.ip_version = 6;
	f.stats.packets = 6000000000ull;
	return f;
}

static int eval(const char *expression, int family, struct error *err)
{
	struct flow flow = family == V4 ? flow_v4() : flow_v6();
	struct flow_columns columns;
	struct flow_filter *filter;
	int ret = flow_filter_parse(&filter, expression, err);

	if (ret)
		return ret;
	if (family == V4)
		columns_v4(&columns);
	else
		columns_v6(&columns);
	ret = flow_filter_bind(filter, &columns, err);
	if (!ret)
		ret = flow_filter_match(filter, &flow, &test_clock);
	flow_filter_free(filter);
	return ret;
}

/* clang-format off */
static const struct {
	const char *expression;
	int family;
	int expected; /* 1: lets through, 0: does not, -ENOENT: the record has no such field */
} truths[] = {
	{ "src == 10.1.2.3", V4, 1 },
	{ "src = 10.1.2.3", V4, 1 },
	{ "src==10.1.2.4", V4, 0 },
	{ "sourceIPv4Address == 10.1.2.3", V4, 1 },
	{ "src in 10.0.0.0/8", V4, 1 },
	{ "src in 10.1.2.3", V4, 1 },
	{ "src in 10.1.2.2/31", V4, 1 },
	{ "src in 10.1.2.0/31", V4, 0 },
	{ "src in 0.0.0.0/0", V4, 1 },
	{ "src in 11.0.0.0/8", V4, 0 },
	{ "src in 10.255.255.255/8", V4, 1 },
	{ "dst in 192.0.2.0/24", V4, 1 },
	{ "src < 10.1.2.4", V4, 1 },
	{ "src > 9.255.255.255", V4, 1 },
	{ "src == 2001:db8::1", V6, 1 },
	{ "src in 2001:db8::/32", V6, 1 },
	{ "src in 2001:db8:8000::/33", V6, 0 },
	{ "src == 10.1.2.3", V6, -ENOENT },
	{ "src == 2001:db8::1", V4, -ENOENT },
	{ "port == 443", V4, 1 },
	{ "port == 1234", V4, 1 },
	{ "port != 443", V4, 0 },
	{ "port != 80", V4, 1 },
	{ "sport == 443", V4, 0 },
	{ "dport >= 443", V4, 1 },
	{ "dport > 443", V4, 0 },
	{ "dport <= 443", V4, 1 },
	{ "dport < 443", V4, 0 },
	{ "proto == tcp", V4, 1 },
	{ "proto == 6", V4, 1 },
	{ "proto == 0x6", V4, 1 },
	{ "proto == udp", V4, 0 },
	{ "proto == tcp", V6, -ENOENT },
	{ "bytes == 5k", V4, 1 },
	{ "bytes < 5M", V4, 1 },
	{ "bytes > 1G", V4, 0 },
	{ "packets == 6G", V6, 1 },
	{ "packets > 5999999999", V6, 1 },
	{ "input == 300", V4, 1 },
	{ "input > 255", V4, 1 },
	{ "sourceMacAddress == 02:00:00:00:00:ab", V4, 1 },
	{ "sourceMacAddress == 2:0:0:0:0:AB", V4, 1 },
	{ "sourceMacAddress == 02:00:00:00:00:aa", V4, 0 },
	{ "flags == SA", V4, 1 },
	{ "flags == ...A..S.", V4, 1 },
	{ "flags == 0x12", V4, 1 },
	{ "flags == S", V4, 0 },
	{ "first == 2026-01-31T11:59:50", V4, 1 },
	{ "first == 2026-01-31T11:59:50.000Z", V4, 1 },
	{ "first < 2026-01-31T11:59:50.001Z", V4, 1 },
	{ "first < 2026-01-31T11:59:50.1Z", V4, 1 },
	{ "first > 2026-01-31T11:59:50Z", V4, 0 },
	{ "first > 1769860789999", V4, 1 },
	{ "proto == tcp and dport == 443", V4, 1 },
	{ "proto == tcp and dport == 80", V4, 0 },
	{ "proto == udp or dport == 443", V4, 1 },
	{ "proto==tcp&&dport==443", V4, 1 },
	{ "proto==udp||dport==80", V4, 0 },
	{ "not proto == udp", V4, 1 },
	{ "!proto == tcp", V4, 0 },
	{ "not not proto == tcp", V4, 1 },
	/* "and" binds closer than "or" */
	{ "proto == tcp or proto == udp and dport == 80", V4, 1 },
	{ "(proto == tcp or proto == udp) and dport == 80", V4, 0 },
	{ "proto == udp and dport == 80 or proto == tcp", V4, 1 },
	{ "not (proto == udp or dport == 80)", V4, 1 },
	{ "not proto == udp and dport == 80", V4, 0 },
	/* a router's words */
	{ "ipv4 source address 10.1.2.3", V4, 1 },
	{ "ipv4 source address 10.1.2.4", V4, 0 },
	{ "ipv4 sou add 10.1.2.3", V4, 1 },
	{ "IPV4 Source Address 10.1.2.3", V4, 1 },
	{ "ipv4 source address == 10.1.2.3", V4, 1 },
	{ "ipv4 source address != 10.1.2.3", V4, 0 },
	{ "ipv4 destination address 192.0.2.0/24", V4, 1 },
	{ "ipv4 destination address 192.0.3.0/24", V4, 0 },
	{ "ipv4 destination address in 192.0.2.0/24", V4, 1 },
	{ "ipv6 source address 2001:db8::/32", V6, 1 },
	{ "ipv6 source address 2001:db8::/32", V4, -ENOENT },
	{ "transport destination-port 443", V4, 1 },
	{ "transport destination-port 80", V4, 0 },
	{ "ipv4 protocol tcp and transport destination-port 443", V4, 1 },
	{ "not(ipv4 protocol tcp)and transport destination-port 443", V4, 0 },
	{ "counter bytes>4k", V4, 1 },
	{ "counter bytes long 5000", V4, 1 },
	{ "transport tcp flags SA", V4, 1 },
};

static const struct {
	const char *expression;
	int code;
	const char *place;
} faults[] = {
	{ "", -EINVAL, "character 1 (the end)" },
	{ "   ", -EINVAL, "(the end)" },
	{ "src", -EINVAL, "character 4 (the end): expected one of ==" },
	{ "src ==", -EINVAL, "character 7 (the end): not a value" },
	{ "src = = 1", -EINVAL, "character 7 ('='): not a value" },
	{ "frobs == 1", -ENOENT, "character 1 ('frobs'): 'frobs' is no field" },
	{ "src == 10.0.0.256", -EINVAL, "character 8 ('10.0.0.256')" },
	{ "src == 80", -EINVAL, "character 8 ('80')" },
	{ "port == http", -EINVAL, "character 9 ('http')" },
	{ "port == -1", -EINVAL, "character 9 ('-1')" },
	{ "port == 1kk", -EINVAL, "character 9 ('1kk')" },
	{ "bytes == 99999999999999999999", -EINVAL, "character 10" },
	{ "bytes == 18446744073709551615k", -EINVAL, "character 10" },
	{ "src in 10.0.0.0/33", -EINVAL, "character 8" },
	{ "src in 10.0.0.0/", -EINVAL, "character 8" },
	{ "src in 10.0.0.0/x", -EINVAL, "character 8" },
	{ "src in 10.0.0.0/8x", -EINVAL, "character 8" },
	{ "src in 10.0.0.0/-1", -EINVAL, "character 8" },
	{ "src in ::/129", -EINVAL, "character 8" },
	{ "port in 80", -EINVAL, "an address field before it" },
	{ "sourceMacAddress == 02:00:00:00:00", -EINVAL, "character 21" },
	{ "sourceMacAddress == 02:00:00:00:00:00:01", -EINVAL, "character 21" },
	{ "flags == SX", -EINVAL, "character 10" },
	{ "first == 2026-01-31", -EINVAL, "character 10" },
	{ "first == 2026-01-31T00:00:00+1", -EINVAL, "character 10" },
	{ "port == 80 port == 81", -EINVAL, "character 12 ('port'): expected and, or, or the end" },
	{ "port == 80 and", -EINVAL, "character 15 (the end): a comparison is missing" },
	{ "and port == 80", -ENOENT, "character 1 ('and')" },
	{ "(port == 80", -EINVAL, "character 12 (the end): expected ')'" },
	{ "port == 80)", -EINVAL, "character 11 (')')" },
	{ "()", -ENOENT, "character 2" },
	{ "port == 80 &", -EINVAL, "character 12 ('&')" },
	{ "ipv4 source address", -EINVAL, "character 20 (the end): not a value" },
	{ "ipv4 source address frob", -EINVAL, "character 21 ('frob'): not a value" },
	{ "ipv4 source frob 1", -ENOENT, "character 1 ('ipv4'): ipv4 source 'frob': expected address" },
	{ "ipv4 source address 10.0.0.1 transport", -EINVAL, "character 30 ('transport'): expected and" },
	{ "transport destination-port 10.0.0.0/8", -EINVAL, "an address field before it" },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa == 1",
	  -EINVAL, "character 1 ('aaaaaaaa'): a word longer" },
};
/* clang-format on */

TEST(lets_through_what_is_true)
{
	struct error err;
	size_t i;

	for (i = 0; i < sizeof(truths) / sizeof(truths[0]); i++) {
		int ret = eval(truths[i].expression, truths[i].family, &err);

		EXPECT_EQ(truths[i].expected, ret)
		{
			TH_LOG("%s: %d %s", truths[i].expression, ret, ret < 0 ? err.text : "");
		}
	}
}

TEST(faults_name_their_place)
{
	struct error err;
	size_t i;

	for (i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		int ret = eval(faults[i].expression, V4, &err);

		EXPECT_EQ(faults[i].code, ret)
		{
			TH_LOG("%s: %d", faults[i].expression, ret);
		}
		if (ret >= 0)
			continue;
		EXPECT_NE(NULL, strstr(err.text, faults[i].place))
		{
			TH_LOG("%s: %s", faults[i].expression, err.text);
		}
	}
}

/* @n times @open, a comparison, @n times @close. */
static int eval_nested(const char *open, const char *close, int n)
{
	static char text[65536];
	struct error err;
	int i;

	text[0] = '\0';
	for (i = 0; i < n; i++)
		strcat(text, open);
	strcat(text, "port == 443");
	for (i = 0; i < n; i++)
		strcat(text, close);
	return eval(text, V4, &err);
}

TEST(depth_and_length_are_bounded)
{
	EXPECT_EQ(1, eval_nested("(", ")", 31));
	EXPECT_EQ(-E2BIG, eval_nested("(", ")", 32));
	EXPECT_EQ(-E2BIG, eval_nested("(", ")", 5000));
	EXPECT_EQ(1, eval_nested("not ", "", 30));
	EXPECT_EQ(-E2BIG, eval_nested("not ", "", 5000));
	EXPECT_EQ(1, eval_nested("", " and port == 443", 127));
	EXPECT_EQ(-E2BIG, eval_nested("", " and port == 443", 128));
	EXPECT_EQ(-E2BIG, eval_nested("", " or port != 443", 1000));
}

TEST(every_short_word_is_a_field)
{
	const struct field *rows[FLOW_FIELD_ROWS];
	size_t i;
	int n;

	for (i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++) {
		for (n = 0; n < FLOW_FIELD_ROWS && aliases[i].names[n]; n++)
			EXPECT_NE(NULL, field_by_name(aliases[i].names[n]))
			{
				TH_LOG("%s: %s", aliases[i].word, aliases[i].names[n]);
			}
		EXPECT_EQ(n, flow_field_rows(aliases[i].word, rows, NULL));
	}
}

/* Every field's value, as it is shown, is a value of it: what is printed can be asked for. */
TEST(what_is_shown_can_be_filtered)
{
	struct flow flow = flow_v4();
	struct flow_columns columns = { .n = 1 };
	struct flow_filter *filter;
	char expression[256];
	struct error err;
	unsigned int id;
	int n;

	memset(&flow.extra, 0x5a, sizeof(flow.extra));
	flow.key.vlan_tci = 0xa123;
	for (id = 0; id < FIELD_ID_MAX; id++) {
		const struct field *f = field_get(id);

		columns.fields[0] = f;
		n = snprintf(expression, sizeof(expression), "%s == ", f->name);
		field_format_flow(f, &flow, &test_clock, expression + n, sizeof(expression) - n);
		ASSERT_EQ(0, flow_filter_parse(&filter, expression, &err))
		{
			TH_LOG("%s", err.text);
		}
		EXPECT_EQ(0, flow_filter_bind(filter, &columns, &err));
		EXPECT_TRUE(flow_filter_match(filter, &flow, &test_clock))
		{
			TH_LOG("%s: %s", f->symbol, expression);
		}
		flow_filter_free(filter);
	}
}

FIXTURE(sort)
{
	struct flow_sort *sort;
	struct flow_columns columns;
	struct error err;
};

FIXTURE_SETUP(sort)
{
	self->sort = NULL;
	columns_v4(&self->columns);
}

FIXTURE_TEARDOWN(sort)
{
	flow_sort_destroy(self->sort);
}

static int sort_many(struct flow_sort *s, uint64_t n)
{
	struct flow flow = flow_v4();
	struct error err;
	uint64_t i;
	int ret = 0;

	/* 7919 is prime to n: every value from 0 to n - 1 once, in no order */
	for (i = 0; i < n && !ret; i++) {
		flow.stats.octets = i * 7919 % n;
		flow.key.src_port = htons((uint16_t)(flow.stats.octets % 1000));
		ret = flow_sort_add(s, &flow, &test_clock, &err);
	}
	return ret;
}

TEST_F(sort, counters_are_highest_first)
{
	size_t i;

	ASSERT_EQ(0, flow_sort_create(&self->sort, "bytes", FLOW_SORT_MAX, &self->err));
	ASSERT_EQ(0, flow_sort_bind(self->sort, &self->columns, &self->err));
	ASSERT_EQ(0, sort_many(self->sort, 1000));
	ASSERT_EQ(1000, flow_sort_finish(self->sort));
	for (i = 0; i < 1000; i++)
		ASSERT_EQ(999 - i, flow_sort_get(self->sort, i)->stats.octets);
}

TEST_F(sort, top_keeps_the_first_of_the_order)
{
	size_t i;

	ASSERT_EQ(0, flow_sort_create(&self->sort, "octetDeltaCount", 10, &self->err));
	ASSERT_EQ(0, flow_sort_bind(self->sort, &self->columns, &self->err));
	ASSERT_EQ(0, sort_many(self->sort, 5000));
	EXPECT_EQ(5000, flow_sort_added(self->sort));
	ASSERT_EQ(10, flow_sort_finish(self->sort));
	for (i = 0; i < 10; i++)
		EXPECT_EQ(4999 - i, flow_sort_get(self->sort, i)->stats.octets);
}

TEST_F(sort, keys_are_lowest_first_and_equals_keep_their_order)
{
	struct flow flow = flow_v4();
	unsigned int i;

	ASSERT_EQ(0, flow_sort_create(&self->sort, "sport", 6, &self->err));
	ASSERT_EQ(0, flow_sort_bind(self->sort, &self->columns, &self->err));
	for (i = 0; i < 300; i++) {
		flow.key.src_port = htons((uint16_t)(300 - i % 3 * 100));
		flow.stats.packets = i;
		ASSERT_EQ(0, flow_sort_add(self->sort, &flow, &test_clock, &self->err));
	}
	ASSERT_EQ(6, flow_sort_finish(self->sort));
	for (i = 0; i < 6; i++) {
		EXPECT_EQ(100, ntohs(flow_sort_get(self->sort, i)->key.src_port));
		EXPECT_EQ(2 + 3 * i, flow_sort_get(self->sort, i)->stats.packets);
	}
}

static void expect_order(struct __test_metadata *_metadata, FIXTURE_DATA(sort) * self,
			 const char *field, uint64_t first, uint64_t second)
{
	ASSERT_EQ(0, flow_sort_create(&self->sort, field, 2, &self->err))
	{
		TH_LOG("%s: %s", field, self->err.text);
	}
	ASSERT_EQ(0, flow_sort_bind(self->sort, &self->columns, &self->err));
	ASSERT_EQ(0, sort_many(self->sort, 100));
	ASSERT_EQ(2, flow_sort_finish(self->sort));
	EXPECT_EQ(first, flow_sort_get(self->sort, 0)->stats.octets);
	EXPECT_EQ(second, flow_sort_get(self->sort, 1)->stats.octets);
	flow_sort_destroy(self->sort);
	self->sort = NULL;
}

TEST_F(sort, in_a_routers_words)
{
	expect_order(_metadata, self, "counter bytes", 99, 98);
	expect_order(_metadata, self, "highest counter bytes long", 99, 98);
	expect_order(_metadata, self, "lowest counter bytes", 0, 1);
	expect_order(_metadata, self, "low bytes", 0, 1);
	expect_order(_metadata, self, "transport source-port", 0, 1);
	expect_order(_metadata, self, "highest tran source-port", 99, 98);
	EXPECT_EQ(-ENOENT, flow_sort_create(&self->sort, "highest counter frobs", 2, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, "counter 'frobs': expected"));
	EXPECT_EQ(-ENOENT, flow_sort_create(&self->sort, "highest", 2, &self->err));
	EXPECT_EQ(NULL, self->sort);
}

TEST_F(sort, binding_begins_anew)
{
	ASSERT_EQ(0, flow_sort_create(&self->sort, "packets", 10, &self->err));
	ASSERT_EQ(0, flow_sort_bind(self->sort, &self->columns, &self->err));
	ASSERT_EQ(0, sort_many(self->sort, 100));
	columns_v6(&self->columns);
	ASSERT_EQ(0, flow_sort_bind(self->sort, &self->columns, &self->err));
	EXPECT_EQ(0, flow_sort_added(self->sort));
	EXPECT_EQ(0, flow_sort_finish(self->sort));
}

TEST_F(sort, fields_that_are_not_there)
{
	struct flow_sort *none;

	EXPECT_EQ(-ENOENT, flow_sort_create(&none, "frobs", 10, &self->err));
	ASSERT_EQ(0, flow_sort_create(&self->sort, "bytes", 10, &self->err));
	columns_v6(&self->columns);
	EXPECT_EQ(-ENOENT, flow_sort_bind(self->sort, &self->columns, &self->err));
}

TEST_HARNESS_MAIN
