"""What a report told its readers, kept when it goes out, so that a corrected one can name what it changes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from ecom_pipeline.errors import ConfigurationError
from ecom_pipeline.reports.report import ChangedFigure, Report


class NothingToCorrect(ConfigurationError):
    """A correction was asked for, and readers have the right numbers or none."""


@dataclass(frozen=True)
class SentValues:
    """The values of the edition that went out, by KPI, and when they were computed (UTC)."""

    computed_at: datetime
    values: Mapping[str, Decimal | None]


def told_values(report: Report) -> dict[str, Any]:
    """Every value the report tells its audience, as it is written beside the report."""
    return {
        "computed_at": report.request.generated_at.isoformat(),
        "values": {
            key: None if (value := report.figures[key].current.value) is None else str(value)
            for key in report.audience.kpis
        },
    }


def read_sent(file: Path) -> SentValues:
    """The values of the edition that went out.

    Raises:
        NothingToCorrect: none did.
    """
    if not file.is_file():
        raise NothingToCorrect(
            "There is nothing to correct.",
            why="This report was never sent, so nobody has old numbers.",
            mend="Send it without --corrected.",
        )
    told = json.loads(file.read_text(encoding="utf-8"))
    values = {key: None if value is None else Decimal(value) for key, value in told["values"].items()}
    return SentValues(datetime.fromisoformat(told["computed_at"]), values)


def find_changes(sent: SentValues, report: Report) -> tuple[ChangedFigure, ...]:
    """The KPIs that read differently now, essentials first, then in the audience's order.

    Raises:
        NothingToCorrect: none does.
    """
    order = dict.fromkeys((*report.audience.essentials, *report.audience.kpis))
    changes = tuple(
        ChangedFigure(key, sent.values[key], report.figures[key].current.value)
        for key in order
        if key in sent.values and sent.values[key] != report.figures[key].current.value
    )
    if not changes:
        raise NothingToCorrect(
            "There is nothing to correct.",
            why="Every value is the one that was sent.",
            mend="Use --resend to send the same report again.",
        )
    return changes
