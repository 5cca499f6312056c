# SPDX-License-Identifier: GPL-3.0-or-later
"""Many clients at a time: what they cost, and whether somebody else waits for them."""

import contextlib
import pwd
import resource
import socket
import subprocess
import sys
import time
from pathlib import Path

from figures import in_turns, tell
from helpers.memory import memory
from helpers.ports import port_for_us
from helpers.stream import RECIPIENT, SENDER
from scene import processes

IDLE, MIB = 500, 1024
CALLS = 8       # of a caller in each round, with the others there and without
SETTLED = 0.5   # seconds that the machine has after many have come or gone
FREELY = "max_clients = 2000\nmax_clients_per_user = 2000\n"
HOSTILE = "games"
TRANSACTION = (b"EHLO me\r\n", f"MAIL FROM:<{SENDER}>\r\n".encode(),
               f"RCPT TO:<{RECIPIENT}>\r\n".encode(), b"DATA\r\n", b"Subject: x\r\n\r\nx\r\n.\r\n")
KINDS = {"slow": "200 who say a byte at a time", "deaf": "200 who talk and never read",
         "held": "1,000 connections of one user", "again": "ten who come again and again"}


def talk(path, words):
    one = socket.socket(socket.AF_UNIX)
    one.settimeout(60)
    one.connect(str(path))
    for said in (None, *words):
        if said:
            one.sendall(said)
        if (reply := one.recv(4096))[:1] not in (b"2", b"3"):
            raise RuntimeError(reply.decode())
    return one


@contextlib.contextmanager
def idle(scene, words):
    """Sessions that have said this much, and stay."""
    goal = scene.sink.taken + (IDLE if words is TRANSACTION else 0)
    with contextlib.ExitStack() as stack:
        for _ in range(IDLE):
            stack.enter_context(talk(scene.daemon.socket, words))
        scene.sink.wait_for(goal)
        time.sleep(SETTLED)
        yield
    scene.daemon.wait_for_nobody()
    time.sleep(SETTLED)


def delay(name, what, scene, options, crowd):
    """Of a hand-over: while the crowd is there, and when it is not. What delays -odb as well,
    which has nothing to do with the crowd, is the machine."""
    found = {"with": {"hand_over": [], "odb": []}, "without": {"hand_over": [], "odb": []}}

    def call(when):
        for way, took in in_turns(CALLS, hand_over=scene.hand_over, odb=scene.queue).items():
            found[when][way] += took

    def among():
        with crowd():
            call("with")

    in_turns(options.rounds or 4, crowd=among, alone=lambda: call("without"))
    tell(name, what, *(times["hand_over"] for times in found.values()), most=1.2,
         asked="no delay (to 1.2)")
    tell(name, "  -odb meanwhile, and without them", *(times["odb"] for times in found.values()))


def one_kind(scene, options, said, words):
    costs = []

    @contextlib.contextmanager
    def crowd():
        with idle(scene, words):
            pids = processes(scene.daemon.process.pid)
            costs.append(sum(memory(pid) for pid in pids) / MIB)
            yield

    delay("idle", f"a hand-over among {IDLE} sessions after {said}", scene, options, crowd)
    tell("idle", "  the memory of all", costs, unit="MiB", most=64, asked="less than 64 MiB",
         of="ours")


def sessions(scene, options):
    """500 idle sessions: the memory of all processes of the daemon, and who waits for them."""
    many_files()
    scene.serve(FREELY)
    scene.hand_over()
    empty = sum(memory(pid) for pid in processes(scene.daemon.process.pid)) / MIB
    tell("idle", "no session at all", [empty], unit="MiB")
    one_kind(scene, options, "EHLO", TRANSACTION[:1])
    one_kind(scene, options, "a message", TRANSACTION)


@contextlib.contextmanager
def hostile(scene, kind, port):
    user = pwd.getpwnam(HOSTILE)
    program = (Path(__file__).parent / "crowd.py").read_text()
    with subprocess.Popen([sys.executable, "-I", "-c", program, kind, scene.daemon.socket,
                           str(port)], user=user.pw_uid, group=user.pw_gid, extra_groups=[],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as crowd:
        if crowd.stdout.readline() != "ready\n":
            raise RuntimeError(f"the crowd that is to be {kind} did not come")
        time.sleep(SETTLED)
        yield
        crowd.stdin.close()
    scene.daemon.wait_for_nobody()
    time.sleep(SETTLED)


def hostiles(scene, options):
    """Slow and hostile clients of another user, and who waits for them."""
    many_files()
    port = port_for_us()
    scene.serve(f"listen = 127.0.0.1:{port}\nmax_clients = 400\nmax_clients_per_user = 100\n")
    for kind, words in KINDS.items():
        delay("hostile", f"a hand-over among {words}", scene, options,
              lambda: hostile(scene, kind, port))


def many_files():
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 4096), most))
