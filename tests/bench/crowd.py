# SPDX-License-Identifier: GPL-3.0-or-later
"""Clients that mean no good, in a process of their own: crowd.py KIND SOCKET PORT.

It says "ready" when they are there, and they stay until its standard input ends. All are of one
user; of those that are turned away some come again, as each kind has it.
"""

import contextlib
import select
import socket
import sys
import threading

MANY, SLOW = 1000, 100
TRANSACTION = (b"EHLO me\r\n", b"MAIL FROM:<a@contoso.com>\r\n", b"RCPT TO:<b@example.org>\r\n",
               b"DATA\r\n")
COMMAND = b"MAIL FROM:<" + b"x" * 400
BODY = b"x" * 70 + b"\r\n"


def connect(place):
    one = socket.socket(socket.AF_INET if place.isdigit() else socket.AF_UNIX)
    one.settimeout(20)
    one.connect(("127.0.0.1", int(place)) if place.isdigit() else place)
    return one


def ready():
    print("ready", flush=True)


def over(seconds=None):
    return bool(select.select([sys.stdin], [], [], seconds)[0])


def answered(one, words=()):
    """A client whose words have been answered, or None for one that was turned away."""
    for said in (None, *words):
        if said:
            one.sendall(said)
        if one.recv(4096)[:1] not in (b"2", b"3"):
            one.close()
            return None
    return one


def connected(*places):
    """So many at each; all come before one is heard, as they may have to wait for that."""
    return [connect(place) for place in places for _ in range(SLOW)]


def slow(*places):
    """A byte ten times a second, half of them of a command and half of a message."""
    clients = [(answered(one, TRANSACTION if number % 2 else TRANSACTION[:1]), number % 2)
               for number, one in enumerate(connected(*places))]
    clients = [one for one in clients if one[0]]
    ready()
    said = 0
    while not over(0.1):
        for one, is_in_data in clients:
            words = BODY if is_in_data else COMMAND
            with contextlib.suppress(OSError):
                one.send(words[said % len(words):][:1])
        said += 1


def deaf(*places):
    """They talk, and never read what is answered."""
    clients = [one for one in connected(*places) if answered(one)]
    words = TRANSACTION[0] + b"RSET\r\n" * 10000
    for one in clients:
        one.setblocking(False)
    for _ in range(200):
        for one in clients:
            with contextlib.suppress(OSError):
                one.send(words)
    ready()
    over()


def held(place, _):
    """A thousand connections that stay open on this side."""
    clients = []
    for _ in range(MANY):
        clients.append(connect(place))
    ready()
    over()


def again(place, _):
    """Ten of them, each of which comes again as soon as it has been turned away."""
    first = [answered(one) for one in connected(place)]
    ended = threading.Event()

    def come():
        while not ended.is_set():
            with contextlib.suppress(OSError):
                if one := answered(connect(place)):
                    one.close()

    threads = [threading.Thread(target=come) for _ in range(10)]
    for thread in threads:
        thread.start()
    ready()
    over()
    ended.set()
    for thread in threads:
        thread.join()
    return first


if __name__ == "__main__":
    {"slow": slow, "deaf": deaf, "held": held, "again": again}[sys.argv[1]](*sys.argv[2:])
