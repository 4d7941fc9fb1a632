/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The meter's samplers, and who decides for them: its programs by themselves,
 * or flow_sampler.ko.
 */
#ifndef FLOWGAUGE_METER_SAMPLING_H
#define FLOWGAUGE_METER_SAMPLING_H

#include "base/error.h"
#include "meter/meter.h"

/* Take up or create the samplers. Errors as meter_open. */
int sampling_open(struct meter *m, struct error *err);
void sampling_close(struct meter *m);
/* Once it is known which programs are there: settle with the module what was left behind. */
void sampling_adopt(struct meter *m);

/* Are the takers of @spec such that programs can be made for them? */
int sampling_check(const struct meter *m, const struct meter_attach *spec, struct error *err);
/* Before a program is made for @spec: look for the module, and have it know the samplers. */
void sampling_prepare(struct meter *m, const struct meter_attach *spec);
/* Note what the module has counted: after a program went, it may go, too. */
void sampling_note(struct meter *m);
/* Free the samplers that no generation can hold any more. */
void sampling_forget(struct meter *m);

#endif
