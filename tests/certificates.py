"""Certificates for mail servers of tests, made by the `openssl` command when they are needed; nothing is kept."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path

_CONFIG = """
[req]
distinguished_name = name
prompt = no
x509_extensions = root
[name]
CN = made for a test
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash
[ca]
default_ca = authority
[authority]
database = index
new_certs_dir = .
rand_serial = yes
certificate = authority.pem
private_key = authority.key
default_md = sha256
unique_subject = no
policy = policy
x509_extensions = server
[policy]
commonName = supplied
[server]
basicConstraints = critical,CA:FALSE
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
subjectAltName = {names}
"""
_THIS_MACHINE = "DNS:localhost,IP:127.0.0.1"


@dataclass(frozen=True, slots=True)
class Authority:
    """Who signs certificates: its own is `folder`/authority.pem, for SSL_CERT_FILE."""

    folder: Path

    @classmethod
    def made_in(cls, folder: Path) -> Authority:
        """A new one."""
        (folder / "index").touch()
        authority = cls(folder)
        authority.openssl(
            "req -x509 -days 2", "-keyout authority.key -out authority.pem", _key(), names="DNS:authority"
        )
        return authority

    @property
    def certificate(self) -> Path:
        """What somebody who trusts this authority has."""
        return self.folder / "authority.pem"

    def server(self, names: str = _THIS_MACHINE, until: str = "20491231235959Z") -> ssl.SSLContext:
        """What a server needs that has a certificate for `names` (OpenSSL's subjectAltName), signed by us."""
        self.openssl("req -new", "-keyout server.key -out server.csr", _key(), names=names)
        self.openssl(
            "ca -batch -notext -extensions server",
            f"-startdate 20200101000000Z -enddate {until} -in server.csr -out server.pem",
            names=names,
        )
        return self._context()

    def self_signed(self) -> ssl.SSLContext:
        """What a server needs that nobody vouches for."""
        self.openssl(
            "req -x509 -days 2 -extensions server -keyout server.key -out server.pem", _key(), names=_THIS_MACHINE
        )
        return self._context()

    def openssl(self, *words: str, names: str) -> None:
        """Run one command of `openssl`."""
        (self.folder / "openssl.cnf").write_text(_CONFIG.format(names=names), encoding="ascii")
        command, *rest = " ".join(words).split()
        subprocess.run(
            ["openssl", command, "-config", "openssl.cnf", *rest], cwd=self.folder, check=True, capture_output=True
        )

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        return context


def _key() -> str:
    return "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"
