// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An agent that puts flows and sends them is killed at random moments, again
 * and again, and taken up by the next one. To the flow, packet and octet: what
 * was produced is taken, taken = queued + sent + unsure + dropped, and a
 * collector got what was sent and at most what is unsure besides, no message
 * twice. Controls without one safeguard each must be caught. Every agent has
 * other samplers, and a collector that starts with it hears of those that the
 * flows of the one before name, before it gets these.
 */
#include <stdatomic.h>

/* The ledger with switches: what it does before a send, and when a transaction begins. */
#define ledger_mark_in_flight real_mark_in_flight
#define ledger_begin real_begin
#include "export/ledger.c"
#undef ledger_mark_in_flight
#undef ledger_begin

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "export/exporter.h"
#include "unit/export_decoder.h"
#include "unit/export_flows.h"

static bool without_mark, without_copy;

void ledger_mark_in_flight(struct ledger *l, const struct in_flight *in_flight)
{
	if (!without_mark)
		real_mark_in_flight(l, in_flight);
}

void ledger_begin(struct ledger *l)
{
	if (!without_copy)
		real_begin(l);
}

enum {
	BATCH = 300,
	ROUNDS_MAX = 1000, /* of an agent: what the collector's buffer holds while it may not run */
};

/* What stands for a cache: it notes in shared memory how far it is with its flows. */
struct producer {
	enum { IDLE, PUTTING, GONE } state;
	struct flow_sum produced;
	struct flow_sum after; /* GONE: the same with the flows that are leaving */
	uint32_t runs;
};

FIXTURE(crash)
{
	int fd;
	struct exporter_params params;
	struct producer *producer;
	struct decoder *d;
	struct record *record;
	struct flow *flows;
	char path[64];
	uint32_t kills, unsure_kills, open_kills;
};

FIXTURE_VARIANT(crash)
{
	enum export_protocol_id protocol;
};

FIXTURE_VARIANT_ADD(crash, v9){
	.protocol = EXPORT_NETFLOW_V9,
};

FIXTURE_VARIANT_ADD(crash, ipfix){
	.protocol = EXPORT_IPFIX,
};

FIXTURE_SETUP(crash)
{
	uint32_t i;

	exporter_params_init(&self->params);
	strcpy(self->params.destination, "127.0.0.1");
	self->params.protocol = variant->protocol;
	self->params.mtu = 1500;
	self->fd = collector_open(&self->params.port);
	ASSERT_GE(self->fd, 0);
	self->d = calloc(1, sizeof(*self->d));
	self->flows = calloc(BATCH, sizeof(*self->flows));
	for (i = 0; i < BATCH; i++)
		self->flows[i] = flows_ipv4(i);
	self->record = flows_predefined("netflow ipv4 original-input");
	self->producer = mmap(NULL, sizeof(*self->producer), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(self->producer, MAP_FAILED);
	snprintf(self->path, sizeof(self->path), "/dev/shm/exporter_crash_test.%d", getpid());
	self->kills = self->unsure_kills = self->open_kills = 0;
	srand((unsigned int)getpid());
}

FIXTURE_TEARDOWN(crash)
{
	record_put(self->record);
	munmap(self->producer, sizeof(*self->producer));
	free(self->d);
	free(self->flows);
	close(self->fd);
	unlink(self->path);
}

/* The cache tells its sink how the transaction ended that was under way. */
static struct exporter *take_up(struct _test_data_crash *self)
{
	struct producer *p = self->producer;
	struct exporter *e;

	if (exporter_create(&e, &self->params, self->path, NULL))
		return NULL;
	if (p->state == PUTTING)
		exporter_rollback(e);
	if (p->state == GONE) {
		p->produced = p->after;
		exporter_commit(e);
	}
	state_barrier();
	p->state = IDLE;
	return e;
}

/* A few calls, as a cache would with several messages' worth. */
static void produce(struct _test_data_crash *self, struct exporter *e, uint32_t n)
{
	struct producer *p = self->producer;
	struct flow_sum sum = p->produced;
	uint32_t at, i;

	for (i = 0; i < n; i++) {
		sum.flows++;
		sum.packets += self->flows[i].stats.packets;
		sum.octets += self->flows[i].stats.octets;
	}
	p->state = PUTTING;
	state_barrier();
	exporter_begin(e);
	for (at = 0; at < n; at += 64)
		exporter_put_flows(e, self->record, self->flows + at, n - at < 64 ? n - at : 64);
	p->after = sum;
	state_barrier();
	p->state = GONE;
	state_barrier();
	p->produced = sum;
	state_barrier();
	exporter_commit(e);
	state_barrier();
	p->state = IDLE;
}

/* Two of three samplers, and all flows of these. */
static void set_samplers(struct _test_data_crash *self, struct exporter *e, uint32_t run)
{
	struct sampler_report r[SAMPLER_ID_MAX];
	uint32_t n = 0, i;

	for (i = 1; i <= SAMPLER_ID_MAX; i++)
		if ((i + run) % 3)
			r[n++] = (struct sampler_report){
				.id = (uint8_t)i,
				.sampler = { "S", FLOW_SAMPLER_MODE_RANDOM, 1, 10 * i },
			};
	exporter_set_samplers(e, r, n);
	for (i = 0; i < BATCH; i++)
		self->flows[i].key.sampler_id = r[i % n].id;
}

static void run_agent(struct _test_data_crash *self)
{
	struct exporter *e = take_up(self);
	uint32_t i, n;

	if (!e)
		_exit(1);
	set_samplers(self, e, self->producer->runs++);
	for (i = 0; i < ROUNDS_MAX; i++) {
		n = exporter_room(e, self->record);
		produce(self, e, n < i * 37 % BATCH ? n : i * 37 % BATCH);
		exporter_tick(e, clock_mono_ns(), i % 5 == 0);
	}
	for (;;)
		pause();
}

/* Start an agent, kill it within @most_us microseconds. */
static void kill_one(struct _test_data_crash *self, uint32_t most_us)
{
	pid_t pid = fork();

	if (!pid) {
		alarm(10);
		run_agent(self);
	}
	usleep((useconds_t)rand() % most_us);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	self->kills++;
}

static struct flow_sum sum_up(const struct exporter_stats *s)
{
	struct flow_sum sum = { 0 };

	flow_sum_add(&sum, &s->queued);
	flow_sum_add(&sum, &s->sent);
	flow_sum_add(&sum, &s->unsure);
	flow_sum_add(&sum, &s->dropped_full);
	flow_sum_add(&sum, &s->dropped_send);
	flow_sum_add(&sum, &s->dropped_closed);
	return sum;
}

static bool at_most(const struct flow_sum *a, const struct flow_sum *b)
{
	return a->flows <= b->flows && a->packets <= b->packets && a->octets <= b->octets;
}

static bool same(const struct flow_sum *a, const struct flow_sum *b)
{
	return !memcmp(a, b, sizeof(*a));
}

/* Both sides of the ledger, and it against what was produced. */
static const char *ledger_fault(struct _test_data_crash *self, const struct exporter *e)
{
	struct exporter_stats s;
	struct flow_sum sum;

	exporter_stats(e, &s);
	sum = sum_up(&s);
	if (!same(&sum, &s.taken))
		return "taken is not queued + sent + unsure + dropped";
	if (!same(&s.taken, &self->producer->produced))
		return "taken is not what was produced";
	return NULL;
}

/* What the collector got against the ledger. */
static const char *collector_fault(struct _test_data_crash *self, const struct exporter *e)
{
	const struct decoder *d = self->d;
	struct flow_sum got = { d->flows, d->packets, d->octets }, most;
	struct exporter_stats s;
	uint64_t counted;

	exporter_stats(e, &s);
	most = s.sent;
	flow_sum_add(&most, &s.unsure);
	if (!at_most(&s.sent, &got))
		return "less arrived than was sent";
	if (!at_most(&got, &most))
		return "more arrived than was sent or is unsure";
	if (d->repeated)
		return "a sequence number came twice";
	counted = d->version == 9 ? d->messages : d->flows + d->options_records;
	if (d->sequence != s.sequence || counted + d->missed != s.sequence)
		return "sequence numbers and losses do not add up";
	if (d->version == 9 && s.sequence != s.messages + s.messages_unsure)
		return "more or fewer messages unsure than numbers used";
	if (d->gaps > s.messages_unsure)
		return "a gap that no unsure message explains";
	return NULL;
}

/*
 * Send the rest and compare everything; NULL: nothing is wrong. Something has
 * to be sent in any case: only what comes behind a loss shows it.
 */
static const char *finish(struct _test_data_crash *self)
{
	struct exporter *e = take_up(self);
	const char *fault;
	int turns = 0;

	if (!e)
		return "the state cannot be taken up";
	do {
		exporter_tick(e, clock_mono_ns(), true);
		if (!collector_drain(self->fd, self->d))
			return self->d->error;
	} while (!exporter_idle(e) && turns++ < 10000);
	collector_drain(self->fd, self->d);
	fault = exporter_idle(e) ? ledger_fault(self, e) : "the queue does not drain";
	if (!fault)
		fault = collector_fault(self, e);
	exporter_destroy(e);
	return fault;
}

/* The ledger after a kill; opening it is one more recovery. */
static const char *look(struct _test_data_crash *self)
{
	struct exporter *e = take_up(self);
	const char *fault;

	if (!e)
		return "the state cannot be taken up";
	fault = ledger_fault(self, e);
	exporter_destroy(e);
	return fault;
}

static const char *crash(struct _test_data_crash *self, uint32_t kills, uint32_t most_us)
{
	const char *fault = NULL;

	while (!fault && kills--) {
		kill_one(self, most_us);
		if (self->producer->state != IDLE)
			self->open_kills++;
		if (!collector_drain(self->fd, self->d))
			fault = self->d->error;
		memset(self->d->rates, 0, sizeof(self->d->rates));
		if (!fault && kills % 4 == 0)
			fault = look(self);
	}
	return fault ? fault : finish(self);
}

static void report(const struct _test_data_crash *self)
{
	struct exporter_stats s;
	struct exporter *e;

	if (exporter_create(&e, &self->params, self->path, NULL))
		return;
	exporter_stats(e, &s);
	exporter_destroy(e);
	fprintf(stderr,
		"# %u kills (%u inside a transaction), %u agents ran, %llu flows sent, %llu unsure "
		"in %llu messages, of which %llu arrived\n",
		self->kills, self->open_kills, self->producer->runs,
		(unsigned long long)s.sent.flows, (unsigned long long)s.unsure.flows,
		(unsigned long long)s.messages_unsure,
		(unsigned long long)(self->d->flows - s.sent.flows));
}

TEST_F_TIMEOUT(crash, nothing_is_lost_or_doubled, 120)
{
	const char *fault = crash(self, 150, 8000);

	EXPECT_EQ(fault, NULL)
	{
		TH_LOG("%s", fault);
	}
	report(self);
	EXPECT_GT(self->producer->runs, 20);
	EXPECT_GT(self->d->flows, 1000);
}

/* Killed mostly while it takes up what the one before left. */
TEST_F_TIMEOUT(crash, recovery_can_be_killed_too, 120)
{
	const char *fault = crash(self, 20, 8000);
	int i;

	for (i = 0; i < 6 && !fault; i++) {
		fault = crash(self, 20, 2000);
		if (!fault)
			fault = crash(self, 3, 8000);
	}
	EXPECT_EQ(fault, NULL)
	{
		TH_LOG("%s", fault);
	}
	report(self);
}

/* Run until a fault shows; NULL: none did. */
static const char *provoke(struct _test_data_crash *self)
{
	const char *fault = NULL;
	int i;

	for (i = 0; i < 40 && !fault; i++)
		fault = crash(self, 25, 8000);
	return fault;
}

TEST_F_TIMEOUT(crash, control_without_the_mark, 120)
{
	const char *fault;

	without_mark = true;
	fault = provoke(self);
	EXPECT_NE(fault, NULL);
	fprintf(stderr, "# caught after %u kills: %s\n", self->kills, fault ? fault : "never");
}

TEST_F_TIMEOUT(crash, control_without_the_copy, 120)
{
	const char *fault;

	without_copy = true;
	fault = provoke(self);
	EXPECT_NE(fault, NULL);
	fprintf(stderr, "# caught after %u kills: %s\n", self->kills, fault ? fault : "never");
}

TEST_HARNESS_MAIN
