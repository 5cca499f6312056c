# SPDX-License-Identifier: GPL-3.0-or-later
"""What a caller of sendmail waits for, beside -odb and beside the waits for the disk."""

import os
import statistics

from figures import in_turns, seconds_of, tell

CALLERS, EACH = 8, 25


def synced(directory, entry=b"x" * 500, message=b"x" * 2048):
    """The three waits that a message costs in any queue: its two files, and their names."""
    for name, text in ("bare.msg", message), ("bare.new", entry):
        file = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=directory)
        os.write(file, text)
        os.fsync(file)
        os.close(file)
    os.rename("bare.new", "bare.env", src_dir_fd=directory, dst_dir_fd=directory)
    os.fsync(directory)


def bare(directory):
    took = seconds_of(synced, directory) * 1000
    for name in "bare.msg", "bare.env":
        os.unlink(name, dir_fd=directory)
    return took


def one(scene, options):
    """A message of 2 KiB, one at a time."""
    d = scene.serve()
    directory = os.open(d.home, os.O_RDONLY | os.O_DIRECTORY)
    found = in_turns(options.rounds or 60, ours=scene.hand_over, odb=scene.queue,
                     fsyncs=lambda: bare(directory))
    os.close(directory)
    tell("one", "a hand-over, beside -odb", found["ours"], found["odb"], most=1,
         asked="at most 1")
    tell("one", "a hand-over, beside three bare fsyncs", found["ours"], found["fsyncs"])
    tell("one", "a hand-over without its three fsyncs", less(found["ours"], found["fsyncs"]),
         most=3, asked="at most 3 ms", of="ours")


def less(ours, fsyncs):
    """The least and the median without those of the fsyncs."""
    return [which(ours) - which(fsyncs) for which in (min, statistics.median)]


def many(scene, options):
    """Eight callers at a time, 25 messages each."""
    scene.serve()
    found = in_turns(options.rounds or 15, ours=lambda: scene.many(scene.to_daemon, CALLERS, EACH),
                     odb=lambda: scene.many(scene.to_queue, CALLERS, EACH))
    for part, (what, asked) in enumerate((("until they have gone", "at most 1"),
                                          ("until all has arrived", ""))):
        ours, rival = ([each[part] for each in found[name]] for name in ("ours", "odb"))
        tell("many", f"8 callers, 25 messages each, {what}", ours, rival, "s",
             most=1 if asked else None, asked=asked)
        rates = [[CALLERS * EACH / took for took in way] for way in (ours, rival)]
        tell("many", "  the same in messages a second", *rates, unit="1/s", digits=0)
