# SPDX-License-Identifier: GPL-3.0-or-later
"""TLS: nothing that matters leaves before the server has proved who it is."""

import re

import pytest

from emulator.faults import Fault
from outcome import HELLO, assert_failed, assert_nobody_called, assert_sent, only_session

TEMPFAIL, PROTOCOL, NOPERM, CONFIG = 75, 76, 77, 78

BEFORE_TLS = re.compile(rb"EHLO [^\r\n]+\r\nSTARTTLS\r\n")


def assert_nothing_told(server):
    """Not even whose mail it would have been."""
    session = only_session(server)
    assert BEFORE_TLS.fullmatch(session.cleartext), session.cleartext
    assert session.verbs == ["EHLO", "STARTTLS"]


# --- versions

@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_good_certificate(acs, send, tls, version):
    server = acs(tls=tls, tls_min=version, tls_max=version)
    assert_sent(send(server, HELLO, tls=tls))
    session = only_session(server)
    assert (session.tls, session.sni) == (f"TLSv{version}", "localhost")
    if tls == "starttls":
        assert BEFORE_TLS.fullmatch(session.cleartext)
    else:
        assert session.cleartext == b""
    assert server.message.recipients == ["a@example.org"]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_old_version_is_refused(acs, send, tls):
    server = acs(tls=tls, tls_min="1.0", tls_max="1.1")
    assert_failed(send(server, HELLO, tls=tls), PROTOCOL,
                  f"localhost:{server.port}", "neither TLS 1.2 nor TLS 1.3")
    assert server.messages == []


def test_address_as_host(acs, send):
    server = acs()
    assert_sent(send(server, HELLO, host="127.0.0.1"))
    assert only_session(server).sni is None


# --- whom we talk to

CERTIFICATES = {
    "expired": ("expired on 2021-01-01", "clock"),
    "othername": ("mail.example.net", "not for localhost"),
    "selfsigned": ("self-signed", "tls_ca_file"),
    "foreign": ("acsmtp test foreign-root", "which is not in", "tls_ca_file"),
}


@pytest.mark.parametrize("kind", CERTIFICATES)
def test_bad_certificate(acs, send, kind):
    server = acs(certificate=kind)
    assert_failed(send(server, HELLO), PROTOCOL, f"localhost:{server.port}",
                  *CERTIFICATES[kind])
    assert_nothing_told(server)


@pytest.mark.parametrize("kind", CERTIFICATES)
def test_bad_certificate_with_implicit_tls(acs, send, kind):
    server = acs(certificate=kind, tls="implicit")
    assert_failed(send(server, HELLO, tls="implicit"), PROTOCOL, *CERTIFICATES[kind])
    assert only_session(server).cleartext == b""
    assert only_session(server).commands == []


def test_address_that_the_certificate_does_not_name(acs, send):
    server = acs(certificate="othername")
    assert_failed(send(server, HELLO, host="127.0.0.1"), PROTOCOL, "mail.example.net",
                  "127.0.0.1")
    assert_nothing_told(server)


def test_unknown_root_with_the_system_trust_store(acs, send):
    server = acs()
    assert_failed(send(server, HELLO, tls_ca_file=None), PROTOCOL, "acsmtp test root",
                  "tls_ca_file")
    assert_nothing_told(server)


def test_root_among_others(acs, send, pki):
    server = acs()
    assert_sent(send(server, HELLO, tls_ca_file=pki.bundle))


# --- pins

@pytest.mark.parametrize("kind", ["good", "selfsigned", "foreign"])
@pytest.mark.parametrize("written", [
    str.lower,
    lambda pin: ":".join(re.findall("..", pin.upper())),
], ids=["bare", "colons"])
def test_right_pin(acs, send, pki, kind, written):
    server = acs(certificate=kind)
    pin = written(pki.fingerprint(kind))
    assert_sent(send(server, HELLO, tls_fingerprint=pin, tls_ca_file=None))
    assert only_session(server).user == server.options.user


def test_wrong_pin_names_the_right_one(acs, send, pki):
    server = acs()
    seen = ":".join(re.findall("..", pki.fingerprint("good").upper()))
    assert_failed(send(server, HELLO, tls_fingerprint="ab" * 32), PROTOCOL, seen,
                  "tls_fingerprint")
    assert_nothing_told(server)


def test_right_pin_does_not_excuse_the_wrong_ca(acs, send, pki):
    server = acs()
    result = send(server, HELLO, tls_fingerprint=pki.fingerprint("good"),
                  tls_ca_file=pki.foreign_ca)
    assert_failed(result, PROTOCOL, "acsmtp test root", pki.foreign_ca)
    assert_nothing_told(server)


def test_malformed_pin(acs, send):
    server = acs()
    assert_failed(send(server, HELLO, tls_fingerprint="ab" * 31), CONFIG,
                  "tls_fingerprint", "64 hexadecimal digits")
    assert_nobody_called(server)


# --- the trust store

@pytest.mark.parametrize("content", [None, "", "no certificate\n",
                                     "-----BEGIN CERTIFICATE-----\nAAAA\n"
                                     "-----END CERTIFICATE-----\n"],
                         ids=["missing", "empty", "garbage", "broken"])
def test_ca_file_that_is_none(acs, send, tmp_path, content):
    server = acs()
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    result = send(server, HELLO, tls_ca_file=path)
    # One of both: the file may be looked at before the server is, or only when needed.
    assert result.status in (PROTOCOL, CONFIG)
    assert_failed(result, result.status, str(path))
    for session in server.sessions:
        assert BEFORE_TLS.fullmatch(session.cleartext)
        assert session.verbs == ["EHLO", "STARTTLS"]


# --- the wrong kind of TLS for this port

def test_implicit_tls_at_a_starttls_port(acs, send):
    server = acs()
    server.violations_expected = True    # a handshake is no command
    assert_failed(send(server, HELLO, tls="implicit", timeout=1), PROTOCOL,
                  f"localhost:{server.port}", "does not speak TLS", "220 localhost",
                  "`tls = implicit` is for port 465", "`tls = starttls`")
    assert only_session(server).messages == []


def test_starttls_at_an_implicit_port(acs, send):
    server = acs(tls="implicit")
    assert_failed(send(server, HELLO, timeout=1), TEMPFAIL, f"localhost:{server.port}",
                  "greeting", "did not answer in time", "`tls = implicit`")
    assert only_session(server).cleartext == b""


# --- STARTTLS is not to be had

REFUSED = [
    ("454 4.7.0 TLS not available due to temporary reason", TEMPFAIL),
    ("421 4.3.2 Shutting down", TEMPFAIL),
    ("502 5.5.1 Command not implemented", PROTOCOL),
    ("501 5.5.4 Syntax error", PROTOCOL),
    ("250 2.0.0 OK", PROTOCOL),
]


@pytest.mark.parametrize("reply, status", REFUSED, ids=[row[0][:3] for row in REFUSED])
def test_starttls_refused(acs, send, reply, status):
    server = acs(faults=(Fault("starttls", reply=reply),))
    server.violations_expected = reply.startswith("250")    # the emulator begins TLS then
    assert_failed(send(server, HELLO), status, f"localhost:{server.port}", "STARTTLS",
                  reply)
    session = only_session(server)
    assert session.cleartext.startswith(b"EHLO ")
    assert session.verbs[:2] == ["EHLO", "STARTTLS"]
    assert set(session.verbs[2:]) <= {"QUIT"}


@pytest.mark.parametrize("auth_in_clear", [False, True])
def test_starttls_not_offered(acs, send, auth_in_clear):
    server = acs(without="STARTTLS", auth_in_clear=auth_in_clear)
    assert_failed(send(server, HELLO), PROTOCOL, "does not offer STARTTLS",
                  "nothing is sent in clear text", "right port")
    assert set(only_session(server).verbs) <= {"EHLO", "QUIT"}


@pytest.mark.parametrize("text", [b"250 injected\r\n", b"2", b"\r\n",
                                  b"220 2.0.0 SMTP server ready\r\n"])
def test_text_injected_behind_the_reply(acs, send, text):
    server = acs(faults=(Fault("starttls", action="inject", reply=text),))
    result = send(server, HELLO)
    assert_failed(result, PROTOCOL, "STARTTLS", "clear text", "tampering")
    assert BEFORE_TLS.match(only_session(server).cleartext)
    assert set(only_session(server).verbs) <= {"EHLO", "STARTTLS", "QUIT"}


def test_text_injected_into_the_handshake(acs, send):
    server = acs(faults=(
        Fault("handshake", reply="250 injected", action="silence",
              when=lambda session, line: session.wire.exactly(1)),))    # it has begun
    assert_failed(send(server, HELLO, timeout=1), PROTOCOL, "250 injected")
    assert only_session(server).verbs == ["EHLO", "STARTTLS"]


def test_what_was_offered_in_clear_text_is_forgotten(acs, send):
    """Somebody in between had CHUNKING and AUTH PLAIN offered; the server has neither."""
    before = ("localhost", "STARTTLS", "CHUNKING", "SIZE 5", "AUTH PLAIN")
    reply = "".join(f"250-{line}\r\n" for line in before) + "250 OK"
    server = acs(without=("CHUNKING", "PIPELINING"), faults=(Fault("ehlo", reply=reply),))
    assert_sent(send(server, HELLO))
    assert server.message.by == "DATA"
    assert only_session(server).mechanism == "LOGIN"


# --- without TLS

def test_without_tls_no_password_is_sent(acs, send):
    server = acs(tls="off", auth_in_clear=True, require_auth=False)
    assert_sent(send(server, HELLO, tls="off"))
    assert "AUTH" not in only_session(server).verbs


@pytest.mark.parametrize("auth", ["login", "plain", "xoauth2"])
def test_without_tls_a_login_is_refused(acs, send, auth):
    server = acs(tls="off", auth_in_clear=True)
    assert_failed(send(server, HELLO, tls="off", auth=auth), CONFIG,
                  "never sent without TLS", "tls = starttls")
    assert_nobody_called(server)


def test_without_tls_a_server_that_wants_a_login(acs, send):
    server = acs(tls="off", auth_in_clear=True, require_auth=True)
    assert_failed(send(server, HELLO, tls="off"), NOPERM, "530 5.7.57")
    assert "AUTH" not in only_session(server).verbs
    assert server.messages == []


# --- what TLS may use

def test_priorities_decide(acs, send):
    server = acs()
    assert_sent(send(server, HELLO, tls_priorities="NORMAL:-VERS-ALL:+VERS-TLS1.2"))
    assert only_session(server).tls == "TLSv1.2"


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("text, words", [
    ("NONSENSE", "\"NONSENSE\""), ("NORMAL:-VERS-TLS9.9", "\"-VERS-TLS9.9\""),
    ("NORMAL:-VERS-TLS1.3:-VERS-TLS1.2:+VERS-TLS1.1", "nothing to speak TLS 1.2"),
    ("NORMAL:-CIPHER-ALL", "leaves nothing"), ("@NO-SUCH-POLICY", "tls_priorities"),
])
@pytest.mark.parametrize("queue", ["on", "off"])
def test_priorities_that_make_no_sense(acs, run, config, home, queue, text, words, tls):
    """Told before anybody is called, whether there is a queue or not."""
    server = acs(tls=tls)
    path = config(server, tls=tls, tls_priorities=text,
                  extra=f"[delivery]\nqueue = {queue}\nspool = {home}/spool\n")
    result = run(["-C", path, "-t"], input=HELLO)
    assert_failed(result, CONFIG, "tls_priorities", words)
    assert server.sessions == []


@pytest.mark.parametrize("keys", [{}, {"tls_priorities": "NORMAL:+VERS-TLS1.0:+VERS-TLS1.1"}])
def test_nothing_says_less_than_tls_1_2(acs, run, config, home, keys):
    server = acs(tls_min="1.1", tls_max="1.1")
    policy = home / "policy"
    policy.write_text("[priorities]\nSYSTEM = NORMAL:+VERS-TLS1.0:+VERS-TLS1.1\n")
    result = run(["-C", config(server, **keys), "-t"], input=HELLO,
                 env={"GNUTLS_SYSTEM_PRIORITY_FILE": policy})
    assert_failed(result, PROTOCOL, "neither TLS 1.2 nor TLS 1.3")
    assert server.messages == []


@pytest.mark.parametrize("policy", [
    "[priorities]\nSYSTEM = NORMAL:-VERS-TLS1.3\n",
    "[overrides]\ndisabled-version = tls1.3\n",
])
def test_the_policy_of_the_system_decides(acs, run, config, home, policy):
    server = acs()
    (home / "policy").write_text(policy)
    env = {"GNUTLS_SYSTEM_PRIORITY_FILE": home / "policy"}
    assert_sent(run(["-C", config(server), "-t"], input=HELLO, env=env))
    assert only_session(server).tls == "TLSv1.2"
    assert_sent(run(["-C", config(server), "-t"], input=HELLO,
                    env={"GNUTLS_SYSTEM_PRIORITY_FILE": home / "none"}))
    assert server.sessions[1].tls == "TLSv1.3"


def test_no_keys_are_logged(acs, run, config, home):
    """Whoever calls us sets our environment."""
    server = acs()
    assert_sent(run(["-C", config(server), "-t"], input=HELLO,
                    env={"SSLKEYLOGFILE": home / "keys"}))
    assert not (home / "keys").exists()


@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_no_keys_are_traced(acs, run, config, version):
    """GnuTLS obeys that one before we run at all."""
    server = acs(tls_max=version)
    result = run(["-C", config(server), "-t"], input=HELLO, env={"GNUTLS_DEBUG_LEVEL": 99})
    assert result.status == 0 and server.message
    assert "SECRET[" not in result.stderr and "KEY [" not in result.stderr
