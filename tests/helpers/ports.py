# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports without a server behind them, and sockets with long names."""

import contextlib
import os
import socket


@contextlib.contextmanager
def black_hole(port=0):
    """A port that takes no connection and refuses none: its backlog is full."""
    with socket.create_server(("127.0.0.1", port), backlog=0) as listener:
        address = listener.getsockname()
        fillers = []
        try:
            while not fillers or is_connected(fillers[-1]):
                fillers.append(socket.socket())
                fillers[-1].setblocking(False)
                fillers[-1].connect_ex(address)
            yield address[1]
        finally:
            for filler in fillers:
                filler.close()


def is_connected(one):
    """The handshake over loopback is over when connect() returns, or never will be."""
    try:
        one.getpeername()
    except OSError:
        return False
    return True


@contextlib.contextmanager
def closed_port():
    """Taken by a socket that does not listen, so nobody else listens there either."""
    while True:
        with socket.socket() as four, socket.socket(socket.AF_INET6) as six:
            four.bind(("127.0.0.1", 0))
            port = four.getsockname()[1]
            try:
                six.bind(("::1", port))
            except OSError:    # somebody else has it for IPv6
                continue
            yield port
            return


@contextlib.contextmanager
def closed(host, port):
    """The same for this one port; OSError when somebody has it."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as taken:
        taken.bind((host, port))
        yield


def port_for_us():
    """A port that was free just now, for a program of ours to listen at."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return one.getsockname()[1]


def bind_to_path(one, path):
    """A socket's path may not be long; a test's is, and its directory is nobody else's."""
    directory = os.open(path.parent, os.O_PATH)
    try:
        one.bind(f"/proc/self/fd/{directory}/{path.name}")
    finally:
        os.close(directory)
