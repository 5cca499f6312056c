# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for something that happens elsewhere, without a fixed pause."""

import time

# Seconds that something may take on a machine that is busy. acsmtp tries again after a
# minute: what it does at once must not be mistaken for that.
UNTIL = 20
PATIENCE = 60   # the same for what strace slows down, and for servers that begin


def wait_for(condition, seconds=UNTIL):
    """Its first answer that is true, or its last one; the caller says what that means."""
    until = time.monotonic() + seconds
    while not (answer := condition()) and time.monotonic() < until:
        time.sleep(0.01)
    return answer


def wait_until(condition, what, said=lambda: "", seconds=UNTIL, process=None):
    """Its first answer that is true. Without one the test fails, and `said()` says what
    happened instead; at once, if the process that was to bring it about has ended."""
    over = object()

    def look():
        return condition() or (over if process and process.poll() is not None else None)

    answer = wait_for(look, seconds)
    if answer is over:      # it may have come about with the end
        answer = condition()
    ended = f"; it ended with status {process.poll()}" if process else ""
    assert answer, f"{what}: never{ended}\n{said()}"
    return answer
