/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as what one end of the line about a queue hears of the other. The first byte says
 * which: as an answer they are none, or say the same when they are written again; as the
 * questions of a user nothing of another's mail is told or changed, whatever they are.
 */
#include "fuzz.h"

#include <sys/socket.h>

#include "config/account.h"
#include "daemon/inquiry.h"

enum { ONE = 1001, OTHER = 1002, ASKED_MAX = 4000, TOLD_MAX = 4 * 1024 * 1024 };

static const char other_word[] = "others-alone";

/* --- as an answer */

static void check_again(const struct buf *content, const struct buf *again)
{
	MUST(content->len == again->len && !memcmp(buf_text(content), buf_text(again), again->len));
}

static void check_look(const struct buf *content)
{
	OWNED_BUF again = BUF_INIT(QUEUE_WIRE_TOLD_MAX);
	OWNED_LOOK look = { .taken = TAKEN_GONE }, same = { .taken = TAKEN_GONE };

	if (!queue_look_read(content, &look))
		return;
	MUST(look.taken <= TAKEN_ERROR && look.place <= SPOOL_DAMAGED && look.is_afar);
	fuzz_must_be_printable(look.err.text);
	if (!queue_look_is_whole(&look))
		return;
	MUST(queue_look_write(&look, &again) && queue_look_read(&again, &same));
	MUST(same.entry.envelope.count == look.entry.envelope.count);
}

static void check_rows(const struct buf *content)
{
	OWNED_BUF again = BUF_INIT(QUEUE_WIRE_TOLD_MAX);
	OWNED_ROWS rows = { 0 };

	if (!queue_rows_read(content, &rows))
		return;
	for (size_t i = 0; i < rows.count; i++) {
		MUST(rows.items[i].place <= SPOOL_DAMAGED && strlen(rows.items[i].id) == ID_SIZE - 1);
		queue_row_write(&rows.items[i], &again);
	}
	check_again(content, &again);
}

static void check_others(const struct buf *content)
{
	struct wire_told told;
	struct wire_done done;
	struct wire_hello hello;
	struct throttle_view view;
	struct queue_rows sum = { 0 };

	if (queue_told_read(content, &told)) {
		MUST(told.outcome <= QUEUE_NOT_ALLOWED);
		entry_free(&told.entry);
	}
	if (queue_done_read(content, &done) && !done.ok)
		fuzz_must_be_printable(done.err.text);
	if (queue_hello_read(content, &hello))
		fuzz_must_be_printable(hello.path);
	if (queue_view_read(content, &view))
		fuzz_must_be_printable(view.why);
	if (queue_sum_read(content, &sum) && sum.trouble.kind)
		fuzz_must_be_printable(sum.trouble.text);
}

static void check_request(const struct buf *content)
{
	OWNED_BUF again = BUF_INIT(QUEUE_WIRE_ASKED_MAX);
	struct queue_request request;

	if (!queue_request_read(WIRE_CHANGE, content, &request))
		return;
	MUST(request.count <= QUEUE_WIRE_ROWS);
	queue_request_write(&request, &again);
	MUST(again.len == content->len);
}

/* --- as questions */

static struct queue queue = QUEUE_CLOSED;
static struct config config;

static void add_message(const char *id, uid_t uid, const char *word)
{
	OWNED_ENTRY e = { .arrived = 1, .next = 1, .uid = uid };
	OWNED_BUF text = BUF_INIT(1000);
	struct message m;
	struct error err = { 0 };

	buf_addf(&text, "Subject: %s\n\n%s\n", word, word);
	MUST(fuzz_read(&m, (const uint8_t *)text.text, text.len, false));
	memcpy(e.id, id, ID_SIZE);
	e.account = text_copy("test");
	e.config = text_copy("");
	e.envelope.sender = text_copy(word);
	envelope_add(&e.envelope, word);
	MUST(spool_add(&queue.spool, &e, &m, &err));
	message_free(&m);
}

static bool is_there(const char *id)
{
	struct entry_start start;

	return spool_look_start(&queue.spool, id, &start);
}

static void fill_spool(void)
{
	struct error err = { 0 };
	bool is_new;
	const char *directory = fuzz_directory(&is_new);

	if (is_new) {
		OWNED_BUF path = BUF_INIT(1000);

		config_init(&config);
		buf_addf(&path, "%s/spool", directory);
		queue.settings = &config.delivery;
		MUST(spool_open(&queue.spool, buf_text(&path), &err));
		queue.is_on = true;
	}
	if (!is_there("0000000000000001"))
		add_message("0000000000000001", ONE, "mine@example.org");
	if (!is_there("0000000000000002"))
		add_message("0000000000000002", OTHER, other_word);
}

static void poke(void *keeper)
{
	(void)keeper;
}

/* Rounds would send, and wait for who does: the questions end before the first one. */
static size_t without_rounds(const uint8_t *data, size_t size)
{
	size_t at = 0;

	while (size - at >= 5 && data[at] != WIRE_RUN && data[at] != WIRE_ATTEND) {
		size_t len = (size_t)data[at + 1] << 24 | (size_t)data[at + 2] << 16 |
			     (size_t)data[at + 3] << 8 | data[at + 4];

		if (len > size - at - 5)
			return size;
		at += 5 + len;
	}
	return at;
}

static void ask(const uint8_t *data, size_t size)
{
	const struct intake_desk intake = { .queue = &queue, .poke = poke };
	const struct inquiry_desk desk = { &intake, &config, ONE, false };
	OWNED_BUF told = BUF_INIT(TOLD_MAX);
	int ends[2];
	ssize_t n;
	char piece[16 * 1024];

	fill_spool();
	size = without_rounds(data, size < ASKED_MAX ? size : ASKED_MAX);
	MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
	MUST(write_all(ends[0], data, size) && shutdown(ends[0], SHUT_WR) == 0);
	inquiry_serve(&desk, ends[1]);
	close(ends[1]);
	while ((n = read_some(ends[0], piece, sizeof(piece))) > 0)
		buf_add_bytes(&told, piece, (size_t)n);
	close(ends[0]);
	MUST(!memmem(buf_text(&told), told.len, other_word, strlen(other_word)));
	MUST(is_there("0000000000000002"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED_BUF content = BUF_INIT(QUEUE_WIRE_TOLD_MAX);

	if (size == 0)
		return 0;
	if (*data == '?') {
		ask(data + 1, size - 1);
		return 0;
	}
	buf_add_bytes(&content, data + 1, size - 1);
	check_look(&content);
	check_rows(&content);
	check_others(&content);
	check_request(&content);
	return 0;
}
