// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a configuration to what runs. First everything new is built beside the
 * old (state files carry the layout in their name, so old and new of one name
 * can exist together), then the programs are attached, and only then the sets
 * are exchanged: until that moment any failure leaves all as it was. Monitors
 * and exporters that are no longer wanted retire: they empty themselves before
 * they go. The configuration is noted in run_dir once nothing retires, so that
 * an agent killed in between takes up the old objects first.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "engine/objects.h"
#include "route/as_table.h"

enum { RETIRE_S = 10 }; /* to send what is queued */

static struct engine_exporter *find_exporter(const struct engine_set *set, const char *path)
{
	unsigned int i;

	for (i = 0; i < set->n_exporters; i++)
		if (!strcmp(set->exporters[i]->path, path))
			return set->exporters[i];
	return NULL;
}

static struct engine_monitor *find_monitor(const struct engine_set *set, const char *path)
{
	unsigned int i;

	for (i = 0; i < set->n_monitors; i++)
		if (!strcmp(set->monitors[i]->path, path))
			return set->monitors[i];
	return NULL;
}

static struct exporter *exporter_named(const struct engine_set *set, const char *name)
{
	unsigned int i;

	for (i = 0; i < set->n_exporters; i++)
		if (!strcmp(exporter_params(set->exporters[i]->exporter)->name, name))
			return set->exporters[i]->exporter;
	return NULL;
}

static int build_exporter(struct engine *e, const struct config_exporter *c, struct engine_set *set,
			  struct error *err)
{
	char path[ENGINE_PATH_MAX];
	struct engine_exporter *x;
	int ret;

	snprintf(path, sizeof(path), "%s/state/exporter-%s-%016llx", e->params.run_dir,
		 c->params.name, (unsigned long long)exporter_identity(&c->params));
	x = find_exporter(&e->set, path);
	if (!x)
		x = find_exporter(&e->retiring, path);
	if (!x) {
		x = calloc(1, sizeof(*x));
		if (!x)
			return error_set(err, -ENOMEM, "no memory");
		strcpy(x->path, path);
		x->created = access(path, F_OK) != 0;
		ret = exporter_create(&x->exporter, &c->params, path, err);
		if (ret) {
			if (x->created)
				unlink(path);
			free(x);
			error_prefix(err, "flow exporter %s", c->params.name);
			return ret;
		}
	}
	set->exporters[set->n_exporters++] = x;
	return 0;
}

/* A monitor whose expiry was cut short tells its exporters which way to go. */
static void recover(struct engine_set *set, enum cache_recovery recovery)
{
	unsigned int i;

	for (i = 0; i < set->n_exporters; i++) {
		if (recovery == CACHE_EXPIRY_UNDONE)
			exporter_rollback(set->exporters[i]->exporter);
		else if (recovery == CACHE_EXPIRY_REDONE)
			exporter_commit(set->exporters[i]->exporter);
	}
}

static int create_monitor(struct engine_monitor *m, struct record *record, const char *path,
			  struct engine_set *set, struct error *err)
{
	enum cache_recovery recovery;
	int ret;

	ret = monitor_create(&m->monitor, m->config.name, record, &m->config.cache, path, &recovery,
			     err);
	if (ret)
		return ret;
	recover(set, recovery);
	cache_settle(monitor_cache(m->monitor));
	return 0;
}

static int build_monitor(struct engine *e, const struct config *config,
			 const struct config_monitor *c, struct engine_set *set, struct error *err)
{
	struct record *record = config_build_record(config, c->record, err);
	char path[ENGINE_PATH_MAX];
	struct engine_monitor *m;
	int ret;

	if (!record)
		return err->code;
	snprintf(path, sizeof(path), "%s/state/monitor-%s-%016llx-%u%s", e->params.run_dir, c->name,
		 (unsigned long long)record->layout_hash, c->cache.entries,
		 c->cache.type == CACHE_PERMANENT ? "-permanent" : "");
	m = find_monitor(&e->set, path);
	if (!m)
		m = find_monitor(&e->retiring, path);
	if (!m) {
		m = calloc(1, sizeof(*m));
		ret = m ? 0 : error_set(err, -ENOMEM, "no memory");
		if (m) {
			m->config = *c;
			strcpy(m->path, path);
			m->created = access(path, F_OK) != 0;
			m->taken_up = !m->created;
			ret = create_monitor(m, record, path, set, err);
		}
		if (ret) {
			if (m && m->created)
				unlink(path);
			free(m);
			record_put(record);
			error_prefix(err, "flow monitor %s", c->name);
			return ret;
		}
	}
	record_put(record);
	set->monitors[set->n_monitors++] = m;
	return 0;
}

int engine_set_build(struct engine *e, const struct config *config, struct engine_set *set,
		     struct error *err)
{
	unsigned int i;
	int ret = 0;

	*set = (struct engine_set){
		.monitors = calloc(config->n_monitors + 1, sizeof(*set->monitors)),
		.exporters = calloc(config->n_exporters + 1, sizeof(*set->exporters)),
	};
	if (!set->monitors || !set->exporters)
		ret = error_set(err, -ENOMEM, "no memory");
	for (i = 0; !ret && i < config->n_exporters; i++)
		ret = build_exporter(e, &config->exporters[i], set, err);
	for (i = 0; !ret && i < config->n_monitors; i++)
		ret = build_monitor(e, config, &config->monitors[i], set, err);
	if (ret)
		engine_set_discard(e, set);
	return ret;
}

static void destroy_monitor(struct engine_monitor *m, bool remove)
{
	monitor_destroy(m->monitor);
	if (remove)
		unlink(m->path);
	free(m);
}

static void destroy_exporter(struct engine_exporter *x, bool remove)
{
	exporter_destroy(x->exporter);
	if (remove)
		unlink(x->path);
	free(x);
}

void engine_set_free(struct engine_set *set)
{
	free(set->monitors);
	free(set->exporters);
	*set = (struct engine_set){ 0 };
}

void engine_set_discard(struct engine *e, struct engine_set *set)
{
	unsigned int i;

	for (i = 0; i < set->n_monitors; i++)
		if (!find_monitor(&e->set, set->monitors[i]->path) &&
		    !find_monitor(&e->retiring, set->monitors[i]->path))
			destroy_monitor(set->monitors[i], set->monitors[i]->created);
	for (i = 0; i < set->n_exporters; i++)
		if (!find_exporter(&e->set, set->exporters[i]->path) &&
		    !find_exporter(&e->retiring, set->exporters[i]->path))
			destroy_exporter(set->exporters[i], set->exporters[i]->created);
	engine_set_free(set);
}

/* Cannot fail any more: timeouts, parameters and sinks of what goes on. */
static void settle(const struct config *config, struct engine_set *set)
{
	unsigned int i, x;
	struct error err;

	for (i = 0; i < set->n_exporters; i++) {
		set->exporters[i]->created = false;
		if (exporter_update(set->exporters[i]->exporter, &config->exporters[i].params,
				    &err))
			log_warning("flow exporter %s: %s", config->exporters[i].params.name,
				    err.text);
	}
	for (i = 0; i < set->n_monitors; i++) {
		struct engine_monitor *m = set->monitors[i];
		struct flow_sink sink;

		m->config = config->monitors[i];
		m->created = false;
		cache_set_params(monitor_cache(m->monitor), &m->config.cache);
		monitor_set_statistics(m->monitor, m->config.statistics_protocol,
				       m->config.statistics_size);
		m->fanout.n = m->config.n_exporters;
		for (x = 0; x < m->config.n_exporters; x++)
			m->fanout.exporters[x] = exporter_named(set, m->config.exporters[x]);
		sink = fanout_sink(&m->fanout);
		monitor_set_sink(m->monitor, m->fanout.n ? &sink : NULL);
	}
}

static int retire_one(void ***list, unsigned int *n, void *object)
{
	void **grown = realloc(*list, (*n + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	grown[(*n)++] = object;
	*list = grown;
	return 0;
}

/* What was running or retiring and is not in the new set retires. */
static void move_to_retiring(struct engine *e, struct engine_set *old)
{
	unsigned int i, id;

	for (i = 0; i < old->n_monitors; i++) {
		struct engine_monitor *m = old->monitors[i];

		if (find_monitor(&e->set, m->path))
			continue;
		for (id = 1; id < ATTACHMENT_MAX; id++)
			monitor_set_attachment(m->monitor, (uint16_t)id, 0);
		retire_one((void ***)&e->retiring.monitors, &e->retiring.n_monitors, m);
	}
	for (i = 0; i < old->n_exporters; i++)
		if (!find_exporter(&e->set, old->exporters[i]->path)) {
			old->exporters[i]->retire_by_ns = clock_mono_ns() + RETIRE_S * NSEC_PER_SEC;
			retire_one((void ***)&e->retiring.exporters, &e->retiring.n_exporters,
				   old->exporters[i]);
		}
}

int engine_apply(struct engine *e, struct config *config, bool strict, struct error *err)
{
	struct engine_set set, old_set, old_retiring;
	struct as_table *as_table = NULL;
	int ret;

	ret = engine_set_build(e, config, &set, err);
	if (ret)
		goto err_free_config;
	ret = enrich_load_as(e, config, &set, &as_table, err);
	if (ret && strict)
		goto err_discard;
	if (ret)
		log_warning("%s", err->text);
	ret = attachments_reconcile(e, config, &set, strict, err);
	if (ret)
		goto err_destroy_as;
	old_set = e->set;
	old_retiring = e->retiring;
	e->set = set;
	e->retiring = (struct engine_set){ 0 };
	settle(config, &e->set);
	move_to_retiring(e, &old_set);
	move_to_retiring(e, &old_retiring);
	engine_set_free(&old_set);
	engine_set_free(&old_retiring);
	config_free(e->config);
	e->config = config;
	e->save_config = true;
	enrich_change(e, as_table);
	names_tell(e);
	sampling_tell(e);
	claims_turn(e);
	engine_retire(e);
	return 0;

err_destroy_as:
	as_table_destroy(as_table);
err_discard:
	engine_set_discard(e, &set);
err_free_config:
	config_free(config);
	return ret;
}

static void save_config(struct engine *e)
{
	char path[ENGINE_PATH_MAX], new_path[ENGINE_PATH_MAX + 8];
	char *text = config_show(e->config);
	FILE *f;

	snprintf(path, sizeof(path), "%s/state/running.conf", e->params.run_dir);
	snprintf(new_path, sizeof(new_path), "%s.new", path);
	f = text ? fopen(new_path, "we") : NULL;
	if (!f || fputs(text, f) < 0 || fflush(f) || rename(new_path, path))
		log_warning("%s: cannot note the configuration: %s", path, strerror(errno));
	if (f)
		fclose(f);
	free(text);
	e->save_config = false;
}

static bool exporter_in_use(const struct engine *e, const struct exporter *x)
{
	unsigned int i, n;

	for (i = 0; i < e->retiring.n_monitors; i++)
		for (n = 0; n < e->retiring.monitors[i]->fanout.n; n++)
			if (e->retiring.monitors[i]->fanout.exporters[n] == x)
				return true;
	return false;
}

/* The time of a removed exporter is over. */
static void drop_unsent(struct engine *e, struct exporter *x)
{
	struct exporter_stats s;

	exporter_stats(x, &s);
	if (s.queued.flows)
		log_warning("flow exporter %s was removed: %llu flows of %llu packets could not be "
			    "sent and are dropped",
			    exporter_params(x)->name, (unsigned long long)s.queued.flows,
			    (unsigned long long)s.queued.packets);
	flow_sum_add(&e->unsent, &s.queued);
	exporter_discard(x);
}

void engine_retire(struct engine *e)
{
	uint64_t now_ns = clock_mono_ns();
	struct engine_set *r = &e->retiring;
	unsigned int i, left = 0;

	for (i = 0; i < r->n_monitors; i++) {
		struct engine_monitor *m = r->monitors[i];

		if (cache_flush(monitor_cache(m->monitor), FLOW_END_FORCED,
				monitor_sink(m->monitor)))
			r->monitors[left++] = m;
		else
			destroy_monitor(m, true);
	}
	r->n_monitors = left;
	for (i = 0, left = 0; i < r->n_exporters; i++) {
		struct engine_exporter *x = r->exporters[i];
		bool wanted = exporter_in_use(e, x->exporter);

		exporter_tick(x->exporter, now_ns, !wanted);
		if (!wanted && now_ns >= x->retire_by_ns)
			drop_unsent(e, x->exporter);
		if (wanted || !exporter_idle(x->exporter))
			r->exporters[left++] = x;
		else
			destroy_exporter(x, true);
	}
	r->n_exporters = left;
	if (e->save_config && !r->n_monitors && !r->n_exporters)
		save_config(e);
}
