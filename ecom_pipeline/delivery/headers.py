"""Mail headers written so that they are read back as they were meant, however long and accented.

The standard library's own folding loses or adds spaces where encoded words meet plain ones, and it encodes a
long List-Unsubscribe or breaks the line before a Content-ID, which programs then fail to read. Its older
`Header` encodes right, so text goes through that, whole; values meant for programs stay on one line.
"""

from __future__ import annotations

from email.header import Header
from email.headerregistry import BaseHeader, HeaderRegistry, UniqueAddressHeader, UnstructuredHeader
from email.policy import SMTP, EmailPolicy, Policy
from email.utils import quote
from typing import Any

_LINE = 76  # RFC 2047: a line with encoded words


class _TextHeader(UnstructuredHeader, BaseHeader):
    max_count = 1

    def fold(self, *, policy: Policy[Any]) -> str:
        return f"{self.name}: {_encode(str(self), self.name, policy)}{policy.linesep}"


class _TokenHeader(UnstructuredHeader, BaseHeader):
    max_count = 1

    def fold(self, *, policy: Policy[Any]) -> str:
        return f"{self.name}: {self}{policy.linesep}"


# The registry of the library mixes these two classes itself; only its type stubs find them at odds.
class _OneAddressHeader(UniqueAddressHeader, BaseHeader):  # type: ignore[misc]
    def fold(self, *, policy: Policy[Any]) -> str:
        (address,) = self.addresses
        name = address.display_name
        if not name:
            return f"{self.name}: {address.addr_spec}{policy.linesep}"
        plain = name.isascii() and "=?" not in name
        written = f'"{quote(name)}"' if plain else _encode(name, self.name, policy)
        return f"{self.name}: {written}{policy.linesep} <{address.addr_spec}>{policy.linesep}"


def _encode(text: str, name: str, policy: Policy[Any]) -> str:
    charset = "us-ascii" if text.isascii() and "=?" not in text else "utf-8"
    return Header(text, charset, maxlinelen=_LINE, header_name=name).encode(linesep=policy.linesep)


def make_policy() -> EmailPolicy[Any]:
    """The way all our messages are written: CRLF, seven bits, so no server has to announce 8BITMIME."""
    headers = HeaderRegistry()
    headers.map_to_type("Subject", _TextHeader)
    for name in ("From", "To"):
        headers.map_to_type(name, _OneAddressHeader)
    for name in ("Content-ID", "List-Id", "List-Unsubscribe", "Message-ID"):
        headers.map_to_type(name, _TokenHeader)
    return SMTP.clone(cte_type="7bit", header_factory=headers)
