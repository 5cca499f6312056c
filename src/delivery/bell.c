/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "delivery/bell.h"

#include <string.h>

#include "base/file.h"

enum {
	BELL_MAX = 32 * 1024,	/* so much unheard means that some may not have fitted */
};

struct hearing {
	struct bell *bell;
	bell_tell_fn *tell;
	void *hearer;
};

void bell_open(struct bell *b, const struct spool *s)
{
	*b = (struct bell){ .fd = spool_open_bell(s) };
}

void bell_close(struct bell *b)
{
	fd_cleanup(&b->fd);
	b->fd = -1;
}

static void hear_line(const struct hearing *h)
{
	struct bell *b = h->bell;
	enum bell_word word = BELL_LOOK;

	b->line[b->line_len] = '\0';
	if (b->line_len == ID_SIZE - 1)
		word = b->is_again ? BELL_AGAIN : BELL_NEW;
	else if (!strcmp(b->line, SPOOL_FLUSH))
		word = BELL_FLUSH;
	b->line_len = 0;
	b->is_again = false;
	h->tell(h->hearer, word, b->line);
}

static void hear(const struct hearing *h, char c)
{
	struct bell *b = h->bell;
	bool is_of_id = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'v');

	if (c == '\n')
		hear_line(h);
	else if (is_of_id && b->line_len < ID_SIZE - 1)
		b->line[b->line_len++] = c;
	else if (c == SPOOL_AGAIN && b->line_len == ID_SIZE - 1)
		b->is_again = true;
	else
		h->tell(h->hearer, BELL_LOOK, "");
}

void bell_listen(struct bell *b, bell_tell_fn *tell, void *hearer)
{
	const struct hearing h = { b, tell, hearer };
	char rings[1024];
	size_t heard = 0;
	ssize_t n;

	while (b->fd >= 0 && (n = read_some(b->fd, rings, sizeof(rings))) > 0) {
		for (ssize_t i = 0; i < n; i++)
			hear(&h, rings[i]);
		heard += (size_t)n;
	}
	if (heard >= BELL_MAX)
		tell(hearer, BELL_LOOK, "");
}
