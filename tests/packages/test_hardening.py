# SPDX-License-Identifier: GPL-3.0-or-later
"""What checksec looks for, in every program of every package."""

import re
import stat
import subprocess

import pytest

from packages.test_files import PROGRAMS, output

EVERY_PROGRAM = {path for paths in PROGRAMS.values() for path in paths}
# What the compiler must be told, each time; the highest level that it knows.
FLAGS = {"-O2", "-fPIE", "-fstack-protector-strong"}


def is_program(path):
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


@pytest.fixture(params=["unpacked", "unpacked_rpms"])
def place(request):
    return request.getfixturevalue(request.param)


def test_no_bit_makes_anybody_somebody_else(place):
    for path in place.rglob("*"):
        assert not path.lstat().st_mode & (stat.S_ISUID | stat.S_ISGID), path


def test_nor_does_a_capability_or_a_script(dist):
    for deb in dist.glob("*.deb"):
        said = subprocess.run(["sh", "-c", 'dpkg-deb --ctrl-tarfile "$0" | tar -xO', deb],
                              capture_output=True, text=True, check=True).stdout
        assert not re.search(r"setcap|statoverride|chmod", said), deb
    for rpm in dist.glob("*.rpm"):
        said = output("rpm", "-qp", "--nosignature", "--scripts", "--qf",
                      "[file=%{FILEMODES:perms} %{FILECAPS}\n]", rpm)
        assert not re.search("setcap|chmod", said), rpm
        files = [line.split() for line in said.splitlines() if line.startswith("file=")]
        assert files
        for mode, *capabilities in files:
            assert "s" not in mode.lower().removeprefix("file=") and capabilities in ([], ["(none)"]), rpm


def test_every_program(place):
    programs = {str(path.relative_to(place).relative_to(path.relative_to(place).parts[0])): path
                for path in place.rglob("*") if is_program(path)}
    assert set(programs) == EVERY_PROGRAM
    for program in programs.values():
        header = output("readelf", "-hlW", program)
        dynamic = output("readelf", "-dW", program)
        symbols = output("readelf", "--dyn-syms", "-W", program)
        assert re.search(r"Type:\s+DYN", header) and re.search(r"FLAGS_1\).*PIE", dynamic)
        assert "GNU_RELRO" in header and "BIND_NOW" in dynamic, "full RELRO"
        assert re.search(r"GNU_STACK.* RW ", header), "no stack that is code"
        assert not re.search(r"LOAD.* RWE ", header)
        assert "__stack_chk_fail" in symbols, "stack protector"
        assert re.search(r"__\w+_chk@", symbols.replace("__stack_chk", "")), "_FORTIFY_SOURCE"
        assert not re.search("RPATH|RUNPATH|TEXTREL", dynamic)
        if "X86-64" in header:
            # Not the note that says so: where the C library's own start has none, the linker
            # drops it.
            assert output("objdump", "-d", program).count("endbr64") > 20, "CET"


@pytest.mark.parametrize("log", ["deb.log", "rpm.log"])
def test_every_file_is_compiled_so(built, log):
    """The level of _FORTIFY_SOURCE cannot be seen later."""
    flags = FLAGS | {"-fcf-protection"} if output("uname", "-m") == "x86_64\n" else FLAGS
    version = int(output("gcc", "-dumpversion").split(".")[0])
    lines = re.findall(r"(?m)^gcc .* -c .*$", (built / log).read_text())
    assert len(lines) > 200
    for line in lines:
        words = line.split()
        assert flags <= set(words), line
        assert [word for word in words if "FORTIFY" in word] == [
            f"-D_FORTIFY_SOURCE={3 if version >= 12 else 2}"], line
