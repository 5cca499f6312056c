/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What we know of the services that mail is submitted to. Each is a row of a table
 * (service/rows.h): nothing else in the program says the name of any.
 */
#ifndef SERVICE_SERVICE_H
#define SERVICE_SERVICE_H

#include "base/buf.h"
#include "base/error.h"

/* How to log in, in the order of the words of the setting `auth`. */
enum auth_choice {
	AUTH_AUTO, AUTH_LOGIN, AUTH_PLAIN, AUTH_XOAUTH2, AUTH_OAUTHBEARER, AUTH_OFF,
	AUTH_EXTERNAL, AUTH_SCRAM_SHA_256, AUTH_CRAM_MD5
};

/* --- replies */

/* What a reply answers: the same words mean something else at another step. */
enum reply_at {
	AT_SESSION,	/* the greeting, and what comes unasked */
	AT_EHLO,
	AT_STARTTLS,
	AT_AUTH,
	AT_MAIL,
	AT_RCPT,
	AT_DATA,	/* DATA, BDAT and the message itself */
	AT_RSET,
	AT_STEPS
};

struct meaning {
	/* ERROR_QUOTA, ERROR_AUTH, ERROR_BARRED: all mail of the account has to wait. What is
	   said before MAIL is never about a message, and never of a kind that gives one up. */
	enum error_kind kind;
	const char *hint;	/* one sentence for the user, or NULL */
};

enum { REPLY_ANY = 0 };
#define REPLY_TO(step)	(1u << (step))
#define REPLY_TO_MAIL	(REPLY_TO(AT_MAIL) | REPLY_TO(AT_RCPT) | REPLY_TO(AT_DATA))

/* All that a rule says must be so; of several the first one wins. */
struct reply_rule {
	unsigned at;		/* REPLY_TO() the steps; REPLY_ANY */
	int code;		/* or its first digit alone; REPLY_ANY */
	const char *status;	/* subject and detail of the enhanced code; "": there is none;
				   a dot at the end: the subject alone; NULL: any */
	const char *words;	/* that stand in the text in any case; NULL: any text */
	struct meaning meaning;	/* ERROR_NONE: what the code alone says */
};

/* --- services */

enum { SERVICE_SETTINGS_MAX = 16, SERVICE_REGIONS_MAX = 8 };

/* Its last day, as a calendar has it, of which the service says so itself. */
struct service_end {
	int year, month, day;		/* 0: none is known */
	bool is_of_passwords;		/* it takes tokens as before */
	const char *advice;		/* the ways out */
};

/* In the words of a person, marked with N_(). */
struct service_question {
	const char *title, *where;	/* what is asked for, and where one finds it */
};

struct service {
	const char *name, *what;	/* what it is called here, and by people */
	/* What holds for an account that does not say it; a NULL key ends them. */
	struct {
		const char *key, *value;
	} settings[SERVICE_SETTINGS_MAX];
	/*
	 * Where it has a server in each region: the usual one first; a NULL name ends
	 * them.
	 */
	struct service_region {
		const char *name, *host;
	} regions[SERVICE_REGIONS_MAX];
	const char *host_of_region;	/* of any region, whose name stands in it for the "*" */
	const struct reply_rule *rules;	/* what its replies mean, where that is its own */
	size_t rule_count;

	/*
	 * What an access token is asked for: by a program, and by a person. NULL: not
	 * known.
	 */
	const char *scope, *person_scope;

	/* What acsmtp setup asks for. */
	struct service_question user, from;
	const char *secret;		/* where one finds it; NULL: wherever passwords are */
	bool login_is_optional;		/* some of its servers want none */
	bool wants_token;		/* it takes no passwords */
	enum { SENDER_UNKNOWN, SENDER_IS_USER, SENDER_IS_DONOTREPLY } usual_sender;

	/* What acsmtp check looks at. */
	bool is_azure;			/* its logins are as service/login.h knows them */
	bool refuses_senders;		/* that are not the account's */
	const char *spf;		/* what lets it send for a domain; NULL: it says so itself */
	const char *dkim_selectors[2];	/* the CNAMEs that it wants, ... */
	const char *dkim_target;	/* ... and how what they lead to ends; NULL: none */
	const char *sent;		/* what there is to know of what it took, or NULL */

	const char *page;		/* where a person finds the login; NULL: it is many places */
	struct service_end end;
};

/* Any server that is none of them. */
extern const struct service service_other;

/* A daemon of ours, which no file names. */
extern const struct service service_daemon;

/*
 * All of them: the first one is what an account is of that does not say, the last is
 * service_other. NULL ends.
 */
const struct service *service_at(size_t i);
const char *service_name(size_t i);

/* "acs|sendgrid|...", for usage lines. */
void service_add_names(struct buf *names);

/* By its name in any case. What is unknown, or NULL, is any server: service_other. */
const struct service *service_named(const char *name);

/* The service that a server is of, by its name in any case. */
const struct service *service_of_host(const char *host);

/*
 * The server of a region, "" the usual one; the caller frees. NULL: of no such region;
 * or, if that is "", it has to be said.
 */
char *service_host(const char *service, const char *region);

/* The region that a server of this service is in; the caller frees. NULL: it has none. */
char *service_region(const struct service *service, const char *host);

/* "us, eu": what the setting `region` may be; NULL: the service has no regions. */
const char *service_region_words(const struct service *service, struct buf *words);

/* Whether the service is one that ends, and how soon. */
enum service_life {
	SERVICE_LASTS,		/* as far as is known */
	SERVICE_ENDS,		/* in more than a year */
	SERVICE_LAST_YEAR,
	SERVICE_ENDED,
};
enum service_life service_life(const struct service *service, int64_t now);

/* The last day as "2028-09-30". */
enum { SERVICE_DAY_SIZE = 40 };
void service_last_day(const struct service *service, char day[SERVICE_DAY_SIZE]);

/*
 * What the service says for a setting that the user left out ("host", "port",
 * "auth", "max_size", ...), in the words that a user would write; NULL: nothing.
 */
const char *service_setting(const char *service, const char *key);

#endif
