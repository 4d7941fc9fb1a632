/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * account.h - what became of a packet, in the active generation of this CPU's
 * table: counted to its flow, or under the reason why not. First it is
 * observed, then it has exactly one outcome.
 */
#ifndef FLOWGAUGE_ACCOUNT_H
#define FLOWGAUGE_ACCOUNT_H

#include "flow_table.h"
#include "guard.h"

static __always_inline bool count_flow(void *table, __u32 index, struct parsed *in)
{
	struct table_head *head = NULL;
	bool counted;

	if (configured()->guard == METER_GUARD_BUSY) {
		head = table_element(table, 0);
		if (!head || !claim(&head->busy))
			return false;
	}
	counted = flow_table_count(table, index, in);
	if (head)
		release(&head->busy);
	return counted;
}

/* The table of this CPU and the active generation, and its number. */
static __always_inline void *find_table(__u32 *index)
{
	struct meter_control *active;
	__u32 zero = 0;

	active = bpf_map_lookup_elem(&control, &zero);
	if (!active)
		return NULL;
	*index = bpf_get_smp_processor_id() * TABLE_GENERATIONS + (active->active & 1);
	return bpf_map_lookup_elem(&tables, index);
}

static __always_inline void account_outcome(__u64 outcome, __u64 packets, __u64 octets)
{
	struct table_counters *counters = NULL;
	__u32 index;
	void *table;

	table = find_table(&index);
	if (table)
		counters = table_element(table, configured()->attachment);
	if (counters && outcome < ATTACH_COUNTER_MAX) {
		count(&counters->count[ATTACH_OBSERVED], packets, octets);
		count(&counters->count[outcome], packets, octets);
	}
}

/* Out of line: the way of a packet that counts must be short. */
static __noinline void account_rest(__u64 outcome, __u64 packets, __u64 octets)
{
	enter();
	account_outcome(outcome, packets, octets);
	leave();
}

static __always_inline void account_flow(struct parsed *in)
{
	struct table_counters *counters;
	bool counted;
	__u32 index;
	void *table;

	table = find_table(&index);
	if (!table)
		return;
	counted = count_flow(table, index, in);
	counters = table_element(table, configured()->attachment);
	if (!counters)
		return;
	count(&counters->count[ATTACH_OBSERVED], in->packets, in->octets);
	if (counted)
		count(&counters->count[ATTACH_COUNTED], in->packets, in->octets);
	else
		count(&counters->count[ATTACH_OVERFLOW], in->packets, in->octets);
}

#endif
