/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which application a flow is of, by protocol and port. applicationId (95) has
 * the classification engine (RFC 6759) in its highest octet, and a selector.
 */
#ifndef FLOWGAUGE_ROUTE_APPLICATION_H
#define FLOWGAUGE_ROUTE_APPLICATION_H

#include <stdint.h>

#include "base/error.h"

enum application_engine {
	APPLICATION_IANA_L3 = 1, /* selector: IP protocol */
	APPLICATION_IANA_L4 = 3, /* selector: well-known port */
	APPLICATION_USER = 6,    /* selector: IP protocol * 65536 + port, of its first line */
};

/* The protocols whose ports are known, in the words of services(5) and of the configuration. */
enum application_transport {
	APPLICATION_TCP,
	APPLICATION_UDP,
	APPLICATION_SCTP,
	APPLICATION_TRANSPORTS,
};

enum {
	APPLICATION_NAME_MAX = 24,        /* with the terminating NUL */
	APPLICATION_DESCRIPTION_MAX = 55, /* with the terminating NUL */
};

struct application {
	uint32_t id;
	char name[APPLICATION_NAME_MAX];
	char description[APPLICATION_DESCRIPTION_MAX];
};

struct applications;

/*
 * Those of @services (services(5): port/tcp, udp, sctp) and of @protocols
 * (protocols(5)). A file that is not there says nothing. NULL: no memory.
 */
struct applications *applications_create(const char *services, const char *protocols);
void applications_destroy(struct applications *a); /* NULL is ignored */

/*
 * Ports @first to @last of @transport are of the application @name, whose first
 * line is of (@transport, @first) or was before; it wins over what services(5)
 * says. -ENOMEM.
 */
int applications_add(struct applications *a, const char *name, const char *description,
		     enum application_transport transport, uint16_t first, uint16_t last);

/*
 * The application of a packet; 0: not known. Ports in network order. Where
 * both ports are known, a configured one wins, else the lower one.
 */
uint32_t applications_find(const struct applications *a, uint8_t protocol, uint16_t src_port_be,
			   uint16_t dst_port_be);

/* The i-th application, by id; NULL behind the last. */
const struct application *applications_get(const struct applications *a, uint32_t i);

#endif
