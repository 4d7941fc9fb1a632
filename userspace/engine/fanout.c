// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each call goes to all exporters in turn. Room is that of the fullest one, so
 * that a slow collector delays the ageing of a monitor rather than losing its
 * flows, as long as the cache has room.
 */
#include "engine/fanout.h"

static uint32_t room(void *ctx, const struct record *record)
{
	const struct fanout *f = ctx;
	uint32_t least = UINT32_MAX, n;
	unsigned int i;

	for (i = 0; i < f->n; i++) {
		n = exporter_room(f->exporters[i], record);
		if (n < least)
			least = n;
	}
	return least;
}

static void begin(void *ctx)
{
	const struct fanout *f = ctx;
	unsigned int i;

	for (i = 0; i < f->n; i++)
		exporter_begin(f->exporters[i]);
}

static void put_flows(void *ctx, const struct record *record, const struct flow *flows, uint32_t n)
{
	const struct fanout *f = ctx;
	unsigned int i;

	for (i = 0; i < f->n; i++)
		exporter_put_flows(f->exporters[i], record, flows, n);
}

static void commit(void *ctx)
{
	const struct fanout *f = ctx;
	unsigned int i;

	for (i = 0; i < f->n; i++)
		exporter_commit(f->exporters[i]);
}

struct flow_sink fanout_sink(struct fanout *f)
{
	return (struct flow_sink){
		.room = room,
		.begin = begin,
		.put_flows = put_flows,
		.commit = commit,
		.ctx = f,
	};
}
