// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who claims what while samplers and attachments change: real monitors, a
 * sweep that the test finishes.
 */
#include "kselftest_harness.h"

#include "../../userspace/engine/claims.c"
#include "unit/flows.h"

#define START (1000 * NSEC_PER_SEC)

static unsigned int retired;

/* As engine.c: a ticket is finished when the test says so. */
uint64_t engine_sweep_request(struct engine *e)
{
	return ++e->requested;
}

bool engine_sweep_finished(const struct engine *e, uint64_t ticket)
{
	return e->finished >= ticket;
}

void sampling_retire(struct engine *e)
{
	retired++;
}

FIXTURE(claims)
{
	struct engine *e;
	struct engine_monitor m[2];
	struct engine_monitor *list[2];
	struct attachment at[2];
	struct record *record;
};

FIXTURE_SETUP(claims)
{
	const struct cache_params params = { 1024, .active_s = 60, .inactive_s = 15 };
	enum cache_recovery recovery;

	self->e = calloc(1, sizeof(*self->e));
	self->record = record_create("BOTH");
	record_match(self->record, field_get(FIELD_ID_SRC_PORT), NULL);
	record_finish(self->record, NULL);
	for (unsigned int i = 0; i < 2; i++) {
		ASSERT_EQ(0, monitor_create(&self->m[i].monitor, "M", self->record, &params, NULL,
					    &recovery, NULL));
		self->list[i] = &self->m[i];
	}
	self->e->set = (struct engine_set){ .monitors = self->list, .n_monitors = 2 };
	self->e->attachments = (struct attachments){ .all = self->at };
	retired = 0;
}

FIXTURE_TEARDOWN(claims)
{
	monitor_destroy(self->m[0].monitor);
	monitor_destroy(self->m[1].monitor);
	record_put(self->record);
	free(self->e);
}

/* Attachment @id with a user more: monitor @m, IPv4 by sampler @v4 and IPv6 by @v6. */
static void use(FIXTURE_DATA(claims) * self, uint16_t id, unsigned int m, uint8_t take, uint8_t v4,
		uint8_t v6)
{
	struct attachments *a = &self->e->attachments;

	if (!a->n || a->all[a->n - 1].shown.id != id)
		a->all[a->n++] = (struct attachment){ .shown.id = id, .shown.attached = true };
	a->all[a->n - 1].users[a->all[a->n - 1].n_users++] = (struct attachment_user){
		.monitor = &self->m[m], .take = take, .samplers = { v4, v6 }
	};
}

static void none(FIXTURE_DATA(claims) * self)
{
	self->e->attachments.n = 0;
}

static void change(FIXTURE_DATA(claims) * self)
{
	claims_change(self->e, &self->e->attachments, &self->e->set);
}

/* All sweeps that were asked for are over. */
static void sweep(FIXTURE_DATA(claims) * self)
{
	self->e->finished = self->e->requested;
	claims_turn(self->e);
}

static uint32_t claim(FIXTURE_DATA(claims) * self, unsigned int m, uint16_t id)
{
	const struct monitor_claim c = monitor_claim(self->m[m].monitor, id);

	return (uint32_t)c.by[MONITOR_IPV6] << 16 | c.by[MONITOR_IPV4];
}

TEST_F(claims, the_first_is_settled_at_once)
{
	use(self, 7, 0, MONITOR_TAKE_IPV4 | MONITOR_TAKE_IPV6, 3, 0);
	use(self, 7, 1, MONITOR_TAKE_IPV6, 3, 5);
	change(self);
	EXPECT_EQ(0x00010008, claim(self, 0, 7));
	EXPECT_EQ(0x00200000, claim(self, 1, 7));
	EXPECT_EQ(0x0009, self->m[0].samplers);
	EXPECT_EQ(0x0020, self->m[1].samplers);
	EXPECT_EQ(0, self->e->requested);
	EXPECT_EQ(0, retired);
	claims_turn(self->e);
	EXPECT_EQ(1, retired);
	EXPECT_FALSE(self->e->settling);
	claims_turn(self->e);
	EXPECT_EQ(1, retired);
}

TEST_F(claims, the_old_sampler_stays_for_two_sweeps)
{
	use(self, 7, 0, MONITOR_TAKE_IPV4, 3, 0);
	change(self);
	claims_turn(self->e);
	none(self);
	use(self, 7, 0, MONITOR_TAKE_IPV4, 4, 0);
	change(self);
	EXPECT_EQ(0x18, claim(self, 0, 7));
	EXPECT_EQ(0x18, self->m[0].samplers);
	EXPECT_EQ(1, self->e->requested);
	claims_turn(self->e);
	EXPECT_EQ(1, retired); /* not before the sweep is over */
	sweep(self);
	EXPECT_EQ(2, self->e->requested);
	EXPECT_EQ(0x18, claim(self, 0, 7));
	claims_turn(self->e);
	EXPECT_EQ(0x18, claim(self, 0, 7));
	EXPECT_EQ(1, retired);
	sweep(self);
	EXPECT_EQ(0x10, claim(self, 0, 7));
	EXPECT_EQ(0x10, self->m[0].samplers);
	EXPECT_EQ(2, retired);
	EXPECT_EQ(2, self->e->requested);
}

TEST_F(claims, a_change_during_a_change_keeps_all_three)
{
	use(self, 7, 0, MONITOR_TAKE_IPV4, 1, 0);
	change(self);
	none(self);
	use(self, 7, 0, MONITOR_TAKE_IPV4, 2, 0);
	change(self);
	sweep(self);
	none(self);
	use(self, 7, 0, MONITOR_TAKE_IPV4, 0, 0);
	change(self);
	EXPECT_EQ(0x7, claim(self, 0, 7));
	sweep(self); /* the one that the second change asked for does not count */
	EXPECT_EQ(0x7, claim(self, 0, 7));
	sweep(self);
	EXPECT_EQ(0x1, claim(self, 0, 7));
	EXPECT_FALSE(self->e->settling);
}

TEST_F(claims, the_same_again_asks_for_nothing)
{
	use(self, 7, 0, MONITOR_TAKE_IPV4, 3, 0);
	change(self);
	claims_turn(self->e);
	change(self);
	EXPECT_EQ(0, self->e->requested);
	EXPECT_EQ(0x8, claim(self, 0, 7));
}

TEST_F(claims, families_change_alone)
{
	use(self, 7, 0, MONITOR_TAKE_IPV4 | MONITOR_TAKE_IPV6, 1, 1);
	change(self);
	none(self);
	use(self, 7, 0, MONITOR_TAKE_IPV4 | MONITOR_TAKE_IPV6, 1, 2);
	change(self);
	EXPECT_EQ(0x00060002, claim(self, 0, 7));
}

TEST_F(claims, who_leaves_an_attachment_gets_nothing_more)
{
	use(self, 7, 0, MONITOR_TAKE_IPV4, 0, 0);
	use(self, 7, 1, MONITOR_TAKE_IPV4, 0, 0);
	change(self);
	none(self);
	use(self, 7, 1, MONITOR_TAKE_IPV4, 0, 0);
	change(self);
	EXPECT_EQ(0, claim(self, 0, 7));
	EXPECT_EQ(1, claim(self, 1, 7));
	EXPECT_EQ(0, self->e->requested);
}

TEST_F(claims, what_an_attachment_counted_before_it_went_is_still_claimed)
{
	use(self, 7, 0, MONITOR_TAKE_IPV4, 3, 0);
	use(self, 8, 1, MONITOR_TAKE_IPV6, 0, 0);
	change(self);
	none(self);
	use(self, 8, 1, MONITOR_TAKE_IPV6, 0, 0);
	self->at[0].shown.attached = false; /* it is there, and something is in the way */
	change(self);
	EXPECT_EQ(0x8, claim(self, 0, 7));
	EXPECT_EQ(0x10000, claim(self, 1, 8));
	EXPECT_EQ(0x8, self->e->claimed[7].by[MONITOR_IPV4]);
	EXPECT_EQ(0x1, self->e->claimed[8].by[MONITOR_IPV6]);
	sweep(self);
	sweep(self);
	EXPECT_EQ(0, claim(self, 0, 7));
	EXPECT_EQ(0, claim(self, 1, 8));
	EXPECT_EQ(0, self->e->claimed[7].by[MONITOR_IPV4]);
}

/* A configuration that is not applied in the end: its programs have counted meanwhile. */
TEST_F(claims, a_change_that_failed)
{
	use(self, 7, 0, MONITOR_TAKE_IPV4, 3, 0);
	change(self);
	claims_turn(self->e);
	none(self);
	use(self, 7, 0, MONITOR_TAKE_IPV4, 4, 0);
	use(self, 7, 1, MONITOR_TAKE_IPV4, 5, 0);
	use(self, 9, 0, MONITOR_TAKE_IPV4, 4, 0);
	claims_add(&self->at[0]);
	claims_add(&self->at[1]);
	EXPECT_EQ(0x18, claim(self, 0, 7));
	EXPECT_EQ(0x20, claim(self, 1, 7));
	none(self);
	use(self, 7, 0, MONITOR_TAKE_IPV4, 3, 0);
	change(self);
	EXPECT_EQ(0x18, claim(self, 0, 7));
	EXPECT_EQ(0, claim(self, 1, 7)); /* it has no part in what is still the configuration */
	EXPECT_EQ(0x10, claim(self, 0, 9));
	sweep(self);
	sweep(self);
	EXPECT_EQ(0x8, claim(self, 0, 7));
	EXPECT_EQ(0, claim(self, 0, 9));
}

/* Before a program counts for them, and without loss of what was claimed. */
TEST_F(claims, are_added_before_a_program_is_attached)
{
	use(self, 7, 0, MONITOR_TAKE_IPV4, 3, 0);
	claims_add(&self->at[0]);
	EXPECT_EQ(0x8, claim(self, 0, 7));
	none(self);
	use(self, 7, 0, MONITOR_TAKE_IPV4 | MONITOR_TAKE_IPV6, 4, 1);
	claims_add(&self->at[0]);
	EXPECT_EQ(0x00020018, claim(self, 0, 7));
	EXPECT_FALSE(self->e->settling);
}

/* The next agent finds them: what it does not want any more is still claimed until it is settled. */
TEST_F(claims, of_an_earlier_agent)
{
	monitor_set_claim(self->m[0].monitor, 7,
			  &(const struct monitor_claim){ .by[MONITOR_IPV4] = 0x6 });
	monitor_set_claim(self->m[0].monitor, 9,
			  &(const struct monitor_claim){ .by[MONITOR_IPV4] = 0x2 });
	use(self, 7, 0, MONITOR_TAKE_IPV4, 3, 0);
	change(self);
	EXPECT_EQ(0xe, claim(self, 0, 7));
	EXPECT_EQ(0x2, claim(self, 0, 9));
	EXPECT_EQ(0xe, self->m[0].samplers);
	claims_turn(self->e);
	EXPECT_EQ(0, retired);
	sweep(self);
	sweep(self);
	EXPECT_EQ(0x8, claim(self, 0, 7));
	EXPECT_EQ(0, claim(self, 0, 9));
}

/* No sweep comes any more. */
TEST_F(claims, an_agent_that_ends_is_settled)
{
	use(self, 7, 0, MONITOR_TAKE_IPV4, 3, 0);
	change(self);
	none(self);
	use(self, 7, 0, MONITOR_TAKE_IPV4, 4, 0);
	change(self);
	claims_turn(self->e);
	EXPECT_TRUE(self->e->settling);
	self->e->stage = ENGINE_FLUSH;
	claims_turn(self->e);
	EXPECT_FALSE(self->e->settling);
}

TEST_F(claims, records_that_nobody_claims_are_counted)
{
	static const struct {
		uint16_t attachment, samplers;
		uint8_t ip_version;
		bool claimed;
	} cases[] = {
		{ 7, 0, 4, true },       { 7, 0, 6, false },      { 7, 0x0001, 4, true },
		{ 7, 0x0002, 4, false }, { 7, 0x0020, 6, true },  { 7, 0x0021, 4, true },
		{ 7, 0x0020, 4, false }, { 8, 0x0001, 4, false }, { ATTACHMENT_MAX, 1, 4, false },
	};
	struct flow flow;

	use(self, 7, 0, MONITOR_TAKE_IPV4, 0, 0);
	use(self, 7, 1, MONITOR_TAKE_IPV6, 0, 5);
	change(self);
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		self->e->unclaimed = (struct flow_sum){ 0 };
		numbered_flow(&flow, i, START);
		flow.key.attachment = cases[i].attachment;
		flow.key.samplers = cases[i].samplers;
		flow.key.ip_version = cases[i].ip_version;
		claims_count(self->e, &flow, 1);
		EXPECT_EQ(!cases[i].claimed, self->e->unclaimed.flows)
		{
			TH_LOG("case %u", i);
		}
		EXPECT_EQ(cases[i].claimed ? 0 : flow.stats.octets, self->e->unclaimed.octets);
	}
}

TEST_HARNESS_MAIN
