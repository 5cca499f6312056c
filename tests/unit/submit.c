/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Submission for a caller who is not the user of this process. */
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "delivery/local.h"
#include "delivery/reception.h"
#include "net/net.h"
#include "net/pair.h"
#include "secret/file.h"
#include "unit/pki.h"

enum { TEXT_MAX = 64 * 1024 };

static const char text[] = "Subject: s\r\nTo: bob@example.net\r\n\r\nwords\r\n";

/* A configuration of one account, whose server nobody can reach, and a queue of its own. */
struct house {
	struct config config;
	struct aliases aliases;
	struct queue queue;
	struct caller caller;
	struct submittal given;
	char id[ID_SIZE];
};

static void write_file(const char *path, const char *content)
{
	OWNED_FD fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_true(write_all(fd, content, strlen(content)));
}

static char *content(const char *path)
{
	OWNED_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	OWNED_BUF b = BUF_INIT(TEXT_MAX);
	struct error err;

	assert_true(fd >= 0);
	assert_true(file_read(fd, &b, &err));
	return buf_take(&b);
}

/* `more`: lines of the account. */
static void house_open(struct house *h, const char *more)
{
	OWNED_BUF ini = BUF_INIT(TEXT_MAX);
	struct error err;

	write_file(scratch("log"), "");
	write_file(scratch("aliases"), "alice: admin@example.com\nlost: nobody-knows-him\n");
	buf_addf(&ini, "[delivery]\nqueue = on\nbackground = off\nspool = %s\naliases = %s\n"
		 "[account work]\nservice = other\nhost = 127.0.0.1\nport = 1\n"
		 "sender_policy = keep\nlog = %s\n%s", scratch("spool"), scratch("aliases"),
		 scratch("log"), more);
	write_file(scratch("ini"), buf_text(&ini));
	*h = (struct house){ .queue = QUEUE_CLOSED };
	if (!config_load(&h->config, scratch("ini"), &err))
		fail_msg("%s", err.text);
	local_init(&h->aliases, &h->config);
	h->caller = (struct caller){ .uid = getuid() + 4242, .login = "alice",
				     .full_name = "Alice A.", .host = "192.0.2.7" };
	id_new(h->id);
	h->given = (struct submittal){
		.caller = &h->caller,
		.config = &h->config,
		.config_file = scratch("ini"),
		.aliases = &h->aliases,
		.queue = &h->queue,
		.id = h->id,
	};
}

static void house_close(struct house *h)
{
	queue_close(&h->queue);
	aliases_free(&h->aliases);
	config_free(&h->config);
	log_close();
}

static void read_text(struct message *m)
{
	struct message_intake *in;
	struct error err;

	message_init(m);
	in = message_intake_begin(m, 0);
	assert_true(message_intake_add(in, text, strlen(text), &err));
	assert_true(message_intake_end(in, &err));
}

/* Submits the text to `to`; true as submit() says. */
static bool hand_in(struct house *h, const char *to, struct message *m, struct envelope *e,
		    struct error *err)
{
	read_text(m);
	envelope_add(e, to);
	return submit(&h->given, e, m, err);
}

static char *of_alice(const char *form)
{
	OWNED_TEXT host = net_mail_name();
	OWNED_BUF words = BUF_INIT(TEXT_MAX);

	buf_addf(&words, "%s@%s", form, host);
	return buf_take(&words);
}

static void assert_logged(const struct house *h, const char *words)
{
	OWNED_TEXT log = content(scratch("log"));
	OWNED_BUF who = BUF_INIT(TEXT_MAX);

	buf_addf(&who, "uid=%ld user=alice host=192.0.2.7", (long)h->caller.uid);
	if (!strstr(log, buf_text(&who)) || !strstr(log, words))
		fail_msg("no \"%s\" of %s in: %s", words, buf_text(&who), log);
}

/* What the queue has of it is the caller's. */
static void assert_queued(struct house *h, const char *id)
{
	OWNED_ENTRY entry = { .id = "" };
	OWNED_TEXT mailbox = of_alice("alice");
	struct error err;

	if (spool_look(&h->queue.spool, id, SPOOL_QUEUE, &entry, &err) != TAKEN)
		fail_msg("%s", err.text);
	assert_int_equal(entry.uid, h->caller.uid);
	assert_string_equal(entry.user_name, "Alice A.");
	assert_string_equal(entry.user, "alice");
	assert_string_equal(entry.host, "192.0.2.7");
	assert_string_equal(entry.envelope.origin, "alice");
	assert_string_equal(entry.envelope.sender, mailbox);
}

/* The sender policy is applied anew when it is sent, and still knows who it was. */
static void assert_sent_as(struct house *h, const char *from)
{
	OWNED_ITEM item = ITEM_NONE;
	OWNED_TEXT mailbox = of_alice("alice");
	OWNED_MESSAGE m;
	struct error err;

	message_init(&m);
	assert_int_equal(spool_take(&h->queue.spool, h->id, SPOOL_QUEUE, &item, &err), TAKEN);
	if (!item_message(&item, &m, &err) ||
	    !queue_prepare(h->given.account, &h->aliases, &item.entry, &m, &err))
		fail_msg("%s", err.text);
	assert_string_equal(item.entry.envelope.sender, mailbox);
	assert_non_null(strstr(buf_text(&m.header), from));
}

static void test_to_queue(void **state)
{
	OWNED_TEXT from = of_alice("From: \"Alice A.\" <alice");
	OWNED_ENVELOPE e = { 0 };
	OWNED_MESSAGE m;
	struct house h;
	struct error err;

	(void)state;
	house_open(&h, "tls = off\n");
	h.given.wishes.mode = SUBMIT_TO_QUEUE;
	if (!hand_in(&h, "bob@example.net", &m, &e, &err))
		fail_msg("%s", err.text);
	assert_true(h.given.is_queued);
	assert_non_null(strstr(buf_text(&m.header), from));
	assert_queued(&h, h.id);
	assert_sent_as(&h, from);
	assert_logged(&h, "queued:");
	house_close(&h);
}

/* Somebody whom the user database alone knows. */
static void test_user_of_the_database(void **state)
{
	const uid_t uid = getuid() == 0 ? 1 : 0;
	const struct passwd *user = getpwuid(uid);
	OWNED_TEXT login = user ? text_copy(user->pw_name) : NULL;
	OWNED_TEXT mailbox = login ? of_alice(login) : NULL;
	OWNED_ENVELOPE e = { 0 };
	OWNED_MESSAGE m;
	struct house h;
	struct error err;

	(void)state;
	if (!login)
		skip();
	house_open(&h, "tls = off\n");
	h.caller = (struct caller){ .uid = uid };
	h.given.wishes.mode = SUBMIT_NOTHING;
	assert_true(hand_in(&h, "bob@example.net", &m, &e, &err));
	assert_string_equal(e.sender, mailbox);
	assert_string_equal(e.origin, login);
	house_close(&h);
}

/* Nothing is opened, and nobody is asked, for what is only made ready. */
static void test_nothing(void **state)
{
	OWNED_ENVELOPE e = { 0 };
	OWNED_MESSAGE m;
	struct house h;
	struct error err;

	(void)state;
	house_open(&h, "tls = off\n");
	h.given.wishes.mode = SUBMIT_NOTHING;
	assert_true(hand_in(&h, "bob@example.net", &m, &e, &err));
	assert_string_equal(h.given.account->name, "work");
	assert_int_equal(e.recipients[0].verdict, VERDICT_NONE);
	assert_null(h.queue.settings);
	assert_false(h.given.is_begun);
	house_close(&h);
}

/* --- the person who waits */

static char asked[200];

static bool is_there(void)
{
	return true;
}

static bool answer(const char *question, int seconds, struct secret *secret,
		   struct error *err)
{
	(void)seconds;
	(void)err;
	snprintf(asked, sizeof(asked), "%s", question);
	secret_make_room(secret);
	memcpy(secret->bytes, "pw\n", 3);
	return secret_keep_first_line(secret, 3);
}

static const struct asker asker = { is_there, answer };

/* Where he is, and nowhere else: this process may have a terminal of its own. */
static void test_who_is_asked(void **state)
{
	OWNED_ENVELOPE e = { 0 }, other = { 0 };
	OWNED_MESSAGE m, n;
	struct house h;
	struct error err;

	(void)state;
	house_open(&h, "user = u\nauth = login\nkeyring = off\n");
	h.caller.asker = &asker;
	h.given.wishes.mode = SUBMIT_DIRECTLY;
	if (!hand_in(&h, "bob@example.net", &m, &e, &err))
		fail_msg("%s", err.text);	/* it waits for the server */
	assert_string_equal(asked, "Password of u at 127.0.0.1: ");
	assert_true(h.given.is_queued);
	assert_queued(&h, h.id);
	assert_logged(&h, "not sent:");

	asked[0] = '\0';
	h.caller.asker = NULL;
	id_new(h.id);
	h.given.is_queued = h.given.is_kept = false;
	assert_false(hand_in(&h, "bob@example.net", &n, &other, &err));
	assert_string_equal(asked, "");
	assert_int_equal(err.kind, ERROR_CONFIG);
	house_close(&h);
}

/* --- reports */

/* Of what is refused he is told, by the alias of his name. */
static void test_report(void **state)
{
	OWNED_ENVELOPE e = { 0 };
	OWNED_MESSAGE m;
	OWNED_TEXT log = NULL;
	struct house h;
	struct error why, err;

	(void)state;
	house_open(&h, "tls = off\n");
	h.given.wishes.keeps_failures = true;
	error_set(&why, ERROR_NO_USER, "nobody of that name");
	envelope_refuse(&e, "lost", &why);
	read_text(&m);
	assert_false(submit(&h.given, &e, &m, &err));
	assert_true(h.given.is_kept);
	log = content(scratch("log"));
	if (!strstr(log, "failure is reported to <admin@example.com>"))
		fail_msg("%s", log);
	assert_logged(&h, "not taken:");
	house_close(&h);
}

/* --- a dialogue */

static void test_dialogue(void **state)
{
	static const char said[] = "EHLO c\r\nMAIL FROM:<alice>\r\nRCPT TO:<bob@example.net>\r\n"
		"RCPT TO:<lost>\r\nDATA\r\nSubject: s\r\n\r\nwords\n.\nmore\r\n.\r\nQUIT\r\n";
	const struct server_options options = { .name = "here", .max_recipients = 10,
						.idle_timeout = 10 };
	static const char queued[] = "250 2.0.0 Ok: queued as ";
	OWNED_TEXT heard = NULL;
	struct reception r;
	struct transport *wire;
	struct house h;
	struct error err;
	char id[ID_SIZE];
	const char *at;
	int in, out;

	(void)state;
	house_open(&h, "tls = off\n");
	h.given.wishes.mode = SUBMIT_TO_QUEUE;
	write_file(scratch("in"), said);
	write_file(scratch("out"), "");
	in = open(scratch("in"), O_RDONLY | O_CLOEXEC);
	out = open(scratch("out"), O_WRONLY | O_CLOEXEC);
	wire = pair_open(in, out);
	reception_begin(&r, &h.given);
	if (!smtp_serve(wire, &options, &r.taker, &err))
		fail_msg("%s", err.text);
	wire->close(wire);
	close(in);
	close(out);
	heard = content(scratch("out"));
	at = strstr(heard, queued);
	if (!at || !strstr(heard, "550 5.1.1 "))
		fail_msg("%s", heard);
	snprintf(id, sizeof(id), "%.*s", ID_SIZE - 1, at + strlen(queued));
	assert_queued(&h, id);
	assert_logged(&h, "queued:");
	house_close(&h);
}

static int remove_spool(void **state)
{
	pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		execlp("rm", "rm", "-rf", scratch("spool"), (char *)NULL);
		_exit(127);
	}
	return waitpid(child, &status, 0) == child && status == 0 ? 0 : -1;
}

static int remove_scratch(void **state)
{
	(void)state;
	scratch_remove();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_to_queue, remove_spool),
		cmocka_unit_test_teardown(test_user_of_the_database, remove_spool),
		cmocka_unit_test_teardown(test_nothing, remove_spool),
		cmocka_unit_test_teardown(test_who_is_asked, remove_spool),
		cmocka_unit_test_teardown(test_report, remove_spool),
		cmocka_unit_test_teardown(test_dialogue, remove_spool),
	};

	/* Neither a .netrc nor a session cache of whoever runs the tests. */
	setenv("HOME", scratch_directory(), true);
	unsetenv("XDG_STATE_HOME");
	unsetenv("CREDENTIALS_DIRECTORY");
	return cmocka_run_group_tests_name("submit", tests, NULL, remove_scratch);
}
