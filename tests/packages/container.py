# SPDX-License-Identifier: GPL-3.0-or-later
"""The image, as container engines run it: umoci makes what a runtime reads, and crun runs it.

    with Container(image, tmp_path, ACSMTP_USER="contoso-smtp") as one:
        one.start()
        one.execute(*one.image.health).stdout

The root cannot be written and there is no right left, as doc/containers.md has it. Its network
is this machine's, unless it gets that of a process.
"""

import json
import subprocess
import tarfile

from helpers.waiting import wait_until

PLACE = "/var/spool/acsmtp"
# As a cluster gives it: nobody's, of the group of root.
UID = 23456
PATIENCE = 60

# Runtimes want one hierarchy of control groups, whatever this machine has. They set no limit.
IN_A_HIERARCHY = ["unshare", "--mount", "sh", "-c", "mount -t cgroup2 cgroup2 /sys/fs/cgroup\n"
                  "exec \"$@\"", "sh"]


class Image:
    """An archive, unpacked once; nobody can write to its root."""

    def __init__(self, archive, directory):
        layout = directory / "layout"
        with tarfile.open(archive) as files:
            files.extractall(layout)
            index = json.load(files.extractfile("index.json"))

            def blob(of):
                return json.load(files.extractfile(f"blobs/{of['digest'].replace(':', '/')}"))

            [entry] = index["manifests"]
            self.manifest = blob(entry)
            self.config = blob(self.manifest["config"])
        tag = entry["annotations"]["org.opencontainers.image.ref.name"]
        subprocess.run(["umoci", "unpack", "--image", f"{layout}:{tag}", directory / "bundle"],
                       check=True, capture_output=True)
        self.root = directory / "bundle/rootfs"
        self.run = json.loads((directory / "bundle/config.json").read_text())
        # OCI's own format has none; Docker reads it nevertheless.
        self.health = self.config["config"]["Healthcheck"]["Test"][1:]


class Container:
    def __init__(self, image, directory, uid=UID, groups=(), volume=None, network=None, **env):
        """`volume` is a directory of a container before; a fresh one is as Docker makes it.
        `network`: the PID of a process that is in it."""
        self.image, self.uid, self.groups, self.env = image, uid, list(groups), env
        self.directory = directory
        self.network = network
        self.mounts = []
        # Where something is to be mounted the runtime makes the place; each has its own root.
        subprocess.run(["cp", "-al", image.root, directory / "root"], check=True)
        self.name = f"acsmtp-{directory.name}"
        self.process = None
        if volume is None:
            volume = directory / "volume"
            volume.mkdir()
            volume.chmod((image.root / PLACE[1:]).stat().st_mode & 0o7777)
        self.volume = volume
        self.mount(volume, PLACE, "rw")

    def mount(self, source, target, *options):
        self.mounts.append({"destination": target, "type": "bind", "source": str(source),
                            "options": ["rbind", *(options or ["ro"])]})

    def secret(self, name, text, mode=0o444):
        """As engines have them, a file of a root that everybody may read."""
        file = self.directory / f"secret-{name}"
        file.write_text(text)
        file.chmod(mode)
        self.mount(file, f"/run/secrets/{name}")
        return f"/run/secrets/{name}"

    # --- what the runtime is told

    def _bundle(self, number, words):
        bundle = self.directory / f"bundle-{number}"
        bundle.mkdir()
        told = json.loads(json.dumps(self.image.run))
        process = told["process"]
        process.update(terminal=False, user={"uid": self.uid, "gid": 0,
                                             "additionalGids": self.groups})
        process["capabilities"] = {}
        process["env"] = self._env()
        if words:
            process["args"] = list(map(str, words))
        told["root"] = {"path": str(self.directory / "root"), "readonly": True}
        covered = {PLACE, "/sys/fs/cgroup"}
        told["mounts"] = [m for m in told["mounts"] if m["destination"] not in covered]
        told["mounts"] += self.mounts
        told["linux"]["namespaces"] = [n for n in told["linux"]["namespaces"]
                                       if n["type"] != "network"]
        if self.network:
            told["linux"]["namespaces"].append(
                {"type": "network", "path": f"/proc/{self.network}/ns/net"})
        told["hostname"] = self.name
        (bundle / "config.json").write_text(json.dumps(told))
        return bundle

    def _env(self):
        said = dict(line.split("=", 1) for line in self.image.run["process"]["env"])
        said.update({key: str(value) for key, value in self.env.items() if value is not None})
        return [f"{key}={value}" for key, value in said.items()]

    def _runtime(self, *words):
        return [*IN_A_HIERARCHY, "crun", "--root", self.directory / "crun",
                "--cgroup-manager=disabled", *words]

    # --- its life

    def launch(self):
        """Its first process, whatever becomes of it."""
        bundle = self._bundle(len(list(self.directory.glob("bundle-*"))), ())
        self.process = subprocess.Popen(
            self._runtime("run", "--bundle", bundle, self.name), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def start(self):
        self.launch()
        wait_until(lambda: self.check().returncode == 0, "it is well",
                   lambda: self.process.stderr.read() if self.process.poll() is not None else "",
                   process=self.process)

    def check(self):
        return self.execute(*self.image.health)

    def execute(self, *words, **more):
        """In the container that runs, as `docker exec`."""
        return self._do("exec", "--user", f"{self.uid}:0", self.name, *words, **more)

    def run(self, *words, **more):
        """In a container of its own, as `docker run --rm`."""
        number = len(list(self.directory.glob("bundle-*")))
        name = f"{self.name}-{number}"
        try:
            return self._do("run", "--bundle", self._bundle(number, words), name, **more)
        except subprocess.TimeoutExpired:
            self._do("delete", "--force", name)
            raise

    def _do(self, *words, input=""):
        return subprocess.run(self._runtime(*words), input=input, capture_output=True, text=True,
                              check=False, timeout=PATIENCE)

    def pid(self):
        """Of its first process, as this machine sees it."""
        return json.loads(self._do("state", self.name).stdout)["pid"]

    def signal(self, name):
        return self._do("kill", self.name, name)

    def stop(self, name="TERM"):
        """An engine would kill it if it did not end; here that is a failure."""
        self.signal(name)
        return self.ended()

    def ended(self):
        out, err = self.process.communicate(timeout=PATIENCE)
        status, self.process = self.process.returncode, None
        return status, out.decode(), err.decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process:
            self.stop("KILL")
