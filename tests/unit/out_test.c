// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text and JSON from one call: nesting, commas, escapes, hostile strings, and
 * a reader that goes away.
 */
#include "base/out.h"

#include <string.h>

#include "kselftest_harness.h"

struct sink {
	char data[65536];
	size_t n;
	bool gone;
};

static bool take(void *ctx, const char *data, size_t n)
{
	struct sink *s = ctx;

	if (s->gone || s->n + n >= sizeof(s->data))
		return false;
	memcpy(s->data + s->n, data, n);
	s->n += n;
	s->data[s->n] = 0;
	return true;
}

static void make_document(struct out *o)
{
	out_object(o, NULL);
	out_string(o, "name", "name %s\n", "a\"b\\c\n\x01");
	out_uint(o, "n", "n %llu\n", 18446744073709551615ull);
	out_array(o, "list");
	out_uint(o, NULL, NULL, 1);
	out_uint(o, NULL, NULL, 2);
	out_array_end(o);
	out_object(o, "empty");
	out_object_end(o);
	out_bool(o, "yes", "yes\n", true);
	out_bool(o, "no", "no\n", false);
	out_raw(o, "raw", "1.5");
	out_text(o, "end\n");
	out_object_end(o);
	out_end(o);
}

FIXTURE(out)
{
	struct sink sink;
	struct out out;
};

FIXTURE_SETUP(out)
{
}

FIXTURE_TEARDOWN(out)
{
}

TEST_F(out, text_does_nothing_to_a_terminal)
{
	static const char hostile[] =
		"m\x1b]0;x\a \x7f \xc2\x9b[m \x9b \xc3\xa4\t\xe2\x82\xac \xc3";

	out_init(&self->out, OUT_TEXT, take, &self->sink);
	out_string(&self->out, NULL, "%s\n", hostile);
	out_text(&self->out, "%s input\n", "i\x1b[31m");
	out_end(&self->out);
	EXPECT_STREQ("m?]0;x? ? ??[m ? \xc3\xa4\t\xe2\x82\xac ?\ni?[31m input\n", self->sink.data);
}

TEST_F(out, json_on_one_line)
{
	out_init(&self->out, OUT_JSON, take, &self->sink);
	make_document(&self->out);
	EXPECT_STREQ("{\"name\":\"a\\\"b\\\\c\\u000a\\u0001\",\"n\":18446744073709551615,"
		     "\"list\":[1,2],\"empty\":{},\"yes\":true,\"no\":false,\"raw\":1.5}\n",
		     self->sink.data);
}

TEST_F(out, text_of_the_same_calls)
{
	out_init(&self->out, OUT_TEXT, take, &self->sink);
	make_document(&self->out);
	EXPECT_STREQ("name a\"b\\c\n?\nn 18446744073709551615\nyes\nend\n", self->sink.data);
}

TEST_F(out, pretty_is_indented)
{
	out_init(&self->out, OUT_JSON_PRETTY, take, &self->sink);
	out_object(&self->out, NULL);
	out_array(&self->out, "a");
	out_uint(&self->out, NULL, NULL, 1);
	out_array_end(&self->out);
	out_object_end(&self->out);
	out_end(&self->out);
	EXPECT_STREQ("{\n  \"a\": [\n    1\n  ]\n}\n", self->sink.data);
}

TEST_F(out, invalid_utf8_is_replaced)
{
	out_init(&self->out, OUT_JSON, take, &self->sink);
	out_string(&self->out, NULL, NULL, "\xc3\xa4\xff\xc3");
	out_end(&self->out);
	EXPECT_STREQ("\"\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\"\n", self->sink.data);
}

TEST_F(out, longer_than_the_buffer)
{
	int i;

	out_init(&self->out, OUT_JSON, take, &self->sink);
	out_array(&self->out, NULL);
	for (i = 0; i < 10000; i++)
		out_uint(&self->out, NULL, NULL, 7);
	out_array_end(&self->out);
	EXPECT_TRUE(out_end(&self->out));
	EXPECT_EQ(20002, self->sink.n);
}

TEST_F(out, reader_goes_away)
{
	int i;

	out_init(&self->out, OUT_JSON, take, &self->sink);
	self->sink.gone = true;
	out_array(&self->out, NULL);
	for (i = 0; i < 10000; i++)
		out_uint(&self->out, NULL, NULL, 7);
	out_array_end(&self->out);
	EXPECT_FALSE(out_end(&self->out));
	EXPECT_EQ(0, self->sink.n);
}

TEST_HARNESS_MAIN
