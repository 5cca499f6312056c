/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An address of IPv4 stands as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), a network of
 * them with 96 bits more: there is one comparison for both families, and a client of
 * IPv4 is the same whichever kind of socket it came by.
 */
#include "net/networks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "base/text.h"

enum { V4_BITS = 96 };	/* that an address of IPv4 has before it */

static void put_bytes(const struct ip_address *address, unsigned char bytes[16])
{
	size_t len;
	const void *from = ip_address_bytes(address, &len);

	memset(bytes, 0, 16);
	if (len == 4)
		bytes[10] = bytes[11] = 0xff;
	memcpy(bytes + 16 - len, from, len);
}

static bool bit(const unsigned char *bytes, unsigned i)
{
	return bytes[i / 8] >> (7 - i % 8) & 1;
}

static bool parse_one(const char *text, struct network *network, struct error *err)
{
	OWNED_TEXT host = text_copy(text);
	char *slash = strchr(host, '/');
	struct ip_address address;
	long bits, offset;

	if (slash)
		*slash = '\0';
	if (!ip_address_parse(host, &address))
		return error_set(err, ERROR_CONFIG, "\"%s\" is no address and no network", text);
	put_bytes(&address, network->bytes);
	offset = address.socket.any.sa_family == AF_INET ? V4_BITS : 0;
	bits = 128 - offset;
	if (slash && !text_to_number(slash + 1, 0, bits, &bits))
		return error_set(err, ERROR_CONFIG, "\"%s\": what follows the \"/\" is not a "
				 "number from 0 to %ld", text, 128 - offset);
	network->bits = (unsigned)(bits + offset);
	for (unsigned i = network->bits; i < 128; i++)
		if (bit(network->bytes, i))
			return error_set(err, ERROR_CONFIG, "\"%s\": the address has bits that "
					 "the length leaves out", text);
	return true;
}

bool networks_parse(const char *text, struct networks *networks, struct error *err)
{
	struct networks found = { .count = 0 };

	for (size_t len; (len = text_item(&text, ", \t")); text += len) {
		OWNED_TEXT one = text_copy_n(text, len);

		if (found.count == NETWORKS_MAX)
			return error_set(err, ERROR_CONFIG, "more than %d networks", NETWORKS_MAX);
		if (!parse_one(one, &found.list[found.count++], err))
			return false;
	}
	*networks = found;
	return true;
}

static bool contains(const struct network *network, const unsigned char bytes[16])
{
	for (unsigned i = 0; i < network->bits; i++)
		if (bit(network->bytes, i) != bit(bytes, i))
			return false;
	return true;
}

bool networks_contain(const struct networks *networks, const struct ip_address *address)
{
	unsigned char bytes[16];

	put_bytes(address, bytes);
	for (size_t i = 0; i < networks->count; i++)
		if (contains(&networks->list[i], bytes))
			return true;
	return false;
}

bool ip_address_is_loopback(const struct ip_address *address)
{
	static const struct networks loopback = {
		.list = { { .bytes = { [10] = 0xff, 0xff, 127 }, .bits = V4_BITS + 8 },
			  { .bytes = { [15] = 1 }, .bits = 128 } },
		.count = 2,
	};

	return networks_contain(&loopback, address);
}
