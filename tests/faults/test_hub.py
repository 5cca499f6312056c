# SPDX-License-Identifier: GPL-3.0-or-later
"""Ten machines and two hubs, as doc/hub.md has them; see hub.py. One hub dies, nothing is lost."""

import json
import os
import pathlib
import random
import shutil
import subprocess
import tempfile

import pytest

MESSAGES = int(os.environ.get("HUB_MESSAGES", "120"))
# Where `ip netns` keeps its names has to be ours alone, too.
START = 'mkdir -p /run/netns && mount -t tmpfs none /run/netns && exec "$@"'


@pytest.mark.as_root
def test_one_of_two_hubs_dies():
    top, seed = tempfile.mkdtemp(prefix="acsmtp-hub."), random.randrange(10**9)
    os.chmod(top, 0o755)    # the hubs' own users have files in it
    try:
        done = subprocess.run(
            ["unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
             "sh", "-c", START, "sh", "/usr/bin/python3",
             pathlib.Path(__file__).with_name("hub.py"), top, str(MESSAGES), str(seed)],
            capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == 0, f"seed {seed}: {done.stderr}"
        said = json.loads(done.stdout)
        print(f"seed {seed}: {said}")
        assert said["refused"] == []
        assert said["lost"] == []
        # What the hub had when its answer was lost may come twice, and the log says so.
        assert said["twice_undoubted"] == []
        assert said["by_second"] > 0
    finally:
        shutil.rmtree(top)
