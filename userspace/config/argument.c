// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A row of kinds[] is a kind of argument. Names end up in paths, in JSON and in
 * messages, so their characters are few; addresses are kept as inet_ntop()
 * writes them, so that two spellings are one address.
 */
#include "argument.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config.h"
#include "phrase.h"
#include "range.h"

enum {
	IFNAME_LENGTH_MAX = 15,
	FLAGS_AT = 3, /* words before the flags in "transport tcp flags syn" */
};

typedef int (*read_argument)(const struct statement *s, unsigned int i, struct argument *a,
			     struct error *err);

#define DEVICE_CHARACTERS "-_.@+"
#define INTERFACE_CHARACTERS DEVICE_CHARACTERS "*?" /* a pattern too */

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

static bool only(const char *text, const char *others)
{
	while (*text && (strchr(letters, *text) || strchr(others, *text)))
		text++;
	return !*text;
}

static int read_name(const struct statement *s, unsigned int i, struct argument *a,
		     struct error *err)
{
	const char *word = s->words[i];

	if (strlen(word) >= RECORD_NAME_MAX)
		return statement_refuse(s, i, err, "a name has at most %d characters",
					RECORD_NAME_MAX - 1);
	if (!only(word, "-_.:") || strchr("-.:", *word))
		return statement_refuse(s, i, err,
					"a name is made of letters, digits, - _ . and :, and "
					"begins with a letter, a digit or _");
	strcpy(a->text, word);
	return 0;
}

static bool is_ifname(const char *word, const char *others)
{
	return only(word, others) && strcmp(word, ".") && strcmp(word, "..") && *word != '-';
}

static int read_ifname(const struct statement *s, unsigned int i, struct argument *a,
		       const char *others, struct error *err)
{
	const char *word = s->words[i];

	if (!is_ifname(word, others))
		return statement_refuse(s, i, err,
					"not the name of a Linux interface as `ip link` shows it "
					"(letters, digits, %s)",
					strchr(others, '*') ? "- _ . @ +, and * ? as a pattern" :
							      "- _ . @ +");
	if (strlen(word) > IFNAME_LENGTH_MAX)
		return statement_refuse(s, i, err, "an interface's name has at most %d characters",
					IFNAME_LENGTH_MAX);
	strcpy(a->text, word);
	return 0;
}

static int read_device(const struct statement *s, unsigned int i, struct argument *a,
		       struct error *err)
{
	return read_ifname(s, i, a, DEVICE_CHARACTERS, err);
}

static int read_interface(const struct statement *s, unsigned int i, struct argument *a,
			  struct error *err)
{
	return read_ifname(s, i, a, INTERFACE_CHARACTERS, err);
}

/* The words with a blank between them. */
static int join(const struct statement *s, unsigned int i, struct argument *a, struct error *err)
{
	size_t n = 0;

	for (; i < s->n_plain; i++) {
		n += (size_t)snprintf(a->text + n, sizeof(a->text) - n, "%s%s", n ? " " : "",
				      s->words[i]);
		if (n >= sizeof(a->text))
			return statement_refuse(s, i, err, "the list has more than %zu octets",
						sizeof(a->text) - 1);
	}
	return 0;
}

static int read_interfaces(const struct statement *s, unsigned int i, struct argument *a,
			   struct error *err)
{
	char name[RANGE_NAME_MAX];
	struct error why;
	struct range r;
	int rc;

	rc = join(s, i, a, err);
	if (rc)
		return rc;
	range_begin(&r, a->text);
	while ((rc = range_next(&r, name, &why)) > 0)
		if (!is_ifname(name, INTERFACE_CHARACTERS))
			return statement_refuse(
				s, s->n_plain - 1, err,
				"%s: not the name of a Linux interface as `ip link` "
				"shows it",
				name);
	return rc ? statement_refuse(s, s->n_plain - 1, err, "%s", why.text) : 0;
}

/* Means nothing but on one link. */
static bool is_of_a_link(const struct in6_addr *v6)
{
	return IN6_IS_ADDR_LINKLOCAL(v6) || IN6_IS_ADDR_MC_LINKLOCAL(v6);
}

/* ADDRESS%INTERFACE */
static bool parse_scoped(const char *word, char *text)
{
	size_t length = strcspn(word, "%");
	const char *zone = word + length;
	char host[INET6_ADDRSTRLEN];
	struct in6_addr v6;

	if (!*zone || length >= sizeof(host))
		return false;
	memcpy(host, word, length);
	host[length] = '\0';
	if (inet_pton(AF_INET6, host, &v6) != 1 || !is_of_a_link(&v6))
		return false;
	if (!zone[1] || strlen(zone + 1) > IFNAME_LENGTH_MAX ||
	    !is_ifname(zone + 1, DEVICE_CHARACTERS))
		return false;
	inet_ntop(AF_INET6, &v6, text, ARGUMENT_TEXT_MAX);
	strcat(text, zone);
	return true;
}

static bool parse_address(const char *word, char *text)
{
	union {
		struct in_addr v4;
		struct in6_addr v6;
	} address;

	if (inet_pton(AF_INET, word, &address.v4) == 1)
		return inet_ntop(AF_INET, &address.v4, text, ARGUMENT_TEXT_MAX);
	if (inet_pton(AF_INET6, word, &address.v6) == 1)
		return inet_ntop(AF_INET6, &address.v6, text, ARGUMENT_TEXT_MAX);
	return parse_scoped(word, text);
}

static int read_address(const struct statement *s, unsigned int i, struct argument *a,
			struct error *err)
{
	struct in6_addr v6;

	if (!parse_address(s->words[i], a->text))
		return statement_refuse(s, i, err,
					"not an IPv4 or IPv6 address (names are not looked up)");
	if (!strcmp(a->text, "0.0.0.0") || !strcmp(a->text, "::") ||
	    !strcmp(a->text, "255.255.255.255"))
		return statement_refuse(s, i, err, "not the address of a host");
	if (inet_pton(AF_INET6, a->text, &v6) == 1 && is_of_a_link(&v6))
		return statement_refuse(s, i, err,
					"belongs to a link: name the interface too, as in %s%%eth0",
					a->text);
	return 0;
}

/* "192.0.2.256" could name an interface, but whoever writes it means an address. */
static bool looks_like_address(const char *word)
{
	return strchr(word, ':') ||
	       (word[strspn(word, "0123456789.")] == '\0' && strchr(word, '.'));
}

static int read_source(const struct statement *s, unsigned int i, struct argument *a,
		       struct error *err)
{
	if (parse_address(s->words[i], a->text) || looks_like_address(s->words[i]))
		return read_address(s, i, a, err);
	return read_device(s, i, a, err);
}

static const char *get_field(unsigned int i)
{
	return i < FIELD_ID_MAX ? field_get((enum field_id)i)->words : NULL;
}

static const char *field_help(unsigned int i)
{
	return field_get((enum field_id)i)->help;
}

/* The i-th of the fields that can be matched; NULL behind the last. */
static const struct field *find_key(unsigned int i)
{
	const struct field *f;
	unsigned int id;

	for (id = 0; id < FIELD_ID_MAX; id++) {
		f = field_get((enum field_id)id);
		if (f->role != FIELD_VALUE && !i--)
			return f;
	}
	return NULL;
}

static const char *get_key(unsigned int i)
{
	const struct field *f = find_key(i);

	return f ? f->words : NULL;
}

static const char *key_help(unsigned int i)
{
	return find_key(i)->help;
}

static int add_field(const struct statement *s, unsigned int i, struct argument *a,
		     struct error *err)
{
	int id = phrase_find(get_field, s, i, err);

	if (id < 0)
		return id;
	a->fields[a->n_fields++] = field_get((enum field_id)id);
	return 0;
}

/* Are the words from @i on "transport tcp flags" and more than one? */
static bool lists_flags(const struct statement *s, unsigned int i)
{
	struct statement one = *s;

	if (s->n_plain < i + FLAGS_AT + 2)
		return false;
	one.words[i + FLAGS_AT] = "syn";
	one.n_plain = one.n_words = i + FLAGS_AT + 1;
	return phrase_find(get_field, &one, i, NULL) == FIELD_ID_TCP_FLAG_SYN;
}

/* As routers have it, "transport tcp flags syn fin" are two. */
static int read_field(const struct statement *s, unsigned int i, struct argument *a,
		      struct error *err)
{
	struct statement one;
	unsigned int at;
	int rc = 0;

	if (!lists_flags(s, i))
		return add_field(s, i, a, err);
	one = *s;
	one.n_plain = one.n_words = i + FLAGS_AT + 1;
	for (at = i + FLAGS_AT; !rc && at < s->n_plain; at++) {
		if (a->n_fields == ARGUMENT_FIELDS_MAX)
			return statement_refuse(s, at, err, "more flags than there are");
		one.words[i + FLAGS_AT] = s->words[at];
		rc = add_field(&one, i, a, err);
	}
	return rc;
}

int argument_predefined(const char *name)
{
	unsigned int i;

	for (i = 0; predefined_name(i); i++)
		if (!strcasecmp(predefined_name(i), name))
			return (int)i;
	return -ENOENT;
}

/* One word names a user's record, unless it is all of a predefined one's name. */
static int read_record(const struct statement *s, unsigned int i, struct argument *a,
		       struct error *err)
{
	bool alone = i + 1 == s->n_plain;
	int rc = alone ? argument_predefined(s->words[i]) : phrase_find(predefined_name, s, i, err);

	if (rc < 0)
		return alone ? read_name(s, i, a, err) : rc;
	snprintf(a->text, sizeof(a->text), "%s", predefined_name((unsigned int)rc));
	return 0;
}

static int read_text(const struct statement *s, unsigned int i, struct argument *a,
		     struct error *err)
{
	const char *text = statement_rest(s, i);

	if (strlen(text) >= CONFIG_DESCRIPTION_MAX)
		return statement_refuse(s, i - 1, err, "the text has %zu octets, at most %d fit",
					strlen(text), CONFIG_DESCRIPTION_MAX - 1);
	strcpy(a->text, text);
	return 0;
}

/* clang-format off */
static const struct {
	const char *name;
	enum argument_extent extent;
	read_argument read;
	const char *help;
	phrase_get phrases;
	const char *(*phrase_help)(unsigned int i);
} kinds[] = {
	{ "name", ARGUMENT_WORD, read_name,
		"letters, digits, - _ . and :, at most 63, the first a letter, a digit or _; case matters", NULL, NULL },
	{ "address", ARGUMENT_WORD, read_address,
		"an IPv4 or IPv6 address; names are not looked up", NULL, NULL },
	{ "device", ARGUMENT_WORD, read_device,
		"the name of an interface, as ip link shows it", NULL, NULL },
	{ "source", ARGUMENT_WORD, read_source,
		"an address, or the name of an interface", NULL, NULL },
	{ "interface", ARGUMENT_WORD, read_interface,
		"the name of an interface, or a pattern: * stands for any characters, ? for one", NULL, NULL },
	{ "interfaces", ARGUMENT_WORDS, read_interfaces,
		"names or patterns of interfaces with commas between them; `eth0 - 3` are four", NULL, NULL },
	{ "field", ARGUMENT_WORDS, read_field,
		"the words of a field, as listed under FIELDS", get_field, field_help },
	{ "key", ARGUMENT_WORDS, read_field,
		"the words of a field that is not for collect only, as listed under FIELDS", get_key, key_help },
	{ "record", ARGUMENT_WORDS, read_record,
		"the name of a flow record, or the words of a predefined one, as listed under RECORDS",
		predefined_name, predefined_description },
	{ "text", ARGUMENT_LINE, read_text,
		"all that follows up to the end of the line, ! and # too", NULL, NULL },
};
/* clang-format on */

const char *argument_kind(unsigned int i, const char **help)
{
	if (i >= sizeof(kinds) / sizeof(kinds[0]))
		return NULL;
	*help = kinds[i].help;
	return kinds[i].name;
}

static int find_kind(const char *kind, size_t length)
{
	unsigned int i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strlen(kinds[i].name) == length && !memcmp(kinds[i].name, kind, length))
			return (int)i;
	return -ENOENT;
}

enum argument_extent argument_extent(const char *kind, size_t length)
{
	int i = find_kind(kind, length);

	return i < 0 ? ARGUMENT_WORD : kinds[i].extent;
}

phrase_get argument_phrases(const char *kind, size_t length)
{
	int i = find_kind(kind, length);

	return i < 0 ? NULL : kinds[i].phrases;
}

const char *argument_phrase_help(const char *kind, size_t length, unsigned int i)
{
	int k = find_kind(kind, length);

	return k < 0 || !kinds[k].phrase_help ? NULL : kinds[k].phrase_help(i);
}

/* Digits only, up to @end; a value beyond any range where it does not fit. */
static bool parse_number(const char *p, const char *end, uint64_t *value)
{
	if (p == end)
		return false;
	for (*value = 0; p < end; p++) {
		if (!isdigit((unsigned char)*p))
			return false;
		if (*value > (UINT64_MAX - 9) / 10)
			*value = UINT64_MAX / 100;
		*value = *value * 10 + (uint64_t)(*p - '0');
	}
	return true;
}

bool argument_range(const char *kind, size_t length, uint64_t *min, uint64_t *max)
{
	const char *dash = memchr(kind, '-', length);

	return dash && parse_number(kind, dash, min) && parse_number(dash + 1, kind + length, max);
}

static int read_number(uint64_t min, uint64_t max, const struct statement *s, unsigned int i,
		       struct argument *a, struct error *err)
{
	const char *word = s->words[i];

	if (!parse_number(word, word + strlen(word), &a->number) || a->number < min ||
	    a->number > max)
		return statement_refuse(s, i, err, "must be %llu to %llu", (unsigned long long)min,
					(unsigned long long)max);
	return 0;
}

int argument_read(const char *kind, size_t length, const struct statement *s, unsigned int i,
		  struct argument *a, struct error *err)
{
	uint64_t min, max;
	int k;

	a->given = true;
	a->n_fields = 0;
	if (argument_range(kind, length, &min, &max))
		return read_number(min, max, s, i, a, err);
	k = find_kind(kind, length);
	if (k < 0)
		return statement_refuse(s, i, err, "no argument is called <%.*s>", (int)length,
					kind);
	return kinds[k].read(s, i, a, err);
}
