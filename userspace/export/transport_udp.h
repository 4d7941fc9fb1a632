/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A connected, non-blocking UDP socket to one collector. Datagrams are never
 * fragmented: one that is too long for the path is refused (-EMSGSIZE).
 */
#ifndef FLOWGAUGE_EXPORT_TRANSPORT_UDP_H
#define FLOWGAUGE_EXPORT_TRANSPORT_UDP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/uio.h>

#include "base/error.h"
#include "export/exporter.h"
#include "flow/field.h"

enum {
	TRANSPORT_BURST_MAX = 1024, /* messages a call */
	TRANSPORT_MTU_UNKNOWN = 1280,
};

struct transport {
	int fd; /* -1: closed */
	int family;
};

/* What no waiting will mend in @params' addresses. -EINVAL: names the one at fault. */
int transport_check(const struct exporter_params *params, struct error *err);

/*
 * Open and connect, to @port where @params has none. Fails, and can be tried
 * again, while there is no route, interface or source address.
 */
int transport_open(struct transport *t, const struct exporter_params *params, uint16_t port,
		   struct error *err);
void transport_close(struct transport *t);

/* Set DSCP and TTL, which to a group of receivers is an option of its own. */
int transport_mark(const struct transport *t, const struct exporter_params *params,
		   struct error *err);

/*
 * Send @n messages (at most TRANSPORT_BURST_MAX); returns how many the kernel
 * took, at least one, or -errno: then none was sent.
 */
int transport_send(const struct transport *t, struct iovec *messages, unsigned int n);

/* Take the ICMP errors that came back since the last call; returns how many, the last one's errno in *@error. */
unsigned int transport_icmp_errors(const struct transport *t, int *error);

/*
 * Whether the address that messages leave from is still one of this host's:
 * IPv6 would go on sending from one that was removed.
 */
bool transport_has_source(const struct transport *t);

/* Which addresses and ports messages go between. */
struct field_path transport_path(const struct transport *t);

/* MTU of the path as far as known. */
uint32_t transport_mtu(const struct transport *t);

/* Octets of IP and UDP header before a message to @params' collector. */
uint32_t transport_overhead(const struct exporter_params *params);

#endif
