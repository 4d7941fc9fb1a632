/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What flowctl and flowgauged say to each other over control.sock (a stream
 * socket, one request a connection). Both are of one build: integers are in
 * host order.
 *
 * Request: a struct control_frame of type CONTROL_REQUEST whose payload is
 * NUL-terminated words: the output mode ("text", "json", "pretty"), then the
 * command ("monitor", "show", "EDGE"); where the command takes a body (a
 * configuration to load), an empty word and then the body follow.
 *
 * Answer: any number of frames, the last of type CONTROL_END.
 */
#ifndef FLOWGAUGE_BASE_CONTROL_WIRE_H
#define FLOWGAUGE_BASE_CONTROL_WIRE_H

#include <stdint.h>

enum {
	CONTROL_CONFIG_MAX = 4 * 1024 * 1024, /* octets of a configuration, in a file too */
	CONTROL_REQUEST_MAX = CONTROL_CONFIG_MAX + 65536, /* octets of a request's payload */
	CONTROL_FRAME_MAX = 256 * 1024,                   /* octets of an answer frame's payload */
	CONTROL_WORDS_MAX = 64,
	CONTROL_VERSION = 2,
};

enum control_type {
	CONTROL_REQUEST = 1,
	CONTROL_OUTPUT, /* text for standard output, as it is */
	CONTROL_MONITOR, /* flow dump: struct control_monitor, then the record's field symbols, comma-separated, NUL */
	CONTROL_FLOWS, /* flow dump: an array of struct flow of the monitor named last */
	CONTROL_END, /* struct control_end, then a message for standard error (NUL; may be empty) */
	CONTROL_APPLICATIONS, /* flow dump: an array of struct control_application, by id; further ones go on */
};

struct control_frame {
	uint16_t type;
	uint16_t version;
	uint32_t length; /* of the payload that follows */
};

struct control_monitor {
	char monitor[64];
	char record[64];
	uint64_t mono_ns; /* the clocks at one instant, and the uptime's base: struct field_clock */
	uint64_t unix_ns;
	uint64_t base_ns;
};

struct control_application {
	uint32_t id; /* as flows have it */
	char name[24];
};

struct control_end {
	uint32_t exit_code; /* 0 done, 1 failed, 2 wrong words */
};

#endif
