// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traffic at full speed: run with BPF_F_TEST_XDP_LIVE_FRAMES, every frame gets
 * the next of so many source addresses and goes out by a veth.
 */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

enum { IPV4_SOURCE = 14 + 12 };

const volatile __u32 out_ifindex;
const volatile __u32 flows = 1;

__u32 next_flow; /* one CPU generates */

SEC("xdp")
int generate(struct xdp_md *ctx)
{
	__u8 *data = (__u8 *)(long)ctx->data, *end = (__u8 *)(long)ctx->data_end;

	if (data + IPV4_SOURCE + sizeof(__u32) > end)
		return XDP_DROP;
	*(__u32 *)(data + IPV4_SOURCE) = bpf_htonl(0x0a000000 + next_flow);
	next_flow = next_flow + 1 < flows ? next_flow + 1 : 0;
	return bpf_redirect(out_ifindex, 0);
}

char LICENSE[] SEC("license") = "GPL";
