# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the packages, before anybody installs them."""

import hashlib
import json
import re
import stat
import subprocess

import pytest

PROGRAMS = {"acsmtp": ["usr/bin/acsmtp", "usr/libexec/acsmtp/acsmtp-door"],
            "acsmtp-keyring": ["usr/libexec/acsmtp/keyring"],
            "acsmtp-token": ["usr/libexec/acsmtp/token"]}
EVERY_PROGRAM = [(package, path) for package, paths in PROGRAMS.items() for path in paths]


def output(*command):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=True).stdout


def test_twice_the_same(dist, again):
    """To the byte."""
    names = sorted(file.name for file in dist.iterdir())
    assert names == sorted(file.name for file in again.iterdir())
    assert {"SHA256SUMS", "acsmtp-0.1.tar.xz", "acsmtp-0.1.oci.tar"} <= set(names)
    different = [name for name in names
                 if (dist / name).read_bytes() != (again / name).read_bytes()]
    assert different == []


def test_sums_and_bills(dist):
    lines = dict(reversed(line.split("  ")) for line in
                 (dist / "SHA256SUMS").read_text().splitlines())
    assert set(lines) == {file.name for file in dist.iterdir()} - {"SHA256SUMS"}
    for name, digest in lines.items():
        assert hashlib.sha256((dist / name).read_bytes()).hexdigest() == digest
    for file in dist.glob("*.deb"):
        bill = json.loads((dist / f"{file.name}.spdx.json").read_text())
        assert bill["spdxVersion"] == "SPDX-2.3"
        assert bill["packages"][0]["checksums"][0]["checksumValue"] == lines[file.name]
        materials = {one["name"] for one in bill["packages"]}
        assert ("libsecret-1-0" in materials) == file.name.startswith("acsmtp-keyring")


def test_lintian(dist):
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning",
                           *dist.glob("*.deb")], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def test_no_set_id_bit(dist, unpacked):
    for path in unpacked.rglob("*"):
        assert not path.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID), path
    for deb in dist.glob("*.deb"):
        assert "setcap" not in output("dpkg-deb", "--ctrl-tarfile", deb).encode().decode("latin1")
        assert "statoverride" not in output("dpkg-deb", "-I", deb, "control")


@pytest.mark.parametrize("package, path", EVERY_PROGRAM)
def test_hardening(unpacked, package, path):
    """What checksec looks for."""
    program = unpacked / package / path
    header = output("readelf", "-hlW", program)
    dynamic = output("readelf", "-dW", program)
    symbols = output("readelf", "--dyn-syms", "-W", program)
    assert re.search(r"Type:\s+DYN", header), "PIE"
    assert "GNU_RELRO" in header and "BIND_NOW" in dynamic, "full RELRO"
    assert re.search(r"GNU_STACK.* RW ", header), "no stack that is code"
    assert "__stack_chk_fail" in symbols, "stack protector"
    assert re.search(r"__\w+_chk@", symbols.replace("__stack_chk", "")), "_FORTIFY_SOURCE"
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic
    if "X86-64" in header:
        # Not the note that says so: where the C library's own start has none, the linker drops it.
        assert output("objdump", "-d", program).count("endbr64") > 20, "CET"
    assert "TEXTREL" not in dynamic


def test_who_has_what(unpacked):
    """A server needs no desktop and no HTTP; the links are a package of their own."""
    for package, paths in PROGRAMS.items():
        for path in paths:
            assert (unpacked / package / path).is_file()
    needed = output("readelf", "-dW", unpacked / "acsmtp/usr/bin/acsmtp")
    assert not re.search(r"libglib|libsecret|libcurl", needed)
    links = unpacked / "acsmtp-mta"
    for name in "usr/sbin/sendmail", "usr/lib/sendmail", "usr/bin/mailq", "usr/bin/newaliases":
        target = (links / name).parent / (links / name).readlink()
        assert target.resolve() == (links / "usr/bin/acsmtp").resolve()
    assert not any((unpacked / package / "etc").exists() for package in PROGRAMS)


def test_policy(dist):
    """Debian policy, 11.6."""
    [mta] = dist.glob("acsmtp-mta_*.deb")
    for field in "Provides", "Conflicts", "Replaces":
        assert output("dpkg-deb", "-f", mta, field) == "mail-transport-agent\n"


def test_tarball(dist, tmp_path):
    """It needs no autotools."""
    subprocess.run(["tar", "-xf", dist / "acsmtp-0.1.tar.xz", "-C", tmp_path], check=True)
    names = {path.name for path in (tmp_path / "acsmtp-0.1").iterdir()}
    assert {"configure", "Makefile.in", "COPYING", "README", "ChangeLog"} <= names
    assert (tmp_path / "acsmtp-0.1/scripts/debian/control").exists()
