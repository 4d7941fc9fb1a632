// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An agent that dies: between any two records, at any store of a reset or of
 * the recovery from one, and by SIGKILL at random moments. Each record is
 * merged once.
 */
#include "meter/sweep.h"

#include "base/clock.h"
#include "plain_tables.h"

/* Killed after each number of records: the next agent merges the rest, and no more. */
TEST_F(sweep, killed_while_draining)
{
	uint32_t n, epoch;

	for (n = 0; n < 40; n++) {
		struct monitor o = { 0 };

		kernel->packets = 0;
		self->s = start(self->m);
		ASSERT_EQ(SWEEP_IDLE, sweep_state(self->s));
		count_many(self->m, TABLE_COMPACT, 0, 13);
		count_many(self->m, TABLE_NARROW, 1, CAPACITY * 2 / 3);
		flip(self->s);
		sweep_state(self->s);
		epoch = sweep_epoch(self->s);
		merge(&o, self->s, 7, n * 3);
		if (n & 1)
			add_totals(&o, self->s);
		sweep_destroy(self->s);

		self->s = start(self->m);
		ASSERT_EQ(SWEEP_DRAINABLE, sweep_state(self->s));
		EXPECT_EQ(epoch, sweep_epoch(self->s));
		EXPECT_TRUE(merge(&o, self->s, 64, 10000));
		add_totals(&o, self->s);
		EXPECT_EQ(kernel->packets, o.packets);
		EXPECT_EQ(kernel->packets, o.observed);
		sweep_done(self->s);
		sweep_destroy(self->s);
		self->s = NULL;
	}
}

/* The last life ended in sweep_done(). */
static bool died_resetting;

/* One life of an agent that dies at the step after @steps. True: it lived. */
static bool live_until(struct meter *m, struct monitor *o, int steps)
{
	struct sweep *volatile s = NULL;
	volatile bool lived = false;

	died_resetting = false;
	if (!setjmp(death)) {
		s = start(m);
		steps_left = steps;
		if (sweep_state(s) == SWEEP_IDLE)
			flip(s);
		if (sweep_state(s) == SWEEP_DRAINABLE) {
			merge(o, s, 16, 10000);
			add_totals(o, s);
			died_resetting = true;
			sweep_done(s);
		}
		died_resetting = false;
		lived = true;
	}
	steps_left = -1;
	sweep_destroy(s);
	return lived;
}

/* The same, with the death in the recovery that the start does. */
static bool start_until(struct meter *m, int steps, enum sweep_state *state)
{
	struct sweep *volatile s = NULL;
	volatile bool lived = false;

	if (!setjmp(death)) {
		if (sweep_create((struct sweep **)&s, m, NULL))
			abort();
		grant_fence();
		steps_left = steps;
		*state = sweep_state(s);
		lived = true;
	}
	steps_left = -1;
	sweep_destroy(s);
	return lived;
}

static void produce_for_reset(struct meter *m, bool dense)
{
	count_many(m, TABLE_COMPACT, 0, dense ? CAPACITY + EVICTIONS : 9);
	count_many(m, TABLE_WIDE, 1, dense ? CAPACITY - 1 : 5);
}

static void check_reset_kills(struct __test_metadata *_metadata, struct meter *m, bool dense)
{
	struct monitor o = { 0 };
	bool lived = false;
	enum sweep_state state;
	int steps, again;

	kernel->packets = 0;
	for (steps = 1; !lived; steps++) {
		ASSERT_GT(10000, steps);
		produce_for_reset(m, dense);
		lived = live_until(m, &o, steps);
		/* die in the recovery as well, a little later each time */
		for (again = 1; !start_until(m, again * 3, &state); again++)
			ASSERT_GT(10000, again);
		/* half cleared or not: a monitor without a cursor must see nothing of it */
		if (died_resetting)
			ASSERT_EQ(SWEEP_IDLE, state);
		while (!live_until(m, &o, -1))
			;
		live_until(m, &o, -1);
		ASSERT_EQ(kernel->packets, o.packets)
		{
			TH_LOG("killed at step %d", steps);
		}
		ASSERT_EQ(kernel->packets, o.observed);
	}
	EXPECT_LT(10, steps);
	EXPECT_TRUE(all_zero(m, 0));
	EXPECT_TRUE(all_zero(m, 1));
}

TEST_F(sweep, killed_in_a_reset)
{
	check_reset_kills(_metadata, self->m, false);
}

TEST_F(sweep, killed_in_the_reset_of_full_tables)
{
	check_reset_kills(_metadata, self->m, true);
}

/* An agent in a process of its own, killed for real. */
struct witness {
	uint32_t epoch, index;
	uint32_t in_flight;
	uint32_t twice;
	uint8_t seen[RECORDS_MAX];
};

static void witness_records(struct witness *w, struct sweep *s)
{
	volatile struct witness *v = w;
	uint32_t n, i, index, number;
	struct flow flows[16];

	while ((n = sweep_next(s, flows, 16, &index)))
		for (i = 0; i < n; i++) {
			if (v->epoch == sweep_epoch(s) && index + i < v->index)
				continue;
			number = flows[i].key.src_v4;
			if (v->seen[number] && v->in_flight != number)
				v->twice++;
			v->in_flight = number;
			v->seen[number] = 1;
			/* one store */
			__atomic_store_n((uint64_t *)&w->epoch,
					 (uint64_t)(index + i + 1) << 32 | sweep_epoch(s),
					 __ATOMIC_SEQ_CST);
		}
}

static void be_agent(struct meter *m, struct witness *w, int rounds)
{
	struct sweep *s;

	if (sweep_create(&s, m, NULL))
		_exit(1);
	while (rounds) {
		if (sweep_state(s) == SWEEP_DRAINABLE) {
			witness_records(w, s);
			sweep_done(s);
		}
		if (sweep_state(s) == SWEEP_IDLE && rounds--)
			sweep_flip(s);
	}
	_exit(0);
}

/* Count into the active generation, and grant fences between packets. */
static void be_kernel(struct meter *m, uint64_t ns)
{
	uint64_t end_ns = clock_mono_ns() + ns;
	enum table_layout layout;
	uint32_t cpu;

	while (clock_mono_ns() < end_ns) {
		layout = (enum table_layout)rand() % TABLE_LAYOUT_MAX;
		cpu = (uint32_t)rand() % CPUS;
		if (kernel->produced < RECORDS_MAX - 1 && has_room(m, layout, cpu, active(m)))
			count_one(m, layout, cpu, active(m), 1);
		grant_fence();
	}
}

TEST_F_TIMEOUT(sweep, killed_for_real, 60)
{
	struct witness *w = shared(sizeof(*w));
	uint32_t i, missing = 0;
	int kills, status;
	pid_t pid;

	for (kills = 0; kills < 300; kills++) {
		pid = fork();
		if (!pid)
			be_agent(self->m, w, -1);
		be_kernel(self->m, (uint64_t)rand() % 5000000);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	pid = fork();
	if (!pid)
		be_agent(self->m, w, 4);
	while (!waitpid(pid, &status, WNOHANG))
		grant_fence();
	for (i = 1; i <= kernel->produced; i++)
		missing += !w->seen[i];
	EXPECT_EQ(0, missing);
	EXPECT_EQ(0, w->twice);
	EXPECT_LT(1000, kernel->produced);
	EXPECT_LT(100, self->m->control->epoch[0] - 1000);
	TH_LOG("%u records, %u sweeps, 300 kills", kernel->produced,
	       (self->m->control->epoch[0] - 1000) / 2 * 2);
	munmap(w, sizeof(*w));
}

TEST_HARNESS_MAIN
