# SPDX-License-Identifier: GPL-3.0-or-later
"""acsmtp explain: what a call of sendmail would do, and which rule says so."""

import json
import os
import pty
import subprocess

import pytest

from helpers.program import environment, installed

FROM = "DoNotReply@contoso.com"
USAGE, DATAERR, NOPERM, CONFIG = 64, 65, 77, 78
MESSAGE = "From: Joe <joe@host.example>\nTo: you@example.org\nSubject: x\n\nx\n"


@pytest.fixture
def explain(run, config):
    """explain(*args, input, **keys): what --json says."""
    def run_explain(*args, input=MESSAGE, **keys):
        result = run(["explain", "--json", "-C", config(None, **keys), *args], input=input,
                     program="acsmtp")
        assert (result.status, result.stderr) == (0, "")
        return json.loads(result.stdout)
    return run_explain


def test_the_same_as_dry_run(run, config):
    path = config(None)
    said = run(["explain", "-C", path, "-t", "-f", "root"], input=MESSAGE, program="acsmtp")
    assert (said.status, said.stderr) == (0, "")
    dry = run(["-C", path, "--dry-run", "-t", "-f", "root"], input=MESSAGE)
    lines = said.stdout.splitlines()
    for line in dry.stdout.split("\n\n")[0].splitlines():
        assert any(other.startswith(line) for other in lines), line


def test_a_limit_that_there_is_not(run, config):
    for keys, words in ({}, "bytes of at most 10485760"), ({"service": "other"}, "bytes"), \
                       ({"max_size": 0}, "bytes"):
        said = run(["explain", "-C", config(None, **keys), "-t"], input=MESSAGE, program="acsmtp")
        size, = (line for line in said.stdout.splitlines() if line.startswith("size: "))
        assert size.split(" ", 2)[2] == words


def test_malformed(explain):
    """Refused as it would be when it is sent; the others are shown."""
    said = explain("-t", "-i", "c@@example.org", input="Cc: Jane Doe, b@example.org\n" + MESSAGE)
    refused = {one["mailbox"]: one["refused"] for one in said["recipients"]}
    assert [name for name, why in refused.items() if why is None] == [
        "b@example.org", "you@example.org"]
    assert "Cc field" in refused["Jane Doe"] and "no address" in refused["c@@example.org"]


# --- the sender

SENDERS = {
    # arguments, From, settings: sender, why, From as it goes out
    "allowed": (["-f", FROM], f"From: {FROM}\n", {}, FROM, "in its `allowed_senders`", FROM),
    "rewritten": (["-f", "root@host.example"], "From: joe@host.example\n", {}, FROM,
                  "`sender_policy = rewrite`", FROM),
    "listed": (["-f", "a@example.net"], "From: a@example.net\n",
               {"allowed_senders": "@example.net"}, "a@example.net", "`allowed_senders`",
               "a@example.net"),
    "kept": (["-f", "a@example.net"], "From: b@example.net\n", {"sender_policy": "keep"},
             "a@example.net", "`sender_policy = keep`", "b@example.net"),
    "author": ([], "From: a@example.net\n", {"allowed_senders": "@example.net"},
               "a@example.net", "`allowed_senders`", "a@example.net"),
    "nobody": ([], "", {}, FROM, "neither -f nor the header names a sender", FROM),
    "null": (["-f", "<>"], f"From: {FROM}\n", {}, FROM, "`null_sender = account`", FROM),
    "null sent": (["-f", "<>"], f"From: {FROM}\n", {"null_sender": "send"}, "",
                  "as it was given", FROM),
    "no from": ([], "From: a@example.net\n", {"from_": None, "sender_policy": "keep"},
                "a@example.net", "`sender_policy = keep`", "a@example.net"),
}


@pytest.mark.parametrize("name", SENDERS)
def test_sender(explain, name):
    arguments, header, keys, sender, why, author = SENDERS[name]
    said = explain(*arguments, "you@example.org", input=header + "Subject: x\n\nx\n", **keys)
    assert said["sender"] == sender
    assert why in said["why_sender"]
    assert said["from"] == author


def test_sender_that_is_refused(run, config):
    """What sending would say, with its status."""
    path = config(None, sender_policy="refuse")
    arguments = ["-C", path, "-f", "root@host.example", "you@example.org"]
    said = run(["explain", *arguments], input=MESSAGE, program="acsmtp")
    sent = run(arguments, input=MESSAGE)
    assert said.status == sent.status == NOPERM
    assert said.stderr.replace("acsmtp: ", "sendmail: ") == sent.stderr


# --- the account

OTHER = ("[account other]\nservice = other\nhost = mail.example.net\n"
         "sender_policy = keep\n"
         "allowed_senders = @example.net\n[defaults]\ndefault_account = test\n")


@pytest.mark.parametrize("arguments, author, account, why", [
    ([], "x@y.example", "test", "the default account"),
    (["-a", "other"], "x@y.example", "other", "named on the command line"),
    (["-f", "a@example.net"], "x@y.example", "other", "has the envelope sender"),
    ([], "a@example.net", "other", "has the author"),
])
def test_account(explain, arguments, author, account, why):
    said = explain(*arguments, "you@example.org", input=f"From: {author}\n\nx\n", extra=OTHER,
                   sender_policy="keep")
    assert said["account"] == account
    assert why in said["why_account"]


# --- recipients

@pytest.fixture
def aliases(tmp_path):
    path = tmp_path / "aliases"
    path.write_text("root: ops, a@example.org\n# nobody\nops: bob\nbob: b@example.org,\n"
                    "    \\bob\n")
    path.chmod(0o644)
    return path


def test_way_of_a_name(explain, aliases):
    extra = f"[delivery]\naliases = {aliases}\nlocal_recipients = admin@contoso.com\n"
    said = explain("root", "c@example.org", "stranger", extra=extra)
    ways = {way["name"]: way for way in said["names"]}
    assert set(ways) == {"root", "stranger"}
    assert ways["root"]["goes_to"] == ("<b@example.org>, <admin@contoso.com>, "
                                       "<a@example.org>")
    assert ways["root"]["path"] == (f"root: {aliases}:1; ops: {aliases}:3; bob: {aliases}:4")
    assert ways["stranger"] == {"name": "stranger", "goes_to": "<admin@contoso.com>",
                                "path": "stranger: local_recipients"}
    assert [recipient["mailbox"] for recipient in said["recipients"]] == [
        "b@example.org", "admin@contoso.com", "a@example.org", "c@example.org"]


def test_name_that_leads_nowhere(explain, aliases):
    said = explain("stranger", "c@example.org", extra=f"[delivery]\naliases = {aliases}\n")
    assert said["names"][0]["goes_to"].startswith("nowhere: ")
    refused = {r["mailbox"]: r["refused"] for r in said["recipients"]}
    assert refused["c@example.org"] is None and "stranger" in refused["stranger"]
    assert said["transactions"] == 1


def test_recipients_of_the_header(explain):
    said = explain("-t", input="To: a@example.org\nBcc: b@example.org\n\nx\n")
    assert [r["mailbox"] for r in said["recipients"]] == ["a@example.org", "b@example.org"]


@pytest.mark.parametrize("count, transactions", [(1, 1), (50, 1), (51, 2), (101, 3)])
def test_plan(explain, count, transactions):
    said = explain(*(f"r{n}@example.org" for n in range(count)))
    assert (said["transactions"], said["max_recipients"]) == (transactions, 50)


# --- which way

@pytest.mark.parametrize("arguments, settings, words", [
    ([], "queue = off\n", "given back to the caller"),
    ([], "queue = on\n", "direct: "),
    (["-odb"], "queue = on\n", "first, then delivered in the background"),
    (["-odq"], "queue = on\n", "to wait for a run of the queue"),
    (["-odq"], "queue = off\n", "direct: "),
    ([], "queue = on\nmode = queued\n", "first, then delivered in the background"),
    (["-odi"], "queue = on\nmode = queued\n", "direct: "),
])
def test_way(explain, home, arguments, settings, words):
    spool = home / "spool"
    said = explain(*arguments, "a@example.org",
                   extra=f"[delivery]\n{settings}spool = {spool}\n")
    assert words in said["way"]
    assert (str(spool) in said["way"]) == ("off" not in settings)
    assert not spool.exists()


# --- what it is not

def test_nobody_is_called(acs, run, config):
    server = acs()
    result = run(["explain", "-C", config(server), "you@example.org"], input=MESSAGE,
                 program="acsmtp")
    assert result.status == 0
    assert server.sessions == []


def test_terminal_is_not_read(config, home):
    """Without -t a person would wait for a message that nobody writes."""
    ours, theirs = pty.openpty()
    try:
        done = subprocess.run([installed("acsmtp"), "explain", "-C", config(None),
                               "you@example.org"], stdin=theirs, capture_output=True,
                              env=environment(home, None), cwd=home, timeout=60, check=False)
    finally:
        os.close(ours)
        os.close(theirs)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"standard input is a terminal and was not read" in done.stdout


def test_sender_that_is_thrown_away(run, config):
    result = run(["explain", "-C", config(None), "-f", "a b@c", "a@example.org"],
                 input=MESSAGE, program="acsmtp")
    assert result.status == 0
    assert 'sender given: none, as -f "a b@c": ' in result.stdout


def test_output_is_harmless(run, config):
    message = 'From: "\x1b[2J"@host.example\nTo: you@example.org\n\nx\n'
    result = run(["explain", "-C", config(None), "-t"], input=message, program="acsmtp")
    assert "\x1b" not in result.stdout


@pytest.mark.parametrize("arguments, status, words", [
    ([], USAGE, "no recipients on the command line"),
    (["--colour", "a@example.org"], USAGE, "--colour"),
    (["-a", "nobody", "a@example.org"], CONFIG, 'no account "nobody"'),
])
def test_mistakes(run, config, arguments, status, words):
    result = run(["explain", "-C", config(None), *arguments], input=MESSAGE, program="acsmtp")
    assert (result.status, result.stdout) == (status, "")
    assert words in result.stderr


def test_help(run):
    result = run(["explain", "--help"], program="acsmtp")
    assert result.status == 0 and result.stdout.startswith("usage: acsmtp explain [--json]")
