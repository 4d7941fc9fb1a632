// SPDX-License-Identifier: GPL-2.0-only
/*
 * flow_sampler: samplers for flow metering.
 *
 * BPF programs that meter flows ask it which packets to count (kfunc.c);
 * samplers (sampler.c) belong to a network namespace, are made and read by
 * generic netlink (netlink.c) and can be looked at in /proc/net/flow_sampler
 * (proc.c). What counts here outlives the programs and the agent that loads
 * them, and one sampler serves any number of programs.
 */
#include <linux/module.h>
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/netns/generic.h>

#include "sampler.h"

static unsigned int net_id __read_mostly;

struct flow_sampler_net *flow_sampler_net(const struct net *net)
{
	return net_generic(net, net_id);
}

static int __net_init net_init(struct net *net)
{
	flow_sampler_net_init(flow_sampler_net(net));
	return flow_sampler_proc_init(net);
}

static void __net_exit net_exit(struct net *net)
{
	flow_sampler_proc_exit(net);
	flow_sampler_net_exit(flow_sampler_net(net));
}

static struct pernet_operations net_ops = {
	.init = net_init,
	.exit = net_exit,
	.id = &net_id,
	.size = sizeof(struct flow_sampler_net),
};

static int __init module_start(void)
{
	int err;

	flow_sampler_init();
	if (!flow_sampler_selftest()) {
		err = -ENOTRECOVERABLE;
		goto err_sampler;
	}
	err = register_pernet_subsys(&net_ops);
	if (err)
		goto err_sampler;
	err = flow_sampler_netlink_init();
	if (err)
		goto err_pernet;
	err = flow_sampler_kfunc_init();
	if (err)
		goto err_netlink;
	return 0;

err_netlink:
	flow_sampler_netlink_exit();
err_pernet:
	unregister_pernet_subsys(&net_ops);
err_sampler:
	flow_sampler_exit();
	return err;
}

/* Programs that call a kfunc hold the module: there is none when this runs. */
static void __exit module_stop(void)
{
	flow_sampler_netlink_exit();
	unregister_pernet_subsys(&net_ops);
	flow_sampler_exit();
}

module_init(module_start);
module_exit(module_stop);
MODULE_DESCRIPTION("Packet samplers for flow metering in BPF");
MODULE_LICENSE("GPL");
MODULE_ALIAS_GENL_FAMILY(FLOW_SAMPLER_FAMILY_NAME);
