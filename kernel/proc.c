// SPDX-License-Identifier: GPL-2.0-only
/*
 * /proc/net/flow_sampler: the samplers of a network namespace, one a line, for
 * people. Programs use generic netlink.
 */
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/seq_file_net.h>
#include <linux/string_helpers.h>
#include <net/net_namespace.h>

#include "sampler.h"

static const char *const mode_names[] = {
	[FLOW_SAMPLER_MODE_DETERMINISTIC] = "deterministic",
	[FLOW_SAMPLER_MODE_RANDOM] = "random",
	[FLOW_SAMPLER_MODE_PROBABILITY] = "probability",
	[FLOW_SAMPLER_MODE_TIME] = "time",
	[FLOW_SAMPLER_MODE_HASH] = "hash",
};

static_assert(ARRAY_SIZE(mode_names) == __FLOW_SAMPLER_MODE_MAX);

/* One column, whatever it holds. */
static void show_string(struct seq_file *m, const char *s)
{
	seq_putc(m, ' ');
	if (*s)
		seq_escape_mem(m, s, strlen(s), ESCAPE_OCTAL | ESCAPE_NAP | ESCAPE_APPEND, " \\");
	else
		seq_putc(m, '-');
}

static void show_sampler(struct seq_file *m, struct flow_sampler_net *fsn,
			 const struct flow_sampler *sampler)
{
	const struct flow_sampler_rule *rule = flow_sampler_rule(fsn, sampler);
	struct flow_sampler_totals totals;

	flow_sampler_read(sampler, &totals);
	seq_printf(m, "%3u %-13s %8u %10u %16llu %16llu %16llu %16llu", sampler->id,
		   mode_names[rule->mode], rule->size, rule->population, totals.observed_packets,
		   totals.observed_octets, totals.selected_packets, totals.selected_octets);
	show_string(m, sampler->name);
	show_string(m, sampler->owner);
	seq_putc(m, '\n');
}

static int show(struct seq_file *m, void *v)
{
	struct flow_sampler_net *fsn = flow_sampler_net(seq_file_single_net(m));
	struct flow_sampler *sampler;

	seq_printf(m, "%3s %-13s %8s %10s %16s %16s %16s %16s name owner\n", "id", "mode", "size",
		   "population", "observed-packets", "observed-octets", "selected-packets",
		   "selected-octets");
	mutex_lock(&fsn->lock);
	for (sampler = flow_sampler_next(fsn, 1); sampler;
	     sampler = flow_sampler_next(fsn, sampler->id + 1))
		show_sampler(m, fsn, sampler);
	mutex_unlock(&fsn->lock);
	return 0;
}

int flow_sampler_proc_init(struct net *net)
{
	if (!proc_create_net_single("flow_sampler", 0444, net->proc_net, show, NULL))
		return -ENOMEM;
	return 0;
}

void flow_sampler_proc_exit(struct net *net)
{
	remove_proc_entry("flow_sampler", net->proc_net);
}
