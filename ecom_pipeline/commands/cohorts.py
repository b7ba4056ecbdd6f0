"""Cohorts in a terminal: two triangles, months downwards, months later to the right."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from rich.table import Table

from ecom_pipeline.commands.session import console
from ecom_pipeline.kpis.cohorts import Cohort
from ecom_pipeline.reports.formats import Formats

MOST_MONTHS = 13


def print_cohorts(cohorts: Sequence[Cohort], formats: Formats) -> None:
    """Print who came back, then what a customer had earned; months that are not over stay empty."""
    if not cohorts:
        console.print("No month is over yet.")
        return
    months = min(max(len(cohort.retention) for cohort in cohorts), MOST_MONTHS)
    back = _table("Customers who bought in the month, of those who first bought", months, cohorts)
    earned = _table("Contribution before marketing per customer, up to the month's end", months, cohorts)
    earned.add_column("Cost", justify="right")
    earned.add_column("Paid back", justify="right")
    for cohort in cohorts:
        head = [
            f"{cohort.month:%b %Y}",
            *([cohort.segment] if cohort.segment else []),
            f"{cohort.customers:,}",
        ]
        back.add_row(*head, *_cells([formats.percent(share, 0) for share in cohort.retention], months))
        cost = "" if cohort.acquisition_cost is None else _money(formats, cohort.acquisition_cost)
        paid = "" if cohort.payback_days is None else f"day {cohort.payback_days}"
        amounts = [_money(formats, amount) for amount in cohort.contribution]
        earned.add_row(*head, *_cells(amounts, months), cost, paid)
    console.print(back)
    console.print(earned)


def _table(title: str, months: int, cohorts: Sequence[Cohort]) -> Table:
    table = Table("First bought", title=title, title_justify="left", box=None, padding=(0, 1, 0, 0))
    if any(cohort.segment for cohort in cohorts):
        table.add_column("")
    table.add_column("People", justify="right")
    for later in range(months):
        table.add_column(str(later), justify="right")
    return table


def _cells(written: Sequence[str], months: int) -> list[str]:
    return [*written[:months], *[""] * (months - len(written))]


def _money(formats: Formats, amount: Decimal) -> str:
    return formats.money(amount, digits=0)
