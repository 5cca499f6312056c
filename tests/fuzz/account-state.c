/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any bytes as the file of an account's quota and pauses, with the right checksum, and
 * behind a NUL any life that it leads from there, with a clock that goes where it
 * wants: what is written can always be read again, as the same.
 */
#include "fuzz.h"

#include <inttypes.h>

#include "base/sum.h"
#include "spool/account_state.h"

enum { ACTS_MAX = 40 };

struct act { /* of a life, as it stands in the input */
	int8_t what, unit;
	int16_t step;
	uint32_t random;
};

static void check_kept(const struct pace *p)
{
	OWNED_BUF text = BUF_INIT(STATE_TEXT_MAX), again = BUF_INIT(STATE_TEXT_MAX);
	struct pace read = { 0 };

	account_state_write(p, &text);
	MUST(!buf_is_full(&text));
	if (!account_state_read(&read, buf_text(&text), text.len)) {
		fprintf(stderr, "%s", buf_text(&text));
		abort();
	}
	account_state_write(&read, &again);
	MUST(text.len == again.len && !memcmp(text.text, again.text, text.len));
	text.text[(size_t)p->stamp % text.len] ^= 1;
	MUST(!account_state_read(&read, buf_text(&text), text.len));
}

static void play(struct pace *p, const struct act *act, time_t now)
{
	const struct quota quotas[] = { { 30, 100 }, { 0, 0 }, { 1, 1 }, { 0, 100000 } };
	const struct quota *quota = &quotas[act->random % COUNT_OF(quotas)];
	const struct moment moment = { now, act->random, act->unit & 8 };
	const struct setback setback = {
		.class = act->unit & 1 ? "network" : "quota",
		.why = "450\t4.5.127 \xe2\x80\xae",
		.is_quota = act->unit & 2,
		.delay = act->random % (PACE_PAUSE_MAX + 1),
		.about = act->random,
	};
	struct pace_use use;
	time_t at = 0;

	switch (act->what & 7) {
	case 0:
	case 1:
		if (!pace_ask(p, quota, 1 + act->random % 70, moment, &at))
			MUST(at > 0);
		break;
	case 2:
		pace_accepted(p, quota, now);
		break;
	case 3:
		pace_reached(p, now);
		break;
	case 4:
		if (act->unit & 4)
			pace_give_back(p, act->random % 70);
		else
			pace_undecided(p);
		break;
	case 5:
		pace_failed(p, quota, &setback, moment);
		break;
	case 6:
		(act->unit & 4 ? pace_nudge : pace_resume)(p);
		break;
	default:
		pace_look(p, quota, now, &use);
		MUST(use.minute >= 0 && use.hour >= 0);
		MUST(use.share_minute >= 0 && use.share_hour >= 0);
	}
}

static void live(struct pace *p, const uint8_t *data, size_t size)
{
	static const long units[] = { 1, 60, 3600, 86400 * 400L };
	int64_t now = p->stamp > 0 ? p->stamp : 1795000000;
	struct act act;

	size = size < ACTS_MAX * sizeof(act) ? size : ACTS_MAX * sizeof(act);
	for (; size >= sizeof(act); data += sizeof(act), size -= sizeof(act)) {
		memcpy(&act, data, sizeof(act));
		now += act.step * units[(act.unit >> 2) & 3];
		now = now < 1 ? 1 : now > INT64_MAX / 4 ? INT64_MAX / 4 : now;
		play(p, &act, now);
		check_kept(p);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED_BUF text = BUF_INIT(1024 * 1024);
	struct fuzz_pieces pieces = fuzz_cut(data, size, '\0');
	struct pace p;

	pace_init(&p);
	buf_add_bytes(&text, pieces.first, pieces.first_len);
	(void)account_state_read(&p, buf_text(&text), text.len);
	buf_addf(&text, "end %016" PRIx64 "\n",
		 sum_add(SUM_INIT, buf_text(&text), text.len));
	if (account_state_read(&p, buf_text(&text), text.len))
		check_kept(&p);
	live(&p, pieces.rest, pieces.rest_len);
	return 0;
}
