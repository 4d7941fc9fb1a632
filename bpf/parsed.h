/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parsed.h - what is known of a packet: its key in words, what it counts for,
 * and what was found inside of it. And what compiler and verifier are told of
 * that, so that the stack is large enough and there is an end to following it.
 */
#ifndef FLOWGAUGE_PARSED_H
#define FLOWGAUGE_PARSED_H

#include "config.h"
#include "packet.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "words are put together by hand");

/* Put @value where @member of struct flow_key, struct flow_extra or struct flow_more lies. */
#define KEY_PUT(out, member, value)                                                                \
	((out)->words[offsetof(struct flow_key, member) / 8] |=                                    \
	 (__u64)(value) << offsetof(struct flow_key, member) % 8 * 8)
#define EXTRA_PUT(out, member, value)                                                              \
	((out)->words[FLOW_KEY_WORDS + offsetof(struct flow_extra, member) / 8] |=                 \
	 (__u64)(value) << offsetof(struct flow_extra, member) % 8 * 8)

/*
 * Words 16 to 24 are only there in full tables. Of them nothing is read that
 * nobody wants.
 */
#ifdef FLOW_LAYOUT_FULL
enum { MORE_WORDS = FLOW_MORE_PACKET_WORDS };
#define MORE_SHIFT(member) (offsetof(struct flow_more, member) % 8 * 8)
#define MORE_MASK(member) (~0ULL >> (64 - 8 * sizeof(((struct flow_more *)0)->member)))
#define MORE_AT(out, member) ((out)->words[PACKET_WORDS + offsetof(struct flow_more, member) / 8])
#define MORE_PUT(out, member, value) (MORE_AT(out, member) |= (__u64)(value) << MORE_SHIFT(member))
#define MORE_GET(out, member) (MORE_AT(out, member) >> MORE_SHIFT(member) & MORE_MASK(member))
/* volatile: or it is kept for the next time, and there is no stack for that */
#define MORE_WANTED(config, member)                                                                \
	(*(const volatile __u64 *)&(config)                                                        \
			 ->want[MORE_WORD + offsetof(struct flow_more, member) / 8] >>             \
		 MORE_SHIFT(member) &                                                              \
	 MORE_MASK(member))
#else
enum { MORE_WORDS = 0 };
#define MORE_PUT(out, member, value) ((void)(value))
#define MORE_WANTED(config, member) false
#endif

enum {
	MORE_WORD = FLOW_KEY_WORDS + FLOW_EXTRA_WORDS,
	PACKET_WORDS =
		FLOW_KEY_WORDS + FLOW_EXTRA_PACKET_WORDS, /* those before struct flow_more's */
	KEY_WORDS = PACKET_WORDS + MORE_WORDS,
	PORTS_WORD = offsetof(struct flow_key, src_port) / 8,
	WORDS_OF_LINK = offsetof(struct flow_key, vlan_tci) / 8, /* to inner_vlan_tci */
	WORDS_OF_LINK_END = FLOW_KEY_WORDS + 2,
	PARSE_OFFSET_MAX = 0x7fff, /* where a header may begin */
};

/*
 * What a tunnel carries (tunnel.h), in a word: where it begins, whether that is
 * an Ethernet frame, or else an IP packet of which version; octets that another
 * tunnel left before the packet; enum flow_tunnel; tunnel_id.
 */
enum {
	INSIDE_NOTHING = 0,
	INSIDE_OFFSET = PARSE_OFFSET_MAX,
	INSIDE_FRAMED = 1 << 15,
	INSIDE_LEFT = 16, /* bit numbers, from here on */
	INSIDE_TYPE = 24,
	INSIDE_ZERO = 31,
	INSIDE_ID = 32,
	INSIDE_SOMETHING = 7 << 24, /* any type */
	INSIDE_IPV4 = 1 << 28,
};

/*
 * Everything that is known of a packet when it is counted. The key is put
 * together in its words, not member by member: narrow stores that are read
 * back as words are what a fast processor cannot do fast. The names of
 * struct flow_key and struct flow_extra say where in the word a member lies.
 */
struct parsed {
	__u64 words[KEY_WORDS]; /* of the key, words 8 to 11, and those of struct flow_more */
	__u64 packets;          /* on the wire */
	__u64 octets;           /* layer 3 */
	__u32 link_octets;      /* of one packet: link header, a tag in metadata included */
	__u32 length_min;
	__u32 length_max;
	__u16 tcp_flags;
	__u16 ext_headers; /* enum ext_header_bit */
	__u8 ip_version;
	__u8 protocol;
	__u8 ttl;
	__u8 last_segments; /* of the packets, those that end a super-packet or are none: 0 or 1 */
	__u32 pad;
};

/*
 * Of a full key the compiler would keep what it has once read or written a
 * second time, and the stack has no room for that.
 */
static __always_inline void keep_in_memory(const struct parsed *in)
{
#ifdef FLOW_LAYOUT_FULL
	asm volatile("" : "+r"(in) : : "memory");
#endif
}

/*
 * @value, of which the verifier knows no more then than that it is below 2^15.
 * It would go on once for each value that came here by another way, and where
 * a tunnel may be opened there are too many. INSIDE_ZERO is never set, but
 * whatever is an argument of a global function could be anything to it.
 */
static __always_inline __u32 forget(__u32 value, __u64 inside)
{
	__u32 zero = (0 - (__u32)(inside >> INSIDE_ZERO & 1)) & PARSE_OFFSET_MAX;

	asm volatile("" : "+r"(zero));
	value &= ~zero;
	asm volatile("" : "+r"(value), "+r"(zero));
	return value | zero;
}

/* The same of words @from to @to. */
static __always_inline void forget_words(struct parsed *out, int from, int to, __u64 inside)
{
	__u64 zero = 0 - (inside >> INSIDE_ZERO & 1);

	asm volatile("" : "+r"(zero));
	UNROLLED
	for (int i = from; i < to; i++)
		out->words[i] |= zero;
}

#endif
