/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/url.h"

#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/language.h"
#include "base/text.h"

enum { HOST_MAX = 253, USER_MAX = 255, PORT_MAX = 65535 };

static const char scheme_end[] = "://";

/* Where what follows "SCHEME://" begins; `len`: there is no scheme. */
static size_t behind_scheme(const char *text, size_t len)
{
	for (size_t i = 0; i + sizeof(scheme_end) - 1 <= len; i++)
		if (!memcmp(text + i, scheme_end, sizeof(scheme_end) - 1))
			return i + sizeof(scheme_end) - 1;
	return len;
}

bool url_find_password(const char *text, size_t len, size_t *at, size_t *size)
{
	size_t start = behind_scheme(text, len), end = len;
	const char *colon;

	while (end > start && text[end - 1] != '@')
		end--;
	if (end <= start)
		return false;
	end--;
	colon = end > start ? memchr(text + start, ':', end - start) : NULL;
	if (!colon)
		return false;
	*at = (size_t)(colon - text) + 1;
	*size = end - *at;
	return true;
}

/*
 * One byte, encoded or not; how many of the text it takes, 0: "%" and no two digits, or a
 * NUL.
 */
static size_t decode(const char *text, size_t len, char *byte)
{
	int high, low;

	*byte = text[0];
	if (text[0] != '%')
		return 1;
	high = len > 2 ? hex_value(text[1]) : -1;
	low = len > 2 ? hex_value(text[2]) : -1;
	*byte = (char)(high * 16 + low);
	return high < 0 || low < 0 || *byte == '\0' ? 0 : 3;
}

static const char how_to_encode[] =
	N_("a % that is meant as such is written %25, an @ %40, a : %3A");

/* What decode() would not have. */
static bool refuse_code(const char *text, size_t len, struct error *err)
{
	if (len > 2 && text[1] == '0' && text[2] == '0')
		return error_set(err, ERROR_CONFIG, "a NUL byte, %%00, stands in it, which no user "
				 "or password can have");
	error_set(err, ERROR_CONFIG, "a %% in it is not followed by two hexadecimal digits");
	return error_advise(err, how_to_encode);
}

/* Where it ends nobody could tell for sure. */
static bool refuse_at(struct error *err)
{
	error_set(err, ERROR_CONFIG, "an @ stands in its user or password that is not encoded");
	return error_advise(err, how_to_encode);
}

bool url_decode_secret(const char *text, size_t len, struct secret *secret, struct error *err)
{
	size_t count = 0;

	if (memchr(text, '@', len))
		return refuse_at(err);
	secret_make_room(secret);
	for (size_t i = 0, n; i < len; i += n) {
		if (count == SECRET_MAX)
			return error_set(err, ERROR_CONFIG, "it is longer than %d bytes",
					 SECRET_MAX);
		n = decode(text + i, len - i, &secret->bytes[count++]);
		if (n == 0)
			return refuse_code(text + i, len - i, err);
	}
	secret->bytes[count] = '\0';
	secret->len = count;
	return true;
}

static bool take_user(const char *text, size_t len, struct url *url, struct error *err)
{
	char user[USER_MAX + 1];
	size_t count = 0;

	for (size_t i = 0, n; i < len; i += n) {
		if (count == USER_MAX)
			return error_set(err, ERROR_CONFIG, "its user has more than %d bytes",
					 USER_MAX);
		n = decode(text + i, len - i, &user[count++]);
		if (n == 0)
			return refuse_code(text + i, len - i, err);
	}
	user[count] = '\0';
	if (text_has_control(user))
		return error_set(err, ERROR_CONFIG, "a control character stands in its user");
	free(url->user);
	url->user = text_copy(user);
	return true;
}

static bool take_port(const char *text, size_t len, struct url *url, struct error *err)
{
	OWNED_TEXT digits = text_copy_n(text, len);

	return text_to_number(digits, 1, PORT_MAX, &url->port) ||
	       error_set(err, ERROR_CONFIG, "its port is no number from 1 to %d", PORT_MAX);
}

/* HOST, HOST:PORT, [ADDRESS] or [ADDRESS]:PORT */
static bool take_server(const char *text, size_t len, struct url *url, struct error *err)
{
	bool has_bracket = len > 0 && text[0] == '[';
	const char *close = has_bracket ? memchr(text, ']', len) : NULL;
	size_t host_len;

	if (has_bracket && !close)
		return error_set(err, ERROR_CONFIG, "the bracket [ is not closed");
	for (host_len = close ? (size_t)(close - text) + 1 : 0;
	     host_len < len && text[host_len] != ':'; host_len++)
		if (close)
			return error_set(err, ERROR_CONFIG, "text follows the bracket ]");
	if (host_len < len && !take_port(text + host_len + 1, len - host_len - 1, url, err))
		return false;
	if (close) {
		text++;
		host_len -= 2;
	}
	if (host_len == 0 || host_len > HOST_MAX)
		return error_set(err, ERROR_CONFIG, "it names no server");
	free(url->host);
	url->host = text_copy_n(text, host_len);
	return !strpbrk(url->host, "@/?#%\\\" <>") ||
	       error_set(err, ERROR_CONFIG, "a character stands in its host that no name has");
}

static bool parse(const char *text, struct url *url, struct error *err)
{
	size_t len = strlen(text), start = behind_scheme(text, len), authority;
	const char *at;

	if (start == len && (len < 3 || strcmp(text + len - 3, scheme_end) != 0)) {
		error_set(err, ERROR_CONFIG, "it does not begin with SCHEME://");
		return false;
	}
	url->scheme = text_copy_n(text, start - (sizeof(scheme_end) - 1));
	text_lower(url->scheme);
	text += start;
	authority = strcspn(text, "/?#");
	url->rest = text_copy(text[authority] == '/' ? text + authority + 1 : text + authority);
	at = memchr(text, '@', authority);
	/*
	 * Where it stands among settings it is gone by now; nowhere else is a place for
	 * one.
	 */
	if (at && memchr(text, ':', (size_t)(at - text))) {
		error_set(err, ERROR_CONFIG, "a password cannot stand in it here");
		return error_advise(err, "put it into a file of its own, which the setting with "
				    "_password_file names");
	}
	if (at && memchr(at + 1, '@', authority - (size_t)(at + 1 - text)))
		return refuse_at(err);
	if (at && !take_user(text, (size_t)(at - text), url, err))
		return false;
	at = at ? at + 1 : text;
	return take_server(at, authority - (size_t)(at - text), url, err);
}

bool url_parse(const char *text, struct url *url, struct error *err)
{
	struct url found = { .user = text_copy(""), .host = text_copy("") };

	if (!parse(text, &found, err)) {
		url_free(&found);
		return false;
	}
	*url = found;
	return true;
}

void url_free(struct url *url)
{
	free(url->scheme);
	free(url->user);
	free(url->host);
	free(url->rest);
	*url = (struct url){ 0 };
}
