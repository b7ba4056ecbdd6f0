"""The ways vendors page their lists, one generator each.

All of them end at an empty page, and refuse a vendor that serves the same page again or whose
cursor leads back: going on would double rows or never end, stopping would lose the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from ecom_pipeline.errors import SourceError

T = TypeVar("T")


class PagingError(SourceError):
    """The vendor's pages do not follow one another."""

    def __init__(self, subject: str, why: str) -> None:
        super().__init__(
            f"{subject}: the vendor's pages do not follow one another.",
            why=why,
            mend="Run this window again; if it happens again, tell the vendor's support.",
        )


def by_cursor(fetch: Callable[[str | None], tuple[Sequence[T], str | None]], subject: str) -> Iterator[T]:
    """Items of all pages; `fetch(cursor)` gives a page and the next cursor, None after the last.

    Raises:
        PagingError: a cursor comes back, or a page is served twice running.
    """
    cursor: str | None = None
    seen: set[str] = set()
    previous: Sequence[T] = ()
    while True:
        page, following = fetch(cursor)
        _refuse_repetition(page, previous, subject)
        yield from page
        if not page or not following:
            return
        if following in seen:
            raise PagingError(subject, f"After {len(seen) + 1} pages a cursor came back that had been used.")
        seen.add(following)
        cursor, previous = following, page


def by_page_number(
    fetch: Callable[[int], tuple[Sequence[T], int | None]], subject: str, first: int = 1
) -> Iterator[T]:
    """Items of all pages; `fetch(number)` gives a page and the next page's number, None after the last.

    Raises:
        PagingError: the next number is not greater, or a page is served twice running.
    """
    number = first
    previous: Sequence[T] = ()
    while True:
        page, following = fetch(number)
        _refuse_repetition(page, previous, subject)
        yield from page
        if not page or following is None:
            return
        if following <= number:
            raise PagingError(subject, f"Page {number} names page {following} as the next one.")
        number, previous = following, page


def starting_after(
    fetch: Callable[[str | None], tuple[Sequence[T], bool]], id_of: Callable[[T], str], subject: str
) -> Iterator[T]:
    """Items of all pages; `fetch(id of the last item)` gives a page and whether more follow.

    Raises:
        PagingError: a page ends with an item that already ended another, or is served twice running.
    """

    def page_after(last: str | None) -> tuple[Sequence[T], str | None]:
        page, more = fetch(last)
        return page, id_of(page[-1]) if page and more else None

    return by_cursor(page_after, subject)


def by_offset(fetch: Callable[[int], tuple[Sequence[T], int]], subject: str) -> Iterator[T]:
    """Items of all pages; `fetch(offset)` gives a page and how many items there are in all.

    Raises:
        PagingError: a page is served twice running, or an empty one before the announced end.
    """
    offset = 0
    previous: Sequence[T] = ()
    while True:
        page, total = fetch(offset)
        _refuse_repetition(page, previous, subject)
        yield from page
        if not page and offset < total:
            raise PagingError(subject, f"Only {offset} of the {total} announced rows came.")
        offset += len(page)
        if not page or offset >= total:
            return
        previous = page


def _refuse_repetition(page: Sequence[T], previous: Sequence[T], subject: str) -> None:
    if page and page == previous:
        raise PagingError(subject, f"A page of {len(page)} rows was served twice running.")
