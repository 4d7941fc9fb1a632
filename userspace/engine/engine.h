/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine joins the parts: it sweeps the meter's tables into the monitors'
 * caches, ages flows, and turns the exporters' clocks. One engine_step() each
 * 10 ms does it all; there is no event loop in here.
 *
 * A configuration is applied whole or not at all. Objects it does not touch
 * go on as they were; those it removes retire: their flows and messages still
 * leave first.
 */
#ifndef FLOWGAUGE_ENGINE_ENGINE_H
#define FLOWGAUGE_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "export/exporter.h"
#include "flow/monitor.h"
#include "meter/meter.h"
#include "meter/sweep.h"

struct application;
struct engine;

enum { ENGINE_ATTACHMENT_MONITORS_MAX = CONFIG_ATTACHMENT_MONITORS_MAX };

struct engine_params {
	const char *pin_dir;
	const char *run_dir; /* state files lie in its folder state/ */
	uint32_t table_flows;
	uint32_t eviction_flows;
	uint32_t attachments; /* interfaces times directions at a time */
};

/*
 * Open the meter and take up what an earlier agent left in run_dir: its last
 * configuration, caches and messages. Errors as meter_open.
 */
int engine_create(struct engine **ep, const struct engine_params *params, struct error *err);
/* Let go; programs go on counting and state files stay. NULL is ignored. */
void engine_destroy(struct engine *e);

/*
 * Make @config what runs; it is the engine's from then on, also when this
 * fails (nothing is changed then). Strict: an interface that is there and
 * cannot be metered as asked is a failure; else it is logged and shown.
 */
int engine_apply(struct engine *e, struct config *config, bool strict, struct error *err);
const struct config *engine_config(const struct engine *e);

/* A turn, every 10 ms. */
void engine_step(struct engine *e, uint64_t now_ns);

/* File descriptors whose readiness calls for engine_step() before its time, and for engine_links_changed(). */
int engine_sweep_fd(const struct engine *e);
int engine_links_fd(const struct engine *e);
void engine_links_changed(struct engine *e);

/*
 * Ask for counts up to this moment: engine_sweep_finished() is true once a
 * generation that was flipped after this call has been merged.
 */
uint64_t engine_sweep_request(struct engine *e);
bool engine_sweep_finished(const struct engine *e, uint64_t ticket);

/* Begin to end: sweep once more, end every flow (FLOW_END_FORCED), send what is queued. */
void engine_stop(struct engine *e);
/* Nothing is left to send (or to wait for). */
bool engine_stopped(const struct engine *e);

/*
 * Flows of the monitor that are resident leave (FLOW_END_FORCED), as fast as its
 * exporters take them; or its statistics begin anew. -ENOENT: there is none.
 */
int engine_clear(struct engine *e, const char *monitor, bool statistics);

/* Objects, for those that show them: i-th, NULL behind the last. */
struct monitor *engine_monitor(const struct engine *e, unsigned int i);
struct exporter *engine_exporter(const struct engine *e, unsigned int i);

/* An interface that a configuration names and what became of it. */
struct engine_attachment {
	uint16_t id; /* 0: free */
	uint8_t direction;
	uint8_t hook; /* enum meter_hook: as configured */
	bool inner;   /* what is inside of tunnels is metered, not what goes around it */
	bool attached;
	uint32_t ifindex;
	char ifname[16];
	char trouble[256]; /* why it is not attached; "" */
	struct packet_count totals[ATTACH_COUNTER_MAX];
	unsigned int n_monitors;
	struct {
		char name[MONITOR_NAME_MAX];
		uint8_t take;                       /* enum monitor_take */
		uint8_t samplers[MONITOR_KIND_MAX]; /* ids; 0: every packet */
	} monitors[ENGINE_ATTACHMENT_MONITORS_MAX];
};

/* Copy the i-th attachment; false behind the last. */
bool engine_attachment(const struct engine *e, unsigned int i, struct engine_attachment *a);
/* The id of a sampler of the configuration; 0: no attachment names it, or none was left. */
uint8_t engine_sampler_id(const struct engine *e, const char *name);
struct meter *engine_meter(const struct engine *e);
void engine_sweep_stats(const struct engine *e, struct sweep_stats *stats);

/* The i-th application that flows can be of, by its id; NULL behind the last. */
const struct application *engine_application(struct engine *e, unsigned int i);

/* Swept records that no monitor takes any more: their attachment was removed since. */
void engine_unclaimed(const struct engine *e, struct flow_sum *sum);

/* Of exporters that were removed: what they still try to send, and what they had to drop in the end. */
void engine_removed_exporters(const struct engine *e, struct flow_sum *queued,
			      struct flow_sum *dropped);

#endif
