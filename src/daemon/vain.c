/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Each visit in vain moves the moment away at which all is forgotten; how far away it is
 * tells how many there were. Where there is no place near his own, he who will be
 * forgotten first loses it: then somebody comes more freely than he should.
 */
#include "daemon/vain.h"

enum {
	TRIES = 16,		/* places that may be one's own */
	EACH = 200,		/* milliseconds until one visit is forgotten */
	FREE = 100 * EACH,	/* nobody waits for so much, */
	MOST = 150 * EACH,	/* and no more is counted */
	PACE = 10,		/* of what is above it, a part is waited for */
};

static size_t place_of(uint64_t whose, size_t number)
{
	return (size_t)((whose + number) % VAIN_PLACES);
}

/* NULL: nothing is known of him. */
static const struct vain_visitor *find(const struct vain *v, uint64_t whose)
{
	for (size_t i = 0; i < TRIES; i++)
		if (v->places[place_of(whose, i)].whose == whose)
			return &v->places[place_of(whose, i)];
	return NULL;
}

static struct vain_visitor *find_own(struct vain *v, uint64_t whose)
{
	const struct vain_visitor *own = find(v, whose);

	return own ? &v->places[own - v->places] : NULL;
}

static struct vain_visitor *take_place(struct vain *v, uint64_t whose)
{
	struct vain_visitor *first = &v->places[place_of(whose, 0)];

	for (size_t i = 1; i < TRIES; i++)
		if (v->places[place_of(whose, i)].until < first->until)
			first = &v->places[place_of(whose, i)];
	*first = (struct vain_visitor){ .whose = whose };
	return first;
}

void vain_count(struct vain *v, uint64_t whose, int64_t now)
{
	struct vain_visitor *one = find_own(v, whose);

	if (!one)
		one = take_place(v, whose);
	if (one->until < now) {
		one->until = now;
		one->is_told = false;
	}
	one->until += EACH;
	if (one->until > now + MOST)
		one->until = now + MOST;
}

void vain_forget(struct vain *v, uint64_t whose)
{
	struct vain_visitor *one = find_own(v, whose);

	if (one)
		*one = (struct vain_visitor){ .whose = 0 };
}

int vain_pause(const struct vain *v, uint64_t whose, int64_t now)
{
	const struct vain_visitor *one = find(v, whose);
	int64_t above = one ? one->until - now - FREE : 0;

	return above > 0 ? (int)(above / PACE) : 0;
}

bool vain_is_news(struct vain *v, uint64_t whose)
{
	struct vain_visitor *one = find_own(v, whose);
	bool is_news = one && !one->is_told;

	if (one)
		one->is_told = true;
	return is_news;
}
