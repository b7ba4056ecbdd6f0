"""What every command begins with: the configuration it works on, and its days, weeks and languages."""

from __future__ import annotations

import difflib
import json
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import typer
from rich.console import Console

from ecom_pipeline.demo import recorded_plan, simulated_vendors
from ecom_pipeline.editions import Edition, report_choices
from ecom_pipeline.errors import ConfigurationError, EcomError
from ecom_pipeline.kpis.values import Period, period_bounds
from ecom_pipeline.periods import (
    ReportPeriod,
    Rhythm,
    newest_complete,
    parse_period,
    week_ending,
)
from ecom_pipeline.pipeline import Pipeline
from ecom_pipeline.settings import Settings, load_settings

PROGRAM = "ecom-pipeline"
LANGUAGES = ("fr", "en")
LIBRARIES = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
console = Console(highlight=False)
notices = Console(stderr=True, highlight=False)


@dataclass
class Session:
    """One call of the command line."""

    config: Path | None

    @cached_property
    def settings(self) -> Settings:
        return load_settings(self.config)

    @property
    def has_settings(self) -> bool:
        """Whether the configuration was read already."""
        return "settings" in self.__dict__

    @cached_property
    def pipeline(self) -> Pipeline:
        return Pipeline(self.settings)

    @contextmanager
    def reachable(self) -> Iterator[Pipeline]:
        """The pipeline while its sources can be read: a demo's simulated vendors are started for it."""
        folder = self.settings.file.parent
        plan = recorded_plan(folder)
        if plan is None:
            yield self.pipeline
            return
        notices.print("The demo's simulated shop answers while this runs …", style="dim")
        with simulated_vendors(folder, plan) as config:
            yield Pipeline(load_settings(config))


def session_of(context: typer.Context) -> Session:
    """The session the entry point made."""
    session = context.obj
    assert isinstance(session, Session)
    return session


def print_json(thing: Any) -> None:
    """Write for a program: decimals and days as text, keys in their given order."""
    typer.echo(json.dumps(thing, ensure_ascii=False, indent=1, default=_as_text))


def _as_text(thing: Any) -> str:
    if isinstance(thing, Decimal):
        return format(thing, "f")
    return thing.isoformat() if isinstance(thing, date) else str(thing)


def parse_day(text: str, option: str) -> date:
    """A local day as 2026-11-21.

    Raises:
        ConfigurationError: it is no day of the calendar.
    """
    try:
        if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
            return date.fromisoformat(text)
        why = "A day is written as year-month-day."
    except ValueError as error:
        why = f"{str(error).capitalize()}."
    raise ConfigurationError(
        f"{option} {text!r} is not a day.", why=why, mend=f"Write it like {option} 2026-11-21."
    )


def parse_week(text: str) -> date:
    """The last day (a Sunday) of an ISO week written as 2026-W46 or as any of its days.

    Raises:
        ConfigurationError: there is no such week.
    """
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        day = parse_day(text, "--week")
        return day + timedelta(days=7 - day.isoweekday())
    found = re.fullmatch(r"(\d{4})-?W(\d{1,2})", text.strip().upper())
    if found is None:
        raise ConfigurationError(
            f"{text!r} is not a week.", why="Weeks are ISO weeks.", mend="Write it like --week 2026-W46."
        )
    year, week = int(found[1]), int(found[2])
    try:
        return date.fromisocalendar(year, week, 7)
    except ValueError:
        weeks = date(year, 12, 28).isocalendar().week
        raise ConfigurationError(
            f"There is no week {text}.", mend=f"{year} has the weeks {year}-W01 to {year}-W{weeks:02d}."
        ) from None


def parse_month(text: str) -> date:
    """The last day of a month written as 2026-11 or as any of its days.

    Raises:
        ConfigurationError: there is no such month.
    """
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        return period_bounds(Period.MONTH, parse_day(text, "--month"))[1]
    period = parse_period(text)
    if period is None or period.rhythm is not Rhythm.MONTHLY:
        raise ConfigurationError(f"{text!r} is not a month.", mend="Write it like --month 2026-11.")
    return period.last_day


def chosen_period(pipeline: Pipeline, week: str | None, month: str | None) -> ReportPeriod:
    """The week or month asked for; the newest complete week where neither is.

    Raises:
        ConfigurationError: both are named, or one cannot be read.
    """
    if week and month:
        raise ConfigurationError("--week and --month name two reports.", mend="Leave one of them out.")
    if month:
        return ReportPeriod(Rhythm.MONTHLY, parse_month(month))
    if week:
        return week_ending(parse_week(week))
    return newest_complete(Rhythm.WEEKLY, pipeline.newest_day())


def chosen_editions(
    settings: Settings, period: ReportPeriod, audience: str | None, language: str | None
) -> list[Edition]:
    """The period's reports of an audience and a language, of all where they are not named.

    Raises:
        ConfigurationError: the audience or the language is not configured.
    """
    if audience is not None:
        require_known(audience, settings.audiences, "audience")
    if language is not None:
        require_known(language, LANGUAGES, "language")
    editions = [
        Edition(period, *one)
        for one in report_choices(settings)
        if audience in (None, one[0]) and language in (None, one[1])
    ]
    if not editions:
        raise ConfigurationError(
            f"No report is written for {audience or 'anybody'} in {language}.",
            mend="See languages in [report] and [audiences] of ecom.toml.",
        )
    return editions


def require_known(name: str, names: Iterable[str], kind: str) -> str:
    """The name itself when it is one of the names.

    Raises:
        ConfigurationError: it is not; tells the nearest ones.
    """
    valid = list(names)
    if name in valid:
        return name
    near = difflib.get_close_matches(name, valid, 3)
    near += [other for other in valid if name and name in other and other not in near][: 3 - len(near)]
    hint = f"Did you mean {' or '.join(near)}?" if near else f"Valid names: {', '.join(valid)}."
    raise ConfigurationError(f"There is no {kind} {name!r}.", mend=hint)


@contextmanager
def native_libraries() -> Iterator[None]:
    """Tell a missing library of the PDF renderer, which is loaded inside, in words."""
    try:
        yield
    except OSError as error:
        if "library" not in str(error):
            raise
        raise EcomError(
            "The PDF renderer cannot be loaded: a native library is missing.",
            why=str(error).splitlines()[0],
            mend=f"sudo apt-get install {LIBRARIES}",
        ) from None


def shown_command() -> str:
    """How the person here called this program."""
    called = Path(sys.argv[0])
    here = called.name == PROGRAM and not shutil.which(PROGRAM)
    return shown_path(called.absolute()) if here else PROGRAM


def shown_path(path: Path) -> str:
    """The path as a person here would type it."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def shown_counts(counts: Mapping[str, int]) -> str:
    """Counts in words, zeros left out."""
    return ", ".join(f"{number} {name}{'s' * (number != 1)}" for name, number in counts.items() if number)
