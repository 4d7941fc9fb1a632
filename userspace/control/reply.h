/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request and the answer to it, as the commands see them.
 */
#ifndef FLOWGAUGE_CONTROL_REPLY_H
#define FLOWGAUGE_CONTROL_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/control_wire.h"
#include "base/out.h"

struct commits;
struct config_monitor;
struct engine;
struct monitor;

struct reply {
	struct engine *engine;
	struct commits *commits;
	char by[24];    /* who asks: "root", "uid 1000" */
	struct out out; /* its output becomes CONTROL_OUTPUT frames */
	int argc;
	char **argv; /* the command's words, without the output mode */
	const char *body;
	size_t body_length;
	uint32_t exit_code;
	char message[600]; /* for standard error */
	/* flow dump goes on from here */
	bool dumping;
	bool dump_named; /* the names of applications were sent */
	unsigned int dump_monitor;
	uint32_t dump_position;
	uint64_t dump_layout;
	/* what is to be sent: frames back to back */
	uint8_t *data;
	size_t length, room;
	bool no_memory;
};

/* Append a frame. */
void reply_frame(struct reply *r, enum control_type type, const void *data, size_t n);

/* The answer is an error: @exit_code 1 failed, 2 wrong words. */
void reply_fail(struct reply *r, uint32_t exit_code, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The commands; each file shows one object. */
void show_interfaces(struct reply *r);
void show_monitors(struct reply *r);
void clear_monitor(struct reply *r);
/* Part of a monitor that is shown. */
void show_statistics(struct out *o, const struct monitor *m, const struct config_monitor *c);
void show_exporters(struct reply *r);
void show_templates(struct reply *r);
void show_records(struct reply *r);
void show_samplers(struct reply *r);
void show_applications(struct reply *r);
void show_stats(struct reply *r);
void answer_config(struct reply *r);
void show_version(struct reply *r);
void answer_load(struct reply *r);
void answer_check(struct reply *r);
void answer_save(struct reply *r);
void set_candidate(struct reply *r);
void discard_candidate(struct reply *r);
void rollback_candidate(struct reply *r);
void commit_candidate(struct reply *r);
void show_history(struct reply *r);
void show_commits(struct reply *r);
void attach_interface(struct reply *r);
void detach_interface(struct reply *r);
void dump_flows(struct reply *r);
/* The next slice of a dump; r->dumping is false after the last. */
void dump_more(struct reply *r);

/*
 * Find the command of r->argv. Wrong words: a reply with exit code 2 and NULL.
 * *@fresh: it wants counts up to this moment, so a sweep has to come first.
 */
typedef void (*command_run)(struct reply *r);
command_run command_find(struct reply *r, bool *fresh);

#endif
