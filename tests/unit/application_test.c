// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which application ports are of, and in what order of precedence.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"
#include "route/application.h"

#define L3(protocol) (1u << 24 | (protocol))
#define L4(port) (3u << 24 | (port))
#define USER(protocol, port) (6u << 24 | (protocol) << 16 | (port))

static const char services[] = "# a comment\n"
			       "http\t\t80/tcp\t\twww\t\t# WorldWideWeb HTTP\n"
			       "http 80/udp\n"
			       "syslog 514/udp\n"
			       "shell 514/tcp cmd syslog\n"
			       "\n"
			       "domain 53/tcp\ndomain 53/udp\n"
			       "high 65535/tcp\n"
			       "zero 0/tcp\nhuge 65536/tcp\nnone\nbad x/tcp\ndccp-only 9/dccp\n"
			       "a-name-that-is-longer-than-24-octets 7/sctp";
static const char protocols[] =
	"ip 0 IP\nicmp 1 ICMP # control messages\nospf 89 OSPFIGP\nno 256 NO\n";

FIXTURE(table)
{
	struct applications *a;
	char files[2][64];
};

static void write_file(char path[64], const char *name, const char *text)
{
	FILE *f;

	snprintf(path, 64, "/dev/shm/application_test.%d.%s", getpid(), name);
	f = fopen(path, "we");
	fputs(text, f);
	fclose(f);
}

FIXTURE_SETUP(table)
{
	write_file(self->files[0], "services", services);
	write_file(self->files[1], "protocols", protocols);
	self->a = applications_create(self->files[0], self->files[1]);
	ASSERT_NE(NULL, self->a);
}

FIXTURE_TEARDOWN(table)
{
	applications_destroy(self->a);
	unlink(self->files[0]);
	unlink(self->files[1]);
}

static uint32_t find(const struct applications *a, uint8_t protocol, uint16_t src, uint16_t dst)
{
	return applications_find(a, protocol, htons(src), htons(dst));
}

static const struct application *named(const struct applications *a, uint32_t id)
{
	const struct application *found;
	uint32_t i;

	for (i = 0; (found = applications_get(a, i)); i++)
		if (found->id == id)
			return found;
	return NULL;
}

TEST_F(table, ports_of_services)
{
	EXPECT_EQ(L4(80), find(self->a, 6, 40000, 80));
	EXPECT_EQ(L4(80), find(self->a, 6, 80, 40000));
	EXPECT_EQ(L4(80), find(self->a, 17, 80, 40000));
	EXPECT_EQ(0, find(self->a, 132, 80, 40000));
	EXPECT_EQ(L4(7), find(self->a, 132, 40000, 7));
	EXPECT_EQ(L4(65535), find(self->a, 6, 65535, 1));
	EXPECT_EQ(0, find(self->a, 6, 40000, 40001));
	EXPECT_EQ(0, find(self->a, 6, 0, 0));
}

TEST_F(table, of_two_known_ports_the_lower)
{
	EXPECT_EQ(L4(53), find(self->a, 17, 514, 53));
	EXPECT_EQ(L4(53), find(self->a, 17, 53, 514));
	EXPECT_EQ(L4(80), find(self->a, 6, 514, 80));
}

TEST_F(table, other_protocols_are_applications)
{
	EXPECT_EQ(L3(1), find(self->a, 1, 0, 2048));
	EXPECT_EQ(L3(89), find(self->a, 89, 0, 0));
	EXPECT_EQ(L3(200), find(self->a, 200, 0, 0));
	EXPECT_STREQ("icmp", named(self->a, L3(1))->name);
	EXPECT_STREQ("control messages", named(self->a, L3(1))->description);
	EXPECT_EQ(NULL, named(self->a, L3(0)));
	EXPECT_EQ(NULL, named(self->a, L3(256)));
}

TEST_F(table, names)
{
	const struct application *now, *last = NULL;
	uint32_t i;

	EXPECT_STREQ("http", named(self->a, L4(80))->name);
	EXPECT_STREQ("WorldWideWeb HTTP", named(self->a, L4(80))->description);
	EXPECT_STREQ("syslog", named(self->a, L4(514))->name);
	EXPECT_STREQ("syslog", named(self->a, L4(514))->description);
	EXPECT_STREQ("a-name-that-is-longer-t", named(self->a, L4(7))->name);
	EXPECT_EQ(NULL, named(self->a, L4(9)));
	for (i = 0; (now = applications_get(self->a, i)); i++, last = now)
		EXPECT_TRUE(!last || last->id < now->id);
	EXPECT_EQ(7, i);
}

/* A configured one wins over the services file, whichever port is lower, and has one id. */
TEST_F(table, configured)
{
	ASSERT_EQ(0, applications_add(self->a, "HOUSE", "ours", APPLICATION_TCP, 8000, 8100));
	ASSERT_EQ(0, applications_add(self->a, "HOUSE", "ours", APPLICATION_UDP, 8000, 8000));
	ASSERT_EQ(0, applications_add(self->a, "DNS", "theirs", APPLICATION_UDP, 53, 53));
	ASSERT_EQ(0, applications_add(self->a, "ALL", "", APPLICATION_SCTP, 1, 65535));
	EXPECT_EQ(USER(6u, 8000u), find(self->a, 6, 8100, 80));
	EXPECT_EQ(USER(6u, 8000u), find(self->a, 6, 80, 8000));
	EXPECT_EQ(L4(80), find(self->a, 6, 80, 8101));
	EXPECT_EQ(USER(6u, 8000u), find(self->a, 17, 40000, 8000));
	EXPECT_EQ(USER(17u, 53u), find(self->a, 17, 8000, 53));
	EXPECT_EQ(L4(53), find(self->a, 6, 53, 40000));
	EXPECT_EQ(USER(132u, 1u), find(self->a, 132, 65535, 65535));
	EXPECT_STREQ("HOUSE", named(self->a, USER(6u, 8000u))->name);
	EXPECT_STREQ("ours", named(self->a, USER(6u, 8000u))->description);
	EXPECT_EQ(NULL, named(self->a, USER(17u, 8000u)));
}

/* Each has a number of its own; the port is the last one's. */
TEST_F(table, two_with_one_port)
{
	ASSERT_EQ(0, applications_add(self->a, "WEB", "all of it", APPLICATION_TCP, 8000, 8100));
	ASSERT_EQ(0, applications_add(self->a, "SHOP", "one", APPLICATION_TCP, 8000, 8000));
	ASSERT_EQ(0, applications_add(self->a, "NEXT", "another", APPLICATION_TCP, 8001, 8001));
	EXPECT_EQ(USER(6u, 8000u), find(self->a, 6, 8100, 40000));
	EXPECT_STREQ("WEB", named(self->a, find(self->a, 6, 8100, 40000))->name);
	EXPECT_STREQ("SHOP", named(self->a, find(self->a, 6, 8000, 40000))->name);
	EXPECT_STREQ("NEXT", named(self->a, find(self->a, 6, 8001, 40000))->name);
}

TEST(files_that_are_not_there)
{
	struct applications *a =
		applications_create("/nonexistent/services", "/nonexistent/protocols");

	ASSERT_NE(NULL, a);
	EXPECT_EQ(NULL, applications_get(a, 0));
	EXPECT_EQ(0, find(a, 6, 80, 80));
	EXPECT_EQ(L3(47), find(a, 47, 0, 0));
	applications_destroy(a);
}

TEST_HARNESS_MAIN
