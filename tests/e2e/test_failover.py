# SPDX-License-Identifier: GPL-3.0-or-later
"""`failover`: another account takes the mail of one that cannot now; and never what a server said
of the message, or may have already."""

import re
import shutil

import pytest

from emulator.faults import Fault
from helpers.daemon import KEEPER, Local, text
from helpers.spool import checksum
from helpers.waiting import wait_until

OK, UNAVAILABLE, TEMPFAIL, NOPERM, NOUSER, CONFIG = 0, 69, 75, 77, 67, 78
HELLO = "From: Someone <someone@example.org>\nTo: a@example.org\nSubject: hello\n\nHello.\n"
OTHER = "DoNotReply@fabrikam.com"


@pytest.fixture
def two(acs, config, pki, tmp_path):
    """two(first, second, delivery={...}, **keys of the first) -> an ini file in which the
    account "second" takes the mail of "test"; first=None: nobody is at its port."""
    def write(first, second, delivery=None, extra="", **keys):
        keys = {"failover": "second", "log": tmp_path / "mail.log", "rate_per_minute": 0,
                "rate_per_hour": 0, **({} if first else {"port": 1}), **keys}
        lines = "".join(f"{name} = {value}\n" for name, value in (delivery or {}).items())
        return config(first, extra=f"""
[account second]
host = {second.host}
port = {second.port}
tls_ca_file = {pki.ca}
user = {second.options.user}
password = "{second.options.password}"
from = {OTHER}
log = {tmp_path / "mail.log"}
timeout = 10
tls_session_cache = off
{extra}
[defaults]
default_account = test
[delivery]
{lines}""", **keys)

    return write


@pytest.fixture
def second(acs):
    return acs(senders=(OTHER,))


@pytest.fixture
def log(tmp_path):
    return lambda: (tmp_path / "mail.log").read_text()


@pytest.fixture
def spool(tmp_path):
    return {"queue": "on", "spool": tmp_path / "spool"}


def bodies(server):
    return [one.data for one in server.messages if one.accepted]


def sent_lines(log):
    return [line for line in log.splitlines() if re.search(r": sent", line)]


def message_id(data):
    return re.search(rb"(?im)^Message-ID: *(\S+)\r$", data)[1]


# --- what concerns the account

CANNOT = {
    "nobody is there": None,
    "hangs up": {"faults": (Fault("connect", action="close"),)},
    "not this machine": {"faults": (Fault("connect", reply="554 5.7.1 not from you"),)},
    "busy": {"faults": (Fault("connect", reply="421 4.3.2 later"),)},
    "another password": {"faults": (Fault("auth_response", reply="535 5.7.3 no"),)},
    "no login now": {"faults": (Fault("auth", reply="454 4.7.0 later"),)},
    "a certificate of others": {"certificate": "foreign"},
    "no quota": {"faults": (Fault("mail", reply="450 4.5.127 Message rejected. Excessive "
                                  "message rate from sender."),)},
    "no quota behind the dot": {"faults": (Fault(
        "body", reply="450 4.5.127 Message rejected. Excessive message rate from sender."),)},
    "lost in the middle": {"without": ("CHUNKING", "PIPELINING"),
                           "faults": (Fault("mail", action="close"),)},
    "not without a login": {"faults": (Fault("mail", reply="530 5.7.57 not authenticated"),)},
}


@pytest.mark.parametrize("queue", ["off", "on", "queued"])
@pytest.mark.parametrize("name", CANNOT)
def test_taken_over(acs, run, two, second, log, spool, name, queue):
    options = CANNOT[name]
    first = acs(**options) if options is not None else None
    if first:
        first.violations_expected = True
    ini = two(first, second, failover_after=0, delivery=spool if queue != "off" else None)
    result = run(["-C", ini, *(["-odq"] if queue == "queued" else []), "-t"], input=HELLO)
    assert result.status == OK, result.stderr
    if queue == "queued":
        result = run(["-C", ini, "-q"])
        assert result.status == OK, result.stderr
    data, = bodies(second)
    # The sender policy of who sends it.
    assert second.message.sender == OTHER
    assert f"From: Someone <{OTHER}>".encode() in data
    assert b"Reply-To: " in data
    line, = sent_lines(log())
    assert "account=second" in line and "instead-of=test" in line and "because=" in line
    if queue != "off":
        assert not list(spool["spool"].glob("*.env"))


NOT_TO_BE_HAD = {
    "certificates to trust": {"tls_ca_file": "/nowhere/ca.pem"},
    "certificate": {"tls_client_cert": "/nowhere/c.pem", "tls_client_key": "/nowhere/c.pem"},
    "another's key": {"tls_client_cert": "{pki.ca}", "tls_client_key": "{pki.ca}"},
    "password's file": {"password": None, "password_file": "/nowhere/secret"},
    "password's command": {"password": None, "password_command": "false"},
    "any secret": {"password": None},
    "password of the proxy": {"proxy": "socks5://jo@127.0.0.1:1",
                              "proxy_password_file": "/nowhere/secret"},
}


@pytest.mark.parametrize("queue", ["off", "on", "queued"])
@pytest.mark.parametrize("name", NOT_TO_BE_HAD)
def test_what_it_needs_itself(acs, run, two, second, pki, log, spool, name, queue):
    first = acs()
    keys = {key: value and value.format(pki=pki) for key, value in NOT_TO_BE_HAD[name].items()}
    ini = two(first, second, delivery=spool if queue != "off" else None, **keys)
    for args in [["-odq", "-t"], ["-q"]] if queue == "queued" else [["-t"]]:
        result = run(["-C", ini, *args], input=HELLO)
        assert (result.status, result.stderr) == (OK, "")
    assert len(bodies(second)) == 1 and bodies(first) == []
    line, = sent_lines(log())
    assert "account=second" in line and "instead-of=test" in line and "because=" in line


@pytest.mark.parametrize("queue", ["off", "queued"])
def test_the_log_of_who_sends_it(acs, run, two, second, log, spool, tmp_path, queue):
    """What the first one could not, and what waits for it, stands in its own."""
    first = acs(faults=(Fault("connect", reply="421 4.3.2 later"),))
    ini = two(first, second, log=tmp_path / "first.log",
              delivery=spool if queue != "off" else None)
    for _ in range(2):
        assert run(["-C", ini, *(["-odq"] if queue == "queued" else []), "-t"],
                   input=HELLO).status == OK
    if queue == "queued":
        assert run(["-C", ini, "-q"]).status == OK
    its_own = (tmp_path / "first.log").read_text()
    assert len(sent_lines(log())) == 2 and "account=test" not in log()
    assert "not sent" in its_own and "account=second" not in its_own
    assert its_own.count("queued") == (2 if queue == "queued" else 0)


def test_only_the_first_where_it_can(acs, run, two, second, log):
    first = acs()
    assert run(["-C", two(first, second), "-t"], input=HELLO).status == OK
    assert (len(bodies(first)), len(bodies(second))) == (1, 0)
    assert "instead-of" not in log()


def test_the_same_message_id(acs, run, two, second):
    """Though each account would name another domain in it."""
    result = run(["-C", two(acs(), second), "-a", "test", "-t", "--dry-run"], input=HELLO)
    assert b"@contoso.com>" in message_id(result.stdout.replace("\n", "\r\n").encode())
    assert run(["-C", two(None, second), "-t"], input=HELLO).status == OK
    assert message_id(bodies(second)[0]).endswith(b"@contoso.com>")


def test_one_after_the_other(acs, run, two):
    third = acs(senders=(OTHER,), tls="off", require_auth=False)
    second = acs(faults=(Fault("auth_response", reply="535 5.7.3 no"),))
    ini = two(None, second, extra=f"failover = third\n[account third]\nhost = {third.host}\n"
              f"port = {third.port}\ntls = off\nauth = off\nfrom = {OTHER}\nlog = off\n")
    assert run(["-C", ini, "-t"], input=HELLO).status == OK
    assert (len(bodies(second)), len(bodies(third))) == (0, 1)


def test_neither(acs, run, two, spool):
    """It waits for the first one."""
    second = acs(senders=(OTHER,), faults=(Fault("auth_response", reply="535 5.7.3 no", times=2),))
    ini = two(None, second)
    result = run(["-C", ini, "-t"], input=HELLO)
    assert result.status == TEMPFAIL and "account test" in result.stderr
    ini = two(None, second, delivery=spool)
    assert run(["-C", ini, "-t"], input=HELLO).status == OK
    entry, = spool["spool"].glob("*.env")
    assert "\naccount test\n" in entry.read_text()
    for file in spool["spool"].glob("accounts/*"):
        file.unlink()
    assert run(["-C", ini, "-q"]).status == OK
    assert len(bodies(second)) == 1


def test_one_that_takes_no_such_sender(acs, run, two, second):
    """Its policy is its own, so the next one is asked."""
    third = acs(senders=(OTHER,), tls="off", require_auth=False)
    ini = two(None, second, failover="second third", extra="sender_policy = refuse\n"
              f"[account third]\nhost = {third.host}\nport = {third.port}\ntls = off\n"
              f"auth = off\nfrom = {OTHER}\nlog = off\n")
    assert run(["-C", ini, "-t", "-f", "x@example.org"], input=HELLO).status == OK
    assert (len(bodies(second)), len(bodies(third))) == (0, 1)


@pytest.mark.parametrize("queue", ["off", "on", "queued"])
def test_those_who_are_left(acs, run, two, second, spool, queue):
    """Some have it by the first, the others get it by the second; nobody twice."""
    first = acs(max_recipients=2, per_minute=1)
    people = [f"p{i}@example.org" for i in range(5)]
    ini = two(first, second, failover_after=0, max_recipients=2,
              delivery=spool if queue != "off" else None)
    result = run(["-C", ini, *(["-odq"] if queue == "queued" else []), *people], input=HELLO)
    assert result.status == OK, result.stderr
    if queue != "off":
        assert run(["-C", ini, "-q"]).status == OK
    got = [one for server in (first, second) for message in server.messages
           if message.accepted for one in message.recipients]
    assert sorted(got) == people
    assert len(first.messages[0].recipients) == 2 and bodies(second)


QUOTA = "450 4.5.127 Message rejected. Excessive message rate from sender."


@pytest.mark.parametrize("later", ["451 4.3.0 later", "550 5.1.1 unknown"])
@pytest.mark.parametrize("queue", ["off", "on", "queued"])
def test_some_of_their_own_and_some_of_the_account(acs, run, two, second, spool, queue, later):
    """Who is refused himself keeps the others from nothing."""
    first = acs(faults=(Fault("a@example.org", reply=later), Fault("rcpt", reply=QUOTA)))
    ini = two(first, second, failover_after=0, delivery=spool if queue != "off" else None)
    result = run(["-C", ini, *(["-odq"] if queue == "queued" else []), "a@example.org",
                  "b@example.org", "c@example.org"], input=HELLO)
    if queue == "queued":
        run(["-C", ini, "-q"])
    assert first.messages == []
    assert second.messages[0].recipients == ["b@example.org", "c@example.org"], result.stderr
    if queue != "off" and later.startswith("4"):
        entry, = spool["spool"].glob("*.env")
        assert re.findall(r"(?m)^to (\w+) (\S+)", entry.read_text()) == [
            ("deferred", "a@example.org"), ("sent", "b@example.org"),
            ("sent", "c@example.org")]


# --- what does not

OWN = {
    "451 at RCPT": (Fault("rcpt", reply="451 4.3.0 later"), TEMPFAIL),
    "550 at MAIL": (Fault("mail", reply="550 5.7.60 not as this sender"), NOPERM),
    "550 at RCPT": (Fault("rcpt", reply="550 5.1.1 unknown"), NOUSER),
    "550 after the dot": (Fault("body", reply="550 5.7.1 spam"), UNAVAILABLE),
    "451 after the dot": (Fault("body", reply="451 4.3.0 later"), TEMPFAIL),
}


@pytest.mark.parametrize("queue", [False, True])
@pytest.mark.parametrize("name", OWN)
def test_its_own_refusal(acs, run, two, second, spool, name, queue):
    fault, status = OWN[name]
    ini = two(acs(faults=(fault,)), second, delivery=spool if queue else None)
    result = run(["-C", ini, "-t"], input=HELLO)
    assert result.status == (OK if queue and status == TEMPFAIL else status)
    if queue:
        run(["-C", ini, "-q"])
    assert second.messages == []


@pytest.mark.parametrize("queue", [False, True])
def test_never_after_a_lost_reply(acs, run, two, second, spool, queue):
    """Nor later: who may have it is the only one to get it again."""
    first = acs(faults=(Fault("body", action="close", times=1),
                        Fault("connect", reply="421 later", connection=2)))
    ini = two(first, second, failover_after=0, delivery=spool if queue else None)
    result = run(["-C", ini, "-t"], input=HELLO)
    assert result.status == (OK if queue else TEMPFAIL)
    assert second.messages == []
    if queue:
        run(["-C", ini, "-q"])
        assert second.messages == []
        for file in spool["spool"].glob("accounts/*"):
            file.unlink()
        assert run(["-C", ini, "-q"]).status == OK
        assert len(bodies(first)) == 1
    assert second.messages == []


def test_lost_by_the_second(acs, run, two, spool):
    """The first one is well again; but the second may have it."""
    second = acs(senders=(OTHER,), faults=(Fault("body", action="close", times=1),))
    first = acs(faults=(Fault("connect", reply="421 later", times=1),))
    ini = two(first, second, delivery=spool)
    assert run(["-C", ini, "-t"], input=HELLO).status == OK
    entry, = spool["spool"].glob("*.env")
    assert "\nby second\n" in entry.read_text()
    for file in spool["spool"].glob("accounts/*"):
        file.unlink()
    assert run(["-C", ini, "-q"]).status == OK
    assert (first.messages, len(bodies(second))) == ([], 1)


def test_lost_by_one_that_is_no_more(acs, run, two, spool):
    """Nobody else can know: its own account sends it again, as on_lost_reply says."""
    second = acs(senders=(OTHER,), faults=(Fault("body", action="close", times=1),))
    first = acs(faults=(Fault("connect", reply="421 later", times=1),))
    ini = two(first, second, delivery=spool)
    assert run(["-C", ini, "-t"], input=HELLO).status == OK
    text = open(ini).read().replace("[account second]", "[account third]")
    open(ini, "w").write(text)
    result = run(["-C", ini, "-q"])
    assert result.status == CONFIG and 'failover: there is no account "second"' in result.stderr
    assert len(list(spool["spool"].glob("*.env"))) == 1
    open(ini, "w").write(text.replace("failover = second", "failover = third"))
    for file in spool["spool"].glob("accounts/*"):
        file.unlink()
    assert run(["-C", ini, "-q"]).status == OK
    assert (len(bodies(first)), len(bodies(second))) == (1, 0)


def test_a_quota_is_waited_for(acs, run, two, second, spool):
    first = acs(per_hour=1)
    ini = two(first, second, rate_per_hour=1, delivery=spool)
    for _ in range(2):
        assert run(["-C", ini, "-t"], input=HELLO).status == OK
    run(["-C", ini, "-q"])
    assert (len(bodies(first)), len(bodies(second))) == (1, 0)
    # Its time is over.
    ini2 = two(first, second, rate_per_hour=1, failover_after=1, delivery=spool)
    entry, = spool["spool"].glob("*.env")
    text = entry.read_text().replace(f"config {ini}", f"config {ini2}")
    text = text[:text.rindex("end ")]
    entry.write_text(text + "end %016x\n" % checksum(text.encode()))
    wait_until(lambda: run(["-C", ini2, "-q"]) and bodies(second), "it goes by the second")
    assert (len(bodies(first)), len(bodies(second))) == (1, 1)


def test_at_once(acs, run, two, second, spool):
    ini = two(acs(), second, rate_per_hour=1, failover_after=0, delivery=spool)
    for _ in range(3):
        assert run(["-C", ini, "-t"], input=HELLO).status == OK
    assert len(bodies(second)) == 2


def test_the_first_comes_back(acs, run, two, second, spool):
    """A pause is the account's: while it lasts nobody waits for it."""
    first = acs(faults=(Fault("connect", reply="421 later", times=1),))
    ini = two(first, second, delivery=spool)
    for _ in range(3):
        assert run(["-C", ini, "-t"], input=HELLO).status == OK
    assert (len(first.sessions), len(bodies(second))) == (1, 3)
    state, = spool["spool"].glob(f"accounts/*{first.port}*")
    state.unlink()
    assert run(["-C", ini, "-t"], input=HELLO).status == OK
    assert (len(bodies(first)), len(bodies(second))) == (1, 3)


# --- the settings

@pytest.mark.parametrize("text, line, words", [
    ("failover = test\n", 1, "itself"), ("failover = TEST\n", 1, "itself"),
    ("failover = third\n", 1, 'no account "third"'),
    ("failover = second\n[account second]\nhost = h\nfrom = a@example.org\nfailover = test\n", 1,
     "circle"),
    ("failover = second\n[account second]\nhost = h\nfailover = third\n"
     "[account third]\nhost = h\nfailover = second\n", 4, "circle"),
    ("failover_after = soon\n", 1, "10m"),
])
def test_makes_no_sense(run, home, text, line, words):
    ini = home / "bad.ini"
    ini.touch(0o600)
    ini.write_text("[account test]\nhost = h\nfrom = a@example.org\n" + text)
    for args in (["-C", ini, "-t"], ["-C", ini, "-bp"]):
        result = run(args, input=HELLO)
        assert result.status == CONFIG
        assert f"{ini}, line {line + 3}" in result.stderr and words in result.stderr


def test_for_all_in_the_defaults(run, home):
    """Those that are named there have none."""
    ini = home / "one.ini"
    ini.write_text("[defaults]\nfailover = second, third\nfailover_after = 90m\n"
                   "default_account = test\n"
                   "[account test]\nhost = h\n[account second]\nhost = h\n"
                   "[account third]\nhost = h\n")
    shown = run(["account", "show", "--config", ini], program="acsmtp").stdout
    assert "\nfailover = second, third\n" in shown and "\nfailover_after = 90m\n" in shown
    shown = run(["account", "show", "second", "--config", ini], program="acsmtp").stdout
    assert "\nfailover =\n" in shown


# --- who is told

def test_who_sends_now(acs, run, two, second, spool):
    """check, explain and the entry of what waits for the second one."""
    first = acs(faults=(Fault("connect", reply="421 4.3.2 closed", times=1),))
    refusing = acs(senders=(OTHER,), faults=(Fault("rcpt", reply="451 4.2.1 full"),))
    ini = two(first, refusing, delivery=spool)
    explain = run(["explain", "-C", ini, "-t"], input=HELLO, program="acsmtp")
    assert f"failover: second, at localhost:{refusing.port}" in explain.stdout
    assert "sends now" not in explain.stdout
    assert run(["-C", ini, "-t"], input=HELLO).status == OK
    explain = run(["explain", "-C", ini, "-t"], input=HELLO, program="acsmtp")
    assert re.search("sends now: second, because .*421 4.3.2 closed", explain.stdout)
    checked = run(["check", "--config", ini], program="acsmtp")
    assert "second sends its mail for now" in checked.stdout
    entry, = spool["spool"].glob("*.env")
    shown = run(["queue", "show", entry.stem, "--config", ini], program="acsmtp")
    assert "by account second: " in shown.stdout and "421 4.3.2 closed" in shown.stdout
    assert '"by": "second"' in run(["queue", "show", entry.stem, "--json", "--config", ini],
                                   program="acsmtp").stdout.replace('":"', '": "')


def test_moved_by_a_person(acs, run, two, second, spool):
    """Whatever has tried it: it is the other account's from then on."""
    first = acs(faults=(Fault("rcpt", reply="451 4.2.1 full"),))
    ini = two(first, second, delivery=spool)
    assert run(["-C", ini, "-t"], input=HELLO).status == OK
    entry, = spool["spool"].glob("*.env")
    result = run(["queue", "move", entry.stem, "--account", "second", "--config", ini],
                 program="acsmtp")
    assert result.status == OK, result.stderr
    wait_until(lambda: run(["-C", ini, "-q"]) and bodies(second), "it goes by the second")
    result = run(["queue", "move", entry.stem, "--account", "nobody", "--config", ini],
                 program="acsmtp")
    assert result.status == CONFIG and "nobody" in result.stderr


@pytest.fixture
def daemon_of_two(daemon, pki):
    """With an account whose server is away, and `server` to fail over to."""
    def make(server):
        d = daemon(None, start=False)
        log = d.top / "log"
        log.touch(0o600)
        if d.is_root:
            shutil.chown(log, KEEPER)
        # What stands behind the last setting of its account are sections of their own.
        d.keys["failover"] = f"""second
[account second]
host = {server.host}
port = {server.port}
tls_fingerprint = {pki.fingerprint("good")}
user = {server.options.user}
password = "{server.options.password}"
from = {OTHER}
log = {log}
[defaults]
default_account = test"""
        d.write()
        assert d.start()
        with Local(d.socket) as client:
            client.sendmail("me@contoso.com", ["b@example.org"], text())
        return d

    return make


def test_by_the_daemon(second, daemon_of_two):
    """Its keeper works on the queue as every runner does, and its log says who sends and why."""
    d = daemon_of_two(second)
    line = wait_until(lambda: sent_lines((d.top / "log").read_text()), "it is logged")[0]
    assert second.message.sender == OTHER
    assert "account=second" in line and "instead-of=test" in line and "because=" in line


def test_what_the_daemon_keeps(acs, daemon_of_two, run):
    refusing = acs(senders=(OTHER,), faults=(Fault("rcpt", reply="451 4.2.1 full"),))
    d = daemon_of_two(refusing)
    config = ["--config", d.config]
    shown = wait_until(lambda: re.search("by account second: .*", run(
        ["queue", "show", *id_of(run, config), *config], program="acsmtp").stdout), "it is shown")
    assert "no connection" in shown[0]


def id_of(run, config):
    listed = run(["queue", "list", "--json", *config], program="acsmtp").stdout
    return re.findall(r'"id": ?"(\w+)"', listed)
