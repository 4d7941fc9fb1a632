// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The meter where flow_sampler.ko is loaded: who selects, who counts, and that
 * a sum goes on while they take turns; agents that come back, samplers that are
 * deleted or changed under programs that ask for them, and what is left of it all.
 */
#include "meter/meter.h"

#include "bpf/metered_veth.h"
#include "meter/module.h"
#include "meter/sampler.h"
#include "sampler_netlink.h"

enum { OCTETS = 48 };

/* With and without what it takes to link a program against the module. */
static int set_sys_admin(bool on)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &header, data))
		return -errno;
	if (on)
		data[0].effective |= 1u << CAP_SYS_ADMIN;
	else
		data[0].effective &= ~(1u << CAP_SYS_ADMIN);
	return syscall(SYS_capset, &header, data) ? -errno : 0;
}

static __attribute__((constructor)) void need_module(void)
{
	skip_without_module();
}

static struct sampler one_in(const char *name, uint32_t population)
{
	struct sampler s = {
		.mode = FLOW_SAMPLER_MODE_DETERMINISTIC,
		.size = 1,
		.population = population,
	};

	snprintf(s.name, sizeof(s.name), "%s", name);
	return s;
}

static uint8_t get(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self,
		   const struct sampler *s)
{
	uint8_t id = 0;

	EXPECT_EQ(0, meter_sampler_get(self->m, s, &id, &self->err));
	return id;
}

static struct meter_attach taken(uint8_t hook, uint8_t sampler)
{
	struct meter_attach spec = classic(7, "m0", FLOW_INPUT, hook);

	spec.takers[spec.n_takers++] = (struct meter_taker){ sampler, .ipv4 = true };
	return spec;
}

static void attach_it(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self,
		      const struct meter_attach *spec)
{
	ASSERT_EQ(0, meter_attach(self->m, spec, &self->err))
	{
		TH_LOG("%s", self->err.text);
	}
}

/* Who selects for the one attachment, and what was counted. */
static void expect_sampler(struct __test_metadata *_metadata, struct meter *m, uint8_t id,
			   bool by_module, uint64_t observed, uint64_t selected)
{
	struct meter_sampler s;

	ASSERT_TRUE(meter_sampler(m, id, &s));
	EXPECT_EQ(by_module, s.attachments_by_module);
	EXPECT_EQ(!by_module, s.attachments_by_program);
	EXPECT_EQ(observed, s.report.counts.observed.packets);
	EXPECT_EQ(observed * OCTETS, s.report.counts.observed.octets);
	EXPECT_EQ(selected, s.report.counts.selected.packets);
	EXPECT_EQ(selected * OCTETS, s.report.counts.selected.octets);
}

static uint32_t module_id(struct meter *m, uint8_t id)
{
	struct meter_sampler s;

	return meter_sampler(m, id, &s) ? s.module_id : 0;
}

static void send_some(struct __test_metadata *_metadata, unsigned int n)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	EXPECT_EQ(n, send_packets("p0", n, 1, 0));
}

static void check_module(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self,
			 uint8_t hook)
{
	struct sampler tenth = one_in("TENTH", 10);
	uint8_t id = get(_metadata, self, &tenth);
	struct meter_attach spec = taken(hook, id);
	struct module_sampler told;
	struct seen seen = { 0 };
	struct module module;

	EXPECT_STREQ("", meter_module_trouble(self->m));
	attach_it(_metadata, self, &spec);
	EXPECT_STREQ("", meter_module_trouble(self->m));
	send_some(_metadata, 200);
	expect_sampler(_metadata, self->m, id, true, 200, 20);
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(200, seen.observed);
	EXPECT_EQ(20, seen.by_bit[id].packets);
	EXPECT_EQ(180, seen.not_selected);

	/* any tool can read it */
	module_open(&module, PIN_DIR);
	ASSERT_EQ(0, module_read(&module, module_id(self->m, id), &told));
	EXPECT_STREQ("TENTH", told.sampler.name);
	EXPECT_STREQ(PIN_DIR, told.owner);
	EXPECT_EQ(200, told.counts.observed.packets);
	EXPECT_EQ(20 * OCTETS, told.counts.selected.octets);
	module_close(&module);
}

TEST_F(attach, module_xdp)
{
	check_module(_metadata, self, METER_HOOK_XDP);
}

TEST_F(attach, module_tc)
{
	check_module(_metadata, self, METER_HOOK_TC);
}

/* Standard error goes into a file, until end_log(). */
struct logged {
	int file, before;
};

static struct logged begin_log(void)
{
	struct logged l = { memfd_create("log", MFD_CLOEXEC), dup(STDERR_FILENO) };

	dup2(l.file, STDERR_FILENO);
	return l;
}

/* How many lines that have @name and @what were there? */
static unsigned int end_log(const struct logged *l, const char *name, const char *what)
{
	static char text[16384];
	ssize_t n = pread(l->file, text, sizeof(text) - 1, 0);
	char *line, *rest = text;
	unsigned int found = 0;

	text[n > 0 ? n : 0] = 0;
	while ((line = strsep(&rest, "\n")))
		found += strstr(line, name) && strstr(line, what);
	dup2(l->before, STDERR_FILENO);
	close(l->before);
	close(l->file);
	return found;
}

/* The programs of an agent with less power select by themselves, and say why. */
TEST_F(attach, turns)
{
	struct sampler tenth = one_in("TENTH", 10);
	uint8_t id;
	struct meter_attach spec;
	struct seen seen = { 0 };
	struct logged log;
	uint32_t prog_id;

	id = get(_metadata, self, &tenth);
	spec = taken(METER_HOOK_AUTO, id);
	ASSERT_EQ(0, set_sys_admin(false));
	log = begin_log();
	EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(0, meter_attach(self->m, &spec, &self->err));
	EXPECT_EQ(1, end_log(&log, "flow_sampler.ko: ", "CAP_SYS_ADMIN"));
	EXPECT_NE(NULL, strstr(meter_module_trouble(self->m), "CAP_SYS_ADMIN"));
	send_some(_metadata, 100);
	expect_sampler(_metadata, self->m, id, false, 100, 10);

	/* what a reload does once the module can be used */
	ASSERT_EQ(0, set_sys_admin(true));
	EXPECT_STREQ("", meter_module_trouble(self->m));
	prog_id = meter_attachment(self->m, 0)->prog_id;
	attach_it(_metadata, self, &spec);
	EXPECT_NE(prog_id, meter_attachment(self->m, 0)->prog_id);
	prog_id = meter_attachment(self->m, 0)->prog_id;
	attach_it(_metadata, self, &spec);
	EXPECT_EQ(prog_id, meter_attachment(self->m, 0)->prog_id);
	expect_sampler(_metadata, self->m, id, true, 100, 10);
	send_some(_metadata, 50);
	expect_sampler(_metadata, self->m, id, true, 150, 15);

	ASSERT_EQ(0, set_sys_admin(false));
	attach_it(_metadata, self, &spec);
	send_some(_metadata, 30);
	expect_sampler(_metadata, self->m, id, false, 180, 18);
	ASSERT_EQ(0, set_sys_admin(true));
	attach_it(_metadata, self, &spec);
	send_some(_metadata, 20);
	expect_sampler(_metadata, self->m, id, true, 200, 20);
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(200, seen.observed);
	EXPECT_EQ(20, seen.by_bit[id].packets);
}

/* An agent that comes back finds its sampler, in the module too. */
TEST_F(attach, restart)
{
	struct sampler tenth = one_in("TENTH", 10);
	uint8_t id;
	struct meter_attach spec;
	uint32_t in_module;

	id = get(_metadata, self, &tenth);
	spec = taken(METER_HOOK_AUTO, id);
	attach_it(_metadata, self, &spec);
	in_module = module_id(self->m, id);
	EXPECT_NE(0, in_module);
	send_some(_metadata, 100);
	meter_close(self->m);
	self->m = NULL;
	send_some(_metadata, 50);
	ASSERT_EQ(0, meter_open(&self->m, &self->params, &self->err));
	expect_sampler(_metadata, self->m, id, true, 150, 15);
	EXPECT_EQ(id, get(_metadata, self, &tenth));
	attach_it(_metadata, self, &spec);
	EXPECT_TRUE(meter_attachment(self->m, 0)->adopted);
	EXPECT_EQ(in_module, module_id(self->m, id));
	send_some(_metadata, 10);
	expect_sampler(_metadata, self->m, id, true, 160, 16);
}

/* Somebody deletes it: programs go on by themselves at once. */
TEST_F(attach, deleted_under_us)
{
	struct sampler tenth = one_in("TENTH", 10);
	uint8_t id;
	struct meter_attach spec;
	struct seen seen = { 0 };
	struct module module;

	id = get(_metadata, self, &tenth);
	spec = taken(METER_HOOK_AUTO, id);
	attach_it(_metadata, self, &spec);
	send_some(_metadata, 100);
	expect_sampler(_metadata, self->m, id, true, 100, 10);
	module_open(&module, PIN_DIR);
	module_delete_but(&module, NULL, NULL);
	module_close(&module);
	send_some(_metadata, 50);
	EXPECT_EQ(0, module_id(self->m, id));
	expect_sampler(_metadata, self->m, id, false, 150, 15);
	attach_it(_metadata, self, &spec);
	EXPECT_NE(0, module_id(self->m, id));
	send_some(_metadata, 10);
	expect_sampler(_metadata, self->m, id, true, 160, 16);
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(160, seen.observed);
	EXPECT_EQ(16, seen.by_bit[id].packets);
	EXPECT_EQ(160, seen.counted + seen.not_selected);
}

static void change(struct __test_metadata *_metadata, uint32_t in_module, const struct sampler *s,
		   const char *owner)
{
	struct module module;
	struct error err;

	module_open(&module, owner);
	EXPECT_EQ(0, module_set(&module, in_module, s, &err))
	{
		TH_LOG("%s", err.text);
	}
	module_close(&module);
}

/* It is as it was, with all its counts, and said once. */
static void expect_put_back(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self,
			    uint8_t id, uint32_t in_module, const struct sampler *changed,
			    const char *owner, const char *what)
{
	struct module_sampler told = { 0 };
	struct meter_sampler s;
	struct module module;
	struct logged log;

	change(_metadata, in_module, changed, owner);
	send_some(_metadata, 20);
	log = begin_log();
	EXPECT_TRUE(meter_sampler(self->m, id, &s));
	EXPECT_TRUE(meter_sampler(self->m, id, &s));
	EXPECT_EQ(1, end_log(&log, "sampler TENTH: ", what));
	EXPECT_EQ(in_module, s.module_id);
	module_open(&module, PIN_DIR);
	EXPECT_EQ(0, module_read(&module, in_module, &told));
	EXPECT_TRUE(module_owns(&module, &told));
	module_close(&module);
	EXPECT_TRUE(samplers_are_same(&s.report.sampler, &told.sampler));
}

/* The same while there is no agent: the next one sees to it. */
static void expect_put_back_later(struct __test_metadata *_metadata, FIXTURE_DATA(attach) * self,
				  uint8_t id, uint32_t in_module, const struct sampler *changed,
				  const char *owner, const char *what)
{
	struct logged log;

	meter_close(self->m);
	self->m = NULL;
	change(_metadata, in_module, changed, owner);
	send_some(_metadata, 20);
	log = begin_log();
	EXPECT_EQ(0, meter_open(&self->m, &self->params, &self->err));
	EXPECT_EQ(1, end_log(&log, "sampler TENTH: ", what));
	ASSERT_TRUE(self->m);
	EXPECT_EQ(in_module, module_id(self->m, id));
}

/*
 * Somebody makes another rule, name or owner of it: programs go on asking for
 * it, so it is set back.
 */
TEST_F(attach, changed_under_us)
{
	struct sampler tenth = one_in("TENTH", 10), half = one_in("TENTH", 2),
		       other = one_in("OTHER", 10);
	uint8_t id;
	struct meter_attach spec;
	struct seen seen = { 0 };
	uint32_t in_module;

	id = get(_metadata, self, &tenth);
	spec = taken(METER_HOOK_AUTO, id);
	attach_it(_metadata, self, &spec);
	in_module = module_id(self->m, id);
	send_some(_metadata, 100);
	expect_put_back(_metadata, self, id, in_module, &half, PIN_DIR, "1 out-of 2");
	expect_sampler(_metadata, self->m, id, true, 120, 20);
	send_some(_metadata, 100);
	expect_sampler(_metadata, self->m, id, true, 220, 30);
	expect_put_back(_metadata, self, id, in_module, &other, PIN_DIR, "OTHER");
	expect_sampler(_metadata, self->m, id, true, 240, 32);
	expect_put_back(_metadata, self, id, in_module, &tenth, "somebody else", "somebody else");
	expect_sampler(_metadata, self->m, id, true, 260, 34);
	expect_put_back(_metadata, self, id, in_module, &half, "somebody else", "1 out-of 2");
	expect_sampler(_metadata, self->m, id, true, 280, 44);

	/* what a reload does */
	attach_it(_metadata, self, &spec);
	EXPECT_EQ(in_module, module_id(self->m, id));

	expect_put_back_later(_metadata, self, id, in_module, &half, PIN_DIR, "1 out-of 2");
	expect_put_back_later(_metadata, self, id, in_module, &half, "somebody else", "1 out-of 2");
	EXPECT_EQ(id, get(_metadata, self, &tenth));
	attach_it(_metadata, self, &spec);
	send_some(_metadata, 100);
	expect_sampler(_metadata, self->m, id, true, 420, 74);
	ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_EQ(420, seen.observed);
	EXPECT_EQ(74, seen.by_bit[id].packets);
	EXPECT_EQ(420, seen.counted + seen.not_selected);
}

static bool is_there(struct module *module, uint32_t id)
{
	struct module_sampler s;

	return !module_read(module, id, &s) && module_owns(module, &s);
}

/* Samplers of ours go with their ids, with a killed agent's pins, and with --remove; others stay. */
TEST_F(attach, nothing_is_left)
{
	struct sampler tenth = one_in("TENTH", 10), stray = one_in("STRAY", 3);
	uint8_t id;
	struct meter_attach spec;
	struct module ours, other;
	struct seen seen = { 0 };
	uint32_t others, left, in_module;
	int i;

	id = get(_metadata, self, &tenth);
	spec = taken(METER_HOOK_AUTO, id);
	module_open(&ours, PIN_DIR);
	module_open(&other, "somebody else");
	ASSERT_EQ(0, module_take(&other, &tenth, &others, &self->err));
	attach_it(_metadata, self, &spec);
	in_module = module_id(self->m, id);
	EXPECT_NE(others, in_module);
	EXPECT_TRUE(is_there(&ours, in_module));
	EXPECT_FALSE(is_there(&ours, others));

	ASSERT_EQ(0, meter_detach(self->m, 7, &self->err));
	meter_sampler_retire(self->m, id);
	EXPECT_TRUE(is_there(&ours, in_module));
	for (i = 0; i < 4; i++)
		ASSERT_TRUE(collect(self->m, 7, &seen));
	EXPECT_FALSE(is_there(&ours, in_module));

	ASSERT_EQ(0, module_take(&ours, &stray, &left, &self->err));
	reopen(_metadata, self);
	EXPECT_FALSE(is_there(&ours, left));

	id = get(_metadata, self, &tenth);
	spec = taken(METER_HOOK_AUTO, id);
	attach_it(_metadata, self, &spec);
	in_module = module_id(self->m, id);
	EXPECT_TRUE(is_there(&ours, in_module));
	remove_pins(_metadata, self);
	EXPECT_FALSE(is_there(&ours, in_module));
	EXPECT_TRUE(is_there(&other, others));
	module_delete_but(&other, NULL, NULL);
	EXPECT_FALSE(is_there(&other, others));
	module_close(&ours);
	module_close(&other);
}

/* All ids of the module are somebody else's: programs select by themselves. */
TEST_F(attach, module_is_full)
{
	struct sampler tenth = one_in("TENTH", 10);
	uint8_t id;
	struct meter_attach spec;
	struct module other;
	uint32_t others;
	char name[16];
	int i;

	id = get(_metadata, self, &tenth);
	spec = taken(METER_HOOK_AUTO, id);
	module_open(&other, "somebody else");
	for (i = 0; i < FLOW_SAMPLER_ID_MAX; i++) {
		struct sampler s;

		snprintf(name, sizeof(name), "S%d", i);
		s = one_in(name, 2);
		ASSERT_EQ(0, module_take(&other, &s, &others, &self->err));
	}
	attach_it(_metadata, self, &spec);
	send_some(_metadata, 100);
	expect_sampler(_metadata, self->m, id, false, 100, 10);
	module_delete_but(&other, NULL, NULL);
	module_close(&other);
	attach_it(_metadata, self, &spec);
	send_some(_metadata, 10);
	expect_sampler(_metadata, self->m, id, true, 110, 11);
}

TEST_HARNESS_MAIN
