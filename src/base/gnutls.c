/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * GnuTLS, loaded at the first of its functions that is called (base/library.h): each one
 * that we use stands here under its own name and passes on what it is given, so that whoever
 * uses it need not know. The compiler holds them against the library's headers.
 */
#include "base/library.h"

#include <stdlib.h>

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#define FIND(name) \
	static __typeof__(name) *found; \
	if (!found) \
		found = (__typeof__(name) *)library_symbol(LIBRARY_GNUTLS, #name)

#define LATE(type, name, parameters, arguments) \
	type name parameters \
	{ \
		FIND(name); \
		return found arguments; \
	}

#define LATE_VOID(name, parameters, arguments) \
	void name parameters \
	{ \
		FIND(name); \
		found arguments; \
	}

/* It allocates by malloc(3), whoever asks it. */
gnutls_free_function gnutls_free = free;

LATE(gnutls_alert_description_t, gnutls_alert_get, (gnutls_session_t session), (session))
LATE(const char *, gnutls_alert_get_name, (gnutls_alert_description_t alert), (alert))
LATE(int, gnutls_alert_send,
     (gnutls_session_t session, gnutls_alert_level_t level, gnutls_alert_description_t
      desc),
     (session, level, desc))
LATE(int, gnutls_alert_send_appropriate,
     (gnutls_session_t session, int err), (session, err))
LATE(int, gnutls_bye,
     (gnutls_session_t session, gnutls_close_request_t how), (session, how))
LATE(int, gnutls_certificate_allocate_credentials,
     (gnutls_certificate_credentials_t *res), (res))
LATE_VOID(gnutls_certificate_free_credentials,
	  (gnutls_certificate_credentials_t sc), (sc))
LATE(const gnutls_datum_t *, gnutls_certificate_get_peers,
     (gnutls_session_t session, unsigned int *list_size), (session, list_size))
LATE_VOID(gnutls_certificate_server_set_request,
	  (gnutls_session_t session, gnutls_certificate_request_t req), (session, req))
LATE(int, gnutls_certificate_set_known_dh_params,
     (gnutls_certificate_credentials_t res, gnutls_sec_param_t sec_param),
     (res, sec_param))
LATE(int, gnutls_certificate_set_x509_key_mem2,
     (gnutls_certificate_credentials_t res, const gnutls_datum_t *cert, const
      gnutls_datum_t *key, gnutls_x509_crt_fmt_t type, const char *pass, unsigned int
      flags),
     (res, cert, key, type, pass, flags))
LATE(int, gnutls_certificate_verification_status_print,
     (unsigned int status, gnutls_certificate_type_t type, gnutls_datum_t *out, unsigned
      int flags),
     (status, type, out, flags))
LATE(const char *, gnutls_check_version, (const char *req_version), (req_version))
LATE(gnutls_cipher_algorithm_t, gnutls_cipher_get, (gnutls_session_t session), (session))
LATE(const char *, gnutls_cipher_get_name,
     (gnutls_cipher_algorithm_t algorithm), (algorithm))
LATE(int, gnutls_credentials_set,
     (gnutls_session_t session, gnutls_credentials_type_t type, void *cred),
     (session, type, cred))
LATE_VOID(gnutls_deinit, (gnutls_session_t session), (session))
LATE_VOID(gnutls_dh_set_prime_bits,
	  (gnutls_session_t session, unsigned int bits), (session, bits))
LATE(int, gnutls_error_is_fatal, (int error), (error))
LATE(const char *, gnutls_get_system_config_file, (void), ())
LATE_VOID(gnutls_global_set_log_level, (int level), (level))
LATE(int, gnutls_handshake, (gnutls_session_t session), (session))
LATE(int, gnutls_hash_fast,
     (gnutls_digest_algorithm_t algorithm, const void *text, size_t textlen, void
      *digest),
     (algorithm, text, textlen, digest))
LATE(int, gnutls_hmac_fast,
     (gnutls_mac_algorithm_t algorithm, const void *key, size_t keylen, const void
      *text, size_t textlen, void *digest),
     (algorithm, key, keylen, text, textlen, digest))
LATE(int, gnutls_idna_map,
     (const char *input, unsigned ilen, gnutls_datum_t *out, unsigned flags),
     (input, ilen, out, flags))
LATE(int, gnutls_init, (gnutls_session_t *session, unsigned int flags), (session, flags))
LATE(int, gnutls_pbkdf2,
     (gnutls_mac_algorithm_t mac, const gnutls_datum_t *key, const gnutls_datum_t *salt,
      unsigned iter_count, void *output, size_t length),
     (mac, key, salt, iter_count, output, length))
LATE_VOID(gnutls_priority_deinit, (gnutls_priority_t priority_cache), (priority_cache))
LATE(int, gnutls_priority_init,
     (gnutls_priority_t *priority_cache, const char *priorities, const char **err_pos),
     (priority_cache, priorities, err_pos))
LATE(int, gnutls_priority_set_direct,
     (gnutls_session_t session, const char *priorities, const char **err_pos),
     (session, priorities, err_pos))
LATE(const char *, gnutls_protocol_get_name, (gnutls_protocol_t version), (version))
LATE(gnutls_protocol_t, gnutls_protocol_get_version,
     (gnutls_session_t session), (session))
LATE(int, gnutls_record_get_direction, (gnutls_session_t session), (session))
LATE(ssize_t, gnutls_record_recv,
     (gnutls_session_t session, void *data, size_t data_size), (session, data, data_size))
LATE(ssize_t, gnutls_record_send,
     (gnutls_session_t session, const void *data, size_t data_size),
     (session, data, data_size))
LATE(int, gnutls_server_name_set,
     (gnutls_session_t session, gnutls_server_name_type_t type, const void *name, size_t
      name_length),
     (session, type, name, name_length))
LATE(int, gnutls_session_get_data2,
     (gnutls_session_t session, gnutls_datum_t *data), (session, data))
LATE(unsigned, gnutls_session_get_flags, (gnutls_session_t session), (session))
LATE(void *, gnutls_session_get_ptr, (gnutls_session_t session), (session))
LATE(int, gnutls_session_is_resumed, (gnutls_session_t session), (session))
LATE(int, gnutls_session_set_data,
     (gnutls_session_t session, const void *session_data, size_t session_data_size),
     (session, session_data, session_data_size))
LATE_VOID(gnutls_session_set_ptr, (gnutls_session_t session, void *ptr), (session, ptr))
LATE_VOID(gnutls_session_set_verify_function,
	  (gnutls_session_t session, gnutls_certificate_verify_function *func),
	  (session, func))
LATE(int, gnutls_set_default_priority_append,
     (gnutls_session_t session, const char *add_prio, const char **err_pos, unsigned
      flags),
     (session, add_prio, err_pos, flags))
LATE(const char *, gnutls_strerror, (int error), (error))
LATE_VOID(gnutls_transport_set_ptr,
	  (gnutls_session_t session, gnutls_transport_ptr_t ptr), (session, ptr))
LATE_VOID(gnutls_transport_set_pull_function,
	  (gnutls_session_t session, gnutls_pull_func pull_func), (session, pull_func))
LATE_VOID(gnutls_transport_set_vec_push_function,
	  (gnutls_session_t session, gnutls_vec_push_func vec_func), (session, vec_func))
LATE_VOID(gnutls_x509_crt_deinit, (gnutls_x509_crt_t cert), (cert))
LATE(time_t, gnutls_x509_crt_get_activation_time, (gnutls_x509_crt_t cert), (cert))
LATE(int, gnutls_x509_crt_get_dn3,
     (gnutls_x509_crt_t cert, gnutls_datum_t *dn, unsigned flags), (cert, dn, flags))
LATE(int, gnutls_x509_crt_get_dn_by_oid,
     (gnutls_x509_crt_t cert, const char *oid, unsigned indx, unsigned int raw_flag,
      void *buf, size_t *buf_size),
     (cert, oid, indx, raw_flag, buf, buf_size))
LATE(time_t, gnutls_x509_crt_get_expiration_time, (gnutls_x509_crt_t cert), (cert))
LATE(int, gnutls_x509_crt_get_issuer_dn3,
     (gnutls_x509_crt_t cert, gnutls_datum_t *dn, unsigned flags), (cert, dn, flags))
LATE(int, gnutls_x509_crt_get_subject_alt_name,
     (gnutls_x509_crt_t cert, unsigned int seq, void *san, size_t *san_size, unsigned
      int *critical),
     (cert, seq, san, san_size, critical))
LATE(int, gnutls_x509_crt_import,
     (gnutls_x509_crt_t cert, const gnutls_datum_t *data, gnutls_x509_crt_fmt_t format),
     (cert, data, format))
LATE(int, gnutls_x509_crt_init, (gnutls_x509_crt_t *cert), (cert))
LATE(int, gnutls_x509_crt_list_import2,
     (gnutls_x509_crt_t **certs, unsigned int *size, const gnutls_datum_t *data,
      gnutls_x509_crt_fmt_t format, unsigned int flags),
     (certs, size, data, format, flags))
LATE_VOID(gnutls_x509_privkey_deinit, (gnutls_x509_privkey_t key), (key))
LATE(int, gnutls_x509_privkey_import2,
     (gnutls_x509_privkey_t key, const gnutls_datum_t *data, gnutls_x509_crt_fmt_t
      format, const char *password, unsigned int flags),
     (key, data, format, password, flags))
LATE(int, gnutls_x509_privkey_init, (gnutls_x509_privkey_t *key), (key))
LATE(int, gnutls_x509_trust_list_add_cas,
     (gnutls_x509_trust_list_t list, const gnutls_x509_crt_t *clist, unsigned
      clist_size, unsigned int flags),
     (list, clist, clist_size, flags))
LATE_VOID(gnutls_x509_trust_list_deinit,
	  (gnutls_x509_trust_list_t list, unsigned int all), (list, all))
LATE(int, gnutls_x509_trust_list_init,
     (gnutls_x509_trust_list_t *list, unsigned int size), (list, size))
/* NOLINTNEXTLINE(readability-function-size): as GnuTLS has it */
LATE(int, gnutls_x509_trust_list_verify_crt2,
     (gnutls_x509_trust_list_t list, gnutls_x509_crt_t *cert_list, unsigned int
      cert_list_size, gnutls_typed_vdata_st *data, unsigned int elements, unsigned int
      flags, unsigned int *voutput, gnutls_verify_output_function func),
     (list, cert_list, cert_list_size, data, elements, flags, voutput, func))
