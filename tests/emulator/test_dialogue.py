# SPDX-License-Identifier: GPL-3.0-or-later
"""The emulator does what it promises, to a client that is not acsmtp."""

import re
import smtplib
import ssl
from pathlib import Path

import pytest

from emulator.client import Client, base64_of
from emulator.options import EXTENSIONS, Options
from emulator.rates import Rates

MESSAGE = b"Subject: test\r\n\r\nHello\r\n"
SENDER = "donotreply@contoso.com"


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
    one.send(b"MAIL FROM:<donotreply@contoso.com>\r\n"
             b"RCPT TO:<a@example.org>\r\n" + content)
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
