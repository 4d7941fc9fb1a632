// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The agent sends each monitor's columns and its flows as they are stored;
 * here they are filtered, put in order and printed. Without an order they are
 * printed as they come, in constant memory.
 */
#include "flow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "flow_filter.h"
#include "flow_print.h"
#include "flow_sort.h"
#include "output.h"

enum { APPLICATIONS_MAX = 1 << 20 };

/* What is asked for; NULL: it was not said. */
struct query {
	const char *monitor;
	const char *filter;
	const char *order;
	unsigned long top; /* 0: all */
	enum flow_format format;
};

struct dump {
	struct query query;
	struct flow_filter *filter; /* NULL: all */
	struct flow_sort *sort;     /* NULL: as they come */
	struct control_monitor monitor;
	struct flow_columns columns;
	struct control_application *applications; /* by id */
	unsigned int n_applications;
	struct field_clock clock;
	bool open;    /* a monitor's flows are coming */
	bool skipped; /* its record lacks what was asked for */
	bool cut;     /* more flows than can be sorted */
	uint64_t flows;
	uint64_t printed;
	struct out out;
};

static int find_column(const char *symbol, size_t length, const struct field **f)
{
	unsigned int id;

	for (id = 0; id < FIELD_ID_MAX; id++) {
		*f = field_get((enum field_id)id);
		if (strlen((*f)->symbol) == length && !memcmp((*f)->symbol, symbol, length))
			return 0;
	}
	return -ENOENT;
}

/* "IPV4_SRC,IPV4_DST,..." */
static int read_columns(struct flow_columns *columns, const char *symbols, struct error *err)
{
	columns->n = 0;
	while (*symbols) {
		size_t length = strcspn(symbols, ",");

		if (columns->n == RECORD_FIELDS_MAX ||
		    find_column(symbols, length, &columns->fields[columns->n]))
			return error_set(err, -EPROTO,
					 "the agent's record has a field '%.*s' that flowctl does "
					 "not know; restart flowgauged",
					 (int)length, symbols);
		columns->n++;
		symbols += length;
		if (*symbols == ',')
			symbols++;
	}
	return 0;
}

static void print(struct dump *d, const struct flow *flow)
{
	flow_print_flow(&d->out, d->monitor.monitor, &d->columns, flow, &d->clock);
	d->printed++;
}

static void finish_monitor(struct dump *d)
{
	size_t n;
	size_t i;

	if (!d->open || d->skipped)
		return;
	n = d->sort ? flow_sort_finish(d->sort) : 0;
	for (i = 0; i < n; i++)
		print(d, flow_sort_get(d->sort, i));
	if (d->sort && n == FLOW_SORT_MAX && flow_sort_added(d->sort) > n)
		d->cut = true;
	flow_print_foot(&d->out, &d->columns, d->printed, d->flows);
}

/* A record without the fields asked for: an error where the monitor was named, else it is left out. */
static int bind_monitor(struct dump *d, struct error *err)
{
	struct error why = { 0 };
	int ret = d->filter ? flow_filter_bind(d->filter, &d->columns, &why) : 0;

	if (!ret && d->sort)
		ret = flow_sort_bind(d->sort, &d->columns, &why);
	d->skipped = ret != 0;
	if (!ret)
		return 0;
	if (d->query.monitor)
		return error_set(err, ret, "monitor %s: %s", d->monitor.monitor, why.text);
	error_prefix(&why, "monitor %s left out", d->monitor.monitor);
	client_fail(&why);
	return 0;
}

static int begin_monitor(struct dump *d, const char *payload, uint32_t length, struct error *err)
{
	int ret;

	finish_monitor(d);
	d->open = false;
	if (length <= sizeof(d->monitor) || payload[length - 1])
		return error_set(err, -EPROTO, "the agent sent a broken monitor frame");
	memcpy(&d->monitor, payload, sizeof(d->monitor));
	d->monitor.monitor[sizeof(d->monitor.monitor) - 1] = '\0';
	d->monitor.record[sizeof(d->monitor.record) - 1] = '\0';
	d->clock = (struct field_clock){ .mono_ns = d->monitor.mono_ns,
					 .unix_ns = d->monitor.unix_ns,
					 .base_ns = d->monitor.base_ns };
	ret = read_columns(&d->columns, payload + sizeof(d->monitor), err);
	if (ret)
		return ret;
	d->columns.format = d->query.format;
	d->columns.applications = d->applications;
	d->columns.n_applications = d->n_applications;
	d->open = true;
	d->flows = 0;
	d->printed = 0;
	ret = bind_monitor(d, err);
	if (!ret && !d->skipped)
		flow_print_head(&d->out, d->monitor.monitor, d->monitor.record, &d->columns);
	return ret;
}

static int take_flow(struct dump *d, const struct flow *flow, struct error *err)
{
	d->flows++;
	if (d->filter && !flow_filter_match(d->filter, flow, &d->clock))
		return 0;
	if (d->sort)
		return flow_sort_add(d->sort, flow, &d->clock, err);
	print(d, flow);
	return 0;
}

static int take_flows(struct dump *d, const char *payload, uint32_t length, struct error *err)
{
	struct flow flow;
	uint32_t at;
	int ret;

	if (!d->open || length % sizeof(flow))
		return error_set(err, -EPROTO, "the agent sent a broken flows frame");
	for (at = 0; at < length && !d->skipped; at += sizeof(flow)) {
		memcpy(&flow, payload + at, sizeof(flow));
		ret = take_flow(d, &flow, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int take_applications(struct dump *d, const char *payload, uint32_t length,
			     struct error *err)
{
	unsigned int n = d->n_applications + length / sizeof(*d->applications), i;
	struct control_application *all;

	if (!length || length % sizeof(*all) || n > APPLICATIONS_MAX)
		return error_set(err, -EPROTO, "the agent sent a broken applications frame");
	all = realloc(d->applications, n * sizeof(*all));
	if (!all)
		return error_set(err, -ENOMEM, "out of memory");
	memcpy(all + d->n_applications, payload, length);
	for (i = d->n_applications; i < n; i++)
		all[i].name[sizeof(all[i].name) - 1] = '\0';
	d->applications = all;
	d->n_applications = n;
	return 0;
}

static int take_answer(void *ctx, uint16_t type, const void *payload, uint32_t length,
		       struct error *err)
{
	struct dump *d = ctx;

	if (type == CONTROL_MONITOR)
		return begin_monitor(d, payload, length, err);
	if (type == CONTROL_FLOWS)
		return take_flows(d, payload, length, err);
	if (type == CONTROL_APPLICATIONS)
		return take_applications(d, payload, length, err);
	return error_set(err, -EPROTO, "the agent sent a frame of type %u unasked", type);
}

/* The filter and the order that were asked for; "top" alone orders by octets. */
static int prepare(struct dump *d, struct error *err)
{
	const struct query *q = &d->query;
	int ret = 0;

	if (q->filter)
		ret = flow_filter_parse(&d->filter, q->filter, err);
	if (!ret && (q->order || q->top))
		ret = flow_sort_create(&d->sort, q->order ? q->order : "bytes",
				       q->top ? q->top : FLOW_SORT_MAX, err);
	return ret;
}

static int ask(struct dump *d, const struct args *a, struct error *err)
{
	const char *words[] = { "flow", "dump", "monitor", d->query.monitor };
	struct client_request r = {
		.words = words, .n_words = words[3] ? 4 : 2, .frame = take_answer, .ctx = d
	};
	int ret;

	output_init(&d->out, a->mode);
	out_array(&d->out, NULL);
	ret = client_ask(a, &r, err);
	if (ret == 0)
		finish_monitor(d);
	out_array_end(&d->out);
	if (!out_end(&d->out) && ret >= 0)
		return error_set(err, -EIO, "standard output cannot be written");
	if (ret == 0 && d->cut && !d->query.top)
		return error_set(err, -E2BIG, "only the first %d flows in order; use a filter",
				 FLOW_SORT_MAX);
	return ret;
}

static int run_query(const struct args *a, const struct query *query)
{
	struct dump d = { .query = *query };
	struct error err = { 0 };
	int ret = prepare(&d, &err);

	if (ret) {
		client_fail(&err);
		ret = 2;
	} else {
		ret = ask(&d, a, &err);
		if (ret < 0)
			ret = client_fail(&err);
	}
	free(d.applications);
	flow_sort_destroy(d.sort);
	flow_filter_free(d.filter);
	return ret;
}

static int refuse_words(const char *what)
{
	struct error err;

	error_set(&err, -EINVAL, "%s", what);
	client_fail(&err);
	return 2;
}

/* What a row that has filter, sort and top says of them. */
static int read_query(const struct args *a, struct query *q)
{
	struct error err;

	q->filter = args_get(a, "<expr>");
	q->order = args_get(a, "<field>");
	if (!args_number(a, "<count>", 1, FLOW_SORT_MAX, &q->top, &err))
		return 0;
	client_fail(&err);
	return 2;
}

int flow_dump(const struct args *a)
{
	struct query q = { .monitor = args_get(a, "<monitor>") };
	int ret = read_query(a, &q);

	return ret ? ret : run_query(a, &q);
}

/* A router's "show flow monitor NAME cache": the counters, which only text has room for, and the flows. */
static int show_cache(const struct args *a, enum flow_format format)
{
	const char *words[] = { "monitor", "show", args_get(a, "<name>") };
	struct client_request r = { .words = words, .n_words = 3 };
	struct query q = { .monitor = words[2], .format = format };
	struct error err;
	int ret = read_query(a, &q);

	if (!ret && a->mode == OUT_TEXT && format != FLOW_CSV)
		ret = client_ask(a, &r, &err);
	if (ret < 0)
		return client_fail(&err);
	return ret ? ret : run_query(a, &q);
}

int flow_monitor_show(const struct args *a)
{
	static const char *const formats[] = {
		[FLOW_TABLE] = "table",
		[FLOW_RECORD] = "record",
		[FLOW_CSV] = "csv",
	};
	const char *given = args_get(a, "{table|record|csv}");
	bool of_flows =
		given || args_get(a, "<expr>") || args_get(a, "<field>") || args_get(a, "<count>");
	enum flow_format format = FLOW_TABLE;

	if (args_get(a, "statistics") && !args_get(a, "<name>"))
		return refuse_words("monitor show: whose statistics? expected NAME statistics");
	if (!args_get(a, "cache"))
		return of_flows ? refuse_words("format, filter, sort and top are of flows: monitor "
					       "show NAME cache format ...") :
				  client_pass(a);
	if (!args_get(a, "<name>") || args_get(a, "statistics"))
		return refuse_words("monitor show: expected NAME cache, or NAME statistics");
	while (given && strcmp(formats[format], given))
		format++;
	return show_cache(a, format);
}
