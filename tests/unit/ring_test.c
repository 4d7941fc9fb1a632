// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ring of messages: order, the turn at its end, room that is promised, and
 * damage that is recognised. The ledger's validity check walks the same slots.
 */
#include <stdlib.h>
#include <string.h>

#include "kselftest_harness.h"

#include "export/ledger.h"

enum { SIZE = 64 * 100, LONGEST = 700 };

FIXTURE(ring)
{
	struct ring ring;
	uint64_t head, tail;
	uint32_t put, taken; /* messages */
};

FIXTURE_SETUP(ring)
{
	self->ring = (struct ring){ aligned_alloc(64, SIZE), SIZE };
	self->head = self->tail = self->put = self->taken = 0;
}

FIXTURE_TEARDOWN(ring)
{
	free(self->ring.block);
}

static uint32_t length_of(uint32_t i)
{
	return 20 + i * 37 % (LONGEST - 20);
}

static bool put_message(struct _test_data_ring *self, uint32_t length)
{
	struct ring_slot slot = { .length = length, .records = self->put };
	uint64_t position;

	if (!ring_reserve(&self->ring, self->head, self->tail, LONGEST, &position))
		return false;
	memset(ring_octets(ring_slot(&self->ring, position)), (int)self->put & 0xff, LONGEST);
	self->head = ring_finish(&self->ring, position, &slot);
	self->put++;
	return true;
}

static bool put(struct _test_data_ring *self)
{
	return put_message(self, length_of(self->put));
}

/* The next message is the right one and whole. */
static bool take(struct _test_data_ring *self)
{
	struct ring_slot *slot = ring_next(&self->ring, &self->tail, self->head);
	uint32_t i;

	if (!slot || slot->records != self->taken || slot->length != length_of(self->taken))
		return false;
	for (i = 0; i < slot->length; i++)
		if (ring_octets(slot)[i] != (self->taken & 0xff))
			return false;
	self->taken++;
	return true;
}

TEST_F(ring, messages_come_out_as_they_went_in)
{
	uint32_t step = 0;

	while (self->taken < 5000) {
		uint32_t n = (uint32_t)(step * 7919 % 6);

		while (n-- && put(self))
			;
		ASSERT_TRUE(ring_valid(&self->ring, self->head, self->tail));
		ASSERT_LE(self->head - self->tail, SIZE);
		n = (uint32_t)(step++ * 104729 % 5);
		while (n-- && self->taken < self->put)
			ASSERT_TRUE(take(self));
	}
	while (self->taken < self->put)
		ASSERT_TRUE(take(self));
	EXPECT_EQ(ring_next(&self->ring, &self->tail, self->head), NULL);
}

/* As many messages as ring_room() promises go in, wherever head and tail stand. */
TEST_F(ring, room_is_kept)
{
	uint32_t round, left;
	uint64_t room;

	for (round = 0; round < 1000; round++) {
		if (round % 3)
			put_message(self, 20 + round % 600);
		room = ring_room(&self->ring, self->head, self->tail, LONGEST);
		while (room--)
			ASSERT_TRUE(put_message(self, LONGEST));
		for (left = round % 7; self->put - self->taken > left; self->taken++)
			ASSERT_NE(ring_next(&self->ring, &self->tail, self->head), NULL);
	}
}

TEST_F(ring, full)
{
	while (put(self))
		ASSERT_LT(self->put, 1000);
	EXPECT_TRUE(ring_valid(&self->ring, self->head, self->tail));
	EXPECT_EQ(ring_room(&self->ring, self->head, self->tail, LONGEST), 0);
	EXPECT_FALSE(put(self));
	EXPECT_TRUE(take(self));
}

TEST_F(ring, damage_is_recognised)
{
	struct ring_slot *slot = ring_slot(&self->ring, 0);

	put(self);
	put(self);
	EXPECT_TRUE(ring_valid(&self->ring, self->head, self->tail));
	EXPECT_FALSE(ring_valid(&self->ring, self->head, self->head + 64));
	EXPECT_FALSE(ring_valid(&self->ring, self->head + 1, self->tail));
	EXPECT_FALSE(ring_valid(&self->ring, self->head + SIZE, self->tail));
	EXPECT_FALSE(ring_valid(&self->ring, self->head + 64, self->tail));
	slot->length = SIZE;
	EXPECT_FALSE(ring_valid(&self->ring, self->head, self->tail));
	slot->length = 0;
	EXPECT_FALSE(ring_valid(&self->ring, self->head, self->tail));
	slot->length = length_of(0);
	slot->position = 64;
	EXPECT_FALSE(ring_valid(&self->ring, self->head, self->tail));
}

TEST_F(ring, a_page_must_agree_with_its_messages)
{
	struct ledger_page page, good = { 0 };

	put(self);
	put(self);
	good.head = self->head;
	good.queued_messages = 2;
	EXPECT_TRUE(ledger_page_valid(&good, &self->ring));

	page = good;
	page.queued_messages = 1;
	EXPECT_FALSE(ledger_page_valid(&page, &self->ring));
	page = good;
	page.queued.octets = 1;
	EXPECT_FALSE(ledger_page_valid(&page, &self->ring));
	page = good;
	page.in_flight.tail = page.head + 64;
	EXPECT_FALSE(ledger_page_valid(&page, &self->ring));
}

TEST_F(ring, an_open_message_must_lie_in_the_ring)
{
	struct ledger_page page, good = { .open = { .open = 1, .message = { 100, 700, 20, 0 } } };

	EXPECT_TRUE(ledger_page_valid(&good, &self->ring));
	page = good;
	page.open.position = SIZE - 64;
	EXPECT_FALSE(ledger_page_valid(&page, &self->ring));
	page = good;
	page.open.position = SIZE;
	EXPECT_FALSE(ledger_page_valid(&page, &self->ring));
	page = good;
	page.open.message.limit = MESSAGE_OCTETS_MAX + 1;
	EXPECT_FALSE(ledger_page_valid(&page, &self->ring));
	page = good;
	page.open.message.length = 701;
	EXPECT_FALSE(ledger_page_valid(&page, &self->ring));
	page = good;
	page.open.message.set_start = 101;
	EXPECT_FALSE(ledger_page_valid(&page, &self->ring));
	page = good;
	page.open.position = 8;
	EXPECT_FALSE(ledger_page_valid(&page, &self->ring));
}

TEST_HARNESS_MAIN
