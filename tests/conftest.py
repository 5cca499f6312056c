# SPDX-License-Identifier: GPL-3.0-or-later
"""Fixtures: certificates, the emulated service, an ini file, and the installed program.

    def test_sends(acs, send):
        server = acs(without="CHUNKING")
        result = send(server, "To: a@example.org\\n\\nHello\\n")
        assert result.status == 0, result.stderr
        assert server.message.recipients == ["a@example.org"]
"""

import os
import re
import signal
import subprocess

import pytest

from emulator.auth import shows_secret
from emulator.client import Client
from emulator.identity import Identity
from emulator.options import Options
from emulator.pki import Pki
from emulator.proxy import Proxy
from emulator.server import Emulator
from helpers.bus import SessionBus
from helpers.daemon import Daemon
from helpers.program import Result, environment, installed, make_reachable, text_of
from helpers.queue import Queue


@pytest.fixture(scope="session")
def pki(tmp_path_factory):
    """Roots, intermediates and leaves; see emulator/pki.py."""
    directory = tmp_path_factory.mktemp("pki")
    make_reachable(directory)       # the keys in it stay private
    directory.chmod(0o755)
    return Pki(directory)


def pytest_configure(config):
    # Whoever runs the tests in the background may have these ignored; what the tests start
    # must not inherit that.
    for number in signal.SIGINT, signal.SIGQUIT, signal.SIGHUP:
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT
                          else signal.SIG_DFL)
    config.addinivalue_line("markers", "as_root: of things that root alone can do")
    config.addinivalue_line("markers", "as_user: of things that are otherwise for root")


def pytest_collection_modifyitems(config, items):
    """What is about root or about an ordinary user is no test for the other one; the step
    e2e_user runs what the step e2e leaves out."""
    other = "as_user" if os.geteuid() == 0 else "as_root"
    left_out = [item for item in items if item.get_closest_marker(other)]
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in left_out]


# --- the service

@pytest.fixture
def acs(pki):
    """acs(**options) starts an Emulator. What the client did wrong fails the test at its
    end, unless the test sets the emulator's violations_expected."""
    running = []

    def start(**options):
        emulator = Emulator(Options(**options), pki)
        running.append(emulator)
        emulator.start()
        return emulator

    yield start
    for emulator in running:
        emulator.stop()
    for emulator in running:
        assert emulator.failures == [], "the emulator itself failed"
        if not emulator.violations_expected:
            assert emulator.violations == [], "the client broke the protocol"
        for session in emulator.sessions:
            assert not shows_secret(session.cleartext, emulator.options), \
                "the password or the token went out in clear text"


@pytest.fixture
def client(pki):
    """client(emulator) -> a Client for the tests of the emulator itself."""
    clients = []

    def connect(emulator, **tls):
        clients.append(Client(emulator, pki, **tls))
        return clients[-1]

    yield connect
    for one in clients:
        one.socket.close()


@pytest.fixture
def identity(pki):
    """identity(**options) starts those who give tokens: see emulator/identity.py."""
    running = []

    def start(**options):
        running.append(Identity(pki, **options).start())
        return running[-1]

    yield start
    for one in running:
        one.stop()
    for one in running:
        assert one.failures == [], "the emulator itself failed"
        if not one.violations_expected:
            assert one.violations == [], "an assertion was not as it must be"


@pytest.fixture
def proxy():
    """proxy(kind, **options) starts one: see emulator/proxy.py."""
    running = []

    def start(kind, **options):
        running.append(Proxy(kind, **options).start())
        return running[-1]

    yield start
    for one in running:
        one.stop()
    for one in running:
        assert one.failures == [], "the proxy itself failed"


# --- the program

@pytest.fixture
def home(tmp_path):
    """The home directory of what `run` runs, for its ini files and its caches."""
    directory = tmp_path / "home"
    directory.mkdir(mode=0o700)
    return directory


@pytest.fixture
def run(home):
    """run(args, input=b"", env=None, timeout=60, program="sendmail") -> Result.

    The environment is a clean one; `env` adds to it, and None as a value takes away.
    """
    def run_program(args, input=b"", env=None, timeout=60, program="sendmail"):
        path = str(installed(program))
        if isinstance(input, str):
            input = input.encode("utf-8", "surrogateescape")
        command = [path, *map(os.fspath, args)]
        try:
            done = subprocess.run(command, input=input, capture_output=True, check=False,
                                  timeout=timeout, env=environment(home, env), cwd=home)
        except subprocess.TimeoutExpired as late:
            pytest.fail(f"{command} still ran after {timeout} s;\nstdout: {late.stdout}\n"
                        f"stderr: {late.stderr}", pytrace=False)
        return Result(done.returncode, text_of(done.stdout), text_of(done.stderr))

    return run_program


@pytest.fixture
def session_bus():
    """A session bus of its own; session_bus.fake(...) is a keyring on it."""
    bus = SessionBus()
    yield bus
    bus.stop()


# --- the daemon

@pytest.fixture
def daemon(pki):
    made = []

    def make(server=None, extra="", start=True, **more):
        one = Daemon(pki, server, extra, **more)
        made.append(one)
        if start:
            assert one.start(), one.process.stderr.read().decode()
        return one

    yield make
    for one in made:
        one.close()


# --- its configuration

@pytest.fixture
def config(pki, tmp_path):
    """config(emulator or None, account="test", extra="", **keys) -> path of an ini file.

    A key with the value None is left out; `extra` is appended as it is. Values with a
    blank, ";" or "#" are put in double quotes.
    """
    count = 0

    def write(emulator=None, account="test", extra="", **keys):
        nonlocal count
        count += 1
        settings = {
            "host": "localhost",
            "tls_ca_file": pki.ca,
            "user": "contoso-smtp",
            "password": Options.password,
            "from": "DoNotReply@contoso.com",
            "log": "off",
            "timeout": 10,
            "tls_session_cache": "off",
        }
        if emulator is not None:
            settings.update(host=emulator.host, port=emulator.port,
                            user=emulator.options.user,
                            password=emulator.options.password)
        # "from" is a word of Python's, so from_="..." will do for it.
        settings.update((key.removesuffix("_"), value) for key, value in keys.items())
        lines = [f"[account {account}]"]
        lines += [f"{key} = {quoted(key, value)}" for key, value in settings.items()
                  if value is not None]
        path = tmp_path / f"acsmtp-{count}.ini"
        path.touch(mode=0o600)
        path.write_text("\n".join(lines) + "\n" + with_standard(extra), encoding="utf-8",
                        errors="surrogateescape")
        return str(path)

    return write


# In [delivery], where the test says nothing else: this machine's own aliases and its queue
# must not decide what a test sees, nor a runner outlive it.
STANDARD = {"aliases": "off", "queue": "off", "background": "off"}


def with_standard(extra):
    missing = "".join(f"{key} = {value}\n" for key, value in STANDARD.items()
                      if not re.search(rf"(?m)^{key} *=", extra))
    if "[delivery]\n" in extra:
        return extra.replace("[delivery]\n", "[delivery]\n" + missing)
    return extra + "\n[delivery]\n" + missing


def quoted(key, value):
    value = str(value)
    if value.startswith('"') or not (key == "password" or re.search(r"[;#\s]", value)):
        return value
    return f'"{value}"'


@pytest.fixture
def send(run, config):
    """send(emulator, message, *args, **keys): sendmail -C config(emulator, **keys) args.

    Without arguments "-t" is meant.
    """
    def send_message(emulator, message, *args, **keys):
        return run(["-C", config(emulator, **keys), *(args or ["-t"])], input=message)

    return send_message


# --- its queue

@pytest.fixture
def queued(run, config, tmp_path):
    """queued(server, delivery={...}, **keys) -> a Queue with a configuration of its own;
    see helpers/queue.py. Unless told otherwise nothing runs in the background, and the account
    has sent mail before."""
    queues = []

    def make(server=None, delivery=None, proven=True, **keys):
        queue = Queue(tmp_path / f"spool-{len(queues)}", run, config)
        queues.append(queue)
        queue.configure(server, delivery, **keys)
        if proven:
            queue.has_sent(keys.get("account", "test"))
        return queue

    yield make
    for queue in queues:
        queue.close()


@pytest.fixture
def full_pipe():
    """The end to write to of a pipe that takes no more."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    try:
        while os.write(write, b"x" * 4096):
            pass
    except BlockingIOError:
        os.set_blocking(write, True)
    yield write
    os.close(read)
    os.close(write)
