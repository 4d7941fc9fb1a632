/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The modes of the configuration language, each opened by a header.
 */
#ifndef FLOWGAUGE_CONFIG_MODE_H
#define FLOWGAUGE_CONFIG_MODE_H

/* Where a statement stands: below which header. */
enum config_mode {
	CONFIG_GLOBAL, /* below none: the headers themselves */
	CONFIG_RECORD,
	CONFIG_EXPORTER,
	CONFIG_SAMPLER,
	CONFIG_APPLICATION,
	CONFIG_MONITOR,
	CONFIG_INTERFACE,
	CONFIG_MODE_MAX,
	CONFIG_ANYWHERE = CONFIG_MODE_MAX,
};

/* The words of a header: "flow monitor"; "" for CONFIG_GLOBAL. */
const char *command_mode_name(enum config_mode mode);

#endif
