# SPDX-License-Identifier: GPL-3.0-or-later
"""What commands say and do where a daemon sends: its status and its door."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from helpers.daemon import KEEPER, PATIENCE, Local
from helpers.ports import port_for_us
from helpers.program import environment, installed
from helpers.waiting import wait_until

# --- acsmtp daemon status, and where clients come


@contextlib.contextmanager
def keeper_alone(d):
    """Nobody has started a door for it."""
    with subprocess.Popen([installed("acsmtp"), "daemon", "--keeper", "-C", d.config],
                          stderr=subprocess.DEVNULL, env=environment(d.home, None)) as keeper:
        wait_until((d.top / "run/keeper").exists, "the keeper is there")
        try:
            yield
        finally:
            keeper.terminate()


def test_a_door_that_is_there(daemon):
    port = port_for_us()
    d = daemon(extra=f"listen = 127.0.0.1:{port}\nmax_clients_per_user = 1\n")
    places = [str(d.socket), f"127.0.0.1:{port}"]
    assert d.status()["doors"] == [{"at": at, "answers": True, "why": None} for at in places]
    said = d.run("status")
    assert all(f"clients are served at {at}\n" in said.stdout for at in places)
    metrics = d.run("status", "--prometheus").stdout
    assert "acsmtp_up 1\n" in metrics
    assert all(f'acsmtp_door_up{{at="{at}"}} 1\n' in metrics for at in places)
    d.wait_for_nobody()
    # It lives, though this one cannot come in now.
    with Local(d.socket):
        told = d.status()
    assert told["problem"] is None and told["doors"][0]["answers"] is True
    assert "421 4.7.0 you are here too often" in told["doors"][0]["why"]


def test_no_door(daemon):
    port = port_for_us()
    d = daemon(extra=f"listen = 127.0.0.1:{port}\n", start=False)
    with keeper_alone(d):
        done = d.run("status")
        assert done.returncode == 75 and "0 messages wait" in done.stdout
        assert (f"nobody serves clients at {d.socket}, nor at 1 more of 2 places: "
                "No such file or directory; start it anew") in done.stderr
        done = d.run("status", "--json")
        told = json.loads(done.stdout)
        assert done.returncode == 75 and told["problem"] in done.stderr
        assert told["doors"] == [
            {"at": str(d.socket), "answers": False, "why": "No such file or directory"},
            {"at": f"127.0.0.1:{port}", "answers": False, "why": "Connection refused"}]
        done = d.run("status", "--prometheus")
        assert done.returncode == 75 and "acsmtp_up 1\n" in done.stdout
        assert f'acsmtp_door_up{{at="127.0.0.1:{port}"}} 0\n' in done.stdout


@pytest.mark.parametrize("greeting, status", [("421 4.3.2 no keeper", 75), ("421 4.7.1 not you", 0),
                                              ("", 75), ("nonsense", 75)])
def test_a_door_that_serves_nobody(daemon, greeting, status):
    d = daemon(start=False)
    with keeper_alone(d), socket.socket(socket.AF_UNIX) as door:
        door.bind(str(d.socket))
        door.listen()

        def serve():
            with door.accept()[0] as client:
                client.sendall(f"{greeting}\r\n".encode() if greeting else b"")
                client.shutdown(socket.SHUT_WR)
                client.recv(100)

        server = threading.Thread(target=serve)
        server.start()
        done = d.run("status")
        server.join()
    assert done.returncode == status, done
    assert ("nobody serves clients" in done.stderr) == (status != 0)
    assert greeting in (done.stderr if status else done.stdout)


def test_nobody_is_there(daemon):
    """What programs hear, and people."""
    d = daemon(start=False)
    done = d.run("status", "--json")
    assert done.returncode == 75
    assert "the daemon cannot be reached" in json.loads(done.stdout)["problem"]
    done = d.run("status", "--prometheus")
    assert done.returncode == 75 and done.stdout.endswith("acsmtp_up 0\n")
    # Its socket outlives one that was killed.
    (d.top / "run").mkdir()
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(d.top / "run/keeper"))
    done = d.run("status")
    assert (done.returncode, done.stdout) == (75, "")
    assert "Connection refused; nobody listens there any more; start it" in done.stderr


@pytest.mark.as_root
def test_a_queue_of_another(daemon):
    """As root has it who has sent without a daemon."""
    d = daemon(start=False)
    spool = d.top / "spool"
    spool.mkdir(0o700)
    done = d.run("--background")
    assert done.returncode == 73
    assert f"the queue {spool} belongs to another user (uid 0) than the daemon's" in done.stderr
    assert "chown -R" in done.stderr
    shutil.chown(spool, KEEPER)
    assert d.run("--background").returncode == 0
    assert d.run("stop").returncode == 0


@pytest.mark.as_root
def test_who_may_not_go_there(daemon):
    d = daemon()
    os.chmod(d.top / "run/keeper", 0o600)
    settings = d.top / "user.ini"
    settings.write_text(f"[daemon]\nsocket = {d.socket}\n")
    settings.chmod(0o644)
    done = subprocess.run([installed("acsmtp"), "daemon", "status", "-C", settings], check=False,
                          capture_output=True, text=True, timeout=PATIENCE, user="games",
                          group="games", extra_groups=[], cwd="/",
                          env=environment(Path("/nonexistent"), None))
    assert done.returncode == 75
    assert "Permission denied; this user may not go there" in done.stderr
