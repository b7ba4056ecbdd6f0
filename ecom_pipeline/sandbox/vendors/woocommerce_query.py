"""What WooCommerce's lists may be asked, how they are ordered, and WordPress's errors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from ecom_pipeline.sandbox.endpoint import Answer, Call

T = TypeVar("T")

MOST_A_PAGE = 100
EVERYWHERE = (
    "context", "page", "per_page", "search", "exclude", "include", "offset", "order", "orderby", "_fields",
)  # fmt: skip
DATED = ("after", "before", "modified_after", "modified_before", "dates_are_gmt")
META = ("include_meta", "exclude_meta")
ARGUMENTS = {
    "orders": (*EVERYWHERE, *DATED, *META, "status", "customer", "product", "dp", "parent", "created_via"),
    "refunds": (*EVERYWHERE, *DATED, *META, "parent", "dp"),
    "products": (*EVERYWHERE, *DATED, *META, "status", "type", "sku"),
    "variations": (*EVERYWHERE, *DATED, *META, "status", "sku"),
    "reviews": (*EVERYWHERE, "after", "before", "product", "status", "reviewer"),
}
POSTS = ("date", "id", "modified", "include", "title", "slug")
ORDERED_BY = {
    "orders": POSTS,
    "refunds": POSTS,
    "products": (*POSTS, "price"),
    "variations": (*POSTS, "price"),
    "reviews": ("date", "date_gmt", "id", "include", "product"),
}


class Refused(Exception):
    """The request is answered with one of WordPress's errors."""

    def __init__(self, status: int, code: str, message: str, **params: str) -> None:
        super().__init__(message)
        self.answer = error_answer(status, code, message, params)


def arguments(call: Call, resource: str) -> dict[str, str]:
    """The query, checked as the site's schema checks it. Raises Refused."""
    asked: dict[str, str] = {}
    for name, value in call.query:
        if name not in ARGUMENTS[resource]:
            raise AssertionError(
                f"WooCommerce would ignore {name} in silence; no client of ours should ask it"
            )
        asked[name] = value
    for name, most in (("page", None), ("per_page", MOST_A_PAGE)):
        text = asked.get(name, "1")
        if not text.isdigit() or int(text) < 1 or (most is not None and int(text) > most):
            raise invalid(name, f"{name} is out of bounds")
    if asked.get("orderby", "date") not in ORDERED_BY[resource]:
        raise invalid("orderby", "orderby is not one of the allowed")
    if asked.get("order", "desc") not in ("asc", "desc"):
        raise invalid("order", "order is not one of the allowed")
    return asked


def invalid(name: str, why: str) -> Refused:
    return Refused(400, "rest_invalid_param", f"Invalid parameter(s): {name}", **{name: why})


def arranged(
    asked: Mapping[str, str],
    found: Iterable[T],
    instants: Callable[[T], tuple[datetime, datetime]],
    number: Callable[[T], int],
) -> list[T]:
    """The items in the order asked for; `instants` are those of creation and of the last change.

    Dates have whole seconds, and the database leaves what is of the same second in any order: here in
    another one on every second page.
    """
    by, mood = asked.get("orderby", "date"), 1 if int(asked.get("page", "1")) % 2 else -1

    def place(one: T) -> tuple[datetime, int] | int:
        if by == "id":
            return number(one)
        return instants(one)[by == "modified"].replace(microsecond=0), mood * number(one)

    return sorted(found, key=place, reverse=asked.get("order", "desc") == "desc")


def page_of(
    call: Call, asked: Mapping[str, str], found: list[T], write: Callable[[T], dict[str, Any]]
) -> Answer:
    """One page of a list, with the totals and the ways to the pages beside it in its headers."""
    number, size = int(asked.get("page", "1")), int(asked.get("per_page", "10"))
    pages = -(-len(found) // size)
    page = [only(write(one), asked.get("_fields")) for one in found[(number - 1) * size : number * size]]
    others = [(name, value) for name, value in call.query if name != "page"]
    beside = [("prev", number - 1)] * (number > 1) + [("next", number + 1)] * (number < pages)
    links = [f'<{call.url}?{urlencode([*others, ("page", at)])}>; rel="{name}"' for name, at in beside]
    headers = {"X-WP-Total": str(len(found)), "X-WP-TotalPages": str(pages)}
    if links:
        headers["Link"] = ", ".join(links)
    series = call.path + "&".join(f"{name}={value}" for name, value in others)
    return Answer(page, headers=headers, series=series, continues=number > 1)


def only(item: dict[str, Any], fields: str | None) -> dict[str, Any]:
    """The item with the fields asked for, nested ones as `billing.email`."""
    if not fields:
        return item
    kept: dict[str, Any] = {}
    for field in fields.split(","):
        outer, _, inner = field.partition(".")
        if outer not in item:
            continue
        if inner:
            kept.setdefault(outer, {})[inner] = item[outer][inner]
        else:
            kept[outer] = item[outer]
    return kept


def error_answer(status: int, code: str, message: str, params: Mapping[str, str] | None = None) -> Answer:
    data: dict[str, Any] = {"status": status}
    if params:
        data["params"] = dict(params)
    return Answer({"code": code, "message": message, "data": data}, status)
