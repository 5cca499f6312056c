# SPDX-License-Identifier: GPL-3.0-or-later
"""acsmtp queue list, show, retry, hold, release and remove."""

import fcntl
import json
import os
import pty
import re
import socket
import struct
import subprocess
import termios
import threading
import time

import pytest

from helpers.program import environment, installed
from emulator.options import Options
from helpers.spool import Spool
from helpers.waiting import wait_for

NO_MATCH, BUSY, USAGE, DAMAGED = 69, 75, 64, 65
COLOUR = re.compile(r"\x1b\[\d*m")


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool")


@pytest.fixture
def ini(config, spool):
    return config(extra=f"[delivery]\nspool = {spool.path}\nqueue = on\nbackground = off\n")


@pytest.fixture
def queue(run, ini):
    """queue(sub, *arguments) -> Result."""
    def queue_command(*arguments, **options):
        return run(["queue", *arguments, "--config", ini], program="acsmtp", **options)
    return queue_command


@pytest.fixture
def well(queue):
    """The same for what must go well: the lines on standard output."""
    def command(*arguments):
        result = queue(*arguments)
        assert (result.status, result.stderr) == (0, "")
        return result.stdout.splitlines()
    return command


def in_minutes(minutes):
    return int(time.time()) + 60 * minutes + 30


@pytest.mark.parametrize("option", [["-C", "{}"], ["-C{}"], ["--config", "{}"], ["--config={}"]])
@pytest.mark.parametrize("words", [["list"], ["show", "3test1"], ["run"], ["hold", "3test1"]])
def test_configuration_as_for_sendmail(run, ini, spool, option, words):
    spool.add(held=1)
    result = run(["queue", words[0], *(word.format(ini) for word in option), *words[1:]],
                 program="acsmtp")
    assert result.status == 0, result.stderr


@pytest.mark.parametrize("option", [["-a", "other"], ["-aother"], ["--account", "other"]])
def test_account_as_for_sendmail(well, spool, option):
    spool.add()
    other = spool.add(account="other")
    assert [line[:16] for line in well("list", *option)[:-1]] == [other]


# --- list

def test_list(well, spool):
    one = spool.add(arrived=int(time.time()) - 725, next=in_minutes(5), attempts=3,
                    why="smtp.azurecomm.net: connection refused",
                    to=["a@example.org", "b@example.org", ("x@example.org", "sent", None),
                        "c@example.org"])
    two = spool.add(sender="", held=1, message=b"A: b\r\n\r\n" + b"x" * 5000 + b"\r\n",
                    to=[("a@example.org", "deferred", "451 try again")])
    three = spool.add(account="gone", doubt=1, attempts=1)
    failed = spool.add(failed=True)
    assert well("list") == [
        f"{one}   12 min       24 B  test  sender@example.org -> a@example.org, "
        "b@example.org and 1 more: next try in 5 min, 3 tries: smtp.azurecomm.net: "
        "connection refused",
        f"{two}    2 min    4.9 KiB  test  <> -> a@example.org: held: 451 try again",
        f"{three}    2 min       24 B  gone  sender@example.org -> rcpt@example.org: "
        "due now, perhaps sent already, 1 try",
        f"3 messages, 4.9 KiB, 1 held in {spool.path}",
        "1 failed: `acsmtp queue list --failed` tells why"]
    assert well("list", "--failed")[0].startswith(failed)


def test_list_of_what_is_being_sent(well, spool):
    with spool.sending(spool.add()):
        lines = well("list")
    assert ": being sent" in lines[0]
    assert lines[1] == f"1 message, 24 B, 1 being sent in {spool.path}"


def test_empty_list(well, spool):
    assert well("list") == [f"the queue is empty: {spool.path}"]
    assert well("list", "--failed") == [f"no message has failed: {spool.path}"]
    assert well("hold", "--all") == ["no messages are there"]


def test_nothing_fits(queue, spool):
    """That is no empty queue, neither for a person nor for whoever greps."""
    spool.add()
    spool.add(failed=True)
    for arguments in ["--account", "none"], ["--failed", "--sender", "nobody@example.org"]:
        result = queue("list", *arguments)
        assert result.status == 69
        assert result.stdout.splitlines()[0] == f"no message fits: {spool.path}"


def test_list_for_programs(queue, spool):
    one = spool.add(next=12345, attempts=2, account="test", why="account paused", to=[
        ("a@example.org", "deferred", "450 4.5.127 Excessive message rate"),
        ("b@example.org", "sent", None)])
    bad = spool.add(arrived=1)
    (spool.path / f"{bad}.env").write_bytes(b"")
    told = json.loads(queue("list", "--json").stdout)
    assert told["spool"] == str(spool.path)
    assert (told["count"], told["bytes"]) == (2, 24)
    damaged, message = told["messages"]
    assert (damaged["id"], damaged["state"]) == (bad, "damaged")
    assert message["id"] == one and message["state"] == "due"
    assert (message["next_try"], message["tries"], message["size"]) == (12345, 2, 24)
    assert message["sender"] == "sender@example.org" and message["account"] == "test"
    assert message["reason"] == "account paused"
    late, sent = message["recipients"]
    assert (late["address"], late["state"], late["reply"]) == ("a@example.org", "waiting", 450)
    assert "quota" in late["advice"]
    assert sent == {"address": "b@example.org", "state": "sent"}


@pytest.mark.parametrize("words, chosen", [
    (["*@one.example"], [0]), (["root*"], [1]), (["<>"], [2]), (["3test2*"], [1]),
    (["3test2", "3test3"], [1, 2]), (["--account", "other"], [2]), (["--account", "t*"], [0, 1]),
    (["--sender", "ROOT@*"], [1]), (["--recipient", "*@one.example"], [0]),
    (["--account", "test", "--recipient", "*"], [0, 1]), (["*@*"], [0, 1, 2]),
    (["3test4"], [3]), (["--failed", "*@*"], [3]), (["--failed"], [3]),
    (["*@one.example", "<>"], [0, 2])])
def test_which(queue, spool, words, chosen):
    ids = [spool.add(to=["a@one.example", "b@two.example"]), spool.add(sender="root@host"),
           spool.add(sender="", account="other"), spool.add(failed=True)]
    told = json.loads(queue("list", "--json", *words).stdout)
    assert [message["id"] for message in told["messages"]] == [ids[i] for i in chosen]


@pytest.mark.parametrize("sub", ["list", "show", "retry", "hold", "release", "remove"])
@pytest.mark.parametrize("word", ["nobody@example.org", "3testx*", "vvvv", "NO SUCH",
                                  "\x1b[31m"])
def test_nothing_fits(queue, spool, sub, word):
    one = spool.add()
    result = queue(sub, word)
    assert result.status == NO_MATCH
    assert "no message fits" in result.stderr
    assert result.stderr.rstrip("\n").isprintable()
    assert spool.ids() == [one]


@pytest.mark.parametrize("sub", ["retry", "hold", "release", "remove"])
@pytest.mark.parametrize("words", [["3test"], ["3test1", "3"]])
def test_several_ids_begin_so(queue, spool, sub, words):
    ids = [spool.add(), spool.add()]
    before = [spool.facts(id) for id in ids]
    result = queue(sub, *words)
    assert (result.status, result.stdout) == (USAGE, "")
    assert "is the beginning of 2 ids" in result.stderr and ids[0] in result.stderr
    assert [spool.facts(id) for id in ids] == before


@pytest.mark.parametrize("sub", ["retry", "hold", "release", "remove"])
@pytest.mark.parametrize("words", [[], ["--failed"], ["--all", "3test1"]])
def test_it_must_be_said_which(queue, spool, sub, words):
    one = spool.add()
    result = queue(sub, *words)
    assert (result.status, result.stdout) == (USAGE, "")
    assert spool.facts(one)[0]["held"] == "0"


# --- accounts that wait

@pytest.fixture
def unreachable(config, spool):
    """An ini file whose server refuses connections."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        yield config(host="localhost", port=nobody.getsockname()[1], extra="[delivery]\n"
                     f"spool = {spool.path}\nqueue = on\nbackground = off\n")


def test_paused_account(run, unreachable, spool):
    """The list tells until when and why; who says retry ends it."""
    def listed(*arguments):
        return run(["queue", "list", "--config", unreachable, *arguments],
                   program="acsmtp").stdout
    sent = run(["-C", unreachable, "-odq", "a@example.org"], input="Subject: x\n\nHello\n")
    assert sent.status == 0, sent.stderr
    assert run(["queue", "run", "--config", unreachable], program="acsmtp").status == 0
    one, = spool.ids()
    line, = [line for line in listed().splitlines() if line.startswith("account test: ")]
    assert re.fullmatch("account test: paused for .*, until .*: .*[Rr]efused.*", line), line
    assert ": waits for its account: " in listed() and "due now" not in listed()
    account, = json.loads(listed("--json"))["accounts"]
    assert account["name"] == "test" and account["failures"] == 1
    assert account["paused_until"] > time.time()
    assert run(["queue", "hold", one, "--config", unreachable], program="acsmtp").status == 0
    assert "account test: paused" in listed()
    run(["queue", "release", one, "--config", unreachable], program="acsmtp")
    assert run(["queue", "retry", one, "--config", unreachable], program="acsmtp").status == 0
    assert "account test: paused" not in listed() and ": due now" in listed()


def test_what_was_queued_is_listed_and_leaves(acs, run, config, spool):
    """The whole way: -odq, the lists, hold, release, which starts a runner."""
    server = acs()
    ini = config(server, extra=f"[delivery]\nspool = {spool.path}\nqueue = on\nbackground = on\n")

    def command(*arguments):
        return run(["queue", *arguments, "--config", ini], program="acsmtp")
    for name in ("one", "two"):
        sent = run(["-C", ini, "-odq", f"{name}@example.org"], input=f"Subject: {name}\n\nHi\n")
        assert sent.status == 0, sent.stderr
    assert run(["-C", ini], program="mailq").stdout.endswith("in 2 Requests.\n")
    assert command("hold", "two@*").status == 0
    assert "Subject: one" in command("show", "one@*", "--message").stdout
    assert command("retry", "one@*").status == 0
    assert wait_for(lambda: len(spool.ids()) == 1)
    assert [message.recipients for message in server.messages] == [["one@example.org"]]
    assert command("release", "--all").status == 0
    assert wait_for(lambda: not spool.ids())
    assert [message.recipients for message in server.messages][1:] == [["two@example.org"]]
    assert run(["-C", ini], program="mailq").stdout == "Mail queue is empty\n"


# --- show

def test_show(well, spool):
    one = spool.add(next=in_minutes(5), attempts=3, why="the network is down", held=0, to=[
        ("a@example.org", "deferred", "450 4.5.127 Excessive message rate"),
        ("b@example.org", "sent", None), ("c@example.org", "reported", "550 no such user"),
        ("d@example.org", "unknown", "the answer was lost")])
    lines = well("show", "3test1")
    assert lines[0] == f"message:     {one}"
    assert "state:       next try in 5 min" in lines
    assert "tries:       3" in lines
    assert "size:        24 bytes" in lines
    assert f"message-id:  <{one}@example.org>" in lines
    assert "sender:      sender@example.org" in lines
    assert "account:     test" in lines
    assert "reason:      the network is down" in lines
    at = lines.index("recipient:   a@example.org: waiting: 450 4.5.127 Excessive message rate")
    assert "quota" in lines[at + 1] and lines[at + 1].startswith(13 * " ")
    assert lines[at + 2:] == [
        "recipient:   b@example.org: sent",
        "recipient:   c@example.org: failed, and the sender was told: 550 no such user",
        "recipient:   d@example.org: perhaps sent: the answer was lost"]


MESSAGE = ("Subject: Grüße\r\nX-Tab:\ta\r\n\r\n.dot\r\nA\x1b[31m\r\n" +
           "long " * 30000 + "\r\n").encode()


def test_show_message(queue, spool):
    spool.add(message=MESSAGE)
    facts = queue("show", "3test1").stdout
    header, body = MESSAGE.decode().replace("\r", "").split("\n\n", 1)
    assert queue("show", "3test1", "--message").stdout == f"{facts}\n{header}\n\n{body}"
    assert queue("show", "3test1", "--header").stdout == f"{facts}\n{header}\n"


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, 3 * 1024 * 1024])
def test_show_message_of_any_size(queue, spool, size):
    spool.add(message=b"A: b\r\n\r\n" + b"x" * size + b"\r\n")
    shown = queue("show", "3test1", "--message").stdout
    assert shown.endswith("\nA: b\n\n" + "x" * size + "\n")


def test_show_a_damaged_message(queue, spool):
    one = spool.add()
    (spool.path / f"{one}.msg").write_bytes(b"other bytes")
    result = queue("show", one, "--message")
    assert result.status == DAMAGED and f"{one}.msg" in result.stderr
    assert spool.ids() == [one], "looking moves nothing"


def test_show_failed(well, spool):
    spool.add(failed=True, to=[("a@example.org", "failed", "550 5.3.5 not allowed")])
    assert "state:       failed" in well("show", "3test1")
    assert "state:       failed" in well("show", "--failed", "a@*")


@pytest.mark.parametrize("arguments, status", [
    (["*"], USAGE), ([], USAGE), (["3test1", "3test2"], USAGE),
    (["3test1", "--json", "--message"], USAGE), (["3test1", "--json", "--header"], USAGE)])
def test_show_wants_one(queue, spool, arguments, status):
    spool.add()
    spool.add()
    result = queue("show", *arguments)
    assert (result.status, result.stdout) == (status, "")


def test_show_for_programs(queue, spool):
    one = spool.add(to=[("a@example.org", "failed", "550 no")])
    told = json.loads(queue("show", one, "--json").stdout)
    assert told["id"] == one
    assert told["recipients"] == [{"address": "a@example.org", "state": "failed",
                                   "reason": "550 no", "reply": 550}]


def test_no_secret_is_shown(queue, spool):
    spool.add()
    for arguments in (["list"], ["list", "--json"], ["show", "3test1", "--message"]):
        result = queue(*arguments)
        assert Options.password not in result.stdout + result.stderr


# --- hold, release

def test_hold_and_release(well, spool):
    one, two = spool.add(to=["a@example.org", "b@example.org"]), spool.add(sender="")
    assert well("hold", "3test1", "<>") == [
        f"{one}: held: sender@example.org -> a@example.org and 1 more",
        f"{two}: held: <> -> rcpt@example.org"]
    assert [spool.facts(id)[0]["held"] for id in (one, two)] == ["1", "1"]
    assert well("release", one) == [
        f"{one}: released: sender@example.org -> a@example.org and 1 more"]
    assert [spool.facts(id)[0]["held"] for id in (one, two)] == ["0", "1"]


@pytest.mark.parametrize("sub, held, said", [
    ("hold", 1, "not held: it is held already"), ("release", 0, "not released: it is not held"),
    ("retry", 1, "not to be tried now: it is held")])
def test_nothing_to_change(queue, spool, sub, held, said):
    one = spool.add(held=held, next=12345)
    before = spool.facts(one)
    result = queue(sub, one)
    assert (result.status, result.stdout) == (0, "")
    assert result.stderr.startswith(f"acsmtp: {one}: {said}")
    assert spool.facts(one) == before


@pytest.mark.parametrize("sub", ["hold", "release"])
def test_what_has_failed_is_not_held(queue, spool, sub):
    one = spool.add(failed=True)
    result = queue(sub, one)
    assert "it has failed" in result.stderr and "queue retry" in result.stderr
    assert spool.facts(one, failed=True)[0]["held"] == "0"


# --- retry

def test_retry(well, spool):
    later = in_minutes(60)
    one, two = spool.add(next=later, attempts=5), spool.add(next=later)
    began = int(time.time())
    assert well("retry", one) == [
        f"{one}: to be tried now: sender@example.org -> rcpt@example.org"]
    facts, _ = spool.facts(one)
    assert began <= int(facts["next"]) <= time.time()
    assert facts["attempts"] == "5"
    assert spool.facts(two)[0]["next"] == str(later)


def test_retry_what_has_failed(well, spool):
    """All of its time begins anew; who has got it does not get it again."""
    one = spool.add(failed=True, arrived=1000, attempts=40, warned=1, why="given up", to=[
        ("a@example.org", "sent", None), ("b@example.org", "reported", "550 no"),
        ("c@example.org", "failed", "451 given up after 5 days")])
    message = (spool.path / f"failed/{one}.msg").read_bytes()
    began = int(time.time())
    well("retry", "--failed", "b@*")
    assert (spool.ids(), spool.ids(failed=True)) == ([one], [])
    assert (spool.path / f"{one}.msg").read_bytes() == message
    facts, recipients = spool.facts(one)
    assert began <= int(facts["arrived"]) <= time.time()
    assert int(facts["next"]) <= time.time()
    assert (facts["attempts"], facts["warned"]) == ("0", "0")
    assert recipients == [("a@example.org", "sent"), ("b@example.org", "waiting"),
                          ("c@example.org", "waiting")]
    assert "given up" not in (spool.path / f"{one}.env").read_text()


def test_retry_all_that_wait_leaves_the_failed(well, spool):
    spool.add()
    failed = spool.add(failed=True)
    well("retry", "--all")
    assert spool.ids(failed=True) == [failed]
    well("retry", "--all", "--failed")
    assert spool.ids(failed=True) == []


# --- remove

def test_remove(well, spool):
    one, two, failed = spool.add(), spool.add(sender="root@host"), spool.add(failed=True)
    assert well("remove", one, failed) == [
        f"{one}: removed: sender@example.org -> rcpt@example.org",
        f"{failed}: removed: sender@example.org -> rcpt@example.org"]
    assert (spool.ids(), spool.ids(failed=True)) == ([two], [])
    assert [file.name for file in spool.path.glob("**/*.msg")] == [f"{two}.msg"]


def test_remove_the_rest(queue, spool):
    """What fits nothing is told, and does not keep the others."""
    one = spool.add()
    result = queue("remove", "nonesuch", one)
    assert result.status == NO_MATCH and 'no message fits "nonesuch"' in result.stderr
    assert result.stdout.startswith(f"{one}: removed")
    assert spool.ids() == []


def test_changes_are_logged(run, config, spool, tmp_path):
    log = tmp_path / "log"
    ini = config(log=log, extra=f"[delivery]\nspool = {spool.path}\nqueue = on\nbackground = off\n")
    one = spool.add()
    for sub in ("hold", "release", "remove"):
        run(["queue", sub, one, "--config", ini], program="acsmtp")
    lines = log.read_text().splitlines()
    assert len(lines) == 3
    for line, done in zip(lines, ["held", "released", "removed"]):
        assert f"{one}: {done} by uid={os.geteuid()}: account=test " \
            "from=<sender@example.org> recipients=1 message-id=<" in line


# --- what is in use

@pytest.mark.parametrize("sub", ["retry", "hold", "release", "remove"])
def test_being_sent(queue, spool, sub):
    """It stays as it is, is named, and the others are changed."""
    held = int(sub == "release")
    one, two = spool.add(held=held), spool.add(held=held)
    before = spool.facts(one)
    with spool.sending(one):
        result = queue(sub, "--all")
    assert result.status == BUSY
    assert re.search(f"acsmtp: {one}: not .*: it is being sent", result.stderr)
    assert result.stdout.startswith(two)
    assert spool.facts(one) == before


def test_in_use_for_a_moment(queue, spool):
    """Whoever lists or sends is waited for."""
    one = spool.add()
    with open(spool.path / f"{one}.msg", "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        timer = threading.Timer(0.3, fcntl.flock, (file, fcntl.LOCK_UN))
        timer.start()
        result = queue("remove", one)
        timer.join()
    assert (result.status, result.stderr, spool.ids()) == (0, "", [])


def test_sent_meanwhile(queue, spool):
    one = spool.add()
    with open(spool.path / f"{one}.msg", "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)

        def send():
            (spool.path / f"{one}.env").unlink()
            (spool.path / f"{one}.msg").unlink()
            fcntl.flock(file, fcntl.LOCK_UN)
        timer = threading.Timer(0.3, send)
        timer.start()
        result = queue("remove", one)
        timer.join()
    assert result.status == NO_MATCH
    assert f"{one}: not removed: it has gone meanwhile" in result.stderr


def test_two_at_once(ini, home, spool):
    """Each message is removed by one of them alone, and none by neither."""
    ids = [spool.add() for _ in range(100)]
    command = [installed("acsmtp"), "queue", "remove", "--all", "--json", "--config", ini]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             env=environment(home, None)) for _ in range(2)]
    removed = [message["id"] for process in both
               for message in json.loads(process.communicate(timeout=60)[0])["messages"]
               if message["result"] == "removed"]
    assert sorted(removed) == sorted(ids)
    assert spool.ids() == [] and list(spool.path.glob("*.msg")) == []


@pytest.mark.parametrize("sub", ["retry", "hold", "release", "remove"])
def test_damaged(queue, spool, sub):
    """What makes no sense is set aside as the runner would do, not destroyed."""
    bad = spool.add()
    entry = spool.path / f"{bad}.env"
    entry.write_bytes(entry.read_bytes()[:-3])
    result = queue(sub, bad)
    assert (result.status, result.stdout) == (DAMAGED, "")
    assert "damaged/" in result.stderr and bad in result.stderr
    assert {file.name for file in (spool.path / "damaged").iterdir()} == {
        f"{bad}.env", f"{bad}.msg"}


@pytest.mark.parametrize("sub", ["hold", "retry", "remove"])
def test_changes_for_programs(queue, spool, sub):
    one, two, three = spool.add(), spool.add(), spool.add(arrived=1)
    (spool.path / f"{three}.env").write_bytes(b"")
    with spool.sending(two):
        result = queue(sub, "--all", "--json")
    told = json.loads(result.stdout)
    done = {"hold": "held", "retry": "retried", "remove": "removed"}[sub]
    assert {message["id"]: message["result"] for message in told["messages"]} == {
        one: done, two: "in use", three: "damaged"}
    assert told["changed"] == 1
    assert result.stderr == ""


@pytest.mark.parametrize("sub", [["move", "--account", "test"], ["release"], ["retry"]])
def test_what_may_come_twice(queue, spool, sub):
    one = spool.add(account="gone", doubt=1, held=int(sub[0] == "release"))
    sure = spool.add(account="gone", held=int(sub[0] == "release"))
    warning = f"acsmtp: {one}: it may have been sent already, as the answer to it was lost: " \
        "whoever has it may get it twice\n"
    result = queue(*sub, one, sure)
    assert (result.status, result.stderr) == (0, warning)
    assert len(result.stdout.splitlines()) == 2
    # Nobody gets it by what holds it back.
    assert queue("hold", one).stderr == ""
    told = json.loads(queue("release", "--json", one).stdout)
    assert [message["in_doubt"] for message in told["messages"]] == [True]


@pytest.mark.as_user    # root writes anywhere
def test_readonly_spool(queue, spool):
    one = spool.add()
    spool.path.chmod(0o500)
    try:
        result = queue("remove", one)
    finally:
        spool.path.chmod(0o700)
    assert result.status == 74
    assert f"{one}: not removed: " in result.stderr and "Permission denied" in result.stderr
    assert spool.ids() == [one]


# --- on a terminal

@pytest.fixture
def terminal(home, ini):
    """terminal(*arguments): what the command shows on one of 100 columns."""
    def show(*arguments, env=None, stdout_too=True):
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))
        attributes = termios.tcgetattr(follower)
        attributes[1] &= ~termios.OPOST
        termios.tcsetattr(follower, termios.TCSANOW, attributes)
        process = subprocess.Popen(
            [installed("acsmtp"), "queue", *arguments, "--config", ini],
            stdout=follower if stdout_too else subprocess.DEVNULL, stderr=follower,
            env=environment(home, {"TERM": "xterm", **(env or {})}))
        os.close(follower)
        shown = b""
        while True:
            try:
                piece = os.read(leader, 65536)
            except OSError:
                break
            if not piece:
                break
            shown += piece
        os.close(leader)
        process.wait(timeout=60)
        return shown.decode()
    return show


def test_colours(terminal, spool):
    spool.add(held=1, arrived=1)
    spool.add(failed=True)
    assert "\x1b[33mheld\x1b[0m" in terminal("list")
    assert "\x1b[31mfailed\x1b[0m" in terminal("list", "--failed")
    for env in ({"NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": None}):
        assert "\x1b" not in terminal("list", env=env)


def test_no_colours_elsewhere(queue, spool):
    spool.add(held=1)
    assert "\x1b" not in queue("list", env={"TERM": "xterm"}).stdout


def test_a_line_a_message(terminal, spool):
    """Reasons are cut where the terminal ends, between characters."""
    spool.add(why="ä" * 300, sender="a@b", to=["c@d"])
    line = COLOUR.sub("", terminal("list").splitlines()[0])
    assert len(line) == 100 and line.endswith("ä")


def test_message_on_a_terminal(terminal, spool):
    """A terminal obeys what it is sent: nothing of a message is a command for it."""
    spool.add(message="A: ü\r\n\r\nx\ty\x1b]0;z\x07\x9bé\u202e\r\n".encode("latin-1", "replace")
              + "é\x00\u202e\r\n".encode() + b"x" * 200000 + b"\r\n")
    shown = terminal("show", "3test1", "--message")
    assert "\tx" not in shown and "x\ty" in shown and "é" in shown
    assert all(c.isprintable() or c in "\n\t" for c in shown)
    assert shown.count("x") >= 200000


def test_progress(terminal, spool):
    """Only where the lines about each message do not show it already."""
    ids = [spool.add() for _ in range(60)]
    shown = terminal("hold", "--all", stdout_too=False)
    assert "\rheld 1 of 60" in shown and shown.endswith("\r\x1b[K")
    shown = terminal("release", "--all")
    assert "\r" not in shown and len(shown.splitlines()) == len(ids)


# --- many

def test_many(queue, spool):
    ids = [spool.add(to=[f"r{i}@example.org"], message=b"A: b\r\n\r\n") for i in range(3000)]
    result = queue("remove", "r2999@*")
    assert result.stdout.split(":")[0] == ids[2999]
    assert spool.ids() == sorted(ids[:2999])
    assert queue("list").stdout.splitlines()[-1].startswith("2999 messages, ")
