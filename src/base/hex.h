/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hexadecimal digits. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

/* The value of a digit of either case; -1: it is none. */
static inline int hex_value(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 :
	       c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A byte as quoted-printable ("=C3") or an address in the web ("%C3") has it. */
static inline void hex_write(char token[3], char mark, char byte)
{
	static const char digits[] = "0123456789ABCDEF";

	token[0] = mark;
	token[1] = digits[(unsigned char)byte >> 4];
	token[2] = digits[(unsigned char)byte & 15];
}

#endif
