// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A row for each kind of options: what makes all of it due, what puts as much of
 * it as fits into a message, and what notes that this was sent.
 */
#include "export/sender_options.h"

#include "base/clock.h"

/* Options of one kind. */
struct option_source {
	void (*refresh)(struct sender *s, enum export_option id); /* all is due */
	/* Put what is due, as much as fits; returns how many records. */
	uint32_t (*put)(struct sender *s, enum export_option id, struct options *o);
	void (*sent)(struct sender *s, enum export_option id); /* what was put last */
};

static struct options_values options_values(const struct sender *s)
{
	const struct ledger_page *p = ledger_now(s->ledger);
	struct flow_sum not_sent = p->dropped_full;

	flow_sum_add(&not_sent, &p->dropped_send);
	flow_sum_add(&not_sent, &p->dropped_closed);
	return (struct options_values){
		.domain = s->params->domain,
		.exported_octets = p->octets,
		.exported_messages = p->messages,
		.exported_flows = p->sent.flows,
		.ignored_packets = s->ignored.ignored_packets,
		.ignored_octets = s->ignored.ignored_octets,
		.not_sent_flows = not_sent.flows,
		.not_sent_packets = not_sent.packets,
		.not_sent_octets = not_sent.octets,
	};
}

static void refresh_samplers(struct sender *s, enum export_option id)
{
	sampler_announcer_refresh(s->samplers, ledger_now(s->ledger)->tail);
}

static uint32_t put_samplers(struct sender *s, enum export_option id, struct options *o)
{
	return sampler_announcer_put(s->samplers, o, s->params->domain,
				     s->params->options[id].wanted);
}

static void samplers_sent(struct sender *s, enum export_option id)
{
	sampler_announcer_sent(s->samplers);
}

static void refresh_table(struct sender *s, enum export_option id)
{
	table_announcer_refresh(&s->tables[id]);
}

static uint32_t put_table(struct sender *s, enum export_option id, struct options *o)
{
	static const enum option_id records[EXPORT_OPTION_MAX] = {
		[EXPORT_OPTION_INTERFACES] = OPTION_INTERFACE,
		[EXPORT_OPTION_VRFS] = OPTION_VRF,
		[EXPORT_OPTION_APPLICATIONS] = OPTION_APPLICATION,
	};

	if (!s->params->options[id].wanted)
		return 0;
	return table_announcer_put(&s->tables[id], o, records[id], s->params->domain);
}

static void table_sent(struct sender *s, enum export_option id)
{
	table_announcer_sent(&s->tables[id]);
}

static void refresh_keys(struct sender *s, enum export_option id)
{
	announcer_refresh_keys(s->announcer);
}

static uint32_t put_keys(struct sender *s, enum export_option id, struct options *o)
{
	if (!s->params->options[id].wanted || !s->protocol->flow_keys)
		return 0;
	return announcer_put_keys(s->announcer, o);
}

static void keys_sent(struct sender *s, enum export_option id)
{
	announcer_keys_sent(s->announcer);
}

static void refresh_config(struct sender *s, enum export_option id)
{
	s->config_due = true;
}

static uint32_t put_config(struct sender *s, enum export_option id, struct options *o)
{
	struct config_values values = {
		.domain = s->params->domain,
		.version = s->protocol->version,
		.path = s->path,
	};
	uint64_t mono_ns, unix_ns;

	if (!s->params->options[id].wanted)
		return 0;
	clock_sample(&mono_ns, &unix_ns);
	values.init_ms = (unix_ns - (mono_ns - s->base_ns)) / NSEC_PER_MSEC;
	s->config_due = s->config_due && options_put_whole(o, OPTION_CONFIG, &values);
	return s->config_due;
}

static void config_sent(struct sender *s, enum export_option id)
{
	s->config_due = false;
}

static void refresh_statistics(struct sender *s, enum export_option id)
{
	s->statistics_due = true;
}

static uint32_t put_statistics(struct sender *s, enum export_option id, struct options *o)
{
	struct options_values values = options_values(s);

	s->statistics_due = s->statistics_due && options_put_exporter(o, &values);
	return s->statistics_due;
}

static void statistics_sent(struct sender *s, enum export_option id)
{
	s->statistics_due = false;
}

static const struct option_source sources[EXPORT_OPTION_MAX] = {
	[EXPORT_OPTION_SAMPLERS] = { refresh_samplers, put_samplers, samplers_sent },
	[EXPORT_OPTION_INTERFACES] = { refresh_table, put_table, table_sent },
	[EXPORT_OPTION_VRFS] = { refresh_table, put_table, table_sent },
	[EXPORT_OPTION_APPLICATIONS] = { refresh_table, put_table, table_sent },
	[EXPORT_OPTION_KEYS] = { refresh_keys, put_keys, keys_sent },
	[EXPORT_OPTION_CONFIG] = { refresh_config, put_config, config_sent },
	[EXPORT_OPTION_STATISTICS] = { refresh_statistics, put_statistics, statistics_sent },
};

void sender_options_refresh(struct sender *s, enum export_option id)
{
	sources[id].refresh(s, id);
}

uint32_t sender_options_put(struct sender *s, enum export_option id, struct options *o)
{
	return sources[id].put(s, id, o);
}

void sender_options_sent(struct sender *s, enum export_option id)
{
	sources[id].sent(s, id);
}
