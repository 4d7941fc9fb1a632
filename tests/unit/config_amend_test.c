// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changing a configuration: every case is a base, what is said to it, and what
 * it is then or why not. The base stays as it was in either case.
 */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "config_equal.h"

#include "kselftest_harness.h"

#define RECORD "flow record R\n match ipv4 source address\n!\n"
#define EXPORTER "flow exporter X\n destination 192.0.2.1\n!\n"
#define MONITOR "flow monitor M\n record R\n exporter X\n!\n"
#define INTERFACE "interface eth0\n ip flow monitor M input\n!\n"
#define SAMPLER "sampler S\n mode random 1 out-of 100\n!\n"
#define SAMPLED "interface eth0\n ip flow monitor M sampler S input\n!\n"
#define ALL RECORD EXPORTER MONITOR INTERFACE

/* clang-format off */
static const struct {
	const char *name, *base, *said, *then;
	int rc; /* 0: @then is the configuration, else the error's text */
} changes[] = {
{ "nothing", ALL, "", ALL, 0 },
{ "attach", ALL, "interface eth0\n ip flow monitor M output\n",
	RECORD EXPORTER MONITOR "interface eth0\n ip flow monitor M input\n ip flow monitor M output\n!\n", 0 },
{ "attach another", ALL, "interface eth1\n ip flow monitor M input\n",
	ALL "interface eth1\n ip flow monitor M input\n!\n", 0 },
{ "attach twice", ALL, "interface eth0\n ip flow monitor M input\n",
	ALL, 0 },
{ "attach nothing", ALL, "interface eth0\n ip flow monitor N input\n",
	"x:2: interface eth0: ip flow monitor N: there is no flow monitor N; define it or correct the name", -ENOENT },
{ "detach", ALL, "interface eth0\n no ip flow monitor M input\n",
	RECORD EXPORTER MONITOR "interface eth0\n!\n", 0 },
{ "detach what is not there", ALL, "interface eth0\n no ip flow monitor M output\n",
	"x:2: interface eth0: no ip flow monitor M output: the interface has no such line", -ENOENT },
{ "remove an interface", ALL, "no interface eth0\n", RECORD EXPORTER MONITOR, 0 },
{ "remove a monitor in use", ALL, "no flow monitor M\n",
	"x:1: no flow monitor M: interface eth0 uses it", -EBUSY },
{ "remove an exporter in use", ALL, "! first\nno flow exporter X\n",
	"x:2: no flow exporter X: flow monitor M uses it", -EBUSY },
{ "remove a record in use", ALL, "no flow record R",
	"x:1: no flow record R: flow monitor M uses it", -EBUSY },
{ "remove what is not there", ALL, "no flow record S",
	"x:1: no flow record S: there is none of that name", -ENOENT },
{ "remove all", ALL, "no flow record R\nno flow exporter X\nno flow monitor M\nno interface eth0\n", "", 0 },
{ "replace a record", ALL, "no flow record R\nflow record R\n match ipv4 tos\n",
	EXPORTER MONITOR INTERFACE "flow record R\n match ipv4 tos\n!\n", 0 },
{ "another record", ALL, "flow monitor M\n record netflow-original\n",
	RECORD EXPORTER "flow monitor M\n record netflow-original\n exporter X\n!\n" INTERFACE, 0 },
{ "a record of the other family", ALL, "flow monitor M\n record netflow ipv6 original-input\n",
	"x: interface eth0: ip flow monitor M input: its record, netflow ipv6 original-input, takes IPv6 packets only: "
	"attach it with `ipv6 flow monitor`, or a monitor of another record", -EINVAL },
{ "a match more", ALL, "flow record R\n collect counter bytes\n match ipv4 tos\n",
	"flow record R\n match ipv4 source address\n match ipv4 tos\n collect counter bytes\n!\n" EXPORTER MONITOR INTERFACE, 0 },
{ "a match twice", ALL, "flow record R\n match ipv4 source address\n",
	ALL, 0 },
{ "a match as collect", ALL, "flow record R\n collect ipv4 source address\n",
	"x:2: flow record R: collect ipv4 source address: is there already to match", -EEXIST },
{ "all of it again", ALL SAMPLER, ALL SAMPLER, ALL SAMPLER, 0 },
{ "all of it twice again", ALL SAMPLER, ALL ALL SAMPLER SAMPLER, ALL SAMPLER, 0 },
{ "an application again", "application A\n transport tcp 80 to 90\n!\n", "application A\n transport tcp 80 to 90\n",
	"application A\n transport tcp 80 to 90\n!\n", 0 },
{ "the same time twice", ALL, "flow monitor M\n cache timeout active 7\n cache timeout active 7\n",
	RECORD EXPORTER "flow monitor M\n record R\n exporter X\n cache timeout active 7\n!\n" INTERFACE, 0 },
{ "two times", ALL, "flow monitor M\n cache timeout active 7\n cache timeout active 8\n",
	"x:3: flow monitor M: cache timeout active 8: given twice below this header", -EEXIST },
{ "two times below two headers", ALL, "flow monitor M\n cache timeout active 7\nflow monitor M\n cache timeout active 8\n",
	RECORD EXPORTER "flow monitor M\n record R\n exporter X\n cache timeout active 8\n!\n" INTERFACE, 0 },
{ "an event twice", "", "flow monitor M\n record netflow-original\n cache timeout event transaction-end\n"
	" cache timeout event transaction-end\n", "flow monitor M\n record netflow-original\n cache timeout event transaction-end\n", 0 },
{ "the last match away", ALL, "flow record R\n no match ipv4 source address\n",
	"x:1: flow record R: record 'R' has no match line: what makes a flow is not said", -EINVAL },
{ "other times", ALL, "flow monitor M\n cache timeout active 7\n",
	RECORD EXPORTER "flow monitor M\n record R\n exporter X\n cache timeout active 7\n!\n" INTERFACE, 0 },
{ "other times again", RECORD "flow monitor M\n record R\n cache timeout active 7\n!\n", "flow monitor M\n cache timeout active 8\n",
	RECORD "flow monitor M\n record R\n cache timeout active 8\n!\n", 0 },
{ "the default again", RECORD "flow monitor M\n record R\n cache timeout active 7\n!\n", "flow monitor M\n no cache timeout active\n",
	RECORD "flow monitor M\n record R\n!\n", 0 },
{ "no exporter", ALL, "flow monitor M\n no exporter X\n", RECORD EXPORTER "flow monitor M\n record R\n!\n" INTERFACE, 0 },
{ "no exporter, and it goes", ALL, "no flow exporter X\nflow monitor M\n no exporter X\n",
	RECORD "flow monitor M\n record R\n!\n" INTERFACE, 0 },
{ "not this exporter", ALL, "flow monitor M\n no exporter Y\n",
	"x:2: flow monitor M: no exporter Y: the monitor does not export to Y", -ENOENT },
{ "no record", ALL, "flow monitor M\n no record\n",
	"x:1: flow monitor M: no record: add `record NAME` or `record netflow ipv4 original-input`", -EINVAL },
{ "no destination", ALL, "flow exporter X\n no destination\n",
	"x:1: flow exporter X: no destination: add `destination ADDRESS`", -EINVAL },
{ "another destination", EXPORTER, "flow exporter X\n destination 192.0.2.2\n",
	"flow exporter X\n destination 192.0.2.2\n!\n", 0 },
{ "no VRF any more", "flow exporter X\n destination 192.0.2.1 vrf A\n!\n", "flow exporter X\n destination 192.0.2.1\n", EXPORTER, 0 },
{ "the port of another protocol", EXPORTER, "flow exporter X\n export-protocol ipfix\n",
	"flow exporter X\n destination 192.0.2.1\n export-protocol ipfix\n!\n", 0 },
{ "one port more", "flow exporter X\n destination 192.0.2.1\n transport udp 4739\n!\n",
	"flow exporter X\n no transport udp\n", EXPORTER, 0 },
{ "a wrong word", ALL, "interface eth0\n ip flow monitr M input\n",
	"x:2: interface eth0: ip flow 'monitr': expected monitor; did you mean monitor?", -EINVAL },
{ "defined and used", "", "interface eth0\n ip flow monitor M input\nflow monitor M\n record R\n exporter X\n" RECORD EXPORTER,
	ALL, 0 },
{ "sampled", ALL SAMPLER, "interface eth0\n ip flow monitor M sampler S output\n",
	RECORD EXPORTER SAMPLER MONITOR "interface eth0\n ip flow monitor M input\n ip flow monitor M sampler S output\n!\n", 0 },
{ "sampled and defined", RECORD EXPORTER MONITOR, "interface eth0\n ip flow monitor M sampler S input\n" SAMPLER,
	RECORD EXPORTER MONITOR SAMPLER SAMPLED, 0 },
{ "another sampler", ALL SAMPLER, "interface eth0\n ip flow monitor M sampler S input\n",
	"x:2: interface eth0: ip flow monitor M sampler S input: is there already without a sampler", -EEXIST },
{ "another sampler in its place", ALL SAMPLER, "interface eth0\n no ip flow monitor M input\n ip flow monitor M sampler S input\n",
	RECORD EXPORTER MONITOR SAMPLER SAMPLED, 0 },
{ "no sampler in its place", RECORD EXPORTER MONITOR SAMPLER SAMPLED, "interface eth0\n no ip flow monitor M sampler S input\n"
	" ip flow monitor M input\n", ALL SAMPLER, 0 },
{ "a sampler that is not there", ALL, "interface eth0\n ip flow monitor M sampler S output\n",
	"x:2: interface eth0: ip flow monitor M sampler S: there is no sampler S; define it or correct the name", -ENOENT },
{ "remove a sampler in use", RECORD EXPORTER MONITOR SAMPLER SAMPLED, "no sampler S\n",
	"x:1: no sampler S: interface eth0 uses it", -EBUSY },
{ "remove a sampler", ALL SAMPLER, "no sampler S\n", ALL, 0 },
{ "another mode", SAMPLER, "sampler S\n mode time 5 out-of 50\n", "sampler S\n mode time 5 out-of 50\n!\n", 0 },
{ "no mode", SAMPLER, "sampler S\n no mode\n",
	"x:1: sampler S: no mode: add `mode random 1 out-of 100`, or another one", -EINVAL },
{ "samplers announced", EXPORTER, "flow exporter X\n option sampler-table timeout 7\n",
	"flow exporter X\n destination 192.0.2.1\n option sampler-table timeout 7\n!\n", 0 },
{ "at another time", "flow exporter X\n destination 192.0.2.1\n option sampler-table timeout 7\n!\n",
	"flow exporter X\n option sampler-table\n", "flow exporter X\n destination 192.0.2.1\n option sampler-table\n!\n", 0 },
{ "not announced", "flow exporter X\n destination 192.0.2.1\n option sampler-table timeout 7\n!\n",
	"flow exporter X\n no option sampler-table\n", EXPORTER, 0 },
{ "a range", RECORD "flow monitor M\n record R\n!\n", "interface range e0 - 2 , lo, w1-2\n ip flow monitor M input\n flow hook tc\n",
	RECORD "flow monitor M\n record R\n!\n"
	"interface e0\n ip flow monitor M input\n flow hook tc\n!\ninterface e1\n ip flow monitor M input\n flow hook tc\n!\n"
	"interface e2\n ip flow monitor M input\n flow hook tc\n!\ninterface lo\n ip flow monitor M input\n flow hook tc\n!\n"
	"interface w1\n ip flow monitor M input\n flow hook tc\n!\ninterface w2\n ip flow monitor M input\n flow hook tc\n!\n", 0 },
{ "a range goes", ALL "interface e1\n!\ninterface e2\n!\n", "no interface range e1-2\n", ALL, 0 },
{ "a range, half of it there", ALL, "interface range eth0 - 1\n ip flow monitor M input\n",
	ALL "interface eth1\n ip flow monitor M input\n!\n", 0 },
{ "a name that begins as range does", "", "interface ra\n flow hook tc\n", "interface ra\n flow hook tc\n", 0 },
{ "default", ALL, "flow monitor M\n default exporter X\n", RECORD EXPORTER "flow monitor M\n record R\n!\n" INTERFACE, 0 },
{ "flags", RECORD, "flow record R\n match transport tcp flags syn fin\n no match ipv4 source address\n",
	"flow record R\n match transport tcp flags syn\n match transport tcp flags fin\n!\n", 0 },
{ "no flags", RECORD "flow record F\n match transport tcp flags syn\n match transport tcp flags fin\n match ipv4 tos\n!\n",
	"flow record F\n no match transport tcp flags fin syn\n", RECORD "flow record F\n match ipv4 tos\n!\n", 0 },
{ "a router's fields", "", "flow-record R\n match routing source as 4-octet peer\n match ipv6 payload-length\n",
	"flow record R\n match routing source as peer\n match ipv6 length payload\n!\n", 0 },
{ "a router's statement", ALL, "interface eth0\n no ip address\n",
	"x:2: interface eth0: no ip address: leave it out: addresses are the system's (ip address)", -EINVAL },
{ "headers twice", ALL, "flow monitor M\n!\nflow monitor M\n",
	ALL, 0 },
};
/* clang-format on */

TEST(said_to_a_base)
{
	struct config *base = NULL, *copy = NULL, *expected = NULL, *c;
	struct error err;
	unsigned int i;
	char *text;
	int rc;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		ASSERT_EQ(0,
			  config_parse(&base, "b", changes[i].base, strlen(changes[i].base), &err))
		TH_LOG("%s: %s", changes[i].name, err.text);
		ASSERT_EQ(0,
			  config_parse(&copy, "b", changes[i].base, strlen(changes[i].base), &err));
		c = NULL;
		err = (struct error){ 0 };
		rc = config_amend(&c, base, "x", changes[i].said, strlen(changes[i].said), &err);
		EXPECT_EQ(changes[i].rc, rc) TH_LOG("%s: %s", changes[i].name, err.text);
		EXPECT_TRUE(config_equal(base, copy))
		TH_LOG("%s changed the base", changes[i].name);
		if (changes[i].rc) {
			EXPECT_STREQ(changes[i].then, err.text) TH_LOG("%s", changes[i].name);
			EXPECT_EQ(NULL, c);
		} else if (!rc) {
			ASSERT_EQ(0, config_parse(&expected, "e", changes[i].then,
						  strlen(changes[i].then), &err))
			TH_LOG("%s: %s", changes[i].name, err.text);
			text = config_show(c);
			EXPECT_TRUE(config_equal(c, expected))
			TH_LOG("%s: it is\n%s", changes[i].name, text);
			free(text);
			config_free(expected);
		}
		config_free(base);
		config_free(copy);
		config_free(c);
	}
}

/* What the copy points to is its own: both can be freed, and changed alone. */
TEST(nothing_is_shared)
{
	struct config *base, *c;

	ASSERT_EQ(0, config_parse(&base, "b", ALL, strlen(ALL), NULL));
	ASSERT_EQ(0, config_amend(&c, base, "x", "", 0, NULL));
	EXPECT_NE(base->interfaces[0].attachments, c->interfaces[0].attachments);
	config_free(base);
	EXPECT_STREQ("M", c->interfaces[0].attachments[0].monitor);
	config_free(c);
}

/* Lines of the base's text are not blamed in another text. */
TEST(lines)
{
	static const char said[] = "flow monitor M\n exporter Y\n"
				   "flow exporter Y\n destination 192.0.2.7\n";
	struct config *base, *c;

	ASSERT_EQ(0, config_parse(&base, "b", ALL SAMPLER, strlen(ALL SAMPLER), NULL));
	ASSERT_EQ(0, config_amend(&c, base, "x", said, strlen(said), NULL));
	EXPECT_EQ(7, base->monitors[0].line);
	EXPECT_EQ(1, c->monitors[0].line);
	EXPECT_EQ(0, c->monitors[0].record_line);
	EXPECT_EQ(0, c->monitors[0].exporter_lines[0]);
	EXPECT_EQ(2, c->monitors[0].exporter_lines[1]);
	EXPECT_EQ(0, c->records[0].line);
	EXPECT_EQ(0, c->records[0].fields[0].line);
	EXPECT_EQ(0, c->exporters[0].line);
	EXPECT_EQ(3, c->exporters[1].line);
	EXPECT_EQ(0, c->samplers[0].line);
	EXPECT_EQ(0, c->interfaces[0].line);
	EXPECT_EQ(0, c->interfaces[0].attachments[0].line);
	config_free(base);
	config_free(c);
}

/* Arrays that grew and shrank many times. */
TEST(back_and_forth)
{
	struct config *c = config_create(), *next;
	char text[64];
	int i;

	for (i = 0; i < 200; i++) {
		snprintf(text, sizeof(text), "%sinterface e%d\n", i % 3 == 2 ? "no " : "",
			 i % 3 == 2 ? i - 1 : i);
		ASSERT_EQ(0, config_amend(&next, c, "x", text, strlen(text), NULL));
		config_free(c);
		c = next;
	}
	EXPECT_EQ(200 / 3 + 2, c->n_interfaces);
	for (i = 0; i < (int)c->n_interfaces - 1; i++)
		EXPECT_EQ(i * 3, atoi(c->interfaces[i].pattern + 1));
	config_free(c);
}

/* A draft takes what is not whole, says what is wrong in a line, and leaves its base alone. */
TEST(draft)
{
	static const char unfinished[] = "flow monitor M\n exporter NOT-YET\ninterface eth0\n"
					 " ip flow monitor NOR-THIS input\n";
	struct config *base = config_create(), *c = NULL, *d = NULL;
	struct error err;
	char *text;

	ASSERT_EQ(0, config_draft(&c, base, "x", unfinished, strlen(unfinished), &err))
	TH_LOG("%s", err.text);
	EXPECT_EQ(0, base->n_monitors);
	text = config_show(c);
	EXPECT_NE(0, config_parse(&d, "x", text, strlen(text), &err));
	EXPECT_NE(NULL, strstr(err.text, "x:1: flow monitor M: no record"));
	EXPECT_EQ(-EINVAL, config_draft(&d, c, "x", "flow monitor M\n recrod R\n", 26, &err));
	EXPECT_NE(NULL, strstr(err.text, "x:2: flow monitor M: 'recrod'"));
	EXPECT_EQ(NULL, d);
	EXPECT_EQ(0, config_draft(&d, c, "x", "no flow monitor M\nno interface eth0\n", 36, &err));
	EXPECT_EQ(0, d->n_monitors + d->n_interfaces);
	EXPECT_EQ(1, c->n_monitors);
	free(text);
	config_free(base);
	config_free(c);
	config_free(d);
}

TEST_HARNESS_MAIN
