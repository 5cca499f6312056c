# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the trees are that the tests are told of, and what is in them."""

import os
import pathlib

import pytest


def directory_of(variable, meaning):
    """The directory that an environment variable names."""
    if variable not in os.environ:
        pytest.fail(f"{variable} is not set: {meaning}", pytrace=False)
    return pathlib.Path(os.environ[variable]).absolute()


def path_list(*patterns, under):
    """A search path of the directories below `under` that match."""
    return ":".join(str(found) for pattern in patterns for found in under.glob(pattern))
