// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every request asks for an acknowledgement, so that a request, an answer and
 * a dump end alike. What the kernel has to say to an error (extended
 * acknowledgement) is what the user is told.
 *
 * To look at samplers takes no capability, to make them CAP_NET_ADMIN, and to
 * link a program against the module CAP_SYS_ADMIN: its BTF is found by id only.
 */
#include "meter/module.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "meter/feature.h"
#include "meter/sampler.h"

enum {
	REQUEST_MAX = 1024,
	ANSWER_MAX = 32768,
	DUMP_TRIES = 20,
};

static const char module_btf[] = "/sys/kernel/btf/" FLOW_SAMPLER_FAMILY_NAME;
static const char owner_too_long[] = "the path of the pin directory is too long for an owner";
static const char module_dir[] = "/sys/module/" FLOW_SAMPLER_FAMILY_NAME;

/* A request on its way. */
struct request {
	char buffer[REQUEST_MAX];
	struct nlmsghdr *nlh;
	mnl_cb_t answer; /* for each message that comes back; may be NULL */
	void *data;
	char why[160]; /* what the kernel said to an error */
};

static void begin(struct module *m, struct request *r, uint16_t type, uint8_t command,
		  uint16_t flags)
{
	struct genlmsghdr *genl;

	memset(r, 0, sizeof(*r));
	r->nlh = mnl_nlmsg_put_header(r->buffer);
	r->nlh->nlmsg_type = type;
	r->nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	r->nlh->nlmsg_seq = ++m->sequence;
	genl = mnl_nlmsg_put_extra_header(r->nlh, sizeof(*genl));
	genl->cmd = command;
	genl->version = FLOW_SAMPLER_FAMILY_VERSION;
}

/* Behind an error lies the request, or its header alone, then what there is to say. */
static void note_reason(struct request *r, const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	size_t offset = sizeof(*e);
	const struct nlattr *attr;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		offset += MNL_ALIGN(e->msg.nlmsg_len) - sizeof(e->msg);
	mnl_attr_for_each(attr, nlh, offset)
	{
		if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG &&
		    mnl_attr_validate(attr, MNL_TYPE_NUL_STRING) >= 0)
			snprintf(r->why, sizeof(r->why), "%s", mnl_attr_get_str(attr));
	}
}

static int note_error(const struct nlmsghdr *nlh, void *data)
{
	const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);
	struct request *r = data;

	if (nlh->nlmsg_len < mnl_nlmsg_size(sizeof(*e)))
		errno = EBADMSG;
	else if (!e->error)
		return MNL_CB_STOP;
	else
		errno = -e->error;
	note_reason(r, nlh);
	return MNL_CB_ERROR;
}

static int take_answer(const struct nlmsghdr *nlh, void *data)
{
	struct request *r = data;

	return r->answer ? r->answer(nlh, r->data) : MNL_CB_OK;
}

static int receive(struct module *m, struct request *r)
{
	mnl_cb_t control[NLMSG_ERROR + 1] = { [NLMSG_ERROR] = note_error };
	unsigned int portid = mnl_socket_get_portid(m->socket);
	char answer[ANSWER_MAX];
	int n, ret = MNL_CB_OK;

	while (ret > MNL_CB_STOP) {
		n = (int)mnl_socket_recvfrom(m->socket, answer, sizeof(answer));
		if (n < 0)
			return -errno;
		ret = mnl_cb_run2(answer, (size_t)n, r->nlh->nlmsg_seq, portid, take_answer, r,
				  control, sizeof(control) / sizeof(control[0]));
	}
	return ret < 0 ? -errno : 0;
}

/* What an earlier request left unread would be taken for the answer to this one. */
static void drain(struct module *m)
{
	char rest[ANSWER_MAX];

	while (recv(mnl_socket_get_fd(m->socket), rest, sizeof(rest), MSG_DONTWAIT) > 0)
		;
}

static int run(struct module *m, struct request *r)
{
	drain(m);
	if (mnl_socket_sendto(m->socket, r->nlh, r->nlh->nlmsg_len) < 0)
		return -errno;
	return receive(m, r);
}

static int note_family(const struct nlmsghdr *nlh, void *data)
{
	struct module *m = data;
	const struct nlattr *attr;

	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
	{
		if (mnl_attr_get_type(attr) == CTRL_ATTR_FAMILY_ID &&
		    mnl_attr_validate(attr, MNL_TYPE_U16) >= 0)
			m->family = mnl_attr_get_u16(attr);
	}
	return MNL_CB_OK;
}

/* Generic netlink numbers a family anew each time the module is loaded. */
static int find_family(struct module *m)
{
	uint16_t last = m->family;
	struct request r;
	int ret;

	m->family = 0;
	begin(m, &r, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	mnl_attr_put_strz(r.nlh, CTRL_ATTR_FAMILY_NAME, FLOW_SAMPLER_FAMILY_NAME);
	r.answer = note_family;
	r.data = m;
	ret = run(m, &r);
	if (ret && ret != -ENOENT)
		m->family = last; /* nothing was learned */
	return ret ? ret : m->family ? 0 : -ENOENT;
}

static int open_socket(struct module *m)
{
	const struct timeval patience = { .tv_sec = 1 };
	int on = 1;

	m->socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!m->socket)
		return -errno;
	mnl_socket_setsockopt(m->socket, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(mnl_socket_get_fd(m->socket), SOL_SOCKET, SO_RCVTIMEO, &patience,
		   sizeof(patience));
	return mnl_socket_bind(m->socket, 0, MNL_SOCKET_AUTOPID) < 0 ? -errno : 0;
}

void module_open(struct module *m, const char *pin_dir)
{
	memset(m, 0, sizeof(*m));
	if (!realpath(pin_dir, m->owner))
		snprintf(m->owner, sizeof(m->owner), "%s", pin_dir);
	if (open_socket(m))
		module_close(m);
	module_look(m);
}

void module_close(struct module *m)
{
	if (m->socket)
		mnl_socket_close(m->socket);
	m->socket = NULL;
	m->family = 0;
}

static bool fail(struct module *m, const char *trouble)
{
	snprintf(m->trouble, sizeof(m->trouble), "%s", trouble);
	return false;
}

bool module_look(struct module *m)
{
	if (!m->socket)
		return fail(m, "no generic netlink socket could be opened");
	if (find_family(m)) {
		m->refused = false;
		return fail(m, access(module_dir, F_OK) ?
				       "not loaded" :
				       "loaded, but its netlink family does not answer");
	}
	if (m->refused)
		return false;
	if (strlen(m->owner) >= FLOW_SAMPLER_OWNER_MAX)
		return fail(m, owner_too_long);
	if (access(module_btf, F_OK))
		return fail(m, "loaded without BTF: build it for the kernel that runs");
	if (!feature_sys_admin())
		return fail(m,
			    "needs CAP_SYS_ADMIN to link programs against it, see flowgauged(8)");
	m->trouble[0] = 0;
	return true;
}

void module_refuse(struct module *m, const char *why)
{
	m->refused = true;
	snprintf(m->trouble, sizeof(m->trouble), "programs do not load with it: %s", why);
	snprintf(m->told, sizeof(m->told), "%s", m->trouble);
	log_warning("flow_sampler.ko: %s", m->trouble);
}

void module_tell(struct module *m)
{
	if (!m->trouble[0] || access(module_dir, F_OK) || !strcmp(m->told, m->trouble))
		return;
	snprintf(m->told, sizeof(m->told), "%s", m->trouble);
	log_info("flow_sampler.ko: %s: programs select by themselves", m->trouble);
}

static const enum mnl_attr_data_type attr_types[FLOW_SAMPLER_A_MAX + 1] = {
	[FLOW_SAMPLER_A_ID] = MNL_TYPE_U32,
	[FLOW_SAMPLER_A_NAME] = MNL_TYPE_NUL_STRING,
	[FLOW_SAMPLER_A_OWNER] = MNL_TYPE_NUL_STRING,
	[FLOW_SAMPLER_A_MODE] = MNL_TYPE_U32,
	[FLOW_SAMPLER_A_SIZE] = MNL_TYPE_U32,
	[FLOW_SAMPLER_A_POPULATION] = MNL_TYPE_U32,
	[FLOW_SAMPLER_A_OBSERVED_PACKETS] = MNL_TYPE_U64,
	[FLOW_SAMPLER_A_OBSERVED_OCTETS] = MNL_TYPE_U64,
	[FLOW_SAMPLER_A_SELECTED_PACKETS] = MNL_TYPE_U64,
	[FLOW_SAMPLER_A_SELECTED_OCTETS] = MNL_TYPE_U64,
};

static void note_attr(struct module_sampler *s, const struct nlattr *attr)
{
	switch (mnl_attr_get_type(attr)) {
	case FLOW_SAMPLER_A_ID:
		s->id = mnl_attr_get_u32(attr);
		break;
	case FLOW_SAMPLER_A_NAME:
		snprintf(s->sampler.name, sizeof(s->sampler.name), "%s", mnl_attr_get_str(attr));
		break;
	case FLOW_SAMPLER_A_OWNER:
		snprintf(s->owner, sizeof(s->owner), "%s", mnl_attr_get_str(attr));
		break;
	case FLOW_SAMPLER_A_MODE:
		s->sampler.mode = (uint8_t)mnl_attr_get_u32(attr);
		break;
	case FLOW_SAMPLER_A_SIZE:
		s->sampler.size = mnl_attr_get_u32(attr);
		break;
	case FLOW_SAMPLER_A_POPULATION:
		s->sampler.population = mnl_attr_get_u32(attr);
		break;
	case FLOW_SAMPLER_A_OBSERVED_PACKETS:
		s->counts.observed.packets = mnl_attr_get_u64(attr);
		break;
	case FLOW_SAMPLER_A_OBSERVED_OCTETS:
		s->counts.observed.octets = mnl_attr_get_u64(attr);
		break;
	case FLOW_SAMPLER_A_SELECTED_PACKETS:
		s->counts.selected.packets = mnl_attr_get_u64(attr);
		break;
	case FLOW_SAMPLER_A_SELECTED_OCTETS:
		s->counts.selected.octets = mnl_attr_get_u64(attr);
		break;
	default:
		break;
	}
}

static void parse_sampler(const struct nlmsghdr *nlh, struct module_sampler *s)
{
	const struct nlattr *attr;
	uint16_t type;

	memset(s, 0, sizeof(*s));
	mnl_attr_for_each(attr, nlh, sizeof(struct genlmsghdr))
	{
		type = mnl_attr_get_type(attr);
		if (type <= FLOW_SAMPLER_A_MAX && attr_types[type] &&
		    mnl_attr_validate(attr, attr_types[type]) >= 0)
			note_attr(s, attr);
	}
}

static int note_sampler(const struct nlmsghdr *nlh, void *data)
{
	parse_sampler(nlh, data);
	return MNL_CB_OK;
}

bool module_owns(const struct module *m, const struct module_sampler *s)
{
	return s->id && !strcmp(s->owner, m->owner);
}

/* All of our samplers, by id. */
struct list {
	const struct module *module;
	unsigned int n;
	struct module_sampler all[FLOW_SAMPLER_ID_MAX];
};

static int add_to_list(const struct nlmsghdr *nlh, void *data)
{
	struct list *list = data;

	if (list->n == FLOW_SAMPLER_ID_MAX)
		return MNL_CB_OK;
	parse_sampler(nlh, &list->all[list->n]);
	list->n += module_owns(list->module, &list->all[list->n]);
	return MNL_CB_OK;
}

/* A dump that a change broke into is done again. */
static int read_list(struct module *m, struct list *list)
{
	struct request r;
	int tries, ret = -EINTR;

	if (!m->family)
		return -ENOENT;
	for (tries = 0; ret == -EINTR && tries < DUMP_TRIES; tries++) {
		list->module = m;
		list->n = 0;
		begin(m, &r, m->family, FLOW_SAMPLER_CMD_GET, NLM_F_DUMP);
		r.answer = add_to_list;
		r.data = list;
		ret = run(m, &r);
	}
	return ret;
}

static uint32_t find(struct module *m, const struct sampler *s)
{
	static struct list list; /* too large for a stack */
	unsigned int i;

	if (read_list(m, &list))
		return 0;
	for (i = 0; i < list.n; i++)
		if (samplers_are_same(&list.all[i].sampler, s))
			return list.all[i].id;
	return 0;
}

static void put_definition(struct request *r, const struct module *m, const struct sampler *s)
{
	mnl_attr_put_strz(r->nlh, FLOW_SAMPLER_A_OWNER, m->owner);
	mnl_attr_put_strz(r->nlh, FLOW_SAMPLER_A_NAME, s->name);
	mnl_attr_put_u32(r->nlh, FLOW_SAMPLER_A_MODE, s->mode);
	mnl_attr_put_u32(r->nlh, FLOW_SAMPLER_A_SIZE, s->size);
	mnl_attr_put_u32(r->nlh, FLOW_SAMPLER_A_POPULATION, s->population);
}

static int check_ready(const struct module *m, struct error *err)
{
	if (!m->family)
		return error_set(err, -ENOENT, "flow_sampler.ko: %s", m->trouble);
	if (strlen(m->owner) >= FLOW_SAMPLER_OWNER_MAX)
		return error_set(err, -ENAMETOOLONG, "flow_sampler.ko: %s", owner_too_long);
	return 0;
}

static int create(struct module *m, const struct sampler *s, uint32_t *id, struct error *err)
{
	struct module_sampler made = { 0 };
	struct request r;
	int ret = check_ready(m, err);

	if (ret)
		return ret;
	begin(m, &r, m->family, FLOW_SAMPLER_CMD_NEW, 0);
	put_definition(&r, m, s);
	r.answer = note_sampler;
	r.data = &made;
	ret = run(m, &r);
	if (!ret && !made.id)
		ret = -EBADMSG;
	if (ret)
		return error_set(err, ret, "flow_sampler.ko: sampler %s cannot be made: %s",
				 s->name, r.why[0] ? r.why : strerror(-ret));
	*id = made.id;
	return 0;
}

int module_take(struct module *m, const struct sampler *s, uint32_t *id, struct error *err)
{
	*id = find(m, s);
	return *id ? 0 : create(m, s, id, err);
}

int module_set(struct module *m, uint32_t id, const struct sampler *s, struct error *err)
{
	struct request r;
	int ret = check_ready(m, err);

	if (ret)
		return ret;
	begin(m, &r, m->family, FLOW_SAMPLER_CMD_SET, 0);
	mnl_attr_put_u32(r.nlh, FLOW_SAMPLER_A_ID, id);
	put_definition(&r, m, s);
	ret = run(m, &r);
	if (ret)
		return error_set(err, ret, "%s", r.why[0] ? r.why : strerror(-ret));
	return 0;
}

int module_read(struct module *m, uint32_t id, struct module_sampler *s)
{
	struct request r;
	int ret;

	if (!m->family)
		return access(module_dir, F_OK) ? -ENOENT : -EAGAIN;
	memset(s, 0, sizeof(*s));
	begin(m, &r, m->family, FLOW_SAMPLER_CMD_GET, 0);
	mnl_attr_put_u32(r.nlh, FLOW_SAMPLER_A_ID, id);
	r.answer = note_sampler;
	r.data = s;
	ret = run(m, &r);
	if (ret)
		return ret;
	return s->id == id ? 0 : -ENOENT;
}

static void delete (struct module *m, const struct module_sampler *s)
{
	struct request r;
	int ret;

	begin(m, &r, m->family, FLOW_SAMPLER_CMD_DEL, 0);
	mnl_attr_put_u32(r.nlh, FLOW_SAMPLER_A_ID, s->id);
	ret = run(m, &r);
	if (ret && ret != -ENOENT)
		log_warning("flow_sampler.ko: sampler %s cannot be deleted: %s", s->sampler.name,
			    r.why[0] ? r.why : strerror(-ret));
}

void module_delete_but(struct module *m, bool (*keep)(void *data, const struct module_sampler *s),
		       void *data)
{
	static struct list list;
	unsigned int i;

	if (read_list(m, &list))
		return;
	for (i = 0; i < list.n; i++)
		if (!keep || !keep(data, &list.all[i]))
			delete (m, &list.all[i]);
}
