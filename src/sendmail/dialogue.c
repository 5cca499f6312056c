/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whoever speaks SMTP to us on a pipe is the user who started us: what is asked of a
 * message is what the command line asks.
 */
#include "sendmail/dialogue.h"

#include <unistd.h>

#include "base/log.h"
#include "net/net.h"
#include "net/pair.h"
#include "delivery/reception.h"

enum {
	IDLE = 300,		/* seconds: RFC 5321 section 4.5.3.2.7 */
	RECIPIENTS_MOST = 1000,
};

static void turn_away(struct transport *wire, const struct server_options *options,
		      const struct call *call, const struct error *why)
{
	struct error unheard;

	log_open((struct log_place){ "syslog", LOG_AS_TEXT },
		 call->options.log_tag ? call->options.log_tag : "acsmtp");
	log_problem("nobody is served by -bs: %s", why->text);
	(void)smtp_turn_away(wire, options, why, &unheard);
}

static void converse(struct call *call, struct transport *wire,
		     const struct server_options *options)
{
	const struct submittal common = call_submittal(call);
	struct reception r;
	struct error err;

	log_open(config_log(&call->config),
		 call->options.log_tag ? call->options.log_tag : "acsmtp");
	reception_begin(&r, &common);
	if (!smtp_serve(wire, options, &r.taker, &err))
		log_problem("-bs: uid=%ld error=%s", (long)call->caller.uid, err.text);
}

bool dialogue_hold(struct call *call, struct error *err)
{
	struct transport *wire = pair_open(STDIN_FILENO, STDOUT_FILENO);
	OWNED_TEXT name = net_host_name();
	struct server_options options = {
		.name = name,
		.max_recipients = RECIPIENTS_MOST,
		.idle_timeout = IDLE,
	};
	bool ok = call_read_config(call, err) &&
		  queue_open(&call->queue, &call->config.delivery, err);

	call->trace.fds[0] = -1;	/* -v would speak into the dialogue */
	options.max_size = submit_largest(&call->config);
	if (ok)
		converse(call, wire, &options);
	else
		turn_away(wire, &options, call, err);
	wire->close(wire);
	return ok;
}
