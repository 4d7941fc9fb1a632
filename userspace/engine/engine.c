// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One turn: flip when a sweep is due, drain a slice of the swept generation
 * into all monitors, and when it is all in, note its counters, reset it and
 * age the flows as of the flip; then turn the exporters' clocks. Nothing here
 * waits: the grace period after a flip passes in the sweep's own thread.
 *
 * Flows age only right after a sweep, or one would end whose packets still lie
 * in the kernel's table.
 */
#include "engine/engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/objects.h"

enum {
	SWEEP_EVERY_MS = 1000,
	RELIST_MS = 100,
	SLICE_RECORDS = 65536, /* drained in one turn: some 5 ms */
};

/* Locked before anything in it is looked at: recovery would undo what another agent is just doing. */
static int open_state_dir(struct engine *e, struct error *err)
{
	const char *run_dir = e->params.run_dir;
	char path[ENGINE_PATH_MAX];

	if (strlen(run_dir) > ENGINE_PATH_MAX / 2)
		return error_set(err, -ENAMETOOLONG, "%s: the path is too long", run_dir);
	snprintf(path, sizeof(path), "%s/state", run_dir);
	if (mkdir(path, 0700) && errno != EEXIST)
		return error_set(err, -errno, "%s: cannot create: %s", path, strerror(errno));
	e->state_fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (e->state_fd < 0)
		return error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
	if (flock(e->state_fd, LOCK_EX | LOCK_NB))
		return error_set(err, -EBUSY,
				 "run directory %s is in use by another agent: stop it, or use "
				 "another --run-dir",
				 run_dir);
	return 0;
}

/* The configuration an earlier agent ran: its caches and messages are taken up with it. */
static void take_up_earlier(struct engine *e)
{
	char path[ENGINE_PATH_MAX];
	struct config *config;
	struct error err;

	snprintf(path, sizeof(path), "%s/state/running.conf", e->params.run_dir);
	if (config_load(&config, path, &err)) {
		if (err.code != -ENOENT)
			log_warning("%s", err.text);
		return;
	}
	if (engine_apply(e, config, false, &err))
		log_warning("cannot take up what an earlier agent left: %s", err.text);
}

int engine_create(struct engine **ep, const struct engine_params *params, struct error *err)
{
	const struct meter_params mp = {
		.pin_dir = params->pin_dir,
		.table_flows = params->table_flows,
		.eviction_flows = params->eviction_flows,
		.attachments = params->attachments,
	};
	char path[ENGINE_PATH_MAX];
	struct engine *e = calloc(1, sizeof(*e));
	int ret;

	if (!e)
		return error_set(err, -ENOMEM, "no memory");
	e->params = *params;
	e->state_fd = -1;
	e->flip_ns = clock_mono_ns();
	ret = open_state_dir(e, err);
	if (ret)
		goto err_destroy;
	ret = meter_open(&e->meter, &mp, err);
	if (ret)
		goto err_destroy;
	ret = sweep_create(&e->sweep, e->meter, err);
	if (ret)
		goto err_destroy;
	snprintf(path, sizeof(path), "%s/state/totals", params->run_dir);
	ret = totals_open(&e->totals, path, params->attachments, err);
	if (ret)
		goto err_destroy;
	ret = links_open(&e->links, err);
	if (ret)
		goto err_destroy;
	e->config = config_create();
	if (!e->config) {
		ret = error_set(err, -ENOMEM, "no memory");
		goto err_destroy;
	}
	take_up_earlier(e);
	*ep = e;
	return 0;

err_destroy:
	engine_destroy(e);
	return ret;
}

void engine_destroy(struct engine *e)
{
	struct engine_set sets[2];
	unsigned int i;

	if (!e)
		return;
	sets[0] = e->set;
	sets[1] = e->retiring;
	e->set = e->retiring = (struct engine_set){ 0 };
	for (i = 0; i < 2; i++)
		engine_set_discard(e, &sets[i]);
	attachments_free(&e->attachments);
	enrich_free(&e->enrichment);
	config_free(e->config);
	links_close(e->links);
	totals_close(e->totals);
	sweep_destroy(e->sweep);
	meter_close(e->meter);
	if (e->state_fd >= 0)
		close(e->state_fd);
	free(e);
}

static void note_counters(struct engine *e)
{
	static struct packet_count counters[ATTACHMENT_MAX][ATTACH_COUNTER_MAX];
	uint16_t limit = totals_limit(e->totals), id;

	for (id = 1; id < limit; id++)
		sweep_counters(e->sweep, id, counters[id]);
	totals_add(e->totals, sweep_epoch(e->sweep), counters, limit);
}

/* RFC 7011 section 4.2: packets that were seen and could not be put into any flow. */
static void tell_reliability(struct engine *e)
{
	static const uint8_t lost[] = { ATTACH_TRUNCATED, ATTACH_BAD_VERSION, ATTACH_BAD_HEADER,
					ATTACH_TOO_DEEP, ATTACH_OVERFLOW };
	struct packet_count sum = { 0 };
	const struct packet_count *c;
	unsigned int i, n;

	for (i = 1; i < totals_limit(e->totals); i++) {
		c = totals_get(e->totals, (uint16_t)i);
		for (n = 0; n < sizeof(lost); n++) {
			sum.packets += c[lost[n]].packets;
			sum.octets += c[lost[n]].octets;
		}
	}
	for (i = 0; i < e->set.n_exporters; i++)
		exporter_set_reliability(e->set.exporters[i]->exporter, sum.packets, sum.octets);
}

static void age(struct engine *e)
{
	uint32_t ended = 0;
	unsigned int i;

	for (i = 0; i < e->set.n_monitors; i++) {
		struct monitor *m = e->set.monitors[i]->monitor;

		ended += cache_expire(monitor_cache(m), e->age_ns, monitor_sink(m));
	}
	e->ageing = ended;
}

static void finish_generation(struct engine *e)
{
	note_counters(e);
	sweep_done(e->sweep);
	tell_reliability(e);
	sampling_tell(e);
	e->finished = e->flipped;
	e->age_ns = e->flip_ns;
	if (e->stage < ENGINE_FLUSH)
		age(e);
}

static void drain(struct engine *e)
{
	static struct flow flows[ENGINE_BATCH];
	uint32_t done, n, index;
	unsigned int i;

	for (done = 0; done < SLICE_RECORDS; done += n) {
		n = sweep_next(e->sweep, flows, ENGINE_BATCH, &index);
		if (!n) {
			finish_generation(e);
			return;
		}
		enrich_flows(e, flows, n);
		for (i = 0; i < e->set.n_monitors; i++)
			monitor_observe(e->set.monitors[i]->monitor, sweep_epoch(e->sweep), index,
					flows, n);
		claims_count(e, flows, n);
	}
}

static bool sweep_is_due(struct engine *e, uint64_t now_ns)
{
	bool wanted = sweep_wanted(e->sweep);

	return wanted || e->requested > e->flipped ||
	       now_ns - e->last_flip_ns >= SWEEP_EVERY_MS * NSEC_PER_MSEC;
}

static void turn_sweep(struct engine *e, uint64_t now_ns)
{
	uint64_t ticket = e->requested;

	switch (sweep_state(e->sweep)) {
	case SWEEP_IDLE:
		if (e->ageing)
			age(e);
		if (!sweep_is_due(e, now_ns) || sweep_flip(e->sweep))
			break;
		e->last_flip_ns = e->flip_ns = now_ns;
		e->flipped = ticket;
		break;
	case SWEEP_WAITING:
		if (e->ageing)
			age(e);
		break;
	case SWEEP_DRAINABLE:
		if (enrich_ready(&e->enrichment))
			drain(e);
		break;
	}
}

static bool flush_monitors(struct engine *e)
{
	uint32_t left = 0;
	unsigned int i;

	for (i = 0; i < e->set.n_monitors; i++) {
		struct monitor *m = e->set.monitors[i]->monitor;

		left += cache_flush(monitor_cache(m), FLOW_END_FORCED, monitor_sink(m));
	}
	return !left;
}

static void turn_clearing(struct engine *e)
{
	unsigned int i;

	for (i = 0; i < e->set.n_monitors; i++) {
		struct engine_monitor *m = e->set.monitors[i];

		if (m->clearing)
			m->clearing = cache_flush(monitor_cache(m->monitor), FLOW_END_FORCED,
						  monitor_sink(m->monitor));
	}
}

int engine_clear(struct engine *e, const char *monitor, bool statistics)
{
	unsigned int i;

	for (i = 0; i < e->set.n_monitors; i++) {
		struct engine_monitor *m = e->set.monitors[i];

		if (strcmp(m->config.name, monitor))
			continue;
		if (statistics)
			monitor_clear_statistics(m->monitor);
		else
			m->clearing = true;
		turn_clearing(e);
		return 0;
	}
	return -ENOENT;
}

static void turn_exporters(struct engine *e, uint64_t now_ns)
{
	bool flush = e->stage >= ENGINE_FLUSH;
	unsigned int i;

	for (i = 0; i < e->set.n_exporters; i++)
		exporter_tick(e->set.exporters[i]->exporter, now_ns, flush);
}

static bool exporters_idle(const struct engine *e)
{
	unsigned int i;

	for (i = 0; i < e->set.n_exporters; i++)
		if (!exporter_idle(e->set.exporters[i]->exporter))
			return false;
	return true;
}

static void turn_stop(struct engine *e)
{
	if (e->stage == ENGINE_LAST_SWEEP && engine_sweep_finished(e, e->stop_ticket))
		e->stage = ENGINE_FLUSH;
	if (e->stage == ENGINE_FLUSH && flush_monitors(e) && exporters_idle(e) &&
	    !e->retiring.n_monitors && !e->retiring.n_exporters)
		e->stage = ENGINE_STOPPED;
}

void engine_step(struct engine *e, uint64_t now_ns)
{
	if (e->relist_ns && now_ns >= e->relist_ns)
		engine_links_changed(e);
	/* in every state, or what wakes the loop would do so again at once */
	sweep_wanted(e->sweep);
	enrich_turn(&e->enrichment, now_ns);
	if (e->stage < ENGINE_FLUSH)
		turn_sweep(e, now_ns);
	claims_turn(e);
	turn_clearing(e);
	if (e->retiring.n_monitors || e->retiring.n_exporters)
		engine_retire(e);
	if (e->stage != ENGINE_RUNS)
		turn_stop(e);
	turn_exporters(e, now_ns);
}

void engine_stop(struct engine *e)
{
	if (e->stage != ENGINE_RUNS)
		return;
	e->stage = ENGINE_LAST_SWEEP;
	e->stop_ticket = engine_sweep_request(e);
}

bool engine_stopped(const struct engine *e)
{
	return e->stage == ENGINE_STOPPED;
}

uint64_t engine_sweep_request(struct engine *e)
{
	return ++e->requested;
}

bool engine_sweep_finished(const struct engine *e, uint64_t ticket)
{
	return e->finished >= ticket;
}

const struct config *engine_config(const struct engine *e)
{
	return e->config;
}

int engine_sweep_fd(const struct engine *e)
{
	return sweep_event_fd(e->sweep);
}

int engine_links_fd(const struct engine *e)
{
	return links_fd(e->links);
}

void engine_links_changed(struct engine *e)
{
	struct error err;
	int ret = links_refresh(e->links, &err);

	/* in a storm of changes no list is whole: once it is over, there is no event to wait for */
	e->relist_ns = ret ? clock_mono_ns() + RELIST_MS * NSEC_PER_MSEC : 0;
	if (ret == -EINTR)
		return;
	if (ret || attachments_reconcile(e, e->config, &e->set, false, &err))
		log_warning("%s", err.text);
	enrich_links_changed(e);
	names_tell(e);
	sampling_tell(e);
}

struct monitor *engine_monitor(const struct engine *e, unsigned int i)
{
	return i < e->set.n_monitors ? e->set.monitors[i]->monitor : NULL;
}

struct exporter *engine_exporter(const struct engine *e, unsigned int i)
{
	return i < e->set.n_exporters ? e->set.exporters[i]->exporter : NULL;
}

bool engine_attachment(const struct engine *e, unsigned int i, struct engine_attachment *a)
{
	const struct attachment *at = &e->attachments.all[i];
	unsigned int u;

	if (i >= e->attachments.n)
		return false;
	*a = at->shown;
	a->n_monitors = at->n_users;
	for (u = 0; u < at->n_users; u++) {
		strcpy(a->monitors[u].name, at->users[u].monitor->config.name);
		a->monitors[u].take = at->users[u].take;
		memcpy(a->monitors[u].samplers, at->users[u].samplers,
		       sizeof(a->monitors[u].samplers));
	}
	if (a->id)
		memcpy(a->totals, totals_get(e->totals, a->id), sizeof(a->totals));
	return true;
}

struct meter *engine_meter(const struct engine *e)
{
	return e->meter;
}

void engine_sweep_stats(const struct engine *e, struct sweep_stats *stats)
{
	sweep_stats(e->sweep, stats);
}

void engine_unclaimed(const struct engine *e, struct flow_sum *sum)
{
	*sum = e->unclaimed;
}

void engine_removed_exporters(const struct engine *e, struct flow_sum *queued,
			      struct flow_sum *dropped)
{
	struct exporter_stats s;
	unsigned int i;

	*queued = (struct flow_sum){ 0 };
	*dropped = e->unsent;
	for (i = 0; i < e->retiring.n_exporters; i++) {
		exporter_stats(e->retiring.exporters[i]->exporter, &s);
		flow_sum_add(queued, &s.queued);
	}
}
