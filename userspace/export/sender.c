// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Header time is the next whole second, and the uptime beside it is of the
 * same instant: version 9 has no fraction of a second, so this is the only
 * pair that lets a collector compute flow times to the millisecond, and no
 * flow ends after the message that reports it.
 *
 * Errors: what may pass (full queue or buffer) is tried again in the next
 * turn; an ICMP error belongs to an earlier datagram, so the send is repeated
 * at once; a message too long for the path is dropped, by count; all else
 * closes the socket and connects anew every second, for the route or the
 * source address may have changed.
 */
#include "export/sender.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "export/delta.h"
#include "export/sender_options.h"

enum {
	RETRY_S = 1,      /* between two tries to connect */
	PATH_EVERY_S = 1, /* the path is asked for its MTU, ICMP errors and our address */
	HOLD_TIME_S = 86400,
	DELTA_COPIES = 16,   /* of messages, at a time */
	ICMP_ANNOUNCE_S = 5, /* between two announcements after an ICMP error */
	ICMP_TROUBLE_S = 10, /* an ICMP error counts as trouble so long */
};

static const struct ledger_page *current(const struct sender *s)
{
	return ledger_now(s->ledger);
}

static bool is_over(const struct sender *s, uint64_t since_ns, uint64_t seconds)
{
	return (int64_t)(s->now_ns - since_ns) >= (int64_t)(seconds * NSEC_PER_SEC);
}

static void learn_path(struct sender *s)
{
	s->path_mtu = transport_mtu(&s->transport);
	s->path = transport_path(&s->transport);
	s->path_ns = s->now_ns;
}

uint32_t sender_message_limit(const struct sender *s)
{
	uint32_t mtu = s->params->mtu ? s->params->mtu : MESSAGE_OCTETS_MAX;

	if (s->transport.fd >= 0 || !s->params->mtu)
		mtu = s->path_mtu < mtu ? s->path_mtu : mtu;
	if (mtu < MESSAGE_MTU_MIN)
		mtu = MESSAGE_MTU_MIN;
	return mtu - transport_overhead(s->params);
}

static void disconnect(struct sender *s)
{
	transport_close(&s->transport);
	s->retry_ns = s->now_ns + RETRY_S * NSEC_PER_SEC;
}

static void refresh(struct sender *s, enum export_option id)
{
	sender_options_refresh(s, id);
	s->refreshed_ns[id] = s->now_ns;
}

/* To a collector that may have heard of nothing. */
static void announce_all(struct sender *s)
{
	enum export_option id;

	announcer_refresh(s->announcer, s->now_ns, current(s)->tail);
	for (id = 0; id < EXPORT_OPTION_MAX; id++)
		refresh(s, id);
}

void sender_options_changed(struct sender *s, const struct exporter_option *old)
{
	enum export_option id;

	for (id = 0; id < EXPORT_OPTION_MAX; id++)
		if (s->params->options[id].wanted && !old[id].wanted)
			refresh(s, id);
}

static bool connect_again(struct sender *s)
{
	if (s->transport.fd >= 0)
		return true;
	if (!is_over(s, s->retry_ns, 0))
		return false;
	if (transport_open(&s->transport, s->params, s->protocol->port, &s->trouble)) {
		disconnect(s);
		return false;
	}
	learn_path(s);
	announce_all(s);
	s->connected_ns = s->now_ns;
	s->copies = 0;
	return true;
}

void sender_start(struct sender *s, uint64_t now_ns)
{
	s->transport.fd = -1;
	s->path_mtu = TRANSPORT_MTU_UNKNOWN;
	s->now_ns = s->retry_ns = now_ns;
	connect_again(s);
}

void sender_stop(struct sender *s)
{
	transport_close(&s->transport);
}

int sender_mark(struct sender *s, struct error *err)
{
	return s->transport.fd < 0 ? 0 : transport_mark(&s->transport, s->params, err);
}

/* All but records and length of the headers of messages that leave now. */
static struct message_header header_now(const struct sender *s)
{
	uint64_t mono_ns, unix_ns, unix_s, uptime_ns;

	clock_sample(&mono_ns, &unix_ns);
	unix_s = (unix_ns + NSEC_PER_SEC - 1) / NSEC_PER_SEC;
	uptime_ns = mono_ns - s->base_ns + (unix_s * NSEC_PER_SEC - unix_ns);
	return (struct message_header){
		.uptime_ms = (uint32_t)(uptime_ns / NSEC_PER_MSEC),
		.unix_s = (uint32_t)unix_s,
		.sequence = current(s)->sequence,
		.domain = s->params->domain,
	};
}

/*
 * The header's time where it must not be before @unix_s. A clock that was set
 * back further was wrong before: to hold on to that would be wrong for long.
 */
static void hold_time(const struct sender *s, struct message_header *h, uint32_t unix_s)
{
	int32_t back_s = (int32_t)(unix_s - h->unix_s);

	if (s->protocol->time_never_back && back_s > 0 && back_s <= HOLD_TIME_S)
		h->unix_s = unix_s;
}

static void advance_sequence(const struct sender *s, struct message_header *h,
			     uint32_t data_records)
{
	h->sequence += s->protocol->message_step + s->protocol->record_step * data_records;
}

/* How many ICMP errors came back since. */
static unsigned int count_icmp(struct sender *s)
{
	unsigned int n = transport_icmp_errors(&s->transport, &s->last_errno);

	if (!n)
		return 0;
	s->unreachable += n;
	s->icmp_ns = s->now_ns;
	error_set(&s->trouble, -s->last_errno, "%s answers: %s", s->params->destination,
		  strerror(s->last_errno));
	return n;
}

/* The path or the collector's host does not want to get anything. */
static void give_up(struct sender *s, int error)
{
	error_set(&s->trouble, error, "sending to %s: %s", s->params->destination,
		  strerror(-error));
	disconnect(s);
}

/* Why nothing was sent: -EAGAIN: try again at once; -EMSGSIZE; else the turn is over. */
static int judge(struct sender *s, int error)
{
	s->send_errors++;
	s->last_errno = -error;
	if (error == -EMSGSIZE)
		learn_path(s);
	if (count_icmp(s))
		return -EAGAIN;
	switch (-error) {
	case EMSGSIZE:
		return -EMSGSIZE;
	case EAGAIN:
	case ENOBUFS:
	case ENOMEM:
	case EINTR:
		return -EBUSY;
	}
	give_up(s, error);
	return -ENOTCONN;
}

/*
 * Hand messages over, the ledger saying so meanwhile. Returns how many are
 * gone, or what judge() says; the caller then settles the ledger.
 */
static int hand_over(struct sender *s, struct iovec *messages, const struct in_flight *in_flight)
{
	int ret;

	ledger_mark_in_flight(s->ledger, in_flight);
	ret = transport_send(&s->transport, messages, in_flight->messages);
	if (ret < 0)
		return judge(s, ret);
	if (!s->icmp_ns || is_over(s, s->icmp_ns, ICMP_TROUBLE_S))
		s->trouble.code = 0;
	return ret;
}

/* Send the message of @templates templates and maybe options data that stands in scratch[]. */
static int send_scratch(struct sender *s, struct message *m, uint32_t templates)
{
	struct message_header h = header_now(s);
	struct iovec iov = { s->scratch, message_flush(m, s->scratch) };
	struct in_flight in_flight = { .messages = 1, .tail = current(s)->tail };
	struct ledger_page *page;
	int ret;

	h.length = m->length;
	h.records = m->records;
	hold_time(s, &h, current(s)->header_unix_s);
	s->protocol->put_header(s->scratch, &h);
	advance_sequence(s, &h, m->data_records);
	in_flight.sequence = h.sequence;
	ret = hand_over(s, &iov, &in_flight);
	page = ledger_draft(s->ledger);
	page->in_flight = (struct in_flight){ 0 };
	if (ret > 0) {
		page->sequence = h.sequence;
		page->header_unix_s = h.unix_s;
		page->messages++;
		page->octets += m->length;
		page->templates += templates;
	}
	ledger_publish(s->ledger);
	return ret;
}

/* Options to be put into @m, which is begun here. */
static struct options begin_options(struct sender *s, struct message *m)
{
	message_begin(m, s->protocol, sender_message_limit(s));
	return (struct options){
		.m = m,
		.octets = s->scratch,
		.protocol = s->protocol,
		.table = s->announcer->table,
	};
}

static int send_templates(struct sender *s)
{
	struct message m;
	uint32_t n;
	int ret;

	message_begin(&m, s->protocol, sender_message_limit(s));
	n = announcer_put(s->announcer, &m, s->scratch);
	ret = n ? send_scratch(s, &m, n) : 0;
	if (ret > 0)
		announcer_sent(s->announcer);
	return ret;
}

static int send_option(struct sender *s, enum export_option id)
{
	struct message m;
	struct options o = begin_options(s, &m);
	int ret = 0;

	if (sender_options_put(s, id, &o))
		ret = send_scratch(s, &m, o.templates);
	if (ret > 0)
		sender_options_sent(s, id);
	return ret;
}

/* Send one message of what has to be announced before any data; 0: nothing has. */
static int announce(struct sender *s)
{
	int ret = send_templates(s);
	enum export_option id;

	for (id = 0; !ret && id < EXPORT_OPTION_MAX; id++)
		ret = send_option(s, id);
	return ret;
}

/* The @i-th copy of the turn: the message in @slot, its delta times moved to the header's. */
static uint8_t *copy_moved(const struct sender *s, struct ring_slot *slot, uint32_t unix_s,
			   uint32_t i)
{
	static uint8_t octets[DELTA_COPIES][MESSAGE_OCTETS_MAX];
	uint8_t *copy = octets[i];

	memcpy(copy, ring_octets(slot), slot->length);
	delta_move(copy, slot->length, (int64_t)unix_s - slot->delta_s, s->protocol,
		   s->announcer->table);
	return copy;
}

/*
 * Write the headers of up to @n queued messages. Those with delta times leave
 * as copies: what is in the ring may have to be sent another time, with another
 * header, by another agent.
 */
static struct in_flight prepare(struct sender *s, struct iovec *messages, uint32_t n)
{
	struct in_flight f = { .tail = current(s)->tail };
	struct message_header h = header_now(s);
	uint32_t held = current(s)->header_unix_s;
	uint64_t tail = f.tail;
	uint32_t copies = 0;
	struct ring_slot *slot;
	uint8_t *octets;

	while (f.messages < n && (slot = ring_next(s->ring, &tail, current(s)->head))) {
		if (slot->delta_s && copies == DELTA_COPIES)
			break;
		h.length = slot->length;
		h.records = slot->records;
		h.sequence += s->protocol->record_step * slot->skipped;
		hold_time(s, &h, held);
		hold_time(s, &h, slot->unix_s);
		octets =
			slot->delta_s ? copy_moved(s, slot, h.unix_s, copies++) : ring_octets(slot);
		s->protocol->put_header(octets, &h);
		advance_sequence(s, &h, slot->records);
		messages[f.messages++] = (struct iovec){ octets, slot->length };
		f.tail = tail;
	}
	f.sequence = h.sequence;
	f.unix_s = h.unix_s;
	return f;
}

/* Take the message at tail off the ring, to @where it went. */
static uint32_t take_off(struct sender *s, struct ledger_page *page, struct flow_sum *where)
{
	struct ring_slot *slot = ring_next(s->ring, &page->tail, page->head);
	struct message_header h = { .sequence = page->sequence };

	h.sequence += s->protocol->record_step * slot->skipped;
	advance_sequence(s, &h, slot->records);
	page->sequence = h.sequence;
	page->queued_messages--;
	flow_sum_sub(&page->queued, &slot->sum);
	flow_sum_add(where, &slot->sum);
	return slot->length;
}

/* Send up to @n queued messages; returns how many, 0: there are none, or an error of hand_over(). */
static int send_queued(struct sender *s, uint32_t n)
{
	static struct iovec messages[TRANSPORT_BURST_MAX];
	struct in_flight in_flight = prepare(s, messages, n);
	struct ledger_page *page;
	int ret, i;

	if (!in_flight.messages)
		return 0;
	ret = hand_over(s, messages, &in_flight);
	page = ledger_draft(s->ledger);
	page->in_flight = (struct in_flight){ 0 };
	if (ret > 0)
		page->header_unix_s = in_flight.unix_s;
	for (i = 0; i < ret; i++) {
		page->octets += take_off(s, page, &page->sent);
		page->messages++;
	}
	if (ret == -EMSGSIZE)
		take_off(s, page, &page->dropped_send);
	ledger_publish(s->ledger);
	return ret;
}

/* Whoever was not there may be there now, and has heard of no template. */
static void announce_after_icmp(struct sender *s)
{
	if (s->unreachable == s->announced)
		return;
	s->announced = s->unreachable;
	announce_all(s);
}

/* Is a copy of what was said at the start due? RFC 7011 section 8.1 wants several. */
static bool is_copy_due(struct sender *s)
{
	static const uint8_t after_s[] = { 1, 5, 30 };
	bool due = false;

	for (; s->copies < sizeof(after_s) && is_over(s, s->connected_ns, after_s[s->copies]);
	     s->copies++)
		due = true;
	return due;
}

/*
 * Was there nobody of late? A kernel answers one datagram a second, so with
 * another exporter that sends to the same host no further answer may come here.
 */
static bool was_unreachable(const struct sender *s)
{
	return s->unreachable && !is_over(s, s->icmp_ns, s->params->template_timeout_s) &&
	       is_over(s, s->announcer->refreshed_ns, ICMP_ANNOUNCE_S);
}

/* What data cannot be read without; names can wait. */
static void announce_again(struct sender *s)
{
	announcer_refresh(s->announcer, s->now_ns, current(s)->tail);
	refresh(s, EXPORT_OPTION_SAMPLERS);
}

/* What the clock makes due. */
static void watch_clock(struct sender *s)
{
	enum export_option id;

	if (is_over(s, s->announcer->refreshed_ns, s->params->template_timeout_s))
		announcer_refresh(s->announcer, s->now_ns, current(s)->tail);
	for (id = 0; id < EXPORT_OPTION_MAX; id++)
		if (is_over(s, s->refreshed_ns[id], s->params->options[id].timeout_s))
			refresh(s, id);
	if (is_over(s, s->path_ns, PATH_EVERY_S)) {
		learn_path(s);
		count_icmp(s);
		announce_after_icmp(s);
		if (is_copy_due(s) || was_unreachable(s))
			announce_again(s);
		if (!transport_has_source(&s->transport))
			give_up(s, -EADDRNOTAVAIL);
	}
}

/* How many messages may leave before templates have to be repeated. */
static uint32_t until_refresh(struct sender *s, uint32_t budget)
{
	uint32_t every = s->params->template_packets;

	if (!every)
		return budget;
	if (s->announcer->messages >= every && current(s)->queued_messages)
		announcer_refresh(s->announcer, s->now_ns, current(s)->tail);
	every -= s->announcer->messages < every ? s->announcer->messages : every;
	return every < budget ? every : budget;
}

void sender_turn(struct sender *s, uint64_t now_ns)
{
	uint32_t budget = s->params->burst, tries = 2 * budget + 16, n;
	int ret;

	s->now_ns = now_ns;
	if (!connect_again(s))
		return;
	watch_clock(s);
	while (s->transport.fd >= 0 && budget && tries--) {
		n = until_refresh(s, budget);
		ret = announce(s);
		if (!ret) {
			ret = send_queued(s, n);
			s->announcer->messages += ret > 0 ? (uint32_t)ret : 0;
		}
		if (!ret || ret == -EBUSY || ret == -ENOTCONN)
			break;
		budget -= ret > 0 ? (uint32_t)ret : 0;
	}
}
