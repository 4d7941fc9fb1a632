// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Reading a configuration: line by line each statement is found in the table
 * and applied to a configuration that nobody else sees; at the end that is
 * checked as a whole. Any error throws all of it away.
 */
#include "edit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/control_wire.h"
#include "check.h"
#include "commands.h"
#include "foreign.h"

enum {
	REMOVED_MAX = 4096, /* each costs a search and a move of all that follow */
};

void *edit_object(const struct config_edit *e)
{
	return e->mode == CONFIG_GLOBAL ? NULL : object_at(e->config, e->mode, e->index);
}

void edit_blame(const struct config_edit *e, struct error *err, unsigned int line,
		enum config_mode mode, const void *object)
{
	if (object)
		error_prefix(err, "%s %s", command_mode_name(mode), object_name(mode, object));
	if (line)
		error_prefix(err, "%s:%u", e->file, line);
	else
		error_prefix(err, "%s", e->file);
}

static int refuse_object(enum config_mode mode, const char *name, int rc, struct error *err)
{
	const char *header = command_mode_name(mode);

	if (rc == -E2BIG)
		return error_set(err, rc, "%s %s: at most %u of them", header, name,
				 object_limit(mode));
	return error_set(err, rc, "no memory");
}

static int reopen(struct config_edit *e, enum config_mode mode, int i, struct error *err)
{
	void *object = object_at(e->config, mode, (unsigned int)i);
	unsigned int *line = object_line(mode, object);

	if (*line && !e->amends)
		return error_set(err, -EEXIST, "%s %s: line %u defines it already",
				 command_mode_name(mode), object_name(mode, object), *line);
	*line = e->line;
	return i;
}

static int open_object(struct config_edit *e, enum config_mode mode, const char *name,
		       struct error *err)
{
	int i = object_find(e->config, mode, name);

	if (mode == CONFIG_RECORD && argument_predefined(name) >= 0)
		return error_set(err, -EEXIST,
				 "%s %s: this record is predefined, take another name",
				 command_mode_name(mode), name);
	if (i >= 0) {
		i = reopen(e, mode, i, err);
		if (i < 0)
			return i;
	} else {
		i = object_add(e->config, mode, name);
		if (i < 0)
			return refuse_object(mode, name, i, err);
		*object_line(mode, object_at(e->config, mode, (unsigned int)i)) = e->line;
	}
	e->mode = mode;
	e->index = (unsigned int)i;
	e->seen = 0;
	e->n_range = 0;
	return 0;
}

static int remove_object(struct config_edit *e, enum config_mode mode, const char *name,
			 struct error *err)
{
	int i = object_find(e->config, mode, name);
	struct edit_removed *removed;

	if (i < 0)
		return error_set(err, -ENOENT, "no %s %s: there is none of that name",
				 command_mode_name(mode), name);
	if (++e->n_removed > REMOVED_MAX)
		return error_set(err, -E2BIG, "no %s %s: at most %d can be removed in one text",
				 command_mode_name(mode), name, REMOVED_MAX);
	removed = calloc(1, sizeof(*removed));
	if (!removed)
		return error_set(err, -ENOMEM, "no memory");
	removed->mode = mode;
	removed->line = e->line;
	memcpy(removed->name, object_name(mode, object_at(e->config, mode, (unsigned int)i)),
	       object_name_size(mode));
	removed->next = e->removed;
	e->removed = removed;
	object_remove(e->config, mode, (unsigned int)i);
	e->mode = CONFIG_GLOBAL;
	return 0;
}

/* Each of a list, as if it were alone; all that were opened stay open. */
static int each_of_range(struct config_edit *e, const struct command_match *m, struct error *err)
{
	unsigned int open[RANGE_INTERFACES_MAX], n = 0;
	char name[RANGE_NAME_MAX];
	struct range r;
	int rc;

	range_begin(&r, m->arguments[0].text);
	while ((rc = range_next(&r, name, err)) > 0) {
		rc = m->undo ? remove_object(e, m->command->opens, name, err) :
			       open_object(e, m->command->opens, name, err);
		if (rc)
			return rc;
		open[n++] = e->index;
	}
	if (!m->undo) {
		memcpy(e->range, open, sizeof(open));
		e->n_range = n;
	}
	return rc;
}

static void store(void *object, const struct command_member *member, const struct argument *a,
		  bool number)
{
	char *to = (char *)object + member->offset;

	uint64_t value = a->number + member->base;

	/* A little-endian machine, as base/bytes.h has it. */
	memset(to, 0, member->size);
	if (number)
		memcpy(to, &value, member->size);
	else if (member->size)
		strncpy(to, a->text, member->size - 1U);
}

static void reset_member(void *object, const struct command_member *member,
			 const union object *defaults)
{
	memcpy((char *)object + member->offset, (const char *)defaults + member->offset,
	       member->size);
}

static int store_arguments(enum config_mode mode, void *object, const struct command_match *m,
			   struct error *err)
{
	const struct command *c = m->command;
	const struct command_member *member;
	union object defaults;
	unsigned int i;

	object_init(mode, &defaults);
	for (i = 0; i < command_arguments(c); i++) {
		member = &c->members[i];
		if (!m->arguments[i].given) {
			reset_member(object, member, &defaults);
			continue;
		}
		if (!command_argument_max(c, i) && member->size <= strlen(m->arguments[i].text))
			return error_set(err, -EINVAL, "%s: at most %u characters",
					 m->arguments[i].text, member->size - 1U);
		store(object, member, &m->arguments[i], command_argument_max(c, i));
	}
	return 0;
}

static void reset_members(enum config_mode mode, void *object, const struct command *c)
{
	union object defaults;
	unsigned int i;

	object_init(mode, &defaults);
	for (i = 0; i < COMMAND_ARGUMENTS_MAX; i++)
		reset_member(object, &c->members[i], &defaults);
}

static bool is_set_already(enum config_mode mode, const void *object, const struct command_match *m)
{
	const struct command_member *member;
	union object said;
	struct error err;
	unsigned int i;

	object_init(mode, &said);
	if (store_arguments(mode, &said, m, &err))
		return false;
	for (i = 0; i < COMMAND_ARGUMENTS_MAX; i++) {
		member = &m->command->members[i];
		if (memcmp((const char *)object + member->offset,
			   (const char *)&said + member->offset, member->size))
			return false;
	}
	return true;
}

/* A statement that stands once below a header. */
static int set_members(struct config_edit *e, const struct command_match *m, struct error *err)
{
	bool global = e->mode == CONFIG_GLOBAL;
	char words[STATEMENT_QUOTE_MAX];
	uint64_t bit = commands_bit(m->command), *given, *seen;
	void *object = global ? e->config : edit_object(e);

	seen = global ? &e->seen_global : &e->seen;
	given = object_given(e->mode, object);
	if (m->undo) {
		reset_members(e->mode, object, m->command);
		*given &= ~bit;
		*seen &= ~bit;
		return 0;
	}
	if (*seen & bit && !(e->amends && is_set_already(e->mode, object, m)))
		return error_set(err, -EEXIST, "%s: given twice%s",
				 statement_quote(m->statement, words),
				 global ? "" : " below this header");
	*seen |= bit;
	*given |= bit;
	return store_arguments(e->mode, object, m, err);
}

static int apply_one(struct config_edit *e, const struct command_match *m, struct error *err)
{
	const struct command *c = m->command;
	int rc = 0;

	if (c->flags & COMMAND_RANGE)
		return each_of_range(e, m, err);
	if (c->opens && m->undo)
		return remove_object(e, c->opens, m->arguments[0].text, err);
	if (c->opens)
		return open_object(e, c->opens, m->arguments[0].text, err);
	if (c->mode == CONFIG_GLOBAL)
		e->mode = CONFIG_GLOBAL;
	if (c->flags & COMMAND_NO_BARE)
		rc = set_members(e, m, err);
	if (!rc && c->apply)
		rc = c->apply(e, m, err);
	return rc;
}

/* To every object that is open. */
static int apply(struct config_edit *e, const struct command_match *m, struct error *err)
{
	uint64_t seen = e->seen;
	unsigned int i;
	int rc = 0;

	if (m->command->mode != e->mode || e->mode == CONFIG_GLOBAL || !e->n_range)
		return apply_one(e, m, err);
	for (i = 0; !rc && i < e->n_range; i++) {
		e->index = e->range[i];
		e->seen = seen;
		rc = apply_one(e, m, err);
	}
	return rc;
}

static int read_statement(struct config_edit *e, const struct statement *s, struct error *err)
{
	const struct foreign *foreign = NULL;
	enum config_mode mode = e->mode;
	struct command_match m;
	int rc;

	rc = command_match(commands, &mode, s, &m, err);
	if (rc)
		foreign = foreign_find(e->mode, s);
	if (foreign)
		foreign_refuse(foreign, s, err);
	if (!rc)
		rc = apply(e, &m, err);
	if (rc)
		edit_blame(e, err, e->line, mode, mode == CONFIG_GLOBAL ? NULL : edit_object(e));
	return rc;
}

static int read_line(struct config_edit *e, struct statement *s, const char *line, size_t length,
		     struct error *err)
{
	int rc;

	e->line++;
	rc = statement_cut(s, line, length, err);
	if (rc) {
		edit_blame(e, err, e->line, CONFIG_GLOBAL, NULL);
		return rc;
	}
	if (s->closes)
		e->mode = CONFIG_GLOBAL;
	return s->n_words ? read_statement(e, s, err) : 0;
}

static int read_lines(struct config_edit *e, const char *text, size_t length, struct error *err)
{
	struct statement *s = malloc(sizeof(*s));
	const char *end = text + length, *newline;
	int rc = 0;

	if (!s)
		return error_set(err, -ENOMEM, "%s: no memory", e->file);
	if (length >= 3 && !memcmp(text, "\xef\xbb\xbf", 3))
		text += 3;
	while (!rc && text < end) {
		newline = memchr(text, '\n', (size_t)(end - text));
		if (!newline)
			newline = end;
		rc = read_line(e, s, text, (size_t)(newline - text), err);
		text = newline + 1;
	}
	free(s);
	return rc;
}

static void forget_removed(struct config_edit *e)
{
	struct edit_removed *next;

	for (; e->removed; e->removed = next) {
		next = e->removed->next;
		free(e->removed);
	}
}

/* Apply @text to @c, which is *@cp afterwards or, after an error, is no more. */
static int edit(struct config **cp, struct config *c, const char *name, const char *text,
		size_t length, bool amends, bool whole, struct error *err)
{
	struct config_edit e = { .config = c, .file = name, .amends = amends };
	int rc;

	if (length > CONTROL_CONFIG_MAX)
		rc = error_set(err, -EFBIG, "%s: more than %d octets", name, CONTROL_CONFIG_MAX);
	else
		rc = read_lines(&e, text, length, err);
	if (!rc && whole)
		rc = check_config(&e, err);
	forget_removed(&e);
	if (rc)
		config_free(c);
	else
		*cp = c;
	return rc;
}

int config_parse(struct config **cp, const char *name, const char *text, size_t length,
		 struct error *err)
{
	struct config *c = config_create();

	if (!c)
		return error_set(err, -ENOMEM, "%s: no memory", name);
	return edit(cp, c, name, text, length, false, true, err);
}

/* Lines of the text that @c came from mean nothing in another text. */
static void forget_lines(struct config *c)
{
	unsigned int i, j;

	for (i = 0; i < c->n_records; i++) {
		c->records[i].line = 0;
		for (j = 0; j < c->records[i].n_fields; j++)
			c->records[i].fields[j].line = 0;
	}
	for (i = 0; i < c->n_exporters; i++)
		c->exporters[i].line = 0;
	for (i = 0; i < c->n_samplers; i++)
		c->samplers[i].line = 0;
	for (i = 0; i < c->n_applications; i++) {
		c->applications[i].line = 0;
		for (j = 0; j < c->applications[i].n_ports; j++)
			c->applications[i].ports[j].line = 0;
	}
	for (i = 0; i < c->n_monitors; i++) {
		c->monitors[i].line = c->monitors[i].record_line = 0;
		memset(c->monitors[i].exporter_lines, 0, sizeof(c->monitors[i].exporter_lines));
	}
	for (i = 0; i < c->n_interfaces; i++) {
		c->interfaces[i].line = 0;
		for (j = 0; j < c->interfaces[i].n_attachments; j++)
			c->interfaces[i].attachments[j].line = 0;
	}
}

static int amend(struct config **cp, const struct config *base, const char *name, const char *text,
		 size_t length, bool whole, struct error *err)
{
	struct config *c = config_create();

	if (!c || object_copy_all(c, base)) {
		config_free(c);
		return error_set(err, -ENOMEM, "%s: no memory", name);
	}
	forget_lines(c);
	return edit(cp, c, name, text, length, true, whole, err);
}

int config_amend(struct config **cp, const struct config *base, const char *name, const char *text,
		 size_t length, struct error *err)
{
	return amend(cp, base, name, text, length, true, err);
}

int config_draft(struct config **cp, const struct config *base, const char *name, const char *text,
		 size_t length, struct error *err)
{
	return amend(cp, base, name, text, length, false, err);
}

/* Up to one octet more than is allowed, so that too much is seen. */
static int read_all(int fd, const char *path, char *text, size_t *length, struct error *err)
{
	ssize_t n;

	*length = 0;
	while (*length <= CONTROL_CONFIG_MAX) {
		n = read(fd, text + *length, CONTROL_CONFIG_MAX + 1 - *length);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_set(err, -errno, "%s: cannot read: %s", path, strerror(errno));
		if (!n)
			break;
		*length += (size_t)n;
	}
	return 0;
}

int config_read(const char *path, char **text, size_t *length, struct error *err)
{
	struct stat st;
	int rc, fd;

	fd = open(path,
		  O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* an agent must not wait for a writer */
	if (fd < 0)
		return error_set(err, -errno, "%s: cannot open: %s", path, strerror(errno));
	if (!fstat(fd, &st) && S_ISFIFO(st.st_mode)) {
		rc = error_set(err, -ESPIPE,
			       "%s: is a pipe, which can be read only once: give a file", path);
		goto err_close;
	}
	*text = malloc(CONTROL_CONFIG_MAX + 1);
	if (!*text) {
		rc = error_set(err, -ENOMEM, "%s: no memory", path);
		goto err_close;
	}
	rc = read_all(fd, path, *text, length, err);
	if (rc)
		free(*text);
err_close:
	close(fd);
	return rc;
}

int config_load(struct config **cp, const char *path, struct error *err)
{
	size_t length;
	char *text;
	int rc;

	rc = config_read(path, &text, &length, err);
	if (rc)
		return rc;
	rc = config_parse(cp, path, text, length, err);
	free(text);
	return rc;
}
