// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A line is copied once, checked octet by octet and cut at blanks and tabs.
 * A comment is not looked into, so that it may be in any encoding; everything
 * else can end up in a log or on a terminal and has to be UTF-8 without
 * control characters.
 */
#include "statement.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "spelling.h"

enum { QUOTED_MAX = STATEMENT_QUOTE_MAX - 4 };

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_comment(char c)
{
	return c == '!' || c == '#';
}

static const char *trim(const char *line, size_t *length)
{
	if (*length && line[*length - 1] == '\r')
		--*length;
	while (*length && is_blank(line[*length - 1]))
		--*length;
	while (*length && is_blank(*line)) {
		line++;
		--*length;
	}
	return line;
}

/* Octets of the UTF-8 character at @p (RFC 3629), 0: it is none. */
static size_t utf8_length(const uint8_t *p, size_t left)
{
	static const struct {
		uint8_t lead, lead_max, second_min, second_max, length;
	} forms[] = {
		{ 0x00, 0x7f, 0x00, 0xff, 1 }, { 0xc2, 0xdf, 0x80, 0xbf, 2 },
		{ 0xe0, 0xe0, 0xa0, 0xbf, 3 }, { 0xe1, 0xec, 0x80, 0xbf, 3 },
		{ 0xed, 0xed, 0x80, 0x9f, 3 }, { 0xee, 0xef, 0x80, 0xbf, 3 },
		{ 0xf0, 0xf0, 0x90, 0xbf, 4 }, { 0xf1, 0xf3, 0x80, 0xbf, 4 },
		{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
	};
	unsigned int i, j;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		if (*p >= forms[i].lead && *p <= forms[i].lead_max)
			break;
	if (i == sizeof(forms) / sizeof(forms[0]) || forms[i].length > left)
		return 0;
	if (forms[i].length > 1 && (p[1] < forms[i].second_min || p[1] > forms[i].second_max))
		return 0;
	for (j = 2; j < forms[i].length; j++)
		if (p[j] < 0x80 || p[j] > 0xbf)
			return 0;
	return forms[i].length;
}

/* C0, DEL, and C1 as UTF-8: what a terminal would obey. */
static bool is_control(const uint8_t *p, size_t length)
{
	if (length == 2)
		return p[0] == 0xc2 && p[1] < 0xa0;
	return length == 1 && ((*p < 0x20 && *p != '\t') || *p == 0x7f);
}

static int check_characters(const char *line, size_t length, struct error *err)
{
	const uint8_t *p = (const uint8_t *)line;
	size_t i, n;

	for (i = 0; i < length; i += n) {
		n = utf8_length(p + i, length - i);
		if (!n)
			return error_set(err, -EINVAL,
					 "octet 0x%02x at column %zu is not UTF-8: write the line "
					 "in UTF-8 or ASCII",
					 p[i], i + 1);
		if (is_control(p + i, n))
			return error_set(err, -EINVAL,
					 "control character 0x%02x at column %zu: only text and "
					 "tabs are accepted",
					 p[i + n - 1], i + 1);
	}
	return 0;
}

static int cut_words(struct statement *s, struct error *err)
{
	char *p = s->cut;
	bool comment = false;

	strcpy(s->cut, s->line);
	for (;;) {
		p += strspn(p, " \t");
		if (!*p)
			break;
		if (!comment && is_comment(*p))
			comment = true;
		if (s->n_words == STATEMENT_WORDS_MAX) {
			if (comment)
				break;
			return error_set(err, -EINVAL, "more than %d words in one line",
					 STATEMENT_WORDS_MAX);
		}
		s->words[s->n_words++] = p;
		if (!comment)
			s->n_plain++;
		p += strcspn(p, " \t");
		if (!*p)
			break;
		*p++ = '\0';
	}
	return 0;
}

int statement_cut(struct statement *s, const char *line, size_t length, struct error *err)
{
	int rc;

	s->n_words = s->n_plain = 0;
	s->closes = false;
	if (memchr(line, '\0', length))
		return error_set(err, -EINVAL, "a NUL octet: this is not a text file");
	if (length > STATEMENT_LINE_MAX)
		return error_set(err, -EINVAL, "a line of more than %d octets", STATEMENT_LINE_MAX);
	line = trim(line, &length);
	if (length && is_comment(*line)) {
		s->closes = length == 1 && *line == '!';
		return 0;
	}
	rc = check_characters(line, length, err);
	if (rc)
		return rc;
	memcpy(s->line, line, length);
	s->line[length] = '\0';
	rc = cut_words(s, err);
	if (!rc)
		spelling_settle(s);
	return rc;
}

const char *statement_rest(const struct statement *s, unsigned int i)
{
	return s->line + (s->words[i] - s->cut);
}

/* Cut at a character's start, so that the message stays UTF-8. */
static void shorten(char *text, size_t max)
{
	if (strlen(text) <= max)
		return;
	while (max && ((uint8_t)text[max] & 0xc0) == 0x80)
		max--;
	strcpy(text + max, "...");
}

/* The first @n words with one space between them. */
static void quote(const struct statement *s, unsigned int n, char out[QUOTED_MAX + 4])
{
	char joined[STATEMENT_LINE_MAX + 1];
	size_t length = 0;
	unsigned int i;

	joined[0] = '\0';
	for (i = 0; i < n && i < s->n_words; i++)
		length += (size_t)snprintf(joined + length, sizeof(joined) - length, "%s%s",
					   i ? " " : "", s->words[i]);
	shorten(joined, QUOTED_MAX);
	memcpy(out, joined, strlen(joined) + 1);
}

const char *statement_quote(const struct statement *s, char text[STATEMENT_QUOTE_MAX])
{
	quote(s, s->n_words, text);
	return text;
}

int statement_refuse(const struct statement *s, unsigned int i, struct error *err,
		     const char *format, ...)
{
	char words[QUOTED_MAX + 4], message[WORD_LIST_TEXT + 64];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	quote(s, i + 1, words);
	return error_set(err, -EINVAL, "%s: %s", words, message);
}

static void suggest(const struct word_list *expected, const char *word, char *out, size_t size)
{
	int nearest = word_list_nearest(expected, word);

	out[0] = '\0';
	if (nearest >= 0)
		snprintf(out, size, "; did you mean %.*s?", (int)expected->words[nearest].length,
			 expected->words[nearest].text);
}

int statement_unexpected(const struct statement *s, unsigned int i,
			 const struct word_list *expected, struct error *err)
{
	char before[QUOTED_MAX + 4], word[STATEMENT_LINE_MAX + 1], list[WORD_LIST_TEXT];
	char suggestion[80];

	word_list_join(expected, list, sizeof(list));
	quote(s, i, before);
	if (i >= s->n_plain)
		return error_set(err, -EINVAL, "%s: expected %s", before, list);
	suggest(expected, s->words[i], suggestion, sizeof(suggestion));
	strcpy(word, s->words[i]);
	shorten(word, 40);
	return error_set(err, -EINVAL, "%s%s'%.44s': expected %s%s", before, i ? " " : "", word,
			 list, suggestion);
}
