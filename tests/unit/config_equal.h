/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether two configurations say the same: every octet but the numbers of
 * lines. Works on copies, so that a member that is added is compared too.
 */
#ifndef FLOWGAUGE_TESTS_CONFIG_EQUAL_H
#define FLOWGAUGE_TESTS_CONFIG_EQUAL_H

#include <string.h>

#include "config/config.h"

static inline bool record_equal(struct config_record a, struct config_record b)
{
	unsigned int i;

	for (i = 0; i < a.n_fields && i < b.n_fields; i++) {
		if (a.fields[i].field != b.fields[i].field ||
		    a.fields[i].match != b.fields[i].match)
			return false;
	}
	memset(a.fields, 0, sizeof(a.fields));
	memset(b.fields, 0, sizeof(b.fields));
	a.line = b.line = 0;
	return !memcmp(&a, &b, sizeof(a));
}

static inline bool exporter_equal(struct config_exporter a, struct config_exporter b)
{
	a.line = b.line = 0;
	return !memcmp(&a, &b, sizeof(a));
}

static inline bool sampler_equal(struct config_sampler a, struct config_sampler b)
{
	a.line = b.line = 0;
	return !memcmp(&a, &b, sizeof(a));
}

static inline bool application_equal(struct config_application a, struct config_application b)
{
	unsigned int i;

	for (i = 0; i < CONFIG_APPLICATION_PORTS_MAX; i++)
		a.ports[i].line = b.ports[i].line = 0;
	a.line = b.line = 0;
	return !memcmp(&a, &b, sizeof(a));
}

static inline bool monitor_equal(struct config_monitor a, struct config_monitor b)
{
	a.line = b.line = a.record_line = b.record_line = 0;
	memset(a.exporter_lines, 0, sizeof(a.exporter_lines));
	memset(b.exporter_lines, 0, sizeof(b.exporter_lines));
	return !memcmp(&a, &b, sizeof(a));
}

static inline bool attachment_equal(struct config_attachment a, struct config_attachment b)
{
	a.line = b.line = 0;
	return !memcmp(&a, &b, sizeof(a));
}

static inline bool interface_equal(struct config_interface a, struct config_interface b)
{
	unsigned int i;

	if (a.n_attachments != b.n_attachments)
		return false;
	for (i = 0; i < a.n_attachments; i++)
		if (!attachment_equal(a.attachments[i], b.attachments[i]))
			return false;
	a.attachments = b.attachments = NULL;
	a.line = b.line = 0;
	return !memcmp(&a, &b, sizeof(a));
}

static inline bool config_equal(const struct config *a, const struct config *b)
{
	unsigned int i;

	if (a->n_records != b->n_records || a->n_exporters != b->n_exporters ||
	    a->n_samplers != b->n_samplers || a->n_monitors != b->n_monitors ||
	    a->n_interfaces != b->n_interfaces || a->n_applications != b->n_applications ||
	    a->given != b->given || memcmp(a->as_table, b->as_table, sizeof(a->as_table)))
		return false;
	for (i = 0; i < a->n_records; i++)
		if (!record_equal(a->records[i], b->records[i]))
			return false;
	for (i = 0; i < a->n_exporters; i++)
		if (!exporter_equal(a->exporters[i], b->exporters[i]))
			return false;
	for (i = 0; i < a->n_samplers; i++)
		if (!sampler_equal(a->samplers[i], b->samplers[i]))
			return false;
	for (i = 0; i < a->n_applications; i++)
		if (!application_equal(a->applications[i], b->applications[i]))
			return false;
	for (i = 0; i < a->n_monitors; i++)
		if (!monitor_equal(a->monitors[i], b->monitors[i]))
			return false;
	for (i = 0; i < a->n_interfaces; i++)
		if (!interface_equal(a->interfaces[i], b->interfaces[i]))
			return false;
	return true;
}

#endif
