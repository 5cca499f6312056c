# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sender policy makes of queued mail is decided when it is sent, by the
configuration of that moment; what lies in the queue is what was handed in."""

import re
from pathlib import Path

import pytest

from outcome import HELLO, assert_failed, assert_nobody_called, assert_sent
from helpers.queue import DAY, HOUR

OURS, OTHER, WRONG = "DoNotReply@contoso.com", "bea@example.com", "wrong@contoso.com"
DENIED, CONFIG = 77, 78


def fields(message, name):
    head = message.data.split(b"\r\n\r\n", 1)[0].decode("utf-8", "surrogateescape")
    head = re.sub(r"\r\n(?=[ \t])", "", head)
    return [line.split(":", 1)[1].strip() for line in head.split("\r\n")
            if line.lower().startswith(name.lower() + ":")]


def unique(data):
    """Without what is another each time."""
    return re.sub(rb"(?m)^(Message-ID|Date|Resent-Message-ID|Resent-Date): .*$", b"", data)


@pytest.mark.parametrize("mode", ["-odi", "-odq"])
def test_mended_from(acs, queued, mode):
    """A wrong `from` made it fail; with the right one it goes, in envelope and header."""
    server = acs()
    queue = queued(server, **{"from": WRONG})
    queue.send(f"From: Bea <{OTHER}>\n{HELLO}", mode, "-oem", "-t")
    assert_sent(queue.flush())
    assert server.messages == []
    (entry,) = [one for one in queue.entries(failed=True) if one.report == 0]
    queue.configure(server)
    assert queue.acsmtp("retry", "--failed", entry.id).status == 0
    assert_sent(queue.flush())
    (message,) = [one for one in server.messages if b"multipart/report" not in one.data]
    assert message.sender == OURS
    assert fields(message, "From") == [f"Bea <{OURS}>"]
    assert fields(message, "Reply-To") == [OTHER]
    assert WRONG.encode() not in message.data


def test_its_report_goes_as_the_account_is_now_too(acs, queued):
    server = acs()
    queue = queued(server, **{"from": WRONG})
    queue.send(f"From: {OTHER}\n{HELLO}", "-oem", "-t")
    report = queue.only()
    assert report.report == 1
    queue.configure(server, sender_policy="refuse")
    assert_sent(queue.flush())
    assert server.message.recipients == [OTHER]
    assert OURS in fields(server.message, "From")[0]
    assert fields(server.message, "Reply-To") == []
    assert WRONG not in fields(server.message, "From")[0]


@pytest.mark.parametrize("header", [
    "", f"From: {OTHER}\n", f"From: Bea <{OTHER}>\nSender: root\n", "From: root (Cron)\n",
    "From:\nReply-To: r@example.org\n", f"Sender: {OTHER}\nDate:\nCc: root\n",
    f"Resent-To: a@example.org\nFrom: {OTHER}\n", "From: <<broken\n", "Bcc: b@example.org\n",
])
@pytest.mark.parametrize("args", [[], ["-f", OTHER, "-F", "Full, Name"], ["-f<>"], ["-froot"],
                                  ["-f", "a b"], ["-G"], ["-f", OURS]])
@pytest.mark.parametrize("policy", ["rewrite", "keep"])
def test_it_is_as_if_it_had_been_sent_directly(acs, queued, header, args, policy):
    server = acs(senders=None)
    queue = queued(server, sender_policy=policy, null_sender="send")
    text = f"{header}To: a@example.org\nSubject: s\n\nb\u00f6dy\n"
    results = []
    for mode in ("-odi", "-odq"):
        results.append(queue.send(text, mode, *args, "c@example.org").status)
        queue.flush()
    assert results[0] == results[1]
    if results[0]:
        return
    one, two = server.messages
    assert (one.sender, one.recipients) == (two.sender, two.recipients)
    assert unique(one.data) == unique(two.data)


def test_another_policy(acs, queued):
    """What is queued under `rewrite` is kept as it was handed in."""
    server = acs(senders=None)
    queue = queued(server)
    assert_sent(queue.send(f"From: {OTHER}\n{HELLO}", "-odq", "-f", OTHER, "-t"))
    assert b"contoso" not in queue.message(queue.only().id).split(b"Message-ID")[0]
    queue.configure(server, sender_policy="keep")
    assert_sent(queue.flush())
    assert server.message.sender == OTHER
    assert fields(server.message, "From") == [OTHER]
    assert fields(server.message, "Reply-To") == []


@pytest.mark.parametrize("keys, words", [
    ({"sender_policy": "refuse"}, "may not send through account test"),
    ({"max_size": "100"}, "max_size"),
    ({"from": ""}, "`from` is missing"),
])
def test_what_the_account_does_not_take_any_more_waits(acs, queued, keys, words):
    """The configuration is wrong, and no mail is lost by that; what it takes goes."""
    server = acs()
    queue = queued(server)
    assert_sent(queue.send(f"From: {OTHER}\n{HELLO}", "-odq", "-f", OTHER, "-t"))
    one = queue.only()
    queue.configure(server, **keys)
    for _ in range(2):
        assert_sent(queue.flush())
    entry = queue.only()
    assert words in entry.why
    assert queue.log.count(f"{entry.id}: waits: ") == 1
    assert_nobody_called(server)
    if "sender_policy" in keys:
        assert_sent(queue.send(f"From: {OURS}\n{HELLO}", "-odq", "-t"))
        assert_sent(queue.flush())
        assert len(server.messages) == 1
        assert queue.only().id == one.id
        failed = queue.send(f"From: {OTHER}\n{HELLO}", "-t")
        assert_failed(failed, DENIED, words)
    queue.configure(server)
    assert_sent(queue.flush())
    assert server.messages[-1].sender == OURS
    assert fields(server.messages[-1], "Message-ID") == [one.message_id]
    assert queue.ids() == []


def test_it_is_told_and_has_an_end(acs, queued):
    server = acs()
    queue = queued(server)
    assert_sent(queue.send(f"From: {OTHER}\n{HELLO}", "-odq", "-f", OTHER, "-t"))
    id = queue.only().id
    queue.configure(server, sender_policy="refuse")
    queue.age(id, 4.5 * HOUR)
    assert_sent(queue.flush())
    assert_sent(queue.flush())
    assert server.message.recipients == [OTHER]
    assert b"Action: delayed" in server.message.data
    queue.age(id, 5 * DAY + HOUR)
    assert_sent(queue.flush())
    assert_sent(queue.flush())
    assert "may not send" in queue.only(failed=True).recipients[0].why
    assert b"Action: failed" in server.messages[1].data


# --- an account that has another name now

def rename(queue, old, new):
    ini = Path(queue.ini)
    ini.write_text(ini.read_text().replace(f"[account {old}]", f"[account {new}]"))


@pytest.mark.parametrize("args", [[], ["-a", "test"]])
def test_another_name(acs, queued, args):
    server = acs()
    queue = queued(server)
    assert_sent(queue.send(HELLO, "-odq", "-t", *args))
    rename(queue, "test", "work")
    assert_sent(queue.flush())
    assert len(server.messages) == 1 and queue.ids() == []
    assert "account test is gone, and work takes its place" in queue.log


@pytest.mark.parametrize("args", [[], ["-a", "test"], ["-f", OURS]])
def test_another_account(acs, queued, args):
    """What nobody gave to the old one goes through what is the default now."""
    old, new = acs(), acs()
    queue = queued(old)
    assert_sent(queue.send(HELLO, "-odq", "-t", *args))
    id = queue.only().id
    queue.configure(new)
    rename(queue, "test", "new")
    assert_sent(queue.flush())
    assert len(new.messages) == (not args)
    if args:
        assert f"`acsmtp queue move {id} --account NAME` moves it" in queue.only().why


# --- to another account

@pytest.fixture
def two(acs, queued):
    """(server, other, queue): of accounts "test" and "other", which sends as x@example.net."""
    server, other = acs(), acs(senders=["x@example.net"])
    queue = queued(server)
    ini = Path(queue.ini)
    account, delivery = ini.read_text().split("[delivery]")
    head = account[:account.index("[account test]")]
    second = account[len(head):].replace("[account test]", "[account other]")
    second = second.replace(f"port = {server.port}", f"port = {other.port}")
    second = second.replace(f"from = {OURS}", "from = x@example.net")
    ini.write_text(f"{head}[defaults]\ndefault_account = test\n{account[len(head):]}"
                   f"{second}[delivery]{delivery}")
    return server, other, queue


def test_move(two):
    server, other, queue = two
    for _ in range(3):
        assert_sent(queue.send(f"From: Bea <{OTHER}>\n{HELLO}", "-odq", "-t"))
    one, *rest = queue.entries()
    result = queue.acsmtp("move", one.id, "--account", "other")
    assert (result.status, result.stderr) == (0, "")
    assert result.stdout == f"{one.id}: moved: {one.sender} -> a@example.org\n"
    assert queue.acsmtp("move", "--account=other", one.id).stderr == \
        f"acsmtp: {one.id}: not moved: it goes through that account already\n"
    assert_sent(queue.flush())
    assert len(server.messages) == 2
    assert other.message.sender == "x@example.net"
    assert fields(other.message, "From") == ["Bea <x@example.net>"]
    assert fields(other.message, "Reply-To") == [OTHER]
    assert fields(other.message, "Message-ID") == [one.message_id]
    assert f"{one.id}: moved by uid=" in queue.log


@pytest.mark.parametrize("args", [
    ["--all"], ["--from-account", "test"], ["--sender", "bea@*"], ["--recipient", "a@*"],
    ["*@example.org"], ["--json", "--all"]])
def test_move_whatever_is_named(two, args):
    server, other, queue = two
    for _ in range(2):
        assert_sent(queue.send(f"From: {OTHER}\n{HELLO}", "-odq", "-f", OTHER, "-t"))
    result = queue.acsmtp("move", *args, "--account", "other")
    assert result.status == 0, result.stderr
    assert result.stdout.count("moved") == 2
    assert ('"changed":2' in result.stdout.replace(" ", "")) == ("--json" in args)
    assert_sent(queue.flush())
    assert (len(server.messages), len(other.messages)) == (0, 2)


def test_move_what_has_failed(two):
    """It comes back; who has it does not get it again."""
    server, other, queue = two
    text = b"From: y@example.org\r\nMessage-ID: <i@x>\r\nDate: d\r\n\r\nb\r\n"
    id = queue.add(failed=True, sender="y@example.org", message=text, config=queue.ini, to=[
        ("a@example.org", "sent", None), ("b@example.org", "reported", "550 no")])
    assert queue.acsmtp("move", "--failed", "--all", "--account", "other").status == 0
    assert (queue.ids(), queue.ids(failed=True)) == ([id], [])
    assert_sent(queue.flush())
    assert server.messages == [] and other.message.recipients == ["b@example.org"]
    assert other.message.sender == "x@example.net"    # of an older version, and moved
    assert fields(other.message, "From")[0].endswith("<x@example.net>")


def test_held_stays_held(two):
    _, other, queue = two
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    assert queue.acsmtp("hold", "--all").status == 0
    assert queue.acsmtp("move", "--all", "--account", "other").status == 0
    assert_sent(queue.flush())
    assert queue.only().held == 1 and queue.only().account == "other"
    assert other.messages == []


def test_mail_of_a_configuration_that_is_gone(two, tmp_path):
    server, other, queue = two
    gone = tmp_path / "gone.ini"
    gone.write_text(Path(queue.ini).read_text())
    gone.chmod(0o600)
    assert queue._call(["-C", str(gone), "-odq", "-t"], input=HELLO).status == 0
    gone.unlink()
    assert_sent(queue.flush())
    assert len(queue.ids()) == 1
    assert queue.acsmtp("move", "--all", "--account", "other").status == 0
    assert_sent(queue.flush())
    assert len(other.messages) == 1


@pytest.mark.parametrize("args, status, words", [
    (["--all"], 64, "--account names the account"),
    (["--account", "other"], 64, "it must be said which messages"),
    (["--all", "--account", "nobody"], CONFIG, 'there is no account "nobody"'),
    (["--account", "other", "nobody@example.org"], 69, "nobody@example.org"),
])
def test_move_is_refused(two, args, status, words):
    queue = two[2]
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    before = queue.entries()
    result = queue.acsmtp("move", *args)
    assert (result.status, result.stdout) == (status, "" if status != 69 else result.stdout)
    assert words in result.stderr
    assert queue.entries() == before


# --- a queue of an older version

def test_an_entry_of_an_older_version(acs, queued):
    """The policy was applied before it came in: it goes as it is."""
    server = acs(senders=None)
    queue = queued(server)
    text = b"From: x@old.example\r\nMessage-ID: <i@old.example>\r\n\r\nHello\r\n"
    queue.add(sender="s@old.example", message=text, origin="o@old.example")
    assert_sent(queue.flush())
    assert server.message.sender == "s@old.example"
    assert server.message.data == text
