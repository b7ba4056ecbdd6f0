"""Relay pages: root lists by sort key, so that a moving list loses nothing; nested ones by position."""

from __future__ import annotations

import base64
import binascii
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from graphql import GraphQLError

from ecom_pipeline.sandbox.vendors.shopify.snapshot import Listing

MAX_PAGE = 250
MAX_DEPTH = 25_000


class Page(NamedTuple):
    """One page: `cursor(i)` is that of `items[i]`."""

    items: Sequence[Any]
    cursor: Callable[[int], str]
    has_next: bool
    has_previous: bool


def page_size(args: Mapping[str, Any], *, required: bool) -> int:
    """How many are asked for. Raises GraphQLError as the vendor does for a missing or unfit number."""
    asked = [args[name] for name in ("first", "last") if args.get(name) is not None]
    if len(asked) > 1:
        raise refused("Providing both first and last is not supported")
    if not asked:
        if required:
            raise refused("You must provide one of first or last")
        return MAX_PAGE
    if not 0 < asked[0] <= MAX_PAGE:
        raise refused(f"A page holds 1 to {MAX_PAGE} items, {asked[0]} were asked for")
    return int(asked[0])


def refused(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": "BAD_REQUEST"})


def encode_cursor(*numbers: int) -> str:
    return base64.urlsafe_b64encode(":".join(map(str, numbers)).encode()).decode()


def decode_cursor(text: str, size: int) -> tuple[int, ...]:
    """The numbers inside. Raises GraphQLError for a cursor the vendor never gave."""
    try:
        numbers = tuple(map(int, base64.urlsafe_b64decode(text.encode()).decode().split(":")))
    except (ValueError, binascii.Error):
        numbers = ()
    if len(numbers) != size:
        raise GraphQLError("Invalid cursor for current pagination sort.", extensions={"code": "BAD_REQUEST"})
    return numbers


def bounds(size: int, args: Mapping[str, Any], low: int, high: int) -> tuple[int, int]:
    """The slice of [low, high) that `first` or `last` leaves."""
    return (max(low, high - size), high) if args.get("last") is not None else (low, min(high, low + size))


def sequence_page(items: Sequence[Any], args: Mapping[str, Any]) -> Page:
    """A page of a short list inside an object."""
    if args.get("reverse"):
        items = items[::-1]
    low = decode_cursor(args["after"], 1)[0] + 1 if args.get("after") else 0
    high = decode_cursor(args["before"], 1)[0] if args.get("before") else len(items)
    start, stop = bounds(page_size(args, required=False), args, low, high)
    return Page(items[start:stop], lambda i: encode_cursor(start + i), stop < len(items), start > 0)


def listing_page(listing: Listing, args: Mapping[str, Any]) -> Page:
    """A page of a root list. Raises GraphQLError beyond the depth the vendor pages to."""
    keys, items = listing
    low = bisect_right(keys, decode_cursor(args["after"], 2)) if args.get("after") else 0
    high = bisect_left(keys, decode_cursor(args["before"], 2)) if args.get("before") else len(keys)
    start, stop = bounds(page_size(args, required=True), args, low, high)
    if stop > MAX_DEPTH:
        raise GraphQLError(
            f"Pages end at {MAX_DEPTH} objects: narrow the query or use a bulk operation",
            extensions={"code": "PAGINATION_DEPTH_EXCEEDED"},
        )
    return Page(items[start:stop], lambda i: encode_cursor(*keys[start + i]), stop < len(keys), start > 0)
