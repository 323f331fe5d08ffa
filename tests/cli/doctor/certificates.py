"""Certificates for loopback servers, made for each run: of an authority of our own, or signed by themselves."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

needed = pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made with openssl")

_CONFIGURATION = """
[req]
distinguished_name = name
prompt = no
[name]
O = Test Authority
CN = localhost
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[leaf]
subjectAltName = {names}
[ca]
default_ca = here
[here]
database = {folder}/index.txt
new_certs_dir = {folder}
serial = {folder}/serial
policy = any
unique_subject = no
default_md = sha256
[any]
organizationName = optional
commonName = supplied
"""


class Authority:
    """An authority in a folder. `file` is its certificate, for SSL_CERT_FILE."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.file = folder / "authority.pem"
        (folder / "index.txt").write_text("")
        (folder / "serial").write_text("01\n")
        self._configure("DNS:localhost")
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "authority.key")
        self._run("req", "-x509", *key, "-days", "3650", "-extensions", "authority", "-out", "authority.pem")

    def server(
        self, *, names: str = "DNS:localhost,IP:127.0.0.1", begins_in: int = -30, ends_in: int = 90
    ) -> ssl.SSLContext:
        """What a server speaks TLS with; days from today."""
        self._configure(names)
        key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "leaf.key")
        self._run("req", *key, "-out", "leaf.csr")
        dates = ("-startdate", _day(begins_in), "-enddate", _day(ends_in))
        signed = ("-cert", "authority.pem", "-keyfile", "authority.key", "-in", "leaf.csr", "-out", "leaf.pem")
        self._run("ca", "-batch", "-notext", "-extensions", "leaf", *dates, *signed)
        return self._context("leaf")

    def itself(self) -> ssl.SSLContext:
        """A server that shows a certificate signed by itself."""
        return self._context("authority")

    def _context(self, name: str) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._folder / f"{name}.pem", self._folder / f"{name}.key")
        return context

    def _configure(self, names: str) -> None:
        text = _CONFIGURATION.format(folder=self._folder, names=names)
        (self._folder / "openssl.cnf").write_text(text)

    def _run(self, *arguments: str) -> None:
        command = ["openssl", arguments[0], "-config", "openssl.cnf", *arguments[1:]]
        subprocess.run(command, cwd=self._folder, check=True, capture_output=True)


def _day(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).strftime("%Y%m%d%H%M%SZ")
