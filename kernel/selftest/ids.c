// SPDX-License-Identifier: GPL-2.0-only
/*
 * Samplers come and go: ids are given out in turn, all of them, and come back
 * as late as can be. Included by sampler.c.
 */

static const struct flow_sampler_params all_packets __initconst = {
	.name = "all",
	.owner = "self-test",
	.mode = FLOW_SAMPLER_MODE_DETERMINISTIC,
	.size = 1,
	.population = 1,
};

/* The id of a new sampler; 0: there is none. */
static u32 __init new_id(struct flow_sampler_net *fsn)
{
	struct flow_sampler *sampler = flow_sampler_create(fsn, &all_packets);

	return IS_ERR(sampler) ? 0 : sampler->id;
}

static bool __init test_exhaustion(struct flow_sampler_net *fsn)
{
	u32 id;

	for (id = 1; id <= FLOW_SAMPLER_ID_MAX; id++)
		if (!expect("id of a new sampler", new_id(fsn), id))
			return false;
	if (!expect("one too many", PTR_ERR(flow_sampler_create(fsn, &all_packets)), -ENOSPC))
		return false;
	flow_sampler_destroy(fsn, flow_sampler_find(fsn, 17));
	return expect("the only free id", new_id(fsn), 17) &&
	       expect("one too many again", new_id(fsn), 0);
}

static bool __init test_reuse(struct flow_sampler_net *fsn)
{
	u32 id;

	for (id = 16; id <= 20; id++)
		flow_sampler_destroy(fsn, flow_sampler_find(fsn, id));
	return expect("after 17", new_id(fsn), 18) && expect("after 18", new_id(fsn), 19) &&
	       expect("a sampler that is gone", !flow_sampler_find(fsn, 20), true) &&
	       expect("the next there is", flow_sampler_next(fsn, 20)->id, 21);
}

static bool __init test_refusal(struct flow_sampler_net *fsn)
{
	return expect("no such sampler", flow_sampler_observe(fsn, 20, 0, 1, 1, 0), -ENOENT) &&
	       expect("no such id", flow_sampler_observe(fsn, U32_MAX, 0, 1, 1, 0), -ENOENT) &&
	       expect("id 0", flow_sampler_observe(fsn, 0, 0, 1, 1, 0), -ENOENT) &&
	       expect("no packets", flow_sampler_observe(fsn, 1, 0, 0, 1, 0), -EINVAL) &&
	       expect("too many packets", flow_sampler_observe(fsn, 1, 0, U32_MAX, 1, 0), -EINVAL);
}

/* Of 1 in 4, names leave the position alone, a rule begins anew; counters go on. */
static bool __init test_change(struct flow_sampler_net *fsn)
{
	struct flow_sampler_params names = { .name = "other", .owner = "nobody" };
	struct flow_sampler_params rule = all_packets;
	struct flow_sampler *sampler = flow_sampler_find(fsn, 1);
	struct flow_sampler_totals totals;
	unsigned int seq = fsn->seq;

	rule.population = 4;
	if (!expect("a change", flow_sampler_change(fsn, sampler, &rule), 0) ||
	    !expect("the first two", flow_sampler_observe(fsn, 1, 0, 2, 10, 0), 1) ||
	    !expect("a change of names", flow_sampler_change(fsn, sampler, &names), 0) ||
	    !expect("the third", flow_sampler_observe(fsn, 1, 0, 1, 10, 0), 0) ||
	    !expect("the same rule", flow_sampler_change(fsn, sampler, &rule), 0) ||
	    !expect("the first again", flow_sampler_observe(fsn, 1, 0, 1, 10, 0), 1))
		return false;
	flow_sampler_read(sampler, &totals);
	return expect("changes", fsn->seq - seq, 3) &&
	       expect("observed packets", totals.observed_packets, 4) &&
	       expect("observed octets", totals.observed_octets, 30) &&
	       expect("selected packets", totals.selected_packets, 2) &&
	       expect("selected octets", totals.selected_octets, 15) &&
	       expect("name of the rule", strcmp(sampler->name, all_packets.name), 0);
}

static bool __init selftest_ids(struct flow_sampler_net *fsn)
{
	bool good;

	mutex_lock(&fsn->lock);
	good = test_exhaustion(fsn) && test_reuse(fsn) && test_refusal(fsn) && test_change(fsn);
	mutex_unlock(&fsn->lock);
	flow_sampler_net_exit(fsn);
	mutex_lock(&fsn->lock);
	good = good && expect("all gone", !flow_sampler_next(fsn, 1), true);
	mutex_unlock(&fsn->lock);
	return good;
}
