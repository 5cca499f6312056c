# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that is full indeed: the spool on a small file system of its own."""

import contextlib
import os
import pathlib
import subprocess
import time

import pytest

from box import arrived, assert_whole, box, message_of    # noqa: F401
from emulator.faults import Fault

SIZE = 512 * 1024
BUSY = (Fault("mail", reply="451 4.3.2 Busy"),)
BUSY_LATER = Fault("later@example.org", reply="450 4.2.1 Busy")
MIXED = (Fault("refused@example.org", reply="550 5.1.1 Unknown"),
         BUSY_LATER)
BIG = ("x" * 70 + "\n") * 5000
# Who can be told of a failure.
FROM = ("-odq", "-f", "DoNotReply@contoso.com")
FULL = "No space left on device"


@contextlib.contextmanager
def small_disk(path, files=0):
    """On `path`, for those who enter its namespace; with room for so many files and
    directories, 0: any number. Yields the command that does so, and where the rest of the world
    sees it."""
    is_root = os.geteuid() == 0
    holder = subprocess.Popen(
        ["unshare", *([] if is_root else ["--user", "--map-root-user"]), "--mount", "sh",
         "-c", 'mount -t tmpfs -o "size=$2,nr_inodes=$3,mode=700" tmpfs "$1" && echo ready && '
         "read -r _", "sh", path, str(SIZE), str(files)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        if holder.stdout.readline() != "ready\n":
            pytest.fail(f"no file system can be mounted: {holder.stderr.read()}")
        enter = ["nsenter", f"--target={holder.pid}", "--mount",
                 *([] if is_root else ["--user", "--preserve-credentials"]), "--"]
        yield enter, pathlib.Path(f"/proc/{holder.pid}/root{path}")
    finally:
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()
        holder.stderr.close()


@contextlib.contextmanager
def on_small_disk(box, files=0):    # noqa: F811
    with small_disk(box.path, files) as (enter, seen):
        box.wrap = enter
        box.configure()
        box.mounted, box.path = box.path, seen
        yield box
        box.close()


@pytest.fixture
def small(box):    # noqa: F811
    """The box, with its spool on the small disk; small.wrap runs commands there."""
    with on_small_disk(box):
        yield box


@pytest.fixture
def few_files(box):    # noqa: F811
    """The same, and it has room for few files."""
    with on_small_disk(box, files=60):
        yield box


def configure(box, server, **delivery):    # noqa: F811
    seen, box.path = box.path, box.mounted
    box.configure(server, **{"reports_per_hour": 0, **delivery})
    box.path = seen


def fill(box, left=0, name="filler"):    # noqa: F811
    """All of it but so many bytes."""
    with open(box.path / name, "wb", buffering=0) as file:
        disk = os.statvfs(box.path)
        file.write(b"x" * (disk.f_bavail * disk.f_frsize - left))
    disk = os.statvfs(box.path)
    assert disk.f_bavail * disk.f_frsize == left


def send_big(box, token, *options):    # noqa: F811
    return box.call("sendmail", "-C", box.ini, *options, "-i", "-t", wrap=box.wrap,
                    input=message_of(token) + BIG)


def test_more_than_is_left(acs, small):
    server = acs()
    configure(small, server)
    fill(small, left=64 * 1024)
    result = send_big(small, "big", "-odq")
    assert (result.status, result.stderr) == (0, "")
    assert len(arrived(server)["big"]) == 1
    assert FULL in small.log and "sent directly" in small.log
    assert small.files() == []


def test_more_than_is_left_and_no_server(acs, small):
    """The caller keeps the one, and the other fits."""
    busy, well = acs(faults=BUSY), acs()
    configure(small, busy)
    fill(small, left=64 * 1024)
    result = send_big(small, "big")
    assert result.status == 75
    assert FULL in result.stderr and "451 4.3.2 Busy" in result.stderr
    assert small.files() == []
    assert small.take_in("small", wrap=small.wrap).status == 0
    assert small.tokens() == ["small"]
    configure(small, well)
    assert small.flush(wrap=small.wrap).status == 0
    assert {token: len(copies) for token, copies in arrived(well).items()} == {"small": 1}


def ring(box):    # noqa: F811
    """A round of the resident, whatever it waits for; it meets the disk and says so."""
    before = box.log.count(FULL)
    with open(box.path / "bell", "wb", buffering=0) as bell:
        bell.write(b"x")
    box.wait_until(lambda: box.log.count(FULL) > before, "another round")


@contextlib.contextmanager
def runner_of(box, *command):    # noqa: F811
    """One that stays."""
    command = command or ("acsmtp", "queue", "run", "--background", "--config", box.ini)
    process = subprocess.Popen([*box.wrap, *box.command(*command)], env=box.environment(),
                               cwd=box.home)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("second", ["refused", "later"])
def test_delivering(acs, small, second):
    """What has gone is not sent again, neither by who sent it nor by others."""
    server = acs(faults=MIXED)
    configure(small, server)
    to = f"a@example.org, {second}@example.org"
    assert small.take_in("some", to=to, wrap=small.wrap).status == 0
    assert small.take_in("all", wrap=small.wrap).status == 0
    fill(small)
    with runner_of(small):
        # What leaves as a whole does, and its room is taken by somebody else.
        small.wait_until(lambda: small.tokens() == ["some"], "the messages")
        fill(small, name="more")
        for _ in range(4):
            ring(small)
        # Another process knows nothing of it, but that somebody was at it.
        assert small.flush(wrap=small.wrap).status == 74
        assert len(arrived(server)["some"]) == 1
        assert len(arrived(server)["all"]) == 1
        assert "some" in small.tokens()
        (small.path / "filler").unlink()
        (small.path / "more").unlink()
        with open(small.path / "bell", "wb", buffering=0) as bell:
            bell.write(b"x")
        where = {"failed": True} if second == "refused" else {}
        small.wait_until(lambda: small.tokens() == ([] if where else ["some"]), "all sent")
        small.wait_until(lambda: small.tokens(**where) == ["some"], "some sent")
        id, = small.ids(**where)
        small.wait_until(lambda: dict(small.facts(id, **where)[1]) == {
            "a@example.org": "sent",
            f"{second}@example.org": "untold" if where else "deferred"}, "the verdicts")
    came = arrived(server)
    assert {token: len(copies) for token, copies in came.items()} == {"some": 1, "all": 1}
    assert_whole(came["some"][0], "some")


def test_taking_in_while_full_loses_nothing(acs, small):
    """Twenty messages: each is taken, sent, or the caller's."""
    busy, well = acs(faults=BUSY), acs()
    configure(small, busy)
    fill(small, left=48 * 1024)
    statuses = {f"n{n}": small.take_in(f"n{n}", "-odi", wrap=small.wrap).status
                for n in range(20)}
    assert set(statuses.values()) == {0, 75}
    assert small.tokens() == sorted(token for token, status in statuses.items()
                                    if status == 0)
    configure(small, well)
    assert small.flush(wrap=small.wrap).status == 0
    assert small.ids() == []
    assert {token: len(copies) for token, copies in arrived(well).items()} == \
        {token: 1 for token, status in statuses.items() if status == 0}


def test_refused_while_full(acs, small):
    """It can neither be kept in failed/ nor be reported: both come later, and the server is
    asked once."""
    server = acs(faults=MIXED)
    configure(small, server, reports_per_hour=20)
    assert small.take_in("some", *FROM, to="refused@example.org", wrap=small.wrap).status == 0
    fill(small)
    assert small.run(wrap=small.wrap).status == 74
    assert small.tokens() == ["some"] and FULL in small.log
    (small.path / "filler").unlink()
    for _ in range(2):    # the report is mail too
        assert small.flush(wrap=small.wrap).status == 0
    assert small.tokens() == [] and small.tokens(failed=True) == ["some"]
    reports = [one for one in server.messages if b"multipart/report" in one.data]
    assert len(reports) == 1


def test_read_only(acs, small):
    """Where nothing can be written nothing is sent: it would be sent for ever."""
    server = acs()
    configure(small, server)
    assert small.take_in("some", wrap=small.wrap).status == 0
    assert small.take_in("other", wrap=small.wrap).status == 0
    for name in ("lock", "resident"):
        (small.path / name).touch()
    remount = [*small.wrap, "mount", "-o"]
    subprocess.run([*remount, "remount,bind,ro", small.mounted], check=True)
    for _ in range(3):
        result = small.run(wrap=small.wrap)
        assert result.status in (73, 74)
        assert "Read-only file system" in result.stderr + small.log
    assert arrived(server) == {}
    subprocess.run([*remount, "remount,bind,rw", small.mounted], check=True)
    assert small.run(wrap=small.wrap).status == 0
    assert {token: len(copies) for token, copies in arrived(server).items()} == \
        {"some": 1, "other": 1}


# --- no room for a file

def fill_files(box):    # noqa: F811
    """All that there may be. How many there are."""
    for number in range(1000):
        try:
            (box.path / f"filler-{number}").touch()
        except OSError:
            return number
    raise AssertionError("no end")


def free_files(box):    # noqa: F811
    for file in box.path.glob("filler-*"):
        file.unlink()


def times(server, address):    # noqa: F811
    return sum(address in message.recipients for message in server.messages
               if message.accepted)


@pytest.mark.parametrize("policy", ["resend", "hold"])
def test_what_cannot_be_written_is_not_sent_again(acs, few_files, policy):
    """One would get it and one would not; then everybody does, and once."""
    server = acs(faults=(Fault("later@example.org", reply="450 4.2.1 Busy", times=7),))
    box = few_files    # noqa: F811
    configure(box, server, on_lost_reply=policy)
    assert box.run(wrap=box.wrap).status == 0
    assert box.take_in("some", to="now@example.org, later@example.org",
                       wrap=box.wrap).status == 0
    fill_files(box)
    for _ in range(5):
        result = box.flush(wrap=box.wrap)
        assert result.status == 74 and "cannot be written" in result.stderr
        assert times(server, "now@example.org") <= 1
    assert FULL in box.log
    free_files(box)
    for _ in range(4):
        assert box.flush(wrap=box.wrap).status == 0
    assert times(server, "now@example.org") == times(server, "later@example.org") == 1
    assert box.files() == []


def test_who_alone_knows_who_has_it_goes_on_with_it(acs, few_files):
    """Mail of another account brings no process that would begin anew."""
    server = acs(faults=(BUSY_LATER,))
    box = few_files    # noqa: F811
    configure(box, server)
    ini = pathlib.Path(box.ini)
    account, tail = ini.read_text().split("[delivery]")
    other = account.replace("[account test]", "[account other]")
    ini.write_text(f"{account}{other}[delivery]{tail}")
    assert box.take_in("some", "-a", "test", "-odq", to="now@example.org, later@example.org",
                       wrap=box.wrap).status == 0
    (box.path / "lock").touch()
    os.mkfifo(box.path / "bell", 0o600)
    fill_files(box)
    with runner_of(box, "sendmail", "-C", box.ini, "-qf1h"):
        box.wait_until(lambda: times(server, "now@example.org") and FULL in box.log, "a round")
        free_files(box)
        assert box.take_in("other", "-a", "other", "-odq", wrap=box.wrap).status == 0
        with open(box.path / "bell", "wb", buffering=0) as bell:
            bell.write(b"x")
        box.wait_until(lambda: box.tokens() == ["some"], "the next round")
    assert times(server, "now@example.org") == 1
    id, = box.ids()
    assert dict(box.facts(id)[1]) == {"now@example.org": "sent",
                                      "later@example.org": "deferred"}


def test_what_is_owed_to_a_full_disk_is_not_tried_on_and_on(acs, few_files):
    server = acs(faults=(BUSY_LATER,))
    box = few_files    # noqa: F811
    configure(box, server)
    assert box.take_in("some", "-odq", to="now@example.org, later@example.org",
                       wrap=box.wrap).status == 0
    for name in ("lock", "resident"):
        (box.path / name).touch()
    os.mkfifo(box.path / "bell", 0o600)
    fill_files(box)
    with runner_of(box):
        box.wait_until(lambda: times(server, "now@example.org") and box.log.count(FULL) == 2,
                       "a round")
        with open(box.path / "bell", "wb", buffering=0) as bell:
            bell.write(b"x")
        box.wait_until(lambda: box.log.count(FULL) == 3, "another look")
        time.sleep(2)
    assert box.log.count(FULL) == 3


@pytest.mark.parametrize("to", ["a@example.org", "a@example.org, b@example.org"])
@pytest.mark.parametrize("without", [(), "CHUNKING", ("CHUNKING", "PIPELINING")])
def test_what_leaves_as_a_whole_does(acs, few_files, without, to):
    server = acs(without=without)
    box = few_files    # noqa: F811
    configure(box, server)
    for number in range(3):
        assert box.take_in(f"n{number}", to=to, wrap=box.wrap).status == 0
    assert not (box.path / "lock").exists()
    fill_files(box)
    box.flush(wrap=box.wrap)
    assert box.files() == []
    assert {token: len(copies) for token, copies in arrived(server).items()} == \
        {f"n{number}": 1 for number in range(3)}


def test_a_mark_without_a_file(acs, few_files):
    """Killed before the answer: it is in doubt although no file could be made to say so."""
    server = acs(faults=(Fault("body", action="silence", times=1),))
    box = few_files    # noqa: F811
    configure(box, server, on_lost_reply="hold")
    assert box.take_in("one", wrap=box.wrap).status == 0
    fill_files(box)
    process = subprocess.Popen(
        [*box.wrap, *box.command("acsmtp", "queue", "run", "--flush", "--config", box.ini)],
        env=box.environment(), cwd=box.home, stdout=subprocess.DEVNULL)
    box.wait_until(lambda: server.sessions and server.sessions[0].messages, "the message")
    process.kill()
    process.wait()
    assert box.flush(wrap=box.wrap).status == 74
    free_files(box)
    assert box.flush(wrap=box.wrap).status == 0
    id, = box.ids()
    assert box.facts(id)[0]["held"] == box.facts(id)[0]["doubt"] == "1"


# --- full of mail

@pytest.mark.parametrize("to", ["a@example.org", "a@example.org, b@example.org"])
def test_a_spool_full_of_mail_drains(acs, small, to):
    """The oldest was interrupted, which cannot be noted: it waits, and the rest goes on."""
    busy, well = acs(faults=BUSY), acs()
    configure(small, busy)
    for number in range(20):
        assert small.take_in(f"n{number:02}", to=to, wrap=small.wrap).status == 0
    oldest = next(id for id in small.ids() if "n00" in small.facts(id)[0]["message-id"])
    for name in ("lock", "resident"):
        (small.path / name).touch()
    (small.path / f"{oldest}.try").touch(0o600)
    fill(small)
    configure(small, well)
    assert small.run(wrap=small.wrap).status == 74
    assert small.tokens() == ["n00"]
    assert small.flush(wrap=small.wrap).status == 0
    assert small.files() == []
    assert {len(copies) for copies in arrived(well).values()} == {1}
    assert len(arrived(well)) == 20 and small.doubted("n00")


def test_figures(acs, box, tmp_path):    # noqa: F811
    """Those of before stay, whole, and mail does not care."""
    server, place = acs(), tmp_path / "figures"
    place.mkdir()
    with small_disk(place) as (wrap, seen):
        box.configure(server, metrics_file=place / "acsmtp.prom")
        assert box.take_in("one", wrap=wrap).status == 0
        assert box.run(wrap=wrap).status == 0
        before = (seen / "acsmtp.prom").read_text()
        with open(seen / "filler", "wb", buffering=0) as file:
            file.write(b"x" * SIZE)
        assert box.take_in("two", wrap=wrap).status == 0
        assert box.run(wrap=wrap).status == 0
        assert sorted(os.listdir(seen)) == ["acsmtp.prom", "filler"]
        assert (seen / "acsmtp.prom").read_text() == before
    assert f"metrics_file {place}/acsmtp.prom: {FULL}" in box.log
    assert set(arrived(server)) == {"one", "two"}
