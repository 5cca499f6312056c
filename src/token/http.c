/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libcurl, told to do one thing: https where it is no machine's own endpoint,
 * certificates verified, no redirection, no cookie, no .netrc, and an end to time and
 * bytes. A proxy of the environment is used for what is elsewhere, as everybody expects
 * of curl, and never for what is on this machine. The memory that it gives back is wiped:
 * it has seen secrets.
 */
#include "token/http.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/secret.h"
#include "base/text.h"

enum {
	CONNECT_MS = 15 * 1000,
	CONNECT_LOCAL_MS = 5 * 1000, /* what is there answers at once */
};

/* --- memory that is wiped when it is given back */

static void *take(size_t size)
{
	return malloc(size);
}

static void *take_zeroed(size_t count, size_t size)
{
	return calloc(count, size);
}

static void give_back(void *memory)
{
	if (memory)
		wipe(memory, malloc_usable_size(memory));
	free(memory);
}

static void *take_more(void *memory, size_t size)
{
	size_t had = memory ? malloc_usable_size(memory) : 0;
	void *more = malloc(size);

	if (more && memory)
		memcpy(more, memory, had < size ? had : size);
	if (more)
		give_back(memory);
	return more;
}

static char *take_copy(const char *text)
{
	return strdup(text);
}

static void begin_library(void)
{
	static bool has_begun;

	if (!has_begun &&
	    curl_global_init_mem(CURL_GLOBAL_DEFAULT, take, give_back, take_more,
				 take_copy, take_zeroed) != CURLE_OK)
		out_of_memory();
	has_begun = true;
}

/* --- what arrives */

static size_t on_body(char *bytes, size_t size, size_t count, void *data)
{
	struct http_reply *reply = data;
	size_t len = size * count;

	if (len > HTTP_BODY_MAX - reply->len)
		return 0; /* ends it, with CURLE_WRITE_ERROR */
	memcpy(reply->body + reply->len, bytes, len);
	reply->len += len;
	reply->body[reply->len] = '\0';
	return len;
}

static size_t on_header(char *bytes, size_t size, size_t count, void *data)
{
	struct http_reply *reply = data;
	size_t len = size * count;
	char line[HTTP_TEXT_MAX];
	const char *value;

	if (len >= sizeof(line))
		return len;
	memcpy(line, bytes, len);
	while (len > 0 && text_is_white(line[len - 1]))
		len--;
	line[len] = '\0';
	value = text_after(line, "Date: ");
	if (value && curl_getdate(value, NULL) > 0)
		reply->date = curl_getdate(value, NULL);
	value = text_after(line, "WWW-Authenticate: ");
	if (value)
		memcpy(reply->challenge, value, strlen(value) + 1);
	return size * count;
}

/* --- asking */

static struct curl_slist *headers_of(const struct http_request *request)
{
	struct curl_slist *list = curl_slist_append(NULL, "Accept: application/json");

	for (size_t i = 0; i < HTTP_HEADERS_MAX && request->headers[i]; i++)
		list = curl_slist_append(list, request->headers[i]);
	if (!list)
		out_of_memory();
	return list;
}

#ifdef ACSMTP_TRUST_FILE
static const char trust_file[] = ACSMTP_TRUST_FILE;
#else
static const char trust_file[] = ""; /* the library knows where the system has it */
#endif

static void prepare(CURL *curl, const struct http_request *request,
		    struct http_reply *reply)
{
	const char *ca =
		request->ca_file && *request->ca_file ? request->ca_file : trust_file;
	long left = clock_left(request->deadline), connect = CONNECT_MS;

	curl_easy_setopt(curl, CURLOPT_URL, request->url);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left > 1 ? left : 1L);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, reply);
	curl_easy_setopt(curl, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "acsmtp/" VERSION);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (*ca) {
		curl_easy_setopt(curl, CURLOPT_CAINFO, ca);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	if (request->is_local) {
		connect = CONNECT_LOCAL_MS;
		curl_easy_setopt(curl, CURLOPT_PROXY, "");
		curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	}
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS,
			 connect < left ? connect : left + 1);
	if (request->form)
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->form);
}

const char *http_host(const char *url, char host[HTTP_HOST_SIZE])
{
	const char *begin = strstr(url, "://");
	size_t len;

	begin = begin ? begin + 3 : url;
	len = strcspn(begin, "/?#");
	if (len >= HTTP_HOST_SIZE)
		len = HTTP_HOST_SIZE - 1;
	memcpy(host, begin, len);
	host[len] = '\0';
	return host;
}

static bool blame(const struct http_request *request, CURLcode code, const char *why,
		  struct token_failure *failure)
{
	char name[HTTP_HOST_SIZE];
	const char *host = http_host(request->url, name);

	why = *why ? why : curl_easy_strerror(code);
	switch (code) {
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_ISSUER_ERROR:
		return token_fail(
			failure, TOKEN_UNTRUSTED,
			"endpoint: the certificate of %s does not verify (%s): check "
			"token_authority, token_ca_file and the clock of this machine",
			host, why);
	case CURLE_SSL_CACERT_BADFILE:
		return token_fail(
			failure, TOKEN_CONFIG,
			"endpoint: no certificates to verify %s with can be read from "
			"token_ca_file %s",
			host, request->ca_file ? request->ca_file : "");
	case CURLE_WRITE_ERROR:
		return token_fail(
			failure, TOKEN_LATER,
			"endpoint: %s sends more than %d bytes, which is no token: is "
			"it the right address?",
			host, HTTP_BODY_MAX);
	case CURLE_OPERATION_TIMEDOUT:
		return token_fail(failure, TOKEN_LATER,
				  "endpoint: %s does not answer in time (%s)", host, why);
	case CURLE_URL_MALFORMAT:
	case CURLE_UNSUPPORTED_PROTOCOL:
		return token_fail(failure, TOKEN_CONFIG, "endpoint: %s is no address: %s",
				  request->url, why);
	default:
		return token_fail(failure, TOKEN_LATER,
				  "endpoint: %s cannot be reached (%s)", host, why);
	}
}

bool http_ask(const struct http_request *request, struct http_reply *reply,
	      struct token_failure *failure)
{
	char why[CURL_ERROR_SIZE] = "";
	struct curl_slist *headers;
	CURLcode code;
	CURL *curl;

	if (!request->is_local && strncasecmp(request->url, "https://", 8) != 0)
		return token_fail(
			failure, TOKEN_CONFIG,
			"endpoint: %s is no https address, and a secret is sent nowhere "
			"else",
			request->url);
	begin_library();
	http_reply_free(reply);
	reply->body = xcalloc(1, HTTP_BODY_MAX + 1);
	curl = curl_easy_init();
	if (!curl)
		out_of_memory();
	headers = headers_of(request);
	prepare(curl, request, reply);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &reply->status);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	return code == CURLE_OK || blame(request, code, why, failure);
}

void http_reply_free(struct http_reply *reply)
{
	wipe(reply->body, reply->body ? HTTP_BODY_MAX + 1 : 0);
	free(reply->body);
	*reply = (struct http_reply){ 0 };
}
