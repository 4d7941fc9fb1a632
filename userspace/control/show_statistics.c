// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * monitor show NAME statistics: packets by size and flows by service, in the
 * form of a router's "show ip cache flow".
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "control/reply.h"
#include "engine/engine.h"

enum { SIZES_IN_A_LINE = 15 };

static uint64_t add_sizes(const struct statistics *s)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < STATISTICS_SIZES; i++)
		sum += s->sizes[i];
	return sum;
}

static void show_size_names(struct out *o, unsigned int from, unsigned int to)
{
	char name[16];
	unsigned int i;

	out_text(o, "   ");
	for (i = from; i < to; i++) {
		uint32_t limit = statistics_size_limit(i);

		if (limit)
			snprintf(name, sizeof(name), "%u", limit);
		out_text(o, "%5s", !i ? "1-32" : limit ? name : "more");
	}
	out_text(o, "\n   ");
}

/* Thousandths, as routers write them: ".191". */
static void show_share(struct out *o, uint64_t part, uint64_t whole)
{
	unsigned int share = whole ? (unsigned int)(part * 1000 / whole) : 0;

	if (share == 1000)
		out_text(o, " 1.00");
	else
		out_text(o, " .%03u", share);
}

static void show_size(struct out *o, const struct statistics *s, unsigned int i, uint64_t all)
{
	show_share(o, s->sizes[i], all);
	out_object(o, NULL);
	out_uint(o, "up-to", NULL, statistics_size_limit(i));
	out_uint(o, "packets", NULL, s->sizes[i]);
	out_object_end(o);
}

static void show_sizes(struct out *o, const struct statistics *s)
{
	uint64_t all = add_sizes(s);
	unsigned int i, end;

	out_uint(o, "packets", "  IP packet size distribution (%llu total packets", all);
	out_uint(o, "packets-by-mean", s->by_mean ? ", %llu of them by the mean of several" : NULL,
		 s->by_mean);
	out_text(o, "):\n");
	out_array(o, "sizes");
	for (i = 0; i < STATISTICS_SIZES; i = end) {
		end = i + SIZES_IN_A_LINE < STATISTICS_SIZES ? i + SIZES_IN_A_LINE :
							       STATISTICS_SIZES;
		show_size_names(o, i, end);
		for (; i < end; i++)
			show_size(o, s, i, all);
		out_text(o, "\n");
	}
	out_array_end(o);
}

static double per(uint64_t n, double of)
{
	return of > 0 ? (double)n / of : 0;
}

static void show_protocol(struct out *o, const char *name, const struct statistics_protocol *p,
			  uint64_t ns)
{
	double s = (double)ns / NSEC_PER_SEC, flows = (double)p->flows;

	out_object(o, NULL);
	out_string(o, "protocol", "  %-12s", name);
	out_uint(o, "flows", " %10llu", p->flows);
	out_text(o, " %8.1f %8.0f %6.0f %9.1f %11.1f %10.1f\n", per(p->flows, s),
		 per(p->packets, flows), per(p->octets, (double)p->packets), per(p->packets, s),
		 per(p->active_ns, flows) / NSEC_PER_SEC, per(p->idle_ns, flows) / NSEC_PER_SEC);
	out_uint(o, "packets", NULL, p->packets);
	out_uint(o, "octets", NULL, p->octets);
	out_uint(o, "active-ms", NULL, p->active_ns / NSEC_PER_MSEC);
	out_uint(o, "idle-ms", NULL, p->idle_ns / NSEC_PER_MSEC);
	out_object_end(o);
}

static void add_protocol(struct statistics_protocol *to, const struct statistics_protocol *from)
{
	to->flows += from->flows;
	to->packets += from->packets;
	to->octets += from->octets;
	to->active_ns += from->active_ns;
	to->idle_ns += from->idle_ns;
}

static void show_protocols(struct out *o, const struct statistics *s, uint64_t ns)
{
	struct statistics_protocol total = { 0 };
	unsigned int i;

	out_text(
		o,
		"  Protocol          Total    Flows  Packets  Bytes   Packets Active(Sec)  Idle(Sec)\n"
		"  --------          Flows     /Sec    /Flow   /Pkt      /Sec       /Flow      /Flow\n");
	out_array(o, "protocols");
	for (i = 0; i < STATISTICS_PROTOCOLS; i++) {
		if (!s->protocols[i].flows)
			continue;
		show_protocol(o, statistics_protocol_name(i), &s->protocols[i], ns);
		add_protocol(&total, &s->protocols[i]);
	}
	show_protocol(o, "Total", &total, ns);
	out_array_end(o);
}

void show_statistics(struct out *o, const struct monitor *m, const struct config_monitor *c)
{
	const struct statistics *s = monitor_statistics(m);
	uint64_t ns;

	if (!s || !c) {
		out_text(o, "  no statistics are kept: add `statistics packet protocol` or "
			    "`statistics packet size` to the monitor\n");
		return;
	}
	ns = clock_mono_ns() - s->since_ns;
	out_object(o, "statistics");
	out_uint(o, "seconds", "  of the last %llu s\n", ns / NSEC_PER_SEC);
	if (c->statistics_size)
		show_sizes(o, s);
	if (c->statistics_protocol)
		show_protocols(o, s, ns);
	out_object_end(o);
}
