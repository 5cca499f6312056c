# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator does what it promises, to a client that is not acsmtp."""

import os
import re
import signal
import smtplib
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.client import Client, base64_of
from emulator.faults import Fault
from emulator.options import EXTENSIONS, Options
from emulator.rates import Rates

MESSAGE = b"Subject: test\r\n\r\nHello\r\n"
SENDER = "donotreply@contoso.com"


@pytest.fixture
def client(pki):
    clients = []

    def connect(emulator, **tls):
        clients.append(Client(emulator, pki, **tls))
        return clients[-1]

    yield connect
    for one in clients:
        one.socket.close()


# --- TLS

@pytest.mark.parametrize("version, name, waits", [
    (ssl.TLSVersion.TLSv1_2, "TLSv1.2", 6),
    (ssl.TLSVersion.TLSv1_3, "TLSv1.3", 5),
])
def test_starttls_with_both_versions(acs, client, version, name, waits):
    server = acs()
    one = client(server, version=version)
    one.start_tls()
    one.socket.close()
    session, = server.sessions
    assert (session.tls, session.sni, session.resumed) == (name, "localhost", False)
    assert session.waits == waits
    assert session.cleartext == b"EHLO client.example\r\nSTARTTLS\r\n"


def test_tls_versions_are_selectable(acs, client):
    server = acs(tls_min="1.3")
    with pytest.raises(ssl.SSLError):
        client(server, version=ssl.TLSVersion.TLSv1_2).start_tls()
    assert server.sessions[0].tls_error
    server = acs(tls_max="1.2")
    client(server).start_tls()
    assert server.sessions[0].tls == "TLSv1.2"


def test_implicit_tls(acs, client):
    server = acs(tls="implicit")
    one = client(server)
    one.secure()
    assert "STARTTLS" not in one.hello()
    assert server.sessions[0].cleartext == b""
    assert server.sessions[0].waits == 3


def test_the_chain_has_an_intermediate(acs, client, pki):
    chain, _ = pki.chain("good")
    assert Path(chain).read_text().count("BEGIN CERTIFICATE") == 2
    one = client(acs())
    one.start_tls()
    leaf = one.socket.getpeercert(binary_form=True)
    assert ssl.DER_cert_to_PEM_cert(leaf) in Path(chain).read_text()


@pytest.mark.parametrize("kind, complaint", [
    ("expired", "expired"),
    ("othername", "Hostname mismatch"),
    ("selfsigned", "self-signed"),
    ("foreign", "unable to get local issuer"),
])
def test_bad_certificates(acs, client, kind, complaint):
    server = acs(certificate=kind)
    with pytest.raises(ssl.SSLCertVerificationError, match=complaint):
        client(server).start_tls()
    session, = server.sessions
    assert session.verbs == ["EHLO", "STARTTLS"]


def test_pki_files(pki):
    assert Path(pki.bundle).read_text().count("BEGIN CERTIFICATE") == 7
    for root in (pki.ca, pki.foreign_ca):
        assert Path(root).read_text() in Path(pki.bundle).read_text()
    assert re.fullmatch("[0-9a-f]{64}", pki.fingerprint("good"))
    assert pki.fingerprint("good") != pki.fingerprint("expired")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@pytest.mark.parametrize("tickets", [True, False])
def test_session_tickets(acs, pki, tickets, version):
    server = acs(tickets=tickets)
    context = Client.context(pki, version)
    session = None
    for _ in range(2):
        with Client(server, pki) as one:
            one.start_tls(context=context, session=session)
            session = one.socket.session
    assert [s.resumed for s in server.sessions] == [False, tickets]


# --- EHLO

def test_extensions(acs, client):
    reply = client(acs()).start_tls()
    offered = {line[4:].split()[0] for line in reply.split("\n")[1:]}
    assert offered == EXTENSIONS - {"STARTTLS"} | {"AUTH"}
    assert "SIZE 10485760" in reply
    assert "AUTH LOGIN XOAUTH2" in reply


@pytest.mark.parametrize("name", sorted(EXTENSIONS))
def test_each_extension_can_be_switched_off(acs, client, name):
    assert name in client(acs()).hello()
    assert name not in client(acs(without=name)).hello()


def test_limits_can_be_offered(acs, client):
    server = acs(extensions=EXTENSIONS | {"LIMITS"}, max_recipients=7)
    assert "LIMITS RCPTMAX=7" in client(server).hello()


def test_an_unknown_extension_is_a_mistake(acs):
    with pytest.raises(ValueError, match="PIPELINE"):
        acs(without=("PIPELINE",))


def test_without_enhanced_status_codes(acs, client):
    one = client(acs(without="ENHANCEDSTATUSCODES"))
    one.hello()
    assert one.ask("RSET") == "250 Resetting"


# --- AUTH

def test_auth_is_hidden_before_tls(acs, client):
    one = client(acs())
    assert "AUTH" not in one.hello()


def test_auth_login_in_two_steps(acs, client):
    server = acs()
    one = client(server)
    one.start_tls()
    assert one.ask("AUTH LOGIN") == "334 " + base64_of("Username:")
    assert one.ask(base64_of(Options.user)) == "334 " + base64_of("Password:")
    assert one.ask(base64_of(Options.password)).startswith("235 2.7.0 ")
    session, = server.sessions
    assert (session.user, session.mechanism) == (Options.user, "LOGIN")
    assert len(session.auth_lines) == 2
    assert session.verbs[-1] == "AUTH"


def test_auth_login_with_an_initial_response(acs, client):
    server = acs()
    client(server).log_in()
    assert server.sessions[0].user == Options.user
    assert server.sessions[0].waits == 7


def test_a_wrong_password(acs, client):
    server = acs()
    one = client(server)
    one.start_tls()
    one.ask("AUTH LOGIN " + base64_of(Options.user))
    assert one.ask(base64_of("wrong")) == "535 5.7.3 Authentication unsuccessful"
    assert server.sessions[0].user is None


def test_xoauth2(acs, client):
    server = acs(token="t" * 6000)
    response = base64_of(f"user={Options.user}\1auth=Bearer {'t' * 6000}\1\1")
    one = client(server)
    one.start_tls()
    assert one.ask(f"AUTH XOAUTH2 {response}").startswith("235 ")
    two = client(server)
    two.start_tls()
    assert two.ask("AUTH XOAUTH2") == "334 "
    assert two.ask(response).startswith("235 ")


def test_xoauth2_with_a_wrong_token(acs, client):
    one = client(acs())
    one.start_tls()
    response = base64_of(f"user={Options.user}\1auth=Bearer no\1\1")
    challenge = one.ask(f"AUTH XOAUTH2 {response}")
    assert challenge.startswith("334 " + base64_of('{"status": "401"')[:16])
    assert one.ask("").startswith("535 5.7.3 ")


def test_plain_is_refused_unless_it_is_switched_on(acs, client):
    response = base64_of(f"\0{Options.user}\0{Options.password}")
    one = client(acs())
    one.start_tls()
    assert one.ask("AUTH PLAIN") == "504 5.7.4 Unrecognized authentication type"
    two = client(acs(mechanisms=("PLAIN",)))
    assert "AUTH PLAIN" in two.start_tls()
    assert two.ask(f"AUTH PLAIN {response}").startswith("235 ")


def test_what_is_listed_need_not_be_what_works(acs, client):
    one = client(acs(listed=("PLAIN",)))
    assert "AUTH PLAIN\n" in one.start_tls()
    assert one.ask("AUTH PLAIN").startswith("504 ")
    assert "AUTH" not in client(acs(without="AUTH")).start_tls()


def test_cancelled_and_broken_responses(acs, client):
    one = client(acs())
    one.start_tls()
    one.ask("AUTH LOGIN")
    assert one.ask("*").startswith("501 ")
    one.ask("AUTH LOGIN")
    assert one.ask("no base64").startswith("501 ")


def test_mail_without_auth(acs, client):
    one = client(acs())
    one.start_tls()
    assert one.ask(f"MAIL FROM:<{SENDER}>") == \
        "530 5.7.57 Client not authenticated to send mail."


def test_a_relay_wants_no_auth(acs, client):
    server = acs(tls="off")
    one = client(server)
    assert "STARTTLS" not in one.hello()
    one.mail()
    assert one.data(MESSAGE + b".\r\n").startswith("250 ")
    assert server.message.data == MESSAGE


# --- senders, rates, limits

def test_the_mailfrom_list(acs, client):
    one = client(acs()).log_in()
    refusal = "550 5.3.5 Email sender's username is invalid"
    assert one.ask("MAIL FROM:<root@contoso.com>") == refusal
    assert one.ask("MAIL FROM:<>") == refusal
    assert one.ask("MAIL FROM:<DoNotReply@Contoso.com>").startswith("250 ")


def test_the_sender_may_be_looked_at_last(acs, client):
    server = acs(sender_check="body")
    one = client(server).log_in()
    one.mail(sender="root@contoso.com")
    assert one.data(MESSAGE + b".\r\n").startswith("550 5.3.5 ")
    assert server.messages == []
    assert [m.accepted for m in server.sessions[0].messages] == [False]


@pytest.mark.parametrize("window", ["per_minute", "per_hour"])
def test_rates(acs, client, window):
    server = acs(**{window: 2})
    replies = []
    for _ in range(3):    # of one account, so over all connections
        one = client(server).log_in()
        one.mail()
        replies.append(one.data(MESSAGE + b".\r\n"))
    assert replies[1].startswith("250 ")
    assert replies[2] == \
        "450 4.5.127 Message rejected. Excessive message rate from sender"
    assert len(server.messages) == 2


def test_rates_may_be_looked_at_first(acs, client):
    one = client(acs(per_minute=0, rate_check="mail")).log_in()
    assert one.ask(f"MAIL FROM:<{SENDER}>").startswith("450 4.5.127 ")


def test_windows_move_and_retries_count():
    now = 0
    rates = Rates(2, 5, lambda: now)
    assert [rates.take() for _ in range(3)] == [True, True, False]
    now = 59
    assert not rates.take()
    now = 61    # 59 is still in the minute, and counts
    assert [rates.take(), rates.take()] == [True, False]
    now = 1000
    assert not rates.take()    # of the hour
    now = 5000
    assert rates.take()


def test_fifty_recipients(acs, client):
    server = acs()
    one = client(server).log_in()
    one.mail(*(f"r{n}@example.org" for n in range(50)))
    assert one.ask("RCPT TO:<r50@example.org>") == "452 4.5.3 Too many recipients"
    one.data(MESSAGE + b".\r\n")
    assert len(server.message.recipients) == 50


def test_size(acs, client):
    server = acs(max_size=100)
    one = client(server).log_in()
    assert one.ask(f"MAIL FROM:<{SENDER}> SIZE=101").startswith("552 5.3.4 ")
    one.mail()
    assert one.data(b"x" * 99 + b"\r\n.\r\n").startswith("552 5.3.4 ")
    one.mail()
    one.send(b"BDAT 101 LAST\r\n" + b"x" * 101)
    assert one.reply().startswith("552 5.3.4 ")
    assert server.messages == []


# --- content

def test_data_and_its_dots(acs, client):
    server = acs()
    one = client(server).log_in()
    one.mail()
    one.data(b"..\r\n\r\n...x\r\n..\r\n.\r\n")
    assert server.message.data == b".\r\n\r\n..x\r\n.\r\n"
    assert server.message.by == "DATA"


def test_empty_data(acs, client):
    server = acs()
    one = client(server).log_in()
    one.mail()
    one.data(b".\r\n")
    assert server.message.data == b""


def test_bdat_in_chunks(acs, client):
    server = acs()
    one = client(server).log_in()
    one.mail()
    one.send(b"BDAT 3\r\n.\r\n")
    assert one.reply().startswith("250 ")
    one.send(b"BDAT 4\r\nab\r\nBDAT 0 LAST\r\n")
    assert [one.reply()[:3], one.reply()[:3]] == ["250", "250"]
    assert server.message.data == b".\r\nab\r\n"
    assert server.message.chunks == [3, 4, 0]


def test_bdat_without_recipients_takes_the_chunk(acs, client):
    one = client(acs()).log_in()
    one.send(b"MAIL FROM:<donotreply@contoso.com>\r\nBDAT 6 LAST\r\nQUIT\r\nRSET\r\n")
    assert [one.reply()[:3] for _ in range(3)] == ["250", "554", "250"]


def test_the_envelope_is_kept(acs, client):
    server = acs()
    one = client(server).log_in()
    one.send("MAIL FROM:<DoNotReply@contoso.com> SIZE=9 BODY=8BITMIME SMTPUTF8\r\n"
             'RCPT TO:<"a > b"@example.org> NOTIFY=FAILURE,DELAY\r\n'
             "RCPT TO:<花@example.jp>\r\nDATA\r\n".encode())
    assert [one.reply()[:3] for _ in range(4)] == ["250", "250", "250", "354"]
    one.send("花\r\n.\r\n".encode())
    one.reply()
    message = server.message
    assert message.sender == "DoNotReply@contoso.com"
    assert message.mail_parameters == {"SIZE": "9", "BODY": "8BITMIME", "SMTPUTF8": None}
    assert message.recipients == ['"a > b"@example.org', "花@example.jp"]
    assert message.rcpt_parameters == [{"NOTIFY": "FAILURE,DELAY"}, {}]


def test_everything_is_kept_in_order(acs, client):
    server = acs()
    one = client(server).log_in()
    one.mail()
    one.data(MESSAGE + b".\r\n")
    one.ask("quit")
    session, = server.sessions
    assert session.verbs == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA",
                             "QUIT"]
    assert session.commands[-1] == b"quit\r\n"
    pieces = [(e.tls, e.data) for e in session.transcript if e.who == "C"]
    assert pieces[1:3] == [(False, b"STARTTLS\r\n"), (True, b"EHLO client.example\r\n")]
    assert pieces[-2:] == [(True, MESSAGE), (True, b"quit\r\n")]
    assert session.transcript[0].data.startswith(b"220 ")


def test_flights_and_waits(acs, client):
    server = acs()
    one = client(server).log_in()
    before = server.sessions[0].waits
    content = b"BDAT 24 LAST\r\n" + MESSAGE
    one.send(b"MAIL FROM:<donotreply@contoso.com>\r\nRCPT TO:<a@example.org>\r\n" + content)
    assert [one.reply()[:3] for _ in range(3)] == ["250", "250", "250"]
    one.ask("QUIT")
    session, = server.sessions
    assert session.waits == before + 1    # QUIT is free
    assert session.flights[-2].endswith(content)
    assert session.flights[-1] == b"QUIT\r\n"


def test_a_flight_that_is_longer_than_a_segment(acs, client):
    server = acs()
    one = client(server).log_in()
    before = server.sessions[0].waits
    size = 3000000
    one.send(b"MAIL FROM:<donotreply@contoso.com>\r\nRCPT TO:<a@example.org>\r\n"
             b"BDAT %d LAST\r\n" % size + b"x" * size)
    assert [one.reply()[:3] for _ in range(3)] == ["250", "250", "250"]
    assert server.sessions[0].waits == before + 1
    assert len(server.message.data) == size


def test_smtplib_sends(acs, pki):
    server = acs()
    with smtplib.SMTP(server.host, server.port) as smtp:
        smtp.starttls(context=Client.context(pki))
        smtp.login(Options.user, Options.password)
        smtp.sendmail(SENDER, ["a@example.org", "b@example.org"], ".\r\nHello\r\n")
    assert server.message.data == b".\r\nHello\r\n"
    assert server.message.recipients == ["a@example.org", "b@example.org"]
    assert server.sessions[0].closed == "quit"


# --- what the client may not do

def violations_of(server, *expected):
    server.violations_expected = True
    found = server.violations
    assert len(found) == len(expected), found
    for text, part in zip(found, expected):
        assert part in text


@pytest.mark.parametrize("sent, violation", [
    (b"RSET\n", "RSET: bare LF"),
    (b"NOOP a\rb\r\n", "NOOP: bare CR"),
    (b"NOOP " + b"x" * 508 + b"\r\n", "NOOP: a line of 515 bytes, 512 are allowed"),
    (b"AUTH LOGIN\r\n", "AUTH in clear text"),
    (b"MAKE coffee\r\n", "unknown command"),
    (b"BDAT 3 LAST\r\n", "BDAT: not offered"),
    (b"MAIL FROM: <a@b.example>\r\n", "malformed"),
    (b"MAIL FROM:<a@b.example> RET=HDRS\r\n", "'RET=HDRS' malformed or not offered"),
    (b"MAIL FROM:<a@b.example> SIZE=few\r\n", "'SIZE=few' malformed or not offered"),
    ("MAIL FROM:<ä@b.example>\r\n".encode(), "without SMTPUTF8"),
    (b"EHLO again.example\r\nRSET\r\n", "RSET was sent before the reply to EHLO"),
])
def test_violations_of_commands(acs, client, sent, violation):
    server = acs(without=("CHUNKING", "DSN"), require_auth=False)
    one = client(server)
    one.hello()
    one.send(sent)
    one.reply()
    violations_of(server, violation)


def test_pipelining_that_was_not_offered(acs, client):
    server = acs(without="PIPELINING")
    one = client(server)
    one.hello()
    one.send(b"RSET\r\nNOOP\r\n")
    one.reply()
    violations_of(server, "NOOP was sent before the reply to RSET")


def test_a_command_before_the_greeting(acs, client):
    server = acs(patience=10)    # it comes in time, or the test fails
    one = client(server)
    one.send(b"EHLO client.example\r\n")
    one.reply()
    violations_of(server, "EHLO was sent before the reply to the greeting")


def test_a_response_before_its_challenge(acs, client):
    server = acs()
    one = client(server)
    one.start_tls()
    one.send(f"AUTH LOGIN\r\n{base64_of('nobody')}\r\n".encode())
    one.reply()
    one.reply()
    violations_of(server, "AUTH was sent before the reply to AUTH")


def test_bytes_behind_starttls_are_not_heard(acs, client):
    server = acs()
    one = client(server)
    one.hello()
    one.send(b"STARTTLS\r\nNOOP\r\n")
    one.reply()
    one.secure()
    assert one.ask("EHLO client.example").startswith("250-")
    assert server.sessions[0].verbs == ["EHLO", "STARTTLS", "EHLO"]
    violations_of(server, "bytes after STARTTLS, before the handshake")


@pytest.mark.parametrize("content, violation", [
    (b"a\nb\r\n.\r\n", "DATA: bare LF"),
    (b"a\rb\r\n.\r\n", "DATA: bare CR"),
    (b".a\r\n.\r\n", "a dot that begins a line was not doubled"),
    (b"\xff\r\n.\r\n", "8-bit data without BODY=8BITMIME"),
])
def test_violations_of_content(acs, client, content, violation):
    server = acs()
    one = client(server).log_in()
    one.mail()
    one.data(content)
    violations_of(server, violation)


def test_content_before_the_354(acs, client):
    server = acs()
    one = client(server).log_in()
    one.mail()
    one.send(b"DATA\r\n" + MESSAGE + b".\r\n")
    assert one.reply().startswith("354 ")
    assert one.reply().startswith("250 ")
    violations_of(server, "content was sent before the reply to DATA")


# --- misbehaviour on demand

def walk(one):
    """Takes every step of a dialogue, as far as it gets, and returns the replies."""
    replies = [one.hello(), one.ask("STARTTLS")]
    if replies[1].startswith("220"):
        one.secure()
        replies.append(one.ask("EHLO client.example"))
        replies.append(one.ask("AUTH LOGIN " + base64_of(Options.user)))
        if replies[-1].startswith("334"):
            replies.append(one.ask(base64_of(Options.password)))
    for text in (f"MAIL FROM:<{SENDER}>", "RCPT TO:<b@example.org>",
                 "RCPT TO:<a@example.org>", "DATA"):
        replies.append(one.ask(text))
    if replies[-1].startswith("354"):
        one.send(MESSAGE + b".\r\n")
        replies.append(one.reply())
    one.send(b"BDAT 1\r\nx")
    replies.append(one.reply())
    return replies + [one.ask("RSET"), one.ask("QUIT")]


@pytest.mark.parametrize("step", ["ehlo", "starttls", "ehlo2", "auth", "auth_response",
                                  "mail", "rcpt", "b@example.org", "data", "bdat",
                                  "body", "quit", "RSET"])
def test_any_reply_at_each_step(acs, client, step):
    server = acs(faults=[Fault(step, reply="451 4.3.2 Broken", times=1)])
    assert walk(client(server)).count("451 4.3.2 Broken") == 1
    server.violations_expected = True    # after such a STARTTLS


@pytest.mark.parametrize("action", ["close", "reset"])
@pytest.mark.parametrize("step", ["connect", "ehlo", "starttls", "handshake", "ehlo2",
                                  "auth", "auth_response", "mail", "rcpt", "data", "body",
                                  "bdat", "quit"])
def test_a_connection_that_ends(acs, client, step, action):
    server = acs(faults=[Fault(step, action=action)])
    with pytest.raises(ConnectionResetError if action == "reset" else (EOFError, OSError)):
        walk(client(server))
    assert len(server.messages) == (step in ("bdat", "quit"))
    assert len(server.sessions[0].messages) == (step in ("body", "bdat", "quit"))


def test_an_end_after_the_reply(acs, client):
    server = acs(faults=[Fault("body", action="close", when="after")])
    one = client(server).log_in()
    one.mail()
    assert one.data(MESSAGE + b".\r\n").startswith("250 ")
    assert one.receive() == b""
    assert server.message.accepted


def test_raw_bytes_as_a_reply(acs, client):
    one = client(acs(faults=[Fault("connect", reply=b"\0\xff no reply")]))
    assert one.receive() == b"\0\xff no reply"


def test_a_good_reply_in_other_words(acs, client):
    server = acs(faults=[Fault("ehlo", reply="250-x\r\n250 STARTTLS"),
                         Fault("body", reply="250-a\r\n250 b")])
    one = client(server).log_in()
    one.mail()
    assert one.data(MESSAGE + b".\r\n") == "250-a\n250 b"
    assert server.message.accepted


def test_faults_of_a_connection_and_a_number_of_times(acs, client):
    server = acs(faults=[Fault("NOOP", reply="450 a", connection=2),
                         Fault("NOOP", reply="450 b", times=2),
                         Fault("NOOP", reply="450 c", when=lambda s, line: b"c" in line)])
    one, two = client(server), client(server)
    one.hello()
    two.hello()
    assert [one.ask(f"NOOP {x}")[:5] for x in "xxxc"] == [
        "450 b", "450 b", "250 2", "450 c"]
    assert two.ask("NOOP") == "450 a"


@pytest.mark.parametrize("encrypted", [False, True])
def test_one_byte_at_a_time(acs, client, encrypted):
    one = client(acs(faults=[Fault("NOOP", action="drip")]))
    one.start_tls() if encrypted else one.hello()
    one.send(b"NOOP\r\n")
    pieces = [one.receive()]
    while not pieces[-1].endswith(b"\n"):
        pieces.append(one.receive())
    assert b"".join(pieces) == b"250 2.0.0 OK\r\n"
    assert len(pieces) > 3    # without TLS, some may have met in our own buffer


def test_silence(acs, client):
    server = acs(faults=[Fault("ehlo", action="silence")])
    one = client(server)
    one.reply()
    one.send(b"EHLO client.example\r\nmore\r\n")
    session, = server.sessions
    assert session.cleartext == b"EHLO client.example\r\nmore\r\n"
    one.socket.settimeout(0.1)
    with pytest.raises(TimeoutError):
        one.receive()


@pytest.mark.parametrize("action, ends", [("endless", True), ("endless_line", False)])
def test_a_reply_without_an_end(acs, client, action, ends):
    one = client(acs(faults=[Fault("ehlo2", action=action)]))
    one.hello()
    one.ask("STARTTLS")
    one.secure()
    one.send(b"EHLO client.example\r\n")
    data = b""
    while len(data) < 1000000:
        data += one.receive()
    assert data.startswith(b"250-x")
    assert (b"\n" in data) == ends


def test_text_injected_behind_starttls(acs, client):
    one = client(acs(faults=[Fault("starttls", action="inject", reply=b"250 evil\r\n")]))
    one.hello()
    one.send(b"STARTTLS\r\n")
    assert one.receive() == b"220 2.0.0 SMTP server ready\r\n250 evil\r\n"
    one.secure()
    assert one.ask("EHLO client.example").startswith("250-")


def test_a_handshake_that_fails(acs, client):
    server = acs(faults=[Fault("handshake", reply=b"\x15\x03\x03\0\x02\x02\x28")])
    with pytest.raises(ssl.SSLError, match="(?i)handshake.failure"):
        client(server).start_tls()
    assert server.sessions[0].tls is None


def test_a_silent_handshake(acs, client):
    one = client(acs(faults=[Fault("handshake", action="silence")]))
    one.hello()
    one.ask("STARTTLS")
    one.socket.settimeout(0.1)
    with pytest.raises(TimeoutError):
        one.secure()


def test_mistakes_in_faults():
    for arguments in ({"step": "mial", "action": "close"}, {"step": "mail"},
                      {"step": "mail", "action": "explode"}):
        with pytest.raises(ValueError):
            Fault(**arguments)


# --- as a program

@pytest.fixture
def program(tmp_path):
    """program(*arguments) -> (process, port, file to trust)"""
    running = []

    def start(*arguments):
        process = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("acs")), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8")
        running.append(process)
        where, trust = process.stdout.readline(), process.stdout.readline()
        port = re.fullmatch(r"listening on 127.0.0.1 port (\d+)\n", where)
        assert port, where
        return process, int(port[1]), re.fullmatch("trust (.*)\n", trust)[1]

    yield start
    for process in running:
        process.kill()
        process.wait()
        process.stdout.close()


def submit(port, ca):
    with smtplib.SMTP("localhost", port) as smtp:
        smtp.starttls(context=ssl.create_default_context(cafile=ca))
        smtp.login(Options.user, Options.password)
        smtp.sendmail(SENDER, "a@example.org", "Subject: test\r\n\r\nHello\r\n")


def test_the_program(program, tmp_path):
    ca = tmp_path / "root.pem"
    process, port, trust = program("--once", "--save", str(tmp_path / "mail"),
                                   "--ca-file", str(ca))
    assert trust == str(ca)
    submit(port, ca)
    output = process.communicate(timeout=20)[0]
    assert process.returncode == 0
    assert "1 * C: mail FROM:<donotreply@contoso.com>" in output
    assert "1 * C: Hello\n" in output
    assert base64_of(Options.password) not in output
    assert (tmp_path / "mail/1.eml").read_bytes() == MESSAGE
    envelope = (tmp_path / "mail/1.envelope").read_text().splitlines()
    assert "user contoso-smtp" in envelope
    assert "recipient <a@example.org>" in envelope


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_program_ends_on_a_signal(program, number):
    process, _, trust = program("--quiet")
    assert os.path.exists(trust)
    process.send_signal(number)
    assert process.communicate(timeout=20)[0] == ""
    assert process.returncode == 0
    assert not os.path.exists(trust)


def test_options_of_the_program(program):
    _, port, ca = program("--per-minute", "1", "--fault", "NOOP,times=1:451 4.3.2 Later")
    submit(port, ca)
    with pytest.raises(smtplib.SMTPDataError, match="4.5.127"):
        submit(port, ca)
    with smtplib.SMTP("localhost", port) as smtp:
        assert smtp.noop() == (451, b"4.3.2 Later")


def test_help_and_mistakes():
    program = str(Path(__file__).with_name("acs"))
    done = subprocess.run([sys.executable, program, "--help"], capture_output=True,
                          text=True, check=True)
    assert "--fault STEP" in done.stdout
    done = subprocess.run([sys.executable, program, "--fault", "mial:close"],
                          capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no step 'mial'" in done.stderr
