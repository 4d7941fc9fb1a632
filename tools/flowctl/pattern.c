// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Words are split at blanks. What stands between [ and ] is a group, whose
 * tokens share a number; an argument that repeats, or is of several words, ends
 * in "...".
 */
#include "pattern.h"

#include <string.h>

/* One token of the row, with the brackets around it. */
static void add_token(struct pattern *p, const char *s, size_t length)
{
	struct token *t = &p->tokens[p->n++];

	if (s[0] == '[') {
		p->n_groups++;
		p->in_group = true;
		s++;
		length--;
	}
	t->group = p->in_group ? p->n_groups : 0;
	if (s[length - 1] == ']') {
		p->in_group = false;
		length--;
	}
	if (length > 3 && !memcmp(s + length - 3, "...", 3)) {
		t->repeats = true;
		length -= 3;
	}
	if (length >= sizeof(t->text))
		length = sizeof(t->text) - 1;
	memcpy(t->text, s, length);
}

void pattern_compile(struct pattern *p, const char *words)
{
	memset(p, 0, sizeof(*p));
	while (*words && p->n < PATTERN_TOKENS_MAX) {
		size_t length = strcspn(words, " ");

		add_token(p, words, length);
		words += length;
		words += strspn(words, " ");
	}
}

static bool is_plain(const struct token *t)
{
	return !t->group && t->text[0] != '<' && t->text[0] != '{';
}

unsigned int pattern_lead(const struct pattern *p)
{
	unsigned int n = 0;

	while (n < p->n && is_plain(&p->tokens[n]))
		n++;
	return n;
}

bool pattern_begins_group(const struct pattern *p, unsigned int t)
{
	return p->tokens[t].group && (!t || p->tokens[t - 1].group != p->tokens[t].group);
}

bool pattern_joins(const struct pattern *p, unsigned int t)
{
	return p->tokens[t].repeats && t + 1 < p->n;
}
