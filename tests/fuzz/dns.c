/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as what a name server answers; the first byte chooses what was asked for. */
#include "fuzz.h"

#include "net/dns.h"
#include "net/dns_answer.h"

static void check_server(const char *text)
{
	struct ip_address server;
	struct error err = { 0 };
	char shown[ADDRESS_TEXT_SIZE];

	if (!dns_server_parse(text, &server, &err)) {
		fuzz_must_say_why(&err);
		return;
	}
	ip_address_text(&server, shown);
	MUST(shown[0] && server.socket.v4.sin_port != 0);
	fuzz_must_be_printable(shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	OWNED_ANSWER answer = { 0 };
	OWNED_TEXT text = text_copy_n((const char *)data, size);
	enum dns_type type = size > 0 ? (enum dns_type)(data[0] % (DNS_MX + 1)) : DNS_TXT;
	unsigned char *reply;

	check_server(text);
	if (size == 0)
		return 0;
	/* Of just this size, so that a step beyond it is noticed. */
	reply = xmalloc(size - 1 ? size - 1 : 1);
	memcpy(reply, data + 1, size - 1);
	(void)dns_answer_read(reply, size - 1, type, &answer);
	free(reply);
	MUST(answer.count <= DNS_RECORDS_MAX);
	for (size_t i = 0; i < answer.count; i++)
		fuzz_must_be_printable(answer.texts[i]);
	return 0;
}
