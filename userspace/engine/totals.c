// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two banks of totals in a state file. Adding a generation writes the sums
 * into the bank that is not current, with the generation's epoch, and then
 * turns `current`: one store that either happened or not when the agent dies.
 */
#include "engine/totals.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/state_file.h"

enum { TOTALS_VERSION = 1 };

struct owner {
	uint32_t ifindex;
	uint8_t direction;
	uint8_t in_use;
	uint8_t inner;
	uint8_t pad;
	char ifname[16];
};

struct bank {
	uint64_t added; /* generations */
	uint32_t epoch; /* of the last one */
	uint32_t pad;
	struct packet_count counters[ATTACHMENT_MAX][ATTACH_COUNTER_MAX];
};

struct totals_data {
	uint32_t current;
	uint32_t last_id;
	struct owner owners[ATTACHMENT_MAX];
	struct bank banks[2];
};

struct totals {
	struct state_file file;
	struct totals_data *data;
	uint32_t ids;
};

static bool is_sound(const struct totals_data *d)
{
	uint32_t i;

	if (d->current > 1 || d->last_id >= ATTACHMENT_MAX)
		return false;
	for (i = 0; i < ATTACHMENT_MAX; i++)
		if (!memchr(d->owners[i].ifname, 0, sizeof(d->owners[i].ifname)))
			return false;
	return true;
}

int totals_open(struct totals **tp, const char *path, uint32_t ids, struct error *err)
{
	struct totals *t = calloc(1, sizeof(*t));
	int ret;

	if (!t)
		return error_set(err, -ENOMEM, "no memory");
	ret = state_file_open(&t->file, path, "totals", TOTALS_VERSION, ATTACH_COUNTER_MAX,
			      sizeof(struct totals_data), err);
	if (ret)
		goto err_free;
	t->data = t->file.data;
	if (!is_sound(t->data)) {
		ret = error_set(err, -EUCLEAN, "%s: the totals are damaged: remove it", path);
		goto err_close;
	}
	t->ids = ids < ATTACHMENT_MAX ? ids : ATTACHMENT_MAX - 1;
	if (t->file.created)
		state_file_commit(&t->file);
	*tp = t;
	return 0;

err_close:
	state_file_close(&t->file);
err_free:
	free(t);
	return ret;
}

void totals_close(struct totals *t)
{
	if (!t)
		return;
	state_file_close(&t->file);
	free(t);
}

static bool owned_by(const struct owner *o, const struct totals_owner *by)
{
	return o->ifindex == by->ifindex && o->direction == by->direction &&
	       o->inner == by->inner && !strcmp(o->ifname, by->ifname);
}

static void set_owner(struct totals *t, uint16_t id, const struct totals_owner *by)
{
	struct owner *o = &t->data->owners[id];

	*o = (struct owner){
		.ifindex = by->ifindex, .direction = by->direction, .inner = by->inner, .in_use = 1
	};
	strncpy(o->ifname, by->ifname, sizeof(o->ifname) - 1);
	state_barrier();
	if (id > t->data->last_id)
		t->data->last_id = id;
}

static void zero_counters(struct totals *t, uint16_t id)
{
	memset(t->data->banks[0].counters[id], 0, sizeof(t->data->banks[0].counters[id]));
	memset(t->data->banks[1].counters[id], 0, sizeof(t->data->banks[1].counters[id]));
}

static uint16_t find_free(const struct totals *t)
{
	uint32_t i;

	if (t->data->last_id < t->ids)
		return (uint16_t)(t->data->last_id + 1);
	for (i = 1; i <= t->ids; i++)
		if (!t->data->owners[i].in_use)
			return (uint16_t)i;
	return 0;
}

uint16_t totals_id(struct totals *t, const struct totals_owner *owner)
{
	struct owner *o;
	uint16_t id;

	for (id = 1; id <= t->data->last_id && id <= t->ids; id++) {
		o = &t->data->owners[id];
		if (owned_by(o, owner)) {
			o->in_use = 1;
			return id;
		}
	}
	id = find_free(t);
	if (!id)
		return 0;
	zero_counters(t, id);
	set_owner(t, id, owner);
	return id;
}

bool totals_claim(struct totals *t, uint16_t id, const struct totals_owner *owner)
{
	const struct owner *o;
	bool same;

	if (!id || id > t->ids)
		return false;
	o = &t->data->owners[id];
	same = id <= t->data->last_id && o->ifindex == owner->ifindex &&
	       o->direction == owner->direction;
	if (o->in_use && !same)
		return false;
	if (!same)
		zero_counters(t, id);
	set_owner(t, id, owner);
	return true;
}

void totals_release(struct totals *t, uint16_t id)
{
	t->data->owners[id].in_use = 0;
}

void totals_add(struct totals *t, uint32_t epoch,
		struct packet_count (*counters)[ATTACH_COUNTER_MAX], uint16_t n)
{
	struct totals_data *d = t->data;
	struct bank *from = &d->banks[d->current], *to = &d->banks[!d->current];
	unsigned int id, c;

	if (from->added && from->epoch == epoch)
		return;
	for (id = 1; id < n; id++) {
		for (c = 0; c < ATTACH_COUNTER_MAX; c++) {
			to->counters[id][c].packets =
				from->counters[id][c].packets + counters[id][c].packets;
			to->counters[id][c].octets =
				from->counters[id][c].octets + counters[id][c].octets;
		}
	}
	to->added = from->added + 1;
	to->epoch = epoch;
	state_barrier();
	d->current = !d->current;
	state_barrier();
}

const struct packet_count *totals_get(const struct totals *t, uint16_t id)
{
	return t->data->banks[t->data->current].counters[id];
}

uint16_t totals_limit(const struct totals *t)
{
	return (uint16_t)(t->data->last_id + 1);
}
