/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Run a command's function in a process of its own and keep what it prints.
 */
#ifndef TESTS_UNIT_CAPTURE_H
#define TESTS_UNIT_CAPTURE_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct capture {
	pid_t pid;
	FILE *out_file, *err_file;
	int exit_code; /* -1: it did not exit by itself */
	char out[65536];
	char err[16384];
};

static void capture_start(struct capture *c, int (*run)(int argc, char **argv), int argc,
			  char **argv)
{
	memset(c, 0, sizeof(*c));
	c->out_file = tmpfile();
	c->err_file = tmpfile();
	if (!c->out_file || !c->err_file)
		abort();
	fflush(stdout);
	c->pid = fork();
	if (c->pid)
		return;
	alarm(20);
	dup2(fileno(c->out_file), STDOUT_FILENO);
	dup2(fileno(c->err_file), STDERR_FILENO);
	exit(run(argc, argv));
}

static void capture_read(FILE *f, char *text, size_t size)
{
	ssize_t n = pread(fileno(f), text, size - 1, 0);

	text[n > 0 ? n : 0] = '\0';
}

/* What was printed so far. */
static void capture_peek(struct capture *c)
{
	capture_read(c->out_file, c->out, sizeof(c->out));
	capture_read(c->err_file, c->err, sizeof(c->err));
}

static void capture_wait(struct capture *c)
{
	int status = 0;

	waitpid(c->pid, &status, 0);
	c->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
	capture_peek(c);
	fclose(c->out_file);
	fclose(c->err_file);
}

#endif
