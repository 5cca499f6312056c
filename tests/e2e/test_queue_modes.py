# SPDX-License-Identifier: GPL-3.0-or-later
"""When a message is sent while the caller waits, when it is durable first, and what a run
of the queue takes along."""

import json
import re
import shutil
import subprocess
import time

import pytest

from helpers.program import environment, installed
from emulator.faults import Fault
from outcome import HELLO, assert_failed, assert_nobody_called, assert_sent
from helpers.ports import closed_port

CREATE, TEMPFAIL, USAGE = 73, 75, 64


def calls_of(trace, *names):
    return re.findall(rf"^(?:\d+ +)?(?:{'|'.join(names)})\(.*", trace, re.MULTILINE)


@pytest.fixture
def traced(home, tmp_path):
    """traced(queue, message) -> (status, the system calls that make things durable)."""
    if not shutil.which("strace"):
        pytest.fail("strace is not installed: scripts/test has the list of packages")

    def call(queue, message):
        trace = tmp_path / "trace"
        done = subprocess.run(
            ["strace", "-f", "-o", trace, "-e", "trace=fsync,fdatasync,syncfs,sync",
             installed("sendmail"), "-C", queue.ini, "-t"], input=message.encode(),
            env=environment(home, None), capture_output=True, timeout=60)
        return done.returncode, calls_of(trace.read_text(), "fsync", "fdatasync",
                                         "syncfs", "sync")
    return call


# --- directly

def test_direct_sending_leaves_nothing_and_waits_for_no_disk(acs, queued, traced):
    server = acs()
    queue = queued(server)
    assert_sent(queue.send(HELLO))    # makes the directories
    assert traced(queue, HELLO) == (0, [])
    assert len(server.messages) == 2
    assert queue.files() == []


def test_a_deferred_message_costs_three(queued, traced):
    """The message, its entry, the directory."""
    with closed_port() as port:
        queue = queued(host="127.0.0.1", port=port)
        assert_sent(queue.send(HELLO))    # makes the directories
        status, synced = traced(queue, HELLO)
    assert status == 0 and len(synced) == 3
    assert len(queue.ids()) == 2


def test_a_queue_that_is_on_by_itself(acs, run, config, home):
    """`auto`: for an ordinary user in the state directory."""
    server = acs()
    assert_sent(run(["-C", config(server, extra=f"[delivery]\nspool = {home}/s\nqueue = auto\n"),
                     "-t"], input=HELLO))
    assert len(server.messages) == 1


# --- durable first

@pytest.mark.parametrize("options", [["-odq"], ["-odd"], ["-O", "DeliveryMode=q"],
                                     ["-ODeliveryMode=d"], ["-odb"],
                                     ["-O", "DeliveryMode=background"],
                                     ["-ODeliveryMode=b"]])
def test_durable_first(acs, queued, options):
    server = acs()
    queue = queued(server)
    assert_sent(queue.send(HELLO, *options, "-t"))
    assert_nobody_called(server)
    entry = queue.only()
    assert entry.states == {"a@example.org": "waiting"} and entry.attempts == 0
    assert re.search(rf"{entry.id}: queued: .* account=test .*recipients=1 ", queue.log)
    assert_sent(queue.flush())
    assert server.message.recipients == ["a@example.org"]
    assert queue.files() == []


@pytest.mark.parametrize("options", [["-odi"], ["-ODeliveryMode=i"], ["-v"], ["-v", "-odq"],
                                     ["-odb", "-v"]])
def test_direct_in_spite_of_the_configuration(acs, queued, options):
    server = acs()
    queue = queued(server, {"mode": "queued"})
    assert queue.send(HELLO, *options, "-t").status == 0
    assert len(server.messages) == 1
    assert queue.files() == []


def test_mode_queued(acs, queued):
    server = acs()
    queue = queued(server, {"mode": "queued"})
    assert_sent(queue.send(HELLO))
    assert_nobody_called(server)
    assert queue.only().states == {"a@example.org": "waiting"}


def test_background_is_sent_by_itself(acs, queued):
    server = acs()
    queue = queued(server, {"background": "on"})
    assert_sent(queue.send(HELLO, "-odb", "-t"))
    queue.wait_until_empty()
    queue.wait_until_idle()
    assert len(server.messages) == 1
    assert queue.files() == []


def test_queue_only_waits_for_a_run(acs, queued):
    """No runner is started by -odq, and none that is started looks for more than that."""
    server = acs()
    queue = queued(server, {"background": "on"})
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    assert queue.runner() is None
    assert_nobody_called(server)


@pytest.mark.parametrize("mode", ["-odb", "-odq"])
def test_without_a_queue_it_is_direct(acs, queued, mode):
    server = acs()
    queue = queued(server, {"queue": "off"})
    assert_sent(queue.send(HELLO, mode, "-t"))
    assert len(server.messages) == 1


@pytest.mark.parametrize("option", ["-odx", "-od", "-ODeliveryMode=x", "-oex", "-OErrorMode=x"])
def test_modes_that_do_not_exist(acs, queued, option):
    server = acs()
    queue = queued(server)
    result = queue.send(HELLO, option, "-t")
    if option == "-od":    # as sendmail takes it
        assert_sent(result)
    else:
        assert result.status == USAGE
        assert queue.files() == []


# --- a spool that cannot be used

@pytest.fixture
def unusable(tmp_path):
    """A spool whose place is taken by a file, so that root cannot make it either."""
    (tmp_path / "file").write_text("")
    return tmp_path / "file/spool"


def test_queue_on_and_unusable_refuses_before_sending(acs, queued, unusable):
    server = acs()
    queue = queued(server, {"spool": unusable})
    assert_failed(queue.send(HELLO), CREATE, str(unusable), "queue")
    assert_nobody_called(server)


def test_queue_auto_and_unusable_sends(acs, queued, unusable):
    server = acs()
    queue = queued(server, {"spool": unusable, "queue": "auto"})
    assert_sent(queue.send(HELLO))
    assert len(server.messages) == 1


def test_queue_auto_and_unusable_defers_to_the_caller(queued, unusable):
    with closed_port() as port:
        queue = queued(host="127.0.0.1", port=port,
                       delivery={"spool": unusable, "queue": "auto"})
        assert_failed(queue.send(HELLO), TEMPFAIL, "Connection refused")
    assert re.search(r"not queued: .*spool", queue.log)


def test_a_spool_of_others_is_refused(acs, queued):
    server = acs()
    queue = queued(server)
    queue.path.chmod(0o755)
    assert_failed(queue.send(HELLO), CREATE, str(queue.path))
    assert_nobody_called(server)


# --- a run of the queue and what it selects

THREE = [("red@example.org", "one@example.com"), ("blue@example.org", "two@example.com"),
         ("green@example.org", "three@example.com")]


@pytest.fixture
def three(acs, queued):
    """(server, queue, ids): three messages with senders and recipients of their own."""
    server = acs(senders=None)
    queue = queued(server, sender_policy="keep")
    ids = []
    for recipient, sender in THREE:
        assert_sent(queue.send(f"To: {recipient}\nSubject: t\n\nHello\n", "-odq", "-f", sender,
                               "-t"))
        ids += set(queue.ids()) - set(ids)
    return server, queue, ids


def colours(server):
    return sorted(message.recipients[0].split("@")[0] for message in server.messages)


@pytest.mark.parametrize("options, sent", [
    (["-q"], "blue green red"),
    (["-qp"], "blue green red"),
    (["-qf"], "blue green red"),
    (["-qGlow"], "blue green red"),
    (["-qRred"], "red"),
    (["-qRRED@EXAMPLE"], "red"),
    (["-q!Rred"], "blue green"),
    (["-qStwo@"], "blue"),
    (["-q!Stwo@"], "green red"),
    (["-qRe@", "-qSone"], ""),
    (["-qRre", "-qSone"], "red"),
    (["-q!Rred", "-q!Sthree"], "blue"),
    (["-qRexample.org"], "blue green red"),
    (["-qRnobody"], ""),
])
def test_selection(three, options, sent):
    server, queue, _ = three
    assert_sent(queue.flush(*options))
    assert colours(server) == sent.split()
    assert len(queue.ids()) == 3 - len(sent.split())


@pytest.mark.parametrize("inverted", [False, True])
def test_selection_by_id(three, inverted):
    server, queue, ids = three
    assert_sent(queue.flush(f"-q{'!' * inverted}I{ids[1]}"))
    assert colours(server) == (["green", "red"] if inverted else ["blue"])


def test_a_message_is_held_from_the_start(acs, queued):
    server = acs()
    queue = queued(server)
    assert_sent(queue.send(HELLO, "-Qlater", "-t"))
    assert queue.only().held == 1
    assert_sent(queue.flush())
    assert_nobody_called(server)
    assert_sent(queue.flush("-qQ"))
    assert len(server.messages) == 1
    assert queue.files() == []


def test_messages_of_the_queue_are_held_and_released(three):
    server, queue, _ = three
    assert_sent(queue.flush("-Q", "-qRblue"))
    assert [entry.held for entry in queue.entries()].count(1) == 1
    assert_sent(queue.flush())
    assert colours(server) == ["green", "red"]
    assert_sent(queue.flush("-qQ", "-Q"))
    assert queue.only().held == 0
    assert_sent(queue.flush())
    assert colours(server) == ["blue", "green", "red"]


def test_an_interval_runs_again_and_again(acs, queued, home):
    """-qf30m stays, works, and is woken by what comes."""
    server = acs()
    queue = queued(server)
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    process = subprocess.Popen([installed("sendmail"), "-C", queue.ini, "-qf30m"],
                               env=environment(home, None), stdin=subprocess.DEVNULL)
    try:
        queue.wait_until_empty()
        assert len(server.messages) == 1
        assert_sent(queue.send(HELLO, "-odb", "-t"))
        queue.wait_until_empty()
        assert len(server.messages) == 2
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()


def test_an_interval_in_the_background(acs, queued):
    """The caller gets its terminal back at once."""
    server = acs()
    queue = queued(server)
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    assert_sent(queue.flush("-q1h"))
    queue.wait_until_empty()
    assert len(server.messages) == 1



# --- what -v says

def test_verbose_says_that_it_is_queued(queued):
    with closed_port() as port:
        queue = queued(host="127.0.0.1", port=port)
        result = queue.send(HELLO, "-v", "-t")
    assert result.status == 0
    id = queue.only().id
    assert re.search(rf"sendmail: queued as {id}, not before \S+: .*Connection refused",
                     result.stderr)


def test_verbose_run_shows_the_dialogue(acs, queued):
    server = acs()
    queue = queued(server)
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    result = queue.flush("-v", "-q")
    assert result.status == 0 and "MAIL FROM" in result.stdout
    assert server.options.password not in result.stdout


# --- acsmtp queue run

def test_run_says_what_it_did(acs, queued):
    server = acs(faults=(Fault("b@example.org", reply="450 4.2.1 Busy"),
                         Fault("c@example.org", reply="550 5.1.1 Unknown")))
    queue = queued(server, {"reports_per_hour": 0})
    for recipient in "abc":
        assert_sent(queue.send(HELLO.replace("a@", f"{recipient}@"), "-odq", "-t"))
    result = queue.run()
    assert (result.status, result.stdout, result.stderr) == \
        (0, "1 sent, 1 wait, 1 failed\n", "")
    assert queue.run().stdout == "0 sent, 1 wait, 0 failed\n"    # it is not due
    assert queue.run("--flush").stdout == "0 sent, 1 wait, 0 failed\n"


def test_run_without_a_queue(acs, queued):
    queue = queued(acs(), {"queue": "off"})
    result = queue.run()
    assert result.status == CREATE
    assert "there is no queue to run" in result.stderr


def test_run_with_a_configuration_that_is_not_there(run, tmp_path):
    result = run(["queue", "run", "--config", tmp_path / "none.ini"], program="acsmtp")
    assert result.status != 0 and "none.ini" in result.stderr


def test_run_beside_another(acs, queued):
    """Whoever is at it does what is due."""
    queue = queued(acs())
    assert_sent(queue.send(HELLO, "-odq", "-t"))
    with queue.locked("lock"):
        result = queue.run()
    assert (result.status, result.stdout) == (0, "another process is running the queue\n")


# --- acsmtp queue run

def messages_that_are_not_due(queue):
    """The ids of those to a, b and c."""
    ids = {}
    for name in "abc":
        assert_sent(queue.send(f"To: {name}@example.org\n\nHello\n", "-odq", "-t"))
    for entry in queue.entries():
        ids[entry.recipients[0].address[0]] = entry.id
        queue.rewrite(entry.id, next=int(time.time()) + 1000)
    return ids


@pytest.mark.parametrize("words, goes", [
    (["{a}"], "a"), (["{b}", "c@*"], "bc"), (["--recipient", "A@example.org"], "a"),
    (["--account", "test"], "abc"), (["--account", "other"], ""), (["nobody@*"], ""),
    (["--sender", "*contoso*", "*c@example.org"], "c"), ([], ""), (["--flush"], "abc"),
])
def test_run_what_is_named(acs, queued, words, goes):
    """Whoever is named goes, due or not; the others stay."""
    server = acs()
    queue = queued(server)
    ids = messages_that_are_not_due(queue)
    result = queue.acsmtp("run", *(word.format(**ids) for word in words), "--json")
    assert (result.status, result.stderr) == (0, "")
    assert json.loads(result.stdout) == {
        "elsewhere": False, "sent": len(goes), "waiting": 3 - len(goes), "failed": 0}
    assert sorted(message.recipients[0][0] for message in server.messages) == list(goes)
    assert sorted(queue.ids()) == sorted(ids[name] for name in "abc" if name not in goes)


def test_what_is_being_sent_is_not_held_in_silence(three):
    server, queue, ids = three
    with queue.locked(f"{ids[1]}.msg"):
        result = queue.flush("-Q", "-qRblue")
        assert result.status == TEMPFAIL
        assert "1 messages are being sent" in result.stderr
        assert_sent(queue.flush("-Q", "-qRgreen"))
    assert [entry.held for entry in queue.entries()].count(1) == 1
    assert server.messages == []
