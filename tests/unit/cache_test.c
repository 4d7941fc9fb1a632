// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The cache against a twin that has no hash, no mask and no index: a plain
 * list, where two flows are one if all matched fields encode to the same
 * octets, and original flows are told apart by comparing what they are.
 * Then what is the cache's alone: its limits, its lines, its file.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "flow/cache_internal.h"
#include "kselftest_harness.h"
#include "unit/twin.h"

#define SECOND NSEC_PER_SEC

/* "match a; match b; collect c" without the semicolons: words come in pairs, NULL ends. */
static struct record *make_record(const enum field_id *match, unsigned int n_match,
				  const enum field_id *collect, unsigned int n_collect)
{
	struct record *r = record_create("TEST");
	struct error err = { 0 };

	for (unsigned int i = 0; i < n_match; i++)
		record_match(r, field_get(match[i]), &err);
	for (unsigned int i = 0; i < n_collect; i++)
		record_collect(r, field_get(collect[i]), &err);
	record_finish(r, &err);
	if (err.code)
		fprintf(stderr, "%s\n", err.text);
	return err.code ? NULL : r;
}

static struct cache *open_cache(struct record *r, uint32_t entries)
{
	const struct cache_params params = { entries, .active_s = 60, .inactive_s = 15 };
	enum cache_recovery recovery;
	struct cache *c = NULL;

	cache_open(&c, NULL, r, &params, &recovery, NULL);
	return c;
}

TEST(merges_as_the_naive_twin_does)
{
	struct random random = { random_seed() };
	struct twin *t = calloc(1, sizeof(*t));
	unsigned int n_counting = 0;

	TH_LOG("FLOWGAUGE_SEED=%llu", (unsigned long long)random.state);
	for (unsigned int i = 0; i < 250; i++) {
		const char *name = predefined_name(i);
		struct record *r = name ? predefined_record(name, NULL) : random_record(&random);
		struct cache *c = open_cache(r, TWIN_MAX);

		ASSERT_NE(NULL, c);
		t->n = t->n_originals = 0;
		merge_random(&random, c, t, 500);
		n_counting += r->wants_flow_count;
		ASSERT_GT(t->n, 0);
		ASSERT_EQ(0, count_differences(c, t, r))
		{
			for (unsigned int f = 0; f < r->n_fields; f++)
				TH_LOG("%s %s", f < r->n_match ? "match" : "collect",
				       r->fields[f]->words);
		}
		ASSERT_CONSERVED(c);
		cache_close(c);
		record_put(r);
	}
	ASSERT_GT(n_counting, 0);
	free(t);
}

TEST(what_is_not_the_protocol_s_does_not_split_flows)
{
	static const enum field_id match[] = { FIELD_ID_ICMP_TYPE };
	static const enum field_id collect[] = { FIELD_ID_DST_PORT, FIELD_ID_PACKETS };
	struct record *r = make_record(match, 1, collect, 2);
	struct cache *c = open_cache(r, 64);
	struct flow flows[4];

	for (uint32_t i = 0; i < 4; i++)
		numbered_flow(&flows[i], i, START);
	flows[0].key.protocol = flows[1].key.protocol = 1;
	flows[0].key.dst_port = 8;          /* echo request */
	flows[1].key.dst_port = 8 | 1 << 8; /* the same type, another code */
	flows[2].key.dst_port = 0x0102;     /* UDP: two ports, one flow */
	flows[3].key.dst_port = 0x0304;
	cache_merge(c, 1, 0, flows, NULL, 4, NULL);
	ASSERT_EQ(2, c->resident.flows);
	ASSERT_CONSERVED(c);
	cache_close(c);
	record_put(r);
}

TEST(attachment_is_no_part_of_a_flow)
{
	struct record *r = predefined_record("netflow ipv4 original-input", NULL);
	struct cache *c = open_cache(r, 64);
	struct flow flows[2];

	numbered_flow(&flows[0], 7, START);
	flows[1] = flows[0];
	flows[1].key.attachment = 2;
	flows[1].key.direction = FLOW_OUTPUT;
	flows[1].key.out_ifindex = 9;
	cache_merge(c, 1, 0, flows, NULL, 2, NULL);
	ASSERT_EQ(1, c->resident.flows);
	cache_close(c);
	record_put(r);
}

/* An index that is far too small, as chance never makes it. */
TEST(two_full_lines_give_up_their_oldest)
{
	struct record *r = predefined_record("netflow ipv4 original-input", NULL);
	struct cache *c = open_cache(r, 40);
	struct cache_stats stats;
	uint32_t position = 0;
	struct flow flow;

	c->index.n_lines = 2;
	for (uint32_t i = 0; i < 40; i++) {
		numbered_flow(&flow, i, START + i);
		cache_merge(c, 1, i, &flow, NULL, 1, NULL);
		ASSERT_CONSERVED(c);
	}
	cache_stats(c, &stats);
	ASSERT_EQ(40, stats.counted.flows);
	ASSERT_EQ(24, stats.resident_flows);
	ASSERT_EQ(16, stats.dropped.flows);
	while (cache_walk(c, &position, &flow, 1))
		ASSERT_GE(flow.stats.last_ns, START + 16);
	cache_close(c);
	record_put(r);
}

/*
 * Flows that differ in one bit of the key, in an index so small that every tenth
 * meets another one's tag: the whole key must be compared.
 */
TEST(a_tag_alone_makes_no_flow)
{
	struct record *r = predefined_record("netflow ipv6 original-input", NULL);
	struct flow base;

	numbered_flow(&base, 1, START);
	for (unsigned int round = 0; round < 30; round++) {
		struct cache *c = open_cache(r, 40);
		uint32_t n = 0;

		c->index.n_lines = 2;
		for (unsigned int bit = 0; bit < r->n_words * 64; bit++) {
			const struct record_word *w = &r->words[bit / 64];
			struct flow flow = base;

			if (!(w->mask >> bit % 64 & 1))
				continue;
			flow.words[w->word] ^= 1ull << bit % 64;
			cache_merge(c, 1, n++, &flow, NULL, 1, NULL);
		}
		ASSERT_GT(n, 300);
		ASSERT_EQ(n, c->state->counted.flows);
		ASSERT_CONSERVED(c);
		cache_close(c);
	}
	record_put(r);
}

TEST(index_finds_exactly_the_tags_that_are_there)
{
	struct random random = { 7 };
	struct index_line line;

	for (unsigned int round = 0; round < 20000; round++) {
		uint8_t tag = (uint8_t)random_below(&random, 4);
		uint32_t expected = 0;

		memset(&line, 0xff, sizeof(line));
		for (unsigned int i = 0; i < INDEX_PLACES; i++) {
			line.tags[i] =
				(uint8_t)(random_below(&random, 3) ? random_below(&random, 4) :
								     random_next(&random));
			expected |= (uint32_t)(line.tags[i] == tag) << i;
		}
		ASSERT_EQ(expected, index_matches(&line, tag));
	}
}

FIXTURE(file)
{
	char path[64];
	struct record *record;
};

FIXTURE_SETUP(file)
{
	snprintf(self->path, sizeof(self->path), "/dev/shm/cache_test.%d", getpid());
	self->record = predefined_record("netflow ipv6 original-input", NULL);
}

FIXTURE_TEARDOWN(file)
{
	unlink(self->path);
	record_put(self->record);
}

static int open_file(FIXTURE_DATA(file) * self, struct cache **cp, struct record *r,
		     uint32_t entries, struct error *err)
{
	const struct cache_params params = { entries, .active_s = 60, .inactive_s = 15 };
	enum cache_recovery recovery = CACHE_EXPIRY_REDONE;
	int ret = cache_open(cp, self->path, r, &params, &recovery, err);

	return ret ? ret : recovery != CACHE_CLEAN;
}

TEST_F(file, flows_outlive_the_agent)
{
	struct twin *t = calloc(1, sizeof(*t));
	struct random random = { 99 };
	struct cache *c;

	ASSERT_EQ(0, open_file(self, &c, self->record, 2000, NULL));
	merge_random(&random, c, t, 1000);
	cache_close(c);
	ASSERT_EQ(0, open_file(self, &c, self->record, 2000, NULL));
	ASSERT_EQ(1, cache_cursor(c).epoch);
	ASSERT_EQ(t->n, c->resident.flows);
	ASSERT_EQ(0, count_differences(c, t, self->record));
	ASSERT_CONSERVED(c);
	/* and are found again: nothing is added */
	cache_merge(c, 2, 0, t->flows, NULL, t->n, NULL);
	ASSERT_EQ(t->n, c->resident.flows);
	ASSERT_EQ(t->n, c->state->counted.flows);
	cache_close(c);
	free(t);
}

/* Killed while an earlier packet's key takes the place of the entry's: the old one is back. */
TEST_F(file, half_replaced_facts_are_undone)
{
	struct flow flow, earlier, seen;
	uint32_t position = 0;
	struct cache *c;

	numbered_flow(&flow, 1, START);
	flow.key.tos = 7;
	ASSERT_EQ(0, open_file(self, &c, self->record, 2000, NULL));
	cache_merge(c, 1, 0, &flow, NULL, 1, NULL);
	ASSERT_EQ(1, cache_walk(c, &position, &seen, 1));
	position--;
	earlier = flow;
	earlier.key.in_ifindex = 99;
	c->state->old_key = c->pool[position].key;
	for (uint32_t i = 0; i < c->n_extra; i++)
		c->state->old_extra[i] = c->extra[position * c->n_extra + i];
	journal_begin_merge(c->state, JOURNAL_REPLACE, position, &c->pool[position].stats,
			    c->state->cursor + 1);
	c->pool[position].key = earlier.key;
	c->pool[position].stats.packets++;
	cache_close(c);
	ASSERT_EQ(0, open_file(self, &c, self->record, 2000, NULL));
	position = 0;
	ASSERT_EQ(1, cache_walk(c, &position, &seen, 1));
	ASSERT_EQ(0, memcmp(&seen.key, &flow.key, sizeof(seen.key)));
	ASSERT_EQ(1, seen.stats.packets);
	ASSERT_CONSERVED(c);
	cache_close(c);
}

TEST_F(file, another_record_or_size_is_refused)
{
	struct record *other = predefined_record("netflow ipv6 original-output", NULL);
	struct error err = { 0 };
	struct cache *c = NULL;
	struct flow flow;

	ASSERT_EQ(0, open_file(self, &c, self->record, 2000, NULL));
	numbered_flow(&flow, 1, START);
	cache_merge(c, 1, 0, &flow, NULL, 1, NULL);
	cache_close(c);
	ASSERT_EQ(-ESTALE, open_file(self, &c, other, 2000, &err));
	ASSERT_NE(NULL, strstr(err.text, self->path));
	ASSERT_EQ(-ESTALE, open_file(self, &c, self->record, 4000, NULL));
	ASSERT_EQ(0, open_file(self, &c, self->record, 2000, NULL));
	ASSERT_EQ(1, c->resident.flows);
	cache_close(c);
	record_put(other);
}

static int reopen(FIXTURE_DATA(file) * self, struct cache **cp, enum cache_recovery *recovery)
{
	const struct cache_params params = { 2000, .active_s = 60, .inactive_s = 15 };

	if (*cp)
		cache_close(*cp);
	return cache_open(cp, self->path, self->record, &params, recovery, NULL);
}

TEST_F(file, the_sink_is_told_until_it_is_settled)
{
	enum cache_recovery recovery;
	struct cache *c = NULL;
	struct flow flows[3];

	ASSERT_EQ(0, reopen(self, &c, &recovery));
	for (uint32_t i = 0; i < 3; i++)
		numbered_flow(&flows[i], i, START);
	cache_merge(c, 1, 0, flows, NULL, 3, NULL);
	c->state->n_leaving = 1;
	c->state->leaving[0] = 1;
	c->state->sum[FLOW_END_IDLE] = (struct flow_sum){ 1, 1, flows[1].stats.octets };
	journal_begin_leave(c->state);
	for (unsigned int i = 0; i < 2; i++) {
		ASSERT_EQ(0, reopen(self, &c, &recovery));
		ASSERT_EQ(CACHE_EXPIRY_UNDONE, recovery);
		ASSERT_EQ(3, c->resident.flows);
		ASSERT_CONSERVED(c);
	}
	journal_commit_leave(c->state);
	for (unsigned int i = 0; i < 2; i++) {
		ASSERT_EQ(0, reopen(self, &c, &recovery));
		ASSERT_EQ(CACHE_EXPIRY_REDONE, recovery);
		ASSERT_EQ(2, c->resident.flows);
		ASSERT_CONSERVED(c);
	}
	cache_settle(c);
	/* what is settled is not done again: the entry may be another flow's by now */
	cache_merge(c, 1, 3, &flows[1], NULL, 1, NULL);
	ASSERT_EQ(0, reopen(self, &c, &recovery));
	ASSERT_EQ(CACHE_CLEAN, recovery);
	ASSERT_EQ(3, c->resident.flows);
	ASSERT_CONSERVED(c);
	/* whoever merges has settled */
	journal_begin_leave(c->state);
	cache_merge(c, 2, 0, flows, NULL, 1, NULL);
	ASSERT_EQ(0, reopen(self, &c, &recovery));
	ASSERT_EQ(CACHE_CLEAN, recovery);
	cache_close(c);
}

TEST_F(file, a_journal_that_no_agent_wrote_is_refused)
{
	struct error err = { 0 };
	struct cache *c;

	ASSERT_EQ(0, open_file(self, &c, self->record, 2000, NULL));
	c->state->leave = JOURNAL_COMMIT;
	c->state->n_leaving = 1;
	c->state->leaving[0] = 2000;
	cache_close(c);
	ASSERT_EQ(-EUCLEAN, open_file(self, &c, self->record, 2000, &err));
	ASSERT_NE(NULL, strstr(err.text, self->path));
}

TEST(entries_have_limits)
{
	struct record *r = predefined_record("netflow-original", NULL);
	struct cache_params params = { 15, .active_s = 60, .inactive_s = 15 };
	enum cache_recovery recovery;
	struct error err = { 0 };
	struct cache *c = NULL;

	ASSERT_EQ(-EINVAL, cache_open(&c, NULL, r, &params, &recovery, &err));
	ASSERT_NE(NULL, strstr(err.text, "16"));
	params.entries = (1 << 24) + 1;
	ASSERT_EQ(-EINVAL, cache_open(&c, NULL, r, &params, &recovery, &err));
	params.entries = 16;
	ASSERT_EQ(0, cache_open(&c, NULL, r, &params, &recovery, &err));
	cache_close(c);
	record_put(r);
}

TEST_HARNESS_MAIN
