// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An agent is killed between any two instructions, and the next one takes up
 * its cache: what was produced is resident or has ended, to the packet and
 * octet, and the sink has exactly what the cache says it handed over. The same
 * holds of the counts that only some records want.
 *
 * The agent is a child that merges made-up generations of records into a cache
 * on tmpfs, with evictions, expiries and flushes into a sink in shared memory.
 * It is killed by time, soon enough to meet recovery too, and by single steps
 * from a random point on, so that the few instructions that matter are met
 * often. The controls leave one safeguard out and must come to a difference.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "flow/cache_internal.h"
#include "kselftest_harness.h"
#include "unit/flows.h"

enum {
	ENTRIES = 192,
	GENERATION = 120, /* records */
	NUMBERS = 130,    /* different flows */
	TIME_KILLS = 200,
	STEP_KILLS = 150,
	REACH_STEPS = 5000,
	CONTROL_KILLS = 400,
	STATE_OFFSET = 4096, /* of the payload in a state file */
};

/* What outlives the agent besides its cache. */
struct world {
	uint64_t generation; /* is being merged; those before it are done with */
	uint8_t type;        /* enum cache_type */
	bool flushes;
	struct {
		uint64_t open;
		struct flow_sum sums[CACHE_ENDS], saved[CACHE_ENDS];
		uint64_t counts, counts_saved; /* weigh_counts() of all flows */
	} sink;
};

/* All counts in one number, which adds up as they do. Flows are counted anew by each agent. */
static uint64_t weigh_counts(const struct flow_counts *c)
{
	uint64_t sum = c->packets_total + 3 * c->octets_total + 5 * c->l2_octets_total +
		       7 * c->octets_squared_total;

	for (uint64_t i = 0; i < FLOW_TCP_COUNTS; i++)
		sum += (11 + 2 * i) * c->tcp[i];
	return sum;
}

/* Totals of a permanent cache go on over reports, and what is refused has no counts: tcp[0] is as the packets. */
static uint64_t weigh(const struct world *w, const struct flow_counts *c)
{
	return w->type == CACHE_PERMANENT ? c->tcp[0] : weigh_counts(c);
}

static uint32_t world_room(void *ctx, const struct record *record)
{
	struct world *w = ctx;

	(void)record;
	return 10 + w->generation % 90;
}

static void world_begin(void *ctx)
{
	struct world *w = ctx;

	memcpy(w->sink.saved, w->sink.sums, sizeof(w->sink.saved));
	w->sink.counts_saved = w->sink.counts;
	state_barrier();
	w->sink.open = 1;
	state_barrier();
}

/* Points from which an agent can be stepped. */
enum point { BEFORE_OPERATION, IN_SINK };

/* How many of one kind it still passes before it stops; 0: it does not stop. */
static uint32_t points_to_stop;
static enum point kind_to_stop;

static void pass_point(enum point kind)
{
	if (kind == kind_to_stop && points_to_stop && !--points_to_stop)
		kill(getpid(), SIGSTOP);
}

static void world_put(void *ctx, const struct record *record, const struct flow *flows, uint32_t n)
{
	struct world *w = ctx;

	(void)record;
	pass_point(IN_SINK);
	for (uint32_t i = 0; i < n; i++) {
		uint8_t way = flows[i].extra.end_reason;

		if (w->type == CACHE_PERMANENT && way == FLOW_END_ACTIVE)
			way = CACHE_WAY_UPDATED;
		if (w->type == CACHE_IMMEDIATE && way == FLOW_END_IDLE)
			way = CACHE_END_IMMEDIATE;
		w->sink.sums[way].flows++;
		flow_sum_count(&w->sink.sums[way], &flows[i].stats);
		w->sink.counts += weigh(w, &flows[i].counts);
	}
}

static void world_commit(void *ctx)
{
	struct world *w = ctx;

	pass_point(IN_SINK);
	state_barrier();
	w->sink.open = 0;
	state_barrier();
}

static void world_rollback(struct world *w)
{
	if (!w->sink.open)
		return;
	memcpy(w->sink.sums, w->sink.saved, sizeof(w->sink.sums));
	w->sink.counts = w->sink.counts_saved;
	world_commit(w);
}

static uint64_t generation_ns(uint64_t generation)
{
	return (1000 + generation) * NSEC_PER_SEC;
}

struct generation {
	struct flow flows[GENERATION];
	uint8_t take[GENERATION];
};

/*
 * The records of a generation: always the same ones, of which the cache takes
 * most. Which flows are seen changes slowly, but for a burst of new ones now
 * and then, and after a while the first ones come again.
 */
static void produce(uint64_t generation, struct generation *g)
{
	struct flow *flows = g->flows;
	struct random r = { generation * 0x9e3779b97f4a7c15 + 1 };
	uint32_t first = (uint32_t)(generation % 256) / 4 * 20;
	uint32_t numbers = generation % 16 ? NUMBERS : 10 * NUMBERS;

	for (uint32_t i = 0; i < GENERATION; i++) {
		numbered_flow(&flows[i], first + random_below(&r, numbers),
			      generation_ns(generation));
		flows[i].stats.packets = 1 + random_below(&r, 1000);
		flows[i].stats.octets = flows[i].stats.packets * 40 + random_below(&r, 100000);
		for (uint32_t flag = 0; flag < FLOW_TCP_COUNTS; flag++)
			flows[i].counts.tcp[flag] = random_below(&r, 1000);
		flows[i].counts.tcp[0] = flows[i].stats.packets;
		g->take[i] = random_below(&r, 4) != 0;
	}
}

FIXTURE(crash)
{
	char path[64];
	struct record *record;
	struct world *world;
	struct flow_sink sink;
	struct random random;
	uint64_t checked; /* generations summed up in produced */
	struct flow_sum produced, refused;
	uint64_t produced_counts;
	uint32_t undone, redone, in_merge;
};

FIXTURE_VARIANT(crash)
{
	uint8_t type;
	bool flushes;
};

/* clang-format off */
FIXTURE_VARIANT_ADD(crash, normal) { .type = CACHE_NORMAL, .flushes = true };
FIXTURE_VARIANT_ADD(crash, immediate) { .type = CACHE_IMMEDIATE, .flushes = true };
FIXTURE_VARIANT_ADD(crash, permanent) { .type = CACHE_PERMANENT };
FIXTURE_VARIANT_ADD(crash, permanent_flushed) { .type = CACHE_PERMANENT, .flushes = true };
/* clang-format on */

/* The classic record, and all counts that there are. */
static struct record *counting_record(void)
{
	struct record *classic = predefined_record("netflow ipv4 original-input", NULL);
	struct record *r = record_create("COUNTS");

	for (unsigned int i = 0; i < classic->n_fields; i++) {
		if (i < classic->n_match)
			record_match(r, classic->fields[i], NULL);
		else
			record_collect(r, classic->fields[i], NULL);
	}
	record_collect(r, field_get(FIELD_ID_FLOWS), NULL);
	record_collect(r, field_get(FIELD_ID_BYTES_PERMANENT), NULL);
	record_collect(r, field_get(FIELD_ID_TCP_SYN_COUNT), NULL);
	record_finish(r, NULL);
	record_put(classic);
	return r;
}

FIXTURE_SETUP(crash)
{
	snprintf(self->path, sizeof(self->path), "/dev/shm/cache_crash_test.%d", getpid());
	self->record = counting_record();
	self->world = mmap(NULL, sizeof(*self->world), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->world);
	self->world->type = variant->type;
	self->world->flushes = variant->flushes;
	self->world->generation = self->checked = 1;
	self->sink = (struct flow_sink){ .room = world_room,
					 .begin = world_begin,
					 .put_flows = world_put,
					 .commit = world_commit,
					 .ctx = self->world };
	self->random = (struct random){ 0x853c49e6748fea9b };
}

FIXTURE_TEARDOWN(crash)
{
	unlink(self->path);
	record_put(self->record);
	munmap(self->world, sizeof(*self->world));
}

static struct cache *open_and_settle(FIXTURE_DATA(crash) * self, enum cache_recovery *recovery)
{
	const struct cache_params params = {
		ENTRIES, .active_s = 20, .inactive_s = 5, .update_s = 3, .type = self->world->type,
	};
	struct error err = { 0 };
	struct cache *c;

	if (cache_open(&c, self->path, self->record, &params, recovery, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return NULL;
	}
	if (*recovery == CACHE_EXPIRY_UNDONE)
		world_rollback(self->world);
	else if (*recovery == CACHE_EXPIRY_REDONE)
		world_commit(self->world);
	cache_settle(c);
	return c;
}

/* The generation is merged by every monitor: it is done with, and flows age. */
static void end_generation(FIXTURE_DATA(crash) * self, struct cache *c, struct random *r)
{
	uint64_t now_ns = generation_ns(self->world->generation);

	state_barrier();
	self->world->generation++;
	state_barrier();
	pass_point(BEFORE_OPERATION);
	if (self->world->flushes && !random_below(r, 16))
		cache_flush(c, FLOW_END_FORCED, &self->sink);
	else
		cache_expire(c, now_ns, &self->sink);
}

static void merge_generation(FIXTURE_DATA(crash) * self, struct cache *c, struct random *r)
{
	struct generation g;
	uint32_t at = 0, n;

	produce(self->world->generation, &g);
	for (; at < GENERATION; at += n) {
		n = 1 + random_below(r, random_below(r, 4) ? 3 : 40);
		n = n < GENERATION - at ? n : GENERATION - at;
		pass_point(BEFORE_OPERATION);
		cache_merge(c, (uint32_t)self->world->generation, at, g.flows + at, g.take + at, n,
			    &self->sink);
	}
}

static void run_agent(FIXTURE_DATA(crash) * self)
{
	struct random r = { self->random.state };
	enum cache_recovery recovery;
	struct cache *c;

	if (points_to_stop)
		ptrace(PTRACE_TRACEME, 0, 0, 0);
	c = open_and_settle(self, &recovery);
	while (c) {
		merge_generation(self, c, &r);
		end_generation(self, c, &r);
	}
	_exit(1);
}

static pid_t start_agent(FIXTURE_DATA(crash) * self, enum point kind, uint32_t points)
{
	pid_t pid;

	random_next(&self->random);
	pid = fork();
	if (!pid) {
		points_to_stop = points;
		kind_to_stop = kind;
		run_agent(self);
	}
	return pid;
}

/* Returns whether it was alive until then. */
static bool kill_agent(pid_t pid)
{
	int status = 0;

	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static bool kill_by_time(FIXTURE_DATA(crash) * self, uint32_t max_us)
{
	pid_t pid = start_agent(self, BEFORE_OPERATION, 0);

	usleep(random_below(&self->random, max_us));
	return kill_agent(pid);
}

/* What the agent has in its file, alive or killed; -1: there is no file yet. */
static int map_state(FIXTURE_DATA(crash) * self, struct cache_state **state)
{
	int fd = open(self->path, O_RDWR);

	if (fd < 0)
		return -1;
	*state = mmap(NULL, CACHE_STATE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, STATE_OFFSET);
	close(fd);
	return *state == MAP_FAILED ? -1 : 0;
}

static bool merge_under_way(const volatile struct cache_state *state)
{
	return state->armed && state->armed != state->cursor;
}

/* A step; false: it is not there any more. */
static bool step_agent(pid_t pid)
{
	int status = 0;

	return !ptrace(PTRACE_SINGLESTEP, pid, 0, 0) && waitpid(pid, &status, 0) == pid &&
	       WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP;
}

/*
 * Single steps from a random point on, few more often than many, or up to a
 * merge and then a few; false: it died by itself or cannot be traced.
 */
static bool kill_by_step(FIXTURE_DATA(crash) * self)
{
	enum point kind = random_below(&self->random, 2) ? BEFORE_OPERATION : IN_SINK;
	bool into_merge = kind == BEFORE_OPERATION && random_below(&self->random, 2);
	uint32_t most = 8u << random_below(&self->random, 8);
	uint32_t steps = into_merge ? REACH_STEPS : random_below(&self->random, most);
	pid_t pid = start_agent(self, kind, 1 + random_below(&self->random, 100));
	struct cache_state *state;
	int status = 0;

	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) || map_state(self, &state))
		return false;
	while (steps-- && step_agent(pid)) {
		if (into_merge && merge_under_way(state)) {
			steps = random_below(&self->random, 40);
			into_merge = false;
		}
	}
	munmap(state, CACHE_STATE_SIZE);
	return kill_agent(pid);
}

static void sum_up_produced(FIXTURE_DATA(crash) * self)
{
	struct generation g;

	for (; self->checked < self->world->generation; self->checked++) {
		produce(self->checked, &g);
		for (uint32_t i = 0; i < GENERATION; i++) {
			if (!g.take[i])
				continue;
			flow_sum_count(&self->produced, &g.flows[i].stats);
			flow_counts_begin_totals(&g.flows[i].counts, &g.flows[i].stats);
			self->produced_counts += weigh_counts(&g.flows[i].counts);
		}
	}
}

static bool sums_differ(const struct flow_sum *a, const struct flow_sum *b)
{
	return a->packets != b->packets || a->octets != b->octets;
}

static uint64_t resident_counts(const struct world *w, const struct cache *c)
{
	uint32_t position = 0;
	struct flow flow;
	uint64_t sum = 0;

	while (cache_walk(c, &position, &flow, 1))
		sum += weigh(w, &flow.counts);
	return sum;
}

/* Where none left, what flows came to is what was reported of them and what is not yet. */
static bool differs_from_past(FIXTURE_DATA(crash) * self, const struct cache *c,
			      const struct cache_stats *stats)
{
	struct flow_sum lived = { 0 }, known = stats->resident;
	uint32_t position = 0;
	struct flow flow;

	if (self->world->flushes)
		return false;
	while (cache_walk(c, &position, &flow, 1))
		flow_sum_count(&lived, &flow.stats);
	flow_sum_add(&known, &stats->updated);
	return sums_differ(&lived, &known);
}

static uint32_t count_differences(FIXTURE_DATA(crash) * self, const struct cache *c)
{
	struct cache_stats stats;
	uint32_t differences = 0;
	struct flow_sum gap;

	sum_up_produced(self);
	cache_stats(c, &stats);
	gap = conservation_gap(&stats);
	differences += gap.flows || gap.packets || gap.octets;
	differences += sums_differ(&stats.counted, &self->produced);
	differences += resident_counts(self->world, c) + self->world->sink.counts !=
		       (self->world->type == CACHE_PERMANENT ?
				stats.counted.packets - stats.refused.packets :
				self->produced_counts);
	differences += differs_from_past(self, c, &stats);
	self->refused = stats.refused;
	for (unsigned int way = 0; way < CACHE_ENDS; way++) {
		const struct flow_sum *sum =
			way == CACHE_WAY_UPDATED ? &stats.updated : &stats.ended[way];

		differences += sums_differ(sum, &self->world->sink.sums[way]);
		/* what has had nothing to say since its last report leaves without a word */
		differences += self->world->type == CACHE_PERMANENT && way != CACHE_WAY_UPDATED ?
				       sum->flows < self->world->sink.sums[way].flows :
				       sum->flows != self->world->sink.sums[way].flows;
	}
	return differences;
}

/* The next agent: recovers, drains the generation again, and all must add up. UINT32_MAX: it did not open. */
static uint32_t recover_and_compare(FIXTURE_DATA(crash) * self)
{
	enum cache_recovery recovery;
	struct generation g;
	uint32_t differences;
	struct cache *c = open_and_settle(self, &recovery);

	if (!c)
		return UINT32_MAX;
	self->undone += recovery == CACHE_EXPIRY_UNDONE;
	self->redone += recovery == CACHE_EXPIRY_REDONE;
	produce(self->world->generation, &g);
	cache_merge(c, (uint32_t)self->world->generation, 0, g.flows, g.take, GENERATION,
		    &self->sink);
	self->world->generation++;
	differences = count_differences(self, c);
	cache_close(c);
	return differences;
}

static void note_merge_under_way(FIXTURE_DATA(crash) * self)
{
	struct cache_state *state;

	if (map_state(self, &state))
		return;
	self->in_merge += merge_under_way(state);
	munmap(state, CACHE_STATE_SIZE);
}

TEST_F_TIMEOUT(crash, killed_at_any_time_nothing_is_lost_or_doubled, 60)
{
	for (unsigned int i = 0; i < TIME_KILLS; i++) {
		/* one in four a few times more while the next ones take it up */
		for (unsigned int again = 0; i % 4 == 0 && again < 3; again++)
			ASSERT_TRUE(kill_by_time(self, 500));
		ASSERT_TRUE(kill_by_time(self, 3000));
		ASSERT_EQ(0, recover_and_compare(self));
	}
	TH_LOG("%d kills, %llu generations; leaving undone %u, redone %u", TIME_KILLS,
	       (unsigned long long)self->world->generation, self->undone, self->redone);
	ASSERT_GT(self->world->generation, 2 * TIME_KILLS);
	if (self->world->flushes)
		ASSERT_GT(self->world->sink.sums[FLOW_END_FORCED].flows, 0);
	if (self->world->type == CACHE_PERMANENT) {
		ASSERT_GT(self->world->sink.sums[CACHE_WAY_UPDATED].flows, 0);
		ASSERT_GT(self->refused.packets, 0);
		return;
	}
	if (self->world->type == CACHE_IMMEDIATE)
		ASSERT_GT(self->world->sink.sums[CACHE_END_IMMEDIATE].flows, 0);
	if (self->world->type == CACHE_NORMAL) {
		ASSERT_GT(self->world->sink.sums[FLOW_END_IDLE].flows, 0);
		ASSERT_GT(self->world->sink.sums[FLOW_END_RESOURCES].flows, 0);
		ASSERT_GT(self->world->sink.sums[FLOW_END_ACTIVE].flows, 0);
	}
}

TEST_F_TIMEOUT(crash, killed_at_any_instruction_nothing_is_lost_or_doubled, 120)
{
	if (!kill_by_step(self))
		SKIP(return, "no single steps here");
	for (unsigned int i = 0; i < STEP_KILLS; i++) {
		ASSERT_TRUE(kill_by_step(self));
		note_merge_under_way(self);
		if (i % 4 == 0)
			ASSERT_TRUE(kill_by_time(self, 500));
		ASSERT_EQ(0, recover_and_compare(self));
	}
	TH_LOG("%d kills: in a merge %u; leaving undone %u, redone %u", STEP_KILLS, self->in_merge,
	       self->undone, self->redone);
	/* or the test has not tested */
	ASSERT_GT(self->in_merge, 0);
	ASSERT_GT(self->undone, 0);
	ASSERT_GT(self->redone, 0);
}

/* After how many kills the sums differ where @sabotage takes a safeguard away; 0: never. */
static unsigned int kills_until_difference(FIXTURE_DATA(crash) * self,
					   void (*sabotage)(struct cache_state *state))
{
	for (unsigned int i = 1; i <= CONTROL_KILLS; i++) {
		struct cache_state *state;

		if (!kill_by_step(self))
			return 0;
		if (map_state(self, &state))
			continue;
		sabotage(state);
		munmap(state, CACHE_STATE_SIZE);
		if (recover_and_compare(self))
			return i;
	}
	return 0;
}

static void leave_out_undo(struct cache_state *state)
{
	state->armed = 0;
}

static void leave_out_redo(struct cache_state *state)
{
	state->leave = JOURNAL_IDLE;
}

static void leave_out_cursor(struct cache_state *state)
{
	if (!state->armed || state->armed == state->cursor)
		state->cursor = state->armed = 0;
}

/* The counts as they are amid the change, where there is one. */
static void leave_out_counts(struct cache_state *state)
{
	if (merge_under_way(state))
		state->old_counts.tcp[0]++;
}

TEST_F_TIMEOUT(crash, control_without_old_counts, 120)
{
	unsigned int kills;

	if (!kill_by_step(self))
		SKIP(return, "no single steps here");
	kills = kills_until_difference(self, leave_out_counts);
	TH_LOG("differs after %u kills", kills);
	ASSERT_GT(kills, 0);
}

TEST_F_TIMEOUT(crash, control_without_undo, 120)
{
	unsigned int kills;

	if (!kill_by_step(self))
		SKIP(return, "no single steps here");
	kills = kills_until_difference(self, leave_out_undo);
	TH_LOG("differs after %u kills", kills);
	ASSERT_GT(kills, 0);
}

TEST_F_TIMEOUT(crash, control_without_redo, 120)
{
	unsigned int kills;

	if (!kill_by_step(self))
		SKIP(return, "no single steps here");
	kills = kills_until_difference(self, leave_out_redo);
	TH_LOG("differs after %u kills", kills);
	ASSERT_GT(kills, 0);
}

TEST_F_TIMEOUT(crash, control_without_cursor, 120)
{
	unsigned int kills;

	if (!kill_by_step(self))
		SKIP(return, "no single steps here");
	kills = kills_until_difference(self, leave_out_cursor);
	TH_LOG("differs after %u kills", kills);
	ASSERT_GT(kills, 0);
}

TEST_HARNESS_MAIN
