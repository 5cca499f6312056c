/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names are those of RFC 5802 section 3. Without channel binding: TLS has been verified,
 * and a server that asks for it lists a mechanism of its own.
 */
#include "smtp/scram.h"

#include <stdio.h>
#include <string.h>

#include <sys/random.h>

#include "base/base64.h"
#include "base/text.h"
#include "smtp/saslprep.h"

enum {
	RANDOM_SIZE = 24,		/* bytes behind our nonce */
	NONCE_MAX = 512,		/* of both */
	SALT_MAX = 1024,
	ROUNDS_MAX = 2000000,		/* a second or so: no server may keep us busy for longer */
};

static bool refuse(struct error *err)
{
	return error_set(err, ERROR_PROTOCOL, "the server's challenge makes no sense");
}

/* RFC 5802 section 5.1: "=" and "," have a meaning of their own. */
static bool add_user(struct buf *b, const char *user, struct error *err)
{
	OWNED_SECRET prepared = { 0 };

	if (!saslprep(user, strlen(user), &prepared, err))
		return false;
	for (size_t i = 0; i < prepared.len; i++)
		if (prepared.bytes[i] == '=')
			buf_add(b, "=3D");
		else if (prepared.bytes[i] == ',')
			buf_add(b, "=2C");
		else
			buf_add_char(b, prepared.bytes[i]);
	return true;
}

static bool say_first(struct scram *s, const char *user, struct buf *raw, struct error *err)
{
	unsigned char random[RANDOM_SIZE];
	OWNED_BUF nonce = BUF_INIT(SCRAM_NONCE_SIZE - 1);

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return error_errno(err, ERROR_SYSTEM, "no random bytes");
	buf_add_base64(&nonce, random, sizeof(random));
	snprintf(s->nonce, sizeof(s->nonce), "%s", buf_text(&nonce));
	s->first = (struct buf)BUF_INIT(SCRAM_FIRST_MAX);
	buf_add(&s->first, "n=");
	if (!add_user(&s->first, user, err))
		return false;
	buf_addf(&s->first, ",r=%s", s->nonce);
	buf_add(raw, "n,,");
	buf_add_bytes(raw, s->first.text, s->first.len);
	return true;
}

/* "k=value" up to the next comma; moves *at behind it. NULL: it is another one. */
static char *attribute(const char **at, const char *key)
{
	const char *value = text_after(*at, key);
	size_t len = value ? strcspn(value, ",") : 0;

	if (!value)
		return NULL;
	*at = value + len + (value[len] == ',');
	return text_copy_n(value, len);
}

struct server_first {
	char *nonce, *salt_text, *rounds_text;
	char salt[SALT_MAX];
	size_t salt_len;
	long rounds;
};

/*
 * Both nonces, so that it is no answer to somebody else's; and extensions are not known.
 */
static bool read_first(const struct scram *s, const struct buf *challenge,
		       struct server_first *f)
{
	const char *at = buf_text(challenge);
	size_t own = strlen(s->nonce);

	f->nonce = attribute(&at, "r=");
	f->salt_text = f->nonce ? attribute(&at, "s=") : NULL;
	f->rounds_text = f->salt_text ? attribute(&at, "i=") : NULL;
	return f->rounds_text && strlen(f->nonce) > own && strlen(f->nonce) <= NONCE_MAX &&
	       !strncmp(f->nonce, s->nonce, own) && strlen(f->salt_text) <= SALT_MAX &&
	       base64_decode(f->salt_text, strlen(f->salt_text), "+/", f->salt, &f->salt_len) &&
	       f->salt_len > 0 && text_to_number(f->rounds_text, 1, ROUNDS_MAX, &f->rounds);
}

/* ClientProof, and the ServerSignature that is to come. */
static bool prove(struct scram *s, const struct secret *prepared, const struct server_first *f,
		  const struct buf *auth, unsigned char proof[DIGEST_SIZE])
{
	OWNED_SECRET room = { 0 };
	unsigned char *salted, *client, *stored, *server;
	bool ok;

	secret_make_room(&room);
	salted = (unsigned char *)room.bytes;
	client = salted + DIGEST_SIZE;
	stored = client + DIGEST_SIZE;
	server = stored + DIGEST_SIZE;
	ok = digest_stretch(&(struct digest_key){ prepared->bytes, prepared->len }, f->salt,
			    f->salt_len, (unsigned)f->rounds, salted);
	ok = ok && digest_keyed(&(struct digest_key){ salted, DIGEST_SIZE }, "Client Key", 10, client);
	ok = ok && digest_of(client, DIGEST_SIZE, stored);
	ok = ok && digest_keyed(&(struct digest_key){ stored, DIGEST_SIZE }, auth->text, auth->len,
				proof);
	ok = ok && digest_keyed(&(struct digest_key){ salted, DIGEST_SIZE }, "Server Key", 10, server);
	ok = ok && digest_keyed(&(struct digest_key){ server, DIGEST_SIZE }, auth->text, auth->len,
				s->signature);
	for (size_t i = 0; ok && i < DIGEST_SIZE; i++)
		proof[i] ^= client[i];
	return ok;
}

static bool say_final(struct scram *s, const struct secret *password,
		      const struct buf *challenge, struct buf *raw, struct error *err)
{
	struct server_first f = { .nonce = NULL };
	OWNED_BUF auth = BUF_INIT(SCRAM_FIRST_MAX), last = BUF_INIT(NONCE_MAX + 100);
	OWNED_SECRET prepared = { 0 };
	unsigned char proof[DIGEST_SIZE];
	bool ok = read_first(s, challenge, &f) || refuse(err);

	if (ok) {
		buf_addf(&last, "c=biws,r=%s", f.nonce);
		buf_add_bytes(&auth, s->first.text, s->first.len);
		buf_add_char(&auth, ',');
		buf_add_bytes(&auth, challenge->text, challenge->len);
		buf_addf(&auth, ",%s", buf_text(&last));
		ok = (!buf_is_full(&auth) || refuse(err)) &&
		     saslprep(password->bytes, password->len, &prepared, err) &&
		     (prove(s, &prepared, &f, &auth, proof) || digest_refuse(err));
	}
	if (ok) {
		buf_addf(raw, "%s,p=", buf_text(&last));
		buf_add_base64(raw, proof, sizeof(proof));
		s->is_answered = true;
	}
	text_cleanup(&f.nonce);
	text_cleanup(&f.salt_text);
	text_cleanup(&f.rounds_text);
	return ok;
}

/* "v=SIGNATURE", or "e=" and why not. */
static bool hear_final(struct scram *s, const struct buf *challenge, struct error *err)
{
	OWNED_BUF right = BUF_INIT(100);

	buf_add(&right, "v=");
	buf_add_base64(&right, s->signature, sizeof(s->signature));
	s->is_proven = !s->is_proven && challenge->len >= right.len &&
		       !memcmp(challenge->text, right.text, right.len) &&
		       (challenge->len == right.len || challenge->text[right.len] == ',');
	return s->is_proven || text_after(buf_text(challenge), "e=") ||
	       error_set(err, ERROR_PROTOCOL, "the server does not show that it knows the "
			 "password");
}

bool scram_next(struct scram *s, const char *user, const struct secret *password,
		const struct buf *challenge, struct buf *raw, struct error *err)
{
	if (!challenge)
		return say_first(s, user, raw, err);
	if (strlen(buf_text(challenge)) != challenge->len)
		return refuse(err);
	return s->is_answered ? hear_final(s, challenge, err) :
				say_final(s, password, challenge, raw, err);
}

void scram_free(struct scram *s)
{
	buf_free(&s->first);
	*s = (struct scram){ .nonce = "" };
}

bool smtp_cram_md5(const char *user, const struct secret *password, const struct buf *challenge,
		   struct buf *raw, struct error *err)
{
	unsigned char digest[DIGEST_MD5_SIZE];

	if (!digest_keyed_md5(&(struct digest_key){ password->bytes, password->len },
			      buf_text(challenge), challenge->len, digest))
		return digest_refuse(err);
	buf_addf(raw, "%s ", user);
	for (size_t i = 0; i < sizeof(digest); i++)
		buf_addf(raw, "%02x", digest[i]);
	return true;
}
