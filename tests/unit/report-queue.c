/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who is told of a failure, with a real spool. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/log.h"
#include "delivery/report.h"
#include "mail/header.h"
#include "spool/hourly.h"

enum { TEXT_MAX = 1024 * 1024 };

static const time_t now = 1000000;

/* --- a spool of one message */

struct place {
	char path[PATH_MAX], log[PATH_MAX], aliases_path[PATH_MAX];
	struct spool spool;
	struct account account;
	struct delivery_settings settings;
	struct aliases aliases;
	struct reporter reporter;
	struct item item;
};

static void write_file(const char *path, const char *text)
{
	OWNED_FD fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_true(write_all(fd, text, strlen(text)));
}

static void place_make(struct place *p)
{
	const char *temp = getenv("TMPDIR");
	struct error err;

	*p = (struct place){ .spool = SPOOL_CLOSED, .item = ITEM_NONE };
	snprintf(p->path, sizeof(p->path), "%s/report-queue.XXXXXX", temp ? temp : "/tmp");
	assert_non_null(mkdtemp(p->path));
	snprintf(p->log, sizeof(p->log), "%.4000s/log", p->path);
	snprintf(p->aliases_path, sizeof(p->aliases_path), "%.4000s/aliases", p->path);
	write_file(p->aliases_path, "root: admin@example.com, ops@example.com\n"
		   "lost: nobody-knows\n");
	log_open((struct log_place){ p->log, LOG_AS_TEXT }, "test");
	p->account = (struct account){
		.name = (char *)"work", .service = (char *)"other",
		.host = (char *)"smtp.example", .domain = (char *)"host.example",
		.from = (char *)"noreply@example.org", .null_sender = NULL_SENDER_SEND,
		.password_expires = (char *)"", .tls_client_cert = (char *)"",
	};
	p->settings = (struct delivery_settings){
		.report_to = (char *)"", .reports_per_hour = 20, .warn_after = 4, .keep_failed = 30,
		.expire = 5,
	};
	aliases_init(&p->aliases, p->aliases_path, "");
	p->reporter = (struct reporter){
		.spool = &p->spool, .account = &p->account, .settings = &p->settings,
		.aliases = &p->aliases, .now = now, .config = "/etc/other.ini",
	};
	if (!spool_open(&p->spool, p->path, &err))
		fail_msg("%s", err.text);
}

static void place_remove(struct place *p)
{
	pid_t child;
	int status;

	item_release(&p->item);
	aliases_free(&p->aliases);
	spool_close(&p->spool);
	log_close();
	child = fork();
	if (child == 0) {
		execlp("rm", "rm", "-rf", p->path, (char *)NULL);
		_exit(127);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

struct story {
	const char *name;
	const char *header;	/* of the message, besides its subject */
	const char *sender, *origin, *notify;
	enum report_kind kind;
	enum verdict verdict;
	bool is_report, is_reported;
	const char *report_to;
	const char *told;	/* the report's recipients; NULL: nobody */
	const char *logged;	/* words of the log */
};

/* Puts the story's message into the spool, and takes it. */
static void place_put(struct place *p, const struct story *s)
{
	OWNED_ENTRY e = { .arrived = now - 5 * 60 * 60, .is_report = s->is_report, .uid = 12 };
	struct error err, why;
	OWNED_MESSAGE m;

	id_new(e.id);
	e.account = text_copy("work");
	e.config = text_copy("/etc/other.ini");
	e.message_id = text_copy("");
	e.envelope.sender = text_copy(s->sender);
	e.envelope.origin = s->origin ? text_copy(s->origin) : NULL;
	e.envelope.notify = s->notify ? text_copy(s->notify) : NULL;
	envelope_add(&e.envelope, "bob@example.net");
	error_set(&why, ERROR_NO_USER, "550 5.1.1 who is bob?");
	why.reply = 550;
	envelope_judge(&e.envelope, &e.envelope.recipients[0], s->verdict, &why);
	e.envelope.recipients[0].is_reported = s->is_reported;
	message_init(&m);
	buf_addf(&m.header, "Subject: test\r\n%s", s->header ? s->header : "");
	assert_true(message_add_body(&m, "x\r\n", 3, &err) && message_finish(&m, &err));
	if (!spool_add(&p->spool, &e, &m, &err))
		fail_msg("%s", err.text);
	assert_int_equal(spool_take(&p->spool, e.id, false, &p->item, &err), TAKEN);
}

/* --- what came of it */

struct found {
	const char *other_than;
	char id[ID_SIZE];
	size_t count;
};

static bool see(void *seer, const char *id, const struct entry_start *start)
{
	struct found *found = seer;

	(void)start;
	if (strcmp(id, found->other_than) != 0) {
		snprintf(found->id, sizeof(found->id), "%s", id);
		found->count++;
	}
	return true;
}

static struct found find_reports(struct place *p)
{
	struct found found = { .other_than = p->item.entry.id };
	struct error err;

	assert_true(spool_scan(&p->spool, false, see, &found, &err));
	return found;
}

static void check_log(const struct place *p, const char *name, const char *words)
{
	OWNED_BUF text = BUF_INIT(TEXT_MAX);
	OWNED_FD fd = open(p->log, O_RDONLY | O_CLOEXEC);
	struct error err;

	assert_true(fd >= 0 && file_read(fd, &text, &err));
	if (!strstr(buf_text(&text), words))
		fail_msg("%s: the log says %s", name, buf_text(&text));
}

static void check_report(struct place *p, const char *id, const struct story *s)
{
	OWNED_ITEM item = ITEM_NONE;
	OWNED_BUF told = BUF_INIT(TEXT_MAX);
	struct error err;
	OWNED_MESSAGE m;

	message_init(&m);
	assert_int_equal(spool_take(&p->spool, id, false, &item, &err), TAKEN);
	assert_true(item_message(&item, &m, &err));
	assert_true(item.entry.is_report);
	assert_int_equal(item.entry.uid, 12);
	assert_int_equal(item.entry.next, now);
	assert_string_equal(item.entry.account, "work");
	assert_string_equal(item.entry.config, "/etc/other.ini");
	assert_string_equal(item.entry.envelope.sender, "");
	assert_string_equal(item.entry.envelope.notify, "NEVER");
	assert_true(strlen(item.entry.message_id) > 10);
	for (size_t i = 0; i < item.entry.envelope.count; i++)
		buf_addf(&told, "%s%s", i ? ", " : "", item.entry.envelope.recipients[i].mailbox);
	assert_string_equal(buf_text(&told), s->told);
	assert_non_null(strstr(buf_text(&m.body), "\r\n    acsmtp queue retry "));
	assert_non_null(strstr(buf_text(&m.body), s->kind == REPORT_FAILED ?
			       "Action: failed\r\n" : "Action: delayed\r\n"));
}

static const struct story stories[] = {
	{ .name = "the origin", .sender = "noreply@example.org", .origin = "me@example.org",
	  .verdict = VERDICT_REFUSED, .told = "me@example.org",
	  .logged = "failure is reported to <me@example.org> as" },
	{ .name = "unknown origin", .sender = "me@example.org", .verdict = VERDICT_REFUSED,
	  .told = "me@example.org", .logged = "is reported" },
	{ .name = "a bare name", .sender = "noreply@example.org", .origin = "root",
	  .verdict = VERDICT_REFUSED, .told = "admin@example.com, ops@example.com",
	  .logged = "to <admin@example.com> and others as" },
	{ .name = "a name that leads nowhere", .sender = "noreply@example.org", .origin = "lost",
	  .verdict = VERDICT_REFUSED, .logged = "nobody is told of its failure: recipient \"lost\"" },
	{ .name = "somebody else", .sender = "me@example.org", .origin = "me@example.org",
	  .verdict = VERDICT_REFUSED, .report_to = "boss@example.org", .told = "boss@example.org",
	  .logged = "is reported" },
	{ .name = "a domain of letters", .sender = "me@example.org", .origin = "me@b\xc3\xbc" "cher.example",
	  .verdict = VERDICT_REFUSED, .told = "me@xn--bcher-kva.example", .logged = "is reported" },
	{ .name = "the null sender", .sender = "", .origin = "", .verdict = VERDICT_REFUSED,
	  .logged = "its sender is <>" },
	{ .name = "the null sender that the account replaced", .sender = "noreply@example.org",
	  .origin = "", .verdict = VERDICT_REFUSED, .logged = "its sender is <>" },
	{ .name = "the null sender, and report_to", .sender = "", .verdict = VERDICT_REFUSED,
	  .report_to = "boss@example.org", .logged = "its sender is <>" },
	{ .name = "a report", .sender = "me@example.org", .verdict = VERDICT_REFUSED,
	  .is_report = true, .logged = "it is a report itself" },
	{ .name = "told before", .sender = "me@example.org", .verdict = VERDICT_REFUSED,
	  .is_reported = true, .logged = "no recipient is left" },
	{ .name = "accepted", .sender = "me@example.org", .verdict = VERDICT_ACCEPTED,
	  .logged = "no recipient is left" },
	{ .name = "waits, not failed", .sender = "me@example.org", .verdict = VERDICT_LATER,
	  .logged = "no recipient is left" },
	{ .name = "late", .sender = "me@example.org", .verdict = VERDICT_LATER,
	  .kind = REPORT_DELAYED, .told = "me@example.org",
	  .logged = "delay is reported to <me@example.org>" },
	{ .name = "late, not tried", .sender = "me@example.org", .verdict = VERDICT_NONE,
	  .kind = REPORT_DELAYED, .told = "me@example.org", .logged = "is reported" },
	{ .name = "never", .sender = "me@example.org", .verdict = VERDICT_REFUSED,
	  .notify = "NEVER", .logged = "NOTIFY" },
	{ .name = "success alone", .sender = "me@example.org", .verdict = VERDICT_REFUSED,
	  .notify = "SUCCESS", .logged = "NOTIFY" },
	{ .name = "delay alone", .sender = "me@example.org", .verdict = VERDICT_REFUSED,
	  .notify = "DELAY", .logged = "NOTIFY" },
	{ .name = "failure among others", .sender = "me@example.org", .verdict = VERDICT_REFUSED,
	  .notify = "SUCCESS,failure,DELAY", .told = "me@example.org", .logged = "is reported" },
	{ .name = "late, but failures alone", .sender = "me@example.org", .verdict = VERDICT_LATER,
	  .kind = REPORT_DELAYED, .notify = "FAILURE", .logged = "its delay: the sender does not" },
	{ .name = "late, and delays", .sender = "me@example.org", .verdict = VERDICT_LATER,
	  .kind = REPORT_DELAYED, .notify = "FAILURE,DELAY", .told = "me@example.org",
	  .logged = "is reported" },
	{ .name = "an automatic answer", .sender = "me@example.org", .verdict = VERDICT_REFUSED,
	  .header = "auto-submitted: auto-replied; owner=x\r\n", .logged = "auto-replied" },
	{ .name = "an answer with a comment", .sender = "me@example.org",
	  .verdict = VERDICT_REFUSED, .header = "Auto-Submitted:\r\n Auto-Replied (away)\r\n",
	  .logged = "Auto-Replied" },
	{ .name = "no, but yes", .sender = "me@example.org", .verdict = VERDICT_REFUSED,
	  .header = "Auto-Submitted: no\r\nAuto-Submitted:\r\n auto-replied\r\n",
	  .logged = "auto-replied" },
	{ .name = "no automatic mail", .sender = "me@example.org", .verdict = VERDICT_REFUSED,
	  .header = "Auto-Submitted: No (of course)\r\n", .told = "me@example.org",
	  .logged = "is reported" },
	{ .name = "as cron sends", .sender = "me@example.org", .verdict = VERDICT_REFUSED,
	  .header = "Auto-Submitted: auto-generated\r\nPrecedence: bulk\r\n",
	  .told = "me@example.org", .logged = "is reported" },
	{ .name = "a word that begins alike", .sender = "me@example.org",
	  .verdict = VERDICT_REFUSED, .header = "Auto-Submitted: auto-replied-not\r\n",
	  .told = "me@example.org", .logged = "is reported" },
	{ .name = "a list", .sender = "me@example.org", .verdict = VERDICT_REFUSED,
	  .header = "Precedence: LIST\r\n", .told = "me@example.org", .logged = "is reported" },
	{ .name = "junk", .sender = "me@example.org", .verdict = VERDICT_REFUSED,
	  .header = "Precedence: junk\r\n", .told = "me@example.org", .logged = "is reported" },
};

static void test_stories(void **state)
{
	bool is_told;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(stories); i++) {
		const struct story *s = &stories[i];
		struct place p;
		struct found found;
		struct error err;

		place_make(&p);
		place_put(&p, s);
		if (s->report_to)
			p.settings.report_to = (char *)s->report_to;
		if (!report_queue(&p.reporter, &p.item, s->kind, &is_told, &err))
			fail_msg("%s: %s", s->name, err.text);
		found = find_reports(&p);
		assert_int_equal(is_told, s->told != NULL);
		if (found.count != (s->told ? 1 : 0))
			fail_msg("%s: %zu reports", s->name, found.count);
		check_log(&p, s->name, s->logged);
		if (s->told)
			check_report(&p, found.id, s);
		place_remove(&p);
	}
}

/* --- who it is from */

static const struct {
	const char *from;
	int null_sender;
	const char *sender, *header_from;
} senders[] = {
	{ "noreply@example.org", NULL_SENDER_SEND, "",
	  "Mail Delivery System <noreply@example.org>" },
	{ "noreply@example.org", NULL_SENDER_ACCOUNT, "noreply@example.org",
	  "Mail Delivery System <noreply@example.org>" },
	{ "", NULL_SENDER_ACCOUNT, "", "Mail Delivery System <MAILER-DAEMON@host.example>" },
};

static void test_senders(void **state)
{
	bool is_told;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(senders); i++) {
		OWNED_ITEM report = ITEM_NONE;
		OWNED_TEXT from = NULL;
		struct field field;
		struct place p;
		struct error err;
		OWNED_MESSAGE m;

		message_init(&m);
		place_make(&p);
		place_put(&p, &stories[0]);
		p.account.from = (char *)senders[i].from;
		p.account.null_sender = senders[i].null_sender;
		assert_true(report_queue(&p.reporter, &p.item, REPORT_FAILED, &is_told, &err));
		assert_int_equal(spool_take(&p.spool, find_reports(&p).id, false, &report, &err),
				 TAKEN);
		assert_true(item_message(&report, &m, &err));
		assert_string_equal(report.entry.envelope.sender, senders[i].sender);
		assert_true(header_find(&m.header, "From", &field));
		from = field_text(&field);
		assert_string_equal(from, senders[i].header_from);
		place_remove(&p);
	}
}

/* --- how many */

/* What is over the limit is logged and leaves the message as it was. */
static void test_limit(void **state)
{
	bool is_told;
	struct place p;
	struct error err;

	(void)state;
	place_make(&p);
	place_put(&p, &stories[0]);
	p.settings.reports_per_hour = 2;
	for (int i = 0; i < 4; i++)
		assert_true(report_queue(&p.reporter, &p.item, REPORT_FAILED, &is_told, &err));
	assert_int_equal(find_reports(&p).count, 2);
	check_log(&p, "limit", "nobody is told of its failure: more than reports_per_hour");
	p.reporter.now = now + 3600;
	assert_true(report_queue(&p.reporter, &p.item, REPORT_FAILED, &is_told, &err));
	assert_int_equal(find_reports(&p).count, 3);
	p.settings.reports_per_hour = 0;
	p.reporter.now = now + 36000;
	assert_true(report_queue(&p.reporter, &p.item, REPORT_FAILED, &is_told, &err));
	assert_int_equal(find_reports(&p).count, 3);
	check_log(&p, "limit", "reports_per_hour is 0");
	place_remove(&p);
}

/* What the file holds before; how many more may happen within the same moment. */
static const struct {
	const char *name, *before;
	int left;
} counts[] = {
	{ "none", "", 3 },
	{ "recent ones", "999000\n999990\n", 1 },
	{ "old ones", "100\n996400\n", 3 },
	{ "of a clock that was ahead", "2000000\n2000001\n2000002\n", 3 },
	{ "of a clock that was a little ahead", "1000600\n", 2 },
	{ "no text of ours", "\1\2nonsense", 3 },
	{ "cut short", "999990\n99", 2 },
	{ "a number without end", "99999999999999999999999999999999999999\n999990\n", 2 },
};

static void test_hourly(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(counts); i++) {
		struct place p;
		struct error err;
		bool may = true;
		int left = -1;

		place_make(&p);
		write_file((snprintf(p.log, sizeof(p.log), "%.4000s/reports", p.path), p.log),
			   counts[i].before);
		for (; may; left++)
			if (!hourly_take(p.spool.dir, "reports", 3, now, &may, &err))
				fail_msg("%s: %s", counts[i].name, err.text);
		if (left != counts[i].left)
			fail_msg("%s: %d left", counts[i].name, left);
		place_remove(&p);
	}
}

/* Processes at the same time do not miscount. */
static void test_together(void **state)
{
	enum { PROCESSES = 8, MOST = 100 };
	pid_t children[PROCESSES];
	struct place p;
	struct error err;
	int taken = 0;
	bool may;

	(void)state;
	place_make(&p);
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			int count = 0;

			while (hourly_take(p.spool.dir, "reports", MOST, now, &may, &err) && may)
				count++;
			_exit(count);
		}
		assert_true(children[i] > 0);
	}
	for (int i = 0; i < PROCESSES; i++) {
		int status;

		assert_int_equal(waitpid(children[i], &status, 0), children[i]);
		assert_true(WIFEXITED(status));
		taken += WEXITSTATUS(status);
	}
	assert_int_equal(taken, MOST);
	place_remove(&p);
}

/* A link leads out of the spool; a lock that nobody gives back is not waited for. */
static void test_bad_count_file(void **state)
{
	bool is_told;
	struct place p;
	struct error err;
	char path[PATH_MAX];
	bool may;
	int fd;

	(void)state;
	place_make(&p);
	place_put(&p, &stories[0]);
	snprintf(path, sizeof(path), "%.4000s/reports", p.path);
	assert_int_equal(symlink("elsewhere", path), 0);
	assert_false(hourly_take(p.spool.dir, "reports", 3, now, &may, &err));
	assert_false(may);
	assert_false(report_queue(&p.reporter, &p.item, REPORT_FAILED, &is_told, &err));
	assert_non_null(strstr(err.text, "report about "));
	assert_int_equal(find_reports(&p).count, 0);
	assert_int_equal(unlink(path), 0);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(flock(fd, LOCK_EX), 0);
	assert_false(hourly_take(p.spool.dir, "reports", 3, now, &may, &err));
	close(fd);
	assert_true(hourly_take(p.spool.dir, "reports", 3, now, &may, &err));
	place_remove(&p);
}

/* --- trouble */

/* A message whose bytes are not its own any more is not reported but said. */
static void test_damaged(void **state)
{
	bool is_told;
	char path[PATH_MAX];
	struct place p;
	struct error err;
	int fd;

	(void)state;
	place_make(&p);
	place_put(&p, &stories[0]);
	snprintf(path, sizeof(path), "%.4000s/%s.msg", p.path, p.item.entry.id);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "s", 1, 0), 1);
	close(fd);
	assert_false(report_queue(&p.reporter, &p.item, REPORT_FAILED, &is_told, &err));
	assert_int_equal(err.kind, ERROR_DATA);
	assert_int_equal(find_reports(&p).count, 0);
	place_remove(&p);
}

/* --- when a warning is due */

static const struct {
	long warn_after;
	time_t age;
	bool is_warned, is_report;
	enum verdict verdict;
	bool is_due;
} warnings[] = {
	{ 4, 4 * 3600, false, false, VERDICT_LATER, true },
	{ 4, 4 * 3600, false, false, VERDICT_NONE, true },
	{ 4, 4 * 3600 - 1, false, false, VERDICT_LATER, false },
	{ 4, 5 * 3600, true, false, VERDICT_LATER, false },
	{ 4, 5 * 3600, false, true, VERDICT_LATER, false },
	{ 4, 5 * 3600, false, false, VERDICT_REFUSED, false },
	{ 0, 500 * 3600, false, false, VERDICT_LATER, false },
	{ 4, -5 * 3600, false, false, VERDICT_LATER, false },
};

static void test_due(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(warnings); i++) {
		struct delivery_settings settings = { .warn_after = warnings[i].warn_after };
		struct reporter r = { .settings = &settings, .now = now };
		OWNED_ENTRY e = { .arrived = now - warnings[i].age,
				  .is_warned = warnings[i].is_warned,
				  .is_report = warnings[i].is_report };

		envelope_add(&e.envelope, "a@example.org");
		e.envelope.recipients[0].verdict = warnings[i].verdict;
		if (report_is_due(&r, &e) != warnings[i].is_due)
			fail_msg("case %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),	     cmocka_unit_test(test_senders),
		cmocka_unit_test(test_limit),	     cmocka_unit_test(test_hourly),
		cmocka_unit_test(test_together),     cmocka_unit_test(test_bad_count_file),
		cmocka_unit_test(test_damaged),	     cmocka_unit_test(test_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
