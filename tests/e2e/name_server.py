# SPDX-License-Identifier: GPL-3.0-or-later
"""A name server that says what a test wants, over UDP; a real one is in tests/interop."""

import socket
import threading

NO_NAME, SERVFAIL, REFUSED = 3, 2, 5
TXT, CNAME, MX = 16, 5, 15


class NameServer:
    """answer(query) -> the whole reply, or None to say nothing."""

    def __init__(self, answer):
        self.answer = answer
        self.asked = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        while True:
            query, client = self.socket.recvfrom(4096)
            if not query:
                return
            self.asked.append(name_of(query))
            reply = self.answer(query)
            if reply is not None:
                self.socket.sendto(reply, client)

    def stop(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", self.socket.getsockname())
        self.thread.join(10)
        self.socket.close()


def name_of(query):
    labels, at = [], 12
    while query[at]:
        labels.append(query[at + 1:at + 1 + query[at]].decode("ascii", "replace"))
        at += 1 + query[at]
    return ".".join(labels)


def type_of(query):
    end = query.index(b"\0", 12) + 1
    return int.from_bytes(query[end:end + 2], "big")


def question_of(query):
    end = query.index(b"\0", 12) + 5
    return query[12:end]


def reply_to(query, code=0, records=(), count=None):
    """Records are their data, of the type that was asked for; `count` may lie."""
    question = question_of(query)
    body = b"".join(b"\xc0\x0c" + question[-4:] + b"\0\0\0\x3c" +
                    len(data).to_bytes(2, "big") + data for data in records)
    number = len(records) if count is None else count
    return (query[:2] + bytes([0x81, 0x80 | code]) + b"\0\1" + number.to_bytes(2, "big") +
            b"\0\0\0\0" + question + body)


def text(string):
    return b"".join(bytes([len(string[i:i + 255])]) + string[i:i + 255]
                    for i in range(0, len(string), 255))


def no_name(query):
    return reply_to(query, NO_NAME)


def silence(query):
    del query


def refusal(code):
    return lambda query: reply_to(query, code)
