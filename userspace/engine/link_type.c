// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kind says more than the hardware type, which is Ethernet of most virtual
 * devices too. What stands for no medium (veth, dummy, tap) is propVirtual.
 */
#include "engine/link_type.h"

#include <linux/if_arp.h>
#include <string.h>

/* IANAifType-MIB */
enum {
	TYPE_OTHER = 1,
	TYPE_ETHERNET = 6, /* ethernetCsmacd */
	TYPE_PPP = 23,
	TYPE_LOOPBACK = 24, /* softwareLoopback */
	TYPE_SLIP = 28,
	TYPE_VIRTUAL = 53, /* propVirtual */
	TYPE_WLAN = 71,    /* ieee80211 */
	TYPE_TUNNEL = 131,
	TYPE_VLAN = 135, /* l2vlan */
	TYPE_LAG = 161,  /* ieee8023adLag */
	TYPE_INFINIBAND = 199,
	TYPE_BRIDGE = 209,
	TYPE_MACSEC = 231, /* macSecControlledIF */
	TYPE_WWAN = 243,   /* wwanPP */
};

/* clang-format off */
static const struct {
	const char *kind;
	uint16_t type;
} kinds[] = {
	{ "vlan", TYPE_VLAN },
	{ "bond", TYPE_LAG }, { "team", TYPE_LAG },
	{ "bridge", TYPE_BRIDGE },
	{ "macsec", TYPE_MACSEC },
	{ "ppp", TYPE_PPP },
	{ "vxlan", TYPE_TUNNEL }, { "geneve", TYPE_TUNNEL }, { "gretap", TYPE_TUNNEL },
	{ "ip6gretap", TYPE_TUNNEL }, { "erspan", TYPE_TUNNEL }, { "ip6erspan", TYPE_TUNNEL },
	{ "gre", TYPE_TUNNEL }, { "ip6gre", TYPE_TUNNEL }, { "ipip", TYPE_TUNNEL },
	{ "ip6tnl", TYPE_TUNNEL }, { "sit", TYPE_TUNNEL }, { "vti", TYPE_TUNNEL },
	{ "vti6", TYPE_TUNNEL }, { "xfrm", TYPE_TUNNEL }, { "wireguard", TYPE_TUNNEL },
	{ "gtp", TYPE_TUNNEL }, { "bareudp", TYPE_TUNNEL },
	{ "veth", TYPE_VIRTUAL }, { "dummy", TYPE_VIRTUAL }, { "ifb", TYPE_VIRTUAL },
	{ "tun", TYPE_VIRTUAL }, { "vrf", TYPE_VIRTUAL }, { "macvlan", TYPE_VIRTUAL },
	{ "macvtap", TYPE_VIRTUAL }, { "ipvlan", TYPE_VIRTUAL }, { "ipvtap", TYPE_VIRTUAL },
	{ "netkit", TYPE_VIRTUAL }, { "nlmon", TYPE_VIRTUAL }, { "vcan", TYPE_VIRTUAL },
};

static const struct {
	uint16_t arphrd;
	uint16_t type;
} hardware[] = {
	{ ARPHRD_ETHER, TYPE_ETHERNET }, { ARPHRD_LOOPBACK, TYPE_LOOPBACK },
	{ ARPHRD_PPP, TYPE_PPP }, { ARPHRD_SLIP, TYPE_SLIP }, { ARPHRD_CSLIP, TYPE_SLIP },
	{ ARPHRD_TUNNEL, TYPE_TUNNEL }, { ARPHRD_TUNNEL6, TYPE_TUNNEL },
	{ ARPHRD_SIT, TYPE_TUNNEL }, { ARPHRD_IPGRE, TYPE_TUNNEL },
	{ ARPHRD_IP6GRE, TYPE_TUNNEL }, { ARPHRD_INFINIBAND, TYPE_INFINIBAND },
	{ ARPHRD_IEEE80211, TYPE_WLAN }, { ARPHRD_RAWIP, TYPE_WWAN },
};
/* clang-format on */

uint16_t link_type(uint16_t arphrd, const char *kind)
{
	unsigned int i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strcmp(kinds[i].kind, kind))
			return kinds[i].type;
	for (i = 0; i < sizeof(hardware) / sizeof(hardware[0]); i++)
		if (hardware[i].arphrd == arphrd)
			return hardware[i].type;
	return TYPE_OTHER;
}
