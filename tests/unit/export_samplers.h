/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Samplers for tests of the exporter, and the message of the golden files.
 */
#ifndef FLOWGAUGE_TESTS_EXPORT_SAMPLERS_H
#define FLOWGAUGE_TESTS_EXPORT_SAMPLERS_H

#include "export/sampler_table.h"

enum { SAMPLERS_OF_ALL_MODES = 5 };

/* clang-format off */
static const struct sampler_report samplers_of_all_modes[SAMPLERS_OF_ALL_MODES] = {
	{ 1, { "THREE-IN-100", FLOW_SAMPLER_MODE_DETERMINISTIC, 3, 100 },
	  { { 1000, 64000 }, { 30, 1920 } } },
	{ 2, { "RANDOM-2-IN-5", FLOW_SAMPLER_MODE_RANDOM, 2, 5 },
	  { { 0x100000000, 0x4000000000 }, { 0x66666666, 0x1999999980 } } },
	{ 3, { "PROBABILITY-1-IN-8", FLOW_SAMPLER_MODE_PROBABILITY, 1, 8 },
	  { { 800, 51200 }, { 103, 6592 } } },
	{ 14, { "TIME-10-IN-1000", FLOW_SAMPLER_MODE_TIME, 10, 1000 },
	  { { 500, 32000 }, { 0, 0 } } },
	{ 15, { "HASH-1-IN-4", FLOW_SAMPLER_MODE_HASH, 1, 4 },
	  { { 4, 256 }, { UINT64_MAX, 0 } } },
};
/* clang-format on */

/* A message of them, 1400 octets at most; returns the records of samplers in it. */
static inline uint32_t samplers_message(const struct export_protocol *protocol, struct message *m,
					uint8_t *octets)
{
	static struct template_table templates;
	static struct sampler_table table;
	struct options o = { m, octets, protocol, &templates, 0, 0 };
	struct message_header h = {
		.uptime_ms = 3600750,
		.unix_s = 1704067211,
		.sequence = 7,
		.domain = 42,
	};
	struct sampler_announcer a;
	uint32_t n;

	sampler_announcer_init(&a, &table);
	sampler_announcer_set(&a, samplers_of_all_modes, SAMPLERS_OF_ALL_MODES, 0);
	message_begin(m, protocol, 1400);
	n = sampler_announcer_put(&a, &o, 42, false);
	h.length = message_flush(m, octets);
	h.records = m->records;
	protocol->put_header(octets, &h);
	return n;
}

#endif
