// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The candidate is written to a file of the user's own, edited there, and
 * checked here before it goes back, so that an error can be corrected at once.
 * The agent takes it only if nobody else changed the candidate meanwhile: it is
 * told the hash of what was edited.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "client.h"
#include "config.h"
#include "config/config.h"

static const char template[] = "/flowgauge-XXXXXX.conf";
static const char editor[] = "${VISUAL:-${EDITOR:-$(command -v editor || echo vi)}} \"$1\"";

static int write_temporary(const char *text, char path[], size_t size, struct error *err)
{
	const char *dir = getenv("TMPDIR");
	FILE *f;
	int fd;

	if ((size_t)snprintf(path, size, "%s%s", dir ? dir : "/tmp", template) >= size)
		return error_set(err, -ENAMETOOLONG, "%s: too long", dir);
	fd = mkstemps(path, (int)strlen(".conf"));
	f = fd < 0 ? NULL : fdopen(fd, "w");
	if (!f)
		return error_set(err, -errno, "%s: %s", path, strerror(errno));
	fputs(text, f);
	if (ferror(f) | fclose(f)) {
		unlink(path);
		return error_set(err, -EIO, "%s: cannot write: %s", path, strerror(errno));
	}
	return 0;
}

static int run_editor(const char *path, struct error *err)
{
	int status = -1;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", editor, "sh", path, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return error_set(err, -errno, "cannot start an editor: %s", strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return error_set(
			err, -ECANCELED,
			"the editor failed (set VISUAL or EDITOR to one): nothing is changed");
	return 0;
}

/* Whether to edit again; at the end of the input, or with q, not. */
static bool ask_again(void)
{
	char answer[64];

	fprintf(stderr, "e to edit it again, q to leave the candidate as it was: ");
	while (fgets(answer, sizeof(answer), stdin)) {
		if (*answer == 'e')
			return true;
		if (*answer == 'q')
			return false;
		fprintf(stderr, "e or q: ");
	}
	return false;
}

static bool is_right(const char *path)
{
	struct config *config = NULL;
	struct error err = { 0 };

	if (config_load(&config, path, &err)) {
		client_fail(&err);
		return false;
	}
	config_free(config);
	return true;
}

static int send_back(const struct args *a, const char *path, const char *was, struct error *err)
{
	char hash[20];
	const char *words[] = { "config", "load", path, "was", hash };
	struct client_request r = { .words = words, .n_words = 5 };
	char *text = NULL;
	int ret;

	snprintf(hash, sizeof(hash), "%016" PRIx64, XXH64(was, strlen(was), 0));
	ret = config_read_file(path, &text, &r.body_length, err);
	if (ret)
		return ret;
	r.body = text;
	if (!strcmp(text, was))
		printf("nothing was changed\n");
	else
		ret = client_ask(a, &r, err);
	free(text);
	return ret;
}

static int edit_file(const struct args *a, const char *path, const char *was, struct error *err)
{
	int ret;

	do {
		ret = run_editor(path, err);
		if (ret)
			return ret;
		if (is_right(path))
			return send_back(a, path, was, err);
	} while (ask_again());
	return error_set(err, -ECANCELED, "nothing is changed");
}

int config_command_edit(const struct args *a)
{
	static const char *const words[] = { "config", "show", "candidate" };
	struct error err = { 0 };
	char path[4096];
	char *text;
	size_t length;
	int ret;

	ret = client_fetch(a, words, 3, &text, &length, &err);
	if (!ret)
		ret = write_temporary(text, path, sizeof(path), &err);
	if (!ret) {
		ret = edit_file(a, path, text, &err);
		unlink(path);
	}
	free(text);
	return ret < 0 ? client_fail(&err) : ret;
}
