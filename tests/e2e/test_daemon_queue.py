# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue of users who cannot read the spool: the keeper answers, to each for his own mail."""

import json
import pwd
import subprocess

import pytest

from emulator.faults import Fault
from helpers.daemon import PATIENCE, Local, arrived, text
from helpers.program import environment, installed
from helpers.waiting import wait_until

pytestmark = pytest.mark.as_root
ONE, OTHER = "games", "news"	# users that every Debian has
GIVE = """
import smtplib, socket, sys
class Local(smtplib.SMTP):
    def _get_socket(self, *a):
        s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); return s
with Local('x', 1, local_hostname='me') as c:
    for subject in sys.argv[2:]:
        c.sendmail('%s@contoso.com' % subject, [subject + '@example.org'],
                   'From: a@contoso.com\\nSubject: %s\\n\\nx\\n' % subject)
"""


def who(name):
    user = pwd.getpwnam(name)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Users:
    """Those of a daemon: what they call finds it by a file that all can read."""

    def __init__(self, d):
        self.daemon, self.file = d, d.top / "user.ini"
        self.file.write_text(f"[daemon]\nsocket = {d.socket}\n")
        self.file.chmod(0o644)

    def give(self, name, *subjects):
        subprocess.run(["/usr/bin/python3", "-I", "-c", GIVE, self.daemon.socket, *subjects],
                       check=True, timeout=PATIENCE, **who(name))

    def call(self, name, program, *args):
        mine = {} if name == "root" else who(name)
        return subprocess.run([installed(program), *args], capture_output=True, text=True,
                              check=False, timeout=60, cwd="/", **mine,
                              env=environment(self.daemon.home, {"LANG": "C.UTF-8"}))

    def mailq(self, name, *args):
        return self.call(name, "mailq", "-C", self.file, *args)

    def queue(self, name, word, *args):
        return self.call(name, "acsmtp", "queue", word, "--config", self.file, *args)

    def ids(self, name, *args):
        done = self.queue(name, "list", "--json", *args)
        assert done.returncode == 0, done.stderr
        return {m["recipients"][0]["address"].split("@")[0]: m["id"]
                for m in json.loads(done.stdout)["messages"]}


@pytest.fixture
def users(daemon):
    """A daemon whose server is away, so that all waits."""
    def make(server=None, **more):
        return Users(daemon(server, **more))

    return make


@pytest.fixture
def two(users):
    u = users()
    u.give(ONE, "first", "second")
    u.give(OTHER, "third")
    wait_until(lambda: u.daemon.status()["waiting"] == 3, "all were tried")
    return u


def test_each_sees_his_own(two):
    listed = two.mailq(ONE)
    assert listed.returncode == 0 and listed.stderr == ""
    assert "first@example.org" in listed.stdout and "second@example.org" in listed.stdout
    assert "third" not in listed.stdout and "in 2 Requests." in listed.stdout
    assert two.ids(ONE).keys() == {"first", "second"}
    assert two.ids(OTHER).keys() == {"third"}
    assert "Mail queue is empty" in two.mailq("nobody").stdout
    everything = two.mailq("root").stdout
    assert "in 3 Requests." in everything
    assert ONE in everything and OTHER in everything
    listed = json.loads(two.queue("root", "list", "--json").stdout)
    assert listed["count"] == 3 and listed["spool"] == str(two.daemon.top / "spool")
    assert {m["user"] for m in listed["messages"]} == {ONE, OTHER}
    own = json.loads(two.queue(ONE, "list", "--json").stdout)
    assert {m["uid"] for m in own["messages"]} == {pwd.getpwnam(ONE).pw_uid}
    assert own["spool"] == str(two.daemon.top / "run/keeper")


def test_show(two):
    mine, other = two.ids(ONE)["first"], two.ids(OTHER)["third"]
    shown = two.queue(ONE, "show", mine)
    assert shown.returncode == 0 and "first@example.org" in shown.stdout
    assert "does not have any more" not in shown.stdout
    shown = two.queue(ONE, "show", "--message", mine)
    assert "Subject: first" in shown.stdout and "\n\nx\n" in shown.stdout
    shown = two.queue(ONE, "show", "--message", other)
    assert shown.returncode == 69 and shown.stdout == ""
    assert f'no message fits "{other}"' in shown.stderr
    assert two.queue("root", "show", "--message", other).stdout.endswith("\n\nx\n")


def test_change(two):
    one, other = two.ids(ONE), two.ids(OTHER)["third"]
    for word, said in [("hold", "held"), ("release", "released"), ("retry", "to be tried now")]:
        done = two.queue(ONE, word, one["first"])
        assert done.returncode == 0 and f"{one['first']}: {said}" in done.stdout, done.stderr
        refused = two.queue(ONE, word, other)
        assert refused.returncode == 69 and f'no message fits "{other}"' in refused.stderr
    assert two.queue(ONE, "hold", "--all").stdout.count(": held") == 2
    assert json.loads(two.queue("root", "show", "--json", other).stdout)["held"] is False
    assert two.daemon.status()["held"] == 2
    done = two.queue(ONE, "remove", "--json", "--all")
    assert json.loads(done.stdout)["changed"] == 2
    assert two.ids("root").keys() == {"third"}
    assert two.queue("root", "remove", other).returncode == 0
    assert two.ids("root") == {}


def test_what_root_holds(two):
    """Its user sees it, and can do nothing about it; what users hold themselves is theirs."""
    one = two.ids(ONE)["first"]
    assert two.queue(ONE, "hold", one).returncode == 0
    assert two.queue("root", "hold", one).stdout.startswith(f"{one}: held")
    assert "it is held already" in two.queue("root", "hold", one).stderr
    assert "held by:     root" in two.queue(ONE, "show", one).stdout
    for word in "release", "retry", "remove":
        refused = two.queue(ONE, word, one)
        assert refused.returncode == 77, refused
        assert "root holds it, and alone can let it go" in refused.stderr
    told = json.loads(two.queue(ONE, "release", "--json", one).stdout)
    assert told["messages"][0]["result"] == "not allowed" and told["changed"] == 0
    released = two.call(ONE, "sendmail", "-qQ", "-C", two.file)
    assert f"{one} stays held: root holds it" in released.stderr
    shown = json.loads(two.queue(ONE, "show", "--json", one).stdout)
    assert shown["held"] is True and shown["held_by"] == "root"
    # Who looks after the mail lets it go, and then it is its user's again.
    assert two.queue("root", "release", one).returncode == 0
    assert two.queue(ONE, "hold", one).returncode == 0
    assert two.queue(ONE, "release", one).returncode == 0
    assert two.queue(ONE, "remove", one).returncode == 0


@pytest.mark.parametrize("call", [("acsmtp", "queue", "run", "--background"), ("sendmail", "-q30m"),
                                  ("sendmail", "-qf30m")])
def test_nobody_else_stays(users, call):
    """The daemon works on what it has, and nobody has a runner of his own for it."""
    u = users()
    for name in ONE, "root":
        done = u.call(name, *call, "-C", u.file)
        assert (done.returncode, done.stdout) == (0, "")
        assert "the daemon works on what waits" in done.stderr
    assert not (u.daemon.home / ".local").exists()


@pytest.mark.parametrize("log, where", [("syslog", "`journalctl -u acsmtp`"),
                                        ("/var/log/mine", "tells the end: /var/log/mine"),
                                        ("off", "where `log` of its account has one")])
def test_whose_dialogue_it_is(users, log, where):
    u = users()
    u.file.write_text(f"[account a]\nfrom = a@contoso.com\nhost = localhost\nlog = {log}\n"
                      f"[delivery]\nmode = daemon\n{u.file.read_text()}")
    done = u.call(ONE, "sendmail", "-q", "-v", "-C", u.file)
    assert (done.returncode, done.stdout) == (0, "")
    assert "the daemon sends it, and its dialogue is not seen here; " in done.stderr
    assert where in done.stderr and done.stderr.count("\n") == 1


def test_root_moves(two):
    two.daemon.config.write_text(two.daemon.config.read_text().replace(
        "[delivery]", "[account spare]\nhost = localhost\nport = 1\nuser = u\npassword = p\n"
        "from = spare@contoso.com\n[delivery]", 1))
    assert two.daemon.run("reload").returncode == 0
    message = two.ids(ONE)["first"]
    refused = two.call(ONE, "acsmtp", "queue", "move", "--config", two.file, "--account", "spare",
                       message)
    assert refused.returncode == 78

    def moved():
        return two.call("root", "acsmtp", "queue", "move", "--config", two.daemon.config,
                        "--account", "spare", message).returncode == 0

    wait_until(moved, "the settings were read again")
    assert json.loads(two.queue(ONE, "show", "--json", message).stdout)["account"] == "spare"


@pytest.fixture
def deferred(acs, users):
    """Each of three was refused for now, by itself; the server would take them meanwhile."""
    server = acs(faults=[Fault("rcpt", reply="450 4.2.1 Busy", times=3)])
    u = users(server, rate_per_minute=0, rate_per_hour=0)
    u.give(ONE, "first", "second")
    u.give(OTHER, "third")
    wait_until(lambda: [m["tries"] for m in json.loads(
        u.queue("root", "list", "--json").stdout)["messages"]] == [1, 1, 1], "each was tried")
    u.server = server
    return u


def sent(u):
    return {m.recipients[0].split("@")[0] for m in u.server.messages}


@pytest.mark.parametrize("name, arrive", [("root", {"first", "second", "third"}),
                                          (ONE, {"first", "second"})])
def test_now(deferred, name, arrive):
    """sendmail -q means now, whatever is due when: root's for all, a user's for his own."""
    done = deferred.call(name, "sendmail", "-q", "-C", deferred.file)
    assert done.returncode == 0 and done.stderr == "", done.stderr
    wait_until(lambda: sent(deferred) == arrive, "they arrive")
    assert deferred.ids("root").keys() == {"first", "second", "third"} - arrive


def test_run_named(deferred):
    done = deferred.queue(ONE, "run", "first@*", "third@*")
    assert done.stdout == "1 sent, 1 wait, 0 failed\n", done.stderr
    assert sent(deferred) == {"first"}
    assert deferred.queue(ONE, "run").stdout == "0 sent, 1 wait, 0 failed\n"
    done = deferred.queue("root", "run", "--json", "--sender", "third@*")
    assert json.loads(done.stdout)["sent"] == 1 and sent(deferred) == {"first", "third"}


def test_a_stopped_daemon(users):
    u = users()
    u.give(ONE, "first")
    u.daemon.stop()
    for args in (["mailq", "-C", u.daemon.config], ["sendmail", "-q", "-C", u.daemon.config],
                 ["acsmtp", "queue", "list", "--config", u.daemon.config]):
        done = u.call("root", *args)
        assert done.returncode == 75 and "acsmtp daemon" in done.stderr, (args, done)


@pytest.mark.parametrize("most", [1, 2, 3])
def test_connections(acs, daemon, most):
    """What waits is shared among as many connections as may be; each message goes once."""
    server = acs()
    port, server.port = server.port, 1
    d = daemon(server, extra=f"max_connections = {most}\n", rate_per_minute=0, rate_per_hour=0)
    with Local(d.socket) as client:
        for number in range(30):
            client.sendmail("me@contoso.com", ["b@example.org"], text(number))
    wait_until(lambda: d.status()["accounts"][0]["paused_until"], "the account waits")
    server.port = port
    d.write(f"max_connections = {most}\n")
    assert d.run("reload").returncode == 0
    wait_until(lambda: d.status()["waiting"] == 0, "all have gone")
    assert arrived(server) == sorted(str(number) for number in range(30))
    assert len([s for s in server.sessions if s.messages]) == most
