// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The generic netlink family of the module: what it does, what it refuses and
 * how it says so, who may, and who hears of it. Each test has a network
 * namespace of its own, so a table of its own. Without the module all is
 * skipped.
 */
#include <fcntl.h>
#include <sched.h>
#include <sys/wait.h>

#include "kselftest_harness.h"

#include "../bpf/kernel.h"
#include "sampler_netlink.h"

enum { DETERMINISTIC = FLOW_SAMPLER_MODE_DETERMINISTIC, NOBODY = 65534 };

#define LONGEST_NAME "123456789 123456789 123456789 123456789 123456789 123456789 123"

static __attribute__((constructor)) void check_module(void)
{
	skip_without_module();
}

FIXTURE(netlink)
{
	struct genl genl;
	struct sampler_info list[SAMPLERS_MAX];
};

FIXTURE_SETUP(netlink)
{
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, genl_open(&self->genl));
}

FIXTURE_TEARDOWN(netlink)
{
	genl_close(&self->genl);
}

static int new_sampler(struct genl *g)
{
	return sampler_new(g, "plain", NULL, DETERMINISTIC, 1, 100);
}

TEST_F(netlink, create)
{
	struct sampler_info s;
	char owner[FLOW_SAMPLER_OWNER_MAX];

	memset(owner, 'o', sizeof(owner) - 1);
	owner[sizeof(owner) - 1] = '\0';
	ASSERT_EQ(1, sampler_new(&self->genl, LONGEST_NAME, owner, FLOW_SAMPLER_MODE_HASH, 3,
				 FLOW_SAMPLER_POPULATION_MAX));
	ASSERT_EQ(0, sampler_get(&self->genl, 1, &s));
	EXPECT_EQ(FLOW_SAMPLER_CMD_GET, s.cmd);
	EXPECT_EQ(1, s.id);
	EXPECT_STREQ(LONGEST_NAME, s.name);
	EXPECT_STREQ(owner, s.owner);
	EXPECT_EQ(FLOW_SAMPLER_MODE_HASH, s.mode);
	EXPECT_EQ(3, s.size);
	EXPECT_EQ(FLOW_SAMPLER_POPULATION_MAX, s.population);
	EXPECT_EQ(0, s.observed_packets | s.observed_octets);
	EXPECT_EQ(0, s.selected_packets | s.selected_octets);

	ASSERT_EQ(2, new_sampler(&self->genl));
	ASSERT_EQ(0, sampler_get(&self->genl, 2, &s));
	EXPECT_STREQ("", s.owner);
}

TEST_F(netlink, change)
{
	struct sampler_info s;
	struct request r;

	ASSERT_EQ(1, new_sampler(&self->genl));
	request_begin(&r, self->genl.family, FLOW_SAMPLER_CMD_SET, 0);
	mnl_attr_put_u32(r.message, FLOW_SAMPLER_A_ID, 1);
	mnl_attr_put_strz(r.message, FLOW_SAMPLER_A_NAME, "other");
	mnl_attr_put_strz(r.message, FLOW_SAMPLER_A_OWNER, "me");
	ASSERT_EQ(0, request_do(&self->genl, &r, NULL, NULL));
	ASSERT_EQ(0, sampler_get(&self->genl, 1, &s));
	EXPECT_STREQ("other", s.name);
	EXPECT_STREQ("me", s.owner);
	EXPECT_EQ(100, s.population);

	request_begin(&r, self->genl.family, FLOW_SAMPLER_CMD_SET, 0);
	mnl_attr_put_u32(r.message, FLOW_SAMPLER_A_ID, 1);
	mnl_attr_put_u32(r.message, FLOW_SAMPLER_A_SIZE, 7);
	ASSERT_EQ(0, request_do(&self->genl, &r, NULL, NULL));
	ASSERT_EQ(0, sampler_get(&self->genl, 1, &s));
	EXPECT_EQ(DETERMINISTIC, s.mode);
	EXPECT_EQ(7, s.size);
	EXPECT_EQ(100, s.population);
	EXPECT_STREQ("other", s.name);

	ASSERT_EQ(0, sampler_set_rule(&self->genl, 1, FLOW_SAMPLER_MODE_TIME, 1, 2));
	ASSERT_EQ(0, sampler_get(&self->genl, 1, &s));
	EXPECT_EQ(FLOW_SAMPLER_MODE_TIME, s.mode);
	EXPECT_EQ(1, s.size);
	EXPECT_EQ(2, s.population);
}

TEST_F(netlink, delete)
{
	struct sampler_info s;

	ASSERT_EQ(1, new_sampler(&self->genl));
	EXPECT_EQ(0, sampler_del(&self->genl, 1));
	EXPECT_EQ(-ENOENT, sampler_get(&self->genl, 1, &s));
	EXPECT_EQ(-ENOENT, sampler_del(&self->genl, 1));
	EXPECT_EQ(0, sampler_dump(&self->genl, self->list));
	EXPECT_EQ(2, new_sampler(&self->genl)); /* 1 comes back last */
}

TEST_F(netlink, all_ids)
{
	int i;

	for (i = 1; i <= FLOW_SAMPLER_ID_MAX; i++)
		ASSERT_EQ(i, new_sampler(&self->genl));
	EXPECT_EQ(-ENOSPC, new_sampler(&self->genl));
	EXPECT_STREQ("All ids are taken; delete a sampler that is not used", self->genl.text);
	ASSERT_EQ(FLOW_SAMPLER_ID_MAX, sampler_dump(&self->genl, self->list));
	for (i = 0; i < FLOW_SAMPLER_ID_MAX; i++) {
		EXPECT_EQ(i + 1, self->list[i].id);
		EXPECT_EQ(NLM_F_MULTI, self->list[i].flags);
	}
	EXPECT_EQ(0, sampler_del(&self->genl, 77));
	EXPECT_EQ(77, new_sampler(&self->genl));
}

/* A dump that the table changed under says so, at the next sampler. */
TEST_F(netlink, interrupted_dump)
{
	char owner[200];
	struct genl other;
	struct request r;
	unsigned int n = 0, first, interrupted = 0;
	int i, ret;

	memset(owner, 'o', sizeof(owner) - 1);
	owner[sizeof(owner) - 1] = '\0';
	for (i = 1; i <= FLOW_SAMPLER_ID_MAX; i++)
		ASSERT_EQ(i, sampler_new(&self->genl, "n", owner, DETERMINISTIC, 1, 1));
	ASSERT_EQ(0, genl_open(&other));
	request_begin(&r, self->genl.family, FLOW_SAMPLER_CMD_GET, NLM_F_DUMP);
	ASSERT_EQ(0, request_send(&self->genl, &r));
	ASSERT_EQ(1, receive(&self->genl, self->list, &n));
	first = n;
	ASSERT_LT(first, FLOW_SAMPLER_ID_MAX);
	ASSERT_EQ(0, sampler_del(&other, 1));
	genl_close(&other);
	do
		ret = receive(&self->genl, self->list, &n);
	while (ret > 0);
	ASSERT_EQ(0, ret);
	for (i = 0; i < (int)n; i++)
		interrupted += !!(self->list[i].flags & NLM_F_DUMP_INTR);
	EXPECT_EQ(1, interrupted);
	EXPECT_EQ(0, self->list[0].flags & NLM_F_DUMP_INTR);
}

/* ---- what is refused ------------------------------------------------------- */

struct wrong_attr {
	uint16_t type;
	uint32_t value;
	const char *string; /* instead of the value; with its NUL */
	uint16_t length;    /* of the value, if not 4; of the string, if without its NUL */
};

struct wrong {
	const char *what;
	uint8_t cmd;
	struct wrong_attr attrs[6];
	uint16_t flags;
	uint16_t reserved;
	int error;
	const char *text; /* in what the kernel says */
};

#define ID(n)                                                                                      \
	{                                                                                          \
		FLOW_SAMPLER_A_ID, n, NULL, 0                                                      \
	}
#define NAME(s)                                                                                    \
	{                                                                                          \
		FLOW_SAMPLER_A_NAME, 0, s, 0                                                       \
	}
#define OWNER(s)                                                                                   \
	{                                                                                          \
		FLOW_SAMPLER_A_OWNER, 0, s, 0                                                      \
	}
#define MODE(n)                                                                                    \
	{                                                                                          \
		FLOW_SAMPLER_A_MODE, n, NULL, 0                                                    \
	}
#define SIZE(n)                                                                                    \
	{                                                                                          \
		FLOW_SAMPLER_A_SIZE, n, NULL, 0                                                    \
	}
#define POPULATION(n)                                                                              \
	{                                                                                          \
		FLOW_SAMPLER_A_POPULATION, n, NULL, 0                                              \
	}
#define OTHER(type)                                                                                \
	{                                                                                          \
		type, 1, NULL, 0                                                                   \
	}
#define NEW .cmd = FLOW_SAMPLER_CMD_NEW
#define SET .cmd = FLOW_SAMPLER_CMD_SET
#define GET .cmd = FLOW_SAMPLER_CMD_GET
#define DEL .cmd = FLOW_SAMPLER_CMD_DEL

/* Sampler 1 is there, of 1 in 100. */
/* clang-format off */
static const struct wrong wrongs[] = {
	{"new without a name", NEW, {MODE(1), SIZE(1), POPULATION(1)}, 0, 0, EINVAL, "needs name, mode, size and population"},
	{"new without a mode", NEW, {NAME("n"), SIZE(1), POPULATION(1)}, 0, 0, EINVAL, "needs name, mode, size and population"},
	{"new without a size", NEW, {NAME("n"), MODE(1), POPULATION(1)}, 0, 0, EINVAL, "needs name, mode, size and population"},
	{"new without a population", NEW, {NAME("n"), MODE(1), SIZE(1)}, 0, 0, EINVAL, "needs name, mode, size and population"},
	{"new of nothing", NEW, {}, 0, 0, EINVAL, "needs name, mode, size and population"},
	{"new with an id", NEW, {ID(9), NAME("n"), MODE(1), SIZE(1), POPULATION(1)}, 0, 0, EINVAL, "leave it out"},
	{"new without letters", NEW, {NAME(""), MODE(1), SIZE(1), POPULATION(1)}, 0, 0, EINVAL, "at least one character"},
	{"a name too long", NEW, {NAME(LONGEST_NAME "4"), MODE(1), SIZE(1), POPULATION(1)}, 0, 0, EINVAL, "policy"},
	{"a name without end", NEW, {{FLOW_SAMPLER_A_NAME, 0, "name", 4}, MODE(1), SIZE(1), POPULATION(1)}, 0, 0, EINVAL, "policy"},
	{"mode 0", NEW, {NAME("n"), MODE(0), SIZE(1), POPULATION(1)}, 0, 0, ERANGE, "out of range"},
	{"mode 6", NEW, {NAME("n"), MODE(6), SIZE(1), POPULATION(1)}, 0, 0, ERANGE, "out of range"},
	{"mode of two octets", NEW, {NAME("n"), {FLOW_SAMPLER_A_MODE, 1, NULL, 2}, SIZE(1), POPULATION(1)}, 0, 0, EINVAL, "length"},
	{"mode of eight octets", NEW, {NAME("n"), {FLOW_SAMPLER_A_MODE, 1, NULL, 8}, SIZE(1), POPULATION(1)}, 0, 0, EINVAL, "length"},
	{"size 0", NEW, {NAME("n"), MODE(1), SIZE(0), POPULATION(1)}, 0, 0, ERANGE, "out of range"},
	{"population 0", NEW, {NAME("n"), MODE(1), SIZE(1), POPULATION(0)}, 0, 0, ERANGE, "out of range"},
	{"population too large", NEW, {NAME("n"), MODE(1), SIZE(1), POPULATION(FLOW_SAMPLER_POPULATION_MAX + 1)}, 0, 0, ERANGE, "out of range"},
	{"size above population", NEW, {NAME("n"), MODE(1), SIZE(3), POPULATION(2)}, 0, 0, EINVAL, "at most the population"},
	{"a counter given", NEW, {NAME("n"), MODE(1), SIZE(1), POPULATION(1), OTHER(FLOW_SAMPLER_A_OBSERVED_OCTETS)}, 0, 0, EINVAL, "can only be read"},
	{"padding given", NEW, {NAME("n"), MODE(1), SIZE(1), POPULATION(1), OTHER(FLOW_SAMPLER_A_PAD)}, 0, 0, EINVAL, ""},
	{"an attribute that is not known", NEW, {NAME("n"), MODE(1), SIZE(1), POPULATION(1), OTHER(50)}, 0, 0, EINVAL, "Unknown attribute type"},
	{"a nested attribute", NEW, {NAME("n"), MODE(1), SIZE(1), POPULATION(1) , OTHER(FLOW_SAMPLER_A_OWNER | NLA_F_NESTED)}, 0, 0, EINVAL, ""},
	{"get of what?", GET, {}, 0, 0, EINVAL, "Give its id"},
	{"get of id 0", GET, {ID(0)}, 0, 0, ERANGE, "out of range"},
	{"get of id 256", GET, {ID(256)}, 0, 0, ERANGE, "out of range"},
	{"get of one that is not there", GET, {ID(200)}, 0, 0, ENOENT, "a dump lists those there are"},
	{"get by name", GET, {ID(1), NAME("plain")}, 0, 0, EINVAL, "Unknown attribute type"},
	{"a dump of one", GET, {ID(1)}, NLM_F_DUMP, 0, EINVAL, "A dump is of all samplers"},
	{"set of what?", SET, {NAME("n")}, 0, 0, EINVAL, "Give its id"},
	{"set of one that is not there", SET, {ID(3), NAME("n")}, 0, 0, ENOENT, "a dump lists those there are"},
	{"set of nothing", SET, {ID(1)}, 0, 0, EINVAL, "Change what?"},
	{"set to no name", SET, {ID(1), NAME("")}, 0, 0, EINVAL, "at least one character"},
	{"size set above population", SET, {ID(1), SIZE(101)}, 0, 0, EINVAL, "at most the population"},
	{"population set below size", SET, {ID(1), SIZE(2), POPULATION(1)}, 0, 0, EINVAL, "at most the population"},
	{"a counter set", SET, {ID(1), OTHER(FLOW_SAMPLER_A_SELECTED_PACKETS)}, 0, 0, EINVAL, "can only be read"},
	{"delete of what?", DEL, {}, 0, 0, EINVAL, "Give its id"},
	{"delete of one that is not there", DEL, {ID(255)}, 0, 0, ENOENT, "a dump lists those there are"},
	{"delete by name", DEL, {ID(1), NAME("plain")}, 0, 0, EINVAL, "Unknown attribute type"},
	{"a dump of new", NEW, {NAME("n"), MODE(1), SIZE(1), POPULATION(1)}, NLM_F_DUMP, 0, EOPNOTSUPP, ""},
	{"a notification as request", .cmd = FLOW_SAMPLER_CMD_NEW_NTF, {ID(1)}, 0, 0, EOPNOTSUPP, ""},
	{"command 0", .cmd = FLOW_SAMPLER_CMD_UNSPEC, {ID(1)}, 0, 0, EOPNOTSUPP, ""},
	{"command 200", .cmd = 200, {ID(1)}, 0, 0, EOPNOTSUPP, ""},
	{"flags that mean nothing here", DEL, {ID(1)}, NLM_F_CREATE, 0, EINVAL, "nlmsg_flags"},
	{"reserved octets", DEL, {ID(1)}, 0, 1, EINVAL, "reserved"},
};
/* clang-format on */

static void build_wrong(struct request *r, uint16_t family, const struct wrong *w)
{
	const struct wrong_attr *a;
	struct genlmsghdr *header = request_begin(r, family, w->cmd, w->flags);

	header->reserved = w->reserved;
	for (a = w->attrs; a < w->attrs + 6 && a->type; a++) {
		uint64_t value = a->value;

		if (a->string)
			mnl_attr_put(r->message, a->type, a->length ?: strlen(a->string) + 1,
				     a->string);
		else
			mnl_attr_put(r->message, a->type, a->length ?: 4, &value);
	}
}

TEST_F(netlink, refused)
{
	const struct wrong *w;
	struct sampler_info s;
	struct request r;

	ASSERT_EQ(1, new_sampler(&self->genl));
	for (w = wrongs; w < wrongs + sizeof(wrongs) / sizeof(*wrongs); w++) {
		build_wrong(&r, self->genl.family, w);
		EXPECT_EQ(-w->error, request_do(&self->genl, &r, NULL, NULL))
		TH_LOG("%s: %s", w->what, self->genl.text);
		EXPECT_NE(NULL, strstr(self->genl.text, w->text))
		TH_LOG("%s: '%s' is not in '%s'", w->what, w->text, self->genl.text);
	}
	/* nothing has changed */
	ASSERT_EQ(1, sampler_dump(&self->genl, self->list));
	s = self->list[0];
	EXPECT_EQ(1, s.id);
	EXPECT_STREQ("plain", s.name);
	EXPECT_EQ(DETERMINISTIC, s.mode);
	EXPECT_EQ(1, s.size);
	EXPECT_EQ(100, s.population);
}

/* ---- who may ---------------------------------------------------------------- */

TEST_F(netlink, nobody_reads)
{
	struct sampler_info s;
	struct genl g;

	ASSERT_EQ(1, new_sampler(&self->genl));
	ASSERT_EQ(0, setresuid(NOBODY, NOBODY, NOBODY));
	ASSERT_EQ(0, genl_open(&g));
	EXPECT_EQ(0, sampler_get(&g, 1, &s));
	EXPECT_EQ(1, sampler_dump(&g, self->list));
	EXPECT_EQ(-EPERM, new_sampler(&g));
	EXPECT_EQ(-EPERM, sampler_set_rule(&g, 1, DETERMINISTIC, 1, 1));
	EXPECT_EQ(-EPERM, sampler_del(&g, 1));
	genl_close(&g);
}

/* Root of a user namespace is nobody in a network namespace that is not of it. */
TEST_F(netlink, other_user_namespace)
{
	struct genl g;

	ASSERT_EQ(1, new_sampler(&self->genl));
	ASSERT_EQ(0, setresuid(NOBODY, NOBODY, NOBODY));
	if (unshare(CLONE_NEWUSER))
		SKIP(return, "this kernel has no user namespaces for everybody");
	ASSERT_EQ(0, genl_open(&g));
	EXPECT_EQ(1, sampler_dump(&g, self->list));
	EXPECT_EQ(-EPERM, new_sampler(&g));
	EXPECT_EQ(-EPERM, sampler_del(&g, 1));
	genl_close(&g);
}

TEST_F(netlink, own_user_namespace)
{
	struct genl g;

	ASSERT_EQ(1, new_sampler(&self->genl));
	ASSERT_EQ(0, setresuid(NOBODY, NOBODY, NOBODY));
	if (unshare(CLONE_NEWUSER | CLONE_NEWNET))
		SKIP(return, "this kernel has no user namespaces for everybody");
	ASSERT_EQ(0, genl_open(&g));
	EXPECT_EQ(0, sampler_dump(&g, self->list));
	EXPECT_EQ(1, new_sampler(&g));
	EXPECT_EQ(0, sampler_set_rule(&g, 1, DETERMINISTIC, 1, 1));
	EXPECT_EQ(0, sampler_del(&g, 1));
	genl_close(&g);
}

/* ---- who hears of it --------------------------------------------------------- */

static int subscribe(struct genl *g)
{
	struct timeval timeout = { .tv_sec = 5 };

	if (genl_open(g))
		return -errno;
	if (setsockopt(mnl_socket_get_fd(g->socket), SOL_SOCKET, SO_RCVTIMEO, &timeout,
		       sizeof(timeout)))
		return -errno;
	return mnl_socket_setsockopt(g->socket, NETLINK_ADD_MEMBERSHIP, &g->group,
				     sizeof(g->group)) < 0 ?
		       -errno :
		       0;
}

TEST_F(netlink, notifications)
{
	struct sampler_info *heard = self->list;
	struct genl listener;
	unsigned int n = 0;

	ASSERT_EQ(0, subscribe(&listener));
	ASSERT_EQ(1, new_sampler(&self->genl));
	ASSERT_EQ(0, sampler_set_rule(&self->genl, 1, FLOW_SAMPLER_MODE_RANDOM, 2, 9));
	ASSERT_EQ(0, sampler_del(&self->genl, 1));
	while (n < 3)
		ASSERT_EQ(1, receive(&listener, heard, &n));
	EXPECT_EQ(FLOW_SAMPLER_CMD_NEW_NTF, heard[0].cmd);
	EXPECT_EQ(1, heard[0].id);
	EXPECT_STREQ("plain", heard[0].name);
	EXPECT_EQ(100, heard[0].population);
	EXPECT_EQ(FLOW_SAMPLER_CMD_SET_NTF, heard[1].cmd);
	EXPECT_EQ(FLOW_SAMPLER_MODE_RANDOM, heard[1].mode);
	EXPECT_EQ(9, heard[1].population);
	EXPECT_EQ(FLOW_SAMPLER_CMD_DEL_NTF, heard[2].cmd);
	EXPECT_EQ(1, heard[2].id);
	genl_close(&listener);
}

/* Neither what was refused, nor what happens in another namespace. */
TEST_F(netlink, silence)
{
	struct genl listener, other;
	unsigned int n = 0;

	ASSERT_EQ(0, subscribe(&listener));
	EXPECT_EQ(-ENOENT, sampler_del(&self->genl, 1));
	EXPECT_EQ(-ERANGE, sampler_new(&self->genl, "n", NULL, 0, 1, 1));
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, genl_open(&other));
	EXPECT_EQ(1, new_sampler(&other));
	genl_close(&other);
	ASSERT_EQ(1, sampler_new(&self->genl, "heard", NULL, DETERMINISTIC, 1, 1));
	ASSERT_EQ(1, receive(&listener, self->list, &n));
	EXPECT_EQ(1, n);
	EXPECT_STREQ("heard", self->list[0].name);
	genl_close(&listener);
}

/* ---- namespaces ------------------------------------------------------------- */

TEST_F(netlink, namespaces)
{
	struct sampler_info s;
	struct genl other;

	ASSERT_EQ(1, new_sampler(&self->genl));
	ASSERT_EQ(0, unshare(CLONE_NEWNET));
	ASSERT_EQ(0, genl_open(&other));
	EXPECT_EQ(0, sampler_dump(&other, self->list));
	EXPECT_EQ(-ENOENT, sampler_get(&other, 1, &s));
	EXPECT_EQ(1, sampler_new(&other, "other", NULL, FLOW_SAMPLER_MODE_HASH, 1, 2));
	EXPECT_EQ(0, sampler_get(&self->genl, 1, &s));
	EXPECT_STREQ("plain", s.name);
	EXPECT_EQ(0, sampler_del(&other, 1));
	EXPECT_EQ(0, sampler_get(&self->genl, 1, &s));
	genl_close(&other);
}

/* Namespaces go with all that is in them. */
TEST_F(netlink, namespaces_go)
{
	struct genl g;
	int i, n;

	genl_close(&self->genl);
	for (n = 0; n < 20; n++) {
		ASSERT_EQ(0, unshare(CLONE_NEWNET));
		ASSERT_EQ(0, genl_open(&g));
		for (i = 1; i <= 50; i++)
			ASSERT_EQ(i, new_sampler(&g));
		genl_close(&g);
	}
}

/* ---- /proc ------------------------------------------------------------------- */

static int read_proc(char *text, size_t size)
{
	FILE *f = fopen("/proc/thread-self/net/flow_sampler", "r");
	size_t n;

	if (!f)
		return -errno;
	n = fread(text, 1, size - 1, f);
	text[n] = '\0';
	fclose(f);
	return 0;
}

TEST_F(netlink, proc)
{
	static char text[65536];
	char line[256];
	int i, lines = 0;
	char *p;

	ASSERT_EQ(0, read_proc(text, sizeof(text)));
	EXPECT_EQ(0, strncmp(text, " id mode ", 9));
	EXPECT_EQ(text + strlen(text) - 1, strchr(text, '\n'));

	ASSERT_EQ(1, sampler_new(&self->genl, "a b\n\\\x1b", "", FLOW_SAMPLER_MODE_RANDOM, 2, 30));
	ASSERT_EQ(2, sampler_new(&self->genl, "plain", "the owner", FLOW_SAMPLER_MODE_TIME, 1, 5));
	ASSERT_EQ(0, read_proc(text, sizeof(text)));
	snprintf(line, sizeof(line), "\n%3u %-13s %8u %10u %16u %16u %16u %16u %s %s\n", 1,
		 "random", 2, 30, 0, 0, 0, 0, "a\\040b\\012\\134\\033", "-");
	EXPECT_NE(NULL, strstr(text, line)) TH_LOG("%s", text);
	snprintf(line, sizeof(line), "\n%3u %-13s %8u %10u %16u %16u %16u %16u %s %s\n", 2, "time",
		 1, 5, 0, 0, 0, 0, "plain", "the\\040owner");
	EXPECT_NE(NULL, strstr(text, line)) TH_LOG("%s", text);

	for (i = 3; i <= FLOW_SAMPLER_ID_MAX; i++)
		ASSERT_EQ(i, new_sampler(&self->genl));
	ASSERT_EQ(0, read_proc(text, sizeof(text)));
	for (p = text; *p; p++)
		lines += *p == '\n';
	EXPECT_EQ(1 + FLOW_SAMPLER_ID_MAX, lines);
}

/* ---- memory ------------------------------------------------------------------ */

/* kB of /proc/meminfo. */
static long meminfo(const char *what)
{
	FILE *f = fopen("/proc/meminfo", "r");
	char line[128];
	long kb = -1;

	while (f && fgets(line, sizeof(line), f)) {
		if (!strncmp(line, what, strlen(what)))
			kb = strtol(line + strlen(what), NULL, 10);
	}
	if (f)
		fclose(f);
	return kb;
}

static void make_and_forget(struct __test_metadata *_metadata, struct genl *g, int times)
{
	int id;

	while (times--) {
		id = new_sampler(g);
		ASSERT_LT(0, id);
		ASSERT_EQ(0, sampler_set_rule(g, (uint32_t)id, FLOW_SAMPLER_MODE_RANDOM, 1, 2));
		ASSERT_EQ(0, sampler_del(g, (uint32_t)id));
	}
	sleep(1); /* RCU */
}

/*
 * What 10,000 samplers leave behind is less than 50 octets each. KASAN keeps
 * what was freed for a while: there kmemleak is the one to ask.
 */
TEST_F_TIMEOUT(netlink, memory, 120)
{
	long percpu, slab;

	if (kernel_has("kasan_poison"))
		SKIP(return, "this kernel keeps what was freed");
	make_and_forget(_metadata, &self->genl, 1000);
	percpu = meminfo("Percpu:");
	slab = meminfo("SUnreclaim:");
	make_and_forget(_metadata, &self->genl, 10000);
	EXPECT_LT(0, percpu);
	EXPECT_LT(0, slab);
	EXPECT_GT(500, meminfo("Percpu:") - percpu);
	EXPECT_GT(500, meminfo("SUnreclaim:") - slab);
}

/* ---- whatever comes ---------------------------------------------------------- */

enum { RANDOM_MESSAGES = 20000 };

static uint32_t below(unsigned int *seed, uint32_t limit)
{
	return (uint32_t)rand_r(seed) % limit;
}

/* Attributes of any type and length, values small, large or noise. */
static void put_noise(struct request *r, unsigned int *seed)
{
	char noise[320];
	unsigned int i, n = below(seed, 8);

	while (n--) {
		uint16_t length = below(seed, 3) ? 4 : (uint16_t)below(seed, sizeof(noise));
		uint32_t value = below(seed, 2) ? below(seed, 300) : (uint32_t)rand_r(seed);

		for (i = 0; i < sizeof(noise); i++)
			noise[i] = (char)('a' + below(seed, 26));
		if (below(seed, 2) && length)
			noise[length - 1] = '\0';
		if (length == 4 && below(seed, 4))
			memcpy(noise, &value, 4);
		mnl_attr_put(r->message, below(seed, FLOW_SAMPLER_A_MAX + 3), length, noise);
	}
}

/* What the command takes, now and then out of range. */
static void put_sense(struct request *r, uint8_t cmd, unsigned int *seed)
{
	if (cmd != FLOW_SAMPLER_CMD_NEW)
		mnl_attr_put_u32(r->message, FLOW_SAMPLER_A_ID, below(seed, 257));
	if (cmd != FLOW_SAMPLER_CMD_NEW && cmd != FLOW_SAMPLER_CMD_SET)
		return;
	mnl_attr_put_strz(r->message, FLOW_SAMPLER_A_NAME, "random");
	put_rule(r, below(seed, FLOW_SAMPLER_MODE_MAX + 2), below(seed, 100),
		 50 + below(seed, 200));
}

static void spoil(struct request *r, unsigned int *seed)
{
	unsigned int payload = r->message->nlmsg_len - NLMSG_HDRLEN, flips;

	for (flips = 1 + below(seed, 3); flips; flips--)
		r->buffer[NLMSG_HDRLEN + below(seed, payload)] ^= (char)(1 << below(seed, 8));
	if (!below(seed, 3))
		r->message->nlmsg_len = NLMSG_HDRLEN + below(seed, payload + 1);
}

static void build_random(struct request *r, uint16_t family, unsigned int *seed)
{
	uint8_t cmd = below(seed, FLOW_SAMPLER_CMD_MAX + 2);

	request_begin(r, family, cmd, below(seed, 8) ? 0 : below(seed, 4) * 0x100);
	if (below(seed, 2))
		put_sense(r, cmd, seed);
	else
		put_noise(r, seed);
	if (below(seed, 2))
		spoil(r, seed);
}

static bool sound(const struct sampler_info *s)
{
	return s->id >= 1 && s->id <= FLOW_SAMPLER_ID_MAX && s->name[0] && s->mode >= 1 &&
	       s->mode <= FLOW_SAMPLER_MODE_MAX && s->size >= 1 && s->size <= s->population &&
	       s->population <= FLOW_SAMPLER_POPULATION_MAX && !s->observed_packets;
}

TEST_F_TIMEOUT(netlink, random_messages, 180)
{
	unsigned int seed = 20260701, done = 0, answered = 0;
	struct request r;
	int i, n, ret;

	for (i = 0; i < RANDOM_MESSAGES; i++) {
		build_random(&r, self->genl.family, &seed);
		r.message->nlmsg_flags |= NLM_F_ACK;
		ret = request_do(&self->genl, &r, NULL, NULL);
		done += !ret;
		answered += ret != -EAGAIN;
		if (!below(&seed, 500)) {
			struct sampler_info s;

			for (n = 1; n <= FLOW_SAMPLER_ID_MAX; n++)
				if (!sampler_get(&self->genl, n, &s))
					EXPECT_EQ(0, sampler_del(&self->genl, n));
		}
	}
	TH_LOG("%u of %u were obeyed", done, answered);
	EXPECT_LT(RANDOM_MESSAGES / 100, done);
	n = sampler_dump(&self->genl, self->list);
	ASSERT_LE(0, n);
	for (i = 0; i < n; i++) {
		EXPECT_TRUE(sound(&self->list[i]));
		EXPECT_TRUE(!i || self->list[i].id > self->list[i - 1].id);
	}
	for (i = 0; i < n; i++)
		EXPECT_EQ(0, sampler_del(&self->genl, self->list[i].id));
	EXPECT_EQ(0, sampler_dump(&self->genl, self->list));
	EXPECT_LT(0, new_sampler(&self->genl));
}

TEST_HARNESS_MAIN
