// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Column heads are the words of the configuration language, shortened as
 * routers do ("IPV4 SRC ADDR", "bytes long"): keys in capitals. Widths come
 * from what the column shows, so that no flow has to wait for another.
 * Applications have names in text, and their numbers in JSON.
 */
#include "flow_print.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/sorted.h"

enum { HEAD_SIZE = 64, VALUE_SIZE = 128 };

/* clang-format off */
static const struct {
	const char *word;
	const char *in_head;
} short_words[] = {
	{ "source", "src" },    { "destination", "dst" }, { "address", "addr" },
	{ "transport", "trns" }, { "interface", "intf" },  { "protocol", "prot" },
	{ "source-port", "src port" }, { "destination-port", "dst port" },
	{ "counter", "" }, { "timestamp", "time" }, { "packets", "pkts" },
	{ "minimum", "min" }, { "maximum", "max" },
};
/* clang-format on */

static const char *shorten(const char *word)
{
	size_t i;

	for (i = 0; i < sizeof(short_words) / sizeof(short_words[0]); i++)
		if (!strcmp(short_words[i].word, word))
			return short_words[i].in_head;
	return word;
}

static int make_head(const struct field *f, char *head)
{
	char words[HEAD_SIZE];
	char *save = NULL;
	char *word;
	int n = 0;
	int i;

	snprintf(words, sizeof(words), "%s", f->words);
	head[0] = '\0';
	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		const char *s = shorten(word);

		if (*s && n < HEAD_SIZE - 1)
			n += snprintf(head + n, (size_t)(HEAD_SIZE - n), "%s%s", n ? " " : "", s);
	}
	if (f->role == FIELD_KEY)
		for (i = 0; head[i]; i++)
			head[i] = (char)toupper((unsigned char)head[i]);
	return (int)strlen(head);
}

static bool is_application(const struct field *f)
{
	return f == field_get(FIELD_ID_APPLICATION);
}

static int value_width(const struct field *f)
{
	static const int decimal_digits[] = { 0, 3, 5, 8, 10 };

	if (is_application(f))
		return sizeof(((struct control_application *)0)->name) - 1;
	switch (f->show) {
	case FIELD_SHOW_IPV4:
		return 15;
	case FIELD_SHOW_IPV6:
		return 39;
	case FIELD_SHOW_MAC:
		return 17;
	case FIELD_SHOW_TIME:
		return 24;
	case FIELD_SHOW_HEX:
		return 2 + 2 * f->wire_length;
	case FIELD_SHOW_TCP_FLAGS:
		return 12;
	default:
		return f->wire_length <= 4 ? decimal_digits[f->wire_length] : 12;
	}
}

static void print_cell(struct out *o, const struct field *f, int width, const char *text, bool last)
{
	if (f->show == FIELD_SHOW_UINT)
		out_text(o, "%*s%s", width, text, last ? "\n" : "  ");
	else if (last)
		out_text(o, "%s\n", text);
	else
		out_text(o, "%-*s  ", width, text);
}

static void print_names(struct out *o, const struct flow_columns *columns)
{
	unsigned int i;

	for (i = 0; i < columns->n; i++)
		out_text(o, "%s%s", i ? "," : "", columns->fields[i]->name);
	out_text(o, "\n");
}

void flow_print_head(struct out *o, const char *monitor, const char *record,
		     struct flow_columns *columns)
{
	char head[HEAD_SIZE];
	unsigned int i;

	if (o->mode != OUT_TEXT)
		return;
	if (columns->format == FLOW_CSV) {
		print_names(o, columns);
		return;
	}
	out_text(o, "flow monitor %s, record %s:\n", monitor, record);
	if (columns->format == FLOW_RECORD)
		return;
	for (i = 0; i < columns->n; i++) {
		const struct field *f = columns->fields[i];
		int length = make_head(f, head);

		columns->widths[i] = length > value_width(f) ? length : value_width(f);
		print_cell(o, f, columns->widths[i], head, i + 1 == columns->n);
	}
}

/* As RFC 4180 has it. */
static void print_quoted(struct out *o, const char *text)
{
	if (!strpbrk(text, ",\"\n")) {
		out_text(o, "%s", text);
		return;
	}
	out_text(o, "\"");
	for (; *text; text++)
		out_text(o, *text == '"' ? "\"\"" : "%c", *text);
	out_text(o, "\"");
}

static void print_text(struct out *o, const struct flow_columns *columns, unsigned int i,
		       const char *text)
{
	const struct field *f = columns->fields[i];
	bool last = i + 1 == columns->n;

	switch (columns->format) {
	case FLOW_TABLE:
		print_cell(o, f, columns->widths[i], text, last);
		break;
	case FLOW_RECORD:
		out_text(o, "%-40s %s\n", f->words, text);
		break;
	case FLOW_CSV:
		print_quoted(o, text);
		out_text(o, "%s", last ? "\n" : ",");
		break;
	}
}

/* NULL: it has none. */
static const char *application_name(const struct flow_columns *columns, uint32_t id)
{
	const struct control_application *all = columns->applications;
	unsigned int i = sorted_place(all, columns->n_applications, sizeof(*all), id);

	return i < columns->n_applications && all[i].id == id ? all[i].name : NULL;
}

static void format_text(const struct flow_columns *columns, const struct field *f,
			const struct flow *flow, const struct field_clock *clock, char *text)
{
	const char *name =
		is_application(f) ? application_name(columns, flow->more.application) : NULL;

	if (name)
		snprintf(text, VALUE_SIZE, "%s", name);
	else
		field_format_flow(f, flow, clock, text, VALUE_SIZE);
}

void flow_print_flow(struct out *o, const char *monitor, const struct flow_columns *columns,
		     const struct flow *flow, const struct field_clock *clock)
{
	char text[VALUE_SIZE];
	unsigned int i;

	out_object(o, NULL);
	out_string(o, "monitor", NULL, monitor);
	for (i = 0; i < columns->n; i++) {
		const struct field *f = columns->fields[i];

		if (o->mode == OUT_TEXT) {
			format_text(columns, f, flow, clock, text);
			print_text(o, columns, i, text);
			continue;
		}
		field_format_flow(f, flow, clock, text, sizeof(text));
		if (field_is_number(f))
			out_raw(o, f->name, text);
		else
			out_string(o, f->name, NULL, text);
	}
	if (columns->format == FLOW_RECORD)
		out_text(o, "\n");
	out_object_end(o);
}

void flow_print_foot(struct out *o, const struct flow_columns *columns, uint64_t printed,
		     uint64_t flows)
{
	if (columns->format == FLOW_CSV)
		return;
	out_text(o, "%llu of %llu flows\n\n", (unsigned long long)printed,
		 (unsigned long long)flows);
}
