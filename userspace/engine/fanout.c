// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each call goes to all exporters in turn. Room is that of the fullest one, so
 * that a slow collector delays the ageing of a monitor rather than losing its
 * flows, as long as the cache has room. One that cannot be sent to does not
 * hold up its neighbours: what its queue cannot take is dropped, by count.
 */
#include "engine/fanout.h"

static uint32_t room(void *ctx, const struct record *record)
{
	const struct fanout *f = ctx;
	uint32_t least = UINT32_MAX, in_trouble = UINT32_MAX, n;
	unsigned int i, well = 0;

	for (i = 0; i < f->n; i++) {
		n = exporter_room(f->exporters[i], record);
		if (*exporter_trouble(f->exporters[i])) {
			in_trouble = n < in_trouble ? n : in_trouble;
			continue;
		}
		well++;
		least = n < least ? n : least;
	}
	return well ? least : in_trouble;
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
