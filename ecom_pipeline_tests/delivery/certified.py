"""Certificates for the real servers of the tests."""

from __future__ import annotations

import subprocess
from pathlib import Path


def certify(folder: Path, chain: Path) -> Path:
    """A certificate for localhost with its key, where the server reads it; without the key, what clients trust."""
    key, public = folder / "key.pem", folder / "certificate.pem"
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run(
        [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-days", "2", "-subj", "/CN=localhost", "-addext", names,
            "-addext", "keyUsage=critical,digitalSignature,keyCertSign",
            "-keyout", str(key), "-out", str(public),
        ],
        capture_output=True, timeout=60, check=True,
    )  # fmt: skip
    chain.write_bytes(key.read_bytes() + public.read_bytes())
    chain.chmod(0o600)
    key.unlink()
    return public
