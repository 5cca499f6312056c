/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The few words of RESP that are needed: each command is an array of strings, and what is
 * expected is a status or a number. Everything is said in one flight over a connection of
 * its own, and the last answer is the script's.
 */
#include "delivery/quota_store.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/text.h"
#include "base/url.h"
#include "net/dial.h"
#include "net/net.h"
#include "secret/file.h"

enum {
	PATIENCE = 1,			/* seconds that a caller waits for it at most */
	PORT = 6379,
	LINE_SIZE = 512,
	WAIT_MAX = 2 * 3600,		/* seconds, whatever it says */
	KEY_MAX = 120,
	NUMBER_SIZE = 24,
};

/*
 * KEYS: the minute's window, the hour's. ARGV: messages (less than 0: given back; 0:
 * nothing is done), a minute, an hour (0: no limit). Windows are hashes of slots, as
 * spool/pace.h has them but finer, since nothing else spreads the machines' messages: of
 * 1 and of 10 seconds, with as many more as a message may be late. Answers with the
 * seconds to wait, or 0: charged.
 */
static const char script[] =
	"local now = tonumber(redis.call('TIME')[1])\n"
	"local n = tonumber(ARGV[1])\n"
	"local windows = { { KEYS[1], tonumber(ARGV[2]), 1, 63 },\n"
	"                  { KEYS[2], tonumber(ARGV[3]), 10, 363 } }\n"
	"local function slots(w)\n"
	"  local list, used, first = {}, 0, math.floor(now / w[3]) - w[4]\n"
	"  local all = redis.call('HGETALL', w[1])\n"
	"  for i = 1, #all, 2 do\n"
	"    local slot, count = tonumber(all[i]), tonumber(all[i + 1])\n"
	"    if slot <= first or count <= 0 then redis.call('HDEL', w[1], all[i])\n"
	"    else list[#list + 1] = { slot, count }; used = used + count end\n"
	"  end\n"
	"  table.sort(list, function(a, b) return a[1] < b[1] end)\n"
	"  return list, used\n"
	"end\n"
	"if n < 0 then\n"
	"  for _, w in ipairs(windows) do\n"
	"    local list, left = slots(w), -n\n"
	"    for i = #list, 1, -1 do\n"
	"      local some = math.min(left, list[i][2])\n"
	"      if some > 0 then redis.call('HINCRBY', w[1], list[i][1], -some) end\n"
	"      left = left - some\n"
	"    end\n"
	"  end\n"
	"  return 0\n"
	"end\n"
	"local wait = 0\n"
	"for _, w in ipairs(windows) do\n"
	"  local list, used = slots(w)\n"
	"  local room = n < w[2] and w[2] - n or 0\n"
	"  for i = 1, w[2] > 0 and #list or 0 do\n"
	"    if used <= room then break end\n"
	"    used = used - list[i][2]\n"
	"    wait = math.max(wait, (list[i][1] + w[4]) * w[3] - now, 1)\n"
	"  end\n"
	"end\n"
	"if wait > 0 or n == 0 then return wait end\n"
	"for _, w in ipairs(windows) do\n"
	"  redis.call('HINCRBY', w[1], math.floor(now / w[3]), n)\n"
	"  redis.call('EXPIRE', w[1], 7200)\n"
	"end\n"
	"return 0\n";

bool quota_store_is_set(const struct account *account)
{
	return account->quota_store && account->quota_store[0] &&
	       (account->rate_per_minute > 0 || account->rate_per_hour > 0);
}

/* --- the connection */

struct store {
	struct transport *wire;
	struct url url;
	bool is_local;
	struct secret password;
};

static bool find_password(struct store *s, const struct account *account, struct error *err)
{
	if (account->has_url_password[URL_STORE])
		return config_url_password(account, URL_STORE, &s->password, err);
	return !account->quota_store_password_file[0] ||
	       secret_read_file(account->quota_store_password_file, &s->password, err) ||
	       error_context(err, "quota_store_password_file %s",
			     account->quota_store_password_file);
}

static struct transport *connect_to(struct store *s, const struct account *account,
				    struct error *err)
{
	const char *path = text_after(account->quota_store, "unix:");
	struct endpoint endpoint = { .timeout = PATIENCE, .ca_file = account->tls_ca_file,
				     .fingerprint = "" };
	uid_t unasked;
	int fd;

	if (path) {
		fd = dial_local(path, PATIENCE, &unasked, err);
		return fd < 0 ? NULL : net_over(fd, path);
	}
	if (!url_parse(account->quota_store, &s->url, err))
		return NULL;
	endpoint.host = s->url.host;
	endpoint.port = s->url.port ? s->url.port : PORT;
	endpoint.implicit_tls = text_is(s->url.scheme, "rediss");
	return net_open(&endpoint, err);
}

static bool store_open(struct store *s, const struct account *account, struct error *err)
{
	int64_t deadline = clock_after(PATIENCE);

	if (!find_password(s, account, err))
		return false;
	s->wire = connect_to(s, account, err);
	if (!s->wire)
		return false;
	s->wire->deadline = deadline;
	return true;
}

static void store_close(struct store *s)
{
	if (s->wire)
		s->wire->close(s->wire);
	url_free(&s->url);
	secret_free(&s->password);
}
#define OWNED_STORE	__attribute__((cleanup(store_close))) struct store

/* --- words */

static void add_word(struct buf *b, const char *bytes, size_t len)
{
	buf_addf(b, "$%zu\r\n", len);
	if (len > 0)
		buf_add_bytes(b, bytes, len);
	buf_add(b, "\r\n");
}

static void add_text(struct buf *b, const char *text)
{
	add_word(b, text, strlen(text));
}

/* How many commands it added: each is answered. */
static int add_login(struct buf *b, const struct store *s)
{
	const char *user = s->url.user ? s->url.user : "", *db = s->url.rest ? s->url.rest : "";
	int count = 0;

	if (s->password.len > 0) {
		buf_addf(b, "*%d\r\n", *user ? 3 : 2);
		add_text(b, "AUTH");
		if (*user)
			add_text(b, user);
		add_word(b, s->password.bytes, s->password.len);
		count++;
	}
	if (*db) {
		buf_add(b, "*2\r\n");
		add_text(b, "SELECT");
		add_text(b, db);
		count++;
	}
	return count;
}

static bool add_key(struct buf *b, const struct account *a, const char *window,
		    struct error *err)
{
	OWNED_BUF who = BUF_INIT(2048), key = BUF_INIT(KEY_MAX);
	unsigned char digest[DIGEST_SIZE];

	buf_add(&who, a->host);
	buf_add_bytes(&who, "", 1);
	buf_add(&who, a->user);
	if (!digest_of(buf_text(&who), who.len, digest))
		return digest_refuse(err);
	/* In a cluster both are on one server, by what stands in braces. */
	buf_add(&key, "acsmtp:{");
	for (size_t i = 0; i < DIGEST_SIZE / 2; i++)
		buf_addf(&key, "%02x", digest[i]);
	buf_addf(&key, "}:%ld:%ld:%s", a->rate_per_minute, a->rate_per_hour, window);
	add_text(b, buf_text(&key));
	return true;
}

static bool add_script(struct buf *b, const struct account *a, long messages,
		       struct error *err)
{
	const long numbers[] = { messages, a->rate_per_minute, a->rate_per_hour };
	char text[NUMBER_SIZE];

	buf_addf(b, "*%zu\r\n", 5 + COUNT_OF(numbers));
	add_text(b, "EVAL");
	add_text(b, script);
	add_text(b, "2");
	if (!add_key(b, a, "minute", err) || !add_key(b, a, "hour", err))
		return false;
	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		snprintf(text, sizeof(text), "%ld", numbers[i]);
		add_text(b, text);
	}
	return true;
}

/* --- answers */

static bool hear_line(struct store *s, char line[LINE_SIZE], struct error *err)
{
	size_t len = 0;

	while (len < LINE_SIZE) {
		ssize_t n = s->wire->read(s->wire, line + len, 1, err);

		if (n < 0)
			return false;
		if (n == 0)
			return error_set(err, ERROR_NETWORK, "it closed the connection before "
					 "its answer was complete");
		if (line[len] == '\n') {
			line[len > 0 ? len - 1 : 0] = '\0';
			return true;
		}
		len++;
	}
	return error_set(err, ERROR_PROTOCOL, "what answers there is no Redis");
}

/*
 * Of its words the first alone, if it is one that is known: it may repeat what it was
 * told.
 */
static bool refused(const char *line, struct error *err)
{
	static const char *const words[] = { "WRONGPASS", "NOAUTH", "NOPERM", "LOADING",
					     "READONLY", "OOM", "MOVED", "MASTERDOWN", "BUSY" };

	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (text_after(line, words[i]))
			return error_set(err, i < 3 ? ERROR_AUTH : ERROR_NETWORK,
					 "it refuses with %s", words[i]);
	return error_set(err, ERROR_PROTOCOL, "it refuses with an error");
}

static bool hear(struct store *s, int count, long *number, struct error *err)
{
	char line[LINE_SIZE];

	for (; count >= 0; count--) {
		if (!hear_line(s, line, err))
			return false;
		if (line[0] == '-')
			return refused(line + 1, err);
		if (count > 0 ? strcmp(line, "+OK") != 0 :
				line[0] != ':' || !text_to_number(line + 1, 0, INT32_MAX, number))
			return error_set(err, ERROR_PROTOCOL, "what answers there is no Redis");
	}
	return true;
}

static bool run(const struct account *account, long messages, long *wait, struct error *err)
{
	OWNED_STORE s = { .wire = NULL };
	OWNED_SECRET room = { 0 };
	struct buf said = { .limit = SECRET_MAX, .room = SECRET_MAX + 1 };
	int count;
	bool ok = store_open(&s, account, err);

	secret_make_room(&room);
	said.text = room.bytes;
	count = ok ? add_login(&said, &s) : 0;
	ok = ok && add_script(&said, account, messages, err) &&
	     (!buf_is_full(&said) ||
	      error_set(err, ERROR_CONFIG, "user and password are too long")) &&
	     s.wire->write(s.wire, said.text, said.len, err) && hear(&s, count, wait, err);
	return ok || error_context(err, "quota_store %s", account->quota_store);
}

bool quota_store_charge(const struct account *account, size_t messages, long *wait,
			struct error *err)
{
	long most = messages < INT32_MAX ? (long)messages : INT32_MAX;

	if (!run(account, most, wait, err))
		return false;
	if (*wait > WAIT_MAX)
		*wait = WAIT_MAX;
	return true;
}

bool quota_store_give_back(const struct account *account, size_t messages, struct error *err)
{
	long unused;

	return run(account, messages < INT32_MAX ? -(long)messages : -INT32_MAX, &unused, err);
}

bool quota_store_greet(const struct account *account, struct error *err)
{
	long unused;

	return run(account, 0, &unused, err);
}
