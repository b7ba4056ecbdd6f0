"""What an order of PrestaShop tells: the states it went through, and the row it becomes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ecom_pipeline.sources.contract import Row
from ecom_pipeline.sources.fields import Fields
from ecom_pipeline.sources.prestashop.lines import given_up_lines, sale_lines, slip_lines
from ecom_pipeline.sources.pseudonym import pseudonym


@dataclass(frozen=True)
class State:
    """An order's state as the shop set it up: whether orders count in it, and whether the parcel has left."""

    counts: bool
    shipped: bool


@dataclass(frozen=True)
class Site:
    """What holds for every order of a shop, by the numbers orders name it with."""

    zone: ZoneInfo
    states: Mapping[int, State]
    currencies: Mapping[int, str]
    countries: Mapping[int, str]
    cancelled_states: Sequence[int]


@dataclass(frozen=True)
class Parts:
    """What other resources tell of one order."""

    details: Sequence[Fields]
    slips: Sequence[Fields]
    histories: Sequence[Fields]
    rules: Sequence[Fields]
    email: str | None
    country: int | None
    code: str | None


@dataclass(frozen=True)
class Progress:
    """Whether an order ever counted, when its parcel left, when it was given up, and when it was cancelled."""

    is_counted: bool
    shipped_at: datetime | None
    given_up_at: datetime | None
    cancelled_at: datetime | None


def order_row(order: Fields, parts: Parts, site: Site, key: bytes) -> Row:
    """The row of an order with the lines of the sale, of its credit slips, and of its end."""
    created_at = instant(order, "date_add", site.zone)
    touched = [instant(order, "date_upd", site.zone)]
    touched += [instant(slip, "date_upd", site.zone) for slip in parts.slips]
    progress = progress_of(order, parts.histories, site)
    sold = sale_lines(order, parts.details, parts.rules, created_at)
    back = [
        line
        for slip in parts.slips
        for line in slip_lines(slip, parts.details, instant(slip, "date_add", site.zone))
    ]
    if progress.given_up_at is not None:
        back += given_up_lines([*sold, *back], progress.given_up_at)
    return {
        "id": str(order.integer("id")),
        "reference": order.text("reference") or None,
        "state": str(order.integer("current_state")),
        "is_counted": progress.is_counted,
        "currency": currency_of(order, site),
        "created_at": created_at,
        "updated_at": max(touched),
        "shipped_at": progress.shipped_at,
        "cancelled_at": progress.cancelled_at,
        "customer": pseudonym(parts.email, key),
        "country": None if parts.country is None else site.countries.get(parts.country),
        "discount_code": parts.code,
        "lines": [*sold, *back],
    }


def currency_of(order: Fields, site: Site) -> str:
    number = order.integer("id_currency")
    if number not in site.currencies:
        raise order.error("the field id_currency", "names no currency of the shop", number)
    return site.currencies[number]


def progress_of(order: Fields, histories: Sequence[Fields], site: Site) -> Progress:
    """How an order fared, told by the states it went through.

    One that counted once was sold. One that counts no more was given up with the first state after the last in which
    it counted, unless it comes back: its present state decides.
    """
    path = [
        (instant(one, "date_add", site.zone), one.integer("id_order_state"))
        for one in sorted(histories, key=lambda one: one.integer("id"))
    ]
    present = order.integer("current_state")
    if not path or path[-1][1] != present:
        path.append((instant(order, "date_upd", site.zone), present))
    unknown = State(counts=False, shipped=False)
    states = [site.states.get(number, unknown) for _, number in path]
    counted = [at for at, state in enumerate(states) if state.counts]
    shipped = [at for (at, _), state in zip(path, states, strict=True) if state.shipped]
    given_up = path[counted[-1] + 1][0] if counted and not states[-1].counts else None
    return Progress(
        is_counted=bool(counted),
        shipped_at=shipped[0] if shipped else None,
        given_up_at=given_up,
        cancelled_at=given_up if present in site.cancelled_states else None,
    )


def instant(item: Fields, name: str, zone: ZoneInfo) -> datetime:
    """A time written in the shop's zone, as an instant; of the hour there is twice a year, the first is meant."""
    text = item.text(name)
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone).astimezone(UTC)
    except ValueError:
        raise item.error(f"the field {name}", "is no time", text) from None
