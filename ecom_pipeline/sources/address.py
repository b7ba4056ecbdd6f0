"""Which addresses may be asked at all: https anywhere, plain http on this machine only."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from ecom_pipeline.errors import ConfigurationError


def checked_url(url: str, subject: str) -> str:
    """The URL, when it is safe to ask: https, or plain http on this machine, without user name."""
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None or not parts.hostname:
        raise ConfigurationError(
            f"{subject}: the address is not one of a vendor.", mend="Give https://host, without a user name."
        )
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(url)):
        return url
    raise ConfigurationError(
        f"{subject}: the address of {parts.hostname} is not https.",
        why="Credentials and customers' data would travel unencrypted.",
        mend="Begin the address with https:// (plain http:// is for this machine only).",
    )


def is_loopback(url: str) -> bool:
    """Whether the URL's host is this machine, by name or number."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
