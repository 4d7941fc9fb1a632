// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kind of link header and what XDP would not see of a packet, asked of the
 * kernel by ioctl. Tunnels and ppp devices hand on bare IP packets.
 */
#include "meter/device.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <linux/if_arp.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct link_type {
	unsigned short type; /* ARPHRD_* */
	bool link_header;
};

static const struct link_type link_types[] = {
	{ ARPHRD_ETHER, true },    { ARPHRD_LOOPBACK, true }, { ARPHRD_NONE, false },
	{ ARPHRD_RAWIP, false },   { ARPHRD_PPP, false },     { ARPHRD_TUNNEL, false },
	{ ARPHRD_TUNNEL6, false }, { ARPHRD_SIT, false },     { ARPHRD_IPGRE, false },
	{ ARPHRD_IP6GRE, false },
};

static const struct link_type *find_type(unsigned short type)
{
	unsigned int i;

	for (i = 0; i < sizeof(link_types) / sizeof(link_types[0]); i++)
		if (link_types[i].type == type)
			return &link_types[i];
	return NULL;
}

static bool strips_vlan(int fd, const char *name)
{
	struct ethtool_value flags = { .cmd = ETHTOOL_GFLAGS };
	struct ifreq request = { .ifr_data = (void *)&flags };

	strcpy(request.ifr_name, name);
	return !ioctl(fd, SIOCETHTOOL, &request) && flags.data & ETH_FLAG_RXVLAN;
}

struct driver {
	const char *name;
	size_t flag; /* of struct device */
};

static const struct driver drivers[] = {
	/* a guest's or a VPN's: what it writes with a virtio header may be a super-packet */
	{ "tun", offsetof(struct device, is_tap) },
	{ "bonding", offsetof(struct device, is_bond) },
	{ "vrf", offsetof(struct device, is_vrf) },
};

static void ask_driver(struct device *d, int fd)
{
	struct ethtool_drvinfo info = { .cmd = ETHTOOL_GDRVINFO };
	struct ifreq request = { .ifr_data = (void *)&info };
	unsigned int i;

	strcpy(request.ifr_name, d->name);
	if (ioctl(fd, SIOCETHTOOL, &request))
		return;
	for (i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++)
		if (!strcmp(info.driver, drivers[i].name))
			*(bool *)((char *)d + drivers[i].flag) = true;
}

static int ask(struct device *d, int fd, struct error *err)
{
	struct ifreq request = { .ifr_ifindex = (int)d->ifindex };
	const struct link_type *type;

	if (ioctl(fd, SIOCGIFNAME, &request) || ioctl(fd, SIOCGIFHWADDR, &request))
		return error_set(err, -ENODEV, "there is no interface with index %u", d->ifindex);
	strcpy(d->name, request.ifr_name);
	type = find_type(request.ifr_hwaddr.sa_family);
	if (!type)
		return error_set(err, -EOPNOTSUPP,
				 "interface %s: link type %u is not metered: Ethernet, tunnels and "
				 "ppp are",
				 d->name, request.ifr_hwaddr.sa_family);
	d->link_header = type->link_header;
	d->strips_vlan = strips_vlan(fd, d->name);
	ask_driver(d, fd);
	return 0;
}

int device_get(struct device *d, uint32_t ifindex, struct error *err)
{
	int fd, ret;

	memset(d, 0, sizeof(*d));
	d->ifindex = ifindex;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_set(err, -errno, "socket: %s", strerror(errno));
	ret = ask(d, fd, err);
	close(fd);
	return ret;
}
