/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as what a client says: replies are replies, however the bytes are cut into
 * pieces; as many messages are taken as are said to be; none is larger than allowed; nobody
 * logs in in clear, and as many do as are told so. The first byte says how strict the server
 * is and what it offers; a form feed is where the client waits.
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
	bool waits;			/* at form feeds */
};

static ssize_t tape_read(struct transport *t, void *bytes, size_t size, struct error *err)
{
	struct tape *tape = (struct tape *)t;
	size_t n = tape->len - tape->at;

	(void)err;
	if (tape->waits && n > 0) {
		const uint8_t *wait;

		if (tape->in[tape->at] == '\f')
			tape->at++, n--;
		wait = memchr(tape->in + tape->at, '\f', n);
		n = wait ? (size_t)(wait - tape->in) - tape->at : n;
	}
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

static bool tape_tls(struct transport *t, struct error *err)
{
	MUST(!t->is_secret);
	if (((struct tape *)t)->len % 7 == 0)
		return error_set(err, ERROR_TLS, "no");
	t->is_secret = true;
	t->tls = "TLS1.3";
	return true;
}

struct taker {
	struct server_taker taker;	/* first */
	const struct tape *tape;
	size_t taken, logins, wrong;
	bool needs_login;
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

	MUST(!((struct taker *)t)->needs_login || ((struct taker *)t)->logins == 1);
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

static bool take_login(struct server_taker *t, const char *name, const char *password,
		       struct error *err)
{
	struct taker *taker = (struct taker *)t;

	MUST(taker->tape->transport.is_secret && taker->logins == 0 && taker->wrong < 3);
	MUST(strlen(name) + strlen(password) < SAID_MAX);
	if (*password == 'y') {
		taker->logins++;
		return true;
	}
	if (*password == 'l')
		return error_set(err, ERROR_LATER, "later");
	taker->wrong++;
	return error_set(err, ERROR_AUTH, "no");
}

static bool says_taken(const char *line)
{
	return !strncmp(line, "250 Ok: queued as ", 18) ||
	       !strncmp(line, "250 2.0.0 Ok: queued as ", 24);
}

static bool says_welcome(const char *line)
{
	return !strncmp(line, "235 ", 4);
}

static size_t count(const char *said, bool (*is_it)(const char *line))
{
	size_t count = 0;

	for (; *said; said = strchr(said, '\n') + 1)
		count += is_it(said);
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

enum { STRICT = 1, OFFERS_TLS = 2, HAS_LOGIN = 4, IS_SECRET = 8, NEEDS_LOGIN = 16 };

static char *serve(const uint8_t *data, size_t size, size_t step, int how)
{
	struct tape tape = {
		.transport = { .read = tape_read, .write = tape_write, .start_tls = tape_tls,
			       .is_secret = how & IS_SECRET },
		.waits = how & STRICT,
		.in = data, .len = size, .step = step, .out = BUF_INIT(SAID_MAX),
	};
	struct taker taker = {
		.taker = { .sender = take_sender, .recipient = take_recipient,
			   .message = take_message,
			   .login = how & HAS_LOGIN ? take_login : NULL },
		.tape = &tape,
		.needs_login = how & NEEDS_LOGIN,
	};
	const struct server_options options = {
		.name = "mx", .max_size = MOST, .max_recipients = 5, .idle_timeout = 60,
		.is_strict = how & STRICT,
		.offers_tls = how & OFFERS_TLS, .needs_login = how & NEEDS_LOGIN,
	};
	struct error err = { 0 };

	if (!smtp_serve(&tape.transport, &options, &taker.taker, &err))
		MUST((err.kind == ERROR_PROTOCOL || err.kind == ERROR_TLS) && err.text[0]);
	check_replies(buf_text(&tape.out), tape.out.len);
	MUST(count(buf_text(&tape.out), says_taken) == taker.taken);
	MUST(count(buf_text(&tape.out), says_welcome) == taker.logins);
	return tape.out.len ? buf_take(&tape.out) : text_copy("");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED_TEXT whole = NULL;
	OWNED_TEXT pieces = NULL;

	if (size == 0)
		return 0;
	whole = serve(data + 1, size - 1, SIZE_MAX, data[0] & STRICT ? data[0] : 0);
	if (data[0] & STRICT)
		return 0;
	pieces = serve(data + 1, size - 1, 1 + data[0] / 2, 0);
	MUST(!strcmp(whole, pieces));
	return 0;
}
