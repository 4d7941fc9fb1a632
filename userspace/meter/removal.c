// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Removal needs to understand nothing of what is pinned, so that it works for
 * every version and table size: links are detached whatever is behind them,
 * filters are known by the directory's handle, pins by their names, samplers in
 * flow_sampler.ko by their owner. Only who
 * made a clsact qdisc is in the roster, where that is of this version.
 */
#include "meter/meter.h"

#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fnmatch.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include "meter/feature.h"
#include "meter/filter.h"
#include "meter/map.h"
#include "meter/meter_state.h"

/* In the order of removal: a removal that was killed is taken up or done again. */
static const char *const pin_names[] = {
	"link_*",   "*_tables", "*_cpu*_*", "roster",  "samplers",
	"sampling", "secret",   "wake",     "control",
};

static void remove_pin(const struct pin_dir *dir, const char *name)
{
	int fd = pin_get(dir, "%s", name);

	/* at once: the last reference going would do it some time later */
	if (fd >= 0 && !fnmatch("link_*", name, 0))
		bpf_link_detach(fd);
	if (fd >= 0)
		close(fd);
	pin_remove(dir, "%s", name);
}

static int remove_pins(const struct pin_dir *d, const char *pattern, struct error *err)
{
	DIR *dir = opendir(d->path);
	struct dirent *entry;

	if (!dir)
		return error_set(err, -errno, "pin directory %s: %s", d->path, strerror(errno));
	while ((entry = readdir(dir)))
		if (!fnmatch(pattern, entry->d_name, FNM_PERIOD))
			remove_pin(d, entry->d_name);
	closedir(dir);
	return 0;
}

static void remove_filter(unsigned int ifindex, uint32_t handle)
{
	struct filter f = { .ifindex = ifindex, .handle = handle };

	for (f.direction = FLOW_INPUT; f.direction <= FLOW_OUTPUT; f.direction++)
		if (filter_prog_id(&f))
			filter_detach(&f);
}

static void remove_filters(const struct pin_dir *dir)
{
	struct if_nameindex *interfaces = if_nameindex();
	unsigned int i, second;

	for (i = 0; interfaces && interfaces[i].if_index; i++)
		for (second = 0; second < 2; second++)
			remove_filter(interfaces[i].if_index,
				      dir->tag ^ (second ? FILTER_SECOND : 0));
	if_freenameindex(interfaces);
}

static bool is_of_this_version(const struct pin_dir *dir)
{
	struct meter_control control;
	struct bpf_map_info info = { 0 };
	uint32_t size = sizeof(info), zero = 0;
	int fd = pin_get(dir, "control");
	bool same;

	if (fd < 0)
		return false;
	same = !bpf_obj_get_info_by_fd(fd, &info, &size) && info.value_size == sizeof(control) &&
	       !bpf_map_lookup_elem(fd, &zero, &control) &&
	       control.abi_version == TABLE_ABI_VERSION;
	close(fd);
	return same;
}

static int take_all_off(struct meter *m, struct error *err)
{
	int ret = 0;

	if (is_of_this_version(&m->dir) && !roster_open_pinned(&m->roster, &m->dir)) {
		ret = attach_remove_all(m, err);
		roster_close(&m->roster);
	}
	remove_filters(&m->dir);
	return ret;
}

int meter_remove(const char *pin_dir, struct error *err)
{
	struct meter m = { .dir.fd = -1 };
	struct module module;
	unsigned int i;
	int ret;

	meter_log_libbpf();
	ret = feature_check_capabilities(err);
	if (!ret)
		ret = pin_dir_open(&m.dir, pin_dir, err);
	if (ret)
		return ret;
	ret = take_all_off(&m, err);
	if (!ret) {
		module_open(&module, pin_dir);
		module_delete_but(&module, NULL, NULL);
		module_close(&module);
	}
	for (i = 0; !ret && i < sizeof(pin_names) / sizeof(pin_names[0]); i++)
		ret = remove_pins(&m.dir, pin_names[i], err);
	if (!ret)
		ret = pin_dir_remove(&m.dir, err);
	pin_dir_close(&m.dir);
	return ret;
}
