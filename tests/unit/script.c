/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unit/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static size_t line_len(const char *line)
{
	return strcspn(line, "\n");
}

static void next_line(struct script *script)
{
	script->at += line_len(script->at);
	script->at += *script->at == '\n';
	script->within = 0;
}

static bool is_marker(const struct script *script, const char *word)
{
	return line_len(script->at) == strlen(word) &&
	       !strncmp(script->at, word, strlen(word));
}

/* The byte of the line `who` at `within`, its CRLF included; -1: the line is over. */
static int byte_at(const char *line, size_t within)
{
	size_t len = line_len(line) - 3;

	if (within < len)
		return (unsigned char)line[3 + within];
	return within == len ? '\r' : within == len + 1 ? '\n' : -1;
}

static ssize_t script_read(struct transport *t, void *bytes, size_t size,
			   struct error *err)
{
	struct script *script = (struct script *)t;
	char *out = bytes;
	size_t n = 0;

	script->waits += script->wrote;
	script->wrote = false;
	while (n < size && n < script->step && !strncmp(script->at, "S: ", 3)) {
		int byte = byte_at(script->at, script->within++);

		if (byte < 0)
			next_line(script);
		else
			out[n++] = (char)byte;
	}
	if (n == 0 && is_marker(script, "CLOSE"))
		return 0;
	if (n == 0) {
		print_error("the client waits, but the dialogue goes on with: %.60s\n", script->at);
		error_set(err, ERROR_NETWORK, "the dialogue is over");
		fail();
	}
	return (ssize_t)n;
}

static bool script_write(struct transport *t, const void *bytes, size_t len,
			 struct error *err)
{
	struct script *script = (struct script *)t;
	const char *in = bytes;

	if (!strncmp(script->at, "S: ", 3) && byte_at(script->at, script->within) < 0)
		next_line(script);
	if (is_marker(script, "FAIL")) {
		next_line(script);
		return error_set(err, ERROR_NETWORK, "broken pipe");
	}
	script->wrote = true;
	for (size_t i = 0; i < len; i++) {
		if (strncmp(script->at, "C: ", 3) != 0 ||
		    byte_at(script->at, script->within) != (unsigned char)in[i]) {
			print_error("the client said: %.*s\nthe dialogue has: %.60s\n",
				    (int)(len - i), in + i, script->at);
			fail();
		}
		script->within++;
		if (byte_at(script->at, script->within) < 0)
			next_line(script);
	}
	return true;
}

static bool script_start_tls(struct transport *t, struct error *err)
{
	struct script *script = (struct script *)t;

	(void)err;
	if (byte_at(script->at, script->within) < 0)
		next_line(script);
	assert_true(is_marker(script, "TLS"));
	next_line(script);
	script->waits++;
	t->is_secret = true;
	t->tls = "TLS1.3";
	return true;
}

static void script_close(struct transport *t)
{
	((struct script *)t)->is_closed = true;
}

void script_init(struct script *script, const char *dialogue, size_t step)
{
	*script = (struct script){
		.transport = {
			.read = script_read,
			.write = script_write,
			.start_tls = script_start_tls,
			.close = script_close,
		},
		.at = dialogue,
		.step = step,
	};
}

bool script_is_over(const struct script *script)
{
	const char *at = script->at;

	if (!strncmp(at, "S: ", 3) && byte_at(at, script->within) < 0)
		at += line_len(at) + (at[line_len(at)] == '\n');
	if (!strncmp(at, "CLOSE", 5))
		return true;
	return !*at;
}
