/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as ~/.netrc and as a file with a password. What is found stands there, and no
 * error shows any of it.
 */
#include "fuzz.h"

#include <fcntl.h>

#include "base/secret.h"
#include "secret/file.h"
#include "secret/netrc.h"

static const char host[] = "smtp.azurecomm.net", user[] = "contoso-smtp";

static void put(const void *bytes, size_t len)
{
	OWNED_BUF path = BUF_INIT(300);
	OWNED_FD fd = -1;
	bool is_new;

	buf_addf(&path, "%s/.netrc", fuzz_directory(&is_new));
	if (is_new)
		setenv("HOME", fuzz_directory(&is_new), 1);
	fd = open(buf_text(&path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	MUST(fd >= 0 && write_all(fd, bytes, len));
}

static void check_netrc(const char *bytes, size_t len)
{
	OWNED_SECRET password = { 0 };
	struct error err = { 0 };
	bool is_there = false;

	put(bytes, len);
	if (!netrc_find(host, user, &password, &is_there, &err)) {
		MUST(!is_there && !password.bytes);
		MUST(err.kind == ERROR_CONFIG);
		fuzz_must_say_why(&err);
		MUST(strstr(err.text, user) || strstr(err.text, "no ~/.netrc"));
		return;
	}
	MUST(is_there && password.bytes && password.len <= SECRET_MAX);
	/* Quotes and backslashes go; what has none stands there as it is. */
	if (!memchr(bytes, '"', len) && !memchr(bytes, '\\', len) && password.len > 0)
		MUST(memmem(bytes, len, password.bytes, password.len));
}

static void check_file(const char *bytes, size_t len)
{
	OWNED_FD fd = fuzz_file(bytes, len);
	OWNED_SECRET secret = { 0 };
	struct error err = { 0 };
	char path[FUZZ_PATH_SIZE];
	const char *end = len > 0 ? memchr(bytes, '\n', len) : NULL;

	if (!secret_read_file(fuzz_path(fd, path), &secret, &err)) {
		MUST(err.kind == ERROR_CONFIG);
		fuzz_must_say_why(&err);
		return;
	}
	MUST(secret.len <= SECRET_MAX &&
	     secret.len <= (end ? (size_t)(end - bytes) : len));
	MUST(secret.len == 0 || !memcmp(secret.bytes, bytes, secret.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char entry[] =
		"\nmachine smtp.azurecomm.net login contoso-smtp password ";
	OWNED_BUF whole = BUF_INIT(1024 * 1024);

	check_netrc((const char *)data, size);
	check_file((const char *)data, size);
	buf_add_bytes(&whole, data, size / 2);
	buf_add(&whole, entry);
	buf_add_bytes(&whole, data + size / 2, size - size / 2);
	check_netrc(whole.text, whole.len);
	return 0;
}
