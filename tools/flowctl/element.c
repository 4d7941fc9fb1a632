// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A value whose length does not fit what its element says is shown in
 * hexadecimal: shortened numbers (RFC 7011 section 6.2) are numbers, a 5-octet
 * IPv4 address is none. Texts come from strangers: what is not printable
 * becomes a question mark.
 */
#include "element.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "flow/field.h"

enum { REVERSE_PEN = 29305 };

enum known_show { SHOW_UINT, SHOW_FLOAT, SHOW_IPV4, SHOW_IPV6, SHOW_STRING };

struct known_element {
	uint16_t number;
	uint16_t show; /* enum known_show */
	const char *name;
};

/* clang-format off */
/* Elements that only other exporters and options data have. */
static const struct known_element known[] = {
	{  34, SHOW_UINT,   "samplingInterval" },
	{  35, SHOW_UINT,   "samplingAlgorithm" },
	{  40, SHOW_UINT,   "exportedOctetTotalCount" },
	{  41, SHOW_UINT,   "exportedMessageTotalCount" },
	{  42, SHOW_UINT,   "exportedFlowRecordTotalCount" },
	{  49, SHOW_UINT,   "samplerMode" },
	{  50, SHOW_UINT,   "samplerRandomInterval" },
	{  82, SHOW_STRING, "interfaceName" },
	{  83, SHOW_STRING, "interfaceDescription" },
	{  84, SHOW_STRING, "samplerName" },
	{  94, SHOW_STRING, "applicationDescription" },
	{  96, SHOW_STRING, "applicationName" },
	{ 143, SHOW_UINT,   "meteringProcessId" },
	{ 144, SHOW_UINT,   "exportingProcessId" },
	{ 145, SHOW_UINT,   "templateId" },
	{ 164, SHOW_UINT,   "ignoredPacketTotalCount" },
	{ 165, SHOW_UINT,   "ignoredOctetTotalCount" },
	{ 166, SHOW_UINT,   "notSentFlowTotalCount" },
	{ 167, SHOW_UINT,   "notSentPacketTotalCount" },
	{ 168, SHOW_UINT,   "notSentOctetTotalCount" },
	{ 173, SHOW_UINT,   "flowKeyIndicator" },
	{ 236, SHOW_STRING, "VRFname" },
	{ 304, SHOW_UINT,   "selectorAlgorithm" },
	{ 305, SHOW_UINT,   "samplingPacketInterval" },
	{ 306, SHOW_UINT,   "samplingPacketSpace" },
	{ 307, SHOW_UINT,   "samplingTimeInterval" },
	{ 308, SHOW_UINT,   "samplingTimeSpace" },
	{ 309, SHOW_UINT,   "samplingSize" },
	{ 310, SHOW_UINT,   "samplingPopulation" },
	{ 311, SHOW_FLOAT,  "samplingProbability" },
	{ 318, SHOW_UINT,   "selectorIdTotalPktsObserved" },
	{ 319, SHOW_UINT,   "selectorIdTotalPktsSelected" },
	{ 335, SHOW_STRING, "selectorName" },
	{ 390, SHOW_UINT,   "flowSelectorAlgorithm" },
};

/* Scopes of version 9 (RFC 3954 section 6.1); they are no elements. */
static const char *const v9_scopes[] = {
	[1] = "scopeSystem", [2] = "scopeInterface", [3] = "scopeLineCard",
	[4] = "scopeCache", [5] = "scopeTemplate",
};
/* clang-format on */

static const struct known_element *find_known(uint16_t number)
{
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].number == number)
			return &known[i];
	return NULL;
}

static bool has_iana_number(const struct decode_element *e)
{
	return !e->pen || e->pen == REVERSE_PEN;
}

static const char *find_name(const struct decode_element *e, bool v9_scope)
{
	const struct field *f = field_by_element(e->pen == REVERSE_PEN ? 0 : e->pen, e->number);
	const struct known_element *k;

	if (v9_scope)
		return e->number < sizeof(v9_scopes) / sizeof(v9_scopes[0]) ? v9_scopes[e->number] :
									      NULL;
	if (f)
		return f->name;
	if (!has_iana_number(e))
		return NULL;
	k = find_known(e->number);
	return k ? k->name : NULL;
}

void element_name(const struct decode_element *e, bool v9_scope, char *name)
{
	const char *found = find_name(e, v9_scope);
	size_t n;

	if (!found && e->pen)
		snprintf(name, ELEMENT_NAME_SIZE, "pen%uelement%u", e->pen, e->number);
	else if (!found)
		snprintf(name, ELEMENT_NAME_SIZE, v9_scope ? "scope%u" : "element%u", e->number);
	else if (e->pen == REVERSE_PEN)
		snprintf(name, ELEMENT_NAME_SIZE, "reverse%c%s", toupper((unsigned char)*found),
			 found + 1);
	else
		snprintf(name, ELEMENT_NAME_SIZE, "%s", found);
	n = strlen(name);
	if (e->repeat)
		snprintf(name + n, ELEMENT_NAME_SIZE - n, "_%u", e->repeat + 1u);
}

static uint64_t load(const struct decode_value *v)
{
	uint64_t number = 0;
	uint32_t i;

	for (i = 0; i < v->length; i++)
		number = number << 8 | v->data[i];
	return number;
}

static void put_hex(const struct decode_value *v, char *text)
{
	uint32_t length = v->length < ELEMENT_OCTETS_MAX ? v->length : ELEMENT_OCTETS_MAX;
	size_t n = (size_t)sprintf(text, "0x");
	uint32_t i;

	for (i = 0; i < length; i++)
		n += (size_t)sprintf(text + n, "%02x", v->data[i]);
	if (length < v->length)
		sprintf(text + n, "...");
}

static void put_printable(const struct decode_value *v, char *text)
{
	uint32_t i;

	for (i = 0; i < v->length && i < ELEMENT_OCTETS_MAX && v->data[i]; i++)
		text[i] = isprint(v->data[i]) ? (char)v->data[i] : '?';
	text[i] = '\0';
}

static bool put_number(const struct decode_value *v, char *text)
{
	if (!v->length || v->length > 8) {
		put_hex(v, text);
		return false;
	}
	sprintf(text, "%" PRIu64, load(v));
	return true;
}

/* A float64, or shortened to a float32; what is no number in JSON is none here. */
static bool put_float(const struct decode_value *v, char *text)
{
	uint64_t bits = load(v);
	uint32_t low = (uint32_t)bits;
	double number = 0;
	float single;

	if (v->length == sizeof(number)) {
		memcpy(&number, &bits, sizeof(number));
	} else if (v->length == sizeof(single)) {
		memcpy(&single, &low, sizeof(single));
		number = single;
	} else {
		put_hex(v, text);
		return false;
	}
	sprintf(text, "%.9g", number);
	return isfinite(number);
}

static bool put_known(const struct known_element *k, const struct decode_value *v, char *text)
{
	switch (k->show) {
	case SHOW_IPV4:
		if (v->length != 4)
			break;
		inet_ntop(AF_INET, v->data, text, ELEMENT_TEXT_SIZE);
		return false;
	case SHOW_IPV6:
		if (v->length != 16)
			break;
		inet_ntop(AF_INET6, v->data, text, ELEMENT_TEXT_SIZE);
		return false;
	case SHOW_STRING:
		put_printable(v, text);
		return false;
	case SHOW_FLOAT:
		return put_float(v, text);
	default:
		return put_number(v, text);
	}
	put_hex(v, text);
	return false;
}

bool element_text(const struct decode_element *e, bool v9_scope, const struct decode_value *v,
		  char *text)
{
	const struct known_element *k;
	const struct field *f;

	if (v9_scope)
		return put_number(v, text);
	f = field_by_element(e->pen == REVERSE_PEN ? 0 : e->pen, e->number);
	if (f && field_is_number(f))
		return put_number(v, text);
	if (f && v->length <= ELEMENT_OCTETS_MAX) {
		field_format(f, v->data, v->length, text, ELEMENT_TEXT_SIZE);
		return false;
	}
	k = has_iana_number(e) ? find_known(e->number) : NULL;
	if (k)
		return put_known(k, v, text);
	put_hex(v, text);
	return false;
}
