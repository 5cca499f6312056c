/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as what a server says, for two messages and a question. What the client says
 * is whole lines, the secret stays under TLS and out of errors and the transcript, and
 * nobody counts as served without an answer to a whole message. The first bytes choose
 * the account.
 */
#include "fuzz.h"

#include "smtp/client.h"

#define SECRET "Hidden+Secret/8bytes"

struct server {
	struct transport transport; /* first */
	const uint8_t *at;
	size_t left, step;  /* bytes that one read gives at most */
	size_t writes_left; /* writes that do not fail */
	struct buf heard;   /* in clear text and then under TLS */
	size_t answers;	    /* reads since the last write */
	bool is_closed;
};

static ssize_t server_read(struct transport *t, void *bytes, size_t size,
			   struct error *err)
{
	struct server *s = (struct server *)t;
	size_t n = s->left < s->step ? s->left : s->step;

	MUST(!s->is_closed && size > 0);
	if (s->left == 0 && s->step % 2) {
		error_set(err, ERROR_NETWORK, "lost");
		return -1;
	}
	n = n < size ? n : size;
	memcpy(bytes, s->at, n);
	s->at += n;
	s->left -= n;
	s->answers += n > 0;
	return (ssize_t)n;
}

static bool server_write(struct transport *t, const void *bytes, size_t len,
			 struct error *err)
{
	struct server *s = (struct server *)t;

	MUST(!s->is_closed);
	if (s->writes_left == 0)
		return error_set(err, ERROR_NETWORK, "broken pipe");
	s->writes_left--;
	buf_add_bytes(&s->heard, bytes, len);
	MUST(t->is_secret ||
	     !memmem(s->heard.text, s->heard.len, SECRET, strlen(SECRET)));
	MUST(t->is_secret || !memmem(s->heard.text, s->heard.len, "AUTH ", 5));
	s->answers = 0;
	return true;
}

static bool server_start_tls(struct transport *t, struct error *err)
{
	struct server *s = (struct server *)t;

	if (s->step == 7)
		return error_set(err, ERROR_TLS, "not who it should be");
	t->is_secret = true;
	t->tls = "TLS1.3";
	return true;
}

static void server_close(struct transport *t)
{
	((struct server *)t)->is_closed = true;
}

static bool server_has_news(struct transport *t)
{
	return ((struct server *)t)->left > 1000;
}

/* Whole lines, and of a command only what may stand in one; the messages have neither. */
static void check_heard(const struct server *s)
{
	const struct buf *heard = &s->heard;

	for (size_t i = 0; i < heard->len; i++) {
		char c = heard->text[i];

		MUST(c != '\0' && (c != '\n' || (i > 0 && heard->text[i - 1] == '\r')));
		MUST(c != '\r' || i + 1 == heard->len || heard->text[i + 1] == '\n');
	}
	MUST(heard->len == 0 || heard->text[heard->len - 1] == '\n');
}

static void check_verdicts(const struct server *s, const struct envelope *e, bool ok,
			   const struct error *err)
{
	const char *end = memmem(buf_text(&s->heard), s->heard.len, "\r\n.\r\n", 5);
	const char *last = memmem(buf_text(&s->heard), s->heard.len, " LAST\r\n", 7);

	if (!ok)
		fuzz_must_say_why(err);
	for (size_t i = 0; i < e->count; i++) {
		const struct recipient *r = &e->recipients[i];

		MUST(!ok || r->verdict != VERDICT_NONE);
		MUST(!ok || r->verdict != VERDICT_UNKNOWN);
		if (r->verdict == VERDICT_ACCEPTED || r->verdict == VERDICT_UNKNOWN)
			MUST(end || last);
		MUST((r->why != NULL) == (r->verdict > VERDICT_ACCEPTED));
		if (r->why) {
			struct error why;

			recipient_reason(r, &why);
			fuzz_must_say_why(&why);
		}
	}
}

static void add_recipients(struct envelope *e, unsigned choice)
{
	static const char *const others[] = { "b@example.org", "c@example.net",
					      "\xc3\xa4@example.org" };

	e->sender = text_copy(choice & 8 ? "" : "s@example.com");
	if (choice & 16)
		e->notify = text_copy("FAILURE");
	envelope_add(e, "a@example.org");
	for (size_t i = 0; i < COUNT_OF(others); i++)
		if (choice & (1U << i))
			envelope_add(e, others[i]);
}

static void send(struct session *s, struct server *server, unsigned choice)
{
	static const char text[] =
		"Subject: \xc3\xa4 one\nTo: a@example.org\n\n.dot\n\xe4 8-bit\n..\nend";
	OWNED_ENVELOPE e = { 0 };
	OWNED_MESSAGE m;
	struct error err = { 0 };
	bool ok;

	MUST(fuzz_read(&m, (const uint8_t *)text, sizeof(text) - 1, false));
	add_recipients(&e, choice);
	ok = smtp_send(s, &e, &m, &err);
	check_verdicts(server, &e, ok, &err);
	fuzz_must_be_printable(smtp_last_reply(s));
}

static void check_trace(int fd)
{
	OWNED_BUF text = BUF_INIT(16 * 1024 * 1024);
	struct error err;

	MUST(lseek(fd, 0, SEEK_SET) == 0 && file_read(fd, &text, &err));
	for (char *c = text.text; c && *c; c++)
		if (*c == '\n')
			*c = ' ';
	MUST(strlen(buf_text(&text)) == text.len);
	fuzz_must_be_printable(buf_text(&text));
}

static void talk(struct server *server, const struct smtp_options *options,
		 unsigned choice)
{
	struct session *s = smtp_new(&server->transport, options);
	struct error err = { 0 };

	if (!smtp_advance(s, SMTP_READY, &err)) {
		fuzz_must_say_why(&err);
	} else {
		fuzz_must_be_printable(smtp_extensions(s)->auth);
		if ((choice & 32) && !smtp_is_broken(s) &&
		    !smtp_probe(s, "s@example.com", "a@example.org", &err))
			fuzz_must_say_why(&err);
		for (unsigned i = 0; i < 2 && !smtp_is_broken(s); i++)
			send(s, server, choice >> i);
	}
	smtp_close(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const services[] = { "acs", "sendgrid", "office365", "other" };
	OWNED_SECRET secret = { 0 };
	OWNED_FD trace_fd = fuzz_file("", 0);
	struct trace trace = { .name = "fuzz", .fds = { -1, trace_fd } };
	struct smtp_options options = { .helo = "me.example",
					.user = "user", .host = "mx.example.org", .port = 587,
					.timeout = 60,
					.secret = &secret,
					.trace = &trace };
	static const enum auth_choice ways[] = { AUTH_OFF, AUTH_AUTO, AUTH_LOGIN, AUTH_PLAIN,
						 AUTH_XOAUTH2, AUTH_OAUTHBEARER };
	struct server server = {
		.transport = { server_read, server_write, server_start_tls,
			       .has_news = server_has_news, .close = server_close },
		.heard = BUF_INIT(64 * 1024 * 1024),
	};

	if (size < 4)
		return 0;
	secret_set(&secret, SECRET, strlen(SECRET));
	options.service = services[data[0] & 3];
	options.auth = ways[data[0] / 4 % (sizeof(ways) / sizeof(*ways))];
	options.secret_is_token = data[0] & 128;
	options.starttls = data[1] & 1;
	server.transport.is_secret = data[1] & 2;
	options.max_recipients = data[1] & 4 ? 1 : 50;
	server.step = data[2] ? data[2] : 5000;
	server.writes_left = data[1] & 8 ? data[1] >> 4 : SIZE_MAX;
	server.at = data + 4;
	server.left = size - 4;
	talk(&server, &options, data[3]);
	MUST(server.is_closed);
	check_heard(&server);
	check_trace(trace_fd);
	buf_free(&server.heard);
	return 0;
}
