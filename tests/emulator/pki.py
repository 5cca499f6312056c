# SPDX-License-Identifier: GPL-3.0-or-later
"""Roots, an intermediate and leaves, made when they are wanted, with openssl(1)."""

import hashlib
import os
import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

CONFIGURATION = """\
[req]
distinguished_name = name
[name]
[ca]
default_ca = issuer
[issuer]
database = {directory}/index
new_certs_dir = {directory}
serial = {directory}/serial
default_md = sha256
policy = any
unique_subject = no
[any]
organizationName = optional
commonName = supplied
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[intermediate]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
[here]
subjectAltName = DNS:localhost, IP:127.0.0.1, IP:::1
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
[elsewhere]
subjectAltName = DNS:mail.example.net
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
"""

NOW = ("20240101000000Z", "20491231235959Z")
LONG_AGO = ("20200101000000Z", "20210101000000Z")


@dataclass
class Kind:
    """A leaf: who signs it (None: itself), for whom, and when it is valid."""

    issuer: str | None = "intermediate"
    extensions: str = "here"
    dates: tuple = NOW


KINDS = {
    "good": Kind(),
    "expired": Kind(dates=LONG_AGO),
    "othername": Kind(extensions="elsewhere"),
    "selfsigned": Kind(issuer=None),
    "foreign": Kind(issuer="foreign-root"),
}

UNRELATED_ROOTS = 5


class Pki:
    """Everything is EC P-256, which is quick to make, and lies in one directory.

    ca              the root to trust, as a PEM file
    foreign_ca      another one, which has signed the leaf "foreign" only
    bundle          both, among a few that have signed nothing
    chain(kind)     (file with leaf and intermediate, file with the key)
    fingerprint(kind)   SHA-256 of the leaf in hexadecimal
    """

    def __init__(self, directory):
        self.directory = Path(directory)
        self._configuration = self.directory / "openssl.cnf"
        self._configuration.write_text(CONFIGURATION.format(directory=self.directory))
        (self.directory / "index").touch()

    @property
    def ca(self):
        return str(self._root("root"))

    @property
    def foreign_ca(self):
        return str(self._root("foreign-root"))

    @property
    def bundle(self):
        path = self.directory / "bundle.pem"
        if not path.exists():
            names = [f"unrelated-root-{n}" for n in range(UNRELATED_ROOTS)]
            names[2:2] = ["root"]
            names.append("foreign-root")
            path.write_text("".join(self._root(name).read_text() for name in names))
        return str(path)

    def chain(self, kind):
        path = self._file(kind, "chain")
        if not path.exists():
            leaf = self._leaf(kind).read_text()
            if KINDS[kind].issuer == "intermediate":
                leaf += self._intermediate().read_text()
            path.write_text(leaf)
        return str(path), str(self._file(kind, "key"))

    def application(self, name="application", key="rsa:2048", days=3650):
        """A certificate of an application and its key, in one file, as Entra has them."""
        path = self._file(name, "both")
        if not path.exists():
            self._openssl("req", "-x509", "-config", self._configuration, "-newkey",
                          *key.split(), "-nodes", "-subj", f"/CN={name}", "-days", str(days),
                          "-keyout", self._file(name, "key"),
                          "-out", self._file(name, "pem"))
            path.touch(mode=0o600)
            path.write_text(self._file(name, "pem").read_text()
                            + self._file(name, "key").read_text())
        return str(path)

    def fingerprint(self, kind):
        return hashlib.sha256(
            ssl.PEM_cert_to_DER_cert(self._leaf(kind).read_text())).hexdigest()

    # --- one file each

    def _root(self, name):
        path = self._file(name, "pem")
        if not path.exists():
            self._self_signed(name, f"acsmtp test {name}", "root")
        return path

    def _intermediate(self):
        path = self._file("intermediate", "pem")
        if not path.exists():
            self._root("root")
            self._signed("intermediate", "acsmtp test intermediate", "root",
                         Kind("root", "intermediate"))
        return path

    def _leaf(self, name):
        kind = KINDS[name]
        path = self._file(name, "pem")
        if path.exists():
            return path
        subject = "mail.example.net" if kind.extensions == "elsewhere" else "localhost"
        if kind.issuer is None:
            self._self_signed(name, subject, kind.extensions)
            return path
        if kind.issuer == "intermediate":
            self._intermediate()
        else:
            self._root(kind.issuer)
        self._signed(name, subject, kind.issuer, kind)
        return path

    def _self_signed(self, name, subject, extensions):
        self._openssl("req", "-x509", *self._new_key(name, subject), "-days", "3650",
                      "-extensions", extensions, "-out", self._file(name, "pem"))

    def _signed(self, name, subject, issuer, kind):
        request = self._file(name, "request")
        self._openssl("req", *self._new_key(name, subject), "-out", request)
        # Unlike "x509 -req", "ca" can be told both dates in every version.
        self._openssl("ca", "-config", self._configuration, "-batch", "-notext",
                      "-create_serial", "-cert", self._file(issuer, "pem"),
                      "-keyfile", self._file(issuer, "key"), "-in", request,
                      "-extensions", kind.extensions, "-startdate", kind.dates[0],
                      "-enddate", kind.dates[1], "-out", self._file(name, "pem"))

    def _new_key(self, name, subject):
        return ("-config", self._configuration, "-new", "-newkey", "ec", "-pkeyopt",
                "ec_paramgen_curve:P-256", "-nodes", "-keyout", self._file(name, "key"),
                "-subj", f"/O=acsmtp tests/CN={subject}")

    def _file(self, name, suffix):
        return self.directory / f"{name}.{suffix}"

    @staticmethod
    def _openssl(*arguments):
        command = ["openssl", *map(os.fspath, arguments)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}:\n{done.stderr}")
