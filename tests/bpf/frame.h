/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * frame.h - frames as rows: a list of layers, from the link header on. Length
 * fields and next-header fields fill themselves in from what follows; a row
 * that wants them wrong patches octets afterwards. Of several Ethernet or IP
 * headers, one in another, the nth (from 0) has n added to its addresses.
 */
#ifndef FLOWGAUGE_TEST_FRAME_H
#define FLOWGAUGE_TEST_FRAME_H

#include <arpa/inet.h>
#include <stdint.h>
#include <string.h>

enum layer_kind {
	LAYER_END,
	LAYER_ETH,  /* a: ethertype; 0: from the next layer */
	LAYER_TAG,  /* a: TPID, b: TCI */
	LAYER_MPLS, /* a: label, b: exp */
	LAYER_IPV4, /* a: protocol, b: ToS, c: flags and fragment offset, d: octets of options */
	LAYER_IPV6, /* a: flow label, b: traffic class */
	LAYER_EXT,  /* a: header number, b: octets; also AH */
	LAYER_FRAG, /* a: offset in 8-octet units, b: more, c: id */
	LAYER_L4, /* a: protocol, b: octets, c: source port or type and code, d: destination port */
	LAYER_DATA, /* b: octets, part of the IP packet */
	LAYER_PAD,  /* b: octets behind the IP packet */
	LAYER_RAW, /* a: protocol, b: octets, as they are in raw; of UDP's, what is behind its header */
};

struct layer {
	uint8_t kind;
	uint32_t a, b, c, d;
	const char *raw;
};

enum { FRAME_LAYERS = 16, FRAME_MAX = 4096, FRAME_TTL = 61, FRAME_ID = 0x1234 };

struct frame {
	uint8_t octets[FRAME_MAX];
	uint32_t length;
	uint32_t ip; /* where the last IP header begins */
	uint32_t n_eth, n_ip;
	uint32_t ip_end; /* where the IP packet ends */
};

static const uint8_t frame_dst_mac[6] = { 2, 0, 0, 0, 0, 2 };
static const uint8_t frame_src_mac[6] = { 2, 0, 0, 0, 0, 1 };
static const uint8_t frame_src_v4[4] = { 192, 0, 2, 1 };
static const uint8_t frame_dst_v4[4] = { 198, 51, 100, 2 };
static const uint8_t frame_src_v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
static const uint8_t frame_dst_v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 2 };

static inline void put16(uint8_t *at, uint32_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

static inline void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static inline uint16_t layer_ethertype(const struct layer *l)
{
	switch (l->kind) {
	case LAYER_TAG:
		return l->a;
	case LAYER_MPLS:
		return 0x8847;
	case LAYER_IPV6:
		return 0x86dd;
	case LAYER_IPV4:
		return 0x0800;
	default:
		return 0x88b5;
	}
}

/* The header number that announces layer @l. */
static inline uint8_t layer_protocol(const struct layer *l)
{
	switch (l->kind) {
	case LAYER_EXT:
	case LAYER_L4:
	case LAYER_RAW:
		return l->a;
	case LAYER_IPV4:
		return 4;
	case LAYER_IPV6:
		return 41;
	case LAYER_FRAG:
		return 44;
	default:
		return 59;
	}
}

static inline uint32_t layer_length(const struct layer *l)
{
	switch (l->kind) {
	case LAYER_ETH:
		return 14;
	case LAYER_TAG:
	case LAYER_MPLS:
		return 4;
	case LAYER_IPV4:
		return 20 + l->d;
	case LAYER_IPV6:
		return 40;
	case LAYER_FRAG:
		return 8;
	default:
		return l->b;
	}
}

static inline void put_link(uint8_t *at, const struct layer *l, uint32_t nth)
{
	if (l->kind == LAYER_ETH) {
		memcpy(at, frame_dst_mac, 6);
		memcpy(at + 6, frame_src_mac, 6);
		at[5] += nth;
		at[11] += nth;
		put16(at + 12, l->a ? l->a : layer_ethertype(l + 1));
	} else if (l->kind == LAYER_TAG) {
		put16(at, l->b);
		put16(at + 2, layer_ethertype(l + 1));
	} else {
		put32(at, l->a << 12 | l->b << 9 | (l[1].kind != LAYER_MPLS) << 8 | 64);
	}
}

static inline void put_ipv4(uint8_t *at, const struct layer *l, uint32_t length)
{
	at[0] = 0x40 | (20 + l->d) / 4;
	at[1] = l->b;
	put16(at + 2, length);
	put16(at + 4, FRAME_ID);
	put16(at + 6, l->c);
	at[8] = FRAME_TTL;
	at[9] = l->a;
	memcpy(at + 12, frame_src_v4, 4);
	memcpy(at + 16, frame_dst_v4, 4);
	memset(at + 20, 1, l->d); /* no operation */
}

static inline void put_ipv6(uint8_t *at, const struct layer *l, uint32_t length)
{
	put32(at, 6u << 28 | l->b << 20 | l->a);
	put16(at + 4, length - 40);
	at[6] = layer_protocol(l + 1);
	at[7] = FRAME_TTL;
	memcpy(at + 8, frame_src_v6, 16);
	memcpy(at + 24, frame_dst_v6, 16);
}

static inline void put_ext(uint8_t *at, const struct layer *l)
{
	at[0] = layer_protocol(l + 1);
	if (l->kind == LAYER_FRAG) {
		put16(at + 2, l->a << 3 | l->b);
		put32(at + 4, l->c);
	} else {
		at[1] = l->a == 51 ? l->b / 4 - 2 : l->b / 8 - 1;
	}
}

static inline void put_l4(uint8_t *at, const struct layer *l)
{
	memset(at, 0xa5, l->b);
	put16(at, l->c);
	if (l->a == 1 || l->a == 2 || l->a == 58)
		return;
	put16(at + 2, l->d);
	if (l->a == 17)
		put16(at + 4, l->b);
	if (l->a == 6) {
		put16(at + 12,
		      l->b / 4 << 12 | 0x0d12); /* reserved bits, CWR..: 12 bits of flags */
		put16(at + 14, 0x2000);
	}
}

static inline void put_layer(struct frame *f, const struct layer *l)
{
	uint8_t *at = f->octets + f->length;

	switch (l->kind) {
	case LAYER_ETH:
	case LAYER_TAG:
	case LAYER_MPLS:
		put_link(at, l, f->n_eth);
		f->n_eth += l->kind == LAYER_ETH;
		break;
	case LAYER_IPV4:
		put_ipv4(at, l, f->ip_end - f->length);
		at[15] += f->n_ip;
		at[19] += f->n_ip++;
		break;
	case LAYER_IPV6:
		put_ipv6(at, l, f->ip_end - f->length);
		at[23] += f->n_ip;
		at[39] += f->n_ip++;
		break;
	case LAYER_RAW:
		memcpy(at, l->raw, l->b);
		break;
	case LAYER_EXT:
	case LAYER_FRAG:
		put_ext(at, l);
		break;
	case LAYER_L4:
		put_l4(at, l);
		break;
	default:
		memset(at, 0xda, l->b);
	}
}

static inline void frame_build(struct frame *f, const struct layer *layers)
{
	memset(f, 0, sizeof(*f));
	for (const struct layer *l = layers; l->kind != LAYER_END; l++)
		f->ip_end += l->kind == LAYER_PAD ? 0 : layer_length(l);
	for (const struct layer *l = layers; l->kind != LAYER_END; l++) {
		if (l->kind == LAYER_IPV4 || l->kind == LAYER_IPV6)
			f->ip = f->length;
		put_layer(f, l);
		f->length += layer_length(l);
	}
}

#endif
