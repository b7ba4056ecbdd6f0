"""Which of the statements in a folder count, and whether they follow one another without a hole.

Banks send a statement twice, correct it, or forget one. Statements that close on the same day under the same
number or name are versions of one, and the one made last counts. That nothing is missing is told by the balances
(each begins where the one before it ended, and ends where its entries lead), and by the numbers where a bank tells no
balances.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from ecom_pipeline.sources.camt053.reading import Statement
from ecom_pipeline.sources.camt053.tables import shown

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Problem:
    """Days of an account that its statements do not tell; not `certain` where only a number was skipped."""

    first_day: date
    last_day: date
    why: str
    certain: bool = True


def counted(statements: Iterable[Statement]) -> list[Statement]:
    """The newest version of each statement, account by account in their order."""
    made = sorted(statements, key=lambda one: (one.created_at, one.file, one.ordinal))
    by_name = {(one.account, one.closing_day, one.page, one.statement_id): one for one in made}
    made = sorted(by_name.values(), key=lambda one: (one.created_at, one.file, one.ordinal))
    by_number = {
        (one.account, one.closing_day, one.page, one.number or one.statement_id): one for one in made
    }
    return sorted(by_number.values(), key=_order)


def problems(statements: list[Statement]) -> list[Problem]:
    """What is missing between and within counted statements."""
    accounts: defaultdict[str, list[list[Statement]]] = defaultdict(list)
    for one in statements:
        pages = accounts[one.account]
        if pages and one.page > 1 and _name(pages[-1][0]) == _name(one):
            pages[-1].append(one)
        else:
            pages.append([one])
    found: list[Problem] = []
    for whole in accounts.values():
        found += [problem for pages in whole if (problem := _within(pages))]
        found += [problem for pair in pairwise(whole) if (problem := _between(*pair))]
    return found


def _name(one: Statement) -> tuple[str, date, int]:
    return (one.account, one.closing_day, one.number or 0)


def _order(one: Statement) -> tuple[object, ...]:
    return (*_name(one), one.page, one.created_at, one.file, one.ordinal)


def _within(pages: list[Statement]) -> Problem | None:
    first, last = pages[0], pages[-1]
    if first.opening is None or last.closing is None:
        return None
    moved = sum(one.moved for one in pages)
    if first.opening + moved == last.closing:
        return None
    day = last.closing_day
    why = f"the statement of {shown(last.account)} that closes on {day} does not add up: an entry or a page is missing"
    return Problem(day, day, f"{why} ({last.file})")


def _between(before: list[Statement], after: list[Statement]) -> Problem | None:
    """A hole between two statements of one account."""
    closed, opens = before[-1], after[0]
    first_day = min(closed.closing_day + ONE_DAY, after[-1].closing_day)
    where = f"between {closed.file} and {opens.file} of {shown(opens.account)}"
    skipped = closed.number is not None and opens.number is not None and opens.number > closed.number + 1
    last_day = after[-1].closing_day
    told = closed.closing is not None and opens.opening is not None
    if told and closed.closing != opens.opening:
        why = f"a statement is missing {where}: one does not begin where the other ends"
        return Problem(first_day, last_day, why)
    if skipped:
        why = f"the numbers {where} go from {closed.number} to {opens.number}"
        return Problem(first_day, last_day, why, certain=not told)
    return None
