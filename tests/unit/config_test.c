// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading configurations. tests/data/config is the corpus: NAME.conf must be
 * read, or, where NAME.err stands beside it, refused with exactly that message.
 * The examples must be read too.
 */
#include "config/config.h"

#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

static int parse(struct config **cp, const char *text, struct error *err)
{
	return config_parse(cp, "x", text, strlen(text), err);
}

/* The first line of NAME.err; false: there is no such file. */
static bool read_expected(const char *path, char *text, size_t size)
{
	char name[256];
	FILE *f;

	snprintf(name, sizeof(name), "%.*s.err", (int)(strlen(path) - strlen(".conf")), path);
	f = fopen(name, "r");
	text[0] = '\0';
	if (!f)
		return false;
	if (!fgets(text, (int)size, f))
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	fclose(f);
	return true;
}

TEST(corpus)
{
	char text[sizeof(((struct error *)0)->text)];
	unsigned int good = 0, bad = 0;
	const char *name;
	struct config *c;
	struct error err;
	glob_t g;
	size_t i;
	int rc;

	ASSERT_EQ(0, glob("tests/data/config/*.conf", 0, NULL, &g));
	for (i = 0; i < g.gl_pathc; i++) {
		c = NULL;
		err = (struct error){ 0 };
		rc = config_load(&c, g.gl_pathv[i], &err);
		if (read_expected(g.gl_pathv[i], text, sizeof(text))) {
			name = strrchr(g.gl_pathv[i], '/') + 1;
			EXPECT_GT(0, rc) TH_LOG("%s was read", name);
			EXPECT_EQ(rc, err.code);
			EXPECT_EQ(NULL, c);
			ASSERT_NE(NULL, strstr(err.text, name)) TH_LOG("%s", err.text);
			EXPECT_STREQ(text, strstr(err.text, name));
			bad++;
		} else {
			EXPECT_EQ(0, rc) TH_LOG("%s", err.text);
			good++;
		}
		config_free(c);
	}
	globfree(&g);
	EXPECT_LE(24, good);
	EXPECT_LE(99, bad);
}

/* Texts that a file with a comment in its first line cannot be. */
TEST(empty_text)
{
	struct config *c = NULL;

	ASSERT_EQ(0, parse(&c, "", NULL));
	EXPECT_EQ(0,
		  c->n_records + c->n_exporters + c->n_samplers + c->n_monitors + c->n_interfaces);
	config_free(c);
}

TEST(byte_order_mark)
{
	struct config *c = NULL;
	struct error err;

	ASSERT_EQ(0, parse(&c,
			   "\xef\xbb\xbf"
			   "interface eth0\n",
			   NULL));
	EXPECT_STREQ("eth0", c->interfaces[0].pattern);
	config_free(c);
	EXPECT_EQ(-EINVAL, parse(&c,
				 "\ninterface eth0\n\xef\xbb\xbf"
				 "interface eth1\n",
				 &err));
}

TEST(carriage_returns)
{
	struct config *c = NULL;

	ASSERT_EQ(0, parse(&c,
			   "flow record R\r\n match ipv4 tos\r\n description text  \r\n!\r\n"
			   "\r\nflow monitor M\r\n record R\r",
			   NULL));
	EXPECT_STREQ("text", config_record(c, "R")->description);
	EXPECT_STREQ("R", config_monitor(c, "M")->record);
	config_free(c);
}

TEST(examples)
{
	struct config *c = NULL;
	struct error err = { 0 };
	glob_t g;
	size_t i;

	ASSERT_EQ(0, glob("examples/*.conf", 0, NULL, &g));
	EXPECT_LE(3, g.gl_pathc);
	for (i = 0; i < g.gl_pathc; i++) {
		ASSERT_EQ(0, config_load(&c, g.gl_pathv[i], &err)) TH_LOG("%s", err.text);
		EXPECT_NE(0, c->n_interfaces) TH_LOG("%s", g.gl_pathv[i]);
		config_free(c);
	}
	globfree(&g);
}

TEST(record)
{
	const struct config_record *r;
	struct config *c;

	ASSERT_EQ(0, parse(&c,
			   "flow record R\n description text\n collect counter bytes\n"
			   " match ipv4 destination address\n match ipv4 source address\n",
			   NULL));
	r = config_record(c, "R");
	ASSERT_NE(NULL, r);
	EXPECT_STREQ("text", r->description);
	EXPECT_EQ(1, r->line);
	ASSERT_EQ(3, r->n_fields);
	EXPECT_EQ(field_get(FIELD_ID_IPV4_DST), r->fields[0].field);
	EXPECT_EQ(field_get(FIELD_ID_IPV4_SRC), r->fields[1].field);
	EXPECT_STREQ("counter bytes", r->fields[2].field->words);
	EXPECT_TRUE(r->fields[0].match && r->fields[1].match && !r->fields[2].match);
	EXPECT_EQ(NULL, config_record(c, "r"));
	config_free(c);
}

/* Every field can be named, in full and in any case, and is that field. */
TEST(every_field)
{
	const struct config_record *r;
	const struct field *f;
	struct config *c = NULL;
	struct error err;
	char text[256];
	unsigned int i;

	for (i = 0; i < FIELD_ID_MAX; i++) {
		f = field_get(i);
		snprintf(text, sizeof(text), "flow record R\n %s %s\n",
			 f->role == FIELD_KEY ? "match" : "collect", f->words);
		if (f->role != FIELD_KEY)
			strcat(text, " match interface input\n");
		ASSERT_EQ(0, parse(&c, text, &err)) TH_LOG("%s", err.text);
		r = config_record(c, "R");
		EXPECT_EQ(f, r->fields[r->n_fields - 1].field) TH_LOG("%s", f->words);
		config_free(c);
	}
}

TEST(build_record)
{
	struct error err = { 0 };
	struct config *c;
	struct record *r;

	ASSERT_EQ(0, parse(&c,
			   "flow record R\n description text\n collect counter bytes\n"
			   " match ipv4 source address\n",
			   NULL));
	r = config_build_record(c, "R", &err);
	ASSERT_NE(NULL, r);
	EXPECT_STREQ("R", r->name);
	EXPECT_STREQ("text", r->description);
	EXPECT_EQ(1, r->n_match);
	EXPECT_EQ(2, r->n_fields);
	EXPECT_EQ(FIELD_IPV4, r->family);
	record_put(r);
	r = config_build_record(c, "netflow ipv6 original-input", &err);
	ASSERT_NE(NULL, r);
	EXPECT_TRUE(r->predefined);
	record_put(r);
	EXPECT_EQ(NULL, config_build_record(c, "none", &err));
	EXPECT_EQ(-ENOENT, err.code);
	config_free(c);
}

TEST(exporter)
{
	const struct exporter_params *p;
	struct config *c;

	ASSERT_EQ(0, parse(&c,
			   "flow exporter X\n destination 2001:DB8::0:1 vrf blue\n source eth0\n"
			   " transport udp 9995\n source-port 4444\n export-protocol ipfix\n"
			   " dscp 46\n ttl 9\n template data timeout 60\n template data packets 7\n"
			   " mtu 1400\n observation-domain 4000000000\n burst 5\n"
			   " option sampler-table timeout 90\n description d\n",
			   NULL));
	ASSERT_NE(NULL, config_exporter(c, "X"));
	p = &config_exporter(c, "X")->params;
	EXPECT_STREQ("X", p->name);
	EXPECT_STREQ("2001:db8::1", p->destination);
	EXPECT_STREQ("blue", p->vrf);
	EXPECT_STREQ("eth0", p->source);
	EXPECT_EQ(9995, p->port);
	EXPECT_EQ(4444, p->source_port);
	EXPECT_EQ(EXPORT_IPFIX, p->protocol);
	EXPECT_EQ(46, p->dscp);
	EXPECT_EQ(9, p->ttl);
	EXPECT_EQ(60, p->template_timeout_s);
	EXPECT_EQ(7, p->template_packets);
	EXPECT_EQ(1400, p->mtu);
	EXPECT_EQ(4000000000, p->domain);
	EXPECT_EQ(5, p->burst);
	EXPECT_TRUE(p->options[EXPORT_OPTION_SAMPLERS].wanted);
	EXPECT_EQ(90, p->options[EXPORT_OPTION_SAMPLERS].timeout_s);
	EXPECT_STREQ("d", config_exporter(c, "X")->description);
	config_free(c);
}

/* The defaults are the exporter's own, but for the port of the protocol. */
TEST(exporter_defaults)
{
	struct exporter_params defaults, p;
	struct config *c;

	ASSERT_EQ(0, parse(&c,
			   "flow exporter V9\n destination 192.0.2.1\n"
			   "flow exporter IPFIX\n export-protocol ipfix\n destination 192.0.2.1\n",
			   NULL));
	EXPECT_EQ(2055, config_exporter(c, "V9")->params.port);
	EXPECT_EQ(4739, config_exporter(c, "IPFIX")->params.port);
	exporter_params_init(&defaults);
	p = config_exporter(c, "V9")->params;
	strcpy(defaults.name, "V9");
	strcpy(defaults.destination, "192.0.2.1");
	defaults.port = 2055;
	EXPECT_EQ(0, memcmp(&defaults, &p, sizeof(p)));
	config_free(c);
}

TEST(monitor)
{
	const struct config_monitor *m;
	struct config *c;

	ASSERT_EQ(0, parse(&c,
			   "flow exporter A\n destination 192.0.2.1\n"
			   "flow exporter B\n destination 192.0.2.2\n"
			   "flow monitor D\n record netflow-original\n"
			   "flow monitor M\n record NETFLOW IPv4 original-i\n exporter B\n"
			   " exporter A\n cache entries 16\n cache timeout active 5\n"
			   " cache timeout inactive 3\n",
			   NULL));
	m = config_monitor(c, "M");
	ASSERT_NE(NULL, m);
	EXPECT_STREQ("netflow ipv4 original-input", m->record);
	ASSERT_EQ(2, m->n_exporters);
	EXPECT_STREQ("B", m->exporters[0]);
	EXPECT_STREQ("A", m->exporters[1]);
	EXPECT_EQ(16, m->cache.entries);
	EXPECT_EQ(5, m->cache.active_s);
	EXPECT_EQ(3, m->cache.inactive_s);
	m = config_monitor(c, "D");
	EXPECT_EQ(262144, m->cache.entries);
	EXPECT_EQ(1800, m->cache.active_s);
	EXPECT_EQ(15, m->cache.inactive_s);
	config_free(c);
}

/* The words of the table and the numbers of the module's interface are one. */
TEST(samplers)
{
	static const struct {
		const char *mode;
		uint8_t number;
	} modes[] = {
		{ "deterministic", FLOW_SAMPLER_MODE_DETERMINISTIC },
		{ "random", FLOW_SAMPLER_MODE_RANDOM },
		{ "probability", FLOW_SAMPLER_MODE_PROBABILITY },
		{ "time", FLOW_SAMPLER_MODE_TIME },
		{ "hash", FLOW_SAMPLER_MODE_HASH },
	};
	const struct config_sampler *s;
	struct config *c;
	char text[128];
	unsigned int i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		snprintf(text, sizeof(text),
			 "sampler S\n description d\n mode %s 3 out-of 16777216\n", modes[i].mode);
		ASSERT_EQ(0, parse(&c, text, NULL));
		s = config_sampler(c, "S");
		ASSERT_NE(NULL, s);
		EXPECT_STREQ("S", s->sampler.name);
		EXPECT_STREQ("d", s->description);
		EXPECT_EQ(modes[i].number, s->sampler.mode);
		EXPECT_STREQ(modes[i].mode, sampler_mode_name(s->sampler.mode));
		EXPECT_EQ(3, s->sampler.size);
		EXPECT_EQ(16777216, s->sampler.population);
		EXPECT_EQ(NULL, config_sampler(c, "s"));
		config_free(c);
	}
}

#define TWO_SAMPLERS                                                                               \
	"sampler A\n mode hash 1 out-of 2\nsampler B\n mode hash 1 out-of 3\n"                     \
	"flow monitor M\n record netflow-original\n"

TEST(sampled_attachments)
{
	const struct config_interface *i;
	char words[CONFIG_ATTACHMENT_WORDS_MAX];
	struct config *c;

	ASSERT_EQ(0, parse(&c,
			   TWO_SAMPLERS "interface e\n ip flow monitor M sampler A input\n"
					" ip flow monitor M output\n"
					"flow monitor N\n record netflow ipv6 original-input\n"
					"interface f\n ipv6 flow monitor N s B o\n",
			   NULL));
	i = config_interface(c, "e");
	ASSERT_EQ(2, i->n_attachments);
	EXPECT_STREQ("A", i->attachments[0].sampler);
	EXPECT_EQ(FLOW_INPUT, i->attachments[0].direction);
	EXPECT_STREQ("", i->attachments[1].sampler);
	EXPECT_EQ(FLOW_OUTPUT, i->attachments[1].direction);
	EXPECT_STREQ("ip flow monitor M sampler A input",
		     config_attachment_words(&i->attachments[0], words));
	i = config_interface(c, "f");
	ASSERT_EQ(1, i->n_attachments);
	EXPECT_STREQ("ipv6 flow monitor N sampler B output",
		     config_attachment_words(&i->attachments[0], words));
	config_free(c);
}

/* The longest words there can be fit. */
TEST(attachment_words)
{
	struct config_attachment a = { .take = MONITOR_TAKE_IPV6, .direction = FLOW_OUTPUT };
	char words[CONFIG_ATTACHMENT_WORDS_MAX];

	memset(a.monitor, 'm', sizeof(a.monitor) - 1);
	memset(a.sampler, 's', sizeof(a.sampler) - 1);
	config_attachment_words(&a, words);
	EXPECT_STREQ("s output", words + strlen(words) - 8);
	EXPECT_EQ(160, strlen(words));
}

TEST(interfaces)
{
	const struct config_interface *i;
	struct config *c;

	ASSERT_EQ(0, parse(&c,
			   "flow monitor M\n record netflow-original\n"
			   "flow monitor N\n record netflow ipv6 original-input\n"
			   "interface ppp*\n ip flow monitor M output\n"
			   "interface *\n flow hook xdp\n"
			   "interface eth?\n flow hook tc\n"
			   "interface ppp7\n ipv6 flow monitor N input\n flow timestamp precise\n",
			   NULL));
	i = config_interface(c, "ppp7");
	ASSERT_NE(NULL, i);
	EXPECT_STREQ("ppp7", i->pattern);
	EXPECT_TRUE(i->precise);
	ASSERT_EQ(1, i->n_attachments);
	EXPECT_EQ(MONITOR_TAKE_IPV6, i->attachments[0].take);
	EXPECT_EQ(FLOW_INPUT, i->attachments[0].direction);
	i = config_interface(c, "ppp8");
	EXPECT_STREQ("ppp*", i->pattern);
	EXPECT_EQ(MONITOR_TAKE_IPV4, i->attachments[0].take);
	EXPECT_EQ(FLOW_OUTPUT, i->attachments[0].direction);
	EXPECT_STREQ("M", i->attachments[0].monitor);
	EXPECT_EQ(METER_HOOK_AUTO, i->hook);
	EXPECT_FALSE(i->precise);
	EXPECT_STREQ("*", config_interface(c, "eth0")->pattern);
	EXPECT_EQ(METER_HOOK_XDP, config_interface(c, "eth0")->hook);
	config_free(c);
}

TEST(nothing_is_said_of_an_interface)
{
	struct config *c;

	ASSERT_EQ(0, parse(&c, "interface ppp*\ninterface eth?\n", NULL));
	EXPECT_EQ(NULL, config_interface(c, "lo"));
	EXPECT_EQ(NULL, config_interface(c, "eth10"));
	EXPECT_EQ(NULL, config_interface(c, "pp"));
	EXPECT_NE(NULL, config_interface(c, "ppp"));
	config_free(c);
}

/* What is accepted at a limit, and refused beyond it. */
TEST(long_line)
{
	enum { LENGTH = 4096 };
	char *text = malloc(LENGTH + 2);
	struct config *c = NULL;
	struct error err;

	memset(text, ' ', LENGTH + 1);
	memcpy(text, "interface", 9);
	text[LENGTH - 1] = 'e';
	EXPECT_EQ(0, config_parse(&c, "x", text, LENGTH, &err));
	config_free(c);
	text[LENGTH] = 't';
	EXPECT_EQ(-EINVAL, config_parse(&c, "x", text, LENGTH + 1, &err));
	EXPECT_STREQ("x:1: a line of more than 4096 octets", err.text);
	free(text);
}

TEST(large_file)
{
	enum { SIZE = 4 * 1024 * 1024 };
	char *text = malloc(SIZE + 1);
	struct config *c = NULL;
	struct error err;
	unsigned int i;

	for (i = 0; i <= SIZE; i++)
		text[i] = i % 64 == 63 ? '\n' : '#';
	EXPECT_EQ(0, config_parse(&c, "x", text, SIZE, &err));
	config_free(c);
	EXPECT_EQ(-EFBIG, config_parse(&c, "x", text, SIZE + 1, &err));
	EXPECT_STREQ("x: more than 4194304 octets", err.text);
	free(text);
}

/* @n times @lines, each with its number in place of every @. */
static int parse_many(unsigned int n, const char *before, const char *lines, struct error *err)
{
	struct config *c = NULL;
	char *text = NULL;
	const char *p;
	unsigned int i;
	size_t size;
	FILE *f;
	int rc;

	f = open_memstream(&text, &size);
	fputs(before, f);
	for (i = 0; i < n; i++)
		for (p = lines; *p; p++)
			*p == '@' ? fprintf(f, "%u", i) : fputc(*p, f);
	fclose(f);
	rc = config_parse(&c, "x", text, size, err);
	config_free(c);
	free(text);
	return rc;
}

TEST(many_objects)
{
	static const char record[] = "flow record R@\n match ipv4 tos\n";
	static const char monitor[] = "flow monitor M@\n record netflow-original\n";
	static const char exporter[] = "flow exporter X@\n destination 192.0.2.1\n source-id @\n";
	static const char sampler[] = "sampler S@\n mode random 1 out-of 2\n";
	static const char original[] = "flow monitor M\n record netflow-original\n";
	struct error err;

	EXPECT_EQ(0, parse_many(1024, "", record, &err));
	EXPECT_EQ(-E2BIG, parse_many(1025, "", record, &err));
	EXPECT_STREQ("x:2049: flow record R1024: at most 1024 of them", err.text);
	EXPECT_EQ(0, parse_many(1024, "", monitor, &err));
	EXPECT_EQ(-E2BIG, parse_many(1025, "", monitor, &err));
	EXPECT_EQ(0, parse_many(1024, "", exporter, &err));
	EXPECT_EQ(-E2BIG, parse_many(1025, "", exporter, &err));
	EXPECT_EQ(0, parse_many(1024, "", sampler, &err));
	EXPECT_EQ(-E2BIG, parse_many(1025, "", sampler, &err));
	EXPECT_STREQ("x:2049: sampler S1024: at most 1024 of them", err.text);
	EXPECT_EQ(0, parse_many(4096, original, "interface e@\n ip flow monitor M input\n", &err));
	EXPECT_EQ(-E2BIG, parse_many(4097, "", "interface e@\n", &err));
}

/* Text made to cost time. */
TEST(costly_text)
{
	struct error err;

	EXPECT_EQ(-E2BIG, parse_many(5000, "", "interface e@\nno interface e@\n", &err));
	EXPECT_EQ(0, parse_many(60000, "flow record R\n match ipv4 tos\n",
				" match ipv4 protocol\n no match ipv4 protocol\n", &err));
}

TEST(file_that_is_not_there)
{
	struct config *c = NULL;
	struct error err;

	EXPECT_EQ(-ENOENT, config_load(&c, "/nonexistent/flowgauge.conf", &err));
	EXPECT_STREQ("/nonexistent/flowgauge.conf: cannot open: No such file or directory",
		     err.text);
	EXPECT_EQ(-EISDIR, config_load(&c, "/", &err));
	EXPECT_EQ(NULL, c);
}

TEST(without_an_error)
{
	struct config *c = NULL;

	EXPECT_GT(0, parse(&c, "flow colour\n", NULL));
	EXPECT_GT(0, parse(&c, "flow record R\n", NULL));
	EXPECT_GT(0, parse(&c, "interface eth0\n ip flow monitor M input\n", NULL));
	EXPECT_EQ(NULL, c);
	config_free(NULL);
}

TEST_HARNESS_MAIN
