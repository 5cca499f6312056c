/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What TLS may use: what the account says, else what the system's policy says, else our
 * own short list. None of the three can bring back what is older than TLS 1.2.
 */
#include "net/priorities.h"

#include <gnutls/gnutls.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/library.h"

enum { PRIORITIES_MAX = 4096, SHOWN_MAX = 60 };

/*
 * Where the system has no policy. Forward secrecy and authenticated encryption only,
 * SHA-256 or better. Short on purpose: GnuTLS pays for every entry in each handshake.
 */
static const char usual[] =
	"NONE:+VERS-TLS1.3:+VERS-TLS1.2:+CTYPE-X509:+COMP-NULL:"
	"+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:+AEAD:"
	"+ECDHE-ECDSA:+ECDHE-RSA:+DHE-RSA:"
	"+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:"
	"+GROUP-FFDHE2048:+GROUP-FFDHE3072:"
	"+SIGN-ECDSA-SECP256R1-SHA256:+SIGN-ECDSA-SHA256:+SIGN-RSA-PSS-RSAE-SHA256:"
	"+SIGN-RSA-SHA256:+SIGN-RSA-PSS-SHA256:+SIGN-EDDSA-ED25519:"
	"+SIGN-ECDSA-SECP384R1-SHA384:+SIGN-ECDSA-SHA384:+SIGN-RSA-PSS-RSAE-SHA384:"
	"+SIGN-RSA-SHA384:+SIGN-RSA-PSS-SHA384:+SIGN-RSA-PSS-RSAE-SHA512:"
	"+SIGN-RSA-SHA512:+SIGN-RSA-PSS-SHA512:+SIGN-ECDSA-SHA512:+SIGN-EDDSA-ED448";

/* Whatever others say, this is the least. */
static const char at_least_tls_1_2[] =
	"-VERS-SSL3.0:-VERS-TLS1.0:-VERS-TLS1.1:-VERS-DTLS-ALL";

static bool system_has_policy(void)
{
	const char *file = gnutls_get_system_config_file();

	return file && access(file, R_OK) == 0;
}

/* That of the file under its usual name, or what it makes of GnuTLS's own default. */
static int use_policy(gnutls_session_t session)
{
	OWNED_BUF b = BUF_INIT(PRIORITIES_MAX);
	int result;

	buf_addf(&b, "@SYSTEM:%s", at_least_tls_1_2);
	result = gnutls_priority_set_direct(session, buf_text(&b), NULL);
	return result >= 0 ? result :
	       gnutls_set_default_priority_append(session, at_least_tls_1_2, NULL, 0);
}

int priorities_use(void *session, const char *priorities)
{
	OWNED_BUF b = BUF_INIT(PRIORITIES_MAX);

	if (!priorities || !*priorities)
		return system_has_policy() ? use_policy(session) :
		       gnutls_priority_set_direct(session, usual, NULL);
	buf_addf(&b, "%s:%s", priorities, at_least_tls_1_2);
	return gnutls_priority_set_direct(session, buf_text(&b), NULL);
}

const char *priorities_text(const char *priorities)
{
	return priorities && *priorities ? priorities : usual;
}

bool priorities_check(const char *priorities, struct error *err)
{
	OWNED_BUF b = BUF_INIT(PRIORITIES_MAX);
	gnutls_priority_t unused;
	const char *at = NULL;
	size_t word;
	int result;

	if (!library_load(LIBRARY_GNUTLS, err))
		return false;
	buf_addf(&b, "%s:%s", priorities, at_least_tls_1_2);
	result = buf_is_full(&b) ? GNUTLS_E_INVALID_REQUEST :
		 gnutls_priority_init(&unused, buf_text(&b), &at);
	if (result >= 0) {
		gnutls_priority_deinit(unused);
		return true;
	}
	word = at ? strcspn(at, ":") : 0;
	if (result == GNUTLS_E_NO_PRIORITIES_WERE_SET || !at)
		error_set(err, ERROR_CONFIG, "tls_priorities: it leaves nothing to speak TLS 1.2 "
			  "or 1.3 with");
	else
		error_set(err, ERROR_CONFIG, "tls_priorities: GnuTLS does not understand \"%.*s\"",
			  (int)(word < SHOWN_MAX ? word : SHOWN_MAX), at);
	return error_advise(err, "`gnutls-cli --list --priority` shows what such a text comes to; "
			    "without one the system's policy decides");
}
