/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TLS as a client. The certificate is verified within the handshake, so that there is
 * no moment in which something could be said to a server that has not shown who it is.
 * A session that is resumed shows none: its ticket is bound to what the verification
 * stood on, and does not outlive it.
 */
#include "net/tls.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/library.h"
#include "base/text.h"
#include "net/priorities.h"
#include "net/resolve.h"
#include "net/tickets.h"
#include "net/tls_identity.h"
#include "net/tls_stream.h"
#include "net/trust.h"

enum {
	DH_BITS_MIN = 2048,
	NAME_SIZE = 33			/* of a file in the cache, with its NUL */
};

struct tls {
	struct tls_stream stream;
	const struct endpoint *endpoint;
	gnutls_session_t session;	/* the stream's */
	gnutls_certificate_credentials_t credentials;
	struct tls_identity *identity;	/* whose they are; NULL: there is none to show */

	bool is_verified;		/* in this handshake */
	bool is_refused;		/* in this handshake, for `refusal` */
	struct error *refusal;		/* tls_open()'s */

	bool has_cache;
	char cache_name[NAME_SIZE];
	unsigned char binding[TICKET_BINDING_SIZE];
	time_t verified, expires;	/* see struct ticket */
};

/* ---- the cache of sessions ------------------------------------------------- */

static void add_part(struct buf *b, const char *part)
{
	buf_add_bytes(b, part, strlen(part) + 1);	/* the NUL parts them */
}

static bool hash(const struct buf *b, unsigned char digest[TICKET_BINDING_SIZE])
{
	return !buf_is_full(b) &&
	       gnutls_hash_fast(GNUTLS_DIG_SHA256, buf_text(b), b->len, digest) >= 0;
}

static bool has_client_cert(const struct endpoint *e)
{
	return e->client_cert && *e->client_cert;
}

static void add_state(struct buf *b, const struct stat *st)
{
	buf_addf(b, "%ju %ju %jd %jd.%09ld", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino,
		 (intmax_t)st->st_size, (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

/* The server knows by a resumed session who we were, as we know who it was. */
static bool add_client_cert(const struct endpoint *e, struct buf *b)
{
	struct stat st;

	if (!has_client_cert(e))
		return true;
	if (stat(e->client_cert, &st) < 0)
		return false;
	add_part(b, e->client_cert);
	add_state(b, &st);
	return true;
}

/*
 * One file for each account and server; what a session is bound to besides stands
 * in it. Other roots, another pin or another GnuTLS: a full handshake.
 */
static void find_cache(struct tls *tls)
{
	const struct endpoint *e = tls->endpoint;
	const char *store = e->ca_file[0] ? e->ca_file : roots_system_file();
	OWNED_BUF b = BUF_INIT(16 * 1024);
	unsigned char digest[TICKET_BINDING_SIZE];
	struct stat st;

	if (!e->cache_name || !store || stat(store, &st) < 0)
		return;
	add_part(&b, e->cache_name);
	add_part(&b, e->host);
	buf_addf(&b, "%ld", e->port);
	if (!hash(&b, digest))
		return;
	for (size_t i = 0; 2 * i + 2 < sizeof(tls->cache_name); i++) {
		tls->cache_name[2 * i] = "0123456789abcdef"[digest[i] >> 4];
		tls->cache_name[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
	}
	add_part(&b, "");
	add_part(&b, store);
	add_part(&b, e->fingerprint);
	add_part(&b, gnutls_check_version(NULL));
	add_part(&b, priorities_text(e->priorities));
	add_state(&b, &st);
	tls->has_cache = add_client_cert(e, &b) && hash(&b, tls->binding);
}

static void use_ticket(struct tls *tls)
{
	struct ticket ticket = { 0 };

	find_cache(tls);
	if (!tls->has_cache || !ticket_load(tls->cache_name, tls->binding, &ticket))
		return;
	/* What GnuTLS does not take is an old session: a full handshake then. */
	if (gnutls_session_set_data(tls->session, ticket.session, ticket.len) >= 0) {
		tls->verified = ticket.verified;
		tls->expires = ticket.expires;
	}
	ticket_free(&ticket);
}

static void keep_ticket(struct tls *tls)
{
	struct ticket ticket = { .verified = tls->verified, .expires = tls->expires };
	unsigned int flags = gnutls_session_get_flags(tls->session);
	bool has_new = flags & GNUTLS_SFLAGS_SESSION_TICKET;
	gnutls_datum_t data;

	/*
	 * In TLS 1.3 GnuTLS would wait for a ticket that has not come; in TLS 1.2 the
	 * session's id may do, unless that is what has been resumed.
	 */
	if (gnutls_protocol_get_version(tls->session) != GNUTLS_TLS1_3)
		has_new = has_new || !gnutls_session_is_resumed(tls->session);
	if (!tls->has_cache || !has_new ||
	    gnutls_session_get_data2(tls->session, &data) < 0)
		return;
	ticket.session = data.data;
	ticket.len = data.size;
	ticket_save(tls->cache_name, tls->binding, &ticket);
	wipe(data.data, data.size);
	gnutls_free(data.data);
}

/* ---- the handshake ---------------------------------------------------------- */

/* GnuTLS calls it in every full handshake, and in no other. */
static int verify(gnutls_session_t session)
{
	struct tls *tls = gnutls_session_get_ptr(session);
	unsigned int count = 0;
	const gnutls_datum_t *sent = gnutls_certificate_get_peers(session, &count);
	struct chain chain = { .count = 0 };

	if (!sent || count > CHAIN_MAX) {
		error_set(tls->refusal, ERROR_TLS, "the server sent %u certificates",
			  count);
	} else {
		for (; chain.count < count; chain.count++)
			chain.certificates[chain.count] = (struct der){
				sent[chain.count].data, sent[chain.count].size };
		tls->is_verified = trust_verify(tls->endpoint, &chain, &tls->expires,
						tls->refusal);
	}
	/* Also of a refusal: tls_open() forgets the ticket of a session that ended so. */
	tls->verified = time(NULL);
	tls->is_refused = !tls->is_verified;
	return tls->is_verified ? 0 : GNUTLS_E_CERTIFICATE_ERROR;
}

/* RFC 8446 section 5.1: an alert or a handshake message, version 3.x. */
static bool is_tls(const struct tls *tls)
{
	return tls->stream.first_len < 2 ||
	       ((tls->stream.first[0] == 21 || tls->stream.first[0] == 22) && tls->stream.first[1] == 3);
}

static bool not_tls(const struct tls *tls, struct error *err)
{
	char shown[TLS_FIRST_SIZE + 1] = "";

	for (size_t i = 0; i < tls->stream.first_len && tls->stream.first[i] != '\r' &&
			   tls->stream.first[i] != '\n'; i++)
		shown[i] = tls->stream.first[i] ? (char)tls->stream.first[i] : '?';
	text_make_printable(shown);
	error_set(err, ERROR_TLS, "the server does not speak TLS here, it says \"%s\"",
		  shown);
	if (tls->endpoint->implicit_tls)
		error_advise(err, "`tls = implicit` is for port 465; ports 587 and 25 "
				  "want `tls = starttls`");
	return false;
}

static bool handshake_failed(struct tls *tls, int result, struct error *err)
{
	/* So that the server's log says why; it may well not listen any more. */
	if (gnutls_alert_send_appropriate(tls->session, result) >= 0)
		(void)wire_flush(tls->stream.wire);
	if (tls->is_refused)
		return false;		/* verify() said why */
	if (!is_tls(tls))
		return not_tls(tls, err);
	tls_stream_failed(&tls->stream, result, err);
	return result == GNUTLS_E_UNSUPPORTED_VERSION_PACKET ? false :
	       error_context(err, "TLS handshake");
}

static bool handshake(struct tls *tls, struct error *err)
{
	int result = tls_stream_shake_hands(&tls->stream);

	if (result == GNUTLS_E_TIMEDOUT) {
		tls_stream_failed(&tls->stream, result, err);
		return error_context(err, "TLS handshake");
	}
	if (result < 0)
		return handshake_failed(tls, result, err);
	/*
	 * A resumed session has no certificate to look at: it stands on the verification
	 * that its ticket was bound to, which is not older than a day nor the
	 * certificate's end.
	 */
	if (tls->is_verified || gnutls_session_is_resumed(tls->session))
		return true;
	return error_set(err, ERROR_BUG, "TLS began without verification");
}

static int prepare(struct tls *tls)
{
	const struct endpoint *e = tls->endpoint;
	/*
	 * One key share: each further one is a pair of keys made in every handshake,
	 * nearly always for nothing.
	 */
	unsigned int flags = GNUTLS_CLIENT | GNUTLS_NONBLOCK | GNUTLS_KEY_SHARE_TOP |
			     (e->cache_name ? 0 : GNUTLS_NO_TICKETS) |
			     (tls->identity ? GNUTLS_FORCE_CLIENT_CERT : 0);
	struct ip_address address;
	int result;

	/* Nobody here looks at a stapled OCSP response, so none is asked for. */
#if GNUTLS_VERSION_NUMBER >= 0x030800
	flags |= GNUTLS_NO_STATUS_REQUEST;
#endif
	/* Who can set the environment of a mailer must not read what it says. */
	unsetenv("SSLKEYLOGFILE");
	gnutls_global_set_log_level(0);	/* GNUTLS_DEBUG_LEVEL: its messages name the keys */
	result = tls->identity ? 0 : gnutls_certificate_allocate_credentials(&tls->credentials);
	if (result >= 0)
		result = gnutls_init(&tls->session, flags);
	if (result >= 0)
		result = priorities_use(tls->session, e->priorities);
	if (result >= 0)
		result = gnutls_credentials_set(tls->session, GNUTLS_CRD_CERTIFICATE,
						tls->identity ?
						tls_identity_credentials(tls->identity) :
						tls->credentials);
	/* RFC 6066 section 3: no addresses here. */
	if (result >= 0 && !ip_address_parse(e->host, &address))
		result = gnutls_server_name_set(tls->session, GNUTLS_NAME_DNS, e->host,
						strlen(e->host));
	if (result < 0)
		return result;
	gnutls_dh_set_prime_bits(tls->session, DH_BITS_MIN);
	gnutls_session_set_ptr(tls->session, tls);
	gnutls_session_set_verify_function(tls->session, verify);
	tls->stream.session = tls->session;
	tls_stream_attach(&tls->stream);
	return 0;
}

static void tls_free(struct tls *tls)
{
	if (tls->session)
		gnutls_deinit(tls->session);
	if (tls->credentials)
		gnutls_certificate_free_credentials(tls->credentials);
	tls_identity_free(tls->identity);
	free(tls);
}

static bool load_identity(struct tls *tls, struct error *err)
{
	const struct endpoint *e = tls->endpoint;

	if (!has_client_cert(e))
		return true;
	tls->identity = tls_identity_load(e->client_cert, e->client_key, NULL, err);
	return tls->identity ||
	       error_context(err, "tls_client_cert, tls_client_key");
}

struct tls *tls_open(struct wire *wire, const struct endpoint *endpoint,
		     struct error *err)
{
	struct tls *tls;
	int result;

	if (!library_load(LIBRARY_GNUTLS, err))
		return NULL;
	tls = xcalloc(1, sizeof(*tls));
	tls->stream.wire = wire;
	tls->endpoint = endpoint;
	tls->refusal = err;
	if (!load_identity(tls, err)) {
		tls_free(tls);
		return NULL;
	}
	result = prepare(tls);
	if (result < 0) {
		error_set(err, ERROR_TLS, "cannot prepare TLS: %s",
			  gnutls_strerror(result));
	} else {
		use_ticket(tls);
		if (handshake(tls, err))
			return tls;
		if (tls->verified && !tls->is_verified)	/* not to fail again with it */
			ticket_forget(tls->cache_name);
	}
	tls_free(tls);
	return NULL;
}

/* ---- afterwards -------------------------------------------------------------- */

ssize_t tls_read(struct tls *tls, void *bytes, size_t size, struct error *err)
{
	return tls_stream_read(&tls->stream, bytes, size, err);
}

bool tls_write(struct tls *tls, const void *bytes, size_t len, struct error *err)
{
	return tls_stream_write(&tls->stream, bytes, len, err);
}

const char *tls_version(const struct tls *tls)
{
	return gnutls_protocol_get_name(gnutls_protocol_get_version(tls->session));
}

bool tls_is_resumed(const struct tls *tls)
{
	return gnutls_session_is_resumed(tls->session);
}

void tls_describe(const struct tls *tls, struct tls_facts *facts)
{
	unsigned int count = 0;
	const gnutls_datum_t *sent = gnutls_certificate_get_peers(tls->session, &count);

	*facts = (struct tls_facts){
		.cipher = gnutls_cipher_get_name(gnutls_cipher_get(tls->session)),
		.expires = tls->expires,
	};
	if (sent && count > 0)
		trust_issuer((struct der){ sent[0].data, sent[0].size }, facts->issuer,
			     sizeof(facts->issuer));
}

void tls_close(struct tls *tls)
{
	tls_stream_end(&tls->stream);
	keep_ticket(tls);
	tls_free(tls);
}

/* --- names */

/* What this character is for in a host name: wide ones are as good as those of ASCII. */
static uint32_t plain(uint32_t code)
{
	return code >= 0xff01 && code <= 0xff5e ? code - 0xfee0 :
	       code == 0xa0 || code == 0x3000 ? ' ' : code;
}

/*
 * The mapping leaves out, without a word, what of ASCII stands in no host name. Mail to a
 * domain with "_" between two such letters would go to the one without it: somebody
 * else's.
 */
static bool is_host_name(const char *name)
{
	uint32_t code;

	for (size_t len; *name; name += len) {
		len = text_next(name, strlen(name), &code);
		code = len ? plain(code) : ' ';
		if (code < 0x80 && !(code >= '0' && code <= '9') && !(code >= 'A' && code <= 'Z') &&
		    !(code >= 'a' && code <= 'z') && code != '-' && code != '.')
			return false;
	}
	return true;
}

static char *refuse_name(const char *name, struct error *err)
{
	error_set(err, ERROR_CONFIG, "%s is no host name: it may have letters, digits, hyphens "
		  "and single dots", name);
	return NULL;
}

char *tls_ascii_name(const char *name, struct error *err)
{
	gnutls_datum_t mapped;
	char *copy;
	int result;

	if (!text_has_8bit(name, strlen(name)))
		return text_copy(name);
	if (!is_host_name(name))
		return refuse_name(name, err);
	if (!library_load(LIBRARY_GNUTLS, err))
		return NULL;
	result = gnutls_idna_map(name, (unsigned int)strlen(name), &mapped, 0);
	if (result < 0) {
		error_set(err, ERROR_CONFIG, "%s is no host name: %s", name,
			  gnutls_strerror(result));
		return NULL;
	}
	copy = text_copy_n((char *)mapped.data, mapped.size);
	gnutls_free(mapped.data);
	/*
	 * Characters that nobody sees are left out too, and may have been all of a label.
	 */
	if (*copy && *copy != '.' && !strstr(copy, ".."))
		return copy;
	free(copy);
	return refuse_name(name, err);
}
