// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Opening takes up what is pinned, or pins what is missing: the control word,
 * the ring buffer that wakes the agent, the hashes' secret, the roster. Tables
 * of a layout come with the first attachment that needs them. A pin of another
 * version or size stops the start, and nothing is changed then.
 */
#include "meter/meter.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/log.h"
#include "meter/feature.h"
#include "meter/generation.h"
#include "meter/map.h"
#include "meter/meter_state.h"
#include "meter/sampling.h"

enum {
	ATTACHMENTS_DEFAULT = 512,
	ATTACHMENTS_MAX = 65534,
	LIBBPF_TAIL = 2048,
};

static const struct map_shape control_shape = {
	.name = "fg_control",
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(uint32_t),
	.value_size = sizeof(struct meter_control),
	.max_entries = 1,
	.flags = BPF_F_MMAPABLE,
};

static const struct map_shape secret_shape = {
	.name = "fg_secret",
	.type = BPF_MAP_TYPE_ARRAY,
	.key_size = sizeof(uint32_t),
	.value_size = sizeof(struct meter_secret),
	.max_entries = 1,
};

static int fill_element(int fd, const void *value)
{
	uint32_t zero = 0;

	return bpf_map_update_elem(fd, &zero, value, BPF_ANY) ? -errno : 0;
}

static int fill_control(int fd)
{
	struct meter_control control;
	uint32_t random;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	generation_init(&control, random);
	return fill_element(fd, &control);
}

static int fill_secret(int fd)
{
	struct meter_secret secret;

	if (getrandom(&secret, sizeof(secret), 0) != sizeof(secret))
		return -EIO;
	secret.bucket_seed[0] |= 1;
	secret.bucket_seed[1] |= 1;
	return fill_element(fd, &secret);
}

static int open_control(struct meter *m, struct error *err)
{
	char why[64];

	m->control_fd = map_take(&m->dir, "control", &control_shape, fill_control, err);
	if (m->control_fd < 0)
		return m->control_fd;
	m->control = map_memory(m->control_fd, &control_shape);
	if (!m->control)
		return error_set(err, -ENOMEM, "the control word cannot be mapped");
	if (m->control->abi_version == TABLE_ABI_VERSION && m->control->active < TABLE_GENERATIONS)
		return 0;
	snprintf(why, sizeof(why), "is of version %u (here %u)", m->control->abi_version,
		 (unsigned int)TABLE_ABI_VERSION);
	return pin_stale(&m->dir, err, "control", why);
}

static int open_wake(struct meter *m, struct error *err)
{
	const struct map_shape shape = {
		.name = "fg_wake",
		.type = BPF_MAP_TYPE_RINGBUF,
		.max_entries = (uint32_t)sysconf(_SC_PAGESIZE),
	};

	m->wake_fd = map_take(&m->dir, "wake", &shape, NULL, err);
	return m->wake_fd < 0 ? m->wake_fd : 0;
}

static int open_secret(struct meter *m, struct error *err)
{
	uint32_t zero = 0;
	int fd, ret = 0;

	fd = map_take(&m->dir, "secret", &secret_shape, fill_secret, err);
	if (fd < 0)
		return fd;
	if (bpf_map_lookup_elem(fd, &zero, &m->secret))
		ret = error_set(err, -errno, "the secret cannot be read: %s", strerror(errno));
	close(fd);
	return ret;
}

static int open_roster(struct meter *m, struct error *err)
{
	int ret = roster_open(&m->roster, &m->dir, m->tables.attachments, err);

	if (ret)
		return ret;
	m->attachments = calloc(m->roster.size, sizeof(*m->attachments));
	return m->attachments ? 0 : error_set(err, -ENOMEM, "no memory");
}

int meter_open_tables(struct meter *m, enum table_layout layout, struct error *err)
{
	if (m->sets[layout].n_cpus)
		return 0;
	return table_set_open(&m->sets[layout], &m->dir, layout, &m->tables, err);
}

static int open_pinned_tables(struct meter *m, struct error *err)
{
	int layout, ret = 0;

	for (layout = 0; layout < TABLE_LAYOUT_MAX && !ret; layout++)
		if (table_set_pinned(&m->dir, layout))
			ret = meter_open_tables(m, layout, err);
	return ret;
}

static int open_all(struct meter *m, struct error *err)
{
	int ret;

	ret = open_control(m, err);
	if (!ret)
		ret = open_wake(m, err);
	if (!ret)
		ret = open_secret(m, err);
	if (!ret)
		ret = open_roster(m, err);
	if (!ret)
		ret = sampling_open(m, err);
	if (!ret)
		ret = open_pinned_tables(m, err);
	return ret;
}

/* Of long texts (the verifier's) the end tells most. */
static int __attribute__((format(printf, 2, 0)))
print_libbpf(enum libbpf_print_level level, const char *format, va_list args)
{
	char *text, *line, *rest;
	int length;

	if (level == LIBBPF_DEBUG || vasprintf(&text, format, args) < 0)
		return 0;
	length = (int)strlen(text);
	rest = length > LIBBPF_TAIL ? text + length - LIBBPF_TAIL : text;
	while ((line = strsep(&rest, "\n")))
		if (*line)
			log_debug("%s", line);
	free(text);
	return 0;
}

void meter_log_libbpf(void)
{
	libbpf_set_print(print_libbpf);
}

static struct meter *allocate(const struct meter_params *params)
{
	struct meter *m = calloc(1, sizeof(*m));
	int layout;

	if (!m)
		return NULL;
	m->dir.fd = m->control_fd = m->wake_fd = -1;
	m->samplers.sampling_fd = -1;
	m->no_tcx = params->no_tcx;
	m->tables.attachments = params->attachments ? params->attachments : ATTACHMENTS_DEFAULT;
	m->tables.flows = params->table_flows;
	m->tables.evictions = params->eviction_flows;
	for (layout = 0; layout < TABLE_LAYOUT_MAX; layout++)
		m->sets[layout].outer_fd = m->scratch_fds[layout] = -1;
	return m;
}

int meter_open(struct meter **mp, const struct meter_params *params, struct error *err)
{
	struct meter *m;
	int ret;

	if (params->attachments > ATTACHMENTS_MAX)
		return error_set(err, -EINVAL, "%u attachments are too many: %u at most",
				 params->attachments, ATTACHMENTS_MAX);
	meter_log_libbpf();
	ret = feature_check_capabilities(err);
	if (ret)
		return ret;
	m = allocate(params);
	if (!m)
		return error_set(err, -ENOMEM, "no memory");
	ret = pin_dir_open(&m->dir, params->pin_dir, err);
	if (!ret)
		ret = open_all(m, err);
	if (!ret)
		ret = attach_adopt_all(m, err);
	if (ret) {
		meter_close(m);
		return ret;
	}
	sampling_adopt(m);
	*mp = m;
	return 0;
}

void meter_close(struct meter *m)
{
	int layout;

	if (!m)
		return;
	for (layout = 0; layout < TABLE_LAYOUT_MAX; layout++) {
		table_set_close(&m->sets[layout]);
		if (m->scratch_fds[layout] >= 0)
			close(m->scratch_fds[layout]);
	}
	free(m->attachments);
	sampling_close(m);
	roster_close(&m->roster);
	if (m->control)
		map_unmap(m->control, sizeof(*m->control), 1);
	if (m->control_fd >= 0)
		close(m->control_fd);
	if (m->wake_fd >= 0)
		close(m->wake_fd);
	pin_dir_close(&m->dir);
	free(m);
}

const struct meter_attachment *meter_attachment(const struct meter *m, unsigned int i)
{
	uint16_t index;

	for (index = 1; index < m->roster.limit; index++)
		if (m->attachments[index].spec.id && !i--)
			return &m->attachments[index];
	return NULL;
}

void meter_forget(struct meter *m)
{
	roster_forget(&m->roster, m->control);
	sampling_forget(m);
}
