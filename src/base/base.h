/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every file may use: memory that never fails, and a few words for the compiler. */
#ifndef BASE_BASE_H
#define BASE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COUNT_OF(array)		(sizeof(array) / sizeof((array)[0]))
#define PRINTF(fmt, args)	__attribute__((format(printf, fmt, args)))

/*
 * Memory, or the end of the program with one line on standard error (fate_end): the
 * caller learns what became of the mail, and no branch needs to be tested.
 */
_Noreturn void out_of_memory(void);
void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *old, size_t size) __attribute__((returns_nonnull));

/* Gives the system back what freed memory and calls that are over have left behind. */
void memory_rest(void);

/* Room for one more of `size` bytes each in *items, doubling; *room counts items. */
void grow(void **items, size_t *room, size_t count, size_t size);

/* A copy that the caller frees; the second copies `len` bytes and adds a NUL. */
char *text_copy(const char *text) __attribute__((returns_nonnull));
char *text_copy_n(const char *bytes, size_t len) __attribute__((returns_nonnull));

/* Frees itself at the end of the block. text_take() hands it on instead. */
void text_cleanup(char **text);
void fd_cleanup(int *fd);
char *text_take(char **text);
int fd_take(int *fd);
#define OWNED_TEXT	__attribute__((cleanup(text_cleanup))) char *
#define OWNED_FD	__attribute__((cleanup(fd_cleanup))) int

#endif
