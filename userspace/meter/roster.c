// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The roster lies in a mapped array. The stores of a killed agent are there in
 * program order, so an entry is filled in first and its state stored last, and
 * prog_id is 0 while spec and program may not belong together: an entry that
 * was left so is never adopted, its program is replaced.
 *
 * The map's value is the entry, so agents with another struct meter_attach
 * find another value size and refuse the pin.
 */
#include "meter/roster.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/state_file.h"
#include "meter/map.h"

static const char roster_pin[] = "roster";

static uint64_t own_netns(void)
{
	struct stat ns;

	return stat("/proc/thread-self/ns/net", &ns) ? 0 : ns.st_ino;
}

static struct map_shape roster_shape(uint32_t attachments)
{
	return (struct map_shape){
		.name = "fg_roster",
		.type = BPF_MAP_TYPE_ARRAY,
		.key_size = sizeof(uint32_t),
		.value_size = sizeof(struct roster_entry),
		.max_entries = attachments + 1,
		.flags = BPF_F_MMAPABLE,
	};
}

static int map_roster(struct roster *r, int fd, const struct map_shape *shape)
{
	void *memory = map_memory(fd, shape);

	close(fd);
	if (!memory)
		return -ENOMEM;
	r->entries = memory;
	r->netns = own_netns();
	r->size = (uint16_t)shape->max_entries;
	for (r->limit = r->size; r->limit > 1; r->limit--)
		if (r->entries[r->limit - 1].state != ROSTER_FREE)
			break;
	return 0;
}

int roster_open(struct roster *r, const struct pin_dir *dir, uint32_t attachments,
		struct error *err)
{
	const struct map_shape shape = roster_shape(attachments);
	int fd, ret;

	fd = map_take(dir, roster_pin, &shape, NULL, err);
	if (fd < 0)
		return fd;
	ret = map_roster(r, fd, &shape);
	return ret ? error_set(err, ret, "the roster of attachments cannot be mapped") : 0;
}

int roster_open_pinned(struct roster *r, const struct pin_dir *dir)
{
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info);
	struct map_shape shape;
	int fd;

	fd = pin_get(dir, "%s", roster_pin);
	if (fd < 0)
		return fd;
	if (bpf_obj_get_info_by_fd(fd, &info, &size))
		info.max_entries = 0;
	close(fd);
	if (!info.max_entries || info.max_entries > UINT16_MAX)
		return -ESTALE;
	shape = roster_shape(info.max_entries - 1);
	fd = map_get(dir, roster_pin, &shape, NULL);
	return fd < 0 ? fd : map_roster(r, fd, &shape);
}

void roster_close(struct roster *r)
{
	if (r->entries)
		map_unmap(r->entries, sizeof(struct roster_entry), r->size);
	r->entries = NULL;
}

uint16_t roster_find(const struct roster *r, uint16_t id)
{
	uint16_t i;

	for (i = 1; i < r->limit; i++)
		if (r->entries[i].state == ROSTER_LIVE && r->entries[i].spec.id == id)
			return i;
	return 0;
}

/* Of what @spec counts: the first one is there already. Then it has the other filter handle for good. */
static bool is_second(const struct roster *r, const struct meter_attach *spec)
{
	uint16_t i;

	for (i = 1; i < r->limit; i++) {
		const struct roster_entry *e = &r->entries[i];

		if (e->state == ROSTER_LIVE && !e->second && e->spec.ifindex == spec->ifindex &&
		    e->spec.direction == spec->direction)
			return true;
	}
	return false;
}

uint16_t roster_take(struct roster *r, const struct meter_attach *spec)
{
	uint16_t i;

	for (i = 1; i < r->size; i++) {
		struct roster_entry *e = &r->entries[i];

		if (e->state != ROSTER_FREE)
			continue;
		memset(e, 0, sizeof(*e));
		e->netns = r->netns;
		e->spec = *spec;
		e->second = is_second(r, spec);
		state_barrier();
		e->state = ROSTER_LIVE;
		if (i >= r->limit)
			r->limit = i + 1;
		return i;
	}
	return 0;
}

void roster_change(struct roster *r, uint16_t index, const struct meter_attach *spec)
{
	struct roster_entry *e = &r->entries[index];

	e->prog_id = 0;
	state_barrier();
	e->spec = *spec;
	state_barrier();
}

void roster_commit(struct roster *r, uint16_t index, uint32_t mode, const struct program *program)
{
	struct roster_entry *e = &r->entries[index];

	e->mode = mode;
	e->program_hash = program->hash;
	e->by_module = program->by_module;
	state_barrier();
	e->prog_id = program->id;
}

void roster_retire(struct roster *r, uint16_t index, const struct meter_control *control)
{
	struct roster_entry *e = &r->entries[index];

	memcpy(e->retired_epoch, control->epoch, sizeof(e->retired_epoch));
	state_barrier();
	e->state = ROSTER_RETIRED;
}

void roster_forget(struct roster *r, const struct meter_control *control)
{
	uint16_t i;

	for (i = 1; i < r->limit; i++) {
		struct roster_entry *e = &r->entries[i];

		if (e->state == ROSTER_RETIRED && e->retired_epoch[0] != control->epoch[0] &&
		    e->retired_epoch[1] != control->epoch[1])
			e->state = ROSTER_FREE;
	}
	while (r->limit > 1 && r->entries[r->limit - 1].state == ROSTER_FREE)
		r->limit--;
}

static bool same_takers(const struct meter_attach *a, const struct meter_attach *b)
{
	unsigned int i;

	for (i = 0; i < a->n_takers; i++)
		if (a->takers[i].sampler != b->takers[i].sampler ||
		    a->takers[i].ipv4 != b->takers[i].ipv4 ||
		    a->takers[i].ipv6 != b->takers[i].ipv6 ||
		    a->takers[i].mpls != b->takers[i].mpls ||
		    a->takers[i].other != b->takers[i].other)
			return false;
	return a->n_takers == b->n_takers;
}

bool roster_same_spec(const struct meter_attach *a, const struct meter_attach *b)
{
	return a->id == b->id && a->ifindex == b->ifindex && a->direction == b->direction &&
	       a->hook == b->hook && a->ipv4 == b->ipv4 && a->ipv6 == b->ipv6 &&
	       a->precise == b->precise && a->stats_full == b->stats_full &&
	       a->tcp_counts == b->tcp_counts && a->inner == b->inner && a->mpls == b->mpls &&
	       a->other == b->other && same_takers(a, b) &&
	       !memcmp(a->want, b->want, sizeof(a->want)) &&
	       !memcmp(a->match, b->match, sizeof(a->match));
}
