// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink family flow_sampler: make, change, delete and read the
 * samplers of the network namespace of the socket, and hear of changes.
 *
 * Types and ranges are the policy's, so that what is left to check here is
 * what belongs together. Everything runs under the lock of the namespace, not
 * under that of generic netlink.
 */
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "compat.h"
#include "sampler.h"

static struct netlink_range_validation population_range = {
	.min = 1,
	.max = FLOW_SAMPLER_POPULATION_MAX,
};

#define POLICY_COUNTER                                                                             \
	{                                                                                          \
		.type = NLA_REJECT, .reject_message = "Counters can only be read"                  \
	}

static const struct nla_policy flow_sampler_policy[FLOW_SAMPLER_A_MAX + 1] = {
	[FLOW_SAMPLER_A_ID] = NLA_POLICY_RANGE(NLA_U32, 1, FLOW_SAMPLER_ID_MAX),
	[FLOW_SAMPLER_A_NAME] = { .type = NLA_NUL_STRING, .len = FLOW_SAMPLER_NAME_MAX - 1 },
	[FLOW_SAMPLER_A_OWNER] = { .type = NLA_NUL_STRING, .len = FLOW_SAMPLER_OWNER_MAX - 1 },
	[FLOW_SAMPLER_A_MODE] =
		NLA_POLICY_RANGE(NLA_U32, FLOW_SAMPLER_MODE_DETERMINISTIC, FLOW_SAMPLER_MODE_MAX),
	[FLOW_SAMPLER_A_SIZE] = NLA_POLICY_FULL_RANGE(NLA_U32, &population_range),
	[FLOW_SAMPLER_A_POPULATION] = NLA_POLICY_FULL_RANGE(NLA_U32, &population_range),
	[FLOW_SAMPLER_A_OBSERVED_PACKETS] = POLICY_COUNTER,
	[FLOW_SAMPLER_A_OBSERVED_OCTETS] = POLICY_COUNTER,
	[FLOW_SAMPLER_A_SELECTED_PACKETS] = POLICY_COUNTER,
	[FLOW_SAMPLER_A_SELECTED_OCTETS] = POLICY_COUNTER,
	[FLOW_SAMPLER_A_PAD] = { .type = NLA_REJECT },
};

static struct genl_family flow_sampler_family;

static int put_counters(struct sk_buff *skb, const struct flow_sampler *sampler)
{
	struct flow_sampler_totals totals;

	flow_sampler_read(sampler, &totals);
	if (nla_put_u64_64bit(skb, FLOW_SAMPLER_A_OBSERVED_PACKETS, totals.observed_packets,
			      FLOW_SAMPLER_A_PAD) ||
	    nla_put_u64_64bit(skb, FLOW_SAMPLER_A_OBSERVED_OCTETS, totals.observed_octets,
			      FLOW_SAMPLER_A_PAD) ||
	    nla_put_u64_64bit(skb, FLOW_SAMPLER_A_SELECTED_PACKETS, totals.selected_packets,
			      FLOW_SAMPLER_A_PAD) ||
	    nla_put_u64_64bit(skb, FLOW_SAMPLER_A_SELECTED_OCTETS, totals.selected_octets,
			      FLOW_SAMPLER_A_PAD))
		return -EMSGSIZE;
	return 0;
}

static int put_sampler(struct sk_buff *skb, struct flow_sampler_net *fsn,
		       const struct flow_sampler *sampler)
{
	const struct flow_sampler_rule *rule = flow_sampler_rule(fsn, sampler);

	if (nla_put_u32(skb, FLOW_SAMPLER_A_ID, sampler->id) ||
	    nla_put_string(skb, FLOW_SAMPLER_A_NAME, sampler->name) ||
	    nla_put_string(skb, FLOW_SAMPLER_A_OWNER, sampler->owner) ||
	    nla_put_u32(skb, FLOW_SAMPLER_A_MODE, rule->mode) ||
	    nla_put_u32(skb, FLOW_SAMPLER_A_SIZE, rule->size) ||
	    nla_put_u32(skb, FLOW_SAMPLER_A_POPULATION, rule->population))
		return -EMSGSIZE;
	return put_counters(skb, sampler);
}

/* @cmd about @sampler, in answer to @info. */
static struct sk_buff *message(struct genl_info *info, u8 cmd, struct flow_sampler_net *fsn,
			       const struct flow_sampler *sampler)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	void *header;

	if (!skb)
		return NULL;
	header = genlmsg_put_reply(skb, info, &flow_sampler_family, 0, cmd);
	if (!header || put_sampler(skb, fsn, sampler)) {
		nlmsg_free(skb);
		return NULL;
	}
	genlmsg_end(skb, header);
	return skb;
}

static void notify(struct genl_info *info, u8 cmd, struct flow_sampler_net *fsn,
		   const struct flow_sampler *sampler)
{
	struct sk_buff *skb = message(info, cmd, fsn, sampler);

	if (skb)
		genl_notify(&flow_sampler_family, skb, info, 0, GFP_KERNEL);
	else
		genl_set_err(&flow_sampler_family, genl_info_net(info), 0, 0, -ENOBUFS);
}

static int reply(struct genl_info *info, struct flow_sampler_net *fsn,
		 const struct flow_sampler *sampler)
{
	struct sk_buff *skb = message(info, info->genlhdr->cmd, fsn, sampler);

	return skb ? genlmsg_reply(skb, info) : -ENOMEM;
}

/* The sampler that the request names; else its extack says what is wrong. */
static struct flow_sampler *find(struct genl_info *info, struct flow_sampler_net *fsn)
{
	struct nlattr *id = info->attrs[FLOW_SAMPLER_A_ID];
	struct flow_sampler *sampler;

	if (GENL_REQ_ATTR_CHECK(info, FLOW_SAMPLER_A_ID)) {
		GENL_SET_ERR_MSG(info, "Which sampler? Give its id; a dump lists all samplers");
		return ERR_PTR(-EINVAL);
	}
	sampler = flow_sampler_find(fsn, nla_get_u32(id));
	if (!sampler) {
		NL_SET_ERR_MSG_ATTR(info->extack, id,
				    "No sampler has this id here; a dump lists those there are");
		return ERR_PTR(-ENOENT);
	}
	return sampler;
}

static const char *get_string(const struct nlattr *attr, const char *otherwise)
{
	return attr ? nla_data(attr) : otherwise;
}

static u32 get_u32(const struct nlattr *attr, u32 otherwise)
{
	return attr ? nla_get_u32(attr) : otherwise;
}

/* What the request asks for of a sampler that goes by @old; NULL: of a new one. */
static int get_params(struct genl_info *info, const struct flow_sampler_rule *old,
		      struct flow_sampler_params *params)
{
	struct nlattr **attrs = info->attrs;

	params->name = get_string(attrs[FLOW_SAMPLER_A_NAME], NULL);
	params->owner = get_string(attrs[FLOW_SAMPLER_A_OWNER], old ? NULL : "");
	params->mode = get_u32(attrs[FLOW_SAMPLER_A_MODE], old ? old->mode : 0);
	params->size = get_u32(attrs[FLOW_SAMPLER_A_SIZE], old ? old->size : 0);
	params->population = get_u32(attrs[FLOW_SAMPLER_A_POPULATION], old ? old->population : 0);

	if (params->name && !*params->name) {
		NL_SET_ERR_MSG_ATTR(info->extack, attrs[FLOW_SAMPLER_A_NAME],
				    "A name has at least one character");
		return -EINVAL;
	}
	if (params->size > params->population) {
		NL_SET_ERR_MSG_ATTR(info->extack,
				    attrs[FLOW_SAMPLER_A_SIZE] ?: attrs[FLOW_SAMPLER_A_POPULATION],
				    "The size is at most the population");
		return -EINVAL;
	}
	return 0;
}

static int sampler_get(struct sk_buff *skb, struct genl_info *info)
{
	struct flow_sampler_net *fsn = flow_sampler_net(genl_info_net(info));
	struct flow_sampler *sampler;
	int err;

	mutex_lock(&fsn->lock);
	sampler = find(info, fsn);
	err = IS_ERR(sampler) ? PTR_ERR(sampler) : reply(info, fsn, sampler);
	mutex_unlock(&fsn->lock);
	return err;
}

static int dump_sampler(struct sk_buff *skb, struct netlink_callback *cb,
			struct flow_sampler_net *fsn, const struct flow_sampler *sampler)
{
	void *header = genlmsg_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq,
				   &flow_sampler_family, NLM_F_MULTI, FLOW_SAMPLER_CMD_GET);

	if (!header)
		return -EMSGSIZE;
	if (put_sampler(skb, fsn, sampler)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genl_dump_check_consistent(cb, header);
	genlmsg_end(skb, header);
	return 0;
}

/* cb->args[0]: the id where the next message begins */
static int sampler_dump(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct flow_sampler_net *fsn = flow_sampler_net(sock_net(skb->sk));
	struct nlattr *id = flow_sampler_dump_attrs(cb)[FLOW_SAMPLER_A_ID];
	struct flow_sampler *sampler;

	if (id) {
		NL_SET_ERR_MSG_ATTR(cb->extack, id, "A dump is of all samplers; leave the id out");
		return -EINVAL;
	}
	mutex_lock(&fsn->lock);
	cb->seq = fsn->seq;
	while ((sampler = flow_sampler_next(fsn, cb->args[0]))) {
		if (dump_sampler(skb, cb, fsn, sampler))
			break;
		cb->args[0] = sampler->id + 1;
	}
	mutex_unlock(&fsn->lock);
	return skb->len;
}

static int check_new(struct genl_info *info)
{
	struct nlattr *id = info->attrs[FLOW_SAMPLER_A_ID];

	if (id) {
		NL_SET_ERR_MSG_ATTR(info->extack, id, "A new sampler is given an id; leave it out");
		return -EINVAL;
	}
	if (GENL_REQ_ATTR_CHECK(info, FLOW_SAMPLER_A_NAME) ||
	    GENL_REQ_ATTR_CHECK(info, FLOW_SAMPLER_A_MODE) ||
	    GENL_REQ_ATTR_CHECK(info, FLOW_SAMPLER_A_SIZE) ||
	    GENL_REQ_ATTR_CHECK(info, FLOW_SAMPLER_A_POPULATION)) {
		GENL_SET_ERR_MSG(info, "A new sampler needs name, mode, size and population");
		return -EINVAL;
	}
	return 0;
}

static int create(struct genl_info *info, struct flow_sampler_net *fsn,
		  const struct flow_sampler_params *params)
{
	struct flow_sampler *sampler = flow_sampler_create(fsn, params);
	int err;

	if (sampler == ERR_PTR(-ENOSPC))
		GENL_SET_ERR_MSG(info, "All ids are taken; delete a sampler that is not used");
	if (IS_ERR(sampler))
		return PTR_ERR(sampler);
	/* A sampler that nobody knows of would never go. */
	err = reply(info, fsn, sampler);
	if (err) {
		flow_sampler_destroy(fsn, sampler);
		return err;
	}
	notify(info, FLOW_SAMPLER_CMD_NEW_NTF, fsn, sampler);
	return 0;
}

static int sampler_new(struct sk_buff *skb, struct genl_info *info)
{
	struct flow_sampler_net *fsn = flow_sampler_net(genl_info_net(info));
	struct flow_sampler_params params;
	int err;

	err = check_new(info);
	if (err)
		return err;
	err = get_params(info, NULL, &params);
	if (err)
		return err;
	mutex_lock(&fsn->lock);
	err = create(info, fsn, &params);
	mutex_unlock(&fsn->lock);
	return err;
}

static int change(struct genl_info *info, struct flow_sampler_net *fsn,
		  struct flow_sampler *sampler)
{
	struct nlattr **attrs = info->attrs;
	struct flow_sampler_params params;
	bool rule = attrs[FLOW_SAMPLER_A_MODE] || attrs[FLOW_SAMPLER_A_SIZE] ||
		    attrs[FLOW_SAMPLER_A_POPULATION];
	int err;

	if (!rule && !attrs[FLOW_SAMPLER_A_NAME] && !attrs[FLOW_SAMPLER_A_OWNER]) {
		GENL_SET_ERR_MSG(info, "Change what? Give name, owner, mode, size or population");
		return -EINVAL;
	}
	err = get_params(info, flow_sampler_rule(fsn, sampler), &params);
	if (err)
		return err;
	if (!rule)
		params.mode = FLOW_SAMPLER_MODE_UNSPEC;
	err = flow_sampler_change(fsn, sampler, &params);
	if (err)
		return err;
	notify(info, FLOW_SAMPLER_CMD_SET_NTF, fsn, sampler);
	return 0;
}

static int sampler_set(struct sk_buff *skb, struct genl_info *info)
{
	struct flow_sampler_net *fsn = flow_sampler_net(genl_info_net(info));
	struct flow_sampler *sampler;
	int err;

	mutex_lock(&fsn->lock);
	sampler = find(info, fsn);
	err = IS_ERR(sampler) ? PTR_ERR(sampler) : change(info, fsn, sampler);
	mutex_unlock(&fsn->lock);
	return err;
}

static int sampler_del(struct sk_buff *skb, struct genl_info *info)
{
	struct flow_sampler_net *fsn = flow_sampler_net(genl_info_net(info));
	struct flow_sampler *sampler;
	int err = 0;

	mutex_lock(&fsn->lock);
	sampler = find(info, fsn);
	if (IS_ERR(sampler)) {
		err = PTR_ERR(sampler);
	} else {
		notify(info, FLOW_SAMPLER_CMD_DEL_NTF, fsn, sampler);
		flow_sampler_destroy(fsn, sampler);
	}
	mutex_unlock(&fsn->lock);
	return err;
}

static const struct genl_ops flow_sampler_ops[] = {
	{
		.cmd = FLOW_SAMPLER_CMD_GET,
		.policy = flow_sampler_policy,
		.maxattr = FLOW_SAMPLER_A_ID,
		.doit = sampler_get,
		.dumpit = sampler_dump,
	},
	{
		.cmd = FLOW_SAMPLER_CMD_NEW,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = flow_sampler_policy,
		.maxattr = FLOW_SAMPLER_A_MAX,
		.doit = sampler_new,
	},
	{
		.cmd = FLOW_SAMPLER_CMD_SET,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = flow_sampler_policy,
		.maxattr = FLOW_SAMPLER_A_MAX,
		.doit = sampler_set,
	},
	{
		.cmd = FLOW_SAMPLER_CMD_DEL,
		.flags = GENL_UNS_ADMIN_PERM,
		.policy = flow_sampler_policy,
		.maxattr = FLOW_SAMPLER_A_ID,
		.doit = sampler_del,
	},
};

static const struct genl_multicast_group flow_sampler_groups[] = {
	{ .name = FLOW_SAMPLER_MCGRP_NOTIFY },
};

static struct genl_family flow_sampler_family __ro_after_init = {
	.name = FLOW_SAMPLER_FAMILY_NAME,
	.version = FLOW_SAMPLER_FAMILY_VERSION,
	.module = THIS_MODULE,
	.netnsok = true,
	.parallel_ops = true,
	.ops = flow_sampler_ops,
	.n_ops = ARRAY_SIZE(flow_sampler_ops),
	.mcgrps = flow_sampler_groups,
	.n_mcgrps = ARRAY_SIZE(flow_sampler_groups),
};

int __init flow_sampler_netlink_init(void)
{
	return genl_register_family(&flow_sampler_family);
}

void flow_sampler_netlink_exit(void)
{
	genl_unregister_family(&flow_sampler_family);
}
