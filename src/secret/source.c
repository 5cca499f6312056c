/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "secret/source.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/process.h"

enum { COMMAND_SECONDS = 30 };

/* Keeps the first line, without its end; the rest is wiped. */
static void keep_first_line(struct secret *secret, size_t len)
{
	const char *end = memchr(secret->bytes, '\n', len);
	size_t kept = end ? (size_t)(end - secret->bytes) : len;

	if (kept && secret->bytes[kept - 1] == '\r')
		kept--;
	wipe(secret->bytes + kept, SECRET_MAX + 1 - kept);
	secret->len = kept;
}

static bool from_settings(const struct secret_request *request, struct secret *secret,
			  struct error *err)
{
	if (secret_set(secret, request->password->bytes, request->password->len))
		return true;
	return error_set(err, ERROR_CONFIG, "it is longer than %d bytes", SECRET_MAX);
}

static bool check_file(int fd, struct error *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return error_errno(err, ERROR_CONFIG, "fstat");
	if (file_is_ours(&st, err))
		return file_is_private(&st, err);
	return S_ISREG(st.st_mode) ? false :
		error_advise(err, "use password_command for what has to be run or asked");
}

static bool from_file(const struct secret_request *request, struct secret *secret,
		      struct error *err)
{
	OWNED_FD fd = open(request->password_file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	size_t len = 0;
	ssize_t n = 0;

	if (fd < 0)
		return error_errno(err, ERROR_CONFIG, "cannot open it");
	if (!check_file(fd, err))
		return false;
	secret_make_room(secret);
	while (len <= SECRET_MAX &&
	       (n = read_some(fd, secret->bytes + len, SECRET_MAX + 1 - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return error_errno(err, ERROR_CONFIG, "cannot read it");
	if (len > SECRET_MAX && !memchr(secret->bytes, '\n', len))
		return error_set(err, ERROR_CONFIG, "its first line is longer than %d bytes",
				 SECRET_MAX);
	keep_first_line(secret, len);
	return true;
}

static bool run(const char *command, struct secret *secret, struct error *err)
{
	size_t len;

	secret_make_room(secret);
	if (!process_output(command, secret->bytes, SECRET_MAX, &len, COMMAND_SECONDS, err))
		return false;
	keep_first_line(secret, len);
	return true;
}

static bool from_command(const struct secret_request *request, struct secret *secret,
			 struct error *err)
{
	return run(request->password_command, secret, err);
}

static bool from_token_command(const struct secret_request *request, struct secret *secret,
			       struct error *err)
{
	return run(request->token_command, secret, err);
}

static bool has_text(const char *text)
{
	return text && *text;
}

static bool has_token_command(const struct secret_request *request)
{
	return request->wants_token && has_text(request->token_command);
}

static bool has_password(const struct secret_request *request)
{
	return request->password && request->password->bytes && request->password->len;
}

static bool has_file(const struct secret_request *request)
{
	return has_text(request->password_file);
}

static bool has_command(const struct secret_request *request)
{
	return has_text(request->password_command);
}

/* In the order in which they are asked: the first one that is set decides. */
static const struct source {
	const char *name;
	bool (*is_set)(const struct secret_request *request);
	bool (*get)(const struct secret_request *request, struct secret *secret,
		    struct error *err);
	enum error_kind nothing;	/* what it is if there is no secret in it */
} sources[] = {
	{ "token_command", has_token_command, from_token_command, ERROR_SECRET },
	{ "password", has_password, from_settings, ERROR_CONFIG },
	{ "password_file", has_file, from_file, ERROR_CONFIG },
	{ "password_command", has_command, from_command, ERROR_SECRET },
};

static bool none(const struct secret_request *request, struct error *err)
{
	if (request->wants_token) {
		error_set(err, ERROR_CONFIG, "no access token is set");
		return error_advise(err, "set token_command to a command that prints one");
	}
	error_set(err, ERROR_CONFIG, "no password is set");
	return error_advise(err, "set password, password_file or password_command");
}

bool secret_find(const struct secret_request *request, struct secret *secret,
		 const char **source, struct error *err)
{
	const struct source *s = sources;
	bool ok;

	while (s < sources + COUNT_OF(sources) && !s->is_set(request))
		s++;
	if (s == sources + COUNT_OF(sources))
		return none(request, err);
	*source = s->name;
	ok = s->get(request, secret, err);
	if (ok && secret->len == 0)
		ok = error_set(err, s->nothing, "there is nothing on its first line");
	if (ok)
		return true;
	secret_free(secret);
	return s->get == from_file ?
		error_context(err, "%s %s", s->name, request->password_file) :
		error_context(err, "%s", s->name);
}
