// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A row of 65536 ids a transport: two loads a flow. Names are a sorted list
 * beside it, for whoever is told of them. A port that services(5) gives to
 * several names, or to others in another transport, has the first one's:
 * there is one id for it.
 */
#include "route/application.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/sorted.h"

enum {
	PORTS = 65536,
	LINE_MAX_OCTETS = 1024,
	ENGINE_SHIFT = 24,
};

struct applications {
	uint32_t ids[APPLICATION_TRANSPORTS][PORTS];
	struct application *all; /* by id */
	uint32_t n, room;
};

static const struct {
	const char *name;
	uint8_t protocol;
} transports[APPLICATION_TRANSPORTS] = {
	[APPLICATION_TCP] = { "tcp", IPPROTO_TCP },
	[APPLICATION_UDP] = { "udp", IPPROTO_UDP },
	[APPLICATION_SCTP] = { "sctp", IPPROTO_SCTP },
};

static uint32_t engine_of(uint32_t id)
{
	return id >> ENGINE_SHIFT;
}

/* The first application whose id is not less. */
static uint32_t place_of(const struct applications *a, uint32_t id)
{
	_Static_assert(offsetof(struct application, id) == 0, "they are in its order");

	return sorted_place(a->all, a->n, sizeof(a->all[0]), id);
}

static int add_name(struct applications *a, uint32_t id, const char *name, const char *description)
{
	uint32_t i = place_of(a, id), room = a->room ? 2 * a->room : 512;
	struct application *all = a->all, *new;

	if (i < a->n && all[i].id == id)
		return 0;
	if (a->n == a->room) {
		all = reallocarray(all, room, sizeof(*all));
		if (!all)
			return -ENOMEM;
		a->all = all;
		a->room = room;
	}
	new = &all[i];
	memmove(new + 1, new, (a->n++ - i) * sizeof(*new));
	*new = (struct application){ .id = id };
	snprintf(new->name, sizeof(new->name), "%s", name);
	snprintf(new->description, sizeof(new->description), "%s", description);
	return 0;
}

/* "http 80/tcp www # WorldWideWeb HTTP" */
static int read_service(struct applications *a, const char *name, const char *rest,
			const char *comment)
{
	unsigned int port, t;
	char transport[16];
	uint32_t id;

	if (sscanf(rest, "%u/%15s", &port, transport) != 2 || !port || port >= PORTS)
		return 0;
	for (t = 0; t < APPLICATION_TRANSPORTS; t++)
		if (!strcmp(transports[t].name, transport))
			break;
	if (t == APPLICATION_TRANSPORTS)
		return 0;
	id = (uint32_t)APPLICATION_IANA_L4 << ENGINE_SHIFT | port;
	a->ids[t][port] = id;
	return add_name(a, id, name, *comment ? comment : name);
}

/* "icmp 1 ICMP # internet control message protocol"; 0 is hop-by-hop options, which no flow is of */
static int read_protocol(struct applications *a, const char *name, const char *rest,
			 const char *comment)
{
	unsigned int protocol;

	if (sscanf(rest, "%u", &protocol) != 1 || !protocol || protocol > UINT8_MAX)
		return 0;
	return add_name(a, (uint32_t)APPLICATION_IANA_L3 << ENGINE_SHIFT | protocol, name,
			*comment ? comment : name);
}

static int read_line(struct applications *a, char *line,
		     int (*read)(struct applications *a, const char *name, const char *rest,
				 const char *comment))
{
	char *comment = strchr(line, '#'), *name, *rest;

	line[strcspn(line, "\n")] = '\0';
	if (comment) {
		*comment++ = '\0';
		comment += strspn(comment, " \t");
	}
	name = strtok_r(line, " \t", &rest);
	return name ? read(a, name, rest, comment ? comment : "") : 0;
}

static int read_file(struct applications *a, const char *path,
		     int (*read)(struct applications *a, const char *name, const char *rest,
				 const char *comment))
{
	char line[LINE_MAX_OCTETS];
	FILE *f = fopen(path, "re");
	int ret = 0;

	if (!f)
		return 0;
	while (!ret && fgets(line, sizeof(line), f))
		ret = read_line(a, line, read);
	fclose(f);
	return ret;
}

struct applications *applications_create(const char *services, const char *protocols)
{
	struct applications *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	if (read_file(a, services, read_service) || read_file(a, protocols, read_protocol)) {
		applications_destroy(a);
		return NULL;
	}
	return a;
}

void applications_destroy(struct applications *a)
{
	if (!a)
		return;
	free(a->all);
	free(a);
}

/* The id that a configured application of that name has already; 0: none. */
static uint32_t find_user(const struct applications *a, const char *name)
{
	uint32_t i = place_of(a, (uint32_t)APPLICATION_USER << ENGINE_SHIFT);

	for (; i < a->n && engine_of(a->all[i].id) == APPLICATION_USER; i++)
		if (!strncmp(a->all[i].name, name, APPLICATION_NAME_MAX - 1))
			return a->all[i].id;
	return 0;
}

/* By transport and port, and the next one that is free where several have the same. */
static uint32_t new_user(const struct applications *a, enum application_transport transport,
			 uint16_t port)
{
	uint32_t id = (uint32_t)APPLICATION_USER << ENGINE_SHIFT |
		      (uint32_t)transports[transport].protocol << 16 | port;
	uint32_t i = place_of(a, id);

	for (; i < a->n && a->all[i].id == id; i++)
		id++;
	return id;
}

int applications_add(struct applications *a, const char *name, const char *description,
		     enum application_transport transport, uint16_t first, uint16_t last)
{
	uint32_t id = find_user(a, name), port;

	if (!id)
		id = new_user(a, transport, first);
	if (add_name(a, id, name, description))
		return -ENOMEM;
	for (port = first; port <= last; port++)
		a->ids[transport][port] = id;
	return 0;
}

static uint32_t of_ports(const uint32_t ids[PORTS], uint16_t src_port, uint16_t dst_port)
{
	uint32_t src = ids[src_port], dst = ids[dst_port];

	if (!src || !dst)
		return src | dst;
	if (engine_of(src) != engine_of(dst))
		return engine_of(src) == APPLICATION_USER ? src : dst;
	return src_port < dst_port ? src : dst;
}

uint32_t applications_find(const struct applications *a, uint8_t protocol, uint16_t src_port_be,
			   uint16_t dst_port_be)
{
	unsigned int t;

	for (t = 0; t < APPLICATION_TRANSPORTS; t++)
		if (transports[t].protocol == protocol)
			return of_ports(a->ids[t], ntohs(src_port_be), ntohs(dst_port_be));
	return (uint32_t)APPLICATION_IANA_L3 << ENGINE_SHIFT | protocol;
}

const struct application *applications_get(const struct applications *a, uint32_t i)
{
	return i < a->n ? &a->all[i] : NULL;
}
