# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets that need no setting, the commands about them, and where a secret must not stay."""

import base64
import os
import pty
import re
import select
import signal
import subprocess
import termios
from pathlib import Path

import pytest

from helpers.program import environment, installed
from emulator.faults import Fault
from helpers.ports import closed_port
from helpers.waiting import wait_for

MESSAGE = "From: DoNotReply@contoso.com\nTo: a@example.org\n\nbody\n"
PASSWORD = "correct horse; battery#staple"
STATUS_OK, STATUS_USAGE, STATUS_DATA, STATUS_UNAVAILABLE = 0, 64, 65, 69
STATUS_SECRET, STATUS_CONFIG = 77, 78
HAS_KEYRING = pytest.mark.skipif(
    "ACSMTP_PREFIX" in os.environ and not installed("keyring").exists(),
    reason="built without libsecret")


def write_private(path, text):
    path.touch(0o600)
    path.write_text(text)
    return path


def netrc(password=PASSWORD, user="contoso-smtp"):
    return f'machine localhost login {user} password "{password}"\n'


# --- systemd's credentials, ~/.netrc

@pytest.mark.parametrize("name", ["acsmtp.test", "acsmtp"])
def test_credential(acs, run, config, home, name):
    server = acs()
    write_private(home / name, PASSWORD + "\n")
    write_private(home / ".netrc", netrc("wrong"))
    result = run(["-C", config(server, password=None), "-t"], input=MESSAGE,
                 env={"CREDENTIALS_DIRECTORY": home})
    assert (result.status, result.stderr) == (STATUS_OK, "")
    assert server.message.accepted


def test_netrc(acs, send, home):
    server = acs()
    write_private(home / ".netrc", netrc("wrong", "somebody") + netrc())
    result = send(server, MESSAGE, password=None)
    assert (result.status, result.stderr) == (STATUS_OK, "")
    assert server.message.accepted


def test_netrc_that_others_can_read(acs, send, home):
    server = acs()
    write_private(home / ".netrc", netrc()).chmod(0o644)
    result = send(server, MESSAGE, password=None)
    assert result.status == STATUS_CONFIG
    assert "netrc: it holds a secret and others can read it (mode 0644)" in result.stderr
    assert PASSWORD not in result.stderr
    assert server.sessions == []


def test_every_source_says_why(acs, send, home):
    write_private(home / ".netrc", netrc(user="somebody"))
    result = send(acs(), MESSAGE, password=None, keyring="off")
    assert result.status == STATUS_CONFIG
    for says in ("no password was found", "there is no systemd credential",
                 "the keyring is switched off", "~/.netrc has no password for login contoso-smtp",
                 "there is no terminal", "set password, password_file or password_command"):
        assert says in result.stderr
    assert result.stderr.count("\n") == 1


# --- the terminal

class Terminal:
    """The program with a controlling terminal of its own, whose other end we hold."""

    def __init__(self, command, env, stdin=None):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # Whoever runs the tests may have some ignored, as nohup does.
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGTSTP, signal.SIGHUP):
                signal.signal(number, signal.SIG_DFL)
            if stdin:
                os.dup2(os.open(stdin, os.O_RDONLY), 0)
            os.execve(command[0], [str(word) for word in command], env)
        self.seen = b""
        self.status = None

    def read_until(self, text):
        def found():
            if select.select([self.fd], [], [], 0)[0]:
                try:
                    self.seen += os.read(self.fd, 4096)
                except OSError:     # its last process has ended
                    return True
            return text.encode() in self.seen
        assert wait_for(found), self.seen
        assert text.encode() in self.seen, self.seen

    def type(self, text):
        os.write(self.fd, text.encode())

    def echoes(self):
        return bool(termios.tcgetattr(self.fd)[3] & termios.ECHO)

    def end(self):
        def has_ended():
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
            return pid
        assert wait_for(has_ended), self.seen
        try:
            while select.select([self.fd], [], [], 0)[0]:
                self.seen += os.read(self.fd, 4096)
        except OSError:
            pass
        return os.waitstatus_to_exitcode(self.status)

    def close(self):
        if self.status is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def terminal(home):
    opened = []

    def open_one(program, *args, stdin=None, env=None):
        opened.append(Terminal([str(installed(program)), *args], environment(home, env), stdin))
        return opened[-1]
    yield open_one
    for one in opened:
        one.close()


QUESTION = "Password of contoso-smtp at localhost: "


def ask(acs, config, terminal, home):
    server = acs()
    message = write_private(home / "message", MESSAGE)
    screen = terminal("sendmail", "-C", config(server, password=None, keyring="off"), "-t",
                      stdin=message)
    screen.read_until(QUESTION)
    assert not screen.echoes()
    return server, screen


def test_terminal(acs, config, terminal, home):
    """The message is on standard input, the answer on the terminal, which shows nothing."""
    server, screen = ask(acs, config, terminal, home)
    screen.type(PASSWORD + "\n")
    assert screen.end() == STATUS_OK, screen.seen
    assert b"battery" not in screen.seen
    assert server.message.data.endswith(b"\r\n\r\nbody\r\n")


def test_nothing_typed(acs, config, terminal, home):
    server, screen = ask(acs, config, terminal, home)
    screen.type("\n")
    assert screen.end() == STATUS_SECRET
    assert b"terminal: nothing was typed" in screen.seen
    assert server.sessions == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_echo_comes_back(acs, config, terminal, home, number):
    server, screen = ask(acs, config, terminal, home)
    os.kill(screen.pid, number)
    assert screen.end() == -number
    assert server.sessions == []
    assert screen.echoes()


def test_stopped_and_continued(acs, config, terminal, home):
    """It asks again. A leader of a session as here is not stopped, but told so."""
    server, screen = ask(acs, config, terminal, home)
    screen.seen = b""
    os.kill(screen.pid, signal.SIGTSTP)
    screen.read_until(QUESTION)
    assert not screen.echoes()
    screen.type(PASSWORD + "\n")
    assert screen.end() == STATUS_OK, screen.seen
    assert server.message.accepted


# What a shell behind the program would take for a command.
THEN_READ = """
sh -c 'echo "pid $$."; exec "$@"' sh "$@" < "$MESSAGE"
echo "status $?."
stty -icanon -echo min 0 time 10 < /dev/tty
echo "left [$(dd bs=1000 count=1 < /dev/tty 2> /dev/null)]."
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM])
def test_half_a_password_is_nobody_elses(acs, config, home, number):
    server = acs()
    message = write_private(home / "message", MESSAGE)
    screen = Terminal(["/bin/sh", "-c", THEN_READ, "sh", installed("sendmail"), "-C",
                       config(server, password=None, keyring="off"), "-t"],
                      environment(home, {"MESSAGE": message}))
    try:
        screen.read_until(QUESTION)
        pid = int(re.search(rb"pid (\d+)\.", screen.seen)[1])
        assert wait_for(lambda: not screen.echoes())
        screen.type("batt")
        os.kill(pid, number)
        screen.read_until("].")
        assert f"status {128 + number}.".encode() in screen.seen
        assert b"left []." in screen.seen
        assert b"batt" not in screen.seen
    finally:
        screen.close()


def test_terminal_without_standard_error(acs, config, terminal, home):
    """A program that fills the screen, as mutt does, is not written over."""
    server = acs()
    message = write_private(home / "message", MESSAGE)
    script = f'exec {installed("sendmail")} "$@" 2> {home}/said'
    screen = Terminal(["/bin/sh", "-c", script, "sh", "-C",
                       config(server, password=None, keyring="off"), "-t"],
                      environment(home, None), message)
    try:
        assert screen.end() == STATUS_CONFIG
        assert b"Password" not in screen.seen
        assert "there is no terminal to ask on" in (home / "said").read_text()
    finally:
        screen.close()


# --- acsmtp password, acsmtp account

def test_password_test(run, config, home):
    def test(**keys):
        return run(["password", "test", "--config", config(**keys)], program="acsmtp")
    result = test()
    assert (result.status, result.stdout) == (STATUS_OK, "account test: 29 bytes from password\n")
    result = test(password=None, password_command="printf hunter2")
    assert result.stdout == "account test: 7 bytes from password_command\n"
    result = test(password=None, auth="xoauth2", token_command="printf token")
    assert result.stdout == "account test: 5 bytes from token_command\n"
    write_private(home / ".netrc", netrc())
    result = test(password=None, keyring="off")
    assert result.stdout == "account test: 29 bytes from netrc\n"
    result = test(password=None, password_command="exit 1")
    assert (result.status, result.stdout) == (STATUS_SECRET, "")
    assert "account test: password_command: " in result.stderr
    result = test(auth="off")
    assert result.status == STATUS_CONFIG and "needs no secret" in result.stderr


def test_built_with_it_or_without(run, config):
    """The program tells which; its own libraries are the same, and few: GnuTLS comes later."""
    is_built = installed("keyring").exists()
    result = run(["password", "set", "--config", config(password=None)], input="x",
                 program="acsmtp")
    assert result.status == (STATUS_SECRET if is_built else STATUS_UNAVAILABLE)
    assert ("built without the keyring" in result.stderr) == (not is_built)
    linked = subprocess.run(["ldd", installed("acsmtp")], capture_output=True, text=True,
                            check=True).stdout
    assert "libiniparser" in linked
    assert not any(name in linked for name in ("libsecret", "libglib", "libgnutls"))


@HAS_KEYRING
@pytest.mark.parametrize("keys, text, status, says", [
    ({"keyring": "off"}, PASSWORD, STATUS_CONFIG, "keyring is switched off"),
    ({"user": None}, PASSWORD, STATUS_CONFIG, "`user` is missing"),
    ({}, "", STATUS_DATA, "nothing is on its first line"),
    ({}, "\n" + PASSWORD, STATUS_DATA, "nothing is on its first line"),
    ({}, "x" * 12289, STATUS_DATA, "longer than 12288 bytes"),
    ({}, PASSWORD, STATUS_SECRET, "session bus cannot be reached"),
])
def test_keyring_set_fails(run, config, keys, text, status, says):
    result = run(["password", "set", "--config", config(**{"password": None, **keys})],
                 input=text, program="acsmtp")
    assert result.status == status
    assert "account test: " in result.stderr and says in result.stderr
    assert PASSWORD not in result.stderr


@HAS_KEYRING
def test_keyring_set_asks_on_a_terminal(config, terminal, session_bus):
    session_bus.fake(default=False)
    screen = terminal("acsmtp", "password", "set", "--config", config(password=None),
                      env={"DBUS_SESSION_BUS_ADDRESS": session_bus.address})
    screen.read_until(QUESTION)
    assert not screen.echoes()
    screen.type(PASSWORD + "\n")
    # There is no keyring to make one in, so this is how far it comes.
    assert screen.end() != STATUS_OK
    assert "ReadAlias" in session_bus.calls
    assert b"battery" not in screen.seen


@pytest.mark.parametrize("words", [["password"], ["password", "guess"], ["account"],
                                   ["password", "test", "one", "two"], ["account", "list", "x"]])
def test_usage(run, words):
    result = run(words, program="acsmtp")
    assert result.status == STATUS_USAGE
    assert words[0] in result.stderr


TWO = """
[account second]
host = mail.example.org
user = other
password_command = 'pass show "mail"; true'

[defaults]
default_account = second
"""


def test_account_list(run, config):
    result = run(["account", "list", "--config", config(extra=TWO)], program="acsmtp")
    assert result.status == STATUS_OK, result.stderr
    assert result.stdout == (
        "test\tcontoso-smtp at localhost:587\tDoNotReply@contoso.com\t\n"
        "second\tother at mail.example.org:587\t\tdefault\n")


def test_account_show(run, config):
    path = config(extra=TWO)
    result = run(["account", "show", "--config", path, "test"], program="acsmtp")
    assert result.status == STATUS_OK, result.stderr
    assert result.stdout.startswith("[account test]\n")
    for line in ("host = localhost", "port = 587", "tls = starttls", "keyring = on",
                 "; password is set, and not shown", "password_command ="):
        assert f"\n{line}\n" in result.stdout
    assert PASSWORD not in result.stdout and "battery" not in result.stdout
    result = run(["account", "show", "--config", path], program="acsmtp")
    assert "\npassword_command = 'pass show \"mail\"; true'\n" in result.stdout
    order = re.findall(r"^;   (\w+) +(\w+)", result.stdout, re.M)
    assert [name for name, _ in order] == ["password", "password_file", "password_command",
                                           "credential", "keyring", "netrc", "terminal"]
    assert dict(order)["password_command"] == "yes" and dict(order)["netrc"] == "no"


def test_account_show_is_a_file(run, config, home):
    """What is shown can be used as it is."""
    path = config(extra=TWO, from_name="a; b # c")
    shown = run(["account", "show", "--config", path, "test"], program="acsmtp")
    again = run(["account", "show", "--config",
                 write_private(home / "again", shown.stdout)], program="acsmtp")
    assert again.status == STATUS_OK, again.stderr
    assert "from_name = \"a; b # c\"\n" in again.stdout
    assert (again.stdout.replace("password is not set", "password is set, and not shown")
            .split("\n\n")[0] == shown.stdout.split("\n\n")[0])


# --- where a secret must not stay

def shapes(user="contoso-smtp"):
    plain = PASSWORD.encode()
    return [plain, base64.b64encode(plain), base64.b64encode(b"\0" + user.encode() + b"\0" + plain)]


def memory_of(pid):
    """Each mapping's flags and bytes."""
    header = re.compile(r"^([0-9a-f]+)-([0-9a-f]+) (\S+)")
    mappings = []
    for line in Path(f"/proc/{pid}/smaps").read_text().splitlines():
        match = header.match(line)
        if match:
            mappings.append([int(match[1], 16), int(match[2], 16), match[3], ""])
        elif line.startswith("VmFlags:"):
            mappings[-1][3] = line.split(":")[1].split()
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        for begin, end, rights, flags in mappings:
            if "r" not in rights:
                continue
            try:
                memory.seek(begin)
                yield flags, memory.read(end - begin)
            except (OSError, OverflowError):     # vvar, vsyscall
                continue


def from_keyring(home, bus):
    bus.fake([{"attributes": {"host": "localhost", "service": "smtp", "user": "contoso-smtp"},
               "secret": PASSWORD}])
    return {}


SOURCES = {
    "password": lambda home, bus: {"password": PASSWORD},
    "password_file": lambda home, bus: {"password_file": write_private(home / "pw", PASSWORD)},
    "password_command": lambda home, bus: {
        "password_command": f"cat {write_private(home / 'pw', PASSWORD)}"},
    "credential": lambda home, bus: write_private(home / "acsmtp", PASSWORD) and {},
    "keyring": from_keyring,
    "netrc": lambda home, bus: write_private(home / ".netrc", netrc()) and {"keyring": "off"},
}


@pytest.fixture(params=SOURCES)
def source(request, home, session_bus):
    """The settings for a source, and the environment."""
    if request.param == "keyring" and not installed("keyring").exists():
        pytest.skip("built without libsecret")
    keys = SOURCES[request.param](home, session_bus)
    return {"password": None, **keys}, {"DBUS_SESSION_BUS_ADDRESS": session_bus.address,
                                        "CREDENTIALS_DIRECTORY": home}


@pytest.fixture
def paused(acs, config, home, source):
    """The mailer while the server keeps it waiting after the login."""
    keys, extra = source
    server = acs(faults=(Fault("mail", action="silence"),))
    message = write_private(home / "message", MESSAGE)
    with message.open() as file, subprocess.Popen(
            [installed("sendmail"), "-C", config(server, timeout=60, **keys), "-t"],
            stdin=file, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env=environment(home, extra)) as process:
        try:
            assert wait_for(lambda: server.sessions and server.sessions[0].user), \
                "it did not log in"
            yield process
        finally:
            process.kill()


def test_memory_of_the_secret(paused):
    """In the buffer that is left out of cores, and nowhere else."""
    if os.geteuid() != 0:
        with pytest.raises(PermissionError):
            Path(f"/proc/{paused.pid}/mem").read_bytes()
        return
    guarded = 0
    for flags, content in memory_of(paused.pid):
        if "dd" in flags:
            guarded += content.count(shapes()[0])
            continue
        for shape in shapes():
            assert shape not in content, f"the secret is in memory of the kind {flags}"
    assert guarded > 0, "it is not where it must be, so this test sees nothing"


def waits_in(pid, *places):
    """Whether it sleeps in one of these places of the kernel."""
    place = Path(f"/proc/{pid}/wchan").read_text()
    return any(one in place for one in places)


NEEDS_NONE = {
    "mailq": ("mailq", []),
    "queue-list": ("acsmtp", ["queue", "list"]),
    "queue-list-json": ("acsmtp", ["queue", "list", "--json"]),
    "queue-show": ("acsmtp", ["queue", "show", "*@example.org"]),
    "account-list": ("acsmtp", ["account", "list"]),
    "account-show": ("acsmtp", ["account", "show"]),
    "explain": ("acsmtp", ["explain", "-t"]),
    "verify": ("sendmail", ["-bv", "a@example.org"]),
    "newaliases": ("newaliases", []),
}


@pytest.fixture
def usual(config, home, tmp_path, run):
    """The usual file has a password, and a message waits whose server is away."""
    path = home / ".config/acsmtp.ini"
    path.parent.mkdir()
    with closed_port() as port:
        given = config(password=PASSWORD, port=port, log=home / "log",
                       extra="[delivery]\nqueue = on\naliases = /etc/hosts.none\n"
                       f"spool = {tmp_path}/spool\n")
        write_private(path, Path(given).read_text())
        result = run(["-odq", "-t"], input=MESSAGE)
        assert (result.status, result.stderr) == (STATUS_OK, "")
        yield path


def assert_forgotten(pid):
    seen = 0
    for flags, content in memory_of(pid):
        # What it has read is there, or it was not looked at in time.
        seen += content.count(b"DoNotReply@contoso.com")
        for shape in [*shapes(), b"battery#staple"]:
            assert shape not in content, f"the secret is in memory of the kind {flags}"
    assert seen > 0, "the settings are not there, so this test sees nothing"


@pytest.mark.as_root    # who looks into the memory of others
@pytest.mark.parametrize("command", NEEDS_NONE)
def test_who_needs_no_secret_has_none(command, usual, full_pipe, home):
    """Nobody reads what it prints, so it is there to look at, with all that it has read."""
    program, words = NEEDS_NONE[command]
    with subprocess.Popen([installed(program), *words], stdout=full_pipe, stderr=full_pipe,
                          stdin=subprocess.PIPE, env=environment(home, None)) as process:
        try:
            process.stdin.write(MESSAGE.encode())
            process.stdin.close()
            assert wait_for(lambda: waits_in(process.pid, "pipe"))
            assert_forgotten(process.pid)
        finally:
            process.kill()


@pytest.mark.as_root    # who looks into the memory of others
@pytest.mark.parametrize("options", [["-odq"], ["-odb"], ["-odi"], ["-bs"]])
def test_no_secret_while_a_message_comes(options, usual, home):
    """It has its settings, and waits for the rest; also where it logs in afterwards."""
    with subprocess.Popen([installed("sendmail"), *options, "a@example.org"],
                          stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL, env=environment(home, None)) as process:
        try:
            process.stdin.write(b"EHLO x\r\n" if options == ["-bs"] else MESSAGE.encode())
            process.stdin.flush()
            assert wait_for(lambda: waits_in(process.pid, "pipe", "poll"))
            assert_forgotten(process.pid)
        finally:
            process.kill()


@pytest.mark.as_root    # who looks into the memory of others
def test_who_leads_the_runner_has_no_secret(usual, home):
    """It stays as long as mail waits; those who log in are processes of their own."""
    with subprocess.Popen([installed("acsmtp"), "queue", "run", "--background"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                          env=environment(home, None)) as process:
        try:
            assert wait_for(lambda: "no connection" in (home / "log").read_text())
            assert_forgotten(process.pid)
        finally:
            process.terminate()


def test_secret_in_files(acs, run, config, home, source, tmp_path):
    keys, extra = source
    server = acs()
    before = set(tmp_path.rglob("*"))
    result = run(["-C", config(server, log=home / "log", tls_session_cache="on", **keys), "-tv",
                  "-X", home / "transcript"], input=MESSAGE, env=extra)
    assert result.status == STATUS_OK, result.stderr
    written = [path for path in tmp_path.rglob("*") if path.is_file() and path not in before
               and path.suffix != ".ini"]
    assert {"log", "transcript"} <= {path.name for path in written}
    for content in (result.stdout.encode(), result.stderr.encode(),
                    *(path.read_bytes() for path in written)):
        for shape in shapes():
            assert shape not in content
