# SPDX-License-Identifier: GPL-3.0-or-later
"""mailq, sendmail -bp and -bP: what monitors and people read of the queue."""

import os
import re
import subprocess
import time

import pytest

from helpers.program import environment, installed
from helpers.spool import Spool

HEADING = "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------"
LISTS = [("mailq", []), ("sendmail", ["-bp"]), ("acsmtp", ["-bp"])]


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool")


@pytest.fixture
def ini(config, spool):
    return config(extra=f"[delivery]\nspool = {spool.path}\nqueue = on\nbackground = off\n")


@pytest.fixture
def mailq(run, ini):
    """mailq(*arguments) -> the lines on standard output; all must be well."""
    def listed(*arguments, program="mailq"):
        result = run(["-C", ini, *arguments], program=program)
        assert (result.status, result.stderr) == (0, "")
        return result.stdout.splitlines()
    return listed


@pytest.mark.parametrize("program, arguments", LISTS)
def test_layout(mailq, spool, program, arguments):
    """Byte for byte as Postfix has it, but for ids of 16 characters."""
    one = spool.add(arrived=1795618800, next=time.time_ns() // 10**9 + 900, to=[
        ("done@example.org", "sent", None), ("bad@example.org", "failed", "550 no such user"),
        ("late@example.org", "deferred", "451 try again"), "first@example.org",
        ("later@example.org", "deferred", "451 try again")])
    two = spool.add(arrived=1796000405, sender="", held=1, why="x" * 90)
    assert mailq(*arguments, program=program) == [
        HEADING,
        f"{one}       24 Wed Nov 25 15:00:00  sender@example.org",
        f"{'':47}first@example.org",
        f"{'':63}(451 try again)",
        f"{'':47}late@example.org",
        f"{'':47}later@example.org",
        "",
        f"{two}!      24 Mon Nov 30 01:00:05  MAILER-DAEMON",
        "(" + "x" * 90 + ")",
        f"{'':47}rcpt@example.org",
        "",
        "-- 0 Kbytes in 2 Requests."]


def test_one_request(mailq, spool):
    spool.add(message=b"Subject: test\r\n\r\n" + b"x" * 3000 + b"\r\n")
    assert mailq()[-1] == "-- 2 Kbytes in 1 Request."


def test_being_sent(mailq, spool):
    one, other = spool.add(arrived=1), spool.add(arrived=2, held=1)
    with spool.sending(one), spool.sending(other):
        lines = [line for line in mailq() if line.startswith("3test")]
    assert [line.split()[0] for line in lines] == [one + "*", other + "*"]


def test_oldest_first(mailq, spool):
    ids = [spool.add(arrived=when) for when in (3000, 1000, 2000, 1000)]
    lines = [line.split()[0] for line in mailq() if line.startswith("3test")]
    assert lines == [ids[1], ids[3], ids[2], ids[0]]


@pytest.mark.parametrize("program, arguments", LISTS)
def test_empty(mailq, spool, program, arguments):
    spool.add(failed=True)
    assert mailq(*arguments, program=program) == ["Mail queue is empty"]


def test_count(mailq, spool):
    assert mailq("-bP", program="sendmail") == [
        f"{spool.path} is empty", "\t\tTotal requests: 0"]
    for _ in range(3):
        spool.add()
    assert mailq("-bP", program="sendmail") == [
        f"{spool.path}: entries=3", "\t\tTotal requests: 3"]


@pytest.mark.parametrize("arguments", [
    [], ["-v"], ["-Ac"], ["-qRcp"], ["-q"], ["-qSsender"], ["-oi", "-OTimeout.queuereturn=4d"],
    ["-bp"], ["-q!Rnobody"]])
def test_arguments_of_others(mailq, spool, arguments):
    """As sendmail's mailq takes them; and nothing is sent."""
    one = spool.add()
    assert mailq(*arguments)[1].split()[0] == one


@pytest.mark.parametrize("arguments, chosen", [
    (["-qRb@"], [1]), (["-q!Rb@"], [0, 2]), (["-qSroot"], [2]), (["-qI3test1"], [0]),
    (["-qRexample", "-q!Sroot"], [0, 1]), (["-qQ"], [1]), (["-qRnobody"], [])])
def test_selected(mailq, spool, arguments, chosen):
    ids = [spool.add(to=["a@example.org"]), spool.add(to=["b@example.org"], held=1),
           spool.add(sender="root@example.org")]
    found = [line[:16] for line in mailq(*arguments) if line.startswith("3test")]
    assert found == [ids[i] for i in chosen]


@pytest.mark.parametrize("arguments", [["-qRnobody"], ["-qQ"]])
def test_empty_is_what_is_empty(mailq, spool, arguments):
    """Not a queue of which nothing was asked for."""
    spool.add()
    assert mailq(*arguments) == ["-- 0 Kbytes in 0 Requests."]


def test_takes_no_recipients(run, ini):
    result = run(["-C", ini, "somebody@example.org"], program="mailq")
    assert result.status == 64
    assert result.stderr == "mailq: the list of the queue takes no recipients\n"


# --- where it is

@pytest.mark.parametrize("arguments", [[], ["-bP"]])
def test_looking_makes_nothing(run, config, tmp_path, arguments):
    place = tmp_path / "state/acsmtp/spool"
    ini = config(extra=f"[delivery]\nspool = {place}\n")
    result = run(["-C", ini, *arguments], program="mailq")
    assert (result.status, result.stderr) == (0, "")
    assert "is empty" in result.stdout
    assert not (tmp_path / "state").exists()


def test_looking_makes_nothing_in_a_spool(mailq, spool):
    mailq()
    spool.add()
    mailq()
    assert {file.suffix for file in spool.path.iterdir()} == {".msg", ".env"}


own_spool = pytest.mark.as_user    # root's spool is the system's


@own_spool
@pytest.mark.parametrize("content", [None, "", "[delivery]\nqueue = on\n"])
def test_without_an_account(run, home, content):
    """Mail that waits is shown, whatever became of the configuration."""
    one = Spool(home / ".local/state/acsmtp/spool").add()
    if content is not None:
        (home / ".config").mkdir()
        (home / ".config/acsmtp.ini").write_text(content, encoding="utf-8")
    result = run([], program="mailq")
    assert (result.status, result.stderr) == (
        0, "mailq: nobody works on what waits; `sendmail -q` sends it\n")
    assert result.stdout.splitlines()[1].split()[0] == one


@own_spool
def test_with_a_configuration_that_makes_no_sense(run, home):
    """Where the queue is stands in it: what another place holds is no answer."""
    Spool(home / ".local/state/acsmtp/spool").add()
    (home / ".config").mkdir()
    (home / ".config/acsmtp.ini").write_text("[acount x]\n", encoding="utf-8")
    result = run([], program="mailq")
    assert (result.status, result.stdout) == (78, "")
    assert result.stderr.startswith("mailq: which queue is meant is not known: ")
    assert "acsmtp.ini" in result.stderr


COMMANDS = [
    ("mailq", []), ("sendmail", ["-bp"]), ("sendmail", ["-bP"]), ("sendmail", ["-q"]),
    ("sendmail", ["-Q", "-q"]), *(("acsmtp", ["queue", *words]) for words in (
        ["list"], ["list", "--json"], ["list", "--failed"], ["show", "3test1"], ["run"],
        ["run", "--background"], ["retry", "--all"], ["hold", "--all"], ["release", "--all"],
        ["remove", "--all"]))]


@pytest.mark.parametrize("program, arguments", COMMANDS)
@pytest.mark.parametrize("fault", ["bad line", "gone", "readable by all"])
def test_never_empty_by_a_guess(run, ini, spool, program, arguments, fault):
    """A configuration with a spool of its own that cannot be read: no other one is shown."""
    one = spool.add()
    with open(ini, "a", encoding="utf-8") as file:
        file.write("nonsense\n" if fault == "bad line" else "")
    if fault == "gone":
        os.unlink(ini)
    elif fault == "readable by all":
        os.chmod(ini, 0o644)
    result = run([*arguments, "-C", ini], program=program)
    assert (result.status, result.stdout) == (78, "")
    assert ini in result.stderr
    assert spool.ids() == [one]


@own_spool
@pytest.mark.parametrize("program, arguments", COMMANDS)
def test_never_empty_by_a_guess_of_the_usual_files(run, home, spool, program, arguments):
    spool.add()
    (home / ".config").mkdir()
    (home / ".config/acsmtp.ini").write_text(f"[delivery]\nspool = {spool.path}\nnonsense\n",
                                             encoding="utf-8")
    result = run(arguments, program=program)
    assert (result.status, result.stdout) == (78, "")
    assert "acsmtp.ini" in result.stderr


@own_spool
def test_state_home(run, tmp_path):
    one = Spool(tmp_path / "elsewhere/acsmtp/spool").add()
    result = run([], program="mailq", env={"XDG_STATE_HOME": tmp_path / "elsewhere"})
    assert result.stdout.splitlines()[1].split()[0] == one


@pytest.mark.parametrize("fault", [
    "link", "readable", "file", pytest.param("foreign", marks=pytest.mark.as_root)])
@pytest.mark.parametrize("program, arguments", [
    ("mailq", []), ("acsmtp", ["queue", "list"]), ("acsmtp", ["queue", "remove", "--all"])])
def test_refused_directory(run, ini, spool, tmp_path, fault, program, arguments):
    """A spool that is not this user's alone is neither shown nor changed."""
    one = spool.add()
    if fault == "link":
        spool.path.rename(tmp_path / "real")
        spool.path.symlink_to(tmp_path / "real")
    elif fault == "readable":
        spool.path.chmod(0o755)
    elif fault == "file":
        spool.path.rename(tmp_path / "real")
        spool.path.write_text("")
    else:
        os.chown(spool.path, 65534, 65534)
    option = "--config" if program == "acsmtp" else "-C"
    result = run([*arguments, option, ini], program=program)
    assert (result.status, result.stdout) == (73, "")
    assert str(spool.path) in result.stderr
    assert fault == "file" or list(tmp_path.glob(f"*/{one}.env"))


# --- what cannot be read

def break_entry(file, how):
    data = file.read_bytes()
    if how == "version":
        file.write_bytes(data.replace(b"acsmtp-spool 1", b"acsmtp-spool 9"))
    elif how == "link":
        file.rename(file.with_suffix(".real"))
        file.symlink_to(file.with_suffix(".real"))
    else:
        file.write_bytes({"empty": b"", "cut": data[:-30], "zeros": b"\0" * len(data),
                          "changed": data.replace(b"rcpt", b"crpt"),
                          "garbage": os.urandom(300)}[how])


@pytest.mark.parametrize("how", [
    "empty", "cut", "zeros", "changed", "garbage", "version", "link"])
def test_damaged_entry(run, ini, spool, how):
    """It is named and counted, stays where it is, and the others are listed."""
    bad, good = spool.add(arrived=1), spool.add(arrived=2)
    break_entry(spool.path / f"{bad}.env", how)
    result = run(["-C", ini], program="mailq")
    assert result.status == 0
    assert result.stderr.startswith(f"mailq: {bad}.env: ")
    lines = result.stdout.splitlines()
    assert [line.split()[0] for line in lines if line.startswith("3test")] == [bad + "?", good]
    assert f"{bad}.env: " in result.stdout and lines[-1] == "-- 0 Kbytes in 2 Requests."
    assert spool.ids() == [bad, good]


def test_message_file_is_missing(run, ini, spool):
    bad = spool.add()
    (spool.path / f"{bad}.msg").unlink()
    result = run(["-C", ini], program="mailq")
    assert (result.status, result.stdout.splitlines()[-1]) == (0, "-- 0 Kbytes in 1 Request.")
    assert bad in result.stderr and f"({bad}.msg: No such file or directory)" in result.stdout


def test_nothing_reaches_a_terminal_raw(mailq, spool):
    spool.add(sender="a\x1b[2J\u202e@example.org", to=["b\x07@example.org"],
              why="\x1b]0;title\x07")
    for line in mailq():
        assert line.isprintable(), line


def test_standard_output_is_full(ini, home, spool):
    spool.add()
    with open("/dev/full", "wb") as full:
        done = subprocess.run([installed("mailq"), "-C", ini], stdout=full,
                              stderr=subprocess.PIPE, env=environment(home, None),
                              check=False, timeout=60)
    assert done.returncode == 74
    assert re.search(rb"^mailq: standard output: No space left", done.stderr)


# --- many

def test_many(mailq, spool):
    """Ten thousand: all are there, in order, and an id costs no more than its row."""
    ids = [spool.add(arrived=1000 + i, message=b"A: b\r\n\r\n") for i in range(10000)]
    lines = mailq()
    assert [line[:16] for line in lines if line.startswith("3test")] == ids
    assert lines[-1] == "-- 78 Kbytes in 10000 Requests."


def test_memory_of_many(ini, home, spool):
    """The peak with 3000 messages of 20 recipients is near the one with a single one."""
    def peak():
        program = ["python3", "-c", "import resource, subprocess, sys\n"
                   "subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)\n"
                   "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)",
                   installed("mailq"), "-C", ini]
        return int(subprocess.run(program, capture_output=True, check=True, timeout=60,
                                  env=environment(home, None)).stdout)
    spool.add()
    one = peak()
    recipients = [f"recipient-number-{i}@example.org" for i in range(20)]
    for _ in range(3000):
        spool.add(to=recipients, message=b"A: b\r\n\r\n")
    assert peak() < one + 1024, "KiB"


def test_messages_come_and_go(ini, home, spool):
    """What is removed while it is listed is no fault."""
    kept = [spool.add() for _ in range(300)]
    gone = [spool.add() for _ in range(300)]
    process = subprocess.Popen([installed("mailq"), "-C", ini], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, env=environment(home, None))
    for id in gone:
        (spool.path / f"{id}.env").unlink()
        (spool.path / f"{id}.msg").unlink()
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    listed = set(re.findall(r"^(3test\w+)", out.decode(), re.M))
    assert listed >= set(kept)


def test_a_reason_is_said_once(run, ini, spool):
    """That of the message has the account in front of that of its recipient."""
    spool.add(why="account test: mail.example.org: connection refused",
              to=[("a@example.org", "deferred", "mail.example.org: connection refused")])
    assert run(["-C", ini], program="mailq").stdout.count("connection refused") == 1
    spool.add(why="there is no account \"test\"",
              to=[("b@example.org", "deferred", "451 try again")])
    listed = run(["-C", ini], program="mailq").stdout
    assert "(there is no account \"test\")" in listed and "(451 try again)" in listed
