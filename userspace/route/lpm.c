// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A node stands for STRIDE bits of the address. Its prefixes of 0 to STRIDE - 1
 * bits are a bitmap, in the order of a heap: that of n bits whose bits are b is
 * bit 2^n + b. Another bitmap says which of the 2^STRIDE continuations have a
 * node of their own. Values and children that there are stand side by side, so
 * a bit's place among them is how many bits before it are set.
 *
 * An address is read as an endless row of bits, zeros behind its end; as no
 * prefix reaches behind the end, nothing is found there.
 */
#include "route/lpm.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum {
	STRIDE = 6,
	ADDRESS_MAX = 16, /* octets */
};

struct node {
	uint64_t prefixes; /* bit 0 is not used */
	uint64_t branches;
	uint32_t *values;
	struct node *children;
};

struct lpm {
	struct node root;
	uint64_t octets;
};

struct lpm *lpm_create(void)
{
	struct lpm *l = calloc(1, sizeof(*l));

	if (l)
		l->octets = sizeof(*l);
	return l;
}

/* Without an instruction for it, which not every CPU has, the builtin is a call and eight loads. */
static inline unsigned int count(uint64_t bits)
{
	bits -= bits >> 1 & 0x5555555555555555;
	bits = (bits & 0x3333333333333333) + (bits >> 2 & 0x3333333333333333);
	bits = (bits + (bits >> 4)) & 0x0f0f0f0f0f0f0f0f;
	return (unsigned int)(bits * 0x0101010101010101 >> 56);
}

/* How many are set before bit @i. */
static unsigned int place(uint64_t bits, unsigned int i)
{
	return count(bits & ((1ull << i) - 1));
}

static void free_below(struct node *node)
{
	unsigned int i;

	for (i = 0; i < count(node->branches); i++)
		free_below(&node->children[i]);
	free(node->children);
	free(node->values);
}

void lpm_destroy(struct lpm *l)
{
	if (!l)
		return;
	free_below(&l->root);
	free(l);
}

uint64_t lpm_octets(const struct lpm *l)
{
	return l->octets;
}

/* The @n (at most STRIDE) bits behind the first @at. */
static unsigned int bits_at(const uint8_t *address, unsigned int octets, unsigned int at,
			    unsigned int n)
{
	unsigned int i = at / 8;
	unsigned int two =
		(i < octets ? address[i] << 8 : 0) | (i + 1 < octets ? address[i + 1] : 0);

	return two >> (16 - at % 8 - n) & ((1u << n) - 1);
}

static unsigned int octets_of(unsigned int bits)
{
	return (bits + 7) / 8;
}

static struct node *child(const struct node *node, unsigned int branch)
{
	if (!(node->branches >> branch & 1))
		return NULL;
	return &node->children[place(node->branches, branch)];
}

/* Room for one more, or one less, at @i of the array of @n elements. */
static int grow(struct lpm *l, void **array, unsigned int n, unsigned int i, size_t size)
{
	char *grown = realloc(*array, (n + 1) * size);

	if (!grown)
		return -ENOMEM;
	memmove(grown + (i + 1) * size, grown + i * size, (n - i) * size);
	memset(grown + i * size, 0, size);
	*array = grown;
	l->octets += size;
	return 0;
}

static void shrink(struct lpm *l, void **array, unsigned int n, unsigned int i, size_t size)
{
	char *all = *array;

	memmove(all + i * size, all + (i + 1) * size, (n - i - 1) * size);
	l->octets -= size;
	if (n == 1) {
		free(all);
		*array = NULL;
		return;
	}
	all = realloc(all, (n - 1) * size);
	if (all)
		*array = all;
}

static struct node *add_child(struct lpm *l, struct node *node, unsigned int branch)
{
	unsigned int i = place(node->branches, branch);

	if (grow(l, (void **)&node->children, count(node->branches), i, sizeof(*node)))
		return NULL;
	node->branches |= 1ull << branch;
	return &node->children[i];
}

static int set_value(struct lpm *l, struct node *node, unsigned int bit, uint32_t value)
{
	unsigned int n = count(node->prefixes), i = place(node->prefixes, bit);
	bool there = node->prefixes >> bit & 1;

	if (value && !there && grow(l, (void **)&node->values, n, i, sizeof(value)))
		return -ENOMEM;
	if (!value && there)
		shrink(l, (void **)&node->values, n, i, sizeof(value));
	if (!value) {
		node->prefixes &= ~(1ull << bit);
		return 0;
	}
	node->prefixes |= 1ull << bit;
	node->values[i] = value;
	return 0;
}

/* Nodes without anything, from the deepest on. */
static void prune(struct lpm *l, struct node **path, const uint8_t *branches, unsigned int depth)
{
	for (; depth; depth--) {
		struct node *parent = path[depth - 1];
		unsigned int branch = branches[depth - 1];

		if (path[depth]->prefixes || path[depth]->branches)
			return;
		shrink(l, (void **)&parent->children, count(parent->branches),
		       place(parent->branches, branch), sizeof(*parent));
		parent->branches &= ~(1ull << branch);
	}
}

int lpm_set(struct lpm *l, const uint8_t *address, unsigned int bits, uint32_t value)
{
	struct node *path[8 * ADDRESS_MAX / STRIDE + 2] = { &l->root };
	uint8_t branches[8 * ADDRESS_MAX / STRIDE + 2];
	unsigned int octets = octets_of(bits), depth = 0, at;
	int ret = 0;

	for (at = 0; bits - at >= STRIDE; at += STRIDE, depth++) {
		unsigned int branch = bits_at(address, octets, at, STRIDE);
		struct node *next = child(path[depth], branch);

		if (!next && !value)
			break;
		if (!next)
			next = add_child(l, path[depth], branch);
		if (!next) {
			ret = -ENOMEM;
			break;
		}
		branches[depth] = (uint8_t)branch;
		path[depth + 1] = next;
	}
	if (bits - at < STRIDE)
		ret = set_value(l, path[depth],
				1u << (bits - at) | bits_at(address, octets, at, bits - at), value);
	if (ret || !value)
		prune(l, path, branches, depth);
	return ret;
}

uint32_t lpm_get(const struct lpm *l, const uint8_t *address, unsigned int bits)
{
	const struct node *node = &l->root;
	unsigned int octets = octets_of(bits), at, bit;

	for (at = 0; node && bits - at >= STRIDE; at += STRIDE)
		node = child(node, bits_at(address, octets, at, STRIDE));
	if (!node)
		return 0;
	bit = 1u << (bits - at) | bits_at(address, octets, at, bits - at);
	return node->prefixes >> bit & 1 ? node->values[place(node->prefixes, bit)] : 0;
}

/* The bits of all prefixes, of 0 to STRIDE - 1 bits, that continuation @branch has. */
static inline uint64_t prefixes_of(unsigned int branch)
{
	return 1ull << 1 | 1ull << (2 | branch >> 5) | 1ull << (4 | branch >> 4) |
	       1ull << (8 | branch >> 3) | 1ull << (16 | branch >> 2) | 1ull << (32 | branch >> 1);
}

_Static_assert(STRIDE == 6, "as prefixes_of() has it");

static unsigned int highest(uint64_t bits)
{
	return 63 - (unsigned int)__builtin_clzll(bits);
}

uint32_t lpm_find(const struct lpm *l, const uint8_t *address, unsigned int size,
		  unsigned int *bits)
{
	unsigned int octets = size / 8, at = 0, bit = 0;
	const struct node *node, *best = NULL;

	for (node = &l->root; node; at += STRIDE) {
		unsigned int branch = bits_at(address, octets, at, STRIDE);
		uint64_t there = node->prefixes ? node->prefixes & prefixes_of(branch) : 0;

		if (there) {
			bit = highest(there);
			*bits = at + highest(bit);
			best = node;
		}
		node = child(node, branch);
	}
	return best ? best->values[place(best->prefixes, bit)] : 0;
}
