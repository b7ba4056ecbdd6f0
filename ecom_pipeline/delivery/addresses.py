"""Who a report goes to and who it comes from, checked once when they are made.

An address that passed here can be put into a header or an SMTP command without further thought: it has no
line break, no control character, nothing outside ASCII. Addresses and names are left out of `repr`, so that
no traceback or log can show one by accident; people are shown as `m…@e….com`.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from typing import Protocol

from ecom_pipeline.delivery.errors import DeliveryError

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf"{_ATOM}(?:\.{_ATOM})*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"localhost|(?:{_LABEL}\.)+{_LABEL}")
_LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Z]{2})?")
_MAX_LOCAL_PART = 64  # RFC 5321, 4.5.3.1.1
_MAX_ADDRESS = 254  # RFC 5321, 4.5.3.1.3, less the angle brackets


class Addressee(Protocol):
    """Whoever the ledger remembers to have been sent something: a person or a webhook."""

    @property
    def identity(self) -> str:
        """What tells them from all others; the ledger stores its keyed hash only."""
        ...

    @property
    def display(self) -> str:
        """What may be shown and stored of them."""
        ...


@dataclass(frozen=True)
class Recipient:
    """One person who receives reports, in the language they read."""

    email: str = field(repr=False)
    language: str
    name: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "email", checked_address(self.email, "recipient"))
        check_one_line(self.name, f"name of recipient {self.display}")
        check_language(self.language)

    @property
    def identity(self) -> str:
        """The address in the one spelling that decides whether two recipients are the same person."""
        return self.email.casefold()

    @property
    def display(self) -> str:
        """The recipient as it may be shown and stored: recognisable to those who know them only."""
        return display_address(self.email)


@dataclass(frozen=True)
class Sender:
    """Who reports come from, and the address that takes requests to receive them no more.

    With `key` our messages bear marks that nobody else can make: Message-IDs and the tokens of requests.
    """

    address: str = field(repr=False)
    name: str
    unsubscribe: str = field(repr=False)
    key: bytes = field(repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "address", checked_address(self.address, "sender"))
        object.__setattr__(self, "unsubscribe", checked_address(self.unsubscribe, "unsubscribe"))
        check_one_line(self.name, "name of the sender")

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2].lower()


def checked_address(address: str, role: str) -> str:
    """The address with its domain in ASCII.

    Raises:
        DeliveryError: when it is not one plain e-mail address; the error shows its masked form only.
    """
    local_part, at, domain = address.strip(" ").rpartition("@")
    try:
        domain = domain.encode("idna").decode("ascii")
    except UnicodeError:
        domain = ""
    checked = f"{local_part}@{domain}"
    good = (
        bool(at)
        and _LOCAL_PART.fullmatch(local_part)
        and _DOMAIN.fullmatch(domain)
        and len(local_part) <= _MAX_LOCAL_PART
        and len(checked) <= _MAX_ADDRESS
    )
    if not good:
        raise DeliveryError(
            f"The {role} address {display_address(address)} cannot be used",
            _why_refused(address, local_part, at),
            "Write it as name@domain.tld, alone, in the settings",
        )
    return checked


def _why_refused(address: str, local_part: str, at: str) -> str:
    if any(unicodedata.category(character) == "Cc" for character in address):
        return "it contains a line break or another control character"
    if not at:
        return "it has no @"
    if not local_part.isascii():
        return "the part before the @ has letters outside ASCII, which many mail servers refuse"
    return "it is not one well-formed e-mail address"


def check_one_line(value: str, what: str) -> None:
    """Refuse a value that could break out of the header it is meant for."""
    if any(unicodedata.category(character) in {"Cc", "Zl", "Zp", "Cs"} for character in value):
        raise DeliveryError(
            f"The {what} cannot be put in a mail header",
            "it contains a line break or another control character",
            "Write it on one line",
        )


def check_language(language: str) -> None:
    if not _LANGUAGE.fullmatch(language):
        raise DeliveryError(
            "The language of a mail is unknown",
            "it is not a language code",
            "Use a code such as fr, en or fr-CA",
        )


def display_address(address: str) -> str:
    """`marie@example.com` as `m…@e….com`: safe to store, show and log, whatever the input."""
    local_part, at, domain = address.strip().rpartition("@")
    if not at:
        return "(no @)"
    host, dot, top_level = domain.rpartition(".")
    top_level = top_level if dot and top_level.isascii() and top_level.isalnum() else ""
    first = local_part[:1] if local_part[:1].isalnum() else ""
    start = host[:1] if host[:1].isalnum() else ""
    return f"{first}…@{start}…{dot if top_level else ''}{top_level}"
