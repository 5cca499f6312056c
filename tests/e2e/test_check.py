# SPDX-License-Identifier: GPL-3.0-or-later
"""acsmtp check: each step failing by itself, and what people are told to do about it."""

import base64
import json
import os
import pty
import re
import select
import socket
import subprocess

import pytest

from helpers.program import environment, installed
from emulator.faults import Fault
from name_server import (CNAME, MX, REFUSED, SERVFAIL, TXT, NameServer, name_of, no_name, refusal,
                         reply_to, silence, text, type_of)
from outcome import assert_not_in

USAGE, NOHOST, UNAVAILABLE, IOERR, TEMPFAIL, PROTOCOL, NOPERM, CONFIG = (
    64, 68, 69, 74, 75, 76, 77, 78)
CANTCREAT = 73
VITAL = ["configuration", "secret", "dns", "tcp", "greeting", "tls", "ehlo", "auth", "sender"]
FROM = "DoNotReply@contoso.com"
GUID, TENANT = "0a1b2c3d-4e5f-6789-abcd-ef0123456789", "ffffffff-0000-1111-2222-333333333333"


@pytest.fixture
def name_server():
    """name_server(answer) -> a running NameServer."""
    running = []

    def start(answer):
        running.append(NameServer(answer))
        return running[-1]

    yield start
    for server in running:
        server.stop()


@pytest.fixture
def check(run, config, name_server):
    """check(emulator, *args, **keys): acsmtp check --json of a configuration, as (result, steps);
    ini=PATH: one that is there."""
    def run_check(server, *args, answer=no_name, ini=None, **keys):
        names = name_server(answer)
        result = run(["check", "--config", ini or config(server, **keys), "--nameserver",
                      names.address, "--json", *args], program="acsmtp")
        said = json.loads(result.stdout)
        assert said["status"] == result.status
        assert said["can_send"] == (result.status == 0)
        assert result.stderr == ""
        assert_not_in("correct horse; battery#staple", result.stdout)
        return result, {step["name"]: step for step in said["steps"]}

    return run_check


def advice_of(step):
    return "\n".join(step["advice"])


def states(steps):
    return {name: steps[name]["state"] for name in VITAL}


# --- all is well

def test_all_is_well(acs, check):
    server = acs()
    result, steps = check(server)
    assert result.status == 0
    assert list(steps)[:len(VITAL)] == VITAL
    assert states(steps) == dict.fromkeys(VITAL, "ok")
    assert all(steps[name]["vital"] for name in VITAL)
    figures = {name: step["figures"] for name, step in steps.items()}
    assert figures["configuration"]["account"] == "test"
    assert figures["configuration"]["why"] == "the only one"
    sources = figures["secret"].pop("sources")
    assert figures["secret"] == {"source": "password", "bytes": len(server.options.password)}
    assert next(s["name"] for s in sources if s["state"] == "set") == "password"
    assert figures["dns"]["addresses"][0] == "127.0.0.1"
    assert figures["tcp"]["addresses"][0] == {
        "address": "127.0.0.1", "connected": True,
        "ms": figures["tcp"]["addresses"][0]["ms"]}
    assert figures["tls"]["version"] == "TLS1.3"
    assert figures["tls"]["cipher"] == "AES-256-GCM"
    assert "acsmtp test" in figures["tls"]["issuer"]
    assert figures["tls"]["days_left"] > 7 and figures["tls"]["resumed"] is False
    assert {"PIPELINING", "CHUNKING", "SIZE"} <= set(figures["ehlo"]["extensions"])
    assert figures["ehlo"]["size_limit"] == server.options.max_size
    assert figures["ehlo"]["auth"] == "LOGIN XOAUTH2"
    assert figures["auth"]["mechanism"] == "LOGIN"
    assert figures["sender"] == {"sender": FROM, "recipient": FROM}


def test_nothing_is_sent(acs, check):
    """Asked and taken back: no message, not even the beginning of one."""
    server = acs()
    check(server)
    talk = [session for session in server.sessions if session.commands]
    assert len(talk) == 1
    assert talk[0].verbs == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "RSET", "QUIT"]
    assert server.messages == [] and talk[0].messages == []


@pytest.mark.parametrize("options, keys", [
    ({"tls": "implicit"}, {"tls": "implicit"}),
    ({"tls": "off", "mechanisms": ()}, {"tls": "off", "auth": "off", "password": None}),
])
def test_other_ways_to_connect(acs, check, options, keys):
    result, steps = check(acs(**options), **keys)
    assert (result.status, states(steps)) == (0, dict.fromkeys(VITAL, "ok"))


def test_resumed(acs, check):
    server = acs()
    check(server, tls_session_cache="on")
    _, steps = check(server, tls_session_cache="on")
    assert steps["tls"]["figures"]["resumed"] is True
    assert "session resumed" in steps["tls"]["text"]
    assert "acsmtp test" in steps["tls"]["figures"]["issuer"]


def test_token(acs, check):
    _, steps = check(acs(), password=None, token_command="printf token")
    assert steps["secret"]["figures"]["source"] == "token_command"
    assert steps["secret"]["figures"]["bytes"] == 5
    assert steps["secret"]["figures"]["sources"][0]["name"] == "token_command"
    assert steps["auth"]["figures"]["mechanism"] == "XOAUTH2"


def test_account_by_name(acs, check):
    server = acs()
    other = f"[account other]\nservice = other\nhost = localhost\nport = {server.port}\n"
    _, steps = check(server, "test", extra=other)
    assert steps["configuration"]["figures"]["why"] == "named on the command line"
    result, steps = check(server, extra=other)
    assert result.status == CONFIG
    assert "which account? there are test, other" in steps["configuration"]["text"]
    assert "acsmtp check ACCOUNT" in advice_of(steps["configuration"])


# --- each step failing by itself: options, account, step, status, text, advice

FAILING = {
    "unknown key": ({}, {"colour": "red"}, "configuration", CONFIG, "colour", ""),
    "no password": ({}, {"password": None, "keyring": "off"}, "secret", CONFIG,
                    "no password was found", "password_command"),
    "no password file": ({}, {"password": None, "password_file": "/nonexistent/x"}, "secret",
                         CONFIG, "password_file /nonexistent/x: cannot open it", ""),
    "command fails": ({}, {"password": None, "password_command": "echo no >&2; exit 3"},
                      "secret", NOPERM, "password_command", ""),
    "no user": ({}, {"user": None}, "secret", CONFIG, "`user` is missing", "SMTP username"),
    "greeting refused": ({"faults": [Fault("connect", reply="554 5.3.2 Not now")]}, {},
                         "greeting", UNAVAILABLE, "greeting: 554 5.3.2 Not now", ""),
    "greeting silent": ({"faults": [Fault("connect", action="silence")]}, {"timeout": 1},
                        "greeting", TEMPFAIL, "did not answer in time", ""),
    "no starttls": ({"without": "STARTTLS"}, {}, "tls", PROTOCOL,
                    "the server does not offer STARTTLS", "tls = implicit"),
    "expired": ({"certificate": "expired"}, {}, "tls", PROTOCOL, "expired", ""),
    "another name": ({"certificate": "othername"}, {}, "tls", PROTOCOL, "is for mail.example.net, not for localhost", ""),
    "self-signed": ({"certificate": "selfsigned"}, {}, "tls", PROTOCOL, "self-signed", ""),
    "TLS too old": ({"tls_max": "1.1", "tls_min": "1.1"}, {}, "tls", PROTOCOL,
                    "neither TLS 1.2 nor TLS 1.3", ""),
    "implicit TLS, wrong mode": ({}, {"tls": "implicit"}, "tls", PROTOCOL,
                                 "does not speak TLS here", "`tls = starttls`"),
    "ehlo refused": ({"faults": [Fault("ehlo2", reply="550 5.5.0 Go away")]}, {}, "ehlo",
                     UNAVAILABLE, "EHLO: 550 5.5.0 Go away", ""),
    "wrong password": ({}, {"password": "wrong"}, "auth", NOPERM,
                       "AUTH LOGIN: 535 5.7.3 Authentication unsuccessful", "user name: "),
    "no mechanism": ({"listed": ("GSSAPI",)}, {}, "auth", UNAVAILABLE,
                     "offers no way to log in that we know (it lists: GSSAPI)", "auth = login"),
    "not plain": ({"mechanisms": ("LOGIN",)}, {"auth": "plain"}, "auth", NOPERM, "504",
                  "AUTH LOGIN for a password"),
    "login later": ({"faults": [Fault("auth_response", reply="454 4.7.0 Later")]}, {}, "auth",
                    TEMPFAIL, "454 4.7.0 Later", "cannot check passwords now"),
    "not this sender": ({}, {"from": "root@contoso.com"}, "sender", NOPERM,
                        "MAIL FROM <root@contoso.com>: 5", "MailFrom address"),
    "no sender": ({}, {"from": None}, "sender", CONFIG, "`from` is missing", "MailFrom address"),
    "quota": ({"faults": [Fault("mail", reply="450 4.5.127 Message rejected. Excessive message "
                                "rate from sender")]}, {}, "sender", TEMPFAIL, "450 4.5.127",
              "over its quota"),
    "recipient": ({"faults": [Fault("rcpt", reply="550 5.1.1 Unknown")]}, {}, "sender", 67,
                  f"RCPT TO <{FROM}>: 550 5.1.1 Unknown", "check --send ADDRESS"),
    "hang-up": ({"faults": [Fault("mail", action="close")]}, {}, "sender", TEMPFAIL,
                f"MAIL FROM <{FROM}>: ", ""),
    "no reset": ({"faults": [Fault("RSET", reply="500 5.5.1 What?")]}, {}, "sender",
                 UNAVAILABLE, "RSET: 500 5.5.1 What?", ""),
}

AFTER_SECRET = {"auth", "sender"}      # the server can be looked at without one


@pytest.mark.parametrize("name", FAILING)
def test_failing(acs, check, name):
    options, keys, failing, status, words, advice = FAILING[name]
    server = acs(**options)
    server.violations_expected = keys.get("tls") == "implicit"  # it does not expect that
    result, steps = check(server, **keys)
    assert result.status == status
    assert steps[failing]["state"] == "failed"
    assert words in steps[failing]["text"]
    assert advice in advice_of(steps[failing])
    order = list(steps)[:len(VITAL)]
    for other in VITAL:
        after = order.index(other) > order.index(failing)
        if other == failing:
            continue
        if after and (failing != "secret" or other in AFTER_SECRET):
            title = {"tls": "TLS", "ehlo": "EHLO", "auth": "AUTH"}.get(failing, failing)
            assert steps[other]["state"] == "skipped"
            assert steps[other]["text"] == f"not tried: {title} failed"
        else:
            assert steps[other]["state"] == "ok", other
    assert server.messages == []
    # The domain is looked at in any case, unless it is not known.
    assert ("spf" in steps) == (failing != "configuration" and "from" not in keys or
                                keys.get("from") is not None)


def test_no_such_host(check):
    result, steps = check(None, "--timeout", "2", host="mail.example.invalid")
    assert result.status in (NOHOST, TEMPFAIL)      # offline, no name server answers
    assert steps["dns"]["state"] == "failed" and advice_of(steps["dns"])
    assert steps["tcp"]["text"] == steps["sender"]["text"] == "not tried: DNS failed"
    assert steps["secret"]["state"] == "ok" and steps["spf"]["state"] == "failed"


def test_nobody_listens(check):
    with socket.socket() as bound:      # bound, but nobody listens
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        result, steps = check(None, host="127.0.0.1", port=port)
    assert result.status == TEMPFAIL
    assert steps["tcp"]["state"] == "failed"
    assert "127.0.0.1: Connection refused" in steps["tcp"]["text"]
    assert f"connections to port {port}" in advice_of(steps["tcp"])
    assert steps["tcp"]["figures"]["addresses"][0]["connected"] is False
    assert steps["greeting"]["text"] == "not tried: TCP failed"


def test_one_address_of_two(acs, check):
    """localhost has two, and the emulator listens at one of them: that does."""
    _, steps = check(acs())
    addresses = steps["tcp"]["figures"]["addresses"]
    assert [address["connected"] for address in addresses] == [True, False]
    assert "::1: " in steps["tcp"]["text"]


def test_no_password(acs, check):
    """Every place that was looked at is told, in order."""
    result, steps = check(acs(), password=None)
    # 77: a keyring may have it, but there is no way to it; built without, there is none
    assert result.status in (NOPERM, CONFIG)
    assert steps["secret"]["state"] == "failed"
    assert steps["auth"]["text"] == "not tried: secret failed"
    assert steps["ehlo"]["state"] == "ok" and steps["spf"]["state"] == "failed"
    places = [line for line in steps["secret"]["advice"] if line.startswith("place ")]
    assert [line.split(": ")[1] for line in places] == [
        source["name"] for source in steps["secret"]["figures"]["sources"]]
    assert places[0] == "place 1: password: not set" and len(places) > 3


def test_command_may_hold_the_secret(acs, check):
    """So it is not shown, in what state it ever is; check() looks for the password."""
    server = acs()
    secret = f"'{server.options.password}'"
    for command in (f"echo {secret}", f"echo {secret} > /dev/null; false"):
        _, steps = check(server, password=None, password_command=f'"{command}"')
        assert steps["secret"]["state"] == ("failed" if "false" in command else "ok")
        assert "echo" not in json.dumps(steps["secret"])


def test_first_failure_decides(acs, check):
    """No password, and a server whose certificate cannot be trusted: the first one's status."""
    result, steps = check(acs(certificate="expired"), password=None, keyring="off")
    assert [name for name in VITAL if steps[name]["state"] == "failed"] == ["secret", "tls"]
    assert result.status == CONFIG
    assert steps["auth"]["text"] == "not tried: secret failed"


def test_server_that_takes_less(acs, check):
    _, steps = check(acs(max_size=1000))
    assert steps["ehlo"]["state"] == "warning"
    assert "max_size" in advice_of(steps["ehlo"])


def test_callers_say_the_sender(acs, check):
    result, steps = check(acs(), from_=None, sender_policy="keep")
    assert result.status == 0
    assert steps["sender"]["state"] == "skipped" and "no `from`" in steps["sender"]["text"]
    assert steps["domain"]["state"] == "skipped" and "spf" not in steps


# --- the causes of a 535

CAUSES = {
    "new form": ({"user": "contoso"}, "contoso has the new form"),
    "the from": ({"user": "donotreply@contoso.com"}, "is the account's `from`"),
    "address": ({"user": "smtp@contoso.com"}, "has the form of an address"),
    "old form": ({"user": f"contoso.{GUID}.{TENANT}"}, "has the old form"),
    "old form, bars": ({"user": f"contoso|{GUID}|{TENANT}"}, "has the old form"),
    "two parts": ({"user": f"contoso.{GUID}"}, "fewer than the three parts"),
    "no GUID": ({"user": f"contoso|{GUID}|tenant"}, "no directory (tenant) id"),
    "id alone": ({"user": GUID}, "an id alone"),
    "blank in the user": ({"user": '"contoso "'}, "has a blank at an end"),
    "id for value": ({"password": GUID}, "the secret's id and not like its value"),
    "blank at the end": ({"password": "wrong "}, "it ends with a blank"),
    "blank in front": ({"password": " wrong"}, "it begins with a blank"),
    "nothing to see": ({"password": "wrong"}, "5 bytes from password; it is no id"),
}


@pytest.mark.parametrize("name", CAUSES)
def test_causes(acs, check, name):
    keys, words = CAUSES[name]
    result, steps = check(acs(), **keys)
    advice = steps["auth"]["advice"]
    assert result.status == NOPERM
    assert words in advice_of(steps["auth"])
    assert advice[0].startswith("user name: ") and advice[1].startswith("secret: ")
    for line, portal in zip(advice[2:], ("Communication and Email Service Owner",
                                         "Ready to use", "expired", "scope", "application"),
                            strict=True):
        assert portal in line
    assert_not_in(GUID if keys.get("password") == GUID else "correct horse", result.stdout)


@pytest.mark.parametrize("password, state", [(GUID, "warning"), ("wrong", "ok")])
def test_secret_is_suspected_before_the_server_is_asked(acs, check, password, state):
    _, steps = check(acs(), password=password)
    assert steps["secret"]["state"] == state


def test_causes_of_a_token(acs, check):
    _, steps = check(acs(), password=None, token_command="printf wrong")
    advice = advice_of(steps["auth"])
    assert "token: 5 bytes from token_command" in advice
    assert "https://communication.azure.com/.default" in advice
    assert "Certificates & secrets" not in advice


def token_of(**claims):
    text = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{text}.c2lnbmF0dXJl"


@pytest.mark.parametrize("claims, words", [
    ({"aud": "https://outlook.office365.com", "exp": 4000000000},
     "it is for https://outlook.office365.com: ask for the scope "
     "https://communication.azure.com/.default"),
    ({"aud": "https://communication.azure.com", "exp": 1000000000}, "it expired on 2001-09-09"),
    ({"aud": "https://communication.azure.com", "exp": 4000000000}, "bytes from token_command"),
    ({"aud": GUID}, "bytes from token_command"),
])
def test_token_that_says_why(acs, check, claims, words):
    token = token_of(**claims)
    result, steps = check(acs(), password=None, token_command=f"printf {token}")
    assert words in steps["auth"]["advice"][1]
    assert token not in result.stdout


def test_other_services_have_other_causes(acs, check):
    _, steps = check(acs(), service="sendgrid", password="wrong")
    assert steps["auth"]["advice"] == ["the user name is the word apikey, and the password an "
                                       "API key that may send mail"]


# --- --send

def test_send(acs, check):
    server = acs()
    result, steps = check(server, "--send", "you@example.org")
    assert result.status == 0
    assert server.message.recipients == ["you@example.org"]
    assert server.message.sender == FROM
    assert len(server.messages) == 1
    figures = steps["send"]["figures"]
    assert f"Message-ID: {figures['message_id']}".encode() in server.message.data
    assert re.fullmatch(r"<\S+@contoso\.com>", figures["message_id"])
    assert figures["reply"].startswith("250 ")
    assert steps["sender"]["figures"]["recipient"] == "you@example.org"
    assert "taken is not delivered" in advice_of(steps["send"])


def test_send_refused(acs, check):
    server = acs(faults=[Fault("body", reply="554 5.6.0 No")])
    result, steps = check(server, "--send", "you@example.org")
    assert result.status == UNAVAILABLE
    assert steps["send"]["state"] == "failed" and "554 5.6.0 No" in steps["send"]["text"]


@pytest.mark.parametrize("address", ["nobody here", "a@b, c@d"])
def test_send_to_what_is_no_address(acs, check, address):
    server = acs()
    result, steps = check(server, "--send", address)
    assert result.status == 65
    assert steps["sender"]["state"] == "failed" and server.messages == []


# --- quota and spool

@pytest.fixture
def queue(home):
    """The settings of a queue, with nobody who runs it by itself."""
    return f"[delivery]\nqueue = on\nspool = {home}/spool\n"


def test_quota_is_counted(acs, check, send, queue):
    """What was sent here, by --send as well; looking costs nothing."""
    server = acs()
    limits = {"rate_per_minute": 30, "rate_per_hour": 100}
    for _ in range(2):
        assert send(server, "Subject: x\n\nx\n", "you@example.org", extra=queue,
                    **limits).status == 0
    for _ in range(2):
        _, steps = check(server, extra=queue, **limits)
    assert steps["quota"]["text"] == "2 of 30 messages this minute, 2 of 100 messages this hour"
    assert steps["quota"]["figures"]["last_success"] > 0
    check(server, "--send", "you@example.org", extra=queue, **limits)
    _, steps = check(server, extra=queue, **limits)
    assert steps["quota"]["figures"]["used_hour"] == 3
    assert len(server.messages) == 3


def test_account_that_is_paused(acs, check, config, run, queue):
    """It is told why, and a message that a person wants to be sent ends it."""
    server = acs(faults=[Fault("auth_response", reply="454 4.7.0 Later", times=1)])
    ini = config(server, extra=queue)    # another file would end it too
    assert run(["-C", ini, "you@example.org"], input="Subject: x\n\nx\n").status == 0
    result, steps = check(server, ini=ini)
    assert result.status == 0
    assert steps["quota"]["state"] == "warning"
    assert "paused until " in steps["quota"]["text"] and "454 4.7.0" in steps["quota"]["text"]
    assert steps["spool"]["figures"]["waiting"] == 1
    assert steps["spool"]["figures"]["failed"] == 0
    result, _ = check(server, "--send", "me@example.org", ini=ini)
    assert result.status == 0 and server.message.recipients == ["me@example.org"]
    _, steps = check(server, ini=ini)
    assert steps["quota"]["state"] == "ok"


def test_messages_that_failed(acs, check, send, queue):
    """They are kept, and pointed to."""
    server = acs(faults=[Fault("rcpt", reply="550 5.1.1 Unknown", times=1)])
    send(server, "Subject: x\n\nx\n", "-odq", "you@example.org", extra=queue)
    send(server, "", "-q", extra=queue)
    _, steps = check(server, extra=queue)
    assert steps["spool"]["state"] == "warning"
    assert steps["spool"]["figures"]["failed"] == 1
    assert steps["spool"]["figures"]["untold"] == 1
    assert advice_of(steps["spool"]).splitlines() == [
        "`acsmtp queue list --failed` shows them, with the reasons",
        "set report_to in [delivery] to an address that somebody reads"]


def test_spool_that_cannot_be(acs, check, tmp_path):
    """`on` needs it, `auto` goes without."""
    (tmp_path / "file").touch()
    extra = "[delivery]\nqueue = {}\nspool = " + str(tmp_path / "file") + "\n"
    result, steps = check(acs(), extra=extra.format("on"))
    assert result.status == CANTCREAT
    assert steps["spool"]["state"] == "failed" and str(tmp_path) in steps["spool"]["text"]
    result, steps = check(acs(), extra=extra.format("auto"))
    assert result.status == 0 and steps["spool"]["state"] == "warning"
    assert "given back to the caller" in advice_of(steps["spool"])


def test_history_of_a_535(acs, check, send, queue):
    """An account that worked, and does not any more."""
    server = acs()
    _, steps = check(server, password="wrong", extra=queue)
    assert "has not seen a message of the account accepted" in advice_of(steps["auth"])
    assert send(server, "Subject: x\n\nx\n", "you@example.org", extra=queue).status == 0
    _, steps = check(server, password="wrong", extra=queue)
    assert re.search(r"history: a message was accepted on \d{4}-.*a secret that expired",
                     advice_of(steps["auth"]))


# --- the domain; with a real name server in tests/interop

RECORDS = {
    ("contoso.com", TXT): [text(b"v=spf1 include:spf.protection.outlook.com -all")],
    ("_dmarc.contoso.com", TXT): [text(b"v=DMARC1; p=none")],
    ("contoso.com", MX): [b"\0\x0a\x02mx\xc0\x0c"],
    ("selector1-azurecomm-prod-net._domainkey.contoso.com", CNAME): [
        b"\x02s1\x09azurecomm\x03net\0"],
    ("selector2-azurecomm-prod-net._domainkey.contoso.com", CNAME): [
        b"\x02s2\x09azurecomm\x03net\0"],
}


def records_of(query, records=None):
    return reply_to(query, records=(records or RECORDS).get((name_of(query), type_of(query)),
                                                            []))


def test_domain_is_right(acs, check):
    _, steps = check(acs(), answer=records_of)
    domain = {name: step for name, step in steps.items()
              if name not in VITAL + ["quota", "spool", "log", "service"]}
    assert list(domain) == ["domain", "spf", "dkim1", "dkim2", "dmarc", "mx"]
    assert {step["state"] for step in domain.values()} == {"ok"}
    assert not any(step["vital"] for step in domain.values())
    assert domain["mx"]["text"] == "10 mx.contoso.com"
    assert domain["dkim2"]["text"].endswith(" leads to s2.azurecomm.net")


def test_domain_does_not_decide(acs, check):
    result, steps = check(acs(), answer=no_name)
    assert result.status == 0
    assert steps["spf"]["text"] == "there is no domain contoso.com"
    assert steps["dkim1"]["state"] == "failed"


@pytest.mark.parametrize("service, own", [("acs", True), ("other", False)])
def test_domain_of_other_services(acs, check, service, own):
    _, steps = check(acs(), service=service, answer=lambda query: reply_to(query))
    assert ("dkim1" in steps) is own
    assert ("outlook.com" in advice_of(steps["spf"])) is own


def test_managed_domain(acs, check, name_server):
    del name_server
    sender = f"DoNotReply@{GUID}.azurecomm.net"
    _, steps = check(acs(senders=(sender,)), from_=sender)
    assert "managed by Azure" in steps["domain"]["text"]
    assert steps["domain"]["state"] == "ok" and "spf" not in steps


@pytest.mark.parametrize("answer, words", [
    (refusal(SERVFAIL), "SERVFAIL"), (refusal(REFUSED), "REFUSED"),
])
def test_name_server_that_cannot(acs, check, answer, words):
    """It is said of each name: others may be with other servers."""
    result, steps = check(acs(), answer=answer)
    assert result.status == 0
    for name in ("spf", "dkim1", "dkim2", "dmarc", "mx"):
        assert steps[name]["state"] == "failed" and words in steps[name]["text"]


def test_silent_name_server(acs, check):
    """Waited for once."""
    result, steps = check(acs(), "--timeout", "1", answer=silence)
    assert result.status == 0
    assert steps["spf"]["state"] == "failed" and "no answer in time" in steps["spf"]["text"]
    for name in ("dkim1", "dkim2", "dmarc", "mx"):
        assert steps[name]["text"] == "not tried: no name server answers"


LIES = {
    "more records than there are": lambda query: reply_to(query, count=9),
    "a string over its end": lambda query: reply_to(query, records=[b"\xffv=spf1"]),
    "a name that leads to itself": lambda query: reply_to(query)[:12] + b"\xc0\x0c",
    "cut in the header": lambda query: reply_to(query)[:7],
    "cut in the record": lambda query: reply_to(query, records=[text(b"v=spf1 -all")])[:-4],
    "no record at all": lambda query: reply_to(query, records=[b""]),
    "NUL and escapes": lambda query: reply_to(query, records=[text(b"v=spf1 \0\x1b[31m\xff")]),
}


@pytest.mark.parametrize("name", LIES)
def test_name_server_that_lies(acs, check, name):
    result, steps = check(acs(), "--timeout", "1", answer=LIES[name])
    assert result.status == 0
    assert steps["spf"]["state"] == "failed"
    assert steps["spf"]["text"].isprintable()


# --- for people

def people(run, config, server, name_server, *args, env=None, **keys):
    return run(["check", "--config", config(server, **keys), "--nameserver",
                name_server(records_of).address, *args], program="acsmtp", env=env)


def test_lines(acs, run, config, name_server):
    result = people(run, config, acs(), name_server)
    lines = result.stdout.splitlines()
    assert (result.status, result.stderr) == (0, "")
    ends = lines.index(next(line for line in lines if "last day is 2028-09-30" in line))
    while lines[ends + 1].startswith("     "):      # the ways out
        lines.pop(ends + 1)
    quota = lines.pop(9)        # not known without a queue
    assert quota.startswith("–   quota         not known")
    assert [re.match(r"✓   (\S+)", line)[1] for line in lines] == [
        "configuration", "secret", "DNS", "TCP", "greeting", "TLS", "EHLO", "AUTH", "sender",
        "spool", "log", "service", "domain", "SPF", "DKIM", "DKIM", "DMARC", "MX"]
    assert "\033" not in result.stdout


def test_signs_in_ascii(acs, run, config, name_server):
    result = people(run, config, acs(), name_server, env={"LANG": "C"}, password="wrong")
    assert result.status == NOPERM
    assert result.stdout.isascii()
    signs = {line[:2] for line in result.stdout.splitlines()}
    assert signs == {"ok", "!!", "--", "  "}
    assert "\n!!  AUTH " in result.stdout and "\n--  sender " in result.stdout


def on_a_terminal(home, arguments, columns=80, **env):
    """What the program writes to a terminal."""
    ours, theirs = pty.openpty()
    import fcntl
    import struct
    import termios
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen([installed("acsmtp"), *arguments], stdin=theirs, stdout=theirs,
                               stderr=theirs, env=environment(home, env), cwd=home)
    os.close(theirs)
    output = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            piece = os.read(ours, 65536)
        except OSError:     # EIO: the other end is closed
            break
        if not piece:
            break
        output += piece
    os.close(ours)
    assert process.wait(60) is not None
    return output.decode()


@pytest.mark.parametrize("env, coloured", [
    ({"TERM": "xterm"}, True), ({"TERM": "xterm", "NO_COLOR": ""}, True),
    ({"TERM": "xterm", "NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False),
])
def test_colour(acs, config, home, name_server, env, coloured):
    output = on_a_terminal(home, ["check", "--config", config(acs(), password="wrong"),
                                  "--nameserver", name_server(records_of).address], **env)
    assert ("\033[32m✓\033[0m   secret" in output) is coloured
    assert ("\033[31m✗\033[0m   AUTH" in output) is coloured
    assert ("\033" in output) is coloured


@pytest.mark.parametrize("columns", [60, 100])
def test_lines_fit_the_terminal(acs, config, home, name_server, columns):
    output = on_a_terminal(home, ["check", "--config", config(acs(), password="wrong"),
                                  "--nameserver", name_server(no_name).address],
                           columns=columns, NO_COLOR="1", TERM="xterm")
    lines = output.replace("\r", "").splitlines()
    widest = max(len(line) for line in lines if line.count(" ") > 25)
    assert columns - 25 < widest <= columns


def test_server_cannot_reach_the_terminal(acs, run, config, name_server):
    server = acs(faults=[Fault("connect", reply=b"554 \x1b[2J\x07 no\r\n")])
    result = people(run, config, server, name_server)
    assert result.status == UNAVAILABLE and "\x1b" not in result.stdout


@pytest.mark.parametrize("arguments, words", [
    (["--timeout", "0"], "--timeout is a number of seconds"),
    (["--timeout", "x"], "--timeout is a number of seconds"),
    (["--nameserver", "ns.example.org"], '--nameserver: "ns.example.org" is no address'),
    (["--nameserver", "127.0.0.1:0"], "--nameserver: "),
    (["--nameserver", "127.0.0.1:53x"], "--nameserver: "),
    (["--sent", "x"], "did you mean --send?"),
    (["a", "b"], "too many arguments"),
])
def test_usage(run, arguments, words):
    result = run(["check", *arguments], program="acsmtp")
    assert (result.status, result.stdout) == (USAGE, "")
    assert words in result.stderr


def test_output_that_cannot_be_written(acs, config, home, name_server):
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([installed("acsmtp"), "check", "--config", config(acs()),
                               "--nameserver", name_server(no_name).address], stdout=full,
                              stderr=subprocess.PIPE, env=environment(home, None), cwd=home,
                              timeout=60, check=False)
    assert done.returncode == IOERR and b"standard output" in done.stderr
