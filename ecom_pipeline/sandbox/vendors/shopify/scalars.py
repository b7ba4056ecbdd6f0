"""How the API writes identifiers, instants and attributes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from typing import Any

from ecom_pipeline.sandbox.world import PERSONAL_CANARY


def gid(kind: str, number: object) -> str:
    return f"gid://shopify/{kind}/{number}"


def gid_number(text: str, kind: str) -> int | None:
    """The number in a global id of this kind; None for anything else."""
    prefix, _, number = text.rpartition("/")
    return int(number) if prefix == f"gid://shopify/{kind}" and number.isdecimal() else None


@lru_cache(maxsize=65_536)
def instant(at: datetime | None) -> str | None:
    """UTC to the second, ending in Z."""
    return None if at is None else at.isoformat(timespec="seconds")[:19] + "Z"


def nothing(_: Any) -> None:
    return None


def always(value: Any) -> Callable[[Any], Any]:
    return lambda _: value


def personal(what: str) -> Callable[[Any], str]:
    """A field about a person that no client needs; storing it shows as a leak."""
    return always(f"{PERSONAL_CANARY} {what}")
