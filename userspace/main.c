// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * flowgauged: options, the engine, the loop, and the end.
 *
 * A timer turns the engine every 10 ms; the sweep and rtnetlink wake it before
 * its time. SIGHUP reads the configuration again (whole or not at all),
 * SIGTERM ends every flow and sends it; what cannot be sent within ten seconds
 * stays queued for the next agent. The programs stay attached and go on
 * counting: --remove takes them away.
 */
#include <errno.h>
#include <getopt.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <uv.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/commit.h"
#include "control/control.h"
#include "engine/engine.h"

#define DEFAULT_RUN_DIR "/run/flowgauge"
#define DEFAULT_STATE_DIR "/var/lib/flowgauge"

enum { TURN_MS = 10, STOP_MS = 10000 };

struct options {
	const char *config;
	const char *run_dir;
	const char *pin_dir;
	const char *state_dir; /* NULL: as run_dir has it */
	uint32_t table_flows, attachments;
	bool foreground, check, remove, debug;
};

struct agent {
	struct options options;
	struct engine *engine;
	struct commits *commits;
	struct control *control;
	uv_loop_t loop;
	uv_timer_t timer;
	uv_poll_t sweep, links;
	uv_signal_t sigterm, sigint, sighup;
	uint64_t stop_by_ns; /* 0: runs */
	bool reloading;
	uint64_t reload_ticket;
};

static const char usage[] =
	"usage: flowgauged [OPTIONS]\n"
	"  -c, --config FILE   what to meter and where to send it (/etc/flowgauge/flowgauge.conf)\n"
	"      --run-dir DIR   control socket and state, on tmpfs (/run/flowgauge)\n"
	"      --state-dir DIR what was committed (/var/lib/flowgauge; below --run-dir, if given)\n"
	"      --pin-dir DIR   pins, on bpffs (/sys/fs/bpf/flowgauge)\n"
	"      --table-flows N flows a CPU counts between two sweeps (65536)\n"
	"      --attachments N interfaces times directions at a time (512)\n"
	"      --foreground    stay in the foreground, messages to standard error\n"
	"      --check         check the configuration and exit\n"
	"      --remove        detach everything, remove the pins and exit\n"
	"      --debug         more messages\n"
	"  -h, --help\n";

static int parse_number(const char *option, const char *text, uint32_t min, uint32_t max,
			uint32_t *number)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (!*text || *end || n < min || n > max) {
		fprintf(stderr, "flowgauged: %s %s: must be %u to %u\n", option, text, min, max);
		return -EINVAL;
	}
	*number = (uint32_t)n;
	return 0;
}

static int parse_options(int argc, char **argv, struct options *o)
{
	enum {
		RUN_DIR = 256,
		STATE_DIR,
		PIN_DIR,
		TABLE_FLOWS,
		ATTACHMENTS,
		FOREGROUND,
		CHECK,
		REMOVE,
		DEBUG
	};
	static const struct option options[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "run-dir", required_argument, NULL, RUN_DIR },
		{ "state-dir", required_argument, NULL, STATE_DIR },
		{ "pin-dir", required_argument, NULL, PIN_DIR },
		{ "table-flows", required_argument, NULL, TABLE_FLOWS },
		{ "attachments", required_argument, NULL, ATTACHMENTS },
		{ "foreground", no_argument, NULL, FOREGROUND },
		{ "check", no_argument, NULL, CHECK },
		{ "remove", no_argument, NULL, REMOVE },
		{ "debug", no_argument, NULL, DEBUG },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case RUN_DIR:
			o->run_dir = optarg;
			break;
		case STATE_DIR:
			o->state_dir = optarg;
			break;
		case PIN_DIR:
			o->pin_dir = optarg;
			break;
		case TABLE_FLOWS:
			if (parse_number("--table-flows", optarg, 64, 16777216, &o->table_flows))
				return 2;
			break;
		case ATTACHMENTS:
			if (parse_number("--attachments", optarg, 1, ATTACHMENT_MAX - 1,
					 &o->attachments))
				return 2;
			break;
		case FOREGROUND:
			o->foreground = true;
			break;
		case CHECK:
			o->check = true;
			break;
		case REMOVE:
			o->remove = true;
			break;
		case DEBUG:
			o->debug = true;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind < argc) {
		fprintf(stderr, "flowgauged: unexpected argument '%s'\n%s", argv[optind], usage);
		return 2;
	}
	return 0;
}

static int check_config(const struct options *o)
{
	struct config *config;
	struct error err;

	if (config_load(&config, o->config, &err)) {
		fprintf(stderr, "flowgauged: %s\n", err.text);
		return 1;
	}
	config_free(config);
	printf("%s: ok\n", o->config);
	return 0;
}

static int remove_all(const struct options *o)
{
	struct error err;
	int ret = meter_remove(o->pin_dir, &err);

	if (ret)
		fprintf(stderr, "flowgauged: %s\n", err.text);
	return ret ? 1 : 0;
}

/* The new configuration begins with the counts that the old one can still claim. */
static void turn_reload(struct agent *a)
{
	struct error err;

	if (!a->reloading || !engine_sweep_finished(a->engine, a->reload_ticket))
		return;
	a->reloading = false;
	if (commits_reload(a->commits, &err))
		log_error("configuration not changed: %s", err.text);
	else
		log_info("%s: configuration applied", a->options.config);
}

static void turn(struct agent *a)
{
	uint64_t now_ns = clock_mono_ns();

	engine_step(a->engine, now_ns);
	turn_reload(a);
	commits_turn(a->commits, now_ns);
	control_turn(a->control, now_ns);
	if (!a->stop_by_ns)
		return;
	if (!engine_stopped(a->engine) && now_ns < a->stop_by_ns)
		return;
	if (!engine_stopped(a->engine))
		log_warning("not everything could be sent: the next agent goes on with it");
	uv_stop(&a->loop);
}

static void on_timer(uv_timer_t *timer)
{
	turn(timer->data);
}

static void on_sweep(uv_poll_t *poll, int status, int events)
{
	turn(poll->data);
}

static void on_links(uv_poll_t *poll, int status, int events)
{
	struct agent *a = poll->data;

	/* rtnetlink overran: there was more news than fits, and libuv has given the socket up */
	if (status < 0)
		uv_poll_start(poll, UV_READABLE, on_links);
	engine_links_changed(a->engine);
}

static void on_stop(uv_signal_t *handle, int signum)
{
	struct agent *a = handle->data;

	if (a->stop_by_ns) { /* a second time: at once */
		uv_stop(&a->loop);
		return;
	}
	a->stop_by_ns = clock_mono_ns() + STOP_MS * NSEC_PER_MSEC;
	engine_stop(a->engine);
}

static void on_reload(uv_signal_t *handle, int signum)
{
	struct agent *a = handle->data;

	a->reloading = true;
	a->reload_ticket = engine_sweep_request(a->engine);
}

static void start_handles(struct agent *a)
{
	uv_timer_init(&a->loop, &a->timer);
	uv_poll_init(&a->loop, &a->sweep, engine_sweep_fd(a->engine));
	uv_poll_init(&a->loop, &a->links, engine_links_fd(a->engine));
	uv_signal_init(&a->loop, &a->sigterm);
	uv_signal_init(&a->loop, &a->sigint);
	uv_signal_init(&a->loop, &a->sighup);
	a->timer.data = a->sweep.data = a->links.data = a;
	a->sigterm.data = a->sigint.data = a->sighup.data = a;
	uv_timer_start(&a->timer, on_timer, TURN_MS, TURN_MS);
	uv_poll_start(&a->sweep, UV_READABLE, on_sweep);
	uv_poll_start(&a->links, UV_READABLE, on_links);
	uv_signal_start(&a->sigterm, on_stop, SIGTERM);
	uv_signal_start(&a->sigint, on_stop, SIGINT);
	uv_signal_start(&a->sighup, on_reload, SIGHUP);
}

/* What an earlier boot left there would be taken up as this one's. */
static int make_run_dir(const struct options *o, struct error *err)
{
	bool made = !mkdir(o->run_dir, 0755);
	struct statfs fs;

	if (!made && errno != EEXIST)
		return error_set(err, -errno, "%s: cannot create: %s", o->run_dir, strerror(errno));
	if (statfs(o->run_dir, &fs))
		return error_set(err, -errno, "%s: %s", o->run_dir, strerror(errno));
	if ((unsigned long)fs.f_type == TMPFS_MAGIC || (unsigned long)fs.f_type == RAMFS_MAGIC)
		return 0;
	if (made)
		rmdir(o->run_dir);
	return error_set(err, -EINVAL,
			 "run directory %s is not on a tmpfs: give one under /run or /dev/shm with "
			 "--run-dir",
			 o->run_dir);
}

/* The place is right, and it is the disk that is not. */
static bool is_disk_error(int code)
{
	return code == -ENOSPC || code == -EDQUOT || code == -EROFS || code == -EIO;
}

/*
 * Agents that run side by side differ in --run-dir: they must not share a history.
 * One that lacks the usual place for it (a unit of an earlier version does not
 * make it), or whose disk takes nothing, meters all the same.
 */
static int open_commits(struct agent *a, struct error *err)
{
	const struct options *o = &a->options;
	const char *dir = o->state_dir;
	char path[512];
	int ret;

	if (!dir && !strcmp(o->run_dir, DEFAULT_RUN_DIR))
		dir = DEFAULT_STATE_DIR;
	if (dir) {
		ret = commits_open(&a->commits, o->config, dir, err);
		if (!ret || ret == -EBUSY || (o->state_dir && !is_disk_error(ret)))
			return ret;
		log_warning("%s; until a reboot it is in %s/history", err->text, o->run_dir);
	}
	snprintf(path, sizeof(path), "%s/history", o->run_dir);
	return commits_open(&a->commits, o->config, path, err);
}

static int start(struct agent *a, struct error *err)
{
	const struct engine_params params = {
		.pin_dir = a->options.pin_dir,
		.run_dir = a->options.run_dir,
		.table_flows = a->options.table_flows,
		.eviction_flows = a->options.table_flows / 2,
		.attachments = a->options.attachments,
	};
	struct config *config;
	char path[512];
	int ret;

	/* before anything is touched */
	ret = config_load(&config, a->options.config, err);
	if (ret)
		return ret;
	config_free(config);
	ret = make_run_dir(&a->options, err);
	if (ret)
		return ret;
	ret = open_commits(a, err);
	if (ret)
		return ret;
	ret = engine_create(&a->engine, &params, err);
	if (ret)
		goto err_commits;
	ret = commits_start(a->commits, a->engine, err);
	if (ret)
		goto err_engine;
	uv_loop_init(&a->loop);
	snprintf(path, sizeof(path), "%s/control.sock", a->options.run_dir);
	ret = control_create(&a->control, &a->loop, a->engine, a->commits, path, err);
	if (ret)
		goto err_engine;
	start_handles(a);
	return 0;

err_engine:
	engine_destroy(a->engine);
err_commits:
	commits_close(a->commits);
	return ret;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
	if (!uv_is_closing(handle))
		uv_close(handle, NULL);
}

static void finish(struct agent *a)
{
	control_destroy(a->control);
	uv_walk(&a->loop, close_handle, NULL);
	uv_run(&a->loop, UV_RUN_DEFAULT);
	uv_loop_close(&a->loop);
	engine_destroy(a->engine);
	commits_close(a->commits);
}

/* The parent stays until the child runs or has failed, so that its exit code is the truth. */
static int detach_from_terminal(int *ready_fd)
{
	char answer = 1;
	int fds[2];
	pid_t pid;

	if (pipe(fds))
		return -errno;
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid) {
		close(fds[1]);
		if (read(fds[0], &answer, 1) != 1)
			answer = 1;
		_exit(answer);
	}
	close(fds[0]);
	setsid();
	*ready_fd = fds[1];
	return 0;
}

static void tell_parent(int ready_fd)
{
	const char done = 0;

	if (ready_fd < 0)
		return;
	if (write(ready_fd, &done, 1) != 1)
		return;
	close(ready_fd);
	log_to_syslog();
	if (!freopen("/dev/null", "r", stdin) || !freopen("/dev/null", "w", stdout) ||
	    !freopen("/dev/null", "w", stderr))
		return;
}

int main(int argc, char **argv)
{
	static struct agent agent = {
		.options = {
			.config = CONFIG_DEFAULT_FILE,
			.run_dir = DEFAULT_RUN_DIR,
			.pin_dir = "/sys/fs/bpf/flowgauge",
			.table_flows = 65536,
			.attachments = 512,
		},
	};
	struct options *o = &agent.options;
	int ready_fd = -1, ret;
	struct error err;

	ret = parse_options(argc, argv, o);
	if (ret)
		return ret;
	log_setup(o->debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO, getenv("JOURNAL_STREAM") != NULL);
	if (o->check)
		return check_config(o);
	if (o->remove)
		return remove_all(o);
	if (!o->foreground && detach_from_terminal(&ready_fd))
		return 1;
	signal(SIGPIPE, SIG_IGN);
	if (start(&agent, &err)) {
		log_error("%s", err.text);
		return 1;
	}
	log_info("running: configuration %s, control socket %s/control.sock", o->config,
		 o->run_dir);
	tell_parent(ready_fd);
	uv_run(&agent.loop, UV_RUN_DEFAULT);
	finish(&agent);
	return 0;
}
