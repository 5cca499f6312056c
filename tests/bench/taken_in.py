# SPDX-License-Identifier: GPL-3.0-or-later
"""The daemon's memory over very many messages, all of which arrive."""

import time

from figures import say
from helpers.stream import costs, give, keep_runner

PARTS = 10
GROWTH = 256    # KiB that a program may have more at the end than after the first part
FILES = 16      # which the keeper and the runner may have open for more helpers
STAYING = "door", "keeper", "runner"
SHOWN = *STAYING, "taker", "sender"
COLUMNS = "  {:>8}{:>8}{:>9}" + "{:>17}" * len(SHOWN) + "{:>6}{:>10}"
HEAD = COLUMNS.format("messages", "seconds", "PSS", *SHOWN, "spool", "bytes")


def flat(scene, options):
    """Memory and open files of door, keeper and runner over 100,000 messages."""
    d = scene.serve()
    keep_runner(d)
    scene.hand_over()
    begin, taken, seen = time.monotonic(), 0, [costs(d)]
    say("flat     KiB: PSS of these and the leader, of each PSS / RSS / open files; files of the "
        "spool, bytes of its directory")
    say(HEAD)
    show(d, 0, 0, seen[0])
    part = max(options.messages // PARTS, 1)
    while taken < options.messages:
        now = min(part, options.messages - taken)
        give(d, scene.sink, now)
        taken += now
        seen.append(costs(d))
        show(d, taken, time.monotonic() - begin, seen[-1])
        if any(seen[-1][name].pid != seen[0][name].pid for name in STAYING):
            raise RuntimeError("one of the programs is another process now")
    verdict(taken - part, seen[1], seen[-1])


def show(d, messages, took, cost):
    spool = d.top / "spool"
    say(COLUMNS.format(messages, f"{took:.0f}", sum(one.pss for one in cost.values()),
                       *(f"{one.pss} / {one.rss} / {one.files}" if one else "-"
                         for one in map(cost.get, SHOWN)),
                       len(list(spool.iterdir())), spool.stat().st_size))


def verdict(messages, early, late):
    """By what each sees of the memory: PSS falls and rises with those who share it."""
    grown = {name: late[name].rss - early[name].rss for name in late if name in early}
    told = ", ".join(f"{name} {more:+d}" for name, more in grown.items())
    is_flat = max(grown.values()) <= GROWTH and all(late[name].files <= early[name].files + FILES
                                                    for name in grown)
    say(f"flat     {messages} messages after the first part, RSS in KiB: {told}; "
        f"asked: flat (to {GROWTH} each): {'kept' if is_flat else 'MISSED'}")
