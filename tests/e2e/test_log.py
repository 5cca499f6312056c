# SPDX-License-Identifier: GPL-3.0-or-later
"""The log, the dialogue of -v and the transcript of -X: all of it, and no secret."""

import json
import os
import re
import stat
import time
from datetime import datetime

import pytest

from emulator.faults import Fault
from outcome import HELLO, assert_failed, assert_not_in, assert_sent, transmitted
from helpers.ports import closed_port

NOUSER, TEMPFAIL, NOPERM = 67, 75, 77


@pytest.fixture
def log(tmp_path):
    return tmp_path / "log"


def only_line(log):
    lines = log.read_text().splitlines()
    assert len(lines) == 1, lines
    assert lines[0].isprintable()
    return lines[0]


def assert_in_line(log, *words):
    line = only_line(log)
    missing = [word for word in words if word not in line]
    assert not missing, f"{missing} not in: {line}"


# --- the log

def test_line_of_a_sent_message(acs, send, log):
    server = acs()
    assert_sent(send(server, HELLO.replace("\n\n", "\nMessage-ID: <1@x.example>\n\n"),
                     log=log))
    size = len(server.message.data)
    assert_in_line(log, ": sent: ", "account=test", "from=<DoNotReply@contoso.com>",
                   "to=<a@example.org>", "accepted=1/1", f"size={size}",
                   "message-id=<1@x.example>", f"server=localhost:{server.port}",
                   "tls=TLS1.3", "duration=", "2.6.0 Queued mail for delivery")
    assert "Hello" not in only_line(log) and "Subject" not in only_line(log)
    assert_not_in(server.options.password, only_line(log))
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_line_of_three_transactions(acs, send, log):
    server = acs()
    assert_sent(send(server, "Subject: test\n\nHello\n",
                     *(f"r{n}@example.org" for n in range(120)), log=log))
    first, second, last = log.read_text().splitlines()
    assert ": sent: " in last and "accepted=120/120" in last
    assert "to=<r0@example.org>," in last and ",<r119@example.org> " in last
    for line, accepted in (first, 50), (second, 100):
        assert f": goes on: accepted={accepted}/120 to=" in line and "sent" not in line
        assert line.endswith(f",<r{accepted - 1}@example.org>")
        assert line.count("@") == 50


def test_line_of_three_transactions_of_a_queue(acs, queued):
    """Where the entry knows who has it the log need not."""
    queue = queued(acs())
    assert_sent(queue.send("Subject: test\n\nHello\n",
                           *(f"r{n}@example.org" for n in range(120))))
    line, = queue.log.splitlines()
    assert ": sent: " in line and "accepted=120/120" in line


def test_lines_are_appended(acs, send, log):
    server = acs()
    for _ in range(2):
        assert_sent(send(server, HELLO, log=log))
    assert len(log.read_text().splitlines()) == 2


FAILURES = {
    "wrong password": ({}, {"password": "wrong horse"}, NOPERM,
                       (": not sent: ", "535 5.7.3", "accepted=0/1")),
    "sender": ({}, {"from_": "boss@contoso.com"}, NOPERM,
               (": not sent: ", "550 5.3.5", "from=<boss@contoso.com>")),
    "lost": ({"faults": (Fault("body", action="close"),)}, {}, TEMPFAIL,
             (": may have been sent: ", "accepted=0/1", "closed the connection")),
    "certificate": ({"certificate": "expired"}, {}, 76, (": not sent: ", "expired on")),
    "rate": ({"per_minute": 0}, {}, TEMPFAIL, (": not sent: ", "450 4.5.127")),
}


@pytest.mark.parametrize("name", FAILURES)
def test_line_of_a_failure(acs, send, log, name):
    offered, account, status, words = FAILURES[name]
    server = acs(**offered)
    assert_failed(send(server, HELLO, log=log, **account), status)
    assert_in_line(log, "account=test", "to=<a@example.org>",
                   f"server=localhost:{server.port}", *words)
    assert_not_in(account.get("password", server.options.password), only_line(log))


def test_line_of_a_partly_sent_message(acs, send, log):
    server = acs(faults=(Fault("b@example.org", reply="550 5.1.1 Unknown here"),))
    result = send(server, HELLO, "a@example.org", "b@example.org", log=log)
    assert result.status == NOUSER
    assert_in_line(log, ": partly sent: ", "accepted=1/2", "<a@example.org>",
                   "RCPT TO <b@example.org>", "550 5.1.1 Unknown here")


# --- log_format = json

def objects(log):
    """Each line is one object, in UTF-8 and printable."""
    lines = log.read_bytes().decode().splitlines()
    assert all(line.isprintable() for line in lines), lines
    return [json.loads(line) for line in lines]


def assert_common(line, level):
    assert datetime.fromisoformat(line["time"]).tzinfo and line["time"][-3] == ":"
    assert line["tag"] == "acsmtp" and line["pid"] > 1 and line["level"] == level


def keys_of_text(line):
    return re.findall(r" ([a-z-]+)=", re.sub(r'"[^"]*"', "", line.split(" error=")[0])) + \
        ["error"] * (" error=" in line)


def test_json_of_a_sent_message(acs, send, log):
    server = acs()
    for log_format in "json", "text":
        assert_sent(send(server, HELLO.replace("\n\n", "\nMessage-ID: <1@x.example>\n\n"),
                         log=log, log_format=log_format))
    text = log.read_text().splitlines()[1]
    (log.parent / "json").write_text(log.read_text().splitlines()[0] + "\n")
    line, = objects(log.parent / "json")
    assert_common(line, "info")
    assert re.fullmatch("[0-9a-v]{16}", line["id"])
    assert line["event"] == "sent" and line["account"] == "test" and line["uid"] == os.getuid()
    assert line["from"] == "DoNotReply@contoso.com" and line["to"] == ["a@example.org"]
    assert (line["accepted"], line["recipients"]) == (1, 1)
    assert line["size"] == len(server.messages[0].data) and line["message-id"] == "<1@x.example>"
    assert line["server"] == f"localhost:{server.port}" and line["tls"].startswith("TLS1.3")
    assert line["reply"].startswith("250 2.6.0 Queued mail") and line["code"] == 250
    assert 0 <= line["duration"] < 60 and "error" not in line and "not" not in line
    assert [key for key in line if key in keys_of_text(text)] == keys_of_text(text)


def test_json_of_a_partly_sent_message(acs, send, log):
    server = acs(faults=(Fault("b@example.org", reply="550 5.1.1 Unknown here"),))
    assert send(server, HELLO, "a@example.org", "b@example.org", log=log,
                log_format="json").status == NOUSER
    line, = objects(log)
    assert_common(line, "problem")
    assert line["event"] == "partly sent" and line["not"] == ["b@example.org"]
    assert line["to"] == ["a@example.org", "b@example.org"]
    assert (line["accepted"], line["recipients"], line["code"]) == (1, 2, 550)
    assert line["error"].endswith("RCPT TO <b@example.org>: 550 5.1.1 Unknown here")


def test_json_whatever_a_server_says(acs, send, log):
    reply = '550 5.1.1 "quoted" \\ \x1b[2J b\xfccher \xe6\x97\xa5'
    server = acs(faults=(Fault("a@example.org", reply=reply),))
    assert send(server, HELLO, log=log, log_format="json").status == NOUSER
    line, = objects(log)
    assert '"quoted" \\ ?[2J b' in line["error"] and line["code"] == 550


def test_json_of_many_recipients(acs, send, log):
    """A list that is cut is a list still, and those who were left out stand in other lines."""
    refused = tuple(Fault(f"refused-{n}@example.org", reply="550 5.1.1 No such user")
                    for n in range(300))
    server = acs(faults=refused)
    everybody = [f"refused-{n}@example.org" for n in range(300)] + ["a@example.org"]
    assert send(server, HELLO, *everybody, log=log, log_format="json").status == NOUSER
    lines = objects(log)
    whole, = [line for line in lines if line["event"] == "partly sent"]
    assert whole["recipients"] == 301 and 50 < len(whole["not"]) < 300
    left_out = [line for line in lines if line["event"] == "refused"]
    assert sorted(sum((line["to"] for line in left_out), [])) == sorted(everybody[:-1])
    assert {(line["error"], line["code"]) for line in left_out} == {("550 5.1.1 No such user", 550)}


def test_json_of_a_queue(acs, queued):
    """Also where a line is a sentence."""
    server = acs(faults=(Fault("a@example.org", reply="450 4.2.0 Busy", times=1),))
    queue = queued(server, log_format="json")
    assert queue.send(HELLO).status == 0
    assert queue.run("--flush").status == 0
    lines = [json.loads(line) for line in queue.log.splitlines()]
    assert [line.get("event", "message") for line in lines] == ["not sent", "queued", "sent"]
    assert len({line["id"] for line in lines}) == 1
    assert lines[1]["recipients"] == 1 and lines[1]["code"] == 450
    assert datetime.fromisoformat(lines[1]["not-before"])


def test_json_of_a_sentence(acs, queued):
    server = acs(faults=(Fault("a@example.org", reply="550 5.1.1 No"),
                         Fault("b@example.org", reply="450 4.2.0 Busy")))
    queue = queued(server, log_format="json")
    assert queue.send(HELLO, "-odq", "a@example.org", "b@example.org").status == 0
    queue.run("--flush")
    sentences = [json.loads(line) for line in queue.log.splitlines() if '"message"' in line]
    assert any(line["message"].startswith("waits: not before ") for line in sentences)
    assert all("event" not in line and re.fullmatch("[0-9a-v]{16}", line["id"])
               for line in sentences)


# --- a log that cannot be written

@pytest.mark.parametrize("path", ["no/such/directory", "/dev/full", "/"])
def test_log_that_cannot_be_written_never_fails_a_mail(acs, send, tmp_path, path):
    server = acs()
    path = str(tmp_path / path)
    result = send(server, HELLO, log=path)
    assert result.status == 0
    assert result.stderr.count("\n") == 1
    assert "warning" in result.stderr and path in result.stderr
    assert "the mail is not affected" in result.stderr
    assert transmitted(server) == 1


def test_log_on_standard_error(acs, send):
    result = send(acs(), HELLO, log="stderr")
    assert result.status == 0
    assert result.stderr.count("\n") == 1 and ": sent: " in result.stderr


# --- the dialogue

SECRETS = {
    "LOGIN": {},
    "PLAIN": {"auth": "plain"},
    "XOAUTH2": {"password": None, "token_command": "printf secret-token-of-mine"},
}


@pytest.mark.parametrize("mechanism", SECRETS)
@pytest.mark.parametrize("is_right", [True, False])
def test_dialogue_without_secrets(acs, run, config, log, tmp_path, mechanism, is_right):
    server = acs(mechanisms=("LOGIN", "PLAIN", "XOAUTH2"), token="secret-token-of-mine")
    if not is_right:
        server.options.user = "somebody else"
    file = config(server, log=log, user="contoso-smtp", **SECRETS[mechanism])
    transcript = tmp_path / "transcript"
    result = run(["-C", file, "-v", "-X", transcript, "-t"], input=HELLO)
    assert result.status == (0 if is_right else NOPERM)
    dialogue = transcript.read_text()
    for text in (result.stdout, dialogue):
        assert ">>> EHLO " in text and "<<< 220 localhost" in text
        assert f">>> AUTH {mechanism} ****\n" in text
        assert ("<<< 235 2.7.0" if is_right else "<<< 535 5.7.3") in text
    secret = "secret-token-of-mine" if mechanism == "XOAUTH2" else server.options.password
    for text in (result.stdout, result.stderr, dialogue, log.read_text()):
        assert_not_in(secret, text)
    assert stat.S_IMODE(transcript.stat().st_mode) == 0o600


def test_dialogue_shows_both_sides_in_order(acs, run, config):
    server = acs()
    result = run(["-C", config(server), "-v", "-t"], input=HELLO)
    told = [line for line in result.stdout.splitlines() if line.startswith(">>> ")]
    words = [line.split()[1] for line in told]
    assert words[:4] == ["EHLO", "STARTTLS", "EHLO", "AUTH"]
    assert words[-4:] == ["MAIL", "RCPT", "BDAT", "QUIT"]
    assert result.stdout.count("<<< 250 2.1.5 Recipient OK\n") == 1
    assert "*** TLS1.3\n" in result.stdout


def test_password_asked_for_again_is_not_shown(acs, run, config, tmp_path):
    """The answers to the server's questions are blotted out too."""
    server = acs(faults=(Fault("auth", reply="501 5.5.4 No initial response", times=1),))
    result = run(["-C", config(server), "-v", "-t"], input=HELLO)
    assert result.status == 0
    assert result.stdout.count(">>> ****\n") == 2
    assert_not_in(server.options.password, result.stdout)


def test_transcript_that_cannot_be_made(acs, run, config, tmp_path):
    server = acs()
    path = tmp_path / "no/such/directory"
    result = run(["-C", config(server), "-X", path, "-t"], input=HELLO)
    assert_failed(result, 73, f"-X {path}")
    assert server.sessions == []


# --- links, where others can write

OTHER = 65534


@pytest.fixture
def others(tmp_path):
    """A directory of somebody else's, and a file of root's that he would like to write to."""
    directory = tmp_path / "others"
    directory.mkdir()
    (directory / "below").mkdir()
    for path in directory, directory / "below":
        os.chown(path, OTHER, OTHER)
    target = tmp_path / "target"
    target.write_text("root's\n")
    return directory, target


def links(directory, target, kind):
    """The name to log to; a trap has been set there."""
    name = directory / "log"
    if kind == "link":
        name.symlink_to(target)
    elif kind == "hard link":
        os.link(target, name)
    elif kind == "link to nothing":
        name.symlink_to(target.with_name("new"))
    elif kind == "pipe":
        os.mkfifo(name)
        os.chown(name, OTHER, OTHER)
    elif kind == "link of a directory":
        (directory / "below").rmdir()
        (directory / "below").symlink_to(target.parent)
        name = directory / "below" / "target"
    elif kind == "file of a third":
        name.write_text("")
        os.chown(name, OTHER - 1, OTHER)
    return name


KINDS = ["link", "hard link", "link to nothing", "pipe", "link of a directory",
         "file of a third"]


@pytest.mark.as_root
@pytest.mark.parametrize("kind", KINDS)
def test_log_that_others_have_bent(acs, send, others, kind):
    directory, target = others
    name = links(directory, target, kind)
    server = acs()
    result = send(server, HELLO, log=name)
    assert result.status == 0
    assert result.stderr.count("\n") == 1 and "the mail is not affected" in result.stderr
    assert "others can write to its directory" in result.stderr
    assert "that root alone can write to" in result.stderr
    assert target.read_text() == "root's\n"
    assert not target.with_name("new").exists()


@pytest.mark.as_root
@pytest.mark.parametrize("kind", KINDS)
def test_transcript_that_others_have_bent(acs, send, others, kind):
    directory, target = others
    name = links(directory, target, kind)
    server = acs()
    result = send(server, HELLO, "-X", name, "-t")
    assert result.status == 73
    assert "others can write to its directory" in result.stderr
    assert target.read_text() == "root's\n" and not server.sessions


@pytest.mark.as_root
def test_log_in_a_directory_that_all_share(acs, send, tmp_path, others):
    """As /tmp; links of root's own are no exception there."""
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    (shared / "log").symlink_to(others[1])
    result = send(acs(), HELLO, log=shared / "log")
    assert "others can write to its directory" in result.stderr
    below = shared / "roots"
    below.mkdir()
    (below / "link").symlink_to(tmp_path / "real")
    result = send(acs(), HELLO, log=below / "link")
    assert result.stderr == "" and "sent" in (tmp_path / "real").read_text()


@pytest.mark.as_root
@pytest.mark.parametrize("owner", [0, OTHER, None])
def test_log_among_others_that_is_a_plain_file(acs, send, others, owner):
    """Root's, or the owner's of the directory, or there is none yet."""
    path = others[0] / "below" / "log"
    if owner is not None:
        path.write_text("")
        os.chown(path, owner, owner)
    result = send(acs(), HELLO, log=path)
    assert (result.status, result.stderr) == (0, "")
    assert "sent" in path.read_text()
    assert path.stat().st_uid == (owner or 0)


@pytest.mark.parametrize("place", ["/dev/stderr", "/dev/fd/2", "/proc/self/fd/2",
                                   "/proc/self/../self/fd/2"])
def test_log_on_a_descriptor(acs, send, place):
    """As containers have it; they are links, of the kernel's."""
    result = send(acs(), HELLO, log=place)
    assert result.status == 0 and result.stderr.count("sent: ") == 1


# --- once a day

BAD = "/nonexistent/log"


def said(home):
    return list(home.glob(".local/state/acsmtp/said/said-*"))


def test_trouble_is_said_once_a_day(acs, send, home):
    server = acs()
    first, second = (send(server, HELLO, log=BAD) for _ in range(2))
    assert (first.status, second.status, second.stderr) == (0, 0, "")
    assert "warning: log /nonexistent/log: No such file" in first.stderr
    file, = said(home)
    os.utime(file, (time.time() - 25 * 3600,) * 2)
    assert "warning: log" in send(server, HELLO, log=BAD).stderr
    assert send(server, HELLO, log=BAD).stderr == ""
    os.utime(file, (time.time() + 3600,) * 2)    # the clock was put back
    assert "warning: log" in send(server, HELLO, log=BAD).stderr


def test_trouble_without_a_place_to_remember_it(acs, run, config):
    """Not with each message, then: nobody wants that. A person at a terminal sees it."""
    server, nowhere = acs(), {"HOME": "/nonexistent", "XDG_STATE_HOME": None,
                              "TMPDIR": "/proc/nonexistent"}
    result = run(["-C", config(server, log=BAD), "-t"], input=HELLO, env=nowhere)
    assert (result.status, result.stderr) == (0, "")


def test_check_looks_at_the_log(acs, run, config, tmp_path):
    def step(where):
        told = run(["check", "--json", "-C", config(acs(), log=where)], program="acsmtp").stdout
        return [one for one in json.loads(told)["steps"] if one["name"] == "log"][0]
    bad = step(BAD)
    assert bad["state"] == "warning" and BAD in bad["text"] and bad["advice"]
    assert step(tmp_path / "new.log")["state"] == "ok" and not (tmp_path / "new.log").exists()
    assert step("off")["state"] == step("stderr")["state"] == "ok"


def test_a_user_without_a_queue_is_told_once_a_day(acs, run, config, tmp_path):
    """The line names the spool, and so does `acsmtp check`."""
    spool, log = tmp_path / "spool", tmp_path / "log"
    spool.mkdir()
    spool.chmod(0o755)    # as another's: not this user's alone
    ini = config(acs(), log=log, extra=f"[delivery]\nqueue = auto\nspool = {spool}\n")
    for _ in range(3):
        result = run(["-C", ini, "-t"], input=HELLO)
        assert (result.status, result.stderr) == (0, "")
    line, = [line for line in log.read_text().splitlines() if "has no queue" in line]
    assert f"uid={os.geteuid()} has no queue: {spool}: " in line
    told = run(["check", "--json", "-C", ini], program="acsmtp").stdout
    step, = [one for one in json.loads(told)["steps"] if one["name"] == "spool"]
    assert step["state"] == "warning" and str(spool) in step["text"]


def test_who_has_no_queue_is_told_why(run, config, tmp_path):
    """On standard error too, when it would have been needed."""
    spool = tmp_path / "spool"
    spool.mkdir()
    spool.chmod(0o755)
    with closed_port() as port:
        ini = config(port=port, extra=f"[delivery]\nqueue = auto\nspool = {spool}\n")
        result = run(["-C", ini, "-t"], input=HELLO)
    assert result.status == 75
    assert f"it cannot be queued ({spool}: not a directory of this user alone), and " \
        in result.stderr
