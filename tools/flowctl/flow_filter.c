// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recursive descent into an array of nodes, with a bounded depth. A word such
 * as "src" stands for several fields: the value is read for each of them, and
 * the comparison holds where one of the record's columns fulfils it. "!=" is
 * the negation of "==", so that "port != 80" means that neither port is 80.
 * Behind a field's words as a record has them the operator may be left out.
 */
#include "flow_filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NODES_MAX = 256,
	DEPTH_MAX = 32,
	WORD_SIZE = 64,
	PHRASE_WORDS_MAX = 8,
};

enum node_kind { NODE_AND, NODE_OR, NODE_NOT, NODE_COMPARE };

enum compare_op {
	COMPARE_EQ,
	COMPARE_NE,
	COMPARE_LT,
	COMPARE_LE,
	COMPARE_GT,
	COMPARE_GE,
	COMPARE_IN
};

static const char *const op_words[] = {
	[COMPARE_EQ] = "==", [COMPARE_NE] = "!=", [COMPARE_LT] = "<",  [COMPARE_LE] = "<=",
	[COMPARE_GT] = ">",  [COMPARE_GE] = ">=", [COMPARE_IN] = "in",
};

/* One field that the compared word stands for. */
struct candidate {
	const struct field *row;
	const struct field *column; /* NULL: not in the record */
	struct flow_value value;
	struct flow_value mask; /* COMPARE_IN */
};

struct node {
	enum node_kind kind;
	enum compare_op op;
	uint16_t left, right;
	uint16_t n_candidates;
	struct candidate candidates[FLOW_FIELD_ROWS];
	char word[WORD_SIZE];
};

struct flow_filter {
	uint16_t n_nodes;
	uint16_t root;
	struct node nodes[NODES_MAX];
};

struct parser {
	struct flow_filter *filter;
	const char *text;
	const char *at;        /* behind the token */
	const char *start;     /* of the token */
	char token[WORD_SIZE]; /* "": the end */
	unsigned int depth;
	struct error *err;
};

static int parse_or(struct parser *p);

static int refuse_at(struct parser *p, int code, const char *what)
{
	return error_set(p->err, code, "filter, character %zu%s%s%s: %s",
			 (size_t)(p->start - p->text) + 1, *p->token ? " ('" : " (the end",
			 p->token, *p->token ? "')" : ")", what);
}

static size_t token_length(const char *s)
{
	static const char operators[] = "()<>=!&|";

	if (!*s)
		return 0;
	if (!strchr(operators, *s))
		return strcspn(s, "()<>=!&| \t\n");
	if (*s == '(' || *s == ')')
		return 1;
	if (s[1] == '=' || ((*s == '&' || *s == '|') && s[1] == *s))
		return 2;
	return 1;
}

static int next(struct parser *p)
{
	size_t length;

	p->at += strspn(p->at, " \t\n");
	p->start = p->at;
	length = token_length(p->at);
	snprintf(p->token, sizeof(p->token), "%.*s", (int)(length < WORD_SIZE ? length : 8), p->at);
	if (length >= WORD_SIZE)
		return refuse_at(p, -EINVAL, "a word longer than any field or value");
	p->at += length;
	return 0;
}

static bool is(const struct parser *p, const char *a, const char *b)
{
	return !strcmp(p->token, a) || !strcmp(p->token, b);
}

/* The index of a new node, or -E2BIG. */
static int add_node(struct parser *p, enum node_kind kind, int left, int right)
{
	struct node *n = &p->filter->nodes[p->filter->n_nodes];

	if (p->filter->n_nodes == NODES_MAX)
		return refuse_at(p, -E2BIG, "too long: more than 256 comparisons and words");
	*n = (struct node){ .kind = kind, .left = (uint16_t)left, .right = (uint16_t)right };
	return p->filter->n_nodes++;
}

static int parse_op(struct parser *p, enum compare_op *op)
{
	unsigned int i;

	if (!strcmp(p->token, "=")) {
		*op = COMPARE_EQ;
		return next(p);
	}
	for (i = 0; i < sizeof(op_words) / sizeof(op_words[0]); i++) {
		if (strcmp(op_words[i], p->token))
			continue;
		*op = (enum compare_op)i;
		return next(p);
	}
	return refuse_at(p, -EINVAL, "expected one of ==, !=, <, <=, >, >=, in");
}

static void set_mask(struct candidate *c, unsigned int octets, unsigned int prefix)
{
	unsigned int i;

	memset(&c->mask, 0, sizeof(c->mask));
	for (i = 0; i < prefix; i++)
		c->mask.octets[16 - octets + i / 8] |= (uint8_t)(0x80 >> i % 8);
	for (i = 0; i < sizeof(c->mask.octets); i++)
		c->value.octets[i] &= c->mask.octets[i];
}

/* "10.0.0.0/8" as value and mask of one address field. */
static int parse_prefix(struct candidate *c, const char *token)
{
	char address[WORD_SIZE];
	const char *slash = strchr(token, '/');
	unsigned long prefix;
	char *end;
	int octets;

	if (c->row->show != FIELD_SHOW_IPV4 && c->row->show != FIELD_SHOW_IPV6)
		return -EINVAL;
	snprintf(address, sizeof(address), "%.*s", (int)strcspn(token, "/"), token);
	octets = flow_field_parse(c->row, address, &c->value);
	if (octets < 0)
		return octets;
	prefix = slash ? strtoul(slash + 1, &end, 10) : 8ul * (unsigned int)octets;
	if (slash && (slash[1] < '0' || slash[1] > '9' || *end))
		return -EINVAL;
	if (prefix > 8ul * (unsigned int)octets)
		return -EINVAL;
	set_mask(c, (unsigned int)octets, (unsigned int)prefix);
	return 0;
}

/* Read the value for each field that the word stands for; some need not take it. */
static int parse_value(struct parser *p, struct node *n, const struct field *const *rows,
		       int n_rows)
{
	int i;

	for (i = 0; i < n_rows; i++) {
		struct candidate *c = &n->candidates[n->n_candidates];

		c->row = rows[i];
		if (n->op == COMPARE_IN ? parse_prefix(c, p->token) :
					  flow_field_parse(c->row, p->token, &c->value) < 0)
			continue;
		n->n_candidates++;
	}
	if (n->n_candidates)
		return next(p);
	if (n->op == COMPARE_IN)
		return refuse_at(p, -EINVAL,
				 "expected ADDRESS/LENGTH, and an address field before it");
	return refuse_at(
		p, -EINVAL,
		"not a value of this field (an address, a number such as 10, 0x1b, 5k, 5M, "
		"5G, a protocol's name or a time, as the field is)");
}

/* Where the words from the token on end that operators do not interrupt; returns how many. */
static int list_words(const struct parser *p, const char *ends[PHRASE_WORDS_MAX])
{
	const char *s = p->start;
	size_t length;
	int n = 0;

	while (n < PHRASE_WORDS_MAX) {
		s += strspn(s, " \t\n");
		length = strcspn(s, "()<>=!&| \t\n");
		if (!length)
			break;
		s += length;
		ends[n++] = s;
	}
	return n;
}

/* The most words from the token on that are a field's as a record has them; returns 1. */
static int parse_phrase(struct parser *p, struct node *n, const struct field **rows)
{
	const char *ends[PHRASE_WORDS_MAX];
	int n_words = list_words(p, ends), i, ret;
	struct error why = { 0 };
	char words[512];

	for (i = n_words; i > 1; i--) {
		snprintf(words, sizeof(words), "%.*s", (int)(ends[i - 1] - p->start), p->start);
		if (flow_field_rows(words, rows, i == n_words ? &why : NULL) < 0)
			continue;
		snprintf(n->word, sizeof(n->word), "%.*s", WORD_SIZE - 1, words);
		p->at = ends[i - 1];
		ret = next(p);
		return ret ? ret : 1;
	}
	if (n_words < 2)
		flow_field_rows(p->token, rows, &why);
	return refuse_at(p, -ENOENT, why.text);
}

static bool is_op(const struct parser *p)
{
	return strchr("=!<>", *p->token) || !strcmp(p->token, op_words[COMPARE_IN]);
}

/* A field, and how it is compared; returns how many rows it stands for. */
static int parse_field(struct parser *p, struct node *n, const struct field **rows)
{
	int n_rows = flow_field_rows(p->token, rows, NULL), ret;

	if (n_rows < 0) {
		n_rows = parse_phrase(p, n, rows);
		if (n_rows < 0)
			return n_rows;
		n->op = strchr(p->token, '/') ? COMPARE_IN : COMPARE_EQ;
		ret = *p->token && is_op(p) ? parse_op(p, &n->op) : 0;
	} else {
		memcpy(n->word, p->token, sizeof(n->word));
		ret = next(p);
		if (!ret)
			ret = parse_op(p, &n->op);
	}
	return ret ? ret : n_rows;
}

static int parse_comparison(struct parser *p)
{
	const struct field *rows[FLOW_FIELD_ROWS];
	struct node *n;
	int index;
	int ret;

	if (!*p->token)
		return refuse_at(p, -EINVAL, "a comparison is missing");
	index = add_node(p, NODE_COMPARE, 0, 0);
	if (index < 0)
		return index;
	n = &p->filter->nodes[index];
	ret = parse_field(p, n, rows);
	if (ret >= 0)
		ret = parse_value(p, n, rows, ret);
	if (ret || n->op != COMPARE_NE)
		return ret ? ret : index;
	n->op = COMPARE_EQ;
	return add_node(p, NODE_NOT, index, 0);
}

static int parse_parentheses(struct parser *p)
{
	int inner;
	int ret;

	ret = next(p);
	inner = ret ? ret : parse_or(p);
	if (inner < 0)
		return inner;
	if (strcmp(p->token, ")"))
		return refuse_at(p, -EINVAL, "expected ')', and or or");
	ret = next(p);
	return ret ? ret : inner;
}

static int parse_factor(struct parser *p)
{
	int inner;
	int ret;

	if (++p->depth > DEPTH_MAX)
		return refuse_at(p, -E2BIG, "nested deeper than 32 levels");
	if (is(p, "not", "!")) {
		ret = next(p);
		inner = ret ? ret : parse_factor(p);
		ret = inner < 0 ? inner : add_node(p, NODE_NOT, inner, 0);
	} else if (!strcmp(p->token, "(")) {
		ret = parse_parentheses(p);
	} else {
		ret = parse_comparison(p);
	}
	p->depth--;
	return ret;
}

static int parse_and(struct parser *p)
{
	int left = parse_factor(p);

	while (left >= 0 && is(p, "and", "&&")) {
		int ret = next(p);
		int right = ret ? ret : parse_factor(p);

		left = right < 0 ? right : add_node(p, NODE_AND, left, right);
	}
	return left;
}

static int parse_or(struct parser *p)
{
	int left = parse_and(p);

	while (left >= 0 && is(p, "or", "||")) {
		int ret = next(p);
		int right = ret ? ret : parse_and(p);

		left = right < 0 ? right : add_node(p, NODE_OR, left, right);
	}
	return left;
}

int flow_filter_parse(struct flow_filter **fp, const char *expression, struct error *err)
{
	struct parser p = { .text = expression, .at = expression, .err = err };
	int ret;

	p.filter = calloc(1, sizeof(*p.filter));
	if (!p.filter)
		return error_set(err, -ENOMEM, "out of memory");
	ret = next(&p);
	if (!ret)
		ret = parse_or(&p);
	if (ret >= 0 && *p.token)
		ret = refuse_at(&p, -EINVAL, "expected and, or, or the end");
	if (ret < 0) {
		flow_filter_free(p.filter);
		return ret;
	}
	p.filter->root = (uint16_t)ret;
	*fp = p.filter;
	return 0;
}

void flow_filter_free(struct flow_filter *f)
{
	free(f);
}

static int bind_comparison(struct node *n, const struct flow_columns *columns, struct error *err)
{
	bool any = false;
	uint16_t i;

	for (i = 0; i < n->n_candidates; i++) {
		struct candidate *c = &n->candidates[i];

		c->column = flow_field_column(c->row, columns);
		any = any || c->column;
	}
	if (!any)
		return error_set(err, -ENOENT, "the record has no field that '%s' can be (%s)",
				 n->word, n->candidates[0].row->name);
	return 0;
}

int flow_filter_bind(struct flow_filter *f, const struct flow_columns *columns, struct error *err)
{
	uint16_t i;
	int ret;

	for (i = 0; i < f->n_nodes; i++) {
		if (f->nodes[i].kind != NODE_COMPARE)
			continue;
		ret = bind_comparison(&f->nodes[i], columns, err);
		if (ret)
			return ret;
	}
	return 0;
}

static bool fulfils(enum compare_op op, int difference)
{
	switch (op) {
	case COMPARE_LT:
		return difference < 0;
	case COMPARE_LE:
		return difference <= 0;
	case COMPARE_GT:
		return difference > 0;
	case COMPARE_GE:
		return difference >= 0;
	default:
		return difference == 0;
	}
}

static bool compare(const struct node *n, const struct flow *flow, const struct field_clock *clock)
{
	struct flow_value v;
	uint16_t i;
	size_t k;

	for (i = 0; i < n->n_candidates; i++) {
		const struct candidate *c = &n->candidates[i];

		if (!c->column)
			continue;
		flow_field_value(c->column, flow, clock, &v);
		for (k = 0; n->op == COMPARE_IN && k < sizeof(v.octets); k++)
			v.octets[k] &= c->mask.octets[k];
		if (fulfils(n->op, memcmp(v.octets, c->value.octets, sizeof(v.octets))))
			return true;
	}
	return false;
}

static bool match_node(const struct flow_filter *f, uint16_t index, const struct flow *flow,
		       const struct field_clock *clock)
{
	const struct node *n = &f->nodes[index];

	switch (n->kind) {
	case NODE_AND:
		return match_node(f, n->left, flow, clock) && match_node(f, n->right, flow, clock);
	case NODE_OR:
		return match_node(f, n->left, flow, clock) || match_node(f, n->right, flow, clock);
	case NODE_NOT:
		return !match_node(f, n->left, flow, clock);
	default:
		return compare(n, flow, clock);
	}
}

bool flow_filter_match(const struct flow_filter *f, const struct flow *flow,
		       const struct field_clock *clock)
{
	return match_node(f, f->root, flow, clock);
}
