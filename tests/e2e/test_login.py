# SPDX-License-Identifier: GPL-3.0-or-later
"""AUTH: which mechanism, in which words, and what people are told when it fails."""

import base64

import pytest

from emulator.faults import Fault
from emulator.options import Options
from outcome import (HELLO, assert_failed, assert_nobody_called, assert_not_in,
                     assert_sent, only_session)

UNAVAILABLE, TEMPFAIL, PROTOCOL, NOPERM, CONFIG = 69, 75, 76, 77, 78

TOKEN = {"password": None, "token_command": "printf token"}
WRONG_TOKEN = {"password": None, "token_command": "printf wrong"}


def base64_of(text):
    return base64.b64encode(text.encode())


def auth_commands(server):
    return [command for command in only_session(server).commands
            if command.upper().startswith(b"AUTH")]


def names(server):
    return [command.split()[1].decode() for command in auth_commands(server)]


# --- it works

WORKING = {
    # what the server has, what the account says, and what is tried in turn
    "login": ({}, {}, ["LOGIN"]),
    "login before plain": ({"mechanisms": ("PLAIN", "LOGIN")}, {}, ["LOGIN"]),
    "plain alone": ({"mechanisms": ("PLAIN",)}, {}, ["PLAIN"]),
    "plain forced": ({"mechanisms": ("LOGIN", "PLAIN")}, {"auth": "plain"}, ["PLAIN"]),
    "plain after 504 to login": ({"mechanisms": ("PLAIN",), "listed": ("LOGIN", "PLAIN")},
                                 {}, ["LOGIN", "PLAIN"]),
    "plain listed, refused": ({"mechanisms": ("LOGIN",), "listed": ("PLAIN", "LOGIN")},
                              {}, ["LOGIN"]),
    "login forced, not listed": ({"listed": ()}, {"auth": "login"}, ["LOGIN"]),
    "plain forced, not listed": ({"mechanisms": ("PLAIN",), "listed": ("LOGIN",)},
                                 {"auth": "plain"}, ["PLAIN"]),
    "token": ({}, TOKEN, ["XOAUTH2"]),
    "token forced, not listed": ({"listed": ("LOGIN",)}, {"auth": "xoauth2", **TOKEN},
                                 ["XOAUTH2"]),
    "token, another mechanism": ({"mechanisms": ("LOGIN", "OAUTHBEARER")}, TOKEN,
                                 ["OAUTHBEARER"]),
    "token, both listed": ({"mechanisms": ("XOAUTH2", "OAUTHBEARER")}, TOKEN, ["XOAUTH2"]),
    "token, one listed that is refused": (
        {"mechanisms": ("OAUTHBEARER",), "listed": ("XOAUTH2", "OAUTHBEARER")}, TOKEN,
        ["XOAUTH2", "OAUTHBEARER"]),
    "token, none listed": ({"listed": ("LOGIN",)}, TOKEN, ["XOAUTH2"]),
    "oauthbearer forced, not listed": (
        {"mechanisms": ("OAUTHBEARER",), "listed": ("LOGIN",)},
        {"auth": "oauthbearer", **TOKEN}, ["OAUTHBEARER"]),
    "token as the password": ({}, {"auth": "xoauth2", "password": "token"}, ["XOAUTH2"]),
}


@pytest.mark.parametrize("name", WORKING)
def test_logs_in(acs, send, name):
    offered, account, tried = WORKING[name]
    server = acs(**offered)
    assert_sent(send(server, HELLO, **account))
    assert names(server) == tried
    assert only_session(server).user == server.options.user
    assert server.message.recipients == ["a@example.org"]


def test_login_with_initial_response(acs, send):
    server = acs()
    assert_sent(send(server, HELLO))
    assert auth_commands(server) == [
        b"AUTH LOGIN %s\r\n" % base64_of(server.options.user)]
    assert only_session(server).auth_lines == [
        base64_of(server.options.password) + b"\r\n"]


def test_login_without_initial_response(acs, send):
    """For servers that refuse one."""
    server = acs(faults=(
        Fault("auth", reply="501 5.5.4 No initial response, please", times=1),))
    assert_sent(send(server, HELLO))
    assert auth_commands(server) == [
        b"AUTH LOGIN %s\r\n" % base64_of(server.options.user), b"AUTH LOGIN\r\n"]
    assert only_session(server).auth_lines == [
        base64_of(text) + b"\r\n"
        for text in (server.options.user, server.options.password)]


@pytest.mark.parametrize("reply", ["535 5.7.8 Authentication failed", "504 5.5.4 No",
                                   "500 5.5.1 Syntax error"])
def test_an_initial_response_that_is_refused_like_a_password(acs, send, reply):
    """Where LOGIN is all there is: once more without it, as no password was said yet."""
    server = acs(mechanisms=("LOGIN",), faults=(Fault("auth", reply=reply, times=1),))
    assert_sent(send(server, HELLO))
    assert auth_commands(server) == [
        b"AUTH LOGIN %s\r\n" % base64_of(server.options.user), b"AUTH LOGIN\r\n"]
    assert only_session(server).user == server.options.user


def test_no_more_than_once(acs, send):
    server = acs(mechanisms=("LOGIN",),
                 faults=(Fault("auth", reply="535 5.7.8 Authentication failed"),))
    assert_failed(send(server, HELLO), NOPERM, "535 5.7.8")
    assert names(server) == ["LOGIN", "LOGIN"]


@pytest.mark.parametrize("password", ["*", "Authentication", "a"])
def test_a_word_of_the_server_s_is_no_secret(acs, send, home, password):
    """Stars over what every server says would tell what the password is."""
    server = acs(password=password, faults=(
        Fault("body", reply="250 2.6.0 Authentication was a matter of luck *"),))
    assert_sent(send(server, HELLO, log=home / "log"))
    assert 'reply="250 2.6.0 Authentication was ' in (home / "log").read_text()
    wrong = acs()
    result = send(wrong, HELLO, password=password)
    assert_failed(result, NOPERM, "535 5.7.3 Authentication unsuccessful")


def test_the_password_is_no_answer_to_the_question_for_the_user(acs, send):
    """Some servers pass over the initial response, and log what they take for a name."""
    server = acs(faults=(Fault("auth", reply="334 VXNlcm5hbWU6"),))
    assert send(server, HELLO).status == NOPERM    # this one does not really ask
    assert only_session(server).auth_lines[0] == base64_of(server.options.user) + b"\r\n"


def test_what_is_no_reply_repeats_no_password(acs, send):
    """Its first bytes are quoted in the error, in the log and with -v."""
    password = Options.password
    for words in (password, base64_of(password).decode(), f"{'x' * 50}{password}"):
        server = acs(faults=(Fault("auth_response", reply=f"you said {words}"),))
        result = send(server, HELLO, "-t", "-v")
        assert result.status == PROTOCOL
        assert "did not answer in SMTP: \"you said " in result.stderr
        for secret in (password, base64_of(password).decode()):
            assert secret[:8] not in result.stdout + result.stderr


USERS = {
    "parts": f"contoso-communication|{'1' * 36}|{'2' * 36}",
    "long": f"{'r' * 63}.{'1' * 36}.{'2' * 36}",
    "address": "sender@contoso.com",
    "unicode": "Grüße",
    "what RFC 5801 escapes": "a,b=c",
}


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("mechanism", ["LOGIN", "PLAIN", "XOAUTH2", "OAUTHBEARER"])
def test_user_names(acs, send, user, mechanism):
    server = acs(user=USERS[user], mechanisms=(mechanism,))
    account = TOKEN if mechanism in ("XOAUTH2", "OAUTHBEARER") else {}
    assert_sent(send(server, HELLO, **account))
    assert only_session(server).user == USERS[user]


@pytest.mark.parametrize("password", [" blanks at both ends ", "pässwörd;#'`$(x)%s\\n",
                                      "=", "x" * 1000])
def test_passwords(acs, send, password):
    assert_sent(send(acs(password=password), HELLO))


def test_long_token(acs, send, tmp_path):
    """Entra's have kilobytes; RFC 4954 allows 12288 bytes a line."""
    token = "t" * 8000
    (tmp_path / "token").write_text(token)
    server = acs(token=token)
    assert_sent(send(server, HELLO, password=None,
                     token_command=f"cat {tmp_path / 'token'}"))
    assert only_session(server).mechanism == "XOAUTH2"


# --- wrong secrets

SIX_CAUSES = ("wrong resource", "expired", "Communication and Email Service Owner",
              "Ready to use", "https://communication.azure.com/.default",
              "another application")
WRONG = {
    "acs": ({"service": "acs"}, SIX_CAUSES),
    "other": ({"service": "other"}, ("check `user` and the password",)),
    "sendgrid": ({"service": "sendgrid", "user": "apikey"}, ("apikey", "API key")),
}


@pytest.mark.parametrize("service", WRONG)
@pytest.mark.parametrize("mechanism", ["LOGIN", "PLAIN"])
def test_wrong_password(acs, send, service, mechanism):
    account, words = WRONG[service]
    server = acs(mechanisms=(mechanism,))
    result = send(server, HELLO, **{**account, "password": "not the password"})
    assert_failed(result, NOPERM, f"localhost:{server.port}", f"AUTH {mechanism}",
                  "535 5.7.3 Authentication unsuccessful", *words)
    assert names(server) == [mechanism]    # each attempt counts against a lockout
    assert server.messages == []
    assert_not_in("not the password", result.stderr)


@pytest.mark.parametrize("service, word", [
    ("acs", "https://communication.azure.com/.default"),
    ("office365", "https://outlook.office.com/SMTP.Send"),
])
def test_wrong_token(acs, send, service, word):
    server = acs()
    result = send(server, HELLO, service=service, **WRONG_TOKEN)
    assert_failed(result, NOPERM, "AUTH XOAUTH2", "535 5.7.3", word)
    session = only_session(server)
    assert session.auth_lines == [b"\r\n"]    # the answer to the reason in base64
    assert set(session.verbs) <= {"EHLO", "STARTTLS", "AUTH", "QUIT"}


@pytest.mark.parametrize("mechanism, answer, reason", [
    ("XOAUTH2", b"\r\n", "(status 401, schemes bearer, scope https://communication.azure.com"),
    ("OAUTHBEARER", b"AQ==\r\n", "(status invalid_token, schemes bearer, scope https://comm"),
])
def test_why_a_token_is_refused(acs, send, mechanism, answer, reason):
    """It comes as JSON in a challenge, and is told with the refusal that follows."""
    server = acs(mechanisms=(mechanism,))
    result = send(server, HELLO, **WRONG_TOKEN)
    assert_failed(result, NOPERM, f"AUTH {mechanism}: 535 5.7.3", reason)
    assert only_session(server).auth_lines == [answer]
    assert names(server) == [mechanism]
    assert_not_in("wrong\x01", result.stderr)


@pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
def test_a_token_is_refused_at_once(acs, send, mechanism):
    server = acs(mechanisms=(mechanism,), token_reason=False)
    result = send(server, HELLO, auth=mechanism.lower(), **WRONG_TOKEN)
    assert_failed(result, NOPERM, f"AUTH {mechanism}: 535 5.7.3")
    assert only_session(server).auth_lines == []


@pytest.mark.parametrize("command, words", [
    ("false", ("token_command",)),
    ("echo no such account >&2; exit 3", ("token_command",)),
    ("true", ("token_command",)),
])
def test_no_token(acs, send, command, words):
    server = acs()
    result = send(server, HELLO, password=None, token_command=command)
    assert result.status in (NOPERM, TEMPFAIL)
    assert all(word in result.stderr for word in words), result.stderr
    assert_nobody_called(server)


# --- the server refuses for other reasons

def ask_again(session, line):
    session.then = session.take_response
    return True


REFUSALS = {
    "plain forced": ({}, {"auth": "plain"}, NOPERM,
                     ("AUTH PLAIN", "504 5.7.4", "AUTH LOGIN")),
    "unknown mechanism": ({"listed": ("GSSAPI", "NTLM")}, {}, UNAVAILABLE,
                          ("GSSAPI NTLM", "auth = login")),
    "nothing listed": ({"listed": ()}, {}, UNAVAILABLE, ("none", "auth = login")),
    "temporary": ({"faults": (Fault("auth", reply="454 4.7.0 Temporary failure"),)}, {},
                  TEMPFAIL, ("454 4.7.0 Temporary failure", "try again later")),
    "temporary at the end": (
        {"faults": (Fault("auth_response", reply="454 4.7.0 Temporary failure"),)}, {},
        TEMPFAIL, ("454 4.7.0 Temporary failure", "try again later")),
    "going": ({"faults": (Fault("auth", reply="421 4.3.2 Going", action="close"),)}, {},
              TEMPFAIL, ("421 4.3.2 Going",)),
    "too weak": ({"faults": (Fault("auth", reply="534 5.7.9 Too weak"),)}, {},
                 NOPERM, ("534 5.7.9 Too weak", "`auth`")),
    "no initial response ever": (
        {"faults": (Fault("auth", reply="501 5.5.4 Invalid"),)}, {}, NOPERM,
        ("501 5.5.4 Invalid",)),
    "no end of questions": (
        {"faults": (Fault("auth_response", reply="334 UGFzc3dvcmQ6", when=ask_again),)},
        {}, PROTOCOL, ("334",)),
    "odd": ({"faults": (Fault("auth", reply="250 2.0.0 Fine"),)}, {}, PROTOCOL,
            ("250 2.0.0 Fine",)),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_login_refused(acs, send, name):
    offered, account, status, words = REFUSALS[name]
    server = acs(**offered)
    result = send(server, HELLO, **account)
    assert_failed(result, status, f"localhost:{server.port}", *words)
    assert not {"MAIL", "RCPT", "DATA", "BDAT"} & set(only_session(server).verbs)


def test_nobody_logged_in(acs, send):
    server = acs()
    assert_failed(send(server, HELLO, auth="off"), NOPERM, "MAIL FROM",
                  "530 5.7.57 Client not authenticated", "set `user` and a password")
    assert "AUTH" not in only_session(server).verbs
    assert server.messages == []


def test_no_user(acs, send):
    server = acs()
    assert_failed(send(server, HELLO, user=None), CONFIG, "`user` is missing")
    assert_nobody_called(server)
