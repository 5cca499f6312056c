/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings: what each is called, what it may be, and where it goes stands in one
 * table (config/settings.c). An account is one [account NAME] section over [defaults]
 * over its service over the standard value.
 */
#ifndef CONFIG_ACCOUNT_H
#define CONFIG_ACCOUNT_H

#include "base/buf.h"
#include "base/error.h"
#include "base/log.h"
#include "base/secret.h"
#include "service/service.h"

struct daemon_settings;

enum tls_mode { TLS_STARTTLS, TLS_IMPLICIT, TLS_OFF };
/* In the order of the words of `token`. */
enum token_source {
	TOKEN_NONE, TOKEN_MANAGED_IDENTITY, TOKEN_WORKLOAD_IDENTITY, TOKEN_CLIENT_SECRET,
	TOKEN_CLIENT_CERTIFICATE, TOKEN_REFRESH
};
enum address_family { FAMILY_ANY, FAMILY_IPV4, FAMILY_IPV6 };
/* Settings that may hold a password inside an address. */
enum url_setting { URL_NONE, URL_PROXY, URL_STORE, URL_SETTINGS };
enum null_sender { NULL_SENDER_SEND, NULL_SENDER_ACCOUNT };
enum sender_policy { SENDER_REWRITE, SENDER_KEEP, SENDER_REFUSE };

struct account {
	char *name;		/* of its section */
	char *file;		/* that it stands in */
	bool is_of_environment;	/* variables make it, and not a file */
	char *password_file_by;	/* the variable that names its password_file, or NULL */
	uint64_t files_sum;	/* of that file: another one is another file, or the same after a
				   change */
	char *service;
	char *region;		/* of the service's servers; "": the usual one */
	char *host;		/* "" where neither file nor service knows one */
	/*
	 * No server: `host` is the path of this daemon's socket; its config's. NULL: a
	 * server.
	 */
	const struct daemon_settings *daemon;
	long port;
	int tls;		/* enum tls_mode */
	char *tls_ca_file;	/* "": the system's trust store */
	char *tls_fingerprint;	/* SHA-256 of the leaf in hex (colons allowed), or "" */
	char *tls_priorities;	/* what it may use, as GnuTLS writes it; "": by the system */
	char *tls_client_cert, *tls_client_key;	/* files in PEM; "": none */
	bool tls_session_cache;
	char *proxy;		/* SCHEME://[USER@]HOST:PORT, or "" */
	char *proxy_password_file;
	bool has_url_password[URL_SETTINGS];	/* config_url_password() reads it */
	char *source_address;	/* to connect from; "": the system chooses */
	int address_family;	/* enum address_family */
	int auth;		/* enum auth_choice */
	char *user;
	bool has_password;	/* one stands in the file: config_password() reads it */
	char *password_file, *password_command, *token_command;	/* "": none */
	int token;		/* enum token_source */
	char *tenant, *client_id, *identity, *token_scope;	/* "": not said */
	char *client_secret_file, *certificate_file, *token_ca_file;
	char *token_authority, *token_endpoint;	/* URLs with https */
	char *authorization_endpoint, *device_authorization_endpoint;
	char *password_expires;	/* a day for clock_day(), or "" */
	bool keyring;		/* may be asked for the password */
	char *from, *from_name;
	int sender_policy;	/* enum sender_policy */
	char *allowed_senders;
	int null_sender;	/* enum null_sender: what `-f '<>'` becomes */
	char *domain;		/* name to say in EHLO; "": this machine's */
	long timeout;		/* seconds */
	long max_recipients;	/* of one transaction */
	long max_size;		/* bytes of a message, 0: no limit */
	char *quota_store;	/* where machines share these; "": each counts for itself */
	char *quota_store_password_file;
	long rate_per_minute, rate_per_hour;	/* messages to begin, 0: no limit */
	char *failover;		/* accounts that take its mail when it cannot; "": none */
	unsigned failover_line;	/* where its file says so */
	char *failover_by;	/* the variable that does, or NULL */
	long failover_after;	/* seconds that its quota may be used up before */
	char *log;
	int log_format;		/* enum log_format */
};

enum queue_use { QUEUE_AUTO, QUEUE_ON, QUEUE_OFF };
enum delivery_mode { DELIVER_DIRECTLY, DELIVER_FROM_QUEUE, DELIVER_BY_DAEMON };
enum lost_reply { LOST_RESEND, LOST_HOLD };

struct delivery_settings {
	int queue;		/* enum queue_use */
	int mode;		/* enum delivery_mode */
	char *spool;		/* directory; "": the usual one */
	bool background;	/* a deferred message starts a runner by itself */
	int on_lost_reply;	/* enum lost_reply */
	int t_with_arguments;	/* 0 add, 1 remove */
	char *aliases;		/* file of aliases, or "off" */
	char *local_recipients;	/* where mail for unqualified names goes; "": nowhere */
	long expire, keep_failed;	/* days: of trying, and in failed/ after that */
	char *report_to;	/* who is told of failures; "": the sender */
	long reports_per_hour;	/* at most; 0: none are sent */
	char *metrics_file;	/* for node_exporter; "": none */
	long warn_after;	/* hours until the sender hears that a message waits; 0: never */
};

struct daemon_settings {
	char *socket;		/* path, or "off"; "": the usual one */
	char *listen;		/* "ADDRESS:PORT ..."; "": nowhere */
	char *allow_from;	/* networks; "": this machine */
	char *allow_users;	/* names, @groups, numbers; "*": all */
	long max_clients, max_clients_per_user;
	long max_connections;	/* to the server of one account */
	long max_per_user_per_hour;	/* messages; 0: any number */
	long idle_timeout;	/* seconds */
	char *listen_cert, *listen_key, *listen_users;	/* files; "": none */
	char *user, *door_user;
	char *places;		/* of those that a file says, "NAME PLACE" each; or NULL */
};

/* Puts where that setting of [daemon] stands, and its name, before the error. */
bool daemon_settings_blame(const struct daemon_settings *settings, const char *name,
			   struct error *err);

struct config_variable {	/* of the environment */
	char *name;
	const char *setting;	/* that it sets; NULL: none, as there is no account of variables */
};

struct config {
	struct account *accounts;
	size_t count, room;
	char *default_account;	/* "": not said */
	struct delivery_settings delivery;
	struct daemon_settings daemon;
	char *files;		/* that were read, for people: "A, then B"; NULL: none */
	struct config_variable *variables;
	size_t variable_count;
	struct error *passed_over;	/* a file of another user that HOME leads to, or NULL */
	uint64_t sum;		/* of which files they were, and in which state */
	bool is_usual;		/* what was read are this user's files, and not one of -C */
	bool is_closed;		/* the system's is there, and not for this user to read */
	/*
	 * Who has all mail while others send it (delivery/by_daemon.h); NULL: the
	 * accounts.
	 */
	struct account *by_daemon;
};
#define OWNED_CONFIG	__attribute__((cleanup(config_free))) struct config

/*
 * Secrets stay in the files: a password is looked at where it stands, so that its
 * mistakes are found and a file that others can read is refused, and is wiped with the
 * bytes of the file. No account and no dictionary of iniparser ever holds one.
 *
 * Reads the file `path` over what `config` holds already: accounts of the same name are
 * replaced, its default_account and [delivery] win. ERROR_CONFIG names file, line,
 * section, key, and the nearest known name; also for a file that holds a secret and that
 * others can read, or that is no regular file, or not this user's or root's.
 */
bool config_read(struct config *config, const char *path, struct error *err);

/* The same of a file that is open, which the caller closes; `path` is for errors. */
bool config_read_opened(struct config *config, int fd, const char *path, struct error *err);

/*
 * All of it as the text of such a file, but nothing that tells where a secret is: for who
 * shall know how mail is sent, and is not to send it. A log of a file becomes the
 * system's. ERROR_CONFIG.
 */
bool config_share(const struct config *config, struct buf *text, struct error *err);

/*
 * The files of this user: `path` alone if not NULL (-C), else the system's and over it
 * $XDG_CONFIG_HOME/acsmtp.ini (~/.config/acsmtp.ini). A missing file is fine unless it is
 * `path`; one that belongs to another user, as HOME leads to after sudo -E, is passed
 * over, and `passed_over` says so; a system file that this user may not read is passed
 * over as long as the user's own holds an account. ERROR_CONFIG when no account is left,
 * with what to do.
 */
bool config_load(struct config *config, const char *path, struct error *err);

/* The same, but without an account all is well too: for who asks where the queue is. */
bool config_load_any(struct config *config, const char *path, struct error *err);

/*
 * After these refused the files: the standard values, but in [daemon], as far as it can be
 * read, what says where the daemon is and whose. `config` is freed first.
 */
void config_salvage(struct config *config, const char *path);

/*
 * The password that the account's file has for it (has_password), for who is about to log
 * in. The file is read again. A file that has changed since must still have the account,
 * with the same server and user: a password goes nowhere but where it stands beside; else
 * ERROR_LATER. ERROR_CONFIG, ERROR_IO as for config_read().
 */
bool config_password(const struct account *account, struct secret *password,
		     struct error *err);

/* The same of one that stands inside an address (has_url_password), decoded. */
bool config_url_password(const struct account *account, enum url_setting which,
			 struct secret *password, struct error *err);

/*
 * Puts another password in its place there, or makes the file's account have one: see
 * settings_write(), whose errors these are.
 */
bool config_keep_password(const struct account *account, const struct secret *password,
			  struct error *err);

/* The word of `token` that it is. */
const char *account_token_word(int source);

/*
 * The file that this user's accounts are written to: root's is the system's. The caller
 * frees it. NULL: there is no home directory to have it in.
 */
char *config_own_file(void);

/*
 * All mail goes to the daemon at that socket from now on: through an account of its own,
 * in which nothing is said of senders, logins and limits, as these are the daemon's to
 * know.
 */
void config_set_daemon(struct config *config, const char *socket);

/* What config_load() says where there is none. */
bool config_refuse_none(const struct config *config, const char *path, struct error *err);

/*
 * Where an account's mail goes, for people: HOST:PORT, or the daemon's socket. Caller
 * frees.
 */
char *account_server(const struct account *account);

/* The standard values alone, and no account. */
void config_init(struct config *config);

/* By its name; NULL and ERROR_CONFIG with the names there are. */
const struct account *config_account(const struct config *config, const char *name,
				     struct error *err);

/* default_account, or the only account, or the one named "default". */
const struct account *config_default(const struct config *config, struct error *err);

/*
 * The accounts that take its mail when it cannot, in the order in which they are asked:
 * those that its `failover` names, then those that these name. Returns how many there
 * are.
 */
enum { FAILOVER_MAX = 16 };
size_t config_failover(const struct config *config, const struct account *account,
		       const struct account *list[FAILOVER_MAX]);

/* The log of what concerns no account: that of the default one, else of the first. */
struct log_place config_log(const struct config *config);
struct log_place account_log(const struct account *account);

void config_free(struct config *config);

/* Rows of the table, for --help and the check of the manual; NULL ends. */
struct setting_help {
	const char *section, *name, *standard, *help;
};
bool setting_help(size_t i, struct setting_help *row);

/*
 * What the setting of that row comes to for an account, in the words of a file; the
 * caller frees it. NULL: a secret, or no setting of accounts.
 */
char *setting_text(size_t i, const struct account *account);

/*
 * ERROR_CONFIG: the setting, or where variables make the account the variable, is
 * missing.
 */
bool account_lacks(const struct account *account, const char *setting, struct error *err);

#endif
