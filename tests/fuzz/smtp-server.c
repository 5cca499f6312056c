/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as what a client says: replies are replies, however the bytes are cut into
 * pieces; as many messages are taken as are said to be; none is larger than allowed. The first
 * byte says how strict the server is.
 */
#include "fuzz.h"

#include <string.h>

#include "smtp/server.h"

enum { MOST = 4000, SAID_MAX = 64 * 1024 * 1024 };

struct tape {
	struct transport transport;	/* first */
	const uint8_t *in;
	size_t len, at, step;
	struct buf out;
};

static ssize_t tape_read(struct transport *t, void *bytes, size_t size, struct error *err)
{
	struct tape *tape = (struct tape *)t;
	size_t n = tape->len - tape->at;

	(void)err;
	n = n < tape->step ? n : tape->step;
	n = n < size ? n : size;
	memcpy(bytes, tape->in + tape->at, n);
	tape->at += n;
	return (ssize_t)n;
}

static bool tape_write(struct transport *t, const void *bytes, size_t len, struct error *err)
{
	(void)err;
	buf_add_bytes(&((struct tape *)t)->out, bytes, len);
	return true;
}

struct taker {
	struct server_taker taker;	/* first */
	size_t taken;
};

static bool take_sender(struct server_taker *t, const char *mailbox, struct error *err)
{
	(void)t;
	MUST(mailbox);
	return *mailbox != 'n' || error_set(err, ERROR_SENDER, "no\r\n250 yes");
}

static bool take_recipient(struct server_taker *t, const char *mailbox, struct error *err)
{
	(void)t;
	MUST(*mailbox);
	return *mailbox != 'n' || error_set(err, ERROR_LATER, "later");
}

static bool take_message(struct server_taker *t, struct envelope *e, struct message *m,
			 char id[ID_SIZE], struct error *err)
{
	OWNED_BUF wire = fuzz_wire(m);

	MUST(e->count > 0 && e->count <= 5 && e->sender);
	MUST(wire.len <= MOST);
	for (size_t i = 0; i < wire.len; i++)
		MUST((wire.text[i] == '\n') == (i > 0 && wire.text[i - 1] == '\r'));
	if (wire.text[0] == 'n')
		return error_set(err, ERROR_REFUSED, "not this");
	((struct taker *)t)->taken++;
	memcpy(id, "0123456789abcdef", ID_SIZE);
	return true;
}

static bool says_taken(const char *line)
{
	return !strncmp(line, "250 Ok: queued as ", 18) ||
	       !strncmp(line, "250 2.0.0 Ok: queued as ", 24);
}

static size_t count_taken(const char *said)
{
	size_t count = 0;

	for (; *said; said = strchr(said, '\n') + 1)
		count += says_taken(said);
	return count;
}

/* Lines of three digits and text that harms nobody. */
static void check_replies(const char *said, size_t len)
{
	MUST(strlen(said) == len);
	while (*said) {
		const char *end = strstr(said, "\r\n");

		MUST(end && end - said >= 3 && end - said < 512);
		MUST(*said >= '2' && *said <= '5' && (said[3] == ' ' || said[3] == '-'));
		for (const char *c = said; c < end; c++)
			MUST((unsigned char)*c >= ' ' && *c != 127);
		said = end + 2;
	}
}

static char *serve(const uint8_t *data, size_t size, size_t step, bool is_strict)
{
	struct tape tape = {
		.transport = { .read = tape_read, .write = tape_write },
		.in = data, .len = size, .step = step, .out = BUF_INIT(SAID_MAX),
	};
	struct taker taker = {
		.taker = { .sender = take_sender, .recipient = take_recipient,
			   .message = take_message },
	};
	const struct server_options options = {
		.name = "mx", .max_size = MOST, .max_recipients = 5, .idle_timeout = 60,
		.is_strict = is_strict,
	};
	struct error err = { 0 };

	if (!smtp_serve(&tape.transport, &options, &taker.taker, &err))
		MUST(err.kind == ERROR_PROTOCOL && err.text[0]);
	check_replies(buf_text(&tape.out), tape.out.len);
	MUST(count_taken(buf_text(&tape.out)) == taker.taken);
	return tape.out.len ? buf_take(&tape.out) : text_copy("");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED_TEXT whole = NULL;
	OWNED_TEXT pieces = NULL;

	if (size == 0)
		return 0;
	whole = serve(data + 1, size - 1, SIZE_MAX, data[0] & 1);
	if (data[0] & 1)
		return 0;
	pieces = serve(data + 1, size - 1, 1 + data[0] / 2, false);
	MUST(!strcmp(whole, pieces));
	return 0;
}
