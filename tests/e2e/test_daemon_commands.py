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
    most = 8
    d = daemon(extra=f"listen = 127.0.0.1:{port}\nmax_clients_per_user = {most}\n")
    places = [str(d.socket), f"127.0.0.1:{port}"]
    assert d.status()["doors"] == [{"at": at, "answers": True, "why": None} for at in places]
    said = d.run("status")
    assert all(f"clients are served at {at}\n" in said.stdout for at in places)
    metrics = d.run("status", "--prometheus").stdout
    assert "acsmtp_up 1\n" in metrics
    assert all(f'acsmtp_door_up{{at="{at}"}} 1\n' in metrics for at in places)
    d.wait_for_nobody()
    # It lives, though this one cannot come in now.
    with contextlib.ExitStack() as clients:
        for _ in range(most):
            clients.enter_context(Local(d.socket))
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


def test_doors_are_asked_at_once(daemon):
    """Neither says hello before both are called; who has said nothing is not waited for anew."""
    with socket.create_server(("127.0.0.1", 0)) as port:
        at = f"127.0.0.1:{port.getsockname()[1]}"
        d = daemon(extra=f"listen = {at}\n", start=False)
        with keeper_alone(d), socket.socket(socket.AF_UNIX) as door:
            door.bind(str(d.socket))
            door.listen()

            def serve(places, greeting):
                clients = [place.accept()[0] for place in places]
                for client in clients:
                    if greeting:
                        # In two parts, the second of which says who it is.
                        client.sendall(greeting[:12])
                        client.sendall(greeting[12:])
                for client in clients:
                    client.recv(100)
                    client.close()

            for greeting in b"220 here.example ESMTP acsmtp\r\n", b"":
                server = threading.Thread(target=serve, args=((door, port), greeting))
                server.start()
                done = d.run("status")
                server.join()
                if greeting:
                    assert (done.returncode, done.stderr) == (0, "")
                    assert all(f"clients are served at {w}\n" in done.stdout for w in (d.socket, at))
    assert done.returncode == 75
    assert f"nobody serves clients at {d.socket}, nor at 1 more of 2 places: who listens there " \
        "says nothing; start it anew" in done.stderr


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


# --- acsmtp explain

def test_explained(daemon, run):
    """Who hands a message over has nothing to do with what becomes of it there."""
    d = daemon()
    mine = d.home / "mine.ini"
    mine.write_text(f"[delivery]\nmode = daemon\nqueue = off\n[daemon]\nsocket = {d.socket}\n")
    said = run(["explain", "-C", mine, "-f", "me@example.net", "b@example.org"], input="Hello\n",
               program="acsmtp")
    assert (said.status, said.stderr) == (0, "")
    assert said.stdout.splitlines() == [
        "account: daemon (`mode = daemon`)", f"server: the daemon at {d.socket}",
        "sender given: <me@example.net>, by -f", "recipient: <b@example.org>", "size: 9 bytes",
        f"way: handed over to the daemon at {d.socket}, which keeps it and sends it; while that "
        "is not there it is given back to the caller",
        "from there: by an account of the daemon's, which this user may not see"]
    # Who may read its settings sees how it goes on.
    text = d.config.read_text().replace("[delivery]\n", "[delivery]\nmode = daemon\n")
    (d.home / "all.ini").write_text(text)
    (d.home / "all.ini").chmod(0o600)
    said = run(["explain", "--json", "-C", d.home / "all.ini", "b@example.org"], input="Hello\n",
               program="acsmtp")
    told = json.loads(said.stdout)
    assert (told["daemon"], told["account"], told["then"]) == (str(d.socket), "daemon", "test")


# --- acsmtp check

def checked(run, ini, *words):
    done = run(["check", "--json", "--config", ini, *words], program="acsmtp")
    told = json.loads(done.stdout)
    assert told["status"] == done.status
    return done.status, {step["name"]: step for step in told["steps"]}


def test_checked_by_who_hands_over(acs, daemon, run):
    server = acs()
    d = daemon(server)
    mine = d.home / "mine.ini"
    mine.write_text(f"[delivery]\nmode = daemon\nspool = {d.home}/own\n"
                    f"[daemon]\nsocket = {d.socket}\n")
    status, steps = checked(run, mine, "--send", "b@example.org")
    assert status == 0 and list(steps) == ["configuration", "daemon", "send", "spool", "log"]
    assert "handed over to the daemon (`mode = daemon`)" in steps["configuration"]["text"]
    assert f"{d.socket} takes mail of this user" in steps["daemon"]["text"]
    assert "the daemon has it: 250 2.0.0 Ok: queued as " in steps["send"]["text"]
    wait_until(lambda: len(server.messages) == 1, "it arrives")
    assert b"Subject: acsmtp check" in server.messages[0].data
    # Only the daemon knows which accounts it has.
    status, steps = checked(run, mine, "other")
    assert status == 0 and "--send ADDRESS" in steps["configuration"]["advice"][0]
    status, steps = checked(run, mine, "other", "--send", "b@example.org")
    assert status == 69 and 'there is no account "other"' in steps["send"]["text"]
    d.stop()
    status, steps = checked(run, mine, "--send", "b@example.org")
    assert status == 75 and steps["send"]["state"] == "skipped"
    assert "cannot be reached" in steps["daemon"]["text"]
    assert "acsmtp daemon" in steps["daemon"]["advice"][0]


def test_checked_by_who_may_read_the_account(acs, daemon, run):
    """The account, as ever, and that mail goes through the daemon to it."""
    server = acs()
    d = daemon(server)
    ini = d.home / "all.ini"
    ini.write_text(d.config.read_text().replace("[delivery]\n", "[delivery]\nmode = daemon\n"))
    ini.chmod(0o600)
    status, steps = checked(run, ini, "--send", "b@example.org")
    assert status == 0 and steps["auth"]["state"] == steps["daemon"]["state"] == "ok"
    assert "the daemon has it" in steps["send"]["text"]
    wait_until(lambda: len(server.messages) == 1, "it arrives")


# --- acsmtp daemon, where it cannot begin

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
