"""The mail servers as the settings describe them, refused early when they would betray a password.

`none` exists for the catcher of the demo and for a server on the same machine; over a network a login without
encryption is refused here, because the server would be told the password before it could object.
"""

from __future__ import annotations

import base64
import ipaddress
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

from ecom_pipeline.delivery.errors import DeliveryError

Security = Literal["none", "starttls", "tls"]
_HIGHEST_PORT = 65_535
_FOLDER = re.compile(r"[ !#-\[\]-~]+")  # printable ASCII that needs no escape within quotes
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|[0-9A-Fa-f:]+")


@dataclass(frozen=True)
class MailServer:
    """Where a mail server is, and how it is spoken to."""

    host: str
    port: int
    security: Security
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    timeout_seconds: float = 60.0
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        if not _HOST.fullmatch(self.host) or ".." in self.host:
            raise _refused("its host name is malformed", "Write the name alone, such as smtp.example.com")
        if not 0 < self.port <= _HIGHEST_PORT:
            raise _refused("its port is not between 1 and 65535", "Use the one its provider names")
        if self.security not in get_args(Security):
            raise _refused("its security is unknown", f"Use one of {', '.join(get_args(Security))}")
        if self.timeout_seconds <= 0:
            raise _refused("its timeout is not above zero", "Use 60 seconds if in doubt")
        if self.ca_file is not None and not self.ca_file.is_file():
            raise _refused("its ca_file does not exist", "Give the path of a PEM file")
        self._check_login()

    def _check_login(self) -> None:
        if bool(self.username) != bool(self.password):
            raise _refused("it has a user name without a password, or the reverse", "Set both or neither")
        if not (self.username + self.password).isascii():
            raise _refused(
                "its user name or password has characters outside ASCII, which not every server understands",
                "Choose a password of ASCII characters",
            )
        if self.username and self.security == "none" and not self.is_local:
            raise _refused(
                "a login without encryption would show the password to the network",
                "Use starttls or tls as security",
            )

    @property
    def is_local(self) -> bool:
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every spelling in which a server could repeat the login to us."""
        if not self.username:
            return ()
        plain = f"\0{self.username}\0{self.password}".encode()
        return self.username, self.password, base64.b64encode(plain).decode("ascii")

    def make_tls_context(self) -> ssl.SSLContext:
        """Certificates and host names are always verified; with a `ca_file`, against that alone."""
        return ssl.create_default_context(cafile=self.ca_file)


@dataclass(frozen=True)
class SmtpServer(MailServer):
    """Where mail is handed in: `starttls` is usual on port 587, `tls` on port 465."""

    port: int = 587
    security: Security = "starttls"


@dataclass(frozen=True)
class ImapServer(MailServer):
    """Where mail is read: `tls` is usual on port 993, `starttls` on port 143."""

    port: int = 993
    security: Security = "tls"
    folder: str = "INBOX"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.username:
            raise _refused("it has no user name", "Set username, and the password in the environment")
        if not _FOLDER.fullmatch(self.folder):
            raise _refused(
                "the name of its folder cannot be written in IMAP", "Use INBOX, or a name in ASCII"
            )


def _refused(why: str, mend: str) -> DeliveryError:
    return DeliveryError("The mail server's settings cannot be used", why, mend)
