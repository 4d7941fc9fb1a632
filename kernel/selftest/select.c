// SPDX-License-Identifier: GPL-2.0-only
/*
 * Decisions of every mode, over single packets and over runs, against rules
 * that are counted out packet by packet. Included by sampler.c.
 */

static bool __init expect(const char *what, u64 got, u64 wanted)
{
	if (got == wanted)
		return true;
	pr_err("flow_sampler: self-test: %s: %llu instead of %llu\n", what, got, wanted);
	return false;
}

/* For what is random: the bounds are five to ten standard deviations wide. */
static bool __init expect_about(const char *what, u64 got, u64 wanted, u64 deviation)
{
	if (got + deviation >= wanted && got <= wanted + deviation)
		return true;
	pr_err("flow_sampler: self-test: %s: %llu instead of about %llu\n", what, got, wanted);
	return false;
}

enum { MS_MAX = 20000 }; /* of a test that waits */

/* Until time is up; on a slow or loaded machine, until there was @enough of it. */
static bool __init goes_on(unsigned long begin, unsigned int least_ms, bool enough)
{
	unsigned int ms = jiffies_to_msecs(jiffies - begin);

	return ms < least_ms || (!enough && ms < MS_MAX);
}

struct rule_case {
	u32 size;
	u32 population;
};

static const struct rule_case rule_cases[] __initconst = {
	{ 1, 1 },   { 1, 2 },   { 2, 2 },     { 1, 10 },
	{ 3, 10 },  { 9, 10 },  { 10, 10 },   { 1, 100 },
	{ 7, 128 }, { 1, 999 }, { 998, 999 }, { 1, FLOW_SAMPLER_POPULATION_MAX },
};

/* The first size of every population, counted out. */
static u32 __init deterministic_by_hand(const struct flow_sampler_rule *rule, u32 *position,
					u32 packets)
{
	u32 chosen = 0;

	while (packets--) {
		chosen += *position < rule->size;
		*position = (*position + 1) % rule->population;
	}
	return chosen;
}

static bool __init test_deterministic(const struct rule_case *c)
{
	struct flow_sampler_state state = {};
	struct flow_sampler_rule rule;
	u32 position = 0;
	int i;

	flow_sampler_rule_init(&rule, FLOW_SAMPLER_MODE_DETERMINISTIC, c->size, c->population);
	for (i = 0; i < 500; i++) {
		u32 packets = i % 2 ? 1 : 1 + random_u32() % min(3 * c->population, 5000U);
		u32 wanted = deterministic_by_hand(&rule, &position, packets);

		if (!expect("deterministic", flow_sampler_select(&rule, &state, 0, packets, 0),
			    wanted) ||
		    !expect("deterministic position", state.position, position))
			return false;
	}
	return true;
}

/* A packet that is shown at two points, one after the other, has the same chance at both. */
static bool __init test_points(u32 is_output)
{
	const u32 here = flow_sampler_point(2, 0), there = flow_sampler_point(3, is_output);
	struct flow_sampler_state state = {};
	u32 chosen_here = 0, chosen_there = 0;
	struct flow_sampler_rule rule;
	int i;

	flow_sampler_rule_init(&rule, FLOW_SAMPLER_MODE_DETERMINISTIC, 1, 10);
	for (i = 0; i < 1000; i++) {
		chosen_here += flow_sampler_select(&rule, &state, here, 1, 0);
		chosen_there += flow_sampler_select(&rule, &state, there, 1, 0);
	}
	return expect("deterministic, here", chosen_here, 100) &&
	       expect("deterministic, there", chosen_there, 100);
}

/* Every population has its size, whatever the runs, short ones and such as span populations. */
static bool __init test_random(const struct rule_case *c)
{
	struct flow_sampler_state state = {};
	struct flow_sampler_rule rule;
	u32 left = 50 * c->population;
	u32 chosen = 0;

	flow_sampler_rule_init(&rule, FLOW_SAMPLER_MODE_RANDOM, c->size, c->population);
	while (left) {
		u32 packets = min(left, 1 + random_u32() % (c->population * 5 / 2));
		u32 now = flow_sampler_select(&rule, &state, 0, packets, 0);

		if (now > packets)
			return expect("random, of a run", now, packets);
		chosen += now;
		left -= packets;
	}
	return expect("random, of 50 populations", chosen, 50 * c->size);
}

/* Each position has the same chance, and no population has one more or less. */
static bool __init test_random_positions(u32 size)
{
	struct flow_sampler_state state = {};
	struct flow_sampler_rule rule;
	u32 hits[10] = {};
	int i, position;

	flow_sampler_rule_init(&rule, FLOW_SAMPLER_MODE_RANDOM, size, ARRAY_SIZE(hits));
	for (i = 0; i < 10000; i++) {
		u32 chosen = 0;

		for (position = 0; position < ARRAY_SIZE(hits); position++) {
			u32 now = flow_sampler_select(&rule, &state, 0, 1, 0);

			hits[position] += now;
			chosen += now;
		}
		if (!expect("random, of a population", chosen, size))
			return false;
	}
	for (position = 0; position < ARRAY_SIZE(hits); position++)
		if (!expect_about("random, of a position", hits[position], 1000 * size, 500))
			return false;
	return true;
}

static bool __init test_probability(u32 run)
{
	const u32 packets = 120000;
	struct flow_sampler_state state = {};
	struct flow_sampler_rule rule;
	u32 seen, chosen = 0;

	flow_sampler_rule_init(&rule, FLOW_SAMPLER_MODE_PROBABILITY, 1, 4);
	for (seen = 0; seen < packets; seen += run)
		chosen += flow_sampler_select(&rule, &state, 0, run, 0);
	if (!expect_about("probability 1/4", chosen, packets / 4, 1500))
		return false;
	flow_sampler_rule_init(&rule, FLOW_SAMPLER_MODE_PROBABILITY, 7, 7);
	return expect("probability 1", flow_sampler_select(&rule, &state, 0, run, 0), run);
}

/* Where the clock before and the clock after agree on the window, the decision is known. */
static bool __init test_time(void)
{
	const u64 population_ns = 4 * NSEC_PER_MSEC;
	struct flow_sampler_state state = {};
	unsigned long begin = jiffies;
	struct flow_sampler_rule rule;
	u32 seen[2] = {};

	flow_sampler_rule_init(&rule, FLOW_SAMPLER_MODE_TIME, 1, 4);
	while (goes_on(begin, 20, seen[0] && seen[1])) {
		u64 before_ns, after_ns;
		bool in_window, in_window_after;
		u32 chosen;

		cond_resched();
		before_ns = ktime_get_ns();
		chosen = flow_sampler_select(&rule, &state, 0, 3, 0);
		after_ns = ktime_get_ns();
		if (after_ns - before_ns > NSEC_PER_MSEC / 2)
			continue;
		in_window = divide(&before_ns, population_ns) < NSEC_PER_MSEC;
		in_window_after = divide(&after_ns, population_ns) < NSEC_PER_MSEC;
		if (in_window != in_window_after)
			continue;
		if (!expect("time", chosen, in_window ? 3 : 0))
			return false;
		seen[in_window]++;
	}
	return expect("time, in and out", seen[0] && seen[1], true);
}

static bool __init test_hash(const struct rule_case *c)
{
	struct flow_sampler_state state = {};
	struct flow_sampler_rule rule;
	u32 i, chosen = 0;

	flow_sampler_rule_init(&rule, FLOW_SAMPLER_MODE_HASH, c->size, c->population);
	if (!expect("hash 0", flow_sampler_select(&rule, &state, 0, 5, 0), 5) ||
	    !expect("largest hash", flow_sampler_select(&rule, &state, 0, 5, U32_MAX),
		    c->size == c->population ? 5 : 0))
		return false;
	for (i = 0; i < 4096; i++)
		chosen += flow_sampler_select(&rule, &state, 0, 1, i << 20);
	return expect("hash, of 4096", chosen, DIV_ROUND_UP(4096 * c->size, c->population));
}

static bool __init test_share(void)
{
	return expect("all octets", flow_sampler_share(1000, 3, 3), 1000) &&
	       expect("octets of a third", flow_sampler_share(1000, 3, 1), 333) &&
	       expect("octets of none", flow_sampler_share(1000, 3, 0), 0) &&
	       expect("octets of most", flow_sampler_share(U32_MAX, INT_MAX, INT_MAX - 1),
		      U32_MAX - 3);
}

static bool __init test_unknown(void)
{
	struct flow_sampler_state state = {};
	struct flow_sampler_rule rule;

	flow_sampler_rule_init(&rule, FLOW_SAMPLER_MODE_MAX + 1, 1, 1);
	return expect("unknown mode", flow_sampler_select(&rule, &state, 0, 1, 0), 0);
}

static bool __init selftest_select(void)
{
	const struct rule_case *c;
	u32 size, run;

	for (c = rule_cases; c < rule_cases + ARRAY_SIZE(rule_cases); c++) {
		if (!test_deterministic(c) || !test_hash(c))
			return false;
		if (c->population < 1000 && !test_random(c))
			return false;
	}
	for (size = 1; size <= 10; size += 3)
		if (!test_random_positions(size))
			return false;
	if (!test_points(0) || !test_points(1))
		return false;
	for (run = 1; run <= 100; run *= 10)
		if (!test_probability(run))
			return false;
	return test_time() && test_share() && test_unknown();
}
