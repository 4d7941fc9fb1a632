// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Totals of attachments: a generation is added once however often it is
 * drained, ids stay with their interface, and both outlive the agent.
 */
#include "engine/totals.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "kselftest_harness.h"

enum { IDS = 100 };

FIXTURE(totals)
{
	char path[64];
	struct totals *totals;
	struct error err;
	struct packet_count counters[8][ATTACH_COUNTER_MAX];
};

FIXTURE_SETUP(totals)
{
	snprintf(self->path, sizeof(self->path), "/dev/shm/fg-totals-%d", getpid());
	unlink(self->path);
	ASSERT_EQ(0, totals_open(&self->totals, self->path, IDS, &self->err));
	self->counters[1][ATTACH_OBSERVED] = (struct packet_count){ 3, 300 };
	self->counters[2][ATTACH_NOT_IP] = (struct packet_count){ 1, 60 };
}

FIXTURE_TEARDOWN(totals)
{
	totals_close(self->totals);
	unlink(self->path);
}

static uint16_t get(struct totals *t, uint32_t ifindex, const char *ifname, uint8_t direction)
{
	return totals_id(t, &(struct totals_owner){ ifindex, ifname, direction, false });
}

static bool claim(struct totals *t, uint16_t id, uint32_t ifindex, const char *ifname,
		  uint8_t direction)
{
	return totals_claim(t, id, &(struct totals_owner){ ifindex, ifname, direction, false });
}

TEST_F(totals, a_generation_counts_once)
{
	get(self->totals, 5, "a", FLOW_INPUT);
	get(self->totals, 5, "a", FLOW_OUTPUT);
	totals_add(self->totals, 10, self->counters, 3);
	totals_add(self->totals, 10, self->counters, 3);
	EXPECT_EQ(3, totals_get(self->totals, 1)[ATTACH_OBSERVED].packets);
	totals_add(self->totals, 11, self->counters, 3);
	EXPECT_EQ(6, totals_get(self->totals, 1)[ATTACH_OBSERVED].packets);
	EXPECT_EQ(600, totals_get(self->totals, 1)[ATTACH_OBSERVED].octets);
	EXPECT_EQ(120, totals_get(self->totals, 2)[ATTACH_NOT_IP].octets);
}

/* Renamed: the same id and counts. Attached by an agent whose totals are gone: the id it has. */
TEST_F(totals, what_runs_keeps_its_id)
{
	uint16_t id = get(self->totals, 5, "a", FLOW_INPUT);

	totals_add(self->totals, 10, self->counters, 2);
	EXPECT_TRUE(claim(self->totals, id, 5, "b", FLOW_INPUT));
	EXPECT_EQ(id, get(self->totals, 5, "b", FLOW_INPUT));
	EXPECT_EQ(3, totals_get(self->totals, id)[ATTACH_OBSERVED].packets);
	EXPECT_FALSE(claim(self->totals, id, 6, "b", FLOW_INPUT));
	EXPECT_FALSE(claim(self->totals, id, 5, "b", FLOW_OUTPUT));
	EXPECT_FALSE(claim(self->totals, 0, 5, "b", FLOW_INPUT));
	EXPECT_FALSE(claim(self->totals, IDS + 1, 5, "b", FLOW_INPUT));
	EXPECT_TRUE(claim(self->totals, 7, 8, "c", FLOW_INPUT));
	EXPECT_EQ(7, get(self->totals, 8, "c", FLOW_INPUT));
	totals_release(self->totals, id);
	EXPECT_TRUE(claim(self->totals, id, 9, "d", FLOW_INPUT));
	EXPECT_EQ(0, totals_get(self->totals, id)[ATTACH_OBSERVED].packets);
}

TEST_F(totals, the_first_epoch_counts_whatever_it_is)
{
	get(self->totals, 5, "a", FLOW_INPUT);
	totals_add(self->totals, 0, self->counters, 2);
	EXPECT_EQ(3, totals_get(self->totals, 1)[ATTACH_OBSERVED].packets);
}

enum { HEAD_OCTETS = 4096, CURRENT = 0, LAST_ID = 4 };

static bool damage(const char *path, off_t where, uint32_t value)
{
	int fd = open(path, O_WRONLY);
	bool done = pwrite(fd, &value, sizeof(value), HEAD_OCTETS + where) == sizeof(value);

	close(fd);
	return done;
}

TEST_F(totals, a_damaged_file_is_refused)
{
	totals_close(self->totals);
	self->totals = NULL;
	ASSERT_TRUE(damage(self->path, CURRENT, 2));
	EXPECT_EQ(-EUCLEAN, totals_open(&self->totals, self->path, IDS, &self->err));
	EXPECT_NE(NULL, strstr(self->err.text, self->path));
	ASSERT_TRUE(damage(self->path, CURRENT, 0));
	ASSERT_TRUE(damage(self->path, LAST_ID, ATTACHMENT_MAX));
	EXPECT_EQ(-EUCLEAN, totals_open(&self->totals, self->path, IDS, &self->err));
	ASSERT_TRUE(damage(self->path, LAST_ID, ATTACHMENT_MAX - 1));
	EXPECT_EQ(0, totals_open(&self->totals, self->path, IDS, &self->err));
}

TEST_F(totals, outlive_the_agent)
{
	uint16_t id = get(self->totals, 5, "a", FLOW_INPUT);

	totals_add(self->totals, 10, self->counters, 2);
	totals_close(self->totals);
	ASSERT_EQ(0, totals_open(&self->totals, self->path, IDS, &self->err));
	totals_add(self->totals, 10, self->counters, 2);
	EXPECT_EQ(3, totals_get(self->totals, id)[ATTACH_OBSERVED].packets);
	EXPECT_EQ(id, get(self->totals, 5, "a", FLOW_INPUT));
}

TEST_F(totals, ids_are_told_apart_and_not_reused_early)
{
	uint16_t id = get(self->totals, 5, "a", FLOW_INPUT);

	EXPECT_NE(id, get(self->totals, 5, "a", FLOW_OUTPUT));
	EXPECT_NE(id, get(self->totals, 6, "a", FLOW_INPUT));
	EXPECT_NE(id, get(self->totals, 5, "b", FLOW_INPUT));
	totals_release(self->totals, id);
	EXPECT_NE(id, get(self->totals, 7, "c", FLOW_INPUT));
}

TEST_F(totals, all_ids_taken)
{
	unsigned int i;
	uint16_t id;

	for (i = 1; i <= IDS; i++)
		ASSERT_EQ(i, get(self->totals, i, "x", FLOW_INPUT));
	EXPECT_EQ(0, get(self->totals, IDS + 1, "x", FLOW_INPUT));
	totals_release(self->totals, 7);
	id = get(self->totals, IDS + 1, "x", FLOW_INPUT);
	EXPECT_EQ(7, id);
}

TEST_HARNESS_MAIN
