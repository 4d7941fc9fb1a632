// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any octets as messages for the decoder. The first octet picks one of the
 * hand-made examples, which the decoder sees first: so it has templates, and a
 * sequence to expect. A corpus that is empty begins with those examples too.
 * Every record is formatted, as flowctl listen does.
 */
#include <stddef.h>
#include <stdint.h>

#include "flow/field.h"
#include "unit/decode_examples.h"

#include "../../tools/flowctl/decode.c"
#include "../../tools/flowctl/decode_ipfix.c"
#include "../../tools/flowctl/decode_session.c"
#include "../../tools/flowctl/decode_set.c"
#include "../../tools/flowctl/decode_v5.c"
#include "../../tools/flowctl/decode_v9.c"
#include "../../tools/flowctl/element.c"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed);

static void take_record(void *ctx, const struct decode_message *m, const struct decode_template *t,
			const struct decode_value *values)
{
	char name[ELEMENT_NAME_SIZE];
	char text[ELEMENT_TEXT_SIZE];
	uint16_t i;

	for (i = 0; i < t->n_elements; i++) {
		element_name(&t->elements[i], t->options && i < t->n_scope, name);
		element_text(&t->elements[i], t->options && i < t->n_scope, &values[i], text);
		if (strlen(name) >= sizeof(name) || strlen(text) >= sizeof(text))
			abort();
	}
}

static void ignore_template(void *ctx, const struct decode_message *m,
			    const struct decode_template *t)
{
}

static void take_warning(void *ctx, const struct decode_message *m, const char *text)
{
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct decode_handler handler = { take_record, ignore_template, take_warning,
						       NULL };
	struct message messages[MESSAGES_MAX];
	const struct example *e;
	struct decoder *d;
	int n;
	int i;

	if (!size)
		return 0;
	e = &examples[data[0] % EXAMPLES];
	d = decoder_create(&handler);
	n = write_messages(e->messages, messages);
	for (i = 0; i < n; i++)
		decoder_message(d, peer_of(e), messages[i].data, messages[i].n);
	decoder_message(d, peer_of(e), data + 1, size - 1);
	decoder_message(d, peer_of(e), data + 1, size - 1);
	if (d->n_sessions > DECODE_EXPORTERS_MAX || d->n_templates > DECODE_TEMPLATES_MAX)
		abort();
	decoder_destroy(d);
	return 0;
}

/* Now and then a mutant begins with an example rather than with what was found so far. */
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned int seed)
{
	struct message messages[MESSAGES_MAX];
	const struct message *m;

	if (seed % 16 && size > 2)
		return LLVMFuzzerMutate(data, size, max_size);
	m = &messages[write_messages(examples[seed / 16 % EXAMPLES].messages, messages) - 1];
	if (m->n + 1 > max_size)
		return LLVMFuzzerMutate(data, size, max_size);
	data[0] = (uint8_t)(seed / 16 % EXAMPLES);
	memcpy(data + 1, m->data, m->n);
	return LLVMFuzzerMutate(data, m->n + 1, max_size);
}
