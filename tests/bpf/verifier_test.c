// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every variant of the programs passes this kernel's verifier, and at what
 * price: each object of a folder (a layout and what it links against, see
 * bpf/guard.h), each entry point, each way to specialise it. The instructions
 * that the verifier went through are printed for each object and entry point;
 * the kernel's limit is a million, ours is below.
 *
 *	verifier_test [-a|-d|-m] [FOLDER...]	build/bpf, or what another compiler made
 *
 * Of each object, entry point and guard it takes the dearest ways, and of each
 * family one more, another for each and on each kernel; -a or FLOWGAUGE_ALL takes
 * all there are, -d the dearest alone, -m the dearest of the objects that call the
 * module, which has to be loaded: without it the verifier does not see their calls.
 * A machine that is emulated loads only what the agent would there, those with the
 * guard that this kernel wants, and those that call the module where it is loaded; and
 * besides the dearest ways one of one family.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest.h"

#include "kernel.h"

enum {
	INSTRUCTIONS_MAX = 900000,
	LOG_MAX = 16 << 20, /* octets; kernels before 6.4 want room for all of it */
};

struct object {
	const char *name;
	enum table_layout layout;
	bool fits[3]; /* by enum meter_guard: what the agent takes it for */
};

#define PLAIN                                                                                      \
	{                                                                                          \
		[METER_GUARD_NONE] = true, [METER_GUARD_BUSY] = true                               \
	}
#define PREEMPT                                                                                    \
	{                                                                                          \
		[METER_GUARD_PREEMPT] = true                                                       \
	}
#define MODULE                                                                                     \
	{                                                                                          \
		[METER_GUARD_NONE] = true, [METER_GUARD_PREEMPT] = true                            \
	}

static const struct object objects[] = {
	{ "meter_compact", TABLE_COMPACT, PLAIN },
	{ "meter_compact_preempt", TABLE_COMPACT, PREEMPT },
	{ "meter_compact_module", TABLE_COMPACT, MODULE },
	{ "meter_narrow", TABLE_NARROW, PLAIN },
	{ "meter_narrow_preempt", TABLE_NARROW, PREEMPT },
	{ "meter_narrow_module", TABLE_NARROW, MODULE },
	{ "meter_wide", TABLE_WIDE, PLAIN },
	{ "meter_wide_preempt", TABLE_WIDE, PREEMPT },
	{ "meter_wide_module", TABLE_WIDE, MODULE },
	{ "meter_full", TABLE_FULL, PLAIN },
	{ "meter_full_preempt", TABLE_FULL, PREEMPT },
	{ "meter_full_module", TABLE_FULL, MODULE },
};

static const struct entry {
	const char *name;
	bool tc, sampled;
} entries[] = {
	{ "meter_xdp", false, false },
	{ "meter_tc", true, false },
	{ "sampled_xdp", false, true },
	{ "sampled_tc", true, true },
};

/*
 * Samplers of an attachment, and whether tunnels are looked into; mode 0: as
 * many as there can be, of every mode, or none. The last is the dearest.
 */
static const struct sampling {
	const char *name;
	__u8 mode;
	bool late; /* and somebody takes every packet */
	bool inner;
	bool none;
} samplings[] = {
	{ "deterministic", FLOW_SAMPLER_MODE_DETERMINISTIC, false, false, false },
	{ "random", FLOW_SAMPLER_MODE_RANDOM, true, true, false },
	{ "probability", FLOW_SAMPLER_MODE_PROBABILITY, false, true, false },
	{ "time", FLOW_SAMPLER_MODE_TIME, true, false, false },
	{ "hash", FLOW_SAMPLER_MODE_HASH, false, true, false },
	{ "tunnels", 0, false, true, true },
	{ "eight and tunnels", 0, true, true, false },
};

enum { SAMPLINGS = ARRAY_SIZE(samplings) };

/* A way to specialise a program. */
struct choice {
	bool ipv4, ipv6;
	bool precise;
	bool link; /* there is a link header */
	bool output;
	enum meter_guard guard;
	const struct sampling *sampling;
	__u32 module_id;
};

struct tally {
	unsigned int turn, loaded, failed, most;
	char dearest[128];
};

static enum { SOME, ALL, DEAREST, DEAREST_OF_MODULE } mode;
static bool takes_guard[3]; /* by enum meter_guard */
static bool has_module;
static char log_text[LOG_MAX];

static const char *describe(const struct choice *c)
{
	static const char *const guards[] = { "no guard", "preempt", "busy" };
	static char text[128];

	snprintf(text, sizeof(text), "%s%s, %s, %s, %s, %s%s%s%s", c->ipv4 ? "IPv4" : "",
		 c->ipv6 ? "IPv6" : "", c->precise ? "precise" : "coarse",
		 c->link ? "Ethernet" : "no link header", c->output ? "output" : "input",
		 guards[c->guard], c->sampling ? ", " : "", c->sampling ? c->sampling->name : "",
		 c->module_id ? " of the module" : "");
	return text;
}

static void add_sampler(struct meter_config *config, __u8 id, __u8 mode, __u32 module_id)
{
	config->samplers[config->n_samplers++] = (struct attachment_sampler){
		.rule = { .mode = mode,
			  .size = 1,
			  .population = 100,
			  .threshold = (1ULL << 32) / 100 },
		.id = id,
		.module_id = id ? module_id : 0,
		.ipv4 = config->ipv4,
		.ipv6 = config->ipv6,
	};
}

static void configure_samplers(struct meter_config *config, const struct choice *c)
{
	__u8 i;

	if (!c->sampling)
		return;
	if (c->sampling->late)
		add_sampler(config, 0, 0, 0);
	if (c->sampling->mode)
		add_sampler(config, 1, c->sampling->mode, c->module_id);
	for (i = 1; !c->sampling->mode && !c->sampling->none && i < ATTACHMENT_SAMPLERS_MAX; i++)
		add_sampler(config, i, 1 + i % FLOW_SAMPLER_MODE_MAX, c->module_id);
	meter_config_sampling(config);
}

/* Everything wanted: what is left out can only be less. */
static void configure(struct meter_config *config, const struct object *o, const struct choice *c)
{
	memset(config, 0, sizeof(*config));
	config->ifindex = 7;
	config->attachment = 3;
	config->direction = c->output ? FLOW_OUTPUT : FLOW_INPUT;
	config->link = c->link ? METER_LINK_ETHERNET : METER_LINK_NONE;
	config->ipv4 = c->ipv4;
	config->ipv6 = c->ipv6;
	config->precise = c->precise;
	config->stats_full = 1;
	config->tcp_counts = 1;
	config->inner = c->sampling && c->sampling->inner;
	config->mpls = o->layout == TABLE_FULL;
	config->other = o->layout >= TABLE_WIDE;
	config->guard = c->guard;
	table_geometry_init(&config->table, o->layout, 512, 4096, 1024);
	memset(config->want, 0xff, sizeof(config->want));
	memset(config->match, 0xff, sizeof(config->match));
	kernel_adapt(config);
	configure_samplers(config, c);
}

static bool is_emulated(void)
{
	return kernel_slowness() > 1;
}

/* Another for each kernel, so that several try more. */
static unsigned int first_turn(void)
{
	struct utsname kernel;
	unsigned int i, sum = 0;

	for (i = 0; !uname(&kernel) && kernel.release[i]; i++)
		sum += (unsigned char)kernel.release[i];
	return sum;
}

/* Instructions that the verifier went through; negative: an errno. */
static int load(const char *path, const struct object *o, const struct entry *entry,
		const struct choice *c)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .kernel_log_buf = log_text,
		    .kernel_log_size = sizeof(log_text), .kernel_log_level = 0);
	struct bpf_prog_info info = { 0 };
	struct bpf_object *object;
	struct bpf_program *program;
	struct meter_config config;
	__u32 size = sizeof(info);
	int ret;

	log_text[0] = 0;
	object = bpf_object__open_file(path, &opts);
	if (!object)
		return -errno;
	configure(&config, o, c);
	ret = bpf_map__set_initial_value(bpf_object__find_map_by_name(object, ".rodata"), &config,
					 sizeof(config));
	bpf_object__for_each_program(program, object) bpf_program__set_autoload(
		program, !strcmp(bpf_program__name(program), entry->name));
	if (!ret)
		ret = bpf_object__load(object);
	if (!ret) {
		program = bpf_object__find_program_by_name(object, entry->name);
		ret = bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) ? -errno : 0;
	}
	bpf_object__close(object);
	return ret ? ret : (int)info.verified_insns;
}

static const char *end_of_log(void)
{
	size_t length = strlen(log_text);

	return length > 2000 ? log_text + length - 2000 : log_text;
}

static void try(struct tally *t, const char *path, const struct object *o,
		const struct entry *entry, const struct choice *c)
{
	int n = load(path, o, entry, c);

	if (n < 0) {
		if (!t->failed++)
			ksft_print_msg("%s %s: %s: %s\n%s\n", path, entry->name, describe(c),
				       strerror(-n), end_of_log());
		return;
	}
	t->loaded++;
	if ((unsigned int)n > t->most) {
		t->most = n;
		snprintf(t->dearest, sizeof(t->dearest), "%s", describe(c));
	}
}

/*
 * Most is asked of those with all families, samplers of every mode and tunnels,
 * at output; which kernel finds it dearer with a link header, and which without, differs.
 */
static bool is_dear(const struct choice *c, const struct object *o, const struct entry *entry)
{
	return (c->ipv6 ? c->ipv4 : o->layout == TABLE_COMPACT) && c->precise &&
	       c->output == entry->tc &&
	       (!entry->sampled || c->sampling == &samplings[SAMPLINGS - 1]);
}

/* What else can be chosen for an entry point. */
static void try_ways(struct tally *t, const char *path, const struct object *o,
		     const struct entry *entry, struct choice c)
{
	unsigned int n_samplings = entry->sampled ? SAMPLINGS : 1;
	unsigned int n_ways = n_samplings * (entry->tc ? 8 : 4), way;
	bool has_turn = mode == SOME && (!is_emulated() || t->turn % 3 == 0);

	for (way = 0; way < n_ways; way++) {
		unsigned int bits = way / n_samplings;

		c.precise = bits & 1;
		c.link = bits & 2;
		c.output = bits & 4;
		c.sampling = entry->sampled ? &samplings[way % n_samplings] : NULL;
		if (mode == ALL || is_dear(&c, o, entry) || (has_turn && way == t->turn % n_ways))
			try(t, path, o, entry, &c);
	}
	/* prime to what it is divided by, so that each way and family has its turn */
	t->turn += 13;
}

/* The families that the layout is for. */
static bool family_fits(const struct object *o, unsigned int families)
{
	return o->layout != TABLE_COMPACT || families == 1;
}

static bool guard_fits(const struct object *o, enum meter_guard guard)
{
	return o->fits[guard] && takes_guard[guard];
}

static bool calls_module(const struct object *o)
{
	return strstr(o->name, "_module");
}

static bool is_taken(const struct object *o)
{
	unsigned int guard;

	if (mode == DEAREST_OF_MODULE && !calls_module(o))
		return false;
	if (mode != ALL && is_emulated() && calls_module(o) && !has_module)
		return false;
	for (guard = 0; guard < ARRAY_SIZE(o->fits); guard++)
		if (guard_fits(o, guard))
			return true;
	return false;
}

static void try_entry(struct tally *t, const char *path, const struct object *o,
		      const struct entry *entry)
{
	unsigned int families, guard;

	for (families = 1; families < 4; families++) {
		for (guard = 0; guard < ARRAY_SIZE(o->fits); guard++) {
			struct choice c = {
				.ipv4 = families & 1,
				.ipv6 = families & 2,
				.guard = guard,
				.module_id = has_module && calls_module(o),
			};

			if (family_fits(o, families) && guard_fits(o, guard))
				try_ways(t, path, o, entry, c);
		}
	}
}

static void check_object(const char *folder, const struct object *o)
{
	unsigned int i, loaded = 0, failed = 0, most = 0;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s.bpf.o", folder, o->name);
	for (i = 0; i < ARRAY_SIZE(entries); i++) {
		struct tally t = { 0 };

		t.turn = first_turn() + i + (unsigned int)(o - objects);
		try_entry(&t, path, o, &entries[i]);
		ksft_print_msg("%-24s %-12s %4u programs  at most %6u instructions: %s\n", o->name,
			       entries[i].name, t.loaded, t.most, t.dearest);
		loaded += t.loaded;
		failed += t.failed;
		most = t.most > most ? t.most : most;
	}
	if (most > INSTRUCTIONS_MAX)
		ksft_print_msg("more than %u instructions\n", INSTRUCTIONS_MAX);
	ksft_test_result(loaded && !failed && most <= INSTRUCTIONS_MAX,
			 "%s/%s: %u programs load, %u do not, at most %u instructions\n", folder,
			 o->name, loaded, failed, most);
}

static void choose_guards(void)
{
	enum meter_guard guard;

	for (guard = 0; guard < ARRAY_SIZE(takes_guard); guard++) {
		if (is_emulated())
			takes_guard[guard] = guard == kernel_guard();
		else
			takes_guard[guard] =
				guard != METER_GUARD_PREEMPT || kernel_has("bpf_preempt_disable");
	}
}

/* False: an option that there is not. */
static bool choose_mode(int argc, char **argv)
{
	int option;

	mode = getenv("FLOWGAUGE_ALL") ? ALL : SOME;
	while ((option = getopt(argc, argv, "adm")) != -1) {
		if (option == '?')
			return false;
		mode = option == 'a' ? ALL : option == 'd' ? DEAREST : DEAREST_OF_MODULE;
	}
	return true;
}

int main(int argc, char **argv)
{
	static char *by_default[] = { "build/bpf" };
	char **folders = by_default;
	unsigned int j, n_taken = 0;
	int n = 1, i;

	if (!choose_mode(argc, argv))
		return 2;
	if (optind < argc) {
		folders = argv + optind;
		n = argc - optind;
	}
	has_module = !access("/sys/kernel/btf/flow_sampler", F_OK);
	if (mode == DEAREST_OF_MODULE && !has_module)
		ksft_exit_skip("flow_sampler is not loaded\n");
	ksft_print_header();
	setbuf(stdout, NULL);
	libbpf_set_print(NULL);
	choose_guards();
	for (j = 0; j < ARRAY_SIZE(objects); j++)
		n_taken += is_taken(&objects[j]);
	ksft_set_plan(n * n_taken);
	for (i = 0; i < n; i++)
		for (j = 0; j < ARRAY_SIZE(objects); j++)
			if (is_taken(&objects[j]))
				check_object(folders[i], &objects[j]);
	ksft_finished();
}
