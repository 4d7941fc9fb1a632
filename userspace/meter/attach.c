// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An attachment is entered into the roster first, so that whatever its program
 * counts can be decoded, then its program is loaded, attached, and its link
 * pinned. Killed in between, a link goes with its descriptor and the entry is
 * found without a living link and retired.
 *
 * What is asked again as it is stays untouched. A changed spec or program
 * replaces the program in the same hook at one instant; only a change of the
 * hook itself (XDP to tc) takes the old one off before the new one is on, for
 * a packet that is counted twice is worse than one that is not seen.
 */
#include "meter/meter.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "meter/device.h"
#include "meter/hook.h"
#include "meter/meter_state.h"
#include "meter/program.h"
#include "meter/sampling.h"

/* One call of meter_attach. */
struct attaching {
	struct meter *meter;
	const struct meter_attach *spec;
	uint16_t index;
	struct device device;
	struct hook hook;
	struct program program;
	enum program_kind kind; /* of the program, while one is loaded */
};

static struct filter filter_of(const struct meter *m, uint16_t index)
{
	const struct roster_entry *e = &m->roster.entries[index];

	return (struct filter){ e->spec.ifindex, e->spec.direction,
				m->dir.tag ^ (e->second ? FILTER_SECOND : 0) };
}

static struct hook stored_hook(struct meter *m, uint16_t index)
{
	struct roster_entry *e = &m->roster.entries[index];

	return (struct hook){
		.mode = e->mode,
		.where = filter_of(m, index),
		.qdisc_created = &e->qdisc_created,
		.link_fd = pin_get(&m->dir, "link_%u", index),
	};
}

static void close_hook(struct hook *h)
{
	if (h->link_fd >= 0)
		close(h->link_fd);
	h->link_fd = -1;
}

static void list(struct meter *m, uint16_t index, uint32_t link_id, bool adopted)
{
	const struct roster_entry *e = &m->roster.entries[index];

	m->attachments[index] = (struct meter_attachment){
		.spec = e->spec,
		.mode = (uint8_t)e->mode,
		.prog_id = e->prog_id,
		.link_id = link_id,
		.adopted = adopted,
	};
}

static void unlist(struct meter *m, uint16_t index)
{
	memset(&m->attachments[index], 0, sizeof(m->attachments[index]));
}

/* The qdisc that we made goes with the last of our filters on the device. */
static void hand_on_qdisc(struct meter *m, uint16_t index)
{
	struct roster_entry *e = &m->roster.entries[index], *other;
	uint16_t i;

	for (i = 1; i < m->roster.limit && e->qdisc_created; i++) {
		other = &m->roster.entries[i];
		if (i == index || other->state != ROSTER_LIVE || other->mode != METER_MODE_CLSACT ||
		    other->spec.ifindex != e->spec.ifindex)
			continue;
		other->qdisc_created = 1;
		e->qdisc_created = 0;
	}
}

static int take_off(struct meter *m, uint16_t index, struct error *err)
{
	struct hook hook;
	int ret;

	hand_on_qdisc(m, index);
	hook = stored_hook(m, index);
	ret = hook_detach(&hook);
	if (ret)
		return error_set(err, ret, "interface %s: the %s program cannot be detached: %s",
				 m->roster.entries[index].spec.ifname, meter_mode_name(hook.mode),
				 strerror(-ret));
	pin_remove(&m->dir, "link_%u", index);
	return 0;
}

static int detach(struct meter *m, uint16_t index, struct error *err)
{
	int ret = take_off(m, index, err);

	if (ret)
		return ret;
	roster_retire(&m->roster, index, m->control);
	unlist(m, index);
	return 0;
}

/* A link that lives, or a filter that cannot be looked for, in another network namespace. */
static bool is_elsewhere(const struct meter *m, uint16_t index, bool alive)
{
	const struct roster_entry *e = &m->roster.entries[index];

	return e->netns != m->roster.netns && (alive || e->mode == METER_MODE_CLSACT);
}

static int adopt(struct meter *m, uint16_t index, struct error *err)
{
	struct hook hook = stored_hook(m, index);
	uint32_t link_id, prog_id;
	bool alive;

	alive = hook_alive(&hook, &link_id, &prog_id);
	close_hook(&hook);
	if (is_elsewhere(m, index, alive))
		return pin_stale(&m->dir, err, "roster",
				 "has attachments in another network namespace");
	if (alive)
		list(m, index, link_id, true);
	else if (detach(m, index, NULL))
		log_warning("attachment %u of interface %s is dead and cannot be removed",
			    m->roster.entries[index].spec.id, m->roster.entries[index].spec.ifname);
	return 0;
}

int attach_adopt_all(struct meter *m, struct error *err)
{
	int ret = 0;
	uint16_t i;

	for (i = 1; i < m->roster.limit && !ret; i++)
		if (m->roster.entries[i].state == ROSTER_LIVE)
			ret = adopt(m, i, err);
	return ret;
}

/* A link can be taken off from anywhere, a filter only where it is. */
int attach_remove_all(struct meter *m, struct error *err)
{
	int ret = 0, one;
	uint16_t i;

	for (i = 1; i < m->roster.limit; i++) {
		if (m->roster.entries[i].state != ROSTER_LIVE)
			continue;
		if (is_elsewhere(m, i, false)) {
			log_warning("interface %s is in another network namespace: its filter "
				    "stays, if that is still there",
				    m->roster.entries[i].spec.ifname);
			continue;
		}
		one = take_off(m, i, err);
		if (!one)
			m->roster.entries[i].state = ROSTER_RETIRED;
		ret = ret ? ret : one;
	}
	return ret;
}

static int check_spec(const struct meter *m, const struct meter_attach *spec, struct error *err)
{
	if (!spec->id)
		return error_set(err, -EINVAL, "attachment id 0 is not used");
	if (spec->direction > FLOW_OUTPUT)
		return error_set(err, -EINVAL, "interface %s: direction %u: 0 is input, 1 output",
				 spec->ifname, spec->direction);
	if (spec->hook > METER_HOOK_TC)
		return error_set(err, -EINVAL, "interface %s: hook %u: auto, xdp or tc",
				 spec->ifname, spec->hook);
	if (spec->hook == METER_HOOK_XDP && spec->direction == FLOW_OUTPUT)
		return error_set(
			err, -EINVAL,
			"interface %s: XDP sees input only: use hook tc or auto for output",
			spec->ifname);
	return sampling_check(m, spec, err);
}

/*
 * Without a link header a frame may begin with what a tunnel left there: XDP
 * cannot tell, tc can.
 */
static int check_device(const struct meter_attach *spec, const struct device *d, struct error *err)
{
	if (spec->hook != METER_HOOK_XDP)
		return 0;
	if (!d->link_header)
		return error_set(err, -EOPNOTSUPP,
				 "interface %s: it has no link header, and XDP cannot tell where "
				 "its packets begin: use hook tc or auto",
				 d->name);
	if (d->is_vrf)
		return error_set(err, -EOPNOTSUPP,
				 "interface %s: XDP sees no packets of a VRF device: use hook xdp "
				 "on its members (see: ip link show master %s)",
				 d->name, d->name);
	return 0;
}

static bool wants_vlan(const struct meter_attach *spec)
{
	static const struct flow_key tag = { .vlan_tci = 0xffff };
	uint64_t mask;

	memcpy(&mask, (const char *)&tag + offsetof(struct flow_key, flow_label), sizeof(mask));
	return spec->want[offsetof(struct flow_key, flow_label) / sizeof(mask)] & mask;
}

/* Would XDP see what is wanted? */
static bool xdp_suits(const struct meter_attach *spec, const struct device *d)
{
	return d->link_header && !d->is_tap && !d->is_bond && !(d->strips_vlan && wants_vlan(spec));
}

/* Can what is attached stay where it is for this spec? */
static bool mode_suits(enum meter_mode mode, const struct meter_attach *spec,
		       const struct device *d)
{
	if (spec->hook == METER_HOOK_XDP)
		return hook_is_xdp(mode);
	if (spec->hook == METER_HOOK_TC)
		return !hook_is_xdp(mode);
	return !hook_is_xdp(mode) || (mode == METER_MODE_XDP_NATIVE && xdp_suits(spec, d));
}

static int load(struct attaching *a, enum meter_mode mode, struct error *err)
{
	enum program_kind kind = hook_is_xdp(mode) ? PROGRAM_XDP : PROGRAM_TC;

	if (a->program.fd >= 0 && a->kind == kind)
		return 0;
	program_close(&a->program);
	a->kind = kind;
	return program_load(&a->program, a->meter, a->spec, kind, a->index, a->device.link_header,
			    err);
}

static int try_mode(struct attaching *a, enum meter_mode mode)
{
	a->hook = (struct hook){
		.mode = mode,
		.where = filter_of(a->meter, a->index),
		.qdisc_created = &a->meter->roster.entries[a->index].qdisc_created,
	};
	return hook_attach(&a->hook, a->program.fd);
}

static int explain_attach(const struct attaching *a, int code, struct error *err)
{
	const char *name = a->device.name;

	if (hook_is_xdp(a->hook.mode) && (code == -EBUSY || code == -EEXIST))
		return error_set(err, -EBUSY,
				 "interface %s: another XDP program is attached (see: ip link show "
				 "%s): use hook tc or auto, or detach it",
				 name, name);
	return error_set(err, code, "interface %s: attaching by %s: %s", name,
			 meter_mode_name(a->hook.mode), strerror(-code));
}

/* Only XDP asked for by name is put where it does not suit. */
static void warn_of_xdp(const struct attaching *a)
{
	if (a->device.is_tap || a->hook.mode == METER_MODE_XDP_GENERIC)
		log_warning("interface %s: XDP counts a super-packet (GRO, GSO) as one packet "
			    "here: hook tc or auto counts its segments",
			    a->device.name);
	if (a->device.strips_vlan && wants_vlan(a->spec))
		log_warning("interface %s: it takes VLAN tags out of the frame before XDP sees "
			    "it, and they are wanted: use hook tc or auto, or `ethtool -K %s "
			    "rxvlan off`",
			    a->device.name, a->device.name);
}

/* Native, and generic where the driver has no XDP or not for this MTU. */
static int attach_xdp(struct attaching *a, bool native_only, struct error *err)
{
	int ret = load(a, METER_MODE_XDP_NATIVE, err);

	if (ret)
		return ret;
	ret = try_mode(a, METER_MODE_XDP_NATIVE);
	if (ret && ret != -EBUSY && ret != -EEXIST && !native_only)
		ret = try_mode(a, METER_MODE_XDP_GENERIC);
	if (!ret) {
		warn_of_xdp(a);
		return 0;
	}
	program_close(&a->program);
	return explain_attach(a, ret, err);
}

/* A kernel without tcx says EINVAL to its attach type. */
static int attach_tc(struct attaching *a, struct error *err)
{
	int ret = load(a, METER_MODE_TCX, err);

	if (ret)
		return ret;
	ret = a->meter->no_tcx ? -EINVAL : try_mode(a, METER_MODE_TCX);
	if (ret == -EINVAL)
		ret = try_mode(a, METER_MODE_CLSACT);
	if (!ret)
		return 0;
	program_close(&a->program);
	return explain_attach(a, ret, err);
}

/* Is XDP what comes first? */
static bool prefers_xdp(const struct attaching *a)
{
	if (a->spec->hook != METER_HOOK_AUTO)
		return a->spec->hook == METER_HOOK_XDP;
	return a->spec->direction == FLOW_INPUT && xdp_suits(a->spec, &a->device);
}

static int attach_somewhere(struct attaching *a, struct error *err)
{
	if (a->spec->hook == METER_HOOK_XDP)
		return attach_xdp(a, false, err);
	if (prefers_xdp(a) && !attach_xdp(a, true, NULL))
		return 0;
	return attach_tc(a, err);
}

static int commit(struct attaching *a, struct error *err)
{
	struct meter *m = a->meter;
	uint32_t link_id, prog_id;
	int ret = 0;

	if (a->hook.link_fd >= 0)
		ret = pin_put(&m->dir, a->hook.link_fd, err, "link_%u", a->index);
	if (ret) {
		hook_detach(&a->hook);
		return ret;
	}
	roster_commit(&m->roster, a->index, a->hook.mode, &a->program);
	hook_alive(&a->hook, &link_id, &prog_id);
	list(m, a->index, link_id, false);
	close_hook(&a->hook);
	return 0;
}

/*
 * The entry says where a clsact filter may be before it is there: unlike a
 * link it would stay when the agent dies right after.
 */
static int attach_new(struct attaching *a, struct error *err)
{
	struct meter *m = a->meter;
	struct roster_entry *e = &m->roster.entries[a->index];
	int ret;

	pin_remove(&m->dir, "link_%u", a->index);
	e->mode = METER_MODE_CLSACT;
	ret = attach_somewhere(a, err);
	if (ret)
		return ret;
	ret = commit(a, err);
	program_close(&a->program);
	return ret;
}

static int attach_first(struct attaching *a, struct error *err)
{
	struct meter *m = a->meter;
	int ret;

	a->index = roster_take(&m->roster, a->spec);
	if (!a->index)
		return error_set(err, -ENOSPC,
				 "interface %s: there are %u attachments already (or some were "
				 "detached just now: try again in a few seconds)",
				 a->device.name, m->roster.size - 1);
	ret = attach_new(a, err);
	if (ret)
		roster_retire(&m->roster, a->index, m->control);
	else if (a->device.is_vrf && a->spec->direction == FLOW_INPUT)
		log_warning("interface %s: tc sees few packets of a VRF device: meter its "
			    "members (see: ip link show master %s)",
			    a->device.name, a->device.name);
	return ret;
}

/* What was attached before a move that failed comes back. */
static void move_back(const struct attaching *failed, const struct meter_attach *old)
{
	struct meter *m = failed->meter;
	struct attaching a = *failed;

	a.spec = old;
	a.program.fd = -1;
	roster_change(&m->roster, a.index, old);
	if (!attach_new(&a, NULL))
		return;
	log_warning("interface %s: attachment %u is lost", old->ifname, old->id);
	roster_retire(&m->roster, a.index, m->control);
}

/* The hook changes: what can fail is tried before the old program is taken off. */
static int move(struct attaching *a, struct error *err)
{
	struct meter *m = a->meter;
	struct meter_attach old = m->roster.entries[a->index].spec;
	int ret;

	ret = load(a, prefers_xdp(a) ? METER_MODE_XDP_NATIVE : METER_MODE_TCX, err);
	if (!ret)
		ret = take_off(m, a->index, err);
	if (ret) {
		program_close(&a->program);
		return ret;
	}
	unlist(m, a->index);
	roster_change(&m->roster, a->index, a->spec);
	ret = attach_new(a, err);
	if (ret)
		move_back(a, &old);
	return ret;
}

static int replace(struct attaching *a, struct error *err)
{
	struct meter *m = a->meter;
	struct roster_entry *e = &m->roster.entries[a->index];
	uint32_t link_id, prog_id;
	int ret;

	ret = load(a, a->hook.mode, err);
	if (ret)
		return ret;
	roster_change(&m->roster, a->index, a->spec);
	ret = hook_replace(&a->hook, a->program.fd);
	if (ret) {
		error_set(err, ret, "interface %s: replacing the %s program: %s", a->device.name,
			  meter_mode_name(a->hook.mode), strerror(-ret));
		program_close(&a->program);
		return ret;
	}
	roster_commit(&m->roster, a->index, e->mode, &a->program);
	hook_alive(&a->hook, &link_id, &prog_id);
	list(m, a->index, link_id, false);
	program_close(&a->program);
	return 0;
}

static bool runs_as_asked(const struct attaching *a, uint32_t prog_id)
{
	const struct roster_entry *e = &a->meter->roster.entries[a->index];

	return e->prog_id && e->prog_id == prog_id && roster_same_spec(&e->spec, a->spec) &&
	       e->program_hash ==
		       program_hash(a->meter, a->spec, a->index, a->device.link_header) &&
	       mode_suits(e->mode, a->spec, &a->device);
}

/* An interface may have got another name meanwhile. */
static void rename_entry(struct meter *m, uint16_t index, const char *ifname)
{
	struct meter_attach *spec = &m->roster.entries[index].spec;

	memcpy(spec->ifname, ifname, sizeof(spec->ifname));
	memcpy(m->attachments[index].spec.ifname, ifname, sizeof(spec->ifname));
}

/* There is an attachment of that id already. */
static int attach_again(struct attaching *a, struct error *err)
{
	struct meter *m = a->meter;
	struct roster_entry *e = &m->roster.entries[a->index];
	uint32_t link_id, prog_id;
	int ret;

	if (e->spec.ifindex != a->spec->ifindex || e->spec.direction != a->spec->direction)
		return error_set(err, -EEXIST,
				 "attachment %u is on interface %s: detach it there first",
				 e->spec.id, e->spec.ifname);
	a->hook = stored_hook(m, a->index);
	if (!hook_alive(&a->hook, &link_id, &prog_id)) {
		close_hook(&a->hook);
		ret = move(a, err);
	} else if (runs_as_asked(a, prog_id)) {
		rename_entry(m, a->index, a->spec->ifname);
		ret = 0;
	} else if (mode_suits(a->hook.mode, a->spec, &a->device)) {
		ret = replace(a, err);
	} else {
		close_hook(&a->hook);
		ret = move(a, err);
	}
	close_hook(&a->hook);
	return ret;
}

int meter_attach(struct meter *m, const struct meter_attach *spec, struct error *err)
{
	struct attaching a = {
		.meter = m,
		.spec = spec,
		.hook.link_fd = -1,
		.program.fd = -1,
	};
	int ret;

	ret = check_spec(m, spec, err);
	if (!ret)
		ret = device_get(&a.device, spec->ifindex, err);
	if (!ret)
		ret = check_device(spec, &a.device, err);
	if (!ret)
		ret = meter_open_tables(m, program_layout(spec), err);
	if (ret)
		return ret;
	sampling_prepare(m, spec);
	a.index = roster_find(&m->roster, spec->id);
	ret = a.index ? attach_again(&a, err) : attach_first(&a, err);
	sampling_note(m);
	return ret;
}

static bool is_alive(struct meter *m, uint16_t index)
{
	struct hook hook = stored_hook(m, index);
	uint32_t link_id, prog_id;
	bool alive = hook_alive(&hook, &link_id, &prog_id);

	close_hook(&hook);
	return alive;
}

uint16_t meter_attached(struct meter *m, uint32_t ifindex, uint8_t direction, bool inner)
{
	uint16_t i;

	for (i = 1; i < m->roster.limit; i++) {
		const struct roster_entry *e = &m->roster.entries[i];

		if (e->state == ROSTER_LIVE && e->spec.ifindex == ifindex &&
		    e->spec.direction == direction && e->spec.inner == inner && is_alive(m, i))
			return e->spec.id;
	}
	return 0;
}

bool meter_drains(const struct meter *m)
{
	uint16_t i;

	for (i = 1; i < m->roster.limit; i++)
		if (m->roster.entries[i].state == ROSTER_RETIRED)
			return true;
	return false;
}

int meter_detach(struct meter *m, uint16_t id, struct error *err)
{
	uint16_t index = roster_find(&m->roster, id);
	int ret;

	if (!index)
		return error_set(err, -ENOENT, "there is no attachment %u", id);
	ret = detach(m, index, err);
	sampling_note(m);
	return ret;
}

bool meter_misses_tags(const struct meter_attachment *a)
{
	struct device d;

	return hook_is_xdp(a->mode) && wants_vlan(&a->spec) &&
	       !device_get(&d, a->spec.ifindex, NULL) && d.strips_vlan;
}
