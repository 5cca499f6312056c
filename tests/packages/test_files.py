# SPDX-License-Identifier: GPL-3.0-or-later
"""What is in the packages, before anybody installs them."""

import hashlib
import json
import re
import shutil
import subprocess

PROGRAMS = {"acsmtp": ["usr/bin/acsmtp", "usr/libexec/acsmtp/acsmtp-door"],
            "acsmtp-keyring": ["usr/libexec/acsmtp/keyring"],
            "acsmtp-token": ["usr/libexec/acsmtp/token"]}


def output(*command):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=True).stdout


def test_twice_the_same(dist, again):
    """To the byte; but an RPM is made once, as each takes a compilation: see test_rpm.py."""
    names = sorted(file.name for file in dist.iterdir() if ".rpm" not in file.name)
    assert names == sorted(file.name for file in again.iterdir())
    assert {"SHA256SUMS", "acsmtp-0.1.tar.xz", "acsmtp-0.1.oci.tar"} <= set(names)
    different = [name for name in names if name != "SHA256SUMS" and
                 (dist / name).read_bytes() != (again / name).read_bytes()]
    assert different == []


def test_sums_and_bills(dist):
    lines = dict(reversed(line.split("  ")) for line in
                 (dist / "SHA256SUMS").read_text().splitlines())
    assert set(lines) == {file.name for file in dist.iterdir()} - {"SHA256SUMS"}
    for name, digest in lines.items():
        assert hashlib.sha256((dist / name).read_bytes()).hexdigest() == digest
    for name in set(lines) - {f"{file}.spdx.json" for file in lines}:
        bill = json.loads((dist / f"{name}.spdx.json").read_text())
        check_bill(bill)
        assert (bill["name"], bill["packages"][0]["packageFileName"]) == (name, name)
        assert bill["packages"][0]["checksums"] == [
            {"algorithm": "SHA256", "checksumValue": lines[name]}]
        materials = {one["name"] for one in bill["packages"]}
        assert any(one.startswith("libsecret-1") for one in materials) == (
            name.startswith("acsmtp-keyring"))


def check_bill(bill):
    """What SPDX 2.3 demands of a document, sections 6, 7 and 11; no tool of Debian knows."""
    assert (bill["spdxVersion"], bill["dataLicense"], bill["SPDXID"]) == (
        "SPDX-2.3", "CC0-1.0", "SPDXRef-DOCUMENT")
    assert re.fullmatch(r"[a-z]+:[^#\s]+", bill["documentNamespace"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", bill["creationInfo"]["created"])
    assert all(re.match("(Tool|Person|Organization): .", one)
               for one in bill["creationInfo"]["creators"])
    names = ["SPDXRef-DOCUMENT", *(one["SPDXID"] for one in bill["packages"])]
    assert len(set(names)) == len(names)
    for one in bill["packages"]:
        assert re.fullmatch(r"SPDXRef-[A-Za-z0-9.-]+", one["SPDXID"]), one
        assert one["name"] and re.match("NONE$|NOASSERTION$|https://", one["downloadLocation"])
        assert one["filesAnalyzed"] is False and "packageVerificationCode" not in one
        for reference in one.get("externalRefs", ()):
            assert reference["referenceCategory"] == "PACKAGE-MANAGER"
            assert re.fullmatch(r"pkg:(deb/debian|generic)/[a-z0-9.%B-]+@[\w.~%:-]+(\?arch=\w+)?",
                                reference["referenceLocator"]), reference
    ties = bill["relationships"]
    assert [tie["relatedSpdxElement"] for tie in ties
            if tie["relationshipType"] == "DESCRIBES"] == [names[1]]
    assert {name for tie in ties
            for name in (tie["spdxElementId"], tie["relatedSpdxElement"])} == set(names)
    assert {tie["relationshipType"] for tie in ties} <= {"DESCRIBES", "DEPENDS_ON", "CONTAINS"}


def test_lintian(dist, tmp_path):
    """Of what is installed and of the source that it is made of."""
    shutil.copy(dist / "acsmtp-0.1.tar.xz", tmp_path / "acsmtp_0.1.orig.tar.xz")
    subprocess.run(["tar", "-xf", tmp_path / "acsmtp_0.1.orig.tar.xz", "-C", tmp_path], check=True)
    tree = tmp_path / "acsmtp-0.1"
    shutil.copytree(tree / "scripts/debian", tree / "debian")
    subprocess.run(["dpkg-buildpackage", "-S", "-us", "-uc", "-d", "-nc"], cwd=tree, check=True,
                   capture_output=True)
    done = subprocess.run(["lintian", "--allow-root", "--fail-on", "error,warning",
                           *dist.glob("*.deb"), tmp_path / "acsmtp_0.1-1_source.changes"],
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


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
    # Neither /etc/aliases nor anything else there is ours.
    assert not any((unpacked / package / "etc").exists() for package in [*PROGRAMS, "acsmtp-mta"])


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
