/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Want of memory ends the process, with a word on what has become of the message. So
 * nobody above has a branch for it, which nobody could ever test.
 */
#include "base/base.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fate.h"

enum { STACK_DEPTH = 128 * 1024 };	/* bytes that calls may have gone down */

/* Nothing that needs memory may be called from here on, exit handlers included. */
_Noreturn void out_of_memory(void)
{
	fate_end("out of memory");
}

void *xmalloc(size_t size)
{
	/* malloc(0) may be NULL with plenty of memory. */
	void *memory = malloc(size ? size : 1);

	if (!memory)
		out_of_memory();
	return memory;
}

void *xcalloc(size_t count, size_t size)
{
	void *memory = calloc(count ? count : 1, size ? size : 1);

	if (!memory)
		out_of_memory();
	return memory;
}

void *xrealloc(void *old, size_t size)
{
	void *memory = realloc(old, size ? size : 1);

	if (!memory)
		out_of_memory();
	return memory;
}

/*
 * Below our own frame there is nothing any more; the page that it ends in stays, and a signal
 * that comes meanwhile finds zeros where it may write. What is beyond the stack is not
 * mapped, and passed over.
 */
void memory_rest(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
	uintptr_t end = (frame & ~(page - 1)) - page;

	(void)malloc_trim(0);
	/* NOLINTNEXTLINE(performance-no-int-to-ptr): an address that is worked out */
	(void)madvise((void *)(end - STACK_DEPTH), STACK_DEPTH, MADV_DONTNEED);
}

void grow(void **items, size_t *room, size_t count, size_t size)
{
	if (count < *room)
		return;
	*room = *room ? *room * 2 : 8;
	if (*room > SIZE_MAX / size)
		out_of_memory();
	*items = xrealloc(*items, *room * size);
}

char *text_copy(const char *text)
{
	return text_copy_n(text, strlen(text));
}

char *text_copy_n(const char *bytes, size_t len)
{
	char *copy = xmalloc(len + 1);

	memcpy(copy, bytes, len);
	copy[len] = '\0';
	return copy;
}

void text_cleanup(char **text)
{
	free(*text);
}

void fd_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

char *text_take(char **text)
{
	char *taken = *text;

	*text = NULL;
	return taken;
}

int fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}
