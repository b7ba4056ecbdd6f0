"""Every way of paging gives each item once, ends, and refuses pages that go in circles."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from ecom_pipeline.sources.pagination import (
    PagingError,
    by_cursor,
    by_offset,
    by_page_number,
    starting_after,
)

ITEMS = list(range(10))


def cursor_pages(cursor: str | None) -> tuple[list[int], str | None]:
    start = int(cursor or 0)
    return ITEMS[start : start + 4], str(start + 4) if start + 4 < len(ITEMS) else None


def numbered_pages(number: int) -> tuple[list[int], int | None]:
    return ITEMS[4 * number - 4 : 4 * number], number + 1 if 4 * number < len(ITEMS) else None


def pages_after(last: str | None) -> tuple[list[int], bool]:
    start = int(last) + 1 if last is not None else 0
    return ITEMS[start : start + 4], start + 4 < len(ITEMS)


def offset_pages(offset: int) -> tuple[list[int], int]:
    return ITEMS[offset : offset + 4], len(ITEMS)


@pytest.mark.parametrize(
    "items",
    [
        by_cursor(cursor_pages, "s"),
        by_page_number(numbered_pages, "s"),
        starting_after(pages_after, str, "s"),
        by_offset(offset_pages, "s"),
    ],
    ids=["cursor", "page", "after", "offset"],
)
def test_every_item_comes_once(items: Iterator[int]) -> None:
    assert list(items) == ITEMS


@pytest.mark.parametrize(
    "read",
    [
        lambda: by_cursor(lambda cursor: ([], "again"), "s"),
        lambda: by_page_number(lambda number: ([], number + 1), "s"),
        lambda: starting_after(lambda last: ([], True), str, "s"),
        lambda: by_offset(lambda offset: ([], 0), "s"),
    ],
)
def test_an_empty_page_ends(read: Callable[[], Iterator[Any]]) -> None:
    assert list(read()) == []


def test_a_looping_cursor_is_named() -> None:
    following = {None: "a", "a": "b", "b": "a"}
    with pytest.raises(PagingError, match="cursor came back"):
        list(by_cursor(lambda cursor: ([cursor], following[cursor]), "shop, orders"))


def test_an_item_that_ends_two_pages_is_a_loop() -> None:
    pages = iter(([1, 2], [3, 4], [5, 2], [9, 9]))
    with pytest.raises(PagingError):
        list(starting_after(lambda last: (next(pages), True), str, "shop"))


def test_a_page_number_that_stays_is_named() -> None:
    pages = iter(([1], [2]))
    with pytest.raises(PagingError, match="names page 1"):
        list(by_page_number(lambda number: (next(pages), 1), "shop"))


@pytest.mark.parametrize(
    "read",
    [
        lambda: by_cursor(lambda cursor: ([1, 2], str(int(cursor or 0) + 1)), "shop"),
        lambda: by_page_number(lambda number: ([1, 2], number + 1), "shop"),
        lambda: by_offset(lambda offset: ([1, 2], 100), "shop"),
    ],
)
def test_a_repeated_page_is_named(read: Callable[[], Iterator[int]]) -> None:
    with pytest.raises(PagingError, match="served twice"):
        list(read())


def test_fewer_rows_than_announced_are_named() -> None:
    pages = iter(([1, 2], []))
    with pytest.raises(PagingError, match="Only 2 of the 5"):
        list(by_offset(lambda offset: (next(pages), 5), "shop"))
