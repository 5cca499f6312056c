# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, beside its rival in the same run, and what was asked: a line for each."""

import random
import statistics
import time

COLUMNS = "{:<9}{:<48}{:>18}{:>18} {:<5}{:>7}  {}"
HEAD = COLUMNS.format("figure", "what", "ours", "rival", "", "ratio", "asked")
LEGEND = ("Of ours and the rival's: the least and the median. The ratio is the median of those of "
          "the rounds,\nin each of which both were measured once, in a new order. Of a crowd: with it, "
          "and without it.")


def say(*words):
    print(*words, flush=True)


def in_turns(rounds, **ways):
    """What each of the ways answers in each of the rounds, as lists by their names. In a round
    the order is a new one, as whoever comes second may find things warm."""
    found = {name: [] for name in ways}
    for _ in range(rounds):
        for name in random.sample(list(ways), len(ways)):
            found[name].append(ways[name]())
    return found


def seconds_of(work, *words):
    begin = time.monotonic()
    work(*words)
    return time.monotonic() - begin


def spread(values, digits):
    if len(values) < 2:
        return "".join(f"{value:.{digits}f}" for value in values)
    return f"{min(values):.{digits}f} / {statistics.median(values):.{digits}f}"


def tell(name, what, ours, rival=(), unit="ms", most=None, asked="", of="ratio", digits=2):
    """A line. Its verdict is by the median: of the ratios, or with of="ours" of ours alone."""
    ratio = statistics.median(x / y for x, y in zip(ours, rival)) if rival else None
    judged = ratio if of == "ratio" else statistics.median(ours)
    verdict = "" if most is None else " kept" if judged <= most else " MISSED"
    say(COLUMNS.format(name, what, spread(ours, digits), spread(rival, digits), unit,
                       "" if ratio is None else f"{ratio:.2f}",
                       asked + (verdict and ":" + verdict)))
