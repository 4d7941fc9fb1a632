// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The decoder against messages made by hand, cut off at every octet, and
 * mutated at random (with a fixed seed) for the sanitizers to watch; and its
 * bounds on what it keeps.
 */
#include "kselftest_harness.h"

#include <arpa/inet.h>
#include <time.h>

#include "base/bytes.h"
#include "flow/field.h"

#include "../../tools/flowctl/decode.c"
#include "../../tools/flowctl/decode_ipfix.c"
#include "../../tools/flowctl/decode_session.c"
#include "../../tools/flowctl/decode_set.c"
#include "../../tools/flowctl/decode_v5.c"
#include "../../tools/flowctl/decode_v9.c"
#include "../../tools/flowctl/element.c"
#include "unit/decode_examples.h"
#include "unit/golden.h"

enum { LOG_SIZE = 16384 };

/* What the decoder said, as text. */
struct log {
	char text[LOG_SIZE];
	size_t length;
};

static __attribute__((format(printf, 2, 3))) void note(struct log *log, const char *format, ...)
{
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(log->text + log->length, LOG_SIZE - log->length, format, args);
	va_end(args);
	if (n > 0 && log->length + (size_t)n < LOG_SIZE)
		log->length += (size_t)n;
}

static void note_record(void *ctx, const struct decode_message *m, const struct decode_template *t,
			const struct decode_value *values)
{
	char name[ELEMENT_NAME_SIZE];
	char text[ELEMENT_TEXT_SIZE];
	uint16_t i;

	note(ctx, "%s", t->options ? "options" : "flow");
	for (i = 0; i < t->n_elements; i++) {
		bool scope = m->version == 9 && t->options && i < t->n_scope;

		element_name(&t->elements[i], scope, name);
		element_text(&t->elements[i], scope, &values[i], text);
		if (t->elements[i].pen || t->elements[i].number != ELEMENT_PADDING)
			note(ctx, " %s=%s", name, text);
	}
	note(ctx, "\n");
}

static void note_template(void *ctx, const struct decode_message *m,
			  const struct decode_template *t)
{
	note(ctx, "template %u %s\n", t->id, t->n_elements ? "set" : "gone");
}

static void note_warning(void *ctx, const struct decode_message *m, const char *text)
{
	note(ctx, "%s\n", text);
}

static struct decoder *new_decoder(struct log *log)
{
	struct decode_handler handler = { note_record, note_template, note_warning, log };

	memset(log, 0, sizeof(*log));
	return decoder_create(&handler);
}

/* A copy of the exact size, so that a read behind its end is seen. */
static void feed(struct decoder *d, const struct decode_peer *peer, const uint8_t *data, size_t n)
{
	uint8_t *copy = malloc(n ? n : 1);

	memcpy(copy, data, n);
	decoder_message(d, peer, copy, n);
	free(copy);
}

static void feed_text(struct decoder *d, const struct decode_peer *peer, const char *text)
{
	struct message messages[MESSAGES_MAX];
	int n = write_messages(text, messages);
	int i;

	for (i = 0; i < n; i++)
		feed(d, peer, messages[i].data, messages[i].n);
}

TEST(examples_decode_as_written)
{
	static struct log log;
	size_t i;

	for (i = 0; i < EXAMPLES; i++) {
		const struct example *e = &examples[i];
		struct decoder *d = new_decoder(&log);

		feed_text(d, peer_of(e), e->messages);
		EXPECT_STREQ(e->log, log.text)
		{
			TH_LOG("%s", e->name);
		}
		EXPECT_EQ(0, memcmp(&e->stats, decoder_stats(d), sizeof(e->stats)))
		{
			const struct decode_stats *s = decoder_stats(d);

			TH_LOG("%s: messages %lu malformed %lu templates %lu flows %lu options %lu "
			       "unknown %lu gaps %lu lost %lu forgotten %lu",
			       e->name, s->messages, s->malformed, s->templates, s->flows,
			       s->options, s->unknown_sets, s->sequence_gaps, s->lost,
			       s->forgotten);
		}
		decoder_destroy(d);
	}
}

static void decode_golden(struct log *log, const char *name, struct decode_stats *stats)
{
	struct decoder *d = new_decoder(log);
	uint8_t octets[4096];
	int n = golden_read(name, octets, sizeof(octets));

	feed(d, &udp_peer, octets, n > 0 ? (size_t)n : 0);
	*stats = *decoder_stats(d);
	decoder_destroy(d);
}

/* The exporter's messages of samplers, each mode in one: every element has its name. */
TEST(golden_samplers)
{
	static struct log log;
	struct decode_stats stats;

	static const char *const lines[] = {
		"options observationDomainId=42 samplerId=1 samplerMode=1 samplerRandomInterval=33 "
		"samplingInterval=33 samplerName=THREE-IN-100\n",
		"options selectorId=1 selectorAlgorithm=1 samplingPacketInterval=3 "
		"samplingPacketSpace=97 selectorName=THREE-IN-100\n",
		"options selectorId=1 selectorIdTotalPktsObserved=1000 "
		"selectorIdTotalPktsSelected=30\n",
		"options selectorId=2 selectorAlgorithm=3 samplingSize=2 samplingPopulation=5 "
		"selectorName=RANDOM-2-IN-5\n",
		"options selectorId=3 selectorAlgorithm=4 samplingProbability=0.125 "
		"selectorName=PROBABILITY-1-IN-8\n",
		"options selectorId=14 selectorAlgorithm=2 samplingTimeInterval=10000 "
		"samplingTimeSpace=990000 selectorName=TIME-10-IN-1000\n",
		"options selectorId=15 flowSelectorAlgorithm=4 samplingProbability=0.25 "
		"selectorName=HASH-1-IN-4\n",
		"options observationDomainId=42 samplerId=0 samplerMode=1 samplerRandomInterval=1 "
		"samplingInterval=1 samplerName=\n",
	};
	size_t i;

	decode_golden(&log, "v9_samplers", &stats);
	EXPECT_EQ(0, stats.malformed);
	EXPECT_EQ(6, stats.options);
	EXPECT_NE(NULL, strstr(log.text, "options scopeSystem=42 samplerId=1 samplerMode=1 "));
	decode_golden(&log, "ipfix_samplers", &stats);
	EXPECT_EQ(0, stats.malformed);
	EXPECT_EQ(16, stats.options);
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		EXPECT_NE(NULL, strstr(log.text, lines[i]))
		{
			TH_LOG("line %zu is not there", i);
		}
}

/* Every prefix of every example: cut off at each octet, nothing is read behind the end. */
TEST(cut_off_at_every_octet)
{
	struct message messages[MESSAGES_MAX];
	static struct log log;
	uint64_t malformed = 0;
	size_t i;
	size_t n;
	int count;

	for (i = 0; i < EXAMPLES; i++) {
		count = write_messages(examples[i].messages, messages);
		for (n = 0; n < messages[count - 1].n; n++) {
			struct decoder *d = new_decoder(&log);
			int k;

			for (k = 0; k < count - 1; k++)
				feed(d, peer_of(&examples[i]), messages[k].data, messages[k].n);
			feed(d, peer_of(&examples[i]), messages[count - 1].data, n);
			malformed += decoder_stats(d)->malformed > 0;
			decoder_destroy(d);
		}
	}
	EXPECT_GT(malformed, 1000);
}

TEST(fixed_records_have_the_documented_length)
{
	const struct fixed_format *f;
	uint32_t sum;
	size_t i;
	int k;

	for (i = 0; i < 8 + 15; i++) {
		f = i < 8 ? &by_version[i] : &by_scheme[i - 8];
		if (!f->template.n_elements)
			continue;
		for (sum = 0, k = 0; k < f->template.n_elements; k++)
			sum += f->template.elements[k].length;
		EXPECT_EQ(f->template.length_min, sum)
		{
			TH_LOG("format %zu", i);
		}
	}
}

TEST(known_elements_are_not_in_the_table_of_fields)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		EXPECT_EQ(NULL, field_by_ie(known[i].number))
		{
			TH_LOG("%s", known[i].name);
		}
		EXPECT_EQ(NULL, field_by_name(known[i].name));
	}
}

/* Each field of fields.def, sent at its own length, is shown by its name as field_format() does. */
TEST(every_field_is_shown_by_its_name)
{
	uint8_t wire[16] = { 0x20, 0x01, 0x0d, 0xb8, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12 };
	char expected[ELEMENT_TEXT_SIZE];
	char text[ELEMENT_TEXT_SIZE];
	char name[ELEMENT_NAME_SIZE];
	unsigned int id;

	for (id = 0; id < FIELD_ID_MAX; id++) {
		const struct field *f = field_get(id);
		struct decode_element e = { .number = f->ie,
					    .length = f->wire_length,
					    .pen = f->pen };
		struct decode_value v = { wire, f->wire_length };

		element_name(&e, false, name);
		EXPECT_STREQ(f->name, name);
		EXPECT_EQ(field_is_number(f), element_text(&e, false, &v, text));
		field_format(f, wire, f->wire_length, expected, sizeof(expected));
		EXPECT_STREQ(expected, text);
		/* and in version 9, which has no enterprises */
		e = (struct decode_element){ .number = f->v9_type, .length = f->wire_length };
		element_name(&e, false, name);
		EXPECT_STREQ(f->name, name);
		element_text(&e, false, &v, text);
		EXPECT_STREQ(expected, text);
	}
}

TEST(long_values_are_bounded)
{
	static const uint16_t numbers[] = { 1, 8, 27, 56, 6, 152, 82, 130, 64, 9999 };
	static uint8_t wire[65535];
	char text[ELEMENT_TEXT_SIZE + 1];
	size_t i;

	memset(wire, 0x61, sizeof(wire));
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		struct decode_element e = { .number = numbers[i], .length = DECODE_VARIABLE };
		struct decode_value v = { wire, sizeof(wire) };

		text[ELEMENT_TEXT_SIZE] = '#';
		EXPECT_FALSE(element_text(&e, false, &v, text));
		EXPECT_EQ('#', text[ELEMENT_TEXT_SIZE]);
		EXPECT_LT(strlen(text), ELEMENT_TEXT_SIZE);
	}
}

/* 254 octets have a length of one octet, 255 one of three. */
TEST(short_and_long_lengths)
{
	static struct log log;
	unsigned int n;

	for (n = 253; n <= 256; n++) {
		struct decoder *d = new_decoder(&log);
		char text[1024];
		int at = snprintf(text, sizeof(text), "ipfix 0 1 { 2 " T257 " } { 257 0a000001 ");
		unsigned int i;

		at += sprintf(text + at, n < 255 ? "%02x " : "ff%04x ", n);
		for (i = 0; i < n; i++)
			at += sprintf(text + at, "61");
		strcpy(text + at, " 0a000002 0162 }");
		feed_text(d, &udp_peer, text);
		EXPECT_EQ(2, decoder_stats(d)->flows);
		EXPECT_EQ(0, decoder_stats(d)->malformed);
		EXPECT_NE(NULL, strstr(log.text, "10.0.0.2 interfaceName=b\n"));
		decoder_destroy(d);
	}
}

static void feed_template(struct decoder *d, const struct decode_peer *peer, uint32_t domain,
			  unsigned int id, unsigned int fields)
{
	uint8_t data[65535] = { 0, 10 };
	struct writer w;

	writer_init(&w, data, sizeof(data));
	writer_be16(&w, 10);
	writer_be16(&w, (uint16_t)(16 + 8 + 4 * fields));
	writer_be32(&w, 0);
	writer_be32(&w, 0);
	writer_be32(&w, domain);
	writer_be16(&w, 2);
	writer_be16(&w, (uint16_t)(8 + 4 * fields));
	writer_be16(&w, (uint16_t)id);
	writer_be16(&w, (uint16_t)fields);
	while (fields--)
		writer_be32(&w, 0x00070002);
	feed(d, peer, data, w.length);
}

TEST(templates_are_bounded)
{
	static struct log log;
	struct decoder *d = new_decoder(&log);
	unsigned int i;

	for (i = 0; i < DECODE_TEMPLATES_MAX + 10; i++)
		feed_template(d, &udp_peer, 1, 256 + i, 1);
	EXPECT_EQ(DECODE_TEMPLATES_MAX, d->n_templates);
	EXPECT_EQ(10, decoder_stats(d)->forgotten);
	/* a known one can still be refreshed and changed */
	feed_template(d, &udp_peer, 1, 256, 1);
	EXPECT_EQ(10, decoder_stats(d)->forgotten);
	feed_template(d, &udp_peer, 1, 256, 2);
	EXPECT_EQ(10, decoder_stats(d)->forgotten);
	EXPECT_EQ(DECODE_TEMPLATES_MAX, d->n_templates);
	decoder_destroy(d);
}

TEST(who_has_most_templates_makes_room)
{
	static struct log log;
	struct decoder *d = new_decoder(&log);
	unsigned int i;

	feed_template(d, &udp_peer, 2, 256, 1);
	for (i = 0; i < DECODE_TEMPLATES_MAX; i++)
		feed_template(d, &udp_peer, 1, 256 + i, 1);
	EXPECT_EQ(DECODE_TEMPLATES_MAX, d->n_templates);
	feed_template(d, &udp_peer, 2, 257, 1);
	feed_template(d, &udp_peer, 3, 256, 1);
	EXPECT_EQ(3, d->n_templates);
	log.length = 0;
	feed_text(d, &udp_peer, "ipfix 0 2 { 256 0050 } | ipfix 0 3 { 256 0051 }");
	EXPECT_STREQ("flow sourceTransportPort=80\nflow sourceTransportPort=81\n", log.text);
	decoder_destroy(d);
}

TEST(fields_of_a_template_are_bounded)
{
	static struct log log;
	struct decoder *d = new_decoder(&log);

	feed_template(d, &udp_peer, 1, 256, DECODE_FIELDS_MAX);
	EXPECT_EQ(1, d->n_templates);
	feed_template(d, &udp_peer, 1, 257, DECODE_FIELDS_MAX + 1);
	feed_template(d, &udp_peer, 1, 258, 16000);
	EXPECT_EQ(1, d->n_templates);
	EXPECT_EQ(2, decoder_stats(d)->forgotten);
	EXPECT_EQ(0, decoder_stats(d)->malformed);
	decoder_destroy(d);
}

TEST(exporters_are_bounded_and_the_stalest_goes)
{
	static struct log log;
	struct decoder *d = new_decoder(&log);
	struct decode_peer peer = udp_peer;
	unsigned int i;

	feed_template(d, &udp_peer, 1, 256, 1);
	feed_template(d, &udp_peer, 2, 256, 1);
	for (i = 0; i < DECODE_EXPORTERS_MAX - 2; i++)
		feed_template(d, &udp_peer, 3 + i, 256, 1);
	feed_template(d, &udp_peer, 1, 256, 1);
	EXPECT_EQ(0, decoder_stats(d)->forgotten);
	peer.address[15] = 99;
	feed_template(d, &peer, 1, 256, 1);
	EXPECT_EQ(DECODE_EXPORTERS_MAX, d->n_sessions);
	EXPECT_EQ(1, decoder_stats(d)->forgotten);
	log.length = 0;
	log.text[0] = '\0';
	feed_text(d, &udp_peer, "ipfix 0 1 { 256 0050 } | ipfix 0 2 { 256 0050 }");
	EXPECT_STREQ(
		"flow sourceTransportPort=80\na data set of 2 octets without its template 256\n",
		log.text);
	decoder_destroy(d);
}

TEST(sessions_are_told_apart)
{
	static struct log log;
	struct decoder *d = new_decoder(&log);
	struct decode_peer other_port = udp_peer;
	struct decode_peer other_host = udp_peer;

	other_port.port++;
	other_host.address[15]++;
	/* version 9: by address and source id; a new port is the same exporter */
	feed_text(d, &udp_peer, "v9 1 0 1 { 0 0100 0001 0007 0002 }");
	feed_text(d, &other_port, "v9 1 1 1 { 256 0001 }");
	feed_text(d, &other_host, "v9 1 7 1 { 256 0001 }");
	/* IPFIX: a new port is a new transport session, whose sequence begins anew */
	feed_text(d, &udp_peer, "ipfix 8 1 { 2 0100 0001 0007 0002 }");
	feed_text(d, &other_port, "ipfix 0 1 { 256 0002 }");
	EXPECT_STREQ("template 256 set\nflow sourceTransportPort=1\n"
		     "a data set of 2 octets without its template 256\ntemplate 256 set\n"
		     "a data set of 2 octets without its template 256\n",
		     log.text);
	EXPECT_EQ(0, decoder_stats(d)->sequence_gaps);
	decoder_destroy(d);
}

TEST(a_closed_stream_takes_its_templates_along)
{
	static struct log log;
	struct decoder *d = new_decoder(&log);

	feed_text(d, &tcp_peer,
		  "ipfix 0 1 { 2 0100 0001 0007 0002 } | ipfix 0 2 { 2 0100 0001 0007 0002 }");
	feed_text(d, &udp_peer, "ipfix 0 1 { 2 0100 0001 0007 0002 }");
	EXPECT_EQ(3, d->n_sessions);
	decoder_closed(d, &tcp_peer);
	EXPECT_EQ(1, d->n_sessions);
	EXPECT_EQ(1, d->n_templates);
	feed_text(d, &tcp_peer, "ipfix 0 1 { 256 0050 }");
	EXPECT_EQ(1, decoder_stats(d)->unknown_sets);
	decoder_destroy(d);
}

/* A fixed seed, so that what fails once fails again. */
static uint32_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(*state >> 33);
}

static void mutate(struct message *m, uint64_t *state)
{
	static const uint8_t favourites[] = { 0, 1, 2, 3, 4, 0x7f, 0x80, 0xfe, 0xff };
	uint32_t n = 1 + next_random(state) % 4;

	while (n-- && m->n) {
		uint32_t at = next_random(state) % (uint32_t)m->n;

		switch (next_random(state) % 4) {
		case 0:
			m->data[at] ^= (uint8_t)(1u << next_random(state) % 8);
			break;
		case 1:
			m->data[at] = favourites[next_random(state) % sizeof(favourites)];
			break;
		case 2:
			m->n = at;
			break;
		default: /* repeat a piece of itself at the end */
			if (m->n + m->n - at <= sizeof(m->data)) {
				memcpy(m->data + m->n, m->data + at, m->n - at);
				m->n += m->n - at;
			}
		}
	}
}

/* Half of the mutants of IPFIX get their length set right, to come further. */
static void mend(struct message *m, uint64_t *state)
{
	if (m->n >= 16 && get_be16(m->data) == 10 && next_random(state) % 2)
		put_be16(m->data + 2, (uint16_t)m->n);
}

TEST(mutated_messages_do_no_harm)
{
	struct message messages[MESSAGES_MAX];
	static struct log log;
	struct decoder *d = new_decoder(&log);
	time_t end = time(NULL) + 5;
	uint64_t state = 42;
	uint64_t rounds = 0;

	while (rounds < 2000000 && (rounds % 1024 || time(NULL) < end)) {
		const struct example *e = &examples[next_random(&state) % EXAMPLES];
		int count = write_messages(e->messages, messages);
		int i;

		for (i = 0; i < count; i++) {
			mutate(&messages[i], &state);
			mend(&messages[i], &state);
			log.length = 0;
			feed(d, peer_of(e), messages[i].data, messages[i].n);
		}
		rounds++;
		ASSERT_LE(d->n_sessions, DECODE_EXPORTERS_MAX);
		ASSERT_LE(d->n_templates, DECODE_TEMPLATES_MAX);
	}
	EXPECT_GT(decoder_stats(d)->flows, 1000);
	EXPECT_GT(decoder_stats(d)->malformed, 1000);
	TH_LOG("%lu mutants, %lu flows", rounds, decoder_stats(d)->flows);
	decoder_destroy(d);
}

TEST_HARNESS_MAIN
