// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The LPM against an oracle that compares an address with every prefix, while
 * prefixes come and go; prefixes are drawn so that many lie inside of others.
 */
#include <stdlib.h>

#include "flow/prefix.h"
#include "kselftest_harness.h"
#include "route/lpm.h"
#include "unit/flows.h"

enum { PREFIXES = 600 };

struct prefix {
	uint8_t address[16];
	unsigned int bits;
	uint32_t value; /* 0: not there */
};

static struct prefix random_prefix(struct random *r, unsigned int size)
{
	struct prefix p = { .bits = random_below(r, size + 1) };

	for (unsigned int i = 0; i < size / 8; i++)
		p.address[i] = random_below(r, 4) ? (i < 2 ? 10 : 0) : (uint8_t)random_next(r);
	prefix_mask(p.address, 16, p.bits);
	return p;
}

static struct prefix *find(struct prefix *all, const struct prefix *p)
{
	for (unsigned int i = 0; i < PREFIXES; i++)
		if (all[i].value && all[i].bits == p->bits &&
		    !memcmp(all[i].address, p->address, 16))
			return &all[i];
	return NULL;
}

static const struct prefix *longest(const struct prefix *all, const uint8_t *address)
{
	const struct prefix *best = NULL;

	for (unsigned int i = 0; i < PREFIXES; i++) {
		uint8_t masked[16];

		memcpy(masked, address, 16);
		prefix_mask(masked, 16, all[i].bits);
		if (all[i].value && !memcmp(masked, all[i].address, 16) &&
		    (!best || all[i].bits > best->bits))
			best = &all[i];
	}
	return best;
}

/* Set, change or take away one prefix in both. */
static int change(struct random *r, struct lpm *l, struct prefix *all, unsigned int size)
{
	struct prefix new = random_prefix(r, size), *old = find(all, &new);
	struct prefix *place = old ? old : &all[random_below(r, PREFIXES)];

	if (!old && place->value && lpm_set(l, place->address, place->bits, 0))
		return -1;
	new.value = old &&random_below(r, 2) ? 0 : 1 + random_below(r, 1000000);
	*place = new;
	return lpm_set(l, new.address, new.bits, new.value);
}

/* Near a prefix that is there, or anywhere; octets behind the address are not looked at. */
static void random_address(struct random *r, const struct prefix *all, unsigned int size,
			   uint8_t *address)
{
	struct prefix p =
		random_below(r, 4) ? all[random_below(r, PREFIXES)] : random_prefix(r, size);
	unsigned int i;

	memset(address, 0, 16);
	memcpy(address, p.address, size / 8);
	for (i = p.bits / 8 + 1; i < size / 8; i++)
		address[i] |= (uint8_t)random_next(r);
}

static void compare(struct __test_metadata *_metadata, unsigned int size)
{
	struct prefix *all = calloc(PREFIXES, sizeof(*all));
	struct lpm *l = lpm_create();
	uint64_t empty = lpm_octets(l);
	struct random r = { 7 + size };
	uint8_t address[17] = { 0 };
	unsigned int found = 0, bits;

	for (unsigned int round = 0; round < 20000; round++) {
		const struct prefix *want;
		uint32_t value;

		ASSERT_EQ(0, change(&r, l, all, size));
		random_address(&r, all, size, address);
		want = longest(all, address);
		address[size / 8] = 0xff;
		bits = 999;
		value = lpm_find(l, address, size, &bits);
		ASSERT_EQ(want ? want->value : 0, value);
		ASSERT_EQ(want ? want->bits : 999, bits);
		found += want && want->bits;
		if (want)
			ASSERT_EQ(value, lpm_get(l, want->address, want->bits));
	}
	ASSERT_GT(found, 5000);
	for (unsigned int i = 0; i < PREFIXES; i++)
		ASSERT_EQ(0, lpm_set(l, all[i].address, all[i].bits, 0));
	ASSERT_EQ(0, lpm_find(l, address, size, &bits));
	ASSERT_EQ(empty, lpm_octets(l));
	lpm_destroy(l);
	free(all);
}

TEST(ipv4_as_the_oracle)
{
	compare(_metadata, 32);
}

TEST(ipv6_as_the_oracle)
{
	compare(_metadata, 128);
}

TEST(host_routes_and_the_default)
{
	const uint8_t ones[16] = { [0 ... 15] = 0xff };
	struct lpm *l = lpm_create();
	unsigned int bits = 0;

	ASSERT_EQ(0, lpm_find(l, ones, 128, &bits));
	ASSERT_EQ(0, lpm_set(l, ones, 0, 1));
	ASSERT_EQ(0, lpm_set(l, ones, 32, 2));
	ASSERT_EQ(0, lpm_set(l, ones, 128, 3));
	ASSERT_EQ(2, lpm_find(l, ones, 32, &bits));
	ASSERT_EQ(32, bits);
	ASSERT_EQ(3, lpm_find(l, ones, 128, &bits));
	ASSERT_EQ(128, bits);
	ASSERT_EQ(0, lpm_set(l, ones, 128, 0));
	ASSERT_EQ(2, lpm_find(l, ones, 128, &bits));
	ASSERT_EQ(0, lpm_get(l, ones, 128));
	ASSERT_EQ(0, lpm_get(l, ones, 33));
	ASSERT_EQ(1, lpm_get(l, ones, 0));
	lpm_destroy(l);
}

TEST_HARNESS_MAIN
