// SPDX-License-Identifier: GPL-2.0-only
/*
 * The compact meter with one increment taken out: flows do not count packets.
 * The conservation test must find out.
 */
#define FLOWGAUGE_BREAK_COUNT
#include "meter.bpf.c"
