"""Renders a cockpit as one HTML file that needs nothing from anywhere."""

from __future__ import annotations

import base64
import json
import zlib
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from ecom_pipeline.cockpit.cockpit import Cockpit
from ecom_pipeline.cockpit.encode import encode_cockpit
from ecom_pipeline.cockpit.page import policy, script, style
from ecom_pipeline.cockpit.periods import DEPTHS, WEEK
from ecom_pipeline.cockpit.sections import (
    write_answers,
    write_banner,
    write_cohorts,
    write_essential,
    write_quality,
    write_signals,
)
from ecom_pipeline.cockpit.writer import CockpitWriter

LARGEST = 500_000  # bytes of a file; more is slow to mail and to open on a telephone
RECONCILING = ("reconciliation", "shop_figure")


def render_cockpit(cockpit: Cockpit, language: str) -> str:
    """The cockpit as one HTML document: numbers, styles, scripts and fonts inside, nothing fetched.

    Segments go less far back where the file would be larger than `LARGEST` bytes.

    Raises:
        DefinitionError: the cockpit is not written in this language.
    """
    writer = CockpitWriter(cockpit, language)
    template, context = _environment().get_template("cockpit.html.j2"), _context(writer)
    page = ""
    for depth in DEPTHS:
        page = template.render(
            context,
            policy=policy(),
            style=Markup(style()),
            script=Markup(script()),
            data=pack(encode_cockpit(writer, depth)),
        )
        if len(page.encode()) <= LARGEST:
            break
    return page


def pack(data: dict[str, Any]) -> str:
    """The page's data, compressed, in characters none of which can end the element around it."""
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode(), 9)).decode("ascii")


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("ecom_pipeline.cockpit"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _context(writer: CockpitWriter) -> dict[str, Any]:
    cockpit, request = writer.cockpit, writer.cockpit.request
    return {
        "say": writer.words.say,
        "report_say": writer.report_words.say,
        "language": writer.language,
        "shop": request.shop_name,
        "audience": writer.text(request.audience.title),
        "until": writer.formats.dated(request.newest_day),
        "generated": writer.formats.instant(request.generated_at),
        "created": request.generated_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "banner": write_banner(writer),
        "week": cockpit.spans[WEEK][0].last_day.isocalendar().week,
        "essentials": [
            write_essential(writer, key) for key in request.audience.essentials if key in cockpit.kpis
        ],
        "signals": write_signals(writer),
        "cohorts": write_cohorts(writer),
        "has_cash": any(key in cockpit.kpis for key in ("cash_balance", "net_cash_flow")),
        "reconciling": write_answers(writer, RECONCILING),
        "answers": write_answers(writer, RECONCILING, but=True),
        "quality": write_quality(writer),
    }
