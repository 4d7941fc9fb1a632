// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a packet costs: our programs, the reference design (the same parser
 * over LRU_PERCPU_HASH) and empty programs, in turns in one run, so that
 * whatever else the machine does hits all of them. Nanoseconds come from
 * bpf_prog_test_run (a hot flow), Mpps from live frames through a veth in
 * native XDP. A line of JSON a figure.
 *
 * Where flow_sampler.ko is loaded, what its kfunc costs is measured besides;
 * `datapath sampling` measures no more than sampling (in a virtual machine, say),
 * `datapath records` what records cost.
 */
#include <time.h>

#include "bpf/frame.h"
#include "bpf/live.h"
#include "bpf/rig.h"
#include "bpf/sampled.h"
#include "meter/module.h"
#include "meter/program.h"
#include "meter_compact_module.skel.h"
#include "reference.skel.h"

enum {
	ROUNDS = 15,
	REPEAT = 1000000,
	LIVE_FLOWS = 64000,
	LIVE_FRAMES = 4000000,
	LIVE_ROUNDS = 5,
};

enum subject { EMPTY, REFERENCE, METER, NARROW, SAMPLED, SUBJECTS };

struct figure {
	const char *name, *unit, *reference;
	double value, reference_value;
	/* the goal: what is 0 does not matter */
	double at_most, at_most_of_reference, at_least_of_reference;
};

static bool is_reached(const struct figure *f)
{
	return (!f->at_most || f->value <= f->at_most) &&
	       (!f->at_most_of_reference ||
		f->value <= f->at_most_of_reference * f->reference_value) &&
	       (!f->at_least_of_reference ||
		f->value >= f->at_least_of_reference * f->reference_value);
}

static void print_goal(const struct figure *f)
{
	if (f->at_most)
		printf(", \"goal\": \"<= %g\"", f->at_most);
	else if (f->at_most_of_reference)
		printf(", \"goal\": \"<= %g of it\"", f->at_most_of_reference);
	else if (f->at_least_of_reference)
		printf(", \"goal\": \">= %g of it\"", f->at_least_of_reference);
	else
		return;
	printf(", \"reached\": %s", is_reached(f) ? "true" : "false");
}

static void print_figure(const struct figure *f)
{
	printf("{\"name\": \"%s\", \"value\": %.2f, \"unit\": \"%s\", \"reference\": \"%s\", "
	       "\"reference_value\": %.2f",
	       f->name, f->value, f->unit, f->reference, f->reference_value);
	print_goal(f);
	printf("}\n");
	fflush(stdout);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *values, size_t n)
{
	qsort(values, n, sizeof(*values), compare);
	return values[n / 2];
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* `netflow ipv4 original-input`: all of a compact key but the interface behind. */
static struct meter_config bench_config(void)
{
	struct meter_config config = rig_config();

	config.ipv6 = 0;
	return config;
}

static int open_meter(struct rig *rig, enum table_layout layout, enum rig_hook hook, bool drop)
{
	struct rig_options options = {
		.layout = layout,
		.hook = hook,
		.buckets = 1 << 14, /* twice the flows */
		.evictions = 4096,
		.config = bench_config(),
		.drop_passed = drop,
	};

	return rig_open(rig, &options);
}

static struct reference *open_reference(bool drop)
{
	struct reference *r = reference__open();
	struct meter_config config = bench_config();

	if (!r)
		return NULL;
	memcpy((void *)&r->rodata->config, &config, sizeof(config));
	if ((drop &&
	     (rig_drop_passed(r->progs.reference_xdp) || rig_drop_passed(r->progs.empty_xdp))) ||
	    reference__load(r)) {
		reference__destroy(r);
		return NULL;
	}
	return r;
}

/* The empty programs alone: kernel 6.1 does not take the others. */
static struct reference *open_empty(void)
{
	struct reference *r = reference__open();

	if (!r)
		return NULL;
	bpf_program__set_autoload(r->progs.reference_xdp, false);
	bpf_program__set_autoload(r->progs.reference_tc, false);
	if (!reference__load(r))
		return r;
	reference__destroy(r);
	return NULL;
}

/* Nanoseconds a run; the call itself is in it, spread over REPEAT. */
static double run_ns(int fd, const struct frame *f)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->octets, .data_size_in = f->length,
		    .repeat = REPEAT);
	double start_s = now_s();

	/* duration is whole nanoseconds; XDP's call waits for a grace period besides */
	if (bpf_prog_test_run_opts(fd, &opts))
		return -1;
	return opts.duration < 1000 ? opts.duration : (now_s() - start_s) / REPEAT * 1e9;
}

static const struct layer tcp_packet[] = {
	{ .kind = LAYER_ETH },
	{ .kind = LAYER_IPV4, .a = 6 },
	{ .kind = LAYER_L4, .a = 6, .b = 20, .c = 1024, .d = 80 },
	{ .kind = LAYER_END },
};

/* Hot flow: every program in turn, ROUNDS times. */
static int bench_hot(enum rig_hook hook)
{
	double ns[SUBJECTS][ROUNDS], net[SUBJECTS];
	struct reference *reference = open_reference(false);
	struct rig compact, narrow;
	static struct frame frame;
	int fds[SUBJECTS], ret;

	ret = open_meter(&compact, TABLE_COMPACT, hook, false);
	if (!ret)
		ret = open_meter(&narrow, TABLE_NARROW, hook, false);
	if (ret || !reference)
		return ret ? ret : -EINVAL;
	frame_build(&frame, tcp_packet);
	fds[EMPTY] = bpf_program__fd(hook == RIG_XDP ? reference->progs.empty_xdp :
						       reference->progs.empty_tc);
	fds[REFERENCE] = bpf_program__fd(hook == RIG_XDP ? reference->progs.reference_xdp :
							   reference->progs.reference_tc);
	fds[METER] = compact.program_fd;
	fds[NARROW] = narrow.program_fd;
	for (int i = 0; i < ROUNDS; i++) {
		for (int s = 0; s <= NARROW; s++)
			ns[s][i] = run_ns(fds[s], &frame);
	}
	for (int s = 0; s <= NARROW; s++)
		net[s] = median(ns[s], ROUNDS);
	for (int s = REFERENCE; s <= NARROW; s++)
		net[s] -= net[EMPTY];
	print_figure(&(struct figure){
		.name = hook == RIG_XDP ? "hot flow, XDP, over an empty program" :
					  "hot flow, tc, over an empty program",
		.unit = "ns/packet",
		.value = net[METER],
		.reference = "empty program",
		.reference_value = net[EMPTY],
		.at_most = hook == RIG_XDP ? 12 : 16,
	});
	print_figure(&(struct figure){
		.name = hook == RIG_XDP ? "the same against the reference design, XDP" :
					  "the same against the reference design, tc",
		.unit = "ns/packet",
		.value = net[METER],
		.reference = "LRU_PERCPU_HASH, same parser",
		.reference_value = net[REFERENCE],
		.at_most_of_reference = 0.5,
	});
	print_figure(&(struct figure){
		.name = hook == RIG_XDP ? "the same, narrow table, XDP" :
					  "the same, narrow table, tc",
		.unit = "ns/packet",
		.value = net[NARROW],
		.reference = "empty program",
		.reference_value = net[EMPTY],
	});
	rig_close(&compact);
	rig_close(&narrow);
	reference__destroy(reference);
	return 0;
}

/*
 * What records cost: a program is made for the union of what the monitors of
 * its interface want, in the smallest layout that holds it.
 */
enum record_subject {
	RECORD_EMPTY,
	RECORD_NARROW, /* from here on by `wanted` */
	RECORD_FULL,
	RECORD_ORIGINAL, /* the six */
	RECORD_DESTINATION,
	RECORD_ENDS,
	RECORD_DSCP,
	RECORD_MAC,
	RECORD_FLAGS,
	RECORD_SIX,
	RECORD_SUBJECTS,
};

/* A mask of what is matched. */
struct wanted {
	struct flow_key key;
	struct flow_extra extra;
	struct flow_more more;
};

static const struct wanted wanted[RECORD_SUBJECTS] = {
	[RECORD_ORIGINAL] = { .key = { .src_v4 = ~0u,
				       .dst_v4 = ~0u,
				       .src_port = 0xffff,
				       .dst_port = 0xffff,
				       .protocol = 0xff,
				       .tos = 0xff,
				       .in_ifindex = ~0u } },
	[RECORD_DESTINATION] = { .key = { .dst_v4 = ~0u } },
	[RECORD_ENDS] = { .key = { .src_v4 = ~0u,
				   .dst_v4 = ~0u,
				   .src_port = 0xffff,
				   .dst_port = 0xffff } },
	[RECORD_DSCP] = { .key = { .tos = 0xfc } },
	[RECORD_MAC] = { .key = { .vlan_tci = 0xfff },
			 .extra = { .src_mac = { 255, 255, 255, 255, 255, 255 } } },
	[RECORD_FLAGS] = { .extra = { .ttl = 0xff }, .more = { .tcp_flags = 0xfff } },
};

/* What the monitors of subject @s match, as the agent would ask for it. */
static struct meter_attach wanted_of(enum record_subject s)
{
	struct meter_attach spec = { .ipv4 = true, .stats_full = s == RECORD_FULL };
	const uint64_t *mask;

	if (s == RECORD_FULL) {
		spec.tcp_counts = true;
		memset(spec.want, 0xff, sizeof(spec.want));
	}
	for (int one = RECORD_ORIGINAL; one < RECORD_SIX; one++) {
		mask = (const uint64_t *)&wanted[one];
		for (int i = 0; (s == one || s == RECORD_SIX) && i < FLOW_WORDS; i++)
			spec.want[i] |= mask[i];
	}
	memcpy(spec.match, spec.want, sizeof(spec.match));
	return spec;
}

static int open_record(struct rig *rig, enum record_subject s, enum rig_hook hook)
{
	struct meter_attach spec = wanted_of(s);
	struct rig_options options = {
		.layout = program_layout(&spec),
		.hook = hook,
		.buckets = 1 << 14,
		.evictions = 4096,
		.config = bench_config(),
	};

	if (s == RECORD_NARROW)
		return open_meter(rig, TABLE_NARROW, hook, false);
	options.config.stats_full = spec.stats_full;
	options.config.tcp_counts = spec.tcp_counts;
	memcpy(options.config.want, spec.want, sizeof(spec.want));
	memcpy(options.config.match, spec.match, sizeof(spec.match));
	kernel_adapt(&options.config);
	return rig_open(rig, &options);
}

static void print_record(const char *name, enum rig_hook hook, const char *reference,
			 const double values[2], double at_most_of_reference)
{
	char full_name[96];

	snprintf(full_name, sizeof(full_name), "%s, %s", name, hook == RIG_XDP ? "XDP" : "tc");
	print_figure(&(struct figure){
		.name = full_name,
		.unit = "ns/packet",
		.value = values[0],
		.reference = reference,
		.reference_value = values[1],
		.at_most_of_reference = at_most_of_reference,
	});
}

static void print_records(enum rig_hook hook, const double net[RECORD_SUBJECTS])
{
	double dearest = 0;

	for (int s = RECORD_ORIGINAL; s < RECORD_SIX; s++)
		dearest = net[s] > dearest ? net[s] : dearest;
	print_record("ipv4 destination address, bytes, packets", hook, "narrow table, everything",
		     (double[]){ net[RECORD_DESTINATION], net[RECORD_NARROW] }, 0.9);
	print_record("full table, everything", hook, "narrow table, everything",
		     (double[]){ net[RECORD_FULL], net[RECORD_NARROW] }, 0);
	print_record("six monitors of different records", hook, "the dearest of them alone",
		     (double[]){ net[RECORD_SIX], dearest }, 1.2);
}

/* Over an empty program, each of them. */
static int bench_records(enum rig_hook hook)
{
	double ns[RECORD_SUBJECTS][ROUNDS], net[RECORD_SUBJECTS];
	struct reference *reference = open_empty();
	static struct rig rigs[RECORD_SUBJECTS];
	int fds[RECORD_SUBJECTS], ret = reference ? 0 : -EINVAL;
	static struct frame frame;

	for (int s = RECORD_NARROW; s < RECORD_SUBJECTS && !ret; s++) {
		ret = open_record(&rigs[s], s, hook);
		fds[s] = rigs[s].program_fd;
	}
	if (ret)
		return ret;
	frame_build(&frame, tcp_packet);
	fds[RECORD_EMPTY] = bpf_program__fd(hook == RIG_XDP ? reference->progs.empty_xdp :
							      reference->progs.empty_tc);
	for (int i = 0; i < ROUNDS; i++) {
		for (int s = 0; s < RECORD_SUBJECTS; s++)
			ns[s][i] = run_ns(fds[s], &frame);
	}
	for (int s = 0; s < RECORD_SUBJECTS; s++)
		net[s] = median(ns[s], ROUNDS) - (s ? net[RECORD_EMPTY] : 0);
	print_records(hook, net);
	for (int s = RECORD_NARROW; s < RECORD_SUBJECTS; s++)
		rig_close(&rigs[s]);
	reference__destroy(reference);
	return 0;
}

/* What is measured of sampling, in turns with an empty program and one that samples nothing. */
enum sampled_subject {
	SAMPLED_EMPTY,
	SAMPLED_NOTHING,
	SAMPLED_DETERMINISTIC, /* from here on by `rules` */
	SAMPLED_RANDOM,
	SAMPLED_MIXED,
	SAMPLED_EVERY,
	SAMPLED_MODULE,
	SAMPLED_SUBJECTS,
};

static const struct {
	const char *name;
	__u32 mode, population;
	bool every;      /* and somebody takes all packets */
	bool unselected; /* begin behind the one that is selected; it does not come round */
	bool module;
	double at_most;
} rules[SAMPLED_SUBJECTS] = {
	[SAMPLED_DETERMINISTIC] = { "not selected, deterministic", FLOW_SAMPLER_MODE_DETERMINISTIC,
				    FLOW_SAMPLER_POPULATION_MAX, .unselected = true, .at_most = 5 },
	[SAMPLED_RANDOM] = { "not selected, random", FLOW_SAMPLER_MODE_RANDOM,
			     FLOW_SAMPLER_POPULATION_MAX, .unselected = true, .at_most = 5 },
	[SAMPLED_MIXED] = { "random 1 out-of 1000", FLOW_SAMPLER_MODE_RANDOM, 1000 },
	[SAMPLED_EVERY] = { "every packet, and random 1 out-of 1000", FLOW_SAMPLER_MODE_RANDOM,
			    1000, .every = true },
	[SAMPLED_MODULE] = { "random 1 out-of 1000 by flow_sampler.ko", FLOW_SAMPLER_MODE_RANDOM,
			     1000, .module = true },
};

/* A sampler in the module for the time of the run; 0: there is no module. */
static __u32 open_module(struct module *module, const struct sampler *s)
{
	__u32 id;

	module_open(module, "/flowgauge/bench");
	if (module->trouble[0] || module_take(module, s, &id, NULL))
		return 0;
	return id;
}

static void close_module(struct module *module)
{
	module_delete_but(module, NULL, NULL);
	module_close(module);
}

static int open_sampled(struct rig *rig, enum sampled_subject subject, enum rig_hook hook,
			bool drop, __u32 module_id)
{
	struct rig_options options = {
		.hook = hook,
		.buckets = 1 << 14,
		.evictions = 4096,
		.config = bench_config(),
		.drop_passed = drop,
	};
	struct flow_sampler_state behind = { .position = 1, .drawn = FLOW_SAMPLER_POPULATION_MAX };
	int ret;

	if (rules[subject].every)
		sampled_add(&options.config, 0, 0, 0, 0);
	if (rules[subject].mode)
		sampled_add(&options.config, 1, rules[subject].mode, 1, rules[subject].population)
			->module_id = module_id;
	if (module_id)
		options.elf = meter_compact_module__elf_bytes(&options.elf_size);
	ret = rig_open(rig, &options);
	if (!ret && rules[subject].unselected)
		sampled_state(rig, 1)->state = behind;
	return ret;
}

static void print_sampled(const char *hook, enum sampled_subject s, const double net[])
{
	char name[96];

	snprintf(name, sizeof(name), "%s, %s", rules[s].name, hook);
	print_figure(&(struct figure){
		.name = name,
		.unit = "ns/packet",
		.value = net[s],
		.reference = "without sampling",
		.reference_value = net[SAMPLED_NOTHING],
		.at_most = rules[s].at_most,
	});
}

/* Over an empty program, each of them. */
static int bench_sampled(enum rig_hook hook)
{
	const struct sampler sampler = { "BENCH", FLOW_SAMPLER_MODE_RANDOM, 1, 1000 };
	double ns[SAMPLED_SUBJECTS][ROUNDS], net[SAMPLED_SUBJECTS];
	struct reference *reference = open_empty();
	static struct rig rigs[SAMPLED_SUBJECTS];
	int fds[SAMPLED_SUBJECTS], n, ret = reference ? 0 : -EINVAL;
	static struct frame frame;
	struct module module;
	__u32 id;

	id = open_module(&module, &sampler);
	n = id ? SAMPLED_SUBJECTS : SAMPLED_MODULE;
	for (int s = SAMPLED_NOTHING; s < n && !ret; s++)
		ret = open_sampled(&rigs[s], s, hook, false, rules[s].module ? id : 0);
	if (ret)
		return ret;
	frame_build(&frame, tcp_packet);
	fds[SAMPLED_EMPTY] = bpf_program__fd(hook == RIG_XDP ? reference->progs.empty_xdp :
							       reference->progs.empty_tc);
	for (int s = SAMPLED_NOTHING; s < n; s++)
		fds[s] = rigs[s].program_fd;
	for (int i = 0; i < ROUNDS; i++) {
		for (int s = 0; s < n; s++)
			ns[s][i] = run_ns(fds[s], &frame);
	}
	for (int s = 0; s < n; s++)
		net[s] = median(ns[s], ROUNDS) - (s ? net[SAMPLED_EMPTY] : 0);
	for (int s = SAMPLED_DETERMINISTIC; s < n; s++)
		print_sampled(hook == RIG_XDP ? "XDP" : "tc", s, net);
	for (int s = SAMPLED_NOTHING; s < n; s++)
		rig_close(&rigs[s]);
	close_module(&module);
	reference__destroy(reference);
	return 0;
}

/* Frames a microsecond while @program is at the other end of the veth. */
static double live_mpps(struct live *live, const struct bpf_program *program)
{
	double start_s, mpps = -1;

	if (live_attach(live, program))
		return -1;
	if (!live_send(live, LIVE_FRAMES / 10)) {
		start_s = now_s();
		if (!live_send(live, LIVE_FRAMES))
			mpps = LIVE_FRAMES / (now_s() - start_s) / 1e6;
	}
	bpf_link__destroy(live->link);
	live->link = NULL;
	return mpps;
}

static int bench_live(void)
{
	double mpps[SUBJECTS][LIVE_ROUNDS], value[SUBJECTS];
	const struct bpf_program *programs[SUBJECTS];
	struct reference *reference;
	struct rig compact, narrow, sampled;
	static struct live live;
	int ret;

	ret = live_create_veth(&live);
	if (!ret)
		ret = live_open(&live, LIVE_FLOWS);
	if (!ret)
		ret = open_meter(&compact, TABLE_COMPACT, RIG_XDP, true);
	if (!ret)
		ret = open_meter(&narrow, TABLE_NARROW, RIG_XDP, true);
	if (!ret)
		ret = open_sampled(&sampled, SAMPLED_MIXED, RIG_XDP, true, 0);
	reference = open_reference(true);
	if (ret || !reference)
		return ret ? ret : -EINVAL;
	programs[EMPTY] = reference->progs.empty_xdp;
	programs[REFERENCE] = reference->progs.reference_xdp;
	programs[METER] = rig_program(&compact);
	programs[NARROW] = rig_program(&narrow);
	programs[SAMPLED] = rig_program(&sampled);
	for (int i = 0; i < LIVE_ROUNDS; i++) {
		for (int s = 0; s < SUBJECTS; s++)
			mpps[s][i] = live_mpps(&live, programs[s]);
	}
	for (int s = 0; s < SUBJECTS; s++)
		value[s] = median(mpps[s], LIVE_ROUNDS);
	print_figure(&(struct figure){ "veth native XDP, 64 k flows", "Mpps", "empty program",
				       value[METER], value[EMPTY], .at_least_of_reference = 0.6 });
	print_figure(&(struct figure){ "the same against the reference design", "Mpps",
				       "LRU_PERCPU_HASH, same parser", value[METER],
				       value[REFERENCE], .at_least_of_reference = 1.3 });
	print_figure(&(struct figure){ .name = "the same, narrow table",
				       .unit = "Mpps",
				       .reference = "empty program",
				       .value = value[NARROW],
				       .reference_value = value[EMPTY] });
	print_figure(&(struct figure){ .name = "veth native XDP, 64 k flows, random 1 out-of 1000",
				       .unit = "Mpps",
				       .reference = "without sampling",
				       .value = value[SAMPLED],
				       .reference_value = value[METER] });
	live_close(&live);
	rig_close(&sampled);
	rig_close(&compact);
	rig_close(&narrow);
	reference__destroy(reference);
	return 0;
}

/* What is measured by which word; without one, everything. */
static const struct {
	const char *word;
	int (*measure)(enum rig_hook hook);
} benches[] = {
	{ "hot", bench_hot },
	{ "records", bench_records },
	{ "sampling", bench_sampled },
};

int main(int argc, char **argv)
{
	int ret = 0;

	rig_stay_on_cpu(0);
	for (size_t i = 0; i < sizeof(benches) / sizeof(benches[0]); i++) {
		for (int hook = 0; hook < RIG_HOOKS && !ret; hook++)
			if (argc < 2 || !strcmp(argv[1], benches[i].word))
				ret = benches[i].measure(hook);
	}
	if (argc < 2 && !ret)
		ret = bench_live();
	if (ret)
		fprintf(stderr, "datapath: %s\n", strerror(-ret));
	return ret ? 1 : 0;
}
