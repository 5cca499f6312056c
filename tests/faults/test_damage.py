# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not belong into a spool, or has become of it: set aside with a line in the log,
and the rest goes on; never a hang, never a message less without a word."""

import os
import shutil
import socket

import pytest

from box import arrived, box    # noqa: F401
from emulator.faults import Fault
from helpers.ports import bind_to_path
from helpers.waiting import wait_until

BUSY = (Fault("mail", reply="451 4.3.2 Busy"),)


def cut(path):
    path.write_bytes(path.read_bytes()[:40])


def empty(path):
    path.write_bytes(b"")


def change(path):
    data = bytearray(path.read_bytes())
    data[30] ^= 1
    path.write_bytes(data)


def lengthen(path):
    path.write_bytes(path.read_bytes() + b"x")


def another_version(path):
    path.write_bytes(path.read_bytes().replace(b"acsmtp-spool 1", b"acsmtp-spool 2"))


def nothing(path):
    path.unlink()


def fifo(path):
    path.unlink(missing_ok=True)
    os.mkfifo(path, 0o600)


def link(path):
    target = path.parent.parent / "target"
    shutil.copy(path, target) if path.exists() else target.touch()
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def dead_link(path):
    path.unlink(missing_ok=True)
    path.symlink_to("nowhere")


def directory(path):
    path.unlink(missing_ok=True)
    path.mkdir()


def full_directory(path):
    directory(path)
    (path / "file").touch()


def unix_socket(path):
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as one:
        bind_to_path(one, path)


def unreadable(path):
    path.chmod(0)


SPOILINGS = [
    (".msg", cut, "bytes instead of"), (".msg", empty, "has 0 bytes instead of"),
    (".msg", change, "checksum is wrong"), (".msg", lengthen, "bytes instead of"),
    (".msg", nothing, "No such file"), (".env", cut, "cut short"),
    (".env", empty, "cut short"), (".env", change, "checksum is wrong"),
    (".env", lengthen, "checksum is wrong"), (".env", another_version, "checksum is wrong"),
] + [(suffix, spoil, "not a regular file of this user") for suffix in (".msg", ".env")
     for spoil in (fifo, link, dead_link, directory, full_directory, unix_socket)]


@pytest.mark.parametrize("suffix, spoil, words", SPOILINGS)
def test_a_message_is_set_aside_and_the_rest_goes_on(acs, box, suffix, spoil,    # noqa: F811
                                                     words):
    server = acs()
    box.configure(server)
    for token in ("before", "spoilt", "behind"):
        assert box.take_in(token).status == 0
    id, = (id for id in box.ids() if box.facts(id)[0]["message-id"] == "<spoilt@test>")
    spoil(box.path / f"{id}{suffix}")
    assert box.flush().status == 0
    assert {token: len(copies) for token, copies in arrived(server).items()} == \
        {"before": 1, "behind": 1}
    assert not [name for name in os.listdir(box.path) if name.startswith(id)]
    assert os.path.lexists(box.path / "damaged" / f"{id}.env")
    line, = (line for line in box.log.splitlines() if "set aside" in line)
    assert f"{id}: set aside in {box.path}/damaged: " in line and words in line
    assert box.flush().status == 0
    assert box.log.count("set aside") == 1


def test_unreadable_files(acs, box):    # noqa: F811
    """Root reads them all the same."""
    server = acs()
    box.configure(server)
    for token in ("before", "spoilt", "behind"):
        assert box.take_in(token).status == 0
    id, = (id for id in box.ids() if box.facts(id)[0]["message-id"] == "<spoilt@test>")
    unreadable(box.path / f"{id}.env")
    assert box.flush().status == 0
    came = {token: len(copies) for token, copies in arrived(server).items()}
    if os.geteuid() == 0:
        assert came == {"before": 1, "spoilt": 1, "behind": 1}
    else:
        assert came == {"before": 1, "behind": 1}
        assert f"{id}: set aside in" in box.log


@pytest.mark.parametrize("spoil", [empty, fifo, link, dead_link, directory, unix_socket])
def test_something_else_for_the_bell(acs, box, spoil):    # noqa: F811
    """The mail goes all the same; the runner looks now and then."""
    server = acs()
    box.configure(server, background="on")
    spoil(box.path / "bell")
    target = box.path.parent / "target"
    assert box.take_in("one", "-odb").status == 0
    box.wait_until(lambda: not box.ids(), "an empty queue")
    box.wait_until(lambda: not box.processes(), "the end of the runner")
    assert len(arrived(server)["one"]) == 1
    assert not os.path.lexists(box.path / "nowhere")
    assert not target.exists() or target.read_bytes() == b""


@pytest.mark.parametrize("name", ["lock", "resident"])
@pytest.mark.parametrize("spoil, is_usable", [
    (empty, True), (fifo, True), (link, False), (dead_link, False), (directory, False),
    (unix_socket, False)])
def test_something_else_for_a_lock(acs, box, name, spoil, is_usable):    # noqa: F811
    """What can be locked will do. With anything else the queue is not run, which is said;
    mail is taken in and waits."""
    server = acs()
    box.configure(server, background="on")
    spoil(box.path / name)
    result = box.take_in("one", "-odb")
    assert (result.status, result.stderr) == (0, "")
    if is_usable:
        box.wait_until(lambda: not box.ids(), "an empty queue")
    elif name == "resident":
        assert f"{box.path}: create resident" in box.log
    box.wait_until(lambda: not box.processes(), "the end of the runner")
    result = box.run()
    if not is_usable and name == "lock":
        assert result.status == 73 and "create lock" in result.stderr
        os.rmdir(box.path / name) if spoil is directory else (box.path / name).unlink()
        result = box.run()
    assert result.status == 0, result.stderr
    assert len(arrived(server)["one"]) == 1
    assert box.ids() == []


@pytest.mark.parametrize("name", ["failed", "damaged", "accounts"])
@pytest.mark.parametrize("spoil", [empty, fifo, dead_link, link])
def test_something_else_for_a_directory(acs, box, name, spoil):    # noqa: F811
    """What should go there stays where it is, and nothing else suffers."""
    server = acs(faults=(Fault("refused@example.org", reply="550 5.1.1 Unknown"),))
    box.configure(server, reports_per_hour=0)
    for token, to in (("fine", "a@example.org"), ("spoilt", "a@example.org"),
                      ("refused", "refused@example.org"), ("behind", "a@example.org")):
        assert box.take_in(token, to=to).status == 0
    id, = (id for id in box.ids() if box.facts(id)[0]["message-id"] == "<spoilt@test>")
    cut(box.path / f"{id}.msg")
    spoil(box.path / name)
    box.flush()
    box.flush()
    came = {token: len(copies) for token, copies in arrived(server).items()}
    assert came["fine"] == 1
    assert set(came) <= {"fine", "behind"} and set(came.values()) == {1}
    left = {"failed": ["refused"], "damaged": ["spoilt"], "accounts": []}[name]
    assert set(left) <= set(box.tokens())
    os.unlink(box.path / name)
    assert box.flush().status == 0
    assert box.tokens() == []
    assert {token: len(copies) for token, copies in arrived(server).items()} == \
        {"fine": 1, "behind": 1}
    assert box.tokens(failed=True) == ["refused"]


# --- the spool itself

def spoil_spool(box, how):    # noqa: F811
    box.path.rmdir()
    if how == "file":
        box.path.touch()
    elif how == "link":
        other = box.path.parent / "other"
        other.mkdir(mode=0o700)
        box.path.symlink_to(other)
    elif how == "dangling":
        box.path.symlink_to("nowhere")
    elif how == "fifo":
        os.mkfifo(box.path)
    elif how == "group":
        box.path.mkdir()
        box.path.chmod(0o770)
    elif how == "others":
        box.path.mkdir()
        box.path.chmod(0o705)
    elif how == "foreign":
        box.path.mkdir(mode=0o700)
        os.chown(box.path, 65534, 65534)
    elif how == "nowhere":
        (box.path.parent / "file").touch()
        box.configure_spool = box.path.parent / "file/state/spool"


HOW = ["file", "link", "dangling", "fifo", "group", "others", "foreign", "nowhere"]


@pytest.fixture(params=HOW)
def unusable(request, box):    # noqa: F811
    if request.param == "foreign" and os.geteuid() != 0:
        os.rmdir(box.path)
        box.path = type(box.path)("/usr")    # a foreign directory that is always there
    else:
        spoil_spool(box, request.param)
        if request.param == "nowhere":
            box.path = box.configure_spool
    return box


@pytest.mark.parametrize("mode", ["-odi", "-odq", "-odb"])
def test_unusable_spool_that_is_wanted(acs, unusable, mode):
    """The caller keeps it, whatever the server would say."""
    server = acs()
    unusable.configure(server)
    result = unusable.take_in("one", mode)
    assert result.status == 73
    assert str(unusable.path) in result.stderr
    assert "queue = on" in result.stderr or "the daemon keeps that queue" in result.stderr
    assert server.sessions == []


@pytest.mark.parametrize("mode", ["-odi", "-odq", "-odb"])
def test_unusable_spool_with_auto(acs, unusable, mode):
    """Sent directly, or the caller's; nothing in between."""
    server, busy = acs(), acs(faults=BUSY)
    unusable.configure(server, queue="auto")
    assert unusable.take_in("one", mode).status == 0
    assert len(arrived(server)["one"]) == 1
    unusable.configure(busy, queue="auto")
    result = unusable.take_in("two", mode)
    assert result.status == 75 and "451 4.3.2 Busy" in result.stderr
    assert "not queued" in unusable.log and str(unusable.path) in unusable.log


def test_unusable_spool_with_off(acs, unusable):
    server = acs()
    unusable.configure(server, queue="off")
    assert unusable.take_in("one", "-odq").status == 0
    assert len(arrived(server)["one"]) == 1
    assert str(unusable.path) not in unusable.log


def test_spool_that_cannot_be_written(acs, box):    # noqa: F811
    """A directory without the right to write; root writes all the same."""
    server, busy = acs(), acs(faults=BUSY)
    box.path.chmod(0o500)
    try:
        box.configure(server)
        assert box.take_in("one").status == 0
        box.configure(busy)
        result = box.take_in("two", "-odi")
        if os.geteuid() == 0:
            assert result.status == 0 and box.tokens() == ["one", "two"]
            return
        assert result.status == 75
        assert "Permission denied" in result.stderr and "451 4.3.2 Busy" in result.stderr
        assert len(arrived(server)["one"]) == 1
        assert box.files() == []
    finally:
        box.path.chmod(0o700)


def test_spool_that_vanishes_while_somebody_stays(acs, box):    # noqa: F811
    """The runner ends, and a new spool gets a new one."""
    busy, server = acs(faults=BUSY), acs()
    box.configure(busy, background="on")
    assert box.take_in("gone", "-odb").status == 0
    box.wait_until(box.runner, "a runner")
    first = box.runner()
    # The runner may be making a file there.
    wait_until(lambda: shutil.rmtree(box.path, ignore_errors=True) or not box.path.exists(),
               "the spool is gone")
    box.configure(server, background="on")
    assert box.take_in("one", "-odb").status == 0
    box.wait_until(lambda: arrived(server)["one"], "the message")
    box.wait_until(lambda: not box.ids(), "an empty queue")
    box.wait_until(lambda: set(box.processes()) <= {first}, "the end of the second runner")
