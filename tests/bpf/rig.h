/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * rig.h - one metering program, loaded as an attachment loads it, with its
 * tables, and the means to run packets through it and to read what it counted.
 * Knows the tables by table_abi.h alone.
 */
#ifndef FLOWGAUGE_TEST_RIG_H
#define FLOWGAUGE_TEST_RIG_H

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "config.h"
#include "flow_abi.h"
#include "kernel.h"
#include "table_abi.h"

#include "meter_compact.skel.h"
#include "meter_compact_preempt.skel.h"
#include "meter_full.skel.h"
#include "meter_full_preempt.skel.h"
#include "meter_narrow.skel.h"
#include "meter_narrow_preempt.skel.h"
#include "meter_wide.skel.h"
#include "meter_wide_preempt.skel.h"

enum { RIG_ATTACHMENT = 3, RIG_ATTACHMENTS = 4, RIG_FRAME_MAX = 1 << 16 };

enum rig_hook { RIG_XDP, RIG_TC, RIG_HOOKS };

struct rig_options {
	enum table_layout layout;
	enum rig_hook hook;
	__u32 buckets;   /* 0: 1024 */
	__u32 evictions; /* of the log, as it is */
	struct meter_config config;
	const void *elf; /* another object than the layout's; NULL: that */
	size_t elf_size;
	bool drop_passed; /* XDP_DROP where it says XDP_PASS: live frames end there */
};

struct rig {
	enum table_layout layout;
	enum rig_hook hook;
	const char *program;
	struct bpf_object *object;
	struct table_geometry geometry;
	struct meter_control *control;
	struct sampler_cpu *sampling; /* by cpu * SAMPLERS + id */
	unsigned char **tables;       /* by cpu * TABLE_GENERATIONS + generation */
	int *table_fds;
	int n_cpus, n_tables;
	int program_fd, tables_fd, control_fd, wake_fd;
};

/* by whether anything is sampled */
static const char *const rig_program_names[RIG_HOOKS][2] = {
	[RIG_XDP] = { "meter_xdp", "sampled_xdp" },
	[RIG_TC] = { "meter_tc", "sampled_tc" },
};

/* Everything wanted, everything identity, both families, seeds that tests can tell. */
static inline struct meter_config rig_config(void)
{
	struct meter_config config = {
		.ifindex = 7,
		.attachment = RIG_ATTACHMENT,
		.direction = FLOW_INPUT,
		.link = METER_LINK_ETHERNET,
		.ipv4 = 1,
		.ipv6 = 1,
		.stats_full = 1,
		.tcp_counts = 1,
		.bucket_seed = { 0x9e3779b97f4a7c15ULL, 0xc2b2ae3d27d4eb4fULL },
	};

	memset(config.want, 0xff, sizeof(config.want));
	memset(config.match, 0xff, sizeof(config.match));
	kernel_adapt(&config);
	for (int i = 0; i < METER_NH_SEEDS; i++)
		config.nh_seed[i] = 0x85ebca6bU * (i + 1);
	return config;
}

static inline const void *rig_elf(const struct rig_options *o, size_t *size)
{
	bool preempt = o->config.guard == METER_GUARD_PREEMPT;

	*size = o->elf_size;
	if (o->elf)
		return o->elf;
	switch (o->layout) {
	case TABLE_COMPACT:
		return preempt ? meter_compact_preempt__elf_bytes(size) :
				 meter_compact__elf_bytes(size);
	case TABLE_NARROW:
		return preempt ? meter_narrow_preempt__elf_bytes(size) :
				 meter_narrow__elf_bytes(size);
	case TABLE_WIDE:
		return preempt ? meter_wide_preempt__elf_bytes(size) : meter_wide__elf_bytes(size);
	default:
		return preempt ? meter_full_preempt__elf_bytes(size) : meter_full__elf_bytes(size);
	}
}

static inline int rig_create_table(const struct rig *r)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = BPF_F_MMAPABLE);

	return bpf_map_create(BPF_MAP_TYPE_ARRAY, "rig_table", sizeof(__u32),
			      r->geometry.element_size, r->geometry.elements, &opts);
}

static inline void *rig_mmap(int fd, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static inline size_t rig_table_size(const struct rig *r)
{
	return (size_t)r->geometry.elements * r->geometry.element_size;
}

static inline size_t rig_sampling_size(const struct rig *r)
{
	size_t page = sysconf(_SC_PAGESIZE);

	return (r->n_cpus * SAMPLERS * sizeof(struct sampler_cpu) + page - 1) & ~(page - 1);
}

/* Octets that are only there to be counted need not go up the stack. */
static inline int rig_drop_passed(struct bpf_program *program)
{
	size_t n = bpf_program__insn_cnt(program), patched = 0;
	struct bpf_insn *insns = malloc(n * sizeof(*insns));

	memcpy(insns, bpf_program__insns(program), n * sizeof(*insns));
	for (size_t i = 0; i + 1 < n; i++) {
		struct bpf_insn *insn = &insns[i];

		if ((insn->code & ~0x07) == (BPF_MOV | BPF_K) && BPF_CLASS(insn->code) >= BPF_ALU &&
		    insn->dst_reg == BPF_REG_0 && insn->imm == XDP_PASS &&
		    insn[1].code == (BPF_JMP | BPF_EXIT)) {
			insn->imm = XDP_DROP;
			patched++;
		}
	}
	if (patched)
		bpf_program__set_insns(program, insns, n);
	free(insns);
	return patched ? 0 : -ENOENT;
}

static inline struct bpf_program *rig_program(const struct rig *r)
{
	return bpf_object__find_program_by_name(r->object, r->program);
}

/* Open the object, specialise it. */
static inline int rig_prepare(struct rig *r, const struct rig_options *o)
{
	struct meter_config config = o->config;
	struct bpf_program *program;
	struct bpf_map *map;
	const void *elf;
	size_t size;
	int ret;

	elf = rig_elf(o, &size);
	r->object = bpf_object__open_mem(elf, size, NULL);
	if (!r->object)
		return -errno;
	config.table = r->geometry;
	meter_config_sampling(&config);
	map = bpf_object__find_map_by_name(r->object, ".rodata");
	ret = bpf_map__set_initial_value(map, &config, sizeof(config));
	if (ret)
		return ret;
	bpf_object__for_each_program(program, r->object)
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), r->program));
	if (o->drop_passed && rig_drop_passed(rig_program(r)))
		return -ENOENT;
	map = bpf_object__find_map_by_name(r->object, "sampling");
	ret = bpf_map__set_max_entries(map, r->n_cpus * SAMPLERS);
	if (ret)
		return ret;
	map = bpf_object__find_map_by_name(r->object, "tables");
	ret = bpf_map__set_inner_map_fd(map, r->table_fds[0]);
	return ret ? ret : bpf_map__set_max_entries(map, r->n_tables);
}

static inline int rig_map_fd(const struct rig *r, const char *name)
{
	return bpf_object__find_map_fd_by_name(r->object, name);
}

static inline int rig_create_tables(struct rig *r)
{
	for (int i = 0; i < r->n_tables; i++) {
		r->table_fds[i] = rig_create_table(r);
		if (r->table_fds[i] < 0)
			return r->table_fds[i];
		r->tables[i] = rig_mmap(r->table_fds[i], rig_table_size(r));
		if (!r->tables[i])
			return -errno;
	}
	return 0;
}

static inline int rig_fill_outer(struct rig *r)
{
	for (__u32 i = 0; i < (__u32)r->n_tables; i++) {
		if (bpf_map_update_elem(r->tables_fd, &i, &r->table_fds[i], BPF_ANY))
			return -errno;
	}
	return 0;
}

static inline int rig_open(struct rig *r, const struct rig_options *o)
{
	int ret;

	memset(r, 0, sizeof(*r));
	r->layout = o->layout;
	r->hook = o->hook;
	r->program = rig_program_names[o->hook][o->config.n_samplers || o->config.inner];
	r->n_cpus = libbpf_num_possible_cpus();
	r->n_tables = r->n_cpus * TABLE_GENERATIONS;
	r->tables = calloc(r->n_tables, sizeof(*r->tables));
	r->table_fds = calloc(r->n_tables, sizeof(*r->table_fds));
	table_geometry_init(&r->geometry, o->layout, RIG_ATTACHMENTS,
			    o->buckets ? o->buckets : 1024, o->evictions);
	ret = rig_create_tables(r);
	if (!ret)
		ret = rig_prepare(r, o);
	if (!ret)
		ret = bpf_object__load(r->object);
	if (ret)
		return ret;
	r->program_fd = bpf_program__fd(rig_program(r));
	r->tables_fd = rig_map_fd(r, "tables");
	r->control_fd = rig_map_fd(r, "control");
	r->wake_fd = rig_map_fd(r, "wake");
	r->control = rig_mmap(r->control_fd, sysconf(_SC_PAGESIZE));
	r->sampling = rig_mmap(rig_map_fd(r, "sampling"), rig_sampling_size(r));
	return r->control && r->sampling ? rig_fill_outer(r) : -errno;
}

static inline void rig_close(struct rig *r)
{
	for (int i = 0; i < r->n_tables; i++) {
		if (r->tables[i])
			munmap(r->tables[i], rig_table_size(r));
		if (r->table_fds[i] > 0)
			close(r->table_fds[i]);
	}
	if (r->control)
		munmap(r->control, sysconf(_SC_PAGESIZE));
	if (r->sampling)
		munmap(r->sampling, rig_sampling_size(r));
	free(r->tables);
	free(r->table_fds);
	bpf_object__close(r->object);
}

static inline void rig_stay_on_cpu(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof(set), &set);
}

static inline void *rig_element(const struct rig *r, int table, __u32 element)
{
	return r->tables[table] + (size_t)element * r->geometry.element_size;
}

static inline struct table_head *rig_head(const struct rig *r, int table)
{
	return rig_element(r, table, 0);
}

/* Add what table @table counted for the rig's attachment. */
static inline void rig_add_counters(const struct rig *r, int table,
				    struct packet_count sum[ATTACH_COUNTER_MAX])
{
	const struct table_counters *counters = rig_element(r, table, RIG_ATTACHMENT);

	for (int i = 0; i < ATTACH_COUNTER_MAX; i++) {
		sum[i].packets += counters->count[i].packets;
		sum[i].octets += counters->count[i].octets;
	}
}

static inline void rig_counters(const struct rig *r, struct packet_count sum[ATTACH_COUNTER_MAX])
{
	memset(sum, 0, sizeof(*sum) * ATTACH_COUNTER_MAX);
	for (int i = 0; i < r->n_tables; i++)
		rig_add_counters(r, i, sum);
}

/* A slot as key, further words and counters. */
struct rig_record {
	struct flow_key key;
	struct flow_extra extra;
	struct flow_more more;
	struct flow_stats stats;
	__u64 tcp_counts[FLOW_TCP_COUNTS];
};

static inline void rig_decode_compact(const struct slot_compact *slot, struct rig_record *out)
{
	out->key.src_v4 = slot->src_v4;
	out->key.dst_v4 = slot->dst_v4;
	out->key.src_port = slot->src_port;
	out->key.dst_port = slot->dst_port;
	out->key.protocol = slot->protocol;
	out->key.tos = slot->tos;
	out->key.ip_version = 4;
	out->key.attachment = slot->attachment;
	out->key.samplers = slot->samplers;
	out->stats.packets = slot->packets;
	out->stats.octets = slot->octets;
	out->stats.first_ns = slot->first_ns;
	out->stats.last_ns = slot->last_ns;
	out->stats.tcp_flags = slot->tcp_flags;
	out->stats.ttl_min = slot->ttl_min;
	out->stats.ttl_max = slot->ttl_max;
}

static inline void rig_decode(const struct rig *r, const void *at, struct rig_record *out)
{
	const struct slot_narrow *narrow = at;
	const struct slot_wide *wide = at;
	const struct slot_full *full = at;

	memset(out, 0, sizeof(*out));
	switch (r->layout) {
	case TABLE_COMPACT:
		rig_decode_compact(at, out);
		break;
	case TABLE_NARROW:
		out->key = narrow->key;
		out->stats = narrow->stats;
		break;
	case TABLE_WIDE:
		out->key = wide->key;
		memcpy(&out->extra, wide->extra, sizeof(wide->extra));
		out->stats = wide->stats;
		break;
	default:
		out->key = full->key;
		memcpy(&out->extra, full->extra, sizeof(full->extra));
		memcpy(&out->more, full->more, sizeof(full->more));
		out->stats = full->stats;
		memcpy(out->tcp_counts, full->tcp_counts, sizeof(full->tcp_counts));
	}
}

/* Where record @i of table @table lies: the filled slots first, then the evicted. NULL behind the last. */
static inline void *rig_slot(const struct rig *r, int table, __u32 i)
{
	const struct table_geometry *g = &r->geometry;
	const struct table_head *head = rig_head(r, table);
	__u32 position, *log;

	if (i < head->n_filled) {
		log = rig_element(r, table, g->first_fill_log + i / g->fills_per_element);
		position = log[i % g->fills_per_element];
		return (unsigned char *)rig_element(r, table,
						    g->first_bucket + position / TABLE_SLOTS) +
		       sizeof(struct table_tags) + position % TABLE_SLOTS * g->slot_size;
	}
	i -= head->n_filled;
	if (i >= head->n_evicted)
		return NULL;
	return (unsigned char *)rig_element(r, table,
					    g->first_eviction + i / g->evictions_per_element) +
	       i % g->evictions_per_element * g->slot_size;
}

static inline bool rig_record(const struct rig *r, int table, __u32 i, struct rig_record *out)
{
	const void *slot = rig_slot(r, table, i);

	if (slot)
		rig_decode(r, slot, out);
	return slot != NULL;
}

/* As the agent leaves a generation that was drained: what was used is zero again. */
static inline void rig_reset(struct rig *r, int table)
{
	struct table_head *head = rig_head(r, table);
	const struct table_geometry *g = &r->geometry;

	for (__u32 i = 0; i < head->n_filled; i++) {
		const __u32 *log =
			rig_element(r, table, g->first_fill_log + i / g->fills_per_element);
		__u32 bucket = log[i % g->fills_per_element] / TABLE_SLOTS;

		memset(rig_element(r, table, g->first_bucket + bucket), 0,
		       sizeof(struct table_tags));
		memset(rig_slot(r, table, i), 0, g->slot_size);
	}
	for (__u32 i = 1; i <= g->attachments; i++)
		memset(rig_element(r, table, i), 0, g->element_size);
	memset(head, 0, sizeof(*head));
}

static inline void rig_reset_all(struct rig *r)
{
	for (int i = 0; i < r->n_tables; i++)
		rig_reset(r, i);
}

/* Let every program that may still write to the other generation end. */
static inline int rig_fence(struct rig *r)
{
	__u32 zero = 0;

	return bpf_map_update_elem(r->tables_fd, &zero, &r->table_fds[0], BPF_ANY) ? -errno : 0;
}

struct rig_run {
	const void *frame;
	__u32 length;
	__u32 linear;          /* XDP: octets of it that are linear; 0: all */
	struct __sk_buff *skb; /* tc; may be NULL */
	__u32 repeat;          /* 0: 1 */
	/* out */
	unsigned char after[RIG_FRAME_MAX];
	__u32 after_length;
	__u32 verdict;
	__u32 duration_ns;
};

static inline int rig_run(const struct rig *r, struct rig_run *run)
{
	struct xdp_md xdp = { .data_end = run->linear };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = run->frame, .data_size_in = run->length,
		    .data_out = run->after, .data_size_out = sizeof(run->after),
		    .repeat = run->repeat);
	int ret;

	if (r->hook == RIG_XDP && run->linear) {
		opts.ctx_in = &xdp;
		opts.ctx_size_in = sizeof(xdp);
	} else if (r->hook == RIG_TC && run->skb) {
		opts.ctx_in = run->skb;
		opts.ctx_size_in = sizeof(*run->skb);
	}
	ret = bpf_prog_test_run_opts(r->program_fd, &opts);
	run->after_length = opts.data_size_out;
	run->verdict = opts.retval;
	run->duration_ns = opts.duration;
	return ret ? -errno : 0;
}

/* XDP_PASS, TC_ACT_UNSPEC */
static inline __u32 rig_verdict(const struct rig *r)
{
	return r->hook == RIG_XDP ? XDP_PASS : (__u32)-1;
}

#endif
