// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The mark is a file of two numbers: where to go back to, and the last commit
 * from which. It is out of force once a later commit is on disk, so nothing
 * depends on its being removed in time, or at all.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "control/history_internal.h"

static const char mark_name[] = "unconfirmed";

void history_read_mark(struct history *h)
{
	struct error err;
	size_t length;
	char *text, *end;
	int ret;

	ret = history_read_file(h, mark_name, 32, &text, &length, &err);
	if (ret) {
		if (ret != -ENOENT)
			log_warning("%s: the newest commit is taken as confirmed", err.text);
		return;
	}
	h->marked = (uint32_t)strtoul(text, &end, 10);
	h->marked_to = (uint32_t)strtoul(end, NULL, 10);
	if (h->marked_to > HISTORY_NUMBER_MAX)
		h->marked_to = 0;
	h->last = h->marked_to;
	free(text);
}

int history_mark(struct history *h, uint32_t number, struct error *err)
{
	char text[32];
	int ret;

	snprintf(text, sizeof(text), "%" PRIu32 " %" PRIu32 "\n", number, h->last + 1);
	ret = history_write_synced(h, HISTORY_NEW, mark_name, text, "", err);
	if (!ret)
		ret = history_rename_synced(h, HISTORY_NEW, mark_name, err);
	if (ret) {
		h->last++; /* it may be there all the same: no commit gets the number it speaks of */
		return ret;
	}
	h->marked = number;
	h->marked_to = h->last + 1;
	return 0;
}

int history_unmark(struct history *h, struct error *err)
{
	if (unlinkat(h->dir, mark_name, 0) && errno != ENOENT)
		return history_refuse(h, mark_name, "remove", -errno, err);
	if (fsync(h->dir))
		return history_refuse(h, mark_name, "remove", -errno, err);
	h->marked = 0;
	return 0;
}

void history_settle_mark(struct history *h)
{
	if (!h->marked || history_entry(h, 0)->number <= h->marked_to)
		return;
	unlinkat(h->dir, mark_name, 0);
	h->marked = 0;
}

uint32_t history_marked(const struct history *h)
{
	uint32_t newest = h->n ? h->entries[h->n - 1].number : 0;

	return newest > h->marked && newest <= h->marked_to ? h->marked : 0;
}
