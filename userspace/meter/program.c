// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One object a layout and variant (bpf/guard.h), linked into the agent by its
 * skeleton's bytes. For an attachment the object is opened anew, its configuration is written into the
 * read-only data, its maps are replaced by the pinned ones, and the one program
 * of the wanted kind is loaded.
 */
#include "meter/program.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "meter/feature.h"
#include "meter/meter_state.h"
#include "meter_compact.skel.h"
#include "meter_compact_module.skel.h"
#include "meter_compact_preempt.skel.h"
#include "meter_full.skel.h"
#include "meter_full_module.skel.h"
#include "meter_full_preempt.skel.h"
#include "meter_narrow.skel.h"
#include "meter_narrow_module.skel.h"
#include "meter_narrow_preempt.skel.h"
#include "meter_wide.skel.h"
#include "meter_wide_module.skel.h"
#include "meter_wide_preempt.skel.h"

/* Words that wide and full tables hold besides; all others behind flow_key are the agent's own. */
enum {
	WIDE_WORDS_END = FLOW_KEY_WORDS + FLOW_EXTRA_PACKET_WORDS,
	FULL_WORDS = FLOW_KEY_WORDS + FLOW_EXTRA_WORDS,
	FULL_WORDS_END = FULL_WORDS + FLOW_MORE_PACKET_WORDS,
};

/* What of the kernel a program links against. */
enum variant {
	VARIANT_PLAIN,
	VARIANT_PREEMPT, /* bpf_preempt_disable and bpf_preempt_enable */
	VARIANT_MODULE,  /* those, and flow_sampler.ko */
	VARIANT_MAX,
};

static const void *(*const texts[TABLE_LAYOUT_MAX][VARIANT_MAX])(size_t *size) = {
	[TABLE_COMPACT] = { meter_compact__elf_bytes, meter_compact_preempt__elf_bytes,
			    meter_compact_module__elf_bytes },
	[TABLE_NARROW] = { meter_narrow__elf_bytes, meter_narrow_preempt__elf_bytes,
			   meter_narrow_module__elf_bytes },
	[TABLE_WIDE] = { meter_wide__elf_bytes, meter_wide_preempt__elf_bytes,
			 meter_wide_module__elf_bytes },
	[TABLE_FULL] = { meter_full__elf_bytes, meter_full_preempt__elf_bytes,
			 meter_full_module__elf_bytes },
};

/* By whether anything is sampled, or looked for in tunnels. */
static const char *const program_names[PROGRAM_KIND_MAX][2] = {
	[PROGRAM_XDP] = { "meter_xdp", "sampled_xdp" },
	[PROGRAM_TC] = { "meter_tc", "sampled_tc" },
};

/* What a compact slot has no room for. */
static bool needs_narrow(const struct meter_attach *spec)
{
	static const union {
		struct flow_key key;
		uint64_t words[FLOW_KEY_WORDS];
	} room = {
		.key = {
			.src_v4 = 0xffffffff,
			.dst_v4 = 0xffffffff,
			.src_port = 0xffff,
			.dst_port = 0xffff,
			.protocol = 0xff,
			.tos = 0xff,
			.ip_version = 0xff,
			.direction = 0xff,
			.in_ifindex = 0xffffffff,
			.out_ifindex = 0xffffffff,
			.sampler_id = 0xff,
			.attachment = 0xffff,
		},
	};
	unsigned int i;

	/* words 1 to 3 are zero in IPv4 */
	for (i = 4; i < FLOW_KEY_WORDS; i++)
		if (spec->want[i] & ~room.words[i])
			return true;
	return spec->ipv6 || spec->stats_full;
}

static bool wants_any(const struct meter_attach *spec, unsigned int from, unsigned int to)
{
	for (; from < to; from++)
		if (spec->want[from] | spec->match[from])
			return true;
	return false;
}

enum table_layout program_layout(const struct meter_attach *spec)
{
	if (spec->tcp_counts || spec->mpls || wants_any(spec, FULL_WORDS, FULL_WORDS_END))
		return TABLE_FULL;
	if (spec->other || wants_any(spec, FLOW_KEY_WORDS, WIDE_WORDS_END))
		return TABLE_WIDE;
	return needs_narrow(spec) ? TABLE_NARROW : TABLE_COMPACT;
}

static enum meter_guard choose_guard(void)
{
	if (!feature_preempt_rt())
		return METER_GUARD_NONE;
	return feature_kfunc("bpf_preempt_disable") ? METER_GUARD_PREEMPT : METER_GUARD_BUSY;
}

/* The rule as flow_sampler_rule_init() in sampler_select.h makes it. */
static void configure_sampler(struct attachment_sampler *to, const struct meter *m,
			      const struct meter_attach *spec, const struct meter_taker *taker)
{
	const struct sampler_entry *e = samplers_live(&m->samplers, taker->sampler);

	to->id = taker->sampler;
	to->ipv4 = taker->ipv4;
	to->ipv6 = taker->ipv6;
	to->mpls = taker->mpls;
	to->other = taker->other;
	to->point = (uint8_t)flow_sampler_point(spec->ifindex, spec->direction == FLOW_OUTPUT);
	if (!e)
		return;
	to->rule.mode = e->sampler.mode;
	to->rule.size = e->sampler.size;
	to->rule.population = e->sampler.population;
	to->rule.threshold = ((uint64_t)e->sampler.size << 32) / e->sampler.population;
	if (!m->module.trouble[0])
		to->module_id = samplers_module(e)->id;
}

static void configure_samplers(struct meter_config *config, const struct meter *m,
			       const struct meter_attach *spec)
{
	unsigned int i;

	config->n_samplers = spec->n_takers;
	for (i = 0; i < spec->n_takers; i++)
		configure_sampler(&config->samplers[i], m, spec, &spec->takers[i]);
	meter_config_sampling(config);
}

/*
 * What tells packets with labels from others is always there where they are
 * taken as such. What this kernel has no helper for is wanted by nobody.
 */
static void adapt_words(struct meter_config *config)
{
	static const struct flow_more depth = { .mpls_depth = 0xff }, pid = { .pid = ~0u },
				      sender = { .cgroup_id = ~0ull, .pid = ~0u, .uid = ~0u };
	const uint64_t *labels = (const uint64_t *)&depth;
	uint64_t missing[FLOW_MORE_WORDS] = { 0 };
	unsigned int i;

	if (!feature_sender())
		memcpy(missing, &sender, sizeof(missing));
	else if (!feature_sender_pid())
		memcpy(missing, &pid, sizeof(missing));
	for (i = 0; i < FLOW_MORE_WORDS; i++) {
		config->want[FULL_WORDS + i] &= ~missing[i];
		if (config->mpls) {
			config->want[FULL_WORDS + i] |= labels[i];
			config->match[FULL_WORDS + i] |= labels[i];
		}
	}
}

static void configure(struct meter_config *config, const struct meter *m,
		      const struct meter_attach *spec, uint16_t index, bool link_header)
{
	memset(config, 0, sizeof(*config));
	config->ifindex = spec->ifindex;
	config->attachment = index;
	config->direction = spec->direction;
	config->link = link_header ? METER_LINK_ETHERNET : METER_LINK_NONE;
	config->ipv4 = spec->ipv4;
	config->ipv6 = spec->ipv6;
	config->precise = spec->precise;
	config->stats_full = spec->stats_full;
	config->tcp_counts = spec->tcp_counts;
	config->inner = spec->inner;
	config->mpls = spec->mpls;
	config->other = spec->other;
	config->guard = choose_guard();
	config->table = m->sets[program_layout(spec)].geometry;
	memcpy(config->want, spec->want, sizeof(config->want));
	memcpy(config->match, spec->match, sizeof(config->match));
	adapt_words(config);
	memcpy(config->bucket_seed, m->secret.bucket_seed, sizeof(config->bucket_seed));
	memcpy(config->nh_seed, m->secret.nh_seed, sizeof(config->nh_seed));
	configure_samplers(config, m, spec);
}

/* Samplers that the module is asked for, a bit each. */
static uint32_t by_module(const struct meter_config *config)
{
	uint32_t bits = 0;
	unsigned int i;

	for (i = 0; i < config->n_samplers; i++)
		if (config->samplers[i].module_id)
			bits |= 1u << config->samplers[i].id;
	return bits;
}

/* The object for @config, and its size. */
static const void *choose_text(const struct meter_attach *spec, const struct meter_config *config,
			       size_t *size)
{
	enum variant variant = VARIANT_PLAIN;

	if (by_module(config))
		variant = VARIANT_MODULE;
	else if (config->guard == METER_GUARD_PREEMPT)
		variant = VARIANT_PREEMPT;
	return texts[program_layout(spec)][variant](size);
}

static uint64_t hash(const struct meter_attach *spec, const struct meter_config *config)
{
	const void *text;
	size_t size;

	text = choose_text(spec, config, &size);
	return XXH3_64bits_withSeed(config, sizeof(*config), XXH3_64bits(text, size));
}

uint64_t program_hash(const struct meter *m, const struct meter_attach *spec, uint16_t index,
		      bool link_header)
{
	struct meter_config config;

	configure(&config, m, spec, index, link_header);
	return hash(spec, &config);
}

/* Where in the read-only data is the variable `config`? */
static int find_config(const struct btf *btf, size_t *offset)
{
	const struct btf_var_secinfo *var;
	const struct btf_type *section;
	int i;

	i = btf__find_by_name_kind(btf, ".rodata", BTF_KIND_DATASEC);
	if (i < 0)
		return i;
	section = btf__type_by_id(btf, (uint32_t)i);
	var = btf_var_secinfos(section);
	for (i = 0; i < btf_vlen(section); i++, var++) {
		const struct btf_type *type = btf__type_by_id(btf, var->type);

		if (strcmp(btf__name_by_offset(btf, type->name_off), "config"))
			continue;
		*offset = var->offset;
		return var->size == sizeof(struct meter_config) ? 0 : -EINVAL;
	}
	return -ENOENT;
}

static int set_config(struct bpf_object *object, const struct meter_config *config)
{
	struct bpf_map *rodata = bpf_object__find_map_by_name(object, ".rodata");
	const void *initial;
	size_t size, offset;
	char *data;
	int ret;

	initial = rodata ? bpf_map__initial_value(rodata, &size) : NULL;
	ret = initial ? find_config(bpf_object__btf(object), &offset) : -ENOENT;
	if (ret)
		return ret;
	data = malloc(size);
	if (!data)
		return -ENOMEM;
	memcpy(data, initial, size);
	memcpy(data + offset, config, sizeof(*config));
	ret = bpf_map__set_initial_value(rodata, data, size);
	free(data);
	return ret;
}

static int share_map(struct bpf_object *object, const char *name, int fd)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, name);

	return map ? bpf_map__reuse_fd(map, fd) : -ENOENT;
}

static int share_maps(struct bpf_object *object, const struct meter *m, enum table_layout layout)
{
	int ret;

	ret = share_map(object, "tables", m->sets[layout].outer_fd);
	if (!ret)
		ret = share_map(object, "control", m->control_fd);
	if (!ret)
		ret = share_map(object, "wake", m->wake_fd);
	if (!ret)
		ret = share_map(object, "sampling", m->samplers.sampling_fd);
	if (!ret && m->scratch_fds[layout] >= 0)
		ret = share_map(object, "scratch", m->scratch_fds[layout]);
	return ret;
}

/* What is made for the first program does for all of its layout: nothing in it stays. */
static void keep_scratch(struct meter *m, enum table_layout layout, struct bpf_object *object)
{
	struct bpf_map *map = bpf_object__find_map_by_name(object, "scratch");

	if (m->scratch_fds[layout] < 0 && map)
		m->scratch_fds[layout] = fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 0);
}

static int load_only(struct bpf_object *object, const char *name)
{
	struct bpf_program *program = NULL;

	while ((program = bpf_object__next_program(object, program)))
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), name));
	return bpf_object__load(object);
}

static int keep(struct program *p, struct bpf_object *object, const char *name)
{
	struct bpf_program *program = bpf_object__find_program_by_name(object, name);
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	if (!program)
		return -ENOENT;
	p->fd = dup(bpf_program__fd(program));
	if (p->fd < 0 || bpf_obj_get_info_by_fd(p->fd, &info, &size))
		return -errno;
	p->id = info.id;
	return 0;
}

static int load(struct program *p, struct meter *m, const struct meter_attach *spec,
		const char *name, const struct meter_config *config)
{
	struct bpf_object *object;
	const void *text;
	size_t size;
	int ret;

	p->fd = -1;
	p->hash = hash(spec, config);
	p->by_module = by_module(config);
	text = choose_text(spec, config, &size);
	object = bpf_object__open_mem(text, size, NULL);
	if (!object)
		return -errno;
	ret = set_config(object, config);
	if (!ret)
		ret = share_maps(object, m, program_layout(spec));
	if (!ret)
		ret = load_only(object, name);
	if (!ret)
		ret = keep(p, object, name);
	if (!ret)
		keep_scratch(m, program_layout(spec), object);
	bpf_object__close(object);
	if (ret)
		program_close(p);
	return ret;
}

int program_load(struct program *p, struct meter *m, const struct meter_attach *spec,
		 enum program_kind kind, uint16_t index, bool link_header, struct error *err)
{
	const char *name = program_names[kind][spec->n_takers || spec->inner];
	struct meter_config config;
	int ret;

	configure(&config, m, spec, index, link_header);
	ret = load(p, m, spec, name, &config);
	if (ret && p->by_module) {
		module_refuse(&m->module, strerror(-ret));
		configure(&config, m, spec, index, link_header);
		ret = load(p, m, spec, name, &config);
	}
	if (!ret)
		return 0;
	return feature_explain(
		err, ret, "loading the metering program (the debug log has the kernel's reasons)");
}

void program_close(struct program *p)
{
	if (p->fd >= 0)
		close(p->fd);
	p->fd = -1;
}
