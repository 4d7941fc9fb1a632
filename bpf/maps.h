/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * maps.h - what the programs share with the agent: their configuration and
 * the maps. Sizes of the outer and the inner map are the loader's: the outer
 * has TABLE_GENERATIONS for each possible CPU, the inner what the geometry
 * says. All but the configuration are pinned and outlive programs and agent.
 */
#ifndef FLOWGAUGE_MAPS_H
#define FLOWGAUGE_MAPS_H

#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

#include "config.h"

const volatile struct meter_config config;

/*
 * Not volatile, so that what is not used is not read either; the compiler must
 * not see where it comes from, or it takes all of it for zero.
 */
static __always_inline const struct meter_config *configured(void)
{
	const struct meter_config *c = (const struct meter_config *)&config;

	asm("" : "+r"(c));
	return c;
}

#if defined(FLOW_LAYOUT_COMPACT)
#define SLOT_OCTETS sizeof(struct slot_compact)
#elif defined(FLOW_LAYOUT_NARROW)
#define SLOT_OCTETS sizeof(struct slot_narrow)
#elif defined(FLOW_LAYOUT_WIDE)
#define SLOT_OCTETS sizeof(struct slot_wide)
#else
#define SLOT_OCTETS sizeof(struct slot_full)
#endif

struct table_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(struct table_tags) + TABLE_SLOTS * SLOT_OCTETS);
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, TABLE_GENERATIONS);
	__type(key, __u32);
	__array(values, struct table_map);
} tables SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct meter_control);
} control SEC(".maps");

/* SAMPLERS for each possible CPU, the loader sees to it. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SAMPLERS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct sampler_cpu);
} sampling SEC(".maps");

/* An __u32: the number in `tables` of the table that passed its watermark. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} wake SEC(".maps");

#endif
