/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * flow_sampler: samplers and their counters, per network namespace. The same
 * facts are in flow_sampler.yaml beside this file, in the kernel's format for
 * netlink families.
 */
#ifndef _UAPI_LINUX_FLOW_SAMPLER_H
#define _UAPI_LINUX_FLOW_SAMPLER_H

#include <linux/types.h>

#define FLOW_SAMPLER_FAMILY_NAME "flow_sampler"
#define FLOW_SAMPLER_FAMILY_VERSION 1
#define FLOW_SAMPLER_MCGRP_NOTIFY "notify"

#define FLOW_SAMPLER_ID_MAX 255    /* samplerId (48) is one octet; 0: not sampled */
#define FLOW_SAMPLER_NAME_MAX 64   /* with the NUL */
#define FLOW_SAMPLER_OWNER_MAX 256 /* with the NUL */
#define FLOW_SAMPLER_POPULATION_MAX 16777216

/**
 * enum flow_sampler_mode - how SIZE out of POPULATION packets are selected
 * @FLOW_SAMPLER_MODE_UNSPEC: none
 * @FLOW_SAMPLER_MODE_DETERMINISTIC: the first SIZE of every POPULATION packets
 *	that a CPU sees at a device, in and out by themselves (RFC 5475 5.1,
 *	systematic count-based)
 * @FLOW_SAMPLER_MODE_RANDOM: SIZE random ones of every POPULATION packets that
 *	a CPU sees (RFC 5475 5.2.1, n-out-of-N)
 * @FLOW_SAMPLER_MODE_PROBABILITY: each packet with the probability
 *	SIZE / POPULATION (RFC 5475 5.2.2.1)
 * @FLOW_SAMPLER_MODE_TIME: all packets of SIZE milliseconds out of every
 *	POPULATION (RFC 5475 5.1, systematic time-based)
 * @FLOW_SAMPLER_MODE_HASH: all packets of SIZE / POPULATION of the flows, by a
 *	hash of addresses, ports and protocol
 * @__FLOW_SAMPLER_MODE_MAX: one more than the last
 */
enum flow_sampler_mode {
	FLOW_SAMPLER_MODE_UNSPEC,
	FLOW_SAMPLER_MODE_DETERMINISTIC,
	FLOW_SAMPLER_MODE_RANDOM,
	FLOW_SAMPLER_MODE_PROBABILITY,
	FLOW_SAMPLER_MODE_TIME,
	FLOW_SAMPLER_MODE_HASH,

	__FLOW_SAMPLER_MODE_MAX,
};

#define FLOW_SAMPLER_MODE_MAX (__FLOW_SAMPLER_MODE_MAX - 1)

enum flow_sampler_cmd {
	FLOW_SAMPLER_CMD_UNSPEC,
	FLOW_SAMPLER_CMD_GET, /* one by ID, or a dump */
	FLOW_SAMPLER_CMD_NEW, /* NAME, OWNER, MODE, SIZE, POPULATION; answers with the ID */
	FLOW_SAMPLER_CMD_SET, /* ID and what changes; counters go on */
	FLOW_SAMPLER_CMD_DEL, /* ID */
	/* to the multicast group: what GET answers, of a sampler */
	FLOW_SAMPLER_CMD_NEW_NTF,
	FLOW_SAMPLER_CMD_SET_NTF,
	FLOW_SAMPLER_CMD_DEL_NTF,

	__FLOW_SAMPLER_CMD_MAX,
};

#define FLOW_SAMPLER_CMD_MAX (__FLOW_SAMPLER_CMD_MAX - 1)

enum flow_sampler_attr {
	FLOW_SAMPLER_A_UNSPEC,
	FLOW_SAMPLER_A_ID,               /* u32, 1 to 255 */
	FLOW_SAMPLER_A_NAME,             /* string */
	FLOW_SAMPLER_A_OWNER,            /* string: who made it, as it likes to be told apart */
	FLOW_SAMPLER_A_MODE,             /* u32, enum flow_sampler_mode */
	FLOW_SAMPLER_A_SIZE,             /* u32 */
	FLOW_SAMPLER_A_POPULATION,       /* u32 */
	FLOW_SAMPLER_A_OBSERVED_PACKETS, /* u64 */
	FLOW_SAMPLER_A_OBSERVED_OCTETS,  /* u64 */
	FLOW_SAMPLER_A_SELECTED_PACKETS, /* u64 */
	FLOW_SAMPLER_A_SELECTED_OCTETS,  /* u64 */
	FLOW_SAMPLER_A_PAD,

	__FLOW_SAMPLER_A_MAX,
};

#define FLOW_SAMPLER_A_MAX (__FLOW_SAMPLER_A_MAX - 1)

#endif /* _UAPI_LINUX_FLOW_SAMPLER_H */
