// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The filling half of an exporter: flows are put into the open message at the
 * head of the ring, message after message. What is persistent stands in one
 * state file: ledger, templates, ring. sender.c takes messages off the tail.
 */
#include "export/exporter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/state_file.h"
#include "export/sender.h"

enum {
	STATE_VERSION = 3,
	RING_SIZE = 4 * 1024 * 1024,
	HOLD_MS = 1000,    /* a partly filled message leaves after so long */
	DELTA_HOLD_S = 10, /* nothing is put into one with delta times after so long */
	OPTION_TIMEOUT_S = 600,
};

struct exporter_state {
	uint64_t base_ns; /* of the uptime: since the system started, as CLOCK_MONOTONIC */
	struct ledger ledger;
	struct template_table templates;
	struct sampler_table samplers;
	uint8_t ring[RING_SIZE] __attribute__((aligned(RING_ALIGN)));
};

struct exporter {
	struct exporter_params params;
	const struct export_protocol *protocol;
	struct state_file file;
	struct exporter_state *state;
	struct ring ring;
	struct announcer announcer;
	struct sampler_announcer samplers;
	struct sender sender;
};

static const struct export_protocol *const protocols[EXPORT_PROTOCOL_MAX] = {
	[EXPORT_NETFLOW_V9] = &protocol_v9,
	[EXPORT_IPFIX] = &protocol_ipfix,
};

void exporter_params_init(struct exporter_params *p)
{
	unsigned int i;

	*p = (struct exporter_params){
		.protocol = EXPORT_NETFLOW_V9,
		.template_timeout_s = 600,
		.template_packets = 20,
		.burst = 64,
	};
	for (i = 0; i < EXPORT_OPTION_MAX; i++)
		p->options[i].timeout_s = OPTION_TIMEOUT_S;
}

struct range {
	const char *name;
	uint32_t value, min, max;
};

static const char *const option_names[EXPORT_OPTION_MAX] = {
	[EXPORT_OPTION_SAMPLERS] = "sampler-table",
	[EXPORT_OPTION_INTERFACES] = "interface-table",
	[EXPORT_OPTION_VRFS] = "vrf-table",
	[EXPORT_OPTION_APPLICATIONS] = "application-table",
	[EXPORT_OPTION_KEYS] = "flow-keys",
	[EXPORT_OPTION_CONFIG] = "exporter-config",
	[EXPORT_OPTION_STATISTICS] = "exporter-stats",
};

static int check_params(const struct exporter_params *p, struct error *err)
{
	const struct range ranges[] = {
		{ "protocol", p->protocol, 0, EXPORT_PROTOCOL_MAX - 1 },
		{ "dscp", p->dscp, 0, 63 },
		{ "template timeout", p->template_timeout_s, 1, 86400 },
		{ "mtu", p->mtu ? p->mtu : MESSAGE_MTU_MIN, MESSAGE_MTU_MIN, MESSAGE_OCTETS_MAX },
		{ "burst", p->burst, 1, TRANSPORT_BURST_MAX },
	};
	const struct range *r;
	unsigned int i;

	for (r = ranges; r < ranges + sizeof(ranges) / sizeof(ranges[0]); r++)
		if (r->value < r->min || r->value > r->max)
			return error_set(err, -EINVAL, "%s %u: from %u to %u", r->name, r->value,
					 r->min, r->max);
	for (i = 0; i < EXPORT_OPTION_MAX; i++)
		if (p->options[i].timeout_s < 1 || p->options[i].timeout_s > 86400)
			return error_set(err, -EINVAL, "%s timeout %u: from 1 to 86400",
					 option_names[i], p->options[i].timeout_s);
	return transport_check(p, err);
}

uint64_t exporter_identity(const struct exporter_params *p)
{
	unsigned int port = p->port ? p->port : protocols[p->protocol]->port;
	uint64_t hash = 0xcbf29ce484222325ull; /* FNV-1a */
	char text[1024];
	const char *s;

	snprintf(text, sizeof(text), "%s %u %s %u %u %s %u", p->destination, port, p->vrf,
		 p->protocol, p->domain, p->source, p->source_port);
	for (s = text; *s; s++)
		hash = (hash ^ (uint8_t)*s) * 0x100000001b3ull;
	return hash;
}

static bool ledger_valid(const struct ledger *l, const struct ring *ring)
{
	if (l->current > 1 || l->saved_valid > 1)
		return false;
	return ledger_page_valid(l->saved_valid ? &l->saved : ledger_now(l), ring);
}

/* An agent killed while it put flows left half a page, which only a rollback mends. */
static void recover(struct exporter *e)
{
	struct ledger *l = &e->state->ledger;

	if (l->saved_valid && !ledger_page_valid(ledger_now(l), &e->ring))
		ledger_rollback(l);
	if (!l->saved_valid)
		ledger_recover(l, &e->ring);
}

static int open_state(struct exporter *e, const char *path, struct error *err)
{
	int ret;

	ret = state_file_open(&e->file, path, "exporter", STATE_VERSION,
			      exporter_identity(&e->params), sizeof(*e->state), err);
	if (ret)
		return ret;
	e->state = e->file.data;
	e->ring = (struct ring){ e->state->ring, RING_SIZE };
	if (e->file.created)
		state_file_commit(&e->file);
	if (!ledger_valid(&e->state->ledger, &e->ring) ||
	    !template_table_valid(&e->state->templates) ||
	    !sampler_table_valid(&e->state->samplers)) {
		state_file_close(&e->file);
		return error_set(err, -EUCLEAN, "%s: the exporter's state is damaged: remove it",
				 path);
	}
	recover(e);
	return 0;
}

/* Behind every message that is there already. */
static uint64_t behind_queue(const struct ledger_page *page)
{
	return page->open.open ? page->open.position : page->head ? page->head - 1 : 0;
}

int exporter_create(struct exporter **ep, const struct exporter_params *params, const char *path,
		    struct error *err)
{
	struct exporter *e;
	int ret;

	ret = check_params(params, err);
	if (ret)
		return ret;
	e = calloc(1, sizeof(*e));
	if (!e)
		return error_set(err, -ENOMEM, "no memory");
	e->params = *params;
	e->protocol = protocols[params->protocol];
	ret = open_state(e, path, err);
	if (ret)
		goto err_free;
	announcer_init(&e->announcer, e->protocol, &e->state->templates,
		       behind_queue(ledger_now(&e->state->ledger)));
	sampler_announcer_init(&e->samplers, &e->state->samplers);
	e->sender.params = &e->params;
	e->sender.protocol = e->protocol;
	e->sender.ledger = &e->state->ledger;
	e->sender.ring = &e->ring;
	e->sender.announcer = &e->announcer;
	e->sender.samplers = &e->samplers;
	e->sender.base_ns = e->state->base_ns;
	sender_start(&e->sender, clock_mono_ns());
	*ep = e;
	return 0;

err_free:
	free(e);
	return ret;
}

void exporter_destroy(struct exporter *e)
{
	unsigned int i;

	if (!e)
		return;
	for (i = 0; i < EXPORT_OPTION_MAX; i++)
		table_announcer_destroy(&e->sender.tables[i]);
	sender_stop(&e->sender);
	announcer_destroy(&e->announcer);
	state_file_close(&e->file);
	free(e);
}

const struct exporter_params *exporter_params(const struct exporter *e)
{
	return &e->params;
}

int exporter_update(struct exporter *e, const struct exporter_params *params, struct error *err)
{
	struct exporter_params old = e->params;
	int ret;

	ret = check_params(params, err);
	if (ret)
		return ret;
	if (exporter_identity(params) != exporter_identity(&old))
		return error_set(err, -EBUSY,
				 "another destination, protocol, domain or source needs a new "
				 "exporter");
	e->params = *params;
	ret = sender_mark(&e->sender, err);
	if (ret)
		e->params = old;
	else
		sender_options_changed(&e->sender, old.options);
	return ret;
}

static void close_message(struct exporter *e, struct ledger_page *page)
{
	struct open_message *o = &page->open;
	struct ring_slot *place = ring_slot(&e->ring, o->position);
	struct ring_slot slot = {
		.length = message_flush(&o->message, ring_octets(place)),
		.records = o->message.data_records,
		.skipped = o->skipped,
		.unix_s = o->unix_s,
		.delta_s = o->delta_s,
		.sum = o->sum,
	};

	page->head = ring_finish(&e->ring, o->position, &slot);
	page->queued_messages++;
	o->open = 0;
}

static bool open_message(struct exporter *e, struct ledger_page *page)
{
	struct open_message *o = &page->open;
	uint32_t limit = sender_message_limit(&e->sender);
	uint64_t unix_ns;

	*o = (struct open_message){ .skipped = page->skipped };
	if (!ring_reserve(&e->ring, page->head, page->tail, limit, &o->position))
		return false;
	clock_sample(&o->begun_ns, &unix_ns);
	o->unix_offset_ns = unix_ns - o->begun_ns;
	message_begin(&o->message, e->protocol, limit);
	page->skipped = 0;
	o->open = 1;
	return true;
}

/* An agent that was stopped goes on after whatever the deltas in it are before. */
static bool is_over(const struct open_message *o, const struct template *t)
{
	return t->has_deltas && clock_mono_ns() - o->begun_ns > DELTA_HOLD_S * NSEC_PER_SEC;
}

/* What deltas in it are before: later than all that may still be put into it. */
static uint32_t delta_reference_s(const struct open_message *o)
{
	return (uint32_t)((o->begun_ns + o->unix_offset_ns) / NSEC_PER_SEC + 1 + DELTA_HOLD_S);
}

/* Room in the open message, or in a new one; 0: the ring is full. */
static uint32_t make_room(struct exporter *e, struct ledger_page *page, const struct template *t)
{
	uint32_t room = 0;

	if (page->open.open && !is_over(&page->open, t))
		room = message_room(&page->open.message, t->id, t->data_size);
	if (room)
		return room;
	if (page->open.open)
		close_message(e, page);
	if (!open_message(e, page))
		return 0;
	return message_room(&page->open.message, t->id, t->data_size);
}

static struct flow_sum sum_of(const struct flow *flows, uint32_t n)
{
	struct flow_sum sum = { .flows = n };
	uint32_t i;

	for (i = 0; i < n; i++) {
		sum.packets += flows[i].stats.packets;
		sum.octets += flows[i].stats.octets;
	}
	return sum;
}

/* Put @n flows, for which there is room, into the open message. */
static void fill_message(struct exporter *e, struct ledger_page *page, const struct template *t,
			 const struct flow *flows, uint32_t n)
{
	struct open_message *o = &page->open;
	uint8_t *octets = ring_octets(ring_slot(&e->ring, o->position));
	uint64_t mono_ns = clock_mono_ns();
	struct field_clock clock = {
		.mono_ns = mono_ns,
		.unix_ns = mono_ns + o->unix_offset_ns,
		.base_ns = e->state->base_ns,
		.message_s = delta_reference_s(o),
		.domain = e->params.domain,
		.version = e->protocol->version,
		.path = &e->sender.path,
	};
	struct flow_sum sum = sum_of(flows, n);

	announcer_used(&e->announcer, t, o->position);
	if (t->has_deltas)
		o->delta_s = (uint32_t)clock.message_s;
	data_put(t, flows, n, &clock, message_put(&o->message, octets, t->id, t->data_size, n));
	o->unix_s = (uint32_t)(clock.unix_ns / NSEC_PER_SEC + 1);
	flow_sum_add(&o->sum, &sum);
	flow_sum_add(&page->queued, &sum);
	flow_sum_add(&page->taken, &sum);
}

static void drop(struct ledger_page *page, struct flow_sum *reason, const struct flow *flows,
		 uint32_t n)
{
	struct flow_sum sum = sum_of(flows, n);

	page->skipped += n;
	flow_sum_add(&page->taken, &sum);
	flow_sum_add(reason, &sum);
}

/* How many fit into an empty message; 0: not even one. */
static uint32_t records_a_message(const struct exporter *e, const struct template *t)
{
	struct message m;

	message_begin(&m, e->protocol, sender_message_limit(&e->sender));
	return message_room(&m, t->id, t->data_size);
}

static void put_flows(struct exporter *e, struct ledger_page *page, const struct record *record,
		      const struct flow *flows, uint32_t n)
{
	const struct template *t = announcer_template(&e->announcer, record);
	uint32_t room;

	if (!t || !records_a_message(e, t)) {
		drop(page, &page->dropped_send, flows, n);
		return;
	}
	while (n) {
		room = make_room(e, page, t);
		if (!room) {
			drop(page, &page->dropped_full, flows, n);
			return;
		}
		room = room < n ? room : n;
		fill_message(e, page, t, flows, room);
		flows += room;
		n -= room;
	}
}

void exporter_put_flows(struct exporter *e, const struct record *record, const struct flow *flows,
			uint32_t n)
{
	struct ledger *l = &e->state->ledger;
	bool alone = !ledger_in_transaction(l);

	if (alone)
		exporter_begin(e);
	put_flows(e, ledger_page(l), record, flows, n);
	if (alone)
		exporter_commit(e);
}

void exporter_begin(struct exporter *e)
{
	exporter_rollback(e);
	ledger_begin(&e->state->ledger);
}

void exporter_commit(struct exporter *e)
{
	ledger_commit(&e->state->ledger);
}

void exporter_rollback(struct exporter *e)
{
	ledger_rollback(&e->state->ledger);
}

uint32_t exporter_room(struct exporter *e, const struct record *record)
{
	const struct ledger_page *page = ledger_now(&e->state->ledger);
	const struct template *t = announcer_template(&e->announcer, record);
	uint32_t limit = sender_message_limit(&e->sender), per_message;
	uint64_t head = page->head;

	per_message = t ? records_a_message(e, t) : 0;
	if (!per_message)
		return UINT32_MAX; /* waiting would not help: they will be dropped, by count */
	if (page->open.open)
		head = page->open.position + sizeof(struct ring_slot) + page->open.message.limit;
	return (uint32_t)(ring_room(&e->ring, head, page->tail, limit) * per_message);
}

static void close_if_due(struct exporter *e, uint64_t now_ns, bool flush)
{
	struct ledger *l = &e->state->ledger;
	const struct open_message *o = &ledger_now(l)->open;
	int64_t age_ns = (int64_t)(now_ns - o->begun_ns);

	if (!o->open || (!flush && age_ns < (int64_t)(HOLD_MS * NSEC_PER_MSEC)))
		return;
	close_message(e, ledger_draft(l));
	ledger_publish(l);
}

uint32_t exporter_tick(struct exporter *e, uint64_t now_ns, bool flush)
{
	const struct ledger *l = &e->state->ledger;

	exporter_rollback(e);
	close_if_due(e, now_ns, flush);
	sender_turn(&e->sender, now_ns);
	return ledger_now(l)->queued_messages + ledger_now(l)->open.open;
}

bool exporter_idle(const struct exporter *e)
{
	const struct ledger_page *page = ledger_now(&e->state->ledger);

	return !page->queued_messages && !page->open.open;
}

void exporter_discard(struct exporter *e)
{
	struct ledger_page *page;

	exporter_rollback(e);
	page = ledger_draft(&e->state->ledger);
	flow_sum_add(&page->dropped_closed, &page->queued);
	page->queued = (struct flow_sum){ 0 };
	page->tail = page->head;
	page->queued_messages = 0;
	page->open.open = 0;
	ledger_publish(&e->state->ledger);
}

void exporter_set_reliability(struct exporter *e, uint64_t ignored_packets, uint64_t ignored_octets)
{
	e->sender.ignored.ignored_packets = ignored_packets;
	e->sender.ignored.ignored_octets = ignored_octets;
}

void exporter_set_samplers(struct exporter *e, const struct sampler_report *samplers, uint32_t n)
{
	sampler_announcer_set(&e->samplers, samplers, n,
			      behind_queue(ledger_now(&e->state->ledger)));
}

void exporter_set_table(struct exporter *e, enum export_option option, struct option_table *table)
{
	table_announcer_set(&e->sender.tables[option], table);
}

void exporter_stats(const struct exporter *e, struct exporter_stats *stats)
{
	const struct ledger_page *page = ledger_now(&e->state->ledger);

	*stats = (struct exporter_stats){
		.messages = page->messages,
		.octets = page->octets,
		.templates = page->templates,
		.taken = page->taken,
		.queued = page->queued,
		.sent = page->sent,
		.unsure = page->unsure,
		.dropped_full = page->dropped_full,
		.dropped_send = page->dropped_send,
		.dropped_closed = page->dropped_closed,
		.send_errors = e->sender.send_errors,
		.last_errno = e->sender.last_errno,
		.unreachable = e->sender.unreachable,
		.messages_unsure = page->messages_unsure,
		.sequence = page->sequence,
	};
}

const struct record *exporter_template(const struct exporter *e, unsigned int i, uint16_t *id)
{
	return announcer_record(&e->announcer, i, id);
}

bool exporter_template_field(const struct exporter *e, unsigned int i, unsigned int n,
			     struct exporter_field *out)
{
	const struct template *t = announcer_layout(&e->announcer, i);

	if (!t || n >= t->n_fields)
		return false;
	*out = (struct exporter_field){
		.field = t->fields[n],
		.enterprise = e->protocol->enterprises ? t->fields[n]->pen : 0,
		.number = e->protocol->field_number(t->fields[n]),
		.matched = n < t->n_keys,
	};
	return true;
}

const char *exporter_trouble(const struct exporter *e)
{
	return e->sender.trouble.code ? e->sender.trouble.text : "";
}
