# SPDX-License-Identifier: GPL-3.0-or-later
"""What is local: domains that are none, and words that are pieces of somebody's name."""

import email
import email.policy
import os
import re
import shutil
import socket
import subprocess

import pytest

from helpers.program import environment, installed
from emulator.faults import Fault
from outcome import assert_sent

MESSAGE = "From: DoNotReply@contoso.com\nSubject: s\n\nbody\n"
ADMIN = "[delivery]\nlocal_recipients = admin@contoso.com\n"
HOST = socket.gethostname()
LOCAL = ["localhost", "LocalHost.", "localhost.localdomain", "[127.0.0.1]", "[::1]",
         "ip6-localhost", "localhost6.localdomain6.", HOST,
         HOST.upper() + ".", "web.localhost", "A.b.LocalHost.", "[127.0.1.1]"]
STATUS_NO_USER = 67


# --- domains that are none

@pytest.mark.parametrize("domain", LOCAL)
@pytest.mark.parametrize("arguments, header", [
    (["root@{}"], ""), (["Boss <root@{}>"], ""), (["-t"], "To: root@{}\n"),
    (["-t"], "Cc: Boss <root@{}>\n"), (["-t"], "Bcc: root@{}\n"),
    (["-t"], "Resent-To: root@{}\nResent-From: DoNotReply@contoso.com\n"),
], ids=["argument", "name", "To", "Cc", "Bcc", "Resent-To"])
def test_recipients(acs, send, domain, arguments, header):
    server = acs()
    assert_sent(send(server, header.format(domain) + MESSAGE,
                     *[argument.format(domain) for argument in arguments], extra=ADMIN))
    assert server.message.recipients == ["admin@contoso.com"]
    assert f"root@{domain}".encode() not in server.message.data
    if header and not header.startswith("Bcc"):
        assert b"admin@contoso.com" in server.message.data


def test_nobody_is_called_so(acs, send):
    """As a bare name that leads nowhere."""
    server = acs()
    result = send(server, MESSAGE, "root@localhost", "a@example.org")
    assert result.status == STATUS_NO_USER
    assert '"root"' in result.stderr and "local_recipients" in result.stderr
    assert server.message.recipients == ["a@example.org"]


def test_where_they_go(send):
    result = send(None, MESSAGE, "-bv", "root@localhost", extra=ADMIN)
    assert result.status == 0
    assert "root... deliverable: <admin@contoso.com>" in result.stdout


def test_left_out(acs, send):
    """By whichever of the names."""
    server = acs()
    assert_sent(send(server, f"To: root@localhost, a@example.org\n{MESSAGE}", "-t", f"root@{HOST}",
                     extra=ADMIN + "t_with_arguments = remove\n"))
    assert server.message.recipients == ["a@example.org"]


def test_both_sides_of_an_alias(acs, send, tmp_path):
    path = tmp_path / "aliases"
    path.write_text("root@localhost: boss@localhost.\nboss: a@contoso.com\nme: me@localhost\n")
    server = acs()
    assert_sent(send(server, MESSAGE, "root", "me", extra=f"{ADMIN}aliases = {path}\n"))
    assert server.message.recipients == ["a@contoso.com", "admin@contoso.com"]


@pytest.mark.parametrize("policy", ["rewrite", "keep"])
def test_author_and_sender(acs, send, policy):
    """Neither the service nor whoever answers could do anything with localhost."""
    server = acs(senders=None)
    assert_sent(send(server, "From: Daemon <root@localhost>\nReply-To: root@localhost\n"
                     "Subject: s\n\nbody\n", "-f", "root@localhost", "a@example.org",
                     sender_policy=policy, extra=ADMIN))
    assert b"localhost" not in re.sub(rb"(?m)^(Message-ID|Received):.*", b"",
                                      server.message.data)
    assert not server.message.sender.endswith("@localhost")


@pytest.mark.parametrize("to", ["report_to", "sender"])
def test_who_is_told(acs, queued, to):
    server = acs(senders=None,
                 faults=(Fault("a@example.org", reply="550 5.1.1 No such user"),))
    delivery = {"local_recipients": "admin@contoso.com"}
    if to == "report_to":
        delivery["report_to"] = "postmaster@localhost"
    queue = queued(server, delivery)
    assert_sent(queue.send(MESSAGE, "-odq", "-f", "root@localhost", "a@example.org"))
    assert_sent(queue.flush())
    report, = [m for m in server.messages if b"multipart/report" in m.data]
    assert report.recipients == ["admin@contoso.com"]


def test_over_smtp(acs, run, config):
    """Alpine's way: RCPT TO root@localhost."""
    server = acs(senders=None)
    dialogue = ("EHLO x\r\nMAIL FROM:<root@localhost>\r\nRCPT TO:<root@localhost>\r\n"
                "DATA\r\nSubject: s\r\n\r\nbody\r\n.\r\nQUIT\r\n")
    result = run(["-C", config(server, extra=ADMIN), "-bs"], input=dialogue)
    assert result.status == 0, result.stdout
    assert server.message.recipients == ["admin@contoso.com"]


@pytest.mark.parametrize("domain", ["notlocalhost", "localhost.example.org", "a.test", "a.local",
                                    "[192.0.2.1]"])
def test_others_are_the_service_s(acs, send, domain):
    server = acs()
    assert_sent(send(server, MESSAGE, f"root@{domain}", extra=ADMIN))
    assert server.message.recipients == [f"root@{domain}"]


@pytest.fixture
def called(home):
    """called(name, arguments, message): sendmail on a machine that is called so."""
    if not shutil.which("unshare") or subprocess.run(
            ["unshare", "-u", "hostname", "x"], check=False, capture_output=True).returncode:
        pytest.skip("this system gives nobody a host name of his own")

    def run_it(name, arguments, message):
        done = subprocess.run(
            ["unshare", "-u", "sh", "-c", 'hostname "$0" && exec "$@"', name,
             installed("sendmail"), *map(os.fspath, arguments)],
            input=message.encode(), env=environment(home, None), capture_output=True,
            timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
    return run_it


@pytest.mark.as_root
@pytest.mark.parametrize("recipient, is_local", [
    ("root@web1.example.net", True), ("root@WEB1", True), ("root@example.net", False),
    ("root@web1.example.org", False), ("root@web2", False), ("root@web11", False),
])
def test_the_full_name(acs, config, called, recipient, is_local):
    server = acs()
    called("web1.example.net", ["-C", config(server, extra=ADMIN), recipient], MESSAGE)
    assert server.message.recipients == ["admin@contoso.com" if is_local else recipient]


@pytest.mark.as_root
def test_a_domain_that_an_account_sends_from_is_one(acs, config, called):
    """Whatever the machine is called: there are mailboxes in it."""
    server = acs()
    ini = config(server, allowed_senders="@mail.contoso.com", extra=ADMIN)
    called("contoso.com", ["-C", ini, "a@contoso.com", "root@localhost"], MESSAGE)
    called("mail.contoso.com", ["-C", ini, "b@mail.contoso.com"], MESSAGE)
    assert [m.recipients for m in server.messages] == [
        ["a@contoso.com", "admin@contoso.com"], ["b@mail.contoso.com"]]


# --- /etc/mailname

@pytest.fixture
def at(config, home, tmp_path):
    """at(server, mailname, arguments): sendmail on a machine "web1" with that /etc/mailname,
    if any."""
    def run_it(server, mailname, *arguments, message, **settings):
        etc = tmp_path / "etc"
        etc.mkdir(exist_ok=True)
        (etc / "hosts").write_text("127.0.0.1 localhost\n")
        if mailname is not None:
            (etc / "mailname").write_text(mailname)
        ini = config(server, extra=ADMIN, **settings)
        done = subprocess.run(
            ["unshare", "-u", "-m", "sh", "-c",
             'hostname web1 && mount -t overlay -o "lowerdir=$0:/etc" overlay /etc && '
             '{ [ -e "$0/mailname" ] || ! [ -e /etc/mailname ] || '
             'mount --bind /dev/null /etc/mailname; } && exec "$@"', etc,
             installed("sendmail"), "-C", ini, *arguments], input=message.encode(),
            env=environment(home, None), capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
    return run_it


@pytest.mark.as_root
@pytest.mark.parametrize("mailname, domain", [
    (None, "web1"), ("", "web1"), ("contoso.net\n", "contoso.net"),
    ("contoso.net", "contoso.net"), ("\n \t contoso.net \t\r\n", "contoso.net"),
    ("not a name, this\n", "web1"), ("-x..y\n", "web1"), ("contoso\n", "web1"),
    ("a@contoso.net\n", "web1"), ("x" * 300 + ".net\n", "web1"), ("\0\xff.net\n", "web1"),
    ("web1.contoso.net\n", "web1.contoso.net"),
], ids=["none", "empty", "name", "no newline", "white space", "words", "malformed", "no dot",
        "address", "long", "bytes", "own"])
def test_domain_of_the_users(acs, at, mailname, domain):
    """Policy 11.6; what makes no sense there is as if it were missing."""
    server = acs(senders=None)
    at(server, mailname, "-f", "root", "a@example.org", sender_policy="keep",
       message="From: root (Cron Daemon)\nSubject: s\n\nbody\n")
    at(server, mailname, "a@example.org", message="From: root\nSubject: s\n\nbody\n")
    kept, rewritten = server.messages
    assert kept.sender == f"root@{domain}"
    assert f"root@{domain}" in str(email.message_from_bytes(rewritten.data)["From"])
    assert rewritten.sender == "DoNotReply@contoso.com"


@pytest.mark.as_root
def test_the_mail_name_of_this_machine(acs, at):
    """Its full name, if it begins with the machine's own; others' users live elsewhere."""
    server = acs(senders=None)
    for mailname in "web1.contoso.net", "contoso.net":
        at(server, mailname, f"root@{mailname}", message=MESSAGE)
    assert [m.recipients for m in server.messages] == [
        ["admin@contoso.com"], ["root@contoso.net"]]
    assert [s.commands[0] for s in server.sessions] == [
        b"EHLO web1.contoso.net\r\n", b"EHLO web1\r\n"]


# --- names with commas

@pytest.mark.parametrize("field", ["To", "Cc", "Bcc", "Resent-To", "Resent-Cc"])
@pytest.mark.parametrize("people", [
    "Doe, John <john@example.net>", '"Doe", John <john@example.net>',
    "[EXT] Doe, John <john@example.net>", "ACME\\\\doe, John <john@example.net>",
    "Doe, John Q. <john@example.net>", "Smith, Dr., John <john@example.net>",
    "van der Berg, Jan <john@example.net>", "Müller, Jörg <john@example.net>",
])
@pytest.mark.parametrize("extra", [ADMIN, ""], ids=["local_recipients", "nobody"])
def test_a_piece_of_a_name_is_nobody(acs, send, tmp_path, field, people, extra):
    log = tmp_path / "log"
    server = acs(senders=None)
    assert_sent(send(server, f"{field}: {people}\n{MESSAGE}", "-t", extra=extra, log=log))
    assert server.message.recipients == ["john@example.net"]
    line, = [line for line in log.read_text().splitlines() if "name of" in line]
    assert "<john@example.net>" in line and people.split(",")[0].strip('"') in line
    if people.isascii() and field != "Bcc":
        assert f"\r\n{field}: {people}\r\n".encode() in b"\r\n" + server.message.data


def test_several_names_in_one_field(acs, send):
    server = acs()
    assert_sent(send(server, "To: Doe, John <a@example.net>, b@example.net,\n"
                     f" Roe, Jane <c@example.net>\n{MESSAGE}", "-t", extra=ADMIN))
    assert server.message.recipients == ["a@example.net", "b@example.net", "c@example.net"]


def test_who_is_known_stays_a_recipient(acs, send, tmp_path):
    """A user of this machine, an alias; the catch-all knows nobody."""
    path = tmp_path / "aliases"
    path.write_text("sales: s@contoso.com\n*: all@contoso.com\n")
    server = acs()
    for name in "root", "Sales":
        assert_sent(send(server, f"To: {name}, Other <o@example.net>\n{MESSAGE}", "-t",
                         extra=f"{ADMIN}aliases = {path}\n"))
    assert_sent(send(server, f"To: Doe, Other <o@example.net>\n{MESSAGE}", "-t",
                     extra=f"{ADMIN}aliases = {path}\n"))
    assert [m.recipients for m in server.messages] == [
        ["all@contoso.com", "o@example.net"], ["s@contoso.com", "o@example.net"],
        ["o@example.net"]]


def test_as_an_argument(acs, send):
    """And no piece of another argument."""
    server = acs()
    assert_sent(send(server, MESSAGE, "Doe, John <john@example.net>", extra=ADMIN))
    assert_sent(send(server, MESSAGE, "doe", "John <john@example.net>", extra=ADMIN))
    assert [m.recipients for m in server.messages] == [
        ["john@example.net"], ["admin@contoso.com", "john@example.net"]]


def test_an_author_with_a_comma(acs, send):
    server = acs()
    assert_sent(send(server, "From: Doe, John <john@example.net>\nSubject: s\n\nx\n",
                     "a@example.org"))
    mail = email.message_from_bytes(server.message.data, policy=email.policy.default)
    author, = mail["From"].addresses
    assert (author.display_name, author.addr_spec) == ("Doe, John", "DoNotReply@contoso.com")
    answer, = mail["Reply-To"].addresses
    assert answer.addr_spec == "john@example.net"
