"""Who a report is for: the same numbers, chosen and ordered for those who decide by them."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from ecom_pipeline.kpis.definition import Kpi, Words

EVERYBODY = "direction"  # the audience of a shop that names none


@dataclass(frozen=True)
class Audience:
    """One audience's selection. `kpis` are all it reads, in its order; `questions` those it decides by."""

    key: str
    title: Words
    essentials: tuple[str, ...]
    kpis: tuple[str, ...]
    questions: tuple[str, ...]


@cache
def shipped_audiences() -> dict[str, dict[str, Any]]:
    """The product's own audiences as `audiences.toml` writes them."""
    text = (files("ecom_pipeline.reports") / "audiences.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def make_audience(
    key: str,
    chosen: Mapping[str, Any],
    essentials: tuple[str, ...],
    kpis: Mapping[str, Kpi],
    questions: Iterable[str],
) -> Audience:
    """An audience from what a shop wrote of it, then what the product ships under its name, then everything.

    `chosen` holds any of title, essentials, kpis and questions; names that are neither KPI nor family are left out.
    """
    known = {**shipped_audiences().get(key, {}), **chosen}
    title = known.get("title") or {
        "fr": key.replace("_", " ").capitalize(),
        "en": key.replace("_", " ").capitalize(),
    }
    names = expand_families(known["kpis"], kpis) if known.get("kpis") else tuple(kpis)
    shown = tuple(name for name in known.get("essentials") or essentials if name in kpis)
    asked = tuple(questions)
    wanted = known.get("questions")
    return Audience(
        key,
        Words(**title),
        shown,
        tuple(dict.fromkeys((*names, *shown))),
        asked if wanted is None else tuple(name for name in wanted if name in asked),
    )


def expand_families(names: Iterable[str], kpis: Mapping[str, Kpi]) -> tuple[str, ...]:
    """KPI names, and those of every family named, each once and in the order of first mention."""
    found: dict[str, None] = {}
    for name in names:
        members = [name] if name in kpis else [key for key, kpi in kpis.items() if kpi.family == name]
        found |= dict.fromkeys(members)
    return tuple(found)
